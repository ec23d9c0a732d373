#include "tools/load/flow.h"

#include <string.h>

#include "config/base/ids.h"
#include "media/core/rtp.h"

#define HEARD_FRAMES (1000 / LOAD_FRAME_MS)
#define SPURT_START  (LOAD_LOOP_FRAMES - 8) /* of the loop, whose first frame is a mark */

void
load_flow_init (LoadFlow *flow, const LoadFrames *frames, gboolean talks)
{
  memset (flow, 0, sizeof *flow);
  flow->frames = frames;
  flow->talks = talks;
  flow->ssrc = cfg_random_u32 () | 1;
  flow->timestamp = cfg_random_u32 ();
  flow->sequence = (guint16)(cfg_random_u32 () & 0x3fff);
  flow->delays = g_array_new (FALSE, FALSE, sizeof (gint64));
  media_receiver_stats_init (&flow->rx, media_codec_get_clock_rate (media_codec_get (frames->codec)), 0);
  flow->rx_codec = frames->codec;
}

void
load_flow_clear (LoadFlow *flow)
{
  g_clear_pointer (&flow->decoder, media_decoder_free);
  g_clear_pointer (&flow->delays, g_array_unref);
}

void
load_flow_add_format (LoadFlow *flow, guint8 payload_type, MediaCodecId codec)
{
  for (guint i = 0; i < flow->n_formats; i++)
    if (flow->formats[i].payload_type == payload_type)
      {
        flow->formats[i].codec = codec;
        return;
      }
  if (flow->n_formats < G_N_ELEMENTS (flow->formats))
    flow->formats[flow->n_formats++] = (LoadFormat){ payload_type, codec };
}

void
load_flow_set_turn (LoadFlow *flow, guint spurt_frames, guint pause_frames, guint room, guint nth, guint n)
{
  flow->spurt_frames = spurt_frames;
  flow->pause_frames = spurt_frames > 0 ? pause_frames : 0;
  flow->turn = spurt_frames > 0 ? nth * (spurt_frames + pause_frames) / n : 0;
  flow->position = spurt_frames > 0 ? SPURT_START + flow->turn
                                    : (room * 7 + nth * LOAD_MARK_FRAMES / n) % LOAD_LOOP_FRAMES;
}

/* Whether it talks in this frame. Each spurt begins shortly before a mark, so that short ones have one too.
 */
static gboolean
take_turn (LoadFlow *flow)
{
  const guint turn = flow->turn;

  if (!flow->talks || flow->spurt_frames == 0)
    return flow->talks;
  flow->turn = (turn + 1) % (flow->spurt_frames + flow->pause_frames);
  if (turn == 0)
    flow->position = SPURT_START;
  return turn < flow->spurt_frames;
}

static void
step (LoadFlow *flow)
{
  flow->position = (flow->position + 1) % LOAD_LOOP_FRAMES;
  flow->timestamp += flow->frames->units;
}

void
load_flow_pass (LoadFlow *flow)
{
  (void)take_turn (flow);
  step (flow);
}

gsize
load_flow_next (LoadFlow *flow, guint8 *packet, gboolean *mark)
{
  const gboolean talks = take_turn (flow);
  const gboolean sends = talks || !flow->muted || flow->sent < HEARD_FRAMES;
  const LoadPayload *payload
      = talks ? &flow->frames->speech[flow->position % LOAD_LOOP_FRAMES] : &flow->frames->silence;
  const MediaRtpHeader header = { .payload_type = flow->payload_type,
                                  .marker = !flow->was_sending,
                                  .sequence = flow->sequence,
                                  .timestamp = flow->timestamp,
                                  .ssrc = flow->ssrc };
  const gssize size
      = sends ? media_rtp_write (&header, payload->data, payload->size, packet, MEDIA_RTP_PACKET_MAX) : 0;

  *mark = talks && flow->position % LOAD_MARK_FRAMES == 0;
  step (flow);
  flow->ticks++;
  flow->was_sending = sends;
  if (!sends)
    return 0;
  flow->sequence++;
  flow->sent++;
  flow->octets += payload->size;
  return (gsize)MAX (size, 0);
}

