/* The thread that writes recordings, and the sound of what it is given. */
#include "leg_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sndfile.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "config/base/clock.h"
#include "media/file_writer.h"
#include "media/leg_private.h"
#include "media/recorder.h"

#define RATE_HZ 8000
#define TONE_HZ 430

typedef struct
{
  guint n_started, n_ended; /* on the writer's thread; read when it has ended */
  MediaRecordEnd end;
  gboolean has_error, has_file;
  double duration_s;
  guint64 size;
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
  told->has_file = result->file != NULL;
  told->duration_s = result->duration_s;
  told->size = result->size;
}

static MediaRecordConfig
config_for (const char *directory, const char *file)
{
  return (MediaRecordConfig){ .directory = directory,
                              .file = file,
                              .format = g_str_has_suffix (file, ".ogg") ? MEDIA_RECORD_OGG : MEDIA_RECORD_WAV,
                              .rate_hz = RATE_HZ,
                              .channels = 1,
                              .max_duration_us = CFG_US_PER_S };
}

static struct rlimit
limit_files (rlim_t bytes)
{
  struct rlimit before, small;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  small = before;
  small.rlim_cur = bytes;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  return before;
}

/* Where there is no space for a header nothing begins, and no empty file stays behind. */
static void
test_no_space_at_all (void)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  static const char *const files[] = { "full.wav", "full.ogg", "below/full.ogg", "below/it/all/full.wav" };
  static const gint16 silence[RATE_HZ] = { 0 };

  signal (SIGXFSZ, SIG_IGN);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (files); i++)
    {
      g_autofree char *directory = g_dir_make_tmp ("writer-XXXXXX", NULL);
      const MediaRecordConfig config = config_for (directory, files[i / 2]);
      const struct rlimit before = limit_files (0);
      Told told = { 0 };
      MediaFileWriter *writer = media_file_writer_new (&ops, &told, NULL);
      MediaFileSink *sink;

      g_assert_nonnull (writer);
      sink = media_file_writer_open (writer, 1, &config);
      if (i % 2 == 1)
        (void)!media_file_sink_write (sink, silence, RATE_HZ);
      media_file_sink_close (sink, MEDIA_RECORD_STOPPED);
      g_assert_true (media_file_writer_free (writer, test_soon ()));
      g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
      g_assert_cmpuint (told.n_started, ==, 0);
      g_assert_cmpuint (told.n_ended, ==, 1);
      g_assert_cmpint (told.end, ==, MEDIA_RECORD_DISK_FULL);
      g_assert_true (told.has_error);
      g_assert_cmpint (g_rmdir (directory), ==, 0);
    }
}

/* Folders that were there before stay, and those that have something of others in them. */
static void
test_folders_of_others_stay (void)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  g_autofree char *directory = g_dir_make_tmp ("writer-XXXXXX", NULL);
  g_autofree char *there = g_build_filename (directory, "2026", NULL);
  g_autofree char *made = g_build_filename (there, "11", NULL);
  const MediaRecordConfig config = config_for (directory, "2026/11/22/full.wav");
  struct rlimit before;

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (g_mkdir (there, 0700), ==, 0);
  before = limit_files (0);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *other = g_build_filename (made, "other", NULL);
      Told told = { 0 };
      MediaFileWriter *writer = media_file_writer_new (&ops, &told, NULL);

      if (i == 1)
        g_assert_cmpint (g_mkdir_with_parents (other, 0700), ==, 0);
      media_file_sink_close (media_file_writer_open (writer, 1, &config), MEDIA_RECORD_STOPPED);
      g_assert_true (media_file_writer_free (writer, test_soon ()));
      g_assert_cmpint (told.end, ==, MEDIA_RECORD_DISK_FULL);
      g_assert_cmpint (g_file_test (made, G_FILE_TEST_IS_DIR), ==, i == 1);
      if (i == 1)
        g_assert_cmpint (g_rmdir (other), ==, 0);
    }
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_cmpint (g_rmdir (made), ==, 0);
  g_assert_cmpint (g_rmdir (there), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

/* A file as it is there, which ends @told's time apart from it by a few ms at most. */
static void
assert_file (const char *path, const Told *told)
{
  SF_INFO info = { 0 };
  SNDFILE *file = sf_open (path, SFM_READ, &info);
  g_autofree gint16 *pcm = g_new (gint16, 60 * RATE_HZ);
  g_autofree char *data = NULL;
  gsize size;
  sf_count_t n;

  g_assert_nonnull (file);
  n = sf_readf_short (file, pcm, 60 * RATE_HZ);
  sf_close (file);
  g_assert_cmpfloat_with_epsilon (told->duration_s, (double)n / info.samplerate, 0.03);
  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  g_assert_cmpuint (told->size, ==, size);
  g_assert_true (told->has_file);
}

/* What ends before anything came is a file that can be read, too. */
static void
test_nothing_came (void)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  static const char *const files[] = { "a.wav", "a.ogg" };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *directory = g_dir_make_tmp ("writer-XXXXXX", NULL);
      g_autofree char *path = g_build_filename (directory, files[i], NULL);
      const MediaRecordConfig config = config_for (directory, files[i]);
      Told told = { 0 };
      MediaFileWriter *writer = media_file_writer_new (&ops, &told, NULL);

      media_file_sink_close (media_file_writer_open (writer, 1, &config), MEDIA_RECORD_STOPPED);
      g_assert_true (media_file_writer_free (writer, test_soon ()));
      g_assert_cmpint (told.end, ==, MEDIA_RECORD_STOPPED);
      g_assert_false (told.has_error);
      assert_file (path, &told);
      g_assert_cmpint (g_unlink (path), ==, 0);
      g_assert_cmpint (g_rmdir (directory), ==, 0);
    }
}

