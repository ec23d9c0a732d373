/* Challenges (RFC 3261 22, RFC 8760). The owner says what a request needs, the digest server whether its
 * sender proved it. Until then nothing of the request is kept but the stack's own transaction. */
#include "signaling/sip/internal.h"

#include "config/base/ids.h"
#include "config/base/log.h"

#include <sofia-sip/msg_header.h>
#include <sofia-sip/sip_status.h>

#include <string.h>

#define NONCE_LIFETIME_S 300
#define MAX_USED_NONCES  16384
/* Wrong passwords of one source: so many at once, then one a second. */
#define WRONG_BURST      20
#define WRONG_PER_SECOND 1
#define MAX_SOURCES      4096
#define RETRY_AFTER_S    "10"

void
sig_sip_access_init (SigSip *sip, const SigSipConfig *config)
{
  static const char *const usual[] = { "MD5", "SHA-256", NULL };
  const char *const *names = config->digest_algorithms != NULL ? config->digest_algorithms : usual;
  guint8 key[32];
  const SigDigestServerConfig digest = {
    .realm = config->realm != NULL ? config->realm : "switchroom",
    .key = key,
    .nonce_lifetime_s = NONCE_LIFETIME_S,
    .max_used_nonces = MAX_USED_NONCES,
  };

  cfg_random_bytes (key, sizeof key);
  sip->digest = sig_digest_server_new (&digest);
  sip->realm = g_strdup (digest.realm);
  for (guint i = 0; i < G_N_ELEMENTS (sip->digest_algorithms) && names[i] != NULL; i++)
    sip->digest_algorithms[i] = sig_digest_algorithm_parse (names[i]);
  sip->wrong_rate = sig_sip_rate_new (WRONG_PER_SECOND, WRONG_BURST, MAX_SOURCES);
}

void
sig_sip_access_clear (SigSip *sip)
{
  sig_digest_server_free (sip->digest);
  sig_sip_rate_free (sip->wrong_rate);
  g_free (sip->realm);
}

static gboolean
is_offered (const SigSip *sip, SigDigestAlgorithm algorithm)
{
  for (guint i = 0; i < G_N_ELEMENTS (sip->digest_algorithms); i++)
    if (algorithm != SIG_DIGEST_NONE && sip->digest_algorithms[i] == algorithm)
      return TRUE;
  return FALSE;
}

/* The strongest of the credentials that answer a challenge of ours; FALSE: there are none. */
static gboolean
find_credentials (const SigSip *sip, sip_t const *message, SigDigestCredentials *found)
{
  memset (found, 0, sizeof *found);
  for (const msg_auth_t *header = message->sip_authorization; header != NULL; header = header->au_next)
    {
      g_auto (SigDigestCredentials) credentials = { 0 };

      if (header->au_scheme == NULL || header->au_params == NULL
          || g_ascii_strcasecmp (header->au_scheme, "Digest") != 0
          || !sig_digest_credentials_parse ((const char *const *)header->au_params, &credentials)
          || strcmp (credentials.realm, sip->realm) != 0 || !is_offered (sip, credentials.algorithm)
          || credentials.algorithm < found->algorithm)
        continue;
      sig_digest_credentials_clear (found);
      *found = credentials;
      memset (&credentials, 0, sizeof credentials);
    }
  return found->username != NULL;
}

static void
challenge (SigSipListener *listener, nua_handle_t *nh, gboolean is_stale)
{
  SigSip *sip = listener->sip;
  char *values[G_N_ELEMENTS (sip->digest_algorithms)] = { NULL };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (sip->digest_algorithms); i++)
    if (sip->digest_algorithms[i] != SIG_DIGEST_NONE)
      values[n++] = sig_digest_server_challenge (sip->digest, sip->digest_algorithms[i], cfg_monotonic_now (),
                                                 cfg_random_u64 (), is_stale);
  sip->stats.n_challenges++;
  nua_respond (nh, 401, sig_sip_phrase (401, NULL), NUTAG_WITH_CURRENT (listener->nua),
               TAG_IF (values[0], SIPTAG_WWW_AUTHENTICATE_STR (values[0])),
               TAG_IF (values[1], SIPTAG_WWW_AUTHENTICATE_STR (values[1])), TAG_END ());
  for (guint i = 0; i < n; i++)
    g_free (values[i]);
}

