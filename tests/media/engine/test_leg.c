/* One leg: reports, timeouts, sections of a bundle, state, and bytes from anywhere. */
#include "leg_harness.h"

#include "media/core/rtcp.h"
#include "media/io/pump.h"
#include "media/leg_private.h"
#include "tests/media/random.h"

static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
static const MediaCodecId opus_pcmu[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_PCMU, MEDIA_CODEC_N };

static CfgWall
wall_at (CfgMonotonic now)
{
  return (CfgWall){ 1790000000 * CFG_US_PER_S + now.us };
}

typedef struct
{
  MediaRoom *room;
  CfgMonotonic now;
  TestPeer *peers[2];
} Scene;

static void
scene_init (Scene *scene, double a_hz, double b_hz)
{
  const MediaRoomConfig config = { .id = 1 };

  *scene = (Scene){ .now = { 1000 * CFG_US_PER_S } };
  scene->room = media_room_new (&config, NULL, NULL);
  for (guint i = 0; i < 2; i++)
    {
      scene->peers[i] = test_peer_new (i + 1, FALSE, pcmu, scene->now);
      scene->peers[i]->tone_hz = i == 0 ? a_hz : b_hz;
      media_room_add (scene->room, scene->peers[i]->leg, scene->now);
    }
}

static void
scene_clear (Scene *scene)
{
  for (guint i = 0; i < 2; i++)
    {
      media_room_remove (scene->room, scene->peers[i]->leg, scene->now);
      test_peer_free (scene->peers[i]);
    }
  media_room_free (scene->room);
}

static void
test_reports_both_ways (void)
{
  Scene scene;
  TestPeer *a;
  MediaRtcpReader reader;
  MediaRtcpPacket packet;
  MediaRtcpReportBlock answer = { 0 };
  MediaLegStats stats = { 0 };
  guint8 data[200];
  gssize size;

  scene_init (&scene, 440, 1000);
  a = scene.peers[0];
  test_run (scene.room, scene.peers, 2, &scene.now, 2000);
  g_assert_cmpuint (a->sender_reports, ==, 1);
  test_run (scene.room, scene.peers, 2, &scene.now, 58000);
  g_assert_cmpuint (a->sender_reports, >=, 8);
  g_assert_cmpuint (a->sender_reports, <=, 24);
  g_assert_cmpint (media_rtcp_reader_init (&reader, a->last_rtcp, a->last_rtcp_size), ==, 0);
  g_assert_true (media_rtcp_reader_next (&reader, &packet));
  g_assert_cmpint (packet.type, ==, MEDIA_RTCP_SR);
  g_assert_cmphex (packet.ssrc, ==, a->plan.sections[0].ssrc);
  g_assert_cmpuint (packet.n_reports, ==, 1);
  g_assert_cmphex (packet.reports[0].ssrc, ==, a->ssrc);
  g_assert_cmpint (packet.reports[0].cumulative_lost, ==, 0);
  g_assert_cmpuint (packet.sender_info.packets, >, 2000);
  /* The peer answers 80 ms later that it lost a tenth. */
  answer = (MediaRtcpReportBlock){ .ssrc = packet.ssrc,
                                   .fraction_lost = 25,
                                   .cumulative_lost = 300,
                                   .jitter = 80,
                                   .last_sr = media_rtcp_ntp_middle (packet.sender_info.ntp) };
  size = media_rtcp_build (
      &(MediaRtcpReport){ .ssrc = a->ssrc, .reports = &answer, .n_reports = 1, .cname = "x" }, data,
      sizeof data);
  g_assert_cmpint (size, >, 0);
  {
    const gint64 wall_us = (gint64)((packet.sender_info.ntp >> 32) - 2208988800u) * CFG_US_PER_S
                           + (gint64)(((packet.sender_info.ntp & 0xffffffff) * 1000000) >> 32);
    const CfgMonotonic back = { wall_us - 1790000000 * CFG_US_PER_S + 80 * CFG_US_PER_MS };

    media_leg_receive_rtcp (a->leg, data, (gsize)size, back, wall_at (back));
  }
  media_leg_get_stats (a->leg, &stats);
  g_assert_cmpfloat_with_epsilon (stats.rtt_ms, 80, 3);
  g_assert_cmpuint (stats.out.lost, ==, 300);
  g_assert_cmpfloat_with_epsilon (stats.out.jitter_ms, 10, 0.1);
  g_assert_cmpfloat (stats.out.mos, <, stats.in.mos);
  g_assert_cmpuint (stats.in.lost, ==, 0);
  media_leg_say_bye (a->leg, scene.now, wall_at (scene.now));
  g_assert_cmpuint (a->byes, ==, 1);
  scene_clear (&scene);
}

