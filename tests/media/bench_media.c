/* µs per 20 ms frame of codecs, resampler, mixer and jitter buffer, one core. `meson test --benchmark`. */
#include "config/base/clock.h"
#include "media/codec/codec.h"
#include "media/codec/dtmf_detector.h"
#include "media/codec/resampler.h"
#include "media/core/jitter_buffer.h"
#include "media/core/mixer.h"
#include "media/core/rewriter.h"
#include "media/core/rtp.h"
#include "media/core/timescale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FRAMES 500

static void
fill_voice (gint16 *pcm, gsize samples, guint rate_hz, guint64 from)
{
  for (gsize i = 0; i < samples; i++)
    {
      double t = (double)(from + i) / rate_hz;
      double voice = 0;

      for (int h = 1; h <= 12; h++)
        voice += sin (h * 2 * G_PI * (140 * t + 2 * sin (2 * t))) / h;
      pcm[i] = (gint16)(6000 * voice * (0.6 + 0.4 * sin (2 * G_PI * 3 * t)));
    }
}

/* Processor time: other programs on the machine do not count. */
static gint64
now_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (gint64)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
print (const char *what, gint64 passed_us, guint times)
{
  printf ("%-48s %8.3f us\n", what, (double)passed_us / times);
}

static void
bench_codec (const MediaCodec *codec, guint rate_hz, guint complexity)
{
  MediaEncoderConfig config = { .sample_rate_hz = rate_hz, .opus_complexity = complexity };
  g_autoptr (MediaEncoder) encoder = media_encoder_new (codec, &config, NULL);
  g_autoptr (MediaDecoder) decoder = media_decoder_new (codec, rate_hz, NULL);
  gsize samples = rate_hz / 50;
  g_autofree gint16 *voice = g_new (gint16, FRAMES * samples);
  g_autofree guint8 *payloads = g_new (guint8, FRAMES * MEDIA_CODEC_PAYLOAD_MAX);
  gssize sizes[FRAMES];
  gint16 pcm[960];
  gint64 start_us;
  char what[64];

  fill_voice (voice, FRAMES * samples, rate_hz, 0);
  /* Tables are made once, and pages come with the first write. */
  memset (payloads, 1, FRAMES * MEDIA_CODEC_PAYLOAD_MAX);
  (void)!media_encoder_encode (encoder, voice, samples, payloads, MEDIA_CODEC_PAYLOAD_MAX);
  start_us = now_us ();
  for (guint i = 0; i < FRAMES; i++)
    sizes[i] = media_encoder_encode (encoder, voice + i * samples, samples,
                                     payloads + i * MEDIA_CODEC_PAYLOAD_MAX, MEDIA_CODEC_PAYLOAD_MAX);
  g_snprintf (what, sizeof what, "%s %u Hz complexity %u encode", media_codec_get_name (codec), rate_hz,
              complexity);
  print (what, now_us () - start_us, FRAMES);
  start_us = now_us ();
  for (guint i = 0; i < FRAMES; i++)
    (void)!media_decoder_decode (decoder, payloads + i * MEDIA_CODEC_PAYLOAD_MAX, (gsize)sizes[i], pcm, 960);
  g_snprintf (what, sizeof what, "%s %u Hz decode", media_codec_get_name (codec), rate_hz);
  print (what, now_us () - start_us, FRAMES);
  start_us = now_us ();
  for (guint i = 0; i < FRAMES; i++)
    (void)!media_decoder_conceal (decoder, samples, pcm);
  g_snprintf (what, sizeof what, "%s %u Hz conceal", media_codec_get_name (codec), rate_hz);
  print (what, now_us () - start_us, FRAMES);
}

static void
bench_resampler (guint in_hz, guint out_hz)
{
  g_autoptr (MediaResampler) resampler = media_resampler_new (in_hz, out_hz, NULL);
  gint16 in[960];
  gint16 out[960];
  char what[64];
  gint64 start_us;

  fill_voice (in, in_hz / 50, in_hz, 0);
  start_us = now_us ();
  for (guint i = 0; i < 10 * FRAMES; i++)
    (void)!media_resampler_process (resampler, in, in_hz / 50, out, 960);
  g_snprintf (what, sizeof what, "resample %u to %u Hz", in_hz, out_hz);
  print (what, now_us () - start_us, 10 * FRAMES);
}

