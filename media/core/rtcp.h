/* RTCP (RFC 3550 section 6): a reader that walks a compound packet and a builder for our reports. Feedback
 * that audio has no use for (NACK, PLI, FIR, REMB, transport-cc) is recognised, so that the caller can count
 * and ignore it. Pure; the reader borrows the bytes. */
#pragma once

#include "config/base/clock.h"

#include <glib.h>

#define MEDIA_RTCP_REPORTS_MAX 31
#define MEDIA_RTCP_CNAME_MAX   255

typedef enum
{
  MEDIA_RTCP_SR,
  MEDIA_RTCP_RR,
  MEDIA_RTCP_SDES,
  MEDIA_RTCP_BYE,
  MEDIA_RTCP_APP,
  MEDIA_RTCP_NACK, /* RTPFB 1 */
  MEDIA_RTCP_TWCC, /* RTPFB 15 */
  MEDIA_RTCP_PLI,  /* PSFB 1 */
  MEDIA_RTCP_FIR,  /* PSFB 4 */
  MEDIA_RTCP_REMB, /* PSFB 15 with "REMB" */
  MEDIA_RTCP_XR,
  MEDIA_RTCP_OTHER,
  MEDIA_RTCP_N_TYPES,
} MediaRtcpType;

/* One reception report block (RFC 3550 6.4.1), host order. */
typedef struct
{
  guint32 ssrc;           /* whom it is about */
  guint8 fraction_lost;   /* /256 since the last report */
  gint32 cumulative_lost; /* 24-bit signed */
  guint32 extended_highest_sequence;
  guint32 jitter;              /* timestamp units */
  guint32 last_sr;             /* middle 32 bits of the last SR's NTP time, 0: none */
  guint32 delay_since_last_sr; /* 1/65536 s */
} MediaRtcpReportBlock;

typedef struct
{
  guint64 ntp; /* 32.32 seconds since 1900 */
  guint32 rtp_timestamp;
  guint32 packets;
  guint32 octets;
} MediaRtcpSenderInfo;

/* One packet of a compound; only the members of its type are set. */
typedef struct
{
  MediaRtcpType type;
  guint32 ssrc; /* its sender (SR, RR, APP, feedback, XR), or the first source (SDES, BYE) */
  MediaRtcpSenderInfo sender_info; /* SR */
  guint n_reports;                 /* SR, RR */
  MediaRtcpReportBlock reports[MEDIA_RTCP_REPORTS_MAX];
  guint n_bye; /* BYE */
  guint32 bye[MEDIA_RTCP_REPORTS_MAX];
  char cname[MEDIA_RTCP_CNAME_MAX + 1]; /* SDES of @ssrc, "" when absent; unprintable octets become '?' */
} MediaRtcpPacket;

typedef struct
{
  const guint8 *data;
  gsize left;
} MediaRtcpReader;

/**
 * media_rtcp_reader_init:
 * Checks the whole compound first (RFC 3550 A.2, versions and lengths; reduced-size packets of RFC 5506 are
 * taken). Returns: 0; -EBADMSG when it is malformed, nothing of it must be used then.
 */
int media_rtcp_reader_init (MediaRtcpReader *reader, const guint8 *data,
                            gsize size) G_GNUC_WARN_UNUSED_RESULT;
/** media_rtcp_reader_next: fills @packet with the next one. Returns: FALSE at the end. Inner lengths that lie
 * (more report blocks than octets) give MEDIA_RTCP_OTHER. */
gboolean media_rtcp_reader_next (MediaRtcpReader *reader, MediaRtcpPacket *packet);

/* What we send: SR (has_sender_info) or RR, then SDES with CNAME, then BYE if wanted. */
typedef struct
{
  guint32 ssrc;
  gboolean has_sender_info;
  MediaRtcpSenderInfo sender_info;
  const MediaRtcpReportBlock *reports;
  guint n_reports;   /* ≤ 31 */
  const char *cname; /* 1–255 octets */
  gboolean bye;
} MediaRtcpReport;

/** media_rtcp_build: Returns: octets written; -ENOSPC; -EINVAL for a CNAME or count out of range. */
gssize media_rtcp_build (const MediaRtcpReport *report, guint8 *out,
                         gsize capacity) G_GNUC_WARN_UNUSED_RESULT;

/** media_rtcp_ntp: @wall as NTP time 32.32. */
guint64 media_rtcp_ntp (CfgWall wall);
/** media_rtcp_ntp_middle: the middle 32 bits, as in LSR. */
guint32 media_rtcp_ntp_middle (guint64 ntp);

/**
 * media_rtcp_round_trip_us:
 * @now: the NTP clock that made our SRs, at the arrival of @block
 * Returns: RFC 3550 6.4.1 round trip; -1 when the block refers to no SR of ours or the result is absurd (> 60
 * s).
 */
gint64 media_rtcp_round_trip_us (const MediaRtcpReportBlock *block, guint64 now);

/** media_rtcp_interval_us: the time to the next report: 5 s randomised by 0.5–1.5 (RFC 3550 6.3.1), 1 s for
 * the first. @random: any 32 random bits. */
gint64 media_rtcp_interval_us (gboolean first, guint32 random);
