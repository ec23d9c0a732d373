/* Calls to several targets, each a peer that answers exactly as the test wants. */
#include "tests/signaling/sip_harness.h"

#include <string.h>

#define N_PEERS 3

typedef struct
{
  Endpoint *endpoint;
  Wire *wires[N_PEERS];
  SigSipCallId call;
} Fixture;

/* @n_targets: of the peers; those after @n_running have not been called yet. */
static void
fixture_dial (Fixture *f, guint n_targets, gboolean in_parallel, const SigSipDial *base,
              const EndpointOptions *options)
{
  SigSipTarget targets[N_PEERS] = { 0 };
  SigSipDial dial = *base;
  g_autoptr (GPtrArray) uris = g_ptr_array_new_with_free_func (g_free);
  GError *error = NULL;

  f->endpoint = endpoint_new (options);
  for (guint i = 0; i < n_targets; i++)
    {
      if (f->wires[i] == NULL)
        f->wires[i] = wire_listen (FALSE);
      g_ptr_array_add (uris, g_strdup_printf ("sip:callee%u@127.0.0.1:%u", i, f->wires[i]->port));
      targets[i].uri = g_ptr_array_index (uris, i);
    }
  dial.to_uri = "sip:callee@example.com";
  dial.sdp = OFFER;
  dial.targets = targets;
  dial.n_targets = n_targets;
  dial.in_parallel = in_parallel;
  f->call = sig_sip_dial (f->endpoint->sip, &dial, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < n_targets && (i == 0 || in_parallel); i++)
    {
      wire_expect (f->wires[i], "INVITE sip:callee");
      g_autofree char *to = wire_header (f->wires[i], "To");
      g_assert_cmpstr (to, ==, "<sip:callee@example.com>");
    }
}

