/* What is recorded of a room: takes a frame with each tick of the mix, and gives it to the thread that writes
 * files (media/file_writer.h). Belongs to the room's worker. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"
#include "media/core/mixer.h"
#include "media/engine.h"
#include "media/file_writer.h"

typedef struct
{
  MediaRecordId id;
  MediaFileSink *sink;
  guint rate_hz, channels;
  MediaLegId leg;             /* as MediaRecordConfig */
  guint64 frames, max_frames; /* of 20 ms; G_MAXUINT64: no limit */
  gboolean any;
  CfgMonotonic last_at; /* instant of the frame before */
  MediaLimiter limiters[2];
} MediaRecorder;

/** media_recorder_new: @sink (transfer full); the rest of @config is copied. */
MediaRecorder *media_recorder_new (MediaRecordId id, const MediaRecordConfig *config, MediaFileSink *sink);
/** media_recorder_free: its file is finished; @end: why. */
void media_recorder_free (MediaRecorder *recorder, MediaRecordEnd end);
/** media_recorder_wants_mix: it needs the sum of all, not @leg alone. */
gboolean media_recorder_wants_mix (const MediaRecorder *recorder);
/**
 * media_recorder_write:
 * @left: a frame of 20 ms at rate_hz; NULL: silence
 * @right: the same; with two channels
 * @now: the frame's instant; what lies between it and the one before is filled up with silence
 *
 * Returns: FALSE when it is over; @end: why.
 */
gboolean media_recorder_write (MediaRecorder *recorder, const gint16 *left, const gint16 *right,
                               CfgMonotonic now, MediaRecordEnd *end);
