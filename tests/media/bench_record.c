#include "tests/media/bench_record.h"

#include <glib/gstdio.h>
#include <opus/opus.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "media/file_writer.h"
#include "media/recorder.h"
#include "tests/media/engine/bench_phones.h"

#define RATE_HZ BENCH_RECORD_RATE_HZ
#define SAMPLES (RATE_HZ / 50)
#define FRAMES  BENCH_RECORD_FRAMES
/* Well below what the ring holds. */
#define BURST 100

static void
on_started (gpointer user, MediaRecordId id, const char *file)
{
}

static void
on_ended (gpointer user, MediaRecordId id, const MediaRecordResult *result)
{
  if (result->error != NULL)
    g_error ("the recording: %s", result->error);
}

static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };

static double
process_cpu_s (void)
{
  struct timespec used;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &used);
  return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* Both in µs per frame: @worker of the thread that mixes, @writer of the one that writes. */
static void
record (MediaRecordFormat format, const gint16 *voice, double *worker, double *writer)
{
  g_autofree char *directory = g_dir_make_tmp ("bench-record-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "a", NULL);
  const MediaRecordConfig config
      = { .directory = directory, .file = "a", .format = format, .rate_hz = RATE_HZ, .channels = 1 };
  MediaFileWriter *files = media_file_writer_new (&ops, NULL, NULL);
  MediaRecorder *recorder = media_recorder_new (1, &config, media_file_writer_open (files, 1, &config));
  const double process = process_cpu_s (), thread = bench_thread_cpu_s ();
  MediaRecordEnd end;

  for (guint i = 0; i < FRAMES; i++)
    {
      const CfgMonotonic now = { (gint64)i * 20 * CFG_US_PER_MS };

      if (i % BURST == 0)
        g_usleep (60000);
      if (!media_recorder_write (recorder, voice + i * SAMPLES, NULL, now, &end))
        g_error ("the recording ended");
    }
  *worker = (bench_thread_cpu_s () - thread) * 1e6 / FRAMES;
  media_recorder_free (recorder, MEDIA_RECORD_STOPPED);
  (void)media_file_writer_free (files, cfg_monotonic_add_us (cfg_monotonic_now (), 10 * CFG_US_PER_S));
  *writer = (process_cpu_s () - process) * 1e6 / FRAMES - *worker;
  g_remove (path);
  g_rmdir (directory);
}

static double
opus_alone_us (const gint16 *voice)
{
  OpusEncoder *encoder = opus_encoder_create (RATE_HZ, 1, OPUS_APPLICATION_AUDIO, NULL);
  guint8 payload[1500];
  const double start = bench_thread_cpu_s ();
  volatile int sink = 0;

  for (guint i = 0; i < FRAMES; i++)
    sink += opus_encode (encoder, voice + i * SAMPLES, SAMPLES, payload, sizeof payload);
  opus_encoder_destroy (encoder);
  return (bench_thread_cpu_s () - start) * 1e6 / FRAMES;
}

static double
copy_alone_us (const gint16 *voice)
{
  gint16 *to = g_new (gint16, FRAMES * SAMPLES);
  const double start = bench_thread_cpu_s ();
  double took;

  for (guint i = 0; i < FRAMES; i++)
    memcpy (to + i * SAMPLES, voice + i * SAMPLES, SAMPLES * sizeof *to);
  took = (bench_thread_cpu_s () - start) * 1e6 / FRAMES;
  g_free (to);
  return took;
}

void
bench_record (const gint16 *voice, BenchPrint print)
{
  double worker, writer;

  record (MEDIA_RECORD_OGG, voice, &worker, &writer);
  print ("recording at 48 kHz: the worker's part", worker, "memcpy", copy_alone_us (voice));
  print ("recording to Ogg/Opus: the writer's part", writer, "libopus", opus_alone_us (voice));
  record (MEDIA_RECORD_WAV, voice, &worker, &writer);
  print ("recording to WAV: the writer's part", writer, "memcpy", copy_alone_us (voice));
}
