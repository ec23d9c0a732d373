/* What is played to legs and rooms, and digits that are sent: under injected time; files with a real reader.
 */
#include "scene.h"

#include <errno.h>
#include <math.h>
#include <sndfile.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "media/codec/dtmf_detector.h"
#include "media/play.h"

static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
static const MediaCodecId opus[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_N };

#define HEARD     0.05
#define SILENT    0.01
#define EU_HZ     425
#define FILE_HZ   700
#define TONE      9000 /* of a file's tone, at its highest */
#define TIMEOUT_S 20

static MediaPlay *
tone (MediaPlayId id, MediaToneKind kind)
{
  MediaTonePattern pattern;

  media_tone_pattern (kind, MEDIA_TONE_EU, &pattern);
  return media_play_new_tone (id, &pattern, 0);
}

static void
test_leg_in_no_room_hears_its_own (void)
{
  Scene scene;
  TestPeer *a, *b;

  scene_init (&scene, TRUE);
  a = scene_join (&scene, FALSE, pcmu, 1000);
  b = scene_join (&scene, FALSE, pcmu, 1300);
  media_leg_play (a->leg, tone (7, MEDIA_TONE_DIAL));
  scene_run (&scene, 1000);
  g_assert_cmpfloat (test_peer_level (a, EU_HZ, 500), >, HEARD);
  g_assert_cmpfloat (test_peer_level (a, 1300, 500), <, SILENT);
  g_assert_cmpfloat (test_peer_level (b, EU_HZ, 500), <, SILENT);
  g_assert_cmpuint (a->heard[0].breaks, ==, 0);
  media_leg_stop_play (a->leg, 8); /* not this one */
  g_assert_cmpuint (a->n_plays_ended, ==, 0);
  media_leg_stop_play (a->leg, 7);
  scene_run (&scene, 40); /* it goes out first */
  g_assert_cmpuint (a->n_plays_ended, ==, 1);
  g_assert_cmpint (a->play_end, ==, MEDIA_PLAY_STOPPED);
  scene_run (&scene, 1000);
  g_assert_cmpfloat (test_peer_level (a, EU_HZ, 500), <, SILENT);
  scene_clear (&scene);
}

/* A forwarded call: one side hears a tone over the other's voice, then is forwarded to again, all in one
 * stream without a break. */
static void
test_one_of_two_hears_it_with_the_room (void)
{
  Scene scene;
  TestPeer *a, *b;
  MediaRoomStats stats;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 1000);
  b = scene_join (&scene, FALSE, pcmu, 1300);
  scene_run (&scene, 1000);
  media_leg_play (a->leg, tone (7, MEDIA_TONE_BEEP));
  scene_run (&scene, 400);
  g_assert_cmpfloat (test_peer_level (a, 1000, 200), >, HEARD);
  g_assert_cmpfloat (test_peer_level (a, 1300, 200), >, HEARD);
  g_assert_cmpfloat (test_peer_level (b, 1300, 200), <, SILENT);
  scene_run (&scene, 600);
  g_assert_cmpuint (a->n_plays_ended, ==, 1);
  g_assert_cmpint (a->play_end, ==, MEDIA_PLAY_FINISHED);
  media_room_get_stats (scene.room, &stats);
  g_assert_cmpuint (stats.n_forwarding, ==, 2);
  g_assert_cmpuint (a->n_heard, ==, 1);
  g_assert_cmpuint (a->heard[0].breaks, ==, 0);
  g_assert_cmpint (a->heard[0].longest_gap_us, <=, 120 * CFG_US_PER_MS);
  scene_clear (&scene);
}

