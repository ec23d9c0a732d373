#include "tests/signaling/certificates.h"

#include <glib/gstdio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY_S (24 * 3600L)

static void
add_extension (X509 *cert, int nid, const char *value)
{
  X509_EXTENSION *extension = X509V3_EXT_conf_nid (NULL, NULL, nid, value);

  g_assert_nonnull (extension);
  g_assert_cmpint (X509_add_ext (cert, extension, -1), ==, 1);
  X509_EXTENSION_free (extension);
}

static X509 *
certificate_new (EVP_PKEY *key, const char *common_name, long from_s, long to_s)
{
  static long serial;
  X509 *cert = X509_new ();
  X509_NAME *name = X509_get_subject_name (cert);

  X509_set_version (cert, 2);
  ASN1_INTEGER_set (X509_get_serialNumber (cert), ++serial);
  X509_gmtime_adj (X509_getm_notBefore (cert), from_s);
  X509_gmtime_adj (X509_getm_notAfter (cert), to_s);
  X509_NAME_add_entry_by_txt (name, "CN", MBSTRING_ASC, (const guchar *)common_name, -1, -1, 0);
  X509_set_pubkey (cert, key);
  return cert;
}

static char *
path_in (Authority *authority, const char *suffix)
{
  g_autofree char *name = g_strdup_printf ("%u.%s", authority->files->len, suffix);
  char *path = g_build_filename (authority->directory, name, NULL);

  g_ptr_array_add (authority->files, g_strdup (path));
  return path;
}

static void
write_certificate (const char *path, X509 *cert)
{
  FILE *file = g_fopen (path, "w");

  g_assert_cmpint (PEM_write_X509 (file, cert), ==, 1);
  fclose (file);
}

static void
write_key (const char *path, EVP_PKEY *key)
{
  FILE *file = g_fopen (path, "w");

  g_assert_cmpint (PEM_write_PrivateKey (file, key, NULL, NULL, 0, NULL, NULL), ==, 1);
  fclose (file);
}

Authority *
authority_new (const char *name)
{
  Authority *authority = g_new0 (Authority, 1);

  authority->directory = g_dir_make_tmp ("switchroom-certificates-XXXXXX", NULL);
  authority->files = g_ptr_array_new_with_free_func (g_free);
  authority->key = EVP_EC_gen ("P-256");
  authority->cert = certificate_new (authority->key, name, -DAY_S, DAY_S);
  X509_set_issuer_name (authority->cert, X509_get_subject_name (authority->cert));
  add_extension (authority->cert, NID_basic_constraints, "critical,CA:TRUE");
  g_assert_cmpint (X509_sign (authority->cert, authority->key, EVP_sha256 ()), >, 0);
  authority->ca = path_in (authority, "ca");
  write_certificate (authority->ca, authority->cert);
  return authority;
}

void
authority_free (Authority *authority)
{
  for (guint i = 0; i < authority->files->len; i++)
    g_unlink (g_ptr_array_index (authority->files, i));
  g_rmdir (authority->directory);
  g_ptr_array_unref (authority->files);
  g_free (authority->directory);
  g_free (authority->ca);
  X509_free (authority->cert);
  EVP_PKEY_free (authority->key);
  g_free (authority);
}

static void
issue (Authority *authority, const Pair *pair, const char *names, long from_s, long to_s)
{
  EVP_PKEY *key = EVP_EC_gen ("P-256");
  X509 *cert = certificate_new (key, "common", from_s, to_s);

  X509_set_issuer_name (cert, X509_get_subject_name (authority->cert));
  add_extension (cert, NID_subject_alt_name, names);
  g_assert_cmpint (X509_sign (cert, authority->key, EVP_sha256 ()), >, 0);
  write_certificate (pair->cert, cert);
  write_key (pair->key, key);
  X509_free (cert);
  EVP_PKEY_free (key);
}

Pair
authority_issue (Authority *authority, const char *names, long from_s, long to_s)
{
  Pair pair = { .cert = path_in (authority, "pem"), .key = path_in (authority, "key") };

  issue (authority, &pair, names, from_s, to_s);
  return pair;
}

void
authority_issue_over (Authority *authority, const Pair *pair, const char *names)
{
  issue (authority, pair, names, -DAY_S, DAY_S);
}

void
pair_clear (Pair *pair)
{
  g_clear_pointer (&pair->cert, g_free);
  g_clear_pointer (&pair->key, g_free);
}

SSL_CTX *
pair_context (const Pair *pair)
{
  SSL_CTX *context = SSL_CTX_new (TLS_method ());

  SSL_CTX_set_mode (context, SSL_MODE_AUTO_RETRY);
  if (pair == NULL)
    return context;
  g_assert_cmpint (SSL_CTX_use_certificate_file (context, pair->cert, SSL_FILETYPE_PEM), ==, 1);
  g_assert_cmpint (SSL_CTX_use_PrivateKey_file (context, pair->key, SSL_FILETYPE_PEM), ==, 1);
  return context;
}
