#include "media/io/pump_context.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "config/base/error.h"

#define MAX_ROUNDS 4
#define MAX_READY  64

/* What is known of a descriptor number. */
typedef struct
{
  int fd;
  guint8 registered; /* epoll events that the kernel was told, 0 for none */
  gboolean claimed;
} Watch;

struct _MediaPumpContext
{
  MediaPump *pump;
  GMainContext *main;
  gboolean acquired;
  guint n_agents;
  int epoll_fd;
  guint64 pump_id;
  MediaPumpTimer timer;
  GPollFD *polled; /* the context's descriptors at the last query, ascending */
  gint n_polled;
  gint n_allocated;
  GArray *watches; /* of Watch, ascending; those that are registered or claimed */
  GArray *spare;   /* the same, for the next synchronisation */
  GArray *ready;   /* of GPollFD: what to report to the next check */
};

static Watch *
find_watch (MediaPumpContext *context, int fd)
{
  for (guint i = 0; i < context->watches->len; i++)
    {
      Watch *watch = &g_array_index (context->watches, Watch, i);

      if (watch->fd == fd)
        return watch;
    }
  return NULL;
}

static guint8
epoll_events_of (gushort poll_events)
{
  return (guint8)(((poll_events & G_IO_IN) != 0 ? EPOLLIN : 0)
                  | ((poll_events & G_IO_PRI) != 0 ? EPOLLPRI : 0)
                  | ((poll_events & G_IO_OUT) != 0 ? EPOLLOUT : 0));
}

static gushort
poll_events_of (guint32 epoll_events)
{
  return (gushort)(((epoll_events & EPOLLIN) != 0 ? G_IO_IN : 0)
                   | ((epoll_events & EPOLLPRI) != 0 ? G_IO_PRI : 0)
                   | ((epoll_events & EPOLLOUT) != 0 ? G_IO_OUT : 0)
                   | ((epoll_events & EPOLLERR) != 0 ? G_IO_ERR : 0)
                   | ((epoll_events & EPOLLHUP) != 0 ? G_IO_HUP : 0));
}

/* A number may name another file than when it was registered, or none: the kernel forgot the old one by
 * itself then, and errors of removing say nothing. */
static void
register_fd (const MediaPumpContext *context, Watch *watch, guint8 events)
{
  struct epoll_event event = { .events = events, .data.fd = watch->fd };

  if (watch->registered == events)
    return;
  if (events == 0)
    (void)!epoll_ctl (context->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
  else if (epoll_ctl (context->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) < 0 && errno == EEXIST)
    (void)!epoll_ctl (context->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
  watch->registered = events;
}

/* Reads descriptors and next timeout of all priorities. Returns: the timeout in ms, -1 for none. */
static gint
query (MediaPumpContext *context)
{
  gint timeout_ms = -1;

  for (;;)
    {
      context->n_polled = g_main_context_query (context->main, G_MAXINT, &timeout_ms, context->polled,
                                                context->n_allocated);
      if (context->n_polled <= context->n_allocated)
        return timeout_ms;
      context->n_allocated = context->n_polled + 64;
      context->polled = g_renew (GPollFD, context->polled, context->n_allocated);
    }
}

/* Of the sources that are polled for @fd, from *@at on in the ascending list. */
static guint8
take_wanted (const MediaPumpContext *context, int fd, gint *at)
{
  guint8 wanted = 0;

  for (; *at < context->n_polled && context->polled[*at].fd == fd; (*at)++)
    wanted |= epoll_events_of (context->polled[*at].events);
  return wanted;
}

/* Makes the kernel's set equal to the queried one, less the claimed: merges two ascending lists. */
static void
synchronize (MediaPumpContext *context)
{
  GArray *before = context->watches;
  GArray *after = context->spare;
  guint b = 0;
  gint at = 0;

  g_array_set_size (after, 0);
  while (b < before->len || at < context->n_polled)
    {
      const int old_fd = b < before->len ? g_array_index (before, Watch, b).fd : G_MAXINT;
      const int new_fd = at < context->n_polled ? context->polled[at].fd : G_MAXINT;
      Watch watch = { .fd = MIN (old_fd, new_fd) };
      guint8 wanted;

      if (old_fd <= new_fd)
        watch = g_array_index (before, Watch, b++);
      wanted = take_wanted (context, watch.fd, &at);
      register_fd (context, &watch, watch.claimed ? 0 : wanted);
      if (watch.registered != 0 || watch.claimed)
        g_array_append_val (after, watch);
    }
  context->watches = after;
  context->spare = before;
}

static void
collect_ready (MediaPumpContext *context)
{
  struct epoll_event events[MAX_READY];
  const int n = epoll_wait (context->epoll_fd, events, MAX_READY, 0);

  for (int i = 0; i < n; i++)
    {
      const GPollFD ready = { .fd = events[i].data.fd, .revents = poll_events_of (events[i].events) };

      g_array_append_val (context->ready, ready);
    }
}

/* What poll would have said. */
static void
report_ready (MediaPumpContext *context)
{
  for (gint i = 0; i < context->n_polled; i++)
    context->polled[i].revents = 0;
  for (guint r = 0; r < context->ready->len; r++)
    {
      const GPollFD *ready = &g_array_index (context->ready, GPollFD, r);
      gint low = 0;
      gint high = context->n_polled;

      while (low < high)
        {
          const gint middle = (low + high) / 2;

          if (context->polled[middle].fd < ready->fd)
            low = middle + 1;
          else
            high = middle;
        }
      for (; low < context->n_polled && context->polled[low].fd == ready->fd; low++)
        context->polled[low].revents
            = (gushort)(ready->revents & (context->polled[low].events | G_IO_ERR | G_IO_HUP));
    }
  g_array_set_size (context->ready, 0);
}

guint
media_pump_context_run (MediaPumpContext *context)
{
  guint n_dispatched = 0;
  gint timeout_ms = 0;
  gint priority;

  if (!context->acquired)
    context->acquired = g_main_context_acquire (context->main);
  g_assert (context->acquired);
  collect_ready (context);
  for (guint round = 0; round < MAX_ROUNDS; round++)
    {
      (void)g_main_context_prepare (context->main, &priority);
      timeout_ms = query (context);
      report_ready (context);
      if (!g_main_context_check (context->main, priority, context->polled, context->n_polled))
        break;
      g_main_context_dispatch (context->main);
      n_dispatched++;
      timeout_ms = 0;
    }
  synchronize (context);
  if (timeout_ms < 0)
    media_pump_stop_timer (context->pump, &context->timer);
  else
    media_pump_start_timer (context->pump, &context->timer,
                            cfg_monotonic_add_us (cfg_monotonic_now (), timeout_ms * CFG_US_PER_MS));
  return n_dispatched;
}

static void
on_readable (guint32 events, CfgMonotonic now, gpointer user)
{
  MediaPumpContext *context = user;

  (void)events;
  (void)now;
  media_pump_context_touch (context);
}

static void
on_timer (CfgMonotonic now, gpointer user)
{
  (void)now;
  media_pump_context_touch (user);
}

MediaPumpContext *
media_pump_context_new (MediaPump *pump, GError **error)
{
  MediaPumpContext *context;
  const int epoll_fd = epoll_create1 (EPOLL_CLOEXEC);

  if (epoll_fd < 0)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "epoll: %s", g_strerror (errno));
      return NULL;
    }
  context = g_new0 (MediaPumpContext, 1);
  context->pump = pump;
  context->epoll_fd = epoll_fd;
  context->main = g_main_context_new ();
  context->timer.func = on_timer;
  context->timer.user = context;
  context->watches = g_array_new (FALSE, TRUE, sizeof (Watch));
  context->spare = g_array_new (FALSE, TRUE, sizeof (Watch));
  context->ready = g_array_new (FALSE, FALSE, sizeof (GPollFD));
  context->pump_id = media_pump_add_fd (pump, epoll_fd, EPOLLIN, on_readable, context);
  if (context->pump_id == 0)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "epoll: %s", g_strerror (errno));
      media_pump_context_free (context);
      return NULL;
    }
  return context;
}

