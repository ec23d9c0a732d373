/* Recordings whose name is taken: they get a number, whatever else is in the folder. */
#include "leg_harness.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "media/file_writer.h"
#include "media/recorder.h"
#include "tests/media/random.h"

static guint n_looks, n_racing;

/* The system's, counted; and another program is sometimes faster. */
int
openat (int folder, const char *name, int flags, ...)
{
  va_list arguments;
  mode_t mode;

  va_start (arguments, flags);
  mode = va_arg (arguments, mode_t);
  va_end (arguments);
  n_looks++;
  if ((flags & O_EXCL) != 0 && n_racing > 0)
    {
      n_racing--;
      close ((int)syscall (SYS_openat, folder, name, flags, mode));
    }
  return (int)syscall (SYS_openat, folder, name, flags, mode);
}

int
fstatat (int folder, const char *name, struct stat *status, int flags)
{
  n_looks++;
  return (int)syscall (SYS_newfstatat, folder, name, status, flags);
}

static char *
path_of (const char *directory, guint number)
{
  g_autofree char *name = number == 1 ? g_strdup ("call.wav") : g_strdup_printf ("call-%u.wav", number);

  return g_build_filename (directory, name, NULL);
}

static void
make_empty (const char *directory, guint number)
{
  g_autofree char *path = path_of (directory, number);
  const int fd = (int)syscall (SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600);

  g_assert_cmpint (fd, >=, 0);
  close (fd);
}

/* Returns: how many there were. @n_sounds: (out): of them with something in them. */
static guint
remove_all (const char *directory, guint *n_sounds)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;
  guint n = 0;

  *n_sounds = 0;
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);
      struct stat status;

      g_assert_cmpint (stat (path, &status), ==, 0);
      *n_sounds += status.st_size > 0;
      g_assert_cmpint (g_unlink (path), ==, 0);
      n++;
    }
  return n;
}

static void
on_started (gpointer user, MediaRecordId id, const char *file)
{
}

static void
on_ended (gpointer user, MediaRecordId id, const MediaRecordResult *result)
{
  *(MediaRecordEnd *)user = result->end;
}

/* Returns: how many names were looked at. */
static guint
record_call (const char *directory)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  const MediaRecordConfig config = {
    .directory = directory, .file = "call.wav", .format = MEDIA_RECORD_WAV, .rate_hz = 8000, .channels = 1
  };
  MediaRecordEnd end = MEDIA_RECORD_FAILED;
  MediaFileWriter *writer = media_file_writer_new (&ops, &end, NULL);

  n_looks = 0;
  media_file_sink_close (media_file_writer_open (writer, 1, &config), MEDIA_RECORD_STOPPED);
  g_assert_true (media_file_writer_free (writer, test_soon ()));
  g_assert_cmpint (end, ==, MEDIA_RECORD_STOPPED);
  return n_looks;
}

/* However many recordings have the same name: each gets one, after a few looks. */
static void
test_many_of_a_name (void)
{
  static const guint counts[] = { 0, 1, 2, 3, 4, 7, 8, 9, 10500 };
  guint n_sounds;

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      g_autofree char *directory = g_dir_make_tmp ("writer-XXXXXX", NULL);
      g_autofree char *next = path_of (directory, counts[i] + 1);

      for (guint n = 1; n <= counts[i]; n++)
        make_empty (directory, n);
      g_assert_cmpuint (record_call (directory), <=, 32);
      g_assert_true (g_file_test (next, G_FILE_TEST_IS_REGULAR));
      g_assert_cmpuint (remove_all (directory, &n_sounds), ==, counts[i] + 1);
      g_assert_cmpuint (n_sounds, ==, 1);
      g_assert_cmpint (g_rmdir (directory), ==, 0);
    }
}

/* With holes, with numbers that only a search finds taken, and with somebody who takes what was free. */
static void
test_names_that_are_taken (void)
{
  g_autofree char *directory = g_dir_make_tmp ("writer-XXXXXX", NULL);
  TestRandom random = test_random (14);
  guint n_sounds;

  for (guint i = 0; i < 100; i++)
    {
      guint n_before = 0;

      for (guint n = 1; n <= 40; n++)
        if (test_random_below (&random, 40) >= i % 40)
          {
            make_empty (directory, n);
            n_before++;
          }
      g_assert_cmpuint (record_call (directory), <=, 20);
      g_assert_cmpuint (remove_all (directory, &n_sounds), ==, n_before + 1);
      g_assert_cmpuint (n_sounds, ==, 1);
    }
  /* Powers of two are all that is ever looked at first. */
  make_empty (directory, 1);
  for (guint n = 2; n != 0; n *= 2)
    make_empty (directory, n);
  g_assert_cmpuint (record_call (directory), <=, 100);
  g_assert_cmpuint (remove_all (directory, &n_sounds), ==, 33);
  for (guint races = 1; races <= 40; races++)
    {
      n_racing = races;
      record_call (directory);
      g_assert_cmpuint (n_racing, ==, 0);
      g_assert_cmpuint (remove_all (directory, &n_sounds), ==, races + 1);
      g_assert_cmpuint (n_sounds, ==, 1);
    }
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/file_names/many_of_a_name", test_many_of_a_name);
  g_test_add_func ("/media/file_names/names_that_are_taken", test_names_that_are_taken);
  return g_test_run ();
}
