/* REGISTER as a registrar reads it (RFC 3261 10.3, RFC 3327, RFC 3581). What is kept is the owner's business;
 * the expiry, the order of requests and the answer to "Contact: *" are decided there too. */
#include "signaling/sip/internal.h"

#include "signaling/sip/address.h"

#include <sofia-sip/sip_status.h>
#include <sofia-sip/url.h>

#include <stdlib.h>
#include <string.h>

#define MAX_CONTACTS 10
#define MAX_URI      512
#define MAX_ROUTE    1024
#define MALFORMED_S  3600 /* an expiry that cannot be read (RFC 3261 20.10) */

/* Everything that a SigSipRegistration points to. */
typedef struct
{
  GArray *contacts; /* of SigSipContact, their texts owned */
  char *route;      /* (nullable) */
  gboolean removes_all;
} Contacts;

static void
clear_contacts (Contacts *contacts)
{
  for (guint i = 0; contacts->contacts != NULL && i < contacts->contacts->len; i++)
    {
      SigSipContact *contact = &g_array_index (contacts->contacts, SigSipContact, i);
      g_free ((char *)contact->uri);
      g_free ((char *)contact->key);
      g_free ((char *)contact->send_to);
    }
  g_clear_pointer (&contacts->contacts, g_array_unref);
  g_free (contacts->route);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Contacts, clear_contacts)

/* A local name that only its own network knows. */
static gboolean
is_local_name (const char *host)
{
  return g_ascii_strcasecmp (host, "localhost") == 0 || g_str_has_suffix (host, ".invalid")
         || g_str_has_suffix (host, ".local");
}

/* The sender's own address, with no proxy between us: over a connection nobody else gets there, and behind
 * NAT the packet's source is what the router opened. */
static gboolean
is_reached_at_source (const SigSipPeer *peer, sip_t const *message, const url_t *contact)
{
  const sip_via_t *via = message->sip_via;
  g_autofree char *host = sig_sip_host (contact);

  if (via == NULL || via->v_next != NULL || message->sip_path != NULL)
    return FALSE;
  if (is_local_name (host))
    return TRUE;
  if (!sig_sip_address_is_numeric (host))
    return FALSE;
  if (peer->is_tcp || strcmp (host, peer->host) != 0)
    return TRUE;
  if (via->v_rport == NULL)
    return FALSE;

  const char *port = contact->url_port != NULL ? contact->url_port : "5060";
  const char *via_port = via->v_port != NULL ? via->v_port : "5060";
  return strcmp (port, via_port) == 0 && g_ascii_strtoull (port, NULL, 10) != peer->port;
}

static char *
source_uri (const SigSipPeer *peer)
{
  return g_strdup_printf (peer->is_ipv6 ? "sip:[%s]:%u;transport=%s" : "sip:%s:%u;transport=%s", peer->host,
                          peer->port, sig_sip_peer_transport (peer));
}

/* Two texts of one URI: what counts without regard to case is made small (RFC 3261 19.1.4). With RFC 5626 it
 * is the phone that counts, and not the address that it has just now. */
static char *
make_key (const sip_contact_t *contact)
{
  const char *instance = msg_params_find (contact->m_params, "+sip.instance=");
  const char *reg_id = msg_params_find (contact->m_params, "reg-id=");
  const url_t *url = contact->m_url;

  if (instance != NULL && reg_id != NULL && strlen (instance) + strlen (reg_id) < MAX_URI)
    return g_strdup_printf ("%s;%s", instance, reg_id);

  g_autofree char *host = g_ascii_strdown (url->url_host, -1);
  g_autofree char *params = url->url_params != NULL ? g_ascii_strdown (url->url_params, -1) : NULL;
  return g_strdup_printf ("%s:%s@%s:%s;%s", url->url_scheme, url->url_user != NULL ? url->url_user : "", host,
                          url->url_port != NULL ? url->url_port : "", params != NULL ? params : "");
}

