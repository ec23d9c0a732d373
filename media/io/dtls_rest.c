#include "media/io/dtls_rest.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define RANDOM_SIZE   32
#define IMPLICIT_SIZE 4 /* of a nonce, RFC 5288 3 */
#define EXPLICIT_SIZE 8
#define TAG_SIZE      16
/* RFC 6347 4.1: type, version, epoch, sequence number, length */
#define HEADER_SIZE     13
#define TYPE_ALERT      21
#define ALERT_SIZE      2
#define SEALED_SIZE     (EXPLICIT_SIZE + ALERT_SIZE + TAG_SIZE)
#define LEVEL_FATAL     2
#define CLOSE_NOTIFY    0
#define KEY_BLOCK_MAX   (2 * MEDIA_DTLS_REST_KEY_MAX + 2 * IMPLICIT_SIZE)
#define MASTER_KEY_SIZE 48
#define LABEL           "key expansion"
#define LABEL_SIZE      (sizeof LABEL - 1)

static gsize
key_size_of (const SSL_CIPHER *cipher)
{
  switch (cipher != NULL ? SSL_CIPHER_get_cipher_nid (cipher) : NID_undef)
    {
    case NID_aes_128_gcm:
      return 16;
    case NID_aes_256_gcm:
      return 32;
    default:
      return 0;
    }
}

/* RFC 5246 5: PRF (secret, label, seed) */
static gboolean
expand (const char *digest, guint8 *secret, gsize secret_size, guint8 *seed, gsize seed_size, guint8 *out,
        gsize size)
{
  EVP_KDF *kdf = EVP_KDF_fetch (NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
  EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new (kdf) : NULL;
  const OSSL_PARAM params[]
      = { OSSL_PARAM_construct_utf8_string (OSSL_KDF_PARAM_DIGEST, (char *)digest, 0),
          OSSL_PARAM_construct_octet_string (OSSL_KDF_PARAM_SECRET, secret, secret_size),
          OSSL_PARAM_construct_octet_string (OSSL_KDF_PARAM_SEED, seed, seed_size),
          OSSL_PARAM_construct_end () };
  const gboolean done = context != NULL && EVP_KDF_derive (context, out, size, params) == 1;

  EVP_KDF_CTX_free (context);
  EVP_KDF_free (kdf);
  return done;
}

gboolean
media_dtls_rest_take (MediaDtlsRest *rest, SSL *ssl)
{
  const SSL_CIPHER *cipher = SSL_get_current_cipher (ssl);
  const EVP_MD *digest = cipher != NULL ? SSL_CIPHER_get_handshake_digest (cipher) : NULL;
  const gsize key_size = key_size_of (cipher), size = 2 * key_size + 2 * IMPLICIT_SIZE;
  const gboolean peer_is_client = SSL_is_server (ssl) == 1;
  guint8 seed[LABEL_SIZE + 2 * RANDOM_SIZE], master[MASTER_KEY_SIZE], block[KEY_BLOCK_MAX];
  gboolean done;

  if (SSL_version (ssl) != DTLS1_2_VERSION || key_size == 0 || digest == NULL
      || SSL_SESSION_get_master_key (SSL_get_session (ssl), master, sizeof master) != sizeof master)
    return FALSE;
  memcpy (seed, LABEL, LABEL_SIZE);
  (void)SSL_get_server_random (ssl, seed + LABEL_SIZE, RANDOM_SIZE);
  (void)SSL_get_client_random (ssl, seed + LABEL_SIZE + RANDOM_SIZE, RANDOM_SIZE);
  done = expand (EVP_MD_get0_name (digest), master, sizeof master, seed, sizeof seed, block, size);
  if (done)
    {
      /* RFC 5246 6.3: the client's key, the server's, the client's IV, the server's; no keys of a MAC. */
      rest->key_size = key_size;
      memcpy (rest->key, block + (peer_is_client ? 0 : key_size), key_size);
      memcpy (rest->iv, block + 2 * key_size + (peer_is_client ? 0 : IMPLICIT_SIZE), IMPLICIT_SIZE);
    }
  explicit_bzero (master, sizeof master);
  explicit_bzero (block, sizeof block);
  return done;
}

/* @record: its header and SEALED_SIZE bytes. */
static gboolean
open_alert (const MediaDtlsRest *rest, const guint8 *record, guint8 alert[ALERT_SIZE])
{
  const guint8 *body = record + HEADER_SIZE;
  guint8 nonce[IMPLICIT_SIZE + EXPLICIT_SIZE], tag[TAG_SIZE];
  /* RFC 5246 6.2.3.3, RFC 6347 4.1.2.1: epoch and sequence number, type, version, length of the text */
  guint8 aad[HEADER_SIZE];
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new ();
  int n = 0;
  gboolean is_authentic;

  memcpy (nonce, rest->iv, IMPLICIT_SIZE);
  memcpy (nonce + IMPLICIT_SIZE, body, EXPLICIT_SIZE);
  memcpy (tag, body + EXPLICIT_SIZE + ALERT_SIZE, TAG_SIZE);
  memcpy (aad, record + 3, 8);
  memcpy (aad + 8, record, 3);
  aad[11] = 0;
  aad[12] = ALERT_SIZE;
  is_authentic
      = context != NULL
        && EVP_DecryptInit_ex2 (context, rest->key_size == 16 ? EVP_aes_128_gcm () : EVP_aes_256_gcm (),
                                rest->key, nonce, NULL)
               == 1
        && EVP_DecryptUpdate (context, NULL, &n, aad, sizeof aad) == 1
        && EVP_DecryptUpdate (context, alert, &n, body + EXPLICIT_SIZE, ALERT_SIZE) == 1
        && EVP_CIPHER_CTX_ctrl (context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1
        && EVP_DecryptFinal_ex (context, alert + ALERT_SIZE, &n) == 1;
  EVP_CIPHER_CTX_free (context);
  return is_authentic;
}

MediaDtlsRestEvent
media_dtls_rest_read (const MediaDtlsRest *rest, const guint8 *data, gsize length)
{
  while (length >= HEADER_SIZE)
    {
      const gsize size = HEADER_SIZE + (gsize)(data[11] << 8 | data[12]);
      const gboolean is_of_the_handshakes_end = data[3] == 0 && data[4] == 1; /* its epoch: 1 */
      guint8 alert[ALERT_SIZE + TAG_SIZE];

      if (size > length)
        break;
      if (data[0] == TYPE_ALERT && is_of_the_handshakes_end && size == HEADER_SIZE + SEALED_SIZE
          && open_alert (rest, data, alert))
        {
          if (alert[1] == CLOSE_NOTIFY)
            return MEDIA_DTLS_REST_CLOSED;
          if (alert[0] == LEVEL_FATAL)
            return MEDIA_DTLS_REST_BROKEN;
        }
      data += size;
      length -= size;
    }
  return MEDIA_DTLS_REST_NOTHING;
}
