/* Calls from a peer that says exactly what each test wants said. */
#include "tests/signaling/sip_harness.h"

#include <string.h>

typedef struct
{
  gboolean is_tcp, is_ipv6;
} Way;

static const Way udp4 = { FALSE, FALSE }, tcp4 = { TRUE, FALSE }, udp6 = { FALSE, TRUE },
                 tcp6 = { TRUE, TRUE };

static void
expect_ended (Endpoint *e, const char *heard)
{
  run_until (e->n_ended > 0);
  g_assert_cmpstr (endpoint_heard (e), ==, heard);
}

/* The same port serves both families and both transports, and we announce the address that was called. */
static void
test_establish (gconstpointer data)
{
  const Way *way = data;
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .bind = "both" });
  g_autoptr (Wire) wire = wire_new (way->is_tcp, way->is_ipv6, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  dialog_invite (dialog, OFFER);
  wire_expect (wire, "SIP/2.0 100");
  run_until (e->n_invites == 1);
  g_assert_cmpstr (e->sdp, ==, OFFER);
  g_assert_cmpstr (e->from_display, ==, "The \"Caller\"");
  g_assert_cmpstr (e->source_address, ==, way->is_ipv6 ? "::1" : "127.0.0.1");
  g_assert_cmpuint (e->source_port, ==, wire->port);
  g_assert_cmpstr (e->transport, ==, way->is_tcp ? "tcp" : "udp");
  sig_sip_call_ring (e->sip, e->call);
  wire_expect (wire, "SIP/2.0 180");
  sig_sip_call_answer (e->sip, e->call, ANSWER);
  wire_expect (wire, "SIP/2.0 200");
  g_assert_cmpstr (wire_body (wire), ==, ANSWER);
  g_autofree char *type = wire_header (wire, "Content-Type");
  g_autofree char *contact = wire_header (wire, "Contact");
  g_autofree char *expected = g_strdup_printf ("<sip:lobby@%s:%u%s>", way->is_ipv6 ? "[::1]" : "127.0.0.1",
                                               e->port, way->is_tcp ? ";transport=tcp" : "");
  g_assert_cmpstr (type, ==, "application/sdp");
  g_assert_cmpstr (contact, ==, expected);
  dialog_learn (dialog);
  dialog_ack (dialog, NULL);
  run_until (strstr (e->heard->str, "acked") != NULL);
  g_assert_cmpstr (endpoint_heard (e), ==, "invite acked");
  dialog_request (dialog, "BYE", "Reason: Q.850;cause=16\r\n", NULL, NULL);
  wire_expect (wire, "SIP/2.0 200");
  expect_ended (e, "ended:bye:0");
  g_assert_cmpstr (e->reason, ==, "Q.850;cause=16");
}

static void
test_all_addresses (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .bind = "all" });
  const Way *ways[] = { &udp4, &tcp4, &udp6, &tcp6 };

  e->auto_answer = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (Wire) wire = wire_new (ways[i]->is_tcp, ways[i]->is_ipv6, e->port);
      g_autoptr (Dialog) dialog = dialog_new (wire);
      dialog_establish (dialog);
      g_assert_true (
          g_str_has_prefix (dialog->target, ways[i]->is_ipv6 ? "sip:lobby@[::1]" : "sip:lobby@127.0.0.1"));
      dialog_request (dialog, "BYE", NULL, NULL, NULL);
      wire_expect (wire, "SIP/2.0 200");
    }
}

static void
test_offerless (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_answer = TRUE;
  dialog_invite (dialog, NULL);
  wire_expect (wire, "SIP/2.0 200");
  g_assert_cmpstr (wire_body (wire), ==, OFFER);
  dialog_learn (dialog);
  dialog_ack (dialog, ANSWER);
  run_until (strstr (e->heard->str, "acked") != NULL);
  g_assert_cmpstr (endpoint_heard (e), ==, "invite acked+sdp");
  g_assert_cmpstr (e->sdp, ==, ANSWER);
}

