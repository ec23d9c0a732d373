/* What is refused without asking the owner, and what strangers may throw at the port. */
#include "tests/signaling/sip_harness.h"

#include "signaling/sip/address.h"
#include "signaling/sip/rate.h"

#include <string.h>

static void
check_refused (const char *method, const char *headers, const char *type, const char *body,
               const char *status, const char *header)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);
  g_autofree char *start = g_strdup_printf ("SIP/2.0 %s", status);

  dialog_request (dialog, method, headers, type, body);
  wire_expect (wire, start);
  if (header != NULL)
    {
      g_auto (GStrv) words = g_strsplit (header, ": ", 2);
      g_autofree char *value = wire_header (wire, words[0]);
      g_assert_nonnull (value);
      g_assert_cmpstr (value, ==, words[1]);
    }
  run_for_ms (20);
  g_assert_cmpuint (e->n_invites, ==, 0);
  g_assert_cmpuint (e->n_ended, ==, 0);
}

#define ALLOW "Allow: " METHODS

static void
test_methods (void)
{
  static const char *const known[] = { "PUBLISH", "REGISTER" };

  check_refused ("FOO", NULL, NULL, NULL, "501", ALLOW);
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    check_refused (known[i], "Event: presence\r\nRefer-To: <sip:a@b>\r\nRAck: 1 1 INVITE\r\n", NULL, NULL,
                   "405", ALLOW);
  check_refused ("REFER", "Refer-To: <sip:a@b>\r\n", NULL, NULL, "403", ALLOW);
  check_refused ("BYE", NULL, NULL, NULL, "481", NULL);
  check_refused ("PRACK", "RAck: 1 1 INVITE\r\n", NULL, NULL, "481", NULL);
  check_refused ("UPDATE", NULL, NULL, NULL, "481", NULL);
  check_refused ("INFO", NULL, "application/dtmf-relay", "Signal=1\r\n", "481", NULL);
  check_refused ("NOTIFY", "Event: presence\r\nSubscription-State: active\r\n", NULL, NULL, "481", NULL);
  check_refused ("INVITE", "To: <sip:lobby@127.0.0.1>;tag=nobody\r\n", "application/sdp", OFFER, "481", NULL);
}

static void
test_extensions (void)
{
  check_refused ("INVITE", "Require: foo, bar\r\n", "application/sdp", OFFER, "420", "Unsupported: foo, bar");
  check_refused ("OPTIONS", "Require: foo\r\n", NULL, NULL, "420", "Unsupported: foo");
  check_refused ("INVITE", "Require: 100rel, foo\r\n", "application/sdp", OFFER, "420", "Unsupported: foo");
}

static void
test_hops (void)
{
  check_refused ("INVITE", "Max-Forwards: 0\r\n", "application/sdp", OFFER, "483", NULL);
  check_refused ("OPTIONS", "Max-Forwards: 0\r\n", NULL, NULL, "483", NULL);
}

static void
test_bodies (void)
{
  check_refused ("INVITE", NULL, "text/plain", "hello", "415", "Accept: application/sdp");
  check_refused ("INVITE", NULL, "multipart/mixed;boundary=x", "--x\r\n\r\n--x--\r\n", "415",
                 "Accept: application/sdp");
  check_refused ("INVITE", "Content-Encoding: gzip\r\n", "application/sdp", OFFER, "415",
                 "Accept: application/sdp");
  check_refused ("INVITE", NULL, NULL, OFFER, "400 Missing Content-Type", NULL);
  check_refused ("INVITE", NULL, "application/sdp", "nonsense", "400 Bad Session Description", NULL);
}

