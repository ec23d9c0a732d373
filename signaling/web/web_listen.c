/* The listening sockets. They are bound and accepted from here and each connection is handed over, since
 * libwebsockets only logs why it cannot bind. */
#include "signaling/web/web_private.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include <glib-unix.h>

#include "config/base/error.h"
#include "config/base/log.h"

#define ACCEPTS_PER_TURN 16

static void
adopt (SigWeb *web, int fd)
{
  lws_sock_file_fd_type descriptor = { .sockfd = fd };
  int one = 1;

  if (web->n_connections >= SIG_WEB_MAX_CONNECTIONS)
    {
      web->stats.n_turned_away++;
      close (fd);
      return;
    }
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  /* Closes the socket, and tells of its end, when it fails. */
  (void)lws_adopt_descriptor_vhost (web->vhost, LWS_ADOPT_HTTP | LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL,
                                    descriptor, NULL, NULL);
}

/* Without a descriptor left the queue of the listener would stay readable for ever: take one off and hang up.
 */
static void
shed_connection (SigWeb *web, int listener)
{
  int fd;

  web->stats.n_turned_away++;
  close (web->spare_fd);
  fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd >= 0)
    close (fd);
  web->spare_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  cfg_warn ("api", NULL, "Connection refused, no file descriptors left");
}

static gboolean
on_connection (gint listener, GIOCondition condition, gpointer data)
{
  SigWeb *web = data;

  for (int i = 0; i < ACCEPTS_PER_TURN; i++)
    {
      int fd = accept4 (listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

      if (fd >= 0)
        adopt (web, fd);
      else if (errno == EMFILE || errno == ENFILE)
        {
          shed_connection (web, listener);
          break;
        }
      else if (errno != EINTR && errno != ECONNABORTED)
        break;
    }
  return G_SOURCE_CONTINUE;
}

typedef struct
{
  GSource *source;
  int fd;
} Listener;

static void
listener_free (gpointer data)
{
  Listener *listener = data;

  g_source_destroy (listener->source);
  g_source_unref (listener->source);
  close (listener->fd);
  g_free (listener);
}

/* Returns: the socket, or -1 with errno. */
static int
bind_socket (const struct addrinfo *address, guint16 *port)
{
  int one = 1, zero = 0, failure;
  int fd = socket (address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  union
  {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } bound = { .v6 = { 0 } };
  socklen_t size = sizeof bound;

  if (fd < 0)
    return -1;
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (address->ai_family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
  if (bind (fd, address->ai_addr, address->ai_addrlen) == 0 && listen (fd, 128) == 0
      && getsockname (fd, &bound.any, &size) == 0)
    {
      *port = g_ntohs (bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
      return fd;
    }
  failure = errno;
  close (fd);
  errno = failure;
  return -1;
}

static void
add_listener (SigWeb *web, int fd)
{
  Listener *listener = g_new0 (Listener, 1);

  listener->fd = fd;
  listener->source = g_unix_fd_source_new (fd, G_IO_IN);
  g_source_set_callback (listener->source, G_SOURCE_FUNC (on_connection), web, NULL);
  g_source_attach (listener->source, NULL);
  g_ptr_array_add (web->listeners, listener);
}

static gboolean
family_is_missing (int failure)
{
  return failure == EADDRNOTAVAIL || failure == EAFNOSUPPORT;
}

/* Binds every address that @host stands for ("localhost" has two), all with one port number. Returns: 0, or
 * the errno of the worst failure; a missing address family is the least of them. */
static int
bind_all (SigWeb *web, const struct addrinfo *list)
{
  int worst = 0;

  for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
    {
      int fd;

      if (web->port != 0) /* at the same place for both families */
        ((struct sockaddr_in *)(void *)a->ai_addr)->sin_port = g_htons (web->port);
      fd = bind_socket (a, &web->port);
      if (fd >= 0)
        add_listener (web, fd);
      else if (worst == 0 || !family_is_missing (errno))
        worst = errno;
    }
  return worst;
}

/* Without a name all addresses of both families are meant, or of IPv4 where there is no IPv6. */
gboolean
sig_web_listen (SigWeb *web, const char *name, guint16 port, GError **error)
{
  const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
  const char *host = name != NULL && *name != '\0' ? name : "::";
  g_autofree char *service = g_strdup_printf ("%u", port);
  struct addrinfo *list = NULL;
  int code = getaddrinfo (host, service, &hints, &list), failure;

  if (code != 0)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "http.bind %s: %s", host,
                   gai_strerror (code));
      return FALSE;
    }
  failure = bind_all (web, list);
  freeaddrinfo (list);
  if (web->listeners->len > 0 && (failure == 0 || family_is_missing (failure)))
    return TRUE;
  if (strcmp (host, "::") == 0 && family_is_missing (failure))
    return sig_web_listen (web, "0.0.0.0", port, error);
  g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "cannot listen for HTTP on %s port %u: %s", host,
               port, g_strerror (failure));
  return FALSE;
}

GPtrArray *
sig_web_listeners_new (void)
{
  return g_ptr_array_new_with_free_func (listener_free);
}
