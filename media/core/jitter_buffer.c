#include "media/core/jitter_buffer.h"

#include "media/core/jitter_control.h"
#include "media/core/jitter_timing.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define SLOTS           MEDIA_JITTER_BUFFER_SLOTS
#define SLOT(sequence)  ((guint)(sequence) % SLOTS)
#define FAR             1000 /* sequence numbers: farther from the newest is no reordering */
#define MAX_PACKET_MS   120
#define CONCEAL_MAX_MS  100   /* longer than that nothing sounds like speech */
#define SILENCE_MAX_MS  30000 /* a sender that is silent for so long has stopped */
#define START_EXCESS_MS 60    /* what waits longer than that over the target at the first start is skipped */
#define CHUNK_STEP      64
#define CHUNKS_KEPT     16
#define LOSS_FOR_FEC    0.01
#define LOSS_WITHOUT    0.003
#define SILENT_PAYLOAD  2 /* octets: an Opus packet as short as this is DTX */

/* A payload's memory. Free ones are kept in a list, so that a steady stream allocates nothing. */
typedef struct _Chunk Chunk;
struct _Chunk
{
  Chunk *next;
  gsize capacity;
  guint8 data[];
};

typedef struct
{
  Chunk *chunk;     /* NULL: arrived without audio */
  gint64 timestamp; /* extended */
  guint32 units;
  guint32 raw_timestamp;
  guint16 size;
  guint16 sequence;
  guint8 payload_type;
  bool used;
  bool marker;
} Slot;

struct _MediaJitterBuffer
{
  MediaJitterBufferConfig config;
  Slot slots[SLOTS];
  guint n_used;
  Chunk *free_chunks;
  guint n_free_chunks;
  Chunk *lent; /* payload of the last answer */

  gboolean have_stream;
  guint32 ssrc;
  guint16 newest; /* sequence */
  gboolean have_bad;
  guint16 bad_sequence; /* expected, should the stream have restarted */
  guint32 last_raw;
  gint64 last_extended;
  MediaJitterTiming timing;

  gboolean playing;
  gboolean played;       /* next_sequence is where playout stands, nothing older is wanted */
  guint16 next_sequence; /* before that: the oldest that waits */
  gint64 next_timestamp;
  CfgMonotonic pulled_at; /* last */
  guint32 frame_units;
  gboolean silent;    /* the last packet played was comfort noise or DTX */
  guint32 owed_units; /* concealed for packets that have not come yet */
  guint32 concealing; /* units concealed in a row */
  double loss;        /* smoothed */
  gboolean waits_for_fec;

  MediaJitterControl control;
  gboolean cut; /* something that waited was dropped: what is played next does not go on from the last */

  MediaJitterBufferStats stats;
};

static guint32
ms_to_units (const MediaJitterBuffer *buffer, guint ms)
{
  return (guint32)((guint64)ms * buffer->config.clock_rate_hz / 1000);
}

static gint64
to_us (const MediaJitterBuffer *buffer, gint64 units)
{
  return media_rtp_units_to_us (units, buffer->config.clock_rate_hz);
}

MediaJitterBuffer *
media_jitter_buffer_new (const MediaJitterBufferConfig *config)
{
  MediaJitterBuffer *buffer = g_new0 (MediaJitterBuffer, 1);

  g_assert (config->clock_rate_hz >= 1000);
  buffer->config = *config;
  if (buffer->config.frame_ms == 0)
    buffer->config.frame_ms = 20;
  if (buffer->config.tick_ms == 0)
    buffer->config.tick_ms = 20;
  if (buffer->config.min_delay_ms == 0)
    buffer->config.min_delay_ms = 10;
  if (buffer->config.max_delay_ms == 0)
    buffer->config.max_delay_ms = 500;
  buffer->frame_units = ms_to_units (buffer, buffer->config.frame_ms);
  media_jitter_timing_init (&buffer->timing);
  return buffer;
}

static void
chunk_release (MediaJitterBuffer *buffer, Chunk *chunk)
{
  if (chunk == NULL)
    return;
  if (buffer->n_free_chunks >= CHUNKS_KEPT)
    {
      g_free (chunk);
      return;
    }
  chunk->next = buffer->free_chunks;
  buffer->free_chunks = chunk;
  buffer->n_free_chunks++;
}

