/* What trunks do beside carrying calls: whose turn a number is. */
#pragma once

#include "gateway/gateway.h"

typedef struct _GwTrunks GwTrunks;

GwTrunks *gw_trunks_new (void) G_GNUC_WARN_UNUSED_RESULT;
void gw_trunks_free (GwTrunks *trunks);

/** gw_trunks_find: by id or name. (nullable) */
const CfgTrunkSettings *gw_trunks_find (const Gateway *gateway, const char *trunk);
/** gw_trunks_next_number: the caller's number for one more call of @trunk. (nullable) (transfer none) */
const char *gw_trunks_next_number (Gateway *gateway, const CfgTrunkSettings *trunk);