static void
test_everybody_hears_it (void)
{
  Scene scene;
  TestPeer *phone, *other, *browser;

  scene_init (&scene, FALSE);
  phone = scene_join (&scene, FALSE, pcmu, 1000);
  other = scene_join (&scene, FALSE, pcmu, 0);
  browser = scene_join (&scene, TRUE, opus, 0);
  media_room_play (scene.room, tone (3, MEDIA_TONE_DIAL));
  scene_run (&scene, 1000);
  for (guint i = 0; i < scene.n_peers; i++)
    g_assert_cmpfloat (test_peer_level (scene.peers[i], EU_HZ, 500), >, HEARD);
  g_assert_cmpfloat (test_peer_level (browser, 1000, 500), >, HEARD);
  g_assert_cmpfloat (test_peer_level (other, 1000, 500), >, HEARD);
  g_assert_cmpfloat (test_peer_level (phone, 1000, 500), <, SILENT);
  media_room_stop_play (scene.room, 3);
  scene_run (&scene, 1000);
  g_assert_cmpuint (scene.n_plays_ended, ==, 1);
  g_assert_cmpfloat (test_peer_level (browser, EU_HZ, 500), <, SILENT);
  scene_clear (&scene);
}

/* A browser that takes tracks hears it on its first one, which is silent: not also the others. */
static void
test_silent_track_hears_it_alone (void)
{
  Scene scene;
  TestPeer *phone, *browser;

  scene_init (&scene, FALSE);
  phone = scene_join (&scene, FALSE, pcmu, 1000);
  scene_join (&scene, FALSE, pcmu, 1300);
  browser = scene_join (&scene, TRUE, opus, 0);
  browser->plan.sections[0].sink = MEDIA_SINK_TRACK;
  browser->plan.sections[0].sink_track = phone->plan.sections[0].source_track;
  test_peer_configure (browser, scene.now);
  media_leg_set_muted (phone->leg, TRUE);
  media_room_play (scene.room, tone (3, MEDIA_TONE_DIAL));
  scene_run (&scene, 1000);
  g_assert_cmpfloat (test_peer_level (phone, 1300, 500), >, HEARD);
  g_assert_cmpfloat (test_peer_level (browser, EU_HZ, 500), >, HEARD);
  g_assert_cmpfloat (test_peer_level (browser, 1300, 500), <, SILENT);
  scene_clear (&scene);
}

/* Somebody alone in a room, and nobody at all: time passes all the same. */
static void
test_ends_in_an_empty_room (void)
{
  Scene scene;

  scene_init (&scene, FALSE);
  media_room_play (scene.room, tone (3, MEDIA_TONE_BEEP));
  scene_run (&scene, 1000);
  g_assert_cmpuint (scene.n_plays_ended, ==, 1);
  g_assert_cmpint (scene.play_end, ==, MEDIA_PLAY_FINISHED);
  scene_clear (&scene);
}

static void
test_follows_a_leg_and_goes_with_it (void)
{
  Scene scene;
  TestPeer *a;

  scene_init (&scene, TRUE);
  a = scene_join (&scene, FALSE, pcmu, 0);
  media_leg_play (a->leg, tone (7, MEDIA_TONE_DIAL));
  scene_run (&scene, 200);
  media_room_remove (scene.room, a->leg, scene.now);
  media_room_add (scene.room, a->leg, scene.now);
  scene_run (&scene, 1000);
  g_assert_cmpfloat (test_peer_level (a, EU_HZ, 500), >, HEARD);
  media_leg_end_plays (a->leg);
  g_assert_cmpuint (a->n_plays_ended, ==, 1);
  g_assert_cmpint (a->play_end, ==, MEDIA_PLAY_GONE);
  scene_clear (&scene);
}

static void
test_too_many_are_refused (void)
{
  Scene scene;
  TestPeer *a;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 0);
  for (guint i = 0; i <= MEDIA_PLAYS_MAX; i++)
    {
      media_leg_play (a->leg, tone (10 + i, MEDIA_TONE_DIAL));
      media_room_play (scene.room, tone (30 + i, MEDIA_TONE_DIAL));
    }
  g_assert_cmpuint (a->n_plays_ended, ==, 1);
  g_assert_cmpuint (a->ended_play, ==, 10 + MEDIA_PLAYS_MAX);
  g_assert_cmpint (a->play_end, ==, MEDIA_PLAY_FAILED);
  g_assert_cmpuint (scene.n_plays_ended, ==, 1);
  scene_run (&scene, 100);
  scene_clear (&scene);
}

