/* Call progress tones and DTMF pairs, made sample by sample. Pure.
 *
 * Cadences: EU as ETSI TR 101 041 (425 Hz), US as the Precise Tone Plan (ANSI T1.401), UK as BT SIN 350;
 * DTMF pairs as ITU-T Q.23. */
#pragma once

#include <glib.h>

#define MEDIA_TONE_STEPS_MAX 4

typedef enum
{
  MEDIA_TONE_RINGBACK,
  MEDIA_TONE_BUSY,
  MEDIA_TONE_CONGESTION,
  MEDIA_TONE_DIAL,
  MEDIA_TONE_BEEP, /* one of half a second: a recording begins */
} MediaToneKind;

typedef enum
{
  MEDIA_TONE_EU,
  MEDIA_TONE_US,
  MEDIA_TONE_UK,
} MediaToneRegion;

typedef struct
{
  guint16 f1_hz, f2_hz; /* 0: none; both 0: silence */
  guint16 ms;           /* 0: for ever */
} MediaToneStep;

/* Plain values. */
typedef struct
{
  MediaToneStep steps[MEDIA_TONE_STEPS_MAX];
  guint n_steps;
  gboolean loop;
} MediaTonePattern;

typedef struct
{
  double coefficient, last, before; /* a resonator: y = coefficient * last - before */
} MediaToneOscillator;

/* Plain values. */
typedef struct
{
  guint rate_hz;
  guint step;
  gsize position; /* in the step, samples */
  gboolean begun, over;
  MediaToneOscillator oscillators[2];
} MediaToneGenerator;

/** media_tone_find: "ringback", "busy", "congestion", "dial", "beep". Returns: FALSE for others. */
gboolean media_tone_find (const char *name, MediaToneKind *kind);
/** media_tone_find_region: "eu", "us", "uk". Returns: FALSE for others. */
gboolean media_tone_find_region (const char *name, MediaToneRegion *region);

void media_tone_pattern (MediaToneKind kind, MediaToneRegion region, MediaTonePattern *pattern);
/** media_tone_pattern_dtmf: the pair of @digit (0–9 * # A–D) once. Returns: FALSE when it has none. */
gboolean media_tone_pattern_dtmf (char digit, guint ms, MediaTonePattern *pattern);

void media_tone_generator_init (MediaToneGenerator *generator, guint rate_hz);
/**
 * media_tone_generate:
 * @pattern: the same with every call
 * @sounds: (out) (nullable): some of it is no silence
 * Returns: how many samples were made; fewer than @samples (the rest is zero): the pattern is over.
 */
gsize media_tone_generate (MediaToneGenerator *generator, const MediaTonePattern *pattern, gint16 *pcm,
                           gsize samples, gboolean *sounds);
