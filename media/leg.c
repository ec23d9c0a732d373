#include "media/leg_private.h"

#include <string.h>

#include "media/core/mos.h"

MediaLeg *
media_leg_new (const MediaLegConfig *config, const MediaLegOps *ops, gpointer user, CfgMonotonic now)
{
  MediaLeg *leg = MEDIA_NEW_LINES (MediaLeg);

  leg->config = *config;
  leg->ops = ops;
  leg->user = user;
  leg->gain_q12 = leg->was_q12 = MEDIA_MIXER_GAIN_UNITY;
  leg->waiting_since = now;
  return leg;
}

void
media_leg_free (MediaLeg *leg)
{
  g_assert (leg->room == NULL);
  g_clear_pointer (&leg->plays, g_ptr_array_unref);
  for (guint i = 0; i < leg->n_sections; i++)
    {
      media_source_clear (&leg->sections[i]->source);
      media_sink_clear (&leg->sections[i]->sink);
      g_aligned_free (leg->sections[i]);
    }
  g_free (leg->gains);
  g_aligned_free (leg);
}

MediaLegId
media_leg_get_id (const MediaLeg *leg)
{
  return leg->config.id;
}

static MediaSection *
ensure_section (MediaLeg *leg, guint index)
{
  MediaSection *section;

  if (index < leg->n_sections)
    return leg->sections[index];
  section = MEDIA_NEW_LINES (MediaSection);
  section->index = index;
  media_source_init (&section->source, section, leg);
  media_sink_init (&section->sink, section, leg);
  leg->sections[leg->n_sections++] = section;
  return section;
}

static void
remember_ssrc (MediaLeg *leg, guint32 ssrc, guint section)
{
  for (guint i = 0; i < leg->n_ssrcs; i++)
    if (leg->ssrcs[i].ssrc == ssrc)
      {
        leg->ssrcs[i].section = (guint8)section;
        return;
      }
  leg->ssrcs[leg->next_ssrc] = (MediaSsrcEntry){ .ssrc = ssrc, .section = (guint8)section };
  leg->next_ssrc = (leg->next_ssrc + 1) % MEDIA_SSRC_TABLE;
  leg->n_ssrcs = MIN (leg->n_ssrcs + 1, MEDIA_SSRC_TABLE);
}

void
media_leg_configure (MediaLeg *leg, const MediaPlan *plan, CfgMonotonic now)
{
  const guint n = MIN (plan->n_sections, MEDIA_MAX_SECTIONS);
  const gboolean received = leg->receives;

  leg->receives = FALSE;
  leg->mid_id = 0;
  leg->authenticated = leg->config.authenticated || plan->srtp_remote.profile != MEDIA_SRTP_NONE;
  g_strlcpy (leg->cname, plan->cname[0] != '\0' ? plan->cname : "switchroom", sizeof leg->cname);
  for (guint i = 0; i < MAX (n, leg->n_sections); i++)
    {
      MediaSection *section = ensure_section (leg, i);

      if (i < n)
        section->plan = plan->sections[i];
      else
        section->plan.is_audio = FALSE;
      section->plan.n_codecs = MIN (section->plan.n_codecs, MEDIA_MAX_CODECS);
      media_source_configure (&section->source);
      media_sink_configure (&section->sink);
      leg->receives |= section->source.enabled;
      if (section->plan.is_audio && section->plan.ext_mid_id != 0)
        leg->mid_id = section->plan.ext_mid_id;
      if (section->source.enabled && section->plan.remote_ssrc != 0)
        remember_ssrc (leg, section->plan.remote_ssrc, i);
    }
  if (leg->receives && !received)
    {
      leg->waiting_since = now;
      leg->timed_out = FALSE;
    }
  if (leg->room != NULL)
    media_room_changed (leg->room);
}

void
media_leg_set_muted (MediaLeg *leg, gboolean muted)
{
  if (leg->muted == muted)
    return;
  leg->muted = muted;
  if (leg->room != NULL)
    media_room_changed (leg->room);
}

/* They are in the order of their listeners. Returns: the first one of @listener or of one behind it. */
static guint
gain_index (const MediaLeg *leg, MediaLegId listener)
{
  guint from = 0, to = leg->n_gains;

  while (from < to)
    {
      const guint middle = (from + to) / 2;

      if (leg->gains[middle].listener < listener)
        from = middle + 1;
      else
        to = middle;
    }
  return from;
}

