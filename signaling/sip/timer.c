/* Session timers on the main loop: one source for the endpoint, a heap of the calls with something due, and
 * the way from messages to signaling/core/session_timer and back. */
#include "signaling/sip/internal.h"

#include <string.h>

/* ---- the heap: sip->due, earliest first; call->due_slot is the place in it, counted from 1 ---- */

static SigSipCall *
slot (const SigSip *sip, guint index)
{
  return g_ptr_array_index (sip->due, index - 1);
}

static void
put (SigSip *sip, guint index, SigSipCall *call)
{
  sip->due->pdata[index - 1] = call;
  call->due_slot = index;
}

static void
sift_up (SigSip *sip, SigSipCall *call, guint index)
{
  while (index > 1 && slot (sip, index / 2)->due_us > call->due_us)
    {
      put (sip, index, slot (sip, index / 2));
      index /= 2;
    }
  put (sip, index, call);
}

static void
sift_down (SigSip *sip, SigSipCall *call, guint index)
{
  for (;;)
    {
      guint child = 2 * index;

      if (child < sip->due->len && slot (sip, child + 1)->due_us < slot (sip, child)->due_us)
        child++;
      if (child > sip->due->len || slot (sip, child)->due_us >= call->due_us)
        break;
      put (sip, index, slot (sip, child));
      index = child;
    }
  put (sip, index, call);
}

static void
take_out (SigSip *sip, SigSipCall *call)
{
  guint index = call->due_slot;
  SigSipCall *moved = slot (sip, sip->due->len);

  call->due_slot = 0;
  g_ptr_array_set_size (sip->due, (gint)sip->due->len - 1);
  if (moved == call)
    return;
  moved->due_slot = index;
  sift_down (sip, moved, index);
  sift_up (sip, moved, moved->due_slot);
}

static void
schedule (SigSipCall *call)
{
  SigSip *sip = call->sip;
  gint64 due = call->late.news != 0 && !call->ended ? 1 : call->session_timer.due_us;

  if (call->due_slot != 0)
    take_out (sip, call);
  call->due_us = due;
  if (due > 0)
    {
      g_ptr_array_add (sip->due, call);
      sift_up (sip, call, sip->due->len);
    }
  g_source_set_ready_time (sip->due_source, sip->due->len > 0 ? slot (sip, 1)->due_us : -1);
}

/* ---- what is told ---- */

static void
tell (SigSipCall *call, const SigSipTimerNews *news)
{
  SigSip *sip = call->sip;

  if (news->news != 0 && sip->ops->timer != NULL)
    sip->ops->timer (sip->owner, sig_sip_told_id (call), news);
}

static SigSipTimerNews
news_of (SigSipCall *call, const SigTimerStep *step)
{
  return (SigSipTimerNews){ .news = step->news,
                            .method = step->method,
                            .status = step->status,
                            .headers = step->headers,
                            .cseq = call->request_cseq,
                            .timer = &call->session_timer };
}

SigTimerStep
sig_sip_timer_step (SigSipCall *call, const SigTimerEvent *event)
{
  SigTimerStep step
      = sig_session_timer_step (&call->session_timer, &call->sip->session_timer, event, cfg_monotonic_now ());

  schedule (call);
  return step;
}

/** sig_sip_timer_tell: not from inside of the owner's calls. @sdp: (nullable): with an answer to a refresh */
void
sig_sip_timer_tell (SigSipCall *call, const SigTimerStep *step, const char *sdp)
{
  SigSipTimerNews news = news_of (call, step);

  news.sdp = sdp;
  tell (call, &news);
}

/** sig_sip_timer_tell_later: the same in the next turn of the loop. */
void
sig_sip_timer_tell_later (SigSipCall *call, const SigTimerStep *step)
{
  if (step->news == 0)
    return;
  call->late = news_of (call, step);
  schedule (call);
}

/* ---- ticks ---- */

/* DO_BYE: the end of the time, or an answer that says that the peer knows of no call. */
void
sig_sip_timer_bye (SigSipCall *call, const SigTimerStep *step)
{
  gboolean expired;

  if (call->ended)
    return;
  expired = (step->news & SIG_TIMER_NEWS_EXPIRED) != 0;
  const char *text = expired               ? "Session timer expired"
                     : step->status == 481 ? "Call does not exist"
                                           : "Session refresh timed out";

  sig_sip_call_say_why (call, step->status, text);
  sig_sip_call_end (call, expired ? SIG_SIP_END_SESSION_EXPIRED : SIG_SIP_END_FAILED, step->status, text,
                    call->bye_reason);
  sig_sip_request_abandon (call);
  sig_sip_call_bye (call);
}

