/* What we send in one section. Whatever a sink does (forward, mix, be silent), its packets go through the
 * rewriter of the codec's stream: one SSRC per codec, sequence and timestamps without a break. */
#include "media/leg_private.h"

#include <string.h>

#include "config/base/ids.h"
#include "media/codec/comfort_noise.h"
#include "media/core/opus_rate.h"
#include "media/io/pump.h"

#define PTIME_DEFAULT_MS 20
#define PTIME_MAX_MS     60
/* Comfort noise is repeated so often; a firewall's or carrier's patience is longer by far. */
#define NOISE_INTERVAL_TICKS 10
#define NOISE_AFTER_TICKS    10
#define DTX_INTERVAL_TICKS   20
#define FILL_AFTER_MS        400
/* Then nothing is heard any more of the last packet. */
#define PAUSE_US        (100 * CFG_US_PER_MS)
#define ENCODER_IDLE_MS 10000
/* The peer's reports come about every 5 s. */
#define LOSSY_ABOVE 0.05
#define CLEAN_BELOW 0.01
/* So many changes of codec may follow one another before a pause is due. */
#define CHANGES_MAX      4
#define CHANGES_PAUSE_US (2 * CFG_US_PER_S)
#define LOSSY_REPORTS    2
#define CLEAN_REPORTS    6
#define BETTER_REPORTS   4

void
media_sink_init (MediaSink *sink, MediaSection *section, MediaLeg *leg)
{
  sink->leg = leg;
  sink->section = section;
  sink->last_octet = -1;
  memset (sink->plan_of_codec, -1, sizeof sink->plan_of_codec);
}

void
media_sink_unroute (MediaSink *sink)
{
  sink->mode = MEDIA_SINK_IDLE;
  sink->fade = MEDIA_FADE_NONE;
  sink->faded = FALSE;
  sink->from = NULL;
  sink->filling = FALSE;
  sink->heard_group = 0;
  sink->last_octet = -1;
  sink->joins = FALSE;
  sink->join_from = 0;
}

void
media_sink_clear (MediaSink *sink)
{
  g_clear_pointer (&sink->encoder, media_encoder_free);
  g_clear_pointer (&sink->pcm, g_free);
  g_clear_pointer (&sink->digits, g_free);
}

void
media_sink_configure (MediaSink *sink)
{
  const MediaPlanSection *plan = &sink->section->plan;

  sink->enabled = plan->is_audio && plan->send && plan->n_codecs > 0 && plan->sink != MEDIA_SINK_NONE;
  memset (sink->plan_of_codec, -1, sizeof sink->plan_of_codec);
  for (guint i = plan->n_codecs; i-- > 0;)
    sink->plan_of_codec[plan->codecs[i].codec] = (gint8)i;
  if (!sink->have_codec && plan->n_codecs > 0)
    sink->codec = plan->codecs[0].codec;
  sink->wants_announced |= plan->ssrc != 0 && plan->ssrc != sink->announced_ssrc;
  if (plan->ssrc != 0)
    sink->announced_ssrc = plan->ssrc;
}

gboolean
media_sink_speaks (const MediaSink *sink, MediaCodecId codec)
{
  return sink->plan_of_codec[codec] >= 0;
}

guint
media_sink_ptime_ms (const MediaSink *sink)
{
  const guint asked = sink->section->plan.ptime_ms;

  return asked == 0 ? PTIME_DEFAULT_MS : CLAMP (asked / 10 * 10, 10, PTIME_MAX_MS);
}

MediaSinkStream *
media_sink_stream (MediaSink *sink)
{
  return sink->have_codec ? &sink->streams[sink->codec] : NULL;
}

/* RFC 3550 8: a random SSRC, none of ours. */
static guint32
fresh_ssrc (const MediaSink *sink)
{
  for (;;)
    {
      const guint32 ssrc = cfg_random_u32 ();
      gboolean taken = ssrc == 0 || ssrc == sink->section->plan.ssrc;

      for (guint i = 0; i < MEDIA_CODEC_N; i++)
        taken |= sink->streams[i].used && sink->streams[i].rewriter.ssrc == ssrc;
      if (!taken)
        return ssrc;
    }
}

