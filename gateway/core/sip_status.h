/* What a SIP final answer means in the API's words. Pure tables. */
#pragma once

#include "config/base/error.h"

/** gw_sip_error_code: the Twirp code that fits @status best. */
CfgErrorCode gw_sip_error_code (int status);
/** gw_sip_status_words: "busy", "declined", "no answer" ...: what a person would say. Static. */
const char *gw_sip_status_words (int status);
/** gw_sip_disconnect_reason: LiveKit's: "USER_REJECTED", "USER_UNAVAILABLE", "SIP_TRUNK_FAILURE". Static. */
const char *gw_sip_disconnect_reason (int status);