void
media_pump_context_free (MediaPumpContext *context)
{
  media_pump_stop_timer (context->pump, &context->timer);
  media_pump_remove_fd (context->pump, context->pump_id);
  if (context->acquired)
    g_main_context_release (context->main);
  g_main_context_unref (context->main);
  close (context->epoll_fd);
  g_array_unref (context->watches);
  g_array_unref (context->spare);
  g_array_unref (context->ready);
  g_free (context->polled);
  g_free (context);
}

MediaPumpContext *
media_pump_context_take (MediaPump *pump, GError **error)
{
  MediaPumpContext *context = media_pump_find_context (pump, error);

  if (context != NULL)
    context->n_agents++;
  return context;
}

void
media_pump_context_release (MediaPumpContext *context)
{
  g_assert (context->n_agents > 0);
  context->n_agents--;
}

guint
media_pump_context_n_agents (const MediaPumpContext *context)
{
  return context->n_agents;
}

GMainContext *
media_pump_context_main (MediaPumpContext *context)
{
  return context->main;
}

MediaPump *
media_pump_context_pump (MediaPumpContext *context)
{
  return context->pump;
}

void
media_pump_context_touch (MediaPumpContext *context)
{
  media_pump_mark_context (context->pump, context);
}

void
media_pump_context_opened (MediaPumpContext *context, int fd)
{
  Watch *watch = find_watch (context, fd);

  if (watch != NULL && watch->registered != 0)
    {
      const guint8 events = watch->registered;

      watch->registered = 0;
      register_fd (context, watch, events);
    }
  media_pump_context_touch (context);
}

void
media_pump_context_claim (MediaPumpContext *context, int fd)
{
  Watch *watch = find_watch (context, fd);

  if (watch == NULL)
    {
      Watch added = { .fd = fd };
      guint at = 0;

      while (at < context->watches->len && g_array_index (context->watches, Watch, at).fd < fd)
        at++;
      g_array_insert_val (context->watches, at, added);
      watch = &g_array_index (context->watches, Watch, at);
    }
  watch->claimed = TRUE;
  register_fd (context, watch, 0);
  media_pump_context_touch (context);
}

void
media_pump_context_unclaim (MediaPumpContext *context, int fd)
{
  Watch *watch = find_watch (context, fd);

  if (watch != NULL)
    watch->claimed = FALSE;
  media_pump_context_touch (context);
}

void
media_pump_context_readable (MediaPumpContext *context, int fd)
{
  const GPollFD ready = { .fd = fd, .revents = G_IO_IN };

  g_array_append_val (context->ready, ready);
  media_pump_context_touch (context);
}
