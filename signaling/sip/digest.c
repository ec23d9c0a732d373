#include "signaling/sip/digest.h"

#include "config/base/ids.h"
#include "signaling/core/digest.h"

#define SOFIA_EXTEND_AUTH_CLIENT 1
#include <sofia-sip/auth_client_plugin.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/url.h>

#include <string.h>

/* One challenge of one realm. The stack allocates it zeroed, in a memory home of its own that frees the
 * strings too. */
typedef struct
{
  auth_client_t client;
  SigDigestAlgorithm algorithm; /* SIG_DIGEST_NONE: nothing that we can answer was offered */
  SigDigestQop qop;
  char *nonce;  /* as received, without quotes */
  char *opaque; /* (nullable): as received, without quotes */
  char cnonce[33];
  guint32 count;
} Challenge;

/* RFC 7616 3.4 hashes a quoted string as it stands between its quotes, escapes included. */
static char *
unquote (su_home_t *home, const char *value)
{
  if (value == NULL)
    return NULL;

  gsize length = strlen (value);
  if (length >= 2 && value[0] == '"' && value[length - 1] == '"')
    return su_strndup (home, value + 1, (isize_t)(length - 2));
  return su_strdup (home, value);
}

gboolean
sig_sip_digest_can_answer (const msg_auth_t *challenge)
{
  const msg_param_t *parameters = challenge->au_params;

  return challenge->au_scheme != NULL && g_ascii_strcasecmp (challenge->au_scheme, "Digest") == 0
         && parameters != NULL && msg_params_find (parameters, "realm=") != NULL
         && msg_params_find (parameters, "nonce=") != NULL
         && sig_digest_algorithm_parse (msg_params_find (parameters, "algorithm=")) != SIG_DIGEST_NONE
         && sig_digest_qop_parse (msg_params_find (parameters, "qop=")) != SIG_DIGEST_QOP_UNKNOWN;
}

static void
set_nonce (Challenge *challenge, const char *nonce)
{
  guint8 random[16];

  su_free (challenge->client.ca_home, challenge->nonce);
  challenge->nonce = unquote (challenge->client.ca_home, nonce);
  challenge->count = 0;
  cfg_random_bytes (random, sizeof random);
  for (guint i = 0; i < sizeof random; i++)
    g_snprintf (challenge->cnonce + 2 * i, 3, "%02x", random[i]);
}

/* Called for each challenge of a response in turn. Returns: 2 when there is something new to answer with,
 * 1 when it is known or none of ours; never -1, which would throw away the other challenges too. */
static int
on_challenge (auth_client_t *client, msg_auth_t const *header)
{
  Challenge *challenge = (Challenge *)client;
  const char *stale = msg_params_find (header->au_params, "stale=");
  SigDigestAlgorithm algorithm
      = sig_digest_algorithm_parse (msg_params_find (header->au_params, "algorithm="));
  SigDigestQop qop = sig_digest_qop_parse (msg_params_find (header->au_params, "qop="));

  if (!sig_sip_digest_can_answer (header) || algorithm < challenge->algorithm)
    return 1;

  /* A second refusal that does not say "stale" means that the password is wrong. */
  gboolean is_new = challenge->count == 0 || algorithm != challenge->algorithm
                    || (stale != NULL && g_ascii_strncasecmp (stale, "\"true\"", 6) == 0)
                    || (stale != NULL && g_ascii_strcasecmp (stale, "true") == 0);

  challenge->algorithm = algorithm;
  challenge->qop = qop;
  su_free (client->ca_home, challenge->opaque);
  challenge->opaque = unquote (client->ca_home, msg_params_find (header->au_params, "opaque="));
  set_nonce (challenge, msg_params_find (header->au_params, "nonce="));
  return is_new ? 2 : 1;
}

static int
on_info (auth_client_t *client, msg_auth_info_t const *info)
{
  const char *nonce = msg_params_find (info->ai_params, "nextnonce=");

  if (nonce == NULL)
    return 0;
  set_nonce ((Challenge *)client, nonce);
  return 1;
}

static char *
quote (const char *text)
{
  GString *out = g_string_new ("\"");

  for (; *text != '\0'; text++)
    {
      if (*text == '"' || *text == '\\')
        g_string_append_c (out, '\\');
      g_string_append_c (out, *text);
    }
  g_string_append_c (out, '"');
  return g_string_free (out, FALSE);
}

