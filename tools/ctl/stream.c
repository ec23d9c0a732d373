/* The commands that go on until they are stopped: watch and logs. They connect again when the connection is
 * lost, and go on where they were. */
#include <stdio.h>
#include <string.h>

#include "tools/ctl/run.h"
#include "tools/ctl/show.h"

#define MAX_PAUSE_S 10

typedef struct Stream Stream;

struct Stream
{
  CtlRun *run;
  char *what;  /* the room, or the call */
  gint64 seq;  /* of the last line; -1: none yet */
  char *epoch; /* (nullable): that seq belongs to */
  gboolean is_over;
  /* Asks to be told. */
  gboolean (*begin) (Stream *stream, GError **error);
  /* One notification. */
  gboolean (*take) (Stream *stream, const json_t *params, GError **error);
  const char *notification;
};

/* FALSE with CTL_ERROR_UNREACHABLE: to be tried again. */
static gboolean
follow (Stream *stream, GError **error)
{
  if (!ctl_run_connect (stream->run, error) || !stream->begin (stream, error))
    return FALSE;
  while (!stream->is_over)
    {
      json_auto_t *message = ctl_client_next (stream->run->client, error);

      if (message == NULL)
        return FALSE;
      if (g_strcmp0 (json_string_value (json_object_get (message, "method")), stream->notification) == 0
          && !stream->take (stream, json_object_get (message, "params"), error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
follow_on (Stream *stream, GError **error)
{
  gboolean was_up = FALSE;
  guint pause_s = 1;

  stream->run->is_stream = TRUE;
  for (;;)
    {
      g_autoptr (GError) problem = NULL;

      if (follow (stream, &problem))
        return TRUE;
      if (stream->run->client != NULL)
        {
          was_up = TRUE;
          pause_s = 1;
        }
      if (problem->code != CTL_ERROR_UNREACHABLE || !was_up || ferror (stdout))
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return FALSE;
        }
      ctl_run_disconnect (stream->run);
      fprintf (stderr, "switchroomctl: %s; connecting again in %u s\n", problem->message, pause_s);
      g_usleep (pause_s * G_USEC_PER_SEC);
      pause_s = MIN (pause_s * 2, MAX_PAUSE_S);
    }
}

/* What is on a connection must be known again on the next. */
static void
remember (Stream *stream, const json_t *params)
{
  const char *epoch = json_string_value (json_object_get (params, "epoch"));
  const json_t *seq = json_object_get (params, "seq");

  if (json_is_integer (seq))
    stream->seq = json_integer_value (seq);
  if (epoch != NULL && g_strcmp0 (epoch, stream->epoch) != 0)
    {
      g_free (stream->epoch);
      stream->epoch = g_strdup (epoch);
    }
}

/* ---- watch ---- */

static gboolean
is_all (const Stream *stream)
{
  return strcmp (stream->what, "*") == 0;
}

static gboolean
begin_watch (Stream *stream, GError **error)
{
  json_t *params = json_pack ("{s:s}", "name", stream->what);
  const gboolean is_again = stream->epoch != NULL;
  json_auto_t *answer = NULL;

  if (is_again && !is_all (stream))
    {
      json_object_set_new (params, "from_seq", json_integer (stream->seq));
      json_object_set_new (params, "epoch", json_string (stream->epoch));
    }
  answer = ctl_run_call (stream->run, "room.watch", params, error);
  if (answer == NULL)
    return FALSE;
  if (json_is_true (json_object_get (answer, "gap")) || (is_again && is_all (stream)))
    fprintf (stderr, "switchroomctl: connected again; some events in between may be missing\n");
  else if (is_again)
    fprintf (stderr, "switchroomctl: connected again\n");
  /* What was missed comes with numbers of its own. */
  if (!is_again || json_is_true (json_object_get (answer, "gap")))
    remember (stream, answer);
  return TRUE;
}

static gboolean
take_event (Stream *stream, const json_t *event, GError **error)
{
  g_autofree char *line = NULL;

  remember (stream, event);
  if (stream->run->options->json)
    return ctl_print_json (event, error);
  line = ctl_show_event (event);
  return ctl_print (line, error);
}

gboolean
ctl_do_watch (CtlRun *run, char **args, GError **error)
{
  Stream stream = { .run = run,
                    .what = g_strdup (args[0]),
                    .seq = -1,
                    .begin = begin_watch,
                    .take = take_event,
                    .notification = "event" };
  gboolean done;

  if (args[0] == NULL || args[1] != NULL)
    {
      g_set_error_literal (error, CTL_ERROR, CTL_ERROR_USAGE, "watch ROOM, or watch '*' for all rooms");
      g_free (stream.what);
      return FALSE;
    }
  done = follow_on (&stream, error);
  g_free (stream.what);
  g_free (stream.epoch);
  return done;
}

/* ---- logs ---- */

/* @entry: {seq, line} */
static gboolean
print_log (Stream *stream, const json_t *entry, GError **error)
{
  const json_t *line = json_object_get (entry, "line");
  g_autofree char *text = NULL;

  remember (stream, entry);
  if (stream->run->options->json)
    return ctl_print_json (line, error);
  text = ctl_show_log_line (line);
  return ctl_print (text, error);
}

/* A SIP Call-ID becomes our id of the call. */
static gboolean
find_call (Stream *stream, GError **error)
{
  json_auto_t *answer = NULL;
  const char *id;

  if (g_str_has_prefix (stream->what, "SCL_"))
    return TRUE;
  answer = ctl_run_call (stream->run, "call.trace", json_pack ("{s:s}", "sip_call_id_full", stream->what),
                         error);
  if (answer == NULL)
    return FALSE;
  id = json_string_value (json_object_get (json_object_get (answer, "call"), "sip_call_id"));
  if (id == NULL)
    {
      g_set_error_literal (
          error, CTL_ERROR, CTL_ERROR_REFUSED,
          "it was refused before it became a call: `switchroomctl call show` has its messages");
      return FALSE;
    }
  g_free (stream->what);
  stream->what = g_strdup (id);
  return TRUE;
}

static gboolean
begin_logs (Stream *stream, GError **error)
{
  json_t *params, *entry;
  json_auto_t *answer = NULL;
  size_t i;

  if (!find_call (stream, error))
    return FALSE;
  params = json_pack ("{s:s, s:b}", "sip_call_id", stream->what, "follow", TRUE);
  if (stream->seq >= 0)
    json_object_set_new (params, "from_seq", json_integer (stream->seq));
  answer = ctl_run_call (stream->run, "call.logs", params, error);
  if (answer == NULL)
    return FALSE;
  if (json_is_true (json_object_get (answer, "gap")))
    fprintf (stderr, "switchroomctl: earlier lines are not held any more\n");
  json_array_foreach (json_object_get (answer, "lines"), i, entry)
  {
    if (!print_log (stream, entry, error))
      return FALSE;
  }
  stream->is_over = !json_is_true (json_object_get (answer, "following"));
  return TRUE;
}

static gboolean
take_log (Stream *stream, const json_t *params, GError **error)
{
  const char *reason = json_string_value (json_object_get (params, "reason"));

  if (g_strcmp0 (json_string_value (json_object_get (params, "sip_call_id")), stream->what) != 0)
    return TRUE;
  stream->is_over = json_is_true (json_object_get (params, "ended"));
  if (stream->is_over && reason != NULL)
    {
      g_set_error (error, CTL_ERROR, CTL_ERROR_DENIED, "the call goes on, but cannot be followed: %s",
                   strcmp (reason, "moved") == 0 ? "it is in a room that the token does not reach" : reason);
      return FALSE;
    }
  return stream->is_over || print_log (stream, params, error);
}

gboolean
ctl_do_logs (CtlRun *run, char **args, GError **error)
{
  Stream stream = { .run = run,
                    .what = g_strdup (args[0]),
                    .seq = -1,
                    .begin = begin_logs,
                    .take = take_log,
                    .notification = "log" };
  gboolean done;

  if (args[0] == NULL || args[1] != NULL)
    {
      g_set_error_literal (error, CTL_ERROR, CTL_ERROR_USAGE,
                           "logs ID: the call's id, SCL_..., or its SIP Call-ID");
      g_free (stream.what);
      return FALSE;
    }
  done = follow_on (&stream, error);
  g_free (stream.what);
  g_free (stream.epoch);
  return done;
}
