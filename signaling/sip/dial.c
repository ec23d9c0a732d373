/* The start of a call of ours: what may be asked for, and the INVITE to one target. */
#include "signaling/sip/internal.h"

#include "config/base/error.h"
#include "signaling/sip/address.h"
#include "signaling/sip/digest.h"

#include <sofia-sip/url.h>

#include <string.h>

#define MAX_RINGING_S    3600
#define MAX_DIAL_HEADERS 64
#define MAX_TARGETS      32

/* Where packets go, read from a URI. */
typedef struct
{
  char *host;   /* without brackets */
  guint16 port; /* 0: none was given */
  gboolean has_transport, is_tcp, is_tls;
  gboolean is_localhost; /* host is its address then */
} Way;

static void
read_way (const char *uri, Way *way)
{
  g_autofree char *copy = g_strdup (uri);
  url_t url[1];
  char transport[8] = "";

  url_d (url, copy);
  way->host = sig_sip_host (url);
  way->is_localhost = g_ascii_strcasecmp (way->host, "localhost") == 0;
  if (way->is_localhost)
    {
      g_free (way->host);
      way->host = g_strdup ("127.0.0.1");
    }
  way->port = url->url_port != NULL ? (guint16)g_ascii_strtoull (url->url_port, NULL, 10) : 0;
  if (url->url_params != NULL)
    url_param (url->url_params, "transport", transport, sizeof transport);
  way->has_transport = transport[0] != '\0';
  way->is_tls = url->url_type == url_sips || g_ascii_strcasecmp (transport, "tls") == 0;
  way->is_tcp = way->is_tls || g_ascii_strcasecmp (transport, "tcp") == 0;
}

static void
clear_way (Way *way)
{
  g_free (way->host);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Way, clear_way)

/* To: the URI without parameters (RFC 3261 19.1.1), but with its port, the target of last resort. */
static char *
make_to (const char *uri)
{
  g_autofree char *copy = g_strdup (uri);
  url_t url[1];

  url_d (url, copy);
  return g_strdup_printf ("<%s:%s%s%s%s%s>", url->url_type == url_sips ? "sips" : "sip",
                          url->url_user != NULL ? url->url_user : "", url->url_user != NULL ? "@" : "",
                          url->url_host, url->url_port != NULL ? ":" : "",
                          url->url_port != NULL ? url->url_port : "");
}

gboolean
sig_sip_is_tls (const char *uri)
{
  g_auto (Way) way = { 0 };

  read_way (uri, &way);
  return way.is_tls;
}

/** sig_sip_check_way: @uri can be called, and over a transport that we speak. */
gboolean
sig_sip_check_way (const SigSip *sip, const char *uri, GError **error)
{
  g_auto (Way) way = { 0 };

  if (!sig_sip_check_uri (uri, error))
    return FALSE;
  read_way (uri, &way);
  if (way.is_tls && sip->tls == NULL)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                         "TLS is not enabled: configure sip.tls.cert and sip.tls.key, or an outbound trunk "
                         "with transport: tls");
  else if (way.is_tcp && !way.is_tls && !(sip->transports & SIG_SIP_TCP))
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "the transport TCP is not enabled");
  else
    return TRUE;
  return FALSE;
}

static gboolean
check_targets (const SigSip *sip, const SigSipDial *dial, GError **error)
{
  if (dial->n_targets > MAX_TARGETS)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "at most %d targets for a call",
                   MAX_TARGETS);
      return FALSE;
    }
  for (gsize i = 0; i < dial->n_targets; i++)
    if (!sig_sip_check_way (sip, dial->targets[i].uri, error)
        || (dial->targets[i].send_to != NULL && !sig_sip_check_way (sip, dial->targets[i].send_to, error)))
      return FALSE;
  return dial->n_targets > 0 || sig_sip_check_way (sip, dial->to_uri, error);
}

