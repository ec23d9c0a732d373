/* The threads that read played files, with disks that stand still: decoding is injected, nothing of a real
 * disk. */
#include <pthread.h>
#include <string.h>

#include "disk.h"
#include "leg_harness.h"
#include "media/file_reader.h"
#include "media/play.h"

#define RATE_HZ   8000
#define TIMEOUT_S 30

/* A path says what a disk does: "open", "read" and "close" stand still there; "slow" takes its time to read;
 * "torn" gives a second, then an error. Each counts upwards. */
static struct
{
  GMutex lock;
  guint n_open;
  guint n_reading, most_reading; /* of those that are slow */
} counts;

typedef struct
{
  const char *stands_at; /* static */
  gint16 next;
  gsize left;
  gboolean is_slow, is_torn;
} Fake;

static void
wait_at (const char *here, const char *stands_at)
{
  if (strcmp (here, stands_at) == 0)
    test_disk_wait ();
}

static guint
count_open (void)
{
  guint n;

  g_mutex_lock (&counts.lock);
  n = counts.n_open;
  g_mutex_unlock (&counts.lock);
  return n;
}

static gpointer
fake_open (const MediaFileSource *source, char **error)
{
  static const char *const places[] = { "open", "read", "close", "plain" };
  Fake *fake = g_new0 (Fake, 1);

  fake->stands_at = "plain";
  for (guint i = 0; source->path != NULL && i < G_N_ELEMENTS (places); i++)
    if (strcmp (source->path, places[i]) == 0)
      fake->stands_at = places[i];
  fake->is_slow = g_strcmp0 (source->path, "slow") == 0;
  fake->is_torn = g_strcmp0 (source->path, "torn") == 0;
  fake->left = source->loop ? G_MAXSIZE : fake->is_torn ? RATE_HZ : 3 * RATE_HZ;
  g_mutex_lock (&counts.lock);
  counts.n_open++;
  g_mutex_unlock (&counts.lock);
  wait_at ("open", fake->stands_at);
  return fake;
}

static guint
fake_rate_hz (gpointer decoder)
{
  return RATE_HZ;
}

static void
read_slowly (void)
{
  g_mutex_lock (&counts.lock);
  counts.n_reading++;
  counts.most_reading = MAX (counts.most_reading, counts.n_reading);
  g_mutex_unlock (&counts.lock);
  g_usleep (1000);
  g_mutex_lock (&counts.lock);
  counts.n_reading--;
  g_mutex_unlock (&counts.lock);
}

static gsize
fake_read (gpointer decoder, gint16 *pcm)
{
  Fake *fake = decoder;
  const gsize n = MIN (fake->left, 1000);

  wait_at ("read", fake->stands_at);
  if (fake->is_slow)
    read_slowly ();
  for (gsize i = 0; i < n; i++)
    pcm[i] = fake->next++;
  fake->left -= n;
  return n;
}

static const char *
fake_error (gpointer decoder)
{
  return ((const Fake *)decoder)->is_torn ? "torn" : NULL;
}

static void
fake_close (gpointer decoder)
{
  Fake *fake = decoder;

  wait_at ("close", fake->stands_at);
  g_mutex_lock (&counts.lock);
  counts.n_open--;
  g_mutex_unlock (&counts.lock);
  g_free (fake);
}

static const MediaFileDecoding fakes = {
  .open = fake_open, .rate_hz = fake_rate_hz, .read = fake_read, .error = fake_error, .close = fake_close
};

static MediaFileReader *
reader_new (guint n_threads)
{
  MediaFileReader *reader = media_file_reader_new (n_threads, &fakes, NULL);

  g_assert_nonnull (reader);
  return reader;
}

static void
reader_free (MediaFileReader *reader)
{
  g_assert_true (media_file_reader_free (reader, test_soon ()));
  g_assert_cmpuint (count_open (), ==, 0);
}

static MediaFileStream *
open_path (MediaFileReader *reader, const char *path, gboolean loop)
{
  return media_file_reader_open (reader, &(MediaFileSource){ .path = path, .loop = loop });
}