gsize
load_flow_report (LoadFlow *flow, guint8 *packet, gsize capacity, CfgMonotonic now, CfgWall wall)
{
  MediaRtcpReportBlock block;
  const gboolean heard = media_receiver_stats_report (&flow->rx, now, &block);
  const MediaRtcpReport report = { .ssrc = flow->ssrc,
                                   .has_sender_info = TRUE,
                                   .sender_info = { .ntp = media_rtcp_ntp (wall),
                                                    .rtp_timestamp = flow->timestamp,
                                                    .packets = (guint32)flow->sent,
                                                    .octets = (guint32)flow->octets },
                                   .reports = &block,
                                   .n_reports = heard,
                                   .cname = "load" };
  const gssize size = flow->sent == 0 ? 0 : media_rtcp_build (&report, packet, capacity);

  return (gsize)MAX (size, 0);
}

/* Whether a pause ends with it: it has a marker, or its clock went on as ours did, for longer than the
 * packets before it took that were lost. */
static gboolean
ends_pause (const LoadFlow *flow, const MediaRtpView *view, guint clock_rate_hz, gint64 gap_us)
{
  const gint64 stream_us = media_rtp_units_to_us (
      media_rtp_timestamp_diff (view->timestamp, flow->last_timestamp), clock_rate_hz);
  const gint64 frames = (gint16)(guint16)(view->sequence - flow->last_sequence);

  if (view->marker)
    return TRUE;
  return view->ssrc == flow->last_ssrc && ABS (stream_us - gap_us) <= LOAD_GAP_US
         && stream_us - frames * LOAD_FRAME_MS * CFG_US_PER_MS >= LOAD_GAP_US - LOAD_FRAME_MS * CFG_US_PER_MS;
}

static void
follow_gap (LoadFlow *flow, const MediaRtpView *view, guint clock_rate_hz, CfgMonotonic now)
{
  const gint64 gap_us = now.us - flow->last_us;

  if (flow->last_us != 0
      && !(flow->hears_pauses && gap_us > LOAD_GAP_US && ends_pause (flow, view, clock_rate_hz, gap_us)))
    {
      flow->gaps += gap_us > LOAD_GAP_US;
      flow->gap_max_us = MAX (flow->gap_max_us, gap_us);
    }
  flow->last_us = now.us;
  flow->last_ssrc = view->ssrc;
  flow->last_sequence = view->sequence;
  flow->last_timestamp = view->timestamp;
}

/* How far it is behind the stream's fastest packet; that one is the measure from then on. */
static void
follow_arrival (LoadFlow *flow, const MediaRtpView *view, guint clock_rate_hz, CfgMonotonic now)
{
  const gint64 stream_us = media_rtp_units_to_us (
      media_rtp_timestamp_diff (view->timestamp, flow->base_timestamp), clock_rate_hz);

  follow_gap (flow, view, clock_rate_hz, now);
  if (flow->base_ssrc != view->ssrc || now.us - stream_us < flow->base_us)
    {
      flow->base_ssrc = view->ssrc;
      flow->base_timestamp = view->timestamp;
      flow->base_us = now.us;
    }
  else
    {
      flow->late += now.us - stream_us - flow->base_us > LOAD_LATE_US;
      /* Anew now and then: the difference of timestamps has a sign, and a clock may drift. */
      if (stream_us > 600 * CFG_US_PER_S)
        {
          flow->base_timestamp = view->timestamp;
          flow->base_us += stream_us;
        }
    }
}

static gint64
look_for_mark (LoadFlow *flow, const MediaRtpView *view, CfgMonotonic now)
{
  gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];
  gssize samples;

  if (flow->decoder != NULL && flow->rx_codec != media_codec_get_id (media_decoder_get_codec (flow->decoder)))
    g_clear_pointer (&flow->decoder, media_decoder_free);
  if (flow->decoder == NULL)
    flow->decoder = media_decoder_new (media_codec_get (flow->rx_codec), LOAD_MARK_RATE_HZ, NULL);
  if (flow->decoder == NULL)
    return -1;
  samples = media_decoder_decode (flow->decoder, view->payload, view->payload_size, pcm, G_N_ELEMENTS (pcm));
  return samples > 0 ? load_marks_push (&flow->marks, pcm, (gsize)samples, now.us) : -1;
}

