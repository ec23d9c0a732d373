/* Calls that come in, and what a peer does to an established one. */
#include "gateway/call_private.h"
#include "gateway/call_metrics.h"

#include <string.h>

#include "config/base/address.h"
#include "config/base/error.h"
#include "config/base/ids.h"
#include "config/base/log.h"
#include "gateway/capture.h"
#include "gateway/core/access.h"
#include "gateway/extensions.h"
#include "gateway/overload.h"
#include "gateway/rooms.h"

int
gw_error_sip_status (const GError *error)
{
  if (g_error_matches (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED))
    return 403;
  if (g_error_matches (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED)
      || g_error_matches (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE))
    return 503;
  if (g_error_matches (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION))
    return 488;
  if (g_error_matches (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT))
    return 400;
  return 404;
}

static const char *
caller_number (const GwCall *call)
{
  return call->v.from[0] != '\0' ? call->v.from : "anonymous";
}

gboolean
gw_call_join_as_caller (GwCall *call, GError **error)
{
  GwRoom *room = gw_rooms_ensure_as (call->gateway, call->v.room_name, call->room_options, error);
  g_autofree char *wanted
      = call->hides_number ? cfg_id_new ("sip_") : g_strconcat ("sip_", caller_number (call), NULL);
  g_autofree char *name
      = call->hides_number ? g_strdup ("Phone") : g_strconcat ("Phone ", caller_number (call), NULL);
  g_autofree char *identity = NULL;

  if (room == NULL)
    return FALSE;
  identity = gw_room_unique_identity (room, wanted);
  if (!gw_call_join (call, room, identity, name, error))
    return FALSE;
  if (call->metadata != NULL)
    {
      g_free (call->participant->metadata);
      call->participant->metadata = g_strdup (call->metadata);
    }
  return TRUE;
}

static void
take_facts (GwCall *call, const SigSipInvite *invite, const SigIdentities *identities, GwDispatch *dispatch)
{
  gboolean v6 = strchr (invite->source_address, ':') != NULL;
  /* With a PIN to come the rule may be another one. */
  const CfgDispatchRuleSettings *rule = dispatch->room != NULL ? dispatch->rule : NULL;

  g_free (call->v.sip_call_id);
  call->v.sip_call_id = g_strdup (invite->call_id);
  gw_capture_claim (call->gateway, invite->call_id, invite->transaction, call->v.id);
  call->v.from = g_steal_pointer (&dispatch->caller);
  call->v.is_private = identities->is_private;
  call->v.include_headers
      = dispatch->trunk != NULL ? dispatch->trunk->include_headers : CFG_INCLUDE_X_HEADERS;
  call->v.to = g_strdup (invite->request_user);
  call->v.peer = g_strdup_printf (v6 ? "[%s]:%u" : "%s:%u", invite->source_address, invite->source_port);
  call->v.room_name = g_steal_pointer (&dispatch->room);
  call->v.trunk_id = g_steal_pointer (&dispatch->trunk_id);
  call->v.rule_id = g_steal_pointer (&dispatch->rule_id);
  call->v.trunk_number = g_strdup (invite->request_user);
  gw_call_take_policy (call, dispatch->trunk, rule, CFG_ENCRYPTION_UNSET);
  if (call->v.room_name != NULL)
    {
      gw_call_take_room_codecs (call, gw_rooms_find (call->gateway, call->v.room_name));
      gw_call_take_limits (call, dispatch->trunk, rule);
    }
  gw_call_set_attribute (call, "sip.callIDFull", call->v.sip_call_id);
  gw_call_set_attribute (call, "sip.phoneNumber", caller_number (call));
  gw_call_set_attribute (call, "sip.hostname", invite->from_host);
  gw_call_set_attribute (call, "sip.callTag", invite->from_tag);
  gw_call_take_headers (call, invite->headers, invite->n_headers);
  gw_call_take_identities (call, invite, identities, dispatch->trunk);
  gw_call_take_rule (call, rule);
}

