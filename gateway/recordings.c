#include "gateway/recordings.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/ids.h"
#include "config/base/log.h"
#include "gateway/core/recording_path.h"
#include "gateway/events.h"
#include "gateway/rooms.h"

typedef enum
{
  REASON_STOPPED,
  REASON_MAX_DURATION,
  REASON_ROOM_FINISHED,
  REASON_ROOM_EMPTY,
  REASON_PARTICIPANT_LEFT,
  REASON_SHUTDOWN,
  REASON_DISK_FULL,
  REASON_FAILED,
  N_REASONS,
} Reason;

static const char *const reason_names[N_REASONS]
    = { "stopped",          "max_duration", "room_finished", "room_empty",
        "participant_left", "shutdown",     "disk_full",     "failed" };
const char gw_recording_reasons[] = "stopped max_duration room_finished room_empty participant_left shutdown "
                                    "disk_full failed";

typedef struct
{
  MediaRecordId media;
  MediaRoomId media_room;
  char *id, *room, *identity, *participant_sid; /* the last two NULL: of the whole room */
  char *file;               /* below recordings.path; the name that was asked for until the file is there */
  MediaRecordConfig config; /* without its texts */
  gboolean is_automatic, is_running, is_stopping, is_over;
  Reason reason; /* of the stop, then of the end */
  char *error;
  CfgWall started, ended;
  double duration_s, lost_s;
  guint64 size;
  GwRequest *request; /* (nullable): waits for the file */
} GwRecording;

struct _GwRecordings
{
  GHashTable *live;   /* MediaRecordId -> GwRecording, owned */
  GQueue over;        /* of GwRecording, owned; the oldest first */
  GHashTable *wanted; /* set of MediaRoomId, owned: of rooms that could not be recorded so far */
  guint64 n_ended[N_REASONS];
  double lost_s;
};

static void
recording_free (gpointer data)
{
  GwRecording *recording = data;

  g_clear_pointer (&recording->request, gw_request_unref);
  g_free (recording->id);
  g_free (recording->room);
  g_free (recording->identity);
  g_free (recording->participant_sid);
  g_free (recording->file);
  g_free (recording->error);
  g_free (recording);
}

GwRecordings *
gw_recordings_new (void)
{
  GwRecordings *recordings = g_new0 (GwRecordings, 1);

  recordings->live = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, recording_free);
  g_queue_init (&recordings->over);
  recordings->wanted = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  return recordings;
}

void
gw_recordings_free (GwRecordings *recordings)
{
  if (recordings == NULL)
    return;
  g_hash_table_unref (recordings->live);
  g_queue_clear_full (&recordings->over, recording_free);
  g_hash_table_unref (recordings->wanted);
  g_free (recordings);
}

static CfgLogContext
log_context (const GwRecording *recording)
{
  return (CfgLogContext){ .room = recording->room, .participant = recording->identity };
}

/* ---- as the API says it ---- */

static const char *
format_name (const GwRecording *recording)
{
  return recording->config.format == MEDIA_RECORD_OGG ? "ogg" : "wav";
}

static const char *
status_name (const GwRecording *recording)
{
  if (recording->is_over)
    return recording->error != NULL ? "failed" : "finished";
  return recording->is_stopping ? "stopping" : recording->is_running ? "recording" : "starting";
}

static json_t *
recording_json (const GwRecording *recording)
{
  g_autofree char *started = gw_time_text (recording->started);
  json_t *object
      = json_pack ("{s:s, s:s, s:s*, s:s, s:s, s:s, s:i, s:i, s:b, s:s}", "recording_id", recording->id,
                   "room_name", recording->room, "participant_identity", recording->identity, "file",
                   recording->file, "status", status_name (recording), "format", format_name (recording),
                   "sample_rate", (int)recording->config.rate_hz, "channels", (int)recording->config.channels,
                   "automatic", recording->is_automatic, "started_at", started);

  if (recording->is_over)
    {
      g_autofree char *ended = gw_time_text (recording->ended);

      json_object_update_new (object,
                              json_pack ("{s:s, s:f, s:I, s:s, s:f, s:s*}", "ended_at", ended, "duration",
                                         recording->duration_s, "size", (json_int_t)recording->size, "reason",
                                         reason_names[recording->reason], "lost", recording->lost_s, "error",
                                         recording->error));
    }
  return object;
}

