#include "gateway/core/event_log.h"

static void
append (GwEventLog *log, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, gw_event_log_seq (log) + 1);

      gw_event_log_append (log, text);
    }
}

static void
test_replays_what_was_missed_in_order (void)
{
  g_autoptr (GwEventLog) log = gw_event_log_new (0);
  GPtrArray *missed = NULL;

  append (log, 10);
  g_assert_cmpuint (gw_event_log_seq (log), ==, 10);
  g_assert_true (gw_event_log_replay (log, 7, &missed));
  g_assert_cmpuint (missed->len, ==, 3);
  g_assert_cmpstr (g_ptr_array_index (missed, 0), ==, "8");
  g_assert_cmpstr (g_ptr_array_index (missed, 2), ==, "10");
  g_ptr_array_unref (missed);
  g_assert_true (gw_event_log_replay (log, 10, &missed));
  g_assert_cmpuint (missed->len, ==, 0);
  g_ptr_array_unref (missed);
}

static void
test_says_a_gap (void)
{
  g_autoptr (GwEventLog) log = gw_event_log_new (100);
  GPtrArray *missed = NULL;

  g_assert_false (gw_event_log_replay (log, 99, &missed));
  g_assert_false (gw_event_log_replay (log, 101, &missed));
  append (log, GW_EVENT_LOG_SIZE + 5);
  g_assert_false (gw_event_log_replay (log, 104, &missed));
  g_assert_true (gw_event_log_replay (log, 105, &missed));
  g_assert_cmpuint (missed->len, ==, GW_EVENT_LOG_SIZE);
  g_assert_cmpstr (g_ptr_array_index (missed, 0), ==, "106");
  g_ptr_array_unref (missed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/event_log/replays_what_was_missed_in_order",
                   test_replays_what_was_missed_in_order);
  g_test_add_func ("/gateway/event_log/says_a_gap", test_says_a_gap);
  return g_test_run ();
}
