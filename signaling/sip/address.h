/* Numeric addresses: which are ours, which reaches whom. Nothing here asks a name server. */
#pragma once

#include "signaling/sip/sip.h"

#define SIG_SIP_ADDRESS_MAX 64

gboolean sig_sip_address_is_numeric (const char *host);
/** sig_sip_address_from_bytes: 4 or 16 of them in network order, as text. */
gboolean sig_sip_address_from_bytes (const guint8 *bytes, gsize n, char out[SIG_SIP_ADDRESS_MAX]);
gboolean sig_sip_address_is_ipv6 (const char *address);
/** sig_sip_address_is_private: a numeric address that nobody on the public network can reach. */
gboolean sig_sip_address_is_private (const char *address);

/**
 * sig_sip_address_route: the kernel's choice of source address for packets to @host, asked with a UDP socket
 * that is connected and never sent on.
 * @host: numeric without brackets; of a name only "localhost" is known, others go the way to anywhere
 * Returns: FALSE when there is no way
 */
gboolean sig_sip_address_route (const char *host, char out[SIG_SIP_ADDRESS_MAX]);

/**
 * sig_sip_address_expand: (transfer full):
 * @bind: (nullable): NULL-terminated
 *
 * One listener per address makes answers and requests leave with the address that the peer knows; so "all" is
 * every address of this machine (an empty @bind, 0.0.0.0, ::), link-local ones without.
 */
char **sig_sip_address_expand (const char *const *bind) G_GNUC_WARN_UNUSED_RESULT;

/**
 * sig_sip_address_probe: tries to bind, for a reason in words that the stack does not give.
 * Returns: 0, or the errno with @error.
 */
int sig_sip_address_probe (const char *address, guint16 port, SigSipTransports transports, GError **error);
