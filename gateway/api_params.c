#include "gateway/api_params.h"

#include <math.h>
#include <string.h>

#include "config/base/error.h"

#define MAX_ITEMS 64
#define MAX_EXACT 9007199254740992.0 /* 2^53: above it a double is not every whole number */

static const char *const type_words[] = {
  [GW_PARAM_STRING] = "string", [GW_PARAM_TEXT] = "string",  [GW_PARAM_INT] = "integer",
  [GW_PARAM_REAL] = "number",   [GW_PARAM_BOOL] = "boolean", [GW_PARAM_OBJECT] = "object",
  [GW_PARAM_LIST] = "array",
};

const char *
gw_param_string (json_t *params, const char *name)
{
  return json_string_value (json_object_get (params, name));
}

gint64
gw_param_int (json_t *params, const char *name, gint64 otherwise)
{
  json_t *value = json_object_get (params, name);

  return value != NULL ? (gint64)json_integer_value (value) : otherwise;
}

double
gw_param_real (json_t *params, const char *name, double otherwise)
{
  json_t *value = json_object_get (params, name);

  return value != NULL ? json_number_value (value) : otherwise;
}

gboolean
gw_param_bool (json_t *params, const char *name, gboolean otherwise)
{
  json_t *value = json_object_get (params, name);

  return value != NULL ? json_is_true (value) : otherwise;
}

char **
gw_param_list (json_t *params, const char *name)
{
  json_t *list = json_object_get (params, name), *item;
  char **strings;
  size_t i;

  if (json_array_size (list) == 0)
    return NULL;
  strings = g_new0 (char *, json_array_size (list) + 1);
  json_array_foreach (list, i, item)
  {
    strings[i] = g_strdup (json_string_value (item));
  }
  return strings;
}

static gsize
longest (const GwParam *param)
{
  return param->max > 0 ? (gsize)param->max : GW_NAME_MAX_BYTES;
}

static gboolean
wrong (GError **error, const char *name, const char *text)
{
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "%s: %s", name, text);
  return FALSE;
}

static gboolean
has_control_characters (const char *text)
{
  for (; *text != '\0'; text++)
    if ((guchar)*text < 0x20 || *text == 0x7f)
      return TRUE;
  return FALSE;
}

/* As: must be "mix" or "tracks". */
static gboolean
check_word (const GwParam *param, const char *text, GError **error)
{
  g_auto (GStrv) words = param->words != NULL ? g_strsplit (param->words, " ", -1) : NULL;
  g_autoptr (GString) said = NULL;

  if (words == NULL || g_strv_contains ((const char *const *)words, text))
    return TRUE;
  said = g_string_new ("must be ");
  for (guint i = 0; words[i] != NULL; i++)
    g_string_append_printf (said, "%s\"%s\"", i == 0 ? "" : words[i + 1] != NULL ? ", " : " or ", words[i]);
  return wrong (error, param->name, said->str);
}

static gboolean
check_string (const GwParam *param, json_t *value, GError **error)
{
  if (!json_is_string (value))
    return wrong (error, param->name, "must be a string");
  if (json_string_length (value) != strlen (json_string_value (value)))
    return wrong (error, param->name, "must not have NUL characters");
  if (json_string_length (value) > longest (param))
    return wrong (error, param->name, "is too long");
  if (param->type == GW_PARAM_STRING && has_control_characters (json_string_value (value)))
    return wrong (error, param->name, "must not have control characters");
  return check_word (param, json_string_value (value), error);
}

static gboolean
check_list (const GwParam *param, json_t *value, GError **error)
{
  json_t *item;
  size_t i;

  if (!json_is_array (value) || json_array_size (value) > MAX_ITEMS)
    return wrong (error, param->name, "must be a list of at most 64 strings");
  json_array_foreach (value, i, item)
  {
    if (!json_is_string (item) || json_string_length (item) > longest (param))
      return wrong (error, param->name, "must be a list of short strings");
  }
  return TRUE;
}

