#include "media/io/certificate.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "config/base/error.h"
#include "config/base/ids.h"

#define ONE_DAY_S (24L * 3600L)

struct _MediaCertificate
{
  X509 *x509;
  EVP_PKEY *key;
  char *fingerprint;
};

static const struct
{
  MediaFingerprintAlgorithm algorithm;
  const char *name;
  gsize length;
} algorithms[] = {
  { MEDIA_FINGERPRINT_SHA256, "sha-256", 32 },
  { MEDIA_FINGERPRINT_SHA384, "sha-384", 48 },
  { MEDIA_FINGERPRINT_SHA512, "sha-512", 64 },
};

static const EVP_MD *
digest_of (MediaFingerprintAlgorithm algorithm)
{
  switch (algorithm)
    {
    case MEDIA_FINGERPRINT_SHA256:
      return EVP_sha256 ();
    case MEDIA_FINGERPRINT_SHA384:
      return EVP_sha384 ();
    case MEDIA_FINGERPRINT_SHA512:
      return EVP_sha512 ();
    case MEDIA_FINGERPRINT_NONE:
    default:
      return NULL;
    }
}

/* The name says nothing about the machine: it is sent to every peer. */
static gboolean
fill_and_sign (X509 *x509, EVP_PKEY *key)
{
  X509_NAME *name = X509_get_subject_name (x509);
  const long serial = (long)(cfg_random_u32 () >> 1) + 1;

  return X509_set_version (x509, X509_VERSION_3) == 1
         && ASN1_INTEGER_set (X509_get_serialNumber (x509), serial) == 1
         && X509_gmtime_adj (X509_getm_notBefore (x509), -ONE_DAY_S) != NULL
         && X509_gmtime_adj (X509_getm_notAfter (x509), 365 * ONE_DAY_S) != NULL
         && X509_NAME_add_entry_by_txt (name, "CN", MBSTRING_ASC, (const unsigned char *)"WebRTC", -1, -1, 0)
                == 1
         && X509_set_issuer_name (x509, name) == 1 && X509_set_pubkey (x509, key) == 1
         && X509_sign (x509, key, EVP_sha256 ()) > 0;
}

static char *
format_fingerprint (const X509 *x509)
{
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  GString *text = g_string_new ("sha-256");

  if (X509_digest (x509, EVP_sha256 (), digest, &length) != 1)
    length = 0;
  for (unsigned int i = 0; i < length; i++)
    g_string_append_printf (text, "%c%02X", i == 0 ? ' ' : ':', digest[i]);
  return g_string_free (text, FALSE);
}

MediaCertificate *
media_certificate_new (GError **error)
{
  g_autoptr (MediaCertificate) certificate = g_new0 (MediaCertificate, 1);

  certificate->key = EVP_EC_gen ("P-256");
  certificate->x509 = X509_new ();
  if (certificate->key == NULL || certificate->x509 == NULL
      || !fill_and_sign (certificate->x509, certificate->key))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INTERNAL, "cannot make a DTLS certificate");
      return NULL;
    }
  certificate->fingerprint = format_fingerprint (certificate->x509);
  return g_steal_pointer (&certificate);
}

void
media_certificate_free (MediaCertificate *certificate)
{
  X509_free (certificate->x509);
  EVP_PKEY_free (certificate->key);
  g_free (certificate->fingerprint);
  g_free (certificate);
}

const char *
media_certificate_fingerprint (const MediaCertificate *certificate)
{
  return certificate->fingerprint;
}

X509 *
media_certificate_x509 (const MediaCertificate *certificate)
{
  return certificate->x509;
}

EVP_PKEY *
media_certificate_key (const MediaCertificate *certificate)
{
  return certificate->key;
}

/* Returns: how many bytes "AB:CD:…" held, or 0 when it is anything else or does not fit into @size. */
static gsize
parse_hex (const char *text, guint8 *out, gsize size)
{
  gsize n = 0;

  for (;;)
    {
      if (!g_ascii_isxdigit (text[0]) || !g_ascii_isxdigit (text[1]) || n == size)
        return 0;
      out[n++] = (guint8)(g_ascii_xdigit_value (text[0]) * 16 + g_ascii_xdigit_value (text[1]));
      if (text[2] == '\0')
        return n;
      if (text[2] != ':')
        return 0;
      text += 3;
    }
}

gboolean
media_fingerprint_parse (const char *text, MediaFingerprint *fingerprint, GError **error)
{
  memset (fingerprint, 0, sizeof *fingerprint);
  for (gsize i = 0; i < G_N_ELEMENTS (algorithms); i++)
    {
      const gsize name_length = strlen (algorithms[i].name);

      if (g_ascii_strncasecmp (text, algorithms[i].name, name_length) != 0 || text[name_length] != ' ')
        continue;
      while (text[name_length] == ' ')
        text++;
      if (parse_hex (text + name_length, fingerprint->digest, sizeof fingerprint->digest)
          != algorithms[i].length)
        {
          memset (fingerprint, 0, sizeof *fingerprint);
          g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "malformed %s fingerprint",
                       algorithms[i].name);
          return FALSE;
        }
      fingerprint->algorithm = algorithms[i].algorithm;
      fingerprint->length = algorithms[i].length;
      return TRUE;
    }
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
               "the fingerprint's hash is none of sha-256, sha-384, sha-512");
  return FALSE;
}

gboolean
media_fingerprint_matches (const MediaFingerprint *fingerprint, const X509 *x509)
{
  const EVP_MD *digest = digest_of (fingerprint->algorithm);
  unsigned char actual[EVP_MAX_MD_SIZE];
  unsigned int length = 0;

  return digest != NULL && X509_digest (x509, digest, actual, &length) == 1 && length == fingerprint->length
         && CRYPTO_memcmp (actual, fingerprint->digest, length) == 0;
}
