#include "gateway/core/text_ring.h"

#include <string.h>
#include <sys/mman.h>

typedef struct
{
  guint32 offset, size; /* size without the NUL */
} Entry;

struct _GwTextRing
{
  guint64 first, last;                 /* numbers held; first == last + 1: none */
  guint32 capacity, end;               /* end: where the next text goes */
  guint32 used;                        /* the highest end */
  Entry entries[GW_TEXT_RING_ENTRIES]; /* number n is at n % entries */
  char bytes[];
};

/* Large, and little of it is touched: pages of its own, from the system and back to it. In the heap it would
 * lie on what others have touched before it, whatever the threshold of malloc's says, as soon as a hole is
 * large enough. */
static gpointer
take_pages (gsize size)
{
#if defined __SANITIZE_ADDRESS__
  return g_malloc0 (size);
#else
  gpointer pages = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (pages == MAP_FAILED)
    g_error ("no memory for %" G_GSIZE_FORMAT " bytes", size);
  return pages;
#endif
}

static void
give_pages (gpointer pages, gsize size)
{
#if defined __SANITIZE_ADDRESS__
  g_free (pages);
#else
  (void)munmap (pages, size);
#endif
}

GwTextRing *
gw_text_ring_new (guint64 last_seq, guint32 bytes)
{
  GwTextRing *ring = take_pages (sizeof *ring + bytes);

  ring->first = last_seq + 1;
  ring->last = last_seq;
  ring->capacity = bytes;
  ring->end = ring->used = 0;
  return ring;
}

void
gw_text_ring_free (GwTextRing *ring)
{
  if (ring != NULL)
    give_pages (ring, sizeof *ring + ring->capacity);
}

void
gw_text_ring_touch (GwTextRing *ring)
{
  ring->used = ring->capacity;
  memset (ring->bytes, 1, ring->capacity); /* zeros would be left to the kernel's zero page */
}

static Entry *
entry_of (GwTextRing *ring, guint64 seq)
{
  return &ring->entries[seq % GW_TEXT_RING_ENTRIES];
}

/* Texts lie in the order of their numbers, so the oldest ones are the first in the way. */
static void
make_place (GwTextRing *ring, guint32 start, guint32 size)
{
  while (ring->first <= ring->last)
    {
      const Entry *oldest = entry_of (ring, ring->first);
      gboolean overlaps = oldest->offset < start + size && start < oldest->offset + oldest->size + 1;

      if (!overlaps && ring->last - ring->first + 1 < GW_TEXT_RING_ENTRIES)
        break;
      ring->first++;
    }
}

/* As many as are held at most lie well behind the beginning: it is free, with something to spare for longer
 * ones, and no page need be touched anew. */
static gboolean
may_begin_again (GwTextRing *ring, guint32 needed)
{
  const Entry *oldest = entry_of (ring, ring->first);

  return ring->last - ring->first + 1 >= GW_TEXT_RING_ENTRIES && ring->end + needed > ring->used
         && oldest->offset < ring->end && oldest->offset >= needed + ring->end / 4;
}

guint64
gw_text_ring_append (GwTextRing *ring, const char *text, gsize size)
{
  guint32 start, needed;

  if (size >= ring->capacity)
    {
      ring->last++;
      ring->first = ring->last + 1;
      ring->end = 0;
      return ring->last;
    }
  needed = (guint32)size + 1;
  start = ring->capacity - ring->end >= needed && !may_begin_again (ring, needed) ? ring->end : 0;
  if (start < ring->end)
    make_place (ring, ring->end, ring->capacity - ring->end); /* what is left of the round before */
  make_place (ring, start, needed);
  ring->last++;
  *entry_of (ring, ring->last) = (Entry){ start, (guint32)size };
  memcpy (ring->bytes + start, text, size);
  ring->bytes[start + size] = '\0';
  ring->end = start + needed;
  ring->used = MAX (ring->used, ring->end);
  return ring->last;
}

gsize
gw_text_ring_used (const GwTextRing *ring)
{
  return sizeof *ring + ring->used;
}

guint64
gw_text_ring_last (const GwTextRing *ring)
{
  return ring->last;
}

guint64
gw_text_ring_first (const GwTextRing *ring)
{
  return ring->first;
}

const char *
gw_text_ring_get (const GwTextRing *ring, guint64 seq, gsize *size)
{
  const Entry *entry = &ring->entries[seq % GW_TEXT_RING_ENTRIES];

  if (seq < ring->first || seq > ring->last)
    return NULL;
  if (size != NULL)
    *size = entry->size;
  return ring->bytes + entry->offset;
}
