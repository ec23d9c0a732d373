/* What we sent under one SSRC, and what the peer's reports say of it. Plain values. */
#pragma once

#include "config/base/clock.h"
#include "media/core/rtcp.h"

#include <glib.h>

typedef struct
{
  guint32 ssrc;
  guint clock_rate_hz;
  guint64 packets;
  guint64 octets; /* payload */
  guint32 last_timestamp;
  CfgMonotonic last_at;

  gboolean have_report;
  MediaRtcpReportBlock report; /* newest of the peer */
  CfgMonotonic report_at;
  gint64 round_trip_us; /* -1: unknown; smoothed */
  double loss_recent;   /* 0–1, smoothed fraction lost of the peer's reports */
} MediaSenderStats;

void media_sender_stats_init (MediaSenderStats *stats, guint32 ssrc, guint clock_rate_hz);
/** media_sender_stats_sent: one packet went out. @payload_size: octets without header. */
void media_sender_stats_sent (MediaSenderStats *stats, guint32 timestamp, gsize payload_size,
                              CfgMonotonic now);
/** media_sender_stats_info: sender info for an SR; its RTP timestamp is extrapolated to @now. Returns: FALSE
 * when nothing was sent yet (send an RR). */
gboolean media_sender_stats_info (const MediaSenderStats *stats, CfgMonotonic now, CfgWall wall,
                                  MediaRtcpSenderInfo *info);
/** media_sender_stats_on_report: @block of the peer; ignored (FALSE) when about another SSRC. */
gboolean media_sender_stats_on_report (MediaSenderStats *stats, const MediaRtcpReportBlock *block,
                                       CfgMonotonic now, CfgWall wall);