static gboolean
check_dial (const SigSip *sip, const SigSipDial *dial, GError **error)
{
  if (!sig_sip_check_uri (dial->to_uri, error) || !check_targets (sip, dial, error))
    return FALSE;
  if (dial->from_uri != NULL && !sig_sip_check_uri (dial->from_uri, error))
    return FALSE;
  if (dial->sdp == NULL || strlen (dial->sdp) > SIG_SIP_MAX_BODY
      || (dial->second_sdp != NULL && strlen (dial->second_sdp) > SIG_SIP_MAX_BODY)
      || dial->n_headers > MAX_DIAL_HEADERS)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "the offer or the headers are too long");
      return FALSE;
    }
  for (gsize i = 0; i < dial->n_headers; i++)
    if (!sig_sip_check_header (dial->headers[i].name, dial->headers[i].value, error))
      return FALSE;
  g_auto (SigReplaces) replaces = { 0 };
  return dial->replaces == NULL || sig_replaces_parse (dial->replaces, &replaces, error);
}

/** sig_sip_plan_new: a copy of @dial with at least one target. */
SigSipPlan *
sig_sip_plan_new (const SigSipDial *dial)
{
  SigSipPlan *plan = g_rc_box_new0 (SigSipPlan);
  gsize n = MAX (dial->n_targets, 1);
  SigSipTarget *targets = g_new0 (SigSipTarget, n);

  plan->lines = g_ptr_array_new_with_free_func (g_free);
  for (gsize i = 0; i < dial->n_headers; i++)
    g_ptr_array_add (plan->lines, g_strdup_printf ("%s: %s", dial->headers[i].name, dial->headers[i].value));
  if (dial->replaces != NULL)
    g_ptr_array_add (plan->lines, g_strdup_printf ("Replaces: %s", dial->replaces));
  for (gsize i = 0; i < dial->n_targets; i++)
    targets[i] = (SigSipTarget){ .uri = g_strdup (dial->targets[i].uri),
                                 .send_to = g_strdup (dial->targets[i].send_to),
                                 .route = g_strdup (dial->targets[i].route) };
  if (dial->n_targets == 0)
    targets[0] = (SigSipTarget){ .uri = g_strdup (dial->to_uri), .route = g_strdup (dial->service_route) };
  plan->dial = (SigSipDial){
    .to_uri = g_strdup (dial->to_uri),
    .targets = targets,
    .n_targets = n,
    .in_parallel = dial->in_parallel,
    .from_uri = g_strdup (dial->from_uri),
    .from_display = g_strdup (dial->from_display),
    .auth_username = g_strdup (dial->auth_username),
    .auth_password = g_strdup (dial->auth_password),
    .sdp = g_strdup (dial->sdp),
    .second_sdp = g_strdup (dial->second_sdp),
    .has_max_forwards = dial->has_max_forwards,
    .max_forwards = MIN (dial->max_forwards, 255),
    .expires_s = dial->expires_s,
    .follows_redirects = dial->follows_redirects,
    .redirect_hosts = (const char *const *)g_strdupv ((char **)dial->redirect_hosts),
    .service_route = g_strdup (dial->service_route),
  };
  plan->is_ipv6 = strstr (dial->sdp, "c=IN IP6 ") != NULL;
  return plan;
}

static void
plan_clear (gpointer data)
{
  SigSipPlan *plan = data;
  SigSipDial *dial = &plan->dial;

  for (gsize i = 0; i < dial->n_targets; i++)
    {
      g_free ((char *)dial->targets[i].uri);
      g_free ((char *)dial->targets[i].send_to);
      g_free ((char *)dial->targets[i].route);
    }
  g_free ((gpointer)dial->targets);
  g_free ((char *)dial->to_uri);
  g_free ((char *)dial->from_uri);
  g_free ((char *)dial->from_display);
  g_free ((char *)dial->auth_username);
  g_free ((char *)dial->auth_password);
  g_free ((char *)dial->sdp);
  g_free ((char *)dial->second_sdp);
  g_strfreev ((char **)dial->redirect_hosts);
  g_free ((char *)dial->service_route);
  g_ptr_array_unref (plan->lines);
}

void
sig_sip_plan_release (SigSipPlan *plan)
{
  g_rc_box_release_full (plan, plan_clear);
}

