#include "signaling/core/session_timer.h"

#include <string.h>

#define LEAST_INTERVAL_S 2  /* whatever a peer asks for: we do not let it make us send faster */
#define MAX_RETRIES      20 /* of one refresh: 422, 491 and 503 with Retry-After */

typedef enum
{
  IDLE,
  SETTING_UP,
  RUNNING, /* with interval_s, or off without one */
  ENDED,
} Phase;

static gint64
seconds (guint32 s)
{
  return (gint64)s * CFG_US_PER_S;
}

/* RFC 4028 10: "the minimum of 32 and one third of the session interval" before it is over. */
static gint64
warning_us (guint32 interval_s)
{
  return seconds (interval_s) - MIN (seconds (32), seconds (interval_s) / 3);
}

guint32
sig_session_timer_warning_s (const SigSessionTimer *timer)
{
  return (guint32)(warning_us (timer->interval_s) / CFG_US_PER_S);
}

const char *
sig_timer_method_name (SigTimerMethod method)
{
  static const char *const names[] = { "", "INVITE", "UPDATE" };

  return names[method];
}

const char *
sig_timer_refresher_name (SigTimerRefresher refresher)
{
  static const char *const names[] = { NULL, "uac", "uas" };

  return names[refresher];
}

static guint32
least_interval (const SigSessionTimer *timer, const SigTimerSettings *settings)
{
  return MAX (timer->min_se_s, settings->min_se_s);
}

static void
hear_min_se (SigSessionTimer *timer, const SigTimerHeaders *headers)
{
  timer->min_se_s = MAX (timer->min_se_s, headers->min_se_s);
}

/* ---- the interval ---- */

/* A refresh happened, or the first 2xx: a whole interval lies ahead. */
static void
start_interval (SigSessionTimer *timer, guint32 interval_s, gboolean we_refresh, gint64 now)
{
  gint64 half = seconds (interval_s) / 2;

  timer->phase = RUNNING;
  timer->interval_s = interval_s;
  timer->we_refresh = (guint8)we_refresh;
  timer->started_us = now;
  timer->next_us = now + half + (we_refresh ? 0 : MIN (seconds (5), seconds (interval_s) / 18));
  timer->expires_us = now + warning_us (interval_s);
  timer->tried_again = timer->waits_for_turn = FALSE;
  timer->n_retries = 0;
}

/* What was in the way of a refresh that was due has gone, and was no refresh itself. */
static void
take_turn (SigSessionTimer *timer, gint64 now)
{
  if (timer->waits_for_turn && timer->in_flight == SIG_TIMER_NO_METHOD
      && timer->peer_request == SIG_TIMER_NO_METHOD)
    {
      timer->waits_for_turn = FALSE;
      timer->next_us = timer->interval_s > 0 ? now : 0;
    }
}

static void
switch_off (SigSessionTimer *timer)
{
  timer->phase = RUNNING;
  timer->interval_s = 0;
  timer->we_refresh = FALSE;
  timer->started_us = timer->next_us = timer->expires_us = 0;
  timer->waits_for_turn = FALSE;
}

static void
finish (SigSessionTimer *timer)
{
  timer->phase = ENDED;
  timer->in_flight = timer->peer_request = SIG_TIMER_NO_METHOD;
  timer->started_us = timer->next_us = timer->expires_us = 0;
  timer->tells_start = FALSE;
}

static void
note_result (SigSessionTimer *timer, SigTimerMethod method, gboolean ours, int status, gint64 now)
{
  timer->last_method = (guint8)method;
  timer->last_was_ours = (guint8)ours;
  timer->last_status = (guint16)status;
  timer->last_us = now;
}

/* ---- what we write ---- */

/* A request of ours: the roles stay as they are, whatever kind of request it is (RFC 4028 7.4). */
static SigTimerHeaders
request_headers (const SigSessionTimer *timer, const SigTimerSettings *settings)
{
  SigTimerHeaders headers = { 0 };

  if (!settings->enabled)
    return headers;
  headers.supported = TRUE;
  if (timer->interval_s == 0)
    return headers;
  headers.min_se_s = least_interval (timer, settings);
  headers.expires_s = MAX (timer->interval_s, headers.min_se_s);
  headers.refresher = timer->we_refresh ? SIG_TIMER_UAC : SIG_TIMER_UAS;
  return headers;
}

