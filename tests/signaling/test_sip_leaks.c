/* Memory per operation: what the stack forgets to free stays reachable, so that no leak checker sees it. The
 * heap in use is compared when every transaction is over, which a test cannot wait for: the stack's clock is
 * moved. */
#include "tests/signaling/sip_harness.h"

#include "signaling/sip/outside.h"

#include <malloc.h>
#include <string.h>

#define WARM_UP       100
#define ROUNDS        500
#define ALLOWED_BYTES 100000

#if defined(__SANITIZE_ADDRESS__)
#define HEAP_IS_VISIBLE FALSE
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEAP_IS_VISIBLE FALSE
#endif
#endif
#ifndef HEAP_IS_VISIBLE
#define HEAP_IS_VISIBLE TRUE
#endif

typedef struct
{
  Endpoint *a, *b;
  Wire *wire;
} Scene;

typedef void (*Operation) (Scene *scene);

static void
settle (Scene *scene)
{
  SigSipStats a, b;

  do
    {
      run_for_ms (20);
      sig_sip_get_stats (scene->a->sip, &a);
      sig_sip_get_stats (scene->b->sip, &b);
    }
  while (a.n_calls + a.n_closing + b.n_calls + b.n_closing > 0);
  advance_stack_s (66); /* every timer of RFC 3261 table 4, twice */
}

static gsize
heap_in_use (void)
{
  return mallinfo2 ().uordblks;
}

static void
measure (Operation operation, const char *name)
{
  const EndpointOptions options = { .takes_register = TRUE };
  Scene scene = { endpoint_new (&options), endpoint_new (&options), NULL };
  gssize grown = 0;

  scene.b->auto_ring = TRUE;
  scene.wire = wire_new (FALSE, FALSE, scene.b->port);
  for (guint i = 0; i < WARM_UP; i++)
    operation (&scene);
  settle (&scene);
  /* A leak comes back; a table that grows, or a buffer for more traffic at once, does not. */
  for (guint tries = 0; tries < 3; tries++)
    {
      gsize before = heap_in_use ();

      for (guint i = 0; i < ROUNDS; i++)
        operation (&scene);
      settle (&scene);
      grown = (gssize)(heap_in_use () - before);
      g_test_message ("%s: %" G_GSSIZE_FORMAT " bytes in %u rounds", name, grown, ROUNDS);
      if (grown < ALLOWED_BYTES)
        break;
    }
  if (HEAP_IS_VISIBLE)
    g_assert_cmpint (grown, <, ALLOWED_BYTES);
  wire_free (scene.wire);
  endpoint_free (scene.a);
  endpoint_free (scene.b);
}

static SigSipCallId
dial (Scene *scene)
{
  g_autofree char *uri = g_strdup_printf ("sip:lobby@127.0.0.1:%u", scene->b->port);
  SigSipDial request = { .to_uri = uri, .sdp = OFFER };

  return sig_sip_dial (scene->a->sip, &request, NULL);
}

static void
one_call (Scene *scene)
{
  guint ended = scene->a->n_ended + scene->b->n_ended;

  scene->b->auto_answer = TRUE;
  SigSipCallId call = dial (scene);
  run_until (strstr (scene->a->heard->str, "answered") != NULL
             && strstr (scene->b->heard->str, "acked") != NULL);
  endpoint_heard (scene->a);
  endpoint_heard (scene->b);
  sig_sip_call_hangup (scene->a->sip, call, NULL);
  run_until (scene->a->n_ended + scene->b->n_ended == ended + 2);
}

static void
one_rejection (Scene *scene)
{
  guint ended = scene->a->n_ended;

  scene->b->auto_reject = 486;
  dial (scene);
  run_until (scene->a->n_ended == ended + 1);
  endpoint_heard (scene->a);
  endpoint_heard (scene->b);
}

static void
one_cancel (Scene *scene)
{
  guint ended = scene->a->n_ended + scene->b->n_ended;
  SigSipCallId call = dial (scene);

  run_until (strstr (scene->a->heard->str, "progress") != NULL);
  endpoint_heard (scene->a);
  endpoint_heard (scene->b);
  sig_sip_call_hangup (scene->a->sip, call, NULL);
  run_until (scene->a->n_ended + scene->b->n_ended == ended + 2);
}

static void
one_refusal_each (Scene *scene)
{
  static const char *const requests[][2] = {
    { "OPTIONS", NULL },
    { "REGISTER", NULL },
    { "MESSAGE", NULL },
    { "FOO", NULL },
    { "BYE", NULL },
    { "INVITE", "Max-Forwards: 0\r\n" },
    { "INVITE", "Require: foo\r\n" },
    { "INVITE", "Contact: <tel:1>\r\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      g_autoptr (Dialog) dialog = dialog_new (scene->wire);
      dialog_request (dialog, requests[i][0], requests[i][1], NULL, NULL);
      do
        wire_expect (scene->wire, "SIP/2.0 ");
      while (strstr (scene->wire->last, dialog->call_id) == NULL
             || g_str_has_prefix (scene->wire->last, "SIP/2.0 1"));
    }
}

static void
count (gpointer user, int status, const char *phrase)
{
  ++*(guint *)user;
}

/* OPTIONS and MESSAGE of ours outside of a call. */
static void
one_question (Scene *scene)
{
  g_autofree char *uri = g_strdup_printf ("sip:lobby@127.0.0.1:%u", scene->b->port);
  guint n = 0;

  for (guint i = 0; i < 2; i++)
    g_assert_true (sig_sip_send_outside (
        scene->a->sip,
        &(SigSipOutside){ .target = { .uri = uri }, .to_uri = uri, .text = i == 1 ? "hello" : NULL }, count,
        &n, NULL));
  run_until (n == 2);
  endpoint_heard (scene->b);
}

static void
test_questions (void)
{
  measure (one_question, "requests outside of calls");
}

static void
test_calls (void)
{
  measure (one_call, "calls");
}

static void
test_rejections (void)
{
  measure (one_rejection, "rejections");
}

static void
test_cancels (void)
{
  measure (one_cancel, "cancelled calls");
}

static void
test_refusals (void)
{
  measure (one_refusal_each, "refused requests");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/leaks/calls", test_calls);
  g_test_add_func ("/signaling/sip/leaks/rejections", test_rejections);
  g_test_add_func ("/signaling/sip/leaks/cancels", test_cancels);
  g_test_add_func ("/signaling/sip/leaks/refusals", test_refusals);
  g_test_add_func ("/signaling/sip/leaks/questions", test_questions);
  return g_test_run ();
}
