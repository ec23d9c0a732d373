/* Reception statistics of one RTP source (RFC 3550 A.1 sequence validation, A.3 loss, A.8 jitter), with
 * duplicates and reordering told apart. Plain values: the struct can be written down and restored. */
#pragma once

#include "config/base/clock.h"
#include "media/core/rtcp.h"
#include "media/core/rtp.h"

#include <glib.h>

typedef enum
{
  MEDIA_RECEIVE_OK,        /* next in order, or after a gap */
  MEDIA_RECEIVE_REORDERED, /* older than the newest, not seen before: use it */
  MEDIA_RECEIVE_RESTARTED, /* a new SSRC or a restarted sequence begins here: reset the jitter buffer, use it
                            */
  MEDIA_RECEIVE_PROBATION, /* source not yet valid: drop */
  MEDIA_RECEIVE_DUPLICATE, /* drop */
  MEDIA_RECEIVE_BAD,       /* far out of sequence: drop, two in a row restart */
} MediaReceiveResult;

/* Zero is not a valid state: media_receiver_stats_init. Read members freely, write none. */
typedef struct
{
  guint clock_rate_hz;
  guint min_sequential; /* packets in sequence before a source counts; 0: at once (authenticated) */
  gboolean have_ssrc;
  guint32 ssrc;
  guint probation; /* packets still wanted */
  guint16 max_sequence;
  guint32 cycles; /* wraps × 65536 */
  guint32 base_sequence;
  guint32 bad_sequence;
  guint64 seen; /* bit n: max_sequence - n arrived */

  guint64 received; /* of this SSRC, RFC sense: with duplicates */
  guint32 received_prior;
  guint32 expected_prior;
  guint64 octets; /* payload */
  guint64 duplicates;
  guint64 reordered;
  guint64 bad;
  guint64 restarts; /* SSRC changes and sequence resets */

  gboolean have_transit;
  gint64 transit_units;
  guint64 jitter_q4; /* timestamp units × 16 */
  guint64 jitter_max_q4;
  CfgMonotonic first_at;
  CfgMonotonic last_at; /* newest packet of a valid source */

  guint32 last_sr; /* of the source */
  CfgMonotonic last_sr_at;

  /* Totals over all SSRCs that this stream had, for the call's summary. */
  guint64 total_received;
  guint64 total_lost;
} MediaReceiverStats;

/** media_receiver_stats_init: @min_sequential: 2 for plain RTP, 0 for authenticated streams. */
void media_receiver_stats_init (MediaReceiverStats *stats, guint clock_rate_hz, guint min_sequential);

/** media_receiver_stats_set_clock_rate: the codec changed; jitter starts anew. */
void media_receiver_stats_set_clock_rate (MediaReceiverStats *stats, guint clock_rate_hz);

/**
 * media_receiver_stats_add:
 * @timed: FALSE for packets whose timestamp does not move with the clock (telephone-event): no jitter from
 * them
 * @now: arrival
 */
MediaReceiveResult media_receiver_stats_add (MediaReceiverStats *stats, const MediaRtpView *packet,
                                             gboolean timed, CfgMonotonic now);

/** media_receiver_stats_on_sr: a sender report of @ssrc arrived; other SSRCs are ignored. */
void media_receiver_stats_on_sr (MediaReceiverStats *stats, guint32 ssrc, guint64 ntp, CfgMonotonic now);

/** media_receiver_stats_report: fills @block and starts the next interval (A.3). Returns: FALSE without a
 * valid source. */
gboolean media_receiver_stats_report (MediaReceiverStats *stats, CfgMonotonic now,
                                      MediaRtcpReportBlock *block);

/** media_receiver_stats_expected / _lost: over all SSRCs of this stream; lost may be negative with
 * duplicates, then 0. */
guint64 media_receiver_stats_expected (const MediaReceiverStats *stats);
guint64 media_receiver_stats_lost (const MediaReceiverStats *stats);
/** media_receiver_stats_jitter_us: present interarrival jitter. */
gint64 media_receiver_stats_jitter_us (const MediaReceiverStats *stats);
