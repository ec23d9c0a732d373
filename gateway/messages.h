/* Text in a room: from phones (SIP MESSAGE), from the API to everybody. */
#pragma once

#include "gateway/api.h"
#include "signaling/sip/requests.h"

/** gw_messages_on_message: (SigSipOps.message) */
int gw_messages_on_message (gpointer gateway, const SigSipMessage *message);

extern const GwMethod gw_message_methods[];
