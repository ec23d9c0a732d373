/* INFO and MESSAGE: in a call and outside, both ways. */
#include "tests/signaling/sip_harness.h"

#include "signaling/core/info.h"

#include <string.h>

typedef struct
{
  Endpoint *e;
  Wire *wire;
  Dialog *dialog;
} Call;

static Call
call_new (const char *headers)
{
  Call call = { .e = endpoint_new (NULL) };

  call.wire = wire_new (FALSE, FALSE, call.e->port);
  call.dialog = dialog_new (call.wire);
  call.e->auto_answer = TRUE;
  dialog_request (call.dialog, "INVITE", headers, "application/sdp", OFFER);
  wire_expect (call.wire, "SIP/2.0 200");
  dialog_learn (call.dialog);
  dialog_ack (call.dialog, NULL);
  run_until (call.e->n_acked == 1);
  g_assert_cmpstr (endpoint_heard (call.e), ==, "invite acked");
  return call;
}

static void
call_free (Call *call)
{
  dialog_request (call->dialog, "BYE", NULL, NULL, NULL);
  wire_expect (call->wire, "SIP/2.0 200");
  run_until (call->e->n_ended == 1);
  dialog_free (call->dialog);
  wire_free (call->wire);
  endpoint_free (call->e);
}

/* ---- INFO ---- */

static const struct
{
  const char *headers, *type, *body, *status, *heard;
} infos[] = {
  { NULL, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "200", "digit:5:160" },
  { NULL, "Application/DTMF-Relay", "Signal= *\nDuration= 80\n", "200", "digit:*:80" },
  { NULL, "application/dtmf", "7", "200", "digit:7:100" },
  { NULL, "application/vnd.nortelnetworks.digits", "d=#\r\np=1\r\n", "200", "digit:#:100" },
  { NULL, NULL, NULL, "200", "" },
  { NULL, "application/media_control+xml", "<media_control/>", "200", "" },
  { NULL, "application/dtmf-relay", "Signal=no\r\n", "400", "" },
  { NULL, "text/plain", "5", "415", "" },
  { "Content-Encoding: gzip\r\n", "application/dtmf", "5", "415", "" },
  { "Info-Package: foo\r\n", "application/foo", "x", "469", "" },
  { "Info-Package: foo\r\n", NULL, NULL, "469", "" },
};

static void
test_info (void)
{
  Call call = call_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (infos); i++)
    {
      g_autofree char *start = g_strdup_printf ("SIP/2.0 %s", infos[i].status);

      dialog_request (call.dialog, "INFO", infos[i].headers, infos[i].type, infos[i].body);
      wire_expect (call.wire, start);
      g_autofree char *accept = wire_header (call.wire, "Accept");
      g_autofree char *packages = wire_header (call.wire, "Recv-Info");
      g_assert_cmpstr (endpoint_heard (call.e), ==, infos[i].heard);
      g_assert_cmpstr (accept, ==, strcmp (infos[i].status, "415") == 0 ? SIG_INFO_ACCEPT : NULL);
      g_assert_cmpstr (packages, ==, strcmp (infos[i].status, "469") == 0 ? "" : NULL);
    }
  call_free (&call);
}

/* RFC 6086 4.2.2: who asks hears that there is none. */
static void
test_info_packages (void)
{
  Call call = { .e = endpoint_new (NULL) };

  call.wire = wire_new (FALSE, FALSE, call.e->port);
  call.dialog = dialog_new (call.wire);
  call.e->auto_answer = TRUE;
  dialog_request (call.dialog, "INVITE", "Recv-Info: foo\r\n", "application/sdp", OFFER);
  wire_expect (call.wire, "SIP/2.0 200");
  g_autofree char *packages = wire_header (call.wire, "Recv-Info");
  g_autofree char *events = wire_header (call.wire, "Allow-Events");
  g_assert_cmpstr (packages, ==, "");
  g_assert_cmpstr (events, ==, "presence, dialog, conference");
  dialog_learn (call.dialog);
  dialog_ack (call.dialog, NULL);
  call_free (&call);
}

