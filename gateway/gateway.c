#include "gateway/gateway.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/base/error.h"
#include "config/base/ids.h"
#include "config/base/log.h"
#include "gateway/api.h"
#include "gateway/api_metrics.h"
#include "gateway/capture.h"
#include "gateway/call_metrics.h"
#include "gateway/calls.h"
#include "gateway/entries.h"
#include "gateway/events.h"
#include "gateway/logs.h"
#include "gateway/extensions.h"
#include "gateway/idempotency.h"
#include "gateway/memory.h"
#include "gateway/metrics.h"
#include "gateway/overload.h"
#include "gateway/plays.h"
#include "gateway/presence.h"
#include "gateway/recordings.h"
#include "gateway/registrations.h"
#include "gateway/rooms.h"
#include "gateway/sessions.h"
#include "gateway/trunks.h"
#include "gateway/tls.h"
#include "gateway/webhooks.h"
#include "gateway/trunk_health.h"
#include "media/codec/codec.h"
#include "signaling/sip/address.h"

#define STOP_LOOK_MS 50
#define STOP_LOOKS   40
#define DEMO_TOKEN_S (24 * 3600)

/* ---- the media engine's words, handed to whom the leg serves ---- */

void
gateway_leg_own (Gateway *gateway, MediaLegId leg, GwLegKind kind, gpointer owner)
{
  GwLegOwner *entry = g_new0 (GwLegOwner, 1);

  entry->kind = kind;
  entry->owner = owner;
  entry->since = cfg_monotonic_now ();
  g_hash_table_insert (gateway->legs, g_memdup2 (&leg, sizeof leg), entry);
}

void
gateway_leg_disown (Gateway *gateway, MediaLegId leg, const char *room, const char *participant)
{
  GwLegOwner *entry = g_hash_table_lookup (gateway->legs, &leg);

  if (entry == NULL)
    return;
  entry->owner = NULL;
  entry->room = g_strdup (room);
  entry->participant = g_strdup (participant);
}

static void
leg_owner_free (gpointer data)
{
  GwLegOwner *entry = data;

  g_free (entry->room);
  g_free (entry->participant);
  g_free (entry);
}

static gpointer
leg_owner (Gateway *gateway, MediaLegId leg, GwLegKind kind)
{
  GwLegOwner *entry = g_hash_table_lookup (gateway->legs, &leg);

  return entry != NULL && entry->kind == kind ? entry->owner : NULL;
}

static void
on_leg_gathered (gpointer data, MediaLegId leg, const MediaRtcLocal *local)
{
  GwSession *session = leg_owner (data, leg, GW_LEG_SESSION);

  if (session != NULL)
    gw_session_gathered (data, session, local);
}

static void
on_leg_candidate (gpointer data, MediaLegId leg, const char *candidate)
{
  GwSession *session = leg_owner (data, leg, GW_LEG_SESSION);

  if (session != NULL)
    gw_session_local_candidate (data, session, candidate);
}

static void
on_leg_connected (gpointer data, MediaLegId leg, const MediaRtcPath *path)
{
  GwSession *session = leg_owner (data, leg, GW_LEG_SESSION);

  if (session != NULL)
    gw_session_connected (data, session, path);
}

static void
on_leg_disconnected (gpointer data, MediaLegId leg)
{
  GwSession *session = leg_owner (data, leg, GW_LEG_SESSION);

  if (session != NULL)
    gw_session_disconnected (data, session);
}

static void
on_leg_failed (gpointer data, MediaLegId leg, const char *reason)
{
  GwSession *session = leg_owner (data, leg, GW_LEG_SESSION);

  if (session != NULL)
    gw_session_failed (data, session, reason);
}

static void
on_leg_media_started (gpointer data, MediaLegId leg, const char *codec, const char *cipher,
                      const char *remote)
{
  GwSession *session = leg_owner (data, leg, GW_LEG_SESSION);
  GwCall *call = leg_owner (data, leg, GW_LEG_CALL);

  if (session != NULL)
    gw_session_media_started (data, session, codec, cipher, remote);
  if (call != NULL)
    gw_call_media_started (data, call, codec, cipher, remote);
}

