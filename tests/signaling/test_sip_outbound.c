/* Calls to a peer that answers exactly as each test wants. */
#include "tests/signaling/sip_harness.h"

#include "signaling/sip/address.h"

#include <string.h>

typedef struct
{
  Endpoint *endpoint;
  Wire *wire;
  SigSipCallId call;
} Fixture;

static void
fixture_dial_full (Fixture *f, gboolean is_tcp, const SigSipDial *base, const EndpointOptions *options)
{
  SigSipDial dial = *base;
  GError *error = NULL;

  f->endpoint = endpoint_new (options);
  f->wire = wire_listen (is_tcp);
  g_autofree char *uri
      = g_strdup_printf ("sip:callee@127.0.0.1:%u%s", f->wire->port, is_tcp ? ";transport=tcp" : "");
  dial.to_uri = uri;
  dial.sdp = OFFER;
  f->call = sig_sip_dial (f->endpoint->sip, &dial, &error);
  g_assert_no_error (error);
  wire_expect (f->wire, "INVITE sip:callee@127.0.0.1");
}

static void
fixture_dial (Fixture *f)
{
  fixture_dial_full (f, FALSE, &(SigSipDial){ 0 }, NULL);
}

static void
fixture_clear (Fixture *f)
{
  g_clear_pointer (&f->endpoint, endpoint_free);
  g_clear_pointer (&f->wire, wire_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, fixture_clear)

/* Puts a message of before back, to answer it again. */
static void
take_back (Fixture *f, char *message)
{
  g_free (f->wire->last);
  f->wire->last = message;
}

static void
expect_heard (Fixture *f, const char *heard)
{
  run_until (strlen (f->endpoint->heard->str) >= strlen (heard));
  g_assert_cmpstr (endpoint_heard (f->endpoint), ==, heard);
}

static void
check_answered (gboolean is_tcp)
{
  g_auto (Fixture) f = { 0 };
  const SigSipHeader headers[]
      = { { "X-Room", "lobby" }, { "P-Asserted-Identity", "<sip:+1555@example.com>" } };
  SigSipDial dial = {
    .from_uri = "sip:+15559876543@example.com",
    .from_display = "Ann \"A\"\r\nX-Evil: 1",
    .headers = headers,
    .n_headers = G_N_ELEMENTS (headers),
  };

  fixture_dial_full (&f, is_tcp, &dial, NULL);
  g_autofree char *from = wire_header (f.wire, "From");
  g_autofree char *to = wire_header (f.wire, "To");
  g_autofree char *contact = wire_header (f.wire, "Contact");
  g_autofree char *room = wire_header (f.wire, "X-Room");
  g_autofree char *identity = wire_header (f.wire, "P-Asserted-Identity");
  g_autofree char *allow = wire_header (f.wire, "Allow");
  g_autofree char *expected = g_strdup_printf ("<sip:+15559876543@127.0.0.1:%u%s>", f.endpoint->port,
                                               is_tcp ? ";transport=tcp" : "");
  g_assert_true (g_str_has_prefix (from, "\"Ann \\\"A\\\"  X-Evil: 1\" <sip:+15559876543@example.com>;tag="));
  g_autofree char *expected_to = g_strdup_printf ("<sip:callee@127.0.0.1:%u>", f.wire->port);
  g_assert_cmpstr (to, ==, expected_to);
  g_assert_cmpstr (contact, ==, expected);
  g_assert_cmpstr (room, ==, "lobby");
  g_assert_cmpstr (identity, ==, "<sip:+1555@example.com>");
  g_assert_cmpstr (allow, ==, METHODS);
  g_assert_null (wire_header (f.wire, "X-Evil"));
  g_assert_null (wire_header (f.wire, "Session-Expires"));
  g_assert_null (wire_header (f.wire, "Min-SE"));
  g_autofree char *supported = wire_headers (f.wire, "Supported");
  g_assert_cmpstr (supported, ==, "100rel, replaces, norefersub");
  g_assert_cmpstr (wire_body (f.wire), ==, OFFER);

  wire_answer (f.wire, "100 Trying", NULL, NULL, NULL);
  wire_answer (f.wire, "180 Ringing", "t1", NULL, NULL);
  wire_answer (f.wire, "183 Session Progress", "t1", NULL, ANSWER);
  wire_answer (f.wire, "200 OK", "t1", "Session-Expires: 90;refresher=uac\r\nRequire: timer\r\n", ANSWER);
  wire_expect (f.wire, "ACK sip:wire@127.0.0.1");
  expect_heard (&f, "progress:180 progress:183 answered");
  g_assert_cmpstr (f.endpoint->sdp, ==, ANSWER);
  sig_sip_call_hangup (f.endpoint->sip, f.call, NULL);
  wire_expect (f.wire, "BYE sip:wire@127.0.0.1");
  wire_answer (f.wire, "200 OK", NULL, NULL, NULL);
  expect_heard (&f, "ended:local:0");
}

static void
test_answered_udp (void)
{
  check_answered (FALSE);
}

static void
test_answered_tcp (void)
{
  check_answered (TRUE);
}

static void
check_refused (const char *status, const char *headers, const char *heard, const char *phrase)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f);
  wire_answer (f.wire, status, "t1", headers, NULL);
  wire_expect (f.wire, "ACK ");
  expect_heard (&f, heard);
  g_assert_cmpstr (f.endpoint->phrase, ==, phrase);
  wire_nothing (f.wire, 50, NULL);
}

