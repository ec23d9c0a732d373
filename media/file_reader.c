#include "media/file_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <sndfile.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/base/mailbox.h"
#include "media/codec/resampler.h"

#define RING_MS      1000
#define CHUNK_FRAMES 4096 /* of the file, at a time */
#define CHANNELS_MAX 8
#define RATE_MIN_HZ  4000
#define RATE_MAX_HZ  192000
/* How often rings are looked at while there are some. A ring holds twenty times as much. */
#define ROUND_MS   50
#define ORDERS_MAX 4096

struct _MediaFileStream
{
  atomic_uint refs; /* the reader's and the consumer's */
  atomic_uint state;
  atomic_bool closed; /* by the consumer */
  char *path, *directory;
  GBytes *bytes;
  gboolean loop;

  /* Written before the state becomes READY or FAILED, constant from then on. */
  char *error;
  guint rate_hz;
  gint16 *ring;
  gsize capacity;

  atomic_size_t written, read; /* samples in all: the ring holds the difference */
  atomic_bool at_end;          /* nothing will be written any more */

  /* the reader's own */
  SNDFILE *file;
  SF_INFO info;
  sf_count_t memory_at;
  MediaResampler *resampler; /* NULL: the file has a rate of ours */
  gint16 *pending;           /* what did not fit */
  gsize n_pending;
  gboolean any_this_round; /* a file without sound must not loop for ever */
};

struct _MediaFileReader
{
  pthread_t thread;
  CfgMailbox *mailbox;
  gboolean quit;      /* the thread's own */
  GPtrArray *streams; /* the thread's own */
};

typedef struct
{
  CfgMessage base;
  MediaFileStream *stream; /* NULL: quit */
} Order;

/* ---- streams ---- */

static void
unref (MediaFileStream *stream)
{
  if (atomic_fetch_sub_explicit (&stream->refs, 1, memory_order_acq_rel) != 1)
    return;
  if (stream->file != NULL)
    sf_close (stream->file);
  if (stream->resampler != NULL)
    media_resampler_free (stream->resampler);
  g_clear_pointer (&stream->bytes, g_bytes_unref);
  g_free (stream->path);
  g_free (stream->directory);
  g_free (stream->error);
  g_free (stream->ring);
  g_free (stream->pending);
  g_free (stream);
}

MediaFileState
media_file_stream_state (const MediaFileStream *stream)
{
  const MediaFileState state = (MediaFileState)atomic_load_explicit (&stream->state, memory_order_acquire);

  if (state == MEDIA_FILE_READY && atomic_load_explicit (&stream->at_end, memory_order_acquire)
      && atomic_load_explicit (&stream->written, memory_order_acquire)
             == atomic_load_explicit (&stream->read, memory_order_relaxed))
    return MEDIA_FILE_ENDED;
  return state;
}

guint
media_file_stream_rate_hz (const MediaFileStream *stream)
{
  return stream->rate_hz;
}

const char *
media_file_stream_error (const MediaFileStream *stream)
{
  return stream->error;
}

gsize
media_file_stream_read (MediaFileStream *stream, gint16 *pcm, gsize samples)
{
  gsize written, at, first;

  if (atomic_load_explicit (&stream->state, memory_order_acquire) != MEDIA_FILE_READY)
    return 0;
  written = atomic_load_explicit (&stream->written, memory_order_acquire);
  at = atomic_load_explicit (&stream->read, memory_order_relaxed);
  samples = MIN (samples, written - at);
  first = MIN (samples, stream->capacity - at % stream->capacity);
  memcpy (pcm, stream->ring + at % stream->capacity, first * sizeof *pcm);
  memcpy (pcm + first, stream->ring, (samples - first) * sizeof *pcm);
  atomic_store_explicit (&stream->read, at + samples, memory_order_release);
  return samples;
}

void
media_file_stream_close (MediaFileStream *stream)
{
  atomic_store_explicit (&stream->closed, TRUE, memory_order_release);
  unref (stream);
}

/* ---- reading, on the reader's thread ---- */

