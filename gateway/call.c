/* The life of a call: the state machine's actions, its participant, its end. */
#include "gateway/call_metrics.h"
#include "gateway/call_private.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/ids.h"
#include "config/base/log.h"
#include "gateway/capture.h"
#include "gateway/core/cause.h"
#include "gateway/core/sip_status.h"
#include "gateway/events.h"
#include "gateway/extensions.h"
#include "gateway/forwarding.h"
#include "gateway/logs.h"
#include "gateway/messages.h"
#include "gateway/presence.h"
#include "gateway/rooms.h"
#include "gateway/trunks.h"
#include "signaling/core/jsonrpc.h"

CfgLogContext
gw_call_log_context (const GwCall *call)
{
  return (CfgLogContext){ .call_id = call->v.id, .room = call->v.room_name, .participant = call->v.identity };
}

static gboolean
on_timer (gpointer data)
{
  GwCall *call = data;

  call->timer_source = 0;
  gw_call_hangup (call->gateway, call, call->timer_reason);
  return G_SOURCE_REMOVE;
}

void
gw_call_end_in (GwCall *call, guint seconds, const char *reason)
{
  g_clear_handle_id (&call->timer_source, g_source_remove);
  call->timer_reason = reason;
  if (seconds > 0)
    call->timer_source = g_timeout_add_seconds (seconds, on_timer, call);
}

GwCall *
gw_call_new (Gateway *gateway, gboolean inbound)
{
  GwCall *call = g_new0 (GwCall, 1);

  call->gateway = gateway;
  call->v.id = cfg_id_new ("SCL_");
  call->v.inbound = inbound;
  call->v.sip_call_id = g_strdup ("");
  call->created = cfg_monotonic_now ();
  call->v.created_wall = cfg_wall_now ();
  call->timeline = gw_timeline_new (&gateway->timelines);
  call->attributes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert (gateway->calls, call->v.id, call);
  return call;
}

void
gw_call_free (gpointer data)
{
  GwCall *call = data;

  g_assert (call->waiting == NULL);
  gw_call_end_in (call, 0, NULL);
  gw_transfer_clear (&call->transfer);
  gw_call_rule_clear (call);
  gw_call_digits_ended (call);
  g_free (call->dialtone);
  g_free (call->first_sdp);
  g_free (call->second_sdp);
  g_assert (call->pin == NULL);
  gw_route_clear (&call->route);
  g_free (call->extension);
  g_free (call->waiting_play);
  g_hash_table_unref (call->attributes);
  sig_sdp_free (call->remote);
  sig_sdp_plan_free (call->plan);
  gw_timeline_free (call->timeline);
  g_free ((char *)call->end.phrase);
  g_free ((char *)call->end.reason);
  g_free (call->codec);
  g_free (call->cipher);
  g_free (call->transport);
  g_free (call->tls);
  g_free (call->remote_media);
  gw_call_values_clear (&call->v);
  g_free (call);
}

void
gw_call_discard (GwCall *call)
{
  Gateway *gateway = call->gateway;

  gw_call_pin_free (call);
  if (call->leg != 0)
    {
      g_hash_table_remove (gateway->legs, &call->leg);
      media_engine_leg_free (gateway->media, call->leg);
    }
  if (call->sip != 0)
    g_hash_table_remove (gateway->calls_by_sip, &call->sip);
  gw_logs_call_ended (gateway, call->v.id);
  gw_capture_release (gateway, call->v.id);
  g_hash_table_remove (gateway->calls, call->v.id);
}

GwCall *
gw_call_by_sip (Gateway *gateway, SigSipCallId sip)
{
  return g_hash_table_lookup (gateway->calls_by_sip, &sip);
}

GwCall *
gw_call_find (Gateway *gateway, const char *id)
{
  return g_hash_table_lookup (gateway->calls, id);
}

const char *
gw_call_disconnect_reason (const GwCall *call)
{
  return gw_disconnect_reason (gw_call_cause (call), call->end.status);
}

const char *
gw_call_id (const GwCall *call)
{
  return call->v.id;
}

GwCall *
gw_call_find_full (Gateway *gateway, const char *sip_call_id, const char *room)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, gateway->calls);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (g_strcmp0 (((GwCall *)value)->v.sip_call_id, sip_call_id) == 0
        && (room == NULL || g_strcmp0 (((GwCall *)value)->v.room_name, room) == 0))
      return value;
  return NULL;
}