/* Redirection and "try later" are the owner's business: nothing is repeated by itself. */
static void
test_refused (void)
{
  check_refused ("486 Busy Here", NULL, "ended:rejected:486", "Busy Here");
  check_refused ("603 Nein danke \xc3\xa4", NULL, "ended:rejected:603", "Nein danke \xc3\xa4");
  check_refused ("302 Moved Temporarily", "Contact: <sip:x@127.0.0.1:9>\r\n", "ended:rejected:302",
                 "Moved Temporarily");
  check_refused ("305 Use Proxy", NULL, "ended:rejected:305", "Use Proxy");
  check_refused ("503 Service Unavailable", "Retry-After: 1\r\n", "ended:rejected:503",
                 "Service Unavailable");
  check_refused ("422 Session Interval Too Small", "Min-SE: 90\r\n", "ended:rejected:422",
                 "Session Interval Too Small");
  check_refused ("408 Request Timeout", NULL, "ended:rejected:408", "Request Timeout");
  check_refused ("481 Gone", NULL, "ended:rejected:481", "Gone");
  check_refused ("401 Unauthorized", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n",
                 "ended:rejected:401", "Unauthorized");
}

/* A peer that cannot take the offer is asked once more with the other one. */
static void
test_second_offer (void)
{
  static const char *const refusals[] = { "488 Not Acceptable Here", "606 Not Acceptable" };

  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_auto (Fixture) f = { 0 };

      fixture_dial_full (&f, FALSE, &(SigSipDial){ .second_sdp = ANSWER }, NULL);
      g_autofree char *call_id = wire_header (f.wire, "Call-ID");
      g_autofree char *from = wire_header (f.wire, "From");
      g_assert_cmpstr (wire_body (f.wire), ==, OFFER);
      wire_answer (f.wire, refusals[i], "t1", NULL, NULL);
      wire_expect (f.wire, "ACK ");
      wire_expect (f.wire, "INVITE sip:callee@127.0.0.1");
      g_autofree char *second_id = wire_header (f.wire, "Call-ID");
      g_autofree char *second_from = wire_header (f.wire, "From");
      g_autofree char *cseq = wire_header (f.wire, "CSeq");
      g_assert_cmpstr (second_id, ==, call_id);
      g_assert_cmpstr (second_from, ==, from);
      g_assert_cmpstr (cseq, ==, "3 INVITE");
      g_assert_cmpstr (wire_body (f.wire), ==, ANSWER);
      if (i == 0)
        {
          wire_answer (f.wire, "200 OK", "t2", NULL, ANSWER);
          wire_expect (f.wire, "ACK ");
          expect_heard (&f, "answered");
          continue;
        }
      wire_answer (f.wire, refusals[i], "t2", NULL, NULL);
      wire_expect (f.wire, "ACK ");
      expect_heard (&f, "ended:rejected:606");
      wire_nothing (f.wire, 50, NULL);
    }
}

static void
test_no_answer (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial_full (&f, FALSE, &(SigSipDial){ 0 }, &(EndpointOptions){ .t1_ms = 5 });
  expect_heard (&f, "ended:timeout:408");
}

static void
test_ring_timeout (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial_full (&f, FALSE, &(SigSipDial){ .expires_s = 1 }, NULL);
  g_autofree char *invite = g_strdup (f.wire->last);
  wire_answer (f.wire, "180 Ringing", "t1", NULL, NULL);
  wire_expect (f.wire, "CANCEL ");
  g_autofree char *reason = wire_header (f.wire, "Reason");
  g_assert_cmpstr (reason, ==, "SIP;cause=408;text=\"Ring Timeout\"");
  wire_answer (f.wire, "200 OK", "t1", NULL, NULL);
  take_back (&f, g_steal_pointer (&invite));
  wire_answer (f.wire, "487 Request Terminated", "t1", NULL, NULL);
  wire_expect (f.wire, "ACK ");
  expect_heard (&f, "progress:180 ended:timeout:408");
  g_assert_cmpstr (f.endpoint->reason, ==, reason); /* the owner knows what was said */
}

