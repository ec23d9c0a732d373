/* The load of the media workers and of the main thread, and what follows from it: whether new calls and
 * sessions are taken (core/overload.h says when), what /readyz and /metrics tell. Main thread. */
#pragma once

#include "gateway/gateway.h"

/** gw_load_new: @gateway's media engine runs. */
GwLoad *gw_load_new (Gateway *gateway);
/** gw_load_free: (nullable) */
void gw_load_free (GwLoad *load);
/** gw_load_tick: once a second: looks at the cores. Threads are looked at more often, by itself. */
void gw_load_tick (Gateway *gateway);
/**
 * gw_load_admit:
 * @room: (nullable): the name of the room that it goes to; its worker must have room, or any when there is no
 * such room yet
 *
 * Returns: FALSE with @error: RESOURCE_EXHAUSTED, which says what of the machine is
 * used up.
 */
gboolean gw_load_admit (Gateway *gateway, const char *room, GError **error);
/** gw_admit_to_room: (admission.c) the same, counted as a limit that was reached. Returns: 0 or 503. */
int gw_admit_to_room (Gateway *gateway, const char *room, GError **error);
/** gw_load_refusing: (nullable): why a call to a new room would be refused now: "worker_cpu", "worker_late",
 * "worker_stalled", "main_cpu", "process_cpu". */
const char *gw_load_refusing (const Gateway *gateway);
void gw_load_metrics (const Gateway *gateway, GString *text);
/** gw_load_json: (transfer full): of the main thread, for server.stats. */
json_t *gw_load_json (const Gateway *gateway);
/** gw_load_process_json: (transfer full): of all threads together, and of their cores. */
json_t *gw_load_process_json (const Gateway *gateway);
/** gw_load_worker_refusing: (nullable): why worker @index takes nothing new: "cpu", "late", "stalled". */
const char *gw_load_worker_refusing (const Gateway *gateway, guint index);
