/* A media thread that stands still again and again, because many join or others have its core, and a network
 * that has no jitter at all: what a talker's delay is meanwhile and afterwards. The thread is simulated as
 * the pump runs it: packets wait in the socket in order, then they are read, then the ticks that were missed
 * are caught up with (100 ms of them). */
#include "media/feed.h"
#include "tests/media/random.h"

#include <math.h>

#define PACKET_MS     20
#define TICK_MS       20
#define STEP_US       1000
#define START_US      G_GINT64_CONSTANT (1000000007)
#define WAY_US        20000
#define CATCH_UP_US   (5 * TICK_MS * CFG_US_PER_MS)
#define QUIET_MS      2000 /* before the joins */
#define JOINS_MS      10000
#define CALM_MS       8000 /* after them */
#define CALM_DELAY_MS 40
#define WORST_BEND    500 /* the voice's own is 400 */
#define PITCH_HZ      118
#define RATE_HZ       16000

typedef struct
{
  MediaCodecId codec;
  guint stall_min_ms, stall_max_ms; /* one after the other … */
  guint run_max_ms;                 /* … with so much at most in between */
  gint32 most_ms;                   /* of delay, half a second after the joins began and later */
  gint64 recovers_ms;               /* so long after them it is no more than 40 ms */
} Scenario;

typedef struct
{
  gint32 worst_ms;
  gint64 recovered_ms;
  gint32 worst_bend; /* largest second difference: a click has a large one */
  MediaFeedStats stats;
} Outcome;

typedef struct
{
  MediaEncoder *encoder;
  MediaFeed *feed;
  guint sent, read;
  guint64 samples;
  guint8 payloads[2048][400];
  gsize sizes[2048];
  gint16 last[2];
} Run;

static double
voice (guint64 sample)
{
  const double t = (double)sample / RATE_HZ;
  const double loud = 0.6 + 0.4 * sin (2 * G_PI * 3.1 * t);
  double sum = 0;

  for (guint h = 1; h <= 6; h++)
    sum += sin (2 * G_PI * PITCH_HZ * h * t) / h;
  return 5000 * loud * sum / 2;
}

static void
speak (Run *run, guint seconds)
{
  const gsize samples = RATE_HZ / 1000 * PACKET_MS;

  for (guint i = 0; i < seconds * 1000 / PACKET_MS; i++)
    {
      gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];
      gssize size;

      for (gsize k = 0; k < samples; k++)
        pcm[k] = (gint16)voice (run->samples++);
      size = media_encoder_encode (run->encoder, pcm, samples, run->payloads[i], sizeof run->payloads[i]);
      g_assert_cmpint (size, >, 0);
      run->sizes[i] = (gsize)size;
      run->sent++;
    }
}

static gint64
arrival_us (guint packet)
{
  return START_US + packet * PACKET_MS * CFG_US_PER_MS + WAY_US;
}

static void
read_packets (Run *run, gint64 now_us)
{
  const MediaCodec *codec = media_encoder_get_codec (run->encoder);

  for (; run->read < run->sent && arrival_us (run->read) <= now_us; run->read++)
    {
      const guint i = run->read;
      const guint clock_hz = media_codec_get_clock_rate (codec);
      const MediaRtpView view = { .sequence = (guint16)i,
                                  .timestamp = i * (clock_hz / 1000 * PACKET_MS),
                                  .ssrc = 1,
                                  .payload = run->payloads[i],
                                  .payload_size = run->sizes[i] };
      media_feed_push (run->feed, codec, &view, media_codec_duration (codec, view.payload, view.payload_size),
                       (CfgMonotonic){ arrival_us (i) });
    }
}

static void
tick (Run *run, gint64 scheduled_us, Outcome *outcome)
{
  const gsize samples = RATE_HZ / 1000 * TICK_MS;
  const gint16 *pcm;

  (void)media_feed_advance (run->feed, (CfgMonotonic){ scheduled_us }, TRUE);
  pcm = media_feed_pcm (run->feed, RATE_HZ);
  for (gsize i = 0; i < samples; i++)
    {
      outcome->worst_bend = MAX (outcome->worst_bend, ABS (pcm[i] - 2 * run->last[1] + run->last[0]));
      run->last[0] = run->last[1];
      run->last[1] = pcm[i];
    }
  media_feed_get_stats (run->feed, &outcome->stats);
}

static Run *
run_new (MediaCodecId codec, guint seconds)
{
  const MediaEncoderConfig encoding = { .sample_rate_hz = RATE_HZ, .opus_complexity = 1 };
  Run *run = g_new0 (Run, 1);

  run->encoder = media_encoder_new (media_codec_get (codec), &encoding, NULL);
  run->feed = media_feed_new (media_codec_get_clock_rate (media_codec_get (codec)));
  media_feed_set_rate (run->feed, RATE_HZ);
  speak (run, seconds);
  return run;
}

static void
run_free (Run *run)
{
  media_encoder_free (run->encoder);
  media_feed_free (run->feed);
  g_free (run);
}

static void
note_delay (Outcome *outcome, gint64 since_joins_us, gint64 calm_for_us)
{
  if (since_joins_us > CFG_US_PER_S / 2)
    outcome->worst_ms = MAX (outcome->worst_ms, outcome->stats.delay_ms);
  if (calm_for_us >= 0 && outcome->stats.delay_ms > CALM_DELAY_MS)
    outcome->recovered_ms = calm_for_us / CFG_US_PER_MS;
}

