/* Certificates of our listeners: what is wrong is said in words, what is made can be trusted by its names. */
#include "signaling/tls/certificate.h"

#include <glib/gstdio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "certificates.h"
#include "config/base/error.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SSL_CTX, SSL_CTX_free)

/* Returns: (transfer full): path of a key of another kind than the authority's, "EC". */
static char *
rsa_key_new (void)
{
  EVP_PKEY *key = EVP_RSA_gen (2048);
  char *path = NULL;
  const int fd = g_file_open_tmp ("switchroom-rsa-XXXXXX.pem", &path, NULL);
  FILE *file = fdopen (fd, "w");

  g_assert_cmpint (PEM_write_PrivateKey (file, key, NULL, NULL, 0, NULL, NULL), ==, 1);
  fclose (file);
  EVP_PKEY_free (key);
  return path;
}

static void
test_files (void)
{
  g_autofree char *rsa_key = rsa_key_new ();
  g_autoptr (Authority) authority = authority_new ("Test");
  g_auto (Pair) pair = authority_issue (authority, "DNS:a.example", -60, 3600);
  g_auto (Pair) other = authority_issue (authority, "DNS:b.example", -60, 3600);
  const struct
  {
    const char *whose, *cert, *key, *said;
  } rows[] = {
    { "SIP", pair.cert, pair.key, NULL },
    { "TLS", "/nowhere/c.pem", pair.key,
      "the TLS certificate cannot be read from /nowhere/c.pem: No such file or directory" },
    { "SIP", pair.cert, "/nowhere/k.pem",
      "the key of the SIP certificate cannot be read from /nowhere/k.pem: No such file or directory" },
    { "TLS", pair.key, pair.key, "the TLS certificate cannot be read from " },
    { "TLS", pair.cert, other.key, "the key does not belong to the TLS certificate: " },
    { "SIP", pair.cert, rsa_key, "the key does not belong to the SIP certificate: " },
    { "TLS", pair.cert, pair.cert, "the key of the TLS certificate cannot be read from " },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (SSL_CTX) context = SSL_CTX_new (TLS_server_method ());
      g_autoptr (GError) error = NULL;
      gboolean ok;

      ERR_put_error (ERR_LIB_SSL, 0, SSL_R_WRONG_VERSION_NUMBER, __FILE__,
                     __LINE__); /* of another connection */
      ok = sig_tls_use_files (context, rows[i].whose, rows[i].cert, rows[i].key, &error);
      g_test_message ("%s", error != NULL ? error->message : "fine");
      g_assert_cmpint (ok, ==, rows[i].said == NULL);
      if (ok)
        continue;
      g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
      g_assert_true (g_str_has_prefix (error->message, rows[i].said));
      g_assert_null (strstr (error->message, "wrong version"));
      g_assert_null (strstr (error->message, "unknown reason"));
      g_assert_cmpuint (ERR_peek_error (), ==, 0);
    }
  g_unlink (rsa_key);
}

static void
test_self_signed (void)
{
  g_autoptr (SSL_CTX) context = SSL_CTX_new (TLS_server_method ());
  g_autoptr (GError) error = NULL;
  X509 *cert;
  int days = 0, seconds = 0;

  g_assert_true (sig_tls_use_self_signed (context, "DNS:localhost,IP:127.0.0.1,IP:::1", 30, &error));
  g_assert_no_error (error);
  cert = SSL_CTX_get0_certificate (context);
  g_assert_cmpint (SSL_CTX_check_private_key (context), ==, 1);
  g_assert_cmpint (X509_check_host (cert, "localhost", 0, 0, NULL), ==, 1);
  g_assert_cmpint (X509_check_ip_asc (cert, "::1", 0), ==, 1);
  g_assert_cmpint (X509_check_host (cert, "a.example", 0, 0, NULL), ==, 0);
  g_assert_cmpint (X509_check_ca (cert), ==, 0);
  g_assert_cmpint (X509_check_purpose (cert, X509_PURPOSE_SSL_SERVER, 0), ==, 1);
  g_assert_cmpint (X509_check_purpose (cert, X509_PURPOSE_SSL_CLIENT, 0), ==, 1);
  g_assert_cmpint (ASN1_TIME_diff (&days, &seconds, X509_get0_notBefore (cert), X509_get0_notAfter (cert)),
                   ==, 1);
  g_assert_cmpint (days, ==, 31);
  g_assert_false (sig_tls_use_self_signed (context, "no name", 30, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/tls/files", test_files);
  g_test_add_func ("/signaling/tls/self_signed", test_self_signed);
  return g_test_run ();
}
