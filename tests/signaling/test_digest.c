/* Digest authentication: the examples of the RFCs, then the server against clients that do it right, wrong,
 * twice and too late. */
#include "signaling/core/digest.h"

#include <string.h>

/* ---- responses ---- */

typedef struct
{
  const char *name;
  SigDigestInput input;
  const char *response;
} Vector;

#define RFC_7616_NONCE  "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
#define RFC_7616_CNONCE "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
#define RFC_2617_NONCE  "dcd98b7102dd2f0e8b11d0f600bfb0c093"

static const Vector vectors[] = {
  { "RFC 2069 2.4, errata",
    { .algorithm = SIG_DIGEST_MD5,
      .username = "Mufasa",
      .realm = "testrealm@host.com",
      .password = "CircleOfLife",
      .method = "GET",
      .uri = "/dir/index.html",
      .nonce = RFC_2617_NONCE },
    "1949323746fe6a43ef61f9606e7febea" },
  { "RFC 2617 3.5",
    { .algorithm = SIG_DIGEST_MD5,
      .qop = SIG_DIGEST_QOP_AUTH,
      .username = "Mufasa",
      .realm = "testrealm@host.com",
      .password = "Circle Of Life",
      .method = "GET",
      .uri = "/dir/index.html",
      .nonce = RFC_2617_NONCE,
      .cnonce = "0a4f113b",
      .count = 1 },
    "6629fae49393a05397450978507c4ef1" },
  { "RFC 7616 3.9.1, MD5",
    { .algorithm = SIG_DIGEST_MD5,
      .qop = SIG_DIGEST_QOP_AUTH,
      .username = "Mufasa",
      .realm = "http-auth@example.org",
      .password = "Circle of Life",
      .method = "GET",
      .uri = "/dir/index.html",
      .nonce = RFC_7616_NONCE,
      .cnonce = RFC_7616_CNONCE,
      .count = 1 },
    "8ca523f5e9506fed4657c9700eebdbec" },
  { "RFC 7616 3.9.1, SHA-256",
    { .algorithm = SIG_DIGEST_SHA256,
      .qop = SIG_DIGEST_QOP_AUTH,
      .username = "Mufasa",
      .realm = "http-auth@example.org",
      .password = "Circle of Life",
      .method = "GET",
      .uri = "/dir/index.html",
      .nonce = RFC_7616_NONCE,
      .cnonce = RFC_7616_CNONCE,
      .count = 1 },
    "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" },
  { "MD5-sess",
    { .algorithm = SIG_DIGEST_MD5_SESS,
      .qop = SIG_DIGEST_QOP_AUTH,
      .username = "bob",
      .realm = "biloxi.com",
      .password = "zanzibar",
      .method = "REGISTER",
      .uri = "sip:biloxi.com",
      .nonce = "abc",
      .cnonce = "xyz",
      .count = 10 },
    "28719068696061a8c1fce5c9b329c99d" },
  { "SHA-256-sess",
    { .algorithm = SIG_DIGEST_SHA256_SESS,
      .qop = SIG_DIGEST_QOP_AUTH,
      .username = "bob",
      .realm = "biloxi.com",
      .password = "zanzibar",
      .method = "REGISTER",
      .uri = "sip:biloxi.com",
      .nonce = "abc",
      .cnonce = "xyz",
      .count = 10 },
    "f393f33c4c91e5f16aaef4bd05d3b6785914e999403922a2503c8ab763c0d08d" },
  { "MD5, auth-int",
    { .algorithm = SIG_DIGEST_MD5,
      .qop = SIG_DIGEST_QOP_AUTH_INT,
      .username = "bob",
      .realm = "biloxi.com",
      .password = "zanzibar",
      .method = "INVITE",
      .uri = "sip:alice@biloxi.com",
      .nonce = "abc",
      .cnonce = "xyz",
      .count = 1,
      .body = "v=0\r\n",
      .body_size = 5 },
    "eaffdd22a8b6e5681de0d83ba7facccd" },
  { "SHA-256, auth-int",
    { .algorithm = SIG_DIGEST_SHA256,
      .qop = SIG_DIGEST_QOP_AUTH_INT,
      .username = "bob",
      .realm = "biloxi.com",
      .password = "zanzibar",
      .method = "INVITE",
      .uri = "sip:alice@biloxi.com",
      .nonce = "abc",
      .cnonce = "xyz",
      .count = 1,
      .body = "v=0\r\n",
      .body_size = 5 },
    "dfedfdf61e1e25566e04c00065aad630fcba067e37bac58d757a8173f55e49ed" },
};

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      g_autofree char *response = sig_digest_response (&vectors[i].input);
      g_test_message ("%s", vectors[i].name);
      g_assert_cmpstr (response, ==, vectors[i].response);
    }
}

