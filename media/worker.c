#include "media/worker_private.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define MAILBOX_LIMIT 4096
/* Legs are looked after in turns, a part with each phase: each every 100 ms. */
#define HOUSEKEEPING_TICKS ((guint)(MEDIA_LEG_HOUSEKEEPING_MS * CFG_US_PER_MS / MEDIA_WORKER_PHASE_US))
/* Rooms and legs: four calls. */
#define FULL_PHASE 12
/* What a tick of a room that stands still reads of it. */
#define ROOM_HEAD_SIZE (2 * MEDIA_CACHE_LINE)
/* How often lateness is published: a percentile costs more than a tick should pay each time. */
#define LATENESS_TICKS 100
/* A tick that is due for so long is no matter of 1 %. */
#define STALLED_US (200 * CFG_US_PER_MS)

typedef struct
{
  CfgMessage base;
  MediaEventFunc func;
  MediaEvent event;
} EventMessage;

struct _MediaStatsGate
{
  atomic_uint refs;
  atomic_bool closed;
};

MediaStatsGate *
media_stats_gate_new (void)
{
  MediaStatsGate *gate = g_new0 (MediaStatsGate, 1);

  atomic_init (&gate->refs, 1);
  atomic_init (&gate->closed, FALSE);
  return gate;
}

void
media_stats_gate_unref (MediaStatsGate *gate)
{
  if (atomic_fetch_sub_explicit (&gate->refs, 1, memory_order_acq_rel) == 1)
    g_free (gate);
}

MediaStatsGate *
media_stats_gate_pass (MediaStatsGate *gate)
{
  if (atomic_exchange_explicit (&gate->closed, TRUE, memory_order_acq_rel))
    return NULL;
  atomic_fetch_add_explicit (&gate->refs, 1, memory_order_relaxed);
  return gate;
}

void
media_stats_gate_open (MediaStatsGate *gate)
{
  atomic_store_explicit (&gate->closed, FALSE, memory_order_release);
}

static void
run_event (CfgMessage *base, gpointer owner)
{
  EventMessage *message = (EventMessage *)base;

  message->func (owner, &message->event);
}

static void
destroy_event (CfgMessage *base)
{
  MediaEvent *event = &((EventMessage *)base)->event;

  g_free (event->ufrag);
  g_free (event->pwd);
  g_strfreev (event->candidates);
  g_free (event->text);
  g_free (event->cipher);
  g_free (event->remote);
  g_free (event->pair);
  g_free (event->dtls);
  g_free (event->stats);
  g_clear_pointer (&event->state, media_leg_state_free);
  g_clear_pointer (&event->speakers, media_newest_unref);
  if (event->gate != NULL)
    {
      media_stats_gate_open (event->gate);
      media_stats_gate_unref (event->gate);
    }
  g_free (base);
}

MediaEvent *
media_event_new (MediaEventKind kind, MediaLegId leg)
{
  EventMessage *message = g_new0 (EventMessage, 1);

  message->base.run = run_event;
  message->base.destroy = destroy_event;
  message->event.kind = kind;
  message->event.leg = leg;
  return &message->event;
}

static EventMessage *
message_of (MediaEvent *event)
{
  return (EventMessage *)((char *)event - G_STRUCT_OFFSET (EventMessage, event));
}

/* Statistics come again. Who speaks does not, and no more than one such event waits for each room. */
static void
send_held (MediaWorker *worker)
{
  MediaEvent *event;

  while ((event = g_queue_pop_head (&worker->held)) != NULL)
    cfg_mailbox_post (worker->config.to_main, &message_of (event)->base,
                      event->speakers != NULL ? CFG_MAILBOX_MUST_DELIVER : CFG_MAILBOX_MAY_DROP);
}

void
media_worker_send (MediaWorker *worker, MediaEvent *event, CfgMailboxPriority priority)
{
  EventMessage *message = message_of (event);

  message->func = worker->config.event;
  if (priority == CFG_MAILBOX_MAY_DROP)
    {
      g_queue_push_tail (&worker->held, event);
      return;
    }
  send_held (worker);
  cfg_mailbox_post (worker->config.to_main, &message->base, priority);
}

void
media_worker_tell_play_ended (MediaWorker *worker, MediaPlayId play, MediaPlayEnd end, const char *error)
{
  MediaEvent *event = media_event_new (MEDIA_EVENT_PLAY_ENDED, 0);

  event->play = play;
  event->end = end;
  event->text = g_strdup (error);
  media_worker_send (worker, event, CFG_MAILBOX_MUST_DELIVER);
}

static void
newest_unref (gpointer newest)
{
  media_newest_unref (newest);
}