static Chunk *
chunk_take (MediaJitterBuffer *buffer, gsize size)
{
  Chunk *chunk = buffer->free_chunks;
  gsize capacity;

  if (chunk != NULL)
    {
      buffer->free_chunks = chunk->next;
      buffer->n_free_chunks--;
      if (chunk->capacity >= size)
        return chunk;
      g_free (chunk);
    }
  capacity = (size / CHUNK_STEP + 1) * CHUNK_STEP;
  chunk = g_malloc (sizeof *chunk + capacity);
  chunk->capacity = capacity;
  return chunk;
}

static void
slot_clear (MediaJitterBuffer *buffer, Slot *slot)
{
  if (!slot->used)
    return;
  chunk_release (buffer, g_steal_pointer (&slot->chunk));
  slot->used = FALSE;
  buffer->n_used--;
}

gboolean
media_jitter_buffer_is_idle (const MediaJitterBuffer *buffer)
{
  return !buffer->playing && buffer->n_used == 0;
}

void
media_jitter_buffer_reset (MediaJitterBuffer *buffer)
{
  for (guint i = 0; i < SLOTS; i++)
    slot_clear (buffer, &buffer->slots[i]);
  chunk_release (buffer, g_steal_pointer (&buffer->lent));
  buffer->have_stream = FALSE;
  buffer->have_bad = FALSE;
  buffer->playing = FALSE;
  buffer->played = FALSE;
  buffer->silent = FALSE;
  buffer->owed_units = 0;
  buffer->concealing = 0;
  media_jitter_control_forget (&buffer->control);
  media_jitter_timing_init (&buffer->timing);
}

void
media_jitter_buffer_free (MediaJitterBuffer *buffer)
{
  if (buffer == NULL)
    return;
  media_jitter_buffer_reset (buffer);
  while (buffer->free_chunks != NULL)
    {
      Chunk *next = buffer->free_chunks->next;

      g_free (buffer->free_chunks);
      buffer->free_chunks = next;
    }
  g_free (buffer);
}

static void
begin_stream (MediaJitterBuffer *buffer, const MediaRtpView *packet)
{
  if (buffer->have_stream)
    buffer->stats.resets++;
  media_jitter_buffer_reset (buffer);
  buffer->have_stream = TRUE;
  buffer->ssrc = packet->ssrc;
  buffer->newest = packet->sequence;
  buffer->next_sequence = packet->sequence;
  buffer->last_raw = packet->timestamp;
  /* Far from zero, so that reordered packets stay positive. */
  buffer->last_extended = G_GINT64_CONSTANT (0x100000000) + packet->timestamp;
}

static gint64
extend_timestamp (const MediaJitterBuffer *buffer, guint32 timestamp)
{
  return buffer->last_extended + media_rtp_timestamp_diff (timestamp, buffer->last_raw);
}

/* Far from where the stream was: the second packet of such a row means that the sender restarted. */
static gboolean
is_out_of_range (MediaJitterBuffer *buffer, const MediaRtpView *packet)
{
  gint distance = media_rtp_sequence_diff (packet->sequence, buffer->newest);

  if (ABS (distance) < FAR)
    {
      buffer->have_bad = FALSE;
      return FALSE;
    }
  if (buffer->have_bad && packet->sequence == buffer->bad_sequence)
    {
      begin_stream (buffer, packet);
      return FALSE;
    }
  buffer->have_bad = TRUE;
  buffer->bad_sequence = (guint16)(packet->sequence + 1);
  return TRUE;
}

/* Moves playout on to @sequence (at most SLOTS ahead); what waits before it is dropped. */
static void
advance_to (MediaJitterBuffer *buffer, guint16 sequence)
{
  for (; buffer->next_sequence != sequence; buffer->next_sequence++)
    slot_clear (buffer, &buffer->slots[SLOT (buffer->next_sequence)]);
}