static void
on_leg_dtmf (gpointer data, MediaLegId leg, char digit, guint duration_ms)
{
  GwCall *call = leg_owner (data, leg, GW_LEG_CALL);

  if (call != NULL)
    gw_call_dtmf (data, call, digit, GW_DIGIT_MEDIA, duration_ms);
}

static void
on_leg_timeout (gpointer data, MediaLegId leg, gboolean initial)
{
  GwCall *call = leg_owner (data, leg, GW_LEG_CALL);

  if (call != NULL)
    gw_call_media_timeout (data, call, initial);
}

static void
on_leg_stats (gpointer data, MediaLegId leg, const MediaLegStats *stats)
{
  GwSession *session = leg_owner (data, leg, GW_LEG_SESSION);
  GwCall *call = leg_owner (data, leg, GW_LEG_CALL);

  if (session != NULL)
    gw_session_stats (data, session, stats);
  if (call != NULL)
    gw_call_stats (data, call, stats);
}

static void
on_leg_closed (gpointer data, MediaLegId leg, const MediaLegStats *stats)
{
  Gateway *gateway = data;
  GwLegOwner *entry = g_hash_table_lookup (gateway->legs, &leg);
  GwCall *call = leg_owner (gateway, leg, GW_LEG_CALL);

  if (entry == NULL)
    return;
  if (call == NULL && entry->room != NULL)
    {
      const CfgLogContext context = { .room = entry->room, .participant = entry->participant };
      gint64 lasted_us = cfg_monotonic_diff_us (cfg_monotonic_now (), entry->since);

      gw_log_summary (&context, (double)lasted_us / CFG_US_PER_S, NULL, stats, -1);
    }
  g_hash_table_remove (gateway->legs, &leg);
  if (call != NULL)
    gw_call_media_closed (gateway, call, stats);
}

static const MediaEngineOps media_ops = {
  .leg_gathered = on_leg_gathered,
  .leg_candidate = on_leg_candidate,
  .leg_connected = on_leg_connected,
  .leg_disconnected = on_leg_disconnected,
  .leg_failed = on_leg_failed,
  .leg_media_started = on_leg_media_started,
  .leg_dtmf = on_leg_dtmf,
  .leg_timeout = on_leg_timeout,
  .leg_stats = on_leg_stats,
  .leg_closed = on_leg_closed,
  .room_speakers = gw_rooms_speakers,
  .play_ended = gw_play_ended,
  .record_started = gw_record_started,
  .record_ended = gw_record_ended,
};

static const SigWebOps web_ops = {
  .ws_open = gw_api_conn_open,
  .ws_message = gw_api_message,
  .ws_closed = gw_api_conn_closed,
  .http = gw_http,
};

/* ---- start ---- */

static gboolean
start_media (Gateway *gateway, GError **error)
{
  const CfgSettings *settings = gateway->settings;
  const MediaEngineConfig config = {
    .n_workers = settings->media.workers,
    .rtp_port_start = settings->rtp_port.start,
    .rtp_port_end = settings->rtp_port.end,
    .rtc_port_start = settings->rtc.port.start,
    .rtc_port_end = settings->rtc.port.end,
    .rtc_bind = (const char *const *)settings->rtc.bind,
    .rtc_external_address = settings->rtc.external_address,
    .stun_server = settings->rtc.stun,
    .opus_complexity
    = settings->media.opus_complexity == 0 ? MEDIA_OPUS_COMPLEXITY_0 : (int)settings->media.opus_complexity,
    .mix_speakers = settings->media.mix_speakers,
    .timeout_us = settings->media.timeout_us,
    .timeout_initial_us = settings->media.timeout_initial_us,
  };

  gateway->media = media_engine_new (&config, &media_ops, gateway, error);
  return gateway->media != NULL;
}

