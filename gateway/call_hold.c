/* participant.hold: a re-INVITE with sendonly and back. A held phone hears silence and is heard by nobody;
 * its participant stays. What the peer does of its own accord is shown beside it. participant.set_codecs goes
 * the same way. Before the answer it is an UPDATE. */
#include "gateway/call_private.h"

#include "config/base/error.h"
#include "config/base/ids.h"
#include "config/base/log.h"
#include "gateway/core/sip_status.h"
#include "gateway/rooms.h"

#define MAX_TRIES 5

/* RFC 3261 14.1: who made the Call-ID waits 2.1 to 4 s, the other one up to 2 s. */
#define OWNER_WAIT_MIN_MS 2100
#define OWNER_WAIT_MS     1900
#define OTHER_WAIT_MS     2000

static const char *
hold_word (const GwCall *call)
{
  return call->v.is_held ? (call->v.peer_holds ? "both" : "local") : (call->v.peer_holds ? "remote" : "none");
}

static void
show (GwCall *call)
{
  const CfgLogContext context = gw_call_log_context (call);

  cfg_info ("sip", &context, "Hold", CFG_STR ("by", hold_word (call)));
  gw_call_note (call, "hold", json_pack ("{s:s}", "by", hold_word (call)));
  gw_call_set_attribute (call, "sip.hold", hold_word (call));
  if (call->participant != NULL)
    gw_rooms_changed (call->gateway, call->participant);
}

void
gw_hold_note_peer (GwCall *call)
{
  const SigSdpPlanSection *audio = sig_sdp_plan_audio (call->plan);
  gboolean holds = audio != NULL && !(audio->direction & SIG_SDP_SENDONLY);

  if (call->hold.plan != NULL) /* ours waits to be tried again */
    {
      sig_sdp_plan_free (call->hold.plan);
      call->hold.plan = sig_sdp_plan_copy (call->plan);
    }
  if (holds == call->v.peer_holds)
    return;
  call->v.peer_holds = holds;
  show (call);
}

json_t *
gw_hold_json (const GwCall *call)
{
  return json_pack ("{s:b, s:b}", "local", call->v.is_held, "remote", call->v.peer_holds);
}

/* Into its room, or out of everybody's hearing. */
static void
place_leg (GwCall *call)
{
  if (call->media_attached && call->participant != NULL)
    media_engine_leg_attach (call->gateway->media, call->leg,
                             call->v.is_held ? 0 : call->participant->room->media_room);
}

static void
set_direction (GwCall *call, SigSdpDirection direction)
{
  if (call->plan != NULL && call->plan->first_audio >= 0)
    call->plan->sections[call->plan->first_audio].direction = direction;
}

static void
set_held (GwCall *call, gboolean held)
{
  call->v.is_held = held;
  set_direction (call, held ? SIG_SDP_SENDONLY : SIG_SDP_SENDRECV);
  place_leg (call);
}

static json_t *
codecs_json (const GwCall *call)
{
  g_autofree char *names = gw_sdp_codec_names (call->plan);
  g_auto (GStrv) list = g_strsplit (names, ",", -1);
  json_t *array = json_array ();

  for (char **name = list; *name != NULL; name++)
    json_array_append_new (array, json_string (*name));
  return array;
}

static void
answer (GwCall *call)
{
  g_autoptr (GwRequest) request = g_steal_pointer (&call->hold.request);

  if (request != NULL)
    gw_request_reply (request,
                      json_pack ("{s:o, s:o}", "participant", gw_participant_json (call->participant),
                                 "codecs", codecs_json (call)));
}

static void
forget_before (GwCall *call)
{
  call->hold.is_running = call->hold.is_codecs = FALSE;
  g_clear_pointer (&call->hold.codecs, g_strfreev);
  g_clear_pointer (&call->hold.plan, sig_sdp_plan_free);
  g_clear_pointer (&call->hold.sdp, g_free);
}

/* What a refresh of the session says. */
static void
restore_sdp (GwCall *call)
{
  if (call->hold.sdp == NULL)
    return;
  g_free (call->v.sdp);
  call->v.sdp = g_steal_pointer (&call->hold.sdp);
}

static void
restore (GwCall *call)
{
  if (call->hold.is_codecs)
    {
      g_strfreev (call->v.codecs);
      call->v.codecs = g_steal_pointer (&call->hold.codecs);
      sig_sdp_plan_free (call->plan);
      call->plan = g_steal_pointer (&call->hold.plan);
    }
  else
    {
      call->v.is_held = !call->v.is_held;
      set_direction (call, call->hold.before);
      place_leg (call);
    }
  restore_sdp (call);
  forget_before (call);
}

/* As it was before. */
static void
fail (GwCall *call, CfgErrorCode code, int status, const char *phrase)
{
  g_autoptr (GwRequest) request = g_steal_pointer (&call->hold.request);
  g_autoptr (GError) error = NULL;

  restore (call);
  if (request == NULL)
    return;
  error = status > 0
              ? g_error_new (CFG_ERROR, (int)code, "the phone refused: sip status %d: %s", status, phrase)
              : g_error_new_literal (CFG_ERROR, (int)code, phrase);
  if (status > 0)
    {
      gw_request_set_error_data (request, "sip_status_code", json_integer (status));
      gw_request_set_error_data (request, "sip_status", json_string (phrase));
    }
  gw_request_fail (request, error);
}