guint64
media_sink_stream_lost (const MediaSinkStream *stream)
{
  return (guint64)MAX (stream->sent.report.cumulative_lost - stream->gaps, 0);
}

/* The numbers of an SSRC that goes away stay in the sums. */
static void
retire (MediaSink *sink, MediaSinkStream *stream)
{
  const MediaLeg *leg = sink->leg;

  if (!stream->used)
    return;
  sink->packets_before += stream->sent.packets;
  sink->bytes_before += stream->sent.octets;
  if (stream->sent.have_report)
    sink->lost_before += media_sink_stream_lost (stream);
  if (leg->ops->forget_ssrc != NULL)
    leg->ops->forget_ssrc (leg->user, stream->rewriter.ssrc);
}

/* The announced SSRC is the first codec's; each change of codec takes a fresh one. The one before stays known
 * for the reports that are still to come, until its codec is used again. */
static MediaSinkStream *
use_codec (MediaSink *sink, MediaCodecId codec, CfgMonotonic now)
{
  MediaSinkStream *stream = &sink->streams[codec];
  const guint clock_rate_hz = media_codec_get_clock_rate (media_codec_get (codec));
  guint32 ssrc;

  if (sink->have_codec && sink->codec == codec && stream->used && !sink->wants_announced)
    return stream;
  ssrc = sink->wants_announced ? sink->section->plan.ssrc : fresh_ssrc (sink);
  sink->wants_announced = FALSE;
  retire (sink, stream);
  /* RFC 3711 3.3.1: far from a wrap, so that a receiver of SRTP that misses the first packets guesses right.
   */
  media_rewriter_init (&stream->rewriter, ssrc, clock_rate_hz, (guint16)(cfg_random_u32 () & 0x7fff),
                       cfg_random_u32 ());
  media_sender_stats_init (&stream->sent, ssrc, clock_rate_hz);
  stream->reported_sequence = stream->rewriter.highest_sequence;
  stream->reported_packets = 0;
  stream->gaps = 0;
  stream->gaps_recent = 0;
  stream->used = TRUE;
  sink->have_codec = TRUE;
  sink->codec = codec;
  sink->n_changes
      = cfg_monotonic_diff_us (now, sink->codec_since) < CHANGES_PAUSE_US ? sink->n_changes + 1 : 0;
  sink->codec_since = now;
  return stream;
}

static void
send_packet (MediaSink *sink, MediaSinkStream *stream, const MediaRtpPlace *place, MediaRtpHeader *header,
             const guint8 *payload, gsize payload_size, CfgMonotonic now)
{
  const MediaPlanSection *plan = &sink->section->plan;
  guint8 packet[MEDIA_PACKET_SIZE];
  gssize size;

  header->sequence = place->sequence;
  header->timestamp = place->timestamp;
  header->marker = place->marker;
  header->ssrc = stream->rewriter.ssrc;
  if (plan->ext_mid_id >= 1 && plan->ext_mid_id <= 14 && plan->mid[0] != '\0'
      && strlen (plan->mid) <= MEDIA_RTP_MID_MAX)
    {
      header->mid_id = plan->ext_mid_id;
      header->mid = plan->mid;
    }
  size = media_rtp_write (header, payload, payload_size, packet, MEDIA_RTP_PACKET_MAX);
  if (size < 0)
    return;
  media_sender_stats_sent (&stream->sent, place->timestamp, payload_size, now);
  sink->leg->ops->send_rtp (sink->leg->user, packet, (gsize)size, now);
}

gboolean
media_sink_shows_level (const MediaSink *sink)
{
  return sink->section->plan.ext_level_id >= 1 && sink->section->plan.ext_level_id <= 14;
}

gboolean
media_sink_has_paused (const MediaSink *sink, CfgMonotonic now)
{
  return cfg_monotonic_diff_us (now, sink->streams[sink->codec].rewriter.last_at) > PAUSE_US;
}

