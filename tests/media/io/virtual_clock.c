#include "tests/media/io/virtual_clock.h"

#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static gint64 offset_us;

void
virtual_clock_advance (gint64 us)
{
  offset_us += us;
}

int
clock_gettime (clockid_t clock, struct timespec *out)
{
  const long result = syscall (SYS_clock_gettime, clock, out);
  const gint64 ns = out->tv_nsec + offset_us % G_USEC_PER_SEC * 1000;

  out->tv_sec += offset_us / G_USEC_PER_SEC + ns / 1000000000;
  out->tv_nsec = ns % 1000000000;
  return (int)result;
}

int
gettimeofday (struct timeval *restrict out, void *restrict zone)
{
  struct timespec now;

  (void)zone;
  (void)clock_gettime (CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}
