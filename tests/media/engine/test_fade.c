/* No step where somebody, or a mix, begins or ends: the samples of a listener, one after the other. */
#include "leg_harness.h"

#include "media/codec/codec.h"
#include "media/play.h"

static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
static const MediaCodecId pcma[] = { MEDIA_CODEC_PCMA, MEDIA_CODEC_N };

#define TALKERS    3
#define AMPLITUDE  0.25
#define FRAME      160
#define PACKETS    1000
#define NEAR_ZERO  400
#define WORST_BEND 5000 /* of three tones of 8000; a tone that is cut bends by up to 8000 more */

typedef struct
{
  MediaRoom *room;
  CfgMonotonic now;
  TestPeer *peers[TALKERS + 1]; /* the last one listens */
  guint n_peers;
  MediaDecoder *decoder;
  gint16 heard[PACKETS * FRAME];
  gsize n;
} Scene;

static void
on_packet (gpointer user, const MediaRtpView *packet, CfgMonotonic now)
{
  Scene *scene = user;
  gssize n;

  g_assert_cmpuint (scene->n + FRAME, <=, G_N_ELEMENTS (scene->heard));
  n = media_decoder_decode (scene->decoder, packet->payload, packet->payload_size, scene->heard + scene->n,
                            G_N_ELEMENTS (scene->heard) - scene->n);
  g_assert_cmpint (n, ==, FRAME);
  scene->n += FRAME;
}

/* The listener is a browser, or a phone. */
static Scene *
scene_new (guint n_talkers, gboolean for_phone)
{
  static const double tones_hz[] = { 310, 430, 570 };
  const MediaRoomConfig config = { .id = 1, .opus_complexity = 1 };
  Scene *scene = g_new0 (Scene, 1);

  scene->now.us = 1000 * CFG_US_PER_S;
  scene->room = media_room_new (&config, NULL, NULL);
  scene->decoder = media_decoder_new (media_codec_get (MEDIA_CODEC_PCMU), 8000, NULL);
  scene->n_peers = n_talkers + 1;
  for (guint i = 0; i < scene->n_peers; i++)
    {
      scene->peers[i] = test_peer_new (i + 1, i < n_talkers || !for_phone, pcmu, scene->now);
      scene->peers[i]->tone_hz = i < n_talkers ? tones_hz[i] : 0;
      scene->peers[i]->amplitude = AMPLITUDE;
      media_room_add (scene->room, scene->peers[i]->leg, scene->now);
    }
  scene->peers[n_talkers]->tap = on_packet;
  scene->peers[n_talkers]->tap_user = scene;
  return scene;
}

static void
leave (Scene *scene, guint index)
{
  media_room_remove (scene->room, scene->peers[index]->leg, scene->now);
  test_peer_free (scene->peers[index]);
  scene->peers[index] = scene->peers[--scene->n_peers];
}

static void
scene_free (Scene *scene)
{
  while (scene->n_peers > 0)
    leave (scene, 0);
  media_room_free (scene->room);
  media_decoder_free (scene->decoder);
  g_free (scene);
}

static void
run (Scene *scene, guint ms)
{
  test_run (scene->room, scene->peers, scene->n_peers, &scene->now, ms);
}

/* From sample @from on. */
static gint
worst_bend (const Scene *scene, gsize from)
{
  gint worst = 0;

  for (gsize i = MAX (from, 2); i < scene->n; i++)
    worst = MAX (worst, ABS (scene->heard[i] - 2 * scene->heard[i - 1] + scene->heard[i - 2]));
  return worst;
}

static double
loudness (const Scene *scene, gsize from, gsize end, double tone_hz)
{
  return test_tone_level (scene->heard + from, end - from, 8000, tone_hz);
}

/* At many moments of the tones: some are at their largest. */
static void
test_mute_in_mix (void)
{
  Scene *scene = scene_new (TALKERS, FALSE);
  gsize from;

  run (scene, 1000);
  from = scene->n;
  for (guint i = 0; i < 20; i++)
    {
      media_leg_set_muted (scene->peers[i % TALKERS]->leg, TRUE);
      run (scene, 230);
      media_leg_set_muted (scene->peers[i % TALKERS]->leg, FALSE);
      run (scene, 210);
    }
  g_test_message ("worst bend %d", worst_bend (scene, from));
  g_assert_cmpint (worst_bend (scene, from), <, WORST_BEND);
  g_assert_cmpfloat (loudness (scene, scene->n - 800, scene->n, 310), >, AMPLITUDE / 2);
  from = scene->n;
  media_leg_set_muted (scene->peers[0]->leg, TRUE);
  run (scene, 400);
  /* With the next frame but one nothing is left. */
  g_assert_cmpfloat (loudness (scene, from + 2 * FRAME, scene->n, 310), <, 0.02);
  scene_free (scene);
}

static void
test_leave_mix (void)
{
  for (guint k = 0; k < 8; k++)
    {
      Scene *scene = scene_new (TALKERS, FALSE);
      gsize from;

      run (scene, 1000 + 20 * k);
      from = scene->n;
      leave (scene, 0);
      run (scene, 300);
      g_assert_cmpint (worst_bend (scene, from), <, WORST_BEND);
      g_assert_cmpfloat (loudness (scene, from + 2 * FRAME, scene->n, 310), <, 0.02);
      scene_free (scene);
    }
}

