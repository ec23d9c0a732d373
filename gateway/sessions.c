#include "gateway/session_private.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/ids.h"
#include "config/base/log.h"
#include "gateway/gains.h"
#include "gateway/notes.h"
#include "gateway/overload.h"
#include "gateway/permissions.h"
#include "gateway/reach.h"
#include "gateway/rooms.h"
#include "gateway/sdp_media.h"
#include "media/codec/codec.h"

#define SDP_CANDIDATES_MAX 32

GwParticipant *
gw_session_participant (GwSession *session)
{
  return session->participant;
}

static SigWebConnId
conn_id (const GwSession *session)
{
  return session->conn != NULL ? session->conn->id : 0;
}

void
gw_session_free (gpointer data)
{
  GwSession *session = data;

  sig_sdp_free (session->offer);
  sig_sdp_plan_free (session->plan);
  g_strfreev (session->codecs);
  g_free (session->token_room);
  gw_timeline_free (session->timeline);
  g_free (session->ufrag);
  g_free (session->pwd);
  g_ptr_array_unref (session->candidates);
  g_free (session);
}

/* ---- which track goes into which section ---- */

static gboolean
section_sends (const GwSession *session, guint i)
{
  const SigSdpPlanSection *section = &session->plan->sections[i];

  return section->accepted && (section->direction & SIG_SDP_SENDONLY);
}

static gboolean
track_is_taken (const GwSession *session, MediaTrackId track)
{
  for (guint i = 0; i < session->plan->n_sections; i++)
    if (section_sends (session, i) && session->local[i].sink == MEDIA_SINK_TRACK
        && session->local[i].sink_track == track)
      return TRUE;
  return FALSE;
}

static GwParticipant *
next_untaken (const GwSession *session)
{
  const GwRoom *room = session->participant->room;

  for (guint i = 0; i < room->participants->len; i++)
    {
      GwParticipant *other = g_ptr_array_index (room->participants, i);

      if (other != session->participant && other->track.sid != NULL
          && !track_is_taken (session, other->track.media_track))
        return other;
    }
  return NULL;
}

static void
free_dead_sections (GwSession *session)
{
  for (guint i = 0; i < session->plan->n_sections; i++)
    {
      GwLocalSection *local = &session->local[i];

      if (local->sink == MEDIA_SINK_TRACK
          && (!section_sends (session, i)
              || gw_room_find_track (session->participant->room, local->sink_track) == NULL))
        local->sink = MEDIA_SINK_NONE;
    }
}

/* One stream per track: tracks keep their section, new ones take the free sections in order. */
static void
assign_tracks (GwSession *session)
{
  GwParticipant *next;
  guint n_sections = 0, n_missing = 0, n_wanted;
  const GwRoom *room = session->participant->room;

  free_dead_sections (session);
  for (guint i = 0; i < session->plan->n_sections; i++)
    {
      if (!section_sends (session, i))
        continue;
      n_sections++;
      if (session->local[i].sink != MEDIA_SINK_NONE || (next = next_untaken (session)) == NULL)
        continue;
      session->local[i].sink = MEDIA_SINK_TRACK;
      session->local[i].sink_track = next->track.media_track;
    }
  for (guint i = 0; i < room->participants->len; i++)
    {
      GwParticipant *other = g_ptr_array_index (room->participants, i);

      n_missing += other != session->participant && other->track.sid != NULL
                   && !track_is_taken (session, other->track.media_track);
    }
  n_wanted = MIN (n_sections + n_missing, MEDIA_MAX_SECTIONS - (session->plan->n_sections - n_sections));
  if (n_wanted == n_sections)
    session->sections_required = 0;
  else if (session->sections_required != n_wanted)
    {
      session->sections_required = n_wanted;
      gw_api_notify (session->gateway, conn_id (session), "session.sections_required",
                     json_pack ("{s:i}", "audio", (int)session->sections_required));
    }
}

static void
assign_mix (GwSession *session)
{
  gboolean first = TRUE;

  for (guint i = 0; i < session->plan->n_sections; i++)
    {
      session->local[i].sink = section_sends (session, i) && first ? MEDIA_SINK_MIX : MEDIA_SINK_NONE;
      if (section_sends (session, i))
        first = FALSE;
    }
}

