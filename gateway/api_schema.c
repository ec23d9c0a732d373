#include "gateway/api_shape.h"

#include <string.h>

static const char *const type_words[] = {
  [GW_FIELD_STRING] = "string", [GW_FIELD_TIME] = "string",  [GW_FIELD_INT] = "integer",
  [GW_FIELD_REAL] = "number",   [GW_FIELD_BOOL] = "boolean", [GW_FIELD_OBJECT] = NULL,
  [GW_FIELD_MAP] = "object",    [GW_FIELD_ANY] = NULL,
};

/* ---- JSON Schema ---- */

static json_t *
words_schema (const char *words, gboolean or_null)
{
  g_auto (GStrv) list = g_strsplit (words, " ", -1);
  json_t *values = json_array ();

  for (char **word = list; *word != NULL; word++)
    json_array_append_new (values, json_string (*word));
  if (or_null)
    json_array_append_new (values, json_null ());
  return values;
}

static json_t *
value_schema (const GwField *field)
{
  json_t *schema = json_object ();

  if (field->type == GW_FIELD_OBJECT)
    {
      g_autofree char *ref = g_strconcat ("#/$defs/", field->shape->name, NULL);

      json_object_set_new (schema, "$ref", json_string (ref));
    }
  else if (type_words[field->type] != NULL)
    json_object_set_new (schema, "type", json_string (type_words[field->type]));
  if (field->type == GW_FIELD_TIME)
    json_object_set_new (schema, "format", json_string ("date-time"));
  if (field->type == GW_FIELD_MAP)
    json_object_set_new (schema, "additionalProperties", json_pack ("{s:s}", "type", "string"));
  return schema;
}

/* A value that may be null: either of two types, or one of two schemas. */
static json_t *
or_null (json_t *schema)
{
  json_t *type = json_object_get (schema, "type");

  if (type == NULL)
    return json_pack ("{s:[o, {s:s}]}", "anyOf", schema, "type", "null");
  json_object_set_new (schema, "type", json_pack ("[O, s]", type, "null"));
  return schema;
}

static json_t *
field_schema (const GwField *field)
{
  json_t *schema = value_schema (field);

  if (field->flags & GW_FIELD_LIST)
    schema = json_pack ("{s:s, s:o}", "type", "array", "items", schema);
  if ((field->flags & GW_FIELD_NULL) && field->type != GW_FIELD_ANY)
    schema = or_null (schema);
  if (field->words != NULL)
    json_object_set_new (field->flags & GW_FIELD_LIST ? json_object_get (schema, "items") : schema, "enum",
                         words_schema (field->words, (field->flags & GW_FIELD_NULL) != 0));
  json_object_set_new (schema, "description", json_string (field->doc));
  return schema;
}

static json_t *
object_schema (json_t *properties, json_t *required, json_t *rest)
{
  return json_pack ("{s:s, s:o, s:o, s:o}", "type", "object", "properties", properties, "required", required,
                    "additionalProperties", rest);
}

static void
add_fields (const GwField *fields, json_t *properties, json_t *required, json_t **rest)
{
  for (const GwField *field = fields; field->name != NULL; field++)
    if (strcmp (field->name, GW_FIELD_REST) == 0)
      {
        json_decref (*rest);
        *rest = field->type == GW_FIELD_ANY ? json_true () : field_schema (field);
      }
    else
      {
        json_object_set_new (properties, field->name, field_schema (field));
        if (!(field->flags & GW_FIELD_OPTIONAL))
          json_array_append_new (required, json_string (field->name));
      }
}

json_t *
gw_fields_schema (const GwField *fields)
{
  json_t *properties = json_object (), *required = json_array (), *rest = json_false ();

  add_fields (fields, properties, required, &rest);
  return object_schema (properties, required, rest);
}

static json_t *keys_schema (const CfgKey *keys);

static json_t *
key_schema (const CfgField *key)
{
  json_t *words;

  switch (key->type)
    {
    case CFG_FIELD_WORD:
    case CFG_FIELD_WORDS:
      words = json_array ();
      for (char **word = key->words; *word != NULL; word++)
        json_array_append_new (words, json_string (*word));
      return key->type == CFG_FIELD_WORD ? json_pack ("{s:s, s:o}", "type", "string", "enum", words)
                                         : json_pack ("{s:s, s:{s:s, s:o}}", "type", "array", "items", "type",
                                                      "string", "enum", words);
    case CFG_FIELD_TEXTS:
      return json_pack ("{s:s, s:{s:s}}", "type", "array", "items", "type", "string");
    case CFG_FIELD_TEXT:
      return json_pack ("{s:s}", "type", "string");
    case CFG_FIELD_BOOL:
      return json_pack ("{s:s}", "type", "boolean");
    case CFG_FIELD_COUNT:
    case CFG_FIELD_SECONDS:
    case CFG_FIELD_DURATION:
      return json_pack ("{s:s}", "type", "integer");
    case CFG_FIELD_PAIRS:
      return json_pack ("{s:s, s:{s:s}}", "type", "object", "additionalProperties", "type", "string");
    case CFG_FIELD_SECTION:
      return keys_schema (key->keys);
    default:
      g_assert_not_reached ();
    }
}