/* Each of these would make the stack abort when it sends its next request to such a target. */
static void
test_targets (void)
{
  check_refused ("INVITE", "Contact: <tel:+15551234>\r\n", "application/sdp", OFFER, "400", NULL);
  check_refused ("INVITE", "Contact: <urn:service:sos>\r\n", "application/sdp", OFFER, "400", NULL);
  check_refused ("INVITE", "Contact: *\r\n", "application/sdp", OFFER, "400", NULL);
  check_refused ("INVITE", "m: <mailto:a@b>\r\nContact: <http://x/>\r\n", "application/sdp", OFFER, "400",
                 NULL);
  check_refused ("INVITE", "Record-Route: <tel:+15551234>\r\n", "application/sdp", OFFER, "400", NULL);
  check_refused ("INVITE", "Contact:\r\n", "application/sdp", OFFER, "400", NULL);
  check_refused ("INVITE", "Contact: <sip:>\r\n", "application/sdp", OFFER, "400", NULL);
  check_refused ("OPTIONS", "Contact: <tel:+15551234>\r\n", NULL, NULL, "400", NULL);
}

/* A datagram may end where it likes: what is there of the message is looked at all the same. */
static void
test_unfinished (void)
{
  static const char *const ends[] = { "", "\r\n", "X: y", "X: y\r\n" };
  static const char *const contacts[] = { "<tel:+15551234>", "*", "<urn:service:sos>" };
  g_autoptr (Endpoint) e = endpoint_new (NULL);

  e->auto_reject = 486;
  for (guint i = 0; i < G_N_ELEMENTS (ends) * G_N_ELEMENTS (contacts); i++)
    {
      g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
      g_autofree char *text = g_strdup_printf (
          "INVITE sip:lobby@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
          "127.0.0.1;rport;branch=z9hG4bKu%u\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:lobby@c>\r\n"
          "Call-ID: unfinished-%u\r\nCSeq: 1 INVITE\r\nContact: %s%s",
          i, i, contacts[i % G_N_ELEMENTS (contacts)], ends[i / G_N_ELEMENTS (contacts)]);
      wire_send (wire, text);
      wire_expect (wire, "SIP/2.0 400");
    }
  g_assert_cmpuint (e->n_invites, ==, 0);
}

/* In a dialog too: the call stays as it was. */
static void
test_targets_in_dialog (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  e->auto_answer = TRUE;
  dialog_establish (dialog);
  run_until (strstr (e->heard->str, "acked") != NULL);
  dialog_request (dialog, "INVITE", "Contact: <tel:+1555>\r\n", "application/sdp", OFFER);
  wire_expect (wire, "SIP/2.0 400");
  dialog->branch--;
  dialog_ack (dialog, NULL);
  dialog_request (dialog, "UPDATE", "Contact: <tel:+1555>\r\n", NULL, NULL);
  wire_expect (wire, "SIP/2.0 400");
  dialog_request (dialog, "PUBLISH", "Event: presence\r\n", NULL, NULL);
  wire_expect (wire, "SIP/2.0 405");
  dialog_request (dialog, "FOO", NULL, NULL, NULL);
  wire_expect (wire, "SIP/2.0 501");
  g_assert_cmpstr (endpoint_heard (e), ==, "invite acked");
  sig_sip_call_hangup (e->sip, e->call, NULL);
  wire_expect (wire, "BYE sip:alice@127.0.0.1");
  wire_answer (wire, "200 OK", NULL, NULL, NULL);
}

static void
check_options (Wire *wire)
{
  wire_expect (wire, "SIP/2.0 200");
  g_autofree char *allow = wire_header (wire, "Allow");
  g_autofree char *accept = wire_header (wire, "Accept");
  g_autofree char *supported = wire_headers (wire, "Supported");
  g_assert_cmpstr (allow, ==, METHODS);
  g_autofree char *events = wire_header (wire, "Allow-Events");
  g_assert_cmpstr (accept, ==,
                   "text/plain, application/dtmf-relay, application/dtmf, "
                   "application/vnd.nortelnetworks.digits, application/media_control+xml, application/sdp");
  g_assert_cmpstr (events, ==, "presence, dialog, conference");
  g_assert_cmpstr (supported, ==, "100rel, replaces, norefersub");
}

static void
test_options (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  dialog_request (dialog, "OPTIONS", NULL, NULL, NULL);
  check_options (wire);
  e->auto_answer = TRUE;
  dialog_establish (dialog);
  run_until (strstr (e->heard->str, "acked") != NULL);
  dialog_request (dialog, "OPTIONS", NULL, NULL, NULL);
  check_options (wire);
  g_assert_cmpstr (endpoint_heard (e), ==, "invite acked");
}

