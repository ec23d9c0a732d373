#include "gateway/rooms.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/ids.h"
#include "config/base/log.h"
#include "gateway/calls.h"
#include "gateway/core/sip_status.h"
#include "gateway/events.h"
#include "gateway/recordings.h"
#include "gateway/sessions.h"
#include "gateway/permissions.h"

#define MAX_ROOMS 100000

GwRoom *
gw_rooms_find (Gateway *gateway, const char *name)
{
  return g_hash_table_lookup (gateway->rooms, name);
}

gboolean
gw_rooms_check_name (const char *what, const char *name, GError **error)
{
  if (!gw_name_check (what, name, error))
    return FALSE;
  if (strcmp (name, "*") != 0)
    return TRUE;
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
               "%s: * is all rooms, it cannot be the name of one", what);
  return FALSE;
}

GwRoom *
gw_rooms_ensure (Gateway *gateway, const char *name, GError **error)
{
  return gw_rooms_ensure_as (gateway, name, NULL, error);
}

GwRoom *
gw_rooms_ensure_as (Gateway *gateway, const char *name, const GwRoomOptions *options, GError **error)
{
  GwRoom *room = gw_rooms_find (gateway, name);

  if (room != NULL)
    return room;
  if (!gw_rooms_check_name ("room", name, error))
    return NULL;
  if (g_hash_table_size (gateway->rooms) >= MAX_ROOMS)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED, "too many rooms");
      return NULL;
    }
  room = gw_room_new (name, cfg_monotonic_now (), cfg_wall_now ());
  gw_room_take_options (room, options);
  room->media_room = media_engine_room_new (gateway->media);
  g_hash_table_insert (gateway->rooms, room->name, room);
  g_hash_table_insert (gateway->rooms_by_media, &room->media_room, room);
  cfg_info ("room", &(CfgLogContext){ .room = name }, "Room started", CFG_STR ("sid", room->sid));
  gw_events_emit (gateway, name, "room_started", json_pack ("{s:o}", "room_info", gw_room_json (room)));
  return room;
}

static json_t *
version_json (const GwVersion *version)
{
  return json_pack ("{s:I, s:i}", "unix_micro", (json_int_t)version->unix_micro, "ticks", version->ticks);
}

json_t *
gw_room_json (const GwRoom *room)
{
  guint n_publishers = 0;

  for (guint i = 0; i < room->participants->len; i++)
    n_publishers += ((GwParticipant *)g_ptr_array_index (room->participants, i))->track.sid != NULL;
  json_t *codecs = json_array ();

  for (char **name = room->codecs; name != NULL && *name != NULL; name++)
    json_array_append_new (codecs, json_string (*name));
  return json_pack (
      "{s:s, s:s, s:s, s:o, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:o}", "sid", room->sid, "name", room->name,
      "metadata", room->metadata, "codecs", codecs, "empty_timeout", (int)room->empty_timeout_s,
      "departure_timeout", (int)room->departure_timeout_s, "max_participants", (int)room->max_participants,
      "num_participants", (int)room->participants->len, "num_publishers", (int)n_publishers, "creation_time",
      (json_int_t)(room->created_at.us / CFG_US_PER_S), "creation_time_ms",
      (json_int_t)(room->created_at.us / CFG_US_PER_MS), "version", version_json (&room->version));
}

/* In the order of their names: the same attributes are the same text. */
static json_t *
attributes_json (const GwParticipant *participant)
{
  json_t *object = json_object ();
  g_autoptr (GList) keys
      = g_list_sort (g_hash_table_get_keys (participant->attributes), (GCompareFunc)strcmp);

  for (GList *key = keys; key != NULL; key = key->next)
    json_object_set_new (object, key->data,
                         json_string (g_hash_table_lookup (participant->attributes, key->data)));
  return object;
}

static json_t *
track_json (const GwParticipant *participant)
{
  const char *codec = participant->call != NULL ? gw_call_codec (participant->call) : NULL;
  g_autofree char *mime_type = codec != NULL ? g_strconcat ("audio/", codec, NULL) : NULL;

  return json_pack ("{s:s, s:s, s:s, s:b, s:s*, s:o}", "sid", participant->track.sid, "type", "AUDIO",
                    "source", "MICROPHONE", "muted", participant->track.muted, "mime_type", mime_type,
                    "version", version_json (&participant->track.version));
}

