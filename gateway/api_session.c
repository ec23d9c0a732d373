/* session.*: this socket's own WebRTC participant. */
#include "gateway/api.h"

#include <string.h>

#include "config/base/error.h"
#include "gateway/permissions.h"
#include "gateway/rooms.h"
#include "gateway/sessions.h"

#define SDP_MAX_BYTES 65536

static GwSession *
own_session (GwRequest *request, GError **error)
{
  GwSession *session = gw_request_conn (request)->session;

  if (session == NULL)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                         "this socket has no session: session.join first");
  return session;
}

static json_t *
session_join (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const char *resume = gw_param_string (params, "resume"), *subscribe = gw_param_string (params, "subscribe");
  g_auto (GStrv) codecs = gw_param_list (params, "codecs");
  const GwSessionJoin join = {
    .room = gw_param_string (params, "room"),
    .identity = gw_param_string (params, "identity"),
    .name = gw_param_string (params, "name"),
    .sdp = gw_param_string (params, "sdp"),
    .subscribe_tracks = g_strcmp0 (subscribe, "tracks") == 0,
    .codecs = codecs,
  };
  const char *missing = join.room == NULL ? "room" : "sdp";

  if (resume != NULL)
    {
      gw_session_resume (gateway, request, resume, join.sdp, error);
      return NULL;
    }
  if (gateway->draining)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE,
                           "the gateway is shutting down and takes nobody new");
      return NULL;
    }
  if (join.room == NULL || join.sdp == NULL)
    {
      gw_request_set_error_data (request, "field", json_string (missing));
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "%s: is required", missing);
      return NULL;
    }
  if (gw_codecs_check (codecs, error))
    gw_session_join (gateway, request, &join, error);
  return NULL;
}

static json_t *
session_offer (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  GwSession *session = own_session (request, error);

  if (session != NULL)
    gw_session_offer (gateway, session, request, gw_param_string (params, "sdp"), error);
  return NULL;
}

static json_t *
session_candidate (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  GwSession *session = own_session (request, error);

  if (session == NULL)
    return NULL;
  gw_session_candidate (gateway, session, gw_param_string (params, "candidate"));
  return json_object ();
}

static json_t *
session_mute (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  GwSession *session = own_session (request, error);

  if (session == NULL)
    return NULL;
  if (!gw_param_bool (params, "muted", TRUE)
      && !gw_permissions_may_speak (gw_session_participant (session), error))
    return NULL;
  gw_rooms_set_muted (gateway, gw_session_participant (session), gw_param_bool (params, "muted", TRUE));
  return json_pack ("{s:o}", "participant", gw_participant_json (gw_session_participant (session)));
}

static json_t *
session_leave (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  GwSession *session = own_session (request, error);

  if (session == NULL)
    return NULL;
  gw_session_end (gateway, session, "left");
  return json_object ();
}

static const GwParam join_params[] = {
  { "room", { "room_name" }, GW_PARAM_STRING, FALSE, "The room's name; required unless resume is given." },
  { "identity",
    { "participant_identity" },
    GW_PARAM_STRING,
    FALSE,
    "Who one is; it must be the token's sub where that is not empty.",
    .otherwise = "the token's sub" },
  { "name",
    { "participant_name" },
    GW_PARAM_STRING,
    FALSE,
    "Shown to the others.",
    .otherwise = "the token's name" },
  { "subscribe",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "mix: one stream with everybody else; tracks: one per published track.",
    .otherwise = "mix",
    .words = "mix tracks" },
  { "codecs", { NULL }, GW_PARAM_LIST, FALSE, "Which codecs to use, the preferred one first." },
  { "sdp", { NULL }, GW_PARAM_TEXT, FALSE, "The offer; required unless resume is given.", 0, SDP_MAX_BYTES },
  { "resume",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "Participant id: take its media up again after the socket was lost." },
  { NULL },
};
static const GwParam offer_params[] = {
  { "sdp",
    { NULL },
    GW_PARAM_TEXT,
    TRUE,
    "The offer: changed sections, or an ICE restart.",
    0,
    SDP_MAX_BYTES },
  { NULL },
};
static const GwParam candidate_params[] = {
  { "candidate", { NULL }, GW_PARAM_STRING, TRUE, "candidate:...; empty: no more.", 0, 1024 },
  { "sdpMid", { NULL }, GW_PARAM_STRING, FALSE, "As the browser gives it." },
  { "sdpMLineIndex", { NULL }, GW_PARAM_INT, FALSE, "As the browser gives it.", 0, 1000 },
  { "usernameFragment", { NULL }, GW_PARAM_STRING, FALSE, "As the browser gives it." },
  { NULL },
};
static const GwParam mute_params[] = {
  { "muted", { NULL }, GW_PARAM_BOOL, FALSE, "Nobody hears one.", .otherwise = "true" },
  { NULL },
};

