/* What the files of a session share: sessions.c (joining, offers, leaving) and session_news.c (what its leg
 * tells). */
#pragma once

#include "config/base/log.h"
#include "gateway/sdp_media.h"
#include "gateway/sessions.h"
#include "signaling/core/sdp.h"

struct _GwSession
{
  Gateway *gateway;
  GwConn *conn; /* NULL while the socket is gone */
  CfgMonotonic conn_lost_at;
  gboolean is_disconnected; /* ICE */
  CfgMonotonic disconnected_at;
  GwParticipant *participant;
  MediaLegId leg;
  gboolean was_announced, was_connected;
  gboolean is_named; /* the token that joined named the identity: only such a one resumes */
  char *token_room;  /* (nullable): of that token: it may have been moved to another room since */
  gboolean subscribe_tracks;
  char **codecs;

  SigSdp *offer;
  SigSdpPlan *plan;
  GwLocalSection local[SIG_SDP_MAX_SECTIONS];
  guint n_local;
  MediaTrackId track; /* what the client publishes */
  guint64 sdp_session_id, sdp_version;
  char *ufrag, *pwd;
  GPtrArray *candidates; /* char* */
  gboolean candidates_complete;
  guint sections_required; /* last told to the client */

  GwRequest *pending; /* waits for leg_gathered */
  gboolean pending_is_join;
  MediaLegStats stats; /* the last told */
  GwTimeline *timeline;
};

CfgLogContext gw_session_log_context (const GwSession *session);
/** gw_session_note: one more entry of its timeline. @fields: (transfer full) (nullable). */
void gw_session_note (GwSession *session, const char *event, json_t *fields);
