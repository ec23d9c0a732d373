#include "signaling/sip/internal.h"

#include "signaling/sip/address.h"
#include "signaling/sip/early.h"

#include <sofia-sip/tport_tag.h>

#define MAX_ATTEMPTS 3 /* challenges of a proxy, of the server behind it, and a stale nonce */

static gboolean
is_challenge (int status)
{
  return status == 401 || status == 407;
}

/* Our INVITE, or re-INVITE, was challenged and the stack may be waiting for credentials. When they were
 * refused already it ends the request with an answer of its own (9xx), and what the peer said is kept here.
 */
static void
authenticate (SigSipCall *call, int status, const char *phrase)
{
  g_free (call->end_phrase);
  call->end_phrase = sig_sip_text (phrase);
  call->end.status = status;
  nua_authenticate (call->nh, NUTAG_AUTH (call->credentials), TAG_END ());
}

/* Owned by the call. */
static const char *
tls_phrase (SigSipCall *call, const char *phrase)
{
  char *why = sig_sip_tls_why (call);

  if (why == NULL)
    return phrase;
  g_free (call->end_phrase);
  return call->end_phrase = why;
}

static void
on_refused (SigSipCall *call, int status, const char *phrase, sip_t const *message)
{
  g_autofree char *reason = sig_sip_reason_header (message);
  SigSipEndCause cause = SIG_SIP_END_REJECTED;

  if (status >= 700 && call->end.status != 0)
    {
      status = call->end.status;
      phrase = call->end_phrase;
    }
  else if (sig_sip_is_own (nua_current_request (call->listener->nua)))
    {
      cause = status == 408 ? SIG_SIP_END_TIMEOUT : SIG_SIP_END_FAILED;
      phrase = tls_phrase (call, phrase);
    }
  sig_sip_call_end (call, cause, status < 700 ? status : 500, phrase, reason);
  /* the handle goes with the stack's "terminated", or with the owner's patience */
  sig_sip_call_wait_for_end (call);
}

/* A private Contact from a public address, with no proxy between us: nobody gets there but over the source.
 */
static void
acknowledge_first (SigSipCall *call, sip_t const *message)
{
  SigSipPeer source;

  sig_sip_peer_of (nua_current_request (call->listener->nua), &source);
  call->peer = source;
  sig_sip_tls_answered (call, message);
  if (message->sip_record_route == NULL && message->sip_contact != NULL)
    {
      g_autofree char *host = sig_sip_host (message->sip_contact->m_url);
      if (sig_sip_address_is_private (host) && !sig_sip_address_is_private (source.host))
        sig_sip_call_send_to (call, &source);
    }
  if (call->is_first_hop)
    sig_sip_call_send_to (call, NULL);
  sig_sip_call_follow_routes (call);
  nua_ack (call->nh, TAG_END ());
}

void
sig_sip_redial_free (SigSipRedial *redial)
{
  sig_sip_plan_release (redial->plan);
  g_free (redial->uri);
  g_free (redial->to);
  g_free (redial->from);
  g_free (redial->route);
  g_free (redial);
}

/* The stack counts up from the number it is given, and takes no 0: the first INVITE has CSeq 2. */
static void
send_invite (SigSipCall *call, guint32 last_cseq, const SigTimerHeaders *headers)
{
  const SigSipPlan *plan = call->redial->plan;
  g_autofree tagi_t *tags = sig_sip_line_tags (plan->lines);
  SigSipTimerText timer = sig_sip_timer_text (headers);
  unsigned attempts = call->credentials != NULL ? MAX_ATTEMPTS : 0;
  const char *offer = call->redial->has_second ? plan->dial.second_sdp : plan->dial.sdp;
  char cseq[32], max_forwards[16];

  call->redial->headers = *headers;
  g_snprintf (cseq, sizeof cseq, "%u INVITE", last_cseq);
  g_snprintf (max_forwards, sizeof max_forwards, "%u", plan->dial.max_forwards);
  gboolean is_udp_only = call->redial->is_udp_only;
  nua_invite (call->nh, NUTAG_RETRY_COUNT (attempts), TAG_IF (is_udp_only, TPTAG_MTU (SIG_SIP_MAX_MESSAGE)),
              SIPTAG_CONTACT_STR (call->dialog.local_contact), SIPTAG_CSEQ_STR (cseq),
              TAG_IF (plan->dial.has_max_forwards, SIPTAG_MAX_FORWARDS_STR (max_forwards)),
              SIG_SIP_TIMER_TAGS (&timer), SIPTAG_CONTENT_TYPE_STR ("application/sdp"),
              SIPTAG_PAYLOAD_STR (offer), TAG_NEXT (tags));
}

/* The headers that an INVITE after this refusal shall have. FALSE: the refusal stands. */
static gboolean
is_worth_another (SigSipCall *call, int status, sip_t const *message, SigTimerHeaders *headers)
{
  SigTimerEvent event = sig_sip_timer_event (SIG_TIMER_DIAL_REFUSED, message);
  SigTimerStep step = sig_sip_timer_step (call, &event);

  *headers = step.headers;
  if (step.actions & SIG_TIMER_DO_REDIAL)
    return TRUE;
  if ((status != 488 && status != 606) || call->redial->has_second
      || call->redial->plan->dial.second_sdp == NULL)
    return FALSE;
  call->redial->has_second = TRUE;
  *headers = call->redial->headers;
  return TRUE;
}

