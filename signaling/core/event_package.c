#include "signaling/core/event_package.h"

#include <string.h>

static const struct
{
  const char *name, *type;
} packages[] = {
  [SIG_EVENT_NONE] = { "", "" },
  [SIG_EVENT_PRESENCE] = { "presence", "application/pidf+xml" },
  [SIG_EVENT_DIALOG] = { "dialog", "application/dialog-info+xml" },
  [SIG_EVENT_CONFERENCE] = { "conference", "application/conference-info+xml" },
};

SigEventPackage
sig_event_package_find (const char *name)
{
  for (guint i = SIG_EVENT_PRESENCE; name != NULL && i < G_N_ELEMENTS (packages); i++)
    if (g_ascii_strcasecmp (packages[i].name, name) == 0)
      return (SigEventPackage)i;
  return SIG_EVENT_NONE;
}

const char *
sig_event_package_name (SigEventPackage package)
{
  return packages[package].name;
}

const char *
sig_event_package_type (SigEventPackage package)
{
  return packages[package].type;
}

gboolean
sig_event_package_accepted (SigEventPackage package, const char *range)
{
  return strcmp (range, "*/*") == 0 || g_ascii_strcasecmp (range, "application/*") == 0
         || g_ascii_strcasecmp (range, packages[package].type) == 0;
}
