#include "signaling/sip/internal.h"

#include "config/base/error.h"
#include "config/base/log.h"
#include "signaling/sip/address.h"
#include "signaling/sip/digest.h"
#include "signaling/sip/streams.h"
#include "signaling/sip/subscribe.h"

#include <sofia-sip/nta_tag.h>
#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sresolv.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/tport_tag.h>
#include <sofia-sip/url.h>

#include <string.h>

#define DEFAULT_T1_MS         500
#define UDP_MTU               1300             /* larger requests go over TCP (RFC 3261 18.1.1) */
#define NO_CERTIFICATES       "/dev/null/none" /* the stack looks for files in there and finds none */
#define UDP_BUFFER            (4 * 1024 * 1024) /* as much as the system gives: a burst shall not hit a caller */
#define KEEPALIVE_MS          60000
#define MAX_PROCEEDING        20000
#define MAX_SOURCES           4096
#define INVITE_FACTOR         2
#define NEW_FACTOR            3
#define FLOOD_FACTOR          10
#define STRANGER_FACTOR       50
#define DIALOG_FACTOR         100
#define OPTIONS_FACTOR        2
#define DATAGRAM_FACTOR       200
#define PROVEN_BURST          3600
#define MAX_CONNECTIONS       8192
#define PER_SOURCE            256
#define MESSAGE_TIMEOUT_MS    20000
#define SILENCE_TIMEOUT_MS    30000
#define SHUTDOWN_TICK_MS      100
#define SHUTDOWN_POLITE_TICKS 30 /* for the answers to our BYEs */
#define SHUTDOWN_MAX_TICKS    48

static void
log_stack (void *stream, char const *format, va_list arguments)
{
  if (!cfg_log_enabled (CFG_LOG_DEBUG))
    return;

  g_autofree char *line = g_strdup_vprintf (format, arguments);
  g_strchomp (line);
  if (*line != '\0')
    cfg_debug ("sip", NULL, "SIP stack", CFG_STR ("text", line));
}

/** sig_sip_listener_for: the listener whose address reaches @host, else the first of its family. */
SigSipListener *
sig_sip_listener_for (SigSip *sip, const char *host)
{
  char address[SIG_SIP_ADDRESS_MAX];
  SigSipListener *same_family = NULL;

  if (!sig_sip_address_route (host, address))
    g_strlcpy (address, sig_sip_address_is_ipv6 (host) ? "::1" : "127.0.0.1", sizeof address);
  for (guint i = 0; i < sip->listeners->len; i++)
    {
      SigSipListener *listener = g_ptr_array_index (sip->listeners, i);
      if (strcmp (listener->address, address) == 0)
        return listener;
      if (same_family == NULL
          && sig_sip_address_is_ipv6 (listener->address) == sig_sip_address_is_ipv6 (address))
        same_family = listener;
    }
  return same_family != NULL ? same_family : g_ptr_array_index (sip->listeners, 0);
}

char *
sig_sip_local_address (SigSip *sip, const char *host_or_address)
{
  g_autofree char *host = g_strdup (host_or_address != NULL ? host_or_address : "");
  gsize length = strlen (host);

  if (length >= 2 && host[0] == '[' && host[length - 1] == ']')
    {
      host[length - 1] = '\0';
      memmove (host, host + 1, length - 1);
    }
  return g_strdup (sig_sip_listener_for (sip, host)->address);
}

/** sig_sip_announced: the address that @peer_host, numeric or a name, reaches @listener at. */
const char *
sig_sip_announced (const SigSipListener *listener, const char *peer_host)
{
  return listener->external != NULL && !sig_sip_address_is_private (peer_host) ? listener->external
                                                                               : listener->address;
}

const char *
sig_sip_announced_address (const SigSip *sip, const char *local_address, const char *peer)
{
  for (guint i = 0; i < sip->listeners->len; i++)
    {
      const SigSipListener *listener = g_ptr_array_index (sip->listeners, i);
      if (strcmp (listener->address, local_address) == 0)
        return sig_sip_announced (listener, peer);
    }
  return local_address;
}

