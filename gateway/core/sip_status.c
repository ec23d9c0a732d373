#include "gateway/core/sip_status.h"

CfgErrorCode
gw_sip_error_code (int status)
{
  switch (status)
    {
    case 487:
      return CFG_ERROR_ABORTED;
    case 400:
    case 404:
    case 420:
    case 421:
    case 484:
    case 485:
      return CFG_ERROR_INVALID_ARGUMENT;
    case 408:
    case 504:
      return CFG_ERROR_DEADLINE_EXCEEDED;
    case 480:
    case 486:
    case 501:
    case 503:
    case 600:
    case 603:
      return CFG_ERROR_UNAVAILABLE;
    case 401:
    case 403:
    case 407:
      return CFG_ERROR_PERMISSION_DENIED;
    default:
      return CFG_ERROR_INTERNAL;
    }
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
    case 403:
      return "the other side forbids the call";
    case 404:
    case 484:
    case 604:
      return "no such number";
    case 408:
      return "no answer";
    case 480:
      return "not reachable now";
    case 486:
    case 600:
      return "busy";
    case 487:
      return "cancelled";
    case 488:
    case 606:
      return "no common codec";
    case 603:
      return "declined";
    default:
      return status >= 500 ? "the other side failed" : "the other side refused the call";
    }
}

const char *
gw_sip_disconnect_reason (int status)
{
  switch (status)
    {
    case 486:
    case 600:
    case 603:
      return "USER_REJECTED";
    case 404:
    case 408:
    case 480:
    case 487:
      return "USER_UNAVAILABLE";
    default:
      return "SIP_TRUNK_FAILURE";
    }
}
