/* Registrations of ours, at a registrar made of a socket that says what a test wants said. */
#include "tests/signaling/sip_harness.h"

#include "signaling/core/digest.h"

#include <string.h>

typedef struct
{
  Endpoint *endpoint;
  Wire *wire;
} Fixture;

static void
fixture_clear (Fixture *f)
{
  g_clear_pointer (&f->endpoint, endpoint_free);
  g_clear_pointer (&f->wire, wire_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, fixture_clear)

static void
begin (Fixture *f, gboolean is_tcp, guint expires_s, const EndpointOptions *options)
{
  g_autofree char *uri = NULL;
  g_autoptr (GError) error = NULL;

  f->endpoint = endpoint_new (options);
  f->wire = wire_listen (is_tcp);
  uri = g_strdup_printf ("sip:127.0.0.1:%u%s", f->wire->port, is_tcp ? ";transport=tcp" : "");
  const SigSipRegister what = { .name = "trunk",
                                .registrar = uri,
                                .user = "alice",
                                .host = "provider.example",
                                .auth_username = "alice:a",
                                .auth_password = "s\"ecret",
                                .expires_s = expires_s };
  g_assert_true (sig_sip_register (f->endpoint->sip, &what, &error));
  g_assert_no_error (error);
  wire_expect (f->wire, "REGISTER sip:provider.example SIP/2.0");
}

static void
expect_heard (Fixture *f, const char *heard)
{
  run_until (strlen (f->endpoint->heard->str) >= strlen (heard));
  g_assert_cmpstr (endpoint_heard (f->endpoint), ==, heard);
}

static void
expect_header (Fixture *f, const char *name, const char *value)
{
  g_autofree char *got = wire_header (f->wire, name);

  g_assert_cmpstr (got, ==, value);
}

/* A 200 that grants @expires_s to our contact. */
static void
grant (Fixture *f, guint expires_s)
{
  g_autofree char *contact = wire_header (f->wire, "Contact");
  char *end = strstr (contact, ";expires=");

  g_assert_nonnull (end);
  *end = '\0';
  g_autofree char *headers = g_strdup_printf ("Contact: %s;expires=%u\r\n", contact, expires_s);
  wire_answer (f->wire, "200 OK", "r1", headers, NULL);
}

static SigSipRegisterState
state_of (Fixture *f)
{
  SigSipRegisterState state;

  g_assert_true (sig_sip_registered (f->endpoint->sip, "trunk", &state));
  return state;
}

/* Returns: (transfer full) (nullable) */
static char *
parameter (const char *header, const char *name)
{
  g_autofree char *start = g_strdup_printf ("%s=", name);
  const char *at = strstr (header, start);

  if (at == NULL)
    return NULL;
  at += strlen (start) + (at[strlen (start)] == '"');
  return g_strndup (at, strcspn (at, "\",\r\n"));
}

/* The credentials in the REGISTER received last are right for @algorithm and @nonce. */
static void
check_credentials (Fixture *f, const char *header, SigDigestAlgorithm algorithm, const char *nonce)
{
  g_autofree char *got = wire_header (f->wire, header);
  g_assert_nonnull (got);
  g_autofree char *response = parameter (got, "response"), *cnonce = parameter (got, "cnonce"),
                  *uri = parameter (got, "uri"), *word = parameter (got, "algorithm"),
                  *realm = parameter (got, "realm"), *sent_nonce = parameter (got, "nonce"),
                  *count = parameter (got, "nc");
  const SigDigestInput input = { .algorithm = algorithm,
                                 .qop = SIG_DIGEST_QOP_AUTH,
                                 .username = "alice:a",
                                 .realm = realm,
                                 .password = "s\"ecret",
                                 .method = "REGISTER",
                                 .uri = uri,
                                 .nonce = nonce,
                                 .cnonce = cnonce,
                                 .count = (guint32)g_ascii_strtoull (count, NULL, 16) };
  g_autofree char *wanted = sig_digest_response (&input);

  g_assert_cmpstr (word, ==, sig_digest_algorithm_name (algorithm));
  g_assert_cmpstr (sent_nonce, ==, nonce);
  g_assert_cmpstr (uri, ==, "sip:provider.example");
  g_assert_cmpstr (response, ==, wanted);
}

#define MD5(nonce)                                                                                           \
  "WWW-Authenticate: Digest realm=\"r\", nonce=\"" nonce "\", algorithm=MD5, qop=\"auth\"\r\n"
#define SHA256(nonce)                                                                                        \
  "WWW-Authenticate: Digest realm=\"r\", nonce=\"" nonce "\", algorithm=SHA-256, qop=\"auth\"\r\n"

static void
check_kept_alive (gboolean is_tcp)
{
  g_auto (Fixture) f = { 0 };

  begin (&f, is_tcp, 600, NULL);
  g_autofree char *contact
      = g_strdup_printf ("<sip:alice@127.0.0.1:%u%s;line=", f.endpoint->port, is_tcp ? ";transport=tcp" : "");
  g_autofree char *first_contact = wire_header (f.wire, "Contact"), *from = wire_header (f.wire, "From"),
                  *call_id = wire_header (f.wire, "Call-ID");
  g_assert_true (g_str_has_prefix (first_contact, contact));
  g_assert_true (g_str_has_suffix (first_contact, ">;expires=600"));
  g_assert_true (g_str_has_prefix (from, "<sip:alice@provider.example>;tag="));
  expect_header (&f, "To", "<sip:alice@provider.example>");
  expect_header (&f, "Expires", "600");
  expect_header (&f, "CSeq", "1 REGISTER");
  expect_header (&f, "Max-Forwards", "70");
  expect_header (&f, "Authorization", NULL);
  wire_answer (f.wire, "401 Unauthorized", "r1", MD5 ("n1"), NULL);
  wire_expect (f.wire, "REGISTER ");
  check_credentials (&f, "Authorization", SIG_DIGEST_MD5, "n1");
  expect_header (&f, "CSeq", "2 REGISTER");
  expect_header (&f, "Call-ID", call_id);
  grant (&f, 2); /* refreshed after one second */
  expect_heard (&f, "trunk:registering trunk:registered");
  g_assert_cmpuint (state_of (&f).core.granted_s, ==, 2);
  wire_expect (f.wire, "REGISTER ");
  expect_header (&f, "CSeq", "3 REGISTER");
  expect_header (&f, "Call-ID", call_id);
  expect_header (&f, "Contact", first_contact);
  wire_answer (f.wire, "407 Proxy Authentication Required", "r1",
               "Proxy-Authenticate: Digest realm=\"p\", nonce=\"n2\", algorithm=MD5, qop=\"auth\"\r\n", NULL);
  wire_expect (f.wire, "REGISTER ");
  check_credentials (&f, "Proxy-Authorization", SIG_DIGEST_MD5, "n2");
  grant (&f, 600);
  run_until (state_of (&f).core.n_refreshed == 1);
  g_assert_cmpstr (endpoint_heard (f.endpoint), ==, "");

  sig_sip_unregister (f.endpoint->sip, "trunk");
  wire_expect (f.wire, "REGISTER ");
  expect_header (&f, "Expires", "0");
  g_autofree char *last = wire_header (f.wire, "Contact");
  g_assert_true (g_str_has_suffix (last, ">;expires=0"));
  wire_answer (f.wire, "200 OK", "r1", NULL, NULL);
  wire_nothing (f.wire, 50, NULL);
}

static void
test_kept_alive_udp (void)
{
  check_kept_alive (FALSE);
}

static void
test_kept_alive_tcp (void)
{
  check_kept_alive (TRUE);
}

static void
check_strongest (const char *challenges)
{
  g_auto (Fixture) f = { 0 };

  begin (&f, FALSE, 600, NULL);
  wire_answer (f.wire, "401 Unauthorized", "r1", challenges, NULL);
  wire_expect (f.wire, "REGISTER ");
  check_credentials (&f, "Authorization", SIG_DIGEST_SHA256, "n2");
  /* too old already: answered once more */
  wire_answer (
      f.wire, "401 Unauthorized", "r1",
      "WWW-Authenticate: Digest realm=\"r\", nonce=\"n3\", stale=true, algorithm=SHA-256, qop=\"auth\"\r\n",
      NULL);
  wire_expect (f.wire, "REGISTER ");
  check_credentials (&f, "Authorization", SIG_DIGEST_SHA256, "n3");
  grant (&f, 600);
  expect_heard (&f, "trunk:registering trunk:registered");
  sig_sip_unregister (f.endpoint->sip, "trunk");
  wire_expect (f.wire, "REGISTER ");
  wire_answer (f.wire, "200 OK", "r1", NULL, NULL);
}

static void
test_algorithms (void)
{
  check_strongest (MD5 ("n1") SHA256 ("n2"));
  check_strongest (SHA256 ("n2") MD5 ("n1"));
}

static void
test_refused (void)
{
  g_auto (Fixture) f = { 0 };

  begin (&f, FALSE, 60, NULL);
  wire_answer (f.wire, "423 Interval Too Brief", "r1", "Min-Expires: 300\r\n", NULL);
  wire_expect (f.wire, "REGISTER ");
  expect_header (&f, "Expires", "300");
  wire_answer (f.wire, "401 Unauthorized", "r1", MD5 ("n1"), NULL);
  wire_expect (f.wire, "REGISTER ");
  check_credentials (&f, "Authorization", SIG_DIGEST_MD5, "n1");
  wire_answer (f.wire, "401 Unauthorized", "r1", MD5 ("n2"), NULL); /* not stale: the password is wrong */
  expect_heard (&f, "trunk:registering trunk:failed");
  g_assert_cmpint (state_of (&f).core.problem, ==, SIG_REGISTRATION_WRONG_PASSWORD);
  g_assert_cmpint (state_of (&f).core.status, ==, 401);
  g_assert_cmpstr (state_of (&f).phrase, ==, "Unauthorized");
  wire_nothing (f.wire, 50, NULL);
  sig_sip_unregister (f.endpoint->sip, "trunk"); /* nothing is there to be taken back */
  wire_nothing (f.wire, 50, NULL);
}

/* Nobody answers; then somebody does. */
static void
test_network_failure (void)
{
  g_auto (Fixture) f = { 0 };

  begin (&f, FALSE, 600, &(EndpointOptions){ .t1_ms = 4 });
  gint64 deadline = g_get_monotonic_time () + PATIENCE_S * G_USEC_PER_SEC;
  while (state_of (&f).core.state != SIG_REGISTRATION_FAILED && g_get_monotonic_time () < deadline)
    {
      (void)wire_poll (f.wire); /* repetitions */
      run_once ();
    }
  g_assert_cmpint (state_of (&f).core.problem, ==, SIG_REGISTRATION_NO_ANSWER);
  while (wire_poll (f.wire))
    ;
  wire_expect (f.wire, "REGISTER "); /* by itself, after a second or two */
  grant (&f, 600);
  expect_heard (&f, "trunk:registering trunk:failed trunk:registered");
  sig_sip_unregister (f.endpoint->sip, "trunk");
  wire_expect (f.wire, "REGISTER ");
  wire_answer (f.wire, "200 OK", "r1", NULL, NULL);
}

static void
test_connection_refused (void)
{
  g_auto (Fixture) f = { .endpoint = endpoint_new (&(EndpointOptions){ .t1_ms = 4 }) };
  const SigSipRegister what
      = { .name = "trunk", .registrar = "sip:127.0.0.1:1;transport=tcp", .user = "a", .expires_s = 60 };
  const SigSipRegister bad[] = {
    { .name = "bad", .registrar = "sip:", .user = "a", .expires_s = 60 },
    { .name = "bad", .registrar = "tel:1", .user = "a", .expires_s = 60 },
    { .name = "bad", .registrar = "sip:h;transport=tls", .user = "a", .expires_s = 60 },
    { .name = "bad", .registrar = "sip:h", .user = "a", .host = "b>c", .expires_s = 60 },
  };

  g_assert_true (sig_sip_register (f.endpoint->sip, &what, NULL));
  expect_heard (&f, "trunk:registering trunk:failed");
  g_assert_cmpint (state_of (&f).core.problem, ==, SIG_REGISTRATION_NO_ANSWER);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      SigSipRegisterState state;

      g_assert_false (sig_sip_register (f.endpoint->sip, &bad[i], &error));
      g_assert_nonnull (error);
      g_assert_false (sig_sip_registered (f.endpoint->sip, "bad", &state));
    }
}

