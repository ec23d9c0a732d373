#include "signaling/core/jsonrpc.h"

#include <string.h>

#include "config/base/error.h"

static GPtrArray *
parse (const char *text, gboolean *is_batch)
{
  SigJsonrpcCode code = 0;
  g_autoptr (GError) error = NULL;
  GPtrArray *requests = sig_jsonrpc_parse (text, strlen (text), is_batch, &code, &error);

  g_assert_no_error (error);
  g_assert_nonnull (requests);
  return requests;
}

static void
assert_refused (const char *text, gsize size, SigJsonrpcCode expected)
{
  SigJsonrpcCode code = 0;
  gboolean is_batch;
  g_autoptr (GError) error = NULL;

  g_assert_null (sig_jsonrpc_parse (text, size, &is_batch, &code, &error));
  g_assert_cmpint (code, ==, expected);
  g_assert_nonnull (error);
}

static void
assert_dump (json_t *message, const char *expected)
{
  gsize size = 0;
  g_autofree char *text = sig_json_dump (message, &size);

  g_assert_cmpstr (text, ==, expected);
  g_assert_cmpuint (size, ==, strlen (expected));
}

static void
test_request (void)
{
  gboolean is_batch = TRUE;
  g_autoptr (GPtrArray) requests = parse (
      "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"room.get\",\"params\":{\"name\":\"lobby\"}}", &is_batch);
  const SigJsonrpcRequest *request = g_ptr_array_index (requests, 0);

  g_assert_false (is_batch);
  g_assert_cmpuint (requests->len, ==, 1);
  g_assert_cmpint (json_integer_value (request->id), ==, 7);
  g_assert_cmpstr (request->method, ==, "room.get");
  g_assert_cmpstr (json_string_value (json_object_get (request->params, "name")), ==, "lobby");
  g_assert_null (request->error_text);
}

static void
test_ids (void)
{
  static const struct
  {
    const char *text;
    gboolean is_notification, is_malformed, is_list;
  } rows[] = {
    { "{\"jsonrpc\":\"2.0\",\"method\":\"m\"}", TRUE, FALSE },
    { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":null}", FALSE, FALSE },
    { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":\"a\"}", FALSE, FALSE },
    { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1.5}", FALSE, TRUE },
    { "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":{}}", FALSE, TRUE },
    { "{\"jsonrpc\":\"1.0\",\"method\":\"m\",\"id\":1}", FALSE, TRUE },
    { "{\"method\":\"m\",\"id\":1}", FALSE, TRUE },
    { "{\"jsonrpc\":\"2.0\",\"id\":1}", FALSE, TRUE },
    { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}", FALSE, TRUE },
    { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}", FALSE, TRUE },
    { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[1]}", FALSE, FALSE, TRUE },
    { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[]}", FALSE, FALSE },
    { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":\"a\"}", FALSE, TRUE },
    { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":null}", FALSE, TRUE },
    { "5", FALSE, TRUE },
    { "\"x\"", FALSE, TRUE },
    { "{}", FALSE, TRUE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      gboolean is_batch;
      g_autoptr (GPtrArray) requests = parse (rows[i].text, &is_batch);
      const SigJsonrpcRequest *request = g_ptr_array_index (requests, 0);

      g_assert_cmpint (request->id == NULL, ==, rows[i].is_notification);
      g_assert_cmpint (request->method == NULL, ==, rows[i].is_malformed);
      g_assert_cmpint (request->error_text != NULL, ==, rows[i].is_malformed);
      g_assert_true (json_is_object (request->params));
      g_assert_cmpint (request->params_are_list, ==, rows[i].is_list);
    }
}

static void
test_batch (void)
{
  gboolean is_batch = FALSE;
  g_autoptr (GPtrArray) requests = parse ("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"},7]", &is_batch);
  g_autoptr (GString) big = g_string_new ("[1");

  g_assert_true (is_batch);
  g_assert_cmpuint (requests->len, ==, 2);
  g_assert_cmpstr (((SigJsonrpcRequest *)g_ptr_array_index (requests, 0))->method, ==, "a");
  g_assert_nonnull (((SigJsonrpcRequest *)g_ptr_array_index (requests, 1))->error_text);
  assert_refused ("[]", 2, SIG_JSONRPC_INVALID_REQUEST);
  for (guint i = 0; i < SIG_JSONRPC_MAX_BATCH; i++)
    g_string_append (big, ",1");
  g_string_append_c (big, ']');
  assert_refused (big->str, big->len, SIG_JSONRPC_INVALID_REQUEST);
}

