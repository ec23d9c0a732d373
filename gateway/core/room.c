#include "gateway/core/room.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/ids.h"

static void
participant_free (gpointer data)
{
  GwParticipant *participant = data;

  g_free (participant->sid);
  g_free (participant->identity);
  g_free (participant->name);
  g_free (participant->metadata);
  g_free (participant->track.sid);
  g_hash_table_unref (participant->attributes);
  g_clear_pointer (&participant->gains, g_hash_table_unref);
  g_free (participant);
}

void
gw_version_next (GwVersion *version, CfgWall now)
{
  if (now.us > version->unix_micro)
    *version = (GwVersion){ .unix_micro = now.us };
  else
    version->ticks++;
}

void
gw_track_changed (GwParticipant *participant, CfgWall now)
{
  participant->version++;
  gw_version_next (&participant->track.version, now);
}

GwRoom *
gw_room_new (const char *name, CfgMonotonic now, CfgWall wall)
{
  GwRoom *room = g_new0 (GwRoom, 1);

  room->sid = cfg_id_new ("RM_");
  room->name = g_strdup (name);
  room->metadata = g_strdup ("");
  room->empty_timeout_s = GW_ROOM_DEFAULT_EMPTY_TIMEOUT_S;
  room->departure_timeout_s = GW_ROOM_DEFAULT_DEPARTURE_TIMEOUT_S;
  room->created_at = wall;
  gw_version_next (&room->version, wall);
  room->empty_since = now;
  room->participants = g_ptr_array_new_with_free_func (participant_free);
  return room;
}

void
gw_room_free (GwRoom *room)
{
  g_assert (room->participants->len == 0);
  g_ptr_array_unref (room->participants);
  g_free (room->sid);
  g_free (room->name);
  g_free (room->metadata);
  g_strfreev (room->codecs);
  g_free (room);
}

gboolean
gw_name_check (const char *what, const char *name, GError **error)
{
  gsize size = strlen (name);

  if (size == 0 || size > GW_NAME_MAX_BYTES)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                   "%s: must have 1 to %d bytes, not %" G_GSIZE_FORMAT, what, GW_NAME_MAX_BYTES, size);
      return FALSE;
    }
  if (!g_utf8_validate (name, (gssize)size, NULL))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "%s: must be UTF-8", what);
      return FALSE;
    }
  for (const char *at = name; *at != '\0'; at++)
    if ((guchar)*at < 0x20 || *at == 0x7f)
      {
        g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "%s: must not have control characters",
                     what);
        return FALSE;
      }
  return TRUE;
}

gboolean
gw_room_takes (const GwRoom *room, const char *identity, GError **error)
{
  guint limit = room->max_participants > 0 ? room->max_participants : GW_ROOM_MAX_PARTICIPANTS;

  if (!gw_name_check ("identity", identity, error))
    return FALSE;
  if (gw_room_find (room, identity) != NULL)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_ALREADY_EXISTS, "\"%s\" is already in room \"%s\"", identity,
                   room->name);
      return FALSE;
    }
  if (room->participants->len >= limit)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED,
                   "room \"%s\" is full (%u participants, max_participants)", room->name, limit);
      return FALSE;
    }
  return TRUE;
}

GwParticipant *
gw_room_add (GwRoom *room, const char *identity, const char *name, GwParticipantKind kind, CfgWall wall,
             GError **error)
{
  GwParticipant *participant;

  if (!gw_room_takes (room, identity, error))
    return NULL;
  participant = g_new0 (GwParticipant, 1);
  participant->sid = cfg_id_new ("PA_");
  participant->identity = g_strdup (identity);
  participant->name = g_strdup (name != NULL ? name : "");
  participant->metadata = g_strdup ("");
  participant->attributes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  participant->kind = kind;
  participant->joined_at = wall;
  participant->may = participant->may_at_most = GW_MAY_ALL;
  participant->room = room;
  g_ptr_array_add (room->participants, participant);
  gw_version_next (&room->version, wall);
  room->was_joined = TRUE;
  return participant;
}

void
gw_room_remove (GwRoom *room, GwParticipant *participant, CfgMonotonic now)
{
  g_assert (participant->room == room);
  for (guint i = 0; i < room->participants->len; i++)
    {
      const GwParticipant *other = g_ptr_array_index (room->participants, i);

      if (other->gains != NULL)
        g_hash_table_remove (other->gains, participant->sid);
    }
  g_ptr_array_remove (room->participants, participant);
  if (room->participants->len > 0)
    return;
  room->empty_since = now;
  room->is_unrecorded = FALSE;
}

GwParticipant *
gw_room_find (const GwRoom *room, const char *identity)
{
  for (guint i = 0; i < room->participants->len; i++)
    {
      GwParticipant *participant = g_ptr_array_index (room->participants, i);

      if (strcmp (participant->identity, identity) == 0)
        return participant;
    }
  return NULL;
}

GwParticipant *
gw_room_find_sid (const GwRoom *room, const char *sid)
{
  for (guint i = 0; i < room->participants->len; i++)
    {
      GwParticipant *participant = g_ptr_array_index (room->participants, i);

      if (strcmp (participant->sid, sid) == 0)
        return participant;
    }
  return NULL;
}

GwParticipant *
gw_room_find_track (const GwRoom *room, guint64 media_track)
{
  for (guint i = 0; i < room->participants->len; i++)
    {
      GwParticipant *participant = g_ptr_array_index (room->participants, i);

      if (participant->track.sid != NULL && participant->track.media_track == media_track)
        return participant;
    }
  return NULL;
}

char *
gw_room_unique_identity (const GwRoom *room, const char *wanted)
{
  if (gw_room_find (room, wanted) == NULL)
    return g_strdup (wanted);
  for (guint n = 2;; n++)
    {
      g_autofree char *candidate = g_strdup_printf ("%s_%u", wanted, n);

      if (gw_room_find (room, candidate) == NULL)
        return g_steal_pointer (&candidate);
    }
}

gboolean
gw_room_has_somebody (const GwRoom *room)
{
  for (guint i = 0; i < room->participants->len; i++)
    {
      const GwParticipant *participant = g_ptr_array_index (room->participants, i);

      if (participant->kind != GW_KIND_SIP || participant->state == GW_PARTICIPANT_ACTIVE)
        return TRUE;
    }
  return FALSE;
}

gboolean
gw_room_closes_at (const GwRoom *room, CfgMonotonic *at)
{
  guint timeout_s = room->was_joined ? room->departure_timeout_s : room->empty_timeout_s;

  if (room->participants->len > 0)
    return FALSE;
  *at = cfg_monotonic_add_us (room->empty_since, (gint64)timeout_s * CFG_US_PER_S);
  return TRUE;
}

void
gw_participant_set_attribute (GwParticipant *participant, const char *key, const char *value)
{
  g_hash_table_replace (participant->attributes, g_strdup (key), g_strdup (value));
}

void
gw_room_take_options (GwRoom *room, const GwRoomOptions *options)
{
  if (options == NULL)
    return;
  room->empty_timeout_s = options->empty_timeout_s;
  room->departure_timeout_s = options->departure_timeout_s;
  room->max_participants = options->max_participants;
  if (options->metadata == NULL)
    return;
  g_free (room->metadata);
  room->metadata = g_strdup (options->metadata);
}
