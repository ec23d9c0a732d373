/* The files and directories that a configuration names, for those who check it before it is used. */
#pragma once

#include "config/settings.h"

/**
 * cfg_settings_unreadable:
 *
 * Looks on the disk, as the user who asks: the gateway's own may see more or less.
 *
 * Returns: (transfer full): NULL-terminated: "http.tls.cert: /etc/x.pem: No such file or directory" for each
 * file and directory that cannot be read; recordings.path is left out, since the gateway makes it.
 */
char **cfg_settings_unreadable (const CfgSettings *settings) G_GNUC_WARN_UNUSED_RESULT;