static const GwField recording_fields[] = {
  { "recording_id", GW_FIELD_STRING, 0, "For room.record_stop." },
  { "room_name", GW_FIELD_STRING, 0, "Of which room." },
  { "participant_identity", GW_FIELD_STRING, GW_FIELD_OPTIONAL, "Of whom; missing: of everybody." },
  { "file", GW_FIELD_STRING, 0, "Its path below recordings.path." },
  { "status", GW_FIELD_STRING, 0, "How far it is; stopping: the file is being finished.",
    .words = "starting recording stopping finished failed" },
  { "format", GW_FIELD_STRING, 0, "Ogg with Opus, or WAV of 16 bit.", .words = "ogg wav" },
  { "sample_rate", GW_FIELD_INT, 0, "Hz." },
  { "channels", GW_FIELD_INT, 0, "1 or 2." },
  { "automatic", GW_FIELD_BOOL, 0, "A rule or trunk with record asked for it." },
  { "started_at", GW_FIELD_TIME, 0, "When it was asked for." },
  { "ended_at", GW_FIELD_TIME, GW_FIELD_OPTIONAL, "When the file was finished; this and all below: then." },
  { "duration", GW_FIELD_REAL, GW_FIELD_OPTIONAL, "Of the file, in seconds." },
  { "size", GW_FIELD_INT, GW_FIELD_OPTIONAL, "Of the file, in bytes." },
  { "reason", GW_FIELD_STRING, GW_FIELD_OPTIONAL, "Why it ended.", .words = gw_recording_reasons },
  { "lost", GW_FIELD_REAL, GW_FIELD_OPTIONAL,
    "Seconds that the disk was too slow for: silence in the file." },
  { "error", GW_FIELD_STRING, GW_FIELD_OPTIONAL, "What went wrong." },
  { NULL },
};
const GwShape gw_recording_shape
    = { "Recording", "A recording of a room or of one participant.", recording_fields };

static gint
compare_age (gconstpointer a, gconstpointer b)
{
  const GwRecording *const *left = a, *const *right = b;

  return ((*left)->media > (*right)->media) - ((*left)->media < (*right)->media);
}

static gboolean
is_of (const GwRecording *recording, const char *room)
{
  return room == NULL || strcmp (recording->room, room) == 0;
}

/* (transfer container): those of @room (nullable: of all rooms) that are not over, the newest last. */
static GPtrArray *
live_of (const GwRecordings *recordings, const char *room)
{
  GPtrArray *live = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, recordings->live);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (is_of (value, room))
      g_ptr_array_add (live, value);
  g_ptr_array_sort (live, compare_age);
  return live;
}

json_t *
gw_recordings_json (Gateway *gateway, const char *room)
{
  g_autoptr (GPtrArray) live = live_of (gateway->recordings, room);
  json_t *list = json_array ();

  for (GList *link = gateway->recordings->over.head; link != NULL; link = link->next)
    if (is_of (link->data, room))
      json_array_append_new (list, recording_json (link->data));
  for (guint i = 0; i < live->len; i++)
    json_array_append_new (list, recording_json (g_ptr_array_index (live, i)));
  return list;
}

gboolean
gw_recordings_is_recorded (const Gateway *gateway, const char *room)
{
  g_autoptr (GPtrArray) live = room != NULL ? live_of (gateway->recordings, room) : NULL;

  return live != NULL && live->len > 0;
}

/* ---- begin ---- */

static MediaRecordFormat
choose_format (const CfgRecordingSettings *settings, const GwRecordingRequest *what)
{
  if (what->format != NULL)
    return strcmp (what->format, "ogg") == 0 ? MEDIA_RECORD_OGG : MEDIA_RECORD_WAV;
  if (what->file != NULL && g_str_has_suffix (what->file, ".wav"))
    return MEDIA_RECORD_WAV;
  if (what->file != NULL && g_str_has_suffix (what->file, ".ogg"))
    return MEDIA_RECORD_OGG;
  return settings->format == CFG_RECORDING_OGG ? MEDIA_RECORD_OGG : MEDIA_RECORD_WAV;
}

