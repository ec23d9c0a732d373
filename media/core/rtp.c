#include "media/core/rtp.h"

#include "media/core/bytes.h"

#include <errno.h>
#include <string.h>

/* The header extension: its 4-octet header at @at, then as many words as that says. */
static gboolean
parse_extension (MediaRtpView *view, const guint8 *data, gsize size, gsize at)
{
  gsize octets;

  if (size < at + 4)
    return FALSE;
  octets = (gsize)media_load_16 (data + at + 2) * 4;
  if (size < at + 4 + octets)
    return FALSE;
  view->extension_profile = media_load_16 (data + at);
  view->extension = data + at + 4;
  view->extension_size = octets;
  view->header_size = at + 4 + octets;
  return TRUE;
}

int
media_rtp_parse (MediaRtpView *view, const guint8 *data, gsize size)
{
  MediaRtpView parsed = { .data = data, .size = size };

  if (size > MEDIA_RTP_PACKET_MAX)
    return -EMSGSIZE;
  if (size < MEDIA_RTP_HEADER_SIZE || data[0] >> 6 != 2)
    return -EBADMSG;
  parsed.csrc_count = data[0] & 0x0f;
  parsed.marker = (data[1] & 0x80) != 0;
  parsed.payload_type = data[1] & 0x7f;
  parsed.sequence = media_load_16 (data + 2);
  parsed.timestamp = media_load_32 (data + 4);
  parsed.ssrc = media_load_32 (data + 8);
  parsed.header_size = MEDIA_RTP_HEADER_SIZE + 4 * (gsize)parsed.csrc_count;
  if (size < parsed.header_size)
    return -EBADMSG;
  if ((data[0] & 0x10) != 0 && !parse_extension (&parsed, data, size, parsed.header_size))
    return -EBADMSG;
  if ((data[0] & 0x20) != 0)
    {
      /* RFC 3550 5.1: the last octet counts the padding, itself included. */
      parsed.padding_size = data[size - 1];
      if (parsed.padding_size == 0 || parsed.padding_size > size - parsed.header_size)
        return -EBADMSG;
    }
  parsed.payload = data + parsed.header_size;
  parsed.payload_size = size - parsed.header_size - parsed.padding_size;
  *view = parsed;
  return 0;
}

/* RFC 8285 4.2: 4 bits of id, 4 bits of length - 1; id 0 is padding, id 15 ends the list. */
static const guint8 *
find_one_byte (const guint8 *data, gsize size, guint8 id, gsize *found_size)
{
  gsize at = 0;

  while (at < size)
    {
      guint8 element = data[at] >> 4;
      gsize length = (gsize)(data[at] & 0x0f) + 1;

      if (data[at] == 0)
        {
          at++;
          continue;
        }
      if (element == 15 || at + 1 + length > size)
        return NULL;
      if (element == id)
        {
          *found_size = length;
          return data + at + 1;
        }
      at += 1 + length;
    }
  return NULL;
}

/* RFC 8285 4.3: an octet of id, an octet of length; id 0 is padding. */
static const guint8 *
find_two_byte (const guint8 *data, gsize size, guint8 id, gsize *found_size)
{
  gsize at = 0;

  while (at < size)
    {
      gsize length;

      if (data[at] == 0)
        {
          at++;
          continue;
        }
      if (at + 2 > size)
        return NULL;
      length = data[at + 1];
      if (at + 2 + length > size)
        return NULL;
      if (data[at] == id)
        {
          *found_size = length;
          return data + at + 2;
        }
      at += 2 + length;
    }
  return NULL;
}

const guint8 *
media_rtp_find_extension (const MediaRtpView *view, guint8 id, gsize *size)
{
  if (view->extension == NULL || id == 0)
    return NULL;
  if (view->extension_profile == MEDIA_RTP_EXTENSION_ONE_BYTE)
    return id < 15 ? find_one_byte (view->extension, view->extension_size, id, size) : NULL;
  if ((view->extension_profile & 0xfff0) == 0x1000)
    return find_two_byte (view->extension, view->extension_size, id, size);
  return NULL;
}