static void
fixture_clear (Fixture *f)
{
  g_clear_pointer (&f->endpoint, endpoint_free);
  for (guint i = 0; i < N_PEERS; i++)
    g_clear_pointer (&f->wires[i], wire_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, fixture_clear)

static void
expect_heard (Fixture *f, const char *heard)
{
  run_until (strlen (f->endpoint->heard->str) >= strlen (heard));
  g_assert_cmpstr (endpoint_heard (f->endpoint), ==, heard);
}

/* CANCEL with @reason (nullable): any; 200 to it, 487 to the INVITE, its ACK. */
static void
expect_cancel_for (Wire *wire, const char *invite, const char *reason)
{
  wire_expect (wire, "CANCEL ");
  g_autofree char *said = wire_header (wire, "Reason");

  if (reason != NULL)
    g_assert_cmpstr (said, ==, reason);
  wire_answer (wire, "200 OK", "x", NULL, NULL);
  g_free (wire->last);
  wire->last = g_strdup (invite);
  wire_answer (wire, "487 Request Terminated", "t1", NULL, NULL);
  wire_expect (wire, "ACK ");
}

static void
expect_cancel (Wire *wire, const char *invite)
{
  expect_cancel_for (wire, invite, NULL);
}

static void
expect_state (Fixture *f, guint n_calls)
{
  SigSipStats stats = { 0 };

  sig_sip_get_stats (f->endpoint->sip, &stats);
  g_assert_cmpuint (stats.n_calls, ==, n_calls);
}

static void
hang_up (Fixture *f, Wire *wire)
{
  sig_sip_call_hangup (f->endpoint->sip, f->call, NULL);
  wire_expect (wire, "BYE ");
  wire_answer (wire, "200 OK", NULL, NULL, NULL);
  expect_heard (f, "ended:local:0");
}

static char *
exported_call_id (Fixture *f)
{
  g_auto (SigSipDialogState) state = { 0 };

  g_assert_true (sig_sip_call_export (f->endpoint->sip, f->call, &state));
  return g_strdup (state.call_id);
}

static void
test_first_answer_wins (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f, 3, TRUE, &(SigSipDial){ 0 }, NULL);
  g_autofree char *first = g_strdup (f.wires[0]->last), *last = g_strdup (f.wires[2]->last);
  g_autofree char *id0 = wire_header (f.wires[0], "Call-ID"), *id1 = wire_header (f.wires[1], "Call-ID");
  g_autofree char *exported = exported_call_id (&f);
  g_assert_cmpstr (id0, !=, id1);
  g_assert_cmpstr (exported, ==, id0);
  wire_answer (f.wires[0], "180 Ringing", "t1", NULL, NULL);
  expect_heard (&f, "progress:180");
  wire_answer (f.wires[1], "183 Session Progress", "t1", NULL, ANSWER);
  expect_heard (&f, "progress:183");
  wire_answer (f.wires[2], "180 Ringing", "t1", NULL, NULL);
  expect_heard (&f, "progress:180");
  wire_answer (f.wires[1], "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wires[1], "ACK ");
  expect_heard (&f, "answered");
  expect_cancel (f.wires[0], first);
  expect_cancel (f.wires[2], last);
  g_autofree char *winner = exported_call_id (&f);
  g_assert_cmpstr (winner, ==, id1);
  expect_state (&f, 1);

  /* from here on a call like any other */
  g_assert_true (sig_sip_call_reoffer (f.endpoint->sip, f.call, OFFER));
  wire_expect (f.wires[1], "INVITE ");
  wire_answer (f.wires[1], "200 OK", NULL, NULL, ANSWER);
  wire_expect (f.wires[1], "ACK ");
  expect_heard (&f, "reanswer:200");
  hang_up (&f, f.wires[1]);
  expect_state (&f, 0);
}

static void
test_cancel_says_why (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f, 2, TRUE, &(SigSipDial){ 0 }, NULL);
  wire_answer (f.wires[0], "180 Ringing", "t1", NULL, NULL);
  expect_heard (&f, "progress:180");
  wire_answer (f.wires[1], "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wires[1], "ACK ");
  wire_expect (f.wires[0], "CANCEL ");
  g_autofree char *reason = wire_header (f.wires[0], "Reason");
  g_assert_cmpstr (reason, ==, "SIP;cause=200;text=\"Call completed elsewhere\"");
  expect_heard (&f, "answered");
  hang_up (&f, f.wires[1]);
}

/* RFC 3261 9.1 and 13.2.2.4: the answer was on its way when the CANCEL went out. */
static void
test_second_answer_crosses (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f, 2, TRUE, &(SigSipDial){ 0 }, NULL);
  g_autofree char *second = g_strdup (f.wires[1]->last);
  wire_answer (f.wires[1], "180 Ringing", "t1", NULL, NULL);
  expect_heard (&f, "progress:180");
  wire_answer (f.wires[0], "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wires[0], "ACK ");
  expect_heard (&f, "answered");
  wire_expect (f.wires[1], "CANCEL ");
  wire_answer (f.wires[1], "481 Too late", NULL, NULL, NULL);
  g_free (f.wires[1]->last);
  f.wires[1]->last = g_strdup (second);
  wire_answer (f.wires[1], "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wires[1], "ACK ");
  wire_expect (f.wires[1], "BYE ");
  wire_answer (f.wires[1], "200 OK", NULL, NULL, NULL);
  wire_nothing (f.wires[0], 50, NULL);
  g_assert_cmpstr (endpoint_heard (f.endpoint), ==, "");
  hang_up (&f, f.wires[0]);
}

/* Two answers in one turn of the loop: one of them is the call. */
static void
test_two_answers_at_once (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f, 2, TRUE, &(SigSipDial){ 0 }, NULL);
  wire_answer (f.wires[0], "200 OK", "t1", NULL, ANSWER);
  wire_answer (f.wires[1], "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wires[0], "ACK ");
  wire_expect (f.wires[1], "ACK ");
  expect_heard (&f, "answered");
  g_autofree char *kept = exported_call_id (&f);
  g_autofree char *id0 = wire_header (f.wires[0], "Call-ID");
  Wire *winner = g_str_equal (kept, id0) ? f.wires[0] : f.wires[1];
  Wire *loser = winner == f.wires[0] ? f.wires[1] : f.wires[0];
  wire_expect (loser, "BYE ");
  wire_answer (loser, "200 OK", NULL, NULL, NULL);
  hang_up (&f, winner);
}

static void
refuse (Fixture *f, guint i, const char *status)
{
  wire_answer (f->wires[i], status, "t1", NULL, NULL);
  wire_expect (f->wires[i], "ACK ");
}

static void
test_best_answer_is_told (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f, 3, TRUE, &(SigSipDial){ 0 }, NULL);
  refuse (&f, 0, "503 Full");
  refuse (&f, 2, "486 Busy Here");
  g_assert_cmpstr (endpoint_heard (f.endpoint), ==, "");
  refuse (&f, 1, "480 Away");
  expect_heard (&f, "ended:rejected:486");
  g_assert_cmpstr (f.endpoint->phrase, ==, "Busy Here");
  expect_state (&f, 0);
}

static void
test_decline_stops_all (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f, 2, TRUE, &(SigSipDial){ 0 }, NULL);
  g_autofree char *second = g_strdup (f.wires[1]->last);
  wire_answer (f.wires[1], "180 Ringing", "t1", NULL, NULL);
  expect_heard (&f, "progress:180");
  refuse (&f, 0, "603 Decline");
  expect_cancel_for (f.wires[1], second, "SIP;cause=603;text=\"Decline\"");
  expect_heard (&f, "ended:rejected:603");
}