static void
assign_sections (GwSession *session)
{
  gboolean has_source = FALSE;

  for (; session->n_local < session->plan->n_sections; session->n_local++)
    gw_local_section_init (&session->local[session->n_local]);
  for (guint i = 0; i < session->plan->n_sections; i++)
    {
      const SigSdpPlanSection *section = &session->plan->sections[i];
      gboolean receives = section->accepted && (section->direction & SIG_SDP_RECVONLY) && !has_source;

      session->local[i].source_track = receives ? session->track : 0;
      has_source |= receives;
    }
  if (session->subscribe_tracks)
    assign_tracks (session);
  else
    assign_mix (session);
}

static json_t *
tracks_json (const GwSession *session)
{
  json_t *tracks = json_object ();

  for (guint i = 0; i < session->plan->n_sections; i++)
    if (section_sends (session, i) && session->local[i].sink == MEDIA_SINK_TRACK)
      {
        GwParticipant *other = gw_room_find_track (session->participant->room, session->local[i].sink_track);

        if (other != NULL)
          json_object_set_new (tracks, session->plan->sections[i].mid, json_string (other->track.sid));
      }
  return tracks;
}

static void
configure_media (GwSession *session)
{
  MediaPlan media;

  gw_media_plan (session->plan, session->local, session->participant->sid, &media);
  media_engine_leg_configure (session->gateway->media, session->leg, &media);
}

void
gw_sessions_tracks_changed (Gateway *gateway, GwRoom *room)
{
  for (guint i = 0; i < room->participants->len; i++)
    {
      GwParticipant *participant = g_ptr_array_index (room->participants, i);
      GwSession *session = participant->session;

      if (session == NULL || !session->subscribe_tracks || !session->was_announced)
        continue;
      assign_sections (session);
      configure_media (session);
      gw_api_notify (gateway, conn_id (session), "session.tracks",
                     json_pack ("{s:o}", "tracks", tracks_json (session)));
    }
}

/* ---- offer and answer ---- */

static gboolean
plan_offer (GwSession *session, const SigToken *token, const char *text, SigSdp **offer, SigSdpPlan **plan,
            GError **error)
{
  const SigSdpPolicy policy = {
    .codecs = (const char *const *)(session->codecs != NULL ? session->codecs
                                                            : session->gateway->settings->media.codecs),
    .webrtc = TRUE,
    .ptime_ms = 20,
    .telephone_event = TRUE,
    .direction = (SigSdpDirection)((token->can_subscribe ? SIG_SDP_SENDONLY : 0)
                                   | (token->can_publish ? SIG_SDP_RECVONLY : 0)),
    .max_audio_sections = session->subscribe_tracks ? MEDIA_MAX_SECTIONS : 1,
  };
  GError *problem = NULL;
  g_autoptr (SigSdp) parsed = sig_sdp_parse (text, strlen (text), &problem);
  const gboolean agreed = parsed != NULL && sig_sdp_plan_answer (parsed, &policy, plan, &problem);

  gw_session_note (session, "sdp", gw_note_sdp ("offer", parsed, agreed ? *plan : NULL, FALSE, problem));
  if (!agreed)
    {
      g_propagate_error (error, problem);
      return FALSE;
    }
  *offer = g_steal_pointer (&parsed);
  return TRUE;
}

static char *
write_answer (GwSession *session)
{
  SigSdpLocalSection sections[SIG_SDP_MAX_SECTIONS] = { 0 };
  const char *candidates[SDP_CANDIDATES_MAX + 1] = { NULL };
  SigSdpLocal local = {
    .address = "0.0.0.0",
    .rtp_port = 9,
    .rtcp_port = 9,
    .session_id = session->sdp_session_id,
    .version = session->sdp_version++,
    .cname = session->participant->sid,
    .ice_ufrag = session->ufrag,
    .ice_pwd = session->pwd,
    .fingerprint = media_engine_fingerprint (session->gateway->media),
    .candidates = candidates,
    .end_of_candidates = session->candidates_complete,
    .sections = sections,
    .n_sections = session->plan->n_sections,
  };

  for (guint i = 0; i < MIN (session->candidates->len, SDP_CANDIDATES_MAX); i++)
    candidates[i] = g_ptr_array_index (session->candidates, i);
  for (guint i = 0; i < session->plan->n_sections; i++)
    {
      if (!section_sends (session, i))
        continue;
      /* A sink's codec may change, and its SSRC with it. Browsers play a track from an announced SSRC alone,
       * but from the newest one of its MID where none is announced. */
      if (session->plan->sections[i].ext_mid_id == 0)
        sections[i].ssrc = session->local[i].ssrc;
      g_snprintf (sections[i].msid, sizeof sections[i].msid, "%s %s-%u", session->participant->room->sid,
                  session->participant->sid, i);
    }
  return sig_sdp_write_answer (session->offer, session->plan, &local);
}

