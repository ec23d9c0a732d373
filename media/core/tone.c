#include "media/core/tone.h"

#include <math.h>
#include <string.h>

#include "media/core/dtmf.h"

/* Peak of a single tone and of each of a pair: about -13 dBm0 and -15 dBm0 each; DTMF is a pair. */
#define PEAK_SINGLE 7200.0
#define PEAK_EACH   5600.0
/* A tone that begins or ends at once clicks. */
#define RAMP_MS 3

static const char *const kind_names[] = { "ringback", "busy", "congestion", "dial", "beep" };
static const char *const region_names[] = { "eu", "us", "uk" };

typedef struct
{
  MediaToneStep steps[MEDIA_TONE_STEPS_MAX];
  guint n_steps;
  gboolean loop;
} Cadence;

static const Cadence cadences[3][5] = {
  [MEDIA_TONE_EU] = {
    [MEDIA_TONE_RINGBACK] = { { { 425, 0, 1000 }, { 0, 0, 4000 } }, 2, TRUE },
    [MEDIA_TONE_BUSY] = { { { 425, 0, 500 }, { 0, 0, 500 } }, 2, TRUE },
    [MEDIA_TONE_CONGESTION] = { { { 425, 0, 250 }, { 0, 0, 250 } }, 2, TRUE },
    [MEDIA_TONE_DIAL] = { { { 425, 0, 0 } }, 1, TRUE },
    [MEDIA_TONE_BEEP] = { { { 1000, 0, 500 } }, 1, FALSE },
  },
  [MEDIA_TONE_US] = {
    [MEDIA_TONE_RINGBACK] = { { { 440, 480, 2000 }, { 0, 0, 4000 } }, 2, TRUE },
    [MEDIA_TONE_BUSY] = { { { 480, 620, 500 }, { 0, 0, 500 } }, 2, TRUE },
    [MEDIA_TONE_CONGESTION] = { { { 480, 620, 250 }, { 0, 0, 250 } }, 2, TRUE },
    [MEDIA_TONE_DIAL] = { { { 350, 440, 0 } }, 1, TRUE },
    [MEDIA_TONE_BEEP] = { { { 1000, 0, 500 } }, 1, FALSE },
  },
  [MEDIA_TONE_UK] = {
    [MEDIA_TONE_RINGBACK] = { { { 400, 450, 400 }, { 0, 0, 200 }, { 400, 450, 400 }, { 0, 0, 2000 } }, 4, TRUE },
    [MEDIA_TONE_BUSY] = { { { 400, 0, 375 }, { 0, 0, 375 } }, 2, TRUE },
    [MEDIA_TONE_CONGESTION] = { { { 400, 0, 400 }, { 0, 0, 350 }, { 400, 0, 225 }, { 0, 0, 525 } }, 4, TRUE },
    [MEDIA_TONE_DIAL] = { { { 350, 440, 0 } }, 1, TRUE },
    [MEDIA_TONE_BEEP] = { { { 1000, 0, 500 } }, 1, FALSE },
  },
};

static gboolean
find_name (const char *const *names, guint n, const char *name, guint *index)
{
  for (guint i = 0; i < n; i++)
    if (strcmp (names[i], name) == 0)
      {
        *index = i;
        return TRUE;
      }
  return FALSE;
}

gboolean
media_tone_find (const char *name, MediaToneKind *kind)
{
  guint index;

  if (!find_name (kind_names, G_N_ELEMENTS (kind_names), name, &index))
    return FALSE;
  *kind = (MediaToneKind)index;
  return TRUE;
}

gboolean
media_tone_find_region (const char *name, MediaToneRegion *region)
{
  guint index;

  if (!find_name (region_names, G_N_ELEMENTS (region_names), name, &index))
    return FALSE;
  *region = (MediaToneRegion)index;
  return TRUE;
}

void
media_tone_pattern (MediaToneKind kind, MediaToneRegion region, MediaTonePattern *pattern)
{
  const Cadence *cadence = &cadences[region][kind];

  pattern->n_steps = cadence->n_steps;
  pattern->loop = cadence->loop;
  memcpy (pattern->steps, cadence->steps, cadence->n_steps * sizeof *cadence->steps);
}

