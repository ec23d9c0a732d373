#include "media/feed.h"

#include <string.h>

#include "media/codec/comfort_noise.h"
#include "media/codec/resampler.h"
#include "media/core/levels.h"
#include "media/core/timescale.h"
#include "media/io/prefetch.h"

/* A frame, the longest packet, and what stretching adds. */
#define QUEUE_MS 200
/* A pull gives at least one RTP unit's worth; this many are more than a frame ever needs, whatever the peer's
 * packet size, and bound the loop against a clock that lies. */
#define PIECES_PER_FRAME_MAX 8
/* A decoder that slept longer starts anew rather than from a state of another time. */
#define SLEEP_FRAMES_MAX 3
#define START_DELAY_MS   40 /* until the network has shown what it is like; a pause later it is gone */
#define QUIET_LEVEL      46 /* -dBov */
#define QUIET_FRAMES     5  /* a pause, not between two words: its length may change */
#define RAMP_MS          5  /* between silence and sound */
/* Another rate is another decoder and other resamplers, which know nothing of what was heard: it waits for a
 * pause, and no longer than this. */
#define RATE_WAITS_FRAMES 150
#define RATE_LOSES_FRAMES 8 /* longer than that with something of a packet left, which is lost then */
#define RATE_ENDS_MS      5 /* what is left for a resampler to give out what it holds back */
/* More than a resampler remembers: what it is begun with. */
#define TAIL_MS  10
#define PT_NONE  0
#define PT_NOISE 0xff

struct _MediaFeed
{
  guint clock_rate_hz;
  guint wanted_rate_hz;
  MediaJitterBuffer *buffer;
  guint8 codec_of_pt[128]; /* PT_NONE, PT_NOISE or MediaCodecId + 1 */

  MediaDecoder *decoder;
  guint rate_hz;    /* of queue and frame */
  CfgMonotonic now; /* of the present advance */
  gboolean resting; /* silent until the next packet: the frame stays as it is */
  guint slept;      /* frames since the decoder ran last */
  guint rate_waits; /* frames since another rate was wanted */
  gboolean is_resampled[MEDIA_N_RATES];
  guint quiet_run; /* frames that were quiet, in a row, while the buffer asked for that */
  MediaComfortNoise noise;
  gboolean have_noise;
  guint64 concealed;
  MediaNormalizer *normalizer; /* nullable: the source's or … */
  MediaNormalizer kept;        /* … this, when the source is gone */

  gint16 *queue;
  gsize queue_capacity, queued;
  gboolean queue_sounds;
  gint16 last;     /* sample that was queued */
  gboolean begins; /* what is decoded next comes after silence */

  gint16 frame[MEDIA_FRAME_SAMPLES_MAX];
  gint16 tail[48 * TAIL_MS]; /* of the frame before */
  gboolean was_resampled[MEDIA_N_RATES];
  gint16 *resampled[MEDIA_N_RATES];
  MediaResampler *resamplers[MEDIA_N_RATES];
  guint resampled_from[MEDIA_N_RATES];
};

guint
media_rate_index (guint rate_hz)
{
  g_assert (rate_hz == 8000 || rate_hz == 16000 || rate_hz == 48000);
  return rate_hz == 8000 ? 0 : rate_hz == 16000 ? 1 : 2;
}

guint
media_rate_hz (guint index)
{
  static const guint rates[MEDIA_N_RATES] = { 8000, 16000, 48000 };

  g_assert (index < MEDIA_N_RATES);
  return rates[index];
}

MediaFeed *
media_feed_new (guint clock_rate_hz)
{
  MediaFeed *feed = g_new0 (MediaFeed, 1);
  /* Only Opus brings the packet before it along. */
  const MediaJitterBufferConfig config = { .clock_rate_hz = clock_rate_hz,
                                           .start_delay_ms = START_DELAY_MS,
                                           .wait_for_fec = clock_rate_hz == 48000 };

  feed->clock_rate_hz = clock_rate_hz;
  feed->buffer = media_jitter_buffer_new (&config);
  feed->wanted_rate_hz = 8000;
  feed->rate_hz = 8000;
  feed->begins = TRUE;
  return feed;
}

void
media_feed_free (MediaFeed *feed)
{
  media_jitter_buffer_free (feed->buffer);
  g_clear_pointer (&feed->decoder, media_decoder_free);
  for (guint i = 0; i < MEDIA_N_RATES; i++)
    {
      g_clear_pointer (&feed->resamplers[i], media_resampler_free);
      g_free (feed->resampled[i]);
    }
  g_free (feed->queue);
  g_free (feed);
}

