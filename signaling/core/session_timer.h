/* The session timer of one call (RFC 4028), both roles: what is negotiated, when a refresh goes out, what its
 * answer means, and when the call is over. Pure: the time and the random numbers come with the events, what
 * is to be done comes back as a step. One struct of plain values per call.
 *
 *   idle -- DIAL / INVITED --> setting up -- DIAL_ANSWERED / ANSWER --> running  <-> off (no timer agreed on)
 *                                                                          |
 *                                            END, or the time is over  --> ended: every event is ignored
 *
 * While it runs there are two instants: `next_us`, at which we send a refresh (ours at half the interval;
 * when the peer refreshes and is late, one of our own at half + min (5 s, interval / 18)), and `expires_us` =
 * interval - min (32 s, interval / 3) after the last refresh, at which the call ends (RFC 4028 10). At most
 * one request of ours is in flight. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

/* Who refreshes, by the roles of the transaction that says so: the one who sent the request is the UAC. */
typedef enum
{
  SIG_TIMER_NOBODY,
  SIG_TIMER_UAC,
  SIG_TIMER_UAS,
} SigTimerRefresher;

typedef enum
{
  SIG_TIMER_NO_METHOD,
  SIG_TIMER_INVITE,
  SIG_TIMER_UPDATE,
} SigTimerMethod;

typedef struct
{
  gboolean enabled;
  guint32 default_expires_s, min_se_s;
  SigTimerRefresher prefer; /* UAC or UAS */
  gboolean use_update;
} SigTimerSettings;

/* What a message says, or has to say, about the timer. */
typedef struct
{
  gboolean supported; /* Supported (or, received, Require) lists "timer" */
  gboolean require;   /* to write only: Require: timer */
  guint32 expires_s;  /* Session-Expires; 0: none */
  SigTimerRefresher refresher;
  guint32 min_se_s; /* Min-SE; 0: none */
} SigTimerHeaders;

typedef enum
{
  SIG_TIMER_DIAL,           /* our first INVITE is being written */
  SIG_TIMER_DIAL_REFUSED,   /* it got `status` with `headers` */
  SIG_TIMER_DIAL_ANSWERED,  /* it got a 2xx with `headers` */
  SIG_TIMER_INVITED,        /* the peer's first INVITE, with `headers` */
  SIG_TIMER_ANSWER,         /* our 2xx to it is being written */
  SIG_TIMER_REQUEST,        /* re-INVITE or UPDATE of the peer, with `headers` */
  SIG_TIMER_ANSWER_REQUEST, /* our 2xx to it is being written */
  SIG_TIMER_REFUSE_REQUEST, /* it was refused */
  SIG_TIMER_OFFER,          /* a re-INVITE that the owner wants is being written */
  SIG_TIMER_RESULT,         /* final answer to the request in flight */
  SIG_TIMER_TICK,           /* `due_us` has come */
  SIG_TIMER_END,            /* the call is over, for whatever reason */
} SigTimerEventType;

typedef struct
{
  SigTimerEventType type;
  SigTimerHeaders headers;
  SigTimerMethod method;  /* REQUEST */
  gboolean has_offer;     /* REQUEST: it carries SDP (a re-INVITE always counts as if) */
  gboolean allows_update; /* INVITED, DIAL_ANSWERED, REQUEST, RESULT: Allow lists UPDATE */
  int status;             /* DIAL_REFUSED, RESULT: 200-699; 0 in RESULT: no answer at all */
  guint32 retry_after_s;  /* RESULT: Retry-After; 0: none */
  guint32 random;         /* RESULT: for the wait after a 491 */
} SigTimerEvent;

typedef enum
{
  SIG_TIMER_DO_WRITE = 1 << 0,  /* `headers` belong into the message being written */
  SIG_TIMER_DO_REFUSE = 1 << 1, /* answer the request with `status` and `headers.min_se_s` */
  SIG_TIMER_DO_REDIAL = 1 << 2, /* send the first INVITE again, with `headers` */
  SIG_TIMER_DO_SEND = 1 << 3,   /* send a refresh: `method` with `headers` */
  SIG_TIMER_DO_BYE = 1 << 4,    /* end the call; `status` is the cause for the Reason header */
} SigTimerActions;

