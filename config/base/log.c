#include "config/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "config/base/clock.h"
#include "config/base/error.h"
#include "config/base/log_format.h"
#include "config/base/thread.h"

/* The queue's bound. At 200 bytes a line it is some 20000 lines, a second or two of a very busy debug log. */
#define MAX_QUEUED_BYTES (4 * 1024 * 1024)
/* A buffer that a burst made larger is given back. */
#define KEPT_BYTES (256 * 1024)
/* A pipe that polls writable takes this much without blocking (POSIX, PIPE_BUF). */
#define MAX_WRITE_BYTES 4096
/* How long cfg_log_shutdown waits for somebody who reads the other end of a full pipe. */
#define SHUTDOWN_GRACE_US (2 * CFG_US_PER_S)

/* One log per process: it is the one global of the base layer, since everybody writes to it.
 *
 * `lock` guards its members; `running` and `path` change only in init and shutdown, on the main thread. */
static struct
{
  pthread_mutex_t lock;
  pthread_cond_t wake;
  pthread_t writer;
  gboolean running;
  gboolean stopping;
  CfgMonotonic stop_at;  /* when stopping: unwritten lines are given up then */
  char *path;            /* NULL: standard output */
  int next_fd;           /* a reopened file the writer has not taken yet, or -1 */
  GString *queued;       /* whole lines */
  guint64 n_dropped;     /* and not said yet */
  guint64 n_all_dropped; /* since the start */
} state = {
  .lock = PTHREAD_MUTEX_INITIALIZER,
  .wake = PTHREAD_COND_INITIALIZER,
  .next_fd = -1,
};
/* Each thread has its own, if any: who set it need not think of other threads. */
static _Thread_local CfgLogTap tap;
static _Thread_local gpointer tap_user;
static atomic_int threshold = CFG_LOG_INFO;
static atomic_int line_format = CFG_LOG_TEXT;

gboolean
cfg_log_level_parse (const char *word, CfgLogLevel *level)
{
  static const char *const words[] = { "debug", "info", "warn", "error" };

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_strcmp0 (word, words[i]) == 0)
      {
        *level = (CfgLogLevel)i;
        return TRUE;
      }
  return FALSE;
}

void
cfg_log_set_level (CfgLogLevel level)
{
  atomic_store_explicit (&threshold, (int)level, memory_order_relaxed);
}

void
cfg_log_set_tap (CfgLogTap new_tap, gpointer user)
{
  tap = new_tap;
  tap_user = user;
}

gboolean
cfg_log_enabled (CfgLogLevel level)
{
  return (int)level >= atomic_load_explicit (&threshold, memory_order_relaxed);
}

static gboolean
gave_up (void)
{
  gboolean late;

  pthread_mutex_lock (&state.lock);
  late = state.stopping && cfg_monotonic_diff_us (cfg_monotonic_now (), state.stop_at) > 0;
  pthread_mutex_unlock (&state.lock);
  return late;
}

/* Writes all of @lines, or gives up: when the disk is full or the reader gone there is nowhere to say so. */
static void
write_lines (int fd, const char *lines, gsize size)
{
  while (size > 0)
    {
      struct pollfd ready = { .fd = fd, .events = POLLOUT };
      gssize written;

      if (poll (&ready, 1, 200) == 0)
        {
          if (gave_up ())
            return;
          continue;
        }
      written = write (fd, lines, MIN (size, MAX_WRITE_BYTES));
      if (written < 0 && errno != EINTR && errno != EAGAIN)
        return;
      if (written > 0)
        {
          lines += written;
          size -= (gsize)written;
        }
    }
}

/* A line goes out in one piece, so that it is not torn by another process that writes to the same place. */
static void
write_directly (const GString *lines)
{
  gsize done = 0;

  while (done < lines->len)
    {
      gssize written = write (STDERR_FILENO, lines->str + done, lines->len - done);

      if (written < 0 && errno != EINTR)
        return;
      done += written > 0 ? (gsize)written : 0;
    }
}

static void
append_drop_notice (GString *out, guint64 n_dropped)
{
  const CfgLogField fields[] = { CFG_INT ("lines", n_dropped), { .type = CFG_LOG_FIELD_END } };
  const CfgLogLine line = { cfg_wall_now (), CFG_LOG_WARN, "main", NULL, "Log lines dropped", fields };

  cfg_log_format_line (out, (CfgLogFormat)atomic_load (&line_format), &line);
}

