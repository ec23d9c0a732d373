/* Writes docs/API.md: the API's tables (gateway/api.h, gateway/api_shape.h) as Markdown, in the places that a
 * text written by hand names.
 *
 *   api-manual TEMPLATE           prints it
 *   api-manual TEMPLATE --write FILE
 *   api-manual TEMPLATE --check FILE   status 1 when FILE says something else
 */
#include <stdio.h>
#include <string.h>

#include "gateway/api.h"
#include "gateway/core/cause.h"
#include "tools/manual/sample.h"

#define GENERATED                                                                                            \
  "<!-- Made of the API's tables and of tools/manual/API.template.md by `ninja api-manual-write`: change "   \
  "those. -->\n"

/* ---- types in words ---- */

static const char *const param_types[] = {
  [GW_PARAM_STRING] = "string",        [GW_PARAM_TEXT] = "text",    [GW_PARAM_INT] = "integer",
  [GW_PARAM_REAL] = "number",          [GW_PARAM_BOOL] = "boolean", [GW_PARAM_OBJECT] = "object",
  [GW_PARAM_LIST] = "list of strings",
};

static const char *const field_types[] = {
  [GW_FIELD_STRING] = "string",       [GW_FIELD_TIME] = "time",    [GW_FIELD_INT] = "integer",
  [GW_FIELD_REAL] = "number",         [GW_FIELD_BOOL] = "boolean", [GW_FIELD_OBJECT] = "object",
  [GW_FIELD_MAP] = "strings by name", [GW_FIELD_ANY] = "any",
};

static void
append_words (GString *text, const char *words)
{
  g_auto (GStrv) list = g_strsplit (words, " ", -1);

  for (guint i = 0; list[i] != NULL; i++)
    g_string_append_printf (text, "%s`%s`", i > 0 ? ", " : "", list[i]);
}

