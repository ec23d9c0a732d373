/* The session timer of a call: what the log, the events, call.get and the counters say of it. Refreshing is
 * the SIP layer's business; the media hears of it only when the peer's description really changed. */
#include "gateway/call_private.h"

#include <stddef.h>

#include "config/base/log.h"
#include "gateway/events.h"

static GwTimerCounters *
counters_of (GwCall *call, const SigSessionTimer *timer)
{
  return &call->gateway->timer_counters[!call->v.inbound][!timer->we_refresh];
}

static void
emit (GwCall *call, const char *event, const SigSipTimerNews *news)
{
  const SigSessionTimer *timer = news->timer;

  gw_call_note (call, "session_timer",
                json_pack ("{s:s, s:i, s:b, s:s}", "what", event, "session_expires",
                           (int)MIN (timer->interval_s, G_MAXINT), "we_are_refresher", timer->we_refresh != 0,
                           "method", sig_timer_method_name (news->method)));
  if (call->v.room_name == NULL)
    return;
  gw_events_emit (call->gateway, call->v.room_name, "session_timer",
                  json_pack ("{s:s?, s:s, s:s, s:i, s:b, s:s}", "participant_identity", call->v.identity,
                             "sip_call_id", call->v.id, "event", event, "session_expires",
                             (int)MIN (timer->interval_s, G_MAXINT), "we_are_refresher",
                             timer->we_refresh != 0, "method", sig_timer_method_name (news->method)));
}

static void
on_negotiated (GwCall *call, const SigTimerHeaders *headers)
{
  const CfgLogContext context = gw_call_log_context (call);

  cfg_info ("sip", &context, "Negotiated session timer from response",
            CFG_INT ("sessionExpires", headers->expires_s),
            CFG_STR ("refresher", sig_timer_refresher_name (headers->refresher)));
}

void
gw_call_timer_invited (GwCall *call, const SigTimerHeaders *headers)
{
  const CfgLogContext context = gw_call_log_context (call);

  if (headers->expires_s == 0)
    return;
  cfg_info ("sip", &context, "Negotiated session timer from INVITE",
            CFG_INT ("sessionExpires", headers->expires_s), CFG_INT ("minSE", headers->min_se_s),
            CFG_STR ("refresher", sig_timer_refresher_name (headers->refresher)));
}

void
gw_call_timer_dialled (GwCall *call)
{
  const CfgSessionTimerSettings *settings = &call->gateway->settings->session_timer;
  const CfgLogContext context = gw_call_log_context (call);

  if (settings->enabled)
    cfg_info ("sip", &context, "Adding session timer headers to INVITE",
              CFG_INT ("sessionExpires", settings->default_expires_s), CFG_INT ("minSE", settings->min_se_s),
              CFG_STR ("refresher", settings->prefer_refresher == CFG_REFRESHER_UAS ? "uas" : "uac"));
}

static void
on_started (GwCall *call, const SigSipTimerNews *news)
{
  const CfgLogContext context = gw_call_log_context (call);
  const SigSessionTimer *timer = news->timer;
  g_autofree char *warning = g_strdup_printf ("%us", sig_session_timer_warning_s (timer));

  cfg_info ("sip", &context,
            call->v.inbound ? "Started session timer" : "Started session timer after call is established",
            CFG_INT ("sessionExpires", timer->interval_s), CFG_STR ("expiryWarning", warning),
            CFG_BOOL ("weAreRefresher", timer->we_refresh));
  counters_of (call, timer)->negotiated++;
  emit (call, "negotiated", news);
}

static void
on_refreshing (GwCall *call, const SigSipTimerNews *news)
{
  const CfgLogContext context = gw_call_log_context (call);
  gboolean update = news->method == SIG_TIMER_UPDATE;
  g_autofree char *created = g_strdup_printf (
      update ? "Created UPDATE with CSeq: %u" : "Created re-INVITE with CSeq: %u", news->cseq);

  cfg_info ("sip", &context, "Sending session refresh",
            CFG_STR ("method", sig_timer_method_name (news->method)),
            CFG_STR ("reason", news->news & SIG_TIMER_NEWS_RESCUING ? "the peer is late" : NULL));
  cfg_debug ("sip", &context, created);
}

/* A description that says the same as before is no reason to touch the media. */
static void
take_description (GwCall *call, const char *sdp)
{
  const CfgLogContext context = gw_call_log_context (call);
  g_autoptr (GError) error = NULL;

  if (sdp == NULL || gw_call_knows_remote (call, sdp) || gw_call_take_answer (call, sdp, &error))
    return;
  cfg_warn ("sip", &context, "The SDP in the answer to a refresh cannot be used, the call goes on as it was",
            CFG_STR ("reason", error->message));
}

