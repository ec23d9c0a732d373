#include "signaling/core/token.h"

#include <string.h>

#include "config/base/error.h"

#define NOW_S  G_GINT64_CONSTANT (1800000000)
#define SECRET "secret-of-the-test-key"

static const CfgWall now = { NOW_S * CFG_US_PER_S };

static const char *
secret_of (gpointer user, const char *api_key)
{
  if (g_strcmp0 (api_key, "devkey") == 0)
    return SECRET;
  return g_strcmp0 (api_key, "emptykey") == 0 ? "" : NULL;
}

static char *
base64url (const guint8 *bytes, gsize size)
{
  char *text = g_base64_encode (bytes, size);

  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  while (*text != '\0' && text[strlen (text) - 1] == '=')
    text[strlen (text) - 1] = '\0';
  return text;
}

/* Signs any header and payload, so that odd ones can be tried. */
static char *
sign (const char *header, const char *payload, const char *secret)
{
  g_autofree char *h = base64url ((const guint8 *)header, strlen (header));
  g_autofree char *p = base64url ((const guint8 *)payload, strlen (payload));
  g_autofree char *body = g_strconcat (h, ".", p, NULL), *signature = NULL;
  GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA256, (const guint8 *)secret, strlen (secret));
  guint8 digest[32];
  gsize size = sizeof digest;

  g_hmac_update (hmac, (const guint8 *)body, (gssize)strlen (body));
  g_hmac_get_digest (hmac, digest, &size);
  g_hmac_unref (hmac);
  signature = base64url (digest, size);
  return g_strconcat (body, ".", signature, NULL);
}

