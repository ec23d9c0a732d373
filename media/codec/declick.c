#include "media/codec/declick.h"

#include <math.h>
#include <string.h>

#define BEFORE    MEDIA_DECLICK_BEFORE
#define FRAME_MAX (48 * 20)
#define NEAR_US   700
#define GAP_MAX   (2 * 48 * NEAR_US / 1000 + 3)
#define LEAST     1000 /* bend of a jump … */
#define TIMES     3    /* … and so often the largest that is not next to it */
#define JUMPS_MAX 4
#define ORDER     16

/* What came before, and the frame. */
typedef struct
{
  double x[BEFORE + FRAME_MAX];
  gsize n;
} Sound;

static double
bend (const Sound *sound, gsize at)
{
  return fabs (sound->x[at] - 2 * sound->x[at - 1] + sound->x[at - 2]);
}

/* Returns: where the largest bend is, if it is a jump; 0: there is none. */
static gsize
find_jump (const Sound *sound, gsize near)
{
  gsize at = BEFORE;
  double most = 0, others = 0;

  for (gsize i = BEFORE; i < sound->n; i++)
    {
      const double found = bend (sound, i);

      if (found <= most)
        continue;
      most = found;
      at = i;
    }
  if (most < LEAST)
    return 0;
  for (gsize i = 2; i < sound->n; i++)
    if (i + near < at || i > at + near)
      others = MAX (others, bend (sound, i));
  return most > TIMES * others ? at : 0;
}

/* Solves the symmetric, positive definite system of @r (lower half, rows 1 … ORDER) for -@a, which is the
 * right side. */
static gboolean
solve_predictor (double r[ORDER + 1][ORDER + 1], double *a)
{
  for (guint i = 1; i <= ORDER; i++)
    for (guint j = 1; j <= i; j++)
      {
        double sum = r[i][j];

        for (guint k = 1; k < j; k++)
          sum -= r[i][k] * r[j][k];
        if (i == j && sum <= 0)
          return FALSE;
        r[i][j] = i == j ? sqrt (sum) : sum / r[j][j];
      }
  for (guint i = 1; i <= ORDER; i++)
    {
      for (guint k = 1; k < i; k++)
        a[i] -= r[i][k] * a[k];
      a[i] /= r[i][i];
    }
  for (guint i = ORDER; i >= 1; i--)
    {
      for (guint k = i + 1; k <= ORDER; k++)
        a[i] -= r[k][i] * a[k];
      a[i] /= r[i][i];
    }
  return TRUE;
}

/* The predictor that errs least where it sees nothing of the gap. Returns: FALSE when there is none. */
static gboolean
predict (const Sound *sound, gsize first, gsize end, double *a)
{
  double r[ORDER + 1][ORDER + 1] = { 0 };
  double energy = 0;

  memset (a, 0, (ORDER + 1) * sizeof *a);
  a[0] = 1;
  for (gsize m = ORDER; m < sound->n; m++)
    {
      if (m >= first && m < end + ORDER)
        continue;
      energy += sound->x[m] * sound->x[m];
      for (guint i = 1; i <= ORDER; i++)
        {
          a[i] -= sound->x[m] * sound->x[m - i];
          for (guint j = 1; j <= i; j++)
            r[i][j] += sound->x[m - i] * sound->x[m - j];
        }
    }
  /* A little noise keeps it well behaved. */
  for (guint i = 1; i <= ORDER; i++)
    r[i][i] += 1e-5 * energy + 1;
  return solve_predictor (r, a);
}

/* How much the samples @i and @j have to do with one another by the predictor's errors up to the last sample.
 */
static double
weight (const double *a, gsize i, gsize j, gsize n)
{
  const gsize last = MIN (MIN (i, j) + ORDER, n - 1);
  double sum = 0;

  for (gsize m = MAX (i, j); m <= last; m++)
    sum += a[m - i] * a[m - j];
  return sum;
}

