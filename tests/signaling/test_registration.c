/* A registration of ours, by a clock of our own. */
#include "signaling/core/registration.h"

#define SECONDS(s) ((CfgMonotonic){ .us = (gint64)(s)*CFG_US_PER_S })
#define SEND       SIG_REGISTRATION_DO_SEND
#define ANSWER     SIG_REGISTRATION_DO_AUTHENTICATE
#define TELL       SIG_REGISTRATION_DO_TELL

/* One event and what must be the case after it. */
typedef struct
{
  gint64 at_s;
  SigRegistrationEvent event;
  guint actions;
  SigRegistrationState state;
  gint64 next_s; /* 0: nothing is due */
  guint asked_s;
  SigRegistrationProblem problem;
} Step;

#define EVENT_START                                                                                          \
  {                                                                                                          \
    .type = SIG_REGISTRATION_START                                                                           \
  }
#define EVENT_STOP                                                                                           \
  {                                                                                                          \
    .type = SIG_REGISTRATION_STOP                                                                            \
  }
#define EVENT_DUE                                                                                            \
  {                                                                                                          \
    .type = SIG_REGISTRATION_DUE                                                                             \
  }
#define RESULT(...)                                                                                          \
  {                                                                                                          \
    .type = SIG_REGISTRATION_RESULT, __VA_ARGS__                                                             \
  }

static void
run (const char *name, guint wanted_s, const Step *steps, gsize n)
{
  SigRegistration registration = { .wanted_s = wanted_s };

  for (gsize i = 0; i < n; i++)
    {
      const Step *step = &steps[i];
      guint actions = sig_registration_step (&registration, &step->event, SECONDS (step->at_s));

      g_test_message ("%s, step %" G_GSIZE_FORMAT, name, i);
      g_assert_cmpuint (actions, ==, step->actions);
      g_assert_cmpstr (sig_registration_state_name (registration.state), ==,
                       sig_registration_state_name (step->state));
      g_assert_cmpint (registration.next_us, ==, step->next_s * CFG_US_PER_S);
      g_assert_cmpuint (registration.asked_s, ==, step->asked_s);
      g_assert_cmpint (registration.problem, ==, step->problem);
    }
}

#define RUN(name, wanted, steps) run (name, wanted, steps, G_N_ELEMENTS (steps))
#define OFF                      SIG_REGISTRATION_OFF
#define TRYING                   SIG_REGISTRATION_REGISTERING
#define UP                       SIG_REGISTRATION_REGISTERED
#define FAILED                   SIG_REGISTRATION_FAILED
#define LEAVING                  SIG_REGISTRATION_UNREGISTERING

static void
a_registration_is_kept_alive (void)
{
  static const Step steps[] = {
    { 100, EVENT_START, SEND | TELL, TRYING, 0, 3600, 0 },
    { 100, EVENT_START, 0, TRYING, 0, 3600, 0 },
    { 101, RESULT (.status = 401, .can_answer = TRUE), ANSWER, TRYING, 0, 3600, 0 },
    { 102, RESULT (.status = 200, .expires_s = 600), TELL, UP, 642, 3600, 0 }, /* 60 s before the end */
    { 600, EVENT_DUE, 0, UP, 642, 3600, 0 },
    { 642, EVENT_DUE, SEND, UP, 702, 3600, 0 },
    { 643, RESULT (.status = 401, .can_answer = TRUE), ANSWER, UP, 702, 3600, 0 },
    { 644, RESULT (.status = 200), 0, UP, 4184, 3600, 0 }, /* nothing said: as asked for */
    { 645, RESULT (.status = 200), 0, UP, 4184, 3600, 0 }, /* nobody asked */
  };
  static const Step short_steps[] = {
    { 0, EVENT_START, SEND | TELL, TRYING, 0, 60, 0 },
    { 0, RESULT (.status = 200, .expires_s = 20), TELL, UP, 15, 60, 0 },
    { 15, EVENT_DUE, SEND, UP, 20, 60, 0 },
    { 15, RESULT (.status = 200, .expires_s = 1), 0, UP, 16, 60, 0 },
  };

  RUN ("an hour", 3600, steps);
  RUN ("short", 60, short_steps);
}

