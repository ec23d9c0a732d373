/* A registration of ours at a provider (RFC 3261 10.2): when to send REGISTER, what its answer means, when to
 * try again. Pure: instants and random numbers come with the events, sending is the owner's.
 *
 *            START             2xx                 REFRESH due
 *     OFF ---------> REGISTERING ----> REGISTERED -------------> (asked again, still REGISTERED)
 *                    |   ^               |  |
 *            refused |   | due           |  | refused; or silence until it expires
 *                    v   |               |  |
 *                   FAILED <-------------|--'
 *            STOP  (from any state)      v
 *     OFF <--------------------- UNREGISTERING
 *
 * While a refresh fails the registration counts until it expires: the provider has it. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

typedef enum
{
  SIG_REGISTRATION_OFF,
  SIG_REGISTRATION_REGISTERING,
  SIG_REGISTRATION_REGISTERED,
  SIG_REGISTRATION_FAILED,
  SIG_REGISTRATION_UNREGISTERING,
} SigRegistrationState;

/* Why the last try failed, by what is to be done about it. */
typedef enum
{
  SIG_REGISTRATION_FINE,
  SIG_REGISTRATION_NO_SERVER,      /* the name leads nowhere */
  SIG_REGISTRATION_NO_ANSWER,      /* time-out, or no connection */
  SIG_REGISTRATION_NO_CREDENTIALS, /* challenged, and there is nothing to answer with */
  SIG_REGISTRATION_WRONG_PASSWORD,
  SIG_REGISTRATION_UNKNOWN_USER,
  SIG_REGISTRATION_REFUSED,
  SIG_REGISTRATION_BUSY,     /* the server cannot now */
  SIG_REGISTRATION_INTERVAL, /* it wants a longer one each time */
} SigRegistrationProblem;

typedef enum
{
  SIG_REGISTRATION_START,
  SIG_REGISTRATION_RESULT, /* of the REGISTER that was sent last */
  SIG_REGISTRATION_DUE,    /* next_us is over */
  SIG_REGISTRATION_STOP,
} SigRegistrationEventType;

typedef struct
{
  SigRegistrationEventType type;
  int status;          /* RESULT: final; 0: nobody answered; -1: no server was found */
  guint expires_s;     /* 2xx: for our contact; 0: not said */
  guint min_expires_s; /* 423 */
  guint retry_after_s; /* 0: not said */
  gboolean can_answer; /* 401, 407: credentials are there, and new to this challenge */
  guint32 random;      /* any number */
} SigRegistrationEvent;

typedef enum
{
  SIG_REGISTRATION_DO_SEND
  = 1 << 0, /* a new REGISTER, asking for asked_s; what is on its way counts no more */
  SIG_REGISTRATION_DO_AUTHENTICATE = 1 << 1, /* the same again, with an answer to the challenge */
  SIG_REGISTRATION_DO_TELL = 1 << 2,         /* the state, or the problem, is another one */
} SigRegistrationActions;

/* Plain values: can be written down and restored. All zero but wanted_s: OFF. */
typedef struct
{
  guint wanted_s; /* > 0 */
  SigRegistrationState state;
  SigRegistrationProblem problem;
  int status;      /* of the last answer, 0: none */
  guint asked_s;   /* by the REGISTER on its way; 0: to take it back */
  guint granted_s; /* by the last 2xx */
  gboolean is_on_its_way;
  guint n_answers;                       /* to challenges, in this try */
  guint n_intervals;                     /* raised, in this try */
  guint n_failures;                      /* in a row */
  gint64 next_us;                        /* 0: nothing is due */
  gint64 expires_us;                     /* at the provider; 0: it has none */
  gint64 since_us;                       /* registered without a break since then; 0: it is not */
  guint64 n_sent, n_refreshed, n_failed; /* REGISTERs; 2xx after the first; tries that failed */
} SigRegistration;

/** sig_registration_step: what @event at @now means. Returns: SigRegistrationActions */
guint sig_registration_step (SigRegistration *registration, const SigRegistrationEvent *event,
                             CfgMonotonic now);

/** sig_registration_state_name: "off", "registering", "registered", "failed", "unregistering" */
const char *sig_registration_state_name (SigRegistrationState state);
/** sig_registration_advice: what went wrong and what to do about it, a sentence; "" for FINE */
const char *sig_registration_advice (SigRegistrationProblem problem);
