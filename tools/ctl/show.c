#include "tools/ctl/show.h"

#include <string.h>

#include "config/base/clock.h"
#include "config/base/log_format.h"
#include "tools/ctl/table.h"

#define MAX_LOG_FIELDS 64
#define EVENT_WIDTH    18

static const char *
text_of (const json_t *object, const char *name)
{
  return json_string_value (json_object_get (object, name));
}

/* FALSE: it is not there, or no time. */
static gboolean
time_of (const json_t *object, const char *name, gint64 *us)
{
  const char *text = text_of (object, name);
  g_autoptr (GDateTime) time = text != NULL ? g_date_time_new_from_iso8601 (text, NULL) : NULL;

  if (time == NULL)
    return FALSE;
  *us = g_date_time_to_unix (time) * CFG_US_PER_S + g_date_time_get_microsecond (time);
  return TRUE;
}

/* " key=value"; nothing where there is no value. */
static void
append_field (GString *out, const char *name, const json_t *value)
{
  char *dump;

  if (value == NULL || json_is_null (value))
    return;
  g_string_append_c (out, ' ');
  ctl_append_printable (out, name);
  g_string_append_c (out, '=');
  if (json_is_string (value) && json_string_length (value) > 0
      && strpbrk (json_string_value (value), " \"=") == NULL)
    {
      ctl_append_printable (out, json_string_value (value));
      return;
    }
  dump = json_dumps (value, JSON_COMPACT | JSON_ENCODE_ANY);
  ctl_append_printable (out, dump);
  free (dump);
}

/* The same for each member of @object but those in @left_out. */
static void
append_fields (GString *out, const json_t *object, const char *const *left_out)
{
  const char *name;
  json_t *value;

  json_object_foreach ((json_t *)object, name, value)
  {
    if (!g_strv_contains (left_out, name))
      append_field (out, name, value);
  }
}

/* ---- a call ---- */

/* "label  value", nothing where there is no value. */
static void
append_line (GString *out, const char *label, const char *value)
{
  if (value == NULL || value[0] == '\0')
    return;
  g_string_append_printf (out, "  %-12s", label);
  ctl_append_printable (out, value);
  g_string_append_c (out, '\n');
}

static void
append_who (GString *out, const json_t *call)
{
  const char *from = text_of (call, "from"), *peer = text_of (call, "peer");
  const gboolean inbound = g_strcmp0 (text_of (call, "direction"), "inbound") == 0;
  g_autofree char *far = peer != NULL ? g_strdup_printf (" (%s)", peer) : g_strdup ("");
  g_autofree char *first = g_strconcat (from != NULL ? from : "?", inbound ? far : "", NULL);
  const char *to = text_of (call, "to");
  g_autofree char *second = g_strconcat (to != NULL ? to : "?", inbound ? "" : far, NULL);

  append_line (out, "Call-ID", text_of (call, "sip_call_id_full"));
  append_line (out, "from", first);
  append_line (out, "to", second);
  append_line (out, "room", text_of (call, "room_name"));
  append_line (out, "identity", text_of (call, "participant_identity"));
  append_line (out, "trunk", text_of (call, "trunk_id"));
  append_line (out, "rule", text_of (call, "rule_id"));
}

static void
append_times (GString *out, const json_t *call)
{
  gint64 created, answered, ended;
  g_autofree char *ringing = NULL, *lasted = NULL;

  append_line (out, "began", text_of (call, "created_at"));
  if (!time_of (call, "created_at", &created))
    return;
  if (time_of (call, "answered_at", &answered))
    ringing = g_strdup_printf ("after %.3f s", (double)(answered - created) / CFG_US_PER_S);
  append_line (out, "answered", ringing);
  if (time_of (call, "ended_at", &ended))
    lasted = g_strdup_printf ("after %.3f s", (double)(ended - created) / CFG_US_PER_S);
  append_line (out, "ended", lasted);
}

static void
append_end (GString *out, const json_t *call)
{
  const json_t *end = json_object_get (call, "end");
  const char *cause = text_of (end, "cause"), *words = text_of (end, "cause_text");
  const json_int_t status = json_integer_value (json_object_get (end, "sip_status_code"));
  g_autofree char *why = NULL, *answer = NULL;

  if (end == NULL)
    return;
  why = words != NULL ? g_strdup_printf ("%s: %s", cause, words) : g_strdup (cause);
  append_line (out, "cause", why);
  if (status != 0)
    answer = g_strdup_printf ("%d %s", (int)status, text_of (end, "sip_status"));
  append_line (out, "SIP answer", answer);
  append_line (out, "SIP reason", text_of (end, "sip_reason"));
}

