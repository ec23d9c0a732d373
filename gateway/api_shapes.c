/* The objects that methods and events have in common. */
#include "gateway/api_shape.h"

#include "gateway/core/cause.h"

#define OPTIONAL      GW_FIELD_OPTIONAL
#define OR_NULL       GW_FIELD_NULL
#define LIST          GW_FIELD_LIST
#define CALL_STATUSES "dialing ringing active automation hangup"
#define END                                                                                                  \
  {                                                                                                          \
    NULL                                                                                                     \
  }

const GwField gw_no_fields[] = { END };

/* ---- rooms ---- */

static const GwField version_fields[] = {
  { "unix_micro", GW_FIELD_INT, 0, "Microseconds since 1970." },
  { "ticks", GW_FIELD_INT, 0, "Counts changes in one microsecond." },
  END,
};
static const GwShape version_shape
    = { "timed_version", "When something last changed: of two, the later one is newer.", version_fields };

static const GwField room_fields[] = {
  { "sid", GW_FIELD_STRING, 0, "Id, RM_...: another one when a room of this name is made anew." },
  { "name", GW_FIELD_STRING, 0, "What it is called in every request." },
  { "metadata", GW_FIELD_STRING, 0, "Text of the application." },
  { "codecs", GW_FIELD_STRING, LIST, "Codecs of those who come into it; empty: the gateway's." },
  { "empty_timeout", GW_FIELD_INT, 0, "Seconds that it is kept when nobody ever came." },
  { "departure_timeout", GW_FIELD_INT, 0, "Seconds that it is kept after the last one left." },
  { "max_participants", GW_FIELD_INT, 0, "0: the gateway's own limit." },
  { "num_participants", GW_FIELD_INT, 0, "How many are in it." },
  { "num_publishers", GW_FIELD_INT, 0, "How many of them are heard." },
  { "creation_time", GW_FIELD_INT, 0, "Seconds since 1970." },
  { "creation_time_ms", GW_FIELD_INT, 0, "The same in milliseconds." },
  { "version", GW_FIELD_OBJECT, OPTIONAL, "When it last changed.", &version_shape },
  END,
};
const GwShape gw_room_shape = { "room", "A room.", room_fields };

/* ---- participants ---- */

static const GwField track_fields[] = {
  { "sid", GW_FIELD_STRING, 0, "Id, TR_..." },
  { "type", GW_FIELD_STRING, 0, "Always AUDIO.", .words = "AUDIO" },
  { "source", GW_FIELD_STRING, OPTIONAL, "Always MICROPHONE.", .words = "MICROPHONE" },
  { "muted", GW_FIELD_BOOL, 0, "Nobody hears it." },
  { "mime_type", GW_FIELD_STRING, OPTIONAL,
    "Of a phone whose media has started: what it sends, audio/PCMU." },
  { "version", GW_FIELD_OBJECT, OPTIONAL, "When it last changed.", &version_shape },
  END,
};
static const GwField permission_fields[] = {
  { "can_publish", GW_FIELD_BOOL, 0, "It is heard, unless it is muted." },
  { "can_subscribe", GW_FIELD_BOOL, 0, "It hears the others." },
  { "can_publish_data", GW_FIELD_BOOL, 0, "It may send text." },
  END,
};
static const GwShape permission_shape = { "permission", "What a participant may do.", permission_fields };

const GwShape gw_track_shape = { "track", "What a participant is heard by.", track_fields };

static const GwField participant_fields[] = {
  { "sid", GW_FIELD_STRING, 0, "Id, PA_..." },
  { "identity", GW_FIELD_STRING, 0, "Unique in its room; of a phone sip_ and the number." },
  { "name", GW_FIELD_STRING, 0, "What to show." },
  { "metadata", GW_FIELD_STRING, 0, "Text of the application." },
  { "kind", GW_FIELD_STRING, 0, "SIP: a phone; STANDARD: a WebRTC session.", .words = "SIP STANDARD" },
  { "state", GW_FIELD_STRING, 0, "JOINING: its media has not begun.", .words = "JOINING ACTIVE" },
  { "joined_at", GW_FIELD_INT, 0, "Seconds since 1970." },
  { "joined_at_ms", GW_FIELD_INT, 0, "The same in milliseconds." },
  { "version", GW_FIELD_INT, OPTIONAL, "How often it has changed: of two, the higher one is newer." },
  { "tracks", GW_FIELD_OBJECT, LIST, "What it is heard by; empty: it is not heard.", &gw_track_shape },
  { "permission", GW_FIELD_OBJECT, 0, "What it may do.", &permission_shape },
  { "attributes", GW_FIELD_MAP, 0, "The application's, and sip.* of a phone." },
  END,
};
const GwShape gw_participant_shape = { "participant", "Somebody in a room.", participant_fields };