/* RFC 3261 9.1: no CANCEL before something provisional came. */
static void
test_cancel_before_provisional (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f);
  g_autofree char *invite = g_strdup (f.wire->last);
  sig_sip_call_hangup (f.endpoint->sip, f.call, NULL);
  expect_heard (&f, "ended:local:0");
  wire_nothing (f.wire, 100, "INVITE");
  take_back (&f, g_strdup (invite));
  wire_answer (f.wire, "180 Ringing", "t1", NULL, NULL);
  do
    wire_expect (f.wire, "");
  while (!g_str_has_prefix (f.wire->last, "CANCEL "));
  wire_answer (f.wire, "200 OK", "t1", NULL, NULL);
  take_back (&f, g_steal_pointer (&invite));
  wire_answer (f.wire, "487 Request Terminated", "t1", NULL, NULL);
  wire_expect (f.wire, "ACK ");
  g_assert_cmpuint (f.endpoint->n_ended, ==, 1);
}

/* The 200 crosses our CANCEL: it is acknowledged and the call hung up. */
static void
test_cancel_crosses_answer (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f);
  g_autofree char *invite = g_strdup (f.wire->last);
  wire_answer (f.wire, "180 Ringing", "t1", NULL, NULL);
  expect_heard (&f, "progress:180");
  sig_sip_call_hangup (f.endpoint->sip, f.call, "SIP;cause=487;text=\"Gone\"");
  wire_expect (f.wire, "CANCEL ");
  g_autofree char *reason = wire_header (f.wire, "Reason");
  g_assert_cmpstr (reason, ==, "SIP;cause=487;text=\"Gone\"");
  wire_answer (f.wire, "481 Too late", "t1", NULL, NULL);
  take_back (&f, g_steal_pointer (&invite));
  wire_answer (f.wire, "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wire, "ACK ");
  wire_expect (f.wire, "BYE ");
  wire_answer (f.wire, "200 OK", NULL, NULL, NULL);
  expect_heard (&f, "ended:local:0");
}

static void
test_bye_of_callee (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f);
  g_autofree char *from = wire_header (f.wire, "From");
  g_autofree char *to = wire_header (f.wire, "To");
  g_autofree char *call_id = wire_header (f.wire, "Call-ID");
  wire_answer (f.wire, "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wire, "ACK ");
  expect_heard (&f, "answered");
  g_autofree char *bye
      = g_strdup_printf ("BYE sip:x@127.0.0.1:%u SIP/2.0\r\nVia: SIP/2.0/UDP "
                         "127.0.0.1:%u;branch=z9hG4bKbye\r\nFrom: %s;tag=t1\r\nTo: %s\r\n"
                         "Call-ID: %s\r\nCSeq: 7 BYE\r\nReason: SIP;cause=200\r\nContent-Length: 0\r\n\r\n",
                         f.endpoint->port, f.wire->port, to, from, call_id);
  wire_send (f.wire, bye);
  wire_expect (f.wire, "SIP/2.0 200");
  expect_heard (&f, "ended:bye:0");
  g_assert_cmpstr (f.endpoint->reason, ==, "SIP;cause=200");
}

/* A target that is no SIP address would abort the stack at our ACK. */
static void
test_bad_contact_in_answer (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f);
  g_autofree char *via = wire_header (f.wire, "Via");
  g_autofree char *from = wire_header (f.wire, "From");
  g_autofree char *to = wire_header (f.wire, "To");
  g_autofree char *call_id = wire_header (f.wire, "Call-ID");
  g_autofree char *cseq = wire_header (f.wire, "CSeq");
  g_autofree char *answer
      = g_strdup_printf ("SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=t1\r\nCall-ID: %s\r\nCSeq: "
                         "%s\r\nContact: <tel:+1555>\r\n"
                         "Record-Route: <urn:x:y>\r\nContent-Length: 0\r\n\r\n",
                         via, from, to, call_id, cseq);
  wire_send (f.wire, answer);
  wire_expect (f.wire, "ACK sip:127.0.0.1");
  expect_heard (&f, "answered");
  sig_sip_call_hangup (f.endpoint->sip, f.call, NULL);
  wire_expect (f.wire, "BYE sip:127.0.0.1");
  wire_answer (f.wire, "200 OK", NULL, NULL, NULL);
}