/* ---- digits ---- */

/* One that goes out with its last frame is not in the way of the one that comes instead. */
static void
test_replaced_at_the_limit (void)
{
  Scene scene;
  TestPeer *a;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 0);
  for (guint i = 0; i <= MEDIA_PLAYS_MAX; i++)
    {
      if (i == MEDIA_PLAYS_MAX)
        {
          scene_run (&scene, 200);
          media_leg_stop_play (a->leg, 10);
          media_room_stop_play (scene.room, 30);
        }
      media_leg_play (a->leg, tone (10 + i, MEDIA_TONE_DIAL));
      media_room_play (scene.room, tone (30 + i, MEDIA_TONE_DIAL));
    }
  scene_run (&scene, 200);
  g_assert_cmpuint (a->n_plays_ended + scene.n_plays_ended, ==, 2);
  scene_clear (&scene);
}

static void
check_events (gboolean forwarded)
{
  Scene scene;
  TestPeer *a;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 0);
  if (forwarded)
    scene_join (&scene, FALSE, pcmu, 1000);
  scene_run (&scene, 500);
  test_peer_forget (a);
  g_assert_cmpint (media_leg_send_dtmf (a->leg, "12w#D"), ==, 0);
  g_assert_cmpint (media_leg_send_dtmf (a->leg, "1x"), ==, -EINVAL);
  scene_run (&scene, 3000);
  g_assert_cmpstr (a->heard_digits->str, ==, "12#D");
  g_assert_cmpuint (a->digit_ms, ==, 100);
  g_assert_cmpuint (a->event_markers, ==, 4);
  g_assert_cmpuint (a->event_packets, ==, 4 * (4 + 3)); /* 20–80 ms, and the end three times */
  g_assert_cmpuint (a->n_heard, ==, 1);
  g_assert_cmpuint (a->heard[0].breaks, ==, 0);
  g_assert_cmpint (a->heard[0].longest_gap_us, <=, 60 * CFG_US_PER_MS);
  if (forwarded)
    g_assert_cmpfloat (test_peer_level (a, 1000, 500), >, HEARD);
  scene_clear (&scene);
}

static void
test_events_between_forwarded_audio (void)
{
  check_events (TRUE);
}

static void
test_events_between_silence (void)
{
  check_events (FALSE);
}

/* The audio's clock goes on while digits are sent: 2 s later the timestamp is 2 s further. */
static void
test_timestamps_keep_time (void)
{
  Scene scene;
  TestPeer *a;
  guint32 before;
  CfgMonotonic since;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 0);
  scene_run (&scene, 500);
  before = test_peer_newest (a)->timestamp;
  since = test_peer_newest (a)->at;
  g_assert_cmpint (media_leg_send_dtmf (a->leg, "123"), ==, 0);
  scene_run (&scene, 2000);
  g_assert_cmpint (ABS ((gint64)(test_peer_newest (a)->timestamp - before)
                        - cfg_monotonic_diff_us (test_peer_newest (a)->at, since) * 8 / 1000),
                   <=, 160);
  scene_clear (&scene);
}

