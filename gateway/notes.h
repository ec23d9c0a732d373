/* Entries of timelines that calls and sessions have in common. */
#pragma once

#include <jansson.h>

#include "gateway/core/timeline.h"
#include "signaling/core/sdp.h"

/**
 * gw_note_sdp:
 * @what: "offer" or "answer": the peer's
 * @remote: (nullable): it could not be read
 * @plan: (nullable): nothing was agreed on, @error says why
 * @peers_order: the first codec of the peer's counted, not ours
 *
 * Returns: (transfer full): what was agreed on and why, what was refused.
 */
json_t *gw_note_sdp (const char *what, const SigSdp *remote, const SigSdpPlan *plan, gboolean peers_order,
                     const GError *error) G_GNUC_WARN_UNUSED_RESULT;

/** gw_timeline_json: [{time, event, ...}]. (transfer full) */
json_t *gw_timeline_json (const GwTimeline *timeline) G_GNUC_WARN_UNUSED_RESULT;
