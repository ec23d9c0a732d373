/* Makes up lost speech for codecs without concealment of their own, after the idea of G.711 appendix I: the
 * last pitch period goes on, fading to silence, and real speech is faded in when it returns. Adds no delay.
 * 8 or 16 kHz. Private to media/codec; plain values. */
#pragma once

#include <glib.h>

#define MEDIA_CONCEALER_HISTORY 640 /* samples: 40 ms at 16 kHz */

typedef struct
{
  guint sample_rate_hz;
  gint16 history[MEDIA_CONCEALER_HISTORY]; /* newest at the end */
  gsize filled;
  gint16 period[MEDIA_CONCEALER_HISTORY / 2];
  gsize lag;       /* of period; 0: not concealing */
  gsize position;  /* in period */
  gsize concealed; /* samples in a row */
} MediaConcealer;

void media_concealer_init (MediaConcealer *concealer, guint sample_rate_hz);
/** media_concealer_good: @pcm was decoded; after a loss its start is blended in place. */
void media_concealer_good (MediaConcealer *concealer, gint16 *pcm, gsize samples);
/** media_concealer_lost: writes @samples. */
void media_concealer_lost (MediaConcealer *concealer, gint16 *pcm, gsize samples);
