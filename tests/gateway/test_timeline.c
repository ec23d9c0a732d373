/* What happened to a call: bounded, in order. */
#include <string.h>

#include "gateway/core/timeline.h"

typedef struct
{
  guint n;
  gint64 last_us;
  char *first, *last;
  guint omitted_at; /* 0: nowhere */
  json_int_t n_omitted;
} Seen;

static void
see (gpointer user, CfgWall time, json_t *entry)
{
  Seen *seen = user;
  const char *event;

  g_assert_nonnull (entry);
  event = json_string_value (json_object_get (entry, "event"));
  g_assert_cmpint (time.us, >=, seen->last_us);
  seen->last_us = time.us;
  if (++seen->n == 1)
    seen->first = json_dumps (entry, JSON_COMPACT);
  g_free (seen->last);
  seen->last = json_dumps (entry, JSON_COMPACT);
  if (strcmp (event, "omitted") == 0)
    {
      seen->omitted_at = seen->n;
      seen->n_omitted = json_integer_value (json_object_get (entry, "count"));
    }
  json_decref (entry);
}

static void
clear (Seen *seen)
{
  g_free (seen->first);
  g_free (seen->last);
}

static void
add (GwTimeline *timeline, gint64 us, const char *event, json_t *fields, gboolean is_end)
{
  json_auto_t *kept = fields;

  gw_timeline_add (timeline, (CfgWall){ us }, event, kept, is_end);
}

static void
test_order (void)
{
  GwTimelineBudget budget = { 0 };
  GwTimeline *timeline = gw_timeline_new (&budget);
  Seen seen = { 0 };

  add (timeline, 1, "invite", json_pack ("{s:s, s:b}", "from", "a", "offer", TRUE), FALSE);
  add (timeline, 2, "answered", NULL, FALSE);
  gw_timeline_foreach (timeline, see, &seen);
  g_assert_cmpuint (seen.n, ==, 2);
  g_assert_cmpstr (seen.first, ==, "{\"event\":\"invite\",\"from\":\"a\",\"offer\":true}");
  g_assert_cmpstr (seen.last, ==, "{\"event\":\"answered\"}");
  g_assert_cmpuint (seen.omitted_at, ==, 0);
  g_assert_cmpuint (budget.bytes, >, 0);
  gw_timeline_free (timeline);
  g_assert_cmpuint (budget.bytes, ==, 0);
  clear (&seen);
}

/* A call of days: its beginning and its latest entries stay, and what is between is counted. */
static void
test_bounded (void)
{
  GwTimelineBudget budget = { 0 };
  GwTimeline *timeline = gw_timeline_new (&budget);
  Seen seen = { 0 };

  for (int i = 1; i <= 10000; i++)
    add (timeline, i, "refresh", json_pack ("{s:i}", "n", i), i == 10000);
  g_assert_cmpuint (budget.bytes, <=, GW_TIMELINE_BYTES);
  g_assert_cmpuint (budget.bytes, >, GW_TIMELINE_BYTES / 2);
  gw_timeline_foreach (timeline, see, &seen);
  g_assert_cmpstr (seen.first, ==, "{\"event\":\"refresh\",\"n\":1}");
  g_assert_cmpstr (seen.last, ==, "{\"event\":\"refresh\",\"n\":10000}");
  g_assert_cmpuint (seen.omitted_at, >, 10);
  g_assert_cmpint (seen.n_omitted, ==, 10000 - (seen.n - 1));
  gw_timeline_free (timeline);
  clear (&seen);
}

/* A long text is cut between two characters; an entry of many is not kept, but counted. */
static void
test_texts (void)
{
  GwTimelineBudget budget = { 0 };
  g_autoptr (GwTimeline) timeline = gw_timeline_new (&budget);
  g_autofree char *long_text = g_strnfill (1000, 'x');
  g_autoptr (GString) wide = g_string_new ("x");
  json_t *many = json_object ();
  Seen seen = { 0 };

  while (wide->len < 1000)
    g_string_append (wide, "ä");
  add (timeline, 1, "one", json_pack ("{s:s, s:s, s:i}", "text", long_text, "wide", wide->str, "n", 5),
       FALSE);
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *name = g_strdup_printf ("name%u", i);

      json_object_set_new (many, name, json_string (long_text));
    }
  add (timeline, 2, "many", many, FALSE);
  add (timeline, 3, "end", NULL, TRUE);
  gw_timeline_foreach (timeline, see, &seen);
  g_assert_cmpuint (seen.n, ==, 3);
  g_assert_cmpuint (seen.omitted_at, ==, 2);
  g_assert_cmpint (seen.n_omitted, ==, 1);
  g_assert_cmpuint (strlen (seen.first), <, 450);
  g_assert_cmpuint (strlen (seen.first), >, 2 * (GW_TIMELINE_TEXT_BYTES - 4));
  g_assert_true (g_str_has_suffix (seen.first, "ä\",\"n\":5}"));
  clear (&seen);
}

/* All calls together: when that is too much, only ends are added. */
static void
test_total (void)
{
  GwTimelineBudget budget = { .bytes = GW_TIMELINE_TOTAL_BYTES };
  GwTimeline *timeline = gw_timeline_new (&budget);
  Seen seen = { 0 };

  add (timeline, 1, "invite", NULL, FALSE);
  add (timeline, 2, "hangup", NULL, TRUE);
  gw_timeline_foreach (timeline, see, &seen);
  g_assert_cmpuint (seen.n, ==, 2);
  g_assert_cmpstr (seen.first, ==, "{\"event\":\"omitted\",\"count\":1}");
  g_assert_cmpstr (seen.last, ==, "{\"event\":\"hangup\"}");
  gw_timeline_free (timeline);
  g_assert_cmpuint (budget.bytes, ==, GW_TIMELINE_TOTAL_BYTES);
  clear (&seen);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/timeline/order", test_order);
  g_test_add_func ("/gateway/timeline/one_is_bounded", test_bounded);
  g_test_add_func ("/gateway/timeline/texts_are_cut", test_texts);
  g_test_add_func ("/gateway/timeline/all_are_bounded", test_total);
  return g_test_run ();
}
