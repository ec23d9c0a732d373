/* A room that only forwards does nothing in its ticks: whatever asks it for more must wake it, and afterwards
 * it rests again. */
#include "scene.h"

#include <sndfile.h>

#include <glib/gstdio.h>

#include "media/file_writer.h"
#include "media/play.h"
#include "media/recorder.h"
#include "media/room_private.h"

static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
static const MediaCodecId g722[] = { MEDIA_CODEC_G722, MEDIA_CODEC_PCMU, MEDIA_CODEC_N };

#define HEARD    0.05
#define SILENT   0.01
#define A_HZ     500
#define B_HZ     900
#define C_HZ     1300
#define EU_HZ    425
#define LINGERED 4000 /* until a listener who heard something of his own is forwarded to again */

/* Two who hear each other's packets, and a room that does nothing. */
static void
two_init (Scene *scene, gboolean has_phone)
{
  scene_init (scene, FALSE);
  scene_join (scene, TRUE, pcmu, A_HZ);
  scene_join (scene, !has_phone, pcmu, B_HZ);
  scene_run (scene, 500);
  g_assert_true (scene->room->still);
}

/* 0 as well when nothing came. */
static double
heard (const Scene *scene, guint who, double tone_hz)
{
  return scene->peers[who]->pcm->len > 0 ? test_peer_level (scene->peers[who], tone_hz, 300) : 0;
}

static void
run_anew (Scene *scene, guint ms)
{
  for (guint i = 0; i < scene->n_peers; i++)
    test_peer_forget (scene->peers[i]);
  scene_run (scene, ms);
}

/* Both hear each other alone, and the room rests again. */
static void
assert_as_before (Scene *scene)
{
  run_anew (scene, LINGERED);
  g_assert_true (scene->room->still);
  g_assert_cmpuint (scene->room->stats.n_forwarding, ==, 2);
  g_assert_cmpfloat (heard (scene, 0, B_HZ), >, HEARD);
  g_assert_cmpfloat (heard (scene, 1, A_HZ), >, HEARD);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpfloat (heard (scene, i, C_HZ), <, SILENT);
      g_assert_cmpfloat (heard (scene, i, EU_HZ), <, SILENT);
    }
}

static MediaPlay *
tone (MediaPlayId id)
{
  MediaTonePattern pattern;

  media_tone_pattern (MEDIA_TONE_DIAL, MEDIA_TONE_EU, &pattern);
  return media_play_new_tone (id, &pattern, 0);
}

static void
check_plays (Scene *scene)
{
  media_leg_play (scene->peers[0]->leg, tone (7));
  scene_run (scene, 500);
  g_assert_cmpfloat (heard (scene, 0, EU_HZ), >, HEARD);
  media_leg_stop_play (scene->peers[0]->leg, 7);
  assert_as_before (scene);
  g_assert_cmpuint (scene->peers[0]->n_plays_ended, ==, 1);
  media_room_play (scene->room, tone (8));
  scene_run (scene, 500);
  g_assert_cmpfloat (heard (scene, 0, EU_HZ), >, HEARD);
  g_assert_cmpfloat (heard (scene, 1, EU_HZ), >, HEARD);
  media_room_stop_play (scene->room, 8);
  assert_as_before (scene);
}

static void
check_digits (Scene *scene)
{
  g_assert_cmpint (media_leg_send_dtmf (scene->peers[1]->leg, "12"), ==, 0);
  scene_run (scene, 1000);
  g_assert_cmpstr (scene->peers[1]->heard_digits->str, ==, "12");
  assert_as_before (scene);
}

static void
check_mute_and_gain (Scene *scene)
{
  double usual;

  media_leg_set_muted (scene->peers[0]->leg, TRUE);
  scene_run (scene, 100);
  run_anew (scene, 500);
  g_assert_cmpfloat (heard (scene, 1, A_HZ), <, SILENT);
  media_leg_set_muted (scene->peers[0]->leg, FALSE);
  assert_as_before (scene);
  usual = heard (scene, 1, A_HZ);
  media_leg_set_gain (scene->peers[0]->leg, 2, -12);
  scene_run (scene, 500);
  g_assert_cmpfloat (heard (scene, 1, A_HZ), <, usual / 2);
  media_leg_set_gain (scene->peers[0]->leg, 2, 0);
  assert_as_before (scene);
  media_leg_set_deaf (scene->peers[1]->leg, TRUE);
  scene_run (scene, 100);
  run_anew (scene, 500);
  g_assert_cmpfloat (heard (scene, 1, A_HZ), <, SILENT);
  g_assert_cmpfloat (heard (scene, 0, B_HZ), >, HEARD);
  media_leg_set_deaf (scene->peers[1]->leg, FALSE);
  assert_as_before (scene);
}

