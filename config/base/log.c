#include "config/base/log.h"
/* Implementation follows. */
gboolean
cfg_log_level_parse (const char *word, CfgLogLevel *level)
{
  static const char *const words[] = { "debug", "info", "warn", "error" };

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_strcmp0 (word, words[i]) == 0)
      {
        *level = (CfgLogLevel)i;
        return TRUE;
      }
  return FALSE;
}
