#include "signaling/core/registration.h"

#define MAX_ANSWERS      3 /* to challenges: a proxy's, the server's, and a stale nonce */
#define MAX_INTERVALS    2
#define MAX_EXPIRES_S    (7 * 86400)
#define SOON_FIRST_S     2 /* tried again after so long, doubled each time */
#define SOON_LAST_S      300
#define LATER_FIRST_S    60   /* after an answer that will not change by itself */
#define LATER_LAST_S     3600 /* a wrong password each minute would lock an account */
#define REFRESH_MARGIN_S 60

static gint64
in_seconds (CfgMonotonic now, guint seconds)
{
  return now.us + (gint64)seconds * CFG_US_PER_S;
}

/* Before the end, with time for another try; of a short interval after three quarters. */
static gint64
refresh_at (CfgMonotonic now, guint granted_s)
{
  guint margin_s = CLAMP (granted_s / 4, 1, REFRESH_MARGIN_S);

  return in_seconds (now, MAX (granted_s, 2) - margin_s);
}

static SigRegistrationProblem
problem_of (const SigRegistration *registration, const SigRegistrationEvent *event)
{
  switch (event->status)
    {
    case -1:
      return SIG_REGISTRATION_NO_SERVER;
    case 0:
    case 408:
      return SIG_REGISTRATION_NO_ANSWER;
    case 401:
    case 407:
      return registration->n_answers > 0 ? SIG_REGISTRATION_WRONG_PASSWORD : SIG_REGISTRATION_NO_CREDENTIALS;
    case 403:
      return registration->n_answers > 0 ? SIG_REGISTRATION_WRONG_PASSWORD : SIG_REGISTRATION_REFUSED;
    case 404:
    case 410:
    case 604:
      return SIG_REGISTRATION_UNKNOWN_USER;
    case 423:
      return SIG_REGISTRATION_INTERVAL;
    default:
      return event->status >= 500 && event->status < 600 ? SIG_REGISTRATION_BUSY : SIG_REGISTRATION_REFUSED;
    }
}

static gboolean
passes_by_itself (SigRegistrationProblem problem)
{
  return problem == SIG_REGISTRATION_NO_SERVER || problem == SIG_REGISTRATION_NO_ANSWER
         || problem == SIG_REGISTRATION_BUSY;
}

/* Between half and all of it, so that a thousand gateways do not come back together. */
static guint
backoff_s (const SigRegistration *registration, const SigRegistrationEvent *event)
{
  gboolean soon = passes_by_itself (registration->problem);
  guint delay_s = soon ? SOON_FIRST_S : LATER_FIRST_S, last_s = soon ? SOON_LAST_S : LATER_LAST_S;

  for (guint i = 1; i < registration->n_failures && delay_s < last_s; i++)
    delay_s *= 2;
  delay_s = MIN (delay_s, last_s);
  delay_s -= event->random % (delay_s / 2 + 1);
  return MAX (delay_s, MIN (event->retry_after_s, LATER_LAST_S));
}

static guint
send_new (SigRegistration *registration, guint asked_s)
{
  registration->asked_s = asked_s;
  registration->is_on_its_way = TRUE;
  registration->n_answers = 0;
  registration->n_intervals = 0;
  registration->next_us = registration->expires_us;
  registration->n_sent++;
  return SIG_REGISTRATION_DO_SEND;
}

static guint
start (SigRegistration *registration)
{
  registration->state = SIG_REGISTRATION_REGISTERING;
  return send_new (registration, registration->wanted_s) | SIG_REGISTRATION_DO_TELL;
}

static guint
go_off (SigRegistration *registration)
{
  registration->state = SIG_REGISTRATION_OFF;
  registration->next_us = registration->expires_us = registration->since_us = 0;
  registration->is_on_its_way = FALSE;
  return SIG_REGISTRATION_DO_TELL;
}

/* What is on its way may be there already: it is taken back as well. */
static guint
stop (SigRegistration *registration)
{
  if (registration->state == SIG_REGISTRATION_OFF || registration->state == SIG_REGISTRATION_UNREGISTERING)
    return 0;
  if (registration->expires_us == 0 && !registration->is_on_its_way)
    return go_off (registration);
  registration->state = SIG_REGISTRATION_UNREGISTERING;
  registration->expires_us = registration->since_us = 0;
  return send_new (registration, 0) | SIG_REGISTRATION_DO_TELL;
}

static guint
registered (SigRegistration *registration, const SigRegistrationEvent *event, CfgMonotonic now)
{
  gboolean is_news
      = registration->state != SIG_REGISTRATION_REGISTERED || registration->problem != SIG_REGISTRATION_FINE;

  registration->is_on_its_way = FALSE;
  registration->problem = SIG_REGISTRATION_FINE;
  registration->n_failures = 0;
  if (registration->state == SIG_REGISTRATION_REGISTERED)
    registration->n_refreshed++;
  registration->state = SIG_REGISTRATION_REGISTERED;
  registration->granted_s
      = event->expires_s > 0 ? MIN (event->expires_s, MAX_EXPIRES_S) : registration->asked_s;
  registration->expires_us = in_seconds (now, registration->granted_s);
  registration->next_us = refresh_at (now, registration->granted_s);
  if (registration->since_us == 0)
    registration->since_us = now.us;
  return is_news ? SIG_REGISTRATION_DO_TELL : 0;
}