static void
bench_mixer (guint rate_hz, guint sources)
{
  gsize samples = rate_hz / 50;
  g_autoptr (MediaMixer) mixer = media_mixer_new (samples);
  gint16 pcm[960];
  gint16 out[960];
  MediaLimiter limiter = { 0 };
  char what[64];
  gint64 start_us;

  fill_voice (pcm, samples, rate_hz, 0);
  media_mixer_apply_gain (pcm, samples, MEDIA_MIXER_GAIN_UNITY / 32);
  start_us = now_us ();
  for (guint i = 0; i < FRAMES; i++)
    {
      media_mixer_begin (mixer);
      for (guint k = 0; k < sources; k++)
        media_mixer_add (mixer, pcm, MEDIA_MIXER_GAIN_UNITY);
      for (guint k = 0; k < sources; k++)
        media_mixer_render (mixer, &(MediaMixerOverride){ k, 0 }, 1, &limiter, out);
    }
  g_snprintf (what, sizeof what, "mix %u at %u Hz, each minus oneself, per one", sources, rate_hz);
  print (what, now_us () - start_us, FRAMES * sources);
}

static void
bench_jitter_buffer (void)
{
  MediaJitterBufferConfig config = { .clock_rate_hz = 8000 };
  g_autoptr (MediaJitterBuffer) buffer = media_jitter_buffer_new (&config);
  guint8 payload[160] = { 0 };
  MediaJitterFrame frame;
  gint64 start_us = now_us ();
  guint times = 200 * FRAMES;

  for (guint i = 0; i < times; i++)
    {
      MediaRtpView view = { .sequence = (guint16)i,
                            .timestamp = i * 160,
                            .ssrc = 1,
                            .payload = payload,
                            .payload_size = sizeof payload };
      CfgMonotonic now = { 1000000 + (gint64)i * 20000 };

      (void)!media_jitter_buffer_push (buffer, &view, 160, now);
      now.us += 12000;
      media_jitter_buffer_pull (buffer, now, 0, &frame);
    }
  print ("jitter buffer push and pull", now_us () - start_us, times);
}

static void
bench_forward (void)
{
  guint8 packet[200] = { 0 };
  MediaRtpHeader header = { .ssrc = 1 };
  MediaRewriter rewriter;
  MediaRtpPlace place = { 0 };
  gint64 start_us;
  guint times = 1000 * FRAMES;

  (void)!media_rtp_write (&header, packet + 20, 160, packet, sizeof packet);
  media_rewriter_init (&rewriter, 2, 8000, 0, 0);
  start_us = now_us ();
  for (guint i = 0; i < times; i++)
    {
      MediaRtpView view;

      media_rtp_set_sequence (packet, (guint16)i);
      media_rtp_set_timestamp (packet, i * 160);
      if (media_rtp_parse (&view, packet, 172) != 0)
        continue;
      (void)!media_rewriter_forward (&rewriter, 1, &view, 160, (CfgMonotonic){ (gint64)i * 20000 }, &place);
    }
  print ("parse and rewrite for forwarding", now_us () - start_us, times);
}

static void
bench_timescale (void)
{
  gint16 voice[320];
  gint16 pcm[320];
  gint64 start_us;

  fill_voice (voice, 320, 8000, 0);
  start_us = now_us ();
  for (guint i = 0; i < FRAMES; i++)
    {
      memcpy (pcm, voice, sizeof pcm);
      media_timescale_remove (pcm, 160, 8000, 160);
    }
  print ("shorten a frame at 8000 Hz (a few per minute)", now_us () - start_us, FRAMES);
}

static void
bench_dtmf_detector (void)
{
  g_autoptr (MediaDtmfDetector) detector = media_dtmf_detector_new ();
  g_autofree gint16 *voice = g_new (gint16, FRAMES * 160);
  MediaDetectedDigit digits[MEDIA_DTMF_DETECTOR_MAX];
  gint64 start_us;

  fill_voice (voice, FRAMES * 160, 8000, 0);
  start_us = now_us ();
  for (guint n = 0; n < 20; n++)
    for (guint i = 0; i < FRAMES; i++)
      media_dtmf_detector_push (detector, voice + i * 160, 160, digits);
  print ("look for DTMF tones (where dtmf asks for it)", now_us () - start_us, 20 * FRAMES);
}

int
main (void)
{
  bench_codec (media_codec_get (MEDIA_CODEC_PCMU), 8000, 0);
  bench_codec (media_codec_get (MEDIA_CODEC_PCMA), 8000, 0);
  bench_codec (media_codec_get (MEDIA_CODEC_G722), 16000, 0);
  bench_codec (media_codec_get (MEDIA_CODEC_OPUS), 8000, 5);
  bench_codec (media_codec_get (MEDIA_CODEC_OPUS), 16000, 5);
  bench_codec (media_codec_get (MEDIA_CODEC_OPUS), 48000, 5);
  bench_resampler (8000, 48000);
  bench_resampler (48000, 8000);
  bench_mixer (8000, 20);
  bench_mixer (16000, 20);
  bench_mixer (48000, 20);
  bench_jitter_buffer ();
  bench_forward ();
  bench_timescale ();
  bench_dtmf_detector ();
  return 0;
}
