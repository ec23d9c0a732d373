/* Bodies of several parts (RFC 2046 5.1, RFC 5621): carriers put ISUP, a location or a picture of the caller
 * beside the session description. */
#pragma once

#include <glib.h>

/* No SIP body that means well has more parts. */
#define SIG_MULTIPART_MAX_PARTS 16

/**
 * sig_multipart_find:
 * @body: not necessarily terminated
 * @boundary: as in the parameter of Content-Type, with or without quotation marks
 * @type: of the part that is looked for, such as "application/sdp"; parameters are not compared
 * @part: (out): within @body
 *
 * Finds the first part of @type, where the others are of no need: one that is of another type and says
 * "handling=required" in its Content-Disposition must not be passed over (RFC 5621 8).
 *
 * Returns: FALSE: there is none, or there is more in it that must be understood.
 */
gboolean sig_multipart_find (const char *body, gsize length, const char *boundary, const char *type,
                             const char **part, gsize *part_length) G_GNUC_WARN_UNUSED_RESULT;
