/* Subscriptions (RFC 6665), with the subscriber as a plain socket. */
#include "tests/signaling/sip_harness.h"

#include <string.h>

typedef struct
{
  Endpoint *e;
  Wire *wire;
  Dialog *dialog;
} Watch;

static Watch
watch_new (void)
{
  Watch watch = { .e = endpoint_new (&(EndpointOptions){ .min_subscription_s = 2 }) };

  watch.wire = wire_new (FALSE, FALSE, watch.e->port);
  watch.dialog = dialog_new (watch.wire);
  watch.e->document = "doc";
  return watch;
}

static void
watch_free (Watch *watch)
{
  dialog_free (watch->dialog);
  wire_free (watch->wire);
  endpoint_free (watch->e);
}

static void
subscribe (Watch *watch, const char *headers, const char *status)
{
  g_autofree char *start = g_strdup_printf ("SIP/2.0 %s", status);

  dialog_request (watch->dialog, "SUBSCRIBE", headers, NULL, NULL);
  wire_expect (watch->wire, start);
}

static void
expect_header (Watch *watch, const char *name, const char *expected)
{
  g_autofree char *value = wire_header (watch->wire, name);

  if (expected != NULL && g_str_has_suffix (expected, "*"))
    {
      g_autofree char *start = g_strndup (expected, strlen (expected) - 1);
      g_assert_nonnull (value);
      g_assert_true (g_str_has_prefix (value, start));
    }
  else
    g_assert_cmpstr (value, ==, expected);
}

static void
expect_notify (Watch *watch, const char *state, const char *body)
{
  wire_expect (watch->wire, "NOTIFY sip:alice@127.0.0.1");
  expect_header (watch, "Subscription-State", state);
  g_assert_cmpstr (wire_body (watch->wire), ==, body);
  wire_answer (watch->wire, "200 OK", NULL, NULL, NULL);
}

static const struct
{
  const char *headers, *status, *header, *value;
} refused[] = {
  { "Event: message-summary\r\n", "489", "Allow-Events", "presence, dialog, conference" },
  { "Event: presence.winfo\r\n", "489", "Allow-Events", "presence, dialog, conference" },
  { "Event: refer\r\n", "489", "Allow-Events", "presence, dialog, conference" },
  { "X-No-Event: 1\r\n", "489", "Allow-Events", "presence, dialog, conference" },
  { "Event: presence\r\nExpires: 1\r\n", "423", "Min-Expires", "2" },
  { "Event: presence\r\nAccept: text/plain\r\n", "406", "Accept", "application/pidf+xml" },
  { "Event: dialog\r\nAccept: application/pidf+xml, text/*\r\n", "406", "Accept",
    "application/dialog-info+xml" },
  { "Event: presence\r\nRequire: eventlist\r\n", "420", "Unsupported", "eventlist" },
  { "Event: presence\r\nMax-Forwards: 0\r\n", "483", NULL, NULL },
  { "Event: presence\r\nTo: <sip:lobby@127.0.0.1>;tag=nobody\r\n", "481", NULL, NULL },
  { "Event: presence\r\nContact: <tel:+1555>\r\n", "400", NULL, NULL },
};

static void
test_refused (void)
{
  Watch watch = watch_new ();

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      subscribe (&watch, refused[i].headers, refused[i].status);
      if (refused[i].header != NULL)
        expect_header (&watch, refused[i].header, refused[i].value);
    }
  g_assert_cmpstr (endpoint_heard (watch.e), ==, "");
  watch.e->auto_subscribe = 404;
  subscribe (&watch, "Event: presence\r\n", "404");
  g_assert_cmpstr (endpoint_heard (watch.e), ==, "subscribe:presence:sip:lobby@127.0.0.1:3600");
  g_assert_cmpuint (sig_sip_n_subscriptions (watch.e->sip), ==, 0);
  sig_sip_set_accepting (watch.e->sip, FALSE);
  subscribe (&watch, "Event: presence\r\n", "503");
  wire_nothing (watch.wire, 50, NULL);
  watch_free (&watch);
}

