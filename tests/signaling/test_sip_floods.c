/* Floods of one source: bounded, counted, and nothing that another source notices. */
#include "tests/signaling/sip_harness.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

/* A peer at another address of this machine. */
static Wire *
wire_from (const char *address, guint16 port)
{
  Wire *wire = wire_listen_at (address);
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = g_htons (port) };

  to.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  g_assert_cmpint (connect (wire->fd, (struct sockaddr *)&to, sizeof to), ==, 0);
  wire->remote_port = port;
  return wire;
}

static guint64
n_dropped (Endpoint *e, SigSipDrop why)
{
  SigSipStats stats;

  sig_sip_get_stats (e->sip, &stats);
  return stats.n_dropped[why];
}

static guint
flood (Wire *wire, const char *method, const char *headers, guint n)
{
  guint n_answers = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (Dialog) dialog = dialog_new (wire);
      dialog_request (dialog, method, headers, NULL, NULL);
      run_once ();
      while (wire_poll (wire))
        n_answers++;
    }
  run_for_ms (50);
  while (wire_poll (wire))
    n_answers++;
  return n_answers;
}

static void
check_call (Endpoint *e, Wire *wire)
{
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_answer = TRUE;
  dialog_establish (dialog);
  dialog_request (dialog, "BYE", NULL, NULL, NULL);
  wire_expect (wire, "SIP/2.0 200");
}

/* Twice the limit of INVITEs is answered, in the first second and in each that follows. */
static void
test_options (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .invites_per_second = 5 });
  g_autoptr (Wire) stranger = wire_from ("127.0.0.2", e->port);
  g_autoptr (Wire) friend = wire_new (FALSE, FALSE, e->port);
  gint64 start = g_get_monotonic_time ();
  guint n = flood (stranger, "OPTIONS", NULL, 300);
  guint more = (guint)((g_get_monotonic_time () - start) * 10 / G_USEC_PER_SEC) + 1;

  g_assert_cmpuint (n, >=, 10);
  g_assert_cmpuint (n, <=, 10 + more);
  g_assert_cmpuint (n_dropped (e, SIG_SIP_DROP_OPTIONS), ==, 300 - n);
  check_call (e, friend);
  g_autoptr (Dialog) dialog = dialog_new (friend);
  dialog_request (dialog, "OPTIONS", NULL, NULL, NULL);
  wire_expect (friend, "SIP/2.0 200");
}

/* Many sources, each within its limit: invented ones perhaps. Who has acknowledged a call is none of them. */
static void
test_strangers (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .invites_per_second = 1 });
  g_autoptr (Wire) friend = wire_new (FALSE, FALSE, e->port);
  guint n_sent = 0;
  gint64 start = g_get_monotonic_time ();

  check_call (e, friend);
  while (n_dropped (e, SIG_SIP_DROP_FLOOD) == 0 && n_sent < 1000)
    {
      g_autofree char *address = g_strdup_printf ("127.0.%u.%u", 1 + n_sent / 400, 1 + n_sent / 2 % 200);
      g_autoptr (Wire) stranger = wire_from (address, e->port);
      for (guint i = 0; i < 2; i++, n_sent++)
        {
          g_autoptr (Dialog) dialog = dialog_new (stranger);
          dialog_request (dialog, "OPTIONS", NULL, NULL, NULL);
          run_once ();
        }
    }
  guint per_second = (guint)((g_get_monotonic_time () - start) * 50 / G_USEC_PER_SEC);
  g_assert_cmpuint (n_dropped (e, SIG_SIP_DROP_FLOOD), >, 0);
  g_assert_cmpuint (n_sent, >=, 90);
  g_assert_cmpuint (n_sent, <=, 100 + per_second + 20);
  g_autoptr (Dialog) dialog = dialog_new (friend);
  dialog_request (dialog, "OPTIONS", NULL, NULL, NULL);
  wire_expect (friend, "SIP/2.0 200");
}

/* Far more than that is not even read. */
static void
test_datagrams (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .invites_per_second = 1 });
  g_autoptr (Wire) stranger = wire_from ("127.0.0.3", e->port);
  g_autoptr (Wire) friend = wire_new (FALSE, FALSE, e->port);

  for (guint i = 0; i < 1500; i++)
    {
      wire_send (stranger, "no SIP at all\r\n\r\n");
      run_once ();
    }
  g_assert_cmpuint (n_dropped (e, SIG_SIP_DROP_FLOOD), >, 0);
  g_assert_cmpuint (n_dropped (e, SIG_SIP_DROP_FLOOD), <=, 1300);
  check_call (e, friend);
}

static void
test_scanners (void)
{
  static const char *const agents[]
      = { "friendly-scanner", "sipvicious",  "SIPVicious 0.3",     "friendly-request",
          "pplsip",           "sipcli/v1.8", "VaxSIPUserAgent/3.1" };
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);

  for (guint i = 0; i < G_N_ELEMENTS (agents); i++)
    {
      g_autofree char *header = g_strdup_printf ("User-Agent: %s\r\n", agents[i]);
      g_assert_cmpuint (flood (wire, "OPTIONS", header, 2), ==, 0);
      g_assert_cmpuint (flood (wire, "REGISTER", header, 1), ==, 0);
    }
  g_assert_cmpuint (n_dropped (e, SIG_SIP_DROP_SCANNER), ==, 3 * G_N_ELEMENTS (agents));
  g_assert_cmpuint (flood (wire, "OPTIONS", "User-Agent: Linphone/5.2 (belle-sip/5.2)\r\n", 1), ==, 1);
}

/* A transaction that came from somewhere is answered there, not where Via says: nobody is hit by what he did
 * not ask for. */
static void
test_reflection (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) victim = wire_listen (FALSE);
  g_autoptr (Wire) stranger = wire_from ("127.0.0.2", e->port);
  g_autofree char *via = g_strdup_printf (
      "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKr;rport;received=127.0.0.1\r\n", victim->port);
  g_autoptr (Dialog) dialog = dialog_new (stranger);

  dialog_request (dialog, "OPTIONS", via, NULL, NULL);
  wire_expect (stranger, "SIP/2.0 200");
  wire_nothing (victim, 30, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/floods/options", test_options);
  g_test_add_func ("/signaling/sip/floods/strangers", test_strangers);
  g_test_add_func ("/signaling/sip/floods/datagrams", test_datagrams);
  g_test_add_func ("/signaling/sip/floods/scanners", test_scanners);
  g_test_add_func ("/signaling/sip/floods/reflection", test_reflection);
  return g_test_run ();
}
