/* The last log lines of calls, whichever call they are of, so that the beginning of a call is known to
 * whoever asks for its log later. All memory is taken at the start; when it is full, the older half of it is
 * forgotten. Pure. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

#define GW_LINE_RING_BYTES (1024 * 1024)

typedef struct _GwLineRing GwLineRing;

GwLineRing *gw_line_ring_new (gsize bytes) G_GNUC_WARN_UNUSED_RESULT;
void gw_line_ring_free (GwLineRing *ring);

/**
 * gw_line_ring_add:
 * @name: the call's id, at most 31 characters are kept
 * @text: copied; one that is longer than half of the ring counts, but is not held
 *
 * Returns: its number; the first is 1.
 */
guint64 gw_line_ring_add (GwLineRing *ring, const char *name, CfgWall time, const char *text, gsize size);

typedef void (*GwLineRingFunc) (gpointer user, guint64 seq, const char *text, gsize size);

/** gw_line_ring_foreach: the lines of @name with a number above @after, in order; the last @max of them. */
void gw_line_ring_foreach (GwLineRing *ring, const char *name, guint64 after, guint max,
                           GwLineRingFunc function, gpointer user);
/** gw_line_ring_forgot: whether a line above number @after, or one written after @since, is not held any
 * more. */
gboolean gw_line_ring_forgot (const GwLineRing *ring, guint64 after, CfgWall since);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GwLineRing, gw_line_ring_free)