/* The id of an entry has a name of its own in the API. */
static void
add_keys (const CfgKey *keys, json_t *properties)
{
  CfgField key;

  for (guint i = 0; cfg_field (keys, i, NULL, &key); i++)
    {
      g_autofree char **words = key.words;

      if (!key.is_secret && strcmp (key.name, "id") != 0)
        json_object_set_new (properties, key.name, key_schema (&key));
    }
}

static json_t *
keys_schema (const CfgKey *keys)
{
  json_t *properties = json_object ();

  add_keys (keys, properties);
  return object_schema (properties, json_array (), json_false ());
}

json_t *
gw_shape_schema (const GwShape *shape)
{
  json_t *properties = json_object (), *required = json_array (), *rest = json_false (), *schema;

  if (shape->keys != NULL)
    add_keys (shape->keys (), properties);
  add_fields (shape->fields, properties, required, &rest);
  schema = object_schema (properties, required, rest);
  json_object_set_new (schema, "description", json_string (shape->doc));
  return schema;
}

json_t *
gw_event_schema (const GwNews *event)
{
  json_t *properties = json_object (), *required = json_array (), *rest = json_false ();

  add_fields (gw_event_fields, properties, required, &rest);
  add_fields (event->fields, properties, required, &rest);
  json_object_set_new (json_object_get (properties, "type"), "const", json_string (event->name));
  return object_schema (properties, required, rest);
}

void
gw_shapes_collect (const GwField *fields, GHashTable *shapes)
{
  for (const GwField *field = fields; field->name != NULL; field++)
    if (field->shape != NULL
        && g_hash_table_insert (shapes, (gpointer)field->shape->name, (gpointer)field->shape))
      gw_shapes_collect (field->shape->fields, shapes);
}

/* ---- a value against the tables ---- */

static gboolean check_members (const GwField *fields, const CfgKey *keys, json_t *object, char **where);

static gboolean
is_word (const char *words, const char *text)
{
  g_auto (GStrv) list = g_strsplit (words, " ", -1);

  return g_strv_contains ((const char *const *)list, text);
}

static gboolean
check_map (json_t *value, char **where)
{
  const char *name;
  json_t *member;

  if (!json_is_object (value))
    return FALSE;
  json_object_foreach (value, name, member)
  {
    if (!json_is_string (member))
      {
        *where = g_strdup (name);
        return FALSE;
      }
  }
  return TRUE;
}

static gboolean
check_value (const GwField *field, json_t *value, char **where)
{
  switch (field->type)
    {
    case GW_FIELD_STRING:
      return json_is_string (value)
             && (field->words == NULL || is_word (field->words, json_string_value (value)));
    case GW_FIELD_TIME:
      return json_is_string (value) && g_str_has_suffix (json_string_value (value), "Z");
    case GW_FIELD_INT:
      return json_is_integer (value);
    case GW_FIELD_REAL:
      return json_is_number (value);
    case GW_FIELD_BOOL:
      return json_is_boolean (value);
    case GW_FIELD_OBJECT:
      return json_is_object (value)
             && check_members (field->shape->fields,
                               field->shape->keys != NULL ? field->shape->keys () : NULL, value, where);
    case GW_FIELD_MAP:
      return check_map (value, where);
    case GW_FIELD_ANY:
      return TRUE;
    default:
      g_assert_not_reached ();
    }
}

static gboolean
check_field (const GwField *field, json_t *value, char **where)
{
  json_t *item;
  size_t i;

  if (json_is_null (value) && (field->flags & GW_FIELD_NULL))
    return TRUE;
  if (!(field->flags & GW_FIELD_LIST))
    return check_value (field, value, where);
  if (!json_is_array (value))
    return FALSE;
  json_array_foreach (value, i, item)
  {
    if (!check_value (field, item, where))
      return FALSE;
  }
  return TRUE;
}

static const GwField *
find_field (const GwField *fields, const char *name)
{
  for (; fields->name != NULL; fields++)
    if (strcmp (fields->name, name) == 0)
      return fields;
  return NULL;
}

static gboolean
is_key (const CfgKey *keys, const char *name)
{
  CfgField key;

  for (guint i = 0; keys != NULL && cfg_field (keys, i, NULL, &key); i++)
    {
      g_free (key.words);
      if (strcmp (key.name, name) == 0)
        return !key.is_secret && strcmp (name, "id") != 0;
    }
  return FALSE;
}

static gboolean
check_members (const GwField *fields, const CfgKey *keys, json_t *object, char **where)
{
  const GwField *rest = find_field (fields, GW_FIELD_REST);
  const char *name;
  json_t *value;

  json_object_foreach (object, name, value)
  {
    const GwField *named = find_field (fields, name), *field = named != NULL ? named : rest;
    g_autofree char *within = NULL;

    if (named == NULL && is_key (keys, name))
      continue;
    if (field != NULL && check_field (field, value, &within))
      continue;
    *where = within != NULL ? g_strconcat (name, ".", within, NULL) : g_strdup (name);
    return FALSE;
  }
  for (const GwField *field = fields; field->name != NULL; field++)
    if (!(field->flags & GW_FIELD_OPTIONAL) && strcmp (field->name, GW_FIELD_REST) != 0
        && json_object_get (object, field->name) == NULL)
      {
        *where = g_strdup (field->name);
        return FALSE;
      }
  return TRUE;
}

gboolean
gw_fields_check (const GwField *fields, json_t *object, char **where)
{
  *where = NULL;
  return json_is_object (object) && check_members (fields, NULL, object, where);
}
