#include "gateway/messages.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/log.h"
#include "gateway/call_private.h"
#include "gateway/core/dispatch.h"
#include "gateway/events.h"
#include "gateway/extensions.h"
#include "gateway/rooms.h"
#include "gateway/sessions.h"

#define GW_MAX_DATA_BASE64 (20 * 1024) /* 15 kB, about what LiveKit takes */

static void
emit (Gateway *gateway, const char *room, const char *from, const char *identity, const char *text)
{
  gw_events_emit (gateway, room, "message_received",
                  json_pack ("{s:s, s:s?, s:s, s:s}", "from", from, "identity", identity, "text", text,
                             "content_type", "text/plain"));
}

/* The room that a call to the same address would reach; a PIN cannot be asked for, so it keeps text out. */
static int
find_room (Gateway *gateway, const SigSipMessage *message, char **name)
{
  const GwDispatchFacts facts
      = { .called = gw_dispatch_called (gateway->settings, message->registration, message->request_user),
          .registration = message->registration,
          .caller = message->from_user,
          .source_address = message->source_address,
          .username = message->username };
  int status = gw_dispatch_room (gateway->settings, &facts, name);

  return status == 200 && gw_rooms_find (gateway, *name) == NULL ? 404 : status;
}

/* Of address:port, or of a host that was dialled. */
static char *
host_of (const char *peer)
{
  const char *end = peer != NULL ? strrchr (peer, ':') : NULL;

  if (peer != NULL && peer[0] == '[' && strchr (peer, ']') != NULL)
    return g_strndup (peer + 1, (gsize)(strchr (peer, ']') - peer - 1));
  if (end == NULL || strchr (peer, ':') != end)
    return g_strdup (peer);
  return g_strndup (peer, (gsize)(end - peer));
}

/* Many phones send text outside of their call: it is from who is in the room under the same number and speaks
 * from the same address. Returns: (nullable): none, or more than one. */
static const char *
sender_of (Gateway *gateway, const char *room_name, const SigSipMessage *message)
{
  const GwRoom *room = gw_rooms_find (gateway, room_name);
  const char *identity = NULL;

  for (guint i = 0; room != NULL && i < room->participants->len; i++)
    {
      const GwParticipant *participant = g_ptr_array_index (room->participants, i);
      const GwCall *call = participant->call;
      g_autofree char *host = NULL;

      if (call == NULL || g_strcmp0 (call->v.inbound ? call->v.from : call->v.to, message->from_user) != 0)
        continue;
      host = host_of (call->v.peer);
      if (g_strcmp0 (host, message->source_address) != 0)
        continue;
      if (identity != NULL)
        return NULL;
      identity = participant->identity;
    }
  return identity;
}

/* From an extension to an extension. Returns: the answer; 0: it is for a room. */
static int
pass_on (Gateway *gateway, const SigSipMessage *message, const char *sender)
{
  gboolean is_for_room = gateway->settings->demo && gw_rooms_find (gateway, message->request_user) != NULL;
  int status;

  if (message->call != 0 || is_for_room || !gw_extension_exists (gateway, message->request_user)
      || (sender == NULL && !gateway->settings->demo))
    return 0;
  status = gw_extension_send_message (gateway, message->request_user,
                                      sender != NULL ? sender : message->from_user, message);
  cfg_info ("sip", NULL, "Message passed on", CFG_STR ("to", message->request_user),
            CFG_INT ("status", status), CFG_STR ("fromIP", message->source_address),
            CFG_INT ("bytes", strlen (message->text)));
  return status;
}

int
gw_messages_on_message (gpointer data, const SigSipMessage *message)
{
  Gateway *gateway = data;
  const GwCall *call = message->call != 0 ? gw_call_by_sip (gateway, message->call) : NULL;
  const char *sender = gw_extension_caller (gateway, message->username, message->from_user);
  g_autofree char *room = NULL;
  int status = pass_on (gateway, message, sender);

  if (status != 0)
    return status;
  status = 200;
  if (message->call != 0)
    {
      if (call == NULL || call->participant == NULL)
        return 480;
      room = g_strdup (call->v.room_name);
    }
  else
    status = find_room (gateway, message, &room);
  cfg_info ("sip", &(CfgLogContext){ .room = room }, "Message received", CFG_INT ("status", status),
            CFG_STR ("fromIP", message->source_address), CFG_INT ("bytes", strlen (message->text)));
  if (status == 200)
    emit (gateway, room, sender != NULL && message->call == 0 ? sender : message->from_user,
          call != NULL ? call->v.identity : sender_of (gateway, room, message), message->text);
  return status;
}

