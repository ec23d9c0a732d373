#include "media/io/prefetch.h"

static void
test_trail_is_walked_again_after_some_packets (void)
{
  MediaTrail trail = { 0 };
  char place[128];
  guint walks = 0;

  for (guint packet = 0; packet < 3 * (MEDIA_TRAIL_PACKETS + 1); packet++)
    if (!media_trail_follow (&trail))
      {
        g_assert_cmpuint (trail.n, ==, 0);
        media_trail_add (&trail, place, sizeof place);
        walks++;
      }
  g_assert_cmpuint (walks, ==, 3);
  g_assert_cmpuint (trail.n, ==, 1);
  g_assert_cmpuint (trail.parts[0], ==, media_prefetch_part (place, sizeof place));
}

/* Whole lines from the first byte to the last, wherever it begins. */
static void
test_part_has_all_lines (void)
{
  const char *line = (const char *)(guintptr)(0x7f1234567840u);
  const guint64 first = (guint64)(guintptr)line / MEDIA_CACHE_LINE << 8;

  g_assert_cmpuint (media_prefetch_part (line, 1), ==, first | 1);
  g_assert_cmpuint (media_prefetch_part (line, MEDIA_CACHE_LINE), ==, first | 1);
  g_assert_cmpuint (media_prefetch_part (line + 1, MEDIA_CACHE_LINE), ==, first | 2);
  g_assert_cmpuint (media_prefetch_part (line + 63, 2 * MEDIA_CACHE_LINE), ==, first | 3);
  g_assert_cmpuint (media_prefetch_part (line, 1 << 20), ==, first | 255);
}

static void
test_trail_is_bounded (void)
{
  MediaTrail trail = { 0 };
  char place;

  g_assert_false (media_trail_follow (&trail));
  media_trail_add (&trail, NULL, 64);
  g_assert_cmpuint (trail.n, ==, 0);
  for (guint i = 0; i < 2 * MEDIA_TRAIL_MAX; i++)
    media_trail_add (&trail, &place, 1);
  g_assert_cmpuint (trail.n, ==, MEDIA_TRAIL_MAX);
}

/* What it remembers may be gone by now. */
static void
test_following_touches_nothing (void)
{
  MediaTrail trail = { 0 };
  char *gone = g_malloc (1 << 20);

  g_assert_false (media_trail_follow (&trail));
  media_trail_add (&trail, gone, 1 << 20);
  media_trail_add (&trail, (gconstpointer)G_MAXSIZE, 64);
  g_free (gone);
  g_assert_true (media_trail_follow (&trail));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/prefetch/trail_is_walked_again_after_some_packets",
                   test_trail_is_walked_again_after_some_packets);
  g_test_add_func ("/media/prefetch/part_has_all_lines", test_part_has_all_lines);
  g_test_add_func ("/media/prefetch/trail_is_bounded", test_trail_is_bounded);
  g_test_add_func ("/media/prefetch/following_touches_nothing", test_following_touches_nothing);
  return g_test_run ();
}
