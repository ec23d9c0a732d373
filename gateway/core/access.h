/* What the sender of a request outside of a dialog must prove, with extensions beside trunks. Pure. */
#pragma once

#include "gateway/core/dispatch.h"

/**
 * gw_access_call: of an INVITE, and of what a MESSAGE or SUBSCRIBE asks for at the same address.
 * @username: (nullable): whom the sender says to be in its credentials, not proved
 * @password: (out) (transfer none) (nullable): with PASSWORD: of @username; NULL: there is none of that name
 *
 * Without a registrar this is gw_dispatch_access. With one, a source that a trunk's allowed_addresses list
 * is the trunk's. Anybody else who says to be an extension must prove it, also where an open trunk would
 * take the call; and so must everybody whom no trunk takes: an answer that differs for names that there are
 * would tell which these are.
 */
GwAccess gw_access_call (const CfgSettings *settings, const GwDispatchFacts *facts, const char *username,
                         const char **password, GError **error);

/** gw_access_register: of a REGISTER. In demo mode anybody may. */
GwAccess gw_access_register (const CfgSettings *settings, const char *username, const char **password);
