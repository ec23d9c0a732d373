/* The last texts of a numbered series (a room's events, calls that are over), in one block of memory: bounded
 * in number and in bytes, and no scattered pieces that outlive what was allocated around them. Pure. */
#pragma once

#include <glib.h>

#define GW_TEXT_RING_ENTRIES 512 /* texts held at most */

typedef struct _GwTextRing GwTextRing;

/**
 * gw_text_ring_new:
 * @last_seq: the first text has number @last_seq + 1
 * @bytes: room for the texts with their NULs; touched only as far as it is used
 */
GwTextRing *gw_text_ring_new (guint64 last_seq, guint32 bytes) G_GNUC_WARN_UNUSED_RESULT;
void gw_text_ring_free (GwTextRing *ring);
/** gw_text_ring_touch: takes all of its memory now, so that it does not grow as it fills. */
void gw_text_ring_touch (GwTextRing *ring);

/**
 * gw_text_ring_append:
 * @text: copied; the oldest ones make place for it. One that is longer than the ring counts, but is not held.
 * Returns: its number.
 */
guint64 gw_text_ring_append (GwTextRing *ring, const char *text, gsize size);
/** gw_text_ring_last: number of the last text. */
guint64 gw_text_ring_last (const GwTextRing *ring);
/** gw_text_ring_first: number of the oldest text that is held; gw_text_ring_last + 1 when none is. */
guint64 gw_text_ring_first (const GwTextRing *ring);
/** gw_text_ring_used: bytes of memory that it has taken so far, without what was never used. */
gsize gw_text_ring_used (const GwTextRing *ring);
/** gw_text_ring_get: text number @seq, owned by the ring until the next append; NULL when it is not held. */
const char *gw_text_ring_get (const GwTextRing *ring, guint64 seq, gsize *size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GwTextRing, gw_text_ring_free)
