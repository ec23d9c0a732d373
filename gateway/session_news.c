/* What the media engine tells of a session's leg, and its timeline. */
#include "gateway/session_private.h"

#include "config/base/log.h"
#include "gateway/notes.h"
#include "gateway/rooms.h"

CfgLogContext
gw_session_log_context (const GwSession *session)
{
  return (CfgLogContext){
    .room = session->participant->room->name,
    .participant = session->participant->identity,
  };
}

void
gw_session_note (GwSession *session, const char *event, json_t *fields)
{
  gw_timeline_add (session->timeline, cfg_wall_now (), event, fields, FALSE);
  json_decref (fields);
}

void
gw_session_connected (Gateway *gateway, GwSession *session, const MediaRtcPath *path)
{
  const CfgLogContext context = gw_session_log_context (session);

  cfg_info ("rtc", &context, session->was_connected ? "WebRTC reconnected" : "WebRTC connected",
            CFG_STR ("cipher", path->cipher), CFG_STR ("remote", path->remote), CFG_STR ("ice", path->pair),
            CFG_STR ("dtls", path->dtls));
  gw_session_note (
      session, "connected",
      json_pack ("{s:s, s:s, s:s}", "ice", path->pair, "dtls", path->dtls, "srtp", path->cipher));
  session->is_disconnected = FALSE;
  session->was_connected = TRUE;
  if (session->participant->state == GW_PARTICIPANT_ACTIVE)
    return;
  session->participant->state = GW_PARTICIPANT_ACTIVE;
  gw_rooms_changed (gateway, session->participant);
}

void
gw_session_disconnected (Gateway *gateway, GwSession *session)
{
  const CfgLogContext context = gw_session_log_context (session);

  cfg_warn ("rtc", &context, "WebRTC connection lost, waiting for an ICE restart",
            CFG_INT ("seconds", GW_SESSION_RECONNECT_S));
  gw_session_note (session, "disconnected", NULL);
  session->is_disconnected = TRUE;
  session->disconnected_at = cfg_monotonic_now ();
}

void
gw_session_failed (Gateway *gateway, GwSession *session, const char *reason)
{
  const CfgLogContext context = gw_session_log_context (session);

  cfg_warn ("rtc", &context, "WebRTC connection failed", CFG_STR ("reason", reason));
  gw_session_end (gateway, session, "media_failed");
}

void
gw_session_media_started (Gateway *gateway, GwSession *session, const char *codec, const char *cipher,
                          const char *remote)
{
  const CfgLogContext context = gw_session_log_context (session);

  cfg_info ("media", &context, "Media started", CFG_STR ("codec", codec), CFG_STR ("cipher", cipher),
            CFG_STR ("remote", remote));
  gw_session_note (session, "media_started", json_pack ("{s:s, s:s}", "codec", codec, "remote", remote));
}

void
gw_session_stats (Gateway *gateway, GwSession *session, const MediaLegStats *stats)
{
  session->stats = *stats;
}

json_t *
gw_session_json (const GwSession *session)
{
  return json_pack ("{s:b, s:o}", "connected", session->was_connected && !session->is_disconnected,
                    "timeline", gw_timeline_json (session->timeline));
}

const MediaLegStats *
gw_session_last_stats (const GwSession *session)
{
  return &session->stats;
}
