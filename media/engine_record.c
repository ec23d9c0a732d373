/* Recordings as the main thread sees them: which room each is in, and the threads that write their files, as
 * many as there are workers: one that encodes Opus for a hundred is busy.
 *
 * A thread that its disk holds up (a network file system whose server is gone) gets nothing more, and does
 * not count: what comes goes to another one, up to WRITERS_MAX. Looked at each second: what it writes waits
 * for the disk for GONE_S, what has not begun or is stopped for SILENT_S; then it ends, with the reason. When
 * the disk is back the thread finishes its files, and takes new ones. While the process was stopped, or its
 * machine, no disk could answer: what a thread was at then is counted from when it goes on. */
#include "media/engine_private.h"

#include "media/file_writer.h"
#include "media/recorder.h"

#define WRITERS_MAX 16
#define WORKING_MAX 8 /* of those that no disk holds up */
/* Who is longer at one file's turn, which takes milliseconds, is held up by a disk. */
#define HELD_UP_US (CFG_US_PER_S)
#define SILENT_S   10
#define GONE_S     30
/* Between two looks, one second apart, where the process stood still itself. */
#define STOOD_STILL_US (3 * CFG_US_PER_S)

typedef struct
{
  MediaRoomId room;
  guint writer;
  MediaFileSink *sink;
  char *file; /* NULL before it began */
  gboolean is_stopped;
} Entry;

struct _MediaRecords
{
  MediaFileWriter *writers[WRITERS_MAX]; /* NULL before it is needed */
  guint n_files[WRITERS_MAX];
  CfgMonotonic given_up[WRITERS_MAX]; /* since when it was busy with what was given up; 0: nothing was */
  GHashTable *entries;                /* id of the recording → Entry */
  GSource *watch;                     /* while there are some */
  CfgMonotonic looked_at, awake_at;   /* the last time; since the last standstill */
};

/* From the writer's thread to the main thread. */
typedef struct
{
  CfgMessage base;
  MediaRecordId id;
  char *file;
  gboolean ended;
  MediaRecordResult result;
  char *error;
} News;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  media_file_sink_unref (entry->sink);
  g_free (entry->file);
  g_free (entry);
}

static void
forget (struct _MediaRecords *records, MediaRecordId id)
{
  const Entry *entry = g_hash_table_lookup (records->entries, &id);

  if (entry == NULL)
    return;
  records->n_files[entry->writer]--;
  g_hash_table_remove (records->entries, &id);
}

static void
begin (const struct _MediaRecords *records, MediaRecordId id, const char *file)
{
  Entry *entry = g_hash_table_lookup (records->entries, &id);

  if (entry != NULL)
    entry->file = g_strdup (file);
}

static void
run_news (CfgMessage *base, gpointer owner)
{
  const News *news = (const News *)base;
  MediaEngine *engine = owner;

  if (news->ended)
    forget (engine->records, news->id);
  else
    begin (engine->records, news->id, news->file);
  if (news->ended && engine->ops->record_ended != NULL)
    engine->ops->record_ended (engine->owner, news->id, &news->result);
  else if (!news->ended && engine->ops->record_started != NULL)
    engine->ops->record_started (engine->owner, news->id, news->file);
}

static void
destroy_news (CfgMessage *base)
{
  News *news = (News *)base;

  g_free (news->file);
  g_free (news->error);
  g_free (news);
}

static News *
news_new (MediaRecordId id, const char *file)
{
  News *news = g_new0 (News, 1);

  news->base.run = run_news;
  news->base.destroy = destroy_news;
  news->id = id;
  news->file = g_strdup (file);
  return news;
}

static void
on_started (gpointer user, MediaRecordId id, const char *file)
{
  cfg_mailbox_post (user, &news_new (id, file)->base, CFG_MAILBOX_MUST_DELIVER);
}

static void
on_ended (gpointer user, MediaRecordId id, const MediaRecordResult *result)
{
  News *news = news_new (id, result->file);

  news->ended = TRUE;
  news->error = g_strdup (result->error);
  news->result = *result;
  news->result.file = news->file;
  news->result.error = news->error;
  cfg_mailbox_post (user, &news->base, CFG_MAILBOX_MUST_DELIVER);
}

/* ---- disks that do not answer ---- */