static MediaGain *
find_gain (const MediaLeg *leg, MediaLegId listener)
{
  const guint i = gain_index (leg, listener);

  return i < leg->n_gains && leg->gains[i].listener == listener ? &leg->gains[i] : NULL;
}

static void
set_listener_gain (MediaLeg *leg, MediaLegId listener, gint32 gain_q12)
{
  MediaGain *gain = find_gain (leg, listener);
  guint i;

  if (gain != NULL)
    {
      gain->gain_q12 = gain_q12;
      return;
    }
  if (leg->n_gains >= MEDIA_MAX_GAINS)
    return;
  i = gain_index (leg, listener);
  leg->gains = g_renew (MediaGain, leg->gains, leg->n_gains + 1);
  memmove (leg->gains + i + 1, leg->gains + i, (leg->n_gains - i) * sizeof *leg->gains);
  leg->gains[i] = (MediaGain){ .listener = listener, .gain_q12 = gain_q12, .was_q12 = leg->was_q12 };
  leg->n_gains++;
}

void
media_leg_set_gain (MediaLeg *leg, MediaLegId listener, double gain_db)
{
  const gint32 gain_q12 = media_mixer_gain_from_db (gain_db);

  leg->gains_move = TRUE;
  if (listener == 0)
    leg->gain_q12 = gain_q12;
  else
    set_listener_gain (leg, listener, gain_q12);
  if (leg->room != NULL)
    media_room_changed (leg->room);
}

void
media_leg_set_deaf (MediaLeg *leg, gboolean is_deaf)
{
  if (leg->is_deaf == is_deaf)
    return;
  leg->is_deaf = is_deaf;
  if (leg->room != NULL)
    media_room_changed (leg->room);
}

void
media_leg_forget_listener (MediaLeg *leg, MediaLegId listener)
{
  MediaGain *gain = find_gain (leg, listener);

  if (gain == NULL)
    return;
  leg->n_gains--;
  memmove (gain, gain + 1, (gsize)(leg->gains + leg->n_gains - gain) * sizeof *gain);
  if (leg->room != NULL)
    media_room_changed (leg->room);
}

gint32
media_leg_gain_for (const MediaLeg *leg, MediaLegId listener)
{
  const MediaGain *gain = find_gain (leg, listener);

  return gain != NULL ? gain->gain_q12 : leg->gain_q12;
}

gint32
media_leg_gain_to (const MediaLeg *leg, const MediaLeg *listener)
{
  return listener->is_deaf ? 0 : media_leg_gain_for (leg, listener->config.id);
}

const MediaGain *
media_leg_own_gain (const MediaLeg *leg, MediaLegId listener)
{
  return find_gain (leg, listener);
}

void
media_leg_settle_gains (MediaLeg *leg)
{
  if (!leg->gains_move)
    return;
  leg->gains_move = FALSE;
  leg->was_q12 = leg->gain_q12;
  for (guint i = 0; i < leg->n_gains; i++)
    leg->gains[i].was_q12 = leg->gains[i].gain_q12;
}

static MediaSection *
section_by_mid (MediaLeg *leg, const MediaRtpView *packet)
{
  char mid[MEDIA_RTP_MID_MAX + 1];

  if (leg->mid_id == 0 || !media_rtp_read_mid (packet, leg->mid_id, mid))
    return NULL;
  for (guint i = 0; i < leg->n_sections; i++)
    if (leg->sections[i]->plan.is_audio && g_str_equal (leg->sections[i]->plan.mid, mid))
      {
        remember_ssrc (leg, packet->ssrc, i);
        return leg->sections[i];
      }
  return NULL;
}

/* RFC 8843 9.2: MID, else what is known of the SSRC, else the first section to which the payload type means
 * something. The table is bounded; the oldest entry gives way. */