/* The first packet that is forwarded after a mix, or of somebody else. */
static void
send_joined (MediaSink *sink, MediaSinkStream *stream, const MediaRtpPlace *place, MediaRtpHeader *header,
             const MediaRtpView *packet, CfgMonotonic now)
{
  guint8 payload[MEDIA_RTP_PACKET_MAX];

  memcpy (payload, packet->payload, MIN (packet->payload_size, sizeof payload));
  media_codec_join (media_codec_get (sink->codec), payload, MIN (packet->payload_size, sizeof payload),
                    sink->join_from);
  sink->joins = FALSE;
  sink->join_from = 0;
  send_packet (sink, stream, place, header, payload, MIN (packet->payload_size, sizeof payload), now);
}

static void
forward_as (MediaSink *sink, const MediaSource *source, const MediaRtpView *packet, guint8 payload_type,
            guint32 units, CfgMonotonic now)
{
  MediaRtpHeader header = { .payload_type = payload_type };
  MediaSinkStream *stream;
  MediaRtpPlace place;
  guint64 key;

  /* A peer that changes its codec with every packet is not worth an SSRC each. */
  if (sink->have_codec && sink->codec != source->codec && sink->n_changes >= CHANGES_MAX
      && cfg_monotonic_diff_us (now, sink->codec_since) < CHANGES_PAUSE_US)
    {
      sink->epoch++;
      return;
    }
  stream = use_codec (sink, source->codec, now);
  if (sink->joins && media_sink_has_paused (sink, now))
    sink->join_from = 0;
  key = source->serial << 24 | (sink->epoch & 0xffffff);
  if (media_rewriter_forward (&stream->rewriter, key, packet, units, now, &place) != 0)
    return;
  if (media_sink_shows_level (sink))
    {
      header.level_id = sink->section->plan.ext_level_id;
      header.level = MIN (source->level, MEDIA_LEVEL_SILENCE);
      header.voice = source->speech.active;
    }
  sink->filling = FALSE;
  sink->last_octet = units > 0 ? packet->payload[packet->payload_size - 1] : -1;
  if (sink->joins && units > 0)
    send_joined (sink, stream, &place, &header, packet, now);
  else
    send_packet (sink, stream, &place, &header, packet->payload, packet->payload_size, now);
}

void
media_sink_expect (const MediaSink *sink, MediaCodecId codec, MediaTrail *trail)
{
  media_trail_add (trail, sink, MEDIA_SINK_HEAD);
  media_trail_add (trail, sink->leg, MEDIA_CACHE_LINE);
  media_trail_add (trail, &sink->section->plan, G_STRUCT_OFFSET (MediaPlanSection, codecs[2]));
  media_trail_add (trail, &sink->streams[codec],
                   G_STRUCT_OFFSET (MediaSinkStream, sent) + G_STRUCT_OFFSET (MediaSenderStats, have_report));
  if (sink->leg->ops->expect_send != NULL)
    sink->leg->ops->expect_send (sink->leg->user, trail);
}

void
media_sink_forward (MediaSink *sink, const MediaSource *source, const MediaRtpView *packet, guint32 units,
                    CfgMonotonic now)
{
  const gint8 index = sink->plan_of_codec[source->codec];

  if (!sink->enabled || index < 0)
    return;
  if (media_sink_event_on (sink))
    {
      sink->epoch++;
      return;
    }
  forward_as (sink, source, packet, sink->section->plan.codecs[index].send_pt, units, now);
}

void
media_sink_forward_noise (MediaSink *sink, const MediaSource *source, const MediaRtpView *packet,
                          CfgMonotonic now)
{
  const guint8 payload_type = sink->section->plan.cn_pt;

  if (!sink->enabled)
    return;
  if (payload_type == 0 || !sink->have_codec || sink->codec != source->codec || media_sink_event_on (sink))
    sink->epoch++;
  else
    forward_as (sink, source, packet, payload_type, 0, now);
}

