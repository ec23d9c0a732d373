/* Keeps one outgoing SSRC whole: sequence numbers and timestamps go on without a break while a sink changes
 * between sources, and between forwarding and own production (mix, silence, prompts, DTMF).
 *
 * Forwarding keeps the source's own gaps and reordering (the peer's jitter buffer and loss statistics stay
 * true); at a change the first packet follows the highest number sent, and its timestamp advances by the time
 * that passed. No sequence number is ever used twice: a packet that would need one is refused. The clock rate
 * stays for the life of an SSRC. Plain values: the struct can be written down and restored. */
#pragma once

#include "config/base/clock.h"
#include "media/core/rtp.h"

#include <glib.h>

/* Where a packet goes in the outgoing stream. */
typedef struct
{
  guint16 sequence;
  guint32 timestamp;
  gboolean marker; /* the source's own, or set where the stream continues after a change or a pause */
} MediaRtpPlace;

typedef enum
{
  MEDIA_REWRITER_IDLE, /* nothing sent yet */
  MEDIA_REWRITER_FORWARD,
  MEDIA_REWRITER_PRODUCE,
  MEDIA_REWRITER_EVENT,
} MediaRewriterMode;

typedef struct
{
  guint32 ssrc;
  guint clock_rate_hz;
  MediaRewriterMode mode;
  guint32 last_timestamp;   /* of the newest packet … */
  guint32 last_units;       /* … its duration … */
  CfgMonotonic last_at;     /* … and when that timestamp was now */
  guint64 highest_sequence; /* extended, of what was sent */
  guint64 sent;             /* bit n: highest_sequence - n was used */

  /* While producing: how far the frames lag behind the clock. */
  CfgMonotonic producing_since;
  guint64 produced_units;

  /* While forwarding: the source, its newest packet and where that went. */
  guint64 source;
  guint32 source_ssrc;
  guint16 source_sequence;
  guint32 source_timestamp;
  guint32 timestamp_offset; /* outgoing - source */
  CfgMonotonic source_at;
  guint64 source_extended;
  guint64 floor_sequence; /* first extended number of this source: nothing goes below */
} MediaRewriter;

/** media_rewriter_init: @first_sequence and @first_timestamp should be random (RFC 3550 5.1). */
void media_rewriter_init (MediaRewriter *rewriter, guint32 ssrc, guint clock_rate_hz, guint16 first_sequence,
                          guint32 first_timestamp);

/**
 * media_rewriter_forward:
 * @source: caller's key, not 0; another key, or another SSRC under the same key, is a change of source
 * @units: duration of the payload in timestamp units (0: unknown, for example telephone-event)
 * @place: (out)
 *
 * Returns: 0; -ESTALE for a packet from before the change of source or too old to tell; -EEXIST for a
 * duplicate.
 */
int media_rewriter_forward (MediaRewriter *rewriter, guint64 source, const MediaRtpView *packet,
                            guint32 units, CfgMonotonic now, MediaRtpPlace *place) G_GNUC_WARN_UNUSED_RESULT;

/**
 * media_rewriter_produce:
 * @units: duration of the frame that is sent, timestamp units
 *
 * The next place for a frame of our own. Back to back frames are contiguous; after a pause of more than 100
 * ms (or DTX) the timestamp follows the clock and the marker is set.
 */
void media_rewriter_produce (MediaRewriter *rewriter, guint32 units, CfgMonotonic now, MediaRtpPlace *place);

/** media_rewriter_pass: a frame of our own that is not sent (DTX): only the timestamp goes on. */
void media_rewriter_pass (MediaRewriter *rewriter, guint32 units, CfgMonotonic now);

/** media_rewriter_event_begin: the timestamp of a telephone-event that starts @now (RFC 4733 2.5.1.2). */
guint32 media_rewriter_event_begin (MediaRewriter *rewriter, CfgMonotonic now);
/** media_rewriter_event: the next place for a packet of that event: new sequence number, the event's
 * timestamp.
 * @units: the event's duration so far. */
void media_rewriter_event (MediaRewriter *rewriter, guint32 event_timestamp, guint32 units, gboolean first,
                           MediaRtpPlace *place);
