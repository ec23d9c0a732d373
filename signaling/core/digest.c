#include "signaling/core/digest.h"

#include <string.h>

static const char *const algorithm_names[] = { NULL, "MD5", "MD5-sess", "SHA-256", "SHA-256-sess" };
static const char *const qop_names[] = { NULL, "auth", "auth-int", NULL };

char *
sig_digest_unquote (const char *value)
{
  gsize length = strlen (value);

  if (length >= 2 && value[0] == '"' && value[length - 1] == '"')
    return g_strndup (value + 1, length - 2);
  return g_strdup (value);
}

SigDigestAlgorithm
sig_digest_algorithm_parse (const char *value)
{
  if (value == NULL)
    return SIG_DIGEST_MD5;

  g_autofree char *name = sig_digest_unquote (value);
  for (guint i = 1; i < G_N_ELEMENTS (algorithm_names); i++)
    if (g_ascii_strcasecmp (name, algorithm_names[i]) == 0)
      return (SigDigestAlgorithm)i;
  return SIG_DIGEST_NONE;
}

const char *
sig_digest_algorithm_name (SigDigestAlgorithm algorithm)
{
  return algorithm_names[algorithm];
}

SigDigestQop
sig_digest_qop_parse (const char *value)
{
  SigDigestQop qop = SIG_DIGEST_QOP_UNKNOWN;

  if (value == NULL)
    return SIG_DIGEST_QOP_NONE;

  g_auto (GStrv) words = g_strsplit_set (value, "\", ", 16);
  for (guint i = 0; words[i] != NULL; i++)
    {
      if (g_ascii_strcasecmp (words[i], "auth") == 0)
        return SIG_DIGEST_QOP_AUTH;
      if (g_ascii_strcasecmp (words[i], "auth-int") == 0)
        qop = SIG_DIGEST_QOP_AUTH_INT;
    }
  return qop;
}

const char *
sig_digest_qop_name (SigDigestQop qop)
{
  return qop_names[qop];
}

static char *
hash (SigDigestAlgorithm algorithm, const char *text, gssize length)
{
  GChecksumType type = algorithm >= SIG_DIGEST_SHA256 ? G_CHECKSUM_SHA256 : G_CHECKSUM_MD5;

  return g_compute_checksum_for_string (type, text, length);
}

static char *
make_a1 (const SigDigestInput *input)
{
  g_autofree char *text = g_strdup_printf ("%s:%s:%s", input->username, input->realm, input->password);
  g_autofree char *a1 = hash (input->algorithm, text, -1);

  if (input->algorithm != SIG_DIGEST_MD5_SESS && input->algorithm != SIG_DIGEST_SHA256_SESS)
    return g_steal_pointer (&a1);
  g_autofree char *session
      = g_strdup_printf ("%s:%s:%s", a1, input->nonce, input->cnonce != NULL ? input->cnonce : "");
  return hash (input->algorithm, session, -1);
}

static char *
make_a2 (const SigDigestInput *input)
{
  g_autofree char *text = NULL;

  if (input->qop == SIG_DIGEST_QOP_AUTH_INT)
    {
      g_autofree char *body = hash (input->algorithm, input->body != NULL ? input->body : "",
                                    input->body != NULL ? (gssize)input->body_size : 0);
      text = g_strdup_printf ("%s:%s:%s", input->method, input->uri, body);
    }
  else
    text = g_strdup_printf ("%s:%s", input->method, input->uri);
  return hash (input->algorithm, text, -1);
}

char *
sig_digest_response (const SigDigestInput *input)
{
  g_autofree char *a1 = make_a1 (input);
  g_autofree char *a2 = make_a2 (input);
  g_autofree char *text = NULL;

  if (input->qop == SIG_DIGEST_QOP_NONE)
    text = g_strdup_printf ("%s:%s:%s", a1, input->nonce, a2);
  else
    text = g_strdup_printf ("%s:%s:%08x:%s:%s:%s", a1, input->nonce, input->count,
                            input->cnonce != NULL ? input->cnonce : "", qop_names[input->qop], a2);
  return hash (input->algorithm, text, -1);
}