static void
produce_as (MediaSink *sink, MediaCodecId codec, guint8 payload_type, const guint8 *payload, gsize size,
            guint32 units, CfgMonotonic now)
{
  MediaSinkStream *stream = use_codec (sink, codec, now);
  MediaRtpHeader header = { .payload_type = payload_type };
  MediaRtpPlace place;

  media_rewriter_produce (&stream->rewriter, units, now, &place);
  send_packet (sink, stream, &place, &header, payload, size, now);
}

void
media_sink_produce (MediaSink *sink, MediaCodecId codec, const guint8 *payload, gssize size, guint32 units,
                    CfgMonotonic now)
{
  const gint8 index = sink->plan_of_codec[codec];

  if (!sink->enabled || index < 0 || media_sink_event_on (sink))
    return;
  sink->silent_ticks = 0;
  sink->silent_units = 0;
  sink->last_octet = -1;
  if (size > 0)
    produce_as (sink, codec, sink->section->plan.codecs[index].send_pt, payload, (gsize)size, units, now);
  else
    media_rewriter_pass (&use_codec (sink, codec, now)->rewriter, units, now);
}

void
media_sink_send_event (MediaSink *sink, const MediaDtmfPacket *event, guint32 *timestamp, CfgMonotonic now)
{
  MediaSinkStream *stream = use_codec (sink, sink->codec, now);
  MediaRtpHeader header = { .payload_type = sink->section->plan.dtmf_send_pt };
  MediaRtpPlace place;

  if (event->first)
    *timestamp = media_rewriter_event_begin (&stream->rewriter, now);
  media_rewriter_event (&stream->rewriter, *timestamp, event->units, event->first, &place);
  send_packet (sink, stream, &place, &header, event->payload, sizeof event->payload, now);
}

/* What the sink asked for, as far as the codec has frames of that length (RFC 6716 2.1.4: no 30 or 50 ms). */
static guint
packet_ms (const MediaSink *sink, MediaCodecId codec)
{
  const guint ptime_ms = media_sink_ptime_ms (sink);

  if (codec != MEDIA_CODEC_OPUS)
    return ptime_ms;
  return ptime_ms == 30 ? 20 : ptime_ms == 50 ? 40 : ptime_ms;
}

static void
send_silence (MediaSink *sink, MediaCodecId codec, guint ms, CfgMonotonic now)
{
  const MediaCodec *table = media_codec_get (codec);
  const guint32 units = media_codec_get_clock_rate (table) / 1000 * ms;
  guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
  gssize size;

  size = media_codec_silence (table, units, payload, sizeof payload);
  if (size <= 0)
    return;
  sink->silent_units += MIN (units, G_MAXUINT32 - sink->silent_units);
  produce_as (sink, codec, sink->section->plan.codecs[sink->plan_of_codec[codec]].send_pt, payload,
              (gsize)size, units, now);
}

void
media_sink_encoder_config (const MediaSink *sink, MediaCodecId codec, guint rate_hz, int complexity,
                           MediaEncoderConfig *config)
{
  const gint8 index = sink->plan_of_codec[codec];
  const MediaPlanCodec *plan = &sink->section->plan.codecs[MAX (index, 0)];
  guint bitrate_max;

  *config = (MediaEncoderConfig){ .sample_rate_hz = rate_hz };
  if (codec != MEDIA_CODEC_OPUS)
    return;
  config->opus_complexity = CLAMP (complexity, MEDIA_OPUS_COMPLEXITY_0, 10);
  config->opus_fec = plan->use_inband_fec && sink->loss_percent > 0;
  config->opus_loss_percent = config->opus_fec ? sink->loss_percent : 0;
  config->opus_bitrate = media_opus_bitrate (rate_hz, config->opus_fec, sink->loss_percent,
                                             media_opus_complexity (config->opus_complexity));
  /* A peer's limit that counts with some complexity counts with all: it stays when the complexity changes. */
  bitrate_max = plan->max_average_bitrate != 0 ? CLAMP (plan->max_average_bitrate, 6000, 64000) : G_MAXUINT;
  if (bitrate_max < media_opus_bitrate (rate_hz, config->opus_fec, sink->loss_percent, 0))
    {
      config->opus_bitrate = bitrate_max;
      config->opus_limited = TRUE;
    }
  config->opus_dtx = plan->use_dtx;
}

