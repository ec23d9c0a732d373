#include "tools/ctl/run.h"

#include <stdio.h>

#include "config/base/words.h"

#define CONNECT_S 10

gboolean
ctl_run_connect (CtlRun *run, GError **error)
{
  const guint limit_s = (guint)MAX (run->options->timeout_s, 0);
  CtlTarget target = {
    .url = &run->url,
    .ca_file = run->access.ca_file,
    .insecure = run->options->insecure,
    .connect_s = limit_s > 0 ? limit_s : CONNECT_S,
    .answer_s = limit_s,
  };
  g_autofree char *token = NULL;

  if (run->client != NULL)
    return TRUE;
  if (run->url.host == NULL && !ctl_url_parse (run->access.url, &run->url, error))
    return FALSE;
  token = ctl_access_token (&run->access, cfg_wall_now (), run->is_stream ? CTL_STREAM_TOKEN_S : CTL_TOKEN_S,
                            error);
  if (token == NULL)
    return FALSE;
  target.token = token;
  run->client = ctl_client_connect (&target, error);
  return run->client != NULL;
}

void
ctl_run_disconnect (CtlRun *run)
{
  g_clear_pointer (&run->client, ctl_client_free);
}

json_t *
ctl_run_call (CtlRun *run, const char *method, json_t *params, GError **error)
{
  if (ctl_run_connect (run, error))
    return ctl_client_call (run->client, method, params, error);
  json_decref (params);
  return NULL;
}

const json_t *
ctl_run_methods (CtlRun *run, GError **error)
{
  json_t *answer;

  if (run->methods != NULL)
    return run->methods;
  answer = ctl_run_call (run, "server.methods", json_object (), error);
  if (answer == NULL)
    return NULL;
  run->methods = json_incref (json_object_get (answer, "methods"));
  json_decref (answer);
  if (!json_is_object (run->methods))
    g_set_error_literal (error, CTL_ERROR, CTL_ERROR_REFUSED, "server.methods: the answer has no methods");
  return run->methods;
}

/* (transfer full): what may have been meant by @name: the methods that are written most like it, else those
 * with the same part before or behind the dot. */
static char *
similar (const json_t *methods, const char *name)
{
  g_auto (GStrv) parts = g_strsplit (name, ".", 2);
  g_autoptr (GString) same_part = g_string_new (NULL);
  GString *nearest = g_string_new (NULL);
  guint nearest_distance = 2;
  const char *known;
  json_t *value;

  json_object_foreach ((json_t *)methods, known, value)
  {
    g_auto (GStrv) theirs = g_strsplit (known, ".", 2);
    const guint distance = cfg_edit_distance (name, known);

    if (distance < nearest_distance)
      g_string_truncate (nearest, 0);
    if (distance <= nearest_distance)
      {
        g_string_append_printf (nearest, "%s%s", nearest->len > 0 ? " or " : ": did you mean ", known);
        nearest_distance = distance;
      }
    if (g_strcmp0 (parts[0], theirs[0]) == 0 || (parts[0] != NULL && g_strcmp0 (parts[1], theirs[1]) == 0))
      g_string_append_printf (same_part, "%s%s", same_part->len > 0 ? ", " : ": did you mean one of ", known);
  }
  if (nearest->len == 0)
    g_string_append_len (nearest, same_part->str, (gssize)same_part->len);
  return g_string_free (nearest, FALSE);
}

const json_t *
ctl_run_method (CtlRun *run, const char *name, GError **error)
{
  const json_t *methods = ctl_run_methods (run, error);
  const json_t *method = json_object_get (methods, name);
  g_autofree char *others = NULL;

  if (methods == NULL || method != NULL)
    return method;
  others = similar (methods, name);
  g_set_error (error, CTL_ERROR, CTL_ERROR_USAGE,
               "there is no method or command \"%s\"%s; `switchroomctl methods` lists them", name, others);
  return NULL;
}

gboolean
ctl_print (const char *text, GError **error)
{
  fputs (text, stdout);
  if (fflush (stdout) == 0)
    return TRUE;
  g_set_error_literal (error, CTL_ERROR, CTL_ERROR_UNREACHABLE, "standard output is closed");
  return FALSE;
}

gboolean
ctl_print_json (const json_t *value, GError **error)
{
  char *dump = json_dumps (value, JSON_COMPACT | JSON_ENCODE_ANY);
  g_autofree char *line = g_strconcat (dump, "\n", NULL);

  free (dump);
  return ctl_print (line, error);
}
