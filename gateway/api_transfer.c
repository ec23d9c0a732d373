/* participant.transfer, .hold, .set_codecs and .move. */
#include "gateway/api.h"

#include <string.h>

#include "config/base/error.h"
#include "gateway/call_private.h"
#include "gateway/move.h"
#include "gateway/rooms.h"
#include "gateway/transfer.h"

static GwParticipant *
find_participant (Gateway *gateway, json_t *params, GError **error)
{
  const char *name = gw_param_string (params, "room_name"),
             *identity = gw_param_string (params, "participant_identity");
  GwRoom *room = gw_rooms_find (gateway, name);
  GwParticipant *participant = room != NULL ? gw_room_find (room, identity) : NULL;

  if (room == NULL)
    g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "there is no room \"%s\"", name);
  else if (participant == NULL)
    g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "nobody in room \"%s\" has the identity \"%s\"", name,
                 identity);
  return participant;
}

static GwCall *
find_phone (Gateway *gateway, json_t *params, GError **error)
{
  GwParticipant *participant = find_participant (gateway, params, error);

  if (participant != NULL && participant->call == NULL)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                         "this is for phones only: the participant is none");
  return participant != NULL ? participant->call : NULL;
}

static json_t *
transfer (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const GwTransferParams how = {
    .to = gw_param_string (params, "transfer_to"),
    .headers = json_object_get (params, "headers"),
    .play_dialtone = gw_param_bool (params, "play_dialtone", FALSE),
    .timeout_s = (guint)gw_param_int (params, "ringing_timeout", 0),
  };
  GwCall *call = find_phone (gateway, params, error);

  if (call != NULL)
    (void)gw_transfer_start (gateway, request, call, &how, error);
  return NULL;
}

static json_t *
hold (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  GwCall *call = find_phone (gateway, params, error);

  if (call != NULL)
    (void)gw_call_hold (call, request, gw_param_bool (params, "held", TRUE), error);
  return NULL;
}

static json_t *
set_codecs (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  g_auto (GStrv) codecs = gw_param_list (params, "codecs");
  GwCall *call = find_phone (gateway, params, error);

  if (call == NULL || !gw_codecs_check (codecs, error))
    return NULL;
  if (codecs == NULL || codecs[0] == NULL)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "codecs: at least one is needed");
  else
    (void)gw_call_set_codecs (call, request, codecs, error);
  return NULL;
}

static json_t *
move (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const char *to = gw_param_string (params, "to_room");
  GwParticipant *participant;
  GwRoom *room;

  if (!gw_token_allows (gw_request_token (request), GW_GRANT_ROOM_ADMIN, to, error))
    return NULL;
  participant = find_participant (gateway, params, error);
  room = participant != NULL ? gw_rooms_ensure (gateway, to, error) : NULL;
  if (room == NULL)
    return NULL;
  participant = gw_move (gateway, participant, room, error);
  if (participant != NULL)
    return json_pack ("{s:b, s:o}", "moved", 1, "participant", gw_participant_json (participant));
  return *error == NULL ? json_pack ("{s:b}", "moved", 0) : NULL;
}

#define ROOM_PARAM                                                                                           \
  {                                                                                                          \
    "room_name", { "room" }, GW_PARAM_STRING, TRUE, "The room's name."                                       \
  }
#define IDENTITY_PARAM                                                                                       \
  {                                                                                                          \
    "participant_identity", { "identity" }, GW_PARAM_STRING, TRUE, "Who, in this room."                      \
  }

static const GwParam transfer_params[] = {
  ROOM_PARAM,
  IDENTITY_PARAM,
  { "transfer_to", { NULL }, GW_PARAM_STRING, TRUE, "tel: or sip: address, or a number at the other side." },
  { "headers", { NULL }, GW_PARAM_OBJECT, FALSE, "Headers for the REFER: strings by name." },
  { "play_dialtone", { NULL }, GW_PARAM_BOOL, FALSE, "The phone hears ringing until it is through." },
  { "ringing_timeout",
    { NULL },
    GW_PARAM_INT,
    FALSE,
    "Seconds until the target must have answered; default 180.",
    0,
    3600 },
  { NULL },
};
static const GwParam hold_params[] = {
  ROOM_PARAM,
  IDENTITY_PARAM,
  { "held", { NULL }, GW_PARAM_BOOL, FALSE, "true (the default): hold; false: resume." },
  { NULL },
};
static const GwParam codecs_params[] = {
  ROOM_PARAM,
  IDENTITY_PARAM,
  { "codecs",
    { NULL },
    GW_PARAM_LIST,
    TRUE,
    "Which codecs, the preferred one first: opus, G722, PCMU, PCMA." },
  { NULL },
};
static const GwParam move_params[] = {
  ROOM_PARAM,
  IDENTITY_PARAM,
  { "to_room", { "destination_room" }, GW_PARAM_STRING, TRUE, "Where to; made when it is not there." },
  { NULL },
};

const GwMethod gw_transfer_methods[] = {
  { "participant.transfer", GW_GRANT_SIP_CALL, "room_name", transfer, transfer_params,
    "Makes a phone call somebody else (SIP REFER) and leave." },
  { "participant.hold", GW_GRANT_ROOM_ADMIN, "room_name", hold, hold_params,
    "Puts a phone on hold, or takes it back." },
  { "participant.set_codecs", GW_GRANT_ROOM_ADMIN, "room_name", set_codecs, codecs_params,
    "Changes the codecs of a phone's call." },
  { "participant.move", GW_GRANT_ROOM_ADMIN, "room_name", move, move_params,
    "Takes a participant to another room." },
  { NULL },
};
