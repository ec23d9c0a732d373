#include <string.h>

#include "config/base/error.h"
#include "config/settings_fields.h"
#include "gateway/api_params.h"

static const GwParam members[] = {
  { "host", { NULL }, GW_PARAM_STRING, FALSE, "" },
  { "port", { NULL }, GW_PARAM_INT, FALSE, "", 1, 65535 },
  { NULL },
};
static const GwParam table[] = {
  { "room_name", { "room" }, GW_PARAM_STRING, TRUE, "" },
  { "count", { NULL }, GW_PARAM_INT, FALSE, "", 1, 10 },
  { "muted", { NULL }, GW_PARAM_BOOL, FALSE, "" },
  { "trunk", { NULL }, GW_PARAM_OBJECT, FALSE, "", .members = members },
  { "headers", { NULL }, GW_PARAM_OBJECT, FALSE, "" },
  { "mode", { NULL }, GW_PARAM_STRING, FALSE, "", .words = "mix tracks" },
  { "codecs", { NULL }, GW_PARAM_LIST, FALSE, "" },
  { NULL },
};

typedef struct
{
  const char *json, *field; /* field NULL: accepted */
} Row;

static const Row rows[] = {
  { "{\"room_name\":\"a\"}", NULL },
  { "{\"room\":\"a\"}", NULL },
  { "{\"room\":\"a\",\"count\":null}", NULL },
  { "{\"room\":\"a\",\"count\":10,\"muted\":true,\"trunk\":{},\"codecs\":[\"opus\"]}", NULL },
  { "{}", "room_name" },
  { "{\"room\":null}", "room_name" },
  { "{\"room\":\"a\",\"room_name\":\"b\"}", "room" },
  { "{\"room\":1}", "room_name" },
  { "{\"room\":\"a\\u0000b\"}", "room_name" },
  { "{\"room\":\"a\",\"count\":0}", "count" },
  { "{\"room\":\"a\",\"count\":11}", "count" },
  { "{\"room\":\"a\",\"count\":1.5}", "count" },
  { "{\"room\":\"a\",\"count\":5.0}", NULL },
  { "{\"room\":\"a\",\"count\":11.0}", "count" },
  { "{\"room\":\"a\",\"count\":1e300}", "count" },
  { "{\"room\":\"a\",\"muted\":1}", "muted" },
  { "{\"room\":\"a\",\"trunk\":[]}", "trunk" },
  { "{\"room\":\"a\",\"codecs\":[1]}", "codecs" },
  { "{\"room\":\"a\",\"colour\":\"red\"}", "colour" },
  { "{\"room\":\"a\",\"a: b\":\"red\"}", "a: b" },
  { "{\"room\":\"a\",\"mode\":\"mix\",\"headers\":{\"X-A\":\"b\"},\"trunk\":{\"host\":\"h\",\"port\":null}}",
    NULL },
  { "{\"room\":\"a\",\"mode\":\"both\"}", "mode" },
  { "{\"room\":\"a\",\"headers\":{\"X-A\":1}}", "headers.X-A" },
  { "{\"room\":\"a\",\"trunk\":{\"port\":0}}", "trunk.port" },
  { "{\"room\":\"a\",\"trunk\":{\"colour\":\"red\"}}", "trunk.colour" },
};

static void
test_table (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      json_t *params = json_loads (rows[i].json, JSON_ALLOW_NUL, NULL);
      g_autoptr (GError) error = NULL;
      g_autofree char *field = NULL;

      g_test_message ("%s", rows[i].json);
      g_assert_nonnull (params);
      g_assert_cmpint (gw_params_check (table, NULL, params, &field, &error), ==, rows[i].field == NULL);
      g_assert_cmpstr (field, ==, rows[i].field);
      if (rows[i].field != NULL)
        g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
      else
        g_assert_cmpstr (gw_param_string (params, "room_name"), ==, "a");
      json_decref (params);
    }
}

static void
test_whole_numbers (void)
{
  json_t *params = json_pack ("{s:s, s:f}", "room", "a", "count", 5.0);
  g_autofree char *field = NULL;

  g_assert_true (gw_params_check (table, NULL, params, &field, NULL));
  g_assert_cmpint (gw_param_int (params, "count", 0), ==, 5);
  json_decref (params);
}

static void
test_overlong_strings (void)
{
  g_autofree char *name = g_strnfill (GW_NAME_MAX_BYTES + 1, 'x');
  json_t *params = json_pack ("{s:s}", "room", name);
  g_autofree char *field = NULL;

  g_assert_false (gw_params_check (table, NULL, params, &field, NULL));
  json_decref (params);
}

