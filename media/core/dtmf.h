/* DTMF as RTP events (RFC 4733). The receiver turns the repeated packets of a digit into one begin and one
 * end; the sender makes the packets of a row of digits. Pure; no digit is ever logged. */
#pragma once

#include "config/base/clock.h"
#include "media/core/rtp.h"

#include <glib.h>

#define MEDIA_DTMF_QUEUE_MAX  256
#define MEDIA_DTMF_EVENTS_MAX 3 /* one packet gives at most: end of the last, begin and end of the next */
#define MEDIA_DTMF_PAYLOAD    4
#define MEDIA_DTMF_TIMEOUT_MS 150 /* no packet of a digit for so long: it has ended */

typedef enum
{
  MEDIA_DTMF_BEGIN,
  MEDIA_DTMF_END,
} MediaDtmfKind;

typedef struct
{
  MediaDtmfKind kind;
  char digit;        /* 0–9 * # A–D, '!' for flash */
  guint duration_ms; /* of an END */
} MediaDtmfEvent;

/* Plain values. */
typedef struct
{
  guint clock_rate_hz;
  gboolean open;
  gboolean have_last;
  guint8 code;
  guint32 timestamp; /* of the open or last event */
  guint32 ssrc;
  guint64 units; /* duration so far, over segments */
  guint64 segment_base;
  guint16 segment_units;
  CfgMonotonic last_at;
  guint64 ignored; /* malformed, unknown or stale packets */
} MediaDtmfReceiver;

void media_dtmf_receiver_init (MediaDtmfReceiver *receiver, guint clock_rate_hz);
/**
 * media_dtmf_receiver_push:
 * @packet: of the negotiated telephone-event payload type
 * @events: (out)
 * Returns: how many @events were written.
 */
guint media_dtmf_receiver_push (MediaDtmfReceiver *receiver, const MediaRtpView *packet, CfgMonotonic now,
                                MediaDtmfEvent events[MEDIA_DTMF_EVENTS_MAX]);
/** media_dtmf_receiver_poll: to be called every 20–100 ms. Returns: TRUE when the open digit ended by
 * silence. */
gboolean media_dtmf_receiver_poll (MediaDtmfReceiver *receiver, CfgMonotonic now, MediaDtmfEvent *event);

/* What the sender wants sent now. */
typedef struct
{
  guint8 payload[MEDIA_DTMF_PAYLOAD];
  gboolean first; /* first packet of a digit: take media_rewriter_event_begin, set the marker */
  gboolean end;
  guint32 units; /* duration so far */
} MediaDtmfPacket;

/* Plain values. */
typedef struct
{
  guint clock_rate_hz;
  guint tone_ms;
  guint gap_ms;
  char queue[MEDIA_DTMF_QUEUE_MAX];
  guint n_queued;
  gboolean sending;
  guint8 code;
  guint ends_left;
  CfgMonotonic started_at;
  CfgMonotonic next_at;
} MediaDtmfSender;

/** media_dtmf_sender_init: @tone_ms 40–8000 (0: 100), @gap_ms 40–8000 (0: 100). */
void media_dtmf_sender_init (MediaDtmfSender *sender, guint clock_rate_hz, guint tone_ms, guint gap_ms);
/**
 * media_dtmf_sender_queue:
 * @digits: 0–9 * # A–D (a–d), '!' flash; pauses: 'w' half a second, 'W' one second, ',' two seconds
 * Returns: 0; -EINVAL for anything else (nothing is queued); -ENOSPC when the queue would run over.
 */
int media_dtmf_sender_queue (MediaDtmfSender *sender, const char *digits) G_GNUC_WARN_UNUSED_RESULT;
/** media_dtmf_sender_busy: digits are being sent or wait; audio must pause only while a tone is on. */
gboolean media_dtmf_sender_busy (const MediaDtmfSender *sender);
gboolean media_dtmf_sender_tone_on (const MediaDtmfSender *sender);
/**
 * media_dtmf_sender_poll:
 * To be called in a loop on each 20 ms tick until it returns FALSE. A packet every 20 ms; the end goes three
 * times at once. Returns: TRUE when @packet is to be sent.
 */
gboolean media_dtmf_sender_poll (MediaDtmfSender *sender, CfgMonotonic now, MediaDtmfPacket *packet);

/** media_dtmf_sender_clear: what waits is not sent; a tone that is on ends as it should. */
void media_dtmf_sender_clear (MediaDtmfSender *sender);

/** media_dtmf_pause_ms: how long the pause @character is; 0: it is none. */
guint media_dtmf_pause_ms (char character);
/**
 * media_dtmf_duration_ms:
 * Returns: how long sending @digits takes; -EINVAL when there is none, or a foreign character.
 */
gint64 media_dtmf_duration_ms (const char *digits, guint tone_ms, guint gap_ms);

/** media_dtmf_digit: character of event @code (0–16); '\0' for others. */
char media_dtmf_digit (guint8 code);
/** media_dtmf_code: event of @digit; -1 for others. */
int media_dtmf_code (char digit);