static void
test_timeouts (void)
{
  Scene scene;
  TestPeer *a;

  scene_init (&scene, 0, 0);
  a = scene.peers[0];
  test_run (scene.room, scene.peers, 2, &scene.now, 29000);
  g_assert_cmpuint (a->n_timeouts, ==, 0);
  test_run (scene.room, scene.peers, 2, &scene.now, 2000);
  g_assert_cmpuint (a->n_initial_timeouts, ==, 1);
  a->tone_hz = 440;
  test_run (scene.room, scene.peers, 2, &scene.now, 1000);
  a->tone_hz = 0;
  test_run (scene.room, scene.peers, 2, &scene.now, 59000);
  g_assert_cmpuint (a->n_timeouts, ==, 1);
  /* Hold suspends it, and the count begins anew after it. */
  a->plan.sections[0].receive = FALSE;
  test_peer_configure (a, scene.now);
  test_run (scene.room, scene.peers, 2, &scene.now, 300000);
  g_assert_cmpuint (a->n_timeouts, ==, 1);
  a->plan.sections[0].receive = TRUE;
  test_peer_configure (a, scene.now);
  test_run (scene.room, scene.peers, 2, &scene.now, 59000);
  g_assert_cmpuint (a->n_timeouts, ==, 1);
  test_run (scene.room, scene.peers, 2, &scene.now, 120000);
  g_assert_cmpuint (a->n_timeouts, ==, 2);
  g_assert_cmpuint (a->n_initial_timeouts, ==, 1);
  scene_clear (&scene);
}

static void
give_to (TestPeer *peer, guint32 ssrc, guint8 mid_id, const char *mid, guint8 payload_type, CfgMonotonic now)
{
  guint8 packet[MEDIA_PACKET_SIZE];

  peer->ssrc = ssrc;
  peer->mid_id = mid_id;
  g_strlcpy (peer->mid, mid, sizeof peer->mid);
  peer->payload_type = payload_type;
  test_peer_give (peer, packet, test_peer_packet (peer, packet, sizeof packet), now);
}

static guint64
packets_of (TestPeer *peer, guint section)
{
  MediaLegState *state = media_leg_state_new ();
  guint64 packets;

  media_leg_export (peer->leg, state, (CfgMonotonic){ 0 });
  packets = state->sections[section].packets_in;
  media_leg_state_free (state);
  return packets;
}

static void
test_bundle_finds_the_section (void)
{
  const CfgMonotonic now = { CFG_US_PER_S };
  TestPeer *peer = test_peer_new (1, TRUE, pcmu, now);

  peer->plan.n_sections = 3;
  for (guint i = 0; i < 3; i++)
    {
      if (i > 0)
        peer->plan.sections[i] = peer->plan.sections[0];
      g_snprintf (peer->plan.sections[i].mid, sizeof peer->plan.sections[i].mid, "m%u", i);
      peer->plan.sections[i].ext_mid_id = 3;
      peer->plan.sections[i].source_track = 100 + i;
    }
  peer->plan.sections[2].codecs[0].recv_pt = 96;
  test_peer_configure (peer, now);
  give_to (peer, 11, 3, "m1", 0, now); /* MID */
  g_assert_cmpuint (packets_of (peer, 1), ==, 1);
  give_to (peer, 11, 0, "", 0, now); /* then known by SSRC */
  g_assert_cmpuint (packets_of (peer, 1), ==, 2);
  give_to (peer, 12, 0, "", 96, now); /* payload type of one section only */
  g_assert_cmpuint (packets_of (peer, 2), ==, 1);
  give_to (peer, 13, 3, "other", 0, now); /* unknown MID: by payload type */
  g_assert_cmpuint (packets_of (peer, 0), ==, 1);
  give_to (peer, 14, 0, "", 55, now); /* nobody's */
  for (guint i = 0; i < 1000; i++)    /* the table is bounded, and still works */
    give_to (peer, 1000 + i, 3, "m1", 0, now);
  give_to (peer, 5000, 3, "m1", 0, now);
  give_to (peer, 5000, 0, "", 0, now);
  g_assert_cmpuint (packets_of (peer, 0), ==, 1);
  test_peer_free (peer);
}

