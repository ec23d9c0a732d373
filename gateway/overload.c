#include "gateway/overload.h"

#include "config/base/error.h"
#include "config/base/log.h"
#include "gateway/core/complexity.h"
#include "gateway/core/metric_text.h"
#include "gateway/core/overload.h"
#include "gateway/cores.h"
#include "gateway/rooms.h"
#include "media/core/lateness.h"

/* How often the main loop's own lateness is looked at. */
#define BEAT_US (100 * CFG_US_PER_MS)
/* How often the load is: with each second beat. */
#define SAMPLE_US (CFG_US_PER_S / GW_OVERLOAD_HZ)

/* Who waits for an answer to an INVITE (RFC 3261: T1, 500 ms) or presses a button begins to notice. */
#define STALL_US (250 * CFG_US_PER_MS)

/* A worker that uses less of a core has nothing to save. */
#define IDLE_SHARE 0.05

/* Of the main loop: a source that should run each BEAT_US, and tells how late it did. */
typedef struct
{
  GSource base;
  MediaLateness *lateness;
  guint64 n_stalls;
  gint64 stalled_us;
  Gateway *gateway;
  CfgMonotonic sample_at;
} Beat;

/* A thread, or the process: what it had used at the last samples, the newest first; @n of them are known. */
typedef struct
{
  gint64 cpu_us[GW_OVERLOAD_WINDOW];
  CfgMonotonic at[GW_OVERLOAD_WINDOW];
  guint n;
  GwOverload overload;
} Meter;

/* Of a worker: how much its Opus encoders take, and may take. */
typedef struct
{
  Meter cpu, audio;
  double encoding, encoders; /* cores, and how many encode all the time, in the last second */
  GwComplexity complexity;
} Effort;

struct _GwLoad
{
  Meter main, process, *workers;
  Effort *efforts;      /* of each worker */
  guint max_complexity; /* as it was started with */
  guint n_workers;
  GSource *beat;
  MediaLateness lateness;
  GwCores *cores;
  double used; /* cores, by the process in the last second */
};

static void take_samples (Gateway *gateway, CfgMonotonic now);

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
  if (now_us >= beat->sample_at.us)
    {
      beat->sample_at = (CfgMonotonic){ now_us + SAMPLE_US - BEAT_US / 2 };
      take_samples (beat->gateway, (CfgMonotonic){ now_us });
    }
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs beat_funcs = { .dispatch = on_beat };

GwLoad *
gw_load_new (Gateway *gateway)
{
  GwLoad *load = g_new0 (GwLoad, 1);

  load->n_workers = media_engine_n_workers (gateway->media);
  load->workers = g_new0 (Meter, load->n_workers);
  load->efforts = g_new0 (Effort, load->n_workers);
  load->max_complexity = gateway->settings->media.opus_complexity;
  for (guint i = 0; i < load->n_workers; i++)
    gw_complexity_init (&load->efforts[i].complexity, &(GwComplexityLimits){ .max = load->max_complexity });
  load->cores = gw_cores_new ();
  load->beat = g_source_new (&beat_funcs, sizeof (Beat));
  ((Beat *)load->beat)->lateness = &load->lateness;
  ((Beat *)load->beat)->gateway = gateway;
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
  gw_cores_free (load->cores);
  g_free (load->workers);
  g_free (load->efforts);
  g_free (load);
}

/* What interrupts take of a core no thread on it can have. */
static double
thread_share (const GwLoad *load)
{
  return gw_thread_share (load->used, gw_cores_allowed (load->cores), gw_cores_shares (load->cores));
}

static GwOverloadLimits
worker_limits (const Gateway *gateway)
{
  return (GwOverloadLimits){
    .max_load = gateway->settings->limits.max_cpu_utilization * thread_share (gateway->load),
    .max_late_ms = (double)gateway->settings->limits.max_tick_lateness_us / CFG_US_PER_MS,
  };
}