/* A proxy forked the call and two phones were picked up: the first one wins, the other is hung up. */
static void
test_fork (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f);
  g_autofree char *invite = g_strdup (f.wire->last);
  wire_answer (f.wire, "180 Ringing", "t1", NULL, NULL);
  wire_answer (f.wire, "180 Ringing", "t2", NULL, NULL);
  wire_answer (f.wire, "200 OK", "t2", NULL, ANSWER);
  wire_expect (f.wire, "ACK ");
  g_assert_nonnull (strstr (f.wire->last, ";tag=t2"));
  take_back (&f, g_steal_pointer (&invite));
  wire_answer (f.wire, "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wire, "ACK ");
  g_assert_nonnull (strstr (f.wire->last, ";tag=t1"));
  wire_expect (f.wire, "BYE ");
  g_assert_nonnull (strstr (f.wire->last, ";tag=t1"));
  wire_answer (f.wire, "200 OK", NULL, NULL, NULL);
  expect_heard (&f, "progress:180 progress:180 answered");
}

static void
test_reoffer_refused_with_481 (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f);
  wire_answer (f.wire, "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wire, "ACK ");
  expect_heard (&f, "answered");
  g_assert_true (sig_sip_call_reoffer (f.endpoint->sip, f.call, OFFER));
  wire_expect (f.wire, "INVITE ");
  wire_answer (f.wire, "481 Gone", NULL, NULL, NULL);
  expect_heard (&f, "reanswer:481 ended:failed:481");
}

/* The peer never answers our BYE: the call is over for the owner at once, for the stack a little later. */
static void
test_bye_unanswered (void)
{
  g_auto (Fixture) f = { 0 };
  SigSipStats stats;

  fixture_dial_full (&f, FALSE, &(SigSipDial){ 0 }, &(EndpointOptions){ .t1_ms = 5 });
  wire_answer (f.wire, "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wire, "ACK ");
  expect_heard (&f, "answered");
  sig_sip_call_hangup (f.endpoint->sip, f.call, NULL);
  expect_heard (&f, "ended:local:0");
  sig_sip_get_stats (f.endpoint->sip, &stats);
  g_assert_cmpuint (stats.n_calls, ==, 0);
  run_for_ms (600);
  g_assert_false (sig_sip_call_export (f.endpoint->sip, f.call, &(SigSipDialogState){ 0 }));
}

static void
test_dial_refused (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .transports = SIG_SIP_UDP });
  const SigSipHeader evil[] = { { "X-A", "1\r\nX-B: 2" } };
  const SigSipDial dials[] = {
    { .to_uri = "tel:+1555", .sdp = OFFER },
    { .to_uri = "sip:a@127.0.0.1;transport=tcp", .sdp = OFFER },
    { .to_uri = "sip:a@127.0.0.1", .from_uri = "sip:a@b>\r\nX: y", .sdp = OFFER },
    { .to_uri = "sip:a@127.0.0.1", .headers = evil, .n_headers = 1, .sdp = OFFER },
    { .to_uri = "sip:a@127.0.0.1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (dials); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_cmpuint (sig_sip_dial (e->sip, &dials[i], &error), ==, 0);
      g_assert_nonnull (error);
    }
  run_for_ms (20);
  g_assert_cmpuint (e->n_ended, ==, 0);
}

static const SigSipDial with_credentials = { .auth_username = "us:er", .auth_password = "p:a\"ss" };

/* A peer that insists on reliable provisional answers although we did not offer them (RFC 3262). */
static void
test_reliable_provisional (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial (&f);
  g_autofree char *invite = g_strdup (f.wire->last);
  wire_answer (f.wire, "183 Session Progress", "t1", "Require: 100rel\r\nRSeq: 7\r\n", ANSWER);
  wire_expect (f.wire, "PRACK ");
  g_autofree char *rack = wire_header (f.wire, "RAck");
  g_assert_cmpstr (rack, ==, "7 2 INVITE");
  wire_answer (f.wire, "200 OK", NULL, NULL, NULL);
  take_back (&f, g_steal_pointer (&invite));
  wire_answer (f.wire, "200 OK", "t1", NULL, NULL);
  wire_expect (f.wire, "ACK ");
  expect_heard (&f, "progress:183 answered");
}

static void
test_localhost (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .bind = "all" });
  g_autoptr (Wire) wire = wire_listen (FALSE);
  g_autofree char *uri = g_strdup_printf ("sip:callee@localhost:%u", wire->port);
  SigSipDial dial = { .to_uri = uri, .sdp = OFFER };

  g_assert_cmpuint (sig_sip_dial (e->sip, &dial, NULL), !=, 0);
  wire_expect (wire, "INVITE sip:callee@localhost");
  wire_answer (wire, "200 OK", "t1", NULL, ANSWER);
  wire_expect (wire, "ACK sip:wire@127.0.0.1");
  run_until (strstr (e->heard->str, "answered") != NULL);
  sig_sip_call_hangup (e->sip, e->call, NULL);
}

