#include "signaling/sip/internal.h"

#include "signaling/core/event_package.h"
#include "signaling/core/info.h"
#include "signaling/sip/address.h"
#include "signaling/sip/reply.h"

#include <sofia-sip/sip_status.h>
#include <sofia-sip/su_string.h>

#include <string.h>

/* What a request gets before anybody is asked. */
typedef struct
{
  int status; /* 0: nothing is wrong */
  const char *phrase;
  const char *retry_after;
  const char *accept;
  SigTimerHeaders timer;
} Refusal;

/* RFC 3261 21.4.7: what we answer with is a session description. Without Accept that is fine (20.1). */
static gboolean
accepts_sdp (sip_t const *message)
{
  for (const sip_accept_t *accept = message->sip_accept; accept != NULL; accept = accept->ac_next)
    if (accept->ac_type == NULL || su_casematch (accept->ac_type, "application/sdp")
        || su_casematch (accept->ac_type, "application/*") || su_casematch (accept->ac_type, "*/*"))
      return TRUE;
  return message->sip_accept == NULL;
}

static Refusal
check_invite (SigSip *sip, const SigSipPeer *peer, sip_t const *message)
{
  Refusal refusal = { 0 };

  if (message->sip_max_forwards != NULL && message->sip_max_forwards->mf_count == 0)
    refusal.status = 483;
  else if (sip->invite_rate != NULL
           && !sig_sip_rate_take (sip->invite_rate, &peer->source, cfg_monotonic_now ()))
    {
      sip->stats.n_rate_limited++;
      refusal.status = 503;
      refusal.retry_after = SIG_SIP_RETRY_AFTER;
    }
  else if (!sip->accepting)
    {
      refusal.status = 503;
      refusal.retry_after = SIG_SIP_RETRY_AFTER;
    }
  else
    {
      refusal.status = sig_sip_body_check (message, &refusal.phrase);
      refusal.accept = refusal.status == 415 ? "application/sdp" : NULL;
      if (refusal.status == 400)
        sip->stats.n_malformed++;
      if (refusal.status == 0 && !accepts_sdp (message))
        refusal.status = 406;
    }
  return refusal;
}

static void
send_refusal (nua_handle_t *nh, const Refusal *refusal)
{
  SigSipTimerText timer = sig_sip_timer_text (&refusal->timer);

  nua_respond (nh, refusal->status, sig_sip_phrase (refusal->status, refusal->phrase),
               SIG_SIP_TIMER_TAGS (&timer),
               TAG_IF (refusal->retry_after, SIPTAG_RETRY_AFTER_STR (refusal->retry_after)),
               TAG_IF (refusal->accept, SIPTAG_ACCEPT_STR (refusal->accept)),
               TAG_IF (refusal->accept, SIPTAG_ACCEPT_ENCODING_STR ("identity")), TAG_END ());
}

/* The sender writes an address of its own into Via and Contact, with no proxy between us, and its packet
 * comes from another: it sits behind NAT. */
gboolean
sig_sip_is_behind_nat (const SigSipPeer *peer, sip_t const *message)
{
  const sip_via_t *via = message->sip_via;
  const sip_contact_t *contact = message->sip_contact;

  if (message->sip_record_route != NULL || via == NULL || via->v_next != NULL || contact == NULL)
    return FALSE;

  g_autofree char *host = sig_sip_host (contact->m_url);
  gboolean is_own = via->v_host != NULL && contact->m_url->url_host != NULL
                    && g_ascii_strcasecmp (via->v_host, contact->m_url->url_host) == 0;
  if (!is_own || !sig_sip_address_is_numeric (host))
    return FALSE;
  if (strcmp (host, peer->host) != 0)
    return TRUE;
  if (peer->is_tcp || via->v_rport == NULL)
    return FALSE;

  const char *port = contact->m_url->url_port != NULL ? contact->m_url->url_port : "5060";
  const char *via_port = via->v_port != NULL ? via->v_port : "5060";
  return strcmp (port, via_port) == 0 && g_ascii_strtoull (port, NULL, 10) != peer->port;
}

static gboolean
has_feature (sip_t const *message, const char *feature)
{
  return sip_has_feature (message->sip_supported, feature) || sip_has_feature (message->sip_require, feature);
}

