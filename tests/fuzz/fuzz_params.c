/* Parameters of API methods, each against its own table, which the first byte chooses: what passes the check
 * has the names, types and sizes that the table promises. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "config/base/error.h"
#include "gateway/api_params.h"

static guint
n_methods (void)
{
  guint n = 0;

  while (gw_api_method (n) != NULL)
    n++;
  return n;
}

static const CfgKey *
keys_of (const GwMethod *method)
{
  return method->keys != NULL ? method->keys () : NULL;
}

static const GwParam *
find (const GwParam *table, const char *name)
{
  for (const GwParam *param = table; param != NULL && param->name != NULL; param++)
    if (strcmp (param->name, name) == 0)
      return param;
  return NULL;
}

static gboolean
is_key (const CfgKey *keys, const char *name)
{
  CfgField field;

  for (guint i = 0; keys != NULL && cfg_field (keys, i, NULL, &field); i++)
    {
      g_free (field.words);
      if (strcmp (field.name, name) == 0)
        return TRUE;
    }
  return FALSE;
}

static void
check_text (const GwParam *param, const json_t *value)
{
  const char *text = json_string_value (value);
  g_auto (GStrv) words = param->words != NULL ? g_strsplit (param->words, " ", -1) : NULL;

  g_assert_nonnull (text);
  g_assert_cmpuint (strlen (text), ==, json_string_length (value));
  g_assert_cmpuint (strlen (text), <=, param->max > 0 ? (gsize)param->max : GW_NAME_MAX_BYTES);
  for (const char *at = text; param->type == GW_PARAM_STRING && *at != '\0'; at++)
    g_assert_true ((guchar)*at >= 0x20 && *at != 0x7f);
  g_assert_true (words == NULL || g_strv_contains ((const char *const *)words, text));
}

static void check_table (const GwParam *table, const CfgKey *keys, json_t *object);

static void
check_value (const GwParam *param, json_t *value)
{
  const double number = json_number_value (value);
  json_t *item;
  gsize i;

  switch (param->type)
    {
    case GW_PARAM_STRING:
    case GW_PARAM_TEXT:
      check_text (param, value);
      break;
    case GW_PARAM_INT:
    case GW_PARAM_REAL:
      g_assert_true (param->type == GW_PARAM_INT ? json_is_integer (value) : json_is_number (value));
      g_assert_cmpfloat (number, >=, (double)param->min);
      g_assert_true (param->max <= 0 || number <= (double)param->max);
      break;
    case GW_PARAM_BOOL:
      g_assert_true (json_is_boolean (value));
      break;
    case GW_PARAM_OBJECT:
      g_assert_true (json_is_object (value));
      if (param->members != NULL)
        check_table (param->members, NULL, value);
      break;
    case GW_PARAM_LIST:
      g_assert_true (json_is_array (value));
      json_array_foreach (value, i, item) g_assert_true (json_is_string (item));
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
check_table (const GwParam *table, const CfgKey *keys, json_t *object)
{
  const char *name;
  json_t *value;

  for (const GwParam *param = table; param != NULL && param->name != NULL; param++)
    g_assert_true (!param->required || json_object_get (object, param->name) != NULL);
  json_object_foreach (object, name, value)
  {
    const GwParam *param = find (table, name);

    g_assert_true (param != NULL || is_key (keys, name));
    if (param != NULL && !json_is_null (value))
      check_value (param, value);
  }
}

static void
run (const guint8 *data, gsize size)
{
  const GwMethod *method = gw_api_method (size > 0 ? data[0] % n_methods () : 0);
  json_t *params = size > 0 ? json_loadb ((const char *)data + 1, size - 1, JSON_ALLOW_NUL, NULL) : NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *field = NULL, *again = NULL;

  if (json_is_object (params))
    {
      if (gw_params_check (method->params, keys_of (method), params, &field, &error))
        check_table (method->params, keys_of (method), params);
      else
        {
          g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
          g_assert_true (g_utf8_validate (error->message, -1, NULL));
          again = gw_params_field_of (method->params, keys_of (method), error->message);
        }
    }
  json_decref (params);
}

static json_t *value_of (const GwParam *param);

static json_t *
object_of (const GwParam *table)
{
  json_t *object = json_object ();

  for (const GwParam *param = table; param != NULL && param->name != NULL; param++)
    json_object_set_new (object, param->name, value_of (param));
  return object;
}

static json_t *
value_of (const GwParam *param)
{
  g_auto (GStrv) words = g_strsplit (param->words != NULL ? param->words : "a", " ", 2);

  switch (param->type)
    {
    case GW_PARAM_INT:
    case GW_PARAM_REAL:
      return json_integer (param->max > 0 ? param->max : param->min);
    case GW_PARAM_BOOL:
      return json_true ();
    case GW_PARAM_OBJECT:
      return param->members != NULL ? object_of (param->members) : json_pack ("{s:s}", "X-A", "b");
    case GW_PARAM_LIST:
      return json_pack ("[s]", "opus");
    case GW_PARAM_STRING:
    case GW_PARAM_TEXT:
    default:
      return json_string (words[0]);
    }
}

/* Of each method one with all its parameters, which passes, and the manual's example. */
static void
more_seeds (void (*add) (const void *data, gsize size))
{
  const GwMethod *method;

  for (guint i = 0; (method = gw_api_method (i)) != NULL; i++)
    {
      json_t *params = object_of (method->params);
      char *text = json_dumps (params, JSON_COMPACT);
      g_autofree char *all = g_strconcat ("x", text, NULL);
      g_autofree char *example = g_strconcat ("x", method->example != NULL ? method->example : "{}", NULL);
      g_autofree char *field = NULL;

      all[0] = example[0] = (char)i;
      add (all, strlen (text) + 1);
      add (example, strlen (example + 1) + 1);
      g_assert_true (gw_params_check (method->params, keys_of (method), params, &field, NULL));
      free (text);
      json_decref (params);
    }
}

static const char *const words[] = { "\"room\":",
                                     "\"room_name\":",
                                     "\"identity\":",
                                     "\"codecs\":[",
                                     "null",
                                     "\\u0000",
                                     "\\n",
                                     "1.5",
                                     "1e300",
                                     "{}",
                                     "[]",
                                     ",",
                                     NULL };

const FuzzTarget fuzz_target = { "params", run, NULL, 0, NULL, words, 10000, more_seeds };