static gint64
choose_duration (const CfgRecordingSettings *settings, const GwRecordingRequest *what)
{
  if (what->max_duration_us <= 0 || settings->max_duration_us <= 0)
    return MAX (what->max_duration_us, settings->max_duration_us);
  return MIN (what->max_duration_us, settings->max_duration_us);
}

static gboolean
check_request (Gateway *gateway, const GwRecordingRequest *what, GError **error)
{
  if (gateway->settings->recordings.path == NULL)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                         "recordings.path, the directory that recordings are written to, is not configured");
  else if (gateway->stopping)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "the gateway is shutting down");
  else if (g_hash_table_size (gateway->recordings->live) >= GW_RECORDINGS_MAX)
    g_set_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED,
                 "%u recordings are running, the most there can be", GW_RECORDINGS_MAX);
  else if (what->participant != NULL && what->participant->leg == 0)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION, "this participant has no media");
  else
    return TRUE;
  return FALSE;
}

static GwRecording *
make_recording (const CfgRecordingSettings *settings, const GwRoom *room, const GwRecordingRequest *what)
{
  GwRecording *recording = g_new0 (GwRecording, 1);

  recording->id = cfg_id_new ("RC_");
  recording->media_room = room->media_room;
  recording->room = g_strdup (room->name);
  recording->identity = what->participant != NULL ? g_strdup (what->participant->identity) : NULL;
  recording->participant_sid = what->participant != NULL ? g_strdup (what->participant->sid) : NULL;
  recording->is_automatic = what->is_automatic;
  recording->started = cfg_wall_now ();
  recording->config = (MediaRecordConfig){
    .format = choose_format (settings, what),
    .rate_hz = what->sample_rate_hz != 0 ? what->sample_rate_hz : settings->sample_rate_hz,
    .channels = what->channels != 0   ? what->channels
                : settings->is_stereo ? 2
                                      : 1,
    .leg = what->participant != NULL ? what->participant->leg : 0,
    .max_duration_us = choose_duration (settings, what),
  };
  return recording;
}

/* (transfer full) */
static char *
name_file (const GwRecording *recording, const char *template, GError **error)
{
  const GwRecordingFacts facts = {
    .room = recording->room, .identity = recording->identity, .id = recording->id, .at = recording->started
  };

  return gw_recording_path (template, &facts, format_name (recording), error);
}

/* Its texts are the settings' and the recording's: the engine copies them. */
static gboolean
record (Gateway *gateway, const GwRoom *room, GwRecording *recording, GError **error)
{
  MediaRecordConfig config = recording->config;

  config.directory = gateway->settings->recordings.path;
  config.file = recording->file;
  recording->media = media_engine_record (gateway->media, room->media_room, &config);
  if (recording->media == 0 && media_engine_room_worker (gateway->media, room->media_room) < 0)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION, "there is no media to record");
  else if (recording->media == 0)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED,
                         "no thread is free to write the file: the disk of recordings.path does not answer");
  return recording->media != 0;
}

const char *
gw_recording_start (Gateway *gateway, GwRoom *room, const GwRecordingRequest *what, GwRequest *request,
                    GError **error)
{
  const CfgRecordingSettings *settings = &gateway->settings->recordings;
  GwRecording *recording;

  if (!check_request (gateway, what, error))
    return NULL;
  recording = make_recording (settings, room, what);
  recording->file = name_file (recording, what->file != NULL ? what->file : settings->file, error);
  if (recording->file == NULL || !record (gateway, room, recording, error))
    {
      recording_free (recording);
      return NULL;
    }
  recording->request = request != NULL ? gw_request_ref (request) : NULL;
  g_hash_table_insert (gateway->recordings->live, &recording->media, recording);
  return recording->id;
}

