#include "signaling/sip/tls_private.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "config/base/error.h"
#include "signaling/sip/address.h"
#include "signaling/tls/certificate.h"

#define SELF_SIGNED_DAYS 3650
#define VERIFY_DEPTH     9
#define MAX_WORDS        300
#define MAX_ALIASES      4096
#define CIPHERS          "HIGH:!aNULL:!eNULL:!MD5:!3DES:!PSK:!SRP:!CAMELLIA:!ARIA"

/* The certificates for one host that is called. */
typedef struct
{
  SSL_CTX *context;
  gboolean verify;
} SigSipTlsRules;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SSL_CTX, SSL_CTX_free)

/* ---- contexts ---- */

static gboolean
use_authorities (SSL_CTX *context, const char *ca, GError **error)
{
  if (ca == NULL)
    return SSL_CTX_set_default_verify_paths (context) == 1;
  if (SSL_CTX_load_verify_locations (context, ca, NULL) != 1)
    return sig_tls_fail (error, "the certificates of authorities cannot be read from", ca);
  SSL_CTX_set_client_CA_list (context, SSL_load_client_CA_file (ca));
  return TRUE;
}

static SSL_CTX *
context_new (const SigSipTlsFiles *files, gboolean needs_certificate, GError **error)
{
  g_autoptr (SSL_CTX) context = SSL_CTX_new (TLS_method ());

  ERR_clear_error ();
  g_assert (context != NULL && SSL_CTX_set_cipher_list (context, CIPHERS) == 1);
  if (files->cert != NULL && !sig_tls_use_files (context, "SIP", files->cert, files->key, error))
    return NULL;
  /* For those who only call out: nobody checks it, and a listener cannot do without one. */
  if (files->cert == NULL && needs_certificate
      && !sig_tls_use_self_signed (context, "DNS:localhost", SELF_SIGNED_DAYS, error))
    return NULL;
  if (!use_authorities (context, files->ca, error))
    return NULL;
  ERR_clear_error ();
  return g_steal_pointer (&context);
}

static void
rules_free (gpointer data)
{
  SigSipTlsRules *rules = data;

  SSL_CTX_free (rules->context);
  g_free (rules);
}

/* Of the chain, only our own: an authority is renewed by others. */
static void
note_expiry (SigSipTlsExpiry *first, const SSL_CTX *context, const char *file)
{
  const X509 *cert = SSL_CTX_get0_certificate (context);
  struct tm tm = { 0 };

  if (file == NULL || cert == NULL || ASN1_TIME_to_tm (X509_get0_notAfter (cert), &tm) != 1)
    return;
  gint64 expires_s = timegm (&tm);
  if (first->file != NULL && first->expires_s <= expires_s)
    return;
  g_free (first->file);
  first->file = g_strdup (file);
  first->expires_s = expires_s;
}

gint64
sig_sip_tls_expiry (const SigSipTls *tls, const char **file)
{
  *file = tls->expiry.file;
  return tls->expiry.expires_s;
}

static gboolean
add_peer (GHashTable *peers, const SigSipTlsConfig *config, const SigSipTlsPeer *peer, SigSipTlsExpiry *first,
          GError **error)
{
  SigSipTlsFiles files = peer->files;
  SSL_CTX *context;

  if (files.cert == NULL)
    {
      files.cert = config->own.cert;
      files.key = config->own.key;
    }
  if (files.ca == NULL)
    files.ca = config->own.ca;
  context = context_new (&files, FALSE, error);
  if (context == NULL)
    return FALSE;
  note_expiry (first, context, files.cert);
  SigSipTlsRules *rules = g_new0 (SigSipTlsRules, 1);
  rules->context = context;
  rules->verify = files.verify;
  g_hash_table_insert (peers, g_ascii_strdown (peer->host, -1), rules);
  return TRUE;
}

gboolean
sig_sip_tls_load (SigSipTls *tls, const SigSipTlsConfig *config, GError **error)
{
  g_autoptr (SSL_CTX) server = context_new (&config->own, TRUE, error);
  g_autoptr (SSL_CTX) client = server != NULL ? context_new (&config->own, FALSE, error) : NULL;
  g_autoptr (GHashTable) peers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, rules_free);
  SigSipTlsExpiry first = { 0 };
  gboolean ok = client != NULL;

  for (gsize i = 0; ok && i < config->n_peers; i++)
    ok = add_peer (peers, config, &config->peers[i], &first, error);
  if (!ok)
    {
      g_free (first.file);
      return FALSE;
    }
  note_expiry (&first, server, config->own.cert);
  g_free (tls->expiry.file);
  tls->expiry = first;
  SSL_CTX_free (tls->server);
  SSL_CTX_free (tls->client);
  g_clear_pointer (&tls->peers, g_hash_table_unref);
  tls->server = g_steal_pointer (&server);
  tls->client = g_steal_pointer (&client);
  tls->peers = g_steal_pointer (&peers);
  tls->verify = config->own.verify;
  tls->verify_callers = config->verify_callers;
  return TRUE;
}

