/* The session timer against a peer made of a table: every row of the design's table, both roles; then ten
 * thousand random sequences of events in virtual time. */
#include "signaling/core/session_timer.h"

#include <string.h>

static const SigTimerSettings usual
    = { .enabled = TRUE, .default_expires_s = 1800, .min_se_s = 90, .prefer = SIG_TIMER_UAC };

typedef struct
{
  SigSessionTimer timer;
  SigTimerSettings settings;
  gint64 now; /* microseconds */
} Call;

static SigTimerStep
step (Call *call, const SigTimerEvent *event)
{
  return sig_session_timer_step (&call->timer, &call->settings, event, (CfgMonotonic){ call->now });
}

#define STEP(call, ...) step ((call), &(SigTimerEvent){ __VA_ARGS__ })
#define SAYS(...)       .headers = { __VA_ARGS__ }

static gint64
at (double s)
{
  return (gint64)(s * 1e6);
}

/* Goes to the next instant at which something is due; asserts that it is @s seconds after the start. */
static SigTimerStep
tick_at (Call *call, gint64 start, double s)
{
  g_assert_cmpint (call->timer.due_us - start, ==, at (s));
  call->now = call->timer.due_us;
  return STEP (call, .type = SIG_TIMER_TICK);
}

static Call
inbound (const SigTimerSettings *settings, guint32 expires_s, SigTimerRefresher refresher, gboolean supported)
{
  Call call = { .settings = *settings, .now = at (1000) };
  SigTimerStep result;

  (void)STEP (&call, .type = SIG_TIMER_INVITED, .allows_update = TRUE,
              SAYS (.supported = supported, .expires_s = expires_s, .refresher = refresher));
  (void)STEP (&call, .type = SIG_TIMER_ANSWER);
  if (call.timer.due_us == call.now)
    {
      result = STEP (&call, .type = SIG_TIMER_TICK);
      g_assert_cmpuint (result.news, ==, SIG_TIMER_NEWS_STARTED);
    }
  return call;
}

static Call
outbound (const SigTimerSettings *settings, guint32 expires_s, SigTimerRefresher refresher)
{
  Call call = { .settings = *settings, .now = at (1000) };

  (void)STEP (&call, .type = SIG_TIMER_DIAL);
  (void)STEP (&call, .type = SIG_TIMER_DIAL_ANSWERED, .allows_update = TRUE,
              SAYS (.supported = TRUE, .expires_s = expires_s, .refresher = refresher));
  if (call.timer.due_us == call.now)
    (void)STEP (&call, .type = SIG_TIMER_TICK);
  return call;
}

/* ---- the answer to an INVITE ---- */

typedef struct
{
  const char *name;
  gboolean disabled;
  SigTimerRefresher prefer;
  SigTimerHeaders asked;
  int refused;          /* 0: answered */
  SigTimerHeaders said; /* in the 2xx, or Min-SE in the 422 */
  gboolean we_refresh;
} AnswerCase;