guint
media_feed_get_clock_rate (const MediaFeed *feed)
{
  return feed->clock_rate_hz;
}

void
media_feed_reset (MediaFeed *feed)
{
  media_jitter_buffer_reset (feed->buffer);
  if (feed->decoder != NULL)
    media_decoder_reset (feed->decoder);
  feed->have_noise = FALSE;
}

void
media_feed_set_rate (MediaFeed *feed, guint rate_hz)
{
  feed->resting = FALSE;
  feed->wanted_rate_hz = rate_hz;
}

void
media_feed_set_normalizer (MediaFeed *feed, MediaNormalizer *normalizer)
{
  feed->resting = feed->resting && normalizer == NULL;
  feed->normalizer = normalizer;
}

void
media_feed_keep_normalizer (MediaFeed *feed)
{
  if (feed->normalizer == NULL)
    return;
  feed->kept = *feed->normalizer;
  feed->normalizer = &feed->kept;
}

void
media_feed_push (MediaFeed *feed, const MediaCodec *codec, const MediaRtpView *packet, guint32 units,
                 CfgMonotonic now)
{
  feed->codec_of_pt[packet->payload_type & 0x7f] = (guint8)(media_codec_get_id (codec) + 1);
  feed->resting = FALSE;
  /* The buffer counts what it refuses. */
  (void)!media_jitter_buffer_push (feed->buffer, packet, units, now);
}

void
media_feed_push_noise (MediaFeed *feed, const MediaRtpView *packet, CfgMonotonic now)
{
  feed->codec_of_pt[packet->payload_type & 0x7f] = PT_NOISE;
  feed->resting = FALSE;
  (void)!media_jitter_buffer_push (feed->buffer, packet, 0, now);
}

void
media_feed_skip (MediaFeed *feed, const MediaRtpView *packet)
{
  feed->resting = FALSE;
  media_jitter_buffer_skip (feed->buffer, packet);
}

/* The queue and the decoder run at one rate; a change of it drops what is queued, less than a packet. */
static void
set_queue_rate (MediaFeed *feed, guint rate_hz)
{
  if (feed->queue != NULL && feed->rate_hz == rate_hz)
    return;
  memset (feed->tail, 0, sizeof feed->tail);
  feed->rate_hz = rate_hz;
  feed->queued = 0;
  feed->queue_capacity = (gsize)rate_hz / 1000 * QUEUE_MS;
  g_free (feed->queue);
  feed->queue = g_new (gint16, feed->queue_capacity);
}

static gboolean
ensure_decoder (MediaFeed *feed, const MediaCodec *codec)
{
  const guint rate_hz = MIN (media_codec_get_sample_rate (codec), feed->wanted_rate_hz);

  if (feed->decoder != NULL && media_decoder_get_codec (feed->decoder) == codec
      && (media_decoder_get_sample_rate (feed->decoder) == rate_hz || feed->slept <= SLEEP_FRAMES_MAX))
    {
      if (feed->slept > SLEEP_FRAMES_MAX)
        media_decoder_reset (feed->decoder);
      feed->slept = 0;
      return TRUE;
    }
  g_clear_pointer (&feed->decoder, media_decoder_free);
  feed->decoder = media_decoder_new (codec, rate_hz, NULL);
  feed->slept = 0;
  if (feed->decoder != NULL)
    set_queue_rate (feed, rate_hz);
  return feed->decoder != NULL;
}

static gsize
units_to_samples (const MediaFeed *feed, guint32 units)
{
  return (gsize)((guint64)units * feed->rate_hz / feed->clock_rate_hz);
}

static void
enqueue_silence (MediaFeed *feed, gsize samples, gboolean noise)
{
  gint16 *to;

  samples = MIN (samples, feed->queue_capacity - feed->queued);
  to = feed->queue + feed->queued;
  if (noise && feed->have_noise)
    {
      media_comfort_noise_fill (&feed->noise, to, samples);
      feed->queue_sounds = TRUE;
    }
  else
    {
      const gsize ramp = MIN ((gsize)feed->rate_hz / 1000 * RAMP_MS, samples);

      memset (to, 0, samples * sizeof *to);
      for (gsize i = 0; feed->last != 0 && i < ramp; i++)
        to[i] = (gint16)(feed->last * (gint32)(ramp - 1 - i) / (gint32)ramp);
    }
  feed->queued += samples;
  feed->last = samples > 0 ? to[samples - 1] : feed->last;
}