static void
fail (MediaFileStream *stream, char *error)
{
  stream->error = error;
  atomic_store_explicit (&stream->state, MEDIA_FILE_FAILED, memory_order_release);
}

static sf_count_t
memory_size (void *user)
{
  return (sf_count_t)g_bytes_get_size (((MediaFileStream *)user)->bytes);
}

static sf_count_t
memory_seek (sf_count_t offset, int whence, void *user)
{
  MediaFileStream *stream = user;
  const sf_count_t base = whence == SEEK_CUR   ? stream->memory_at
                          : whence == SEEK_END ? memory_size (user)
                                               : 0;

  stream->memory_at = CLAMP (base + offset, 0, memory_size (user));
  return stream->memory_at;
}

static sf_count_t
memory_read (void *to, sf_count_t count, void *user)
{
  MediaFileStream *stream = user;
  const guint8 *data = g_bytes_get_data (stream->bytes, NULL);
  const sf_count_t n = CLAMP (count, 0, memory_size (user) - stream->memory_at);

  memcpy (to, data + stream->memory_at, (gsize)n);
  stream->memory_at += n;
  return n;
}

static sf_count_t
memory_tell (void *user)
{
  return ((MediaFileStream *)user)->memory_at;
}

static gboolean
is_below (const char *directory, const char *path)
{
  g_autofree char *prefix
      = g_str_has_suffix (directory, "/") ? g_strdup (directory) : g_strconcat (directory, "/", NULL);

  return g_str_has_prefix (path, prefix);
}

/* Below the directory, if there is one to be below. A link may lead anywhere: what counts is where it ends.
 * (transfer full): with free; NULL: failed. */
static char *
resolve (MediaFileStream *stream)
{
  char *real = realpath (stream->path, NULL);
  char *directory = NULL;

  if (real == NULL)
    {
      fail (stream, g_strdup_printf ("the file cannot be opened: %s", g_strerror (errno)));
      return NULL;
    }
  if (stream->directory == NULL)
    return real;
  directory = realpath (stream->directory, NULL);
  if (directory == NULL || !is_below (directory, real))
    {
      fail (stream, g_strdup ("the file is not in the directory of files that may be played"));
      g_clear_pointer (&real, free);
    }
  free (directory);
  return real;
}

static int
open_path (MediaFileStream *stream)
{
  char *real = resolve (stream);
  struct stat status;
  int fd;

  if (real == NULL)
    return -1;
  fd = open (real, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  free (real);
  if (fd < 0)
    {
      fail (stream, g_strdup_printf ("the file cannot be opened: %s", g_strerror (errno)));
      return -1;
    }
  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode))
    return fd;
  fail (stream, g_strdup ("this is no regular file"));
  close (fd);
  return -1;
}

static gboolean
open_file (MediaFileStream *stream)
{
  static SF_VIRTUAL_IO memory = {
    .get_filelen = memory_size, .seek = memory_seek, .read = memory_read, .write = NULL, .tell = memory_tell
  };

  if (stream->bytes != NULL)
    stream->file = sf_open_virtual (&memory, SFM_READ, &stream->info, stream);
  else
    {
      const int fd = open_path (stream);

      if (fd < 0)
        return FALSE;
      stream->file = sf_open_fd (fd, SFM_READ, &stream->info, SF_TRUE);
    }
  if (stream->file != NULL)
    return TRUE;
  fail (stream, g_strdup_printf ("the file is no audio that can be read: %s", sf_strerror (NULL)));
  return FALSE;
}

static guint
output_rate_hz (int file_rate_hz)
{
  return file_rate_hz <= 8000 ? 8000 : file_rate_hz <= 16000 ? 16000 : 48000;
}