static void
on_refreshed (GwCall *call, const SigSipTimerNews *news)
{
  const CfgLogContext context = gw_call_log_context (call);
  GwTimerCounters *counters = counters_of (call, news->timer);
  gboolean rescued = (news->news & SIG_TIMER_NEWS_RESCUED) != 0;

  cfg_info ("sip", &context, "Session refresh successful",
            CFG_STR ("method", sig_timer_method_name (news->method)),
            CFG_INT ("sessionExpires", news->timer->interval_s),
            CFG_BOOL ("weAreRefresher", news->timer->we_refresh));
  counters->sent[news->method == SIG_TIMER_UPDATE][0]++;
  counters->rescued += rescued;
  take_description (call, news->sdp);
  emit (call, rescued ? "rescued" : "refreshed", news);
}

static void
on_failed (GwCall *call, const SigSipTimerNews *news)
{
  const CfgLogContext context = gw_call_log_context (call);

  cfg_warn ("sip", &context, "Session refresh failed",
            CFG_STR ("method", sig_timer_method_name (news->method)),
            CFG_STR ("result", news->status == 0 ? "no answer" : NULL), CFG_INT ("status", news->status));
  counters_of (call, news->timer)->sent[news->method == SIG_TIMER_UPDATE][1]++;
}

static void
on_peer (GwCall *call, const SigSipTimerNews *news)
{
  const CfgLogContext context = gw_call_log_context (call);
  gboolean refused = (news->news & SIG_TIMER_NEWS_PEER_REFUSED) != 0;

  cfg_info ("sip", &context, refused ? "Session refresh refused" : "Session refresh received",
            CFG_STR ("method", sig_timer_method_name (news->method)), CFG_INT ("status", news->status),
            CFG_INT ("sessionExpires", news->timer->interval_s),
            CFG_BOOL ("weAreRefresher", news->timer->we_refresh));
  counters_of (call, news->timer)->received[news->method == SIG_TIMER_UPDATE][refused]++;
  if (!refused)
    emit (call, "refreshed", news);
}

static void
on_expired (GwCall *call, const SigSipTimerNews *news)
{
  const CfgLogContext context = gw_call_log_context (call);

  cfg_warn ("sip", &context, "Session timer expired, terminating call",
            CFG_INT ("sessionExpires", news->timer->interval_s),
            CFG_BOOL ("weAreRefresher", news->timer->we_refresh));
  counters_of (call, news->timer)->expired++;
  emit (call, "expired", news);
}

static void
on_none (GwCall *call)
{
  const CfgLogContext context = gw_call_log_context (call);

  cfg_info ("sip", &context, "No Session-Expires header in response");
  cfg_info ("sip", &context, "Session timer not negotiated (remote doesn't support)");
}

void
gw_call_on_timer (gpointer data, SigSipCallId sip, const SigSipTimerNews *news)
{
  GwCall *call = gw_call_by_sip (data, sip);

  if (call == NULL)
    return;
  call->v.timer = *news->timer;
  if (news->news & SIG_TIMER_NEWS_NEGOTIATED)
    on_negotiated (call, &news->headers);
  if (news->news & SIG_TIMER_NEWS_NOT_NEGOTIATED)
    on_none (call);
  if (news->news & SIG_TIMER_NEWS_STARTED)
    on_started (call, news);
  if (news->news & (SIG_TIMER_NEWS_REFRESHING | SIG_TIMER_NEWS_RESCUING))
    on_refreshing (call, news);
  if (news->news & (SIG_TIMER_NEWS_REFRESHED | SIG_TIMER_NEWS_RESCUED))
    on_refreshed (call, news);
  if (news->news & SIG_TIMER_NEWS_FAILED)
    on_failed (call, news);
  if (news->news & (SIG_TIMER_NEWS_PEER_REFRESHED | SIG_TIMER_NEWS_PEER_REFUSED))
    on_peer (call, news);
  if (news->news & SIG_TIMER_NEWS_EXPIRED)
    on_expired (call, news);
}

const char *
gw_call_on_refresh_sdp (gpointer data, SigSipCallId sip)
{
  const GwCall *call = gw_call_by_sip (data, sip);

  return call != NULL ? call->v.sdp : NULL;
}

/* ---- call.get ---- */