static void
append_range (GString *text, const GwParam *param)
{
  const gboolean is_number = param->type == GW_PARAM_INT || param->type == GW_PARAM_REAL;

  if (is_number && param->max > 0)
    g_string_append_printf (text, ", %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, param->min, param->max);
  else if (is_number)
    g_string_append_printf (text, ", %" G_GINT64_FORMAT " or more", param->min);
  else if (param->type == GW_PARAM_TEXT || (param->type == GW_PARAM_STRING && param->max > 0))
    g_string_append_printf (text, ", %" G_GINT64_FORMAT " bytes", param->max);
}

/* A default that is a value stands as code, one in words as it is. */
static void
append_default (GString *text, const char *otherwise)
{
  gboolean is_value
      = strspn (otherwise, "0123456789.-") == strlen (otherwise) || strchr (otherwise, ' ') == NULL;

  g_string_append_printf (text, is_value ? " Default: `%s`." : " Default: %s.", otherwise);
}

/* ---- parameters ---- */

static void
append_params (GString *text, const GwParam *table, const char *prefix)
{
  for (const GwParam *param = table; param != NULL && param->name != NULL; param++)
    {
      g_autofree char *members = g_strconcat (prefix, param->name, ".", NULL);

      g_string_append_printf (text, "| `%s%s`", prefix, param->name);
      for (gsize i = 0; i < G_N_ELEMENTS (param->aliases) && param->aliases[i] != NULL; i++)
        g_string_append_printf (text, ", `%s`", param->aliases[i]);
      g_string_append_printf (text, " | %s%s", param->required ? "**required** " : "",
                              param_types[param->type]);
      append_range (text, param);
      g_string_append_printf (text, " | %s", param->doc);
      if (param->words != NULL)
        {
          g_string_append (text, " One of ");
          append_words (text, param->words);
          g_string_append_c (text, '.');
        }
      if (param->otherwise != NULL)
        append_default (text, param->otherwise);
      g_string_append (text, " |\n");
      append_params (text, param->members, members);
    }
}

static void
append_params_table (GString *text, const GwMethod *method)
{
  const gboolean has_params = method->params != NULL && method->params[0].name != NULL;
  const char *keys = method->keys == cfg_trunk_keys  ? "[trunk](CONFIGURATION.md#trunks)"
                     : method->keys == cfg_rule_keys ? "[dispatch rule](CONFIGURATION.md#dispatch-rules)"
                                                     : NULL;

  if (has_params)
    {
      g_string_append (text, "| parameter | type | meaning |\n|---|---|---|\n");
      append_params (text, method->params, "");
      g_string_append_c (text, '\n');
    }
  if (keys != NULL)
    g_string_append_printf (text, "%s the keys of a %s, but for `id`.\n\n",
                            has_params ? "Besides" : "Parameters:", keys);
  else if (!has_params)
    g_string_append (text, "No parameters.\n\n");
}

/* As GitHub makes it of a heading. */
static char *
anchor_of (const char *name)
{
  GString *anchor = g_string_new (NULL);

  for (; *name != '\0'; name++)
    if (g_ascii_isalnum (*name) || *name == '_' || *name == '-')
      g_string_append_c (anchor, g_ascii_tolower (*name));
  return g_string_free (anchor, FALSE);
}

/* ---- results ---- */

static void
append_field_type (GString *text, const GwField *field)
{
  if (field->flags & GW_FIELD_LIST)
    g_string_append (text, "list of ");
  if (field->type == GW_FIELD_OBJECT)
    {
      g_autofree char *anchor = anchor_of (field->shape->name);

      g_string_append_printf (text, "[%s](#%s)", field->shape->name, anchor);
    }
  else
    g_string_append_printf (text, "%s%s", field_types[field->type],
                            (field->flags & GW_FIELD_LIST) && field->type == GW_FIELD_STRING ? "s" : "");
  if (field->flags & GW_FIELD_NULL)
    g_string_append (text, " or null");
  if (field->flags & GW_FIELD_OPTIONAL)
    g_string_append (text, ", optional");
}

static void
append_fields (GString *text, const GwField *fields, const char *head)
{
  g_string_append_printf (text, "| %s | type | meaning |\n|---|---|---|\n", head);
  for (const GwField *field = fields; field->name != NULL; field++)
    {
      if (strcmp (field->name, GW_FIELD_REST) == 0)
        g_string_append (text, "| others | ");
      else
        g_string_append_printf (text, "| `%s` | ", field->name);
      append_field_type (text, field);
      g_string_append_printf (text, " | %s", field->doc);
      if (field->words != NULL && strchr (field->words, ' ') != NULL)
        {
          g_string_append (text, " One of ");
          append_words (text, field->words);
          g_string_append_c (text, '.');
        }
      g_string_append (text, " |\n");
    }
  g_string_append_c (text, '\n');
}

/* ---- methods ---- */

static void
append_errors (GString *text, const GwMethod *method)
{
  if (method->errors == NULL)
    return;
  g_string_append (text, "Errors: ");
  append_words (text, method->errors);
  g_string_append (text, ".\n\n");
}

/* (transfer full): what the table gives, or a sample; it must be what the table says. */
static json_t *
example_of (const GwMethod *method)
{
  return method->example != NULL ? json_loads (method->example, 0, NULL) : sample_params (method);
}

static json_t *
answer_of (const GwMethod *method)
{
  json_t *answer
      = method->answer != NULL ? json_loads (method->answer, 0, NULL) : sample_fields (method->result);
  g_autofree char *where = NULL;

  if (!gw_fields_check (method->result, answer, &where))
    g_error ("%s: the sample is wrong at %s", method->name, where);
  return answer;
}

static void
append_example (GString *text, const GwMethod *method)
{
  json_t *request = json_pack ("{s:s}", "method", method->name);
  json_t *params = example_of (method);

  if (json_object_size (params) > 0)
    json_object_set (request, "params", params);
  json_decref (params);
  g_string_append (text, "```json\n");
  sample_append (text, request);
  sample_append (text, json_pack ("{s:o}", "result", answer_of (method)));
  g_string_append (text, "```\n\n");
}

static void
append_method (GString *text, const GwMethod *method)
{
  g_string_append_printf (text, "### %s\n\n%s Grant: %s.\n\n", method->name, method->doc,
                          gw_grant_words (method->grant));
  append_params_table (text, method);
  if (method->result[0].name != NULL)
    append_fields (text, method->result, "result");
  else
    g_string_append (text, "Result: `{}`.\n\n");
  append_errors (text, method);
  append_example (text, method);
  if (method->more != NULL)
    g_string_append_printf (text, "%s\n\n", method->more);
}

static int
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(const GwMethod *const *)a)->name, (*(const GwMethod *const *)b)->name);
}

/* In the order of their names, whichever file they are in. */
static GPtrArray *
all_methods (void)
{
  GPtrArray *methods = g_ptr_array_new ();
  const GwMethod *method;

  for (guint i = 0; (method = gw_api_method (i)) != NULL; i++)
    g_ptr_array_add (methods, (gpointer)method);
  g_ptr_array_sort (methods, by_name);
  return methods;
}

static void
append_methods (GString *text)
{
  g_autoptr (GPtrArray) methods = all_methods ();

  g_string_append (text, "| method | grant | |\n|---|---|---|\n");
  for (guint i = 0; i < methods->len; i++)
    {
      const GwMethod *method = g_ptr_array_index (methods, i);
      g_autofree char *anchor = anchor_of (method->name);

      g_string_append_printf (text, "| [`%s`](#%s) | %s | %s |\n", method->name, anchor,
                              gw_grant_words (method->grant), method->doc);
    }
  g_string_append_c (text, '\n');
  for (guint i = 0; i < methods->len; i++)
    append_method (text, g_ptr_array_index (methods, i));
}