/* ---- room.send_message ---- */

typedef struct
{
  GwRequest *request;
  guint pending, delivered;
  json_t *failed;
} Delivery;

typedef struct
{
  Delivery *delivery;
  char *identity;
} Recipient;

static json_t *
result_of (Delivery *delivery)
{
  return json_pack ("{s:i, s:O}", "delivered", (int)delivery->delivered, "failed", delivery->failed);
}

static void
add_failed (Delivery *delivery, const char *identity, int status, const char *reason)
{
  json_array_append_new (delivery->failed, json_pack ("{s:s, s:s, s:i}", "participant_identity", identity,
                                                      "reason", reason, "sip_status_code", status));
}

static void
delivery_free (Delivery *delivery)
{
  json_decref (delivery->failed);
  if (delivery->request != NULL)
    gw_request_unref (delivery->request);
  g_free (delivery);
}

static void
on_sent (gpointer user, int status, const char *phrase)
{
  Recipient *recipient = user;
  Delivery *delivery = recipient->delivery;

  if (status >= 200 && status < 300)
    delivery->delivered++;
  else
    add_failed (delivery, recipient->identity, status, phrase);
  g_free (recipient->identity);
  g_free (recipient);
  if (--delivery->pending > 0)
    return;
  gw_request_reply (delivery->request, result_of (delivery));
  delivery_free (delivery);
}

static void
deliver (Gateway *gateway, Delivery *delivery, const GwParticipant *participant, const char *text)
{
  const GwCall *call = participant->call;
  Recipient *recipient;

  if (call == NULL)
    {
      delivery->delivered++; /* by the event */
      return;
    }
  if (text == NULL)
    {
      add_failed (delivery, participant->identity, 415, "phones take text only");
      return;
    }
  if (!sig_sip_call_allows_message (gateway->sip, call->sip))
    {
      add_failed (delivery, participant->identity, 405, "the phone does not take SIP MESSAGE");
      return;
    }
  recipient = g_new0 (Recipient, 1);
  recipient->delivery = delivery;
  recipient->identity = g_strdup (participant->identity);
  if (sig_sip_call_send_message (gateway->sip, call->sip, text, on_sent, recipient))
    {
      delivery->pending++;
      return;
    }
  add_failed (delivery, participant->identity, 480, "the call is not answered, or too many wait");
  g_free (recipient->identity);
  g_free (recipient);
}

/* Who asks, where it is in @room: as the session of its connection, or by the name in its token. */
static const GwParticipant *
find_self (GwRequest *request, GwRoom *room)
{
  const char *identity = gw_request_token (request)->identity;
  const GwConn *conn = gw_request_conn (request);
  const GwParticipant *self
      = conn != NULL && conn->session != NULL ? gw_session_participant (conn->session) : NULL;

  if (self != NULL && self->room == room)
    return self;
  return room != NULL && identity != NULL ? gw_room_find (room, identity) : NULL;
}

/* @room: (nullable) */
static gboolean
may_send (GwRequest *request, GwRoom *room, const char *name, const char *identity, GError **error)
{
  const SigToken *token = gw_request_token (request);
  const GwParticipant *self = find_self (request, room);

  if (gw_token_allows (token, GW_GRANT_ROOM_ADMIN, name, NULL))
    return TRUE;
  if (!gw_token_allows (token, GW_GRANT_ROOM_JOIN, gw_request_own_room (request, name), error))
    return FALSE;
  if (self != NULL && !(self->may & GW_MAY_SEND))
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED,
                           "this participant may send no text: its permission.can_publish_data is false");
      return FALSE;
    }
  if (token->can_publish
      && (identity == NULL || g_strcmp0 (identity, token->identity) == 0
          || (self != NULL && strcmp (identity, self->identity) == 0)))
    return TRUE;
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED,
                       "the token needs canPublish, and sends for its own identity only");
  return FALSE;
}

/* Exactly one of text and data, and something in it. */
static gboolean
check_content (json_t *params, GError **error)
{
  const char *text = gw_param_string (params, "text"), *data = gw_param_string (params, "data");
  gsize size = 0;

  if (data != NULL)
    g_free (g_base64_decode (data, &size));
  if ((text == NULL) == (data == NULL) || (text != NULL && *text == '\0'))
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                         "text: either it or data is required, and must not be empty");
  else if (data != NULL && size == 0 && *data != '\0')
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "data: must be base64");
  else
    return TRUE;
  return FALSE;
}

