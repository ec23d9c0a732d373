#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "media/io/pump.h"
#include "media/io/pump_context.h"
#include "media/io/timer_heap.h"
#include "tests/media/io/virtual_clock.h"

/* How long each wait takes, without a sleep. */
static gint64 wait_takes_us;
static gboolean wait_is_interrupted;

/* In front of the C library's. */
int
epoll_wait (int fd, struct epoll_event *events, int most, int timeout_ms)
{
  if (wait_takes_us > 0)
    virtual_clock_advance (wait_takes_us);
  if (wait_is_interrupted)
    {
      errno = EINTR;
      return -1;
    }
  return epoll_pwait (fd, events, most, timeout_ms, NULL);
}

typedef struct
{
  MediaPump *pump;
  int fds[2];
  guint64 id;
  guint64 other; /* removed by this one's callback */
  guint n_calls;
} Pipe;

static void
pipe_open (Pipe *pipe_, MediaPump *pump, MediaPumpFdFunc func)
{
  *pipe_ = (Pipe){ .pump = pump };
  g_assert_cmpint (pipe2 (pipe_->fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
  pipe_->id = media_pump_add_fd (pump, pipe_->fds[0], EPOLLIN, func, pipe_);
  g_assert_cmpuint (pipe_->id, !=, 0);
}

static void
pipe_write (const Pipe *pipe_)
{
  g_assert_cmpint (write (pipe_->fds[1], "x", 1), ==, 1);
}

static void
pipe_close (Pipe *pipe_)
{
  media_pump_remove_fd (pipe_->pump, pipe_->id);
  close (pipe_->fds[0]);
  close (pipe_->fds[1]);
}

static void
read_one (guint32 events, CfgMonotonic now, gpointer user)
{
  Pipe *pipe_ = user;
  char byte;

  g_assert_cmpuint (events & EPOLLIN, ==, EPOLLIN);
  g_assert_cmpint (now.us, ==, media_pump_now (pipe_->pump).us);
  g_assert_cmpint (read (pipe_->fds[0], &byte, 1), ==, 1);
  pipe_->n_calls++;
  media_pump_remove_fd (pipe_->pump, pipe_->other);
}

static void
test_fd (void)
{
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  MediaPumpStats stats;
  Pipe a;

  pipe_open (&a, pump, read_one);
  g_assert_false (media_pump_turn (pump, 0));
  pipe_write (&a);
  pipe_write (&a);
  g_assert_true (media_pump_turn (pump, 0));
  g_assert_cmpuint (a.n_calls, ==, 1);
  g_assert_true (media_pump_turn (pump, 0));
  g_assert_cmpuint (a.n_calls, ==, 2);
  g_assert_false (media_pump_turn (pump, 0));
  media_pump_get_stats (pump, &stats);
  g_assert_cmpuint (stats.events, ==, 2);
  g_assert_cmpuint (media_pump_add_fd (pump, -1, EPOLLIN, read_one, &a), ==, 0);
  pipe_close (&a);
}

/* Both are readable in the same batch, and each removes the other: one of them only is called. */
static void
test_removal_inside_callback (void)
{
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  MediaPumpStats stats;
  Pipe a;
  Pipe b;

  pipe_open (&a, pump, read_one);
  pipe_open (&b, pump, read_one);
  a.other = b.id;
  b.other = a.id;
  pipe_write (&a);
  pipe_write (&b);
  g_assert_true (media_pump_turn (pump, 0));
  g_assert_cmpuint (a.n_calls + b.n_calls, ==, 1);
  g_assert_false (media_pump_turn (pump, 0));
  media_pump_get_stats (pump, &stats);
  g_assert_cmpuint (stats.stale_events, ==, 1);
  pipe_close (&a);
  pipe_close (&b);
}

static void
remove_and_reuse (guint32 events, CfgMonotonic now, gpointer user)
{
  Pipe *pipe_ = user;

  read_one (events, now, user);
  /* The slot of the removed one gets a new holder while its event is still in the batch. */
  pipe_->id = (media_pump_remove_fd (pipe_->pump, pipe_->id), 0);
  pipe_->id = media_pump_add_fd (pipe_->pump, pipe_->fds[0], EPOLLIN, read_one, pipe_);
}

static void
test_stale_id_finds_no_successor (void)
{
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  Pipe a;
  Pipe b;
  guint64 old;

  pipe_open (&a, pump, remove_and_reuse);
  pipe_open (&b, pump, remove_and_reuse);
  old = a.id;
  a.other = b.id;
  b.other = a.id;
  pipe_write (&a);
  pipe_write (&b);
  g_assert_true (media_pump_turn (pump, 0));
  g_assert_cmpuint (a.n_calls + b.n_calls, ==, 1);
  media_pump_remove_fd (pump, old);
  pipe_close (&a);
  pipe_close (&b);
}

typedef struct
{
  MediaPump *pump;
  MediaPumpTimer timer;
  GString *log;
  char name;
  gint64 again_us;
} NamedTimer;

static void
on_timer (CfgMonotonic now, gpointer user)
{
  NamedTimer *timer = user;

  g_string_append_c (timer->log, timer->name);
  if (timer->again_us != 0)
    media_pump_start_timer (timer->pump, &timer->timer, cfg_monotonic_add_us (now, timer->again_us));
}

static void
test_timers (void)
{
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  g_autoptr (GString) log = g_string_new (NULL);
  const CfgMonotonic now = cfg_monotonic_now ();
  NamedTimer timers[4];

  for (guint i = 0; i < G_N_ELEMENTS (timers); i++)
    {
      timers[i] = (NamedTimer){
        pump, { on_timer, &timers[i], { 0 }, 0 }, log, (char)('a' + i), i == 3 ? G_USEC_PER_SEC : 0
      };
      media_pump_start_timer (pump, &timers[i].timer, cfg_monotonic_add_us (now, (4 - i) * G_USEC_PER_SEC));
    }
  media_pump_start_timer (pump, &timers[0].timer, cfg_monotonic_add_us (now, 10 * G_USEC_PER_SEC));
  media_pump_stop_timer (pump, &timers[1].timer);
  media_pump_stop_timer (pump, &timers[1].timer);
  g_assert_false (media_pump_turn (pump, 0));
  for (guint i = 0; i < 3; i++)
    {
      virtual_clock_advance (G_USEC_PER_SEC + 1000);
      g_assert_true (media_pump_turn (pump, 0));
    }
  g_assert_cmpstr (log->str, ==, "dcdd");
  virtual_clock_advance (20 * G_USEC_PER_SEC);
  timers[3].again_us = 0;
  g_assert_true (media_pump_turn (pump, 0));
  g_assert_cmpstr (log->str, ==, "dcddda");
  g_assert_false (media_pump_turn (pump, 0));
}

/* One that is due again at once must not keep the others waiting. */
static void
test_eager_timer_runs_once_per_turn (void)
{
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  g_autoptr (GString) log = g_string_new (NULL);
  NamedTimer eager = { pump, { on_timer, &eager, { 0 }, 0 }, log, 'e', -1 };
  Pipe a;

  pipe_open (&a, pump, read_one);
  media_pump_start_timer (pump, &eager.timer, cfg_monotonic_now ());
  pipe_write (&a);
  g_assert_true (media_pump_turn (pump, -1));
  g_assert_cmpstr (log->str, ==, "e");
  g_assert_cmpuint (a.n_calls, ==, 1);
  media_pump_stop_timer (pump, &eager.timer);
  pipe_close (&a);
}

static void
test_heap_orders_and_removes (void)
{
  MediaTimerHeap heap;
  MediaPumpTimer timers[200] = { 0 };
  gint64 last = -1;
  guint n = 0;

  media_timer_heap_init (&heap);
  for (guint i = 0; i < 2000; i++)
    {
      MediaPumpTimer *timer = &timers[g_test_rand_int_range (0, G_N_ELEMENTS (timers))];

      if (g_test_rand_int_range (0, 3) == 0)
        media_timer_heap_remove (&heap, timer);
      else
        media_timer_heap_set (&heap, timer, (CfgMonotonic){ g_test_rand_int_range (0, 1000) });
    }
  for (guint i = 0; i < G_N_ELEMENTS (timers); i++)
    n += timers[i].position != 0 ? 1 : 0;
  g_assert_cmpuint (media_timer_heap_size (&heap), ==, n);
  while (media_timer_heap_first (&heap) != NULL)
    {
      MediaPumpTimer *first = media_timer_heap_first (&heap);

      g_assert_cmpint (first->at.us, >=, last);
      last = first->at.us;
      media_timer_heap_remove (&heap, first);
      g_assert_cmpuint (first->position, ==, 0);
    }
  media_timer_heap_clear (&heap);
}

static void
count_job (CfgMonotonic now, gpointer user)
{
  (void)now;
  (*(guint *)user)++;
}

static void
test_one_job_per_turn (void)
{
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  guint n = 0;
  MediaPumpJob jobs[3];

  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    {
      jobs[i] = (MediaPumpJob){ .func = count_job, .user = &n };
      media_pump_queue_job (pump, &jobs[i]);
      media_pump_queue_job (pump, &jobs[i]);
    }
  media_pump_cancel_job (pump, &jobs[1]);
  g_assert_true (media_pump_turn (pump, -1));
  g_assert_cmpuint (n, ==, 1);
  g_assert_true (media_pump_turn (pump, -1));
  g_assert_cmpuint (n, ==, 2);
  g_assert_false (media_pump_turn (pump, 0));
}

typedef struct
{
  gint64 interval_us;
  guint n;
  guint missed;
  guint steps; /* asked for by the last one */
  CfgMonotonic last;
} Ticks;

static guint
on_tick (CfgMonotonic scheduled, guint missed, gpointer user)
{
  Ticks *ticks = user;

  if (ticks->n > 0)
    g_assert_cmpint (cfg_monotonic_diff_us (scheduled, ticks->last), ==,
                     (ticks->steps + missed) * ticks->interval_us);
  ticks->n++;
  ticks->missed += missed;
  ticks->last = scheduled;
  ticks->steps = 1 + ticks->n % 3;
  return ticks->steps;
}

static void
check_tick (gconstpointer data)
{
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  Ticks ticks = { .interval_us = GPOINTER_TO_INT (data) };
  const CfgMonotonic start = cfg_monotonic_now ();
  MediaPumpStats stats;

  media_pump_set_tick (pump, ticks.interval_us, on_tick, &ticks);
  for (guint i = 0; i < 1000 && ticks.n < 7; i++)
    (void)media_pump_turn (pump, 100);
  g_assert_cmpuint (ticks.n, >=, 7);
  /* 1 + 2 + 3 + 1 + 2 + 3 + 1: none came before its time. */
  g_assert_cmpint (cfg_monotonic_diff_us (cfg_monotonic_now (), start), >=, 13 * ticks.interval_us);
  media_pump_get_stats (pump, &stats);
  g_assert_cmpuint (stats.ticks, ==, ticks.n);
  g_assert_cmpuint (stats.ticks_missed, ==, ticks.missed);
  g_assert_cmpint (stats.tick_lateness_max_us, >=, 0);
  media_pump_set_tick (pump, 0, NULL, NULL);
  g_assert_false (media_pump_turn (pump, 0));
}

/* A second in which the thread stood still: 100 ms of it are made up for, and the grid stays. Told is the
 * second. */
static void
test_tick_catches_up (void)
{
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  Ticks ticks = { .interval_us = 2000 };
  MediaPumpStats stats;

  media_pump_set_tick (pump, ticks.interval_us, on_tick, &ticks);
  for (guint i = 0; i < 100 && ticks.n == 0; i++)
    (void)media_pump_turn (pump, 100);
  virtual_clock_advance (CFG_US_PER_S);
  for (guint i = 0; i < 100 && ticks.missed == 0; i++)
    (void)media_pump_turn (pump, 100);
  g_assert_cmpuint (ticks.missed, >=, 440);
  g_assert_cmpuint (ticks.n, >=, 1 + 50 / 3);
  media_pump_get_stats (pump, &stats);
  g_assert_cmpint (stats.tick_lateness_max_us, >=, CFG_US_PER_S - 3 * ticks.interval_us);
  g_assert_cmpint (stats.tick_lateness_us, <, CFG_US_PER_S / 2); /* of what is made up for, each its own */
  media_pump_set_tick (pump, 0, NULL, NULL);
}

typedef struct
{
  CfgMessage base;
  guint *n;
} CountMessage;

static void
run_message (CfgMessage *message, gpointer owner)
{
  g_assert_cmpuint (GPOINTER_TO_UINT (owner), ==, 7);
  (*((CountMessage *)message)->n)++;
}

static void
destroy_message (CfgMessage *message)
{
  g_free (message);
}

static void
post_three (CfgMailbox *mailbox, void (*run) (CfgMessage *message, gpointer owner), guint *n)
{
  for (guint i = 0; i < 3; i++)
    {
      CountMessage *message = g_new0 (CountMessage, 1);

      *message = (CountMessage){ { NULL, run, destroy_message }, n };
      g_assert_true (cfg_mailbox_post (mailbox, &message->base, CFG_MAILBOX_MUST_DELIVER));
    }
}

static void
test_mailbox (void)
{
  g_autoptr (CfgMailbox) mailbox = cfg_mailbox_new (10);
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  guint n = 0;

  media_pump_set_mailbox (pump, mailbox, GUINT_TO_POINTER (7));
  post_three (mailbox, run_message, &n);
  g_assert_true (media_pump_turn (pump, 0));
  g_assert_cmpuint (n, ==, 3);
  media_pump_set_mailbox (pump, NULL, NULL);
}

/* Messages that take long: one for each turn, and none is forgotten. */
static void
run_long (CfgMessage *message, gpointer owner)
{
  run_message (message, owner);
  virtual_clock_advance (2000);
}

static void
test_mailbox_takes_turns (void)
{
  g_autoptr (CfgMailbox) mailbox = cfg_mailbox_new (10);
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  guint n = 0;

  media_pump_set_mailbox (pump, mailbox, GUINT_TO_POINTER (7));
  post_three (mailbox, run_long, &n);
  for (guint i = 1; i <= 3; i++)
    {
      g_assert_true (media_pump_turn (pump, 0));
      g_assert_cmpuint (n, ==, i);
    }
  g_assert_false (media_pump_turn (pump, 0));
  media_pump_set_mailbox (pump, NULL, NULL);
}

/* More than one turn takes. */
#define N_CROWD 100

static void
crowd_open (Pipe *crowd, MediaPump *pump, guint packets)
{
  for (guint i = 0; i < N_CROWD; i++)
    {
      pipe_open (&crowd[i], pump, read_one);
      for (guint k = 0; k < packets; k++)
        pipe_write (&crowd[i]);
    }
}

static guint
crowd_close (Pipe *crowd)
{
  guint n = 0;

  for (guint i = 0; i < N_CROWD; i++)
    {
      n += crowd[i].n_calls;
      pipe_close (&crowd[i]);
    }
  return n;
}

typedef struct
{
  const Pipe *crowd;
  guint n;
  guint n_read; /* by the first tick */
} CrowdTicks;

static guint
on_crowd_tick (CfgMonotonic scheduled, guint missed, gpointer user)
{
  CrowdTicks *ticks = user;

  (void)scheduled;
  (void)missed;
  for (guint i = 0; ticks->n == 0 && i < N_CROWD; i++)
    ticks->n_read += ticks->crowd[i].n_calls;
  ticks->n++;
  return 10;
}

/* Returns: FALSE when this thread lost its core for longer than ticks wait. */
static gboolean
reads_before_late_ticks (void)
{
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  Pipe crowd[N_CROWD];
  CrowdTicks ticks = { .crowd = crowd };
  CfgMonotonic began;
  gboolean in_time;

  media_pump_set_tick (pump, 2000, on_crowd_tick, &ticks);
  crowd_open (crowd, pump, 1);
  virtual_clock_advance (300 * CFG_US_PER_MS);
  began = cfg_monotonic_now ();
  (void)media_pump_turn (pump, 0);
  g_assert_cmpuint (ticks.n, ==, 0);
  /* Of who waits it knows no more than that it came after this. */
  g_assert_cmpint (cfg_monotonic_diff_us (media_pump_now (pump), media_pump_quiet_at (pump)), >=,
                   300 * CFG_US_PER_MS);
  for (guint i = 0; i < 100 && ticks.n == 0; i++)
    (void)media_pump_turn (pump, 0);
  in_time = cfg_monotonic_diff_us (cfg_monotonic_now (), began) < 50 * CFG_US_PER_MS;
  if (in_time)
    g_assert_cmpuint (ticks.n_read, ==, N_CROWD);
  g_assert_cmpuint (ticks.n, >, 0);
  g_assert_cmpuint (crowd_close (crowd), <=, N_CROWD);
  media_pump_set_tick (pump, 0, NULL, NULL);
  return in_time;
}

/* The thread stood still: what came meanwhile is read before the ticks that need it. */
static void
test_reads_before_late_ticks (void)
{
  gboolean in_time = FALSE;

  for (guint i = 0; i < 100 && !in_time; i++)
    in_time = reads_before_late_ticks ();
  g_assert_true (in_time);
}

/* To tell of many descriptors takes the kernel as long as a short sleep: what is left came before. */
static void
test_crowd_is_not_quiet (void)
{
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  const CfgMonotonic before = media_pump_quiet_at (pump);
  Pipe crowd[N_CROWD];

  crowd_open (crowd, pump, 3);
  wait_takes_us = 100;
  for (guint i = 0; i < 3; i++)
    {
      (void)media_pump_turn (pump, 0);
      g_assert_cmpint (media_pump_quiet_at (pump).us, ==, before.us);
    }
  while (media_pump_turn (pump, 0))
    continue;
  wait_takes_us = 0;
  g_assert_cmpint (media_pump_quiet_at (pump).us, ==, media_pump_now (pump).us);
  g_assert_cmpuint (crowd_close (crowd), ==, 3 * N_CROWD);
}

/* Stopped and gone on (SIGSTOP, SIGCONT): what waits came meanwhile. */
static void
test_interruption_is_not_quiet (void)
{
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  const CfgMonotonic before = media_pump_quiet_at (pump);

  wait_takes_us = CFG_US_PER_S;
  wait_is_interrupted = TRUE;
  g_assert_true (media_pump_turn (pump, 0));
  g_assert_cmpint (media_pump_quiet_at (pump).us, ==, before.us);
  wait_takes_us = 0;
  wait_is_interrupted = FALSE;
  g_assert_false (media_pump_turn (pump, 0));
  g_assert_cmpint (media_pump_quiet_at (pump).us, ==, media_pump_now (pump).us);
}

/* But not for ever: a thread with too much to do goes on ticking. */
static void
test_late_ticks_do_not_starve (void)
{
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  Pipe crowd[N_CROWD];
  CrowdTicks ticks = { .crowd = crowd };

  media_pump_set_tick (pump, 2000, on_crowd_tick, &ticks);
  crowd_open (crowd, pump, 20);
  virtual_clock_advance (300 * CFG_US_PER_MS);
  (void)media_pump_turn (pump, 0);
  g_assert_cmpuint (ticks.n, ==, 0);
  virtual_clock_advance (60 * CFG_US_PER_MS);
  (void)media_pump_turn (pump, 0);
  g_assert_cmpuint (ticks.n, >, 0);
  g_assert_cmpuint (crowd_close (crowd), <, 20 * N_CROWD);
  media_pump_set_tick (pump, 0, NULL, NULL);
}

static void
count_long_job (CfgMonotonic now, gpointer user)
{
  virtual_clock_advance (CFG_US_PER_MS);
  count_job (now, user);
}

/* While more packets wait than a turn takes jobs have a quarter of the time, and all of it
 * afterwards. */
static void
test_packets_before_jobs (void)
{
  enum
  {
    N_JOBS = 200,
    N_TURNS = 200
  };
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  const CfgMonotonic began = cfg_monotonic_now ();
  MediaPumpJob jobs[N_JOBS];
  Pipe crowd[N_CROWD];
  CrowdTicks ticks = { .crowd = crowd };
  gint64 passed_us;
  guint n = 0;

  media_pump_set_tick (pump, MEDIA_PUMP_TICK_US, on_crowd_tick, &ticks);
  crowd_open (crowd, pump, N_TURNS);
  for (guint i = 0; i < N_JOBS; i++)
    {
      jobs[i] = (MediaPumpJob){ .func = count_long_job, .user = &n };
      media_pump_queue_job (pump, &jobs[i]);
    }
  wait_takes_us = 500;
  for (guint i = 0; i < N_TURNS; i++)
    g_assert_true (media_pump_turn (pump, 0));
  wait_takes_us = 0;
  passed_us = cfg_monotonic_diff_us (cfg_monotonic_now (), began);
  g_assert_cmpint (4 * CFG_US_PER_MS * (n - 1), <=, passed_us);
  g_assert_cmpuint (n, >=, 5); /* in 100 ms and more: they wait for 10 ms at most */
  while (media_pump_turn (pump, 0))
    continue;
  g_assert_cmpuint (n, ==, N_JOBS);
  g_assert_cmpuint (crowd_close (crowd), ==, N_TURNS * N_CROWD);
  media_pump_set_tick (pump, 0, NULL, NULL);
}

static gpointer
run_and_free (gpointer data)
{
  media_pump_run (data);
  media_pump_free (data);
  return NULL;
}

static void
test_quit_from_another_thread (void)
{
  MediaPump *pump = media_pump_new (NULL);
  GThread *thread = g_thread_new ("pump", run_and_free, pump);

  media_pump_quit (pump);
  g_thread_join (thread);
}

static gboolean
count_source (gpointer user)
{
  (*(guint *)user)++;
  return G_SOURCE_CONTINUE;
}

static gboolean
count_fd_source (gint fd, GIOCondition condition, gpointer user)
{
  char byte;

  g_assert_cmpint (condition, ==, G_IO_IN);
  g_assert_cmpint (read (fd, &byte, 1), ==, 1);
  (*(guint *)user)++;
  return G_SOURCE_CONTINUE;
}

static GSource *
attach (MediaPumpContext *context, GSource *source, GSourceFunc func, guint *count)
{
  g_source_set_callback (source, func, count, NULL);
  g_source_attach (source, media_pump_context_main (context));
  media_pump_context_touch (context);
  return source;
}

/* Timers, descriptors, claimed descriptors and closed ones whose number comes again. */
static void
test_context (void)
{
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  MediaPumpContext *context = media_pump_context_take (pump, NULL);
  guint n_timeouts = 0;
  guint n_reads = 0;
  int fds[2];
  GSource *timeout = attach (context, g_timeout_source_new (1000), count_source, &n_timeouts);
  GSource *reader;

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
  reader
      = attach (context, g_unix_fd_source_new (fds[0], G_IO_IN), G_SOURCE_FUNC (count_fd_source), &n_reads);
  (void)media_pump_turn (pump, 0);
  g_assert_cmpint (write (fds[1], "ab", 2), ==, 2);
  (void)media_pump_turn (pump, 0);
  g_assert_cmpuint (n_reads, ==, 1);
  media_pump_context_claim (context, fds[0]);
  for (guint i = 0; i < 5; i++)
    (void)media_pump_turn (pump, 0);
  g_assert_cmpuint (n_reads, ==, 1);
  media_pump_context_readable (context, fds[0]);
  (void)media_pump_turn (pump, 0);
  g_assert_cmpuint (n_reads, ==, 2);
  media_pump_context_unclaim (context, fds[0]);
  g_assert_cmpint (write (fds[1], "c", 1), ==, 1);
  for (guint i = 0; i < 3; i++)
    (void)media_pump_turn (pump, 0);
  g_assert_cmpuint (n_reads, ==, 3);

  /* The same number, another pipe. */
  g_source_destroy (reader);
  g_source_unref (reader);
  close (fds[0]);
  close (fds[1]);
  g_assert_cmpint (pipe2 (fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
  reader
      = attach (context, g_unix_fd_source_new (fds[0], G_IO_IN), G_SOURCE_FUNC (count_fd_source), &n_reads);
  media_pump_context_opened (context, fds[0]);
  g_assert_cmpint (write (fds[1], "d", 1), ==, 1);
  for (guint i = 0; i < 3; i++)
    (void)media_pump_turn (pump, 0);
  g_assert_cmpuint (n_reads, ==, 4);

  g_assert_cmpuint (n_timeouts, ==, 0);
  virtual_clock_advance (1500 * 1000);
  for (guint i = 0; i < 3; i++)
    (void)media_pump_turn (pump, 0);
  g_assert_cmpuint (n_timeouts, ==, 1);
  g_source_destroy (timeout);
  g_source_unref (timeout);
  g_source_destroy (reader);
  g_source_unref (reader);
  close (fds[0]);
  close (fds[1]);
  media_pump_context_release (context);
}

static void
test_contexts_are_bounded (void)
{
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  GPtrArray *taken = g_ptr_array_new ();
  MediaPumpStats stats;

  for (guint i = 0; i < 2 * MEDIA_PUMP_AGENTS_PER_CONTEXT + 1; i++)
    g_ptr_array_add (taken, media_pump_context_take (pump, NULL));
  media_pump_get_stats (pump, &stats);
  g_assert_cmpuint (stats.n_contexts, ==, 3);
  for (guint i = 0; i < taken->len; i++)
    media_pump_context_release (g_ptr_array_index (taken, i));
  g_ptr_array_unref (taken);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/pump/reads_a_descriptor", test_fd);
  g_test_add_func ("/media/pump/removes_inside_a_callback", test_removal_inside_callback);
  g_test_add_func ("/media/pump/stale_id_finds_no_successor", test_stale_id_finds_no_successor);
  g_test_add_func ("/media/pump/runs_timers_in_order", test_timers);
  g_test_add_func ("/media/pump/runs_an_eager_timer_once_per_turn", test_eager_timer_runs_once_per_turn);
  g_test_add_func ("/media/pump/heap_orders_and_removes", test_heap_orders_and_removes);
  g_test_add_func ("/media/pump/runs_one_job_per_turn", test_one_job_per_turn);
  g_test_add_data_func ("/media/pump/ticks_on_a_grid_of_20_ms", GINT_TO_POINTER (MEDIA_PUMP_TICK_US),
                        check_tick);
  g_test_add_data_func ("/media/pump/ticks_on_a_grid_of_2_ms", GINT_TO_POINTER (2000), check_tick);
  g_test_add_func ("/media/pump/catches_up_with_its_ticks", test_tick_catches_up);
  g_test_add_func ("/media/pump/dispatches_its_mailbox", test_mailbox);
  g_test_add_func ("/media/pump/gives_messages_a_turn_each", test_mailbox_takes_turns);
  g_test_add_func ("/media/pump/reads_before_late_ticks", test_reads_before_late_ticks);
  g_test_add_func ("/media/pump/is_not_quiet_while_many_wait", test_crowd_is_not_quiet);
  g_test_add_func ("/media/pump/is_not_quiet_when_interrupted", test_interruption_is_not_quiet);
  g_test_add_func ("/media/pump/ticks_however_much_waits", test_late_ticks_do_not_starve);
  g_test_add_func ("/media/pump/packets_before_jobs", test_packets_before_jobs);
  g_test_add_func ("/media/pump/quits_from_another_thread", test_quit_from_another_thread);
  g_test_add_func ("/media/pump/iterates_a_private_context", test_context);
  g_test_add_func ("/media/pump/bounds_the_agents_of_a_context", test_contexts_are_bounded);
  return g_test_run ();
}
