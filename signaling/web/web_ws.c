/* Messages in and out of a WebSocket. Fragments are put together up to a limit. What goes out is written at
 * once where the socket takes it, else it waits in a queue with a limit; messages in it may be shared with
 * other sockets. Who does not read what he asked for is not asked for more: his requests stay in his own
 * socket until the answers before them have left.
 *
 * The close frame is our own: libwebsockets 4.1 closes twice what a callback refuses when it waits with
 * libuv, and the second time without a word. */
#include "signaling/web/web_private.h"

#include <string.h>
#include <sys/socket.h>

#include "config/base/log.h"

/* libwebsockets knows it, but keeps the name to itself. */
#define WRITE_CLOSE ((enum lws_write_protocol)4)

#define CLOSE_GRACE_US (5 * LWS_US_PER_SEC)

/* Of a queue that leaves at once, before the others have their turn. */
#define BYTES_PER_TURN 65536

/* Requests are not read while so much waits for the client, until it has taken most of it. */
#define PAUSE_BYTES  65536
#define RESUME_BYTES 16384

struct _SigWebMessage
{
  gsize size;
  guint8 bytes[]; /* LWS_PRE for the frame's head, which depends on the size alone, then the text */
};

SigWebMessage *
sig_web_message_new (const char *text, gsize size)
{
  SigWebMessage *message = g_rc_box_alloc (sizeof *message + LWS_PRE + size);

  message->size = size;
  memcpy (message->bytes + LWS_PRE, text, size);
  return message;
}

void
sig_web_message_unref (SigWebMessage *message)
{
  g_rc_box_release (message);
}

static void
count_queued (SigWebConn *conn, gssize bytes)
{
  conn->queued = (gsize)((gssize)conn->queued + bytes);
  conn->web->stats.queued_bytes = (gsize)((gssize)conn->web->stats.queued_bytes + bytes);
}

void
sig_web_ws_drop_queue (SigWebConn *conn)
{
  g_queue_clear_full (&conn->out, (GDestroyNotify)sig_web_message_unref);
  count_queued (conn, -(gssize)conn->queued);
}

/* ---- the end ---- */

/* A frame whose rest libwebsockets holds must not be cut by another one. */
static gboolean
may_write (const SigWebConn *conn)
{
  return conn->established && !lws_partial_buffered (conn->wsi);
}

/* The peer's own close frame, or the grace, ends the connection. Returns: FALSE when it is broken. */
static gboolean
send_close (SigWebConn *conn)
{
  guint8 frame[LWS_PRE + 2 + sizeof conn->close_reason];
  gsize size = strlen (conn->close_reason);

  conn->close_sent = TRUE;
  memset (frame, 0, LWS_PRE);
  frame[LWS_PRE] = (guint8)(conn->close_code >> 8);
  frame[LWS_PRE + 1] = (guint8)conn->close_code;
  memcpy (frame + LWS_PRE + 2, conn->close_reason, size);
  return lws_write (conn->wsi, frame + LWS_PRE, size + 2, WRITE_CLOSE) >= 0;
}

/* libwebsockets sees a new timer only when something happens. */
static void
see_timers (const SigWebConn *conn)
{
  lws_cancel_service (conn->web->context);
}

/* The close frame goes out behind the queue, when the socket takes it; a peer that takes nothing is cut off.
 */
static void
begin_close (SigWebConn *conn, guint16 code, const char *reason)
{
  const char *end;

  if (conn->close_code != 0)
    return;
  conn->close_code = code;
  g_strlcpy (conn->close_reason, reason != NULL ? reason : "", sizeof conn->close_reason);
  if (!g_utf8_validate (conn->close_reason, -1, &end))
    conn->close_reason[end - conn->close_reason] = '\0'; /* cut inside of a character */
  if (conn->paused)
    (void)lws_rx_flow_control (conn->wsi, 1); /* or its own close would not be seen */
  lws_set_timer_usecs (conn->wsi, CLOSE_GRACE_US);
  see_timers (conn);
  if (conn->established)
    lws_callback_on_writable (conn->wsi);
}

