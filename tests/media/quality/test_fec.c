/* FEC is in the packets wherever it was ordered: with each rate, loss and complexity that is used. */
#include "media/codec/codec.h"
#include "media/core/levels.h"
#include "media/core/opus_rate.h"
#include "speech.h"
#include "tests/media/opus_fec.h"

#define SPEECH_LEVEL 40 /* -dBov: louder than between words */
#define SECONDS      4

static const guint rates_hz[] = { 8000, 16000, 48000 };
static const double losses[] = { 0.03, 0.08, 0.15, 0.3 };

typedef struct
{
  guint spoken, with_fec;
  guint narrower; /* of less than the band there is */
} Count;

static Count
encode_speech (const TestSpeech *speech, const MediaEncoderConfig *config)
{
  MediaEncoder *encoder = media_encoder_new (media_codec_get (MEDIA_CODEC_OPUS), config, NULL);
  const gsize samples = config->sample_rate_hz / 50;
  Count count = { 0 };

  g_assert_nonnull (encoder);
  for (gsize at = 0; at + samples <= MIN (speech->n, SECONDS * speech->rate_hz); at += samples)
    {
      guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
      const gssize size = media_encoder_encode (encoder, speech->pcm + at, samples, payload, sizeof payload);

      g_assert_cmpint (size, >, 0);
      if (media_level_of_pcm (speech->pcm + at, samples) > SPEECH_LEVEL)
        continue;
      count.spoken++;
      count.with_fec += test_opus_has_fec (payload, (gsize)size);
      /* RFC 6716 table 2: 0-7 are narrow and medium band. */
      count.narrower += config->sample_rate_hz > 8000 && payload[0] >> 3 < 8;
    }
  media_encoder_free (encoder);
  return count;
}

static void
check_rate (gconstpointer data)
{
  const guint rate_hz = GPOINTER_TO_UINT (data);
  g_autoptr (TestSpeech) speech = test_speech_new (rate_hz, NULL);

  for (guint l = 0; l < G_N_ELEMENTS (losses); l++)
    for (guint complexity = 0; complexity <= 10; complexity++)
      {
        const guint step = media_opus_loss_step (losses[l]);
        const MediaEncoderConfig config
            = { .sample_rate_hz = rate_hz,
                .opus_complexity = complexity == 0 ? MEDIA_OPUS_COMPLEXITY_0 : (int)complexity,
                .opus_fec = TRUE,
                .opus_loss_percent = step,
                .opus_bitrate = media_opus_bitrate (rate_hz, TRUE, step, complexity) };
        const Count count = encode_speech (speech, &config);

        g_test_message (
            "%u %% loss, complexity %u, %u bit/s: %u of %u packets with FEC, %u in a narrower band", step,
            complexity, config.opus_bitrate, count.with_fec, count.spoken, count.narrower);
        g_assert_cmpuint (count.spoken, >, 50);
        g_assert_cmpuint (2 * count.with_fec, >=, count.spoken);
        g_assert_cmpuint (10 * count.narrower, <=, count.spoken);
      }
}

/* What the flag is read from: without loss there is none. */
static void
test_none_without_loss (void)
{
  g_autoptr (TestSpeech) speech = test_speech_new (8000, NULL);
  const MediaEncoderConfig config = { .sample_rate_hz = 8000, .opus_bitrate = 24000 };
  const Count count = encode_speech (speech, &config);

  g_assert_cmpuint (count.spoken, >, 50);
  g_assert_cmpuint (count.with_fec, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rates_hz); i++)
    {
      g_autofree char *path = g_strdup_printf ("/media/fec/speech_at_%u_hz", rates_hz[i]);

      g_test_add_data_func (path, GUINT_TO_POINTER (rates_hz[i]), check_rate);
    }
  g_test_add_func ("/media/fec/none_without_loss", test_none_without_loss);
  return g_test_run ();
}
