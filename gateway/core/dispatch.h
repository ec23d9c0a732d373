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
  const char *foreign_host;   /* (nullable): host of the Request-URI when it is not ours */
  guint16 foreign_port;       /* 0: none given */
  const char *registration;   /* (nullable): name of the trunk whose registration it came over */
  const char *asserted;       /* (nullable): the caller's number as a network says it: not yet believed */
  gboolean is_private;        /* nobody shall see who calls */
} GwDispatchFacts;

typedef struct
{
  char *room;                    /* NULL: the caller is asked for a PIN first, then see gw_dispatch_pin */
  const CfgTrunkSettings *trunk; /* (nullable): demo mode */
  const CfgDispatchRuleSettings *rule; /* (nullable): demo or implicit rule */
  gboolean is_routed;                  /* to foreign_host: the trunk allows it, and `room` is a new one */
  char *trunk_id;                      /* (nullable): "ST_...", stable for a name */
  char *caller;                        /* who may be said to call: "anonymous" for one who is private */
  char *rule_id;                       /* (nullable): "SDR_...", the same */
} GwDispatch;

/** gw_dispatch_called: the number that is called: @user, but for a call over a registration that names our
 * account there: then the first number of the trunk. (transfer none) */
const char *gw_dispatch_called (const CfgSettings *settings, const char *registration, const char *user);

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
 * fits in file order. Of the rules that are for the trunk, the caller and the called number, the first in
 * this order takes the call:
 *
 *   1. one that names the trunk, before one for all trunks
 *   2. one with inbound_numbers (callers), before one for all callers
 *   3. one with numbers (called), before one for all of them
 *   4. one with a PIN, before one without
 *   5. direct, then individual, then callee; last, the order in the file
 *
 * Without any trunk (demo mode) the called name is the room. An extension, proved by @facts->username, comes
 * through no trunk: rules for all trunks are its own.
 *
 * A call for a foreign host is routed there by the first trunk that fits and lists it in allowed_targets. A
 * trunk with other targets refuses it; one without any takes each host for one of our names.
 *
 * Returns: FALSE with CFG_ERROR_PERMISSION_DENIED (SIP 403: no trunk takes calls from there or from this
 * caller), NOT_FOUND (404: no such number, no rule).
 */
gboolean gw_dispatch (const CfgSettings *settings, const GwDispatchFacts *facts, GwDispatch *result,
                      GError **error);

/**
 * gw_dispatch_room: the room that a call to the same address would reach, for a request that makes no call.
 * @room: (out) (transfer full): with 200; nothing says that it is there
 *
 * Returns: the SIP status: 200, 404, or 403, also for a room with a PIN, which nobody can be asked for here.
 */
int gw_dispatch_room (const CfgSettings *settings, const GwDispatchFacts *facts, char **room);

/**
 * gw_dispatch_pin: the same once the caller has entered @pin: only rules with exactly this PIN count, in the
 * order above.
 * @trunk: (nullable): name of the trunk that took the call; NULL in demo mode
 *
 * How long it takes does not depend on which PINs there are that @pin is like (but on its length).
 *
 * Returns: FALSE with CFG_ERROR_PERMISSION_DENIED: no such PIN, and with NOT_FOUND for a called name that
 * cannot be a room's.
 */
gboolean gw_dispatch_pin (const CfgSettings *settings, const GwDispatchFacts *facts, const char *trunk,
                          const char *pin, GwDispatch *result, GError **error);
void gw_dispatch_clear (GwDispatch *dispatch);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GwDispatch, gw_dispatch_clear)
