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

/* How a request is answered that may not go on. */
typedef struct
{
  SigSipListener *listener;
  nua_handle_t *nh;    /* either */
  nta_incoming_t *irq; /* or */
} Door;

/* Phones that give up when one of several challenges has an algorithm that they do not know, instead of
 * taking the one that they do (docs/decisions/0010-challenges.md). By how their User-Agent begins. */
static gboolean
knows_md5_only (sip_t const *message)
{
  static const char *const agents[] = { "baresip v0.", "baresip v1." };
  const char *agent = message->sip_user_agent != NULL ? message->sip_user_agent->g_string : NULL;

  for (guint i = 0; agent != NULL && i < G_N_ELEMENTS (agents); i++)
    if (g_str_has_prefix (agent, agents[i]))
      return TRUE;
  return FALSE;
}

static void
challenge (const Door *door, sip_t const *message, gboolean is_stale)
{
  SigSipListener *listener = door->listener;
  SigSip *sip = listener->sip;
  char *values[G_N_ELEMENTS (sip->digest_algorithms)] = { NULL };
  guint n = 0;

  gboolean md5_only = is_offered (sip, SIG_DIGEST_MD5) && knows_md5_only (message);
  for (guint i = 0; i < G_N_ELEMENTS (sip->digest_algorithms); i++)
    if (sip->digest_algorithms[i] != SIG_DIGEST_NONE
        && (!md5_only || sip->digest_algorithms[i] == SIG_DIGEST_MD5))
      values[n++] = sig_digest_server_challenge (sip->digest, sip->digest_algorithms[i], cfg_monotonic_now (),
                                                 cfg_random_u64 (), is_stale);
  sip->stats.n_challenges++;
  if (door->nh != NULL)
    nua_respond (door->nh, 401, sig_sip_phrase (401, NULL), NUTAG_WITH_CURRENT (listener->nua),
                 TAG_IF (values[0], SIPTAG_WWW_AUTHENTICATE_STR (values[0])),
                 TAG_IF (values[1], SIPTAG_WWW_AUTHENTICATE_STR (values[1])), TAG_END ());
  else
    nta_incoming_treply (door->irq, 401, sig_sip_phrase (401, NULL), SIPTAG_USER_AGENT_STR (sip->user_agent),
                         TAG_IF (values[0], SIPTAG_WWW_AUTHENTICATE_STR (values[0])),
                         TAG_IF (values[1], SIPTAG_WWW_AUTHENTICATE_STR (values[1])), TAG_END ());
  for (guint i = 0; i < n; i++)
    g_free (values[i]);
}

static void
refuse (const Door *door, int status, const char *retry_after)
{
  if (door->nh != NULL)
    nua_respond (door->nh, status, sig_sip_phrase (status, NULL), NUTAG_WITH_CURRENT (door->listener->nua),
                 TAG_IF (retry_after, SIPTAG_RETRY_AFTER_STR (retry_after)), TAG_END ());
  else
    nta_incoming_treply (door->irq, status, sig_sip_phrase (status, NULL),
                         SIPTAG_USER_AGENT_STR (door->listener->sip->user_agent),
                         TAG_IF (retry_after, SIPTAG_RETRY_AFTER_STR (retry_after)), TAG_END ());
}

/* A source that guesses passwords is not told any more whether they are right. */
static gboolean
check_password (const Door *door, sip_t const *message, const SigSipPeer *peer,
                const SigDigestCredentials *credentials, const char *password)
{
  SigSip *sip = door->listener->sip;
  CfgMonotonic now = cfg_monotonic_now ();

  if (!sig_sip_rate_has (sip->wrong_rate, &peer->source, now))
    {
      sip->stats.n_auth_limited++;
      refuse (door, 503, RETRY_AFTER_S);
      return FALSE;
    }

  SigDigestVerdict verdict = sig_digest_server_check (sip->digest, credentials,
                                                      message->sip_request->rq_method_name, password, now);
  if (verdict == SIG_DIGEST_RIGHT)
    {
      sig_sip_peer_is_proven (sip, peer);
      return TRUE;
    }
  if (verdict == SIG_DIGEST_WRONG)
    {
      g_autofree char *username = sig_sip_text (credentials->username);

      sip->stats.n_auth_failures++;
      (void)sig_sip_rate_take (sip->wrong_rate, &peer->source, now);
      cfg_warn ("sip", NULL, "Wrong user name or password", CFG_STR ("fromIP", peer->host),
                CFG_STR ("username", username), CFG_STR ("method", message->sip_request->rq_method_name));
    }
  challenge (door, message, verdict == SIG_DIGEST_STALE);
  return FALSE;
}

static SigSipAccessAnswer
ask (SigSip *sip, sip_t const *message, const SigSipPeer *peer, const char *username)
{
  sip_method_t method = message->sip_request->rq_method;
  gboolean may_come_over_one
      = method == sip_method_invite || method == sip_method_message || method == sip_method_subscribe;
  const SigSipRegistering *registering
      = may_come_over_one ? sig_sip_registering_of (sip, peer, message) : NULL;
  g_autofree char *request_user = sig_sip_called_user (registering, message);
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
    .registration = sig_sip_registering_name (registering),
    .username = username,
  };
  SigSipAccessAnswer answer = { .access = SIG_SIP_ACCESS_OPEN };

  if (sip->ops->access != NULL)
    sip->ops->access (sip->owner, &asker, &answer);
  return answer;
}

static gboolean
enter (const Door *door, sip_t const *message, const SigSipPeer *peer, char **username)
{
  SigSip *sip = door->listener->sip;
  g_auto (SigDigestCredentials) credentials = { 0 };

  *username = NULL;
  gboolean has_credentials = find_credentials (sip, message, &credentials);
  SigSipAccessAnswer answer = ask (sip, message, peer, credentials.username);
  switch (answer.access)
    {
    case SIG_SIP_ACCESS_OPEN:
      return TRUE;
    case SIG_SIP_ACCESS_PASSWORD:
      if (!has_credentials)
        {
          challenge (door, message, FALSE);
          return FALSE;
        }
      if (!check_password (door, message, peer, &credentials, answer.password))
        return FALSE;
      *username = g_strdup (credentials.username);
      return TRUE;
    case SIG_SIP_ACCESS_REFUSED:
    default:
      refuse (door, answer.status, NULL);
      return FALSE;
    }
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
  const Door door = { .listener = listener, .nh = nh };
  SigSipPeer peer;

  sig_sip_peer_of (nua_current_request (listener->nua), &peer);
  return enter (&door, message, &peer, username);
}

/** sig_sip_access_transaction: the same for a request that is no handle's. Returns: FALSE: it is answered,
 * and @irq given back to the agent. */
gboolean
sig_sip_access_transaction (SigSipListener *listener, nta_incoming_t *irq, const SigSipPeer *peer,
                            sip_t const *message, char **username)
{
  const Door door = { .listener = listener, .irq = irq };

  if (enter (&door, message, peer, username))
    return TRUE;
  nta_incoming_destroy (irq);
  return FALSE;
}
