#include "gateway/transfer.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/log.h"
#include "gateway/call_private.h"
#include "gateway/core/sip_status.h"
#include "gateway/core/transfer.h"
#include "gateway/events.h"
#include "gateway/extensions.h"
#include "gateway/gains.h"
#include "gateway/move.h"
#include "gateway/permissions.h"
#include "gateway/plays.h"
#include "gateway/recordings.h"
#include "gateway/rooms.h"
#include "signaling/core/refer.h"

#define DEFAULT_TIMEOUT_S 180
#define MAX_HEADERS       32

void
gw_transfer_clear (GwTransfer *transfer)
{
  g_clear_pointer (&transfer->referrer, g_free);
  g_clear_pointer (&transfer->referrer_identity, g_free);
  g_clear_pointer (&transfer->referee, g_free);
  g_clear_pointer (&transfer->target, g_free);
  g_clear_pointer (&transfer->play, g_free);
}

/* @state: "ongoing", "successful" or "failed"; @status: 0: none yet */
static void
tell (GwCall *call, const char *identity, const char *by, const char *target, const char *state, int status,
      const char *phrase)
{
  const CfgLogContext context = gw_call_log_context (call);
  json_t *fields = json_pack ("{s:s?, s:s, s:s, s:s?, s:s}", "participant_identity", identity, "sip_call_id",
                              call->v.id, "by", by, "transfer_to", target, "state", state);

  if (status > 0)
    {
      json_object_set_new (fields, "sip_status_code", json_integer (status));
      json_object_set_new (fields, "sip_status", json_string (phrase != NULL ? phrase : ""));
    }
  cfg_info ("sip", &context, "Transfer", CFG_STR ("state", state), CFG_STR ("by", by),
            CFG_INT ("status", status), CFG_STR ("phrase", phrase));
  gw_call_note (call, "transfer", json_pack ("{s:s, s:i}", "state", state, "status", status));
  gw_events_emit (call->gateway, call->v.room_name, "transfer_status", fields);
}

/* ---- by a phone: REFER ---- */

static void
refuse (GwCall *call, int status, const char *phrase, const char *reason)
{
  const CfgLogContext context = gw_call_log_context (call);

  cfg_warn ("sip", &context, "Transfer refused", CFG_INT ("status", status), CFG_STR ("reason", reason));
  gw_call_note (call, "transfer", json_pack ("{s:s, s:i}", "state", "refused", "status", status));
  sig_sip_call_answer_refer (call->gateway->sip, call->sip, status, phrase);
}

static const CfgTrunkSettings *
trunk_of (const GwCall *call)
{
  const CfgSettings *settings = call->gateway->settings;

  for (gsize i = 0; call->v.trunk_id != NULL && i < settings->n_trunks; i++)
    if (strcmp (settings->trunks[i].id, call->v.trunk_id) == 0)
      return &settings->trunks[i];
  return NULL;
}

static int
status_of (const GError *error)
{
  if (g_error_matches (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT))
    return 400;
  if (g_error_matches (error, CFG_ERROR, CFG_ERROR_NOT_FOUND))
    return 404;
  if (g_error_matches (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED))
    return 403;
  return 503;
}

/* The target could not be reached, or said no: the phone that asked stays, and hears so. */
static void
fail (GwCall *call, int status, const char *phrase)
{
  if (phrase == NULL || *phrase == '\0')
    phrase = gw_sip_status_words (status);
  sig_sip_call_refer_progress (call->gateway->sip, call->sip, status, phrase);
  tell (call, call->v.identity, "phone", call->transfer.target, "failed", status, phrase);
  g_clear_pointer (&call->transfer.referee, g_free);
}

static json_t *
headers_of (const SigSipReferral *referral)
{
  json_t *headers = json_object ();

  for (gsize i = 0; i < referral->n_headers; i++)
    json_object_set_new (headers, referral->headers[i].name, json_string (referral->headers[i].value));
  if (referral->referred_by != NULL)
    json_object_set_new (headers, "Referred-By", json_string (referral->referred_by));
  return headers;
}

