#include "gateway/core/overload.h"

/* A thread that uses less of a core than this and is late all the same waits for others on the machine: not
 * to take calls would not help it. */
#define BUSY_SHARE 0.25
#define STALLED_MS 2000.0
/* Back again when the load is so much below its limit, the lateness half of its. */
#define CALM_LOAD 0.9
#define CALM_LATE 0.5
/* Of a leg. The first of many that come at once may be of any kind: not known, they are taken for forwarded
 * ones, until it shows what they are. Refusing calls for which there was room is the worse mistake: a gateway
 * that just started is to take 200 a second, each with a room of its own. */
#define COST_UNKNOWN 0.001
#define COST_MIN     0.0002
#define COST_MAX     0.02
#define COST_LEGS    20
/* Of the legs that came last: how many must have come, in how many samples, and how long before they show. */
#define GROWTH_LEGS  8
#define GROWTH_SPAN  4
#define GROWTH_DELAY 4
#define GROWTH_KNOWN (30 * GW_OVERLOAD_HZ) /* for so many samples: the next ones may be others */

static GwOverloadReason
judge (const GwOverloadLimits *limits, const GwOverloadSample *sample)
{
  if (limits->max_late_ms > 0 && sample->overdue_ms > STALLED_MS)
    return GW_OVERLOAD_STALLED;
  if (limits->max_load > 0 && sample->load > limits->max_load)
    return GW_OVERLOAD_CPU;
  if (limits->max_late_ms > 0 && sample->late_ms > limits->max_late_ms && sample->load >= BUSY_SHARE)
    return GW_OVERLOAD_LATE;
  return GW_OVERLOAD_NONE;
}

static double
cost_of_new (const GwOverload *overload, guint n_legs)
{
  const guint before = overload->n_legs[GW_OVERLOAD_UNSEEN];
  const double of_new = overload->growth_known > 0 ? overload->growth_cost : COST_UNKNOWN;
  const double cost = MAX (overload->cost, of_new);

  return n_legs <= before ? 0 : (n_legs - before) * cost;
}

static gboolean
is_calm (const GwOverload *overload, const GwOverloadLimits *limits, const GwOverloadSample *sample)
{
  if (limits->max_load > 0
      && sample->load + cost_of_new (overload, sample->n_legs) > CALM_LOAD * limits->max_load)
    return FALSE;
  return limits->max_late_ms <= 0 || sample->late_ms <= CALM_LATE * limits->max_late_ms
         || sample->load < BUSY_SHARE * CALM_LOAD;
}

/* The load is a second's mean: it rose by what the legs cost that came 0.8 s before (media flows, and a half
 * of the mean), and of a sudden rise these samples show four fifths at most. */
static void
learn_growth (GwOverload *overload)
{
  const guint now = overload->n_legs[GROWTH_DELAY], before = overload->n_legs[GROWTH_DELAY + GROWTH_SPAN];
  double cost;

  overload->growth_known -= overload->growth_known > 0;
  if (overload->n_kept < GW_OVERLOAD_KEPT || now < before + GROWTH_LEGS)
    return;
  cost = (overload->loads[0] - overload->loads[GROWTH_SPAN]) / (now - before) * GW_OVERLOAD_WINDOW
         / GROWTH_SPAN;
  cost = CLAMP (cost, 0, COST_MAX);
  if (overload->growth_known == 0)
    overload->growth_cost = cost;
  else
    overload->growth_cost += (cost > overload->growth_cost ? 0.5 : 0.1) * (cost - overload->growth_cost);
  overload->growth_known = GROWTH_KNOWN;
}

static void
learn_cost (GwOverload *overload, const GwOverloadSample *sample)
{
  if (sample->n_legs >= COST_LEGS)
    overload->cost = CLAMP (sample->load / sample->n_legs, COST_MIN, COST_MAX);
  learn_growth (overload);
}

static void
keep (GwOverload *overload, const GwOverloadSample *sample)
{
  for (guint i = GW_OVERLOAD_KEPT - 1; i > 0; i--)
    {
      overload->loads[i] = overload->loads[i - 1];
      overload->n_legs[i] = overload->n_legs[i - 1];
    }
  overload->loads[0] = overload->load = sample->load;
  overload->n_legs[0] = sample->n_legs;
  overload->n_kept = MIN (overload->n_kept + 1, GW_OVERLOAD_KEPT);
}

gboolean
gw_overload_update (GwOverload *overload, const GwOverloadLimits *limits, const GwOverloadSample *sample)
{
  const GwOverloadReason before = overload->reason;
  const GwOverloadReason now = judge (limits, sample);

  keep (overload, sample);
  learn_cost (overload, sample);
  overload->n_suspect = now == GW_OVERLOAD_NONE ? 0 : overload->n_suspect + 1;
  overload->n_calm = now == GW_OVERLOAD_NONE && is_calm (overload, limits, sample) ? overload->n_calm + 1 : 0;
  if (now != GW_OVERLOAD_NONE)
    overload->expected = FALSE;
  if (before == GW_OVERLOAD_NONE && overload->n_suspect >= GW_OVERLOAD_SUSPECT)
    overload->reason = now;
  else if (before != GW_OVERLOAD_NONE
           && overload->n_calm >= (overload->expected ? GW_OVERLOAD_CALM_EXPECTED : GW_OVERLOAD_CALM))
    overload->reason = GW_OVERLOAD_NONE;
  return overload->reason != before;
}

double
gw_overload_expected (const GwOverload *overload, guint n_legs)
{
  return MIN (overload->loads[0], overload->loads[1]) + cost_of_new (overload, n_legs);
}

gboolean
gw_overload_allows (GwOverload *overload, const GwOverloadLimits *limits, guint n_legs, gboolean *changed)
{
  *changed = FALSE;
  if (overload->reason == GW_OVERLOAD_NONE && limits->max_load > 0
      && gw_overload_expected (overload, n_legs) > limits->max_load)
    {
      overload->reason = GW_OVERLOAD_CPU;
      overload->expected = TRUE;
      overload->n_calm = 0;
      *changed = TRUE;
    }
  return overload->reason == GW_OVERLOAD_NONE;
}

const char *
gw_overload_reason_name (GwOverloadReason reason)
{
  static const char *const names[] = { NULL, "cpu", "late", "stalled" };

  return names[reason];
}