static gboolean
check_number (const GwParam *param, json_t *value, GError **error)
{
  const double number = json_number_value (value);

  if (!json_is_number (value))
    return wrong (error, param->name,
                  param->type == GW_PARAM_INT ? "must be a whole number" : "must be a number");
  if (param->type == GW_PARAM_INT && !json_is_integer (value))
    return wrong (error, param->name, "must be a whole number");
  if (number >= (double)param->min && (param->max <= 0 || number <= (double)param->max))
    return TRUE;
  if (param->max <= 0)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "%s: must be %" G_GINT64_FORMAT " or more",
                   param->name, param->min);
      return FALSE;
    }
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
               "%s: must be between %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT, param->name, param->min,
               param->max);
  return FALSE;
}

static const GwParam *find_param (const GwParam *table, const char *name);
static gboolean check_value (const GwParam *param, json_t *value, GError **error);

/* The error names the member as hostname: check_object puts the name of the object before it. */
static gboolean
check_members (const GwParam *table, json_t *object, GError **error)
{
  const char *name;
  json_t *value;

  json_object_foreach (object, name, value)
  {
    const GwParam *param = find_param (table, name);

    if (param == NULL)
      return wrong (error, name, "no such member");
    if (!json_is_null (value) && !check_value (param, value, error))
      return FALSE;
  }
  for (const GwParam *param = table; param->name != NULL; param++)
    if (param->required && json_object_get (object, param->name) == NULL)
      return wrong (error, param->name, "is required");
  return TRUE;
}

static gboolean
check_strings (json_t *object, GError **error)
{
  const char *name;
  json_t *value;

  json_object_foreach (object, name, value)
  {
    if (!json_is_string (value))
      return wrong (error, name, "must be a string");
  }
  return TRUE;
}

static gboolean
check_object (const GwParam *param, json_t *value, GError **error)
{
  if (!json_is_object (value))
    return wrong (error, param->name, "must be an object");
  if (param->members != NULL ? check_members (param->members, value, error) : check_strings (value, error))
    return TRUE;
  g_prefix_error (error, "%s.", param->name);
  return FALSE;
}

static gboolean
check_value (const GwParam *param, json_t *value, GError **error)
{
  switch (param->type)
    {
    case GW_PARAM_STRING:
    case GW_PARAM_TEXT:
      return check_string (param, value, error);
    case GW_PARAM_INT:
    case GW_PARAM_REAL:
      return check_number (param, value, error);
    case GW_PARAM_BOOL:
      return json_is_boolean (value) || wrong (error, param->name, "must be true or false");
    case GW_PARAM_OBJECT:
      return check_object (param, value, error);
    case GW_PARAM_LIST:
      return check_list (param, value, error);
    default:
      g_assert_not_reached ();
    }
}

static const GwParam *
find_param (const GwParam *table, const char *name)
{
  for (const GwParam *param = table; param != NULL && param->name != NULL; param++)
    if (strcmp (param->name, name) == 0)
      return param;
  return NULL;
}

/* One value under two names of it is one value; two values are not. */
static gboolean
rename_alias (const GwParam *param, const char *alias, json_t *params, char **field, GError **error)
{
  json_t *value = alias != NULL ? json_object_get (params, alias) : NULL;
  json_t *other = json_object_get (params, param->name);

  if (value == NULL)
    return TRUE;
  if (other != NULL && !json_equal (other, value))
    {
      *field = g_strdup (alias);
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "%s: says something else than %s", alias,
                   param->name);
      return FALSE;
    }
  json_object_set (params, param->name, value);
  json_object_del (params, alias);
  return TRUE;
}

static gboolean
rename_aliases (const GwParam *table, json_t *params, char **field, GError **error)
{
  for (const GwParam *param = table; param != NULL && param->name != NULL; param++)
    for (gsize i = 0; i < G_N_ELEMENTS (param->aliases); i++)
      if (!rename_alias (param, param->aliases[i], params, field, error))
        return FALSE;
  return TRUE;
}

/* What the configuration calls room is room_name to the API as well. */
static const GwParam room_key = { "room", { "room_name" }, GW_PARAM_STRING, FALSE, "" };