static void
test_reinvite (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_answer = e->auto_answer_reoffer = TRUE;
  dialog_establish (dialog);
  run_until (strstr (e->heard->str, "acked") != NULL);
  endpoint_heard (e);

  dialog_invite (dialog, OFFER "a=sendonly\r\n");
  wire_expect (wire, "SIP/2.0 200");
  g_assert_cmpstr (wire_body (wire), ==, ANSWER);
  dialog_ack (dialog, NULL);
  run_until (strstr (e->heard->str, "acked") != NULL);
  g_assert_cmpstr (endpoint_heard (e), ==, "reoffer acked");

  dialog_invite (dialog, NULL);
  wire_expect (wire, "SIP/2.0 200");
  g_assert_cmpstr (wire_body (wire), ==, OFFER);
  dialog_ack (dialog, ANSWER);
  run_until (strstr (e->heard->str, "acked") != NULL);
  g_assert_cmpstr (endpoint_heard (e), ==, "reoffer:none acked+sdp");

  /* refused, then cancelled: the call goes on */
  dialog_request (dialog, "INVITE", NULL, "text/plain", "hello");
  wire_expect (wire, "SIP/2.0 415");
  dialog->branch--;
  dialog_ack (dialog, NULL);
  e->auto_answer_reoffer = FALSE;
  dialog_invite (dialog, OFFER);
  wire_expect (wire, "SIP/2.0 100");
  dialog_cancel (dialog);
  wire_expect (wire, "SIP/2.0 200");
  wire_expect (wire, "SIP/2.0 487");
  dialog->branch--;
  dialog_ack (dialog, NULL);
  sig_sip_call_answer_reoffer (e->sip, e->call, ANSWER); /* too late: harmless */
  wire_nothing (wire, 100, "SIP/2.0 487");
  g_assert_cmpstr (endpoint_heard (e), ==, "reoffer");
  sig_sip_call_hangup (e->sip, e->call, NULL);
  wire_expect (wire, "BYE ");
  wire_answer (wire, "200 OK", NULL, NULL, NULL);
  expect_ended (e, "ended:local:0");
}

/* RFC 3261 14.2: while our re-INVITE waits, theirs gets 491; and ours is reported with 491. */
static void
test_glare (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_answer = TRUE;
  dialog_establish (dialog);
  run_until (strstr (e->heard->str, "acked") != NULL);
  endpoint_heard (e);
  g_assert_true (sig_sip_call_reoffer (e->sip, e->call, OFFER));
  wire_expect (wire, "INVITE ");
  g_autofree char *invite = g_strdup (wire->last);
  g_autofree char *cseq = wire_header (wire, "CSeq");
  g_assert_cmpstr (cseq, ==, "2 INVITE");
  dialog_invite (dialog, OFFER);
  wire_expect (wire, "SIP/2.0 491");
  dialog->branch--;
  dialog_ack (dialog, NULL);
  g_free (wire->last);
  wire->last = g_steal_pointer (&invite);
  wire_answer (wire, "491 Request Pending", NULL, NULL, NULL);
  run_until (strstr (e->heard->str, "reanswer") != NULL);
  g_assert_cmpstr (endpoint_heard (e), ==, "reanswer:491");
  wire_expect (wire, "ACK ");
}

static void
test_update (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_answer = e->auto_answer_reoffer = TRUE;
  dialog_establish (dialog);
  run_until (strstr (e->heard->str, "acked") != NULL);
  endpoint_heard (e);
  dialog_request (dialog, "UPDATE", "Session-Expires: 90;refresher=uac\r\nSupported: timer\r\n", NULL, NULL);
  wire_expect (wire, "SIP/2.0 200");
  g_assert_null (wire_header (wire, "Session-Expires"));
  dialog_request (dialog, "UPDATE", NULL, "application/sdp", OFFER);
  wire_expect (wire, "SIP/2.0 200");
  g_assert_cmpstr (wire_body (wire), ==, ANSWER);
  g_assert_cmpstr (endpoint_heard (e), ==, "reoffer");
}