/* Nothing of the main thread is due to the millisecond: only its core counts. */
static GwOverloadLimits
main_limits (const Gateway *gateway)
{
  return (GwOverloadLimits){ .max_load = gateway->settings->limits.max_cpu_utilization };
}

static GwOverloadLimits
process_limits (const Gateway *gateway)
{
  return (GwOverloadLimits){ .max_load = gateway->settings->limits.max_cpu_utilization
                                         * gw_cores_available (gateway->load->cores) };
}

/* @cpu_us: used so far. Returns: cores, in the last second or what is known of it; 0 for the first time. */
static double
measure (Meter *meter, gint64 cpu_us, CfgMonotonic now)
{
  const guint oldest = MIN (meter->n, GW_OVERLOAD_WINDOW) - 1;
  double used = 0;

  if (meter->n > 0 && now.us > meter->at[oldest].us)
    used = (double)(cpu_us - meter->cpu_us[oldest]) / (double)(now.us - meter->at[oldest].us);
  for (guint i = GW_OVERLOAD_WINDOW - 1; i > 0; i--)
    {
      meter->cpu_us[i] = meter->cpu_us[i - 1];
      meter->at[i] = meter->at[i - 1];
    }
  meter->cpu_us[0] = cpu_us;
  meter->at[0] = now;
  meter->n = MIN (meter->n + 1, GW_OVERLOAD_WINDOW);
  return MAX (used, 0);
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
  const GwOverload *overload = &gateway->load->workers[index].overload;
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
look_at_main (Gateway *gateway, CfgMonotonic now)
{
  Meter *meter = &gateway->load->main;
  const GwOverloadLimits limits = main_limits (gateway);
  const GwOverloadSample sample = { .load = CLAMP (measure (meter, cfg_thread_cpu_us (), now), 0.0, 1.0),
                                    .late_ms = main_late_ms (gateway->load) };

  if (gw_overload_update (&meter->overload, &limits, &sample))
    tell (&meter->overload, "main", sample.late_ms);
}

static guint
n_placed (const Gateway *gateway)
{
  guint n = 0;

  for (guint i = 0; i < gateway->load->n_workers; i++)
    n += media_engine_worker_placed (gateway->media, i);
  return n;
}

static void
look_at_process (Gateway *gateway, CfgMonotonic now)
{
  const GwCores *cores = gateway->load->cores;
  Meter *meter = &gateway->load->process;
  const GwOverloadLimits limits = process_limits (gateway);
  GwOverloadSample sample = { .n_legs = n_placed (gateway) };

  gateway->load->used = measure (meter, cfg_process_cpu_us (), now);
  sample.load = gw_process_load (gateway->load->used, gw_cores_available (cores), gw_cores_allowed (cores),
                                 gw_cores_shares (cores));
  if (gw_overload_update (&meter->overload, &limits, &sample))
    tell (&meter->overload, "process", main_late_ms (gateway->load));
}

/* Cores, that all who may encode with more effort take for it. */
static double
encoding_of_all (const GwLoad *load)
{
  double sum = 0;

  for (guint i = 0; i < load->n_workers; i++)
    if (load->efforts[i].complexity.complexity < load->max_complexity)
      sum += load->efforts[i].encoding;
  return sum;
}

/* Of the core that it is on, and of all: when they are full its packets wait, whoever fills them. But a
 * worker that does nothing would change nothing. */
static GwComplexitySample
sample_of (const GwLoad *load, guint index, double late_ms)
{
  const Effort *effort = &load->efforts[index];
  const double used = load->workers[index].overload.load;
  GwComplexitySample sample = { .load = used / thread_share (load),
                                .encoding = MIN (effort->encoding, used) / thread_share (load),
                                .encoders = effort->encoders,
                                .late_ms = late_ms };

  if (used < IDLE_SHARE)
    return sample;
  sample.all = load->process.overload.load / gw_cores_available (load->cores);
  sample.all_encoding = encoding_of_all (load) / gw_cores_available (load->cores);
  return sample;
}

static void
look_at_effort (Gateway *gateway, guint index, const MediaWorkerStats *stats, CfgMonotonic now)
{
  const GwLoad *load = gateway->load;
  const CfgSettings *settings = gateway->settings;
  const GwComplexityLimits limits
      = { .max = load->max_complexity,
          .min = MIN (settings->media.opus_complexity_min, load->max_complexity),
          .max_late_ms = (double)settings->limits.max_tick_lateness_us / CFG_US_PER_MS / 2 };
  Effort *effort = &load->efforts[index];
  GwComplexity *complexity = &effort->complexity;
  const guint before = complexity->complexity;
  GwComplexitySample sample;
  g_autofree char *name = NULL;

  effort->encoding = measure (&effort->cpu, stats->opus_cpu_us, now);
  effort->encoders = measure (&effort->audio, stats->opus_audio_us, now);
  sample = sample_of (load, index, stats->tick_late_p99_ms);
  if (!gw_complexity_update (complexity, &limits, &sample, now))
    return;
  media_engine_set_opus_complexity (gateway->media, index, complexity->complexity);
  name = g_strdup_printf ("media-%u", index);
  cfg_info ("media", NULL,
            complexity->complexity < before ? "Nearly full: Opus is encoded with less effort"
                                            : "Opus is encoded with more effort again",
            CFG_STR ("thread", name), CFG_REAL ("load", MAX (sample.load, sample.all)),
            CFG_REAL ("encoding", sample.encoding), CFG_REAL ("tickLateMs", sample.late_ms),
            CFG_INT ("complexity", complexity->complexity));
}

static void
look_at_worker (Gateway *gateway, guint index, CfgMonotonic now)
{
  Meter *meter = &gateway->load->workers[index];
  const GwOverloadLimits limits = worker_limits (gateway);
  MediaWorkerStats stats;
  GwOverloadSample sample;

  media_engine_worker_stats (gateway->media, index, &stats);
  sample = (GwOverloadSample){ .load = MIN (measure (meter, stats.cpu_us, now), 1.0),
                               .late_ms = stats.tick_late_p99_ms,
                               .overdue_ms = stats.overdue_ms,
                               .n_legs = media_engine_worker_placed (gateway->media, index) };
  if (gw_overload_update (&meter->overload, &limits, &sample))
    worker_changed (gateway, index);
  look_at_effort (gateway, index, &stats, now);
}

static void
take_samples (Gateway *gateway, CfgMonotonic now)
{
  look_at_main (gateway, now);
  look_at_process (gateway, now);
  for (guint i = 0; i < gateway->load->n_workers; i++)
    look_at_worker (gateway, i, now);
}

void
gw_load_tick (Gateway *gateway)
{
  gw_cores_look (gateway->load->cores);
}

static gboolean
process_allows (Gateway *gateway)
{
  GwOverload *overload = &gateway->load->process.overload;
  const GwOverloadLimits limits = process_limits (gateway);
  gboolean changed;
  const gboolean allowed = gw_overload_allows (overload, &limits, n_placed (gateway), &changed);

  if (changed)
    tell (overload, "process", main_late_ms (gateway->load));
  return allowed;
}

static gboolean
worker_allows (Gateway *gateway, guint index)
{
  const GwOverloadLimits limits = worker_limits (gateway);
  gboolean changed;
  const gboolean allowed = gw_overload_allows (&gateway->load->workers[index].overload, &limits,
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
  if (load->main.overload.reason != GW_OVERLOAD_NONE)
    return refuse (error, "the main thread is overloaded", &load->main.overload);
  if (!process_allows (gateway))
    return refuse (error, "the cores of the process are overloaded", &load->process.overload);
  worker = home < 0 ? free_worker (gateway) : (guint)home;
  if (worker >= load->n_workers)
    return refuse (error, "every media worker is overloaded", &load->workers[0].overload);
  if (!worker_allows (gateway, worker))
    return refuse (error, "the media worker of this room is overloaded", &load->workers[worker].overload);
  return TRUE;
}

const char *
gw_load_worker_refusing (const Gateway *gateway, guint index)
{
  return gw_overload_reason_name (gateway->load->workers[index].overload.reason);
}

const char *
gw_load_refusing (const Gateway *gateway)
{
  static const char *const of_workers[] = { NULL, "worker_cpu", "worker_late", "worker_stalled" };
  const GwLoad *load = gateway->load;

  if (load->main.overload.reason != GW_OVERLOAD_NONE)
    return "main_cpu";
  if (load->process.overload.reason != GW_OVERLOAD_NONE)
    return "process_cpu";
  for (guint i = 0; i < load->n_workers; i++)
    if (load->workers[i].overload.reason == GW_OVERLOAD_NONE)
      return NULL;
  return of_workers[load->workers[0].overload.reason];
}

void
gw_load_metrics (const Gateway *gateway, GString *text)
{
  const GwCores *cores = gateway->load->cores;
  const char *refusing = gw_load_refusing (gateway);

  g_string_append_printf (
      text,
      "# HELP switchroom_overloaded New calls are refused because of load.\n"
      "# TYPE switchroom_overloaded gauge\nswitchroom_overloaded %d\n"
      "# HELP switchroom_main_load Share of a core used by the main thread in the last second.\n"
      "# TYPE switchroom_main_load gauge\nswitchroom_main_load %.6g\n"
      "# HELP switchroom_main_late_seconds How late 99 %% of what the main loop does begins at most.\n"
      "# TYPE switchroom_main_late_seconds gauge\nswitchroom_main_late_seconds %.6g\n",
      refusing != NULL, gateway->load->main.overload.load, main_late_ms (gateway->load) / 1000);
  gw_metric_add (text, "cores_available", "gauge",
                 "Cores that the process may use; a quota makes it a fraction.", gw_cores_available (cores));
  gw_metric_add (text, "cores_own_load", "gauge",
                 "Share of these cores used by all threads in the last second.",
                 gateway->load->used / gw_cores_available (cores));
  gw_metric_add (text, "cores_busy", "gauge", "Share of these cores used by anybody, without niced programs.",
                 gw_cores_shares (cores)->busy);
  gw_metric_add (text, "main_stalls_total", "counter", "Times that the main loop was more than 250 ms late.",
                 (double)((const Beat *)gateway->load->beat)->n_stalls);
  gw_metric_add (text, "main_stalled_seconds_total", "counter", "How late it was in all of them.",
                 (double)((const Beat *)gateway->load->beat)->stalled_us / CFG_US_PER_S);
  g_string_append (text, "# HELP switchroom_media_worker_overloaded The media worker takes nothing new.\n"
                         "# TYPE switchroom_media_worker_overloaded gauge\n");
  for (guint i = 0; i < gateway->load->n_workers; i++)
    g_string_append_printf (text, "switchroom_media_worker_overloaded{worker=\"%u\"} %d\n", i,
                            gateway->load->workers[i].overload.reason != GW_OVERLOAD_NONE);
}

json_t *
gw_load_json (const Gateway *gateway)
{
  return json_pack ("{s:f, s:f, s:s?}", "load", gateway->load->main.overload.load, "late_ms",
                    main_late_ms (gateway->load), "refusing", gw_load_refusing (gateway));
}

json_t *
gw_load_process_json (const Gateway *gateway)
{
  const GwLoad *load = gateway->load;
  const double n_cores = gw_cores_available (load->cores);

  return json_pack ("{s:f, s:f, s:f, s:s?}", "load", load->used / n_cores, "cores", n_cores, "cores_busy",
                    gw_cores_shares (load->cores)->busy, "refusing",
                    gw_overload_reason_name (load->process.overload.reason));
}
