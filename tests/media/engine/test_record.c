/* What is recorded of rooms: who is in the file and where, under injected time; files by a real writer. */
#include "leg_harness.h"

#include <math.h>
#include <signal.h>
#include <sndfile.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "engine_harness.h"
#include "media/file_writer.h"
#include "media/recorder.h"

static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
static const MediaCodecId opus[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_PCMU, MEDIA_CODEC_N };

#define HEARD     0.05
#define SILENT    0.01
#define PHONE_HZ  1000
#define OTHER_HZ  1300
#define TIMEOUT_S 30
#define LOW       0.001
/* Ogg that ends suddenly has no length of its own. */
#define FRAMES_MAX ((sf_count_t)60 * 48000)

/* Results come on the writer's thread. */
typedef struct
{
  GMutex lock;
  GCond changed;
  guint n_started, n_ended;
  gboolean stands_still; /* started does not return */
  char file[256], error[256];
  MediaRecordResult result;
} Told;

typedef struct
{
  char *directory;
  MediaFileWriter *writer;
  Told told;
  MediaRoom *room;
  CfgMonotonic now;
  TestPeer *peers[4];
  guint n_peers;
} Scene;

static void
on_started (gpointer user, MediaRecordId id, const char *file)
{
  Told *told = user;

  g_mutex_lock (&told->lock);
  told->n_started++;
  g_strlcpy (told->file, file, sizeof told->file);
  g_cond_broadcast (&told->changed);
  while (told->stands_still)
    g_cond_wait (&told->changed, &told->lock);
  g_mutex_unlock (&told->lock);
}

static void
on_ended (gpointer user, MediaRecordId id, const MediaRecordResult *result)
{
  Told *told = user;

  g_mutex_lock (&told->lock);
  told->n_ended++;
  told->result = *result;
  g_strlcpy (told->file, result->file != NULL ? result->file : "", sizeof told->file);
  g_strlcpy (told->error, result->error != NULL ? result->error : "", sizeof told->error);
  g_cond_broadcast (&told->changed);
  g_mutex_unlock (&told->lock);
}

static void
wait_for (Told *told, const guint *counter, guint n)
{
  const gint64 until = g_get_monotonic_time () + TIMEOUT_S * G_USEC_PER_SEC;

  g_mutex_lock (&told->lock);
  while (*counter < n)
    g_assert_true (g_cond_wait_until (&told->changed, &told->lock, until));
  g_mutex_unlock (&told->lock);
}

static void
scene_init (Scene *scene)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  const MediaRoomConfig config = { .id = 1, .opus_complexity = 1 };

  *scene = (Scene){ .now = { 1000 * CFG_US_PER_S } };
  g_mutex_init (&scene->told.lock);
  g_cond_init (&scene->told.changed);
  scene->directory = g_dir_make_tmp ("record-XXXXXX", NULL);
  scene->writer = media_file_writer_new (&ops, &scene->told, NULL);
  scene->room = media_room_new (&config, NULL, NULL);
}

