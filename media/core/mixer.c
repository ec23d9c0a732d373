#include "media/core/mixer.h"

#include <math.h>
#include <string.h>

#define GAIN_SHIFT      12
#define CEILING         30000 /* about -0.8 dBFS: the limiter keeps peaks below */
#define RELEASE_SHIFT   4     /* the limiter lets go by a sixteenth per frame */
#define Q15_ONE         32768
#define INITIAL_SOURCES 16
#define FADE_PART       4 /* of a frame */

typedef struct
{
  const gint16 *pcm; /* in the sum with gain_q12 */
  gint32 gain_q12;
  const gint16 *own; /* what a gain of a listener's own is applied to */
} Source;

struct _MediaMixer
{
  gsize samples;
  Source *sources;
  guint n_sources;
  guint capacity;
  GPtrArray *faded; /* of gint16: copies of sources that come or go; as many as ever were needed at a time */
  guint n_faded;
  gint32 *total;
  gint32 *work;
};

MediaMixer *
media_mixer_new (gsize samples)
{
  MediaMixer *mixer = g_new0 (MediaMixer, 1);

  g_assert (samples > 0 && samples <= 48 * 60);
  mixer->samples = samples;
  mixer->capacity = INITIAL_SOURCES;
  mixer->sources = g_new (Source, mixer->capacity);
  mixer->faded = g_ptr_array_new_with_free_func (g_free);
  mixer->total = g_new0 (gint32, samples);
  mixer->work = g_new0 (gint32, samples);
  return mixer;
}

void
media_mixer_free (MediaMixer *mixer)
{
  if (mixer == NULL)
    return;
  g_free (mixer->sources);
  g_ptr_array_unref (mixer->faded);
  g_free (mixer->total);
  g_free (mixer->work);
  g_free (mixer);
}

gsize
media_mixer_get_samples (const MediaMixer *mixer)
{
  return mixer->samples;
}

void
media_mixer_accumulate (gint32 *restrict sum, const gint16 *restrict pcm, gsize samples, gint32 gain_q12)
{
  gain_q12 = CLAMP (gain_q12, 0, MEDIA_MIXER_GAIN_MAX);
  if (gain_q12 == MEDIA_MIXER_GAIN_UNITY)
    for (gsize i = 0; i < samples; i++)
      sum[i] += pcm[i];
  else
    for (gsize i = 0; i < samples; i++)
      sum[i] += (pcm[i] * gain_q12) >> GAIN_SHIFT;
}

void
media_mixer_accumulate_moving (gint32 *sum, const gint16 *pcm, gsize samples, gint32 was_q12, gint32 gain_q12)
{
  if (was_q12 == gain_q12)
    {
      media_mixer_accumulate (sum, pcm, samples, gain_q12);
      return;
    }
  was_q12 = CLAMP (was_q12, 0, MEDIA_MIXER_GAIN_MAX);
  gain_q12 = CLAMP (gain_q12, 0, MEDIA_MIXER_GAIN_MAX);
  for (gsize i = 0; i < samples; i++)
    {
      const gint64 gain = was_q12 + (gint64)(gain_q12 - was_q12) * (gint64)(i + 1) / (gint64)samples;

      sum[i] += (gint32)(pcm[i] * gain >> GAIN_SHIFT);
    }
}

void
media_mixer_begin (MediaMixer *mixer)
{
  mixer->n_sources = 0;
  mixer->n_faded = 0;
  memset (mixer->total, 0, mixer->samples * sizeof *mixer->total);
}

guint
media_mixer_add (MediaMixer *mixer, const gint16 *pcm, gint32 gain_q12)
{
  Source *source;

  if (mixer->n_sources == mixer->capacity)
    {
      mixer->capacity *= 2;
      mixer->sources = g_renew (Source, mixer->sources, mixer->capacity);
    }
  source = &mixer->sources[mixer->n_sources];
  source->pcm = source->own = pcm;
  source->gain_q12 = CLAMP (gain_q12, 0, MEDIA_MIXER_GAIN_MAX);
  media_mixer_accumulate (mixer->total, pcm, mixer->samples, source->gain_q12);
  return mixer->n_sources++;
}

