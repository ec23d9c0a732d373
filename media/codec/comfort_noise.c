#include "media/codec/comfort_noise.h"

#include <math.h>

void
media_comfort_noise_init (MediaComfortNoise *noise, guint32 seed)
{
  *noise = (MediaComfortNoise){ .level = MEDIA_COMFORT_NOISE_SILENCE, .seed = seed };
}

gboolean
media_comfort_noise_read (MediaComfortNoise *noise, const guint8 *payload, gsize size)
{
  if (size == 0)
    return FALSE;
  noise->level = payload[0] & 0x7f;
  return TRUE;
}

gsize
media_comfort_noise_write (guint8 level, guint8 *out)
{
  out[0] = MIN (level, MEDIA_COMFORT_NOISE_SILENCE);
  return 1;
}

void
media_comfort_noise_fill (MediaComfortNoise *noise, gint16 *pcm, gsize samples)
{
  gint32 amplitude = 0;

  /* Uniform noise of peak a, averaged over two samples, has an RMS of a / sqrt 6. */
  if (noise->level < MEDIA_COMFORT_NOISE_SILENCE)
    amplitude = (gint32)MIN (lround (32768 * sqrt (6) * pow (10, -noise->level / 20.0)), 32767);
  for (gsize i = 0; i < samples; i++)
    {
      gint32 white;

      noise->seed = noise->seed * 1664525u + 1013904223u;
      white = (gint32)((gint64)((gint32)(noise->seed >> 16) - 32768) * amplitude / 32768);
      pcm[i] = (gint16)((white + noise->last) / 2);
      noise->last = white;
    }
}
