/* DTMF tones in audio (ITU-T Q.23, Q.24), through spandsp: for phones that send keys in no other way. */
#pragma once

#include <glib.h>

#define MEDIA_DTMF_DETECTOR_RATE_HZ 8000
#define MEDIA_DTMF_DETECTOR_MAX     8 /* keys that end in one push; more than 120 ms can hold */

typedef struct _MediaDtmfDetector MediaDtmfDetector;

typedef struct
{
  char digit; /* 0-9 * # A-D */
  guint duration_ms;
} MediaDetectedDigit;

MediaDtmfDetector *media_dtmf_detector_new (void) G_GNUC_WARN_UNUSED_RESULT;
void media_dtmf_detector_free (MediaDtmfDetector *detector);

/**
 * media_dtmf_detector_push:
 * @pcm: (array length=samples): mono at MEDIA_DTMF_DETECTOR_RATE_HZ, up to 120 ms
 * @digits: (out): keys that were released in it
 *
 * Accepts from about 40 ms on, 0 to -42 dBm0, up to 8 dB of twist (4 dB reverse).
 *
 * Returns: how many.
 */
guint media_dtmf_detector_push (MediaDtmfDetector *detector, const gint16 *pcm, gsize samples,
                                MediaDetectedDigit digits[MEDIA_DTMF_DETECTOR_MAX]);
/** media_dtmf_detector_skip: audio was lost: a key that is down stays down. */
void media_dtmf_detector_skip (MediaDtmfDetector *detector, gsize samples);
/** media_dtmf_detector_is_down: a key is down. */
gboolean media_dtmf_detector_is_down (const MediaDtmfDetector *detector);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaDtmfDetector, media_dtmf_detector_free)