static gboolean
prepare (MediaFileStream *stream)
{
  const SF_INFO *info = &stream->info;

  if (info->channels < 1 || info->channels > CHANNELS_MAX || info->samplerate < RATE_MIN_HZ
      || info->samplerate > RATE_MAX_HZ)
    {
      fail (stream,
            g_strdup_printf ("the file has %d channels at %d Hz: at most %d channels at %d to %d Hz can "
                             "be played",
                             info->channels, info->samplerate, CHANNELS_MAX, RATE_MIN_HZ, RATE_MAX_HZ));
      return FALSE;
    }
  stream->rate_hz = output_rate_hz (info->samplerate);
  if ((guint)info->samplerate != stream->rate_hz)
    stream->resampler = media_resampler_new_from ((guint)info->samplerate, stream->rate_hz, NULL);
  stream->capacity = (gsize)stream->rate_hz / 1000 * RING_MS;
  stream->ring = g_new (gint16, stream->capacity);
  /* A chunk at the slowest rate that is resampled to the fastest: 16001 Hz to 48 kHz; 4 kHz to 8 kHz. */
  stream->pending = g_new (gint16, CHUNK_FRAMES * 4);
  return TRUE;
}

/* Floating point may be beyond full scale, or no number at all. */
static gint16
to_sample (float value)
{
  if (!(value > -1.0f))
    return value <= -1.0f ? G_MININT16 : 0;
  return value < 1.0f ? (gint16)MIN (lrintf (value * 32768.0f), G_MAXINT16) : G_MAXINT16;
}

/* As loud as the file says. Read as integers, formats that have none (Ogg, float) would be scaled to their
 * highest peak, which libsndfile decodes the whole file for. */
static void
mix_down (const MediaFileStream *stream, const float *frames, gsize n, gint16 *mono)
{
  const int channels = stream->info.channels;

  for (gsize i = 0; i < n; i++)
    {
      float sum = 0;

      for (int c = 0; c < channels; c++)
        sum += frames[i * (gsize)channels + (gsize)c];
      mono[i] = to_sample (sum / (float)channels);
    }
}

/* Decodes the next chunk into pending. Returns: FALSE at the end. */
static gboolean
decode_chunk (MediaFileStream *stream)
{
  g_autofree float *frames = g_new (float, CHUNK_FRAMES *(gsize)stream->info.channels);
  gint16 mono[CHUNK_FRAMES];
  sf_count_t n = sf_readf_float (stream->file, frames, CHUNK_FRAMES);

  if (n <= 0 && stream->loop && stream->any_this_round && sf_seek (stream->file, 0, SEEK_SET) == 0)
    {
      stream->any_this_round = FALSE;
      n = sf_readf_float (stream->file, frames, CHUNK_FRAMES);
    }
  if (n <= 0)
    return FALSE;
  stream->any_this_round = TRUE;
  mix_down (stream, frames, (gsize)n, mono);
  if (stream->resampler == NULL)
    {
      memcpy (stream->pending, mono, (gsize)n * sizeof *mono);
      stream->n_pending = (gsize)n;
    }
  else
    {
      const gssize out
          = media_resampler_process (stream->resampler, mono, (gsize)n, stream->pending, CHUNK_FRAMES * 4);

      stream->n_pending = (gsize)MAX (out, 0);
    }
  return TRUE;
}

/* As much of pending as the ring takes. */
static void
write_pending (MediaFileStream *stream)
{
  const gsize at = atomic_load_explicit (&stream->written, memory_order_relaxed);
  const gsize held = at - atomic_load_explicit (&stream->read, memory_order_acquire);
  const gsize n = MIN (stream->n_pending, stream->capacity - held);
  const gsize first = MIN (n, stream->capacity - at % stream->capacity);

  memcpy (stream->ring + at % stream->capacity, stream->pending, first * sizeof *stream->ring);
  memcpy (stream->ring, stream->pending + first, (n - first) * sizeof *stream->ring);
  stream->n_pending -= n;
  memmove (stream->pending, stream->pending + n, stream->n_pending * sizeof *stream->pending);
  atomic_store_explicit (&stream->written, at + n, memory_order_release);
}

static void
finish (MediaFileStream *stream)
{
  g_clear_pointer (&stream->file, sf_close);
  atomic_store_explicit (&stream->at_end, TRUE, memory_order_release);
}

/* Fills the ring. Returns: FALSE when the reader has nothing more to do with it. */
static gboolean
serve (MediaFileStream *stream)
{
  if (atomic_load_explicit (&stream->closed, memory_order_acquire))
    return FALSE;
  for (;;)
    {
      write_pending (stream);
      if (stream->n_pending > 0)
        return TRUE;
      if (!decode_chunk (stream))
        {
          finish (stream);
          return FALSE;
        }
    }
}

