#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "config/base/error.h"
#include "signaling/core/jsonrpc.h"

/* Whatever comes in, an answer can be written, and it is JSON of one line. */
static void
check_answer (json_t *answer)
{
  gsize size = 0;
  g_autofree char *text = sig_json_dump (answer, &size);
  json_t *again = json_loadb (text, size, 0, NULL);

  g_assert_nonnull (again);
  g_assert_null (memchr (text, '\n', size));
  json_decref (again);
}

static void
check_request (const SigJsonrpcRequest *request)
{
  if (request->method == NULL)
    {
      g_assert_nonnull (request->error_text);
      check_answer (sig_jsonrpc_error (request->id, SIG_JSONRPC_INVALID_REQUEST, request->error_text, NULL));
      return;
    }
  g_assert_true (json_is_object (request->params));
  check_answer (sig_jsonrpc_result (request->id, json_incref (request->params)));
}

static void
run (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  gboolean is_batch = FALSE;
  SigJsonrpcCode code = 0;
  g_autoptr (GPtrArray) requests = sig_jsonrpc_parse ((const char *)data, size, &is_batch, &code, &error);

  g_assert_true ((requests == NULL) == (error != NULL));
  if (requests == NULL)
    {
      g_assert_true (code == SIG_JSONRPC_PARSE_ERROR || code == SIG_JSONRPC_INVALID_REQUEST);
      check_answer (sig_jsonrpc_error (NULL, code, error->message, NULL));
      return;
    }
  g_assert_cmpuint (requests->len, >=, 1);
  g_assert_cmpuint (requests->len, <=, SIG_JSONRPC_MAX_BATCH);
  for (guint i = 0; i < requests->len; i++)
    check_request (requests->pdata[i]);
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"room.create\",\"params\":{\"name\":\"lobby\",\"a\":["
             "1,2.5,null,true]}}"),
  FUZZ_TEXT ("[{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"server.info\"},{\"jsonrpc\":\"2.0\",\"method\":"
             "\"n\",\"params\":{}}]"),
  FUZZ_TEXT ("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"session.join\",\"params\":{\"sdp\":\"v="
             "0\\r\\n\\u00e9\\ud83d\\udcde\"}}"),
};

static const char *const words[] = { "{",
                                     "}",
                                     "[",
                                     "]",
                                     "\"",
                                     ":",
                                     ",",
                                     "null",
                                     "true",
                                     "1e999",
                                     "-0",
                                     "\\u0000",
                                     "\\ud800",
                                     "\"id\":",
                                     "\"method\":",
                                     "\"params\":",
                                     "\"jsonrpc\":\"2.0\"",
                                     NULL };

const FuzzTarget fuzz_target = { "jsonrpc", run, seeds, G_N_ELEMENTS (seeds), NULL, words, 0 };