/* Answers with bytes changed, cut or swapped, from a fixed seed: each call still ends, once. */
static void
test_mutated_answers (void)
{
  static const char *const extra
      = "Record-Route: <sip:127.0.0.1;lr>\r\nSession-Expires: 90;refresher=uac\r\nRequire: timer\r\n"
        "WWW-Authenticate: Digest realm=\"a\", nonce=\"b\", algorithm=SHA-256, qop=\"auth\"\r\n"
        "Reason: Q.850;cause=16;text=\"x\"\r\nRetry-After: 1\r\nMin-SE: 90\r\n";
  static const char *const lines[]
      = { "180 Ringing", "183 Session Progress", "200 OK",         "401 Unauthorized",
          "302 Moved",   "486 Busy Here",        "503 Unavailable" };
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .t1_ms = 5 });
  g_autoptr (GRand) random = g_rand_new_with_seed (1234);
  guint n_calls = 0;

  for (guint i = 0; i < 150; i++)
    {
      g_autoptr (Wire) wire = wire_listen (FALSE);
      g_autofree char *uri = g_strdup_printf ("sip:callee@127.0.0.1:%u", wire->port);
      SigSipDial dial = with_credentials;
      dial.to_uri = uri;
      dial.sdp = OFFER;
      SigSipCallId call = sig_sip_dial (e->sip, &dial, NULL);
      n_calls++;
      wire_expect (wire, "INVITE ");
      wire->mutate = random;
      for (guint n = 0; n < 6; n++)
        wire_answer (wire, lines[g_rand_int_range (random, 0, G_N_ELEMENTS (lines))],
                     n % 2 == 0 ? "t1" : "t2", extra, ANSWER);
      run_for_ms (2);
      sig_sip_call_hangup (e->sip, call, NULL);
    }
  run_until (e->n_ended == n_calls);
  run_for_ms (500);
  g_assert_cmpuint (e->n_ended, ==, n_calls);
}

/* Behind 1:1 NAT: the public address in Via, and in the Contact for those who need it. */
static void
test_external_address (void)
{
  g_auto (GStrv) own = sig_sip_address_expand (NULL);
  const char *address = NULL;

  for (guint i = 0; own[i] != NULL && address == NULL; i++)
    if (!sig_sip_address_is_ipv6 (own[i]) && !g_str_has_prefix (own[i], "127."))
      address = own[i];
  if (address == NULL)
    {
      g_test_skip ("this machine has loopback addresses only");
      return;
    }

  g_autoptr (Endpoint) e
      = endpoint_new (&(EndpointOptions){ .bind = address, .external_address = "198.51.100.7" });
  g_autoptr (Wire) wire = wire_listen_at (address);
  g_autofree char *uri = g_strdup_printf ("sip:callee@%s:%u", address, wire->port);
  SigSipDial dial = { .to_uri = uri, .sdp = OFFER };
  g_assert_cmpuint (sig_sip_dial (e->sip, &dial, NULL), !=, 0);
  wire_expect (wire, "INVITE ");
  g_autofree char *via = wire_header (wire, "Via");
  g_autofree char *contact = wire_header (wire, "Contact");
  g_autofree char *via_start = g_strdup_printf ("SIP/2.0/UDP 198.51.100.7:%u", e->port);
  g_autofree char *expected = g_strdup_printf (
      "<sip:switchroom@%s:%u>", sig_sip_address_is_private (address) ? address : "198.51.100.7", e->port);
  g_assert_true (g_str_has_prefix (via, via_start));
  g_assert_cmpstr (contact, ==, expected);
  wire_answer (wire, "486 Busy Here", "t1", NULL, NULL);
  wire_expect (wire, "ACK ");
  run_until (e->n_ended == 1);
  g_assert_cmpstr (endpoint_heard (e), ==, "ended:rejected:486");
}

/* -------------------------------------------------------------------- digest */

static char *
parameter (const char *header, const char *name)
{
  g_autofree char *start = g_strdup_printf (" %s=", name);
  const char *found = strstr (header, start);

  g_assert_nonnull (found);
  found += strlen (start);
  if (*found == '"')
    {
      const char *end = found + 1;
      while (*end != '"')
        end += *end == '\\' ? 2 : 1;
      return g_strndup (found + 1, (gsize)(end - found - 1));
    }
  return g_strndup (found, strcspn (found, ", "));
}

static char *
hash (GChecksumType type, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return g_compute_checksum_for_string (type, text, -1);
}