static const AnswerCase answers[] = {
  { "names_all",
    FALSE,
    SIG_TIMER_UAS,
    { TRUE, FALSE, 120, SIG_TIMER_UAC, 90 },
    0,
    { TRUE, TRUE, 120, SIG_TIMER_UAC, 0 },
    FALSE },
  { "names_uas",
    FALSE,
    SIG_TIMER_UAC,
    { TRUE, FALSE, 120, SIG_TIMER_UAS, 0 },
    0,
    { TRUE, TRUE, 120, SIG_TIMER_UAS, 0 },
    TRUE },
  { "prefers_uac",
    FALSE,
    SIG_TIMER_UAC,
    { TRUE, FALSE, 120, SIG_TIMER_NOBODY, 0 },
    0,
    { TRUE, TRUE, 120, SIG_TIMER_UAC, 0 },
    FALSE },
  { "prefers_uas",
    FALSE,
    SIG_TIMER_UAS,
    { TRUE, FALSE, 120, SIG_TIMER_NOBODY, 0 },
    0,
    { TRUE, TRUE, 120, SIG_TIMER_UAS, 0 },
    TRUE },
  { "supports_without_interval",
    FALSE,
    SIG_TIMER_UAS,
    { TRUE, FALSE, 0, SIG_TIMER_NOBODY, 0 },
    0,
    { TRUE, TRUE, 1800, SIG_TIMER_UAS, 0 },
    TRUE },
  { "min_se_above_our_interval",
    FALSE,
    SIG_TIMER_UAC,
    { TRUE, FALSE, 0, SIG_TIMER_NOBODY, 3600 },
    0,
    { TRUE, TRUE, 3600, SIG_TIMER_UAC, 0 },
    FALSE },
  { "longer_than_ours",
    FALSE,
    SIG_TIMER_UAC,
    { TRUE, FALSE, 7200, SIG_TIMER_UAS, 0 },
    0,
    { TRUE, TRUE, 7200, SIG_TIMER_UAS, 0 },
    TRUE },
  { "interval_without_support",
    FALSE,
    SIG_TIMER_UAC,
    { FALSE, FALSE, 1800, SIG_TIMER_NOBODY, 0 },
    0,
    { TRUE, FALSE, 1800, SIG_TIMER_UAS, 0 },
    TRUE },
  { "short_without_support_is_no_422",
    FALSE,
    SIG_TIMER_UAC,
    { FALSE, FALSE, 60, SIG_TIMER_UAC, 0 },
    0,
    { TRUE, FALSE, 60, SIG_TIMER_UAS, 0 },
    TRUE },
  { "no_timer_at_all",
    FALSE,
    SIG_TIMER_UAC,
    { FALSE, FALSE, 0, SIG_TIMER_NOBODY, 0 },
    0,
    { TRUE, FALSE, 0, SIG_TIMER_NOBODY, 0 },
    FALSE },
  { "too_short",
    FALSE,
    SIG_TIMER_UAC,
    { TRUE, FALSE, 89, SIG_TIMER_UAC, 20 },
    422,
    { FALSE, FALSE, 0, SIG_TIMER_NOBODY, 90 },
    FALSE },
  { "just_long_enough",
    FALSE,
    SIG_TIMER_UAC,
    { TRUE, FALSE, 90, SIG_TIMER_UAC, 0 },
    0,
    { TRUE, TRUE, 90, SIG_TIMER_UAC, 0 },
    FALSE },
  { "disabled",
    TRUE,
    SIG_TIMER_UAC,
    { TRUE, FALSE, 20, SIG_TIMER_UAC, 0 },
    0,
    { FALSE, FALSE, 0, SIG_TIMER_NOBODY, 0 },
    FALSE },
};

static void
test_answer (gconstpointer data)
{
  const AnswerCase *c = data;
  Call call = { .settings = usual, .now = 1 };
  SigTimerStep result;

  call.settings.enabled = !c->disabled;
  call.settings.prefer = c->prefer;
  result = STEP (&call, .type = SIG_TIMER_INVITED, .headers = c->asked);
  if (c->refused != 0)
    {
      g_assert_cmpuint (result.actions, ==, SIG_TIMER_DO_REFUSE);
      g_assert_cmpint (result.status, ==, c->refused);
      g_assert_cmpuint (result.headers.min_se_s, ==, c->said.min_se_s);
      return;
    }
  g_assert_cmpuint (result.actions, ==, 0);
  g_assert_cmpint ((result.news & SIG_TIMER_NEWS_NEGOTIATED) != 0, ==, c->said.expires_s > 0);
  result = STEP (&call, .type = SIG_TIMER_ANSWER);
  g_assert_cmpuint (result.actions, ==, SIG_TIMER_DO_WRITE);
  g_assert_cmpmem (&result.headers, sizeof result.headers, &c->said, sizeof c->said);
  g_assert_cmpint (call.timer.we_refresh, ==, c->we_refresh);
  g_assert_cmpint (call.timer.due_us != 0, ==, c->said.expires_s > 0);
}

/* ---- our INVITE ---- */

static void
test_dial_headers (void)
{
  Call call = { .settings = usual, .now = 1 };
  SigTimerStep result = STEP (&call, .type = SIG_TIMER_DIAL);

  g_assert_true (result.headers.supported);
  g_assert_cmpuint (result.headers.expires_s, ==, 1800);
  g_assert_cmpuint (result.headers.min_se_s, ==, 90);
  g_assert_cmpint (result.headers.refresher, ==, SIG_TIMER_UAC);

  memset (&call, 0, sizeof call);
  result = STEP (&call, .type = SIG_TIMER_DIAL); /* disabled */
  g_assert_false (result.headers.supported);
  g_assert_cmpuint (result.headers.expires_s, ==, 0);
}

