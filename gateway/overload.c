#include "gateway/overload.h"

#include "config/base/error.h"
#include "config/base/log.h"
#include "gateway/core/metric_text.h"
#include "gateway/core/overload.h"
#include "gateway/rooms.h"
#include "media/core/lateness.h"

/* How often the main loop's own lateness is looked at. */
#define BEAT_US (100 * CFG_US_PER_MS)

/* Who waits for an answer to an INVITE (RFC 3261: T1, 500 ms) or presses a button begins to notice. */
#define STALL_US (250 * CFG_US_PER_MS)

/* Of the main loop: a source that should run each BEAT_US, and tells how late it did. */
typedef struct
{
  GSource base;
  MediaLateness *lateness;
  guint64 n_stalls;
  gint64 stalled_us;
} Beat;

struct _GwLoad
{
  GwOverload main, *workers;
  guint n_workers;
  GSource *beat;
  MediaLateness lateness;
  gint64 cpu_us; /* of the main thread, at the last tick */
  CfgMonotonic at;
};

static gboolean
on_beat (GSource *source, GSourceFunc callback, gpointer user)
{
  const gint64 due_us = g_source_get_ready_time (source);
  const gint64 now_us = g_get_monotonic_time ();
  const gint64 late_us = MAX (now_us - due_us, 0);
  Beat *beat = (Beat *)source;
  const guint skipped = (guint)MIN (late_us / BEAT_US, 1000);

  media_lateness_add (beat->lateness, late_us, skipped);
  if (late_us > STALL_US)
    {
      beat->n_stalls++;
      beat->stalled_us += late_us;
      cfg_warn ("main", NULL, "The main thread stood still", CFG_INT ("ms", late_us / CFG_US_PER_MS));
    }
  g_source_set_ready_time (source, due_us + (gint64)(skipped + 1) * BEAT_US);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs beat_funcs = { .dispatch = on_beat };

GwLoad *
gw_load_new (Gateway *gateway)
{
  GwLoad *load = g_new0 (GwLoad, 1);

  load->n_workers = media_engine_n_workers (gateway->media);
  load->workers = g_new0 (GwOverload, load->n_workers);
  load->cpu_us = cfg_thread_cpu_us ();
  load->at = cfg_monotonic_now ();
  load->beat = g_source_new (&beat_funcs, sizeof (Beat));
  ((Beat *)load->beat)->lateness = &load->lateness;
  g_source_set_ready_time (load->beat, g_get_monotonic_time () + BEAT_US);
  g_source_attach (load->beat, NULL);
  return load;
}

void
gw_load_free (GwLoad *load)
{
  if (load == NULL)
    return;
  g_source_destroy (load->beat);
  g_source_unref (load->beat);
  g_free (load->workers);
  g_free (load);
}

static GwOverloadLimits
worker_limits (const Gateway *gateway)
{
  return (GwOverloadLimits){
    .max_load = gateway->settings->limits.max_cpu_utilization,
    .max_late_ms = (double)gateway->settings->limits.max_tick_lateness_us / CFG_US_PER_MS,
  };
}

/* Nothing of the main thread is due to the millisecond: only its core counts. */
static GwOverloadLimits
main_limits (const Gateway *gateway)
{
  return (GwOverloadLimits){ .max_load = gateway->settings->limits.max_cpu_utilization };
}

static void
tell (const GwOverload *overload, const char *thread, double late_ms)
{
  const char *reason = gw_overload_reason_name (overload->reason);

  if (reason != NULL)
    cfg_warn ("gateway", NULL, "Overloaded: new calls are refused", CFG_STR ("thread", thread),
              CFG_STR ("reason", reason), CFG_REAL ("load", overload->load),
              CFG_REAL ("tickLateMs", late_ms));
  else
    cfg_info ("gateway", NULL, "Load is back to normal: new calls are taken", CFG_STR ("thread", thread),
              CFG_REAL ("load", overload->load), CFG_REAL ("tickLateMs", late_ms));
}

static double
worker_late_ms (const Gateway *gateway, guint index)
{
  MediaWorkerStats stats;

  media_engine_worker_stats (gateway->media, index, &stats);
  return stats.tick_late_p99_ms;
}

static void
worker_changed (Gateway *gateway, guint index)
{
  const GwOverload *overload = &gateway->load->workers[index];
  g_autofree char *name = g_strdup_printf ("media-%u", index);

  media_engine_avoid_worker (gateway->media, index, overload->reason != GW_OVERLOAD_NONE);
  tell (overload, name, worker_late_ms (gateway, index));
}

static double
main_late_ms (const GwLoad *load)
{
  return (double)media_lateness_percentile_us (&load->lateness, 0.99) / CFG_US_PER_MS;
}

static void
look_at_main (Gateway *gateway)
{
  GwLoad *load = gateway->load;
  const GwOverloadLimits limits = main_limits (gateway);
  const CfgMonotonic now = cfg_monotonic_now ();
  const gint64 cpu_us = cfg_thread_cpu_us (), wall_us = cfg_monotonic_diff_us (now, load->at);
  GwOverloadSample sample = { .late_ms = main_late_ms (load) };

  if (wall_us <= 0)
    return;
  sample.load = CLAMP ((double)(cpu_us - load->cpu_us) / (double)wall_us, 0.0, 1.0);
  load->cpu_us = cpu_us;
  load->at = now;
  if (gw_overload_update (&load->main, &limits, &sample))
    tell (&load->main, "main", sample.late_ms);
}

void
gw_load_tick (Gateway *gateway)
{
  const GwOverloadLimits limits = worker_limits (gateway);

  look_at_main (gateway);
  for (guint i = 0; i < gateway->load->n_workers; i++)
    {
      MediaWorkerStats stats;
      GwOverloadSample sample;

      media_engine_worker_stats (gateway->media, i, &stats);
      sample = (GwOverloadSample){ .load = stats.load,
                                   .late_ms = stats.tick_late_p99_ms,
                                   .n_legs = media_engine_worker_placed (gateway->media, i) };
      if (gw_overload_update (&gateway->load->workers[i], &limits, &sample))
        worker_changed (gateway, i);
    }
}

static gboolean
worker_allows (Gateway *gateway, guint index)
{
  const GwOverloadLimits limits = worker_limits (gateway);
  gboolean changed;
  const gboolean allowed = gw_overload_allows (&gateway->load->workers[index], &limits,
                                               media_engine_worker_placed (gateway->media, index), &changed);

  if (changed)
    worker_changed (gateway, index);
  return allowed;
}

static gboolean
refuse (GError **error, const char *thread, const GwOverload *overload)
{
  g_set_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED, "%s (%s): %s", thread,
               gw_overload_reason_name (overload->reason),
               overload->reason == GW_OVERLOAD_CPU ? "busier than limits.max_cpu_utilization allows"
                                                   : "later than limits.max_tick_lateness allows");
  return FALSE;
}

