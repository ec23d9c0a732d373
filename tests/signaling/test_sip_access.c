/* Who may do what: challenges, right and wrong answers to them, and what a REGISTER is read as. */
#include "tests/signaling/sip_harness.h"

#include "signaling/core/digest.h"

#include <string.h>

#define PASSWORD "open sesame"

/* Everybody must be alice; 404 for the number "nobody". */
static void
ask_for_alice (Endpoint *e, const SigSipAsker *asker, SigSipAccessAnswer *answer)
{
  answer->access = SIG_SIP_ACCESS_PASSWORD;
  if (g_strcmp0 (asker->username, "alice") == 0)
    answer->password = PASSWORD;
  if (g_str_equal (asker->to_user, "nobody"))
    {
      answer->access = SIG_SIP_ACCESS_REFUSED;
      answer->status = 404;
    }
}

/* (transfer full): the @index-th challenge of the last message, its nonce in @nonce. */
static char *
challenge (Wire *wire, guint index, char **nonce)
{
  const char *at = wire->last;

  for (guint i = 0; i <= index; i++)
    {
      at = strstr (at, "\r\nWWW-Authenticate: ");
      g_assert_nonnull (at);
      at += strlen ("\r\nWWW-Authenticate: ");
    }
  char *text = g_strndup (at, strcspn (at, "\r"));
  const char *value = strstr (text, "nonce=\"") + 7;
  *nonce = g_strndup (value, strcspn (value, "\""));
  return text;
}

static char *
authorization (const char *method, const char *nonce, SigDigestAlgorithm algorithm, guint count,
               const char *username, const char *password)
{
  const SigDigestInput input = { .algorithm = algorithm,
                                 .qop = SIG_DIGEST_QOP_AUTH,
                                 .username = username,
                                 .realm = "switchroom",
                                 .password = password,
                                 .method = method,
                                 .uri = "sip:127.0.0.1",
                                 .nonce = nonce,
                                 .cnonce = "0a4f113b",
                                 .count = count };
  g_autofree char *response = sig_digest_response (&input);

  return g_strdup_printf (
      "Authorization: Digest username=\"%s\", realm=\"switchroom\", nonce=\"%s\", "
      "uri=\"sip:127.0.0.1\", response=\"%s\", algorithm=%s, cnonce=\"0a4f113b\", qop=auth, "
      "nc=%08x\r\n",
      username, nonce, response, sig_digest_algorithm_name (algorithm), count);
}

typedef struct
{
  Endpoint *e;
  Wire *wire;
  Dialog *dialog;
  char *nonce;
} Fixture;

static Fixture
fixture_new (const char *const *algorithms)
{
  Fixture f
      = { .e = endpoint_new (&(EndpointOptions){ .takes_register = TRUE, .digest_algorithms = algorithms }) };

  f.e->access = ask_for_alice;
  f.wire = wire_new (FALSE, FALSE, f.e->port);
  f.dialog = dialog_new (f.wire);
  return f;
}

static void
fixture_clear (Fixture *f)
{
  g_free (f->nonce);
  dialog_free (f->dialog);
  wire_free (f->wire);
  endpoint_free (f->e);
}

/* An INVITE with @headers that is refused with 401. */
static void
invite_refused (Fixture *f, const char *headers)
{
  SigSipStats stats;

  dialog_request (f->dialog, "INVITE", headers, "application/sdp", OFFER);
  wire_expect (f->wire, "SIP/2.0 401");
  g_free (f->nonce);
  g_free (challenge (f->wire, 0, &f->nonce));
  f->dialog->branch--;
  dialog_ack (f->dialog, NULL);
  sig_sip_get_stats (f->e->sip, &stats);
  g_assert_cmpuint (stats.n_calls, ==, 0);
  g_assert_cmpuint (f->e->n_invites, ==, 0);
}

static gboolean
is_stale (const Fixture *f)
{
  return strstr (f->wire->last, "stale=true") != NULL;
}

