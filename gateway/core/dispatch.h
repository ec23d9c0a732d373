/* Which room a call goes to: trunks and rules applied to the facts of an INVITE. Pure. */
#pragma once

#include <glib.h>

#include "config/settings.h"

typedef struct
{
  const char *called;         /* user part of the Request-URI */
  const char *caller;         /* user part of From */
  const char *source_address; /* numeric, of the packet: never what a header says */
  const char *username;       /* (nullable): whom the caller proved to be */
} GwDispatchFacts;

typedef struct
{
  char *room;
  const CfgTrunkSettings *trunk;       /* (nullable): demo mode */
  const CfgDispatchRuleSettings *rule; /* (nullable): demo or implicit rule */
  char *trunk_id, *rule_id;            /* "ST_...", "SDR_...", stable for a name */
} GwDispatch;

typedef enum
{
  GW_ACCESS_OPEN,     /* somebody takes the call, whoever the caller is */
  GW_ACCESS_PASSWORD, /* somebody would, from a caller who proves a user name */
  GW_ACCESS_REFUSED,
} GwAccess;

/**
 * gw_dispatch_access: what a caller must prove before gw_dispatch is asked.
 * @username: (nullable): whom the caller says to be, not proved; @facts->username is not read
 * @password: (out) (transfer none) (nullable): with PASSWORD, of @username; NULL: no such user
 *
 * A trunk that asks for nothing goes before one that does. With REFUSED @error is as gw_dispatch's.
 */
GwAccess gw_dispatch_access (const CfgSettings *settings, const GwDispatchFacts *facts, const char *username,
                             const char **password, GError **error);

/**
 * gw_dispatch:
 *
 * Inbound trunks match by source address, called number, caller's number and proved user name, the first that
 * fits in file order; a rule that names the trunk goes before one for all trunks. Without any trunk (demo
 * mode) the called name is the room.
 *
 * Returns: FALSE with CFG_ERROR_PERMISSION_DENIED (SIP 403: no trunk takes calls from there or from this
 * caller), NOT_FOUND (404: no such number, no rule).
 */
gboolean gw_dispatch (const CfgSettings *settings, const GwDispatchFacts *facts, GwDispatch *result,
                      GError **error);
void gw_dispatch_clear (GwDispatch *dispatch);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GwDispatch, gw_dispatch_clear)
