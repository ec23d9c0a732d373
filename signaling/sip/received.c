/* INFO and MESSAGE of the peer, and what comes outside of a call. NUA would make a handle for each of those;
 * here the default leg of the agent, to which everything without a dialog comes, is asked first. */
#include "signaling/sip/requests.h"

#include "signaling/core/event_package.h"
#include "signaling/core/info.h"
#include "signaling/sip/door.h"
#include "signaling/sip/reply.h"

#include <sofia-sip/nta_tag.h>

/* Exported by the library: what it binds to its default leg. */
extern int nua_stack_process_request (nua_handle_t *handle, nta_leg_t *leg, nta_incoming_t *irq,
                                      sip_t const *message);

void
sig_sip_on_info (SigSipCall *call, sip_t const *message)
{
  SigSip *sip = call->sip;
  const sip_payload_t *body = message->sip_payload;
  const sip_content_type_t *type = message->sip_content_type;
  SigInfo info = sig_info_parse (type != NULL ? type->c_type : NULL, body != NULL ? body->pl_data : NULL,
                                 body != NULL ? body->pl_len : 0);
  SigSipReply reply = { .status = 200 };

  sig_sip_dialog_note (call, message, TRUE);
  if (call->ended)
    reply.status = 481;
  else if (sig_sip_header_value (message, "Info-Package") != NULL)
    reply = (SigSipReply){ .status = 469, .phrase = "Bad Info Package", .recv_info = TRUE };
  else if (info.kind == SIG_INFO_UNSUPPORTED || (message->sip_content_encoding != NULL && body != NULL))
    reply = (SigSipReply){ .status = 415, .accept = SIG_INFO_ACCEPT };
  else if (info.kind == SIG_INFO_MALFORMED)
    reply = (SigSipReply){ .status = 400, .phrase = "Bad Key Press" };
  sig_sip_reply_handle (call, &reply);
  if (reply.status == 200 && info.kind == SIG_INFO_DIGIT && sip->ops->digit != NULL)
    sip->ops->digit (sip->owner, call->id, info.digit, info.duration_ms);
}

/* Returns: the answer. */
static int
tell_message (SigSip *sip, SigSipCallId call, const SigSipPeer *peer, const char *username,
              sip_t const *message)
{
  g_autofree char *call_id = sig_sip_text (message->sip_call_id->i_id);
  const SigSipRegistering *registering = call == 0 ? sig_sip_registering_of (sip, peer, message) : NULL;
  g_autofree char *request_user = sig_sip_called_user (registering, message);
  g_autofree char *request_host = sig_sip_host (message->sip_request->rq_url);
  g_autofree char *from_user = sig_sip_user (message->sip_from->a_url);
  g_autofree char *from_host = sig_sip_host (message->sip_from->a_url);
  g_autofree char *from_display = sig_sip_display (message->sip_from->a_display);
  g_autofree char *text = g_strndup (message->sip_payload->pl_data, message->sip_payload->pl_len);
  const SigSipMessage told = {
    .call = call,
    .call_id = call_id,
    .request_user = request_user,
    .request_host = request_host,
    .from_user = from_user,
    .from_host = from_host,
    .from_display = from_display,
    .source_address = peer->host,
    .source_port = peer->port,
    .transport = sig_sip_peer_transport (peer),
    .username = username,
    .registration = sig_sip_registering_name (registering),
    .text = text,
    .content_type = "text/plain",
  };

  return sip->ops->message != NULL ? sip->ops->message (sip->owner, &told) : 405;
}

void
sig_sip_on_message (SigSipCall *call, sip_t const *message)
{
  SigSipReply reply = sig_sip_text_check (message);

  sig_sip_dialog_note (call, message, TRUE);
  if (call->ended)
    reply = (SigSipReply){ .status = 481 };
  if (reply.status == 0)
    reply.status = tell_message (call->sip, call->id, &call->peer, NULL, message);
  sig_sip_reply_handle (call, &reply);
}

SigSipReply
sig_sip_outside_check (SigSip *sip, const SigSipPeer *peer, sip_t const *message)
{
  if (message->sip_to->a_tag != NULL)
    return (SigSipReply){ .status = 481 };
  if (message->sip_max_forwards != NULL && message->sip_max_forwards->mf_count == 0)
    return (SigSipReply){ .status = 483 };
  if (sip->request_budget != NULL
      && !sig_sip_rate_take (sip->request_budget, &peer->source, cfg_monotonic_now ()))
    {
      sip->stats.n_rate_limited++;
      return (SigSipReply){ .status = 503, .retry_after = SIG_SIP_RETRY_AFTER };
    }
  if (!sip->accepting)
    return (SigSipReply){ .status = 503, .retry_after = SIG_SIP_RETRY_AFTER };
  return (SigSipReply){ 0 };
}

static void
on_message_outside (SigSipListener *listener, nta_incoming_t *irq, sip_t const *message)
{
  SigSip *sip = listener->sip;
  msg_t *request = nta_incoming_getrequest (irq);
  g_autofree char *username = NULL;
  SigSipPeer peer;
  SigSipReply reply;

  sig_sip_peer_of (request, &peer);
  msg_destroy (request);
  if (nta_check_required (irq, message, NULL, SIPTAG_USER_AGENT_STR (sip->user_agent),
                          SIPTAG_ALLOW_STR (sip->allow), TAG_END ())
      != 0)
    {
      nta_incoming_destroy (irq);
      return;
    }
  reply = sig_sip_outside_check (sip, &peer, message);
  if (reply.status == 0)
    reply = sig_sip_text_check (message);
  if (reply.status == 0)
    {
      if (!sig_sip_access_transaction (listener, irq, &peer, message, &username))
        return;
      reply.status = tell_message (sip, 0, &peer, username, message);
    }
  sig_sip_reply_transaction (listener, irq, &reply);
}

/* The default leg: @magic is the listener. */
static int
on_outside (nta_leg_magic_t *magic, nta_leg_t *leg, nta_incoming_t *irq, sip_t const *message)
{
  SigSipListener *listener = (gpointer)magic;

  switch ((int)message->sip_request->rq_method)
    {
    case sip_method_message:
      on_message_outside (listener, irq, message);
      return 0;
    case sip_method_subscribe:
      sig_sip_on_subscribe (listener, irq, message);
      return 0;
    case sip_method_info:
    case sip_method_notify: /* of a subscription that we never made */
      sig_sip_reply_transaction (listener, irq, &(SigSipReply){ .status = 481 });
      return 0;
    case sip_method_refer:
    case sip_method_unknown:
      return sig_sip_at_door ((nua_handle_t *)listener->default_handle, irq, message);
    default:
      return nua_stack_process_request ((nua_handle_t *)listener->default_handle, leg, irq, message);
    }
}

/** sig_sip_outside_start: @listener's agent is there. */
void
sig_sip_outside_start (SigSipListener *listener)
{
  nta_leg_t *leg = nta_default_leg (listener->agent);

  g_assert (leg != NULL);
  listener->default_handle = nta_leg_magic (leg, NULL);
  g_assert (listener->default_handle != NULL);
  nta_leg_bind (leg, on_outside, (nta_leg_magic_t *)listener);
}
