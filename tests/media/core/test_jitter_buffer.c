#include "media/core/jitter_buffer.h"

#include "tests/media/random.h"

#include <errno.h>
#include <string.h>

#define MS(ms)     ((CfgMonotonic){ (gint64)(ms)*1000 + 1000000000 })
#define FRAME_SIZE 160

static MediaJitterBuffer *
make (guint clock_rate_hz)
{
  MediaJitterBufferConfig config = { .clock_rate_hz = clock_rate_hz };

  return media_jitter_buffer_new (&config);
}

/* Pushes G.711-like packet @sequence; its first octet is its low sequence octet. */
static int
push_at (MediaJitterBuffer *buffer, guint16 sequence, guint32 timestamp, gint64 ms)
{
  guint8 payload[FRAME_SIZE];
  MediaRtpView view = { .sequence = sequence,
                        .timestamp = timestamp,
                        .ssrc = 7,
                        .payload = payload,
                        .payload_size = sizeof payload };

  memset (payload, sequence & 0xff, sizeof payload);
  return media_jitter_buffer_push (buffer, &view, FRAME_SIZE, MS (ms));
}

static int
push (MediaJitterBuffer *buffer, guint16 sequence, gint64 ms)
{
  return push_at (buffer, sequence, (guint32)sequence * FRAME_SIZE, ms);
}

static MediaJitterFrame
pull (MediaJitterBuffer *buffer, gint64 ms)
{
  MediaJitterFrame frame;

  media_jitter_buffer_pull (buffer, MS (ms), 0, &frame);
  return frame;
}

static void
assert_frame (MediaJitterBuffer *buffer, gint64 ms, guint16 sequence)
{
  MediaJitterFrame frame = pull (buffer, ms);

  g_assert_cmpint (frame.action, ==, MEDIA_JITTER_FRAME);
  g_assert_cmpuint (frame.sequence, ==, sequence);
  g_assert_cmpuint (frame.payload[0], ==, sequence & 0xff);
  g_assert_cmpuint (frame.units, ==, FRAME_SIZE);
}

/* Ten packets in time and played; the next is 10, expected at 200 ms and played at 215 ms. */
static MediaJitterBuffer *
make_playing (void)
{
  MediaJitterBuffer *buffer = make (8000);

  for (guint16 i = 0; i < 10; i++)
    {
      g_assert_cmpint (push (buffer, i, i * 20), ==, 0);
      assert_frame (buffer, i * 20 + 15, i);
    }
  return buffer;
}

static void
test_waits_before_start (void)
{
  g_autoptr (MediaJitterBuffer) buffer = make (8000);

  g_assert_cmpint (pull (buffer, 0).action, ==, MEDIA_JITTER_EMPTY);
  g_assert_cmpint (push (buffer, 65535, 3), ==, 0);
  g_assert_cmpint (pull (buffer, 5).action, ==, MEDIA_JITTER_EMPTY);
  g_assert_cmpint (push_at (buffer, 0, 65536 * FRAME_SIZE, 23), ==, 0);
  assert_frame (buffer, 25, 65535);
  assert_frame (buffer, 45, 0);
}

static void
test_reorders (void)
{
  g_autoptr (MediaJitterBuffer) buffer = make_playing ();

  g_assert_cmpint (push (buffer, 11, 212), ==, 0);
  g_assert_cmpint (push (buffer, 10, 213), ==, 0);
  assert_frame (buffer, 215, 10);
  assert_frame (buffer, 235, 11);
}

static void
test_refuses_duplicate (void)
{
  g_autoptr (MediaJitterBuffer) buffer = make_playing ();

  g_assert_cmpint (push (buffer, 10, 200), ==, 0);
  g_assert_cmpint (push (buffer, 10, 201), ==, -EEXIST);
  assert_frame (buffer, 215, 10);
  g_assert_cmpint (push (buffer, 10, 216), ==, -ESTALE);
}