json_t *
gw_participant_json (const GwParticipant *participant)
{
  json_t *tracks = json_array ();

  if (participant->track.sid != NULL)
    json_array_append_new (tracks, track_json (participant));
  return json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o}", "sid", participant->sid,
                    "identity", participant->identity, "name", participant->name, "metadata",
                    participant->metadata, "kind", participant->kind == GW_KIND_SIP ? "SIP" : "STANDARD",
                    "state", participant->state == GW_PARTICIPANT_ACTIVE ? "ACTIVE" : "JOINING", "joined_at",
                    (json_int_t)(participant->joined_at.us / CFG_US_PER_S), "joined_at_ms",
                    (json_int_t)(participant->joined_at.us / CFG_US_PER_MS), "version",
                    (json_int_t)participant->version, "tracks", tracks, "permission",
                    gw_permissions_json (participant), "attributes", attributes_json (participant));
}

json_t *
gw_participants_json (const GwRoom *room)
{
  json_t *list = json_array ();

  for (guint i = 0; i < room->participants->len; i++)
    json_array_append_new (list, gw_participant_json (g_ptr_array_index (room->participants, i)));
  return list;
}

static CfgLogContext
log_context (const GwParticipant *participant)
{
  return (CfgLogContext){
    .call_id = participant->call != NULL ? gw_call_id (participant->call) : NULL,
    .room = participant->room->name,
    .participant = participant->identity,
  };
}

void
gw_rooms_announce (Gateway *gateway, GwParticipant *participant)
{
  const CfgLogContext context = log_context (participant);

  cfg_info ("room", &context, "Participant joined", CFG_STR ("sid", participant->sid),
            CFG_STR ("kind", participant->kind == GW_KIND_SIP ? "SIP" : "STANDARD"));
  gw_events_emit (gateway, participant->room->name, "participant_joined",
                  json_pack ("{s:o}", "participant", gw_participant_json (participant)));
  gw_permissions_follow (gateway, participant);
  gw_calls_answer_alerting (gateway, participant->room);
}

static json_t *
track_fields (const GwParticipant *participant)
{
  return json_pack ("{s:s, s:s, s:{s:s, s:s, s:b, s:o}}", "participant_identity", participant->identity,
                    "participant_sid", participant->sid, "track", "sid", participant->track.sid, "type",
                    "AUDIO", "muted", participant->track.muted, "version",
                    version_json (&participant->track.version));
}

void
gw_rooms_publish (Gateway *gateway, GwParticipant *participant, MediaTrackId track)
{
  if (participant->track.sid != NULL)
    return;
  participant->track.sid = cfg_id_new ("TR_");
  participant->track.media_track = track;
  gw_track_changed (participant, cfg_wall_now ());
  gw_version_next (&participant->room->version, cfg_wall_now ());
  gw_events_emit (gateway, participant->room->name, "track_published", track_fields (participant));
  gw_permissions_follow (gateway, participant);
  gw_sessions_tracks_changed (gateway, participant->room);
  if (participant->call != NULL && gw_call_wants_record (participant->call))
    gw_recordings_want (gateway, participant->room);
}

void
gw_rooms_unpublish (Gateway *gateway, GwParticipant *participant)
{
  if (participant->track.sid == NULL)
    return;
  gw_track_changed (participant, cfg_wall_now ());
  gw_events_emit (gateway, participant->room->name, "track_unpublished", track_fields (participant));
  g_clear_pointer (&participant->track.sid, g_free);
  gw_version_next (&participant->room->version, cfg_wall_now ());
  gw_sessions_tracks_changed (gateway, participant->room);
}

void
gw_rooms_changed (Gateway *gateway, GwParticipant *participant)
{
  participant->version++;
  gw_events_emit (gateway, participant->room->name, "participant_updated",
                  json_pack ("{s:o}", "participant", gw_participant_json (participant)));
}

void
gw_rooms_set_muted (Gateway *gateway, GwParticipant *participant, gboolean muted)
{
  const CfgLogContext context = log_context (participant);

  if (participant->track.muted == muted)
    return;
  participant->track.muted = muted;
  gw_version_next (&participant->track.version, cfg_wall_now ());
  if (participant->leg != 0)
    media_engine_leg_set_muted (gateway->media, participant->leg, muted);
  cfg_info ("room", &context, muted ? "Participant muted" : "Participant unmuted");
  gw_rooms_changed (gateway, participant);
}

