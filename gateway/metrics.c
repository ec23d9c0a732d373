#include "gateway/metrics.h"

#include "config/base/log.h"
#include "gateway/api_metrics.h"
#include "gateway/call_metrics.h"
#include "gateway/calls.h"
#include "gateway/capture.h"
#include "gateway/core/metric_text.h"
#include "gateway/events.h"
#include "gateway/extensions.h"
#include "gateway/overload.h"
#include "gateway/process_metrics.h"
#include "gateway/store.h"
#include "gateway/recordings.h"
#include "gateway/tls.h"
#include "gateway/trunks.h"
#include "gateway/trunk_health.h"
#include "gateway/twirp.h"
#include "gateway/webhooks.h"

#include <string.h>

#define PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

static void
add_drops (GString *text, const SigSipStats *sip)
{
  gw_metric_add (text, "sip_connections", "gauge", "SIP connections that others have opened.",
                 sip->n_connections);
  g_string_append (text,
                   "# HELP switchroom_sip_dropped_total SIP messages thrown away without an answer, and "
                   "connections closed.\n# TYPE switchroom_sip_dropped_total counter\n");
  for (guint i = 0; i < SIG_SIP_N_DROPS; i++)
    g_string_append_printf (text, "switchroom_sip_dropped_total{reason=\"%s\"} %" G_GUINT64_FORMAT "\n",
                            sig_sip_drop_name ((SigSipDrop)i), sip->n_dropped[i]);
}

static void
add_of_parts (Gateway *gateway, GString *text)
{
  gw_extensions_metrics (gateway, text);
  gw_admission_metrics (gateway, text);
  gw_load_metrics (gateway, text);
  gw_recordings_metrics (gateway, text);
  gw_call_timer_metrics (gateway, text);
  gw_capture_metrics (gateway, text);
  gw_trunks_metrics (gateway, text);
  gw_call_metrics_write (gateway, text);
  gw_api_metrics_write (gateway, text);
  gw_events_metrics (gateway, text);
  gw_tls_metrics (gateway->sip, text);
}

static void
add_rtp (Gateway *gateway, GString *text)
{
  guint64 packets_in = 0, packets_out = 0, strangers = 0;

  for (guint i = 0; i < media_engine_n_workers (gateway->media); i++)
    {
      MediaWorkerStats stats;

      media_engine_worker_stats (gateway->media, i, &stats);
      packets_in += stats.packets_in;
      packets_out += stats.packets_out;
      strangers += stats.strangers;
    }
  gw_metric_add (text, "rtp_packets_received_total", "counter", "RTP and RTCP packets received.",
                 (double)packets_in);
  gw_metric_add (text, "rtp_packets_sent_total", "counter", "RTP and RTCP packets sent.",
                 (double)packets_out);
  gw_metric_add (text, "rtp_strangers_total", "counter", "Packets dropped because nobody known sent them.",
                 (double)strangers);
}

typedef double (*WorkerValue) (const MediaWorkerStats *stats);

static double
worker_load (const MediaWorkerStats *stats)
{
  return stats->load;
}

static double
worker_legs (const MediaWorkerStats *stats)
{
  return stats->n_legs;
}

static double
worker_rooms (const MediaWorkerStats *stats)
{
  return stats->n_rooms;
}

static double
worker_late (const MediaWorkerStats *stats)
{
  return stats->tick_late_ms / 1000;
}

static double
worker_late_p99 (const MediaWorkerStats *stats)
{
  return stats->tick_late_p99_ms / 1000;
}

static double
worker_skipped (const MediaWorkerStats *stats)
{
  return (double)stats->ticks_skipped;
}

static double
worker_complexity (const MediaWorkerStats *stats)
{
  return stats->opus_complexity;
}

static double
worker_opus_seconds (const MediaWorkerStats *stats)
{
  return (double)stats->opus_cpu_us / CFG_US_PER_S;
}

static double
worker_commands (const MediaWorkerStats *stats)
{
  return stats->commands_waiting;
}