static void
remove_below (const char *directory)
{
  g_autoptr (GDir) entries = g_dir_open (directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (entries)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
        remove_below (path);
      else
        g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

static void
scene_clear (Scene *scene)
{
  for (guint i = 0; i < scene->n_peers; i++)
    {
      media_room_remove (scene->room, scene->peers[i]->leg, scene->now);
      test_peer_free (scene->peers[i]);
    }
  media_room_free (scene->room);
  g_assert_true (media_file_writer_free (scene->writer, test_soon ()));
  remove_below (scene->directory);
  g_free (scene->directory);
  g_mutex_clear (&scene->told.lock);
  g_cond_clear (&scene->told.changed);
}

static TestPeer *
join (Scene *scene, gboolean is_browser, const MediaCodecId *codecs, double tone_hz)
{
  TestPeer *peer = test_peer_join (scene->room, scene->n_peers + 1, is_browser, codecs, tone_hz, scene->now);

  scene->peers[scene->n_peers++] = peer;
  return peer;
}

static void
run (Scene *scene, guint ms)
{
  test_run (scene->room, scene->peers, scene->n_peers, &scene->now, ms);
}

static MediaRecordConfig
config_for (const Scene *scene, const char *file)
{
  return (MediaRecordConfig){ .directory = scene->directory,
                              .file = file,
                              .format = g_str_has_suffix (file, ".ogg") ? MEDIA_RECORD_OGG : MEDIA_RECORD_WAV,
                              .rate_hz = 16000,
                              .channels = 1,
                              .max_duration_us = 3600 * CFG_US_PER_S };
}

static MediaRecorder *
recorder (Scene *scene, MediaRecordId id, const MediaRecordConfig *config)
{
  return media_recorder_new (id, config, media_file_writer_open (scene->writer, id, config));
}

typedef struct
{
  SF_INFO info;
  gint16 *pcm;
} Sound;

static void
sound_read (Sound *sound, const char *directory, const char *file)
{
  g_autofree char *path = g_build_filename (directory, file, NULL);
  SNDFILE *from;

  sound->info = (SF_INFO){ 0 };
  from = sf_open (path, SFM_READ, &sound->info);
  if (from == NULL)
    g_error ("%s: %s", path, sf_strerror (NULL));
  sound->pcm = g_new (gint16, (gsize)(FRAMES_MAX * sound->info.channels));
  sound->info.frames = sf_readf_short (from, sound->pcm, FRAMES_MAX);
  sf_close (from);
}

/* Of the middle third. */
static double
level (const Sound *sound, guint channel, double hz)
{
  const gsize n = (gsize)sound->info.frames / 3;
  g_autofree gint16 *mono = g_new (gint16, n);

  for (gsize i = 0; i < n; i++)
    mono[i] = sound->pcm[(n + i) * (gsize)sound->info.channels + channel];
  return test_tone_level (mono, n, (guint)sound->info.samplerate, hz);
}

static double
seconds (const Sound *sound)
{
  return (double)sound->info.frames / sound->info.samplerate;
}

static void
stop (Scene *scene, MediaRecordId id)
{
  const guint before = scene->told.n_ended;

  media_room_stop_record (scene->room, id, MEDIA_RECORD_STOPPED);
  wait_for (&scene->told, &scene->told.n_ended, before + 1);
}

/* A phone and a browser that are forwarded to each other stay so, without a break, while they are recorded.
 */
static void
test_forwarded_call (void)
{
  Scene scene;
  TestPeer *phone, *browser;
  MediaRecordConfig config;
  MediaRoomStats stats;
  Sound sound;

  scene_init (&scene);
  phone = join (&scene, FALSE, pcmu, PHONE_HZ);
  browser = join (&scene, TRUE, pcmu, OTHER_HZ);
  run (&scene, 500);
  config = config_for (&scene, "call.wav");
  media_room_record (scene.room, recorder (&scene, 5, &config));
  run (&scene, 3000);
  media_room_get_stats (scene.room, &stats);
  g_assert_cmpuint (stats.n_forwarding, ==, 2);
  g_assert_cmpuint (stats.encodes, ==, 0);
  g_assert_cmpuint (stats.n_decoding, ==, 2);
  stop (&scene, 5);
  g_assert_cmpint (scene.told.result.end, ==, MEDIA_RECORD_STOPPED);
  g_assert_cmpstr (scene.told.file, ==, "call.wav");
  run (&scene, 500);
  media_room_get_stats (scene.room, &stats);
  g_assert_cmpuint (stats.n_decoding, ==, 2); /* of the last mix: there was none since */
  g_assert_cmpuint (phone->n_heard + browser->n_heard, ==, 2);
  g_assert_cmpuint (phone->heard[0].breaks + browser->heard[0].breaks, ==, 0);
  sound_read (&sound, scene.directory, "call.wav");
  g_assert_cmpfloat_with_epsilon (seconds (&sound), 3, 0.05);
  g_assert_cmpfloat_with_epsilon (scene.told.result.duration_s, seconds (&sound), 0.001);
  g_assert_cmpuint (scene.told.result.size, >, 90000);
  g_assert_cmpfloat (scene.told.result.lost_s, ==, 0);
  g_assert_cmpfloat (level (&sound, 0, PHONE_HZ), >, HEARD);
  g_assert_cmpfloat (level (&sound, 0, OTHER_HZ), >, HEARD);
  g_free (sound.pcm);
  scene_clear (&scene);
}

/* Each format at each rate, of a room that mixes. */
static void
test_formats (void)
{
  static const struct
  {
    const char *file;
    guint rate_hz, channels;
    int format;
  } rows[] = {
    { "a.wav", 8000, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16 },
    { "b.wav", 16000, 2, SF_FORMAT_WAV | SF_FORMAT_PCM_16 },
    { "c.wav", 48000, 2, SF_FORMAT_WAV | SF_FORMAT_PCM_16 },
    { "d.ogg", 8000, 1, SF_FORMAT_OGG | SF_FORMAT_OPUS },
    { "e.ogg", 16000, 1, SF_FORMAT_OGG | SF_FORMAT_OPUS },
    { "f.ogg", 48000, 2, SF_FORMAT_OGG | SF_FORMAT_OPUS },
  };
  Scene scene;

  scene_init (&scene);
  join (&scene, FALSE, pcmu, PHONE_HZ);
  join (&scene, TRUE, opus, OTHER_HZ);
  join (&scene, TRUE, opus, 0);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      MediaRecordConfig config = config_for (&scene, rows[i].file);
      Sound sound;

      config.rate_hz = rows[i].rate_hz;
      config.channels = rows[i].channels;
      media_room_record (scene.room, recorder (&scene, 10 + i, &config));
      run (&scene, 2400);
      stop (&scene, 10 + i);
      g_assert_cmpstr (scene.told.error, ==, "");
      sound_read (&sound, scene.directory, rows[i].file);
      g_assert_cmpint (sound.info.format & (SF_FORMAT_TYPEMASK | SF_FORMAT_SUBMASK), ==, rows[i].format);
      g_assert_cmpuint ((guint)sound.info.channels, ==, rows[i].channels);
      g_assert_cmpfloat_with_epsilon (seconds (&sound), 2.4, 0.1);
      g_assert_cmpfloat (level (&sound, 0, PHONE_HZ), >, HEARD);
      g_assert_cmpfloat (level (&sound, rows[i].channels - 1, OTHER_HZ), >, HEARD);
      if (rows[i].channels == 2)
        {
          g_assert_cmpfloat (level (&sound, 0, OTHER_HZ), <, SILENT);
          g_assert_cmpfloat (level (&sound, 1, PHONE_HZ), <, SILENT);
        }
      g_free (sound.pcm);
    }
  scene_clear (&scene);
}

static void
assert_begins (const Scene *scene, const char *file, const char *chunk)
{
  g_autofree char *path = g_build_filename (scene->directory, file, NULL);
  g_autofree char *data = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  g_assert_cmpuint (size, >, 16);
  g_assert_cmpint (memcmp (data, "RIFF", 4), ==, 0);
  g_assert_cmpint (memcmp (data + 12, chunk, 4), ==, 0);
}

/* Where more than 4 GB may come together the header has space for that, of a WAV file all the same. */
static void
test_long_files (void)
{
  static const struct
  {
    const char *file;
    guint rate_hz, channels;
    gint64 hours; /* 0: no limit */
    const char *chunk;
  } rows[] = {
    { "a.wav", 48000, 2, 6, "fmt " },
    { "b.wav", 48000, 2, 7, "JUNK" },
    { "c.wav", 8000, 1, 0, "JUNK" },
  };
  Scene scene;

  scene_init (&scene);
  join (&scene, FALSE, pcmu, PHONE_HZ);
  run (&scene, 200);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      MediaRecordConfig config = config_for (&scene, rows[i].file);
      Sound sound;

      config.rate_hz = rows[i].rate_hz;
      config.channels = rows[i].channels;
      config.max_duration_us = rows[i].hours * 3600 * CFG_US_PER_S;
      media_room_record (scene.room, recorder (&scene, 10 + i, &config));
      run (&scene, 1500);
      stop (&scene, 10 + i);
      assert_begins (&scene, rows[i].file, rows[i].chunk);
      sound_read (&sound, scene.directory, rows[i].file);
      g_assert_cmpfloat_with_epsilon (seconds (&sound), 1.5, 0.05);
      g_assert_cmpfloat (level (&sound, 0, PHONE_HZ), >, HEARD);
      g_free (sound.pcm);
    }
  scene_clear (&scene);
}

