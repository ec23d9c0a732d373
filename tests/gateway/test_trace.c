#include "gateway/core/ladder.h"
#include "gateway/core/trace.h"

#include <string.h>

static gint64 clock_us;

static void
take (GwTrace *trace, const GwTraceIds *ids, gboolean is_sent, const char *text, gsize size)
{
  gw_trace_add (trace, ids,
                &(GwTraceMessage){ .time = { clock_us += 1000 },
                                   .is_sent = is_sent,
                                   .transport = "udp",
                                   .local = "127.0.0.1:5060",
                                   .remote = "127.0.0.2:5070",
                                   .text = text,
                                   .size = size });
}

/* Of a call that is not ours, whose INVITE is the transaction of the same name. */
static void
add (GwTrace *trace, const char *call_id, gboolean begins, gboolean is_sent, const char *text, gsize size)
{
  take (trace, &(GwTraceIds){ .call_id = call_id, .transaction = call_id, .begins = begins }, is_sent, text,
        size);
}

static void
append (gpointer user, const GwTraceMessage *message)
{
  g_string_append_printf (user, "%s%.*s|", message->is_sent ? ">" : "<", (int)MIN (message->size, 12),
                          message->text);
}

/* Of call @name, or, without one, of what became no call. */
static char *
texts (GwTrace *trace, const char *call_id, const char *name, guint *n_lost)
{
  GString *text = g_string_new (NULL);

  *n_lost = 0;
  if (name != NULL ? !gw_trace_foreach (trace, name, append, text, n_lost)
                   : !gw_trace_foreach_unclaimed (trace, call_id, append, text, n_lost))
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
  gw_trace_claim (trace, "one", "one", "SCL_1");
  gw_trace_claim (trace, "two", "two", "SCL_2");
  assert_texts (trace, "one", NULL, "unknown");
  assert_texts (trace, NULL, "SCL_1", "<INVITE|>100|");
  gw_trace_finish (trace, "SCL_1");
  gw_trace_finish (trace, "SCL_2");
  assert_texts (trace, NULL, "SCL_1", "<INVITE|>100|");
  assert_texts (trace, NULL, "SCL_2", "unknown");
  g_assert_cmpuint (gw_trace_bytes (trace), ==, 0);
  add (trace, "one", FALSE, FALSE, "a late one", 10);
  assert_texts (trace, "one", NULL, "unknown");
  assert_texts (trace, NULL, "SCL_1", "<INVITE|>100|");
}

/* What a row's message carries; the Call-ID is always the same. */
typedef struct
{
  const char *name; /* the call that it is of; NULL: of none */
  const char *text;
  gboolean is_sent;
  const char *own_tag, *transaction, *caller;
  gboolean begins, challenges;
} Row;

static void
take_rows (GwTrace *trace, const Row *rows, gsize n_rows)
{
  for (gsize i = 0; i < n_rows; i++)
    {
      const Row *row = &rows[i];

      take (trace,
            &(GwTraceIds){ .call_id = "same",
                           .own_tag = row->own_tag,
                           .transaction = row->transaction,
                           .caller = row->caller,
                           .begins = row->begins,
                           .challenges = row->challenges },
            row->is_sent, row->text, strlen (row->text));
      /* The owner hears of an INVITE behind it. */
      if (row->name != NULL && row->begins && row->transaction != NULL && !row->is_sent)
        gw_trace_claim (trace, "same", row->transaction, row->name);
    }
}

static void
assert_rows (GwTrace *trace, const Row *rows, gsize n_rows, const char *name)
{
  g_autoptr (GString) expected = g_string_new (NULL);

  for (gsize i = 0; i < n_rows; i++)
    if (g_strcmp0 (rows[i].name, name) == 0)
      g_string_append_printf (expected, "%s%s|", rows[i].is_sent ? ">" : "<", rows[i].text);
  assert_texts (trace, "same", name, expected->len > 0 ? expected->str : "unknown");
}

/* Two callers with one Call-ID, the second of whom copies what it can see of the first, message by message.
 */
