/* Which word was meant? Pure. */
#pragma once

#include <glib.h>

/**
 * cfg_edit_distance:
 * @a: what somebody wrote
 * @b: a known word of fewer than 64 bytes
 *
 * Returns: the least number of bytes to insert, delete or replace that makes @a of @b (Levenshtein);
 * G_MAXUINT when @b is too long
 */
guint cfg_edit_distance (const char *a, const char *b);
