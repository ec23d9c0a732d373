#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "signaling/core/digest.h"

#define NOW ((CfgMonotonic){ 1000 * CFG_US_PER_S })

static const guint8 key[32] = { 7 };

/* One parameter of an Authorization header per line. Without the key nobody gets in, and nothing is kept. */
static void
run (const guint8 *data, gsize size)
{
  const SigDigestServerConfig config
      = { .realm = "switchroom", .key = key, .nonce_lifetime_s = 300, .max_used_nonces = 4 };
  g_autofree char *text = fuzz_text (data, size);
  g_auto (GStrv) params = g_strsplit (text, "\n", 64);
  g_auto (SigDigestCredentials) credentials = { 0 };
  g_autoptr (SigDigestServer) server = sig_digest_server_new (&config);

  if (!sig_digest_credentials_parse ((const char *const *)params, &credentials))
    {
      g_assert_null (credentials.username);
      return;
    }
  g_assert_nonnull (credentials.response);
  g_assert_cmpint (sig_digest_server_check (server, &credentials, "INVITE", "secret", NOW), !=,
                   SIG_DIGEST_RIGHT);
  g_assert_cmpuint (sig_digest_server_n_used (server), ==, 0);
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT (
      "username=\"alice\"\nrealm=\"switchroom\"\nnonce=\"000000003b9aca0000000000000000010123456789abcdef"
      "0123456789abcdef\"\nuri=\"sip:x\"\nresponse=\"0123456789abcdef0123456789abcdef\"\nqop=auth\n"
      "nc=00000001\ncnonce=\"c\"\nalgorithm=SHA-256"),
  FUZZ_TEXT ("username=\"a\"\nrealm=\"b\"\nnonce=\"c\"\nuri=\"d\"\nresponse=\"e\""),
};

static const char *const words[]
    = { "\"", "=", "\n", "qop=", "auth-int", "nc=", "MD5-sess", "algorithm=", "cnonce=", NULL };

const FuzzTarget fuzz_target = { "digest", run, seeds, G_N_ELEMENTS (seeds), NULL, words, 0 };