static void
test_same_call_id (void)
{
  static const Row rows[] = {
    { "SCL_1", "INVITE 1", .transaction = "a", .caller = "host x", .begins = TRUE },
    { "SCL_1", "100 1", TRUE, NULL, "a" },
    { "SCL_2", "INVITE 2", .transaction = "b", .caller = "host x", .begins = TRUE },
    { "SCL_1", "INVITE 1", .transaction = "a", .caller = "host x", .begins = TRUE },
    { "SCL_2", "100 2", TRUE, NULL, "b" },
    { "SCL_2", "180 2", TRUE, "tag2", "b" },
    { "SCL_1", "180 1", TRUE, "tag1", "a" },
    { "SCL_1", "200 1", TRUE, "tag1", "a" },
    { "SCL_2", "CANCEL 2", FALSE, NULL, "b" },
    { "SCL_1", "ACK 1", FALSE, "tag1", "a2" },
    { "SCL_2", "487 2", TRUE, "tag2", "b" },
    { "SCL_2", "ACK 2", FALSE, "tag2", "b" },
    { "SCL_1", "BYE 1", TRUE, "tag1", NULL },
    { NULL, "BYE 3", FALSE, "tag3", "c" },
    { NULL, "BYE 4", TRUE, "tag3", NULL },
    { "SCL_1", "200 1", FALSE, "tag1", NULL },
  };
  g_autoptr (GwTrace) trace = gw_trace_new ();

  take_rows (trace, rows, G_N_ELEMENTS (rows));
  assert_rows (trace, rows, G_N_ELEMENTS (rows), "SCL_1");
  assert_rows (trace, rows, G_N_ELEMENTS (rows), "SCL_2");
  assert_texts (trace, "same", NULL, "unknown");
  gw_trace_finish (trace, "SCL_1");
  assert_rows (trace, rows, G_N_ELEMENTS (rows), "SCL_1");
  assert_rows (trace, rows, G_N_ELEMENTS (rows), "SCL_2");
}

/* The whole INVITE is repeated when its transaction is long over: a call of its own. */
static void
test_repeated_much_later (void)
{
  static const Row first[] = {
    { "SCL_1", "INVITE 1", .transaction = "a", .begins = TRUE },
    { "SCL_1", "200 1", TRUE, "tag1", "a" },
  };
  static const Row second[] = {
    { "SCL_2", "INVITE 2", .transaction = "a", .begins = TRUE },
    { "SCL_1", "INFO 1", FALSE, "tag1", "d" },
    { "SCL_2", "200 2", TRUE, "tag2", "a" },
  };
  g_autoptr (GwTrace) trace = gw_trace_new ();

  take_rows (trace, first, G_N_ELEMENTS (first));
  clock_us += GW_TRACE_FRESH_US;
  take_rows (trace, second, G_N_ELEMENTS (second));
  assert_texts (trace, NULL, "SCL_1", "<INVITE 1|>200 1|<INFO 1|");
  assert_texts (trace, NULL, "SCL_2", "<INVITE 2|>200 2|");
}

/* Our own INVITE comes back to us: straight, so that even the transaction is the same. */
static void
test_spiral (void)
{
  static const Row rows[] = {
    { "SCL_out", "INVITE", TRUE, "tag1", NULL, NULL, TRUE },
    { "SCL_in", "INVITE", FALSE, NULL, "a", "host tag1", TRUE },
    { "SCL_in", "100", TRUE, NULL, "a" },
    { "SCL_out", "100", FALSE, "tag1", NULL },
    { "SCL_in", "180", TRUE, "tag2", "a" },
    { "SCL_out", "180", FALSE, "tag1", NULL }, /* of one fork */
    { "SCL_out", "200", FALSE, "tag1", NULL }, /* of another */
    { "SCL_out", "ACK", TRUE, "tag1", NULL },
    { "SCL_in", "ACK", FALSE, "tag2", "b" },
    { "SCL_in", "BYE", TRUE, "tag2", NULL },
    { "SCL_out", "BYE", FALSE, "tag1", "c" },
    { "SCL_out", "200", TRUE, "tag1", "c" },
    { "SCL_in", "200", FALSE, "tag2", NULL },
    { NULL, "200", FALSE, "tag9", NULL },
  };
  g_autoptr (GwTrace) trace = gw_trace_new ();

  gw_trace_claim (trace, "same", NULL, "SCL_out"); /* before it is sent */
  take (trace, &(GwTraceIds){ .call_id = "same", .own_tag = "guess" }, FALSE, "too early", 9);
  take_rows (trace, rows, G_N_ELEMENTS (rows));
  assert_rows (trace, rows, G_N_ELEMENTS (rows), "SCL_out");
  assert_rows (trace, rows, G_N_ELEMENTS (rows), "SCL_in");
}

