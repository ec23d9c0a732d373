/* When calls are refused because of load, and when they are taken again. */
#include <glib.h>

#include "gateway/core/overload.h"

static const GwOverloadLimits limits = { .max_load = 0.8, .max_late_ms = 20 };

static void
feed (GwOverload *overload, guint n, double load, double late_ms)
{
  const GwOverloadSample sample = { .load = load, .late_ms = late_ms, .n_legs = 100 };

  for (guint i = 0; i < n; i++)
    gw_overload_update (overload, &limits, &sample);
}

typedef struct
{
  const char *name;
  double max_load, max_late_ms;
  double load, late_ms, overdue_ms;
  GwOverloadReason expected;
} Case;

static void
test_judgement (void)
{
  static const Case cases[] = {
    { "idle", 0.8, 20, 0, 0, 0, GW_OVERLOAD_NONE },
    { "at the limit", 0.8, 20, 0.8, 20, 0, GW_OVERLOAD_NONE },
    { "too much of the core", 0.8, 20, 0.81, 1, 0, GW_OVERLOAD_CPU },
    { "too late at work", 0.8, 20, 0.5, 21, 0, GW_OVERLOAD_LATE },
    { "both: the cause is told", 0.8, 20, 0.9, 50, 0, GW_OVERLOAD_CPU },
    { "late without work: others are at it", 0.8, 20, 0.1, 300, 300, GW_OVERLOAD_NONE },
    { "the machine stood still, and goes on", 0.8, 20, 0.1, 9000, 0, GW_OVERLOAD_NONE },
    { "it stands still", 0.8, 20, 0, 2001, 2001, GW_OVERLOAD_STALLED },
    { "no limit of the load", 0, 20, 1, 10, 0, GW_OVERLOAD_NONE },
    { "no limit of the lateness", 0.8, 0, 0.7, 5000, 5000, GW_OVERLOAD_NONE },
    { "no limits", 0, 0, 1, 5000, 5000, GW_OVERLOAD_NONE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Case *c = &cases[i];
      const GwOverloadLimits own = { .max_load = c->max_load, .max_late_ms = c->max_late_ms };
      const GwOverloadSample sample = { .load = c->load, .late_ms = c->late_ms, .overdue_ms = c->overdue_ms };
      GwOverload overload = { 0 };

      g_test_message ("%s", c->name);
      for (guint k = 0; k < GW_OVERLOAD_SUSPECT - 1; k++)
        g_assert_false (gw_overload_update (&overload, &own, &sample));
      g_assert_cmpint (overload.reason, ==, GW_OVERLOAD_NONE);
      g_assert_cmpint (gw_overload_update (&overload, &own, &sample), ==, c->expected != GW_OVERLOAD_NONE);
      g_assert_cmpint (overload.reason, ==, c->expected);
    }
}

/* Loads are a second's mean: of one second at the limit no sample but the last is above it. */
static void
test_one_bad_second_is_none (void)
{
  GwOverload overload = { 0 };
  gboolean changed;

  feed (&overload, 10, 0.5, 1);
  feed (&overload, GW_OVERLOAD_SUSPECT - 1, 1.0, 100);
  feed (&overload, 1, 0.5, 1);
  g_assert_true (gw_overload_allows (&overload, &limits, 100, &changed));
  feed (&overload, GW_OVERLOAD_SUSPECT - 1, 1.0, 100);
  g_assert_cmpint (overload.reason, ==, GW_OVERLOAD_NONE);
  feed (&overload, 1, 1.0, 100);
  g_assert_cmpint (overload.reason, ==, GW_OVERLOAD_CPU);
}

static void
test_hysteresis (void)
{
  GwOverload overload = { 0 };
  gboolean changed;

  feed (&overload, GW_OVERLOAD_SUSPECT, 0.9, 1);
  g_assert_false (gw_overload_allows (&overload, &limits, 100, &changed));
  g_assert_false (changed);      /* told by the update */
  feed (&overload, 40, 0.75, 1); /* below the limit, not well below */
  g_assert_false (gw_overload_allows (&overload, &limits, 100, &changed));
  feed (&overload, GW_OVERLOAD_CALM - 1, 0.7, 1);
  feed (&overload, 1, 0.75, 1); /* calm must last */
  feed (&overload, GW_OVERLOAD_CALM - 1, 0.7, 1);
  g_assert_false (gw_overload_allows (&overload, &limits, 100, &changed));
  feed (&overload, 1, 0.7, 1);
  g_assert_true (gw_overload_allows (&overload, &limits, 100, &changed));
}

static void
test_lateness_calms_down (void)
{
  GwOverload overload = { 0 };
  gboolean changed;

  feed (&overload, GW_OVERLOAD_SUSPECT, 0.6, 40);
  g_assert_cmpint (overload.reason, ==, GW_OVERLOAD_LATE);
  feed (&overload, 40, 0.6, 15);
  g_assert_false (gw_overload_allows (&overload, &limits, 100, &changed));
  feed (&overload, GW_OVERLOAD_CALM, 0.6, 9);
  g_assert_true (gw_overload_allows (&overload, &limits, 100, &changed));
  feed (&overload, GW_OVERLOAD_SUSPECT, 0.6, 40);
  feed (&overload, GW_OVERLOAD_CALM, 0.05, 40); /* its calls have ended: it is somebody else's lateness */
  g_assert_true (gw_overload_allows (&overload, &limits, 100, &changed));
}

/* Two hundred calls at once come before the next sample. */
static void
test_a_burst_is_counted (void)
{
  GwOverload overload = { 0 };
  gboolean changed;
  guint n = 100;

  feed (&overload, 10, 0.4, 1); /* 100 legs: 0.4 % each */
  while (gw_overload_allows (&overload, &limits, n, &changed) && n < 1000)
    {
      g_assert_false (changed);
      n++;
    }
  g_assert_true (changed);
  g_assert_cmpint (overload.reason, ==, GW_OVERLOAD_CPU);
  g_assert_cmpuint (n, >=, 200); /* 0.4 % each: the average, as it is not known what they are */
  g_assert_cmpuint (n, <=, 202);
  g_assert_false (gw_overload_allows (&overload, &limits, n, &changed));
  g_assert_false (changed);
  /* They have gone again: nothing of them will be seen. */
  feed (&overload, GW_OVERLOAD_CALM_EXPECTED - 1, 0.4, 1);
  g_assert_false (gw_overload_allows (&overload, &limits, 100, &changed));
  feed (&overload, 1, 0.4, 1);
  g_assert_true (gw_overload_allows (&overload, &limits, 100, &changed));
}

/* What was expected came: it is an overload like another one. */
static void
test_an_expected_one_comes (void)
{
  GwOverload overload = { 0 };
  gboolean changed;

  feed (&overload, 10, 0.4, 1);
  g_assert_false (gw_overload_allows (&overload, &limits, 300, &changed));
  feed (&overload, 1, 0.9, 1);
  feed (&overload, GW_OVERLOAD_CALM - 1, 0.4, 1);
  g_assert_cmpint (overload.reason, ==, GW_OVERLOAD_CPU);
  feed (&overload, 1, 0.4, 1);
  g_assert_cmpint (overload.reason, ==, GW_OVERLOAD_NONE);
}

/* Hundreds of short calls a second are no growth: what they cost is in the samples. */
static void
test_short_calls (void)
{
  GwOverload overload = { 0 };
  gboolean changed;

  feed (&overload, 10, 0.7, 1);
  for (guint i = 0; i < 1000; i++)
    g_assert_true (gw_overload_allows (&overload, &limits, 95 + i % 10, &changed));
}

/* With few legs nothing is known of the cost: a handful of calls is not taken for a load. */
static void
test_few_legs (void)
{
  const GwOverloadSample sample = { .load = 0.3, .n_legs = 1 };
  GwOverload overload = { 0 };
  gboolean changed;

  for (guint i = 0; i < 10; i++)
    gw_overload_update (&overload, &limits, &sample);
  g_assert_true (gw_overload_allows (&overload, &limits, 21, &changed));
  g_assert_cmpfloat_with_epsilon (gw_overload_expected (&overload, 21), 0.32, 0.001);
}

/* A core as it is: each leg that comes costs from 300 ms later on, and what is measured is a second's mean.
 */
typedef struct
{
  double before, cost; /* of the legs there are already, of each that comes */
  double loads[10000]; /* in turns of 10 ms */
  guint n_turns, n_legs, n_refused;
} World;

static void
turn (World *world, GwOverload *overload, double rate, double *owed)
{
  static const guint shows = 30, second = 100, sample_turns = 100 / GW_OVERLOAD_HZ;
  gboolean changed;
  double mean = 0;
  guint n_come;

  *owed += rate / 100;
  n_come = (guint)*owed;
  *owed -= n_come;
  for (guint k = 0; k < n_come; k++)
    if (gw_overload_allows (overload, &limits, world->n_legs, &changed))
      {
        world->n_legs++;
        for (guint i = world->n_turns + shows; i < G_N_ELEMENTS (world->loads); i++)
          world->loads[i] += world->cost;
      }
    else
      world->n_refused++;
  world->n_turns++;
  if (world->n_turns % sample_turns != 0 || world->n_turns < second)
    return;
  for (guint i = world->n_turns - second; i < world->n_turns; i++)
    mean += MIN (world->before + world->loads[i], 1) / second;
  gw_overload_update (overload, &limits, &(GwOverloadSample){ .load = mean, .n_legs = world->n_legs });
}

/* Nothing is known of any call, and none is refused that there is room for. */
static void
test_a_cold_start (void)
{
  static const double rates[] = { 20, 400 }; /* legs and rooms */

  for (guint r = 0; r < G_N_ELEMENTS (rates); r++)
    {
      g_autofree World *world = g_new0 (World, 1);
      GwOverload overload = { 0 };
      double owed = 0;

      world->cost = 0.0004;
      for (guint i = 0; i < 500; i++)
        turn (world, &overload, 0, &owed);
      for (guint i = 0; i < 300; i++)
        turn (world, &overload, rates[r], &owed);
      g_test_message ("%g a second: load %g", rates[r], world->loads[world->n_turns]);
      g_assert_cmpuint (world->n_refused, ==, 0);
    }
}

/* Of cheap calls there are many when others begin to come: the limit, 0.8, is reached and hardly passed, at
 * every rate. Those dearer than what the unknown is taken for may come at once only in smaller numbers. */
static void
test_expensive_ones_come (void)
{
  static const double rates[] = { 2, 20, 50, 100, 200, 600 };
  static const double costs[] = { 0.0003, 0.001, 0.003, 0.005, 0.012 };

  for (guint r = 0; r < G_N_ELEMENTS (rates); r++)
    for (guint c = 0; c < G_N_ELEMENTS (costs); c++)
      {
        g_autofree World *world = g_new0 (World, 1);
        GwOverload overload = { 0 };
        double owed = 0, most;

        if (costs[c] > 0.001 && rates[r] > 20)
          continue;
        world->before = 0.2;
        world->n_legs = 300;
        world->cost = costs[c];
        for (guint i = 0; i < 500; i++)
          turn (world, &overload, 0, &owed);
        for (guint i = 0; i < 9000; i++)
          turn (world, &overload, rates[r], &owed);
        most = world->before + world->loads[world->n_turns + 100];
        g_test_message ("%g a second of %g: %g, %u refused", rates[r], costs[c], most, world->n_refused);
        if (rates[r] * costs[c] * 90 > 0.8)
          g_assert_cmpfloat (most, >, 0.65);
        else if (rates[r] <= 50) /* of more at once the first ones are refused until they are known */
          g_assert_cmpuint (world->n_refused, ==, 0);
        g_assert_cmpfloat (most, <, 0.86);
      }
}

static void
test_names (void)
{
  g_assert_null (gw_overload_reason_name (GW_OVERLOAD_NONE));
  g_assert_cmpstr (gw_overload_reason_name (GW_OVERLOAD_CPU), ==, "cpu");
  g_assert_cmpstr (gw_overload_reason_name (GW_OVERLOAD_LATE), ==, "late");
  g_assert_cmpstr (gw_overload_reason_name (GW_OVERLOAD_STALLED), ==, "stalled");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/overload/judgement", test_judgement);
  g_test_add_func ("/gateway/overload/one_bad_second_is_none", test_one_bad_second_is_none);
  g_test_add_func ("/gateway/overload/hysteresis", test_hysteresis);
  g_test_add_func ("/gateway/overload/lateness_calms_down", test_lateness_calms_down);
  g_test_add_func ("/gateway/overload/a_burst_is_counted", test_a_burst_is_counted);
  g_test_add_func ("/gateway/overload/an_expected_one_comes", test_an_expected_one_comes);
  g_test_add_func ("/gateway/overload/expensive_ones_come", test_expensive_ones_come);
  g_test_add_func ("/gateway/overload/a_cold_start", test_a_cold_start);
  g_test_add_func ("/gateway/overload/short_calls", test_short_calls);
  g_test_add_func ("/gateway/overload/few_legs", test_few_legs);
  g_test_add_func ("/gateway/overload/names", test_names);
  return g_test_run ();
}
