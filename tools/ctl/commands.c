/* The commands that ask once: any method, call show, call pcap, methods, token. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "signaling/core/token.h"
#include "tools/ctl/args.h"
#include "tools/ctl/run.h"
#include "tools/ctl/show.h"
#include "tools/ctl/table.h"

#define DEFAULT_TTL "6h"
#define MAX_TTL_S   (365 * 86400)

static gboolean
print_result (CtlRun *run, const json_t *result, GError **error)
{
  g_autofree char *text = NULL;

  if (run->options->json)
    return ctl_print_json (result, error);
  text = ctl_print_result (result, run->options->wide);
  return ctl_print (text, error);
}

/* What could have been asked for besides, when there is nothing: a method that leaves out what is over takes
 * `ended`. (transfer none) (nullable): its description */
static const char *
wider (const json_t *method, const json_t *params)
{
  const json_t *ended
      = json_object_get (json_object_get (json_object_get (method, "params"), "properties"), "ended");

  return json_object_get (params, "ended") == NULL
             ? json_string_value (json_object_get (ended, "description"))
             : NULL;
}

static gboolean
is_empty (const json_t *result)
{
  const char *name;
  json_t *value;

  json_object_foreach ((json_t *)result, name, value)
  {
    if (json_array_size (value) > 0)
      return FALSE;
  }
  return TRUE;
}

gboolean
ctl_do_method (CtlRun *run, const char *name, char **args, GError **error)
{
  const json_t *method = ctl_run_method (run, name, error);
  json_t *params, *result;
  const char *more;
  gboolean done;

  if (method == NULL)
    return FALSE;
  params = json_object ();
  for (; *args != NULL; args++)
    if (!ctl_params_add (params, json_object_get (method, "params"), *args, error))
      {
        json_decref (params);
        g_prefix_error (error, "%s: ", name);
        return FALSE;
      }
  more = wider (method, params);
  result = ctl_run_call (run, name, params, error);
  if (result == NULL)
    return FALSE;
  done = print_result (run, result, error);
  if (done && more != NULL && !run->options->json && is_empty (result))
    {
      g_autofree char *hint = g_strconcat ("With ended=true: ", more, "\n", NULL);

      done = ctl_print (hint, error);
    }
  json_decref (result);
  return done;
}

/* SCL_... is our id of a call, anything else its Call-ID. @more: (transfer full) (nullable): further
 * parameters */
static json_t *
trace (CtlRun *run, char **args, json_t *more, GError **error)
{
  json_t *params = more != NULL ? more : json_object ();

  if (args[0] == NULL || args[1] != NULL)
    {
      json_decref (params);
      g_set_error_literal (
          error, CTL_ERROR, CTL_ERROR_USAGE,
          "one call is named: SCL_..., or its SIP Call-ID; `switchroomctl call.list` has them");
      return NULL;
    }
  json_object_set_new (params, g_str_has_prefix (args[0], "SCL_") ? "sip_call_id" : "sip_call_id_full",
                       json_string (args[0]));
  return ctl_run_call (run, "call.trace", params, error);
}

gboolean
ctl_do_call_show (CtlRun *run, char **args, GError **error)
{
  json_auto_t *answer = trace (run, args, NULL, error);
  g_autofree char *text = NULL;

  if (answer == NULL)
    return FALSE;
  if (run->options->json)
    return ctl_print_json (answer, error);
  text = ctl_show_call (answer);
  return ctl_print (text, error);
}

static gboolean
write_output (const char *path, const guchar *bytes, gsize size, GError **error)
{
  FILE *file = path != NULL ? fopen (path, "wb") : stdout;
  gboolean is_written = file != NULL && fwrite (bytes, 1, size, file) == size && fflush (file) == 0;

  if (!is_written)
    g_set_error (error, CTL_ERROR, CTL_ERROR_USAGE, "%s: %s", path != NULL ? path : "standard output",
                 g_strerror (errno));
  if (file != NULL && path != NULL)
    fclose (file);
  return is_written;
}

gboolean
ctl_do_call_pcap (CtlRun *run, char **args, GError **error)
{
  const char *path = run->options->output;
  json_auto_t *answer = NULL;
  g_autofree guchar *bytes = NULL;
  const char *text;
  gsize size;

  if (path == NULL && isatty (STDOUT_FILENO))
    {
      g_set_error_literal (error, CTL_ERROR, CTL_ERROR_USAGE,
                           "a pcap is no text: write it into a file, with > FILE or --output FILE");
      return FALSE;
    }
  answer = trace (run, args, json_pack ("{s:s}", "format", "pcap"), error);
  if (answer == NULL)
    return FALSE;
  text = json_string_value (json_object_get (answer, "pcap"));
  bytes = g_base64_decode (text != NULL ? text : "", &size);
  return write_output (path, bytes, size, error);
}

