/* What the gateway sends unasked. */
#include "gateway/api_shape.h"
#include "gateway/recordings.h"

#define OPTIONAL GW_FIELD_OPTIONAL
#define OR_NULL  GW_FIELD_NULL
#define LIST     GW_FIELD_LIST
#define END                                                                                                  \
  {                                                                                                          \
    NULL                                                                                                     \
  }

const GwField gw_event_fields[] = {
  { "seq", GW_FIELD_INT, 0, "Counts per room." },
  { "epoch", GW_FIELD_STRING, 0, "What seq counts within: another one after a restart." },
  { "time", GW_FIELD_TIME, 0, "When." },
  { "type", GW_FIELD_STRING, 0, "Which event." },
  { "room", GW_FIELD_STRING, 0, "Where." },
  END,
};

static const GwField room_info[] = {
  { "room_info", GW_FIELD_OBJECT, 0, "The room.", &gw_room_shape },
  END,
};
static const GwField participant[] = {
  { "participant", GW_FIELD_OBJECT, 0, "As it is now.", &gw_participant_shape },
  END,
};
static const GwField left[] = {
  { "participant", GW_FIELD_OBJECT, 0, "As it was.", &gw_participant_shape },
  { "reason", GW_FIELD_STRING, 0, "Why, in a word of ours." },
  { "disconnect_reason", GW_FIELD_STRING, 0, "Why, in LiveKit's words." },
  END,
};
static const GwField track[] = {
  { "participant_identity", GW_FIELD_STRING, 0, "Whose." },
  { "participant_sid", GW_FIELD_STRING, 0, "Its id." },
  { "track", GW_FIELD_OBJECT, 0, "The track, without its source.", &gw_track_shape },
  END,
};

static const GwField speaker_fields[] = {
  { "identity", GW_FIELD_STRING, 0, "Who." },
  { "sid", GW_FIELD_STRING, 0, "Its id." },
  { "level", GW_FIELD_REAL, 0, "How loud, 0 to 1." },
  END,
};
static const GwShape speaker_shape = { "speaker", "Somebody who speaks.", speaker_fields };
static const GwField speakers[] = {
  { "speakers", GW_FIELD_OBJECT, LIST, "The loudest first; empty: nobody speaks.", &speaker_shape },
  END,
};
static const GwField digit[] = {
  { "participant_identity", GW_FIELD_STRING, 0, "Who pressed it." },
  { "digit", GW_FIELD_STRING, 0, "0-9, *, # or A-D." },
  { "code", GW_FIELD_INT, 0, "Its number in RFC 4733: * is 10, # 11, A 12." },
  { "duration_ms", GW_FIELD_INT, 0, "For how long; 0: not known." },
  END,
};
static const GwField status[] = {
  { "participant_identity", GW_FIELD_STRING, OR_NULL, "Who it is in the room." },
  { "status", GW_FIELD_STRING, 0, "How far the call is.",
    .words = "dialing ringing active automation hangup" },
  { "call", GW_FIELD_OBJECT, 0, "The call; its end says why.", &gw_call_shape },
  END,
};
static const GwField message[] = {
  { "from", GW_FIELD_STRING, 0, "Who says it: an identity, a number or an extension." },
  { "identity", GW_FIELD_STRING, OR_NULL, "Who of the room, when that is known." },
  { "text", GW_FIELD_STRING, 0, "What; empty beside data." },
  { "data", GW_FIELD_STRING, OPTIONAL, "What is no text, as base64." },
  { "content_type", GW_FIELD_STRING, 0, "Which of the two.", .words = "text/plain application/octet-stream" },
  { "topic", GW_FIELD_STRING, OPTIONAL, "What it is about, as the sender said." },
  { "destination_identities", GW_FIELD_STRING, OPTIONAL | LIST, "For whom; missing: for everybody." },
  END,
};
static const GwField play_ended[] = {
  { "play_id", GW_FIELD_STRING, 0, "What the play method answered." },
  { "participant_identity", GW_FIELD_STRING, OPTIONAL, "Who heard it; missing: everybody." },
  { "reason", GW_FIELD_STRING, 0, "How it ended.", .words = "finished stopped gone failed" },
  { "error", GW_FIELD_STRING, OPTIONAL, "Why it failed." },
  END,
};
static const GwField record_started[] = {
  { "recording_id", GW_FIELD_STRING, 0, "What room.record answered." },
  { "participant_identity", GW_FIELD_STRING, OPTIONAL, "Who is recorded; missing: everybody." },
  { "file", GW_FIELD_STRING, 0, "Its path below recordings.path." },
  { "format", GW_FIELD_STRING, 0, "Ogg with Opus, or WAV.", .words = "ogg wav" },
  { "automatic", GW_FIELD_BOOL, 0, "A rule or trunk with record asked for it." },
  END,
};
static const GwField record_finished[] = {
  { "recording_id", GW_FIELD_STRING, 0, "What room.record answered." },
  { "participant_identity", GW_FIELD_STRING, OPTIONAL, "Who was recorded; missing: everybody." },
  { "file", GW_FIELD_STRING, 0, "Its path below recordings.path." },
  { "duration", GW_FIELD_REAL, 0, "Of the file, in seconds." },
  { "size", GW_FIELD_INT, 0, "Of the file, in bytes; 0: there is none." },
  { "reason", GW_FIELD_STRING, 0, "Why it ended.", .words = gw_recording_reasons },
  { "lost", GW_FIELD_REAL, 0, "Seconds that the disk was too slow for: silence in the file." },
  { "error", GW_FIELD_STRING, OPTIONAL, "What went wrong." },
  END,
};
static const GwField transfer[] = {
  { "participant_identity", GW_FIELD_STRING, OR_NULL, "Whose call is transferred." },
  { "sip_call_id", GW_FIELD_STRING, 0, "The call." },
  { "by", GW_FIELD_STRING, 0, "Who asked for it.", .words = "phone api" },
  { "transfer_to", GW_FIELD_STRING, OR_NULL, "Where to." },
  { "state", GW_FIELD_STRING, 0, "How far it is.", .words = "ongoing successful failed" },
  { "sip_status_code", GW_FIELD_INT, OPTIONAL, "The target's answer so far." },
  { "sip_status", GW_FIELD_STRING, OPTIONAL, "Its phrase." },
  END,
};
static const GwField timer[] = {
  { "participant_identity", GW_FIELD_STRING, OR_NULL, "Whose call." },
  { "sip_call_id", GW_FIELD_STRING, 0, "The call." },
  { "event", GW_FIELD_STRING, 0, "What happened; rescued: the session of a peer that was late.",
    .words = "negotiated refreshed rescued expired" },
  { "session_expires", GW_FIELD_INT, 0, "The interval in seconds." },
  { "we_are_refresher", GW_FIELD_BOOL, 0, "We refresh; else the phone does." },
  { "method", GW_FIELD_STRING, 0, "By INVITE or UPDATE; empty: by none." },
  END,
};

