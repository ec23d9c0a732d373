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
  double load, late_ms;
  GwOverloadReason expected;
} Case;

static void
test_judgement (void)
{
  static const Case cases[] = {
    { "idle", 0.8, 20, 0, 0, GW_OVERLOAD_NONE },
    { "at the limit", 0.8, 20, 0.8, 20, GW_OVERLOAD_NONE },
    { "too much of the core", 0.8, 20, 0.81, 1, GW_OVERLOAD_CPU },
    { "too late at work", 0.8, 20, 0.5, 21, GW_OVERLOAD_LATE },
    { "both: the cause is told", 0.8, 20, 0.9, 50, GW_OVERLOAD_CPU },
    { "late without work: others are at it", 0.8, 20, 0.1, 300, GW_OVERLOAD_NONE },
    { "it stands still", 0.8, 20, 0, 2001, GW_OVERLOAD_STALLED },
    { "no limit of the load", 0, 20, 1, 10, GW_OVERLOAD_NONE },
    { "no limit of the lateness", 0.8, 0, 0.7, 5000, GW_OVERLOAD_NONE },
    { "no limits", 0, 0, 1, 5000, GW_OVERLOAD_NONE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Case *c = &cases[i];
      const GwOverloadLimits own = { .max_load = c->max_load, .max_late_ms = c->max_late_ms };
      const GwOverloadSample sample = { .load = c->load, .late_ms = c->late_ms };
      GwOverload overload = { 0 };

      g_test_message ("%s", c->name);
      g_assert_false (gw_overload_update (&overload, &own, &sample));
      g_assert_cmpint (overload.reason, ==, GW_OVERLOAD_NONE);
      g_assert_cmpint (gw_overload_update (&overload, &own, &sample), ==, c->expected != GW_OVERLOAD_NONE);
      g_assert_cmpint (overload.reason, ==, c->expected);
    }
}

static void
test_one_bad_second_is_none (void)
{
  GwOverload overload = { 0 };
  gboolean changed;

  feed (&overload, 5, 0.5, 1);
  feed (&overload, 1, 1.0, 100);
  g_assert_true (gw_overload_allows (&overload, &limits, 100, &changed));
  feed (&overload, 1, 0.5, 1);
  feed (&overload, 1, 1.0, 100);
  g_assert_cmpint (overload.reason, ==, GW_OVERLOAD_NONE);
  feed (&overload, 1, 1.0, 100);
  g_assert_cmpint (overload.reason, ==, GW_OVERLOAD_CPU);
}

static void
test_hysteresis (void)
{
  GwOverload overload = { 0 };
  gboolean changed;

  feed (&overload, 2, 0.9, 1);
  g_assert_false (gw_overload_allows (&overload, &limits, 100, &changed));
  g_assert_false (changed);      /* told by the update */
  feed (&overload, 10, 0.75, 1); /* below the limit, not well below */
  g_assert_false (gw_overload_allows (&overload, &limits, 100, &changed));
  feed (&overload, 2, 0.7, 1);
  feed (&overload, 1, 0.75, 1); /* calm must last */
  feed (&overload, 2, 0.7, 1);
  g_assert_false (gw_overload_allows (&overload, &limits, 100, &changed));
  feed (&overload, 1, 0.7, 1);
  g_assert_true (gw_overload_allows (&overload, &limits, 100, &changed));
}

static void
test_lateness_calms_down (void)
{
  GwOverload overload = { 0 };
  gboolean changed;

  feed (&overload, 2, 0.6, 40);
  g_assert_cmpint (overload.reason, ==, GW_OVERLOAD_LATE);
  feed (&overload, 10, 0.6, 15);
  g_assert_false (gw_overload_allows (&overload, &limits, 100, &changed));
  feed (&overload, GW_OVERLOAD_CALM, 0.6, 9);
  g_assert_true (gw_overload_allows (&overload, &limits, 100, &changed));
  feed (&overload, 2, 0.6, 40);
  feed (&overload, GW_OVERLOAD_CALM, 0.05, 40); /* its calls have ended: it is somebody else's lateness */
  g_assert_true (gw_overload_allows (&overload, &limits, 100, &changed));
}

/* Two hundred calls within one second come before the next sample. */
static void
test_a_burst_is_counted (void)
{
  GwOverload overload = { 0 };
  gboolean changed;
  guint n = 100;

  feed (&overload, 3, 0.4, 1); /* 100 legs: 0.4 % each */
  while (gw_overload_allows (&overload, &limits, n, &changed) && n < 1000)
    {
      g_assert_false (changed);
      n++;
    }
  g_assert_true (changed);
  g_assert_cmpint (overload.reason, ==, GW_OVERLOAD_CPU);
  g_assert_cmpuint (n, >=, 200);
  g_assert_cmpuint (n, <=, 202);
  g_assert_false (gw_overload_allows (&overload, &limits, n, &changed));
  g_assert_false (changed);
  /* They have gone again: nothing of them will be seen. */
  feed (&overload, GW_OVERLOAD_CALM, 0.4, 1);
  g_assert_true (gw_overload_allows (&overload, &limits, 100, &changed));
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

  for (guint i = 0; i < 3; i++)
    gw_overload_update (&overload, &limits, &sample);
  g_assert_true (gw_overload_allows (&overload, &limits, 21, &changed));
  g_assert_cmpfloat_with_epsilon (gw_overload_expected (&overload, 21), 0.32, 0.001);
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
  g_test_add_func ("/gateway/overload/short_calls", test_short_calls);
  g_test_add_func ("/gateway/overload/few_legs", test_few_legs);
  g_test_add_func ("/gateway/overload/names", test_names);
  return g_test_run ();
}