static void
test_words (void)
{
  g_assert_cmpint (sig_digest_algorithm_parse (NULL), ==, SIG_DIGEST_MD5);
  g_assert_cmpint (sig_digest_algorithm_parse ("md5"), ==, SIG_DIGEST_MD5);
  g_assert_cmpint (sig_digest_algorithm_parse ("\"SHA-256\""), ==, SIG_DIGEST_SHA256);
  g_assert_cmpint (sig_digest_algorithm_parse ("SHA-256-sess"), ==, SIG_DIGEST_SHA256_SESS);
  g_assert_cmpint (sig_digest_algorithm_parse ("SHA-512-256"), ==, SIG_DIGEST_NONE);
  g_assert_cmpint (sig_digest_algorithm_parse ("\""), ==, SIG_DIGEST_NONE);
  g_assert_cmpint (sig_digest_qop_parse (NULL), ==, SIG_DIGEST_QOP_NONE);
  g_assert_cmpint (sig_digest_qop_parse ("\"auth-int,auth\""), ==, SIG_DIGEST_QOP_AUTH);
  g_assert_cmpint (sig_digest_qop_parse ("\"auth-int\""), ==, SIG_DIGEST_QOP_AUTH_INT);
  g_assert_cmpint (sig_digest_qop_parse ("token"), ==, SIG_DIGEST_QOP_UNKNOWN);
}

/* ---- credentials ---- */

#define GOOD "username=\"alice\"", "realm=\"switchroom\"", "nonce=\"n\"", "uri=\"sip:x\"", "response=\"r\""