static void
test_dial_422 (void)
{
  Call call = { .settings = usual, .now = 1 };
  SigTimerStep result;

  (void)STEP (&call, .type = SIG_TIMER_DIAL);
  result = STEP (&call, .type = SIG_TIMER_DIAL_REFUSED, .status = 422, SAYS (.min_se_s = 2400));
  g_assert_cmpuint (result.actions, ==, SIG_TIMER_DO_REDIAL);
  g_assert_cmpuint (result.headers.expires_s, ==, 2400);
  g_assert_cmpuint (result.headers.min_se_s, ==, 2400);
  /* a second proxy wants more still */
  result = STEP (&call, .type = SIG_TIMER_DIAL_REFUSED, .status = 422, SAYS (.min_se_s = 3600));
  g_assert_cmpuint (result.headers.expires_s, ==, 3600);
  /* nothing would change: given up */
  result = STEP (&call, .type = SIG_TIMER_DIAL_REFUSED, .status = 422, SAYS (.min_se_s = 3600));
  g_assert_cmpuint (result.actions, ==, 0);
}

static void
test_dial_without (gconstpointer data)
{
  Call call = { .settings = usual, .now = 1 };
  SigTimerStep result;
  int status = GPOINTER_TO_INT (data);

  (void)STEP (&call, .type = SIG_TIMER_DIAL);
  result = STEP (&call, .type = SIG_TIMER_DIAL_REFUSED, .status = status);
  g_assert_cmpuint (result.actions, ==, SIG_TIMER_DO_REDIAL);
  g_assert_false (result.headers.supported);
  g_assert_cmpuint (result.headers.expires_s + result.headers.min_se_s, ==, 0);
  result = STEP (&call, .type = SIG_TIMER_DIAL_REFUSED, .status = status);
  g_assert_cmpuint (result.actions, ==, 0);
  result = STEP (&call, .type = SIG_TIMER_DIAL_ANSWERED);
  g_assert_cmpuint (result.news, ==, SIG_TIMER_NEWS_NOT_NEGOTIATED);
  g_assert_cmpint (call.timer.due_us, ==, 0);
}

static void
test_dial_refused_otherwise (void)
{
  Call call = { .settings = usual, .now = 1 };

  (void)STEP (&call, .type = SIG_TIMER_DIAL);
  g_assert_cmpuint (STEP (&call, .type = SIG_TIMER_DIAL_REFUSED, .status = 486).actions, ==, 0);
}

static void
test_answered_roles (void)
{
  static const struct
  {
    SigTimerRefresher said;
    gboolean we;
  } cases[] = { { SIG_TIMER_UAC, TRUE }, { SIG_TIMER_UAS, FALSE }, { SIG_TIMER_NOBODY, TRUE } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Call call = outbound (&usual, 900, cases[i].said);
      g_assert_cmpint (call.timer.we_refresh, ==, cases[i].we);
      g_assert_cmpuint (call.timer.interval_s, ==, 900);
    }
}

/* ---- refreshes of ours ---- */

static void
test_refresh_at_half (void)
{
  static const guint32 intervals[] = { 90, 91, 120, 900, 1800, 7200 };

  for (guint i = 0; i < G_N_ELEMENTS (intervals); i++)
    {
      Call call = inbound (&usual, intervals[i], SIG_TIMER_UAS, TRUE);
      gint64 start = call.now;
      SigTimerStep result = tick_at (&call, start, intervals[i] / 2.0);

      g_assert_cmpuint (result.actions, ==, SIG_TIMER_DO_SEND);
      g_assert_cmpint (result.method, ==, SIG_TIMER_INVITE);
      g_assert_cmpuint (result.headers.expires_s, ==, intervals[i]);
      g_assert_cmpuint (result.headers.min_se_s, ==, 90);
      g_assert_cmpint (result.headers.refresher, ==, SIG_TIMER_UAC);
      g_assert_true (result.headers.supported);
      call.now += at (0.1);
      start = call.now;
      result = STEP (&call, .type = SIG_TIMER_RESULT, .status = 200,
                     SAYS (.expires_s = intervals[i], .refresher = SIG_TIMER_UAC));
      g_assert_cmpuint (result.news, ==, SIG_TIMER_NEWS_REFRESHED);
      result = tick_at (&call, start, intervals[i] / 2.0);
      g_assert_cmpuint (result.actions, ==, SIG_TIMER_DO_SEND);
    }
}

