/* SHA-1 as OpenSSL's old interface has it: a state of 96 bytes that is copied with =, where the new one
 * allocates for each packet. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "media/io/srtp_cipher.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "media/io/pump.h"

#define BLOCK      16
#define MAX_BLOCKS ((MEDIA_PACKET_SIZE + BLOCK - 1) / BLOCK)
#define GCM_IV     12
#define GCM_TAG    16
#define AUTH_KEY   20
#define HMAC_BLOCK 64
/* OpenSSL 3; what it is exactly matters little. */
#define EVP_CONTEXT_SIZE 192

/* RFC 3711 4.3.2 */
enum
{
  LABEL_ENCRYPTION,
  LABEL_AUTHENTICATION,
  LABEL_SALT,
  N_LABELS,
};

struct _MediaSrtpCipher
{
  gboolean is_aead;
  gboolean encrypts;
  gboolean is_rtcp;
  gsize tag_length;
  EVP_CIPHER_CTX *aes; /* GCM, or ECB for CM */
  guint8 salt[MEDIA_SRTP_MAX_SALT];
  SHA_CTX inner;
  SHA_CTX outer;
};

typedef struct
{
  EVP_CIPHER *ecb_128;
  EVP_CIPHER *ecb_256;
  EVP_CIPHER *gcm_128;
  EVP_CIPHER *gcm_256;
} Algorithms;

/* Fetched once and kept: fetching per session takes a lock. NULL members when OpenSSL lacks them. */
static const Algorithms *
algorithms (void)
{
  static Algorithms all;
  static gsize once = 0;

  if (g_once_init_enter (&once))
    {
      all.ecb_128 = EVP_CIPHER_fetch (NULL, "AES-128-ECB", NULL);
      all.ecb_256 = EVP_CIPHER_fetch (NULL, "AES-256-ECB", NULL);
      all.gcm_128 = EVP_CIPHER_fetch (NULL, "AES-128-GCM", NULL);
      all.gcm_256 = EVP_CIPHER_fetch (NULL, "AES-256-GCM", NULL);
      g_once_init_leave (&once, 1);
    }
  return &all;
}

static EVP_CIPHER_CTX *
new_context (const EVP_CIPHER *algorithm, const guint8 *key, gboolean encrypts)
{
  EVP_CIPHER_CTX *context = algorithm != NULL ? EVP_CIPHER_CTX_new () : NULL;

  if (context == NULL)
    return NULL;
  if (EVP_CipherInit_ex2 (context, algorithm, key, NULL, encrypts ? 1 : 0, NULL) != 1
      /* GCM pads nothing, but would be told again with each packet. */
      || (EVP_CIPHER_get_mode (algorithm) == EVP_CIPH_ECB_MODE
          && EVP_CIPHER_CTX_set_padding (context, 0) != 1))
    g_clear_pointer (&context, EVP_CIPHER_CTX_free);
  return context;
}

/* RFC 3711 4.1.1: fills @stream with E(key, iv), E(key, iv + 1), …; the counter is the last two bytes. */
static gboolean
make_keystream (EVP_CIPHER_CTX *ecb, const guint8 iv[BLOCK], guint8 *stream, gsize length)
{
  const guint n_blocks = (guint)((length + BLOCK - 1) / BLOCK);
  int out_length = 0;

  for (guint i = 0; i < n_blocks; i++)
    {
      memcpy (stream + i * BLOCK, iv, BLOCK - 2);
      stream[i * BLOCK + 14] = (guint8)(i >> 8);
      stream[i * BLOCK + 15] = (guint8)i;
    }
  return EVP_EncryptUpdate (ecb, stream, &out_length, stream, (int)(n_blocks * BLOCK)) == 1
         && out_length == (int)(n_blocks * BLOCK);
}

/* RFC 3711 4.3.1 with a key derivation rate of 0: the label is XORed into byte 7 of the master salt. A salt
 * of 96 bits is filled up with zeros (RFC 7714 section 11). */
static gboolean
derive (EVP_CIPHER_CTX *ecb, const MediaSrtpKeys *keys, guint8 label, guint8 *out, gsize length)
{
  guint8 iv[BLOCK] = { 0 };
  guint8 stream[3 * BLOCK];

  memcpy (iv, keys->salt, media_srtp_profile_salt_length (keys->profile));
  iv[7] ^= label;
  if (!make_keystream (ecb, iv, stream, length))
    return FALSE;
  memcpy (out, stream, length);
  explicit_bzero (stream, sizeof stream);
  return TRUE;
}

