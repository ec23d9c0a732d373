#include "signaling/core/sdp_crypto.h"

#include <string.h>

#include "signaling/core/sdp_private.h"

#define MAX_TAG_DIGITS 9 /* RFC 4568 9.1 */
#define MAX_LINE_BYTES 512

/* The best first; @is_offered: in offers of ours. */
static const struct
{
  const char *name;
  gsize key_and_salt; /* bytes */
  gboolean is_offered;
} suites[] = {
  { "AEAD_AES_128_GCM", 16 + 12, TRUE },
  { "AEAD_AES_256_GCM", 32 + 12, TRUE },
  { "AES_CM_128_HMAC_SHA1_80", 16 + 14, TRUE },
  { "AES_256_CM_HMAC_SHA1_80", 32 + 14, FALSE },
  /* Only when a peer has nothing else: four bytes of authentication. */
  { "AES_CM_128_HMAC_SHA1_32", 16 + 14, FALSE },
  { "AES_256_CM_HMAC_SHA1_32", 32 + 14, FALSE },
};

const char *
sig_sdp_crypto_suite (guint index, gboolean *is_offered)
{
  if (index >= G_N_ELEMENTS (suites))
    return NULL;
  *is_offered = suites[index].is_offered;
  return suites[index].name;
}

/* RFC 4568 6.1: padding is discarded, so that it may be missing; it is put back. */
static gboolean
take_key (const char *text, gsize length, gsize n_bytes, SigSdpCrypto *crypto)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const gsize n_digits = (n_bytes * 8 + 5) / 6, padded = (n_bytes + 2) / 3 * 4;

  if (strspn (text, alphabet) != n_digits || length < n_digits || length > padded
      || strspn (text + n_digits, "=") < length - n_digits)
    return FALSE;
  memcpy (crypto->key, text, n_digits);
  memset (crypto->key + n_digits, '=', padded - n_digits);
  crypto->key[padded] = '\0';
  return TRUE;
}

/* "2^48" or a number of packets (RFC 4568 6.1). */
static gboolean
lifetime_is_valid (const char *text)
{
  gboolean is_power = g_str_has_prefix (text, "2^");
  guint64 value;

  if (is_power)
    text += 2;
  return sig_sdp_parse_number (text, strlen (text), is_power ? 48 : G_GUINT64_CONSTANT (1) << 48, &value)
         && (is_power || value > 0);
}

/* "inline:KEY[|lifetime]" */
static const char *
parse_key_params (const char *text, gsize n_bytes, SigSdpCrypto *crypto)
{
  gsize length;

  if (g_ascii_strncasecmp (text, "inline:", 7) != 0)
    return "its key method is not inline";
  text += 7;
  if (strchr (text, ';') != NULL)
    return "it has more than one key";
  length = strcspn (text, "|");
  if (!take_key (text, length, n_bytes, crypto))
    return "its key has not the length of its suite";
  text += length;
  if (*text == '\0')
    return NULL;
  text++;
  if (strchr (text, ':') != NULL)
    return "it has a master key identifier (MKI)";
  return lifetime_is_valid (text) ? NULL : "its lifetime is malformed";
}

/* RFC 4568 6.3. Parameters with "-" in front may be ignored. */
static const char *
check_parameter (const char *text)
{
  if (*text == '-' && text[1] != '\0')
    return NULL;
  if (g_ascii_strncasecmp (text, "WSH=", 4) == 0)
    {
      guint64 window;

      return sig_sdp_parse_number (text + 4, strlen (text + 4), G_MAXUINT32, &window) && window >= 64
                 ? NULL
                 : "its WSH is below 64";
    }
  if (g_ascii_strcasecmp (text, "KDR=0") == 0)
    return NULL;
  if (g_ascii_strncasecmp (text, "KDR", 3) == 0)
    return "it wants a key derivation rate (KDR)";
  if (g_ascii_strncasecmp (text, "UNENCRYPTED_", 12) == 0
      || g_ascii_strcasecmp (text, "UNAUTHENTICATED_SRTP") == 0)
    return "it wants unencrypted or unauthenticated packets";
  return "it has a session parameter that is not known";
}

static const char *
parse_words (char **words, SigSdpCrypto *crypto)
{
  const char *problem;
  guint64 tag;
  gsize suite = 0;

  if (g_strv_length (words) < 3)
    return "it is malformed";
  if (strlen (words[0]) > MAX_TAG_DIGITS
      || !sig_sdp_parse_number (words[0], strlen (words[0]), 999999999, &tag))
    return "its tag is malformed";
  while (suite < G_N_ELEMENTS (suites) && g_ascii_strcasecmp (words[1], suites[suite].name) != 0)
    suite++;
  if (suite == G_N_ELEMENTS (suites))
    return "its suite is not known";
  problem = parse_key_params (words[2], suites[suite].key_and_salt, crypto);
  for (gsize i = 3; problem == NULL && words[i] != NULL; i++)
    problem = check_parameter (words[i]);
  crypto->tag = (guint32)tag;
  g_strlcpy (crypto->suite, suites[suite].name, sizeof crypto->suite);
  return problem;
}

const char *
sig_sdp_crypto_parse (const char *value, SigSdpCrypto *crypto)
{
  g_auto (GStrv) parts = NULL;
  const char *problem;
  gsize n = 0;

  memset (crypto, 0, sizeof *crypto);
  if (strlen (value) > MAX_LINE_BYTES)
    return "it is too long";
  parts = g_strsplit_set (value, " \t", -1);
  for (gsize i = 0; parts[i] != NULL; i++)
    if (*parts[i] != '\0')
      parts[n++] = parts[i];
    else
      g_free (parts[i]);
  parts[n] = NULL;
  problem = parse_words (parts, crypto);
  for (gsize i = 0; i < n; i++)
    explicit_bzero (parts[i], strlen (parts[i]));
  if (problem != NULL)
    explicit_bzero (crypto, sizeof *crypto);
  return problem;
}

const SigSdpCrypto *
sig_sdp_crypto_choose (const SigSdpCrypto *offered, guint n)
{
  for (gsize i = 0; i < G_N_ELEMENTS (suites); i++)
    {
      const SigSdpCrypto *found = sig_sdp_crypto_find (offered, n, suites[i].name);

      if (found != NULL)
        return found;
    }
  return NULL;
}

const SigSdpCrypto *
sig_sdp_crypto_find (const SigSdpCrypto *crypto, guint n, const char *suite)
{
  for (guint i = 0; i < n; i++)
    if (g_ascii_strcasecmp (crypto[i].suite, suite) == 0)
      return &crypto[i];
  return NULL;
}

void
sig_sdp_crypto_write (GString *out, guint32 tag, const SigSdpCrypto *crypto)
{
  g_string_append_printf (out, "a=crypto:%u %s inline:%s\r\n", tag, crypto->suite, crypto->key);
}

char *
sig_sdp_without_keys (const char *sdp)
{
  GString *out = g_string_new (NULL);

  while (*sdp != '\0')
    if (g_ascii_strncasecmp (sdp, "inline:", 7) == 0)
      {
        g_string_append (out, "inline:***");
        sdp += 7 + strcspn (sdp + 7, "| ;\t\r\n");
      }
    else
      g_string_append_c (out, *sdp++);
  return g_string_free (out, FALSE);
}