/* A call that takes the place of another one is recorded on, in the same file. */
static void
test_leg_is_replaced (void)
{
  Scene scene;
  MediaRecordConfig config, all;
  Sound sound;
  gsize half;

  scene_init (&scene);
  join (&scene, FALSE, pcmu, PHONE_HZ);
  join (&scene, FALSE, pcmu, OTHER_HZ);
  run (&scene, 500);
  config = config_for (&scene, "one.wav");
  config.leg = 1;
  all = config_for (&scene, "all.wav");
  media_room_record (scene.room, recorder (&scene, 5, &config));
  media_room_record (scene.room, recorder (&scene, 6, &all));
  run (&scene, 1000);
  media_room_record_leg (scene.room, 5, 2);
  media_room_record_leg (scene.room, 6, 2); /* of the room: stays so */
  run (&scene, 1000);
  stop (&scene, 5);
  stop (&scene, 6);
  sound_read (&sound, scene.directory, "one.wav");
  half = (gsize)sound.info.frames / 2;
  g_assert_cmpfloat (test_tone_level (sound.pcm, half - 800, 16000, PHONE_HZ), >, HEARD);
  g_assert_cmpfloat (test_tone_level (sound.pcm, half - 800, 16000, OTHER_HZ), <, SILENT);
  g_assert_cmpfloat (test_tone_level (sound.pcm + half + 800, half - 800, 16000, OTHER_HZ), >, HEARD);
  g_assert_cmpfloat (test_tone_level (sound.pcm + half + 800, half - 800, 16000, PHONE_HZ), <, SILENT);
  g_free (sound.pcm);
  sound_read (&sound, scene.directory, "all.wav");
  g_assert_cmpfloat (level (&sound, 0, PHONE_HZ), >, HEARD);
  g_free (sound.pcm);
  scene_clear (&scene);
}

