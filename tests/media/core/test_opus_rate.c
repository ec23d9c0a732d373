#include "media/core/opus_rate.h"

static void
test_steps (void)
{
  static const struct
  {
    double loss;
    guint percent;
  } cases[] = { { 0, 0 },    { 0.009, 0 }, { 0.01, 5 },  { 0.05, 5 }, { 0.051, 10 },
                { 0.1, 10 }, { 0.15, 20 }, { 0.25, 30 }, { 1, 30 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpuint (media_opus_loss_step (cases[i].loss), ==, cases[i].percent);
}

static void
test_bitrates (void)
{
  static const guint rates_hz[] = { 8000, 16000, 48000 };

  for (guint i = 0; i < G_N_ELEMENTS (rates_hz); i++)
    for (guint complexity = 0; complexity <= 10; complexity++)
      {
        const guint clean = media_opus_bitrate (rates_hz[i], FALSE, 0, complexity);
        const guint fec = media_opus_bitrate (rates_hz[i], TRUE, 5, complexity);
        const guint full = media_opus_bitrate (rates_hz[i], TRUE, 20, complexity);

        g_assert_cmpuint (fec, >=, clean * 3 / 2);
        g_assert_cmpuint (media_opus_bitrate (rates_hz[i], TRUE, 10, complexity), ==, fec);
        /* A network that is full is not filled more than FEC takes (tests/media/quality/test_fec.c). */
        g_assert_cmpuint (full, >=, clean);
        g_assert_cmpuint (full, <, clean * 3 / 2);
        g_assert_cmpuint (media_opus_bitrate (rates_hz[i], TRUE, 30, complexity), ==, full);
        g_assert_cmpuint (media_opus_bitrate (rates_hz[i], FALSE, 30, complexity), <, clean);
      }
}

/* SILK with less effort makes more bits of the same sound. */
static void
test_less_effort_takes_no_fewer_bits (void)
{
  static const guint rates_hz[] = { 8000, 16000, 48000 };

  for (guint i = 0; i < G_N_ELEMENTS (rates_hz); i++)
    for (guint step = 5; step <= 20; step += 15)
      for (guint complexity = 1; complexity <= 10; complexity++)
        g_assert_cmpuint (media_opus_bitrate (rates_hz[i], TRUE, step, complexity), <=,
                          media_opus_bitrate (rates_hz[i], TRUE, step, complexity - 1));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/opus_rate/steps", test_steps);
  g_test_add_func ("/media/opus_rate/bitrates", test_bitrates);
  g_test_add_func ("/media/opus_rate/less_effort_takes_no_fewer_bits", test_less_effort_takes_no_fewer_bits);
  return g_test_run ();
}