static void
test_method (void)
{
  static const struct
  {
    gboolean use, allowed;
    SigTimerMethod method;
  } cases[] = { { FALSE, FALSE, SIG_TIMER_INVITE },
                { FALSE, TRUE, SIG_TIMER_INVITE },
                { TRUE, FALSE, SIG_TIMER_INVITE },
                { TRUE, TRUE, SIG_TIMER_UPDATE } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      SigTimerSettings settings = usual;
      settings.use_update = cases[i].use;
      Call call = inbound (&settings, 120, SIG_TIMER_UAS, TRUE);
      call.timer.allows_update = (guint8)cases[i].allowed;
      g_assert_cmpint (tick_at (&call, call.now, 60).method, ==, cases[i].method);
    }
}

static Call
refreshing (gboolean caller, gboolean use_update)
{
  SigTimerSettings settings = usual;
  settings.use_update = use_update;
  Call call
      = caller ? outbound (&settings, 1800, SIG_TIMER_UAC) : inbound (&settings, 1800, SIG_TIMER_UAS, TRUE);

  g_assert_cmpuint (tick_at (&call, call.now, 900).actions, ==, SIG_TIMER_DO_SEND);
  return call;
}

static void
test_update_not_known (gconstpointer data)
{
  Call call = refreshing (TRUE, TRUE);
  SigTimerStep result = STEP (&call, .type = SIG_TIMER_RESULT, .status = GPOINTER_TO_INT (data));

  g_assert_cmpuint (result.actions, ==, SIG_TIMER_DO_SEND);
  g_assert_cmpint (result.method, ==, SIG_TIMER_INVITE);
  (void)STEP (&call, .type = SIG_TIMER_RESULT, .status = 200,
              SAYS (.expires_s = 1800, .refresher = SIG_TIMER_UAC));
  g_assert_cmpint (tick_at (&call, call.now, 900).method, ==, SIG_TIMER_INVITE); /* for good */
}

static void
test_refresh_422 (void)
{
  Call call = refreshing (FALSE, FALSE);
  SigTimerStep result = STEP (&call, .type = SIG_TIMER_RESULT, .status = 422, SAYS (.min_se_s = 2000));

  g_assert_cmpuint (result.actions, ==, SIG_TIMER_DO_SEND);
  g_assert_cmpuint (result.headers.expires_s, ==, 2000);
  g_assert_cmpuint (result.headers.min_se_s, ==, 2000);
  /* the same again would go on for ever: once more before expiry, as for any other failure */
  result = STEP (&call, .type = SIG_TIMER_RESULT, .status = 422, SAYS (.min_se_s = 2000));
  g_assert_cmpuint (result.actions, ==, 0);
  g_assert_cmpint (call.timer.next_us, ==, call.now + at (434));
}

static void
test_refresh_491 (void)
{
  for (guint32 random = 0; random < 1000; random += 7)
    {
      Call caller = refreshing (TRUE, FALSE), callee = refreshing (FALSE, FALSE);

      (void)STEP (&caller, .type = SIG_TIMER_RESULT, .status = 491, .random = random);
      (void)STEP (&callee, .type = SIG_TIMER_RESULT, .status = 491, .random = random);
      g_assert_cmpint (caller.timer.due_us - caller.now, >=, at (2.1));
      g_assert_cmpint (caller.timer.due_us - caller.now, <=, at (4));
      g_assert_cmpint (callee.timer.due_us - callee.now, <=, at (2));
      caller.now = caller.timer.due_us;
      g_assert_cmpuint (STEP (&caller, .type = SIG_TIMER_TICK).actions, ==, SIG_TIMER_DO_SEND);
    }
}

static void
test_refresh_retry_after (void)
{
  Call call = refreshing (FALSE, FALSE);

  (void)STEP (&call, .type = SIG_TIMER_RESULT, .status = 503, .retry_after_s = 30);
  g_assert_cmpuint (tick_at (&call, call.now, 30).actions, ==, SIG_TIMER_DO_SEND);
  /* too late to be of use: half-way instead */
  (void)STEP (&call, .type = SIG_TIMER_RESULT, .status = 503, .retry_after_s = 4000);
  g_assert_cmpint (call.timer.next_us - call.now, ==, (call.timer.expires_us - call.now) / 2);
}

/* Once more, then BYE at the end of the time. 0 is no answer at all. */
static void
test_refresh_refused (gconstpointer data)
{
  Call call = refreshing (FALSE, FALSE);
  SigTimerStep result = STEP (&call, .type = SIG_TIMER_RESULT, .status = GPOINTER_TO_INT (data));
  gint64 start = call.timer.started_us;

  g_assert_cmpuint (result.actions, ==, 0);
  g_assert_cmpuint (result.news, ==, SIG_TIMER_NEWS_FAILED);
  g_assert_cmpuint (tick_at (&call, start, 900 + (1768 - 900) / 2.0).actions, ==, SIG_TIMER_DO_SEND);
  (void)STEP (&call, .type = SIG_TIMER_RESULT, .status = GPOINTER_TO_INT (data));
  result = tick_at (&call, start, 1800 - 32);
  g_assert_cmpuint (result.actions, ==, SIG_TIMER_DO_BYE);
  g_assert_cmpuint (result.news, ==, SIG_TIMER_NEWS_EXPIRED);
  g_assert_cmpint (call.timer.due_us, ==, 0);
}

