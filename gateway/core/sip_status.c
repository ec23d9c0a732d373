#include "gateway/core/sip_status.h"

#include <string.h>

typedef struct
{
  int status;
  CfgErrorCode code;
} CodeRow;

/* What livekit/protocol says of each answer (SIPStatus.GRPCStatus); who is busy or away may be tried again,
 * so these are no "unavailable", which clients repeat by themselves. */
static const CodeRow codes[] = {
  { 301, CFG_ERROR_NOT_FOUND },
  { 302, CFG_ERROR_NOT_FOUND },
  { 401, CFG_ERROR_PERMISSION_DENIED },
  { 402, CFG_ERROR_PERMISSION_DENIED },
  { 403, CFG_ERROR_PERMISSION_DENIED },
  { 404, CFG_ERROR_NOT_FOUND },
  { 407, CFG_ERROR_UNAUTHENTICATED },
  { 408, CFG_ERROR_DEADLINE_EXCEEDED },
  { 409, CFG_ERROR_FAILED_PRECONDITION },
  { 410, CFG_ERROR_NOT_FOUND },
  { 412, CFG_ERROR_FAILED_PRECONDITION },
  { 416, CFG_ERROR_OUT_OF_RANGE },
  { 428, CFG_ERROR_UNAUTHENTICATED },
  { 433, CFG_ERROR_PERMISSION_DENIED },
  { 436, CFG_ERROR_UNAUTHENTICATED },
  { 437, CFG_ERROR_UNAUTHENTICATED },
  { 438, CFG_ERROR_UNAUTHENTICATED },
  { 440, CFG_ERROR_RESOURCE_EXHAUSTED },
  { 470, CFG_ERROR_PERMISSION_DENIED },
  { 480, CFG_ERROR_RESOURCE_EXHAUSTED },
  { 481, CFG_ERROR_NOT_FOUND },
  { 482, CFG_ERROR_FAILED_PRECONDITION },
  { 483, CFG_ERROR_FAILED_PRECONDITION },
  { 486, CFG_ERROR_RESOURCE_EXHAUSTED },
  { 487, CFG_ERROR_ABORTED },
  { 491, CFG_ERROR_ABORTED },
  { 494, CFG_ERROR_UNAUTHENTICATED },
  { 504, CFG_ERROR_DEADLINE_EXCEEDED },
  { 505, CFG_ERROR_INVALID_ARGUMENT },
  { 513, CFG_ERROR_INVALID_ARGUMENT },
  { 600, CFG_ERROR_RESOURCE_EXHAUSTED },
  { 603, CFG_ERROR_PERMISSION_DENIED },
  { 604, CFG_ERROR_NOT_FOUND },
  { 607, CFG_ERROR_PERMISSION_DENIED },
  { 608, CFG_ERROR_PERMISSION_DENIED },
};

CfgErrorCode
gw_sip_error_code (int status)
{
  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    if (codes[i].status == status)
      return codes[i].code;
  if (status >= 500 && status < 600)
    return CFG_ERROR_FAILED_PRECONDITION;
  return status >= 300 && status < 700 ? CFG_ERROR_INVALID_ARGUMENT : CFG_ERROR_UNKNOWN;
}

int
gw_sip_relayed_status (int status)
{
  if (status < 400)
    return 480;
  switch (status)
    {
    case 401:
    case 407:
      return 403;
    case 411: /* about our request, not the caller's */
    case 415:
    case 420:
    case 421:
    case 422:
    case 423:
    case 491:
    case 493:
    case 494:
    case 503:
      return 500;
    default:
      return status < 700 ? status : 500;
    }
}

const char *
gw_sip_status_words (int status)
{
  switch (status)
    {
    case 401:
    case 407:
      return "the other side wants other credentials";
    case 402:
      return "the other side wants to be paid";
    case 403:
    case 608:
      return "the other side forbids the call";
    case 404:
    case 410:
    case 484:
    case 604:
      return "no such number";
    case 408:
    case 504:
      return "no answer";
    case 480:
      return "not reachable now";
    case 482:
    case 483:
      return "the call goes in a circle";
    case 486:
    case 600:
      return "busy";
    case 487:
      return "cancelled";
    case 488:
    case 606:
      return "no common codec";
    case 503:
      return "the other side takes no calls now";
    case 603:
    case 607:
      return "declined";
    default:
      return status < 400   ? "moved elsewhere"
             : status < 500 ? "the other side refused the call"
             : status < 600 ? "the other side failed"
                            : "declined";
    }
}

const char *
gw_sip_unreached_words (const char *phrase)
{
  if (g_strcmp0 (phrase, "DNS Error") == 0)
    return "no address is known for that host";
  return g_strcmp0 (phrase, "Service Unavailable") == 0 ? "nothing answers there" : "it cannot be reached";
}

const char *
gw_sip_disconnect_reason (int status)
{
  switch (status)
    {
    case 401:
    case 403:
    case 407:
    case 486:
    case 488:
      return "USER_REJECTED";
    default:
      return status >= 400 && status < 500   ? "USER_UNAVAILABLE"
             : status >= 600 && status < 700 ? "USER_REJECTED"
                                             : "SIP_TRUNK_FAILURE";
    }
}

const char *
gw_disconnect_reason (const char *cause, int status)
{
  static const struct
  {
    const char *cause, *reason;
  } rows[] = {
    { "left", "CLIENT_INITIATED" },
    { "hangup", "CLIENT_INITIATED" },
    { "remote_bye", "CLIENT_INITIATED" },
    { "remote_cancel", "CLIENT_INITIATED" },
    { "other_side_left", "CLIENT_INITIATED" },
    { "transferred", "CLIENT_INITIATED" },
    { "replaced", "CLIENT_INITIATED" },
    { "api", "PARTICIPANT_REMOVED" },
    { "removed", "PARTICIPANT_REMOVED" },
    { "max_call_duration", "PARTICIPANT_REMOVED" },
    { "room_deleted", "ROOM_DELETED" },
    { "server_shutdown", "SERVER_SHUTDOWN" },
    { "duplicate_identity", "DUPLICATE_IDENTITY" },
    { "moved", "MIGRATION" },
    { "room_full", "JOIN_FAILURE" },
    { "room_refused", "JOIN_FAILURE" },
    { "limit_reached", "JOIN_FAILURE" },
    { "bridge_failed", "JOIN_FAILURE" },
    { "pin_refused", "USER_REJECTED" },
    { "nobody_came", "USER_UNAVAILABLE" },
    { "timeout", "USER_UNAVAILABLE" },
    { "session_expired", "CONNECTION_TIMEOUT" },
    { "connection_lost", "CONNECTION_TIMEOUT" },
    { "media_lost", "CONNECTION_TIMEOUT" },
    { "media_timeout", "MEDIA_FAILURE" },
    { "media_failed", "MEDIA_FAILURE" },
    { "bad_sdp", "MEDIA_FAILURE" },
    { "failed", "SIP_TRUNK_FAILURE" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (strcmp (rows[i].cause, cause) == 0)
      return rows[i].reason;
  return status >= 300 ? gw_sip_disconnect_reason (status) : "UNKNOWN_REASON";
}
