#include "config/base/address.h"

#include <arpa/inet.h>
#include <string.h>

#define IPV4_IN_IPV6_BITS 96

/* Reads the address before `stop` into the mapped form. */
static gboolean
parse_address (const char *text, gsize size, guint8 bytes[16], gboolean *is_ipv4)
{
  static const guint8 mapped[12] = { [10] = 0xff, [11] = 0xff };
  char copy[INET6_ADDRSTRLEN];

  if (size == 0 || size >= sizeof copy)
    return FALSE;
  memcpy (copy, text, size);
  copy[size] = '\0';
  *is_ipv4 = strchr (copy, ':') == NULL;
  if (!*is_ipv4)
    return inet_pton (AF_INET6, copy, bytes) == 1;
  memcpy (bytes, mapped, sizeof mapped);
  return inet_pton (AF_INET, copy, bytes + sizeof mapped) == 1;
}

gboolean
cfg_address_range_parse (const char *text, CfgAddressRange *range)
{
  gsize size = strcspn (text, "/");
  gboolean is_ipv4;
  guint64 bits;

  if (!parse_address (text, size, range->bytes, &is_ipv4))
    return FALSE;
  range->prefix_bits = 128;
  if (text[size] == '\0')
    return TRUE;
  if (!g_ascii_string_to_unsigned (text + size + 1, 10, 0, is_ipv4 ? 32 : 128, &bits, NULL))
    return FALSE;
  range->prefix_bits = (guint)bits + (is_ipv4 ? IPV4_IN_IPV6_BITS : 0);
  return TRUE;
}

gboolean
cfg_address_range_contains (const CfgAddressRange *range, const char *address)
{
  guint8 bytes[16];
  gboolean is_ipv4;
  guint whole = range->prefix_bits / 8, rest = range->prefix_bits % 8;

  if (!parse_address (address, strcspn (address, "%"), bytes, &is_ipv4))
    return FALSE;
  if (memcmp (bytes, range->bytes, whole) != 0)
    return FALSE;
  return rest == 0 || (bytes[whole] ^ range->bytes[whole]) >> (8 - rest) == 0;
}

gboolean
cfg_address_is_numeric (const char *text)
{
  guint8 bytes[16];
  gboolean is_ipv4;

  return parse_address (text, strlen (text), bytes, &is_ipv4);
}
