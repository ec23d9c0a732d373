/* What a participant may do, as LiveKit has it: speak, hear, send text. Its token says what it may at most,
 * an administrator takes it away and gives it back (participant.update). */
#pragma once

#include "gateway/gateway.h"
#include "signaling/core/token.h"

/**
 * gw_permissions_check:
 * @wanted: (nullable): {can_publish, can_subscribe, can_publish_data}, each a boolean; what it does not
 * name stays
 *
 * Returns: FALSE with FAILED_PRECONDITION: the participant's token does not allow it.
 */
gboolean gw_permissions_check (const GwParticipant *participant, json_t *wanted, GError **error);
/** gw_permissions_limit: it joins with @token. */
void gw_permissions_limit (GwParticipant *participant, const SigToken *token);
/** gw_permissions_take: makes a checked one count. */
void gw_permissions_take (Gateway *gateway, GwParticipant *participant, json_t *wanted);
/** gw_permissions_follow: @participant may have a new leg: it hears no more with it than with the one before.
 */
void gw_permissions_follow (Gateway *gateway, const GwParticipant *participant);
/** gw_permissions_may_speak: FALSE with PERMISSION_DENIED: it is muted for good. */
gboolean gw_permissions_may_speak (const GwParticipant *participant, GError **error);
/** gw_permissions_json: (transfer full) */
json_t *gw_permissions_json (const GwParticipant *participant);
