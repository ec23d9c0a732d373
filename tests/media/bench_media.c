/* µs per 20 ms frame of codecs, resampler, mixer and jitter buffer, one core. `meson test --benchmark`. What
 * bench_limits does not have beside its limit has it here: the library alone, or a copy of the same bytes. */
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
#include <spandsp.h>
#include <speex/speex_resampler.h>
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
print_beside (const char *what, gint64 passed_us, const char *limit, gint64 limit_us, guint times)
{
  printf ("%-48s %8.3f us, %s %.3f us, ratio %.2f\n", what, (double)passed_us / times, limit,
          (double)limit_us / times, (double)passed_us / (double)MAX (limit_us, 1));
}

/* The compiler must not leave out what nobody reads. */
static void
touch (const void *data)
{
  __asm__ volatile("" : : "r"(data) : "memory");
}

static gint64
copy_us (gsize size, guint times)
{
  guint8 from[1024] = { 0 }, to[1024];
  const gint64 start_us = now_us ();

  for (guint i = 0; i < times; i++)
    {
      touch (from);
      memcpy (to, from, size);
      touch (to);
    }
  return now_us () - start_us;
}

/* As MediaResampler sets it up. */
static gint64
speex_us (const gint16 *in, guint in_hz, guint out_hz, guint times)
{
  int status;
  SpeexResamplerState *speex = speex_resampler_init (1, in_hz, out_hz, 3, &status);
  gint16 out[960];
  gint64 start_us = now_us ();

  for (guint i = 0; i < times; i++)
    {
      spx_uint32_t n_in = in_hz / 50, n_out = G_N_ELEMENTS (out);

      speex_resampler_process_int (speex, 0, in, &n_in, out, &n_out);
    }
  start_us = now_us () - start_us;
  speex_resampler_destroy (speex);
  return start_us;
}

static gint64
dtmf_us (const gint16 *voice, guint times)
{
  dtmf_rx_state_t *rx = dtmf_rx_init (NULL, NULL, NULL);
  gint64 start_us = now_us ();

  for (guint i = 0; i < times; i++)
    dtmf_rx (rx, voice + i % FRAMES * 160, 160);
  start_us = now_us () - start_us;
  dtmf_rx_free (rx);
  return start_us;
}

/* Each of a frame's samples through a table of 256 or 65536, which is what G.711 is. */
static gint64
table_us (gboolean encode, guint times)
{
  static guint8 encoding[65536];
  static gint16 decoding[256];
  gint16 pcm[160];
  guint8 octets[160];
  gint64 start_us;

  fill_voice (pcm, 160, 8000, 0);
  for (guint i = 0; i < 160; i++)
    octets[i] = (guint8)pcm[i];
  start_us = now_us ();
  for (guint n = 0; n < times; n++)
    {
      for (guint i = 0; i < 160; i++)
        if (encode)
          octets[i] = encoding[(guint16)pcm[i]];
        else
          pcm[i] = decoding[octets[i]];
      touch (pcm);
      touch (octets);
    }
  return now_us () - start_us;
}

static void
bench_g711 (MediaCodecId id)
{
  const MediaCodec *codec = media_codec_get (id);
  const MediaEncoderConfig config = { .sample_rate_hz = 8000 };
  g_autoptr (MediaEncoder) encoder = media_encoder_new (codec, &config, NULL);
  g_autoptr (MediaDecoder) decoder = media_decoder_new (codec, 8000, NULL);
  const guint times = 100 * FRAMES;
  gint16 pcm[160];
  guint8 payload[160];
  gint64 start_us, passed_us;
  char what[64];

  fill_voice (pcm, 160, 8000, 0);
  start_us = now_us ();
  for (guint i = 0; i < times; i++)
    (void)!media_encoder_encode (encoder, pcm, 160, payload, sizeof payload);
  g_snprintf (what, sizeof what, "%s encode", media_codec_get_name (codec));
  passed_us = now_us () - start_us;
  print_beside (what, passed_us, "a table", table_us (TRUE, times), times);
  start_us = now_us ();
  for (guint i = 0; i < times; i++)
    (void)!media_decoder_decode (decoder, payload, sizeof payload, pcm, 160);
  g_snprintf (what, sizeof what, "%s decode, concealment ready", media_codec_get_name (codec));
  passed_us = now_us () - start_us;
  print_beside (what, passed_us, "a table", table_us (FALSE, times), times);
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
  gint64 start_us, passed_us;

  fill_voice (in, in_hz / 50, in_hz, 0);
  start_us = now_us ();
  for (guint i = 0; i < 10 * FRAMES; i++)
    (void)!media_resampler_process (resampler, in, in_hz / 50, out, 960);
  g_snprintf (what, sizeof what, "resample %u to %u Hz", in_hz, out_hz);
  passed_us = now_us () - start_us;
  print_beside (what, passed_us, "speexdsp", speex_us (in, in_hz, out_hz, 10 * FRAMES), 10 * FRAMES);
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
  gint64 start_us = now_us (), passed_us;
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
  passed_us = now_us () - start_us;
  print_beside ("jitter buffer push and pull", passed_us, "a copy in and out",
                2 * copy_us (sizeof payload, times), times);
}

static void
bench_forward (void)
{
  guint8 packet[200] = { 0 };
  MediaRtpHeader header = { .ssrc = 1 };
  MediaRewriter rewriter;
  MediaRtpPlace place = { 0 };
  gint64 start_us, passed_us;
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
  passed_us = now_us () - start_us;
  print_beside ("parse and rewrite for forwarding", passed_us, "a copy of the packet", copy_us (172, times),
                times);
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
  gint64 start_us, passed_us;

  fill_voice (voice, FRAMES * 160, 8000, 0);
  start_us = now_us ();
  for (guint n = 0; n < 20; n++)
    for (guint i = 0; i < FRAMES; i++)
      media_dtmf_detector_push (detector, voice + i * 160, 160, digits);
  passed_us = now_us () - start_us;
  print_beside ("look for DTMF tones (where dtmf asks for it)", passed_us, "spandsp",
                dtmf_us (voice, 20 * FRAMES), 20 * FRAMES);
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
  bench_g711 (MEDIA_CODEC_PCMU);
  bench_g711 (MEDIA_CODEC_PCMA);
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
