/* Routing: an INVITE for another host, of a trunk that allows that host, is bridged to it: two calls in a
 * room of their own (docs/decisions: routing mode).
 *
 *   caller -> INVITE -> we -> INVITE, one hop less -> callee
 *          <- 180, 183 <-    <- 180, 183
 *          <- 200      <-    <- 200                 the room carries the audio
 *          <- 486      <-    <- 486                 as gw_sip_relayed_status says
 *
 * The room is a bridge: when one of its calls ends and only one is left, that one ends too. So a transfer,
 * or somebody who listens in, needs nothing else. */
#pragma once

#include "gateway/calls.h"
#include "gateway/core/dispatch.h"

/* Of one call, in struct _GwCall, until the callee has answered or one of both is over; all zero is none. */
typedef struct
{
  char *callee; /* (nullable): of a caller: id of the call that is made for it */
  char *caller; /* (nullable): of a callee */
} GwRoute;

/** gw_route_begin: calls whom @call, inbound with its media open, is for. FALSE with @error: @call is as it
 * was. Later failures are told to the caller by themselves. */
gboolean gw_route_begin (GwCall *call, const SigSipInvite *invite, const GwDispatch *dispatch,
                         GError **error);

/** gw_route_to_extension: the same for the phones of the extension invite->request_user. Also FALSE, with
 * NOT_FOUND or UNAVAILABLE, when it has none. */
gboolean gw_route_to_extension (GwCall *call, const SigSipInvite *invite, GError **error);
/** gw_route_room_name: of a room for one call: (transfer full) */
char *gw_route_room_name (const char *caller, const char *callee) G_GNUC_WARN_UNUSED_RESULT;

/* What happens to any call; for one that is not routed nothing is done. */
void gw_route_progress (GwCall *callee, int status, gboolean has_media);
void gw_route_answered (GwCall *callee);
/** gw_route_left: @call is over and has left its room. */
void gw_route_left (GwCall *call);
/** gw_route_digit: a key press is for the other side of a bridge as well. */
void gw_route_digit (GwCall *call, char digit, GwDigitSource source);
/** gw_route_take_over: @call takes the place of @old, which is not answered. */
void gw_route_take_over (GwCall *call, GwCall *old);
void gw_route_clear (GwRoute *route);
