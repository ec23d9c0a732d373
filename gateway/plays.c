#include "gateway/plays.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/ids.h"
#include "config/base/log.h"
#include "gateway/calls.h"
#include "gateway/events.h"

typedef struct
{
  char *id, *room;
  char *identity; /* NULL: to the whole room */
} GwPlay;

void
gw_play_free (gpointer data)
{
  GwPlay *play = data;

  g_free (play->id);
  g_free (play->room);
  g_free (play->identity);
  g_free (play);
}

/* The API is remote: a file is named below one directory and by no other way. Links are looked at when it is
 * opened. */
static gboolean
check_file (const char *directory, const char *file, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (file, "/", -1);

  if (directory == NULL)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                           "file: media.files, the directory of files that may be played, is not configured");
      return FALSE;
    }
  if (file[0] == '\0' || g_path_is_absolute (file) || g_strv_contains ((const char *const *)parts, ".."))
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "file: must be a path below media.files, without \"..\"");
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_request (Gateway *gateway, const GwPlayRequest *request, MediaToneKind *tone, GError **error)
{
  if ((request->file != NULL) == (request->tone != NULL))
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "file or tone: one of them is needed");
      return FALSE;
    }
  if (request->tone != NULL && !media_tone_find (request->tone, tone))
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "tone: must be \"ringback\", \"busy\", \"congestion\", \"dial\" or \"beep\"");
      return FALSE;
    }
  if (g_hash_table_size (gateway->plays) >= GW_PLAYS_MAX)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED, "too much is being played");
      return FALSE;
    }
  return request->file == NULL || check_file (gateway->settings->media.files, request->file, error);
}

/* To a phone that rings it would be over before somebody heard it. */
static gboolean
check_listener (const GwParticipant *participant, GError **error)
{
  if (participant == NULL || participant->call == NULL || gw_call_has_audio (participant->call))
    return TRUE;
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION, "the phone has not answered yet");
  return FALSE;
}

static MediaToneRegion
tone_region (CfgTones tones)
{
  return tones == CFG_TONES_US ? MEDIA_TONE_US : tones == CFG_TONES_UK ? MEDIA_TONE_UK : MEDIA_TONE_EU;
}

const char *
gw_play_start (Gateway *gateway, GwRoom *room, GwParticipant *participant, const GwPlayRequest *request,
               GError **error)
{
  const char *directory = gateway->settings->media.files;
  const MediaPlayOptions options = { .loop = request->loop, .gain_db = request->gain_db };
  MediaPlaySource source = { .region = tone_region (gateway->settings->media.tones) };
  g_autofree char *path = NULL;
  MediaPlayId id;
  GwPlay *play;

  if (!check_request (gateway, request, &source.tone, error) || !check_listener (participant, error))
    return NULL;
  if (request->file != NULL)
    {
      path = g_build_filename (directory, request->file, NULL);
      source.file = path;
      source.directory = directory;
    }
  if (participant != NULL && participant->leg == 0)
    id = 0;
  else
    id = media_engine_play (gateway->media, participant != NULL ? participant->leg : 0, room->media_room,
                            &source, &options);
  if (id == 0)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION, "there is no media to play to");
      return NULL;
    }
  play = g_new0 (GwPlay, 1);
  play->id = cfg_id_new ("PB_");
  play->room = g_strdup (room->name);
  play->identity = participant != NULL ? g_strdup (participant->identity) : NULL;
  g_hash_table_insert (gateway->plays, g_memdup2 (&id, sizeof id), play);
  return play->id;
}

gboolean
gw_play_stop (Gateway *gateway, const char *room, const char *identity, const char *id, GError **error)
{
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, gateway->plays);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      const GwPlay *play = value;

      if (strcmp (play->id, id) != 0
          || (room != NULL && (strcmp (play->room, room) != 0 || g_strcmp0 (play->identity, identity) != 0)))
        continue;
      media_engine_play_stop (gateway->media, *(MediaPlayId *)key);
      return TRUE;
    }
  g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "nothing with the play_id \"%s\" is played there", id);
  return FALSE;
}

void
gw_plays_moved (Gateway *gateway, const GwParticipant *from, const GwParticipant *to)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, gateway->plays);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      GwPlay *play = value;

      if (g_strcmp0 (play->identity, from->identity) != 0 || strcmp (play->room, from->room->name) != 0)
        continue;
      g_free (play->room);
      g_free (play->identity);
      play->room = g_strdup (to->room->name);
      play->identity = g_strdup (to->identity);
    }
}

void
gw_play_ended (gpointer data, MediaPlayId id, MediaPlayEnd end, const char *error)
{
  static const char *const words[] = { "finished", "stopped", "gone", "failed" };
  Gateway *gateway = data;
  const GwPlay *play = g_hash_table_lookup (gateway->plays, &id);

  if (gw_call_prompt_ended (gateway, id, end, error) || play == NULL)
    return;
  if (end == MEDIA_PLAY_FAILED)
    cfg_warn ("media", &((CfgLogContext){ .room = play->room, .participant = play->identity }),
              "Playing failed", CFG_STR ("reason", error));
  if (end != MEDIA_PLAY_GONE || g_hash_table_contains (gateway->rooms, play->room))
    gw_events_emit (gateway, play->room, "play_ended",
                    json_pack ("{s:s, s:s*, s:s, s:s*}", "play_id", play->id, "participant_identity",
                               play->identity, "reason", words[end], "error", error));
  g_hash_table_remove (gateway->plays, &id);
}
