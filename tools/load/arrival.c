#include "tools/load/arrival.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <time.h>

CfgMonotonic
load_arrival (int fd, CfgMonotonic now)
{
  struct timespec stamp;

  /* The first call makes the kernel note the times from then on. */
  if (fd < 0 || ioctl (fd, SIOCGSTAMPNS, &stamp) != 0)
    return now;
  return cfg_monotonic_add_us (cfg_monotonic_now (), (gint64)stamp.tv_sec * CFG_US_PER_S
                                                         + stamp.tv_nsec / 1000 - cfg_wall_now ().us);
}