static guint
failed (SigRegistration *registration, const SigRegistrationEvent *event, CfgMonotonic now)
{
  registration->is_on_its_way = FALSE;
  registration->problem = problem_of (registration, event);
  registration->n_failures++;
  registration->n_failed++;
  registration->next_us = in_seconds (now, backoff_s (registration, event));
  if (registration->expires_us > now.us && passes_by_itself (registration->problem))
    registration->next_us = MIN (registration->next_us, registration->expires_us);
  else
    {
      registration->state = SIG_REGISTRATION_FAILED;
      registration->expires_us = registration->since_us = 0;
    }
  return SIG_REGISTRATION_DO_TELL;
}

static guint
on_result (SigRegistration *registration, const SigRegistrationEvent *event, CfgMonotonic now)
{
  if (!registration->is_on_its_way)
    return 0;
  registration->status = event->status > 0 ? event->status : 0;
  if ((event->status == 401 || event->status == 407) && event->can_answer
      && registration->n_answers < MAX_ANSWERS)
    {
      registration->n_answers++;
      registration->n_sent++;
      return SIG_REGISTRATION_DO_AUTHENTICATE;
    }
  if (registration->state == SIG_REGISTRATION_UNREGISTERING)
    return go_off (registration);
  if (event->status >= 200 && event->status < 300)
    return registered (registration, event, now);
  if (event->status == 423 && event->min_expires_s > registration->asked_s
      && event->min_expires_s <= MAX_EXPIRES_S && registration->n_intervals < MAX_INTERVALS)
    {
      guint n = registration->n_intervals + 1;
      guint actions = send_new (registration, event->min_expires_s);

      registration->n_intervals = n;
      return actions;
    }
  return failed (registration, event, now);
}

static guint
on_due (SigRegistration *registration, CfgMonotonic now)
{
  guint actions = 0;

  if (registration->next_us == 0 || now.us < registration->next_us)
    return 0;
  registration->next_us = 0;
  if (registration->expires_us != 0 && now.us >= registration->expires_us)
    {
      registration->state
          = registration->is_on_its_way ? SIG_REGISTRATION_REGISTERING : SIG_REGISTRATION_FAILED;
      registration->expires_us = registration->since_us = 0;
      actions = SIG_REGISTRATION_DO_TELL;
    }
  if (registration->is_on_its_way)
    return actions;
  if (registration->state == SIG_REGISTRATION_FAILED)
    registration->state = SIG_REGISTRATION_REGISTERING;
  return actions | send_new (registration, registration->wanted_s);
}

guint
sig_registration_step (SigRegistration *registration, const SigRegistrationEvent *event, CfgMonotonic now)
{
  switch (event->type)
    {
    case SIG_REGISTRATION_START:
      return registration->state == SIG_REGISTRATION_OFF ? start (registration) : 0;
    case SIG_REGISTRATION_RESULT:
      return on_result (registration, event, now);
    case SIG_REGISTRATION_DUE:
      return on_due (registration, now);
    case SIG_REGISTRATION_STOP:
    default:
      return stop (registration);
    }
}

const char *
sig_registration_state_name (SigRegistrationState state)
{
  static const char *const names[] = { "off", "registering", "registered", "failed", "unregistering" };

  return names[state];
}

const char *
sig_registration_advice (SigRegistrationProblem problem)
{
  switch (problem)
    {
    case SIG_REGISTRATION_NO_SERVER:
      return "the name of outbound_address leads to no server: check its spelling and the name servers";
    case SIG_REGISTRATION_NO_ANSWER:
      return "nobody answers at outbound_address: check address, port, transport and the network";
    case SIG_REGISTRATION_NO_CREDENTIALS:
      return "the provider wants a password, by a method that can be answered: set auth_username and "
             "auth_password";
    case SIG_REGISTRATION_WRONG_PASSWORD:
      return "the provider takes neither auth_username nor auth_password: check both";
    case SIG_REGISTRATION_UNKNOWN_USER:
      return "the provider does not know whom we register: check from_user (or auth_username) and from_host";
    case SIG_REGISTRATION_BUSY:
      return "the provider cannot take it now; it is tried again";
    case SIG_REGISTRATION_INTERVAL:
      return "the provider wants another interval each time: set register_expires to one that it names";
    case SIG_REGISTRATION_REFUSED:
      return "the provider refuses the registration: ask it why, with the status";
    case SIG_REGISTRATION_FINE:
    default:
      return "";
    }
}