static void
call_target (GwCall *call, const SigSipReferral *referral, GwTransferWay way)
{
  const CfgTrunkSettings *trunk = trunk_of (call);
  gboolean uses_trunk
      = trunk != NULL && (trunk->direction & CFG_TRUNK_OUTBOUND) && way != GW_TRANSFER_EXTENSION;
  json_t *headers = headers_of (referral);
  const GwDialParams params = {
    .call_to = way == GW_TRANSFER_BY_URI ? referral->uri : referral->user,
    .trunk_id = uses_trunk ? trunk->name : NULL,
    .room = call->v.room_name,
    .headers = headers,
    .replaces = referral->replaces,
  };
  g_autoptr (GError) error = NULL;
  GwCall *target = gw_call_place (call->gateway, &params, &error);

  json_decref (headers);
  if (target == NULL)
    {
      const CfgLogContext context = gw_call_log_context (call);

      cfg_warn ("sip", &context, "The target of a transfer cannot be called",
                CFG_STR ("reason", error->message));
      fail (call, status_of (error), NULL);
      return;
    }
  target->transfer.referrer = g_strdup (call->v.id);
  target->transfer.referrer_identity = g_strdup (call->v.identity);
  target->transfer.target = g_strdup (call->transfer.target);
  call->transfer.referee = g_strdup (target->v.id);
}

/* ---- attended: both calls of the phone are ours ---- */

/* How much it would take to move everybody but @except out of @room: browsers may have to join anew. */
static guint
weight (const GwRoom *room, const GwParticipant *except)
{
  guint weight = 0;

  for (guint i = 0; i < room->participants->len; i++)
    {
      const GwParticipant *participant = g_ptr_array_index (room->participants, i);

      if (participant != except)
        weight += participant->call != NULL ? 1 : GW_ROOM_MAX_PARTICIPANTS;
    }
  return weight;
}

static void
move_others (Gateway *gateway, GwRoom *from, const GwParticipant *except, GwRoom *to)
{
  g_autoptr (GPtrArray) identities = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < from->participants->len; i++)
    {
      const GwParticipant *participant = g_ptr_array_index (from->participants, i);

      if (participant != except)
        g_ptr_array_add (identities, g_strdup (participant->identity));
    }
  for (guint i = 0; i < identities->len; i++)
    {
      GwParticipant *participant = gw_room_find (from, g_ptr_array_index (identities, i));
      g_autoptr (GError) error = NULL;

      if (participant == NULL)
        continue;
      (void)gw_move (gateway, participant, to, &error);
      if (error != NULL)
        cfg_warn ("room", &(CfgLogContext){ .room = from->name }, "A participant cannot be moved",
                  CFG_STR ("reason", error->message));
    }
}

static void
join_calls (GwCall *call, const SigSipReferral *referral)
{
  Gateway *gateway = call->gateway;
  GwCall *other = gw_call_by_sip (gateway, referral->replaces_call);
  GwRoom *ours = call->participant->room, *theirs;

  if (other == call || other == NULL || other->participant == NULL || !gw_call_is_live (other->v.state))
    {
      refuse (call, 400, "Bad Replaces", "Replaces names no other call with somebody in a room");
      return;
    }
  theirs = other->participant->room;
  sig_sip_call_answer_refer (gateway->sip, call->sip, 202, NULL);
  tell (call, call->v.identity, "phone", call->transfer.target, "ongoing", 0, NULL);
  if (ours != theirs && weight (ours, call->participant) <= weight (theirs, other->participant))
    move_others (gateway, ours, call->participant, theirs);
  else if (ours != theirs)
    move_others (gateway, theirs, other->participant, ours);
  sig_sip_call_refer_progress (gateway->sip, call->sip, 200, "OK");
  tell (call, call->v.identity, "phone", call->transfer.target, "successful", 200, "OK");
  gw_call_hangup (gateway, other, "transferred");
  gw_call_hangup (gateway, call, "transferred");
}

/* ---- */

static GwTransferWay
choose_way (const GwCall *call, const SigSipReferral *referral, const char **reason)
{
  Gateway *gateway = call->gateway;
  const GwTransferFacts facts = {
    .trunk = trunk_of (call),
    .is_demo_on_loopback = gateway->settings->demo && gateway->loopback_only,
    .user = referral->user,
    .host = referral->host,
    .is_tel = referral->is_tel,
    .is_local = referral->is_local,
    .is_extension = gw_extension_is_registered (gateway, referral->user),
  };

  return gw_transfer_way (&facts, reason);
}

