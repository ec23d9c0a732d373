#include "gateway/core/cause.h"

#include <string.h>

/* Of Q.850. */
enum
{
  NORMAL_CLEARING = 16,
  BUSY = 17,
  NO_RESPONSE = 18,
  NO_ANSWER = 19,
  REJECTED = 21,
  NORMAL_UNSPECIFIED = 31,
  OUT_OF_ORDER = 38,
  TEMPORARY_FAILURE = 41,
  CONGESTION = 42,
  UNAVAILABLE = 47,
  BEARER_NOT_AVAILABLE = 58,
  INCOMPATIBLE = 88,
  TIMER_EXPIRED = 102,
  INTERWORKING = 127,
};

static const GwCause causes[] = {
  { "remote_bye", NORMAL_CLEARING, NULL, 0, "the other side hung up" },
  { "remote_cancel", NORMAL_CLEARING, NULL, 0, "the caller gave up before it was answered" },
  { "rejected", 0, NULL, 0, "the other side refused the call" },
  { "timeout", 0, NULL, 0, "nobody answered in time" },
  { "failed", 0, NULL, 0, "the other side could not be reached, or did not keep to SIP" },
  { "session_expired", TIMER_EXPIRED, "Session timer expired", 408,
    "no refresh of the session timer came in time" },
  { "local", NORMAL_CLEARING, "Hung up", 0, "the gateway hung up" },
  { "api", NORMAL_CLEARING, "Hung up on request", 0, "call.hangup was asked for" },
  { "removed", NORMAL_CLEARING, "Removed from the room", 0, "the participant was removed from its room" },
  { "room_deleted", NORMAL_CLEARING, "Room deleted", 0, "its room was deleted" },
  { "server_shutdown", OUT_OF_ORDER, "Gateway stopped", 0, "the gateway was stopped" },
  { "max_call_duration", NORMAL_UNSPECIFIED, "Maximum duration reached", 0, "max_call_duration is over" },
  { "nobody_came", NO_ANSWER, "Nobody came", 0, "nobody came into the room in time" },
  { "media_timeout", TIMER_EXPIRED, "Media timeout", 408,
    "no media came from the other side (media.timeout)" },
  { "bad_sdp", INCOMPATIBLE, "Not Acceptable Here", 488, "the other side's SDP cannot be used" },
  { "room_full", BUSY, "Room full", 0, "its room is full" },
  { "room_refused", REJECTED, "Room refused", 0, "its room did not take it" },
  { "pin_refused", REJECTED, "PIN refused", 403, "no right PIN was entered" },
  { "target_not_reachable", UNAVAILABLE, "Not reachable", 0, "the host that it was for cannot be called" },
  { "limit_reached", CONGESTION, "Limit reached", 0,
    "a limit of the gateway left no room for it, or for the call that it was for" },
  { "callee_not_reached", 0, NULL, 0, "the one who was called did not answer" },
  { "bridge_failed", TEMPORARY_FAILURE, "Not connected", 0, "the two sides could not be connected" },
  { "other_side_left", NORMAL_CLEARING, "Other side hung up", 0,
    "the one on the other side of the bridge hung up" },
  { "transferred", NORMAL_CLEARING, "Transferred", 0, "it was transferred" },
  { "replaced", NORMAL_CLEARING, "Replaced", 0, "another call took its place" },
  { "gateway_died", OUT_OF_ORDER, NULL, 0, "the gateway died or was killed while it was up" },
};

const GwCause *
gw_cause (guint index)
{
  return index < G_N_ELEMENTS (causes) ? &causes[index] : NULL;
}

static const GwCause *
find (const char *word)
{
  for (gsize i = 0; i < G_N_ELEMENTS (causes); i++)
    if (strcmp (causes[i].word, word) == 0)
      return &causes[i];
  return NULL;
}

const char *
gw_cause_text (const char *word)
{
  const GwCause *cause = find (word);

  return cause != NULL ? cause->text : NULL;
}

static int
of_status (int status)
{
  static const struct
  {
    int status, q850;
  } rows[] = {
    { 401, REJECTED },
    { 402, REJECTED },
    { 403, REJECTED },
    { 404, 1 },
    { 405, 63 },
    { 406, 79 },
    { 407, REJECTED },
    { 408, TIMER_EXPIRED },
    { 410, 22 },
    { 415, 79 },
    { 480, NO_RESPONSE },
    { 482, 25 },
    { 483, 25 },
    { 484, 28 },
    { 485, 1 },
    { 486, BUSY },
    { 487, NORMAL_UNSPECIFIED },
    { 488, BEARER_NOT_AVAILABLE },
    { 501, 79 },
    { 502, OUT_OF_ORDER },
    { 503, TEMPORARY_FAILURE },
    { 504, TIMER_EXPIRED },
    { 600, BUSY },
    { 603, REJECTED },
    { 604, 1 },
    { 606, BEARER_NOT_AVAILABLE },
    { 607, REJECTED },
    { 400, TEMPORARY_FAILURE },
    { 481, TEMPORARY_FAILURE },
    { 500, TEMPORARY_FAILURE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (rows[i].status == status)
      return rows[i].q850;
  return status >= 300 ? INTERWORKING : NORMAL_UNSPECIFIED;
}

int
gw_cause_q850 (const char *word, int sip_status)
{
  const GwCause *cause = find (word);

  return cause != NULL && cause->q850 != 0 ? cause->q850 : of_status (sip_status);
}

gboolean
gw_cause_is_failure (const char *word)
{
  const GwCause *cause = find (word);

  return cause != NULL && cause->sip != 0;
}

char *
gw_cause_reason (const char *word, GwCauseIn in)
{
  const GwCause *cause = find (word);

  if (cause == NULL || cause->said == NULL)
    return NULL;
  if (in == GW_CAUSE_IN_CANCEL && strcmp (word, "replaced") == 0)
    return g_strdup ("SIP;cause=200;text=\"Call completed elsewhere\"");
  if (in == GW_CAUSE_IN_ANSWER || cause->sip == 0)
    return g_strdup_printf ("Q.850;cause=%d;text=\"%s\"", cause->q850, cause->said);
  return g_strdup_printf ("SIP;cause=%d;text=\"%s\"", cause->sip, cause->said);
}
