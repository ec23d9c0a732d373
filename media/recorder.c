#include "media/recorder.h"

#include "media/feed.h"

/* A worker that stood still for longer is no gap but another time. */
#define GAP_FRAMES_MAX (60 * 1000 / MEDIA_FRAME_MS)

MediaRecorder *
media_recorder_new (MediaRecordId id, const MediaRecordConfig *config, MediaFileSink *sink)
{
  MediaRecorder *recorder = g_new0 (MediaRecorder, 1);

  recorder->id = id;
  recorder->sink = sink;
  recorder->rate_hz = config->rate_hz;
  recorder->channels = CLAMP (config->channels, 1, 2);
  recorder->leg = config->leg;
  recorder->max_frames = config->max_duration_us <= 0
                             ? G_MAXUINT64
                             : (guint64)(config->max_duration_us / (MEDIA_FRAME_MS * CFG_US_PER_MS));
  return recorder;
}

void
media_recorder_free (MediaRecorder *recorder, MediaRecordEnd end)
{
  media_file_sink_close (recorder->sink, end);
  g_free (recorder);
}

gboolean
media_recorder_wants_mix (const MediaRecorder *recorder)
{
  return recorder->leg == 0 || recorder->channels == 2;
}

/* How many frames lie between the one before and this one. */
static guint64
gap (const MediaRecorder *recorder, CfgMonotonic now)
{
  const gint64 frame_us = MEDIA_FRAME_MS * CFG_US_PER_MS;
  const gint64 passed = (cfg_monotonic_diff_us (now, recorder->last_at) + frame_us / 2) / frame_us;

  return recorder->any ? (guint64)CLAMP (passed - 1, 0, GAP_FRAMES_MAX) : 0;
}

static gboolean
put (MediaRecorder *recorder, const gint16 *left, const gint16 *right)
{
  const gsize samples = recorder->rate_hz / 1000 * MEDIA_FRAME_MS;
  gint16 both[2 * MEDIA_FRAME_SAMPLES_MAX];

  recorder->frames++;
  if (recorder->channels == 1 || (left == NULL && right == NULL))
    return media_file_sink_write (recorder->sink, left, samples);
  for (gsize i = 0; i < samples; i++)
    {
      both[2 * i] = left != NULL ? left[i] : 0;
      both[2 * i + 1] = right != NULL ? right[i] : 0;
    }
  return media_file_sink_write (recorder->sink, both, samples);
}

gboolean
media_recorder_write (MediaRecorder *recorder, const gint16 *left, const gint16 *right, CfgMonotonic now,
                      MediaRecordEnd *end)
{
  *end = MEDIA_RECORD_FAILED; /* the file's own word goes before it */
  for (guint64 n = gap (recorder, now); n > 0 && recorder->frames < recorder->max_frames; n--)
    if (!put (recorder, NULL, NULL))
      return FALSE;
  recorder->any = TRUE;
  recorder->last_at = now;
  if (recorder->frames < recorder->max_frames && !put (recorder, left, right))
    return FALSE;
  if (recorder->frames < recorder->max_frames)
    return TRUE;
  *end = MEDIA_RECORD_MAX_DURATION;
  return FALSE;
}