static void
test_drops_packet_older_than_playout (void)
{
  g_autoptr (MediaJitterBuffer) buffer = make_playing ();
  MediaJitterBufferStats stats;

  g_assert_cmpint (push (buffer, 11, 214), ==, 0);
  g_assert_cmpint (pull (buffer, 215).action, ==, MEDIA_JITTER_CONCEAL);
  g_assert_cmpint (push (buffer, 10, 220), ==, -ESTALE);
  media_jitter_buffer_get_stats (buffer, &stats);
  g_assert_cmpuint (stats.late, ==, 1);
}

static void
test_conceals_loss_with_fec (void)
{
  g_autoptr (MediaJitterBuffer) buffer = make_playing ();
  MediaJitterFrame frame;

  g_assert_cmpint (push (buffer, 12, 214), ==, 0);
  frame = pull (buffer, 215);
  g_assert_cmpint (frame.action, ==, MEDIA_JITTER_CONCEAL);
  g_assert_null (frame.payload);
  frame = pull (buffer, 235);
  g_assert_cmpint (frame.action, ==, MEDIA_JITTER_CONCEAL);
  g_assert_nonnull (frame.payload);
  g_assert_cmpuint (frame.payload[0], ==, 12);
  g_assert_cmpuint (frame.units, ==, FRAME_SIZE);
  assert_frame (buffer, 255, 12);
}

/* The loss shows only after the tick: what was made up then counts for it, nothing is added. */
static void
test_loss_found_late_costs_no_delay (void)
{
  g_autoptr (MediaJitterBuffer) buffer = make_playing ();

  g_assert_cmpint (pull (buffer, 215).action, ==, MEDIA_JITTER_CONCEAL);
  g_assert_cmpint (push (buffer, 11, 220), ==, 0);
  assert_frame (buffer, 235, 11);
}

static void
test_late_packet_is_played (void)
{
  g_autoptr (MediaJitterBuffer) buffer = make_playing ();
  MediaJitterBufferStats stats;

  g_assert_cmpint (pull (buffer, 215).action, ==, MEDIA_JITTER_CONCEAL);
  g_assert_cmpint (push (buffer, 10, 222), ==, 0);
  g_assert_cmpint (push (buffer, 11, 222), ==, 0);
  assert_frame (buffer, 235, 10);
  assert_frame (buffer, 255, 11);
  media_jitter_buffer_get_stats (buffer, &stats);
  g_assert_cmpuint (stats.late, ==, 0);
}

static void
test_gives_up_after_100_ms (void)
{
  g_autoptr (MediaJitterBuffer) buffer = make_playing ();

  for (int i = 0; i < 5; i++)
    g_assert_cmpint (pull (buffer, 215 + 20 * i).action, ==, MEDIA_JITTER_CONCEAL);
  g_assert_cmpint (pull (buffer, 315).action, ==, MEDIA_JITTER_EMPTY);
  g_assert_cmpint (push (buffer, 40, 800), ==, 0);
  assert_frame (buffer, 815, 40);
}

static void
test_timestamp_gap_is_silence (void)
{
  g_autoptr (MediaJitterBuffer) buffer = make_playing ();
  guint8 noise[1] = { 60 };
  MediaRtpView cn
      = { .sequence = 10, .timestamp = 10 * FRAME_SIZE, .ssrc = 7, .payload = noise, .payload_size = 1 };
  MediaJitterFrame frame;

  g_assert_cmpint (media_jitter_buffer_push (buffer, &cn, 0, MS (200)), ==, 0);
  frame = pull (buffer, 215);
  g_assert_cmpint (frame.action, ==, MEDIA_JITTER_FRAME);
  g_assert_true (frame.comfort_noise);
  for (int i = 1; i < 50; i++)
    g_assert_cmpint (pull (buffer, 215 + 20 * i).action, ==, MEDIA_JITTER_SILENCE);
  /* One second later the talk spurt begins: contiguous number, timestamp moved on. */
  g_assert_cmpint (push_at (buffer, 11, 60 * FRAME_SIZE, 1200), ==, 0);
  assert_frame (buffer, 1215, 11);
  g_assert_cmpint (push_at (buffer, 12, 61 * FRAME_SIZE, 1220), ==, 0);
  assert_frame (buffer, 1235, 12);
}