const GwField gw_room_answer[] = {
  { "room", GW_FIELD_OBJECT, 0, "The room as it is now.", &gw_room_shape },
  END,
};
const GwField gw_participant_answer[] = {
  { "participant", GW_FIELD_OBJECT, 0, "The participant as it is now.", &gw_participant_shape },
  END,
};
const GwField gw_participants_answer[] = {
  { "participants", GW_FIELD_OBJECT, LIST, "Everybody in the room.", &gw_participant_shape },
  END,
};

/* ---- calls ---- */

static const GwField end_fields[] = {
  { "cause", GW_FIELD_STRING, 0, "Why, in one stable word.", .words = GW_CAUSE_WORDS },
  { "cause_text", GW_FIELD_STRING, OPTIONAL, "The same for people." },
  { "q850", GW_FIELD_INT, OPTIONAL, "The same as telephone networks count causes (ITU-T Q.850)." },
  { "reason", GW_FIELD_STRING, OPTIONAL, "Why we hung up; missing when the other side did." },
  { "sip_status_code", GW_FIELD_INT, OPTIONAL, "The final answer to the INVITE, 300 to 699." },
  { "sip_status", GW_FIELD_STRING, OPTIONAL | OR_NULL, "Its phrase." },
  { "words", GW_FIELD_STRING, OPTIONAL, "What that answer means." },
  { "disconnect_reason", GW_FIELD_STRING, 0, "LiveKit's word for it." },
  { "sip_reason", GW_FIELD_STRING, OPTIONAL, "The Reason header that came, or that we sent (RFC 3326)." },
  END,
};
static const GwShape end_shape = { "call_end", "How a call ended.", end_fields };

static const GwField hold_fields[] = {
  { "local", GW_FIELD_BOOL, 0, "We hold the phone." },
  { "remote", GW_FIELD_BOOL, 0, "The phone holds us." },
  END,
};
static const GwShape hold_shape = { "call_hold", "Who holds the call.", hold_fields };

static const GwField last_refresh_fields[] = {
  { "method", GW_FIELD_STRING, 0, "What it was.", .words = "INVITE UPDATE" },
  { "by", GW_FIELD_STRING, 0, "Who sent it.", .words = "us peer" },
  { "sip_status_code", GW_FIELD_INT, 0, "Its answer; 0: none." },
  { "result", GW_FIELD_STRING, 0, "What became of it.", .words = "ok failed no_answer" },
  { "at", GW_FIELD_TIME, OR_NULL, "When it was answered." },
  END,
};
static const GwShape last_refresh_shape
    = { "session_refresh", "The last refresh of a session.", last_refresh_fields };

static const GwField timer_fields[] = {
  { "active", GW_FIELD_BOOL, 0, "false: this call has no session timer, and nothing else is told." },
  { "session_expires", GW_FIELD_INT, OPTIONAL, "The interval in seconds." },
  { "min_se", GW_FIELD_INT, OPTIONAL, "The shortest interval that both take, in seconds." },
  { "we_are_refresher", GW_FIELD_BOOL, OPTIONAL, "We refresh; else the phone does." },
  { "role", GW_FIELD_STRING, OPTIONAL, "The same as a word.", .words = "refresher watcher" },
  { "method", GW_FIELD_STRING, OPTIONAL, "What we refresh with.", .words = "INVITE UPDATE" },
  { "next_refresh_at", GW_FIELD_TIME, OPTIONAL | OR_NULL, "When we shall act." },
  { "expires_at", GW_FIELD_TIME, OPTIONAL | OR_NULL, "When the session ends unless it is refreshed." },
  { "last", GW_FIELD_OBJECT, OPTIONAL | OR_NULL, "The last refresh.", &last_refresh_shape },
  END,
};
static const GwShape timer_shape
    = { "session_timer", "The session timer of a call (RFC 4028).", timer_fields };

static const GwField stream_fields[] = {
  { "packets", GW_FIELD_INT, 0, "RTP packets." },
  { "bytes", GW_FIELD_INT, 0, "Of their payload." },
  { "lost", GW_FIELD_INT, 0, "Packets that never came." },
  { "discarded", GW_FIELD_INT, 0, "Packets that came too late, or twice." },
  { "loss_percent", GW_FIELD_REAL, 0, "Lost ones among those expected." },
  { "jitter_ms", GW_FIELD_REAL, 0, "Interarrival jitter (RFC 3550)." },
  { "mos", GW_FIELD_REAL, 0, "Estimated quality, 1 to 4.5; 0: not known yet." },
  END,
};
static const GwShape stream_shape = { "stream", "One direction of the media.", stream_fields };

