#include "media/file_decoder.h"

#include <errno.h>
#include <fcntl.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/codec/resampler.h"

#define CHUNK_FRAMES 4096 /* of the file, at a time */
#define CHANNELS_MAX 8
#define RATE_MIN_HZ  4000
#define RATE_MAX_HZ  192000
#define EMPTY        "the file is empty: there is no audio in it"
#define NO_AUDIO                                                                                             \
  "the file is no audio that can be read: damaged, or no WAV, FLAC, Ogg, MP3 or other format that is known"
/* A chunk at the slowest rate that is resampled to the fastest: 16001 Hz to 48 kHz; 4 kHz to 8 kHz. */
G_STATIC_ASSERT (MEDIA_FILE_DECODER_SAMPLES_MAX >= 4 * CHUNK_FRAMES);

struct _MediaFileDecoder
{
  SNDFILE *file;
  SF_INFO info;
  GBytes *bytes; /* NULL: a file of the disk */
  sf_count_t memory_at;
  guint rate_hz;
  MediaResampler *resampler; /* NULL: the file has a rate of ours */
  gboolean loop, is_torn;    /* the system gave an error where there should be more */
  guint64 frames;            /* since it began, or began anew */
  gint16 *whole;             /* what loops and is shorter than a chunk: all of it, at the file's rate */
  gsize n_whole, whole_at;
};

/* ---- where it comes from ---- */

static sf_count_t
memory_size (void *user)
{
  return (sf_count_t)g_bytes_get_size (((MediaFileDecoder *)user)->bytes);
}

static sf_count_t
memory_seek (sf_count_t offset, int whence, void *user)
{
  MediaFileDecoder *decoder = user;
  const sf_count_t base = whence == SEEK_CUR   ? decoder->memory_at
                          : whence == SEEK_END ? memory_size (user)
                                               : 0;

  decoder->memory_at = CLAMP (base + offset, 0, memory_size (user));
  return decoder->memory_at;
}

static sf_count_t
memory_read (void *to, sf_count_t count, void *user)
{
  MediaFileDecoder *decoder = user;
  const guint8 *data = g_bytes_get_data (decoder->bytes, NULL);
  const sf_count_t n = CLAMP (count, 0, memory_size (user) - decoder->memory_at);

  if (n > 0) /* no bytes have no data */
    memcpy (to, data + decoder->memory_at, (gsize)n);
  decoder->memory_at += n;
  return n;
}

static sf_count_t
memory_tell (void *user)
{
  return ((MediaFileDecoder *)user)->memory_at;
}

static gboolean
is_below (const char *directory, const char *path)
{
  g_autofree char *prefix
      = g_str_has_suffix (directory, "/") ? g_strdup (directory) : g_strconcat (directory, "/", NULL);

  return g_str_has_prefix (path, prefix);
}

/* Below the directory, if there is one to be below. A link may lead anywhere: what counts is where it ends.
 * (transfer full): with free; NULL with @error. */
static char *
resolve (const MediaFileSource *source, char **error)
{
  char *real = realpath (source->path, NULL);
  char *directory = NULL;

  if (real == NULL)
    {
      *error = g_strdup_printf ("the file cannot be opened: %s", g_strerror (errno));
      return NULL;
    }
  if (source->directory == NULL)
    return real;
  directory = realpath (source->directory, NULL);
  if (directory == NULL || !is_below (directory, real))
    {
      *error = g_strdup ("the file is not in the directory of files that may be played");
      g_clear_pointer (&real, free);
    }
  free (directory);
  return real;
}

/* libsndfile tells an error of opening by a variable of the whole process: it may be another file's.
 * (transfer full) (nullable): what can be told without it. */
static char *
look_into (int fd)
{
  char first;
  const ssize_t n = pread (fd, &first, sizeof first, 0);

  if (n < 0)
    return g_strdup_printf ("the file cannot be read: %s", g_strerror (errno));
  return n == 0 ? g_strdup (EMPTY) : NULL;
}