static json_t *
time_json (gint64 at_us)
{
  CfgWall at = { cfg_wall_now ().us + at_us - cfg_monotonic_now ().us };
  g_autofree char *text = at_us > 0 ? gw_time_text (at) : NULL;

  return text != NULL ? json_string (text) : json_null ();
}

static json_t *
last_json (const SigSessionTimer *timer)
{
  if (timer->last_method == SIG_TIMER_NO_METHOD)
    return json_null ();
  return json_pack (
      "{s:s, s:s, s:i, s:s, s:o}", "method", sig_timer_method_name ((SigTimerMethod)timer->last_method), "by",
      timer->last_was_ours ? "us" : "peer", "sip_status_code", (int)timer->last_status, "result",
      timer->last_status == 0    ? "no_answer"
      : timer->last_status < 300 ? "ok"
                                 : "failed",
      "at", time_json (timer->last_us));
}

json_t *
gw_call_timer_json (const GwCall *call)
{
  const CfgSessionTimerSettings *settings = &call->gateway->settings->session_timer;
  SigSessionTimer live, timer = call->v.timer;

  if (sig_sip_call_session_timer (call->gateway->sip, call->sip, &live))
    timer = live;
  if (timer.interval_s == 0)
    return json_pack ("{s:b}", "active", 0);
  gboolean update = settings->use_update && timer.allows_update && !timer.update_refused;
  return json_pack ("{s:b, s:I, s:I, s:b, s:s, s:s, s:o, s:o, s:o}", "active", timer.expires_us != 0,
                    "session_expires", (json_int_t)timer.interval_s, "min_se",
                    (json_int_t)MAX (timer.min_se_s, settings->min_se_s), "we_are_refresher",
                    timer.we_refresh != 0, "role", timer.we_refresh ? "refresher" : "watcher", "method",
                    update ? "UPDATE" : "INVITE", "next_refresh_at", time_json (timer.next_us), "expires_at",
                    time_json (timer.expires_us), "last", last_json (&timer));
}

/* ---- /metrics ---- */

static const char *const directions[] = { "inbound", "outbound" };
static const char *const roles[] = { "refresher", "watcher" };

static void
add_head (GString *text, const char *name, const char *help)
{
  g_string_append_printf (text, "# HELP switchroom_session_%s %s\n# TYPE switchroom_session_%s counter\n",
                          name, help, name);
}

static void
add_plain (GString *text, Gateway *gateway, const char *name, const char *help, gsize offset)
{
  add_head (text, name, help);
  for (guint d = 0; d < 2; d++)
    for (guint r = 0; r < 2; r++)
      g_string_append_printf (
          text, "switchroom_session_%s{direction=\"%s\",role=\"%s\"} %" G_GUINT64_FORMAT "\n", name,
          directions[d], roles[r], *(const guint64 *)((const char *)&gateway->timer_counters[d][r] + offset));
}

static void
add_refreshes (GString *text, Gateway *gateway, const char *name, const char *help, gsize offset)
{
  static const char *const methods[] = { "INVITE", "UPDATE" }, *const results[] = { "ok", "failed" };

  add_head (text, name, help);
  for (guint d = 0; d < 2; d++)
    for (guint r = 0; r < 2; r++)
      for (guint i = 0; i < 4; i++)
        g_string_append_printf (
            text,
            "switchroom_session_%s{direction=\"%s\",role=\"%s\",method=\"%s\",result=\"%s\"} "
            "%" G_GUINT64_FORMAT "\n",
            name, directions[d], roles[r], methods[i / 2], results[i % 2],
            ((const guint64 *)((const char *)&gateway->timer_counters[d][r] + offset))[i]);
}

void
gw_call_timer_metrics (Gateway *gateway, GString *text)
{
  add_plain (text, gateway, "timers_negotiated_total", "Calls with a session timer.",
             offsetof (GwTimerCounters, negotiated));
  add_refreshes (text, gateway, "refreshes_sent_total", "Session refreshes sent.",
                 offsetof (GwTimerCounters, sent));
  add_refreshes (text, gateway, "refreshes_received_total", "Session refreshes received.",
                 offsetof (GwTimerCounters, received));
  add_plain (text, gateway, "refreshes_rescued_total", "Sessions of a late peer that we refreshed.",
             offsetof (GwTimerCounters, rescued));
  add_plain (text, gateway, "timers_expired_total", "Calls ended since nobody refreshed them.",
             offsetof (GwTimerCounters, expired));
}