void
gw_rooms_remove (GwParticipant *participant)
{
  GwRoom *room = participant->room;

  gw_room_remove (room, participant, cfg_monotonic_now ());
  gw_version_next (&room->version, cfg_wall_now ());
}

void
gw_rooms_leave (Gateway *gateway, GwParticipant *participant, const char *reason)
{
  const CfgLogContext context = log_context (participant);
  GwRoom *room = participant->room;
  gboolean is_over = participant->call != NULL && strcmp (reason, "moved") != 0;
  const char *of_livekit
      = is_over ? gw_call_disconnect_reason (participant->call) : gw_disconnect_reason (reason, 0);
  json_t *fields = json_pack ("{s:o, s:s, s:s}", "participant", gw_participant_json (participant), "reason",
                              reason, "disconnect_reason", of_livekit);

  gw_recordings_left (gateway, participant);
  if (participant->track.sid != NULL)
    gw_events_emit (gateway, room->name, "track_unpublished", track_fields (participant));
  cfg_info ("room", &context, "Participant left", CFG_STR ("reason", reason));
  gw_rooms_remove (participant);
  gw_events_emit (gateway, room->name, "participant_left", fields);
  gw_sessions_tracks_changed (gateway, room);
}

void
gw_rooms_kick (Gateway *gateway, GwParticipant *participant, const char *reason)
{
  if (participant->call != NULL)
    gw_call_hangup (gateway, participant->call, reason);
  else
    gw_session_end (gateway, participant->session, reason);
}

static void
finish (Gateway *gateway, GwRoom *room)
{
  cfg_info ("room", &(CfgLogContext){ .room = room->name }, "Room finished", CFG_STR ("sid", room->sid));
  gw_events_emit (gateway, room->name, "room_finished",
                  json_pack ("{s:o}", "room_info", gw_room_json (room)));
  gw_events_room_closed (gateway, room->name);
  gw_recordings_room_closed (gateway, room);
  g_hash_table_remove (gateway->rooms_by_media, &room->media_room);
  media_engine_room_free (gateway->media, room->media_room);
}

void
gw_rooms_delete (Gateway *gateway, GwRoom *room)
{
  while (room->participants->len > 0)
    gw_rooms_kick (gateway, g_ptr_array_index (room->participants, 0), "room_deleted");
  finish (gateway, room);
  g_hash_table_remove (gateway->rooms, room->name);
}

void
gw_rooms_tick (Gateway *gateway, CfgMonotonic now)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, gateway->rooms);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      CfgMonotonic at;

      if (!gw_room_closes_at (value, &at) || now.us < at.us)
        continue;
      finish (gateway, value);
      g_hash_table_iter_remove (&iter);
    }
}

static void
tell_speakers (Gateway *gateway, GwRoom *room, gboolean tell)
{
  if (room->is_unheard == !tell)
    return;
  room->is_unheard = !tell;
  media_engine_room_tell_speakers (gateway->media, room->media_room, tell);
}

void
gw_rooms_watched (Gateway *gateway, const char *name)
{
  GwRoom *room = gw_rooms_find (gateway, name);
  GHashTableIter iter;
  gpointer value;

  if (room != NULL)
    tell_speakers (gateway, room, TRUE);
  if (strcmp (name, "*") != 0)
    return;
  g_hash_table_iter_init (&iter, gateway->rooms);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    tell_speakers (gateway, value, TRUE);
}

/* It changes several times a second in every room. */
void
gw_rooms_speakers (gpointer data, MediaRoomId media_room, const MediaSpeaker *speakers, gsize n)
{
  Gateway *gateway = data;
  GwRoom *room = g_hash_table_lookup (gateway->rooms_by_media, &media_room);
  json_t *list;

  if (room == NULL)
    return;
  if (!gw_events_are_watched (gateway, room->name))
    {
      tell_speakers (gateway, room, FALSE);
      return;
    }
  list = json_array ();
  for (gsize i = 0; i < n; i++)
    {
      GwParticipant *participant = gw_room_find_track (room, speakers[i].track);

      if (participant != NULL)
        json_array_append_new (list, json_pack ("{s:s, s:s, s:f}", "identity", participant->identity, "sid",
                                                participant->sid, "level", speakers[i].level));
    }
  gw_events_emit_transient (gateway, room->name, "active_speakers", json_pack ("{s:o}", "speakers", list));
}