static gint64
busy_us (const struct _MediaRecords *records, guint writer, CfgMonotonic now)
{
  const CfgMonotonic since = media_file_writer_busy_since (records->writers[writer]);

  return since.us == 0 ? 0 : now.us - MAX (since.us, records->awake_at.us);
}

/* Also when it was given up and has not gone on since. */
static gboolean
is_held_up (const struct _MediaRecords *records, guint writer, CfgMonotonic now)
{
  return busy_us (records, writer, now) > HELD_UP_US
         || (records->given_up[writer].us != 0
             && records->given_up[writer].us == media_file_writer_busy_since (records->writers[writer]).us);
}

static gint64
patience_us (const Entry *entry)
{
  return (entry->file == NULL || entry->is_stopped ? SILENT_S : GONE_S) * CFG_US_PER_S;
}

/* Its thread finishes it when it can; the room's worker hears of it with its next frame. */
static void
give_up (MediaEngine *engine, MediaRecordId id, gint64 after_us)
{
  struct _MediaRecords *records = engine->records;
  const Entry *entry = g_hash_table_lookup (records->entries, &id);
  g_autofree char *file = g_strdup (entry->file);
  g_autofree char *error
      = g_strdup_printf ("the disk has not answered for %d s", (int)(after_us / CFG_US_PER_S));
  MediaRecordResult result = { .end = MEDIA_RECORD_FAILED, .file = file, .error = error };

  records->given_up[entry->writer] = media_file_writer_busy_since (records->writers[entry->writer]);
  if (!media_file_sink_give_up (entry->sink, &result))
    return; /* its end is on the way */
  forget (records, id);
  if (engine->ops->record_ended != NULL)
    engine->ops->record_ended (engine->owner, id, &result);
}

void
media_engine_records_look (MediaEngine *engine, CfgMonotonic now)
{
  struct _MediaRecords *records = engine->records;
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (MediaRecordId));
  GHashTableIter iter;
  gpointer id, entry;

  if (cfg_monotonic_diff_us (now, records->looked_at) > STOOD_STILL_US)
    records->awake_at = now;
  records->looked_at = now;
  g_hash_table_iter_init (&iter, records->entries);
  while (g_hash_table_iter_next (&iter, &id, &entry))
    if (busy_us (records, ((Entry *)entry)->writer, now) >= patience_us (entry))
      g_array_append_vals (ids, id, 1);
  for (guint i = 0; i < ids->len; i++)
    {
      const MediaRecordId record = g_array_index (ids, MediaRecordId, i);
      const Entry *given_up = g_hash_table_lookup (records->entries, &record);

      if (given_up != NULL) /* who was told of another one may have done anything */
        give_up (engine, record, busy_us (records, given_up->writer, now));
    }
}

static gboolean
on_watch (gpointer user)
{
  MediaEngine *engine = user;

  media_engine_records_look (engine, cfg_monotonic_now ());
  if (g_hash_table_size (engine->records->entries) > 0)
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&engine->records->watch, g_source_unref);
  return G_SOURCE_REMOVE;
}

static void
watch (MediaEngine *engine)
{
  struct _MediaRecords *records = engine->records;

  if (records->watch != NULL)
    return;
  records->looked_at = cfg_monotonic_now ();
  records->watch = g_timeout_source_new_seconds (1);
  g_source_set_callback (records->watch, on_watch, engine, NULL);
  g_source_attach (records->watch, NULL);
}

static void
unwatch (struct _MediaRecords *records)
{
  if (records->watch == NULL)
    return;
  g_source_destroy (records->watch);
  g_clear_pointer (&records->watch, g_source_unref);
}

/* ---- threads ---- */

/* Of those that are there and go on; WRITERS_MAX: there is none. @n: (out): how many do. */
static guint
with_fewest_files (const struct _MediaRecords *records, guint *n)
{
  const CfgMonotonic now = cfg_monotonic_now ();
  guint best = WRITERS_MAX;

  *n = 0;
  for (guint i = 0; i < WRITERS_MAX; i++)
    {
      if (records->writers[i] == NULL || is_held_up (records, i, now))
        continue;
      (*n)++;
      if (best == WRITERS_MAX || records->n_files[i] < records->n_files[best])
        best = i;
    }
  return best;
}

