/* Reliable provisional answers (RFC 3262) and what they allow: offers and answers before a call is answered.
 */
#include "tests/signaling/sip_harness.h"

#include <string.h>

#define OFFER_2 OFFER "a=sendonly\r\n"

/* ------------------------------------------------------------- we are called */

typedef struct
{
  Endpoint *e;
  Wire *wire;
  Dialog *dialog;
  guint invite_cseq;
} Called;

static void
called_open (Called *c, const char *extension, const char *offer, guint t1_ms)
{
  c->e = endpoint_new (&(EndpointOptions){ .t1_ms = t1_ms });
  c->wire = wire_new (FALSE, FALSE, c->e->port);
  c->dialog = dialog_new (c->wire);
  dialog_request (c->dialog, "INVITE", extension, offer != NULL ? "application/sdp" : NULL, offer);
  c->invite_cseq = c->dialog->cseq;
  run_until (c->e->n_invites == 1);
  g_assert_cmpstr (endpoint_heard (c->e), ==, "invite");
}

static void
called_clear (Called *c)
{
  g_clear_pointer (&c->dialog, dialog_free);
  g_clear_pointer (&c->e, endpoint_free);
  g_clear_pointer (&c->wire, wire_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Called, called_clear)

/* The next provisional answer is reliable. Returns: its RSeq */
static guint
expect_reliable (Called *c, const char *status)
{
  g_autofree char *start = g_strdup_printf ("SIP/2.0 %s", status);

  wire_expect (c->wire, start);
  g_autofree char *require = wire_header (c->wire, "Require");
  g_autofree char *rseq = wire_header (c->wire, "RSeq");
  g_assert_cmpstr (require, ==, "100rel");
  g_assert_nonnull (rseq);
  dialog_learn (c->dialog);
  return (guint)g_ascii_strtoull (rseq, NULL, 10);
}

static void
send_prack (Called *c, guint rseq, const char *sdp)
{
  g_autofree char *rack = g_strdup_printf ("RAck: %u %u INVITE\r\n", rseq, c->invite_cseq);

  dialog_request (c->dialog, "PRACK", rack, sdp != NULL ? "application/sdp" : NULL, sdp);
}

/* Provisional answers that are repeated are passed over. */
static void
expect_answer_to (Called *c, const char *status, const char *method)
{
  g_autofree char *start = g_strdup_printf ("SIP/2.0 %s", status);
  g_autofree char *end = g_strdup_printf (" %s\r\n", method);

  do
    wire_expect (c->wire, start);
  while (strstr (c->wire->last, end) == NULL);
}

static void
ack_invite (Called *c, const char *sdp)
{
  c->dialog->cseq = c->invite_cseq;
  dialog_ack (c->dialog, sdp);
  c->dialog->cseq += 10;
}

/* Supported is enough for a description; a plain 180 stays plain. */
static void
test_supported (void)
{
  g_auto (Called) c = { 0 };

  called_open (&c, "Supported: 100rel\r\n", OFFER, 50);
  sig_sip_call_ring (c.e->sip, c.e->call);
  wire_expect (c.wire, "SIP/2.0 180");
  g_assert_null (wire_header (c.wire, "RSeq"));
  sig_sip_call_progress (c.e->sip, c.e->call, ANSWER);
  guint rseq = expect_reliable (&c, "183");
  g_assert_cmpstr (wire_body (c.wire), ==, ANSWER);
  wire_expect (c.wire, "SIP/2.0 183"); /* repeated until the PRACK */
  send_prack (&c, rseq, NULL);
  expect_answer_to (&c, "200", "PRACK");
  wire_nothing (c.wire, 200, NULL);
  sig_sip_call_answer (c.e->sip, c.e->call, ANSWER);
  expect_answer_to (&c, "200", "INVITE");
  g_assert_cmpstr (wire_body (c.wire), ==, ""); /* the answer was given already */
  ack_invite (&c, NULL);
  run_until (c.e->n_acked == 1);
  g_assert_cmpstr (endpoint_heard (c.e), ==, "acked");
}

static void
test_not_supported (void)
{
  g_auto (Called) c = { 0 };

  called_open (&c, NULL, OFFER, 50);
  sig_sip_call_progress (c.e->sip, c.e->call, ANSWER);
  wire_expect (c.wire, "SIP/2.0 183");
  g_assert_null (wire_header (c.wire, "RSeq"));
  g_assert_null (wire_header (c.wire, "Require"));
  g_assert_cmpstr (wire_body (c.wire), ==, ANSWER);
  sig_sip_call_answer (c.e->sip, c.e->call, ANSWER);
  wire_expect (c.wire, "SIP/2.0 200");
  g_assert_cmpstr (wire_body (c.wire), ==, ANSWER);
  dialog_learn (c.dialog);
  ack_invite (&c, NULL);
  run_until (c.e->n_acked == 1);
}

/* Each provisional answer is reliable then, and the 2xx waits for its PRACK. */
static void
test_required (void)
{
  g_auto (Called) c = { 0 };

  called_open (&c, "Require: 100rel\r\n", OFFER, 50);
  sig_sip_call_ring (c.e->sip, c.e->call);
  guint first = expect_reliable (&c, "180");
  send_prack (&c, first + 1, NULL);
  expect_answer_to (&c, "481", "PRACK");
  c.invite_cseq++;
  send_prack (&c, first, NULL);
  expect_answer_to (&c, "481", "PRACK");
  c.invite_cseq--;
  send_prack (&c, first, NULL);
  expect_answer_to (&c, "200", "PRACK");
  c.dialog->cseq--;
  c.dialog->branch--;
  send_prack (&c, first, NULL); /* repeated */
  expect_answer_to (&c, "200", "PRACK");
  sig_sip_call_ring (c.e->sip, c.e->call);
  sig_sip_call_answer (c.e->sip, c.e->call, ANSWER);
  g_assert_cmpuint (expect_reliable (&c, "180"), ==, first + 1);
  wire_nothing (c.wire, 100, "SIP/2.0 180");
  send_prack (&c, first + 1, NULL);
  expect_answer_to (&c, "200", "INVITE");
  g_assert_cmpstr (wire_body (c.wire), ==, ANSWER);
  ack_invite (&c, NULL);
  run_until (c.e->n_acked == 1);
  g_assert_cmpstr (endpoint_heard (c.e), ==, "acked");
}

/* RFC 3261 13.3.1.1, RFC 3262 3: repeated so that no proxy gives up, as a new one that is acknowledged again.
 */
static void
test_repeated (void)
{
  g_auto (Called) c = { 0 };

  called_open (&c, "Require: 100rel\r\n", OFFER, 8);
  sig_sip_call_ring (c.e->sip, c.e->call);
  guint rseq = expect_reliable (&c, "180");
  send_prack (&c, rseq, NULL);
  expect_answer_to (&c, "200", "PRACK");
  for (guint again = 0; again < 2; again++) /* 150 s, were T1 half a second */
    {
      g_assert_cmpuint (expect_reliable (&c, "180"), ==, ++rseq);
      send_prack (&c, rseq, NULL);
      expect_answer_to (&c, "200", "PRACK");
    }
  sig_sip_call_answer (c.e->sip, c.e->call, ANSWER);
  expect_answer_to (&c, "200", "INVITE");
  ack_invite (&c, NULL);
  run_until (c.e->n_acked == 1);
}

static void
test_never_pracked (void)
{
  g_auto (Called) c = { 0 };

  called_open (&c, "Require: 100rel\r\n", OFFER, 5);
  sig_sip_call_ring (c.e->sip, c.e->call);
  expect_reliable (&c, "180");
  wire_expect (c.wire, "SIP/2.0 504");
  run_until (c.e->n_ended == 1);
  g_assert_cmpstr (endpoint_heard (c.e), ==, "ended:timeout:504");
}

static void
test_refused_before_prack (void)
{
  g_auto (Called) c = { 0 };

  called_open (&c, "Require: 100rel\r\n", OFFER, 8);
  sig_sip_call_ring (c.e->sip, c.e->call);
  guint rseq = expect_reliable (&c, "180");
  sig_sip_call_reject (c.e->sip, c.e->call, 486, NULL);
  wire_expect (c.wire, "SIP/2.0 486");
  send_prack (&c, rseq, NULL);
  do
    wire_expect (c.wire, "SIP/2.0 ");
  while (strstr (c.wire->last, " PRACK\r\n") == NULL);
  run_until (c.e->n_ended == 1);
  g_assert_cmpstr (endpoint_heard (c.e), ==, "ended:local:486");
}

/* The 200 waits for a PRACK when the CANCEL comes. */
static void
test_cancelled_before_prack (void)
{
  g_auto (Called) c = { 0 };

  called_open (&c, "Require: 100rel\r\n", OFFER, 50);
  sig_sip_call_ring (c.e->sip, c.e->call);
  sig_sip_call_answer (c.e->sip, c.e->call, ANSWER);
  wire_expect (c.wire, "SIP/2.0 180");
  dialog_request (c.dialog, "CANCEL", "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n", NULL,
                  NULL);
  expect_answer_to (&c, "200", "CANCEL");
  expect_answer_to (&c, "487", "INVITE");
  run_until (c.e->n_ended == 1);
  g_assert_cmpstr (endpoint_heard (c.e), ==, "ended:cancel:487");
  g_assert_cmpstr (c.e->reason, ==, "SIP;cause=200;text=\"Call completed elsewhere\"");
}

static void
test_prack_offers (void)
{
  g_auto (Called) c = { 0 };

  called_open (&c, "Supported: 100rel\r\n", OFFER, 100);
  sig_sip_call_progress (c.e->sip, c.e->call, ANSWER);
  guint rseq = expect_reliable (&c, "183");
  send_prack (&c, rseq, OFFER_2);
  run_until (strstr (c.e->heard->str, "reoffer") != NULL);
  g_assert_cmpstr (c.e->sdp, ==, OFFER_2);
  dialog_request (c.dialog, "UPDATE", NULL, "application/sdp", OFFER);
  expect_answer_to (&c, "500", "UPDATE");
  sig_sip_call_answer_reoffer (c.e->sip, c.e->call, ANSWER);
  expect_answer_to (&c, "200", "PRACK");
  g_assert_cmpstr (wire_body (c.wire), ==, ANSWER);
  sig_sip_call_answer (c.e->sip, c.e->call, ANSWER);
  expect_answer_to (&c, "200", "INVITE");
  ack_invite (&c, NULL);
  run_until (c.e->n_acked == 1);
  g_assert_cmpstr (endpoint_heard (c.e), ==, "reoffer acked");
}

/* No offer in the INVITE: ours goes out with the 183, the answer comes with the PRACK, and the 200 has none.
 */
static void
test_offer_in_183 (void)
{
  g_auto (Called) c = { 0 };

  called_open (&c, "Supported: 100rel\r\n", NULL, 100);
  sig_sip_call_progress (c.e->sip, c.e->call, OFFER);
  guint rseq = expect_reliable (&c, "183");
  g_assert_cmpstr (wire_body (c.wire), ==, OFFER);
  dialog_request (c.dialog, "UPDATE", NULL, "application/sdp", OFFER_2);
  expect_answer_to (&c, "491", "UPDATE"); /* RFC 3311 5.2: ours has no answer yet */
  send_prack (&c, rseq, ANSWER);
  expect_answer_to (&c, "200", "PRACK");
  run_until (strstr (c.e->heard->str, "pracked") != NULL);
  g_assert_cmpstr (c.e->sdp, ==, ANSWER);
  sig_sip_call_answer (c.e->sip, c.e->call, OFFER);
  expect_answer_to (&c, "200", "INVITE");
  g_assert_cmpstr (wire_body (c.wire), ==, "");
  ack_invite (&c, NULL);
  run_until (c.e->n_acked == 1);
  g_assert_cmpstr (endpoint_heard (c.e), ==, "pracked acked");
}

/* ... but not to a caller who would not acknowledge it. */
static void
test_no_offer_in_plain_183 (void)
{
  g_auto (Called) c = { 0 };

  called_open (&c, NULL, NULL, 100);
  sig_sip_call_progress (c.e->sip, c.e->call, OFFER);
  wire_expect (c.wire, "SIP/2.0 183");
  g_assert_cmpstr (wire_body (c.wire), ==, "");
  sig_sip_call_answer (c.e->sip, c.e->call, OFFER);
  wire_expect (c.wire, "SIP/2.0 200");
  g_assert_cmpstr (wire_body (c.wire), ==, OFFER);
  dialog_learn (c.dialog);
  dialog_request (c.dialog, "UPDATE", NULL, "application/sdp", OFFER_2);
  expect_answer_to (&c, "491", "UPDATE");
  ack_invite (&c, ANSWER);
  run_until (c.e->n_acked == 1);
  g_assert_cmpstr (endpoint_heard (c.e), ==, "acked+sdp");
}

static void
test_early_update (void)
{
  g_auto (Called) c = { 0 };

  called_open (&c, "Supported: 100rel\r\n", OFFER, 100);
  sig_sip_call_ring (c.e->sip, c.e->call);
  wire_expect (c.wire, "SIP/2.0 180");
  dialog_learn (c.dialog);
  dialog_request (c.dialog, "UPDATE", NULL, "application/sdp", OFFER_2);
  expect_answer_to (&c, "500", "UPDATE"); /* their first offer has no answer yet */
  g_autofree char *retry_after = wire_header (c.wire, "Retry-After");
  g_assert_nonnull (retry_after);
  g_assert_cmpint (g_ascii_strtoll (retry_after, NULL, 10), <=, 10);
  sig_sip_call_progress (c.e->sip, c.e->call, ANSWER);
  guint rseq = expect_reliable (&c, "183");
  send_prack (&c, rseq, NULL);
  expect_answer_to (&c, "200", "PRACK");
  dialog_request (c.dialog, "UPDATE", NULL, "application/sdp", OFFER_2);
  run_until (strstr (c.e->heard->str, "reoffer") != NULL);
  g_assert_cmpstr (c.e->sdp, ==, OFFER_2);
  sig_sip_call_answer_reoffer (c.e->sip, c.e->call, ANSWER);
  expect_answer_to (&c, "200", "UPDATE");
  g_assert_cmpstr (wire_body (c.wire), ==, ANSWER);
  dialog_request (c.dialog, "INVITE", NULL, "application/sdp", OFFER_2);
  expect_answer_to (&c, "500", "INVITE"); /* RFC 3261 14.2: the first INVITE has no final answer */
  c.dialog->branch--;
  dialog_ack (c.dialog, NULL);
  sig_sip_call_answer (c.e->sip, c.e->call, ANSWER);
  expect_answer_to (&c, "200", "INVITE");
  guint cseq = c.dialog->cseq;
  ack_invite (&c, NULL);
  c.dialog->cseq = cseq;
  run_until (c.e->n_acked == 1);
  g_assert_cmpstr (endpoint_heard (c.e), ==, "reoffer acked");
}

/* We change the session before we answer: nothing before offer and answer are through, one at a time, and the
 * answer waits for it. */
static void
test_own_update (void)
{
  g_auto (Called) c = { 0 };

  called_open (&c, "Supported: 100rel\r\nAllow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE\r\n", OFFER, 100);
  g_assert_false (sig_sip_call_can_reoffer (c.e->sip, c.e->call));
  g_assert_false (sig_sip_call_reoffer (c.e->sip, c.e->call, OFFER_2));
  sig_sip_call_progress (c.e->sip, c.e->call, ANSWER);
  guint rseq = expect_reliable (&c, "183");
  g_assert_false (sig_sip_call_reoffer (c.e->sip, c.e->call, OFFER_2));
  send_prack (&c, rseq, NULL);
  expect_answer_to (&c, "200", "PRACK");
  g_assert_true (sig_sip_call_can_reoffer (c.e->sip, c.e->call));
  g_assert_true (sig_sip_call_reoffer (c.e->sip, c.e->call, OFFER_2));
  g_assert_false (sig_sip_call_reoffer (c.e->sip, c.e->call, OFFER_2));
  wire_expect (c.wire, "UPDATE sip:alice@127.0.0.1");
  g_assert_cmpstr (wire_body (c.wire), ==, OFFER_2);
  g_autofree char *update = g_strdup (c.wire->last), *cseq = wire_header (c.wire, "CSeq");
  g_autofree char *contact = wire_header (c.wire, "Contact");
  g_assert_cmpstr (cseq, ==, "2 UPDATE");
  g_assert_nonnull (contact);
  sig_sip_call_answer (c.e->sip, c.e->call, ANSWER);
  dialog_request (c.dialog, "UPDATE", NULL, "application/sdp", OFFER);
  expect_answer_to (&c, "491", "UPDATE");
  wire_nothing (c.wire, 50, "UPDATE "); /* no 2xx meanwhile */
  g_free (c.wire->last);
  c.wire->last = g_steal_pointer (&update);
  wire_answer (c.wire, "200 OK", NULL, NULL, ANSWER);
  expect_answer_to (&c, "200", "INVITE");
  g_assert_cmpstr (c.e->sdp, ==, ANSWER);
  guint last = c.dialog->cseq;
  ack_invite (&c, NULL);
  c.dialog->cseq = last;
  run_until (c.e->n_acked == 1);
  g_assert_cmpstr (endpoint_heard (c.e), ==, "reanswer:200 acked");
  sig_sip_call_hangup (c.e->sip, c.e->call, NULL);
  wire_expect (c.wire, "BYE ");
  g_autofree char *bye = wire_header (c.wire, "CSeq");
  g_assert_cmpstr (bye, ==, "3 BYE");
  wire_answer (c.wire, "200 OK", NULL, NULL, NULL);
}

/* Not to a peer that takes none, and a refusal is one. */
static void
test_own_update_refused (void)
{
  g_auto (Called) without = { 0 };
  g_auto (Called) c = { 0 };

  called_open (&without, "Supported: 100rel\r\nAllow: INVITE, ACK, BYE, CANCEL, PRACK\r\n", OFFER, 100);
  sig_sip_call_progress (without.e->sip, without.e->call, ANSWER);
  send_prack (&without, expect_reliable (&without, "183"), NULL);
  expect_answer_to (&without, "200", "PRACK");
  g_assert_false (sig_sip_call_can_reoffer (without.e->sip, without.e->call));
  g_assert_false (sig_sip_call_reoffer (without.e->sip, without.e->call, OFFER_2));

  called_open (&c, "Supported: 100rel\r\nAllow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE\r\n", OFFER, 100);
  sig_sip_call_progress (c.e->sip, c.e->call, ANSWER);
  send_prack (&c, expect_reliable (&c, "183"), NULL);
  expect_answer_to (&c, "200", "PRACK");
  g_assert_true (sig_sip_call_reoffer (c.e->sip, c.e->call, OFFER_2));
  wire_expect (c.wire, "UPDATE ");
  wire_answer (c.wire, "488 Not Acceptable Here", NULL, NULL, NULL);
  run_until (strstr (c.e->heard->str, "reanswer") != NULL);
  g_assert_cmpstr (endpoint_heard (c.e), ==, "reanswer:488");
  g_assert_true (sig_sip_call_reoffer (c.e->sip, c.e->call, OFFER_2)); /* the caller goes */
  wire_expect (c.wire, "UPDATE ");
  c.dialog->cseq = c.invite_cseq;
  c.dialog->branch = 1;
  dialog_cancel (c.dialog);
  expect_answer_to (&c, "200", "CANCEL");
  expect_answer_to (&c, "487", "INVITE");
  run_until (c.e->n_ended == 1);
  g_assert_cmpstr (endpoint_heard (c.e), ==, "ended:cancel:487");
}

/* -------------------------------------------------------------- we are calling */

typedef struct
{
  Endpoint *e;
  Wire *wire;
  SigSipCallId call;
  char *invite;
} Calling;

static void
calling_open_with (Calling *c, SigSipDial dial)
{
  GError *error = NULL;

  c->e = endpoint_new (NULL);
  c->wire = wire_listen (FALSE);
  g_autofree char *uri = g_strdup_printf ("sip:callee@127.0.0.1:%u", c->wire->port);
  dial.to_uri = uri;
  dial.sdp = OFFER;
  c->call = sig_sip_dial (c->e->sip, &dial, &error);
  g_assert_no_error (error);
  wire_expect (c->wire, "INVITE ");
  g_autofree char *supported = wire_header (c->wire, "Supported");
  g_assert_nonnull (strstr (supported, "100rel"));
  c->invite = g_strdup (c->wire->last);
}

static void
calling_open (Calling *c)
{
  calling_open_with (c, (SigSipDial){ 0 });
}

static void
calling_clear (Calling *c)
{
  g_clear_pointer (&c->e, endpoint_free);
  g_clear_pointer (&c->wire, wire_free);
  g_free (c->invite);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Calling, calling_clear)

static void
answer_invite (Calling *c, const char *status, const char *tag, const char *headers, const char *sdp)
{
  g_free (c->wire->last);
  c->wire->last = g_strdup (c->invite);
  wire_answer (c->wire, status, tag, headers, sdp);
}

static void
reliable (Calling *c, const char *status, const char *tag, guint rseq, const char *sdp)
{
  g_autofree char *headers = g_strdup_printf ("Require: 100rel\r\nRSeq: %u\r\n", rseq);

  answer_invite (c, status, tag, headers, sdp);
}

/* PRACK of that answer in that dialog; it is answered. Returns: its CSeq */
static guint
expect_prack (Calling *c, const char *tag, guint rseq)
{
  g_autofree char *expected = g_strdup_printf ("%u 2 INVITE", rseq);
  g_autofree char *to_end = g_strdup_printf (";tag=%s", tag);

  wire_expect (c->wire, "PRACK sip:wire@127.0.0.1");
  g_autofree char *rack = wire_header (c->wire, "RAck");
  g_autofree char *to = wire_header (c->wire, "To");
  g_autofree char *cseq = wire_header (c->wire, "CSeq");
  g_assert_cmpstr (rack, ==, expected);
  g_assert_true (g_str_has_suffix (to, to_end));
  wire_answer (c->wire, "200 OK", NULL, NULL, NULL);
  return (guint)g_ascii_strtoull (cseq, NULL, 10);
}

static void
expect_heard (Calling *c, const char *heard)
{
  run_until (strlen (c->e->heard->str) >= strlen (heard));
  g_assert_cmpstr (endpoint_heard (c->e), ==, heard);
}

static void
hang_up (Calling *c, guint last_cseq)
{
  sig_sip_call_hangup (c->e->sip, c->call, NULL);
  wire_expect (c->wire, "BYE ");
  g_autofree char *cseq = wire_header (c->wire, "CSeq");
  g_assert_cmpuint (g_ascii_strtoull (cseq, NULL, 10), >, last_cseq);
  wire_answer (c->wire, "200 OK", NULL, NULL, NULL);
}

/* RFC 3262 4: each once, and none before its turn. */
static void
test_in_order (void)
{
  g_auto (Calling) c = { 0 };

  calling_open (&c);
  reliable (&c, "180 Ringing", "t1", 7, NULL);
  g_assert_cmpuint (expect_prack (&c, "t1", 7), ==, 3);
  reliable (&c, "180 Ringing", "t1", 7, NULL);
  reliable (&c, "183 Session Progress", "t1", 9, ANSWER);
  wire_nothing (c.wire, 100, NULL);
  expect_heard (&c, "progress:180");
  reliable (&c, "183 Session Progress", "t1", 8, ANSWER);
  g_assert_cmpuint (expect_prack (&c, "t1", 8), ==, 4);
  reliable (&c, "183 Session Progress", "t1", 9, NULL);
  g_assert_cmpuint (expect_prack (&c, "t1", 9), ==, 5);
  expect_heard (&c, "progress:183 progress:183");
  answer_invite (&c, "200 OK", "t1", NULL, NULL);
  wire_expect (c.wire, "ACK ");
  g_autofree char *cseq = wire_header (c.wire, "CSeq");
  g_assert_cmpstr (cseq, ==, "2 ACK");
  expect_heard (&c, "answered");
  g_assert_cmpstr (c.e->sdp, ==, ANSWER); /* the one that came reliably */
  answer_invite (&c, "200 OK", "t1", NULL, NULL);
  wire_expect (c.wire, "ACK "); /* again (RFC 3261 13.2.2.4) */
  hang_up (&c, 5);
}

/* Two callees behind a proxy count for themselves; the one that answers is talked to. */
static void
test_forks (void)
{
  g_auto (Calling) c = { 0 };

  calling_open (&c);
  reliable (&c, "183 Session Progress", "t1", 100, ANSWER "a=x-fork:1\r\n");
  g_assert_cmpuint (expect_prack (&c, "t1", 100), ==, 3);
  reliable (&c, "183 Session Progress", "t2", 5, ANSWER "a=x-fork:2\r\n");
  g_assert_cmpuint (expect_prack (&c, "t2", 5), ==, 3);
  reliable (&c, "180 Ringing", "t1", 101, NULL);
  g_assert_cmpuint (expect_prack (&c, "t1", 101), ==, 4);
  answer_invite (&c, "180 Ringing", "t3", NULL, NULL);
  expect_heard (&c, "progress:183 progress:183 progress:180 progress:180");
  answer_invite (&c, "200 OK", "t1", NULL, NULL);
  wire_expect (c.wire, "ACK ");
  g_assert_nonnull (strstr (c.wire->last, ";tag=t1"));
  expect_heard (&c, "answered");
  g_assert_cmpstr (c.e->sdp, ==, ANSWER "a=x-fork:1\r\n");
  answer_invite (&c, "200 OK", "t2", NULL, NULL); /* RFC 3261 13.2.2.4: the second is hung up */
  wire_expect (c.wire, "ACK ");
  g_assert_nonnull (strstr (c.wire->last, ";tag=t2"));
  wire_expect (c.wire, "BYE ");
  g_assert_nonnull (strstr (c.wire->last, ";tag=t2"));
  wire_answer (c.wire, "200 OK", NULL, NULL, NULL);
  hang_up (&c, 4);
}

static void
test_not_reliable (void)
{
  g_auto (Calling) c = { 0 };

  calling_open (&c);
  answer_invite (&c, "183 Session Progress", "t1", "RSeq: 4\r\n", ANSWER); /* without Require */
  answer_invite (&c, "183 Session Progress", NULL, "Require: 100rel\r\nRSeq: 4\r\n",
                 ANSWER); /* in no dialog */
  wire_nothing (c.wire, 100, NULL);
  expect_heard (&c, "progress:183");
  answer_invite (&c, "199 Early Dialog Terminated", "t1", NULL, NULL);
  answer_invite (&c, "486 Busy Here", "t1", NULL, NULL);
  wire_expect (c.wire, "ACK ");
  expect_heard (&c, "progress:199 ended:rejected:486");
}

static void
send_update (Calling *c, guint cseq, const char *tag, const char *sdp)
{
  g_autofree char *call_id = NULL, *from = NULL, *text = NULL;

  g_free (c->wire->last);
  c->wire->last = g_strdup (c->invite);
  call_id = wire_header (c->wire, "Call-ID");
  from = wire_header (c->wire, "From");
  text = g_strdup_printf (
      "UPDATE sip:switchroom@127.0.0.1:%u SIP/2.0\r\n"
      "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKupdate%u%s\r\n"
      "From: <sip:callee@127.0.0.1:%u>;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u UPDATE\r\n"
      "Max-Forwards: 70\r\nContact: <sip:wire@127.0.0.1:%u>\r\n%sContent-Length: %zu\r\n\r\n%s",
      c->e->port, c->wire->port, cseq, tag, c->wire->port, tag, from, call_id, cseq, c->wire->port,
      sdp != NULL ? "Content-Type: application/sdp\r\n" : "", sdp != NULL ? strlen (sdp) : 0,
      sdp != NULL ? sdp : "");
  wire_send (c->wire, text);
}

/* The callee changes the session before it answers (RFC 3311 5.1): once offer and answer are through. */
static void
test_update_of_callee (void)
{
  g_auto (Calling) c = { 0 };

  calling_open (&c);
  answer_invite (&c, "183 Session Progress", "t1", NULL, ANSWER);
  expect_heard (&c, "progress:183");
  send_update (&c, 1, "t1", OFFER_2);
  wire_expect (c.wire, "SIP/2.0 491"); /* our offer has no answer that counts */
  send_update (&c, 2, "t1", NULL);
  wire_expect (c.wire, "SIP/2.0 200");
  reliable (&c, "183 Session Progress", "t1", 1, ANSWER);
  expect_prack (&c, "t1", 1);
  reliable (&c, "183 Session Progress", "t2", 1, ANSWER);
  expect_prack (&c, "t2", 1);
  send_update (&c, 3, "t1", OFFER_2);
  expect_heard (&c, "progress:183 progress:183 reoffer");
  g_assert_cmpstr (c.e->sdp, ==, OFFER_2);
  send_update (&c, 1, "t2", OFFER_2);
  wire_expect (c.wire, "SIP/2.0 500");
  sig_sip_call_answer_reoffer (c.e->sip, c.call, ANSWER);
  wire_expect (c.wire, "SIP/2.0 200");
  g_assert_cmpstr (wire_body (c.wire), ==, ANSWER);
  send_update (&c, 4, "nobody", OFFER_2);
  send_update (&c, 5, "t1", OFFER);
  expect_heard (&c, "reoffer");
  sig_sip_call_reject_reoffer (c.e->sip, c.call, 488, NULL);
  do
    wire_expect (c.wire, "SIP/2.0 4");
  while (strstr (c.wire->last, ";tag=t1") == NULL);
  g_assert_true (g_str_has_prefix (c.wire->last, "SIP/2.0 488"));
  answer_invite (&c, "200 OK", "t1", NULL, NULL);
  wire_expect (c.wire, "ACK ");
  g_assert_nonnull (strstr (c.wire->last, ";tag=t1"));
  expect_heard (&c, "answered");
  send_update (&c, 6, "t1", OFFER_2);
  expect_heard (&c, "reoffer");
  sig_sip_call_answer_reoffer (c.e->sip, c.call, ANSWER);
  wire_expect (c.wire, "SIP/2.0 200");
  hang_up (&c, 3);
}

static void
reliable_with_update (Calling *c, const char *tag, guint rseq)
{
  g_autofree char *headers
      = g_strdup_printf ("Require: 100rel\r\nRSeq: %u\r\nAllow: INVITE, ACK, BYE, PRACK, UPDATE\r\n", rseq);

  answer_invite (c, "183 Session Progress", tag, headers, ANSWER);
  expect_prack (c, tag, rseq);
}

/* We change the session before the callee answers; the 2xx may cross it. */
static void
test_own_update_of_caller (void)
{
  g_auto (Calling) c = { 0 };

  calling_open (&c);
  g_assert_false (sig_sip_call_can_reoffer (c.e->sip, c.call));
  reliable (&c, "183 Session Progress", "t1", 1, ANSWER);
  expect_prack (&c, "t1", 1);
  expect_heard (&c, "progress:183");
  g_assert_false (sig_sip_call_can_reoffer (c.e->sip, c.call)); /* the callee has not said that it takes it */
  reliable_with_update (&c, "t1", 2);
  expect_heard (&c, "progress:183");
  g_assert_true (sig_sip_call_can_reoffer (c.e->sip, c.call));
  g_assert_true (sig_sip_call_reoffer (c.e->sip, c.call, OFFER_2));
  g_assert_false (sig_sip_call_reoffer (c.e->sip, c.call, OFFER_2));
  wire_expect (c.wire, "UPDATE sip:wire@127.0.0.1");
  g_assert_cmpstr (wire_body (c.wire), ==, OFFER_2);
  g_autofree char *update = g_strdup (c.wire->last), *to = wire_header (c.wire, "To");
  g_assert_true (g_str_has_suffix (to, ";tag=t1"));
  send_update (&c, 7, "t1", OFFER);
  wire_expect (c.wire, "SIP/2.0 491");
  g_free (c.wire->last);
  c.wire->last = g_steal_pointer (&update);
  wire_answer (c.wire, "200 OK", NULL, NULL, ANSWER);
  expect_heard (&c, "reanswer:200");
  g_assert_true (sig_sip_call_reoffer (c.e->sip, c.call, OFFER));
  wire_expect (c.wire, "UPDATE ");
  answer_invite (&c, "200 OK", "t1", NULL, NULL);
  wire_expect (c.wire, "ACK ");
  expect_heard (&c, "reanswer:491 answered");
  hang_up (&c, 6);
}

/* Two forks: nobody knows yet with whom there will be a session. */
static void
test_no_update_of_forks (void)
{
  g_auto (Calling) c = { 0 };

  calling_open (&c);
  reliable_with_update (&c, "t1", 1);
  expect_heard (&c, "progress:183");
  g_assert_true (sig_sip_call_can_reoffer (c.e->sip, c.call));
  answer_invite (&c, "180 Ringing", "t2", NULL, NULL);
  expect_heard (&c, "progress:180");
  g_assert_false (sig_sip_call_can_reoffer (c.e->sip, c.call));
  g_assert_false (sig_sip_call_reoffer (c.e->sip, c.call, OFFER_2));
  answer_invite (&c, "486 Busy Here", "t1", NULL, NULL);
  wire_expect (c.wire, "ACK ");
  expect_heard (&c, "ended:rejected:486");
  g_assert_false (sig_sip_call_can_reoffer (c.e->sip, c.call));
}

/* An UPDATE waits for its answer when the INVITE is refused. */
static void
test_update_is_left (void)
{
  g_auto (Calling) c = { 0 };

  calling_open (&c);
  reliable (&c, "183 Session Progress", "t1", 1, ANSWER);
  expect_prack (&c, "t1", 1);
  send_update (&c, 3, "t1", OFFER_2);
  expect_heard (&c, "progress:183 reoffer");
  answer_invite (&c, "480 Gone", "t1", NULL, NULL);
  expect_heard (&c, "ended:rejected:480");
  sig_sip_call_answer_reoffer (c.e->sip, c.call, ANSWER); /* too late: harmless */
  run_for_ms (20);
}

static void
test_challenged (void)
{
  g_auto (Calling) c = { 0 };
  const char *challenge
      = "Proxy-Authenticate: Digest realm=\"a\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n";

  calling_open_with (&c, (SigSipDial){ .auth_username = "user", .auth_password = "secret" });
  reliable (&c, "180 Ringing", "t1", 1, NULL);
  wire_expect (c.wire, "PRACK ");
  wire_answer (c.wire, "407 Proxy Authentication Required", NULL, challenge, NULL);
  wire_expect (c.wire, "PRACK ");
  g_autofree char *authorization = wire_header (c.wire, "Proxy-Authorization");
  g_autofree char *rack = wire_header (c.wire, "RAck");
  g_assert_nonnull (authorization);
  g_assert_cmpstr (rack, ==, "1 2 INVITE");
  wire_answer (c.wire, "407 Proxy Authentication Required", NULL, challenge, NULL);
  wire_nothing (c.wire, 100, NULL); /* once */
  sig_sip_call_hangup (c.e->sip, c.call, NULL);
  wire_expect (c.wire, "CANCEL ");
  wire_answer (c.wire, "200 OK", NULL, NULL, NULL);
  answer_invite (&c, "487 Request Terminated", "t1", NULL, NULL);
  wire_expect (c.wire, "ACK ");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/reliable/supported", test_supported);
  g_test_add_func ("/signaling/sip/reliable/not_supported", test_not_supported);
  g_test_add_func ("/signaling/sip/reliable/required", test_required);
  g_test_add_func ("/signaling/sip/reliable/never_pracked", test_never_pracked);
  g_test_add_func ("/signaling/sip/reliable/repeated", test_repeated);
  g_test_add_func ("/signaling/sip/reliable/refused_before_prack", test_refused_before_prack);
  g_test_add_func ("/signaling/sip/reliable/cancelled_before_prack", test_cancelled_before_prack);
  g_test_add_func ("/signaling/sip/reliable/prack_offers", test_prack_offers);
  g_test_add_func ("/signaling/sip/reliable/offer_in_183", test_offer_in_183);
  g_test_add_func ("/signaling/sip/reliable/no_offer_in_plain_183", test_no_offer_in_plain_183);
  g_test_add_func ("/signaling/sip/reliable/early_update", test_early_update);
  g_test_add_func ("/signaling/sip/reliable/own_update", test_own_update);
  g_test_add_func ("/signaling/sip/reliable/own_update_refused", test_own_update_refused);
  g_test_add_func ("/signaling/sip/early/own_update", test_own_update_of_caller);
  g_test_add_func ("/signaling/sip/early/no_update_of_forks", test_no_update_of_forks);
  g_test_add_func ("/signaling/sip/early/in_order", test_in_order);
  g_test_add_func ("/signaling/sip/early/forks", test_forks);
  g_test_add_func ("/signaling/sip/early/not_reliable", test_not_reliable);
  g_test_add_func ("/signaling/sip/early/update_of_callee", test_update_of_callee);
  g_test_add_func ("/signaling/sip/early/update_is_left", test_update_is_left);
  g_test_add_func ("/signaling/sip/early/challenged", test_challenged);
  return g_test_run ();
}