static void
test_life (void)
{
  Watch watch = watch_new ();
  const gint64 first = g_get_monotonic_time (); /* of whatever is notified, at the earliest */

  subscribe (&watch, "Event: conference;id=7\r\nExpires: 7200\r\nAccept: application/conference-info+xml\r\n",
             "200");
  expect_header (&watch, "Expires", "3600");
  dialog_learn (watch.dialog);
  g_assert_cmpstr (endpoint_heard (watch.e), ==, "subscribe:conference:sip:lobby@127.0.0.1:3600");
  wire_expect (watch.wire, "NOTIFY sip:alice@127.0.0.1");
  expect_header (&watch, "Event", "conference;id=7");
  expect_header (&watch, "Content-Type", "application/conference-info+xml");
  expect_header (&watch, "Subscription-State", "active;expires=3*");
  g_assert_cmpstr (wire_body (watch.wire), ==, "doc v0");
  g_assert_true (watch.e->asked.full);
  wire_answer (watch.wire, "200 OK", NULL, NULL, NULL);

  /* A change, and two that are told in one: not within the same second. */
  sig_sip_subscription_changed (watch.e->sip, watch.e->subscription);
  sig_sip_subscription_changed (watch.e->sip, watch.e->subscription);
  expect_notify (&watch, "active;expires=*", "doc v1");
  g_assert_cmpint (g_get_monotonic_time () - first, >, 700000);
  g_assert_false (watch.e->asked.full);
  g_assert_cmpuint (watch.e->n_asked, ==, 2);

  /* A refresh tells everything again, at once. */
  subscribe (&watch, "Event: conference;id=7\r\nExpires: 600\r\n", "200");
  expect_header (&watch, "Expires", "600");
  expect_notify (&watch, "active;expires=*", "doc v2");
  g_assert_true (watch.e->asked.full);
  subscribe (&watch, "Event: presence\r\n", "489");
  subscribe (&watch, "Event: conference;id=8\r\n", "489");
  subscribe (&watch, "Event: conference;id=7\r\nExpires: 1\r\n", "423");
  dialog_request (watch.dialog, "INFO", NULL, NULL, NULL);
  wire_expect (watch.wire, "SIP/2.0 481");
  g_assert_cmpstr (endpoint_heard (watch.e), ==, "");

  subscribe (&watch, "Event: conference;id=7\r\nExpires: 0\r\n", "200");
  expect_header (&watch, "Expires", "0");
  expect_notify (&watch, "terminated;reason=timeout", "doc v3");
  g_assert_cmpstr (endpoint_heard (watch.e), ==, "unsubscribed");
  g_assert_cmpuint (sig_sip_n_subscriptions (watch.e->sip), ==, 0);
  subscribe (&watch, "Event: conference;id=7\r\n", "481");
  sig_sip_subscription_changed (watch.e->sip, watch.e->subscription); /* harmless */
  watch_free (&watch);
}

/* Expires: 0 without a subscription: the state once (RFC 6665 4.4.3). */
static void
test_fetch (void)
{
  Watch watch = watch_new ();

  subscribe (&watch, "o: presence\r\nExpires: 0\r\n", "200");
  expect_header (&watch, "Expires", "0");
  expect_notify (&watch, "terminated;reason=timeout", "doc v0");
  g_assert_cmpstr (endpoint_heard (watch.e), ==, "subscribe:presence:sip:lobby@127.0.0.1:0 unsubscribed");
  watch_free (&watch);
}

static void
test_expires (void)
{
  Watch watch = watch_new ();

  subscribe (&watch, "Event: dialog\r\nExpires: 2\r\n", "200");
  expect_notify (&watch, "active;expires=*", "doc v0");
  expect_notify (&watch, "terminated;reason=timeout", "doc v1");
  g_assert_cmpstr (endpoint_heard (watch.e), ==, "subscribe:dialog:sip:lobby@127.0.0.1:2 unsubscribed");
  watch_free (&watch);
}

