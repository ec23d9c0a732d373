/* participant.transfer, .hold, .set_codecs and .move. */
#include "gateway/api.h"

#include <string.h>

#include "config/base/error.h"
#include "gateway/call_private.h"
#include "gateway/move.h"
#include "gateway/rooms.h"
#include "gateway/transfer.h"

static GwCall *
find_phone (Gateway *gateway, json_t *params, GError **error)
{
  GwParticipant *participant = gw_api_participant (gateway, params, error);

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

  if (!gw_token_allows (gw_request_token (request), GW_GRANT_ROOM_ADMIN, to, error)
      || !gw_rooms_check_name ("to_room", to, error))
    return NULL;
  participant = gw_api_participant (gateway, params, error);
  if (participant == NULL || !gw_move_admit (gateway, participant, to, error))
    return NULL;
  room = gw_rooms_ensure (gateway, to, error);
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
  { "play_dialtone",
    { NULL },
    GW_PARAM_BOOL,
    FALSE,
    "The phone hears ringing until it is through.",
    .otherwise = "false" },
  { "ringing_timeout",
    { NULL },
    GW_PARAM_INT,
    FALSE,
    "Seconds until the target must have answered.",
    0,
    3600,
    "180" },
  { NULL },
};
static const GwParam hold_params[] = {
  ROOM_PARAM,
  IDENTITY_PARAM,
  { "held", { NULL }, GW_PARAM_BOOL, FALSE, "true: hold; false: resume.", .otherwise = "true" },
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

static const GwField transfer_result[] = {
  { "sip_status_code", GW_FIELD_INT, 0, "What the target answered." },
  { "sip_status", GW_FIELD_STRING, 0, "Its phrase." },
  { NULL },
};
static const GwField hold_result[] = {
  { "participant", GW_FIELD_OBJECT, 0, "The phone as it is now.", &gw_participant_shape },
  { "codecs", GW_FIELD_STRING, GW_FIELD_LIST, "What its call has agreed on." },
  { NULL },
};
static const GwField move_result[] = {
  { "moved", GW_FIELD_BOOL, 0, "false: its client was asked to join the other room by itself." },
  { "participant", GW_FIELD_OBJECT, GW_FIELD_OPTIONAL, "With moved: as it is there.", &gw_participant_shape },
  { NULL },
};

const GwMethod gw_transfer_methods[] = {
  { "participant.transfer", GW_GRANT_SIP_TRANSFER, "room_name", transfer, transfer_params,
    "Makes a phone call somebody else (SIP REFER) and leave.", .result = transfer_result,
    .errors = GW_SIP_ERRORS,
    .example = "{\"room\": \"support\", \"identity\": \"sip_+15550001\", \"transfer_to\": \"tel:+15550002\"}",
    .answer = "{\"sip_status_code\": 200, \"sip_status\": \"OK\"}",
    .more = "Answered when it is over: the phone got through and is hung up (`participant_left` with reason\n"
            "`transferred`), or it stays in the call and the error has the SIP status of the target or of "
            "the phone:\n"
            "`unimplemented` (405, 420, 501: it takes no transfers), those of the [table](#errors), or\n"
            "`deadline_exceeded` (nobody said how it ended; after 32 s when the phone accepted and sent no "
            "NOTIFY). A\n"
            "phone that accepts and hangs up by itself counts as transferred (202).\n\n"
            "A phone transfers by itself with REFER: blind, to what `allow_transfer` of its trunk allows, or "
            "attended\n"
            "with Replaces. The target joins the room; when it has answered the phone is hung up. When it "
            "does not,\n"
            "the phone stays, and is told so by NOTIFY." },
  { "participant.hold", GW_GRANT_ROOM_ADMIN, "room_name", hold, hold_params,
    "Puts a phone on hold, or takes it back.", .result = hold_result, .errors = GW_SIP_ERRORS,
    .more
    = "A re-INVITE with `sendonly`, and back: a phone on hold hears nobody and is heard by nobody. The "
      "attribute\n"
      "`sip.hold` (`local`, `remote`, `both`, `none`) and `hold` of `call.get` show it; `remote` is the "
      "phone's\n"
      "own hold. A phone that refuses stays as it was, and the error has its SIP status. When both sides "
      "change\n"
      "the call at once (491) it is tried again. A phone that rings is held by UPDATE when it has agreed on\n"
      "early media reliably (100rel) and takes UPDATE, else `failed_precondition`." },
  { "participant.set_codecs", GW_GRANT_ROOM_ADMIN, "room_name", set_codecs, codecs_params,
    "Changes the codecs of a phone's call.", .result = hold_result, .errors = GW_SIP_ERRORS,
    .more = "Offers the phone `codecs` alone, by re-INVITE, or by UPDATE while it rings. A phone that began "
            "the call,\n"
            "or changed it last, can be offered what it named itself only (`failed_precondition`). A refusal "
            "leaves\n"
            "the call as it was; 491 is tried again." },
  { "participant.move", GW_GRANT_ROOM_ADMIN, "room_name", move, move_params,
    "Takes a participant to another room.", .result = move_result,
    .errors = "not_found already_exists resource_exhausted failed_precondition",
    .example = "{\"room\": \"support\", \"identity\": \"sip_+15550001\", \"to_room\": \"sales\"}",
    .more = "`participant_left` with reason `moved` in one room, `participant_joined` in the other. Name, "
            "metadata,\n"
            "attributes, mute and permission stay; a phone's identity is made unique there, a browser's must "
            "be free\n"
            "(`already_exists`). A token for one room cannot move to another. Where the room is full, or its "
            "worker has\n"
            "no room for one more, the participant stays where it is (`resource_exhausted`); a room on the "
            "worker where\n"
            "it is takes it whatever the load: nothing begins there.\n\n"
            "A browser whose transport can stay gets `session.moved {room, rejoin: false, participant, "
            "participants,\n"
            "tracks}`; one whose room lives on another worker gets `session.moved {room, rejoin: true,\n"
            "participant_identity}` and `session.closed {reason: \"moved\"}`, the result is `{moved: "
            "false}`, and the\n"
            "client joins `room` with `session.join` and a new peer connection, within a minute; its socket "
            "may do that\n"
            "whatever room its token names, and it is not refused for load. Who was moved may also watch the "
            "room it is\n"
            "in and send text there. The events that a client asked for with `room.watch` stay those of that "
            "room: it\n"
            "asks for those of the new one. When it leaves that room, a watch of it that its token does not "
            "allow ends\n"
            "(`room.watch_ended`)." },
  { NULL },
};
