#include "media/io/pump.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "config/base/error.h"
#include "media/io/prefetch.h"
#include "media/io/pump_context.h"
#include "media/io/timer_heap.h"

#define MAX_EVENTS   64
#define MAX_CONTEXTS 1024
#define DRAIN_US     (2 * CFG_US_PER_S)
/* A tick that is later than that waits for what is to be read no longer than for half of its lateness. */
#define BEHIND_US       (5 * CFG_US_PER_MS)
#define READING_MOST_US (50 * CFG_US_PER_MS)
/* What is no hurry does not keep packets waiting: in a turn there are messages for so long, and one job;
 * while more packets wait they have so many times as long as that took, up to a limit, before the next. */
#define MAILBOX_US      CFG_US_PER_MS
#define PACKETS_SHARE   3
#define PACKETS_MOST_US (10 * CFG_US_PER_MS)
/* A wait of less than that found something at once. */
#define SLEPT_US 30
/* Of what a descriptor's callback is given: its transport. */
#define PREFETCH_SIZE 448

/* A registered descriptor. Its id is generation << 32 | index + 1: an event that carries the id of a slot's
 * former holder finds another generation and is dropped. */
typedef struct
{
  MediaPumpFdFunc func; /* NULL: free */
  gpointer user;
  int fd;
  guint32 generation;
} Slot;

struct _MediaPump
{
  GThread *thread; /* NULL before the first turn */
  int epoll_fd;
  int wake_fd;
  atomic_bool quit;
  CfgMonotonic now;
  CfgMonotonic quiet_at;  /* nothing that is read now came before it */
  gint64 read_until_us;   /* before that no late tick; 0: none is late */
  CfgMonotonic rest_from; /* what is no hurry waits until then while packets wait */
  gboolean has_mail;
  guint n_own_events; /* in this turn: those that are no packets */
  GArray *slots;      /* of Slot */
  GArray *free_slots; /* of guint */
  guint n_internal;   /* descriptors of the pump itself */
  MediaTimerHeap timers;
  GQueue jobs;
  GPtrArray *contexts; /* of MediaPumpContext */
  GPtrArray *marked;   /* contexts to run in this turn */
  int tick_fd;
  guint64 tick_id;
  CfgMonotonic tick_at;
  gint64 tick_interval_us;
  MediaPumpTickFunc tick_func;
  gpointer tick_user;
  CfgMailbox *mailbox;
  gpointer mailbox_owner;
  guint64 mailbox_id;
  MediaPumpStats stats;
};

static void
assert_thread (const MediaPump *pump)
{
  g_assert (pump->thread == NULL || pump->thread == g_thread_self ());
}

guint64
media_pump_add_fd (MediaPump *pump, int fd, guint32 events, MediaPumpFdFunc func, gpointer user)
{
  struct epoll_event event = { .events = events };
  guint index;
  Slot *slot;

  assert_thread (pump);
  if (pump->free_slots->len > 0)
    index = g_array_index (pump->free_slots, guint, pump->free_slots->len - 1);
  else
    index = pump->slots->len;
  if (index == pump->slots->len)
    g_array_set_size (pump->slots, index + 1);
  else
    g_array_set_size (pump->free_slots, pump->free_slots->len - 1);
  slot = &g_array_index (pump->slots, Slot, index);
  event.data.u64 = (guint64)slot->generation << 32 | (index + 1);
  if (epoll_ctl (pump->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
    {
      const int error = errno;

      g_array_append_val (pump->free_slots, index);
      errno = error;
      return 0;
    }
  slot->func = func;
  slot->user = user;
  slot->fd = fd;
  pump->stats.n_fds++;
  return event.data.u64;
}

static Slot *
find_slot (MediaPump *pump, guint64 id)
{
  const guint index = (guint)(id & G_MAXUINT32);
  Slot *slot;

  if (index == 0 || index > pump->slots->len)
    return NULL;
  slot = &g_array_index (pump->slots, Slot, index - 1);
  return slot->func != NULL && slot->generation == (guint32)(id >> 32) ? slot : NULL;
}

void
media_pump_remove_fd (MediaPump *pump, guint64 id)
{
  Slot *slot = find_slot (pump, id);
  guint index;

  assert_thread (pump);
  if (slot == NULL)
    return;
  (void)!epoll_ctl (pump->epoll_fd, EPOLL_CTL_DEL, slot->fd, NULL);
  index = (guint)(id & G_MAXUINT32) - 1;
  slot->func = NULL;
  slot->user = NULL;
  slot->generation++;
  g_array_append_val (pump->free_slots, index);
  pump->stats.n_fds--;
}

static void
on_wake (guint32 events, CfgMonotonic now, gpointer user)
{
  const MediaPump *pump = user;
  uint64_t count;

  (void)events;
  (void)now;
  (void)!read (pump->wake_fd, &count, sizeof count);
}

MediaPump *
media_pump_new (GError **error)
{
  MediaPump *pump = g_new0 (MediaPump, 1);

  pump->slots = g_array_new (FALSE, TRUE, sizeof (Slot));
  pump->free_slots = g_array_new (FALSE, FALSE, sizeof (guint));
  pump->contexts = g_ptr_array_new ();
  pump->marked = g_ptr_array_new ();
  media_timer_heap_init (&pump->timers);
  g_queue_init (&pump->jobs);
  pump->now = pump->quiet_at = cfg_monotonic_now ();
  pump->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  pump->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  pump->tick_fd = timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (pump->epoll_fd < 0 || pump->wake_fd < 0 || pump->tick_fd < 0
      || media_pump_add_fd (pump, pump->wake_fd, EPOLLIN, on_wake, pump) == 0)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "cannot set up the media loop: %s",
                   g_strerror (errno));
      pump->n_internal = pump->stats.n_fds;
      media_pump_free (pump);
      return NULL;
    }
  pump->n_internal = 1;
  return pump;
}

