#include "tools/load/report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAILURES_SHOWN 5
#define REASONS_MAX    20

static const char *const kind_names[LOAD_N_KINDS] = { "sip", "webrtc", "janus", "relay" };

typedef struct
{
  guint n, n_up, n_mute; /* mute: somebody else talks, and fewer than 90 % of the packets came */
  guint64 sent, received, expected, lost, missing, duplicates, reordered, gaps, late, reported_lost;
  guint64 network_lost;
  gint64 gap_max_us, jitter_us;
  GArray *delays;
} Group;

static int
compare (gconstpointer a, gconstpointer b)
{
  const gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

  return (x > y) - (x < y);
}

/* @part: 0–1; in milliseconds. */
static double
percentile (const GArray *sorted, double part)
{
  if (sorted->len == 0)
    return 0;
  return (double)g_array_index (sorted, gint64, MIN ((guint)(part * sorted->len), sorted->len - 1)) / 1000;
}

static json_t *
percentiles (const GArray *sorted)
{
  json_t *all = json_pack ("{s:i}", "n", (int)sorted->len);

  if (sorted->len > 0)
    json_object_update_new (all, json_pack ("{s:f, s:f, s:f, s:f}", "p50", percentile (sorted, 0.5), "p95",
                                            percentile (sorted, 0.95), "p99", percentile (sorted, 0.99),
                                            "max", percentile (sorted, 1)));
  return all;
}

static gboolean
stayed_up (const LoadParticipant *participant)
{
  return participant->up.us != 0 && participant->state != LOAD_FAILED;
}

/* Talkers by room who were there all the time. Returns: (transfer full). */
static guint *
count_talkers (const Load *load)
{
  guint *talkers = g_new0 (guint, load->n_rooms);

  for (guint i = 0; i < load->participants->len; i++)
    {
      const LoadParticipant *participant = g_ptr_array_index (load->participants, i);

      talkers[participant->room]
          += participant->flow.talks && participant->measured && stayed_up (participant);
    }
  return talkers;
}

/* Whether there was always somebody else whose packets it should have. */
static gboolean
hears_somebody (const LoadParticipant *participant, const guint *talkers)
{
  const guint itself = participant->flow.talks && participant->measured && stayed_up (participant);

  return talkers[participant->room] > itself && !participant->flow.hears_pauses;
}

/* Packets that an emulated network may have on their way as the measuring begins or ends; and where the load
 * left frames out itself, one who hears may have left out one fewer than who speaks. */
static guint64
edges (const Load *load)
{
  const LoadOptions *options = load->options;
  const LoadNetemConfig *ways[] = { &options->up, &options->down };
  guint64 packets = LOAD_EDGES + load->n_standstills;

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    packets
        += (guint64)((ways[i]->jitter_us + (ways[i]->reorder > 0 ? LOAD_NETEM_HOLD_MS * CFG_US_PER_MS : 0))
                     / (LOAD_FRAME_MS * CFG_US_PER_MS));
  return packets;
}

/* What did not come and has no gap in the sequence either: a mix that was left out. */
static guint64
missing (const LoadParticipant *participant, const guint *talkers)
{
  const LoadOptions *options = participant->load->options;

  return participant->measured && options->pause_frames == 0 && hears_somebody (participant, talkers)
             ? load_flow_missing (&participant->result, edges (participant->load))
             : 0;
}

static void
add (Group *group, const LoadParticipant *participant, const guint *talkers)
{
  const LoadFlowResult *result = &participant->result;

  group->n++;
  group->n_up += stayed_up (participant);
  if (!participant->frozen || participant->up.us == 0)
    return;
  group->n_mute += hears_somebody (participant, talkers) && 10 * result->received < 9 * result->due;
  group->missing += missing (participant, talkers);
  group->network_lost += participant->network_lost;
  group->sent += result->sent;
  group->received += result->received;
  group->expected += result->expected;
  group->lost += result->lost;
  group->duplicates += result->duplicates;
  group->reordered += result->reordered;
  group->gaps += result->gaps;
  group->late += result->late;
  group->reported_lost += result->reported_lost;
  group->gap_max_us = MAX (group->gap_max_us, result->gap_max_us);
  group->jitter_us = MAX (group->jitter_us, result->jitter_us);
  if (result->delays->len > 0)
    g_array_append_vals (group->delays, result->delays->data, result->delays->len);
}

static void
collect (const Load *load, const guint *talkers, Group groups[LOAD_N_KINDS])
{
  for (guint i = 0; i < LOAD_N_KINDS; i++)
    groups[i] = (Group){ .delays = g_array_new (FALSE, FALSE, sizeof (gint64)) };
  for (guint i = 0; i < load->participants->len; i++)
    {
      const LoadParticipant *participant = g_ptr_array_index (load->participants, i);

      add (&groups[participant->kind], participant, talkers);
    }
  for (guint i = 0; i < LOAD_N_KINDS; i++)
    g_array_sort (groups[i].delays, compare);
}

