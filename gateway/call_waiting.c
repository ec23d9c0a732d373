/* Calls that ring until somebody is in their room (answer: on_participant): no greeting is lost, no empty
 * room is billed. With early_media the caller is in the room meanwhile and hears an announcement, or ringing,
 * and what is played to the room; nobody hears the caller. */
#include "gateway/call_private.h"

#include <string.h>

#include "config/base/log.h"
#include "gateway/plays.h"
#include "gateway/rooms.h"

static const char *
play (GwCall *call, const GwPlayRequest *request)
{
  const CfgLogContext context = gw_call_log_context (call);
  g_autoptr (GError) error = NULL;
  const char *id = gw_play_start (call->gateway, call->participant->room, call->participant, request, &error);

  if (id == NULL)
    cfg_warn ("media", &context, "A waiting caller cannot be played anything",
              CFG_STR ("file", request->file), CFG_STR ("reason", error->message));
  return id;
}

static void
play_meanwhile (GwCall *call, const char *announcement)
{
  const GwPlayRequest spoken = { .file = announcement, .loop = TRUE };
  const GwPlayRequest ringing = { .tone = "ringback", .loop = TRUE };
  const char *id = NULL;

  if (announcement != NULL)
    id = play (call, &spoken);
  if (id == NULL)
    id = play (call, &ringing);
  call->waiting_play = g_strdup (id);
}

static gboolean
wait_with_media (GwCall *call, const CfgDispatchRuleSettings *rule, GError **error)
{
  SigSip *sip = call->gateway->sip;

  if (!gw_call_join_as_caller (call, error))
    return FALSE;
  call->is_waiting = TRUE;
  gw_call_handle (call, GW_CALL_EVENT_ROUTE);
  sig_sip_call_progress (sip, call->sip, call->v.sdp);
  gw_call_start_media (call);
  media_engine_leg_set_muted (call->gateway->media, call->leg, TRUE);
  play_meanwhile (call, rule->announcement);
  gw_call_handle (call, GW_CALL_EVENT_PROGRESS);
  return TRUE;
}

gboolean
gw_call_answer_or_wait (GwCall *call, const CfgDispatchRuleSettings *rule, GError **error)
{
  const GwRoom *room = gw_rooms_find (call->gateway, call->v.room_name);
  const CfgLogContext context = gw_call_log_context (call);

  if (rule == NULL || rule->answer == CFG_ANSWER_IMMEDIATE || (room != NULL && gw_room_has_somebody (room)))
    return gw_call_answer (call, error);
  cfg_info ("sip", &context, "Ringing until somebody is in the room",
            CFG_BOOL ("earlyMedia", rule->early_media && call->plan != NULL),
            CFG_INT ("timeout", call->ringing_timeout_s));
  gw_call_end_in (call, call->ringing_timeout_s, "nobody_came");
  /* Without an offer there is nothing to send audio to yet. */
  if (rule->early_media && call->plan != NULL)
    return wait_with_media (call, rule, error);
  gw_call_handle (call, GW_CALL_EVENT_ALERT);
  return TRUE;
}

void
gw_call_stop_waiting (GwCall *call)
{
  g_autofree char *id = g_steal_pointer (&call->waiting_play);

  if (!call->is_waiting)
    return;
  call->is_waiting = FALSE;
  if (id != NULL)
    (void)gw_play_stop (call->gateway, call->v.room_name, call->v.identity, id, NULL);
  media_engine_leg_set_muted (call->gateway->media, call->leg, call->participant->track.muted);
}

void
gw_calls_answer_alerting (Gateway *gateway, GwRoom *room)
{
  gboolean may_be = gateway->n_alerting > 0 && !room->is_bridge && gw_room_has_somebody (room);
  g_autoptr (GList) calls = may_be ? g_hash_table_get_values (gateway->calls) : NULL;

  for (GList *link = calls; link != NULL; link = link->next)
    {
      GwCall *call = link->data;
      g_autoptr (GError) error = NULL;

      if (call->v.state != GW_CALL_ALERTING || strcmp (call->v.room_name, room->name) != 0)
        continue;
      if (!gw_call_answer (call, &error))
        gw_call_hangup (gateway, call, "room_full");
    }
}
