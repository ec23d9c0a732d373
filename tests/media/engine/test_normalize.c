/* Soft phones of a trunk that normalises: as loud as others, whatever happens to their calls. */
#include "scene.h"

static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
static const MediaCodecId opus_pcmu[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_PCMU, MEDIA_CODEC_N };

#define SILENT 0.01

/* A soft phone of a trunk that normalises is as loud as others are, though it could be forwarded. */
static void
test_soft_phone_is_brought_to_a_usual_level (void)
{
  Scene scene;
  TestPeer *soft, *listener;
  double before;

  scene_init (&scene, FALSE);
  soft = scene_join (&scene, FALSE, pcmu, 440);
  listener = scene_join (&scene, TRUE, opus_pcmu, 0);
  soft->amplitude = 0.03;
  scene_run (&scene, 4000);
  g_assert_cmpuint (scene_stats (&scene).n_forwarding, ==, 1);
  before = test_peer_level (listener, 440, 500);
  soft->plan.sections[0].normalizes = TRUE;
  test_peer_configure (soft, scene.now);
  scene_run (&scene, 8000);
  g_assert_cmpuint (scene_stats (&scene).n_forwarding, ==, 0);
  /* -33.5 dBov to -22. */
  g_assert_cmpfloat (test_peer_level (listener, 440, 500) / before, >, 3);
  g_assert_cmpfloat (test_peer_level (listener, 440, 500) / before, <, 4.5);
  g_assert_cmpuint (listener->heard[0].breaks, ==, 0);
  scene_clear (&scene);
}

static void
assert_as_loud (Scene *scene, const TestPeer *listener, double before)
{
  scene_run (scene, 600);
  g_assert_cmpfloat (test_peer_level (listener, 440, 300), >, 0.8 * before);
  g_assert_cmpfloat (test_peer_level (listener, 440, 300), <, 1.25 * before);
}

/* Muted, on hold, or with a codec of another clock: the talker is the same one, and as loud at once. */
static void
test_soft_phone_stays_as_loud (void)
{
  static const MediaCodecId pcmu_opus[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS, MEDIA_CODEC_N };
  Scene scene;
  TestPeer *soft, *listener;
  double before;

  scene_init (&scene, FALSE);
  soft = scene_join (&scene, FALSE, pcmu_opus, 440);
  listener = scene_join (&scene, FALSE, pcmu, 0);
  soft->amplitude = 0.03;
  soft->plan.sections[0].normalizes = TRUE;
  test_peer_configure (soft, scene.now);
  scene_run (&scene, 8000);
  before = test_peer_level (listener, 440, 300);
  g_assert_cmpfloat (before, >, 2.5 * soft->amplitude);
  media_leg_set_muted (soft->leg, TRUE);
  scene_run (&scene, 3000);
  g_assert_cmpfloat (test_peer_level (listener, 440, 300), <, SILENT);
  media_leg_set_muted (soft->leg, FALSE);
  assert_as_loud (&scene, listener, before);
  soft->plan.sections[0].receive = FALSE;
  test_peer_configure (soft, scene.now);
  scene_run (&scene, 3000);
  g_assert_cmpfloat (test_peer_level (listener, 440, 300), <, SILENT);
  soft->plan.sections[0].receive = TRUE;
  test_peer_configure (soft, scene.now);
  assert_as_loud (&scene, listener, before);
  test_peer_set_codec (soft, MEDIA_CODEC_OPUS);
  assert_as_loud (&scene, listener, before);
  g_assert_cmpuint (listener->heard[0].breaks, ==, 0);
  scene_clear (&scene);
}

/* Who leaves is heard for one more frame, as loud as before. */
static void
test_soft_phone_leaves_without_a_step (void)
{
  Scene scene;
  TestPeer *soft, *listener;
  gint steady;

  scene_init (&scene, FALSE);
  soft = scene_join (&scene, FALSE, pcmu, 440);
  listener = scene_join (&scene, FALSE, pcmu, 0);
  scene_join (&scene, FALSE, pcmu, 0);
  soft->amplitude = 0.03;
  soft->plan.sections[0].normalizes = TRUE;
  test_peer_configure (soft, scene.now);
  scene_run (&scene, 8000);
  test_peer_forget (listener);
  scene_run (&scene, 1000);
  steady = test_peer_bend (listener);
  scene_leave (&scene, soft);
  scene_run (&scene, 300);
  g_assert_cmpint (test_peer_bend (listener), <=, steady + steady / 2);
  scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/normalize/soft_phone_is_brought_to_a_usual_level",
                   test_soft_phone_is_brought_to_a_usual_level);
  g_test_add_func ("/media/normalize/soft_phone_stays_as_loud", test_soft_phone_stays_as_loud);
  g_test_add_func ("/media/normalize/soft_phone_leaves_without_a_step",
                   test_soft_phone_leaves_without_a_step);
  return g_test_run ();
}