void
gw_transfer_on_refer (gpointer data, SigSipCallId sip, const SigSipReferral *referral)
{
  Gateway *gateway = data;
  GwCall *call = gw_call_by_sip (gateway, sip);
  const char *reason;
  GwTransferWay way;

  if (call == NULL || !gw_call_is_live (call->v.state) || call->participant == NULL)
    {
      sig_sip_call_answer_refer (gateway->sip, sip, 481, NULL);
      return;
    }
  if (call->transfer.referee != NULL || call->transfer.request != NULL)
    {
      refuse (call, 491, NULL, "another transfer of this call is running");
      return;
    }
  g_free (call->transfer.target);
  call->transfer.target = g_strdup (referral->uri);
  if (referral->replaces_call != 0)
    {
      join_calls (call, referral);
      return;
    }
  way = choose_way (call, referral, &reason);
  if (referral->replaces != NULL && referral->is_local)
    refuse (call, referral->replaces_status, NULL,
            "Replaces names no call of this gateway that can be replaced");
  else if (way == GW_TRANSFER_REFUSED)
    refuse (call, 403, NULL, reason);
  else if (gateway->draining)
    refuse (call, 503, NULL, "the gateway is shutting down");
  else
    {
      sig_sip_call_answer_refer (gateway->sip, sip, 202, NULL);
      tell (call, call->v.identity, "phone", call->transfer.target, "ongoing", 0, NULL);
      call_target (call, referral, way);
    }
}

static GwCall *
referrer_of (const GwCall *call)
{
  GwCall *referrer
      = call->transfer.referrer != NULL ? gw_call_find (call->gateway, call->transfer.referrer) : NULL;

  return referrer != NULL && g_strcmp0 (referrer->transfer.referee, call->v.id) == 0 ? referrer : NULL;
}

void
gw_transfer_progress (GwCall *call, int status, const char *phrase)
{
  GwCall *referrer = referrer_of (call);

  if (referrer != NULL)
    sig_sip_call_refer_progress (call->gateway->sip, referrer->sip, status, phrase);
}

void
gw_transfer_answered (GwCall *call)
{
  GwCall *referrer = referrer_of (call);

  if (call->transfer.referrer == NULL)
    return;
  tell (call, call->transfer.referrer_identity, "phone", call->transfer.target, "successful", 200, "OK");
  g_clear_pointer (&call->transfer.referrer, g_free);
  if (referrer == NULL) /* it hung up before, as many phones do */
    return;
  g_clear_pointer (&referrer->transfer.referee, g_free);
  sig_sip_call_refer_progress (call->gateway->sip, referrer->sip, 200, "OK");
  gw_call_hangup (call->gateway, referrer, "transferred");
}

/* ---- by the API: participant.transfer ---- */

static void
finish (GwCall *call)
{
  g_autofree char *play = g_steal_pointer (&call->transfer.play);

  if (play != NULL && call->participant != NULL)
    (void)gw_play_stop (call->gateway, call->v.room_name, call->v.identity, play, NULL);
}

static void
succeed (GwCall *call, int status, const char *phrase)
{
  g_autoptr (GwRequest) request = g_steal_pointer (&call->transfer.request);

  tell (call, call->v.identity, "api", call->transfer.target, "successful", status, phrase);
  finish (call);
  gw_request_reply (request, json_pack ("{s:i, s:s}", "sip_status_code", status, "sip_status", phrase));
}

static void
give_up (GwCall *call, CfgErrorCode code, int status, const char *phrase, const char *text)
{
  g_autoptr (GwRequest) request = g_steal_pointer (&call->transfer.request);
  g_autoptr (GError) error = g_error_new_literal (CFG_ERROR, (int)code, text);

  tell (call, call->v.identity, "api", call->transfer.target, "failed", status, phrase);
  finish (call);
  if (status > 0)
    {
      gw_request_set_error_data (request, "sip_status_code", json_integer (status));
      gw_request_set_error_data (request, "sip_status", json_string (phrase));
    }
  gw_request_fail (request, error);
}

