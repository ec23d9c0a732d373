/* From text to SigSdp. The grammar is left to sofia's parser; what follows it is bounds and meaning. Text
 * that we may write back (mid, proto, formats) is checked to be short printable ASCII here, once, so that the
 * writer can copy it. Things that only cost quality when ignored (ptime, ssrc, an odd extmap) are ignored
 * when wrong; things that decide where packets go (address, ports, ICE, DTLS) make an error. */
#include "signaling/core/sdp.h"

#include <arpa/inet.h>
#include <string.h>

#include <sofia-sip/sdp.h>

#include "config/base/error.h"
#include "signaling/core/sdp_codec.h"

#define MAX_CANDIDATE_BYTES 512

typedef gboolean (*AttributeFunc) (SigSdpSection *section, const char *value, GError **error);

G_GNUC_PRINTF (2, 3)
static gboolean
refuse (GError **error, const char *format, ...)
{
  va_list args;
  g_autofree char *text = NULL;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "SDP: %s", text);
  return FALSE;
}

/* Copies @text when it fits and is printable ASCII. */
static gboolean
copy_text (char *out, gsize size, const char *text)
{
  if (strlen (text) >= size || !sig_sdp_text_is_clean (text))
    return FALSE;
  g_strlcpy (out, text, size);
  return TRUE;
}

static gboolean
parse_number (const char *text, gsize length, guint64 max, guint64 *out)
{
  char digits[24];

  if (length == 0 || length >= sizeof digits)
    return FALSE;
  memcpy (digits, text, length);
  digits[length] = '\0';
  return g_ascii_string_to_unsigned (digits, 10, 0, max, out, NULL);
}

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

/* ---- attributes of a section, or of the session as a default for all sections ---- */

static gboolean
parse_mid (SigSdpSection *section, const char *value, GError **error)
{
  if (!is_token (value) || !copy_text (section->mid, sizeof section->mid, value))
    return refuse (error, "a=mid is not a token of at most %d characters", (int)sizeof section->mid - 1);
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
  return copy_text (out, size, value);
}

static gboolean
parse_ice_ufrag (SigSdpSection *section, const char *value, GError **error)
{
  if (!copy_ice (section->ice_ufrag, sizeof section->ice_ufrag, value, 4))
    return refuse (error, "a=ice-ufrag must be 4 to 256 ICE characters");
  return TRUE;
}

static gboolean
parse_ice_pwd (SigSdpSection *section, const char *value, GError **error)
{
  if (!copy_ice (section->ice_pwd, sizeof section->ice_pwd, value, 22))
    return refuse (error, "a=ice-pwd must be 22 to 256 ICE characters");
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
    return refuse (error, "a=fingerprint is not a hash function and pairs of hex digits");
  if (section->fingerprint[0] != '\0' && !is_sha256)
    return TRUE;
  if (!copy_text (section->fingerprint, sizeof section->fingerprint, value))
    return refuse (error, "a=fingerprint is too long");
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
    return refuse (error, "a=setup must be actpass, active or passive");
  return TRUE;
}

static gboolean
parse_extmap_direction (const char *word, gsize length, SigSdpDirection *direction)
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

  if (!parse_number (value, id_length, 14, &id) || id == 0)
    return TRUE;
  if (id_length < head && !parse_extmap_direction (value + id_length + 1, head - id_length - 1, &direction))
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

  if (!parse_number (value, strcspn (value, " "), G_MAXUINT16, &port) || port == 0)
    return refuse (error, "a=rtcp does not begin with a port number");
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
  section->has_crypto = TRUE;
  return TRUE;
}

static gboolean
parse_ptime (SigSdpSection *section, const char *value, GError **error)
{
  guint64 ms;

  if (parse_number (value, strspn (value, "0123456789"), 10000, &ms))
    section->ptime_ms = (guint)ms;
  return TRUE;
}

static gboolean
parse_maxptime (SigSdpSection *section, const char *value, GError **error)
{
  guint64 ms;

  if (parse_number (value, strspn (value, "0123456789"), 10000, &ms))
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
    (void)copy_text (section->msid, sizeof section->msid, value);
  return TRUE;
}

