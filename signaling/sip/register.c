#include "signaling/sip/register.h"

#include "config/base/error.h"
#include "config/base/ids.h"
#include "signaling/sip/address.h"
#include "signaling/sip/digest.h"
#include "signaling/sip/internal.h"
#include "signaling/sip/reply.h"

#include <sofia-sip/auth_client.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/su_alloc.h>

#include <string.h>

#define SILENCE_T1        8  /* for a server while others wait */
#define PATIENCE_T1       72 /* longer than the stack has it (64) */
#define MAX_SERVERS       32 /* addresses that calls of one registration may come from */
#define TOKEN_PREFIX      "sw"
#define MAX_SERVICE_ROUTE 1024

struct _SigSipRegistering
{
  SigSip *sip;
  char *name, *registrar, *user, *aor, *uri; /* uri: Request-URI of REGISTER */
  char *credentials;                         /* (nullable) */
  char *username, *password;                 /* (nullable): to see whether they changed */
  SigRegistration core;
  gboolean is_leaving; /* its name is somebody else's */

  char *call_id, *tag, *token;
  guint32 cseq;

  char *host; /* of the registrar, without brackets */
  guint16 port;
  SigSipTransports transport; /* 0: as the records say */
  SigSipLookup *lookup;       /* (nullable) */
  GArray *places;             /* of SigSipPlace: this try's */
  guint place;
  GPtrArray *servers; /* numeric hosts that were asked or answered */

  SigSipListener *listener;         /* (nullable) */
  char *contact, *server, *seen_as; /* (nullable) */
  char *service_route;              /* (nullable) */
  char *phrase;
  nta_outgoing_t *request; /* (nullable) */
  su_home_t auth_home[1];
  auth_client_t *auth; /* (nullable): of this try */
  GSource *due, *silence;
};

static void act (SigSipRegistering *self, guint actions);

/* ---- life ---- */

static void
clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
forget_request (SigSipRegistering *self)
{
  nta_outgoing_t *request = g_steal_pointer (&self->request);

  clear_source (&self->silence);
  g_clear_pointer (&self->lookup, sig_sip_lookup_cancel);
  if (request != NULL)
    nta_outgoing_destroy (request);
}

static void
forget_challenge (SigSipRegistering *self)
{
  self->auth = NULL;
  su_home_deinit (self->auth_home);
  su_home_init (self->auth_home);
}

static void
registering_free (gpointer data)
{
  SigSipRegistering *self = data;

  forget_request (self);
  clear_source (&self->due);
  su_home_deinit (self->auth_home);
  g_free (self->name);
  g_free (self->registrar);
  g_free (self->user);
  g_free (self->aor);
  g_free (self->uri);
  g_free (self->credentials);
  g_free (self->username);
  g_free (self->password);
  g_free (self->call_id);
  g_free (self->tag);
  g_free (self->token);
  g_free (self->host);
  g_array_unref (self->places);
  g_ptr_array_unref (self->servers);
  g_free (self->contact);
  g_free (self->server);
  g_free (self->seen_as);
  g_free (self->service_route);
  g_free (self->phrase);
  g_free (self);
}

/** sig_sip_registers_init: in endpoint_new. */
void
sig_sip_registers_init (SigSip *sip)
{
  sip->registers = g_ptr_array_new_with_free_func (registering_free);
}

void
sig_sip_registers_clear (SigSip *sip)
{
  g_clear_pointer (&sip->registers, g_ptr_array_unref);
}

/** sig_sip_registers_are_over: nobody waits for the provider's answer any more. */
gboolean
sig_sip_registers_are_over (const SigSip *sip)
{
  return sip->registers->len == 0;
}

static SigSipRegistering *
find (const SigSip *sip, const char *name)
{
  for (guint i = 0; i < sip->registers->len; i++)
    {
      SigSipRegistering *self = g_ptr_array_index (sip->registers, i);
      if (!self->is_leaving && strcmp (self->name, name) == 0)
        return self;
    }
  return NULL;
}

static void
step (SigSipRegistering *self, const SigRegistrationEvent *event)
{
  act (self, sig_registration_step (&self->core, event, cfg_monotonic_now ()));
}

static gboolean
on_due (gpointer data)
{
  SigSipRegistering *self = data;

  clear_source (&self->due);
  step (self, &(SigRegistrationEvent){ .type = SIG_REGISTRATION_DUE });
  return G_SOURCE_REMOVE;
}

