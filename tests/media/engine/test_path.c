/* The whole way of the sound, RTP in to RTP out, over a bad network and an hour of drifting clocks. The
 * peers' clocks are not ours; all time is simulated. */
#include <math.h>
#include <string.h>

#include "leg_harness.h"
#include "media/core/receiver_stats.h"
#include "media/io/pump.h"
#include "tests/media/netem.h"

#define HOUR_S      3600
#define WINDOW_MS   200
#define START_US    (1000 * CFG_US_PER_S)
#define MAX_TALKERS 3
/* Every 5 s is looked at, at another phase each time, and listened to some time before that. */
#define LOOK_TICKS   251
#define LISTEN_TICKS 30

/* Sends the same packet again and again: its tone has a whole number of periods in 20 ms. */
typedef struct
{
  TestPeer *peer;
  TestNetem *network;
  gint drift_ppm;
  guint64 sent;
  gsize size;
  guint8 packet[MEDIA_PACKET_SIZE];
} Talker;

typedef struct
{
  MediaRoom *room;
  CfgMonotonic now;
  Talker talkers[MAX_TALKERS];
  guint n_talkers;
  guint64 windows;
  guint bad_windows; /* a tone that should be there is weak, or the listener's own is heard */
  double worst_delay_ms;
} Path;

static void
talker_init (Talker *talker, TestPeer *peer, const TestNetemConfig *network, gint drift_ppm)
{
  talker->peer = peer;
  talker->network = test_netem_new (network);
  talker->drift_ppm = drift_ppm;
  /* Codecs with memory settle over some packets. */
  for (guint i = 0; i < 10; i++)
    talker->size = test_peer_packet (peer, talker->packet, sizeof talker->packet);
}

static void
talker_speak (Talker *talker, CfgMonotonic now)
{
  const guint step = media_codec_get_clock_rate (media_codec_get (talker->peer->codec)) / 50;

  for (;;)
    {
      const gint64 at_us
          = START_US + (gint64)((double)talker->sent * 20000.0 / (1 + talker->drift_ppm * 1e-6));

      if (at_us > now.us)
        return;
      media_rtp_set_sequence (talker->packet, (guint16)talker->sent);
      media_rtp_set_timestamp (talker->packet, (guint32)(talker->sent * step));
      test_netem_send (talker->network, talker->packet, talker->size, (CfgMonotonic){ at_us });
      talker->sent++;
    }
}

static void
talker_arrive (Talker *talker, CfgMonotonic now)
{
  guint8 packet[MEDIA_PACKET_SIZE];
  CfgMonotonic at;
  gsize size;

  while ((size = test_netem_receive (talker->network, now, packet, &at)) > 0)
    test_peer_give (talker->peer, packet, size, at);
}

static void
path_init (Path *path)
{
  const MediaRoomConfig config = { .id = 1, .opus_complexity = 1 };

  *path = (Path){ .now = { START_US } };
  path->room = media_room_new (&config, NULL, NULL);
}

static TestPeer *
path_join (Path *path, gboolean is_browser, const MediaCodecId *codecs, double tone_hz,
           const TestNetemConfig *network, gint drift_ppm)
{
  TestPeer *peer = test_peer_join (path->room, path->n_talkers + 1, is_browser, codecs, tone_hz, path->now);

  talker_init (&path->talkers[path->n_talkers++], peer, network, drift_ppm);
  return peer;
}

static void
path_clear (Path *path)
{
  for (guint i = 0; i < path->n_talkers; i++)
    {
      media_room_remove (path->room, path->talkers[i].peer->leg, path->now);
      test_netem_free (path->talkers[i].network);
      test_peer_free (path->talkers[i].peer);
    }
  media_room_free (path->room);
}

static void
inspect (Path *path, gboolean settled)
{
  for (guint i = 0; i < path->n_talkers; i++)
    {
      TestPeer *listener = path->talkers[i].peer;
      MediaLegStats stats = { 0 };
      gboolean good = TRUE;

      for (guint k = 0; k < path->n_talkers; k++)
        {
          const double level = test_peer_level (listener, path->talkers[k].peer->tone_hz, WINDOW_MS);

          good &= i == k ? level < 0.05 : level > 0.15;
        }
      media_leg_get_stats (listener->leg, &stats);
      if (settled)
        {
          path->windows++;
          path->bad_windows += !good;
          path->worst_delay_ms = MAX (path->worst_delay_ms, stats.playout_delay_ms);
        }
      if (listener->pcm->len > 2 * TEST_HEARD_RATE)
        g_array_set_size (listener->pcm, 0);
    }
}