static void
test_session_timer_of_peer (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);
  const char *timer = "Session-Expires: 2;refresher=uas\r\nMin-SE: 1\r\nSupported: timer\r\n";

  e->auto_answer = e->auto_answer_reoffer = TRUE;
  dialog_request (dialog, "INVITE", timer, "application/sdp", OFFER);
  wire_expect (wire, "SIP/2.0 200");
  g_assert_true (e->supports_timer);
  g_assert_null (wire_header (wire, "Session-Expires"));
  g_assert_null (wire_header (wire, "Min-SE"));
  g_autofree char *supported = wire_header (wire, "Supported");
  g_assert_true (supported == NULL || strstr (supported, "timer") == NULL);
  dialog_learn (dialog);
  dialog_ack (dialog, NULL);
  dialog_request (dialog, "OPTIONS", NULL, NULL, NULL);
  wire_expect (wire, "SIP/2.0 200");
  g_autofree char *said = wire_headers (wire, "Supported");
  g_assert_cmpstr (said, ==, "100rel, replaces, norefersub"); /* which the stack must not take for its own */
  dialog_request (dialog, "INVITE", timer, "application/sdp", OFFER);
  wire_expect (wire, "SIP/2.0 200");
  dialog_ack (dialog, NULL);
  wire_nothing (wire, 2500, NULL); /* neither a refresh nor a BYE of ours */
  g_assert_cmpuint (e->n_ended, ==, 0);
}

/* RFC 5621: carriers put more into the body than the description; it is taken out of any message of a call.
 */
static void
test_multipart (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);
  const char *type = "multipart/mixed;boundary=\"b 1\"";
  g_autofree char *body = g_strconcat ("--b 1\r\nContent-Type: application/isup;version=itu-t92+\r\n"
                                       "Content-Disposition: signal;handling=optional\r\n\r\n\x01\x02\r\n"
                                       "--b 1\r\nContent-Type: application/sdp\r\n\r\n",
                                       OFFER, "\r\n--b 1--\r\n", NULL);

  e->auto_answer = e->auto_answer_reoffer = TRUE;
  dialog_request (dialog, "INVITE", NULL, type, body);
  wire_expect (wire, "SIP/2.0 200");
  g_assert_cmpstr (e->sdp, ==, OFFER);
  g_assert_cmpstr (wire_body (wire), ==, ANSWER);
  dialog_learn (dialog);
  dialog_ack (dialog, NULL);
  dialog_request (dialog, "INVITE", NULL, type, body);
  wire_expect (wire, "SIP/2.0 200");
  dialog_ack (dialog, NULL);
  dialog_request (dialog, "INVITE", NULL, type, "--b 1\r\n\r\nno description\r\n--b 1--\r\n");
  wire_expect (wire, "SIP/2.0 415");
}

/* RFC 3261 10.2: nothing of a call, but answered: a request that is not is repeated for 32 s. */
static void
test_register_in_call (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .takes_register = TRUE });
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_answer = TRUE;
  dialog_invite (dialog, OFFER);
  wire_expect (wire, "SIP/2.0 200");
  dialog_learn (dialog);
  dialog_ack (dialog, NULL);
  dialog_request (dialog, "REGISTER", NULL, NULL, NULL);
  wire_expect (wire, "SIP/2.0 403");
  dialog_request (dialog, "BYE", NULL, NULL, NULL);
  wire_expect (wire, "SIP/2.0 200");
  expect_ended (e, "invite acked ended:bye:0");
}

static void
test_retransmissions (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .t1_ms = 50 });
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_ring = TRUE;
  dialog_invite (dialog, OFFER);
  wire_expect (wire, "SIP/2.0 180");
  dialog->cseq--;
  dialog->branch--;
  dialog_invite (dialog, OFFER);
  wire_expect (wire, "SIP/2.0 180");
  sig_sip_call_answer (e->sip, e->call, ANSWER);
  wire_expect (wire, "SIP/2.0 200");
  wire_expect (wire, "SIP/2.0 200");
  dialog_learn (dialog);
  dialog_ack (dialog, NULL);
  dialog->branch--;
  dialog_ack (dialog, NULL);
  run_until (strstr (e->heard->str, "acked") != NULL);
  run_for_ms (100);
  g_assert_cmpstr (endpoint_heard (e), ==, "invite acked");
}

