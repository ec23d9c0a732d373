#include "gateway/core/pcap.h"

#include <arpa/inet.h>
#include <string.h>

#define LINKTYPE_RAW     101
#define MAX_PACKET_BYTES 65535 /* also the snapshot length */
#define IPV4_BYTES       20
#define IPV6_BYTES       40
#define UDP_BYTES        8
#define PROTOCOL_UDP     17
#define TIME_TO_LIVE     64

/* IPv4 addresses are kept in their mapped form. */
typedef struct
{
  guint8 bytes[16];
  gboolean is_ipv4;
  guint16 port;
} End;

static void
add_u16 (GByteArray *to, guint value)
{
  const guint8 bytes[] = { (guint8)(value >> 8), (guint8)value };

  g_byte_array_append (to, bytes, sizeof bytes);
}

/* A pcap file is of the byte order of who wrote it; ours is always the little one. */
static void
add_le32 (GByteArray *to, guint32 value)
{
  const guint32 bytes = GUINT32_TO_LE (value);

  g_byte_array_append (to, (const guint8 *)&bytes, sizeof bytes);
}

GByteArray *
gw_pcap_new (void)
{
  static const guint8 version[] = { 2, 0, 4, 0 };
  GByteArray *file = g_byte_array_new ();

  add_le32 (file, 0xa1b2c3d4);
  g_byte_array_append (file, version, sizeof version);
  add_le32 (file, 0); /* of UTC */
  add_le32 (file, 0);
  add_le32 (file, MAX_PACKET_BYTES);
  add_le32 (file, LINKTYPE_RAW);
  return file;
}

static End
parse_end (const char *text)
{
  End end = { .bytes = { [10] = 0xff, [11] = 0xff }, .is_ipv4 = TRUE };
  const char *colon = strrchr (text, ':');
  g_autofree char *host = NULL;
  guint64 port;

  if (colon == NULL || !g_ascii_string_to_unsigned (colon + 1, 10, 0, G_MAXUINT16, &port, NULL))
    return end;
  host = text[0] == '[' && colon > text + 1 ? g_strndup (text + 1, (gsize)(colon - text) - 2)
                                            : g_strndup (text, (gsize)(colon - text));
  *strchrnul (host, '%') = '\0';
  if (inet_pton (AF_INET, host, end.bytes + 12) == 1)
    end.port = (guint16)port;
  else if (inet_pton (AF_INET6, host, end.bytes) == 1)
    {
      end.is_ipv4 = FALSE;
      end.port = (guint16)port;
    }
  return end;
}

/* The sum of RFC 1071, not yet folded. */
static guint32
sum (guint32 start, const guint8 *bytes, gsize size)
{
  for (gsize i = 0; i + 1 < size; i += 2)
    start += (guint32)(bytes[i] << 8 | bytes[i + 1]);
  if (size % 2 == 1)
    start += (guint32)(bytes[size - 1] << 8);
  return start;
}

static guint16
fold (guint32 total)
{
  while (total >> 16 != 0)
    total = (total & 0xffff) + (total >> 16);
  return (guint16)~total;
}

static void
add_ipv4 (GByteArray *file, const End *source, const End *destination, gsize size)
{
  guint8 header[IPV4_BYTES]
      = { 0x45,         0,           (guint8)((IPV4_BYTES + size) >> 8), (guint8)(IPV4_BYTES + size), 0, 0,
          0x40,         0, /* don't fragment */
          TIME_TO_LIVE, PROTOCOL_UDP };
  guint16 checksum;

  memcpy (header + 12, source->bytes + 12, 4);
  memcpy (header + 16, destination->bytes + 12, 4);
  checksum = fold (sum (0, header, sizeof header));
  header[10] = (guint8)(checksum >> 8);
  header[11] = (guint8)checksum;
  g_byte_array_append (file, header, sizeof header);
}

static void
add_ipv6 (GByteArray *file, const End *source, const End *destination, gsize size)
{
  const guint8 header[] = { 0x60, 0, 0, 0, (guint8)(size >> 8), (guint8)size, PROTOCOL_UDP, TIME_TO_LIVE };

  g_byte_array_append (file, header, sizeof header);
  g_byte_array_append (file, source->bytes, sizeof source->bytes);
  g_byte_array_append (file, destination->bytes, sizeof destination->bytes);
}

/* RFC 768, RFC 8200 8.1: over a header of the addresses, too. */
static guint16
udp_checksum (const End *source, const End *destination, gboolean is_ipv4, const guint8 *text, gsize size)
{
  const gsize from = is_ipv4 ? 12 : 0, udp_size = UDP_BYTES + size;
  guint32 total = sum (0, source->bytes + from, 16 - from);
  guint16 checksum;

  total = sum (total, destination->bytes + from, 16 - from);
  total += PROTOCOL_UDP + (guint32)udp_size;                              /* of the addresses' header */
  total += (guint32)source->port + destination->port + (guint32)udp_size; /* of UDP's own */
  checksum = fold (sum (total, text, size));
  return checksum != 0 ? checksum : 0xffff;
}

void
gw_pcap_add (GByteArray *file, const GwTraceMessage *message)
{
  const End local = parse_end (message->local), remote = parse_end (message->remote);
  const End *source = message->is_sent ? &local : &remote;
  const End *destination = message->is_sent ? &remote : &local;
  const gboolean is_ipv4 = local.is_ipv4 && remote.is_ipv4;
  const gsize headers = (is_ipv4 ? IPV4_BYTES : IPV6_BYTES) + UDP_BYTES;
  const gsize size = MIN (message->size, MAX_PACKET_BYTES - headers);

  add_le32 (file, (guint32)(message->time.us / CFG_US_PER_S));
  add_le32 (file, (guint32)(message->time.us % CFG_US_PER_S));
  add_le32 (file, (guint32)(headers + size));
  add_le32 (file, (guint32)(headers + message->size));
  if (is_ipv4)
    add_ipv4 (file, source, destination, UDP_BYTES + size);
  else
    add_ipv6 (file, source, destination, UDP_BYTES + size);
  add_u16 (file, source->port);
  add_u16 (file, destination->port);
  add_u16 (file, (guint)(UDP_BYTES + size));
  add_u16 (file, udp_checksum (source, destination, is_ipv4, (const guint8 *)message->text, size));
  g_byte_array_append (file, (const guint8 *)message->text, (guint)size);
}
