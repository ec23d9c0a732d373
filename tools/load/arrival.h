/* When a packet reached its socket: the time at which the load looks at it is the load's own matter. */
#pragma once

#include "config/base/clock.h"

/** load_arrival: of the packet that was read last from @fd, by the kernel's clock; @now where it does not
 * say, as of what was there before the first call. */
CfgMonotonic load_arrival (int fd, CfgMonotonic now);
