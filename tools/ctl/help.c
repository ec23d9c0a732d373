/* What --help and `help METHOD` say. */
#include <stdio.h>
#include <string.h>

#include "tools/ctl/args.h"
#include "tools/ctl/run.h"
#include "tools/ctl/table.h"

static const char overall[]
    = "Usage: switchroomctl [OPTION...] METHOD [KEY=VALUE...]\n"
      "       switchroomctl [OPTION...] COMMAND [ARGUMENT...]\n"
      "\n"
      "Asks a running Switchroom gateway, and tells it what to do.\n"
      "\n"
      "Any method of the gateway's API is a command; `switchroomctl methods` lists them, and\n"
      "`switchroomctl help METHOD` says what one takes. For example:\n"
      "\n"
      "  switchroomctl room.list\n"
      "  switchroomctl participant.create room_name=support sip_call_to=+15550123 sip_trunk_id=provider\n"
      "  switchroomctl call.list ended=true limit=20\n"
      "  switchroomctl call.hangup sip_call_id=SCL_...\n"
      "\n"
      "Commands:\n"
      "  call show ID         why a call went as it went: its timeline and the ladder of its SIP messages\n"
      "  call pcap ID         its SIP messages as a pcap file for Wireshark: > FILE, or --output FILE\n"
      "  logs ID              the log lines of one call, from its beginning until it ends\n"
      "  watch ROOM           the events of a room, one line each, until you stop it; '*' is all rooms\n"
      "  token                prints an access token; needs no gateway:\n"
      "                       token --room ROOM --identity NAME [--name TEXT] [--ttl 6h] [--grant NAME...]\n"
      "  methods              all methods of the API\n"
      "  help [METHOD]        this text, or what a method takes\n"
      "\n"
      "Values: of the type that the method wants; lists with commas, or JSON.\n"
      "  key=value            key=@FILE takes the value from a file, key=@- from standard input\n"
      "  a.b=value            b inside of a: trunk.hostname=sip.example.com headers.X-Note=hello\n"
      "  key:=JSON            JSON as it is: attributes:='{\"team\":\"a\"}'\n"
      "  @FILE                all parameters as one JSON object\n"
      "\n"
      "Where the gateway is, and the key to it:\n"
      "  --url URL            ws://HOST:PORT or wss://HOST; default ws://127.0.0.1:7880\n"
      "  --token TOKEN        an access token; or\n"
      "  --api-key KEY        the gateway's api_key, and\n"
      "  --api-secret SECRET  its api_secret: tokens are made with them\n"
      "  --config FILE        takes all of these from FILE: url, token, api_key, api_secret, ca_file in "
      "YAML, or\n"
      "                       the gateway's own configuration\n"
      "  --ca-file FILE       who may have signed the gateway's certificate (PEM), beside those that the "
      "system\n"
      "                       trusts\n"
      "  --insecure           takes any certificate: whoever is between can read along\n"
      "What no flag says comes from the environment (SWITCHROOM_URL, SWITCHROOM_TOKEN, SWITCHROOM_API_KEY,\n"
      "SWITCHROOM_API_SECRET, SWITCHROOM_CA_FILE; else LIVEKIT_URL, LIVEKIT_TOKEN, LIVEKIT_API_KEY,\n"
      "LIVEKIT_API_SECRET), else from ~/.config/switchroom/ctl.yaml.\n"
      "\n"
      "Output:\n"
      "  --json               JSON, one value a line, for programs; errors as JSON on standard error\n"
      "  --wide               tables with all columns, nothing cut\n"
      "  --output FILE        of call pcap\n"
      "  --timeout SECONDS    give up; default: 10 for the connection, no limit for an answer\n"
      "\n"
      "Status: 0 done; 1 the gateway refused; 2 the command line is wrong; 3 no connection; 4 not allowed.\n";

void
ctl_print_help (void)
{
  fputs (overall, stdout);
}