const char *
gw_call_room (const GwCall *call)
{
  return call->v.room_name;
}

void
gw_call_set_attribute (GwCall *call, const char *key, const char *value)
{
  if (value == NULL)
    return;
  g_hash_table_replace (call->attributes, g_strdup (key), g_strdup (value));
  if (call->participant != NULL)
    gw_participant_set_attribute (call->participant, key, value);
}

void
gw_call_remove_attribute (GwCall *call, const char *key)
{
  g_hash_table_remove (call->attributes, key);
  if (call->participant != NULL)
    g_hash_table_remove (call->participant->attributes, key);
}

static void
set_own_attributes (GwCall *call)
{
  GHashTableIter iter;
  gpointer key, value;

  gw_call_set_attribute (call, "sip.callID", call->v.id);
  gw_call_set_attribute (call, "sip.callStatus", gw_call_status_word (call->v.state));
  gw_call_set_attribute (call, "sip.trunkID", call->v.trunk_id);
  gw_call_set_attribute (call, "sip.trunkPhoneNumber", call->v.trunk_number);
  gw_call_set_attribute (call, "sip.ruleID", call->v.rule_id);
  g_hash_table_iter_init (&iter, call->attributes);
  while (g_hash_table_iter_next (&iter, &key, &value))
    gw_participant_set_attribute (call->participant, key, value);
}

static void
replace (char **field, const char *value)
{
  g_free (*field);
  *field = g_strdup (value);
}

void
gw_call_take_participant (GwCall *call, GwParticipant *participant)
{
  call->participant = participant;
  replace (&call->v.identity, participant->identity);
  replace (&call->v.participant_id, participant->sid);
  replace (&call->v.room_name, participant->room->name);
  set_own_attributes (call);
  gw_logs_call_moved (call->gateway, call->v.id, call->v.room_name);
}

gboolean
gw_call_has_audio (const GwCall *call)
{
  return sig_sdp_plan_audio (call->plan) != NULL;
}

gboolean
gw_call_join (GwCall *call, GwRoom *room, const char *identity, const char *name, GError **error)
{
  GwParticipant *participant = gw_room_add (room, identity, name, GW_KIND_SIP, cfg_wall_now (), error);

  if (participant == NULL)
    return FALSE;
  participant->call = call;
  participant->leg = call->leg;
  gw_call_take_participant (call, participant);
  return TRUE;
}

static void
emit_status (GwCall *call)
{
  if (call->v.room_name == NULL) /* its PIN would have told */
    return;
  gw_events_emit (call->gateway, call->v.room_name, "call_status",
                  json_pack ("{s:s?, s:s, s:o}", "participant_identity", call->v.identity, "status",
                             gw_call_status_word (call->v.state), "call", gw_call_json (call, FALSE)));
}

static void
publish_status (GwCall *call)
{
  if (call->participant != NULL)
    {
      gw_call_set_attribute (call, "sip.callStatus", gw_call_status_word (call->v.state));
      if (gw_call_is_live (call->v.state))
        gw_rooms_changed (call->gateway, call->participant);
    }
  emit_status (call);
  if (gw_call_is_live (call->v.state))
    {
      call->is_recorded = TRUE;
      gw_record_call (call);
    }
}

static void
leave (GwCall *call)
{
  GwParticipant *participant = g_steal_pointer (&call->participant);

  if (participant == NULL)
    return;
  gw_rooms_leave (call->gateway, participant, call->hangup_reason != NULL ? call->hangup_reason : "hangup");
}

const char *
gw_call_cause (const GwCall *call)
{
  if (call->hangup_reason != NULL)
    return call->hangup_reason;
  switch (call->end.cause)
    {
    case SIG_SIP_END_REMOTE_BYE:
      return "remote_bye";
    case SIG_SIP_END_REMOTE_CANCEL:
      return "remote_cancel";
    case SIG_SIP_END_LOCAL:
      return "local";
    case SIG_SIP_END_REJECTED:
      return "rejected";
    case SIG_SIP_END_TIMEOUT:
      return "timeout";
    case SIG_SIP_END_SESSION_EXPIRED:
      return "session_expired";
    case SIG_SIP_END_FAILED:
    default:
      return "failed";
    }
}