typedef struct
{
  guint n;
  int status;
} Sent;

static void
on_sent (gpointer user, int status, const char *phrase)
{
  Sent *sent = user;

  sent->n++;
  sent->status = status;
}

static void
test_send_info (void)
{
  Call call = call_new (NULL);
  Sent sent = { 0 };
  g_autofree char *one = sig_info_write ('1', 160), *two = sig_info_write ('#', 90);

  g_assert_true (sig_sip_call_allows_info (call.e->sip, call.e->call));
  g_assert_true (sig_sip_call_send_info (call.e->sip, call.e->call, SIG_INFO_DTMF_TYPE, one, on_sent, &sent));
  g_assert_true (sig_sip_call_send_info (call.e->sip, call.e->call, SIG_INFO_DTMF_TYPE, two, on_sent, &sent));
  wire_expect (call.wire, "INFO sip:alice@127.0.0.1");
  g_autofree char *type = wire_header (call.wire, "Content-Type");
  g_autofree char *cseq = wire_header (call.wire, "CSeq");
  g_assert_cmpstr (type, ==, "application/dtmf-relay");
  g_assert_cmpstr (cseq, ==, "2 INFO");
  g_assert_cmpstr (wire_body (call.wire), ==, "Signal=1\r\nDuration=160\r\n");
  wire_nothing (call.wire, 50, "INFO"); /* the second one waits for the answer to the first */
  wire_answer (call.wire, "200 OK", NULL, NULL, NULL);
  run_until (sent.n == 1);
  g_assert_cmpint (sent.status, ==, 200);
  do
    wire_expect (call.wire, "INFO sip:alice@127.0.0.1");
  while (strstr (call.wire->last, "Signal=1") != NULL);
  g_assert_cmpstr (wire_body (call.wire), ==, "Signal=#\r\nDuration=90\r\n");
  wire_answer (call.wire, "415 Unsupported Media Type", NULL, NULL, NULL);
  run_until (sent.n == 2);
  g_assert_cmpint (sent.status, ==, 415);
  call_free (&call);
}

/* ---- MESSAGE ---- */

static char *
long_text (gsize size)
{
  return g_strnfill (size, 'x');
}

static void
test_message_in_call (void)
{
  Call call = call_new (NULL);
  g_autofree char *too_long = long_text (SIG_SIP_MAX_TEXT + 1);

  dialog_request (call.dialog, "MESSAGE", NULL, "text/plain;charset=UTF-8", "Grüße");
  wire_expect (call.wire, "SIP/2.0 200");
  g_assert_true (g_str_has_prefix (endpoint_heard (call.e), "message:call:alice:"));
  dialog_request (call.dialog, "MESSAGE", NULL, "text/html", "<b>hello</b>");
  wire_expect (call.wire, "SIP/2.0 415");
  g_autofree char *accept = wire_header (call.wire, "Accept");
  g_assert_cmpstr (accept, ==, "text/plain");
  dialog_request (call.dialog, "MESSAGE", NULL, "text/plain;charset=ISO-8859-1", "hello");
  wire_expect (call.wire, "SIP/2.0 415");
  dialog_request (call.dialog, "MESSAGE", "Content-Encoding: gzip\r\n", "text/plain", "hello");
  wire_expect (call.wire, "SIP/2.0 415");
  dialog_request (call.dialog, "MESSAGE", NULL, "text/plain", "\xff\xfe");
  wire_expect (call.wire, "SIP/2.0 400");
  dialog_request (call.dialog, "MESSAGE", NULL, NULL, NULL);
  wire_expect (call.wire, "SIP/2.0 400");
  dialog_request (call.dialog, "MESSAGE", NULL, NULL, "hello");
  wire_expect (call.wire, "SIP/2.0 400");
  dialog_request (call.dialog, "MESSAGE", NULL, "text/plain", too_long);
  wire_expect (call.wire, "SIP/2.0 413");
  g_assert_cmpstr (endpoint_heard (call.e), ==, "");
  call.e->auto_message = 403;
  dialog_request (call.dialog, "MESSAGE", NULL, "text/plain", "hello");
  wire_expect (call.wire, "SIP/2.0 403");
  call_free (&call);
}

