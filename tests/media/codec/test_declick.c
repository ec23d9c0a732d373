#include "media/codec/codec.h"
#include "media/codec/declick.h"

#include "tests/media/random.h"

#include <math.h>
#include <string.h>

#define BEFORE      MEDIA_DECLICK_BEFORE
#define SAMPLES_MAX 960

/* Something like a vowel: a pitch of 140 Hz and overtones. */
static gint16
vowel (gsize at, guint rate_hz)
{
  static const double parts[] = { 1, 0.8, 1.2, 0.5, 0.3, 0.2 };
  double sum = 0;

  for (guint k = 0; k < G_N_ELEMENTS (parts); k++)
    sum += parts[k] * sin (2 * G_PI * 140 * (k + 1) * (double)at / rate_hz + k);
  return (gint16)(4000 * sum);
}

static gint
worst_error (const gint16 *pcm, gsize samples, guint rate_hz)
{
  gint worst = 0;

  for (gsize i = 0; i < samples; i++)
    worst = MAX (worst, ABS (pcm[i] - vowel (BEFORE + i, rate_hz)));
  return worst;
}

static void
fill (gint16 *before, gint16 *pcm, gsize samples, guint rate_hz)
{
  for (gsize i = 0; i < BEFORE; i++)
    before[i] = vowel (i, rate_hz);
  for (gsize i = 0; i < samples; i++)
    pcm[i] = vowel (BEFORE + i, rate_hz);
}

/* A jump anywhere, at any rate: taken out, and what was said is there again. */
static void
test_takes_jumps_out (void)
{
  const guint rates_hz[] = { 8000, 16000, 48000 };

  for (guint r = 0; r < G_N_ELEMENTS (rates_hz); r++)
    {
      const gsize samples = rates_hz[r] / 50;

      for (gsize at = 0; at + samples / 20 < samples; at += samples / 20 - 1)
        {
          gint16 before[BEFORE], pcm[SAMPLES_MAX];

          fill (before, pcm, samples, rates_hz[r]);
          pcm[at] = (gint16)(pcm[at] < 0 ? pcm[at] + 20000 : pcm[at] - 20000);
          g_assert_cmpuint (media_declick (before, pcm, samples, rates_hz[r]), >=, 1);
          g_test_message ("%u Hz, %u: %d", rates_hz[r], (guint)at, worst_error (pcm, samples, rates_hz[r]));
          g_assert_cmpint (worst_error (pcm, samples, rates_hz[r]), <, 20000 / 4);
          g_assert_cmpuint (media_declick (before, pcm, samples, rates_hz[r]), ==, 0);
        }
    }
}

static void
test_leaves_sound_alone (void)
{
  TestRandom random = test_random (3);
  gint16 before[BEFORE], pcm[SAMPLES_MAX];

  fill (before, pcm, 320, 16000);
  g_assert_cmpuint (media_declick (before, pcm, 320, 16000), ==, 0);
  g_assert_cmpint (worst_error (pcm, 320, 16000), ==, 0);
  /* The very end, of which nobody knows how it goes on. */
  pcm[319] = G_MAXINT16;
  g_assert_cmpuint (media_declick (before, pcm, 320, 16000), ==, 0);
  /* A plosive: noise, all at once. */
  for (gsize i = 100; i < 320; i++)
    pcm[i] = (gint16)(test_random_below (&random, 20000) - 10000);
  g_assert_cmpuint (media_declick (before, pcm, 320, 16000), ==, 0);
  memset (before, 0, sizeof before);
  memset (pcm, 0, sizeof pcm);
  g_assert_cmpuint (media_declick (before, pcm, 960, 48000), ==, 0);
  /* Longer than is looked at. */
  g_assert_cmpuint (media_declick (before, pcm, SAMPLES_MAX, 8000), ==, 0);
}

/* Whatever is decoded: numbers stay numbers. */
static void
test_survives_anything (void)
{
  TestRandom random = test_random (4);

  for (guint i = 0; i < 3000; i++)
    {
      const guint rates_hz[] = { 8000, 16000, 48000 };
      const guint rate_hz = rates_hz[i % 3];
      const gsize samples = 1 + test_random_below (&random, SAMPLES_MAX);
      const guint32 loud = 1 + test_random_below (&random, 32768);
      gint16 before[BEFORE] = { 0 }, pcm[SAMPLES_MAX];

      for (gsize k = 0; k < samples; k++)
        pcm[k] = (gint16)(test_random_below (&random, 40) == 0
                              ? (gint32)test_random_below (&random, 65535) - 32768
                              : (gint32)test_random_below (&random, loud) / 64);
      g_assert_cmpuint (media_declick (before, pcm, samples, rate_hz), <=, 4);
    }
}

static gint
bend (const gint16 *pcm)
{
  return ABS (pcm[0] - 2 * pcm[-1] + pcm[-2]);
}

/* Frames that do not follow one another: told so, the decoder goes over from the one to the other. */
static void
test_cut (void)
{
  const guint16 phases[] = { 7, 20, 33, 51 };

  for (guint p = 0; p < G_N_ELEMENTS (phases); p++)
    {
      const MediaCodec *codec = media_codec_get (MEDIA_CODEC_PCMA);
      const MediaEncoderConfig config = { .sample_rate_hz = 8000 };
      g_autoptr (MediaEncoder) encoder = media_encoder_new (codec, &config, NULL);
      g_autoptr (MediaDecoder) decoder = media_decoder_new (codec, 8000, NULL);
      gint16 heard[20 * 160];
      gint worst = 0;

      for (guint frame = 0; frame < 20; frame++)
        {
          guint8 payload[160];
          gint16 pcm[160];

          for (guint i = 0; i < 160; i++)
            pcm[i] = vowel (frame * 160 + i + (frame < 10 ? 0 : phases[p]), 8000);
          g_assert_cmpint (media_encoder_encode (encoder, pcm, 160, payload, sizeof payload), ==, 160);
          if (frame == 10)
            media_decoder_cut (decoder);
          g_assert_cmpint (media_decoder_decode (decoder, payload, 160, heard + frame * 160, 160), ==, 160);
        }
      for (guint i = 2; i < 10 * 160; i++)
        worst = MAX (worst, bend (heard + i));
      for (guint i = 10 * 160; i < 20 * 160; i++)
        g_assert_cmpint (bend (heard + i), <=, worst * 3 / 2);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/declick/takes_jumps_out", test_takes_jumps_out);
  g_test_add_func ("/media/declick/leaves_sound_alone", test_leaves_sound_alone);
  g_test_add_func ("/media/declick/survives_anything", test_survives_anything);
  g_test_add_func ("/media/declick/cut", test_cut);
  return g_test_run ();
}
