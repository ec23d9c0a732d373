/* The log lines of one call, for call.logs: the last ones are held in bounded memory, and further ones are
 * told to the connections that follow the call. Which lines there are is decided by logging.level; where the
 * log goes, and in which format, makes no difference. */
#pragma once

#include "gateway/api.h"

#define GW_LOGS_MAX_FOLLOWERS 64  /* all connections together */
#define GW_LOGS_MAX_FOLLOWED  16  /* calls of one connection */
#define GW_LOGS_MAX_LINES     500 /* in one answer */

typedef struct _GwLogs GwLogs;

/** gw_logs_new: takes part in the process's log from here on, until gw_logs_free. Main thread; lines that
 * other threads write are of no call. */
GwLogs *gw_logs_new (Gateway *gateway) G_GNUC_WARN_UNUSED_RESULT;
void gw_logs_free (GwLogs *logs);

/**
 * gw_logs_read:
 * @id: SCL_...
 * @after: number of the last line that is known; 0: all
 * @since: when the call began
 *
 * Returns: (transfer full): {lines: [{seq, line}], gap}; a line is an object as logging.format json writes
 * it.
 */
json_t *gw_logs_read (Gateway *gateway, const char *id, guint64 after, CfgWall since);
/** gw_logs_follow: @conn is told of further lines of call @id: notifications "log" {sip_call_id, seq, line},
 * and {sip_call_id, ended: true} at its end. FALSE with RESOURCE_EXHAUSTED. */
gboolean gw_logs_follow (Gateway *gateway, SigWebConnId conn, const char *id, GError **error);
void gw_logs_forget_conn (Gateway *gateway, SigWebConnId conn);
/** gw_logs_end_conn: @conn may follow no call any more, and is told: {sip_call_id, ended: true, reason}. */
void gw_logs_end_conn (Gateway *gateway, SigWebConnId conn, const char *reason);
/** gw_logs_call_moved: call @id is in @room from here on: who may not see that room follows it no more, and
 * is told: {sip_call_id, ended: true, reason: "moved"}. */
void gw_logs_call_moved (Gateway *gateway, const char *id, const char *room);
/** gw_logs_call_ended: call @id has said its last word. */
void gw_logs_call_ended (Gateway *gateway, const char *id);
