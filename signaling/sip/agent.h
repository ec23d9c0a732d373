/* NUA's transaction agent. The library keeps it to itself in this version (nua_get_agent came later), and the
 * refreshes of a session must not go through NUA: it ends the dialog on answers that RFC 4028 lets a call
 * survive (docs/decisions/0008-session-timers.md). So this program has its own nta_agent_create in front of
 * the library's, which notes what it returns. */
#pragma once

#define NTA_OUTGOING_MAGIC_T struct _SigSipCall
#define NTA_LEG_MAGIC_T      struct _SigSipEarly

#include <sofia-sip/nta.h>

/** sig_sip_agent_take: the agent that was made since the last time; NULL when there was none. */
nta_agent_t *sig_sip_agent_take (void);
