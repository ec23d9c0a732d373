/* When a packet reached its socket, where the thread came late to read it: what the thread does meanwhile is
 * no jitter of the network. Asking the kernel costs a system call, so it is asked only when it may have been
 * long. */
#pragma once

#include "config/base/clock.h"

/* A packet that waited no longer is taken as one that came when it was read. */
#define MEDIA_ARRIVAL_LATE_US (4 * CFG_US_PER_MS)
/* None counts as older: it would be a wall clock that was set meanwhile, which the kernel's notes follow, or
 * what a thread left lying that stood still for longer than anybody waits. */
#define MEDIA_ARRIVAL_OLDEST_US (2 * CFG_US_PER_S)

/** media_arrival_watch: the kernel notes the times of @fd's packets from now on. Where it cannot, the time of
 * reading is that of arrival. */
void media_arrival_watch (int fd);

/** media_arrival_ask: as media_arrival, without looking whether it is worth it; @fd -1: @now. */
CfgMonotonic media_arrival_ask (int fd, CfgMonotonic now, CfgMonotonic earliest);

/**
 * media_arrival:
 * @fd: read last by this thread, just now
 * @now: of the reading
 * @earliest: nothing that waits came before it (media_pump_quiet_at)
 *
 * Returns: when the packet came that was read, between @earliest and @now, and 2 s before @now at most.
 */
static inline CfgMonotonic
media_arrival (int fd, CfgMonotonic now, CfgMonotonic earliest)
{
  if (G_LIKELY (cfg_monotonic_diff_us (now, earliest) <= MEDIA_ARRIVAL_LATE_US))
    return now;
  return media_arrival_ask (fd, now, earliest);
}
