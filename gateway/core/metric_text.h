/* The text that Prometheus reads (exposition format 0.0.4). Names get "switchroom_" in front unless they
 * begin with "process_", which Prometheus's own conventions name. Pure. */
#pragma once

#include <glib.h>

/** gw_metric_head: the HELP and TYPE lines, once for all samples of @name. @type: "counter", "gauge". */
void gw_metric_head (GString *text, const char *name, const char *type, const char *help);
/** gw_metric_sample: one sample. @labels: "way=\"in\"", or "" */
void gw_metric_sample (GString *text, const char *name, const char *labels, double value);
/** gw_metric_add: both, for a metric with one sample. */
void gw_metric_add (GString *text, const char *name, const char *type, const char *help, double value);
