/* The a= lines that mean something here, one small function each. Attributes of the session are read into a
 * section too, as defaults that each section inherits. */
#include "signaling/core/sdp_private.h"

#include <string.h>

#include "signaling/core/sdp_codec.h"
#include "signaling/core/sdp_crypto.h"

#define MAX_CANDIDATE_BYTES 512

typedef gboolean (*AttributeFunc) (SigSdpSection *section, const char *value, GError **error);

static gboolean
is_token (const char *text)
{
  if (*text == '\0')
    return FALSE;
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("!#$%&'*+-.^_`{|}~", *p) == NULL)
      return FALSE;
  return TRUE;
}

static gboolean
parse_mid (SigSdpSection *section, const char *value, GError **error)
{
  if (!is_token (value) || !sig_sdp_copy_text (section->mid, sizeof section->mid, value))
    return sig_sdp_refuse (error, "a=mid is not a token of at most %d characters",
                           (int)sizeof section->mid - 1);
  return TRUE;
}

/* RFC 8839 5.4: ice-char is ALPHA / DIGIT / "+" / "/"; browsers also send "-" and "_" in no known version. */
static gboolean
copy_ice (char *out, gsize size, const char *value, gsize min)
{
  if (strlen (value) < min)
    return FALSE;
  for (const char *p = value; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && *p != '+' && *p != '/' && *p != '-' && *p != '_')
      return FALSE;
  return sig_sdp_copy_text (out, size, value);
}

static gboolean
parse_ice_ufrag (SigSdpSection *section, const char *value, GError **error)
{
  if (!copy_ice (section->ice_ufrag, sizeof section->ice_ufrag, value, 4))
    return sig_sdp_refuse (error, "a=ice-ufrag must be 4 to 256 ICE characters");
  return TRUE;
}

static gboolean
parse_ice_pwd (SigSdpSection *section, const char *value, GError **error)
{
  if (!copy_ice (section->ice_pwd, sizeof section->ice_pwd, value, 22))
    return sig_sdp_refuse (error, "a=ice-pwd must be 22 to 256 ICE characters");
  return TRUE;
}

/* RFC 8122 5: hash function, space, pairs of hex digits joined by colons. */
static gboolean
fingerprint_is_valid (const char *value)
{
  const char *p = strchr (value, ' ');
  guint pairs = 0;

  if (p == NULL || p == value)
    return FALSE;
  for (p++;; p += 3)
    {
      if (!g_ascii_isxdigit (p[0]) || !g_ascii_isxdigit (p[1]))
        return FALSE;
      pairs++;
      if (p[2] == '\0')
        return pairs >= 16;
      if (p[2] != ':')
        return FALSE;
    }
}

/* Several fingerprints may be given, one per hash function: SHA-256 is the one that everybody must speak
 * (RFC 8827 6.5), else the first is kept. */
static gboolean
parse_fingerprint (SigSdpSection *section, const char *value, GError **error)
{
  gboolean is_sha256 = g_ascii_strncasecmp (value, "sha-256 ", 8) == 0;

  if (!fingerprint_is_valid (value))
    return sig_sdp_refuse (error, "a=fingerprint is not a hash function and pairs of hex digits");
  if (section->fingerprint[0] != '\0' && !is_sha256)
    return TRUE;
  if (!sig_sdp_copy_text (section->fingerprint, sizeof section->fingerprint, value))
    return sig_sdp_refuse (error, "a=fingerprint is too long");
  return TRUE;
}

static gboolean
parse_setup (SigSdpSection *section, const char *value, GError **error)
{
  if (g_ascii_strcasecmp (value, "actpass") == 0)
    section->setup = SIG_SDP_SETUP_ACTPASS;
  else if (g_ascii_strcasecmp (value, "active") == 0)
    section->setup = SIG_SDP_SETUP_ACTIVE;
  else if (g_ascii_strcasecmp (value, "passive") == 0)
    section->setup = SIG_SDP_SETUP_PASSIVE;
  else
    return sig_sdp_refuse (error, "a=setup must be actpass, active or passive");
  return TRUE;
}