static void
test_register (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .takes_register = TRUE });
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  dialog_request (dialog, "REGISTER", "Contact: *\r\nExpires: 0\r\n", NULL, NULL);
  wire_expect (wire, "SIP/2.0 200");
  g_assert_null (wire_header (wire, "Contact"));
  dialog_request (dialog, "OPTIONS", NULL, NULL, NULL);
  wire_expect (wire, "SIP/2.0 200");
  g_autofree char *allow = wire_header (wire, "Allow");
  g_assert_nonnull (strstr (allow, "REGISTER"));
}

/* Above the limit 503, far above it silence, so that a flood costs no transactions. */
static void
test_rate (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .invites_per_second = 2 });
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  guint n_answered = 0, n_limited = 0;
  SigSipStats stats;

  e->auto_reject = 486;
  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (Dialog) dialog = dialog_new (wire);
      dialog_invite (dialog, OFFER);
      if (i % 10 == 0)
        run_for_ms (1);
    }
  for (guint i = 0; i < 40; i++)
    {
      g_autoptr (Dialog) unused G_GNUC_UNUSED = dialog_new (wire);
      if (n_answered + n_limited >= 20)
        break;
      do
        wire_expect (wire, "SIP/2.0 ");
      while (g_str_has_prefix (wire->last, "SIP/2.0 1"));
      if (g_str_has_prefix (wire->last, "SIP/2.0 503"))
        {
          g_autofree char *retry_after = wire_header (wire, "Retry-After");
          g_assert_nonnull (retry_after);
          n_limited++;
        }
      else
        n_answered++;
    }
  sig_sip_get_stats (e->sip, &stats);
  g_assert_cmpuint (e->n_invites, >=, 2);
  g_assert_cmpuint (e->n_invites, <=, 5);
  g_assert_cmpuint (stats.n_invites, <=, 25);
  g_assert_cmpuint (stats.n_rate_limited, >=, 170);
}

static void
test_rate_table (void)
{
  g_autoptr (SigSipRate) rate = sig_sip_rate_new (2, 4, 3);
  CfgMonotonic now = { 1000 };
  SigSipSource source = { { 1 } };

  for (guint i = 0; i < 4; i++)
    g_assert_true (sig_sip_rate_take (rate, &source, now));
  g_assert_false (sig_sip_rate_take (rate, &source, now));
  now = cfg_monotonic_add_us (now, 499999);
  g_assert_false (sig_sip_rate_take (rate, &source, now));
  now = cfg_monotonic_add_us (now, 1);
  g_assert_true (sig_sip_rate_take (rate, &source, now));
  g_assert_false (sig_sip_rate_take (rate, &source, now));

  /* many sources: the table keeps its size, and those without a place share one bucket */
  guint n = 0;
  for (guint i = 0; i < 1000; i++)
    {
      SigSipSource other = { { 2, (guint8)i, (guint8)(i >> 8) } };
      n += sig_sip_rate_take (rate, &other, now) ? 1 : 0;
    }
  g_assert_cmpuint (sig_sip_rate_n_sources (rate), ==, 3);
  g_assert_cmpuint (n, ==, 2 + 4);
  g_assert_false (sig_sip_rate_take (rate, &source, now));

  /* after a quiet while their places are free again, and no clock jump gives more than the burst */
  now = cfg_monotonic_add_us (now, G_GINT64_CONSTANT (1) << 60);
  SigSipSource late = { { 9 } };
  for (guint i = 0; i < 4; i++)
    g_assert_true (sig_sip_rate_take (rate, &late, now));
  g_assert_false (sig_sip_rate_take (rate, &late, now));
  g_assert_cmpuint (sig_sip_rate_n_sources (rate), ==, 3);
}