const GwNews gw_api_events[] = {
  { "room_started", "A room was made.", room_info },
  { "room_finished", "A room is gone.", room_info },
  { "participant_joined", "Somebody came.", participant },
  { "participant_updated", "Name, metadata, attributes or mute of somebody changed.", participant },
  { "participant_left", "Somebody went.", left },
  { "track_published", "Somebody is heard from now on.", track },
  { "track_unpublished", "Somebody is heard no more.", track },
  { "active_speakers", "Who speaks. It carries the number of the event before, and is not replayed.",
    speakers },
  { "dtmf_received", "A phone pressed a key.", digit,
    "{\"participant_identity\": \"sip_+15550001\", \"digit\": \"5\", \"code\": 5, \"duration_ms\": 160}" },
  { "call_status", "A call is dialled, rings, was answered, or is over.", status },
  { "message_received", "Somebody sent text: room.send_message, or a phone by SIP MESSAGE.", message,
    "{\"from\": \"ada\", \"identity\": \"ada\", \"text\": \"Good morning\", \"content_type\": "
    "\"text/plain\"}" },
  { "play_ended", "What participant.play or room.play began is over.", play_ended,
    "{\"play_id\": \"PB_f3kq81Wd5LtY\", \"reason\": \"finished\"}" },
  { "recording_started", "A file is being written.", record_started },
  { "recording_finished", "A recording is over, its file is finished.", record_finished,
    "{\"recording_id\": \"RC_p2x7dk\", \"file\": \"2026-11-21/support-07-55-00.ogg\", \"duration\": 61.2, "
    "\"size\": 183412, \"reason\": \"stopped\", \"lost\": 0.0}" },
  { "transfer_status", "How a transfer goes.", transfer,
    "{\"participant_identity\": \"sip_+15550001\", \"sip_call_id\": \"SCL_v0m2x9\", \"by\": \"api\", "
    "\"transfer_to\": \"tel:+15550002\", \"state\": \"successful\", \"sip_status_code\": 200, "
    "\"sip_status\": \"OK\"}" },
  { "session_timer", "A session timer was agreed on, refreshed, or ran out (RFC 4028).", timer,
    "{\"participant_identity\": \"sip_+15550001\", \"sip_call_id\": \"SCL_v0m2x9\", \"event\": "
    "\"refreshed\", "
    "\"session_expires\": 1800, \"we_are_refresher\": true, \"method\": \"INVITE\"}" },
  { NULL },
};