static void
show_codecs (GwCall *call)
{
  const CfgLogContext context = gw_call_log_context (call);
  g_autofree char *names = gw_sdp_codec_names (call->plan);

  cfg_info ("sip", &context, "Codecs changed", CFG_STR ("codecs", names));
  gw_call_note (call, "codecs", json_pack ("{s:s}", "codecs", names));
}

static void try_offer (GwCall *call);

static gboolean
on_retry (gpointer data)
{
  GwCall *call = data;

  call->hold.source = 0;
  try_offer (call);
  return G_SOURCE_REMOVE;
}

static void
retry_later (GwCall *call)
{
  guint random = cfg_random_u32 ();
  guint wait_ms = call->v.inbound ? random % OTHER_WAIT_MS : OWNER_WAIT_MIN_MS + random % OWNER_WAIT_MS;

  restore_sdp (call);
  if (++call->hold.n_tries >= MAX_TRIES)
    fail (call, CFG_ERROR_ABORTED, 491, "Request Pending");
  else
    call->hold.source = g_timeout_add (wait_ms, on_retry, call);
}

static void
try_offer (GwCall *call)
{
  if (!call->hold.is_codecs)
    set_held (call, call->v.is_held); /* an offer of the peer may have come between */
  g_free (call->hold.sdp);
  call->hold.sdp = g_strdup (call->v.sdp);
  if (sig_sip_call_reoffer (call->gateway->sip, call->sip, gw_call_write_reoffer (call)))
    return;
  call->awaits_answer = FALSE;
  retry_later (call);
}

gboolean
gw_hold_take_answer (GwCall *call, int status, const char *phrase, const char *sdp)
{
  g_autoptr (GError) error = NULL;

  if (!call->hold.is_running || call->hold.source != 0)
    return FALSE;
  if (status == 491)
    retry_later (call);
  else if (status >= 300)
    fail (call, gw_sip_error_code (status), status, phrase);
  else if (sdp == NULL || !gw_call_take_answer (call, sdp, &error))
    fail (call, CFG_ERROR_INTERNAL, 0, error != NULL ? error->message : "the phone's answer has no SDP");
  else
    {
      if (call->hold.is_codecs)
        show_codecs (call);
      else
        show (call);
      forget_before (call);
      answer (call);
    }
  return TRUE;
}

/* Before the answer the phone must take UPDATE, and have agreed on early media. */
static gboolean
may_offer (const GwCall *call)
{
  if (call->v.state == GW_CALL_ALERTING || call->v.state == GW_CALL_RINGING)
    return sig_sip_call_can_reoffer (call->gateway->sip, call->sip);
  return call->v.state == GW_CALL_ACTIVE || call->v.state == GW_CALL_ANSWERED;
}

static gboolean
may_begin (const GwCall *call, GError **error)
{
  if (call->hold.is_running)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                         "the phone has not answered the change before");
  else if (!may_offer (call) || sig_sdp_plan_audio (call->plan) == NULL)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION, "the call is not active");
  else
    return TRUE;
  return FALSE;
}

gboolean
gw_call_hold (GwCall *call, GwRequest *request, gboolean held, GError **error)
{
  if (!may_begin (call, error))
    return FALSE;
  call->hold.request = gw_request_ref (request);
  if (call->v.is_held == held)
    {
      answer (call);
      return TRUE;
    }
  call->hold.is_running = TRUE;
  call->hold.n_tries = 0;
  call->hold.before = sig_sdp_plan_audio (call->plan)->direction;
  call->v.is_held = held;
  try_offer (call);
  return TRUE;
}

/* An offer that follows one of the peer's can only have what the peer has named. */
static gboolean
plan_codecs (GwCall *call, GError **error)
{
  const SigSdpPolicy wanted = gw_call_sdp_policy (call);
  g_autoptr (GError) why = NULL;
  g_autoptr (SigSdpPlan) plan = NULL;

  if (call->remote == NULL)
    return TRUE;
  if (sig_sdp_plan_answer (call->remote, &wanted, &plan, &why))
    {
      sig_sdp_plan_free (call->plan);
      call->plan = g_steal_pointer (&plan);
      return TRUE;
    }
  g_set_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
               "codecs: the phone has named none of these: %s", why->message);
  return FALSE;
}

gboolean
gw_call_set_codecs (GwCall *call, GwRequest *request, char **codecs, GError **error)
{
  if (!may_begin (call, error))
    return FALSE;
  call->hold.is_running = call->hold.is_codecs = TRUE;
  call->hold.n_tries = 0;
  call->hold.plan = sig_sdp_plan_copy (call->plan);
  call->hold.codecs = call->v.codecs;
  call->v.codecs = g_strdupv (codecs);
  if (!plan_codecs (call, error))
    {
      restore (call);
      return FALSE;
    }
  call->hold.request = gw_request_ref (request);
  try_offer (call);
  return TRUE;
}

void
gw_hold_ended (GwCall *call)
{
  g_autoptr (GwRequest) request = g_steal_pointer (&call->hold.request);

  g_clear_handle_id (&call->hold.source, g_source_remove);
  forget_before (call);
  if (request == NULL)
    return;
  g_autoptr (GError) error = g_error_new_literal (CFG_ERROR, CFG_ERROR_ABORTED, "the call ended");
  gw_request_fail (request, error);
}
