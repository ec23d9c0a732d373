#include "media/core/mixer.h"
#include "media/core/timescale.h"

#include <math.h>
#include <string.h>

#define SAMPLES 160

static void
fill (gint16 *pcm, gint16 value)
{
  for (gsize i = 0; i < SAMPLES; i++)
    pcm[i] = (gint16)(i % 2 == 0 ? value : -value);
}

static void
test_everybody_but_oneself (void)
{
  g_autoptr (MediaMixer) mixer = media_mixer_new (SAMPLES);
  gint16 pcm[3][SAMPLES];
  gint16 out[SAMPLES];
  MediaLimiter limiter = { 0 };

  fill (pcm[0], 100);
  fill (pcm[1], 1000);
  fill (pcm[2], 10000);
  media_mixer_begin (mixer);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (media_mixer_add (mixer, pcm[i], MEDIA_MIXER_GAIN_UNITY), ==, i);
  media_mixer_render (mixer, NULL, 0, &limiter, out);
  g_assert_cmpint (out[0], ==, 11100);
  g_assert_cmpint (out[1], ==, -11100);
  for (guint i = 0; i < 3; i++)
    {
      MediaMixerOverride oneself = { i, 0 };

      media_mixer_render (mixer, &oneself, 1, &limiter, out);
      g_assert_cmpint (out[0], ==, 11100 - pcm[i][0]);
    }
  media_mixer_begin (mixer);
  media_mixer_render (mixer, NULL, 0, &limiter, out);
  g_assert_cmpint (out[0], ==, 0);
}

static void
test_gains (void)
{
  g_autoptr (MediaMixer) mixer = media_mixer_new (SAMPLES);
  gint16 pcm[2][SAMPLES];
  gint16 out[SAMPLES];
  MediaLimiter limiter = { 0 };
  MediaMixerOverride overrides[2] = { { 0, 0 }, { 1, MEDIA_MIXER_GAIN_UNITY * 2 } };

  g_assert_cmpint (media_mixer_gain_from_db (0), ==, MEDIA_MIXER_GAIN_UNITY);
  g_assert_cmpint (media_mixer_gain_from_db (6.0206), ==, 2 * MEDIA_MIXER_GAIN_UNITY);
  g_assert_cmpint (media_mixer_gain_from_db (-200), ==, 0);
  g_assert_cmpint (media_mixer_gain_from_db (NAN), ==, 0);
  g_assert_cmpint (media_mixer_gain_from_db (100), <=, MEDIA_MIXER_GAIN_MAX);
  fill (pcm[0], 4001);
  fill (pcm[1], 3);
  media_mixer_begin (mixer);
  media_mixer_add (mixer, pcm[0], MEDIA_MIXER_GAIN_UNITY / 3);
  media_mixer_add (mixer, pcm[1], MEDIA_MIXER_GAIN_UNITY);
  /* A source with a gain is taken out without a trace: rounding is the same both ways. */
  media_mixer_render (mixer, overrides, 2, &limiter, out);
  for (gsize i = 0; i < SAMPLES; i++)
    g_assert_cmpint (out[i], ==, 2 * pcm[1][i]);
  media_mixer_apply_gain (pcm[0], SAMPLES, MEDIA_MIXER_GAIN_MAX);
  g_assert_cmpint (pcm[0][0], ==, 32008);
  media_mixer_apply_gain (pcm[0], SAMPLES, MEDIA_MIXER_GAIN_MAX);
  g_assert_cmpint (pcm[0][0], ==, 32767);
  g_assert_cmpint (pcm[0][1], ==, -32768);
}

/* Twenty loud voices: the sum is turned down, not clipped; when they stop, the rest comes back without a
 * step. */
static void
test_limits_softly (void)
{
  g_autoptr (MediaMixer) mixer = media_mixer_new (SAMPLES);
  gint16 pcm[SAMPLES];
  gint16 out[SAMPLES];
  MediaLimiter limiter = { 0 };
  gint16 last = 0;

  for (guint frame = 0; frame < 250; frame++)
    {
      guint voices = frame < 20 ? 1 : frame < 40 ? 20 : 1;

      for (guint i = 0; i < SAMPLES; i++)
        pcm[i] = (gint16)(8000 * sin (2 * G_PI * 200 * (frame * SAMPLES + i) / 8000.0));
      media_mixer_begin (mixer);
      for (guint i = 0; i < voices; i++)
        media_mixer_add (mixer, pcm, MEDIA_MIXER_GAIN_UNITY);
      media_mixer_render (mixer, NULL, 0, &limiter, out);
      for (guint i = 0; i < SAMPLES; i++)
        {
          /* Beyond the first quarter of the first loud frame nothing touches full scale. */
          if (frame != 20 || i > SAMPLES / 4)
            g_assert_cmpint (ABS ((gint)out[i]), <=, 30001);
          /* 20 voices at 200 Hz move 25000 per sample: only the settled mix is as smooth as one voice × 4. */
          if (frame > 21)
            g_assert_cmpint (ABS (out[i] - last), <, 6000);
          last = out[i];
        }
    }
  g_assert_cmpint (limiter.reduction_q15, ==, 0);
}