static json_t *
answer_json (GwSession *session)
{
  g_autofree char *sdp = write_answer (session);
  json_t *result = json_pack ("{s:s, s:o}", "sdp", sdp, "tracks", tracks_json (session));

  if (session->pending_is_join)
    {
      json_object_set_new (result, "participant", gw_participant_json (session->participant));
      json_object_set_new (result, "participants", gw_participants_json (session->participant->room));
    }
  return result;
}

/* The transport has told its credentials: everything for the answer is there. */
static void
answer_pending (GwSession *session)
{
  Gateway *gateway = session->gateway;
  g_autoptr (GwRequest) request = g_steal_pointer (&session->pending);
  gboolean publishes = FALSE;

  assign_sections (session);
  configure_media (session);
  media_engine_leg_attach (gateway->media, session->leg, session->participant->room->media_room);
  if (!session->was_announced)
    {
      session->was_announced = TRUE;
      gw_rooms_announce (gateway, session->participant);
    }
  for (guint i = 0; i < session->plan->n_sections; i++)
    publishes |= session->local[i].source_track != 0;
  if (publishes)
    gw_rooms_publish (gateway, session->participant, session->track);
  if (request != NULL)
    gw_request_reply (request, answer_json (session));
}

void
gw_session_gathered (Gateway *gateway, GwSession *session, const MediaRtcLocal *local)
{
  g_free (session->ufrag);
  g_free (session->pwd);
  session->ufrag = g_strdup (local->ufrag);
  session->pwd = g_strdup (local->pwd);
  g_ptr_array_set_size (session->candidates, 0);
  for (gsize i = 0; local->candidates != NULL && local->candidates[i] != NULL; i++)
    g_ptr_array_add (session->candidates, g_strdup (local->candidates[i]));
  session->candidates_complete = local->complete;
  gw_session_note (session, "gathered", json_pack ("{s:i}", "candidates", (int)session->candidates->len));
  answer_pending (session);
}

void
gw_session_local_candidate (Gateway *gateway, GwSession *session, const char *candidate)
{
  const char *mid
      = session->plan->first_audio >= 0 ? session->plan->sections[session->plan->first_audio].mid : "0";

  if (candidate == NULL)
    session->candidates_complete = TRUE;
  else if (session->candidates->len < SDP_CANDIDATES_MAX)
    g_ptr_array_add (session->candidates, g_strdup (candidate));
  gw_api_notify (gateway, conn_id (session), "session.candidate",
                 json_pack ("{s:s, s:s, s:i}", "candidate", candidate != NULL ? candidate : "", "sdpMid", mid,
                            "sdpMLineIndex", MAX (session->plan->first_audio, 0)));
}

/* ---- join ---- */

static GwParticipant *
add_participant (Gateway *gateway, GwRoom *room, GwConn *conn, const GwSessionJoin *join, GError **error)
{
  const SigToken *token = conn->token;
  gboolean is_own = token->identity[0] != '\0';
  g_autofree char *identity = g_strdup (is_own ? token->identity : join->identity);
  GwParticipant *other, *participant;

  if (is_own && join->identity != NULL && strcmp (join->identity, token->identity) != 0)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED, "the token is for identity \"%s\"",
                   token->identity);
      return NULL;
    }
  if (identity == NULL)
    identity = cfg_id_new ("guest_");
  other = gw_room_find (room, identity);
  if (other != NULL && is_own && other->session != NULL)
    gw_session_end (gateway, other->session, "duplicate_identity");
  else if (other != NULL && !is_own)
    {
      char *unique = gw_room_unique_identity (room, identity);

      g_free (identity);
      identity = unique;
    }
  participant = gw_room_add (room, identity, join->name != NULL ? join->name : token->name, GW_KIND_STANDARD,
                             cfg_wall_now (), error);
  if (participant != NULL)
    gw_permissions_limit (participant, token);
  if (participant != NULL && token->metadata != NULL)
    {
      g_free (participant->metadata);
      participant->metadata = g_strdup (token->metadata);
    }
  if (participant != NULL)
    gw_reach_arrive (conn, participant);
  return participant;
}