/* RFC 3891 3. FALSE: @refusal says why. */
static gboolean
find_replaced (SigSip *sip, sip_t const *message, SigSipCallId *replaced, Refusal *refusal)
{
  su_home_t home[1] = { SU_HOME_INIT (home) };
  g_auto (SigReplaces) replaces = { 0 };
  gboolean is_well_formed;

  *replaced = 0;
  if (message->sip_replaces == NULL)
    return TRUE;
  su_home_init (home);
  is_well_formed = sig_replaces_parse (
      sip_header_as_string (home, (const sip_header_t *)message->sip_replaces), &replaces, NULL);
  su_home_deinit (home);
  refusal->status = is_well_formed ? sig_sip_replaces_find (sip, &replaces, replaced) : 400;
  refusal->phrase = is_well_formed ? NULL : "Bad Replaces";
  return refusal->status == 0;
}

static void
announce (SigSipCall *call, sip_t const *message, const SigTimerHeaders *timer, const char *username,
          SigSipCallId replaced)
{
  SigSip *sip = call->sip;
  g_autofree char *call_id = sig_sip_text (message->sip_call_id->i_id);
  const SigSipRegistering *registering = sig_sip_registering_of (sip, &call->peer, message);
  g_autofree char *request_user = sig_sip_called_user (registering, message);
  g_autofree char *request_host = sig_sip_host (message->sip_request->rq_url);
  g_autofree char *request_uri = sig_sip_request_uri (message);
  g_autofree char *from_user = sig_sip_user (message->sip_from->a_url);
  g_autofree char *from_host = sig_sip_host (message->sip_from->a_url);
  g_autofree char *from_tag = sig_sip_text (message->sip_from->a_tag);
  g_autofree char *from_display = sig_sip_display (message->sip_from->a_display);
  g_autofree char *to_user = sig_sip_user (message->sip_to->a_url);
  g_autofree char *to_host = sig_sip_host (message->sip_to->a_url);
  g_autofree char *agent
      = message->sip_user_agent != NULL ? sig_sip_text (message->sip_user_agent->g_string) : NULL;
  g_autofree char *sdp = sig_sip_body (message);
  GArray *headers = sig_sip_headers (message);
  g_autoptr (GString) transaction = g_string_new (NULL);
  SigSipInvite invite = {
    .call_id = call_id,
    .request_user = request_user,
    .request_host = request_host,
    .request_port = sig_sip_request_port (message),
    .request_uri = request_uri,
    .is_local = sig_sip_is_local_target (sip, message),
    .max_forwards = sig_sip_max_forwards (message),
    .came_back = sig_sip_came_back (sip, message),
    .from_user = from_user,
    .from_host = from_host,
    .from_tag = from_tag,
    .from_display = from_display,
    .to_user = to_user,
    .to_host = to_host,
    .source_address = call->peer.host,
    .source_port = call->peer.port,
    .transport = sig_sip_peer_transport (&call->peer),
    .local_address = call->listener->address,
    .registration = sig_sip_registering_name (registering),
    .username = username,
    .user_agent = agent,
    .sdp = sdp,
    .supports_timer = has_feature (message, "timer"),
    .timer = *timer,
    .headers = (const SigSipHeader *)headers->data,
    .n_headers = headers->len,
    .replaces = replaced,
  };

  sig_sip_transaction_text (message, transaction);
  invite.transaction = transaction->str;
  if (sip->ops->invite != NULL)
    sip->ops->invite (sip->owner, call->id, &invite);
  sig_sip_headers_free (headers);
}