/* "1234567 cname:x" or "1234567 msid:stream track" (RFC 5576 4.1) */
static gboolean
parse_ssrc (SigSdpSection *section, const char *value, GError **error)
{
  gsize length = strcspn (value, " ");
  const char *attribute = value + length + strspn (value + length, " ");
  guint64 ssrc;

  if (!parse_number (value, length, G_MAXUINT32, &ssrc))
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

static gboolean
parse_attributes (SigSdpSection *section, const sdp_attribute_t *list, gboolean at_session, GError **error)
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

static void
inherit (SigSdpSection *section, const SigSdpSection *session)
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

/* ---- payload types ---- */

static void
add_payload (SigSdpSection *section, guint pt, const char *name, gulong rate, const char *channels,
             const char *fmtp)
{
  SigSdpPayload *payload = &section->payloads[section->n_payloads];
  guint64 n_channels = 1;

  if (section->n_payloads == SIG_SDP_MAX_PAYLOADS || name == NULL || *name == '\0')
    return;
  for (guint i = 0; i < section->n_payloads; i++)
    if (section->payloads[i].pt == pt)
      return;
  if (channels != NULL && *channels != '\0' && !parse_number (channels, strlen (channels), 255, &n_channels))
    return;
  if (rate == 0 || rate > 384000 || !copy_text (payload->name, sizeof payload->name, name))
    return;
  /* A codec whose parameters do not fit cannot be agreed on; the others still can. */
  payload->fmtp[0] = '\0';
  if (fmtp != NULL && !copy_text (payload->fmtp, sizeof payload->fmtp, fmtp))
    return;
  payload->pt = (guint8)pt;
  payload->rate_hz = (guint)rate;
  payload->channels = (guint)n_channels;
  section->n_payloads++;
}

/* "opus/48000/2" */
static void
add_rtpmap_text (SigSdpSection *section, guint pt, const char *rtpmap, const char *fmtp)
{
  g_auto (GStrv) parts = g_strsplit (rtpmap, "/", 3);
  guint64 rate;

  if (parts[0] == NULL || parts[1] == NULL
      || !parse_number (parts[1], strcspn (parts[1], " "), 384000, &rate))
    return;
  if (parts[2] != NULL)
    g_strchomp (parts[2]);
  add_payload (section, pt, parts[0], (gulong)rate, parts[2], fmtp);
}

/* sofia reads rtpmap and fmtp itself for RTP/AVP and RTP/SAVP only. */
static void
parse_payloads (SigSdpSection *section, const sdp_media_t *media)
{
  for (const sdp_rtpmap_t *map = media->m_rtpmaps; map != NULL; map = map->rm_next)
    add_payload (section, map->rm_pt, map->rm_encoding, map->rm_rate, map->rm_params, map->rm_fmtp);

  for (const sdp_list_t *format = media->m_format; format != NULL; format = format->l_next)
    {
      char *rtpmap = NULL, *fmtp = NULL;
      guint64 pt;

      if (section->n_payloads == SIG_SDP_MAX_PAYLOADS)
        return;
      if (!parse_number (format->l_text, strlen (format->l_text), 127, &pt))
        continue;
      sdp_attribute_mapped_find (media->m_attributes, "rtpmap", (int)pt, &rtpmap);
      sdp_attribute_mapped_find (media->m_attributes, "fmtp", (int)pt, &fmtp);
      if (rtpmap != NULL)
        add_rtpmap_text (section, (guint)pt, rtpmap, fmtp);
      else if (sdp_rtpmap_well_known[pt] != NULL)
        add_payload (section, (guint)pt, sdp_rtpmap_well_known[pt]->rm_encoding,
                     sdp_rtpmap_well_known[pt]->rm_rate, NULL, fmtp);
    }
}

/* ---- the m= and c= lines ---- */

static SigSdpProto
proto_from_text (const char *text)
{
  static const struct
  {
    const char *text;
    SigSdpProto proto;
  } protos[] = {
    { "RTP/AVP", SIG_SDP_RTP_AVP },
    { "RTP/SAVP", SIG_SDP_RTP_SAVP },
    { "RTP/AVPF", SIG_SDP_RTP_AVPF },
    { "RTP/SAVPF", SIG_SDP_RTP_SAVPF },
    { "UDP/TLS/RTP/SAVPF", SIG_SDP_DTLS_SAVPF },
    { "UDP/TLS/RTP/SAVP", SIG_SDP_DTLS_SAVPF },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (protos); i++)
    if (g_ascii_strcasecmp (protos[i].text, text) == 0)
      return protos[i].proto;
  return SIG_SDP_PROTO_OTHER;
}

static SigSdpKind
kind_from_text (const char *text)
{
  if (g_ascii_strcasecmp (text, "audio") == 0)
    return SIG_SDP_AUDIO;
  if (g_ascii_strcasecmp (text, "video") == 0)
    return SIG_SDP_VIDEO;
  if (g_ascii_strcasecmp (text, "application") == 0)
    return SIG_SDP_APPLICATION;
  return SIG_SDP_OTHER;
}

static void
append_format (SigSdpSection *section, const char *format)
{
  gsize used = strlen (section->format_text), need = strlen (format) + (used > 0 ? 1 : 0);

  if (used + need >= sizeof section->format_text)
    return;
  if (used > 0)
    g_strlcat (section->format_text, " ", sizeof section->format_text);
  g_strlcat (section->format_text, format, sizeof section->format_text);
}

/* As many whole formats as fit: a refused m-line must name at least one, and they mean nothing
 * (RFC 3264 6). */
static gboolean
parse_formats (SigSdpSection *section, const sdp_media_t *media, GError **error)
{
  for (const sdp_list_t *format = media->m_format; format != NULL; format = format->l_next)
    {
      if (!sig_sdp_text_is_clean (format->l_text))
        return refuse (error, "an m= line has a format that is not printable");
      append_format (section, format->l_text);
    }
  for (const sdp_rtpmap_t *map = media->m_rtpmaps; map != NULL; map = map->rm_next)
    {
      char pt[8];

      g_snprintf (pt, sizeof pt, "%u", (guint)map->rm_pt);
      append_format (section, pt);
    }
  if (section->format_text[0] == '\0')
    return refuse (error, "an m= line has no format");
  return TRUE;
}

static gboolean
host_is_valid (const char *host)
{
  if (*host == '\0' || *host == '-' || *host == '.')
    return FALSE;
  for (const char *p = host; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && *p != '-' && *p != '.' && *p != '_')
      return FALSE;
  return TRUE;
}

static gboolean
parse_connection (SigSdpSection *section, const sdp_media_t *media, GError **error)
{
  const sdp_connection_t *c = sdp_media_connections (media);
  struct in6_addr v6;
  struct in_addr v4;

  if (c == NULL)
    return TRUE; /* refused in the planning, unless this section is not wanted */
  if (c->c_address == NULL || !copy_text (section->address, sizeof section->address, c->c_address))
    return refuse (error, "c= has no usable address");
  section->is_ipv6 = inet_pton (AF_INET6, section->address, &v6) == 1;
  if (section->is_ipv6)
    return IN6_IS_ADDR_MULTICAST (&v6) ? refuse (error, "c= names a multicast address") : TRUE;
  if (inet_pton (AF_INET, section->address, &v4) == 1)
    {
      /* 224.0.0.0 and above: multicast, reserved, broadcast */
      return ntohl (v4.s_addr) >= 0xe0000000u ? refuse (error, "c= names a multicast or broadcast address")
                                              : TRUE;
    }
  section->is_ipv6 = c->c_addrtype == sdp_addr_ip6;
  return host_is_valid (section->address) ? TRUE : refuse (error, "c= names neither an address nor a host");
}

static gboolean
address_is_unspecified (const char *address)
{
  struct in6_addr v6;
  struct in_addr v4;

  if (inet_pton (AF_INET, address, &v4) == 1)
    return v4.s_addr == 0;
  return inet_pton (AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_UNSPECIFIED (&v6);
}

static gboolean
parse_section (SigSdpSection *section, const sdp_media_t *media, const SigSdpSection *session, GError **error)
{
  if (!copy_text (section->kind_text, sizeof section->kind_text, media->m_type_name)
      || !copy_text (section->proto_text, sizeof section->proto_text, media->m_proto_name))
    return refuse (error, "an m= line has a media type or protocol that is too long or not printable");
  section->kind = kind_from_text (section->kind_text);
  section->proto = proto_from_text (section->proto_text);
  if (media->m_port > G_MAXUINT16)
    return refuse (error, "an m= line has port %lu", media->m_port);
  section->port = (guint16)media->m_port;
  section->direction = (SigSdpDirection)media->m_mode;
  if (!parse_formats (section, media, error) || !parse_connection (section, media, error)
      || !parse_attributes (section, media->m_attributes, FALSE, error))
    return FALSE;
  inherit (section, session);
  if (section->kind == SIG_SDP_AUDIO)
    parse_payloads (section, media);

  /* The old way to hold (RFC 3264 8.4). With ICE, 0.0.0.0 only says that the address comes later. */
  if (section->ice_ufrag[0] == '\0' && address_is_unspecified (section->address))
    section->direction = (SigSdpDirection)(section->direction & ~SIG_SDP_RECVONLY);
  if (section->rtcp_mux)
    section->rtcp_port = section->port;
  else if (section->rtcp_port == 0 && section->port != 0 && section->port < G_MAXUINT16)
    section->rtcp_port = (guint16)(section->port + 1);
  return TRUE;
}

/* ---- the session ---- */

static gboolean
parse_groups (SigSdp *sdp, const sdp_attribute_t *list, GError **error)
{
  for (const sdp_attribute_t *a = list; a != NULL; a = a->a_next)
    {
      const char *mids;

      if (g_ascii_strcasecmp (a->a_name, "group") != 0 || a->a_value == NULL || sdp->bundle[0] != '\0'
          || g_ascii_strncasecmp (a->a_value, "BUNDLE", 6) != 0)
        continue;
      mids = a->a_value + 6;
      if (*mids != ' ' && *mids != '\0')
        continue;
      if (!copy_text (sdp->bundle, sizeof sdp->bundle, mids + strspn (mids, " ")))
        return refuse (error, "a=group:BUNDLE is too long");
    }
  return TRUE;
}

static gboolean
has_word (const char *text, const char *word)
{
  return text != NULL && sig_sdp_mid_in_group (text, word);
}

static gboolean
parse_session (SigSdp *sdp, const sdp_session_t *session, GError **error)
{
  g_autofree SigSdpSection *defaults = g_new0 (SigSdpSection, 1);
  const sdp_media_t *media;

  sdp->session_id = session->sdp_origin->o_id;
  sdp->version = session->sdp_origin->o_version;
  for (const sdp_attribute_t *a = session->sdp_attributes; a != NULL; a = a->a_next)
    {
      sdp->ice_lite |= g_ascii_strcasecmp (a->a_name, "ice-lite") == 0;
      sdp->trickle |= g_ascii_strcasecmp (a->a_name, "ice-options") == 0 && has_word (a->a_value, "trickle");
    }
  if (!parse_groups (sdp, session->sdp_attributes, error)
      || !parse_attributes (defaults, session->sdp_attributes, TRUE, error))
    return FALSE;
  for (media = session->sdp_media; media != NULL; media = media->m_next)
    sdp->n_sections++;
  if (sdp->n_sections == 0 || sdp->n_sections > SIG_SDP_MAX_SECTIONS)
    {
      guint n = sdp->n_sections;

      sdp->n_sections = 0;
      return refuse (error, "%u m= lines (1 to %d are taken)", n, SIG_SDP_MAX_SECTIONS);
    }
  sdp->sections = g_new0 (SigSdpSection, sdp->n_sections);
  media = session->sdp_media;
  for (guint i = 0; i < sdp->n_sections; i++, media = media->m_next)
    {
      if (!parse_section (&sdp->sections[i], media, defaults, error))
        return FALSE;
      for (const sdp_attribute_t *a = media->m_attributes; a != NULL; a = a->a_next)
        sdp->trickle
            |= g_ascii_strcasecmp (a->a_name, "ice-options") == 0 && has_word (a->a_value, "trickle");
      for (guint j = 0; j < i; j++)
        if (sdp->sections[i].mid[0] != '\0' && strcmp (sdp->sections[i].mid, sdp->sections[j].mid) == 0)
          return refuse (error, "two sections have a=mid:%s", sdp->sections[i].mid);
    }
  return TRUE;
}

static gboolean
check_bytes (const char *text, gsize size, GError **error)
{
  if (size == 0)
    return refuse (error, "empty");
  if (size > SIG_SDP_MAX_BYTES)
    return refuse (error, "longer than %d bytes", SIG_SDP_MAX_BYTES);
  for (gsize i = 0; i < size; i++)
    if ((g_ascii_iscntrl (text[i]) && text[i] != '\r' && text[i] != '\n' && text[i] != '\t')
        || text[i] == '\0')
      return refuse (error, "control character 0x%02x at byte %" G_GSIZE_FORMAT, (guint)(guint8)text[i], i);
  return TRUE;
}

SigSdp *
sig_sdp_parse (const char *text, gsize size, GError **error)
{
  g_autoptr (SigSdp) sdp = NULL;
  sdp_parser_t *parser;
  sdp_session_t *session;
  gboolean ok = FALSE;

  if (!check_bytes (text, size, error))
    return NULL;
  sdp = g_new0 (SigSdp, 1);
  parser = sdp_parse (NULL, text, (issize_t)size, sdp_f_c_missing);
  session = sdp_session (parser);
  if (session == NULL)
    refuse (error, "%s", sdp_parsing_error (parser));
  else
    ok = parse_session (sdp, session, error);
  sdp_parser_free (parser);
  return ok ? g_steal_pointer (&sdp) : NULL;
}

void
sig_sdp_free (SigSdp *sdp)
{
  if (sdp == NULL)
    return;
  for (guint i = 0; i < sdp->n_sections; i++)
    for (guint j = 0; j < sdp->sections[i].n_candidates; j++)
      g_free (sdp->sections[i].candidates[j]);
  g_free (sdp->sections);
  g_free (sdp);
}
