/* What a datagram on a media socket is, by its first octets: RFC 7983 for the classes, RFC 5761 for RTP
 * against RTCP. Pure and total: any bytes get an answer. */
#pragma once

#include <glib.h>

typedef enum
{
  MEDIA_PACKET_UNKNOWN, /* drop and count */
  MEDIA_PACKET_STUN,    /* 0–3 */
  MEDIA_PACKET_ZRTP,    /* 16–19 */
  MEDIA_PACKET_DTLS,    /* 20–63 */
  MEDIA_PACKET_TURN,    /* 64–79, channel data */
  MEDIA_PACKET_RTP,     /* 128–191, second octet not an RTCP type */
  MEDIA_PACKET_RTCP,    /* 128–191, packet type 192–223 */
} MediaPacketKind;

/** media_demux_classify: @data may be NULL when @size is 0. Too short for its class: UNKNOWN. */
MediaPacketKind media_demux_classify (const guint8 *data, gsize size);

/** media_demux_kind_name: static word for logs and counters ("rtp"). */
const char *media_demux_kind_name (MediaPacketKind kind);