void
sig_sip_on_invite (SigSipListener *listener, nua_handle_t *nh, sip_t const *message)
{
  SigSip *sip = listener->sip;
  g_autofree char *username = NULL;
  SigSipCallId replaced;
  SigSipPeer peer;

  sip->stats.n_invites++;
  sig_sip_peer_of (nua_current_request (listener->nua), &peer);
  SigTimerEvent event = sig_sip_timer_event (SIG_TIMER_INVITED, message);
  SigSessionTimer timer = { 0 };
  Refusal refusal = check_invite (sip, &peer, message);
  SigTimerStep step = sig_session_timer_step (&timer, &sip->session_timer, &event, cfg_monotonic_now ());
  if (refusal.status == 0 && step.actions & SIG_TIMER_DO_REFUSE)
    {
      refusal.status = step.status;
      refusal.timer = step.headers;
    }
  if (refusal.status != 0)
    {
      sip->stats.n_refused++;
      send_refusal (nh, &refusal);
      nua_handle_destroy (nh);
      return;
    }
  if (!sig_sip_access (listener, nh, message, &username))
    {
      nua_handle_destroy (nh);
      return;
    }
  if (!find_replaced (sip, message, &replaced, &refusal))
    {
      sip->stats.n_refused++;
      send_refusal (nh, &refusal);
      nua_handle_destroy (nh);
      return;
    }

  SigSipCall *call = sig_sip_call_new (listener, nh, FALSE);
  call->session_timer = timer;
  call->peer = peer;
  call->requires_100rel = sip_has_feature (message->sip_require, "100rel");
  call->supports_100rel = has_feature (message, "100rel");
  call->has_offer = message->sip_payload != NULL && message->sip_payload->pl_len > 0;
  sig_sip_dialog_note (call, message, TRUE);
  sig_sip_dialog_note_own_tag (call);
  call->knows_info_packages = sig_sip_header_value (message, "Recv-Info") != NULL;
  sig_sip_tls_invited (call, message);
  g_autofree char *user = sig_sip_user (message->sip_request->rq_url);
  sig_sip_dialog_note_contact (call, user);
  sig_sip_call_follow_routes (call);
  if (sig_sip_is_behind_nat (&peer, message))
    sig_sip_call_send_to (call, &peer);
  if (message->sip_expires != NULL)
    sig_sip_call_expire (call, message->sip_expires->ex_delta);
  announce (call, message, &step.headers, username, replaced);
}

/* A request of the peer as the session timer sees it. FALSE: it is to be refused. */
static gboolean
ask_timer (SigSipCall *call, sip_t const *message, Refusal *refusal)
{
  SigTimerEvent event = sig_sip_timer_event (SIG_TIMER_REQUEST, message);
  SigTimerStep step = sig_sip_timer_step (call, &event);

  sig_sip_timer_tell (call, &step, NULL);
  if (!(step.actions & SIG_TIMER_DO_REFUSE))
    return TRUE;
  refusal->status = step.status;
  refusal->timer = step.headers;
  return FALSE;
}

static void
ask_about_offer (SigSipCall *call, sip_t const *message, SigSipReoffer kind)
{
  SigSip *sip = call->sip;
  g_autofree char *sdp = sig_sip_body (message);

  call->reoffer = kind;
  nua_save_event (call->listener->nua, call->reoffer_event);
  if (sip->ops->reoffer != NULL)
    sip->ops->reoffer (sip->owner, call->id, sdp);
}

static void
respond_now (SigSipCall *call, const Refusal *refusal)
{
  SigSipTimerText timer = sig_sip_timer_text (&refusal->timer);

  nua_respond (call->nh, refusal->status, sig_sip_phrase (refusal->status, refusal->phrase),
               NUTAG_WITH_CURRENT (call->listener->nua), SIG_SIP_TIMER_TAGS (&timer),
               TAG_IF (refusal->retry_after, SIPTAG_RETRY_AFTER_STR (refusal->retry_after)),
               TAG_IF (refusal->accept, SIPTAG_ACCEPT_STR (refusal->accept)),
               TAG_IF (refusal->status < 300, SIPTAG_CONTACT_STR (call->dialog.local_contact)), TAG_END ());
}

void
sig_sip_on_reinvite (SigSipCall *call, sip_t const *message)
{
  Refusal refusal = { 0 };

  sig_sip_dialog_note (call, message, TRUE);
  if (call->ended)
    refusal.status = 481;
  else
    refusal.status = sig_sip_body_check (message, &refusal.phrase);
  refusal.accept = refusal.status == 415 ? "application/sdp" : NULL;
  sig_sip_call_forget_reoffer (call);
  if (refusal.status != 0 || !ask_timer (call, message, &refusal))
    respond_now (call, &refusal);
  else
    ask_about_offer (call, message, SIG_SIP_REOFFER_INVITE);
}

static void
answer_plain_update (SigSipCall *call)
{
  SigTimerStep step = sig_sip_timer_step (call, &(SigTimerEvent){ .type = SIG_TIMER_ANSWER_REQUEST });
  const Refusal yes = { .status = 200, .timer = step.headers };

  respond_now (call, &yes);
  sig_sip_timer_tell (call, &step, NULL);
}

/* Randomly between 0 and 10 (RFC 3311 5.2); 0 would bring it back at once. */
static const char *
retry_soon (void)
{
  static const char *const seconds[] = { "1", "2", "3", "4", "5", "6", "7", "8", "9", "10" };

  return seconds[g_random_int_range (0, G_N_ELEMENTS (seconds))];
}

