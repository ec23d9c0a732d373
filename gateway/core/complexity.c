#include "gateway/core/complexity.h"

/* Less than so many encoders, and what they cost varies too much with what they are given. */
#define ENCODERS_MIN 4
/* What one kind of work costs in relation to the one below it: 1.1 to 2.1, as measured. */
#define KIND_MIN 1.08
#define KIND_MAX 2.5
/* What a step down over several of them saves at most. */
#define STEP_MAX 8.0

/* The last of those that cost the same: what is below one of them costs less. */
static const guint steps[GW_COMPLEXITY_KINDS] = { 0, 1, 3, 5, 7, 10 };
/* At 16 kHz without FEC. */
static const double usual_costs[GW_COMPLEXITY_KINDS] = { 45, 50, 80, 110, 165, 222 };

static guint
kind_of (guint complexity)
{
  guint i = 0;

  while (i + 1 < G_N_ELEMENTS (steps) && steps[i] < complexity)
    i++;
  return i;
}

static guint
step_down (guint from, guint min)
{
  const guint kind = kind_of (from);

  return MAX (kind > 0 ? steps[kind - 1] : 0, min);
}

static guint
step_up (guint from, guint max)
{
  return MIN (steps[MIN (kind_of (from) + 1, G_N_ELEMENTS (steps) - 1)], max);
}

void
gw_complexity_init (GwComplexity *complexity, const GwComplexityLimits *limits)
{
  *complexity = (GwComplexity){ .complexity = limits->max, .calm_us = GW_COMPLEXITY_CALM_US };
  for (guint i = 0; i < GW_COMPLEXITY_KINDS; i++)
    complexity->costs[i] = usual_costs[i];
}

/* What encoding would cost with @to, in relation to now. */
static double
relation (const GwComplexity *complexity, guint to)
{
  return complexity->costs[kind_of (to)] / complexity->costs[kind_of (complexity->complexity)];
}

static double
cost_of_encoder (const GwComplexitySample *sample)
{
  return sample->encoders >= ENCODERS_MIN ? sample->encoding / sample->encoders : 0;
}

/* The last step has changed what a frame costs by @factor. What lies between the two kinds of work stays
 * between them. Below them everything goes with the new one; above them it is known from the way down. What
 * was said meanwhile counts in @factor too: whatever it was, a kind of work costs more than the one below it,
 * so that less effort is known to save something, and not so much more that it is never tried again. */
static void
learn (GwComplexity *complexity, double factor)
{
  const guint from = complexity->from, to = kind_of (complexity->complexity);
  double *costs = complexity->costs;
  const double at = costs[from], old = costs[to];
  const double now
      = at * (to > from ? CLAMP (factor, KIND_MIN, KIND_MAX) : CLAMP (factor, 1 / STEP_MAX, 1 / KIND_MIN));

  for (guint i = to + 1; i < from; i++)
    costs[i] = now + (costs[i] - old) * (at - now) / (at - old);
  for (guint i = 0; i < to && to < from; i++)
    costs[i] *= now / old;
  costs[to] = now;
  for (guint i = 1; i < GW_COMPLEXITY_KINDS; i++)
    costs[i] = CLAMP (costs[i], costs[i - 1] * KIND_MIN, costs[i - 1] * KIND_MAX);
  for (guint i = GW_COMPLEXITY_KINDS; i-- > 0;)
    costs[i] *= usual_costs[0] / costs[0];
}

static gboolean
is_busy (const GwComplexityLimits *limits, const GwComplexitySample *sample)
{
  return MAX (sample->load, sample->all) > GW_COMPLEXITY_BUSY
         || (limits->max_late_ms > 0 && sample->late_ms > limits->max_late_ms
             && sample->load >= GW_COMPLEXITY_WORKS);
}

/* Where nothing is encoded, less of it saves nothing. */
static gboolean
would_save (const GwComplexity *complexity, const GwComplexityLimits *limits,
            const GwComplexitySample *sample)
{
  return sample->encoding * (1 - relation (complexity, limits->min)) >= GW_COMPLEXITY_NOTHING;
}

