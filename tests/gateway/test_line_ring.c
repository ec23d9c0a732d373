/* The last log lines of calls, in bounded memory. */
#include <string.h>

#include "gateway/core/line_ring.h"

static void
collect (gpointer user, guint64 seq, const char *text, gsize size)
{
  g_string_append_printf (user, "%" G_GUINT64_FORMAT ":%.*s ", seq, (int)size, text);
}

static void
check (GwLineRing *ring, const char *name, guint64 after, guint max, const char *expected)
{
  g_autoptr (GString) got = g_string_new (NULL);

  gw_line_ring_foreach (ring, name, after, max, collect, got);
  g_assert_cmpstr (got->str, ==, expected);
}

static guint64
add (GwLineRing *ring, const char *name, gint64 time_us, const char *text)
{
  return gw_line_ring_add (ring, name, (CfgWall){ time_us }, text, strlen (text));
}

static void
test_by_call (void)
{
  g_autoptr (GwLineRing) ring = gw_line_ring_new (4096);

  g_assert_cmpuint (add (ring, "SCL_a", 1, "one"), ==, 1);
  add (ring, "SCL_b", 2, "two");
  add (ring, "SCL_a", 3, "three");
  add (ring, "SCL_a", 4, "");
  check (ring, "SCL_a", 0, 100, "1:one 3:three 4: ");
  check (ring, "SCL_a", 1, 100, "3:three 4: ");
  check (ring, "SCL_a", 0, 2, "3:three 4: ");
  check (ring, "SCL_a", 0, 0, "");
  check (ring, "SCL_b", 0, 100, "2:two ");
  check (ring, "SCL_", 0, 100, "");
  check (ring, "", 0, 100, "");
  g_assert_false (gw_line_ring_forgot (ring, 0, (CfgWall){ 0 }));
}

/* Whatever comes, the latest half at least is there, in order, and what is gone is said. */
static void
test_bounded (void)
{
  g_autoptr (GwLineRing) ring = gw_line_ring_new (4096);
  g_autoptr (GString) got = g_string_new (NULL);
  g_autofree char *large = g_strnfill (5000, 'x');
  guint64 last = 0;

  for (guint i = 1; i <= 1000; i++)
    {
      g_autofree char *text = g_strdup_printf ("line %u", i);

      last = add (ring, "SCL_a", (gint64)i, text);
    }
  g_assert_cmpuint (last, ==, 1000);
  gw_line_ring_foreach (ring, "SCL_a", 0, 1000, collect, got);
  g_assert_true (g_str_has_suffix (got->str, "999:line 999 1000:line 1000 "));
  g_assert_cmpuint (got->len, >, 400);
  g_assert_cmpuint (got->len, <, 4096);
  g_assert_true (gw_line_ring_forgot (ring, 0, (CfgWall){ 0 }));
  g_assert_true (gw_line_ring_forgot (ring, 500, (CfgWall){ 0 }));
  g_assert_false (gw_line_ring_forgot (ring, 999, (CfgWall){ 0 }));
  g_assert_false (gw_line_ring_forgot (ring, 0, (CfgWall){ 999 }));
  g_assert_cmpuint (add (ring, "SCL_a", 1001, large), ==, 1001);
  check (ring, "SCL_a", 1000, 10, "");
  g_assert_true (gw_line_ring_forgot (ring, 1000, (CfgWall){ 0 }));
  add (ring, "a-name-that-is-longer-than-what-is-kept-of-it", 1002, "kept");
  check (ring, "a-name-that-is-longer-than-what-is-kept-of-it", 0, 10, "1002:kept ");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/line_ring/lines_by_call", test_by_call);
  g_test_add_func ("/gateway/line_ring/bounded", test_bounded);
  return g_test_run ();
}
