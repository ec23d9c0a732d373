#include "tools/ctl/args.h"

#include <stdio.h>
#include <string.h>

#include "tools/ctl/error.h"

#define MAX_INPUT_BYTES (1024 * 1024) /* of one message to the gateway */

static gboolean fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
fail (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error != NULL)
    *error = g_error_new_valist (CTL_ERROR, CTL_ERROR_USAGE, format, args);
  va_end (args);
  return FALSE;
}

gboolean
ctl_schema_allows (const json_t *schema, const char *type)
{
  const json_t *types = json_object_get (schema, "type");

  if (json_is_string (types))
    return strcmp (json_string_value (types), type) == 0;
  for (size_t i = 0; i < json_array_size (types); i++)
    if (g_strcmp0 (json_string_value (json_array_get (types, i)), type) == 0)
      return TRUE;
  return FALSE;
}

/* ---- files ---- */

static char *
read_stream (FILE *stream, gsize *size, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char buffer[4096];
  size_t n;

  while ((n = fread (buffer, 1, sizeof buffer, stream)) > 0 && text->len <= MAX_INPUT_BYTES)
    g_string_append_len (text, buffer, (gssize)n);
  if (text->len > MAX_INPUT_BYTES)
    {
      fail (error, "standard input: more than %d bytes", MAX_INPUT_BYTES);
      return NULL;
    }
  *size = text->len;
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* @name: "-" is standard input. Returns: (transfer full) (nullable) */
static char *
read_file (const char *name, gsize *size, GError **error)
{
  g_autoptr (GError) cause = NULL;
  char *text = NULL;

  if (strcmp (name, "-") == 0)
    return read_stream (stdin, size, error);
  if (!g_file_get_contents (name, &text, size, &cause))
    {
      fail (error, "%s", cause->message);
      return NULL;
    }
  if (*size <= MAX_INPUT_BYTES)
    return text;
  g_free (text);
  fail (error, "%s: more than %d bytes", name, MAX_INPUT_BYTES);
  return NULL;
}

static json_t *
parse_json (const char *text, gsize size, const char *where, GError **error)
{
  json_error_t problem;
  json_t *value = json_loadb (text, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &problem);

  if (value == NULL)
    fail (error, "%s: is no JSON: %s (line %d)", where, problem.text, problem.line);
  return value;
}

/* ---- values ---- */

static json_t *as_list (const json_t *schema, const char *text);

/* @text as a JSON value of one of the types of @schema that are no texts; NULL when it is none. */
static json_t *
as_typed (const json_t *schema, const char *text)
{
  json_t *value = json_loads (text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
  gboolean fits = (json_is_integer (value) && ctl_schema_allows (schema, "integer"))
                  || (json_is_number (value) && ctl_schema_allows (schema, "number"))
                  || (json_is_boolean (value) && ctl_schema_allows (schema, "boolean"))
                  || (json_is_object (value) && ctl_schema_allows (schema, "object"))
                  || (json_is_array (value) && ctl_schema_allows (schema, "array"))
                  || (json_is_null (value) && ctl_schema_allows (schema, "null"));

  if (fits)
    return value;
  json_decref (value);
  return ctl_schema_allows (schema, "array") ? as_list (json_object_get (schema, "items"), text) : NULL;
}

/* Members with commas between them. @schema: (nullable): of a member */
static json_t *
as_list (const json_t *schema, const char *text)
{
  g_auto (GStrv) members = g_strsplit (text, ",", -1);
  json_t *list = json_array ();

  for (char **member = members; *member != NULL; member++)
    {
      json_t *value = as_typed (schema, g_strstrip (*member));

      json_array_append_new (list, value != NULL ? value : json_string (*member));
    }
  return list;
}

static json_t *
as_value (const json_t *schema, const char *text, gsize size, const char *key, GError **error)
{
  json_t *value = strlen (text) == size ? as_typed (schema, text) : NULL;

  if (value == NULL)
    value = json_stringn (text, size);
  if (value == NULL)
    fail (error, "%s: is not UTF-8", key);
  return value;
}

static json_t *
read_value (const json_t *schema, const char *key, const char *text, GError **error)
{
  g_autofree char *content = NULL;
  gsize size;

  if (text[0] != '@')
    return as_value (schema, text, strlen (text), key, error);
  if (text[1] == '@')
    return as_value (schema, text + 1, strlen (text + 1), key, error);
  content = read_file (text + 1, &size, error);
  return content != NULL ? as_value (schema, content, size, key, error) : NULL;
}

/* ---- keys ---- */

/* Where a value goes: into @object under @name; @schema (nullable) is what its value must be. */
typedef struct
{
  json_t *object;
  const json_t *schema;
  const char *name;
} Place;

/* The member @name of @object, an object too, made where it is not there. NULL: it is something else. */
static json_t *
enter (json_t *object, const char *name)
{
  json_t *child = json_object_get (object, name);

  if (child == NULL)
    {
      child = json_object ();
      json_object_set_new (object, name, child);
    }
  return json_is_object (child) ? child : NULL;
}

static gboolean
find_place (json_t *params, const json_t *schema, const char *key, Place *place, GError **error)
{
  const json_t *properties = json_object_get (schema, "properties");

  *place = (Place){ params, json_object_get (properties, key), key };
  while (place->schema == NULL && strchr (place->name, '.') != NULL
         && (properties != NULL || place->name == key))
    {
      const gsize length = strcspn (place->name, ".");
      g_autofree char *name = g_strndup (place->name, length);

      place->object = enter (place->object, name);
      if (place->object == NULL)
        return fail (error, "%s: %s has a value already that is no object", key, name);
      place->name += length + 1;
      schema = json_object_get (properties, name);
      properties = json_object_get (schema, "properties");
      place->schema = json_object_get (properties, place->name);
    }
  if (place->schema == NULL && properties == NULL && place->name != key)
    place->schema = json_object_get (schema, "additionalProperties");
  if (place->name[0] == '\0')
    return fail (error, "\"%s\": the key ends in a dot", key);
  return TRUE;
}

static gboolean
add_file (json_t *params, const char *name, GError **error)
{
  gsize size;
  g_autofree char *text = read_file (name, &size, error);
  json_t *object = text != NULL ? parse_json (text, size, name, error) : NULL;
  gboolean is_object = json_is_object (object);

  if (object == NULL)
    return FALSE;
  if (is_object)
    json_object_update (params, object);
  else
    fail (error, "%s: must be a JSON object with the parameters", name);
  json_decref (object);
  return is_object;
}

gboolean
ctl_params_add (json_t *params, const json_t *schema, const char *argument, GError **error)
{
  const char *equals = strchr (argument, '=');
  g_autofree char *key = NULL;
  gboolean is_json;
  json_t *value;
  Place place;

  if (argument[0] == '@')
    return add_file (params, argument + 1, error);
  if (equals == NULL || equals == argument)
    return fail (error, "\"%s\": arguments are key=value", argument);
  is_json = equals[-1] == ':';
  key = g_strndup (argument, (gsize)(equals - argument) - is_json);
  if (key[0] == '\0')
    return fail (error, "\"%s\": arguments are key=value", argument);
  if (!find_place (params, schema, key, &place, error))
    return FALSE;
  if (json_object_get (place.object, place.name) != NULL)
    return fail (error, "%s is given twice", key);
  value = is_json ? parse_json (equals + 1, strlen (equals + 1), key, error)
                  : read_value (place.schema, key, equals + 1, error);
  if (value == NULL)
    return FALSE;
  if (json_object_set_new (place.object, place.name, value) == 0)
    return TRUE;
  return fail (error, "%s: is not UTF-8", key);
}
