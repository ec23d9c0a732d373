/* livekit.RoomService */
#include "gateway/recordings.h"
#include "gateway/rooms.h"
#include "gateway/twirp_words.h"

#include <string.h>

#include "config/base/error.h"
#include "signaling/core/jsonrpc.h"

json_t *
gw_livekit_room (const Gateway *gateway, json_t *room)
{
  json_t *out = json_copy (room), *codecs = json_array (), *name;
  size_t i;

  json_array_foreach (json_object_get (room, "codecs"), i, name)
  {
    g_autofree char *mime = g_strconcat ("audio/", json_string_value (name), NULL);

    json_array_append_new (codecs, json_pack ("{s:s}", "mime", mime));
  }
  json_object_set_new (out, "enabled_codecs", codecs);
  json_object_set_new (
      out, "active_recording",
      json_boolean (gw_recordings_is_recorded (gateway, json_string_value (json_object_get (room, "name")))));
  return out;
}

json_t *
gw_livekit_participant (json_t *participant)
{
  json_t *out = json_copy (participant);

  json_object_set_new (out, "is_publisher",
                       json_boolean (json_array_size (json_object_get (participant, "tracks")) > 0));
  return out;
}

/* 0 is the default in LiveKit's requests. */
static json_t *
create_room (Gateway *gateway, json_t *in, GError **error)
{
  static const char *const numbers[] = { "empty_timeout", "departure_timeout", "max_participants" };
  json_t *params = json_copy (in);

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (json_integer_value (json_object_get (params, numbers[i])) == 0)
      json_object_del (params, numbers[i]);
  return params;
}

static json_t *
answer_room (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return gw_livekit_room (gateway, json_object_get (result, "room"));
}

static json_t *
answer_rooms (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  json_t *names = json_object_get (in, "names"), *rooms = json_array (), *room;
  size_t i;

  json_array_foreach (json_object_get (result, "rooms"), i, room)
  {
    if (json_array_size (names) == 0
        || sig_json_list_has (names, json_string_value (json_object_get (room, "name"))))
      json_array_append_new (rooms, gw_livekit_room (gateway, room));
  }
  return json_pack ("{s:o}", "rooms", rooms);
}

/* An empty text, which protobuf leaves out, takes the old one away. */
static json_t *
update_metadata (Gateway *gateway, json_t *in, GError **error)
{
  json_t *params = json_copy (in);

  if (json_object_get (params, "metadata") == NULL)
    json_object_set_new (params, "metadata", json_string (""));
  return params;
}

static json_t *
answer_participant (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return gw_livekit_participant (json_object_get (result, "participant"));
}

static json_t *
answer_participants (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  json_t *list = json_array (), *participant;
  size_t i;

  json_array_foreach (json_object_get (result, "participants"), i, participant)
  {
    json_array_append_new (list, gw_livekit_participant (participant));
  }
  return json_pack ("{s:o}", "participants", list);
}

static json_t *
mute_params (Gateway *gateway, json_t *in, GError **error)
{
  json_t *params = json_copy (in);

  if (json_object_get (params, "muted") == NULL)
    json_object_set_new (params, "muted", json_false ());
  return params;
}

static json_t *
answer_track (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  json_t *tracks = json_object_get (json_object_get (result, "participant"), "tracks");

  return json_pack ("{s:O}", "track",
                    json_array_size (tracks) > 0 ? json_array_get (tracks, 0) : json_null ());
}

/* All of it counts, and what is missing is false. */
static json_t *
take_permission (json_t *permission)
{
  static const char *const names[] = { "can_publish", "can_subscribe", "can_publish_data" };
  json_t *ours = json_object ();

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    json_object_set_new (ours, names[i],
                         json_boolean (json_is_true (json_object_get (permission, names[i]))));
  return ours;
}

