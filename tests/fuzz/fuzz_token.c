#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "config/base/error.h"
#include "signaling/core/token.h"

static const char *
secret_of (gpointer user, const char *api_key)
{
  return g_strcmp0 (api_key, "devkey") == 0 ? "0123456789abcdef0123456789abcdef" : NULL;
}

/* 2026-11-21T07:55:00Z; the seed expires later. */
#define NOW ((CfgWall){ G_GINT64_CONSTANT (1795247700) * CFG_US_PER_S })

static void
run (const guint8 *data, gsize size)
{
  g_autofree char *text = fuzz_text (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (SigToken) token = sig_token_verify (text, NOW, secret_of, NULL, &error);

  g_assert_true ((token == NULL) == (error != NULL));
  if (token == NULL)
    {
      g_assert_error (error, CFG_ERROR, CFG_ERROR_UNAUTHENTICATED);
      return;
    }
  /* Nobody without the secret makes a token that says something else than the seed. */
  g_assert_cmpstr (token->api_key, ==, "devkey");
  g_assert_cmpstr (token->identity, ==, "alice");
  g_assert_cmpstr (token->room, ==, "lobby");
  g_assert_true (token->room_join);
  g_assert_false (token->room_admin);
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJkZXZrZXkiLCJzdWIiOiJhbGljZSIsImV4cCI6NDEwM"
             "jQ0NDgwMCwidmlkZW8iOnsicm9vbUpvaW4iOnRydWUsInJvb20iOiJsb2JieSJ9fQ.hJQmA_46LLTuUSQKUkwNYdAk"
             "XxN6m1eMN4B-5eZhq9A"),
  FUZZ_TEXT ("eyJhbGciOiJub25lIn0.eyJpc3MiOiJkZXZrZXkiLCJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMH0."),
};

static const char *const words[] = { ".", "=", "-", "_", "eyJ", "eyJhbGciOiJub25lIn0", "fQ", NULL };

const FuzzTarget fuzz_target = { "token", run, seeds, G_N_ELEMENTS (seeds), NULL, words, 0 };