static guint
count_agents (const MediaPump *pump)
{
  guint n = 0;

  for (guint i = 0; i < pump->contexts->len; i++)
    n += media_pump_context_n_agents (g_ptr_array_index (pump->contexts, i));
  return n;
}

void
media_pump_free (MediaPump *pump)
{
  const CfgMonotonic give_up = cfg_monotonic_add_us (cfg_monotonic_now (), DRAIN_US);

  assert_thread (pump);
  media_pump_set_tick (pump, 0, NULL, NULL);
  media_pump_set_mailbox (pump, NULL, NULL);
  while (count_agents (pump) > 0 && cfg_monotonic_diff_us (give_up, cfg_monotonic_now ()) > 0)
    (void)media_pump_turn (pump, 10);
  /* An agent that libnice does not let go of would call into freed memory: an own invariant. */
  g_assert (count_agents (pump) == 0);
  g_assert (g_queue_is_empty (&pump->jobs));
  for (guint i = 0; i < pump->contexts->len; i++)
    media_pump_context_free (g_ptr_array_index (pump->contexts, i));
  pump->n_internal -= pump->contexts->len;
  g_assert (pump->stats.n_fds == pump->n_internal);
  g_assert (media_timer_heap_size (&pump->timers) == 0);
  media_timer_heap_clear (&pump->timers);
  g_ptr_array_unref (pump->contexts);
  g_ptr_array_unref (pump->marked);
  g_array_unref (pump->slots);
  g_array_unref (pump->free_slots);
  if (pump->tick_fd >= 0)
    close (pump->tick_fd);
  if (pump->wake_fd >= 0)
    close (pump->wake_fd);
  if (pump->epoll_fd >= 0)
    close (pump->epoll_fd);
  g_free (pump);
}

void
media_pump_quit (MediaPump *pump)
{
  const uint64_t one = 1;

  atomic_store (&pump->quit, true);
  /* Fails only when the counter is full, and then the pump wakes anyway. */
  (void)!write (pump->wake_fd, &one, sizeof one);
}

void
media_pump_run (MediaPump *pump)
{
  while (!atomic_load (&pump->quit))
    (void)media_pump_turn (pump, -1);
}

CfgMonotonic
media_pump_now (const MediaPump *pump)
{
  return pump->now;
}

CfgMonotonic
media_pump_quiet_at (const MediaPump *pump)
{
  return pump->quiet_at;
}

/* How long to wait, in ms, rounded up so that a timer is due when the wait ends. */
static int
wait_ms (const MediaPump *pump, int timeout_ms)
{
  const MediaPumpTimer *first = media_timer_heap_first (&pump->timers);
  gint64 us;

  if (pump->marked->len > 0 || pump->jobs.length > 0)
    return 0;
  if (first == NULL)
    return timeout_ms;
  us = cfg_monotonic_diff_us (first->at, cfg_monotonic_now ());
  us = MAX (us, 0); /* apart from the line above: a macro would look at the clock twice */
  us = MIN ((us + CFG_US_PER_MS - 1) / CFG_US_PER_MS, G_MAXINT32);
  return timeout_ms < 0 ? (int)us : MIN (timeout_ms, (int)us);
}