static int
parse_seconds (const char *text)
{
  guint64 seconds;

  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT, &seconds, NULL))
    return MALFORMED_S;
  return (int)seconds;
}

static guint
parse_q (const char *text)
{
  double q = text != NULL ? g_ascii_strtod (text, NULL) : 1.0;

  return q >= 0.0 ? (guint)(MIN (q, 1.0) * 1000 + 0.5) : 0; /* "nan" is a number to strtod */
}

/* FALSE: a contact that we could not call. */
static gboolean
add_contact (Contacts *contacts, const SigSipPeer *peer, sip_t const *message, const sip_contact_t *header)
{
  su_home_t home[1] = { SU_HOME_INIT (home) };
  SigSipContact contact = { 0 };

  su_home_init (home);
  const char *uri = url_as_string (home, header->m_url);
  gboolean is_good = uri != NULL && strlen (uri) <= MAX_URI && header->m_url->url_host != NULL
                     && sig_sip_check_uri (uri, NULL);
  if (is_good)
    {
      contact.uri = g_strdup (uri);
      contact.key = make_key (header);
      contact.send_to = is_reached_at_source (peer, message, header->m_url) ? source_uri (peer) : NULL;
      contact.expires_s = header->m_expires != NULL ? parse_seconds (header->m_expires) : -1;
      contact.q_milli = parse_q (header->m_q);
      g_array_append_val (contacts->contacts, contact);
    }
  su_home_deinit (home);
  return is_good;
}

/* The proxies that want to see our requests to these contacts, as a Route header. FALSE: too long. */
static gboolean
read_path (Contacts *contacts, sip_t const *message)
{
  su_home_t home[1] = { SU_HOME_INIT (home) };
  GString *route = g_string_new (NULL);

  su_home_init (home);
  for (const sip_path_t *path = message->sip_path; path != NULL && route->len <= MAX_ROUTE;
       path = path->r_next)
    {
      const char *uri = url_as_string (home, path->r_url);
      g_string_append_printf (route, "%s<%s>", route->len > 0 ? ", " : "", uri != NULL ? uri : "");
    }
  su_home_deinit (home);
  gboolean is_good = route->len <= MAX_ROUTE;
  contacts->route = g_string_free (route, route->len == 0);
  return is_good;
}

/* Returns: 0, or the status to refuse with and its phrase. */
static int
read_contacts (Contacts *contacts, const SigSipPeer *peer, sip_t const *message, const char **phrase)
{
  const sip_contact_t *header = message->sip_contact;

  contacts->contacts = g_array_new (FALSE, FALSE, sizeof (SigSipContact));
  if (header != NULL && header->m_url->url_type == url_any)
    {
      contacts->removes_all = TRUE;
      gboolean is_good
          = header->m_next == NULL && message->sip_expires != NULL && message->sip_expires->ex_delta == 0;
      *phrase = "Contact * Needs Expires 0";
      return is_good ? 0 : 400;
    }
  for (; header != NULL; header = header->m_next)
    {
      if (contacts->contacts->len >= MAX_CONTACTS)
        {
          *phrase = "Too Many Contacts";
          return 403;
        }
      if (!add_contact (contacts, peer, message, header))
        {
          *phrase = "Bad Contact";
          return 400;
        }
    }
  *phrase = "Path Too Long";
  return read_path (contacts, message) ? 0 : 400;
}

/* (transfer full): the value of Contact: every binding with what is left of its time. */
static char *
contact_text (const GArray *bindings)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < bindings->len; i++)
    {
      const SigSipBinding *binding = &g_array_index (bindings, SigSipBinding, i);

      g_string_append_printf (out, "%s<%s>;expires=%u", out->len > 0 ? ", " : "", binding->uri,
                              binding->expires_s);
      if (binding->q_milli < 1000)
        g_string_append_printf (out, ";q=0.%03u", binding->q_milli);
    }
  return g_string_free (out, FALSE);
}