gint16
media_mixer_soften (gint64 value)
{
  const gint64 room = G_MAXINT16 - CEILING;
  const gint64 over = ABS (value) - CEILING;
  gint64 bent;

  if (over <= 0)
    return (gint16)value;
  bent = CEILING + room * over / (over + room);
  return (gint16)(value < 0 ? -bent : bent);
}

static gint16 *
copy_of (MediaMixer *mixer, const gint16 *pcm)
{
  gint16 *copy;

  if (mixer->n_faded == mixer->faded->len)
    g_ptr_array_add (mixer->faded, g_new (gint16, mixer->samples));
  copy = g_ptr_array_index (mixer->faded, mixer->n_faded++);
  memcpy (copy, pcm, mixer->samples * sizeof *copy);
  return copy;
}

guint
media_mixer_add_moving (MediaMixer *mixer, const gint16 *pcm, gint32 was_q12, gint32 gain_q12)
{
  gint16 *copy = copy_of (mixer, pcm);

  for (gsize i = 0; i < mixer->samples; i++)
    {
      const gint64 gain = was_q12 + (gint64)(gain_q12 - was_q12) * (gint64)(i + 1) / (gint64)mixer->samples;

      copy[i] = media_mixer_soften (copy[i] * gain >> GAIN_SHIFT);
    }
  media_mixer_add (mixer, copy, MEDIA_MIXER_GAIN_UNITY);
  mixer->sources[mixer->n_sources - 1].own = pcm;
  return mixer->n_sources - 1;
}

/* Coming, the first quarter rises; going, the last one falls. */
guint
media_mixer_add_faded (MediaMixer *mixer, const gint16 *pcm, gint32 gain_q12, gboolean comes)
{
  const gsize part = MAX (mixer->samples / FADE_PART, 1);
  gint16 *copy = copy_of (mixer, pcm);

  for (gsize i = 0; i < part; i++)
    {
      gint16 *at = comes ? &copy[i] : &copy[mixer->samples - 1 - i];

      *at = (gint16)(*at * (gint32)i / (gint32)part);
    }
  return media_mixer_add (mixer, copy, gain_q12);
}

guint
media_mixer_count (const MediaMixer *mixer)
{
  return mixer->n_sources;
}

static gint32
find_peak (const gint32 *pcm, gsize samples)
{
  gint32 highest = 0;
  gint32 lowest = 0;

  for (gsize i = 0; i < samples; i++)
    {
      highest = MAX (highest, pcm[i]);
      lowest = MIN (lowest, pcm[i]);
    }
  return MAX (highest, -lowest);
}

/* What the limiter must take away for this frame's peak; it seizes at once and lets go slowly. */
static gint32
next_reduction (const MediaLimiter *limiter, gint32 peak)
{
  gint32 needed = 0;
  gint32 released = limiter->reduction_q15 - (limiter->reduction_q15 >> RELEASE_SHIFT);

  if (limiter->reduction_q15 < (1 << RELEASE_SHIFT))
    released = 0;
  if (peak > CEILING)
    needed = Q15_ONE - (gint32)((gint64)CEILING * Q15_ONE / peak);
  return MAX (needed, released);
}

/* Gain moves in a line over the first quarter of the frame, so that no step is heard. */
static void
apply_ramp (const gint32 *pcm, gsize samples, gint32 from_q15, gint32 to_q15, gint16 *out)
{
  gsize ramp = MAX (samples / 4, 1);

  for (gsize i = 0; i < ramp && i < samples; i++)
    {
      gint32 gain = from_q15 + (gint32)((gint64)(to_q15 - from_q15) * (gint64)i / (gint64)ramp);
      gint64 value = (gint64)pcm[i] * gain >> 15;

      out[i] = media_mixer_soften (value);
    }
  for (gsize i = ramp; i < samples; i++)
    {
      gint64 value = (gint64)pcm[i] * to_q15 >> 15;

      out[i] = media_mixer_soften (value);
    }
}