GHashTable *
media_worker_told_new (void)
{
  return g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, newest_unref);
}

void
media_worker_tell_speakers (MediaWorker *worker, MediaRoomId room, const MediaSpeaker *speakers, gsize n)
{
  MediaSpeakerList *list = g_malloc (sizeof *list + n * sizeof *speakers);
  MediaNewest *newest = g_hash_table_lookup (worker->told, &room);
  MediaEvent *event;

  list->n = n;
  if (n > 0)
    memcpy (list->speakers, speakers, n * sizeof *speakers);
  if (newest == NULL)
    {
      newest = media_newest_new (g_free);
      g_hash_table_insert (worker->told, g_memdup2 (&room, sizeof room), newest);
    }
  if (!media_newest_put (newest, list))
    return;
  event = media_event_new (MEDIA_EVENT_SPEAKERS, 0);
  event->room = room;
  event->speakers = media_newest_ref (newest);
  media_worker_send (worker, event, CFG_MAILBOX_MAY_DROP);
}

static unsigned int
to_counter (gint64 us)
{
  return (unsigned int)CLAMP (us, 0, G_MAXINT);
}

static void
count_load (MediaWorker *worker, CfgMonotonic now)
{
  const gint64 cpu_us = cfg_thread_cpu_us ();
  const gint64 wall_us = cfg_monotonic_diff_us (now, worker->load_at);
  MediaPumpStats stats;

  if (wall_us > 0)
    atomic_store_explicit (&worker->counters.load_ppm,
                           (guint)CLAMP ((cpu_us - worker->load_cpu_us) * 1000000 / wall_us, 0, 1000000),
                           memory_order_relaxed);
  worker->load_at = now;
  worker->load_cpu_us = cpu_us;
  media_pump_get_stats (worker->pump, &stats);
  atomic_store_explicit (&worker->counters.tick_late_us, to_counter (stats.tick_lateness_max_us),
                         memory_order_relaxed);
  media_pump_reset_lateness (worker->pump);
}

/* At the beginning of a tick: the clock is read, for the batch of events may be old by now. It is as late as
 * the first one that was missed, or a standstill would count as what is made up for of it. @left_out: ticks
 * before this one that were missed or for which there was nothing to do. */
static void
count_lateness (MediaWorker *worker, CfgMonotonic scheduled, guint missed, guint left_out)
{
  const CfgMonotonic now = cfg_monotonic_now ();
  MediaWorkerCounters *counters = &worker->counters;

  media_lateness_add (&worker->lateness,
                      cfg_monotonic_diff_us (now, scheduled) + missed * MEDIA_WORKER_PHASE_US, left_out);
  atomic_store_explicit (&counters->ticked_at_us, now.us, memory_order_relaxed);
  if (missed > 0)
    media_counter_add (&counters->ticks_skipped, missed);
  if (worker->ticks % LATENESS_TICKS != 0)
    return;
  atomic_store_explicit (&counters->tick_late_p99_us,
                         to_counter (media_lateness_percentile_us (&worker->lateness, 0.99)),
                         memory_order_relaxed);
  atomic_store_explicit (&counters->tick_late_mean_us,
                         to_counter (media_lateness_mean_us (&worker->lateness)), memory_order_relaxed);
}

static guint
count_legs (const GPtrArray *rooms)
{
  guint n = 0;

  for (guint i = 0; i < rooms->len; i++)
    n += media_room_n_legs (g_ptr_array_index (rooms, i));
  return n;
}

/* A room keeps its phase: its listeners would hear it move. The first phases are filled first, so that a
 * worker with few rooms is not woken for each; then the least one. Legs come later, so rooms count too. */
void
media_worker_add_room (MediaWorker *worker, MediaRoom *room)
{
  guint best = 0;
  guint best_load = G_MAXUINT;

  for (guint i = 0; i < MEDIA_WORKER_PHASES && best_load >= FULL_PHASE; i++)
    {
      const guint load = count_legs (worker->phases[i]) + worker->phases[i]->len;

      if (load >= best_load)
        continue;
      best = i;
      best_load = load;
    }
  g_ptr_array_add (worker->phases[best], room);
  worker->awake[best]++;
}

void
media_worker_remove_room (MediaWorker *worker, MediaRoom *room)
{
  for (guint i = 0; i < MEDIA_WORKER_PHASES; i++)
    if (g_ptr_array_remove_fast (worker->phases[i], room))
      return;
}

/* One that was not woken for had only rooms at rest, or its time was missed: their audio goes on with the
 * next. */
