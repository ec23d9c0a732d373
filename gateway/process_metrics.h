/* What the process uses, by the names that Prometheus's client libraries have for it. Linux: from /proc. */
#pragma once

#include "gateway/gateway.h"

void gw_process_metrics_write (const Gateway *gateway, GString *text);