static gboolean
has_ipv6_loopback (void)
{
  const struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  int fd = socket (AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gboolean works;

  if (fd < 0)
    return FALSE;
  works = bind (fd, (const struct sockaddr *)&address, sizeof address) == 0;
  close (fd);
  return works;
}

static gboolean
is_loopback (const char *address)
{
  return g_str_has_prefix (address, "127.") || strcmp (address, "::1") == 0;
}

static gboolean
check_demo_addresses (const CfgSettings *settings, const GatewayOptions *options, GError **error)
{
  if (!settings->demo || options->open)
    return TRUE;
  for (char **address = settings->sip.bind; *address != NULL; address++)
    if (!is_loopback (*address))
      {
        g_set_error (
            error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
            "sip.bind: without trunks everybody could call in on %s: configure trunks, or say --open",
            *address);
        return FALSE;
      }
  return TRUE;
}

static gboolean
start_sip (Gateway *gateway, const GatewayOptions *options, GError **error)
{
  const CfgSettings *settings = gateway->settings;
  g_auto (GwTls) tls = { 0 };
  const char *const loopback[] = { "127.0.0.1", has_ipv6_loopback () ? "::1" : NULL, NULL };
  SigSipConfig config = {
    .bind = (const char *const *)settings->sip.bind,
    .port = settings->sip_port,
    .transports = (SigSipTransports)settings->sip.transports,
    .tls_port = settings->sip.tls.port,
    .external_address = settings->sip.external_address,
    .user_agent = settings->sip.user_agent,
    .invites_per_second_per_source = settings->limits.invites_per_second_per_source,
    .connections_per_source = settings->limits.connections_per_source,
    .session_timer = {
      .enabled = settings->session_timer.enabled,
      .default_expires_s = settings->session_timer.default_expires_s,
      .min_se_s = settings->session_timer.min_se_s,
      .prefer = settings->session_timer.prefer_refresher == CFG_REFRESHER_UAS ? SIG_TIMER_UAS : SIG_TIMER_UAC,
      .use_update = settings->session_timer.use_update,
    },
  };

  if (!check_demo_addresses (settings, options, error))
    return FALSE;
  if (gateway->loopback_only && settings->sip.bind[0] == NULL)
    config.bind = loopback;
  config.takes_register = gateway->loopback_only || settings->sip.registrar.enabled;
  config.realm = settings->sip.realm;
  config.digest_algorithms = (const char *const *)settings->sip.digest_algorithms;
  if (gw_tls_is_wanted (settings))
    {
      gw_tls_init (&tls, settings);
      config.tls = &tls.config;
      config.transports |= SIG_SIP_TLS;
    }
  gateway->sip = sig_sip_new (&config, &gw_calls_sip_ops, gateway, error);
  if (gateway->sip == NULL)
    return FALSE;
  gw_tls_started (gateway);
  gw_trunks_follow (gateway);
  return TRUE;
}

static gboolean
start_web (Gateway *gateway, const GatewayOptions *options, GError **error)
{
  const CfgHttpSettings *http = &gateway->settings->http;
  const SigWebConfig config = {
    .bind = http->bind,
    .port = http->port,
    .tls_cert = http->tls_cert,
    .tls_key = http->tls_key,
    .self_signed = options->self_signed && http->tls_cert == NULL,
    .allowed_origins = (const char *const *)http->allowed_origins,
  };

  gateway->web = sig_web_new (&config, &web_ops, gateway, error);
  return gateway->web != NULL;
}

static gboolean
on_tick (gpointer data)
{
  Gateway *gateway = data;
  const CfgMonotonic now = cfg_monotonic_now ();

  gw_sessions_tick (gateway, now);
  gw_rooms_tick (gateway, now);
  gw_extensions_tick (gateway, now);
  gw_registrations_tick (gateway);
  gw_trunk_health_tick (gateway, now);
  gw_load_tick (gateway);
  gw_capture_tick (gateway, now);
  gw_recordings_tick (gateway);
  gw_api_auth_tick (gateway);
  gw_memory_tick (gateway, now);
  return G_SOURCE_CONTINUE;
}

static void
init_tables (Gateway *gateway)
{
  gateway->rooms = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)gw_room_free);
  gateway->rooms_by_media = g_hash_table_new (g_int64_hash, g_int64_equal);
  gateway->calls = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, gw_call_free);
  gateway->calls_by_sip = g_hash_table_new (g_int64_hash, g_int64_equal);
  gateway->sessions = g_hash_table_new_full (NULL, NULL, gw_session_free, NULL);
  gateway->plays = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, gw_play_free);
  gateway->prompts = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  gateway->legs = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, leg_owner_free);
  gateway->conns = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, gw_conn_free);
}

