#include "media/core/jitter_timing.h"

#include "tests/media/random.h"

#define FRAME_MS 20
#define TRANSIT  5000000

typedef struct
{
  MediaJitterTiming timing;
  TestRandom random;
  gint64 sent_ms;
} Run;

static Run
start (void)
{
  Run run = { .random = test_random (1), .sent_ms = 100000 };

  media_jitter_timing_init (&run.timing);
  return run;
}

/* One packet, so late. */
static void
add (Run *run, gint64 late_us)
{
  const CfgMonotonic now = { run->sent_ms * 1000 + TRANSIT + late_us };

  g_assert_true (media_jitter_timing_add (&run->timing, TRANSIT + late_us, now));
  run->sent_ms += FRAME_MS;
}

/* So long, each packet up to so late. */
static void
add_many (Run *run, guint ms, guint jitter_ms)
{
  for (guint i = 0; i < ms / FRAME_MS; i++)
    add (run, jitter_ms == 0 ? 0 : (gint64)test_random_below (&run->random, jitter_ms * 1000));
}

/* The packets that were sent while nothing moved come all at once. */
static void
stand_still (Run *run, gint ms)
{
  for (gint late_ms = ms; late_ms > 0; late_ms -= FRAME_MS)
    add (run, late_ms * 1000);
}

static gint64
spread_ms (const Run *run)
{
  return media_jitter_timing_spread_us (&run->timing) / 1000;
}

static void
test_first_packets_count (void)
{
  Run run = start ();

  g_assert_cmpint (media_jitter_timing_spread_us (&run.timing), ==, 0);
  add (&run, 0);
  g_assert_cmpint (spread_ms (&run), ==, 0);
  add (&run, 60000);
  g_assert_cmpint (spread_ms (&run), ==, 60);
}

static void
test_covers_jitter (void)
{
  const guint jitters_ms[] = { 5, 30, 100, 300 };

  for (guint k = 0; k < G_N_ELEMENTS (jitters_ms); k++)
    {
      Run run = start ();
      guint n_later = 0;

      add_many (&run, 5000, jitters_ms[k]);
      for (guint i = 0; i < 5000; i++)
        {
          const gint64 late_us = test_random_below (&run.random, jitters_ms[k] * 1000);

          n_later += late_us > media_jitter_timing_spread_us (&run.timing);
          add (&run, late_us);
        }
      g_assert_cmpuint (n_later, <, 50);
      g_assert_cmpint (spread_ms (&run), <=, jitters_ms[k]);
    }
}

static void
test_one_standstill_is_none (void)
{
  const gint lengths_ms[] = { 80, 400, 1500 };

  for (guint k = 0; k < G_N_ELEMENTS (lengths_ms); k++)
    {
      Run run = start ();

      add_many (&run, 5000, 10);
      stand_still (&run, lengths_ms[k]);
      add_many (&run, FRAME_MS, 0);
      g_assert_cmpint (spread_ms (&run), <=, 10);
      add_many (&run, 20000, 10);
      g_assert_cmpint (spread_ms (&run), <=, 10);
    }
}

static void
test_standstills_are_jitter (void)
{
  Run run = start ();

  add_many (&run, 5000, 10);
  stand_still (&run, 200);
  add_many (&run, 3000, 10);
  stand_still (&run, 200);
  for (guint i = 0; i < 10; i++)
    {
      g_assert_cmpint (spread_ms (&run), >=, 195);
      add_many (&run, 3000, 10);
      stand_still (&run, 200);
    }
  add_many (&run, 4500, 10);
  g_assert_cmpint (spread_ms (&run), <=, 10);
}

static void
test_believes_better_network (void)
{
  Run run = start ();

  add_many (&run, 60000, 100);
  g_assert_cmpint (spread_ms (&run), >=, 90);
  add_many (&run, 4500, 0);
  g_assert_cmpint (spread_ms (&run), ==, 0);
}

/* A way that is longer from now on is no jitter once the shorter one is forgotten. */
static void
test_longer_way (void)
{
  Run run = start ();

  add_many (&run, 5000, 5);
  for (guint i = 0; i < 15000 / FRAME_MS; i++)
    add (&run, 150000 + (gint64)test_random_below (&run.random, 5000));
  g_assert_cmpint (spread_ms (&run), <=, 5);
}

/* Pauses without packets are no time in which the network has shown itself. */
static void
test_remembers_over_silence (void)
{
  Run run = start ();

  add_many (&run, 5000, 60);
  run.sent_ms += 8000;
  add (&run, 0);
  g_assert_cmpint (spread_ms (&run), >=, 50);
}

/* Read after playout went on without it: the network is not to blame, and one standstill is none here too. */
static void
test_misses_are_soon_forgotten (void)
{
  Run run = start ();
  CfgMonotonic at = { 300 * CFG_US_PER_S };

  add_many (&run, 5000, 0);
  for (guint i = 0; i < 50; i++)
    media_jitter_timing_note_reading (&run.timing, TRANSIT + 1000000 - i * 20000, at);
  g_assert_cmpint (spread_ms (&run), ==, 0);
  for (guint i = 0; i < 20; i++)
    {
      at = cfg_monotonic_add_us (at, 300 * CFG_US_PER_MS);
      media_jitter_timing_note_reading (&run.timing, TRANSIT + (i % 2 == 0 ? 100000 : 150000), at);
      media_jitter_timing_note_reading (&run.timing, G_MININT64, at);
      if (i > 4)
        g_assert_cmpint (spread_ms (&run), >=, 100);
      g_assert_cmpint (spread_ms (&run), <=, 150);
    }
  media_jitter_timing_note_reading (&run.timing, G_MININT64, cfg_monotonic_add_us (at, 500 * CFG_US_PER_MS));
  g_assert_cmpint (spread_ms (&run), ==, 0);
}

static void
test_refuses_jump (void)
{
  Run run = start ();

  add (&run, 0);
  g_assert_false (media_jitter_timing_add (&run.timing, TRANSIT + 6000000, (CfgMonotonic){ 200000000 }));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/jitter_timing/first_packets_count", test_first_packets_count);
  g_test_add_func ("/media/jitter_timing/covers_jitter", test_covers_jitter);
  g_test_add_func ("/media/jitter_timing/one_standstill_is_none", test_one_standstill_is_none);
  g_test_add_func ("/media/jitter_timing/standstills_are_jitter", test_standstills_are_jitter);
  g_test_add_func ("/media/jitter_timing/believes_better_network", test_believes_better_network);
  g_test_add_func ("/media/jitter_timing/longer_way", test_longer_way);
  g_test_add_func ("/media/jitter_timing/remembers_over_silence", test_remembers_over_silence);
  g_test_add_func ("/media/jitter_timing/misses_are_soon_forgotten", test_misses_are_soon_forgotten);
  g_test_add_func ("/media/jitter_timing/refuses_jump", test_refuses_jump);
  return g_test_run ();
}