static void
test_bad_text (void)
{
  static const char *const texts[] = {
    "",
    "{",
    "nul",
    "{\"a\":1,\"a\":2}",
    "{} {}",
    "{\"a\":\"\xff\"}",
    "{\"a\":\"\\u0000\"}",
    "{\"a\":\"\\ud800\"}",
    "{'a':1}",
    "[1,]",
    "99999999999999999999999",
    "\xef\xbb\xbf{}",
  };
  g_autofree char *deep = g_strnfill (100000, '[');
  static const char zero[] = "{\"a\":\"x\0y\"}";

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i], strlen (texts[i]), SIG_JSONRPC_PARSE_ERROR);
  assert_refused (deep, 100000, SIG_JSONRPC_PARSE_ERROR);
  assert_refused (zero, sizeof zero - 1, SIG_JSONRPC_PARSE_ERROR);
}

/* What is JSON and is not taken all the same is told apart from what is none. */
static void
test_bad_text_words (void)
{
  static const struct
  {
    const char *text, *words;
  } cases[] = {
    { "{\"id\":99999999999999999999}", "a number is too big" },
    { "{\"id\":1e999}", "a number is too big" },
    { "{\"id\":\"\\u0000\"}", "NUL" },
    { "{\"\\u0000\":1}", "NUL" },
    { "{\"id\":1,\"id\":2}", "given twice" },
    { "{\"id\":\"\\ud800\"}", "syntax error" },
    { "{", "syntax error" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      SigJsonrpcCode code = 0;
      gboolean is_batch;
      g_autoptr (GError) error = NULL;

      g_assert_null (sig_jsonrpc_parse (cases[i].text, strlen (cases[i].text), &is_batch, &code, &error));
      g_assert_cmpint (code, ==, SIG_JSONRPC_PARSE_ERROR);
      g_test_message ("%s: %s", cases[i].text, error->message);
      g_assert_nonnull (strstr (error->message, cases[i].words));
    }
}

static void
test_depth (void)
{
  g_autoptr (GString) text
      = g_string_new ("{\"jsonrpc\":\"2.0\",\"id\":\"[[[[\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\",");
  gboolean is_batch;
  g_autoptr (GPtrArray) requests = NULL;

  g_string_append (text, "\"method\":\"m\",\"params\":{\"a\":");
  for (int i = 0; i < SIG_JSONRPC_MAX_DEPTH - 2; i++)
    g_string_append_c (text, '[');
  for (int i = 0; i < SIG_JSONRPC_MAX_DEPTH - 2; i++)
    g_string_append_c (text, ']');
  g_string_append (text, "}}");
  requests = parse (text->str, &is_batch);
  g_assert_null (((SigJsonrpcRequest *)g_ptr_array_index (requests, 0))->error_text);
}

static void
test_answers (void)
{
  json_t *id = json_integer (3), *result = json_object ();
  g_autoptr (GError) not_found = g_error_new_literal (CFG_ERROR, CFG_ERROR_NOT_FOUND, "no room lobby");
  g_autoptr (GError) invalid = g_error_new_literal (CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "no name \xff");
  json_t *data = json_object ();

  json_object_set_new (result, "ok", json_true ());
  assert_dump (sig_jsonrpc_result (id, result), "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"ok\":true}}");
  assert_dump (sig_jsonrpc_error (NULL, SIG_JSONRPC_PARSE_ERROR, "bad", NULL),
               "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"bad\"}}");
  assert_dump (sig_jsonrpc_error_from (id, not_found, NULL),
               "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32000,\"message\":\"no room lobby\","
               "\"data\":{\"code\":\"not_found\"}}}");
  json_object_set_new (data, "field", json_string ("name"));
  assert_dump (
      sig_jsonrpc_error_from (id, invalid, data),
      "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32602,\"message\":\"no name \xef\xbf\xbd\","
      "\"data\":{\"field\":\"name\",\"code\":\"invalid_argument\"}}}");
  assert_dump (sig_jsonrpc_notification ("event", NULL),
               "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{}}");
  json_decref (id);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/jsonrpc/request", test_request);
  g_test_add_func ("/signaling/jsonrpc/ids", test_ids);
  g_test_add_func ("/signaling/jsonrpc/batch", test_batch);
  g_test_add_func ("/signaling/jsonrpc/bad_text", test_bad_text);
  g_test_add_func ("/signaling/jsonrpc/bad_text_words", test_bad_text_words);
  g_test_add_func ("/signaling/jsonrpc/depth", test_depth);
  g_test_add_func ("/signaling/jsonrpc/answers", test_answers);
  return g_test_run ();
}
