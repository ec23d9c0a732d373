/* Recordings as the main thread sees them: which room each is in, and the thread that writes their files. */
#include "media/engine_private.h"

#include "media/file_writer.h"
#include "media/recorder.h"

#define FINISH_SECONDS 5

struct _MediaRecords
{
  MediaFileWriter *writer;
  GHashTable *rooms; /* id of the recording → id of its room */
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
run_news (CfgMessage *base, gpointer owner)
{
  const News *news = (const News *)base;
  MediaEngine *engine = owner;

  if (news->ended)
    g_hash_table_remove (engine->records->rooms, &news->id);
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

/* The thread is there from the first recording on. */
static gboolean
ensure (MediaEngine *engine)
{
  static const MediaFileWriterOps ops = { .started = on_started, .ended = on_ended };
  g_autoptr (GError) error = NULL;
  struct _MediaRecords *records;

  if (engine->records != NULL)
    return TRUE;
  records = g_new0 (struct _MediaRecords, 1);
  records->writer = media_file_writer_new (&ops, engine->mailbox, &error);
  if (records->writer == NULL)
    {
      g_warning ("%s", error->message);
      g_free (records);
      return FALSE;
    }
  records->rooms = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  engine->records = records;
  return TRUE;
}

gboolean
media_engine_records_free (MediaEngine *engine)
{
  if (engine->records == NULL)
    return TRUE;
  if (!media_file_writer_free (engine->records->writer, FINISH_SECONDS))
    {
      g_warning ("recordings could not be finished: the disk does not answer");
      return FALSE;
    }
  g_hash_table_unref (engine->records->rooms);
  g_clear_pointer (&engine->records, g_free);
  return TRUE;
}

MediaRecordId
media_engine_record (MediaEngine *engine, MediaRoomId room, const MediaRecordConfig *config)
{
  const int worker = media_engine_room_worker (engine, room);
  MediaRecordId id;

  if (worker < 0 || !ensure (engine))
    return 0;
  id = ++engine->last_id;
  g_hash_table_insert (engine->records->rooms, g_memdup2 (&id, sizeof id), g_memdup2 (&room, sizeof room));
  media_worker_post (
      engine->workers[worker],
      media_command_room_record (
          room,
          media_recorder_new (id, config, media_file_writer_open (engine->records->writer, id, config))));
  return id;
}

/* @worker: (out): the one that the room is on; -1: it is gone. */
static const MediaRoomId *
room_of (const MediaEngine *engine, MediaRecordId record, int *worker)
{
  const MediaRoomId *room
      = engine->records != NULL ? g_hash_table_lookup (engine->records->rooms, &record) : NULL;

  *worker = room != NULL ? media_engine_room_worker (engine, *room) : -1;
  return room;
}

void
media_engine_record_leg (MediaEngine *engine, MediaRecordId record, MediaLegId leg)
{
  int worker;
  const MediaRoomId *room = room_of (engine, record, &worker);

  if (worker >= 0)
    media_worker_post (engine->workers[worker], media_command_room_record_leg (*room, record, leg));
}

void
media_engine_record_stop (MediaEngine *engine, MediaRecordId record)
{
  int worker;
  const MediaRoomId *room = room_of (engine, record, &worker);

  if (worker >= 0)
    media_worker_post (engine->workers[worker], media_command_room_stop_record (*room, record));
}