/* RFC 3261 13.3.1.1: a proxy on the way gives a call up that says nothing for three minutes. */
static void
test_ringing_repeated (gconstpointer data)
{
  gboolean is_early = GPOINTER_TO_INT (data);
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);
  const char *said = is_early ? "SIP/2.0 183" : "SIP/2.0 180";

  dialog_invite (dialog, OFFER);
  run_until (e->n_invites == 1);
  if (is_early)
    sig_sip_call_progress (e->sip, e->call, ANSWER);
  else
    sig_sip_call_ring (e->sip, e->call);
  wire_expect (wire, said);
  wire_nothing (wire, 50, NULL);
  for (guint minute = 0; minute < 4; minute++)
    {
      advance_stack_s (61);
      wire_expect (wire, said);
      g_assert_cmpstr (wire_body (wire), ==, is_early ? ANSWER : "");
      wire_nothing (wire, 50, NULL);
    }
  sig_sip_call_answer (e->sip, e->call, ANSWER);
  wire_expect (wire, "SIP/2.0 200");
  dialog_learn (dialog);
  dialog_ack (dialog, NULL);
  run_until (strstr (e->heard->str, "acked") != NULL);
  advance_stack_s (61);
  wire_nothing (wire, 50, NULL);
}

static void
test_no_ack (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .t1_ms = 10 });
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_answer = TRUE;
  dialog_invite (dialog, OFFER);
  do
    wire_expect (wire, "");
  while (!g_str_has_prefix (wire->last, "BYE "));
  wire_answer (wire, "200 OK", NULL, NULL, NULL);
  expect_ended (e, "invite ended:timeout:408");
}

/* RFC 3261 15: the callee sends no BYE between its 2xx and the ACK. */
static void
test_hangup_before_ack (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_answer = TRUE;
  dialog_invite (dialog, OFFER);
  wire_expect (wire, "SIP/2.0 200");
  dialog_learn (dialog);
  sig_sip_call_hangup (e->sip, e->call, "SIP;cause=404;text=\"No such room\"");
  expect_ended (e, "invite ended:local:0");
  wire_nothing (wire, 100, "SIP/2.0 200");
  dialog_ack (dialog, NULL);
  wire_expect (wire, "BYE ");
  g_autofree char *reason = wire_header (wire, "Reason");
  g_autofree char *cseq = wire_header (wire, "CSeq");
  g_assert_cmpstr (reason, ==, "SIP;cause=404;text=\"No such room\"");
  g_assert_cmpstr (cseq, ==, "2 BYE");
  wire_answer (wire, "200 OK", NULL, NULL, NULL);
  g_assert_cmpuint (e->n_ended, ==, 1);
}

static void
test_cancel_while_ringing (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_ring = TRUE;
  dialog_invite (dialog, OFFER);
  wire_expect (wire, "SIP/2.0 180");
  dialog_cancel (dialog);
  wire_expect (wire, "SIP/2.0 200");
  wire_expect (wire, "SIP/2.0 487");
  dialog->branch--;
  dialog_ack (dialog, NULL);
  expect_ended (e, "invite ended:cancel:487");
  sig_sip_call_answer (e->sip, e->call, ANSWER); /* gone: harmless */
  wire_nothing (wire, 100, "SIP/2.0 487");
}

/* The CANCEL is in the socket when the owner answers. */
static void
test_cancel_races_answer (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  dialog_invite (dialog, OFFER);
  run_until (e->n_invites == 1);
  dialog_cancel (dialog);
  sig_sip_call_answer (e->sip, e->call, ANSWER);
  run_until (e->n_ended == 1 || wire->last == NULL || g_str_has_prefix (wire->last, "SIP/2.0"));
  do
    wire_expect (wire, "SIP/2.0 ");
  while (strstr (wire->last, " INVITE\r\n") == NULL || g_str_has_prefix (wire->last, "SIP/2.0 1"));
  if (g_str_has_prefix (wire->last, "SIP/2.0 200"))
    {
      dialog_learn (dialog);
      dialog_ack (dialog, NULL);
      run_until (strstr (e->heard->str, "acked") != NULL);
      g_assert_cmpuint (e->n_ended, ==, 0);
      sig_sip_call_hangup (e->sip, e->call, NULL);
    }
  else
    g_assert_true (g_str_has_prefix (wire->last, "SIP/2.0 487"));
  run_until (e->n_ended == 1);
}