static void
append_stream (GString *out, const char *label, const json_t *stream, const char *codec)
{
  const json_int_t packets = json_integer_value (json_object_get (stream, "packets"));
  g_autofree char *text = NULL;

  if (packets == 0)
    return;
  text = g_strdup_printf ("%" JSON_INTEGER_FORMAT " packets %s, loss %.2f %%, jitter %.1f ms, MOS %.2f",
                          packets, codec != NULL ? codec : "",
                          json_number_value (json_object_get (stream, "loss_percent")),
                          json_number_value (json_object_get (stream, "jitter_ms")),
                          json_number_value (json_object_get (stream, "mos")));
  append_line (out, label, text);
}

static void
append_media (GString *out, const json_t *call)
{
  const json_t *media = json_object_get (call, "media");
  const json_int_t digits = json_integer_value (json_object_get (call, "dtmf_digits"));
  g_autofree char *keys = digits > 0 ? g_strdup_printf ("%d", (int)digits) : NULL;
  g_autofree char *way
      = g_strjoin (", ", text_of (call, "transport") != NULL ? text_of (call, "transport") : "",
                   text_of (call, "tls"), NULL);

  append_line (out, "signalling", way);
  append_line (out, "codec", text_of (call, "codec"));
  append_line (out, "cipher", text_of (call, "cipher"));
  append_stream (out, "heard", json_object_get (media, "in"), text_of (media, "codec_in"));
  append_stream (out, "sent", json_object_get (media, "out"), text_of (media, "codec_out"));
  append_line (out, "keys", keys);
}

/* "received INVITE with SDP", "sent 200 OK to BYE". */
static void
append_sip (GString *out, const json_t *entry)
{
  static const char *const known[]
      = { "time", "event", "direction", "message", "method", "sdp", "local", NULL };
  const char *direction = text_of (entry, "direction"), *message = text_of (entry, "message");
  const char *method = text_of (entry, "method");

  g_string_append_c (out, ' ');
  ctl_append_printable (out, direction != NULL ? direction : "?");
  g_string_append_c (out, ' ');
  ctl_append_printable (out, message != NULL ? message : "?");
  if (method != NULL)
    g_string_append (out, " to ");
  ctl_append_printable (out, method != NULL ? method : "");
  if (json_is_true (json_object_get (entry, "sdp")))
    g_string_append (out, " with SDP");
  append_fields (out, entry, known);
}

static void
append_timeline (GString *out, const json_t *call)
{
  static const char *const known[] = { "time", "event", NULL };
  const json_t *timeline = json_object_get (call, "timeline");
  gint64 created, at;
  json_t *entry;
  size_t i;

  if (json_array_size (timeline) == 0 || !time_of (call, "created_at", &created))
    return;
  g_string_append (out, "\nTimeline\n");
  json_array_foreach ((json_t *)timeline, i, entry)
  {
    const char *event = text_of (entry, "event");

    if (event == NULL || !time_of (entry, "time", &at))
      continue;
    g_string_append_printf (out, "%+10.3f  ", (double)(at - created) / CFG_US_PER_S);
    ctl_append_padded (out, event, EVENT_WIDTH);
    if (strcmp (event, "sip") == 0)
      append_sip (out, entry);
    else
      append_fields (out, entry, known);
    g_string_append_c (out, '\n');
  }
}

