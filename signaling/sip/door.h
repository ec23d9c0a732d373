/* Requests before NUA sees them. NUA answers some requests inside of a dialog by itself, or ends the call for
 * an answer that a call survives: REFER makes a subscription of its own there, a NOTIFY of one it does not
 * know is 481. So this program has its own nta_leg_create in front of the library's (as agent.h has for the
 * agent), which puts a door before NUA's function: what sig_sip_at_door takes never gets to NUA. */
#pragma once

#include "signaling/sip/internal.h"

/**
 * sig_sip_at_door: (refer.c)
 * @nh: of the dialog, or NUA's own for what is outside of one
 * Returns: 0: NUA's business; else the final status that was sent with nta_incoming_treply.
 */
int sig_sip_at_door (nua_handle_t *nh, nta_incoming_t *request, sip_t const *message);