/* The disk is full after so many bytes of Ogg: where it was full nothing is left that cannot be read, and
 * what is told is what is there. */
static void
test_full_at_each_page (void)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  static const rlim_t limits[] = { 10, 60, 500, 875, 900, 2000, 5000, 5001, 5100, 20000 };
  gint16 pcm[RATE_HZ];
  guint n_files = 0;

  signal (SIGXFSZ, SIG_IGN);
  for (gsize i = 0; i < G_N_ELEMENTS (pcm); i++)
    pcm[i] = (gint16)(i * 7919 % 8000);
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autofree char *directory = g_dir_make_tmp ("writer-XXXXXX", NULL);
      g_autofree char *path = g_build_filename (directory, "a.ogg", NULL);
      const MediaRecordConfig config = config_for (directory, "a.ogg");
      const struct rlimit before = limit_files (limits[i]);
      Told told = { 0 };
      MediaFileWriter *writer = media_file_writer_new (&ops, &told, NULL);
      MediaFileSink *sink = media_file_writer_open (writer, 1, &config);
      const CfgMonotonic until = test_soon ();

      while (media_file_sink_write (sink, pcm, RATE_HZ)
             && cfg_monotonic_diff_us (until, cfg_monotonic_now ()) > 0)
        g_usleep (10000); /* the thread takes it in its own time */
      media_file_sink_close (sink, MEDIA_RECORD_STOPPED);
      g_assert_true (media_file_writer_free (writer, test_soon ()));
      g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
      g_assert_cmpint (told.end, ==, MEDIA_RECORD_DISK_FULL);
      g_assert_cmpuint (told.n_started, ==, limits[i] >= 875);
      if (told.has_file)
        {
          assert_file (path, &told);
          g_assert_cmpint (g_unlink (path), ==, 0);
          n_files++;
        }
      g_assert_cmpint (g_rmdir (directory), ==, 0);
    }
  g_assert_cmpuint (n_files, >=, 2);
}

