#include "config/base/clock.h"

#include <time.h>

static gint64
read_clock_us (clockid_t id)
{
  struct timespec now;

  clock_gettime (id, &now);
  return (gint64)now.tv_sec * CFG_US_PER_S + now.tv_nsec / 1000;
}

CfgMonotonic
cfg_monotonic_now (void)
{
  return (CfgMonotonic){ read_clock_us (CLOCK_MONOTONIC) };
}

CfgWall
cfg_wall_now (void)
{
  return (CfgWall){ read_clock_us (CLOCK_REALTIME) };
}

gint64
cfg_thread_cpu_us (void)
{
  return read_clock_us (CLOCK_THREAD_CPUTIME_ID);
}

gint64
cfg_process_cpu_us (void)
{
  return read_clock_us (CLOCK_PROCESS_CPUTIME_ID);
}
