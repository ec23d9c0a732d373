#include "gateway/route.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/ids.h"
#include "config/base/log.h"
#include "gateway/call_private.h"
#include "gateway/core/cause.h"
#include "gateway/core/sip_status.h"
#include "gateway/extensions.h"
#include "gateway/rooms.h"

#define MAX_HEADERS 32

void
gw_route_clear (GwRoute *route)
{
  g_clear_pointer (&route->callee, g_free);
  g_clear_pointer (&route->caller, g_free);
}

/* The other half of a pair that still waits for the callee's answer. */
static GwCall *
other_half (const GwCall *call, const char *id)
{
  GwCall *other = id != NULL ? gw_call_find (call->gateway, id) : NULL;

  return other != NULL && gw_call_is_live (other->v.state) ? other : NULL;
}

/* What the caller and we agreed on goes first, so that the audio need not be transcoded. */
static char **
codecs_of (const GwCall *call)
{
  const SigSdpPolicy wanted = gw_call_sdp_policy (call);
  const SigSdpPlanSection *agreed = sig_sdp_plan_audio (call->plan);
  GPtrArray *names = g_ptr_array_new ();

  for (guint i = 0; agreed != NULL && i < agreed->n_codecs; i++)
    if (!g_ptr_array_find_with_equal_func (names, agreed->codecs[i].codec, g_str_equal, NULL))
      g_ptr_array_add (names, g_strdup (agreed->codecs[i].codec));
  for (const char *const *codec = wanted.codecs; *codec != NULL; codec++)
    if (!g_ptr_array_find_with_equal_func (names, *codec, g_str_equal, NULL))
      g_ptr_array_add (names, g_strdup (*codec));
  g_ptr_array_add (names, NULL);
  return (char **)g_ptr_array_free (names, FALSE);
}

/* X-*: what the caller's system tells the callee's. Who the caller is stands in From; what a caller that we
 * do not know by a secret asserts about itself is not passed on. */
static json_t *
headers_of (const SigSipInvite *invite)
{
  json_t *headers = json_object ();

  for (gsize i = 0; i < invite->n_headers && json_object_size (headers) < MAX_HEADERS; i++)
    {
      const SigSipHeader *header = &invite->headers[i];

      if (g_ascii_strncasecmp (header->name, "X-", 2) == 0
          && sig_sip_check_header (header->name, header->value, NULL))
        json_object_set_new (headers, header->name, json_string (header->value));
    }
  return headers;
}

/* The URI that was called, without what only means something to us. */
static char *
target_of (const SigSipInvite *invite, GError **error)
{
  if (invite->request_uri[0] != '\0' && sig_sip_check_uri (invite->request_uri, error))
    return g_strdup (invite->request_uri);
  if (error != NULL && *error == NULL)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                         "the address that is called is no sip: or sips: URI, or too long");
  g_prefix_error_literal (error, "Request-URI: ");
  return NULL;
}

/* @dispatch: (nullable): to an extension of ours */
static GwCall *
call_target (GwCall *call, const SigSipInvite *invite, const GwDispatch *dispatch, const char *target,
             GError **error)
{
  g_auto (GStrv) codecs = codecs_of (call);
  json_t *headers = headers_of (invite);
  const GwDialParams params = {
    .call_to = target,
    .room = call->v.room_name,
    .from_number = call->v.from[0] != '\0' ? call->v.from : "anonymous",
    .from_display = g_hash_table_lookup (call->attributes, "sip.displayName"),
    .from_host = dispatch != NULL ? dispatch->trunk->from_host : NULL,
    .privacy = call->v.is_private ? "id" : NULL,
    .headers = headers,
    .codecs = codecs,
    .is_passed_on = TRUE,
    .ringing_timeout_s = call->ringing_timeout_s,
    .max_forwards = invite->max_forwards - 1, /* 0 was refused with 483 */
    .redirect_hosts = dispatch != NULL ? (const char *const *)dispatch->trunk->allowed_targets : NULL,
  };
  GwCall *callee = gw_call_place (call->gateway, &params, error);

  json_decref (headers);
  return callee;
}

static gboolean
open_room (GwCall *call, GError **error)
{
  GwRoom *room = gw_rooms_ensure (call->gateway, call->v.room_name, error);

  if (room == NULL)
    return FALSE;
  room->is_bridge = TRUE;
  room->empty_timeout_s = room->departure_timeout_s = 0;
  return gw_call_join_as_caller (call, error);
}

static const char *
why_not_called (const GError *failure)
{
  return g_error_matches (failure, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED) ? "limit_reached"
                                                                            : "target_not_reachable";
}

static gboolean
begin (GwCall *call, const SigSipInvite *invite, const GwDispatch *dispatch, const char *target,
       GError **error)
{
  g_autoptr (GError) failure = NULL;
  CfgLogContext context;
  GwCall *callee;

  if (!open_room (call, error))
    return FALSE;
  context = gw_call_log_context (call);
  cfg_info ("sip", &context, "Routing the call", CFG_STR ("host", invite->request_host),
            CFG_STR ("trunk", call->v.trunk_id), CFG_INT ("maxForwards", invite->max_forwards - 1));
  gw_call_note (call, "routed", json_pack ("{s:s}", "host", invite->request_host));
  gw_call_handle (call, GW_CALL_EVENT_ROUTE);
  callee = call_target (call, invite, dispatch, target, &failure);
  if (callee == NULL)
    {
      cfg_warn ("sip", &context, "The target of a routed call cannot be called",
                CFG_STR ("reason", failure->message));
      gw_call_refuse (call, gw_error_sip_status (failure), NULL, why_not_called (failure));
      return TRUE;
    }
  call->route.callee = g_strdup (callee->v.id);
  callee->route.caller = g_strdup (call->v.id);
  return TRUE;
}

