#include "media/core/rewriter.h"

#include "tests/media/random.h"

#include <errno.h>

#define AT(ms) ((CfgMonotonic){ (gint64)(ms)*1000 + 500000000 })

static int
forward (MediaRewriter *rewriter, guint64 source, guint16 sequence, guint32 timestamp, gint64 ms,
         MediaRtpPlace *place)
{
  MediaRtpView view = { .sequence = sequence, .timestamp = timestamp, .ssrc = (guint32)source + 100 };

  return media_rewriter_forward (rewriter, source, &view, 160, AT (ms), place);
}

#define assert_place(place, sequence_, timestamp_, marker_)                                                  \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    g_assert_cmpuint ((place).sequence, ==, (guint16)(sequence_));                                           \
    g_assert_cmpuint ((place).timestamp, ==, (guint32)(timestamp_));                                         \
    g_assert_cmpint ((place).marker, ==, (marker_));                                                         \
  }                                                                                                          \
  G_STMT_END

static void
test_keeps_gaps_and_reordering (void)
{
  MediaRewriter rewriter;
  MediaRtpPlace place;

  media_rewriter_init (&rewriter, 1, 8000, 65534, 0xffffff00);
  g_assert_cmpint (forward (&rewriter, 1, 10, 1000, 0, &place), ==, 0);
  assert_place (place, 65534, 0xffffff00, TRUE);
  g_assert_cmpint (forward (&rewriter, 1, 11, 1160, 20, &place), ==, 0);
  assert_place (place, 65535, 0xffffff00 + 160, FALSE);
  g_assert_cmpint (forward (&rewriter, 1, 14, 1640, 80, &place), ==, 0);
  assert_place (place, 2, 0xffffff00 + 640, FALSE);
  g_assert_cmpint (forward (&rewriter, 1, 12, 1320, 81, &place), ==, 0);
  assert_place (place, 0, 0xffffff00 + 320, FALSE);
  g_assert_cmpint (forward (&rewriter, 1, 12, 1320, 82, &place), ==, -EEXIST);
  g_assert_cmpint (forward (&rewriter, 1, 9, 840, 83, &place), ==, -ESTALE);
}

static void
test_goes_on_over_a_change (void)
{
  MediaRewriter rewriter;
  MediaRtpPlace place;

  media_rewriter_init (&rewriter, 1, 8000, 100, 0);
  g_assert_cmpint (forward (&rewriter, 1, 10, 1000, 0, &place), ==, 0);
  g_assert_cmpint (forward (&rewriter, 1, 11, 1160, 20, &place), ==, 0);
  /* Another source, numbers and time line of its own, 23 ms later. */
  g_assert_cmpint (forward (&rewriter, 2, 60000, 0x80000000, 43, &place), ==, 0);
  assert_place (place, 102, 160 + 160, TRUE);
  g_assert_cmpint (forward (&rewriter, 2, 60001, 0x80000000 + 160, 63, &place), ==, 0);
  assert_place (place, 103, 480, FALSE);
  /* A packet from before the change has no number left. */
  g_assert_cmpint (forward (&rewriter, 2, 59999, 0x80000000 - 160, 64, &place), ==, -ESTALE);
  /* Back to the first one after a second of nothing. */
  g_assert_cmpint (forward (&rewriter, 1, 62, 9320, 1063, &place), ==, 0);
  assert_place (place, 104, 480 + 8000, TRUE);
}

static void
test_own_frames (void)
{
  MediaRewriter rewriter;
  MediaRtpPlace place;

  media_rewriter_init (&rewriter, 1, 8000, 0, 5000);
  media_rewriter_produce (&rewriter, 160, AT (0), &place);
  assert_place (place, 0, 5000, TRUE);
  /* Ticks come unevenly, timestamps do not. */
  media_rewriter_produce (&rewriter, 160, AT (29), &place);
  assert_place (place, 1, 5160, FALSE);
  media_rewriter_produce (&rewriter, 160, AT (38), &place);
  assert_place (place, 2, 5320, FALSE);
  g_assert_cmpint (forward (&rewriter, 1, 10, 1000, 61, &place), ==, 0);
  assert_place (place, 3, 5480, TRUE);
  media_rewriter_produce (&rewriter, 160, AT (81), &place);
  assert_place (place, 4, 5640, TRUE);
  /* Frames that DTX leaves out pass time but take no number. */
  for (int i = 1; i < 20; i++)
    media_rewriter_pass (&rewriter, 160, AT (81 + 20 * i));
  media_rewriter_produce (&rewriter, 160, AT (81 + 400), &place);
  assert_place (place, 5, 5640 + 20 * 160, FALSE);
  /* A pause nobody told of. */
  media_rewriter_produce (&rewriter, 160, AT (81 + 400 + 1000), &place);
  assert_place (place, 6, 5640 + 20 * 160 + 8000, TRUE);
}