static json_t *
started_fields (const GwRecording *recording)
{
  return json_pack ("{s:s, s:s*, s:s, s:s, s:b}", "recording_id", recording->id, "participant_identity",
                    recording->identity, "file", recording->file, "format", format_name (recording),
                    "automatic", recording->is_automatic);
}

void
gw_record_started (gpointer data, MediaRecordId record, const char *file)
{
  Gateway *gateway = data;
  GwRecording *recording = g_hash_table_lookup (gateway->recordings->live, &record);
  CfgLogContext context;

  if (recording == NULL)
    return;
  g_free (recording->file);
  recording->file = g_strdup (file);
  recording->is_running = TRUE;
  context = log_context (recording);
  cfg_info ("media", &context, "Recording started", CFG_STR ("recording", recording->id),
            CFG_STR ("file", recording->file), CFG_BOOL ("automatic", recording->is_automatic));
  gw_events_emit (gateway, recording->room, "recording_started", started_fields (recording));
  if (recording->request != NULL)
    gw_request_reply (recording->request, json_pack ("{s:o}", "recording", recording_json (recording)));
  g_clear_pointer (&recording->request, gw_request_unref);
}

/* ---- end ---- */

static void
stop (Gateway *gateway, GwRecording *recording, Reason reason)
{
  if (recording->is_stopping)
    return;
  recording->is_stopping = TRUE;
  recording->reason = reason;
  media_engine_record_stop (gateway->media, recording->media);
}

static Reason
reason_of (const GwRecording *recording, MediaRecordEnd end)
{
  switch (end)
    {
    case MEDIA_RECORD_MAX_DURATION:
      return REASON_MAX_DURATION;
    case MEDIA_RECORD_GONE:
      return recording->is_stopping ? recording->reason : REASON_ROOM_FINISHED;
    case MEDIA_RECORD_DISK_FULL:
      return REASON_DISK_FULL;
    case MEDIA_RECORD_FAILED:
      return REASON_FAILED;
    case MEDIA_RECORD_STOPPED:
    default:
      return recording->reason;
    }
}

static void
tell_log (const GwRecording *recording)
{
  const CfgLogContext context = log_context (recording);

  if (recording->error != NULL)
    cfg_warn ("media", &context, "Recording failed", CFG_STR ("recording", recording->id),
              CFG_STR ("file", recording->file), CFG_STR ("reason", recording->error),
              CFG_REAL ("duration", recording->duration_s), CFG_INT ("size", recording->size));
  else
    cfg_info ("media", &context, "Recording finished", CFG_STR ("recording", recording->id),
              CFG_STR ("file", recording->file), CFG_STR ("reason", reason_names[recording->reason]),
              CFG_REAL ("duration", recording->duration_s), CFG_INT ("size", recording->size));
  if (recording->lost_s > 0)
    cfg_warn ("media", &context, "The disk is too slow for this recording: there is silence in it",
              CFG_STR ("recording", recording->id), CFG_REAL ("seconds", recording->lost_s));
}

static void
tell_event (Gateway *gateway, const GwRecording *recording)
{
  gw_events_emit (gateway, recording->room, "recording_finished",
                  json_pack ("{s:s, s:s*, s:s, s:f, s:I, s:s, s:f, s:s*}", "recording_id", recording->id,
                             "participant_identity", recording->identity, "file", recording->file, "duration",
                             recording->duration_s, "size", (json_int_t)recording->size, "reason",
                             reason_names[recording->reason], "lost", recording->lost_s, "error",
                             recording->error));
}

static void
fail_request (GwRecording *recording)
{
  g_autoptr (GError) error = NULL;

  if (recording->request == NULL)
    return;
  error = g_error_new (CFG_ERROR,
                       recording->reason == REASON_DISK_FULL ? CFG_ERROR_RESOURCE_EXHAUSTED
                                                             : CFG_ERROR_FAILED_PRECONDITION,
                       "%s", recording->error != NULL ? recording->error : "it ended before it began");
  gw_request_fail (recording->request, error);
  g_clear_pointer (&recording->request, gw_request_unref);
}

