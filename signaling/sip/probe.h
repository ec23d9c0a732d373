/* OPTIONS to a server: is it there? Its name is looked up as for a call, and its servers are asked one after
 * the other until one answers. */
#pragma once

#include "signaling/sip/requests.h"
#include "signaling/sip/sip.h"

/**
 * sig_sip_probe:
 * @uri: sip:host[:port][;transport=...] or sips:, as sig_sip_check_uri takes it
 * @patience_ms: for each server
 * @done: 200-699: a server answered, whatever it says; 408: none did, and the phrase says why where that is
 * known. Not told any more once the endpoint shuts down
 * @destroy: (nullable): for @user, always called once when this returned TRUE
 *
 * Returns: FALSE with @error: it cannot be asked.
 */
gboolean sig_sip_probe (SigSip *sip, const char *uri, guint patience_ms, SigSipSentFunc done, gpointer user,
                        GDestroyNotify destroy, GError **error);