static void
test_one_of_three (void)
{
  static const double tones[] = { PHONE_HZ, OTHER_HZ, 1700 };
  Scene scene;
  MediaRecordConfig alone, apart;
  Sound sound;

  scene_init (&scene);
  for (guint i = 0; i < 3; i++)
    join (&scene, FALSE, pcmu, tones[i]);
  run (&scene, 500);
  alone = config_for (&scene, "alone.wav");
  alone.leg = 2;
  apart = config_for (&scene, "apart.wav");
  apart.leg = 2;
  apart.channels = 2;
  media_room_record (scene.room, recorder (&scene, 5, &alone));
  media_room_record (scene.room, recorder (&scene, 6, &apart));
  run (&scene, 2000);
  stop (&scene, 5);
  stop (&scene, 6);
  sound_read (&sound, scene.directory, "alone.wav");
  for (guint i = 0; i < 3; i++)
    if (i == 1)
      g_assert_cmpfloat (level (&sound, 0, tones[i]), >, HEARD);
    else
      g_assert_cmpfloat (level (&sound, 0, tones[i]), <, SILENT);
  g_free (sound.pcm);
  sound_read (&sound, scene.directory, "apart.wav");
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpfloat (level (&sound, i == 1 ? 0 : 1, tones[i]), >, HEARD);
      g_assert_cmpfloat (level (&sound, i == 1 ? 1 : 0, tones[i]), <, SILENT);
    }
  g_free (sound.pcm);
  scene_clear (&scene);
}

