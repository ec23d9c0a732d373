/* Our RTCP reports (RFC 3550 section 6): for each SSRC that we send an SR, with a report on the source of the
 * same section; an RR where nothing was sent yet. */
#include "media/leg_private.h"

#include "config/base/ids.h"
#include "media/io/pump.h"

/* An SSRC that is not used any more (another codec is) is not reported on for ever. */
#define SENDER_FORGOTTEN_US (10 * CFG_US_PER_S)

static void
send_report (MediaLeg *leg, MediaSection *section, MediaSinkStream *stream, gboolean with_block, gboolean bye,
             CfgMonotonic now, CfgWall wall)
{
  guint8 packet[MEDIA_PACKET_SIZE];
  MediaRtcpReportBlock block;
  MediaRtcpReport report = { .cname = leg->cname, .bye = bye };
  gssize size;

  report.ssrc = stream != NULL ? stream->rewriter.ssrc : section->plan.ssrc;
  if (report.ssrc == 0)
    report.ssrc = 1; /* receive-only with nothing announced: RFC 3550 asks for some SSRC */
  if (stream != NULL)
    report.has_sender_info = media_sender_stats_info (&stream->sent, now, wall, &report.sender_info);
  if (with_block && media_receiver_stats_report (&section->source.received, now, &block))
    {
      report.reports = &block;
      report.n_reports = 1;
    }
  size = media_rtcp_build (&report, packet, MEDIA_RTP_PACKET_MAX);
  if (size > 0)
    leg->ops->send_rtcp (leg->user, packet, (gsize)size, now);
}

static void
report_section (MediaLeg *leg, MediaSection *section, gboolean bye, CfgMonotonic now, CfgWall wall)
{
  MediaSinkStream *current = media_sink_stream (&section->sink);
  const gboolean receives = section->source.packets > 0;

  if (current != NULL || receives)
    send_report (leg, section, current, receives, bye, now, wall);
  for (guint i = 0; i < MEDIA_CODEC_N; i++)
    {
      MediaSinkStream *stream = &section->sink.streams[i];

      if (!stream->used || stream == current)
        continue;
      if (bye || cfg_monotonic_diff_us (now, stream->sent.last_at) < SENDER_FORGOTTEN_US)
        send_report (leg, section, stream, FALSE, bye, now, wall);
    }
}

static gboolean
anything_flows (const MediaLeg *leg)
{
  for (guint i = 0; i < leg->n_sections; i++)
    if (leg->sections[i]->sink.have_codec || leg->sections[i]->source.packets > 0)
      return TRUE;
  return FALSE;
}

void
media_leg_send_reports (MediaLeg *leg, CfgMonotonic now, CfgWall wall, gboolean bye)
{
  if (!anything_flows (leg))
    return;
  if (!bye && !leg->rtcp_started)
    {
      leg->rtcp_started = TRUE;
      leg->rtcp_at = cfg_monotonic_add_us (now, media_rtcp_interval_us (TRUE, cfg_random_u32 ()));
    }
  if (!bye && cfg_monotonic_diff_us (now, leg->rtcp_at) < 0)
    return;
  leg->rtcp_at = cfg_monotonic_add_us (now, media_rtcp_interval_us (FALSE, cfg_random_u32 ()));
  for (guint i = 0; i < leg->n_sections; i++)
    report_section (leg, leg->sections[i], bye, now, wall);
}
