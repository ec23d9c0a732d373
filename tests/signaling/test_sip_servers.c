/* Where a call goes: the servers of a domain, redirections, and TCP for what is too large for UDP. */
#include "tests/signaling/dns_server.h"
#include "tests/signaling/sip_harness.h"

#include <string.h>
#include <unistd.h>

typedef struct
{
  DnsServer *dns;
  Endpoint *endpoint;
  Wire *wires[2];
  char *hosts;
  SigSipCallId call;
} Fixture;

static void
fixture_init (Fixture *f, guint t1_ms)
{
  f->dns = dns_server_new ();
  int fd = g_file_open_tmp ("hosts-XXXXXX", &f->hosts, NULL);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
  EndpointOptions options
      = { .bind = "both", .t1_ms = t1_ms, .resolv_conf = dns_server_conf (f->dns), .hosts_file = f->hosts };
  f->endpoint = endpoint_new (&options);
  f->wires[0] = wire_listen (FALSE);
  f->wires[1] = wire_listen (FALSE);
}

static void
fixture_clear (Fixture *f)
{
  g_clear_pointer (&f->endpoint, endpoint_free);
  g_clear_pointer (&f->dns, dns_server_free);
  for (guint i = 0; i < G_N_ELEMENTS (f->wires); i++)
    g_clear_pointer (&f->wires[i], wire_free);
  if (f->hosts != NULL)
    unlink (f->hosts);
  g_clear_pointer (&f->hosts, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, fixture_clear)

static void
dial_full (Fixture *f, const char *uri, const SigSipDial *base)
{
  SigSipDial dial = *base;
  GError *error = NULL;

  dial.to_uri = uri;
  if (dial.sdp == NULL)
    dial.sdp = OFFER;
  f->call = sig_sip_dial (f->endpoint->sip, &dial, &error);
  g_assert_no_error (error);
}

static void
dial (Fixture *f, const char *uri)
{
  dial_full (f, uri, &(SigSipDial){ 0 });
}

static void
expect_heard (Fixture *f, const char *heard)
{
  run_until (strlen (f->endpoint->heard->str) >= strlen (heard));
  g_assert_cmpstr (endpoint_heard (f->endpoint), ==, heard);
}

static void
refuse (Wire *wire, const char *status, const char *headers)
{
  wire_answer (wire, status, "t1", headers, NULL);
  wire_expect (wire, "ACK ");
}

/* What comes after the answer goes where the Contact says, not where the name led. */
static void
answer_and_hang_up (Fixture *f, Wire *wire)
{
  wire_answer (wire, "200 OK", "t1", NULL, ANSWER);
  wire_expect (wire, "ACK sip:wire@127.0.0.1");
  run_until (strstr (f->endpoint->heard->str, "answered") != NULL);
  endpoint_heard (f->endpoint);
  sig_sip_call_hangup (f->endpoint->sip, f->call, NULL);
  wire_expect (wire, "BYE sip:wire@127.0.0.1");
  wire_answer (wire, "200 OK", NULL, NULL, NULL);
  expect_heard (f, "ended:local:0");
}

/* ------------------------------------------------------------------- names */

static void
test_srv_priorities (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  dns_server_add_srv (f.dns, "_sip._udp.example.com", 20, 0, f.wires[1]->port, "b.example.com");
  dns_server_add_srv (f.dns, "_sip._udp.example.com", 10, 0, f.wires[0]->port, "a.example.com");
  dns_server_add_a (f.dns, "a.example.com", "127.0.0.1");
  dns_server_add_a (f.dns, "b.example.com", "127.0.0.1");
  dial (&f, "sip:callee@example.com");
  wire_expect (f.wires[0], "INVITE sip:callee@example.com SIP/2.0");
  g_assert_null (wire_header (f.wires[0], "Route"));
  g_autofree char *to = wire_header (f.wires[0], "To");
  g_assert_cmpstr (to, ==, "<sip:callee@example.com>");
  refuse (f.wires[0], "503 Full", NULL);
  wire_expect (f.wires[1], "INVITE sip:callee@example.com SIP/2.0");
  answer_and_hang_up (&f, f.wires[1]);
}

static void
test_silent_server (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 20);
  dns_server_add_srv (f.dns, "_sip._udp.example.com", 10, 0, f.wires[0]->port, "a.example.com");
  dns_server_add_srv (f.dns, "_sip._udp.example.com", 20, 0, f.wires[1]->port, "a.example.com");
  dns_server_add_a (f.dns, "a.example.com", "127.0.0.1");
  dial (&f, "sip:callee@example.com;transport=udp");
  wire_expect (f.wires[1], "INVITE sip:callee@example.com;transport=udp SIP/2.0");
  answer_and_hang_up (&f, f.wires[1]);
}