static void
test_tones_where_no_events_are_taken (void)
{
  Scene scene;
  TestPeer *a;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 0);
  scene_join (&scene, FALSE, pcmu, 2000);
  a->plan.sections[0].dtmf_send_pt = 0;
  test_peer_configure (a, scene.now);
  scene_run (&scene, 500);
  g_assert_cmpint (media_leg_send_dtmf (a->leg, "55"), ==, 0);
  scene_run (&scene, 100);
  g_assert_cmpfloat (test_peer_level (a, 770, 60), >, HEARD);
  g_assert_cmpfloat (test_peer_level (a, 1336, 60), >, HEARD);
  g_assert_cmpfloat (test_peer_level (a, 2000, 60), <, SILENT);
  g_assert_cmpuint (a->event_packets, ==, 0);
  scene_run (&scene, 1000);
  g_assert_cmpfloat (test_peer_level (a, 770, 300), <, SILENT);
  g_assert_cmpfloat (test_peer_level (a, 2000, 300), >, HEARD);
  scene_clear (&scene);
}

/* A machine that leaves out ticks makes no tone shorter than 100 ms. */
static void
test_tones_while_ticks_are_missed (void)
{
  g_autoptr (MediaDtmfDetector) detector = media_dtmf_detector_new ();
  g_autoptr (GString) found = g_string_new (NULL);
  Scene scene;
  TestPeer *a;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 0);
  a->plan.sections[0].dtmf_send_pt = 0;
  test_peer_configure (a, scene.now);
  scene_run (&scene, 500);
  test_peer_forget (a);
  g_assert_cmpint (media_leg_send_dtmf (a->leg, "19#55"), ==, 0);
  for (guint i = 0; i < 80; i++)
    {
      scene.now = cfg_monotonic_add_us (scene.now, (i % 10 < 5 ? 180 : 20) * CFG_US_PER_MS);
      media_room_tick (scene.room, scene.now);
    }
  for (guint i = 0; i + TEST_HEARD_RATE / 50 <= a->pcm->len; i += TEST_HEARD_RATE / 50)
    {
      MediaDetectedDigit digits[MEDIA_DTMF_DETECTOR_MAX];
      gint16 pcm[MEDIA_DTMF_DETECTOR_RATE_HZ / 50];
      guint n;

      for (guint k = 0; k < G_N_ELEMENTS (pcm); k++) /* the phone's audio has 8 kHz */
        pcm[k] = g_array_index (a->pcm, gint16, i + k * TEST_HEARD_RATE / MEDIA_DTMF_DETECTOR_RATE_HZ);
      n = media_dtmf_detector_push (detector, pcm, G_N_ELEMENTS (pcm), digits);
      for (guint k = 0; k < n; k++)
        {
          g_string_append_c (found, digits[k].digit);
          g_assert_cmpuint (digits[k].duration_ms, >=, 75);
        }
    }
  g_assert_cmpstr (found->str, ==, "19#55");
  scene_clear (&scene);
}

static void
test_digits_wait_while_held (void)
{
  Scene scene;
  TestPeer *a;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 0);
  scene_run (&scene, 200);
  g_assert_cmpint (media_leg_send_dtmf (a->leg, "77"), ==, 0);
  a->plan.sections[0].send = FALSE;
  test_peer_configure (a, scene.now);
  scene_run (&scene, 1000);
  g_assert_cmpstr (a->heard_digits->str, ==, "");
  g_assert_cmpint (media_leg_send_dtmf (a->leg, "8"), ==, -ENOTCONN);
  a->plan.sections[0].send = TRUE;
  test_peer_configure (a, scene.now);
  scene_run (&scene, 1000);
  g_assert_cmpstr (a->heard_digits->str, ==, "77");
  g_assert_cmpint (media_leg_send_dtmf (a->leg, "99"), ==, 0);
  media_leg_stop_dtmf (a->leg);
  scene_run (&scene, 1000);
  g_assert_cmpstr (a->heard_digits->str, ==, "77");
  scene_clear (&scene);
}

/* ---- files ---- */

typedef struct
{
  char *directory, *path;
  MediaFileReader *reader;
} Files;

