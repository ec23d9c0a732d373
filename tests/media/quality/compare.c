#include "compare.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#define SEGMENT_MS    300
#define LATEST_MS     1500
#define WANDER_MS     60 /* from one segment to the next */
#define MAX_WINDOW    512
#define MAX_BANDS     20
#define ACTIVE_DB     35   /* below the loudest window: no speech */
#define FLOOR         30.0 /* amplitude that nobody hears under speech: about -60 dBov */
#define CLICK_TIMES   4
#define CLICK_LEAST   1200
#define CLICK_NEAR_US 1000
#define CLICK_FAR_MS  20
#define SAID_NEAR_MS  15

/* ---- alignment ---- */

static double
likeness (const gint16 *a, const gint16 *b, gsize n, gsize step)
{
  double cross = 0, energy_a = 1, energy_b = 1;

  for (gsize i = 0; i < n; i += step)
    {
      cross += (double)a[i] * b[i];
      energy_a += (double)a[i] * a[i];
      energy_b += (double)b[i] * b[i];
    }
  return cross / sqrt (energy_a * energy_b);
}

/* The lag in [first, last], in steps, at which @heard is most like the segment at @at. Returns: -1 when
 * nothing is. */
static gssize
search (const TestSpeech *reference, const TestSpeech *heard, gsize at, gsize n, gssize first, gssize last,
        gssize step)
{
  double best = 0.3;
  gssize lag = -1;

  for (gssize l = MAX (first, -(gssize)at); l <= last; l += step)
    {
      double found;

      if ((gsize)((gssize)at + l) + n > heard->n)
        break;
      found = likeness (reference->pcm + at, heard->pcm + (gssize)at + l, n, (gsize)step);
      if (found <= best)
        continue;
      best = found;
      lag = l;
    }
  return lag;
}

/* Roughly, every quarter of a millisecond, then exactly around that. */
static gssize
best_lag (const TestSpeech *reference, const TestSpeech *heard, gsize at, gsize n, gssize first, gssize last)
{
  const gssize step = reference->rate_hz / 4000;
  const gssize lag = search (reference, heard, at, n, first, last, step);

  return lag < 0 ? lag : search (reference, heard, at, n, lag - step, lag + step, 1);
}

static double
energy_of (const gint16 *pcm, gsize n)
{
  double energy = 0;

  for (gsize i = 0; i < n; i++)
    energy += (double)pcm[i] * pcm[i];
  return energy / (double)n;
}

/* The whole range for the loudest segment; the others are near it. */
static gssize
first_lag (const TestSpeech *reference, const TestSpeech *heard, gsize n)
{
  const gssize latest = (gssize)reference->rate_hz * LATEST_MS / 1000;
  gsize loudest = 0;
  double most = 0;

  for (gsize at = 0; at + 2 * n <= MIN (reference->n, heard->n); at += n)
    {
      const double energy = energy_of (reference->pcm + at, n);

      if (energy <= most)
        continue;
      most = energy;
      loudest = at;
    }
  return best_lag (reference, heard, loudest, n, -latest / 10, latest);
}

/* ---- spectra ---- */

static void
transform (double complex *x, guint n)
{
  for (guint i = 1, j = 0; i < n; i++)
    {
      guint bit = n >> 1;

      for (; j & bit; bit >>= 1)
        j ^= bit;
      j ^= bit;
      if (i < j)
        {
          const double complex other = x[i];

          x[i] = x[j];
          x[j] = other;
        }
    }
  for (guint size = 2; size <= n; size *= 2)
    for (guint i = 0; i < n; i += size)
      for (guint k = 0; k < size / 2; k++)
        {
          const double complex odd = x[i + k + size / 2] * cexp (-2 * G_PI * I * k / size);

          x[i + k + size / 2] = x[i + k] - odd;
          x[i + k] += odd;
        }
}

/* Bands of a Bark or so. Returns: how many. */
static guint
band_levels (const gint16 *pcm, guint rate_hz, double *levels)
{
  static const guint edges_hz[] = { 100,  200,  300,  400,  510,  630,  770,  920,  1080, 1270,
                                    1480, 1720, 2000, 2320, 2700, 3150, 3800, 4600, 5600, 7000 };
  const guint n = rate_hz == 8000 ? 256 : 512;
  const guint last_hz = rate_hz == 8000 ? 3800 : 7000;
  double complex x[MAX_WINDOW];
  guint n_bands = 0;

  for (guint i = 0; i < n; i++)
    x[i] = pcm[i] * (0.5 - 0.5 * cos (2 * G_PI * i / n));
  transform (x, n);
  for (guint b = 0; b + 1 < G_N_ELEMENTS (edges_hz) && edges_hz[b + 1] <= last_hz; b++)
    {
      double power = FLOOR * FLOOR * n;

      for (guint k = edges_hz[b] * n / rate_hz; k < edges_hz[b + 1] * n / rate_hz; k++)
        power += creal (x[k]) * creal (x[k]) + cimag (x[k]) * cimag (x[k]);
      levels[n_bands++] = 10 * log10 (power);
    }
  return n_bands;
}

static double
window_distance (const gint16 *reference, const gint16 *heard, guint rate_hz)
{
  double a[MAX_BANDS], b[MAX_BANDS];
  const guint n = band_levels (reference, rate_hz, a);
  double sum = 0;

  band_levels (heard, rate_hz, b);
  for (guint i = 0; i < n; i++)
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sqrt (sum / n);
}

/* ---- clicks ---- */