static void
test_busy_is_not_asked_elsewhere (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  dns_server_add_srv (f.dns, "_sip._udp.example.com", 10, 0, f.wires[0]->port, "a.example.com");
  dns_server_add_srv (f.dns, "_sip._udp.example.com", 20, 0, f.wires[1]->port, "a.example.com");
  dns_server_add_a (f.dns, "a.example.com", "127.0.0.1");
  dial (&f, "sip:callee@example.com");
  wire_expect (f.wires[0], "INVITE ");
  refuse (f.wires[0], "486 Busy Here", NULL);
  expect_heard (&f, "ended:rejected:486");
  wire_nothing (f.wires[1], 50, NULL);
}

static void
test_naptr_chooses_tcp (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  g_autoptr (Wire) tcp = wire_listen (TRUE);
  dns_server_add_naptr (f.dns, "example.com", 20, 10, "SIP+D2U", "_sip._udp.example.com");
  dns_server_add_naptr (f.dns, "example.com", 10, 10, "SIP+D2T", "_sip._tcp.other.example");
  dns_server_add_naptr (f.dns, "example.com", 5, 10, "E2U+sip", "_sip._udp.wrong.example");
  dns_server_add_srv (f.dns, "_sip._tcp.other.example", 1, 1, tcp->port, "t.example.com");
  dns_server_add_a (f.dns, "t.example.com", "127.0.0.1");
  dial (&f, "sip:callee@example.com");
  wire_expect (tcp, "INVITE sip:callee@example.com SIP/2.0");
  g_autofree char *via = wire_header (tcp, "Via");
  g_assert_true (g_str_has_prefix (via, "SIP/2.0/TCP "));
  answer_and_hang_up (&f, tcp);
}

/* RFC 3263 4.2: a port was given: no SRV records, and no NAPTR. */
static void
test_port_skips_srv (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  g_autofree char *uri = g_strdup_printf ("sip:callee@pbx.example:%u", f.wires[0]->port);
  dns_server_add_srv (f.dns, "_sip._udp.pbx.example", 10, 0, f.wires[1]->port, "pbx.example");
  dns_server_add_a (f.dns, "pbx.example", "127.0.0.1");
  dial (&f, uri);
  wire_expect (f.wires[0], "INVITE sip:callee@pbx.example:");
  g_assert_cmpstr (dns_server_asked (f.dns), ==, "1 pbx.example 28 pbx.example");
  answer_and_hang_up (&f, f.wires[0]);
}

static void
test_second_address (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  g_autofree char *uri = g_strdup_printf ("sip:callee@pbx.example:%u;transport=tcp", f.wires[0]->port);
  g_autoptr (Wire) tcp = wire_listen (TRUE);
  g_autofree char *there = g_strdup_printf ("sip:callee@pbx.example:%u;transport=tcp", tcp->port);
  dns_server_add_a (f.dns, "pbx.example", "127.0.0.2"); /* refuses the connection */
  dns_server_add_a (f.dns, "pbx.example", "127.0.0.1");
  dial (&f, there);
  wire_expect (tcp, "INVITE sip:callee@pbx.example:");
  answer_and_hang_up (&f, tcp);
}

static void
test_hosts_file (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  g_autofree char *uri = g_strdup_printf ("sip:callee@PBX:%u", f.wires[0]->port);
  g_assert_true (
      g_file_set_contents (f.hosts, "# comment\n127.0.0.1\tother pbx # here\n::1 six\nbad pbx2\n", -1, NULL));
  dial (&f, uri);
  wire_expect (f.wires[0], "INVITE sip:callee@");
  g_assert_cmpstr (dns_server_asked (f.dns), ==, "");
  answer_and_hang_up (&f, f.wires[0]);
}