static void
free_tables (Gateway *gateway)
{
  g_hash_table_unref (gateway->calls_by_sip);
  g_hash_table_unref (gateway->calls);
  g_hash_table_unref (gateway->sessions);
  g_hash_table_unref (gateway->plays);
  g_hash_table_unref (gateway->prompts);
  g_hash_table_unref (gateway->legs);
  g_hash_table_unref (gateway->conns);
  g_hash_table_unref (gateway->rooms_by_media);
  g_hash_table_unref (gateway->rooms);
}

/* A file that was asked for must be there. The default one may not be: who only tries Switchroom out may do
 * so in any directory, and twice. But what is there and cannot be read is not passed over. */
static GwStore *
open_store (const CfgSettings *settings, GError **error)
{
  GwStoreConfig config
      = { .path = settings->storage.path, .call_retention_days = settings->storage.call_retention_days };
  g_autoptr (GError) wrong = NULL;
  GwStore *store = gw_store_open (&config, &wrong);

  if (store != NULL)
    return store;
  if (strcmp (config.path, CFG_DEFAULT_STORAGE_PATH) != 0
      || !g_error_matches (wrong, CFG_ERROR, CFG_ERROR_UNAVAILABLE))
    {
      g_propagate_error (error, g_steal_pointer (&wrong));
      return NULL;
    }
  cfg_warn ("store", NULL, "Nothing is kept over a restart: trunks and rules of the API, records of calls",
            CFG_STR ("reason", wrong->message));
  config.path = ":memory:";
  return gw_store_open (&config, error);
}

static gboolean
start_store (Gateway *gateway, const CfgSettings *settings, const GatewayOptions *options, GError **error)
{
  gateway->store = open_store (settings, error);
  if (gateway->store == NULL)
    return FALSE;
  gateway->entries = gw_entries_new (gateway->store);
  gateway->settings = gw_entries_merge (gateway->entries, settings, FALSE);
  gateway->may_demo = gateway->settings->demo;
  gateway->loopback_only = gateway->settings->demo && !options->open;
  gateway->registrations = gw_registrations_new (gateway);
  gw_webhooks_reload (gateway);
  return TRUE;
}

Gateway *
gateway_new (const CfgSettings *settings, const GatewayOptions *options, GError **error)
{
  Gateway *gateway = g_new0 (Gateway, 1);

  gateway->api_secret = g_strdup (settings->api_secret);
  if (settings->api_key != NULL && gateway->api_secret == NULL)
    gateway->api_secret = cfg_id_new ("secret");
  gateway->started = cfg_monotonic_now ();
  gateway->started_wall = cfg_wall_now ();
  gateway->epoch = cfg_id_new ("EP_");
  gateway->events = gw_events_new (gateway->epoch);
  gateway->recordings = gw_recordings_new ();
  gateway->presence = gw_presence_new ();
  gateway->call_metrics = gw_call_metrics_new ();
  gateway->api_metrics = gw_api_metrics_new ();
  gateway->trunks = gw_trunks_new ();
  gateway->extensions = gw_extensions_new (settings);
  gateway->capture = gw_capture_new (settings);
  gateway->idempotency = gw_idempotency_new ();
  gateway->logs = gw_logs_new (gateway);
  gateway->trunk_health = gw_trunk_health_new ();
  init_tables (gateway);
  if (!start_store (gateway, settings, options, error))
    {
      gateway_free (gateway);
      return NULL;
    }
  /* SIP last: it cannot be stopped without the main loop. */
  if (!start_media (gateway, error) || !start_web (gateway, options, error)
      || !start_sip (gateway, options, error))
    {
      gateway_free (gateway);
      return NULL;
    }
  gateway->load = gw_load_new (gateway);
  gateway->tick_source = g_timeout_add_seconds (1, on_tick, gateway);
  return gateway;
}