/* With an external address the stack writes that into Via and listens on what maddr names. */
static char *
listener_url (const SigSipListener *listener)
{
  const SigSip *sip = listener->sip;
  guint plain = sip->transports & (SIG_SIP_UDP | SIG_SIP_TCP);
  const char *transport = plain == SIG_SIP_UDP   ? ";transport=udp"
                          : plain == SIG_SIP_TCP ? ";transport=tcp"
                                                 : "";
  gboolean is_ipv6 = sig_sip_address_is_ipv6 (listener->address);

  if (listener->external != NULL)
    return g_strdup_printf (is_ipv6 ? "sip:[%s]:%u;maddr=[%s]%s" : "sip:%s:%u;maddr=%s%s", listener->external,
                            sip->port, listener->address, transport);
  return g_strdup_printf (is_ipv6 ? "sip:[%s]:%u%s" : "sip:%s:%u%s", listener->address, sip->port, transport);
}

/* The router that stands for the external address does not forward to loopback. */
static const char *
external_for (const SigSip *sip, const char *address)
{
  const char *external = sip->external_address;

  if (external == NULL || strcmp (address, "::1") == 0 || g_str_has_prefix (address, "127."))
    return NULL;
  return sig_sip_address_is_ipv6 (external) == sig_sip_address_is_ipv6 (address) ? external : NULL;
}

static char *
tls_url (const SigSipListener *listener)
{
  const SigSip *sip = listener->sip;
  gboolean is_ipv6 = sig_sip_address_is_ipv6 (listener->address);

  if (listener->external != NULL)
    return g_strdup_printf (is_ipv6 ? "sips:[%s]:%u;maddr=[%s]" : "sips:%s:%u;maddr=%s", listener->external,
                            sip->tls_port, listener->address);
  return g_strdup_printf (is_ipv6 ? "sips:[%s]:%u" : "sips:%s:%u", listener->address, sip->tls_port);
}

static gboolean
can_bind (const SigSip *sip, const char *address, GError **error)
{
  return sig_sip_address_probe (address, sip->port, sip->transports & (SIG_SIP_UDP | SIG_SIP_TCP), error) == 0
         && (sip->tls == NULL || sig_sip_address_probe (address, sip->tls_port, SIG_SIP_TCP, error) == 0);
}

/* Beside UDP and TCP, or alone. Returns: whether the listener has TLS, if that is wanted. */
static gboolean
add_tls (SigSipListener *listener)
{
  const SigSip *sip = listener->sip;
  g_autofree char *url = tls_url (listener);

  if (sip->tls == NULL || listener->has_tls)
    return TRUE;
  listener->has_tls
      = !(sip->transports & (SIG_SIP_UDP | SIG_SIP_TCP))
        || nta_agent_add_tport (listener->agent, URL_STRING_MAKE (url), TPTAG_CERTIFICATE (NO_CERTIFICATES),
                                TPTAG_TLS_VERIFY_POLICY (TPTLS_VERIFY_NONE), TAG_END ())
               == 0;
  return listener->has_tls;
}

/* Without TLS it listens too, which whoever starts it looks at: what it has bound is given back with it only.
 */