/* When it was hung up, by whoever it was: the other side's answer to our BYE may come a while later. */
static void
note_ended (GwCall *call)
{
  if (call->v.ended_wall.us != 0)
    return;
  call->ended = cfg_monotonic_now ();
  call->v.ended_wall = cfg_wall_now ();
}

static void
close_media (GwCall *call)
{
  const CfgLogContext context = gw_call_log_context (call);
  g_autofree char *status = g_strdup_printf ("%d", call->end.status);

  note_ended (call);
  gw_call_end_in (call, 0, NULL);
  gw_call_note_end (call);
  /* Somebody may be told that it was hung up. One that was refused at once has no record yet. */
  if (call->hangup_reason != NULL && (call->end.status == 0 || call->is_recorded))
    gw_record_call (call);
  cfg_info (
      "sip", &context, "Hangup", CFG_STR ("cause", gw_call_cause (call)),
      CFG_STR ("status", call->end.status != 0 ? status : NULL),
      CFG_STR ("phrase", call->end.phrase != NULL && call->end.phrase[0] != '\0' ? call->end.phrase : NULL));
  if (call->leg != 0)
    media_engine_leg_free (call->gateway->media, call->leg);
  else
    gw_call_handle (call, GW_CALL_EVENT_MEDIA_CLOSED);
}

static void
finish (GwCall *call)
{
  Gateway *gateway = call->gateway;
  const CfgLogContext context = gw_call_log_context (call);
  double duration_s = call->v.was_answered
                          ? (double)cfg_monotonic_diff_us (call->ended, call->answered) / CFG_US_PER_S
                          : 0.0;

  gw_log_summary (&context, duration_s, gw_call_cause (call), &call->stats, (int)call->v.n_dtmf);
  gw_record_call (call);
  gw_call_metrics_ended (call);
  gw_capture_finish (gateway, call->v.id, gw_late_record_new (call));
  gw_logs_call_ended (gateway, call->v.id);
  g_hash_table_remove (gateway->calls_by_sip, &call->sip);
  g_hash_table_remove (gateway->calls, call->v.id);
  gateway_check_drained (gateway);
}

static void
hang_up (GwCall *call)
{
  SigSip *sip = call->gateway->sip;

  if (call->v.inbound && !call->v.was_answered && call->end.status >= 300)
    sig_sip_call_refuse (sip, call->sip, call->end.status, call->end.reason);
  else
    {
      gw_call_send_headers (call, TRUE);
      sig_sip_call_hangup (sip, call->sip, call->end.reason);
    }
}

void
gw_call_handle (GwCall *call, GwCallEvent event)
{
  Gateway *gateway = call->gateway;
  const GwCallStep step = gw_call_step (call->v.state, event);

  gateway->n_alerting -= call->v.state == GW_CALL_ALERTING;
  gateway->n_alerting += step.next == GW_CALL_ALERTING;
  call->v.state = step.next;
  if (!gw_call_is_live (call->v.state))
    note_ended (call);
  if (step.actions & GW_CALL_ACTION_RING)
    sig_sip_call_ring (gateway->sip, call->sip);
  if ((step.actions & GW_CALL_ACTION_JOIN) && !call->is_successor && !call->is_announced)
    {
      call->is_announced = TRUE;
      gw_rooms_announce (gateway, call->participant);
    }
  if (step.actions & GW_CALL_ACTION_ANSWER)
    {
      gw_call_send_headers (call, FALSE);
      sig_sip_call_answer (gateway->sip, call->sip, call->v.sdp);
    }
  if (step.actions & GW_CALL_ACTION_STATUS)
    publish_status (call);
  if (step.actions & GW_CALL_ACTION_HANGUP)
    hang_up (call);
  if (step.actions & GW_CALL_ACTION_LEAVE)
    {
      gw_call_pin_free (call);
      gw_call_digits_ended (call);
      gw_call_dialtone_stop (call);
      gw_call_answer_waiting (call);
      gw_transfer_ended (call);
      gw_hold_ended (call);
      leave (call);
      gw_route_left (call);
    }
  if (step.actions & GW_CALL_ACTION_CLOSE_MEDIA)
    close_media (call);
  if (step.actions & GW_CALL_ACTION_FINISH)
    finish (call);
}

/* How its signalling travels, as long as that can be asked. */
static void
note_transport (GwCall *call)
{
  g_auto (SigSipDialogState) dialog = { 0 };
  const char *tls = sig_sip_call_tls (call->gateway->sip, call->sip);

  if (!sig_sip_call_export (call->gateway->sip, call->sip, &dialog))
    return;
  call->transport = g_strdup (dialog.transport);
  call->tls = g_strdup (tls);
}