static void
test_ipv6_only (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  g_autoptr (Endpoint) peer = endpoint_new (&(EndpointOptions){ .bind = "::1" });
  g_autofree char *uri = g_strdup_printf ("sip:callee@six.example:%u", peer->port);
  dns_server_add_aaaa (f.dns, "six.example", "::1");
  peer->auto_reject = 486;
  dial (&f, uri);
  expect_heard (&f, "ended:rejected:486");
  g_assert_cmpstr (peer->source_address, ==, "::1");
}

static void
test_unknown_name (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  dial (&f, "sip:callee@nowhere.example");
  expect_heard (&f, "ended:failed:503");
  g_assert_cmpstr (f.endpoint->phrase, ==, "DNS Error");
}

/* RFC 2782: a target of "." says that there is no such service. */
static void
test_no_service (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  dns_server_add_srv (f.dns, "_sip._udp.example.com", 0, 0, 0, "");
  dns_server_add_a (f.dns, "example.com", "127.0.0.1");
  dial (&f, "sip:callee@example.com;transport=udp");
  expect_heard (&f, "ended:failed:503");
}

static void
test_hang_up_while_looking (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  dns_server_add_a (f.dns, "example.com", "127.0.0.1");
  dial (&f, "sip:callee@example.com");
  sig_sip_call_hangup (f.endpoint->sip, f.call, NULL);
  expect_heard (&f, "ended:local:0");
  run_for_ms (50);
  wire_nothing (f.wires[0], 20, NULL);
}

/* ------------------------------------------------------------ redirections */

static const SigSipDial follows = { .follows_redirects = TRUE };

static char *
uri_of (const Wire *wire)
{
  return g_strdup_printf ("sip:callee@127.0.0.1:%u", wire->port);
}

static void
test_redirected (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  g_autofree char *uri = uri_of (f.wires[0]);
  g_autofree char *contacts = g_strdup_printf ("Contact: <tel:+1555>;q=1.0, <sip:low@127.0.0.1:%u>;q=0.1\r\n"
                                               "Contact: <sip:high@127.0.0.1:%u?X-Evil=1>;q=0.9\r\n",
                                               f.wires[1]->port, f.wires[1]->port);
  SigSipDial dial = { .follows_redirects = TRUE, .auth_username = "u", .auth_password = "p" };
  dial_full (&f, uri, &dial);
  wire_expect (f.wires[0], "INVITE ");
  /* the harness's own Contact comes first, and names the place that was just asked under another user */
  wire_answer (f.wires[0], "302 Moved", "t1", contacts, NULL);
  wire_expect (f.wires[0], "ACK ");
  wire_expect (f.wires[0], "INVITE sip:wire@");
  refuse (f.wires[0], "404 Not Found", NULL);
  wire_expect (f.wires[1], "INVITE sip:high@127.0.0.1");
  g_assert_null (wire_header (f.wires[1], "X-Evil"));
  refuse (f.wires[1], "480 Away", NULL);
  wire_expect (f.wires[1], "INVITE sip:low@127.0.0.1");
  answer_and_hang_up (&f, f.wires[1]);
}

static void
test_not_followed_unless_wanted (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  g_autofree char *uri = uri_of (f.wires[0]);
  dial (&f, uri);
  wire_expect (f.wires[0], "INVITE ");
  refuse (f.wires[0], "302 Moved", NULL);
  expect_heard (&f, "ended:rejected:302");
}

/* Somebody else's choice of whom we call, at our cost. */
static void
test_foreign_host (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  g_autofree char *uri = uri_of (f.wires[0]);
  dial_full (&f, uri, &follows);
  wire_expect (f.wires[0], "INVITE ");
  g_autofree char *via = wire_header (f.wires[0], "Via"), *from = wire_header (f.wires[0], "From"),
                  *to = wire_header (f.wires[0], "To"), *id = wire_header (f.wires[0], "Call-ID"),
                  *cseq = wire_header (f.wires[0], "CSeq");
  g_autofree char *answer = g_strdup_printf (
      "SIP/2.0 302 Moved\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=1\r\nCall-ID: %s\r\nCSeq: %s\r\n"
      "Contact: <sip:x@127.0.0.2:%u>, <sip:x@example.com>\r\nContent-Length: 0\r\n\r\n",
      via, from, to, id, cseq, f.wires[1]->port);
  wire_send (f.wires[0], answer);
  wire_expect (f.wires[0], "ACK ");
  expect_heard (&f, "ended:rejected:302");
  wire_nothing (f.wires[1], 50, NULL);
}