/** sig_sip_make_from: (transfer full): value of From. @from_display: (nullable) */
char *
sig_sip_make_from (const char *from_display, const char *from_uri)
{
  GString *out = g_string_new (NULL);

  if (from_display != NULL && *from_display != '\0')
    {
      g_autofree char *display = sig_sip_text (from_display);
      g_string_append_c (out, '"');
      for (const char *c = display; *c != '\0'; c++)
        {
          if (*c == '"' || *c == '\\')
            g_string_append_c (out, '\\');
          g_string_append_c (out, *c);
        }
      g_string_append (out, "\" ");
    }
  g_string_append_printf (out, "<%s>", from_uri);
  return g_string_free (out, FALSE);
}

/** sig_sip_default_from: (transfer full): our URI for a request to @host. */
char *
sig_sip_default_from (const SigSipListener *listener, const char *host)
{
  const char *address = sig_sip_announced (listener, host);

  return g_strdup_printf (sig_sip_address_is_ipv6 (address) ? "sip:switchroom@[%s]" : "sip:switchroom@%s",
                          address);
}

/** sig_sip_uri_host: @host: (out) (transfer full): without brackets; @port: (out): 0 when it has none */
void
sig_sip_uri_host (const char *uri, char **host, guint16 *port)
{
  g_auto (Way) way = { 0 };

  read_way (uri, &way);
  *host = g_steal_pointer (&way.host);
  *port = way.port;
}

/** sig_sip_uri_is_datagram: @uri leads over UDP, or leaves it to us. */
gboolean
sig_sip_uri_is_datagram (const char *uri)
{
  g_auto (Way) way = { 0 };

  read_way (uri, &way);
  return !way.is_tcp;
}

/** sig_sip_way_address: (transfer full) (nullable): the address behind the name, of sig_sip_tls_url. */
char *
sig_sip_way_address (const char *way)
{
  const char *maddr = strstr (way, ";maddr=");

  if (maddr == NULL)
    return NULL;
  maddr += strlen (";maddr=");
  return *maddr == '[' ? g_strndup (maddr + 1, strcspn (maddr + 1, "]"))
                       : g_strndup (maddr, strcspn (maddr, ";"));
}

/** sig_sip_uri_transport: that @uri names; UDP when it leaves it to us. */
SigSipTransports
sig_sip_uri_transport (const char *uri)
{
  g_auto (Way) way = { 0 };

  read_way (uri, &way);
  return way.is_tls ? SIG_SIP_TLS : way.is_tcp ? SIG_SIP_TCP : SIG_SIP_UDP;
}

/**
 * sig_sip_attempt_needs_lookup: whether @attempt goes to a name.
 * @host: (out) (transfer full): the name, for question->host
 */
gboolean
sig_sip_attempt_needs_lookup (const SigSipAttempt *attempt, SigSipQuestion *question, char **host)
{
  g_auto (Way) way = { 0 };

  read_way (attempt->send_to != NULL ? attempt->send_to : attempt->uri, &way);
  if (attempt->at != NULL || way.is_localhost || sig_sip_address_is_numeric (way.host))
    return FALSE;
  question->port = way.port;
  if (way.has_transport || way.is_tls)
    question->transport = way.is_tls ? SIG_SIP_TLS : way.is_tcp ? SIG_SIP_TCP : SIG_SIP_UDP;
  *host = g_steal_pointer (&way.host);
  return TRUE;
}

static void
note_way (SigSipCall *call, const Way *way, const SigSipDial *dial, const SigSipAttempt *attempt)
{
  const char *proxy = attempt->send_to != NULL      ? attempt->send_to
                      : attempt->at != NULL         ? attempt->at
                      : dial->service_route != NULL ? attempt->uri
                                                    : NULL;

  g_strlcpy (call->peer.host, way->host, sizeof call->peer.host);
  call->peer.port = way->port != 0 ? way->port : way->is_tls ? 5061 : 5060;
  call->peer.is_tcp = way->is_tcp;
  call->peer.is_tls = way->is_tls;
  call->peer.is_ipv6 = sig_sip_address_is_ipv6 (way->host);
  call->is_sips = g_ascii_strncasecmp (attempt->uri, "sips:", 5) == 0;
  call->is_first_hop = attempt->send_to == NULL;
  if (way->is_tls)
    sig_sip_tls_way (call, attempt);
  else if (way->is_localhost) /* name servers do not know it (RFC 6761 6.3) */
    sig_sip_call_send_to (call, &call->peer);
  else if (proxy != NULL)
    {
      call->source_url = g_strdup (proxy);
      nua_set_hparams (call->nh, NUTAG_PROXY (proxy), TAG_END ());
    }
}