static void
schedule (SigSipRegistering *self)
{
  gint64 wait_us = self->core.next_us - cfg_monotonic_now ().us;

  clear_source (&self->due);
  if (self->core.next_us == 0)
    return;
  /* a timer may be early by a rounding, never late by one */
  self->due = g_timeout_source_new ((guint)CLAMP (wait_us / 1000 + 1, 0, G_MAXINT));
  g_source_set_callback (self->due, on_due, self, NULL);
  g_source_attach (self->due, self->sip->context);
}

/* ---- answers ---- */

static void
failed (SigSipRegistering *self, int status, const char *phrase)
{
  SigRegistrationEvent event
      = { .type = SIG_REGISTRATION_RESULT, .status = status, .random = g_random_int () };

  g_free (self->phrase);
  self->phrase = g_strdup (phrase);
  step (self, &event);
}

static void next_server (SigSipRegistering *self, const char *why);

static gboolean
on_silence (gpointer data)
{
  SigSipRegistering *self = data;

  clear_source (&self->silence);
  next_server (self, "no answer");
  return G_SOURCE_REMOVE;
}

/* What the registrar grants our contact; it may list others (RFC 3261 10.3). */
static guint
granted_s (const SigSipRegistering *self, sip_t const *answer)
{
  g_autofree char *mine = g_strconcat ("line=", self->token, NULL);

  for (const sip_contact_t *contact = answer->sip_contact; contact != NULL; contact = contact->m_next)
    {
      gboolean is_ours
          = contact->m_url->url_params != NULL && strstr (contact->m_url->url_params, mine) != NULL;

      if (contact->m_expires != NULL
          && (is_ours || (contact == answer->sip_contact && contact->m_next == NULL)))
        return (guint)MIN (g_ascii_strtoull (contact->m_expires, NULL, 10), G_MAXINT);
    }
  return answer->sip_expires != NULL ? (guint)MIN (answer->sip_expires->ex_delta, G_MAXINT) : 0;
}

/* TRUE: there is something new to answer with. */
static gboolean
take_challenge (SigSipRegistering *self, sip_t const *answer)
{
  int n = 0;

  if (self->credentials == NULL)
    return FALSE;
  n += auc_challenge (&self->auth, self->auth_home, answer->sip_www_authenticate, sip_authorization_class)
       > 0;
  n += auc_challenge (&self->auth, self->auth_home, answer->sip_proxy_authenticate,
                      sip_proxy_authorization_class)
       > 0;
  if (n == 0 || self->auth == NULL)
    return FALSE;
  (void)auc_credentials (&self->auth, self->auth_home, self->credentials);
  return auc_has_authorization (&self->auth) > 0;
}

static void
add_server (SigSipRegistering *self, const char *host)
{
  if (self->servers->len < MAX_SERVERS
      && !g_ptr_array_find_with_equal_func (self->servers, host, g_str_equal, NULL))
    g_ptr_array_add (self->servers, g_strdup (host));
}

/* RFC 3581: the server writes into our Via where it came from; our Contact says where we are reached. */
static void
note_nat (SigSipRegistering *self, sip_t const *answer)
{
  const sip_via_t *via = answer->sip_via;

  g_clear_pointer (&self->seen_as, g_free);
  if (via == NULL || via->v_received == NULL || !sig_sip_address_is_numeric (via->v_received)
      || strstr (self->contact, via->v_received) != NULL)
    return;
  self->seen_as
      = g_strdup_printf (sig_sip_address_is_ipv6 (via->v_received) ? "[%s]:%s" : "%s:%s", via->v_received,
                         via->v_rport != NULL && *via->v_rport != '\0' ? via->v_rport : "5060");
}

/* RFC 3608 5: what the last 2xx says. One that does not let others route as they like is none. */
static void
note_service_route (SigSipRegistering *self, sip_t const *answer)
{
  su_home_t home[1] = { SU_HOME_INIT (home) };
  g_autoptr (GString) all = g_string_new (NULL);
  gboolean is_usable = TRUE;

  su_home_init (home);
  for (const sip_service_route_t *route = answer->sip_service_route; route != NULL; route = route->r_next)
    {
      const char *uri = url_as_string (home, route->r_url);

      is_usable = is_usable && uri != NULL && sig_sip_check_uri (uri, NULL)
                  && url_has_param (route->r_url, "lr") && all->len < MAX_SERVICE_ROUTE;
      g_string_append_printf (all, "%s<%s>", all->len > 0 ? ", " : "", uri != NULL ? uri : "");
    }
  su_home_deinit (home);
  g_clear_pointer (&self->service_route, g_free);
  if (is_usable && all->len > 0)
    self->service_route = g_strdup (all->str);
}

