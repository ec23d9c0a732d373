/* How loud the comfort noise is that a phone hears while nobody speaks. */
#include "leg_harness.h"

#include <math.h>

static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };

#define TALKERS 2

typedef struct
{
  MediaRoom *room;
  CfgMonotonic now;
  TestPeer *peers[TALKERS + 1]; /* the last one is the phone */
} Scene;

/* Talkers whose lines hiss so much, in -dBov; 0: they send nothing. */
static void
scene_init (Scene *scene, const guint *levels)
{
  const MediaRoomConfig config = { .id = 1, .opus_complexity = 1 };

  *scene = (Scene){ .now = { 1000 * CFG_US_PER_S }, .room = media_room_new (&config, NULL, NULL) };
  for (guint i = 0; i <= TALKERS; i++)
    {
      TestPeer *peer = test_peer_new (i + 1, i < TALKERS, pcmu, scene->now);

      peer->plan.sections[0].cn_pt = 13;
      test_peer_configure (peer, scene->now);
      peer->tone_hz = i < TALKERS && levels[i] > 0 ? 300 + 130 * i : 0;
      peer->amplitude = i < TALKERS ? pow (10, -(double)levels[i] / 20) * M_SQRT2 : 0;
      scene->peers[i] = peer;
      media_room_add (scene->room, peer->leg, scene->now);
    }
}

static void
scene_clear (Scene *scene)
{
  for (guint i = 0; i <= TALKERS; i++)
    {
      media_room_remove (scene->room, scene->peers[i]->leg, scene->now);
      test_peer_free (scene->peers[i]);
    }
  media_room_free (scene->room);
}

static void
run (Scene *scene, guint ms)
{
  test_run (scene->room, scene->peers, TALKERS + 1, &scene->now, ms);
}

static void
give_noise (Scene *scene, TestPeer *peer, guint8 level)
{
  const MediaRtpHeader header = {
    .payload_type = 13, .sequence = peer->sequence++, .timestamp = peer->timestamp, .ssrc = peer->ssrc
  };
  guint8 packet[64];
  const gssize size = media_rtp_write (&header, &level, 1, packet, sizeof packet);

  g_assert_cmpint (size, >, 0);
  test_peer_give (peer, packet, (gsize)size, scene->now);
}

/* As the louder line, within what is bearable; the packets are few. */
static void
test_follows_the_lines (void)
{
  static const struct
  {
    guint levels[TALKERS];
    guint least, most;
  } rows[] = {
    { { 60, 66 }, 59, 61 }, { { 66, 62 }, 61, 63 }, { { 70, 71 }, 68, 72 },
    { { 48, 0 }, 47, 49 },  { { 90, 90 }, 75, 75 }, { { 0, 0 }, 70, 70 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Scene scene;

      scene_init (&scene, rows[i].levels);
      run (&scene, 8000);
      g_test_message ("%u, %u: %u", rows[i].levels[0], rows[i].levels[1], scene.peers[TALKERS]->noise_level);
      g_assert_cmpuint (scene.peers[TALKERS]->noise_packets, >=, 20);
      g_assert_cmpuint (scene.peers[TALKERS]->noise_level, >=, rows[i].least);
      g_assert_cmpuint (scene.peers[TALKERS]->noise_level, <=, rows[i].most);
      scene_clear (&scene);
    }
}

/* What was said between does not count: the line is as quiet as before. */
static void
test_speech_is_no_noise (void)
{
  const guint levels[TALKERS] = { 64, 0 };
  Scene scene;
  double amplitude;

  scene_init (&scene, levels);
  amplitude = scene.peers[0]->amplitude;
  for (guint i = 0; i < 4; i++)
    {
      scene.peers[0]->amplitude = 0.3;
      run (&scene, 1500);
      scene.peers[0]->amplitude = amplitude;
      run (&scene, 1500);
      g_assert_cmpuint (scene.peers[TALKERS]->noise_packets, >, 0);
      g_assert_cmpuint (scene.peers[TALKERS]->noise_level, >=, 62);
      g_assert_cmpuint (scene.peers[TALKERS]->noise_level, <=, 65);
      test_peer_forget (scene.peers[TALKERS]);
    }
  scene_clear (&scene);
}

/* Two who talk with short pauses and are forwarded; then one falls silent, and the phone hears its line, also
 * where nobody asks who speaks and few packets are looked at. */
static void
test_line_of_who_is_forwarded (void)
{
  static const MediaCodecId g722[] = { MEDIA_CODEC_G722, MEDIA_CODEC_N };
  const MediaRoomConfig config = { .id = 1, .opus_complexity = 1 };

  for (guint i = 0; i < 4; i++)
    {
      CfgMonotonic now = { 1000 * CFG_US_PER_S };
      MediaRoom *room = media_room_new (&config, NULL, NULL);
      TestPeer *peers[2];
      MediaRoomStats stats;

      media_room_tell_speakers (room, i % 2 == 0);
      for (guint k = 0; k < 2; k++)
        {
          peers[k] = test_peer_new (k + 1, k == 0, i < 2 ? pcmu : g722, now);
          peers[k]->plan.sections[0].cn_pt = 13;
          test_peer_configure (peers[k], now);
          peers[k]->tone_hz = 400;
          media_room_add (room, peers[k]->leg, now);
        }
      for (guint word = 0; word < 16; word++)
        {
          peers[0]->amplitude = word % 2 == 0 ? 0.3 : pow (10, -64.0 / 20) * M_SQRT2;
          test_run (room, peers, 2, &now, word % 2 == 0 ? 340 : 240);
        }
      media_room_get_stats (room, &stats);
      g_assert_cmpuint (stats.n_forwarding, ==, 2);
      peers[0]->tone_hz = 0;
      test_run (room, peers, 2, &now, 2000);
      g_test_message ("%s, %s: %u", i < 2 ? "G.711" : "G.722", i % 2 == 0 ? "asked" : "not asked",
                      peers[1]->noise_level);
      g_assert_cmpuint (peers[1]->noise_packets, >, 0);
      g_assert_cmpuint (peers[1]->noise_level, >=, 60);
      g_assert_cmpuint (peers[1]->noise_level, <=, 66);
      for (guint k = 0; k < 2; k++)
        {
          media_room_remove (room, peers[k]->leg, now);
          test_peer_free (peers[k]);
        }
      media_room_free (room);
    }
}

static void
test_sender_says_how_much (void)
{
  const guint levels[TALKERS] = { 0, 0 };
  const struct
  {
    guint8 said, heard;
  } rows[] = { { 58, 58 }, { 30, 45 }, { 127, 75 } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Scene scene;

      scene_init (&scene, levels);
      run (&scene, 500);
      give_noise (&scene, scene.peers[0], rows[i].said);
      /* A source that is new proves itself with its second packet. */
      give_noise (&scene, scene.peers[0], rows[i].said);
      run (&scene, 1000);
      g_assert_cmpuint (scene.peers[TALKERS]->noise_level, ==, rows[i].heard);
      scene_clear (&scene);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/noise/follows_the_lines", test_follows_the_lines);
  g_test_add_func ("/media/noise/speech_is_no_noise", test_speech_is_no_noise);
  g_test_add_func ("/media/noise/line_of_who_is_forwarded", test_line_of_who_is_forwarded);
  g_test_add_func ("/media/noise/sender_says_how_much", test_sender_says_how_much);
  return g_test_run ();
}
