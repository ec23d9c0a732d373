/* Whether a WebSocket's client is there, and whether it reads. Each of the two has its reason in the close
 * frame:
 *
 *   nothing of ours waits:  a ping after ping_interval_s of quiet; "no answer to pings" after twice this
 *   something waits:        pings would wait behind it, and what a paused client sends is not read, so that
 *                           nothing is asked; "slow consumer" when its system took no byte for twice this
 *
 * libwebsockets' own check knows the first alone, takes who does not read for dead, and says nothing. Its
 * timers, too, are for a few connections: they are a list in the order of their instants, which is walked for
 * each that is set. So one timer looks at all connections, LOOKS times in an interval. */
#include "signaling/web/web_private.h"

#include "config/base/log.h"
#include "signaling/web/web_taken.h"

#define PING_SIZE 4
#define LOOKS     16

void
sig_web_alive_begin (SigWebConn *conn)
{
  conn->heard_us = conn->moved_us = g_get_monotonic_time ();
  conn->look_us = conn->heard_us + conn->web->ping_interval_us;
}

void
sig_web_alive_heard (SigWebConn *conn)
{
  conn->heard_us = g_get_monotonic_time ();
  conn->pinged = FALSE;
}

static void
check_reading (SigWebConn *conn, gint64 now)
{
  const guint64 taken = sig_web_taken (lws_get_socket_fd (conn->wsi));

  if (taken != conn->taken)
    conn->moved_us = now;
  conn->taken = taken;
  if (now - conn->moved_us >= 2 * conn->web->ping_interval_us)
    {
      sig_web_ws_cut_off (conn);
      return;
    }
  sig_web_alive_heard (conn); /* asked when it has read */
  conn->look_us = now + conn->web->ping_interval_us;
}

static void
check_answering (SigWebConn *conn, gint64 now)
{
  const gint64 ping_us = conn->web->ping_interval_us;
  guint8 frame[LWS_PRE + PING_SIZE] = { 0 }; /* not empty: Node's WebSocket leaves an empty one unanswered */

  conn->moved_us = now;
  if (now - conn->heard_us < ping_us)
    {
      conn->look_us = conn->heard_us + ping_us;
      return;
    }
  if (conn->pinged)
    {
      cfg_info ("api", NULL, "Closed a connection whose client does not answer pings",
                CFG_STR ("fromIP", conn->remote));
      sig_web_ws_say_last (conn, 1008, "no answer to pings");
      return;
    }
  conn->pinged = TRUE;
  conn->look_us = now + ping_us; /* asked late, where this process stood still */
  if (lws_write (conn->wsi, frame + LWS_PRE, PING_SIZE, LWS_WRITE_PING) < 0)
    sig_web_ws_break_off (conn);
}

static gboolean
look (gpointer user)
{
  const SigWeb *web = user;
  const gint64 now = g_get_monotonic_time ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, web->sockets);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      SigWebConn *conn = value;

      if (!conn->established || conn->close_code != 0 || now < conn->look_us)
        continue;
      if (conn->queued > 0 || lws_partial_buffered (conn->wsi))
        check_reading (conn, now);
      else
        check_answering (conn, now);
    }
  return G_SOURCE_CONTINUE;
}

void
sig_web_alive_start (SigWeb *web)
{
  web->looks = g_timeout_source_new ((guint)(web->ping_interval_us / LOOKS / 1000));
  g_source_set_callback (web->looks, look, web, NULL);
  g_source_attach (web->looks, NULL);
}

void
sig_web_alive_stop (SigWeb *web)
{
  g_source_destroy (web->looks);
  g_source_unref (web->looks);
}
