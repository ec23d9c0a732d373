/* From text to SigSdp. The grammar is left to sofia's parser; what follows it is bounds and meaning. Text
 * that we may write back (mid, proto, formats) is checked to be short printable ASCII here, once, so that the
 * writer can copy it. Things that only cost quality when ignored (ptime, ssrc, an odd extmap) are ignored
 * when wrong; things that decide where packets go (address, ports, ICE, DTLS) make an error. */
#include "signaling/core/sdp_private.h"

#include <arpa/inet.h>
#include <string.h>

#include "config/base/error.h"
#include "signaling/core/sdp_codec.h"

/* ---- payload types ---- */

static void
add_payload (SigSdpSection *section, guint pt, const char *name, gulong rate, const char *channels,
             const char *fmtp)
{
  SigSdpPayload payload = { .pt = (guint8)pt, .rate_hz = (guint)rate };
  guint64 n_channels = 1;

  if (section->n_payloads == SIG_SDP_MAX_PAYLOADS || name == NULL || *name == '\0')
    return;
  for (guint i = 0; i < section->n_payloads; i++)
    if (section->payloads[i].pt == pt)
      return;
  if (channels != NULL && *channels != '\0'
      && !sig_sdp_parse_number (channels, strlen (channels), 255, &n_channels))
    return;
  if (rate == 0 || rate > 384000 || !sig_sdp_copy_text (payload.name, sizeof payload.name, name))
    return;
  /* A codec whose parameters do not fit cannot be agreed on; the others still can. */
  if (fmtp != NULL && !sig_sdp_copy_text (payload.fmtp, sizeof payload.fmtp, fmtp))
    return;
  payload.channels = (guint)n_channels;
  section->payloads = g_renew (SigSdpPayload, section->payloads, section->n_payloads + 1);
  section->payloads[section->n_payloads++] = payload;
}

/* "opus/48000/2" */
static void
add_rtpmap_text (SigSdpSection *section, guint pt, const char *rtpmap, const char *fmtp)
{
  g_auto (GStrv) parts = g_strsplit (rtpmap, "/", 3);
  guint64 rate;

  if (parts[0] == NULL || parts[1] == NULL
      || !sig_sdp_parse_number (parts[1], strcspn (parts[1], " "), 384000, &rate))
    return;
  if (parts[2] != NULL)
    g_strchomp (parts[2]);
  add_payload (section, pt, parts[0], (gulong)rate, parts[2], fmtp);
}

/* The value of "a=name:PT value". (sofia's own search falls over an attribute without a value.) */
static const char *
find_mapped (const sdp_attribute_t *list, const char *name, guint64 pt)
{
  for (const sdp_attribute_t *a = list; a != NULL; a = a->a_next)
    {
      gsize length = a->a_value != NULL ? strcspn (a->a_value, " ") : 0;
      guint64 number;

      if (length > 0 && g_ascii_strcasecmp (a->a_name, name) == 0
          && sig_sdp_parse_number (a->a_value, length, 127, &number) && number == pt)
        return a->a_value + length + strspn (a->a_value + length, " ");
    }
  return NULL;
}