static void
test_state_is_taken_up_by_a_successor (void)
{
  Scene scene;
  TestPeer *a, *successor;
  MediaLegState *state = media_leg_state_new ();
  TestHeard before;

  scene_init (&scene, 440, 1000);
  a = scene.peers[0];
  test_run (scene.room, scene.peers, 2, &scene.now, 3000);
  media_leg_export (a->leg, state, scene.now);
  before = *test_peer_newest (a);
  successor = test_peer_new (1, FALSE, pcmu, scene.now);
  successor->ssrc = a->ssrc;
  successor->sequence = a->sequence;
  successor->timestamp = a->timestamp;
  successor->tone_hz = 440;
  /* What the peer hears goes on in one count. */
  successor->heard[0] = before;
  successor->n_heard = 1;
  media_leg_import (successor->leg, state, scene.now);
  media_room_remove (scene.room, a->leg, scene.now);
  test_peer_free (a);
  scene.peers[0] = successor;
  media_room_add (scene.room, successor->leg, scene.now);
  test_run (scene.room, scene.peers, 2, &scene.now, 2000);
  g_assert_cmpuint (successor->n_heard, ==, 1);
  g_assert_cmpuint (successor->heard[0].breaks, ==, 0);
  g_assert_cmpint (successor->heard[0].longest_gap_us, <=, 60 * CFG_US_PER_MS);
  g_assert_cmpuint (successor->heard[0].packets, >, before.packets + 90);
  g_assert_cmpuint (successor->n_started, ==, 0);
  g_assert_cmpfloat (test_peer_level (successor, 1000, 500), >, 0.1);
  {
    MediaLegStats stats = { 0 };

    media_leg_get_stats (successor->leg, &stats);
    g_assert_cmpuint (stats.in.packets, >=, 248);
    g_assert_cmpuint (stats.in.lost, ==, 0);
  }
  media_leg_state_free (state);
  scene_clear (&scene);
}

static void
test_hostile_packets_do_no_harm (void)
{
  Scene scene;
  TestPeer *a;

  scene_init (&scene, 440, 0);
  a = scene.peers[0];
  a->plan.sections[0].codecs[1]
      = (MediaPlanCodec){ .codec = MEDIA_CODEC_OPUS, .send_pt = 111, .recv_pt = 111 };
  a->plan.sections[0].codecs[2] = (MediaPlanCodec){ .codec = MEDIA_CODEC_G722, .send_pt = 9, .recv_pt = 9 };
  a->plan.sections[0].n_codecs = 3;
  a->plan.sections[0].cn_pt = 13;
  a->plan.sections[0].ext_level_id = 1;
  a->plan.sections[0].ext_mid_id = 3;
  test_peer_configure (a, scene.now);
  for (guint i = 0; i < 50000; i++)
    {
      static const guint8 types[] = { 0, 9, 111, 13, 101, 77 };
      guint8 data[1600];
      const gsize size = (gsize)g_test_rand_int_range (0, i % 50 == 0 ? 1600 : 80);

      for (gsize k = 0; k < size; k++)
        data[k] = (guint8)g_test_rand_int ();
      if (size > 12 && i % 4 != 0)
        {
          data[0] = i % 4 == 1 ? 0x90 : 0x80;
          data[1] = types[i % G_N_ELEMENTS (types)];
          if (i % 8 < 6)
            {
              data[2] = (guint8)(i >> 8);
              data[3] = (guint8)i;
              data[8] = data[9] = data[10] = data[11] = 1;
            }
        }
      test_peer_give (a, data, size, scene.now);
      media_leg_receive_rtcp (a->leg, data, size, scene.now, wall_at (scene.now));
      if (i % 10 == 0)
        test_run (scene.room, scene.peers + 1, 1, &scene.now, 10);
    }
  /* And the call goes on. */
  test_run (scene.room, scene.peers, 2, &scene.now, 12000);
  test_peer_forget (scene.peers[1]);
  test_run (scene.room, scene.peers, 2, &scene.now, 2000);
  g_assert_cmpfloat (test_peer_level (scene.peers[1], 440, 1000), >, 0.1);
  g_assert_cmpuint (scene.peers[1]->heard[0].breaks, ==, 0);
  scene_clear (&scene);
}