/* A host of the list is called, but sees no credentials. */
static void
test_listed_host (void)
{
  static const char *const hosts[] = { "other.example", NULL };
  g_auto (Fixture) f = { 0 };
  SigSipDial dial
      = { .follows_redirects = TRUE, .redirect_hosts = hosts, .auth_username = "u", .auth_password = "p" };

  fixture_init (&f, 0);
  dns_server_add_a (f.dns, "own.example", "127.0.0.1");
  dns_server_add_a (f.dns, "other.example", "127.0.0.1");
  g_autofree char *uri = g_strdup_printf ("sip:callee@own.example:%u", f.wires[0]->port);
  g_autofree char *contact = g_strdup_printf ("Contact: <sip:x@other.example:%u>\r\n", f.wires[1]->port);
  dial_full (&f, uri, &dial);
  wire_expect (f.wires[0], "INVITE ");
  wire_answer (f.wires[0], "301 Moved", "t1", contact, NULL);
  wire_expect (f.wires[0], "ACK ");
  wire_expect (f.wires[0], "INVITE sip:wire@127.0.0.1"); /* the harness's Contact: where the name led */
  refuse (f.wires[0], "404 Not Found", NULL);
  wire_expect (f.wires[1], "INVITE sip:x@other.example:");
  refuse (f.wires[1], "401 Unauthorized",
          "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5\r\n");
  expect_heard (&f, "ended:rejected:401");
  wire_nothing (f.wires[1], 50, NULL);
}

/* The harness answers with the same Contact each time: called once, never again. */
static void
test_loop (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  g_autofree char *uri = uri_of (f.wires[0]);
  dial_full (&f, uri, &follows);
  wire_expect (f.wires[0], "INVITE sip:callee@");
  refuse (f.wires[0], "302 Moved", NULL);
  wire_expect (f.wires[0], "INVITE sip:wire@");
  refuse (f.wires[0], "302 Moved", NULL);
  expect_heard (&f, "ended:rejected:302");
}

static void
test_at_most_five (void)
{
  g_auto (Fixture) f = { 0 };
  g_autoptr (GString) contacts = g_string_new (NULL);

  fixture_init (&f, 0);
  g_autofree char *uri = uri_of (f.wires[0]);
  for (guint i = 0; i < 12; i++)
    g_string_append_printf (contacts, "Contact: <sip:n%u@127.0.0.1:%u>\r\n", i, f.wires[1]->port);
  dial_full (&f, uri, &follows);
  wire_expect (f.wires[0], "INVITE ");
  wire_answer (f.wires[0], "300 Choose", "t1", contacts->str, NULL);
  wire_expect (f.wires[0], "ACK ");
  wire_expect (f.wires[0], "INVITE sip:wire@");
  refuse (f.wires[0], "404 Not Found", NULL);
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *start = g_strdup_printf ("INVITE sip:n%u@", i);
      wire_expect (f.wires[1], start);
      refuse (f.wires[1], "404 Not Found", NULL);
    }
  expect_heard (&f, "ended:rejected:404");
  wire_nothing (f.wires[1], 50, NULL);
}

/* --------------------------------------------------- RFC 3261 18.1.1: size */

static void
dial_large (Fixture *f, const char *uri)
{
  g_autofree char *padding = g_strnfill (1600, 'x');
  const SigSipHeader header = { "X-Padding", padding };

  dial_full (f, uri, &(SigSipDial){ .headers = &header, .n_headers = 1 });
}

static void
test_large_goes_over_tcp (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  g_autoptr (Wire) tcp = wire_listen (TRUE);
  g_autofree char *uri = uri_of (tcp);
  dial_large (&f, uri);
  wire_expect (tcp, "INVITE sip:callee@");
  g_autofree char *via = wire_header (tcp, "Via");
  g_assert_true (g_str_has_prefix (via, "SIP/2.0/TCP "));
  answer_and_hang_up (&f, tcp);
}

