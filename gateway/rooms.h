/* Rooms with all that belongs to them: the media room, the events, the log. */
#pragma once

#include "gateway/gateway.h"

GwRoom *gw_rooms_find (Gateway *gateway, const char *name);
/** gw_rooms_check_name: @name can be that of a room. @what: the parameter that has it, for @error. */
gboolean gw_rooms_check_name (const char *what, const char *name, GError **error);
/** gw_rooms_ensure: finds or makes it. NULL with @error when the name is no name. */
GwRoom *gw_rooms_ensure (Gateway *gateway, const char *name, GError **error);
/** gw_rooms_ensure_as: @options (nullable) are for a room that is not there yet. */
GwRoom *gw_rooms_ensure_as (Gateway *gateway, const char *name, const GwRoomOptions *options, GError **error);
/** gw_rooms_announce: the participant is there: participant_joined. */
void gw_rooms_announce (Gateway *gateway, GwParticipant *participant);
/** gw_rooms_publish: its audio is there: track_published. */
void gw_rooms_publish (Gateway *gateway, GwParticipant *participant, MediaTrackId track);
/** gw_rooms_unpublish: track_unpublished; another may be published. */
void gw_rooms_unpublish (Gateway *gateway, GwParticipant *participant);
void gw_rooms_set_muted (Gateway *gateway, GwParticipant *participant, gboolean muted);
/** gw_rooms_changed: participant_updated. */
void gw_rooms_changed (Gateway *gateway, GwParticipant *participant);
/** gw_rooms_remove: @participant, of whom nobody has heard yet, is freed. */
void gw_rooms_remove (GwParticipant *participant);
/** gw_rooms_leave: @participant is freed. @reason: "left", "removed", "hangup", "connection_lost" ... */
void gw_rooms_leave (Gateway *gateway, GwParticipant *participant, const char *reason);
/** gw_rooms_kick: makes its call or session end, which makes it leave. */
void gw_rooms_kick (Gateway *gateway, GwParticipant *participant, const char *reason);
/** gw_rooms_delete: everybody is kicked; the room is gone when this returns. */
void gw_rooms_delete (Gateway *gateway, GwRoom *room);
/** gw_rooms_tick: ends rooms whose time is over. */
void gw_rooms_tick (Gateway *gateway, CfgMonotonic now);
/** gw_rooms_speakers: (MediaEngineOps.room_speakers): an event; when nobody watches, the engine need not
 * tell.
 */
void gw_rooms_speakers (gpointer gateway, MediaRoomId room, const MediaSpeaker *speakers, gsize n);
/** gw_rooms_watched: somebody wants to know who speaks in @name, which need not be there, or in "*". */
void gw_rooms_watched (Gateway *gateway, const char *name);

/** What the API says of them. (transfer full) */
json_t *gw_room_json (const GwRoom *room);
json_t *gw_participant_json (const GwParticipant *participant);
json_t *gw_participants_json (const GwRoom *room);
