#include "media/file_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sndfile.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/base/clock.h"
#include "config/base/ids.h"
#include "config/base/mailbox.h"
#include "media/feed.h"
#include "media/record_folders.h"

#define CHUNK_FRAMES 4096
/* How often rings are looked at while there are some: a twentieth of what they hold. */
#define ROUND_MS         100
#define ORDERS_MAX       4096
#define NAME_TRIES       64 /* while others take the names that were free */
#define NAME_LISTED      32 /* of them in order; then by chance */
#define NICENESS         10 /* encoding waits for the workers and the main thread, not they for it */
#define OGG_HEADER_SIZE  27
#define OPUS_GRANULES_HZ 48000 /* RFC 7845 section 4 */
#define FILE_MODE        0640
#define FOLDER_TRIES     16
/* What the sizes in a WAV file's header can say, with space for what else is in the file. */
#define WAV_BYTES_MAX ((gint64)G_MAXUINT32 - (1 << 20))

struct _MediaFileSink
{
  atomic_uint refs; /* the writer's and the recorder's */
  MediaRecordId id;
  char *directory, *wanted;
  MediaRecordFormat format;
  guint rate_hz, channels;
  gboolean may_be_long; /* longer than a WAV file's header can say */

  gint16 *ring;
  gsize capacity;              /* samples */
  atomic_size_t written, read; /* samples in all: the ring holds the difference */
  atomic_bool closed;          /* by the recorder: nothing more will be written */
  atomic_bool dead;            /* by the writer, or given up: nothing more will be read */
  atomic_bool told;            /* the end, by the writer or who gave it up */
  atomic_ullong n_dropped;     /* frames */
  MediaRecordEnd end;          /* the recorder's word, before closed */
  guint64 owed;                /* frames of silence, the recorder's own */

  /* the writer's own */
  int fd, folder;
  int failure;                     /* errno of the first write that failed; 0: none */
  off_t page_at;                   /* Ogg: where the newest page begins */
  guint64 granule, granule_before; /* Ogg: at the end of the newest page, and of the one before it */
  SNDFILE *file;
  char *name;          /* below the directory, once it is made */
  gboolean has_begun;  /* there is a header; at the end: and something to hear */
  gboolean is_entered; /* its folders are to be left */
  guint64 frames, frames_flushed;
};

struct _MediaFileWriter
{
  const MediaFileWriterOps *ops;
  gpointer user;
  pthread_t thread;
  CfgMailbox *mailbox;
  atomic_llong busy_since_us; /* monotonic; 0: it waits */
  gboolean quit;              /* the thread's own */
  GPtrArray *sinks;           /* the thread's own */
};

typedef struct
{
  CfgMessage base;
  MediaFileSink *sink; /* NULL: quit */
} Order;

MediaFileSink *
media_file_sink_ref (MediaFileSink *sink)
{
  atomic_fetch_add_explicit (&sink->refs, 1, memory_order_relaxed);
  return sink;
}

void
media_file_sink_unref (MediaFileSink *sink)
{
  if (atomic_fetch_sub_explicit (&sink->refs, 1, memory_order_acq_rel) != 1)
    return;
  g_free (sink->directory);
  g_free (sink->wanted);
  g_free (sink->name);
  g_free (sink->ring);
  g_free (sink);
}

/* ---- the recorder's side ---- */

/* @pcm NULL: silence. There is space for @samples. */
static void
push (MediaFileSink *sink, const gint16 *pcm, gsize samples)
{
  const gsize at = atomic_load_explicit (&sink->written, memory_order_relaxed);
  const gsize first = MIN (samples, sink->capacity - at % sink->capacity);

  if (pcm != NULL)
    {
      memcpy (sink->ring + at % sink->capacity, pcm, first * sizeof *pcm);
      memcpy (sink->ring, pcm + first, (samples - first) * sizeof *pcm);
    }
  else
    {
      memset (sink->ring + at % sink->capacity, 0, first * sizeof *pcm);
      memset (sink->ring, 0, (samples - first) * sizeof *pcm);
    }
  atomic_store_explicit (&sink->written, at + samples, memory_order_release);
}

