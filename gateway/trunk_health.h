/* Are the servers of trunks there? A trunk with `qualify_interval` is asked by OPTIONS from time to time. It
 * carries calls all the same: what is found out is for those who watch. */
#pragma once

#include "gateway/gateway.h"

GwTrunkHealth *gw_trunk_health_new (void) G_GNUC_WARN_UNUSED_RESULT;
void gw_trunk_health_free (GwTrunkHealth *health);
/** gw_trunk_health_tick: once a second. */
void gw_trunk_health_tick (Gateway *gateway, CfgMonotonic now);
void gw_trunk_health_metrics (Gateway *gateway, GString *text);

/**
 * gw_trunk_health_json: {state: "unknown" | "reachable" | "unreachable", rtt_ms, sip_status_code, reason,
 * since}
 * @trunk_id: ST_...
 * Returns: (transfer full) (nullable): NULL when it is not asked.
 */
json_t *gw_trunk_health_json (Gateway *gateway, const char *trunk_id);