static const struct
{
  const char *name, *type, *help;
  WorkerValue value;
} worker_metrics[] = {
  { "media_worker_load", "gauge", "Share of a core used by a media worker in the last second.", worker_load },
  { "media_worker_legs", "gauge", "Transports of phones and browsers on a media worker.", worker_legs },
  { "media_worker_rooms", "gauge", "Rooms on a media worker.", worker_rooms },
  { "media_worker_commands_waiting", "gauge", "Commands that a media worker has not taken yet.",
    worker_commands },
  { "media_worker_opus_complexity", "gauge",
    "Effort of a media worker's Opus encoders, 0 to 10; below media.opus_complexity while it is nearly full.",
    worker_complexity },
  { "media_worker_opus_seconds_total", "counter",
    "What Opus encoders took of a media worker's core, by samples.", worker_opus_seconds },
  { "media_tick_late_seconds", "gauge", "Worst lateness of a media tick in the last second.", worker_late },
  { "media_tick_late_p99_seconds", "gauge",
    "Lateness that 99 % of the media ticks of the last seconds did not exceed.", worker_late_p99 },
  { "media_ticks_skipped_total", "counter", "Media ticks left out because the worker was too late.",
    worker_skipped },
};

static void
add_workers (Gateway *gateway, GString *text)
{
  for (gsize m = 0; m < G_N_ELEMENTS (worker_metrics); m++)
    {
      gw_metric_head (text, worker_metrics[m].name, worker_metrics[m].type, worker_metrics[m].help);
      for (guint i = 0; i < media_engine_n_workers (gateway->media); i++)
        {
          g_autofree char *labels = g_strdup_printf ("worker=\"%u\"", i);
          MediaWorkerStats stats;

          media_engine_worker_stats (gateway->media, i, &stats);
          gw_metric_sample (text, worker_metrics[m].name, labels, worker_metrics[m].value (&stats));
        }
    }
}

/* What waits between threads, and on its way out: here it shows first that something does not follow. */
static void
add_queues (Gateway *gateway, GString *text)
{
  guint waiting = 0;
  guint64 dropped = 0, lines_dropped = 0;
  gsize log_bytes = 0;

  media_engine_events (gateway->media, &waiting, &dropped);
  gw_metric_add (text, "media_events_waiting", "gauge",
                 "What media workers have told and the main thread has not heard yet.", waiting);
  gw_metric_add (text, "media_events_dropped_total", "counter",
                 "Statistics of media workers that the main thread would have heard too late.",
                 (double)dropped);
  cfg_log_get_stats (&log_bytes, &lines_dropped);
  gw_metric_add (text, "log_queued_bytes", "gauge", "Log lines that are not written yet.", (double)log_bytes);
  gw_metric_add (text, "log_lines_dropped_total", "counter", "Log lines dropped because the log is slow.",
                 (double)lines_dropped);
  gw_metric_add (text, "store_jobs_waiting", "gauge", "What the database has not taken yet.",
                 gw_store_n_waiting (gateway->store));
  gw_metric_add (text, "store_records_dropped_total", "counter", "Records of calls that were not written.",
                 (double)gw_store_n_dropped (gateway->store));
}

static void
add_web (Gateway *gateway, GString *text)
{
  static const char *const classes[] = { "2xx", "3xx", "4xx", "5xx" };
  SigWebStats stats;

  sig_web_get_stats (gateway->web, &stats);
  gw_metric_add (text, "http_connections", "gauge", "TCP connections to the HTTP port.", stats.n_connections);
  gw_metric_add (text, "http_connections_refused_total", "counter",
                 "Connections closed at once because there were too many.", (double)stats.n_turned_away);
  gw_metric_head (text, "http_responses_total", "counter", "Answers to HTTP requests and upgrades.");
  for (gsize i = 0; i < G_N_ELEMENTS (classes); i++)
    {
      g_autofree char *labels = g_strdup_printf ("code=\"%s\"", classes[i]);

      gw_metric_sample (text, "http_responses_total", labels, (double)stats.n_responses[i]);
    }
  gw_metric_add (text, "websocket_messages_received_total", "counter", "Messages of WebSocket clients.",
                 (double)stats.n_messages_in);
  gw_metric_add (text, "websocket_messages_sent_total", "counter", "Messages to WebSocket clients.",
                 (double)stats.n_messages_out);
  gw_metric_add (text, "websocket_queued_bytes", "gauge",
                 "Messages that wait because their clients do not read.", (double)stats.queued_bytes);
  gw_metric_add (text, "websocket_slow_consumers_total", "counter",
                 "Connections closed because their client did not read.", (double)stats.n_slow_total);
  gw_metric_add (text, "websocket_paused_total", "counter",
                 "Times that a client was not read from, since it did not read its answers.",
                 (double)stats.n_paused_total);
}

