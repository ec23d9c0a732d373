/* The a=crypto lines of SDES-SRTP (RFC 4568, RFC 7714, RFC 6188): which ones can be used and which one is
 * taken. Nothing here keeps or prints a key. */
#pragma once

#include <glib.h>

#include "signaling/core/sdp.h"

/**
 * sig_sdp_crypto_parse:
 * @value: what follows "a=crypto:"; untrusted
 * @crypto: (out): filled when the line can be used
 *
 * A line is of no use when its suite is unknown, when its key has not the suite's length, when it has several
 * keys or an MKI, or when it wants what we do not do: UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP,
 * UNAUTHENTICATED_SRTP, a KDR, FEC, or any other parameter that may not be ignored. The lifetime of the key
 * is its sender's promise, who has to change it in time; a window size is a hint.
 *
 * Returns: NULL, or why it cannot be used, in static words without any part of @value.
 */
const char *sig_sdp_crypto_parse (const char *value, SigSdpCrypto *crypto);

/** sig_sdp_crypto_choose: the best of @offered by our order of suites. Returns: (nullable): one of them. */
const SigSdpCrypto *sig_sdp_crypto_choose (const SigSdpCrypto *offered, guint n);

/** sig_sdp_crypto_find: the one for @suite. (nullable) */
const SigSdpCrypto *sig_sdp_crypto_find (const SigSdpCrypto *crypto, guint n, const char *suite);

/** sig_sdp_crypto_write: "a=crypto:TAG SUITE inline:KEY" and CRLF. */
void sig_sdp_crypto_write (GString *out, guint32 tag, const SigSdpCrypto *crypto);