/* The mix leaves out what is too low to be speech; a recording of one participant has all of it, without a
 * gap. */
static void
test_low_voice (void)
{
  Scene scene;
  TestPeer *low;
  MediaRecordConfig config, all;
  Sound sound;

  scene_init (&scene);
  low = join (&scene, FALSE, pcmu, PHONE_HZ);
  low->amplitude = LOW;
  join (&scene, FALSE, pcmu, OTHER_HZ);
  run (&scene, 500);
  config = config_for (&scene, "low.wav");
  config.leg = 1;
  all = config_for (&scene, "all.wav");
  media_room_record (scene.room, recorder (&scene, 5, &config));
  media_room_record (scene.room, recorder (&scene, 6, &all));
  run (&scene, 2000);
  stop (&scene, 5);
  stop (&scene, 6);
  sound_read (&sound, scene.directory, "all.wav");
  g_assert_cmpfloat (level (&sound, 0, PHONE_HZ), <, LOW / 4);
  g_free (sound.pcm);
  sound_read (&sound, scene.directory, "low.wav");
  for (gsize at = 4000; at + 1600 < (gsize)sound.info.frames; at += 1600)
    g_assert_cmpfloat (test_tone_level (sound.pcm + at, 1600, 16000, PHONE_HZ), >, LOW / 2);
  g_assert_cmpfloat (level (&sound, 0, OTHER_HZ), <, 0.0005);
  g_free (sound.pcm);
  scene_clear (&scene);
}

/* A recording is as long as the clock says: with nobody there, with ticks left out, and never too long. */
static void
test_time (void)
{
  Scene scene;
  MediaRecordConfig config;
  Sound sound;

  scene_init (&scene);
  config = config_for (&scene, "silence.wav");
  config.max_duration_us = 2500 * CFG_US_PER_MS;
  media_room_record (scene.room, recorder (&scene, 5, &config));
  run (&scene, 500);
  scene.now = cfg_monotonic_add_us (scene.now, CFG_US_PER_S); /* the worker stood still */
  run (&scene, 800);
  g_assert_cmpuint (scene.told.n_ended, ==, 0);
  run (&scene, 400);
  wait_for (&scene.told, &scene.told.n_ended, 1);
  g_assert_cmpint (scene.told.result.end, ==, MEDIA_RECORD_MAX_DURATION);
  sound_read (&sound, scene.directory, "silence.wav");
  g_assert_cmpint (sound.info.frames, ==, 2500 * 16);
  g_free (sound.pcm);
  media_room_stop_record (scene.room, 5, MEDIA_RECORD_STOPPED); /* it is over */
  scene_clear (&scene);
}

/* The disk stands still for longer than the ring lasts: what is lost is counted and silent, the rest in its
 * place. */