/* Shortens or lengthens decoded sound as the buffer asks, and tells it what became of that. */
static gsize
adjust (MediaFeed *feed, gint16 *pcm, gsize samples, gsize capacity, const MediaJitterFrame *frame)
{
  gboolean in_pause = FALSE;
  gint32 units = frame->adjust;
  gsize after = samples;
  gsize wanted;

  if (units != frame->adjust_quiet)
    {
      feed->quiet_run = media_level_of_pcm (pcm, samples) >= QUIET_LEVEL ? feed->quiet_run + 1 : 0;
      in_pause = feed->quiet_run > QUIET_FRAMES;
      if (in_pause)
        units = frame->adjust_quiet;
    }
  wanted = units_to_samples (feed, (guint32)ABS (units));
  if (wanted == 0)
    return samples;
  if (units > 0 && in_pause)
    after = media_timescale_cut (pcm, samples, wanted);
  else if (units > 0)
    after = media_timescale_remove (pcm, samples, feed->rate_hz, MIN (wanted, samples));
  else
    after = media_timescale_insert (pcm, samples, capacity, feed->rate_hz, wanted);
  if (after != samples)
    {
      const gint64 removed = (gint64)samples - (gint64)after;

      media_jitter_buffer_adjusted (
          feed->buffer, (gint32)(removed * (gint64)feed->clock_rate_hz / (gint64)feed->rate_hz), feed->now);
    }
  return after;
}

static void
enqueue (MediaFeed *feed, const gint16 *pcm, gsize samples)
{
  gint16 *to;

  samples = MIN (samples, feed->queue_capacity - feed->queued);
  to = memcpy (feed->queue + feed->queued, pcm, samples * sizeof *pcm);
  if (feed->begins)
    {
      const gsize ramp = MIN ((gsize)feed->rate_hz / 1000 * RAMP_MS, samples);

      for (gsize i = 0; i < ramp; i++)
        to[i] = (gint16)(to[i] * (gint32)i / (gint32)ramp);
    }
  feed->begins = FALSE;
  feed->queued += samples;
  feed->last = samples > 0 ? to[samples - 1] : feed->last;
  feed->queue_sounds = TRUE;
}

static void
conceal (MediaFeed *feed, const MediaJitterFrame *frame)
{
  gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];
  gsize samples = MIN (units_to_samples (feed, frame->units), G_N_ELEMENTS (pcm));
  gssize made;

  feed->concealed += !frame->rest;
  if (feed->decoder == NULL)
    {
      enqueue_silence (feed, samples, FALSE);
      return;
    }
  if (frame->payload != NULL)
    made = media_decoder_decode_fec (feed->decoder, frame->payload, frame->payload_size, samples, pcm);
  else
    made = media_decoder_conceal (feed->decoder, samples, pcm);
  if (made > 0)
    enqueue (feed, pcm, (gsize)made);
  else
    enqueue_silence (feed, samples, FALSE);
}

/* The sender pauses: its comfort noise if it sent some, else what the decoder makes of nothing (for Opus its
 * own comfort noise, for the others the last sound fading out). */
static void
fill_pause (MediaFeed *feed, const MediaJitterFrame *frame)
{
  gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];
  gsize samples = MIN (units_to_samples (feed, frame->units), G_N_ELEMENTS (pcm));

  if (!feed->have_noise && feed->decoder != NULL && feed->slept == 0
      && media_decoder_conceal (feed->decoder, samples, pcm) > 0)
    enqueue (feed, pcm, samples);
  else
    enqueue_silence (feed, samples, TRUE);
}

static void
decode (MediaFeed *feed, const MediaJitterFrame *frame)
{
  const guint8 kind = feed->codec_of_pt[frame->payload_type & 0x7f];
  gint16 pcm[MEDIA_CODEC_SAMPLES_MAX + MEDIA_FRAME_SAMPLES_MAX];
  gssize samples;

  if (kind == PT_NOISE || kind == PT_NONE)
    {
      if (kind == PT_NOISE && !feed->have_noise)
        media_comfort_noise_init (&feed->noise, frame->sequence);
      if (kind == PT_NOISE)
        feed->have_noise = media_comfort_noise_read (&feed->noise, frame->payload, frame->payload_size);
      enqueue_silence (feed, units_to_samples (feed, frame->units), TRUE);
      return;
    }
  feed->have_noise = FALSE;
  if (!ensure_decoder (feed, media_codec_get ((MediaCodecId)(kind - 1))))
    {
      enqueue_silence (feed, units_to_samples (feed, frame->units), FALSE);
      return;
    }
  if (frame->cut)
    media_decoder_cut (feed->decoder);
  samples = media_decoder_decode (feed->decoder, frame->payload, frame->payload_size, pcm,
                                  MEDIA_CODEC_SAMPLES_MAX);
  if (samples <= 0)
    {
      MediaJitterFrame lost = { .action = MEDIA_JITTER_CONCEAL, .units = frame->units };

      conceal (feed, &lost);
      return;
    }
  enqueue (feed, pcm, adjust (feed, pcm, (gsize)samples, G_N_ELEMENTS (pcm), frame));
}

