#include "gateway/core/metric_text.h"

static const char *
prefix_of (const char *name)
{
  return g_str_has_prefix (name, "process_") ? "" : "switchroom_";
}

void
gw_metric_head (GString *text, const char *name, const char *type, const char *help)
{
  const char *prefix = prefix_of (name);

  g_string_append_printf (text, "# HELP %s%s %s\n# TYPE %s%s %s\n", prefix, name, help, prefix, name, type);
}

void
gw_metric_sample (GString *text, const char *name, const char *labels, double value)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  const char *open = *labels != '\0' ? "{" : "", *close = *labels != '\0' ? "}" : "";

  g_ascii_formatd (number, sizeof number, "%.15g", value);
  g_string_append_printf (text, "%s%s%s%s%s %s\n", prefix_of (name), name, open, labels, close, number);
}

void
gw_metric_add (GString *text, const char *name, const char *type, const char *help, double value)
{
  gw_metric_head (text, name, type, help);
  gw_metric_sample (text, name, "", value);
}
