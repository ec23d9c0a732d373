/* Telling the service manager how we are (systemd's sd_notify protocol, without its library). */
#pragma once

#include <glib.h>

/** gw_service_ready: calls are taken. Nothing happens without NOTIFY_SOCKET; the same below. */
void gw_service_ready (void);
/** gw_service_stopping: @status: a sentence for `systemctl status`. */
void gw_service_stopping (const char *status);