static guint
between (TestRandom *random, guint least, guint most)
{
  return least + (guint)test_random_below (random, most - least + 1);
}

static Outcome
run_scenario (const Scenario *scenario, guint64 seed)
{
  Run *run = run_new (scenario->codec, (QUIET_MS + JOINS_MS + CALM_MS) / 1000);
  const gint64 joins_us = START_US + QUIET_MS * CFG_US_PER_MS;
  const gint64 calm_us = joins_us + JOINS_MS * CFG_US_PER_MS;
  TestRandom random = test_random (seed);
  Outcome outcome = { 0 };
  gint64 tick_us = START_US + 7000;
  gint64 stands_until_us = START_US;
  gint64 next_stall_us = joins_us;

  for (gint64 now_us = START_US; now_us < calm_us + CALM_MS * CFG_US_PER_MS; now_us += STEP_US)
    {
      if (now_us >= next_stall_us && now_us < calm_us)
        {
          stands_until_us
              = now_us + between (&random, scenario->stall_min_ms, scenario->stall_max_ms) * CFG_US_PER_MS;
          next_stall_us = stands_until_us + between (&random, 1, scenario->run_max_ms) * CFG_US_PER_MS;
        }
      if (now_us < stands_until_us)
        continue;
      read_packets (run, now_us);
      while (tick_us + CATCH_UP_US < now_us)
        tick_us += TICK_MS * CFG_US_PER_MS;
      for (; tick_us <= now_us; tick_us += TICK_MS * CFG_US_PER_MS)
        {
          tick (run, tick_us, &outcome);
          note_delay (&outcome, tick_us - joins_us, tick_us - MAX (calm_us, stands_until_us));
        }
    }
  run_free (run);
  return outcome;
}

static void
check (const Scenario *scenario, guint64 seed)
{
  const Outcome outcome = run_scenario (scenario, seed);
  const MediaJitterBufferStats *buffer = &outcome.stats.buffer;

  g_test_message ("%s, %u to %u ms: delay at most %d ms, back after %" G_GINT64_FORMAT
                  " ms, concealed %" G_GUINT64_FORMAT ", cut %" G_GUINT64_FORMAT ", bend %d",
                  media_codec_get_name (media_codec_get (scenario->codec)), scenario->stall_min_ms,
                  scenario->stall_max_ms, outcome.worst_ms, outcome.recovered_ms, buffer->concealed,
                  buffer->overflow, outcome.worst_bend);
  g_assert_cmpint (outcome.worst_ms, <=, scenario->most_ms);
  g_assert_cmpint (outcome.recovered_ms, <=, scenario->recovers_ms);
  g_assert_cmpint (buffer->target_ms, ==, 10);
  g_assert_cmpuint (buffer->late, ==, 0);
  g_assert_cmpint (outcome.worst_bend, <, WORST_BEND);
  if (scenario->stall_max_ms * CFG_US_PER_MS <= CATCH_UP_US)
    g_assert_cmpuint (buffer->concealed + buffer->overflow, ==, 0);
}

static void
test_joins (void)
{
  /* What the catching up makes good costs nothing; what lies further back is delay that is cut down again. */
  const Scenario scenarios[] = {
    { .stall_min_ms = 10, .stall_max_ms = 60, .run_max_ms = 40, .most_ms = 40 },
    { .stall_min_ms = 50, .stall_max_ms = 100, .run_max_ms = 100, .most_ms = 40 },
    { .stall_min_ms = 50, .stall_max_ms = 300, .run_max_ms = 200, .most_ms = 550, .recovers_ms = 4000 },
    { .stall_min_ms = 50, .stall_max_ms = 1000, .run_max_ms = 300, .most_ms = 550, .recovers_ms = 4000 },
  };
  const MediaCodecId codecs[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS };

  for (guint i = 0; i < G_N_ELEMENTS (scenarios); i++)
    for (guint k = 0; k < G_N_ELEMENTS (codecs); k++)
      for (guint seed = 1; seed <= 2; seed++)
        {
          Scenario scenario = scenarios[i];

          scenario.codec = codecs[k];
          check (&scenario, seed);
        }
}

/* The thread ticks in time, but comes to its sockets every 60 ms only: then packets are too late for playout,
 * whenever the network brought them, and the delay must give them time. */
static void
test_ticks_without_reading (void)
{
  Run *run = run_new (MEDIA_CODEC_PCMU, 10);
  guint64 concealed = 0;
  Outcome outcome = { 0 };

  for (guint i = 0; i < 10 * 1000 / TICK_MS; i++)
    {
      const gint64 now_us = START_US + i * TICK_MS * CFG_US_PER_MS + 7000;

      tick (run, now_us, &outcome);
      if (i % 3 == 0)
        read_packets (run, now_us);
      if (i == 2 * 1000 / TICK_MS)
        concealed = outcome.stats.buffer.concealed;
    }
  g_assert_cmpuint (outcome.stats.buffer.concealed, ==, concealed);
  g_assert_cmpint (outcome.stats.buffer.target_ms, >=, 40);
  g_assert_cmpint (outcome.stats.delay_ms, <=, 110);
  run_free (run);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/standstills/joins", test_joins);
  g_test_add_func ("/media/standstills/ticks_without_reading", test_ticks_without_reading);
  return g_test_run ();
}