static void
start_leg (GwSession *session)
{
  Gateway *gateway = session->gateway;
  const SigSdpSection *first = &session->offer->sections[session->plan->first_audio];
  MediaRtcLegConfig config = {
    .controlling = session->offer->ice_lite,
    .dtls_active = session->plan->local_setup == SIG_SDP_SETUP_ACTIVE,
    .remote_ufrag = session->plan->remote_ufrag,
    .remote_pwd = session->plan->remote_pwd,
    .remote_fingerprint = session->plan->remote_fingerprint,
  };
  const char *candidates[SIG_SDP_MAX_CANDIDATES + 1] = { NULL };

  for (guint i = 0; i < first->n_candidates; i++)
    candidates[i] = first->candidates[i];
  config.remote_candidates = candidates;
  session->leg = media_engine_leg_new_rtc (gateway->media, session->participant->room->media_room, &config);
  session->participant->leg = session->leg;
  gw_gains_follow (gateway, session->participant);
  if (session->participant->track.muted)
    media_engine_leg_set_muted (gateway->media, session->leg, TRUE);
  gateway_leg_own (gateway, session->leg, GW_LEG_SESSION, session);
}

gboolean
gw_session_join (Gateway *gateway, GwRequest *request, const GwSessionJoin *join, GError **error)
{
  GwConn *conn = gw_request_conn (request);
  GwSession *session;
  GwRoom *room;

  if (gateway->stopping)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "the gateway is shutting down");
      return FALSE;
    }
  if (conn->session != NULL)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                           "this socket already has a session: session.leave first");
      return FALSE;
    }
  /* Who was sent there was admitted with that, and is in a call. */
  if (!gw_reach_is_expected (conn, join->room) && gw_admit_to_room (gateway, join->room, error) != 0)
    return FALSE;
  session = g_new0 (GwSession, 1);
  session->gateway = gateway;
  session->timeline = gw_timeline_new (&gateway->timelines);
  session->is_named = conn->token->identity[0] != '\0';
  session->token_room = g_strdup (conn->token->room);
  session->subscribe_tracks = join->subscribe_tracks;
  room = gw_rooms_find (gateway, join->room);
  session->codecs = g_strdupv (join->codecs != NULL || room == NULL ? join->codecs : room->codecs);
  session->candidates = g_ptr_array_new_with_free_func (g_free);
  session->sdp_session_id = cfg_random_u64 () >> 2;
  session->sdp_version = 1;
  session->track = gateway_next_track (gateway);
  if (!plan_offer (session, conn->token, join->sdp, &session->offer, &session->plan, error)
      || (room = gw_rooms_ensure (gateway, join->room, error)) == NULL
      || (session->participant = add_participant (gateway, room, conn, join, error)) == NULL)
    {
      gw_session_free (session);
      return FALSE;
    }
  session->participant->session = session;
  session->conn = conn;
  conn->session = session;
  session->pending = gw_request_ref (request);
  session->pending_is_join = TRUE;
  g_hash_table_add (gateway->sessions, session);
  start_leg (session);
  return TRUE;
}

static gboolean
take_offer (GwSession *session, GwRequest *request, const char *sdp, gboolean is_join, GError **error)
{
  Gateway *gateway = session->gateway;
  g_autoptr (SigSdp) offer = NULL;
  g_autoptr (SigSdpPlan) plan = NULL;
  gboolean restarts;

  if (session->pending != NULL)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                           "the offer before is not answered yet");
      return FALSE;
    }
  if (!plan_offer (session, session->conn->token, sdp, &offer, &plan, error))
    return FALSE;
  if (plan->n_sections < session->plan->n_sections)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "sdp: has fewer m-lines than the offer before (RFC 3264 8)");
      return FALSE;
    }
  if (strcmp (plan->remote_fingerprint, session->plan->remote_fingerprint) != 0)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "sdp: has another certificate fingerprint: join anew");
      return FALSE;
    }
  restarts = strcmp (plan->remote_ufrag, session->plan->remote_ufrag) != 0;
  sig_sdp_free (session->offer);
  session->offer = g_steal_pointer (&offer);
  plan->local_setup = session->plan->local_setup; /* DTLS goes on: RFC 8842 5.5 */
  sig_sdp_plan_free (session->plan);
  session->plan = g_steal_pointer (&plan);
  session->pending = gw_request_ref (request);
  session->pending_is_join = is_join;
  if (restarts)
    {
      media_engine_leg_restart_ice (gateway->media, session->leg, session->plan->remote_ufrag,
                                    session->plan->remote_pwd);
      for (guint i = 0; i < session->offer->sections[session->plan->first_audio].n_candidates; i++)
        media_engine_leg_add_candidate (gateway->media, session->leg,
                                        session->offer->sections[session->plan->first_audio].candidates[i]);
    }
  else if (session->ufrag != NULL)
    answer_pending (session);
  return TRUE;
}