/* Finds or makes the place of @sequence. */
static int
find_place (MediaJitterBuffer *buffer, guint16 sequence)
{
  gint ahead = media_rtp_sequence_diff (sequence, buffer->next_sequence);

  if (ahead < 0)
    {
      gint span = media_rtp_sequence_diff (buffer->newest, sequence);

      if (buffer->played || span >= SLOTS)
        return -ESTALE;
      buffer->next_sequence = sequence;
      return 0;
    }
  /* Nobody pulls fast enough: the oldest give way. */
  while (ahead >= SLOTS)
    {
      Slot *oldest = &buffer->slots[SLOT (buffer->next_sequence)];

      if (oldest->used)
        buffer->stats.overflow++;
      slot_clear (buffer, oldest);
      buffer->next_sequence++;
      buffer->playing = FALSE;
      ahead--;
    }
  return buffer->slots[SLOT (sequence)].used ? -EEXIST : 0;
}

/* Admits @packet to the stream. Returns 0 with its slot cleared for it, or why not. */
static int
admit (MediaJitterBuffer *buffer, const MediaRtpView *packet)
{
  int error;

  if (!buffer->have_stream || buffer->ssrc != packet->ssrc)
    begin_stream (buffer, packet);
  if (is_out_of_range (buffer, packet))
    return -ERANGE;
  error = find_place (buffer, packet->sequence);
  if (error == -ESTALE)
    buffer->stats.late++;
  else if (error == -EEXIST)
    buffer->stats.duplicates++;
  return error;
}

static void
note_newest (MediaJitterBuffer *buffer, const MediaRtpView *packet)
{
  if (media_rtp_sequence_diff (packet->sequence, buffer->newest) > 0)
    buffer->newest = packet->sequence;
}

static void
fill_slot (MediaJitterBuffer *buffer, const MediaRtpView *packet, guint32 units, gint64 timestamp)
{
  Slot *slot = &buffer->slots[SLOT (packet->sequence)];

  slot->chunk = chunk_take (buffer, packet->payload_size);
  if (packet->payload_size > 0)
    memcpy (slot->chunk->data, packet->payload, packet->payload_size);
  slot->size = (guint16)packet->payload_size;
  slot->timestamp = timestamp;
  slot->raw_timestamp = packet->timestamp;
  slot->units = units;
  slot->sequence = packet->sequence;
  slot->payload_type = packet->payload_type;
  slot->marker = packet->marker;
  slot->used = TRUE;
  buffer->n_used++;
}

static void
note_reading (MediaJitterBuffer *buffer, gint64 timestamp, CfgMonotonic now)
{
  if (cfg_monotonic_diff_us (buffer->pulled_at, now) > 0)
    media_jitter_timing_note_reading (&buffer->timing, buffer->pulled_at.us - to_us (buffer, timestamp),
                                      buffer->pulled_at);
  else
    media_jitter_timing_note_reading (&buffer->timing, G_MININT64, now);
}

int
media_jitter_buffer_push (MediaJitterBuffer *buffer, const MediaRtpView *packet, guint32 units,
                          CfgMonotonic now)
{
  gint64 timestamp;
  int error;

  if (packet->payload_size > MEDIA_RTP_PACKET_MAX)
    return -EMSGSIZE;
  buffer->stats.pushed++;
  units = MIN (units, ms_to_units (buffer, MAX_PACKET_MS));
  error = admit (buffer, packet);
  if (error == -ERANGE || error == -EEXIST)
    return error;
  timestamp = extend_timestamp (buffer, packet->timestamp);
  if (!media_jitter_timing_add (&buffer->timing, now.us - to_us (buffer, timestamp), now))
    {
      /* The sender's timestamps jumped: what waits belongs to another time line. */
      begin_stream (buffer, packet);
      timestamp = buffer->last_extended;
      (void)media_jitter_timing_add (&buffer->timing, now.us - to_us (buffer, timestamp), now);
      error = 0;
    }
  note_reading (buffer, timestamp, now);
  if (error != 0)
    return error;
  note_newest (buffer, packet);
  buffer->last_raw = packet->timestamp;
  buffer->last_extended = timestamp;
  fill_slot (buffer, packet, units, timestamp);
  return 0;
}

