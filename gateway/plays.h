/* What is played to participants and rooms: names for the API, and the event of the end. */
#pragma once

#include "gateway/gateway.h"

#define GW_PLAYS_MAX 1000

typedef struct
{
  const char *file; /* (nullable): relative to media.files */
  const char *tone; /* (nullable): as media_tone_find */
  gboolean loop;
  double gain_db;
} GwPlayRequest;

/**
 * gw_play_start:
 * @participant: (nullable): NULL: to everybody in @room
 * Returns: its id "PB_..."; NULL with @error: INVALID_ARGUMENT, FAILED_PRECONDITION (media.files is not set,
 * or the participant has no media), RESOURCE_EXHAUSTED. Owned by the play.
 */
const char *gw_play_start (Gateway *gateway, GwRoom *room, GwParticipant *participant,
                           const GwPlayRequest *request, GError **error);
/** gw_play_stop: @room: (nullable): NULL: whatever it is played to; @identity: (nullable): NULL: one that is
 * played to the room. FALSE with NOT_FOUND. */
gboolean gw_play_stop (Gateway *gateway, const char *room, const char *identity, const char *id,
                       GError **error);
/** gw_plays_moved: what is played to @from goes on for @to, the same one in another room. */
void gw_plays_moved (Gateway *gateway, const GwParticipant *from, const GwParticipant *to);
/** gw_play_ended: (MediaEngineOps.play_ended) */
void gw_play_ended (gpointer gateway, MediaPlayId play, MediaPlayEnd end, const char *error);
/** gw_play_free: for Gateway.plays. */
void gw_play_free (gpointer play);