/* 422, or a peer that cannot bear the headers of the session timer: once more with others; one that does not
 * like our offer: once more with another. In the same dialog as it were: same Call-ID and From tag, next CSeq
 * (RFC 4028 7.3). Returns: FALSE: the refusal stands. */
static gboolean
redial (SigSipCall *call, int status, sip_t const *message)
{
  SigTimerHeaders headers;
  nua_handle_t *old = call->nh;

  if (message == NULL || message->sip_status == NULL || message->sip_status->st_status != status
      || call->ended || call->redial == NULL || message->sip_from->a_tag == NULL
      || !is_worth_another (call, status, message, &headers))
    return FALSE;

  g_autofree char *from = g_strdup_printf ("%s;tag=%s", call->redial->from, message->sip_from->a_tag);
  call->nh = nua_handle (
      call->listener->nua, NULL, NUTAG_URL (call->redial->uri), SIPTAG_TO_STR (call->redial->to),
      SIPTAG_FROM_STR (from), SIPTAG_CALL_ID_STR (message->sip_call_id->i_id),
      TAG_IF (call->redial->route, NUTAG_INITIAL_ROUTE_STR (call->redial->route)), TAG_END ());
  g_assert (call->nh != NULL);
  nua_handle_bind (call->nh, GSIZE_TO_POINTER (call->id));
  nua_handle_bind (old, NULL);
  if (call->source_url != NULL)
    nua_set_hparams (call->nh, NUTAG_PROXY (call->source_url), TAG_END ());
  send_invite (call, message->sip_cseq->cs_seq, &headers);
  nua_handle_destroy (old);
  return TRUE;
}

void
sig_sip_send_first_invite (SigSipCall *call)
{
  SigTimerStep step = sig_sip_timer_step (call, &(SigTimerEvent){ .type = SIG_TIMER_DIAL });

  send_invite (call, 1, &step.headers);
}

static void
tell_answered (SigSipCall *call, sip_t const *message, const char *sdp)
{
  SigSip *sip = call->sip;
  SigTimerEvent event = sig_sip_timer_event (SIG_TIMER_DIAL_ANSWERED, message);
  SigTimerStep step = sig_sip_timer_step (call, &event);

  g_clear_pointer (&call->redial, sig_sip_redial_free);
  sig_sip_fork_won (call);
  if (sip->ops->answer_headers != NULL)
    {
      GArray *headers = sig_sip_headers (message);
      sip->ops->answer_headers (sip->owner, call->id, (const SigSipHeader *)headers->data, headers->len);
      sig_sip_headers_free (headers);
    }
  if (sip->ops->answered != NULL)
    sip->ops->answered (sip->owner, call->id, sdp);
  if (!call->ended)
    sig_sip_timer_tell (call, &step, NULL);
}

static void
on_first_answer (SigSipCall *call, int status, const char *phrase, sip_t const *message)
{
  SigSip *sip = call->sip;

  if (status >= 300)
    {
      if (redial (call, status, message))
        return;
      if (status <= 302 && message != NULL && !call->ended)
        (void)sig_sip_fork_redirected (call, message);
      on_refused (call, status, phrase, message);
      return;
    }
  if (message == NULL) /* the stack's own, before a repetition */
    return;
  sig_sip_fork_heard (call);
  g_autofree char *sdp = sig_sip_body (message);
  sig_sip_dialog_note (call, message, FALSE);
  if (status >= 200)
    {
      acknowledge_first (call, message);
      call->is_answered = call->is_acked = TRUE;
      if (sdp == NULL)
        sdp = g_strdup (sig_sip_early_sdp (call, message->sip_to->a_tag));
      sig_sip_early_confirmed (call);
      if (call->ended) /* our CANCEL came too late (RFC 3261 9.1) */
        {
          sig_sip_call_bye (call);
          return;
        }
      g_clear_pointer (&call->end_phrase, g_free);
      call->end.status = 0;
      sig_sip_call_set_timer (call, 0, NULL);
      tell_answered (call, message, sdp);
    }
  else if (status > 100 && !call->ended && sig_sip_early_progress (call, message, sdp)
           && sip->ops->progress != NULL)
    {
      g_autofree char *text = sig_sip_text (phrase);
      sip->ops->progress (sip->owner, sig_sip_told_id (call), status, text, sdp);
    }
}

static void
on_later_answer (SigSipCall *call, int status)
{
  if (status >= 200 && status < 300)
    nua_ack (call->nh, TAG_END ());
}

/** sig_sip_on_state: what the stack makes of the answers: a challenge that it gave up on is an answer. */
void
sig_sip_on_state (SigSipCall *call, int state, int status, const char *phrase)
{
  gboolean challenged = call->end.status != 0;

  if (state == nua_callstate_terminated && challenged && !call->is_answered)
    sig_sip_call_end (call, SIG_SIP_END_REJECTED, call->end.status, call->end_phrase, NULL);
  else if (state == nua_callstate_terminated)
    sig_sip_call_end (call, SIG_SIP_END_FAILED, status < 700 ? status : 500, phrase, NULL);
  if (state == nua_callstate_terminated)
    sig_sip_call_release (call);
}

void
sig_sip_on_invite_answer (SigSipCall *call, int status, const char *phrase, sip_t const *message)
{
  if (is_challenge (status) && call->credentials != NULL && message != NULL && !call->ended)
    {
      sig_sip_dialog_note (call, message, FALSE);
      authenticate (call, status, phrase);
    }
  else if (call->is_answered)
    on_later_answer (call, status);
  else
    on_first_answer (call, status, phrase, message);
}