/* Computes the answer to a challenge once more, by RFC 7616 3.4.1, from what was sent. */
static void
verify (const char *header, const char *method, const char *algorithm, const char *password)
{
  GChecksumType type = strstr (algorithm, "SHA-256") != NULL ? G_CHECKSUM_SHA256 : G_CHECKSUM_MD5;
  g_autofree char *sent_algorithm = parameter (header, "algorithm");
  g_autofree char *realm = parameter (header, "realm");
  g_autofree char *nonce = parameter (header, "nonce");
  g_autofree char *uri = parameter (header, "uri");
  g_autofree char *response = parameter (header, "response");
  g_autofree char *a1 = hash (type, "us:er:%s:%s", realm, password);
  g_autofree char *a2 = hash (type, "%s:%s", method, uri);
  g_autofree char *expected = NULL;

  g_assert_cmpstr (sent_algorithm, ==, algorithm);
  if (strstr (algorithm, "-sess") != NULL)
    {
      g_autofree char *cnonce = parameter (header, "cnonce");
      g_autofree char *plain = g_steal_pointer (&a1);
      a1 = hash (type, "%s:%s:%s", plain, nonce, cnonce);
    }
  if (strstr (header, "qop=") != NULL)
    {
      g_autofree char *count = parameter (header, "nc");
      g_autofree char *cnonce = parameter (header, "cnonce");
      expected = hash (type, "%s:%s:%s:%s:auth:%s", a1, nonce, count, cnonce, a2);
    }
  else
    expected = hash (type, "%s:%s:%s", a1, nonce, a2);
  g_assert_cmpstr (response, ==, expected);
  g_assert_nonnull (strstr (header, "username=\"us:er\""));
}

typedef struct
{
  const char *status;
  const char *headers; /* the challenge */
  const char *algorithm;
} ChallengeCase;