static void
test_message_outside (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  dialog_request (dialog, "MESSAGE", NULL, "text/plain", "hello");
  wire_expect (wire, "SIP/2.0 200");
  g_assert_cmpstr (endpoint_heard (e), ==, "message:outside:alice:lobby:hello");
  e->auto_message = 404;
  dialog_request (dialog, "MESSAGE", NULL, "text/plain", "hello");
  wire_expect (wire, "SIP/2.0 404");
  endpoint_heard (e);
  dialog_request (dialog, "MESSAGE", NULL, "application/json", "{}");
  wire_expect (wire, "SIP/2.0 415");
  g_autofree char *accept = wire_header (wire, "Accept");
  g_assert_cmpstr (accept, ==, "text/plain");
  dialog_request (dialog, "MESSAGE", "Max-Forwards: 0\r\n", "text/plain", "hello");
  wire_expect (wire, "SIP/2.0 483");
  dialog_request (dialog, "MESSAGE", "Require: foo\r\n", "text/plain", "hello");
  wire_expect (wire, "SIP/2.0 420");
  g_autofree char *unsupported = wire_header (wire, "Unsupported");
  g_assert_cmpstr (unsupported, ==, "foo");
  dialog_request (dialog, "MESSAGE", "To: <sip:lobby@127.0.0.1>;tag=nobody\r\n", "text/plain", "hello");
  wire_expect (wire, "SIP/2.0 481");
  sig_sip_set_accepting (e->sip, FALSE);
  dialog_request (dialog, "MESSAGE", NULL, "text/plain", "hello");
  wire_expect (wire, "SIP/2.0 503");
  g_assert_cmpstr (endpoint_heard (e), ==, "");
}

static void
test_message_limit (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .invites_per_second = 3 });
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);
  guint n = 0;

  for (guint i = 0; i < 8; i++)
    {
      dialog_request (dialog, "MESSAGE", NULL, "text/plain", "hello");
      wire_expect (wire, "SIP/2.0 ");
      n += g_str_has_prefix (wire->last, "SIP/2.0 200");
    }
  g_assert_cmpuint (n, >=, 3);
  g_assert_cmpuint (n, <, 8);
}

static void
test_send_message (void)
{
  Call call = call_new ("Allow: INVITE, ACK, BYE, MESSAGE\r\n");
  Sent sent = { 0 };

  g_assert_true (sig_sip_call_allows_message (call.e->sip, call.e->call));
  g_assert_false (sig_sip_call_allows_info (call.e->sip, call.e->call));
  g_assert_true (sig_sip_call_send_message (call.e->sip, call.e->call, "Grüße", on_sent, &sent));
  wire_expect (call.wire, "MESSAGE sip:alice@127.0.0.1");
  g_autofree char *type = wire_header (call.wire, "Content-Type");
  g_assert_cmpstr (type, ==, "text/plain;charset=UTF-8");
  g_assert_cmpstr (wire_body (call.wire), ==, "Grüße");
  wire_answer (call.wire, "202 Accepted", NULL, NULL, NULL);
  run_until (sent.n == 1);
  g_assert_cmpint (sent.status, ==, 202);
  call_free (&call);
}

/* One that nobody answers before the call is over is told as such, those behind it too. */
static void
test_send_then_end (void)
{
  Call call = call_new (NULL);
  Sent sent = { .status = -1 };

  g_assert_false (sig_sip_call_allows_message (call.e->sip, call.e->call));
  for (guint i = 0; i < SIG_SIP_MAX_SENDS; i++)
    g_assert_true (sig_sip_call_send_message (call.e->sip, call.e->call, "x", on_sent, &sent));
  g_assert_false (sig_sip_call_send_message (call.e->sip, call.e->call, "x", on_sent, &sent));
  wire_expect (call.wire, "MESSAGE");
  sig_sip_call_hangup (call.e->sip, call.e->call, NULL);
  g_assert_cmpuint (sent.n, ==, 0);
  run_until (sent.n == SIG_SIP_MAX_SENDS);
  g_assert_cmpint (sent.status, ==, 0);
  g_assert_false (sig_sip_call_send_message (call.e->sip, call.e->call, "x", on_sent, &sent));
  do
    wire_expect (call.wire, "");
  while (!g_str_has_prefix (call.wire->last, "BYE"));
  wire_answer (call.wire, "200 OK", NULL, NULL, NULL);
  run_until (call.e->n_ended == 1);
  dialog_free (call.dialog);
  wire_free (call.wire);
  endpoint_free (call.e);
}

