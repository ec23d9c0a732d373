#include "media/io/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

gboolean
media_address_parse (MediaAddress *address, const char *ip, guint16 port)
{
  char host[INET6_ADDRSTRLEN];
  const char *scope;

  memset (address, 0, sizeof *address);
  if (ip == NULL)
    return FALSE;
  if (inet_pton (AF_INET, ip, &address->v4.sin_addr) == 1)
    {
      address->v4.sin_family = AF_INET;
      address->v4.sin_port = g_htons (port);
      return TRUE;
    }
  scope = strchr (ip, '%');
  if (scope == NULL)
    scope = ip + strlen (ip);
  if ((gsize)(scope - ip) >= sizeof host)
    return FALSE;
  memcpy (host, ip, (gsize)(scope - ip));
  host[scope - ip] = '\0';
  if (inet_pton (AF_INET6, host, &address->v6.sin6_addr) != 1)
    return FALSE;
  if (*scope == '%')
    {
      address->v6.sin6_scope_id = if_nametoindex (scope + 1);
      if (address->v6.sin6_scope_id == 0)
        {
          memset (address, 0, sizeof *address);
          return FALSE;
        }
    }
  address->v6.sin6_family = AF_INET6;
  address->v6.sin6_port = g_htons (port);
  return TRUE;
}

gboolean
media_address_from_sockaddr (MediaAddress *address, const struct sockaddr *sa, gsize length)
{
  memset (address, 0, sizeof *address);
  if (length < sizeof sa->sa_family)
    return FALSE;
  if (sa->sa_family == AF_INET && length >= sizeof address->v4)
    memcpy (&address->v4, sa, sizeof address->v4);
  else if (sa->sa_family == AF_INET6 && length >= sizeof address->v6)
    memcpy (&address->v6, sa, sizeof address->v6);
  else
    return FALSE;
  return TRUE;
}

const char *
media_address_format_ip (const MediaAddress *address, char out[MEDIA_ADDRESS_TEXT_SIZE])
{
  const void *bytes
      = address->sa.sa_family == AF_INET6 ? (const void *)&address->v6.sin6_addr : &address->v4.sin_addr;

  if (!media_address_is_set (address)
      || inet_ntop (address->sa.sa_family, bytes, out, MEDIA_ADDRESS_TEXT_SIZE) == NULL)
    g_strlcpy (out, "-", MEDIA_ADDRESS_TEXT_SIZE);
  return out;
}

const char *
media_address_format (const MediaAddress *address, char out[MEDIA_ADDRESS_TEXT_SIZE])
{
  char ip[MEDIA_ADDRESS_TEXT_SIZE];

  if (!media_address_is_set (address))
    g_strlcpy (out, "-", MEDIA_ADDRESS_TEXT_SIZE);
  else
    g_snprintf (out, MEDIA_ADDRESS_TEXT_SIZE, address->sa.sa_family == AF_INET6 ? "[%.46s]:%u" : "%.46s:%u",
                media_address_format_ip (address, ip), media_address_port (address));
  return out;
}

gboolean
media_address_equal_ip (const MediaAddress *a, const MediaAddress *b)
{
  if (a->sa.sa_family != b->sa.sa_family)
    return FALSE;
  if (a->sa.sa_family == AF_INET)
    return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
  if (a->sa.sa_family == AF_INET6)
    return memcmp (&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0
           && (a->v6.sin6_scope_id == b->v6.sin6_scope_id || a->v6.sin6_scope_id == 0
               || b->v6.sin6_scope_id == 0);
  return FALSE;
}

gboolean
media_address_equal (const MediaAddress *a, const MediaAddress *b)
{
  return media_address_equal_ip (a, b) && media_address_port (a) == media_address_port (b);
}
