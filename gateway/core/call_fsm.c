#include "gateway/core/call_fsm.h"

#define LEAVE_ALL  (GW_CALL_ACTION_LEAVE | GW_CALL_ACTION_CLOSE_MEDIA | GW_CALL_ACTION_STATUS)
#define ANSWER_ALL (GW_CALL_ACTION_JOIN | GW_CALL_ACTION_ANSWER | GW_CALL_ACTION_STATUS)
#define HANGUP_ALL (GW_CALL_ACTION_HANGUP | LEAVE_ALL)

gboolean
gw_call_is_live (GwCallState state)
{
  return state <= GW_CALL_ACTIVE;
}

const char *
gw_call_status_word (GwCallState state)
{
  switch (state)
    {
    case GW_CALL_NEW:
    case GW_CALL_ROUTED:
    case GW_CALL_DIALING:
      return "dialing";
    case GW_CALL_ALERTING:
    case GW_CALL_RINGING:
      return "ringing";
    case GW_CALL_ANSWERED:
    case GW_CALL_ASKING:
    case GW_CALL_ACTIVE:
      return "active";
    case GW_CALL_CLOSING:
    case GW_CALL_CLOSING_SIP:
    case GW_CALL_CLOSING_MEDIA:
    case GW_CALL_DONE:
    case GW_CALL_N_STATES:
      return "hangup";
    default:
      g_assert_not_reached ();
    }
}

static GwCallStep
live_step (GwCallState state, GwCallEvent event)
{
  switch (event)
    {
    case GW_CALL_EVENT_ALERT:
      if (state == GW_CALL_NEW)
        return (GwCallStep){ GW_CALL_ALERTING, GW_CALL_ACTION_RING | GW_CALL_ACTION_STATUS };
      break;
    case GW_CALL_EVENT_INVITE:
      if (state == GW_CALL_NEW)
        return (GwCallStep){ GW_CALL_ANSWERED, GW_CALL_ACTION_RING | ANSWER_ALL };
      if (state == GW_CALL_ALERTING || state == GW_CALL_ROUTED)
        return (GwCallStep){ GW_CALL_ANSWERED, ANSWER_ALL };
      break;
    case GW_CALL_EVENT_ASK:
      if (state == GW_CALL_NEW)
        return (GwCallStep){ GW_CALL_ASKING, GW_CALL_ACTION_RING | GW_CALL_ACTION_ANSWER };
      break;
    case GW_CALL_EVENT_ADMIT:
      if (state == GW_CALL_ASKING)
        return (GwCallStep){ GW_CALL_ACTIVE, GW_CALL_ACTION_JOIN | GW_CALL_ACTION_STATUS };
      break;
    case GW_CALL_EVENT_ROUTE:
      if (state == GW_CALL_NEW)
        return (GwCallStep){ GW_CALL_ROUTED, GW_CALL_ACTION_JOIN | GW_CALL_ACTION_STATUS };
      break;
    case GW_CALL_EVENT_DIAL:
      if (state == GW_CALL_NEW)
        return (GwCallStep){ GW_CALL_DIALING, GW_CALL_ACTION_JOIN | GW_CALL_ACTION_STATUS };
      break;
    case GW_CALL_EVENT_PROGRESS:
      if (state == GW_CALL_DIALING)
        return (GwCallStep){ GW_CALL_RINGING, GW_CALL_ACTION_STATUS };
      if (state == GW_CALL_ROUTED)
        return (GwCallStep){ GW_CALL_ALERTING, GW_CALL_ACTION_STATUS };
      break;
    case GW_CALL_EVENT_ANSWER:
      if (state == GW_CALL_DIALING || state == GW_CALL_RINGING)
        return (GwCallStep){ GW_CALL_ACTIVE, GW_CALL_ACTION_STATUS };
      break;
    case GW_CALL_EVENT_ACK:
      if (state == GW_CALL_ANSWERED)
        return (GwCallStep){ GW_CALL_ACTIVE, 0 };
      break;
    case GW_CALL_EVENT_HANGUP:
      return (GwCallStep){ GW_CALL_CLOSING, HANGUP_ALL };
    case GW_CALL_EVENT_ENDED:
      return (GwCallStep){ GW_CALL_CLOSING_MEDIA, LEAVE_ALL };
    case GW_CALL_EVENT_MEDIA_CLOSED: /* cannot be: we close the media */
    case GW_CALL_N_EVENTS:
    default:
      break;
    }
  return (GwCallStep){ state, 0 };
}

GwCallStep
gw_call_step (GwCallState state, GwCallEvent event)
{
  if (gw_call_is_live (state))
    return live_step (state, event);
  if (state == GW_CALL_CLOSING && event == GW_CALL_EVENT_ENDED)
    return (GwCallStep){ GW_CALL_CLOSING_MEDIA, 0 };
  if (state == GW_CALL_CLOSING && event == GW_CALL_EVENT_MEDIA_CLOSED)
    return (GwCallStep){ GW_CALL_CLOSING_SIP, 0 };
  if ((state == GW_CALL_CLOSING_SIP && event == GW_CALL_EVENT_ENDED)
      || (state == GW_CALL_CLOSING_MEDIA && event == GW_CALL_EVENT_MEDIA_CLOSED))
    return (GwCallStep){ GW_CALL_DONE, GW_CALL_ACTION_FINISH };
  return (GwCallStep){ state, 0 };
}