static void
test_slow_disk (void)
{
  Scene scene;
  MediaRecordConfig config;
  Sound sound;

  scene_init (&scene);
  join (&scene, FALSE, pcmu, PHONE_HZ);
  run (&scene, 200);
  scene.told.stands_still = TRUE;
  config = config_for (&scene, "slow.wav");
  media_room_record (scene.room, recorder (&scene, 5, &config));
  run (&scene, MEDIA_FILE_RING_MS + 2000);
  g_mutex_lock (&scene.told.lock);
  scene.told.stands_still = FALSE;
  g_cond_broadcast (&scene.told.changed);
  g_mutex_unlock (&scene.told.lock);
  for (guint i = 0; i < 10; i++) /* what follows comes as it would: the writer has its time */
    {
      run (&scene, 100);
      g_usleep (20000);
    }
  stop (&scene, 5);
  g_assert_cmpint (scene.told.result.end, ==, MEDIA_RECORD_STOPPED);
  g_assert_cmpfloat (scene.told.result.lost_s, >=, 1.9);
  g_assert_cmpfloat (scene.told.result.lost_s, <, 3.1);
  sound_read (&sound, scene.directory, "slow.wav");
  g_assert_cmpfloat_with_epsilon (seconds (&sound), 7, 1.1);
  g_assert_cmpfloat (test_tone_level (sound.pcm + 16000, 16000, 16000, PHONE_HZ), >, HEARD);
  g_assert_cmpfloat (test_tone_level (sound.pcm + 16000 * 9 / 2, 16000, 16000, PHONE_HZ), <, SILENT);
  g_free (sound.pcm);
  scene_clear (&scene);
}

static void
expect_end (Scene *scene, const char *file, MediaRecordEnd end, const char *what)
{
  const MediaRecordConfig config = config_for (scene, file);
  const guint before = scene->told.n_ended;

  media_room_record (scene->room, recorder (scene, 77, &config));
  run (scene, 40);
  media_room_stop_record (scene->room, 77, MEDIA_RECORD_STOPPED);
  wait_for (&scene->told, &scene->told.n_ended, before + 1);
  g_assert_cmpint (scene->told.result.end, ==, end);
  g_test_message ("%s: %s %s", file, scene->told.file, scene->told.error);
  g_assert_nonnull (strstr (end == MEDIA_RECORD_FAILED ? scene->told.error : scene->told.file, what));
  g_assert_null (strstr (scene->told.error, scene->directory));
}

static void
test_names (void)
{
  g_autofree char *link = NULL, *plain = NULL;
  Scene scene;
  struct stat status;

  scene_init (&scene);
  link = g_build_filename (scene.directory, "link", NULL);
  plain = g_build_filename (scene.directory, "x.wav", NULL);
  g_assert_cmpint (symlink (g_get_tmp_dir (), link), ==, 0);
  expect_end (&scene, "x.wav", MEDIA_RECORD_STOPPED, "x.wav");
  expect_end (&scene, "x.wav", MEDIA_RECORD_STOPPED, "x-2.wav");
  expect_end (&scene, "x.wav", MEDIA_RECORD_STOPPED, "x-3.wav");
  expect_end (&scene, "a/b.c/d", MEDIA_RECORD_STOPPED, "a/b.c/d");
  expect_end (&scene, "a/b.c/d", MEDIA_RECORD_STOPPED, "a/b.c/d-2");
  expect_end (&scene, "../x.wav", MEDIA_RECORD_FAILED, "cannot be made");
  expect_end (&scene, "a/../../x.wav", MEDIA_RECORD_FAILED, "cannot be made");
  expect_end (&scene, "/tmp/x.wav", MEDIA_RECORD_FAILED, "cannot be made");
  expect_end (&scene, "", MEDIA_RECORD_FAILED, "cannot be made");
  expect_end (&scene, "link/x.wav", MEDIA_RECORD_FAILED, "cannot be made");
  expect_end (&scene, "x.wav/y.wav", MEDIA_RECORD_FAILED, "Not a directory");
  g_assert_cmpint (stat (plain, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 07, ==, 0); /* not for everybody */
  scene_clear (&scene);
}

/* A limit of the file's size does as a full disk does: what was written can be heard. */
static void
test_disk_full (void)
{
  static const char *const files[] = { "full.wav", "full.ogg" };
  struct rlimit before, small;

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  small = before;
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      Scene scene;
      MediaRecordConfig config;
      Sound sound;

      scene_init (&scene);
      join (&scene, FALSE, pcmu, PHONE_HZ);
      run (&scene, 200);
      config = config_for (&scene, files[i]);
      small.rlim_cur = i == 0 ? 50000 : 8000;
      g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
      media_room_record (scene.room, recorder (&scene, 5, &config));
      for (guint n = 0; n < 300 && g_atomic_int_get (&scene.told.n_ended) == 0; n++)
        {
          run (&scene, 100);
          g_usleep (5000);
        }
      wait_for (&scene.told, &scene.told.n_ended, 1);
      g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
      g_assert_cmpint (scene.told.result.end, ==, MEDIA_RECORD_DISK_FULL);
      g_assert_cmpstr (scene.told.error, !=, "");
      run (&scene, 100); /* the recorder is gone from the room */
      sound_read (&sound, scene.directory, files[i]);
      g_assert_cmpfloat (seconds (&sound), >, 0.9);
      g_assert_cmpfloat (level (&sound, 0, PHONE_HZ), >, HEARD);
      g_free (sound.pcm);
      scene_clear (&scene);
    }
}