static SigTimerHeaders
dial_headers (SigSessionTimer *timer, const SigTimerSettings *settings)
{
  SigTimerHeaders headers = { 0 };

  if (!settings->enabled || timer->dialled_plain)
    return headers;
  headers.supported = TRUE;
  headers.min_se_s = least_interval (timer, settings);
  headers.expires_s = MAX (settings->default_expires_s, headers.min_se_s);
  headers.refresher = settings->prefer;
  timer->dial_s = headers.expires_s;
  return headers;
}

static SigTimerHeaders
agreed_headers (const SigSessionTimer *timer, const SigTimerSettings *settings)
{
  SigTimerHeaders headers = { .supported = settings->enabled };

  if (timer->agreed_s == 0)
    return headers;
  headers.expires_s = timer->agreed_s;
  headers.refresher = (SigTimerRefresher)timer->agreed_refresher;
  headers.require = timer->agreed_require;
  return headers;
}

static SigTimerRefresher
role_by_now (const SigSessionTimer *timer, const SigTimerSettings *settings)
{
  if (timer->phase != RUNNING || timer->interval_s == 0)
    return settings->prefer;
  return timer->we_refresh ? SIG_TIMER_UAS : SIG_TIMER_UAC;
}

/* What our 2xx to a request will say (RFC 4028 9). */
static void
agree (SigSessionTimer *timer, const SigTimerSettings *settings, const SigTimerHeaders *asked)
{
  gboolean runs = timer->phase == RUNNING && timer->interval_s > 0;

  hear_min_se (timer, asked);
  timer->agreed_s = 0;
  timer->agreed_refresher = SIG_TIMER_NOBODY;
  timer->agreed_require = FALSE;
  if (!settings->enabled)
    return;
  if (asked->expires_s > 0)
    timer->agreed_s = MAX (asked->expires_s, LEAST_INTERVAL_S);
  else if (runs)
    timer->agreed_s = MAX (timer->interval_s, asked->min_se_s);
  else if (asked->supported)
    timer->agreed_s = MAX (settings->default_expires_s, asked->min_se_s);
  if (timer->agreed_s == 0)
    return;
  timer->agreed_require = (guint8)asked->supported;
  if (!asked->supported) /* nobody but us can do it */
    timer->agreed_refresher = SIG_TIMER_UAS;
  else if (asked->expires_s > 0 && asked->refresher != SIG_TIMER_NOBODY)
    timer->agreed_refresher = (guint8)asked->refresher;
  else
    timer->agreed_refresher = (guint8)role_by_now (timer, settings);
}

static void
start_agreed (SigSessionTimer *timer, gint64 now)
{
  if (timer->agreed_s > 0)
    start_interval (timer, timer->agreed_s, timer->agreed_refresher == SIG_TIMER_UAS, now);
  else
    switch_off (timer);
}

static gboolean
is_too_short (const SigTimerSettings *settings, const SigTimerHeaders *asked)
{
  return settings->enabled && asked->supported && asked->expires_s > 0
         && asked->expires_s < settings->min_se_s;
}

static void
refuse (SigTimerStep *step, int status, const SigTimerSettings *settings)
{
  step->actions |= SIG_TIMER_DO_REFUSE;
  step->status = status;
  step->headers.min_se_s = status == 422 ? settings->min_se_s : 0;
}

static void
write_headers (SigTimerStep *step, SigTimerHeaders headers)
{
  step->actions |= SIG_TIMER_DO_WRITE;
  step->headers = headers;
}

/* ---- the first INVITE ---- */

static void
on_dial (SigSessionTimer *timer, const SigTimerSettings *settings, SigTimerStep *step)
{
  timer->phase = SETTING_UP;
  timer->is_caller = TRUE;
  write_headers (step, dial_headers (timer, settings));
}

/* 422 raises the interval (RFC 4028 7.1); who cannot bear the headers at all gets an INVITE without them. */
static void
on_dial_refused (SigSessionTimer *timer, const SigTimerSettings *settings, const SigTimerEvent *event,
                 SigTimerStep *step)
{
  if (!settings->enabled || timer->dialled_plain)
    return;
  if (event->status == 422)
    {
      if (event->headers.min_se_s <= timer->dial_s || ++timer->n_retries > MAX_RETRIES)
        return;
      hear_min_se (timer, &event->headers);
    }
  else if (event->status == 501 || event->status == 420)
    timer->dialled_plain = TRUE;
  else
    return;
  step->headers = dial_headers (timer, settings);
  step->actions |= SIG_TIMER_DO_REDIAL;
}