static void
write_tone (const char *path, int rate_hz, int channels, int format, guint ms)
{
  SF_INFO info = { .samplerate = rate_hz, .channels = channels, .format = format };
  SNDFILE *file = sf_open (path, SFM_WRITE, &info);

  g_assert_nonnull (file);
  for (gint i = 0; i < rate_hz / 1000 * (gint)ms; i++)
    {
      float frame[2];

      frame[0] = frame[1] = (float)(TONE / 32768.0 * sin (2 * G_PI * FILE_HZ * i / rate_hz));
      g_assert_cmpint (sf_writef_float (file, frame, 1), ==, 1);
    }
  sf_close (file);
}

static void
files_init (Files *files)
{
  files->directory = g_dir_make_tmp ("play-XXXXXX", NULL);
  files->path = g_build_filename (files->directory, "tone.audio", NULL);
  files->reader = media_file_reader_new (2, NULL, NULL);
  g_assert_nonnull (files->reader);
}

static void
files_clear (Files *files)
{
  g_assert_true (media_file_reader_free (files->reader, test_soon ()));
  g_unlink (files->path);
  g_assert_cmpint (g_rmdir (files->directory), ==, 0);
  g_free (files->directory);
  g_free (files->path);
}

static MediaFileStream *
open_file (const Files *files, const char *path, gboolean loop)
{
  const MediaFileSource source = { .path = path, .directory = files->directory, .loop = loop };

  return media_file_reader_open (files->reader, &source);
}

static MediaFileState
wait_open (MediaFileStream *stream)
{
  const gint64 until = g_get_monotonic_time () + TIMEOUT_S * G_USEC_PER_SEC;

  while (media_file_stream_state (stream) == MEDIA_FILE_OPENING && g_get_monotonic_time () < until)
    g_usleep (1000);
  return media_file_stream_state (stream);
}

/* All of it, as slowly as the reader needs. */
static gsize
read_all (MediaFileStream *stream, GArray *pcm)
{
  const gint64 until = g_get_monotonic_time () + TIMEOUT_S * G_USEC_PER_SEC;
  gint16 frame[960];

  while (media_file_stream_state (stream) == MEDIA_FILE_READY && g_get_monotonic_time () < until)
    {
      const gsize n = media_file_stream_read (stream, frame, G_N_ELEMENTS (frame));

      g_array_append_vals (pcm, frame, (guint)n);
      if (n == 0)
        g_usleep (1000);
    }
  g_assert_cmpint (media_file_stream_state (stream), ==, MEDIA_FILE_ENDED);
  return pcm->len;
}

static void
test_formats (void)
{
  static const struct
  {
    int rate_hz, channels, format;
    guint out_hz;
  } rows[] = {
    { 8000, 1, SF_FORMAT_WAV | SF_FORMAT_ULAW, 8000 },
    { 8000, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000 },
    { 11025, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000 },
    { 16000, 2, SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 16000 },
    { 44100, 2, SF_FORMAT_OGG | SF_FORMAT_VORBIS, 48000 },
    { 48000, 1, SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000 },
    { 44100, 2, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 48000 },
    { 8000, 1, SF_FORMAT_AIFF | SF_FORMAT_ALAW, 8000 },
    { 48000, 1, SF_FORMAT_WAV | SF_FORMAT_FLOAT, 48000 },
    { 96000, 2, SF_FORMAT_WAV | SF_FORMAT_PCM_24, 48000 },
    { 8000, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 8000 },
    { 192000, 2, SF_FORMAT_W64 | SF_FORMAT_DOUBLE, 48000 },
    { 4000, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000 },
  };
  Files files;

  files_init (&files);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GArray) pcm = g_array_new (FALSE, FALSE, sizeof (gint16));
      g_autoptr (MediaFileStream) stream = NULL;
      double level;

      write_tone (files.path, rows[i].rate_hz, rows[i].channels, rows[i].format, 2500);
      stream = open_file (&files, files.path, FALSE);
      g_assert_cmpint (wait_open (stream), ==, MEDIA_FILE_READY);
      g_assert_cmpuint (media_file_stream_rate_hz (stream), ==, rows[i].out_hz);
      g_assert_cmpuint (read_all (stream, pcm), >, rows[i].out_hz * 23 / 10);
      g_assert_cmpuint (pcm->len, <, rows[i].out_hz * 26 / 10);
      /* As loud as the file is, whatever it holds its samples in. */
      level = test_tone_level ((const gint16 *)(gpointer)pcm->data + rows[i].out_hz / 2, rows[i].out_hz,
                               rows[i].out_hz, FILE_HZ);
      g_assert_cmpfloat (level, >, TONE / 32768.0 * 0.9);
      g_assert_cmpfloat (level, <, TONE / 32768.0 * 1.1);
    }
  files_clear (&files);
}

