/* When packets come, against when they should: the fastest transit of the last seconds, and how far the
 * others lie behind it. Part of the jitter buffer. Plain values. */
#pragma once

#include "config/base/clock.h"

#include <glib.h>

#define MEDIA_JITTER_TIMING_BUCKETS 10  /* seconds of memory for the fastest transit */
#define MEDIA_JITTER_TIMING_BINS    100 /* of 5 ms: spread of arrivals */

typedef struct
{
  gboolean started;
  gint64 fastest_us[MEDIA_JITTER_TIMING_BUCKETS]; /* G_MAXINT64: none in that second */
  gint64 bucket;                                  /* second of the newest one */
  gint64 baseline_us;                             /* smallest of them */
  gint64 last_us;
  float bins[MEDIA_JITTER_TIMING_BINS];
  float weight; /* of the next packet: grows, so that older ones fade */
  float total;
  guint since_spread;
  gint64 spread_us;
} MediaJitterTiming;

void media_jitter_timing_init (MediaJitterTiming *timing);
/**
 * media_jitter_timing_add:
 * @transit_us: arrival minus media time
 * Returns: FALSE when the transit jumped by seconds: another time line begins, init and add again.
 */
gboolean media_jitter_timing_add (MediaJitterTiming *timing, gint64 transit_us, CfgMonotonic now);
/** media_jitter_timing_spread_us: 99 of 100 packets come no later than this after the fastest. */
gint64 media_jitter_timing_spread_us (const MediaJitterTiming *timing);