/* The gateway's text, line by line: it has remote names in it. */
static void
append_ladder (GString *out, const json_t *trace)
{
  const char *ladder = text_of (trace, "ladder");
  const json_int_t lost = json_integer_value (json_object_get (trace, "lost"));
  g_auto (GStrv) lines = NULL;

  if (ladder == NULL || ladder[0] == '\0')
    {
      g_string_append (out, "\nIts SIP messages are not held any more.\n");
      return;
    }
  g_string_append (out, "\nSIP\n");
  lines = g_strsplit (ladder, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if (line[0][0] != '\0')
      {
        ctl_append_printable (out, *line);
        g_string_append_c (out, '\n');
      }
  if (lost > 0)
    g_string_append_printf (out, "%" JSON_INTEGER_FORMAT " messages in between were not kept.\n", lost);
}

char *
ctl_show_call (const json_t *trace)
{
  const json_t *call = json_object_get (trace, "call");
  GString *out = g_string_new (NULL);

  if (json_is_object (call))
    {
      g_string_append (out, "Call ");
      ctl_append_printable (out, text_of (call, "sip_call_id") != NULL ? text_of (call, "sip_call_id") : "?");
      g_string_append_printf (out, ", %s, %s\n", text_of (call, "direction"), text_of (call, "status"));
      append_who (out, call);
      append_times (out, call);
      append_end (out, call);
      append_media (out, call);
      append_timeline (out, call);
    }
  else
    g_string_append (out, "An INVITE that did not become a call\n");
  append_ladder (out, trace);
  return g_string_free (out, FALSE);
}

/* ---- lines ---- */

/* What a line of an event says of an object in it: the first of @keys names it. */
typedef struct
{
  const char *member, *keys[5];
} CtlBrief;

static const CtlBrief *
brief_of (const char *member, const json_t *value)
{
  static const CtlBrief briefs[] = {
    { "participant", { "identity", "name", "kind" } },
    { "call", { "sip_call_id", "direction", "from", "to" } },
    { "room_info", { "sid" } },
    { "track", { "sid", "muted" } },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (briefs); i++)
    if (strcmp (briefs[i].member, member) == 0 && text_of (value, briefs[i].keys[0]) != NULL)
      return &briefs[i];
  return NULL;
}

static void
append_brief (GString *out, const CtlBrief *brief, const json_t *value)
{
  const json_t *attributes = json_object_get (value, "attributes"), *end = json_object_get (value, "end");
  const json_t *track = json_array_get (json_object_get (value, "tracks"), 0);

  append_field (out, brief->member, json_object_get (value, brief->keys[0]));
  for (gsize i = 1; i < G_N_ELEMENTS (brief->keys) && brief->keys[i] != NULL; i++)
    append_field (out, brief->keys[i], json_object_get (value, brief->keys[i]));
  append_field (out, "sip.callStatus", json_object_get (attributes, "sip.callStatus"));
  append_field (out, "sip.hold", json_object_get (attributes, "sip.hold"));
  append_field (out, "muted", json_object_get (track, "muted"));
  append_field (out, "cause", json_object_get (end, "cause"));
  append_field (out, "sip_status_code", json_object_get (end, "sip_status_code"));
}

/* " speakers=ada:0.13,bob:0.07", or " speakers=none". */
static void
append_speakers (GString *out, const json_t *speakers)
{
  gsize i;
  json_t *speaker;

  g_string_append (out, json_array_size (speakers) > 0 ? " speakers=" : " speakers=none");
  json_array_foreach ((json_t *)speakers, i, speaker)
  {
    const char *identity = text_of (speaker, "identity");

    if (i > 0)
      g_string_append_c (out, ',');
    ctl_append_printable (out, identity != NULL ? identity : "?");
    g_string_append_printf (out, ":%.2f", json_number_value (json_object_get (speaker, "level")));
  }
}

static void
append_event_fields (GString *out, const json_t *event)
{
  static const char *const known[] = { "time", "type", "room", "seq", "epoch", NULL };
  const char *name;
  json_t *value;

  json_object_foreach ((json_t *)event, name, value)
  {
    const CtlBrief *brief = brief_of (name, value);

    if (g_strv_contains (known, name))
      continue;
    if (brief != NULL)
      append_brief (out, brief, value);
    else if (strcmp (name, "speakers") == 0 && json_is_array (value))
      append_speakers (out, value);
    else
      append_field (out, name, value);
  }
}

char *
ctl_show_event (const json_t *event)
{
  GString *out = g_string_new (NULL);

  ctl_append_printable (out, text_of (event, "time") != NULL ? text_of (event, "time") : "?");
  g_string_append (out, "  ");
  ctl_append_printable (out, text_of (event, "room") != NULL ? text_of (event, "room") : "?");
  g_string_append (out, "  ");
  ctl_append_printable (out, text_of (event, "type") != NULL ? text_of (event, "type") : "?");
  g_string_append_c (out, ' ');
  append_event_fields (out, event);
  g_string_append_c (out, '\n');
  return g_string_free (out, FALSE);
}

static gboolean
take_field (const char *name, const json_t *value, CfgLogField *field)
{
  if (json_is_string (value))
    *field = CFG_STR (name, json_string_value (value));
  else if (json_is_integer (value))
    *field = CFG_INT (name, json_integer_value (value));
  else if (json_is_real (value))
    *field = CFG_REAL (name, json_real_value (value));
  else if (json_is_boolean (value))
    *field = CFG_BOOL (name, json_is_true (value));
  else
    return FALSE;
  return TRUE;
}

char *
ctl_show_log_line (const json_t *object)
{
  static const char *const known[]
      = { "time", "level", "component", "event", "callID", "room", "participant", NULL };
  const CfgLogContext context
      = { text_of (object, "callID"), text_of (object, "room"), text_of (object, "participant") };
  CfgLogField fields[MAX_LOG_FIELDS + 1];
  CfgLogLine line = { .context = &context, .fields = fields };
  GString *out = g_string_new (NULL);
  const char *name;
  json_t *value;
  guint n = 0;

  json_object_foreach ((json_t *)object, name, value)
  {
    if (n < MAX_LOG_FIELDS && !g_strv_contains (known, name) && take_field (name, value, &fields[n]))
      n++;
  }
  fields[n].type = CFG_LOG_FIELD_END;
  if (text_of (object, "level") == NULL || !cfg_log_level_parse (text_of (object, "level"), &line.level))
    line.level = CFG_LOG_INFO;
  if (!time_of (object, "time", &line.time.us))
    line.time.us = 0;
  line.component = text_of (object, "component") != NULL ? text_of (object, "component") : "?";
  line.event = text_of (object, "event") != NULL ? text_of (object, "event") : "?";
  cfg_log_format_line (out, CFG_LOG_TEXT, &line);
  return g_string_free (out, FALSE);
}