void
media_jitter_buffer_skip (MediaJitterBuffer *buffer, const MediaRtpView *packet)
{
  Slot *slot;

  if (!buffer->have_stream || buffer->ssrc != packet->ssrc || is_out_of_range (buffer, packet)
      || find_place (buffer, packet->sequence) != 0)
    return;
  note_newest (buffer, packet);
  slot = &buffer->slots[SLOT (packet->sequence)];
  slot->sequence = packet->sequence;
  slot->used = TRUE;
  buffer->n_used++;
}

/* The oldest packet with audio that waits; those without audio before it are stepped over when they are next.
 */
static Slot *
find_head (MediaJitterBuffer *buffer)
{
  guint16 sequence;

  while (buffer->n_used > 0)
    {
      Slot *slot = &buffer->slots[SLOT (buffer->next_sequence)];

      if (!slot->used || slot->chunk != NULL)
        break;
      slot_clear (buffer, slot);
      buffer->next_sequence++;
    }
  if (buffer->n_used == 0)
    return NULL;
  sequence = buffer->next_sequence;
  for (guint i = 0; i < SLOTS; i++, sequence++)
    {
      Slot *slot = &buffer->slots[SLOT (sequence)];

      if (slot->used && slot->chunk != NULL)
        return slot;
    }
  return NULL;
}

static gint64
target_us (const MediaJitterBuffer *buffer)
{
  gint64 target = media_jitter_timing_spread_us (&buffer->timing);

  if (buffer->waits_for_fec)
    target += to_us (buffer, buffer->frame_units);
  return CLAMP (target, buffer->config.min_delay_ms * CFG_US_PER_MS,
                buffer->config.max_delay_ms * CFG_US_PER_MS);
}

/* How long before @now the packet would have come at the network's fastest. */
static gint64
slack_us (const MediaJitterBuffer *buffer, gint64 timestamp, CfgMonotonic now)
{
  return now.us - to_us (buffer, timestamp) - buffer->timing.baseline_us;
}

static void
answer (MediaJitterFrame *frame, MediaJitterAction action, guint32 units)
{
  *frame = (MediaJitterFrame){ .action = action, .units = units };
}

/* What is missing to fill the tick. */
static guint32
rest_of_tick (const MediaJitterBuffer *buffer, guint32 held)
{
  guint32 tick = ms_to_units (buffer, buffer->config.tick_ms);

  return held < tick ? tick - held : tick;
}

static void
note_loss (MediaJitterBuffer *buffer, gboolean lost)
{
  buffer->loss += ((lost ? 1.0 : 0.0) - buffer->loss) / 128;
  if (buffer->config.wait_for_fec)
    buffer->waits_for_fec = buffer->loss > (buffer->waits_for_fec ? LOSS_WITHOUT : LOSS_FOR_FEC);
}

/* How the caller should change the length of this frame. */
static void
choose_adjustment (MediaJitterBuffer *buffer, CfgMonotonic now, MediaJitterFrame *frame)
{
  const guint rate_hz = buffer->config.clock_rate_hz;
  const MediaJitterChange change = media_jitter_control_decide (&buffer->control, target_us (buffer),
                                                                buffer->config.tick_ms * CFG_US_PER_MS, now);

  frame->adjust = (gint32)media_rtp_us_to_units (change.change_us, rate_hz);
  frame->adjust_quiet = (gint32)media_rtp_us_to_units (change.quiet_change_us, rate_hz);
}

static void
play (MediaJitterBuffer *buffer, Slot *slot, CfgMonotonic now, guint32 held, MediaJitterFrame *frame)
{
  guint32 units = slot->units;
  gboolean silent = units == 0 || slot->size <= SILENT_PAYLOAD;

  if (units > 0)
    buffer->frame_units = units;
  else
    units = rest_of_tick (buffer, held);
  answer (frame, MEDIA_JITTER_FRAME, units);
  frame->payload = slot->chunk->data;
  frame->payload_size = slot->size;
  frame->payload_type = slot->payload_type;
  frame->marker = slot->marker;
  frame->comfort_noise = slot->units == 0;
  frame->sequence = slot->sequence;
  frame->timestamp = slot->raw_timestamp;
  frame->cut = buffer->cut;
  media_jitter_control_played (&buffer->control, slack_us (buffer, slot->timestamp, now),
                               to_us (buffer, held));
  if (!silent && !buffer->silent && slot->units > 0)
    choose_adjustment (buffer, now, frame);
  note_loss (buffer, FALSE);

  buffer->next_timestamp = slot->timestamp + units;
  buffer->silent = silent;
  buffer->cut = FALSE;
  buffer->owed_units = 0;
  buffer->concealing = 0;
  buffer->playing = TRUE;
  buffer->played = TRUE;
  buffer->stats.played++;
  buffer->lent = g_steal_pointer (&slot->chunk);
  advance_to (buffer, (guint16)(slot->sequence + 1));
}

