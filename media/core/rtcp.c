#include "media/core/rtcp.h"

#include "media/core/bytes.h"

#include <errno.h>
#include <string.h>

enum
{
  TYPE_SR = 200,
  TYPE_RR = 201,
  TYPE_SDES = 202,
  TYPE_BYE = 203,
  TYPE_APP = 204,
  TYPE_RTPFB = 205,
  TYPE_PSFB = 206,
  TYPE_XR = 207,
};

#define HEADER_SIZE       4
#define SENDER_INFO_SIZE  20
#define REPORT_BLOCK_SIZE 24
#define NTP_UNIX_OFFSET_S G_GUINT64_CONSTANT (2208988800) /* 1900 to 1970 */

static gsize
packet_size (const guint8 *data)
{
  return ((gsize)media_load_16 (data + 2) + 1) * 4;
}

int
media_rtcp_reader_init (MediaRtcpReader *reader, const guint8 *data, gsize size)
{
  gsize at = 0;

  *reader = (MediaRtcpReader){ .data = data, .left = 0 };
  if (size < HEADER_SIZE)
    return -EBADMSG;
  while (at < size)
    {
      if (size - at < HEADER_SIZE || data[at] >> 6 != 2 || packet_size (data + at) > size - at)
        return -EBADMSG;
      if (at == 0 && (data[1] < 192 || data[1] > 223))
        return -EBADMSG;
      at += packet_size (data + at);
    }
  reader->left = size;
  return 0;
}

static void
read_report_block (const guint8 *data, MediaRtcpReportBlock *block)
{
  guint32 lost = media_load_32 (data + 4) & 0xffffff;

  block->ssrc = media_load_32 (data);
  block->fraction_lost = data[4];
  block->cumulative_lost = (lost & 0x800000) != 0 ? (gint32)lost - 0x1000000 : (gint32)lost;
  block->extended_highest_sequence = media_load_32 (data + 8);
  block->jitter = media_load_32 (data + 12);
  block->last_sr = media_load_32 (data + 16);
  block->delay_since_last_sr = media_load_32 (data + 20);
}

static gboolean
read_reports (const guint8 *data, gsize size, guint count, MediaRtcpPacket *packet)
{
  if (size < (gsize)count * REPORT_BLOCK_SIZE)
    return FALSE;
  for (guint i = 0; i < count; i++)
    read_report_block (data + (gsize)i * REPORT_BLOCK_SIZE, &packet->reports[i]);
  packet->n_reports = count;
  return TRUE;
}

static gboolean
read_sender_report (const guint8 *body, gsize size, guint count, MediaRtcpPacket *packet)
{
  if (size < 4 + SENDER_INFO_SIZE)
    return FALSE;
  packet->ssrc = media_load_32 (body);
  packet->sender_info.ntp = (guint64)media_load_32 (body + 4) << 32 | media_load_32 (body + 8);
  packet->sender_info.rtp_timestamp = media_load_32 (body + 12);
  packet->sender_info.packets = media_load_32 (body + 16);
  packet->sender_info.octets = media_load_32 (body + 20);
  return read_reports (body + 4 + SENDER_INFO_SIZE, size - 4 - SENDER_INFO_SIZE, count, packet);
}

/* The first chunk only: compounds of one endpoint carry one. */
static gboolean
read_sdes (const guint8 *body, gsize size, MediaRtcpPacket *packet)
{
  gsize at = 4;

  if (size < 4)
    return FALSE;
  packet->ssrc = media_load_32 (body);
  while (at < size && body[at] != 0)
    {
      gsize length;

      if (at + 2 > size)
        return FALSE;
      length = body[at + 1];
      if (at + 2 + length > size)
        return FALSE;
      if (body[at] == 1)
        {
          for (gsize i = 0; i < length; i++)
            {
              guint8 octet = body[at + 2 + i];

              packet->cname[i] = octet >= 0x20 && octet < 0x7f ? (char)octet : '?';
            }
          packet->cname[length] = '\0';
          return TRUE;
        }
      at += 2 + length;
    }
  return TRUE;
}

