/* Whether a WebSocket's client is there, and whether it reads. Each of the two has its reason in the close
 * frame:
 *
 *   nothing of ours waits:  a ping after ping_interval_s of quiet; "no answer to pings" after twice this
 *   something waits:        pings would wait behind it, and what a paused client sends is not read, so that
 *                           nothing is asked; "slow consumer" when its system took no byte for twice this
 *
 * libwebsockets' own check knows the first alone, takes who does not read for dead, and says nothing. */
#include "signaling/web/web_private.h"

#include "config/base/log.h"
#include "signaling/web/web_taken.h"

#define PING_SIZE 4

static void
arm (SigWebConn *conn, gint64 us)
{
  lws_set_timer_usecs (conn->wsi, MAX (us, LWS_US_PER_SEC / 100));
}

void
sig_web_alive_begin (SigWebConn *conn)
{
  conn->heard_us = conn->moved_us = g_get_monotonic_time ();
  arm (conn, conn->web->ping_interval_us);
}

void
sig_web_alive_heard (SigWebConn *conn)
{
  conn->heard_us = g_get_monotonic_time ();
  conn->pinged = FALSE;
}

static int
check_reading (SigWebConn *conn, gint64 now)
{
  const guint64 taken = sig_web_taken (lws_get_socket_fd (conn->wsi));

  if (taken != conn->taken)
    conn->moved_us = now;
  conn->taken = taken;
  if (now - conn->moved_us >= 2 * conn->web->ping_interval_us)
    {
      sig_web_ws_cut_off (conn);
      return 0;
    }
  sig_web_alive_heard (conn); /* asked when it has read */
  arm (conn, conn->web->ping_interval_us);
  return 0;
}

static int
check_answering (SigWebConn *conn, gint64 now)
{
  const gint64 quiet = now - conn->heard_us, ping = conn->web->ping_interval_us;

  conn->moved_us = now;
  if (quiet >= 2 * ping)
    {
      cfg_info ("api", NULL, "Closed a connection whose client does not answer pings",
                CFG_STR ("fromIP", conn->remote));
      return sig_web_ws_say_last (conn, 1008, "no answer to pings");
    }
  if (quiet >= ping && !conn->pinged)
    {
      /* Not empty: Node's WebSocket leaves an empty ping without an answer. */
      guint8 frame[LWS_PRE + PING_SIZE] = { 0 };

      conn->pinged = TRUE;
      if (lws_write (conn->wsi, frame + LWS_PRE, PING_SIZE, LWS_WRITE_PING) < 0)
        return -1;
    }
  arm (conn, (conn->pinged ? 2 * ping : ping) - quiet);
  return 0;
}

int
sig_web_alive_check (SigWebConn *conn)
{
  const gint64 now = g_get_monotonic_time ();

  if (conn->close_code != 0)
    return -1; /* the grace is over */
  if (!conn->established)
    return 0; /* of the request before */
  if (conn->queued > 0 || lws_partial_buffered (conn->wsi))
    return check_reading (conn, now);
  return check_answering (conn, now);
}