/* Drops the packet at the head unheard. */
static void
drop (MediaJitterBuffer *buffer, Slot *slot)
{
  buffer->next_timestamp = slot->timestamp + slot->units;
  buffer->stats.overflow++;
  buffer->cut = TRUE;
  advance_to (buffer, (guint16)(slot->sequence + 1));
}

/* Drops from the head until what is left has waited no longer than @most_us. Returns the new head. */
static Slot *
drop_until (MediaJitterBuffer *buffer, CfgMonotonic now, gint64 most_us)
{
  Slot *head = find_head (buffer);

  while (head != NULL && buffer->n_used > 1 && slack_us (buffer, head->timestamp, now) > most_us)
    {
      drop (buffer, head);
      media_jitter_control_forget (&buffer->control);
      head = find_head (buffer);
    }
  return head;
}

/* Nothing is being played: starts when the oldest packet has waited as long as the target wants. What waited
 * while the network, or our own thread, stood still is played, and the delay made up for. */
static void
try_start (MediaJitterBuffer *buffer, CfgMonotonic now, guint32 held, MediaJitterFrame *frame)
{
  const gint64 start_us = buffer->played ? 0 : buffer->config.start_delay_ms * CFG_US_PER_MS;
  const gint64 wanted_us = MAX (target_us (buffer), start_us);
  const gint64 most_us = buffer->played ? buffer->config.max_delay_ms * CFG_US_PER_MS
                                        : wanted_us + START_EXCESS_MS * CFG_US_PER_MS;
  Slot *head = drop_until (buffer, now, most_us);

  if (head == NULL || slack_us (buffer, head->timestamp, now) < wanted_us)
    {
      answer (frame, MEDIA_JITTER_EMPTY, rest_of_tick (buffer, held));
      return;
    }
  media_jitter_control_forget (&buffer->control);
  buffer->control.delay_us = slack_us (buffer, head->timestamp, now) + to_us (buffer, held);
  play (buffer, head, now, held, frame);
}

/* Nothing waits: the packet is late, lost, or the sender is silent. Time stands still until one comes. */
static void
run_dry (MediaJitterBuffer *buffer, guint32 held, MediaJitterFrame *frame)
{
  guint32 units = rest_of_tick (buffer, held);

  if (buffer->concealing >= ms_to_units (buffer, buffer->silent ? SILENCE_MAX_MS : CONCEAL_MAX_MS))
    {
      buffer->playing = FALSE;
      buffer->owed_units = 0;
      answer (frame, MEDIA_JITTER_EMPTY, units);
      return;
    }
  buffer->concealing += units;
  if (buffer->silent)
    {
      buffer->stats.silent++;
      answer (frame, MEDIA_JITTER_SILENCE, units);
      return;
    }
  buffer->owed_units += units;
  buffer->stats.concealed++;
  answer (frame, MEDIA_JITTER_CONCEAL, units);
}

/* The duration of one of the @missing packets before @head. */
static guint32
missing_units (const MediaJitterBuffer *buffer, const Slot *head, gint missing)
{
  gint64 gap = head->timestamp - buffer->next_timestamp;
  gint64 each = gap / missing;

  if (each <= 0)
    return 0;
  return (guint32)MIN (each, (gint64)buffer->frame_units);
}

/* Steps over one packet that is missing or carries no audio. */
static void
step_over (MediaJitterBuffer *buffer, guint32 units)
{
  note_loss (buffer, !buffer->slots[SLOT (buffer->next_sequence)].used);
  advance_to (buffer, (guint16)(buffer->next_sequence + 1));
  buffer->next_timestamp += units;
}

