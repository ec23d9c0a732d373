#include "media/codec/codec.h"
#include "media/codec/comfort_noise.h"
#include "media/codec/resampler.h"

#include "config/base/error.h"
#include "tests/media/random.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define RATE_MAX 48000

/* Power of @hz in @pcm, as a part of all (Goertzel): 1 for a clean tone. */
static double
tone_part (const gint16 *pcm, gsize samples, guint rate_hz, double hz)
{
  double coefficient = 2 * cos (2 * G_PI * hz / rate_hz);
  double s1 = 0;
  double s2 = 0;
  double energy = 1;

  for (gsize i = 0; i < samples; i++)
    {
      double s0 = pcm[i] + coefficient * s1 - s2;

      s2 = s1;
      s1 = s0;
      energy += (double)pcm[i] * pcm[i];
    }
  return 2 * (s1 * s1 + s2 * s2 - coefficient * s1 * s2) / (double)samples / energy;
}

static double
rms (const gint16 *pcm, gsize samples)
{
  double energy = 0;

  for (gsize i = 0; i < samples; i++)
    energy += (double)pcm[i] * pcm[i];
  return sqrt (energy / (double)samples);
}

static void
fill_tone (gint16 *pcm, gsize samples, guint rate_hz, double hz, guint64 from)
{
  for (gsize i = 0; i < samples; i++)
    pcm[i] = (gint16)lround (8000 * sin (2 * G_PI * hz * (double)(from + i) / rate_hz));
}

static void
test_table (void)
{
  const struct
  {
    MediaCodecId id;
    const char *name;
    guint clock_rate_hz, sample_rate_hz, channels;
    int static_payload_type;
  } rows[] = {
    { MEDIA_CODEC_OPUS, "opus", 48000, 48000, 2, -1 },
    { MEDIA_CODEC_G722, "G722", 8000, 16000, 1, 9 },
    { MEDIA_CODEC_PCMU, "PCMU", 8000, 8000, 1, 0 },
    { MEDIA_CODEC_PCMA, "PCMA", 8000, 8000, 1, 8 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const MediaCodec *codec = media_codec_get (rows[i].id);

      g_assert_cmpint (media_codec_get_id (codec), ==, rows[i].id);
      g_assert_cmpstr (media_codec_get_name (codec), ==, rows[i].name);
      g_assert_cmpuint (media_codec_get_clock_rate (codec), ==, rows[i].clock_rate_hz);
      g_assert_cmpuint (media_codec_get_sample_rate (codec), ==, rows[i].sample_rate_hz);
      g_assert_cmpuint (media_codec_get_channels (codec), ==, rows[i].channels);
      g_assert_cmpint (media_codec_get_static_payload_type (codec), ==, rows[i].static_payload_type);
      g_assert_true (media_codec_find (rows[i].name, rows[i].clock_rate_hz) == codec);
      g_assert_null (media_codec_find (rows[i].name, 44100));
    }
  g_assert_true (media_codec_find ("OPUS", 0) == media_codec_get (MEDIA_CODEC_OPUS));
  g_assert_null (media_codec_find ("speex", 0));
  g_assert_true (media_codec_find_static (8) == media_codec_get (MEDIA_CODEC_PCMA));
  g_assert_null (media_codec_find_static (111));
}

/* Every codec at every rate and packet duration gives the tone back that went in. */
static void
check_round_trip (const MediaCodec *codec, guint in_hz, guint out_hz, guint ms)
{
  MediaEncoderConfig config = { .sample_rate_hz = in_hz };
  g_autoptr (MediaEncoder) encoder = media_encoder_new (codec, &config, NULL);
  g_autoptr (MediaDecoder) decoder = media_decoder_new (codec, out_hz, NULL);
  gsize in_samples = in_hz * ms / 1000;
  gsize out_samples = out_hz * ms / 1000;
  gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];
  guint64 sent = 0;

  g_assert_nonnull (encoder);
  g_assert_nonnull (decoder);
  g_assert_cmpuint (media_encoder_get_sample_rate (encoder), ==, in_hz);
  g_assert_cmpuint (media_decoder_get_sample_rate (decoder), ==, out_hz);
  for (guint i = 0; i * ms < 600; i++, sent += in_samples)
    {
      guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
      gssize size;

      fill_tone (pcm, in_samples, in_hz, 600, sent);
      size = media_encoder_encode (encoder, pcm, in_samples, payload, sizeof payload);
      g_assert_cmpint (size, >, 0);
      g_assert_cmpuint (media_codec_duration (codec, payload, (gsize)size), ==,
                        media_codec_get_clock_rate (codec) * ms / 1000);
      g_assert_cmpint (media_decoder_decode (decoder, payload, (gsize)size, pcm, G_N_ELEMENTS (pcm)), ==,
                       out_samples);
      g_assert_cmpint (media_decoder_decode (decoder, payload, (gsize)size, pcm, out_samples - 1), ==,
                       -ENOSPC);
      if (i * ms < 300)
        continue;
      g_assert_cmpfloat (tone_part (pcm, out_samples, out_hz, 600), >, 0.9);
      g_assert_cmpfloat (rms (pcm, out_samples), >, 4500);
      g_assert_cmpfloat (rms (pcm, out_samples), <, 7000);
    }
}