static void
test_invite (void)
{
  Fixture f = fixture_new (NULL);

  f.e->auto_answer = TRUE;
  invite_refused (&f, NULL);
  g_autofree char *nonce = NULL, *first = challenge (f.wire, 0, &nonce);
  g_autofree char *other = NULL, *second = challenge (f.wire, 1, &other);
  g_assert_true (g_str_has_prefix (first, "Digest realm=\"switchroom\", nonce=\""));
  g_assert_nonnull (strstr (first, "algorithm=MD5, qop=\"auth\""));
  g_assert_nonnull (strstr (second, "algorithm=SHA-256, qop=\"auth\""));
  g_assert_false (is_stale (&f));

  g_autofree char *headers = authorization ("INVITE", nonce, SIG_DIGEST_MD5, 1, "alice", PASSWORD);
  dialog_request (f.dialog, "INVITE", headers, "application/sdp", OFFER);
  wire_expect (f.wire, "SIP/2.0 200");
  dialog_learn (f.dialog);
  dialog_ack (f.dialog, NULL);
  run_until (f.e->n_acked == 1);
  g_assert_cmpstr (f.e->username, ==, "alice");

  /* the same answer for another call is an answer played again */
  g_autoptr (Dialog) thief = dialog_new (f.wire);
  dialog_request (thief, "INVITE", headers, "application/sdp", OFFER);
  wire_expect (f.wire, "SIP/2.0 401");
  g_assert_true (is_stale (&f));
  g_assert_cmpuint (f.e->n_invites, ==, 1);
  /* what belongs to the dialog needs no password */
  dialog_request (f.dialog, "BYE", NULL, NULL, NULL);
  wire_expect (f.wire, "SIP/2.0 200");
  fixture_clear (&f);
}

static void
test_sha256 (void)
{
  static const char *const only[] = { "SHA-256", NULL };
  Fixture f = fixture_new (only);

  f.e->auto_reject = 486;
  invite_refused (&f, NULL);
  g_autofree char *weak = authorization ("INVITE", f.nonce, SIG_DIGEST_MD5, 1, "alice", PASSWORD);
  invite_refused (&f, weak); /* not offered: as if there were none */
  g_autofree char *good = authorization ("INVITE", f.nonce, SIG_DIGEST_SHA256, 1, "alice", PASSWORD);
  dialog_request (f.dialog, "INVITE", good, "application/sdp", OFFER);
  wire_expect (f.wire, "SIP/2.0 486");
  fixture_clear (&f);
}

/* (transfer full): the last answer without what differs from answer to answer. */
static char *
anonymous (const Wire *wire)
{
  g_autoptr (GRegex) regex = g_regex_new ("nonce=\"\\w+\"|(Via|CSeq|Call-ID): .*|tag=[^\\s;]+", 0, 0, NULL);

  return g_regex_replace_literal (regex, wire->last, -1, 0, "*", 0, NULL);
}

static void
test_wrong (void)
{
  Fixture f = fixture_new (NULL);
  SigSipStats stats;

  invite_refused (&f, NULL);
  g_autofree char *bad = authorization ("INVITE", f.nonce, SIG_DIGEST_MD5, 1, "alice", "guess");
  invite_refused (&f, bad);
  g_autofree char *after_bad = anonymous (f.wire);
  g_autofree char *stranger = authorization ("INVITE", f.nonce, SIG_DIGEST_MD5, 1, "mallory", PASSWORD);
  invite_refused (&f, stranger);
  g_autofree char *after_stranger = anonymous (f.wire);
  g_assert_cmpstr (after_bad, ==, after_stranger);
  g_assert_false (is_stale (&f));
  /* right for another method */
  g_autofree char *method = authorization ("REGISTER", f.nonce, SIG_DIGEST_MD5, 1, "alice", PASSWORD);
  invite_refused (&f, method);
  g_assert_false (is_stale (&f));
  /* a nonce of nobody */
  g_autofree char *forged
      = authorization ("INVITE", "0123456789abcdef", SIG_DIGEST_MD5, 1, "alice", PASSWORD);
  invite_refused (&f, forged);
  g_assert_true (is_stale (&f));
  /* nothing that we could read: challenged like any other */
  invite_refused (&f, "Authorization: Digest username=\"alice\", realm=\"switchroom\"\r\n");
  invite_refused (&f, "Authorization: Basic YWxpY2U6b3BlbiBzZXNhbWU=\r\n");
  invite_refused (&f, "Authorization: Digest realm=\"other\", username=\"alice\", nonce=\"x\", uri=\"y\", "
                      "response=\"z\"\r\n");
  sig_sip_get_stats (f.e->sip, &stats);
  g_assert_cmpuint (stats.n_auth_failures, ==, 3);
  g_assert_cmpuint (stats.n_challenges, ==, 8);
  fixture_clear (&f);
}

