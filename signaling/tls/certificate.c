#include "signaling/tls/certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "config/base/error.h"
#include "config/base/ids.h"

#define DAY_S (24 * 3600L)

G_DEFINE_AUTOPTR_CLEANUP_FUNC (X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY, EVP_PKEY_free)

gboolean
sig_tls_fail (GError **error, const char *what, const char *path)
{
  unsigned long code = ERR_peek_error ();
  const char *reason = code != 0 ? ERR_reason_error_string (code) : NULL;

  if (code != 0 && ERR_SYSTEM_ERROR (code))
    reason = g_strerror (ERR_GET_REASON (code));
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "%s %s: %s", what, path,
               reason != NULL ? reason : "unknown reason");
  ERR_clear_error ();
  return FALSE;
}

/* OpenSSL compares a key with the certificate that is there already, if that is of the same kind. */
static gboolean
is_of_another (void)
{
  unsigned long code = ERR_peek_error ();

  return ERR_GET_LIB (code) == ERR_LIB_X509
         && (ERR_GET_REASON (code) == X509_R_KEY_VALUES_MISMATCH
             || ERR_GET_REASON (code) == X509_R_KEY_TYPE_MISMATCH);
}

gboolean
sig_tls_use_files (SSL_CTX *context, const char *whose, const char *cert, const char *key, GError **error)
{
  g_autofree char *no_cert = g_strdup_printf ("the %s certificate cannot be read from", whose);
  g_autofree char *no_key = g_strdup_printf ("the key of the %s certificate cannot be read from", whose);
  g_autofree char *other_key = g_strdup_printf ("the key does not belong to the %s certificate:", whose);

  ERR_clear_error (); /* of somebody else's connection */
  if (SSL_CTX_use_certificate_chain_file (context, cert) != 1)
    return sig_tls_fail (error, no_cert, cert);
  if (SSL_CTX_use_PrivateKey_file (context, key, SSL_FILETYPE_PEM) != 1)
    return sig_tls_fail (error, is_of_another () ? other_key : no_key, key);
  if (SSL_CTX_check_private_key (context) != 1) /* one of RSA for a certificate of ECDSA, or the reverse */
    return sig_tls_fail (error, other_key, key);
  return TRUE;
}

static gboolean
add_extension (X509 *cert, int nid, const char *value)
{
  X509V3_CTX context;
  X509_EXTENSION *extension;
  gboolean ok;

  X509V3_set_ctx_nodb (&context);
  X509V3_set_ctx (&context, cert, cert, NULL, NULL, 0);
  extension = X509V3_EXT_conf_nid (NULL, &context, nid, value);
  ok = extension != NULL && X509_add_ext (cert, extension, -1) == 1;
  X509_EXTENSION_free (extension);
  return ok;
}

static gboolean
fill (X509 *cert, EVP_PKEY *key, const char *names, guint days)
{
  X509_NAME *name = X509_get_subject_name (cert);

  return X509_set_version (cert, 2) == 1
         && ASN1_INTEGER_set_uint64 (X509_get_serialNumber (cert), cfg_random_u64 () >> 1) == 1
         && X509_gmtime_adj (X509_getm_notBefore (cert), -DAY_S) != NULL
         && X509_gmtime_adj (X509_getm_notAfter (cert), days * DAY_S) != NULL
         && X509_NAME_add_entry_by_txt (name, "CN", MBSTRING_ASC, (const guchar *)"Switchroom", -1, -1, 0)
                == 1
         && X509_set_issuer_name (cert, name) == 1 && X509_set_pubkey (cert, key) == 1
         && add_extension (cert, NID_basic_constraints, "critical,CA:FALSE")
         && add_extension (cert, NID_key_usage, "critical,digitalSignature")
         && add_extension (cert, NID_ext_key_usage, "serverAuth,clientAuth")
         && add_extension (cert, NID_subject_alt_name, names) && X509_sign (cert, key, EVP_sha256 ()) > 0;
}

gboolean
sig_tls_use_self_signed (SSL_CTX *context, const char *names, guint days, GError **error)
{
  g_autoptr (EVP_PKEY) key = NULL;
  g_autoptr (X509) cert = NULL;

  ERR_clear_error ();
  key = EVP_EC_gen ("P-256");
  cert = X509_new ();
  if (key == NULL || cert == NULL || !fill (cert, key, names, days)
      || SSL_CTX_use_certificate (context, cert) != 1 || SSL_CTX_use_PrivateKey (context, key) != 1)
    return sig_tls_fail (error, "a self-signed certificate", "cannot be made");
  return TRUE;
}
