/* What is needed of a DTLS connection when its handshake is over: its end. OpenSSL's object takes 40 kB for
 * that; these are 150 bytes. For AES-GCM of DTLS 1.2, which browsers and we prefer (RFC 5246, RFC 5288,
 * RFC 6347). Pure but for OpenSSL's cryptography. */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>

#define MEDIA_DTLS_REST_KEY_MAX 32
#define MEDIA_DTLS_GOODBYE_MAX  64

typedef struct
{
  guint8 key[MEDIA_DTLS_REST_KEY_MAX], iv[4]; /* what the peer encrypts with; a secret */
  gsize key_size;
  guint8 goodbye[MEDIA_DTLS_GOODBYE_MAX]; /* our close_notify, made beforehand by whoever owns this */
  gsize goodbye_size;
} MediaDtlsRest;

typedef enum
{
  MEDIA_DTLS_REST_NOTHING, /* or not authentic */
  MEDIA_DTLS_REST_CLOSED,  /* close_notify */
  MEDIA_DTLS_REST_BROKEN,  /* a fatal alert */
} MediaDtlsRestEvent;

/** media_dtls_rest_take: derives the peer's key from @ssl, whose handshake is over (RFC 5246 6.3). Returns:
 * FALSE for a version or cipher that is not known here: @ssl is needed on. */
gboolean media_dtls_rest_take (MediaDtlsRest *rest, SSL *ssl) G_GNUC_WARN_UNUSED_RESULT;

/** media_dtls_rest_read: one datagram: what the alerts in it say that the peer has encrypted. */
MediaDtlsRestEvent media_dtls_rest_read (const MediaDtlsRest *rest, const guint8 *data, gsize length);
