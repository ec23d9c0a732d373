/* How late a worker's ticks begin: a sliding distribution (the last 5 to 10 s at 500 ticks a second) and a
 * mean. A thread that has more to do than it has time shows it here first, whether the time goes to its own
 * work or to others on the same core. Plain values, zero-initialised is right; no allocation, a few steps per
 * tick. */
#pragma once

#include <glib.h>

/* Four buckets for each doubling, from 64 us to 33 s. */
#define MEDIA_LATENESS_BUCKETS 77
#define MEDIA_LATENESS_WINDOW  2500 /* ticks; two windows are looked at */

typedef struct
{
  guint16 counts[2][MEDIA_LATENESS_BUCKETS];
  guint n[2];
  guint current;
  double mean_us; /* over about the last second */
  gboolean any;
} MediaLateness;

/**
 * media_lateness_add:
 * @late_us: how long after its instant a tick began; negative counts as 0
 * @skipped: ticks before it that were never begun, or not needed, which count as no less late
 */
void media_lateness_add (MediaLateness *lateness, gint64 late_us, guint skipped);
/** media_lateness_percentile_us: @share 0.0-1.0 of the ticks were at most so late (up to a quarter too high);
 * 0 before the first. */
gint64 media_lateness_percentile_us (const MediaLateness *lateness, double share);
/** media_lateness_mean_us: 0 before the first tick. */
gint64 media_lateness_mean_us (const MediaLateness *lateness);
