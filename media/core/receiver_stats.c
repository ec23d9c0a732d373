#include "media/core/receiver_stats.h"

#include <string.h>

/* RFC 3550 A.1 */
#define MAX_DROPOUT  3000
#define MAX_MISORDER 100
#define SEQUENCE_MOD (1u << 16)

void
media_receiver_stats_init (MediaReceiverStats *stats, guint clock_rate_hz, guint min_sequential)
{
  g_assert (clock_rate_hz > 0);
  *stats = (MediaReceiverStats){ .clock_rate_hz = clock_rate_hz, .min_sequential = min_sequential };
}

void
media_receiver_stats_set_clock_rate (MediaReceiverStats *stats, guint clock_rate_hz)
{
  g_assert (clock_rate_hz > 0);
  if (stats->clock_rate_hz == clock_rate_hz)
    return;
  stats->clock_rate_hz = clock_rate_hz;
  stats->have_transit = FALSE;
  stats->jitter_q4 = 0;
  stats->jitter_max_q4 = 0;
}

static gint64
ssrc_expected (const MediaReceiverStats *stats)
{
  if (stats->received == 0)
    return 0;
  return (gint64)stats->cycles + stats->max_sequence - (gint64)stats->base_sequence + 1;
}

static gint64
ssrc_lost (const MediaReceiverStats *stats)
{
  return ssrc_expected (stats) - (gint64)stats->received;
}

/* Loss as people understand it: what never came, so duplicates do not make up for it. */
static guint64
ssrc_missing (const MediaReceiverStats *stats)
{
  gint64 unique = (gint64)stats->received - (gint64)stats->duplicates;

  return (guint64)MAX (0, ssrc_expected (stats) - unique);
}

/* Adds the present SSRC to the totals before its counters start anew. */
static void
fold_totals (MediaReceiverStats *stats)
{
  stats->total_received += stats->received - stats->duplicates;
  stats->total_lost += ssrc_missing (stats);
}

/* A.1 init_seq */
static void
start_sequence (MediaReceiverStats *stats, guint16 sequence)
{
  fold_totals (stats);
  stats->base_sequence = sequence;
  stats->max_sequence = sequence;
  stats->bad_sequence = SEQUENCE_MOD + 1;
  stats->cycles = 0;
  stats->seen = 1;
  stats->received = 0;
  stats->duplicates = 0;
  stats->received_prior = 0;
  stats->expected_prior = 0;
  stats->have_transit = FALSE;
}

static void
start_ssrc (MediaReceiverStats *stats, const MediaRtpView *packet)
{
  if (stats->have_ssrc)
    stats->restarts++;
  start_sequence (stats, packet->sequence);
  stats->have_ssrc = TRUE;
  stats->ssrc = packet->ssrc;
  stats->probation = stats->min_sequential;
  stats->max_sequence = (guint16)(packet->sequence - 1);
  stats->jitter_q4 = 0;
  stats->last_sr = 0;
}

/* A.8; @now and the timestamp in the same units, both wrap harmlessly in the difference. */
static void
update_jitter (MediaReceiverStats *stats, guint32 timestamp, CfgMonotonic now)
{
  gint64 arrival = media_rtp_us_to_units (now.us, stats->clock_rate_hz);
  gint64 transit = (gint64)(guint32)((guint64)arrival & 0xffffffff) - (gint64)timestamp;
  gint32 difference = (gint32)(guint32)((guint64)(transit - stats->transit_units) & 0xffffffff);
  guint64 distance = (guint64)ABS ((gint64)difference);

  if (stats->have_transit && distance < (guint64)stats->clock_rate_hz * 10)
    {
      stats->jitter_q4 += distance;
      stats->jitter_q4 -= (stats->jitter_q4 - distance + 8) >> 4;
      stats->jitter_max_q4 = MAX (stats->jitter_max_q4, stats->jitter_q4);
    }
  stats->transit_units = transit;
  stats->have_transit = TRUE;
}

static void
count (MediaReceiverStats *stats, const MediaRtpView *packet, gboolean timed, CfgMonotonic now)
{
  if (stats->first_at.us == 0)
    stats->first_at = now;
  stats->received++;
  stats->octets += packet->payload_size;
  stats->last_at = now;
  if (timed)
    update_jitter (stats, packet->timestamp, now);
}

/* The source is not valid yet: it needs packets in sequence (A.1). */
static MediaReceiveResult
probe (MediaReceiverStats *stats, const MediaRtpView *packet, gboolean timed, CfgMonotonic now)
{
  if (packet->sequence == (guint16)(stats->max_sequence + 1))
    {
      stats->probation--;
      stats->max_sequence = packet->sequence;
    }
  else
    {
      stats->probation = stats->min_sequential - 1;
      stats->max_sequence = packet->sequence;
    }
  if (stats->probation > 0)
    return MEDIA_RECEIVE_PROBATION;
  start_sequence (stats, packet->sequence);
  count (stats, packet, timed, now);
  return MEDIA_RECEIVE_RESTARTED;
}

static gboolean
mark_seen (MediaReceiverStats *stats, guint behind)
{
  guint64 bit;

  if (behind >= 64)
    return TRUE;
  bit = G_GUINT64_CONSTANT (1) << behind;
  if ((stats->seen & bit) != 0)
    return FALSE;
  stats->seen |= bit;
  return TRUE;
}

