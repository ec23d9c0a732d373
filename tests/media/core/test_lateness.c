#include <glib.h>

#include "media/core/lateness.h"

static void
test_nothing (void)
{
  const MediaLateness lateness = { 0 };

  g_assert_cmpint (media_lateness_percentile_us (&lateness, 0.99), ==, 0);
  g_assert_cmpint (media_lateness_mean_us (&lateness), ==, 0);
}

/* Within a quarter above the value, never below it, over the whole range. */
static void
test_precision (void)
{
  for (gint64 us = 64; us < 30000000; us = us * 5 / 4 + 1)
    {
      MediaLateness lateness = { 0 };

      media_lateness_add (&lateness, us, 0);
      g_assert_cmpint (media_lateness_percentile_us (&lateness, 0.99), >, us);
      g_assert_cmpint (media_lateness_percentile_us (&lateness, 0.99), <=, us + us / 4 + 1);
      g_assert_cmpint (media_lateness_mean_us (&lateness), ==, us);
    }
}

static void
test_extremes (void)
{
  MediaLateness lateness = { 0 };

  media_lateness_add (&lateness, -5000, 0);
  g_assert_cmpint (media_lateness_percentile_us (&lateness, 0.99), <=, 64);
  g_assert_cmpint (media_lateness_mean_us (&lateness), ==, 0);
  media_lateness_add (&lateness, G_MAXINT64 / 2, G_MAXUINT);
  g_assert_cmpint (media_lateness_percentile_us (&lateness, 0.99), >, 30000000);
}

/* One tick in a hundred may be as late as it likes; two may not. */
static void
test_percentile (void)
{
  MediaLateness lateness = { 0 };

  for (guint i = 0; i < 2; i++)
    media_lateness_add (&lateness, 50000, 0);
  for (guint i = 0; i < 198; i++)
    media_lateness_add (&lateness, 100, 0);
  g_assert_cmpint (media_lateness_percentile_us (&lateness, 0.99), <, 200);
  g_assert_cmpint (media_lateness_percentile_us (&lateness, 1.0), >, 50000);
  media_lateness_add (&lateness, 50000, 0);
  g_assert_cmpint (media_lateness_percentile_us (&lateness, 0.99), >, 50000);
}

static void
test_forgets (void)
{
  MediaLateness lateness = { 0 };
  guint ticks = 0;

  for (guint i = 0; i < 1000; i++)
    media_lateness_add (&lateness, 30000, 0);
  while (media_lateness_percentile_us (&lateness, 0.99) > 1000 && ticks < 10000)
    {
      media_lateness_add (&lateness, 100, 0);
      ticks++;
    }
  /* Never before the present window is full, at the latest with the second one. */
  g_assert_cmpuint (ticks, >=, MEDIA_LATENESS_WINDOW);
  g_assert_cmpuint (ticks, <=, 2 * MEDIA_LATENESS_WINDOW);
}

/* A thread that stands still for a second catches up with 100 ms of it and leaves out the others. */
static void
test_skipped_ticks_count (void)
{
  MediaLateness lateness = { 0 };

  for (guint i = 0; i < 4000; i++)
    media_lateness_add (&lateness, 100, 0);
  media_lateness_add (&lateness, 100000, 450);
  g_assert_cmpint (media_lateness_percentile_us (&lateness, 0.95), >, 100000);
}

static void
test_mean_follows (void)
{
  MediaLateness lateness = { 0 };

  media_lateness_add (&lateness, 0, 0);
  for (guint i = 0; i < 500; i++)
    media_lateness_add (&lateness, 10000, 0);
  g_assert_cmpint (media_lateness_mean_us (&lateness), >, 6000);
  g_assert_cmpint (media_lateness_mean_us (&lateness), <, 10000);
  for (guint i = 0; i < 5000; i++)
    media_lateness_add (&lateness, 10000, 0);
  g_assert_cmpint (media_lateness_mean_us (&lateness), >, 9900);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/lateness/nothing", test_nothing);
  g_test_add_func ("/media/lateness/precision", test_precision);
  g_test_add_func ("/media/lateness/extremes", test_extremes);
  g_test_add_func ("/media/lateness/percentile", test_percentile);
  g_test_add_func ("/media/lateness/forgets", test_forgets);
  g_test_add_func ("/media/lateness/skipped_ticks_count", test_skipped_ticks_count);
  g_test_add_func ("/media/lateness/mean_follows", test_mean_follows);
  return g_test_run ();
}
