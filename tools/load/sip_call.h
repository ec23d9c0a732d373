/* SIP calls over UDP: INVITE, ACK, BYE, and 200 to what comes inside of a call. All calls of a load share a
 * socket; each has its own Call-ID. Requests are repeated as RFC 3261 17.1 says. */
#pragma once

#include "tools/load/participant.h"

typedef struct _LoadSip LoadSip;

/** load_sip_new: to the gateway of the options. Returns: (transfer full): NULL with @error. */
LoadSip *load_sip_new (Load *load, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** load_sip_free: after its participants. */
void load_sip_free (LoadSip *sip);
/** load_sip_take: @participant becomes a call to the room of its number. */
void load_sip_take (LoadSip *sip, LoadParticipant *participant);