/* Packets before @head are missing. Returns FALSE when they have been made up for already. */
static gboolean
conceal_missing (MediaJitterBuffer *buffer, const Slot *head, MediaJitterFrame *frame)
{
  gint missing = media_rtp_sequence_diff (head->sequence, buffer->next_sequence);

  for (; missing > 0; missing--)
    {
      gboolean arrived = buffer->slots[SLOT (buffer->next_sequence)].used;
      guint32 units = arrived ? 0 : missing_units (buffer, head, missing);

      if (!buffer->silent && units > buffer->owed_units)
        break;
      buffer->owed_units -= MIN (units, buffer->owed_units);
      step_over (buffer, units);
    }
  if (missing == 0)
    return FALSE;
  answer (frame, MEDIA_JITTER_CONCEAL, missing_units (buffer, head, missing) - buffer->owed_units);
  step_over (buffer, frame->units + buffer->owed_units);
  if (missing == 1 && buffer->owed_units == 0)
    {
      frame->payload = head->chunk->data;
      frame->payload_size = head->size;
      frame->payload_type = head->payload_type;
      frame->sequence = head->sequence;
      frame->timestamp = head->raw_timestamp;
      buffer->stats.fec++;
    }
  frame->rest = buffer->owed_units > 0;
  buffer->owed_units = 0;
  buffer->concealing += frame->units;
  buffer->stats.concealed += !frame->rest;
  return TRUE;
}

/* The next packet is there but begins later than the last one ended: the sender was silent. */
static gboolean
wait_in_silence (MediaJitterBuffer *buffer, const Slot *head, CfgMonotonic now, guint32 held,
                 MediaJitterFrame *frame)
{
  gint64 gap_us = to_us (buffer, head->timestamp - buffer->next_timestamp);

  if (gap_us <= buffer->config.tick_ms * CFG_US_PER_MS / 4)
    return FALSE;
  if (slack_us (buffer, head->timestamp, now) >= target_us (buffer))
    {
      media_jitter_control_forget (&buffer->control);
      return FALSE;
    }
  buffer->stats.silent++;
  answer (frame, MEDIA_JITTER_SILENCE, rest_of_tick (buffer, held));
  return TRUE;
}

void
media_jitter_buffer_pull (MediaJitterBuffer *buffer, CfgMonotonic now, guint32 held, MediaJitterFrame *frame)
{
  gint64 most_us = buffer->config.max_delay_ms * CFG_US_PER_MS;
  Slot *head;

  chunk_release (buffer, g_steal_pointer (&buffer->lent));
  buffer->pulled_at = now;
  if (!buffer->playing)
    {
      try_start (buffer, now, held, frame);
      return;
    }
  head = find_head (buffer);
  /* Far too late for shortening: one cut down to the target is heard less than many. */
  if (head != NULL && slack_us (buffer, head->timestamp, now) > most_us + target_us (buffer) / 4)
    head = drop_until (buffer, now, target_us (buffer) + buffer->config.tick_ms * CFG_US_PER_MS);
  if (head == NULL)
    {
      run_dry (buffer, held, frame);
      return;
    }
  if (head->sequence != buffer->next_sequence && conceal_missing (buffer, head, frame))
    return;
  if (wait_in_silence (buffer, head, now, held, frame))
    return;
  play (buffer, head, now, held, frame);
}

void
media_jitter_buffer_adjusted (MediaJitterBuffer *buffer, gint32 units, CfgMonotonic now)
{
  if (units > 0)
    buffer->stats.removed_units += (guint64)units;
  else
    buffer->stats.inserted_units += (guint64) - (gint64)units;
  media_jitter_control_adjusted (&buffer->control, now);
}

void
media_jitter_buffer_get_stats (const MediaJitterBuffer *buffer, MediaJitterBufferStats *stats)
{
  *stats = buffer->stats;
  stats->packets = buffer->n_used;
  stats->delay_ms = (gint32)(buffer->control.delay_us / CFG_US_PER_MS);
  stats->target_ms = (gint32)(target_us (buffer) / CFG_US_PER_MS);
}
