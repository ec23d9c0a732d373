/* What a packet will need is fetched while the kernel reads it: with hundreds of legs nothing of a leg is
 * left in the caches from 20 ms ago, and what a forwarded packet costs beyond its system calls is waiting for
 * it.
 *
 * A trail remembers where a packet's way led, from the socket to the one that it was sent on, so that all of
 * it is asked for at once rather than each structure when the one before it has come. It may be out of date:
 * asking for memory that is gone does nothing. */
#pragma once

#include <glib.h>

#define MEDIA_CACHE_LINE 64
#define MEDIA_TRAIL_MAX  20
/* Walked anew after so many packets. */
#define MEDIA_TRAIL_PACKETS 64

typedef struct
{
  struct
  {
    gconstpointer from;
    guint size;
  } parts[MEDIA_TRAIL_MAX];
  guint8 n;
  guint8 left; /* packets until it is walked anew */
} MediaTrail;

/** media_prefetch: begins to bring @size bytes from @from into the cache. Any address, also NULL. */
static inline void
media_prefetch (gconstpointer from, gsize size)
{
  for (gsize at = 0; at < size; at += MEDIA_CACHE_LINE)
    __builtin_prefetch ((const char *)from + at, 1);
}

/** media_trail_add: @size bytes from @from will be needed. What does not fit is left out. */
static inline void
media_trail_add (MediaTrail *trail, gconstpointer from, gsize size)
{
  if (trail->n == MEDIA_TRAIL_MAX || from == NULL)
    return;
  trail->parts[trail->n].from = from;
  trail->parts[trail->n].size = (guint)size;
  trail->n++;
}

/** media_trail_follow: Returns: FALSE when it is to be walked, with media_trail_add. */
static inline gboolean
media_trail_follow (MediaTrail *trail)
{
  if (trail->left == 0)
    {
      trail->n = 0;
      trail->left = MEDIA_TRAIL_PACKETS;
      return FALSE;
    }
  trail->left--;
  for (guint i = 0; i < trail->n; i++)
    media_prefetch (trail->parts[i].from, trail->parts[i].size);
  return TRUE;
}
