/* When packets come, against when they should: the fastest transit of the last seconds, and how far the
 * others lie behind it. Part of the jitter buffer. Plain values.
 *
 * What counts is the latest packet of the last four seconds in which packets came, so that a network that has
 * become better is believed soon. A standstill that happened once (of the network, or of this thread) is no
 * jitter: it is left out unless there was another in the last eight. Instants are kept as they were, not as
 * distances from the fastest, which changes. */
#pragma once

#include "config/base/clock.h"

#include <glib.h>

#define MEDIA_JITTER_TIMING_BUCKETS 10 /* seconds of memory for the fastest transit */
#define MEDIA_JITTER_TIMING_SPANS   16 /* of half a second or more: memory for the latest */

typedef struct
{
  gboolean started;
  gint64 fastest_us[MEDIA_JITTER_TIMING_BUCKETS]; /* G_MAXINT64: none in that second */
  gint64 bucket;                                  /* second of the newest one */
  gint64 baseline_us;                             /* smallest of them */
  gint64 last_us;
  gint64 latest_us[MEDIA_JITTER_TIMING_SPANS]; /* largest transit; G_MININT64: none yet */
  guint span;                                  /* of the newest packet; counts on */
  guint n_in_span;
  CfgMonotonic span_began;
  gint64 robust_us;    /* largest transit that counts, of the spans before and this one */
  gint64 missed_us[2]; /* largest transit of those that were read too late; G_MININT64: none. Of half a second
                          … */
  CfgMonotonic missed_began; /* … since then, and the one before */
} MediaJitterTiming;

void media_jitter_timing_init (MediaJitterTiming *timing);
/**
 * media_jitter_timing_add:
 * @transit_us: arrival minus media time
 * Returns: FALSE when the transit jumped by seconds: another time line begins, init and add again.
 */
gboolean media_jitter_timing_add (MediaJitterTiming *timing, gint64 transit_us, CfgMonotonic now);
/**
 * media_jitter_timing_note_reading: of the packet that was added last.
 * @missed_us: transit up to when it was read, if playout had gone on without it; G_MININT64 if not
 * @read_at: on the clock of playout
 *
 * This thread has too much to do, and that is over soon or not: it is believed when it happened in the last
 * half second and in the one before.
 */
void media_jitter_timing_note_reading (MediaJitterTiming *timing, gint64 missed_us, CfgMonotonic read_at);
/** media_jitter_timing_spread_us: nearly all packets come no later than this after the fastest. */
gint64 media_jitter_timing_spread_us (const MediaJitterTiming *timing);
