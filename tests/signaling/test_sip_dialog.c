/* What belongs to a dialog and what does not: tags, CSeq, routes, merged requests, CANCEL and ACK. */
#include "tests/signaling/sip_harness.h"

#include <string.h>

typedef struct
{
  Endpoint *e;
  Wire *wire;
  Dialog *dialog;
} Called;

static void
called_open (Called *c)
{
  c->e = endpoint_new (NULL);
  c->wire = wire_new (FALSE, FALSE, c->e->port);
  c->dialog = dialog_new (c->wire);
  c->e->auto_answer = c->e->auto_answer_reoffer = TRUE;
  dialog_establish (c->dialog);
  run_until (c->e->n_acked == 1);
  g_assert_cmpstr (endpoint_heard (c->e), ==, "invite acked");
}

static void
called_clear (Called *c)
{
  g_clear_pointer (&c->dialog, dialog_free);
  g_clear_pointer (&c->e, endpoint_free);
  g_clear_pointer (&c->wire, wire_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Called, called_clear)

static void
expect_answer_to (Wire *wire, const char *status, const char *method)
{
  g_autofree char *start = g_strdup_printf ("SIP/2.0 %s", status);
  g_autofree char *end = g_strdup_printf (" %s\r\n", method);

  wire_expect (wire, start);
  g_assert_nonnull (strstr (wire->last, end));
}

static void
hang_up (Called *c)
{
  dialog_request (c->dialog, "BYE", NULL, NULL, NULL);
  expect_answer_to (c->wire, "200", "BYE");
  run_until (c->e->n_ended == 1);
}

/* RFC 3261 12.2.2: Call-ID and both tags name the dialog, together. */
static void
test_strangers (void)
{
  static const char *const methods[] = { "BYE", "UPDATE", "INVITE", "PRACK" };
  static const char *const headers[]
      = { "Call-ID: another\r\n", "From: <sip:alice@127.0.0.1>;tag=mallory\r\n",
          "From: <sip:alice@127.0.0.1>\r\n", "To: <sip:lobby@127.0.0.1>;tag=another\r\n" };
  g_auto (Called) c = { 0 };

  called_open (&c);
  for (guint m = 0; m < G_N_ELEMENTS (methods); m++)
    for (guint h = 0; h < G_N_ELEMENTS (headers); h++)
      {
        gboolean is_invite = g_str_equal (methods[m], "INVITE");
        g_autofree char *all = g_strconcat (headers[h], "RAck: 1 1 INVITE\r\n", NULL);
        dialog_request (c.dialog, methods[m], all, is_invite ? "application/sdp" : NULL,
                        is_invite ? OFFER : NULL);
        expect_answer_to (c.wire, "481", methods[m]);
        if (is_invite)
          {
            c.dialog->branch--;
            dialog_request (c.dialog, "ACK", headers[h], NULL, NULL);
          }
      }
  g_assert_cmpstr (endpoint_heard (c.e), ==, "");
  hang_up (&c);
}

static void
test_cseq (void)
{
  g_auto (Called) c = { 0 };

  called_open (&c);
  dialog_request (c.dialog, "UPDATE", NULL, NULL, NULL);
  expect_answer_to (c.wire, "200", "UPDATE");
  c.dialog->cseq -= 2;
  dialog_request (c.dialog, "UPDATE", NULL, NULL, NULL);
  expect_answer_to (c.wire, "500", "UPDATE"); /* lower than what was seen (RFC 3261 12.2.2) */
  c.dialog->cseq -= 2;
  dialog_invite (c.dialog, OFFER);
  expect_answer_to (c.wire, "500", "INVITE");
  c.dialog->branch--;
  dialog_ack (c.dialog, NULL);
  c.dialog->cseq += 100; /* gaps are allowed */
  dialog_request (c.dialog, "UPDATE", NULL, NULL, NULL);
  expect_answer_to (c.wire, "200", "UPDATE");
  g_assert_cmpstr (endpoint_heard (c.e), ==, "");
  hang_up (&c);
}

/* RFC 3261 8.2.2.2: the same INVITE over two ways of a proxy rings once. */
static void
test_merged (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  dialog_invite (dialog, OFFER);
  run_until (e->n_invites == 1);
  dialog->cseq--;
  dialog_invite (dialog, OFFER); /* another branch */
  expect_answer_to (wire, "482", "INVITE");
  dialog->branch--;
  dialog_ack (dialog, NULL);
  g_assert_cmpuint (e->n_invites, ==, 1);
  dialog->branch--;
  dialog_cancel (dialog);
  expect_answer_to (wire, "200", "CANCEL");
  expect_answer_to (wire, "487", "INVITE");
  run_until (e->n_ended == 1);
  g_assert_cmpstr (endpoint_heard (e), ==, "invite ended:cancel:487");
}

static void
test_cancel_of_nothing (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  dialog->branch = 1;
  dialog_cancel (dialog);
  expect_answer_to (wire, "481", "CANCEL");
  dialog_ack (dialog, NULL); /* of nothing: no answer, nothing kept */
  wire_nothing (wire, 50, NULL);
}

/* A refusal is repeated until its ACK; the same INVITE gets the same answer. */
static void
test_ack_of_refusal (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .t1_ms = 20 });
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_reject = 486;
  dialog_invite (dialog, OFFER);
  expect_answer_to (wire, "486", "INVITE");
  expect_answer_to (wire, "486", "INVITE");
  dialog->cseq--;
  dialog->branch--;
  dialog_invite (dialog, OFFER);
  expect_answer_to (wire, "486", "INVITE");
  dialog->branch--;
  dialog_learn (dialog);
  dialog_ack (dialog, NULL);
  run_for_ms (60); /* what crossed the ACK */
  while (wire->last != NULL && wire_poll (wire))
    ;
  wire_nothing (wire, 200, NULL);
  g_assert_cmpstr (endpoint_heard (e), ==, "invite ended:local:486");
}

