#include "media/core/dtmf.h"

#include "media/core/bytes.h"

#include <errno.h>
#include <string.h>

#define PACKET_US       (20 * CFG_US_PER_MS)
#define END_PACKETS     3 /* RFC 4733 2.5.1.4 */
#define DEFAULT_TONE_MS 100
#define DEFAULT_GAP_MS  100
#define LEAST_MS        40
#define MOST_MS         8000
#define VOLUME_DBM0     10 /* -10 dBm0 */
#define N_CODES         17

static const char digits_of_codes[N_CODES + 1] = "0123456789*#ABCD!";

char
media_dtmf_digit (guint8 code)
{
  return code < N_CODES ? digits_of_codes[code] : '\0';
}

int
media_dtmf_code (char digit)
{
  const char *found;

  if (digit == '\0')
    return -1;
  found = strchr (digits_of_codes, g_ascii_toupper (digit));
  return found != NULL ? (int)(found - digits_of_codes) : -1;
}

guint
media_dtmf_pause_ms (char character)
{
  return character == 'w' ? 500 : character == 'W' ? 1000 : character == ',' ? 2000 : 0;
}

gint64
media_dtmf_duration_ms (const char *digits, guint tone_ms, guint gap_ms)
{
  gint64 total = 0;

  if (digits[0] == '\0')
    return -EINVAL;
  for (; *digits != '\0'; digits++)
    {
      const guint pause_ms = media_dtmf_pause_ms (*digits);

      if (pause_ms == 0 && media_dtmf_code (*digits) < 0)
        return -EINVAL;
      total += pause_ms != 0 ? pause_ms : tone_ms + gap_ms;
    }
  return total;
}

void
media_dtmf_receiver_init (MediaDtmfReceiver *receiver, guint clock_rate_hz)
{
  g_assert (clock_rate_hz > 0);
  *receiver = (MediaDtmfReceiver){ .clock_rate_hz = clock_rate_hz };
}

static MediaDtmfEvent
close_event (MediaDtmfReceiver *receiver)
{
  receiver->open = FALSE;
  return (MediaDtmfEvent){
    .kind = MEDIA_DTMF_END,
    .digit = media_dtmf_digit (receiver->code),
    .duration_ms = (guint)MIN (receiver->units * 1000 / receiver->clock_rate_hz, G_MAXUINT),
  };
}

/* A long event goes on as a new segment: its timestamp is where the last one's 16-bit duration ended
 * (RFC 4733 2.5.1.3). */
static gboolean
is_next_segment (const MediaDtmfReceiver *receiver, const MediaRtpView *packet, guint8 code)
{
  gint32 step = media_rtp_timestamp_diff (packet->timestamp, receiver->timestamp);

  return receiver->open && code == receiver->code && step > 0x8000
         && ABS (step - (gint32)receiver->segment_units) <= (gint32)receiver->clock_rate_hz / 10;
}

static void
open_event (MediaDtmfReceiver *receiver, const MediaRtpView *packet, guint8 code)
{
  receiver->open = TRUE;
  receiver->have_last = TRUE;
  receiver->code = code;
  receiver->ssrc = packet->ssrc;
  receiver->timestamp = packet->timestamp;
  receiver->units = 0;
  receiver->segment_base = 0;
  receiver->segment_units = 0;
}

static gboolean
is_stale (const MediaDtmfReceiver *receiver, const MediaRtpView *packet)
{
  gint32 step;

  if (!receiver->have_last || receiver->ssrc != packet->ssrc)
    return FALSE;
  step = media_rtp_timestamp_diff (packet->timestamp, receiver->timestamp);
  /* Repeated ends of the event that is over, or a reordered packet of one before it; minutes back is a
   * restart. */
  return (step == 0 && !receiver->open) || (step < 0 && step > -(gint32)(receiver->clock_rate_hz * 10));
}

guint
media_dtmf_receiver_push (MediaDtmfReceiver *receiver, const MediaRtpView *packet, CfgMonotonic now,
                          MediaDtmfEvent events[MEDIA_DTMF_EVENTS_MAX])
{
  guint n = 0;
  guint8 code;
  guint16 units;

  if (packet->payload_size < MEDIA_DTMF_PAYLOAD || media_dtmf_digit (packet->payload[0]) == '\0'
      || is_stale (receiver, packet))
    {
      receiver->ignored++;
      return 0;
    }
  code = packet->payload[0];
  units = media_load_16 (packet->payload + 2);
  if (is_next_segment (receiver, packet, code))
    {
      receiver->segment_base += (guint64)media_rtp_timestamp_diff (packet->timestamp, receiver->timestamp);
      receiver->timestamp = packet->timestamp;
      receiver->segment_units = 0;
    }
  else if (!receiver->open || receiver->ssrc != packet->ssrc || receiver->timestamp != packet->timestamp)
    {
      if (receiver->open)
        events[n++] = close_event (receiver);
      open_event (receiver, packet, code);
      events[n++] = (MediaDtmfEvent){ .kind = MEDIA_DTMF_BEGIN, .digit = media_dtmf_digit (code) };
    }
  receiver->segment_units = MAX (receiver->segment_units, units);
  receiver->units = receiver->segment_base + receiver->segment_units;
  receiver->last_at = now;
  if ((packet->payload[1] & 0x80) != 0)
    events[n++] = close_event (receiver);
  return n;
}

