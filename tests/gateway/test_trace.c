#include "gateway/core/ladder.h"
#include "gateway/core/trace.h"

#include <string.h>

static void
add (GwTrace *trace, const char *call_id, gboolean begins, gboolean is_sent, const char *text, gsize size)
{
  static gint64 us;

  gw_trace_add (trace, call_id, begins,
                &(GwTraceMessage){ .time = { us += 1000 },
                                   .is_sent = is_sent,
                                   .transport = "udp",
                                   .local = "127.0.0.1:5060",
                                   .remote = "127.0.0.2:5070",
                                   .text = text,
                                   .size = size });
}

static void
append (gpointer user, const GwTraceMessage *message)
{
  g_string_append_printf (user, "%s%.*s|", message->is_sent ? ">" : "<", (int)MIN (message->size, 12),
                          message->text);
}

static char *
texts (GwTrace *trace, const char *call_id, const char *name, guint *n_lost)
{
  GString *text = g_string_new (NULL);

  *n_lost = 0;
  if (!gw_trace_foreach (trace, call_id, name, append, text, n_lost))
    g_string_assign (text, "unknown");
  return g_string_free (text, FALSE);
}

static void
assert_texts (GwTrace *trace, const char *call_id, const char *name, const char *expected)
{
  guint n_lost;
  g_autofree char *text = texts (trace, call_id, name, &n_lost);

  g_assert_cmpstr (text, ==, expected);
  g_assert_cmpuint (n_lost, ==, 0);
}

static void
test_life (void)
{
  g_autoptr (GwTrace) trace = gw_trace_new ();

  add (trace, "one", TRUE, FALSE, "INVITE", 6);
  add (trace, "two", FALSE, FALSE, "OPTIONS", 7);
  add (trace, "one", FALSE, TRUE, "100", 3);
  assert_texts (trace, "one", NULL, "<INVITE|>100|");
  assert_texts (trace, "two", NULL, "unknown");
  gw_trace_claim (trace, "one");
  gw_trace_claim (trace, "two");
  gw_trace_finish (trace, "one", "SCL_1");
  gw_trace_finish (trace, "two", "SCL_2");
  assert_texts (trace, "one", NULL, "unknown");
  assert_texts (trace, "one", "SCL_1", "<INVITE|>100|");
  assert_texts (trace, NULL, "SCL_2", "unknown");
  g_assert_cmpuint (gw_trace_bytes (trace), ==, 0);
  add (trace, "one", FALSE, FALSE, "a late one", 10);
  assert_texts (trace, "one", NULL, "unknown");
}

static void
test_unclaimed (void)
{
  g_autoptr (GwTrace) trace = gw_trace_new ();

  add (trace, "ours", TRUE, FALSE, "INVITE", 6);
  gw_trace_claim (trace, "ours");
  for (guint i = 0; i <= GW_TRACE_MAX_UNCLAIMED; i++)
    {
      g_autofree char *id = g_strdup_printf ("scan-%u", i);
      add (trace, id, TRUE, FALSE, "INVITE", 6);
    }
  assert_texts (trace, "ours", NULL, "<INVITE|");
  assert_texts (trace, "scan-0", NULL, "unknown");
  assert_texts (trace, "scan-1", NULL, "<INVITE|");
}

static void
test_long_call (void)
{
  g_autoptr (GwTrace) trace = gw_trace_new ();
  g_autofree char *filler = g_strnfill (1000, 'x');
  g_autofree char *text = NULL;
  guint n_lost;

  add (trace, "one", TRUE, FALSE, "INVITE", 6);
  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *number = g_strdup_printf ("%03u", i);
      memcpy (filler, number, 3);
      add (trace, "one", FALSE, TRUE, filler, 1000);
    }
  g_assert_cmpuint (gw_trace_bytes (trace), <=, GW_TRACE_CALL_BYTES);
  text = texts (trace, "one", NULL, &n_lost);
  g_assert_true (g_str_has_prefix (text, "<INVITE|>000xxxxxxxxx|>001"));
  g_assert_true (g_str_has_suffix (text, ">198xxxxxxxxx|>199xxxxxxxxx|"));
  g_assert_cmpuint (n_lost, >, 100);
  add (trace, "one", FALSE, TRUE, filler, GW_TRACE_CALL_BYTES);
  g_free (text);
  guint more;
  text = texts (trace, "one", NULL, &more);
  g_assert_cmpuint (more, ==, n_lost + 1);
}

static void
test_many_ended (void)
{
  g_autoptr (GwTrace) trace = gw_trace_new ();
  g_autofree char *filler = g_strnfill (5000, 'x');

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u", i);
      add (trace, id, TRUE, FALSE, "INVITE", 6);
      add (trace, id, FALSE, TRUE, filler, 5000);
      gw_trace_claim (trace, id);
      gw_trace_finish (trace, id, id);
    }
  assert_texts (trace, NULL, "0", "unknown");
  assert_texts (trace, NULL, "900", "<INVITE|>xxxxxxxxxxxx|");
  assert_texts (trace, NULL, "999", "<INVITE|>xxxxxxxxxxxx|");
}

static void
rung (GwLadder *ladder, gint64 us, gboolean is_sent, const char *remote, const char *text)
{
  gw_ladder_add (ladder, &(GwTraceMessage){ .time = { us },
                                            .is_sent = is_sent,
                                            .transport = "udp",
                                            .local = "192.0.2.1:5060",
                                            .remote = remote,
                                            .text = text,
                                            .size = strlen (text) });
}

static void
test_ladder (void)
{
  GwLadder *ladder = gw_ladder_new ();
  g_autofree char *text = NULL;

  rung (ladder, 5000000, FALSE, "192.0.2.7:5070", "INVITE sip:a@b SIP/2.0\r\nTo: x\r\n\r\nv=0\r\n");
  rung (ladder, 5001000, TRUE, "192.0.2.7:5070", "SIP/2.0 180 Ringing\r\n\r\n");
  rung (ladder, 6500000, FALSE, "192.0.2.8:5070", "BYE\x01 sip:a@b SIP/2.0\r\n\r\n");
  rung (ladder, 6500000, FALSE, "192.0.2.8:5070", "");
  text = gw_ladder_free_to_text (ladder);
  g_assert_cmpstr (text, ==,
                   "            udp 192.0.2.7:5070                            192.0.2.1:5060\n"
                   "    +0.000  |--- INVITE (SDP) --------------------------->|\n"
                   "    +0.001  |<-- 180 Ringing -----------------------------|\n"
                   "            udp 192.0.2.8:5070                            192.0.2.1:5060\n"
                   "    +1.500  |--- BYE? ----------------------------------->|\n"
                   "    +1.500  |---  --------------------------------------->|\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/trace/keeps_a_call_from_its_invite_to_its_end", test_life);
  g_test_add_func ("/gateway/trace/forgets_unclaimed_calls_first", test_unclaimed);
  g_test_add_func ("/gateway/trace/keeps_the_first_and_the_latest_of_a_long_call", test_long_call);
  g_test_add_func ("/gateway/trace/holds_as_many_ended_calls_as_fit", test_many_ended);
  g_test_add_func ("/gateway/ladder/draws_both_directions_and_changing_ends", test_ladder);
  return g_test_run ();
}
