/* RTP packets (RFC 3550 section 5.1) with header extensions (RFC 8285): a read-only view of a received
 * packet, a writer for our own, and in-place setters for forwarding. Pure; all views borrow. */
#pragma once

#include <glib.h>

#define MEDIA_RTP_HEADER_SIZE        12
#define MEDIA_RTP_PACKET_MAX         1500 /* octets: larger ones are refused everywhere */
#define MEDIA_RTP_MID_MAX            16   /* octets of a MID that we write or read (one-byte form's limit) */
#define MEDIA_RTP_HEADER_MAX         64   /* octets that media_rtp_write_header never exceeds */
#define MEDIA_RTP_EXTENSION_ONE_BYTE 0xbede

/* A parsed packet. Pointers point into the bytes that were parsed. */
typedef struct
{
  const guint8 *data; /* the whole packet */
  gsize size;
  gsize header_size; /* fixed header, CSRCs and extension: data + header_size == payload */
  guint8 payload_type;
  gboolean marker;
  guint16 sequence;
  guint32 timestamp;
  guint32 ssrc;
  guint csrc_count;          /* 0–15, at data + 12, network order */
  guint16 extension_profile; /* 0 when there is no extension */
  const guint8 *extension;   /* extension words after the 4-octet extension header; NULL without */
  gsize extension_size;      /* octets */
  const guint8 *payload;     /* padding excluded */
  gsize payload_size;
  gsize padding_size;
} MediaRtpView;

/* What we write before a payload. An extension id of 0 leaves that extension out. */
typedef struct
{
  guint8 payload_type;
  gboolean marker;
  guint16 sequence;
  guint32 timestamp;
  guint32 ssrc;
  guint8 mid_id;   /* 1–14: urn:ietf:params:rtp-hdrext:sdes:mid */
  const char *mid; /* 1–16 octets when mid_id is set */
  guint8 level_id; /* 1–14: urn:ietf:params:rtp-hdrext:ssrc-audio-level (RFC 6464) */
  guint8 level;    /* -dBov, 0–127 */
  gboolean voice;  /* the V bit */
} MediaRtpHeader;

/**
 * media_rtp_parse:
 * @view: (out): filled on success only
 * @data: one datagram, any bytes
 *
 * Strict: version 2, CSRC list, extension and padding must fit.
 * Returns: 0; -EBADMSG when it is no RTP packet; -EMSGSIZE above MEDIA_RTP_PACKET_MAX.
 */
int media_rtp_parse (MediaRtpView *view, const guint8 *data, gsize size) G_GNUC_WARN_UNUSED_RESULT;

/**
 * media_rtp_find_extension:
 * @id: negotiated id, 1–14 (one-byte form) or 1–255 (two-byte form)
 * @size: (out): octets of the element
 *
 * Returns: (nullable): the element's data inside the packet; NULL when absent or the extension is malformed.
 */
const guint8 *media_rtp_find_extension (const MediaRtpView *view, guint8 id, gsize *size);

/**
 * media_rtp_read_mid:
 * @mid: (out): terminated copy
 * Returns: TRUE when the packet carries a MID of 1–16 printable octets under @id.
 */
gboolean media_rtp_read_mid (const MediaRtpView *view, guint8 id, char mid[MEDIA_RTP_MID_MAX + 1]);

/**
 * media_rtp_write_header:
 * @out: at least MEDIA_RTP_HEADER_MAX octets are always enough
 * Returns: octets written (the payload goes right after); -ENOSPC when @capacity is too small; -EINVAL for an
 * id, level or MID out of range.
 */
gssize media_rtp_write_header (const MediaRtpHeader *header, guint8 *out,
                               gsize capacity) G_GNUC_WARN_UNUSED_RESULT;

/** media_rtp_write: header and a copy of @payload. Returns as media_rtp_write_header, whole packet's size. */
gssize media_rtp_write (const MediaRtpHeader *header, const guint8 *payload, gsize payload_size, guint8 *out,
                        gsize capacity) G_GNUC_WARN_UNUSED_RESULT;

/* In-place setters on a packet that media_rtp_parse accepted (host order values). */
void media_rtp_set_marker (guint8 *packet, gboolean marker);
void media_rtp_set_payload_type (guint8 *packet, guint8 payload_type);
void media_rtp_set_sequence (guint8 *packet, guint16 sequence);
void media_rtp_set_timestamp (guint8 *packet, guint32 timestamp);
void media_rtp_set_ssrc (guint8 *packet, guint32 ssrc);

/** media_rtp_sequence_diff: @later - @earlier with wrap-around, -32768…32767. */
static inline gint
media_rtp_sequence_diff (guint16 later, guint16 earlier)
{
  return (gint16)(guint16)(later - earlier);
}

/** media_rtp_timestamp_diff: @later - @earlier with wrap-around. */
static inline gint32
media_rtp_timestamp_diff (guint32 later, guint32 earlier)
{
  return (gint32)(later - earlier);
}

/** media_rtp_units_to_us: timestamp units at @clock_rate_hz in microseconds. */
static inline gint64
media_rtp_units_to_us (gint64 units, guint clock_rate_hz)
{
  return units * 1000000 / (gint64)clock_rate_hz;
}

/** media_rtp_us_to_units: microseconds in timestamp units at @clock_rate_hz. */
static inline gint64
media_rtp_us_to_units (gint64 us, guint clock_rate_hz)
{
  return us * (gint64)clock_rate_hz / 1000000;
}
