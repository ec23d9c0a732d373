/* Events: numbered per room, told to the connections that watch, held for replay. */
#pragma once

#include "gateway/gateway.h"

#define GW_EVENTS_MAX_WATCHES 100

GwEvents *gw_events_new (const char *epoch);
void gw_events_free (GwEvents *events);

/** gw_events_emit: @fields: (transfer full): what the event says besides seq, epoch, time, type and room. */
void gw_events_emit (Gateway *gateway, const char *room, const char *type, json_t *fields);

/** gw_events_emit_transient: an event that is out of date at once (who speaks): it carries the number of the
 * last event, takes none itself and is not replayed. */
void gw_events_emit_transient (Gateway *gateway, const char *room, const char *type, json_t *fields);

/** gw_events_are_watched: those of @room, by anybody. */
gboolean gw_events_are_watched (const Gateway *gateway, const char *room);
/**
 * gw_events_watch:
 * @room: a name, which need not exist yet, or "*"
 * @from_seq: what the client has seen, -1: only what comes; not with "*"
 * @epoch: (nullable): with @from_seq
 * @gap: (out): the client missed events that are not held any more, or the epoch is another one
 *
 * What was missed is sent after the answer (from an idle source), before anything new.
 * Returns: the number of the last event of @room (0 for "*"); -1 with @error: INVALID_ARGUMENT,
 * RESOURCE_EXHAUSTED beyond GW_EVENTS_MAX_WATCHES.
 */
gint64 gw_events_watch (Gateway *gateway, SigWebConnId conn, const char *room, gint64 from_seq,
                        const char *epoch, gboolean *gap, GError **error);
void gw_events_forget_conn (Gateway *gateway, SigWebConnId conn);
/** gw_events_end_watches: ends those watches of @conn that it may not have any more (gw_reach_may_watch), and
 * tells it: room.watch_ended. @room: (nullable): that one alone; @reason: one word */
void gw_events_end_watches (Gateway *gateway, GwConn *conn, const char *room, const char *reason);
/** gw_events_room_closed: @room's log may be dropped some day. */
void gw_events_room_closed (Gateway *gateway, const char *room);
void gw_events_metrics (const Gateway *gateway, GString *text);
/** gw_time_text: RFC 3339 with milliseconds. (transfer full) */
char *gw_time_text (CfgWall at);
