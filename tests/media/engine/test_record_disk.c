/* Recordings onto a disk that does not answer any more. What is at 16 kHz is on it, the rest on another one;
 * the time that the engine waits is given. */
#include <dlfcn.h>
#include <sndfile.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "disk.h"
#include "engine_harness.h"
#include "media/engine_private.h"

#define BAD_RATE_HZ  16000
#define GOOD_RATE_HZ 8000
#define WRITERS_MAX  16
#define TIMEOUT_S    30

typedef struct
{
  guint n_started, n_ended;
  MediaRecordEnd end;
  char *file, *error;
  double duration_s;
} Told;

typedef struct
{
  MediaEngine *engine;
  MediaRoomId room;
  char *directory;
  GHashTable *told; /* id → Told */
} Scene;

static SNDFILE *_Atomic on_bad_disk; /* the newest */

static gpointer
library (const char *name)
{
  return dlsym (RTLD_NEXT, name);
}

SNDFILE *
sf_open_virtual (SF_VIRTUAL_IO *io, int mode, SF_INFO *info, void *user)
{
  gpointer found = library ("sf_open_virtual");
  SNDFILE *(*real) (SF_VIRTUAL_IO *, int, SF_INFO *, void *);
  SNDFILE *file;

  if (info->samplerate == BAD_RATE_HZ)
    test_disk_wait ();
  memcpy (&real, &found, sizeof real);
  file = real (io, mode, info, user);
  if (info->samplerate == BAD_RATE_HZ)
    on_bad_disk = file;
  return file;
}

sf_count_t
sf_writef_short (SNDFILE *file, const short *pcm, sf_count_t frames)
{
  gpointer found = library ("sf_writef_short");
  sf_count_t (*real) (SNDFILE *, const short *, sf_count_t);

  if (file == on_bad_disk)
    test_disk_wait ();
  memcpy (&real, &found, sizeof real);
  return real (file, pcm, frames);
}

static void
told_free (gpointer data)
{
  Told *told = data;

  g_free (told->file);
  g_free (told->error);
  g_free (told);
}

static Told *
told_of (Scene *scene, MediaRecordId id)
{
  Told *told = g_hash_table_lookup (scene->told, &id);

  if (told == NULL)
    {
      told = g_new0 (Told, 1);
      g_hash_table_insert (scene->told, g_memdup2 (&id, sizeof id), told);
    }
  return told;
}

static void
on_started (gpointer owner, MediaRecordId id, const char *file)
{
  told_of (owner, id)->n_started++;
}

static void
on_ended (gpointer owner, MediaRecordId id, const MediaRecordResult *result)
{
  Told *told = told_of (owner, id);

  told->n_ended++;
  told->end = result->end;
  told->duration_s = result->duration_s;
  told->file = g_strdup (result->file);
  told->error = g_strdup (result->error);
}

static void
scene_init (Scene *scene)
{
  static const char *const no_address[] = { NULL };
  static const MediaEngineOps ops = { .record_started = on_started, .record_ended = on_ended };
  const MediaEngineConfig config = { .n_workers = 1,
                                     .rtp_port_start = 46700,
                                     .rtp_port_end = 46799,
                                     .rtc_port_start = 46800,
                                     .rtc_port_end = 46899,
                                     .rtc_bind = no_address };

  scene->directory = g_dir_make_tmp ("disk-XXXXXX", NULL);
  scene->told = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, told_free);
  scene->engine = media_engine_new (&config, &ops, scene, NULL);
  g_assert_nonnull (scene->engine);
  scene->room = media_engine_room_new (scene->engine);
}

static MediaRecordId
record (Scene *scene, const char *file, guint rate_hz)
{
  const MediaRecordConfig config
      = { .directory = scene->directory, .file = file, .rate_hz = rate_hz, .channels = 1 };

  return media_engine_record (scene->engine, scene->room, &config);
}

static void
until (const guint *count)
{
  const gint64 end = g_get_monotonic_time () + TIMEOUT_S * G_TIME_SPAN_SECOND;

  while (*count == 0 && g_get_monotonic_time () < end)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
  g_assert_cmpuint (*count, ==, 1);
}

/* Each second, after that many. Returns: when the last was. */
static CfgMonotonic
look_from (Scene *scene, CfgMonotonic start, guint seconds)
{
  for (guint i = 1; i <= seconds; i++)
    media_engine_records_look (scene->engine, cfg_monotonic_add_us (start, i * CFG_US_PER_S));
  return cfg_monotonic_add_us (start, seconds * CFG_US_PER_S);
}

static void
look_after (Scene *scene, guint seconds)
{
  look_from (scene, cfg_monotonic_now (), seconds);
}

