#include "media/codec/concealer.h"

#include <math.h>
#include <string.h>

#define LAG_MIN_US 2500  /* 400 Hz */
#define LAG_MAX_US 15000 /* 67 Hz */
#define WINDOW_MS  20    /* compared for the pitch */
#define HOLD_MS    10    /* at full volume … */
#define FADE_MS    60    /* … then silent after this */
#define RETURN_MS  5     /* blend into returning speech */

void
media_concealer_init (MediaConcealer *concealer, guint sample_rate_hz)
{
  g_assert (sample_rate_hz == 8000 || sample_rate_hz == 16000);
  *concealer = (MediaConcealer){ .sample_rate_hz = sample_rate_hz };
}

static void
remember (MediaConcealer *concealer, const gint16 *pcm, gsize samples)
{
  gsize kept = MEDIA_CONCEALER_HISTORY;

  if (samples >= kept)
    {
      memcpy (concealer->history, pcm + samples - kept, kept * sizeof *pcm);
    }
  else
    {
      memmove (concealer->history, concealer->history + samples, (kept - samples) * sizeof *pcm);
      memcpy (concealer->history + kept - samples, pcm, samples * sizeof *pcm);
    }
  concealer->filled = MIN (concealer->filled + samples, kept);
}

/* The lag by which the end of the history resembles what was before it most. */
static gsize
find_lag (const MediaConcealer *concealer)
{
  const gint16 *end = concealer->history + MEDIA_CONCEALER_HISTORY;
  gsize window = (gsize)concealer->sample_rate_hz * WINDOW_MS / 1000;
  gsize shortest = (gsize)concealer->sample_rate_hz * LAG_MIN_US / 1000000;
  gsize longest = (gsize)concealer->sample_rate_hz * LAG_MAX_US / 1000000;
  gsize step = concealer->sample_rate_hz / 8000;
  gsize best = longest;
  double best_likeness = -2;

  for (gsize lag = shortest; lag <= longest; lag++)
    {
      double cross = 0;
      double energy = 1;

      for (gsize i = 0; i < window; i += step)
        {
          double now = end[(gssize)i - (gssize)window];
          double then = end[(gssize)i - (gssize)window - (gssize)lag];

          cross += now * then;
          energy += then * then;
        }
      if (cross / sqrt (energy) > best_likeness)
        {
          best_likeness = cross / sqrt (energy);
          best = lag;
        }
    }
  return best;
}

/* Takes the last period; its end is blended with what came before its start, so that it repeats smoothly. */
static void
begin (MediaConcealer *concealer)
{
  const gint16 *end = concealer->history + MEDIA_CONCEALER_HISTORY;
  gsize lag = find_lag (concealer);
  gsize blend = lag / 4;

  memcpy (concealer->period, end - lag, lag * sizeof *end);
  for (gsize i = 0; i < blend; i++)
    {
      gsize at = lag - blend + i;
      gint32 before = end[(gssize)i - (gssize)lag - (gssize)blend];
      gint32 mixed = concealer->period[at] * (gint32)(blend - i) + before * (gint32)i;

      concealer->period[at] = (gint16)(mixed / (gint32)blend);
    }
  concealer->lag = lag;
  concealer->position = 0;
  concealer->concealed = 0;
}

static gint32
next_sample (MediaConcealer *concealer)
{
  gsize hold = (gsize)concealer->sample_rate_hz * HOLD_MS / 1000;
  gsize silent = (gsize)concealer->sample_rate_hz * FADE_MS / 1000;
  gint32 sample = concealer->period[concealer->position];

  concealer->position = (concealer->position + 1) % concealer->lag;
  concealer->concealed++;
  if (concealer->concealed >= silent)
    return 0;
  if (concealer->concealed > hold)
    sample = sample * (gint32)(silent - concealer->concealed) / (gint32)(silent - hold);
  return sample;
}

/* The first samples go over from the history played backwards: no step where the real signal ended. */
static void
smooth_start (const MediaConcealer *concealer, gint16 *pcm, gsize samples)
{
  const gint16 *end = concealer->history + MEDIA_CONCEALER_HISTORY;
  gsize blend = MIN (concealer->lag / 4, samples);

  for (gsize i = 0; i < blend; i++)
    {
      gint32 mirrored = end[-1 - (gssize)i];
      gint32 mixed = mirrored * (gint32)(blend - i) + pcm[i] * (gint32)i;

      pcm[i] = (gint16)(mixed / (gint32)blend);
    }
}

void
media_concealer_lost (MediaConcealer *concealer, gint16 *pcm, gsize samples)
{
  gboolean first = concealer->lag == 0;

  if (concealer->filled < MEDIA_CONCEALER_HISTORY / 2)
    {
      memset (pcm, 0, samples * sizeof *pcm);
      return;
    }
  if (first)
    begin (concealer);
  for (gsize i = 0; i < samples; i++)
    pcm[i] = (gint16)next_sample (concealer);
  if (first)
    smooth_start (concealer, pcm, samples);
  remember (concealer, pcm, samples);
}

void
media_concealer_good (MediaConcealer *concealer, gint16 *pcm, gsize samples)
{
  gsize blend = MIN ((gsize)concealer->sample_rate_hz * RETURN_MS / 1000, samples);

  for (gsize i = 0; concealer->lag > 0 && i < blend; i++)
    {
      gint32 made_up = next_sample (concealer);
      gint32 mixed = made_up * (gint32)(blend - i) + pcm[i] * (gint32)i;

      pcm[i] = (gint16)(mixed / (gint32)blend);
    }
  concealer->lag = 0;
  remember (concealer, pcm, samples);
}
