/* What the API says of a call. */
#include "gateway/call_private.h"

#include "gateway/core/cause.h"
#include "gateway/core/number.h"
#include "gateway/core/sip_status.h"
#include "gateway/events.h"
#include "gateway/store.h"
#include "signaling/core/jsonrpc.h"

static json_t *
stream_json (const MediaStreamStats *stream)
{
  return json_pack ("{s:I, s:I, s:I, s:I, s:f, s:f, s:f}", "packets", (json_int_t)stream->packets, "bytes",
                    (json_int_t)stream->bytes, "lost", (json_int_t)stream->lost, "discarded",
                    (json_int_t)stream->discarded, "loss_percent", stream->loss_percent, "jitter_ms",
                    stream->jitter_ms, "mos", stream->mos);
}

json_t *
gw_media_stats_json (const MediaLegStats *stats)
{
  json_t *object = json_pack (
      "{s:o, s:o, s:f, s:I, s:I, s:I, s:b, s:s, s:s, s:s, s:s}", "in", stream_json (&stats->in), "out",
      stream_json (&stats->out), "playout_delay_ms", stats->playout_delay_ms, "concealed",
      (json_int_t)stats->concealed, "auth_failures", (json_int_t)stats->auth_failures, "strangers",
      (json_int_t)stats->strangers, "forwarding", stats->forwarding, "codec_in", stats->codec_in, "codec_out",
      stats->codec_out, "remote", stats->remote, "cipher", stats->cipher[0] != '\0' ? stats->cipher : "none");

  json_object_set_new (object, "rtt_ms", stats->rtt_ms >= 0 ? json_real (stats->rtt_ms) : json_null ());
  return object;
}

static void
set_time (json_t *object, const char *key, gboolean known, CfgWall at)
{
  g_autofree char *text = known ? gw_time_text (at) : NULL;

  json_object_set_new (object, key, known ? json_string (text) : json_null ());
}

static void
set_text (json_t *object, const char *key, const char *value)
{
  if (value != NULL)
    json_object_set_new (object, key, json_string (value));
}

const char *
gw_call_end_words (const GwCall *call)
{
  return call->end.cause == SIG_SIP_END_FAILED && call->end.status == 503
             ? gw_sip_unreached_words (call->end.phrase)
             : gw_sip_status_words (call->end.status);
}

static json_t *
end_json (const GwCall *call)
{
  int status = call->end.status;
  json_t *object = json_object ();

  if (call->hangup_reason != NULL)
    json_object_set_new (object, "reason", json_string (call->hangup_reason));
  if (status >= 300)
    {
      json_object_set_new (object, "sip_status_code", json_integer (status));
      json_object_set_new (object, "sip_status", json_string (call->end.phrase));
      json_object_set_new (object, "words", json_string (gw_call_end_words (call)));
    }
  else if (call->has_end && call->end.phrase != NULL)
    json_object_set_new (object, "sip_status", json_string (call->end.phrase));
  json_object_set_new (object, "cause", json_string (gw_call_cause (call)));
  set_text (object, "cause_text", gw_cause_text (gw_call_cause (call)));
  json_object_set_new (object, "q850", json_integer (gw_cause_q850 (gw_call_cause (call), status)));
  json_object_set_new (object, "disconnect_reason", json_string (gw_call_disconnect_reason (call)));
  if (call->end.reason != NULL)
    json_object_set_new (object, "sip_reason", json_string (call->end.reason));
  return object;
}

static gboolean
text_fits (const char *wanted, const char *text)
{
  return wanted == NULL || g_strcmp0 (wanted, text) == 0;
}

const char *
gw_call_shown_from (const GwCall *call)
{
  return call->v.inbound && call->hides_number ? NULL : call->v.from;
}

const char *
gw_call_shown_to (const GwCall *call)
{
  return !call->v.inbound && call->hides_number ? NULL : call->v.to;
}

gboolean
gw_call_fits (const GwCall *call, const GwCallQuery *query)
{
  const gint64 created_us = call->v.created_wall.us;

  return text_fits (query->room, call->v.room_name)
         && text_fits (query->direction, call->v.inbound ? "inbound" : "outbound")
         && text_fits (query->status, gw_call_status_word (call->v.state))
         && text_fits (query->trunk_id, call->v.trunk_id)
         && (query->number == NULL || gw_number_fits (query->number, gw_call_shown_from (call))
             || gw_number_fits (query->number, gw_call_shown_to (call)))
         && (query->since.us == 0 || created_us >= query->since.us)
         && (query->until.us == 0 || created_us < query->until.us);
}

const char *
gw_call_codec (const GwCall *call)
{
  return call->codec;
}

GwListPlace
gw_call_list_place (const GwCall *call)
{
  return (GwListPlace){ call->v.created_wall.us, call->v.id };
}

json_t *
gw_call_json (const GwCall *call, gboolean whole)
{
  json_t *object = json_object ();

  set_text (object, "sip_call_id", call->v.id);
  set_text (object, "sip_call_id_full", call->v.sip_call_id);
  set_text (object, "direction", call->v.inbound ? "inbound" : "outbound");
  set_text (object, "status", gw_call_status_word (call->v.state));
  set_text (object, "from", gw_call_shown_from (call));
  set_text (object, "to", gw_call_shown_to (call));
  set_text (object, "peer", call->v.peer);
  set_text (object, "room_name", call->v.room_name);
  set_text (object, "participant_identity", call->v.identity);
  set_text (object, "participant_id", call->v.participant_id);
  set_text (object, "trunk_id", call->v.trunk_id);
  set_text (object, "rule_id", call->v.rule_id);
  set_time (object, "created_at", TRUE, call->v.created_wall);
  set_time (object, "answered_at", call->v.was_answered, call->v.answered_wall);
  set_time (object, "ended_at", call->v.ended_wall.us != 0, call->v.ended_wall);
  if (!gw_call_is_live (call->v.state))
    json_object_set_new (object, "end", end_json (call));
  if (!whole)
    return object;
  set_text (object, "codec", call->codec);
  set_text (object, "cipher", call->cipher);
  set_text (object, "transport", call->transport);
  set_text (object, "tls", call->tls);
  json_object_set_new (object, "hold", gw_hold_json (call));
  json_object_set_new (object, "dtmf_digits", json_integer ((json_int_t)call->v.n_dtmf));
  json_object_set_new (object, "session_timer", gw_call_timer_json (call));
  json_object_set_new (object, "media", gw_media_stats_json (&call->stats));
  json_object_set_new (object, "timeline", gw_call_timeline_json (call));
  return object;
}

void
gw_record_call (const GwCall *call)
{
  gsize size;
  g_autofree char *json = sig_json_dump (gw_call_json (call, !gw_call_is_live (call->v.state)), &size);
  const GwCallRecord record = {
    .id = call->v.id,
    .sip_call_id = call->v.sip_call_id,
    .room = call->v.room_name,
    .direction = call->v.inbound ? "inbound" : "outbound",
    .status = gw_call_status_word (call->v.state),
    .trunk_id = call->v.trunk_id,
    .from = gw_call_shown_from (call),
    .to = gw_call_shown_to (call),
    .created = call->v.created_wall,
    .ended = call->v.state == GW_CALL_DONE ? call->v.ended_wall : (CfgWall){ 0 },
    .json = json,
  };

  gw_store_put_call (call->gateway->store, &record);
}
