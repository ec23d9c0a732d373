/* How a media worker's Opus encoders follow its load. */
#include <glib.h>
#include <string.h>

#include "gateway/core/complexity.h"

#define SAMPLE_US (CFG_US_PER_S / 5)

static const GwComplexityLimits usual = { .max = 5, .max_late_ms = 10 };

typedef struct
{
  GwComplexity complexity;
  CfgMonotonic now;
  guint n_changes;
} Worker;

static void
begin (Worker *worker, const GwComplexityLimits *limits)
{
  *worker = (Worker){ .now = { 1000 * CFG_US_PER_S } };
  gw_complexity_init (&worker->complexity, limits);
}

/* A quarter of a core is for encoding, whatever it is done with: nothing is learned from a step. */
static void
feed_late (Worker *worker, const GwComplexityLimits *limits, double seconds, double load, double late_ms)
{
  const GwComplexitySample sample = { .load = load, .encoding = 0.25, .late_ms = late_ms };
  const guint n = (guint)(seconds * CFG_US_PER_S / SAMPLE_US + 0.5);

  for (guint i = 0; i < n; i++)
    {
      worker->now.us += SAMPLE_US;
      worker->n_changes += (guint)gw_complexity_update (&worker->complexity, limits, &sample, worker->now);
    }
}

static void
feed (Worker *worker, double seconds, double load)
{
  feed_late (worker, &usual, seconds, load, 1);
}

/* Seconds of one load, one after the other. */
typedef struct
{
  double seconds, load, late_ms;
  guint expected;
} Phase;

typedef struct
{
  const char *name;
  guint max, min;
  double max_late_ms;
  Phase phases[6];
} Case;

static const Case cases[] = {
  { "there is room", 5, 0, 10, { { 60, 0.74, 9, 5 } } },
  { "a burst of less than a second",
    5,
    0,
    10,
    { { 0.8, 0.95, 1, 5 }, { 1, 0.5, 1, 5 }, { 0.8, 0.95, 1, 5 } } },
  { "busy: a step in little more than a second", 5, 0, 10, { { 1.2, 0.80, 1, 3 } } },
  { "and one more when that was not enough",
    5,
    0,
    10,
    { { 1.2, 0.80, 1, 3 }, { 2.2, 0.80, 1, 1 }, { 2.2, 0.8, 1, 0 }, { 60, 0.8, 1, 0 } } },
  { "a step shows a second later in the load",
    5,
    0,
    10,
    { { 1.2, 0.80, 1, 3 }, { 0.8, 0.80, 1, 3 }, { 60, 0.7, 1, 3 } } },
  { "nearly full: all at once", 5, 0, 10, { { 1.2, 0.90, 1, 0 } } },
  { "no lower than it may", 5, 1, 10, { { 60, 0.95, 1, 1 } } },
  { "not at all", 5, 5, 10, { { 60, 0.95, 500, 5 } } },
  { "from the highest, by what costs less",
    10,
    0,
    10,
    { { 1.2, 0.8, 1, 7 }, { 2.2, 0.8, 1, 5 }, { 2.2, 0.8, 1, 3 }, { 2.2, 0.8, 1, 1 }, { 2.2, 0.8, 1, 0 } } },
  { "from between two steps", 4, 0, 10, { { 1.2, 0.8, 1, 3 } } },
  { "2 is below 3", 2, 0, 10, { { 1.2, 0.8, 1, 1 } } },
  { "0 has nothing to give", 0, 0, 10, { { 60, 0.95, 100, 0 } } },
  { "late at work", 5, 0, 10, { { 1.2, 0.25, 11, 3 } } },
  { "late without much work: others are at it", 5, 0, 10, { { 60, 0.24, 300, 5 } } },
  { "lateness that nobody limits", 5, 0, 0, { { 60, 0.7, 300, 5 } } },
  { "up again step by step, after ten seconds each",
    5,
    0,
    10,
    { { 1.2, 0.9, 1, 0 },
      { 10.8, 0.5, 1, 0 },
      { 0.6, 0.5, 1, 1 },
      { 11.4, 0.5, 1, 3 },
      { 11.4, 0.5, 1, 5 },
      { 60, 0.5, 1, 5 } } },
  { "not to where there is no room", 5, 0, 10, { { 1.2, 0.9, 1, 0 }, { 600, 0.66, 1, 1 } } },
  { "not when it is neither", 5, 0, 10, { { 1.2, 0.9, 1, 0 }, { 600, 0.71, 1, 0 } } },
  { "a busy moment begins the ten seconds anew",
    5,
    0,
    10,
    { { 1.2, 0.9, 1, 0 }, { 9, 0.5, 1, 0 }, { 0.2, 0.71, 1, 0 }, { 9.8, 0.5, 1, 0 }, { 0.6, 0.5, 1, 1 } } },
  { "late ticks are no calm", 5, 0, 10, { { 1.2, 0.9, 1, 0 }, { 60, 0.55, 11, 0 } } },
  { "back to a maximum between two steps", 6, 0, 10, { { 1.2, 0.8, 1, 5 }, { 12, 0.5, 1, 6 } } },
};