gboolean
ctl_do_methods (CtlRun *run, char **args, GError **error)
{
  const json_t *methods = ctl_run_methods (run, error);
  g_autoptr (GString) out = g_string_new (NULL);
  guint width = 0;
  const char *name;
  json_t *method;

  if (methods == NULL)
    return FALSE;
  if (run->options->json)
    return ctl_print_json (methods, error);
  json_object_foreach ((json_t *)methods, name, method)
  {
    width = MAX (width, (guint)strlen (name));
  }
  json_object_foreach ((json_t *)methods, name, method)
  {
    const char *doc = json_string_value (json_object_get (method, "description"));

    ctl_append_padded (out, name, width + 2);
    ctl_append_printable (out, doc != NULL ? doc : "");
    g_string_append_c (out, '\n');
  }
  return ctl_print (out->str, error);
}

/* ---- token ---- */

/* "30s", "10m", "6h", "7d"; 0: none of these. */
static gint64
parse_ttl (const char *text)
{
  char *end = NULL;
  const gint64 number = g_ascii_strtoll (text, &end, 10);
  const gint64 unit = strcmp (end, "s") == 0 || *end == '\0' ? 1
                      : strcmp (end, "m") == 0               ? 60
                      : strcmp (end, "h") == 0               ? 3600
                      : strcmp (end, "d") == 0               ? 86400
                                                             : 0;

  return unit > 0 && number > 0 && number <= MAX_TTL_S / unit ? number * unit : 0;
}

static gboolean
take_grant (SigToken *token, const char *name)
{
  const struct
  {
    const char *name;
    gboolean *grant;
  } grants[] = {
    { "roomJoin", &token->room_join },     { "roomAdmin", &token->room_admin },
    { "roomCreate", &token->room_create }, { "roomList", &token->room_list },
    { "sip.call", &token->sip_call },      { "sip.admin", &token->sip_admin },
    { "canPublish", &token->can_publish }, { "canSubscribe", &token->can_subscribe },
  };
  const gboolean wanted = name[0] != '-';
  gboolean found = FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (grants); i++)
    if (strcmp (name, "all") == 0 || strcmp (name + !wanted, grants[i].name) == 0)
      {
        *grants[i].grant = wanted;
        found = TRUE;
      }
  return found;
}

static gboolean
take_grants (SigToken *token, char **names, GError **error)
{
  for (char **list = names; list != NULL && *list != NULL; list++)
    {
      g_auto (GStrv) split = g_strsplit (*list, ",", -1);

      for (char **name = split; *name != NULL; name++)
        if (!take_grant (token, g_strstrip (*name)))
          {
            g_set_error (error, CTL_ERROR, CTL_ERROR_USAGE,
                         "--grant: \"%s\" is none of roomJoin, roomAdmin, roomCreate, roomList, sip.call, "
                         "sip.admin, canPublish, canSubscribe and all; a minus before it takes it away",
                         *name);
            return FALSE;
          }
    }
  return TRUE;
}

gboolean
ctl_do_token (CtlRun *run, char **args, GError **error)
{
  const CtlOptions *options = run->options;
  const CfgWall now = cfg_wall_now ();
  const gint64 ttl = parse_ttl (options->ttl != NULL ? options->ttl : DEFAULT_TTL);
  SigToken token = {
    .api_key = run->access.api_key,
    .identity = options->identity,
    .name = options->name,
    .room = options->room,
    .room_join = options->room != NULL,
    .can_publish = TRUE,
    .can_subscribe = TRUE,
    .expires_s = now.us / CFG_US_PER_S + ttl,
  };
  g_autofree char *jwt = NULL;
  g_autofree char *line = NULL;
  const char *problem = args[0] != NULL ? "it takes options only: token --room ROOM --identity NAME"
                        : ttl == 0      ? "--ttl: must be a time such as 30s, 10m, 6h or 7d"
                        : token.api_key == NULL || run->access.api_secret == NULL
                            ? "a token is signed: give --api-key and --api-secret, or --config FILE"
                        : options->identity == NULL ? "--identity says for whom the token is"
                                                    : NULL;

  if (problem != NULL)
    {
      g_set_error_literal (error, CTL_ERROR, CTL_ERROR_USAGE, problem);
      return FALSE;
    }
  if (!take_grants (&token, options->grants, error))
    return FALSE;
  jwt = sig_token_mint (&token, run->access.api_secret, now);
  if (!options->json)
    line = g_strconcat (jwt, "\n", NULL);
  else
    line = g_strdup_printf ("{\"token\":\"%s\",\"expires_at\":%" G_GINT64_FORMAT "}\n", jwt, token.expires_s);
  return ctl_print (line, error);
}
