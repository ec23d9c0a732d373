/* Numeric IP addresses and ranges of them, as in a trunk's allowed_addresses. Pure. */
#pragma once

#include <glib.h>

typedef struct
{
  guint8 bytes[16];  /* network order; an IPv4 address is kept in its mapped form ::ffff:a.b.c.d */
  guint prefix_bits; /* of the 128 */
} CfgAddressRange;

/**
 * cfg_address_range_parse:
 * @text: "192.0.2.7", "192.0.2.0/24", "2001:db8::1", "2001:db8::/32"; no name, no port, no brackets
 *
 * Returns: FALSE when @text is none of them. Bits behind the prefix are ignored.
 */
gboolean cfg_address_range_parse (const char *text, CfgAddressRange *range);

/**
 * cfg_address_range_contains:
 * @address: numeric; an IPv4-mapped IPv6 address counts as the IPv4 one; a zone ("%eth0") is ignored
 *
 * Returns: FALSE also when @address is no address.
 */
gboolean cfg_address_range_contains (const CfgAddressRange *range, const char *address);

/** cfg_address_is_numeric: TRUE for an IPv4 or IPv6 address in digits, without port, brackets or prefix. */
gboolean cfg_address_is_numeric (const char *text);
