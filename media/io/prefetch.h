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
#define MEDIA_TRAIL_MAX  24
/* Walked anew after so many packets. */
#define MEDIA_TRAIL_PACKETS 64

/** MEDIA_NEW_LINES: a zeroed @type that begins with a cache line: what a packet needs of it stands first, in
 * as few lines as hold it. (transfer full): released with g_aligned_free. */
#define MEDIA_NEW_LINES(type) ((type *)g_aligned_alloc0 (1, sizeof (type), MEDIA_CACHE_LINE))

typedef struct
{
  guint8 n;
  guint8 left;                    /* packets until it is walked anew */
  guint64 parts[MEDIA_TRAIL_MAX]; /* number of the first cache line << 8 | how many */
} MediaTrail;

/* Holds as many parts as most trails have. */
#define MEDIA_TRAIL_HEAD (2 * MEDIA_CACHE_LINE)

static inline void
media_prefetch_lines (guint64 part)
{
  const char *line = (const char *)(guintptr)(part >> 8 << 6); /* MEDIA_CACHE_LINE */

  for (guint n = (guint)(part & 0xff); n > 0; n--, line += MEDIA_CACHE_LINE)
    __builtin_prefetch (line, 1);
}

static inline guint64
media_prefetch_part (gconstpointer from, gsize size)
{
  const guint64 first = (guint64)(guintptr)from / MEDIA_CACHE_LINE;
  const guint64 last = ((guint64)(guintptr)from + size - 1) / MEDIA_CACHE_LINE;

  return first << 8 | MIN (last - first + 1, 0xff);
}

/** media_prefetch: begins to bring @size bytes, at least one, from @from into the cache. Any address, also
 * NULL. */
static inline void
media_prefetch (gconstpointer from, gsize size)
{
  media_prefetch_lines (media_prefetch_part (from, size));
}

/** media_trail_add: @size bytes, at least one, from @from will be needed. What does not fit is left out. */
static inline void
media_trail_add (MediaTrail *trail, gconstpointer from, gsize size)
{
  if (trail->n < MEDIA_TRAIL_MAX && from != NULL)
    trail->parts[trail->n++] = media_prefetch_part (from, size);
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
    media_prefetch_lines (trail->parts[i]);
  return TRUE;
}
