/* What is under SIP over UDP, TCP and TLS: keepalives both ways, rport, the address that is told to whom, and
 * both families side by side. */
#include "tests/signaling/certificates.h"
#include "tests/signaling/sip_harness.h"

#include "signaling/sip/address.h"
#include "signaling/sip/internal.h"

#include <string.h>
#include <sys/socket.h>

#define DAY_S (24 * 3600L)

static void
expect_bytes (Wire *wire, const char *bytes)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_S * G_USEC_PER_SEC;
  char data[64] = "";
  gssize got = -1;

  while (got <= 0 && g_get_monotonic_time () < deadline)
    {
      run_once ();
      got = recv (wire->fd, data, sizeof data - 1, MSG_DONTWAIT);
    }
  g_assert_cmpstr (data, ==, bytes);
}

static void
send_options (Wire *wire)
{
  g_autoptr (Dialog) dialog = dialog_new (wire);

  dialog_request (dialog, "OPTIONS", NULL, NULL, NULL);
  wire_expect (wire, "SIP/2.0 200");
}

/* RFC 5626 3.5.1: a double line end is answered by a single one, between messages only. */
static void
test_ping_over_tcp (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (TRUE, FALSE, e->port);

  wire_send (wire, "\r\n\r\n");
  expect_bytes (wire, "\r\n");
  send_options (wire);
  wire_send (wire, "\r\n\r\n");
  expect_bytes (wire, "\r\n");
  wire_send (wire, "\r\n"); /* a pong that nobody asked for */
  send_options (wire);
  /* right before a message */
  g_autoptr (Dialog) dialog = dialog_new (wire);
  g_autofree char *text = g_strdup_printf (
      "\r\n\r\nOPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP "
      "127.0.0.1:%u;branch=z9hG4bKp;rport\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x@127.0.0.1>\r\n"
      "Call-ID: ping\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
      wire->port);
  wire_send (wire, text);
  expect_bytes (wire, "\r\n");
  wire_expect (wire, "SIP/2.0 200");
  g_assert_nonnull (strstr (wire->last, "Call-ID: ping"));
  g_assert_cmpuint (e->sip->stats.n_malformed, ==, 0);
}

/* What phones send to keep a NAT open is no message, and has no answer. */
static void
test_ping_over_udp (void)
{
  static const char *const pings[] = { "\r\n\r\n", "\r\n", "\n", "  \r\n" };
  static const char zeros[4] = { 0 };
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);

  for (gsize i = 0; i < G_N_ELEMENTS (pings); i++)
    wire_send (wire, pings[i]);
  g_assert_cmpint (send (wire->fd, zeros, sizeof zeros, 0), ==, sizeof zeros);
  g_assert_cmpint (send (wire->fd, zeros, 0, 0), ==, 0);
  wire_nothing (wire, 50, NULL);
  send_options (wire);
  g_assert_cmpuint (e->sip->stats.n_malformed, ==, 0);
}

/* Our side of a connection that is idle: NAT routers and firewalls forget it. */
static void
test_our_ping_over_tcp (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_listen (TRUE);
  g_autofree char *uri = g_strdup_printf ("sip:callee@127.0.0.1:%u;transport=tcp", wire->port);
  SigSipDial dial = { .to_uri = uri, .sdp = OFFER };

  SigSipCallId call = sig_sip_dial (e->sip, &dial, NULL);
  g_assert_cmpuint (call, !=, 0);
  wire_expect (wire, "INVITE ");
  wire_answer (wire, "200 OK", "t1", NULL, ANSWER);
  wire_expect (wire, "ACK ");
  run_until (strstr (e->heard->str, "answered") != NULL);
  advance_stack_s (61);
  expect_bytes (wire, "\r\n\r\n");
  wire_send (wire, "\r\n");
  sig_sip_call_hangup (e->sip, call, NULL);
  wire_expect (wire, "BYE ");
  wire_answer (wire, "200 OK", NULL, NULL, NULL);
  run_until (e->n_ended == 1);
}

/* RFC 3581: we ask for it, and answer it. */
static void
test_rport (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) callee = wire_listen (FALSE);
  g_autoptr (Wire) asker = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (asker);
  g_autofree char *uri = g_strdup_printf ("sip:callee@127.0.0.1:%u", callee->port);
  g_autofree char *expected = g_strdup_printf (";rport=%u", asker->port);
  SigSipDial dial = { .to_uri = uri, .sdp = OFFER };

  g_assert_cmpuint (sig_sip_dial (e->sip, &dial, NULL), !=, 0);
  wire_expect (callee, "INVITE ");
  g_autofree char *via = wire_header (callee, "Via");
  g_assert_nonnull (strstr (via, ";rport"));
  wire_answer (callee, "486 Busy Here", "t1", NULL, NULL);
  wire_expect (callee, "ACK ");
  run_until (e->n_ended == 1);

  dialog_request (dialog, "OPTIONS", "Via: SIP/2.0/UDP 192.168.99.99:5062;rport;branch=z9hG4bKnat\r\n", NULL,
                  NULL);
  wire_expect (asker, "SIP/2.0 200");
  g_autofree char *answered = wire_header (asker, "Via");
  g_assert_nonnull (strstr (answered, expected));
  g_assert_nonnull (strstr (answered, ";received=127.0.0.1"));
}

/* ------------------------------------------------------------------ addresses */

static char *
own_address (gboolean is_ipv6)
{
  g_auto (GStrv) own = sig_sip_address_expand (NULL);

  for (guint i = 0; own[i] != NULL; i++)
    if (sig_sip_address_is_ipv6 (own[i]) == is_ipv6 && !g_str_has_prefix (own[i], "127.")
        && strcmp (own[i], "::1") != 0)
      return g_strdup (own[i]);
  return NULL;
}

