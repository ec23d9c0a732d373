#include "signaling/sip/early.h"

#include "signaling/core/event_package.h"

#include <sofia-sip/su_alloc.h>
#include <sofia-sip/url.h>

#include <string.h>

static const SigTimerHeaders no_headers;

/* 64 x T1 until the stack gives a request up, and some more. */
#define PATIENCE_T1 72
/* RFC 3262 3: two and a half minutes between reliable provisional answers, below the three of a proxy's Timer
 * C. */
#define REPEAT_T1 300

/* Of an Expires header; for longer no timer is needed. */
#define MAX_EXPIRES_S 86400
#define MAX_LINES     64

static gboolean
on_ended (gpointer data)
{
  SigSip *sip = data;
  SigSipCallId id;

  g_clear_pointer (&sip->ended_source, g_source_unref);
  while (!g_queue_is_empty (&sip->ended))
    {
      gpointer key = g_queue_pop_head (&sip->ended);
      id = GPOINTER_TO_SIZE (key);
      SigSipCall *call = g_hash_table_lookup (sip->calls, &id);
      call->told = TRUE;
      sig_sip_sends_abandon (call);
      if (call->is_branch)
        sig_sip_fork_branch_ended (call);
      else if (sip->ops->ended != NULL)
        sip->ops->ended (sip->owner, id, &call->end);
      if (call->nh == NULL)
        g_hash_table_remove (sip->calls, &id);
    }
  sig_sip_check_shutdown (sip);
  return G_SOURCE_REMOVE;
}

static void
schedule_ended (SigSip *sip)
{
  if (sip->ended_source != NULL)
    return;
  sip->ended_source = g_idle_source_new ();
  g_source_set_priority (sip->ended_source, G_PRIORITY_DEFAULT);
  g_source_set_callback (sip->ended_source, on_ended, sip, NULL);
  g_source_attach (sip->ended_source, sip->context);
}

SigSipCall *
sig_sip_call_new (SigSipListener *listener, nua_handle_t *nh, gboolean is_outbound)
{
  SigSip *sip = listener->sip;
  SigSipCall *call = g_new0 (SigSipCall, 1);

  call->sip = sip;
  call->listener = listener;
  call->id = ++sip->last_id;
  call->nh = nh;
  call->is_outbound = is_outbound;
  if (nh != NULL)
    nua_handle_bind (nh, GSIZE_TO_POINTER (call->id));
  g_hash_table_insert (sip->calls, &call->id, call);
  sip->n_live++;
  return call;
}

/** sig_sip_call_find: the call of a handle, live or ending; NULL for a handle of no call. */
SigSipCall *
sig_sip_call_find (SigSip *sip, NUA_HMAGIC_T *tag)
{
  SigSipCallId id = GPOINTER_TO_SIZE (tag);

  return tag != NULL ? g_hash_table_lookup (sip->calls, &id) : NULL;
}

/** sig_sip_call_live: the call that the owner names, NULL when it is gone or about to be. */
SigSipCall *
sig_sip_call_live (SigSip *sip, SigSipCallId id)
{
  g_assert (sip->thread == g_thread_self ());
  SigSipCall *call = g_hash_table_lookup (sip->calls, &id);

  return call != NULL && !call->ended ? call : NULL;
}

static void
clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
clear_timer (SigSipCall *call)
{
  clear_source (&call->timer);
  clear_source (&call->repeat);
}

static GSource *
start_timer (SigSipCall *call, guint ms, GSourceFunc function)
{
  GSource *timer = g_timeout_source_new (ms);

  g_source_set_callback (timer, function, call, NULL);
  g_source_attach (timer, call->sip->context);
  return timer;
}

/** sig_sip_call_set_timer: one timer per call, and no answer is repeated any more; @function: (nullable):
 * NULL stops it. */
void
sig_sip_call_set_timer (SigSipCall *call, guint ms, GSourceFunc function)
{
  clear_timer (call);
  if (function != NULL)
    call->timer = start_timer (call, ms, function);
}

void
sig_sip_call_forget_reoffer (SigSipCall *call)
{
  if (call->reoffer_event[0] != NULL)
    nua_destroy_event (call->reoffer_event);
  memset (call->reoffer_event, 0, sizeof call->reoffer_event);
  if (call->reoffer == SIG_SIP_REOFFER_INVITE || call->reoffer == SIG_SIP_REOFFER_UPDATE)
    (void)sig_sip_timer_step (call, &(SigTimerEvent){ .type = SIG_TIMER_REFUSE_REQUEST });
  call->reoffer = SIG_SIP_REOFFER_NONE;
}

