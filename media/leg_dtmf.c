/* Digits that we send: as telephone-events (RFC 4733) in the stream of the audio, which pauses meanwhile, or
 * as tones in the audio for a peer that takes no events. */
#include "media/leg_private.h"

#include <errno.h>

gboolean
media_sink_event_on (const MediaSink *sink)
{
  return sink->digits != NULL && !sink->digits->inband
         && (sink->digits->event_now || media_dtmf_sender_tone_on (&sink->digits->sender));
}

gboolean
media_sink_sends_tones (const MediaSink *sink)
{
  return sink->digits != NULL && sink->digits->inband;
}

static MediaSinkDigits *
ensure_digits (MediaSink *sink)
{
  const MediaPlanSection *plan = &sink->section->plan;
  const MediaCodecId codec = sink->have_codec ? sink->codec : plan->codecs[0].codec;

  if (sink->digits != NULL)
    return sink->digits;
  sink->digits = g_new0 (MediaSinkDigits, 1);
  sink->digits->inband = plan->dtmf_send_pt == 0;
  media_dtmf_sender_init (&sink->digits->sender, media_codec_get_clock_rate (media_codec_get (codec)),
                          MEDIA_DTMF_TONE_MS, MEDIA_DTMF_GAP_MS);
  return sink->digits;
}

int
media_leg_send_dtmf (MediaLeg *leg, const char *digits)
{
  MediaSink *sink = media_leg_carrier (leg);
  int error;

  if (sink == NULL)
    return -ENOTCONN;
  error = media_dtmf_sender_queue (&ensure_digits (sink)->sender, digits);
  if (leg->room != NULL)
    media_room_changed (leg->room);
  return error;
}

void
media_leg_stop_dtmf (MediaLeg *leg)
{
  for (guint i = 0; i < leg->n_sections; i++)
    if (leg->sections[i]->sink.digits != NULL)
      media_dtmf_sender_clear (&leg->sections[i]->sink.digits->sender);
}

static void
begin_tone (MediaSinkDigits *digits, const MediaDtmfPacket *event)
{
  digits->tone_on
      = media_tone_pattern_dtmf (media_dtmf_digit (event->payload[0]), MEDIA_DTMF_TONE_MS, &digits->tone);
  digits->generator.rate_hz = 0; /* set when the rate is known */
}

/* Tones have the time of the audio that they are in: a tick that a busy machine left out makes none of them
 * shorter, and no pause between two. */
static CfgMonotonic
tone_time (MediaSinkDigits *digits, CfgMonotonic now)
{
  digits->clock
      = digits->clock.us == 0 ? now : cfg_monotonic_add_us (digits->clock, MEDIA_FRAME_MS * CFG_US_PER_MS);
  return digits->clock;
}

/* While we may not send (hold), digits wait. */
gboolean
media_sink_turn_digits (MediaSink *sink, CfgMonotonic now)
{
  MediaSinkDigits *digits = sink->digits;
  MediaDtmfPacket event;

  if (!sink->enabled)
    return TRUE;
  digits->event_now = FALSE;
  if (digits->inband)
    now = tone_time (digits, now);
  while (media_dtmf_sender_poll (&digits->sender, now, &event))
    if (!digits->inband)
      {
        media_sink_send_event (sink, &event, &digits->event_timestamp, now);
        digits->event_now = TRUE;
      }
    else if (event.first)
      begin_tone (digits, &event);
  if (media_dtmf_sender_busy (&digits->sender) || digits->event_now || digits->tone_on)
    return TRUE;
  g_clear_pointer (&sink->digits, g_free);
  return FALSE;
}

gboolean
media_sink_digit_pcm (MediaSink *sink, guint rate_hz, gint16 *pcm)
{
  MediaSinkDigits *digits = sink->digits;

  if (!digits->tone_on)
    return FALSE;
  if (digits->generator.rate_hz != rate_hz)
    media_tone_generator_init (&digits->generator, rate_hz);
  if (media_tone_generate (&digits->generator, &digits->tone, pcm, rate_hz / 1000 * MEDIA_FRAME_MS, NULL) > 0)
    return TRUE;
  digits->tone_on = FALSE;
  return FALSE;
}
