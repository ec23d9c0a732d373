/* What a SIP final answer means in the API's words. Pure tables. */
#pragma once

#include "config/base/error.h"

/** gw_sip_error_code: the Twirp code of the final answer @status, as LiveKit's API has it. */
CfgErrorCode gw_sip_error_code (int status);
/** gw_sip_relayed_status: what a caller is told when his callee answered @status, or none (0). A challenge or
 * a redirection is for us, not for him (403, 480); 503 would say that we take no calls (500, RFC 3261 16.7).
 */
int gw_sip_relayed_status (int status);
/** gw_sip_status_words: "busy", "declined", "no answer" ...: what a person would say. Static. */
const char *gw_sip_status_words (int status);
/** gw_sip_unreached_words: the same of an answer that nobody gave: the stack's own, with its @phrase. Static.
 */
const char *gw_sip_unreached_words (const char *phrase);
/** gw_sip_disconnect_reason: LiveKit's, of a call that was refused: "USER_REJECTED", "USER_UNAVAILABLE",
 * "SIP_TRUNK_FAILURE". Static. */
const char *gw_sip_disconnect_reason (int status);
/** gw_disconnect_reason: LiveKit's word (DisconnectReason) for the end of a participant.
 * @cause: why, as the log and participant_left say it; @status: the final answer, 0: none. Static. */
const char *gw_disconnect_reason (const char *cause, int status);