/* RFC 2104: the states of both hashes after the padded key. */
static void
prepare_hmac (MediaSrtpCipher *cipher, const guint8 key[AUTH_KEY])
{
  guint8 block[HMAC_BLOCK];

  for (guint i = 0; i < HMAC_BLOCK; i++)
    block[i] = (guint8)((i < AUTH_KEY ? key[i] : 0) ^ 0x36);
  SHA1_Init (&cipher->inner);
  SHA1_Update (&cipher->inner, block, sizeof block);
  for (guint i = 0; i < HMAC_BLOCK; i++)
    block[i] ^= 0x36 ^ 0x5c;
  SHA1_Init (&cipher->outer);
  SHA1_Update (&cipher->outer, block, sizeof block);
  explicit_bzero (block, sizeof block);
}

static gsize
tag_length_of (MediaSrtpProfile profile, MediaSrtpKind kind)
{
  switch (profile)
    {
    case MEDIA_SRTP_AEAD_AES_128_GCM:
    case MEDIA_SRTP_AEAD_AES_256_GCM:
      return GCM_TAG;
    case MEDIA_SRTP_AES128_CM_SHA1_80:
    case MEDIA_SRTP_AES256_CM_SHA1_80:
      return 10;
    case MEDIA_SRTP_AES128_CM_SHA1_32:
    case MEDIA_SRTP_AES256_CM_SHA1_32:
      /* RFC 4568 6.2.2: only RTP has the short tag. */
      return kind == MEDIA_SRTP_RTP ? 4 : 10;
    case MEDIA_SRTP_NONE:
    default:
      return 0;
    }
}

static gboolean
derive_session (MediaSrtpCipher *cipher, EVP_CIPHER_CTX *kdf, const MediaSrtpKeys *keys, MediaSrtpKind kind)
{
  const Algorithms *all = algorithms ();
  const gsize key_length = media_srtp_profile_key_length (keys->profile);
  const gboolean is_256 = key_length == 32;
  const guint8 first = kind == MEDIA_SRTP_RTCP ? N_LABELS : 0;
  guint8 key[MEDIA_SRTP_MAX_KEY];
  guint8 auth[AUTH_KEY];
  gboolean derived;

  derived = derive (kdf, keys, first + LABEL_ENCRYPTION, key, key_length)
            && derive (kdf, keys, first + LABEL_SALT, cipher->salt,
                       media_srtp_profile_salt_length (keys->profile))
            && derive (kdf, keys, first + LABEL_AUTHENTICATION, auth, sizeof auth);
  if (derived && cipher->is_aead)
    cipher->aes = new_context (is_256 ? all->gcm_256 : all->gcm_128, key, cipher->encrypts);
  else if (derived)
    {
      cipher->aes = new_context (is_256 ? all->ecb_256 : all->ecb_128, key, TRUE);
      prepare_hmac (cipher, auth);
    }
  explicit_bzero (key, sizeof key);
  explicit_bzero (auth, sizeof auth);
  return cipher->aes != NULL;
}

MediaSrtpCipher *
media_srtp_cipher_new (const MediaSrtpKeys *keys, MediaSrtpKind kind, gboolean encrypts)
{
  const Algorithms *all = algorithms ();
  const gboolean is_256 = media_srtp_profile_key_length (keys->profile) == 32;
  EVP_CIPHER_CTX *kdf = new_context (is_256 ? all->ecb_256 : all->ecb_128, keys->key, TRUE);
  MediaSrtpCipher *cipher;
  gboolean derived;

  if (kdf == NULL)
    return NULL;
  cipher = MEDIA_NEW_LINES (MediaSrtpCipher);
  cipher->encrypts = encrypts;
  cipher->is_rtcp = kind == MEDIA_SRTP_RTCP;
  cipher->tag_length = tag_length_of (keys->profile, kind);
  cipher->is_aead = cipher->tag_length == GCM_TAG;
  derived = derive_session (cipher, kdf, keys, kind);
  EVP_CIPHER_CTX_free (kdf);
  if (!derived)
    g_clear_pointer (&cipher, media_srtp_cipher_free);
  return cipher;
}

void
media_srtp_cipher_free (MediaSrtpCipher *cipher)
{
  EVP_CIPHER_CTX_free (cipher->aes);
  explicit_bzero (cipher, sizeof *cipher);
  g_aligned_free (cipher);
}

/* What OpenSSL keeps behind its context cannot be asked for. */
void
media_srtp_cipher_expect (const MediaSrtpCipher *cipher, MediaTrail *trail)
{
  media_trail_add (trail, cipher,
                   cipher->is_aead ? G_STRUCT_OFFSET (MediaSrtpCipher, inner) : sizeof *cipher);
  media_trail_add (trail, cipher->aes, EVP_CONTEXT_SIZE);
}

