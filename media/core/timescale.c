#include "media/core/timescale.h"

#include <math.h>
#include <string.h>

#define LAG_MIN_MS_Q1  5  /* 2.5 ms: 400 Hz, in half milliseconds */
#define LAG_MAX_MS     12 /* 83 Hz */
#define COARSE_RATE_HZ 8000

/* Normalised likeness of @a and @b, -1…1; two silences are alike. Every @step-th sample counts. */
static double
likeness (const gint16 *a, const gint16 *b, gsize samples, gsize step)
{
  double cross = 0;
  double energy_a = 1;
  double energy_b = 1;

  for (gsize i = 0; i < samples; i += step)
    {
      double x = a[i];
      double y = b[i];

      cross += x * y;
      energy_a += x * x;
      energy_b += y * y;
    }
  return cross / sqrt (energy_a * energy_b);
}

/* The lag of at most @most samples by which @pcm resembles itself most; 0 when nothing fits. */
static gsize
find_lag (const gint16 *pcm, gsize samples, guint sample_rate_hz, gsize most)
{
  gsize step = MAX (1, sample_rate_hz / COARSE_RATE_HZ);
  gsize shortest = (gsize)sample_rate_hz * LAG_MIN_MS_Q1 / 2000;
  gsize longest = MIN (MIN (most, samples / 2), (gsize)sample_rate_hz * LAG_MAX_MS / 1000);
  gsize best = 0;
  double best_likeness = -2;

  for (gsize lag = shortest; lag <= longest; lag += step)
    {
      double found = likeness (pcm, pcm + lag, lag, step);

      if (found > best_likeness)
        {
          best_likeness = found;
          best = lag;
        }
    }
  if (best == 0 || step == 1)
    return best;
  shortest = MAX (shortest, best - step + 1);
  longest = MIN (longest, best + step - 1);
  for (gsize lag = shortest; lag <= longest; lag++)
    {
      double found = likeness (pcm, pcm + lag, lag, 1);

      if (found > best_likeness)
        {
          best_likeness = found;
          best = lag;
        }
    }
  return best;
}

/* @out goes from @from over to @to. @out may be either of them. */
static void
cross_fade (const gint16 *from, const gint16 *to, gsize samples, gint16 *out)
{
  for (gsize i = 0; i < samples; i++)
    {
      gint64 mixed = (gint64)from[i] * (gint64)(samples - i) + (gint64)to[i] * (gint64)i;

      out[i] = (gint16)(mixed / (gint64)samples);
    }
}

gsize
media_timescale_cut (gint16 *pcm, gsize samples, gsize most)
{
  const gsize lag = MIN (most, samples / 2);

  if (lag == 0)
    return samples;
  cross_fade (pcm, pcm + lag, lag, pcm);
  memmove (pcm + lag, pcm + 2 * lag, (samples - 2 * lag) * sizeof *pcm);
  return samples - lag;
}

gsize
media_timescale_remove (gint16 *pcm, gsize samples, guint sample_rate_hz, gsize most)
{
  /* Two periods become one: it begins as the first and ends as the second. */
  return media_timescale_cut (pcm, samples, find_lag (pcm, samples, sample_rate_hz, most));
}

gsize
media_timescale_insert (gint16 *pcm, gsize samples, gsize capacity, guint sample_rate_hz, gsize most)
{
  gsize lag;

  most = MIN (most, capacity > samples ? capacity - samples : 0);
  lag = find_lag (pcm, samples, sample_rate_hz, most);
  if (lag == 0)
    return samples;
  /* Two periods become three: between them goes one that begins as the second and ends as the first. */
  memmove (pcm + 2 * lag, pcm + lag, (samples - lag) * sizeof *pcm);
  cross_fade (pcm + 2 * lag, pcm, lag, pcm + lag);
  return samples + lag;
}