static int
on_answer (struct _SigSipCall *magic, nta_outgoing_t *request, sip_t const *answer)
{
  SigSipRegistering *self = (gpointer)magic;
  int status = answer != NULL ? answer->sip_status->st_status : 0;
  gboolean is_own = answer == NULL || nta_sip_is_internal (answer);
  SigRegistrationEvent event = { .type = SIG_REGISTRATION_RESULT, .random = g_random_int () };

  if (request != self->request || (answer != NULL && status < 200))
    return 0;
  clear_source (&self->silence);
  if (is_own || status == 503)
    {
      const char *reason = is_own && self->transport == SIG_SIP_TLS && self->sip->tls != NULL
                               ? sig_sip_tls_failure (self->sip->tls, self->host)
                               : NULL;
      g_autofree char *why = sig_sip_text (reason != NULL   ? reason
                                           : answer != NULL ? answer->sip_status->st_phrase
                                                            : "");
      if (is_own || self->place + 1 < self->places->len)
        {
          next_server (self, why);
          return 0;
        }
    }
  g_free (self->phrase);
  self->phrase = sig_sip_text (answer->sip_status->st_phrase);
  event.status = status;
  event.expires_s = granted_s (self, answer);
  event.min_expires_s
      = answer->sip_min_expires != NULL ? (guint)MIN (answer->sip_min_expires->me_delta, G_MAXINT) : 0;
  event.retry_after_s
      = answer->sip_retry_after != NULL ? (guint)MIN (answer->sip_retry_after->af_delta, G_MAXINT) : 0;
  event.can_answer = (status == 401 || status == 407) && take_challenge (self, answer);
  note_nat (self, answer);
  if (status < 300)
    note_service_route (self, answer);
  self->request = NULL;
  nta_outgoing_destroy (request);
  step (self, &event);
  return 0;
}

/* ---- sending ---- */

static const char *
transport_word (SigSipTransports transport)
{
  return transport == SIG_SIP_TLS ? "tls" : transport == SIG_SIP_TCP ? "tcp" : "udp";
}

/* Of TLS the name goes with the address: the certificate is checked for it (secure.c). */
static char *
route_to (const SigSipRegistering *self, const SigSipPlace *place)
{
  gboolean is_ipv6 = sig_sip_address_is_ipv6 (place->host);
  gboolean has_name = !sig_sip_address_is_numeric (self->host);

  if (place->transport == SIG_SIP_TLS && has_name)
    return g_strdup_printf (is_ipv6 ? "sip:%s:%u;transport=tls;maddr=[%s]"
                                    : "sip:%s:%u;transport=tls;maddr=%s",
                            self->host, place->port, place->host);
  return g_strdup_printf (is_ipv6 ? "sip:[%s]:%u;transport=%s" : "sip:%s:%u;transport=%s", place->host,
                          place->port, transport_word (place->transport));
}

/* Our Contact towards that server, with a word of our own that its calls bring back. */
static void
make_contact (SigSipRegistering *self, const SigSipPlace *place)
{
  SigSipPeer peer = { .port = place->port,
                      .is_ipv6 = sig_sip_address_is_ipv6 (place->host),
                      .is_tcp = place->transport != SIG_SIP_UDP,
                      .is_tls = place->transport == SIG_SIP_TLS };
  g_autofree char *contact = NULL;

  g_strlcpy (peer.host, place->host, sizeof peer.host);
  self->listener = sig_sip_listener_for (self->sip, place->host);
  contact = sig_sip_contact_make (self->listener, &peer, self->user, FALSE);
  contact[strlen (contact) - 1] = '\0'; /* > */
  g_free (self->contact);
  self->contact = g_strdup_printf ("%s;line=%s>", contact, self->token);
}