static gboolean
read_bye (const guint8 *body, gsize size, guint count, MediaRtcpPacket *packet)
{
  if (size < (gsize)count * 4)
    return FALSE;
  for (guint i = 0; i < count; i++)
    packet->bye[i] = media_load_32 (body + (gsize)i * 4);
  packet->n_bye = count;
  packet->ssrc = count > 0 ? packet->bye[0] : 0;
  return TRUE;
}

static MediaRtcpType
feedback_type (guint8 type, guint format, const guint8 *body, gsize size)
{
  if (type == TYPE_RTPFB)
    return format == 1 ? MEDIA_RTCP_NACK : format == 15 ? MEDIA_RTCP_TWCC : MEDIA_RTCP_OTHER;
  if (format == 1)
    return MEDIA_RTCP_PLI;
  if (format == 4)
    return MEDIA_RTCP_FIR;
  if (format == 15 && size >= 12 && memcmp (body + 8, "REMB", 4) == 0)
    return MEDIA_RTCP_REMB;
  return MEDIA_RTCP_OTHER;
}

static gboolean
read_body (guint8 type, guint count, const guint8 *body, gsize size, MediaRtcpPacket *packet)
{
  switch (type)
    {
    case TYPE_SR:
      packet->type = MEDIA_RTCP_SR;
      return read_sender_report (body, size, count, packet);
    case TYPE_RR:
      packet->type = MEDIA_RTCP_RR;
      if (size < 4)
        return FALSE;
      packet->ssrc = media_load_32 (body);
      return read_reports (body + 4, size - 4, count, packet);
    case TYPE_SDES:
      packet->type = MEDIA_RTCP_SDES;
      return count == 0 || read_sdes (body, size, packet);
    case TYPE_BYE:
      packet->type = MEDIA_RTCP_BYE;
      return read_bye (body, size, count, packet);
    case TYPE_RTPFB:
    case TYPE_PSFB:
      if (size < 8)
        return FALSE;
      packet->type = feedback_type (type, count, body, size);
      packet->ssrc = media_load_32 (body);
      return TRUE;
    default:
      packet->type = type == TYPE_APP ? MEDIA_RTCP_APP : type == TYPE_XR ? MEDIA_RTCP_XR : MEDIA_RTCP_OTHER;
      packet->ssrc = size >= 4 ? media_load_32 (body) : 0;
      return TRUE;
    }
}

gboolean
media_rtcp_reader_next (MediaRtcpReader *reader, MediaRtcpPacket *packet)
{
  const guint8 *data = reader->data;
  gsize size;
  gsize body_size;

  if (reader->left < HEADER_SIZE)
    return FALSE;
  size = packet_size (data);
  reader->data += size;
  reader->left -= size;

  packet->ssrc = 0;
  packet->n_reports = 0;
  packet->n_bye = 0;
  packet->cname[0] = '\0';
  packet->sender_info = (MediaRtcpSenderInfo){ 0 };
  body_size = size - HEADER_SIZE;
  if ((data[0] & 0x20) != 0)
    {
      gsize padding = data[size - 1];

      body_size -= MIN (padding, body_size);
    }
  if (!read_body (data[1], data[0] & 0x1f, data + HEADER_SIZE, body_size, packet))
    {
      packet->type = MEDIA_RTCP_OTHER;
      packet->n_reports = 0;
      packet->n_bye = 0;
      packet->cname[0] = '\0';
    }
  return TRUE;
}

static void
write_header (guint8 *out, guint count, guint8 type, gsize size)
{
  out[0] = (guint8)(0x80 | count);
  out[1] = type;
  media_store_16 (out + 2, (guint16)(size / 4 - 1));
}

static void
write_report_block (const MediaRtcpReportBlock *block, guint8 *out)
{
  gint32 lost = CLAMP (block->cumulative_lost, -0x800000, 0x7fffff);

  media_store_32 (out, block->ssrc);
  media_store_32 (out + 4, (guint32)block->fraction_lost << 24 | ((guint32)lost & 0xffffff));
  media_store_32 (out + 8, block->extended_highest_sequence);
  media_store_32 (out + 12, block->jitter);
  media_store_32 (out + 16, block->last_sr);
  media_store_32 (out + 20, block->delay_since_last_sr);
}