static void
test_cases (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Case *c = &cases[i];
      const GwComplexityLimits limits = { .max = c->max, .min = c->min, .max_late_ms = c->max_late_ms };
      Worker worker;

      g_test_message ("%s", c->name);
      begin (&worker, &limits);
      g_assert_cmpuint (worker.complexity.complexity, ==, c->max);
      for (guint p = 0; p < G_N_ELEMENTS (c->phases) && c->phases[p].seconds > 0; p++)
        {
          const Phase *phase = &c->phases[p];

          feed_late (&worker, &limits, phase->seconds, phase->load, phase->late_ms);
          g_test_message ("phase %u: %u", p, worker.complexity.complexity);
          g_assert_cmpuint (worker.complexity.complexity, ==, phase->expected);
        }
    }
}

/* ---- a worker whose load follows from what it does ---- */

/* us that 20 ms take, as measured (docs, decision 38), with 0, 1, 3, 5, 7, 10. */
static const struct
{
  const char *name;
  double us[6];
} works[] = {
  { "8 kHz", { 33, 37, 45, 57, 78, 104 } },     { "8 kHz, FEC", { 26, 29, 61, 77, 109, 151 } },
  { "16 kHz", { 45, 50, 80, 110, 173, 222 } },  { "16 kHz, FEC", { 47, 52, 116, 148, 234, 320 } },
  { "48 kHz", { 65, 77, 115, 136, 200, 256 } }, { "48 kHz, FEC", { 65, 78, 144, 175, 269, 346 } },
};

static const guint levels[] = { 0, 1, 3, 5, 7, 10 };

typedef struct
{
  GwComplexity complexity;
  GwComplexityLimits limits;
  CfgMonotonic now;
  guint work; /* of works */
  double rest, encoders, other;
  double swing;                        /* of the rest's load, up and down */
  double rests[5], encodings[5], n[5]; /* of the last second, in turn */
  guint n_samples, n_changes, n_logged_for_nothing;
} Machine;

static guint
level_of (guint complexity)
{
  guint i = 0;

  while (levels[i] < complexity)
    i++;
  return i;
}

/* Shares of a core. */
static double
encoding_at (const Machine *machine, guint level)
{
  return machine->encoders * works[machine->work].us[level] / 20e3;
}

static double
mean_of (const double *values)
{
  return (values[0] + values[1] + values[2] + values[3] + values[4]) / 5;
}

static void
machine_init (Machine *machine, guint work, guint max)
{
  *machine = (Machine){ .now = { 1000 * CFG_US_PER_S },
                        .limits = { .max = max, .max_late_ms = 10 },
                        .work = work };
  gw_complexity_init (&machine->complexity, &machine->limits);
}