/** sig_sip_call_end: the call is over for its owner, who hears of it in the next turn of the loop. */
void
sig_sip_call_end (SigSipCall *call, SigSipEndCause cause, int status, const char *phrase, const char *reason)
{
  SigSip *sip = call->sip;

  if (call->ended)
    return;
  call->ended = TRUE;
  char *text = sig_sip_text (phrase); /* may be end_phrase itself */
  g_free (call->end_phrase);
  call->end_phrase = text;
  call->end_reason = reason != NULL ? sig_sip_text (reason) : NULL;
  call->end = (SigSipEnd){
    .cause = cause, .status = status, .phrase = call->end_phrase, .reason = call->end_reason
  };
  clear_timer (call);
  sig_sip_timer_end (call);
  sig_sip_refer_end (call);
  g_clear_pointer (&call->redial, sig_sip_redial_free);
  sig_sip_fork_heard (call);
  if (call->is_branch)
    sip->n_branches--;
  else
    sip->n_live--;
  g_queue_push_tail (&sip->ended, GSIZE_TO_POINTER (call->id));
  schedule_ended (sip);
}

/** sig_sip_call_release: gives the handle back to the stack. The call must have ended; it may be freed. */
void
sig_sip_call_release (SigSipCall *call)
{
  SigSip *sip = call->sip;
  nua_handle_t *nh = g_steal_pointer (&call->nh);

  g_assert (call->ended);
  clear_timer (call);
  sig_sip_call_forget_reoffer (call);
  sig_sip_early_free (call);
  sig_sip_request_abandon (call);
  sig_sip_inside_abandon (call);
  if (nh != NULL)
    {
      nua_handle_bind (nh, NULL);
      nua_handle_destroy (nh);
    }
  if (call->told)
    {
      g_hash_table_remove (sip->calls, &call->id);
      sig_sip_check_shutdown (sip);
    }
}

void
sig_sip_call_free (gpointer data)
{
  SigSipCall *call = data;

  g_assert (call->nh == NULL);
  sig_sip_sends_abandon (call);
  clear_timer (call);
  sig_sip_request_abandon (call);
  sig_sip_inside_abandon (call);
  g_clear_pointer (&call->refer, sig_sip_refer_free);
  g_clear_pointer (&call->fork, sig_sip_fork_free);
  g_clear_pointer (&call->lines, g_ptr_array_unref);
  g_free (call->credentials);
  g_free (call->end_phrase);
  g_free (call->end_reason);
  g_free (call->bye_reason);
  g_free (call->held_sdp);
  g_free (call->source_url);
  g_free (call->tls_host);
  sig_sip_dialog_state_clear (&call->dialog);
  g_free (call);
}

static gboolean
on_patience_over (gpointer data)
{
  SigSipCall *call = data;

  sig_sip_call_release (call);
  return G_SOURCE_REMOVE;
}

/** sig_sip_call_wait_for_end: keeps the handle of an ended call until the peer answered our BYE or CANCEL. */
void
sig_sip_call_wait_for_end (SigSipCall *call)
{
  sig_sip_call_set_timer (call, call->sip->t1_ms * PATIENCE_T1, on_patience_over);
}

/** sig_sip_call_say_why: the BYE or CANCEL that follows has this Reason (RFC 3326). @text: a literal. */
void
sig_sip_call_say_why (SigSipCall *call, int status, const char *text)
{
  g_free (call->bye_reason);
  call->bye_reason = g_strdup_printf ("SIP;cause=%d;text=\"%s\"", status, text);
}

static void
send_bye (SigSipCall *call)
{
  const char *reason = call->bye_reason;
  g_autofree tagi_t *tags = sig_sip_line_tags (call->lines);

  nua_bye (call->nh, TAG_IF (reason, SIPTAG_REASON_STR (reason)),
           TAG_IF (call->dialog.local_cseq == 0, SIPTAG_CSEQ_STR ("2 BYE")), TAG_NEXT (tags));
}

/** sig_sip_call_bye: sends BYE, or CANCEL where our INVITE has no final answer. */
void
sig_sip_call_bye (SigSipCall *call)
{
  const char *reason = call->bye_reason;

  sig_sip_check_connection (call);

  if (call->fork != NULL)
    {
      sig_sip_fork_cancel (call);
      return;
    }
  if (call->is_outbound && !call->is_answered)
    {
      call->cancelled = TRUE;
      nua_cancel (call->nh, TAG_IF (reason, SIPTAG_REASON_STR (reason)), TAG_END ());
    }
  else if (!call->is_outbound && !call->is_acked)
    call->bye_when_acked = TRUE;
  else
    send_bye (call);
  sig_sip_call_wait_for_end (call);
}