static gboolean
same_config (const MediaEncoderConfig *a, const MediaEncoderConfig *b)
{
  return a->opus_complexity == b->opus_complexity && a->opus_limited == b->opus_limited
         && a->opus_bitrate == b->opus_bitrate && a->opus_fec == b->opus_fec
         && a->opus_loss_percent == b->opus_loss_percent && a->opus_dtx == b->opus_dtx;
}

static MediaEncoder *
own_encoder (MediaSink *sink, MediaCodecId codec, guint rate_hz, int complexity, CfgMonotonic now)
{
  MediaEncoder *before = NULL;
  MediaEncoderConfig config;

  media_sink_encoder_config (sink, codec, rate_hz, complexity, &config);
  if (sink->encoder != NULL
      && (media_encoder_get_codec (sink->encoder) != media_codec_get (codec)
          || media_encoder_get_sample_rate (sink->encoder) != rate_hz))
    before = g_steal_pointer (&sink->encoder);
  if (sink->encoder == NULL)
    {
      sink->encoder = media_encoder_new (media_codec_get (codec), &config, NULL);
      if (sink->encoder != NULL && before != NULL)
        media_encoder_continue (sink->encoder, before);
      g_clear_pointer (&before, media_encoder_free);
    }
  else if (!same_config (&config, &sink->encoder_config))
    media_encoder_configure (sink->encoder, &config);
  sink->encoder_config = config;
  sink->encoder_used_at = now;
  return sink->encoder;
}

void
media_sink_leave_group (MediaSink *sink, MediaCodecId codec, guint rate_hz, int complexity,
                        const MediaEncoder *from, CfgMonotonic now)
{
  MediaEncoder *encoder = own_encoder (sink, codec, rate_hz, complexity, now);

  if (encoder == NULL)
    return;
  media_encoder_continue (encoder, from);
  media_encoder_configure (encoder, &sink->encoder_config);
}

void
media_sink_adopt_encoder (MediaSink *sink, MediaEncoder *encoder, const MediaEncoderConfig *config,
                          CfgMonotonic now)
{
  g_clear_pointer (&sink->encoder, media_encoder_free);
  sink->encoder = encoder;
  sink->encoder_config = *config;
  sink->encoder_used_at = now;
}

static void
encode_and_send (MediaSink *sink, MediaCodecId codec, const gint16 *pcm, gsize samples, guint rate_hz,
                 int complexity, CfgMonotonic now)
{
  MediaEncoder *encoder = own_encoder (sink, codec, rate_hz, complexity, now);
  guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
  gssize size;

  if (encoder == NULL)
    return;
  size = media_room_encode (sink->leg->room, encoder, pcm, samples, payload, sizeof payload);
  media_sink_produce (sink, codec, payload, size,
                      (guint32)(samples * media_codec_get_clock_rate (media_codec_get (codec)) / rate_hz),
                      now);
}

/* Collects frames until a packet of another length than a frame is whole. @pcm NULL: silence. */
static void
collect (MediaSink *sink, MediaCodecId codec, const gint16 *pcm, guint rate_hz, int complexity,
         CfgMonotonic now)
{
  const guint ms = packet_ms (sink, codec);
  const gsize samples = rate_hz / 1000 * MEDIA_FRAME_MS;
  const gsize whole = rate_hz / 1000 * ms;

  if (sink->pcm == NULL)
    sink->pcm = g_new0 (gint16, 48 * (PTIME_MAX_MS + MEDIA_FRAME_MS));
  if (sink->pcm_rate_hz != rate_hz)
    sink->pcm_samples = 0;
  sink->pcm_rate_hz = rate_hz;
  if (pcm != NULL)
    memcpy (sink->pcm + sink->pcm_samples, pcm, samples * sizeof *pcm);
  else
    memset (sink->pcm + sink->pcm_samples, 0, samples * sizeof *pcm);
  sink->pcm_samples += samples;
  while (sink->pcm_samples >= whole)
    {
      if (pcm == NULL && sink->silent_ticks * MEDIA_FRAME_MS > 2 * PTIME_MAX_MS)
        send_silence (sink, codec, ms, now);
      else
        {
          const guint silent_ticks = sink->silent_ticks;

          encode_and_send (sink, codec, sink->pcm, whole, rate_hz, complexity, now);
          sink->silent_ticks = silent_ticks;
        }
      sink->pcm_samples -= whole;
      memmove (sink->pcm, sink->pcm + whole, sink->pcm_samples * sizeof *sink->pcm);
    }
}

