#include "media/io/dtls.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/srtp.h>

#include "config/base/error.h"
#include "media/io/dtls_rest.h"
#include "media/io/pump.h"

#define FIRST_TIMEOUT_US 50000u
#define MAX_TIMEOUT_US   2000000u
/* A flight with our certificate is one or two datagrams; retransmissions before start only repeat it. */
#define MAX_QUEUED       8
#define MAX_FAILURE_TEXT 96
#define RECORD_HEADER    13 /* RFC 6347 4.1 */

struct _MediaDtlsContext
{
  SSL_CTX *ssl_ctx;
};

struct _MediaDtls
{
  SSL *ssl; /* NULL when it is settled */
  MediaDtlsRest rest;
  gboolean is_saying_goodbye;   /* what is written is kept in rest */
  const char *version, *cipher; /* of a connection that is settled; OpenSSL's own */
  MediaDtlsRole role;
  MediaDtlsState state;
  MediaFingerprint remote;
  gboolean verified;
  gboolean started;
  gboolean handshaking; /* the deadline runs */
  CfgMonotonic handshake_deadline;
  MediaDtlsSendFunc send;
  gpointer user;
  const guint8 *input; /* the datagram that OpenSSL may read now */
  gsize input_length;
  GQueue queued; /* of GBytes, until started */
  char failure[MAX_FAILURE_TEXT];
};

/* A BIO that keeps datagrams apart, both ways. Its data is the MediaDtls. */

static int
datagram_write (BIO *bio, const char *data, int length)
{
  MediaDtls *dtls = BIO_get_data (bio);

  BIO_clear_retry_flags (bio);
  if (dtls->is_saying_goodbye)
    {
      dtls->rest.goodbye_size = MIN ((gsize)length, sizeof dtls->rest.goodbye);
      memcpy (dtls->rest.goodbye, data, dtls->rest.goodbye_size);
    }
  else if (dtls->started)
    dtls->send ((const guint8 *)data, (gsize)length, dtls->user);
  else if (g_queue_get_length (&dtls->queued) < MAX_QUEUED)
    g_queue_push_tail (&dtls->queued, g_bytes_new (data, (gsize)length));
  return length;
}

static int
datagram_read (BIO *bio, char *out, int size)
{
  MediaDtls *dtls = BIO_get_data (bio);
  const int length = MIN (size, (int)dtls->input_length);

  BIO_clear_retry_flags (bio);
  if (dtls->input == NULL)
    {
      BIO_set_retry_read (bio);
      return -1;
    }
  memcpy (out, dtls->input, (gsize)length);
  dtls->input = NULL;
  return length;
}

static long
datagram_ctrl (BIO *bio, int command, long number, void *pointer)
{
  (void)bio;
  (void)number;
  (void)pointer;
  switch (command)
    {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
      return MEDIA_DTLS_MTU;
    default:
      return 0;
    }
}

static int
datagram_create (BIO *bio)
{
  BIO_set_init (bio, 1);
  return 1;
}

static BIO_METHOD *
datagram_method (void)
{
  static gsize once = 0;
  static BIO_METHOD *method = NULL;

  if (g_once_init_enter (&once))
    {
      method = BIO_meth_new (BIO_get_new_index () | BIO_TYPE_SOURCE_SINK, "datagrams");
      g_assert (method != NULL);
      BIO_meth_set_write (method, datagram_write);
      BIO_meth_set_read (method, datagram_read);
      BIO_meth_set_ctrl (method, datagram_ctrl);
      BIO_meth_set_create (method, datagram_create);
      g_once_init_leave (&once, 1);
    }
  return method;
}

static unsigned int
next_timeout_us (SSL *ssl, unsigned int previous_us)
{
  (void)ssl;
  return previous_us == 0 ? FIRST_TIMEOUT_US : MIN (2 * previous_us, MAX_TIMEOUT_US);
}

/* RFC 8122 6.2: the certificate is self-signed, what counts is its hash. Called in the middle of the
 * handshake; 0 ends it with an alert. */
static int
verify_peer (X509_STORE_CTX *store, void *unused)
{
  SSL *ssl = X509_STORE_CTX_get_ex_data (store, SSL_get_ex_data_X509_STORE_CTX_idx ());
  MediaDtls *dtls = SSL_get_app_data (ssl);
  X509 *x509 = X509_STORE_CTX_get0_cert (store);

  (void)unused;
  dtls->verified = x509 != NULL && media_fingerprint_matches (&dtls->remote, x509);
  if (!dtls->verified)
    X509_STORE_CTX_set_error (store, X509_V_ERR_CERT_REJECTED);
  return dtls->verified ? 1 : 0;
}