gsize
media_srtp_cipher_tag_length (const MediaSrtpCipher *cipher)
{
  return cipher->tag_length;
}

gboolean
media_srtp_cipher_is_aead (const MediaSrtpCipher *cipher)
{
  return cipher->is_aead;
}

/* RFC 3711 4.1.1: IV = salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16. */
static gboolean
apply_cm (MediaSrtpCipher *cipher, const MediaSrtpPacket *packet)
{
  guint8 iv[BLOCK] = { 0 };
  guint8 stream[MAX_BLOCKS * BLOCK];

  if (packet->body_length > sizeof stream)
    return FALSE;
  memcpy (iv, cipher->salt, MEDIA_SRTP_MAX_SALT);
  for (guint i = 0; i < 4; i++)
    iv[4 + i] ^= (guint8)(packet->ssrc >> (24 - 8 * i));
  for (guint i = 0; i < 6; i++)
    iv[8 + i] ^= (guint8)(packet->index >> (40 - 8 * i));
  if (!make_keystream (cipher->aes, iv, stream, packet->body_length))
    return FALSE;
  for (gsize i = 0; i < packet->body_length; i++)
    packet->body[i] ^= stream[i];
  return TRUE;
}

static void
compute_hmac (const MediaSrtpCipher *cipher, const MediaSrtpPacket *packet, guint8 digest[SHA_DIGEST_LENGTH])
{
  SHA_CTX hash = cipher->inner;

  SHA1_Update (&hash, packet->header, packet->header_length);
  SHA1_Update (&hash, packet->body, packet->body_length);
  SHA1_Update (&hash, packet->suffix, sizeof packet->suffix);
  SHA1_Final (digest, &hash);
  hash = cipher->outer;
  SHA1_Update (&hash, digest, SHA_DIGEST_LENGTH);
  SHA1_Final (digest, &hash);
}

/* RFC 7714 8.1 and 9.1: two zero bytes, the SSRC, and the index in six; XOR the salt. */
static void
make_gcm_iv (const MediaSrtpCipher *cipher, const MediaSrtpPacket *packet, guint8 iv[GCM_IV])
{
  memcpy (iv, cipher->salt, GCM_IV);
  for (guint i = 0; i < 4; i++)
    iv[2 + i] ^= (guint8)(packet->ssrc >> (24 - 8 * i));
  for (guint i = 0; i < 6; i++)
    iv[6 + i] ^= (guint8)(packet->index >> (40 - 8 * i));
}

/* RFC 7714 9.2: the additional data of RTCP ends with the E flag and index; that of RTP is the header alone.
 */
static gboolean
run_gcm (MediaSrtpCipher *cipher, const MediaSrtpPacket *packet)
{
  EVP_CIPHER_CTX *gcm = cipher->aes;
  guint8 iv[GCM_IV];
  int length;

  make_gcm_iv (cipher, packet, iv);
  return EVP_CipherInit_ex2 (gcm, NULL, NULL, iv, -1, NULL) == 1
         && EVP_CipherUpdate (gcm, NULL, &length, packet->header, (int)packet->header_length) == 1
         && (!cipher->is_rtcp
             || EVP_CipherUpdate (gcm, NULL, &length, packet->suffix, sizeof packet->suffix) == 1)
         && (packet->body_length == 0
             || EVP_CipherUpdate (gcm, packet->body, &length, packet->body, (int)packet->body_length) == 1);
}

gboolean
media_srtp_cipher_seal (MediaSrtpCipher *cipher, const MediaSrtpPacket *packet, guint8 *tag)
{
  guint8 digest[SHA_DIGEST_LENGTH];
  int length;

  if (cipher->is_aead)
    return run_gcm (cipher, packet) && EVP_EncryptFinal_ex (cipher->aes, digest, &length) == 1
           && EVP_CIPHER_CTX_ctrl (cipher->aes, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, tag) == 1;
  if (!apply_cm (cipher, packet))
    return FALSE;
  compute_hmac (cipher, packet, digest);
  memcpy (tag, digest, cipher->tag_length);
  return TRUE;
}

gboolean
media_srtp_cipher_open (MediaSrtpCipher *cipher, const MediaSrtpPacket *packet, const guint8 *tag)
{
  guint8 digest[SHA_DIGEST_LENGTH];
  int length;

  if (cipher->is_aead)
    return run_gcm (cipher, packet)
           && EVP_CIPHER_CTX_ctrl (cipher->aes, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, (void *)tag) == 1
           && EVP_DecryptFinal_ex (cipher->aes, digest, &length) == 1;
  compute_hmac (cipher, packet, digest);
  return CRYPTO_memcmp (digest, tag, cipher->tag_length) == 0 && apply_cm (cipher, packet);
}
