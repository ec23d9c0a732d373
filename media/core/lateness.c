#include "media/core/lateness.h"

#include <math.h>
#include <string.h>

#define FIRST_OCTAVE 6 /* below 2^6 us everything is on time */
#define MEAN_WEIGHT  (1.0 / 500)

static guint
bucket_of (gint64 late_us)
{
  guint octave;

  if (late_us < (1 << FIRST_OCTAVE))
    return 0;
  octave = (guint)g_bit_nth_msf ((gulong)late_us, -1);
  return MIN (1 + (octave - FIRST_OCTAVE) * 4 + ((guint)(late_us >> (octave - 2)) & 3),
              MEDIA_LATENESS_BUCKETS - 1);
}

/* Everything in @bucket is below. */
static gint64
bound_of (guint bucket)
{
  const guint octave = FIRST_OCTAVE + (bucket - 1) / 4;

  if (bucket == 0)
    return 1 << FIRST_OCTAVE;
  return (gint64)(4 + (bucket - 1) % 4 + 1) << (octave - 2);
}

static void
count (MediaLateness *lateness, guint bucket)
{
  if (lateness->n[lateness->current] >= MEDIA_LATENESS_WINDOW)
    {
      lateness->current ^= 1;
      memset (lateness->counts[lateness->current], 0, sizeof lateness->counts[0]);
      lateness->n[lateness->current] = 0;
    }
  lateness->counts[lateness->current][bucket]++;
  lateness->n[lateness->current]++;
}

void
media_lateness_add (MediaLateness *lateness, gint64 late_us, guint skipped)
{
  const guint bucket = bucket_of (late_us);

  /* More than both windows hold would only turn them once more. */
  for (guint i = 0; i <= MIN (skipped, 2 * MEDIA_LATENESS_WINDOW); i++)
    count (lateness, bucket);
  late_us = MAX (late_us, 0);
  lateness->mean_us
      = lateness->any ? lateness->mean_us
                            + ((double)late_us - lateness->mean_us) * MIN (1, MEAN_WEIGHT * (1.0 + skipped))
                      : (double)late_us;
  lateness->any = TRUE;
}

gint64
media_lateness_percentile_us (const MediaLateness *lateness, double share)
{
  const guint n = lateness->n[0] + lateness->n[1];
  const guint wanted = MAX (1, (guint)ceil (CLAMP (share, 0.0, 1.0) * n));
  guint so_far = 0;

  if (n == 0)
    return 0;
  for (guint i = 0; i < MEDIA_LATENESS_BUCKETS; i++)
    {
      so_far += (guint)lateness->counts[0][i] + lateness->counts[1][i];
      if (so_far >= wanted)
        return bound_of (i);
    }
  return bound_of (MEDIA_LATENESS_BUCKETS - 1);
}

gint64
media_lateness_mean_us (const MediaLateness *lateness)
{
  return (gint64)lateness->mean_us;
}