/* Before any answer an INVITE that is repeated gets the 100 again, at once, and rings once. */
static void
test_trying (gconstpointer data)
{
  gboolean is_tcp = GPOINTER_TO_INT (data);
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (is_tcp, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  for (guint i = 0; i < 3; i++)
    {
      dialog_invite (dialog, OFFER);
      expect_answer_to (wire, "100", "INVITE");
      dialog->cseq--;
      dialog->branch--;
    }
  run_until (e->n_invites == 1);
  dialog->cseq++;
  dialog->branch++;
  sig_sip_call_reject (e->sip, e->call, 404, NULL);
  expect_answer_to (wire, "404", "INVITE");
  g_assert_cmpuint (e->n_invites, ==, 1);
}

/* Routes of the caller's proxies: what we send goes to the first, and, were it a strict one, is written to it
 * (RFC 3261 12.2.1.1). */
static void
check_route (const char *lr, const char *request, const char *routes)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);
  g_autofree char *headers = g_strdup_printf ("Record-Route: <sip:127.0.0.1:%u%s>\r\nRecord-Route: "
                                              "<sip:10.9.9.9;lr>\r\nContact: <sip:bob@192.168.99.99>\r\n",
                                              wire->port, lr);

  e->auto_answer = TRUE;
  dialog_request (dialog, "INVITE", headers, "application/sdp", OFFER);
  wire_expect (wire, "SIP/2.0 200");
  g_autofree char *record = wire_header (wire, "Record-Route");
  g_autofree char *first = g_strdup_printf ("<sip:127.0.0.1:%u%s>", wire->port, lr);
  g_assert_true (g_str_has_prefix (record, first)); /* copied in order (RFC 3261 12.1.1) */
  dialog_learn (dialog);
  dialog_ack (dialog, NULL);
  run_until (e->n_acked == 1);
  g_assert_true (sig_sip_call_reoffer (e->sip, e->call, OFFER));
  for (guint i = 0; i < 2; i++)
    {
      const char *method = i == 0 ? "INVITE" : "BYE";
      g_autofree char *port = g_strdup_printf ("%u", wire->port);
      g_auto (GStrv) request_parts = g_strsplit (request, "PORT", 2),
                     route_parts = g_strsplit (routes, "PORT", 2);
      g_autofree char *uri = g_strjoinv (port, request_parts);
      g_autofree char *expected_route = g_strjoinv (port, route_parts);
      g_autofree char *start = g_strdup_printf ("%s %s SIP/2.0", method, uri);
      wire_expect (wire, start);
      g_autofree char *route = wire_headers (wire, "Route");
      g_assert_cmpstr (route, ==, expected_route);
      wire_answer (wire, i == 0 ? "488 Not Here" : "200 OK", NULL, NULL, NULL);
      if (i > 0)
        break;
      wire_expect (wire, "ACK ");
      sig_sip_call_hangup (e->sip, e->call, NULL);
    }
}

static void
test_routes_of_caller (void)
{
  check_route (";lr", "sip:bob@192.168.99.99", "<sip:127.0.0.1:PORT;lr>, <sip:10.9.9.9;lr>");
  check_route ("", "sip:127.0.0.1:PORT", "<sip:10.9.9.9;lr>, <sip:bob@192.168.99.99>");
}

