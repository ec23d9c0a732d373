/* The life of a call as a table. Pure.
 *
 *                 INVITE                      ACK
 *   inbound   NEW ------> ANSWERED ---------------> ACTIVE
 *              |             ^
 *              | ALERT       | INVITE
 *              +-> ALERTING -+          (answer: on_participant)
 *              | ROUTE   ^ PROGRESS
 *              +-> ROUTED ---> INVITE   (another host is called for it, and its answers are passed on)
 *
 *              | ASK             ADMIT
 *              +-----> ASKING ------------------> ACTIVE   (a PIN is asked for: answered, in no room yet)
 *
 *                 DIAL          PROGRESS          ANSWER
 *   outbound  NEW ----> DIALING --------> RINGING ------> ACTIVE
 *
 *   from any of these, ended by the peer (or the stack):   ENDED  -> CLOSING_MEDIA
 *   from any of these, ended by us:                        HANGUP -> CLOSING
 *   CLOSING waits for the dialog (ENDED) and the media (MEDIA_CLOSED), in either order, then DONE.
 *
 * A race is a row: an ANSWER that crosses our CANCEL arrives in CLOSING and is ignored there, because the SIP
 * layer hangs that dialog up itself; an ENDED that crosses our HANGUP ends the wait for it. */
#pragma once

#include <glib.h>

typedef enum
{
  GW_CALL_NEW,
  GW_CALL_ALERTING, /* inbound: rings until somebody is in the room, or the callee of a routed call answers */
  GW_CALL_ROUTED,   /* inbound: its callee has said nothing yet */
  GW_CALL_ANSWERED, /* inbound: our 2xx is out, no ACK yet */
  GW_CALL_ASKING,   /* inbound: answered, the caller is asked for a PIN */
  GW_CALL_DIALING,
  GW_CALL_RINGING,
  GW_CALL_ACTIVE,
  GW_CALL_CLOSING,       /* waits for dialog and media */
  GW_CALL_CLOSING_SIP,   /* media is closed, waits for the dialog */
  GW_CALL_CLOSING_MEDIA, /* the dialog is over, waits for the media */
  GW_CALL_DONE,
  GW_CALL_N_STATES,
} GwCallState;

typedef enum
{
  GW_CALL_EVENT_ALERT,  /* accepted by dispatch, to be answered later */
  GW_CALL_EVENT_INVITE, /* accepted by dispatch, media ready: answer now */
  GW_CALL_EVENT_ASK,    /* the same, but which room is not known before the caller's PIN */
  GW_CALL_EVENT_ADMIT,  /* it is known */
  GW_CALL_EVENT_ROUTE,  /* accepted by dispatch, another host is being called */
  GW_CALL_EVENT_DIAL,
  GW_CALL_EVENT_PROGRESS,
  GW_CALL_EVENT_ANSWER,
  GW_CALL_EVENT_ACK,
  GW_CALL_EVENT_HANGUP, /* we end it */
  GW_CALL_EVENT_ENDED,  /* the dialog is over */
  GW_CALL_EVENT_MEDIA_CLOSED,
  GW_CALL_N_EVENTS,
} GwCallEvent;

/* Done in this order. */
typedef enum
{
  GW_CALL_ACTION_RING = 1 << 0,        /* 180 */
  GW_CALL_ACTION_JOIN = 1 << 1,        /* the participant enters the room */
  GW_CALL_ACTION_ANSWER = 1 << 2,      /* 200 */
  GW_CALL_ACTION_STATUS = 1 << 3,      /* sip.callStatus and the call_status event */
  GW_CALL_ACTION_HANGUP = 1 << 4,      /* BYE, CANCEL or a final answer */
  GW_CALL_ACTION_LEAVE = 1 << 5,       /* the participant leaves the room */
  GW_CALL_ACTION_CLOSE_MEDIA = 1 << 6, /* MEDIA_CLOSED will come */
  GW_CALL_ACTION_FINISH = 1 << 7,      /* summary line, then the call is forgotten */
} GwCallAction;

typedef struct
{
  GwCallState next;
  guint actions; /* GwCallAction bits */
} GwCallStep;

/** gw_call_step: what @event means in @state. An event that means nothing there changes nothing. */
GwCallStep gw_call_step (GwCallState state, GwCallEvent event);

/** gw_call_is_live: the call is neither closing nor done. */
gboolean gw_call_is_live (GwCallState state);

/** gw_call_status_word: the value of sip.callStatus: "dialing", "ringing", "active" or "hangup". */
const char *gw_call_status_word (GwCallState state);