void
sig_web_ws_break_off (SigWebConn *conn)
{
  if (conn->close_code == 0)
    conn->close_code = 1006; /* nothing can be said any more */
  conn->close_sent = TRUE;
  lws_set_timeout (conn->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
  see_timers (conn);
}

void
sig_web_ws_say_last (SigWebConn *conn, guint16 code, const char *reason)
{
  begin_close (conn, code, reason);
  if (may_write (conn))
    (void)send_close (conn);
  sig_web_ws_break_off (conn);
}

/* What the peer sent is wrong: nothing that waits is still of use. */
static int
refuse (SigWebConn *conn, guint16 code, const char *reason)
{
  sig_web_ws_drop_queue (conn);
  begin_close (conn, code, reason);
  return 0;
}

int
sig_web_ws_peer_closes (SigWebConn *conn)
{
  if (conn->close_sent)
    return -1;
  conn->close_code = 1005;
  conn->close_sent = TRUE; /* by libwebsockets, which answers when it can write; nothing may follow */
  lws_set_timer_usecs (conn->wsi, CLOSE_GRACE_US);
  sig_web_ws_drop_queue (conn);
  return 0;
}

/* The server ends, now: libwebsockets would send its close frame in a later turn of the loop, so it is
 * written past it. Nothing of its own waits to be sent at this moment. */
void
sig_web_ws_goodbye (SigWebConn *conn)
{
  static const guint8 frame[] = { 0x88, 2, 1001 >> 8, 1001 & 0xff };
  SSL *ssl = lws_get_ssl (conn->wsi);

  if (!may_write (conn) || conn->close_code != 0)
    return;
  conn->close_code = 1001;
  if (ssl != NULL)
    (void)SSL_write (ssl, frame, sizeof frame);
  else
    (void)!send (lws_get_socket_fd (conn->wsi), frame, sizeof frame, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- in ---- */

/* UTF-8 (RFC 3629) in which a NUL is a character like any other. */
static gboolean
is_utf8 (const char *text, gsize size)
{
  while (size > 0)
    {
      gsize n = strnlen (text, size);

      if (!g_utf8_validate (text, (gssize)n, NULL))
        return FALSE;
      n = MIN (n + 1, size);
      text += n;
      size -= n;
    }
  return TRUE;
}

static int
deliver (SigWebConn *conn)
{
  SigWeb *web = conn->web;
  GByteArray *message = g_steal_pointer (&conn->body);
  int result = 0;

  conn->body = g_byte_array_new ();
  if (!is_utf8 ((const char *)message->data, message->len))
    result = refuse (conn, 1007, "not UTF-8");
  else if (!web->ended)
    {
      g_byte_array_append (message, (const guint8 *)"", 1);
      web->stats.n_messages_in++;
      web->ops->ws_message (web->owner, conn->id, (const char *)message->data, message->len - 1);
    }
  g_byte_array_unref (message);
  return result;
}

int
sig_web_ws_receive (SigWebConn *conn, const char *data, gsize size)
{
  if (conn->close_code != 0)
    return 0;
  sig_web_alive_heard (conn);
  if (lws_frame_is_binary (conn->wsi))
    return refuse (conn, 1003, "text messages only");
  if (conn->body->len + size + lws_remaining_packet_payload (conn->wsi) > conn->web->max_message_bytes)
    return refuse (conn, 1009, "message too big");
  if (size > 0)
    g_byte_array_append (conn->body, (const guint8 *)data, (guint)size);
  if (!lws_is_final_fragment (conn->wsi))
    return 0;
  return deliver (conn);
}

/* ---- out ---- */

/* Returns: FALSE when the connection is broken. */
static gboolean
write_message (SigWebConn *conn, SigWebMessage *message)
{
  if (lws_write (conn->wsi, message->bytes + LWS_PRE, message->size, LWS_WRITE_TEXT) < (int)message->size)
    return FALSE;
  conn->in_flight = lws_partial_buffered (conn->wsi) ? message->size : 0;
  return TRUE;
}

static void
pause_or_resume (SigWebConn *conn)
{
  const gsize waiting = conn->queued + conn->in_flight;

  if (conn->close_code != 0)
    return;
  if (!conn->paused && waiting > PAUSE_BYTES)
    {
      conn->paused = TRUE;
      conn->web->stats.n_paused_total++;
      (void)lws_rx_flow_control (conn->wsi, 0);
    }
  else if (conn->paused && waiting < RESUME_BYTES)
    {
      conn->paused = FALSE;
      (void)lws_rx_flow_control (conn->wsi, 1);
    }
}

int
sig_web_ws_writable (SigWebConn *conn)
{
  gsize sent = 0;

  conn->in_flight = 0;
  while (!g_queue_is_empty (&conn->out) && conn->in_flight == 0 && sent < BYTES_PER_TURN)
    {
      SigWebMessage *message = g_queue_pop_head (&conn->out);
      gboolean written;

      count_queued (conn, -(gssize)message->size);
      sent += message->size;
      written = write_message (conn, message);
      sig_web_message_unref (message);
      if (!written)
        return -1;
    }
  pause_or_resume (conn);
  if (!g_queue_is_empty (&conn->out) || conn->in_flight > 0)
    lws_callback_on_writable (conn->wsi);
  else if (conn->close_code != 0 && !conn->close_sent)
    return send_close (conn) ? 0 : -1;
  return 0;
}

void
sig_web_ws_cut_off (SigWebConn *conn)
{
  char reason[64];

  g_snprintf (reason, sizeof reason, "slow consumer: %" G_GSIZE_FORMAT " bytes are not read",
              conn->queued + conn->in_flight);
  cfg_info ("api", NULL, "Closed a connection whose client does not read", CFG_STR ("fromIP", conn->remote),
            CFG_INT ("bytes", conn->queued + conn->in_flight));
  conn->web->stats.n_slow_total++;
  sig_web_ws_drop_queue (conn);
  begin_close (conn, 1008, reason);
}

static SigWebConn *
find (SigWeb *web, SigWebConnId id)
{
  return g_hash_table_lookup (web->sockets, &id);
}

/* Most messages find an empty queue and a socket that takes them. */
static gboolean
write_past_queue (SigWebConn *conn, SigWebMessage *message)
{
  if (!g_queue_is_empty (&conn->out) || conn->in_flight > 0 || !may_write (conn))
    return FALSE;
  if (!write_message (conn, message))
    sig_web_ws_break_off (conn);
  return TRUE;
}

void
sig_web_post (SigWeb *web, SigWebConnId id, SigWebMessage *message)
{
  SigWebConn *conn = find (web, id);

  if (conn == NULL || conn->close_code != 0)
    return;
  web->stats.n_messages_out++;
  if (write_past_queue (conn, message))
    return;
  if (conn->queued + conn->in_flight + message->size > web->max_queue_bytes)
    {
      sig_web_ws_cut_off (conn);
      return;
    }
  g_queue_push_tail (&conn->out, g_rc_box_acquire (message));
  count_queued (conn, (gssize)message->size);
  pause_or_resume (conn);
  if (conn->established)
    lws_callback_on_writable (conn->wsi);
}

void
sig_web_send (SigWeb *web, SigWebConnId id, const char *text, gsize size)
{
  SigWebMessage *message = sig_web_message_new (text, size);

  sig_web_post (web, id, message);
  sig_web_message_unref (message);
}

void
sig_web_close (SigWeb *web, SigWebConnId id, guint16 code, const char *reason)
{
  SigWebConn *conn = find (web, id);

  if (conn != NULL)
    begin_close (conn, code, reason);
}

gsize
sig_web_queued (SigWeb *web, SigWebConnId id)
{
  const SigWebConn *conn = find (web, id);

  return conn != NULL ? conn->queued + conn->in_flight : 0;
}
