/* The thread that writes recordings, alone. */
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "config/base/clock.h"
#include "media/file_writer.h"

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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/file_writer/no_space_at_all", test_no_space_at_all);
  return g_test_run ();
}
