#include "media/codec/polyphase.h"

#include <math.h>
#include <string.h>

#define TAPS        48
#define TAPS_MAX    (4 * TAPS)
#define UP_MAX      640
#define RATIOS_MAX  16
#define BLOCK       512
#define KAISER_BETA 8.0
/* Of the lower one of both bands; as speexdsp's quality 3. */
#define PASS 0.92
/* Sums that go side by side. */
#define LANES 8

G_STATIC_ASSERT (TAPS % LANES == 0 && LANES == 8);

typedef float Four __attribute__ ((vector_size (16)));

typedef struct
{
  guint up, down, taps;
  float *rows; /* up × taps */
} Ratio;

struct _MediaPolyphase
{
  const Ratio *ratio;
  guint place; /* of the next output sample, below up */
  gsize n;     /* of line */
  float line[TAPS_MAX + BLOCK];
};

static GMutex lock;
static Ratio ratios[RATIOS_MAX]; /* never given back: there are few, and any may be in use */
static guint n_ratios;

/* Modified Bessel function of the first kind, order 0. */
static double
bessel (double x)
{
  double sum = 1, term = 1;

  for (guint k = 1; term > sum * 1e-12; k++)
    {
      term *= (x / (2 * k)) * (x / (2 * k));
      sum += term;
    }
  return sum;
}

/* @at: input samples from the middle. */
static double
coefficient (double at, double cutoff, double taps)
{
  const double x = 2 * at / taps;
  const double sinc = fabs (at) < 1e-9 ? 1 : sin (G_PI * cutoff * at) / (G_PI * cutoff * at);

  return fabs (x) >= 1 ? 0 : cutoff * sinc * bessel (KAISER_BETA * sqrt (1 - x * x)) / bessel (KAISER_BETA);
}

/* Each row lets a constant pass as it is. */
static void
make_rows (Ratio *ratio)
{
  const double cutoff = PASS * MIN (1.0, (double)ratio->up / ratio->down);

  ratio->rows = g_new (float, (gsize)ratio->up * ratio->taps);
  for (guint place = 0; place < ratio->up; place++)
    {
      float *row = ratio->rows + (gsize)place * ratio->taps;
      double exact[TAPS_MAX], sum = 0;

      for (guint k = 0; k < ratio->taps; k++)
        {
          exact[k]
              = coefficient (k + 1.0 - ratio->taps / 2.0 - (double)place / ratio->up, cutoff, ratio->taps);
          sum += exact[k];
        }
      for (guint k = 0; k < ratio->taps; k++)
        row[k] = (float)(exact[k] / sum); /* which is about one */
    }
}

static guint
common_divisor (guint a, guint b)
{
  while (b != 0)
    {
      const guint rest = a % b;

      a = b;
      b = rest;
    }
  return a;
}

/* (nullable) */
static const Ratio *
find_ratio (guint up, guint down)
{
  const guint needed = (TAPS * MAX (up, down) + up - 1) / MAX (up, 1);
  const guint taps = (needed + LANES - 1) / LANES * LANES;
  Ratio *found = NULL;

  if (up > UP_MAX || taps > TAPS_MAX)
    return NULL;
  g_mutex_lock (&lock);
  for (guint i = 0; i < n_ratios; i++)
    if (ratios[i].up == up && ratios[i].down == down)
      found = &ratios[i];
  if (found == NULL && n_ratios < RATIOS_MAX)
    {
      found = &ratios[n_ratios++];
      *found = (Ratio){ .up = up, .down = down, .taps = taps };
      make_rows (found);
    }
  g_mutex_unlock (&lock);
  return found;
}

MediaPolyphase *
media_polyphase_new (guint in_rate_hz, guint out_rate_hz)
{
  const guint divisor = common_divisor (in_rate_hz, out_rate_hz);
  const Ratio *ratio = find_ratio (out_rate_hz / divisor, in_rate_hz / divisor);
  MediaPolyphase *polyphase;

  if (ratio == NULL)
    return NULL;
  polyphase = g_new0 (MediaPolyphase, 1);
  polyphase->ratio = ratio;
  media_polyphase_reset (polyphase);
  return polyphase;
}

void
media_polyphase_free (MediaPolyphase *polyphase)
{
  g_free (polyphase);
}

void
media_polyphase_reset (MediaPolyphase *polyphase)
{
  polyphase->place = 0;
  polyphase->n = polyphase->ratio->taps - 1;
  memset (polyphase->line, 0, sizeof polyphase->line);
}

/* @n: a multiple of LANES. As vectors, because a compiler may not change the order of a sum by itself. */
static float
product (const float *a, const float *b, guint n)
{
  Four sums[LANES / 4] = { 0 };

  for (guint i = 0; i < n; i += LANES)
    for (guint k = 0; k < LANES / 4; k++)
      {
        Four x, y;

        memcpy (&x, a + i + 4 * k, sizeof x);
        memcpy (&y, b + i + 4 * k, sizeof y);
        sums[k] += x * y;
      }
  sums[0] += sums[1];
  return sums[0][0] + sums[0][1] + sums[0][2] + sums[0][3];
}

static gint16
to_sample (float value)
{
  const gint32 rounded = (gint32)(value + (value < 0 ? -0.5f : 0.5f));

  return (gint16)CLAMP (rounded, G_MININT16, G_MAXINT16);
}

/* All that the line has enough for. */
static gsize
drain (MediaPolyphase *polyphase, gint16 *out)
{
  const Ratio *ratio = polyphase->ratio;
  gsize at = 0, n = 0;

  while (at + ratio->taps <= polyphase->n)
    {
      out[n++] = to_sample (
          product (polyphase->line + at, ratio->rows + (gsize)polyphase->place * ratio->taps, ratio->taps));
      polyphase->place += ratio->down;
      at += polyphase->place / ratio->up;
      polyphase->place %= ratio->up;
    }
  polyphase->n -= at;
  memmove (polyphase->line, polyphase->line + at, polyphase->n * sizeof *polyphase->line);
  return n;
}

gsize
media_polyphase_process (MediaPolyphase *polyphase, const gint16 *in, gsize samples, gint16 *out)
{
  gsize written = 0;

  while (samples > 0)
    {
      const gsize n = MIN (samples, BLOCK);

      for (gsize i = 0; i < n; i++)
        polyphase->line[polyphase->n + i] = in[i];
      polyphase->n += n;
      written += drain (polyphase, out + written);
      in += n;
      samples -= n;
    }
  return written;
}