/* @field: (out): without its words. The id of an entry is given out, not chosen. */
static gboolean
find_key (const CfgKey *keys, const char *name, CfgField *field)
{
  for (guint i = 0; keys != NULL && cfg_field (keys, i, NULL, field); i++)
    {
      g_clear_pointer (&field->words, g_free);
      if (strcmp (field->name, name) == 0)
        return strcmp (name, "id") != 0;
    }
  return FALSE;
}

static gboolean
is_key (const CfgKey *keys, const char *name)
{
  CfgField field;

  return find_key (keys, name, &field);
}

static gboolean check_keys (const CfgKey *keys, json_t *object, GError **error);

static gboolean
is_list_of_strings (json_t *value)
{
  json_t *item;
  size_t i;

  json_array_foreach (value, i, item)
  {
    if (!json_is_string (item))
      return FALSE;
  }
  return json_is_array (value);
}

/* The form of a value, as key_type_schema says it; the configuration looks at what it says. */
static gboolean
check_key (const CfgField *field, json_t *value, GError **error)
{
  switch (field->type)
    {
    case CFG_FIELD_TEXT:
    case CFG_FIELD_WORD:
      return json_is_string (value) || wrong (error, field->name, "must be a string");
    case CFG_FIELD_TEXTS:
    case CFG_FIELD_WORDS:
      return is_list_of_strings (value) || wrong (error, field->name, "must be a list of strings");
    case CFG_FIELD_BOOL:
      return json_is_boolean (value) || wrong (error, field->name, "must be true or false");
    case CFG_FIELD_COUNT:
    case CFG_FIELD_SECONDS:
    case CFG_FIELD_DURATION:
      return json_is_integer (value) || json_is_string (value)
             || wrong (error, field->name, "must be a whole number");
    case CFG_FIELD_PAIRS:
    case CFG_FIELD_SECTION:
      if (!json_is_object (value))
        return wrong (error, field->name, "must be an object");
      if (field->type == CFG_FIELD_PAIRS ? check_strings (value, error)
                                         : check_keys (field->keys, value, error))
        return TRUE;
      g_prefix_error (error, "%s.", field->name);
      return FALSE;
    default:
      g_assert_not_reached ();
    }
}

/* Those of @object that @keys has; null is nothing. */
static gboolean
check_keys (const CfgKey *keys, json_t *object, GError **error)
{
  gboolean ok = TRUE;
  CfgField field;

  for (guint i = 0; ok && keys != NULL && cfg_field (keys, i, NULL, &field); i++)
    {
      json_t *value = json_object_get (object, field.name);

      g_free (field.words);
      ok = value == NULL || json_is_null (value) || check_key (&field, value, error);
    }
  return ok;
}

/* Every error begins with the name, and members have a point in theirs. */
static char *
field_of (const char *name, GError **error)
{
  const char *text = error != NULL && *error != NULL ? (*error)->message : "", *end;

  if (!g_str_has_prefix (text, name))
    return g_strdup (name);
  end = strstr (text + strlen (name), ": ");
  return end != NULL ? g_strndup (text, (gsize)(end - text)) : g_strdup (name);
}

static gboolean
is_name_of (const GwParam *param, const char *name)
{
  gboolean is = strcmp (param->name, name) == 0;

  for (gsize i = 0; !is && i < G_N_ELEMENTS (param->aliases) && param->aliases[i] != NULL; i++)
    is = strcmp (param->aliases[i], name) == 0;
  return is;
}

char *
gw_params_field_of (const GwParam *table, const CfgKey *keys, const char *message)
{
  const char *end = strstr (message, ": ");
  g_autofree char *name = end != NULL ? g_strndup (message, (gsize)(end - message)) : NULL;
  g_autofree char *first = name != NULL ? g_strndup (name, strcspn (name, ".[")) : NULL;

  if (name == NULL)
    return NULL;
  for (const GwParam *param = table; param != NULL && param->name != NULL; param++)
    if (is_name_of (param, first))
      return g_steal_pointer (&name);
  return is_key (keys, first) ? g_steal_pointer (&name) : NULL;
}