static void
the_interval_is_raised (void)
{
  static const Step steps[] = {
    { 0, EVENT_START, SEND | TELL, TRYING, 0, 60, 0 },
    { 1, RESULT (.status = 423, .min_expires_s = 300), SEND, TRYING, 0, 300, 0 },
    { 2, RESULT (.status = 200), TELL, UP, 242, 300, 0 },
  };
  static const Step never_content[] = {
    { 0, EVENT_START, SEND | TELL, TRYING, 0, 60, 0 },
    { 0, RESULT (.status = 423, .min_expires_s = 300), SEND, TRYING, 0, 300, 0 },
    { 0, RESULT (.status = 423, .min_expires_s = 600), SEND, TRYING, 0, 600, 0 },
    { 0, RESULT (.status = 423, .min_expires_s = 900), TELL, FAILED, 60, 600, SIG_REGISTRATION_INTERVAL },
  };
  static const Step absurd[] = {
    { 0, EVENT_START, SEND | TELL, TRYING, 0, 60, 0 },
    { 0, RESULT (.status = 423, .min_expires_s = 60), TELL, FAILED, 60, 60, SIG_REGISTRATION_INTERVAL },
    { 60, EVENT_DUE, SEND, TRYING, 0, 60, SIG_REGISTRATION_INTERVAL },
    { 60, RESULT (.status = 423, .min_expires_s = 4000000000u), TELL, FAILED, 180, 60,
      SIG_REGISTRATION_INTERVAL },
  };

  RUN ("raised", 60, steps);
  RUN ("never content", 60, never_content);
  RUN ("absurd", 60, absurd);
}

static void
a_silent_network_is_tried_again (void)
{
  static const Step steps[] = {
    { 0, EVENT_START, SEND | TELL, TRYING, 0, 120, 0 },
    { 32, RESULT (.status = 0), TELL, FAILED, 34, 120, SIG_REGISTRATION_NO_ANSWER },
    { 34, EVENT_DUE, SEND, TRYING, 0, 120, SIG_REGISTRATION_NO_ANSWER },
    { 40, RESULT (.status = -1), TELL, FAILED, 44, 120, SIG_REGISTRATION_NO_SERVER },
    { 44, EVENT_DUE, SEND, TRYING, 0, 120, SIG_REGISTRATION_NO_SERVER },
    { 45, RESULT (.status = 503, .retry_after_s = 30), TELL, FAILED, 75, 120, SIG_REGISTRATION_BUSY },
    { 75, EVENT_DUE, SEND, TRYING, 0, 120, SIG_REGISTRATION_BUSY },
    { 75, RESULT (.status = 500, .random = 5), TELL, FAILED, 86, 120, SIG_REGISTRATION_BUSY }, /* 16 - 5 */
    { 86, EVENT_DUE, SEND, TRYING, 0, 120, SIG_REGISTRATION_BUSY },
    { 87, RESULT (.status = 200, .expires_s = 120), TELL, UP, 177, 120, 0 },
    /* a refresh that nobody answers: registered until it expires */
    { 177, EVENT_DUE, SEND, UP, 207, 120, 0 },
    { 180, RESULT (.status = 0), TELL, UP, 182, 120, SIG_REGISTRATION_NO_ANSWER },
    { 182, EVENT_DUE, SEND, UP, 207, 120, SIG_REGISTRATION_NO_ANSWER },
    { 207, EVENT_DUE, TELL, TRYING, 0, 120,
      SIG_REGISTRATION_NO_ANSWER }, /* the request is still on its way */
    { 214, RESULT (.status = 0), TELL, FAILED, 218, 120, SIG_REGISTRATION_NO_ANSWER },
    { 218, EVENT_DUE, SEND, TRYING, 0, 120, SIG_REGISTRATION_NO_ANSWER },
    { 219, RESULT (.status = 200), TELL, UP, 309, 120, 0 },
  };
  SigRegistration registration = { .wanted_s = 120 };
  gint64 now_s = 0, longest_s = 0;

  RUN ("network", 120, steps);
  (void)sig_registration_step (&registration, &(SigRegistrationEvent)EVENT_START, SECONDS (0));
  for (guint i = 0; i < 40; i++)
    {
      (void)sig_registration_step (&registration, &(SigRegistrationEvent)RESULT (.status = 0),
                                   SECONDS (now_s));
      longest_s = MAX (longest_s, registration.next_us / CFG_US_PER_S - now_s);
      now_s = registration.next_us / CFG_US_PER_S;
      g_assert_cmpuint (
          sig_registration_step (&registration, &(SigRegistrationEvent)EVENT_DUE, SECONDS (now_s)), ==, SEND);
    }
  g_assert_cmpint (longest_s, ==, 300);
}

static void
check_problem (int status, gboolean after_answer, SigRegistrationProblem problem, gint64 first_s)
{
  SigRegistration registration = { .wanted_s = 60 };

  (void)sig_registration_step (&registration, &(SigRegistrationEvent)EVENT_START, SECONDS (0));
  if (after_answer)
    g_assert_cmpuint (
        sig_registration_step (
            &registration, &(SigRegistrationEvent)RESULT (.status = 407, .can_answer = TRUE), SECONDS (0)),
        ==, ANSWER);
  (void)sig_registration_step (&registration, &(SigRegistrationEvent)RESULT (.status = status), SECONDS (0));
  g_assert_cmpint (registration.state, ==, FAILED);
  g_assert_cmpint (registration.problem, ==, problem);
  g_assert_cmpint (registration.status, ==, MAX (status, 0));
  g_assert_cmpint (registration.next_us, ==, first_s * CFG_US_PER_S);
  g_assert_cmpstr (sig_registration_advice (problem), !=, "");
}

