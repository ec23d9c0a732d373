/* The files and directories that a configuration names, for those who check it before it is used. */
#pragma once

#include "config/settings.h"

/**
 * cfg_settings_unusable:
 *
 * Looks on the disk, as the user who asks: the gateway's own may see more or less. Nothing is written.
 *
 * Returns: (transfer full): NULL-terminated: "switchroom.yaml:3: http.tls.cert: /etc/x.pem: No such file or
 * directory" for each file and directory that cannot be read, or written where the gateway writes:
 * storage.path (not the default one), logging.file and recordings.path, of which only what is there must be
 * writable, since the gateway makes the rest.
 */
char **cfg_settings_unusable (const CfgSettings *settings) G_GNUC_WARN_UNUSED_RESULT;

/** cfg_settings_place: (transfer full): "switchroom.yaml:3: storage.path: sentence" of "storage.path:
 * sentence"; @message as it is when it does not begin with a key that the file has. */
char *cfg_settings_place (const CfgSettings *settings, const char *message) G_GNUC_WARN_UNUSED_RESULT;