static void
test_guessing_is_limited (void)
{
  Fixture f = fixture_new (NULL);
  guint n_limited = 0;
  SigSipStats stats;

  invite_refused (&f, NULL);
  for (guint i = 0; i < 60 && n_limited == 0; i++)
    {
      g_autofree char *bad = authorization ("REGISTER", f.nonce, SIG_DIGEST_MD5, 1, "alice", "guess");
      dialog_request (f.dialog, "REGISTER", bad, NULL, NULL);
      wire_expect (f.wire, "SIP/2.0 ");
      n_limited += g_str_has_prefix (f.wire->last, "SIP/2.0 503");
    }
  g_assert_cmpuint (n_limited, ==, 1);
  g_autofree char *retry_after = wire_header (f.wire, "Retry-After");
  g_assert_nonnull (retry_after);
  sig_sip_get_stats (f.e->sip, &stats);
  g_assert_cmpuint (stats.n_auth_failures, >=, 20);
  g_assert_cmpuint (stats.n_auth_limited, ==, 1);
  fixture_clear (&f);
}

static void
test_refused (void)
{
  Fixture f = fixture_new (NULL);

  dialog_request (f.dialog, "INVITE", "To: <sip:nobody@127.0.0.1>\r\n", "application/sdp", OFFER);
  wire_expect (f.wire, "SIP/2.0 404");
  g_assert_cmpuint (f.e->n_invites, ==, 0);
  fixture_clear (&f);
}

