/* DTLS-SRTP of one transport (RFC 5763, RFC 5764, RFC 8842): makes the SRTP keys.
 *
 *   NEW --start/input--> HANDSHAKING --verified--> CONNECTED --close_notify--> CLOSED
 *                              \--alert, wrong fingerprint, no SRTP profile, 15 s--> FAILED
 *
 * No socket, no loop, no clock: datagrams come in with their instant, datagrams go out through a callback,
 * and the owner asks for the deadline. (OpenSSL's own retransmission timer, 50 ms doubling, runs on the
 * system's clock.)
 *
 * The peer is whoever has a certificate with the fingerprint that the signalling named; it is compared in
 * constant time in the middle of the handshake, before any key exists. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"
#include "media/io/certificate.h"
#include "media/io/srtp.h"

#define MEDIA_DTLS_MTU                  1200
#define MEDIA_DTLS_HANDSHAKE_TIMEOUT_US (15 * CFG_US_PER_S)

typedef struct _MediaDtlsContext MediaDtlsContext;
typedef struct _MediaDtls MediaDtls;

typedef enum
{
  MEDIA_DTLS_PASSIVE, /* a=setup:passive: DTLS server */
  MEDIA_DTLS_ACTIVE,  /* a=setup:active: DTLS client */
} MediaDtlsRole;

typedef enum
{
  MEDIA_DTLS_NEW,
  MEDIA_DTLS_HANDSHAKING,
  MEDIA_DTLS_CONNECTED,
  MEDIA_DTLS_FAILED,
  MEDIA_DTLS_CLOSED, /* by the peer or by media_dtls_close, after CONNECTED */
} MediaDtlsState;

/* One datagram of MEDIA_DTLS_MTU bytes at most. Must not call back into the MediaDtls. */
typedef void (*MediaDtlsSendFunc) (const guint8 *data, gsize length, gpointer user);

/**
 * media_dtls_context_new:
 * @certificate: ours; outlives the context
 *
 * One per worker. Returns: (transfer full): NULL with CFG_ERROR_INTERNAL.
 */
MediaDtlsContext *media_dtls_context_new (const MediaCertificate *certificate,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** media_dtls_context_restrict: the handshakes of @context offer and take @profile alone. Returns: FALSE for
 * one that DTLS has no name for here. */
gboolean media_dtls_context_restrict (MediaDtlsContext *context, MediaSrtpProfile profile);
/** media_dtls_context_free: may go before the MediaDtls made from it. */
void media_dtls_context_free (MediaDtlsContext *context);

/**
 * media_dtls_new:
 * @role: ours
 * @remote: (nullable): the peer's fingerprint; as long as it is unknown, input is dropped (the peer repeats
 * it)
 * @send: called from within the functions below, only after media_dtls_start
 *
 * Returns: (transfer full): NULL with CFG_ERROR_INTERNAL.
 */
MediaDtls *media_dtls_new (MediaDtlsContext *context, MediaDtlsRole role, const MediaFingerprint *remote,
                           MediaDtlsSendFunc send, gpointer user, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void media_dtls_free (MediaDtls *dtls);

/** media_dtls_set_remote_fingerprint: only once, where media_dtls_new was given none. */
void media_dtls_set_remote_fingerprint (MediaDtls *dtls, const MediaFingerprint *remote);

/**
 * media_dtls_start: the transport can send now (ICE is connected). Sends the client's first flight, or what
 * was held back since input came before. Calling it again does nothing.
 */
MediaDtlsState media_dtls_start (MediaDtls *dtls, CfgMonotonic now);
/** media_dtls_input: one received datagram (first byte 20..63). About 0.5 ms when it completes a flight: run
 * it in a job of the pump while the state is not CONNECTED. Returns: the state after it. */
MediaDtlsState media_dtls_input (MediaDtls *dtls, const guint8 *data, gsize length, CfgMonotonic now);
/** media_dtls_timeout: to be called at media_dtls_deadline or later (earlier does nothing). */
MediaDtlsState media_dtls_timeout (MediaDtls *dtls, CfgMonotonic now);
/** media_dtls_deadline: when media_dtls_timeout has something to do; us = G_MAXINT64 for never. */
CfgMonotonic media_dtls_deadline (const MediaDtls *dtls, CfgMonotonic now);
/** media_dtls_settle: CONNECTED, and the peer has shown that it has our last flight: something that it
 * encrypted with the keys of SRTP is authentic. Most of the connection's memory goes back; it still hears the
 * peer's end and tells it ours. media_dtls_export_keys comes before. */
void media_dtls_settle (MediaDtls *dtls);
/** media_dtls_close: sends close_notify when connected; the state is CLOSED or FAILED then. */
void media_dtls_close (MediaDtls *dtls);

MediaDtlsState media_dtls_state (const MediaDtls *dtls);
MediaDtlsRole media_dtls_role (const MediaDtls *dtls);
#define MEDIA_DTLS_CIPHER_TEXT_SIZE 80
/** media_dtls_cipher: version and cipher, "DTLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256"; "" unless CONNECTED.
 * Returns: @text. */
const char *media_dtls_cipher (const MediaDtls *dtls, char text[MEDIA_DTLS_CIPHER_TEXT_SIZE]);
/** media_dtls_failure: one sentence for the log when FAILED, else NULL. Holds no remote text. */
const char *media_dtls_failure (const MediaDtls *dtls);

/**
 * media_dtls_export_keys:
 * @local: (out): for what we send
 * @remote: (out): for what we receive
 *
 * Returns: FALSE (and both cleared) unless CONNECTED and not settled.
 */
gboolean media_dtls_export_keys (const MediaDtls *dtls, MediaSrtpKeys *local, MediaSrtpKeys *remote);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaDtlsContext, media_dtls_context_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaDtls, media_dtls_free)