static void *
writer_main (void *data)
{
  int fd = GPOINTER_TO_INT (data);
  GString *taken = g_string_new (NULL);
  gboolean stopping = FALSE;

  cfg_thread_give_way ();
  while (!stopping)
    {
      GString *swap = taken;

      pthread_mutex_lock (&state.lock);
      while (state.queued->len == 0 && state.n_dropped == 0 && state.next_fd < 0 && !state.stopping)
        pthread_cond_wait (&state.wake, &state.lock);
      taken = state.queued;
      state.queued = swap;
      if (state.n_dropped > 0)
        append_drop_notice (taken, state.n_dropped);
      state.n_dropped = 0;
      if (state.next_fd >= 0)
        {
          close (fd);
          fd = state.next_fd;
          state.next_fd = -1;
        }
      stopping = state.stopping;
      pthread_mutex_unlock (&state.lock);
      write_lines (fd, taken->str, taken->len);
      g_string_truncate (taken, 0);
      if (taken->allocated_len > KEPT_BYTES)
        {
          g_string_free (taken, TRUE);
          taken = g_string_new (NULL);
        }
    }
  g_string_free (taken, TRUE);
  if (fd != STDOUT_FILENO)
    close (fd);
  return NULL;
}

static int
open_log (const char *path, GError **error)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

  if (fd < 0)
    g_set_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION, "cannot open the log file %s: %s", path,
                 g_strerror (errno));
  return fd;
}

/* The writer takes no signals: a closed pipe is then an error of write() instead of the process's end. */
static void
start_writer (int fd)
{
  sigset_t all, before;
  int failed;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  failed = pthread_create (&state.writer, NULL, writer_main, GINT_TO_POINTER (fd));
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  if (failed != 0)
    g_error ("log: cannot start the writer thread: %s", g_strerror (failed));
  pthread_setname_np (state.writer, "log");
}

gboolean
cfg_log_init (CfgLogLevel level, CfgLogFormat format, const char *path, GError **error)
{
  int fd = path != NULL ? open_log (path, error) : STDOUT_FILENO;

  if (fd < 0)
    return FALSE;
  g_assert (!state.running);
  cfg_log_set_level (level);
  pthread_mutex_lock (&state.lock);
  state.running = TRUE;
  state.stopping = FALSE;
  atomic_store (&line_format, (int)format);
  state.path = g_strdup (path);
  state.queued = g_string_new (NULL);
  state.n_dropped = 0;
  start_writer (fd);
  pthread_mutex_unlock (&state.lock);
  return TRUE;
}

gboolean
cfg_log_reopen (GError **error)
{
  int fd;

  if (!state.running || state.path == NULL)
    return TRUE;
  fd = open_log (state.path, error);
  if (fd < 0)
    return FALSE;
  pthread_mutex_lock (&state.lock);
  if (state.next_fd >= 0)
    close (state.next_fd);
  state.next_fd = fd;
  pthread_cond_signal (&state.wake);
  pthread_mutex_unlock (&state.lock);
  return TRUE;
}

void
cfg_log_shutdown (void)
{
  if (!state.running)
    return;
  pthread_mutex_lock (&state.lock);
  state.stopping = TRUE;
  state.stop_at = cfg_monotonic_add_us (cfg_monotonic_now (), SHUTDOWN_GRACE_US);
  pthread_cond_signal (&state.wake);
  pthread_mutex_unlock (&state.lock);
  pthread_join (state.writer, NULL);

  pthread_mutex_lock (&state.lock);
  state.running = FALSE;
  if (state.next_fd >= 0)
    close (state.next_fd);
  state.next_fd = -1;
  g_clear_pointer (&state.path, g_free);
  atomic_store (&line_format, CFG_LOG_TEXT);
  /* What other threads logged while the writer ended. */
  write_directly (state.queued);
  g_string_free (g_steal_pointer (&state.queued), TRUE);
  pthread_mutex_unlock (&state.lock);
}

/* Without a writer, before init and after shutdown: nothing is queued, a line is there when the call returns.
 */
static void
post_line (const GString *line)
{
  pthread_mutex_lock (&state.lock);
  if (!state.running)
    write_directly (line);
  else if (state.queued->len + line->len > MAX_QUEUED_BYTES)
    {
      state.n_dropped++;
      state.n_all_dropped++;
    }
  else
    {
      g_string_append_len (state.queued, line->str, (gssize)line->len);
      pthread_cond_signal (&state.wake);
    }
  pthread_mutex_unlock (&state.lock);
}

void
cfg_log_get_stats (gsize *waiting, guint64 *dropped)
{
  pthread_mutex_lock (&state.lock);
  *waiting = state.running ? state.queued->len : 0;
  *dropped = state.n_all_dropped;
  pthread_mutex_unlock (&state.lock);
}

void
cfg_log_event (CfgLogLevel level, const char *component, const CfgLogContext *context, const char *event,
               const CfgLogField *fields)
{
  const CfgLogLine line = { cfg_wall_now (), level, component, context, event, fields };
  GString *text;

  if (!cfg_log_enabled (level))
    return;
  text = g_string_sized_new (256);
  cfg_log_format_line (text, (CfgLogFormat)atomic_load (&line_format), &line);
  post_line (text);
  g_string_free (text, TRUE);
  if (tap != NULL)
    tap (tap_user, &line);
}
