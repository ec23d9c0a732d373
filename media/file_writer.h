/* PCM into audio files, encoded and written by one helper thread, so that neither the main thread nor a media
 * worker ever waits for a disk.
 *
 *   worker: write ──▶ ring ──▶ writer thread: libsndfile ──▶ file        ended (on the writer's thread)
 *
 * The ring has one writer (the worker) and one reader (the thread), joined by C11 atomics; no lock. It holds
 * MEDIA_FILE_RING_MS: when the disk stands still for longer, what does not fit is left out, counted, and
 * replaced by as much silence later, so that the file's time goes on being that of the clock.
 *
 * A disk that does not answer stops the thread. Others see since when it is busy, use another one, and may
 * give up what it writes: the sink takes nothing any more, its end is told by who gave it up and not by the
 * thread, and the thread finishes the file when the disk is back.
 *
 * A file never replaces another one: a name that is there already gets a number. Its header (WAV) or its
 * pages (Ogg) are brought up to date each second, so that a file which was never finished can be read. A WAV
 * file that may become longer than 4 GB is one of the kind that becomes RF64 there. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"
#include "media/engine.h"

#define MEDIA_FILE_RING_MS 4000

typedef struct _MediaFileWriter MediaFileWriter;
typedef struct _MediaFileSink MediaFileSink;

/* Called on the writer's thread. For each sink ended is called once, at last, unless it was given up; started
 * at most once before. */
typedef struct
{
  void (*started) (gpointer user, MediaRecordId id, const char *file);
  void (*ended) (gpointer user, MediaRecordId id, const MediaRecordResult *result);
} MediaFileWriterOps;

/** media_file_writer_new: starts the thread; @ops static. (nullable): NULL with @error. */
MediaFileWriter *media_file_writer_new (const MediaFileWriterOps *ops, gpointer user,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** media_file_writer_quit: it ends with the last of its files; media_file_writer_free waits for that. */
void media_file_writer_quit (MediaFileWriter *writer);
/** media_file_writer_free: every sink must be closed: their files are finished, then the thread ends. @until:
 * the same instant for several writers bounds the time for all of them.
 * Returns: FALSE when the disk lets it wait for longer: then it is lost. */
gboolean media_file_writer_free (MediaFileWriter *writer, CfgMonotonic until);

/** media_file_writer_busy_since: any thread. Returns: when it began what it is at: one file's turn, which
 * takes milliseconds where the disk answers; 0: it waits for work. */
CfgMonotonic media_file_writer_busy_since (const MediaFileWriter *writer);

/** media_file_writer_open: any thread; returns at once. @config: copied; max_duration_us is the caller's to
 * keep to. (transfer full): released with media_file_sink_close. */
MediaFileSink *media_file_writer_open (MediaFileWriter *writer, MediaRecordId id,
                                       const MediaRecordConfig *config) G_GNUC_WARN_UNUSED_RESULT;

/* ---- whoever records, on one thread ---- */

/** media_file_sink_write: @pcm: @frames of interleaved samples; NULL: silence. Returns: FALSE when it can be
 * closed, because the file takes nothing any more. */
gboolean media_file_sink_write (MediaFileSink *sink, const gint16 *pcm, gsize frames);
/** media_file_sink_close: @end: why, unless the file ended before. */
void media_file_sink_close (MediaFileSink *sink, MediaRecordEnd end);

/* ---- any thread ---- */

MediaFileSink *media_file_sink_ref (MediaFileSink *sink) G_GNUC_WARN_UNUSED_RESULT;
void media_file_sink_unref (MediaFileSink *sink);
/** media_file_sink_give_up: @result: (out): how much the thread has taken so far, and how much was lost; the
 * rest is the caller's. Returns: FALSE when its end has been told. */
gboolean media_file_sink_give_up (MediaFileSink *sink, MediaRecordResult *result);