static void
test_credentials (void)
{
  static const struct
  {
    const char *params[10];
    gboolean is_good;
  } rows[] = {
    { { GOOD, NULL }, TRUE },
    { { GOOD, "qop=auth", "nc=00000001", "cnonce=\"c\"", NULL }, TRUE },
    { { GOOD, "qop=\"auth\"", "nc=\"0000000a\"", "cnonce=\"c\"", "algorithm=SHA-256", NULL }, TRUE },
    { { GOOD, "qop=auth", "cnonce=\"c\"", NULL }, FALSE },                    /* no count */
    { { GOOD, "qop=auth", "nc=1", "cnonce=\"c\"", NULL }, FALSE },            /* not eight digits */
    { { GOOD, "qop=auth", "nc=0000000g", "cnonce=\"c\"", NULL }, FALSE },     /* not hexadecimal */
    { { GOOD, "qop=auth", "nc=00000001", NULL }, FALSE },                     /* no cnonce */
    { { GOOD, "qop=auth-int", "nc=00000001", "cnonce=\"c\"", NULL }, FALSE }, /* not offered */
    { { GOOD, "qop=maybe", "nc=00000001", "cnonce=\"c\"", NULL }, FALSE },
    { { GOOD, "algorithm=SHA-512-256", NULL }, FALSE },
    { { GOOD, "username=\"bob\"", NULL }, FALSE }, /* twice */
    { { "username=\"alice\"", "realm=\"switchroom\"", "nonce=\"n\"", "response=\"r\"", NULL }, FALSE },
    { { NULL }, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (SigDigestCredentials) credentials = { 0 };
      g_test_message ("row %u", i);
      g_assert_cmpint (sig_digest_credentials_parse (rows[i].params, &credentials), ==, rows[i].is_good);
      g_assert_cmpstr (credentials.username, ==, rows[i].is_good ? "alice" : NULL);
      if (i == 2)
        g_assert_cmpuint (credentials.count, ==, 10);
    }

  g_autofree char *value = g_strnfill (600, 'x');
  g_autofree char *overlong = g_strdup_printf ("opaque=\"\"");
  g_autofree char *name = g_strdup_printf ("username=\"%s\"", value);
  const char *const params[]
      = { name, "realm=\"r\"", "nonce=\"n\"", "uri=\"u\"", "response=\"r\"", overlong, NULL };
  g_auto (SigDigestCredentials) credentials = { 0 };
  g_assert_false (sig_digest_credentials_parse (params, &credentials));
}

/* ---- the server ---- */

#define PASSWORD "open sesame"

typedef struct
{
  SigDigestServer *server;
  CfgMonotonic now;
  guint64 salt;
} Fixture;

static const guint8 key[32] = { 1, 2, 3 };

static Fixture
fixture_new (guint max_used)
{
  const SigDigestServerConfig config
      = { .realm = "switchroom", .key = key, .nonce_lifetime_s = 300, .max_used_nonces = max_used };

  return (Fixture){ sig_digest_server_new (&config), { 1000 * CFG_US_PER_S }, 1 };
}

/* (transfer full): the nonce of a new challenge. */
static char *
challenge (Fixture *f, gboolean is_stale)
{
  g_autofree char *text
      = sig_digest_server_challenge (f->server, SIG_DIGEST_SHA256, f->now, f->salt++, is_stale);
  const char *nonce = strstr (text, "nonce=\"") + 7;

  g_assert_true (g_str_has_prefix (text, "Digest realm=\"switchroom\", nonce=\""));
  g_assert_nonnull (strstr (text, "algorithm=SHA-256, qop=\"auth\""));
  g_assert_cmpint (strstr (text, "stale=true") != NULL, ==, is_stale);
  return g_strndup (nonce, strcspn (nonce, "\""));
}

/* A client that answers @nonce with @password for @method. @count: 0: without qop */
static SigDigestVerdict
answer (Fixture *f, const char *nonce, guint32 count, const char *password, const char *expected_password,
        SigDigestAlgorithm algorithm)
{
  SigDigestInput input = { .algorithm = algorithm,
                           .username = "alice",
                           .realm = "switchroom",
                           .password = password,
                           .method = "REGISTER",
                           .uri = "sip:x",
                           .nonce = nonce,
                           .cnonce = "c",
                           .count = count,
                           .qop = count > 0 ? SIG_DIGEST_QOP_AUTH : SIG_DIGEST_QOP_NONE };
  g_autofree char *response = sig_digest_response (&input);
  const SigDigestCredentials credentials = { .algorithm = algorithm,
                                             .qop = input.qop,
                                             .username = (char *)"alice",
                                             .realm = (char *)"switchroom",
                                             .nonce = (char *)nonce,
                                             .uri = (char *)"sip:x",
                                             .response = response,
                                             .cnonce = (char *)"c",
                                             .count = count };

  return sig_digest_server_check (f->server, &credentials, "REGISTER", expected_password, f->now);
}

#define ANSWER(f, nonce, count) answer ((f), (nonce), (count), PASSWORD, PASSWORD, SIG_DIGEST_SHA256)

static void
test_server (void)
{
  Fixture f = fixture_new (10);
  g_autofree char *nonce = challenge (&f, FALSE);
  g_autofree char *other = challenge (&f, TRUE);

  g_assert_cmpstr (nonce, !=, other);
  g_assert_cmpint (answer (&f, nonce, 1, "wrong", PASSWORD, SIG_DIGEST_SHA256), ==, SIG_DIGEST_WRONG);
  g_assert_cmpint (answer (&f, nonce, 1, PASSWORD, NULL, SIG_DIGEST_SHA256), ==, SIG_DIGEST_WRONG);
  g_assert_cmpint (answer (&f, nonce, 1, "", NULL, SIG_DIGEST_SHA256), ==, SIG_DIGEST_WRONG);
  g_assert_cmpuint (sig_digest_server_n_used (f.server), ==, 0); /* nothing is kept of who proved nothing */
  g_assert_cmpint (ANSWER (&f, nonce, 1), ==, SIG_DIGEST_RIGHT);
  g_assert_cmpint (ANSWER (&f, nonce, 1), ==, SIG_DIGEST_STALE); /* played again */
  g_assert_cmpint (ANSWER (&f, nonce, 7), ==, SIG_DIGEST_RIGHT);
  g_assert_cmpint (ANSWER (&f, nonce, 6), ==, SIG_DIGEST_STALE);
  g_assert_cmpuint (sig_digest_server_n_used (f.server), ==, 1);
  for (guint i = SIG_DIGEST_MD5; i <= SIG_DIGEST_SHA256_SESS; i++)
    g_assert_cmpint (answer (&f, other, i, PASSWORD, PASSWORD, (SigDigestAlgorithm)i), ==, SIG_DIGEST_RIGHT);
  sig_digest_server_free (f.server);
}

/* A client that knows no qop: once per nonce. */
static void
test_without_qop (void)
{
  Fixture f = fixture_new (10);
  g_autofree char *nonce = challenge (&f, FALSE);

  g_assert_cmpint (answer (&f, nonce, 0, "x", PASSWORD, SIG_DIGEST_MD5), ==, SIG_DIGEST_WRONG);
  g_assert_cmpint (answer (&f, nonce, 0, PASSWORD, PASSWORD, SIG_DIGEST_MD5), ==, SIG_DIGEST_RIGHT);
  g_assert_cmpint (answer (&f, nonce, 0, PASSWORD, PASSWORD, SIG_DIGEST_MD5), ==, SIG_DIGEST_STALE);
  g_assert_cmpint (ANSWER (&f, nonce, 1), ==, SIG_DIGEST_STALE);
  sig_digest_server_free (f.server);
}

static void
test_nonces (void)
{
  Fixture f = fixture_new (10);
  g_autofree char *nonce = challenge (&f, FALSE);
  g_autofree char *forged = g_strdup (nonce);
  CfgMonotonic start = f.now;

  forged[3] = forged[3] == '0' ? '1' : '0'; /* another instant, the old HMAC */
  g_assert_cmpint (ANSWER (&f, forged, 1), ==, SIG_DIGEST_STALE);
  g_assert_cmpint (ANSWER (&f, "", 1), ==, SIG_DIGEST_STALE);
  g_assert_cmpint (ANSWER (&f, "dcd98b7102dd2f0e8b11d0f600bfb0c093", 1), ==, SIG_DIGEST_STALE);
  /* a stale nonce tells nobody whether the password was right */
  g_assert_cmpint (answer (&f, forged, 1, "x", PASSWORD, SIG_DIGEST_MD5), ==, SIG_DIGEST_STALE);

  f.now = cfg_monotonic_add_us (start, 300 * CFG_US_PER_S);
  g_assert_cmpint (ANSWER (&f, nonce, 1), ==, SIG_DIGEST_RIGHT);
  f.now = cfg_monotonic_add_us (start, 300 * CFG_US_PER_S + 1);
  g_assert_cmpint (ANSWER (&f, nonce, 2), ==, SIG_DIGEST_STALE);
  g_assert_cmpuint (sig_digest_server_n_used (f.server), ==, 0); /* and is forgotten */
  f.now = cfg_monotonic_add_us (start, -1);
  g_assert_cmpint (ANSWER (&f, nonce, 3), ==, SIG_DIGEST_STALE); /* made later than now */
  sig_digest_server_free (f.server);
}

/* The table is bounded, and what it had to forget cannot be played again. */
static void
test_full_table (void)
{
  Fixture f = fixture_new (3);
  char *nonces[6];

  for (guint i = 0; i < G_N_ELEMENTS (nonces); i++)
    {
      f.now.us += 1000;
      nonces[i] = challenge (&f, FALSE);
    }
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint (ANSWER (&f, nonces[i], 1), ==, SIG_DIGEST_RIGHT);
  g_assert_cmpuint (sig_digest_server_n_used (f.server), ==, 3);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint (ANSWER (&f, nonces[i], 1), ==, SIG_DIGEST_STALE);
  g_assert_cmpint (ANSWER (&f, nonces[0], 2), ==, SIG_DIGEST_STALE); /* forgotten: once more, please */
  g_assert_cmpint (ANSWER (&f, nonces[4], 2), ==, SIG_DIGEST_RIGHT);
  g_assert_cmpint (ANSWER (&f, nonces[5], 1), ==, SIG_DIGEST_RIGHT);
  for (guint i = 0; i < G_N_ELEMENTS (nonces); i++)
    g_free (nonces[i]);
  sig_digest_server_free (f.server);
}

/* Another gateway, or the same one after a restart, has another key. */
static void
test_other_key (void)
{
  Fixture a = fixture_new (3);
  const guint8 other_key[32] = { 9 };
  const SigDigestServerConfig config
      = { .realm = "switchroom", .key = other_key, .nonce_lifetime_s = 300, .max_used_nonces = 3 };
  Fixture b = { sig_digest_server_new (&config), a.now, 1 };
  g_autofree char *nonce = challenge (&a, FALSE);

  g_assert_cmpint (ANSWER (&b, nonce, 1), ==, SIG_DIGEST_STALE);
  g_assert_cmpint (ANSWER (&a, nonce, 1), ==, SIG_DIGEST_RIGHT);
  sig_digest_server_free (a.server);
  sig_digest_server_free (b.server);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/digest/vectors", test_vectors);
  g_test_add_func ("/signaling/digest/words", test_words);
  g_test_add_func ("/signaling/digest/credentials", test_credentials);
  g_test_add_func ("/signaling/digest/server", test_server);
  g_test_add_func ("/signaling/digest/without_qop", test_without_qop);
  g_test_add_func ("/signaling/digest/nonces", test_nonces);
  g_test_add_func ("/signaling/digest/full_table", test_full_table);
  g_test_add_func ("/signaling/digest/other_key", test_other_key);
  return g_test_run ();
}
