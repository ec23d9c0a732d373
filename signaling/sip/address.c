#include "signaling/sip/address.h"

#include "config/base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_ADDRESSES 64
/* Documentation addresses (RFC 5737, RFC 3849): any of the outside world. */
#define ANYWHERE_IPV4 "192.0.2.1"
#define ANYWHERE_IPV6 "2001:db8::1"

typedef union
{
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
} Address;

static gboolean
parse (const char *text, guint16 port, Address *out, socklen_t *length)
{
  memset (out, 0, sizeof *out);
  if (text != NULL && inet_pton (AF_INET, text, &out->in.sin_addr) == 1)
    {
      out->in.sin_family = AF_INET;
      out->in.sin_port = htons (port);
      *length = sizeof out->in;
      return TRUE;
    }
  if (text != NULL && inet_pton (AF_INET6, text, &out->in6.sin6_addr) == 1)
    {
      out->in6.sin6_family = AF_INET6;
      out->in6.sin6_port = htons (port);
      *length = sizeof out->in6;
      return TRUE;
    }
  return FALSE;
}

static gboolean
print (const Address *address, char out[SIG_SIP_ADDRESS_MAX])
{
  const void *bytes = address->any.sa_family == AF_INET ? (const void *)&address->in.sin_addr
                                                        : (const void *)&address->in6.sin6_addr;

  return inet_ntop (address->any.sa_family, bytes, out, SIG_SIP_ADDRESS_MAX) != NULL;
}

gboolean
sig_sip_address_from_bytes (const guint8 *bytes, gsize n, char out[SIG_SIP_ADDRESS_MAX])
{
  return (n == 4 || n == 16)
         && inet_ntop (n == 4 ? AF_INET : AF_INET6, bytes, out, SIG_SIP_ADDRESS_MAX) != NULL;
}

gboolean
sig_sip_address_is_numeric (const char *host)
{
  Address address;
  socklen_t length;

  return parse (host, 0, &address, &length);
}

gboolean
sig_sip_address_is_ipv6 (const char *address)
{
  return strchr (address, ':') != NULL;
}

gboolean
sig_sip_address_is_private (const char *text)
{
  Address address;
  socklen_t length;

  if (!parse (text, 0, &address, &length))
    return FALSE;
  if (address.any.sa_family == AF_INET)
    {
      guint32 a = ntohl (address.in.sin_addr.s_addr);
      return (a >> 24) == 10 || (a >> 24) == 127 || (a >> 24) == 0 || (a >> 20) == 0xac1
             || (a >> 16) == 0xc0a8 || (a >> 16) == 0xa9fe || (a >> 22) == (0x64400000u >> 22);
    }
  const guint8 *b = address.in6.sin6_addr.s6_addr;
  return IN6_IS_ADDR_LOOPBACK (&address.in6.sin6_addr) || (b[0] & 0xfe) == 0xfc
         || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
}

static gboolean
route (const char *numeric, char out[SIG_SIP_ADDRESS_MAX])
{
  Address address;
  socklen_t length;
  gboolean found = FALSE;

  if (!parse (numeric, 5060, &address, &length))
    return FALSE;
  int fd = socket (address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return FALSE;
  if (connect (fd, &address.any, length) == 0 && getsockname (fd, &address.any, &length) == 0)
    found = print (&address, out);
  close (fd);
  return found;
}

gboolean
sig_sip_address_route (const char *host, char out[SIG_SIP_ADDRESS_MAX])
{
  if (sig_sip_address_is_numeric (host))
    return route (host, out);
  if (g_ascii_strcasecmp (host, "localhost") == 0)
    return route ("127.0.0.1", out);
  return route (ANYWHERE_IPV4, out) || route (ANYWHERE_IPV6, out);
}

static void
add_once (GPtrArray *list, const char *address)
{
  for (guint i = 0; i < list->len; i++)
    if (strcmp (g_ptr_array_index (list, i), address) == 0)
      return;
  if (list->len < MAX_ADDRESSES)
    g_ptr_array_add (list, g_strdup (address));
}

/* An address that cannot be bound just now, an IPv6 address that is still being checked for duplicates, is
 * left out. */
static void
add_own (GPtrArray *list, int family)
{
  struct ifaddrs *interfaces = NULL;
  char text[SIG_SIP_ADDRESS_MAX];

  if (getifaddrs (&interfaces) != 0)
    return;
  for (const struct ifaddrs *i = interfaces; i != NULL; i = i->ifa_next)
    {
      const Address *address = (const Address *)i->ifa_addr;
      if (address == NULL || address->any.sa_family != family || !(i->ifa_flags & IFF_UP))
        continue;
      if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL (&address->in6.sin6_addr))
        continue;
      if (print (address, text) && sig_sip_address_probe (text, 0, SIG_SIP_UDP, NULL) == 0)
        add_once (list, text);
    }
  freeifaddrs (interfaces);
}

char **
sig_sip_address_expand (const char *const *bind)
{
  GPtrArray *list = g_ptr_array_new ();

  if (bind == NULL || bind[0] == NULL)
    {
      add_own (list, AF_INET);
      add_own (list, AF_INET6);
    }
  for (guint i = 0; bind != NULL && bind[i] != NULL; i++)
    {
      if (strcmp (bind[i], "0.0.0.0") == 0)
        add_own (list, AF_INET);
      else if (strcmp (bind[i], "::") == 0)
        add_own (list, AF_INET6);
      else
        add_once (list, bind[i]);
    }
  g_ptr_array_add (list, NULL);
  return (char **)g_ptr_array_free (list, FALSE);
}

static int
try_bind (const Address *address, socklen_t length, int type)
{
  int on = 1, result = 0;
  int fd = socket (address->any.sa_family, type | SOCK_CLOEXEC, 0);

  if (fd < 0)
    return errno;
  if (type == SOCK_STREAM)
    setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->any.sa_family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind (fd, &address->any, length) != 0 || (type == SOCK_STREAM && listen (fd, 1) != 0))
    result = errno;
  close (fd);
  return result;
}

int
sig_sip_address_probe (const char *text, guint16 port, SigSipTransports transports, GError **error)
{
  Address address;
  socklen_t length;
  int result;

  if (!parse (text, port, &address, &length))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                   "sip.bind takes numeric addresses, not \"%s\"", text);
      return EINVAL;
    }
  result = transports & SIG_SIP_UDP ? try_bind (&address, length, SOCK_DGRAM) : 0;
  if (result == 0 && transports & SIG_SIP_TCP)
    result = try_bind (&address, length, SOCK_STREAM);
  if (result != 0)
    g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "cannot listen for SIP on %s port %u: %s", text,
                 port, g_strerror (result));
  return result;
}