static void
tick_phase (MediaWorker *worker, guint64 tick, gboolean on_time, CfgMonotonic scheduled)
{
  const GPtrArray *rooms = worker->phases[tick % MEDIA_WORKER_PHASES];
  guint n_awake = 0;

  for (guint i = 0; i < rooms->len; i++)
    {
      MediaRoom *room = g_ptr_array_index (rooms, i);

      if (i + 1 < rooms->len)
        media_prefetch (g_ptr_array_index (rooms, i + 1), ROOM_HEAD_SIZE);
      if (on_time)
        media_room_tick (room, scheduled);
      else
        media_room_tick_late (room, scheduled);
      n_awake += !media_room_is_at_rest (room);
    }
  worker->awake[tick % MEDIA_WORKER_PHASES] = n_awake;
}

static guint
on_tick (CfgMonotonic scheduled, guint missed, gpointer user)
{
  MediaWorker *worker = user;
  const CfgMonotonic now = media_pump_now (worker->pump);
  const guint64 last = worker->ticks;
  guint steps;

  /* What was skipped counts, or phases would change places. */
  worker->ticks = worker->next_tick + missed;
  count_lateness (worker, scheduled, missed, (guint)(worker->ticks - last - 1));
  for (guint64 t = MAX (last, worker->ticks - MIN (worker->ticks, MEDIA_WORKER_PHASES)) + 1;
       t <= worker->ticks; t++)
    tick_phase (worker, t, t == worker->ticks, scheduled);
  for (guint64 t = MAX (last + 1, worker->ticks - MIN (worker->ticks, HOUSEKEEPING_TICKS - 1));
       t <= worker->ticks; t++)
    for (guint i = (guint)(t % HOUSEKEEPING_TICKS); i < worker->leg_list->len; i += HOUSEKEEPING_TICKS)
      media_worker_leg_housekeep (g_ptr_array_index (worker->leg_list, i), now);
  if (worker->ticks / MEDIA_WORKER_PHASES != last / MEDIA_WORKER_PHASES)
    send_held (worker);
  if (cfg_monotonic_diff_us (now, worker->load_at) >= CFG_US_PER_S)
    count_load (worker, now);
  steps = media_phases_to_next (worker->awake, g_hash_table_size (worker->rooms), worker->ticks);
  worker->next_tick = worker->ticks + steps;
  return steps;
}

/* No event goes out from here: nobody reads them any more. */
static void
close_everything (MediaWorker *worker)
{
  while (worker->leg_list->len > 0)
    media_worker_leg_close (g_ptr_array_index (worker->leg_list, worker->leg_list->len - 1), FALSE);
  for (guint i = 0; i < MEDIA_WORKER_PHASES; i++)
    {
      for (guint k = 0; k < worker->phases[i]->len; k++)
        media_room_free (g_ptr_array_index (worker->phases[i], k));
      g_ptr_array_set_size (worker->phases[i], 0);
    }
  while (!g_queue_is_empty (&worker->held))
    destroy_event (&message_of (g_queue_pop_head (&worker->held))->base);
  g_hash_table_remove_all (worker->rooms);
  g_hash_table_remove_all (worker->expected);
  media_pump_set_tick (worker->pump, 0, NULL, NULL);
  media_pump_set_mailbox (worker->pump, NULL, NULL);
  media_pump_free (worker->pump);
  worker->pump = NULL;
}

static void *
run (void *data)
{
  MediaWorker *worker = data;
  char name[16];

  g_snprintf (name, sizeof name, "media-%u", worker->config.index % 1000);
  pthread_setname_np (pthread_self (), name);
  media_pump_run (worker->pump);
  close_everything (worker);
  return NULL;
}

static void
free_waiting (gpointer commands)
{
  g_ptr_array_unref (commands);
}

static void
free_members (MediaWorker *worker)
{
  g_clear_pointer (&worker->mailbox, cfg_mailbox_free);
  g_clear_pointer (&worker->dtls, media_dtls_context_free);
  g_hash_table_unref (worker->legs);
  g_ptr_array_unref (worker->leg_list);
  g_hash_table_unref (worker->rooms);
  g_hash_table_unref (worker->told);
  for (guint i = 0; i < MEDIA_WORKER_PHASES; i++)
    g_ptr_array_unref (worker->phases[i]);
  g_hash_table_unref (worker->expected);
  g_free (worker);
}

