/* When memory that calls have freed goes back to the system. */
#pragma once

#include "gateway/gateway.h"

/** gw_memory_tick: once a second. */
void gw_memory_tick (Gateway *gateway, CfgMonotonic now);