gboolean
sig_sdp_parse_direction (const char *word, gsize length, SigSdpDirection *direction)
{
  static const struct
  {
    const char *word;
    SigSdpDirection direction;
  } words[] = {
    { "sendrecv", SIG_SDP_SENDRECV },
    { "sendonly", SIG_SDP_SENDONLY },
    { "recvonly", SIG_SDP_RECVONLY },
    { "inactive", SIG_SDP_INACTIVE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (strlen (words[i].word) == length && g_ascii_strncasecmp (word, words[i].word, length) == 0)
      {
        *direction = words[i].direction;
        return TRUE;
      }
  return FALSE;
}

/* "ID[/direction] URI [attributes]" (RFC 8285 8). Ids above 14 need the two-byte form, which is not spoken.
 */
static gboolean
parse_extmap (SigSdpSection *section, const char *value, GError **error)
{
  gsize head = strcspn (value, " "), id_length = strcspn (value, "/ ");
  const char *uri = value + head + strspn (value + head, " ");
  gsize uri_length = strcspn (uri, " ");
  SigSdpDirection direction = SIG_SDP_SENDRECV;
  guint64 id;

  if (!sig_sdp_parse_number (value, id_length, 14, &id) || id == 0)
    return TRUE;
  if (id_length < head && !sig_sdp_parse_direction (value + id_length + 1, head - id_length - 1, &direction))
    return TRUE;
  if (uri_length == strlen (SIG_SDP_URI_LEVEL) && memcmp (uri, SIG_SDP_URI_LEVEL, uri_length) == 0
      && section->ext_level_id == 0)
    {
      section->ext_level_id = (guint8)id;
      section->ext_level_direction = direction;
    }
  else if (uri_length == strlen (SIG_SDP_URI_MID) && memcmp (uri, SIG_SDP_URI_MID, uri_length) == 0
           && section->ext_mid_id == 0)
    {
      section->ext_mid_id = (guint8)id;
      section->ext_mid_direction = direction;
    }
  return TRUE;
}

static gboolean
parse_rtcp (SigSdpSection *section, const char *value, GError **error)
{
  guint64 port;

  if (!sig_sdp_parse_number (value, strcspn (value, " "), G_MAXUINT16, &port) || port == 0)
    return sig_sdp_refuse (error, "a=rtcp does not begin with a port number");
  section->rtcp_port = (guint16)port;
  return TRUE;
}

static gboolean
parse_rtcp_mux (SigSdpSection *section, const char *value, GError **error)
{
  section->rtcp_mux = TRUE;
  return TRUE;
}

static gboolean
parse_bundle_only (SigSdpSection *section, const char *value, GError **error)
{
  section->bundle_only = TRUE;
  return TRUE;
}

static gboolean
parse_crypto (SigSdpSection *section, const char *value, GError **error)
{
  SigSdpCrypto *crypto;
  const char *problem;

  section->has_crypto = TRUE;
  if (section->n_crypto == SIG_SDP_MAX_CRYPTO)
    return TRUE;
  if (section->crypto == NULL)
    section->crypto = g_new0 (SigSdpCrypto, SIG_SDP_MAX_CRYPTO); /* at once: no copies of keys stay behind */
  crypto = &section->crypto[section->n_crypto];
  problem = sig_sdp_crypto_parse (value, crypto);
  /* RFC 4568 4.1: a tag names one line. */
  for (guint i = 0; problem == NULL && i < section->n_crypto; i++)
    if (section->crypto[i].tag == crypto->tag)
      problem = "its tag is used twice";
  if (problem == NULL)
    section->n_crypto++;
  else if (section->crypto_problem == NULL)
    section->crypto_problem = problem;
  return TRUE;
}

static gboolean
parse_ptime (SigSdpSection *section, const char *value, GError **error)
{
  guint64 ms;

  if (sig_sdp_parse_number (value, strspn (value, "0123456789"), 10000, &ms))
    section->ptime_ms = (guint)ms;
  return TRUE;
}

static gboolean
parse_maxptime (SigSdpSection *section, const char *value, GError **error)
{
  guint64 ms;

  if (sig_sdp_parse_number (value, strspn (value, "0123456789"), 10000, &ms))
    section->maxptime_ms = (guint)ms;
  return TRUE;
}

static gboolean
parse_candidate (SigSdpSection *section, const char *value, GError **error)
{
  if (section->n_candidates < SIG_SDP_MAX_CANDIDATES && strlen (value) <= MAX_CANDIDATE_BYTES
      && sig_sdp_text_is_clean (value))
    section->candidates[section->n_candidates++] = g_strconcat ("candidate:", value, NULL);
  return TRUE;
}

static gboolean
parse_end_of_candidates (SigSdpSection *section, const char *value, GError **error)
{
  section->end_of_candidates = TRUE;
  return TRUE;
}

static gboolean
parse_msid (SigSdpSection *section, const char *value, GError **error)
{
  if (section->msid[0] == '\0')
    (void)sig_sdp_copy_text (section->msid, sizeof section->msid, value);
  return TRUE;
}

/* "1234567 cname:x" or "1234567 msid:stream track" (RFC 5576 4.1) */
static gboolean
parse_ssrc (SigSdpSection *section, const char *value, GError **error)
{
  gsize length = strcspn (value, " ");
  const char *attribute = value + length + strspn (value + length, " ");
  guint64 ssrc;

  if (!sig_sdp_parse_number (value, length, G_MAXUINT32, &ssrc))
    return TRUE;
  if (section->ssrc == 0)
    section->ssrc = (guint32)ssrc;
  if (g_str_has_prefix (attribute, "msid:"))
    return parse_msid (section, attribute + strlen ("msid:"), error);
  return TRUE;
}

static const struct
{
  const char *name;
  AttributeFunc parse;
  gboolean at_session; /* a default for every section when it stands at session level */
} attribute_table[] = {
  { "mid", parse_mid, FALSE },
  { "ice-ufrag", parse_ice_ufrag, TRUE },
  { "ice-pwd", parse_ice_pwd, TRUE },
  { "fingerprint", parse_fingerprint, TRUE },
  { "setup", parse_setup, TRUE },
  { "extmap", parse_extmap, TRUE },
  { "rtcp", parse_rtcp, FALSE },
  { "rtcp-mux", parse_rtcp_mux, FALSE },
  { "rtcp-mux-only", parse_rtcp_mux, FALSE },
  { "bundle-only", parse_bundle_only, FALSE },
  { "crypto", parse_crypto, FALSE },
  { "ptime", parse_ptime, FALSE },
  { "maxptime", parse_maxptime, FALSE },
  { "candidate", parse_candidate, FALSE },
  { "end-of-candidates", parse_end_of_candidates, FALSE },
  { "msid", parse_msid, FALSE },
  { "ssrc", parse_ssrc, FALSE },
};

gboolean
sig_sdp_parse_attributes (SigSdpSection *section, const sdp_attribute_t *list, gboolean at_session,
                          GError **error)
{
  for (const sdp_attribute_t *a = list; a != NULL; a = a->a_next)
    for (gsize i = 0; i < G_N_ELEMENTS (attribute_table); i++)
      if (g_ascii_strcasecmp (a->a_name, attribute_table[i].name) == 0
          && (!at_session || attribute_table[i].at_session))
        {
          if (!attribute_table[i].parse (section, a->a_value != NULL ? a->a_value : "", error))
            return FALSE;
          break;
        }
  return TRUE;
}

void
sig_sdp_inherit (SigSdpSection *section, const SigSdpSection *session)
{
  if (section->ice_ufrag[0] == '\0' && section->ice_pwd[0] == '\0')
    {
      g_strlcpy (section->ice_ufrag, session->ice_ufrag, sizeof section->ice_ufrag);
      g_strlcpy (section->ice_pwd, session->ice_pwd, sizeof section->ice_pwd);
    }
  if (section->fingerprint[0] == '\0')
    g_strlcpy (section->fingerprint, session->fingerprint, sizeof section->fingerprint);
  if (section->setup == SIG_SDP_SETUP_NONE)
    section->setup = session->setup;
  if (section->ext_level_id == 0)
    {
      section->ext_level_id = session->ext_level_id;
      section->ext_level_direction = session->ext_level_direction;
    }
  if (section->ext_mid_id == 0)
    {
      section->ext_mid_id = session->ext_mid_id;
      section->ext_mid_direction = session->ext_mid_direction;
    }
}