static void
dispatch_events (MediaPump *pump, const struct epoll_event *events, int n)
{
  for (int i = 0; i < n; i++)
    {
      const Slot *slot = find_slot (pump, events[i].data.u64);
      const Slot *next = i + 1 < n ? find_slot (pump, events[i + 1].data.u64) : NULL;

      if (next != NULL)
        media_prefetch (next->user, PREFETCH_SIZE);
      pump->stats.events++;
      if (slot != NULL)
        slot->func (events[i].events, pump->now, slot->user);
      else
        pump->stats.stale_events++;
    }
}

/* Those marked while they run wait for the next turn. */
static guint
run_contexts (MediaPump *pump)
{
  g_autoptr (GPtrArray) marked = NULL;
  guint n = 0;

  if (pump->marked->len == 0)
    return 0;
  marked = pump->marked;
  pump->marked = g_ptr_array_sized_new (marked->len);
  for (guint i = 0; i < marked->len; i++)
    n += media_pump_context_run (g_ptr_array_index (marked, i));
  pump->stats.context_iterations += n;
  return n;
}

static gboolean
run_job (MediaPump *pump)
{
  GList *link = g_queue_pop_head_link (&pump->jobs);
  MediaPumpJob *job;

  if (link == NULL)
    return FALSE;
  job = link->data;
  job->queued = FALSE;
  job->func (pump->now, job->user);
  return TRUE;
}

/* A timer that starts itself anew for an instant in the past runs once per turn, like the others. */
static guint
run_timers (MediaPump *pump)
{
  const guint most = media_timer_heap_size (&pump->timers);
  guint n = 0;

  if (most == 0)
    return 0;
  pump->now = cfg_monotonic_now ();
  for (; n < most; n++)
    {
      MediaPumpTimer *timer = media_timer_heap_first (&pump->timers);

      if (timer == NULL || timer->at.us > pump->now.us)
        break;
      media_timer_heap_remove (&pump->timers, timer);
      timer->func (pump->now, timer->user);
    }
  return n;
}

static void
arm_tick (const MediaPump *pump)
{
  struct itimerspec when = { 0 };

  if (pump->tick_func != NULL)
    {
      /* MAX would look at the clock twice: the second time the tick may be due, and timerfd takes nothing
       * negative. */
      const gint64 left_us = cfg_monotonic_diff_us (pump->tick_at, cfg_monotonic_now ());
      const gint64 wait_us = MAX (0, left_us);

      when.it_value.tv_sec = wait_us / CFG_US_PER_S;
      when.it_value.tv_nsec = wait_us % CFG_US_PER_S * 1000 + 1; /* 0 would stop it */
    }
  if (timerfd_settime (pump->tick_fd, 0, &when, NULL) < 0)
    g_error ("media pump: timerfd: %s", g_strerror (errno));
}

static void
note_lateness (MediaPump *pump, gint64 late_us)
{
  pump->stats.ticks++;
  pump->stats.tick_lateness_us = late_us;
  pump->stats.tick_lateness_max_us = MAX (pump->stats.tick_lateness_max_us, late_us);
}

/* What becomes due while it runs waits for the next turn: sockets have theirs in between. */
static void
run_ticks (MediaPump *pump)
{
  const CfgMonotonic began = cfg_monotonic_now ();
  const gint64 late_us = cfg_monotonic_diff_us (began, pump->tick_at);
  guint missed = 0;

  if (late_us > MEDIA_PUMP_CATCH_UP_US)
    {
      missed = (guint)((late_us - MEDIA_PUMP_CATCH_UP_US) / pump->tick_interval_us);
      pump->stats.ticks_missed += missed;
      pump->tick_at = cfg_monotonic_add_us (pump->tick_at, missed * pump->tick_interval_us);
    }
  while (pump->tick_func != NULL && cfg_monotonic_diff_us (began, pump->tick_at) >= 0)
    {
      const CfgMonotonic scheduled = pump->tick_at;
      guint steps;

      /* The first one of those that were missed was due before. */
      note_lateness (pump, cfg_monotonic_diff_us (cfg_monotonic_now (), scheduled)
                               + missed * pump->tick_interval_us);
      steps = pump->tick_func (scheduled, missed, pump->tick_user);
      pump->tick_at = cfg_monotonic_add_us (scheduled, MAX (steps, 1) * pump->tick_interval_us);
      missed = 0;
    }
  pump->read_until_us = 0;
  arm_tick (pump);
}

