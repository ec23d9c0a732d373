/* participant.*: who is in a room, and calling somebody into it. */
#include "gateway/api.h"

#include <string.h>

#include "config/base/error.h"
#include "gateway/calls.h"
#include "gateway/idempotency.h"
#include "gateway/permissions.h"
#include "gateway/rooms.h"
#include "gateway/sessions.h"
#include "media/codec/codec.h"
#include "media/core/dtmf.h"

GwParticipant *
gw_api_participant (Gateway *gateway, json_t *params, GError **error)
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

static json_t *
participant_list (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const char *name = gw_param_string (params, "room_name");
  GwRoom *room = gw_rooms_find (gateway, name);

  if (room == NULL)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "there is no room \"%s\"", name);
      return NULL;
    }
  return json_pack ("{s:o}", "participants", gw_participants_json (room));
}

static json_t *
participant_get (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  GwParticipant *participant = gw_api_participant (gateway, params, error);

  if (participant == NULL)
    return NULL;
  return json_pack ("{s:o, s:o*}", "participant", gw_participant_json (participant), "session",
                    participant->session != NULL ? gw_session_json (participant->session) : NULL);
}

static json_t *
participant_remove (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  GwParticipant *participant = gw_api_participant (gateway, params, error);

  if (participant == NULL)
    return NULL;
  gw_rooms_kick (gateway, participant, "removed");
  gw_request_reply_when_written (gateway, request, json_object ());
  return NULL;
}

static json_t *
participant_mute (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const char *track = gw_param_string (params, "track_sid");
  GwParticipant *participant = gw_api_participant (gateway, params, error);

  if (participant == NULL)
    return NULL;
  if (track != NULL && g_strcmp0 (participant->track.sid, track) != 0)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "\"%s\" has no track \"%s\"", participant->identity,
                   track);
      return NULL;
    }
  if (!gw_param_bool (params, "muted", TRUE) && !gw_permissions_may_speak (participant, error))
    return NULL;
  gw_rooms_set_muted (gateway, participant, gw_param_bool (params, "muted", TRUE));
  return json_pack ("{s:o}", "participant", gw_participant_json (participant));
}

static gboolean check_attributes (json_t *attributes, GError **error);

/* How many there will be. An attribute that is set to nothing is removed. */
static guint
n_attributes_with (const GwParticipant *participant, json_t *attributes)
{
  guint n = g_hash_table_size (participant->attributes);
  const char *key;
  json_t *value;

  json_object_foreach (attributes, key, value)
  {
    const gboolean is_there = g_hash_table_contains (participant->attributes, key);

    if (json_string_length (value) > 0)
      n += !is_there;
    else
      n -= is_there;
  }
  return n;
}

/* A phone's are its call's, which has them for whatever becomes of the participant. @value: "": removes it */
static void
set_attribute (GwParticipant *participant, const char *key, const char *value)
{
  const gboolean removes = value[0] == '\0';

  if (participant->call != NULL && removes)
    gw_call_remove_attribute (participant->call, key);
  else if (participant->call != NULL)
    gw_call_set_attribute (participant->call, key, value);
  else if (removes)
    g_hash_table_remove (participant->attributes, key);
  else
    gw_participant_set_attribute (participant, key, value);
}

static json_t *
participant_update (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  GwParticipant *participant = gw_api_participant (gateway, params, error);
  const char *name = gw_param_string (params, "name"), *metadata = gw_param_string (params, "metadata"), *key;
  json_t *attributes = json_object_get (params, "attributes"), *value;

  if (participant == NULL || !check_attributes (attributes, error)
      || !gw_permissions_check (participant, json_object_get (params, "permission"), error))
    return NULL;
  if (n_attributes_with (participant, attributes) > MAX (
          GW_MAX_ATTRIBUTES, g_hash_table_size (participant->attributes))) /* with sip.* there may be more */
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "attributes: a participant has %d at most",
                   GW_MAX_ATTRIBUTES);
      return NULL;
    }
  if (name != NULL)
    {
      g_free (participant->name);
      participant->name = g_strdup (name);
    }
  if (metadata != NULL)
    {
      g_free (participant->metadata);
      participant->metadata = g_strdup (metadata);
    }
  json_object_foreach (attributes, key, value)
  {
    set_attribute (participant, key, json_string_value (value));
  }
  gw_permissions_take (gateway, participant, json_object_get (params, "permission"));
  gw_rooms_changed (gateway, participant);
  return json_pack ("{s:o}", "participant", gw_participant_json (participant));
}