static void
tick (SigSipCall *call)
{
  SigSipTimerNews late = call->late;
  SigTimerStep step;

  memset (&call->late, 0, sizeof call->late);
  tell (call, &late);
  step = sig_sip_timer_step (call, &(SigTimerEvent){ .type = SIG_TIMER_TICK });
  if (step.actions & SIG_TIMER_DO_SEND)
    sig_sip_request_refresh (call, &step);
  else
    sig_sip_timer_tell (call, &step, NULL);
  if (step.actions & SIG_TIMER_DO_BYE)
    sig_sip_timer_bye (call, &step);
}

static gboolean
on_due (GSource *source, GSourceFunc callback, gpointer data)
{
  SigSip *sip = *(SigSip **)(source + 1);
  gint64 now = g_source_get_time (source);

  while (sip->due->len > 0 && slot (sip, 1)->due_us <= now)
    tick (slot (sip, 1));
  g_source_set_ready_time (source, sip->due->len > 0 ? slot (sip, 1)->due_us : -1);
  return G_SOURCE_CONTINUE;
}

void
sig_sip_timer_init (SigSip *sip)
{
  static GSourceFuncs functions = { .dispatch = on_due };

  sip->due = g_ptr_array_new ();
  sip->due_source = g_source_new (&functions, sizeof (GSource) + sizeof (SigSip *));
  *(SigSip **)(sip->due_source + 1) = sip;
  g_source_set_static_name (sip->due_source, "session timers");
  g_source_attach (sip->due_source, sip->context);
}

void
sig_sip_timer_clear (SigSip *sip)
{
  g_assert (sip->due->len == 0);
  g_source_destroy (sip->due_source);
  g_source_unref (sip->due_source);
  g_ptr_array_unref (sip->due);
}

/** sig_sip_timer_end: nothing is due for @call from here on. */
void
sig_sip_timer_end (SigSipCall *call)
{
  memset (&call->late, 0, sizeof call->late);
  (void)sig_sip_timer_step (call, &(SigTimerEvent){ .type = SIG_TIMER_END });
  g_assert (call->due_slot == 0);
}

gboolean
sig_sip_call_session_timer (SigSip *sip, SigSipCallId id, SigSessionTimer *timer)
{
  SigSipCall *call = sig_sip_call_live (sip, id);

  memset (timer, 0, sizeof *timer);
  if (call != NULL)
    *timer = sig_sip_fork_speaker (call)->session_timer;
  return call != NULL;
}

/* ---- messages ---- */

static SigTimerRefresher
refresher_of (const char *word)
{
  if (word != NULL && g_ascii_strcasecmp (word, "uac") == 0)
    return SIG_TIMER_UAC;
  if (word != NULL && g_ascii_strcasecmp (word, "uas") == 0)
    return SIG_TIMER_UAS;
  return SIG_TIMER_NOBODY;
}

/** sig_sip_timer_event: an event with all that @message says. */
SigTimerEvent
sig_sip_timer_event (SigTimerEventType type, sip_t const *message)
{
  SigTimerEvent event = { .type = type };

  event.headers.supported
      = sip_has_feature (message->sip_supported, "timer") || sip_has_feature (message->sip_require, "timer");
  if (message->sip_session_expires != NULL)
    {
      event.headers.expires_s = (guint32)MIN (message->sip_session_expires->x_delta, G_MAXUINT32);
      event.headers.refresher = refresher_of (message->sip_session_expires->x_refresher);
    }
  if (message->sip_min_se != NULL)
    event.headers.min_se_s = (guint32)MIN (message->sip_min_se->min_delta, G_MAXUINT32);
  if (message->sip_retry_after != NULL)
    event.retry_after_s = (guint32)MIN (message->sip_retry_after->af_delta, G_MAXUINT32);
  event.allows_update = message->sip_allow != NULL && SIP_IS_ALLOWED (message->sip_allow, sip_method_update);
  event.has_offer = message->sip_payload != NULL && message->sip_payload->pl_len > 0;
  if (message->sip_status != NULL)
    event.status = message->sip_status->st_status;
  else if (message->sip_request->rq_method == sip_method_update)
    event.method = SIG_TIMER_UPDATE;
  else
    event.method = SIG_TIMER_INVITE;
  return event;
}

/** sig_sip_timer_text: @headers as SIG_SIP_TIMER_TAGS() writes them. */
SigSipTimerText
sig_sip_timer_text (const SigTimerHeaders *headers)
{
  const char *refresher = sig_timer_refresher_name (headers->refresher);
  SigSipTimerText text = { .supported = headers->supported ? "Supported: timer, replaces, norefersub"
                                                           : "Supported: replaces, norefersub",
                           .is_required = headers->require };

  if (headers->expires_s > 0)
    g_snprintf (text.expires, sizeof text.expires, refresher != NULL ? "%u;refresher=%s" : "%u",
                headers->expires_s, refresher);
  if (headers->min_se_s > 0)
    g_snprintf (text.min_se, sizeof text.min_se, "%u", headers->min_se_s);
  return text;
}