static gboolean
start_listener (SigSip *sip, const char *address, GError **error)
{
  if (!can_bind (sip, address, error))
    return FALSE;

  SigSipListener *listener = g_new0 (SigSipListener, 1);
  listener->sip = sip;
  listener->address = g_strdup (address);
  listener->external = g_strdup (external_for (sip, address));
  g_autofree char *url
      = sip->transports & (SIG_SIP_UDP | SIG_SIP_TCP) ? listener_url (listener) : tls_url (listener);

  sig_sip_tls_attach (sip->tls);

  sig_sip_loop_init ();
  sig_sip_drain_init ();
  listener->nua = nua_create (
      sip->root, sig_sip_on_event, listener, NUTAG_URL (url), NTATAG_MCLASS (sip->parser),
      /* offers, answers, ringing, redirection and session timers are not the stack's business */
      NUTAG_MEDIA_ENABLE (0), NUTAG_AUTOANSWER (0), NUTAG_AUTOALERT (0), NUTAG_EARLY_MEDIA (0),
      NUTAG_AUTOACK (0), NUTAG_AUTO302 (0), NUTAG_AUTO305 (0), NUTAG_MAX_RETRY_AFTER (0),
      NUTAG_SESSION_TIMER (0), NUTAG_MIN_SE (0), SIPTAG_SUPPORTED_STR ("100rel"), NUTAG_INVITE_TIMER (0),
      NUTAG_ENABLEMESSAGE (1), NUTAG_OUTBOUND ("no-options-keepalive no-validate no-natify"),
      NUTAG_KEEPALIVE (0), SIPTAG_ALLOW_STR (sip->allow),
      NUTAG_APPL_METHOD ("OPTIONS, UPDATE, PRACK, INFO, MESSAGE"), NTATAG_MERGE_482 (1),
      SIPTAG_USER_AGENT_STR (sip->user_agent), NTATAG_MAXSIZE (SIG_SIP_MAX_MESSAGE), NTATAG_UDP_MTU (UDP_MTU),
      NTATAG_MAX_PROCEEDING (MAX_PROCEEDING),
      TAG_IF (sip->resolv_conf, SRESTAG_RESOLV_CONF (sip->resolv_conf)), NTATAG_SIP_T1 (sip->t1_ms),
      NTATAG_SIP_T1X64 (64 * sip->t1_ms), NTATAG_SIP_T2 (8 * sip->t1_ms), NTATAG_SIP_T4 (10 * sip->t1_ms),
      TPTAG_UDP_RMEM (UDP_BUFFER), TPTAG_PONG2PING (1), TPTAG_KEEPALIVE (KEEPALIVE_MS),
      NUTAG_CERTIFICATE_DIR (NO_CERTIFICATES), TPTAG_LOG (sig_sip_capture_is_wanted (sip)), TAG_END ());
  listener->agent = listener->nua != NULL ? sig_sip_agent_take () : NULL;
  if (listener->nua != NULL)
    (void)add_tls (listener);
  sig_sip_tls_attach (NULL);
  if (listener->nua == NULL)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "cannot listen for SIP on %s port %u: %s",
                   address, sip->port, errno != 0 ? g_strerror (errno) : "the SIP stack refused it");
      g_free (listener->address);
      g_free (listener);
      return FALSE;
    }
  sig_sip_outside_start (listener);
  g_ptr_array_add (sip->listeners, listener);
  return TRUE;
}

static void
listener_free (gpointer data)
{
  SigSipListener *listener = data;

  nua_destroy (listener->nua);
  g_free (listener->address);
  g_free (listener->external);
  g_free (listener);
}

