/* Prerecorded audio: four seconds of a voice in frames of 20 ms, encoded once and spoken by all, with a mark
 * every two seconds (10 ms of 1 kHz, near full scale, between two silences) by which delay is measured
 * through whatever decodes, mixes and encodes on the way. */
#pragma once

#include <glib.h>

#include "media/codec/codec.h"

#define LOAD_FRAME_MS     20
#define LOAD_LOOP_FRAMES  200
#define LOAD_MARK_FRAMES  100 /* from mark to mark; the first frame of the loop is one */
#define LOAD_PAYLOAD_MAX  480
#define LOAD_MARK_HZ      1000
#define LOAD_MARK_RATE_HZ 8000 /* of the audio that the detector reads */

typedef struct
{
  guint16 size;
  guint8 data[LOAD_PAYLOAD_MAX];
} LoadPayload;

typedef struct
{
  MediaCodecId codec;
  guint32 units;         /* of a frame, on the RTP clock */
  gint64 codec_delay_us; /* from the start of the mark's packet to the mark in what is decoded from it */
  LoadPayload speech[LOAD_LOOP_FRAMES];
  LoadPayload silence;
} LoadFrames;

/**
 * load_frames_new:
 * @voice: (nullable): LOAD_LOOP_FRAMES frames of speech at the codec's sample rate; NULL: a made-up voice
 *
 * Returns: (transfer full): NULL with @error.
 */
LoadFrames *load_frames_new (MediaCodecId codec, const gint16 *voice,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
void load_frames_free (LoadFrames *frames);
/** load_frames_read: @file as four seconds at @rate_hz, repeated when it is shorter. Returns: (transfer
 * full): NULL with @error. */
gint16 *load_frames_read (const char *file, guint rate_hz, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LoadFrames, load_frames_free)
