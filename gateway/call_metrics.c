#include "gateway/call_metrics.h"

#include "gateway/call_private.h"
#include "gateway/core/histogram.h"
#include "gateway/core/metric_text.h"

typedef enum
{
  RESULT_ANSWERED,
  RESULT_BUSY,
  RESULT_NO_ANSWER,
  RESULT_CANCELED,
  RESULT_REFUSED,
  RESULT_FAILED,
  N_RESULTS,
} Result;

static const char *const result_words[N_RESULTS]
    = { "answered", "busy", "no_answer", "canceled", "refused", "failed" };
static const char *const direction_words[2] = { "outbound", "inbound" };
static const char *const way_words[2] = { "in", "out" };

static const GwHistogramType setup_type = { "call_setup_seconds",
                                            "From the INVITE to the answer, of calls that were answered.",
                                            9,
                                            { 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60 } };
static const GwHistogramType duration_type = {
  "call_duration_seconds", "From the answer to the end.", 9, { 1, 10, 30, 60, 120, 300, 600, 1800, 3600 }
};
static const GwHistogramType mos_type = {
  "call_mos", "Estimated quality of the audio of a call, 1 to 4.5.", 7, { 1.5, 2.5, 3, 3.5, 3.8, 4, 4.3 }
};
static const GwHistogramType loss_type = {
  "call_loss_ratio", "Packets of a call that were lost.", 7, { 0, 0.001, 0.005, 0.01, 0.03, 0.1, 0.3 }
};
static const GwHistogramType jitter_type = {
  "call_jitter_seconds", "Jitter of a call (RFC 3550).", 7, { 0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.3 }
};
struct _GwCallMetrics
{
  guint64 ended[2][N_RESULTS]; /* by direction */
  GwHistogram setup[2], duration[2];
  GwHistogram mos[2], loss[2], jitter[2]; /* of what came in, what went out */
  guint64 packets[2], lost[2];
};

GwCallMetrics *
gw_call_metrics_new (void)
{
  return g_new0 (GwCallMetrics, 1);
}

void
gw_call_metrics_free (GwCallMetrics *metrics)
{
  g_free (metrics);
}

static Result
result_of_status (int status)
{
  switch (status)
    {
    case 486:
    case 600:
      return RESULT_BUSY;
    case 408:
    case 480:
    case 504:
      return RESULT_NO_ANSWER;
    case 487:
      return RESULT_CANCELED;
    default:
      return (status >= 400 && status < 500) || status >= 600 ? RESULT_REFUSED : RESULT_FAILED;
    }
}

/* Of one that was never answered. */
static Result
result_of (const GwCall *call)
{
  static const char *const failures[]
      = { "bad_sdp", "failed", "bridge_failed", "media_timeout", "room_full", NULL };
  const char *reason = call->hangup_reason;

  if (call->end.status != 0 || reason == NULL || g_strv_contains (failures, reason))
    return result_of_status (call->end.status);
  return strcmp (reason, "nobody_came") == 0 ? RESULT_NO_ANSWER : RESULT_CANCELED;
}

static void
add_stream (GwCallMetrics *metrics, int way, const MediaStreamStats *stream)
{
  if (stream->packets == 0)
    return;
  metrics->packets[way] += stream->packets;
  metrics->lost[way] += stream->lost;
  gw_histogram_add (&metrics->mos[way], &mos_type, stream->mos);
  gw_histogram_add (&metrics->loss[way], &loss_type, stream->loss_percent / 100);
  gw_histogram_add (&metrics->jitter[way], &jitter_type, stream->jitter_ms / 1000);
}

void
gw_call_metrics_ended (const GwCall *call)
{
  GwCallMetrics *metrics = call->gateway->call_metrics;
  int direction = call->v.inbound ? 1 : 0;

  metrics->ended[direction][call->v.was_answered ? RESULT_ANSWERED : result_of (call)]++;
  call->gateway->n_calls_failed += !call->v.was_answered;
  if (!call->v.was_answered)
    return;
  gw_histogram_add (&metrics->setup[direction], &setup_type,
                    (double)cfg_monotonic_diff_us (call->answered, call->created) / CFG_US_PER_S);
  gw_histogram_add (&metrics->duration[direction], &duration_type,
                    (double)cfg_monotonic_diff_us (call->ended, call->answered) / CFG_US_PER_S);
  add_stream (metrics, 0, &call->stats.in);
  add_stream (metrics, 1, &call->stats.out);
}

void
gw_call_metrics_refused (Gateway *gateway, int status)
{
  gateway->call_metrics->ended[1][result_of_status (status)]++;
}

static void
write_states (Gateway *gateway, GString *text)
{
  guint counts[2][2] = { 0 };
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, gateway->calls);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const GwCall *call = value;

      if (gw_call_is_live (call->v.state))
        counts[call->v.inbound ? 1 : 0][call->v.was_answered ? 1 : 0]++;
    }
  g_string_append (text, "# HELP switchroom_calls_by_state Calls that are up.\n"
                         "# TYPE switchroom_calls_by_state gauge\n");
  for (int d = 0; d < 2; d++)
    for (int s = 0; s < 2; s++)
      g_string_append_printf (text, "switchroom_calls_by_state{direction=\"%s\",state=\"%s\"} %u\n",
                              direction_words[d], s == 1 ? "active" : "ringing", counts[d][s]);
}

static void
write_pair (const GwHistogram histograms[2], const GwHistogramType *type, const char *label,
            const char *const words[2], GString *text)
{
  gw_histogram_write_head (type, text);
  for (int i = 0; i < 2; i++)
    {
      g_autofree char *labels = g_strdup_printf ("%s=\"%s\"", label, words[i]);

      gw_histogram_write (&histograms[i], type, labels, text);
    }
}

static void
write_counts (const guint64 counts[2], const char *name, const char *help, GString *text)
{
  gw_metric_head (text, name, "counter", help);
  gw_metric_sample (text, name, "way=\"in\"", (double)counts[0]);
  gw_metric_sample (text, name, "way=\"out\"", (double)counts[1]);
}

void
gw_call_metrics_write (Gateway *gateway, GString *text)
{
  const GwCallMetrics *metrics = gateway->call_metrics;

  write_states (gateway, text);
  g_string_append (text, "# HELP switchroom_calls_ended_total Calls that are over, by their result.\n"
                         "# TYPE switchroom_calls_ended_total counter\n");
  for (int d = 0; d < 2; d++)
    for (int r = 0; r < N_RESULTS; r++)
      g_string_append_printf (
          text, "switchroom_calls_ended_total{direction=\"%s\",result=\"%s\"} %" G_GUINT64_FORMAT "\n",
          direction_words[d], result_words[r], metrics->ended[d][r]);
  write_pair (metrics->setup, &setup_type, "direction", direction_words, text);
  write_pair (metrics->duration, &duration_type, "direction", direction_words, text);
  write_counts (metrics->packets, "call_packets_total", "RTP packets of calls that are over.", text);
  write_counts (metrics->lost, "call_packets_lost_total",
                "RTP packets of calls that are over which were lost.", text);
  write_pair (metrics->mos, &mos_type, "way", way_words, text);
  write_pair (metrics->loss, &loss_type, "way", way_words, text);
  write_pair (metrics->jitter, &jitter_type, "way", way_words, text);
}