/* 491: our offer has no answer yet; 500: theirs has none, or an UPDATE of theirs has no final answer. */
static int
check_update (const SigSipCall *call, gboolean has_offer)
{
  if (call->reoffer != SIG_SIP_REOFFER_NONE)
    return 500;
  if (!has_offer)
    return 0;
  if (call->own_reoffer || call->awaits_pracked)
    return 491;
  if (!call->is_answered && !call->sent_early)
    return 500;
  /* our 2xx carries an offer, the answer comes with the ACK */
  return call->is_answered && !call->is_outbound && !call->has_offer && !call->is_acked && !call->sent_early
             ? 491
             : 0;
}

/* RFC 3311 5.2. Without a body it only refreshes the session or the peer's address. */
void
sig_sip_on_update (SigSipCall *call, sip_t const *message)
{
  gboolean has_offer = message->sip_payload != NULL && message->sip_payload->pl_len > 0;
  Refusal refusal = { 0 };

  sig_sip_dialog_note (call, message, TRUE);
  if (call->ended)
    refusal.status = 481;
  else if (has_offer)
    {
      refusal.status = sig_sip_body_check (message, &refusal.phrase);
      refusal.accept = refusal.status == 415 ? "application/sdp" : NULL;
    }
  if (refusal.status == 0)
    {
      refusal.status = check_update (call, has_offer);
      refusal.retry_after = refusal.status == 500 ? retry_soon () : NULL;
    }
  if (refusal.status != 0 || !ask_timer (call, message, &refusal))
    respond_now (call, &refusal);
  else if (has_offer)
    ask_about_offer (call, message, SIG_SIP_REOFFER_UPDATE);
  else
    answer_plain_update (call);
}

/* RFC 3262 3 and 5: its RAck named an answer of ours. With a description it answers our offer, or makes one.
 */
void
sig_sip_on_prack (SigSipCall *call, sip_t const *message)
{
  SigSip *sip = call->sip;
  Refusal answer = { 0 };
  gboolean has_body = message->sip_payload != NULL && message->sip_payload->pl_len > 0;

  sig_sip_dialog_note (call, message, TRUE);
  if (call->ended)
    answer.status = 481;
  else if (has_body)
    answer.status = sig_sip_body_check (message, &answer.phrase);
  answer.accept = answer.status == 415 ? "application/sdp" : NULL;
  if (answer.status == 0 && has_body && call->own_reoffer)
    answer.status = 491;
  if (answer.status == 0 && has_body && !call->awaits_pracked && call->reoffer == SIG_SIP_REOFFER_NONE)
    {
      ask_about_offer (call, message, SIG_SIP_REOFFER_PRACK);
      return;
    }
  if (answer.status == 0 && has_body && call->reoffer != SIG_SIP_REOFFER_NONE)
    {
      answer.status = 500;
      answer.retry_after = retry_soon ();
    }
  gboolean is_answer = answer.status == 0 && has_body;
  if (answer.status == 0)
    answer.status = 200;
  respond_now (call, &answer);
  if (call->ended)
    return;
  sig_sip_call_pracked (call);
  if (!is_answer)
    return;
  g_autofree char *sdp = sig_sip_body (message);
  call->awaits_pracked = FALSE;
  if (sip->ops->pracked != NULL)
    sip->ops->pracked (sip->owner, call->id, sdp);
}

/* The stack adds Allow, and application/sdp to Accept. */
void
sig_sip_on_options (SigSipListener *listener, nua_handle_t *nh, sip_t const *message)
{
  gboolean too_far = message->sip_max_forwards != NULL && message->sip_max_forwards->mf_count == 0;
  int status = too_far ? 483 : 200;

  nua_respond (nh, status, sig_sip_phrase (status, NULL), NUTAG_WITH_CURRENT (listener->nua),
               SIPTAG_ACCEPT_ENCODING_STR ("identity"), SIPTAG_ACCEPT_LANGUAGE_STR ("en"),
               SIPTAG_ACCEPT_STR ("text/plain, " SIG_INFO_ACCEPT), SIPTAG_UNKNOWN_STR (SIG_SIP_ALLOW_EVENTS),
               SIPTAG_UNKNOWN_STR (listener->sip->supported), TAG_END ());
}