static gint64
deadline (void)
{
  return g_get_monotonic_time () + TIMEOUT_S * G_USEC_PER_SEC;
}

/* Until each of @streams has given @samples, one after the other, in the right order. */
static void
hear (MediaFileStream *const *streams, guint n, gsize samples)
{
  g_autofree gsize *heard = g_new0 (gsize, n);
  g_autofree gint16 *next = g_new0 (gint16, n);
  const gint64 until = deadline ();
  guint n_done = 0;
  gint16 pcm[160];

  while (n_done < n && g_get_monotonic_time () < until)
    {
      n_done = 0;
      for (guint i = 0; i < n; i++)
        {
          const gsize got = media_file_stream_read (streams[i], pcm, G_N_ELEMENTS (pcm));

          for (gsize k = 0; k < got; k++)
            {
              if (heard[i] + k == 0)
                next[i] = pcm[0];
              g_assert_cmpint (pcm[k], ==, next[i]++);
            }
          heard[i] += got;
          n_done += heard[i] >= samples;
        }
      g_usleep (500);
    }
  g_assert_cmpuint (n_done, ==, n);
}

static void
close_all (MediaFileStream **streams, guint n)
{
  for (guint i = 0; i < n; i++)
    media_file_stream_close (streams[i]);
}

/* Every sample of each, however many threads take turns. */
static void
test_many_at_once (void)
{
  MediaFileReader *reader = reader_new (4);
  MediaFileStream *streams[200];
  const gint64 until = deadline ();

  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    streams[i] = open_path (reader, "plain", FALSE);
  hear (streams, G_N_ELEMENTS (streams), 3 * RATE_HZ);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    {
      while (media_file_stream_state (streams[i]) != MEDIA_FILE_ENDED && g_get_monotonic_time () < until)
        g_usleep (1000);
      g_assert_cmpint (media_file_stream_state (streams[i]), ==, MEDIA_FILE_ENDED);
    }
  close_all (streams, G_N_ELEMENTS (streams));
  reader_free (reader);
}

/* Files that stand still while they are opened, read or closed hold up nothing but themselves. */
static void
test_others_go_on (void)
{
  static const char *const places[] = { "open", "read", "close" };

  for (guint p = 0; p < G_N_ELEMENTS (places); p++)
    {
      MediaFileReader *reader = reader_new (2);
      MediaFileStream *before[20], *standing[25], *after[20];

      test_disk_stand (TRUE);
      for (guint i = 0; i < G_N_ELEMENTS (before); i++)
        before[i] = open_path (reader, "plain", TRUE);
      hear (before, G_N_ELEMENTS (before), RATE_HZ / 10);
      for (guint i = 0; i < G_N_ELEMENTS (standing); i++)
        standing[i] = open_path (reader, places[p], FALSE);
      if (p == 2)
        hear (standing, G_N_ELEMENTS (standing), 3 * RATE_HZ); /* to their end: then they are closed */
      for (guint i = 0; i < G_N_ELEMENTS (after); i++)
        after[i] = open_path (reader, "plain", TRUE);
      hear (before, G_N_ELEMENTS (before), 4 * RATE_HZ);
      hear (after, G_N_ELEMENTS (after), 4 * RATE_HZ);
      test_disk_until (G_N_ELEMENTS (standing));
      close_all (before, G_N_ELEMENTS (before));
      close_all (standing, G_N_ELEMENTS (standing));
      close_all (after, G_N_ELEMENTS (after));
      test_disk_stand (FALSE);
      reader_free (reader);
    }
}

