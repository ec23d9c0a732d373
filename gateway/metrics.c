#include "gateway/metrics.h"

#include "gateway/call_metrics.h"
#include "gateway/calls.h"
#include "gateway/capture.h"
#include "gateway/extensions.h"
#include "gateway/overload.h"
#include "gateway/tls.h"
#include "gateway/trunks.h"
#include "gateway/trunk_health.h"
#include "gateway/twirp.h"
#include "gateway/webhooks.h"

#include <string.h>

#define PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

static void
add (GString *text, const char *name, const char *type, const char *help, double value)
{
  g_string_append_printf (text, "# HELP switchroom_%s %s\n# TYPE switchroom_%s %s\nswitchroom_%s %.15g\n",
                          name, help, name, type, name, value);
}

static void
add_drops (GString *text, const SigSipStats *sip)
{
  add (text, "sip_connections", "gauge", "SIP connections that others have opened.", sip->n_connections);
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
  gw_call_timer_metrics (gateway, text);
  gw_capture_metrics (gateway, text);
  gw_trunks_metrics (gateway, text);
  gw_call_metrics_write (gateway, text);
  gw_tls_metrics (gateway->sip, text);
}

static void
add_media (Gateway *gateway, GString *text)
{
  guint64 packets_in = 0, packets_out = 0, strangers = 0;
  double load = 0, late = 0;

  for (guint i = 0; i < media_engine_n_workers (gateway->media); i++)
    {
      MediaWorkerStats stats;

      media_engine_worker_stats (gateway->media, i, &stats);
      packets_in += stats.packets_in;
      packets_out += stats.packets_out;
      strangers += stats.strangers;
      load = MAX (load, stats.load);
      late = MAX (late, stats.tick_late_ms);
    }
  add (text, "rtp_packets_received_total", "counter", "RTP and RTCP packets received.", (double)packets_in);
  add (text, "rtp_packets_sent_total", "counter", "RTP and RTCP packets sent.", (double)packets_out);
  add (text, "rtp_strangers_total", "counter", "Packets dropped because nobody known sent them.",
       (double)strangers);
  add (text, "media_worker_load", "gauge", "Share of a core used by the busiest media worker.", load);
  add (text, "media_tick_late_seconds", "gauge", "Worst lateness of a media tick in the last second.",
       late / 1000);
}

static char *
metrics_text (Gateway *gateway)
{
  GString *text = g_string_new (NULL);
  SigSipStats sip = { 0 };

  sig_sip_get_stats (gateway->sip, &sip);
  g_string_append (text, "# HELP switchroom_build_info The version.\n# TYPE switchroom_build_info gauge\n"
                         "switchroom_build_info{version=\"" SWITCHROOM_VERSION "\"} 1\n");
  add (text, "rooms", "gauge", "Rooms.", g_hash_table_size (gateway->rooms));
  add (text, "calls", "gauge", "SIP calls.", g_hash_table_size (gateway->calls));
  add (text, "sessions", "gauge", "WebRTC participants.", g_hash_table_size (gateway->sessions));
  add (text, "connections", "gauge", "WebSocket connections.", g_hash_table_size (gateway->conns));
  add (text, "calls_total", "counter", "SIP calls since the start.", (double)gateway->n_calls_total);
  add (text, "calls_failed_total", "counter", "SIP calls that were never answered.",
       (double)gateway->n_calls_failed);
  add (text, "pins_right_total", "counter", "PINs that callers entered and a rule has.",
       (double)gateway->n_pins_right);
  add (text, "pins_wrong_total", "counter", "PINs that no rule has, and none where one was asked for.",
       (double)gateway->n_pins_wrong);
  add (text, "sip_invites_total", "counter", "INVITEs received.", (double)sip.n_invites);
  add (text, "sip_refused_total", "counter", "SIP requests refused.", (double)sip.n_refused);
  add (text, "sip_rate_limited_total", "counter", "INVITEs above the limit per source.",
       (double)sip.n_rate_limited);
  add (text, "sip_scanners_total", "counter", "SIP requests of scanning tools, dropped.",
       (double)sip.n_scanners);
  add (text, "sip_malformed_total", "counter", "SIP messages that could not be read.",
       (double)sip.n_malformed);
  add (text, "sip_challenges_total", "counter", "SIP requests that were asked for a password.",
       (double)sip.n_challenges);
  add (text, "sip_auth_failures_total", "counter", "Wrong SIP user names and passwords.",
       (double)sip.n_auth_failures);
  add (text, "sip_auth_limited_total", "counter", "SIP passwords not looked at, after too many wrong ones.",
       (double)sip.n_auth_limited);
  add_of_parts (gateway, text);
  add_drops (text, &sip);
  gw_webhooks_metrics (gateway, text);
  gw_trunk_health_metrics (gateway, text);
  add_media (gateway, text);
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

  if (gateway->draining)
    answer (response, 503, "text/plain", g_strdup ("draining\n"));
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
