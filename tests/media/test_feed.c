/* The receive path as a leg runs it: network, receiver statistics, jitter buffer, decoder, frames of 20 ms.
 * The sender's clock is not ours; time is simulated, an hour takes about a second. */
#include "media/core/levels.h"
#include "media/core/receiver_stats.h"
#include "media/feed.h"
#include "tests/media/netem.h"

#include <math.h>
#include <string.h>

#define TICK_US   20000
#define PAYLOAD   0
#define AMPLITUDE 8000
#define START_US  G_GINT64_CONSTANT (1000000007)
#define TONE_HZ   440

typedef struct
{
  MediaCodecId codec;
  guint sample_rate_hz; /* of both ends */
  TestNetemConfig network;
  int drift_ppm; /* the sender's clock runs so much fast */
  guint packet_ms;
  guint seconds;
  guint talk_ms;   /* 0: always; else so much tone, then as much silence without packets */
  guint change_s;  /* 0: none; else then: nothing, or … */
  gboolean calms;  /* … the network's troubles end, or … */
  guint freeze_ms; /* … our thread stands still for so long */
} Scenario;

typedef struct
{
  MediaFeedStats stats;
  guint64 expected;
  guint64 lost;
  guint64 network_lost;
  guint ticks;
  guint quiet_ticks; /* after the start: less than half of the tone's level */
  gint32 worst_bend; /* largest second difference */
  gint32 worst_delay_ms;
  double mean_delay_ms;
  gint64 recovered_ms; /* the delay was above 40 ms until so long after the change */
} Outcome;

typedef struct
{
  const Scenario *scenario;
  TestNetem *network;
  TestNetem *later; /* after the change */
  MediaEncoder *encoder;
  MediaFeed *feed;
  MediaReceiverStats receiver;
  guint64 sent; /* packets made, silent ones too */
  guint16 sequence;
  guint64 samples;
  gint16 last[2];
  guint calm; /* ticks since something was concealed */
} Run;

static gboolean
has_changed (const Scenario *scenario, gint64 at_us)
{
  return scenario->change_s > 0 && at_us >= START_US + scenario->change_s * CFG_US_PER_S;
}

static void
send_packet (Run *run, gint64 at_us)
{
  const Scenario *scenario = run->scenario;
  const MediaCodec *codec = media_encoder_get_codec (run->encoder);
  gsize samples = (gsize)scenario->sample_rate_hz * scenario->packet_ms / 1000;
  gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];
  guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
  guint8 packet[1500];
  gssize size;
  MediaRtpHeader header = { .payload_type = PAYLOAD, .ssrc = 99, .sequence = run->sequence };
  gboolean silent = scenario->talk_ms > 0 && (run->sent * scenario->packet_ms / scenario->talk_ms) % 2 == 1;

  header.timestamp = (guint32)(run->sent * scenario->packet_ms * media_codec_get_clock_rate (codec) / 1000);
  run->sent++;
  if (silent)
    return;
  for (gsize i = 0; i < samples; i++, run->samples++)
    pcm[i] = (gint16)(AMPLITUDE * sin (2 * G_PI * TONE_HZ * (double)run->samples / scenario->sample_rate_hz));
  size = media_encoder_encode (run->encoder, pcm, samples, payload, sizeof payload);
  g_assert_cmpint (size, >, 0);
  run->sequence++;
  size = media_rtp_write (&header, payload, (gsize)size, packet, sizeof packet);
  g_assert_cmpint (size, >, 0);
  test_netem_send (scenario->calms && has_changed (scenario, at_us) ? run->later : run->network, packet,
                   (gsize)size, (CfgMonotonic){ at_us });
}

static void
receive_from (Run *run, TestNetem *network, gint64 now_us)
{
  guint8 packet[1500];
  CfgMonotonic at;
  gsize size;

  while ((size = test_netem_receive (network, (CfgMonotonic){ now_us }, packet, &at)) > 0)
    {
      MediaRtpView view;

      g_assert_cmpint (media_rtp_parse (&view, packet, size), ==, 0);
      switch (media_receiver_stats_add (&run->receiver, &view, TRUE, at))
        {
        case MEDIA_RECEIVE_OK:
        case MEDIA_RECEIVE_REORDERED:
          break;
        case MEDIA_RECEIVE_RESTARTED:
          media_feed_reset (run->feed);
          break;
        case MEDIA_RECEIVE_PROBATION:
        case MEDIA_RECEIVE_DUPLICATE:
        case MEDIA_RECEIVE_BAD:
        default:
          continue;
        }
      media_feed_push (
          run->feed, media_encoder_get_codec (run->encoder), &view,
          media_codec_duration (media_encoder_get_codec (run->encoder), view.payload, view.payload_size), at);
    }
}

