#include "media/io/arrival.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <time.h>

void
media_arrival_watch (int fd)
{
  struct timespec stamp;

  /* The first time it only fails, and begins to note. */
  (void)!ioctl (fd, SIOCGSTAMPNS, &stamp);
}

CfgMonotonic
media_arrival_ask (int fd, CfgMonotonic now, CfgMonotonic earliest)
{
  const gint64 oldest_us = MAX (earliest.us, now.us - MEDIA_ARRIVAL_OLDEST_US);
  struct timespec stamp;
  CfgMonotonic asked;
  gint64 age_us;

  if (ioctl (fd, SIOCGSTAMPNS, &stamp) != 0)
    return now;
  asked = cfg_monotonic_now ();
  age_us = cfg_wall_now ().us - (gint64)stamp.tv_sec * CFG_US_PER_S - stamp.tv_nsec / 1000;
  return (CfgMonotonic){ CLAMP (asked.us - age_us, oldest_us, now.us) };
}