/* The timer only wakes: it is set anew with the ticks that are due, after the packets of this turn. */
static void
on_tick_due (guint32 events, CfgMonotonic now, gpointer user)
{
  MediaPump *pump = user;

  (void)events;
  (void)now;
  pump->n_own_events++;
}

static void
run_mailbox (MediaPump *pump)
{
  if (pump->has_mail && pump->mailbox != NULL)
    (void)cfg_mailbox_dispatch_for (pump->mailbox, pump->mailbox_owner, MAILBOX_US);
  pump->has_mail = FALSE;
}

/* How long the tick has been due; negative: it is not. */
static gint64
tick_late_us (const MediaPump *pump)
{
  return pump->tick_func == NULL ? G_MININT64 : cfg_monotonic_diff_us (pump->now, pump->tick_at);
}

static int
wait_for_events (MediaPump *pump, struct epoll_event *events, int timeout_ms)
{
  const int wait = wait_ms (pump, timeout_ms);
  const CfgMonotonic began = cfg_monotonic_now ();
  const int n = epoll_wait (pump->epoll_fd, events, MAX_EVENTS, wait);

  pump->now = cfg_monotonic_now ();
  /* It slept, so nothing was left; whether it was woken in time its tick tells. So many that more may be left
   * take as long without a sleep, and whoever was stopped knows nothing. */
  if (n == 0
      || (n > 0 && n < MAX_EVENTS && cfg_monotonic_diff_us (pump->now, began) > SLEPT_US
          && tick_late_us (pump) <= BEHIND_US))
    pump->quiet_at = pump->now;
  return n;
}

/* A tick goes without what waits in the sockets, and so the next ones would have too much: it is read first.
 * Where the thread stood still, or has too much else to do, only for a while. */
static gboolean
reads_on (MediaPump *pump, int n)
{
  const gint64 late_us = tick_late_us (pump);

  if (late_us <= BEHIND_US || n <= (int)pump->n_own_events)
    pump->read_until_us = 0;
  else if (pump->read_until_us == 0)
    pump->read_until_us = pump->now.us + CLAMP (late_us / 2, BEHIND_US, READING_MOST_US);
  if (late_us <= BEHIND_US)
    return late_us >= 0 && n == MAX_EVENTS;
  return pump->now.us < pump->read_until_us;
}

/* Messages and one job. Returns: how many jobs. */
static guint
run_rest (MediaPump *pump, gboolean packets_wait)
{
  const CfgMonotonic began = cfg_monotonic_now ();
  gint64 pause_us;
  guint n_done;

  if (packets_wait && cfg_monotonic_diff_us (pump->rest_from, began) > 0)
    return 0;
  run_mailbox (pump);
  n_done = run_job (pump) ? 1 : 0;
  pause_us = PACKETS_SHARE * cfg_monotonic_diff_us (cfg_monotonic_now (), began);
  pump->rest_from = cfg_monotonic_add_us (cfg_monotonic_now (), MIN (pause_us, PACKETS_MOST_US));
  return n_done;
}

gboolean
media_pump_turn (MediaPump *pump, int timeout_ms)
{
  struct epoll_event events[MAX_EVENTS];
  gboolean packets_wait;
  guint n_done;
  int n;

  if (pump->thread == NULL)
    pump->thread = g_thread_self ();
  assert_thread (pump);
  pump->n_own_events = 0;
  n = wait_for_events (pump, events, timeout_ms);
  pump->stats.turns++;
  /* It was stopped and goes on: what waits is not known yet, and is read before any tick. */
  if (n < 0)
    return TRUE;
  dispatch_events (pump, events, n);
  n_done = run_contexts (pump);
  packets_wait = reads_on (pump, n);
  if (!packets_wait && tick_late_us (pump) >= 0)
    run_ticks (pump);
  if (pump->has_mail || pump->jobs.length > 0)
    n_done += run_rest (pump, packets_wait || n == MAX_EVENTS);
  n_done += run_timers (pump);
  return n > 0 || n_done > 0;
}

