#include "gateway/core/histogram.h"

#include <math.h>

void
gw_histogram_add (GwHistogram *histogram, const GwHistogramType *type, double value)
{
  guint i = 0;

  if (!isfinite (value))
    return;
  while (i < type->n_bounds && value > type->bounds[i])
    i++;
  histogram->counts[i]++;
  histogram->sum += value;
}

void
gw_histogram_write_head (const GwHistogramType *type, GString *text)
{
  g_string_append_printf (text, "# HELP switchroom_%s %s\n# TYPE switchroom_%s histogram\n", type->name,
                          type->help, type->name);
}

void
gw_histogram_write (const GwHistogram *histogram, const GwHistogramType *type, const char *labels,
                    GString *text)
{
  const char *comma = *labels != '\0' ? "," : "";
  const char *open = *labels != '\0' ? "{" : "", *close = *labels != '\0' ? "}" : "";
  guint64 total = 0;

  for (guint i = 0; i <= type->n_bounds; i++)
    {
      char bound[G_ASCII_DTOSTR_BUF_SIZE] = "+Inf";

      total += histogram->counts[i];
      if (i < type->n_bounds)
        g_ascii_formatd (bound, sizeof bound, "%.6g", type->bounds[i]);
      g_string_append_printf (text, "switchroom_%s_bucket{%s%sle=\"%s\"} %" G_GUINT64_FORMAT "\n", type->name,
                              labels, comma, bound, total);
    }
  g_string_append_printf (
      text, "switchroom_%s_sum%s%s%s %.15g\nswitchroom_%s_count%s%s%s %" G_GUINT64_FORMAT "\n", type->name,
      open, labels, close, histogram->sum, type->name, open, labels, close, total);
}
