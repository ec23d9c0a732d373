/* Counts by size, as Prometheus has them. Pure. */
#pragma once

#include <glib.h>

#define GW_HISTOGRAM_MAX_BOUNDS 12

typedef struct
{
  guint64 counts[GW_HISTOGRAM_MAX_BOUNDS + 1]; /* each bucket alone; the last: above every bound */
  double sum;
} GwHistogram;

/* Static; rising. */
typedef struct
{
  const char *name, *help;
  guint n_bounds;
  double bounds[GW_HISTOGRAM_MAX_BOUNDS];
} GwHistogramType;

void gw_histogram_add (GwHistogram *histogram, const GwHistogramType *type, double value);
/** gw_histogram_write: appends its samples. @labels: "direction=\"in\"" or "". The HELP and TYPE lines are
 * gw_histogram_write_head's, once for all labels. */
void gw_histogram_write (const GwHistogram *histogram, const GwHistogramType *type, const char *labels,
                         GString *text);
void gw_histogram_write_head (const GwHistogramType *type, GString *text);