gboolean
media_tone_pattern_dtmf (char digit, guint ms, MediaTonePattern *pattern)
{
  static const guint16 rows[] = { 697, 770, 852, 941 };
  static const guint16 columns[] = { 1209, 1336, 1477, 1633 };
  /* ITU-T Q.23: row * 4 + column, by event code: 0–9 * # A–D. */
  static const guint8 keys[16] = { 13, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 14, 3, 7, 11, 15 };
  const int code = media_dtmf_code (digit);

  if (code < 0 || code >= (int)G_N_ELEMENTS (keys))
    return FALSE;
  pattern->n_steps = 1;
  pattern->loop = FALSE;
  pattern->steps[0] = (MediaToneStep){ rows[keys[code] / 4], columns[keys[code] % 4], (guint16)ms };
  return TRUE;
}

void
media_tone_generator_init (MediaToneGenerator *generator, guint rate_hz)
{
  g_assert (rate_hz >= 8000);
  *generator = (MediaToneGenerator){ .rate_hz = rate_hz };
}

static void
tune (MediaToneOscillator *oscillator, guint frequency_hz, guint rate_hz, double peak)
{
  const double w = 2 * G_PI * frequency_hz / rate_hz;

  *oscillator = (MediaToneOscillator){ 0 };
  if (frequency_hz == 0)
    return;
  oscillator->coefficient = 2 * cos (w);
  oscillator->before = -peak * sin (w); /* so that it begins with zero */
}

static double
oscillate (MediaToneOscillator *oscillator)
{
  const double now = oscillator->last;

  oscillator->last = oscillator->coefficient * now - oscillator->before;
  oscillator->before = now;
  return now;
}

static void
begin_step (MediaToneGenerator *generator, const MediaToneStep *step)
{
  const double peak = step->f2_hz != 0 ? PEAK_EACH : PEAK_SINGLE;

  generator->begun = TRUE;
  generator->position = 0;
  tune (&generator->oscillators[0], step->f1_hz, generator->rate_hz, peak);
  tune (&generator->oscillators[1], step->f2_hz, generator->rate_hz, peak);
}

static void
next_step (MediaToneGenerator *generator, const MediaTonePattern *pattern)
{
  generator->begun = FALSE;
  generator->step++;
  if (generator->step < pattern->n_steps)
    return;
  generator->step = 0;
  generator->over = !pattern->loop;
}

static double
ramp (const MediaToneGenerator *generator, gsize length)
{
  const gsize edge = generator->rate_hz / 1000 * RAMP_MS;
  gsize from_edge = generator->position;

  if (length != 0)
    from_edge = MIN (from_edge, length - generator->position);
  return from_edge >= edge ? 1.0 : (double)from_edge / (double)edge;
}

/* Samples of the present step. */
static gsize
generate_step (MediaToneGenerator *generator, const MediaToneStep *step, gint16 *pcm, gsize samples)
{
  const gsize length = (gsize)step->ms * generator->rate_hz / 1000;
  const gsize n = length == 0 ? samples : MIN (samples, length - generator->position);

  for (gsize i = 0; i < n; i++)
    {
      const double value = oscillate (&generator->oscillators[0]) + oscillate (&generator->oscillators[1]);

      pcm[i] = (gint16)(value * ramp (generator, length));
      generator->position++;
    }
  return n;
}

gsize
media_tone_generate (MediaToneGenerator *generator, const MediaTonePattern *pattern, gint16 *pcm,
                     gsize samples, gboolean *sounds)
{
  gboolean any = FALSE;
  gsize made = 0;

  generator->over |= pattern->n_steps == 0;
  while (made < samples && !generator->over)
    {
      const MediaToneStep *step = &pattern->steps[generator->step];

      if (!generator->begun)
        begin_step (generator, step);
      any |= step->f1_hz != 0;
      made += generate_step (generator, step, pcm + made, samples - made);
      if (step->ms != 0 && generator->position >= (gsize)step->ms * generator->rate_hz / 1000)
        next_step (generator, pattern);
    }
  memset (pcm + made, 0, (samples - made) * sizeof *pcm);
  if (sounds != NULL)
    *sounds = any;
  return made;
}