gboolean
media_dtmf_receiver_poll (MediaDtmfReceiver *receiver, CfgMonotonic now, MediaDtmfEvent *event)
{
  if (!receiver->open
      || cfg_monotonic_diff_us (now, receiver->last_at) < MEDIA_DTMF_TIMEOUT_MS * CFG_US_PER_MS)
    return FALSE;
  *event = close_event (receiver);
  return TRUE;
}

void
media_dtmf_sender_init (MediaDtmfSender *sender, guint clock_rate_hz, guint tone_ms, guint gap_ms)
{
  guint longest_ms;

  g_assert (clock_rate_hz > 0);
  /* One segment is enough for every tone we make. */
  longest_ms = MIN (MOST_MS, (guint)(G_GUINT64_CONSTANT (65535000) / clock_rate_hz));
  *sender = (MediaDtmfSender){
    .clock_rate_hz = clock_rate_hz,
    .tone_ms = CLAMP (tone_ms == 0 ? DEFAULT_TONE_MS : tone_ms, LEAST_MS, longest_ms),
    .gap_ms = CLAMP (gap_ms == 0 ? DEFAULT_GAP_MS : gap_ms, LEAST_MS, MOST_MS),
  };
}

int
media_dtmf_sender_queue (MediaDtmfSender *sender, const char *digits)
{
  gsize length = strnlen (digits, MEDIA_DTMF_QUEUE_MAX + 1);

  if (length == 0)
    return -EINVAL;
  for (gsize i = 0; i < length; i++)
    if (media_dtmf_code (digits[i]) < 0 && media_dtmf_pause_ms (digits[i]) == 0)
      return -EINVAL;
  if (length > MEDIA_DTMF_QUEUE_MAX - sender->n_queued)
    return -ENOSPC;
  memcpy (sender->queue + sender->n_queued, digits, length);
  sender->n_queued += (guint)length;
  return 0;
}

void
media_dtmf_sender_clear (MediaDtmfSender *sender)
{
  memset (sender->queue, 0, sizeof sender->queue);
  sender->n_queued = 0;
}

gboolean
media_dtmf_sender_busy (const MediaDtmfSender *sender)
{
  return sender->sending || sender->n_queued > 0;
}

gboolean
media_dtmf_sender_tone_on (const MediaDtmfSender *sender)
{
  return sender->sending;
}

static char
take_digit (MediaDtmfSender *sender)
{
  char digit = sender->queue[0];

  sender->n_queued--;
  memmove (sender->queue, sender->queue + 1, sender->n_queued);
  /* Digits may be secrets: none stays behind. */
  sender->queue[sender->n_queued] = '\0';
  return digit;
}

static void
fill_packet (const MediaDtmfSender *sender, guint32 units, gboolean first, gboolean end,
             MediaDtmfPacket *packet)
{
  *packet = (MediaDtmfPacket){ .first = first, .end = end, .units = units };
  packet->payload[0] = sender->code;
  packet->payload[1] = (guint8)((end ? 0x80 : 0) | VOLUME_DBM0);
  media_store_16 (packet->payload + 2, (guint16)units);
}

/* Takes the next digit or pause from the queue. Returns whether a tone began. */
static gboolean
begin_next (MediaDtmfSender *sender, CfgMonotonic now, MediaDtmfPacket *packet)
{
  while (sender->n_queued > 0 && cfg_monotonic_diff_us (now, sender->next_at) >= 0)
    {
      char digit = take_digit (sender);

      if (media_dtmf_pause_ms (digit) != 0)
        {
          sender->next_at = cfg_monotonic_add_us (now, media_dtmf_pause_ms (digit) * CFG_US_PER_MS);
          continue;
        }
      sender->code = (guint8)media_dtmf_code (digit);
      sender->sending = TRUE;
      sender->ends_left = END_PACKETS;
      sender->started_at = now;
      sender->next_at = cfg_monotonic_add_us (now, PACKET_US);
      fill_packet (sender, (guint32)media_rtp_us_to_units (PACKET_US, sender->clock_rate_hz), TRUE, FALSE,
                   packet);
      return TRUE;
    }
  return FALSE;
}

gboolean
media_dtmf_sender_poll (MediaDtmfSender *sender, CfgMonotonic now, MediaDtmfPacket *packet)
{
  gint64 tone_us = sender->tone_ms * CFG_US_PER_MS;
  gint64 passed_us;
  gboolean end;

  if (!sender->sending)
    return begin_next (sender, now, packet);
  end = sender->ends_left < END_PACKETS;
  if (!end && cfg_monotonic_diff_us (now, sender->next_at) < 0)
    return FALSE;
  passed_us = cfg_monotonic_diff_us (now, sender->started_at) + PACKET_US;
  end = end || passed_us >= tone_us;
  passed_us = MIN (passed_us, tone_us);
  fill_packet (sender, (guint32)media_rtp_us_to_units (passed_us, sender->clock_rate_hz), FALSE, end, packet);
  sender->next_at = cfg_monotonic_add_us (sender->next_at, PACKET_US);
  if (end && --sender->ends_left == 0)
    {
      sender->sending = FALSE;
      sender->next_at = cfg_monotonic_add_us (now, sender->gap_ms * CFG_US_PER_MS);
    }
  return TRUE;
}