static void
check_third (Scene *scene)
{
  scene_join (scene, TRUE, g722, C_HZ);
  scene_run (scene, 500);
  g_assert_cmpfloat (heard (scene, 0, C_HZ), >, HEARD);
  g_assert_cmpfloat (heard (scene, 1, C_HZ), >, HEARD);
  g_assert_cmpfloat (heard (scene, 2, A_HZ), >, HEARD);
  scene_leave (scene, scene->peers[scene->n_peers - 1]);
  assert_as_before (scene);
}

static void
on_started (gpointer user, MediaRecordId id, const char *file)
{
}

static void
on_ended (gpointer user, MediaRecordId id, const MediaRecordResult *result)
{
  *(double *)user = result->duration_s;
}

static void
check_record (Scene *scene)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  g_autofree char *directory = g_dir_make_tmp ("still-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "room.wav", NULL);
  g_autofree gint16 *pcm = g_new0 (gint16, 8000);
  const MediaRecordConfig config = { .directory = directory,
                                     .file = "room.wav",
                                     .format = MEDIA_RECORD_WAV,
                                     .rate_hz = 8000,
                                     .channels = 1,
                                     .max_duration_us = 60 * CFG_US_PER_S };
  double seconds = 0;
  MediaFileWriter *writer = media_file_writer_new (&ops, &seconds, NULL);
  SF_INFO info = { 0 };
  SNDFILE *file;

  media_room_record (scene->room,
                     media_recorder_new (5, &config, media_file_writer_open (writer, 5, &config)));
  scene_run (scene, 1000);
  media_room_stop_record (scene->room, 5, MEDIA_RECORD_STOPPED);
  g_assert_true (media_file_writer_free (writer, test_soon ()));
  g_assert_cmpfloat_with_epsilon (seconds, 1, 0.05);
  file = sf_open (path, SFM_READ, &info);
  g_assert_nonnull (file);
  g_assert_cmpint (sf_readf_short (file, pcm, 8000), >, 7000);
  sf_close (file);
  g_assert_cmpfloat (test_tone_level (pcm + 4000, 2400, 8000, A_HZ), >, HEARD);
  g_assert_cmpfloat (test_tone_level (pcm + 4000, 2400, 8000, B_HZ), >, HEARD);
  g_unlink (path);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
  assert_as_before (scene);
}

static void
test_whatever_wakes_it (gconstpointer has_phone)
{
  static void (*const checks[]) (Scene *)
      = { check_plays, check_digits, check_mute_and_gain, check_third, check_record };
  Scene scene;

  two_init (&scene, has_phone != NULL);
  for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
    checks[i](&scene);
  scene_clear (&scene);
}

/* A phone must not hear that the other side sends nothing: its gaps are filled also where the room rests. */
static void
test_phone_of_a_silent_browser (void)
{
  Scene scene;
  guint64 before;

  two_init (&scene, TRUE);
  scene.peers[0]->tone_hz = 0;
  scene_run (&scene, 1000);
  g_assert_true (scene.room->still);
  before = test_peer_newest (scene.peers[1])->packets;
  scene_run (&scene, 1000);
  g_assert_cmpuint (test_peer_newest (scene.peers[1])->packets - before, >=, 45);
  scene.peers[0]->tone_hz = A_HZ;
  assert_as_before (&scene);
  scene_clear (&scene);
}

/* A tick whose time is over makes no audio, but who came in the meantime is heard with the next one. Encoders
 * do not take the one after it for a second one that they were not used for. */
static void
test_late_tick (void)
{
  Scene scene;
  guint64 before, ticks;

  two_init (&scene, TRUE);
  g_assert_true (media_room_is_at_rest (scene.room));
  scene_join (&scene, TRUE, g722, C_HZ);
  scene_run (&scene, 500);
  g_assert_false (media_room_is_at_rest (scene.room));
  before = test_peer_newest (scene.peers[1])->packets;
  ticks = scene.room->ticks;
  for (guint i = 0; i < 5; i++)
    media_room_tick_late (scene.room, scene.now);
  g_assert_cmpuint (scene.room->ticks, ==, ticks);
  g_assert_cmpuint (test_peer_newest (scene.peers[1])->packets, ==, before);
  scene_leave (&scene, scene.peers[scene.n_peers - 1]);
  media_room_tick_late (scene.room, scene.now);
  g_assert_cmpuint (scene.room->stats.n_mixing, ==, 2);
  assert_as_before (&scene);
  scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/media/still/browsers", NULL, test_whatever_wakes_it);
  g_test_add_data_func ("/media/still/with_a_phone", GINT_TO_POINTER (1), test_whatever_wakes_it);
  g_test_add_func ("/media/still/phone_of_a_silent_browser", test_phone_of_a_silent_browser);
  g_test_add_func ("/media/still/late_tick", test_late_tick);
  return g_test_run ();
}
