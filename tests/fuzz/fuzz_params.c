/* Parameters of API methods: what passes the check has the types and sizes that the table promises. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "config/base/error.h"
#include "gateway/api_params.h"

static const GwParam table[] = {
  { "room_name", { "room" }, GW_PARAM_STRING, TRUE, "" },
  { "metadata", { NULL }, GW_PARAM_TEXT, FALSE, "", 0, 100 },
  { "count", { NULL }, GW_PARAM_INT, FALSE, "", 1, 10 },
  { "muted", { NULL }, GW_PARAM_BOOL, FALSE, "" },
  { "trunk", { NULL }, GW_PARAM_OBJECT, FALSE, "" },
  { "codecs", { NULL }, GW_PARAM_LIST, FALSE, "" },
  { NULL },
};

static void
check_accepted (const json_t *params)
{
  const char *room = json_string_value (json_object_get (params, "room_name"));
  const json_t *metadata = json_object_get (params, "metadata");
  const json_t *count = json_object_get (params, "count");
  const json_t *codec;
  gsize i;

  g_assert_nonnull (room);
  for (const char *at = room; *at != '\0'; at++)
    g_assert_true ((guchar)*at >= 0x20 && *at != 0x7f);
  g_assert_true (metadata == NULL || (json_is_string (metadata) && json_string_length (metadata) <= 100));
  g_assert_true (
      count == NULL
      || (json_is_integer (count) && json_integer_value (count) >= 1 && json_integer_value (count) <= 10));
  json_array_foreach (json_object_get (params, "codecs"), i, codec) g_assert_true (json_is_string (codec));
}

static void
run (const guint8 *data, gsize size)
{
  json_t *params = json_loadb ((const char *)data, size, JSON_ALLOW_NUL, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *field = NULL;

  if (json_is_object (params))
    {
      if (gw_params_check (table, NULL, params, &field, &error))
        check_accepted (params);
      else
        {
          g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
          g_assert_true (g_utf8_validate (error->message, -1, NULL));
        }
    }
  json_decref (params);
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT (
      "{\"room\":\"a\",\"count\":10,\"muted\":true,\"trunk\":{\"hostname\":\"h\"},\"codecs\":[\"opus\"]}"),
  FUZZ_TEXT ("{\"room_name\":\"lobby\",\"metadata\":\"two\\nlines \\u00e9\",\"count\":null}"),
};

static const char *const words[] = { "\"room\":",  "\"room_name\":",
                                     "\"count\":", "\"codecs\":[",
                                     "null",       "\\u0000",
                                     "\\n",        "1.5",
                                     "{}",         "[]",
                                     ",",          NULL };

const FuzzTarget fuzz_target = { "params", run, seeds, G_N_ELEMENTS (seeds), NULL, words, 10000 };