static void
test_loop_and_memory (void)
{
  Files files;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (MediaFileStream) stream = NULL;
  char *data;
  gsize size, n = 0;
  gint16 frame[160];
  const gint64 until = g_get_monotonic_time () + TIMEOUT_S * G_USEC_PER_SEC;

  files_init (&files);
  write_tone (files.path, 8000, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 300);
  g_assert_true (g_file_get_contents (files.path, &data, &size, NULL));
  bytes = g_bytes_new_take (data, size);
  stream = media_file_reader_open (files.reader, &(MediaFileSource){ .bytes = bytes, .loop = TRUE });
  while (n < 8000 * 5 && g_get_monotonic_time () < until)
    n += media_file_stream_read (stream, frame, G_N_ELEMENTS (frame));
  g_assert_cmpuint (n, >=, 8000 * 5);
  files_clear (&files); /* the reader goes first: the stream ends, and is still ours */
}

/* Each kind of file goes on from its beginning, as loud as before. */
static void
test_loop_of_each_format (void)
{
  static const int formats[] = { SF_FORMAT_WAV | SF_FORMAT_FLOAT, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                                 SF_FORMAT_OGG | SF_FORMAT_VORBIS, SF_FORMAT_OGG | SF_FORMAT_OPUS,
                                 SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III };
  Files files;

  files_init (&files);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (MediaFileStream) stream = NULL;
      g_autofree gint16 *pcm = g_new (gint16, 48000 * 3);
      const gint64 until = g_get_monotonic_time () + TIMEOUT_S * G_USEC_PER_SEC;
      gsize n = 0;

      write_tone (files.path, 48000, 1, formats[i], 700);
      stream = open_file (&files, files.path, TRUE);
      g_assert_cmpint (wait_open (stream), ==, MEDIA_FILE_READY);
      while (n < 48000 * 3 && g_get_monotonic_time () < until)
        {
          n += media_file_stream_read (stream, pcm + n, 48000 * 3 - n);
          g_usleep (1000);
        }
      g_assert_cmpuint (n, ==, 48000 * 3);
      for (guint k = 0; k < 3; k++)
        g_assert_cmpfloat (test_tone_level (pcm + k * 48000, 48000, 48000, FILE_HZ), >, TONE / 32768.0 / 2);
    }
  files_clear (&files);
}

static void
check_refused (Files *files, const char *path, const char *sentence)
{
  g_autoptr (MediaFileStream) stream = open_file (files, path, FALSE);

  g_assert_cmpint (wait_open (stream), ==, MEDIA_FILE_FAILED);
  g_test_message ("%s", media_file_stream_error (stream));
  g_assert_nonnull (strstr (media_file_stream_error (stream), sentence));
  g_assert_null (strstr (media_file_stream_error (stream), files->directory));
}