/* However many stand still: what is in memory is played. */
static void
test_memory_goes_on (void)
{
  MediaFileReader *reader = reader_new (2);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("", 1);
  MediaFileStream *standing[100], *memory[10], *plain;

  test_disk_stand (TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (standing); i++)
    standing[i] = open_path (reader, "open", FALSE);
  test_disk_until (MEDIA_FILE_THREADS_MAX - 2);
  for (guint i = 0; i < G_N_ELEMENTS (memory); i++)
    memory[i] = media_file_reader_open (reader, &(MediaFileSource){ .bytes = bytes, .loop = TRUE });
  hear (memory, G_N_ELEMENTS (memory), 4 * RATE_HZ);
  plain = open_path (reader, "plain", TRUE);
  g_assert_cmpuint (test_disk_n_standing (), ==, MEDIA_FILE_THREADS_MAX - 2);
  /* The disk is back: so is everything. */
  test_disk_stand (FALSE);
  hear (&plain, 1, RATE_HZ);
  hear (standing, G_N_ELEMENTS (standing), RATE_HZ);
  media_file_stream_close (plain);
  close_all (memory, G_N_ELEMENTS (memory));
  close_all (standing, G_N_ELEMENTS (standing));
  reader_free (reader);
}

/* Threads that were made for others, and that these are back for, rest: no more work than were asked for. */
static void
test_as_many_as_before (void)
{
  MediaFileReader *reader = reader_new (2);
  MediaFileStream *standing[25], *slow[60];
  const gint64 until = deadline ();
  guint most;

  test_disk_stand (TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (standing); i++)
    standing[i] = open_path (reader, "open", FALSE);
  test_disk_until (G_N_ELEMENTS (standing));
  for (guint i = 0; i < G_N_ELEMENTS (slow); i++)
    slow[i] = open_path (reader, "slow", TRUE);
  /* Before they are heard: this goes faster than they can be read, and new ones would wait for it. */
  for (guint i = 0; i < G_N_ELEMENTS (slow); i++)
    while (media_file_stream_state (slow[i]) == MEDIA_FILE_OPENING && g_get_monotonic_time () < until)
      g_usleep (1000);
  test_disk_stand (FALSE);
  hear (standing, G_N_ELEMENTS (standing), RATE_HZ / 10);
  hear (slow, G_N_ELEMENTS (slow), RATE_HZ);
  g_mutex_lock (&counts.lock);
  counts.most_reading = 0;
  g_mutex_unlock (&counts.lock);
  hear (slow, G_N_ELEMENTS (slow), RATE_HZ);
  g_mutex_lock (&counts.lock);
  most = counts.most_reading;
  g_mutex_unlock (&counts.lock);
  g_test_message ("%u at the same time", most);
  g_assert_cmpuint (most, >, 0);
  g_assert_cmpuint (most, <=, 8); /* 2, but where this machine stands still itself */
  close_all (standing, G_N_ELEMENTS (standing));
  close_all (slow, G_N_ELEMENTS (slow));
  reader_free (reader);
}

/* What was given up before it began takes no place: many calls may have come since the disk has gone. */
static void
test_closed_takes_no_place (void)
{
  MediaFileReader *reader = reader_new (1);
  MediaFileStream *standing[MEDIA_FILE_THREADS_MAX - 2], *memory;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("", 1);
  const gint64 until = deadline ();

  test_disk_stand (TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (standing); i++)
    standing[i] = open_path (reader, "open", FALSE);
  test_disk_until (G_N_ELEMENTS (standing));
  for (guint n = 0; n < 2 * MEDIA_FILE_STREAMS_MAX && g_get_monotonic_time () < until;)
    {
      g_autoptr (MediaFileStream) more = open_path (reader, "open", FALSE);

      if (media_file_stream_state (more) == MEDIA_FILE_FAILED)
        g_usleep (1000);
      else
        n++;
    }
  g_assert_cmpint (g_get_monotonic_time (), <, until);
  memory = media_file_reader_open (reader, &(MediaFileSource){ .bytes = bytes, .loop = TRUE });
  hear (&memory, 1, RATE_HZ);
  g_assert_cmpuint (test_disk_n_standing (), ==, G_N_ELEMENTS (standing));
  media_file_stream_close (memory);
  close_all (standing, G_N_ELEMENTS (standing));
  test_disk_stand (FALSE);
  reader_free (reader);
}

