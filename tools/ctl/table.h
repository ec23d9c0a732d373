/* JSON as text for people: lists of objects as tables, objects as lines of name and value. What cannot be
 * printed is escaped, so that no remote text can steer a terminal. Pure. */
#pragma once

#include <glib.h>
#include <jansson.h>

/**
 * ctl_print_result:
 * @result: of a method
 * @wide: all columns and whole values, whatever the width of a terminal
 *
 * Returns: (transfer full): lines; "Done." for an empty object.
 */
char *ctl_print_result (const json_t *result, gboolean wide) G_GNUC_WARN_UNUSED_RESULT;

/** ctl_append_printable: @text with escapes for control characters, line ends and what turns the direction of
 * writing. */
void ctl_append_printable (GString *out, const char *text);
/** ctl_append_padded: @text as above, then spaces until @width columns are filled. */
void ctl_append_padded (GString *out, const char *text, guint width);
