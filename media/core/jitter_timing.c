#include "media/core/jitter_timing.h"

#define BIN_US       5000
#define FADE         1.001f /* per packet: half of the weight lies in the last 700 packets */
#define WEIGHT_MAX   1e6f
#define PERCENTILE   0.99f
#define MAX_JUMP_US  (5 * CFG_US_PER_S)
#define RECOUNT_EACH 8 /* packets */

void
media_jitter_timing_init (MediaJitterTiming *timing)
{
  *timing = (MediaJitterTiming){ .weight = 1 };
  for (guint i = 0; i < MEDIA_JITTER_TIMING_BUCKETS; i++)
    timing->fastest_us[i] = G_MAXINT64;
}

static void
move_to_bucket (MediaJitterTiming *timing, gint64 second)
{
  gint64 steps = second - timing->bucket;

  if (steps <= 0)
    return;
  steps = MIN (steps, MEDIA_JITTER_TIMING_BUCKETS);
  for (gint64 i = 0; i < steps; i++)
    timing->fastest_us[(second - i) % MEDIA_JITTER_TIMING_BUCKETS] = G_MAXINT64;
  timing->bucket = second;
}

static void
note_fastest (MediaJitterTiming *timing, gint64 transit_us)
{
  gint64 *slot = &timing->fastest_us[timing->bucket % MEDIA_JITTER_TIMING_BUCKETS];
  gint64 smallest = G_MAXINT64;

  *slot = MIN (*slot, transit_us);
  for (guint i = 0; i < MEDIA_JITTER_TIMING_BUCKETS; i++)
    smallest = MIN (smallest, timing->fastest_us[i]);
  timing->baseline_us = smallest;
}

static void
fade (MediaJitterTiming *timing)
{
  timing->weight *= FADE;
  if (timing->weight < WEIGHT_MAX)
    return;
  for (guint i = 0; i < MEDIA_JITTER_TIMING_BINS; i++)
    timing->bins[i] /= WEIGHT_MAX;
  timing->total /= WEIGHT_MAX;
  timing->weight /= WEIGHT_MAX;
}

static void
recount (MediaJitterTiming *timing)
{
  float wanted = timing->total * PERCENTILE;
  float sum = 0;
  guint i;

  for (i = 0; i < MEDIA_JITTER_TIMING_BINS - 1; i++)
    {
      sum += timing->bins[i];
      if (sum >= wanted)
        break;
    }
  timing->spread_us = (gint64)(i + 1) * BIN_US;
  timing->since_spread = 0;
}

gboolean
media_jitter_timing_add (MediaJitterTiming *timing, gint64 transit_us, CfgMonotonic now)
{
  gint64 behind_us;
  guint bin;

  if (timing->started && ABS (transit_us - timing->last_us) > MAX_JUMP_US)
    return FALSE;
  if (!timing->started)
    timing->bucket = now.us / CFG_US_PER_S;
  timing->started = TRUE;
  timing->last_us = transit_us;
  move_to_bucket (timing, now.us / CFG_US_PER_S);
  note_fastest (timing, transit_us);

  behind_us = transit_us - timing->baseline_us;
  bin = (guint)MIN (behind_us / BIN_US, MEDIA_JITTER_TIMING_BINS - 1);
  timing->bins[bin] += timing->weight;
  timing->total += timing->weight;
  fade (timing);
  /* A late packet counts at once, the slow decay of the spread need not be exact. */
  if (++timing->since_spread >= RECOUNT_EACH || behind_us > timing->spread_us)
    recount (timing);
  return TRUE;
}

gint64
media_jitter_timing_spread_us (const MediaJitterTiming *timing)
{
  return timing->spread_us;
}
