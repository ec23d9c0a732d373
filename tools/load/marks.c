#include "tools/load/marks.h"

#include <math.h>
#include <string.h>

#include "tools/load/frames.h"

#define STEP          4
#define LOUD          5000  /* a window that begins lower is no mark */
#define TONE          10000 /* amplitude of 1 kHz that makes one */
#define PURITY        0.6   /* part of the energy that it has */
#define REFRACTORY_US 200000

/* The tone's amplitude over the window (Goertzel's sums with a fixed table), and its part of the energy. */
static gboolean
is_mark (const gint16 *pcm)
{
  /* 8 samples per period. */
  static const double cosine[8] = { 1, 0.70710678, 0, -0.70710678, -1, -0.70710678, 0, 0.70710678 };
  double re = 0, im = 0, energy = 1;

  for (guint i = 0; i < LOAD_MARK_WINDOW; i++)
    {
      re += pcm[i] * cosine[i % 8];
      im += pcm[i] * cosine[(i + 6) % 8];
      energy += (double)pcm[i] * pcm[i];
    }
  return 2 * sqrt (re * re + im * im) / LOAD_MARK_WINDOW >= TONE
         && 2 * (re * re + im * im) / LOAD_MARK_WINDOW >= PURITY * energy;
}

static gboolean
is_loud (const gint16 *pcm)
{
  for (guint i = 0; i < STEP; i++)
    if (pcm[i] >= LOUD || pcm[i] <= -LOUD)
      return TRUE;
  return FALSE;
}

gint64
load_marks_push (LoadMarks *marks, const gint16 *pcm, gsize samples, gint64 at_us)
{
  const gsize block = MIN (samples, LOAD_MARK_BLOCK);
  const guint total = marks->n_kept + (guint)block;
  const gint64 start_us = at_us - (gint64)marks->n_kept * 1000000 / LOAD_MARK_RATE_HZ;
  gint64 found_us = -1;
  guint from = 0;

  memcpy (marks->samples + marks->n_kept, pcm, block * sizeof *pcm);
  for (; from + LOAD_MARK_WINDOW <= total; from += STEP)
    {
      const gint64 here_us = start_us + (gint64)from * 1000000 / LOAD_MARK_RATE_HZ;

      if (found_us >= 0 || (marks->heard && here_us - marks->last_us < REFRACTORY_US))
        continue;
      if (is_loud (marks->samples + from) && is_mark (marks->samples + from))
        {
          found_us = here_us;
          marks->last_us = here_us;
          marks->heard = TRUE;
        }
    }
  marks->n_kept = total - from;
  memmove (marks->samples, marks->samples + from, marks->n_kept * sizeof *pcm);
  return found_us;
}
