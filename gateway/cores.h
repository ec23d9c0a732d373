/* The cores of this machine that the process may use, and how busy they are. Main thread. */
#pragma once

#include "gateway/core/cores.h"

typedef struct _GwCores GwCores;

/** gw_cores_new: reads both. */
GwCores *gw_cores_new (void);
/** gw_cores_free: (nullable) */
void gw_cores_free (GwCores *cores);
/** gw_cores_look: once a second: how busy they are; each few seconds: which they are. */
void gw_cores_look (GwCores *cores);
/** gw_cores_available: how many; a quota (of the cgroup or of one above it, v1 or v2) may make it a fraction.
 */
double gw_cores_available (const GwCores *cores);
/** gw_cores_allowed: how many any of our threads may run on, whatever the quota. At least 1. */
guint gw_cores_allowed (const GwCores *cores);
/** gw_cores_shares: in the last second; zero when the kernel does not say. */
const GwCoreShares *gw_cores_shares (const GwCores *cores);
