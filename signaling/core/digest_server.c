/* The server's half of digest.h. A nonce is 64 hexadecimal digits: its instant, a salt, and half of the HMAC
 * of both and the realm. */
#include "signaling/core/digest.h"

#include "config/base/ids.h"

#include <string.h>

#define KEY_SIZE     32
#define NONCE_LENGTH (16 + 16 + 32)
#define MAX_VALUE    512
#define USED_UP      G_MAXUINT32 /* a nonce that was answered without qop */

typedef struct
{
  char *nonce;
  guint32 count; /* the highest used */
  gint64 made_us;
} Used;

struct _SigDigestServer
{
  char *realm;
  guint8 key[KEY_SIZE];
  gint64 lifetime_us;
  guint max_used;
  GHashTable *used;    /* nonce -> Used, owned by the list */
  GQueue recent;       /* Used, in the order of their first use */
  gint64 forgotten_us; /* nonces made until then and not in the table may have been used */
};

/* ---- credentials ---- */

void
sig_digest_credentials_clear (SigDigestCredentials *credentials)
{
  g_free (credentials->username);
  g_free (credentials->realm);
  g_free (credentials->nonce);
  g_free (credentials->uri);
  g_free (credentials->response);
  g_free (credentials->cnonce);
  memset (credentials, 0, sizeof *credentials);
}

/* The value behind "name=", NULL when it is missing or there twice. */
static const char *
find (const char *const *params, const char *name, gboolean *is_bad)
{
  gsize length = strlen (name);
  const char *value = NULL;

  for (; *params != NULL; params++)
    {
      if (g_ascii_strncasecmp (*params, name, length) != 0 || (*params)[length] != '=')
        continue;
      if (value != NULL || strlen (*params) > MAX_VALUE)
        *is_bad = TRUE;
      value = *params + length + 1;
    }
  return value;
}

static char *
take (const char *const *params, const char *name, gboolean is_needed, gboolean *is_bad)
{
  const char *value = find (params, name, is_bad);

  if (value == NULL && is_needed)
    *is_bad = TRUE;
  return value != NULL ? sig_digest_unquote (value) : NULL;
}

/* nc is exactly eight digits (RFC 7616 3.4). */
static guint32
take_count (const char *const *params, gboolean *is_bad)
{
  g_autofree char *text = take (params, "nc", TRUE, is_bad);

  if (text == NULL || strlen (text) != 8 || strspn (text, "0123456789abcdefABCDEF") != 8)
    {
      *is_bad = TRUE;
      return 0;
    }
  return (guint32)g_ascii_strtoull (text, NULL, 16);
}

gboolean
sig_digest_credentials_parse (const char *const *params, SigDigestCredentials *credentials)
{
  gboolean is_bad = FALSE;

  memset (credentials, 0, sizeof *credentials);
  credentials->algorithm = sig_digest_algorithm_parse (find (params, "algorithm", &is_bad));
  credentials->qop = sig_digest_qop_parse (find (params, "qop", &is_bad));
  credentials->username = take (params, "username", TRUE, &is_bad);
  credentials->realm = take (params, "realm", TRUE, &is_bad);
  credentials->nonce = take (params, "nonce", TRUE, &is_bad);
  credentials->uri = take (params, "uri", TRUE, &is_bad);
  credentials->response = take (params, "response", TRUE, &is_bad);
  credentials->cnonce = take (params, "cnonce", credentials->qop != SIG_DIGEST_QOP_NONE, &is_bad);
  if (credentials->qop != SIG_DIGEST_QOP_NONE)
    credentials->count = take_count (params, &is_bad);
  if (credentials->algorithm == SIG_DIGEST_NONE || credentials->qop == SIG_DIGEST_QOP_UNKNOWN
      || credentials->qop == SIG_DIGEST_QOP_AUTH_INT) /* not offered */
    is_bad = TRUE;
  if (is_bad)
    sig_digest_credentials_clear (credentials);
  return !is_bad;
}

/* ---- the server ---- */

static void
used_free (gpointer data)
{
  Used *used = data;

  g_free (used->nonce);
  g_free (used);
}

SigDigestServer *
sig_digest_server_new (const SigDigestServerConfig *config)
{
  SigDigestServer *server = g_new0 (SigDigestServer, 1);

  g_assert (config->max_used_nonces > 0 && config->nonce_lifetime_s > 0);
  server->realm = g_strdup (config->realm);
  memcpy (server->key, config->key, KEY_SIZE);
  server->lifetime_us = config->nonce_lifetime_s * CFG_US_PER_S;
  server->max_used = config->max_used_nonces;
  server->used = g_hash_table_new (g_str_hash, g_str_equal);
  g_queue_init (&server->recent);
  server->forgotten_us = G_MININT64;
  return server;
}

