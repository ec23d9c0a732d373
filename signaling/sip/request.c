/* Re-INVITE and UPDATE of ours inside an established dialog. They are transactions of the agent on the
 * dialog's own leg, so that their answers decide what we decide, and not what NUA would do on them
 * (docs/decisions/0008-session-timers.md). NUA sees none of it; CSeq and target are the leg's. */
#include "signaling/sip/internal.h"

#include <sofia-sip/auth_client.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/su_alloc.h>
#include <sofia-sip/tport_tag.h>

#include <string.h>

/** sig_sip_request_leg: (nullable): NUA's leg of the established dialog. */
nta_leg_t *
sig_sip_request_leg (const SigSipCall *call)
{
  const SigSipDialogState *dialog = &call->dialog;
  su_home_t home[1] = { SU_HOME_INIT (home) };
  nta_leg_t *leg = NULL;

  if (dialog->call_id == NULL)
    return NULL;
  su_home_init (home);
  const sip_call_id_t *id = sip_call_id_make (home, dialog->call_id);
  if (id != NULL)
    leg = nta_leg_by_dialog (call->listener->agent, NULL, id, dialog->remote_tag, NULL, dialog->local_tag,
                             NULL);
  su_home_deinit (home);
  return leg;
}

static const char *
method_name (const SigSipCall *call)
{
  return sig_timer_method_name (call->request_method);
}

static sip_method_t
method_code (const SigSipCall *call)
{
  return call->request_method == SIG_TIMER_UPDATE ? sip_method_update : sip_method_invite;
}

/** sig_sip_request_cseq: the first request of ours in a dialog that we did not begin has CSeq 2, what follows
 * counts up. */
guint32
sig_sip_request_cseq (const SigSipCall *call, nta_leg_t *leg)
{
  return MAX (MAX (call->dialog.local_cseq, nta_leg_get_seq (leg)), 1) + 1;
}

static msg_t *
make_message (SigSipCall *call, nta_leg_t *leg, const char *sdp, auth_client_t **auth)
{
  SigSip *endpoint = call->sip;
  msg_t *message = nta_msg_create (call->listener->agent, 0);
  sip_t *sip = sip_object (message);
  SigSipTimerText timer = sig_sip_timer_text (&call->request_headers);
  char cseq[32];

  g_snprintf (cseq, sizeof cseq, "%u %s", call->request_cseq, method_name (call));
  if (sip_add_tl (message, sip, SIPTAG_CSEQ_STR (cseq), SIPTAG_CONTACT_STR (call->dialog.local_contact),
                  SIPTAG_USER_AGENT_STR (endpoint->user_agent), SIPTAG_ALLOW_STR (endpoint->allow),
                  SIG_SIP_TIMER_TAGS (&timer), TAG_IF (sdp, SIPTAG_CONTENT_TYPE_STR ("application/sdp")),
                  TAG_IF (sdp, SIPTAG_PAYLOAD_STR (sdp)), TAG_END ())
          >= 0
      && nta_msg_request_complete (message, leg, method_code (call), method_name (call), NULL) >= 0
      && (auth == NULL || *auth == NULL
          || auc_authorization (auth, message, (msg_pub_t *)sip, method_name (call), sip->sip_request->rq_url,
                                sip->sip_payload)
                 > 0))
    return message;
  msg_destroy (message);
  return NULL;
}

static int on_answer (SigSipCall *call, nta_outgoing_t *request, sip_t const *answer);

static gboolean
send_request (SigSipCall *call, const char *sdp, auth_client_t **auth)
{
  nta_leg_t *leg = sig_sip_request_leg (call);
  sig_sip_check_connection (call);
  const char *proxy = call->source_url;
  msg_t *message;

  if (leg == NULL)
    return FALSE;
  call->request_cseq = sig_sip_request_cseq (call, leg);
  call->dialog.local_cseq = call->request_cseq;
  message = make_message (call, leg, sdp, auth);
  if (message == NULL)
    return FALSE;
  call->request = nta_outgoing_mcreate (
      call->listener->agent, on_answer, call, NULL, message, TAG_IF (proxy, NTATAG_DEFAULT_PROXY (proxy)),
      TAG_IF (!call->peer.is_tcp, TPTAG_MTU (SIG_SIP_MAX_MESSAGE)), TAG_END ());
  if (call->request == NULL)
    msg_destroy (message);
  return call->request != NULL;
}

