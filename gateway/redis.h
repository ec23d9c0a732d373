/* Redis, as far as it is used now: to know at start that it is there. */
#pragma once

#include "config/settings.h"

/** gw_redis_ping: waits at most 2 s. FALSE with CFG_ERROR_UNAVAILABLE that says what to do. */
gboolean gw_redis_ping (const CfgRedisSettings *settings, GError **error);