static void
test_cancel_at_once (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_answer = TRUE; /* answers into a transaction that is already cancelled, or just before */
  dialog_invite (dialog, OFFER);
  dialog_cancel (dialog);
  do
    wire_expect (wire, "SIP/2.0 ");
  while (strstr (wire->last, " INVITE\r\n") == NULL || g_str_has_prefix (wire->last, "SIP/2.0 1"));
  run_for_ms (50);
  g_assert_cmpuint (e->n_invites, ==, 1);
  if (g_str_has_prefix (wire->last, "SIP/2.0 487"))
    g_assert_cmpuint (e->n_ended, ==, 1);
  else
    g_assert_cmpuint (e->n_ended, ==, 0);
}

static void
test_cancel_after_answer (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_answer = TRUE;
  dialog_invite (dialog, OFFER);
  wire_expect (wire, "SIP/2.0 200");
  g_autofree char *answer = g_strdup (wire->last);
  dialog_cancel (dialog);
  do
    wire_expect (wire, "SIP/2.0 ");
  while (strstr (wire->last, " CANCEL\r\n") == NULL);
  g_free (wire->last);
  wire->last = g_steal_pointer (&answer);
  dialog_learn (dialog);
  dialog_ack (dialog, NULL);
  run_until (strstr (e->heard->str, "acked") != NULL);
  g_assert_cmpuint (e->n_ended, ==, 0);
}

static void
check_reject (int reject, int refuse, const char *line, const char *retry_after, const char *ended)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_reject = reject;
  e->auto_refuse = refuse;
  dialog_invite (dialog, OFFER);
  wire_expect (wire, line);
  g_autofree char *header = wire_header (wire, "Retry-After");
  g_assert_cmpstr (header, ==, retry_after);
  dialog->branch--;
  dialog_ack (dialog, NULL);
  expect_ended (e, ended);
}

/* Whichever way: 503 says when to come again, others say nothing of it. */
static void
test_reject (void)
{
  check_reject (503, 0, "SIP/2.0 503 Service Unavailable", "5", "invite ended:local:503");
  check_reject (0, 503, "SIP/2.0 503 Service Unavailable", "5", "invite ended:local:503");
  check_reject (486, 0, "SIP/2.0 486 Busy Here", NULL, "invite ended:local:486");
  check_reject (0, 500, "SIP/2.0 500 Internal Server Error", NULL, "invite ended:local:500");
}

static void
test_hangup_while_ringing (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_ring = TRUE;
  dialog_invite (dialog, OFFER);
  wire_expect (wire, "SIP/2.0 180");
  sig_sip_call_hangup (e->sip, e->call, NULL);
  wire_expect (wire, "SIP/2.0 480");
  expect_ended (e, "invite ended:local:480");
}

static void
test_draining (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  sig_sip_set_accepting (e->sip, FALSE);
  dialog_invite (dialog, OFFER);
  wire_expect (wire, "SIP/2.0 503");
  g_autofree char *retry_after = wire_header (wire, "Retry-After");
  g_assert_nonnull (retry_after);
  g_assert_cmpuint (e->n_invites, ==, 0);
}

static void
test_headers (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);
  GString *text
      = g_string_new ("P-Asserted-Identity: \"A\" <sip:+15550001@carrier>\r\nX-Room: a\xff"
                      "b\r\nDiversion: <sip:+1555@h>;reason=busy\r\nx-empty:\r\nY-Other: 1\r\n"
                      "Authorization: Digest username=\"u\"\r\nPrivacy: id\r\n"
                      "Remote-Party-ID: <sip:+1@h>;party=calling\r\nHistory-Info: <sip:+2@h>;index=1\r\n");

  for (guint i = 0; i < 100; i++)
    g_string_append_printf (text, "X-N%u: %u\r\n", i, i);
  dialog_request (dialog, "INVITE", text->str, "application/sdp", OFFER);
  g_string_free (text, TRUE);
  run_until (e->n_invites == 1);
  g_assert_nonnull (strstr (e->headers, "P-Asserted-Identity=\"A\" <sip:+15550001@carrier>;"));
  g_assert_nonnull (strstr (e->headers, "X-Room=a\xef\xbf\xbd"
                                        "b;"));
  g_assert_nonnull (strstr (e->headers, "Diversion=<sip:+1555@h>;reason=busy;"));
  g_assert_nonnull (strstr (e->headers, "Y-Other=1;"));
  g_assert_nonnull (strstr (e->headers, "Privacy=id;"));
  g_assert_nonnull (strstr (e->headers, "Remote-Party-ID=<sip:+1@h>;party=calling;"));
  g_assert_nonnull (strstr (e->headers, "History-Info=<sip:+2@h>;index=1;"));
  g_assert_null (strstr (e->headers, "username"));
  g_assert_nonnull (strstr (e->headers, "X-N30="));
  g_assert_null (strstr (e->headers, "X-N90="));
}