/* More than a core is not to be had. What encoders take varies with what is said. */
static void
machine_sample (Machine *machine)
{
  static const double speech[] = { 1.02, 0.97, 1.01, 0.99, 1.03, 0.98, 1 };
  static const double waves[] = { 0, 0.7, 1, 0.7, 0, -0.7, -1, -0.7 };
  const guint i = machine->n_samples % 5;
  double encoding = encoding_at (machine, level_of (machine->complexity.complexity))
                    * speech[machine->n_samples % G_N_ELEMENTS (speech)];
  double rest = machine->rest + machine->swing * waves[machine->n_samples / 5 % G_N_ELEMENTS (waves)];
  const double fits = MIN (1, 1 / (rest + encoding));
  GwComplexitySample sample;
  guint before;

  machine->rests[i] = rest * fits;
  machine->encodings[i] = encoding * fits;
  machine->n[i] = machine->encoders * fits;
  machine->n_samples++;
  machine->now.us += SAMPLE_US;
  sample = (GwComplexitySample){ .load = mean_of (machine->rests) + mean_of (machine->encodings),
                                 .encoding = mean_of (machine->encodings),
                                 .encoders = mean_of (machine->n),
                                 .late_ms = 1 };
  sample.all = sample.load / 2 + machine->other / 2;
  sample.all_encoding = sample.encoding / 2;
  before = machine->complexity.complexity;
  if (!gw_complexity_update (&machine->complexity, &machine->limits, &sample, machine->now))
    return;
  machine->n_changes++;
  machine->n_logged_for_nothing += before > machine->complexity.complexity && sample.encoding < 0.02;
}

/* Returns: how many changes there were. */
static guint
machine_run (Machine *machine, guint seconds)
{
  const guint before = machine->n_changes;

  for (guint i = 0; i < seconds * 5; i++)
    machine_sample (machine);
  return machine->n_changes - before;
}

/* What it is used for at most, or half of what both cores are. */
static double
load_at (const Machine *machine, guint level)
{
  const double own = machine->rest + machine->swing + encoding_at (machine, level);

  return MAX (own, own / 2 + machine->other / 2);
}

/* It stands where it should: no more would fit, and no less is needed. Where nothing can be saved it is the
 * highest. */
static void
assert_settled (const Machine *machine)
{
  const guint level = level_of (machine->complexity.complexity);
  const guint highest = level_of (machine->limits.max);

  g_test_message ("%s: rest %.2f (%.2f), other %.2f, %.0f encoders: %u, load %.3f", works[machine->work].name,
                  machine->rest, machine->swing, machine->other, machine->encoders, levels[level],
                  load_at (machine, level));
  if (encoding_at (machine, highest) - encoding_at (machine, 0) < 0.009)
    g_assert_cmpuint (level, ==, highest);
  else if (level < highest)
    g_assert_cmpfloat (load_at (machine, level + 1), >, GW_COMPLEXITY_ROOM - 0.02);
  if (load_at (machine, level) > GW_COMPLEXITY_BUSY + 0.01)
    g_assert_cmpfloat (encoding_at (machine, level) - encoding_at (machine, 0), <, 0.025);
}

/* All mixes of calls: within a minute and a half of a new load it stands where it should, and stays there. */
static void
test_settles (void)
{
  static const double rests[] = { 0.1, 0.9, 0.3, 0.55, 0.45, 0.7, 0.6, 0.2, 0.5, 0.75 };
  static const guint numbers[] = { 0, 1, 20, 60, 100, 200 };

  for (guint work = 0; work < G_N_ELEMENTS (works); work++)
    for (guint n = 0; n < G_N_ELEMENTS (numbers); n++)
      for (guint max = 5; max <= 10; max += 5)
        {
          Machine machine;

          machine_init (&machine, work, max);
          machine.encoders = numbers[n];
          for (guint r = 0; r < G_N_ELEMENTS (rests); r++)
            {
              machine.rest = rests[r];
              /* Each second one has another half of what it may go up to. */
              machine.other = r % 2 == 0 ? 0 : 0.5;
              g_assert_cmpuint (machine_run (&machine, 90), <=, 8);
              g_assert_cmpuint (machine_run (&machine, 600), <=, 2);
              assert_settled (&machine);
            }
          g_assert_cmpuint (machine.n_logged_for_nothing, ==, 0);
        }
}

/* The same with a load that goes up and down by 4 % of a core: it seldom tries what does not last. */
static void
test_never_flaps (void)
{
  for (guint work = 0; work < G_N_ELEMENTS (works); work++)
    for (guint rest = 10; rest <= 90; rest += 5)
      for (guint n = 0; n <= 160; n += 20)
        {
          Machine machine;

          machine_init (&machine, work, 5);
          machine.rest = rest / 100.0;
          machine.swing = 0.04;
          machine.encoders = n;
          machine_run (&machine, 600);
          g_assert_cmpuint (machine_run (&machine, 3600), <=, 2);
          assert_settled (&machine);
        }
}

