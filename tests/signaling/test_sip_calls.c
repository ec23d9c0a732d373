/* The stack's timers under GLib, and calls between two endpoints of this process. */
#include "tests/signaling/sip_harness.h"

#include <sofia-sip/su_glib.h>
#include <sofia-sip/su_wait.h>

#include <string.h>

static void
on_su_timer (su_root_magic_t *magic, su_timer_t *timer, su_timer_arg_t *arg)
{
  *(gboolean *)arg = TRUE;
}

/* Another release of the stack compares a monotonic clock with wall-clock timers, and none ever fires. */
static void
test_su_timer_fires (void)
{
  gboolean fired = FALSE;
  su_root_t *root = su_glib_root_create (NULL);
  GSource *source = g_source_ref (su_glib_root_gsource (root));

  g_source_attach (source, NULL);
  su_timer_t *timer = su_timer_create (su_root_task (root), 10);
  g_assert_cmpint (su_timer_set (timer, on_su_timer, (su_timer_arg_t *)&fired), ==, 0);
  run_until (fired);
  su_timer_destroy (timer);
  su_root_destroy (root);
  g_source_destroy (source);
  g_source_unref (source);
}

static SigSipCallId
dial (Endpoint *from, Endpoint *to, const char *parameters)
{
  g_autofree char *uri = g_strdup_printf ("sip:lobby@127.0.0.1:%u%s", to->port, parameters);
  SigSipDial request = { .to_uri = uri, .from_display = "Bob \"B\"", .sdp = OFFER };
  GError *error = NULL;
  SigSipCallId call = sig_sip_dial (from->sip, &request, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (call, !=, 0);
  return call;
}

static void
check_call_between_endpoints (const char *parameters, const char *transport)
{
  g_autoptr (Endpoint) a = endpoint_new (NULL);
  g_autoptr (Endpoint) b = endpoint_new (NULL);
  SigSipCallId call = dial (a, b, parameters);

  b->auto_ring = b->auto_answer = TRUE;
  run_until (strstr (b->heard->str, "acked") != NULL && strstr (a->heard->str, "answered") != NULL);
  g_assert_cmpstr (endpoint_heard (a), ==, "progress:180 answered");
  g_assert_cmpstr (endpoint_heard (b), ==, "invite acked");
  g_assert_cmpstr (a->sdp, ==, ANSWER);
  g_assert_cmpstr (b->from_display, ==, "Bob \"B\"");
  g_assert_cmpstr (b->from_user, ==, "switchroom");
  g_assert_cmpstr (b->request_user, ==, "lobby");
  g_assert_cmpstr (b->source_address, ==, "127.0.0.1");
  g_assert_cmpstr (b->transport, ==, transport);

  sig_sip_call_hangup (a->sip, call, "SIP;cause=200;text=\"Done\"");
  run_until (b->n_ended == 1 && a->n_ended == 1);
  g_assert_cmpstr (endpoint_heard (a), ==, "ended:local:0");
  g_assert_cmpstr (endpoint_heard (b), ==, "ended:bye:0");
  g_assert_cmpstr (b->reason, ==, "SIP;cause=200;text=\"Done\"");
}

static void
test_call_udp (void)
{
  check_call_between_endpoints ("", "udp");
}

static void
test_call_tcp (void)
{
  check_call_between_endpoints (";transport=tcp", "tcp");
}

static void
test_callee_hangs_up (void)
{
  g_autoptr (Endpoint) a = endpoint_new (NULL);
  g_autoptr (Endpoint) b = endpoint_new (NULL);

  b->auto_answer = b->auto_hangup_on_ack = TRUE;
  dial (a, b, "");
  run_until (b->n_ended == 1 && a->n_ended == 1);
  g_assert_cmpstr (endpoint_heard (a), ==, "answered ended:bye:0");
  g_assert_cmpstr (endpoint_heard (b), ==, "invite acked ended:local:0");
}

static void
test_rejected (void)
{
  g_autoptr (Endpoint) a = endpoint_new (NULL);
  g_autoptr (Endpoint) b = endpoint_new (NULL);

  b->auto_reject = 486;
  dial (a, b, "");
  run_until (b->n_ended == 1 && a->n_ended == 1);
  g_assert_cmpstr (endpoint_heard (a), ==, "ended:rejected:486");
  g_assert_cmpstr (a->phrase, ==, "Busy Here");
  g_assert_cmpstr (endpoint_heard (b), ==, "invite ended:local:486");
}

static void
test_cancelled (void)
{
  g_autoptr (Endpoint) a = endpoint_new (NULL);
  g_autoptr (Endpoint) b = endpoint_new (NULL);
  SigSipCallId call = dial (a, b, "");

  b->auto_ring = TRUE;
  run_until (strstr (a->heard->str, "progress:180") != NULL);
  sig_sip_call_hangup (a->sip, call, NULL);
  run_until (b->n_ended == 1 && a->n_ended == 1);
  g_assert_cmpstr (endpoint_heard (a), ==, "progress:180 ended:local:0");
  g_assert_cmpstr (endpoint_heard (b), ==, "invite ended:cancel:487");
}

static void
test_ring_timeout (void)
{
  g_autoptr (Endpoint) a = endpoint_new (NULL);
  g_autoptr (Endpoint) b = endpoint_new (NULL);
  g_autofree char *uri = g_strdup_printf ("sip:lobby@127.0.0.1:%u", b->port);
  SigSipDial request = { .to_uri = uri, .sdp = OFFER, .expires_s = 1 };

  b->auto_ring = TRUE;
  g_assert_cmpuint (sig_sip_dial (a->sip, &request, NULL), !=, 0);
  run_until (b->n_ended == 1 && a->n_ended == 1);
  g_assert_cmpstr (endpoint_heard (a), ==, "progress:180 ended:timeout:408");
  g_assert_cmpstr (endpoint_heard (b), ==, "invite ended:cancel:487");
}

static void
test_reoffer (void)
{
  g_autoptr (Endpoint) a = endpoint_new (NULL);
  g_autoptr (Endpoint) b = endpoint_new (NULL);
  SigSipCallId call = dial (a, b, "");

  b->auto_answer = b->auto_answer_reoffer = a->auto_answer_reoffer = TRUE;
  g_assert_false (sig_sip_call_reoffer (a->sip, call, OFFER));
  run_until (strstr (b->heard->str, "acked") != NULL && strstr (a->heard->str, "answered") != NULL);
  endpoint_heard (a);
  endpoint_heard (b);

  g_assert_true (sig_sip_call_reoffer (a->sip, call, OFFER));
  g_assert_false (sig_sip_call_reoffer (a->sip, call, OFFER));
  run_until (strstr (a->heard->str, "reanswer") != NULL && strstr (b->heard->str, "acked") != NULL);
  g_assert_cmpstr (endpoint_heard (a), ==, "reanswer:200");
  g_assert_cmpstr (endpoint_heard (b), ==, "reoffer acked");
  g_assert_cmpstr (a->sdp, ==, ANSWER);

  g_assert_true (sig_sip_call_reoffer (b->sip, b->call, OFFER));
  run_until (strstr (b->heard->str, "reanswer") != NULL && strstr (a->heard->str, "acked") != NULL);
  g_assert_cmpstr (endpoint_heard (a), ==, "reoffer acked");
  g_assert_cmpstr (endpoint_heard (b), ==, "reanswer:200");

  b->auto_answer_reoffer = FALSE;
  g_assert_true (sig_sip_call_reoffer (a->sip, call, OFFER));
  run_until (strstr (b->heard->str, "reoffer") != NULL);
  sig_sip_call_reject_reoffer (b->sip, b->call, 488, NULL);
  run_until (strstr (a->heard->str, "reanswer") != NULL);
  g_assert_cmpstr (endpoint_heard (a), ==, "reanswer:488");
  sig_sip_call_hangup (b->sip, b->call, NULL);
  run_until (a->n_ended == 1);
}

/* Both offer at once: one of them or both get 491, and the call goes on. */
static void
test_glare (void)
{
  g_autoptr (Endpoint) a = endpoint_new (NULL);
  g_autoptr (Endpoint) b = endpoint_new (NULL);
  SigSipCallId call = dial (a, b, "");

  b->auto_answer = b->auto_answer_reoffer = a->auto_answer_reoffer = TRUE;
  run_until (strstr (b->heard->str, "acked") != NULL && strstr (a->heard->str, "answered") != NULL);
  endpoint_heard (a);
  endpoint_heard (b);
  g_assert_true (sig_sip_call_reoffer (a->sip, call, OFFER));
  g_assert_true (sig_sip_call_reoffer (b->sip, b->call, OFFER));
  run_until (strstr (a->heard->str, "reanswer") != NULL && strstr (b->heard->str, "reanswer") != NULL);
  g_assert_cmpstr (endpoint_heard (a), ==, "reanswer:491");
  g_assert_cmpstr (endpoint_heard (b), ==, "reanswer:491");
  g_assert_true (sig_sip_call_reoffer (a->sip, call, OFFER));
  run_until (strstr (a->heard->str, "reanswer") != NULL);
  g_assert_cmpstr (endpoint_heard (a), ==, "reanswer:200");
  g_assert_cmpuint (a->n_ended + b->n_ended, ==, 0);
}

static void
test_early_media (void)
{
  g_autoptr (Endpoint) a = endpoint_new (NULL);
  g_autoptr (Endpoint) b = endpoint_new (NULL);

  dial (a, b, "");
  run_until (b->n_invites == 1);
  sig_sip_call_progress (b->sip, b->call, ANSWER);
  run_until (strstr (a->heard->str, "progress:183") != NULL);
  g_assert_cmpstr (a->sdp, ==, ANSWER);
  sig_sip_call_answer (b->sip, b->call, ANSWER);
  run_until (strstr (b->heard->str, "acked") != NULL);
  g_assert_cmpstr (endpoint_heard (a), ==, "progress:183 answered");
}

static void
test_nobody_there (void)
{
  g_autoptr (Endpoint) a = endpoint_new (&(EndpointOptions){ .t1_ms = 5 });
  SigSipDial request = { .to_uri = "sip:nobody@127.0.0.1:9", .sdp = OFFER };

  g_assert_cmpuint (sig_sip_dial (a->sip, &request, NULL), !=, 0);
  run_until (a->n_ended == 1);
  g_assert_true (g_str_has_prefix (endpoint_heard (a), "ended:"));
}

static void
test_export (void)
{
  g_autoptr (Endpoint) a = endpoint_new (NULL);
  g_autoptr (Endpoint) b = endpoint_new (NULL);
  g_auto (SigSipDialogState) ours = { 0 };
  g_auto (SigSipDialogState) theirs = { 0 };
  SigSipCallId call = dial (a, b, "");

  b->auto_answer = TRUE;
  run_until (strstr (b->heard->str, "acked") != NULL);
  g_assert_true (sig_sip_call_export (a->sip, call, &ours));
  g_assert_true (sig_sip_call_export (b->sip, b->call, &theirs));
  g_assert_cmpstr (ours.call_id, ==, theirs.call_id);
  g_assert_cmpstr (ours.local_tag, ==, theirs.remote_tag);
  g_assert_cmpstr (ours.remote_tag, ==, theirs.local_tag);
  g_assert_cmpstr (ours.local_uri, ==, theirs.remote_uri);
  g_assert_cmpuint (strlen (ours.local_tag), >, 0);
  g_assert_cmpuint (strlen (ours.remote_tag), >, 0);
  g_assert_cmpuint (ours.local_cseq, ==, theirs.remote_cseq);
  g_assert_cmpuint (ours.local_cseq, >, 0);
  g_assert_null (ours.route_set[0]);
  g_assert_cmpuint (theirs.peer_port, ==, a->port);
  g_assert_cmpstr (theirs.peer_address, ==, "127.0.0.1");
  g_assert_cmpstr (theirs.transport, ==, "udp");
  g_autofree char *contact = g_strdup_printf ("<%s>", ours.remote_target);
  g_assert_cmpstr (contact, ==, theirs.local_contact);
  g_assert_false (sig_sip_call_export (a->sip, call + 1, &(SigSipDialogState){ 0 }));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/su_timer_fires_under_glib", test_su_timer_fires);
  g_test_add_func ("/signaling/sip/call_udp", test_call_udp);
  g_test_add_func ("/signaling/sip/call_tcp", test_call_tcp);
  g_test_add_func ("/signaling/sip/callee_hangs_up", test_callee_hangs_up);
  g_test_add_func ("/signaling/sip/rejected", test_rejected);
  g_test_add_func ("/signaling/sip/cancelled", test_cancelled);
  g_test_add_func ("/signaling/sip/ring_timeout", test_ring_timeout);
  g_test_add_func ("/signaling/sip/reoffer", test_reoffer);
  g_test_add_func ("/signaling/sip/glare", test_glare);
  g_test_add_func ("/signaling/sip/early_media", test_early_media);
  g_test_add_func ("/signaling/sip/nobody_there", test_nobody_there);
  g_test_add_func ("/signaling/sip/export", test_export);
  return g_test_run ();
}
