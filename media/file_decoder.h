/* One audio file as mono PCM at a rate of ours, read and decoded by the caller's thread, which may wait for
 * the disk. What libsndfile reads is read: WAV, FLAC, Ogg Vorbis and Opus, MP3 where the library has it; any
 * sample rate of 4 to 192 kHz, up to 8 channels (mixed down). */
#pragma once

#include <glib.h>

typedef struct _MediaFileDecoder MediaFileDecoder;

/* The most that one read gives. */
#define MEDIA_FILE_DECODER_SAMPLES_MAX 16384

typedef struct
{
  const char *path;      /* (nullable): a regular file */
  GBytes *bytes;         /* (nullable): instead of it: a whole file in memory */
  const char *directory; /* (nullable): @path is refused when it is not below it, after all links */
  gboolean loop;         /* it begins anew at its end */
} MediaFileSource;

/** media_file_decoder_new: @source: its texts are not used any more when this returns, @bytes is referred to.
 * (nullable): NULL with @error (transfer full): one sentence without a path of this machine. */
MediaFileDecoder *media_file_decoder_new (const MediaFileSource *source,
                                          char **error) G_GNUC_WARN_UNUSED_RESULT;
void media_file_decoder_free (MediaFileDecoder *decoder);
/** media_file_decoder_rate_hz: 8000, 16000 or 48000, the one nearest above the file's. */
guint media_file_decoder_rate_hz (const MediaFileDecoder *decoder);
/** media_file_decoder_read: @pcm: for MEDIA_FILE_DECODER_SAMPLES_MAX. Returns: how many samples there are; 0
 * at the end. */
gsize media_file_decoder_read (MediaFileDecoder *decoder, gint16 *pcm);
/** media_file_decoder_error: why there was nothing more to read. Returns: (nullable): static: a sentence;
 * NULL: it was the end. */
const char *media_file_decoder_error (const MediaFileDecoder *decoder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaFileDecoder, media_file_decoder_free)