gboolean
media_rtp_read_mid (const MediaRtpView *view, guint8 id, char mid[MEDIA_RTP_MID_MAX + 1])
{
  gsize size = 0;
  const guint8 *data = media_rtp_find_extension (view, id, &size);

  if (data == NULL || size == 0 || size > MEDIA_RTP_MID_MAX)
    return FALSE;
  for (gsize i = 0; i < size; i++)
    if (data[i] <= 0x20 || data[i] >= 0x7f)
      return FALSE;
  memcpy (mid, data, size);
  mid[size] = '\0';
  return TRUE;
}

/* Appends the one-byte elements of @header to @out and pads to words. Returns the octets, 0 for none. */
static gsize
write_elements (const MediaRtpHeader *header, guint8 *out)
{
  gsize at = 0;

  if (header->level_id != 0)
    {
      out[at++] = (guint8)(header->level_id << 4);
      out[at++] = (guint8)((header->voice ? 0x80 : 0) | header->level);
    }
  if (header->mid_id != 0)
    {
      gsize length = strlen (header->mid);

      out[at++] = (guint8)((gsize)header->mid_id << 4 | (length - 1));
      memcpy (out + at, header->mid, length);
      at += length;
    }
  while (at % 4 != 0)
    out[at++] = 0;
  return at;
}

static gboolean
header_is_valid (const MediaRtpHeader *header)
{
  if (header->payload_type > 127 || header->mid_id > 14 || header->level_id > 14)
    return FALSE;
  if (header->level_id != 0 && header->level > 127)
    return FALSE;
  if (header->mid_id == 0)
    return TRUE;
  return header->mid != NULL && header->mid[0] != '\0'
         && strnlen (header->mid, MEDIA_RTP_MID_MAX + 1) <= MEDIA_RTP_MID_MAX;
}

gssize
media_rtp_write_header (const MediaRtpHeader *header, guint8 *out, gsize capacity)
{
  guint8 elements[MEDIA_RTP_HEADER_MAX];
  gsize elements_size;
  gsize size = MEDIA_RTP_HEADER_SIZE;

  if (!header_is_valid (header))
    return -EINVAL;
  elements_size = write_elements (header, elements);
  if (elements_size > 0)
    size += 4 + elements_size;
  if (size > capacity)
    return -ENOSPC;
  out[0] = (guint8)(0x80 | (elements_size > 0 ? 0x10 : 0));
  out[1] = (guint8)((header->marker ? 0x80 : 0) | header->payload_type);
  media_store_16 (out + 2, header->sequence);
  media_store_32 (out + 4, header->timestamp);
  media_store_32 (out + 8, header->ssrc);
  if (elements_size > 0)
    {
      media_store_16 (out + 12, MEDIA_RTP_EXTENSION_ONE_BYTE);
      media_store_16 (out + 14, (guint16)(elements_size / 4));
      memcpy (out + 16, elements, elements_size);
    }
  return (gssize)size;
}

gssize
media_rtp_write (const MediaRtpHeader *header, const guint8 *payload, gsize payload_size, guint8 *out,
                 gsize capacity)
{
  gssize size = media_rtp_write_header (header, out, capacity);

  if (size < 0)
    return size;
  if (payload_size > capacity - (gsize)size)
    return -ENOSPC;
  if (payload_size > 0)
    memcpy (out + size, payload, payload_size);
  return size + (gssize)payload_size;
}

void
media_rtp_set_marker (guint8 *packet, gboolean marker)
{
  packet[1] = (guint8)((packet[1] & 0x7f) | (marker ? 0x80 : 0));
}

void
media_rtp_set_payload_type (guint8 *packet, guint8 payload_type)
{
  packet[1] = (guint8)((packet[1] & 0x80) | (payload_type & 0x7f));
}

void
media_rtp_set_sequence (guint8 *packet, guint16 sequence)
{
  media_store_16 (packet + 2, sequence);
}

void
media_rtp_set_timestamp (guint8 *packet, guint32 timestamp)
{
  media_store_32 (packet + 4, timestamp);
}

void
media_rtp_set_ssrc (guint8 *packet, guint32 ssrc)
{
  media_store_32 (packet + 8, ssrc);
}
