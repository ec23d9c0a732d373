/* What the files of the SDP parser share. */
#pragma once

#include <glib.h>
#include <sofia-sip/sdp.h>

#include "signaling/core/sdp.h"

/** sig_sdp_refuse: sets CFG_ERROR_INVALID_ARGUMENT, "SDP: " in front. Returns: FALSE. */
gboolean sig_sdp_refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
/** sig_sdp_copy_text: copies @text when it fits into @size bytes and is printable ASCII. */
gboolean sig_sdp_copy_text (char *out, gsize size, const char *text);
/** sig_sdp_parse_number: @length decimal digits, at most @max. */
gboolean sig_sdp_parse_number (const char *text, gsize length, guint64 max, guint64 *out);

/** sig_sdp_check_bytes: size and control characters of the whole text. */
gboolean sig_sdp_check_bytes (const char *text, gsize size, GError **error);
/** sig_sdp_essential_lines: the lines of types v, o, s, c, a and m, ended by CRLF, m= lines checked.
 * Returns: (transfer full) (nullable) */
char *sig_sdp_essential_lines (const char *text, gsize size, GError **error);

/** sig_sdp_parse_direction: "sendrecv", "sendonly", "recvonly", "inactive"; FALSE for any other word. */
gboolean sig_sdp_parse_direction (const char *word, gsize length, SigSdpDirection *direction);
/** sig_sdp_parse_attributes: reads every known attribute of @list; at session level only those that a section
 * may inherit. */
gboolean sig_sdp_parse_attributes (SigSdpSection *section, const sdp_attribute_t *list, gboolean at_session,
                                   GError **error);
/** sig_sdp_inherit: fills what @section does not say itself from the session's attributes. */
void sig_sdp_inherit (SigSdpSection *section, const SigSdpSection *session);
