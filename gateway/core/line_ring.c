#include "gateway/core/line_ring.h"

#include <string.h>

/* One line in a half: this, then its text, padded to ALIGNMENT. */
typedef struct
{
  guint64 seq;
  guint32 size;
  char name[32];
} Record;

#define ALIGNMENT 8u

typedef struct
{
  guint8 *bytes;
  gsize used;
} Half;

struct _GwLineRing
{
  Half older, newer;
  gsize half_bytes;
  guint64 last_seq;
  guint64 forgotten_seq;          /* 0: none yet */
  CfgWall forgotten_time;         /* of that line */
  CfgWall older_time, newer_time; /* of the last line in each half */
};

GwLineRing *
gw_line_ring_new (gsize bytes)
{
  GwLineRing *ring = g_new0 (GwLineRing, 1);

  ring->half_bytes = bytes / 2 & ~(gsize)(ALIGNMENT - 1);
  ring->older.bytes = g_malloc (ring->half_bytes);
  ring->newer.bytes = g_malloc (ring->half_bytes);
  /* Touched now, so that the process does not grow as it fills. */
  memset (ring->older.bytes, 0, ring->half_bytes);
  memset (ring->newer.bytes, 0, ring->half_bytes);
  return ring;
}

void
gw_line_ring_free (GwLineRing *ring)
{
  if (ring == NULL)
    return;
  g_free (ring->older.bytes);
  g_free (ring->newer.bytes);
  g_free (ring);
}

static gsize
record_size (gsize size)
{
  return sizeof (Record) + ((size + ALIGNMENT - 1) & ~(gsize)(ALIGNMENT - 1));
}

static const Record *
record_at (const Half *half, gsize at)
{
  return (const Record *)(gconstpointer)(half->bytes + at);
}

/* The highest number in @half; 0 when it is empty. */
static guint64
last_of (const Half *half)
{
  guint64 seq = 0;

  for (gsize at = 0; at < half->used; at += record_size (record_at (half, at)->size))
    seq = record_at (half, at)->seq;
  return seq;
}

static void
forget (GwLineRing *ring, guint64 seq, CfgWall time)
{
  if (seq <= ring->forgotten_seq)
    return;
  ring->forgotten_seq = seq;
  ring->forgotten_time = time;
}

static void
turn_over (GwLineRing *ring)
{
  const Half oldest = ring->older;

  forget (ring, last_of (&oldest), ring->older_time);
  ring->older = ring->newer;
  ring->older_time = ring->newer_time;
  ring->newer = (Half){ .bytes = oldest.bytes };
}

guint64
gw_line_ring_add (GwLineRing *ring, const char *name, CfgWall time, const char *text, gsize size)
{
  Record record = { .seq = ++ring->last_seq, .size = (guint32)size };

  if (size > ring->half_bytes || record_size (size) > ring->half_bytes)
    {
      forget (ring, record.seq, time);
      return record.seq;
    }
  if (ring->newer.used + record_size (size) > ring->half_bytes)
    turn_over (ring);
  g_strlcpy (record.name, name, sizeof record.name);
  memcpy (ring->newer.bytes + ring->newer.used, &record, sizeof record);
  memcpy (ring->newer.bytes + ring->newer.used + sizeof record, text, size);
  ring->newer.used += record_size (size);
  ring->newer_time = time;
  return record.seq;
}

typedef struct
{
  const char *name;
  guint64 after;
  guint n_skipped;         /* of those that fit: not told */
  guint n;                 /* fitted so far */
  GwLineRingFunc function; /* (nullable): they are only counted */
  gpointer user;
} Walk;

static void
walk_half (const Half *half, Walk *walk)
{
  for (gsize at = 0; at < half->used; at += record_size (record_at (half, at)->size))
    {
      const Record *record = record_at (half, at);

      if (record->seq <= walk->after || strncmp (record->name, walk->name, sizeof record->name - 1) != 0)
        continue;
      if (++walk->n > walk->n_skipped && walk->function != NULL)
        walk->function (walk->user, record->seq, (const char *)(record + 1), record->size);
    }
}

void
gw_line_ring_foreach (GwLineRing *ring, const char *name, guint64 after, guint max, GwLineRingFunc function,
                      gpointer user)
{
  Walk count = { .name = name, .after = after }, walk = count;

  walk_half (&ring->older, &count);
  walk_half (&ring->newer, &count);
  walk.n_skipped = count.n > max ? count.n - max : 0;
  walk.function = function;
  walk.user = user;
  walk_half (&ring->older, &walk);
  walk_half (&ring->newer, &walk);
}

gboolean
gw_line_ring_forgot (const GwLineRing *ring, guint64 after, CfgWall since)
{
  return ring->forgotten_seq > after && ring->forgotten_time.us >= since.us;
}