/* ---- participant.create ---- */

static gboolean
take_digits (json_t *params, GwDialParams *dial, GError **error)
{
  const char *digits = gw_param_string (params, "dtmf");

  if (digits == NULL || digits[0] == '\0')
    return TRUE;
  dial->dtmf = digits;
  if (media_dtmf_duration_ms (digits, MEDIA_DTMF_TONE_MS, MEDIA_DTMF_GAP_MS) >= 0)
    return TRUE;
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                       "dtmf: must be of 0-9 * # A-D, and the pauses w (0.5 s), W (1 s) and , (2 s)");
  return FALSE;
}

static gboolean
take_encryption (json_t *params, GwDialParams *dial, GError **error)
{
  if (gw_encryption_parse (gw_param_string (params, "media_encryption"), &dial->media_encryption))
    return TRUE;
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                       "media_encryption: must be \"disable\", \"allow\" or \"require\"");
  return FALSE;
}

static gboolean
is_host (const char *text)
{
  return text[0] != '\0'
         && strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]")
                == strlen (text);
}

static gboolean
take_trunk (json_t *trunk, GwDialParams *dial, GError **error)
{
  dial->hostname = gw_param_string (trunk, "hostname");
  dial->transport = gw_param_string (trunk, "transport");
  dial->auth_username = gw_param_string (trunk, "auth_username");
  dial->auth_password = gw_param_string (trunk, "auth_password");
  dial->from_host = gw_param_string (trunk, "from_host");
  dial->from_number = gw_param_string (trunk, "from_number");
  if (dial->hostname != NULL && !is_host (dial->hostname))
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "trunk.hostname: must be a host name or address, with a port or without");
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_attributes (json_t *attributes, GError **error)
{
  const char *key;
  json_t *value;

  if (json_object_size (attributes) > GW_MAX_ATTRIBUTES)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                   "participant_attributes: a participant has %d at most", GW_MAX_ATTRIBUTES);
      return FALSE;
    }
  json_object_foreach (attributes, key, value)
  {
    const char *wrong = !json_is_string (value)                               ? "must be a string"
                        : json_string_length (value) > GW_ATTRIBUTE_MAX_BYTES ? "is too long"
                        : g_str_has_prefix (key, "sip.")                      ? "sip.* is the gateway's own"
                                                                              : NULL;

    if (wrong == NULL)
      continue;
    g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "participant_attributes.%s: %s", key, wrong);
    return FALSE;
  }
  return TRUE;
}

static json_t *
participant_create (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  g_auto (GStrv) codecs = gw_param_list (params, "codecs");
  GwDialParams dial = {
    .call_to = gw_param_string (params, "sip_call_to"),
    .trunk_id = gw_param_string (params, "sip_trunk_id"),
    .room = gw_param_string (params, "room_name"),
    .identity = gw_param_string (params, "participant_identity"),
    .name = gw_param_string (params, "participant_name"),
    .metadata = gw_param_string (params, "participant_metadata"),
    .attributes = json_object_get (params, "participant_attributes"),
    .headers = json_object_get (params, "headers"),
    .codecs = codecs,
    .display_name = gw_param_string (params, "display_name"),
    .include_headers = gw_param_string (params, "include_headers"),
    .privacy = gw_param_string (params, "privacy"),
    .play_dialtone = gw_param_bool (params, "play_dialtone", FALSE),
    .hide_number = gw_param_bool (params, "hide_phone_number", FALSE),
    .wait_until_answered = gw_param_bool (params, "wait_until_answered", FALSE),
    .ringing_timeout_s = (guint)gw_param_int (params, "ringing_timeout", 0),
    .max_duration_s = (guint)gw_param_int (params, "max_call_duration", 0),
  };

  if (!take_digits (params, &dial, error) || !gw_codecs_check (codecs, error)
      || !take_encryption (params, &dial, error) || !check_attributes (dial.attributes, error)
      || !take_trunk (json_object_get (params, "trunk"), &dial, error))
    return NULL;
  if (gw_param_string (params, "sip_number") != NULL)
    dial.from_number = gw_param_string (params, "sip_number");
  if (!gw_idempotency_begin (gateway, request, params, error))
    return NULL;
  if (!gw_call_dial (gateway, request, &dial, error))
    gw_idempotency_failed (gateway, request);
  return NULL;
}