static void
test_skip_is_no_loss (void)
{
  g_autoptr (MediaJitterBuffer) buffer = make_playing ();
  MediaJitterBufferStats stats;

  for (guint16 i = 10; i < 14; i++)
    {
      MediaRtpView event = { .sequence = i, .timestamp = 10 * FRAME_SIZE, .ssrc = 7 };

      media_jitter_buffer_skip (buffer, &event);
    }
  g_assert_cmpint (push (buffer, 14, 280), ==, 0);
  g_assert_cmpint (pull (buffer, 285).action, ==, MEDIA_JITTER_SILENCE);
  assert_frame (buffer, 295, 14);
  media_jitter_buffer_get_stats (buffer, &stats);
  g_assert_cmpuint (stats.concealed, ==, 0);
  g_assert_cmpuint (stats.packets, ==, 0);
}

static void
test_new_ssrc_resets (void)
{
  g_autoptr (MediaJitterBuffer) buffer = make_playing ();
  guint8 payload[FRAME_SIZE] = { 0 };
  MediaRtpView view
      = { .sequence = 9000, .timestamp = 5, .ssrc = 8, .payload = payload, .payload_size = sizeof payload };
  MediaJitterFrame frame;

  g_assert_cmpint (media_jitter_buffer_push (buffer, &view, FRAME_SIZE, MS (200)), ==, 0);
  frame = pull (buffer, 215);
  g_assert_cmpint (frame.action, ==, MEDIA_JITTER_FRAME);
  g_assert_cmpuint (frame.sequence, ==, 9000);
}

static void
test_timestamp_reset (void)
{
  g_autoptr (MediaJitterBuffer) buffer = make_playing ();
  MediaJitterBufferStats stats;

  g_assert_cmpint (push_at (buffer, 10, 0x90000000, 200), ==, 0);
  assert_frame (buffer, 215, 10);
  media_jitter_buffer_get_stats (buffer, &stats);
  g_assert_cmpuint (stats.resets, ==, 1);
}

static void
test_sequence_jump_needs_two (void)
{
  g_autoptr (MediaJitterBuffer) buffer = make_playing ();

  g_assert_cmpint (push_at (buffer, 30000, 10 * FRAME_SIZE, 200), ==, -ERANGE);
  g_assert_cmpint (push_at (buffer, 30001, 11 * FRAME_SIZE, 220), ==, 0);
  assert_frame (buffer, 235, 30001);
}

/* Nobody pulls: memory stays bounded, the newest are kept. */
static void
test_is_bounded (void)
{
  g_autoptr (MediaJitterBuffer) buffer = make (8000);
  MediaJitterBufferStats stats;

  for (guint i = 0; i < 100000; i++)
    g_assert_cmpint (push_at (buffer, (guint16)i, i * FRAME_SIZE, (gint64)i * 20), ==, 0);
  media_jitter_buffer_get_stats (buffer, &stats);
  g_assert_cmpuint (stats.packets, ==, MEDIA_JITTER_BUFFER_SLOTS);
  g_assert_cmpuint (stats.overflow, ==, 100000 - MEDIA_JITTER_BUFFER_SLOTS);
  g_assert_cmpint (pull (buffer, 99999 * 20 + 15).action, ==, MEDIA_JITTER_FRAME);
  media_jitter_buffer_get_stats (buffer, &stats);
  g_assert_cmpint (stats.delay_ms, <, 120);
}

/* Packet durations from 10 to 60 ms against ticks of 20 ms: nothing is lost, made up or delayed for long. */
static void
test_packet_durations (void)
{
  const guint durations_ms[] = { 10, 20, 30, 40, 60 };

  for (gsize d = 0; d < G_N_ELEMENTS (durations_ms); d++)
    {
      g_autoptr (MediaJitterBuffer) buffer = make (8000);
      guint units = durations_ms[d] * 8;
      guint32 held = 0;
      guint16 sent = 0;
      MediaJitterBufferStats stats;
      guint8 payload[480] = { 0 };

      for (gint64 now = 0; now < 20000; now += 20)
        {
          while ((gint64)sent * durations_ms[d] <= now)
            {
              MediaRtpView view = { .sequence = sent,
                                    .timestamp = sent * units,
                                    .ssrc = 1,
                                    .payload = payload,
                                    .payload_size = units };

              g_assert_cmpint (media_jitter_buffer_push (buffer, &view, units, MS (sent * durations_ms[d])),
                               ==, 0);
              sent++;
            }
          while (held < 160)
            {
              MediaJitterFrame frame;

              media_jitter_buffer_pull (buffer, MS (now), held, &frame);
              held += frame.units;
            }
          held -= 160;
        }
      media_jitter_buffer_get_stats (buffer, &stats);
      g_assert_cmpuint (stats.concealed, ==, 0);
      g_assert_cmpuint (stats.overflow, ==, 0);
      g_assert_cmpuint (stats.late, ==, 0);
      g_assert_cmpint (stats.delay_ms, <=, 10 + 20 + 12);
    }
}

