#include "media/core/sender_stats.h"

#include "media/core/rtp.h"

void
media_sender_stats_init (MediaSenderStats *stats, guint32 ssrc, guint clock_rate_hz)
{
  g_assert (clock_rate_hz > 0);
  *stats = (MediaSenderStats){ .ssrc = ssrc, .clock_rate_hz = clock_rate_hz, .round_trip_us = -1 };
}

void
media_sender_stats_sent (MediaSenderStats *stats, guint32 timestamp, gsize payload_size, CfgMonotonic now)
{
  stats->packets++;
  stats->octets += payload_size;
  stats->last_timestamp = timestamp;
  stats->last_at = now;
}

gboolean
media_sender_stats_info (const MediaSenderStats *stats, CfgMonotonic now, CfgWall wall,
                         MediaRtcpSenderInfo *info)
{
  gint64 passed;

  if (stats->packets == 0)
    return FALSE;
  passed = media_rtp_us_to_units (cfg_monotonic_diff_us (now, stats->last_at), stats->clock_rate_hz);
  info->ntp = media_rtcp_ntp (wall);
  info->rtp_timestamp = stats->last_timestamp + (guint32)((guint64)passed & 0xffffffff);
  info->packets = (guint32)(stats->packets & 0xffffffff);
  info->octets = (guint32)(stats->octets & 0xffffffff);
  return TRUE;
}

gboolean
media_sender_stats_on_report (MediaSenderStats *stats, const MediaRtcpReportBlock *block, CfgMonotonic now,
                              CfgWall wall)
{
  gint64 round_trip_us;
  double loss = block->fraction_lost / 256.0;

  if (block->ssrc != stats->ssrc)
    return FALSE;
  stats->loss_recent = stats->have_report ? stats->loss_recent * 0.75 + loss * 0.25 : loss;
  stats->report = *block;
  stats->report_at = now;
  stats->have_report = TRUE;
  round_trip_us = media_rtcp_round_trip_us (block, media_rtcp_ntp (wall));
  if (round_trip_us >= 0)
    stats->round_trip_us
        = stats->round_trip_us < 0 ? round_trip_us : (stats->round_trip_us * 3 + round_trip_us) / 4;
  return TRUE;
}