/* The same of WAV, which may end anywhere; one with a header alone is none. */
static void
test_full_wav (void)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  static const rlim_t limits[] = { 44, 45, 46, 1044, 5001, 8236, 8238, 20000 };
  gint16 pcm[RATE_HZ];

  signal (SIGXFSZ, SIG_IGN);
  for (gsize i = 0; i < G_N_ELEMENTS (pcm); i++)
    pcm[i] = (gint16)(i * 7919 % 8000);
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autofree char *directory = g_dir_make_tmp ("writer-XXXXXX", NULL);
      g_autofree char *path = g_build_filename (directory, "a.wav", NULL);
      const MediaRecordConfig config = config_for (directory, "a.wav");
      const struct rlimit before = limit_files (limits[i]);
      Told told = { 0 };
      MediaFileWriter *writer = media_file_writer_new (&ops, &told, NULL);
      MediaFileSink *sink = media_file_writer_open (writer, 1, &config);

      for (guint n = 0; n < 3; n++)
        (void)!media_file_sink_write (sink, pcm, RATE_HZ);
      media_file_sink_close (sink, MEDIA_RECORD_STOPPED);
      g_assert_true (media_file_writer_free (writer, test_soon ()));
      g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
      g_assert_cmpint (told.end, ==, MEDIA_RECORD_DISK_FULL);
      g_assert_true (told.has_error);
      g_assert_cmpint (told.has_file, ==, limits[i] >= 46);
      if (told.has_file)
        {
          const guint64 samples = (limits[i] - 44) / 2;

          assert_file (path, &told);
          g_assert_cmpfloat_with_epsilon (told.duration_s, (double)samples / RATE_HZ, 1e-6);
          g_assert_cmpint (g_unlink (path), ==, 0);
        }
      g_assert_cmpint (g_rmdir (directory), ==, 0);
    }
}

static int folder_error;
static guint n_vanishing;

/* The system's, but where a disk refuses it, and where what is there already is removed right after it was
 * seen. */
int
mkdirat (int above, const char *name, mode_t mode)
{
  int status;

  if (folder_error == 0)
    {
      status = (int)syscall (SYS_mkdirat, above, name, mode);
      if (status < 0 && errno == EEXIST && n_vanishing > 0)
        {
          n_vanishing -= unlinkat (above, name, AT_REMOVEDIR) == 0 ? 1 : 0;
          errno = EEXIST;
        }
      return status;
    }
  errno = folder_error;
  return -1;
}

/* A disk that has no space for one more name is full, too. */
static void
test_no_space_for_a_name (void)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  static const struct
  {
    int error;
    MediaRecordEnd end;
  } rows[] = {
    { ENOSPC, MEDIA_RECORD_DISK_FULL },
    { EDQUOT, MEDIA_RECORD_DISK_FULL },
    { EACCES, MEDIA_RECORD_FAILED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *directory = g_dir_make_tmp ("writer-XXXXXX", NULL);
      const MediaRecordConfig config = config_for (directory, "below/a.wav");
      Told told = { 0 };
      MediaFileWriter *writer;

      folder_error = rows[i].error;
      writer = media_file_writer_new (&ops, &told, NULL);
      media_file_sink_close (media_file_writer_open (writer, 1, &config), MEDIA_RECORD_STOPPED);
      g_assert_true (media_file_writer_free (writer, test_soon ()));
      folder_error = 0;
      g_assert_cmpuint (told.n_ended, ==, 1);
      g_assert_cmpint (told.end, ==, rows[i].end);
      g_assert_true (told.has_error);
      g_assert_false (told.has_file);
      g_assert_cmpint (g_rmdir (directory), ==, 0);
    }
}

/* The last of those that did not come about in a folder removes it while another one finds it there: it is
 * made anew. */
