/* What trunks do beside carrying calls: registrations at providers, and whose turn a number is. */
#pragma once

#include "gateway/gateway.h"

typedef struct _GwTrunks GwTrunks;

GwTrunks *gw_trunks_new (void) G_GNUC_WARN_UNUSED_RESULT;
void gw_trunks_free (GwTrunks *trunks);

/** gw_trunks_find: by id or name. (nullable) */
const CfgTrunkSettings *gw_trunks_find (const Gateway *gateway, const char *trunk);
/** gw_trunks_follow: registers, changes or takes back what the settings say now; after SIP has started. */
void gw_trunks_follow (Gateway *gateway);
/** gw_trunks_withdraw: takes all registrations back: nothing more shall come in. */
void gw_trunks_withdraw (Gateway *gateway);
/** gw_trunks_on_registered: (SigSipOps.registered) */
void gw_trunks_on_registered (gpointer gateway, const char *name);
/** gw_trunks_registration_json: (transfer full) (nullable): NULL: @trunk does not register. */
json_t *gw_trunks_registration_json (Gateway *gateway, const CfgTrunkSettings *trunk);
/** gw_trunks_metrics: as Prometheus wants them. */
void gw_trunks_metrics (Gateway *gateway, GString *text);
/** gw_trunks_next_number: the caller's number for one more call of @trunk. (nullable) (transfer none) */
const char *gw_trunks_next_number (Gateway *gateway, const CfgTrunkSettings *trunk);