static void
refusals_say_what_to_do (void)
{
  check_problem (401, FALSE, SIG_REGISTRATION_NO_CREDENTIALS, 60);
  check_problem (401, TRUE, SIG_REGISTRATION_WRONG_PASSWORD, 60);
  check_problem (407, TRUE, SIG_REGISTRATION_WRONG_PASSWORD, 60);
  check_problem (403, TRUE, SIG_REGISTRATION_WRONG_PASSWORD, 60);
  check_problem (403, FALSE, SIG_REGISTRATION_REFUSED, 60);
  check_problem (404, TRUE, SIG_REGISTRATION_UNKNOWN_USER, 60);
  check_problem (302, FALSE, SIG_REGISTRATION_REFUSED, 60);
  check_problem (603, FALSE, SIG_REGISTRATION_REFUSED, 60);
  check_problem (408, FALSE, SIG_REGISTRATION_NO_ANSWER, 2);
  check_problem (502, FALSE, SIG_REGISTRATION_BUSY, 2);
  check_problem (0, FALSE, SIG_REGISTRATION_NO_ANSWER, 2);
  check_problem (-1, FALSE, SIG_REGISTRATION_NO_SERVER, 2);
}

static void
challenges_end (void)
{
  static const Step steps[] = {
    { 0, EVENT_START, SEND | TELL, TRYING, 0, 60, 0 },
    { 0, RESULT (.status = 407, .can_answer = TRUE), ANSWER, TRYING, 0, 60, 0 },
    { 0, RESULT (.status = 401, .can_answer = TRUE), ANSWER, TRYING, 0, 60, 0 },
    { 0, RESULT (.status = 401, .can_answer = TRUE), ANSWER, TRYING, 0, 60, 0 }, /* stale */
    { 0, RESULT (.status = 401, .can_answer = TRUE), TELL, FAILED, 60, 60, SIG_REGISTRATION_WRONG_PASSWORD },
    { 60, EVENT_DUE, SEND, TRYING, 0, 60, SIG_REGISTRATION_WRONG_PASSWORD },
    { 60, RESULT (.status = 401, .can_answer = TRUE), ANSWER, TRYING, 0, 60,
      SIG_REGISTRATION_WRONG_PASSWORD },
    { 60, RESULT (.status = 200), TELL, UP, 105, 60, 0 },
    /* refused while it is registered: the provider has it no more */
    { 105, EVENT_DUE, SEND, UP, 120, 60, 0 },
    { 105, RESULT (.status = 403), TELL, FAILED, 165, 60, SIG_REGISTRATION_REFUSED },
  };

  RUN ("challenges", 60, steps);
}

static void
it_is_taken_back (void)
{
  static const Step registered[] = {
    { 0, EVENT_STOP, 0, OFF, 0, 0, 0 },
    { 0, EVENT_START, SEND | TELL, TRYING, 0, 60, 0 },
    { 1, RESULT (.status = 200), TELL, UP, 46, 60, 0 },
    { 9, EVENT_STOP, SEND | TELL, LEAVING, 0, 0, 0 },
    { 9, EVENT_STOP, 0, LEAVING, 0, 0, 0 },
    { 9, RESULT (.status = 401, .can_answer = TRUE), ANSWER, LEAVING, 0, 0, 0 },
    { 9, RESULT (.status = 200), TELL, OFF, 0, 0, 0 },
    { 50, EVENT_DUE, 0, OFF, 0, 0, 0 },
    { 51, EVENT_START, SEND | TELL, TRYING, 0, 60, 0 },
  };
  static const Step on_its_way[] = {
    { 0, EVENT_START, SEND | TELL, TRYING, 0, 60, 0 },
    { 1, EVENT_STOP, SEND | TELL, LEAVING, 0, 0, 0 },
    { 9, RESULT (.status = 0), TELL, OFF, 0, 0, 0 },
  };
  static const Step failed[] = {
    { 0, EVENT_START, SEND | TELL, TRYING, 0, 60, 0 },
    { 1, RESULT (.status = 0), TELL, FAILED, 3, 60, SIG_REGISTRATION_NO_ANSWER },
    { 2, EVENT_STOP, TELL, OFF, 0, 60, SIG_REGISTRATION_NO_ANSWER },
  };

  RUN ("registered", 60, registered);
  RUN ("on its way", 60, on_its_way);
  RUN ("failed", 60, failed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/registration/a_registration_is_kept_alive", a_registration_is_kept_alive);
  g_test_add_func ("/signaling/registration/the_interval_is_raised", the_interval_is_raised);
  g_test_add_func ("/signaling/registration/a_silent_network_is_tried_again",
                   a_silent_network_is_tried_again);
  g_test_add_func ("/signaling/registration/refusals_say_what_to_do", refusals_say_what_to_do);
  g_test_add_func ("/signaling/registration/challenges_end", challenges_end);
  g_test_add_func ("/signaling/registration/it_is_taken_back", it_is_taken_back);
  return g_test_run ();
}