static int
on_authorize (auth_client_t *client, su_home_t *home, char const *method, url_t const *url,
              msg_payload_t const *body, msg_header_t **headers)
{
  Challenge *challenge = (Challenge *)client;

  if (client->ca_user == NULL || client->ca_pass == NULL || client->ca_clear
      || challenge->algorithm == SIG_DIGEST_NONE || challenge->nonce == NULL)
    return 0;

  g_autofree char *realm = NULL;
  char *inner = unquote (home, client->ca_realm);
  char *uri = url_as_string (home, url);
  if (uri == NULL || inner == NULL)
    return -1;
  realm = g_strdup (inner);
  challenge->count++;

  const SigDigestInput input = {
    .algorithm = challenge->algorithm,
    .qop = challenge->qop,
    .username = client->ca_user,
    .realm = realm,
    .password = client->ca_pass,
    .method = method,
    .uri = uri,
    .nonce = challenge->nonce,
    .cnonce = challenge->cnonce,
    .count = challenge->count,
    .body = body != NULL ? body->pl_data : NULL,
    .body_size = body != NULL ? body->pl_len : 0,
  };
  g_autofree char *response = sig_digest_response (&input);
  g_autofree char *user = quote (client->ca_user);
  GString *value = g_string_new (NULL);

  g_string_append_printf (value,
                          "Digest username=%s, realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\"", user,
                          realm, challenge->nonce, uri, response);
  g_string_append_printf (value, ", algorithm=%s", sig_digest_algorithm_name (challenge->algorithm));
  if (challenge->opaque != NULL)
    g_string_append_printf (value, ", opaque=\"%s\"", challenge->opaque);
  if (challenge->qop != SIG_DIGEST_QOP_NONE)
    g_string_append_printf (value, ", qop=%s, nc=%08x, cnonce=\"%s\"", sig_digest_qop_name (challenge->qop),
                            challenge->count, challenge->cnonce);
  else if (challenge->algorithm == SIG_DIGEST_MD5_SESS || challenge->algorithm == SIG_DIGEST_SHA256_SESS)
    g_string_append_printf (value, ", cnonce=\"%s\"", challenge->cnonce);
  *headers = msg_header_make (home, client->ca_credential_class, value->str);
  g_string_free (value, TRUE);
  return *headers != NULL ? 0 : -1;
}

static int
on_clear (auth_client_t *client)
{
  client->ca_clear = 1;
  return 1;
}

static char *
unhex (su_home_t *home, const char *text)
{
  gsize length = strlen (text) / 2;
  char *out = su_alloc (home, (isize_t)(length + 1));

  for (gsize i = 0; i < length; i++)
    out[i] = (char)(g_ascii_xdigit_value (text[2 * i]) << 4 | g_ascii_xdigit_value (text[2 * i + 1]));
  out[length] = '\0';
  return out;
}

/* Returns: 1 when taken; 0 when there is no challenge for them, or when they were refused already: the stack
 * then gives the request up with the peer's answer. */
static int
on_save_credentials (auth_client_t *client, char const *scheme, char const *realm, char const *user,
                     char const *password)
{
  if (((Challenge *)client)->algorithm == SIG_DIGEST_NONE || client->ca_clear)
    return 0;
  if (scheme != NULL && g_ascii_strcasecmp (scheme, "Digest") != 0)
    return 0;

  su_free (client->ca_home, client->ca_user);
  su_free (client->ca_home, client->ca_pass);
  client->ca_user = unhex (client->ca_home, user);
  client->ca_pass = unhex (client->ca_home, password);
  return 1;
}

static int
on_copy_credentials (auth_client_t *to, auth_client_t const *from)
{
  return auth_client_copy_credentials (to, from);
}

/* The name is in capitals for a reason: the stack compares schemes without regard to case, but registers a
 * plug-in in the place of the first whose name differs. This name differs from "Digest", so it takes the
 * place of the built-in one. */
static const auth_client_plugin_t plugin = {
  .auc_plugin_size = sizeof plugin,
  .auc_size = sizeof (Challenge),
  .auc_name = "DIGEST",
  .auc_challenge = on_challenge,
  .auc_authorize = on_authorize,
  .auc_info = on_info,
  .auc_clear = on_clear,
  .auc_save_credentials = on_save_credentials,
  .auc_copy_credentials = on_copy_credentials,
};

void
sig_sip_digest_register (void)
{
  static gboolean done;

  if (done)
    return;
  int result = auc_register_plugin (&plugin);
  g_assert (result == 0);
  done = TRUE;
}

static void
append_hex (GString *out, const char *text)
{
  for (; *text != '\0'; text++)
    g_string_append_printf (out, "%02x", (guchar)*text);
}

char *
sig_sip_digest_credentials (const char *username, const char *password)
{
  GString *out = g_string_new ("Digest:\"any\":");

  append_hex (out, username);
  g_string_append_c (out, ':');
  append_hex (out, password);
  return g_string_free (out, FALSE);
}