/* RFC 3389: after a while of silence a packet says so now and then, instead of fifty a second. */
static gboolean
noise_instead (MediaSink *sink, MediaCodecId codec, CfgMonotonic now)
{
  const guint8 payload_type = sink->section->plan.cn_pt;
  guint8 payload[4];
  gsize size;

  if (payload_type == 0 || !sink->leg->config.always_send || sink->silent_ticks < NOISE_AFTER_TICKS
      || media_codec_get_clock_rate (media_codec_get (codec)) != 8000)
    return FALSE;
  if ((sink->silent_ticks - NOISE_AFTER_TICKS) % NOISE_INTERVAL_TICKS == 0)
    {
      size = media_comfort_noise_write (media_room_noise_level (sink->leg->room, sink), payload);
      produce_as (sink, codec, payload_type, payload, size, 0, now);
    }
  return TRUE;
}

/* RFC 7587 3.1.3: who asks for DTX gets a packet every 400 ms of silence, and knows what the others would be.
 */
static gboolean
leave_out (MediaSink *sink, MediaCodecId codec, CfgMonotonic now)
{
  if (codec != MEDIA_CODEC_OPUS || sink->silent_ticks <= NOISE_AFTER_TICKS
      || !sink->section->plan.codecs[sink->plan_of_codec[codec]].use_dtx
      || (sink->silent_ticks - NOISE_AFTER_TICKS) % DTX_INTERVAL_TICKS == 0)
    return FALSE;
  media_rewriter_pass (&use_codec (sink, codec, now)->rewriter,
                       media_codec_get_clock_rate (media_codec_get (codec)) / 1000 * MEDIA_FRAME_MS, now);
  return TRUE;
}

void
media_sink_silence (MediaSink *sink, MediaCodecId codec, CfgMonotonic now)
{
  if (!sink->enabled || !media_sink_speaks (sink, codec) || media_sink_event_on (sink))
    return;
  sink->silent_ticks++;
  sink->last_octet = -1;
  sink->join_from = 0;
  if (noise_instead (sink, codec, now) || leave_out (sink, codec, now))
    return;
  if (packet_ms (sink, codec) == MEDIA_FRAME_MS)
    send_silence (sink, codec, MEDIA_FRAME_MS, now);
  else
    collect (sink, codec, NULL, sink->pcm_rate_hz != 0 ? sink->pcm_rate_hz : 8000, 1, now);
}

void
media_sink_play (MediaSink *sink, MediaCodecId codec, const gint16 *pcm, guint rate_hz, int complexity,
                 CfgMonotonic now)
{
  if (!sink->enabled || !media_sink_speaks (sink, codec))
    return;
  if (sink->silent_units > 0 && own_encoder (sink, codec, rate_hz, complexity, now) != NULL)
    media_encoder_pass (sink->encoder, sink->silent_units);
  sink->silent_ticks = 0;
  sink->heard_group = 0;
  if (packet_ms (sink, codec) == MEDIA_FRAME_MS)
    encode_and_send (sink, codec, pcm, rate_hz / 1000 * MEDIA_FRAME_MS, rate_hz, complexity, now);
  else
    collect (sink, codec, pcm, rate_hz, complexity, now);
}

