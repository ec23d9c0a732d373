/* Opus encoders that follow their worker: those of the common mix, those of single listeners, those of
 * transcoded calls, and those that are made later. */
#include "leg_harness.h"

#include "media/room_private.h"

#define N_PEERS 5

static const MediaCodecId opus[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_N };
static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };

static MediaRoom *
make_room (TestPeer **peers, guint n_talkers, CfgMonotonic *now)
{
  static const double tones_hz[] = { 310, 430, 570 };
  const MediaRoomConfig config = { .id = 1, .opus_complexity = 5 };
  MediaRoom *room = media_room_new (&config, NULL, NULL);

  now->us = 1000 * CFG_US_PER_S;
  for (guint i = 0; i < N_PEERS; i++)
    {
      peers[i] = test_peer_new (i + 1, TRUE, opus, *now);
      peers[i]->tone_hz = i < n_talkers ? tones_hz[i] : 0;
      peers[i]->amplitude = 0.2;
      media_room_add (room, peers[i]->leg, *now);
    }
  return room;
}

static void
free_room (MediaRoom *room, TestPeer **peers, guint n_peers, CfgMonotonic now)
{
  for (guint i = 0; i < n_peers; i++)
    {
      media_room_remove (room, peers[i]->leg, now);
      test_peer_free (peers[i]);
    }
  media_room_free (room);
}

/* Returns: how many encoders there are, all of which have @complexity. */
static guint
assert_all (const MediaRoom *room, int complexity)
{
  guint n = 0;

  for (guint i = 0; i < room->groups->len; i++)
    {
      const MediaMixGroup *group = g_ptr_array_index (room->groups, i);

      if (group->encoder == NULL)
        continue;
      g_assert_cmpint (media_encoder_get_opus_complexity (group->encoder), ==, complexity);
      n++;
    }
  for (guint i = 0; i < room->mixing->len; i++)
    {
      const MediaSink *sink = g_ptr_array_index (room->mixing, i);

      if (sink->encoder == NULL || media_encoder_get_opus_complexity (sink->encoder) < 0)
        continue;
      g_assert_cmpint (media_encoder_get_opus_complexity (sink->encoder), ==, complexity);
      n++;
    }
  return n;
}

/* Three talk, who hear mixes of their own, and two listen to the common one. */
static void
test_all_follow (void)
{
  static const int steps[] = { 3, 1, MEDIA_OPUS_COMPLEXITY_0, 1, 3, 5 };
  TestPeer *peers[N_PEERS];
  CfgMonotonic now;
  MediaRoom *room = make_room (peers, 3, &now);

  test_run (room, peers, N_PEERS, &now, 1000);
  g_assert_cmpuint (assert_all (room, 5), ==, 4);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      media_room_set_opus_complexity (room, steps[i]);
      test_run (room, peers, N_PEERS, &now, 500);
      g_assert_cmpuint (assert_all (room, MAX (steps[i], 0)), ==, 4);
    }
  for (guint i = 0; i < N_PEERS; i++)
    {
      const TestHeard *heard = test_peer_newest (peers[i]);

      g_assert_cmpuint (heard->breaks, ==, 0);
      g_assert_cmpuint (heard->ts_steps, ==, 0);
      g_assert_cmpint (heard->longest_gap_us, <=, 20000);
      g_assert_cmpfloat (test_peer_level (peers[i], i == 0 ? 430 : 310, 400), >, 0.1);
    }
  free_room (room, peers, N_PEERS, now);
}

/* Who begins to speak leaves the common encoder for his own, which goes on from it: with what counts now. */
static void
test_from_the_group_and_back (void)
{
  TestPeer *peers[N_PEERS];
  CfgMonotonic now;
  MediaRoom *room = make_room (peers, 1, &now);

  test_run (room, peers, N_PEERS, &now, 1000);
  g_assert_cmpuint (assert_all (room, 5), ==, 1);
  media_room_set_opus_complexity (room, 1);
  peers[1]->tone_hz = 430;
  test_run (room, peers, N_PEERS, &now, 1000);
  g_assert_cmpuint (assert_all (room, 1), >=, 2);
  media_room_set_opus_complexity (room, 3);
  peers[1]->tone_hz = 0;
  test_run (room, peers, N_PEERS, &now, 8000);
  peers[1]->tone_hz = 430;
  test_run (room, peers, N_PEERS, &now, 1000);
  g_assert_cmpuint (assert_all (room, 3), >=, 2);
  free_room (room, peers, N_PEERS, now);
}

static MediaMixGroup *
only_encoder_of (const MediaRoom *room)
{
  MediaMixGroup *found = NULL;

  for (guint i = 0; i < room->groups->len; i++)
    {
      MediaMixGroup *group = g_ptr_array_index (room->groups, i);

      if (group->encoder == NULL || group->used_tick + 1 < room->ticks)
        continue;
      g_assert_null (found);
      found = group;
    }
  g_assert_nonnull (found);
  return found;
}