/* Those of the callee's come in the answer, the last one first. */
static void
check_route_called (const char *lr, const char *request, const char *routes)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_listen (FALSE);
  g_autofree char *uri = g_strdup_printf ("sip:callee@127.0.0.1:%u", wire->port);
  SigSipDial dial = { .to_uri = uri, .sdp = OFFER };
  SigSipCallId call = sig_sip_dial (e->sip, &dial, NULL);
  g_autofree char *record
      = g_strdup_printf ("Record-Route: <sip:10.9.9.9;lr>, <sip:127.0.0.1:%u%s>\r\n", wire->port, lr);
  g_autofree char *port = g_strdup_printf ("%u", wire->port);
  g_auto (GStrv) request_parts = g_strsplit (request, "PORT", -1),
                 route_parts = g_strsplit (routes, "PORT", -1);
  g_autofree char *expected = g_strjoinv (port, request_parts);
  g_autofree char *expected_route = g_strjoinv (port, route_parts);
  static const char *const methods[] = { "ACK", "BYE" };

  wire_expect (wire, "INVITE ");
  wire_answer (wire, "200 OK", "t1", record, ANSWER);
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autofree char *start = g_strdup_printf ("%s %s SIP/2.0", methods[i], expected);
      wire_expect (wire, start);
      g_autofree char *route = wire_headers (wire, "Route");
      g_assert_cmpstr (route, ==, expected_route);
      run_until (strstr (e->heard->str, "answered") != NULL);
      sig_sip_call_hangup (e->sip, call, NULL);
    }
  wire_answer (wire, "200 OK", NULL, NULL, NULL);
}

static void
test_routes_of_callee (void)
{
  check_route_called (";lr", "sip:wire@127.0.0.1:PORT", "<sip:127.0.0.1:PORT;lr>, <sip:10.9.9.9;lr>");
  check_route_called ("", "sip:127.0.0.1:PORT", "<sip:10.9.9.9;lr>, <sip:wire@127.0.0.1:PORT>");
}

/* An answer that belongs to no request of ours is dropped. */
static void
test_stray_answers (void)
{
  g_auto (Called) c = { 0 };

  called_open (&c);
  g_autofree char *text = g_strdup_printf (
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKnever\r\nFrom: <sip:a@b>;tag=x\r\n"
      "To: <sip:alice@127.0.0.1>;tag=alice\r\nCall-ID: %s\r\nCSeq: 7 BYE\r\nContent-Length: 0\r\n\r\n",
      c.e->port, c.dialog->call_id);
  wire_send (c.wire, text);
  wire_nothing (c.wire, 50, NULL);
  g_assert_cmpstr (endpoint_heard (c.e), ==, "");
  hang_up (&c);
}

/* No answer, and counted; the next caller of the same source gets one. */
static void
test_scanners (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);
  SigSipStats stats;

  dialog_request (dialog, "OPTIONS", "User-Agent: friendly-scanner\r\n", NULL, NULL);
  dialog_request (dialog, "INVITE", "User-Agent: SIPVicious 0.3\r\n", "application/sdp", OFFER);
  wire_nothing (wire, 100, NULL);
  sig_sip_get_stats (e->sip, &stats);
  g_assert_cmpuint (stats.n_scanners, ==, 2);
  g_assert_cmpuint (e->n_invites, ==, 0);
  dialog_request (dialog, "OPTIONS", "User-Agent: Phone\r\n", NULL, NULL);
  expect_answer_to (wire, "200", "OPTIONS");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/dialog/strangers", test_strangers);
  g_test_add_func ("/signaling/sip/dialog/cseq", test_cseq);
  g_test_add_func ("/signaling/sip/dialog/merged", test_merged);
  g_test_add_func ("/signaling/sip/dialog/cancel_of_nothing", test_cancel_of_nothing);
  g_test_add_func ("/signaling/sip/dialog/ack_of_refusal", test_ack_of_refusal);
  g_test_add_data_func ("/signaling/sip/dialog/trying_udp", GINT_TO_POINTER (FALSE), test_trying);
  g_test_add_data_func ("/signaling/sip/dialog/trying_tcp", GINT_TO_POINTER (TRUE), test_trying);
  g_test_add_func ("/signaling/sip/dialog/routes_of_caller", test_routes_of_caller);
  g_test_add_func ("/signaling/sip/dialog/routes_of_callee", test_routes_of_callee);
  g_test_add_func ("/signaling/sip/dialog/stray_answers", test_stray_answers);
  g_test_add_func ("/signaling/sip/dialog/scanners", test_scanners);
  return g_test_run ();
}