static void
test_what_is_no_file_to_play (void)
{
  Files files;
  g_autofree char *missing = NULL, *linked = NULL, *sideways = NULL, *outside = NULL;

  files_init (&files);
  missing = g_build_filename (files.directory, "missing.wav", NULL);
  check_refused (&files, missing, "No such file");
  check_refused (&files, files.directory, "not in the directory");
  check_refused (&files, "/etc/passwd", "not in the directory");
  sideways = g_build_filename (files.directory, "..", "..", "etc", "passwd", NULL);
  check_refused (&files, sideways, "not in the directory");
  outside = g_strconcat (files.directory, "2", NULL); /* a neighbour that begins alike */
  g_assert_true (g_file_set_contents (outside, "RIFF", -1, NULL));
  check_refused (&files, outside, "not in the directory");
  g_unlink (outside);
  linked = g_build_filename (files.directory, "link.wav", NULL);
  g_assert_cmpint (symlink ("/etc/passwd", linked), ==, 0);
  check_refused (&files, linked, "not in the directory");
  g_unlink (linked);
  g_assert_cmpint (mkfifo (linked, 0600), ==, 0);
  check_refused (&files, linked, "no regular file");
  g_unlink (linked);
  g_assert_true (g_file_set_contents (files.path, "this is a text, no sound", -1, NULL));
  check_refused (&files, files.path, "no audio");
  g_assert_true (g_file_set_contents (files.path, "", -1, NULL));
  check_refused (&files, files.path, "no audio");
  files_clear (&files);
}

/* Since the last @ms. */
static gint
highest (const TestPeer *peer, guint ms)
{
  const gsize n = MIN (peer->pcm->len, TEST_HEARD_RATE / 1000 * ms);
  gint peak = 0;

  for (gsize i = peer->pcm->len - n; i < peer->pcm->len; i++)
    peak = MAX (peak, ABS (g_array_index (peer->pcm, gint16, i)));
  return peak;
}

/* Loud over loud: the limiter of whoever hears it holds both down, nothing is cut off at full scale. */
static void
test_too_loud_is_limited (void)
{
  for (guint to_room = 0; to_room < 2; to_room++)
    {
      Scene scene;
      TestPeer *a, *b;
      MediaTonePattern pattern;
      MediaPlay *play;

      scene_init (&scene, FALSE);
      a = scene_join (&scene, FALSE, pcmu, 0);
      b = scene_join (&scene, FALSE, pcmu, 1000);
      b->amplitude = 0.9;
      media_tone_pattern (MEDIA_TONE_DIAL, MEDIA_TONE_EU, &pattern);
      play = media_play_new_tone (7, &pattern, 18);
      if (to_room)
        media_room_play (scene.room, play);
      else
        media_leg_play (a->leg, play);
      scene_run (&scene, 1000);
      g_assert_cmpint (highest (a, 500), <, 31500);
      g_assert_cmpint (highest (a, 500), >, 25000);
      g_assert_cmpfloat (test_peer_level (a, 1000, 500), >, 0.2);
      g_assert_cmpfloat (test_peer_level (a, EU_HZ, 500), >, 0.2);
      g_assert_cmpfloat (test_peer_level (a, 3 * EU_HZ, 500), <, 0.02);
      scene_clear (&scene);
    }
}

/* So is a track that a listener has made louder: no harmonics of a tone that was cut off. */
static void
test_louder_track_is_limited (void)
{
  Scene scene;
  TestPeer *phone, *browser;

  scene_init (&scene, FALSE);
  phone = scene_join (&scene, FALSE, pcmu, 500);
  phone->amplitude = 0.9;
  browser = scene_join (&scene, TRUE, pcmu, 0);
  browser->plan.sections[0].sink = MEDIA_SINK_TRACK;
  browser->plan.sections[0].sink_track = phone->plan.sections[0].source_track;
  test_peer_configure (browser, scene.now);
  media_leg_set_gain (phone->leg, 2, 12);
  scene_run (&scene, 1500);
  g_assert_cmpint (highest (browser, 500), <, 31500);
  g_assert_cmpfloat (test_peer_level (browser, 500, 500), >, 0.8);
  g_assert_cmpfloat (test_peer_level (browser, 1500, 500), <, 0.02);
  scene_clear (&scene);
}