static double
percent (guint64 part, guint64 whole)
{
  return whole > 0 ? 100 * (double)part / (double)whole : 0;
}

/* ---- JSON ---- */

static json_t *
group_json (const Group *group)
{
  json_t *all = json_pack (
      "{s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:f, s:f, s:I, s:I}", "flows",
      (int)group->n, "up", (int)group->n_up, "mute", (int)group->n_mute, "sent", (json_int_t)group->sent,
      "received", (json_int_t)group->received, "expected", (json_int_t)group->expected, "lost",
      (json_int_t)group->lost, "missing", (json_int_t)group->missing, "loss_percent",
      percent (group->lost, group->expected), "duplicates", (json_int_t)group->duplicates, "reordered",
      (json_int_t)group->reordered, "gaps", (json_int_t)group->gaps, "late", (json_int_t)group->late,
      "gap_max_ms", (double)group->gap_max_us / 1000, "jitter_max_ms", (double)group->jitter_us / 1000,
      "reported_lost", (json_int_t)group->reported_lost, "network_lost", (json_int_t)group->network_lost);

  json_object_set_new (all, "delay_ms", percentiles (group->delays));
  return all;
}

static json_t *
flow_json (const LoadParticipant *participant, const guint *talkers)
{
  const LoadFlowResult *result = &participant->result;
  GArray *sorted;
  json_t *flow = json_pack ("{s:i, s:s, s:i, s:b}", "flow", (int)participant->index, "kind",
                            kind_names[participant->kind], "room", (int)participant->room, "talks",
                            (int)participant->flow.talks);

  if (participant->failure != NULL)
    json_object_set_new (flow, "failure", json_string (participant->failure));
  if (!participant->frozen)
    return flow;
  sorted = g_array_copy ((GArray *)result->delays);
  g_array_sort (sorted, compare);
  json_object_update_new (
      flow, json_pack ("{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o}", "sent",
                       (json_int_t)result->sent, "received", (json_int_t)result->received, "expected",
                       (json_int_t)result->expected, "lost", (json_int_t)result->lost, "missing",
                       (json_int_t)missing (participant, talkers), "network_lost",
                       (json_int_t)participant->network_lost, "loss_percent",
                       percent (result->lost, result->expected), "duplicates", (json_int_t)result->duplicates,
                       "reordered", (json_int_t)result->reordered, "gaps", (json_int_t)result->gaps, "late",
                       (json_int_t)result->late, "reported_lost", (json_int_t)result->reported_lost,
                       "gap_max_ms", (double)result->gap_max_us / 1000, "jitter_ms",
                       (double)result->jitter_us / 1000, "delay_ms", percentiles (sorted)));
  g_array_unref (sorted);
  return flow;
}

static int
compare_windows (const void *a, const void *b)
{
  const double x = ((const LoadWindow *)a)->cpu_percent, y = ((const LoadWindow *)b)->cpu_percent;

  return (x > y) - (x < y);
}

static double
idle_percent (const LoadTarget *target)
{
  const gint64 us = target->idle.at_us - target->idle_begin.at_us;

  return us > 0 ? 100 * (double)(target->idle.cpu_us - target->idle_begin.cpu_us) / (double)us : 0;
}

/* The window in the middle by CPU time. */
static LoadWindow
middle (const LoadTarget *target)
{
  LoadWindow sorted[LOAD_WINDOWS_MAX];

  if (target->n_windows == 0)
    return (LoadWindow){ 0 };
  memcpy (sorted, target->windows, target->n_windows * sizeof *sorted);
  qsort (sorted, target->n_windows, sizeof *sorted, compare_windows);
  return sorted[target->n_windows / 2];
}

/* @n: who were up at the end. Their share is what it takes more of than idle. */
static json_t *
target_json (const LoadTarget *target, guint n)
{
  const LoadWindow window = middle (target);
  const double used = MAX (window.cpu_percent - MAX (idle_percent (target), 0), 0);
  json_t *windows = json_array ();

  for (guint i = 0; i < target->n_windows; i++)
    json_array_append_new (
        windows, json_pack ("{s:f, s:f, s:f, s:f, s:I}", "seconds", target->windows[i].seconds, "cpu_percent",
                            target->windows[i].cpu_percent, "main_percent", target->windows[i].main_percent,
                            "waited_percent", target->windows[i].waited_percent, "rss_kb",
                            (json_int_t)target->windows[i].rss_kb));
  return json_pack ("{s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:f, s:o}", "pid", target->pid,
                    "participants", (int)n, "cpu_percent", window.cpu_percent, "waited_percent",
                    window.waited_percent, "cpu_percent_per_participant", used / MAX (n, 1), "main_percent",
                    window.main_percent, "idle_percent", idle_percent (target), "idle_rss_kb",
                    (json_int_t)target->idle.rss_kb, "rss_kb", (json_int_t)window.rss_kb, "idle_anon_kb",
                    (json_int_t)target->idle.anon_kb, "anon_kb", (json_int_t)window.anon_kb,
                    "kb_per_participant", (double)(window.anon_kb - target->idle.anon_kb) / MAX (n, 1),
                    "windows", windows);
}

