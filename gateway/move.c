#include "gateway/move.h"

#include "config/base/error.h"
#include "config/base/log.h"
#include "gateway/call_private.h"
#include "gateway/gains.h"
#include "gateway/overload.h"
#include "gateway/plays.h"
#include "gateway/rooms.h"
#include "gateway/sessions.h"

/* The same person in another room: name, metadata, attributes and mute stay. */
static void
copy_person (const GwParticipant *from, GwParticipant *to)
{
  GHashTableIter iter;
  gpointer key, value;

  g_free (to->metadata);
  to->metadata = g_strdup (from->metadata);
  to->state = from->state;
  to->track.muted = from->track.muted;
  to->gain_db = from->gain_db;
  to->may = from->may;
  to->may_at_most = from->may_at_most;
  to->leg = from->leg;
  g_hash_table_iter_init (&iter, from->attributes);
  while (g_hash_table_iter_next (&iter, &key, &value))
    gw_participant_set_attribute (to, key, value);
}

static GwParticipant *
move_call (Gateway *gateway, GwParticipant *old, GwRoom *room, GError **error)
{
  GwCall *call = old->call;
  g_autofree char *identity = gw_room_unique_identity (room, old->identity);
  gboolean was_published = old->track.sid != NULL;
  GwParticipant *participant = gw_room_add (room, identity, old->name, GW_KIND_SIP, cfg_wall_now (), error);
  GArray *gains;

  if (participant == NULL)
    return NULL;
  copy_person (old, participant);
  gw_plays_moved (gateway, old, participant);
  participant->call = call;
  call->participant = NULL;
  gw_call_note (call, "moved", json_pack ("{s:s, s:s}", "from", old->room->name, "to", room->name));
  gains = gw_gains_left_behind (old);
  gw_rooms_leave (gateway, old, "moved");
  gw_call_take_participant (call, participant);
  if (call->media_attached && !call->v.is_held)
    media_engine_leg_attach (gateway->media, call->leg, room->media_room);
  gw_gains_forget (gateway, gains);
  gw_rooms_announce (gateway, participant);
  if (was_published)
    gw_rooms_publish (gateway, participant, call->v.track);
  return participant;
}

static GwParticipant *
move_session (Gateway *gateway, GwParticipant *old, GwRoom *room, GError **error)
{
  GwSession *session = old->session;
  GwParticipant *participant;

  if (!gw_session_can_move (session, error))
    return NULL;
  if (!media_engine_leg_can_attach (gateway->media, old->leg, room->media_room))
    {
      if (gw_room_takes (room, old->identity, error))
        gw_session_send_to_room (gateway, session, room);
      return NULL;
    }
  participant = gw_room_add (room, old->identity, old->name, GW_KIND_STANDARD, cfg_wall_now (), error);
  if (participant == NULL)
    return NULL;
  copy_person (old, participant);
  gw_plays_moved (gateway, old, participant);
  participant->session = session;
  old->session = NULL;
  gw_session_enter (gateway, session, participant, old);
  return participant;
}

gboolean
gw_move_admit (Gateway *gateway, const GwParticipant *participant, const char *to, GError **error)
{
  const GwRoom *room = gw_rooms_find (gateway, to);
  const int worker = media_engine_leg_worker (gateway->media, participant->leg);

  return (room != NULL && worker == media_engine_room_worker (gateway->media, room->media_room))
         || gw_admit_to_room (gateway, to, error) == 0;
}

GwParticipant *
gw_move (Gateway *gateway, GwParticipant *participant, GwRoom *room, GError **error)
{
  const CfgLogContext context = {
    .call_id = participant->call != NULL ? gw_call_id (participant->call) : NULL,
    .room = participant->room->name,
    .participant = participant->identity,
  };

  if (participant->room == room)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION, "\"%s\" is in room \"%s\" already",
                   participant->identity, room->name);
      return NULL;
    }
  cfg_info ("room", &context, "Participant is moved", CFG_STR ("to", room->name));
  return participant->call != NULL ? move_call (gateway, participant, room, error)
                                   : move_session (gateway, participant, room, error);
}
