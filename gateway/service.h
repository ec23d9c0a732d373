/* Telling the service manager how we are (systemd's sd_notify protocol, without its library). */
#pragma once

#include <glib.h>

/** gw_service_ready: calls are taken. Nothing happens without NOTIFY_SOCKET; the same below. */
void gw_service_ready (void);
/** gw_service_reloading: the configuration is being read again; gw_service_ready follows. */
void gw_service_reloading (void);
/** gw_service_stopping: @status: a sentence for `systemctl status`. */
void gw_service_stopping (const char *status);
/** gw_service_draining: it goes on for at least 10 s more: the service manager waits as long. @n_calls: still
 * up. */
void gw_service_draining (guint n_calls);
/** gw_service_watchdog: the main loop turns. Returns: in which time, in ms, it must be said again; 0: nobody
 * asks. */
guint gw_service_watchdog (void);
