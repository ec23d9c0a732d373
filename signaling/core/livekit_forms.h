/* Forms in which JSON of protobuf may have a value (the ProtoJSON format), besides the usual one. For
 * livekit.c only. Pure. */
#pragma once

#include <glib.h>
#include <jansson.h>

/** sig_livekit_base64: @text, of either alphabet of RFC 4648 and with its padding or without, in that of its
 * section 4 with padding. (transfer full) (nullable): NULL: it is no base64. */
char *sig_livekit_base64 (const char *text);

/** sig_livekit_whole: a whole number written as 5, "5", 5.0 or 5e0. FALSE: @value is none. */
gboolean sig_livekit_whole (const json_t *value, gint64 *number);
