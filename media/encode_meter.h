/* What a worker's Opus encoders take of its core, and for how much audio: one frame in eight on average, at
 * random distances, is measured with the thread's own clock, and stands for those since the one before. (Two
 * readings of that clock take a microsecond, a frame 30 to 300.) Written by the worker alone, read by any
 * thread. */
#pragma once

#include <glib.h>
#include <stdatomic.h>

#include "media/codec/codec.h"

typedef struct
{
  atomic_ullong cpu_us, audio_us; /* so far; both of the same frames */
  guint64 waiting_us;             /* of audio, not measured */
  guint n_left;                   /* frames that are not measured, until one is */
  guint32 random;
} MediaEncodeMeter;

/** media_encode_metered: media_encoder_encode, and what it took. @meter: (nullable). */
gssize media_encode_metered (MediaEncodeMeter *meter, MediaEncoder *encoder, const gint16 *pcm, gsize samples,
                             guint8 *out, gsize capacity) G_GNUC_WARN_UNUSED_RESULT;