static void
path_run (Path *path, guint seconds)
{
  const gint64 end_us = START_US + seconds * CFG_US_PER_S;

  /* The worker's ticks lie between the packets' instants. */
  for (path->now.us = START_US + 7000; path->now.us < end_us; path->now.us += 20000)
    {
      const gint64 tick = (path->now.us - START_US) / 20000;

      for (guint i = 0; i < path->n_talkers; i++)
        {
          talker_speak (&path->talkers[i], path->now);
          talker_arrive (&path->talkers[i], path->now);
          path->talkers[i].peer->deaf = tick % LOOK_TICKS < LOOK_TICKS - LISTEN_TICKS;
          if (tick % 5 == 0)
            media_leg_housekeep (path->talkers[i].peer->leg, path->now, (CfgWall){ path->now.us });
        }
      media_room_tick (path->room, path->now);
      if (tick % LOOK_TICKS == LOOK_TICKS - 1)
        inspect (path, tick > 500);
    }
}

typedef struct
{
  const char *name;
  const MediaCodecId *codecs[MAX_TALKERS];
  TestNetemConfig network;
  guint seconds;
  double bad_share; /* so many windows may have a hole */
  double delay_ms;
} MixCase;

static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
static const MediaCodecId pcma[] = { MEDIA_CODEC_PCMA, MEDIA_CODEC_N };
static const MediaCodecId opus[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_N };

static const MixCase mix_cases[] = {
  { "drift_for_an_hour", { pcmu, pcma, pcmu }, { .seed = 1, .delay_us = 20000 }, HOUR_S, 0, 60 },
  { "jitter_and_drift",
    { pcmu, pcma, pcmu },
    { .seed = 2, .delay_us = 30000, .jitter_us = 40000, .duplicates = 0.01 },
    HOUR_S / 4,
    0.01,
    160 },
  { "loss_in_bursts",
    { pcmu, pcma, pcmu },
    { .seed = 3,
      .delay_us = 30000,
      .jitter_us = 10000,
      .loss = 0.03,
      .burst = 2,
      .reordering = 0.01,
      .reorder_us = 30000 },
    HOUR_S / 4,
    0.05,
    160 },
  { "opus_with_loss",
    { opus, pcma, opus },
    { .seed = 4, .delay_us = 30000, .jitter_us = 10000, .loss = 0.02 },
    300,
    0.1,
    160 },
};

static void
check_mix (gconstpointer data)
{
  const MixCase *test = data;
  static const double tones[MAX_TALKERS] = { 400, 700, 1100 };
  static const gint drifts[MAX_TALKERS] = { 200, -200, 0 };
  Path path;

  path_init (&path);
  for (guint i = 0; i < MAX_TALKERS; i++)
    {
      TestNetemConfig network = test->network;

      network.seed += i * 100;
      path_join (&path, FALSE, test->codecs[i], tones[i], &network, drifts[i]);
    }
  path_run (&path, test->seconds);
  g_test_message ("%u of %" G_GUINT64_FORMAT " windows bad, worst delay %.0f ms", path.bad_windows,
                  path.windows, path.worst_delay_ms);
  g_assert_cmpuint (path.windows, >, test->seconds / 3);
  g_assert_cmpfloat (path.bad_windows, <=, test->bad_share * (double)path.windows);
  g_assert_cmpfloat (path.worst_delay_ms, <=, test->delay_ms);
  for (guint i = 0; i < MAX_TALKERS; i++)
    {
      const TestHeard *heard = test_peer_newest (path.talkers[i].peer);

      g_assert_cmpuint (path.talkers[i].peer->n_heard, ==, 1);
      g_assert_cmpuint (heard->breaks, ==, 0);
      g_assert_cmpuint (heard->ts_steps, <=, 1);
      g_assert_cmpint (heard->longest_gap_us, <=, 40000);
      g_assert_cmpuint (heard->packets, >=, test->seconds * 50 - 3);
    }
  path_clear (&path);
}

/* What goes out of a forwarding sink, against what came in. */
typedef struct
{
  guint64 packets;
  gboolean any;
  guint32 timestamp_offset;
  guint16 sequence_offset;
  guint64 offsets_changed;
  MediaReceiverStats stats;
} ForwardEar;