static void
test_rates_and_many_sources (void)
{
  const gsize samples[] = { 160, 320, 960 };

  for (gsize r = 0; r < G_N_ELEMENTS (samples); r++)
    {
      g_autoptr (MediaMixer) mixer = media_mixer_new (samples[r]);
      g_autofree gint16 *pcm = g_new (gint16, samples[r]);
      g_autofree gint16 *out = g_new (gint16, samples[r]);
      MediaLimiter limiter = { 0 };

      for (gsize i = 0; i < samples[r]; i++)
        pcm[i] = (gint16)i;
      g_assert_cmpuint (media_mixer_get_samples (mixer), ==, samples[r]);
      media_mixer_begin (mixer);
      for (guint i = 0; i < 20; i++)
        media_mixer_add (mixer, pcm, MEDIA_MIXER_GAIN_UNITY);
      g_assert_cmpuint (media_mixer_count (mixer), ==, 20);
      media_mixer_render (mixer, NULL, 0, &limiter, out);
      g_assert_cmpint (out[samples[r] - 1], ==, 20 * (gint16)(samples[r] - 1));
    }
}

/* A sine loses or gains a whole number of periods: no bend is sharper than the sine's own. */
static void
test_timescale_keeps_a_sine (void)
{
  const guint rates[] = { 8000, 16000, 48000 };
  const guint tones[] = { 110, 200, 440, 1000 };

  for (gsize r = 0; r < G_N_ELEMENTS (rates); r++)
    for (gsize t = 0; t < G_N_ELEMENTS (tones); t++)
      for (guint mode = 0; mode < 2; mode++)
        {
          gint16 pcm[960 * 2];
          gsize samples = rates[r] / 50;
          double step = 2 * G_PI * tones[t] / rates[r];
          gsize length;

          for (gsize i = 0; i < samples; i++)
            pcm[i] = (gint16)lround (8000 * sin (step * (double)i));
          length = mode == 0 ? media_timescale_remove (pcm, samples, rates[r], samples)
                             : media_timescale_insert (pcm, samples, G_N_ELEMENTS (pcm), rates[r], samples);
          g_assert_true (mode == 0 ? length < samples : length > samples);
          for (gsize i = 2; i < length; i++)
            {
              double bend = ABS (pcm[i] - 2 * pcm[i - 1] + pcm[i - 2]);

              g_assert_cmpfloat (bend, <=, 8000 * step * step * 1.6 + 8000 * step * 0.12 + 6);
            }
        }
}

static void
test_timescale_bounds (void)
{
  gint16 pcm[200] = { 0 };

  /* Nothing fits: too short, no room, nothing wanted. */
  g_assert_cmpuint (media_timescale_remove (pcm, 30, 8000, 30), ==, 30);
  g_assert_cmpuint (media_timescale_remove (pcm, 160, 8000, 10), ==, 160);
  g_assert_cmpuint (media_timescale_insert (pcm, 160, 160, 8000, 160), ==, 160);
  g_assert_cmpuint (media_timescale_insert (pcm, 160, 100, 8000, 160), ==, 160);
  /* Silence can be cut anywhere. */
  g_assert_cmpuint (media_timescale_remove (pcm, 160, 8000, 40), <=, 140);
  g_assert_cmpuint (media_timescale_insert (pcm, 160, 200, 8000, 160), <=, 200);
}

/* Three at full scale begin in the middle of silence: nothing hits the rails, not even before the gain is
 * down. */
static void
test_sudden_noise_hits_no_rail (void)
{
  g_autoptr (MediaMixer) mixer = media_mixer_new (160);
  MediaLimiter limiter = { 0 };
  gint16 pcm[3][160];
  gint16 out[160];

  for (guint k = 0; k < 3; k++)
    for (gsize i = 0; i < 160; i++)
      pcm[k][i] = (gint16)lround (30000 * sin (2 * G_PI * (300 + 170 * k) * (double)i / 8000));
  for (guint frame = 0; frame < 10; frame++)
    {
      gint flat = 0;

      media_mixer_begin (mixer);
      for (guint k = 0; k < 3; k++)
        media_mixer_add (mixer, pcm[k], MEDIA_MIXER_GAIN_UNITY);
      media_mixer_render (mixer, NULL, 0, &limiter, out);
      for (gsize i = 1; i < 160; i++)
        {
          g_assert_cmpint (ABS ((gint)out[i]), <, G_MAXINT16);
          flat = ABS ((gint)out[i]) > 32000 && out[i] == out[i - 1] ? flat + 1 : 0;
          g_assert_cmpint (flat, <, 4);
        }
    }
}

/* Who comes begins at zero, who goes ends there, and is as loud as ever in the rest; taken out again it
 * leaves nothing. */