MediaSection *
media_leg_section_for (MediaLeg *leg, const MediaRtpView *packet)
{
  MediaSection *section = section_by_mid (leg, packet);

  if (section != NULL)
    return section;
  for (guint i = 0; i < leg->n_ssrcs; i++)
    if (leg->ssrcs[i].ssrc == packet->ssrc && leg->ssrcs[i].section < leg->n_sections)
      return leg->sections[leg->ssrcs[i].section];
  for (guint i = 0; i < leg->n_sections; i++)
    {
      section = leg->sections[i];
      /* Every slot below n_sections is filled. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
      if (section->source.enabled
          && section->source.kind_of_pt[packet->payload_type & 0x7f] != MEDIA_PT_UNKNOWN)
        {
          remember_ssrc (leg, packet->ssrc, i);
          return section;
        }
    }
  return NULL;
}

static void
note_received (MediaLeg *leg, CfgMonotonic now)
{
  leg->have_received = TRUE;
  leg->received_at = now;
  leg->timed_out = FALSE;
}

void
media_leg_expect (const MediaLeg *leg, MediaTrail *trail)
{
  const MediaSection *section = leg->sections[0];

  if (section == NULL)
    return;
  media_trail_add (trail, leg, MEDIA_CACHE_LINE);
  media_trail_add (trail, leg->ssrcs, MEDIA_CACHE_LINE);
  media_trail_add (trail, &leg->n_ssrcs, MEDIA_CACHE_LINE);
  media_trail_add (trail, section, G_STRUCT_OFFSET (MediaSection, sink));
  media_trail_add (trail, section->source.forward_to, sizeof *section->source.forward_to);
  if (section->source.forward_to->len != 1)
    return;
  media_trail_add (trail, section->source.forward_to->pdata, MEDIA_CACHE_LINE);
  media_sink_expect (g_ptr_array_index (section->source.forward_to, 0), section->source.codec, trail);
}

void
media_leg_receive_rtp (MediaLeg *leg, const MediaRtpView *packet, CfgMonotonic now)
{
  MediaSection *section = media_leg_section_for (leg, packet);

  note_received (leg, now);
  if (section == NULL)
    {
      if (leg->n_sections > 0)
        leg->sections[0]->source.discarded++;
      return;
    }
  media_source_receive (&section->source, packet, now);
}

static void
receive_reports (MediaLeg *leg, const MediaRtcpPacket *packet, CfgMonotonic now, CfgWall wall)
{
  for (guint i = 0; i < leg->n_sections; i++)
    {
      if (packet->type == MEDIA_RTCP_SR)
        media_receiver_stats_on_sr (&leg->sections[i]->source.received, packet->ssrc, packet->sender_info.ntp,
                                    now);
      for (guint k = 0; k < packet->n_reports; k++)
        media_sink_on_report (&leg->sections[i]->sink, &packet->reports[k], now, wall);
    }
}

void
media_leg_receive_rtcp (MediaLeg *leg, const guint8 *data, gsize size, CfgMonotonic now, CfgWall wall)
{
  MediaRtcpReader reader;
  MediaRtcpPacket packet;

  if (media_rtcp_reader_init (&reader, data, size) != 0)
    return;
  note_received (leg, now);
  while (media_rtcp_reader_next (&reader, &packet))
    if (packet.type == MEDIA_RTCP_SR || packet.type == MEDIA_RTCP_RR)
      receive_reports (leg, &packet, now, wall);
}

static void
check_timeout (MediaLeg *leg, CfgMonotonic now)
{
  const gboolean initial = !leg->have_received;
  const gint64 limit_us = initial ? leg->config.timeout_initial_us : leg->config.timeout_us;
  CfgMonotonic since = leg->waiting_since;

  if (!leg->receives || limit_us <= 0 || leg->timed_out)
    return;
  if (leg->have_received && cfg_monotonic_diff_us (leg->received_at, since) > 0)
    since = leg->received_at;
  if (cfg_monotonic_diff_us (now, since) < limit_us)
    return;
  leg->timed_out = TRUE;
  leg->ops->timeout (leg->user, initial);
}

void
media_leg_housekeep (MediaLeg *leg, CfgMonotonic now, CfgWall wall)
{
  for (guint i = 0; i < leg->n_sections; i++)
    {
      media_source_housekeep (&leg->sections[i]->source, now);
      media_sink_housekeep (&leg->sections[i]->sink, now);
    }
  media_leg_send_reports (leg, now, wall, FALSE);
  check_timeout (leg, now);
}

void
media_leg_say_bye (MediaLeg *leg, CfgMonotonic now, CfgWall wall)
{
  media_leg_send_reports (leg, now, wall, TRUE);
}

static MediaMosCodec
mos_codec (MediaCodecId codec)
{
  return codec == MEDIA_CODEC_OPUS   ? MEDIA_MOS_OPUS
         : codec == MEDIA_CODEC_G722 ? MEDIA_MOS_G722
                                     : MEDIA_MOS_G711;
}

static void
add_source_stats (const MediaSource *source, MediaLegStats *stats, guint64 *late)
{
  stats->in.packets += source->packets;
  stats->in.bytes += source->bytes;
  stats->in.lost += media_receiver_stats_lost (&source->received);
  stats->in.discarded += source->discarded + media_source_late (source);
  *late += media_source_late (source);
  stats->concealed += media_source_concealed (source);
  stats->in.jitter_ms
      = MAX (stats->in.jitter_ms, (double)media_receiver_stats_jitter_us (&source->received) / CFG_US_PER_MS);
  if (source->have_codec && stats->codec_in[0] == '\0')
    g_strlcpy (stats->codec_in, media_codec_get_name (media_codec_get (source->codec)),
               sizeof stats->codec_in);
  if (source->feed != NULL)
    {
      MediaFeedStats feed;

      media_feed_get_stats (source->feed, &feed);
      stats->playout_delay_ms = MAX (stats->playout_delay_ms, feed.delay_ms);
    }
}

static void
add_sink_stats (MediaSink *sink, MediaLegStats *stats)
{
  const MediaSinkStream *current = media_sink_stream (sink);

  stats->out.packets += sink->packets_before;
  stats->out.bytes += sink->bytes_before;
  stats->out.lost += sink->lost_before;
  for (guint i = 0; i < MEDIA_CODEC_N; i++)
    {
      const MediaSenderStats *sent = &sink->streams[i].sent;

      if (!sink->streams[i].used)
        continue;
      stats->out.packets += sent->packets;
      stats->out.bytes += sent->octets;
      if (!sent->have_report)
        continue;
      stats->out.lost += media_sink_stream_lost (&sink->streams[i]);
      if (&sink->streams[i] != current)
        continue;
      stats->out.jitter_ms
          = MAX (stats->out.jitter_ms, (double)sent->report.jitter * 1000 / (double)sent->clock_rate_hz);
      if (sent->round_trip_us >= 0)
        stats->rtt_ms = (double)sent->round_trip_us / CFG_US_PER_MS;
    }
  if (current != NULL && stats->codec_out[0] == '\0')
    g_strlcpy (stats->codec_out, media_codec_get_name (media_codec_get (sink->codec)),
               sizeof stats->codec_out);
}

static double
share (guint64 part, guint64 whole)
{
  return whole == 0 ? 0 : MIN (1.0, (double)part / (double)whole);
}

static void
judge (const MediaLeg *leg, MediaLegStats *stats, guint64 expected, guint64 late)
{
  MediaMosInput in = { .round_trip_ms = stats->rtt_ms, .jitter_ms = stats->in.jitter_ms };
  MediaMosInput out = { .round_trip_ms = stats->rtt_ms, .jitter_ms = stats->out.jitter_ms };

  stats->in.loss_percent = 100 * share (stats->in.lost, expected);
  stats->out.loss_percent = 100 * share (stats->out.lost, stats->out.packets);
  if (leg->n_sections == 0)
    return;
  in.codec = mos_codec (leg->sections[0]->source.codec);
  in.loss = stats->in.loss_percent / 100;
  in.late = share (late, expected);
  in.buffer_ms = stats->playout_delay_ms;
  out.codec = mos_codec (leg->sections[0]->sink.codec);
  out.loss = stats->out.loss_percent / 100;
  stats->in.mos = stats->in.packets > 0 ? media_mos (&in) : 0;
  stats->out.mos = stats->out.packets > 0 ? media_mos (&out) : 0;
}

void
media_leg_get_stats (MediaLeg *leg, MediaLegStats *stats)
{
  guint64 expected = 0, late = 0;

  stats->rtt_ms = -1;
  for (guint i = 0; i < leg->n_sections; i++)
    {
      add_source_stats (&leg->sections[i]->source, stats, &late);
      expected += media_receiver_stats_expected (&leg->sections[i]->source.received);
      add_sink_stats (&leg->sections[i]->sink, stats);
    }
  if (leg->n_sections > 0)
    stats->forwarding = leg->sections[0]->sink.mode == MEDIA_SINK_FORWARDING;
  judge (leg, stats, expected, late);
}