static msg_t *
make_message (SigSipRegistering *self)
{
  SigSip *endpoint = self->sip;
  msg_t *message = nta_msg_create (self->listener->agent, 0);
  sip_t *sip = sip_object (message);
  g_autofree char *request = g_strdup_printf ("REGISTER %s SIP/2.0", self->uri);
  g_autofree char *from = g_strdup_printf ("<%s>;tag=%s", self->aor, self->tag);
  g_autofree char *to = g_strdup_printf ("<%s>", self->aor);
  g_autofree char *cseq = g_strdup_printf ("%u REGISTER", ++self->cseq);
  g_autofree char *expires = g_strdup_printf ("%u", self->core.asked_s);
  g_autofree char *contact = g_strdup_printf ("%s;expires=%s", self->contact, expires);

  if (sip_add_tl (message, sip, SIPTAG_REQUEST_STR (request), SIPTAG_FROM_STR (from), SIPTAG_TO_STR (to),
                  SIPTAG_CALL_ID_STR (self->call_id), SIPTAG_CSEQ_STR (cseq), SIPTAG_CONTACT_STR (contact),
                  SIPTAG_EXPIRES_STR (expires), SIPTAG_MAX_FORWARDS_STR ("70"),
                  SIPTAG_USER_AGENT_STR (endpoint->user_agent), SIPTAG_ALLOW_STR (endpoint->allow),
                  TAG_END ())
          >= 0
      && (self->auth == NULL
          || auc_authorization (&self->auth, message, (msg_pub_t *)sip, "REGISTER", sip->sip_request->rq_url,
                                NULL)
                 > 0))
    return message;
  msg_destroy (message);
  return NULL;
}

static void
send_request (SigSipRegistering *self)
{
  const SigSipPlace *place = &g_array_index (self->places, SigSipPlace, self->place);
  g_autofree char *route = route_to (self, place);
  msg_t *message;

  make_contact (self, place);
  add_server (self, place->host);
  g_free (self->server);
  self->server = g_strdup_printf (sig_sip_address_is_ipv6 (place->host) ? "[%s]:%u" : "%s:%u", place->host,
                                  place->port);
  message = make_message (self);
  if (message != NULL)
    self->request = nta_outgoing_mcreate (self->listener->agent, on_answer, (gpointer)self,
                                          URL_STRING_MAKE (route), message, TAG_END ());
  if (self->request == NULL)
    {
      if (message != NULL)
        msg_destroy (message);
      next_server (self, "the request cannot be sent");
      return;
    }
  self->silence = g_timeout_source_new ((self->place + 1 < self->places->len ? SILENCE_T1 : PATIENCE_T1)
                                        * self->sip->t1_ms);
  g_source_set_callback (self->silence, on_silence, self, NULL);
  g_source_attach (self->silence, self->sip->context);
}

static void
next_server (SigSipRegistering *self, const char *why)
{
  g_autofree char *kept = g_strdup (why);

  forget_request (self);
  forget_challenge (self);
  if (++self->place < self->places->len)
    send_request (self);
  else
    failed (self, 0, kept);
}

static void
on_resolved (gpointer user, const SigSipPlace *places, gsize n_places)
{
  SigSipRegistering *self = user;

  self->lookup = NULL;
  g_array_set_size (self->places, 0);
  g_array_append_vals (self->places, places, (guint)n_places);
  self->place = 0;
  if (n_places > 0)
    send_request (self);
  else
    failed (self, -1, "no server was found");
}

static void
look_up (SigSipRegistering *self)
{
  const SigSipQuestion question = {
    .host = self->host, .port = self->port, .transport = self->transport, .allowed = self->sip->transports
  };
  gboolean is_localhost = g_ascii_strcasecmp (self->host, "localhost") == 0;
  SigSipPlace place = { .port = self->port, .transport = self->transport };

  if (!is_localhost && !sig_sip_address_is_numeric (self->host))
    {
      self->lookup = sig_sip_resolve (self->sip->resolver, &question, on_resolved, self);
      return;
    }
  g_strlcpy (place.host, is_localhost ? "127.0.0.1" : self->host, sizeof place.host);
  if (place.transport == 0)
    place.transport = self->sip->transports & SIG_SIP_UDP ? SIG_SIP_UDP : SIG_SIP_TCP;
  if (place.port == 0)
    place.port = place.transport == SIG_SIP_TLS ? 5061 : 5060;
  on_resolved (self, &place, 1);
}

/* ---- what the state machine wants ---- */

static gboolean
on_gone (gpointer data)
{
  SigSip *sip = data;

  g_clear_pointer (&sip->registers_source, g_source_unref);
  for (guint i = sip->registers->len; i > 0; i--)
    {
      SigSipRegistering *self = g_ptr_array_index (sip->registers, i - 1);
      if (self->is_leaving && self->core.state == SIG_REGISTRATION_OFF)
        g_ptr_array_remove_index (sip->registers, i - 1);
    }
  sig_sip_check_shutdown (sip);
  return G_SOURCE_REMOVE;
}

