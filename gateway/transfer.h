/* Transfers: a phone asks for another by REFER, the API asks a phone to call somebody (participant.transfer),
 * and a call takes the place of another (Replaces).
 *
 *   blind, by the phone:  REFER -> 202 -> the target is called into the same room -> NOTIFY 180, 200
 *                         -> the phone that asked is hung up
 *   attended, both ours:  REFER with Replaces of a call of ours -> the others of both rooms end up in one
 *   by the API:           REFER to the phone -> its NOTIFYs -> hung up when it got through
 *   INVITE with Replaces: the new call takes over the participant, the old one is hung up */
#pragma once

#include "gateway/calls.h"

/* Of one call, in struct _GwCall; all zero is none. */
typedef struct
{
  char *referrer, *referrer_identity; /* (nullable): the call whose phone asked for this one */
  char *referee;        /* (nullable): the call that this phone asked for, until it is answered */
  char *target;         /* (nullable): whom this phone is to call, or was asked to */
  GwRequest *request;   /* (nullable): participant.transfer under way */
  gboolean is_accepted; /* the phone said 202 */
  char *play;           /* (nullable): the tone that the phone hears meanwhile */
} GwTransfer;

typedef struct
{
  const char *to;         /* tel:, sip: or a number */
  json_t *headers;        /* (nullable): object of strings, for the REFER */
  gboolean play_dialtone; /* the phone hears ringing until it is over */
  guint timeout_s;        /* 0: 180 */
} GwTransferParams;

/** gw_transfer_start: @request is answered later. FALSE with @error when it is refused at once. */
gboolean gw_transfer_start (Gateway *gateway, GwRequest *request, GwCall *call,
                            const GwTransferParams *params, GError **error);

/* SigSipOps.refer, .transfer */
void gw_transfer_on_refer (gpointer gateway, SigSipCallId sip, const SigSipReferral *referral);
void gw_transfer_on_news (gpointer gateway, SigSipCallId sip, const SigSipTransferNews *news);

/* What happens to any call; for one that no transfer is about nothing is done. */
void gw_transfer_progress (GwCall *call, int status, const char *phrase);
void gw_transfer_answered (GwCall *call);
/** gw_transfer_ended: before its participant leaves. */
void gw_transfer_ended (GwCall *call);
void gw_transfer_clear (GwTransfer *transfer);

/** gw_transfer_take_place: @call, inbound with its media open and planned, is answered as the participant of
 * @old, which is hung up. FALSE with @error: nothing happened. */
gboolean gw_transfer_take_place (GwCall *call, GwCall *old, GError **error);