/* How often it happened, by what happened: "answered with 503". */
static void
count_reason (json_t *reasons, const char *failure)
{
  const json_int_t before = json_integer_value (json_object_get (reasons, failure));

  if (before > 0 || json_object_size (reasons) < REASONS_MAX)
    json_object_set_new (reasons, failure, json_integer (before + 1));
}

static json_t *
setup_json (const Load *load, const LoadOutcome *outcome)
{
  GArray *times = g_array_new (FALSE, FALSE, sizeof (gint64));
  json_t *failures = json_array ();
  json_t *reasons = json_object ();
  guint n_failed = 0;
  json_t *setup;

  for (guint i = 0; i < load->participants->len; i++)
    {
      const LoadParticipant *participant = g_ptr_array_index (load->participants, i);
      const gint64 took_us = cfg_monotonic_diff_us (participant->up, participant->began);
      const char *failure = participant->failure != NULL ? participant->failure : "did not come up in time";

      if (participant->up.us != 0)
        g_array_append_val (times, took_us);
      if (participant->state != LOAD_FAILED && participant->up.us != 0)
        continue;
      count_reason (reasons, failure);
      if (n_failed++ < FAILURES_SHOWN)
        json_array_append_new (
            failures, json_sprintf ("%s %u: %s", kind_names[participant->kind], participant->index, failure));
    }
  g_array_sort (times, compare);
  setup = json_pack ("{s:i, s:i, s:f, s:o, s:o, s:o}", "participants", (int)load->participants->len, "failed",
                     (int)n_failed, "join_seconds", outcome->join_s, "took_ms", percentiles (times),
                     "failures", failures, "reasons", reasons);
  g_array_unref (times);
  return setup;
}

json_t *
load_report_json (const Load *load, const LoadOutcome *outcome)
{
  const LoadOptions *options = load->options;
  g_autofree guint *talkers = count_talkers (load);
  Group groups[LOAD_N_KINDS];
  json_t *report = json_object ();
  json_t *kinds = json_object ();

  collect (load, talkers, groups);
  json_object_set_new (report, "setup", setup_json (load, outcome));
  json_object_set_new (report, "measured_seconds", json_real (outcome->measured_s));
  for (guint i = 0; i < LOAD_N_KINDS; i++)
    {
      if (groups[i].n > 0)
        json_object_set_new (kinds, kind_names[i], group_json (&groups[i]));
      g_array_unref (groups[i].delays);
    }
  json_object_set_new (report, "groups", kinds);
  if (outcome->gateway.n_windows > 0)
    json_object_set_new (report, "gateway",
                         target_json (&outcome->gateway, groups[LOAD_SIP].n_up + groups[LOAD_WEBRTC].n_up
                                                             + groups[LOAD_BOUND].n_up));
  if (outcome->janus.n_windows > 0)
    json_object_set_new (report, "janus", target_json (&outcome->janus, groups[LOAD_JANUS].n_up));
  json_object_set_new (report, "generator",
                       json_pack ("{s:f, s:f, s:I}", "cpu_percent", outcome->generator_percent,
                                  "lateness_max_ms", (double)outcome->lateness_max_us / 1000,
                                  "packets_skipped", (json_int_t)outcome->n_skipped));
  if (options->flows)
    {
      json_t *flows = json_array ();

      for (guint i = 0; i < load->participants->len; i++)
        json_array_append_new (flows, flow_json (g_ptr_array_index (load->participants, i), talkers));
      json_object_set_new (report, "flows", flows);
    }
  return report;
}

/* ---- tables ---- */

static double
number (const json_t *object, const char *key)
{
  return json_number_value (json_object_get (object, key));
}

static void
print_delay (const json_t *delay)
{
  if (number (delay, "n") > 0)
    printf (" %7.2f %7.2f %7.2f %6.0f\n", number (delay, "p50"), number (delay, "p99"), number (delay, "max"),
            number (delay, "n"));
  else
    printf (" %7s %7s %7s %6d\n", "-", "-", "-", 0);
}

