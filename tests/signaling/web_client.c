#include "web_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib-unix.h>
#include <openssl/ssl.h>

struct _WebClient
{
  int fd;
  SSL_CTX *context;
  SSL *ssl;
  GByteArray *in;
  GSource *source;
  gboolean ended, paused;
};

static gboolean
on_deadline (gpointer data)
{
  g_assert_not_reached (); /* nothing came within 30 s */
  return G_SOURCE_REMOVE;
}

void
web_until (gboolean (*done) (gpointer user), gpointer user)
{
  guint deadline = g_timeout_add_seconds (30, on_deadline, NULL);

  while (!done (user))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (deadline);
}

/* Returns: bytes, 0 at the end, -1 when nothing is there. */
static int
read_some (WebClient *client, guint8 *bytes, int size)
{
  int n;

  if (client->ssl == NULL)
    {
      n = (int)recv (client->fd, bytes, (size_t)size, MSG_DONTWAIT);
      return n < 0 && errno != EAGAIN ? 0 : n;
    }
  n = SSL_read (client->ssl, bytes, size);
  if (n > 0)
    return n;
  return SSL_get_error (client->ssl, n) == SSL_ERROR_WANT_READ ? -1 : 0;
}

static gboolean
on_readable (gint fd, GIOCondition condition, gpointer data)
{
  WebClient *client = data;
  guint8 bytes[16384];
  int n;

  if (client->paused)
    return G_SOURCE_REMOVE;
  while ((n = read_some (client, bytes, sizeof bytes)) > 0)
    g_byte_array_append (client->in, bytes, (guint)n);
  client->ended = n == 0;
  return client->ended ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static void
watch (WebClient *client)
{
  client->source = g_unix_fd_source_new (client->fd, G_IO_IN | G_IO_HUP);
  g_source_set_callback (client->source, G_SOURCE_FUNC (on_readable), client, NULL);
  g_source_attach (client->source, NULL);
}

static gboolean
handshake_done (gpointer data)
{
  WebClient *client = data;
  int n = SSL_do_handshake (client->ssl);

  g_assert_true (n == 1 || SSL_get_error (client->ssl, n) == SSL_ERROR_WANT_READ);
  return n == 1;
}

/* Only to turn the loop when the server has answered. */
static gboolean
on_handshake (gint fd, GIOCondition condition, gpointer data)
{
  return G_SOURCE_CONTINUE;
}

WebClient *
web_client_new (guint16 port, gboolean tls)
{
  WebClient *client = g_new0 (WebClient, 1);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = g_htons (port) };

  address.sin_addr.s_addr = g_htonl (INADDR_LOOPBACK);
  client->in = g_byte_array_new ();
  client->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (client->fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  g_unix_set_fd_nonblocking (client->fd, TRUE, NULL);
  if (tls)
    {
      GSource *wake = g_unix_fd_source_new (client->fd, G_IO_IN);

      client->context = SSL_CTX_new (TLS_client_method ());
      client->ssl = SSL_new (client->context);
      SSL_set_fd (client->ssl, client->fd);
      SSL_set_connect_state (client->ssl);
      g_source_set_callback (wake, G_SOURCE_FUNC (on_handshake), NULL, NULL);
      g_source_attach (wake, NULL);
      web_until (handshake_done, client);
      g_source_destroy (wake);
      g_source_unref (wake);
    }
  watch (client);
  return client;
}

void
web_client_free (WebClient *client)
{
  if (client == NULL)
    return;
  g_source_destroy (client->source);
  g_source_unref (client->source);
  SSL_free (client->ssl);
  SSL_CTX_free (client->context);
  close (client->fd);
  g_byte_array_unref (client->in);
  g_free (client);
}

char *
web_client_peer_serial (WebClient *client)
{
  X509 *cert = SSL_get1_peer_certificate (client->ssl);
  BIGNUM *number;
  char *hex, *copy;

  g_assert_nonnull (cert);
  number = ASN1_INTEGER_to_BN (X509_get0_serialNumber (cert), NULL);
  hex = BN_bn2hex (number);
  copy = g_strdup (hex);
  OPENSSL_free (hex);
  BN_free (number);
  X509_free (cert);
  return copy;
}

void
web_client_send (WebClient *client, const void *data, gsize size)
{
  const char *bytes = data;

  while (size > 0)
    {
      gssize n = client->ssl != NULL ? SSL_write (client->ssl, bytes, (int)size)
                                     : send (client->fd, bytes, size, MSG_NOSIGNAL);

      if (n > 0)
        {
          bytes += n;
          size -= (gsize)n;
        }
      else if (errno == EPIPE || errno == ECONNRESET)
        return; /* the server has closed, which the test will see when it reads */
      else
        g_main_context_iteration (NULL, FALSE);
    }
}

void
web_client_send_text (WebClient *client, const char *text)
{
  web_client_send (client, text, strlen (text));
}

typedef struct
{
  WebClient *client;
  gsize n;
} WaitBytes;

static gboolean
has_bytes (gpointer data)
{
  const WaitBytes *wait = data;

  return wait->client->in->len >= wait->n || wait->client->ended;
}

static const char *
terminated (WebClient *client)
{
  g_byte_array_append (client->in, (const guint8 *)"", 1);
  g_byte_array_set_size (client->in, client->in->len - 1);
  return (const char *)client->in->data;
}

const char *
web_client_wait_bytes (WebClient *client, gsize n)
{
  WaitBytes wait = { client, n };

  web_until (has_bytes, &wait);
  g_assert_cmpuint (client->in->len, >=, n);
  return terminated (client);
}

gboolean
web_client_ended (WebClient *client)
{
  return client->ended;
}

static gboolean
has_ended (gpointer data)
{
  return ((WebClient *)data)->ended;
}

const char *
web_client_wait_end (WebClient *client)
{
  web_until (has_ended, client);
  return terminated (client);
}

/* The length of the first whole response in the buffer; 0 when it is not whole yet. */
static gsize
response_length (WebClient *client)
{
  const char *text = terminated (client), *end = strstr (text, "\r\n\r\n"),
             *length = strstr (text, "Content-Length: ");
  gsize whole;

  if (end == NULL)
    return 0;
  whole = (gsize)(end - text) + 4;
  if (length != NULL && length < end)
    whole += (gsize)g_ascii_strtoull (length + strlen ("Content-Length: "), NULL, 10);
  return client->in->len >= whole ? whole : 0;
}

static gboolean
has_response (gpointer data)
{
  return response_length (data) > 0 || ((WebClient *)data)->ended;
}

char *
web_client_wait_response (WebClient *client)
{
  char *text;
  gsize length;

  web_until (has_response, client);
  length = response_length (client);
  g_assert_cmpuint (length, >, 0);
  text = g_strndup ((const char *)client->in->data, length);
  g_byte_array_remove_range (client->in, 0, (guint)length);
  return text;
}

void
web_client_set_paused (WebClient *client, gboolean paused)
{
  client->paused = paused;
  if (paused)
    return;
  g_source_destroy (client->source);
  g_source_unref (client->source);
  watch (client);
}

void
web_client_take (WebClient *client, gsize n)
{
  guint8 bytes[16384];
  int got = 1;

  for (gsize taken = 0; taken < n && got > 0; taken += (gsize)MAX (got, 0))
    got = read_some (client, bytes, sizeof bytes);
  g_assert_cmpint (got, !=, 0);
}

int
web_client_upgrade (WebClient *client, const char *query, const char *headers, char **response)
{
  g_autofree char *request
      = g_strdup_printf ("GET /ws%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive, Upgrade\r\n"
                         "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                         query, headers);
  g_autofree char *text = NULL;
  int status;

  web_client_send_text (client, request);
  text = web_client_wait_response (client);
  g_assert_true (g_str_has_prefix (text, "HTTP/1.1 "));
  status = (int)g_ascii_strtoll (text + 9, NULL, 10);
  if (response != NULL)
    *response = g_steal_pointer (&text);
  return status;
}

void
web_client_frame (WebClient *client, gboolean fin, guint8 opcode, const void *data, gsize size)
{
  g_autoptr (GByteArray) frame = g_byte_array_new ();
  const guint8 mask[4] = { 0x12, 0x34, 0x56, 0x78 };
  guint8 head[10] = { (guint8)((fin ? 0x80 : 0) | opcode) };
  gsize head_size = 2;

  if (size < 126)
    head[1] = (guint8)(0x80 | size);
  else if (size <= G_MAXUINT16)
    {
      head[1] = 0x80 | 126;
      head[2] = (guint8)(size >> 8);
      head[3] = (guint8)size;
      head_size = 4;
    }
  else
    {
      head[1] = 0x80 | 127;
      for (int i = 0; i < 8; i++)
        head[2 + i] = (guint8)((guint64)size >> (56 - 8 * i));
      head_size = 10;
    }
  g_byte_array_append (frame, head, (guint)head_size);
  g_byte_array_append (frame, mask, 4);
  for (gsize i = 0; i < size; i++)
    {
      guint8 byte = ((const guint8 *)data)[i] ^ mask[i & 3];

      g_byte_array_append (frame, &byte, 1);
    }
  web_client_send (client, frame->data, frame->len);
}

/* Returns: TRUE when a whole frame is in the buffer. */
static gboolean
parse_frame (WebClient *client, gsize *head, gsize *size)
{
  const guint8 *in = client->in->data;

  if (client->in->len < 2)
    return FALSE;
  *head = 2;
  *size = in[1] & 0x7f;
  if (*size == 126)
    {
      if (client->in->len < 4)
        return FALSE;
      *head = 4;
      *size = ((gsize)in[2] << 8) | in[3];
    }
  else if (*size == 127)
    {
      if (client->in->len < 10)
        return FALSE;
      *head = 10;
      *size = 0;
      for (int i = 0; i < 8; i++)
        *size = (*size << 8) | in[2 + i];
    }
  return client->in->len >= *head + *size;
}

static gboolean
has_frame (gpointer data)
{
  gsize head, size;

  return parse_frame (data, &head, &size) || ((WebClient *)data)->ended;
}

char *
web_client_wait_frame (WebClient *client, guint8 *opcode, gsize *size)
{
  gsize head, n;
  char *payload;

  web_until (has_frame, client);
  if (!parse_frame (client, &head, &n))
    return NULL;
  *opcode = client->in->data[0] & 0x0f;
  payload = g_malloc0 (n + 1);
  memcpy (payload, client->in->data + head, n);
  if (size != NULL)
    *size = n;
  g_byte_array_remove_range (client->in, 0, (guint)(head + n));
  return payload;
}

int
web_client_wait_close (WebClient *client)
{
  for (;;)
    {
      guint8 opcode;
      gsize size;
      g_autofree char *payload = web_client_wait_frame (client, &opcode, &size);

      if (payload == NULL)
        return 0;
      if (opcode == 8)
        return size >= 2 ? ((guint8)payload[0] << 8) | (guint8)payload[1] : 1005;
    }
}