static void
take_stream (MediaFileReader *reader, MediaFileStream *stream)
{
  if (reader->streams->len >= MEDIA_FILE_STREAMS_MAX)
    fail (stream, g_strdup ("too many files are being played"));
  else if (!atomic_load_explicit (&stream->closed, memory_order_acquire) && open_file (stream)
           && prepare (stream))
    {
      const gboolean more = serve (stream);

      atomic_store_explicit (&stream->state, MEDIA_FILE_READY, memory_order_release);
      if (more)
        {
          g_ptr_array_add (reader->streams, stream);
          return;
        }
    }
  g_clear_pointer (&stream->file, sf_close);
  unref (stream);
}

static void
run_order (CfgMessage *base, gpointer owner)
{
  Order *order = (Order *)base;
  MediaFileReader *reader = owner;

  if (order->stream == NULL)
    reader->quit = TRUE;
  else
    take_stream (reader, g_steal_pointer (&order->stream));
}

static void
destroy_order (CfgMessage *base)
{
  Order *order = (Order *)base;

  g_clear_pointer (&order->stream, unref);
  g_free (order);
}

static void *
run (void *data)
{
  MediaFileReader *reader = data;

  pthread_setname_np (pthread_self (), "media-files");
  while (!reader->quit)
    {
      struct pollfd ready = { .fd = cfg_mailbox_fd (reader->mailbox), .events = POLLIN };

      (void)!poll (&ready, 1, reader->streams->len > 0 ? ROUND_MS : -1);
      cfg_mailbox_dispatch (reader->mailbox, reader);
      for (guint i = reader->streams->len; i-- > 0;)
        if (!serve (g_ptr_array_index (reader->streams, i)))
          unref (g_ptr_array_steal_index_fast (reader->streams, i));
    }
  for (guint i = 0; i < reader->streams->len; i++)
    {
      MediaFileStream *stream = g_ptr_array_index (reader->streams, i);

      finish (stream);
      unref (stream);
    }
  g_ptr_array_set_size (reader->streams, 0);
  return NULL;
}

/* ---- the reader, on other threads ---- */

static void
post (MediaFileReader *reader, MediaFileStream *stream)
{
  Order *order = g_new0 (Order, 1);

  order->base.run = run_order;
  order->base.destroy = destroy_order;
  order->stream = stream;
  cfg_mailbox_post (reader->mailbox, &order->base, CFG_MAILBOX_MUST_DELIVER);
}

MediaFileReader *
media_file_reader_new (GError **error)
{
  MediaFileReader *reader = g_new0 (MediaFileReader, 1);
  int failed;

  reader->mailbox = cfg_mailbox_new (ORDERS_MAX);
  reader->streams = g_ptr_array_new ();
  failed = pthread_create (&reader->thread, NULL, run, reader);
  if (failed == 0)
    return reader;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (failed), "file reading thread: %s",
               g_strerror (failed));
  cfg_mailbox_free (reader->mailbox);
  g_ptr_array_unref (reader->streams);
  g_free (reader);
  return NULL;
}

void
media_file_reader_free (MediaFileReader *reader)
{
  post (reader, NULL);
  pthread_join (reader->thread, NULL);
  cfg_mailbox_free (reader->mailbox);
  g_ptr_array_unref (reader->streams);
  g_free (reader);
}

MediaFileStream *
media_file_reader_open (MediaFileReader *reader, const char *path, GBytes *bytes, const char *directory,
                        gboolean loop)
{
  MediaFileStream *stream = g_new0 (MediaFileStream, 1);

  atomic_init (&stream->refs, 2);
  atomic_init (&stream->state, MEDIA_FILE_OPENING);
  stream->path = g_strdup (path);
  stream->directory = g_strdup (directory);
  stream->bytes = bytes != NULL ? g_bytes_ref (bytes) : NULL;
  stream->loop = loop;
  post (reader, stream);
  return stream;
}