/* The same again changes nothing; another password is another registration. */
static void
test_changed (void)
{
  g_auto (Fixture) f = { 0 };

  begin (&f, FALSE, 600, NULL);
  grant (&f, 600);
  expect_heard (&f, "trunk:registering trunk:registered");
  g_autofree char *uri = g_strdup_printf ("sip:127.0.0.1:%u", f.wire->port);
  SigSipRegister what = { .name = "trunk",
                          .registrar = uri,
                          .user = "alice",
                          .host = "provider.example",
                          .auth_username = "alice:a",
                          .auth_password = "s\"ecret",
                          .expires_s = 600 };
  g_assert_true (sig_sip_register (f.endpoint->sip, &what, NULL));
  wire_nothing (f.wire, 50, NULL);
  what.auth_password = "other";
  g_assert_true (sig_sip_register (f.endpoint->sip, &what, NULL));
  wire_expect (f.wire, "REGISTER ");
  expect_header (&f, "Expires", "0");
  wire_answer (f.wire, "200 OK", "r1", NULL, NULL);
  wire_expect (f.wire, "REGISTER ");
  expect_header (&f, "Expires", "600");
  grant (&f, 600);
  expect_heard (&f, "trunk:registering trunk:registered");
  sig_sip_unregister (f.endpoint->sip, "trunk");
  wire_expect (f.wire, "REGISTER ");
  wire_answer (f.wire, "200 OK", "r1", NULL, NULL);
}

