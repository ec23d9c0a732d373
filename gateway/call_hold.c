/* participant.hold: a re-INVITE with sendonly and back. A held phone hears silence and is heard by nobody;
 * its participant stays. What the peer does of its own accord is shown beside it. */
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
  gboolean holds = call->has_plan && call->plan.first_audio >= 0
                   && !(call->plan.sections[call->plan.first_audio].direction & SIG_SDP_SENDONLY);

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
set_held (GwCall *call, gboolean held)
{
  call->v.is_held = held;
  if (call->plan.first_audio >= 0)
    call->plan.sections[call->plan.first_audio].direction = held ? SIG_SDP_SENDONLY : SIG_SDP_SENDRECV;
  place_leg (call);
}

static void
answer (GwCall *call)
{
  g_autoptr (GwRequest) request = g_steal_pointer (&call->hold.request);

  if (request != NULL)
    gw_request_reply (request, json_pack ("{s:o}", "participant", gw_participant_json (call->participant)));
}

/* As it was before. */
static void
fail (GwCall *call, CfgErrorCode code, int status, const char *phrase)
{
  g_autoptr (GwRequest) request = g_steal_pointer (&call->hold.request);
  g_autoptr (GError) error = NULL;

  call->hold.is_running = FALSE;
  call->v.is_held = !call->v.is_held;
  if (call->plan.first_audio >= 0)
    call->plan.sections[call->plan.first_audio].direction = call->hold.before;
  place_leg (call);
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

  if (++call->hold.n_tries >= MAX_TRIES)
    fail (call, CFG_ERROR_ABORTED, 491, "Request Pending");
  else
    call->hold.source = g_timeout_add (wait_ms, on_retry, call);
}

static void
try_offer (GwCall *call)
{
  set_held (call, call->v.is_held); /* an offer of the peer may have come between */
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
      call->hold.is_running = FALSE;
      show (call);
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

gboolean
gw_call_hold (GwCall *call, GwRequest *request, gboolean held, GError **error)
{
  if (call->hold.is_running)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                           "the phone has not answered the change before");
      return FALSE;
    }
  if (!may_offer (call) || !call->has_plan || call->plan.first_audio < 0)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION, "the call is not active");
      return FALSE;
    }
  call->hold.request = gw_request_ref (request);
  if (call->v.is_held == held)
    {
      answer (call);
      return TRUE;
    }
  call->hold.is_running = TRUE;
  call->hold.n_tries = 0;
  call->hold.before = call->plan.sections[call->plan.first_audio].direction;
  call->v.is_held = held;
  try_offer (call);
  return TRUE;
}

void
gw_hold_ended (GwCall *call)
{
  g_autoptr (GwRequest) request = g_steal_pointer (&call->hold.request);

  g_clear_handle_id (&call->hold.source, g_source_remove);
  call->hold.is_running = FALSE;
  if (request == NULL)
    return;
  g_autoptr (GError) error = g_error_new_literal (CFG_ERROR, CFG_ERROR_ABORTED, "the call ended");
  gw_request_fail (request, error);
}