static gsize
space_frames (const MediaFileSink *sink)
{
  const gsize held = atomic_load_explicit (&sink->written, memory_order_relaxed)
                     - atomic_load_explicit (&sink->read, memory_order_acquire);

  return (sink->capacity - held) / sink->channels;
}

gboolean
media_file_sink_write (MediaFileSink *sink, const gint16 *pcm, gsize frames)
{
  gsize space = space_frames (sink), silence;

  if (atomic_load_explicit (&sink->dead, memory_order_acquire))
    return FALSE;
  silence = (gsize)MIN ((guint64)space, sink->owed);
  push (sink, NULL, silence * sink->channels);
  sink->owed -= silence;
  space -= silence;
  if (sink->owed == 0 && space >= frames)
    {
      push (sink, pcm, frames * sink->channels);
      return TRUE;
    }
  sink->owed += frames;
  if (pcm != NULL)
    atomic_fetch_add_explicit (&sink->n_dropped, frames, memory_order_relaxed);
  return TRUE;
}

void
media_file_sink_close (MediaFileSink *sink, MediaRecordEnd end)
{
  sink->end = end;
  atomic_store_explicit (&sink->closed, TRUE, memory_order_release);
  media_file_sink_unref (sink);
}

static double
seconds (const MediaFileSink *sink, guint64 frames)
{
  return (double)frames / sink->rate_hz;
}

gboolean
media_file_sink_give_up (MediaFileSink *sink, MediaRecordResult *result)
{
  const guint64 taken = atomic_load_explicit (&sink->read, memory_order_relaxed) / sink->channels;

  if (atomic_exchange_explicit (&sink->told, TRUE, memory_order_acq_rel))
    return FALSE;
  atomic_store_explicit (&sink->dead, TRUE, memory_order_release);
  result->duration_s = seconds (sink, taken);
  result->lost_s = seconds (sink, atomic_load_explicit (&sink->n_dropped, memory_order_relaxed));
  return TRUE;
}

/* ---- the file, on the writer's thread ---- */

static gboolean
is_given_up (const MediaFileSink *sink)
{
  return atomic_load_explicit (&sink->told, memory_order_acquire);
}

static sf_count_t
file_size (void *user)
{
  struct stat status;

  return fstat (((MediaFileSink *)user)->fd, &status) == 0 ? (sf_count_t)status.st_size : 0;
}

static sf_count_t
file_seek (sf_count_t offset, int whence, void *user)
{
  return lseek (((MediaFileSink *)user)->fd, offset, whence);
}

static sf_count_t
file_read (void *to, sf_count_t count, void *user)
{
  return read (((MediaFileSink *)user)->fd, to, (size_t)count);
}

static sf_count_t
file_tell (void *user)
{
  return lseek (((MediaFileSink *)user)->fd, 0, SEEK_CUR);
}

/* RFC 3533 section 6: a page's header, which the library writes by itself. */
static void
note_page (MediaFileSink *sink, const guint8 *header)
{
  guint64 granule = 0;

  for (guint i = 0; i < 8; i++)
    granule |= (guint64)header[6 + i] << (8 * i);
  sink->page_at = lseek (sink->fd, 0, SEEK_CUR);
  sink->granule_before = sink->granule;
  if (granule != G_MAXUINT64) /* no packet ends there */
    sink->granule = granule;
}

static sf_count_t
file_write (const void *from, sf_count_t count, void *user)
{
  MediaFileSink *sink = user;
  sf_count_t done = 0;

  if (sink->format == MEDIA_RECORD_OGG && sink->failure == 0 && count >= OGG_HEADER_SIZE
      && memcmp (from, "OggS", 4) == 0)
    note_page (sink, from);
  /* A WAV header may still be put right, where it is. */
  while (done < count && (sink->failure == 0 || sink->format == MEDIA_RECORD_WAV))
    {
      const ssize_t n = write (sink->fd, (const char *)from + done, (size_t)(count - done));

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          if (sink->failure == 0)
            sink->failure = n < 0 ? errno : ENOSPC;
          break;
        }
      done += n;
    }
  return done;
}