static void
failure_free (gpointer data)
{
  SigSipTlsFailure *failure = data;

  g_free (failure->reason);
  g_free (failure);
}

SigSipTls *
sig_sip_tls_new (const SigSipTlsConfig *config, GError **error)
{
  SigSipTls *tls = g_new0 (SigSipTls, 1);

  tls->connections = g_hash_table_new (NULL, NULL);
  tls->by_peer = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  tls->aliases = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  tls->failures = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, failure_free);
  if (!sig_sip_tls_load (tls, config, error))
    g_clear_pointer (&tls, sig_sip_tls_free);
  return tls;
}

void
sig_sip_tls_free (SigSipTls *tls)
{
  sig_sip_tls_detach (tls);
  g_hash_table_unref (tls->connections);
  g_hash_table_unref (tls->by_peer);
  g_hash_table_unref (tls->failures);
  g_hash_table_unref (tls->aliases);
  g_clear_pointer (&tls->peers, g_hash_table_unref);
  SSL_CTX_free (tls->server);
  SSL_CTX_free (tls->client);
  g_free (tls->expiry.file);
  g_free (tls);
}

/* ---- what was wrong with a certificate ---- */

static void
words_free (void *parent, void *words, CRYPTO_EX_DATA *data, int index, long number, void *pointer)
{
  g_free (words);
}

static int
words_index (void)
{
  static int words = -1;

  if (words < 0)
    words = SSL_get_ex_new_index (0, NULL, NULL, NULL, words_free);
  return words;
}

static void
note_words (SSL *ssl, char *words)
{
  g_free (SSL_get_ex_data (ssl, words_index ()));
  SSL_set_ex_data (ssl, words_index (), words);
}

static void
append_name (GString *out, const GENERAL_NAME *name)
{
  char text[SIG_SIP_ADDRESS_MAX];
  const ASN1_STRING *value = name->d.ia5;

  if (out->len > MAX_WORDS)
    return;
  if (name->type == GEN_IPADD)
    {
      const guchar *bytes = ASN1_STRING_get0_data (name->d.iPAddress);
      if (sig_sip_address_from_bytes (bytes, (gsize)ASN1_STRING_length (name->d.iPAddress), text))
        g_string_append_printf (out, "%s%s", out->len > 0 ? ", " : "", text);
    }
  else if (name->type == GEN_DNS || name->type == GEN_URI)
    {
      g_autofree char *plain
          = g_strndup ((const char *)ASN1_STRING_get0_data (value), (gsize)ASN1_STRING_length (value));
      g_autofree char *clean = g_utf8_make_valid (plain, -1);
      g_string_append_printf (out, "%s%s", out->len > 0 ? ", " : "", clean);
    }
}

/* (transfer full): whom @cert is for, in words. */
static char *
names_of (X509 *cert)
{
  GENERAL_NAMES *names = X509_get_ext_d2i (cert, NID_subject_alt_name, NULL, NULL);
  GString *out = g_string_new (NULL);
  char common[128];

  for (int i = 0; i < sk_GENERAL_NAME_num (names); i++)
    append_name (out, sk_GENERAL_NAME_value (names, i));
  GENERAL_NAMES_free (names);
  if (out->len == 0
      && X509_NAME_get_text_by_NID (X509_get_subject_name (cert), NID_commonName, common, sizeof common) > 0)
    {
      g_autofree char *clean = g_utf8_make_valid (common, -1);
      g_string_append (out, clean);
    }
  if (out->len == 0)
    g_string_append (out, "nobody");
  for (char *c = out->str; *c != '\0'; c++)
    if ((guchar)*c < ' ' || *c == 0x7f)
      *c = ' ';
  g_string_truncate (out, MIN (out->len, MAX_WORDS));
  return g_string_free (out, FALSE);
}

/* RFC 5922 7.1: a URI of the scheme sip that is nothing but the domain. */
static gboolean
has_sip_uri (X509 *cert, const char *host)
{
  GENERAL_NAMES *names = X509_get_ext_d2i (cert, NID_subject_alt_name, NULL, NULL);
  g_autofree char *wanted = g_strconcat ("sip:", host, NULL);
  gboolean found = FALSE;

  for (int i = 0; i < sk_GENERAL_NAME_num (names); i++)
    {
      const GENERAL_NAME *name = sk_GENERAL_NAME_value (names, i);
      const ASN1_STRING *value = name->d.ia5;
      if (name->type == GEN_URI && (gsize)ASN1_STRING_length (value) == strlen (wanted)
          && g_ascii_strncasecmp ((const char *)ASN1_STRING_get0_data (value), wanted, strlen (wanted)) == 0)
        found = TRUE;
    }
  GENERAL_NAMES_free (names);
  return found;
}

