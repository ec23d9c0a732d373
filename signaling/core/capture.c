#include "signaling/core/capture.h"

#include <arpa/inet.h>
#include <string.h>

/* ---- masking ---- */

typedef struct
{
  char *at, *end;
} Span;

static gboolean
starts_with (Span span, const char *prefix)
{
  gsize length = strlen (prefix);

  return (gsize)(span.end - span.at) >= length && g_ascii_strncasecmp (span.at, prefix, length) == 0;
}

static char *
find (Span span, const char *needle)
{
  for (; span.at < span.end; span.at++)
    if (starts_with (span, needle))
      return span.at;
  return NULL;
}

static Span
take_line (Span *rest)
{
  Span line = { rest->at, memchr (rest->at, '\n', (gsize)(rest->end - rest->at)) };

  line.end = line.end != NULL ? line.end + 1 : rest->end;
  rest->at = line.end;
  return line;
}

static void
cover (char *from, char *to)
{
  for (; from < to; from++)
    if (!g_ascii_isspace (*from))
      *from = 'x';
}

/* Up to the end of a quoted text or of a token. */
static void
cover_value (char *from, char *end)
{
  char *to = from;

  if (from < end && *from == '"')
    for (to = ++from; to < end && *to != '"';)
      to++;
  else
    while (to < end && *to != ',' && *to != ';' && !g_ascii_isspace (*to))
      to++;
  cover (from, to);
}

static void
mask_credentials (Span header)
{
  Span rest = header;
  char *name;

  while ((name = find (rest, "response")) != NULL)
    {
      char *value = name + strlen ("response");

      while (value < header.end && (g_ascii_isspace (*value) || *value == '='))
        value++;
      cover_value (value, header.end);
      rest.at = value;
    }
}

/* sip:user:password@host */
static void
mask_passwords (Span line)
{
  char *scheme;

  while ((scheme = find (line, "sip")) != NULL)
    {
      char *user = scheme + 3, *colon = NULL, *at;

      line.at = user;
      if (user < line.end && (*user == 's' || *user == 'S'))
        user++;
      if (user >= line.end || *user != ':')
        continue;
      for (at = ++user; at < line.end && strchr ("@<>\"; \t\r\n", *at) == NULL; at++)
        if (*at == ':' && colon == NULL)
          colon = at;
      if (at < line.end && *at == '@' && colon != NULL)
        cover (colon + 1, at);
    }
}

/* What a provider calls a registration of ours by: whoever knows it calls in as the provider. */
static void
mask_lines (Span header)
{
  char *name;

  while ((name = find (header, ";line=")) != NULL)
    {
      char *value = name + strlen (";line="), *to = value;

      while (to < header.end && strchr (";>?, \t\r\n", *to) == NULL)
        to++;
      cover (value, to);
      header.at = to;
    }
}

static gboolean
is_credentials (Span header)
{
  return starts_with (header, "authorization") || starts_with (header, "proxy-authorization");
}

static gboolean
is_dtmf_type (Span header)
{
  if (!starts_with (header, "content-type") && !starts_with (header, "c:") && !starts_with (header, "c "))
    return FALSE;
  return find (header, "dtmf") != NULL || find (header, "digit") != NULL || find (header, "signal") != NULL
         || find (header, "kpml") != NULL;
}

/* "Signal=5" or a bare "5": what comes after the last '=' of a line. */
static void
mask_digits (Span body)
{
  while (body.at < body.end)
    {
      Span line = take_line (&body);
      char *equals = memrchr (line.at, '=', (gsize)(line.end - line.at));

      cover (equals != NULL ? equals + 1 : line.at, line.end);
    }
}

static void
mask_keys (Span body)
{
  while (body.at < body.end)
    {
      Span line = take_line (&body);
      char *key;

      if (!starts_with (line, "a=crypto"))
        continue;
      while ((key = find (line, "inline:")) != NULL)
        {
          char *to = key += strlen ("inline:");

          while (to < line.end && *to != '|' && *to != ';' && !g_ascii_isspace (*to))
            to++;
          cover (key, to);
          line.at = to;
        }
    }
}

void
sig_capture_mask (char *text, gsize size)
{
  Span rest = { text, text + size }, header = { text, text };
  gboolean has_dtmf = FALSE;

  while (rest.at < rest.end)
    {
      Span line = take_line (&rest);

      if (*line.at == '\r' || *line.at == '\n') /* the end of the head */
        break;
      if (*line.at == ' ' || *line.at == '\t') /* folded: the header goes on */
        header.end = line.end;
      else
        header = line;
      if (is_credentials (header))
        mask_credentials (header);
      else
        {
          mask_passwords (header);
          mask_lines (header);
        }
      has_dtmf = has_dtmf || is_dtmf_type (header);
    }
  if (has_dtmf)
    mask_digits (rest);
  else
    mask_keys (rest);
}

/* ---- HEP 3 ---- */

