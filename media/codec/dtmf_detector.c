#include "media/codec/dtmf_detector.h"

#include <stdint.h>
#include <spandsp/telephony.h>
#include <spandsp/complex.h>
#include <spandsp/tone_detect.h>
#include <spandsp/tone_generate.h>
#include <spandsp/super_tone_rx.h>
#include <spandsp/logging.h>
#include <spandsp/dtmf.h>
#include <string.h>

#define BLOCK 102 /* samples that spandsp looks at together */

struct _MediaDtmfDetector
{
  dtmf_rx_state_t *rx;
  char down; /* NUL: no key */
  guint64 position, down_at;
  MediaDetectedDigit *out; /* of the push that runs */
  guint n_out;
};

static void
key_up (MediaDtmfDetector *detector)
{
  const guint64 samples = detector->position - detector->down_at;

  if (detector->out != NULL && detector->n_out < MEDIA_DTMF_DETECTOR_MAX)
    detector->out[detector->n_out++] = (MediaDetectedDigit){
      .digit = detector->down,
      .duration_ms = (guint)MIN (samples * 1000 / MEDIA_DTMF_DETECTOR_RATE_HZ, G_MAXUINT16),
    };
  detector->down = '\0';
}

/* Told at the end of the block that made it sure, for the beginning and for the end alike. */
static void
on_change (void *user, int code, int level, int delay)
{
  MediaDtmfDetector *detector = user;

  if (detector->down != '\0')
    key_up (detector);
  if (code == 0)
    return;
  detector->down = (char)code;
  detector->down_at = detector->position;
}

MediaDtmfDetector *
media_dtmf_detector_new (void)
{
  MediaDtmfDetector *detector = g_new0 (MediaDtmfDetector, 1);

  detector->rx = dtmf_rx_init (NULL, NULL, NULL);
  g_assert (detector->rx != NULL);
  dtmf_rx_set_realtime_callback (detector->rx, on_change, detector);
  return detector;
}

void
media_dtmf_detector_free (MediaDtmfDetector *detector)
{
  dtmf_rx_free (detector->rx);
  g_free (detector);
}

guint
media_dtmf_detector_push (MediaDtmfDetector *detector, const gint16 *pcm, gsize samples,
                          MediaDetectedDigit digits[MEDIA_DTMF_DETECTOR_MAX])
{
  detector->out = digits;
  detector->n_out = 0;
  /* In pieces, so that the position is near the change that the callback tells of. */
  while (samples > 0)
    {
      const gsize piece = MIN (samples, BLOCK);

      detector->position += piece;
      dtmf_rx (detector->rx, pcm, (int)piece);
      pcm += piece;
      samples -= piece;
    }
  detector->out = NULL;
  return detector->n_out;
}

void
media_dtmf_detector_skip (MediaDtmfDetector *detector, gsize samples)
{
  detector->position += samples;
  dtmf_rx_fillin (detector->rx, (int)MIN (samples, G_MAXINT16));
}

gboolean
media_dtmf_detector_is_down (const MediaDtmfDetector *detector)
{
  return detector->down != '\0';
}