static void
check_call (Fixture *f, Wire *wire, const char *target, const char *headers, const char *over,
            const char *user)
{
  g_autoptr (Dialog) dialog = dialog_new (wire);
  guint before = f->endpoint->n_invites;

  g_free (dialog->target);
  dialog->target = g_strdup (target);
  dialog_request (dialog, "INVITE", headers, "application/sdp", OFFER);
  run_until (f->endpoint->n_invites == before + 1);
  g_assert_cmpstr (f->endpoint->over, ==, over);
  g_assert_cmpstr (f->endpoint->request_user, ==, user);
  wire_expect (wire, "SIP/2.0 480");
  dialog_ack (dialog, NULL);
}

/* By the word in our Contact, or from the registrar itself. */
static void
test_calls (void)
{
  g_auto (Fixture) f = { 0 };

  begin (&f, FALSE, 600, NULL);
  f.endpoint->auto_reject = 480;
  g_autofree char *contact = wire_header (f.wire, "Contact");
  contact[strcspn (contact, ">")] = '\0';
  grant (&f, 600);
  expect_heard (&f, "trunk:registering trunk:registered");
  /* the wire is on the registrar's address, as is every wire: the word alone decides at another one */
  g_autoptr (Wire) caller = wire_new (FALSE, FALSE, f.endpoint->port);
  check_call (&f, caller, contact + 1, "To: <sip:+15550100@provider.example>\r\n", "trunk", "+15550100");
  check_call (&f, caller, contact + 1,
              "To: <sip:alice@provider.example>\r\nP-Called-Party-ID: \"A\" <tel:+1-555-0101>\r\n", "trunk",
              "+15550101");
  g_autofree char *plain = g_strdup_printf ("sip:alice@127.0.0.1:%u", f.endpoint->port);
  g_autofree char *number = g_strdup_printf ("sip:+1-555-0102@127.0.0.1:%u;user=phone", f.endpoint->port);
  check_call (&f, caller, plain, "To: <sip:alice@provider.example>\r\n", "trunk", "alice");
  check_call (&f, caller, number, "To: <tel:+1-555-0102>\r\n", "trunk", "+15550102");
  sig_sip_unregister (f.endpoint->sip, "trunk");
  wire_expect (f.wire, "REGISTER ");
  wire_answer (f.wire, "200 OK", "r1", NULL, NULL);
  run_for_ms (20);
  check_call (&f, caller, contact + 1, NULL, NULL, "alice");
}

