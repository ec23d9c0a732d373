/* Messages in and out of a WebSocket. Fragments are put together up to a limit; what goes out waits in a
 * queue with a limit, one message per turn of the loop and socket, so that nobody starves. */
#include "signaling/web/web_private.h"

#include <string.h>
#include <sys/socket.h>

#define CLOSE_GRACE_US (5 * LWS_US_PER_SEC)

static void
drop_queue (SigWebConn *conn)
{
  g_queue_clear_full (&conn->out, (GDestroyNotify)g_byte_array_unref);
  conn->queued = 0;
}

/* The close frame goes out when the socket takes it; a peer that takes nothing is cut off. */
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
  lws_set_timer_usecs (conn->wsi, CLOSE_GRACE_US);
  if (conn->established)
    lws_callback_on_writable (conn->wsi);
}

static int
close_now (SigWebConn *conn, guint16 code, const char *reason)
{
  if (conn->close_code == 0)
    conn->close_code = code;
  lws_close_reason (conn->wsi, (enum lws_close_status)code, (unsigned char *)reason, strlen (reason));
  return -1;
}

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
    result = close_now (conn, 1007, "not UTF-8");
  else if (!web->ended)
    {
      g_byte_array_append (message, (const guint8 *)"", 1);
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
  if (lws_frame_is_binary (conn->wsi))
    return close_now (conn, 1003, "text messages only");
  if (conn->body->len + size + lws_remaining_packet_payload (conn->wsi) > conn->web->max_message_bytes)
    return close_now (conn, 1009, "message too big");
  if (size > 0)
    g_byte_array_append (conn->body, (const guint8 *)data, (guint)size);
  if (!lws_is_final_fragment (conn->wsi))
    return 0;
  return deliver (conn);
}

static int
write_next (SigWebConn *conn)
{
  g_autoptr (GByteArray) message = g_queue_pop_head (&conn->out);
  gsize size = message->len - LWS_PRE;

  conn->queued -= size;
  if (lws_write (conn->wsi, message->data + LWS_PRE, size, LWS_WRITE_TEXT) < (int)size)
    return -1;
  conn->in_flight = lws_partial_buffered (conn->wsi) ? size : 0;
  return 0;
}

int
sig_web_ws_writable (SigWebConn *conn)
{
  conn->in_flight = 0;
  if (!g_queue_is_empty (&conn->out))
    {
      if (write_next (conn) != 0)
        return -1;
      if (!g_queue_is_empty (&conn->out) || conn->in_flight > 0 || conn->close_code != 0)
        lws_callback_on_writable (conn->wsi);
      return 0;
    }
  if (conn->close_code != 0)
    return close_now (conn, conn->close_code, conn->close_reason);
  return 0;
}

/* The server ends, now: libwebsockets would send its close frame in a later turn of the loop, so it is
 * written past it. Nothing of its own waits to be sent at this moment. */
void
sig_web_ws_goodbye (SigWebConn *conn)
{
  static const guint8 frame[] = { 0x88, 2, 1001 >> 8, 1001 & 0xff };
  SSL *ssl = lws_get_ssl (conn->wsi);

  if (!conn->established || conn->close_code != 0 || lws_partial_buffered (conn->wsi))
    return;
  conn->close_code = 1001;
  if (ssl != NULL)
    (void)SSL_write (ssl, frame, sizeof frame);
  else
    (void)!send (lws_get_socket_fd (conn->wsi), frame, sizeof frame, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static SigWebConn *
find (SigWeb *web, SigWebConnId id)
{
  return g_hash_table_lookup (web->sockets, &id);
}

void
sig_web_send (SigWeb *web, SigWebConnId id, const char *text, gsize size)
{
  SigWebConn *conn = find (web, id);
  GByteArray *message;

  if (conn == NULL || conn->close_code != 0)
    return;
  if (conn->queued + conn->in_flight + size > web->max_queue_bytes)
    {
      drop_queue (conn);
      begin_close (conn, 1008, "slow consumer");
      return;
    }
  message = g_byte_array_sized_new ((guint)(LWS_PRE + size));
  g_byte_array_set_size (message, LWS_PRE);
  g_byte_array_append (message, (const guint8 *)text, (guint)size);
  g_queue_push_tail (&conn->out, message);
  conn->queued += size;
  if (conn->established)
    lws_callback_on_writable (conn->wsi);
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
