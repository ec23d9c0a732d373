/* Recording rooms and participants. */
#include "gateway/api.h"

#include "config/base/error.h"
#include "gateway/recordings.h"
#include "gateway/rooms.h"

static json_t *
room_record (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const char *name = gw_param_string (params, "room_name");
  const char *identity = gw_param_string (params, "participant_identity");
  GwRoom *room = gw_rooms_find (gateway, name);
  GwRecordingRequest what = {
    .file = gw_param_string (params, "file"),
    .format = gw_param_string (params, "format"),
    .sample_rate_hz = (guint)gw_param_int (params, "sample_rate", 0),
    .channels = (guint)gw_param_int (params, "channels", 0),
    .max_duration_us = gw_param_int (params, "max_duration", 0) * CFG_US_PER_S,
  };

  if (room == NULL)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "there is no room \"%s\"", name);
      return NULL;
    }
  if (what.sample_rate_hz != 0 && what.sample_rate_hz != 8000 && what.sample_rate_hz != 16000
      && what.sample_rate_hz != 48000)
    {
      gw_request_set_error_data (request, "field", json_string ("sample_rate"));
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "sample_rate: must be 8000, 16000 or 48000");
      return NULL;
    }
  what.participant = identity != NULL ? gw_room_find (room, identity) : NULL;
  if (identity != NULL && what.participant == NULL)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "nobody in room \"%s\" has the identity \"%s\"",
                   room->name, identity);
      return NULL;
    }
  gw_recording_start (gateway, room, &what, request, error);
  return NULL; /* answered when the file is there */
}

static json_t *
room_record_stop (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  json_t *recording = gw_recording_stop (gateway, gw_param_string (params, "room_name"),
                                         gw_param_string (params, "recording_id"), error);

  return recording != NULL ? json_pack ("{s:o}", "recording", recording) : NULL;
}

static json_t *
room_record_list (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const char *room = gw_param_string (params, "room_name");

  if (room == NULL)
    room = gw_request_token (request)->room;
  return json_pack ("{s:o}", "recordings", gw_recordings_json (gateway, room));
}

#define ROOM_PARAM(required)                                                                                 \
  {                                                                                                          \
    "room_name", { "room", "name" }, GW_PARAM_STRING, required, "The room's name."                           \
  }

static const GwParam record_params[] = {
  ROOM_PARAM (TRUE),
  { "participant_identity", { "identity" }, GW_PARAM_STRING, FALSE, "Whom alone.", .otherwise = "everybody" },
  { "file",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "Path below recordings.path; {room}, {identity}, {id}, {date} and {time} (UTC) may stand in it.",
    0,
    512,
    "recordings.file" },
  { "format",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "Ogg with Opus, or WAV.",
    .otherwise = "by the ending of file, else recordings.format",
    .words = "ogg wav" },
  { "sample_rate",
    { NULL },
    GW_PARAM_INT,
    FALSE,
    "Hz: 8000, 16000 or 48000.",
    8000,
    48000,
    "recordings.sample_rate" },
  { "channels",
    { NULL },
    GW_PARAM_INT,
    FALSE,
    "2: phones on the left, the others on the right; or the participant on the left, all others on the "
    "right.",
    1,
    2,
    "recordings.channels" },
  { "max_duration",
    { NULL },
    GW_PARAM_INT,
    FALSE,
    "Seconds; never more than recordings.max_duration.",
    1,
    86400,
    "recordings.max_duration" },
  { NULL },
};
static const GwParam stop_params[] = {
  ROOM_PARAM (TRUE),
  { "recording_id", { NULL }, GW_PARAM_STRING, TRUE, "What room.record answered." },
  { NULL },
};
static const GwParam list_params[] = {
  { "room_name", { "room", "name" }, GW_PARAM_STRING, FALSE, "Of one room.", .otherwise = "all rooms" },
  { NULL },
};

static const GwField one_result[] = {
  { "recording", GW_FIELD_OBJECT, 0, "The recording.", &gw_recording_shape },
  { NULL },
};
static const GwField list_result[] = {
  { "recordings", GW_FIELD_OBJECT, GW_FIELD_LIST, "Those that are over first.", &gw_recording_shape },
  { NULL },
};

const GwMethod gw_record_methods[] = {
  { "room.record", GW_GRANT_ROOM_ADMIN, "room_name", room_record, record_params,
    "Records a room, or one participant, into a file.", .result = one_result,
    .errors = "not_found failed_precondition resource_exhausted unavailable",
    .example = "{\"room\": \"support\", \"file\": \"{date}/{room}-{time}.wav\", \"channels\": 2}",
    .more = "Answered when the file is there. It keeps the time of the clock, with silence where nobody "
            "speaks, and "
            "never\nreplaces another file: a name that is taken gets a number. It ends with "
            "`room.record_stop`, with "
            "its\nparticipant, with the room, with the process, when it is as long as it may be, or when the "
            "disk is "
            "full;\nthe event `recording_finished` says which. Tones that tell of it can be played with "
            "`room.play`." },
  { "room.record_stop", GW_GRANT_ROOM_ADMIN, "room_name", room_record_stop, stop_params,
    "Ends a recording; recording_finished follows when the file is finished.", .result = one_result,
    .errors = "not_found" },
  { "room.record_list", GW_GRANT_ROOM_ADMIN, "room_name", room_record_list, list_params,
    "What is being recorded, and the last 200 recordings since the start.", .result = list_result },
  { NULL },
};
