/* One source's way from packets to sound: jitter buffer, decoder, concealment, and a queue that turns packets
 * of any length into frames of 20 ms for the mixer. Decodes at the highest rate that somebody wants (Opus at
 * 8 kHz for a G.711 phone) and resamples from there once per other rate.
 *
 *   push ──▶ MediaJitterBuffer ──▶ MediaDecoder ──▶ queue ──▶ advance: one frame ──▶ pcm (8, 16, 48 kHz)
 *
 * Belongs to the worker of its leg. Time is given; no allocation per packet once it runs. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"
#include "media/codec/codec.h"
#include "media/core/jitter_buffer.h"
#include "media/core/normalizer.h"
#include "media/core/rtp.h"

#define MEDIA_FRAME_MS          20
#define MEDIA_FRAME_SAMPLES_MAX (48 * MEDIA_FRAME_MS)
#define MEDIA_N_RATES           3 /* 8000, 16000, 48000 Hz: the only rates of PCM here */

typedef struct _MediaFeed MediaFeed;

typedef struct
{
  guint64 concealed; /* pieces made up for lost or late packets */
  guint64 late;      /* packets that came after their time */
  guint64 overflow;  /* packets beyond the buffer's limits */
  gint32 delay_ms;   /* present playout delay */
  MediaJitterBufferStats buffer;
} MediaFeedStats;

/** media_rate_index: 0, 1, 2 for 8000, 16000, 48000 Hz (asserted to be one of them). */
guint media_rate_index (guint rate_hz);
/** media_rate_hz: the inverse. */
guint media_rate_hz (guint index);

/** media_feed_new: @clock_rate_hz of the RTP timestamps. */
MediaFeed *media_feed_new (guint clock_rate_hz) G_GNUC_WARN_UNUSED_RESULT;
void media_feed_free (MediaFeed *feed);
guint media_feed_get_clock_rate (const MediaFeed *feed);
/** media_feed_reset: the source starts anew; counters stay. */
void media_feed_reset (MediaFeed *feed);
/** media_feed_set_rate: the highest rate that will be asked of media_feed_pcm. */
void media_feed_set_rate (MediaFeed *feed, guint rate_hz);

/** media_feed_set_normalizer: @normalizer (nullable): speech is brought to a usual level with it. Borrowed
 * until another is set, the feed is freed, or media_feed_keep_normalizer. */
void media_feed_set_normalizer (MediaFeed *feed, MediaNormalizer *normalizer);
/** media_feed_keep_normalizer: goes on with a copy of its own. */
void media_feed_keep_normalizer (MediaFeed *feed);

/** media_feed_push: an audio packet of @codec; @units as from media_codec_duration; copied. Late and
 * duplicate ones are counted. */
void media_feed_push (MediaFeed *feed, const MediaCodec *codec, const MediaRtpView *packet, guint32 units,
                      CfgMonotonic now);
/** media_feed_push_noise: a comfort noise packet (RFC 3389). */
void media_feed_push_noise (MediaFeed *feed, const MediaRtpView *packet, CfgMonotonic now);
/** media_feed_skip: a packet of the same sequence without audio (telephone-event). */
void media_feed_skip (MediaFeed *feed, const MediaRtpView *packet);

/** media_feed_expect: brings what media_feed_advance will need into the cache. */
void media_feed_expect (const MediaFeed *feed);
/**
 * media_feed_advance:
 * @now: when the frame is mixed
 * @decode: FALSE: nobody listens now, the time passes without decoding
 *
 * Goes on by one frame. Returns: TRUE when the frame may hold sound.
 */
gboolean media_feed_advance (MediaFeed *feed, CfgMonotonic now, gboolean decode);
/** media_feed_pcm: the present frame, 20 ms at @rate_hz; valid until the next advance. */
const gint16 *media_feed_pcm (MediaFeed *feed, guint rate_hz);
/** media_feed_level: of the present frame, -dBov (0–127). */
guint8 media_feed_level (const MediaFeed *feed);

void media_feed_get_stats (const MediaFeed *feed, MediaFeedStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaFeed, media_feed_free)