gboolean
gw_codecs_check (char **codecs, GError **error)
{
  for (char **name = codecs; name != NULL && *name != NULL; name++)
    if (media_codec_find (*name, 0) == NULL)
      {
        g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                     "codecs: there is no codec \"%s\"; there are opus, G722, PCMU and PCMA", *name);
        return FALSE;
      }
  return TRUE;
}

#define ROOM_PARAM                                                                                           \
  {                                                                                                          \
    "room_name", { "room" }, GW_PARAM_STRING, TRUE, "The room's name."                                       \
  }
#define IDENTITY_PARAM                                                                                       \
  {                                                                                                          \
    "participant_identity", { "identity" }, GW_PARAM_STRING, TRUE, "Who, in this room."                      \
  }

static const GwParam room_only[] = { ROOM_PARAM, { NULL } };
static const GwParam who[] = { ROOM_PARAM, IDENTITY_PARAM, { NULL } };
static const GwParam mute_params[] = {
  ROOM_PARAM,
  IDENTITY_PARAM,
  { "muted", { NULL }, GW_PARAM_BOOL, FALSE, "Nobody hears it; false: undo.", .otherwise = "true" },
  { "track_sid", { NULL }, GW_PARAM_STRING, FALSE, "Which track.", .otherwise = "the one there is" },
  { NULL },
};
static const GwParam permission_members[] = {
  { "can_publish", { NULL }, GW_PARAM_BOOL, FALSE, "False: it is muted, and nobody can unmute it." },
  { "can_subscribe", { NULL }, GW_PARAM_BOOL, FALSE, "False: it hears none of the others." },
  { "can_publish_data", { NULL }, GW_PARAM_BOOL, FALSE, "False: it sends no text." },
  { NULL },
};
static const GwParam update_params[] = {
  ROOM_PARAM,
  IDENTITY_PARAM,
  { "name", { "participant_name" }, GW_PARAM_STRING, FALSE, "The name to show." },
  { "metadata",
    { "participant_metadata" },
    GW_PARAM_TEXT,
    FALSE,
    "Text for the others.",
    0,
    GW_METADATA_MAX_BYTES },
  { "attributes",
    { "participant_attributes" },
    GW_PARAM_OBJECT,
    FALSE,
    "Those to set, strings by name; an empty one is removed. sip.* is the gateway's own." },
  { "permission",
    { NULL },
    GW_PARAM_OBJECT,
    FALSE,
    "What it may do from now on, within what its token allows.",
    .members = permission_members },
  { NULL },
};
static const GwParam trunk_members[] = {
  { "hostname", { NULL }, GW_PARAM_STRING, FALSE, "A host name or an address, with a port or without." },
  { "transport",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "How to reach it.",
    .otherwise = "as DNS says, udp",
    .words = "udp tcp tls" },
  { "auth_username", { NULL }, GW_PARAM_STRING, FALSE, "For when it asks." },
  { "auth_password", { NULL }, GW_PARAM_STRING, FALSE, "For when it asks." },
  { "from_host", { NULL }, GW_PARAM_STRING, FALSE, "The host to show in From." },
  { "from_number", { NULL }, GW_PARAM_STRING, FALSE, "The caller's number to show." },
  { NULL },
};
static const GwParam create_params[] = {
  ROOM_PARAM,
  { "sip_call_to",
    { NULL },
    GW_PARAM_STRING,
    TRUE,
    "A number, a tel: address or a user at the trunk, or a whole sip: address; without a trunk also an "
    "extension: alice rings all her phones." },
  { "sip_trunk_id", { NULL }, GW_PARAM_STRING, FALSE, "Id or name of a configured outbound trunk." },
  { "trunk",
    { NULL },
    GW_PARAM_OBJECT,
    FALSE,
    "Instead: a trunk for this call alone.",
    .members = trunk_members },
  { "sip_number",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "The caller's number to show.",
    .otherwise = "the next of the trunk's numbers" },
  { "display_name", { NULL }, GW_PARAM_STRING, FALSE, "The caller's name to show, any UTF-8." },
  { "privacy",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "id: the callee must not see the caller's number.",
    .otherwise = "the trunk's" },
  { "include_headers",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "Which headers of the answer become attributes sip.h.*: x, all or none, or LiveKit's SIP_..._HEADERS.",
    .otherwise = "the trunk's" },
  { "participant_identity",
    { "identity" },
    GW_PARAM_STRING,
    FALSE,
    "Who the phone is in the room.",
    .otherwise = "sip_ and the number" },
  { "participant_name",
    { "name" },
    GW_PARAM_STRING,
    FALSE,
    "The name to show.",
    .otherwise = "Phone and the number" },
  { "participant_metadata",
    { "metadata" },
    GW_PARAM_TEXT,
    FALSE,
    "Text for the others.",
    0,
    GW_METADATA_MAX_BYTES },
  { "participant_attributes",
    { "attributes" },
    GW_PARAM_OBJECT,
    FALSE,
    "Strings by name; sip.* is the gateway's own." },
  { "headers",
    { NULL },
    GW_PARAM_OBJECT,
    FALSE,
    "More headers for the INVITE: strings by name. They go before the trunk's." },
  { "codecs",
    { NULL },
    GW_PARAM_LIST,
    FALSE,
    "Which codecs to offer, the preferred one first.",
    .otherwise = "the trunk's" },
  { "hide_phone_number",
    { NULL },
    GW_PARAM_BOOL,
    FALSE,
    "Keep the number out of identity, name and attributes.",
    .otherwise = "false" },
  { "ringing_timeout",
    { NULL },
    GW_PARAM_INT,
    FALSE,
    "Seconds to wait for an answer.",
    0,
    3600,
    "the trunk's, 180" },
  { "max_call_duration",
    { NULL },
    GW_PARAM_INT,
    FALSE,
    "Seconds after which the call ends; 0: the trunk's, or no limit.",
    0,
    7 * 86400,
    "0" },
  { "wait_until_answered",
    { NULL },
    GW_PARAM_BOOL,
    FALSE,
    "Answer this request only when the callee has answered, or not.",
    .otherwise = "false" },
  { "media_encryption",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "SRTP with keys in the SDP: disable, allow (offered, plain RTP taken too) or require, or LiveKit's "
    "SIP_MEDIA_ENCRYPT_...; see [Encryption](CONFIGURATION.md#encryption).",
    .otherwise = "the trunk's" },
  { "dtmf",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "Digits to send once the phone has answered: 0-9 * # A-D, and the pauses w (0.5 s), W (1 s) and , (2 s). "
    "Meanwhile sip.callStatus is automation.",
    0,
    128 },
  { "play_dialtone",
    { "play_ringtone" },
    GW_PARAM_BOOL,
    FALSE,
    "The room hears ringing until the phone is heard (early media or answer), or the call failed.",
    .otherwise = "false" },
  { "idempotency_key",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "A request that is sent again with the key of another one is not done again: it gets the answer of "
    "that." },
  { NULL },
};

