/* The receive path of one audio stream behind its receiver statistics: jitter buffer, decoder, concealment,
 * comfort noise, drift. Packets go in as they arrive; the mixer takes exactly one frame per tick. One
 * worker's; no lock. */
#pragma once

#include "config/base/clock.h"
#include "media/codec/codec.h"
#include "media/core/jitter_buffer.h"
#include "media/core/rtp.h"

#include <glib.h>

typedef struct _MediaPlayout MediaPlayout;

/* Zero members take the default. */
typedef struct
{
  const MediaCodec *codec; /* required */
  guint sample_rate_hz;    /* of the PCM wanted: 8000, 16000, 48000 (required) */
  guint min_delay_ms;      /* jitter buffer, 10 */
  guint max_delay_ms;      /* 500 */
} MediaPlayoutConfig;

typedef enum
{
  MEDIA_PLAYOUT_NOTHING, /* no audio: @pcm is zero; leave it out of the mix */
  MEDIA_PLAYOUT_AUDIO,   /* decoded, concealed or comfort noise */
} MediaPlayoutResult;

typedef struct
{
  MediaJitterBufferStats jitter;
  guint64 frames; /* decoded */
  guint64 undecodable;
} MediaPlayoutStats;

MediaPlayout *media_playout_new (const MediaPlayoutConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void media_playout_free (MediaPlayout *playout);
const MediaCodec *media_playout_get_codec (const MediaPlayout *playout);
/** media_playout_set_sample_rate: the mix wants another rate; a new decoder, the jitter buffer stays. */
gboolean media_playout_set_sample_rate (MediaPlayout *playout, guint sample_rate_hz, GError **error);
/** media_playout_reset: the stream starts anew (MEDIA_RECEIVE_RESTARTED). */
void media_playout_reset (MediaPlayout *playout);

/**
 * media_playout_push:
 * @packet: of the codec's payload type, or comfort noise (@comfort_noise TRUE)
 * Returns: as media_jitter_buffer_push; -EBADMSG for a payload whose length makes no sense for the codec.
 */
int media_playout_push (MediaPlayout *playout, const MediaRtpView *packet, gboolean comfort_noise,
                        CfgMonotonic now) G_GNUC_WARN_UNUSED_RESULT;
/** media_playout_skip: a packet of the same SSRC without audio (telephone-event): not lost. */
void media_playout_skip (MediaPlayout *playout, const MediaRtpView *packet);

/**
 * media_playout_pull:
 * @now: the tick's nominal time
 * @pcm: (out) (nullable): @samples at the playout's rate; NULL lets the time pass without decoding (nobody
 * speaks there)
 * @samples: one frame, 10–60 ms
 */
MediaPlayoutResult media_playout_pull (MediaPlayout *playout, CfgMonotonic now, gint16 *pcm, gsize samples);

void media_playout_get_stats (const MediaPlayout *playout, MediaPlayoutStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaPlayout, media_playout_free)