/* A source that guesses passwords is not told any more whether they are right. */
static gboolean
check_password (SigSipListener *listener, nua_handle_t *nh, sip_t const *message, const SigSipPeer *peer,
                const SigDigestCredentials *credentials, const char *password)
{
  SigSip *sip = listener->sip;
  CfgMonotonic now = cfg_monotonic_now ();

  if (!sig_sip_rate_has (sip->wrong_rate, &peer->source, now))
    {
      sip->stats.n_auth_limited++;
      nua_respond (nh, 503, sig_sip_phrase (503, NULL), NUTAG_WITH_CURRENT (listener->nua),
                   SIPTAG_RETRY_AFTER_STR (RETRY_AFTER_S), TAG_END ());
      return FALSE;
    }

  SigDigestVerdict verdict = sig_digest_server_check (sip->digest, credentials,
                                                      message->sip_request->rq_method_name, password, now);
  if (verdict == SIG_DIGEST_RIGHT)
    return TRUE;
  if (verdict == SIG_DIGEST_WRONG)
    {
      g_autofree char *username = sig_sip_text (credentials->username);

      sip->stats.n_auth_failures++;
      (void)sig_sip_rate_take (sip->wrong_rate, &peer->source, now);
      cfg_warn ("sip", NULL, "Wrong user name or password", CFG_STR ("fromIP", peer->host),
                CFG_STR ("username", username), CFG_STR ("method", message->sip_request->rq_method_name));
    }
  challenge (listener, nh, verdict == SIG_DIGEST_STALE);
  return FALSE;
}

static SigSipAccessAnswer
ask (SigSip *sip, sip_t const *message, const SigSipPeer *peer, const char *username)
{
  g_autofree char *request_user = sig_sip_user (message->sip_request->rq_url);
  g_autofree char *request_host = sig_sip_host (message->sip_request->rq_url);
  g_autofree char *from_user = sig_sip_user (message->sip_from->a_url);
  g_autofree char *to_user = sig_sip_user (message->sip_to->a_url);
  const SigSipAsker asker = {
    .method = message->sip_request->rq_method_name,
    .request_user = request_user,
    .request_host = request_host,
    .request_port = sig_sip_request_port (message),
    .is_local = sig_sip_is_local_target (sip, message),
    .from_user = from_user,
    .to_user = to_user,
    .source_address = peer->host,
    .username = username,
  };
  SigSipAccessAnswer answer = { .access = SIG_SIP_ACCESS_OPEN };

  if (sip->ops->access != NULL)
    sip->ops->access (sip->owner, &asker, &answer);
  return answer;
}

/**
 * sig_sip_access: whether the sender of @message, a request outside of a dialog, may have what it asks for.
 * @username: (out) (transfer full) (nullable): who it is, proved; NULL where nobody asks
 *
 * Returns: FALSE: the request is answered (401, 403, 404, 503) and its handle is to be destroyed.
 */
gboolean
sig_sip_access (SigSipListener *listener, nua_handle_t *nh, sip_t const *message, char **username)
{
  SigSip *sip = listener->sip;
  g_auto (SigDigestCredentials) credentials = { 0 };
  SigSipPeer peer;

  *username = NULL;
  sig_sip_peer_of (nua_current_request (listener->nua), &peer);
  gboolean has_credentials = find_credentials (sip, message, &credentials);
  SigSipAccessAnswer answer = ask (sip, message, &peer, credentials.username);
  switch (answer.access)
    {
    case SIG_SIP_ACCESS_OPEN:
      return TRUE;
    case SIG_SIP_ACCESS_PASSWORD:
      if (!has_credentials)
        {
          challenge (listener, nh, FALSE);
          return FALSE;
        }
      if (!check_password (listener, nh, message, &peer, &credentials, answer.password))
        return FALSE;
      *username = g_strdup (credentials.username);
      return TRUE;
    case SIG_SIP_ACCESS_REFUSED:
    default:
      nua_respond (nh, answer.status, sig_sip_phrase (answer.status, NULL),
                   NUTAG_WITH_CURRENT (listener->nua), TAG_END ());
      return FALSE;
    }
}