static const GwField join_result[] = {
  { "participant", GW_FIELD_OBJECT, 0, "Oneself.", &gw_participant_shape },
  { "participants", GW_FIELD_OBJECT, GW_FIELD_LIST, "Everybody in the room, oneself included.",
    &gw_participant_shape },
  { "sdp", GW_FIELD_STRING, GW_FIELD_OPTIONAL, "The answer; missing when resume came without an offer." },
  { "tracks", GW_FIELD_MAP, 0, "Which track (TR_...) is heard in which section, by its mid." },
  { NULL },
};
static const GwField offer_result[] = {
  { "sdp", GW_FIELD_STRING, 0, "The answer." },
  { "tracks", GW_FIELD_MAP, 0, "Which track (TR_...) is heard in which section, by its mid." },
  { NULL },
};

const GwMethod gw_session_methods[] = {
  { "session.join", GW_GRANT_ROOM_JOIN, "room", session_join, join_params,
    "Joins a room by WebRTC: an offer in, the answer out.", .result = join_result,
    .errors = "not_found already_exists failed_precondition resource_exhausted unavailable aborted",
    .more
    = "One session per socket. The client offers, the gateway answers; `subscribe: \"mix\"` gives one audio "
      "stream\n"
      "with everybody else in it, `\"tracks\"` one per published track. When the gateway wants more sections "
      "it sends\n"
      "`session.sections_required`, and the client offers again; an offer has 32 at most. `session.closed` "
      "says that\n"
      "the session was ended from outside. Media outlives a lost socket by 15 s: `resume` takes it up again "
      "on another socket. "
      "While the "
      "old\n"
      "one stands, a guest (a token without `sub`) must offer (`sdp`) with the same certificate.\n\n"
      "```js\n"
      "const peer = new RTCPeerConnection();\n"
      "peer.addTrack(microphone.getAudioTracks()[0], microphone);\n"
      "peer.ontrack = ({streams}) => (audio.srcObject = streams[0]);\n"
      "await peer.setLocalDescription(await peer.createOffer());\n"
      "const {sdp} = await call('session.join', {room: 'support', sdp: peer.localDescription.sdp});\n"
      "await peer.setRemoteDescription({type: 'answer', sdp});\n"
      "```" },
  { "session.offer", GW_GRANT_ROOM_JOIN, NULL, session_offer, offer_params, "Renegotiates or restarts ICE.",
    .result = offer_result, .errors = "failed_precondition unavailable aborted" },
  { "session.candidate", GW_GRANT_ROOM_JOIN, NULL, session_candidate, candidate_params,
    "A trickled ICE candidate.", .result = gw_no_fields, .errors = "failed_precondition",
    .more = "The gateway's own come as notifications of the same name." },
  { "session.mute", GW_GRANT_ROOM_JOIN, NULL, session_mute, mute_params, "Mutes or unmutes oneself.",
    .result = gw_participant_answer, .errors = "failed_precondition" },
  { "session.leave", GW_GRANT_ROOM_JOIN, NULL, session_leave, NULL, "Leaves the room.",
    .result = gw_no_fields, .errors = "failed_precondition" },
  { NULL },
};