/* A 2xx says who refreshes; without a word it is the one who asked (RFC 4028 7.2). */
static void
take_answer (SigSessionTimer *timer, const SigTimerHeaders *said, gint64 now)
{
  guint32 interval_s = MAX (said->expires_s, LEAST_INTERVAL_S);

  hear_min_se (timer, said);
  start_interval (timer, interval_s, said->refresher != SIG_TIMER_UAS, now);
}

static void
on_dial_answered (SigSessionTimer *timer, const SigTimerSettings *settings, const SigTimerEvent *event,
                  gint64 now, SigTimerStep *step)
{
  timer->allows_update = (guint8)event->allows_update;
  switch_off (timer);
  if (!settings->enabled)
    return;
  if (event->headers.expires_s == 0)
    {
      step->news |= SIG_TIMER_NEWS_NOT_NEGOTIATED;
      return;
    }
  take_answer (timer, &event->headers, now);
  timer->tells_start = TRUE;
  step->news |= SIG_TIMER_NEWS_NEGOTIATED;
  step->headers = event->headers;
  step->headers.refresher = timer->we_refresh ? SIG_TIMER_UAC : SIG_TIMER_UAS;
}

static void
on_invited (SigSessionTimer *timer, const SigTimerSettings *settings, const SigTimerEvent *event,
            SigTimerStep *step)
{
  timer->phase = SETTING_UP;
  timer->allows_update = (guint8)event->allows_update;
  if (is_too_short (settings, &event->headers))
    {
      refuse (step, 422, settings);
      return;
    }
  agree (timer, settings, &event->headers);
  if (timer->agreed_s == 0)
    return;
  step->news |= SIG_TIMER_NEWS_NEGOTIATED;
  step->headers = agreed_headers (timer, settings);
  step->headers.min_se_s = least_interval (timer, settings);
}

static void
on_answer (SigSessionTimer *timer, const SigTimerSettings *settings, gint64 now, SigTimerStep *step)
{
  write_headers (step, agreed_headers (timer, settings));
  start_agreed (timer, now);
  timer->tells_start = timer->interval_s > 0;
}

/* ---- requests of the peer ---- */

/* Our UPDATE carries no offer, so only a re-INVITE of ours makes glare (RFC 3261 14.2, RFC 3311 5.2). */
static void
on_request (SigSessionTimer *timer, const SigTimerSettings *settings, const SigTimerEvent *event, gint64 now,
            SigTimerStep *step)
{
  gboolean offers = event->has_offer || event->method == SIG_TIMER_INVITE;
  int status = 0;

  if (timer->in_flight == SIG_TIMER_INVITE && offers)
    status = 491;
  else if (is_too_short (settings, &event->headers))
    status = 422;
  timer->allows_update |= (guint8)event->allows_update;
  if (status != 0)
    {
      refuse (step, status, settings);
      step->news |= SIG_TIMER_NEWS_PEER_REFUSED;
      step->method = event->method;
      note_result (timer, event->method, FALSE, status, now);
      return;
    }
  timer->peer_request = (guint8)event->method;
  agree (timer, settings, &event->headers);
}

static void
on_answer_request (SigSessionTimer *timer, const SigTimerSettings *settings, gint64 now, SigTimerStep *step)
{
  if (timer->peer_request == SIG_TIMER_NO_METHOD)
    return;
  write_headers (step, agreed_headers (timer, settings));
  step->method = (SigTimerMethod)timer->peer_request;
  step->status = 200;
  timer->peer_request = SIG_TIMER_NO_METHOD;
  start_agreed (timer, now);
  note_result (timer, step->method, FALSE, 200, now);
  if (timer->interval_s > 0)
    step->news |= SIG_TIMER_NEWS_PEER_REFRESHED;
}

static void
on_refuse_request (SigSessionTimer *timer, gint64 now)
{
  timer->peer_request = SIG_TIMER_NO_METHOD;
  take_turn (timer, now);
}

/* ---- requests of ours ---- */