/* What a process that is killed leaves: the file as it is while it is being written. */
static void
test_unfinished_files (void)
{
  static const char *const files[] = { "killed.wav", "killed.ogg" };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      Scene scene;
      MediaRecordConfig config;
      g_autofree char *path = NULL, *copy = NULL, *data = NULL;
      gsize size = 0;
      Sound sound;

      scene_init (&scene);
      join (&scene, FALSE, pcmu, PHONE_HZ);
      run (&scene, 200);
      path = g_build_filename (scene.directory, files[i], NULL);
      copy = g_build_filename (scene.directory, "copy", NULL);
      config = config_for (&scene, files[i]);
      media_room_record (scene.room, recorder (&scene, 5, &config));
      wait_for (&scene.told, &scene.told.n_started, 1);
      for (guint n = 0; n < 200 && size < (i == 0 ? 100000 : 8000); n++)
        {
          run (&scene, 200);
          g_usleep (20000);
          g_clear_pointer (&data, g_free);
          g_assert_true (g_file_get_contents (path, &data, &size, NULL));
        }
      g_assert_true (g_file_set_contents (copy, data, (gssize)size, NULL));
      sound_read (&sound, scene.directory, "copy");
      g_assert_cmpfloat (seconds (&sound), >, 1);
      g_assert_cmpfloat (level (&sound, 0, PHONE_HZ), >, HEARD);
      g_free (sound.pcm);
      stop (&scene, 5);
      scene_clear (&scene);
    }
}

/* ---- through the engine ---- */

typedef struct
{
  guint n_started, n_ended;
  MediaRecordEnd end;
  char file[64];
} Heard;

static void
on_record_started (gpointer owner, MediaRecordId record, const char *file)
{
  Heard *heard = owner;

  heard->n_started++;
  g_strlcpy (heard->file, file, sizeof heard->file);
}

static void
on_record_ended (gpointer owner, MediaRecordId record, const MediaRecordResult *result)
{
  Heard *heard = owner;

  heard->n_ended++;
  heard->end = result->end;
}

static gboolean
keep_turning (gpointer user)
{
  return G_SOURCE_CONTINUE;
}

static void
spin (const guint *counter, guint n)
{
  const gint64 until = g_get_monotonic_time () + TIMEOUT_S * G_USEC_PER_SEC;

  while (*counter < n && g_get_monotonic_time () < until)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (*counter, ==, n);
}

