/* Telephone numbers as people write them, to find calls by. Pure.
 *
 * +49 (0)30 123456, 0049-30-123456 and 4930123456 are one number; 030123456 is that number as it is dialled
 * in its own country, or in another one: whoever looks for either finds both. What is no number is a name. */
#pragma once

#include <glib.h>

/**
 * gw_number_tail: (transfer full): what all numbers that may be the same end in, short enough for every way
 * to write them; of a name all of it.
 */
char *gw_number_tail (const char *text) G_GNUC_WARN_UNUSED_RESULT;

/**
 * gw_number_wanted_tail: (transfer full) (nullable): the tail of everything that fits @wanted; NULL: they
 * have none in common.
 */
char *gw_number_wanted_tail (const char *wanted) G_GNUC_WARN_UNUSED_RESULT;

/**
 * gw_number_fits:
 * @wanted: a number or a name; a `*` before or behind it stands for anything: "*123456", "+4930*"; five
 * digits and more behind a `*` are the end of a number, not of a name
 * @text: (nullable): what a call has
 *
 * Returns: whether they are the same, but for separators (spaces, "-", ".", "/", parentheses), the "+" or
 * "00" before the code of the country, and that code against the 0 of a national number.
 */
gboolean gw_number_fits (const char *wanted, const char *text) G_GNUC_WARN_UNUSED_RESULT;