MediaWorker *
media_worker_new (const MediaWorkerConfig *config, GError **error)
{
  MediaWorker *worker = g_new0 (MediaWorker, 1);
  const MediaRoomConfig lobby = { .isolated = TRUE };
  int failed;

  worker->config = *config;
  worker->legs = g_hash_table_new (g_int64_hash, g_int64_equal);
  worker->leg_list = g_ptr_array_new ();
  worker->rooms = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  worker->told = media_worker_told_new ();
  for (guint i = 0; i < MEDIA_WORKER_PHASES; i++)
    worker->phases[i] = g_ptr_array_new ();
  worker->expected = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, free_waiting);
  worker->wall_offset_us = cfg_wall_now ().us - cfg_monotonic_now ().us;
  worker->load_at = cfg_monotonic_now ();
  atomic_init (&worker->counters.ticked_at_us, worker->load_at.us);
  worker->mailbox = cfg_mailbox_new (MAILBOX_LIMIT);
  worker->dtls = media_dtls_context_new (config->certificate, error);
  worker->pump = worker->dtls == NULL ? NULL : media_pump_new (error);
  if (worker->pump == NULL)
    {
      free_members (worker);
      return NULL;
    }
  worker->lobby = media_room_new (&lobby, NULL, NULL);
  media_worker_add_room (worker, worker->lobby);
  media_worker_set_opus_complexity (worker, media_opus_complexity (config->engine->opus_complexity));
  media_pump_set_mailbox (worker->pump, worker->mailbox, worker);
  worker->next_tick = worker->ticks + 1;
  media_pump_set_tick (worker->pump, MEDIA_WORKER_PHASE_US, on_tick, worker);
  failed = pthread_create (&worker->thread, NULL, run, worker);
  if (failed != 0)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (failed), "media thread: %s",
                   g_strerror (failed));
      close_everything (worker);
      free_members (worker);
      return NULL;
    }
  return worker;
}

void
media_worker_quit (MediaWorker *worker)
{
  media_pump_quit (worker->pump);
}

gboolean
media_worker_join (MediaWorker *worker, const struct timespec *deadline)
{
  return pthread_timedjoin_np (worker->thread, NULL, deadline) == 0;
}

void
media_worker_free (MediaWorker *worker)
{
  free_members (worker);
}

/* Read now, for who samples more often than the worker publishes. */
static gint64
cpu_us_of (const MediaWorker *worker)
{
  struct timespec used = { 0 };
  clockid_t clock;

  if (pthread_getcpuclockid (worker->thread, &clock) != 0 || clock_gettime (clock, &used) != 0)
    return 0;
  return (gint64)used.tv_sec * CFG_US_PER_S + used.tv_nsec / 1000;
}

void
media_worker_get_stats (MediaWorker *worker, MediaWorkerStats *stats)
{
  const MediaWorkerCounters *counters = &worker->counters;
  const gint64 due_us = cfg_monotonic_now ().us
                        - atomic_load_explicit (&counters->ticked_at_us, memory_order_relaxed)
                        - MEDIA_PUMP_TICK_US;
  const gint64 p99_us = atomic_load_explicit (&counters->tick_late_p99_us, memory_order_relaxed);

  stats->overdue_ms = due_us > STALLED_US ? (double)due_us / 1e3 : 0;
  stats->tick_late_p99_ms = (double)MAX (p99_us, due_us > STALLED_US ? due_us : 0) / 1e3;
  stats->tick_late_mean_ms = atomic_load_explicit (&counters->tick_late_mean_us, memory_order_relaxed) / 1e3;
  stats->ticks_skipped = atomic_load_explicit (&counters->ticks_skipped, memory_order_relaxed);
  stats->n_legs = atomic_load_explicit (&counters->n_legs, memory_order_relaxed);
  stats->n_rooms = atomic_load_explicit (&counters->n_rooms, memory_order_relaxed);
  stats->opus_complexity = atomic_load_explicit (&counters->opus_complexity, memory_order_relaxed);
  stats->opus_cpu_us = (gint64)atomic_load_explicit (&worker->meter.cpu_us, memory_order_relaxed);
  stats->opus_audio_us = (gint64)atomic_load_explicit (&worker->meter.audio_us, memory_order_relaxed);
  stats->cpu_us = cpu_us_of (worker);
  stats->load = atomic_load_explicit (&counters->load_ppm, memory_order_relaxed) / 1e6;
  stats->tick_late_ms = atomic_load_explicit (&counters->tick_late_us, memory_order_relaxed) / 1e3;
  stats->commands_waiting = cfg_mailbox_waiting (worker->mailbox);
  stats->packets_in = atomic_load_explicit (&counters->packets_in, memory_order_relaxed);
  stats->packets_out = atomic_load_explicit (&counters->packets_out, memory_order_relaxed);
  stats->strangers = atomic_load_explicit (&counters->strangers, memory_order_relaxed);
}