#define CH  "Digest realm=\"a, \\\"b\\\"\", "
#define WWW "WWW-Authenticate: " CH
static const ChallengeCase challenges[] = {
  { "401 Unauthorized", WWW "nonce=\"n1\"\r\n", "MD5" },
  { "401 Unauthorized", WWW "nonce=\"n1\", algorithm=MD5, qop=\"auth\", opaque=\"o\"\r\n", "MD5" },
  { "407 Proxy", "Proxy-Authenticate: " CH "nonce=\"n1\", algorithm=md5, qop=\"auth-int,auth\"\r\n", "MD5" },
  { "401 Unauthorized", WWW "nonce=\"n1\", algorithm=MD5-sess, qop=\"auth\"\r\n", "MD5-sess" },
  { "401 Unauthorized", WWW "nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"\r\n", "SHA-256" },
  { "407 Proxy", "Proxy-Authenticate: " CH "nonce=\"n1\", algorithm=\"SHA-256\"\r\n", "SHA-256" },
  { "401 Unauthorized",
    WWW "nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"\r\n" WWW "nonce=\"n2\", algorithm=MD5\r\n",
    "SHA-256" },
  { "401 Unauthorized",
    WWW "nonce=\"n1\", algorithm=MD5\r\n" WWW "nonce=\"n2\", algorithm=SHA-256, qop=\"auth\"\r\n",
    "SHA-256" },
  { "401 Unauthorized",
    WWW "nonce=\"n0\", algorithm=SHA-512-256, qop=\"auth\"\r\n" WWW
        "nonce=\"n1\", algorithm=MD5, qop=\"auth\"\r\n",
    "MD5" },
  { "401 Unauthorized", WWW "nonce=\"n1\", algorithm=MD5\r\n" WWW "nonce=\"n2\", algorithm=AKAv1-MD5\r\n",
    "MD5" },
};

static void
test_digest (gconstpointer data)
{
  const ChallengeCase *challenge = data;
  g_auto (Fixture) f = { 0 };
  gboolean is_proxy = g_str_has_prefix (challenge->status, "407");
  const char *name = is_proxy ? "Proxy-Authorization" : "Authorization";

  fixture_dial_full (&f, FALSE, &with_credentials, NULL);
  g_assert_null (wire_header (f.wire, "Authorization"));
  g_autofree char *first = wire_header (f.wire, "CSeq");
  g_autofree char *first_from = wire_header (f.wire, "From");
  wire_answer (f.wire, challenge->status, "t0", challenge->headers, NULL);
  wire_expect (f.wire, "ACK ");
  wire_expect (f.wire, "INVITE ");
  g_autofree char *header = wire_header (f.wire, name);
  g_autofree char *second = wire_header (f.wire, "CSeq");
  g_autofree char *second_from = wire_header (f.wire, "From");
  g_assert_nonnull (header);
  verify (header, "INVITE", challenge->algorithm, "p:a\"ss");
  g_assert_cmpuint (strtoul (second, NULL, 10), ==, strtoul (first, NULL, 10) + 1);
  g_assert_cmpstr (first_from, ==, second_from);
  g_assert_cmpstr (wire_body (f.wire), ==, OFFER);
  wire_answer (f.wire, "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wire, "ACK ");
  expect_heard (&f, "answered");

  /* what follows carries credentials too, and a stale nonce is answered again */
  sig_sip_call_hangup (f.endpoint->sip, f.call, NULL);
  wire_expect (f.wire, "BYE ");
  g_autofree char *bye_header = wire_header (f.wire, name);
  if (bye_header != NULL)
    verify (bye_header, "BYE", challenge->algorithm, "p:a\"ss");
  g_autofree char *stale
      = g_strdup_printf ("%s: " CH "nonce=\"n9\", stale=true, algorithm=%s, qop=\"auth\"\r\n",
                         is_proxy ? "Proxy-Authenticate" : "WWW-Authenticate", challenge->algorithm);
  wire_answer (f.wire, challenge->status, NULL, stale, NULL);
  wire_expect (f.wire, "BYE ");
  g_autofree char *again = wire_header (f.wire, name);
  g_assert_nonnull (again);
  g_assert_nonnull (strstr (again, "nonce=\"n9\""));
  verify (again, "BYE", challenge->algorithm, "p:a\"ss");
  wire_answer (f.wire, "200 OK", NULL, NULL, NULL);
  expect_heard (&f, "ended:local:0");
}

static void
test_digest_wrong_password (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial_full (&f, FALSE, &with_credentials, NULL);
  wire_answer (f.wire, "401 Unauthorized", "t0", WWW "nonce=\"n1\", algorithm=MD5\r\n", NULL);
  wire_expect (f.wire, "ACK ");
  wire_expect (f.wire, "INVITE ");
  wire_answer (f.wire, "401 Who are you", "t0", WWW "nonce=\"n2\", algorithm=MD5\r\n", NULL);
  wire_expect (f.wire, "ACK ");
  wire_nothing (f.wire, 100, NULL);
  expect_heard (&f, "ended:rejected:401");
  g_assert_cmpstr (f.endpoint->phrase, ==, "Who are you");
}

static void
check_unanswerable (const char *headers)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial_full (&f, FALSE, &with_credentials, NULL);
  wire_answer (f.wire, "407 Proxy Authentication Required", "t0", headers, NULL);
  wire_expect (f.wire, "ACK ");
  wire_nothing (f.wire, 100, NULL);
  expect_heard (&f, "ended:rejected:407");
}

/* Never a password in the clear, and no answer to what we cannot compute. */
static void
test_digest_unanswerable (void)
{
  check_unanswerable ("Proxy-Authenticate: Basic realm=\"x\"\r\n");
  check_unanswerable ("Proxy-Authenticate: Digest realm=\"x\", nonce=\"n\", algorithm=SHA-512-256\r\n");
  check_unanswerable ("Proxy-Authenticate: Digest realm=\"x\", nonce=\"n\", qop=\"strange\"\r\n");
  check_unanswerable ("Proxy-Authenticate: Digest realm=\"x\"\r\n");
  check_unanswerable ("Proxy-Authenticate: Strange foo=\"x\"\r\n");
  check_unanswerable (NULL);
}

/* A proxy challenges first, then the server behind it. */
static void
test_digest_twice (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial_full (&f, FALSE, &with_credentials, NULL);
  wire_answer (f.wire, "407 Proxy", "t0", "Proxy-Authenticate: Digest realm=\"p\", nonce=\"n1\"\r\n", NULL);
  wire_expect (f.wire, "ACK ");
  wire_expect (f.wire, "INVITE ");
  wire_answer (f.wire, "401 Server", "t0", "WWW-Authenticate: Digest realm=\"s\", nonce=\"n2\"\r\n", NULL);
  wire_expect (f.wire, "ACK ");
  wire_expect (f.wire, "INVITE ");
  g_autofree char *proxy = wire_header (f.wire, "Proxy-Authorization");
  g_autofree char *server = wire_header (f.wire, "Authorization");
  g_assert_nonnull (proxy);
  g_assert_nonnull (server);
  verify (proxy, "INVITE", "MD5", "p:a\"ss");
  verify (server, "INVITE", "MD5", "p:a\"ss");
  wire_answer (f.wire, "486 Busy Here", "t0", NULL, NULL);
  expect_heard (&f, "ended:rejected:486");
}

static void
test_digest_reoffer (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_dial_full (&f, FALSE, &with_credentials, NULL);
  wire_answer (f.wire, "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wire, "ACK ");
  expect_heard (&f, "answered");
  g_assert_true (sig_sip_call_reoffer (f.endpoint->sip, f.call, OFFER));
  wire_expect (f.wire, "INVITE ");
  wire_answer (f.wire, "401 Unauthorized", NULL, WWW "nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"\r\n",
               NULL);
  wire_expect (f.wire, "ACK ");
  wire_expect (f.wire, "INVITE ");
  g_autofree char *header = wire_header (f.wire, "Authorization");
  verify (header, "INVITE", "SHA-256", "p:a\"ss");
  wire_answer (f.wire, "200 OK", NULL, NULL, ANSWER);
  wire_expect (f.wire, "ACK ");
  expect_heard (&f, "reanswer:200");
}

static void
test_digest_reoffer_refused (void)
{
  g_auto (Fixture) f = { 0 };
  const char *challenge = WWW "nonce=\"n1\", algorithm=MD5\r\n";

  fixture_dial_full (&f, FALSE, &with_credentials, NULL);
  wire_answer (f.wire, "200 OK", "t1", NULL, ANSWER);
  wire_expect (f.wire, "ACK ");
  expect_heard (&f, "answered");
  g_assert_true (sig_sip_call_reoffer (f.endpoint->sip, f.call, OFFER));
  wire_expect (f.wire, "INVITE ");
  wire_answer (f.wire, "401 Unauthorized", NULL, challenge, NULL);
  wire_expect (f.wire, "ACK ");
  wire_expect (f.wire, "INVITE ");
  wire_answer (f.wire, "401 Unauthorized", NULL, challenge, NULL);
  wire_expect (f.wire, "ACK ");
  expect_heard (&f, "reanswer:401");
  g_assert_true (sig_sip_call_reoffer (f.endpoint->sip, f.call, OFFER));
  wire_expect (f.wire, "INVITE ");
  wire_answer (f.wire, "403 Forbidden", NULL, NULL, NULL);
  wire_expect (f.wire, "ACK ");
  expect_heard (&f, "reanswer:403");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/outbound/answered_udp", test_answered_udp);
  g_test_add_func ("/signaling/sip/outbound/answered_tcp", test_answered_tcp);
  g_test_add_func ("/signaling/sip/outbound/refused", test_refused);
  g_test_add_func ("/signaling/sip/outbound/second_offer", test_second_offer);
  g_test_add_func ("/signaling/sip/outbound/no_answer", test_no_answer);
  g_test_add_func ("/signaling/sip/outbound/ring_timeout", test_ring_timeout);
  g_test_add_func ("/signaling/sip/outbound/cancel_before_provisional", test_cancel_before_provisional);
  g_test_add_func ("/signaling/sip/outbound/cancel_crosses_answer", test_cancel_crosses_answer);
  g_test_add_func ("/signaling/sip/outbound/bye_of_callee", test_bye_of_callee);
  g_test_add_func ("/signaling/sip/outbound/bad_contact_in_answer", test_bad_contact_in_answer);
  g_test_add_func ("/signaling/sip/outbound/fork", test_fork);
  g_test_add_func ("/signaling/sip/outbound/reoffer_refused_with_481", test_reoffer_refused_with_481);
  g_test_add_func ("/signaling/sip/outbound/bye_unanswered", test_bye_unanswered);
  g_test_add_func ("/signaling/sip/outbound/dial_refused", test_dial_refused);
  g_test_add_func ("/signaling/sip/outbound/reliable_provisional", test_reliable_provisional);
  g_test_add_func ("/signaling/sip/outbound/localhost", test_localhost);
  g_test_add_func ("/signaling/sip/outbound/mutated_answers", test_mutated_answers);
  g_test_add_func ("/signaling/sip/outbound/external_address", test_external_address);
  for (guint i = 0; i < G_N_ELEMENTS (challenges); i++)
    {
      g_autofree char *path = g_strdup_printf ("/signaling/sip/digest/challenge_%u", i);
      g_test_add_data_func (path, &challenges[i], test_digest);
    }
  g_test_add_func ("/signaling/sip/digest/wrong_password", test_digest_wrong_password);
  g_test_add_func ("/signaling/sip/digest/unanswerable", test_digest_unanswerable);
  g_test_add_func ("/signaling/sip/digest/twice", test_digest_twice);
  g_test_add_func ("/signaling/sip/digest/reoffer", test_digest_reoffer);
  g_test_add_func ("/signaling/sip/digest/reoffer_refused", test_digest_reoffer_refused);
  return g_test_run ();
}
