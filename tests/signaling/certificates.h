/* Certificates for tests: an authority, and what it signs, as files in a directory of their own. */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>

typedef struct
{
  char *directory;
  char *ca; /* path of its certificate */
  EVP_PKEY *key;
  X509 *cert;
  GPtrArray *files;
} Authority;

typedef struct
{
  char *cert, *key; /* paths */
} Pair;

Authority *authority_new (const char *name);
void authority_free (Authority *authority);
/** authority_issue: a certificate for @names, as in "DNS:a.example,IP:127.0.0.1"; valid from
 * @from_s to @to_s, seconds from now. */
Pair authority_issue (Authority *authority, const char *names, long from_s, long to_s);
/** authority_issue_over: the same into the files of @pair. */
void authority_issue_over (Authority *authority, const Pair *pair, const char *names);
void pair_clear (Pair *pair);
/** pair_context: (transfer full): for a Wire. @pair: (nullable) */
SSL_CTX *pair_context (const Pair *pair);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Authority, authority_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pair, pair_clear)
