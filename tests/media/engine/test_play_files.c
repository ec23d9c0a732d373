/* Files that are played: what stops them, and what is wrong with them. */
#include <dlfcn.h>
#include <math.h>
#include <sndfile.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "disk.h"
#include "leg_harness.h"
#include "media/feed.h"
#include "media/play.h"

#define RATE_HZ       8000
#define FRAME_SAMPLES (RATE_HZ / 1000 * 20)
#define FRAMES        10
#define TIMEOUT_S     20

static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };

/* A whole number of frames of a WAV file, in memory. */
static GBytes *
make_sound (guint frames)
{
  g_autofree char *directory = g_dir_make_tmp ("plays-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "a.wav", NULL);
  SF_INFO info = { .samplerate = RATE_HZ, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16 };
  SNDFILE *file = sf_open (path, SFM_WRITE, &info);
  char *data;
  gsize size;

  g_assert_nonnull (file);
  for (guint i = 0; i < frames * FRAME_SAMPLES; i++)
    {
      const gint16 sample = (gint16)(9000 * sin (2 * G_PI * 700 * i / RATE_HZ));

      g_assert_cmpint (sf_writef_short (file, &sample, 1), ==, 1);
    }
  sf_close (file);
  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
  return g_bytes_new_take (data, size);
}

static MediaFileStream *
open_sound (MediaFileReader *reader, GBytes *bytes)
{
  MediaFileStream *stream = media_file_reader_open (reader, &(MediaFileSource){ .bytes = bytes });
  const gint64 until = g_get_monotonic_time () + TIMEOUT_S * G_USEC_PER_SEC;

  while (media_file_stream_state (stream) == MEDIA_FILE_OPENING && g_get_monotonic_time () < until)
    g_usleep (1000);
  g_assert_cmpint (media_file_stream_state (stream), ==, MEDIA_FILE_READY);
  return stream;
}

/* ---- stopped ---- */

/* What is stopped while it ends was stopped: told once, whatever the file says in the same tick. */
static void
test_stopped_as_it_ends (void)
{
  MediaFileReader *reader = media_file_reader_new (2, NULL, NULL);
  g_autoptr (GBytes) bytes = make_sound (FRAMES);

  for (guint stop_after = 1; stop_after <= FRAMES; stop_after++)
    {
      g_autoptr (MediaPlay) play = media_play_new_file (1, open_sound (reader, bytes), 0);
      const char *error = NULL;
      MediaPlayEnd end = MEDIA_PLAY_FAILED;
      guint n = 0;

      for (guint i = 0; i < stop_after; i++)
        g_assert_true (media_play_advance (play, &end, &error));
      g_assert_true (media_play_stop (play));
      g_assert_true (media_play_stop (play)); /* once more */
      g_assert_cmpint (media_play_end_with (play, MEDIA_PLAY_GONE), ==, MEDIA_PLAY_STOPPED);
      while (media_play_advance (play, &end, &error))
        n++;
      g_assert_cmpint (end, ==, MEDIA_PLAY_STOPPED);
      g_assert_null (error);
      g_assert_cmpuint (n, ==, stop_after < FRAMES); /* a last frame, when there is one */
    }
  g_assert_true (media_file_reader_free (reader, test_soon ()));
}

typedef struct
{
  guint n;
  MediaPlayEnd end;
} Told;

static void
on_play_ended (gpointer user, MediaPlayId play, MediaPlayEnd end, const char *error)
{
  Told *told = user;

  told->n++;
  told->end = end;
}

static void
on_speakers (gpointer user, MediaRoomId room, const MediaSpeaker *speakers, gsize n)
{
}

/* At every tick of a file's life, to a room or to a leg; @then: they go before it has faded. */
static void
test_stopped_is_told_once (void)
{
  static const MediaRoomOps ops = { .speakers = on_speakers, .play_ended = on_play_ended };
  static const MediaRoomConfig config = { .id = 1, .opus_complexity = 1 };
  MediaFileReader *reader = media_file_reader_new (2, NULL, NULL);
  g_autoptr (GBytes) bytes = make_sound (FRAMES);

  for (guint i = 0; i < 4 * (FRAMES + 3); i++)
    {
      const gboolean to_leg = i % 2, goes = i / 2 % 2;
      const guint ms = 20 * (i / 4);
      CfgMonotonic now = { 1000 * CFG_US_PER_S };
      Told told = { 0 };
      MediaRoom *room = media_room_new (&config, &ops, &told);
      TestPeer *peer = test_peer_join (room, 1, FALSE, pcmu, 1000, now);
      MediaPlay *play = media_play_new_file (7, open_sound (reader, bytes), 0);
      gboolean was_over;

      if (to_leg)
        media_leg_play (peer->leg, play);
      else
        media_room_play (room, play);
      test_run (room, &peer, 1, &now, ms);
      was_over = (to_leg ? peer->n_plays_ended : told.n) > 0;
      if (to_leg)
        media_leg_stop_play (peer->leg, 7);
      else
        media_room_stop_play (room, 7);
      if (goes && to_leg)
        media_leg_end_plays (peer->leg);
      else if (goes)
        media_room_end_plays (room);
      test_run (room, &peer, 1, &now, 100);
      g_assert_cmpuint (to_leg ? peer->n_plays_ended : told.n, ==, 1);
      g_assert_cmpint (to_leg ? peer->play_end : told.end, ==,
                       was_over ? MEDIA_PLAY_FINISHED : MEDIA_PLAY_STOPPED);
      media_room_remove (room, peer->leg, now);
      test_peer_free (peer);
      media_room_free (room);
    }
  g_assert_true (media_file_reader_free (reader, test_soon ()));
}

/* ---- a file that does not keep up ---- */

#define TONE_HZ   90
#define AMPLITUDE 9000
/* A tone's own is 45, a step at its peak one of 9000. */
#define WORST_BEND 1000

typedef struct
{
  gsize at, stands_at; /* samples */
} Slow;

static gpointer
slow_open (const MediaFileSource *source, char **error)
{
  Slow *slow = g_new0 (Slow, 1);

  slow->stands_at = g_bytes_get_size (source->bytes);
  return slow;
}

static guint
slow_rate_hz (gpointer decoder)
{
  return RATE_HZ;
}

static gsize
slow_read (gpointer decoder, gint16 *pcm)
{
  Slow *slow = decoder;
  const gsize n
      = slow->at < slow->stands_at ? MIN (slow->stands_at - slow->at, FRAME_SAMPLES) : FRAME_SAMPLES;

  if (slow->at == slow->stands_at)
    test_disk_wait ();
  for (gsize i = 0; i < n; i++)
    pcm[i] = (gint16)(AMPLITUDE * sin (2 * G_PI * TONE_HZ * (double)slow->at++ / RATE_HZ));
  return n;
}

static const char *
slow_error (gpointer decoder)
{
  return NULL;
}

/* What listeners hear: frames with sound, at two rates, and silence. */
typedef struct
{
  gint16 last[2][2];
  gint worst_bend[2];
  guint n_sounding;
} Ear;

static void
hear_frame (Ear *ear, MediaPlay *play)
{
  static const guint rates_hz[] = { 8000, 48000 };
  static const gint16 silence[MEDIA_FRAME_SAMPLES_MAX];
  const char *error = NULL;
  MediaPlayEnd end;

  g_assert_true (media_play_advance (play, &end, &error));
  ear->n_sounding += media_play_sounds (play);
  for (guint r = 0; r < 2; r++)
    {
      const gint16 *pcm = media_play_sounds (play) ? media_play_pcm (play, rates_hz[r]) : silence;
      gint16 *last = ear->last[r];

      for (guint i = 0; i < rates_hz[r] / 50; i++)
        {
          ear->worst_bend[r] = MAX (ear->worst_bend[r], ABS (pcm[i] - 2 * last[0] + last[1]));
          last[1] = last[0];
          last[0] = pcm[i];
        }
    }
}

/* Wherever in a frame it ends, sound goes out and comes back without a click. */
static void
test_gap_without_a_step (void)
{
  static const MediaFileDecoding slow = {
    .open = slow_open, .rate_hz = slow_rate_hz, .read = slow_read, .error = slow_error, .close = g_free
  };
  MediaFileReader *reader = media_file_reader_new (1, &slow, NULL);

  /* More than a third of the ring, with which a file is ready to be heard. */
  for (gsize n = 20 * FRAME_SAMPLES; n <= 21 * FRAME_SAMPLES; n += 8)
    {
      g_autoptr (GBytes) bytes = g_bytes_new_take (g_malloc0 (n), n);
      g_autoptr (MediaPlay) play = NULL;
      Ear ear = { 0 };

      test_disk_stand (TRUE);
      play = media_play_new_file (1, open_sound (reader, bytes), 0);
      test_disk_until (1);
      for (guint i = 0; i < 24; i++)
        hear_frame (&ear, play);
      g_assert_false (media_play_sounds (play));
      test_disk_stand (FALSE);
      for (guint before = ear.n_sounding; ear.n_sounding < before + 20; g_usleep (5000))
        hear_frame (&ear, play);
      g_assert_cmpint (ear.worst_bend[0], <, WORST_BEND);
      g_assert_cmpint (ear.worst_bend[1], <, WORST_BEND);
    }
  g_assert_true (media_file_reader_free (reader, test_soon ()));
}

/* ---- a disk that stands still at the end of the process ---- */

/* The library's, for a file that is played, and one that is recorded. */
SNDFILE *
sf_open_fd (int fd, int mode, SF_INFO *info, int closes)
{
  void *found = dlsym (RTLD_NEXT, "sf_open_fd");
  SNDFILE *(*library) (int, int, SF_INFO *, int);

  test_disk_wait ();
  memcpy (&library, &found, sizeof library);
  return library (fd, mode, info, closes);
}

SNDFILE *
sf_open_virtual (SF_VIRTUAL_IO *io, int mode, SF_INFO *info, void *user)
{
  void *found = dlsym (RTLD_NEXT, "sf_open_virtual");
  SNDFILE *(*library) (SF_VIRTUAL_IO *, int, SF_INFO *, void *);

  test_disk_wait ();
  memcpy (&library, &found, sizeof library);
  return library (io, mode, info, user);
}

/* Both have the same five seconds; the last test, since what they use is not given back. */
static void
test_end_is_not_held_up (void)
{
  static const char *const no_address[] = { NULL };
  static const MediaEngineOps ops = { 0 };
  static MediaEngine *kept;
  const MediaEngineConfig engine_config = { .n_workers = 1,
                                            .rtp_port_start = 46500,
                                            .rtp_port_end = 46599,
                                            .rtc_port_start = 46600,
                                            .rtc_port_end = 46699,
                                            .rtc_bind = no_address };
  g_autofree char *directory = g_dir_make_tmp ("plays-XXXXXX", NULL);
  g_autofree char *played = g_build_filename (directory, "played.wav", NULL);
  g_autofree char *made = g_build_filename (directory, "made.wav", NULL);
  const MediaRecordConfig record
      = { .directory = directory, .file = "made.wav", .rate_hz = RATE_HZ, .channels = 1 };
  MediaRoomId room;
  gint64 began;

  g_assert_true (g_file_set_contents (played, "RIFF", 4, NULL));
  kept = media_engine_new (&engine_config, &ops, NULL, NULL);
  g_assert_nonnull (kept);
  room = media_engine_room_new (kept);
  test_disk_stand (TRUE);
  g_assert_cmpuint (media_engine_play (kept, 0, room, &(MediaPlaySource){ .file = played }, NULL), !=, 0);
  g_assert_cmpuint (media_engine_record (kept, room, &record), !=, 0);
  test_disk_until (2);
  g_test_expect_message ("switchroom", G_LOG_LEVEL_WARNING, "*played*does not answer");
  g_test_expect_message ("switchroom", G_LOG_LEVEL_WARNING, "*recordings*does not answer");
  began = g_get_monotonic_time ();
  media_engine_free (kept);
  g_assert_cmpint (g_get_monotonic_time () - began, <, 25 * G_USEC_PER_SEC);
  g_test_assert_expected_messages ();
  g_assert_cmpint (g_unlink (played), ==, 0);
  g_assert_cmpint (g_unlink (made), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/play_files/stopped_as_it_ends", test_stopped_as_it_ends);
  g_test_add_func ("/media/play_files/stopped_is_told_once", test_stopped_is_told_once);
  g_test_add_func ("/media/play_files/gap_without_a_step", test_gap_without_a_step);
  g_test_add_func ("/media/play_files/end_is_not_held_up", test_end_is_not_held_up);
  return g_test_run ();
}