gint64
load_flow_receive (LoadFlow *flow, const guint8 *data, gsize size, CfgMonotonic now)
{
  MediaRtpView view;
  const LoadFormat *format = NULL;
  guint clock_rate_hz;

  if (media_rtp_parse (&view, data, size) != 0)
    return -1;
  for (guint i = 0; i < flow->n_formats && format == NULL; i++)
    if (flow->formats[i].payload_type == view.payload_type)
      format = &flow->formats[i];
  clock_rate_hz
      = media_codec_get_clock_rate (media_codec_get (format != NULL ? format->codec : flow->rx_codec));
  if (format != NULL && format->codec != flow->rx_codec)
    {
      flow->rx_codec = format->codec;
      media_receiver_stats_set_clock_rate (&flow->rx, clock_rate_hz);
    }
  (void)media_receiver_stats_add (&flow->rx, &view, format != NULL, now);
  if (format == NULL)
    return -1; /* comfort noise or a key press: counts in sequence only */
  follow_arrival (flow, &view, clock_rate_hz, now);
  if (!flow->decodes
      && !(flow->decodes_g711 && (format->codec == MEDIA_CODEC_PCMU || format->codec == MEDIA_CODEC_PCMA)))
    return -1;
  return look_for_mark (flow, &view, now);
}

void
load_flow_receive_report (LoadFlow *flow, const guint8 *data, gsize size, CfgMonotonic now)
{
  MediaRtcpReader reader;
  MediaRtcpPacket packet;

  if (media_rtcp_reader_init (&reader, data, size) != 0)
    return;
  while (media_rtcp_reader_next (&reader, &packet))
    {
      if (packet.type == MEDIA_RTCP_SR)
        media_receiver_stats_on_sr (&flow->rx, packet.ssrc, packet.sender_info.ntp, now);
      for (guint i = 0; i < packet.n_reports; i++)
        if (packet.reports[i].ssrc == flow->ssrc)
          flow->reported_lost = (guint64)MAX (packet.reports[i].cumulative_lost, 0);
    }
}

void
load_flow_add_delay (LoadFlow *flow, gint64 delay_us)
{
  g_array_append_val (flow->delays, delay_us);
}

void
load_flow_begin (LoadFlow *flow)
{
  flow->ticks_before = flow->ticks;
  flow->sent_before = flow->sent;
  flow->received_before = flow->rx.total_received + flow->rx.received;
  flow->expected_before = media_receiver_stats_expected (&flow->rx);
  flow->lost_before = media_receiver_stats_lost (&flow->rx);
  flow->duplicates_before = flow->rx.duplicates;
  flow->reordered_before = flow->rx.reordered;
  flow->reported_before = flow->reported_lost;
  flow->gaps = flow->late = 0;
  flow->gap_max_us = 0;
  flow->base_us = G_MAXINT64; /* what came while they joined is no measure */
  g_array_set_size (flow->delays, 0);
}

/* The counters of an SSRC begin anew with the next one. */
static guint64
since (guint64 now, guint64 before)
{
  return now > before ? now - before : 0;
}

void
load_flow_result (const LoadFlow *flow, LoadFlowResult *result)
{
  *result = (LoadFlowResult){
    .due = flow->ticks - flow->ticks_before,
    .sent = flow->sent - flow->sent_before,
    .received = since (flow->rx.total_received + flow->rx.received, flow->received_before),
    .expected = since (media_receiver_stats_expected (&flow->rx), flow->expected_before),
    .lost = since (media_receiver_stats_lost (&flow->rx), flow->lost_before),
    .duplicates = since (flow->rx.duplicates, flow->duplicates_before),
    .reordered = since (flow->rx.reordered, flow->reordered_before),
    .gaps = flow->gaps,
    .late = flow->late,
    .gap_max_us = flow->gap_max_us,
    .jitter_us = media_receiver_stats_jitter_us (&flow->rx),
    .reported_lost = since (flow->reported_lost, flow->reported_before),
    .marks = flow->delays->len,
    .delays = flow->delays,
  };
}

guint64
load_flow_missing (const LoadFlowResult *result, guint64 edges)
{
  const guint64 missing = since (result->due, result->expected);

  return missing > edges ? missing : 0;
}
