/* How long the API takes to answer, by method, and what it could not do; for /metrics. The labels are the
 * methods that there are and Twirp's code words, never what a client wrote. */
#pragma once

#include "gateway/gateway.h"

typedef struct _GwApiMetrics GwApiMetrics;

GwApiMetrics *gw_api_metrics_new (void);
void gw_api_metrics_free (GwApiMetrics *metrics);
/** gw_api_metrics_began: a request is being worked on, until gw_api_metrics_answered. */
void gw_api_metrics_began (Gateway *gateway);
/** gw_api_metrics_answered: a request to @method, one that there is, took @us. @error: (nullable). */
void gw_api_metrics_answered (Gateway *gateway, const char *method, gint64 us, const GError *error);
/** gw_api_metrics_malformed: a message that is no request, or to a method that there is not. */
void gw_api_metrics_malformed (Gateway *gateway);
void gw_api_metrics_write (const Gateway *gateway, GString *text);