/* Time passes, nobody listens: the delay can be moved to its target at once. */
static void
pass_over (MediaFeed *feed, const MediaJitterFrame *frame)
{
  gint64 units = frame->units;

  feed->begins = TRUE;
  if (frame->action == MEDIA_JITTER_FRAME && frame->adjust_quiet != 0)
    {
      const gint32 moved = (gint32)CLAMP ((gint64)frame->adjust_quiet, -units, units);

      units -= moved;
      media_jitter_buffer_adjusted (feed->buffer, moved, feed->now);
    }
  enqueue_silence (feed, units_to_samples (feed, (guint32)units), FALSE);
}

static void
pull_piece (MediaFeed *feed, CfgMonotonic now, gboolean wanted)
{
  const guint32 held = (guint32)((guint64)feed->queued * feed->clock_rate_hz / feed->rate_hz);
  MediaJitterFrame frame;

  media_jitter_buffer_pull (feed->buffer, now, held, &frame);
  if (!wanted && frame.action != MEDIA_JITTER_EMPTY)
    {
      pass_over (feed, &frame);
      return;
    }
  switch (frame.action)
    {
    case MEDIA_JITTER_FRAME:
      decode (feed, &frame);
      break;
    case MEDIA_JITTER_CONCEAL:
      conceal (feed, &frame);
      break;
    case MEDIA_JITTER_SILENCE:
      fill_pause (feed, &frame);
      break;
    case MEDIA_JITTER_EMPTY:
    default:
      feed->begins = TRUE;
      enqueue_silence (feed, units_to_samples (feed, frame.units), FALSE);
      break;
    }
}

/* The present frame is the last one at the old rate. */
static void
end_rate (MediaFeed *feed)
{
  const gsize samples = feed->rate_hz / 1000 * MEDIA_FRAME_MS;
  const gsize ramp = feed->rate_hz / 1000 * RAMP_MS;
  const gsize from = samples - ramp - feed->rate_hz / 1000 * RATE_ENDS_MS;

  for (gsize i = 0; i < ramp; i++)
    feed->frame[from + i] = (gint16)(feed->frame[from + i] * (gint32)(ramp - 1 - i) / (gint32)ramp);
  memset (feed->frame + from + ramp, 0, (samples - from - ramp) * sizeof *feed->frame);
  media_jitter_buffer_adjusted (
      feed->buffer, (gint32)((guint64)feed->queued * feed->clock_rate_hz / feed->rate_hz), feed->now);
  feed->queued = 0;
  feed->last = 0;
  feed->begins = TRUE;
  feed->rate_waits = 0;
  g_clear_pointer (&feed->decoder, media_decoder_free);
}

/* A talker goes on at the rate that he is decoded at; others get it from there. */
static void
follow_rate (MediaFeed *feed, gboolean wanted)
{
  const MediaDecoder *decoder = feed->decoder;
  const guint rate_hz
      = decoder == NULL
            ? 0
            : MIN (media_codec_get_sample_rate (media_decoder_get_codec (decoder)), feed->wanted_rate_hz);

  if (decoder == NULL || media_decoder_get_sample_rate (decoder) == rate_hz)
    feed->rate_waits = 0;
  else if (++feed->rate_waits > RATE_WAITS_FRAMES + RATE_LOSES_FRAMES
           || (feed->queued == 0
               && (!wanted || feed->rate_waits > RATE_WAITS_FRAMES
                   || media_feed_level (feed) >= QUIET_LEVEL)))
    end_rate (feed);
}

static void
keep_tail (MediaFeed *feed)
{
  const gsize samples = feed->rate_hz / 1000 * TAIL_MS;

  memcpy (feed->tail, feed->frame + feed->rate_hz / 1000 * MEDIA_FRAME_MS - samples,
          samples * sizeof *feed->tail);
}

void
media_feed_expect (const MediaFeed *feed)
{
  media_prefetch (feed, G_STRUCT_OFFSET (MediaFeed, frame));
}