/* "call.wav", "call-2.wav", "call-3.wav" ... (transfer full) */
static char *
numbered (const char *file, guint64 number)
{
  const char *slash = strrchr (file, '/');
  const char *dot = strrchr (slash != NULL ? slash : file, '.');
  const int length = dot != NULL ? (int)(dot - file) : (int)strlen (file);

  if (number == 1)
    return g_strdup (file);
  return g_strdup_printf ("%.*s-%" G_GUINT64_FORMAT "%s", length, file, number, dot != NULL ? dot : "");
}

static const char *
base_name (const char *name)
{
  const char *slash = strrchr (name, '/');

  return slash != NULL ? slash + 1 : name;
}

static gboolean
is_taken (const MediaFileSink *sink, guint64 number)
{
  g_autofree char *name = numbered (sink->wanted, number);
  struct stat status;

  return fstatat (sink->folder, base_name (name), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Looks at 2, 4, 8 ..., then between the last that is taken and the first that is free. A hole below may be
 * passed over: with ten thousand files that are numbered without one it takes 27 looks, not ten thousand. */
static guint64
find_number (const MediaFileSink *sink)
{
  guint64 taken = 1, free = 2;

  for (; free < G_MAXUINT32 && is_taken (sink, free); free *= 2)
    taken = free;
  while (free - taken > 1)
    {
      const guint64 middle = taken + (free - taken) / 2;

      if (is_taken (sink, middle))
        taken = middle;
      else
        free = middle;
    }
  return free;
}

/* Returns: FALSE with errno. Somebody else may take a name between being looked at and being made. */
static gboolean
make_numbered (MediaFileSink *sink)
{
  for (guint tries = 0; tries < NAME_TRIES; tries++)
    {
      const guint64 number = tries == 0            ? 1
                             : tries < NAME_LISTED ? find_number (sink)
                                                   : (guint64)G_MAXUINT32 + cfg_random_u32 ();
      g_autofree char *name = numbered (sink->wanted, number);

      sink->fd = openat (sink->folder, base_name (name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                         FILE_MODE);
      if (sink->fd >= 0)
        {
          sink->name = g_steal_pointer (&name);
          return TRUE;
        }
      if (errno != EEXIST)
        return FALSE;
    }
  return FALSE;
}

/* Returns: FALSE with errno. A folder may go before the file is in it, or before it is opened: the last of
 * those that did not come about there removes it, and then the ones above it. */
static gboolean
make_file (MediaFileSink *sink)
{
  int failed = ENOENT;

  sink->is_entered = media_record_folders_enter (sink->directory, sink->wanted);
  if (!sink->is_entered)
    failed = EINVAL;
  for (guint tries = 0; failed == ENOENT && tries < FOLDER_TRIES; tries++)
    {
      sink->folder = media_record_folders_open (sink->directory, sink->wanted);
      if (sink->folder >= 0 && make_numbered (sink))
        return TRUE;
      failed = errno;
      if (sink->folder >= 0)
        close (sink->folder);
      sink->folder = -1;
    }
  errno = failed;
  return FALSE;
}

/* A file in which nothing is does not stay. By its name it is removed only while that is the name of this
 * file: somebody may have put another one there. (No call of the kernel's removes a file by its descriptor.)
 */
static void
discard (MediaFileSink *sink)
{
  const char *name = base_name (sink->name);
  struct stat ours, there;

  if (fstat (sink->fd, &ours) == 0 && fstatat (sink->folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0
      && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
    (void)unlinkat (sink->folder, name, 0);
}

static gboolean
open_sound (MediaFileSink *sink)
{
  static SF_VIRTUAL_IO io = {
    .get_filelen = file_size, .seek = file_seek, .read = file_read, .write = file_write, .tell = file_tell
  };
  SF_INFO info = { .samplerate = (int)sink->rate_hz, .channels = (int)sink->channels };

  info.format = sink->format == MEDIA_RECORD_OGG ? SF_FORMAT_OGG | SF_FORMAT_OPUS
                : sink->may_be_long              ? SF_FORMAT_RF64 | SF_FORMAT_PCM_16
                                                 : SF_FORMAT_WAV | SF_FORMAT_PCM_16;
  sink->file = sf_open_virtual (&io, SFM_WRITE, &info, sink);
  /* EBU Tech 3306: a WAV file with space in its header, which becomes RF64 when it is as long as that. */
  if (sink->file != NULL && sink->may_be_long)
    sf_command (sink->file, SFC_RF64_AUTO_DOWNGRADE, NULL, SF_TRUE);
  /* Ogg's would wait for the first frame: a full disk is to be known now. */
  if (sink->file != NULL && sink->format == MEDIA_RECORD_OGG)
    sf_command (sink->file, SFC_UPDATE_HEADER_NOW, NULL, 0);
  return sink->file != NULL;
}

static const char *
format_name (const MediaFileSink *sink)
{
  return sink->format == MEDIA_RECORD_OGG ? "Ogg/Opus" : "WAV";
}

static MediaRecordEnd
end_of (const MediaFileSink *sink)
{
  if (sink->failure == ENOSPC || sink->failure == EDQUOT || sink->failure == EFBIG)
    return MEDIA_RECORD_DISK_FULL;
  return sink->failure != 0 ? MEDIA_RECORD_FAILED : sink->end;
}

/* Readers take Ogg without any frame for no audio. */
static void
put_one_frame (MediaFileSink *sink)
{
  const sf_count_t frames = sink->rate_hz / 1000 * MEDIA_FRAME_MS;
  g_autofree gint16 *silence = g_new0 (gint16, (gsize)frames * sink->channels);

  if (sf_writef_short (sink->file, silence, frames) == frames)
    sink->frames += (guint64)frames;
}

static void
cut_last_page (MediaFileSink *sink)
{
  /* Half a page is worse than none: readers do not find the end. */
  if (ftruncate (sink->fd, sink->page_at) < 0)
    sink->failure = errno;
  sink->frames = sink->granule_before * sink->rate_hz / OPUS_GRANULES_HZ;
  if (sink->frames == 0)
    sink->has_begun = FALSE;
}

static void
close_file (MediaFileSink *sink, MediaRecordResult *result)
{
  struct stat status;

  if (sink->file != NULL && sink->format == MEDIA_RECORD_OGG && sink->frames == 0 && sink->failure == 0)
    put_one_frame (sink);
  if (sink->file != NULL)
    sf_close (sink->file);
  if (sink->fd < 0)
    return;
  if (sink->format == MEDIA_RECORD_OGG && sink->failure != 0)
    cut_last_page (sink);
  else if (sink->failure != 0 && sink->frames == 0)
    sink->has_begun = FALSE;
  if (!sink->has_begun)
    discard (sink);
  else if (fstat (sink->fd, &status) == 0)
    result->size = (guint64)status.st_size;
  if (close (sink->fd) < 0 && sink->failure == 0 && errno != EINTR)
    sink->failure = errno;
}

/* @error: (nullable) (transfer full): in place of what writing failed with. Its last word. */
static void
tell (const MediaFileWriter *writer, const MediaFileSink *sink, char *error, MediaRecordResult *result)
{
  result->end = error != NULL && sink->failure == 0 ? MEDIA_RECORD_FAILED : end_of (sink);
  if (error == NULL && sink->failure != 0)
    error = g_strdup_printf ("the file cannot be written: %s", g_strerror (sink->failure));
  result->error = error;
  result->file = sink->has_begun ? sink->name : NULL;
  result->duration_s = seconds (sink, sink->frames);
  result->lost_s = seconds (sink, atomic_load_explicit (&sink->n_dropped, memory_order_relaxed));
  writer->ops->ended (writer->user, sink->id, result);
  g_free (error);
}

/* @error: as for tell. The file is finished. */
static void
end (const MediaFileWriter *writer, MediaFileSink *sink, char *error)
{
  MediaRecordResult result = { 0 };

  /* Before the end is told: the recorder may go on writing into the ring, nobody will read it. */
  atomic_store_explicit (&sink->dead, TRUE, memory_order_release);
  close_file (sink, &result);
  if (sink->folder >= 0)
    close (sink->folder);
  if (sink->is_entered)
    media_record_folders_leave (sink->directory, sink->wanted, sink->has_begun);
  if (atomic_exchange_explicit (&sink->told, TRUE, memory_order_acq_rel))
    g_free (error); /* whoever gave it up told of it */
  else
    tell (writer, sink, error, &result);
}

/* As much as there is. Returns: FALSE when the file takes no more. */
static gboolean
drain (MediaFileSink *sink)
{
  gint16 pcm[CHUNK_FRAMES];

  for (;;)
    {
      const gsize at = atomic_load_explicit (&sink->read, memory_order_relaxed);
      const gsize held = atomic_load_explicit (&sink->written, memory_order_acquire) - at;
      const gsize samples = MIN (held, G_N_ELEMENTS (pcm)) / sink->channels * sink->channels;
      const gsize first = MIN (samples, sink->capacity - at % sink->capacity);
      const sf_count_t frames = (sf_count_t)(samples / sink->channels);
      sf_count_t done;

      if (samples == 0)
        return TRUE;
      memcpy (pcm, sink->ring + at % sink->capacity, first * sizeof *pcm);
      memcpy (pcm + first, sink->ring, (samples - first) * sizeof *pcm);
      atomic_store_explicit (&sink->read, at + samples, memory_order_release);
      done = sf_writef_short (sink->file, pcm, frames);
      sink->frames += (guint64)MAX (done, 0);
      if (done != frames || sink->failure != 0)
        {
          if (sink->failure == 0)
            sink->failure = EIO;
          return FALSE;
        }
    }
}

/* A header that is right but for the last second. Ogg's pages are right by themselves. */
static void
keep_readable (MediaFileSink *sink)
{
  if (sink->format != MEDIA_RECORD_WAV || sink->frames - sink->frames_flushed < sink->rate_hz)
    return;
  sf_command (sink->file, SFC_UPDATE_HEADER_NOW, NULL, 0);
  sink->frames_flushed = sink->frames;
}

static void
set_busy (MediaFileWriter *writer, gboolean busy)
{
  atomic_store_explicit (&writer->busy_since_us, busy ? cfg_monotonic_now ().us : 0, memory_order_relaxed);
}

/* Returns: FALSE when it is over, and told. */
static gboolean
serve (MediaFileWriter *writer, MediaFileSink *sink)
{
  const gboolean closed = atomic_load_explicit (&sink->closed, memory_order_acquire) || is_given_up (sink);

  if (!drain (sink) || closed)
    {
      end (writer, sink, NULL);
      return FALSE;
    }
  keep_readable (sink);
  return TRUE;
}

static void
take_sink (MediaFileWriter *writer, MediaFileSink *sink)
{
  set_busy (writer, TRUE);
  if (is_given_up (sink))
    end (writer, sink, NULL);
  else if (!make_file (sink))
    {
      sink->failure = errno;
      end (writer, sink, g_strdup_printf ("the file cannot be made: %s", g_strerror (sink->failure)));
    }
  else if (!open_sound (sink) && sink->failure == 0)
    end (writer, sink,
         g_strdup_printf ("libsndfile writes no %s at %u Hz", format_name (sink), sink->rate_hz));
  else if (sink->file == NULL || sink->failure != 0 || is_given_up (sink))
    end (writer, sink, NULL); /* not even its header; or nobody waits for it any more */
  else
    {
      sink->has_begun = TRUE;
      writer->ops->started (writer->user, sink->id, sink->name);
      g_ptr_array_add (writer->sinks, sink);
      return;
    }
  media_file_sink_unref (sink);
}

static void
run_order (CfgMessage *base, gpointer owner)
{
  Order *order = (Order *)base;
  MediaFileWriter *writer = owner;

  if (order->sink == NULL)
    writer->quit = TRUE;
  else
    take_sink (writer, g_steal_pointer (&order->sink));
}

static void
destroy_order (CfgMessage *base)
{
  Order *order = (Order *)base;

  g_clear_pointer (&order->sink, media_file_sink_unref);
  g_free (order);
}

static void *
run (void *data)
{
  MediaFileWriter *writer = data;

  pthread_setname_np (pthread_self (), "media-recorder");
  (void)!setpriority (PRIO_PROCESS, (id_t)gettid (), NICENESS);
  /* Asked to quit it ends with the last file. */
  while (!writer->quit || writer->sinks->len > 0)
    {
      struct pollfd ready = { .fd = cfg_mailbox_fd (writer->mailbox), .events = POLLIN };

      set_busy (writer, FALSE);
      (void)!poll (&ready, 1, writer->sinks->len > 0 ? ROUND_MS : -1);
      cfg_mailbox_dispatch (writer->mailbox, writer);
      for (guint i = writer->sinks->len; i-- > 0;)
        {
          set_busy (writer, TRUE);
          if (!serve (writer, g_ptr_array_index (writer->sinks, i)))
            media_file_sink_unref (g_ptr_array_steal_index_fast (writer->sinks, i));
        }
    }
  return NULL;
}

/* ---- the writer, on other threads ---- */

static void
post (MediaFileWriter *writer, MediaFileSink *sink)
{
  Order *order = g_new0 (Order, 1);

  order->base.run = run_order;
  order->base.destroy = destroy_order;
  order->sink = sink;
  cfg_mailbox_post (writer->mailbox, &order->base, CFG_MAILBOX_MUST_DELIVER);
}

static void
free_members (MediaFileWriter *writer)
{
  cfg_mailbox_free (writer->mailbox);
  g_ptr_array_unref (writer->sinks);
  g_free (writer);
}

MediaFileWriter *
media_file_writer_new (const MediaFileWriterOps *ops, gpointer user, GError **error)
{
  MediaFileWriter *writer = g_new0 (MediaFileWriter, 1);
  int failed;

  writer->ops = ops;
  writer->user = user;
  writer->mailbox = cfg_mailbox_new (ORDERS_MAX);
  writer->sinks = g_ptr_array_new ();
  failed = pthread_create (&writer->thread, NULL, run, writer);
  if (failed == 0)
    return writer;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (failed), "file writing thread: %s",
               g_strerror (failed));
  free_members (writer);
  return NULL;
}

CfgMonotonic
media_file_writer_busy_since (const MediaFileWriter *writer)
{
  return (CfgMonotonic){ atomic_load_explicit (&writer->busy_since_us, memory_order_relaxed) };
}

void
media_file_writer_quit (MediaFileWriter *writer)
{
  post (writer, NULL);
}

gboolean
media_file_writer_free (MediaFileWriter *writer, CfgMonotonic until)
{
  const struct timespec deadline
      = { .tv_sec = (time_t)(until.us / CFG_US_PER_S), .tv_nsec = (long)(until.us % CFG_US_PER_S * 1000) };

  media_file_writer_quit (writer);
  if (pthread_clockjoin_np (writer->thread, NULL, CLOCK_MONOTONIC, &deadline) != 0)
    return FALSE;
  free_members (writer);
  return TRUE;
}

static gboolean
may_be_long (const MediaRecordConfig *config)
{
  const gint64 bytes_per_s
      = (gint64)config->rate_hz * CLAMP (config->channels, 1, 2) * (gint64)sizeof (gint16);

  return config->format == MEDIA_RECORD_WAV
         && (config->max_duration_us <= 0
             || config->max_duration_us / CFG_US_PER_S >= WAV_BYTES_MAX / bytes_per_s);
}

MediaFileSink *
media_file_writer_open (MediaFileWriter *writer, MediaRecordId id, const MediaRecordConfig *config)
{
  MediaFileSink *sink = g_new0 (MediaFileSink, 1);

  atomic_init (&sink->refs, 2);
  sink->id = id;
  sink->directory = g_strdup (config->directory);
  sink->wanted = g_strdup (config->file);
  sink->format = config->format;
  sink->rate_hz = config->rate_hz;
  sink->channels = CLAMP (config->channels, 1, 2);
  sink->may_be_long = may_be_long (config);
  sink->capacity = (gsize)sink->rate_hz / 1000 * MEDIA_FILE_RING_MS * sink->channels;
  sink->ring = g_new (gint16, sink->capacity);
  sink->fd = sink->folder = -1;
  post (writer, sink);
  return sink;
}