static gboolean
prepare (GwCall *call, const SigSipInvite *invite, GError **error)
{
  if (invite->sdp != NULL && !gw_call_take_offer (call, invite->sdp, error))
    return FALSE;
  if (!gw_call_open_media (call, invite->local_address, error))
    return FALSE;
  if (invite->sdp != NULL)
    gw_call_write_answer (call);
  else
    gw_call_write_offer (call);
  return TRUE;
}

static void
refuse (Gateway *gateway, SigSipCallId sip, const SigSipInvite *invite, int status, const char *reason)
{
  gateway->n_calls_failed++;
  gw_call_metrics_refused (gateway, status);
  cfg_warn ("sip", NULL, "Call refused", CFG_INT ("status", status), CFG_STR ("reason", reason),
            CFG_STR ("fromIP", invite->source_address), CFG_STR ("from", invite->from_user),
            CFG_STR ("to", invite->request_user), CFG_STR ("sipCallID", invite->call_id));
  sig_sip_call_reject (gateway->sip, sip, status, NULL);
}

static GwCall *
begin (Gateway *gateway, SigSipCallId sip, const SigSipInvite *invite, const SigIdentities *identities,
       GwDispatch *dispatch)
{
  GwCall *call = gw_call_new (gateway, TRUE);
  CfgLogContext context;

  call->sip = sip;
  g_hash_table_insert (gateway->calls_by_sip, &call->sip, call);
  take_facts (call, invite, identities, dispatch);
  context = gw_call_log_context (call);
  cfg_info ("sip", &context, "processing invite", CFG_STR ("fromIP", invite->source_address),
            CFG_STR ("from", call->v.from), CFG_STR ("to", invite->request_user),
            CFG_STR ("transport", invite->transport), CFG_STR ("sipCallID", invite->call_id),
            CFG_STR ("userAgent", invite->user_agent));
  gw_call_timer_invited (call, &invite->timer);
  gw_call_note (call, "invite", json_pack ("{s:s, s:b}", "from", call->v.peer, "offer", invite->sdp != NULL));
  return call;
}

gboolean
gw_call_answer (GwCall *call, GError **error)
{
  g_autofree char *codecs = gw_sdp_codec_names (call->plan);
  CfgLogContext context;

  if (call->participant == NULL && !gw_call_join_as_caller (call, error))
    return FALSE;
  gw_call_stop_waiting (call);
  context = gw_call_log_context (call);
  cfg_info ("sip", &context, "Accepting the call", CFG_STR ("codecs", codecs[0] != '\0' ? codecs : NULL));
  gw_call_mark_answered (call);
  gw_call_handle (call, GW_CALL_EVENT_INVITE);
  if (call->plan == NULL)
    return TRUE;
  gw_call_start_media (call);
  gw_rooms_publish (call->gateway, call->participant, call->v.track);
  return TRUE;
}

/* Codecs and keys were agreed on before the rule was known. */
static gboolean
check_rule_encryption (const GwCall *call, const CfgDispatchRuleSettings *rule, GError **error)
{
  const SigSdpPlanSection *audio = sig_sdp_plan_audio (call->plan);

  if (rule == NULL || rule->media_encryption != CFG_ENCRYPTION_REQUIRE || (audio != NULL && audio->encrypted))
    return TRUE;
  g_set_error_literal (
      error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
      "the rule of this PIN wants encryption, the call has none: set media_encryption of the "
      "trunk");
  return FALSE;
}

gboolean
gw_call_admit (GwCall *call, GwDispatch *dispatch, GError **error)
{
  if (!check_rule_encryption (call, dispatch->rule, error)
      || gw_admit_to_room (call->gateway, dispatch->room, error) != 0
      || gw_admit_to_rule (call->gateway, dispatch->rule, error) != 0)
    return FALSE;
  call->v.room_name = g_steal_pointer (&dispatch->room);
  call->v.rule_id = g_steal_pointer (&dispatch->rule_id);
  gw_call_take_rule (call, dispatch->rule);
  gw_call_take_limits (call, dispatch->trunk, dispatch->rule);
  if (!gw_call_join_as_caller (call, error))
    return FALSE;
  call->participant->state = GW_PARTICIPANT_ACTIVE;
  gw_call_end_in (call, call->v.max_duration_s, "max_call_duration");
  gw_call_handle (call, GW_CALL_EVENT_ADMIT);
  gw_call_start_media (call);
  gw_rooms_publish (call->gateway, call->participant, call->v.track);
  return TRUE;
}