/* In SDP as in Contact: who is on this side of the NAT is told the address of this side. */
static void
test_announced_address (void)
{
  g_autofree char *address = own_address (FALSE);
  g_autoptr (Endpoint) inside
      = endpoint_new (&(EndpointOptions){ .bind = "both", .external_address = "198.51.100.7" });

  g_assert_cmpstr (sig_sip_announced_address (inside->sip, "127.0.0.1", "203.0.113.5"), ==, "127.0.0.1");
  g_assert_cmpstr (sig_sip_announced_address (inside->sip, "::1", "2001:db8::5"), ==, "::1");
  g_assert_cmpstr (sig_sip_announced_address (inside->sip, "10.1.2.3", "203.0.113.5"), ==, "10.1.2.3");
  if (address == NULL)
    {
      g_test_skip ("this machine has loopback addresses only");
      return;
    }
  g_autoptr (Endpoint) e
      = endpoint_new (&(EndpointOptions){ .bind = address, .external_address = "198.51.100.7" });
  g_assert_cmpstr (sig_sip_announced_address (e->sip, address, "203.0.113.5"), ==, "198.51.100.7");
  g_assert_cmpstr (sig_sip_announced_address (e->sip, address, "sip.example.com"), ==, "198.51.100.7");
  g_assert_cmpstr (sig_sip_announced_address (e->sip, address, "192.168.1.9"), ==, address);
  g_assert_cmpstr (sig_sip_announced_address (e->sip, address, "100.64.3.4"), ==, address);
}

/* Contact and Via over each transport towards a peer on the other side of a 1:1 NAT. */
static void
test_external_contact (void)
{
  g_autofree char *address = own_address (FALSE);
  g_autoptr (Authority) authority = authority_new ("Test authority");
  g_auto (Pair) pair = authority_issue (authority, "DNS:a.example", -DAY_S, DAY_S);
  const SigSipTlsConfig tls = { .own = { .cert = pair.cert, .key = pair.key } };

  if (address == NULL)
    {
      g_test_skip ("this machine has loopback addresses only");
      return;
    }
  g_autoptr (Endpoint) e
      = endpoint_new (&(EndpointOptions){ .bind = address, .external_address = "198.51.100.7", .tls = &tls });
  const SigSipListener *listener = sig_sip_listener_for (e->sip, address);
  struct
  {
    gboolean is_tcp, is_tls, is_sips;
    char *contact;
  } rows[] = {
    { FALSE, FALSE, FALSE, g_strdup_printf ("<sip:u@198.51.100.7:%u>", e->port) },
    { TRUE, FALSE, FALSE, g_strdup_printf ("<sip:u@198.51.100.7:%u;transport=tcp>", e->port) },
    { TRUE, TRUE, FALSE, g_strdup_printf ("<sip:u@198.51.100.7:%u;transport=tls>", e->tls_port) },
    { TRUE, TRUE, TRUE, g_strdup_printf ("<sips:u@198.51.100.7:%u>", e->tls_port) },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      SigSipPeer peer = { .is_tcp = rows[i].is_tcp, .is_tls = rows[i].is_tls };
      g_strlcpy (peer.host, "203.0.113.5", sizeof peer.host);
      g_autofree char *contact = sig_sip_contact_make (listener, &peer, "u", rows[i].is_sips);
      g_assert_cmpstr (contact, ==, rows[i].contact);
      g_free (rows[i].contact);
    }
}

/* Contact and Via of both families in one endpoint. */
static void
test_both_families (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .bind = "both" });

  e->auto_answer = TRUE;
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (Wire) wire = wire_new (i / 2 == 1, i % 2 == 1, e->port);
      g_autoptr (Dialog) dialog = dialog_new (wire);
      g_autofree char *expected = g_strdup_printf ("<sip:lobby@%s:%u%s>", i % 2 == 1 ? "[::1]" : "127.0.0.1",
                                                   e->port, i / 2 == 1 ? ";transport=tcp" : "");
      dialog_request (dialog, "INVITE", NULL, "application/sdp", OFFER);
      wire_expect (wire, "SIP/2.0 200");
      g_autofree char *contact = wire_header (wire, "Contact");
      g_assert_cmpstr (contact, ==, expected);
      dialog_learn (dialog);
      dialog_ack (dialog, NULL);
      run_until (strstr (e->heard->str, "acked") != NULL);
      endpoint_heard (e);
      sig_sip_call_hangup (e->sip, e->call, NULL);
      wire_expect (wire, "BYE ");
      g_autofree char *via = wire_header (wire, "Via");
      g_assert_nonnull (strstr (via, i % 2 == 1 ? " [::1]:" : " 127.0.0.1:"));
      wire_answer (wire, "200 OK", NULL, NULL, NULL);
      run_until (strstr (e->heard->str, "ended") != NULL);
      endpoint_heard (e);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/transport/ping_over_tcp", test_ping_over_tcp);
  g_test_add_func ("/signaling/sip/transport/ping_over_udp", test_ping_over_udp);
  g_test_add_func ("/signaling/sip/transport/our_ping_over_tcp", test_our_ping_over_tcp);
  g_test_add_func ("/signaling/sip/transport/rport", test_rport);
  g_test_add_func ("/signaling/sip/transport/announced_address", test_announced_address);
  g_test_add_func ("/signaling/sip/transport/external_contact", test_external_contact);
  g_test_add_func ("/signaling/sip/transport/both_families", test_both_families);
  return g_test_run ();
}