/* At shutdown the provider is told, and not waited for too long. */
static void
test_shutdown (void)
{
  g_auto (Fixture) f = { 0 };

  begin (&f, FALSE, 600, NULL);
  grant (&f, 600);
  expect_heard (&f, "trunk:registering trunk:registered");
  g_clear_pointer (&f.endpoint, endpoint_free);
  g_assert_true (wire_poll (f.wire));
  expect_header (&f, "Expires", "0");
}

static void
check_nat (const char *received, const char *seen_as)
{
  g_auto (Fixture) f = { 0 };

  begin (&f, FALSE, 600, NULL);
  /* into the Via that came */
  char *via = strstr (f.wire->last, ";rport");
  g_assert_nonnull (via);
  g_autofree char *before = g_strndup (f.wire->last, (gsize)(via - f.wire->last));
  char *changed = g_strconcat (before, ";rport=4711;received=", received, via + strlen (";rport"), NULL);
  g_free (f.wire->last);
  f.wire->last = changed;
  wire_answer (f.wire, "200 OK", "r1", NULL, NULL);
  expect_heard (&f, "trunk:registering trunk:registered");
  g_assert_cmpstr (state_of (&f).seen_as, ==, seen_as);
  sig_sip_unregister (f.endpoint->sip, "trunk");
  wire_expect (f.wire, "REGISTER ");
  wire_answer (f.wire, "200 OK", "r1", NULL, NULL);
}

static void
test_nat (void)
{
  check_nat ("203.0.113.7", "203.0.113.7:4711");
  check_nat ("127.0.0.1", NULL);
  check_nat ("nonsense", NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/register/kept_alive_udp", test_kept_alive_udp);
  g_test_add_func ("/signaling/sip/register/kept_alive_tcp", test_kept_alive_tcp);
  g_test_add_func ("/signaling/sip/register/algorithms", test_algorithms);
  g_test_add_func ("/signaling/sip/register/refused", test_refused);
  g_test_add_func ("/signaling/sip/register/network_failure", test_network_failure);
  g_test_add_func ("/signaling/sip/register/connection_refused", test_connection_refused);
  g_test_add_func ("/signaling/sip/register/changed", test_changed);
  g_test_add_func ("/signaling/sip/register/calls", test_calls);
  g_test_add_func ("/signaling/sip/register/shutdown", test_shutdown);
  g_test_add_func ("/signaling/sip/register/nat", test_nat);
  return g_test_run ();
}