static void
answer_access (SigSipAccessAnswer *answer, GwAccess access)
{
  answer->access = access == GW_ACCESS_OPEN       ? SIG_SIP_ACCESS_OPEN
                   : access == GW_ACCESS_PASSWORD ? SIG_SIP_ACCESS_PASSWORD
                                                  : SIG_SIP_ACCESS_REFUSED;
}

void
gw_call_on_access (gpointer data, const SigSipAsker *asker, SigSipAccessAnswer *answer)
{
  Gateway *gateway = data;
  const GwDispatchFacts facts = {
    .called = gw_dispatch_called (gateway->settings, asker->registration, asker->request_user),
    .registration = asker->registration,
    .caller = asker->from_user,
    .source_address = asker->source_address,
    .foreign_host = asker->is_local ? NULL : asker->request_host,
    .foreign_port = asker->request_port,
  };
  gboolean is_invite = strcmp (asker->method, "INVITE") == 0;
  g_autoptr (GError) error = NULL;
  GwAccess access;

  if (strcmp (asker->method, "REGISTER") == 0)
    {
      answer_access (answer, gw_access_register (gateway->settings, asker->username, &answer->password));
      return;
    }
  if (!is_invite && strcmp (asker->method, "MESSAGE") != 0 && strcmp (asker->method, "SUBSCRIBE") != 0)
    return;
  access = gw_access_call (gateway->settings, &facts, asker->username, &answer->password, &error);
  if (access == GW_ACCESS_REFUSED && !is_invite)
    return; /* dispatch says the same of it, and why */
  answer_access (answer, access);
  if (access != GW_ACCESS_REFUSED)
    return;
  answer->status = gw_error_sip_status (error);
  gateway->n_calls_total++;
  gateway->n_calls_failed++;
  gw_call_metrics_refused (gateway, answer->status);
  cfg_warn ("sip", NULL, "Call refused", CFG_INT ("status", answer->status),
            CFG_STR ("reason", error->message), CFG_STR ("fromIP", asker->source_address),
            CFG_STR ("from", asker->from_user), CFG_STR ("to", asker->request_user));
}

/* An extension calls an extension: in demo mode anybody does, while there is no room of that name. Which host
 * names are ours we do not know: only another address is somebody else's. */
static gboolean
is_for_extension (Gateway *gateway, const SigSipInvite *invite, const char *caller)
{
  if (invite->replaces != 0 || (!invite->is_local && cfg_address_is_numeric (invite->request_host))
      || !gw_extension_exists (gateway, invite->request_user)
      || g_strcmp0 (caller, invite->request_user) == 0)
    return FALSE;
  return gateway->settings->demo ? gw_rooms_find (gateway, invite->request_user) == NULL : caller != NULL;
}

static gboolean
choose_room (Gateway *gateway, const GwDispatchFacts *facts, gboolean for_extension, GwDispatch *dispatch,
             GError **error)
{
  if (!for_extension || gateway->settings->demo)
    return gw_dispatch (gateway->settings, facts, dispatch, error);
  dispatch->room = gw_route_room_name (facts->caller, facts->called);
  dispatch->caller = g_strdup (facts->caller);
  return TRUE;
}

/* That nobody is there is not that the gateway is not. */
static int
refusal_of (gboolean for_extension, const GError *error)
{
  return for_extension && g_error_matches (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE)
             ? 480
             : gw_error_sip_status (error);
}

/* Returns: 0, or the status to refuse it with. */
static int
choose (Gateway *gateway, const GwDispatchFacts *facts, gboolean for_extension, gboolean is_replacing,
        GwDispatch *dispatch, GError **error)
{
  /* an extension that takes the place of a call goes to that call's room: no rule has to say so */
  gboolean needs_no_rule
      = for_extension
        || (is_replacing && gw_extension_caller (gateway, facts->username, facts->caller) != NULL);

  if (!choose_room (gateway, facts, needs_no_rule, dispatch, error))
    return gw_error_sip_status (*error);
  /* What takes the place of a call adds none. */
  if (is_replacing)
    return 0;
  return gw_admit (gateway, dispatch->room, dispatch->trunk, dispatch->rule, error);
}

