#include "media/file_reader.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define RING_MS 1000
/* How often rings are looked at while there are some, and below what they are filled up. */
#define ROUND_MS 50
#define LOW_MS   750
#define SOON_MS  300
/* A turn: the part of a ring that is filled before the next stream has its turn. */
#define TURNS_PER_RING 3
/* Who takes longer for a turn of some 2 ms, and does nothing meanwhile, is held up by a disk. */
#define HELD_UP_US (100 * CFG_US_PER_MS)
/* Threads that no file of a disk may have. */
#define FOR_MEMORY 2

/* Whose turn is first: what no disk can stop; what would have a gap soon; what is to begin; the rest. */
typedef enum
{
  DUE_MEMORY,
  DUE_SOON,
  DUE_NEW,
  DUE_LATER,
  N_DUE,
} Due;

struct _MediaFileStream
{
  atomic_uint refs; /* the reader's and the consumer's */
  atomic_uint state;
  atomic_bool closed; /* by the consumer */

  /* Written before the state becomes READY or FAILED, the error also before at_end; constant from then on. */
  char *error;
  guint rate_hz;
  gint16 *ring;
  gsize capacity;

  atomic_size_t written, read; /* samples in all: the ring holds the difference */
  atomic_bool at_end;          /* nothing will be written any more */

  /* whose turn it is on */
  const MediaFileDecoding *decoding;
  char *path, *directory;
  MediaFileSource source;
  gpointer decoder;
  gint16 *pending; /* what did not fit */
  gsize n_pending;
};

typedef struct
{
  MediaFileReader *reader;
  pthread_t thread;
  CfgMonotonic since; /* when its turn began, or the keeper saw it at work */
  gint64 cpu_us;
  gboolean is_busy, is_joined;
} Helper;

struct _MediaFileReader
{
  const MediaFileDecoding *decoding;
  guint n_threads;
  pthread_t keeper;
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t look;  /* the keeper's */
  pthread_cond_t work;  /* the helpers' */
  gboolean quit, is_joined;
  GPtrArray *waiting; /* of streams that had their turn, and are in nobody's hands */
  GQueue due[N_DUE];  /* of streams */
  guint n_streams;    /* also those in somebody's hands */
  guint n_from_disk;  /* helpers with a file of a disk */
  Helper helpers[MEDIA_FILE_THREADS_MAX];
  guint n_helpers, n_idle;
  gboolean is_refused; /* no more threads: said once */
};

/* ---- streams ---- */

