/* switchroomctl: the command line, and which command is meant. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl/run.h"

#define DEFAULT_URL "ws://127.0.0.1:7880"

typedef struct
{
  const char *first, *second; /* (nullable) second */
  gboolean (*run) (CtlRun *run, char **args, GError **error);
} Command;

static const Command commands[] = {
  { "call", "show", ctl_do_call_show }, { "call", "pcap", ctl_do_call_pcap },
  { "watch", NULL, ctl_do_watch },      { "logs", NULL, ctl_do_logs },
  { "token", NULL, ctl_do_token },      { "methods", NULL, ctl_do_methods },
  { "help", NULL, ctl_do_help },        { "complete", NULL, ctl_do_complete },
};

static gboolean
parse_options (int *argc, char ***argv, CtlOptions *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "url", 'u', 0, G_OPTION_ARG_STRING, &options->flags.url, NULL, NULL },
    { "token", 't', 0, G_OPTION_ARG_STRING, &options->flags.token, NULL, NULL },
    { "api-key", 0, 0, G_OPTION_ARG_STRING, &options->flags.api_key, NULL, NULL },
    { "api-secret", 0, 0, G_OPTION_ARG_STRING, &options->flags.api_secret, NULL, NULL },
    { "ca-file", 0, 0, G_OPTION_ARG_FILENAME, &options->flags.ca_file, NULL, NULL },
    { "insecure", 'k', 0, G_OPTION_ARG_NONE, &options->insecure, NULL, NULL },
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &options->config, NULL, NULL },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &options->json, NULL, NULL },
    { "wide", 'w', 0, G_OPTION_ARG_NONE, &options->wide, NULL, NULL },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output, NULL, NULL },
    { "timeout", 0, 0, G_OPTION_ARG_INT, &options->timeout_s, NULL, NULL },
    { "room", 0, 0, G_OPTION_ARG_STRING, &options->room, NULL, NULL },
    { "identity", 0, 0, G_OPTION_ARG_STRING, &options->identity, NULL, NULL },
    { "name", 0, 0, G_OPTION_ARG_STRING, &options->name, NULL, NULL },
    { "ttl", 0, 0, G_OPTION_ARG_STRING, &options->ttl, NULL, NULL },
    { "grant", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->grants, NULL, NULL },
    { "help", 'h', 0, G_OPTION_ARG_NONE, &options->help, NULL, NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->version, NULL, NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) cause = NULL;

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_add_main_entries (context, entries, NULL);
  if (g_option_context_parse (context, argc, argv, &cause))
    return TRUE;
  g_set_error (error, CTL_ERROR, CTL_ERROR_USAGE, "%s; see --help", cause->message);
  return FALSE;
}

static void
options_clear (CtlOptions *options)
{
  ctl_access_clear (&options->flags);
  g_free (options->config);
  g_free (options->output);
  g_free (options->room);
  g_free (options->identity);
  g_free (options->name);
  g_free (options->ttl);
  g_strfreev (options->grants);
}

static const char *
environment (const char *name)
{
  return g_getenv (name);
}

static gboolean
add_file (CtlAccess *access, const char *path, GError **error)
{
  g_auto (CtlAccess) of_file = { NULL };

  if (!ctl_access_from_file (&of_file, path, error))
    return FALSE;
  ctl_access_add (access, &of_file);
  return TRUE;
}

/* The nearest first: flags, the file that a flag names, the environment, the user's own file. */
static gboolean
find_access (const CtlOptions *options, CtlAccess *access, GError **error)
{
  static const char *const prefixes[] = { "SWITCHROOM_", "LIVEKIT_" };
  g_autofree char *own = g_build_filename (g_get_user_config_dir (), "switchroom", "ctl.yaml", NULL);

  ctl_access_add (access, &options->flags);
  if (options->config != NULL && !add_file (access, options->config, error))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (prefixes); i++)
    {
      g_auto (CtlAccess) of_environment = { NULL };

      ctl_access_from_environment (&of_environment, prefixes[i], environment);
      ctl_access_add (access, &of_environment);
    }
  if (options->config == NULL && g_file_test (own, G_FILE_TEST_EXISTS) && !add_file (access, own, error))
    return FALSE;
  if (access->url == NULL)
    access->url = g_strdup (DEFAULT_URL);
  return TRUE;
}

/* @args: not empty. "room list" is room.list. */
static gboolean
run_command (CtlRun *run, char **args, GError **error)
{
  g_autofree char *joined = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      const Command *command = &commands[i];

      if (strcmp (args[0], command->first) == 0
          && (command->second == NULL || g_strcmp0 (args[1], command->second) == 0))
        return command->run (run, args + (command->second != NULL ? 2 : 1), error);
    }
  if (strpbrk (args[0], ".=@") != NULL || args[1] == NULL || strpbrk (args[1], "=@.") != NULL)
    return ctl_do_method (run, args[0], args + 1, error);
  joined = g_strconcat (args[0], ".", args[1], NULL);
  return ctl_do_method (run, joined, args + 2, error);
}

static gboolean
start (CtlRun *run, const CtlOptions *options, char **args, GError **error)
{
  char *help[] = { args[0], NULL };

  if (!find_access (options, &run->access, error))
    return FALSE;
  if (options->help)
    return ctl_do_help (run, help, error);
  return run_command (run, args, error);
}

/* With --json, what the gateway said; else a sentence. */
static void
print_error (const CtlRun *run, const CtlOptions *options, const GError *error)
{
  const json_t *refusal = run->client != NULL ? ctl_client_refusal (run->client) : NULL;
  json_t *object;
  char *text;

  if (!options->json)
    {
      fprintf (stderr, "switchroomctl: %s\n", error->message);
      return;
    }
  object = refusal != NULL ? json_pack ("{s:O}", "error", refusal)
                           : json_pack ("{s:{s:s}}", "error", "message", error->message);
  text = json_dumps (object, JSON_COMPACT);
  fprintf (stderr, "%s\n", text);
  free (text);
  json_decref (object);
}

static gboolean
is_command (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (commands[i].first, name) == 0)
      return TRUE;
  return FALSE;
}

static int
run_all (int argc, char **argv, CtlOptions *options)
{
  g_autoptr (GError) error = NULL;
  CtlRun run = { .options = options };
  char **args = argv + 1;
  int status = EXIT_SUCCESS;

  if (args[0] != NULL && strcmp (args[0], "--") == 0)
    args++;
  if (options->version)
    puts ("switchroomctl " SWITCHROOM_VERSION);
  else if (options->help && (args[0] == NULL || is_command (args[0])))
    ctl_print_help ();
  else if (args[0] == NULL)
    g_set_error_literal (&error, CTL_ERROR, CTL_ERROR_USAGE,
                         "say what to do: a method such as room.list, or a command; see --help");
  else
    start (&run, options, args, &error);
  if (error != NULL)
    {
      print_error (&run, options, error);
      status = error->code;
    }
  ctl_run_disconnect (&run);
  json_decref (run.methods);
  ctl_url_clear (&run.url);
  ctl_access_clear (&run.access);
  return status;
}

int
main (int argc, char **argv)
{
  CtlOptions options = { .json = FALSE };
  g_autoptr (GError) error = NULL;
  int status;

  setlocale (LC_ALL, "");
  if (parse_options (&argc, &argv, &options, &error))
    status = run_all (argc, argv, &options);
  else
    {
      fprintf (stderr, "switchroomctl: %s\n", error->message);
      status = error->code;
    }
  options_clear (&options);
  return status;
}