/* What brought it down: 300 forwarded and 60 transcoded calls on one core, dear while they come, then 48 to
 * 58 % without what is encoded. Of eight minutes seven are to be heard with more than the least. */
static void
test_recovers (void)
{
  Machine machine;

  machine_init (&machine, 0, 5);
  machine.encoders = 60;
  machine.rest = 0.85;
  machine_run (&machine, 10);
  g_assert_cmpuint (machine.complexity.complexity, ==, 0);
  machine.rest = 0.53;
  machine.swing = 0.05;
  g_assert_cmpuint (machine_run (&machine, 60), ==, 2);
  g_assert_cmpuint (machine.complexity.complexity, ==, 3);
  g_assert_cmpuint (machine_run (&machine, 600), ==, 0);
  machine.rest = 0.3;
  machine_run (&machine, 20);
  g_assert_cmpuint (machine.complexity.complexity, ==, 5);
}

/* Calls that are only forwarded: there is nothing to be saved, and nothing to be said. */
static void
test_nothing_to_save (void)
{
  for (guint n = 0; n <= 3; n++)
    {
      Machine machine;

      machine_init (&machine, 2, 5);
      machine.encoders = n;
      machine.rest = 0.95;
      g_assert_cmpuint (machine_run (&machine, 600), ==, 0);
    }
}

/* Transcoded calls end while forwarded ones come: who is encoded for then need not hear less. */
static void
test_goes_back_where_it_costs_nothing (void)
{
  Machine machine;

  machine_init (&machine, 2, 5);
  machine.encoders = 100;
  machine.rest = 0.5;
  machine_run (&machine, 60);
  g_assert_cmpuint (machine.complexity.complexity, <, 5);
  machine.encoders = 1;
  machine.rest = 0.8;
  g_assert_cmpuint (machine_run (&machine, 15), ==, 1);
  g_assert_cmpuint (machine.complexity.complexity, ==, 5);
  g_assert_cmpuint (machine_run (&machine, 600), ==, 0);
}

/* Returns: after how many seconds of @load it changed. */
static double
seconds_to_change (Worker *worker, double load)
{
  const CfgMonotonic start = worker->now;
  const guint before = worker->n_changes;

  while (worker->n_changes == before)
    {
      feed (worker, 0.2, load);
      g_assert_cmpint (cfg_monotonic_diff_us (worker->now, start), <, 1000 * CFG_US_PER_S);
    }
  return (double)cfg_monotonic_diff_us (worker->now, start) / CFG_US_PER_S;
}

/* What did not last is tried again after 10, 20, 40, 80, 160, 160 s; what lasted a minute, after 10. A second
 * more, until the step shows in the load. */
static void
test_waits_longer_each_time (void)
{
  static const double waits_s[] = { 10, 20, 40, 80, 160, 160 };
  Worker worker;

  begin (&worker, &usual);
  seconds_to_change (&worker, 0.8);
  for (guint i = 0; i < G_N_ELEMENTS (waits_s); i++)
    {
      g_assert_cmpfloat_with_epsilon (seconds_to_change (&worker, 0.5), waits_s[i] + 1, 0.3);
      g_assert_cmpuint (worker.complexity.complexity, ==, 5);
      g_assert_cmpfloat_with_epsilon (seconds_to_change (&worker, 0.8), 2, 0.3);
      g_assert_cmpuint (worker.complexity.complexity, ==, 3);
    }
  seconds_to_change (&worker, 0.5);
  feed (&worker, 61, 0.5);
  g_assert_cmpuint (worker.complexity.complexity, ==, 5);
  seconds_to_change (&worker, 0.8);
  g_assert_cmpfloat_with_epsilon (seconds_to_change (&worker, 0.5), 11, 0.3);
}

static void
feed_encoding (Worker *worker, double seconds, double load, double encoding)
{
  const GwComplexitySample sample = { .load = load, .encoding = encoding, .encoders = 40, .late_ms = 1 };

  for (guint i = 0; i < (guint)(seconds * 5 + 0.5); i++)
    {
      worker->now.us += SAMPLE_US;
      gw_complexity_update (&worker->complexity, &usual, &sample, worker->now);
    }
}

/* All listen to silence while it goes back to the highest, which costs hardly more there than at the lowest.
 * When they speak again less effort must be known to save something, and what lies between must not be taken
 * for so dear that it stays at the lowest for ever. */