static void
send_ack (SigSipCall *call, nta_outgoing_t *request)
{
  nta_leg_t *leg = sig_sip_request_leg (call);
  msg_t *sent = nta_outgoing_getrequest (request), *message;
  const sip_t *invite = sip_object (sent);
  const char *proxy = call->source_url;
  char cseq[32];

  g_snprintf (cseq, sizeof cseq, "%u ACK", call->request_cseq);
  if (leg != NULL)
    {
      message = nta_msg_create (call->listener->agent, 0);
      nta_outgoing_t *ack = NULL;
      if (sip_add_tl (message, sip_object (message), SIPTAG_CSEQ_STR (cseq),
                      TAG_IF (invite->sip_authorization, SIPTAG_AUTHORIZATION (invite->sip_authorization)),
                      TAG_IF (invite->sip_proxy_authorization,
                              SIPTAG_PROXY_AUTHORIZATION (invite->sip_proxy_authorization)),
                      TAG_END ())
              >= 0
          && nta_msg_request_complete (message, leg, SIP_METHOD_ACK, NULL) >= 0)
        ack = nta_outgoing_mcreate (call->listener->agent, NULL, NULL, NULL, message,
                                    NTATAG_ACK_BRANCH (nta_outgoing_branch (request)),
                                    TAG_IF (proxy, NTATAG_DEFAULT_PROXY (proxy)), TAG_END ());
      if (ack != NULL)
        nta_outgoing_destroy (ack); /* the agent repeats it for repeated answers */
      else
        msg_destroy (message);
    }
  msg_destroy (sent);
}

/* Once per request: a second challenge means that the credentials are wrong. */
static gboolean
answer_challenge (SigSipCall *call, nta_outgoing_t *request, sip_t const *answer)
{
  su_home_t home[1] = { SU_HOME_INIT (home) };
  auth_client_t *auth = NULL;
  msg_t *sent;
  gboolean again = FALSE;

  if (call->credentials == NULL || call->request_was_challenged)
    return FALSE;
  call->request_was_challenged = TRUE;
  su_home_init (home);
  auc_challenge (&auth, home, answer->sip_www_authenticate, sip_authorization_class);
  auc_challenge (&auth, home, answer->sip_proxy_authenticate, sip_proxy_authorization_class);
  if (auth != NULL && auc_credentials (&auth, home, call->credentials) > 0)
    {
      sent = nta_outgoing_getrequest (request);
      g_autofree char *sdp = sig_sip_body (sip_object (sent));
      msg_destroy (sent);
      call->request = NULL;
      nta_outgoing_destroy (request);
      again = send_request (call, sdp, &auth);
      if (!again) /* gone for good: as if nobody had answered */
        sig_sip_request_result (call, NULL);
      again = TRUE;
    }
  su_home_deinit (home);
  return again;
}

static void
note_target (SigSipCall *call, sip_t const *answer)
{
  nta_leg_t *leg = sig_sip_request_leg (call);

  sig_sip_dialog_note (call, answer, FALSE);
  if (leg != NULL && answer->sip_contact != NULL)
    nta_leg_client_reroute (leg, NULL, answer->sip_contact, 0);
}

/* @answer: NULL when nobody answered, or the transport failed. */
static int
on_answer (SigSipCall *call, nta_outgoing_t *request, sip_t const *answer)
{
  int status;

  /* A refresh that nobody answers, by the stack's own timer, is tried once more; an offer of ours ends the
   * dialog then (RFC 3261 12.2.1.2). */
  if (answer != NULL && !call->own_reoffer && nta_sip_is_internal (answer))
    answer = NULL;
  status = answer != NULL ? answer->sip_status->st_status : 0;
  if (request != call->request || (answer != NULL && status < 200))
    return 0;
  if ((status == 401 || status == 407) && answer_challenge (call, request, answer))
    return 0;
  if (status >= 200 && status < 300)
    {
      note_target (call, answer);
      if (call->request_method == SIG_TIMER_INVITE)
        send_ack (call, request);
    }
  /* the answer lives as long as its transaction */
  call->request = NULL;
  sig_sip_request_result (call, answer);
  nta_outgoing_destroy (request);
  return 0;
}

static void
tell_reanswer (SigSipCall *call, sip_t const *answer, const char *sdp)
{
  SigSip *sip = call->sip;
  g_autofree char *phrase = sig_sip_text (answer != NULL ? answer->sip_status->st_phrase : "No Answer");

  if (sip->ops->reanswer != NULL)
    sip->ops->reanswer (sip->owner, call->id, answer != NULL ? answer->sip_status->st_status : 408, phrase,
                        sdp);
}

