#include "tools/load/websocket.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/base/error.h"
#include "config/base/ids.h"
#include "media/io/address.h"

#define MESSAGE_MAX (4 * 1024 * 1024)

enum
{
  OP_CONTINUATION = 0,
  OP_TEXT = 1,
  OP_CLOSE = 8,
  OP_PING = 9,
  OP_PONG = 10,
};

struct _LoadSocket
{
  MediaPump *pump;
  const LoadSocketOps *ops;
  gpointer user;
  int fd;
  guint64 id;
  guint32 events;
  gboolean open;
  GByteArray *in, *out, *message;
};

static void on_event (guint32 events, CfgMonotonic now, gpointer user);

static void
watch (LoadSocket *socket, guint32 events)
{
  if (socket->events == events)
    return;
  media_pump_remove_fd (socket->pump, socket->id);
  socket->events = events;
  socket->id = media_pump_add_fd (socket->pump, socket->fd, events, on_event, socket);
}

static void
flush (LoadSocket *socket)
{
  while (socket->out->len > 0)
    {
      const gssize n = send (socket->fd, socket->out->data, socket->out->len, MSG_NOSIGNAL);

      if (n <= 0)
        break;
      g_byte_array_remove_range (socket->out, 0, (guint)n);
    }
  watch (socket, socket->out->len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* RFC 6455 5.3: a client masks what it sends. */
static void
put_frame (LoadSocket *socket, guint8 opcode, const guint8 *data, gsize length)
{
  guint8 head[14] = { (guint8)(0x80 | opcode) };
  gsize size = 2;
  guint8 mask[4];
  guint start;

  if (length < 126)
    head[1] = (guint8)length;
  else if (length < 65536)
    {
      head[1] = 126;
      head[size++] = (guint8)(length >> 8);
      head[size++] = (guint8)length;
    }
  else
    {
      head[1] = 127;
      for (guint i = 0; i < 8; i++)
        head[size++] = (guint8)((guint64)length >> (56 - 8 * i));
    }
  head[1] |= 0x80;
  cfg_random_bytes (mask, sizeof mask);
  memcpy (head + size, mask, sizeof mask);
  g_byte_array_append (socket->out, head, (guint)(size + sizeof mask));
  start = socket->out->len;
  g_byte_array_append (socket->out, data, (guint)length);
  for (gsize i = 0; i < length; i++)
    socket->out->data[start + i] ^= mask[i % 4];
  flush (socket);
}

void
load_socket_send (LoadSocket *socket, const char *text)
{
  if (socket->open)
    put_frame (socket, OP_TEXT, (const guint8 *)text, strlen (text));
}

static void
end (LoadSocket *socket, const char *why)
{
  const LoadSocketOps *ops = socket->ops;

  media_pump_remove_fd (socket->pump, socket->id);
  socket->id = 0;
  socket->events = 0;
  socket->open = FALSE;
  ops->closed (why, socket->user);
}

/* One whole frame from the start of what came in. Returns: its size; 0 when it is not all there. */
static gsize
parse_frame (const GByteArray *in, guint8 *opcode, gboolean *final, gsize *offset, gsize *length)
{
  guint64 size;

  if (in->len < 2)
    return 0;
  *final = (in->data[0] & 0x80) != 0;
  *opcode = in->data[0] & 0x0f;
  size = in->data[1] & 0x7f;
  *offset = size == 126 ? 4 : size == 127 ? 10 : 2;
  if (in->len < *offset)
    return 0;
  if (size >= 126)
    {
      size = 0;
      for (gsize i = 2; i < *offset; i++)
        size = size << 8 | in->data[i];
    }
  *length = (gsize)MIN (size, (guint64)MESSAGE_MAX + 1);
  return in->len >= *offset + *length ? *offset + *length : 0;
}

/* Returns: FALSE when the socket has ended. */
static gboolean
take_frame (LoadSocket *socket, guint8 opcode, gboolean final, const guint8 *data, gsize length)
{
  if (opcode == OP_PING)
    put_frame (socket, OP_PONG, data, length);
  if (opcode == OP_CLOSE)
    {
      end (socket, "closed by the gateway");
      return FALSE;
    }
  if (opcode != OP_TEXT && opcode != OP_CONTINUATION)
    return TRUE;
  g_byte_array_append (socket->message, data, (guint)length);
  if (!final)
    return TRUE;
  g_byte_array_append (socket->message, (const guint8 *)"", 1);
  socket->ops->text ((const char *)socket->message->data, socket->user);
  g_byte_array_set_size (socket->message, 0);
  return TRUE;
}

static gboolean
take_upgrade (LoadSocket *socket)
{
  const char *head = (const char *)socket->in->data;
  const char *finish = g_strstr_len (head, (gssize)socket->in->len, "\r\n\r\n");

  if (finish == NULL)
    return socket->in->len < 65536;
  if (!g_str_has_prefix (head, "HTTP/1.1 101"))
    {
      g_autofree char *why = g_strdup_printf ("refused: %.40s", head);

      g_strdelimit (why, "\r\n", '\0');
      end (socket, why);
      return FALSE;
    }
  g_byte_array_remove_range (socket->in, 0, (guint)(finish + 4 - head));
  socket->open = TRUE;
  socket->ops->open (socket->user);
  return TRUE;
}

static void
take_input (LoadSocket *socket)
{
  guint8 opcode;
  gboolean final;
  gsize offset, length, size;

  if (!socket->open && !take_upgrade (socket))
    return;
  while (socket->open && (size = parse_frame (socket->in, &opcode, &final, &offset, &length)) > 0)
    {
      g_autofree guint8 *data = g_memdup2 (socket->in->data + offset, length);

      g_byte_array_remove_range (socket->in, 0, (guint)size);
      if (!take_frame (socket, opcode, final, data, length))
        return;
    }
}

static void
on_event (guint32 events, CfgMonotonic now, gpointer user)
{
  LoadSocket *socket = user;
  guint8 bytes[16384];
  gssize n;

  (void)now;
  if ((events & EPOLLOUT) != 0)
    flush (socket);
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0)
    return;
  n = recv (socket->fd, bytes, sizeof bytes, 0);
  if (n == 0 || (n < 0 && errno != EAGAIN))
    {
      end (socket, n == 0 ? "closed by the gateway" : g_strerror (errno));
      return;
    }
  if (n < 0)
    return;
  g_byte_array_append (socket->in, bytes, (guint)n);
  if (socket->in->len > MESSAGE_MAX)
    end (socket, "a message that is too long");
  else
    take_input (socket);
}

static void
put_request (LoadSocket *socket, const char *host, const char *target, const char *protocol)
{
  guint8 nonce[16];
  g_autofree char *key = NULL;
  g_autofree char *request = NULL;
  g_autofree char *subprotocol
      = protocol != NULL ? g_strdup_printf ("Sec-WebSocket-Protocol: %s\r\n", protocol) : g_strdup ("");

  cfg_random_bytes (nonce, sizeof nonce);
  key = g_base64_encode (nonce, sizeof nonce);
  request = g_strdup_printf ("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s\r\n",
                             target, host, key, subprotocol);
  g_byte_array_append (socket->out, (const guint8 *)request, (guint)strlen (request));
}

static int
begin_connect (const MediaAddress *address, GError **error)
{
  const int fd = socket (address->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  if (fd >= 0 && (connect (fd, &address->sa, media_address_length (address)) == 0 || errno == EINPROGRESS))
    return fd;
  g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "cannot connect: %s", g_strerror (errno));
  if (fd >= 0)
    (void)close (fd);
  return -1;
}

LoadSocket *
load_socket_new (MediaPump *pump, const char *url, const char *query, const char *protocol,
                 const LoadSocketOps *ops, gpointer user, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, error);
  MediaAddress address;
  g_autofree char *target = NULL;
  LoadSocket *socket;
  int fd;

  if (uri == NULL)
    return NULL;
  if (g_strcmp0 (g_uri_get_scheme (uri), "ws") != 0 || g_uri_get_host (uri) == NULL
      || !media_address_parse (&address, g_uri_get_host (uri), (guint16)MAX (g_uri_get_port (uri), 80)))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                   "must be ws://ADDRESS:PORT/PATH with a numeric address, not \"%s\"", url);
      return NULL;
    }
  fd = begin_connect (&address, error);
  if (fd < 0)
    return NULL;
  target = g_strdup_printf ("%s%s%s", g_uri_get_path (uri)[0] != '\0' ? g_uri_get_path (uri) : "/",
                            query != NULL ? "?" : "", query != NULL ? query : "");
  socket = g_new0 (LoadSocket, 1);
  socket->pump = pump;
  socket->ops = ops;
  socket->user = user;
  socket->fd = fd;
  socket->in = g_byte_array_new ();
  socket->out = g_byte_array_new ();
  socket->message = g_byte_array_new ();
  put_request (socket, g_uri_get_host (uri), target, protocol);
  watch (socket, EPOLLIN | EPOLLOUT);
  return socket;
}

void
load_socket_free (LoadSocket *socket)
{
  if (socket == NULL)
    return;
  media_pump_remove_fd (socket->pump, socket->id);
  (void)close (socket->fd);
  g_byte_array_unref (socket->in);
  g_byte_array_unref (socket->out);
  g_byte_array_unref (socket->message);
  g_free (socket);
}