void
sig_digest_server_free (SigDigestServer *server)
{
  g_hash_table_destroy (server->used);
  g_queue_clear_full (&server->recent, used_free);
  memset (server->key, 0, KEY_SIZE);
  g_free (server->realm);
  g_free (server);
}

/* @head: the instant and the salt in 32 digits. */
static char *
make_nonce (const SigDigestServer *server, const char *head)
{
  g_autofree char *text = g_strdup_printf ("%.32s:%s", head, server->realm);
  g_autofree char *mac = g_compute_hmac_for_string (G_CHECKSUM_SHA256, server->key, KEY_SIZE, text, -1);

  return g_strdup_printf ("%.32s%.32s", head, mac);
}

char *
sig_digest_server_challenge (const SigDigestServer *server, SigDigestAlgorithm algorithm, CfgMonotonic now,
                             guint64 salt, gboolean is_stale)
{
  g_autofree char *head
      = g_strdup_printf ("%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x", (guint64)now.us, salt);
  g_autofree char *nonce = make_nonce (server, head);

  return g_strdup_printf ("Digest realm=\"%s\", nonce=\"%s\", algorithm=%s, qop=\"auth\"%s", server->realm,
                          nonce, sig_digest_algorithm_name (algorithm), is_stale ? ", stale=true" : "");
}

/* Made by us, with this key, and not too long ago. */
static gboolean
nonce_is_fresh (const SigDigestServer *server, const char *nonce, CfgMonotonic now, gint64 *made_us)
{
  if (strlen (nonce) != NONCE_LENGTH)
    return FALSE;

  g_autofree char *expected = make_nonce (server, nonce);
  g_autofree char *instant = g_strndup (nonce, 16);
  if (!cfg_secret_equal (expected, nonce))
    return FALSE;
  *made_us = (gint64)g_ascii_strtoull (instant, NULL, 16);
  return *made_us <= now.us && now.us - *made_us <= server->lifetime_us;
}

static void
forget_oldest (SigDigestServer *server)
{
  Used *used = g_queue_pop_head (&server->recent);

  server->forgotten_us = MAX (server->forgotten_us, used->made_us);
  g_hash_table_remove (server->used, used->nonce);
  used_free (used);
}

static void
forget_expired (SigDigestServer *server, CfgMonotonic now)
{
  const Used *oldest;

  while ((oldest = g_queue_peek_head (&server->recent)) != NULL
         && now.us - oldest->made_us > server->lifetime_us)
    forget_oldest (server);
}

/* Each count of a nonce is good for one request; a lower one than before is one that was played again, or
 * that the network delayed: its sender tries again with a new nonce. */
static gboolean
use_nonce (SigDigestServer *server, const char *nonce, gint64 made_us, guint32 count)
{
  Used *used = g_hash_table_lookup (server->used, nonce);

  if (used == NULL && made_us <= server->forgotten_us)
    return FALSE;
  if (used == NULL)
    {
      if (g_hash_table_size (server->used) >= server->max_used)
        forget_oldest (server);
      used = g_new0 (Used, 1);
      used->nonce = g_strdup (nonce);
      used->made_us = made_us;
      g_hash_table_insert (server->used, used->nonce, used);
      g_queue_push_tail (&server->recent, used);
    }
  if (count <= used->count)
    return FALSE;
  used->count = count;
  return TRUE;
}

SigDigestVerdict
sig_digest_server_check (SigDigestServer *server, const SigDigestCredentials *credentials, const char *method,
                         const char *password, CfgMonotonic now)
{
  const SigDigestInput input = {
    .algorithm = credentials->algorithm,
    .qop = credentials->qop,
    .username = credentials->username,
    .realm = server->realm,
    .password = password != NULL ? password : "",
    .method = method,
    .uri = credentials->uri,
    .nonce = credentials->nonce,
    .cnonce = credentials->cnonce,
    .count = credentials->count,
  };
  gint64 made_us = 0;
  gboolean is_fresh = nonce_is_fresh (server, credentials->nonce, now, &made_us);
  g_autofree char *expected = sig_digest_response (&input);
  g_autofree char *given = g_ascii_strdown (credentials->response, -1);
  gboolean is_right = cfg_secret_equal (expected, given) && password != NULL;

  forget_expired (server, now);
  if (strcmp (credentials->realm, server->realm) != 0)
    return SIG_DIGEST_WRONG;
  if (!is_fresh)
    return SIG_DIGEST_STALE;
  if (!is_right)
    return SIG_DIGEST_WRONG;
  guint32 count = credentials->qop == SIG_DIGEST_QOP_NONE ? USED_UP : credentials->count;
  return use_nonce (server, credentials->nonce, made_us, count) ? SIG_DIGEST_RIGHT : SIG_DIGEST_STALE;
}

guint
sig_digest_server_n_used (const SigDigestServer *server)
{
  return g_hash_table_size (server->used);
}
