/* Digest access authentication (RFC 7616, RFC 3261 22, RFC 8760), both halves. Pure: instants and random
 * bytes come with the call.
 *
 * The server keeps nothing about who has not proved anything: a nonce carries its own instant and an HMAC, so
 * that a challenge costs no memory. Only a nonce that was answered rightly is remembered, with the highest
 * count used with it, in a table of bounded size. What was forgotten early, because the table was full, is
 * stale from then on: a request can never be played again. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

typedef enum
{
  SIG_DIGEST_NONE, /* none that we know */
  SIG_DIGEST_MD5,
  SIG_DIGEST_MD5_SESS,
  SIG_DIGEST_SHA256,
  SIG_DIGEST_SHA256_SESS,
} SigDigestAlgorithm; /* weakest first */

typedef enum
{
  SIG_DIGEST_QOP_NONE, /* RFC 2069: no count, no cnonce */
  SIG_DIGEST_QOP_AUTH,
  SIG_DIGEST_QOP_AUTH_INT,
  SIG_DIGEST_QOP_UNKNOWN,
} SigDigestQop;

/** sig_digest_algorithm_parse: @value: (nullable): as received, with quotes or without; NULL means MD5. */
SigDigestAlgorithm sig_digest_algorithm_parse (const char *value);
/** sig_digest_algorithm_name: (nullable): "MD5", "SHA-256-sess" ...; NULL for NONE. */
const char *sig_digest_algorithm_name (SigDigestAlgorithm algorithm);
/** sig_digest_qop_parse: the best of a list, "auth" before "auth-int". @value: (nullable) */
SigDigestQop sig_digest_qop_parse (const char *value);
/** sig_digest_qop_name: (nullable): NULL for NONE and UNKNOWN. */
const char *sig_digest_qop_name (SigDigestQop qop);
/** sig_digest_unquote: (transfer full): what stands between the quotes, escapes included: that is what RFC
 * 7616 3.4 hashes. */
char *sig_digest_unquote (const char *value) G_GNUC_WARN_UNUSED_RESULT;

/* What a response is made of; all texts as they are hashed. */
typedef struct
{
  SigDigestAlgorithm algorithm; /* not NONE */
  SigDigestQop qop;             /* not UNKNOWN */
  const char *username, *realm, *password;
  const char *method, *uri;
  const char *nonce;
  const char *cnonce; /* (nullable) without qop and -sess */
  guint32 count;      /* without qop: not used */
  const char *body;   /* (nullable): for auth-int */
  gsize body_size;
} SigDigestInput;

/** sig_digest_response: (transfer full): in hexadecimal (RFC 7616 3.4.1). */
char *sig_digest_response (const SigDigestInput *input) G_GNUC_WARN_UNUSED_RESULT;

/* What a client says in Authorization. */
typedef struct
{
  SigDigestAlgorithm algorithm;
  SigDigestQop qop;
  char *username, *realm, *nonce, *uri, *response; /* never NULL */
  char *cnonce;                                    /* (nullable) */
  guint32 count;
} SigDigestCredentials;

/**
 * sig_digest_credentials_parse:
 * @params: NULL-terminated: `name=value` each, values with their quotes, as the parser of the header gives
 * them Returns: FALSE when something that is needed is missing, twice there, too long or not understood; then
 * @credentials is empty.
 */
gboolean sig_digest_credentials_parse (const char *const *params, SigDigestCredentials *credentials);
void sig_digest_credentials_clear (SigDigestCredentials *credentials);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SigDigestCredentials, sig_digest_credentials_clear)

typedef struct _SigDigestServer SigDigestServer;

typedef struct
{
  const char *realm;      /* without quotes and backslashes */
  const guint8 *key;      /* 32 random bytes: signs the nonces */
  guint nonce_lifetime_s; /* > 0 */
  guint max_used_nonces;  /* > 0: size of the table */
} SigDigestServerConfig;

SigDigestServer *sig_digest_server_new (const SigDigestServerConfig *config) G_GNUC_WARN_UNUSED_RESULT;
void sig_digest_server_free (SigDigestServer *server);

/**
 * sig_digest_server_challenge: (transfer full): the value of one WWW-Authenticate header.
 * @salt: random: makes nonces of the same microsecond differ
 * @is_stale: the password was right, or may have been: the client answers again without asking its user
 */
char *sig_digest_server_challenge (const SigDigestServer *server, SigDigestAlgorithm algorithm,
                                   CfgMonotonic now, guint64 salt,
                                   gboolean is_stale) G_GNUC_WARN_UNUSED_RESULT;

typedef enum
{
  SIG_DIGEST_RIGHT,
  SIG_DIGEST_WRONG, /* an unknown user too: nobody can tell the two apart */
  SIG_DIGEST_STALE, /* nonce too old, not of ours, or its count used already: to be challenged again */
} SigDigestVerdict;

/**
 * sig_digest_server_check:
 * @password: (nullable): NULL when there is no such user; takes the same time
 * @method: of the request
 *
 * The uri of the credentials is hashed as it stands and not compared with the Request-URI, which proxies
 * rewrite (RFC 3261 22.4) and clients of the field do not repeat; the nonce's count is what keeps a captured
 * answer from being used for another request. A response without qop may use its nonce once.
 */
SigDigestVerdict sig_digest_server_check (SigDigestServer *server, const SigDigestCredentials *credentials,
                                          const char *method, const char *password, CfgMonotonic now);
/** sig_digest_server_n_used: nonces in the table, never more than its size. */
guint sig_digest_server_n_used (const SigDigestServer *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SigDigestServer, sig_digest_server_free)