static SigSip *
endpoint_new (const SigSipConfig *config, const SigSipOps *ops, gpointer owner)
{
  static const char *const nothing[] = { NULL };
  SigSip *sip = g_new0 (SigSip, 1);
  guint limit = MIN (config->invites_per_second_per_source, 100000);

  sip->ops = ops;
  sip->owner = owner;
  sip->bind = sig_sip_address_expand (config->bind);
  sip->bind_wanted = g_strdupv ((char **)(config->bind != NULL ? config->bind : nothing));
  sip->port = config->port;
  sip->tls_port = config->tls_port;
  sip->transports = config->transports != 0 ? config->transports : SIG_SIP_UDP | SIG_SIP_TCP;
  sip->external_address = config->external_address != NULL && *config->external_address != '\0'
                              ? g_strdup (config->external_address)
                              : NULL;
  sip->user_agent = g_strdup (config->user_agent != NULL ? config->user_agent : "Switchroom");
  sip->takes_register = config->takes_register;
  sip->allow = g_strdup_printf (
      "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK, INFO, MESSAGE, SUBSCRIBE, NOTIFY, REFER%s",
      sip->takes_register ? ", REGISTER" : "");
  sip->resolv_conf = g_strdup (config->resolv_conf);
  sip->session_timer = config->session_timer;
  sip->supported = g_strdup (config->session_timer.enabled ? "Supported: timer, replaces, norefersub"
                                                           : "Supported: replaces, norefersub");
  sip->t1_ms = config->t1_ms > 0 ? config->t1_ms : DEFAULT_T1_MS;
  sip->thread = g_thread_self ();
  sip->context = g_main_context_ref_thread_default ();
  sip->listeners = g_ptr_array_new_with_free_func (listener_free);
  sip->calls = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, sig_sip_call_free);
  g_queue_init (&sip->ended);
  sig_sip_timer_init (sip);
  sig_sip_subscriptions_init (sip);
  sig_sip_outside_init (sip);
  sig_sip_probes_init (sip);
  sig_sip_registers_init (sip);
  sip->min_subscription_s
      = config->min_subscription_s > 0 ? config->min_subscription_s : SIG_SIP_MIN_SUBSCRIPTION_S;
  sig_sip_access_init (sip, config);
  sip->accepting = TRUE;
  if (limit > 0)
    {
      sip->request_budget = sig_sip_rate_new (limit, limit, MAX_SOURCES);
      sip->invite_rate = sig_sip_rate_new (limit, limit, MAX_SOURCES);
      sip->request_rate = sig_sip_rate_new (NEW_FACTOR * limit, FLOOD_FACTOR * limit, MAX_SOURCES);
      sip->new_invite_rate = sig_sip_rate_new (INVITE_FACTOR * limit, FLOOD_FACTOR * limit, MAX_SOURCES);
      sip->stranger_rate = sig_sip_rate_new (STRANGER_FACTOR * limit, 2 * STRANGER_FACTOR * limit, 1);
      sip->proven = sig_sip_rate_new (1, PROVEN_BURST, MAX_SOURCES);
      sip->options_rate = sig_sip_rate_new (OPTIONS_FACTOR * limit, OPTIONS_FACTOR * limit, MAX_SOURCES);
      sip->datagram_rate = sig_sip_rate_new (DATAGRAM_FACTOR * limit, DATAGRAM_FACTOR * limit, MAX_SOURCES);
      sip->dialog_rate = sig_sip_rate_new (DIALOG_FACTOR * limit, DIALOG_FACTOR * limit, MAX_SOURCES);
    }
  return sip;
}

static void
watch_streams (SigSip *sip, const SigSipConfig *config)
{
  const SigSipStreamLimits limits = {
    .per_source = config->connections_per_source > 0 ? config->connections_per_source : PER_SOURCE,
    .in_all = MAX_CONNECTIONS,
    .message_ms = config->message_timeout_ms > 0 ? config->message_timeout_ms : MESSAGE_TIMEOUT_MS,
    .silence_ms = config->silence_timeout_ms > 0 ? config->silence_timeout_ms : SILENCE_TIMEOUT_MS,
  };

  sip->streams = sig_sip_streams_new (sip, &limits);
}

static void
start_root (SigSip *sip, const SigSipConfig *config)
{
  static gboolean initialised;

  if (!initialised)
    {
      su_init ();
      su_log_redirect (NULL, log_stack, NULL);
      sig_sip_digest_register ();
      initialised = TRUE;
    }
  sip->root = su_glib_root_create (NULL);
  g_assert (sip->root != NULL);
  su_root_threading (sip->root, 0);
  sip->source = g_source_ref (su_glib_root_gsource (sip->root));
  /* Nobody turns the loop from inside of a callback. Otherwise GLib takes each descriptor of the source,
   * which means each connection, out of the loop before every dispatch and puts it back after it, with two
   * system calls for each. */
  g_source_set_can_recurse (sip->source, TRUE);
  g_source_attach (sip->source, sip->context);
  sip->parser = sig_sip_parser_new (sip);
  watch_streams (sip, config);
  sip->resolver = sig_sip_resolver_new (sip->root, sip->context, config->resolv_conf, config->hosts_file);
}

static gboolean
check_addresses (const SigSip *sip, GError **error)
{
  if (sip->external_address != NULL && !sig_sip_address_is_numeric (sip->external_address))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                   "sip.external_address takes a numeric address, not \"%s\"", sip->external_address);
      return FALSE;
    }
  if (sip->bind[0] == NULL)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE,
                           "this machine has no address to listen on");
      return FALSE;
    }
  return TRUE;
}