/* The facts keep what they name. */
static void
read_identities (const SigSipInvite *invite, SigIdentities *identities, GwDispatchFacts *facts)
{
  sig_identities_read (invite->headers, invite->n_headers, identities);
  facts->asserted = identities->has_asserted ? identities->asserted.user : NULL;
  facts->is_private = identities->is_private;
}

void
gw_call_on_invite (gpointer data, SigSipCallId sip, const SigSipInvite *received)
{
  Gateway *gateway = data;
  const char *extension = gw_extension_caller (gateway, received->username, received->from_user);
  SigSipInvite invite = *received;
  g_auto (SigIdentities) identities = { 0 };
  GwDispatchFacts facts = {
    .called = gw_dispatch_called (gateway->settings, invite.registration, invite.request_user),
    .registration = invite.registration,
    .caller = extension != NULL ? extension : invite.from_user, /* proved, not only said */
    .source_address = invite.source_address,
    .username = invite.username,
    .foreign_host = invite.is_local ? NULL : invite.request_host,
    .foreign_port = invite.request_port,
  };
  g_auto (GwDispatch) dispatch = { 0 };
  g_autoptr (GError) error = NULL;
  int status;
  GwCall *call, *replaced = invite.replaces != 0 ? gw_call_by_sip (gateway, invite.replaces) : NULL;
  gboolean for_extension = is_for_extension (gateway, &invite, extension);

  gateway->n_calls_total++;
  read_identities (&invite, &identities, &facts);
  invite.from_user = facts.is_private ? "anonymous" : facts.caller;
  invite.request_user = facts.called;
  status = choose (gateway, &facts, for_extension, replaced != NULL, &dispatch, &error);
  if (status != 0)
    {
      refuse (gateway, sip, &invite, status, error->message);
      return;
    }
  if (dispatch.is_routed && invite.came_back)
    {
      refuse (gateway, sip, &invite, 482, "a call that we routed came back to us: the target leads here");
      return;
    }
  call = begin (gateway, sip, &invite, &identities, &dispatch);
  call->extension = g_strdup (extension);
  if (replaced != NULL)
    {
      g_free (call->v.room_name);
      call->v.room_name = g_strdup (replaced->v.room_name);
    }
  if (prepare (call, &invite, &error))
    {
      if (call->v.room_name == NULL)
        {
          gw_call_ask (call, &facts, dispatch.trunk);
          return;
        }
      if (replaced != NULL     ? gw_transfer_take_place (call, replaced, &error)
          : for_extension      ? gw_route_to_extension (call, &invite, &error)
          : dispatch.is_routed ? gw_route_begin (call, &invite, &dispatch, &error)
                               : gw_call_answer_or_wait (call, dispatch.rule, &error))
        return;
    }
  refuse (gateway, sip, &invite, refusal_of (for_extension, error), error->message);
  gw_call_discard (call);
}

static void
bad_answer (GwCall *call, const GError *error)
{
  const CfgLogContext context = gw_call_log_context (call);

  cfg_warn ("sip", &context, "The peer's SDP answer cannot be used, hanging up",
            CFG_STR ("reason", error->message));
  gw_call_hangup (call->gateway, call, "bad_sdp");
}

static const char *
direction_word (const GwCall *call)
{
  static const char *const words[] = { "inactive", "sendonly", "recvonly", "sendrecv" };

  const SigSdpPlanSection *audio = sig_sdp_plan_audio (call->plan);

  return audio != NULL ? words[audio->direction] : "inactive";
}

static void
note_direction (GwCall *call)
{
  const CfgLogContext context = gw_call_log_context (call);

  cfg_info ("sip", &context, "Media renegotiated", CFG_STR ("direction", direction_word (call)));
  gw_call_note (call, "renegotiated", json_pack ("{s:s}", "direction", direction_word (call)));
}