static gsize
write_report (const MediaRtcpReport *report, guint8 *out)
{
  gsize at = HEADER_SIZE + 4;

  media_store_32 (out + HEADER_SIZE, report->ssrc);
  if (report->has_sender_info)
    {
      const MediaRtcpSenderInfo *info = &report->sender_info;

      media_store_32 (out + at, (guint32)(info->ntp >> 32));
      media_store_32 (out + at + 4, (guint32)(info->ntp & 0xffffffff));
      media_store_32 (out + at + 8, info->rtp_timestamp);
      media_store_32 (out + at + 12, info->packets);
      media_store_32 (out + at + 16, info->octets);
      at += SENDER_INFO_SIZE;
    }
  for (guint i = 0; i < report->n_reports; i++, at += REPORT_BLOCK_SIZE)
    write_report_block (&report->reports[i], out + at);
  write_header (out, report->n_reports, report->has_sender_info ? TYPE_SR : TYPE_RR, at);
  return at;
}

static gsize
sdes_size (gsize cname_length)
{
  /* SSRC, item header, text, at least one null octet, in words (RFC 3550 6.5). */
  return HEADER_SIZE + ((4 + 2 + cname_length + 1 + 3) & ~(gsize)3);
}

static gsize
write_sdes (const MediaRtcpReport *report, gsize cname_length, guint8 *out)
{
  gsize size = sdes_size (cname_length);

  memset (out, 0, size);
  write_header (out, 1, TYPE_SDES, size);
  media_store_32 (out + 4, report->ssrc);
  out[8] = 1;
  out[9] = (guint8)cname_length;
  memcpy (out + 10, report->cname, cname_length);
  return size;
}

gssize
media_rtcp_build (const MediaRtcpReport *report, guint8 *out, gsize capacity)
{
  gsize cname_length;
  gsize size;

  if (report->n_reports > MEDIA_RTCP_REPORTS_MAX || report->cname == NULL)
    return -EINVAL;
  cname_length = strnlen (report->cname, MEDIA_RTCP_CNAME_MAX + 1);
  if (cname_length == 0 || cname_length > MEDIA_RTCP_CNAME_MAX)
    return -EINVAL;
  size = HEADER_SIZE + 4 + (report->has_sender_info ? SENDER_INFO_SIZE : 0)
         + (gsize)report->n_reports * REPORT_BLOCK_SIZE + sdes_size (cname_length)
         + (report->bye ? HEADER_SIZE + 4 : 0);
  if (size > capacity)
    return -ENOSPC;
  size = write_report (report, out);
  size += write_sdes (report, cname_length, out + size);
  if (report->bye)
    {
      write_header (out + size, 1, TYPE_BYE, HEADER_SIZE + 4);
      media_store_32 (out + size + HEADER_SIZE, report->ssrc);
      size += HEADER_SIZE + 4;
    }
  return (gssize)size;
}

guint64
media_rtcp_ntp (CfgWall wall)
{
  guint64 us = wall.us > 0 ? (guint64)wall.us : 0;
  guint64 seconds = us / 1000000 + NTP_UNIX_OFFSET_S;
  guint64 fraction = ((us % 1000000) << 32) / 1000000;

  return seconds << 32 | fraction;
}

guint32
media_rtcp_ntp_middle (guint64 ntp)
{
  return (guint32)(ntp >> 16 & 0xffffffff);
}

gint64
media_rtcp_round_trip_us (const MediaRtcpReportBlock *block, guint64 now)
{
  guint32 units;

  if (block->last_sr == 0)
    return -1;
  /* All three are 1/65536 s modulo 2^16 s. */
  units = media_rtcp_ntp_middle (now) - block->last_sr - block->delay_since_last_sr;
  /* Rounding on both sides may give a little less than nothing. */
  if (units > 0xffff0000)
    return 0;
  if (units > 60 * 65536)
    return -1;
  return (gint64)units * 1000000 / 65536;
}

gint64
media_rtcp_interval_us (gboolean first, guint32 random)
{
  gint64 base = first ? CFG_US_PER_S : 5 * CFG_US_PER_S;

  return base / 2 + (gint64)((guint64)base * random >> 32);
}