enum
{
  HEP_FAMILY = 1,
  HEP_PROTOCOL = 2,
  HEP_SOURCE_IPV4 = 3,
  HEP_DESTINATION_IPV4 = 4,
  HEP_SOURCE_IPV6 = 5,
  HEP_DESTINATION_IPV6 = 6,
  HEP_SOURCE_PORT = 7,
  HEP_DESTINATION_PORT = 8,
  HEP_SECONDS = 9,
  HEP_MICROSECONDS = 10,
  HEP_TYPE = 11,
  HEP_NODE = 12,
  HEP_PASSWORD = 14,
  HEP_PAYLOAD = 15,
  HEP_CORRELATION = 17,
};

#define HEP_CHUNK_HEADER  6
#define HEP_TYPE_SIP      1
#define HEP_FAMILY_IPV4   2
#define HEP_FAMILY_IPV6   10
#define HEP_PROTOCOL_TCP  6
#define HEP_PROTOCOL_UDP  17
#define HEP_PACKET_HEADER 6

typedef struct
{
  guint8 *bytes;
  gsize size, capacity;
  gboolean is_full;
} Writer;

static void
put_chunk (Writer *writer, guint16 type, const void *value, gsize size)
{
  guint8 *at = writer->bytes + writer->size;
  gsize total = HEP_CHUNK_HEADER + size;

  if (writer->is_full || total > G_MAXUINT16 || writer->size + total > writer->capacity)
    {
      writer->is_full = TRUE;
      return;
    }
  const guint8 header[HEP_CHUNK_HEADER]
      = { 0, 0, (guint8)(type >> 8), (guint8)type, (guint8)(total >> 8), (guint8)total };
  memcpy (at, header, sizeof header);
  memcpy (at + sizeof header, value, size);
  writer->size += total;
}

static void
put_8 (Writer *writer, guint16 type, guint8 value)
{
  put_chunk (writer, type, &value, sizeof value);
}

static void
put_16 (Writer *writer, guint16 type, guint16 value)
{
  value = htons (value);
  put_chunk (writer, type, &value, sizeof value);
}

static void
put_32 (Writer *writer, guint16 type, guint32 value)
{
  value = htonl (value);
  put_chunk (writer, type, &value, sizeof value);
}

static gboolean
put_addresses (Writer *writer, const SigHepPacket *packet)
{
  guint8 source[16], destination[16];
  gboolean is_ipv6 = strchr (packet->source_address, ':') != NULL;
  int family = is_ipv6 ? AF_INET6 : AF_INET;
  gsize size = is_ipv6 ? 16 : 4;

  if (inet_pton (family, packet->source_address, source) != 1
      || inet_pton (family, packet->destination_address, destination) != 1)
    return FALSE;
  put_8 (writer, HEP_FAMILY, is_ipv6 ? HEP_FAMILY_IPV6 : HEP_FAMILY_IPV4);
  put_8 (writer, HEP_PROTOCOL, packet->is_udp ? HEP_PROTOCOL_UDP : HEP_PROTOCOL_TCP);
  put_chunk (writer, is_ipv6 ? HEP_SOURCE_IPV6 : HEP_SOURCE_IPV4, source, size);
  put_chunk (writer, is_ipv6 ? HEP_DESTINATION_IPV6 : HEP_DESTINATION_IPV4, destination, size);
  return TRUE;
}

gsize
sig_hep_write (const SigHepPacket *packet, guint8 *buffer, gsize capacity)
{
  static const guint8 magic[] = { 'H', 'E', 'P', '3' };
  Writer writer = { buffer, HEP_PACKET_HEADER, MIN (capacity, (gsize)G_MAXUINT16), FALSE };

  if (capacity < HEP_PACKET_HEADER || !put_addresses (&writer, packet))
    return 0;
  put_16 (&writer, HEP_SOURCE_PORT, packet->source_port);
  put_16 (&writer, HEP_DESTINATION_PORT, packet->destination_port);
  put_32 (&writer, HEP_SECONDS, (guint32)(packet->time.us / CFG_US_PER_S));
  put_32 (&writer, HEP_MICROSECONDS, (guint32)(packet->time.us % CFG_US_PER_S));
  put_8 (&writer, HEP_TYPE, HEP_TYPE_SIP);
  put_32 (&writer, HEP_NODE, packet->node_id);
  if (packet->password != NULL)
    put_chunk (&writer, HEP_PASSWORD, packet->password, strlen (packet->password));
  if (packet->correlation_id != NULL)
    put_chunk (&writer, HEP_CORRELATION, packet->correlation_id, strlen (packet->correlation_id));
  put_chunk (&writer, HEP_PAYLOAD, packet->payload, packet->size);
  if (writer.is_full)
    return 0;
  memcpy (buffer, magic, sizeof magic);
  buffer[4] = (guint8)(writer.size >> 8);
  buffer[5] = (guint8)writer.size;
  return writer.size;
}