static gboolean
is_count (const CfgKey *keys, const char *name)
{
  CfgField field;

  return find_key (keys, name, &field)
         && (field.type == CFG_FIELD_COUNT || field.type == CFG_FIELD_SECONDS
             || field.type == CFG_FIELD_DURATION);
}

/* 30.0 is an integer for JSON Schema (Validation 6.1.1), and for programs whose numbers are all real. */
static void
make_whole (const GwParam *table, const CfgKey *keys, json_t *params)
{
  const char *name;
  json_t *value;
  void *next;

  json_object_foreach_safe (params, next, name, value)
  {
    const GwParam *param = find_param (table, name);
    const double real = json_real_value (value);

    if (json_is_real (value) && floor (real) == real && fabs (real) <= MAX_EXACT
        && (param != NULL ? param->type == GW_PARAM_INT : is_count (keys, name)))
      json_object_set_new (params, name, json_integer ((json_int_t)real));
  }
}

gboolean
gw_params_check (const GwParam *table, const CfgKey *keys, json_t *params, char **field, GError **error)
{
  const char *name;
  json_t *value;
  void *next;

  *field = NULL;
  json_object_foreach_safe (params, next, name, value)
  {
    if (json_is_null (value) && !is_key (keys, name))
      json_object_del (params, name);
  }
  if (!rename_aliases (table, params, field, error)
      || (is_key (keys, room_key.name)
          && !rename_alias (&room_key, room_key.aliases[0], params, field, error)))
    return FALSE;
  make_whole (table, keys, params);
  json_object_foreach (params, name, value)
  {
    const GwParam *param = find_param (table, name);

    if (param != NULL ? check_value (param, value, error)
                      : is_key (keys, name) || wrong (error, name, "no such parameter of this method"))
      continue;
    *field = field_of (name, error);
    return FALSE;
  }
  for (const GwParam *param = table; param != NULL && param->name != NULL; param++)
    if (param->required && json_object_get (params, param->name) == NULL)
      {
        *field = g_strdup (param->name);
        return wrong (error, param->name, "is required");
      }
  if (check_keys (keys, params, error))
    return TRUE;
  *field = gw_params_field_of (NULL, keys, error != NULL ? (*error)->message : "");
  return FALSE;
}

static json_t *
words_of (const char *words)
{
  g_auto (GStrv) list = g_strsplit (words, " ", -1);
  json_t *values = json_array ();

  for (char **word = list; *word != NULL; word++)
    json_array_append_new (values, json_string (*word));
  return values;
}

static void
add_members (json_t *schema, const GwParam *members)
{
  json_t *of_members = members != NULL ? gw_params_schema (members, NULL) : NULL;

  if (of_members != NULL)
    json_object_update_missing_new (schema, of_members);
  else
    json_object_set_new (schema, "additionalProperties", json_pack ("{s:s}", "type", "string"));
}

static json_t *
param_schema (const GwParam *param)
{
  json_t *schema = json_object ();

  json_object_set_new (schema, "type", json_string (type_words[param->type]));
  json_object_set_new (schema, "description", json_string (param->doc));
  if (param->type == GW_PARAM_STRING || param->type == GW_PARAM_TEXT)
    json_object_set_new (schema, "maxLength", json_integer ((json_int_t)longest (param)));
  if (param->words != NULL)
    json_object_set_new (schema, "enum", words_of (param->words));
  if (param->type == GW_PARAM_OBJECT)
    add_members (schema, param->members);
  if (param->type == GW_PARAM_LIST)
    json_object_update_new (schema, json_pack ("{s:{s:s, s:I}, s:i}", "items", "type", "string", "maxLength",
                                               (json_int_t)longest (param), "maxItems", MAX_ITEMS));
  if (param->type == GW_PARAM_INT || param->type == GW_PARAM_REAL)
    {
      json_object_set_new (schema, "minimum", json_integer (param->min));
      if (param->max > 0)
        json_object_set_new (schema, "maximum", json_integer (param->max));
    }
  return schema;
}

static json_t *
alias_schema (const GwParam *param)
{
  json_t *schema = param_schema (param);
  g_autofree char *doc = g_strdup_printf ("The same as %s.", param->name);

  json_object_set_new (schema, "description", json_string (doc));
  return schema;
}