/* At once to more, and to less after some reports that agree: a network is clean for seconds and bad again.
 */
static void
follow_loss (MediaSink *sink, double loss)
{
  const guint percent = media_opus_loss_step (loss);

  sink->n_reports_better = percent < sink->loss_percent ? sink->n_reports_better + 1 : 0;
  if (percent > sink->loss_percent || sink->n_reports_better >= BETTER_REPORTS)
    {
      sink->loss_percent = percent;
      sink->n_reports_better = 0;
    }
}

/* What is lost between us and the peer: what was lost before a packet came to us is a gap in what we forward,
 * and in the peer's reports. */
static double
path_loss (MediaSinkStream *stream, gboolean is_first)
{
  const guint64 numbers = stream->rewriter.highest_sequence - stream->reported_sequence;
  const guint64 sent = stream->sent.packets - stream->reported_packets;
  const double gaps = numbers > sent ? (double)(numbers - sent) / (double)numbers : 0;
  const double loss = stream->sent.loss_recent;

  stream->gaps += (gint64)(numbers - sent);
  stream->gaps_recent = is_first ? gaps : stream->gaps_recent * 0.75 + gaps * 0.25;
  stream->reported_sequence = stream->rewriter.highest_sequence;
  stream->reported_packets = stream->sent.packets;
  return loss > stream->gaps_recent ? (loss - stream->gaps_recent) / (1 - stream->gaps_recent) : 0;
}

/* G.711 has nothing against loss. Where the peer also takes Opus and loses packets for two reports, it gets
 * Opus with FEC until its path is clean again. A phone keeps its codec. */
static void
judge_path (MediaSink *sink, double loss)
{
  const gboolean was_lossy = sink->lossy;

  if (!media_sink_speaks (sink, MEDIA_CODEC_OPUS))
    return;
  follow_loss (sink, loss);
  if (sink->leg->config.always_send)
    return;
  sink->n_reports_lossy = loss > LOSSY_ABOVE ? sink->n_reports_lossy + 1 : 0;
  sink->n_reports_clean = loss < CLEAN_BELOW ? sink->n_reports_clean + 1 : 0;
  if (!sink->lossy && sink->n_reports_lossy >= LOSSY_REPORTS)
    sink->lossy = TRUE;
  else if (sink->lossy && sink->n_reports_clean >= CLEAN_REPORTS)
    sink->lossy = FALSE;
  if (sink->lossy != was_lossy && sink->leg->room != NULL)
    media_room_changed (sink->leg->room);
}

void
media_sink_on_report (MediaSink *sink, const MediaRtcpReportBlock *block, CfgMonotonic now, CfgWall wall)
{
  for (guint i = 0; i < MEDIA_CODEC_N; i++)
    {
      MediaSinkStream *stream = &sink->streams[i];
      const gboolean is_first = !stream->sent.have_report;
      double loss;

      if (!stream->used || !media_sender_stats_on_report (&stream->sent, block, now, wall))
        continue;
      loss = path_loss (stream, is_first);
      if (stream == media_sink_stream (sink))
        judge_path (sink, loss);
    }
}

void
media_sink_housekeep (MediaSink *sink, CfgMonotonic now)
{
  const MediaSinkStream *stream = media_sink_stream (sink);
  const gint64 quiet_us = stream == NULL || stream->rewriter.mode == MEDIA_REWRITER_IDLE
                              ? G_MAXINT64
                              : cfg_monotonic_diff_us (now, stream->rewriter.last_at);

  sink->filling = sink->mode == MEDIA_SINK_FORWARDING && sink->leg->config.always_send && sink->enabled
                  && (sink->filling || quiet_us > FILL_AFTER_MS * CFG_US_PER_MS);
  if (sink->filling && sink->leg->room != NULL)
    media_room_has_gaps (sink->leg->room);
  if (sink->encoder != NULL
      && cfg_monotonic_diff_us (now, sink->encoder_used_at) > ENCODER_IDLE_MS * CFG_US_PER_MS)
    g_clear_pointer (&sink->encoder, media_encoder_free);
}
