/* A state on its way to another thread, of which only the newest matters: who does not follow gets the last
 * one, and no more than one waits.
 *
 *   writer: media_newest_put ── TRUE: a message is sent that carries a reference ──▶ reader:
 * media_newest_take media_newest_put ── FALSE: the message under way will find it
 *
 * One thread writes, another one reads, without a lock. */
#pragma once

#include <glib.h>

typedef struct _MediaNewest MediaNewest;

/** media_newest_new: @free_value: of each value that is given. */
MediaNewest *media_newest_new (GDestroyNotify free_value) G_GNUC_WARN_UNUSED_RESULT;
MediaNewest *media_newest_ref (MediaNewest *newest);
/** media_newest_unref: any thread; what was not taken is freed with the last one. */
void media_newest_unref (MediaNewest *newest);

/** media_newest_put: the writer's: @value (transfer full, not NULL) replaces what was not taken yet.
 * Returns: TRUE: nothing was waiting: the reader must be told. */
gboolean media_newest_put (MediaNewest *newest, gpointer value) G_GNUC_WARN_UNUSED_RESULT;
/** media_newest_take: the reader's. Returns: (transfer full) (nullable): there is none. */
gpointer media_newest_take (MediaNewest *newest) G_GNUC_WARN_UNUSED_RESULT;