static void
receive_packets (Run *run, gint64 now_us)
{
  receive_from (run, run->network, now_us);
  receive_from (run, run->later, now_us);
}

static void
inspect (Run *run, Outcome *outcome, const gint16 *pcm, gsize samples)
{
  MediaFeedStats stats;
  guint64 made_up = outcome->stats.buffer.concealed;

  media_feed_get_stats (run->feed, &stats);
  outcome->stats = stats;
  run->calm = made_up == stats.buffer.concealed ? run->calm + 1 : 0;
  if (outcome->ticks++ < 100)
    {
      run->last[0] = pcm[samples - 2];
      run->last[1] = pcm[samples - 1];
      return;
    }
  if (media_level_of_pcm (pcm, samples) > 21)
    outcome->quiet_ticks++;
  for (gsize i = 0; i < samples; i++)
    {
      gint32 bend = pcm[i] - 2 * run->last[1] + run->last[0];

      if (run->calm > 2)
        outcome->worst_bend = MAX (outcome->worst_bend, ABS (bend));
      run->last[0] = run->last[1];
      run->last[1] = pcm[i];
    }
  outcome->worst_delay_ms = MAX (outcome->worst_delay_ms, stats.buffer.delay_ms);
  outcome->mean_delay_ms += stats.buffer.delay_ms;
}

static gboolean
is_frozen (const Scenario *scenario, gint64 run_us)
{
  const gint64 since_us = run_us - scenario->change_s * CFG_US_PER_S;

  return scenario->freeze_ms > 0 && since_us >= 0 && since_us < scenario->freeze_ms * CFG_US_PER_MS;
}

static Outcome
run_scenario (const Scenario *scenario)
{
  g_autoptr (TestNetem) network = test_netem_new (&scenario->network);
  g_autoptr (MediaEncoder) encoder = NULL;
  g_autoptr (MediaFeed) feed
      = media_feed_new (media_codec_get_clock_rate (media_codec_get (scenario->codec)));
  const MediaCodec *codec = media_codec_get (scenario->codec);
  MediaEncoderConfig encoding = { .sample_rate_hz = scenario->sample_rate_hz,
                                  .opus_complexity = 1,
                                  .opus_fec = scenario->network.loss > 0,
                                  .opus_loss_percent = (guint)(scenario->network.loss * 100) };
  Run run = { .scenario = scenario, .network = network };
  Outcome outcome = { 0 };
  gsize samples = scenario->sample_rate_hz / 50;
  TestNetemConfig clean = { .seed = 1, .delay_us = scenario->network.delay_us };
  g_autoptr (TestNetem) later = test_netem_new (&clean);
  double packet_us = scenario->packet_ms * 1000.0 / (1 + scenario->drift_ppm * 1e-6);

  encoder = media_encoder_new (codec, &encoding, NULL);
  media_feed_set_rate (feed, scenario->sample_rate_hz);
  run.encoder = encoder;
  run.later = later;
  run.feed = feed;
  media_receiver_stats_init (&run.receiver, media_codec_get_clock_rate (codec), 0);
  for (gint64 now_us = 0; now_us < (gint64)scenario->seconds * 1000000; now_us += TICK_US)
    {
      while ((double)run.sent * packet_us <= (double)now_us)
        send_packet (&run, START_US + (gint64)((double)run.sent * packet_us));
      if (is_frozen (scenario, now_us))
        continue;
      receive_packets (&run, START_US + now_us + 3000);
      (void)media_feed_advance (feed, (CfgMonotonic){ START_US + now_us + 3000 }, TRUE);
      inspect (&run, &outcome, media_feed_pcm (feed, scenario->sample_rate_hz), samples);
      if (has_changed (scenario, START_US + now_us) && outcome.stats.buffer.delay_ms > 40)
        outcome.recovered_ms = (now_us - scenario->change_s * CFG_US_PER_S) / CFG_US_PER_MS;
    }
  outcome.expected = media_receiver_stats_expected (&run.receiver);
  outcome.lost = media_receiver_stats_lost (&run.receiver);
  outcome.network_lost = test_netem_lost (network);
  outcome.mean_delay_ms /= outcome.ticks;
  g_test_message ("ticks %u quiet %u bend %d delay mean %.1f worst %d target %d lost %" G_GUINT64_FORMAT
                  " concealed %" G_GUINT64_FORMAT " fec %" G_GUINT64_FORMAT " late %" G_GUINT64_FORMAT
                  " overflow %" G_GUINT64_FORMAT " removed %" G_GUINT64_FORMAT " inserted %" G_GUINT64_FORMAT
                  " recovered after %" G_GINT64_FORMAT " ms",
                  outcome.ticks, outcome.quiet_ticks, outcome.worst_bend, outcome.mean_delay_ms,
                  outcome.worst_delay_ms, outcome.stats.buffer.target_ms, outcome.lost,
                  outcome.stats.buffer.concealed, outcome.stats.buffer.fec, outcome.stats.buffer.late,
                  outcome.stats.buffer.overflow, outcome.stats.buffer.removed_units,
                  outcome.stats.buffer.inserted_units, outcome.recovered_ms);
  return outcome;
}

