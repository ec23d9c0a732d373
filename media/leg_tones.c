/* Keys looked for in a source's audio, where the plan asks for it: each packet is decoded once more at 8 kHz,
 * in the order of arrival; what comes late or is lost is skipped, so that no key waits for a jitter buffer.
 */
#include "media/codec/dtmf_detector.h"
#include "media/leg_private.h"

#define SAMPLES_MAX (MEDIA_DTMF_DETECTOR_RATE_HZ / 1000 * 120)
#define GAP_MAX     10 /* packets; more is a pause or a new stream */
/* Without packets for so long (silence is not sent) a key is up. A network or a thread that stood still for
 * less makes no second key of one: whether the peer paused, its next packet tells. */
#define QUIET_MS 400
/* What lifts a key. */
#define SILENCE_SAMPLES (MEDIA_DTMF_DETECTOR_RATE_HZ / 1000 * 60)

struct _MediaToneKeys
{
  MediaDtmfDetector *detector;
  MediaDecoder *decoder; /* nullable */
  gboolean have_sequence;
  guint16 sequence;
  guint32 next_timestamp; /* after the packet of that sequence number */
  gsize packet_samples;
  CfgMonotonic received_at;
};

void
media_source_configure_tones (MediaSource *source)
{
  const gboolean wanted = source->enabled && source->section->plan.detect_tones;

  if (!wanted)
    {
      media_source_clear_tones (source);
      return;
    }
  if (source->tone_keys != NULL)
    return;
  source->tone_keys = g_new0 (MediaToneKeys, 1);
  source->tone_keys->detector = media_dtmf_detector_new ();
}

void
media_source_clear_tones (MediaSource *source)
{
  MediaToneKeys *keys = source->tone_keys;

  source->tone_keys = NULL;
  if (keys == NULL)
    return;
  g_clear_pointer (&keys->decoder, media_decoder_free);
  media_dtmf_detector_free (keys->detector);
  g_free (keys);
}

static void
feed_detector (MediaSource *source, const gint16 *pcm, gsize samples)
{
  MediaDetectedDigit digits[MEDIA_DTMF_DETECTOR_MAX];
  MediaLeg *leg = source->leg;
  const guint n = media_dtmf_detector_push (source->tone_keys->detector, pcm, samples, digits);

  for (guint i = 0; i < n; i++)
    leg->ops->dtmf (leg->user, digits[i].digit, digits[i].duration_ms);
}

static void
feed_silence (MediaSource *source, gsize samples)
{
  static const gint16 silence[SILENCE_SAMPLES];

  feed_detector (source, silence, MIN (samples, SILENCE_SAMPLES));
}

/* What is between the packet before and this one was lost, as far as numbers are missing; the rest of the
 * time nothing was sent. Returns: FALSE for a packet that comes too late. */
static gboolean
follow (MediaSource *source, const MediaCodec *codec, const MediaRtpView *packet)
{
  MediaToneKeys *keys = source->tone_keys;
  const int ahead = media_rtp_sequence_diff (packet->sequence, keys->sequence);
  const guint32 clock_rate_hz = media_codec_get_clock_rate (codec);
  const guint32 units = media_codec_duration (codec, packet->payload, packet->payload_size);

  if (keys->have_sequence && ahead <= 0 && ahead > -GAP_MAX)
    return FALSE;
  if (keys->have_sequence && ahead >= 1 && ahead <= GAP_MAX)
    {
      const gint64 lost = (gint64)(ahead - 1) * (gint64)keys->packet_samples;
      const gint64 passed = (gint64)media_rtp_timestamp_diff (packet->timestamp, keys->next_timestamp)
                            * MEDIA_DTMF_DETECTOR_RATE_HZ / clock_rate_hz;

      if (lost > 0)
        media_dtmf_detector_skip (keys->detector, (gsize)lost);
      if (passed > lost)
        feed_silence (source, (gsize)(passed - lost));
    }
  else if (keys->have_sequence)
    feed_silence (source, SILENCE_SAMPLES);
  keys->have_sequence = TRUE;
  keys->sequence = packet->sequence;
  keys->next_timestamp = packet->timestamp + units;
  return TRUE;
}

void
media_source_listen_for_tones (MediaSource *source, const MediaCodec *codec, const MediaRtpView *packet,
                               CfgMonotonic now)
{
  MediaToneKeys *keys = source->tone_keys;
  gint16 pcm[SAMPLES_MAX];
  gssize samples;

  if (!follow (source, codec, packet))
    return;
  if (keys->decoder != NULL && media_decoder_get_codec (keys->decoder) != codec)
    g_clear_pointer (&keys->decoder, media_decoder_free);
  if (keys->decoder == NULL)
    keys->decoder = media_decoder_new (codec, MEDIA_DTMF_DETECTOR_RATE_HZ, NULL);
  if (keys->decoder == NULL)
    return;
  samples
      = media_decoder_decode (keys->decoder, packet->payload, packet->payload_size, pcm, G_N_ELEMENTS (pcm));
  if (samples <= 0)
    return;
  keys->packet_samples = (gsize)samples;
  keys->received_at = now;
  feed_detector (source, pcm, (gsize)samples);
}

void
media_source_poll_tones (MediaSource *source, CfgMonotonic now)
{
  const MediaToneKeys *keys = source->tone_keys;

  if (keys != NULL && media_dtmf_detector_is_down (keys->detector)
      && cfg_monotonic_diff_us (now, keys->received_at) > QUIET_MS * CFG_US_PER_MS)
    feed_silence (source, SILENCE_SAMPLES);
}
