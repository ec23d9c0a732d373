#include "tests/signaling/dns_server.h"

#include <glib-unix.h>

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  char *name;
  guint16 type;
  GByteArray *data;
} Record;

struct _DnsServer
{
  int fd;
  guint source;
  char *conf;
  GPtrArray *records;
  GString *asked;
  char *last;
};

static void
put_16 (GByteArray *out, guint16 value)
{
  guint16 wire = g_htons (value);

  g_byte_array_append (out, (const guint8 *)&wire, 2);
}

static void
put_text (GByteArray *out, const char *text, gsize length)
{
  guint8 size = (guint8)length;

  g_byte_array_append (out, &size, 1);
  g_byte_array_append (out, (const guint8 *)text, (guint)length);
}

static void
put_name (GByteArray *out, const char *name)
{
  g_auto (GStrv) labels = g_strsplit (name, ".", -1);

  for (guint i = 0; labels[i] != NULL; i++)
    if (labels[i][0] != '\0')
      put_text (out, labels[i], strlen (labels[i]));
  put_text (out, "", 0);
}

static void
record_free (gpointer data)
{
  Record *record = data;

  g_free (record->name);
  g_byte_array_unref (record->data);
  g_free (record);
}

static GByteArray *
add (DnsServer *server, const char *name, guint16 type)
{
  Record *record = g_new0 (Record, 1);

  record->name = g_strdup (name);
  record->type = type;
  record->data = g_byte_array_new ();
  g_ptr_array_add (server->records, record);
  return record->data;
}

/* Reads the question's name, which is never compressed. Returns: the bytes used, 0: this is no question (a
 * packet for who had this port before) */
static gsize
read_question (const guint8 *data, gsize size, GString *name)
{
  gsize at = 12;

  while (at < size && data[at] != 0)
    {
      if (at + 1u + data[at] >= size)
        return 0;
      if (name->len > 0)
        g_string_append_c (name, '.');
      g_string_append_len (name, (const char *)data + at + 1, data[at]);
      at += 1u + data[at];
    }
  return at + 5 <= size ? at + 1 : 0;
}

static gboolean
on_question (gint fd, GIOCondition condition, gpointer user)
{
  DnsServer *server = user;
  guint8 data[1500];
  struct sockaddr_storage from;
  socklen_t length = sizeof from;
  gssize size = recvfrom (fd, data, sizeof data, 0, (struct sockaddr *)&from, &length);
  g_autoptr (GString) name = g_string_new (NULL);
  g_autoptr (GByteArray) out = g_byte_array_new ();
  guint16 found = 0;

  if (size < 17)
    return G_SOURCE_CONTINUE;
  gsize at = read_question (data, (gsize)size, name);
  if (at == 0)
    return G_SOURCE_CONTINUE;
  guint16 type = (guint16)(data[at] << 8 | data[at + 1]);
  g_string_append_printf (server->asked, "%u %s ", type, name->str);
  g_byte_array_append (out, data, (guint)at + 4);
  for (guint i = 0; i < server->records->len; i++)
    {
      const Record *record = g_ptr_array_index (server->records, i);

      if (record->type != type || g_ascii_strcasecmp (record->name, name->str) != 0)
        continue;
      found++;
      put_name (out, record->name);
      put_16 (out, type);
      put_16 (out, 1);
      put_16 (out, 0);
      put_16 (out, 60);
      put_16 (out, (guint16)record->data->len);
      g_byte_array_append (out, record->data->data, record->data->len);
    }
  out->data[2] = 0x85;                    /* answer, authoritative, recursion was wanted */
  out->data[3] = found > 0 ? 0x80 : 0x83; /* no such name */
  memset (out->data + 4, 0, 8);
  out->data[5] = 1;
  out->data[7] = (guint8)found;
  g_assert_cmpint (sendto (fd, out->data, out->len, 0, (struct sockaddr *)&from, length), ==, out->len);
  return G_SOURCE_CONTINUE;
}

DnsServer *
dns_server_new (void)
{
  DnsServer *server = g_new0 (DnsServer, 1);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  int fd;

  server->fd = socket (AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  g_assert_cmpint (bind (server->fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  g_assert_cmpint (getsockname (server->fd, (struct sockaddr *)&address, &length), ==, 0);
  server->source = g_unix_fd_add (server->fd, G_IO_IN, on_question, server);
  server->records = g_ptr_array_new_with_free_func (record_free);
  server->asked = g_string_new (NULL);
  fd = g_file_open_tmp ("resolv-XXXXXX.conf", &server->conf, NULL);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
  g_autofree char *text = g_strdup_printf ("nameserver 127.0.0.1\nport %u\n", ntohs (address.sin_port));
  g_assert_true (g_file_set_contents (server->conf, text, -1, NULL));
  return server;
}

void
dns_server_free (DnsServer *server)
{
  g_source_remove (server->source);
  close (server->fd);
  unlink (server->conf);
  g_free (server->conf);
  g_free (server->last);
  g_ptr_array_unref (server->records);
  g_string_free (server->asked, TRUE);
  g_free (server);
}

const char *
dns_server_conf (const DnsServer *server)
{
  return server->conf;
}

const char *
dns_server_asked (DnsServer *server)
{
  g_free (server->last);
  server->last = g_strchomp (g_strdup (server->asked->str));
  g_string_truncate (server->asked, 0);
  return server->last;
}

static void
add_address (DnsServer *server, const char *name, int family, const char *address)
{
  guint8 bytes[16];

  g_assert_cmpint (inet_pton (family, address, bytes), ==, 1);
  g_byte_array_append (add (server, name, family == AF_INET ? 1 : 28), bytes, family == AF_INET ? 4 : 16);
}

void
dns_server_add_a (DnsServer *server, const char *name, const char *address)
{
  add_address (server, name, AF_INET, address);
}

void
dns_server_add_aaaa (DnsServer *server, const char *name, const char *address)
{
  add_address (server, name, AF_INET6, address);
}

void
dns_server_add_srv (DnsServer *server, const char *name, guint16 priority, guint16 weight, guint16 port,
                    const char *target)
{
  GByteArray *data = add (server, name, 33);

  put_16 (data, priority);
  put_16 (data, weight);
  put_16 (data, port);
  put_name (data, target);
}

void
dns_server_add_naptr (DnsServer *server, const char *name, guint16 order, guint16 preference,
                      const char *service, const char *replacement)
{
  GByteArray *data = add (server, name, 35);

  put_16 (data, order);
  put_16 (data, preference);
  put_text (data, "s", 1);
  put_text (data, service, strlen (service));
  put_text (data, "", 0);
  put_name (data, replacement);
}
