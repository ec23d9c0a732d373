/* Random identifiers in LiveKit's shape, and the process's source of randomness. */
#pragma once

#include <glib.h>

/**
 * cfg_id_new:
 * @prefix: what the id names, for example "SCL_" (call), "PA_" (participant), "RM_" (room), "TR_" (track)
 *
 * Returns: (transfer full): @prefix and 12 characters of [A-HJ-NP-Za-km-z2-9], 68 bits of randomness.
 */
char *cfg_id_new (const char *prefix) G_GNUC_WARN_UNUSED_RESULT;

/** cfg_id_stable: @prefix and 12 letters that depend only on @name. (transfer full) */
char *cfg_id_stable (const char *prefix, const char *name) G_GNUC_WARN_UNUSED_RESULT;

/** cfg_random_bytes: fills @size bytes at @out from the kernel's generator; aborts when it has none. */
void cfg_random_bytes (void *out, gsize size);
/** cfg_random_u32: a random number from the same source. */
guint32 cfg_random_u32 (void);
/** cfg_random_u64: a random number from the same source. */
guint64 cfg_random_u64 (void);

/**
 * cfg_secret_equal: compares two secrets in a time that depends only on the length of @given.
 * NULL equals nothing.
 */
gboolean cfg_secret_equal (const char *expected, const char *given);
