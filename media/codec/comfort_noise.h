/* Comfort noise (RFC 3389): the level of a CN payload and noise of that level. Spectral parameters are
 * ignored: the noise is white, low-passed once. Plain values. */
#pragma once

#include <glib.h>

#define MEDIA_COMFORT_NOISE_PAYLOAD_TYPE 13
#define MEDIA_COMFORT_NOISE_SILENCE      127

typedef struct
{
  guint8 level; /* -dBov; 127: silence */
  guint32 seed;
  gint32 last;
} MediaComfortNoise;

void media_comfort_noise_init (MediaComfortNoise *noise, guint32 seed);
/** media_comfort_noise_read: takes the level of a CN payload. Returns: FALSE for an empty one. */
gboolean media_comfort_noise_read (MediaComfortNoise *noise, const guint8 *payload, gsize size);
/** media_comfort_noise_write: our payload: one octet, @level. Returns: octets written. */
gsize media_comfort_noise_write (guint8 level, guint8 *out);
/** media_comfort_noise_fill: @samples of noise. */
void media_comfort_noise_fill (MediaComfortNoise *noise, gint16 *pcm, gsize samples);