void
media_limiter_apply (MediaLimiter *limiter, const gint32 *pcm, gsize samples, gint16 *out)
{
  gint32 peak = find_peak (pcm, samples);
  gint32 reduction = next_reduction (limiter, peak);

  if (reduction == 0 && limiter->reduction_q15 == 0)
    for (gsize i = 0; i < samples; i++)
      out[i] = (gint16)pcm[i];
  else
    apply_ramp (pcm, samples, Q15_ONE - limiter->reduction_q15, Q15_ONE - reduction, out);
  limiter->reduction_q15 = reduction;
}

/* @work: what changes when @source is heard with @wanted instead of its own gain. Taking out rounds as
 * putting in did, so that oneself leaves nothing behind. */
static void
override_gain (gint32 *restrict work, const Source *source, gsize samples, gint32 wanted)
{
  const gint16 *pcm = source->pcm;
  gint32 present = source->gain_q12;

  if (wanted == present && source->own == source->pcm)
    return;
  /* Nearly always: oneself, at unity gain. */
  if (wanted == 0 && present == MEDIA_MIXER_GAIN_UNITY)
    for (gsize i = 0; i < samples; i++)
      work[i] -= pcm[i];
  else
    for (gsize i = 0; i < samples; i++)
      work[i] += ((source->own[i] * wanted) >> GAIN_SHIFT) - ((pcm[i] * present) >> GAIN_SHIFT);
}

static void
move_gain (gint32 *restrict work, const Source *source, gsize samples, gint32 was, gint32 wanted)
{
  const gint16 *pcm = source->pcm;

  for (gsize i = 0; i < samples; i++)
    {
      const gint32 gain = was + (gint32)((gint64)(wanted - was) * (gint64)(i + 1) / (gint64)samples);

      work[i] += ((source->own[i] * gain) >> GAIN_SHIFT) - ((pcm[i] * source->gain_q12) >> GAIN_SHIFT);
    }
}

void
media_mixer_render (MediaMixer *mixer, const MediaMixerOverride *overrides, guint n_overrides,
                    MediaLimiter *limiter, gint16 *out)
{
  media_mixer_render_with (mixer, overrides, n_overrides, NULL, 0, limiter, out);
}

void
media_mixer_render_with (MediaMixer *mixer, const MediaMixerOverride *overrides, guint n_overrides,
                         const MediaMixerExtra *extras, guint n_extras, MediaLimiter *limiter, gint16 *out)
{
  const gint32 *sum = mixer->total;

  if (n_overrides + n_extras > 0)
    {
      memcpy (mixer->work, mixer->total, mixer->samples * sizeof *mixer->work);
      sum = mixer->work;
    }
  for (guint i = 0; i < n_overrides; i++)
    {
      g_assert (overrides[i].slot < mixer->n_sources);
      if (overrides[i].moves)
        move_gain (mixer->work, &mixer->sources[overrides[i].slot], mixer->samples,
                   CLAMP (overrides[i].was_q12, 0, MEDIA_MIXER_GAIN_MAX),
                   CLAMP (overrides[i].gain_q12, 0, MEDIA_MIXER_GAIN_MAX));
      else
        override_gain (mixer->work, &mixer->sources[overrides[i].slot], mixer->samples,
                       CLAMP (overrides[i].gain_q12, 0, MEDIA_MIXER_GAIN_MAX));
    }
  for (guint i = 0; i < n_extras; i++)
    media_mixer_accumulate (mixer->work, extras[i].pcm, mixer->samples, extras[i].gain_q12);
  media_limiter_apply (limiter, sum, mixer->samples, out);
}

gint32
media_mixer_gain_from_db (double gain_db)
{
  if (!(gain_db > -60))
    return 0;
  return (gint32)lround (MEDIA_MIXER_GAIN_UNITY * pow (10, MIN (gain_db, 18) / 20));
}

void
media_mixer_apply_gain (gint16 *pcm, gsize samples, gint32 gain_q12)
{
  gint32 gain = CLAMP (gain_q12, 0, MEDIA_MIXER_GAIN_MAX);

  for (gsize i = 0; i < samples; i++)
    {
      gint32 value = (pcm[i] * gain) >> GAIN_SHIFT;

      pcm[i] = (gint16)CLAMP (value, G_MININT16, G_MAXINT16);
    }
}
