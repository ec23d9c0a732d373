#include "gateway/late_record.h"

#include "gateway/call_private.h"
#include "gateway/capture.h"
#include "gateway/store.h"
#include "signaling/core/jsonrpc.h"

struct _GwLateRecord
{
  char *id, *sip_call_id, *room, *trunk_id, *from, *to; /* all but the first are nullable */
  const char *direction, *status;
  CfgWall created, ended;
  json_t *call;
  guint n_messages; /* that it knows of */
};

static void
count (gpointer user, const GwTraceMessage *message)
{
  ++*(guint *)user;
}

/* @n: (out): how many there were in all. FALSE: none are kept. Costs far less than writing them down. */
static gboolean
count_messages (Gateway *gateway, const char *id, guint *n)
{
  guint n_held = 0, n_lost = 0;
  const gboolean is_known = gw_capture_foreach (gateway, id, count, &n_held, &n_lost);

  *n = n_held + n_lost;
  return is_known;
}

GwLateRecord *
gw_late_record_new (const GwCall *call)
{
  GwLateRecord *late;
  guint n_messages;

  if (!call->v.was_answered || call->end.cause == SIG_SIP_END_REMOTE_BYE
      || !count_messages (call->gateway, call->v.id, &n_messages))
    return NULL;
  late = g_new0 (GwLateRecord, 1);
  late->id = g_strdup (call->v.id);
  late->sip_call_id = g_strdup (call->v.sip_call_id);
  late->room = g_strdup (call->v.room_name);
  late->trunk_id = g_strdup (call->v.trunk_id);
  late->from = g_strdup (gw_call_shown_from (call));
  late->to = g_strdup (gw_call_shown_to (call));
  late->direction = call->v.inbound ? "inbound" : "outbound";
  late->status = gw_call_status_word (call->v.state);
  late->created = call->v.created_wall;
  late->ended = call->v.ended_wall;
  late->call = gw_call_json (call, TRUE);
  late->n_messages = n_messages;
  return late;
}

static void
write_record (Gateway *gateway, const GwLateRecord *late)
{
  g_autofree char *json = sig_json_dump (json_incref (late->call), NULL);
  const GwCallRecord record = {
    .id = late->id,
    .sip_call_id = late->sip_call_id,
    .room = late->room,
    .direction = late->direction,
    .status = late->status,
    .trunk_id = late->trunk_id,
    .from = late->from,
    .to = late->to,
    .created = late->created,
    .ended = late->ended,
    .json = json,
  };

  gw_store_put_call (gateway->store, &record);
}

void
gw_late_record_update (Gateway *gateway, GwLateRecord *late)
{
  json_t *timeline = json_object_get (late->call, "timeline");
  json_auto_t *messages = NULL;
  guint n_messages;
  gsize n_held, n_new;

  if (!count_messages (gateway, late->id, &n_messages) || n_messages <= late->n_messages)
    return;
  messages = gw_call_messages_json (gateway, late->id);
  n_held = json_array_size (messages);
  n_new = n_messages - late->n_messages;
  for (gsize i = n_held - MIN (n_new, n_held); i < n_held; i++)
    json_array_append (timeline, json_array_get (messages, i));
  late->n_messages = n_messages;
  write_record (gateway, late);
}

void
gw_late_record_free (GwLateRecord *late)
{
  if (late == NULL)
    return;
  g_free (late->id);
  g_free (late->sip_call_id);
  g_free (late->room);
  g_free (late->trunk_id);
  g_free (late->from);
  g_free (late->to);
  json_decref (late->call);
  g_free (late);
}