static void
test_round_trip (void)
{
  const guint rates[] = { 8000, 16000, 48000 };
  const guint durations[] = { 10, 20, 40, 60 };

  for (guint id = 0; id < MEDIA_CODEC_N; id++)
    for (gsize in = 0; in < G_N_ELEMENTS (rates); in++)
      for (gsize out = 0; out < G_N_ELEMENTS (rates); out++)
        check_round_trip (media_codec_get ((MediaCodecId)id), rates[in], rates[out],
                          durations[(in + out + id) % 4]);
  check_round_trip (media_codec_get (MEDIA_CODEC_PCMU), 8000, 8000, 30);
  check_round_trip (media_codec_get (MEDIA_CODEC_G722), 16000, 16000, 30);
}

/* Known points of the tables (ITU-T G.711), and: decode then encode changes nothing. */
static void
test_g711_tables (void)
{
  const struct
  {
    MediaCodecId id;
    guint8 octet;
    gint16 sample;
  } rows[] = {
    { MEDIA_CODEC_PCMU, 0xff, 0 },     { MEDIA_CODEC_PCMU, 0x80, 32124 }, { MEDIA_CODEC_PCMU, 0x00, -32124 },
    { MEDIA_CODEC_PCMU, 0x8f, 16764 }, { MEDIA_CODEC_PCMU, 0xfe, 8 },     { MEDIA_CODEC_PCMA, 0xd5, 8 },
    { MEDIA_CODEC_PCMA, 0x55, -8 },    { MEDIA_CODEC_PCMA, 0xaa, 32256 }, { MEDIA_CODEC_PCMA, 0x2a, -32256 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (MediaDecoder) decoder = media_decoder_new (media_codec_get (rows[i].id), 8000, NULL);
      gint16 sample;

      g_assert_cmpint (media_decoder_decode (decoder, &rows[i].octet, 1, &sample, 1), ==, 1);
      g_assert_cmpint (sample, ==, rows[i].sample);
    }
  for (MediaCodecId id = MEDIA_CODEC_PCMU; id <= MEDIA_CODEC_PCMA; id++)
    {
      g_autoptr (MediaDecoder) decoder = media_decoder_new (media_codec_get (id), 8000, NULL);
      g_autoptr (MediaEncoder) encoder = media_encoder_new (media_codec_get (id), NULL, NULL);
      guint8 octets[320];
      guint8 again[320];
      gint16 pcm[320];

      for (guint i = 0; i < 320; i++)
        octets[i] = (guint8)i;
      octets[0x7f] = 0xff; /* µ-law has two zeros */
      g_assert_cmpint (media_decoder_decode (decoder, octets, 320, pcm, 320), ==, 320);
      g_assert_cmpint (media_encoder_encode (encoder, pcm, 320, again, 320), ==, 320);
      g_assert_true (memcmp (octets, again, 320) == 0);
    }
}

static void
test_refuses_wrong_lengths (void)
{
  for (guint id = 0; id < MEDIA_CODEC_N; id++)
    {
      const MediaCodec *codec = media_codec_get ((MediaCodecId)id);
      g_autoptr (MediaEncoder) encoder = media_encoder_new (codec, NULL, NULL);
      g_autoptr (MediaDecoder) decoder = media_decoder_new (codec, 8000, NULL);
      gint16 pcm[MEDIA_CODEC_SAMPLES_MAX] = { 0 };
      guint8 out[MEDIA_CODEC_PAYLOAD_MAX];
      guint rate_hz = media_encoder_get_sample_rate (encoder);

      g_assert_cmpint (media_encoder_encode (encoder, pcm, 0, out, sizeof out), ==, -EINVAL);
      g_assert_cmpint (media_encoder_encode (encoder, pcm, rate_hz / 50 + 1, out, sizeof out), ==, -EINVAL);
      g_assert_cmpint (media_encoder_encode (encoder, pcm, rate_hz / 50, out, 1), <=, 1);
      g_assert_cmpint (media_decoder_conceal (decoder, 0, pcm), ==, -EINVAL);
      g_assert_cmpint (media_decoder_conceal (decoder, 961, pcm), ==, -EINVAL);
      g_assert_cmpint (media_decoder_decode (decoder, out, 0, pcm, 960), ==, -EBADMSG);
      g_assert_cmpuint (media_codec_duration (codec, out, 0), ==, 0);
    }
}

static void
test_refuses_unknown_rates (void)
{
  g_autoptr (GError) error = NULL;
  MediaEncoderConfig config = { .sample_rate_hz = 44100 };

  g_assert_null (media_encoder_new (media_codec_get (MEDIA_CODEC_OPUS), &config, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (media_decoder_new (media_codec_get (MEDIA_CODEC_PCMU), 12000, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (media_resampler_new (8000, 11025, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
}

/* A payload of silence is silent to a decoder that is new, and soon to one that heard something loud. */
static void
test_silence (void)
{
  for (guint id = 0; id < MEDIA_CODEC_N; id++)
    for (guint ms = 10; ms <= 60; ms += 10)
      {
        const MediaCodec *codec = media_codec_get ((MediaCodecId)id);
        guint32 units = media_codec_get_clock_rate (codec) / 1000 * ms;
        guint rate_hz = media_codec_get_sample_rate (codec);
        gsize samples = rate_hz * ms / 1000;
        g_autoptr (MediaDecoder) decoder = media_decoder_new (codec, rate_hz, NULL);
        guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
        gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];
        gssize size = media_codec_silence (codec, units, payload, sizeof payload);

        if (id == MEDIA_CODEC_OPUS && (ms == 30 || ms == 50))
          {
            g_assert_cmpint (size, ==, -EINVAL);
            continue;
          }
        g_assert_cmpint (size, >, 0);
        g_assert_cmpint (media_codec_silence (codec, units, payload, (gsize)size - 1), ==, -ENOSPC);
        g_assert_cmpuint (media_codec_duration (codec, payload, (gsize)size), ==, units);
        for (guint i = 0; i < 20; i++)
          {
            g_assert_cmpint (media_decoder_decode (decoder, payload, (gsize)size, pcm, G_N_ELEMENTS (pcm)),
                             ==, samples);
            if (i > 2)
              g_assert_cmpfloat (rms (pcm, samples), <, 30);
          }
      }
}

/* A few lost packets sound on, many fade to silence, and nothing clicks at either end. */
static void
check_concealment (MediaCodecId id, guint rate_hz)
{
  const MediaCodec *codec = media_codec_get (id);
  MediaEncoderConfig config = { .sample_rate_hz = rate_hz };
  g_autoptr (MediaEncoder) encoder = media_encoder_new (codec, &config, NULL);
  g_autoptr (MediaDecoder) decoder = media_decoder_new (codec, rate_hz, NULL);
  gsize samples = rate_hz / 50;
  gint32 steepest = 0;
  gint16 last = 0;

  for (guint frame = 0; frame < 100; frame++)
    {
      gboolean is_lost = frame >= 50 && frame < 60;
      guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
      gint16 pcm[960];
      gssize size;

      fill_tone (pcm, samples, rate_hz, 250, frame * samples);
      size = media_encoder_encode (encoder, pcm, samples, payload, sizeof payload);
      g_assert_cmpint (size, >, 0);
      if (is_lost)
        g_assert_cmpint (media_decoder_conceal (decoder, samples, pcm), ==, samples);
      else
        g_assert_cmpint (media_decoder_decode (decoder, payload, (gsize)size, pcm, samples), ==, samples);
      if (frame == 50)
        g_assert_cmpfloat (rms (pcm, samples), >, 1500);
      if (frame == 59)
        g_assert_cmpfloat (rms (pcm, samples), <, 1000);
      for (gsize i = 0; i < samples && frame > 20; i++)
        {
          steepest = MAX (steepest, ABS (pcm[i] - last));
          last = pcm[i];
        }
      last = pcm[samples - 1];
    }
  /* The tone itself climbs 8000 × 2π × 250 / rate per sample. */
  g_assert_cmpint (steepest, <, (gint32)(8000 * 2 * G_PI * 250 / rate_hz * 2) + 300);
}

static void
test_concealment (void)
{
  check_concealment (MEDIA_CODEC_PCMU, 8000);
  check_concealment (MEDIA_CODEC_PCMA, 8000);
  check_concealment (MEDIA_CODEC_PCMA, 48000);
  check_concealment (MEDIA_CODEC_G722, 16000);
  check_concealment (MEDIA_CODEC_G722, 8000);
  check_concealment (MEDIA_CODEC_OPUS, 8000);
  check_concealment (MEDIA_CODEC_OPUS, 48000);
}

/* Any number of samples up to 120 ms can be asked for. */
static void
test_conceals_any_length (void)
{
  TestRandom random = test_random (5);

  for (guint id = 0; id < MEDIA_CODEC_N; id++)
    for (guint rate_hz = 8000; rate_hz <= 48000; rate_hz *= rate_hz == 8000 ? 2 : 3)
      {
        const MediaCodec *codec = media_codec_get ((MediaCodecId)id);
        g_autoptr (MediaDecoder) decoder = media_decoder_new (codec, rate_hz, NULL);
        guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
        guint32 units = media_codec_get_clock_rate (codec) / 50;
        gssize size = media_codec_silence (codec, units, payload, sizeof payload);
        gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];

        g_assert_cmpint (media_decoder_decode (decoder, payload, (gsize)size, pcm, G_N_ELEMENTS (pcm)), >, 0);
        for (guint i = 0; i < 300; i++)
          {
            gsize samples = 1 + test_random_below (&random, rate_hz * 120 / 1000);
            g_autofree gint16 *exact = g_new (gint16, samples);

            g_assert_cmpint (media_decoder_conceal (decoder, samples, exact), ==, samples);
            g_assert_cmpint (media_decoder_decode_fec (decoder, payload, (gsize)size, samples, exact), ==,
                             samples);
          }
      }
}

/* A voice: harmonics of a moving pitch in syllables. Opus sends FEC only for what it takes for speech. */
static void
fill_voice (gint16 *pcm, gsize samples, guint rate_hz, guint64 from)
{
  for (gsize i = 0; i < samples; i++)
    {
      double t = (double)(from + i) / rate_hz;
      double phase = 2 * G_PI * (140 * t + 2 * sin (2 * t));
      double voice = 0;

      for (int h = 1; h <= 12; h++)
        voice += sin (h * phase) / h;
      pcm[i] = (gint16)(6000 * voice * (0.6 + 0.4 * sin (2 * G_PI * 3 * t)));
    }
}

static void
test_fec_beats_concealment (void)
{
  const MediaCodec *codec = media_codec_get (MEDIA_CODEC_OPUS);
  MediaEncoderConfig config
      = { .sample_rate_hz = 16000, .opus_fec = TRUE, .opus_loss_percent = 20, .opus_bitrate = 32000 };
  double errors[3] = { 0 }; /* without loss, with FEC, concealed */

  for (guint way = 0; way < 3; way++)
    {
      g_autoptr (MediaEncoder) encoder = media_encoder_new (codec, &config, NULL);
      g_autoptr (MediaDecoder) decoder = media_decoder_new (codec, 16000, NULL);
      g_autoptr (MediaDecoder) reference = media_decoder_new (codec, 16000, NULL);
      guint8 packets[2][MEDIA_CODEC_PAYLOAD_MAX];
      gsize sizes[2] = { 0 };

      for (guint frame = 0; frame < 300; frame++)
        {
          gint16 pcm[320];
          gint16 wanted[320];
          gssize size;
          const guint8 *present = packets[(frame + 1) % 2];
          gsize present_size = sizes[(frame + 1) % 2];

          fill_voice (pcm, 320, 16000, frame * 320);
          size = media_encoder_encode (encoder, pcm, 320, packets[frame % 2], sizeof packets[0]);
          g_assert_cmpint (size, >, 2);
          sizes[frame % 2] = (gsize)size;
          if (frame == 0)
            continue;
          g_assert_cmpint (media_decoder_decode (reference, present, present_size, wanted, 320), ==, 320);
          if (way == 0 || frame % 5 != 0)
            g_assert_cmpint (media_decoder_decode (decoder, present, present_size, pcm, 320), ==, 320);
          else if (way == 1)
            g_assert_cmpint (media_decoder_decode_fec (decoder, packets[frame % 2], (gsize)size, 320, pcm),
                             ==, 320);
          else
            g_assert_cmpint (media_decoder_conceal (decoder, 320, pcm), ==, 320);
          for (guint i = 0; i < 320 && frame % 5 == 0 && frame > 50; i++)
            errors[way] += pow (pcm[i] - wanted[i], 2);
        }
    }
  g_assert_cmpfloat (errors[0], ==, 0);
  g_assert_cmpfloat (errors[1], <, errors[2] / 2);
}

static void
test_dtx_sends_nothing (void)
{
  MediaEncoderConfig config = { .sample_rate_hz = 16000, .opus_dtx = TRUE };
  g_autoptr (MediaEncoder) encoder = media_encoder_new (media_codec_get (MEDIA_CODEC_OPUS), &config, NULL);
  gint16 pcm[320] = { 0 };
  guint8 out[MEDIA_CODEC_PAYLOAD_MAX];
  guint sent = 0;

  for (guint i = 0; i < 100; i++)
    {
      gssize size = media_encoder_encode (encoder, pcm, 320, out, sizeof out);

      g_assert_cmpint (size, >=, 0);
      sent += size > 0 ? 1 : 0;
    }
  g_assert_cmpuint (sent, <, 30);
  config.opus_dtx = FALSE;
  media_encoder_configure (encoder, &config);
  g_assert_cmpint (media_encoder_encode (encoder, pcm, 320, out, sizeof out), >, 0);
}

static void
test_configures_running_encoder (void)
{
  MediaEncoderConfig config = { .sample_rate_hz = 48000, .opus_bitrate = 64000, .opus_complexity = 10 };
  g_autoptr (MediaEncoder) encoder = media_encoder_new (media_codec_get (MEDIA_CODEC_OPUS), &config, NULL);
  gint16 pcm[960];
  guint8 out[MEDIA_CODEC_PAYLOAD_MAX];
  gsize sizes[2] = { 0 };

  for (guint i = 0; i < 200; i++)
    {
      if (i == 100)
        {
          config.opus_bitrate = 12000;
          config.opus_complexity = 99;
          media_encoder_configure (encoder, &config);
        }
      fill_voice (pcm, 960, 48000, i * 960);
      sizes[i / 100] += (gsize)media_encoder_encode (encoder, pcm, 960, out, sizeof out);
    }
  g_assert_cmpuint (sizes[1], <, sizes[0] / 2);
}

/* Complexity 0 can be asked for, although a zero member is the default. */
static void
test_lowest_complexity (void)
{
  const int complexities[] = { 0, 5, MEDIA_OPUS_COMPLEXITY_0 };
  guint32 sums[G_N_ELEMENTS (complexities)] = { 0 };
  gint16 pcm[960];
  guint8 out[MEDIA_CODEC_PAYLOAD_MAX];

  for (guint n = 0; n < G_N_ELEMENTS (complexities); n++)
    {
      const MediaEncoderConfig config = { .sample_rate_hz = 48000, .opus_complexity = complexities[n] };
      g_autoptr (MediaEncoder) encoder
          = media_encoder_new (media_codec_get (MEDIA_CODEC_OPUS), &config, NULL);

      for (guint i = 0; i < 50; i++)
        {
          gssize size;

          fill_voice (pcm, 960, 48000, i * 960);
          size = media_encoder_encode (encoder, pcm, 960, out, sizeof out);
          for (gssize k = 0; k < size; k++)
            sums[n] = sums[n] * 31 + out[k];
        }
    }
  g_assert_cmpuint (sums[0], ==, sums[1]);
  g_assert_cmpuint (sums[0], !=, sums[2]);
}

/* Whatever comes as a payload: an error or sound of the length announced. */
static void
test_decoders_survive_any_bytes (void)
{
  TestRandom random = test_random (6);

  for (guint id = 0; id < MEDIA_CODEC_N; id++)
    {
      const MediaCodec *codec = media_codec_get ((MediaCodecId)id);
      g_autoptr (MediaDecoder) decoder = media_decoder_new (codec, 16000, NULL);

      for (guint i = 0; i < 5000; i++)
        {
          gsize size = test_random_below (&random, i % 10 == 0 ? 1500 : 80);
          g_autofree guint8 *payload = g_malloc (size);
          gint16 pcm[1920];
          guint32 units;
          gssize samples;

          for (gsize k = 0; k < size; k++)
            payload[k] = (guint8)test_random_next (&random);
          units = media_codec_duration (codec, payload, size);
          g_assert_cmpuint (units, <=, media_codec_get_clock_rate (codec) * 120 / 1000);
          samples = media_decoder_decode (decoder, payload, size, pcm, G_N_ELEMENTS (pcm));
          if (samples >= 0)
            g_assert_cmpint (samples, ==, (gint64)units * 16000 / media_codec_get_clock_rate (codec));
          if (size > 0)
            g_assert_cmpint (media_decoder_decode_fec (decoder, payload, size, 320, pcm), !=, 0);
          if (i % 100 == 0)
            media_decoder_reset (decoder);
        }
    }
}

static void
test_resampler (void)
{
  const guint rates[] = { 8000, 16000, 48000 };

  for (gsize in = 0; in < 3; in++)
    for (gsize out = 0; out < 3; out++)
      {
        g_autoptr (MediaResampler) resampler = media_resampler_new (rates[in], rates[out], NULL);
        gint16 from[960];
        gint16 to[960];

        for (guint i = 0; i < 20; i++)
          {
            fill_tone (from, rates[in] / 50, rates[in], 1000, i * rates[in] / 50);
            g_assert_cmpint (
                media_resampler_process (resampler, from, rates[in] / 50, to, rates[out] / 50 - 1), ==,
                -ENOSPC);
            g_assert_cmpint (media_resampler_process (resampler, from, rates[in] / 50, to, G_N_ELEMENTS (to)),
                             ==, rates[out] / 50);
          }
        g_assert_cmpfloat (tone_part (to, rates[out] / 50, rates[out], 1000), >, 0.97);
        g_assert_cmpfloat (rms (to, rates[out] / 50), >, 5000);
        media_resampler_reset (resampler);
      }
}

/* What comes out of a tone of @hz in the second half of a second. @noise: (out): what is no tone of @hz.
 * Returns: how loud the tone is; both as shares of what went in. */
static double
convert_tone (guint in_hz, guint out_hz, double hz, gsize chunk, double *noise)
{
  g_autoptr (MediaResampler) resampler = media_resampler_new_from (in_hz, out_hz, NULL);
  g_autofree gint16 *from = g_new (gint16, in_hz), *to = g_new (gint16, out_hz + 1);
  double cosine = 0, sine = 0, rest = 0;
  gsize n = 0;

  for (guint i = 0; i < in_hz; i++)
    from[i] = (gint16)lrint (10000 * sin (2 * G_PI * hz * i / in_hz));
  for (gsize at = 0; at < in_hz; at += chunk)
    {
      const gssize some
          = media_resampler_process (resampler, from + at, MIN (chunk, in_hz - at), to + n, out_hz);

      g_assert_cmpint (some, >=, 0);
      n += (gsize)some;
    }
  g_assert_cmpuint (n, ==, out_hz);
  for (guint i = out_hz / 2; i < out_hz; i++)
    {
      cosine += to[i] * cos (2 * G_PI * hz * i / out_hz) * 4 / out_hz;
      sine += to[i] * sin (2 * G_PI * hz * i / out_hz) * 4 / out_hz;
    }
  for (guint i = out_hz / 2; i < out_hz; i++)
    {
      const double error
          = to[i] - cosine * cos (2 * G_PI * hz * i / out_hz) - sine * sin (2 * G_PI * hz * i / out_hz);

      rest += error * error;
    }
  *noise = sqrt (rest * 4 / out_hz) / 10000;
  return hypot (cosine, sine) / 10000;
}

/* Rates of files, by own coefficients and by the library: tones come through as they are, and what the lower
 * rate has no place for does not come back as something else. */
static void
test_resampler_of_files (void)
{
  static const struct
  {
    guint in_hz, out_hz;
    double pass_hz[3], stop_hz;
  } cases[] = {
    { 44100, 48000, { 100, 1000, 16000 }, 0 },     { 22050, 48000, { 100, 1000, 8000 }, 0 },
    { 11025, 16000, { 100, 1000, 4000 }, 0 },      { 7350, 8000, { 100, 1000, 2600 }, 0 },
    { 88200, 48000, { 100, 1000, 16000 }, 30000 }, { 176400, 48000, { 100, 1000, 16000 }, 40000 },
    { 32000, 48000, { 100, 1000, 10000 }, 0 },     { 44101, 48000, { 100, 1000, 16000 }, 0 },
  };

  for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
    for (guint t = 0; t <= G_N_ELEMENTS (cases[c].pass_hz); t++)
      {
        const gboolean passes = t < G_N_ELEMENTS (cases[c].pass_hz);
        const double hz = passes ? cases[c].pass_hz[t] : cases[c].stop_hz;
        double noise, level;

        if (hz == 0)
          continue;
        level = convert_tone (cases[c].in_hz, cases[c].out_hz, hz, 4096, &noise);
        g_test_message ("%u to %u Hz, %.0f Hz: level %.5f, noise %.6f", cases[c].in_hz, cases[c].out_hz, hz,
                        level, noise);
        if (passes)
          g_assert_cmpfloat_with_epsilon (level, 1, 0.02);
        g_assert_cmpfloat (noise, <, passes ? 0.001 : 0.002);
        if (t == 1)
          {
            double again;

            /* Whatever it is given at a time. */
            g_assert_cmpfloat (convert_tone (cases[c].in_hz, cases[c].out_hz, hz, 441, &again), ==, level);
            g_assert_cmpfloat (again, ==, noise);
          }
      }
}

static void
test_comfort_noise (void)
{
  MediaComfortNoise noise;
  gint16 pcm[8000];
  guint8 payload[1];

  media_comfort_noise_init (&noise, 7);
  media_comfort_noise_fill (&noise, pcm, 8000);
  g_assert_cmpfloat (rms (pcm, 8000), ==, 0);
  g_assert_false (media_comfort_noise_read (&noise, payload, 0));
  for (guint8 level = 30; level < 80; level = (guint8)(level + 10))
    {
      g_assert_cmpuint (media_comfort_noise_write (level, payload), ==, 1);
      g_assert_true (media_comfort_noise_read (&noise, payload, 1));
      media_comfort_noise_fill (&noise, pcm, 8000);
      g_assert_cmpfloat (fabs (20 * log10 (rms (pcm, 8000) / 32768) + level), <, 1.5);
    }
}

/* What the octets tell is what decoding does; of others only decoding tells. */
static void
test_energy_without_decoding (void)
{
  static const MediaCodecId laws[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA };
  const guint8 octets[2] = { 0, 0 };

  for (guint k = 0; k < G_N_ELEMENTS (laws); k++)
    {
      const MediaCodec *codec = media_codec_get (laws[k]);
      g_autoptr (MediaDecoder) decoder = media_decoder_new (codec, 8000, NULL);
      guint8 payload[256];
      gint16 pcm[256];
      gint64 energy = 0;

      for (guint i = 0; i < 256; i++)
        payload[i] = (guint8)i;
      g_assert_cmpint (media_decoder_decode (decoder, payload, 256, pcm, 256), ==, 256);
      for (guint i = 0; i < 256; i++)
        energy += (gint64)pcm[i] * pcm[i];
      g_assert_cmpint (media_codec_energy (codec, payload, 256), ==, energy);
      g_assert_cmpint (media_codec_energy (codec, payload, 0), ==, 0);
    }
  g_assert_cmpint (media_codec_energy (media_codec_get (MEDIA_CODEC_OPUS), octets, 2), <, 0);
  g_assert_cmpint (media_codec_energy (media_codec_get (MEDIA_CODEC_G722), octets, 2), <, 0);
}

#define ONSET_RATE_HZ 16000
#define ONSET_FRAME   320

/* How loud a decoder gets that has heard our silence after something loud, and then a tone of @peak. */
static gint
loudest_after_silence (const MediaCodec *codec, guint n_silent, gint peak)
{
  const MediaEncoderConfig config = { .sample_rate_hz = ONSET_RATE_HZ };
  MediaEncoder *encoder = media_encoder_new (codec, &config, NULL);
  MediaDecoder *decoder = media_decoder_new (codec, ONSET_RATE_HZ, NULL);
  gint16 pcm[ONSET_FRAME], heard[MEDIA_CODEC_SAMPLES_MAX];
  guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
  gint loudest = 0;
  guint at = 0;

  for (guint frame = 0; frame < 40; frame++)
    {
      gssize size, n;

      if (frame == 20)
        {
          at = 0;
          for (guint i = 0; i < n_silent; i++)
            {
              size = media_codec_silence (codec, media_codec_get_clock_rate (codec) / 50, payload,
                                          sizeof payload);
              g_assert_cmpint (size, >, 0);
              (void)!media_decoder_decode (decoder, payload, (gsize)size, heard, G_N_ELEMENTS (heard));
            }
          media_encoder_pass (encoder, n_silent * media_codec_get_clock_rate (codec) / 50);
        }
      for (guint i = 0; i < ONSET_FRAME; i++, at++)
        pcm[i] = (gint16)(peak * MIN (at / 80.0, 1) * sin (2 * G_PI * 1000 * at / ONSET_RATE_HZ));
      /* It fades out before the silence. */
      for (guint i = 0; frame == 19 && i < ONSET_FRAME; i++)
        pcm[i] = (gint16)(i < 160 ? pcm[i] * (160 - (gint)i) / 160 : 0);
      size = media_encoder_encode (encoder, pcm, ONSET_FRAME, payload, sizeof payload);
      n = media_decoder_decode (decoder, payload, (gsize)size, heard, G_N_ELEMENTS (heard));
      for (gssize i = 0; frame >= 20 && i < n; i++)
        loudest = MAX (loudest, ABS (heard[i]));
    }
  media_encoder_free (encoder);
  media_decoder_free (decoder);
  return loudest;
}

/* Silence is made without an encoder: the one that goes on after it has to know what it did to the decoder.
 */
static void
test_speech_after_silence (void)
{
  static const guint lengths[] = { 1, 3, 10, 200 };

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_assert_cmpint (loudest_after_silence (media_codec_get (MEDIA_CODEC_G722), lengths[i], 22000), <,
                       23500);
      g_assert_cmpint (loudest_after_silence (media_codec_get (MEDIA_CODEC_OPUS), lengths[i], 22000), <,
                       30000);
    }
}

static void
test_join (void)
{
  static const MediaCodecId laws[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA };

  for (guint k = 0; k < G_N_ELEMENTS (laws); k++)
    {
      const MediaCodec *codec = media_codec_get (laws[k]);
      MediaDecoder *decoder = media_decoder_new (codec, 8000, NULL);
      guint8 payload[160], before[160];
      gint16 pcm[160], as_it_was[160];

      for (guint i = 0; i < sizeof payload; i++)
        before[i] = payload[i] = (guint8)(i * 37);
      g_assert_cmpint (media_decoder_decode (decoder, before, sizeof before, as_it_was, 160), ==, 160);
      media_codec_join (codec, payload, sizeof payload, 12000);
      g_assert_cmpint (media_decoder_decode (decoder, payload, sizeof payload, pcm, 160), ==, 160);
      g_assert_cmpint (ABS (pcm[0] - 12000), <, 300);
      g_assert_cmpint (ABS (pcm[20] - (12000 + as_it_was[20]) / 2), <, 600);
      g_assert_cmpmem (payload + 40, 120, before + 40, 120);
      g_assert_cmpint (media_codec_last_sample (codec, before, sizeof before), ==, as_it_was[159]);
      media_codec_join (codec, payload, 7, 0); /* shorter than it takes */
      media_codec_join (codec, payload, 0, 0);
      g_assert_cmpint (media_codec_last_sample (codec, payload, 0), ==, 0);
      media_decoder_free (decoder);
    }
  g_assert_cmpint (media_codec_last_sample (media_codec_get (MEDIA_CODEC_OPUS), (const guint8 *)"x", 1), ==,
                   0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/codec/table", test_table);
  g_test_add_func ("/media/codec/round_trip", test_round_trip);
  g_test_add_func ("/media/codec/g711_tables", test_g711_tables);
  g_test_add_func ("/media/codec/refuses_wrong_lengths", test_refuses_wrong_lengths);
  g_test_add_func ("/media/codec/refuses_unknown_rates", test_refuses_unknown_rates);
  g_test_add_func ("/media/codec/silence", test_silence);
  g_test_add_func ("/media/codec/concealment", test_concealment);
  g_test_add_func ("/media/codec/conceals_any_length", test_conceals_any_length);
  g_test_add_func ("/media/codec/fec_beats_concealment", test_fec_beats_concealment);
  g_test_add_func ("/media/codec/dtx_sends_nothing", test_dtx_sends_nothing);
  g_test_add_func ("/media/codec/configures_running_encoder", test_configures_running_encoder);
  g_test_add_func ("/media/codec/lowest_complexity", test_lowest_complexity);
  g_test_add_func ("/media/codec/decoders_survive_any_bytes", test_decoders_survive_any_bytes);
  g_test_add_func ("/media/codec/speech_after_silence", test_speech_after_silence);
  g_test_add_func ("/media/codec/join", test_join);
  g_test_add_func ("/media/codec/resampler", test_resampler);
  g_test_add_func ("/media/codec/resampler_of_files", test_resampler_of_files);
  g_test_add_func ("/media/codec/comfort_noise", test_comfort_noise);
  g_test_add_func ("/media/codec/energy_without_decoding", test_energy_without_decoding);
  return g_test_run ();
}
