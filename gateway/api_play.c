/* Playing to participants and rooms, sending digits, and gains. */
#include "gateway/api.h"

#include <string.h>

#include "config/base/error.h"
#include "gateway/calls.h"
#include "gateway/gains.h"
#include "gateway/plays.h"
#include "gateway/rooms.h"

#define DIGITS_MAX 64

static GwRoom *
find_room (Gateway *gateway, json_t *params, GError **error)
{
  const char *name = gw_param_string (params, "room_name");
  GwRoom *room = gw_rooms_find (gateway, name);

  if (room == NULL)
    g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "there is no room \"%s\"", name);
  return room;
}

static GwParticipant *
find_in (GwRoom *room, const char *identity, GError **error)
{
  GwParticipant *participant = gw_room_find (room, identity);

  if (participant == NULL)
    g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "nobody in room \"%s\" has the identity \"%s\"",
                 room->name, identity);
  return participant;
}

static json_t *
play (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const char *identity = gw_param_string (params, "participant_identity");
  const GwPlayRequest what = {
    .file = gw_param_string (params, "file"),
    .tone = gw_param_string (params, "tone"),
    .loop = gw_param_bool (params, "loop", FALSE),
    .gain_db = gw_param_real (params, "gain_db", 0),
  };
  GwRoom *room = find_room (gateway, params, error);
  GwParticipant *participant = room != NULL && identity != NULL ? find_in (room, identity, error) : NULL;
  const char *id;

  if (room == NULL || (identity != NULL && participant == NULL))
    return NULL;
  id = gw_play_start (gateway, room, participant, &what, error);
  return id != NULL ? json_pack ("{s:s}", "play_id", id) : NULL;
}

static json_t *
play_stop (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  if (!gw_play_stop (gateway, gw_param_string (params, "room_name"),
                     gw_param_string (params, "participant_identity"), gw_param_string (params, "play_id"),
                     error))
    return NULL;
  return json_object ();
}

static json_t *
send_dtmf (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const char *digits = gw_param_string (params, "digits");
  GwRoom *room = find_room (gateway, params, error);
  GwParticipant *participant
      = room != NULL ? find_in (room, gw_param_string (params, "participant_identity"), error) : NULL;

  if (participant == NULL)
    return NULL;
  if (participant->kind != GW_KIND_SIP)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                           "only phones can be sent digits: this participant is none");
      return NULL;
    }
  return gw_call_send_digits (participant->call, digits, error) ? json_object () : NULL;
}

static json_t *
set_gain (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const char *listener = gw_param_string (params, "listener");
  GwRoom *room = find_room (gateway, params, error);
  GwParticipant *participant
      = room != NULL ? find_in (room, gw_param_string (params, "participant_identity"), error) : NULL;
  GwParticipant *hears = participant != NULL && listener != NULL ? find_in (room, listener, error) : NULL;

  if (participant == NULL || (listener != NULL && hears == NULL))
    return NULL;
  return gw_gains_set (gateway, participant, hears, gw_param_real (params, "gain_db", 0), error)
             ? json_object ()
             : NULL;
}

#define ROOM_PARAM                                                                                           \
  {                                                                                                          \
    "room_name", { "room", "name" }, GW_PARAM_STRING, TRUE, "The room's name."                               \
  }
#define IDENTITY_PARAM                                                                                       \
  {                                                                                                          \
    "participant_identity", { "identity" }, GW_PARAM_STRING, TRUE, "Who, in this room."                      \
  }
#define PLAY_PARAMS                                                                                          \
  { "file", { NULL }, GW_PARAM_STRING, FALSE, "An audio file, by its path below media.files.", 0, 1024 },    \
      { "tone",                                                                                              \
        { NULL },                                                                                            \
        GW_PARAM_STRING,                                                                                     \
        FALSE,                                                                                               \
        "Instead of a file.",                                                                                \
        .words = "ringback busy congestion dial beep" },                                                     \
      { "loop", { NULL }, GW_PARAM_BOOL, FALSE, "Begin the file anew at its end.", .otherwise = "false" },   \
  {                                                                                                          \
    "gain_db", { NULL }, GW_PARAM_REAL, FALSE, "How much louder, or less loud.", -60, 18, "0"                \
  }