static void
test_clean (void)
{
  const struct
  {
    MediaCodecId codec;
    guint sample_rate_hz;
    guint packet_ms;
  } rows[] = {
    { MEDIA_CODEC_PCMU, 8000, 20 },  { MEDIA_CODEC_PCMU, 8000, 10 },  { MEDIA_CODEC_PCMA, 8000, 30 },
    { MEDIA_CODEC_PCMA, 8000, 60 },  { MEDIA_CODEC_PCMU, 48000, 20 }, { MEDIA_CODEC_G722, 16000, 20 },
    { MEDIA_CODEC_G722, 48000, 40 }, { MEDIA_CODEC_OPUS, 8000, 20 },  { MEDIA_CODEC_OPUS, 48000, 20 },
    { MEDIA_CODEC_OPUS, 16000, 60 }, { MEDIA_CODEC_OPUS, 48000, 10 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Scenario scenario = { .codec = rows[i].codec,
                            .sample_rate_hz = rows[i].sample_rate_hz,
                            .packet_ms = rows[i].packet_ms,
                            .seconds = 30,
                            .network = { .seed = 1, .delay_us = 20000 } };
      Outcome outcome = run_scenario (&scenario);

      g_assert_cmpuint (outcome.stats.buffer.concealed, ==, 0);
      g_assert_cmpuint (outcome.stats.buffer.late, ==, 0);
      g_assert_cmpuint (outcome.stats.buffer.overflow, ==, 0);
      g_assert_cmpuint (outcome.quiet_ticks, ==, 0);
      g_assert_cmpuint (outcome.lost, ==, 0);
      g_assert_cmpint (outcome.worst_delay_ms, <=, 35 + 10);
    }
}

/* An hour with clocks that differ: nothing is lost or made up, the delay stays, no click is heard. */
static void
check_drift (MediaCodecId codec, guint sample_rate_hz, int drift_ppm, guint seconds, gint32 most_bend)
{
  Scenario scenario = { .codec = codec,
                        .sample_rate_hz = sample_rate_hz,
                        .packet_ms = 20,
                        .seconds = seconds,
                        .drift_ppm = drift_ppm,
                        .network = { .seed = 2, .delay_us = 30000, .jitter_us = 4000 } };
  Outcome outcome = run_scenario (&scenario);
  guint64 drifted_units = (guint64)seconds * (guint64)ABS (drift_ppm)
                          * media_codec_get_clock_rate (media_codec_get (codec)) / 1000000;
  MediaJitterBufferStats *jitter = &outcome.stats.buffer;

  g_assert_cmpuint (jitter->concealed, ==, 0);
  g_assert_cmpuint (jitter->late, ==, 0);
  g_assert_cmpuint (jitter->overflow, ==, 0);
  g_assert_cmpuint (outcome.quiet_ticks, ==, 0);
  g_assert_cmpint (outcome.worst_delay_ms, <=, 60);
  g_assert_cmpint (outcome.worst_bend, <, most_bend);
  if (drift_ppm > 0)
    g_assert_cmpuint (jitter->removed_units, >, drifted_units * 9 / 10);
  else
    g_assert_cmpuint (jitter->inserted_units, >, drifted_units * 9 / 10);
}

static void
test_drift_fast (void)
{
  check_drift (MEDIA_CODEC_PCMU, 8000, 200, 3600, 1900);
}

static void
test_drift_slow (void)
{
  check_drift (MEDIA_CODEC_PCMU, 8000, -200, 3600, 1900);
}

static void
test_drift_wideband (void)
{
  check_drift (MEDIA_CODEC_G722, 16000, 200, 600, 700);
  check_drift (MEDIA_CODEC_G722, 16000, -200, 600, 700);
  check_drift (MEDIA_CODEC_OPUS, 48000, 200, 600, 300);
  check_drift (MEDIA_CODEC_OPUS, 48000, -200, 600, 300);
}

static void
test_loss (void)
{
  const double bursts[] = { 1, 3, 8 };

  for (gsize i = 0; i < G_N_ELEMENTS (bursts); i++)
    {
      Scenario scenario
          = { .codec = MEDIA_CODEC_PCMU,
              .sample_rate_hz = 8000,
              .packet_ms = 20,
              .seconds = 120,
              .network
              = { .seed = 3 + i, .delay_us = 30000, .jitter_us = 5000, .loss = 0.05, .burst = bursts[i] } };
      Outcome outcome = run_scenario (&scenario);

      g_assert_cmpuint (outcome.network_lost, >, 150);
      g_assert_cmpuint (outcome.network_lost - outcome.lost, <=, 20);
      g_assert_cmpuint (outcome.stats.buffer.concealed, <=, outcome.network_lost * 11 / 10);
      g_assert_cmpuint (outcome.stats.buffer.late, <=, 5);
      g_assert_cmpuint (outcome.stats.buffer.overflow, ==, 0);
      g_assert_cmpint (outcome.worst_delay_ms, <=, 80);
    }
}

/* With Opus the delay gives the following packet time to bring its FEC. */
static void
test_loss_uses_fec (void)
{
  Scenario scenario = { .codec = MEDIA_CODEC_OPUS,
                        .sample_rate_hz = 16000,
                        .packet_ms = 20,
                        .seconds = 60,
                        .network = { .seed = 4, .delay_us = 30000, .jitter_us = 5000, .loss = 0.08 } };
  Outcome outcome = run_scenario (&scenario);

  g_assert_cmpuint (outcome.stats.buffer.fec, >, outcome.network_lost * 7 / 10);
  g_assert_cmpint (outcome.worst_delay_ms, <=, 90);
}

static void
test_jitter (void)
{
  const gint jitters_ms[] = { 30, 80, 100 };

  for (guint i = 0; i < G_N_ELEMENTS (jitters_ms); i++)
    {
      Scenario scenario = { .codec = MEDIA_CODEC_PCMA,
                            .sample_rate_hz = 8000,
                            .packet_ms = 20,
                            .seconds = 300,
                            .network = { .seed = 5, .delay_us = 20000, .jitter_us = jitters_ms[i] * 1000 } };
      Outcome outcome = run_scenario (&scenario);

      g_assert_cmpuint (outcome.lost, ==, 0);
      g_assert_cmpuint (outcome.stats.buffer.concealed, <, outcome.ticks / 2000);
      g_assert_cmpuint (outcome.stats.buffer.late, <, outcome.ticks / 2000);
      g_assert_cmpint (outcome.worst_delay_ms, <=, 40 + jitters_ms[i]);
    }
}

/* The network stands still for 150 ms every ten seconds. */
static void
test_spikes (void)
{
  Scenario scenario = {
    .codec = MEDIA_CODEC_PCMU,
    .sample_rate_hz = 8000,
    .packet_ms = 20,
    .seconds = 300,
    .network
    = { .seed = 6, .delay_us = 20000, .jitter_us = 3000, .spike_every_us = 10000000, .spike_us = 150000 }
  };
  Outcome outcome = run_scenario (&scenario);

  g_assert_cmpuint (outcome.lost, ==, 0);
  g_assert_cmpuint (outcome.stats.buffer.concealed, <, 30 * 9);
  g_assert_cmpint (outcome.worst_delay_ms, <=, 260);
}

/* A standstill, of the network or of our own thread, and a network that becomes better: the delay is soon
 * what the network needs, nothing is thrown away for it, and no jump is heard. */
static void
check_recovery (const Scenario *scenario, gint64 most_ms)
{
  const Outcome outcome = run_scenario (scenario);

  g_assert_cmpint (outcome.recovered_ms, <, most_ms);
  g_assert_cmpuint (outcome.stats.buffer.overflow, ==, 0);
  g_assert_cmpuint (outcome.stats.buffer.late, <, 20);
  g_assert_cmpint (outcome.worst_bend, <, 1900);
}

static void
test_recovers_from_standstill (void)
{
  const guint lengths_ms[] = { 100, 400, 450 };

  for (guint i = 0; i < G_N_ELEMENTS (lengths_ms); i++)
    {
      /* The network stands still once, 1020 s on its clock: 20 s after the start. */
      const Scenario network = { .codec = MEDIA_CODEC_PCMU,
                                 .sample_rate_hz = 8000,
                                 .packet_ms = 20,
                                 .seconds = 30,
                                 .change_s = 20,
                                 .network = { .seed = 6,
                                              .delay_us = 20000,
                                              .jitter_us = 3000,
                                              .spike_every_us = 510 * CFG_US_PER_S,
                                              .spike_us = lengths_ms[i] * 1000 } };
      Scenario thread = network;

      thread.network.spike_us = 0;
      thread.freeze_ms = lengths_ms[i];
      thread.change_s = 10;
      check_recovery (&thread, lengths_ms[i] + 4500);
      thread.talk_ms = 500;
      check_recovery (&thread, lengths_ms[i] + 2000);
      check_recovery (&network, lengths_ms[i] + 4500);
    }
}

static void
test_follows_better_network (void)
{
  const Scenario scenario = { .codec = MEDIA_CODEC_PCMU,
                              .sample_rate_hz = 8000,
                              .packet_ms = 20,
                              .seconds = 50,
                              .change_s = 30,
                              .calms = TRUE,
                              .network = { .seed = 6, .delay_us = 20000, .jitter_us = 100000 } };

  check_recovery (&scenario, 7000);
}

static void
test_reordering_and_duplicates (void)
{
  Scenario scenario = { .codec = MEDIA_CODEC_PCMU,
                        .sample_rate_hz = 8000,
                        .packet_ms = 20,
                        .seconds = 300,
                        .network = { .seed = 7,
                                     .delay_us = 20000,
                                     .jitter_us = 5000,
                                     .reordering = 0.03,
                                     .reorder_us = 45000,
                                     .duplicates = 0.05 } };
  Outcome outcome = run_scenario (&scenario);

  g_assert_cmpuint (outcome.lost, ==, 0);
  /* At the first ones the buffer has not learnt yet. */
  g_assert_cmpuint (outcome.stats.buffer.concealed, <, 20);
  g_assert_cmpuint (outcome.stats.buffer.late, <, 20);
  g_assert_cmpint (outcome.worst_delay_ms, <=, 110);
}

/* Half a second of talk, half a second without packets: silence is not concealed for longer than 100 ms, and
 * drift is taken up in the pauses. */
static void
test_talk_spurts (void)
{
  Scenario scenario = { .codec = MEDIA_CODEC_PCMU,
                        .sample_rate_hz = 8000,
                        .packet_ms = 20,
                        .seconds = 600,
                        .talk_ms = 500,
                        .drift_ppm = 200,
                        .network = { .seed = 8, .delay_us = 20000, .jitter_us = 10000 } };
  Outcome outcome = run_scenario (&scenario);

  g_assert_cmpuint (outcome.lost, ==, 0);
  g_assert_cmpuint (outcome.stats.buffer.late, ==, 0);
  g_assert_cmpuint (outcome.stats.buffer.overflow, ==, 0);
  g_assert_cmpuint (outcome.stats.buffer.concealed, <=, 600 * 6);
  g_assert_cmpuint (outcome.stats.buffer.played, >, 600 * 25 - 60);
  g_assert_cmpint (outcome.worst_delay_ms, <=, 60);
}

static void
test_everything_at_once (void)
{
  Scenario scenario = { .codec = MEDIA_CODEC_OPUS,
                        .sample_rate_hz = 48000,
                        .packet_ms = 20,
                        .seconds = 300,
                        .drift_ppm = -200,
                        .network = { .seed = 9,
                                     .delay_us = 60000,
                                     .jitter_us = 60000,
                                     .loss = 0.05,
                                     .burst = 2,
                                     .reordering = 0.02,
                                     .reorder_us = 30000,
                                     .duplicates = 0.02,
                                     .spike_every_us = 20000000,
                                     .spike_us = 120000 } };
  Outcome outcome = run_scenario (&scenario);

  g_assert_cmpuint (outcome.network_lost - outcome.lost, <=, 10);
  g_assert_cmpint (outcome.worst_delay_ms, <=, 300);
  g_assert_cmpuint (outcome.stats.buffer.played, >, outcome.expected * 90 / 100);
}

/* While nobody speaks there, packets pass undecoded; when decoding starts again, sound is there at once. */
static void
test_passes_undecoded (void)
{
  const MediaCodec *codec = media_codec_get (MEDIA_CODEC_PCMU);
  g_autoptr (MediaFeed) feed = media_feed_new (8000);
  guint8 payload[160];
  MediaFeedStats stats;

  memset (payload, 0x20, sizeof payload);
  for (guint16 i = 0; i < 100; i++)
    {
      MediaRtpView view = {
        .sequence = i, .timestamp = i * 160u, .ssrc = 1, .payload = payload, .payload_size = sizeof payload
      };
      CfgMonotonic now = { 5000000 + i * (gint64)TICK_US };

      media_feed_push (feed, codec, &view, 160, now);
      now.us += 12000;
      (void)media_feed_advance (feed, now, i >= 90);
      if (i != 90)
        g_assert_cmpint (media_feed_level (feed) < 30, ==, i > 90);
    }
  media_feed_get_stats (feed, &stats);
  /* One waits: nothing was known of the network at the start. */
  g_assert_cmpuint (stats.buffer.played, >=, 98);
}

static void
test_comfort_noise (void)
{
  g_autoptr (MediaFeed) feed = media_feed_new (8000);
  guint8 level = 50;
  MediaRtpView view = {
    .sequence = 1, .timestamp = 160, .ssrc = 1, .payload_type = 13, .payload = &level, .payload_size = 1
  };

  media_feed_push_noise (feed, &view, (CfgMonotonic){ 5000000 });
  for (gint64 i = 3; i < 100; i++)
    {
      CfgMonotonic now = { 5000000 + i * TICK_US };

      g_assert_true (media_feed_advance (feed, now, TRUE));
      g_assert_cmpint (ABS ((int)media_feed_level (feed) - 50), <=, 2);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/feed/clean", test_clean);
  g_test_add_func ("/media/feed/drift_fast", test_drift_fast);
  g_test_add_func ("/media/feed/drift_slow", test_drift_slow);
  g_test_add_func ("/media/feed/drift_wideband", test_drift_wideband);
  g_test_add_func ("/media/feed/loss", test_loss);
  g_test_add_func ("/media/feed/loss_uses_fec", test_loss_uses_fec);
  g_test_add_func ("/media/feed/jitter", test_jitter);
  g_test_add_func ("/media/feed/spikes", test_spikes);
  g_test_add_func ("/media/feed/recovers_from_standstill", test_recovers_from_standstill);
  g_test_add_func ("/media/feed/follows_better_network", test_follows_better_network);
  g_test_add_func ("/media/feed/reordering_and_duplicates", test_reordering_and_duplicates);
  g_test_add_func ("/media/feed/talk_spurts", test_talk_spurts);
  g_test_add_func ("/media/feed/everything_at_once", test_everything_at_once);
  g_test_add_func ("/media/feed/passes_undecoded", test_passes_undecoded);
  g_test_add_func ("/media/feed/comfort_noise", test_comfort_noise);
  return g_test_run ();
}