static void
test_garbage (void)
{
  static const char *const messages[] = {
    "\r\n\r\n",
    "hello",
    "INVITE\r\n\r\n",
    "INVITE sip:a SIP/2.0\r\n\r\n",
    "INVITE sip:a@b SIP/3.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\n"
    "CSeq: 1 INVITE\r\nContact: <sip:a@b>\r\n\r\n",
    "SIP/2.0 200 OK\r\n\r\n",
    "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
    "<sip:a@b>;tag=2\r\n"
    "Call-ID: 1\r\nCSeq: 1 INVITE\r\nContact: <tel:1>\r\nRecord-Route: <urn:x>\r\n\r\n",
    "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKy\r\nFrom: <tel:+1>;tag=1\r\nTo: <tel:+2>\r\n"
    "Call-ID: 2\r\nCSeq: 1 INVITE\r\nContact: <sip:a@b>\r\nContent-Length: 99999\r\n\r\nv=0",
    "OPTIONS tel:+1 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKz\r\nFrom: <tel:+1>;tag=1\r\nTo: <tel:+2>\r\n"
    "Call-ID: 3\r\nCSeq: 1 OPTIONS\r\n\r\n",
    "OPTIONS * SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKw\r\nFrom: <x:>;tag=1\r\nTo: <y:>\r\n"
    "Call-ID: 4\r\nCSeq: 1 OPTIONS\r\n\r\n",
    "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKv\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
    "<sip:a@b>\r\n"
    "Call-ID: 5\r\nCSeq: 4294967295 INVITE\r\nContact: <sip:a@b>, <tel:2>\r\n\r\n",
    "CANCEL sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKu\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
    "<sip:a@b>\r\n"
    "Call-ID: 6\r\nCSeq: 1 CANCEL\r\n\r\n",
    "ACK sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKt\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
    "<sip:a@b>;tag=9\r\n"
    "Call-ID: 7\r\nCSeq: 1 ACK\r\n\r\n",
  };
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .t1_ms = 10 });

  e->auto_answer = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    for (guint tcp = 0; tcp < 2; tcp++)
      {
        g_autoptr (Wire) wire = wire_new (tcp == 1, FALSE, e->port);
        g_autoptr (GString) text = g_string_new (messages[i]);
        if (tcp == 1)
          g_string_replace (text, "/UDP", "/TCP", 0);
        wire_send (wire, text->str);
        run_for_ms (5);
      }
  /* it still takes calls */
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);
  dialog_establish (dialog);
}

/* Valid requests with bytes changed, cut, doubled or swapped, from a fixed seed. */
static void
test_mutations (void)
{
  static const char invite[]
      = "INVITE sip:lobby@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%u;rport\r\n"
        "From: \"A\" <sip:a@127.0.0.1>;tag=%u\r\nTo: <sip:lobby@127.0.0.1>\r\nCall-ID: m%u\r\nCSeq: 1 "
        "INVITE\r\n"
        "Contact: <sip:a@127.0.0.1:%u;transport=udp>\r\nRecord-Route: <sip:127.0.0.1:%u;lr>\r\nMax-Forwards: "
        "70\r\n"
        "Supported: timer, 100rel\r\nSession-Expires: 90;refresher=uas\r\nP-Asserted-Identity: <sip:x@y>\r\n"
        "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s";
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .t1_ms = 5 });
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (GRand) random = g_rand_new_with_seed (4711);

  e->auto_answer = TRUE;
  wire->mutate = random;
  for (guint i = 0; i < 600; i++)
    {
      g_autofree char *text
          = g_strdup_printf (invite, wire->port, i, i, i, wire->port, wire->port, strlen (OFFER), OFFER);
      wire_send (wire, text);
      if (i % 8 == 0)
        run_for_ms (2);
    }
  run_for_ms (500);
  run_until (e->n_invites == e->n_ended);
  g_autoptr (Wire) other = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (other);
  dialog_establish (dialog);
}

static void
check_uri (const char *uri, gboolean is_good)
{
  GError *error = NULL;

  if (sig_sip_check_uri (uri, &error) != is_good)
    g_error ("%s", uri);
  g_assert_true ((error == NULL) == is_good);
  g_clear_error (&error);
}

