/* All tables as one document: server.methods. */
#include "gateway/api.h"
#include "gateway/api_params.h"

static json_t *
error_words (const GwMethod *method)
{
  g_autofree char *words
      = g_strconcat (GW_COMMON_ERRORS, method->errors != NULL ? " " : "", method->errors, NULL);
  g_auto (GStrv) list = g_strsplit (words, " ", -1);
  json_t *array = json_array ();

  for (char **word = list; *word != NULL; word++)
    json_array_append_new (array, json_string (*word));
  return array;
}

static json_t *
methods_json (GHashTable *shapes)
{
  json_t *methods = json_object ();
  const GwMethod *method;

  for (guint i = 0; (method = gw_api_method (i)) != NULL; i++)
    {
      json_object_set_new (
          methods, method->name,
          json_pack ("{s:s, s:s, s:o, s:o, s:o}", "description", method->doc, "grant",
                     gw_grant_words (method->grant), "params",
                     gw_params_schema (method->params, method->keys != NULL ? method->keys () : NULL),
                     "result", gw_fields_schema (method->result), "errors", error_words (method)));
      gw_shapes_collect (method->result, shapes);
    }
  return methods;
}

static json_t *
news_json (const GwNews *table, json_t *(*schema) (const GwNews *news), GHashTable *shapes)
{
  json_t *object = json_object ();

  for (const GwNews *news = table; news->name != NULL; news++)
    {
      json_object_set_new (object, news->name,
                           json_pack ("{s:s, s:o}", "description", news->doc, "params", schema (news)));
      gw_shapes_collect (news->fields, shapes);
    }
  return object;
}

static json_t *
notification_schema (const GwNews *news)
{
  return gw_fields_schema (news->fields);
}

/* In the order of their names, so that the document is the same each time. */
static json_t *
shapes_json (GHashTable *shapes)
{
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (shapes), (GCompareFunc)g_strcmp0);
  json_t *object = json_object ();

  for (GList *name = names; name != NULL; name = name->next)
    json_object_set_new (object, name->data, gw_shape_schema (g_hash_table_lookup (shapes, name->data)));
  return object;
}

json_t *
gw_api_schema (void)
{
  g_autoptr (GHashTable) shapes = g_hash_table_new (g_str_hash, g_str_equal);
  json_t *document = json_object ();

  json_object_set_new (document, "methods", methods_json (shapes));
  json_object_set_new (document, "events", news_json (gw_api_events, gw_event_schema, shapes));
  json_object_set_new (document, "notifications",
                       news_json (gw_api_notifications, notification_schema, shapes));
  json_object_set_new (document, "error", gw_fields_schema (gw_error_fields));
  json_object_set_new (document, "$defs", shapes_json (shapes));
  return document;
}