gboolean
gw_session_offer (Gateway *gateway, GwSession *session, GwRequest *request, const char *sdp, GError **error)
{
  return take_offer (session, request, sdp, FALSE, error);
}

static GwSession *
find_resumable (Gateway *gateway, const SigToken *token, const char *participant_sid)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, gateway->sessions);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      GwSession *session = key;

      if (strcmp (session->participant->sid, participant_sid) != 0)
        continue;
      if (session->is_named ? strcmp (token->identity, session->participant->identity) != 0
                            : token->identity[0] != '\0')
        return NULL;
      if (token->room != NULL && strcmp (token->room, session->participant->room->name) != 0
          && g_strcmp0 (token->room, session->token_room) != 0)
        return NULL;
      return session;
    }
  return NULL;
}

/* Everybody in the room knows the id of a guest, whose token names nobody. While a guest's socket stands,
 * only who has the same certificate is taken for the guest; nobody is told of its fingerprint. */
static gboolean
is_same_guest (const GwSession *session, const GwConn *conn, const char *sdp)
{
  g_autoptr (SigSdp) offer = NULL;

  if (session->is_named || session->conn == NULL || session->conn == conn)
    return TRUE;
  offer = sdp != NULL ? sig_sdp_parse (sdp, strlen (sdp), NULL) : NULL;
  for (guint i = 0; offer != NULL && i < offer->n_sections; i++)
    if (strcmp (offer->sections[i].fingerprint, session->plan->remote_fingerprint) == 0)
      return TRUE;
  return FALSE;
}

gboolean
gw_session_resume (Gateway *gateway, GwRequest *request, const char *participant_sid, const char *sdp,
                   GError **error)
{
  GwConn *conn = gw_request_conn (request);
  GwSession *session = find_resumable (gateway, conn->token, participant_sid);
  GwConn *old;
  CfgLogContext context;

  if (session == NULL || (conn->session != NULL && conn->session != session)
      || !is_same_guest (session, conn, sdp))
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_NOT_FOUND,
                           "no session of this participant waits to be resumed: join anew");
      return FALSE;
    }
  context = gw_session_log_context (session);
  old = session->conn != conn ? session->conn : NULL;
  session->conn = conn;
  conn->session = session;
  if (old != NULL) /* the old socket is dead, we only have not noticed yet */
    {
      old->session = NULL;
      gw_reach_left (gateway, old, session->participant->room->name);
    }
  session->sections_required = 0; /* what was told meanwhile was not heard */
  cfg_info ("rtc", &context, "Session resumed");
  gw_session_note (session, "resumed", NULL);
  if (sdp != NULL)
    return take_offer (session, request, sdp, TRUE, error);
  gw_request_reply (request,
                    json_pack ("{s:o, s:o, s:o}", "participant", gw_participant_json (session->participant),
                               "participants", gw_participants_json (session->participant->room), "tracks",
                               tracks_json (session)));
  if (session->subscribe_tracks)
    assign_sections (session);
  return TRUE;
}

void
gw_session_candidate (Gateway *gateway, GwSession *session, const char *candidate)
{
  if (g_str_has_prefix (candidate, "a="))
    candidate += 2;
  if (candidate[0] != '\0')
    media_engine_leg_add_candidate (gateway->media, session->leg, candidate);
}

/* ---- what the leg tells ---- */

/* ---- another room ---- */

gboolean
gw_session_can_move (const GwSession *session, GError **error)
{
  if (session->was_announced && session->pending == NULL)
    return TRUE;
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION, "the participant is only joining");
  return FALSE;
}