static void
test_check_uri (void)
{
  static const char *const good[] = { "sip:a@b",
                                      "sip:b",
                                      "sip:+1555@10.0.0.1:5070;transport=tcp",
                                      "sip:a@[::1]:5060",
                                      "sip:a%20b@h.example",
                                      "sip:+1;npdi=yes@h;user=phone",
                                      "sips:a@b",
                                      "sip:a@b;transport=tls" };
  static const char *const bad[] = { NULL,
                                     "",
                                     "a@b",
                                     "tel:+1555",
                                     "sip:",
                                     "sip:@",
                                     "sip:a@b?X-H=1",
                                     "sip:a@b\r\nX: y",
                                     "sip:a b@c",
                                     "sip:a@b>;x",
                                     "sip:a@b:0",
                                     "sip:a@b:70000",
                                     "sip:a@b;maddr=1.2.3.4",
                                     "sip:a@b;method=BYE",
                                     "sip:a@[::1",
                                     "sip:a@[xyz]",
                                     "sip:a@h/ost",
                                     "sip:p:w@h",
                                     "urn:a",
                                     "*",
                                     "sip:a@\xc3\xa4.example" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    check_uri (good[i], TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    check_uri (bad[i], FALSE);
  g_autofree char *endless = g_strnfill (2000, 'a');
  g_autofree char *uri = g_strdup_printf ("sip:%s@b", endless);
  check_uri (uri, FALSE);
}

static void
check_header (const char *name, const char *value, gboolean is_good)
{
  GError *error = NULL;

  if (sig_sip_check_header (name, value, &error) != is_good)
    g_error ("%s: %s", name, value);
  g_assert_true ((error == NULL) == is_good);
  g_clear_error (&error);
}

static void
test_check_header (void)
{
  static const char *const owned[] = { "Via",
                                       "from",
                                       "TO",
                                       "Call-ID",
                                       "CSeq",
                                       "Contact",
                                       "Route",
                                       "Record-Route",
                                       "Content-Type",
                                       "content-length",
                                       "Max-Forwards",
                                       "i",
                                       "v",
                                       "Supported",
                                       "Proxy-Authorization",
                                       "Session-Expires" };

  check_header ("X-Room", "lobby", TRUE);
  check_header ("X-Room", "", TRUE);
  check_header ("X-Room", "tab\there \xc3\xa4", TRUE);
  check_header ("P-Asserted-Identity", "<sip:a@b>", TRUE);
  check_header ("Diversion", "<sip:a@b>;reason=busy", TRUE);
  check_header ("X-Room", "a\r\nContact: <sip:x@y>", FALSE);
  check_header ("X-Room", "a\nb", FALSE);
  check_header ("X-Room", "a\x01", FALSE);
  check_header ("X-Room", "a\xff", FALSE);
  check_header ("X Room", "a", FALSE);
  check_header ("X-Room:", "a", FALSE);
  check_header ("", "a", FALSE);
  check_header (NULL, "a", FALSE);
  check_header ("X-Room", NULL, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (owned); i++)
    check_header (owned[i], "a", FALSE);
}

/* Always an address of this machine, since media binds to it. */
static void
test_local_address (void)
{
  g_autoptr (Endpoint) e
      = endpoint_new (&(EndpointOptions){ .bind = "both", .external_address = "198.51.100.7" });
  g_autofree char *v4 = sig_sip_local_address (e->sip, "127.0.0.1");
  g_autofree char *v6 = sig_sip_local_address (e->sip, "[::1]");
  g_autofree char *name = sig_sip_local_address (e->sip, "sip.example.com");
  g_autofree char *nothing = sig_sip_local_address (e->sip, NULL);

  g_assert_cmpstr (v4, ==, "127.0.0.1");
  g_assert_cmpstr (v6, ==, "::1");
  g_assert_cmpstr (name, ==, "127.0.0.1");
  g_assert_cmpstr (nothing, ==, "127.0.0.1");
}

static void
test_addresses (void)
{
  const char *const given[] = { "127.0.0.1", "::1", "127.0.0.1", NULL };
  const char *const any[] = { "0.0.0.0", "::", NULL };
  g_auto (GStrv) twice = sig_sip_address_expand (given);
  g_auto (GStrv) all = sig_sip_address_expand (NULL);
  g_auto (GStrv) named = sig_sip_address_expand (any);
  char out[SIG_SIP_ADDRESS_MAX];

  g_assert_cmpuint (g_strv_length (twice), ==, 2);
  g_assert_true (g_strv_contains ((const char *const *)all, "127.0.0.1"));
  g_assert_true (g_strv_contains ((const char *const *)all, "::1"));
  g_assert_true (g_strv_equal ((const char *const *)all, (const char *const *)named));
  g_assert_true (sig_sip_address_route ("127.0.0.1", out));
  g_assert_cmpstr (out, ==, "127.0.0.1");
  g_assert_true (sig_sip_address_route ("localhost", out));
  g_assert_cmpstr (out, ==, "127.0.0.1");
  g_assert_true (sig_sip_address_is_private ("10.1.2.3"));
  g_assert_true (sig_sip_address_is_private ("172.16.0.1"));
  g_assert_true (sig_sip_address_is_private ("172.31.255.255"));
  g_assert_true (sig_sip_address_is_private ("192.168.0.1"));
  g_assert_true (sig_sip_address_is_private ("100.64.0.1"));
  g_assert_true (sig_sip_address_is_private ("169.254.1.1"));
  g_assert_true (sig_sip_address_is_private ("fd00::1"));
  g_assert_true (sig_sip_address_is_private ("fe80::1"));
  g_assert_false (sig_sip_address_is_private ("172.32.0.1"));
  g_assert_false (sig_sip_address_is_private ("100.128.0.1"));
  g_assert_false (sig_sip_address_is_private ("8.8.8.8"));
  g_assert_false (sig_sip_address_is_private ("2001:db8::1"));
  g_assert_false (sig_sip_address_is_private ("host.example"));
}

static void
test_port_taken (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  const char *const bind[] = { "127.0.0.1", NULL };
  const char *const name[] = { "localhost", NULL };
  SigSipConfig config = { .bind = bind, .port = e->port, .transports = SIG_SIP_UDP | SIG_SIP_TCP };
  SigSipOps ops = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_null (sig_sip_new (&config, &ops, NULL, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "127.0.0.1"));
  g_assert_nonnull (strstr (error->message, "in use"));
  g_clear_error (&error);
  config.bind = name;
  g_assert_null (sig_sip_new (&config, &ops, NULL, &error));
  g_assert_nonnull (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/refusals/methods", test_methods);
  g_test_add_func ("/signaling/sip/refusals/extensions", test_extensions);
  g_test_add_func ("/signaling/sip/refusals/hops", test_hops);
  g_test_add_func ("/signaling/sip/refusals/bodies", test_bodies);
  g_test_add_func ("/signaling/sip/refusals/targets", test_targets);
  g_test_add_func ("/signaling/sip/refusals/unfinished", test_unfinished);
  g_test_add_func ("/signaling/sip/refusals/targets_in_dialog", test_targets_in_dialog);
  g_test_add_func ("/signaling/sip/refusals/options", test_options);
  g_test_add_func ("/signaling/sip/refusals/register", test_register);
  g_test_add_func ("/signaling/sip/refusals/rate", test_rate);
  g_test_add_func ("/signaling/sip/refusals/rate_table", test_rate_table);
  g_test_add_func ("/signaling/sip/refusals/garbage", test_garbage);
  g_test_add_func ("/signaling/sip/refusals/mutations", test_mutations);
  g_test_add_func ("/signaling/sip/check/uri", test_check_uri);
  g_test_add_func ("/signaling/sip/check/header", test_check_header);
  g_test_add_func ("/signaling/sip/local_address", test_local_address);
  g_test_add_func ("/signaling/sip/addresses", test_addresses);
  g_test_add_func ("/signaling/sip/port_taken", test_port_taken);
  return g_test_run ();
}