/* The owner has nothing to say any more, or more than fits. */
static void
test_owner (void)
{
  Watch watch = watch_new ();

  watch.e->document_has_more = TRUE;
  subscribe (&watch, "Event: conference\r\n", "200");
  expect_notify (&watch, "active;expires=*", "doc v0");
  expect_notify (&watch, "active;expires=*", "doc v1");
  g_assert_false (watch.e->asked.full);
  watch.e->document = NULL;
  sig_sip_subscription_changed (watch.e->sip, watch.e->subscription);
  run_until (watch.e->n_asked == 3);
  wire_nothing (watch.wire, 50, NULL);
  sig_sip_subscription_end (watch.e->sip, watch.e->subscription, "noresource");
  expect_notify (&watch, "terminated;reason=noresource", "");
  g_assert_cmpstr (endpoint_heard (watch.e), ==, "subscribe:conference:sip:lobby@127.0.0.1:3600");
  g_assert_cmpuint (sig_sip_n_subscriptions (watch.e->sip), ==, 0);
  watch_free (&watch);
}

/* A NOTIFY that is refused or that nobody answers is the last one. */
static void
test_refused_notify (void)
{
  static const char *const answers[] = { "481 Subscription Does Not Exist", "500 Error", "407 No" };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      Watch watch = watch_new ();

      subscribe (&watch, "Event: presence\r\n", "200");
      wire_expect (watch.wire, "NOTIFY");
      wire_answer (watch.wire, answers[i], NULL, NULL, NULL);
      run_until (strstr (watch.e->heard->str, "unsubscribed") != NULL);
      g_assert_cmpuint (sig_sip_n_subscriptions (watch.e->sip), ==, 0);
      watch_free (&watch);
    }
}

static void
test_silent (void)
{
  Endpoint *e = endpoint_new (&(EndpointOptions){ .t1_ms = 20 });
  Watch watch = { .e = e, .wire = wire_new (FALSE, FALSE, e->port) };

  watch.dialog = dialog_new (watch.wire);
  e->document = "doc";
  subscribe (&watch, "Event: presence\r\n", "200");
  wire_expect (watch.wire, "NOTIFY");
  run_until (strstr (e->heard->str, "unsubscribed") != NULL);
  watch_free (&watch);
}

/* What happens while a NOTIFY is on its way waits for its answer. */
static void
test_one_at_a_time (void)
{
  Watch watch = watch_new ();

  subscribe (&watch, "Event: presence\r\n", "200");
  dialog_learn (watch.dialog);
  wire_expect (watch.wire, "NOTIFY");
  g_autofree char *first = wire_header (watch.wire, "CSeq");
  g_autofree char *notify = g_strdup (watch.wire->last);
  subscribe (&watch, "Event: presence\r\nExpires: 0\r\n", "200");
  wire_nothing (watch.wire, 50, "NOTIFY");
  g_free (watch.wire->last);
  watch.wire->last = g_steal_pointer (&notify);
  wire_answer (watch.wire, "200 OK", NULL, NULL, NULL);
  g_autofree char *cseq = NULL;
  do
    {
      wire_expect (watch.wire, "NOTIFY");
      g_free (cseq);
      cseq = wire_header (watch.wire, "CSeq");
    }
  while (g_str_equal (cseq, first));
  expect_header (&watch, "Subscription-State", "terminated;reason=timeout");
  wire_answer (watch.wire, "200 OK", NULL, NULL, NULL);
  watch_free (&watch);
}

/* Who goes tells: the subscriber may try elsewhere. */
static void
on_shut_down (gpointer user)
{
  *(gboolean *)user = TRUE;
}