static SigSipRedial *
redial_new (SigSipPlan *plan, const SigSipAttempt *attempt, const char *from)
{
  SigSipRedial *kept = g_new0 (SigSipRedial, 1);
  g_auto (Way) way = { 0 };

  read_way (attempt->uri, &way);
  kept->plan = g_rc_box_acquire (plan);
  kept->uri = g_strdup (attempt->uri);
  kept->to = make_to (plan->dial.to_uri);
  kept->from = g_strdup (from);
  kept->route = g_strdup (attempt->route);
  kept->is_udp_only = (way.has_transport && !way.is_tcp) || attempt->send_to != NULL;
  return kept;
}

/**
 * sig_sip_dial_target: sends the INVITE of @plan.
 * @call_id: (transfer full) (nullable)
 * Returns: (nullable): the new call, owned by the endpoint; NULL when the stack cannot make it
 */
SigSipCall *
sig_sip_dial_target (SigSip *sip, SigSipPlan *plan, const SigSipAttempt *attempt, char *call_id)
{
  const SigSipDial *dial = &plan->dial;
  const char *next = attempt->send_to != NULL ? attempt->send_to
                     : attempt->at != NULL    ? attempt->at
                                              : attempt->uri;
  g_autofree char *id = call_id != NULL ? call_id : g_uuid_string_random ();
  g_auto (Way) way = { 0 };

  read_way (next, &way);
  SigSipListener *listener = sig_sip_listener_for (sip, way.host);
  g_autofree char *from_uri
      = dial->from_uri != NULL ? g_strdup (dial->from_uri) : sig_sip_default_from (listener, way.host);
  g_autofree char *from = sig_sip_make_from (dial->from_display, from_uri);
  SigSipRedial *redial = redial_new (plan, attempt, from);
  nua_handle_t *nh = nua_handle (
      listener->nua, NULL, NUTAG_URL (redial->uri), SIPTAG_TO_STR (redial->to), SIPTAG_FROM_STR (from),
      SIPTAG_CALL_ID_STR (id), TAG_IF (attempt->route, NUTAG_INITIAL_ROUTE_STR (attempt->route)), TAG_END ());
  if (nh == NULL)
    {
      sig_sip_redial_free (redial);
      return NULL;
    }

  SigSipCall *call = sig_sip_call_new (listener, nh, TRUE);
  note_way (call, &way, dial, attempt);
  call->redial = redial;
  call->dialog.remote_target = g_strdup (attempt->uri);
  call->dialog.call_id = g_steal_pointer (&id);
  if (attempt->has_credentials && dial->auth_username != NULL && dial->auth_password != NULL)
    call->credentials = sig_sip_digest_credentials (dial->auth_username, dial->auth_password);

  url_t url[1];
  url_d (url, from_uri);
  g_autofree char *user = sig_sip_user (url);
  sig_sip_dialog_note_contact (call, user);
  sig_sip_send_first_invite (call);
  return call;
}

static gboolean
on_ring_timeout (gpointer data)
{
  SigSipCall *call = data;

  sig_sip_call_say_why (call, 408, "Ring Timeout");
  sig_sip_call_end (call, SIG_SIP_END_TIMEOUT, 408, "Ring Timeout", call->bye_reason);
  sig_sip_call_bye (call);
  return G_SOURCE_REMOVE;
}

SigSipCallId
sig_sip_dial (SigSip *sip, const SigSipDial *dial, GError **error)
{
  g_assert (sip->thread == g_thread_self ());
  if (sip->shutting_down)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "the SIP endpoint is shutting down");
      return 0;
    }
  if (!check_dial (sip, dial, error))
    return 0;

  SigSipPlan *plan = sig_sip_plan_new (dial);
  SigSipCall *call = sig_sip_fork_new (sip, plan);
  sig_sip_plan_release (plan);
  if (dial->expires_s > 0 && !call->ended)
    sig_sip_call_set_timer (call, MIN (dial->expires_s, MAX_RINGING_S) * 1000, on_ring_timeout);
  return call->id;
}