static const GwField create_result[] = {
  { "participant_id", GW_FIELD_STRING, 0, "Id of the participant, PA_..." },
  { "participant_identity", GW_FIELD_STRING, 0, "Who it is in the room." },
  { "room_name", GW_FIELD_STRING, 0, "The room." },
  { "sip_call_id", GW_FIELD_STRING, 0, "Id of the call, SCL_..." },
  { NULL },
};

static const GwField session_fields[] = {
  { "connected", GW_FIELD_BOOL, 0, "ICE and DTLS are done, and the path works." },
  { "timeline", GW_FIELD_OBJECT, GW_FIELD_LIST,
    "What happened, in order: sdp, gathered, connected (ICE's candidate pair, DTLS, SRTP), media_started, "
    "disconnected, socket_lost, resumed, ...",
    &gw_timeline_shape },
  { NULL },
};
static const GwShape session_shape = { "session", "How a browser is connected.", session_fields };
static const GwField get_result[] = {
  { "participant", GW_FIELD_OBJECT, 0, "The participant.", &gw_participant_shape },
  { "session", GW_FIELD_OBJECT, GW_FIELD_OPTIONAL, "Of a browser.", &session_shape },
  { NULL },
};

const GwMethod gw_participant_methods[] = {
  { "participant.list", GW_GRANT_ROOM_ADMIN, "room_name", participant_list, room_only, "Who is in a room.",
    .result = gw_participants_answer, .errors = "not_found" },
  { "participant.get", GW_GRANT_ROOM_ADMIN, "room_name", participant_get, who, "One participant.",
    .result = get_result, .errors = "not_found",
    .more = "A phone's call is in `call.get`, by its attribute `sip.callID`." },
  { "participant.remove", GW_GRANT_ROOM_ADMIN, "room_name", participant_remove, who,
    "Sends a participant away; a phone is hung up.", .result = gw_no_fields, .errors = "not_found" },
  { "participant.mute", GW_GRANT_ROOM_ADMIN, "room_name", participant_mute, mute_params,
    "Mutes a participant for everybody.", .result = gw_participant_answer, .errors = "not_found" },
  { "participant.update", GW_GRANT_ROOM_ADMIN, "room_name", participant_update, update_params,
    "Changes name, metadata, attributes and permission of a participant.", .result = gw_participant_answer,
    .errors = "not_found failed_precondition" },
  { "participant.create", GW_GRANT_SIP_CALL, "room_name", participant_create, create_params,
    "Calls a phone and brings it into a room.", .result = create_result,
    .errors = "already_exists " GW_SIP_ERRORS,
    .example = "{\"room_name\": \"support\", \"sip_trunk_id\": \"acme\", \"sip_call_to\": \"+15550001\", "
               "\"wait_until_answered\": true}",
    .answer
    = "{\"participant_id\": \"PA_9x2k4m\", \"participant_identity\": \"sip_+15550001\", \"room_name\": "
      "\"support\", \"sip_call_id\": \"SCL_v0m2x9\"}",
    .more
    = "It is answered when the record of the call is on the disk: a call whose id you have is in `call.get` "
      "also\n"
      "after a crash. The INVITE does not wait for the disk, so events of the call may come before the "
      "answer. "
      "On\n"
      "a full disk the call goes on and is answered, and the log has what was not written.\n\n"
      "The phone is a participant at once; while it rings its attribute `sip.callStatus` is `dialing`,\n"
      "`ringing`, then `active`. Early media is heard in the room. A call that failed is answered with the "
      "SIP\n"
      "status in the error's data when `wait_until_answered` was given; else the event `call_status` says "
      "so.\n\n"
      "With `idempotency_key` it is safe to send a request again when its answer was lost with its socket:\n"
      "the second one gets the answer of the first, waits for it when it is still worked on, and nobody is\n"
      "called twice. All parameters must be the same, else `already_exists`. Keys count per API key, and "
      "for\n"
      "tokens for one room per room. An answer is kept for 24 hours, of 10,000 keys at most, also the error "
      "of\n"
      "a call that failed: calling anew takes a new key. A request that was refused before anybody was "
      "called\n"
      "leaves its key free. Keys do not outlive the gateway's process: the calls do not either." },
  { NULL },
};
