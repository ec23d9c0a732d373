/* /metrics, /healthz and /readyz. */
#pragma once

#include "gateway/gateway.h"

/** gw_http: (SigWebOps.http) */
void gw_http (gpointer gateway, const SigWebRequest *request, SigWebResponse *response);
