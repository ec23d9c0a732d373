/* What a played file costs the threads that read files, and how many go at the same time: each format beside
 * libsndfile alone, then plays that are read in real time, all begun at once. */
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>

#include <glib/gstdio.h>

#include "config/base/clock.h"
#include "media/file_reader.h"

#define SECONDS  40 /* of audio, for each cost */
#define FRAME_MS 20
#define RUN_MS   3000

static const struct
{
  const char *name;
  int rate_hz, channels, format;
} rows[] = {
  { "WAV, 8 kHz G.711", 8000, 1, SF_FORMAT_WAV | SF_FORMAT_ULAW },
  { "WAV, 48 kHz", 48000, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16 },
  { "WAV, 44.1 kHz stereo", 44100, 2, SF_FORMAT_WAV | SF_FORMAT_PCM_16 },
  { "FLAC, 48 kHz", 48000, 1, SF_FORMAT_FLAC | SF_FORMAT_PCM_16 },
  { "Ogg/Opus, 48 kHz", 48000, 1, SF_FORMAT_OGG | SF_FORMAT_OPUS },
  { "Ogg/Vorbis, 44.1 kHz stereo", 44100, 2, SF_FORMAT_OGG | SF_FORMAT_VORBIS },
  { "MP3, 44.1 kHz stereo", 44100, 2, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III },
};

/* Something with harmonics and pauses, about as hard to decode as a voice. */
static void
write_file (const char *path, int rate_hz, int channels, int format)
{
  SF_INFO info = { .samplerate = rate_hz, .channels = channels, .format = format };
  SNDFILE *file = sf_open (path, SFM_WRITE, &info);
  guint32 seed = 1;

  if (file == NULL)
    g_error ("%s", sf_strerror (NULL));
  for (int i = 0; i < rate_hz * 5; i++)
    {
      const double at = (double)i / rate_hz, envelope = 0.5 + 0.5 * sin (2 * G_PI * 3 * at);
      double sum = 0;
      float frame[2];

      for (int h = 1; h < 12; h++)
        sum += sin (2 * G_PI * 140 * h * at) / h;
      seed = seed * 1664525 + 1013904223;
      frame[0] = frame[1] = (float)(0.15 * envelope * (sum + 0.2 * ((double)seed / G_MAXUINT32 - 0.5)));
      if (sf_writef_float (file, frame, 1) != 1)
        g_error ("%s", sf_strerror (file));
    }
  sf_close (file);
}

static double
library_ms (const char *path)
{
  SF_INFO info = { 0 };
  SNDFILE *file = sf_open (path, SFM_READ, &info);
  g_autofree float *frames = g_new (float, 4096 * 8);
  const gint64 start = cfg_process_cpu_us ();
  gint64 left = (gint64)SECONDS * info.samplerate;

  while (left > 0)
    {
      const sf_count_t n = sf_readf_float (file, frames, 4096);

      if (n <= 0)
        sf_seek (file, 0, SEEK_SET);
      left -= n;
    }
  sf_close (file);
  return (double)(cfg_process_cpu_us () - start) / 1000 / SECONDS;
}

static double
reader_ms (MediaFileReader *reader, const char *path)
{
  g_autoptr (MediaFileStream) stream
      = media_file_reader_open (reader, &(MediaFileSource){ .path = path, .loop = TRUE });
  gint16 pcm[4800];
  const gint64 process = cfg_process_cpu_us (), thread = cfg_thread_cpu_us ();
  gsize left;

  while (media_file_stream_state (stream) == MEDIA_FILE_OPENING)
    g_usleep (1000);
  for (left = (gsize)SECONDS * media_file_stream_rate_hz (stream); left > 0;)
    {
      const gsize n = media_file_stream_read (stream, pcm, MIN (left, G_N_ELEMENTS (pcm)));

      left -= n;
      if (n == 0)
        g_usleep (2000);
    }
  return (double)((cfg_process_cpu_us () - process) - (cfg_thread_cpu_us () - thread)) / 1000 / SECONDS;
}