static MediaReceiveResult
step_forward (MediaReceiverStats *stats, const MediaRtpView *packet, guint delta)
{
  if (packet->sequence < stats->max_sequence)
    stats->cycles += SEQUENCE_MOD;
  stats->max_sequence = packet->sequence;
  stats->seen = delta >= 64 ? 1 : stats->seen << delta | 1;
  return MEDIA_RECEIVE_OK;
}

/* Far from the newest: two in a row mean that the sender restarted without telling. */
static MediaReceiveResult
out_of_range (MediaReceiverStats *stats, const MediaRtpView *packet)
{
  if (packet->sequence != stats->bad_sequence)
    {
      stats->bad_sequence = (packet->sequence + 1u) & (SEQUENCE_MOD - 1);
      stats->bad++;
      return MEDIA_RECEIVE_BAD;
    }
  start_sequence (stats, packet->sequence);
  stats->restarts++;
  return MEDIA_RECEIVE_RESTARTED;
}

static MediaReceiveResult
step_backward (MediaReceiverStats *stats, guint behind)
{
  if (mark_seen (stats, behind))
    {
      stats->reordered++;
      return MEDIA_RECEIVE_REORDERED;
    }
  stats->duplicates++;
  return MEDIA_RECEIVE_DUPLICATE;
}

MediaReceiveResult
media_receiver_stats_add (MediaReceiverStats *stats, const MediaRtpView *packet, gboolean timed,
                          CfgMonotonic now)
{
  MediaReceiveResult result;
  guint delta;
  gboolean fresh = FALSE;

  if (!stats->have_ssrc || stats->ssrc != packet->ssrc)
    {
      start_ssrc (stats, packet);
      fresh = TRUE;
    }
  if (stats->probation > 0)
    return probe (stats, packet, timed, now);
  if (fresh)
    {
      start_sequence (stats, packet->sequence);
      count (stats, packet, timed, now);
      return MEDIA_RECEIVE_RESTARTED;
    }
  delta = (guint16)(packet->sequence - stats->max_sequence);
  if (delta == 0)
    result = step_backward (stats, 0);
  else if (delta < MAX_DROPOUT)
    result = step_forward (stats, packet, delta);
  else if (delta <= SEQUENCE_MOD - MAX_MISORDER)
    result = out_of_range (stats, packet);
  else
    result = step_backward (stats, SEQUENCE_MOD - delta);
  if (result != MEDIA_RECEIVE_BAD)
    count (stats, packet, timed && result != MEDIA_RECEIVE_DUPLICATE, now);
  return result;
}

void
media_receiver_stats_on_sr (MediaReceiverStats *stats, guint32 ssrc, guint64 ntp, CfgMonotonic now)
{
  if (!stats->have_ssrc || stats->ssrc != ssrc)
    return;
  stats->last_sr = media_rtcp_ntp_middle (ntp);
  stats->last_sr_at = now;
}

/* A.3: lost since the last report, by 256. */
static guint8
interval_fraction (MediaReceiverStats *stats, guint32 expected)
{
  guint32 expected_interval = expected - stats->expected_prior;
  guint32 received = (guint32)(stats->received & 0xffffffff);
  gint64 lost_interval = (gint64)expected_interval - (gint64)(guint32)(received - stats->received_prior);

  stats->expected_prior = expected;
  stats->received_prior = received;
  if (expected_interval == 0 || lost_interval <= 0)
    return 0;
  return (guint8)MIN (255, (lost_interval << 8) / expected_interval);
}

gboolean
media_receiver_stats_report (MediaReceiverStats *stats, CfgMonotonic now, MediaRtcpReportBlock *block)
{
  if (stats->received == 0)
    return FALSE;
  *block = (MediaRtcpReportBlock){ .ssrc = stats->ssrc };
  block->extended_highest_sequence = stats->cycles + stats->max_sequence;
  block->cumulative_lost = (gint32)CLAMP (ssrc_lost (stats), -0x800000, 0x7fffff);
  block->fraction_lost = interval_fraction (stats, (guint32)(ssrc_expected (stats) & 0xffffffff));
  block->jitter = (guint32)MIN (stats->jitter_q4 >> 4, G_MAXUINT32);
  block->last_sr = stats->last_sr;
  if (stats->last_sr != 0)
    {
      gint64 us = MAX (0, cfg_monotonic_diff_us (now, stats->last_sr_at));

      block->delay_since_last_sr = (guint32)MIN (us * 65536 / CFG_US_PER_S, (gint64)G_MAXUINT32);
    }
  return TRUE;
}

guint64
media_receiver_stats_expected (const MediaReceiverStats *stats)
{
  return stats->total_received + stats->total_lost + stats->received - stats->duplicates
         + ssrc_missing (stats);
}

guint64
media_receiver_stats_lost (const MediaReceiverStats *stats)
{
  return stats->total_lost + ssrc_missing (stats);
}

gint64
media_receiver_stats_jitter_us (const MediaReceiverStats *stats)
{
  return media_rtp_units_to_us ((gint64)(stats->jitter_q4 >> 4), stats->clock_rate_hz);
}