static void
test_owner_hangs_up (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f, 2, TRUE, &(SigSipDial){ 0 }, NULL);
  g_autofree char *first = g_strdup (f.wires[0]->last), *second = g_strdup (f.wires[1]->last);
  wire_answer (f.wires[0], "180 Ringing", "t1", NULL, NULL);
  wire_answer (f.wires[1], "180 Ringing", "t1", NULL, NULL);
  expect_heard (&f, "progress:180 progress:180");
  sig_sip_call_hangup (f.endpoint->sip, f.call, NULL);
  expect_cancel (f.wires[0], first);
  expect_cancel (f.wires[1], second);
  expect_heard (&f, "ended:local:0");
}

static void
test_ring_timeout (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f, 2, TRUE, &(SigSipDial){ .expires_s = 1 }, NULL);
  g_autofree char *first = g_strdup (f.wires[0]->last), *second = g_strdup (f.wires[1]->last);
  wire_answer (f.wires[0], "180 Ringing", "t1", NULL, NULL);
  wire_answer (f.wires[1], "180 Ringing", "t1", NULL, NULL);
  expect_heard (&f, "progress:180 progress:180");
  expect_cancel_for (f.wires[0], first, "SIP;cause=408;text=\"Ring Timeout\"");
  expect_cancel_for (f.wires[1], second, "SIP;cause=408;text=\"Ring Timeout\"");
  expect_heard (&f, "ended:timeout:408");
}

/* Each branch answers its own challenge. */
static void
test_challenge_of_a_branch (void)
{
  g_auto (Fixture) f = { 0 };
  SigSipDial dial = { .auth_username = "u", .auth_password = "p" };

  fixture_dial (&f, 2, TRUE, &dial, NULL);
  refuse (&f, 0, "486 Busy Here");
  wire_answer (f.wires[1], "401 Unauthorized", "t1",
               "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5\r\n", NULL);
  wire_expect (f.wires[1], "ACK ");
  wire_expect (f.wires[1], "INVITE ");
  g_autofree char *credentials = wire_header (f.wires[1], "Authorization");
  g_assert_nonnull (credentials);
  wire_answer (f.wires[1], "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wires[1], "ACK ");
  expect_heard (&f, "answered");
  hang_up (&f, f.wires[1]);
}

/* ------------------------------------------------- one after the other */

static void
test_failover_on_503 (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f, 2, FALSE, &(SigSipDial){ 0 }, NULL);
  wire_answer (f.wires[0], "100 Trying", NULL, NULL, NULL);
  wire_nothing (f.wires[1], 50, NULL);
  refuse (&f, 0, "503 Full");
  wire_expect (f.wires[1], "INVITE sip:callee1@");
  wire_answer (f.wires[1], "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wires[1], "ACK ");
  expect_heard (&f, "answered");
  expect_state (&f, 1);
  hang_up (&f, f.wires[1]);
}

static void
test_busy_is_no_reason (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f, 2, FALSE, &(SigSipDial){ 0 }, NULL);
  refuse (&f, 0, "486 Busy Here");
  expect_heard (&f, "ended:rejected:486");
  wire_nothing (f.wires[1], 50, NULL);
}