static void
on_failure (GwCall *call, int status, const char *phrase)
{
  gboolean takes_none = !call->transfer.is_accepted && (status == 405 || status == 420 || status == 501);
  g_autofree char *text
      = takes_none ? g_strdup_printf ("the phone takes no transfers (sip status %d: %s)", status, phrase)
                   : g_strdup_printf ("sip status %d: %s (%s)", status, phrase, gw_sip_status_words (status));

  give_up (call, takes_none ? CFG_ERROR_UNIMPLEMENTED : gw_sip_error_code (status), status, phrase, text);
}

void
gw_transfer_on_news (gpointer data, SigSipCallId sip, const SigSipTransferNews *news)
{
  GwCall *call = gw_call_by_sip (data, sip);

  if (call == NULL || call->transfer.request == NULL)
    return;
  switch (news->state)
    {
    case SIG_SIP_TRANSFER_ACCEPTED:
      call->transfer.is_accepted = TRUE;
      gw_call_note (call, "transfer", json_pack ("{s:s, s:i}", "state", "accepted", "status", news->status));
      break;
    case SIG_SIP_TRANSFER_PROGRESS:
      tell (call, call->v.identity, "api", call->transfer.target, "ongoing", news->status, news->phrase);
      break;
    case SIG_SIP_TRANSFER_DONE:
      if (news->status < 300)
        {
          succeed (call, news->status, news->phrase);
          gw_call_hangup (call->gateway, call, "transferred");
        }
      else
        on_failure (call, news->status, news->phrase);
      break;
    default:
      g_assert_not_reached ();
    }
}

static gboolean
take_headers (json_t *object, SigSipHeader *headers, gsize *n, GError **error)
{
  const char *name;
  json_t *value;

  json_object_foreach (object, name, value)
  {
    if (*n == MAX_HEADERS || !json_is_string (value))
      {
        g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "headers: at most %d, each a string: %s",
                     MAX_HEADERS, name);
        return FALSE;
      }
    headers[(*n)++] = (SigSipHeader){ .name = name, .value = json_string_value (value) };
  }
  return TRUE;
}

static void
play_dialtone (GwCall *call)
{
  const GwPlayRequest ringing = { .tone = "ringback", .loop = TRUE };
  const CfgLogContext context = gw_call_log_context (call);
  g_autoptr (GError) error = NULL;
  const char *id
      = gw_play_start (call->gateway, call->participant->room, call->participant, &ringing, &error);

  call->transfer.play = g_strdup (id);
  if (id == NULL)
    cfg_warn ("media", &context, "No dial tone for a transfer", CFG_STR ("reason", error->message));
}

gboolean
gw_transfer_start (Gateway *gateway, GwRequest *request, GwCall *call, const GwTransferParams *params,
                   GError **error)
{
  SigSipHeader headers[MAX_HEADERS];
  SigSipTransfer transfer
      = { .headers = headers, .timeout_s = params->timeout_s > 0 ? params->timeout_s : DEFAULT_TIMEOUT_S };
  g_autofree char *target = NULL, *host = NULL;

  if (call->transfer.request != NULL || call->transfer.referee != NULL)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                           "a transfer of this participant is running already");
      return FALSE;
    }
  host = call->extension != NULL ? gw_extension_address (gateway, call->v.local_address)
                                 : g_strdup (call->v.peer);
  target = sig_transfer_target (params->to, host, error);
  if (target == NULL)
    {
      g_prefix_error_literal (error, "transfer_to: ");
      return FALSE;
    }
  transfer.refer_to = target;
  if (!take_headers (params->headers, headers, &transfer.n_headers, error)
      || !sig_sip_call_transfer (gateway->sip, call->sip, &transfer, error))
    return FALSE;
  g_free (call->transfer.target);
  call->transfer.target = g_steal_pointer (&target);
  call->transfer.request = gw_request_ref (request);
  call->transfer.is_accepted = FALSE;
  tell (call, call->v.identity, "api", call->transfer.target, "ongoing", 0, NULL);
  if (params->play_dialtone)
    play_dialtone (call);
  return TRUE;
}

