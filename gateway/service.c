#include "gateway/service.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or with @ in front a name without a file (sd_notify(3)). */
static void
tell (const char *text)
{
  const char *name = g_getenv ("NOTIFY_SOCKET");
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gsize size = name != NULL ? strlen (name) : 0;
  int fd;

  if (size < 2 || size >= sizeof address.sun_path || (name[0] != '/' && name[0] != '@'))
    return;
  memcpy (address.sun_path, name, size);
  if (name[0] == '@')
    address.sun_path[0] = '\0';
  fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return;
  (void)!sendto (fd, text, strlen (text), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                 (socklen_t)(G_STRUCT_OFFSET (struct sockaddr_un, sun_path) + size));
  close (fd);
}

void
gw_service_ready (void)
{
  tell ("READY=1\nSTATUS=Taking calls");
}

void
gw_service_stopping (const char *status)
{
  g_autofree char *text = g_strdup_printf ("STOPPING=1\nSTATUS=%s", status);

  tell (text);
}

/* systemd wants to know when a reload began, by its own clock (sd_notify(3), MONOTONIC_USEC). */
void
gw_service_reloading (void)
{
  g_autofree char *text = g_strdup_printf ("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT
                                           "\nSTATUS=Reading the configuration again",
                                           g_get_monotonic_time ());

  tell (text);
}

void
gw_service_draining (guint n_calls)
{
  g_autofree char *text
      = g_strdup_printf ("EXTEND_TIMEOUT_USEC=10000000\nSTATUS=Draining: no new calls, %u still up", n_calls);

  tell (text);
}

guint
gw_service_watchdog (void)
{
  const char *interval = g_getenv ("WATCHDOG_USEC"), *pid = g_getenv ("WATCHDOG_PID");
  guint64 interval_us = 0, wanted_pid = 0;

  if (interval == NULL || !g_ascii_string_to_unsigned (interval, 10, 1000, G_MAXINT32, &interval_us, NULL)
      || (pid != NULL
          && (!g_ascii_string_to_unsigned (pid, 10, 1, G_MAXINT32, &wanted_pid, NULL)
              || wanted_pid != (guint64)getpid ())))
    return 0;
  tell ("WATCHDOG=1");
  return (guint)(interval_us / 1000);
}