/** sig_sip_peer_url: (transfer full): where @peer's packets come from. */
char *
sig_sip_peer_url (const SigSipPeer *peer)
{
  return g_strdup_printf (peer->is_ipv6 ? "sip:[%s]:%u;transport=%s" : "sip:%s:%u;transport=%s", peer->host,
                          peer->port, sig_sip_peer_transport (peer));
}

/** sig_sip_call_send_to: what we send in this dialog goes to @peer (nullable), whatever its Contact says. */
void
sig_sip_call_send_to (SigSipCall *call, const SigSipPeer *peer)
{
  g_clear_pointer (&call->source_url, g_free);
  if (peer != NULL)
    call->source_url = sig_sip_peer_url (peer);
  if (call->source_url != NULL)
    nua_set_hparams (call->nh, NUTAG_PROXY (call->source_url), TAG_END ());
  else
    nua_set_hparams (call->nh, NUTAG_PROXY (NULL), TAG_END ());
}

/** sig_sip_call_follow_routes: a first hop that is a strict router is where requests go (RFC 3261 12.2.1.1);
 * the stack would look at the route behind it. */
void
sig_sip_call_follow_routes (SigSipCall *call)
{
  const char *first = call->dialog.route_set != NULL ? call->dialog.route_set[0] : NULL;
  su_home_t home[1] = { SU_HOME_INIT (home) };

  if (first == NULL || call->dialog.route_set[1] == NULL)
    return;
  su_home_init (home);
  const sip_route_t *route = sip_route_make (home, first);
  if (route != NULL && !url_has_param (route->r_url, "lr"))
    {
      g_free (call->source_url);
      call->source_url = g_strdup (url_as_string (home, route->r_url));
      nua_set_hparams (call->nh, NUTAG_PROXY (call->source_url), TAG_END ());
    }
  su_home_deinit (home);
}

static void
respond (SigSipCall *call, int status, const char *sdp, const SigTimerHeaders *timer)
{
  SigSipTimerText text = sig_sip_timer_text (timer);
  g_autofree tagi_t *tags = sig_sip_line_tags (status == 200 ? call->lines : NULL);

  nua_respond (call->nh, status, sig_sip_phrase (status, NULL),
               SIPTAG_CONTACT_STR (call->dialog.local_contact), SIG_SIP_TIMER_TAGS (&text),
               TAG_IF (status == 200, SIPTAG_UNKNOWN_STR (SIG_SIP_ALLOW_EVENTS)),
               TAG_IF (call->knows_info_packages, SIPTAG_UNKNOWN_STR ("Recv-Info: ")),
               TAG_IF (sdp, SIPTAG_CONTENT_TYPE_STR ("application/sdp")),
               TAG_IF (sdp, SIPTAG_PAYLOAD_STR (sdp)), TAG_NEXT (tags));
}

void
sig_sip_call_set_headers (SigSip *sip, SigSipCallId id, const SigSipHeader *headers, gsize n_headers)
{
  SigSipCall *call = sig_sip_call_live (sip, id);

  if (call == NULL)
    return;
  g_clear_pointer (&call->lines, g_ptr_array_unref);
  call->lines = g_ptr_array_new_with_free_func (g_free);
  for (gsize i = 0; i < n_headers && call->lines->len < MAX_LINES; i++)
    if (sig_sip_check_header (headers[i].name, headers[i].value, NULL))
      g_ptr_array_add (call->lines, g_strdup_printf ("%s: %s", headers[i].name, headers[i].value));
}

static SigSipCall *
find_unanswered (SigSip *sip, SigSipCallId id)
{
  SigSipCall *call = sig_sip_call_live (sip, id);

  return call != NULL && !call->is_outbound && !call->is_answered && !call->answer_is_held ? call : NULL;
}

static void say (SigSipCall *call, int status, const char *sdp);

/* A proxy on the way gives up a call that says nothing for three minutes (RFC 3261 13.3.1.1, 16.6). The stack
 * repeats answers that are not reliable by itself, each minute. */
static gboolean
on_repeat (gpointer data)
{
  SigSipCall *call = data;

  g_clear_pointer (&call->repeat, g_source_unref);
  if (!call->answer_is_held && call->n_pracked >= call->n_reliable)
    say (call, call->said, NULL);
  return G_SOURCE_REMOVE;
}