static const GwField media_fields[] = {
  { "in", GW_FIELD_OBJECT, 0, "From the phone.", &stream_shape },
  { "out", GW_FIELD_OBJECT, 0, "To the phone, as it reports.", &stream_shape },
  { "playout_delay_ms", GW_FIELD_REAL, 0, "What the jitter buffer adds." },
  { "concealed", GW_FIELD_INT, 0, "Frames made up for lost ones." },
  { "auth_failures", GW_FIELD_INT, 0, "Packets whose SRTP signature was wrong." },
  { "strangers", GW_FIELD_INT, 0, "Packets of somebody else." },
  { "forwarding", GW_FIELD_BOOL, 0, "Packets go through without transcoding." },
  { "codec_in", GW_FIELD_STRING, 0, "What the phone sends." },
  { "codec_out", GW_FIELD_STRING, 0, "What it is sent." },
  { "remote", GW_FIELD_STRING, 0, "Where its media comes from." },
  { "cipher", GW_FIELD_STRING, 0, "Of SRTP, or none." },
  { "rtt_ms", GW_FIELD_REAL, OR_NULL, "Round trip, from RTCP." },
  END,
};
static const GwShape media_shape = { "media", "Statistics of a call's media.", media_fields };

static const GwField timeline_fields[] = {
  { "time", GW_FIELD_TIME, 0, "When." },
  { "event", GW_FIELD_STRING, 0,
    "What happened: invite, dial, sip (a message), sdp (what was agreed on, and why), progress, answered, "
    "media_started, dtmf (how many keys), dtmf_sent, session_timer, renegotiated, hold, transfer, pin, "
    "hangup, omitted, "
    "..." },
  { GW_FIELD_REST, GW_FIELD_ANY, OPTIONAL, "What belongs to the event." },
  END,
};
const GwShape gw_timeline_shape
    = { "timeline_entry", "One thing that happened to a call or session.", timeline_fields };

#define WHOLE "Of call.get and call.trace: "

static const GwField call_fields[] = {
  { "sip_call_id", GW_FIELD_STRING, 0, "Id, SCL_..." },
  { "sip_call_id_full", GW_FIELD_STRING, OPTIONAL, "The SIP Call-ID." },
  { "direction", GW_FIELD_STRING, 0, "Who began it: the phone, or we.", .words = "inbound outbound" },
  { "status", GW_FIELD_STRING, 0, "How far it is.", .words = CALL_STATUSES },
  { "from", GW_FIELD_STRING, OPTIONAL, "The caller's number; missing when it is hidden." },
  { "to", GW_FIELD_STRING, OPTIONAL, "The called number; missing when it is hidden." },
  { "peer", GW_FIELD_STRING, OPTIONAL, "The address or host at the other end." },
  { "room_name", GW_FIELD_STRING, OPTIONAL, "Its room; missing as long as it is in none." },
  { "participant_identity", GW_FIELD_STRING, OPTIONAL, "Who it is there." },
  { "participant_id", GW_FIELD_STRING, OPTIONAL, "The same as id, PA_..." },
  { "trunk_id", GW_FIELD_STRING, OPTIONAL, "The trunk, ST_..." },
  { "rule_id", GW_FIELD_STRING, OPTIONAL, "The dispatch rule, SDR_..." },
  { "created_at", GW_FIELD_TIME, 0, "When it began." },
  { "answered_at", GW_FIELD_TIME, OR_NULL, "When it was answered." },
  { "ended_at", GW_FIELD_TIME, OR_NULL, "When it ended." },
  { "end", GW_FIELD_OBJECT, OPTIONAL, "How it ended.", &end_shape },
  { "codec", GW_FIELD_STRING, OPTIONAL, WHOLE "the codec agreed on." },
  { "cipher", GW_FIELD_STRING, OPTIONAL, WHOLE "of SRTP." },
  { "transport", GW_FIELD_STRING, OPTIONAL, WHOLE "of its signalling, once it was answered." },
  { "tls", GW_FIELD_STRING, OPTIONAL, WHOLE "version and cipher of its signalling." },
  { "hold", GW_FIELD_OBJECT, OPTIONAL, WHOLE "who holds it.", &hold_shape },
  { "dtmf_digits", GW_FIELD_INT, OPTIONAL, WHOLE "how many digits the phone pressed." },
  { "session_timer", GW_FIELD_OBJECT, OPTIONAL, WHOLE "its session timer.", &timer_shape },
  { "media", GW_FIELD_OBJECT, OPTIONAL, WHOLE "statistics both ways.", &media_shape },
  { "timeline", GW_FIELD_OBJECT, OPTIONAL | LIST, WHOLE "what happened, in order.", &gw_timeline_shape },
  END,
};
const GwShape gw_call_shape = { "call", "A SIP call.", call_fields };

/* ---- errors ---- */

const GwField gw_error_fields[] = {
  { "code", GW_FIELD_STRING, 0, "One of the words above." },
  { "field", GW_FIELD_STRING, OPTIONAL, "The parameter that is wrong." },
  { "sip_status_code", GW_FIELD_INT, OPTIONAL, "The answer of the other side." },
  { "sip_status", GW_FIELD_STRING, OPTIONAL | OR_NULL, "Its phrase." },
  END,
};
