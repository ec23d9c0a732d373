/* Certificates: from files, or made in memory for --self-signed. They are given to OpenSSL here, not by
 * libwebsockets, so that a mistake has words and a key never touches the disk. */
#include "signaling/web/web_private.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "config/base/error.h"
#include "config/base/ids.h"

#define SELF_SIGNED_DAYS 390 /* phones refuse certificates that live longer than 398 */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SSL_CTX, SSL_CTX_free)

static gboolean
fail (GError **error, const char *what, const char *path)
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

static gboolean
load_files (SSL_CTX *ssl, const char *cert, const char *key, GError **error)
{
  if (SSL_CTX_use_certificate_chain_file (ssl, cert) != 1)
    return fail (error, "the TLS certificate cannot be read from", cert);
  if (SSL_CTX_use_PrivateKey_file (ssl, key, SSL_FILETYPE_PEM) != 1)
    return fail (error, "the TLS key cannot be read from", key);
  if (SSL_CTX_check_private_key (ssl) != 1)
    return fail (error, "the TLS key does not belong to the certificate:", key);
  return TRUE;
}

static void
append_address (GString *names, const struct sockaddr *address)
{
  char text[INET6_ADDRSTRLEN];

  if (address->sa_family == AF_INET)
    inet_ntop (AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, text, sizeof text);
  else if (address->sa_family == AF_INET6)
    inet_ntop (AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, text, sizeof text);
  else
    return;
  g_string_append_printf (names, ",IP:%s", text);
}

/* Every name under which this machine may be reached in its network. */
static char *
alternative_names (void)
{
  g_autoptr (GString) names = g_string_new ("DNS:localhost");
  struct ifaddrs *list = NULL;
  const char *host = g_get_host_name ();

  if (host[strspn (host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0')
    g_string_append_printf (names, ",DNS:%s,DNS:%s.local", host, host);
  if (getifaddrs (&list) == 0)
    {
      guint n = 0;

      for (const struct ifaddrs *i = list; i != NULL && n < 64; i = i->ifa_next)
        if (i->ifa_addr != NULL && (i->ifa_flags & IFF_UP))
          {
            append_address (names, i->ifa_addr);
            n++;
          }
      freeifaddrs (list);
    }
  return g_string_free (g_steal_pointer (&names), FALSE);
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
  if (extension == NULL)
    return FALSE;
  ok = X509_add_ext (cert, extension, -1) == 1;
  X509_EXTENSION_free (extension);
  return ok;
}

static gboolean
fill_certificate (X509 *cert, EVP_PKEY *key)
{
  g_autofree char *names = alternative_names ();
  guint64 serial = cfg_random_u64 () >> 1;
  X509_NAME *name = X509_get_subject_name (cert);

  return X509_set_version (cert, 2) == 1
         && ASN1_INTEGER_set_uint64 (X509_get_serialNumber (cert), serial) == 1
         && X509_gmtime_adj (X509_getm_notBefore (cert), -24 * 3600L) != NULL
         && X509_gmtime_adj (X509_getm_notAfter (cert), SELF_SIGNED_DAYS * 24 * 3600L) != NULL
         && X509_NAME_add_entry_by_txt (name, "CN", MBSTRING_ASC, (const guchar *)"Switchroom", -1, -1, 0)
                == 1
         && X509_set_issuer_name (cert, name) == 1 && X509_set_pubkey (cert, key) == 1
         && add_extension (cert, NID_basic_constraints, "critical,CA:FALSE")
         && add_extension (cert, NID_key_usage, "critical,digitalSignature")
         && add_extension (cert, NID_ext_key_usage, "serverAuth")
         && add_extension (cert, NID_subject_alt_name, names) && X509_sign (cert, key, EVP_sha256 ()) > 0;
}

static gboolean
make_self_signed (SSL_CTX *ssl, GError **error)
{
  g_autoptr (EVP_PKEY) key = EVP_EC_gen ("P-256");
  g_autoptr (X509) cert = X509_new ();

  if (key == NULL || cert == NULL || !fill_certificate (cert, key) || SSL_CTX_use_certificate (ssl, cert) != 1
      || SSL_CTX_use_PrivateKey (ssl, key) != 1)
    return fail (error, "a self-signed certificate", "cannot be made");
  return TRUE;
}

gboolean
sig_web_tls_setup (SigWeb *web, SSL_CTX *ssl, GError **error)
{
  SSL_CTX_set_min_proto_version (ssl, TLS1_2_VERSION);
  web->ssl = ssl;
  if (web->tls_cert != NULL)
    return load_files (ssl, web->tls_cert, web->tls_key, error);
  return make_self_signed (ssl, error);
}

/* On a context of its own: a half-loaded pair would break every new connection, and libwebsockets does not
 * come clean out of a certificate refused while it starts. */
gboolean
sig_web_tls_check (SigWeb *web, GError **error)
{
  g_autoptr (SSL_CTX) trial = NULL;

  if (web->tls_cert == NULL)
    return TRUE;
  trial = SSL_CTX_new (TLS_server_method ());
  return load_files (trial, web->tls_cert, web->tls_key, error);
}

gboolean
sig_web_reload_tls (SigWeb *web, GError **error)
{
  if (web->ssl == NULL || web->tls_cert == NULL)
    return TRUE;
  return sig_web_tls_check (web, error) && load_files (web->ssl, web->tls_cert, web->tls_key, error);
}
