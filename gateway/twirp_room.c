/* livekit.RoomService */
#include "gateway/twirp.h"

#include <string.h>

#include "config/base/error.h"

json_t *
gw_livekit_room (json_t *room)
{
  json_t *out = json_copy (room);

  json_object_set_new (out, "creation_time_ms",
                       json_integer (json_integer_value (json_object_get (room, "creation_time")) * 1000));
  return out;
}

json_t *
gw_livekit_participant (json_t *participant)
{
  json_t *out = json_copy (participant);

  json_object_set_new (out, "joined_at_ms",
                       json_integer (json_integer_value (json_object_get (participant, "joined_at")) * 1000));
  json_object_set_new (out, "is_publisher",
                       json_boolean (json_array_size (json_object_get (participant, "tracks")) > 0));
  json_object_set_new (
      out, "permission",
      json_pack ("{s:b, s:b, s:b}", "can_subscribe", 1, "can_publish", 1, "can_publish_data", 1));
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
  return gw_livekit_room (json_object_get (result, "room"));
}

static gboolean
list_has (json_t *list, const char *wanted)
{
  json_t *item;
  size_t i;

  json_array_foreach (list, i, item)
  {
    if (g_strcmp0 (json_string_value (item), wanted) == 0)
      return TRUE;
  }
  return FALSE;
}

static json_t *
answer_rooms (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  json_t *names = json_object_get (in, "names"), *rooms = json_array (), *room;
  size_t i;

  json_array_foreach (json_object_get (result, "rooms"), i, room)
  {
    if (names == NULL || list_has (names, json_string_value (json_object_get (room, "name"))))
      json_array_append_new (rooms, gw_livekit_room (room));
  }
  return json_pack ("{s:o}", "rooms", rooms);
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

/* An empty text leaves what is there. Permissions are those of the token. */
static json_t *
update_participant (Gateway *gateway, json_t *in, GError **error)
{
  json_t *params = json_copy (in);

  if (json_object_get (in, "permission") != NULL)
    {
      json_decref (params);
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_UNIMPLEMENTED,
                           "permission: what a participant may do is in its token, and stays as it is");
      return NULL;
    }
  if (json_string_length (json_object_get (in, "name")) == 0)
    json_object_del (params, "name");
  if (json_string_length (json_object_get (in, "metadata")) == 0)
    json_object_del (params, "metadata");
  return params;
}

/* Phones take text only, so that is what can be sent. */
static json_t *
send_data (Gateway *gateway, json_t *in, GError **error)
{
  const char *data = json_string_value (json_object_get (in, "data"));
  gsize size = 0;
  g_autofree char *bytes = (char *)g_base64_decode (data != NULL ? data : "", &size);
  json_t *params = json_object (), *text = json_stringn (bytes, size);

  if (text == NULL || memchr (bytes, 0, size) != NULL)
    {
      json_decref (params);
      json_decref (text);
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "data: must be UTF-8 text, which phones can be sent too");
      return NULL;
    }
  json_object_set_new (params, "text", text);
  gw_twirp_copy (in, params, (const char *const[]){ "room", "destination_identities", NULL });
  return params;
}

const GwTwirpMethod gw_twirp_room_methods[] = {
  { "CreateRoom", "CreateRoomRequest", "Room", "room.create", create_room, answer_room },
  { "ListRooms", "ListRoomsRequest", "ListRoomsResponse", "room.list", gw_twirp_nothing, answer_rooms },
  { "DeleteRoom", "DeleteRoomRequest", "Empty", "room.delete", gw_twirp_same, NULL },
  { "UpdateRoomMetadata", "UpdateRoomMetadataRequest", "Room", "room.update", gw_twirp_same, answer_room },
  { "ListParticipants", "ListParticipantsRequest", "ListParticipantsResponse", "participant.list",
    gw_twirp_same, answer_participants },
  { "GetParticipant", "RoomParticipantIdentity", "ParticipantInfo", "participant.get", gw_twirp_same,
    answer_participant },
  { "RemoveParticipant", "RoomParticipantIdentity", "Empty", "participant.remove", gw_twirp_same, NULL },
  { "MutePublishedTrack", "MuteRoomTrackRequest", "MuteRoomTrackResponse", "participant.mute", mute_params,
    answer_track },
  { "UpdateParticipant", "UpdateParticipantRequest", "ParticipantInfo", "participant.update",
    update_participant, answer_participant },
  { "SendData", "SendDataRequest", "Empty", "room.send_message", send_data, NULL },
  { NULL },
};