/* Readable; with what was on the way when the disk stood still. */
static void
take_away (Scene *scene, const char *file, gboolean has_sound)
{
  g_autofree char *path = g_build_filename (scene->directory, file, NULL);
  SF_INFO info = { 0 };
  SNDFILE *sound = sf_open (path, SFM_READ, &info);

  g_assert_nonnull (sound);
  g_assert_true (info.frames > 0 || !has_sound);
  sf_close (sound);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

/* The disk must be back: its files are finished. @left: (nullable): one that must be there, with sound. */
static void
scene_clear (Scene *scene, const char *left)
{
  media_engine_room_free (scene->engine, scene->room);
  media_engine_free (scene->engine);
  if (left != NULL)
    take_away (scene, left, TRUE);
  g_assert_cmpint (g_rmdir (scene->directory), ==, 0);
  g_hash_table_unref (scene->told);
  g_free (scene->directory);
}

/* One that runs is waited for for longer than one that is stopped. Others go on. */
static void
test_hung_while_recording (void)
{
  for (guint stopped = 0; stopped <= 1; stopped++)
    {
      Scene scene;
      MediaRecordId bad, good;
      Told *told;

      scene_init (&scene);
      bad = record (&scene, "bad.wav", BAD_RATE_HZ);
      told = told_of (&scene, bad);
      until (&told->n_started);
      test_disk_stand (TRUE);
      test_disk_until (1);
      if (stopped)
        media_engine_record_stop (scene.engine, bad);
      look_after (&scene, stopped ? 3 : 20); /* and a busy machine has some seconds more */
      g_assert_cmpuint (told->n_ended, ==, 0);
      look_after (&scene, stopped ? 11 : 31);
      g_assert_cmpuint (told->n_ended, ==, 1);
      g_assert_cmpint (told->end, ==, MEDIA_RECORD_FAILED);
      g_assert_cmpstr (told->file, ==, "bad.wav");
      g_assert_nonnull (strstr (told->error, "the disk has not answered for "));
      media_engine_record_stop (scene.engine, bad);
      good = record (&scene, "good.wav", GOOD_RATE_HZ);
      told = told_of (&scene, good);
      until (&told->n_started);
      media_engine_record_stop (scene.engine, good);
      until (&told->n_ended);
      g_assert_cmpint (told->end, ==, MEDIA_RECORD_STOPPED);
      g_assert_cmpuint (test_disk_n_standing (), ==, 1);
      test_disk_stand (FALSE);
      g_assert_cmpuint (told_of (&scene, bad)->n_ended, ==, 1);
      take_away (&scene, "good.wav", FALSE);
      scene_clear (&scene, "bad.wav");
    }
}

/* Whoever was stopped for minutes finds its disk as it left it, in the middle of a file's turn: it is waited
 * for anew. */
static void
test_stopped_process (void)
{
  Scene scene;
  MediaRecordId id;
  CfgMonotonic now;

  scene_init (&scene);
  id = record (&scene, "bad.wav", BAD_RATE_HZ);
  until (&told_of (&scene, id)->n_started);
  test_disk_stand (TRUE);
  test_disk_until (1);
  now = look_from (&scene, cfg_monotonic_now (), 5);
  now = cfg_monotonic_add_us (now, 600 * CFG_US_PER_S);
  media_engine_records_look (scene.engine, now);
  now = look_from (&scene, now, 29);
  g_assert_cmpuint (told_of (&scene, id)->n_ended, ==, 0);
  look_from (&scene, now, 1);
  g_assert_cmpuint (told_of (&scene, id)->n_ended, ==, 1);
  g_assert_cmpstr (told_of (&scene, id)->error, ==, "the disk has not answered for 30 s");
  test_disk_stand (FALSE);
  scene_clear (&scene, "bad.wav");
}

/* Each takes a thread with it; then there is no other one, until the disk is back. Nothing of them stays. */
static void
test_hung_before_it_began (void)
{
  Scene scene;
  MediaRecordId ids[WRITERS_MAX], good;
  const gint64 end = g_get_monotonic_time () + TIMEOUT_S * G_TIME_SPAN_SECOND;

  scene_init (&scene);
  test_disk_stand (TRUE);
  for (guint i = 0; i < WRITERS_MAX; i++)
    {
      ids[i] = record (&scene, "2026/11/bad.wav", BAD_RATE_HZ);
      g_assert_cmpuint (ids[i], !=, 0);
      test_disk_until (i + 1);
      look_after (&scene, 11);
      g_assert_cmpuint (told_of (&scene, ids[i])->n_ended, ==, 1);
      g_assert_cmpint (told_of (&scene, ids[i])->end, ==, MEDIA_RECORD_FAILED);
      g_assert_null (told_of (&scene, ids[i])->file);
    }
  g_assert_cmpuint (record (&scene, "good.wav", GOOD_RATE_HZ), ==, 0);
  test_disk_stand (FALSE);
  while ((good = record (&scene, "good.wav", GOOD_RATE_HZ)) == 0 && g_get_monotonic_time () < end)
    g_usleep (1000);
  until (&told_of (&scene, good)->n_started);
  media_engine_record_stop (scene.engine, good);
  until (&told_of (&scene, good)->n_ended);
  take_away (&scene, "good.wav", FALSE);
  for (guint i = 0; i < WRITERS_MAX; i++)
    {
      g_assert_cmpuint (told_of (&scene, ids[i])->n_started, ==, 0);
      g_assert_cmpuint (told_of (&scene, ids[i])->n_ended, ==, 1);
    }
  scene_clear (&scene, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/record_disk/hung_while_recording", test_hung_while_recording);
  g_test_add_func ("/media/record_disk/stopped_process", test_stopped_process);
  g_test_add_func ("/media/record_disk/hung_before_it_began", test_hung_before_it_began);
  return g_test_run ();
}