/* ---- the end of a call ---- */

void
gw_transfer_ended (GwCall *call)
{
  GwCall *referrer = referrer_of (call);
  const gboolean has_status = call->end.status >= 300;
  const int status = has_status ? call->end.status : 487;
  const char *phrase = has_status ? call->end.phrase : "Request Terminated";

  if (referrer != NULL && !call->v.was_answered)
    fail (referrer, status, phrase);
  else if (call->transfer.referrer != NULL && !call->v.was_answered) /* who hung up before */
    tell (call, call->transfer.referrer_identity, "phone", call->transfer.target, "failed", status, phrase);
  g_clear_pointer (&call->transfer.referrer, g_free);
  g_clear_pointer (&call->transfer.referee, g_free);
  if (call->transfer.request == NULL)
    return;
  /* Who hangs up once he was told to call somebody else is calling him. */
  if (call->transfer.is_accepted && call->hangup_reason == NULL && call->end.cause == SIG_SIP_END_REMOTE_BYE)
    succeed (call, 202, "Accepted");
  else
    give_up (call, CFG_ERROR_ABORTED, 0, "", "the call ended before the transfer was through");
}

/* ---- INVITE with Replaces ---- */

/* What was told of the old phone (sip.hold) is not said of the new one. */
static void
take_over_attributes (GwCall *call, const GwCall *old, GwParticipant *participant)
{
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, old->attributes);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (!g_str_has_prefix (key, "sip."))
      gw_call_set_attribute (call, key, value);
    else
      g_hash_table_remove (participant->attributes, key);
}

static void
take_over_transfer (GwCall *call, GwCall *old)
{
  GwCall *referrer = referrer_of (old);

  call->waiting = g_steal_pointer (&old->waiting);
  call->transfer.referrer = g_steal_pointer (&old->transfer.referrer);
  call->transfer.referrer_identity = g_steal_pointer (&old->transfer.referrer_identity);
  if (call->transfer.target == NULL)
    call->transfer.target = g_strdup (old->transfer.target);
  if (referrer == NULL)
    return;
  g_free (referrer->transfer.referee);
  referrer->transfer.referee = g_strdup (call->v.id);
}

gboolean
gw_transfer_take_place (GwCall *call, GwCall *old, GError **error)
{
  Gateway *gateway = call->gateway;
  GwParticipant *participant = old->participant;
  g_autofree char *codecs = gw_sdp_codec_names (call->plan);
  g_autofree char *name = g_strconcat ("Phone ", call->v.from, NULL);
  CfgLogContext context;

  if (participant == NULL || !gw_call_is_live (old->v.state))
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "the call to be replaced is in no room");
      return FALSE;
    }
  gw_rooms_unpublish (gateway, participant);
  old->participant = NULL;
  participant->call = call;
  participant->leg = call->leg;
  gw_gains_follow (gateway, participant);
  gw_recordings_replaced (gateway, participant);
  if (!old->hides_number && g_str_has_prefix (participant->name, "Phone "))
    {
      g_free (participant->name);
      participant->name = g_steal_pointer (&name);
    }
  take_over_attributes (call, old, participant);
  take_over_transfer (call, old);
  gw_route_take_over (call, old);
  gw_call_take_participant (call, participant);
  call->is_successor = TRUE;
  context = gw_call_log_context (call);
  cfg_info ("sip", &context, "Accepting the call", CFG_STR ("codecs", codecs[0] != '\0' ? codecs : NULL),
            CFG_STR ("replaces", old->v.id));
  gw_call_mark_answered (call);
  gw_call_handle (call, GW_CALL_EVENT_INVITE);
  media_engine_leg_set_muted (gateway->media, call->leg, participant->track.muted);
  gw_permissions_follow (gateway, participant);
  if (call->plan != NULL)
    {
      gw_call_start_media (call);
      gw_rooms_publish (gateway, participant, call->v.track);
    }
  gw_call_hangup (gateway, old, "replaced");
  gw_call_answer_waiting (call);
  gw_transfer_answered (call);
  gw_route_answered (call);
  return TRUE;
}