void
gateway_follow_trunks (Gateway *gateway)
{
  if (gateway->sip == NULL)
    return;
  gw_tls_follow (gateway);
  gw_trunks_follow (gateway);
}

void
gateway_set_settings (Gateway *gateway, const CfgSettings *settings)
{
  gateway->settings = gw_entries_merge (gateway->entries, settings, !gateway->may_demo);
  if (settings->api_secret != NULL)
    {
      g_free (gateway->api_secret);
      gateway->api_secret = g_strdup (settings->api_secret);
    }
  else if (settings->api_key != NULL && gateway->api_secret == NULL)
    gateway->api_secret = cfg_id_new ("secret");
  gateway_follow_trunks (gateway);
  gw_extensions_reloaded (gateway);
  gw_webhooks_reload (gateway);
  gw_api_auth_reload (gateway);
}

const char *
gateway_secret (gpointer data, const char *api_key)
{
  Gateway *gateway = data;

  if (g_strcmp0 (api_key, gateway->settings->api_key) == 0)
    return gateway->api_secret;
  return cfg_settings_find_secret (gateway->settings, api_key);
}

MediaTrackId
gateway_next_track (Gateway *gateway)
{
  return ++gateway->last_track;
}

/* ---- end ---- */

static gboolean
tell_drained (gpointer data)
{
  Gateway *gateway = data;
  void (*drained) (gpointer) = gateway->drained;

  gateway->drained = NULL;
  if (drained != NULL)
    drained (gateway->drained_user);
  return G_SOURCE_REMOVE;
}

void
gateway_check_drained (Gateway *gateway)
{
  if (gateway->draining && gateway->drained != NULL && g_hash_table_size (gateway->calls) == 0)
    g_idle_add (tell_drained, gateway);
}

void
gateway_drain (Gateway *gateway, void (*done) (gpointer user), gpointer user)
{
  gateway->draining = TRUE;
  gateway->drained = done;
  gateway->drained_user = user;
  sig_sip_set_accepting (gateway->sip, FALSE);
  gw_trunks_withdraw (gateway);
  gateway_check_drained (gateway);
}

static void
end_sessions (Gateway *gateway)
{
  g_autoptr (GList) sessions = g_hash_table_get_keys (gateway->sessions);

  for (GList *link = sessions; link != NULL; link = link->next)
    gw_session_end (gateway, link->data, "server_shutdown");
}

/* What waits for the files of recordings, for a moment: they are finished later too, but nobody is told. */
typedef struct
{
  Gateway *gateway;
  void (*done) (gpointer user);
  gpointer user;
  guint n_looks;
} Stop;

static gboolean
look_for_end (gpointer data)
{
  Stop *stop = data;

  if (!gw_recordings_are_finished (stop->gateway) && stop->n_looks++ < STOP_LOOKS)
    return G_SOURCE_CONTINUE;
  stop->done (stop->user);
  g_free (stop);
  return G_SOURCE_REMOVE;
}

static void
on_sip_stopped (gpointer data)
{
  if (look_for_end (data) == G_SOURCE_CONTINUE)
    g_timeout_add (STOP_LOOK_MS, look_for_end, data);
}

void
gateway_stop (Gateway *gateway, void (*done) (gpointer user), gpointer user)
{
  Stop *stop = g_new0 (Stop, 1);

  *stop = (Stop){ .gateway = gateway, .done = done, .user = user };
  gw_recordings_stop_all (gateway);
  gateway->draining = TRUE;
  gateway->stopping = TRUE;
  gateway->drained = NULL;
  gw_calls_hangup_all (gateway, "server_shutdown");
  end_sessions (gateway);
  gw_trunks_withdraw (gateway);
  sig_sip_shutdown (gateway->sip, on_sip_stopped, stop);
}

static void
free_idle_rooms (Gateway *gateway)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, gateway->rooms);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_set_size (((GwRoom *)value)->participants, 0);
}