/* What is worth telling; the values are in the state. */
typedef enum
{
  SIG_TIMER_NEWS_NEGOTIATED = 1 << 0,     /* agreed on with the first INVITE */
  SIG_TIMER_NEWS_NOT_NEGOTIATED = 1 << 1, /* a 2xx without Session-Expires: no timer from here on */
  SIG_TIMER_NEWS_STARTED = 1 << 2,        /* comes with a TICK, so never from inside of an owner's call */
  SIG_TIMER_NEWS_REFRESHING = 1 << 3,     /* `method` goes out */
  SIG_TIMER_NEWS_RESCUING = 1 << 4,       /* the same, since the peer is late */
  SIG_TIMER_NEWS_REFRESHED = 1 << 5,      /* ours got a 2xx */
  SIG_TIMER_NEWS_RESCUED = 1 << 6,        /* the same, of a late peer */
  SIG_TIMER_NEWS_FAILED = 1 << 7,         /* ours got `status` (0: no answer) */
  SIG_TIMER_NEWS_PEER_REFRESHED = 1 << 8, /* theirs got our 2xx */
  SIG_TIMER_NEWS_PEER_REFUSED = 1 << 9,   /* theirs got `status` */
  SIG_TIMER_NEWS_EXPIRED = 1 << 10,       /* nobody refreshed in time */
} SigTimerNews;

typedef struct
{
  guint actions, news; /* SigTimerActions, SigTimerNews */
  SigTimerMethod method;
  int status;
  SigTimerHeaders headers;
} SigTimerStep;

/* All zero is the start. Instants are microseconds of the monotonic clock, 0 for none. */
typedef struct
{
  gint64 due_us;     /* when the next TICK is due */
  gint64 started_us; /* of the interval that runs */
  gint64 next_us, expires_us;
  gint64 last_us;      /* of the last result */
  guint32 interval_s;  /* 0: no timer */
  guint32 min_se_s;    /* the largest that was heard in this dialog */
  guint32 dial_s;      /* asked for by our INVITE */
  guint32 agreed_s;    /* to be said in our next 2xx; 0: nothing */
  guint16 last_status; /* of the last refresh either way; 0 with last_method: no answer */
  guint8 phase;        /* private */
  guint8 we_refresh, is_caller, allows_update;
  guint8 in_flight, in_flight_is_refresh, is_rescue; /* in_flight: SigTimerMethod */
  guint8 peer_request;                               /* SigTimerMethod, not answered yet */
  guint8 agreed_refresher, agreed_require;
  guint8 last_method, last_was_ours;
  guint8 dialled_plain, update_refused, tried_again, n_retries, tells_start, waits_for_turn;
} SigSessionTimer;

G_STATIC_ASSERT (sizeof (SigSessionTimer) <= 200);

/**
 * sig_session_timer_step:
 * @timer: changed in place
 * @settings: the same for the life of the call
 * @now: never before the last event's
 *
 * An event that does not fit the state does nothing; after END, and after a step with DO_BYE, none does.
 * After each step the owner looks at @timer->due_us.
 */
SigTimerStep sig_session_timer_step (SigSessionTimer *timer, const SigTimerSettings *settings,
                                     const SigTimerEvent *event, CfgMonotonic now) G_GNUC_WARN_UNUSED_RESULT;

/** sig_session_timer_warning_s: from a refresh to the end of the call without another, in whole seconds. */
guint32 sig_session_timer_warning_s (const SigSessionTimer *timer);
/** sig_timer_method_name: "INVITE", "UPDATE" or "". */
const char *sig_timer_method_name (SigTimerMethod method);
/** sig_timer_refresher_name: "uac", "uas" or NULL. */
const char *sig_timer_refresher_name (SigTimerRefresher refresher);