/* Not now: somebody above may still hold it. */
static void
free_soon (SigSip *sip)
{
  if (sip->registers_source != NULL)
    return;
  sip->registers_source = g_idle_source_new ();
  g_source_set_priority (sip->registers_source, G_PRIORITY_DEFAULT);
  g_source_set_callback (sip->registers_source, on_gone, sip, NULL);
  g_source_attach (sip->registers_source, sip->context);
}

static void
act (SigSipRegistering *self, guint actions)
{
  SigSip *sip = self->sip;

  schedule (self);
  if (actions & SIG_REGISTRATION_DO_TELL && !self->is_leaving && sip->ops->registered != NULL)
    sip->ops->registered (sip->owner, self->name);
  if (self->is_leaving && self->core.state == SIG_REGISTRATION_OFF)
    {
      forget_request (self);
      free_soon (sip);
    }
  if (actions & SIG_REGISTRATION_DO_SEND)
    {
      forget_request (self);
      forget_challenge (self);
      look_up (self);
    }
  else if (actions & SIG_REGISTRATION_DO_AUTHENTICATE)
    send_request (self);
}

/* ---- what the owner says ---- */

static gboolean
read_registrar (SigSipRegistering *self, GError **error)
{
  g_autofree char *copy = g_strdup (self->registrar);
  char transport[8] = "";
  url_t url[1];

  if (!sig_sip_check_uri (self->registrar, error) || url_d (url, copy) < 0)
    return FALSE;
  self->host = sig_sip_host (url);
  self->port = url->url_port != NULL ? (guint16)g_ascii_strtoull (url->url_port, NULL, 10) : 0;
  if (url->url_params != NULL)
    url_param (url->url_params, "transport", transport, sizeof transport);
  self->transport = g_ascii_strcasecmp (transport, "tls") == 0   ? SIG_SIP_TLS
                    : g_ascii_strcasecmp (transport, "tcp") == 0 ? SIG_SIP_TCP
                    : g_ascii_strcasecmp (transport, "udp") == 0 ? SIG_SIP_UDP
                                                                 : 0;
  if (self->transport == 0 || (self->transport & self->sip->transports))
    return TRUE;
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "the transport %s is not enabled",
               transport_word (self->transport));
  return FALSE;
}

static SigSipRegistering *
registering_new (SigSip *sip, const SigSipRegister *what, GError **error)
{
  SigSipRegistering *self = g_new0 (SigSipRegistering, 1);
  g_autofree char *user = g_uri_escape_string (what->user, "-_.!~*'()&=+$,#", FALSE);
  g_autofree char *domain = NULL;

  self->sip = sip;
  su_home_init (self->auth_home);
  self->places = g_array_new (FALSE, FALSE, sizeof (SigSipPlace));
  self->servers = g_ptr_array_new_with_free_func (g_free);
  self->name = g_strdup (what->name);
  self->registrar = g_strdup (what->registrar);
  self->user = g_strdup (what->user);
  self->username = g_strdup (what->auth_username);
  self->password = g_strdup (what->auth_password);
  if (what->auth_username != NULL && what->auth_password != NULL)
    self->credentials = sig_sip_digest_credentials (what->auth_username, what->auth_password);
  self->call_id = g_uuid_string_random ();
  self->tag = cfg_id_new ("");
  self->token = cfg_id_new (TOKEN_PREFIX);
  self->phrase = g_strdup ("");
  self->core.wanted_s = what->expires_s;
  if (!read_registrar (self, error))
    {
      registering_free (self);
      return NULL;
    }
  domain = what->host != NULL                 ? g_strdup (what->host)
           : strchr (self->host, ':') != NULL ? g_strdup_printf ("[%s]", self->host)
                                              : g_strdup (self->host);
  self->uri = g_strdup_printf ("sip:%s", domain);
  self->aor = g_strdup_printf ("sip:%s@%s", user, domain);
  if (sig_sip_check_uri (self->aor, error))
    return self;
  registering_free (self);
  return NULL;
}

static gboolean
is_same (const SigSipRegistering *a, const SigSipRegistering *b)
{
  return strcmp (a->registrar, b->registrar) == 0 && strcmp (a->aor, b->aor) == 0
         && g_strcmp0 (a->username, b->username) == 0 && g_strcmp0 (a->password, b->password) == 0
         && a->core.wanted_s == b->core.wanted_s;
}

