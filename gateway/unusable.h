/* Files and directories of the configuration that cannot be used, said in the log. */
#pragma once

#include "config/settings.h"

/**
 * gw_unusable_log:
 * @settings: those of a file; their text is kept as long as it takes, they themselves are not
 *
 * Logs what cfg_settings_unusable tells, from a thread of its own: a disk that does not answer holds up
 * nobody. What is asked for meanwhile waits, the newest only.
 */
void gw_unusable_log (const CfgSettings *settings);