void
gw_call_mark_answered (GwCall *call)
{
  if (call->v.was_answered)
    return;
  call->v.was_answered = TRUE;
  call->answered = cfg_monotonic_now ();
  call->v.answered_wall = cfg_wall_now ();
  if (call->participant != NULL)
    call->participant->state = GW_PARTICIPANT_ACTIVE;
  gw_call_end_in (call, call->v.max_duration_s, "max_call_duration");
  note_transport (call);
  gw_call_note (call, "answered", NULL);
}

static GwCauseIn
way_out (const GwCall *call)
{
  if (call->v.was_answered)
    return GW_CAUSE_IN_BYE;
  return call->v.inbound ? GW_CAUSE_IN_ANSWER : GW_CAUSE_IN_CANCEL;
}

void
gw_call_hangup (Gateway *gateway, GwCall *call, const char *reason)
{
  if (!gw_call_is_live (call->v.state))
    return;
  call->hangup_reason = g_intern_string (reason);
  if (call->end.reason == NULL) /* else what the other half of a bridge said */
    call->end.reason = gw_cause_reason (reason, way_out (call));
  call->end.cause = SIG_SIP_END_LOCAL;
  gw_call_handle (call, GW_CALL_EVENT_HANGUP);
}

void
gw_call_refuse (GwCall *call, int status, const char *phrase, const char *reason)
{
  if (!gw_call_is_live (call->v.state))
    return;
  call->end.status = status;
  call->end.phrase = g_strdup (phrase != NULL ? phrase : gw_sip_status_words (status));
  gw_call_hangup (call->gateway, call, reason);
}

void
gw_calls_hangup_all (Gateway *gateway, const char *reason)
{
  g_autoptr (GList) calls = g_hash_table_get_values (gateway->calls);

  for (GList *link = calls; link != NULL; link = link->next)
    gw_call_hangup (gateway, link->data, reason);
}

static void
on_ended (gpointer data, SigSipCallId sip, const SigSipEnd *end)
{
  Gateway *gateway = data;
  GwCall *call = gw_call_by_sip (gateway, sip);

  if (call == NULL)
    return;
  if (gw_call_is_live (call->v.state))
    {
      call->end.cause = end->cause;
      call->end.status = end->status;
      call->end.phrase = g_strdup (end->phrase);
      call->end.reason = g_strdup (end->reason);
      call->has_end = TRUE;
    }
  gw_call_handle (call, GW_CALL_EVENT_ENDED);
}

static void
on_digit (gpointer data, SigSipCallId sip, char digit, guint duration_ms)
{
  GwCall *call = gw_call_by_sip (data, sip);

  if (call != NULL && gw_call_is_live (call->v.state) && gw_call_takes_info (call))
    {
      call->out.knows_info = TRUE;
      gw_call_dtmf (data, call, digit, GW_DIGIT_INFO, duration_ms);
    }
}

const SigSipOps gw_calls_sip_ops = {
  .access = gw_call_on_access,
  .registration = gw_extensions_on_registration,
  .invite = gw_call_on_invite,
  .progress = gw_call_on_progress,
  .answer_headers = gw_call_on_answer_headers,
  .redirected = gw_forwarding_on_redirected,
  .answered = gw_call_on_answered,
  .acked = gw_call_on_acked,
  .pracked = gw_call_on_pracked,
  .reoffer = gw_call_on_reoffer,
  .reanswer = gw_call_on_reanswer,
  .ended = on_ended,
  .timer = gw_call_on_timer,
  .refresh_sdp = gw_call_on_refresh_sdp,
  .refer = gw_transfer_on_refer,
  .transfer = gw_transfer_on_news,
  .registered = gw_trunks_on_registered,
  .digit = on_digit,
  .message = gw_messages_on_message,
  .subscribe = gw_presence_on_subscribe,
  .notification = gw_presence_on_notification,
  .unsubscribed = gw_presence_on_unsubscribed,
  .captured = gw_capture_message,
};

/* ---- what the leg tells ---- */