static gint
bend (const gint16 *pcm)
{
  return ABS (pcm[0] - 2 * pcm[-1] + pcm[-2]);
}

/* A sample that bends the curve far more than anything around it does. */
static gboolean
is_click (const gint16 *pcm, gsize at, gsize n, guint rate_hz)
{
  const gsize near = (gsize)rate_hz * CLICK_NEAR_US / 1000000;
  const gsize far = (gsize)rate_hz * CLICK_FAR_MS / 1000;
  const gint own = bend (pcm + at);

  if (own < CLICK_LEAST)
    return FALSE;
  for (gsize i = at > far + 2 ? at - far : 2; i < MIN (n, at + far); i++)
    if ((i + near < at || i > at + near) && CLICK_TIMES * bend (pcm + i) > own)
      return FALSE;
  return TRUE;
}

GArray *
test_find_clicks (const TestSpeech *speech)
{
  GArray *clicks = g_array_new (FALSE, FALSE, sizeof (gsize));

  for (gsize i = 2; i < speech->n; i++)
    if (is_click (speech->pcm, i, speech->n, speech->rate_hz))
      {
        g_array_append_val (clicks, i);
        i += speech->rate_hz / 100;
      }
  return clicks;
}

/* A burst of the speaker's, of which the sounds around were lost, or that came twice with a pitch period that
 * was made up, was said. */
static gboolean
was_said (const TestSpeech *reference, const TestSpeech *heard, gsize at, gssize lag)
{
  const gssize slack = (gssize)reference->rate_hz * SAID_NEAR_MS / 1000;
  const gssize middle = (gssize)at - lag;
  gint most = 0;

  for (gssize i = MAX (2, middle - slack); i < MIN ((gssize)reference->n, middle + slack); i++)
    most = MAX (most, bend (reference->pcm + i));
  return bend (heard->pcm + at) <= 2 * most;
}

static void
count_clicks (const TestSpeech *reference, const TestSpeech *heard, const GArray *lags, gsize segment,
              TestComparison *result)
{
  g_autoptr (GArray) clicks = test_find_clicks (heard);

  for (guint i = 0; i < clicks->len; i++)
    {
      const gsize at = g_array_index (clicks, gsize, i);
      const gssize first = g_array_index (lags, gssize, 0);
      const gsize number = (gsize)MAX (0, (gssize)at - first) / segment;

      if (was_said (reference, heard, at, g_array_index (lags, gssize, MIN (number, lags->len - 1))))
        continue;
      if (result->clicks++ == 0)
        result->click_at_ms = 1000.0 * (double)at / heard->rate_hz;
    }
}

/* ---- all of it ---- */

static int
by_size (const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

static double
loudest_window (const TestSpeech *speech, guint window)
{
  double most = 1;

  for (gsize at = 0; at + window <= speech->n; at += window)
    most = MAX (most, energy_of (speech->pcm + at, window));
  return most;
}

static void
compare_segment (const TestSpeech *reference, const TestSpeech *heard, gsize at, gsize n, gssize lag,
                 double least_energy, GArray *distances)
{
  const guint window = reference->rate_hz == 8000 ? 256 : 512;

  for (gsize i = at; i < at + n && i + window <= reference->n; i += window / 2)
    {
      double distance;

      if ((gssize)i + lag < 0 || (gsize)((gssize)i + lag) + window > heard->n)
        continue;
      if (energy_of (reference->pcm + i, window) < least_energy)
        continue;
      distance = window_distance (reference->pcm + i, heard->pcm + (gssize)i + lag, reference->rate_hz);
      g_array_append_val (distances, distance);
    }
}

static double
mean (const GArray *values)
{
  double sum = 0;

  for (guint i = 0; i < values->len; i++)
    sum += g_array_index (values, double, i);
  return values->len == 0 ? 0 : sum / values->len;
}

void
test_compare (const TestSpeech *reference, const TestSpeech *heard, TestComparison *result)
{
  const gsize n = (gsize)reference->rate_hz * SEGMENT_MS / 1000;
  const gssize wander = (gssize)reference->rate_hz * WANDER_MS / 1000;
  const guint window = reference->rate_hz == 8000 ? 256 : 512;
  const double least_energy = loudest_window (reference, window) * pow (10, -ACTIVE_DB / 10.0);
  g_autoptr (GArray) distances = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) lags = g_array_new (FALSE, FALSE, sizeof (gssize));
  g_autoptr (GArray) delays = g_array_new (FALSE, FALSE, sizeof (double));
  gssize lag = MAX (0, first_lag (reference, heard, n));

  *result = (TestComparison){ 0 };
  for (gsize at = 0; at + n <= reference->n; at += n)
    {
      const gssize found = energy_of (reference->pcm + at, n) < least_energy
                               ? -1
                               : best_lag (reference, heard, at, n, lag - wander, lag + wander);
      double delay_ms;

      if (found >= 0)
        lag = found;
      delay_ms = 1000.0 * (double)lag / reference->rate_hz;
      if (found >= 0)
        g_array_append_val (delays, delay_ms);
      g_array_append_val (lags, lag);
      compare_segment (reference, heard, at, n, lag, least_energy, distances);
    }
  result->n_windows = distances->len;
  result->distance_db = mean (distances);
  result->delay_ms = mean (delays);
  qsort (distances->data, distances->len, sizeof (double), by_size);
  if (distances->len > 0)
    result->worst_db = g_array_index (distances, double, distances->len * 95 / 100);
  if (lags->len > 0)
    count_clicks (reference, heard, lags, n, result);
}