void
media_pump_set_tick (MediaPump *pump, gint64 interval_us, MediaPumpTickFunc func, gpointer user)
{
  assert_thread (pump);
  if (pump->tick_id != 0)
    {
      media_pump_remove_fd (pump, pump->tick_id);
      pump->tick_id = 0;
      pump->n_internal--;
    }
  pump->tick_func = func;
  pump->tick_user = user;
  if (func != NULL)
    {
      g_assert (interval_us > 0 && MEDIA_PUMP_TICK_US % interval_us == 0);
      pump->tick_interval_us = interval_us;
      pump->tick_at = cfg_monotonic_add_us (cfg_monotonic_now (), interval_us);
      pump->tick_id = media_pump_add_fd (pump, pump->tick_fd, EPOLLIN, on_tick_due, pump);
      g_assert (pump->tick_id != 0);
      pump->n_internal++;
    }
  if (pump->tick_fd >= 0)
    arm_tick (pump);
}

static void
on_mailbox (guint32 events, CfgMonotonic now, gpointer user)
{
  MediaPump *pump = user;

  (void)events;
  (void)now;
  pump->has_mail = TRUE;
  pump->n_own_events++;
}

void
media_pump_set_mailbox (MediaPump *pump, CfgMailbox *mailbox, gpointer owner)
{
  assert_thread (pump);
  if (pump->mailbox_id != 0)
    {
      media_pump_remove_fd (pump, pump->mailbox_id);
      pump->mailbox_id = 0;
      pump->n_internal--;
    }
  pump->mailbox = mailbox;
  pump->mailbox_owner = owner;
  if (mailbox != NULL)
    {
      pump->mailbox_id = media_pump_add_fd (pump, cfg_mailbox_fd (mailbox), EPOLLIN, on_mailbox, pump);
      g_assert (pump->mailbox_id != 0);
      pump->n_internal++;
    }
}

void
media_pump_start_timer (MediaPump *pump, MediaPumpTimer *timer, CfgMonotonic at)
{
  assert_thread (pump);
  g_assert (timer->func != NULL);
  media_timer_heap_set (&pump->timers, timer, at);
}

void
media_pump_stop_timer (MediaPump *pump, MediaPumpTimer *timer)
{
  assert_thread (pump);
  media_timer_heap_remove (&pump->timers, timer);
}

void
media_pump_queue_job (MediaPump *pump, MediaPumpJob *job)
{
  assert_thread (pump);
  g_assert (job->func != NULL);
  if (job->queued)
    return;
  job->queued = TRUE;
  job->link = (GList){ .data = job };
  g_queue_push_tail_link (&pump->jobs, &job->link);
}

void
media_pump_cancel_job (MediaPump *pump, MediaPumpJob *job)
{
  assert_thread (pump);
  if (!job->queued)
    return;
  job->queued = FALSE;
  g_queue_unlink (&pump->jobs, &job->link);
}

void
media_pump_mark_context (MediaPump *pump, MediaPumpContext *context)
{
  assert_thread (pump);
  if (!g_ptr_array_find (pump->marked, context, NULL))
    g_ptr_array_add (pump->marked, context);
}

MediaPumpContext *
media_pump_find_context (MediaPump *pump, GError **error)
{
  MediaPumpContext *context;

  assert_thread (pump);
  for (guint i = 0; i < pump->contexts->len; i++)
    {
      context = g_ptr_array_index (pump->contexts, i);
      if (media_pump_context_n_agents (context) < MEDIA_PUMP_AGENTS_PER_CONTEXT)
        return context;
    }
  if (pump->contexts->len == MAX_CONTEXTS)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED,
                   "too many WebRTC transports on one worker");
      return NULL;
    }
  context = media_pump_context_new (pump, error);
  if (context != NULL)
    {
      g_ptr_array_add (pump->contexts, context);
      pump->n_internal++;
    }
  return context;
}

void
media_pump_get_stats (const MediaPump *pump, MediaPumpStats *stats)
{
  assert_thread (pump);
  *stats = pump->stats;
  stats->n_contexts = pump->contexts->len;
}

void
media_pump_reset_lateness (MediaPump *pump)
{
  assert_thread (pump);
  pump->stats.tick_lateness_max_us = 0;
}