/* sofia reads rtpmap and fmtp itself for RTP/AVP and RTP/SAVP only. */
static void
parse_payloads (SigSdpSection *section, const sdp_media_t *media)
{
  for (const sdp_rtpmap_t *map = media->m_rtpmaps; map != NULL; map = map->rm_next)
    add_payload (section, map->rm_pt, map->rm_encoding, map->rm_rate, map->rm_params, map->rm_fmtp);

  for (const sdp_list_t *format = media->m_format; format != NULL; format = format->l_next)
    {
      const char *rtpmap, *fmtp;
      guint64 pt;

      if (section->n_payloads == SIG_SDP_MAX_PAYLOADS)
        return;
      if (!sig_sdp_parse_number (format->l_text, strlen (format->l_text), 127, &pt))
        continue;
      rtpmap = find_mapped (media->m_attributes, "rtpmap", pt);
      fmtp = find_mapped (media->m_attributes, "fmtp", pt);
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
        return sig_sdp_refuse (error, "an m= line has a format that is not printable");
      append_format (section, format->l_text);
    }
  for (const sdp_rtpmap_t *map = media->m_rtpmaps; map != NULL; map = map->rm_next)
    {
      char pt[8];

      g_snprintf (pt, sizeof pt, "%u", (guint)map->rm_pt);
      append_format (section, pt);
    }
  if (section->format_text[0] == '\0')
    return sig_sdp_refuse (error, "an m= line has no format");
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
  if (c->c_address == NULL || !sig_sdp_copy_text (section->address, sizeof section->address, c->c_address))
    return sig_sdp_refuse (error, "c= has no usable address");
  section->is_ipv6 = inet_pton (AF_INET6, section->address, &v6) == 1;
  if (section->is_ipv6)
    return IN6_IS_ADDR_MULTICAST (&v6) ? sig_sdp_refuse (error, "c= names a multicast address") : TRUE;
  if (inet_pton (AF_INET, section->address, &v4) == 1)
    {
      /* 224.0.0.0 and above: multicast, reserved, broadcast */
      return ntohl (v4.s_addr) >= 0xe0000000u
                 ? sig_sdp_refuse (error, "c= names a multicast or broadcast address")
                 : TRUE;
    }
  section->is_ipv6 = c->c_addrtype == sdp_addr_ip6;
  return host_is_valid (section->address) ? TRUE
                                          : sig_sdp_refuse (error, "c= names neither an address nor a host");
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

/* The last direction attribute of a list wins; without one, @otherwise (RFC 8866 6.7). */
static SigSdpDirection
direction_of (const sdp_attribute_t *list, SigSdpDirection otherwise)
{
  for (const sdp_attribute_t *a = list; a != NULL; a = a->a_next)
    sig_sdp_parse_direction (a->a_name, strlen (a->a_name), &otherwise);
  return otherwise;
}

static gboolean
parse_section (SigSdpSection *section, const sdp_media_t *media, const SigSdpSection *session, GError **error)
{
  if (!sig_sdp_copy_text (section->kind_text, sizeof section->kind_text, media->m_type_name)
      || !sig_sdp_copy_text (section->proto_text, sizeof section->proto_text, media->m_proto_name))
    return sig_sdp_refuse (error,
                           "an m= line has a media type or protocol that is too long or not printable");
  section->kind = kind_from_text (section->kind_text);
  section->proto = proto_from_text (section->proto_text);
  if (media->m_port > G_MAXUINT16)
    return sig_sdp_refuse (error, "an m= line has port %lu", media->m_port);
  section->port = (guint16)media->m_port;
  section->direction = direction_of (media->m_attributes, session->direction);
  if (!parse_formats (section, media, error) || !parse_connection (section, media, error)
      || !sig_sdp_parse_attributes (section, media->m_attributes, FALSE, error))
    return FALSE;
  sig_sdp_inherit (section, session);
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
      if (!sig_sdp_copy_text (sdp->bundle, sizeof sdp->bundle, mids + strspn (mids, " ")))
        return sig_sdp_refuse (error, "a=group:BUNDLE is too long");
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
      || !sig_sdp_parse_attributes (defaults, session->sdp_attributes, TRUE, error))
    return FALSE;
  defaults->direction = direction_of (session->sdp_attributes, SIG_SDP_SENDRECV);
  for (media = session->sdp_media; media != NULL; media = media->m_next)
    sdp->n_sections++;
  if (sdp->n_sections == 0 || sdp->n_sections > SIG_SDP_MAX_SECTIONS)
    {
      guint n = sdp->n_sections;

      sdp->n_sections = 0;
      return sig_sdp_refuse (error, "%u m= lines (1 to %d are taken)", n, SIG_SDP_MAX_SECTIONS);
    }
  sdp->sections = g_new0 (SigSdpSection, sdp->n_sections);
  media = session->sdp_media;
  for (guint i = 0; media != NULL && i < sdp->n_sections; i++, media = media->m_next)
    {
      if (!parse_section (&sdp->sections[i], media, defaults, error))
        return FALSE;
      for (const sdp_attribute_t *a = media->m_attributes; a != NULL; a = a->a_next)
        sdp->trickle
            |= g_ascii_strcasecmp (a->a_name, "ice-options") == 0 && has_word (a->a_value, "trickle");
      for (guint j = 0; j < i; j++)
        if (sdp->sections[i].mid[0] != '\0' && strcmp (sdp->sections[i].mid, sdp->sections[j].mid) == 0)
          return sig_sdp_refuse (error, "two sections have a=mid:%s", sdp->sections[i].mid);
    }
  return TRUE;
}

SigSdp *
sig_sdp_parse (const char *text, gsize size, GError **error)
{
  g_autoptr (SigSdp) sdp = NULL;
  g_autofree char *lines = NULL;
  sdp_parser_t *parser;
  sdp_session_t *session;
  gboolean ok = FALSE;

  if (!sig_sdp_check_bytes (text, size, error))
    return NULL;
  lines = sig_sdp_essential_lines (text, size, error);
  if (lines == NULL)
    return NULL;
  sdp = g_new0 (SigSdp, 1);
  parser = sdp_parse (NULL, lines, (issize_t)strlen (lines), sdp_f_c_missing | sdp_f_mode_manual);
  session = sdp_session (parser);
  if (session == NULL)
    {
      g_autofree char *words = g_utf8_make_valid (sdp_parsing_error (parser), -1);

      sig_sdp_refuse (error, "%s", words);
    }
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
    {
      SigSdpSection *section = &sdp->sections[i];

      for (guint j = 0; j < section->n_candidates; j++)
        g_free (section->candidates[j]);
      if (section->crypto != NULL)
        explicit_bzero (section->crypto, SIG_SDP_MAX_CRYPTO * sizeof *section->crypto);
      g_free (section->crypto);
      g_free (section->payloads);
    }
  g_free (sdp->sections);
  g_free (sdp);
}
