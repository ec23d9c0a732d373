/* What shells complete: `switchroomctl complete CURRENT WORD...` prints one candidate a line. CURRENT is the
 * word that is being typed; the WORDs are those before it. Methods and keys are those of server.methods;
 * those of the last time where the gateway does not answer at once. */
#include <string.h>

#include "tools/ctl/args.h"
#include "tools/ctl/run.h"
#include "tools/ctl/table.h"

static const char *const commands[] = { "call", "help", "logs", "methods", "token", "watch" };
static const char *const flags[]
    = { "--api-key",  "--api-secret", "--ca-file", "--config", "--grant",   "--help",
        "--identity", "--insecure",   "--json",    "--name",   "--output",  "--room",
        "--timeout",  "--token",      "--ttl",     "--url",    "--version", "--wide" };

typedef struct
{
  CtlRun *run;
  GString *out;
  const char *current;
  gboolean is_live; /* the gateway answers */
} Completion;

/* @tail: what follows the candidate; a space ends the word. */
static void
offer (Completion *completion, const char *prefix, const char *word, const char *tail)
{
  g_autofree char *whole = g_strconcat (prefix, word, tail, NULL);

  /* Nothing that a shell would take for more than a word. */
  if (g_str_has_prefix (whole, completion->current) && strpbrk (word, "\n\r'\"`$\\") == NULL)
    g_string_append_printf (completion->out, "%s\n", whole);
}

static char *
cache_path (void)
{
  return g_build_filename (g_get_user_cache_dir (), "switchroom", "methods.json", NULL);
}

static const json_t *
take_methods (Completion *completion)
{
  g_autofree char *path = cache_path (), *directory = g_path_get_dirname (path);
  const json_t *methods = ctl_run_methods (completion->run, NULL);

  completion->is_live = methods != NULL;
  if (methods == NULL)
    return completion->run->methods = json_load_file (path, 0, NULL);
  /* A cache that cannot be written is none. */
  if (g_mkdir_with_parents (directory, 0700) == 0)
    (void)json_dump_file (methods, path, JSON_COMPACT);
  return methods;
}

/* Members @member of the list @list in the answer of @method. */
static void
offer_answers (Completion *completion, const char *method, json_t *params, const char *list,
               const char *member, const char *prefix)
{
  json_auto_t *answer = completion->is_live ? ctl_run_call (completion->run, method, params, NULL) : NULL;
  json_t *one;
  size_t i;

  if (!completion->is_live)
    json_decref (params);
  json_array_foreach (json_object_get (answer, list), i, one)
  {
    const char *name = json_string_value (json_object_get (one, member));

    if (name != NULL)
      offer (completion, prefix, name, " ");
  }
}

static void
offer_calls (Completion *completion, const char *prefix)
{
  offer_answers (completion, "call.list", json_pack ("{s:b, s:i}", "ended", TRUE, "limit", 20), "calls",
                 "sip_call_id", prefix);
}

static void
offer_values (Completion *completion, const char *method, const char *key, const json_t *schema)
{
  g_autofree char *prefix = g_strconcat (key, "=", NULL);
  const json_t *words = json_object_get (schema, "enum");

  for (size_t i = 0; i < json_array_size (words); i++)
    offer (completion, prefix, json_string_value (json_array_get (words, i)), " ");
  if (ctl_schema_allows (schema, "boolean"))
    {
      offer (completion, prefix, "true", " ");
      offer (completion, prefix, "false", " ");
    }
  if (strcmp (key, "room") == 0 || strcmp (key, "room_name") == 0
      || (strcmp (key, "name") == 0 && g_str_has_prefix (method, "room.")
          && strcmp (method, "room.create") != 0))
    offer_answers (completion, "room.list", json_object (), "rooms", "name", prefix);
  else if (strcmp (key, "sip_call_id") == 0)
    offer_calls (completion, prefix);
}