static void
test_fades (void)
{
  g_autoptr (MediaMixer) mixer = media_mixer_new (160);
  gint16 pcm[160], out[160];

  for (gsize i = 0; i < 160; i++)
    pcm[i] = 8000;
  for (guint comes = 0; comes < 2; comes++)
    for (guint round = 0; round < 2; round++)
      {
        MediaLimiter limiter = { 0 };
        guint slot;

        media_mixer_begin (mixer);
        slot = media_mixer_add_faded (mixer, pcm, MEDIA_MIXER_GAIN_UNITY, comes == 1);
        media_mixer_render (mixer, NULL, 0, &limiter, out);
        g_assert_cmpint (out[comes ? 0 : 159], ==, 0);
        g_assert_cmpint (out[comes ? 159 : 0], ==, 8000);
        g_assert_cmpint (out[80], ==, 8000);
        for (gsize i = 1; i < 160; i++)
          g_assert_cmpint (ABS (out[i] - out[i - 1]), <=, 201);
        media_mixer_render (mixer, &(MediaMixerOverride){ slot, 0 }, 1, &limiter, out);
        for (gsize i = 0; i < 160; i++)
          g_assert_cmpint (out[i], ==, 0);
      }
  g_assert_cmpint (pcm[0], ==, 8000);
}

/* For one listener and for everybody: in a line, whatever it was before. */
static void
test_gains_move_in_a_line (void)
{
  g_autoptr (MediaMixer) mixer = media_mixer_new (160);
  MediaLimiter limiter = { 0 };
  gint16 pcm[160], out[160];

  for (gsize i = 0; i < 160; i++)
    pcm[i] = 8000;
  for (guint everybody = 0; everybody < 2; everybody++)
    for (guint up = 0; up < 2; up++)
      {
        const gint32 was = up ? 0 : 2 * MEDIA_MIXER_GAIN_UNITY, will = up ? 2 * MEDIA_MIXER_GAIN_UNITY : 0;
        const MediaMixerOverride moving = { .gain_q12 = will, .moves = TRUE, .was_q12 = was };

        media_mixer_begin (mixer);
        if (everybody)
          media_mixer_add_moving (mixer, pcm, was, will);
        else
          media_mixer_add (mixer, pcm, MEDIA_MIXER_GAIN_UNITY);
        media_mixer_render (mixer, &moving, everybody ? 0 : 1, &limiter, out);
        g_assert_cmpint (out[159], ==, up ? 16000 : 0);
        g_assert_cmpint (ABS (out[0] - (up ? 0 : 16000)), <=, 103);
        for (gsize i = 1; i < 160; i++)
          g_assert_cmpint (ABS (out[i] - out[i - 1]), <=, 103);
        if (!everybody)
          continue;
        media_mixer_render (mixer, &(MediaMixerOverride){ 0 }, 1, &limiter, out);
        for (gsize i = 0; i < 160; i++)
          g_assert_cmpint (out[i], ==, 0);
      }
}

/* What a file or a track is given while somebody's gain changes. */
static void
test_accumulate_moving (void)
{
  gint16 pcm[160];
  gint32 sum[160] = { 0 }, same[160] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (pcm); i++)
    pcm[i] = 8000;
  media_mixer_accumulate_moving (sum, pcm, G_N_ELEMENTS (pcm), MEDIA_MIXER_GAIN_UNITY,
                                 MEDIA_MIXER_GAIN_UNITY / 10);
  g_assert_cmpint (sum[0], >, 7900);
  for (guint i = 1; i < G_N_ELEMENTS (pcm); i++)
    {
      g_assert_cmpint (sum[i], <=, sum[i - 1]);
      g_assert_cmpint (sum[i - 1] - sum[i], <, 50);
    }
  g_assert_cmpint (ABS (sum[159] - 800), <, 5);
  media_mixer_accumulate_moving (same, pcm, G_N_ELEMENTS (pcm), MEDIA_MIXER_GAIN_UNITY,
                                 MEDIA_MIXER_GAIN_UNITY);
  g_assert_cmpint (same[0], ==, 8000);
  g_assert_cmpint (same[159], ==, 8000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/mixer/everybody_but_oneself", test_everybody_but_oneself);
  g_test_add_func ("/media/mixer/gains", test_gains);
  g_test_add_func ("/media/mixer/limits_softly", test_limits_softly);
  g_test_add_func ("/media/mixer/sudden_noise_hits_no_rail", test_sudden_noise_hits_no_rail);
  g_test_add_func ("/media/mixer/fades", test_fades);
  g_test_add_func ("/media/mixer/gains_move_in_a_line", test_gains_move_in_a_line);
  g_test_add_func ("/media/mixer/rates_and_many_sources", test_rates_and_many_sources);
  g_test_add_func ("/media/timescale/keeps_a_sine", test_timescale_keeps_a_sine);
  g_test_add_func ("/media/timescale/bounds", test_timescale_bounds);
  g_test_add_func ("/media/mixer/accumulate_moving", test_accumulate_moving);
  return g_test_run ();
}