static void
test_learned_in_silence (void)
{
  static const double silences[] = { 0.002, 0.01 }; /* all at once, and step by step */

  for (guint i = 0; i < G_N_ELEMENTS (silences); i++)
    {
      Worker worker;

      begin (&worker, &usual);
      feed_encoding (&worker, 3, 0.95, 0.3);
      g_assert_cmpuint (worker.complexity.complexity, ==, 0);
      feed_encoding (&worker, 60, 0.3, silences[i]);
      g_assert_cmpuint (worker.complexity.complexity, ==, 5);
      feed_encoding (&worker, 1.4, 0.95, 0.3);
      g_assert_cmpuint (worker.complexity.complexity, ==, 0);
      feed_encoding (&worker, 120, 0.5, 0.12);
      g_assert_cmpuint (worker.complexity.complexity, ==, 5);
    }
}

/* Whatever is measured, each kind of work costs something more than the one below it, and not without end. */
static void
test_costs_stay_in_order (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  Worker worker;

  begin (&worker, &usual);
  for (guint i = 0; i < 20000; i++)
    {
      const double *costs = worker.complexity.costs;
      const double loads[] = { 0.3, 0.5, 0.8, 0.95 };

      feed_encoding (&worker, g_rand_double_range (random, 1, 15), loads[g_rand_int_range (random, 0, 4)],
                     g_rand_double (random) * (i % 3 == 0 ? 0.004 : 0.3));
      g_assert_cmpfloat_with_epsilon (costs[0], 45, 1e-6);
      for (guint k = 1; k < GW_COMPLEXITY_KINDS; k++)
        {
          g_assert_cmpfloat (costs[k], >, costs[k - 1] * 1.079);
          g_assert_cmpfloat (costs[k], <, costs[k - 1] * 2.51);
        }
    }
}

/* Before packets are lost: two seconds after the work rose, the load of the last second's mean. */
static void
test_in_time (void)
{
  for (guint peak = 80; peak <= 100; peak += 5)
    {
      gint64 changed_us = -1;
      Worker worker;

      begin (&worker, &usual);
      feed (&worker, 30, 0.4);
      for (guint i = 1; changed_us < 0 && i <= 50; i++)
        {
          feed (&worker, 0.2, 0.4 + (peak / 100.0 - 0.4) * MIN (i, 5) / 5);
          if (worker.n_changes > 0)
            changed_us = i * SAMPLE_US;
        }
      g_assert_cmpint (changed_us, >, 0);
      g_assert_cmpint (changed_us, <=, 2 * CFG_US_PER_S);
    }
}

/* The configuration is read again, and it may not go so low any more. */
static void
test_minimum_is_raised (void)
{
  GwComplexityLimits limits = usual;
  Worker worker;

  begin (&worker, &limits);
  feed_late (&worker, &limits, 2, 0.95, 1);
  g_assert_cmpuint (worker.complexity.complexity, ==, 0);
  limits.min = 3;
  feed_late (&worker, &limits, 0.2, 0.95, 1);
  g_assert_cmpuint (worker.complexity.complexity, ==, 3);
  feed_late (&worker, &limits, 60, 0.95, 1);
  g_assert_cmpuint (worker.complexity.complexity, ==, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/complexity/cases", test_cases);
  g_test_add_func ("/gateway/complexity/settles", test_settles);
  g_test_add_func ("/gateway/complexity/never_flaps", test_never_flaps);
  g_test_add_func ("/gateway/complexity/recovers", test_recovers);
  g_test_add_func ("/gateway/complexity/nothing_to_save", test_nothing_to_save);
  g_test_add_func ("/gateway/complexity/goes_back_where_it_costs_nothing",
                   test_goes_back_where_it_costs_nothing);
  g_test_add_func ("/gateway/complexity/waits_longer_each_time", test_waits_longer_each_time);
  g_test_add_func ("/gateway/complexity/learned_in_silence", test_learned_in_silence);
  g_test_add_func ("/gateway/complexity/costs_stay_in_order", test_costs_stay_in_order);
  g_test_add_func ("/gateway/complexity/in_time", test_in_time);
  g_test_add_func ("/gateway/complexity/minimum_is_raised", test_minimum_is_raised);
  return g_test_run ();
}