/** sig_sip_request_result: @answer: (nullable): NULL: none, or the request could not be sent. */
void
sig_sip_request_result (SigSipCall *call, sip_t const *answer)
{
  SigTimerEvent event = { .type = SIG_TIMER_RESULT };
  g_autofree char *sdp = sig_sip_body (answer);
  gboolean was_offer = call->own_reoffer;
  SigTimerStep step;

  if (call->ended)
    return;
  if (!call->is_answered) /* an UPDATE; there is no session timer yet */
    {
      call->own_reoffer = FALSE;
      tell_reanswer (call, answer, sdp);
      sig_sip_call_go_on (call);
      return;
    }
  if (answer != NULL)
    event = sig_sip_timer_event (SIG_TIMER_RESULT, answer);
  event.random = g_random_int ();
  call->own_reoffer = FALSE;
  step = sig_sip_timer_step (call, &event);
  sig_sip_timer_tell (call, &step, was_offer ? NULL : sdp);
  if (was_offer && !call->ended)
    tell_reanswer (call, answer, sdp);
  if (step.actions & SIG_TIMER_DO_BYE)
    sig_sip_timer_bye (call, &step);
  if (step.actions & SIG_TIMER_DO_SEND && !call->ended && call->request == NULL)
    sig_sip_request_refresh (call, &step);
}

/** sig_sip_request_offer: sends what the owner wants. FALSE when another request is in the way. */
gboolean
sig_sip_request_offer (SigSipCall *call, const char *sdp)
{
  SigTimerStep step = sig_sip_timer_step (call, &(SigTimerEvent){ .type = SIG_TIMER_OFFER });

  if (!(step.actions & SIG_TIMER_DO_WRITE))
    return FALSE;
  call->request_method = SIG_TIMER_INVITE;
  call->request_headers = step.headers;
  call->request_was_challenged = FALSE;
  call->own_reoffer = send_request (call, sdp, NULL);
  if (!call->own_reoffer)
    (void)sig_sip_timer_step (call, &(SigTimerEvent){ .type = SIG_TIMER_RESULT });
  return call->own_reoffer;
}

/** sig_sip_request_can_update: a caller that is not answered may be made another offer: the first one and its
 * answer are through, reliably (RFC 3311 5.1). */
gboolean
sig_sip_request_can_update (const SigSipCall *call)
{
  return call->allows_update && call->sent_early && !call->awaits_pracked
         && call->n_pracked >= call->n_reliable && !call->answer_is_held;
}

/** sig_sip_request_update: an offer to a caller that is not answered. FALSE when another is in the way. */
gboolean
sig_sip_request_update (SigSipCall *call, const char *sdp)
{
  if (!sig_sip_request_can_update (call) || call->request != NULL || call->reoffer != SIG_SIP_REOFFER_NONE)
    return FALSE;
  call->request_method = SIG_TIMER_UPDATE;
  call->request_headers = (SigTimerHeaders){ 0 };
  call->request_was_challenged = FALSE;
  call->own_reoffer = send_request (call, sdp, NULL);
  return call->own_reoffer;
}

/** sig_sip_request_refresh: DO_SEND: an UPDATE without, or a re-INVITE with the description that runs. */
void
sig_sip_request_refresh (SigSipCall *call, const SigTimerStep *step)
{
  SigSip *sip = call->sip;
  const char *sdp = NULL;
  SigTimerStep told = *step;

  if (step->method == SIG_TIMER_INVITE && sip->ops->refresh_sdp != NULL)
    sdp = sip->ops->refresh_sdp (sip->owner, call->id);
  call->request_method = step->method;
  call->request_headers = step->headers;
  call->request_was_challenged = FALSE;
  if (send_request (call, sdp, NULL))
    {
      told.news &= SIG_TIMER_NEWS_REFRESHING | SIG_TIMER_NEWS_RESCUING;
      sig_sip_timer_tell (call, &told, NULL);
    }
  else
    sig_sip_request_result (call, NULL);
}

/** sig_sip_request_abandon: nobody waits for its answer any more. */
void
sig_sip_request_abandon (SigSipCall *call)
{
  nta_outgoing_t *request = g_steal_pointer (&call->request);

  if (request != NULL)
    nta_outgoing_destroy (request);
}