/* ---- events, notifications, objects ---- */

static void
append_news (GString *text, const GwNews *news)
{
  for (; news->name != NULL; news++)
    {
      g_string_append_printf (text, "### %s\n\n%s\n\n", news->name, news->doc);
      append_fields (text, news->fields, "member");
      g_string_append (text, "```json\n");
      sample_append (text, news->example != NULL ? json_loads (news->example, 0, NULL)
                                                 : sample_fields (news->fields));
      g_string_append (text, "```\n\n");
    }
}

static void
append_events (GString *text)
{
  append_fields (text, gw_event_fields, "member of each");
  append_news (text, gw_api_events);
}

static void
append_notifications (GString *text)
{
  append_news (text, gw_api_notifications);
}

static void
append_error_data (GString *text)
{
  append_fields (text, gw_error_fields, "member of data");
}

static void
append_causes (GString *text)
{
  const GwCause *cause;

  g_string_append (text,
                   "| cause | Q.850 | the call ended, because | Reason of our BYE |\n|---|---|---|---|\n");
  for (guint i = 0; (cause = gw_cause (i)) != NULL; i++)
    {
      g_autofree char *number
          = cause->q850 != 0 ? g_strdup_printf ("%d", cause->q850) : g_strdup ("by the SIP status");

      g_autofree char *reason = gw_cause_reason (cause->word, GW_CAUSE_IN_BYE);

      g_string_append_printf (text, "| `%s` | %s | %s | %s%s%s |\n", cause->word, number, cause->text,
                              reason != NULL ? "`" : "", reason != NULL ? reason : "",
                              reason != NULL ? "`" : "");
    }
}

static void
append_objects (GString *text)
{
  g_autoptr (GHashTable) shapes = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GList) names = NULL;
  const GwMethod *method;

  for (guint i = 0; (method = gw_api_method (i)) != NULL; i++)
    gw_shapes_collect (method->result, shapes);
  for (const GwNews *news = gw_api_events; news->name != NULL; news++)
    gw_shapes_collect (news->fields, shapes);
  for (const GwNews *news = gw_api_notifications; news->name != NULL; news++)
    gw_shapes_collect (news->fields, shapes);
  names = g_list_sort (g_hash_table_get_keys (shapes), (GCompareFunc)g_strcmp0);
  for (GList *name = names; name != NULL; name = name->next)
    {
      const GwShape *shape = g_hash_table_lookup (shapes, name->data);

      g_string_append_printf (text, "### %s\n\n%s\n\n", shape->name, shape->doc);
      append_fields (text, shape->fields, "member");
      if (shape->keys != NULL)
        g_string_append (text, "Besides those of the keys that are set.\n\n");
    }
}

/* ---- the whole ---- */

static const struct
{
  const char *mark;
  void (*append) (GString *text);
} parts[] = {
  { "<!-- error data -->", append_error_data }, { "<!-- methods -->", append_methods },
  { "<!-- events -->", append_events },         { "<!-- notifications -->", append_notifications },
  { "<!-- objects -->", append_objects },       { "<!-- causes -->", append_causes },
};

/* NULL with a message: a part has no place. */
static char *
write_manual (const char *template)
{
  g_autofree char *manual = g_strconcat (GENERATED, template, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      g_auto (GStrv) around = g_strsplit (manual, parts[i].mark, -1);

      if (g_strv_length (around) != 2)
        {
          fprintf (stderr, "the template must have %s once\n", parts[i].mark);
          return NULL;
        }
      parts[i].append (text);
      g_strchomp (text->str);
      g_free (manual);
      manual = g_strconcat (around[0], text->str, around[1], NULL);
    }
  return g_steal_pointer (&manual);
}

static int
check (const char *path, const char *manual)
{
  g_autofree char *held = NULL;

  if (g_file_get_contents (path, &held, NULL, NULL) && strcmp (held, manual) == 0)
    return 0;
  fprintf (stderr,
           "%s is not what the API's tables say: run `ninja api-manual-write` in the build directory\n",
           path);
  return 1;
}

int
main (int argc, char **argv)
{
  g_autofree char *template = NULL, *manual = NULL;
  g_autoptr (GError) error = NULL;

  if ((argc != 2 && argc != 4) || !g_file_get_contents (argv[1], &template, NULL, &error))
    {
      fprintf (stderr, "%s\n",
               error != NULL ? error->message : "usage: api-manual TEMPLATE [--write|--check FILE]");
      return 2;
    }
  manual = write_manual (template);
  if (manual == NULL)
    return 2;
  if (argc == 2)
    return fputs (manual, stdout) < 0;
  if (strcmp (argv[2], "--check") == 0)
    return check (argv[3], manual);
  if (g_file_set_contents (argv[3], manual, -1, &error))
    return 0;
  fprintf (stderr, "%s\n", error->message);
  return 2;
}