static void
print_flows (const json_t *flows)
{
  size_t i;
  json_t *flow;

  if (flows == NULL)
    return;
  printf ("\n%5s %-7s %5s %9s %9s %6s %7s %5s %5s %8s %7s %7s %7s %6s\n", "flow", "kind", "room", "sent",
          "received", "lost", "missing", "gaps", "late", "gap max", "p50 ms", "p99 ms", "max ms", "marks");
  json_array_foreach (flows, i, flow)
  {
    printf ("%5.0f %-7s %5.0f %9.0f %9.0f %6.0f %7.0f %5.0f %5.0f %8.1f", number (flow, "flow"),
            json_string_value (json_object_get (flow, "kind")), number (flow, "room"), number (flow, "sent"),
            number (flow, "received"), number (flow, "lost"), number (flow, "missing"), number (flow, "gaps"),
            number (flow, "late"), number (flow, "gap_max_ms"));
    print_delay (json_object_get (flow, "delay_ms"));
  }
}

static void
print_groups (const json_t *groups)
{
  const char *name;
  json_t *group;

  printf ("\n%-8s %6s %5s %9s %9s %6s %7s %7s %6s %6s %8s %7s %7s %7s %6s\n", "", "flows", "mute", "sent",
          "received", "lost", "missing", "told", "gaps", "late", "gap max", "p50 ms", "p99 ms", "max ms",
          "marks");
  json_object_foreach ((json_t *)groups, name, group)
  {
    printf ("%-8s %6.0f %5.0f %9.0f %9.0f %6.0f %7.0f %7.0f %6.0f %6.0f %8.1f", name, number (group, "flows"),
            number (group, "mute"), number (group, "sent"), number (group, "received"),
            number (group, "lost"), number (group, "missing"), number (group, "reported_lost"),
            number (group, "gaps"), number (group, "late"), number (group, "gap_max_ms"));
    print_delay (json_object_get (group, "delay_ms"));
  }
}

static void
print_network (const Load *load, const json_t *groups)
{
  const char *name;
  json_t *group;

  if (load_netem_is_idle (&load->options->up) && load_netem_is_idle (&load->options->down))
    return;
  printf ("lost in the emulated network, both ways together:");
  json_object_foreach ((json_t *)groups, name, group)
      printf (" %s %.0f", name, number (group, "network_lost"));
  printf ("\n");
}

static void
print_target (const char *name, const json_t *target)
{
  if (target == NULL)
    return;
  printf (
      "%-8s %6.2f %% of a core (idle %.2f %%), RSS %.1f MB; its threads waited for a processor for %.1f %% "
      "of the time\n",
      name, number (target, "cpu_percent"), number (target, "idle_percent"), number (target, "rss_kb") / 1024,
      number (target, "waited_percent"));
  printf ("%-8s by the %.0f who were up at the end, without what it takes idle: %.4f %% and %.1f kB each\n",
          "", number (target, "participants"), number (target, "cpu_percent_per_participant"),
          number (target, "kb_per_participant"));
}

static void
print_tables (const Load *load, const json_t *report)
{
  const json_t *setup = json_object_get (report, "setup");
  const json_t *took = json_object_get (setup, "took_ms");
  const json_t *generator = json_object_get (report, "generator");
  const json_t *groups = json_object_get (report, "groups");
  json_t *failure;
  size_t i;

  printf ("%.0f participants, %.0f failed; up after %.1f ms (median), %.1f ms (the slowest)\n",
          number (setup, "participants"), number (setup, "failed"), number (took, "p50"),
          number (took, "max"));
  json_array_foreach (json_object_get (setup, "failures"), i, failure)
      printf ("  %s\n", json_string_value (failure));
  print_groups (groups);
  print_network (load, groups);
  print_flows (json_object_get (report, "flows"));
  printf ("\n");
  print_target ("gateway", json_object_get (report, "gateway"));
  print_target ("janus", json_object_get (report, "janus"));
  printf ("%-8s %6.2f %% of a core, late by %.1f ms at most, %.0f packets not sent in time\n", "load",
          number (generator, "cpu_percent"), number (generator, "lateness_max_ms"),
          number (generator, "packets_skipped"));
}

gboolean
load_report_print (const Load *load, const LoadOutcome *outcome)
{
  json_t *report = load_report_json (load, outcome);
  const gboolean good = number (json_object_get (report, "setup"), "failed") == 0;

  if (load->options->json)
    {
      char *text = json_dumps (report, JSON_INDENT (1) | JSON_REAL_PRECISION (8));

      puts (text);
      free (text);
    }
  else
    print_tables (load, report);
  json_decref (report);
  return good;
}