/* Solves for the @n samples from @first on, in place of the right side @z: a band, symmetric and positive
 * definite, by Cholesky. */
static gboolean
solve (const double *a, gsize first, gsize end, gsize n_sound, double *z)
{
  const gsize n = end - first;
  double l[GAP_MAX][ORDER + 1]; /* [row][row - column] */

  for (gsize i = 0; i < n; i++)
    for (gsize d = MIN (i, ORDER) + 1; d-- > 0;)
      {
        const gsize j = i - d;
        double sum = weight (a, first + i, first + j, n_sound);

        for (gsize k = i > ORDER ? i - ORDER : 0; k < j; k++)
          if (j - k <= ORDER)
            sum -= l[i][i - k] * l[j][j - k];
        if (d == 0 && sum <= 0)
          return FALSE;
        l[i][d] = d == 0 ? sqrt (sum) : sum / l[j][0];
      }
  for (gsize i = 0; i < n; i++)
    {
      for (gsize d = 1; d <= MIN (i, ORDER); d++)
        z[i] -= l[i][d] * z[i - d];
      z[i] /= l[i][0];
    }
  for (gsize i = n; i-- > 0;)
    {
      for (gsize d = 1; d <= ORDER && i + d < n; d++)
        z[i] -= l[i + d][d] * z[i + d];
      z[i] /= l[i][0];
    }
  return TRUE;
}

/* Fills [@first, @end) so that the predictor errs least. Returns: FALSE when it stays as it is. */
static gboolean
interpolate (Sound *sound, gsize first, gsize end, double most)
{
  double a[ORDER + 1], z[GAP_MAX], was[GAP_MAX];
  double worst = 0;

  if (!predict (sound, first, end, a))
    return FALSE;
  for (gsize i = first; i < end; i++)
    {
      z[i - first] = 0;
      for (gsize j = i - ORDER; j <= MIN (i + ORDER, sound->n - 1); j++)
        if (j < first || j >= end)
          z[i - first] -= weight (a, i, j, sound->n) * sound->x[j];
    }
  if (!solve (a, first, end, sound->n, z))
    return FALSE;
  for (gsize i = first; i < end; i++)
    {
      was[i - first] = sound->x[i];
      sound->x[i] = CLAMP (z[i - first], G_MININT16, G_MAXINT16);
    }
  for (gsize i = first; i < MIN (end + 2, sound->n); i++)
    worst = MAX (worst, bend (sound, i));
  if (2 * worst <= most)
    return TRUE;
  memcpy (sound->x + first, was, (end - first) * sizeof *was);
  return FALSE;
}

guint
media_declick (const gint16 *before, gint16 *pcm, gsize samples, guint sample_rate_hz)
{
  const gsize near = (gsize)sample_rate_hz * NEAR_US / 1000000;
  Sound sound = { .n = BEFORE + MIN (samples, FRAME_MAX) };
  guint n_jumps;

  for (gsize i = 0; i < BEFORE; i++)
    sound.x[i] = before[i];
  for (gsize i = BEFORE; i < sound.n; i++)
    sound.x[i] = pcm[i - BEFORE];
  for (n_jumps = 0; n_jumps < JUMPS_MAX; n_jumps++)
    {
      const gsize at = find_jump (&sound, near);
      gsize first;

      /* At the very end there is nothing to go to. */
      if (at == 0 || at + near + 2 > sound.n)
        break;
      /* The bend of a sample lies at the one before it. */
      first = MAX (at - 1 > near ? at - 1 - near : 0, BEFORE);
      if (!interpolate (&sound, first, at + near, bend (&sound, at)))
        break;
    }
  for (gsize i = BEFORE; n_jumps > 0 && i < sound.n; i++)
    pcm[i - BEFORE] = (gint16)CLAMP (lrint (sound.x[i]), G_MININT16, G_MAXINT16);
  return n_jumps;
}
