/* Tones by cadence and frequency. */
#include "media/core/tone.h"

#include <math.h>

/* Amplitude of @tone_hz in @pcm (Goertzel), 0–1. */
static double
level (const gint16 *pcm, gsize samples, guint rate_hz, double tone_hz)
{
  const double c = 2 * cos (2 * G_PI * tone_hz / rate_hz);
  double s1 = 0, s2 = 0;

  for (gsize i = 0; i < samples; i++)
    {
      const double s0 = pcm[i] / 32768.0 + c * s1 - s2;

      s2 = s1;
      s1 = s0;
    }
  return 2 * sqrt (MAX (0, s1 * s1 + s2 * s2 - c * s1 * s2)) / (double)samples;
}

static gint
peak (const gint16 *pcm, gsize samples)
{
  gint most = 0;

  for (gsize i = 0; i < samples; i++)
    most = MAX (most, ABS ((gint)pcm[i]));
  return most;
}

typedef struct
{
  MediaToneKind kind;
  MediaToneRegion region;
  double f1_hz, f2_hz; /* f2_hz 0: one */
  guint on_ms, off_ms; /* off_ms 0: goes on for ever */
} Row;

static const Row rows[] = {
  { MEDIA_TONE_RINGBACK, MEDIA_TONE_EU, 425, 0, 1000, 4000 },
  { MEDIA_TONE_BUSY, MEDIA_TONE_EU, 425, 0, 500, 500 },
  { MEDIA_TONE_CONGESTION, MEDIA_TONE_EU, 425, 0, 250, 250 },
  { MEDIA_TONE_DIAL, MEDIA_TONE_EU, 425, 0, 10000, 0 },
  { MEDIA_TONE_RINGBACK, MEDIA_TONE_US, 440, 480, 2000, 4000 },
  { MEDIA_TONE_BUSY, MEDIA_TONE_US, 480, 620, 500, 500 },
  { MEDIA_TONE_DIAL, MEDIA_TONE_US, 350, 440, 10000, 0 },
  { MEDIA_TONE_RINGBACK, MEDIA_TONE_UK, 400, 450, 400, 200 },
  { MEDIA_TONE_DIAL, MEDIA_TONE_UK, 350, 440, 10000, 0 },
};

static void
check_row (const Row *row, guint rate_hz)
{
  const gsize on = rate_hz / 1000 * row->on_ms, off = rate_hz / 1000 * row->off_ms;
  const gsize all = on + off + rate_hz / 10;
  g_autofree gint16 *pcm = g_new (gint16, all);
  MediaTonePattern pattern;
  MediaToneGenerator generator;
  const gsize frame = rate_hz / 50;

  media_tone_pattern (row->kind, row->region, &pattern);
  media_tone_generator_init (&generator, rate_hz);
  for (gsize at = 0; at < all; at += frame)
    g_assert_cmpuint (media_tone_generate (&generator, &pattern, pcm + at, MIN (frame, all - at), NULL), ==,
                      MIN (frame, all - at));
  g_assert_cmpfloat (level (pcm, MIN (on, rate_hz / 5), rate_hz, row->f1_hz), >, 0.1);
  if (row->f2_hz > 0)
    g_assert_cmpfloat (level (pcm, MIN (on, rate_hz / 5), rate_hz, row->f2_hz), >, 0.1);
  g_assert_cmpfloat (level (pcm, MIN (on, rate_hz / 5), rate_hz, 1500), <, 0.01);
  g_assert_cmpint (peak (pcm + on / 2, on / 2 - frame / 4), >, 5000);
  if (row->off_ms == 0)
    {
      g_assert_cmpint (peak (pcm + on, all - on), >, 5000);
      return;
    }
  g_assert_cmpint (peak (pcm + on, off), ==, 0);
  g_assert_cmpint (peak (pcm + on + off, all - on - off), >, 5000);
}

static void
test_cadences (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      check_row (&rows[i], 8000);
      check_row (&rows[i], 48000);
    }
}

static void
test_beep_ends (void)
{
  MediaTonePattern pattern;
  MediaToneGenerator generator;
  gint16 pcm[160];
  gsize made = 0, n;
  gboolean sounds;

  media_tone_pattern (MEDIA_TONE_BEEP, MEDIA_TONE_EU, &pattern);
  media_tone_generator_init (&generator, 8000);
  while ((n = media_tone_generate (&generator, &pattern, pcm, G_N_ELEMENTS (pcm), &sounds)) > 0)
    {
      g_assert_true (sounds);
      made += n;
    }
  g_assert_cmpuint (made, ==, 4000);
  g_assert_false (sounds);
  g_assert_cmpint (peak (pcm, G_N_ELEMENTS (pcm)), ==, 0);
}

static void
test_dtmf_pairs (void)
{
  static const struct
  {
    char digit;
    double row_hz, column_hz;
  } keys[] = { { '1', 697, 1209 }, { '2', 697, 1336 }, { '3', 697, 1477 }, { 'A', 697, 1633 },
               { '4', 770, 1209 }, { '5', 770, 1336 }, { '6', 770, 1477 }, { 'b', 770, 1633 },
               { '7', 852, 1209 }, { '8', 852, 1336 }, { '9', 852, 1477 }, { 'C', 852, 1633 },
               { '*', 941, 1209 }, { '0', 941, 1336 }, { '#', 941, 1477 }, { 'D', 941, 1633 } };
  MediaTonePattern pattern;

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      MediaToneGenerator generator;
      gint16 pcm[960];

      g_assert_true (media_tone_pattern_dtmf (keys[i].digit, 100, &pattern));
      media_tone_generator_init (&generator, 8000);
      g_assert_cmpuint (media_tone_generate (&generator, &pattern, pcm, 960, NULL), ==, 800);
      g_assert_cmpfloat (level (pcm, 800, 8000, keys[i].row_hz), >, 0.1);
      g_assert_cmpfloat (level (pcm, 800, 8000, keys[i].column_hz), >, 0.1);
    }
  g_assert_false (media_tone_pattern_dtmf ('!', 100, &pattern));
  g_assert_false (media_tone_pattern_dtmf ('x', 100, &pattern));
}

static void
test_names (void)
{
  MediaToneKind kind;
  MediaToneRegion region;

  g_assert_true (media_tone_find ("ringback", &kind));
  g_assert_cmpint (kind, ==, MEDIA_TONE_RINGBACK);
  g_assert_true (media_tone_find ("beep", &kind));
  g_assert_cmpint (kind, ==, MEDIA_TONE_BEEP);
  g_assert_false (media_tone_find ("", &kind));
  g_assert_true (media_tone_find_region ("us", &region));
  g_assert_cmpint (region, ==, MEDIA_TONE_US);
  g_assert_false (media_tone_find_region ("moon", &region));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/tone/cadences", test_cadences);
  g_test_add_func ("/media/tone/beep_ends", test_beep_ends);
  g_test_add_func ("/media/tone/dtmf_pairs", test_dtmf_pairs);
  g_test_add_func ("/media/tone/names", test_names);
  return g_test_run ();
}
