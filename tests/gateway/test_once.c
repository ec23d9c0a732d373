#include "gateway/core/once.h"

#define SECOND ((gint64)CFG_US_PER_S)

static guint n_freed;

static void
count_freed (gpointer value)
{
  n_freed++;
  g_free (value);
}

static CfgMonotonic
at (gint64 seconds)
{
  return (CfgMonotonic){ seconds * SECOND };
}

static GwOnceVerdict
claim (GwOnce *once, const char *scope, const char *key, const char *digest, gint64 seconds, guint64 *id)
{
  guint64 unused;

  return gw_once_claim (once, scope, key, digest, g_strdup (digest), at (seconds), id != NULL ? id : &unused);
}

/* Steps on one table: lifetime 10 s, two places. */
static const struct
{
  const char *what, *scope, *key, *digest;
  gint64 at_s;
  GwOnceVerdict verdict;
  gboolean finish; /* the entry that was claimed */
} steps[] = {
  { "the first", "a", "k", "1", 0, GW_ONCE_NEW },
  { "again while it runs", "a", "k", "1", 1, GW_ONCE_KNOWN },
  { "something else", "a", "k", "2", 1, GW_ONCE_OTHER },
  { "long after, still running", "a", "k", "1", 1000, GW_ONCE_KNOWN, TRUE },
  { "within its lifetime", "a", "k", "1", 1009, GW_ONCE_KNOWN },
  { "another scope", "b", "k", "2", 1009, GW_ONCE_NEW },
  { "after its lifetime", "a", "k", "2", 1010, GW_ONCE_NEW },
  { "no place, both run", "c", "k", "1", 1010, GW_ONCE_FULL },
  { "the one of b ends", "b", "k", "2", 1011, GW_ONCE_KNOWN, TRUE },
  { "it gives way", "c", "k", "1", 1012, GW_ONCE_NEW },
  { "and is unknown", "b", "k", "2", 1012, GW_ONCE_FULL },
  { "scope and key are apart", "ck", "", "1", 1012, GW_ONCE_FULL },
};

static void
test_steps (void)
{
  GwOnce *once = gw_once_new (2, 10 * SECOND, count_freed);
  guint n_claims = 0;

  n_freed = 0;
  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      guint64 id;

      g_test_message ("%s", steps[i].what);
      n_claims++;
      g_assert_cmpint (claim (once, steps[i].scope, steps[i].key, steps[i].digest, steps[i].at_s, &id), ==,
                       steps[i].verdict);
      if (steps[i].verdict == GW_ONCE_NEW || steps[i].verdict == GW_ONCE_KNOWN)
        g_assert_cmpstr (gw_once_value (once, id), ==, steps[i].digest);
      else
        g_assert_true (steps[i].verdict == GW_ONCE_OTHER || id == 0);
      if (steps[i].finish)
        gw_once_finish (once, id, at (steps[i].at_s));
      g_assert_cmpuint (gw_once_size (once), <=, 2);
    }
  gw_once_free (once);
  g_assert_cmpuint (n_freed, ==, n_claims);
}

static void
test_forgotten (void)
{
  GwOnce *once = gw_once_new (2, 10 * SECOND, count_freed);
  guint64 id, next;

  g_assert_cmpint (claim (once, "a", "k", "1", 0, &id), ==, GW_ONCE_NEW);
  gw_once_forget (once, id);
  g_assert_null (gw_once_value (once, id));
  gw_once_finish (once, id, at (0));
  gw_once_forget (once, id);
  g_assert_cmpint (claim (once, "a", "k", "2", 0, &next), ==, GW_ONCE_NEW);
  g_assert_cmpuint (next, !=, id);
  gw_once_finish (once, next, at (0));
  gw_once_forget (once, next);
  g_assert_cmpuint (gw_once_size (once), ==, 0);
  gw_once_free (once);
}

/* Of many finished ones those that were finished last stay. */
static void
test_bounded (void)
{
  GwOnce *once = gw_once_new (100, 10 * SECOND, count_freed);

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);
      guint64 id;

      g_assert_cmpint (claim (once, "a", key, "1", 0, &id), ==, GW_ONCE_NEW);
      gw_once_finish (once, id, at (0));
    }
  g_assert_cmpuint (gw_once_size (once), ==, 100);
  g_assert_cmpint (claim (once, "a", "900", "1", 0, NULL), ==, GW_ONCE_KNOWN);
  g_assert_cmpint (claim (once, "a", "899", "1", 0, NULL), ==, GW_ONCE_NEW);
  gw_once_free (once);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/once/steps", test_steps);
  g_test_add_func ("/gateway/once/forgotten", test_forgotten);
  g_test_add_func ("/gateway/once/bounded", test_bounded);
  return g_test_run ();
}