static MediaFileReader *
reader_new (void)
{
  MediaFileReader *reader = media_file_reader_new ((guint)g_get_num_processors (), NULL, NULL);

  if (reader == NULL)
    g_error ("no thread");
  return reader;
}

static void
reader_free (MediaFileReader *reader)
{
  if (!media_file_reader_free (reader, cfg_monotonic_add_us (cfg_monotonic_now (), 10 * CFG_US_PER_S)))
    g_error ("the threads do not end");
}

/* @n at once, in real time. */
static void
many (const char *name, const char *path, guint n)
{
  MediaFileReader *reader = reader_new ();
  g_autofree MediaFileStream **streams = g_new0 (MediaFileStream *, n);
  g_autofree gboolean *began = g_new0 (gboolean, n);
  gint16 pcm[960];
  const gint64 process = cfg_process_cpu_us (), thread = cfg_thread_cpu_us ();
  const gint64 start = g_get_monotonic_time ();
  guint n_began = 0;
  guint64 late = 0;
  gint64 all_began_ms = -1;

  for (guint i = 0; i < n; i++)
    streams[i] = media_file_reader_open (reader, &(MediaFileSource){ .path = path, .loop = TRUE });
  for (gint64 tick = 0; tick < RUN_MS / FRAME_MS; tick++)
    {
      const gint64 wait = start + tick * FRAME_MS * 1000 - g_get_monotonic_time ();

      if (wait > 0)
        g_usleep ((gulong)wait);
      for (guint i = 0; i < n; i++)
        {
          const gsize wanted = media_file_stream_state (streams[i]) == MEDIA_FILE_READY
                                   ? media_file_stream_rate_hz (streams[i]) / 1000 * FRAME_MS
                                   : 0;
          const gsize got = wanted > 0 ? media_file_stream_read (streams[i], pcm, wanted) : 0;

          late += began[i] && got < wanted;
          n_began += !began[i] && got > 0;
          began[i] |= got > 0;
        }
      if (n_began == n && all_began_ms < 0)
        all_began_ms = (g_get_monotonic_time () - start) / 1000;
    }
  printf ("%-28s %5u %12" G_GINT64_FORMAT " %8.3f %% %10.0f %%\n", name, n, all_began_ms,
          100.0 * (double)late / ((double)n * RUN_MS / FRAME_MS),
          100.0 * (double)((cfg_process_cpu_us () - process) - (cfg_thread_cpu_us () - thread))
              / (double)(g_get_monotonic_time () - start));
  for (guint i = 0; i < n; i++)
    media_file_stream_close (streams[i]);
  reader_free (reader);
}

int
main (void)
{
  static const guint counts[] = { 200, 500, 1000 };
  g_autofree char *directory = g_dir_make_tmp ("bench-plays-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "a", NULL);
  MediaFileReader *reader = reader_new ();

  printf ("%-28s %9s %11s %6s %15s\n", "ms of CPU for a second", "ours", "libsndfile", "ratio",
          "plays a core");
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      double ours, library;

      write_file (path, rows[i].rate_hz, rows[i].channels, rows[i].format);
      library = library_ms (path);
      ours = reader_ms (reader, path);
      printf ("%-28s %9.3f %11.3f %6.2f %15.0f\n", rows[i].name, ours, library, ours / library, 1000 / ours);
    }
  reader_free (reader);
  printf ("\n%-28s %5s %12s %10s %12s\n", "at once", "plays", "all began ms", "late", "CPU");
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      write_file (path, rows[i].rate_hz, rows[i].channels, rows[i].format);
      for (guint k = 0; k < G_N_ELEMENTS (counts); k++)
        many (rows[i].name, path, counts[k]);
    }
  g_unlink (path);
  g_rmdir (directory);
  return 0;
}