static void
test_folder_vanishes (void)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  g_autofree char *directory = g_dir_make_tmp ("writer-XXXXXX", NULL);
  g_autofree char *above = g_build_filename (directory, "2026", NULL);
  g_autofree char *folder = g_build_filename (above, "11", NULL);
  g_autofree char *path = g_build_filename (folder, "a.wav", NULL);
  const MediaRecordConfig config = config_for (directory, "2026/11/a.wav");
  Told told = { 0 };
  MediaFileWriter *writer;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  n_vanishing = 1;
  writer = media_file_writer_new (&ops, &told, NULL);
  media_file_sink_close (media_file_writer_open (writer, 1, &config), MEDIA_RECORD_STOPPED);
  g_assert_true (media_file_writer_free (writer, test_soon ()));
  g_assert_cmpuint (n_vanishing, ==, 0);
  g_assert_cmpuint (told.n_started, ==, 1);
  g_assert_cmpuint (told.n_ended, ==, 1);
  g_assert_cmpint (told.end, ==, MEDIA_RECORD_STOPPED);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
  g_assert_cmpint (g_rmdir (above), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

static char raced_path[256], raced_away[256];

/* On the writer's thread, within its first write: another program renames the file and makes one of its own.
 */
static void
take_its_name (int signal_number)
{
  if (rename (raced_path, raced_away) == 0)
    close (open (raced_path, O_WRONLY | O_CREAT | O_EXCL, 0600));
}

/* What is removed is the file that was made, never one that has its name by now. */
static void
test_name_is_anothers (void)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  g_autofree char *directory = g_dir_make_tmp ("writer-XXXXXX", NULL);
  const MediaRecordConfig config = config_for (directory, "full.wav");
  Told told = { 0 };
  MediaFileWriter *writer = media_file_writer_new (&ops, &told, NULL);
  struct rlimit before;

  g_snprintf (raced_path, sizeof raced_path, "%s/full.wav", directory);
  g_snprintf (raced_away, sizeof raced_away, "%s/away.wav", directory);
  signal (SIGXFSZ, take_its_name);
  before = limit_files (0);
  media_file_sink_close (media_file_writer_open (writer, 1, &config), MEDIA_RECORD_STOPPED);
  g_assert_true (media_file_writer_free (writer, test_soon ()));
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (told.end, ==, MEDIA_RECORD_DISK_FULL);
  g_assert_cmpint (g_unlink (raced_path), ==, 0); /* still there */
  g_assert_cmpint (g_unlink (raced_away), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

/* Where no file can be made that is told, once, and nothing is left behind. */
static void
test_no_place (void)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  g_autofree char *directory = g_dir_make_tmp ("writer-XXXXXX", NULL);
  g_autofree char *plain = g_build_filename (directory, "plain", NULL);
  g_autofree char *ring = g_build_filename (directory, "ring", NULL);
  g_autofree char *gone = g_build_filename (directory, "gone", NULL);
  g_autofree char *nowhere = g_build_filename (directory, "nowhere", NULL);
  g_autofree char *long_name = g_strnfill (300, 'x');
  const struct
  {
    const char *directory, *file;
  } rows[] = {
    { "/proc/none", "a.wav" },    /* a file system that takes none */
    { "/proc/self", "a.wav" },    /* one in a directory that is there */
    { plain, "a.wav" },           /* a file */
    { directory, "plain/a.wav" }, /* below a file */
    { ring, "a.wav" },            /* a link to itself */
    { directory, "gone/a.wav" },  /* a link to nothing */
    { directory, long_name },     /* 300 bytes */
    { directory, "a/../a.wav" },  /* by a way round */
    { directory, "./a.wav" },
    { directory, "a//b.wav" },
  };

  g_assert_true (g_file_set_contents (plain, "", 0, NULL));
  g_assert_cmpint (symlink (ring, ring), ==, 0);
  g_assert_cmpint (symlink (nowhere, gone), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const MediaRecordConfig config = config_for (rows[i].directory, rows[i].file);
      Told told = { 0 };
      MediaFileWriter *writer = media_file_writer_new (&ops, &told, NULL);

      media_file_sink_close (media_file_writer_open (writer, 1, &config), MEDIA_RECORD_STOPPED);
      g_assert_true (media_file_writer_free (writer, test_soon ()));
      g_assert_cmpuint (told.n_started, ==, 0);
      g_assert_cmpuint (told.n_ended, ==, 1);
      g_assert_cmpint (told.end, ==, MEDIA_RECORD_FAILED);
      g_assert_true (told.has_error);
      g_assert_false (told.has_file);
    }
  g_assert_cmpint (g_unlink (plain), ==, 0);
  g_assert_cmpint (g_unlink (ring), ==, 0);
  g_assert_cmpint (g_unlink (gone), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

/* ---- writers that do not end ---- */

typedef struct
{
  GMutex lock;
  GCond changed;
  gboolean is_held;
  guint n_held;
} Disk;

static void
hold (gpointer user, MediaRecordId id, const char *file)
{
  Disk *disk = user;

  g_mutex_lock (&disk->lock);
  disk->n_held++;
  g_cond_broadcast (&disk->changed);
  while (disk->is_held)
    g_cond_wait (&disk->changed, &disk->lock);
  g_mutex_unlock (&disk->lock);
}

static void
ignore_end (gpointer user, MediaRecordId id, const MediaRecordResult *result)
{
}

/* One instant bounds all of them, however many there are. */
static void
test_ends_in_time (void)
{
  static const MediaFileWriterOps ops = { .started = hold, .ended = ignore_end };
  g_autofree char *directory = g_dir_make_tmp ("writer-XXXXXX", NULL);
  const MediaRecordConfig config = config_for (directory, "a.wav");
  MediaFileWriter *writers[8];
  Disk disk = { .is_held = TRUE };
  CfgMonotonic began, until;

  g_mutex_init (&disk.lock);
  g_cond_init (&disk.changed);
  for (guint i = 0; i < G_N_ELEMENTS (writers); i++)
    {
      writers[i] = media_file_writer_new (&ops, &disk, NULL);
      media_file_sink_close (media_file_writer_open (writers[i], 1, &config), MEDIA_RECORD_STOPPED);
    }
  g_mutex_lock (&disk.lock);
  while (disk.n_held < G_N_ELEMENTS (writers))
    g_cond_wait (&disk.changed, &disk.lock);
  g_mutex_unlock (&disk.lock);
  began = cfg_monotonic_now ();
  until = cfg_monotonic_add_us (began, CFG_US_PER_S / 2);
  for (guint i = 0; i < G_N_ELEMENTS (writers); i++)
    g_assert_false (media_file_writer_free (writers[i], until));
  g_assert_cmpint (cfg_monotonic_now ().us, >=, until.us);
  g_mutex_lock (&disk.lock);
  disk.is_held = FALSE;
  g_cond_broadcast (&disk.changed);
  g_mutex_unlock (&disk.lock);
  for (guint i = 0; i < G_N_ELEMENTS (writers); i++)
    g_assert_true (media_file_writer_free (writers[i], test_soon ()));
  g_mutex_clear (&disk.lock);
  g_cond_clear (&disk.changed);
  for (guint i = 1; i <= G_N_ELEMENTS (writers); i++)
    {
      g_autofree char *name = i == 1 ? g_strdup ("a.wav") : g_strdup_printf ("a-%u.wav", i);
      g_autofree char *path = g_build_filename (directory, name, NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

/* ---- through the engine ---- */

static void
on_engine_started (gpointer owner, MediaRecordId record, const char *file)
{
  ((Told *)owner)->n_started++;
}

static gboolean
keep_turning (gpointer user)
{
  return G_SOURCE_CONTINUE;
}

static void
spin (const guint *counter, guint n)
{
  const gint64 until = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;

  while (*counter < n && g_get_monotonic_time () < until)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (*counter, ==, n);
}

/* From now on threads want a stack that no machine has. */
static void
refuse_threads (gboolean refuse)
{
  static gsize usual;
  pthread_attr_t attributes;

  g_assert_cmpint (pthread_getattr_default_np (&attributes), ==, 0);
  if (usual == 0)
    g_assert_cmpint (pthread_attr_getstacksize (&attributes, &usual), ==, 0);
  g_assert_cmpint (pthread_attr_setstacksize (&attributes, refuse ? (gsize)1 << 47 : usual), ==, 0);
  g_assert_cmpint (pthread_setattr_default_np (&attributes), ==, 0);
  pthread_attr_destroy (&attributes);
}

/* Where the next writer's thread cannot be made, the first one takes what comes. */
static void
test_no_more_threads (void)
{
  static const char *const no_address[] = { NULL };
  static const MediaEngineOps ops = { .record_started = on_engine_started, .record_ended = on_ended };
  const MediaEngineConfig engine_config = { .n_workers = 2,
                                            .rtp_port_start = 46200,
                                            .rtp_port_end = 46299,
                                            .rtc_port_start = 46300,
                                            .rtc_port_end = 46399,
                                            .rtc_bind = no_address };
  g_autofree char *directory = g_dir_make_tmp ("writer-XXXXXX", NULL);
  const MediaRecordConfig config = config_for (directory, "a.wav");
  Told told = { 0 };
  MediaEngine *engine = media_engine_new (&engine_config, &ops, &told, NULL);
  const guint timer = g_timeout_add (10, keep_turning, NULL);
  MediaRoomId room;

  g_assert_nonnull (engine);
  room = media_engine_room_new (engine);
  refuse_threads (TRUE);
  g_test_expect_message ("switchroom", G_LOG_LEVEL_WARNING, "*thread*");
  g_assert_cmpuint (media_engine_record (engine, room, &config), ==, 0);
  refuse_threads (FALSE);
  g_assert_cmpuint (media_engine_record (engine, room, &config), !=, 0);
  refuse_threads (TRUE);
  g_test_expect_message ("switchroom", G_LOG_LEVEL_WARNING, "*thread*");
  g_assert_cmpuint (media_engine_record (engine, room, &config), !=, 0);
  g_test_assert_expected_messages ();
  refuse_threads (FALSE);
  spin (&told.n_started, 2);
  media_engine_free (engine);
  g_source_remove (timer);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *path = g_build_filename (directory, i == 0 ? "a.wav" : "a-2.wav", NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
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

typedef struct
{
  guint mix_speakers;
  MediaCodecId codec; /* of PCMU the level is known without decoding: it is decoded only where it is wanted */
} Muted;

static gboolean
is_chosen (const TestPeer *peer)
{
  return peer->leg->sections[0]->source.chosen;
}

/* Who is recorded alone and muted goes out of the file as he goes out of the mix, also when another one has
 * the only place in that. */
static void
test_muted_without_a_step (gconstpointer data)
{
  const Muted *test = data;
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
  const MediaCodecId codecs[] = { test->codec, MEDIA_CODEC_N };
  const MediaRoomConfig room_config = { .id = 1, .opus_complexity = 1, .mix_speakers = test->mix_speakers };
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
  TestPeer *peers[] = { test_peer_join (room, 1, TRUE, codecs, 0, now),
                        test_peer_join (room, 2, FALSE, pcmu, test->mix_speakers == 1 ? 570 : 0, now),
                        test_peer_join (room, 3, FALSE, pcmu, 0, now) };
  SF_INFO info = { 0 };
  SNDFILE *file;
  gsize n;

  test_run (room, peers, G_N_ELEMENTS (peers), &now, 500);
  peers[0]->tone_hz = TONE_HZ;
  test_run (room, peers, G_N_ELEMENTS (peers), &now, 500);
  media_room_record (room, media_recorder_new (5, &config, media_file_writer_open (writer, 5, &config)));
  test_run (room, peers, G_N_ELEMENTS (peers), &now, 1000);
  g_assert_cmpint (peers[0]->leg->sections[0]->source.levels_arrive, ==, test->codec == MEDIA_CODEC_PCMU);
  for (guint i = 0; i < 8; i++)
    {
      g_assert_cmpint (is_chosen (peers[0]), ==, test->mix_speakers != 1 && i % 2 == 0);
      media_leg_set_muted (peers[0]->leg, i % 2 == 0);
      test_run (room, peers, G_N_ELEMENTS (peers), &now, 200 + 20 * i);
    }
  media_room_stop_record (room, 5, MEDIA_RECORD_STOPPED);
  g_assert_true (media_file_writer_free (writer, test_soon ()));
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

static const Muted muted[] = {
  { 0, MEDIA_CODEC_PCMU },
  { 1, MEDIA_CODEC_PCMU },
  { 0, MEDIA_CODEC_OPUS },
  { 1, MEDIA_CODEC_OPUS },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/file_writer/no_space_at_all", test_no_space_at_all);
  g_test_add_func ("/media/file_writer/folders_of_others_stay", test_folders_of_others_stay);
  g_test_add_func ("/media/file_writer/nothing_came", test_nothing_came);
  g_test_add_func ("/media/file_writer/full_at_each_page", test_full_at_each_page);
  g_test_add_func ("/media/file_writer/full_wav", test_full_wav);
  g_test_add_func ("/media/file_writer/no_space_for_a_name", test_no_space_for_a_name);
  g_test_add_func ("/media/file_writer/folder_vanishes", test_folder_vanishes);
  g_test_add_func ("/media/file_writer/name_is_anothers", test_name_is_anothers);
  g_test_add_func ("/media/file_writer/no_place", test_no_place);
  g_test_add_func ("/media/file_writer/ends_in_time", test_ends_in_time);
  g_test_add_func ("/media/file_writer/no_more_threads", test_no_more_threads);
  for (guint i = 0; i < G_N_ELEMENTS (muted); i++)
    {
      g_autofree char *path = g_strdup_printf ("/media/file_writer/muted_without_a_step/%u", i);

      g_test_add_data_func (path, &muted[i], test_muted_without_a_step);
    }
  return g_test_run ();
}