#define PLAY_ID_PARAM                                                                                        \
  {                                                                                                          \
    "play_id", { NULL }, GW_PARAM_STRING, TRUE, "What the play method answered."                             \
  }

static const GwParam participant_play_params[] = { ROOM_PARAM, IDENTITY_PARAM, PLAY_PARAMS, { NULL } };
static const GwParam room_play_params[] = { ROOM_PARAM, PLAY_PARAMS, { NULL } };
static const GwParam participant_stop_params[] = { ROOM_PARAM, IDENTITY_PARAM, PLAY_ID_PARAM, { NULL } };
static const GwParam room_stop_params[] = { ROOM_PARAM, PLAY_ID_PARAM, { NULL } };
static const GwParam dtmf_params[] = {
  ROOM_PARAM,
  IDENTITY_PARAM,
  { "digits",
    { NULL },
    GW_PARAM_STRING,
    TRUE,
    "0-9 * # A-D, and the pauses w (0.5 s), W (1 s) and , (2 s).",
    0,
    DIGITS_MAX },
  { NULL },
};
static const GwParam gain_params[] = {
  ROOM_PARAM,
  IDENTITY_PARAM,
  { "listener", { NULL }, GW_PARAM_STRING, FALSE, "For whom.", .otherwise = "everybody" },
  { "gain_db", { NULL }, GW_PARAM_REAL, TRUE, "How loud, in dB; -60: not at all; 0: as it is.", -60, 18 },
  { NULL },
};

static const GwField play_result[] = {
  { "play_id", GW_FIELD_STRING, 0, "For play_stop, and in the event play_ended." },
  { NULL },
};

const GwMethod gw_play_methods[] = {
  { "participant.play", GW_GRANT_ROOM_ADMIN, "room_name", play, participant_play_params,
    "Plays a file or a tone to one participant, over what it hears.", .result = play_result,
    .errors = "not_found failed_precondition resource_exhausted",
    .example = "{\"room\": \"support\", \"identity\": \"sip_+15550001\", \"file\": \"welcome.wav\"}",
    .answer = "{\"play_id\": \"PB_f3kq81Wd5LtY\"}",
    .more = "Nobody else hears it. A phone that still rings is no listener before it sends early media\n"
            "(`failed_precondition`). The event `play_ended` says how it ended." },
  { "participant.play_stop", GW_GRANT_ROOM_ADMIN, "room_name", play_stop, participant_stop_params,
    "Ends that.", .result = gw_no_fields, .errors = "not_found" },
  { "participant.send_dtmf", GW_GRANT_ROOM_ADMIN, "room_name", send_dtmf, dtmf_params,
    "Sends digits to a phone.", .result = gw_no_fields,
    .errors = "not_found failed_precondition resource_exhausted",
    .example = "{\"room\": \"support\", \"identity\": \"sip_+15550001\", \"digits\": \"1w2#\"}",
    .answer = "{}",
    .more = "Sent as the trunk's [`dtmf`](CONFIGURATION.md#key-presses) says. At most 256 digits wait\n"
            "(`resource_exhausted`). Phones only (`failed_precondition`)." },
  { "participant.set_gain", GW_GRANT_ROOM_ADMIN, "room_name", set_gain, gain_params,
    "How loud a participant is, for everybody or for one listener.", .result = gw_no_fields,
    .errors = "not_found resource_exhausted",
    .more
    = "They stay when its call is replaced (an attended transfer), and end when one of the two leaves the\n"
      "room; that for everybody goes with a participant that is moved. At most 1024 listeners have one of\n"
      "their own (`resource_exhausted`). Who may not hear (`permission.can_subscribe`) hears nobody\n"
      "whatever the gains are, and everybody as they are when it may again." },
  { "room.play", GW_GRANT_ROOM_ADMIN, "room_name", play, room_play_params,
    "Plays a file or a tone to everybody in a room.", .result = play_result,
    .errors = "not_found failed_precondition resource_exhausted" },
  { "room.play_stop", GW_GRANT_ROOM_ADMIN, "room_name", play_stop, room_stop_params, "Ends that.",
    .result = gw_no_fields, .errors = "not_found" },
  { NULL },
};
