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
    {
      const guint clean = media_opus_bitrate (rates_hz[i], FALSE, 0);

      g_assert_cmpuint (media_opus_bitrate (rates_hz[i], TRUE, 5), >, clean);
      g_assert_cmpuint (media_opus_bitrate (rates_hz[i], TRUE, 10), >, clean);
      /* A network that is full is not filled more. */
      g_assert_cmpuint (media_opus_bitrate (rates_hz[i], TRUE, 20), <, clean);
      g_assert_cmpuint (media_opus_bitrate (rates_hz[i], FALSE, 30), <, clean);
      g_assert_cmpuint (media_opus_bitrate (rates_hz[i], TRUE, 30), >=, 12000);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/opus_rate/steps", test_steps);
  g_test_add_func ("/media/opus_rate/bitrates", test_bitrates);
  return g_test_run ();
}