static void
unref (MediaFileStream *stream)
{
  if (atomic_fetch_sub_explicit (&stream->refs, 1, memory_order_acq_rel) != 1)
    return;
  if (stream->decoder != NULL)
    stream->decoding->close (stream->decoder);
  g_clear_pointer (&stream->source.bytes, g_bytes_unref);
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
    return stream->error != NULL ? MEDIA_FILE_FAILED : MEDIA_FILE_ENDED;
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

/* ---- a turn, on a helper's thread ---- */

static gsize
held (const MediaFileStream *stream)
{
  return atomic_load_explicit (&stream->written, memory_order_relaxed)
         - atomic_load_explicit (&stream->read, memory_order_acquire);
}

/* As much of pending as the ring takes. */
static void
write_pending (MediaFileStream *stream)
{
  const gsize at = atomic_load_explicit (&stream->written, memory_order_relaxed);
  const gsize n = MIN (stream->n_pending, stream->capacity - held (stream));
  const gsize first = MIN (n, stream->capacity - at % stream->capacity);

  memcpy (stream->ring + at % stream->capacity, stream->pending, first * sizeof *stream->ring);
  memcpy (stream->ring, stream->pending + first, (n - first) * sizeof *stream->ring);
  stream->n_pending -= n;
  memmove (stream->pending, stream->pending + n, stream->n_pending * sizeof *stream->pending);
  atomic_store_explicit (&stream->written, at + n, memory_order_release);
}

static void
fail (MediaFileStream *stream, char *error)
{
  stream->error = error;
  atomic_store_explicit (&stream->state, MEDIA_FILE_FAILED, memory_order_release);
}

static gboolean
open_stream (MediaFileStream *stream)
{
  char *error = NULL;

  stream->decoder = stream->decoding->open (&stream->source, &error);
  if (stream->decoder == NULL)
    {
      fail (stream, error);
      return FALSE;
    }
  stream->rate_hz = stream->decoding->rate_hz (stream->decoder);
  stream->capacity = (gsize)stream->rate_hz / 1000 * RING_MS;
  stream->ring = g_new (gint16, stream->capacity);
  stream->pending = g_new (gint16, MEDIA_FILE_DECODER_SAMPLES_MAX);
  return TRUE;
}

static void
set_end (MediaFileStream *stream)
{
  atomic_store_explicit (&stream->at_end, TRUE, memory_order_release);
}

static void
close_decoder (MediaFileStream *stream)
{
  gpointer decoder = g_steal_pointer (&stream->decoder);

  if (decoder != NULL)
    stream->decoding->close (decoder);
}

/* Returns: FALSE at the end. */
static gboolean
fill (MediaFileStream *stream)
{
  const gsize before = atomic_load_explicit (&stream->written, memory_order_relaxed);

  for (;;)
    {
      write_pending (stream);
      if (stream->n_pending > 0
          || atomic_load_explicit (&stream->written, memory_order_relaxed) - before
                 >= stream->capacity / TURNS_PER_RING)
        return TRUE;
      stream->n_pending = stream->decoding->read (stream->decoder, stream->pending);
      if (stream->n_pending == 0)
        return FALSE;
    }
}

/* Returns: FALSE when the reader has nothing more to do with it. */
static gboolean
turn (MediaFileStream *stream)
{
  const gboolean is_new = stream->ring == NULL;
  gboolean more;

  if (atomic_load_explicit (&stream->closed, memory_order_acquire) || (is_new && !open_stream (stream)))
    {
      close_decoder (stream);
      return FALSE;
    }
  more = fill (stream);
  if (!more)
    {
      stream->error = g_strdup (stream->decoding->error (stream->decoder));
      set_end (stream);
    }
  if (is_new)
    atomic_store_explicit (&stream->state, MEDIA_FILE_READY, memory_order_release);
  if (!more)
    close_decoder (stream); /* which may take its time */
  return more;
}

/* ---- whose turn it is, under the lock ---- */

static gboolean
has_less (const MediaFileStream *stream, guint ms)
{
  return held (stream) < stream->capacity / RING_MS * ms;
}

static gboolean
is_due (const MediaFileStream *stream)
{
  return atomic_load_explicit (&stream->closed, memory_order_acquire) || has_less (stream, LOW_MS);
}

static Due
due_of (const MediaFileStream *stream)
{
  if (stream->source.bytes != NULL)
    return DUE_MEMORY;
  return stream->ring == NULL ? DUE_NEW : has_less (stream, SOON_MS) ? DUE_SOON : DUE_LATER;
}

static void
make_due (MediaFileReader *reader, MediaFileStream *stream)
{
  g_queue_push_tail (&reader->due[due_of (stream)], stream);
}

static guint
count_held_up (const MediaFileReader *reader)
{
  const CfgMonotonic now = cfg_monotonic_now ();
  guint n = 0;

  for (guint i = 0; i < reader->n_helpers; i++)
    n += reader->helpers[i].is_busy && cfg_monotonic_diff_us (now, reader->helpers[i].since) > HELD_UP_US;
  return n;
}

/* The more are held up, the more may work at a time: a hundred files of a disk that has just gone are not to
 * hold up the others one after the other. When the disk is back, most threads have nothing to do. */
static gboolean
may_work (const MediaFileReader *reader)
{
  const guint held_up = count_held_up (reader);
  guint n_busy = 0;

  for (guint i = 0; i < reader->n_helpers; i++)
    n_busy += reader->helpers[i].is_busy;
  return n_busy - held_up < reader->n_threads + held_up;
}

static guint
count_due (const MediaFileReader *reader)
{
  guint n = 0;

  for (Due due = 0; due < N_DUE; due++)
    n += reader->due[due].length;
  return n;
}

/* (nullable) */
static MediaFileStream *
take_due (MediaFileReader *reader)
{
  const gboolean from_disk = reader->n_from_disk < MEDIA_FILE_THREADS_MAX - FOR_MEMORY;

  if (!may_work (reader))
    return NULL;
  for (Due due = DUE_MEMORY; due < (from_disk ? N_DUE : DUE_SOON); due++)
    if (reader->due[due].length > 0)
      return g_queue_pop_head (&reader->due[due]);
  return NULL;
}

/* Gives the lock away for the turn. */
static void
take_turn (Helper *helper, MediaFileStream *stream)
{
  MediaFileReader *reader = helper->reader;
  const gboolean is_from_disk = stream->source.bytes == NULL;
  gboolean more;

  helper->since = cfg_monotonic_now ();
  helper->is_busy = TRUE;
  reader->n_from_disk += is_from_disk;
  pthread_mutex_unlock (&reader->lock);
  more = turn (stream);
  if (!more)
    unref (stream);
  pthread_mutex_lock (&reader->lock);
  reader->n_from_disk -= is_from_disk;
  helper->is_busy = FALSE;
  if (!more)
    reader->n_streams--;
  else if (is_due (stream))
    make_due (reader, stream);
  else
    g_ptr_array_add (reader->waiting, stream);
}

static void *
run_helper (void *data)
{
  Helper *helper = data;
  MediaFileReader *reader = helper->reader;

  pthread_setname_np (pthread_self (), "media-file");
  pthread_mutex_lock (&reader->lock);
  while (!reader->quit)
    {
      MediaFileStream *stream = take_due (reader);

      reader->n_idle -= stream != NULL;
      if (stream != NULL)
        take_turn (helper, stream);
      else
        pthread_cond_wait (&reader->work, &reader->lock);
      reader->n_idle += stream != NULL;
    }
  pthread_mutex_unlock (&reader->lock);
  return NULL;
}

/* What was closed before it began has no file: it does not wait for a thread that could close one, which may
 * be for long. */
static void
forget_closed (MediaFileReader *reader, GQueue *due)
{
  for (guint i = due->length; i > 0; i--)
    {
      MediaFileStream *stream = g_queue_pop_head (due);

      if (stream->decoder != NULL || !atomic_load_explicit (&stream->closed, memory_order_acquire))
        {
          g_queue_push_tail (due, stream);
          continue;
        }
      reader->n_streams--;
      unref (stream);
    }
}

static void
collect (MediaFileReader *reader)
{
  for (guint i = reader->waiting->len; i-- > 0;)
    if (is_due (g_ptr_array_index (reader->waiting, i)))
      make_due (reader, g_ptr_array_steal_index_fast (reader->waiting, i));
  for (guint i = reader->due[DUE_LATER].length; i > 0; i--)
    make_due (reader, g_queue_pop_head (&reader->due[DUE_LATER])); /* it may have become soon */
  forget_closed (reader, &reader->due[DUE_NEW]);
}

/* A full core, where a turn takes its time, is no disk that holds up. */
static void
see_who_works (MediaFileReader *reader)
{
  for (guint i = 0; i < reader->n_helpers; i++)
    {
      Helper *helper = &reader->helpers[i];
      struct timespec used;
      clockid_t clock;
      gint64 cpu_us;

      if (!helper->is_busy || pthread_getcpuclockid (helper->thread, &clock) != 0
          || clock_gettime (clock, &used) != 0)
        continue;
      cpu_us = used.tv_sec * CFG_US_PER_S + used.tv_nsec / 1000;
      if (cpu_us != helper->cpu_us)
        helper->since = cfg_monotonic_now ();
      helper->cpu_us = cpu_us;
    }
}

/* Returns: 0, or errno. */
static int
add_helper (MediaFileReader *reader)
{
  Helper *helper = &reader->helpers[reader->n_helpers];
  int failed;

  helper->reader = reader;
  failed = pthread_create (&helper->thread, NULL, run_helper, helper);
  if (failed != 0)
    return failed;
  reader->n_helpers++;
  reader->n_idle++;
  return 0;
}

/* For as many streams as wait, as far as they may work. */
static void
add_helpers (MediaFileReader *reader)
{
  const guint held_up = count_held_up (reader);
  int failed = 0;

  while (count_due (reader) > reader->n_idle && reader->n_helpers - held_up < reader->n_threads + held_up
         && reader->n_helpers < MEDIA_FILE_THREADS_MAX && failed == 0)
    failed = add_helper (reader);
  if (failed != 0 && !reader->is_refused)
    g_warning ("file reading thread: %s", g_strerror (failed));
  reader->is_refused = failed != 0;
}

static void
wait_a_round (MediaFileReader *reader)
{
  const CfgMonotonic next = cfg_monotonic_add_us (cfg_monotonic_now (), ROUND_MS * CFG_US_PER_MS);
  const struct timespec at
      = { .tv_sec = (time_t)(next.us / CFG_US_PER_S), .tv_nsec = (long)(next.us % CFG_US_PER_S * 1000) };

  if (reader->n_streams > 0)
    pthread_cond_timedwait (&reader->look, &reader->lock, &at);
  else
    pthread_cond_wait (&reader->look, &reader->lock);
}

static void *
run_keeper (void *data)
{
  MediaFileReader *reader = data;

  pthread_setname_np (pthread_self (), "media-files");
  pthread_mutex_lock (&reader->lock);
  while (!reader->quit)
    {
      collect (reader);
      see_who_works (reader);
      add_helpers (reader);
      for (guint i = MIN (count_due (reader), reader->n_threads); i > 0; i--)
        pthread_cond_signal (&reader->work);
      wait_a_round (reader);
    }
  pthread_mutex_unlock (&reader->lock);
  return NULL;
}

/* ---- the reader, on other threads ---- */

static gpointer
decoder_open (const MediaFileSource *source, char **error)
{
  return media_file_decoder_new (source, error);
}

static guint
decoder_rate_hz (gpointer decoder)
{
  return media_file_decoder_rate_hz (decoder);
}

static gsize
decoder_read (gpointer decoder, gint16 *pcm)
{
  return media_file_decoder_read (decoder, pcm);
}

static const char *
decoder_error (gpointer decoder)
{
  return media_file_decoder_error (decoder);
}

static void
decoder_close (gpointer decoder)
{
  media_file_decoder_free (decoder);
}

static void
free_members (MediaFileReader *reader)
{
  pthread_mutex_destroy (&reader->lock);
  pthread_cond_destroy (&reader->look);
  pthread_cond_destroy (&reader->work);
  g_ptr_array_unref (reader->waiting);
  g_free (reader);
}

MediaFileReader *
media_file_reader_new (guint n_threads, const MediaFileDecoding *decoding, GError **error)
{
  static const MediaFileDecoding libsndfile = { .open = decoder_open,
                                                .rate_hz = decoder_rate_hz,
                                                .read = decoder_read,
                                                .error = decoder_error,
                                                .close = decoder_close };
  MediaFileReader *reader = g_new0 (MediaFileReader, 1);
  pthread_condattr_t monotonic;
  int failed;

  reader->decoding = decoding != NULL ? decoding : &libsndfile;
  reader->n_threads = CLAMP (n_threads, 1, MEDIA_FILE_THREADS_MAX / 2);
  reader->waiting = g_ptr_array_new ();
  for (Due due = 0; due < N_DUE; due++)
    g_queue_init (&reader->due[due]);
  pthread_mutex_init (&reader->lock, NULL);
  pthread_condattr_init (&monotonic);
  pthread_condattr_setclock (&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init (&reader->look, &monotonic);
  pthread_condattr_destroy (&monotonic);
  pthread_cond_init (&reader->work, NULL);
  failed = pthread_create (&reader->keeper, NULL, run_keeper, reader);
  if (failed == 0)
    return reader;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (failed), "file reading thread: %s",
               g_strerror (failed));
  free_members (reader);
  return NULL;
}

static void
drop (gpointer data, gpointer user)
{
  set_end (data);
  close_decoder (data);
  unref (data);
}

gboolean
media_file_reader_free (MediaFileReader *reader, CfgMonotonic until)
{
  const struct timespec deadline
      = { .tv_sec = (time_t)(until.us / CFG_US_PER_S), .tv_nsec = (long)(until.us % CFG_US_PER_S * 1000) };
  gboolean all = TRUE;

  pthread_mutex_lock (&reader->lock);
  reader->quit = TRUE;
  pthread_cond_broadcast (&reader->look);
  pthread_cond_broadcast (&reader->work);
  pthread_mutex_unlock (&reader->lock);
  if (!reader->is_joined) /* it never waits for a disk, and makes no more helpers */
    reader->is_joined = pthread_join (reader->keeper, NULL) == 0;
  for (guint i = 0; i < reader->n_helpers; i++)
    {
      Helper *helper = &reader->helpers[i];

      if (!helper->is_joined)
        helper->is_joined = pthread_clockjoin_np (helper->thread, NULL, CLOCK_MONOTONIC, &deadline) == 0;
      all &= helper->is_joined;
    }
  if (!all)
    return FALSE;
  g_ptr_array_foreach (reader->waiting, drop, NULL);
  for (Due due = 0; due < N_DUE; due++)
    {
      g_queue_foreach (&reader->due[due], drop, NULL);
      g_queue_clear (&reader->due[due]);
    }
  free_members (reader);
  return TRUE;
}

MediaFileStream *
media_file_reader_open (MediaFileReader *reader, const MediaFileSource *source)
{
  MediaFileStream *stream = g_new0 (MediaFileStream, 1);
  gboolean is_taken;

  atomic_init (&stream->refs, 2);
  atomic_init (&stream->state, MEDIA_FILE_OPENING);
  stream->decoding = reader->decoding;
  stream->path = g_strdup (source->path);
  stream->directory = g_strdup (source->directory);
  stream->source = *source;
  stream->source.path = stream->path;
  stream->source.directory = stream->directory;
  if (source->bytes != NULL)
    g_bytes_ref (source->bytes);
  pthread_mutex_lock (&reader->lock);
  is_taken = reader->n_streams < MEDIA_FILE_STREAMS_MAX;
  if (is_taken)
    {
      reader->n_streams++;
      make_due (reader, stream);
      pthread_cond_signal (&reader->look);
    }
  pthread_mutex_unlock (&reader->lock);
  if (!is_taken)
    {
      fail (stream, g_strdup ("too many files are being played"));
      unref (stream);
    }
  return stream;
}