/* ---- to one connection, about its own session ---- */

static const GwField candidate[] = {
  { "candidate", GW_FIELD_STRING, 0, "candidate:...; empty: there are no more." },
  { "sdpMid", GW_FIELD_STRING, 0, "Of which section." },
  { "sdpMLineIndex", GW_FIELD_INT, 0, "The same as a number." },
  END,
};
static const GwField sections[] = {
  { "audio", GW_FIELD_INT, 0, "How many audio sections there should be in all." },
  END,
};
static const GwField tracks[] = {
  { "tracks", GW_FIELD_MAP, 0, "Which track (TR_...) is heard in which section, by its mid." },
  END,
};
static const GwField moved[] = {
  { "room", GW_FIELD_STRING, 0, "Where the participant is now, or is to join." },
  { "rejoin", GW_FIELD_BOOL, 0, "true: the client joins room anew, with another peer connection." },
  { "participant", GW_FIELD_OBJECT, OPTIONAL, "Itself; missing with rejoin.", &gw_participant_shape },
  { "participants", GW_FIELD_OBJECT, OPTIONAL | LIST, "Everybody there; missing with rejoin.",
    &gw_participant_shape },
  { "tracks", GW_FIELD_MAP, OPTIONAL, "As in session.tracks; missing with rejoin." },
  { "participant_identity", GW_FIELD_STRING, OPTIONAL, "With rejoin: who it was." },
  END,
};
static const GwField closed[] = {
  { "reason", GW_FIELD_STRING, 0, "Why, in the words of participant_left." },
  END,
};
static const GwField log_line[] = {
  { "sip_call_id", GW_FIELD_STRING, 0, "The call." },
  { "seq", GW_FIELD_INT, GW_FIELD_OPTIONAL, "Number of the line; missing with ended." },
  { "line", GW_FIELD_ANY, GW_FIELD_OPTIONAL, "The line as in call.logs; missing with ended." },
  { "ended", GW_FIELD_BOOL, GW_FIELD_OPTIONAL,
    "true: there will be no more: the call is over, or reason says why." },
  { "reason", GW_FIELD_STRING, GW_FIELD_OPTIONAL,
    "With ended: moved: to a room that the token does not reach; token_expired; permission: another token "
    "allows less. Missing when the call is over.",
    .words = "moved token_expired permission" },
  END,
};

static const GwField watch_ended[] = {
  { "room", GW_FIELD_STRING, 0, "Its name, or *." },
  { "reason", GW_FIELD_STRING, 0,
    "token_expired; permission: another token allows less; left: one's participant is not there any more.",
    .words = "token_expired permission left" },
  END,
};

const GwNews gw_api_notifications[] = {
  { "log", "A line of the gateway's log about a call that is followed by call.logs.", log_line,
    "{\"sip_call_id\": \"SCL_b7\", \"seq\": 9, \"line\": {\"time\": \"2026-11-21T07:55:00.123Z\", \"level\": "
    "\"info\", \"component\": \"sip\", \"event\": \"Hangup\", \"callID\": \"SCL_b7\"}}" },
  { "room.watch_ended", "A watch of room.watch is over: the connection may not have it any more.",
    watch_ended, "{\"room\": \"support\", \"reason\": \"token_expired\"}" },
  { "session.candidate", "A trickled ICE candidate of the gateway.", candidate,
    "{\"candidate\": \"candidate:1 1 UDP 2130706431 192.0.2.1 20000 typ host\", \"sdpMid\": \"0\", "
    "\"sdpMLineIndex\": 0}" },
  { "session.sections_required",
    "The gateway has more to send than there are sections: the client offers again.", sections,
    "{\"audio\": 3}" },
  { "session.tracks", "Who is heard in which section changed (subscribe: \"tracks\").", tracks,
    "{\"tracks\": {\"0\": \"TR_h2p40c\"}}" },
  { "session.moved", "The participant was taken to another room, see participant.move.", moved,
    "{\"room\": \"sales\", \"rejoin\": true, \"participant_identity\": \"ada\"}" },
  { "session.closed", "The session was ended from outside.", closed, "{\"reason\": \"removed\"}" },
  { NULL },
};