static void
say (SigSipCall *call, int status, const char *sdp)
{
  /* NUA sends a 183 reliably wherever the caller can take it. */
  gboolean is_reliable = status == 183 ? call->supports_100rel : call->requires_100rel;

  call->n_reliable += is_reliable;
  call->said = status;
  respond (call, status, sdp, &no_headers);
  clear_source (&call->repeat);
  if (is_reliable)
    call->repeat = start_timer (call, call->sip->t1_ms * REPEAT_T1, on_repeat);
}

void
sig_sip_call_tell (SigSip *sip, SigSipCallId id, int status)
{
  SigSipCall *call = find_unanswered (sip, id);

  if (call != NULL && status >= 180 && status <= 183)
    say (call, status, NULL);
}

void
sig_sip_call_ring (SigSip *sip, SigSipCallId id)
{
  sig_sip_call_tell (sip, id, 180);
}

void
sig_sip_call_progress (SigSip *sip, SigSipCallId id, const char *sdp)
{
  SigSipCall *call = find_unanswered (sip, id);

  if (call == NULL)
    return;
  if (sdp != NULL && call->supports_100rel && !call->sent_early)
    {
      call->sent_early = TRUE;
      call->awaits_pracked = !call->has_offer;
    }
  else if (sdp != NULL && (call->sent_early || !call->has_offer))
    sdp = NULL; /* said already; or an offer of ours, which must not get lost (RFC 3261 13.2.1) */
  say (call, 183, sdp);
}

/* RFC 3262 3: no 2xx while an answer with a description is not acknowledged; here: while any is not. Nor
 * while an offer of ours is not answered (RFC 6337 3.1). */
static void
answer (SigSipCall *call, const char *sdp)
{
  if (call->n_pracked < call->n_reliable || call->own_reoffer)
    {
      call->answer_is_held = TRUE;
      call->held_sdp = g_strdup (sdp);
      return;
    }
  SigTimerStep step = sig_sip_timer_step (call, &(SigTimerEvent){ .type = SIG_TIMER_ANSWER });
  respond (call, 200, call->sent_early ? NULL : sdp, &step.headers);
  call->is_answered = TRUE;
  sig_sip_call_set_timer (call, 0, NULL);
}

void
sig_sip_call_answer (SigSip *sip, SigSipCallId id, const char *sdp)
{
  SigSipCall *call = find_unanswered (sip, id);

  if (call != NULL)
    answer (call, sdp);
}

/** sig_sip_call_go_on: what an answer of ours waited for may be there. */
void
sig_sip_call_go_on (SigSipCall *call)
{
  if (!call->answer_is_held || call->ended)
    return;
  g_autofree char *sdp = g_steal_pointer (&call->held_sdp);
  call->answer_is_held = FALSE;
  answer (call, sdp);
}

/** sig_sip_call_pracked: one more of our reliable answers was acknowledged, and its PRACK answered. */
void
sig_sip_call_pracked (SigSipCall *call)
{
  call->n_pracked++;
  sig_sip_call_go_on (call);
}

static void
refuse (SigSipCall *call, int status, const char *phrase, const char *reason)
{
  nua_respond (call->nh, status, sig_sip_phrase (status, phrase),
               TAG_IF (status == 503, SIPTAG_RETRY_AFTER_STR (SIG_SIP_RETRY_AFTER)),
               TAG_IF (reason, SIPTAG_REASON_STR (reason)), TAG_END ());
  sig_sip_call_end (call, SIG_SIP_END_LOCAL, status, sig_sip_phrase (status, phrase), NULL);
  sig_sip_call_release (call);
}

static gboolean
on_expired (gpointer data)
{
  SigSipCall *call = data;

  nua_respond (call->nh, 487, sig_sip_phrase (487, NULL), TAG_END ());
  sig_sip_call_end (call, SIG_SIP_END_TIMEOUT, 487, "Request Expired", NULL);
  sig_sip_call_release (call);
  return G_SOURCE_REMOVE;
}

/** sig_sip_call_expire: a caller's INVITE says for how long an answer is of use (RFC 3261 13.3.1). */
void
sig_sip_call_expire (SigSipCall *call, gulong seconds)
{
  if (seconds > 0 && seconds <= MAX_EXPIRES_S)
    sig_sip_call_set_timer (call, (guint)seconds * 1000, on_expired);
}

