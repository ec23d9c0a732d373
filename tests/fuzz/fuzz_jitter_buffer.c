/* Any order of packets and playout ticks: the buffer never grows beyond its slots, never hands out what it
 * was not given, and its counters add up. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "media/core/jitter_buffer.h"

#define FRAME_UNITS 160

static void
push (MediaJitterBuffer *buffer, FuzzBytes *bytes, CfgMonotonic now, guint16 *sequence, guint32 *timestamp)
{
  guint8 how = fuzz_u8 (bytes);
  guint8 payload[FRAME_UNITS];
  MediaRtpView view = { 0 };

  *sequence = (how & 1) != 0 ? fuzz_u16 (bytes) : (guint16)(*sequence + 1 + (how >> 1 & 3) - (how >> 3 & 3));
  *timestamp = (how & 0x20) != 0 ? fuzz_u32 (bytes) : *timestamp + FRAME_UNITS;
  memset (payload, how, sizeof payload);
  view.ssrc = (how & 0x40) != 0 ? fuzz_u8 (bytes) : 1;
  view.sequence = *sequence;
  view.timestamp = *timestamp;
  view.marker = (how & 0x80) != 0;
  view.payload = payload;
  view.payload_size = 1 + (how & 0x7f);
  if (how == 0xfe)
    media_jitter_buffer_skip (buffer, &view);
  else
    (void)!media_jitter_buffer_push (buffer, &view, how == 0xff ? fuzz_u32 (bytes) : FRAME_UNITS, now);
}

static void
pull (MediaJitterBuffer *buffer, guint8 how, CfgMonotonic now)
{
  MediaJitterFrame frame;

  media_jitter_buffer_pull (buffer, now, (how & 0x10) != 0 ? FRAME_UNITS / 2 : 0, &frame);
  g_assert_cmpuint (frame.units, >, 0);
  if (frame.action == MEDIA_JITTER_FRAME)
    {
      g_assert_cmpuint (frame.payload_size, >=, 1);
      /* The payload is the one pushed: its bytes all say how it was. */
      for (gsize i = 1; i < frame.payload_size; i++)
        g_assert_cmpuint (frame.payload[i], ==, frame.payload[0]);
      if (frame.adjust != 0 && (how & 0x20) != 0)
        media_jitter_buffer_adjusted (buffer, CLAMP (frame.adjust, -80, 80), now);
    }
}

static void
run (const guint8 *data, gsize size)
{
  FuzzBytes bytes = { data, data + size };
  const MediaJitterBufferConfig config
      = { .clock_rate_hz = 8000, .wait_for_fec = size > 0 && (data[0] & 1) != 0 };
  g_autoptr (MediaJitterBuffer) buffer = media_jitter_buffer_new (&config);
  CfgMonotonic now = { 1000000 };
  guint16 sequence = 0;
  guint32 timestamp = 0;
  MediaJitterBufferStats stats;

  while (fuzz_more (&bytes))
    {
      guint8 what = fuzz_u8 (&bytes);

      now = cfg_monotonic_add_us (now, (what & 7) * G_GINT64_CONSTANT (4000));
      if ((what & 8) != 0)
        push (buffer, &bytes, now, &sequence, &timestamp);
      else
        pull (buffer, what, now);
      if (what == 0x47)
        media_jitter_buffer_reset (buffer);
      if (what == 0x57)
        now = cfg_monotonic_add_us (now, 60 * CFG_US_PER_S);
      media_jitter_buffer_get_stats (buffer, &stats);
      g_assert_cmpuint (stats.packets, <=, MEDIA_JITTER_BUFFER_SLOTS);
      g_assert_cmpuint (stats.played, <=, stats.pushed);
    }
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT (
      "\x0d\x00\x00\x0d\x00\x00\x0d\x00\x00\x0d\x00\x00\x0d\x00\x00\x0d\x00\x00\x0d\x00\x00\x0d\x00\x00"),
  FUZZ_TEXT ("\x0d\x02\x0d\x02\x10\x0d\x00\x30\x0d\x08\x0d\x18\x10\x20\x30\x0d\x02\x15\x25\x35"),
  FUZZ_TEXT (
      "\x0d\x01\xff\xfe\x0d\x00\x0d\x00\x0d\x00\x15\x15\x0d\x21\xff\xff\x12\x34\x56\x78\x15\x47\x57\x15"),
};

const FuzzTarget fuzz_target = { "jitter_buffer", run, seeds, G_N_ELEMENTS (seeds), NULL, NULL, 10000 };