gboolean
gw_route_begin (GwCall *call, const SigSipInvite *invite, const GwDispatch *dispatch, GError **error)
{
  g_autofree char *target = target_of (invite, error);

  return target != NULL && begin (call, invite, dispatch, target, error);
}

gboolean
gw_route_to_extension (GwCall *call, const SigSipInvite *invite, GError **error)
{
  g_auto (GwExtensionWay) way = { 0 };

  return gw_extension_way (call->gateway, invite->request_user, &way, error)
         && begin (call, invite, NULL, invite->request_user, error);
}

char *
gw_route_room_name (const char *caller, const char *callee)
{
  g_autofree char *unique = cfg_id_new ("");

  return g_strdup_printf ("call-%.64s-%.64s-%s", caller, callee, unique);
}

void
gw_route_take_over (GwCall *call, GwCall *old)
{
  GwCall *caller = other_half (old, old->route.caller);

  if (caller == NULL)
    return;
  call->route.caller = g_steal_pointer (&old->route.caller);
  g_free (caller->route.callee);
  caller->route.callee = g_strdup (call->v.id);
}

void
gw_route_progress (GwCall *callee, int status, gboolean has_media)
{
  GwCall *caller = other_half (callee, callee->route.caller);
  SigSip *sip = callee->gateway->sip;

  if (caller == NULL)
    return;
  if (has_media)
    {
      sig_sip_call_progress (sip, caller->sip, caller->v.sdp);
      if (caller->plan != NULL)
        gw_call_start_media (caller);
    }
  else
    sig_sip_call_tell (sip, caller->sip, CLAMP (status, 180, 183));
  gw_call_handle (caller, GW_CALL_EVENT_PROGRESS);
}

void
gw_route_answered (GwCall *callee)
{
  GwCall *caller = other_half (callee, callee->route.caller);
  g_autoptr (GError) error = NULL;

  gw_route_clear (&callee->route);
  if (caller == NULL)
    return;
  gw_route_clear (&caller->route);
  if (!gw_call_answer (caller, &error))
    gw_call_refuse (caller, gw_error_sip_status (error), NULL, "bridge_failed");
}

/* Whoever is left alone in a bridge. */
static GwCall *
last_of (const GwCall *call)
{
  const GwRoom *room = call->v.room_name != NULL ? gw_rooms_find (call->gateway, call->v.room_name) : NULL;
  const GwParticipant *participant;

  if (room == NULL || !room->is_bridge || room->participants->len != 1)
    return NULL;
  participant = g_ptr_array_index (room->participants, 0);
  return participant->call;
}

/* An extension whose phones nobody reaches is not there for now. */
static int
status_for_caller (const GwCall *callee)
{
  int status = callee->end.status;

  return callee->extension != NULL && (status == 408 || status == 503) ? 480 : gw_sip_relayed_status (status);
}

/* (nullable), @call's: what was said of its end concerns the other half as well. What stood in a BYE or
 * CANCEL is none for an answer, which has no status of SIP's (RFC 6432). */
static const char *
reason_to_pass_on (const GwCall *call, gboolean in_answer)
{
  if (in_answer)
    return call->end.cause == SIG_SIP_END_REJECTED ? call->end.reason : NULL;
  return call->hangup_reason == NULL || gw_cause_is_failure (call->hangup_reason) ? call->end.reason : NULL;
}

/* (nullable): why both end, which is nothing that @call's side did. Whichever of the two is ended first, both
 * are told the same. */
static const char *
cause_of_both (const GwCall *call)
{
  static const char *const of_both[] = { "server_shutdown", "room_deleted", NULL };

  return call->hangup_reason != NULL && g_strv_contains (of_both, call->hangup_reason) ? call->hangup_reason
                                                                                       : NULL;
}

static void
end_last (const GwCall *call, GwCall *last)
{
  const gboolean is_caller_waiting = last->v.inbound && !last->v.was_answered;
  const int told = status_for_caller (call);

  if (last->end.reason == NULL)
    last->end.reason = g_strdup (reason_to_pass_on (call, is_caller_waiting));
  if (is_caller_waiting)
    gw_call_refuse (last, told, told == call->end.status ? call->end.phrase : NULL, "callee_not_reached");
  else
    gw_call_hangup (call->gateway, last, "other_side_left");
}

void
gw_route_left (GwCall *call)
{
  const char *of_both = cause_of_both (call);
  GwCall *last = last_of (call);

  gw_route_clear (&call->route);
  if (last == NULL || !gw_call_is_live (last->v.state))
    return;
  if (of_both != NULL)
    gw_call_hangup (call->gateway, last, of_both);
  else
    end_last (call, last);
}

void
gw_route_digit (GwCall *call, char digit, GwDigitSource source)
{
  const GwRoom *room = call->participant != NULL ? call->participant->room : NULL;

  for (guint i = 0; room != NULL && room->is_bridge && i < room->participants->len; i++)
    {
      const GwParticipant *other = g_ptr_array_index (room->participants, i);

      if (other->call != NULL && other->call != call)
        gw_call_pass_digit (call, other->call, digit, source);
    }
}