/* The peer asks for credentials: they go out once, with a new CSeq. */
static void
test_send_challenged (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_listen (FALSE);
  g_autofree char *to = g_strdup_printf ("sip:bob@127.0.0.1:%u", wire->port);
  const SigSipDial dial = { .to_uri = to, .auth_username = "user", .auth_password = "secret", .sdp = OFFER };
  Sent sent = { 0 };

  e->call = sig_sip_dial (e->sip, &dial, NULL);
  wire_expect (wire, "INVITE");
  wire_answer (wire, "200 OK", "bob", "Allow: INVITE, ACK, BYE, MESSAGE\r\n", ANSWER);
  wire_expect (wire, "ACK");
  g_assert_true (sig_sip_call_allows_message (e->sip, e->call));
  g_assert_true (sig_sip_call_send_message (e->sip, e->call, "hello", on_sent, &sent));
  for (guint i = 0; i < 2; i++)
    {
      do
        wire_expect (wire, "MESSAGE");
      while (i == 1 && strstr (wire->last, "\r\nProxy-Authorization:") == NULL);
      wire_answer (wire, "407 Proxy Authentication Required", NULL,
                   "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n",
                   NULL);
    }
  g_autofree char *credentials = wire_header (wire, "Proxy-Authorization");
  g_assert_nonnull (strstr (credentials, "username=\"user\""));
  g_assert_cmpstr (wire_body (wire), ==, "hello");
  run_until (sent.n == 1);
  g_assert_cmpint (sent.status, ==, 407);
  sig_sip_call_hangup (e->sip, e->call, NULL);
  do
    wire_expect (wire, "");
  while (!g_str_has_prefix (wire->last, "BYE"));
  wire_answer (wire, "200 OK", NULL, NULL, NULL);
  run_until (e->n_ended == 1);
}

/* What belongs to a subscription that nobody made. */
static void
test_notify_in_call (void)
{
  Call call = call_new (NULL);

  dialog_request (call.dialog, "NOTIFY", "Event: presence\r\nSubscription-State: active\r\n", NULL, NULL);
  wire_expect (call.wire, "SIP/2.0 481");
  dialog_request (call.dialog, "SUBSCRIBE", "Event: presence\r\n", NULL, NULL);
  wire_expect (call.wire, "SIP/2.0 489");
  dialog_request (call.dialog, "SUBSCRIBE", NULL, NULL, NULL);
  wire_expect (call.wire, "SIP/2.0 489");
  g_assert_cmpstr (endpoint_heard (call.e), ==, "");
  call_free (&call);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/requests/info", test_info);
  g_test_add_func ("/signaling/sip/requests/info_packages", test_info_packages);
  g_test_add_func ("/signaling/sip/requests/send_info", test_send_info);
  g_test_add_func ("/signaling/sip/requests/message_in_call", test_message_in_call);
  g_test_add_func ("/signaling/sip/requests/message_outside", test_message_outside);
  g_test_add_func ("/signaling/sip/requests/message_limit", test_message_limit);
  g_test_add_func ("/signaling/sip/requests/send_message", test_send_message);
  g_test_add_func ("/signaling/sip/requests/send_then_end", test_send_then_end);
  g_test_add_func ("/signaling/sip/requests/send_challenged", test_send_challenged);
  g_test_add_func ("/signaling/sip/requests/notify_in_call", test_notify_in_call);
  return g_test_run ();
}
