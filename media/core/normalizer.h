/* Brings a talker to the level that others have: speech towards -22 dBov, slowly, and noise not at all. Its
 * gain is found from frames in which somebody speaks. It rises in a line through each frame and falls in one
 * at its beginning, so that no step is heard, and nothing is cut off at full scale. Plain values; zero, then
 * media_normalizer_init. */
#pragma once

#include <glib.h>

#include "media/core/levels.h"

#define MEDIA_NORMALIZER_TARGET_DB -22.0 /* the louder parts of speech, dBov */
#define MEDIA_NORMALIZER_MOST_DB   15.0
#define MEDIA_NORMALIZER_LEAST_DB  -12.0

typedef struct
{
  MediaSpeech speech;
  double loudness_db; /* of what was spoken, dBov */
  double gain_db;
  double applied; /* factor at the end of the frame before */
} MediaNormalizer;

void media_normalizer_init (MediaNormalizer *normalizer);
/** media_normalizer_process: one frame, in place. */
void media_normalizer_process (MediaNormalizer *normalizer, gint16 *pcm, gsize samples, CfgMonotonic now);
