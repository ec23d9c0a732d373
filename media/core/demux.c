#include "media/core/demux.h"

#include "media/core/rtp.h"

MediaPacketKind
media_demux_classify (const guint8 *data, gsize size)
{
  if (size == 0)
    return MEDIA_PACKET_UNKNOWN;
  if (data[0] <= 3)
    return size >= 20 ? MEDIA_PACKET_STUN : MEDIA_PACKET_UNKNOWN;
  if (data[0] >= 16 && data[0] <= 19)
    return size >= 12 ? MEDIA_PACKET_ZRTP : MEDIA_PACKET_UNKNOWN;
  if (data[0] >= 20 && data[0] <= 63)
    return size >= 13 ? MEDIA_PACKET_DTLS : MEDIA_PACKET_UNKNOWN;
  if (data[0] >= 64 && data[0] <= 79)
    return size >= 4 ? MEDIA_PACKET_TURN : MEDIA_PACKET_UNKNOWN;
  if (data[0] < 128 || data[0] > 191 || size < 8)
    return MEDIA_PACKET_UNKNOWN;
  /* RFC 5761 4: RTCP types 192–223 are RTP payload types 64–95 with the marker set, which nobody may use. */
  if (data[1] >= 192 && data[1] <= 223)
    return MEDIA_PACKET_RTCP;
  return size >= MEDIA_RTP_HEADER_SIZE ? MEDIA_PACKET_RTP : MEDIA_PACKET_UNKNOWN;
}

const char *
media_demux_kind_name (MediaPacketKind kind)
{
  static const char *const names[] = {
    [MEDIA_PACKET_UNKNOWN] = "unknown", [MEDIA_PACKET_STUN] = "stun", [MEDIA_PACKET_ZRTP] = "zrtp",
    [MEDIA_PACKET_DTLS] = "dtls",       [MEDIA_PACKET_TURN] = "turn", [MEDIA_PACKET_RTP] = "rtp",
    [MEDIA_PACKET_RTCP] = "rtcp",
  };

  return (guint)kind < G_N_ELEMENTS (names) ? names[kind] : "unknown";
}