static void
test_refresh_dialog_gone (gconstpointer data)
{
  Call call = refreshing (FALSE, FALSE);
  SigTimerStep result = STEP (&call, .type = SIG_TIMER_RESULT, .status = GPOINTER_TO_INT (data));

  g_assert_cmpuint (result.actions, ==, SIG_TIMER_DO_BYE);
  g_assert_cmpint (result.status, ==, GPOINTER_TO_INT (data));
  g_assert_cmpint (call.timer.due_us, ==, 0);
}

static void
test_refresh_switched_off (void)
{
  Call call = refreshing (TRUE, FALSE);
  SigTimerStep result = STEP (&call, .type = SIG_TIMER_RESULT, .status = 200);

  g_assert_true (result.news & SIG_TIMER_NEWS_NOT_NEGOTIATED);
  g_assert_cmpint (call.timer.due_us, ==, 0);
}

static void
test_expiry (void)
{
  static const struct
  {
    guint32 interval;
    double expiry;
    guint32 warning;
  } cases[] = { { 90, 60, 60 }, { 96, 64, 64 }, { 97, 65, 65 }, { 120, 88, 88 }, { 1800, 1768, 1768 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Call call = inbound (&usual, cases[i].interval, SIG_TIMER_UAS, TRUE);
      gint64 start = call.now;

      g_assert_cmpuint (sig_session_timer_warning_s (&call.timer), ==, cases[i].warning);
      (void)tick_at (&call, start, cases[i].interval / 2.0); /* never answered */
      if (call.timer.due_us < start + at (cases[i].expiry))
        (void)STEP (&call, .type = SIG_TIMER_TICK);
      g_assert_cmpuint (tick_at (&call, start, cases[i].expiry).actions, ==, SIG_TIMER_DO_BYE);
    }
}

/* ---- refreshes of the peer ---- */

static void
test_rescue (void)
{
  static const struct
  {
    guint32 interval;
    double at;
  } cases[] = { { 90, 50 }, { 120, 65 }, { 1800, 905 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Call call = inbound (&usual, cases[i].interval, SIG_TIMER_UAC, TRUE);
      gint64 start = call.now;
      SigTimerStep result = tick_at (&call, start, cases[i].at);

      g_assert_cmpuint (result.actions, ==, SIG_TIMER_DO_SEND);
      g_assert_cmpuint (result.news, ==, SIG_TIMER_NEWS_RESCUING);
      g_assert_cmpint (result.headers.refresher, ==, SIG_TIMER_UAS);
      result = STEP (&call, .type = SIG_TIMER_RESULT, .status = 200,
                     SAYS (.expires_s = cases[i].interval, .refresher = SIG_TIMER_UAS));
      g_assert_cmpuint (result.news, ==, SIG_TIMER_NEWS_RESCUED);
      g_assert_false (call.timer.we_refresh);
      (void)tick_at (&call, call.now, cases[i].at); /* once per interval, so again in the next */
      (void)STEP (&call, .type = SIG_TIMER_RESULT, .status = 200,
                  SAYS (.expires_s = cases[i].interval, .refresher = SIG_TIMER_UAC));
      g_assert_true (call.timer.we_refresh); /* the answer decides */
      g_assert_cmpuint (tick_at (&call, call.now, cases[i].interval / 2.0).news, ==,
                        SIG_TIMER_NEWS_REFRESHING);
    }
}

static void
test_peer_refreshes (void)
{
  Call call = inbound (&usual, 120, SIG_TIMER_UAC, TRUE);
  SigTimerStep result;

  for (guint i = 0; i < 5; i++)
    {
      call.now += at (60);
      result = STEP (&call, .type = SIG_TIMER_REQUEST, .method = i % 2 ? SIG_TIMER_INVITE : SIG_TIMER_UPDATE,
                     SAYS (.supported = TRUE, .expires_s = 120, .refresher = SIG_TIMER_UAC));
      g_assert_cmpuint (result.actions, ==, 0);
      result = STEP (&call, .type = SIG_TIMER_ANSWER_REQUEST);
      g_assert_cmpuint (result.news, ==, SIG_TIMER_NEWS_PEER_REFRESHED);
      g_assert_cmpuint (result.headers.expires_s, ==, 120);
      g_assert_true (result.headers.require);
      g_assert_cmpint (call.timer.due_us, ==, call.now + at (65));
    }
}

static void
test_peer_changes_interval (void)
{
  Call call = inbound (&usual, 120, SIG_TIMER_UAC, TRUE);
  SigTimerStep result;

  (void)STEP (&call, .type = SIG_TIMER_REQUEST, .method = SIG_TIMER_INVITE,
              SAYS (.supported = TRUE, .expires_s = 600, .refresher = SIG_TIMER_UAS));
  result = STEP (&call, .type = SIG_TIMER_ANSWER_REQUEST);
  g_assert_cmpuint (result.headers.expires_s, ==, 600);
  g_assert_true (call.timer.we_refresh);
  g_assert_cmpint (call.timer.due_us, ==, call.now + at (300));
  result = STEP (&call, .type = SIG_TIMER_REQUEST, .method = SIG_TIMER_UPDATE,
                 SAYS (.supported = TRUE, .expires_s = 30));
  g_assert_cmpint (result.status, ==, 422);
  g_assert_cmpuint (result.headers.min_se_s, ==, 90);
  g_assert_cmpint (call.timer.due_us, ==, call.now + at (300)); /* refused: nothing changed */
}

/* A re-INVITE for another reason that says nothing about the timer: it goes on, and the roles stay. */
static void
test_peer_says_nothing (void)
{
  Call call = inbound (&usual, 120, SIG_TIMER_UAC, TRUE);
  SigTimerStep result;

  (void)STEP (&call, .type = SIG_TIMER_REQUEST, .method = SIG_TIMER_INVITE, SAYS (.supported = TRUE));
  result = STEP (&call, .type = SIG_TIMER_ANSWER_REQUEST);
  g_assert_cmpuint (result.headers.expires_s, ==, 120);
  g_assert_cmpint (result.headers.refresher, ==, SIG_TIMER_UAC);
  (void)STEP (&call, .type = SIG_TIMER_REQUEST, .method = SIG_TIMER_INVITE);
  result = STEP (&call, .type = SIG_TIMER_ANSWER_REQUEST);
  g_assert_cmpint (result.headers.refresher, ==, SIG_TIMER_UAS);
  g_assert_false (result.headers.require);
  g_assert_true (call.timer.we_refresh);
}

static void
test_glare (void)
{
  Call call = refreshing (FALSE, FALSE);
  SigTimerStep result = STEP (&call, .type = SIG_TIMER_REQUEST, .method = SIG_TIMER_INVITE);

  g_assert_cmpint (result.status, ==, 491);
  result = STEP (&call, .type = SIG_TIMER_REQUEST, .method = SIG_TIMER_UPDATE, .has_offer = TRUE);
  g_assert_cmpint (result.status, ==, 491);
  result = STEP (&call, .type = SIG_TIMER_REQUEST, .method = SIG_TIMER_UPDATE,
                 SAYS (.supported = TRUE, .expires_s = 1800));
  g_assert_cmpint (result.actions, ==, 0);
}

static void
test_busy (void)
{
  Call call = inbound (&usual, 120, SIG_TIMER_UAS, TRUE);
  SigTimerStep result;

  (void)STEP (&call, .type = SIG_TIMER_REQUEST, .method = SIG_TIMER_INVITE, SAYS (.supported = TRUE));
  g_assert_cmpuint (STEP (&call, .type = SIG_TIMER_OFFER).actions, ==, SIG_TIMER_DO_REFUSE);
  result = tick_at (&call, call.now, 60); /* the owner still thinks about it */
  g_assert_cmpuint (result.actions, ==, 0);
  (void)STEP (&call, .type = SIG_TIMER_REFUSE_REQUEST);
  call.now = call.timer.due_us;
  g_assert_cmpuint (STEP (&call, .type = SIG_TIMER_TICK).actions, ==, SIG_TIMER_DO_SEND);
}

/* A re-INVITE of ours for another reason carries the headers, and its answer counts as a refresh. */
static void
test_own_offer (void)
{
  Call call = inbound (&usual, 120, SIG_TIMER_UAC, TRUE);
  SigTimerStep result;

  call.now += at (10);
  result = STEP (&call, .type = SIG_TIMER_OFFER);
  g_assert_cmpuint (result.headers.expires_s, ==, 120);
  g_assert_cmpint (result.headers.refresher, ==, SIG_TIMER_UAS);
  result = STEP (&call, .type = SIG_TIMER_RESULT, .status = 200,
                 SAYS (.expires_s = 120, .refresher = SIG_TIMER_UAS));
  g_assert_cmpuint (result.news, ==, 0);
  g_assert_cmpint (call.timer.due_us, ==, call.now + at (65));
}

/* ---- ten thousand random calls ---- */

typedef struct
{
  GRand *rand;
  Call call;
  guint in_flight, longest;
  gboolean ended;
} Fuzz;

static SigTimerHeaders
random_headers (GRand *rand)
{
  static const guint32 values[] = { 0, 0, 1, 60, 90, 91, 120, 900, 1800, 86400, G_MAXUINT32 };

  return (SigTimerHeaders){ .supported = g_rand_boolean (rand),
                            .expires_s = values[g_rand_int_range (rand, 0, G_N_ELEMENTS (values))],
                            .refresher = (SigTimerRefresher)g_rand_int_range (rand, 0, 3),
                            .min_se_s = values[g_rand_int_range (rand, 0, G_N_ELEMENTS (values) - 1)] };
}

static SigTimerEvent
random_event (Fuzz *fuzz)
{
  static const int statuses[]
      = { 0, 200, 200, 200, 202, 302, 401, 405, 408, 422, 422, 481, 486, 488, 491, 500, 501, 503, 603 };
  SigTimerEvent event = {
    .type = (SigTimerEventType)g_rand_int_range (fuzz->rand, 0, SIG_TIMER_END + 1),
    .headers = random_headers (fuzz->rand),
    .method = g_rand_boolean (fuzz->rand) ? SIG_TIMER_INVITE : SIG_TIMER_UPDATE,
    .has_offer = g_rand_boolean (fuzz->rand),
    .allows_update = g_rand_boolean (fuzz->rand),
    .status = statuses[g_rand_int_range (fuzz->rand, 0, G_N_ELEMENTS (statuses))],
    .retry_after_s = g_rand_boolean (fuzz->rand) ? g_rand_int (fuzz->rand) % 100 : 0,
    .random = g_rand_int (fuzz->rand),
  };

  if (event.type == SIG_TIMER_END && g_rand_int_range (fuzz->rand, 0, 20) != 0)
    event.type = SIG_TIMER_TICK;
  return event;
}

static void
check_step (Fuzz *fuzz, const SigTimerEvent *event)
{
  SigTimerStep result = step (&fuzz->call, event);
  const SigSessionTimer *timer = &fuzz->call.timer;

  if (event->type == SIG_TIMER_RESULT)
    fuzz->in_flight = 0;
  if (fuzz->ended)
    {
      g_assert_cmpuint (result.actions | result.news, ==, 0);
      g_assert_cmpint (timer->due_us, ==, 0);
    }
  if (result.actions & SIG_TIMER_DO_SEND
      || (event->type == SIG_TIMER_OFFER && result.actions == SIG_TIMER_DO_WRITE))
    {
      g_assert_cmpuint (fuzz->in_flight, ==, 0);
      fuzz->in_flight++;
    }
  if (result.actions & SIG_TIMER_DO_SEND)
    {
      g_assert_true (result.method != SIG_TIMER_NO_METHOD);
      g_assert_cmpuint (result.headers.expires_s, >=, result.headers.min_se_s);
      g_assert_cmpint (fuzz->call.now, <, timer->expires_us);
    }
  if (event->type == SIG_TIMER_END || result.actions & SIG_TIMER_DO_BYE)
    fuzz->ended = TRUE;
  if (timer->interval_s == 0 || fuzz->ended)
    g_assert_cmpint (timer->due_us, ==, 0);
  else
    g_assert_cmpint (timer->due_us, >, 0);
}

static void
run_random (guint32 seed)
{
  Fuzz fuzz = { .rand = g_rand_new_with_seed (seed), .call = { .settings = usual, .now = at (5) } };
  guint n = (guint)g_rand_int_range (fuzz.rand, 5, 60);

  fuzz.call.settings.enabled = g_rand_int_range (fuzz.rand, 0, 8) != 0;
  fuzz.call.settings.use_update = g_rand_boolean (fuzz.rand);
  fuzz.call.settings.prefer = g_rand_boolean (fuzz.rand) ? SIG_TIMER_UAC : SIG_TIMER_UAS;
  check_step (&fuzz,
              &(SigTimerEvent){ .type = g_rand_boolean (fuzz.rand) ? SIG_TIMER_DIAL : SIG_TIMER_INVITED,
                                .headers = random_headers (fuzz.rand) });
  check_step (&fuzz,
              &(SigTimerEvent){ .type = SIG_TIMER_DIAL_ANSWERED, .headers = random_headers (fuzz.rand) });
  for (guint i = 0; i < n; i++)
    {
      SigTimerEvent event = random_event (&fuzz);

      if (g_rand_boolean (fuzz.rand) && fuzz.call.timer.due_us > 0)
        {
          fuzz.call.now = MAX (fuzz.call.now, fuzz.call.timer.due_us);
          event.type = SIG_TIMER_TICK;
        }
      else
        fuzz.call.now += g_rand_int_range (fuzz.rand, 0, 5000000);
      check_step (&fuzz, &event);
    }
  /* left alone, it comes to rest: one refresh that nobody answers, then the end */
  for (guint i = 0; fuzz.call.timer.due_us > 0; i++)
    {
      g_assert_cmpuint (i, <, 50);
      fuzz.call.now = MAX (fuzz.call.now, fuzz.call.timer.due_us);
      check_step (&fuzz, &(SigTimerEvent){ .type = SIG_TIMER_REFUSE_REQUEST });
      check_step (&fuzz, &(SigTimerEvent){ .type = SIG_TIMER_TICK });
    }
  g_rand_free (fuzz.rand);
}

static void
test_random (void)
{
  for (guint32 seed = 0; seed < 10000; seed++)
    run_random (seed);
}

static void
add (const char *name, GTestDataFunc function, int status)
{
  g_autofree char *path = g_strdup_printf ("/signaling/session_timer/%s_%d", name, status);

  g_test_add_data_func (path, GINT_TO_POINTER (status), function);
}

int
main (int argc, char **argv)
{
  static const int others[] = { 0, 302, 400, 403, 404, 405, 480, 486, 488, 500, 501, 503, 603 };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autofree char *path = g_strdup_printf ("/signaling/session_timer/invited/%s", answers[i].name);
      g_test_add_data_func (path, &answers[i], test_answer);
    }
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    add ("refresh_gets", test_refresh_refused, others[i]);
  add ("refresh_gets", test_refresh_dialog_gone, 408);
  add ("refresh_gets", test_refresh_dialog_gone, 481);
  add ("update_gets", test_update_not_known, 405);
  add ("update_gets", test_update_not_known, 501);
  add ("dial_gets", test_dial_without, 501);
  add ("dial_gets", test_dial_without, 420);
  g_test_add_func ("/signaling/session_timer/dial_headers", test_dial_headers);
  g_test_add_func ("/signaling/session_timer/dial_gets_422", test_dial_422);
  g_test_add_func ("/signaling/session_timer/dial_gets_486", test_dial_refused_otherwise);
  g_test_add_func ("/signaling/session_timer/answered_roles", test_answered_roles);
  g_test_add_func ("/signaling/session_timer/refresh_at_half", test_refresh_at_half);
  g_test_add_func ("/signaling/session_timer/refresh_method", test_method);
  g_test_add_func ("/signaling/session_timer/refresh_gets_422", test_refresh_422);
  g_test_add_func ("/signaling/session_timer/refresh_gets_491", test_refresh_491);
  g_test_add_func ("/signaling/session_timer/refresh_gets_503_retry_after", test_refresh_retry_after);
  g_test_add_func ("/signaling/session_timer/refresh_gets_2xx_without_interval", test_refresh_switched_off);
  g_test_add_func ("/signaling/session_timer/expiry", test_expiry);
  g_test_add_func ("/signaling/session_timer/rescue_of_a_late_peer", test_rescue);
  g_test_add_func ("/signaling/session_timer/peer_refreshes", test_peer_refreshes);
  g_test_add_func ("/signaling/session_timer/peer_changes_interval", test_peer_changes_interval);
  g_test_add_func ("/signaling/session_timer/peer_says_nothing", test_peer_says_nothing);
  g_test_add_func ("/signaling/session_timer/glare", test_glare);
  g_test_add_func ("/signaling/session_timer/busy", test_busy);
  g_test_add_func ("/signaling/session_timer/own_offer", test_own_offer);
  g_test_add_func ("/signaling/session_timer/ten_thousand_random_calls", test_random);
  return g_test_run ();
}