static void
offer_keys (Completion *completion, const char *method, const json_t *schema)
{
  const char *equals = strchr (completion->current, '=');
  const char *name;
  json_t *param;

  json_object_foreach (json_object_get (schema, "properties"), name, param)
  {
    const gsize length = strlen (name);
    const gboolean is_inside = json_object_get (param, "properties") != NULL;

    if (equals == NULL)
      offer (completion, "", name, is_inside ? "." : "=");
    else if ((gsize)(equals - completion->current) == length
             && strncmp (completion->current, name, length) == 0)
      offer_values (completion, method, name, param);
    if (is_inside && g_str_has_prefix (completion->current, name) && completion->current[length] == '.')
      {
        g_autofree char *prefix = g_strconcat (name, ".", NULL);
        const char *inner;
        json_t *value;

        json_object_foreach (json_object_get (param, "properties"), inner, value)
        {
          offer (completion, prefix, inner, "=");
        }
      }
  }
}

static void
offer_methods (Completion *completion, const json_t *methods)
{
  const char *name;
  json_t *method;

  json_object_foreach ((json_t *)methods, name, method)
  {
    offer (completion, "", name, " ");
  }
}

/* The words that are no flags and no values of flags. */
static void
take_words (char **args, const char *words[2], guint *n)
{
  for (*n = 0; *args != NULL; args++)
    {
      if (g_str_has_prefix (*args, "-"))
        {
          const gboolean is_alone = strchr (*args, '=') != NULL || strcmp (*args, "--json") == 0
                                    || strcmp (*args, "--wide") == 0 || strcmp (*args, "--insecure") == 0;

          if (!is_alone && args[1] != NULL)
            args++;
          continue;
        }
      if (*n < 2)
        words[*n] = *args;
      ++*n;
    }
}

/* "room list" is room.list. */
static void
offer_second_words (Completion *completion, const json_t *methods, const char *first)
{
  const gsize size = strlen (first);
  const char *name;
  json_t *method;

  if (strcmp (first, "call") == 0)
    {
      offer (completion, "", "show", " ");
      offer (completion, "", "pcap", " ");
    }
  json_object_foreach ((json_t *)methods, name,
                       method) if (strncmp (name, first, size) == 0 && name[size] == '.')
      offer (completion, "", name + size + 1, " ");
}

static void
complete_method (Completion *completion, const json_t *methods, const char *const *words, guint n)
{
  g_autofree char *joined = n > 1 ? g_strjoin (".", words[0], words[1], NULL) : NULL;
  const char *name = joined != NULL && json_object_get (methods, joined) != NULL ? joined : words[0];
  const json_t *method = json_object_get (methods, name);

  if (method != NULL)
    offer_keys (completion, name, json_object_get (method, "params"));
  else if (n == 1)
    offer_second_words (completion, methods, words[0]);
}

static void
complete (Completion *completion, const char *const *words, guint n)
{
  const json_t *methods = take_methods (completion);

  if (n == 0)
    {
      for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
        offer (completion, "", commands[i], " ");
      offer_methods (completion, methods);
    }
  else if (strcmp (words[0], "logs") == 0
           || (strcmp (words[0], "call") == 0 && n > 1
               && (strcmp (words[1], "show") == 0 || strcmp (words[1], "pcap") == 0)))
    offer_calls (completion, "");
  else if (strcmp (words[0], "watch") == 0)
    offer_answers (completion, "room.list", json_object (), "rooms", "name", "");
  else if (strcmp (words[0], "help") == 0)
    offer_methods (completion, methods);
  else
    complete_method (completion, methods, words, n);
}

gboolean
ctl_do_complete (CtlRun *run, char **args, GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);
  Completion completion = { .run = run, .out = out, .current = args[0] != NULL ? args[0] : "" };
  const char *words[2] = { NULL, NULL };
  guint n = 0;

  if (g_strcmp0 (args[0], "--") == 0)
    completion.current = *++args != NULL ? args[0] : "";
  if (args[0] != NULL)
    take_words (args + 1, words, &n);
  if (completion.current[0] == '-')
    for (gsize i = 0; i < G_N_ELEMENTS (flags); i++)
      offer (&completion, "", flags[i], " ");
  else
    complete (&completion, words, n);
  return ctl_print (out->str, error);
}
