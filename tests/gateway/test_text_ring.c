#include "gateway/core/text_ring.h"

#include <string.h>

static void
append_number (GwTextRing *ring)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, gw_text_ring_last (ring) + 1);

  gw_text_ring_append (ring, text, strlen (text));
}

static void
test_counts_on_from_where_it_is_told (void)
{
  g_autoptr (GwTextRing) ring = gw_text_ring_new (100, 1000);

  g_assert_cmpuint (gw_text_ring_first (ring), ==, 101);
  g_assert_null (gw_text_ring_get (ring, 100, NULL));
  g_assert_null (gw_text_ring_get (ring, 101, NULL));
  append_number (ring);
  g_assert_cmpstr (gw_text_ring_get (ring, 101, NULL), ==, "101");
  g_assert_null (gw_text_ring_get (ring, 102, NULL));
}

static void
test_holds_no_more_than_its_number (void)
{
  g_autoptr (GwTextRing) ring = gw_text_ring_new (0, 100000);

  for (guint i = 0; i < GW_TEXT_RING_ENTRIES + 5; i++)
    append_number (ring);
  g_assert_cmpuint (gw_text_ring_first (ring), ==, 6);
  g_assert_null (gw_text_ring_get (ring, 5, NULL));
  g_assert_cmpstr (gw_text_ring_get (ring, 6, NULL), ==, "6");
}

static void
test_one_longer_than_the_ring_counts (void)
{
  g_autoptr (GwTextRing) ring = gw_text_ring_new (0, 10);

  append_number (ring);
  g_assert_cmpuint (gw_text_ring_append (ring, "0123456789", 10), ==, 2);
  g_assert_cmpuint (gw_text_ring_first (ring), ==, 3);
  g_assert_cmpuint (gw_text_ring_append (ring, "012345678", 9), ==, 3);
  g_assert_cmpstr (gw_text_ring_get (ring, 3, NULL), ==, "012345678");
}

/* Against a plain list: what is held is what was appended last, whole and in order. */
static void
test_any_sizes (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);

  for (guint round = 0; round < 200; round++)
    {
      guint32 capacity = (guint32)g_rand_int_range (rand, 1, 400);
      g_autoptr (GwTextRing) ring = gw_text_ring_new (0, capacity);
      g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_free);

      gsize least = gw_text_ring_used (ring), before = least;
      for (guint i = 0; i < 100; i++)
        {
          gsize size = (gsize)g_rand_int_range (rand, 0, (gint)capacity / 3 + 2);
          char *text = g_strnfill (size, (char)('a' + i % 26));

          g_ptr_array_add (all, text);
          g_assert_cmpuint (gw_text_ring_append (ring, text, size), ==, i + 1);
          if (size < capacity)
            g_assert_cmpuint (gw_text_ring_first (ring), <=, i + 1);
          g_assert_cmpuint (gw_text_ring_used (ring), >=, before);
          before = gw_text_ring_used (ring);
          g_assert_cmpuint (before, <=, least + capacity);
          for (guint64 seq = gw_text_ring_first (ring); seq <= gw_text_ring_last (ring); seq++)
            g_assert_cmpstr (gw_text_ring_get (ring, seq, &size), ==, g_ptr_array_index (all, seq - 1));
        }
    }
}

/* No more memory than the texts that are held ask for, and none of them goes early. */
static void
test_touches_little (void)
{
  g_autoptr (GwTextRing) ring = gw_text_ring_new (0, 1024 * 1024);
  char text[101];
  gsize used;

  memset (text, 'x', sizeof text);
  for (guint i = 0; i < 3 * GW_TEXT_RING_ENTRIES; i++)
    gw_text_ring_append (ring, text, sizeof text - 1);
  used = gw_text_ring_used (ring);
  for (guint i = 0; i < 20000; i++)
    {
      const gsize size = 50 + i * 7919 % 51;
      const guint64 seq = gw_text_ring_append (ring, text, size);
      gsize got;

      g_assert_nonnull (gw_text_ring_get (ring, seq, &got));
      g_assert_cmpuint (got, ==, size);
      g_assert_cmpuint (seq - gw_text_ring_first (ring) + 1, >=, GW_TEXT_RING_ENTRIES * 3 / 4);
    }
  g_assert_cmpuint (gw_text_ring_used (ring), <=, used + sizeof text);
  g_assert_cmpuint (used, <, GW_TEXT_RING_ENTRIES * 3 / 2 * (sizeof text + 8));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/text_ring/counts_on_from_where_it_is_told",
                   test_counts_on_from_where_it_is_told);
  g_test_add_func ("/gateway/text_ring/holds_no_more_than_its_number", test_holds_no_more_than_its_number);
  g_test_add_func ("/gateway/text_ring/one_longer_than_the_ring_counts",
                   test_one_longer_than_the_ring_counts);
  g_test_add_func ("/gateway/text_ring/any_sizes", test_any_sizes);
  g_test_add_func ("/gateway/text_ring/touches_little", test_touches_little);
  return g_test_run ();
}