/* All that there is to encode is not worth giving it less. */
static gboolean
costs_nothing (const GwComplexity *complexity, const GwComplexityLimits *limits,
               const GwComplexitySample *sample)
{
  return sample->encoding * (relation (complexity, limits->max) - 1) < GW_COMPLEXITY_NOTHING / 2;
}

static gboolean
has_room (const GwComplexity *complexity, const GwComplexityLimits *limits, const GwComplexitySample *sample)
{
  const double more = relation (complexity, step_up (complexity->complexity, limits->max)) - 1;

  return MAX (sample->load + sample->encoding * more, sample->all + sample->all_encoding * more)
         < GW_COMPLEXITY_ROOM;
}

/* Since when @holds; 0: it does not. */
static void
follow (CfgMonotonic *since, gboolean holds, CfgMonotonic now)
{
  if (!holds)
    since->us = 0;
  else if (since->us == 0)
    *since = now;
}

static gboolean
lasts (CfgMonotonic since, gint64 for_us, CfgMonotonic now)
{
  return since.us != 0 && cfg_monotonic_diff_us (now, since) >= for_us;
}

static void
change (GwComplexity *complexity, guint to, const GwComplexitySample *sample, CfgMonotonic now)
{
  complexity->from = kind_of (complexity->complexity);
  complexity->cost_before = kind_of (to) != complexity->from ? cost_of_encoder (sample) : 0;
  complexity->complexity = to;
  complexity->busy_since = complexity->calm_since = (CfgMonotonic){ 0 };
  complexity->settled_at = (CfgMonotonic){ now.us + GW_COMPLEXITY_SETTLE_US };
}

/* What was raised and soon was too much is not raised so soon again. */
static void
lower (GwComplexity *complexity, guint to, const GwComplexitySample *sample, CfgMonotonic now)
{
  if (lasts (complexity->raised_at, GW_COMPLEXITY_SHORT_LIVED_US, now))
    complexity->calm_us = GW_COMPLEXITY_CALM_US;
  else if (complexity->raised_at.us != 0)
    complexity->calm_us = MIN (2 * complexity->calm_us, GW_COMPLEXITY_CALM_MAX_US);
  complexity->raised_at = (CfgMonotonic){ 0 };
  change (complexity, to, sample, now);
}

static void
settle (GwComplexity *complexity, const GwComplexitySample *sample)
{
  const double cost = cost_of_encoder (sample);

  if (complexity->cost_before > 0 && cost > 0)
    learn (complexity, cost / complexity->cost_before);
  complexity->cost_before = 0;
}

gboolean
gw_complexity_update (GwComplexity *complexity, const GwComplexityLimits *limits,
                      const GwComplexitySample *sample, CfgMonotonic now)
{
  const guint before = complexity->complexity;
  gboolean busy, free;

  if (before < limits->min)
    {
      change (complexity, limits->min, sample, now);
      return TRUE;
    }
  if (now.us < complexity->settled_at.us)
    return FALSE;
  settle (complexity, sample);
  busy = is_busy (limits, sample);
  free = costs_nothing (complexity, limits, sample);
  follow (&complexity->busy_since, busy && would_save (complexity, limits, sample), now);
  follow (&complexity->calm_since,
          before < limits->max && (free || (!busy && has_room (complexity, limits, sample))), now);
  if (lasts (complexity->busy_since, GW_COMPLEXITY_BUSY_US, now))
    lower (complexity,
           MAX (sample->load, sample->all) > GW_COMPLEXITY_FULL ? limits->min
                                                                : step_down (before, limits->min),
           sample, now);
  else if (lasts (complexity->calm_since, complexity->calm_us, now))
    {
      change (complexity, free ? limits->max : step_up (before, limits->max), sample, now);
      if (free)
        complexity->cost_before = 0; /* of next to nothing, or of silence, nothing is to be learned */
      complexity->raised_at = now;
    }
  return complexity->complexity != before;
}