/* An endpoint that did not come up: its listeners, if any, have nothing to say good-bye to. */
static void
abandon (SigSip *sip)
{
  sip->shutting_down = TRUE;
  for (guint i = 0; i < sip->listeners->len; i++)
    nua_shutdown (((SigSipListener *)g_ptr_array_index (sip->listeners, i))->nua);
  sig_sip_free (sip);
}

static gboolean
start_tls (SigSip *sip, const SigSipConfig *config, GError **error)
{
  if (!(sip->transports & SIG_SIP_TLS))
    return TRUE;
  g_assert (config->tls != NULL && config->tls_port != 0);
  sip->tls = sig_sip_tls_new (config->tls, error);
  return sip->tls != NULL;
}

static const SigSipListener *
first_without_tls (const SigSip *sip)
{
  for (guint i = 0; i < sip->listeners->len; i++)
    if (!((const SigSipListener *)g_ptr_array_index (sip->listeners, i))->has_tls)
      return g_ptr_array_index (sip->listeners, i);
  return NULL;
}

static gboolean
any_has_tls (const SigSip *sip)
{
  for (guint i = 0; i < sip->listeners->len; i++)
    if (((const SigSipListener *)g_ptr_array_index (sip->listeners, i))->has_tls)
      return TRUE;
  return FALSE;
}

static gboolean
has_no_tls (const SigSip *sip, const SigSipListener *listener, GError **error)
{
  g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE,
               "cannot listen for SIP over TLS on %s port %u: %s; end what listens there and have "
               "the configuration read again (SIGHUP), or set another sip.tls.port and restart",
               listener->address, sip->tls_port,
               errno != 0 ? g_strerror (errno) : "the SIP stack refused it");
  return FALSE;
}

/* Each of those that have none yet. Who has got it keeps it, because the stack gives no port back. */
static gboolean
add_tls_to_all (SigSip *sip, GError **error)
{
  const SigSipListener *left = NULL;

  sig_sip_tls_attach (sip->tls);
  for (guint i = 0; left == NULL && i < sip->listeners->len; i++)
    {
      errno = 0;
      if (!add_tls (g_ptr_array_index (sip->listeners, i)))
        left = g_ptr_array_index (sip->listeners, i);
    }
  sig_sip_tls_attach (NULL);
  return left == NULL || has_no_tls (sip, left, error);
}

static gboolean
can_add_tls (const SigSip *sip, GError **error)
{
  if (sip->tls_port == 0)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION, "SIP over TLS needs a restart");
      return FALSE;
    }
  for (guint i = 0; i < sip->listeners->len; i++)
    {
      const SigSipListener *listener = g_ptr_array_index (sip->listeners, i);

      errno = listener->has_tls ? 0
                                : sig_sip_address_probe (listener->address, sip->tls_port, SIG_SIP_TCP, NULL);
      if (errno != 0)
        return has_no_tls (sip, listener, error);
    }
  return TRUE;
}

/* Nobody wanted TLS at the start, or it did not come about everywhere: the listeners get it beside UDP and
 * TCP. */
static gboolean
begin_tls (SigSip *sip, const SigSipTlsConfig *config, GError **error)
{
  if (!can_add_tls (sip, error))
    return FALSE;
  if (sip->tls == NULL)
    sip->tls = sig_sip_tls_new (config, error);
  if (sip->tls == NULL)
    return FALSE;
  if (!add_tls_to_all (sip, error))
    {
      if (!any_has_tls (sip))
        g_clear_pointer (&sip->tls, sig_sip_tls_free);
      return FALSE;
    }
  sip->transports |= SIG_SIP_TLS;
  cfg_info ("sip", NULL, "Listening for SIP over TLS", CFG_INT ("port", sip->tls_port));
  return TRUE;
}

gboolean
sig_sip_reload_tls (SigSip *sip, const SigSipTlsConfig *config, GError **error)
{
  if (sip->tls != NULL && !sig_sip_tls_load (sip->tls, config, error))
    return FALSE;
  return sig_sip_speaks_tls (sip) || begin_tls (sip, config, error);
}

gboolean
sig_sip_speaks_tls (const SigSip *sip)
{
  return sip->tls != NULL && first_without_tls (sip) == NULL;
}

