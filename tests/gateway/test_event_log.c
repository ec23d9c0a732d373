#include "gateway/core/event_log.h"

static void
append (GwEventLog *log, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      json_t *event = json_object ();

      gw_event_log_append (log, event);
      json_decref (event);
    }
}

static void
test_replays_what_was_missed_in_order (void)
{
  g_autoptr (GwEventLog) log = gw_event_log_new (0);
  json_t *missed = NULL;

  append (log, 10);
  g_assert_cmpuint (gw_event_log_seq (log), ==, 10);
  g_assert_true (gw_event_log_replay (log, 7, &missed));
  g_assert_cmpuint (json_array_size (missed), ==, 3);
  for (gsize i = 0; i < 3; i++)
    g_assert_cmpint (json_integer_value (json_object_get (json_array_get (missed, i), "seq")), ==,
                     (gint64)(8 + i));
  json_decref (missed);
  g_assert_true (gw_event_log_replay (log, 10, &missed));
  g_assert_cmpuint (json_array_size (missed), ==, 0);
  json_decref (missed);
}

static void
test_says_a_gap (void)
{
  g_autoptr (GwEventLog) log = gw_event_log_new (100);
  json_t *missed = NULL;

  g_assert_false (gw_event_log_replay (log, 99, &missed));
  g_assert_false (gw_event_log_replay (log, 101, &missed));
  append (log, GW_EVENT_LOG_SIZE + 5);
  g_assert_false (gw_event_log_replay (log, 104, &missed));
  g_assert_true (gw_event_log_replay (log, 105, &missed));
  g_assert_cmpuint (json_array_size (missed), ==, GW_EVENT_LOG_SIZE);
  g_assert_cmpint (json_integer_value (json_object_get (json_array_get (missed, 0), "seq")), ==, 106);
  json_decref (missed);
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
