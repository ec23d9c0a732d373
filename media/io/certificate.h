/* The identity of this process in DTLS: a self-signed ECDSA P-256 certificate made at start, and certificate
 * fingerprints as SDP writes them (RFC 8122). Immutable after creation, so that all threads may use it. */
#pragma once

#include <glib.h>

typedef struct _MediaCertificate MediaCertificate;

typedef enum
{
  MEDIA_FINGERPRINT_NONE,
  MEDIA_FINGERPRINT_SHA256,
  MEDIA_FINGERPRINT_SHA384,
  MEDIA_FINGERPRINT_SHA512,
} MediaFingerprintAlgorithm;

typedef struct
{
  MediaFingerprintAlgorithm algorithm;
  gsize length; /* of digest, given by the algorithm */
  guint8 digest[64];
} MediaFingerprint;

/** media_certificate_new: valid from yesterday for a year. Returns: (transfer full): NULL with @error. */
MediaCertificate *media_certificate_new (GError **error) G_GNUC_WARN_UNUSED_RESULT;
void media_certificate_free (MediaCertificate *certificate);
/** media_certificate_fingerprint: "sha-256 AB:CD:…", as in a=fingerprint. Owned by @certificate. */
const char *media_certificate_fingerprint (const MediaCertificate *certificate);

/**
 * media_fingerprint_parse:
 * @text: "sha-256 AB:CD:…", the value of a=fingerprint; upper or lower case
 *
 * Returns: FALSE with CFG_ERROR_INVALID_ARGUMENT when it is malformed, or when the hash is none of sha-256,
 *   sha-384 and sha-512 (sha-1 and md5 are refused: they can be forged).
 */
gboolean media_fingerprint_parse (const char *text, MediaFingerprint *fingerprint, GError **error);

/* For dtls.c: OpenSSL's objects by their forward names, so that no other file sees its headers. */
struct x509_st;
struct evp_pkey_st;

/** media_certificate_x509: media_certificate_key: owned by @certificate. */
struct x509_st *media_certificate_x509 (const MediaCertificate *certificate);
struct evp_pkey_st *media_certificate_key (const MediaCertificate *certificate);
/** media_fingerprint_matches: hashes @x509 and compares in constant time. */
gboolean media_fingerprint_matches (const MediaFingerprint *fingerprint, const struct x509_st *x509);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaCertificate, media_certificate_free)
