/* Recordings as the main thread sees them: which room each is in, and the threads that write their files, as
 * many as there are workers: one that encodes Opus for a hundred is busy. */
#include "media/engine_private.h"

#include "media/file_writer.h"
#include "media/recorder.h"

#define FINISH_SECONDS 5
#define WRITERS_MAX    8

typedef struct
{
  MediaRoomId room;
  guint writer;
} Entry;

struct _MediaRecords
{
  MediaFileWriter *writers[WRITERS_MAX]; /* NULL before it is needed */
  guint n_files[WRITERS_MAX];
  GHashTable *entries; /* id of the recording → Entry */
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
forget (struct _MediaRecords *records, MediaRecordId id)
{
  const Entry *entry = g_hash_table_lookup (records->entries, &id);

  if (entry == NULL)
    return;
  records->n_files[entry->writer]--;
  g_hash_table_remove (records->entries, &id);
}

static void
run_news (CfgMessage *base, gpointer owner)
{
  const News *news = (const News *)base;
  MediaEngine *engine = owner;

  if (news->ended)
    forget (engine->records, news->id);
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

/* The one with the fewest files; each is there from when it is needed. NULL: no thread could be made. */
static MediaFileWriter *
choose_writer (MediaEngine *engine, guint *index)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  g_autoptr (GError) error = NULL;
  struct _MediaRecords *records = engine->records;

  if (records == NULL)
    {
      records = engine->records = g_new0 (struct _MediaRecords, 1);
      records->entries = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
    }
  *index = 0;
  for (guint i = 1; i < MIN (engine->n_workers, WRITERS_MAX); i++)
    if (records->n_files[i] < records->n_files[*index])
      *index = i;
  if (records->writers[*index] == NULL)
    records->writers[*index] = media_file_writer_new (&ops, engine->mailbox, &error);
  if (error != NULL)
    g_warning ("%s", error->message);
  return records->writers[*index];
}

gboolean
media_engine_records_free (MediaEngine *engine)
{
  struct _MediaRecords *records = engine->records;
  gboolean finished = TRUE;

  if (records == NULL)
    return TRUE;
  for (guint i = 0; i < WRITERS_MAX; i++)
    if (records->writers[i] != NULL)
      media_file_writer_quit (records->writers[i]);
  for (guint i = 0; i < WRITERS_MAX; i++)
    if (records->writers[i] != NULL)
      finished &= media_file_writer_free (records->writers[i], finished ? FINISH_SECONDS : 0);
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
  guint index;
  MediaFileWriter *writer = worker >= 0 ? choose_writer (engine, &index) : NULL;
  MediaRecordId id;
  Entry *entry;

  if (writer == NULL)
    return 0;
  id = ++engine->last_id;
  entry = g_new (Entry, 1);
  *entry = (Entry){ .room = room, .writer = index };
  engine->records->n_files[index]++;
  g_hash_table_insert (engine->records->entries, g_memdup2 (&id, sizeof id), entry);
  media_worker_post (engine->workers[worker],
                     media_command_room_record (
                         room, media_recorder_new (id, config, media_file_writer_open (writer, id, config))));
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

  if (worker >= 0)
    media_worker_post (engine->workers[worker], media_command_room_stop_record (room, record));
}
