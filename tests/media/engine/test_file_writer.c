/* The thread that writes recordings, and the sound of what it is given. */
#include "leg_harness.h"

#include <signal.h>
#include <sndfile.h>
#include <sys/resource.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "config/base/clock.h"
#include "media/file_writer.h"
#include "media/recorder.h"

#define RATE_HZ 8000
#define TONE_HZ 430

typedef struct
{
  guint n_started, n_ended; /* on the writer's thread; read when it has ended */
  MediaRecordEnd end;
  gboolean has_error;
} Told;

static void
on_started (gpointer user, MediaRecordId id, const char *file)
{
  ((Told *)user)->n_started++;
}

static void
on_ended (gpointer user, MediaRecordId id, const MediaRecordResult *result)
{
  Told *told = user;

  told->n_ended++;
  told->end = result->end;
  told->has_error = result->error != NULL;
}

/* Where there is no space for a header nothing begins, and no empty file stays behind. */
static void
test_no_space_at_all (void)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  g_autofree char *directory = g_dir_make_tmp ("writer-XXXXXX", NULL);
  const MediaRecordConfig config = { .directory = directory,
                                     .file = "full.wav",
                                     .format = MEDIA_RECORD_WAV,
                                     .rate_hz = 8000,
                                     .channels = 1,
                                     .max_duration_us = CFG_US_PER_S };
  Told told = { 0 };
  MediaFileWriter *writer = media_file_writer_new (&ops, &told, NULL);
  struct rlimit before, none;

  g_assert_nonnull (writer);
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  none = before;
  none.rlim_cur = 0;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &none), ==, 0);
  media_file_sink_close (media_file_writer_open (writer, 1, &config), MEDIA_RECORD_STOPPED);
  g_assert_true (media_file_writer_free (writer, 30));
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_cmpuint (told.n_started, ==, 0);
  g_assert_cmpuint (told.n_ended, ==, 1);
  g_assert_cmpint (told.end, ==, MEDIA_RECORD_DISK_FULL);
  g_assert_true (told.has_error);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

static gint
worst_bend (const gint16 *pcm, gsize from, gsize end)
{
  gint worst = 0;

  for (gsize i = from + 2; i < end; i++)
    worst = MAX (worst, ABS (pcm[i] - 2 * pcm[i - 1] + pcm[i - 2]));
  return worst;
}

/* Who is recorded alone and muted goes out of the file as he goes out of the mix. */
static void
test_muted_without_a_step (void)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
  const MediaRoomConfig room_config = { .id = 1, .opus_complexity = 1 };
  g_autofree char *directory = g_dir_make_tmp ("writer-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "alone.wav", NULL);
  g_autofree gint16 *pcm = g_new0 (gint16, 10 * RATE_HZ);
  const MediaRecordConfig config = { .directory = directory,
                                     .file = "alone.wav",
                                     .format = MEDIA_RECORD_WAV,
                                     .rate_hz = RATE_HZ,
                                     .channels = 1,
                                     .leg = 1,
                                     .max_duration_us = 60 * CFG_US_PER_S };
  Told told = { 0 };
  CfgMonotonic now = { 1000 * CFG_US_PER_S };
  MediaRoom *room = media_room_new (&room_config, NULL, NULL);
  MediaFileWriter *writer = media_file_writer_new (&ops, &told, NULL);
  TestPeer *peers[]
      = { test_peer_join (room, 1, FALSE, pcmu, TONE_HZ, now), test_peer_join (room, 2, FALSE, pcmu, 0, now),
          test_peer_join (room, 3, FALSE, pcmu, 0, now) };
  SF_INFO info = { 0 };
  SNDFILE *file;
  gsize n;

  test_run (room, peers, G_N_ELEMENTS (peers), &now, 500);
  media_room_record (room, media_recorder_new (5, &config, media_file_writer_open (writer, 5, &config)));
  test_run (room, peers, G_N_ELEMENTS (peers), &now, 1000);
  for (guint i = 0; i < 8; i++)
    {
      media_leg_set_muted (peers[0]->leg, i % 2 == 0);
      test_run (room, peers, G_N_ELEMENTS (peers), &now, 200 + 20 * i);
    }
  media_room_stop_record (room, 5, MEDIA_RECORD_STOPPED);
  g_assert_true (media_file_writer_free (writer, 30));
  file = sf_open (path, SFM_READ, &info);
  g_assert_nonnull (file);
  n = (gsize)sf_readf_short (file, pcm, 10 * RATE_HZ);
  sf_close (file);
  g_assert_cmpuint (n, >, 3 * RATE_HZ);
  g_assert_cmpint (worst_bend (pcm, RATE_HZ, n), <, worst_bend (pcm, RATE_HZ / 2, RATE_HZ) * 3 / 2);
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      media_room_remove (room, peers[i]->leg, now);
      test_peer_free (peers[i]);
    }
  media_room_free (room);
  g_unlink (path);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/file_writer/no_space_at_all", test_no_space_at_all);
  g_test_add_func ("/media/file_writer/muted_without_a_step", test_muted_without_a_step);
  return g_test_run ();
}