/* Where a room that is made now will live; n_workers: nowhere. */
static guint
free_worker (Gateway *gateway)
{
  const guint next = media_engine_next_worker (gateway->media);

  if (worker_allows (gateway, next))
    return next;
  for (guint i = 0; i < gateway->load->n_workers; i++)
    if (worker_allows (gateway, i))
      return i;
  return gateway->load->n_workers;
}

gboolean
gw_load_admit (Gateway *gateway, const char *room_name, GError **error)
{
  GwLoad *load = gateway->load;
  const GwRoom *room = room_name != NULL ? gw_rooms_find (gateway, room_name) : NULL;
  const int home = room != NULL ? media_engine_room_worker (gateway->media, room->media_room) : -1;
  guint worker;

  /* What calls cost the main thread shows at once: there is nothing to expect. */
  if (load->main.reason != GW_OVERLOAD_NONE)
    return refuse (error, "the main thread is overloaded", &load->main);
  worker = home < 0 ? free_worker (gateway) : (guint)home;
  if (worker >= load->n_workers)
    return refuse (error, "every media worker is overloaded", &load->workers[0]);
  if (!worker_allows (gateway, worker))
    return refuse (error, "the media worker of this room is overloaded", &load->workers[worker]);
  return TRUE;
}

const char *
gw_load_worker_refusing (const Gateway *gateway, guint index)
{
  return gw_overload_reason_name (gateway->load->workers[index].reason);
}

const char *
gw_load_refusing (const Gateway *gateway)
{
  static const char *const of_workers[] = { NULL, "worker_cpu", "worker_late", "worker_stalled" };
  const GwLoad *load = gateway->load;

  if (load->main.reason != GW_OVERLOAD_NONE)
    return "main_cpu";
  for (guint i = 0; i < load->n_workers; i++)
    if (load->workers[i].reason == GW_OVERLOAD_NONE)
      return NULL;
  return of_workers[load->workers[0].reason];
}

void
gw_load_metrics (const Gateway *gateway, GString *text)
{
  const char *refusing = gw_load_refusing (gateway);

  g_string_append_printf (
      text,
      "# HELP switchroom_overloaded New calls are refused because of load.\n"
      "# TYPE switchroom_overloaded gauge\nswitchroom_overloaded %d\n"
      "# HELP switchroom_main_load Share of a core used by the main thread in the last second.\n"
      "# TYPE switchroom_main_load gauge\nswitchroom_main_load %.6g\n"
      "# HELP switchroom_main_late_seconds How late 99 %% of what the main loop does begins at most.\n"
      "# TYPE switchroom_main_late_seconds gauge\nswitchroom_main_late_seconds %.6g\n",
      refusing != NULL, gateway->load->main.load, main_late_ms (gateway->load) / 1000);
  gw_metric_add (text, "main_stalls_total", "counter", "Times that the main loop was more than 250 ms late.",
                 (double)((const Beat *)gateway->load->beat)->n_stalls);
  gw_metric_add (text, "main_stalled_seconds_total", "counter", "How late it was in all of them.",
                 (double)((const Beat *)gateway->load->beat)->stalled_us / CFG_US_PER_S);
  g_string_append (text, "# HELP switchroom_media_worker_overloaded The media worker takes nothing new.\n"
                         "# TYPE switchroom_media_worker_overloaded gauge\n");
  for (guint i = 0; i < gateway->load->n_workers; i++)
    g_string_append_printf (text, "switchroom_media_worker_overloaded{worker=\"%u\"} %d\n", i,
                            gateway->load->workers[i].reason != GW_OVERLOAD_NONE);
}

json_t *
gw_load_json (const Gateway *gateway)
{
  return json_pack ("{s:f, s:f, s:s?}", "load", gateway->load->main.load, "late_ms",
                    main_late_ms (gateway->load), "refusing", gw_load_refusing (gateway));
}
