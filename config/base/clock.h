/* Two clocks that must never be mixed: monotonic instants drive timers and media, wall-clock
 * instants are for people (logs, tokens, RTCP NTP time). Both are in microseconds. */
#pragma once

#include <glib.h>

typedef struct
{
  gint64 us;
} CfgMonotonic;

typedef struct
{
  gint64 us; /* since 1970-01-01T00:00:00Z */
} CfgWall;

#define CFG_US_PER_MS G_GINT64_CONSTANT (1000)
#define CFG_US_PER_S  G_GINT64_CONSTANT (1000000)

/** cfg_monotonic_now: reads CLOCK_MONOTONIC. Pure code never calls it: it is given the time. */
CfgMonotonic cfg_monotonic_now (void);
/** cfg_wall_now: reads CLOCK_REALTIME. Pure code never calls it: it is given the time. */
CfgWall cfg_wall_now (void);
/** cfg_thread_cpu_us: what the calling thread has used of its cores so far, in microseconds. */
gint64 cfg_thread_cpu_us (void);
/** cfg_process_cpu_us: what all threads of the process have used so far, in microseconds. */
gint64 cfg_process_cpu_us (void);

static inline CfgMonotonic
cfg_monotonic_add_us (CfgMonotonic at, gint64 us)
{
  return (CfgMonotonic){ at.us + us };
}

/** cfg_monotonic_diff_us: @later - @earlier, in microseconds (negative when they are swapped). */
static inline gint64
cfg_monotonic_diff_us (CfgMonotonic later, CfgMonotonic earlier)
{
  return later.us - earlier.us;
}