gboolean
media_feed_advance (MediaFeed *feed, CfgMonotonic now, gboolean wanted)
{
  gboolean was_silent;
  gsize samples;

  feed->now = now;
  if (!wanted && feed->slept < G_MAXUINT)
    feed->slept++;
  memcpy (feed->was_resampled, feed->is_resampled, sizeof feed->was_resampled);
  memset (feed->is_resampled, 0, sizeof feed->is_resampled);
  if (feed->resting)
    return FALSE;
  keep_tail (feed);
  if (feed->queue == NULL)
    set_queue_rate (feed, MIN (feed->wanted_rate_hz, feed->rate_hz));
  was_silent = feed->queued == 0 && feed->last == 0;
  if (feed->queued == 0)
    feed->queue_sounds = FALSE;
  /* Decoding may change the rate and with it the frame's length: it is read anew each time round. */
  for (guint i = 0; i < PIECES_PER_FRAME_MAX; i++)
    {
      if (feed->queued >= feed->rate_hz / 1000 * MEDIA_FRAME_MS)
        break;
      pull_piece (feed, now, wanted);
    }
  samples = feed->rate_hz / 1000 * MEDIA_FRAME_MS;
  if (feed->queued < samples)
    enqueue_silence (feed, samples - feed->queued, FALSE);
  memcpy (feed->frame, feed->queue, samples * sizeof *feed->frame);
  feed->queued -= samples;
  memmove (feed->queue, feed->queue + samples, feed->queued * sizeof *feed->queue);
  if (feed->normalizer != NULL && wanted)
    media_normalizer_process (feed->normalizer, feed->frame, samples, now);
  follow_rate (feed, wanted);
  feed->resting = was_silent && feed->begins && !feed->queue_sounds && feed->queued == 0
                  && feed->normalizer == NULL && media_jitter_buffer_is_idle (feed->buffer);
  return feed->queue_sounds;
}

/* It goes on from the frame before, which it was not given. */
static void
begin_resampler (MediaFeed *feed, guint i)
{
  if (feed->resamplers[i] != NULL && feed->resampled_from[i] == feed->rate_hz)
    media_resampler_reset (feed->resamplers[i]);
  else
    {
      g_clear_pointer (&feed->resamplers[i], media_resampler_free);
      feed->resamplers[i] = media_resampler_new (feed->rate_hz, media_rate_hz (i), NULL);
      feed->resampled_from[i] = feed->rate_hz;
    }
  /* What comes of it was heard at the other rate. */
  if (feed->resamplers[i] != NULL)
    (void)!media_resampler_process (feed->resamplers[i], feed->tail, feed->rate_hz / 1000 * TAIL_MS,
                                    feed->resampled[i], MEDIA_FRAME_SAMPLES_MAX);
}

const gint16 *
media_feed_pcm (MediaFeed *feed, guint rate_hz)
{
  const guint i = media_rate_index (rate_hz);
  const gsize samples = feed->rate_hz / 1000 * MEDIA_FRAME_MS;

  if (rate_hz == feed->rate_hz)
    return feed->frame;
  if (feed->is_resampled[i])
    return feed->resampled[i];
  if (feed->resampled[i] == NULL)
    feed->resampled[i] = g_new0 (gint16, MEDIA_FRAME_SAMPLES_MAX);
  if (!feed->was_resampled[i] || feed->resampled_from[i] != feed->rate_hz)
    begin_resampler (feed, i);
  if (feed->resamplers[i] == NULL
      || media_resampler_process (feed->resamplers[i], feed->frame, samples, feed->resampled[i],
                                  MEDIA_FRAME_SAMPLES_MAX)
             < 0)
    memset (feed->resampled[i], 0, MEDIA_FRAME_SAMPLES_MAX * sizeof (gint16));
  feed->is_resampled[i] = TRUE;
  return feed->resampled[i];
}

guint8
media_feed_level (const MediaFeed *feed)
{
  return feed->resting ? MEDIA_LEVEL_SILENCE
                       : media_level_of_pcm (feed->frame, feed->rate_hz / 1000 * MEDIA_FRAME_MS);
}

void
media_feed_get_stats (const MediaFeed *feed, MediaFeedStats *stats)
{
  MediaJitterBufferStats buffer;

  media_jitter_buffer_get_stats (feed->buffer, &buffer);
  stats->buffer = buffer;
  stats->concealed = feed->concealed;
  stats->late = buffer.late;
  stats->overflow = buffer.overflow;
  stats->delay_ms = buffer.delay_ms;
}
