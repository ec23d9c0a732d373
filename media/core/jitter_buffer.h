/* Adaptive playout of one RTP stream. Packets come in by arrival, audio is asked for at the ticks of the
 * playout clock; both instants are given. All durations are in RTP timestamp units of the stream's clock
 * (G.722: 8000 Hz).
 *
 * What is controlled is the slack: how long before the tick that needs it a packet would have come if the
 * network had been at its fastest (of the last seconds). The target follows the spread of arrivals
 * (media/core/jitter_timing.h); the buffer moves towards it freely between talk spurts, and within them by
 * asking the caller to shorten or lengthen a frame, a quiet one rather than speech
 * (media/core/jitter_control.h, timescale.h). That also takes up clock drift.
 *
 *             push                                   pull
 *   arrival --------> slots in sequence order --------> FRAME, CONCEAL (FEC), SILENCE, EMPTY
 *
 * A gap in sequence numbers is loss (CONCEAL); a gap in timestamps only is the sender's silence (SILENCE). A
 * packet that is merely late is played when it comes: the delay grows, and shrinks again later.
 * Memory: about 6 kB and the payloads that wait. */
#pragma once

#include "config/base/clock.h"
#include "media/core/rtp.h"

#include <glib.h>

#define MEDIA_JITTER_BUFFER_SLOTS 128

typedef struct _MediaJitterBuffer MediaJitterBuffer;

/* Zero members take the default. */
typedef struct
{
  guint clock_rate_hz;   /* required */
  guint frame_ms;        /* packet duration until one is seen; 20 */
  guint tick_ms;         /* how much the caller needs at a time; 20 */
  guint min_delay_ms;    /* 10 */
  guint start_delay_ms;  /* 0; wanted at the first start, when nothing is known of the network */
  guint max_delay_ms;    /* 500 */
  gboolean wait_for_fec; /* with loss, add one packet to the delay, so that the next one is there for FEC */
} MediaJitterBufferConfig;

typedef enum
{
  MEDIA_JITTER_EMPTY,   /* nothing yet, or nothing for long: play silence, nothing is owed */
  MEDIA_JITTER_FRAME,   /* decode payload */
  MEDIA_JITTER_CONCEAL, /* lost or late: conceal; with payload set: the following packet, its FEC covers this
                           one */
  MEDIA_JITTER_SILENCE, /* the sender is silent (DTX): comfort noise */
} MediaJitterAction;

typedef struct
{
  MediaJitterAction action;
  guint32 units;         /* how long this piece is (for EMPTY: a frame) */
  const guint8 *payload; /* FRAME, and CONCEAL with FEC; valid until the next call on the buffer */
  gsize payload_size;
  guint8 payload_type;
  gboolean marker;
  gboolean comfort_noise; /* FRAME: was pushed without a duration */
  guint16 sequence;
  guint32 timestamp;
  gboolean rest; /* CONCEAL: of a packet of which a part was made up before */
  gboolean cut;  /* FRAME: what came before it was dropped, it does not go on from the last */
  gint32 adjust; /* FRAME: > 0: remove about so many units, < 0: insert; then media_jitter_buffer_adjusted */
  gint32 adjust_quiet; /* the same, if the frame is so quiet that nobody hears it */
} MediaJitterFrame;

typedef struct
{
  guint64 pushed;
  guint64 played;
  guint64 late; /* came after their time */
  guint64 duplicates;
  guint64 overflow;  /* dropped because the buffer ran over its limits */
  guint64 concealed; /* pieces */
  guint64 fec;       /* of these: with the following packet at hand */
  guint64 silent;    /* pieces */
  guint64 resets;    /* SSRC, sequence or timestamp restarted */
  guint64 removed_units;
  guint64 inserted_units;
  guint packets;    /* waiting now */
  gint32 delay_ms;  /* present delay from the arrival of the fastest packets to playout */
  gint32 target_ms; /* wanted slack */
} MediaJitterBufferStats;

/** media_jitter_buffer_new: @config is copied. */
MediaJitterBuffer *media_jitter_buffer_new (const MediaJitterBufferConfig *config) G_GNUC_WARN_UNUSED_RESULT;
void media_jitter_buffer_free (MediaJitterBuffer *buffer);
/** media_jitter_buffer_is_idle: it plays nothing, and will not before the next packet. */
gboolean media_jitter_buffer_is_idle (const MediaJitterBuffer *buffer);
/** media_jitter_buffer_reset: forgets packets and timing, keeps the counters. */
void media_jitter_buffer_reset (MediaJitterBuffer *buffer);

/**
 * media_jitter_buffer_push:
 * @packet: the payload is copied; a new SSRC resets the buffer
 * @units: duration of the payload (media_codec_duration); 0 when unknown (comfort noise)
 * @now: arrival; when it lies before the last pull, the packet was read too late for that
 *
 * Returns: 0; -ESTALE when its time has passed; -EEXIST for a duplicate; -ERANGE far out of sequence (two in
 * a row reset the buffer); -EMSGSIZE for a payload above MEDIA_RTP_PACKET_MAX.
 */
int media_jitter_buffer_push (MediaJitterBuffer *buffer, const MediaRtpView *packet, guint32 units,
                              CfgMonotonic now) G_GNUC_WARN_UNUSED_RESULT;

/** media_jitter_buffer_skip: @sequence arrived but carries no audio (telephone-event): it is not lost. */
void media_jitter_buffer_skip (MediaJitterBuffer *buffer, const MediaRtpView *packet);

/**
 * media_jitter_buffer_pull:
 * @now: the tick
 * @held: timestamp units that the caller still holds decoded; the answer is played after them
 * @frame: (out)
 *
 * Called as often as the caller needs more for this tick. O(1) except after the loss of many packets.
 */
void media_jitter_buffer_pull (MediaJitterBuffer *buffer, CfgMonotonic now, guint32 held,
                               MediaJitterFrame *frame);

/** media_jitter_buffer_adjusted: the caller removed (> 0) or inserted (< 0) so many units of the last frame.
 */
void media_jitter_buffer_adjusted (MediaJitterBuffer *buffer, gint32 units, CfgMonotonic now);

void media_jitter_buffer_get_stats (const MediaJitterBuffer *buffer, MediaJitterBufferStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaJitterBuffer, media_jitter_buffer_free)