/* Returns: which one it is; WRITERS_MAX: there is none. */
static guint
add_writer (MediaEngine *engine)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  g_autoptr (GError) error = NULL;
  guint i = 0;

  while (i < WRITERS_MAX && engine->records->writers[i] != NULL)
    i++;
  if (i == WRITERS_MAX)
    return i;
  engine->records->writers[i] = media_file_writer_new (&ops, engine->mailbox, &error);
  if (error == NULL)
    return i;
  g_warning ("%s", error->message);
  return WRITERS_MAX;
}

/* The one with the fewest files; each is there from when it is needed. Where no more threads are to be had,
 * those that are there take what comes. WRITERS_MAX: there is none. */
static guint
choose_writer (MediaEngine *engine)
{
  struct _MediaRecords *records = engine->records;
  guint best, added, n;

  if (records == NULL)
    {
      records = engine->records = g_new0 (struct _MediaRecords, 1);
      records->entries = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, entry_free);
    }
  best = with_fewest_files (records, &n);
  if (best < WRITERS_MAX && (records->n_files[best] == 0 || n >= MIN (engine->n_workers, WORKING_MAX)))
    return best;
  added = add_writer (engine);
  return added < WRITERS_MAX ? added : best;
}

void
media_engine_records_quit (MediaEngine *engine)
{
  const struct _MediaRecords *records = engine->records;

  for (guint i = 0; records != NULL && i < WRITERS_MAX; i++)
    if (records->writers[i] != NULL)
      media_file_writer_quit (records->writers[i]);
}

gboolean
media_engine_records_free (MediaEngine *engine, CfgMonotonic until)
{
  struct _MediaRecords *records = engine->records;
  gboolean finished = TRUE;

  if (records == NULL)
    return TRUE;
  unwatch (records);
  for (guint i = 0; i < WRITERS_MAX; i++)
    if (records->writers[i] != NULL)
      finished &= media_file_writer_free (records->writers[i], until);
  if (!finished)
    {
      g_warning ("recordings could not be finished: the disk does not answer");
      return FALSE;
    }
  g_hash_table_unref (records->entries);
  g_clear_pointer (&engine->records, g_free);
  return TRUE;
}

MediaRecordId
media_engine_record (MediaEngine *engine, MediaRoomId room, const MediaRecordConfig *config)
{
  const int worker = media_engine_room_worker (engine, room);
  const guint index = worker >= 0 ? choose_writer (engine) : WRITERS_MAX;
  MediaFileSink *sink;
  MediaRecordId id;
  Entry *entry;

  if (index == WRITERS_MAX)
    return 0;
  id = ++engine->last_id;
  sink = media_file_writer_open (engine->records->writers[index], id, config);
  entry = g_new (Entry, 1);
  *entry = (Entry){ .room = room, .writer = index, .sink = media_file_sink_ref (sink) };
  engine->records->n_files[index]++;
  g_hash_table_insert (engine->records->entries, g_memdup2 (&id, sizeof id), entry);
  watch (engine);
  media_worker_post (engine->workers[worker],
                     media_command_room_record (room, media_recorder_new (id, config, sink)));
  return id;
}

/* @worker: (out): the one that the room is on; -1: it is gone. */
static MediaRoomId
room_of (const MediaEngine *engine, MediaRecordId record, int *worker)
{
  const Entry *entry
      = engine->records != NULL ? g_hash_table_lookup (engine->records->entries, &record) : NULL;

  *worker = entry != NULL ? media_engine_room_worker (engine, entry->room) : -1;
  return entry != NULL ? entry->room : 0;
}

void
media_engine_record_leg (MediaEngine *engine, MediaRecordId record, MediaLegId leg)
{
  int worker;
  const MediaRoomId room = room_of (engine, record, &worker);

  if (worker >= 0)
    media_worker_post (engine->workers[worker], media_command_room_record_leg (room, record, leg));
}

void
media_engine_record_stop (MediaEngine *engine, MediaRecordId record)
{
  int worker;
  const MediaRoomId room = room_of (engine, record, &worker);

  if (room != 0)
    ((Entry *)g_hash_table_lookup (engine->records->entries, &record))->is_stopped = TRUE;
  if (worker >= 0)
    media_worker_post (engine->workers[worker], media_command_room_stop_record (room, record));
}