/* Any packets at any time: no crash, and what it says adds up. */
static void
test_survives_anything (void)
{
  TestRandom random = test_random (1);
  g_autoptr (MediaJitterBuffer) buffer = make (48000);
  gint64 now = 0;
  guint16 sequence = 0;
  guint32 timestamp = 0;

  for (int i = 0; i < 200000; i++)
    {
      guint8 payload[MEDIA_RTP_PACKET_MAX];
      MediaRtpView view = { .payload = payload, .payload_size = test_random_below (&random, 200), .ssrc = 1 };
      MediaJitterFrame frame;
      guint32 dice = test_random_below (&random, 1000);

      now += test_random_below (&random, 30);
      sequence = (guint16)(sequence + (dice < 900 ? 1 : test_random_next (&random) >> 16));
      timestamp += dice < 950 ? 960 : test_random_next (&random);
      view.sequence = dice == 1 ? (guint16)(sequence - test_random_below (&random, 200)) : sequence;
      view.timestamp = timestamp;
      view.ssrc = dice == 2 ? 2 : 1;
      memset (payload, 1, sizeof payload);
      if (dice % 50 == 3)
        media_jitter_buffer_skip (buffer, &view);
      else
        (void)!media_jitter_buffer_push (buffer, &view, test_random_below (&random, 3000), MS (now));
      if (dice % 3 != 0)
        continue;
      media_jitter_buffer_pull (buffer, MS (now), test_random_below (&random, 2000), &frame);
      g_assert_cmpuint (frame.units, <=, 48 * 120);
      if (frame.action == MEDIA_JITTER_FRAME && frame.payload_size > 0)
        g_assert_cmpuint (frame.payload[frame.payload_size - 1], ==, 1);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/jitter_buffer/waits_before_start", test_waits_before_start);
  g_test_add_func ("/media/jitter_buffer/reorders", test_reorders);
  g_test_add_func ("/media/jitter_buffer/refuses_duplicate", test_refuses_duplicate);
  g_test_add_func ("/media/jitter_buffer/drops_packet_older_than_playout",
                   test_drops_packet_older_than_playout);
  g_test_add_func ("/media/jitter_buffer/conceals_loss_with_fec", test_conceals_loss_with_fec);
  g_test_add_func ("/media/jitter_buffer/loss_found_late_costs_no_delay",
                   test_loss_found_late_costs_no_delay);
  g_test_add_func ("/media/jitter_buffer/late_packet_is_played", test_late_packet_is_played);
  g_test_add_func ("/media/jitter_buffer/gives_up_after_100_ms", test_gives_up_after_100_ms);
  g_test_add_func ("/media/jitter_buffer/timestamp_gap_is_silence", test_timestamp_gap_is_silence);
  g_test_add_func ("/media/jitter_buffer/skip_is_no_loss", test_skip_is_no_loss);
  g_test_add_func ("/media/jitter_buffer/new_ssrc_resets", test_new_ssrc_resets);
  g_test_add_func ("/media/jitter_buffer/timestamp_reset", test_timestamp_reset);
  g_test_add_func ("/media/jitter_buffer/sequence_jump_needs_two", test_sequence_jump_needs_two);
  g_test_add_func ("/media/jitter_buffer/is_bounded", test_is_bounded);
  g_test_add_func ("/media/jitter_buffer/packet_durations", test_packet_durations);
  g_test_add_func ("/media/jitter_buffer/survives_anything", test_survives_anything);
  return g_test_run ();
}
