/* An estimate of how speech is heard, from what the receiver measures: the E-model of ITU-T G.107 with the
 * equipment impairments of G.113, reduced to delay, loss and codec. */
#pragma once

#include <glib.h>

typedef enum
{
  MEDIA_MOS_G711,
  MEDIA_MOS_G722,
  MEDIA_MOS_OPUS,
} MediaMosCodec;

typedef struct
{
  MediaMosCodec codec;
  double loss;          /* 0–1, network loss */
  double late;          /* 0–1, dropped by the jitter buffer */
  double jitter_ms;     /* interarrival jitter; counts as buffer delay when buffer_ms is 0 */
  double buffer_ms;     /* jitter buffer delay, 0: unknown */
  double round_trip_ms; /* < 0: unknown */
} MediaMosInput;

/** media_mos: 1.0–4.5. */
double media_mos (const MediaMosInput *input);