/* A file through a play, to a phone and to a browser: each at the rate that it needs. */
static void
test_file_is_heard (void)
{
  Files files;
  Scene scene;
  TestPeer *phone, *browser;
  MediaFileStream *stream;

  files_init (&files);
  scene_init (&scene, FALSE);
  phone = scene_join (&scene, FALSE, pcmu, 0);
  browser = scene_join (&scene, TRUE, opus, 0);
  write_tone (files.path, 44100, 2, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 300); /* as much as READY says */
  stream = open_file (&files, files.path, FALSE);
  g_assert_cmpint (wait_open (stream), ==, MEDIA_FILE_READY);
  media_room_play (scene.room, media_play_new_file (5, stream, 0));
  scene_run (&scene, 260);
  g_assert_cmpfloat (test_peer_level (phone, FILE_HZ, 150), >, HEARD);
  g_assert_cmpfloat (test_peer_level (browser, FILE_HZ, 150), >, HEARD);
  scene_run (&scene, 700);
  g_assert_cmpuint (scene.n_plays_ended, ==, 1);
  g_assert_cmpint (scene.play_end, ==, MEDIA_PLAY_FINISHED);
  g_assert_cmpuint (phone->heard[0].breaks, ==, 0);
  stream = media_file_reader_open (files.reader, &(MediaFileSource){ .path = "/nowhere" });
  g_assert_cmpint (wait_open (stream), ==, MEDIA_FILE_FAILED);
  media_room_play (scene.room, media_play_new_file (6, stream, 0));
  scene_run (&scene, 40);
  g_assert_cmpuint (scene.n_plays_ended, ==, 2);
  g_assert_cmpint (scene.play_end, ==, MEDIA_PLAY_FAILED);
  g_assert_nonnull (strstr (scene.play_error, "No such file"));
  scene_clear (&scene);
  files_clear (&files);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/play/leg_in_no_room_hears_its_own", test_leg_in_no_room_hears_its_own);
  g_test_add_func ("/media/play/one_of_two_hears_it_with_the_room", test_one_of_two_hears_it_with_the_room);
  g_test_add_func ("/media/play/everybody_hears_it", test_everybody_hears_it);
  g_test_add_func ("/media/play/silent_track_hears_it_alone", test_silent_track_hears_it_alone);
  g_test_add_func ("/media/play/ends_in_an_empty_room", test_ends_in_an_empty_room);
  g_test_add_func ("/media/play/follows_a_leg_and_goes_with_it", test_follows_a_leg_and_goes_with_it);
  g_test_add_func ("/media/play/too_many_are_refused", test_too_many_are_refused);
  g_test_add_func ("/media/play/events_between_forwarded_audio", test_events_between_forwarded_audio);
  g_test_add_func ("/media/play/events_between_silence", test_events_between_silence);
  g_test_add_func ("/media/play/timestamps_keep_time", test_timestamps_keep_time);
  g_test_add_func ("/media/play/tones_where_no_events_are_taken", test_tones_where_no_events_are_taken);
  g_test_add_func ("/media/play/tones_while_ticks_are_missed", test_tones_while_ticks_are_missed);
  g_test_add_func ("/media/play/digits_wait_while_held", test_digits_wait_while_held);
  g_test_add_func ("/media/play/replaced_at_the_limit", test_replaced_at_the_limit);
  g_test_add_func ("/media/play/formats", test_formats);
  g_test_add_func ("/media/play/loop_and_memory", test_loop_and_memory);
  g_test_add_func ("/media/play/loop_of_each_format", test_loop_of_each_format);
  g_test_add_func ("/media/play/what_is_no_file_to_play", test_what_is_no_file_to_play);
  g_test_add_func ("/media/play/too_loud_is_limited", test_too_loud_is_limited);
  g_test_add_func ("/media/play/louder_track_is_limited", test_louder_track_is_limited);
  g_test_add_func ("/media/play/file_is_heard", test_file_is_heard);
  return g_test_run ();
}
