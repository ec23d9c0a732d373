/* How calls went, for /metrics: by direction and result, with few labels, whatever the callers do. */
#pragma once

#include "gateway/gateway.h"

typedef struct _GwCallMetrics GwCallMetrics;

GwCallMetrics *gw_call_metrics_new (void);
void gw_call_metrics_free (GwCallMetrics *metrics);
/** gw_call_metrics_ended: @call is over, with all its statistics. */
void gw_call_metrics_ended (const GwCall *call);
/** gw_call_metrics_refused: an INVITE that made no call was answered with @status. */
void gw_call_metrics_refused (Gateway *gateway, int status);
void gw_call_metrics_write (Gateway *gateway, GString *text);
