/* Phones that send their calls elsewhere (RFC 3261 21.3). */
#pragma once

#include "gateway/gateway.h"
#include "signaling/sip/sip.h"

/** gw_forwarding_on_redirected: ops.redirected: a phone of an extension may forward calls to another
 * extension of ours, whose phones ring then. Numbers and hosts elsewhere are not called: a phone's settings
 * must not cost. */
GArray *gw_forwarding_on_redirected (gpointer gateway, SigSipCallId id, const char *uri);