#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static SigToken *
accept (const char *payload)
{
  g_autofree char *jwt = sign (HS256, payload, SECRET);
  g_autoptr (GError) error = NULL;
  SigToken *token = sig_token_verify (jwt, now, secret_of, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (token);
  return token;
}

static void
assert_refused (const char *jwt, const char *words)
{
  g_autoptr (GError) error = NULL;
  SigToken *token = sig_token_verify (jwt, now, secret_of, NULL, &error);

  g_assert_null (token);
  g_assert_error (error, CFG_ERROR, CFG_ERROR_UNAUTHENTICATED);
  if (strstr (error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, words);
  if (strlen (jwt) > 60)
    g_assert_null (strstr (error->message, jwt));
}

static void
assert_payload_refused (const char *payload, const char *words)
{
  g_autofree char *jwt = sign (HS256, payload, SECRET);

  assert_refused (jwt, words);
}

static void
test_reads_grants (void)
{
  g_autoptr (SigToken) token = accept (
      "{\"iss\":\"devkey\",\"sub\":\"alice\",\"name\":\"Alice\",\"metadata\":\"m\",\"exp\":1800000100,"
      "\"nbf\":1799999990,\"video\":{\"roomJoin\":true,\"room\":\"lobby\",\"canPublish\":false},"
      "\"sip\":{\"call\":true}}");

  g_assert_cmpstr (token->api_key, ==, "devkey");
  g_assert_cmpstr (token->identity, ==, "alice");
  g_assert_cmpstr (token->name, ==, "Alice");
  g_assert_cmpstr (token->metadata, ==, "m");
  g_assert_cmpstr (token->room, ==, "lobby");
  g_assert_true (token->room_join);
  g_assert_false (token->room_admin);
  g_assert_false (token->can_publish);
  g_assert_true (token->can_subscribe);
  g_assert_true (token->sip_call);
  g_assert_false (token->sip_admin);
  g_assert_cmpint (token->expires_s, ==, 1800000100);
}

static void
test_defaults (void)
{
  g_autoptr (SigToken) token = accept ("{\"iss\":\"devkey\",\"exp\":1800000100.5}");

  g_assert_cmpstr (token->identity, ==, "");
  g_assert_null (token->room);
  g_assert_false (token->room_join);
  g_assert_true (token->can_publish);
}

static void
test_times (void)
{
  g_autoptr (SigToken) just_expired = accept ("{\"iss\":\"devkey\",\"exp\":1799999990}");
  g_autoptr (SigToken) just_early = accept ("{\"iss\":\"devkey\",\"exp\":1800000100,\"nbf\":1800000010}");

  g_assert_nonnull (just_expired);
  g_assert_nonnull (just_early);
  assert_payload_refused ("{\"iss\":\"devkey\",\"exp\":1799999989}", "expired");
  assert_payload_refused ("{\"iss\":\"devkey\",\"exp\":-9223372036854775808}", "expired");
  assert_payload_refused ("{\"iss\":\"devkey\",\"exp\":1800000100,\"nbf\":1800000011}", "not valid yet");
  assert_payload_refused ("{\"iss\":\"devkey\",\"exp\":1800000100,\"nbf\":9223372036854775807}",
                          "not valid yet");
  assert_payload_refused ("{\"iss\":\"devkey\",\"exp\":1800000100,\"nbf\":\"x\"}", "nbf");
  assert_payload_refused ("{\"iss\":\"devkey\"}", "no exp");
  assert_payload_refused ("{\"iss\":\"devkey\",\"exp\":\"1800000100\"}", "no exp");
  assert_payload_refused ("{\"iss\":\"devkey\",\"exp\":1e300}", "no exp");
}

static void
test_issuers_and_types (void)
{
  assert_payload_refused ("{\"exp\":1800000100}", "no iss");
  assert_payload_refused ("{\"iss\":5,\"exp\":1800000100}", "no iss");
  assert_payload_refused ("{\"iss\":\"nobody\",\"exp\":1800000100}", "not known");
  assert_payload_refused ("{\"iss\":\"emptykey\",\"exp\":1800000100}", "not known");
  assert_payload_refused ("{\"iss\":\"devkey\",\"exp\":1800000100,\"sub\":5}", "wrong type");
  assert_payload_refused ("{\"iss\":\"devkey\",\"exp\":1800000100,\"video\":[]}", "wrong type");
  assert_payload_refused ("{\"iss\":\"devkey\",\"exp\":1800000100,\"sip\":true}", "wrong type");
  assert_payload_refused ("[]", "");
  assert_payload_refused ("not json", "not a JWT");
}

static void
test_algorithms (void)
{
  static const char *const headers[] = {
    "{\"alg\":\"none\",\"typ\":\"JWT\"}",
    "{\"alg\":\"None\",\"typ\":\"JWT\"}",
    "{\"alg\":\"hs256\",\"typ\":\"JWT\"}",
    "{\"alg\":\"HS512\",\"typ\":\"JWT\"}",
    "{\"alg\":\"RS256\",\"typ\":\"JWT\"}",
    "{\"typ\":\"JWT\"}",
    "{\"alg\":256,\"typ\":\"JWT\"}",
    "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
    "{}",
    "[]",
    "x",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      g_autofree char *jwt = sign (headers[i], "{\"iss\":\"devkey\",\"exp\":1800000100}", SECRET);

      assert_refused (jwt, "access token: ");
    }
}

static void
test_signatures (void)
{
  g_autofree char *good = sign (HS256, "{\"iss\":\"devkey\",\"exp\":1800000100}", SECRET);
  g_autofree char *wrong = sign (HS256, "{\"iss\":\"devkey\",\"exp\":1800000100}", "another secret");
  g_autofree char *trailing = g_strconcat (good, "A", NULL);
  g_autofree char *padded = g_strconcat (good, "=", NULL);
  g_autofree char *line = g_strconcat (good, "\n", NULL);
  g_autofree char *fourth = g_strconcat (good, ".x", NULL);
  g_autofree char *unsigned_jwt = g_strndup (good, (gsize)(strrchr (good, '.') - good) + 1);

  assert_refused (wrong, "signature");
  assert_refused (trailing, "HS256");
  assert_refused (padded, "not a JWT");
  assert_refused (line, "not a JWT");
  assert_refused (fourth, "not a JWT");
  assert_refused (unsigned_jwt, "HS256");
  assert_refused ("", "empty");
  assert_refused ("..", "not a JWT");
  assert_refused ("a.b", "HS256");
  assert_refused ("\xff\xfe", "not a JWT");
}

/* Every single changed character is noticed, also in the unused bits of the last one. */
static void
test_every_change_is_noticed (void)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  g_autofree char *good = sign (HS256, "{\"iss\":\"devkey\",\"exp\":1800000100}", SECRET);

  for (gsize i = 0; good[i] != '\0'; i++)
    for (gsize c = 0; c < sizeof alphabet - 1; c += (good[i + 1] == '\0') ? 1 : 17)
      {
        g_autofree char *changed = g_strdup (good);
        g_autoptr (SigToken) token = NULL;

        if (changed[i] == alphabet[c])
          continue;
        changed[i] = alphabet[c];
        token = sig_token_verify (changed, now, secret_of, NULL, NULL);
        g_assert_null (token);
      }
}

static void
test_oversized (void)
{
  g_autofree char *fill = g_strnfill (17000, 'A');
  g_autofree char *jwt = g_strconcat (fill, ".", fill, ".", fill, NULL);

  assert_refused (jwt, "too long");
}

static void
test_mint (void)
{
  SigToken wanted = {
    .api_key = (char *)"devkey",
    .identity = (char *)"b\xc3\xb6rn \"x\"",
    .room = (char *)"lobby",
    .room_join = TRUE,
    .can_publish = TRUE,
    .can_subscribe = FALSE,
    .sip_admin = TRUE,
    .expires_s = NOW_S + 3600,
  };
  g_autofree char *jwt = sig_token_mint (&wanted, SECRET, now);
  g_autoptr (GError) error = NULL;
  g_autoptr (SigToken) token = sig_token_verify (jwt, now, secret_of, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (token->identity, ==, wanted.identity);
  g_assert_cmpstr (token->room, ==, "lobby");
  g_assert_true (token->room_join);
  g_assert_true (token->can_publish);
  g_assert_false (token->can_subscribe);
  g_assert_true (token->sip_admin);
  g_assert_false (token->sip_call);
  g_assert_null (token->name);
  g_assert_cmpint (token->expires_s, ==, wanted.expires_s);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/token/reads_grants", test_reads_grants);
  g_test_add_func ("/signaling/token/defaults", test_defaults);
  g_test_add_func ("/signaling/token/times", test_times);
  g_test_add_func ("/signaling/token/issuers_and_types", test_issuers_and_types);
  g_test_add_func ("/signaling/token/algorithms", test_algorithms);
  g_test_add_func ("/signaling/token/signatures", test_signatures);
  g_test_add_func ("/signaling/token/every_change_is_noticed", test_every_change_is_noticed);
  g_test_add_func ("/signaling/token/oversized", test_oversized);
  g_test_add_func ("/signaling/token/mint", test_mint);
  return g_test_run ();
}