static void
keep (GwRecordings *recordings, GwRecording *recording)
{
  g_queue_push_tail (&recordings->over, recording);
  if (recordings->over.length > GW_RECORDINGS_KEPT)
    recording_free (g_queue_pop_head (&recordings->over));
}

/* @recording, with its reason and numbers: counted, told, and kept for the list. */
static void
finish (Gateway *gateway, GwRecording *recording, const char *error)
{
  GwRecordings *recordings = gateway->recordings;

  recording->is_over = TRUE;
  recording->ended = cfg_wall_now ();
  g_free (recording->error);
  recording->error = g_strdup (error);
  recordings->n_ended[recording->reason]++;
  recordings->lost_s += recording->lost_s;
  tell_log (recording);
  tell_event (gateway, recording);
  fail_request (recording);
  keep (recordings, recording);
}

void
gw_record_ended (gpointer data, MediaRecordId record, const MediaRecordResult *result)
{
  Gateway *gateway = data;
  GwRecordings *recordings = gateway->recordings;
  GwRecording *recording = g_hash_table_lookup (recordings->live, &record);

  if (recording == NULL)
    return;
  g_hash_table_steal (recordings->live, &record);
  recording->reason = reason_of (recording, result->end);
  recording->duration_s = result->duration_s;
  recording->size = result->size;
  recording->lost_s = result->lost_s;
  finish (gateway, recording, result->error);
}

/* (nullable): it is gone, though another one may have its name. */
static GwRoom *
room_of (const Gateway *gateway, const GwRecording *recording)
{
  return g_hash_table_lookup (gateway->rooms_by_media, &recording->media_room);
}

json_t *
gw_recording_stop (Gateway *gateway, const char *room, const char *id, GError **error)
{
  g_autoptr (GPtrArray) live = live_of (gateway->recordings, room);

  for (guint i = 0; i < live->len; i++)
    {
      GwRecording *recording = g_ptr_array_index (live, i);
      GwRoom *of = room_of (gateway, recording);

      if (strcmp (recording->id, id) != 0)
        continue;
      if (recording->is_automatic && !recording->is_stopping && of != NULL)
        of->is_unrecorded = of->participants->len > 0;
      stop (gateway, recording, REASON_STOPPED);
      return recording_json (recording);
    }
  g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND,
               "nothing with the recording_id \"%s\" is being recorded in room \"%s\"", id, room);
  return NULL;
}

static gboolean
is_recorded_already (const Gateway *gateway, const GwRoom *room)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, gateway->recordings->live);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const GwRecording *recording = value;

      if (recording->media_room == room->media_room && recording->is_automatic && !recording->is_stopping)
        return TRUE;
    }
  return FALSE;
}

static const GwRecordingRequest automatic = { .is_automatic = TRUE };

/* It never began: that is told once. */
static void
fail_automatic (Gateway *gateway, const GwRoom *room, const char *why)
{
  const CfgRecordingSettings *settings = &gateway->settings->recordings;
  GwRecording *recording = make_recording (settings, room, &automatic);

  recording->file = name_file (recording, settings->file, NULL);
  if (recording->file == NULL)
    recording->file = g_strdup (settings->file);
  recording->reason = REASON_FAILED;
  finish (gateway, recording, why);
}

void
gw_recordings_want (Gateway *gateway, GwRoom *room)
{
  GwRecordings *recordings = gateway->recordings;
  g_autoptr (GError) error = NULL;

  if (room->is_unrecorded || g_hash_table_contains (recordings->wanted, &room->media_room)
      || is_recorded_already (gateway, room)
      || gw_recording_start (gateway, room, &automatic, NULL, &error) != NULL)
    return;
  g_hash_table_add (recordings->wanted, g_memdup2 (&room->media_room, sizeof room->media_room));
  fail_automatic (gateway, room, error->message);
}

static void
try_wanted (Gateway *gateway)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, gateway->recordings->wanted);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      GwRoom *room = g_hash_table_lookup (gateway->rooms_by_media, key);

      if (room == NULL || room->participants->len == 0
          || gw_recording_start (gateway, room, &automatic, NULL, NULL) != NULL)
        g_hash_table_iter_remove (&iter);
    }
}