static void
test_failover_on_silence (void)
{
  g_auto (Fixture) f = { 0 };
  EndpointOptions options = { .t1_ms = 20 };

  fixture_dial (&f, 2, FALSE, &(SigSipDial){ 0 }, &options);
  wire_expect (f.wires[1], "INVITE sip:callee1@");
  wire_answer (f.wires[1], "180 Ringing", "t1", NULL, NULL);
  expect_heard (&f, "progress:180");
  wire_answer (f.wires[1], "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wires[1], "ACK ");
  expect_heard (&f, "answered");
  hang_up (&f, f.wires[1]);
}

/* A 100 is enough to wait for. */
static void
test_no_failover_while_trying (void)
{
  g_auto (Fixture) f = { 0 };
  EndpointOptions options = { .t1_ms = 20 };

  fixture_dial (&f, 2, FALSE, &(SigSipDial){ 0 }, &options);
  wire_answer (f.wires[0], "100 Trying", NULL, NULL, NULL);
  wire_nothing (f.wires[1], 400, NULL);
  wire_answer (f.wires[0], "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wires[0], "ACK ");
  expect_heard (&f, "answered");
  hang_up (&f, f.wires[0]);
}

static void
test_failover_on_refused_connection (void)
{
  g_auto (Fixture) f = { .endpoint = endpoint_new (NULL), .wires = { wire_listen (FALSE) } };
  Wire *closed = wire_listen (TRUE);
  g_autofree char *gone = g_strdup_printf ("sip:a@127.0.0.1:%u;transport=tcp", closed->port);
  g_autofree char *there = g_strdup_printf ("sip:b@127.0.0.1:%u", f.wires[0]->port);
  const SigSipTarget targets[] = { { .uri = gone }, { .uri = there } };
  SigSipDial dial = { .to_uri = "sip:callee@example.com", .sdp = OFFER, .targets = targets, .n_targets = 2 };

  wire_free (closed);
  f.call = sig_sip_dial (f.endpoint->sip, &dial, NULL);
  wire_expect (f.wires[0], "INVITE sip:b@");
  refuse (&f, 0, "404 Not Found");
  expect_heard (&f, "ended:rejected:404");
}

static void
test_all_fail (void)
{
  g_auto (Fixture) f = { 0 };
  EndpointOptions options = { .t1_ms = 20 };

  fixture_dial (&f, 3, FALSE, &(SigSipDial){ 0 }, &options);
  refuse (&f, 0, "503 One");
  wire_expect (f.wires[1], "INVITE ");
  wire_expect (f.wires[2], "INVITE "); /* the second one is silent */
  refuse (&f, 2, "503 Three");
  expect_heard (&f, "ended:rejected:503");
  g_assert_cmpstr (f.endpoint->phrase, ==, "One");
}

static void
test_hang_up_stops_the_search (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f, 2, FALSE, &(SigSipDial){ 0 }, NULL);
  g_autofree char *first = g_strdup (f.wires[0]->last);
  wire_answer (f.wires[0], "100 Trying", NULL, NULL, NULL);
  run_for_ms (20);
  sig_sip_call_hangup (f.endpoint->sip, f.call, NULL);
  wire_expect (f.wires[0], "CANCEL ");
  wire_answer (f.wires[0], "200 OK", "x", NULL, NULL);
  g_free (f.wires[0]->last);
  f.wires[0]->last = g_strdup (first);
  refuse (&f, 0, "503 Full");
  expect_heard (&f, "ended:local:0");
  wire_nothing (f.wires[1], 50, NULL);
}

/* ------------------------------------------------------------ where to */

/* A registered phone behind NAT: the Request-URI is its Contact, the packets go where it sends from. */
static void
test_send_to (void)
{
  g_auto (Fixture) f = { .endpoint = endpoint_new (NULL), .wires = { wire_listen (FALSE) } };
  g_autofree char *source = g_strdup_printf ("sip:127.0.0.1:%u;transport=udp", f.wires[0]->port);
  const SigSipTarget target = { .uri = "sip:alice@192.0.2.9:5060;ob", .send_to = source };
  SigSipDial dial = { .to_uri = "sip:alice@example.com", .sdp = OFFER, .targets = &target, .n_targets = 1 };

  f.call = sig_sip_dial (f.endpoint->sip, &dial, NULL);
  wire_expect (f.wires[0], "INVITE sip:alice@192.0.2.9:5060;ob SIP/2.0");
  g_assert_null (wire_header (f.wires[0], "Route"));
  wire_answer (f.wires[0], "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wires[0], "ACK ");
  expect_heard (&f, "answered");
  hang_up (&f, f.wires[0]);
}

static void
test_refused_targets (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .transports = SIG_SIP_UDP });
  SigSipTarget targets[33] = { 0 };
  SigSipDial dial = { .to_uri = "sip:a@127.0.0.1", .sdp = OFFER, .targets = targets };
  static const SigSipTarget bad[] = {
    { .uri = "mailto:a@b" },
    { .uri = "sip:a@127.0.0.1;transport=tcp" },
    { .uri = "sip:a@127.0.0.1", .send_to = "127.0.0.1" },
    { .uri = "sip:a@127.0.0.1", .send_to = "sip:127.0.0.1;transport=tcp" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      targets[0].uri = "sip:a@127.0.0.1";
      targets[1] = bad[i];
      dial.n_targets = 2;
      g_assert_cmpuint (sig_sip_dial (e->sip, &dial, &error), ==, 0);
      g_assert_nonnull (error);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (targets); i++)
    targets[i].uri = "sip:a@127.0.0.1";
  dial.n_targets = G_N_ELEMENTS (targets);
  g_assert_cmpuint (sig_sip_dial (e->sip, &dial, NULL), ==, 0);
}

/* endpoint_free: everything is cancelled, and the owner hears of one end. */
static void
test_shutdown (void)
{
  g_auto (Fixture) f = { 0 };
  Endpoint *e;

  fixture_dial (&f, 2, TRUE, &(SigSipDial){ 0 }, NULL);
  wire_answer (f.wires[0], "180 Ringing", "t1", NULL, NULL);
  expect_heard (&f, "progress:180");
  e = g_steal_pointer (&f.endpoint);
  endpoint_free (e);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/fork/first_answer_wins", test_first_answer_wins);
  g_test_add_func ("/signaling/sip/fork/cancel_says_why", test_cancel_says_why);
  g_test_add_func ("/signaling/sip/fork/second_answer_crosses", test_second_answer_crosses);
  g_test_add_func ("/signaling/sip/fork/two_answers_at_once", test_two_answers_at_once);
  g_test_add_func ("/signaling/sip/fork/best_answer_is_told", test_best_answer_is_told);
  g_test_add_func ("/signaling/sip/fork/decline_stops_all", test_decline_stops_all);
  g_test_add_func ("/signaling/sip/fork/owner_hangs_up", test_owner_hangs_up);
  g_test_add_func ("/signaling/sip/fork/ring_timeout", test_ring_timeout);
  g_test_add_func ("/signaling/sip/fork/challenge_of_a_branch", test_challenge_of_a_branch);
  g_test_add_func ("/signaling/sip/fork/failover_on_503", test_failover_on_503);
  g_test_add_func ("/signaling/sip/fork/busy_is_no_reason", test_busy_is_no_reason);
  g_test_add_func ("/signaling/sip/fork/failover_on_silence", test_failover_on_silence);
  g_test_add_func ("/signaling/sip/fork/no_failover_while_trying", test_no_failover_while_trying);
  g_test_add_func ("/signaling/sip/fork/failover_on_refused_connection", test_failover_on_refused_connection);
  g_test_add_func ("/signaling/sip/fork/all_fail", test_all_fail);
  g_test_add_func ("/signaling/sip/fork/hang_up_stops_the_search", test_hang_up_stops_the_search);
  g_test_add_func ("/signaling/sip/fork/send_to", test_send_to);
  g_test_add_func ("/signaling/sip/fork/refused_targets", test_refused_targets);
  g_test_add_func ("/signaling/sip/fork/shutdown", test_shutdown);
  return g_test_run ();
}