static int
open_path (const MediaFileSource *source, char **error)
{
  char *real = resolve (source, error);
  struct stat status;
  int fd;

  if (real == NULL)
    return -1;
  fd = open (real, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  free (real);
  if (fd < 0)
    {
      *error = g_strdup_printf ("the file cannot be opened: %s", g_strerror (errno));
      return -1;
    }
  if (fstat (fd, &status) < 0 || !S_ISREG (status.st_mode))
    *error = g_strdup ("this is no regular file");
  else
    *error = look_into (fd);
  if (*error == NULL)
    return fd;
  close (fd);
  return -1;
}

static gboolean
open_file (MediaFileDecoder *decoder, const MediaFileSource *source, char **error)
{
  static SF_VIRTUAL_IO memory = {
    .get_filelen = memory_size, .seek = memory_seek, .read = memory_read, .write = NULL, .tell = memory_tell
  };

  if (source->bytes != NULL)
    {
      if (g_bytes_get_size (source->bytes) == 0)
        {
          *error = g_strdup (EMPTY);
          return FALSE;
        }
      decoder->bytes = g_bytes_ref (source->bytes);
      decoder->file = sf_open_virtual (&memory, SFM_READ, &decoder->info, decoder);
    }
  else
    {
      const int fd = open_path (source, error);

      if (fd < 0)
        return FALSE;
      decoder->file = sf_open_fd (fd, SFM_READ, &decoder->info, SF_TRUE);
    }
  if (decoder->file == NULL)
    *error = g_strdup (NO_AUDIO);
  return decoder->file != NULL;
}

static guint
output_rate_hz (int file_rate_hz)
{
  return file_rate_hz <= 8000 ? 8000 : file_rate_hz <= 16000 ? 16000 : 48000;
}

static gboolean
prepare (MediaFileDecoder *decoder, char **error)
{
  const SF_INFO *info = &decoder->info;

  if (info->channels < 1 || info->channels > CHANNELS_MAX || info->samplerate < RATE_MIN_HZ
      || info->samplerate > RATE_MAX_HZ)
    {
      *error = g_strdup_printf ("the file has %d channels at %d Hz: at most %d channels at %d to %d Hz can "
                                "be played",
                                info->channels, info->samplerate, CHANNELS_MAX, RATE_MIN_HZ, RATE_MAX_HZ);
      return FALSE;
    }
  decoder->rate_hz = output_rate_hz (info->samplerate);
  if ((guint)info->samplerate != decoder->rate_hz)
    decoder->resampler = media_resampler_new_from ((guint)info->samplerate, decoder->rate_hz, NULL);
  return TRUE;
}

MediaFileDecoder *
media_file_decoder_new (const MediaFileSource *source, char **error)
{
  g_autoptr (MediaFileDecoder) decoder = g_new0 (MediaFileDecoder, 1);

  decoder->loop = source->loop;
  if (!open_file (decoder, source, error) || !prepare (decoder, error))
    return NULL;
  return g_steal_pointer (&decoder);
}

void
media_file_decoder_free (MediaFileDecoder *decoder)
{
  g_clear_pointer (&decoder->file, sf_close);
  g_clear_pointer (&decoder->resampler, media_resampler_free);
  g_clear_pointer (&decoder->bytes, g_bytes_unref);
  g_free (decoder->whole);
  g_free (decoder);
}

guint
media_file_decoder_rate_hz (const MediaFileDecoder *decoder)
{
  return decoder->rate_hz;
}

/* ---- its sound ---- */

/* Floating point may be beyond full scale, or no number at all. */
static gint16
to_sample (float value)
{
  const float scaled = value == value ? value * 32768.0f : 0;
  const float within = CLAMP (scaled, (float)G_MININT16, (float)G_MAXINT16);

  return (gint16)(within + (within < 0 ? -0.5f : 0.5f));
}

/* As loud as the file says. Read as integers, formats that have none (Ogg, float) would be scaled to their
 * highest peak, which libsndfile decodes the whole file for. */
static void
mix_down (const MediaFileDecoder *decoder, const float *frames, gsize n, gint16 *mono)
{
  const int channels = decoder->info.channels;

  for (gsize i = 0; i < n; i++)
    {
      float sum = 0;

      for (int c = 0; c < channels; c++)
        sum += frames[i * (gsize)channels + (gsize)c];
      mono[i] = to_sample (sum / (float)channels);
    }
}

static gsize
read_frames (MediaFileDecoder *decoder, gint16 *mono)
{
  g_autofree float *frames = g_new (float, CHUNK_FRAMES *(gsize)decoder->info.channels);
  const sf_count_t n = sf_readf_float (decoder->file, frames, CHUNK_FRAMES);

  if (n <= 0)
    {
      decoder->is_torn = sf_error (decoder->file) == SF_ERR_SYSTEM;
      return 0;
    }
  mix_down (decoder, frames, (gsize)n, mono);
  decoder->frames += (guint64)n;
  return (gsize)n;
}

/* A sample or two that go on for ever must not be sought in a file each time: up to a chunk is kept. */
static gsize
repeat_whole (MediaFileDecoder *decoder, gint16 *mono)
{
  for (gsize i = 0; i < CHUNK_FRAMES; i++)
    {
      mono[i] = decoder->whole[decoder->whole_at];
      decoder->whole_at = (decoder->whole_at + 1) % decoder->n_whole;
    }
  return CHUNK_FRAMES;
}

/* At the end of a file that loops. A file without sound must not loop for ever. */
static gsize
begin_anew (MediaFileDecoder *decoder, gint16 *mono)
{
  const guint64 length = decoder->frames;
  gsize n;

  decoder->frames = 0;
  if (length == 0 || sf_seek (decoder->file, 0, SEEK_SET) != 0)
    return 0;
  n = read_frames (decoder, mono);
  if (n == 0 || length > CHUNK_FRAMES || n != length)
    return n;
  decoder->whole = g_memdup2 (mono, n * sizeof *mono);
  decoder->n_whole = n;
  return n;
}

gsize
media_file_decoder_read (MediaFileDecoder *decoder, gint16 *pcm)
{
  gint16 mono[CHUNK_FRAMES];
  gssize out = 0;

  while (out == 0)
    {
      gsize n = decoder->whole != NULL ? repeat_whole (decoder, mono) : read_frames (decoder, mono);

      if (n == 0 && decoder->loop && !decoder->is_torn)
        n = begin_anew (decoder, mono);
      if (n == 0)
        return 0;
      if (decoder->resampler == NULL)
        {
          memcpy (pcm, mono, n * sizeof *mono);
          return n;
        }
      out = media_resampler_process (decoder->resampler, mono, n, pcm, MEDIA_FILE_DECODER_SAMPLES_MAX);
    }
  return (gsize)MAX (out, 0);
}

const char *
media_file_decoder_error (const MediaFileDecoder *decoder)
{
  return decoder->is_torn ? "the rest of the file cannot be read: its disk gives an error" : NULL;
}