void
gw_call_on_acked (gpointer data, SigSipCallId sip, const char *sdp)
{
  Gateway *gateway = data;
  GwCall *call = gw_call_by_sip (gateway, sip);
  g_autoptr (GError) error = NULL;
  gboolean had_plan;

  if (call == NULL || !gw_call_is_live (call->v.state))
    return;
  gw_call_handle (call, GW_CALL_EVENT_ACK);
  if (!call->awaits_answer)
    return;
  had_plan = call->plan != NULL;
  if (call->plan != NULL && sdp != NULL && gw_call_knows_remote (call, sdp)) /* a refresh that we offered */
    {
      call->awaits_answer = FALSE;
      return;
    }
  if (sdp == NULL)
    g_set_error_literal (&error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                         "the ACK has no SDP although our 200 carried the offer (RFC 3264)");
  if (sdp == NULL || !gw_call_take_answer (call, sdp, &error))
    {
      const CfgLogContext context = gw_call_log_context (call);

      call->awaits_answer = FALSE;
      if (!had_plan)
        bad_answer (call, error);
      else
        cfg_warn ("sip", &context, "The answer to our offer cannot be used, the call goes on as it was",
                  CFG_STR ("reason", error->message));
      return;
    }
  if (had_plan) /* a re-INVITE without an offer */
    {
      note_direction (call);
      gw_hold_note_peer (call);
    }
  if (call->participant != NULL)
    gw_rooms_publish (gateway, call->participant, call->v.track);
  else
    gw_call_ask_begin (call);
}

void
gw_call_on_pracked (gpointer data, SigSipCallId sip, const char *sdp)
{
  Gateway *gateway = data;
  GwCall *call = gw_call_by_sip (gateway, sip);
  g_autoptr (GError) error = NULL;

  if (call == NULL || !gw_call_is_live (call->v.state) || !call->awaits_answer)
    return;
  if (!gw_call_take_answer (call, sdp, &error))
    {
      call->awaits_answer = FALSE;
      bad_answer (call, error);
    }
}

void
gw_call_on_reoffer (gpointer data, SigSipCallId sip, const char *sdp)
{
  Gateway *gateway = data;
  GwCall *call = gw_call_by_sip (gateway, sip);
  g_autoptr (GError) error = NULL;
  CfgLogContext context;
  gboolean known; /* a refresh of the session, nothing else */

  if (call == NULL || !gw_call_is_live (call->v.state))
    {
      sig_sip_call_reject_reoffer (gateway->sip, sip, 481, NULL);
      return;
    }
  if (sdp == NULL)
    {
      sig_sip_call_answer_reoffer (gateway->sip, sip, gw_call_write_reoffer (call));
      return;
    }
  known = call->plan != NULL && gw_call_knows_remote (call, sdp);
  if (!gw_call_take_offer (call, sdp, &error))
    {
      context = gw_call_log_context (call);
      cfg_warn ("sip", &context, "Refused a re-INVITE, the call goes on as it was",
                CFG_STR ("reason", error->message));
      sig_sip_call_reject_reoffer (gateway->sip, sip, gw_error_sip_status (error), NULL);
      return;
    }
  sig_sip_call_answer_reoffer (gateway->sip, sip, gw_call_write_answer (call));
  if (known)
    return;
  gw_call_start_media (call);
  note_direction (call);
  gw_hold_note_peer (call);
}

void
gw_call_on_reanswer (gpointer data, SigSipCallId sip, int status, const char *phrase, const char *sdp)
{
  GwCall *call = gw_call_by_sip (data, sip);
  g_autoptr (GError) error = NULL;
  CfgLogContext context;

  if (call == NULL || !gw_call_is_live (call->v.state))
    return;
  call->awaits_answer = FALSE;
  if (gw_hold_take_answer (call, status, phrase, sdp))
    return;
  if (status < 300 && sdp != NULL && gw_call_take_answer (call, sdp, &error))
    {
      note_direction (call);
      return;
    }
  context = gw_call_log_context (call);
  cfg_warn ("sip", &context, "Our re-INVITE changed nothing", CFG_INT ("status", status),
            CFG_STR ("phrase", error != NULL ? error->message : phrase));
}
