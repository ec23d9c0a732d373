#include "signaling/sip/internal.h"
#include "signaling/sip/reply.h"

#include <sofia-sip/sip_status.h>

static void
on_bye (SigSipCall *call, sip_t const *message)
{
  g_autofree char *reason = sig_sip_reason_header (message);

  sig_sip_dialog_note (call, message, TRUE);
  sig_sip_call_end (call, SIG_SIP_END_REMOTE_BYE, 0, "", reason);
  sig_sip_call_release (call);
}

static void
on_cancel (SigSipCall *call, sip_t const *message)
{
  /* A 2xx that waits for the stack's next turn did not come in time. */
  if (call->is_outbound || call->is_acked)
    {
      sig_sip_call_forget_reoffer (call); /* the stack answered the re-INVITE with 487 */
      return;
    }
  g_autofree char *reason = sig_sip_reason_header (message);
  sig_sip_call_end (call, SIG_SIP_END_REMOTE_CANCEL, 487, "Request Terminated", reason);
  sig_sip_call_release (call);
}

static void
on_ack (SigSipCall *call, sip_t const *message)
{
  SigSip *sip = call->sip;

  call->is_acked = TRUE;
  sig_sip_peer_is_proven (sip, &call->peer);
  sig_sip_dialog_note (call, message, TRUE);
  if (call->ended)
    {
      if (call->bye_when_acked)
        {
          call->bye_when_acked = FALSE;
          sig_sip_call_bye (call);
        }
      return;
    }
  g_autofree char *sdp = sig_sip_body (message);
  if (sip->ops->acked != NULL)
    sip->ops->acked (sip->owner, call->id, sdp);
}

/* No ACK: the stack sends the BYE itself. No PRACK: it refuses the INVITE with 504 (RFC 3262 3). The handle
 * waits for the end of that. */
static void
on_error (SigSipCall *call, int status)
{
  if (status != 408 && status != 504)
    return;
  if (call->is_answered)
    sig_sip_call_end (call, SIG_SIP_END_TIMEOUT, 408, "No ACK", NULL);
  else
    sig_sip_call_end (call, SIG_SIP_END_TIMEOUT, 504, "No PRACK", NULL);
  call->bye_when_acked = FALSE;
  call->is_acked = TRUE;
  sig_sip_call_wait_for_end (call);
}

static void
on_state (SigSipCall *call, int status, const char *phrase, tagi_t tags[])
{
  int state = nua_callstate_init;

  tl_gets (tags, NUTAG_CALLSTATE_REF (state), TAG_END ());
  sig_sip_on_state (call, state, status, phrase);
}

static void
on_bye_answer (SigSipCall *call, int status)
{
  if ((status == 401 || status == 407) && call->credentials != NULL)
    nua_authenticate (call->nh, NUTAG_AUTH (call->credentials), TAG_END ());
  else if (status >= 200)
    {
      sig_sip_call_end (call, SIG_SIP_END_FAILED, status, "", NULL);
      sig_sip_call_release (call);
    }
}

static void
on_call_event (SigSipCall *call, nua_event_t event, int status, const char *phrase, sip_t const *message,
               tagi_t tags[])
{
  switch ((int)event)
    {
    case nua_i_invite:
      sig_sip_on_reinvite (call, message);
      break;
    case nua_i_update:
      sig_sip_on_update (call, message);
      break;
    case nua_i_prack:
      if (status < 200)
        sig_sip_on_prack (call, message);
      break;
    case nua_i_cancel:
      on_cancel (call, message);
      break;
    case nua_i_ack:
      on_ack (call, message);
      break;
    case nua_i_info:
      sig_sip_on_info (call, message);
      break;
    case nua_i_message:
      sig_sip_on_message (call, message);
      break;
    case nua_i_bye:
      on_bye (call, message);
      break;
    case nua_i_options:
      sig_sip_on_options (call->listener, call->nh, message);
      break;
    case nua_i_register: /* no part of a call (RFC 3261 10.2), and NUA waits for an answer of ours */
      sig_sip_reply_handle (call, &(SigSipReply){ .status = 403 });
      break;
    case nua_i_error:
      on_error (call, status);
      break;
    case nua_i_state:
      on_state (call, status, phrase, tags);
      break;
    case nua_r_invite:
      sig_sip_on_invite_answer (call, status, phrase, message);
      break;
    case nua_r_bye:
      on_bye_answer (call, status);
      break;
    default:
      break;
    }
}

static void
on_request (SigSipListener *listener, nua_handle_t *nh, nua_event_t event, sip_t const *message)
{
  switch ((int)event)
    {
    case nua_i_invite:
      sig_sip_on_invite (listener, nh, message);
      return;
    case nua_i_options:
      sig_sip_on_options (listener, nh, message);
      break;
    case nua_i_register:
      sig_sip_on_register (listener, nh, message);
      break;
    default:
      break;
    }
  nua_handle_destroy (nh);
}

void
sig_sip_on_event (nua_event_t event, int status, char const *phrase, nua_t *nua, SigSipListener *listener,
                  nua_handle_t *nh, NUA_HMAGIC_T *tag, sip_t const *message, tagi_t tags[])
{
  SigSip *sip = listener->sip;

  if (event == nua_r_shutdown)
    {
      if (status >= 200)
        {
          listener->shut_down = TRUE;
          sig_sip_check_shutdown (sip);
        }
      return;
    }
  if (nh == NULL)
    return;

  SigSipCall *call = sig_sip_call_find (sip, tag);
  if (call != NULL)
    on_call_event (call, event, status, phrase, message, tags);
  else if (message != NULL && message->sip_request != NULL)
    on_request (listener, nh, event, message);
}