gboolean
sig_sip_has_tls (const SigSip *sip)
{
  return sip->tls != NULL && any_has_tls (sip);
}

gint64
sig_sip_tls_expires (const SigSip *sip, const char **file)
{
  *file = NULL;
  return sip->tls != NULL ? sig_sip_tls_expiry (sip->tls, file) : 0;
}

guint
sig_sip_find_addresses (SigSip *sip)
{
  g_auto (GStrv) wanted = sig_sip_address_expand ((const char *const *)sip->bind_wanted);
  guint n = 0;

  for (char **address = wanted; *address != NULL; address++)
    {
      g_autoptr (GError) error = NULL;
      if (g_strv_contains ((const char *const *)sip->bind, *address))
        continue;
      if (!start_listener (sip, *address, &error))
        {
          cfg_warn ("sip", NULL, "A new address cannot be used", CFG_STR ("reason", error->message));
          continue;
        }
      guint length = g_strv_length (sip->bind);
      sip->bind = g_renew (char *, sip->bind, length + 2);
      sip->bind[length] = g_strdup (*address);
      sip->bind[length + 1] = NULL;
      cfg_info ("sip", NULL, "Listening on a new address", CFG_STR ("address", *address));
      if (sip->tls != NULL && !sig_sip_speaks_tls (sip))
        cfg_warn ("sip", NULL, "A new address has no SIP over TLS until the configuration is read again",
                  CFG_STR ("address", *address), CFG_INT ("port", sip->tls_port));
      n++;
    }
  return n;
}

SigSip *
sig_sip_new (const SigSipConfig *config, const SigSipOps *ops, gpointer owner, GError **error)
{
  SigSip *sip = endpoint_new (config, ops, owner);
  gboolean ok = check_addresses (sip, error) && start_tls (sip, config, error);

  start_root (sip, config);
  for (guint i = 0; ok && sip->bind[i] != NULL; i++)
    ok = start_listener (sip, sip->bind[i], error)
         && (sip->tls == NULL || first_without_tls (sip) == NULL
             || has_no_tls (sip, first_without_tls (sip), error));
  if (!ok)
    {
      abandon (sip);
      return NULL;
    }
  return sip;
}

static gboolean
all_listeners_are_down (const SigSip *sip)
{
  for (guint i = 0; i < sip->listeners->len; i++)
    if (!((SigSipListener *)g_ptr_array_index (sip->listeners, i))->shut_down)
      return FALSE;
  return TRUE;
}

static void
release_all (SigSip *sip)
{
  g_autoptr (GList) calls = g_hash_table_get_values (sip->calls);

  for (GList *call = calls; call != NULL; call = call->next)
    sig_sip_call_release (call->data);
}

static void
start_shutdown_of_listeners (SigSip *sip)
{
  if (sip->shut_down)
    return;
  sip->shut_down = TRUE;
  for (guint i = 0; i < sip->listeners->len; i++)
    nua_shutdown (((SigSipListener *)g_ptr_array_index (sip->listeners, i))->nua);
}

/* Polite for a while, then thorough: handles that still wait for an answer would hold the stack for 30 s. */
static gboolean
on_shutdown_tick (gpointer data)
{
  SigSip *sip = data;

  sip->shutdown_ticks++;
  if (sip->shutdown_ticks == SHUTDOWN_POLITE_TICKS)
    release_all (sip);
  if (g_hash_table_size (sip->calls) == 0
      && (sig_sip_registers_are_over (sip) || sip->shutdown_ticks >= SHUTDOWN_POLITE_TICKS))
    start_shutdown_of_listeners (sip);
  if (!(sip->shut_down && all_listeners_are_down (sip)) && sip->shutdown_ticks < SHUTDOWN_MAX_TICKS)
    return G_SOURCE_CONTINUE;

  g_clear_pointer (&sip->shutdown_source, g_source_unref);
  sip->shutdown_done (sip->shutdown_user);
  return G_SOURCE_REMOVE;
}

/** sig_sip_check_shutdown: a call or a listener is gone: looks at once instead of at the next tick. */
void
sig_sip_check_shutdown (SigSip *sip)
{
  if (sip->shutdown_source != NULL)
    g_source_set_ready_time (sip->shutdown_source, 0);
}

