/* The record of a call that we have hung up: it is written at once, and again when the answer to our BYE, or
 * whatever else came late, is in its timeline. */
#pragma once

#include "gateway/gateway.h"

typedef struct _GwLateRecord GwLateRecord;

/** gw_late_record_new: (nullable): what @call, which is over, left in the store; NULL: nothing comes any
 * more. */
GwLateRecord *gw_late_record_new (const GwCall *call);
/** gw_late_record_update: writes it again when messages have come since. */
void gw_late_record_update (Gateway *gateway, GwLateRecord *late);
/** gw_late_record_free: (nullable) */
void gw_late_record_free (GwLateRecord *late);