/* All that could be read is heard, then it is told. */
static void
test_torn (void)
{
  MediaFileReader *reader = reader_new (1);
  MediaFileStream *torn = open_path (reader, "torn", FALSE);
  const gint64 until = deadline ();

  hear (&torn, 1, RATE_HZ);
  while (media_file_stream_state (torn) == MEDIA_FILE_READY && g_get_monotonic_time () < until)
    g_usleep (1000);
  g_assert_cmpint (media_file_stream_state (torn), ==, MEDIA_FILE_FAILED);
  g_assert_cmpstr (media_file_stream_error (torn), ==, "torn");
  media_file_stream_close (torn);
  reader_free (reader);
}

static void
test_too_many (void)
{
  MediaFileReader *reader = reader_new (1);
  g_autofree MediaFileStream **streams = g_new (MediaFileStream *, MEDIA_FILE_STREAMS_MAX);
  g_autoptr (MediaFileStream) more = NULL;

  test_disk_stand (TRUE);
  for (guint i = 0; i < MEDIA_FILE_STREAMS_MAX; i++)
    streams[i] = open_path (reader, "open", FALSE);
  more = open_path (reader, "plain", FALSE);
  g_assert_cmpint (media_file_stream_state (more), ==, MEDIA_FILE_FAILED);
  g_assert_cmpstr (media_file_stream_error (more), ==, "too many files are being played");
  close_all (streams, MEDIA_FILE_STREAMS_MAX);
  test_disk_stand (FALSE);
  reader_free (reader);
}

/* The end of the process does not wait for such a disk for ever. */
static void
test_ends_in_time (void)
{
  MediaFileReader *reader = reader_new (2);
  MediaFileStream *standing, *plain;

  test_disk_stand (TRUE);
  standing = open_path (reader, "read", FALSE);
  plain = open_path (reader, "plain", TRUE);
  hear (&plain, 1, RATE_HZ / 10);
  test_disk_until (1);
  g_assert_false (
      media_file_reader_free (reader, cfg_monotonic_add_us (cfg_monotonic_now (), 50 * CFG_US_PER_MS)));
  media_file_stream_close (plain);
  media_file_stream_close (standing);
  test_disk_stand (FALSE);
  reader_free (reader);
}

/* Who hears it is told, in the end; and a play that is stopped meanwhile is over at once. */
static void
test_play_gives_up (void)
{
  MediaFileReader *reader = reader_new (2);
  MediaPlay *given_up, *stopped;
  const char *error = NULL;
  MediaPlayEnd end;
  guint n = 0;

  test_disk_stand (TRUE);
  given_up = media_play_new_file (1, open_path (reader, "open", FALSE), 0);
  stopped = media_play_new_file (2, open_path (reader, "open", FALSE), 0);
  g_assert_true (media_play_advance (stopped, &end, &error));
  g_assert_false (media_play_stop (stopped));
  while (media_play_advance (given_up, &end, &error))
    n++;
  g_assert_cmpuint (n, ==, MEDIA_PLAY_STALLED_MS / 20 - 1);
  g_assert_cmpint (end, ==, MEDIA_PLAY_FAILED);
  g_assert_cmpstr (
      error, ==, "nothing came of the file for 10 s: its disk does not answer, or too much is being played");
  media_play_free (given_up);
  media_play_free (stopped);
  test_disk_stand (FALSE);
  reader_free (reader);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/file_reader/many_at_once", test_many_at_once);
  g_test_add_func ("/media/file_reader/others_go_on", test_others_go_on);
  g_test_add_func ("/media/file_reader/memory_goes_on", test_memory_goes_on);
  g_test_add_func ("/media/file_reader/as_many_as_before", test_as_many_as_before);
  g_test_add_func ("/media/file_reader/closed_takes_no_place", test_closed_takes_no_place);
  g_test_add_func ("/media/file_reader/torn", test_torn);
  g_test_add_func ("/media/file_reader/too_many", test_too_many);
  g_test_add_func ("/media/file_reader/ends_in_time", test_ends_in_time);
  g_test_add_func ("/media/file_reader/play_gives_up", test_play_gives_up);
  return g_test_run ();
}