static void
respond (SigSipListener *listener, nua_handle_t *nh, const SigSipRegistrationAnswer *answer,
         const char *phrase, sip_t const *message)
{
  g_autofree char *contacts = contact_text (answer->bindings);
  g_autofree char *min_expires
      = answer->status == 423 ? g_strdup_printf ("Min-Expires: %u", answer->min_expires_s) : NULL;

  nua_respond (nh, answer->status, sig_sip_phrase (answer->status, phrase),
               NUTAG_WITH_CURRENT (listener->nua), TAG_IF (min_expires, SIPTAG_HEADER_STR (min_expires)),
               TAG_IF (answer->status == 200 && message->sip_path, SIPTAG_PATH (message->sip_path)),
               TAG_IF (answer->status == 200 && *contacts != '\0', SIPTAG_CONTACT_STR (contacts)),
               TAG_END ());
}

static void
ask (SigSipListener *listener, sip_t const *message, const char *username, const SigSipPeer *peer,
     const Contacts *contacts, SigSipRegistrationAnswer *answer)
{
  SigSip *sip = listener->sip;
  g_autofree char *user = sig_sip_user (message->sip_to->a_url);
  g_autofree char *call_id = sig_sip_text (message->sip_call_id->i_id);
  g_autofree char *agent
      = message->sip_user_agent != NULL ? sig_sip_text (message->sip_user_agent->g_string) : NULL;
  const sip_expires_t *expires = message->sip_expires;
  const SigSipRegistration registration = {
    .username = username,
    .user = user,
    .call_id = call_id,
    .cseq = message->sip_cseq->cs_seq,
    .removes_all = contacts->removes_all,
    .contacts = (const SigSipContact *)contacts->contacts->data,
    .n_contacts = contacts->contacts->len,
    .expires_s = expires != NULL ? (int)MIN (expires->ex_delta, G_MAXINT) : -1,
    .route = contacts->route,
    .source_address = peer->host,
    .source_port = peer->port,
    .transport = sig_sip_peer_transport (peer),
    .user_agent = agent,
  };

  answer->status = 200;
  for (guint i = 0; sip->ops->registration == NULL && i < contacts->contacts->len; i++)
    {
      const SigSipContact *contact = &g_array_index (contacts->contacts, SigSipContact, i);
      int wanted_s = contact->expires_s >= 0 ? contact->expires_s : registration.expires_s;
      const SigSipBinding binding
          = { contact->uri, wanted_s >= 0 ? MIN ((guint)wanted_s, MALFORMED_S) : MALFORMED_S,
              contact->q_milli };
      if (binding.expires_s > 0)
        g_array_append_val (answer->bindings, binding);
    }
  if (sip->ops->registration != NULL)
    sip->ops->registration (sip->owner, &registration, answer);
}

/* Only where takes_register put REGISTER into our Allow; elsewhere the stack answers 405. */
void
sig_sip_on_register (SigSipListener *listener, nua_handle_t *nh, sip_t const *message)
{
  g_autoptr (GArray) bindings = g_array_new (FALSE, TRUE, sizeof (SigSipBinding));
  SigSipRegistrationAnswer answer = { .bindings = bindings };
  g_auto (Contacts) contacts = { 0 };
  g_autofree char *username = NULL;
  const char *phrase = NULL;
  SigSipPeer peer;

  sig_sip_peer_of (nua_current_request (listener->nua), &peer);
  if (message->sip_max_forwards != NULL && message->sip_max_forwards->mf_count == 0)
    answer.status = 483;
  else if (!sig_sip_access (listener, nh, message, &username))
    return;
  else
    answer.status = read_contacts (&contacts, &peer, message, &phrase);
  if (answer.status == 0)
    {
      phrase = NULL;
      ask (listener, message, username, &peer, &contacts, &answer);
    }
  respond (listener, nh, &answer, phrase, message);
}