/* What is asked outside of a call is asked for as a call is. */
static void
test_outside (void)
{
  static const struct
  {
    const char *method, *headers, *type, *body, *heard;
  } rows[] = {
    { "MESSAGE", "", "text/plain", "hello", "message:outside:alice:lobby:hello" },
    { "SUBSCRIBE", "Event: presence\r\nExpires: 0\r\n", NULL, NULL,
      "subscribe:presence:sip:lobby@127.0.0.1:0" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Fixture f = fixture_new (NULL);
      g_autofree char *second = NULL;

      dialog_request (f.dialog, rows[i].method, rows[i].headers, rows[i].type, rows[i].body);
      wire_expect (f.wire, "SIP/2.0 401");
      g_assert_cmpstr (endpoint_heard (f.e), ==, "");
      g_free (challenge (f.wire, 0, &f.nonce));
      g_autofree char *wrong
          = authorization (rows[i].method, f.nonce, SIG_DIGEST_MD5, 1, "alice", "something else");
      g_autofree char *both_wrong = g_strconcat (rows[i].headers, wrong, NULL);
      dialog_request (f.dialog, rows[i].method, both_wrong, rows[i].type, rows[i].body);
      wire_expect (f.wire, "SIP/2.0 401");
      g_free (challenge (f.wire, 0, &second));
      g_autofree char *right = authorization (rows[i].method, second, SIG_DIGEST_MD5, 1, "alice", PASSWORD);
      g_autofree char *both = g_strconcat (rows[i].headers, right, NULL);
      dialog_request (f.dialog, rows[i].method, both, rows[i].type, rows[i].body);
      wire_expect (f.wire, "SIP/2.0 200");
      g_assert_true (g_str_has_prefix (f.e->heard->str, rows[i].heard));
      g_assert_cmpstr (f.e->username, ==, "alice");
      fixture_clear (&f);
    }
}

/* It gives up when it is offered what it does not know. */
static void
test_a_phone_that_knows_md5_only (void)
{
  static const char *const sha_only[] = { "SHA-256", NULL };
  static const struct
  {
    const char *agent;
    const char *const *algorithms;
    const char *offered;
  } rows[] = {
    { "baresip v1.0.0 (x86_64/linux)", NULL, "MD5 " },
    { "baresip v1.0.0 (x86_64/linux)", sha_only, "SHA-256 " },
    { "baresip v2.0.0 (x86_64/linux)", NULL, "MD5 SHA-256 " },
    { "another", NULL, "MD5 SHA-256 " },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Fixture f = fixture_new (rows[i].algorithms);
      g_autofree char *agent = g_strdup_printf ("User-Agent: %s\r\n", rows[i].agent);
      GString *offered = g_string_new (NULL);

      dialog_request (f.dialog, "REGISTER", agent, NULL, NULL);
      wire_expect (f.wire, "SIP/2.0 401");
      for (const char *at = f.wire->last; (at = strstr (at, "algorithm=")) != NULL; at++)
        g_string_append_printf (offered, "%.*s ", (int)strcspn (at + 10, ",\r"), at + 10);
      g_assert_cmpstr (offered->str, ==, rows[i].offered);
      g_string_free (offered, TRUE);
      fixture_clear (&f);
    }
}

/* ---- REGISTER ---- */

static GString *seen;

/* Writes down what was read, and answers with two bindings. */
static void
note_registration (Endpoint *e, const SigSipRegistration *r, SigSipRegistrationAnswer *answer)
{
  const SigSipBinding bindings[] = { { "sip:a@127.0.0.1:5099", 120, 1000 }, { "sip:b@192.0.2.1", 60, 500 } };

  g_string_printf (seen, "%s/%s %d%s %s", r->user, r->username != NULL ? r->username : "-", r->expires_s,
                   r->removes_all ? " *" : "", r->route != NULL ? r->route : "-");
  for (gsize i = 0; i < r->n_contacts; i++)
    g_string_append_printf (seen, " [%s > %s %d %u]", r->contacts[i].uri,
                            r->contacts[i].send_to != NULL ? r->contacts[i].send_to : "-",
                            r->contacts[i].expires_s, r->contacts[i].q_milli);
  if (g_str_equal (r->user, "short"))
    {
      answer->status = 423;
      answer->min_expires_s = 60;
      return;
    }
  g_array_append_vals (answer->bindings, bindings, 2);
}

static const struct
{
  const char *name, *headers;
  const char *seen; /* "PORT" stands for the source's; NULL: not asked */
  const char *status, *contact;
} registrations[] = {
  { "a contact of its own", "Contact: <sip:a@127.0.0.1:5099>;expires=120;q=0.7\r\n",
    "lobby/- -1 - [sip:a@127.0.0.1:5099 > - 120 700]", "200",
    "Contact: <sip:a@127.0.0.1:5099>;expires=120\r\nContact: <sip:b@192.0.2.1>;expires=60;q=0.500\r\n" },
  { "several, and the Expires header",
    "Contact: <sip:a@127.0.0.1:5099>, <sip:b@127.0.0.1>;expires=x\r\nExpires: 99\r\n",
    "lobby/- 99 - [sip:a@127.0.0.1:5099 > - -1 1000] [sip:b@127.0.0.1 > - 3600 1000]", "200", NULL },
  { "behind NAT", "Contact: <sip:a@10.0.0.5:5060;ob>\r\n",
    "lobby/- -1 - [sip:a@10.0.0.5:5060;ob > sip:127.0.0.1:PORT;transport=udp -1 1000]", "200", NULL },
  { "behind NAT, by its port",
    "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK-nat;rport\r\nContact: <sip:a@127.0.0.1>\r\n",
    "lobby/- -1 - [sip:a@127.0.0.1 > sip:127.0.0.1:PORT;transport=udp -1 1000]", "200", NULL },
  { "a name that only its own network knows", "Contact: <sip:a@x.invalid>\r\n",
    "lobby/- -1 - [sip:a@x.invalid > sip:127.0.0.1:PORT;transport=udp -1 1000]", "200", NULL },
  { "through a proxy that wants to stay",
    "Path: <sip:edge.example;lr>, <sip:192.0.2.9;lr>\r\nSupported: path\r\nContact: <sip:a@10.0.0.5>\r\n",
    "lobby/- -1 <sip:edge.example;lr>, <sip:192.0.2.9;lr> [sip:a@10.0.0.5 > - -1 1000]", "200", NULL },
  { "through a proxy that insists",
    "Path: <sip:edge.example;lr>\r\nRequire: path\r\nContact: <sip:a@10.0.0.5>\r\n",
    "lobby/- -1 <sip:edge.example;lr> [sip:a@10.0.0.5 > - -1 1000]", "200", NULL },
  { "everything goes", "Contact: *\r\nExpires: 0\r\n", "lobby/- 0 * -", "200", NULL },
  { "* without Expires", "Contact: *\r\n", NULL, "400 Contact * Needs Expires 0", NULL },
  { "* with a time", "Contact: *\r\nExpires: 60\r\n", NULL, "400", NULL },
  { "* with another", "Contact: *, <sip:a@127.0.0.1>\r\nExpires: 0\r\n", NULL, "400", NULL },
  { "nothing that we could call", "Contact: <tel:+15551234>\r\n", NULL, "400 Bad Contact", NULL },
  { "a host that is none", "Contact: <sip:a@b!c>\r\n", NULL, "400", NULL },
  { "more than we keep",
    "Contact: <sip:1@a.example>, <sip:2@a.example>, <sip:3@a.example>, <sip:4@a.example>, <sip:5@a.example>, "
    "<sip:6@a.example>, <sip:7@a.example>, <sip:8@a.example>, <sip:9@a.example>, <sip:10@a.example>, "
    "<sip:11@a.example>\r\n",
    NULL, "403 Too Many Contacts", NULL },
  { "too short", "To: <sip:short@127.0.0.1>\r\nContact: <sip:a@127.0.0.1:5099>;expires=5\r\n",
    "short/- -1 - [sip:a@127.0.0.1:5099 > - 5 1000]", "423", "Min-Expires: 60\r\n" },
};

static void
test_registrations (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .takes_register = TRUE });
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autofree char *port = g_strdup_printf ("%u", wire->port);

  e->registration = note_registration;
  seen = g_string_new (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (registrations); i++)
    {
      g_autoptr (Dialog) dialog = dialog_new (wire);
      g_test_message ("%s", registrations[i].name);
      g_string_truncate (seen, 0);
      dialog_request (dialog, "REGISTER", registrations[i].headers, NULL, NULL);
      g_autofree char *status = g_strdup_printf ("SIP/2.0 %s", registrations[i].status);
      wire_expect (wire, status);
      GString *expected = g_string_new (registrations[i].seen);
      g_string_replace (expected, "PORT", port, 0);
      g_assert_cmpstr (seen->str, ==, expected->str);
      g_string_free (expected, TRUE);
      if (registrations[i].contact != NULL)
        {
          g_test_message ("%s", wire->last);
          g_assert_nonnull (strstr (wire->last, registrations[i].contact));
        }
    }
  g_string_free (seen, TRUE);
}