/* FEC takes more bits where there is less effort: the encoder has them, and is not another one for it. */
static void
test_fec_goes_on_in_the_group (void)
{
  static const int steps[] = { 3, MEDIA_OPUS_COMPLEXITY_0, 1, 5 };
  TestPeer *peers[N_PEERS];
  CfgMonotonic now;
  MediaRoom *room = make_room (peers, 1, &now);
  const MediaEncoder *encoder;
  guint usual;

  for (guint i = 0; i < N_PEERS; i++)
    peers[i]->leg->sections[0]->sink.loss_percent = 30;
  test_run (room, peers, N_PEERS, &now, 1000);
  encoder = only_encoder_of (room)->encoder;
  usual = only_encoder_of (room)->config.opus_bitrate;
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      const MediaMixGroup *group;

      media_room_set_opus_complexity (room, steps[i]);
      test_run (room, peers, N_PEERS, &now, 200);
      group = only_encoder_of (room);
      g_assert_true (group->encoder == encoder);
      g_assert_true (group->config.opus_fec);
      if (steps[i] <= 1)
        g_assert_cmpuint (group->config.opus_bitrate, >, usual);
      else
        g_assert_cmpuint (group->config.opus_bitrate, ==, usual);
    }
  free_room (room, peers, N_PEERS, now);
}

/* A call between a phone with G.711 and a browser with Opus; one that comes later begins with what counts. */
static void
test_transcoded (void)
{
  TestPeer *peers[3];
  CfgMonotonic now = { 1000 * CFG_US_PER_S };
  const MediaRoomConfig config = { .id = 1, .opus_complexity = 5 };
  MediaRoom *room = media_room_new (&config, NULL, NULL);

  peers[0] = test_peer_join (room, 1, FALSE, pcmu, 430, now);
  peers[1] = test_peer_join (room, 2, TRUE, opus, 570, now);
  test_run (room, peers, 2, &now, 500);
  g_assert_cmpuint (assert_all (room, 5), ==, 1);
  media_room_set_opus_complexity (room, MEDIA_OPUS_COMPLEXITY_0);
  test_run (room, peers, 2, &now, 500);
  g_assert_cmpuint (assert_all (room, 0), ==, 1);
  peers[2] = test_peer_join (room, 3, TRUE, opus, 310, now);
  test_run (room, peers, 3, &now, 1000);
  g_assert_cmpuint (assert_all (room, 0), >=, 2);
  free_room (room, peers, 3, now);
}

/* What Opus takes is measured, of encoders of single listeners and of the common one; what G.711 takes is
 * not.
 */
static void
test_measured (void)
{
  const MediaRoomConfig config = { .id = 1, .opus_complexity = 5 };

  for (guint of_opus = 0; of_opus <= 1; of_opus++)
    {
      TestPeer *peers[N_PEERS];
      CfgMonotonic now = { 1000 * CFG_US_PER_S };
      MediaEncodeMeter meter = { 0 };
      MediaRoomConfig metered = config;
      MediaRoomStats stats;
      guint64 made_us;
      MediaRoom *room;

      metered.meter = &meter;
      room = media_room_new (&metered, NULL, NULL);
      for (guint i = 0; i < N_PEERS; i++)
        peers[i] = test_peer_join (room, i + 1, of_opus == 1, of_opus ? opus : pcmu,
                                   i < 3 ? 310 + 120 * i : 0, now);
      test_run (room, peers, N_PEERS, &now, 2000);
      media_room_get_stats (room, &stats);
      made_us = of_opus ? stats.encodes * MEDIA_FRAME_MS * CFG_US_PER_MS : 0;
      g_assert_cmpuint (stats.encodes, >, 300);
      g_assert_cmpuint (atomic_load (&meter.audio_us), <=, made_us);
      g_assert_cmpuint (atomic_load (&meter.audio_us) + 15 * MEDIA_FRAME_MS * CFG_US_PER_MS, >=, made_us);
      /* A frame takes 50 to 150 us: whatever the machine does, none takes a second or nothing. */
      if (of_opus)
        g_assert_cmpuint (atomic_load (&meter.cpu_us), >=, 2 * stats.encodes);
      g_assert_cmpuint (atomic_load (&meter.cpu_us), <, 4 * made_us + 1);
      free_room (room, peers, N_PEERS, now);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/effort/all_follow", test_all_follow);
  g_test_add_func ("/media/effort/from_the_group_and_back", test_from_the_group_and_back);
  g_test_add_func ("/media/effort/fec_goes_on_in_the_group", test_fec_goes_on_in_the_group);
  g_test_add_func ("/media/effort/transcoded", test_transcoded);
  g_test_add_func ("/media/effort/measured", test_measured);
  return g_test_run ();
}