static gboolean
configure (SSL_CTX *ctx, const MediaCertificate *certificate)
{
  SSL_CTX_set_options (ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET
                                | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode (ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify (ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  SSL_CTX_set_cert_verify_callback (ctx, verify_peer, NULL);
  SSL_CTX_set_read_ahead (ctx, 1);
  return SSL_CTX_set_min_proto_version (ctx, DTLS1_2_VERSION) == 1
         && SSL_CTX_set_cipher_list (ctx,
                                     "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!AESCCM:!SHA256:!SHA384:!aNULL")
                == 1
         && SSL_CTX_set1_groups_list (ctx, "X25519:P-256:P-384") == 1
         && SSL_CTX_use_certificate (ctx, media_certificate_x509 (certificate)) == 1
         && SSL_CTX_use_PrivateKey (ctx, media_certificate_key (certificate)) == 1
         /* The one function of OpenSSL that returns 0 when it worked. */
         && SSL_CTX_set_tlsext_use_srtp (ctx,
                                         "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80")
                == 0;
}

MediaDtlsContext *
media_dtls_context_new (const MediaCertificate *certificate, GError **error)
{
  g_autoptr (MediaDtlsContext) context = g_new0 (MediaDtlsContext, 1);

  context->ssl_ctx = SSL_CTX_new (DTLS_method ());
  if (context->ssl_ctx == NULL || !configure (context->ssl_ctx, certificate))
    {
      ERR_clear_error ();
      g_set_error (error, CFG_ERROR, CFG_ERROR_INTERNAL, "cannot set up DTLS");
      return NULL;
    }
  return g_steal_pointer (&context);
}

gboolean
media_dtls_context_restrict (MediaDtlsContext *context, MediaSrtpProfile profile)
{
  const char *name = profile == MEDIA_SRTP_AEAD_AES_128_GCM    ? "SRTP_AEAD_AES_128_GCM"
                     : profile == MEDIA_SRTP_AEAD_AES_256_GCM  ? "SRTP_AEAD_AES_256_GCM"
                     : profile == MEDIA_SRTP_AES128_CM_SHA1_80 ? "SRTP_AES128_CM_SHA1_80"
                                                               : NULL;

  return name != NULL && SSL_CTX_set_tlsext_use_srtp (context->ssl_ctx, name) == 0;
}

void
media_dtls_context_free (MediaDtlsContext *context)
{
  SSL_CTX_free (context->ssl_ctx);
  g_free (context);
}

MediaDtls *
media_dtls_new (MediaDtlsContext *context, MediaDtlsRole role, const MediaFingerprint *remote,
                MediaDtlsSendFunc send, gpointer user, GError **error)
{
  g_autoptr (MediaDtls) dtls = g_new0 (MediaDtls, 1);
  BIO *bio = BIO_new (datagram_method ());

  g_queue_init (&dtls->queued);
  dtls->role = role;
  dtls->send = send;
  dtls->user = user;
  if (remote != NULL)
    dtls->remote = *remote;
  dtls->ssl = SSL_new (context->ssl_ctx);
  if (dtls->ssl == NULL || bio == NULL)
    {
      BIO_free (bio);
      ERR_clear_error ();
      g_set_error (error, CFG_ERROR, CFG_ERROR_INTERNAL, "cannot set up a DTLS connection");
      return NULL;
    }
  BIO_set_data (bio, dtls);
  SSL_set_bio (dtls->ssl, bio, bio);
  SSL_set_app_data (dtls->ssl, dtls);
  SSL_set_mtu (dtls->ssl, MEDIA_DTLS_MTU);
  DTLS_set_timer_cb (dtls->ssl, next_timeout_us);
  if (role == MEDIA_DTLS_ACTIVE)
    SSL_set_connect_state (dtls->ssl);
  else
    SSL_set_accept_state (dtls->ssl);
  return g_steal_pointer (&dtls);
}

void
media_dtls_free (MediaDtls *dtls)
{
  SSL_free (dtls->ssl);
  g_queue_clear_full (&dtls->queued, (GDestroyNotify)g_bytes_unref);
  explicit_bzero (&dtls->rest, sizeof dtls->rest);
  g_free (dtls);
}

void
media_dtls_set_remote_fingerprint (MediaDtls *dtls, const MediaFingerprint *remote)
{
  if (dtls->state <= MEDIA_DTLS_HANDSHAKING && dtls->remote.algorithm == MEDIA_FINGERPRINT_NONE)
    dtls->remote = *remote;
}

static void
fail (MediaDtls *dtls, const char *why, const char *detail)
{
  dtls->state = MEDIA_DTLS_FAILED;
  g_snprintf (dtls->failure, sizeof dtls->failure, "%s%s%s", why, detail != NULL ? ": " : "",
              detail != NULL ? detail : "");
}

/* OpenSSL's reasons are its own constant texts. */
static void
fail_with_library_error (MediaDtls *dtls)
{
  const unsigned long code = ERR_peek_error ();
  const char *reason = code != 0 ? ERR_reason_error_string (code) : NULL;

  if (code != 0 && ERR_GET_REASON (code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
    fail (dtls, "the peer's certificate has another fingerprint than its SDP", NULL);
  else
    fail (dtls, "the DTLS handshake failed", reason);
  ERR_clear_error ();
}

/* After the handshake records are rare: the 33 kB for them need not stay. */
static void
release_buffers (MediaDtls *dtls)
{
  if (dtls->state == MEDIA_DTLS_CONNECTED)
    (void)SSL_free_buffers (dtls->ssl);
}

static void
finish_handshake (MediaDtls *dtls)
{
  if (!dtls->verified)
    fail (dtls, "the peer's certificate was not verified", NULL);
  else if (SSL_get_selected_srtp_profile (dtls->ssl) == NULL)
    {
      (void)SSL_shutdown (dtls->ssl);
      ERR_clear_error ();
      fail (dtls, "the peer takes none of our SRTP profiles", NULL);
    }
  else
    {
      dtls->state = MEDIA_DTLS_CONNECTED;
      release_buffers (dtls);
    }
}

static void
step_handshake (MediaDtls *dtls, CfgMonotonic now)
{
  int result;
  int reason;

  if (!dtls->handshaking)
    {
      dtls->handshaking = TRUE;
      dtls->handshake_deadline = cfg_monotonic_add_us (now, MEDIA_DTLS_HANDSHAKE_TIMEOUT_US);
    }
  dtls->state = MEDIA_DTLS_HANDSHAKING;
  ERR_clear_error ();
  result = SSL_do_handshake (dtls->ssl);
  if (result == 1)
    {
      finish_handshake (dtls);
      return;
    }
  reason = SSL_get_error (dtls->ssl, result);
  if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
    fail_with_library_error (dtls);
}

/* Application data is nothing that we offer (no data channels): read away. The library answers a repeated
 * last flight in there. */
static void
read_records (MediaDtls *dtls)
{
  char buffer[MEDIA_PACKET_SIZE];
  int result;
  int reason;

  ERR_clear_error ();
  if (SSL_alloc_buffers (dtls->ssl) != 1)
    return;
  do
    result = SSL_read (dtls->ssl, buffer, sizeof buffer);
  while (result > 0);
  reason = SSL_get_error (dtls->ssl, result);
  ERR_clear_error ();
  if (reason == SSL_ERROR_ZERO_RETURN)
    dtls->state = MEDIA_DTLS_CLOSED;
  else if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
    fail (dtls, "the DTLS connection broke", NULL);
  release_buffers (dtls);
}

static void
read_rest (MediaDtls *dtls, const guint8 *data, gsize length)
{
  const MediaDtlsRestEvent event = media_dtls_rest_read (&dtls->rest, data, length);

  if (event == MEDIA_DTLS_REST_CLOSED)
    dtls->state = MEDIA_DTLS_CLOSED;
  else if (event == MEDIA_DTLS_REST_BROKEN)
    fail (dtls, "the DTLS connection broke", NULL);
}

void
media_dtls_settle (MediaDtls *dtls)
{
  if (dtls->state != MEDIA_DTLS_CONNECTED || dtls->ssl == NULL
      || !media_dtls_rest_take (&dtls->rest, dtls->ssl) || SSL_alloc_buffers (dtls->ssl) != 1)
    return;
  dtls->version = SSL_get_version (dtls->ssl);
  dtls->cipher = SSL_get_cipher_name (dtls->ssl);
  ERR_clear_error ();
  dtls->is_saying_goodbye = TRUE;
  (void)SSL_shutdown (dtls->ssl);
  dtls->is_saying_goodbye = FALSE;
  ERR_clear_error ();
  g_clear_pointer (&dtls->ssl, SSL_free);
}

static void
flush_queue (MediaDtls *dtls)
{
  GBytes *datagram;

  while ((datagram = g_queue_pop_head (&dtls->queued)) != NULL)
    {
      gsize length;
      const guint8 *data = g_bytes_get_data (datagram, &length);

      dtls->send (data, length, dtls->user);
      g_bytes_unref (datagram);
    }
}

MediaDtlsState
media_dtls_start (MediaDtls *dtls, CfgMonotonic now)
{
  if (dtls->started)
    return dtls->state;
  dtls->started = TRUE;
  flush_queue (dtls);
  if (dtls->state == MEDIA_DTLS_NEW && dtls->role == MEDIA_DTLS_ACTIVE)
    step_handshake (dtls, now);
  else if (dtls->state == MEDIA_DTLS_NEW)
    {
      /* A peer that never says hello must not be waited for for ever. */
      dtls->handshaking = TRUE;
      dtls->handshake_deadline = cfg_monotonic_add_us (now, MEDIA_DTLS_HANDSHAKE_TIMEOUT_US);
    }
  return dtls->state;
}

/* What a record of @cipher is longer than its content by, at least (RFC 5288 3, RFC 7905 2). */
static gsize
overhead_of (const SSL_CIPHER *cipher)
{
  return cipher != NULL && SSL_CIPHER_get_cipher_nid (cipher) == NID_chacha20_poly1305 ? 16 : 24;
}

/* An encrypted record that is too short for its cipher is dropped (RFC 6347 4.1.2.7): OpenSSL would end the
 * connection for it, whoever sent it. */
static gboolean
has_short_record (const MediaDtls *dtls, const guint8 *data, gsize length)
{
  const gsize least = overhead_of (SSL_get_current_cipher (dtls->ssl));

  while (length >= RECORD_HEADER)
    {
      const gboolean is_encrypted = data[3] != 0 || data[4] != 0;
      const gsize size = (gsize)(data[11] << 8 | data[12]);

      if (is_encrypted && size < least)
        return TRUE;
      if (size > length - RECORD_HEADER)
        break;
      data += RECORD_HEADER + size;
      length -= RECORD_HEADER + size;
    }
  return FALSE;
}

MediaDtlsState
media_dtls_input (MediaDtls *dtls, const guint8 *data, gsize length, CfgMonotonic now)
{
  if (length == 0 || length > MEDIA_PACKET_MAX_LENGTH || data[0] < 20 || data[0] > 63)
    return dtls->state;
  if (dtls->remote.algorithm == MEDIA_FINGERPRINT_NONE)
    return dtls->state;
  if (dtls->ssl != NULL && has_short_record (dtls, data, length))
    return dtls->state;
  dtls->input = data;
  dtls->input_length = length;
  if (dtls->state == MEDIA_DTLS_NEW || dtls->state == MEDIA_DTLS_HANDSHAKING)
    step_handshake (dtls, now);
  else if (dtls->state == MEDIA_DTLS_CONNECTED && dtls->ssl == NULL)
    read_rest (dtls, data, length);
  else if (dtls->state == MEDIA_DTLS_CONNECTED)
    read_records (dtls);
  dtls->input = NULL;
  return dtls->state;
}

MediaDtlsState
media_dtls_timeout (MediaDtls *dtls, CfgMonotonic now)
{
  if (dtls->state > MEDIA_DTLS_HANDSHAKING || !dtls->handshaking)
    return dtls->state;
  if (now.us >= dtls->handshake_deadline.us)
    fail (dtls, "the DTLS handshake took too long", NULL);
  else if (dtls->state == MEDIA_DTLS_HANDSHAKING)
    {
      ERR_clear_error ();
      if (DTLSv1_handle_timeout (dtls->ssl) < 0)
        fail_with_library_error (dtls);
    }
  return dtls->state;
}

CfgMonotonic
media_dtls_deadline (const MediaDtls *dtls, CfgMonotonic now)
{
  struct timeval left;
  CfgMonotonic retransmission;

  if (dtls->state > MEDIA_DTLS_HANDSHAKING || !dtls->handshaking)
    return (CfgMonotonic){ G_MAXINT64 };
  if (DTLSv1_get_timeout (dtls->ssl, &left) != 1)
    return dtls->handshake_deadline;
  retransmission = cfg_monotonic_add_us (now, left.tv_sec * CFG_US_PER_S + left.tv_usec);
  return retransmission.us < dtls->handshake_deadline.us ? retransmission : dtls->handshake_deadline;
}

void
media_dtls_close (MediaDtls *dtls)
{
  if (dtls->state == MEDIA_DTLS_CONNECTED && dtls->ssl == NULL)
    {
      if (dtls->rest.goodbye_size > 0)
        dtls->send (dtls->rest.goodbye, dtls->rest.goodbye_size, dtls->user);
      dtls->state = MEDIA_DTLS_CLOSED;
    }
  else if (dtls->state == MEDIA_DTLS_CONNECTED)
    {
      ERR_clear_error ();
      if (SSL_alloc_buffers (dtls->ssl) == 1)
        (void)SSL_shutdown (dtls->ssl);
      ERR_clear_error ();
      dtls->state = MEDIA_DTLS_CLOSED;
    }
  else if (dtls->state < MEDIA_DTLS_CONNECTED)
    fail (dtls, "closed by us", NULL);
}

MediaDtlsState
media_dtls_state (const MediaDtls *dtls)
{
  return dtls->state;
}

MediaDtlsRole
media_dtls_role (const MediaDtls *dtls)
{
  return dtls->role;
}

const char *
media_dtls_cipher (const MediaDtls *dtls, char text[MEDIA_DTLS_CIPHER_TEXT_SIZE])
{
  text[0] = '\0';
  if (dtls->state == MEDIA_DTLS_CONNECTED)
    g_snprintf (text, MEDIA_DTLS_CIPHER_TEXT_SIZE, "%s %s",
                dtls->ssl != NULL ? SSL_get_version (dtls->ssl) : dtls->version,
                dtls->ssl != NULL ? SSL_get_cipher_name (dtls->ssl) : dtls->cipher);
  return text;
}

const char *
media_dtls_failure (const MediaDtls *dtls)
{
  return dtls->state == MEDIA_DTLS_FAILED ? dtls->failure : NULL;
}

static MediaSrtpProfile
selected_profile (const MediaDtls *dtls)
{
  const SRTP_PROTECTION_PROFILE *selected = SSL_get_selected_srtp_profile (dtls->ssl);

  if (selected == NULL)
    return MEDIA_SRTP_NONE;
  switch (selected->id)
    {
    case SRTP_AEAD_AES_128_GCM:
      return MEDIA_SRTP_AEAD_AES_128_GCM;
    case SRTP_AEAD_AES_256_GCM:
      return MEDIA_SRTP_AEAD_AES_256_GCM;
    case SRTP_AES128_CM_SHA1_80:
      return MEDIA_SRTP_AES128_CM_SHA1_80;
    default:
      return MEDIA_SRTP_NONE;
    }
}

/* RFC 5764 4.2: client key, server key, client salt, server salt. */
gboolean
media_dtls_export_keys (const MediaDtls *dtls, MediaSrtpKeys *local, MediaSrtpKeys *remote)
{
  static const char label[] = "EXTRACTOR-dtls_srtp";
  const MediaSrtpProfile profile
      = dtls->state == MEDIA_DTLS_CONNECTED && dtls->ssl != NULL ? selected_profile (dtls) : MEDIA_SRTP_NONE;
  const gsize key_length = media_srtp_profile_key_length (profile);
  const gsize salt_length = media_srtp_profile_salt_length (profile);
  MediaSrtpKeys *client = dtls->role == MEDIA_DTLS_ACTIVE ? local : remote;
  MediaSrtpKeys *server = dtls->role == MEDIA_DTLS_ACTIVE ? remote : local;
  guint8 material[2 * (MEDIA_SRTP_MAX_KEY + MEDIA_SRTP_MAX_SALT)];
  gboolean exported;

  media_srtp_keys_clear (local);
  media_srtp_keys_clear (remote);
  if (profile == MEDIA_SRTP_NONE)
    return FALSE;
  exported = SSL_export_keying_material (dtls->ssl, material, 2 * (key_length + salt_length), label,
                                         sizeof label - 1, NULL, 0, 0)
             == 1;
  if (exported)
    {
      client->profile = server->profile = profile;
      memcpy (client->key, material, key_length);
      memcpy (server->key, material + key_length, key_length);
      memcpy (client->salt, material + 2 * key_length, salt_length);
      memcpy (server->salt, material + 2 * key_length + salt_length, salt_length);
    }
  explicit_bzero (material, sizeof material);
  return exported;
}