static json_t *
words_schema (char **words)
{
  json_t *list = json_array ();

  for (; *words != NULL; words++)
    json_array_append_new (list, json_string (*words));
  return json_pack ("{s:s, s:o}", "type", "string", "enum", list);
}

static json_t *keys_schema (const CfgKey *keys);

static json_t *
key_type_schema (const CfgField *field)
{
  switch (field->type)
    {
    case CFG_FIELD_TEXT:
      return json_pack ("{s:s, s:I}", "type", "string", "maxLength",
                        (json_int_t)(field->max > 0 ? field->max : 1024));
    case CFG_FIELD_WORD:
      return words_schema (field->words);
    case CFG_FIELD_TEXTS:
      return json_pack ("{s:s, s:{s:s}}", "type", "array", "items", "type", "string");
    case CFG_FIELD_WORDS:
      return json_pack ("{s:s, s:o}", "type", "array", "items", words_schema (field->words));
    case CFG_FIELD_BOOL:
      return json_pack ("{s:s}", "type", "boolean");
    case CFG_FIELD_COUNT:
    case CFG_FIELD_SECONDS:
      return json_pack ("{s:[s,s], s:I, s:I}", "type", "integer", "string", "minimum", (json_int_t)field->min,
                        "maximum", (json_int_t)field->max);
    case CFG_FIELD_DURATION:
      return json_pack ("{s:[s,s]}", "type", "integer", "string");
    case CFG_FIELD_PAIRS:
      return json_pack ("{s:s, s:{s:s}}", "type", "object", "additionalProperties", "type", "string");
    case CFG_FIELD_SECTION:
      return keys_schema (field->keys);
    default:
      g_assert_not_reached ();
    }
}

static void
add_keys (json_t *properties, const CfgKey *keys)
{
  CfgField field;

  for (guint i = 0; cfg_field (keys, i, NULL, &field); i++)
    {
      g_autofree char **words = field.words;
      json_t *schema;

      if (strcmp (field.name, "id") == 0)
        continue;
      schema = key_type_schema (&field);
      if (field.expected != NULL)
        json_object_set_new (schema, "description", json_string (field.expected));
      if (strcmp (field.name, room_key.name) == 0)
        json_object_set (properties, room_key.aliases[0], schema);
      json_object_set_new (properties, field.name, schema);
    }
}

static json_t *
keys_schema (const CfgKey *keys)
{
  json_t *properties = json_object ();

  add_keys (properties, keys);
  return json_pack ("{s:s, s:o, s:b}", "type", "object", "properties", properties, "additionalProperties", 0);
}

/* Required under one name or another. */
static json_t *
any_name_of (const GwParam *param)
{
  json_t *names = json_pack ("[{s:[s]}]", "required", param->name);

  for (gsize i = 0; i < G_N_ELEMENTS (param->aliases) && param->aliases[i] != NULL; i++)
    json_array_append_new (names, json_pack ("{s:[s]}", "required", param->aliases[i]));
  return json_pack ("{s:o}", "anyOf", names);
}

json_t *
gw_params_schema (const GwParam *table, const CfgKey *keys)
{
  json_t *properties = json_object (), *required = json_array (), *all_of = json_array (), *schema;

  for (const GwParam *param = table; param != NULL && param->name != NULL; param++)
    {
      json_object_set_new (properties, param->name, param_schema (param));
      for (gsize i = 0; i < G_N_ELEMENTS (param->aliases) && param->aliases[i] != NULL; i++)
        json_object_set_new (properties, param->aliases[i], alias_schema (param));
      if (param->required && param->aliases[0] == NULL)
        json_array_append_new (required, json_string (param->name));
      else if (param->required)
        json_array_append_new (all_of, any_name_of (param));
    }
  if (keys != NULL)
    add_keys (properties, keys);
  schema = json_pack ("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required",
                      required, "additionalProperties", 0);
  if (json_array_size (all_of) > 0)
    json_object_set (schema, "allOf", all_of);
  json_decref (all_of);
  return schema;
}