/* A challenged INVITE and the next one are one call; anybody else's is not, nor one much later. */
static void
test_challenge (void)
{
  static const Row before[] = {
    { NULL, "INVITE", .transaction = "a", .caller = "host x", .begins = TRUE },
    { NULL, "401", TRUE, "tag1", "a", "host x", .challenges = TRUE },
    { NULL, "INVITE", .transaction = "a", .caller = "host x", .begins = TRUE },
    { NULL, "401", TRUE, "tag1", "a", "host x", .challenges = TRUE },
    { NULL, "ACK", FALSE, "tag1", "a" },
  };
  static const Row after[] = {
    { "SCL_2", "INVITE", .transaction = "b", .caller = "host y", .begins = TRUE },
    { "SCL_2", "200", TRUE, "tag2", "b" },
    { "SCL_1", "INVITE", .transaction = "c", .caller = "host x", .begins = TRUE },
    { "SCL_1", "100", TRUE, NULL, "c" },
    { "SCL_1", "200", TRUE, "tag3", "c" },
    { "SCL_1", "ACK", FALSE, "tag3", "d" },
    { "SCL_3", "INVITE", .transaction = "e", .caller = "host x", .begins = TRUE },
    { "SCL_3", "200", TRUE, "tag4", "e" },
  };
  g_autoptr (GwTrace) trace = gw_trace_new (), late = gw_trace_new ();

  take_rows (trace, before, G_N_ELEMENTS (before));
  assert_texts (trace, "same", NULL, "<INVITE|>401|<INVITE|>401|<ACK|");
  take_rows (trace, after, G_N_ELEMENTS (after));
  assert_texts (trace, NULL, "SCL_1", "<INVITE|>401|<INVITE|>401|<ACK|<INVITE|>100|>200|<ACK|");
  assert_texts (trace, NULL, "SCL_2", "<INVITE|>200|");
  assert_texts (trace, NULL, "SCL_3", "<INVITE|>200|");
  assert_texts (trace, "same", NULL, "unknown");

  take_rows (late, before, G_N_ELEMENTS (before));
  clock_us += GW_TRACE_FRESH_US;
  take_rows (late, after, G_N_ELEMENTS (after));
  assert_texts (late, NULL, "SCL_1", "<INVITE|>100|>200|<ACK|");
  assert_texts (late, "same", NULL, "<INVITE|>401|<INVITE|>401|<ACK|");
}

/* A call of ours is answered by the second of its targets; one of a peer is refused before it is a call. */
static void
test_claims (void)
{
  g_autoptr (GwTrace) trace = gw_trace_new ();
  const GwTraceIds first = { .call_id = "first", .own_tag = "1", .begins = TRUE };
  const GwTraceIds second = { .call_id = "second", .own_tag = "2", .begins = TRUE };

  gw_trace_claim (trace, "first", NULL, "SCL_1");
  take (trace, &first, TRUE, "INVITE 1", 8);
  take (trace, &second, TRUE, "INVITE 2", 8);
  assert_texts (trace, NULL, "SCL_1", ">INVITE 1|");
  gw_trace_claim (trace, "second", NULL, "SCL_1");
  gw_trace_claim (trace, "second", NULL, "SCL_1");
  gw_trace_claim (trace, "second", NULL, "SCL_other");
  assert_texts (trace, NULL, "SCL_1", ">INVITE 2|");
  assert_texts (trace, NULL, "SCL_other", "unknown");
  assert_texts (trace, "first", NULL, ">INVITE 1|");

  add (trace, "refused", TRUE, FALSE, "INVITE", 6);
  gw_trace_claim (trace, "refused", "refused", "SCL_2");
  gw_trace_release (trace, "SCL_2");
  gw_trace_release (trace, "SCL_2");
  gw_trace_finish (trace, "SCL_2");
  assert_texts (trace, NULL, "SCL_2", "unknown");
  assert_texts (trace, "refused", NULL, "<INVITE|");

  gw_trace_claim (trace, "never sent", NULL, "SCL_3");
  gw_trace_finish (trace, "SCL_3");
  assert_texts (trace, NULL, "SCL_3", "unknown");
}

/* What is longer than a key is told apart all the same. */
static void
test_long_words (void)
{
  g_autoptr (GwTrace) trace = gw_trace_new ();
  g_autofree char *filler = g_strnfill (5000, 'x');
  g_autofree char *one = g_strconcat (filler, "1", NULL), *two = g_strconcat (filler, "2", NULL);

  add (trace, one, TRUE, FALSE, "INVITE 1", 8);
  add (trace, two, TRUE, FALSE, "INVITE 2", 8);
  gw_trace_claim (trace, one, one, "SCL_1");
  add (trace, one, FALSE, TRUE, "200 1", 5);
  assert_texts (trace, NULL, "SCL_1", "<INVITE 1|>200 1|");
  assert_texts (trace, two, NULL, "<INVITE 2|");
}