/* Listeners get a gain, lose it and get another one in any order: as a plain table says, up to the limit. */
static void
test_gains_of_many_listeners (void)
{
  g_autofree gint32 *expected = g_new0 (gint32, 2 * MEDIA_MAX_GAINS); /* 0: none of its own */
  const CfgMonotonic now = { 1000 * CFG_US_PER_S };
  TestPeer *peer = test_peer_new (1, FALSE, pcmu, now);
  MediaLeg *leg = peer->leg;
  TestRandom random = test_random (5);
  guint n = 0;

  media_leg_set_gain (leg, 0, -3);
  for (guint i = 0; i < 20 * MEDIA_MAX_GAINS; i++)
    {
      const guint k = test_random_below (&random, 2 * MEDIA_MAX_GAINS);
      const double db = -40 + 40 * test_random_unit (&random);

      if (test_random_unit (&random) < 0.2)
        {
          media_leg_forget_listener (leg, 100 + k);
          n -= expected[k] != 0;
          expected[k] = 0;
          continue;
        }
      media_leg_set_gain (leg, 100 + k, db);
      if (expected[k] == 0 && n == MEDIA_MAX_GAINS)
        continue;
      n += expected[k] == 0;
      expected[k] = media_mixer_gain_from_db (db);
    }
  g_assert_cmpuint (n, >, MEDIA_MAX_GAINS / 2);
  for (guint k = 0; k < 2 * MEDIA_MAX_GAINS; k++)
    {
      g_assert_cmpint (media_leg_gain_for (leg, 100 + k), ==,
                       expected[k] != 0 ? expected[k] : media_mixer_gain_from_db (-3));
      g_assert_cmpint (media_leg_own_gain (leg, 100 + k) != NULL, ==, expected[k] != 0);
    }
  test_peer_free (peer);
}

static void
test_unconfigured_leg_takes_anything (void)
{
  const CfgMonotonic now = { CFG_US_PER_S };
  TestPeer *peer = test_peer_new (1, TRUE, opus_pcmu, now);

  peer->plan.n_sections = 0;
  test_peer_configure (peer, now);
  test_peer_speak (peer, now);
  peer->plan.sections[0].is_audio = FALSE;
  peer->plan.n_sections = 1;
  test_peer_configure (peer, now);
  test_peer_speak (peer, now);
  media_leg_housekeep (peer->leg, now, wall_at (now));
  g_assert_cmpuint (peer->n_started, ==, 0);
  g_assert_cmpuint (peer->rtcp_packets, ==, 0);
  test_peer_free (peer);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/leg/reports_both_ways", test_reports_both_ways);
  g_test_add_func ("/media/leg/timeouts", test_timeouts);
  g_test_add_func ("/media/leg/bundle_finds_the_section", test_bundle_finds_the_section);
  g_test_add_func ("/media/leg/state_is_taken_up_by_a_successor", test_state_is_taken_up_by_a_successor);
  g_test_add_func ("/media/leg/hostile_packets_do_no_harm", test_hostile_packets_do_no_harm);
  g_test_add_func ("/media/leg/gains_of_many_listeners", test_gains_of_many_listeners);
  g_test_add_func ("/media/leg/unconfigured_leg_takes_anything", test_unconfigured_leg_takes_anything);
  return g_test_run ();
}
