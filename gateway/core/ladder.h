/* SIP messages as a ladder of text: who sent what to whom, and when. Pure. */
#pragma once

#include <glib.h>

#include "gateway/core/trace.h"

typedef struct _GwLadder GwLadder;

GwLadder *gw_ladder_new (void) G_GNUC_WARN_UNUSED_RESULT;
/** gw_ladder_label: "INVITE" or "200 OK": of the first line of @message, in printable ASCII, appended to
 * @label. */
void gw_ladder_label (GString *label, const GwTraceMessage *message);
/** gw_ladder_has_sdp: whether @message carries a session description. */
gboolean gw_ladder_has_sdp (const GwTraceMessage *message);
/** gw_ladder_add: the next message. */
void gw_ladder_add (GwLadder *ladder, const GwTraceMessage *message);
/**
 * gw_ladder_free_to_text:
 * Returns: (transfer full): lines such as
 *   "   +0.012  <---- 200 OK (SDP) ---------------------|", with a headline that names both ends, and a new
 *   one wherever an end changes.
 */
char *gw_ladder_free_to_text (GwLadder *ladder) G_GNUC_WARN_UNUSED_RESULT;