void
gw_session_enter (Gateway *gateway, GwSession *session, GwParticipant *participant, GwParticipant *old)
{
  gboolean was_published = old->track.sid != NULL;
  g_autofree char *left = g_strdup (old->room->name);
  GArray *gains = gw_gains_left_behind (old);

  session->participant = participant;
  gw_session_note (session, "moved",
                   json_pack ("{s:s, s:s}", "from", old->room->name, "to", participant->room->name));
  gw_rooms_leave (gateway, old, "moved");
  gw_rooms_announce (gateway, participant);
  session->sections_required = 0;
  assign_sections (session);
  configure_media (session);
  media_engine_leg_attach (gateway->media, session->leg, participant->room->media_room);
  gw_gains_forget (gateway, gains);
  if (was_published)
    gw_rooms_publish (gateway, participant, session->track);
  gw_api_notify (gateway, conn_id (session), "session.moved",
                 json_pack ("{s:s, s:b, s:o, s:o, s:o}", "room", participant->room->name, "rejoin", 0,
                            "participant", gw_participant_json (participant), "participants",
                            gw_participants_json (participant->room), "tracks", tracks_json (session)));
  if (session->conn != NULL)
    gw_reach_left (gateway, session->conn, left);
}

void
gw_session_send_to_room (Gateway *gateway, GwSession *session, const GwRoom *room)
{
  if (session->conn != NULL)
    gw_reach_send (session->conn, session->participant, room->name);
  gw_api_notify (gateway, conn_id (session), "session.moved",
                 json_pack ("{s:s, s:b, s:s}", "room", room->name, "rejoin", 1, "participant_identity",
                            session->participant->identity));
  gw_session_end (gateway, session, "moved");
}

/* ---- end ---- */

void
gw_session_end (Gateway *gateway, GwSession *session, const char *reason)
{
  GwParticipant *participant = session->participant;
  GwConn *conn = session->conn;
  g_autofree char *left = g_strdup (participant->room->name);

  if (session->pending != NULL)
    {
      g_autoptr (GError) error = g_error_new (CFG_ERROR, CFG_ERROR_ABORTED, "the session ended: %s", reason);
      g_autoptr (GwRequest) request = g_steal_pointer (&session->pending);

      gw_request_fail (request, error);
    }
  if (conn != NULL)
    {
      conn->session = NULL;
      if (strcmp (reason, "left") != 0)
        gw_api_notify (gateway, conn->id, "session.closed", json_pack ("{s:s}", "reason", reason));
    }
  gateway_leg_disown (gateway, session->leg, participant->room->name, participant->identity);
  media_engine_leg_free (gateway->media, session->leg);
  participant->session = NULL;
  if (session->was_announced)
    gw_rooms_leave (gateway, participant, reason);
  else
    gw_rooms_remove (participant);
  g_hash_table_remove (gateway->sessions, session);
  if (conn != NULL)
    gw_reach_left (gateway, conn, left);
}

void
gw_session_conn_lost (Gateway *gateway, GwSession *session)
{
  const CfgLogContext context = gw_session_log_context (session);

  gw_session_note (session, "socket_lost", NULL);
  session->conn = NULL;
  session->conn_lost_at = cfg_monotonic_now ();
  cfg_info ("rtc", &context, "WebSocket lost, media goes on", CFG_INT ("seconds", GW_SESSION_RESUME_S));
}

static const char *
overdue (const GwSession *session, CfgMonotonic now)
{
  if (session->conn == NULL
      && cfg_monotonic_diff_us (now, session->conn_lost_at) > GW_SESSION_RESUME_S * CFG_US_PER_S)
    return "connection_lost";
  if (session->is_disconnected
      && cfg_monotonic_diff_us (now, session->disconnected_at) > GW_SESSION_RECONNECT_S * CFG_US_PER_S)
    return "media_lost";
  return NULL;
}

void
gw_sessions_tick (Gateway *gateway, CfgMonotonic now)
{
  g_autoptr (GPtrArray) late = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, gateway->sessions);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (overdue (key, now) != NULL)
      g_ptr_array_add (late, key);
  for (guint i = 0; i < late->len; i++)
    gw_session_end (gateway, g_ptr_array_index (late, i), overdue (g_ptr_array_index (late, i), now));
}
