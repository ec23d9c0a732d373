/* WebRTC participants of the JSON API: one leg each, offered by the client, answered by us.
 *
 *   session.join -> leg made on the room's worker -> leg_gathered -> answer -> ... -> leave
 *
 * The media outlives a dropped socket by GW_SESSION_RESUME_S. */
#pragma once

#include "gateway/api.h"

#define GW_SESSION_RESUME_S    15
#define GW_SESSION_RECONNECT_S 30 /* ICE consent lost, no restart since */

typedef struct
{
  const char *room, *identity, *name, *sdp;
  gboolean subscribe_tracks; /* one stream per track instead of the mix */
  char **codecs;             /* (nullable): names, the preferred one first */
} GwSessionJoin;

/** gw_session_join: @request is answered later. FALSE with @error when it is refused at once. */
gboolean gw_session_join (Gateway *gateway, GwRequest *request, const GwSessionJoin *join, GError **error);
/** gw_session_resume: binds @participant_sid's media to the request's socket; @sdp: (nullable): a new offer.
 */
gboolean gw_session_resume (Gateway *gateway, GwRequest *request, const char *participant_sid,
                            const char *sdp, GError **error);
/** gw_session_offer: renegotiation or ICE restart; answered later. */
gboolean gw_session_offer (Gateway *gateway, GwSession *session, GwRequest *request, const char *sdp,
                           GError **error);
/** gw_session_candidate: trickle from the client; "" or end-of-candidates is fine. */
void gw_session_candidate (Gateway *gateway, GwSession *session, const char *candidate);
GwParticipant *gw_session_participant (GwSession *session);

/** gw_session_end: the participant leaves, the session is freed. */
void gw_session_end (Gateway *gateway, GwSession *session, const char *reason);
/** gw_session_can_move: FALSE with @error while it is joining, or waits for an answer. */
gboolean gw_session_can_move (const GwSession *session, GError **error);
/** gw_session_enter: it is @participant from here on, whose room is on the leg's worker; @old leaves. */
void gw_session_enter (Gateway *gateway, GwSession *session, GwParticipant *participant, GwParticipant *old);
/** gw_session_send_to_room: the client is told to join @room anew, whatever its token says of rooms; the
 * session is freed. */
void gw_session_send_to_room (Gateway *gateway, GwSession *session, const GwRoom *room);
/** gw_session_conn_lost: the socket is gone. */
void gw_session_conn_lost (Gateway *gateway, GwSession *session);
/** gw_sessions_tracks_changed: a track came or went: sections of "tracks" subscribers are filled anew. */
void gw_sessions_tracks_changed (Gateway *gateway, GwRoom *room);
void gw_sessions_tick (Gateway *gateway, CfgMonotonic now);
/** gw_session_free: for Gateway.sessions. */
void gw_session_free (gpointer session);

/* What the media engine tells of its leg. */
void gw_session_gathered (Gateway *gateway, GwSession *session, const MediaRtcLocal *local);
void gw_session_local_candidate (Gateway *gateway, GwSession *session, const char *candidate);
void gw_session_connected (Gateway *gateway, GwSession *session, const MediaRtcPath *path);
void gw_session_disconnected (Gateway *gateway, GwSession *session);
void gw_session_failed (Gateway *gateway, GwSession *session, const char *reason);
void gw_session_media_started (Gateway *gateway, GwSession *session, const char *codec, const char *cipher,
                               const char *remote);
void gw_session_stats (Gateway *gateway, GwSession *session, const MediaLegStats *stats);
/** gw_session_json: what its participant cannot tell: whether it is connected, and its timeline. (transfer
 * full) */
json_t *gw_session_json (const GwSession *session);
/** gw_session_last_stats: what ops.leg_stats told last. */
const MediaLegStats *gw_session_last_stats (const GwSession *session);
