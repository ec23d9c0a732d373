#include "media/core/jitter_timing.h"

#define MAX_JUMP_US   (5 * CFG_US_PER_S)
#define SPAN_US       (500 * CFG_US_PER_MS)
#define SPAN_PACKETS  16 /* at least, however long they are */
#define SPANS_TO_TELL 4  /* before so many have begun, everything may be usual */
/* A standstill: so much later than anything else but its neighbours. */
#define APART_US    (20 * CFG_US_PER_MS)
#define APART_SHARE 4 /* and by one part of so many of what is usual */
#define SPANS       MEDIA_JITTER_TIMING_SPANS
#define PRESENT     8 /* of them: what was later before is over */

void
media_jitter_timing_init (MediaJitterTiming *timing)
{
  *timing = (MediaJitterTiming){ .robust_us = G_MININT64, .missed_us = { G_MININT64, G_MININT64 } };
  for (guint i = 0; i < MEDIA_JITTER_TIMING_BUCKETS; i++)
    timing->fastest_us[i] = G_MAXINT64;
  for (guint i = 0; i < SPANS; i++)
    timing->latest_us[i] = G_MININT64;
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

/* A standstill's packets come in a heap: they all are in one span, or in two that are neighbours. */
static gboolean
are_neighbours (guint a, guint b)
{
  const guint apart = (a + SPANS - b) % SPANS;

  return apart <= 1 || apart == SPANS - 1;
}

static void
recount (MediaJitterTiming *timing)
{
  gint64 other_us = G_MININT64;
  guint largest = timing->span % SPANS;

  for (guint i = 1; i < PRESENT; i++)
    if (timing->latest_us[(timing->span - i) % SPANS] > timing->latest_us[largest])
      largest = (timing->span - i) % SPANS;
  timing->robust_us = timing->latest_us[largest];
  for (guint i = 0; i < SPANS; i++)
    if (!are_neighbours (i, largest))
      other_us = MAX (other_us, timing->latest_us[i]);
  if (timing->span + 1 >= SPANS_TO_TELL && other_us != G_MININT64
      && timing->robust_us - other_us > APART_US + (other_us - timing->baseline_us) / APART_SHARE)
    timing->robust_us = other_us;
}

/* Returns: TRUE when the largest may be another. */
static gboolean
note_latest (MediaJitterTiming *timing, gint64 transit_us, CfgMonotonic now)
{
  gint64 *latest_us;
  gboolean changed = FALSE;

  if (timing->n_in_span >= SPAN_PACKETS && cfg_monotonic_diff_us (now, timing->span_began) >= SPAN_US)
    {
      timing->span++;
      timing->latest_us[timing->span % SPANS] = G_MININT64;
      timing->n_in_span = 0;
      changed = TRUE;
    }
  if (timing->n_in_span++ == 0)
    timing->span_began = now;
  latest_us = &timing->latest_us[timing->span % SPANS];
  if (transit_us > *latest_us)
    {
      *latest_us = transit_us;
      changed = TRUE;
    }
  return changed;
}

void
media_jitter_timing_note_reading (MediaJitterTiming *timing, gint64 missed_us, CfgMonotonic read_at)
{
  const gint64 passed_us = cfg_monotonic_diff_us (read_at, timing->missed_began);

  if (passed_us >= SPAN_US)
    {
      timing->missed_us[1] = passed_us < 2 * SPAN_US ? timing->missed_us[0] : G_MININT64;
      timing->missed_us[0] = G_MININT64;
      timing->missed_began = read_at;
    }
  timing->missed_us[0] = MAX (timing->missed_us[0], missed_us);
}

gboolean
media_jitter_timing_add (MediaJitterTiming *timing, gint64 transit_us, CfgMonotonic now)
{
  if (timing->started && ABS (transit_us - timing->last_us) > MAX_JUMP_US)
    return FALSE;
  if (!timing->started)
    timing->bucket = now.us / CFG_US_PER_S;
  timing->started = TRUE;
  timing->last_us = transit_us;
  move_to_bucket (timing, now.us / CFG_US_PER_S);
  note_fastest (timing, transit_us);
  if (note_latest (timing, transit_us, now))
    recount (timing);
  return TRUE;
}

gint64
media_jitter_timing_spread_us (const MediaJitterTiming *timing)
{
  const gint64 missed_us = MIN (timing->missed_us[0], timing->missed_us[1]);

  return timing->started ? MAX (timing->robust_us, missed_us) - timing->baseline_us : 0;
}
