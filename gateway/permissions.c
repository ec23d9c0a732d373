#include "gateway/permissions.h"

#include "config/base/error.h"
#include "gateway/rooms.h"

static const struct
{
  const char *name;
  GwMay may;
} names[] = {
  { "can_publish", GW_MAY_PUBLISH },
  { "can_subscribe", GW_MAY_SUBSCRIBE },
  { "can_publish_data", GW_MAY_SEND },
};

gboolean
gw_permissions_check (const GwParticipant *participant, json_t *wanted, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (json_is_true (json_object_get (wanted, names[i].name)) && !(participant->may_at_most & names[i].may))
      {
        g_set_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                     "permission.%s: its token does not allow it, and counts as long as it is here",
                     names[i].name);
        return FALSE;
      }
  return TRUE;
}

void
gw_permissions_follow (Gateway *gateway, const GwParticipant *participant)
{
  if (participant->leg != 0)
    media_engine_leg_set_deaf (gateway->media, participant->leg, !(participant->may & GW_MAY_SUBSCRIBE));
}

/* Text goes with the voice: room.send_message asks for canPublish. */
void
gw_permissions_limit (GwParticipant *participant, const SigToken *token)
{
  participant->may_at_most = (GwMay)((token->can_publish ? GW_MAY_PUBLISH | GW_MAY_SEND : 0)
                                     | (token->can_subscribe ? GW_MAY_SUBSCRIBE : 0));
  participant->may = participant->may_at_most;
}

void
gw_permissions_take (Gateway *gateway, GwParticipant *participant, json_t *wanted)
{
  const GwMay before = participant->may;
  GwMay changed;

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      json_t *value = json_object_get (wanted, names[i].name);

      if (json_is_true (value))
        participant->may |= names[i].may;
      else if (json_is_false (value))
        participant->may &= ~names[i].may;
    }
  changed = before ^ participant->may;
  if (changed & GW_MAY_SUBSCRIBE)
    gw_permissions_follow (gateway, participant);
  if (changed & GW_MAY_PUBLISH)
    gw_rooms_set_muted (gateway, participant, !(participant->may & GW_MAY_PUBLISH));
}

gboolean
gw_permissions_may_speak (const GwParticipant *participant, GError **error)
{
  if (participant->may & GW_MAY_PUBLISH)
    return TRUE;
  g_set_error (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED,
               "\"%s\" may not speak: participant.update sets permission.can_publish", participant->identity);
  return FALSE;
}

json_t *
gw_permissions_json (const GwParticipant *participant)
{
  json_t *object = json_object ();

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    json_object_set_new (object, names[i].name, json_boolean (participant->may & names[i].may));
  return object;
}