/* Over a connection: that is where the phone is. And with a password, who it is. */
static void
test_register_over_tcp (void)
{
  Fixture f = fixture_new (NULL);
  g_autoptr (Wire) wire = wire_new (TRUE, FALSE, f.e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);
  g_autofree char *nonce = NULL;

  seen = g_string_new (NULL);
  f.e->registration = note_registration;
  dialog_request (dialog, "REGISTER", NULL, NULL, NULL);
  wire_expect (wire, "SIP/2.0 401");
  g_assert_cmpstr (seen->str, ==, "");
  g_free (challenge (wire, 1, &nonce));
  g_autofree char *headers = authorization ("REGISTER", nonce, SIG_DIGEST_SHA256, 1, "alice", PASSWORD);
  dialog_request (dialog, "REGISTER", headers, NULL, NULL);
  wire_expect (wire, "SIP/2.0 200");
  g_autofree char *expected = g_strdup_printf (
      "lobby/alice -1 - [sip:alice@127.0.0.1:%u;transport=tcp > sip:127.0.0.1:%u;transport=tcp -1 1000]",
      wire->port, wire->port);
  g_assert_cmpstr (seen->str, ==, expected);
  g_string_free (seen, TRUE);
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/access/invite", test_invite);
  g_test_add_func ("/signaling/sip/access/sha256", test_sha256);
  g_test_add_func ("/signaling/sip/access/wrong", test_wrong);
  g_test_add_func ("/signaling/sip/access/guessing_is_limited", test_guessing_is_limited);
  g_test_add_func ("/signaling/sip/access/refused", test_refused);
  g_test_add_func ("/signaling/sip/access/outside", test_outside);
  g_test_add_func ("/signaling/sip/access/a_phone_that_knows_md5_only", test_a_phone_that_knows_md5_only);
  g_test_add_func ("/signaling/sip/access/registrations", test_registrations);
  g_test_add_func ("/signaling/sip/access/register_over_tcp", test_register_over_tcp);
  return g_test_run ();
}
