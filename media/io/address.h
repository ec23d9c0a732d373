/* A transport address by value: IPv4 or IPv6 and a port. Compared with == of its members, never as bytes. */
#pragma once

#include <glib.h>
#include <netinet/in.h>

typedef struct
{
  union
  {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  };
} MediaAddress; /* sa.sa_family == AF_UNSPEC (all zero): no address */

/* Enough for "[ipv6%scope]:65535" and the NUL. */
#define MEDIA_ADDRESS_TEXT_SIZE 80

/** media_address_parse: @ip is a literal, never a name. Returns: FALSE (and @address unset) for anything
 * else. */
gboolean media_address_parse (MediaAddress *address, const char *ip, guint16 port);
/** media_address_from_sockaddr: Returns: FALSE (and @address unset) when it is neither IPv4 nor IPv6, or
 * short. */
gboolean media_address_from_sockaddr (MediaAddress *address, const struct sockaddr *sa, gsize length);
/** media_address_format: "127.0.0.1:4000", "[::1]:4000", or "-" when unset. Returns: @out. */
const char *media_address_format (const MediaAddress *address, char out[MEDIA_ADDRESS_TEXT_SIZE]);
/** media_address_format_ip: the same without brackets and port. Returns: @out. */
const char *media_address_format_ip (const MediaAddress *address, char out[MEDIA_ADDRESS_TEXT_SIZE]);
/** media_address_equal: same family, address and port. Unset equals nothing, not even unset. */
gboolean media_address_equal (const MediaAddress *a, const MediaAddress *b);
/** media_address_equal_ip: same family and address, whatever the port. */
gboolean media_address_equal_ip (const MediaAddress *a, const MediaAddress *b);

static inline gboolean
media_address_is_set (const MediaAddress *address)
{
  return address->sa.sa_family != AF_UNSPEC;
}

static inline guint16
media_address_port (const MediaAddress *address)
{
  return g_ntohs (address->sa.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

static inline socklen_t
media_address_length (const MediaAddress *address)
{
  return address->sa.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}
