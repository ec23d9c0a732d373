/* Audio files as PCM, read and decoded by one helper thread, so that neither the main thread nor a media
 * worker ever waits for a disk.
 *
 *   main ── open ──▶ reader thread ── decodes ahead, a second at most ──▶ ring ──▶ worker: read
 *
 * The ring has one writer (the reader) and one reader (whoever plays), joined by C11 atomics; no lock. What
 * libsndfile reads is read: WAV, FLAC, Ogg Vorbis and Opus, MP3 where the library has it; any sample rate of
 * 4 to 192 kHz, up to 8 channels (mixed down). */
#pragma once

#include <glib.h>

typedef struct _MediaFileReader MediaFileReader;
typedef struct _MediaFileStream MediaFileStream;

#define MEDIA_FILE_STREAMS_MAX 2000

typedef enum
{
  MEDIA_FILE_OPENING,
  MEDIA_FILE_READY,  /* rate is known; there is PCM, or there will be */
  MEDIA_FILE_ENDED,  /* all of it was read from the ring */
  MEDIA_FILE_FAILED, /* see media_file_stream_error */
} MediaFileState;

/** media_file_reader_new: starts the thread. (nullable): NULL with @error. */
MediaFileReader *media_file_reader_new (GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** media_file_reader_free: ends the thread; streams that are still held end early. */
void media_file_reader_free (MediaFileReader *reader);

/**
 * media_file_reader_open:
 * @path: (nullable): a regular file; what it must not be is the caller's to check
 * @bytes: (nullable): instead of @path: a whole file in memory
 * @directory: (nullable): @path is refused when it is not below it, after all links
 *
 * Any thread. Returns at once. (transfer full): released with media_file_stream_close.
 */
MediaFileStream *media_file_reader_open (MediaFileReader *reader, const char *path, GBytes *bytes,
                                         const char *directory, gboolean loop) G_GNUC_WARN_UNUSED_RESULT;

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