static void
test_events (void)
{
  MediaRewriter rewriter;
  MediaRtpPlace place;
  guint32 timestamp;

  media_rewriter_init (&rewriter, 1, 8000, 0, 0);
  media_rewriter_produce (&rewriter, 160, AT (0), &place);
  timestamp = media_rewriter_event_begin (&rewriter, AT (20));
  g_assert_cmpuint (timestamp, ==, 160);
  for (guint i = 1; i <= 5; i++)
    {
      media_rewriter_event (&rewriter, timestamp, i * 160, i == 1, &place);
      assert_place (place, i, 160, i == 1);
    }
  media_rewriter_produce (&rewriter, 160, AT (120), &place);
  assert_place (place, 6, 160 + 800, TRUE);
}

/* A forwarded event: its packets share a timestamp, and time goes on behind it. */
static void
test_forwarded_event (void)
{
  MediaRewriter rewriter;
  MediaRtpPlace place;

  media_rewriter_init (&rewriter, 1, 8000, 0, 0);
  g_assert_cmpint (forward (&rewriter, 1, 1, 1000, 0, &place), ==, 0);
  for (guint16 i = 0; i < 5; i++)
    {
      g_assert_cmpint (forward (&rewriter, 1, (guint16)(2 + i), 1160, 20 + i * 20, &place), ==, 0);
      assert_place (place, 1 + i, 160, FALSE);
    }
  media_rewriter_produce (&rewriter, 160, AT (120), &place);
  assert_place (place, 6, 160 + 800, TRUE);
}

static void
test_source_restarts (void)
{
  MediaRewriter rewriter;
  MediaRtpPlace place;

  media_rewriter_init (&rewriter, 1, 8000, 0, 0);
  g_assert_cmpint (forward (&rewriter, 1, 1000, 0, 0, &place), ==, 0);
  g_assert_cmpint (forward (&rewriter, 1, 40000, 0, 20, &place), ==, 0);
  assert_place (place, 1, 160, TRUE);
  /* The timestamp is reset, the numbers go on. */
  g_assert_cmpint (forward (&rewriter, 1, 40001, 0x70000000, 40, &place), ==, 0);
  assert_place (place, 2, 320, TRUE);
}

/* Whatever happens, no number is used twice and time never runs far from the clock. */
static void
test_never_reuses_a_number (void)
{
  TestRandom random = test_random (3);
  MediaRewriter rewriter;
  MediaRtpPlace place = { 0 };
  guint16 sequences[4] = { 0, 20000, 65000, 40000 };
  g_autofree guint8 *used = g_malloc0 (65536);
  guint16 oldest = 0;
  guint32 n = 0;

  media_rewriter_init (&rewriter, 1, 8000, 0, 0);
  for (gint64 ms = 0; ms < 400000; ms += test_random_below (&random, 40))
    {
      guint32 dice = test_random_below (&random, 100);
      guint which = test_random_below (&random, 4);
      gboolean placed = TRUE;

      if (dice < 70)
        {
          guint16 sequence
              = dice < 5 ? (guint16)(sequences[0] - test_random_below (&random, 80)) : sequences[0]++;

          placed = forward (&rewriter, 1, sequence, sequence * 160u, ms, &place) == 0;
        }
      else if (dice < 80)
        placed = forward (&rewriter, 1 + which, sequences[which]++, (guint32)ms * 8, ms, &place) == 0;
      else if (dice < 90)
        media_rewriter_produce (&rewriter, 160, AT (ms), &place);
      else
        media_rewriter_event (&rewriter, media_rewriter_event_begin (&rewriter, AT (ms)), 160, TRUE, &place);
      if (!placed)
        continue;
      n++;
      g_assert_cmpuint (used[place.sequence], ==, 0);
      used[place.sequence] = 1;
      /* Numbers come round again after 65536: forget those half a circle back. */
      while (media_rtp_sequence_diff (place.sequence, oldest) > 30000)
        used[oldest++] = 0;
    }
  g_assert_cmpuint (n, >, 15000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/rewriter/keeps_gaps_and_reordering", test_keeps_gaps_and_reordering);
  g_test_add_func ("/media/rewriter/goes_on_over_a_change", test_goes_on_over_a_change);
  g_test_add_func ("/media/rewriter/own_frames", test_own_frames);
  g_test_add_func ("/media/rewriter/events", test_events);
  g_test_add_func ("/media/rewriter/forwarded_event", test_forwarded_event);
  g_test_add_func ("/media/rewriter/source_restarts", test_source_restarts);
  g_test_add_func ("/media/rewriter/never_reuses_a_number", test_never_reuses_a_number);
  return g_test_run ();
}