static const MediaRtpView *forwarding_in; /* what is on its way through the leg now */

static void
on_forwarded (gpointer user, const MediaRtpView *packet, CfgMonotonic now)
{
  ForwardEar *ear = user;

  media_receiver_stats_add (&ear->stats, packet, TRUE, now);
  ear->packets++;
  if (forwarding_in == NULL)
    return;
  if (ear->any)
    ear->offsets_changed += ear->timestamp_offset != packet->timestamp - forwarding_in->timestamp
                            || ear->sequence_offset != (guint16)(packet->sequence - forwarding_in->sequence);
  ear->any = TRUE;
  ear->timestamp_offset = packet->timestamp - forwarding_in->timestamp;
  ear->sequence_offset = (guint16)(packet->sequence - forwarding_in->sequence);
  g_assert_cmpuint (packet->payload_size, ==, forwarding_in->payload_size);
  g_assert_cmpint (memcmp (packet->payload, forwarding_in->payload, packet->payload_size), ==, 0);
}

static void
forward_arrive (Talker *talker, CfgMonotonic now)
{
  guint8 data[MEDIA_PACKET_SIZE];
  MediaRtpView packet;
  CfgMonotonic at;
  gsize size;

  while ((size = test_netem_receive (talker->network, now, data, &at)) > 0)
    {
      g_assert_cmpint (media_rtp_parse (&packet, data, size), ==, 0);
      forwarding_in = &packet;
      media_leg_receive_rtp (talker->peer->leg, &packet, at);
      forwarding_in = NULL;
    }
}

/* Phone and browser in G.711 for an hour: what the network did shows at the other side exactly, nothing is
 * added, and one offset of sequence and timestamp holds from the first packet to the last. */
static void
test_forwarding_adds_nothing (void)
{
  const TestNetemConfig network = { .seed = 5,
                                    .delay_us = 30000,
                                    .jitter_us = 20000,
                                    .loss = 0.02,
                                    .burst = 3,
                                    .reordering = 0.01,
                                    .reorder_us = 40000,
                                    .duplicates = 0.01 };
  ForwardEar ears[2] = { 0 };
  MediaLegStats stats;
  Path path;

  path_init (&path);
  path_join (&path, FALSE, pcmu, 400, &network, 200);
  path_join (&path, TRUE, pcmu, 700, &network, -200);
  for (guint i = 0; i < 2; i++)
    {
      media_receiver_stats_init (&ears[i].stats, 8000, 0);
      path.talkers[i].peer->tap = on_forwarded;
      path.talkers[i].peer->tap_user = &ears[i];
    }
  for (path.now.us = START_US; path.now.us < START_US + HOUR_S * CFG_US_PER_S; path.now.us += 5000)
    {
      for (guint i = 0; i < 2; i++)
        {
          talker_speak (&path.talkers[i], path.now);
          forward_arrive (&path.talkers[i], path.now);
        }
      if (path.now.us % 20000 == 0)
        media_room_tick (path.room, path.now);
    }
  for (guint i = 0; i < 2; i++)
    {
      stats = (MediaLegStats){ 0 };
      media_leg_get_stats (path.talkers[1 - i].peer->leg, &stats);
      g_test_message ("in %" G_GUINT64_FORMAT " lost %" G_GUINT64_FORMAT ", out %" G_GUINT64_FORMAT
                      " lost %" G_GUINT64_FORMAT,
                      stats.in.packets, stats.in.lost, ears[i].packets,
                      media_receiver_stats_lost (&ears[i].stats));
      g_assert_cmpuint (ears[i].offsets_changed, ==, 0);
      g_assert_cmpuint (stats.in.lost, >, 2000);
      /* But for the packets before the first tick. */
      g_assert_cmpuint (ears[i].packets, >=, stats.in.packets - 5);
      g_assert_cmpuint (media_receiver_stats_lost (&ears[i].stats), <=, stats.in.lost);
      g_assert_cmpuint (media_receiver_stats_lost (&ears[i].stats) + 5, >=, stats.in.lost);
    }
  path_clear (&path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (mix_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/media/path/mix_%s", mix_cases[i].name);

      g_test_add_data_func (path, &mix_cases[i], check_mix);
    }
  g_test_add_func ("/media/path/forwarding_adds_nothing", test_forwarding_adds_nothing);
  return g_test_run ();
}
