#include "scene.h"

static void
on_speakers (gpointer user, MediaRoomId room, const MediaSpeaker *speakers, gsize n)
{
  Scene *scene = user;

  scene->n_speaker_events++;
  scene->n_speakers = n;
  for (gsize i = 0; i < n; i++)
    scene->speakers[i] = speakers[i];
}

static void
on_play_ended (gpointer user, MediaPlayId play, MediaPlayEnd end, const char *error)
{
  Scene *scene = user;

  scene->n_plays_ended++;
  scene->play_end = end;
  g_strlcpy (scene->play_error, error != NULL ? error : "", sizeof scene->play_error);
}

static const MediaRoomOps room_ops = { .speakers = on_speakers, .play_ended = on_play_ended };

void
scene_init (Scene *scene, gboolean isolated)
{
  const MediaRoomConfig config = { .id = 1, .opus_complexity = 1, .isolated = isolated };

  *scene = (Scene){ .now = { 1000 * CFG_US_PER_S } };
  scene->room = media_room_new (&config, &room_ops, scene);
}

TestPeer *
scene_join (Scene *scene, gboolean is_browser, const MediaCodecId *codecs, double tone_hz)
{
  TestPeer *peer = test_peer_join (scene->room, scene->n_peers + 1, is_browser, codecs, tone_hz, scene->now);

  g_assert_cmpuint (scene->n_peers, <, G_N_ELEMENTS (scene->peers));
  scene->peers[scene->n_peers++] = peer;
  return peer;
}

void
scene_leave (Scene *scene, TestPeer *peer)
{
  media_room_remove (scene->room, peer->leg, scene->now);
  for (guint i = 0; i < scene->n_peers; i++)
    if (scene->peers[i] == peer)
      scene->peers[i] = scene->peers[--scene->n_peers];
  test_peer_free (peer);
}

void
scene_run (Scene *scene, guint ms)
{
  test_run (scene->room, scene->peers, scene->n_peers, &scene->now, ms);
}

MediaRoomStats
scene_stats (const Scene *scene)
{
  MediaRoomStats stats;

  media_room_get_stats (scene->room, &stats);
  return stats;
}

void
scene_clear (Scene *scene)
{
  while (scene->n_peers > 0)
    scene_leave (scene, scene->peers[0]);
  media_room_free (scene->room);
}

void
scene_assert_unbroken (const TestPeer *peer)
{
  for (guint i = 0; i < peer->n_heard; i++)
    {
      g_assert_cmpuint (peer->heard[i].breaks, ==, 0);
      g_assert_cmpint (peer->heard[i].longest_gap_us, <=, 120 * CFG_US_PER_MS);
    }
}
