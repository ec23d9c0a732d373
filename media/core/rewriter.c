#include "media/core/rewriter.h"

#include <errno.h>

#define MAX_JUMP    3000 /* RFC 3550 A.1: a sender that jumps farther has restarted */
#define MAX_SKEW_S  10   /* a source's timestamp may stray so far from the clock before it counts as reset */
#define MAX_LAG_MS  100  /* own frames may lag behind the clock so far before the timestamp jumps */
#define STEPS_PER_S 100  /* timestamps advance over a change in steps of 10 ms */

void
media_rewriter_init (MediaRewriter *rewriter, guint32 ssrc, guint clock_rate_hz, guint16 first_sequence,
                     guint32 first_timestamp)
{
  g_assert (clock_rate_hz > 0);
  *rewriter = (MediaRewriter){
    .ssrc = ssrc,
    .clock_rate_hz = clock_rate_hz,
    .highest_sequence = G_GUINT64_CONSTANT (0x10000) + first_sequence - 1,
    .last_timestamp = first_timestamp,
  };
}

/* The timestamp of something that starts now, after whatever was sent last. */
static guint32
timestamp_at (const MediaRewriter *rewriter, CfgMonotonic now)
{
  guint32 step = rewriter->clock_rate_hz / STEPS_PER_S;
  gint64 passed;

  if (rewriter->mode == MEDIA_REWRITER_IDLE)
    return rewriter->last_timestamp;
  passed = media_rtp_us_to_units (cfg_monotonic_diff_us (now, rewriter->last_at), rewriter->clock_rate_hz);
  passed = (passed + step / 2) / step * step;
  passed = MAX (passed, (gint64)rewriter->last_units);
  return rewriter->last_timestamp + (guint32)((guint64)passed & 0xffffffff);
}

/* Takes the next sequence number for a packet with @timestamp. */
static void
take_next (MediaRewriter *rewriter, guint32 timestamp, gboolean marker, MediaRtpPlace *place)
{
  rewriter->highest_sequence++;
  rewriter->sent = rewriter->sent << 1 | 1;
  place->sequence = (guint16)(rewriter->highest_sequence & 0xffff);
  place->timestamp = timestamp;
  place->marker = marker;
}

static gboolean
is_same_stream (const MediaRewriter *rewriter, guint64 source, const MediaRtpView *packet, CfgMonotonic now)
{
  gint64 passed;
  gint64 stepped;
  gint delta;

  if (rewriter->mode != MEDIA_REWRITER_FORWARD || rewriter->source != source
      || rewriter->source_ssrc != packet->ssrc)
    return FALSE;
  delta = media_rtp_sequence_diff (packet->sequence, rewriter->source_sequence);
  if (ABS (delta) > MAX_JUMP)
    return FALSE;
  if (delta <= 0)
    return TRUE;
  passed = media_rtp_us_to_units (cfg_monotonic_diff_us (now, rewriter->source_at), rewriter->clock_rate_hz);
  stepped = media_rtp_timestamp_diff (packet->timestamp, rewriter->source_timestamp);
  return ABS (stepped - passed) <= (gint64)rewriter->clock_rate_hz * MAX_SKEW_S;
}

static void
note_newest (MediaRewriter *rewriter, const MediaRtpView *packet, guint32 units, CfgMonotonic now)
{
  guint32 timestamp = packet->timestamp + rewriter->timestamp_offset;

  rewriter->source_sequence = packet->sequence;
  rewriter->source_extended = rewriter->highest_sequence;
  /* The packets of a telephone-event share the timestamp of its start. */
  if (media_rtp_timestamp_diff (timestamp, rewriter->last_timestamp) == 0
      && rewriter->mode == MEDIA_REWRITER_FORWARD)
    return;
  rewriter->source_timestamp = packet->timestamp;
  rewriter->source_at = now;
  rewriter->last_timestamp = timestamp;
  rewriter->last_at = now;
  rewriter->last_units = units > 0 ? units : rewriter->clock_rate_hz / 50;
}

