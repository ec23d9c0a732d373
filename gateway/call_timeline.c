/* What happened to a call, in order: its own entries and the SIP messages that were kept. */
#include "gateway/call_private.h"

#include <string.h>

#include "gateway/capture.h"
#include "gateway/core/cause.h"
#include "gateway/core/ladder.h"
#include "gateway/events.h"
#include "gateway/notes.h"

/* SIP messages in a timeline: so many of the first and of the last ones. */
#define SIP_AT_EACH_END 30

void
gw_call_note (GwCall *call, const char *event, json_t *fields)
{
  gw_timeline_add (call->timeline, cfg_wall_now (), event, fields, FALSE);
  json_decref (fields);
}

void
gw_call_note_digit (GwCall *call)
{
  call->last_digit = cfg_wall_now ();
  if (call->first_digit.us == 0)
    call->first_digit = call->last_digit;
}

void
gw_call_note_end (GwCall *call)
{
  const char *cause = gw_call_cause (call);
  json_auto_t *fields
      = json_pack ("{s:s, s:i}", "cause", cause, "q850", gw_cause_q850 (cause, call->end.status));

  if (call->end.status >= 300)
    json_object_set_new (fields, "sip_status_code", json_integer (call->end.status));
  if (call->end.reason != NULL)
    json_object_set_new (fields, "sip_reason", json_string (call->end.reason));
  gw_timeline_add (call->timeline, cfg_wall_now (), "hangup", fields, TRUE);
}

void
gw_call_note_sdp (GwCall *call, const char *what, const SigSdp *remote, const SigSdpPlan *plan,
                  const GError *error)
{
  gw_call_note (call, "sdp", gw_note_sdp (what, remote, plan, !call->v.our_codec_order, error));
}

/* ---- all of it ---- */

typedef struct
{
  gint64 us;
  guint order; /* of those of the same instant */
  json_t *entry;
} Entry;

typedef struct
{
  GArray *entries;                          /* of Entry */
  char transport[8], local[64], remote[64]; /* of the SIP message before */
} Collected;

static void
collect (gpointer user, CfgWall time, json_t *entry)
{
  Collected *collected = user;
  const Entry one = { time.us, collected->entries->len, entry };

  g_array_append_val (collected->entries, one);
}

/* The method of a message's CSeq: which request a final answer is for. */
static void
set_method (json_t *entry, const GwTraceMessage *message)
{
  const char *at = g_strstr_len (message->text, (gssize)message->size, "\nCSeq:");
  const char *text_end = message->text + message->size, *end, *word;

  if (at == NULL)
    return;
  at += strlen ("\nCSeq:");
  end = memchr (at, '\r', (gsize)(text_end - at));
  if (end == NULL)
    return;
  for (word = end; word > at && g_ascii_isupper (word[-1]);)
    word--;
  if (word < end)
    json_object_set_new (entry, "method", json_stringn (word, (gsize)(end - word)));
}

static void
set_changed (json_t *entry, const char *name, char *before, gsize size, const char *value)
{
  if (strcmp (before, value) == 0)
    return;
  g_strlcpy (before, value, size);
  json_object_set_new (entry, name, json_string (value));
}

static void
collect_sip (gpointer user, const GwTraceMessage *message)
{
  Collected *collected = user;
  g_autoptr (GString) label = g_string_new (NULL);
  json_t *entry;

  gw_ladder_label (label, message);
  entry = json_pack ("{s:s, s:s, s:s}", "event", "sip", "direction", message->is_sent ? "sent" : "received",
                     "message", label->str);
  if (g_ascii_isdigit (label->str[0]))
    set_method (entry, message);
  if (gw_ladder_has_sdp (message))
    json_object_set_new (entry, "sdp", json_true ());
  set_changed (entry, "transport", collected->transport, sizeof collected->transport, message->transport);
  set_changed (entry, "remote", collected->remote, sizeof collected->remote, message->remote);
  set_changed (entry, "local", collected->local, sizeof collected->local, message->local);
  collect (collected, message->time, entry);
}

static void
entry_clear (gpointer data)
{
  json_decref (((Entry *)data)->entry);
}

/* Leaves the first and the last ones. @n_lost: of those that the trace has forgotten */
static void
thin_out (GArray *entries, guint n_lost)
{
  const guint n_cut = entries->len > 2 * SIP_AT_EACH_END ? entries->len - 2 * SIP_AT_EACH_END : 0;
  json_t *gap;

  if (n_cut > 0)
    g_array_remove_range (entries, SIP_AT_EACH_END, n_cut);
  if (n_cut + n_lost == 0 || entries->len == 0)
    return;
  gap = json_pack ("{s:s, s:i}", "event", "sip_omitted", "count", (int)(n_cut + n_lost));
  const guint at = MIN (SIP_AT_EACH_END, entries->len) - 1;
  const Entry one = { g_array_index (entries, Entry, at).us, at, gap };
  g_array_append_val (entries, one);
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  const Entry *first = a, *second = b;

  if (first->us != second->us)
    return first->us < second->us ? -1 : 1;
  return first->order < second->order ? -1 : first->order > second->order;
}

json_t *
gw_call_messages_json (Gateway *gateway, const char *id)
{
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  Collected collected = { .entries = entries };
  json_t *list = json_array ();
  guint n_lost = 0;

  g_array_set_clear_func (entries, entry_clear);
  (void)gw_capture_foreach (gateway, id, collect_sip, &collected, &n_lost);
  for (guint i = 0; i < entries->len; i++)
    {
      const Entry *one = &g_array_index (entries, Entry, i);
      g_autofree char *time = gw_time_text ((CfgWall){ one->us });

      json_object_set_new (one->entry, "time", json_string (time));
      json_array_append (list, one->entry);
    }
  return list;
}

json_t *
gw_call_timeline_json (const GwCall *call)
{
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  Collected collected = { .entries = entries };
  json_t *list = json_array ();
  guint n_lost = 0;

  g_array_set_clear_func (entries, entry_clear);
  (void)gw_capture_foreach (call->gateway, call->v.id, collect_sip, &collected, &n_lost);
  thin_out (entries, n_lost);
  gw_timeline_foreach (call->timeline, collect, &collected);
  if (call->first_digit.us != 0)
    {
      g_autofree char *last = gw_time_text (call->last_digit);

      collect (&collected, call->first_digit,
               json_pack ("{s:s, s:i, s:s}", "event", "dtmf", "count", (int)call->v.n_dtmf, "last_at", last));
    }
  g_array_sort (entries, compare);
  for (guint i = 0; i < entries->len; i++)
    {
      const Entry *one = &g_array_index (entries, Entry, i);
      g_autofree char *time = gw_time_text ((CfgWall){ one->us });

      json_object_set_new (one->entry, "time", json_string (time));
      json_array_append (list, one->entry);
    }
  return list;
}