void
gw_call_media_started (Gateway *gateway, GwCall *call, const char *codec, const char *cipher,
                       const char *remote)
{
  const CfgLogContext context = gw_call_log_context (call);

  cfg_info ("media", &context, "Media started", CFG_STR ("codec", codec), CFG_STR ("cipher", cipher),
            CFG_STR ("remote", remote));
  g_free (call->codec);
  g_free (call->cipher);
  g_free (call->remote_media);
  call->codec = g_strdup (codec);
  call->cipher = g_strdup (cipher);
  call->remote_media = g_strdup (remote);
  if (call->participant != NULL) /* its track's mime_type */
    gw_track_changed (call->participant, cfg_wall_now ());
  gw_call_note (call, "media_started",
                json_pack ("{s:s, s:s, s:s}", "codec", codec, "cipher", cipher, "remote", remote));
}

void
gw_call_dtmf (Gateway *gateway, GwCall *call, char digit, GwDigitSource source, guint duration_ms)
{
  const CfgLogContext context = gw_call_log_context (call);
  const char text[] = { digit, '\0' };
  const CfgMonotonic now = cfg_monotonic_now ();
  const gint64 held_ms = source == GW_DIGIT_MEDIA ? duration_ms : 0;

  if (!gw_digits_take (&call->digits, digit, source, cfg_monotonic_add_us (now, -held_ms * CFG_US_PER_MS),
                       now)
      || gw_call_pin_digit (call, digit))
    return;

  /* How many, never which: digits may be a PIN. */
  call->v.n_dtmf++;
  gw_call_note_digit (call);
  cfg_info ("media", &context, "DTMF received", CFG_INT ("count", call->v.n_dtmf));
  if (call->participant != NULL)
    gw_events_emit (gateway, call->v.room_name, "dtmf_received",
                    json_pack ("{s:s, s:s, s:i, s:i}", "participant_identity", call->v.identity, "digit",
                               text, "code",
                               digit >= '0' && digit <= '9' ? digit - '0'
                               : digit == '*'               ? 10
                               : digit == '#'               ? 11
                                                            : digit - 'A' + 12,
                               "duration_ms", (int)duration_ms));
  gw_route_digit (call, digit, source);
}

void
gw_call_media_timeout (Gateway *gateway, GwCall *call, gboolean initial)
{
  const CfgLogContext context = gw_call_log_context (call);

  if (!gw_call_is_live (call->v.state))
    return;
  cfg_warn ("media", &context, "No media from the peer, hanging up", CFG_BOOL ("initial", initial));
  gw_call_hangup (gateway, call, "media_timeout");
}

void
gw_call_stats (Gateway *gateway, GwCall *call, const MediaLegStats *stats)
{
  call->stats = *stats;
}

void
gw_call_media_closed (Gateway *gateway, GwCall *call, const MediaLegStats *stats)
{
  call->stats = *stats;
  call->leg = 0;
  gw_call_handle (call, GW_CALL_EVENT_MEDIA_CLOSED);
}

void
gw_log_summary (const CfgLogContext *context, double duration_s, const char *cause,
                const MediaLegStats *stats, int n_digits)
{
  g_autofree char *digits = n_digits >= 0 ? g_strdup_printf ("%d", n_digits) : NULL;
  g_autofree char *rtt = stats->rtt_ms >= 0 ? g_strdup_printf ("%.1f", stats->rtt_ms) : NULL;

  cfg_info ("media", context, "Call summary", CFG_REAL ("duration", duration_s), CFG_STR ("cause", cause),
            CFG_STR ("codecIn", stats->codec_in[0] != '\0' ? stats->codec_in : NULL),
            CFG_STR ("codecOut", stats->codec_out[0] != '\0' ? stats->codec_out : NULL),
            CFG_STR ("cipher", stats->cipher[0] != '\0' ? stats->cipher : "none"),
            CFG_INT ("packetsIn", stats->in.packets), CFG_INT ("lostIn", stats->in.lost),
            CFG_REAL ("lossIn", stats->in.loss_percent), CFG_REAL ("jitterIn", stats->in.jitter_ms),
            CFG_REAL ("mosIn", stats->in.mos), CFG_INT ("packetsOut", stats->out.packets),
            CFG_INT ("lostOut", stats->out.lost), CFG_REAL ("lossOut", stats->out.loss_percent),
            CFG_REAL ("jitterOut", stats->out.jitter_ms), CFG_REAL ("mosOut", stats->out.mos),
            CFG_STR ("rtt", rtt), CFG_INT ("strangers", stats->strangers), CFG_STR ("dtmf", digits));
}