/* An empty text leaves what is there. */
static json_t *
update_participant (Gateway *gateway, json_t *in, GError **error)
{
  json_t *params = json_copy (in), *permission = json_object_get (in, "permission");

  if (json_is_true (json_object_get (permission, "hidden")))
    {
      json_decref (params);
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_UNIMPLEMENTED,
                           "permission.hidden: everybody in a room is seen here");
      return NULL;
    }
  if (permission != NULL)
    json_object_set_new (params, "permission", take_permission (permission));
  if (json_string_length (json_object_get (in, "name")) == 0)
    json_object_del (params, "name");
  if (json_string_length (json_object_get (in, "metadata")) == 0)
    json_object_del (params, "metadata");
  return params;
}

/* destination_sids, which came before identities. Who is not there (any more) gets nothing. */
static json_t *
destinations (Gateway *gateway, json_t *in)
{
  json_t *list = json_array (), *sid, *sids = json_object_get (in, "destination_sids");
  const char *name = json_string_value (json_object_get (in, "room"));
  GwRoom *room = name != NULL && json_array_size (sids) > 0 ? gw_rooms_find (gateway, name) : NULL;
  size_t i;

  json_array_extend (list, json_object_get (in, "destination_identities"));
  json_array_foreach (sids, i, sid)
  {
    const GwParticipant *participant = room != NULL ? gw_room_find_sid (room, json_string_value (sid)) : NULL;

    json_array_append_new (
        list, json_string (participant != NULL ? participant->identity : json_string_value (sid)));
  }
  return list;
}

/* What is no text is sent as data, which phones do not take. */
static json_t *
send_data (Gateway *gateway, json_t *in, GError **error)
{
  const char *data = json_string_value (json_object_get (in, "data"));
  gsize size = 0;
  g_autofree char *bytes = (char *)g_base64_decode (data != NULL ? data : "", &size);
  json_t *params = json_object (), *text = size > 0 ? json_stringn (bytes, size) : NULL, *list;

  if (text != NULL && memchr (bytes, 0, size) == NULL)
    json_object_set (params, "text", text);
  else
    json_object_set_new (params, "data", json_string (data != NULL ? data : ""));
  json_decref (text);
  list = destinations (gateway, in);
  if (json_array_size (list) > 0)
    json_object_set (params, "destination_identities", list);
  json_decref (list);
  if (json_string_length (json_object_get (in, "topic")) > 0)
    json_object_set (params, "topic", json_object_get (in, "topic"));
  gw_twirp_copy (in, params, (const char *const[]){ "room", NULL });
  return params;
}

static json_t *
move_params (Gateway *gateway, json_t *in, GError **error)
{
  json_t *params = json_copy (in);

  gw_twirp_rename_member (params, "destination_room", "to_room");
  return params;
}

const GwTwirpMethod gw_twirp_room_methods[] = {
  { "CreateRoom", "CreateRoomRequest", "Room", "room.create", create_room, answer_room },
  { "ListRooms", "ListRoomsRequest", "ListRoomsResponse", "room.list", gw_twirp_nothing, answer_rooms },
  { "DeleteRoom", "DeleteRoomRequest", "Empty", "room.delete", gw_twirp_same, NULL },
  { "UpdateRoomMetadata", "UpdateRoomMetadataRequest", "Room", "room.update", update_metadata, answer_room },
  { "ListParticipants", "ListParticipantsRequest", "ListParticipantsResponse", "participant.list",
    gw_twirp_same, answer_participants, .missing_is_empty = TRUE },
  { "GetParticipant", "RoomParticipantIdentity", "ParticipantInfo", "participant.get", gw_twirp_same,
    answer_participant },
  { "RemoveParticipant", "RoomParticipantIdentity", "Empty", "participant.remove", gw_twirp_same, NULL },
  { "MoveParticipant", "MoveParticipantRequest", "Empty", "participant.move", move_params, NULL },
  { "MutePublishedTrack", "MuteRoomTrackRequest", "MuteRoomTrackResponse", "participant.mute", mute_params,
    answer_track },
  { "UpdateParticipant", "UpdateParticipantRequest", "ParticipantInfo", "participant.update",
    update_participant, answer_participant },
  { "SendData", "SendDataRequest", "Empty", "room.send_message", send_data, NULL, .wants_admin = TRUE },
  { NULL },
};
