#include "gateway/core/overload.h"

/* A thread that uses less of a core than this and is late all the same waits for others on the machine: not
 * to take calls would not help it. */
#define BUSY_SHARE 0.25
#define STALLED_MS 2000.0
/* Back again when the load is so much below its limit, the lateness half of its. */
#define CALM_LOAD 0.9
#define CALM_LATE 0.5
/* Of a leg, where too few are there to tell. */
#define COST_DEFAULT 0.001
#define COST_MIN     0.0002
#define COST_MAX     0.02
#define COST_LEGS    20

static GwOverloadReason
judge (const GwOverloadLimits *limits, const GwOverloadSample *sample)
{
  if (limits->max_late_ms > 0 && sample->late_ms > STALLED_MS)
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
  const guint before = overload->n_legs[G_N_ELEMENTS (overload->n_legs) - 1];

  return n_legs <= before ? 0 : (n_legs - before) * (overload->cost > 0 ? overload->cost : COST_DEFAULT);
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

static void
learn_cost (GwOverload *overload, const GwOverloadSample *sample)
{
  if (sample->n_legs >= COST_LEGS)
    overload->cost = CLAMP (sample->load / sample->n_legs, COST_MIN, COST_MAX);
  else if (overload->cost <= 0)
    overload->cost = COST_DEFAULT;
}

gboolean
gw_overload_update (GwOverload *overload, const GwOverloadLimits *limits, const GwOverloadSample *sample)
{
  const GwOverloadReason before = overload->reason;
  const GwOverloadReason now = judge (limits, sample);

  learn_cost (overload, sample);
  overload->load_before = overload->load;
  overload->load = sample->load;
  overload->n_calm = now == GW_OVERLOAD_NONE && is_calm (overload, limits, sample) ? overload->n_calm + 1 : 0;
  if (before == GW_OVERLOAD_NONE && overload->suspected != GW_OVERLOAD_NONE)
    overload->reason = now;
  else if (before != GW_OVERLOAD_NONE && overload->n_calm >= GW_OVERLOAD_CALM)
    overload->reason = GW_OVERLOAD_NONE;
  overload->suspected = now;
  for (guint i = G_N_ELEMENTS (overload->n_legs) - 1; i > 0; i--)
    overload->n_legs[i] = overload->n_legs[i - 1];
  overload->n_legs[0] = sample->n_legs;
  return overload->reason != before;
}

double
gw_overload_expected (const GwOverload *overload, guint n_legs)
{
  return MIN (overload->load, overload->load_before) + cost_of_new (overload, n_legs);
}

gboolean
gw_overload_allows (GwOverload *overload, const GwOverloadLimits *limits, guint n_legs, gboolean *changed)
{
  *changed = FALSE;
  if (overload->reason == GW_OVERLOAD_NONE && limits->max_load > 0
      && gw_overload_expected (overload, n_legs) > limits->max_load)
    {
      overload->reason = GW_OVERLOAD_CPU;
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