static void
check_numbers (const char *target, const char *from, const char *from_user, const char *display,
               const char *request_user)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);
  g_autofree char *headers = g_strdup_printf ("From: %s;tag=f1\r\nTo: <tel:+1-555-0100>\r\n", from);

  e->auto_answer = TRUE;
  g_free (dialog->target);
  dialog->target = g_strdup (target);
  dialog_request (dialog, "INVITE", headers, "application/sdp", OFFER);
  wire_expect (wire, "SIP/2.0 200");
  g_assert_cmpstr (e->from_user, ==, from_user);
  g_assert_cmpstr (e->from_display, ==, display);
  g_assert_cmpstr (e->request_user, ==, request_user);
}

/* tel: and telephone numbers in sip: (RFC 3966, RFC 3261 19.1.6), names in UTF-8. */
static void
test_numbers (void)
{
  check_numbers ("tel:+1-555-0100", "\"J\xc3\xb6rg \\\"X\\\"\" <tel:+1-(555)-0142>", "+15550142",
                 "J\xc3\xb6rg \"X\"", "+15550100");
  check_numbers ("tel:7042;phone-context=example.com", "<tel:863-1234;phone-context=+1-914-555>", "8631234",
                 "", "7042");
  check_numbers ("sip:+1-555-0100;phone-context=x@127.0.0.1;user=phone",
                 "\"\xe6\x97\xa5\" <sip:+1.555.0142@h;user=phone>", "+15550142", "\xe6\x97\xa5", "+15550100");
  check_numbers ("sip:bob-b@127.0.0.1", "Ann B <sip:ann-b@h>", "ann-b", "Ann B", "bob-b");
}

/* In-dialog requests go where the packets came from when the Contact is an address behind NAT. */
static void
test_nat (gconstpointer data)
{
  const Way *way = data;
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (way->is_tcp, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);
  g_autofree char *headers
      = g_strdup_printf ("Via: SIP/2.0/%s 192.168.99.99:5062;rport;branch=z9hG4bKnat\r\nContact: "
                         "<sip:alice@192.168.99.99:5062>\r\n",
                         way->is_tcp ? "TCP" : "UDP");

  e->auto_answer = TRUE;
  dialog_request (dialog, "INVITE", headers, "application/sdp", OFFER);
  wire_expect (wire, "SIP/2.0 200");
  dialog_learn (dialog);
  dialog_ack (dialog, NULL);
  run_until (strstr (e->heard->str, "acked") != NULL);
  sig_sip_call_hangup (e->sip, e->call, NULL);
  wire_expect (wire, "BYE sip:alice@192.168.99.99:5062 SIP/2.0");
  g_assert_null (wire_header (wire, "Route"));
  wire_answer (wire, "200 OK", NULL, NULL, NULL);
}

