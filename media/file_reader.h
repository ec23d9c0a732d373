/* Audio files as PCM, read and decoded by helper threads, so that neither the main thread nor a media worker
 * ever waits for a disk.
 *
 *   main ── open ──▶ due ──▶ the next thread that is free: decodes ahead ──▶ ring ──▶ worker: read
 *                     ▲                                             │
 *                     └──────── a keeper, each 50 ms ◀── waiting ◀──┘
 *
 * The ring (a second) has one writer at a time (a helper) and one reader (whoever plays), joined by C11
 * atomics; no lock. The lists are under a lock that nobody holds for longer than it takes to look through
 * them, and that the consumer never takes.
 *
 * All streams take turns: a turn fills a third of a ring. As many threads work as n_threads says; one that a
 * disk holds up (a network file system whose server is gone) is not counted and holds up its own file alone:
 * another one is made in its place, up to MEDIA_FILE_THREADS_MAX. A few of these are left to what is played
 * from memory, which no disk can stop. When the disk is back those that are too many rest. They give way as
 * the thread does that made the reader (the main one).
 *
 * First comes what is in memory, then what would have a gap soon, then what is to begin, then the rest: where
 * there is too little of the cores for all, what is heard stays whole, and what is new waits. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"
#include "media/file_decoder.h"

typedef struct _MediaFileReader MediaFileReader;
typedef struct _MediaFileStream MediaFileStream;

#define MEDIA_FILE_STREAMS_MAX 2000
#define MEDIA_FILE_THREADS_MAX 32

typedef enum
{
  MEDIA_FILE_OPENING,
  MEDIA_FILE_READY,  /* rate is known; there is PCM, or there will be */
  MEDIA_FILE_ENDED,  /* all of it was read from the ring */
  MEDIA_FILE_FAILED, /* see media_file_stream_error; when there was something to read, after all of it */
} MediaFileState;

/* What reads and decodes; each call may take as long as it likes. As the functions of media/file_decoder.h.
 */
typedef struct
{
  gpointer (*open) (const MediaFileSource *source, char **error);
  guint (*rate_hz) (gpointer decoder);
  gsize (*read) (gpointer decoder, gint16 *pcm);
  const char *(*error) (gpointer decoder);
  void (*close) (gpointer decoder);
} MediaFileDecoding;

/** media_file_reader_new: @n_threads: how many decode at the same time, 1…MEDIA_FILE_THREADS_MAX / 2;
 * @decoding: (nullable): static: instead of libsndfile. Starts a thread. (nullable): NULL with @error. */
MediaFileReader *media_file_reader_new (guint n_threads, const MediaFileDecoding *decoding,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** media_file_reader_free: ends the threads; streams that are still held end early. Returns: FALSE when a
 * disk holds one of them up beyond @until: then it is lost. */
gboolean media_file_reader_free (MediaFileReader *reader, CfgMonotonic until);

/** media_file_reader_open: @source: copied. Any thread. Returns at once. (transfer full): released with
 * media_file_stream_close. */
MediaFileStream *media_file_reader_open (MediaFileReader *reader,
                                         const MediaFileSource *source) G_GNUC_WARN_UNUSED_RESULT;

/** media_file_stream_state: the consumer's thread, as for the rest. */
MediaFileState media_file_stream_state (const MediaFileStream *stream);
/** media_file_stream_rate_hz: 8000, 16000 or 48000, the one nearest above the file's; once it is READY. */
guint media_file_stream_rate_hz (const MediaFileStream *stream);
/** media_file_stream_error: one sentence without a path of this machine; once it is FAILED. */
const char *media_file_stream_error (const MediaFileStream *stream);
/** media_file_stream_read: Returns: how many samples there were, 0…@samples. */
gsize media_file_stream_read (MediaFileStream *stream, gint16 *pcm, gsize samples);
void media_file_stream_close (MediaFileStream *stream);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaFileStream, media_file_stream_close)
