/* Whom an INVITE is for, how far it may still go, and whether it is one of ours that came back. */
#include "tests/signaling/sip_harness.h"

#include <string.h>

/* An INVITE with @uri as Request-URI; the owner refuses it. @headers: (nullable) */
static void
ask (Endpoint *e, const char *uri, const char *headers)
{
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);
  guint n = e->n_invites;

  g_free (dialog->target);
  dialog->target = g_strdup (uri);
  dialog_request (dialog, "INVITE", headers, "application/sdp", OFFER);
  run_until (e->n_invites == n + 1);
  wire_expect (wire, "SIP/2.0 404");
  dialog_request (dialog, "ACK", NULL, NULL, NULL);
}

static void
test_local (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .bind = "both" });
  const guint16 other = e->port == 65535 ? 1024 : e->port + 1;
  const struct
  {
    const char *format;
    guint16 port;
    gboolean is_local;
  } rows[] = {
    { "sip:lobby@127.0.0.1:%u", e->port, TRUE },        { "sip:lobby@[::1]:%u", e->port, TRUE },
    { "sip:lobby@localhost:%u", e->port, TRUE },        { "sip:lobby@127.0.0.1", 0, TRUE },
    { "sip:lobby@127.0.0.1:%u", other, FALSE },         { "sip:lobby@127.0.0.2:%u", e->port, FALSE },
    { "sip:lobby@pbx.example.com:%u", e->port, FALSE }, { "sip:lobby@pbx.example.com", 0, FALSE },
    { "sips:lobby@127.0.0.1:%u", other, FALSE },
  };

  e->auto_reject = 404;
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const char *part = strchr (rows[i].format, '%');
      g_autofree char *head = part != NULL ? g_strndup (rows[i].format, (gsize)(part - rows[i].format))
                                           : g_strdup (rows[i].format);
      g_autofree char *uri = part != NULL ? g_strdup_printf ("%s%u", head, rows[i].port) : g_strdup (head);

      g_test_message ("%s", uri);
      ask (e, uri, NULL);
      g_assert_cmpint (e->is_local, ==, rows[i].is_local);
      g_assert_cmpuint (e->request_port, ==, rows[i].port);
      g_assert_cmpstr (e->request_uri, ==, uri);
      g_assert_false (e->came_back);
    }
}

static void
test_uri_and_hops (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autofree char *longest = g_strnfill (600, 'x');
  g_autofree char *uri = g_strdup_printf ("sip:%s@example.com", longest);

  e->auto_reject = 404;
  ask (e, "sip:bob;x=1@example.com:5070;transport=tcp;user=phone", "Max-Forwards: 12\r\n");
  g_assert_cmpstr (e->request_uri, ==, "sip:bob;x=1@example.com:5070;transport=tcp;user=phone");
  g_assert_cmpuint (e->max_forwards, ==, 12);
  ask (e, uri, "Max-Forwards: 1\r\n");
  g_assert_cmpstr (e->request_uri, ==, "");
  g_assert_cmpuint (e->max_forwards, ==, 1);
}

/* Ours, of a call that still waits for its answer: by its Via and its Call-ID, both. */
static void
test_came_back (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) callee = wire_listen (FALSE);
  g_autofree char *uri = g_strdup_printf ("sip:callee@127.0.0.1:%u", callee->port);
  const SigSipDial dial = { .to_uri = uri, .sdp = OFFER, .has_max_forwards = TRUE, .max_forwards = 5 };
  g_autoptr (GError) error = NULL;

  e->auto_reject = 404;
  g_assert_cmpuint (sig_sip_dial (e->sip, &dial, &error), !=, 0);
  wire_expect (callee, "INVITE sip:callee@127.0.0.1");
  g_autofree char *hops = wire_header (callee, "Max-Forwards");
  g_autofree char *call_id = wire_header (callee, "Call-ID");
  g_autofree char *via = wire_header (callee, "Via");
  g_assert_cmpstr (hops, ==, "5");

  g_autofree char *both
      = g_strdup_printf ("Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKback;rport\r\nVia: %s\r\n"
                         "Call-ID: %s\r\nCSeq: 7 INVITE\r\n",
                         callee->port, via, call_id);
  g_autofree char *other_id = g_strdup_printf ("Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKid;rport\r\n"
                                               "Via: %s\r\n",
                                               callee->port, via);
  g_autofree char *other_via = g_strdup_printf ("Call-ID: %s\r\n", call_id);
  ask (e, "sip:callee@example.com", other_id);
  g_assert_false (e->came_back);
  ask (e, "sip:callee@example.com", other_via);
  g_assert_false (e->came_back);

  ask (e, "sip:callee@example.com", both);
  g_assert_true (e->came_back);
}

/* What is passed on as it came: a provisional answer without a description. */
static void
test_tell (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  dialog_invite (dialog, OFFER);
  run_until (e->n_invites == 1);
  sig_sip_call_tell (e->sip, e->call, 182);
  wire_expect (wire, "SIP/2.0 182");
  sig_sip_call_tell (e->sip, e->call, 183);
  wire_expect (wire, "SIP/2.0 183");
  g_assert_cmpstr (wire_body (wire), ==, "");
  sig_sip_call_tell (e->sip, e->call, 200);
  sig_sip_call_tell (e->sip, e->call, 486);
  sig_sip_call_answer (e->sip, e->call, ANSWER);
  wire_expect (wire, "SIP/2.0 200");
  dialog_learn (dialog);
  dialog_ack (dialog, NULL);
}

/* An answer is of use for so long only, and an answered call goes on. */
static void
test_expires (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  dialog_request (dialog, "INVITE", "Expires: 1\r\n", "application/sdp", OFFER);
  run_until (e->n_invites == 1);
  sig_sip_call_ring (e->sip, e->call);
  wire_expect (wire, "SIP/2.0 180");
  wire_expect (wire, "SIP/2.0 487");
  dialog_request (dialog, "ACK", NULL, NULL, NULL);
  run_until (e->n_ended == 1);
  g_assert_cmpstr (endpoint_heard (e), ==, "invite ended:timeout:487");

  g_autoptr (Dialog) answered = dialog_new (wire);
  dialog_request (answered, "INVITE", "Expires: 1\r\n", "application/sdp", OFFER);
  run_until (e->n_invites == 2);
  sig_sip_call_answer (e->sip, e->call, ANSWER);
  wire_expect (wire, "SIP/2.0 200");
  dialog_learn (answered);
  dialog_ack (answered, NULL);
  run_for_ms (1200);
  g_assert_cmpuint (e->n_ended, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/target/local", test_local);
  g_test_add_func ("/signaling/sip/target/uri_and_hops", test_uri_and_hops);
  g_test_add_func ("/signaling/sip/target/came_back", test_came_back);
  g_test_add_func ("/signaling/sip/target/tell", test_tell);
  g_test_add_func ("/signaling/sip/target/expires", test_expires);
  return g_test_run ();
}