void
sig_sip_call_reject (SigSip *sip, SigSipCallId id, int status, const char *phrase)
{
  SigSipCall *call = sig_sip_call_live (sip, id);

  if (call != NULL && !call->is_outbound && !call->is_answered)
    refuse (call, CLAMP (status, 300, 699), phrase, NULL);
}

void
sig_sip_call_refuse (SigSip *sip, SigSipCallId id, int status, const char *reason)
{
  SigSipCall *call = sig_sip_call_live (sip, id);

  if (reason != NULL && !sig_sip_check_header ("Reason", reason, NULL))
    reason = NULL;
  if (call != NULL && !call->is_outbound && !call->is_answered)
    refuse (call, CLAMP (status, 300, 699), NULL, reason);
}

void
sig_sip_call_hangup (SigSip *sip, SigSipCallId id, const char *reason)
{
  SigSipCall *call = sig_sip_call_live (sip, id);

  if (call == NULL)
    return;
  if (reason != NULL && !sig_sip_check_header ("Reason", reason, NULL))
    reason = NULL;
  if (!call->is_outbound && !call->is_answered)
    {
      refuse (call, 480, NULL, reason);
      return;
    }
  call->bye_reason = g_strdup (reason);
  sig_sip_refer_flush (call);
  sig_sip_call_end (call, SIG_SIP_END_LOCAL, 0, "", NULL);
  sig_sip_call_bye (call);
}

void
sig_sip_call_answer_reoffer (SigSip *sip, SigSipCallId id, const char *sdp)
{
  if (sig_sip_early_respond (sip, id, 200, NULL, sdp))
    return;
  SigSipCall *call = sig_sip_call_live (sip, id);

  if (call == NULL || call->reoffer == SIG_SIP_REOFFER_NONE)
    return;
  SigTimerStep step = { 0 };
  if (call->reoffer != SIG_SIP_REOFFER_PRACK)
    step = sig_sip_timer_step (call, &(SigTimerEvent){ .type = SIG_TIMER_ANSWER_REQUEST });
  SigSipTimerText timer = sig_sip_timer_text (&step.headers);
  nua_respond (call->nh, 200, sig_sip_phrase (200, NULL), NUTAG_WITH_SAVED (call->reoffer_event),
               SIPTAG_CONTACT_STR (call->dialog.local_contact), SIG_SIP_TIMER_TAGS (&timer),
               TAG_IF (sdp, SIPTAG_CONTENT_TYPE_STR ("application/sdp")),
               TAG_IF (sdp, SIPTAG_PAYLOAD_STR (sdp)), TAG_END ());
  gboolean was_prack = call->reoffer == SIG_SIP_REOFFER_PRACK;
  sig_sip_call_forget_reoffer (call);
  sig_sip_timer_tell_later (call, &step);
  if (was_prack)
    sig_sip_call_pracked (call);
}

void
sig_sip_call_reject_reoffer (SigSip *sip, SigSipCallId id, int status, const char *phrase)
{
  if (sig_sip_early_respond (sip, id, CLAMP (status, 300, 699), phrase, NULL))
    return;
  SigSipCall *call = sig_sip_call_live (sip, id);

  if (call == NULL || call->reoffer == SIG_SIP_REOFFER_NONE)
    return;
  status = CLAMP (status, 300, 699);
  nua_respond (call->nh, status, sig_sip_phrase (status, phrase), NUTAG_WITH_SAVED (call->reoffer_event),
               TAG_END ());
  gboolean was_prack = call->reoffer == SIG_SIP_REOFFER_PRACK;
  sig_sip_call_forget_reoffer (call);
  if (was_prack)
    sig_sip_call_pracked (call);
}

gboolean
sig_sip_call_can_reoffer (SigSip *sip, SigSipCallId id)
{
  SigSipCall *call = sig_sip_call_live (sip, id);

  if (call == NULL || call->is_answered)
    return call != NULL;
  return call->is_outbound ? sig_sip_early_can_offer (sig_sip_fork_speaker (call))
                           : sig_sip_request_can_update (call);
}

gboolean
sig_sip_call_reoffer (SigSip *sip, SigSipCallId id, const char *sdp)
{
  SigSipCall *call = sig_sip_call_live (sip, id);

  if (call == NULL)
    return FALSE;
  if (!call->is_answered)
    return call->is_outbound ? sig_sip_early_offer (sig_sip_fork_speaker (call), sdp)
                             : sig_sip_request_update (call, sdp);
  if ((!call->is_outbound && !call->is_acked) || call->request != NULL
      || call->reoffer != SIG_SIP_REOFFER_NONE)
    return FALSE;
  return sig_sip_request_offer (call, sdp);
}
