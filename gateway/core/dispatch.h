/* Which room a call goes to: trunks and rules applied to the facts of an INVITE. Pure. */
#pragma once

#include <glib.h>

#include "config/settings.h"

typedef struct
{
  const char *called;         /* user part of the Request-URI */
  const char *caller;         /* user part of From */
  const char *source_address; /* numeric, of the packet: never what a header says */
} GwDispatchFacts;

typedef struct
{
  char *room;
  const CfgTrunkSettings *trunk;       /* (nullable): demo mode */
  const CfgDispatchRuleSettings *rule; /* (nullable): demo or implicit rule */
  char *trunk_id, *rule_id;            /* "ST_...", "SDR_...", stable for a name */
} GwDispatch;

/**
 * gw_dispatch:
 *
 * Inbound trunks match by source address and called number, the first that fits in file order; a rule that
 * names the trunk goes before one for all trunks. Without any trunk (demo mode) the called name is the room.
 *
 * Returns: FALSE with CFG_ERROR_PERMISSION_DENIED (SIP 403: no trunk takes calls from there, or the trunk
 * asks for credentials that this version cannot check), NOT_FOUND (404: no such number, no rule).
 */
gboolean gw_dispatch (const CfgSettings *settings, const GwDispatchFacts *facts, GwDispatch *result,
                      GError **error);
void gw_dispatch_clear (GwDispatch *dispatch);

/** gw_stable_id: @prefix and 12 letters that depend only on @name. (transfer full) */
char *gw_stable_id (const char *prefix, const char *name) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GwDispatch, gw_dispatch_clear)