static void
test_record_route (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);
  g_autofree char *route = g_strdup_printf ("<sip:127.0.0.1:%u;lr>", wire->port);
  g_autofree char *headers = g_strdup_printf (
      "Record-Route: %s\r\nRecord-Route: <sip:10.9.9.9;lr>\r\nContact: <sip:bob@192.168.99.99>\r\n", route);
  g_auto (SigSipDialogState) state = { 0 };

  e->auto_answer = TRUE;
  dialog_request (dialog, "INVITE", headers, "application/sdp", OFFER);
  wire_expect (wire, "SIP/2.0 200");
  dialog_learn (dialog);
  dialog_ack (dialog, NULL);
  run_until (strstr (e->heard->str, "acked") != NULL);
  g_assert_true (sig_sip_call_export (e->sip, e->call, &state));
  g_assert_cmpstr (state.route_set[0], ==, route);
  g_assert_cmpstr (state.route_set[1], ==, "<sip:10.9.9.9;lr>");
  g_assert_null (state.route_set[2]);
  g_assert_cmpstr (state.remote_target, ==, "sip:bob@192.168.99.99");
  g_assert_cmpstr (state.remote_tag, ==, "alice");
  g_assert_cmpstr (state.local_tag, ==, dialog->to_tag);
  g_assert_cmpuint (state.remote_cseq, ==, dialog->cseq);
  sig_sip_call_hangup (e->sip, e->call, NULL);
  wire_expect (wire, "BYE sip:bob@192.168.99.99 SIP/2.0");
  wire_answer (wire, "200 OK", NULL, NULL, NULL);
}

/* Carriers write tel: into From, To and even the Request-URI. */
static void
test_tel (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  g_free (dialog->target);
  dialog->target = g_strdup ("tel:+15550002;phone-context=x");
  e->auto_answer = TRUE;
  dialog_request (dialog, "INVITE", "From: <tel:+15550001>;tag=alice\r\nTo: <tel:+15550002>\r\n",
                  "application/sdp", OFFER);
  wire_expect (wire, "SIP/2.0 200");
  g_assert_cmpstr (e->from_user, ==, "+15550001");
  g_assert_cmpstr (e->request_user, ==, "+15550002");
  dialog_learn (dialog);
  dialog_ack (dialog, NULL);
  run_until (strstr (e->heard->str, "acked") != NULL);
  sig_sip_call_hangup (e->sip, e->call, NULL);
  wire_expect (wire, "BYE sip:alice@127.0.0.1");
  wire_answer (wire, "200 OK", NULL, NULL, NULL);
}

static void
test_early_bye (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_ring = TRUE;
  dialog_invite (dialog, OFFER);
  wire_expect (wire, "SIP/2.0 180");
  dialog_learn (dialog);
  dialog_request (dialog, "UPDATE", NULL, "application/sdp", OFFER);
  wire_expect (wire, "SIP/2.0 500");
  dialog_request (dialog, "BYE", NULL, NULL, NULL);
  gboolean bye_answered = FALSE, invite_answered = FALSE;
  while (!bye_answered || !invite_answered)
    {
      wire_expect (wire, "SIP/2.0 ");
      bye_answered |= g_str_has_prefix (wire->last, "SIP/2.0 200") && strstr (wire->last, " BYE\r\n") != NULL;
      invite_answered |= g_str_has_prefix (wire->last, "SIP/2.0 487");
    }
  expect_ended (e, "invite ended:bye:0");
}

/* RFC 3261 14.2: a second re-INVITE before the first is answered. */
static void
test_overlap (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_answer = TRUE;
  dialog_establish (dialog);
  run_until (strstr (e->heard->str, "acked") != NULL);
  endpoint_heard (e);
  dialog_invite (dialog, OFFER);
  run_until (strstr (e->heard->str, "reoffer") != NULL);
  g_assert_false (sig_sip_call_reoffer (e->sip, e->call, OFFER));
  dialog_invite (dialog, OFFER);
  wire_expect (wire, "SIP/2.0 500");
  g_autofree char *retry_after = wire_header (wire, "Retry-After");
  g_assert_nonnull (retry_after);
  sig_sip_call_answer_reoffer (e->sip, e->call, ANSWER);
  wire_expect (wire, "SIP/2.0 200");
  g_assert_cmpstr (endpoint_heard (e), ==, "reoffer");
}

static void
on_shut_down (gpointer user)
{
  *(gboolean *)user = TRUE;
}