static void
test_large_without_tcp (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  g_autofree char *uri = uri_of (f.wires[0]); /* nothing listens for TCP there */
  dial_large (&f, uri);
  wire_expect (f.wires[0], "INVITE sip:callee@");
  g_autofree char *via = wire_header (f.wires[0], "Via");
  g_assert_true (g_str_has_prefix (via, "SIP/2.0/UDP "));
  answer_and_hang_up (&f, f.wires[0]);
}

static void
test_udp_was_chosen (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f, 0);
  g_autofree char *uri = g_strdup_printf ("sip:callee@127.0.0.1:%u;transport=udp", f.wires[0]->port);
  dial_large (&f, uri);
  wire_expect (f.wires[0], "INVITE sip:callee@");
  answer_and_hang_up (&f, f.wires[0]);
}

static void
register_at (Fixture *f, const char *registrar)
{
  const SigSipRegister what = { .name = "t", .registrar = registrar, .user = "alice", .expires_s = 600 };
  g_autoptr (GError) error = NULL;

  g_assert_true (sig_sip_register (f->endpoint->sip, &what, &error));
  g_assert_no_error (error);
}

/* A registration goes to the servers of the registrar, one after the other. */
static void
test_registration (void)
{
  g_auto (Fixture) f = { 0 };
  SigSipRegisterState state;

  fixture_init (&f, 40); /* 8 x T1 of silence: 320 ms */
  dns_server_add_srv (f.dns, "_sip._udp.example.com", 20, 0, f.wires[1]->port, "b.example.com");
  dns_server_add_srv (f.dns, "_sip._udp.example.com", 10, 0, f.wires[0]->port, "a.example.com");
  dns_server_add_a (f.dns, "a.example.com", "127.0.0.1");
  dns_server_add_a (f.dns, "b.example.com", "127.0.0.1");
  register_at (&f, "sip:example.com");
  wire_expect (f.wires[0], "REGISTER sip:example.com SIP/2.0");
  g_assert_null (wire_header (f.wires[0], "Route"));
  g_autofree char *call_id = wire_header (f.wires[0], "Call-ID");
  wire_expect (f.wires[1], "REGISTER sip:example.com SIP/2.0"); /* the first one is silent */
  g_autofree char *other_id = wire_header (f.wires[1], "Call-ID");
  g_assert_cmpstr (call_id, ==, other_id);
  wire_answer (f.wires[1], "200 OK", "r", NULL, NULL);
  expect_heard (&f, "t:registering t:registered");
  sig_sip_unregister (f.endpoint->sip, "t");
  while (wire_poll (f.wires[0])) /* what it did not answer */
    ;
  wire_expect (f.wires[0], "REGISTER ");
  wire_answer (f.wires[0], "503 Full", "r", NULL, NULL);
  wire_expect (f.wires[1], "REGISTER ");
  g_autofree char *expires = wire_header (f.wires[1], "Expires");
  g_assert_cmpstr (expires, ==, "0");
  wire_answer (f.wires[1], "200 OK", "r", NULL, NULL);

  register_at (&f, "sip:nowhere.example");
  expect_heard (&f, "t:registering t:failed");
  g_assert_true (sig_sip_registered (f.endpoint->sip, "t", &state));
  g_assert_cmpint (state.core.problem, ==, SIG_REGISTRATION_NO_SERVER);
}

#define ADD(name) g_test_add_func ("/signaling/sip/servers/" #name, test_##name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (srv_priorities);
  ADD (registration);
  ADD (silent_server);
  ADD (busy_is_not_asked_elsewhere);
  ADD (naptr_chooses_tcp);
  ADD (port_skips_srv);
  ADD (second_address);
  ADD (hosts_file);
  ADD (ipv6_only);
  ADD (unknown_name);
  ADD (no_service);
  ADD (hang_up_while_looking);
  ADD (redirected);
  ADD (not_followed_unless_wanted);
  ADD (foreign_host);
  ADD (listed_host);
  ADD (loop);
  ADD (at_most_five);
  ADD (large_goes_over_tcp);
  ADD (large_without_tcp);
  ADD (udp_was_chosen);
  return g_test_run ();
}