void
gateway_free (Gateway *gateway)
{
  if (gateway->tick_source != 0)
    g_source_remove (gateway->tick_source);
  gw_recordings_give_up (gateway);
  gw_registrations_flush (gateway);
  g_clear_pointer (&gateway->store,
                   gw_store_free); /* tells those who wait, while there is a web to tell by */
  g_clear_pointer (&gateway->web, sig_web_free);
  g_clear_pointer (&gateway->media, media_engine_free);
  g_clear_pointer (&gateway->sip, sig_sip_free);
  free_idle_rooms (gateway);
  free_tables (gateway);
  gw_presence_free (gateway->presence);
  gw_call_metrics_free (gateway->call_metrics);
  gw_api_metrics_free (gateway->api_metrics);
  gw_trunks_free (gateway->trunks);
  gw_registrations_free (gateway->registrations);
  gw_extensions_free (gateway->extensions);
  gw_capture_free (gateway->capture);
  gw_idempotency_free (gateway->idempotency);
  gw_logs_free (gateway->logs);
  gw_webhooks_free (gateway->webhooks);
  gw_entries_free (gateway->entries);
  gw_events_free (gateway->events);
  g_free (gateway->api_secret);
  g_free (gateway->epoch);
  gw_trunk_health_free (gateway->trunk_health);
  gw_load_free (gateway->load);
  gw_recordings_free (gateway->recordings);
  g_free (gateway->tls_in_force);
  g_free (gateway);
}

/* ---- welcome ---- */

static char *
demo_token (Gateway *gateway)
{
  const CfgWall now = cfg_wall_now ();
  const SigToken token
      = sig_token_for_all (gateway->settings->api_key, "", now.us / CFG_US_PER_S + DEMO_TOKEN_S);

  return sig_token_mint (&token, gateway->api_secret, now);
}

static gboolean
is_any_address (const char *address)
{
  return strcmp (address, "0.0.0.0") == 0 || strcmp (address, "::") == 0;
}

const char *
gateway_sip_address (const Gateway *gateway)
{
  const CfgSettings *settings = gateway->settings;
  const char *bind = settings->sip.bind[0];

  if (settings->sip.external_address != NULL)
    return settings->sip.external_address;
  if (bind != NULL)
    return is_any_address (bind) ? NULL : bind;
  return gateway->loopback_only ? "127.0.0.1" : NULL;
}

void
gateway_print_welcome (Gateway *gateway)
{
  const CfgSettings *settings = gateway->settings;
  const char *bind = settings->http.bind, *sip = gateway_sip_address (gateway);
  gboolean is_any = is_any_address (bind);
  char own[SIG_SIP_ADDRESS_MAX];
  g_autofree char *page
      = g_strdup_printf (strchr (bind, ':') != NULL && !is_any ? "%s://[%s]:%u/" : "%s://%s:%u/",
                         sig_web_is_tls (gateway->web) ? "https" : "http", is_any ? "localhost" : bind,
                         sig_web_port (gateway->web));
  g_autoptr (GString) text = g_string_new (NULL);

  if (sip == NULL)
    sip = sig_sip_address_route ("anywhere", own) ? own : "ADDRESS";
  /* In one piece: the log, which a thread of its own writes, would come in between. */
  g_string_append_printf (text,
                          strchr (sip, ':') != NULL
                              ? "\nSwitchroom %s\n\n  Page:       %s\n  SIP:        sip:%s@[%s]:%u%s\n"
                              : "\nSwitchroom %s\n\n  Page:       %s\n  SIP:        sip:%s@%s:%u%s\n",
                          SWITCHROOM_VERSION, page, settings->demo ? "demo" : "NUMBER", sip,
                          settings->sip_port, settings->demo ? "   (any name is a room)" : "");
  if (settings->api_secret == NULL && settings->api_key != NULL)
    {
      g_autofree char *token = demo_token (gateway);

      g_string_append_printf (
          text,
          "  Ready link: %s?room=demo&token=%s\n              (open it, allow the microphone, "
          "then call the SIP address; good for 24 hours)\n  API key:    %s\n"
          "  API secret: %s\n",
          page, token, settings->api_key, gateway->api_secret);
    }
  g_print ("%s\n", text->str);
}