static void
test_schema_lists_everything (void)
{
  json_t *schema = gw_params_schema (table, NULL);
  json_t *properties = json_object_get (schema, "properties");

  g_assert_cmpuint (json_object_size (properties), ==, 8);
  g_assert_true (json_is_false (json_object_get (schema, "additionalProperties")));
  g_assert_cmpint (json_integer_value (json_object_get (json_object_get (properties, "count"), "maximum")),
                   ==, 10);
  json_decref (schema);
}

/* Keys of the configuration have the forms that their schema says, and nothing that YAML would take for them.
 */
static void
test_keys (void)
{
  static const Row key_rows[] = {
    { "{\"room\":\"a\",\"name\":\"t\",\"numbers\":[\"+1\"],\"record\":true,\"max_calls\":5}", NULL },
    { "{\"room\":\"a\",\"ringing_timeout\":\"30s\",\"tls\":{\"verify\":false,\"ca\":null},\"headers\":{}}",
      NULL },
    { "{\"room\":\"a\",\"name\":null,\"numbers\":null,\"tls\":null}", NULL },
    { "{\"room\":\"a\",\"name\":5}", "name" },
    { "{\"room\":\"a\",\"name\":[\"t\"]}", "name" },
    { "{\"room\":\"a\",\"direction\":true}", "direction" },
    { "{\"room\":\"a\",\"numbers\":\"+1\"}", "numbers" },
    { "{\"room\":\"a\",\"numbers\":[1]}", "numbers" },
    { "{\"room\":\"a\",\"codecs\":[\"opus\",null]}", "codecs" },
    { "{\"room\":\"a\",\"record\":\"yes\"}", "record" },
    { "{\"room\":\"a\",\"record\":1}", "record" },
    { "{\"room\":\"a\",\"max_calls\":5.0,\"ringing_timeout\":3e1}", NULL },
    { "{\"room\":\"a\",\"max_calls\":5.5}", "max_calls" },
    { "{\"room\":\"a\",\"headers\":[]}", "headers" },
    { "{\"room\":\"a\",\"allowed_numbers\":{}}", "allowed_numbers" },
    { "{\"room\":\"a\",\"attributes_to_headers\":{\"a\":1}}", "attributes_to_headers.a" },
    { "{\"room\":\"a\",\"tls\":5}", "tls" },
    { "{\"room\":\"a\",\"tls\":{\"verify\":\"no\"}}", "tls.verify" },
    { "{\"room\":\"a\",\"id\":\"ST_a\"}", "id" },
  };
  static const GwParam room_alone[] = { { "room_name", { "room" }, GW_PARAM_STRING, TRUE, "" }, { NULL } };

  for (gsize i = 0; i < G_N_ELEMENTS (key_rows); i++)
    {
      json_t *params = json_loads (key_rows[i].json, 0, NULL);
      g_autoptr (GError) error = NULL;
      g_autofree char *field = NULL;

      g_test_message ("%s", key_rows[i].json);
      g_assert_cmpint (gw_params_check (room_alone, cfg_trunk_keys (), params, &field, &error), ==,
                       key_rows[i].field == NULL);
      g_assert_cmpstr (field, ==, key_rows[i].field);
      json_decref (params);
    }
}

/* What a method says after it took its parameters for well-formed. */
static void
test_field_of_message (void)
{
  static const struct
  {
    const char *message, *field; /* NULL: it names none */
  } messages[] = {
    { "room_name: must be UTF-8", "room_name" },
    { "room: must be UTF-8", "room" },
    { "headers: X-A: has line ends", "headers" },
    { "trunk.port: is taken", "trunk.port" },
    { "count[0]: is odd", "count[0]" },
    { "colour: no such thing", NULL },
    { "room_name is wrong", NULL },
    { "in the room: nothing", NULL },
    { ": nothing", NULL },
    { "", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (messages); i++)
    {
      g_autofree char *field = gw_params_field_of (table, NULL, messages[i].message);

      g_assert_cmpstr (field, ==, messages[i].field);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/params/table", test_table);
  g_test_add_func ("/gateway/params/whole_numbers", test_whole_numbers);
  g_test_add_func ("/gateway/params/overlong_strings", test_overlong_strings);
  g_test_add_func ("/gateway/params/keys", test_keys);
  g_test_add_func ("/gateway/params/field_of_message", test_field_of_message);
  g_test_add_func ("/gateway/params/schema_lists_everything", test_schema_lists_everything);
  return g_test_run ();
}