static void
test_shutdown (void)
{
  Watch watch = watch_new ();
  gboolean done = FALSE;

  subscribe (&watch, "Event: presence\r\n", "200");
  expect_notify (&watch, "active;expires=*", "doc v0");
  sig_sip_subscription_changed (watch.e->sip, watch.e->subscription);
  run_for_ms (20);
  watch.e->is_shut_down = TRUE;
  sig_sip_shutdown (watch.e->sip, on_shut_down, &done);
  expect_notify (&watch, "terminated;reason=deactivated", "");
  g_assert_cmpuint (sig_sip_n_subscriptions (watch.e->sip), ==, 0);
  run_until (done);
  watch_free (&watch);
}

/* Over TCP, through a proxy that wants to stay in the way. */
static void
test_routes (void)
{
  Endpoint *e = endpoint_new (NULL);
  Watch watch = { .e = e, .wire = wire_new (TRUE, FALSE, e->port) };
  g_autofree char *route
      = g_strdup_printf ("Record-Route: <sip:127.0.0.1:%u;transport=tcp;lr;x=1>\r\nEvent: presence\r\n"
                         "Contact: <sip:alice@192.0.2.1>\r\n",
                         watch.wire->port);

  watch.dialog = dialog_new (watch.wire);
  e->document = "doc";
  subscribe (&watch, route, "200");
  wire_expect (watch.wire, "NOTIFY sip:alice@192.0.2.1");
  g_autofree char *routes = wire_header (watch.wire, "Route");
  g_assert_nonnull (strstr (routes, ";lr;x=1>"));
  g_assert_cmpuint (e->asked.max_bytes, >, 20000);
  wire_answer (watch.wire, "200 OK", NULL, NULL, NULL);
  watch_free (&watch);
}

static void
test_limit (void)
{
  Watch watch = watch_new ();
  guint n = 0;

  while (n <= SIG_SIP_MAX_SUBSCRIPTIONS_OF_SOURCE)
    {
      Dialog *dialog = dialog_new (watch.wire);

      dialog_request (dialog, "SUBSCRIBE", "Event: presence\r\n", NULL, NULL);
      dialog_free (dialog);
      do
        {
          wire_expect (watch.wire, "");
          if (g_str_has_prefix (watch.wire->last, "NOTIFY"))
            wire_answer (watch.wire, "200 OK", NULL, NULL, NULL);
        }
      while (g_str_has_prefix (watch.wire->last, "NOTIFY"));
      n++;
      if (n <= SIG_SIP_MAX_SUBSCRIPTIONS_OF_SOURCE)
        g_assert_true (g_str_has_prefix (watch.wire->last, "SIP/2.0 200"));
    }
  g_assert_true (g_str_has_prefix (watch.wire->last, "SIP/2.0 503"));
  expect_header (&watch, "Retry-After", "60");
  g_assert_cmpuint (sig_sip_n_subscriptions (watch.e->sip), ==, SIG_SIP_MAX_SUBSCRIPTIONS_OF_SOURCE);
  watch_free (&watch);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/subscribe/refused", test_refused);
  g_test_add_func ("/signaling/sip/subscribe/life", test_life);
  g_test_add_func ("/signaling/sip/subscribe/fetch", test_fetch);
  g_test_add_func ("/signaling/sip/subscribe/expires", test_expires);
  g_test_add_func ("/signaling/sip/subscribe/owner", test_owner);
  g_test_add_func ("/signaling/sip/subscribe/refused_notify", test_refused_notify);
  g_test_add_func ("/signaling/sip/subscribe/silent", test_silent);
  g_test_add_func ("/signaling/sip/subscribe/one_at_a_time", test_one_at_a_time);
  g_test_add_func ("/signaling/sip/subscribe/shutdown", test_shutdown);
  g_test_add_func ("/signaling/sip/subscribe/routes", test_routes);
  g_test_add_func ("/signaling/sip/subscribe/limit", test_limit);
  return g_test_run ();
}