static void
change_source (MediaRewriter *rewriter, guint64 source, const MediaRtpView *packet, guint32 units,
               CfgMonotonic now, MediaRtpPlace *place)
{
  guint32 timestamp = timestamp_at (rewriter, now);

  take_next (rewriter, timestamp, TRUE, place);
  rewriter->timestamp_offset = timestamp - packet->timestamp;
  rewriter->source = source;
  rewriter->source_ssrc = packet->ssrc;
  rewriter->floor_sequence = rewriter->highest_sequence;
  rewriter->mode = MEDIA_REWRITER_IDLE;
  note_newest (rewriter, packet, units, now);
  rewriter->mode = MEDIA_REWRITER_FORWARD;
}

/* A packet older than the newest one of its source: it goes into the gap that was left for it. */
static int
fill_gap (MediaRewriter *rewriter, guint64 extended)
{
  guint64 behind = rewriter->highest_sequence - extended;
  guint64 bit;

  if (extended < rewriter->floor_sequence || behind >= 64)
    return -ESTALE;
  bit = G_GUINT64_CONSTANT (1) << behind;
  if ((rewriter->sent & bit) != 0)
    return -EEXIST;
  rewriter->sent |= bit;
  return 0;
}

int
media_rewriter_forward (MediaRewriter *rewriter, guint64 source, const MediaRtpView *packet, guint32 units,
                        CfgMonotonic now, MediaRtpPlace *place)
{
  gint delta;
  guint64 extended;

  g_assert (source != 0);
  if (!is_same_stream (rewriter, source, packet, now))
    {
      change_source (rewriter, source, packet, units, now, place);
      return 0;
    }
  delta = media_rtp_sequence_diff (packet->sequence, rewriter->source_sequence);
  extended = rewriter->source_extended + (guint64)(gint64)delta;
  if (delta > 0)
    {
      rewriter->highest_sequence = extended;
      rewriter->sent = delta >= 64 ? 1 : rewriter->sent << delta | 1;
      note_newest (rewriter, packet, units, now);
    }
  else
    {
      int error = fill_gap (rewriter, extended);

      if (error != 0)
        return error;
    }
  place->sequence = (guint16)(extended & 0xffff);
  place->timestamp = packet->timestamp + rewriter->timestamp_offset;
  place->marker = packet->marker;
  return 0;
}

/* Moves the timestamp on by one frame of our own. Returns whether it jumped. */
static gboolean
advance (MediaRewriter *rewriter, guint32 units, CfgMonotonic now)
{
  gint64 lag;
  gboolean jumped;

  lag = media_rtp_us_to_units (cfg_monotonic_diff_us (now, rewriter->producing_since),
                               rewriter->clock_rate_hz)
        - (gint64)rewriter->produced_units;
  jumped
      = rewriter->mode != MEDIA_REWRITER_PRODUCE || lag * 1000 > (gint64)rewriter->clock_rate_hz * MAX_LAG_MS;
  if (jumped)
    {
      rewriter->last_timestamp = timestamp_at (rewriter, now);
      rewriter->producing_since = now;
      rewriter->produced_units = 0;
    }
  else
    {
      rewriter->last_timestamp += rewriter->last_units;
    }
  rewriter->mode = MEDIA_REWRITER_PRODUCE;
  rewriter->last_units = units;
  rewriter->last_at = now;
  rewriter->produced_units += units;
  return jumped;
}

void
media_rewriter_produce (MediaRewriter *rewriter, guint32 units, CfgMonotonic now, MediaRtpPlace *place)
{
  gboolean jumped = advance (rewriter, units, now);

  take_next (rewriter, rewriter->last_timestamp, jumped, place);
}

void
media_rewriter_pass (MediaRewriter *rewriter, guint32 units, CfgMonotonic now)
{
  (void)advance (rewriter, units, now);
}

guint32
media_rewriter_event_begin (MediaRewriter *rewriter, CfgMonotonic now)
{
  guint32 timestamp = timestamp_at (rewriter, now);

  rewriter->mode = MEDIA_REWRITER_EVENT;
  rewriter->last_timestamp = timestamp;
  rewriter->last_at = now;
  rewriter->last_units = 0;
  return timestamp;
}

void
media_rewriter_event (MediaRewriter *rewriter, guint32 event_timestamp, guint32 units, gboolean first,
                      MediaRtpPlace *place)
{
  if (rewriter->last_timestamp == event_timestamp)
    rewriter->last_units = MAX (rewriter->last_units, units);
  take_next (rewriter, event_timestamp, first, place);
}
