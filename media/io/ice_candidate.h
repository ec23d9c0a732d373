/* The text of ICE candidates (RFC 8839 5.1), and the addresses of this machine to gather them on. For ice.c.
 */
#pragma once

#include <glib.h>

#include "media/io/address.h"
#include "media/io/ice.h"

#define MEDIA_ICE_CANDIDATE_MAX_LENGTH 512
#define MEDIA_ICE_MAX_LOCAL_ADDRESSES  16

/**
 * media_ice_candidate_check: whether @candidate, a remote text with or without "a=", can be of use: UDP,
 * component 1, a literal address and a port.
 */
MediaIceCandidateResult media_ice_candidate_check (const char *candidate);

/**
 * media_ice_candidate_rewrite:
 * @candidate: a local one, with or without "a="
 * @external: may be unset
 *
 * Returns: (transfer full): without "a="; in a host candidate of @external's family that is not loopback, the
 *   address is replaced.
 */
char *media_ice_candidate_rewrite (const char *candidate,
                                   const MediaAddress *external) G_GNUC_WARN_UNUSED_RESULT;

/**
 * media_ice_local_addresses:
 * @bind_addresses: (nullable): NULL-ended literals; an unspecified one means all of its family
 * @out: of MEDIA_ICE_MAX_LOCAL_ADDRESSES
 *
 * Without @bind_addresses all that are up, loopback included, link-local excluded.
 * Returns: how many; 0 with @error.
 */
guint media_ice_local_addresses (const char *const *bind_addresses, MediaAddress *out, GError **error);