void
gw_recordings_room_closed (Gateway *gateway, const GwRoom *room)
{
  g_autoptr (GPtrArray) live = live_of (gateway->recordings, room->name);

  for (guint i = 0; i < live->len; i++)
    {
      GwRecording *recording = g_ptr_array_index (live, i);

      if (recording->media_room == room->media_room)
        stop (gateway, recording, REASON_ROOM_FINISHED);
    }
}

static gboolean
is_of_participant (const GwRecording *recording, const GwParticipant *participant)
{
  return g_strcmp0 (recording->participant_sid, participant->sid) == 0;
}

void
gw_recordings_left (Gateway *gateway, const GwParticipant *participant)
{
  g_autoptr (GPtrArray) live = live_of (gateway->recordings, NULL);

  for (guint i = 0; i < live->len; i++)
    if (is_of_participant (g_ptr_array_index (live, i), participant))
      stop (gateway, g_ptr_array_index (live, i), REASON_PARTICIPANT_LEFT);
}

void
gw_recordings_replaced (Gateway *gateway, const GwParticipant *participant)
{
  g_autoptr (GPtrArray) live = live_of (gateway->recordings, NULL);

  for (guint i = 0; i < live->len; i++)
    {
      GwRecording *recording = g_ptr_array_index (live, i);

      if (!is_of_participant (recording, participant))
        continue;
      recording->config.leg = participant->leg;
      media_engine_record_leg (gateway->media, recording->media, participant->leg);
    }
}

void
gw_recordings_tick (Gateway *gateway)
{
  g_autoptr (GPtrArray) live = live_of (gateway->recordings, NULL);

  for (guint i = 0; i < live->len; i++)
    {
      GwRecording *recording = g_ptr_array_index (live, i);
      const GwRoom *room = recording->is_automatic ? room_of (gateway, recording) : NULL;

      if (room != NULL && room->participants->len == 0)
        stop (gateway, recording, REASON_ROOM_EMPTY);
    }
  try_wanted (gateway);
}

gboolean
gw_recordings_stop_all (Gateway *gateway)
{
  g_autoptr (GPtrArray) live = live_of (gateway->recordings, NULL);

  for (guint i = 0; i < live->len; i++)
    stop (gateway, g_ptr_array_index (live, i), REASON_SHUTDOWN);
  return !gw_recordings_are_finished (gateway);
}

gboolean
gw_recordings_are_finished (const Gateway *gateway)
{
  return g_hash_table_size (gateway->recordings->live) == 0;
}

void
gw_recordings_give_up (Gateway *gateway)
{
  g_autoptr (GPtrArray) live = live_of (gateway->recordings, NULL);

  for (guint i = 0; i < live->len; i++)
    {
      GwRecording *recording = g_ptr_array_index (live, i);

      if (recording->request == NULL)
        continue;
      g_free (recording->error);
      recording->error = g_strdup ("the gateway ends, and the disk has not made the file yet");
      fail_request (recording);
    }
}

void
gw_recordings_metrics (const Gateway *gateway, GString *text)
{
  const GwRecordings *recordings = gateway->recordings;

  g_string_append_printf (
      text,
      "# HELP switchroom_recordings What is being recorded.\n"
      "# TYPE switchroom_recordings gauge\nswitchroom_recordings %u\n"
      "# HELP switchroom_recording_lost_seconds_total Left out of recordings because the disk "
      "was too slow.\n"
      "# TYPE switchroom_recording_lost_seconds_total counter\n"
      "switchroom_recording_lost_seconds_total %.6g\n"
      "# HELP switchroom_recordings_total Recordings that ended.\n"
      "# TYPE switchroom_recordings_total counter\n",
      g_hash_table_size (recordings->live), recordings->lost_s);
  for (guint i = 0; i < N_REASONS; i++)
    g_string_append_printf (text, "switchroom_recordings_total{reason=\"%s\"} %" G_GUINT64_FORMAT "\n",
                            reason_names[i], recordings->n_ended[i]);
}