void
sig_sip_shutdown (SigSip *sip, void (*done) (gpointer user), gpointer user)
{
  g_autoptr (GList) calls = g_hash_table_get_values (sip->calls);

  g_assert (sip->thread == g_thread_self ());
  g_return_if_fail (!sip->shutting_down);
  sip->shutting_down = TRUE;
  sip->accepting = FALSE;
  sip->shutdown_done = done;
  sip->shutdown_user = user;
  sig_sip_subscriptions_end (sip);
  sig_sip_outside_end (sip);
  sig_sip_probes_end (sip);
  sig_sip_registers_end (sip);
  for (GList *call = calls; call != NULL; call = call->next)
    sig_sip_call_hangup (sip, ((SigSipCall *)call->data)->id, NULL);
  sip->shutdown_source = g_timeout_source_new (SHUTDOWN_TICK_MS);
  g_source_set_callback (sip->shutdown_source, on_shutdown_tick, sip, NULL);
  g_source_attach (sip->shutdown_source, sip->context);
}

/* The order is the stack's: anything else ends in one of its assertions. */
void
sig_sip_free (SigSip *sip)
{
  gint64 deadline = g_get_monotonic_time () + 32 * G_USEC_PER_SEC;

  g_assert (sip->shutting_down && sip->shutdown_source == NULL);
  while (!all_listeners_are_down (sip) && g_get_monotonic_time () < deadline)
    su_root_step (sip->root, 10);
  if (sip->registers_source != NULL)
    {
      g_source_destroy (sip->registers_source);
      g_source_unref (sip->registers_source);
    }
  sig_sip_registers_clear (sip);
  sig_sip_subscriptions_clear (sip);
  sig_sip_outside_end (sip);
  sig_sip_probes_end (sip);
  g_ptr_array_unref (sip->listeners);
  g_hash_table_destroy (sip->calls);
  sig_sip_timer_clear (sip);
  sig_sip_access_clear (sip);
  sig_sip_fork_clear (sip);
  if (sip->ended_source != NULL)
    {
      g_source_destroy (sip->ended_source);
      g_source_unref (sip->ended_source);
    }
  g_queue_clear (&sip->ended);
  sig_sip_resolver_free (sip->resolver);
  su_root_destroy (sip->root);
  g_source_destroy (sip->source);
  g_source_unref (sip->source);
  sig_sip_streams_free (sip->streams);
  sig_sip_parser_free (sip);
  g_clear_pointer (&sip->new_invite_rate, sig_sip_rate_free);
  g_clear_pointer (&sip->stranger_rate, sig_sip_rate_free);
  g_clear_pointer (&sip->proven, sig_sip_rate_free);
  g_clear_pointer (&sip->options_rate, sig_sip_rate_free);
  g_clear_pointer (&sip->datagram_rate, sig_sip_rate_free);
  g_clear_pointer (&sip->request_budget, sig_sip_rate_free);
  g_clear_pointer (&sip->invite_rate, sig_sip_rate_free);
  g_clear_pointer (&sip->request_rate, sig_sip_rate_free);
  g_clear_pointer (&sip->dialog_rate, sig_sip_rate_free);
  g_main_context_unref (sip->context);
  g_strfreev (sip->bind);
  g_strfreev (sip->bind_wanted);
  g_clear_pointer (&sip->tls, sig_sip_tls_free);
  g_free (sip->external_address);
  g_free (sip->resolv_conf);
  g_free (sip->user_agent);
  g_free (sip->allow);
  g_free (sip->supported);
  g_free (sip);
}

void
sig_sip_set_accepting (SigSip *sip, gboolean accepting)
{
  sip->accepting = accepting && !sip->shutting_down;
}

void
sig_sip_get_stats (SigSip *sip, SigSipStats *stats)
{
  *stats = sip->stats;
  stats->n_calls = sip->n_live;
  stats->n_connections = sig_sip_streams_n (sip->streams);
  stats->n_closing = g_hash_table_size (sip->calls) - sip->n_live - sip->n_branches;
}