static void
test_unclaimed (void)
{
  g_autoptr (GwTrace) trace = gw_trace_new ();

  add (trace, "ours", TRUE, FALSE, "INVITE", 6);
  gw_trace_claim (trace, "ours", "ours", "SCL_1");
  for (guint i = 0; i <= GW_TRACE_MAX_UNCLAIMED; i++)
    {
      g_autofree char *id = g_strdup_printf ("scan-%u", i);
      add (trace, id, TRUE, FALSE, "INVITE", 6);
    }
  assert_texts (trace, NULL, "SCL_1", "<INVITE|");
  assert_texts (trace, "scan-0", NULL, "unknown");
  assert_texts (trace, "scan-1", NULL, "<INVITE|");
  gw_trace_release (trace, "SCL_1");
  assert_texts (trace, "ours", NULL, "<INVITE|");
  assert_texts (trace, "scan-1", NULL, "unknown");
}

/* The oldest unclaimed one is claimed in place of another while there is no room for that among them. */
static void
test_unclaimed_is_full (void)
{
  g_autoptr (GwTrace) trace = gw_trace_new ();
  const GwTraceIds oldest = { .call_id = "second", .own_tag = "2", .begins = TRUE };
  const GwTraceIds first = { .call_id = "first", .own_tag = "1", .begins = TRUE };

  take (trace, &oldest, TRUE, "INVITE 2", 8);
  gw_trace_claim (trace, "first", NULL, "SCL_1");
  take (trace, &first, TRUE, "INVITE 1", 8);
  for (guint i = 0; i < GW_TRACE_MAX_UNCLAIMED - 1; i++)
    {
      g_autofree char *id = g_strdup_printf ("scan-%u", i);
      add (trace, id, TRUE, FALSE, "INVITE", 6);
    }
  gw_trace_claim (trace, "second", NULL, "SCL_1");
  assert_texts (trace, NULL, "SCL_1", ">INVITE 2|");
  assert_texts (trace, "first", NULL, ">INVITE 1|");
}

static void
test_long_call (void)
{
  g_autoptr (GwTrace) trace = gw_trace_new ();
  g_autofree char *filler = g_strnfill (1000, 'x');
  g_autofree char *text = NULL;
  guint n_lost;

  add (trace, "one", TRUE, FALSE, "INVITE", 6);
  gw_trace_claim (trace, "one", "one", "SCL_1");
  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *number = g_strdup_printf ("%03u", i);
      memcpy (filler, number, 3);
      add (trace, "one", FALSE, TRUE, filler, 1000);
    }
  g_assert_cmpuint (gw_trace_bytes (trace), <=, GW_TRACE_CALL_BYTES);
  text = texts (trace, NULL, "SCL_1", &n_lost);
  g_assert_true (g_str_has_prefix (text, "<INVITE|>000xxxxxxxxx|>001"));
  g_assert_true (g_str_has_suffix (text, ">198xxxxxxxxx|>199xxxxxxxxx|"));
  g_assert_cmpuint (n_lost, >, 100);
  add (trace, "one", FALSE, TRUE, filler, GW_TRACE_CALL_BYTES);
  g_free (text);
  guint more;
  text = texts (trace, NULL, "SCL_1", &more);
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
      gw_trace_claim (trace, id, id, id);
      gw_trace_finish (trace, id);
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
  g_test_add_func ("/gateway/trace/keeps_calls_with_one_call_id_apart", test_same_call_id);
  g_test_add_func ("/gateway/trace/an_invite_repeated_much_later_is_another_call", test_repeated_much_later);
  g_test_add_func ("/gateway/trace/keeps_both_ends_of_a_call_to_ourselves_apart", test_spiral);
  g_test_add_func ("/gateway/trace/an_invite_after_a_challenge_is_the_same_call", test_challenge);
  g_test_add_func ("/gateway/trace/a_call_has_what_it_claimed_last", test_claims);
  g_test_add_func ("/gateway/trace/tells_long_words_apart", test_long_words);
  g_test_add_func ("/gateway/trace/claims_while_the_unclaimed_are_many", test_unclaimed_is_full);
  g_test_add_func ("/gateway/trace/forgets_unclaimed_calls_first", test_unclaimed);
  g_test_add_func ("/gateway/trace/keeps_the_first_and_the_latest_of_a_long_call", test_long_call);
  g_test_add_func ("/gateway/trace/holds_as_many_ended_calls_as_fit", test_many_ended);
  g_test_add_func ("/gateway/ladder/draws_both_directions_and_changing_ends", test_ladder);
  return g_test_run ();
}