static int
on_verify (int ok, X509_STORE_CTX *store)
{
  SSL *ssl = X509_STORE_CTX_get_ex_data (store, SSL_get_ex_data_X509_STORE_CTX_idx ());
  X509 *cert = X509_STORE_CTX_get_current_cert (store);
  const char *host = X509_VERIFY_PARAM_get0_host (SSL_get0_param (ssl), 0);
  int error = X509_STORE_CTX_get_error (store);

  if (ok)
    return 1;
  if (error == X509_V_ERR_HOSTNAME_MISMATCH && host != NULL && has_sip_uri (cert, host))
    {
      X509_STORE_CTX_set_error (store, X509_V_OK);
      return 1;
    }
  g_autofree char *names = cert != NULL ? names_of (cert) : g_strdup ("nobody");
  if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)
    {
      g_autofree char *ip = X509_VERIFY_PARAM_get1_ip_asc (SSL_get0_param (ssl));
      note_words (ssl,
                  g_strdup_printf ("its certificate is for %s, not for %s", names, host != NULL ? host : ip));
    }
  else
    note_words (ssl, g_strdup_printf ("its certificate is not trusted: %s (%s)",
                                      X509_verify_cert_error_string (error), names));
  return 0;
}

char *
sig_sip_tls_reason (SSL *ssl, int result)
{
  int system_error = errno;
  const char *words = SSL_get_ex_data (ssl, words_index ());
  unsigned long code = ERR_peek_error ();
  const char *reason = code != 0 ? ERR_reason_error_string (code) : NULL;

  if (words != NULL)
    return g_strdup (words);
  if (reason != NULL)
    return g_strdup_printf (strstr (reason, "alert") != NULL ? "the other side refused: %s" : "%s", reason);
  if (SSL_get_error (ssl, result) == SSL_ERROR_SYSCALL && system_error != 0)
    return g_strdup (g_strerror (system_error));
  return g_strdup ("the other side closed the connection during the TLS handshake");
}

/* ---- one connection ---- */

#define ALERT_CERTIFICATE_REQUIRED 116 /* RFC 8446 6.2; OpenSSL has no words for it */

static void
on_info (const SSL *ssl, int where, int value)
{
  if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
    note_words ((SSL *)ssl,
                g_strdup_printf ("the other side refused: %s", (value & 0xff) == ALERT_CERTIFICATE_REQUIRED
                                                                   ? "certificate required"
                                                                   : SSL_alert_desc_string_long (value)));
}

/* The stack made @ssl from a context that knows nothing; sessions of it are not resumed, so that what was
 * checked once is checked again. */
static void
set_up (SSL *ssl, SSL_CTX *context, int mode)
{
  SSL_CTX_set_session_cache_mode (SSL_get_SSL_CTX (ssl), SSL_SESS_CACHE_OFF);
  SSL_set_SSL_CTX (ssl, context);
  SSL_set_min_proto_version (ssl, TLS1_2_VERSION);
  SSL_set_options (ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_set_num_tickets (ssl, 0);
  SSL_set_verify (ssl, mode, mode == SSL_VERIFY_NONE ? NULL : on_verify);
  SSL_set_verify_depth (ssl, VERIFY_DEPTH);
  SSL_set_info_callback (ssl, on_info);
}

void
sig_sip_tls_setup_accepted (SigSipTls *tls, SSL *ssl)
{
  set_up (ssl, tls->server,
          tls->verify_callers ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE);
}

void
sig_sip_tls_expect (SigSipTls *tls, const char *address, const char *host)
{
  if (g_hash_table_size (tls->aliases) >= MAX_ALIASES)
    g_hash_table_remove_all (tls->aliases);
  if (strcmp (address, host) != 0)
    g_hash_table_replace (tls->aliases, g_strdup (address), g_strdup (host));
}

void
sig_sip_tls_forget (SigSipTls *tls, const char *address)
{
  g_hash_table_remove (tls->aliases, address);
}

void
sig_sip_tls_setup_connecting (SigSipTls *tls, SSL *ssl, const char *host)
{
  g_autofree char *key = g_ascii_strdown (host, -1);
  const SigSipTlsRules *rules = g_hash_table_lookup (tls->peers, key);
  const char *alias = rules == NULL ? g_hash_table_lookup (tls->aliases, host) : NULL;

  if (alias != NULL)
    {
      g_autofree char *alias_key = g_ascii_strdown (alias, -1);
      host = alias;
      rules = g_hash_table_lookup (tls->peers, alias_key);
    }
  gboolean verify = rules != NULL ? rules->verify : tls->verify;

  set_up (ssl, rules != NULL ? rules->context : tls->client, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE);
  if (sig_sip_address_is_numeric (host))
    X509_VERIFY_PARAM_set1_ip_asc (SSL_get0_param (ssl), host);
  else
    {
      SSL_set_tlsext_host_name (ssl, host);
      SSL_set_hostflags (ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      SSL_set1_host (ssl, host);
    }
}