static void
emit_sent (Gateway *gateway, json_t *params, const char *room, const char *identity)
{
  const char *text = gw_param_string (params, "text");
  json_t *only = json_object_get (params, "destination_identities");

  gw_events_emit (gateway, room, "message_received",
                  json_pack ("{s:s, s:s?, s:s, s:s, s:O*, s:O*, s:O*}", "from",
                             identity != NULL ? identity : "", "identity", identity, "text",
                             text != NULL ? text : "", "content_type",
                             text != NULL ? "text/plain" : "application/octet-stream", "data",
                             json_object_get (params, "data"), "topic", json_object_get (params, "topic"),
                             "destination_identities", json_array_size (only) > 0 ? only : NULL));
}

static json_t *
room_send_message (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const char *name = gw_param_string (params, "room_name"), *text = gw_param_string (params, "text");
  const char *identity = gw_param_string (params, "participant_identity");
  g_auto (GStrv) only = gw_param_list (params, "destination_identities");
  GwRoom *room = gw_rooms_find (gateway, name);
  const GwParticipant *self = find_self (request, room);
  const char *of_token = gw_request_token (request)->identity;
  Delivery *delivery;
  json_t *result;

  if (!may_send (request, room, name, identity, error) || !check_content (params, error))
    return NULL;
  if (room == NULL)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "there is no room \"%s\"", name);
      return NULL;
    }
  if (identity == NULL && self != NULL)
    identity = self->identity;
  else if (identity == NULL && of_token != NULL && of_token[0] != '\0')
    identity = of_token;
  delivery = g_new0 (Delivery, 1);
  delivery->failed = json_array ();
  for (guint i = 0; i < room->participants->len; i++)
    {
      const GwParticipant *participant = g_ptr_array_index (room->participants, i);

      if (g_strcmp0 (participant->identity, identity) != 0
          && (only == NULL || g_strv_contains ((const char *const *)only, participant->identity)))
        deliver (gateway, delivery, participant, text);
    }
  emit_sent (gateway, params, name, identity);
  if (delivery->pending > 0)
    {
      delivery->request = gw_request_ref (request);
      return NULL;
    }
  result = result_of (delivery);
  delivery_free (delivery);
  return result;
}

static const GwParam send_params[] = {
  { "room_name", { "room", "name" }, GW_PARAM_STRING, TRUE, "The room's name." },
  { "text", { NULL }, GW_PARAM_TEXT, FALSE, "What to say.", 0, SIG_SIP_MAX_TEXT },
  { "data",
    { NULL },
    GW_PARAM_TEXT,
    FALSE,
    "Instead of text: bytes as base64. Phones do not get them.",
    0,
    GW_MAX_DATA_BASE64 },
  { "topic", { NULL }, GW_PARAM_STRING, FALSE, "What it is about, for those who listen." },
  { "participant_identity",
    { "identity", "from" },
    GW_PARAM_STRING,
    FALSE,
    "Who says it.",
    .otherwise = "who asks" },
  { "destination_identities",
    { NULL },
    GW_PARAM_LIST,
    FALSE,
    "Only for these: others are not told, but for tokens with roomAdmin.",
    .otherwise = "everybody" },
  { NULL },
};

static const GwField failed_fields[] = {
  { "participant_identity", GW_FIELD_STRING, 0, "Who did not get it." },
  { "reason", GW_FIELD_STRING, 0, "Why." },
  { "sip_status_code", GW_FIELD_INT, 0, "The phone's answer, or the one it would have given." },
  { NULL },
};
static const GwShape failed_shape = { "undelivered", "Somebody who did not get a text.", failed_fields };
static const GwField send_result[] = {
  { "delivered", GW_FIELD_INT, 0, "How many got it." },
  { "failed", GW_FIELD_OBJECT, GW_FIELD_LIST, "Who did not.", &failed_shape },
  { NULL },
};

const GwMethod gw_message_methods[] = {
  { "room.send_message", GW_GRANT_ANY, "room_name", room_send_message, send_params,
    "Sends text to everybody in a room: the event message_received, and SIP MESSAGE to phones that take "
    "it.",
    .result = send_result, .errors = "not_found",
    .example = "{\"room\": \"support\", \"text\": \"Good morning\"}",
    .answer = "{\"delivered\": 2, \"failed\": []}",
    .more
    = "The token needs roomAdmin, or roomJoin and canPublish for its own identity. Phones whose Allow lists\n"
      "MESSAGE get one. Text of a phone that sends it outside of its call has the `identity` of who is in "
      "the\n"
      "room under the same number and calls from the same address, else null." },
  { NULL },
};