static guint
count_threads (const char *wanted)
{
  g_autoptr (GDir) tasks = g_dir_open ("/proc/self/task", 0, NULL);
  const char *task;
  guint n = 0;

  while ((task = g_dir_read_name (tasks)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/task", task, "comm", NULL);
      g_autofree char *name = NULL;

      if (g_file_get_contents (path, &name, NULL, NULL))
        n += strcmp (g_strchomp (name), wanted) == 0;
    }
  return n;
}

static void
test_engine (void)
{
  static const char *const no_address[] = { NULL };
  static const MediaEngineOps ops = { .record_started = on_record_started, .record_ended = on_record_ended };
  const MediaEngineConfig engine_config = { .n_workers = 2,
                                            .rtp_port_start = 46000,
                                            .rtp_port_end = 46099,
                                            .rtc_port_start = 46100,
                                            .rtc_port_end = 46199,
                                            .rtc_bind = no_address };
  g_autofree char *directory = g_dir_make_tmp ("record-XXXXXX", NULL);
  g_autofree char *missing = g_build_filename (directory, "made", NULL);
  MediaRecordConfig config
      = { .directory = missing, .file = "a.wav", .format = MEDIA_RECORD_WAV, .rate_hz = 8000, .channels = 1 };
  Heard heard = { 0 };
  g_autoptr (GError) error = NULL;
  MediaEngine *engine = media_engine_new (&engine_config, &ops, &heard, &error);
  MediaRoomId room, other;
  MediaRecordId id;
  Sound sound;
  const guint timer = g_timeout_add (10, keep_turning, NULL);

  g_assert_no_error (error);
  room = media_engine_room_new (engine);
  other = media_engine_room_new (engine);
  g_assert_cmpuint (media_engine_record (engine, 4711, &config), ==, 0);
  media_engine_record_stop (engine, 4711);
  id = media_engine_record (engine, room, &config);
  g_assert_cmpuint (id, !=, 0);
  spin (&heard.n_started, 1);
  g_assert_cmpstr (heard.file, ==, "a.wav");
  media_engine_record_stop (engine, id);
  spin (&heard.n_ended, 1);
  g_assert_cmpint (heard.end, ==, MEDIA_RECORD_STOPPED);
  g_assert_cmpuint (media_engine_record (engine, other, &config), !=, 0);
  spin (&heard.n_started, 2);
  g_assert_cmpuint (count_threads ("media-recorder"), ==, 1); /* the first one has no file any more */
  media_engine_room_free (engine, other);
  spin (&heard.n_ended, 2);
  g_assert_cmpint (heard.end, ==, MEDIA_RECORD_GONE);
  /* At the end of the process: nothing is told, the file is finished. */
  config.file = "last.wav";
  g_assert_cmpuint (media_engine_record (engine, room, &config), !=, 0);
  spin (&heard.n_started, 3);
  config.file = "beside.wav"; /* two at a time, then three, on as many threads as there are workers */
  g_assert_cmpuint (media_engine_record (engine, room, &config), !=, 0);
  g_assert_cmpuint (media_engine_record (engine, room, &config), !=, 0);
  spin (&heard.n_started, 5);
  g_assert_cmpuint (count_threads ("media-recorder"), ==, 2);
  media_engine_free (engine);
  sound_read (&sound, missing, "beside-2.wav");
  g_assert_cmpint (sound.info.samplerate, ==, 8000);
  g_free (sound.pcm);
  sound_read (&sound, missing, "last.wav");
  g_assert_cmpint (sound.info.samplerate, ==, 8000);
  g_free (sound.pcm);
  g_source_remove (timer);
  remove_below (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/record/forwarded_call", test_forwarded_call);
  g_test_add_func ("/media/record/formats", test_formats);
  g_test_add_func ("/media/record/one_of_three", test_one_of_three);
  g_test_add_func ("/media/record/long_files", test_long_files);
  g_test_add_func ("/media/record/leg_is_replaced", test_leg_is_replaced);
  g_test_add_func ("/media/record/low_voice", test_low_voice);
  g_test_add_func ("/media/record/time", test_time);
  g_test_add_func ("/media/record/slow_disk", test_slow_disk);
  g_test_add_func ("/media/record/names", test_names);
  g_test_add_func ("/media/record/disk_full", test_disk_full);
  g_test_add_func ("/media/record/unfinished_files", test_unfinished_files);
  g_test_add_func ("/media/record/engine", test_engine);
  return g_test_run ();
}