static void
send (SigSessionTimer *timer, const SigTimerSettings *settings, SigTimerMethod method, SigTimerStep *step)
{
  timer->in_flight = (guint8)method;
  timer->in_flight_is_refresh = TRUE;
  timer->is_rescue = !timer->we_refresh;
  timer->next_us = 0;
  step->actions |= SIG_TIMER_DO_SEND;
  step->method = method;
  step->headers = request_headers (timer, settings);
  step->news |= timer->is_rescue ? SIG_TIMER_NEWS_RESCUING : SIG_TIMER_NEWS_REFRESHING;
}

static void
send_refresh (SigSessionTimer *timer, const SigTimerSettings *settings, SigTimerStep *step)
{
  gboolean update = settings->use_update && timer->allows_update && !timer->update_refused;

  send (timer, settings, update ? SIG_TIMER_UPDATE : SIG_TIMER_INVITE, step);
}

static void
on_offer (SigSessionTimer *timer, const SigTimerSettings *settings, SigTimerStep *step)
{
  if (timer->in_flight != SIG_TIMER_NO_METHOD || timer->peer_request != SIG_TIMER_NO_METHOD)
    {
      refuse (step, 491, settings);
      return;
    }
  timer->in_flight = SIG_TIMER_INVITE;
  timer->in_flight_is_refresh = FALSE;
  write_headers (step, request_headers (timer, settings));
}

static void
end_with (SigSessionTimer *timer, int status, SigTimerStep *step)
{
  finish (timer);
  step->actions |= SIG_TIMER_DO_BYE;
  step->status = status;
}

static void
on_success (SigSessionTimer *timer, const SigTimerEvent *event, gboolean was_refresh, gint64 now,
            SigTimerStep *step)
{
  gboolean had_timer = timer->interval_s > 0, rescued = timer->is_rescue;

  timer->is_rescue = FALSE;
  if (event->headers.expires_s == 0) /* the timer can be switched off in mid-dialog (RFC 4028 7.2) */
    {
      switch_off (timer);
      step->news |= had_timer ? SIG_TIMER_NEWS_NOT_NEGOTIATED : 0;
    }
  else
    take_answer (timer, &event->headers, now);
  if (was_refresh)
    step->news |= rescued ? SIG_TIMER_NEWS_RESCUED : SIG_TIMER_NEWS_REFRESHED;
}

/* RFC 3261 14.1: the owner of the Call-ID waits longer than the other side, so that both do not meet again.
 */
static gint64
glare_wait_us (const SigSessionTimer *timer, guint32 random)
{
  const gint64 unit = 10 * CFG_US_PER_MS;

  return timer->is_caller ? (210 + random % 191) * unit : (random % 201) * unit;
}

/* The one more attempt before the time is over, half-way: what is in the way may have gone by then. */
static void
try_again_later (SigSessionTimer *timer, gint64 now)
{
  if (timer->tried_again || timer->expires_us <= now)
    return;
  timer->tried_again = TRUE;
  timer->next_us = now + (timer->expires_us - now) / 2;
}

static gboolean
retry_at (SigSessionTimer *timer, gint64 at)
{
  if (at >= timer->expires_us || timer->n_retries >= MAX_RETRIES)
    return FALSE;
  timer->n_retries++;
  timer->next_us = at;
  return TRUE;
}

static void
on_refresh_failed (SigSessionTimer *timer, const SigTimerSettings *settings, const SigTimerEvent *event,
                   SigTimerMethod method, gint64 now, SigTimerStep *step)
{
  int status = event->status;

  if (now >= timer->expires_us) /* the next TICK ends the call */
    return;
  if ((status == 405 || status == 501) && method == SIG_TIMER_UPDATE)
    {
      timer->update_refused = TRUE;
      send (timer, settings, SIG_TIMER_INVITE, step);
    }
  else if (status == 422 && event->headers.min_se_s > request_headers (timer, settings).expires_s
           && timer->n_retries < MAX_RETRIES)
    {
      timer->n_retries++;
      hear_min_se (timer, &event->headers);
      send (timer, settings, method, step);
    }
  else if (status == 491 && retry_at (timer, now + glare_wait_us (timer, event->random)))
    return;
  else if ((status == 503 || status == 500) && event->retry_after_s > 0
           && retry_at (timer, now + seconds (event->retry_after_s)))
    return;
  else
    try_again_later (timer, now);
}