static char *
metrics_text (Gateway *gateway)
{
  GString *text = g_string_new (NULL);
  SigSipStats sip = { 0 };

  sig_sip_get_stats (gateway->sip, &sip);
  g_string_append (text, "# HELP switchroom_build_info The version.\n# TYPE switchroom_build_info gauge\n"
                         "switchroom_build_info{version=\"" SWITCHROOM_VERSION "\"} 1\n");
  gw_metric_add (text, "rooms", "gauge", "Rooms.", g_hash_table_size (gateway->rooms));
  gw_metric_add (text, "calls", "gauge", "SIP calls.", g_hash_table_size (gateway->calls));
  gw_metric_add (text, "sessions", "gauge", "WebRTC participants.", g_hash_table_size (gateway->sessions));
  gw_metric_add (text, "connections", "gauge", "WebSocket connections.", g_hash_table_size (gateway->conns));
  gw_metric_add (text, "calls_total", "counter", "SIP calls since the start.",
                 (double)gateway->n_calls_total);
  gw_metric_add (text, "calls_failed_total", "counter", "SIP calls that were never answered.",
                 (double)gateway->n_calls_failed);
  gw_metric_add (text, "pins_right_total", "counter", "PINs that callers entered and a rule has.",
                 (double)gateway->n_pins_right);
  gw_metric_add (text, "pins_wrong_total", "counter",
                 "PINs that no rule has, and none where one was asked for.", (double)gateway->n_pins_wrong);
  gw_metric_add (text, "sip_invites_total", "counter", "INVITEs received.", (double)sip.n_invites);
  gw_metric_add (text, "sip_refused_total", "counter", "SIP requests refused.", (double)sip.n_refused);
  gw_metric_add (text, "sip_rate_limited_total", "counter", "INVITEs above the limit per source.",
                 (double)sip.n_rate_limited);
  gw_metric_add (text, "sip_scanners_total", "counter", "SIP requests of scanning tools, dropped.",
                 (double)sip.n_scanners);
  gw_metric_add (text, "sip_malformed_total", "counter", "SIP messages that could not be read.",
                 (double)sip.n_malformed);
  gw_metric_add (text, "sip_challenges_total", "counter", "SIP requests that were asked for a password.",
                 (double)sip.n_challenges);
  gw_metric_add (text, "sip_auth_failures_total", "counter", "Wrong SIP user names and passwords.",
                 (double)sip.n_auth_failures);
  gw_metric_add (text, "sip_auth_limited_total", "counter",
                 "SIP passwords not looked at, after too many wrong ones.", (double)sip.n_auth_limited);
  add_of_parts (gateway, text);
  add_drops (text, &sip);
  gw_webhooks_metrics (gateway, text);
  gw_trunk_health_metrics (gateway, text);
  add_rtp (gateway, text);
  add_workers (gateway, text);
  add_queues (gateway, text);
  add_web (gateway, text);
  gw_process_metrics_write (gateway, text);
  return g_string_free (text, FALSE);
}

static void
answer (SigWebResponse *response, int status, const char *type, char *body)
{
  response->status = status;
  response->content_type = type;
  response->body = g_bytes_new_take (body, strlen (body));
}

static void
answer_ready (const Gateway *gateway, SigWebResponse *response)
{
  const char *refusing = gw_load_refusing (gateway);
  const guint max_calls = gateway->settings->limits.max_calls;

  if (gateway->draining)
    answer (response, 503, "text/plain", g_strdup ("draining\n"));
  else if (max_calls > 0 && g_hash_table_size (gateway->calls) >= max_calls)
    answer (response, 503, "text/plain",
            g_strdup_printf ("full: limits.max_calls (%u) is reached\n", max_calls));
  else if (refusing != NULL)
    answer (response, 503, "text/plain", g_strdup_printf ("overloaded: %s\n", refusing));
  else
    answer (response, 200, "text/plain", g_strdup ("ready\n"));
}

void
gw_http (gpointer data, const SigWebRequest *request, SigWebResponse *response)
{
  Gateway *gateway = data;

  if (gw_twirp_http (gateway, request, response))
    return;
  if (strcmp (request->method, "GET") == 0 && strcmp (request->path, "/healthz") == 0)
    answer (response, 200, "text/plain", g_strdup ("ok\n"));
  else if (strcmp (request->method, "GET") == 0 && strcmp (request->path, "/readyz") == 0)
    answer_ready (gateway, response);
  else if (strcmp (request->method, "GET") == 0 && strcmp (request->path, "/metrics") == 0)
    answer (response, 200, PROMETHEUS_TYPE, metrics_text (gateway));
  else
    answer (response, 404, "text/plain", g_strdup ("there is nothing here\n"));
}