static char *
type_text (const json_t *schema)
{
  const json_t *type = json_object_get (schema, "type"), *words = json_object_get (schema, "enum");
  GString *text = g_string_new (NULL);

  for (size_t i = 0; i < json_array_size (words); i++)
    g_string_append_printf (text, "%s%s", i > 0 ? "|" : "", json_string_value (json_array_get (words, i)));
  if (text->len > 0)
    return g_string_free (text, FALSE);
  if (json_is_string (type))
    g_string_append (text, json_string_value (type));
  for (size_t i = 0; i < json_array_size (type); i++)
    g_string_append_printf (text, "%s%s", i > 0 ? "|" : "", json_string_value (json_array_get (type, i)));
  return g_string_free (text, FALSE);
}

static gboolean
is_required (const json_t *schema, const char *name)
{
  const json_t *required = json_object_get (schema, "required");

  for (size_t i = 0; i < json_array_size (required); i++)
    if (g_strcmp0 (json_string_value (json_array_get (required, i)), name) == 0)
      return TRUE;
  return FALSE;
}

/* What an alias says of itself. */
static gboolean
is_alias_of (const json_t *param, const char *name)
{
  g_autofree char *text = g_strdup_printf ("The same as %s.", name);

  return g_strcmp0 (json_string_value (json_object_get (param, "description")), text) == 0;
}

static gboolean
is_alias (const json_t *properties, const json_t *param)
{
  const char *name;
  json_t *other;

  json_object_foreach ((json_t *)properties, name, other)
  {
    if (is_alias_of (param, name))
      return TRUE;
  }
  return FALSE;
}

/* (transfer full): "name, room, room_name" */
static char *
all_names (const json_t *properties, const char *name)
{
  GString *names = g_string_new (name);
  const char *other;
  json_t *param;

  json_object_foreach ((json_t *)properties, other, param)
  {
    if (is_alias_of (param, name))
      g_string_append_printf (names, ", %s", other);
  }
  return g_string_free (names, FALSE);
}

static void
append_params (GString *out, const json_t *schema, guint indent)
{
  const json_t *properties = json_object_get (schema, "properties");
  const char *name;
  json_t *param;

  json_object_foreach ((json_t *)properties, name, param)
  {
    const char *doc = json_string_value (json_object_get (param, "description"));
    g_autofree char *type = type_text (param), *names = all_names (properties, name);
    g_autofree char *head = g_strdup_printf ("%*s%s  (%s%s)", (int)indent, "", names, type,
                                             is_required (schema, name) ? ", required" : "");

    if (is_alias (properties, param))
      continue;
    ctl_append_printable (out, head);
    g_string_append_c (out, '\n');
    if (doc != NULL && doc[0] != '\0')
      {
        g_string_append_printf (out, "%*s", (int)indent + 6, "");
        ctl_append_printable (out, doc);
        g_string_append_c (out, '\n');
      }
    if (json_object_get (param, "properties") != NULL)
      append_params (out, param, indent + 4);
  }
}

/* What the text above explains. */
static gboolean
is_command (char **args)
{
  static const char *const commands[]
      = { "watch", "logs", "token", "methods", "help", "call show", "call pcap", NULL };
  g_autofree char *words = g_strjoinv (" ", args);

  return g_strv_contains (commands, args[0]) || g_strv_contains (commands, words);
}

gboolean
ctl_do_help (CtlRun *run, char **args, GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *name
      = args[0] != NULL ? g_strjoinv (strchr (args[0], '.') == NULL ? "." : " ", args) : NULL;
  const json_t *method;
  const char *doc;

  if (name == NULL || is_command (args))
    {
      ctl_print_help ();
      return TRUE;
    }
  method = ctl_run_method (run, name, error);
  if (method == NULL)
    return FALSE;
  if (run->options->json)
    return ctl_print_json (method, error);
  doc = json_string_value (json_object_get (method, "description"));
  g_string_append_printf (out, "Usage: switchroomctl %s [KEY=VALUE...]\n\n", name);
  ctl_append_printable (out, doc != NULL ? doc : "");
  g_string_append (out, "\n\n");
  if (json_object_size (json_object_get (json_object_get (method, "params"), "properties")) == 0)
    g_string_append (out, "It takes no parameters.\n");
  append_params (out, json_object_get (method, "params"), 2);
  return ctl_print (out->str, error);
}
