/* What a connection reaches beyond its token: the room where its participant is, and the one where that was
 * sent to; and what ends when that ends, or the token does. */
#pragma once

#include "gateway/api.h"

#define GW_REACH_SENT_S 60 /* so long it may come into the room that it was sent to */

/** gw_reach_is_own: whether the connection may join, watch and speak in @room whatever its token says of
 * rooms. */
gboolean gw_reach_is_own (const GwConn *conn, const char *room);
/** gw_reach_may_watch: @room: a name or "*". FALSE with @error, as the request room.watch has it. */
gboolean gw_reach_may_watch (const GwConn *conn, const char *room, GError **error);

/** gw_reach_may_read: what is said in @room by @from (nullable) for @identities alone: those read it, who
 * said it, and who may do all there. */
gboolean gw_reach_may_read (const GwConn *conn, const char *room, const char *from, json_t *identities);
/** gw_reach_send: @participant, the connection's own, is to join @room anew, as the same person: what it was
 * called, and what it might not do, is kept for that. */
void gw_reach_send (GwConn *conn, const GwParticipant *participant, const char *room);
/** gw_reach_is_expected: it was sent to @room and has not joined yet. */
gboolean gw_reach_is_expected (const GwConn *conn, const char *room);
/** gw_reach_arrive: @participant has just joined. */
void gw_reach_arrive (GwConn *conn, GwParticipant *participant);
/** gw_reach_left: the connection's participant is not in @room any more. */
void gw_reach_left (Gateway *gateway, GwConn *conn, const char *room);
/** gw_reach_token_changed: the token is another one or has expired: what it does not allow ends. @reason: for
 * the client, in one word */
void gw_reach_token_changed (Gateway *gateway, GwConn *conn, const char *reason);
/** gw_reach_tick: once a second. */
void gw_reach_tick (Gateway *gateway, GwConn *conn, CfgMonotonic now);
/** gw_reach_clear: before the connection is freed. */
void gw_reach_clear (GwConn *conn);