static void
on_result (SigSessionTimer *timer, const SigTimerSettings *settings, const SigTimerEvent *event, gint64 now,
           SigTimerStep *step)
{
  SigTimerMethod method = (SigTimerMethod)timer->in_flight;
  gboolean was_refresh = timer->in_flight_is_refresh;

  if (method == SIG_TIMER_NO_METHOD)
    return;
  timer->in_flight = SIG_TIMER_NO_METHOD;
  timer->in_flight_is_refresh = FALSE;
  timer->allows_update |= (guint8)event->allows_update;
  if (was_refresh)
    note_result (timer, method, TRUE, event->status, now);
  step->method = method;
  step->status = event->status;
  if (event->status >= 200 && event->status < 300)
    {
      on_success (timer, event, was_refresh, now, step);
      return;
    }
  if (was_refresh)
    step->news |= SIG_TIMER_NEWS_FAILED;
  if (event->status == 408 || event->status == 481) /* the dialog is gone (RFC 3261 12.2.1.2) */
    end_with (timer, event->status, step);
  else if (was_refresh && timer->interval_s > 0)
    on_refresh_failed (timer, settings, event, method, now, step);
  else
    take_turn (timer, now);
}

static void
on_tick (SigSessionTimer *timer, const SigTimerSettings *settings, gint64 now, SigTimerStep *step)
{
  if (timer->phase != RUNNING)
    return;
  if (timer->tells_start)
    {
      timer->tells_start = FALSE;
      step->news |= SIG_TIMER_NEWS_STARTED;
    }
  if (timer->expires_us > 0 && now >= timer->expires_us)
    {
      step->news |= SIG_TIMER_NEWS_EXPIRED;
      end_with (timer, 408, step);
    }
  else if (timer->next_us > 0 && now >= timer->next_us)
    {
      if (timer->in_flight != SIG_TIMER_NO_METHOD || timer->peer_request != SIG_TIMER_NO_METHOD)
        {
          timer->next_us = 0;
          timer->waits_for_turn = TRUE;
        }
      else
        send_refresh (timer, settings, step);
    }
}

static void
dispatch (SigSessionTimer *timer, const SigTimerSettings *settings, const SigTimerEvent *event, gint64 now,
          SigTimerStep *step)
{
  Phase phase = (Phase)timer->phase;

  if (event->type == SIG_TIMER_DIAL && phase == IDLE)
    on_dial (timer, settings, step);
  else if (event->type == SIG_TIMER_INVITED && phase == IDLE)
    on_invited (timer, settings, event, step);
  else if (event->type == SIG_TIMER_DIAL_REFUSED && phase == SETTING_UP && timer->is_caller)
    on_dial_refused (timer, settings, event, step);
  else if (event->type == SIG_TIMER_DIAL_ANSWERED && phase == SETTING_UP && timer->is_caller)
    on_dial_answered (timer, settings, event, now, step);
  else if (event->type == SIG_TIMER_ANSWER && phase == SETTING_UP && !timer->is_caller)
    on_answer (timer, settings, now, step);
  else if (phase != RUNNING)
    return;
  else if (event->type == SIG_TIMER_REQUEST)
    on_request (timer, settings, event, now, step);
  else if (event->type == SIG_TIMER_ANSWER_REQUEST)
    on_answer_request (timer, settings, now, step);
  else if (event->type == SIG_TIMER_REFUSE_REQUEST)
    on_refuse_request (timer, now);
  else if (event->type == SIG_TIMER_OFFER)
    on_offer (timer, settings, step);
  else if (event->type == SIG_TIMER_RESULT)
    on_result (timer, settings, event, now, step);
  else if (event->type == SIG_TIMER_TICK)
    on_tick (timer, settings, now, step);
}

SigTimerStep
sig_session_timer_step (SigSessionTimer *timer, const SigTimerSettings *settings, const SigTimerEvent *event,
                        CfgMonotonic now)
{
  SigTimerStep step = { 0 };

  if (event->type == SIG_TIMER_END)
    finish (timer);
  else
    dispatch (timer, settings, event, now.us, &step);
  timer->due_us = timer->tells_start   ? timer->started_us
                  : timer->next_us > 0 ? MIN (timer->next_us, timer->expires_us)
                                       : timer->expires_us;
  return step;
}