gboolean
sig_sip_register (SigSip *sip, const SigSipRegister *what, GError **error)
{
  g_assert (sip->thread == g_thread_self ());
  SigSipRegistering *before = find (sip, what->name);
  SigSipRegistering *self = registering_new (sip, what, error);

  if (self == NULL)
    return FALSE;
  if (sip->shutting_down || (before != NULL && is_same (before, self)))
    {
      registering_free (self);
      return TRUE;
    }
  if (before != NULL)
    sig_sip_unregister (sip, what->name);
  g_ptr_array_add (sip->registers, self);
  step (self, &(SigRegistrationEvent){ .type = SIG_REGISTRATION_START });
  return TRUE;
}

static void
leave (SigSipRegistering *self)
{
  self->is_leaving = TRUE;
  step (self, &(SigRegistrationEvent){ .type = SIG_REGISTRATION_STOP });
}

void
sig_sip_unregister (SigSip *sip, const char *name)
{
  SigSipRegistering *self = find (sip, name);

  if (self != NULL)
    leave (self);
}

/** sig_sip_registers_end: at shutdown. */
void
sig_sip_registers_end (SigSip *sip)
{
  for (guint i = 0; i < sip->registers->len; i++)
    {
      SigSipRegistering *self = g_ptr_array_index (sip->registers, i);
      if (!self->is_leaving)
        leave (self);
    }
}

gboolean
sig_sip_registered (SigSip *sip, const char *name, SigSipRegisterState *state)
{
  const SigSipRegistering *self = find (sip, name);

  memset (state, 0, sizeof *state);
  state->phrase = "";
  if (self == NULL)
    return FALSE;
  *state = (SigSipRegisterState){
    .core = self->core,
    .contact = self->contact,
    .server = self->server,
    .seen_as = self->seen_as,
    .service_route = self->service_route,
    .phrase = self->phrase,
  };
  return TRUE;
}

/* ---- calls that come in over one ---- */

static gboolean
has_token (const SigSipRegistering *self, sip_t const *message)
{
  char line[64] = "";
  const url_t *url = message->sip_request->rq_url;

  return url->url_params != NULL && url_param (url->url_params, "line", line, sizeof line) > 0
         && strcmp (line, self->token) == 0;
}

static gboolean
is_for (const SigSipRegistering *self, const url_t *url)
{
  g_autofree char *user = sig_sip_user (url);

  return strcmp (user, self->user) == 0;
}

/* The word in our Contact is known to the provider alone. One that cuts it off is known by its address, and
 * which of several accounts there by whom it calls. */
const SigSipRegistering *
sig_sip_registering_of (const SigSip *sip, const SigSipPeer *peer, sip_t const *message)
{
  const SigSipRegistering *by_user = NULL, *by_address = NULL;
  guint n_by_address = 0;

  for (guint i = 0; i < sip->registers->len; i++)
    {
      const SigSipRegistering *self = g_ptr_array_index (sip->registers, i);

      if (self->is_leaving || self->core.state == SIG_REGISTRATION_OFF)
        continue;
      if (has_token (self, message))
        return self;
      if (!g_ptr_array_find_with_equal_func (self->servers, peer->host, g_str_equal, NULL))
        continue;
      by_address = self;
      n_by_address++;
      if (by_user == NULL
          && (is_for (self, message->sip_request->rq_url) || is_for (self, message->sip_to->a_url)))
        by_user = self;
    }
  return by_user != NULL ? by_user : n_by_address == 1 ? by_address : NULL;
}

/** sig_sip_registering_name: @self: (nullable). Returns: (nullable) */
const char *
sig_sip_registering_name (const SigSipRegistering *self)
{
  return self != NULL ? self->name : NULL;
}

/** sig_sip_called_user: (transfer full): whom a call is for. Over a registration the Request-URI may say no
 * more than our account: then P-Called-Party-ID (RFC 7315 4.2) or To does. @self: (nullable) */
char *
sig_sip_called_user (const SigSipRegistering *self, sip_t const *message)
{
  const char *header;
  char *user = sig_sip_user (message->sip_request->rq_url);

  if (self == NULL || (strcmp (user, self->user) != 0 && user[0] != '\0'))
    return user;
  header = sig_sip_header_value (message, "P-Called-Party-ID");
  if (header != NULL)
    {
      g_auto (SigIdentity) called = { 0 };

      if (sig_name_addr_parse (header, &called, NULL) != NULL && called.user[0] != '\0')
        {
          g_free (user);
          return g_steal_pointer (&called.user);
        }
    }
  g_autofree char *to = sig_sip_user (message->sip_to->a_url);
  if (to[0] != '\0')
    {
      g_free (user);
      user = g_steal_pointer (&to);
    }
  return user;
}