/* Ringing, answered, and answered by a peer that has gone silent: all are told, and soon. */
static void
test_shutdown (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) ringing = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Wire) answered = wire_new (TRUE, FALSE, e->port);
  g_autoptr (Wire) silent = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) ringing_dialog = dialog_new (ringing);
  g_autoptr (Dialog) answered_dialog = dialog_new (answered);
  g_autoptr (Dialog) silent_dialog = dialog_new (silent);
  gboolean done = FALSE;

  e->auto_ring = TRUE;
  dialog_invite (ringing_dialog, OFFER);
  wire_expect (ringing, "SIP/2.0 180");
  e->auto_answer = TRUE;
  dialog_establish (answered_dialog);
  dialog_establish (silent_dialog);
  run_until (strstr (e->heard->str, "acked") != g_strrstr (e->heard->str, "acked"));
  gint64 start = g_get_monotonic_time ();
  sig_sip_shutdown (e->sip, on_shut_down, &done);
  wire_expect (ringing, "SIP/2.0 480");
  wire_expect (answered, "BYE ");
  wire_answer (answered, "200 OK", NULL, NULL, NULL);
  run_until (done);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 20 * G_USEC_PER_SEC); /* the stack by itself: 32 s */
  g_assert_cmpuint (e->n_ended, ==, 3);
  e->is_shut_down = TRUE;
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/signaling/sip/inbound/establish_udp", &udp4, test_establish);
  g_test_add_data_func ("/signaling/sip/inbound/establish_tcp", &tcp4, test_establish);
  g_test_add_data_func ("/signaling/sip/inbound/establish_udp_ipv6", &udp6, test_establish);
  g_test_add_data_func ("/signaling/sip/inbound/establish_tcp_ipv6", &tcp6, test_establish);
  g_test_add_func ("/signaling/sip/inbound/all_addresses", test_all_addresses);
  g_test_add_func ("/signaling/sip/inbound/offerless", test_offerless);
  g_test_add_func ("/signaling/sip/inbound/reinvite", test_reinvite);
  g_test_add_func ("/signaling/sip/inbound/glare", test_glare);
  g_test_add_func ("/signaling/sip/inbound/update", test_update);
  g_test_add_func ("/signaling/sip/inbound/session_timer_of_peer", test_session_timer_of_peer);
  g_test_add_func ("/signaling/sip/inbound/multipart", test_multipart);
  g_test_add_func ("/signaling/sip/inbound/register_in_call", test_register_in_call);
  g_test_add_func ("/signaling/sip/inbound/retransmissions", test_retransmissions);
  g_test_add_data_func ("/signaling/sip/inbound/ringing_is_repeated", GINT_TO_POINTER (FALSE),
                        test_ringing_repeated);
  g_test_add_data_func ("/signaling/sip/inbound/progress_is_repeated", GINT_TO_POINTER (TRUE),
                        test_ringing_repeated);
  g_test_add_func ("/signaling/sip/inbound/no_ack", test_no_ack);
  g_test_add_func ("/signaling/sip/inbound/hangup_before_ack", test_hangup_before_ack);
  g_test_add_func ("/signaling/sip/inbound/cancel_while_ringing", test_cancel_while_ringing);
  g_test_add_func ("/signaling/sip/inbound/cancel_races_answer", test_cancel_races_answer);
  g_test_add_func ("/signaling/sip/inbound/cancel_at_once", test_cancel_at_once);
  g_test_add_func ("/signaling/sip/inbound/cancel_after_answer", test_cancel_after_answer);
  g_test_add_func ("/signaling/sip/inbound/reject", test_reject);
  g_test_add_func ("/signaling/sip/inbound/hangup_while_ringing", test_hangup_while_ringing);
  g_test_add_func ("/signaling/sip/inbound/draining", test_draining);
  g_test_add_func ("/signaling/sip/inbound/headers", test_headers);
  g_test_add_data_func ("/signaling/sip/inbound/nat_udp", &udp4, test_nat);
  g_test_add_data_func ("/signaling/sip/inbound/nat_tcp", &tcp4, test_nat);
  g_test_add_func ("/signaling/sip/inbound/record_route", test_record_route);
  g_test_add_func ("/signaling/sip/inbound/tel", test_tel);
  g_test_add_func ("/signaling/sip/inbound/early_bye", test_early_bye);
  g_test_add_func ("/signaling/sip/inbound/overlap", test_overlap);
  g_test_add_func ("/signaling/sip/inbound/shutdown", test_shutdown);
  g_test_add_func ("/signaling/sip/inbound/numbers", test_numbers);
  return g_test_run ();
}