/* Who may hear nobody does not hear how somebody goes either. */
static void
test_leave_unheard (void)
{
  Scene *scene = scene_new (TALKERS, TRUE);
  gsize from;

  media_leg_set_deaf (scene->peers[TALKERS]->leg, TRUE);
  run (scene, 1000);
  from = scene->n;
  leave (scene, 0);
  run (scene, 300);
  g_assert_cmpuint (scene->n, >=, from + 10 * FRAME);
  for (gsize i = from; i < scene->n; i++)
    g_assert_cmpint (ABS (scene->heard[i]), <, NEAR_ZERO);
  scene_free (scene);
}

static double
playout_delay_ms (const TestPeer *peer)
{
  MediaLegStats stats = { 0 };

  media_leg_get_stats (peer->leg, &stats);
  return stats.playout_delay_ms;
}

/* There is no frame any more with which he could go out: he is not mixed any more all the same. */
static void
test_mute_as_the_last_listener_leaves (void)
{
  const MediaRoomConfig config = { .id = 1, .opus_complexity = 1 };
  CfgMonotonic now = { 1000 * CFG_US_PER_S };
  MediaRoom *room = media_room_new (&config, NULL, NULL);
  TestPeer *peers[]
      = { test_peer_join (room, 1, TRUE, pcma, 310, now), test_peer_join (room, 2, TRUE, pcmu, 0, now) };

  test_run (room, peers, 2, &now, 1000);
  g_assert_cmpfloat (playout_delay_ms (peers[0]), >, 0);
  media_leg_set_muted (peers[0]->leg, TRUE);
  media_room_remove (room, peers[1]->leg, now);
  test_run (room, peers, 1, &now, 100);
  g_assert_cmpfloat (playout_delay_ms (peers[0]), ==, 0);
  media_room_remove (room, peers[0]->leg, now);
  test_peer_free (peers[0]);
  test_peer_free (peers[1]);
  media_room_free (room);
}

/* Where two become one, the mix goes out before the other's own packets, which come up; where one becomes
 * two, the mix goes on from where those were. */
static void
test_mix_and_forward (void)
{
  Scene *scene = scene_new (2, FALSE);
  gsize at;

  run (scene, 1000);
  for (guint k = 0; k < 10; k++)
    {
      at = scene->n;
      media_leg_set_muted (scene->peers[0]->leg, TRUE);
      run (scene, 20);
      g_assert_cmpuint (scene->n, ==, at + FRAME);
      g_assert_cmpint (ABS (scene->heard[scene->n - 1]), <, NEAR_ZERO);
      g_assert_cmpint (worst_bend (scene, at), <, WORST_BEND);
      run (scene, 180);
      g_assert_cmpfloat (loudness (scene, scene->n - 800, scene->n, 430), >, AMPLITUDE / 2);
      at = scene->n;
      media_leg_set_muted (scene->peers[0]->leg, FALSE);
      run (scene, 20);
      g_assert_cmpuint (scene->n, >=, at + FRAME);
      run (scene, 220);
      g_assert_cmpint (worst_bend (scene, at), <, WORST_BEND);
    }
  scene_free (scene);
}

/* What is played goes out as well, wherever it is stopped, and then it is told. */
static void
test_stop_playing (void)
{
  MediaTonePattern pattern;

  media_tone_pattern (MEDIA_TONE_DIAL, MEDIA_TONE_US, &pattern);
  for (guint k = 0; k < 12; k++)
    {
      Scene *scene = scene_new (0, TRUE);
      MediaLeg *leg = scene->peers[0]->leg;
      const gboolean to_room = k % 2 != 0;
      MediaPlay *play = media_play_new_tone (7, &pattern, 6);
      gint usual;
      gsize from;

      if (to_room)
        media_room_play (scene->room, play);
      else
        media_leg_play (leg, play);
      run (scene, 400 + 20 * k);
      g_assert_cmpfloat (loudness (scene, scene->n - 800, scene->n, 440), >, 0.1);
      from = scene->n - FRAME;
      usual = worst_bend (scene, scene->n - 10 * FRAME);
      if (to_room)
        media_room_stop_play (scene->room, 7);
      else
        media_leg_stop_play (leg, 7);
      run (scene, 200);
      g_assert_cmpint (worst_bend (scene, from), <, usual * 5 / 4);
      g_assert_cmpfloat (loudness (scene, from + 3 * FRAME, scene->n, 440), <, 0.01);
      g_assert_cmpuint (scene->peers[0]->n_plays_ended, ==, !to_room);
      scene_free (scene);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/fade/mute_in_mix", test_mute_in_mix);
  g_test_add_func ("/media/fade/leave_mix", test_leave_mix);
  g_test_add_func ("/media/fade/leave_unheard", test_leave_unheard);
  g_test_add_func ("/media/fade/mute_as_the_last_listener_leaves", test_mute_as_the_last_listener_leaves);
  g_test_add_func ("/media/fade/mix_and_forward", test_mix_and_forward);
  g_test_add_func ("/media/fade/stop_playing", test_stop_playing);
  return g_test_run ();
}
