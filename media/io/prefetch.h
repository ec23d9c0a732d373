/* What a packet will need is fetched while the kernel reads it: with hundreds of legs nothing of a leg is
 * left in the caches from 20 ms ago, and what a forwarded packet costs beyond its system calls is waiting for
 * it. */
#pragma once

#include <glib.h>

#define MEDIA_CACHE_LINE 64

/** media_prefetch: begins to bring @size bytes from @from into the cache. Any address, also NULL. */
static inline void
media_prefetch (gconstpointer from, gsize size)
{
  for (gsize at = 0; at < size; at += MEDIA_CACHE_LINE)
    __builtin_prefetch ((const char *)from + at, 1);
}
