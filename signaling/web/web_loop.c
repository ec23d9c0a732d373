/* libwebsockets waits with libuv, and libuv with one epoll descriptor, which is a single source of the GLib
 * main loop: a socket on which nothing happens costs nothing. As sources of GLib's own, a thousand quiet
 * sockets made each turn of the loop, for a SIP message too, five times as long. */
#include "signaling/web/web_private.h"

/* An event, what is to be waited for after it, and the way out of its answer follow one another at once; not
 * more: SIP and media wait meanwhile. */
#define TURNS_AT_ONCE 4

/* What closing takes, at most: each handle's end is told in a later turn. */
#define TURNS_TO_CLOSE 1000

struct _SigWebLoop
{
  GSource base;
  gpointer epoll; /* the tag of its descriptor */
  uv_loop_t uv;
};

/* Until the next timer; 0 also while changes of what is waited for have not been told to epoll; -1: no end.
 */
static int
timeout_ms (SigWebLoop *loop)
{
  if (!uv_loop_alive (&loop->uv))
    return -1;
  uv_update_time (&loop->uv); /* timers are compared with when libuv last looked at the clock */
  return uv_backend_timeout (&loop->uv);
}

static gboolean
on_prepare (GSource *source, gint *timeout)
{
  *timeout = timeout_ms ((SigWebLoop *)source);
  return *timeout == 0;
}

static gboolean
on_check (GSource *source)
{
  SigWebLoop *loop = (SigWebLoop *)source;

  return g_source_query_unix_fd (source, loop->epoll) != 0 || timeout_ms (loop) == 0;
}

static gboolean
on_dispatch (GSource *source, GSourceFunc callback, gpointer user)
{
  SigWebLoop *loop = (SigWebLoop *)source;

  for (int i = 0; i < TURNS_AT_ONCE; i++)
    {
      (void)uv_run (&loop->uv, UV_RUN_NOWAIT);
      if (timeout_ms (loop) != 0)
        break;
    }
  return G_SOURCE_CONTINUE;
}

SigWebLoop *
sig_web_loop_new (GMainContext *context)
{
  static GSourceFuncs functions = { .prepare = on_prepare, .check = on_check, .dispatch = on_dispatch };
  SigWebLoop *loop = (SigWebLoop *)g_source_new (&functions, sizeof (SigWebLoop));

  g_assert (uv_loop_init (&loop->uv) == 0);
  g_source_set_name (&loop->base, "web");
  loop->epoll = g_source_add_unix_fd (&loop->base, uv_backend_fd (&loop->uv), G_IO_IN);
  /* Nobody turns the loop from inside of a callback: see cfg_mailbox_source_new. */
  g_source_set_can_recurse (&loop->base, TRUE);
  g_source_attach (&loop->base, context);
  return loop;
}

uv_loop_t *
sig_web_loop_uv (SigWebLoop *loop)
{
  return &loop->uv;
}

void
sig_web_loop_finish (SigWebLoop *loop)
{
  for (int i = 0; i < TURNS_TO_CLOSE && uv_loop_alive (&loop->uv); i++)
    (void)uv_run (&loop->uv, UV_RUN_NOWAIT);
}

void
sig_web_loop_free (SigWebLoop *loop)
{
  if (uv_loop_close (&loop->uv) != 0)
    g_warning ("libwebsockets has left something in its loop");
  g_source_destroy (&loop->base);
  g_source_unref (&loop->base);
}
