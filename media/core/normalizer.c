#include "media/core/normalizer.h"

#include <math.h>

#include "media/core/mixer.h"

#define LOUDER        0.1 /* share of the way that the loudness moves in a frame */
#define SOFTER        0.02
#define UNDER_DB      20.0 /* below the loudness: between words */
#define UP_DB_PER_S   6.0
#define DOWN_DB_PER_S 20.0
#define PEAK          30000.0
#define LONGEST_S     0.1
#define FALL_PART     8 /* of a frame: what is suddenly loud is not waited for */

void
media_normalizer_init (MediaNormalizer *normalizer)
{
  *normalizer = (MediaNormalizer){ .loudness_db = MEDIA_NORMALIZER_TARGET_DB, .applied = 1 };
  media_speech_init (&normalizer->speech);
}

static void
follow (MediaNormalizer *normalizer, const gint16 *pcm, gsize samples, CfgMonotonic now)
{
  const guint8 level = media_level_of_pcm (pcm, samples);
  const double seconds
      = normalizer->speech.have_level
            ? CLAMP ((double)cfg_monotonic_diff_us (now, normalizer->speech.updated_at) / 1e6, 0, LONGEST_S)
            : 0;
  double wanted_db;

  if (media_speech_update (&normalizer->speech, level, now) && -level > normalizer->loudness_db - UNDER_DB)
    normalizer->loudness_db
        += (-level - normalizer->loudness_db) * (-level > normalizer->loudness_db ? LOUDER : SOFTER);
  else if (normalizer->speech.active && -level > normalizer->speech.floor_db + UNDER_DB)
    /* Somebody speaks all the time, far below what was heard before. */
    normalizer->loudness_db += (-level - normalizer->loudness_db) * SOFTER;
  wanted_db = CLAMP (MEDIA_NORMALIZER_TARGET_DB - normalizer->loudness_db, MEDIA_NORMALIZER_LEAST_DB,
                     MEDIA_NORMALIZER_MOST_DB);
  normalizer->gain_db
      += CLAMP (wanted_db - normalizer->gain_db, -DOWN_DB_PER_S * seconds, UP_DB_PER_S * seconds);
}

void
media_normalizer_process (MediaNormalizer *normalizer, gint16 *pcm, gsize samples, CfgMonotonic now)
{
  const double from = normalizer->applied;
  double to, peak = 1;
  gsize ramp;

  follow (normalizer, pcm, samples, now);
  for (gsize i = 0; i < samples; i++)
    peak = MAX (peak, ABS ((double)pcm[i]));
  /* What is loud for a moment is not made louder than it may be; what was too loud already stays. */
  to = MIN (pow (10, normalizer->gain_db / 20), MAX (1, PEAK / peak));
  normalizer->applied = to;
  if (from >= 1 && from <= 1 && to >= 1 && to <= 1)
    return;
  ramp = to < from ? MAX (samples / FALL_PART, 1) : samples;
  for (gsize i = 0; i < samples; i++)
    {
      const double factor = i + 1 < ramp ? from + (to - from) * (double)(i + 1) / (double)ramp : to;

      pcm[i] = media_mixer_soften (lrint (pcm[i] * factor));
    }
}
