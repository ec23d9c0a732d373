/* From a plan to text. Nothing here can fail and nothing is decided here: what the peer's text contributes
 * was checked by the parser, what we contribute comes from our own transports. */
#include "signaling/core/sdp.h"

#include <string.h>

#include "signaling/core/sdp_codec.h"
#include "signaling/core/sdp_crypto.h"

#define MAX_PTIME_MS 60u

static const char *
direction_text (SigSdpDirection direction)
{
  static const char *const words[] = { "inactive", "sendonly", "recvonly", "sendrecv" };

  return words[direction];
}

static const char *
address_family (const char *address)
{
  return strchr (address, ':') != NULL ? "IP6" : "IP4";
}

static void
write_session (GString *out, const SigSdpLocal *local, gboolean webrtc)
{
  const char *address = local->address != NULL ? local->address : "127.0.0.1";

  g_string_append_printf (
      out, "v=0\r\no=switchroom %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " IN %s %s\r\ns=-\r\n",
      local->session_id, local->version, address_family (address), address);
  if (!webrtc)
    g_string_append_printf (out, "c=IN %s %s\r\n", address_family (address), address);
  g_string_append (out, "t=0 0\r\n");
}

static void
write_rtpmap (GString *out, guint pt, const SigSdpCodec *codec)
{
  g_string_append_printf (out, "a=rtpmap:%u %s/%u", pt, codec->name, codec->rate_hz);
  if (codec->channels > 1)
    g_string_append_printf (out, "/%u", codec->channels);
  g_string_append (out, "\r\n");
  if (codec->fmtp != NULL)
    g_string_append_printf (out, "a=fmtp:%u %s\r\n", pt, codec->fmtp);
}

static void
write_dtmf (GString *out, guint pt, guint rate_hz)
{
  g_string_append_printf (out, "a=rtpmap:%u telephone-event/%u\r\na=fmtp:%u 0-15\r\n", pt, rate_hz, pt);
}

static guint
offered_rate (const SigSdpSection *section, guint pt)
{
  for (guint i = 0; i < section->n_payloads; i++)
    if (section->payloads[i].pt == pt)
      return section->payloads[i].rate_hz;
  return 8000;
}

/* A port that is not RTP's next one is said (RFC 3605). */
static void
write_rtcp (GString *out, const SigSdpLocal *local, gboolean mux)
{
  if (mux)
    g_string_append (out, "a=rtcp-mux\r\n");
  else if (local->rtcp_port != 0 && local->rtcp_port != local->rtp_port + 1)
    g_string_append_printf (out, "a=rtcp:%u\r\n", local->rtcp_port);
}

static void
write_refused (GString *out, const SigSdpSection *offered, gboolean webrtc)
{
  g_string_append_printf (out, "m=%s 0 %s %s\r\n", offered->kind_text, offered->proto_text,
                          offered->format_text);
  if (webrtc)
    g_string_append (out, "c=IN IP4 0.0.0.0\r\n");
  if (offered->mid[0] != '\0')
    g_string_append_printf (out, "a=mid:%s\r\n", offered->mid);
  g_string_append (out, "a=inactive\r\n");
}

static void
write_payloads (GString *out, const SigSdpSection *offered, const SigSdpPlanSection *plan)
{
  for (guint i = 0; i < plan->n_codecs; i++)
    write_rtpmap (out, plan->codecs[i].recv_pt, sig_sdp_codec_find (plan->codecs[i].codec));
  if (plan->cn_pt != 0)
    g_string_append_printf (out, "a=rtpmap:%u CN/8000\r\n", plan->cn_pt);
  for (guint i = 0; i < plan->n_dtmf_recv_pts; i++)
    write_dtmf (out, plan->dtmf_recv_pts[i], offered_rate (offered, plan->dtmf_recv_pts[i]));
}

static void
write_m_line (GString *out, const SigSdpSection *offered, const SigSdpPlanSection *plan, guint port)
{
  g_string_append_printf (out, "m=%s %u %s", offered->kind_text, port, offered->proto_text);
  for (guint i = 0; i < plan->n_codecs; i++)
    g_string_append_printf (out, " %u", plan->codecs[i].recv_pt);
  if (plan->cn_pt != 0)
    g_string_append_printf (out, " %u", plan->cn_pt);
  for (guint i = 0; i < plan->n_dtmf_recv_pts; i++)
    g_string_append_printf (out, " %u", plan->dtmf_recv_pts[i]);
  g_string_append (out, "\r\n");
}

static void
write_extension (GString *out, guint id, SigSdpDirection direction, const char *uri)
{
  if (id == 0)
    return;
  g_string_append_printf (out, "a=extmap:%u%s%s %s\r\n", id, direction == SIG_SDP_SENDRECV ? "" : "/",
                          direction == SIG_SDP_SENDRECV ? "" : direction_text (direction), uri);
}

static void
write_ssrc (GString *out, const SigSdpLocal *local, const SigSdpLocalSection *section,
            SigSdpDirection direction)
{
  if ((direction & SIG_SDP_SENDONLY) == 0)
    return;
  if (section->msid[0] != '\0')
    g_string_append_printf (out, "a=msid:%s\r\n", section->msid);
  if (section->ssrc == 0)
    return;
  g_string_append_printf (out, "a=ssrc:%u cname:%s\r\n", section->ssrc,
                          local->cname != NULL ? local->cname : "switchroom");
  if (section->msid[0] != '\0')
    g_string_append_printf (out, "a=ssrc:%u msid:%s\r\n", section->ssrc, section->msid);
}

static void
write_transport (GString *out, const SigSdpPlan *plan, const SigSdpLocal *local, gboolean with_candidates)
{
  g_string_append_printf (out, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s\r\na=setup:%s\r\n",
                          local->ice_ufrag != NULL ? local->ice_ufrag : "",
                          local->ice_pwd != NULL ? local->ice_pwd : "",
                          local->fingerprint != NULL ? local->fingerprint : "",
                          plan->local_setup == SIG_SDP_SETUP_ACTIVE ? "active" : "passive");
  if (!with_candidates)
    return;
  for (gsize i = 0; local->candidates != NULL && local->candidates[i] != NULL; i++)
    g_string_append_printf (out, "a=%s\r\n", local->candidates[i]);
  if (local->end_of_candidates)
    g_string_append (out, "a=end-of-candidates\r\n");
}

static void
write_webrtc_section (GString *out, const SigSdp *offer, const SigSdpPlan *plan, const SigSdpLocal *local,
                      guint i)
{
  static const SigSdpLocalSection nothing = { 0 };
  const SigSdpPlanSection *planned = &plan->sections[i];
  const SigSdpLocalSection *section = i < local->n_sections ? &local->sections[i] : &nothing;

  /* 9 and 0.0.0.0: the address is what ICE finds (RFC 8840 4.1.3). */
  write_m_line (out, &offer->sections[i], planned, 9);
  g_string_append (out, "c=IN IP4 0.0.0.0\r\n");
  if (planned->mid[0] != '\0')
    g_string_append_printf (out, "a=mid:%s\r\n", planned->mid);
  g_string_append_printf (out, "a=%s\r\na=rtcp-mux\r\n", direction_text (planned->direction));
  write_transport (out, plan, local, (int)i == plan->first_audio);
  write_extension (out, planned->ext_level_id, planned->ext_level_direction, SIG_SDP_URI_LEVEL);
  write_extension (out, planned->ext_mid_id, planned->ext_mid_direction, SIG_SDP_URI_MID);
  write_payloads (out, &offer->sections[i], planned);
  if (planned->ptime_ms != 20)
    g_string_append_printf (out, "a=ptime:%u\r\n", planned->ptime_ms);
  write_ssrc (out, local, section, planned->direction);
}

static void
write_sip_section (GString *out, const SigSdpSection *offered, const SigSdpPlanSection *planned,
                   const SigSdpLocal *local)
{
  write_m_line (out, offered, planned, local->rtp_port);
  if (planned->mid[0] != '\0')
    g_string_append_printf (out, "a=mid:%s\r\n", planned->mid);
  write_payloads (out, offered, planned);
  g_string_append_printf (out, "a=ptime:%u\r\na=maxptime:%u\r\n", planned->ptime_ms, MAX_PTIME_MS);
  write_rtcp (out, local, planned->rtcp_mux);
  if (planned->encrypted)
    {
      const SigSdpCrypto *ours = sig_sdp_crypto_find (local->crypto, local->n_crypto, planned->crypto.suite);

      g_assert (ours != NULL);
      sig_sdp_crypto_write (out, planned->crypto.tag, ours);
    }
  g_string_append_printf (out, "a=%s\r\n", direction_text (planned->direction));
}

/* The accepted mids, in the order of the offered group (RFC 8843 7.3). */
static void
write_bundle (GString *out, const SigSdp *offer, const SigSdpPlan *plan)
{
  g_auto (GStrv) mids = g_strsplit (offer->bundle, " ", -1);

  if (!plan->bundled)
    return;
  g_string_append (out, "a=group:BUNDLE");
  for (gsize m = 0; mids[m] != NULL; m++)
    for (guint i = 0; i < plan->n_sections; i++)
      if (plan->sections[i].accepted && strcmp (plan->sections[i].mid, mids[m]) == 0)
        g_string_append_printf (out, " %s", mids[m]);
  g_string_append (out, "\r\n");
}

/* An accepted section always has a transport of its own kind, so its proto tells which kind of answer this
 * is. */
static gboolean
plan_is_webrtc (const SigSdpPlan *plan)
{
  return plan->remote_fingerprint[0] != '\0';
}

char *
sig_sdp_write_answer (const SigSdp *offer, const SigSdpPlan *plan, const SigSdpLocal *local)
{
  g_autoptr (GString) out = g_string_sized_new (2048);
  gboolean webrtc = plan_is_webrtc (plan);

  write_session (out, local, webrtc);
  write_bundle (out, offer, plan);
  if (webrtc && plan->trickle)
    g_string_append (out, "a=ice-options:trickle\r\n");
  if (webrtc)
    g_string_append (out, "a=msid-semantic:WMS *\r\n");
  for (guint i = 0; i < plan->n_sections; i++)
    if (!plan->sections[i].accepted)
      write_refused (out, &offer->sections[i], webrtc);
    else if (webrtc)
      write_webrtc_section (out, offer, plan, local, i);
    else
      write_sip_section (out, &offer->sections[i], &plan->sections[i], local);
  return g_strndup (out->str, out->len); /* it stays as long as the call: no longer than it is */
}

/* ---- offers ---- */

static gboolean
policy_has_rate (const SigSdpPolicy *policy, guint rate_hz)
{
  for (gsize i = 0; policy->codecs[i] != NULL; i++)
    {
      const SigSdpCodec *codec = sig_sdp_codec_find (policy->codecs[i]);

      if (codec != NULL && codec->rate_hz == rate_hz)
        return TRUE;
    }
  return FALSE;
}

/* Tags from 1, in our order of suites: the answer's tag tells which one it takes. */
static void
write_offered_crypto (GString *out, const SigSdpLocal *local)
{
  gboolean is_offered;
  const char *suite;
  guint32 tag = 0;

  for (guint i = 0; (suite = sig_sdp_crypto_suite (i, &is_offered)) != NULL; i++)
    {
      const SigSdpCrypto *ours;

      if (!is_offered)
        continue;
      ours = sig_sdp_crypto_find (local->crypto, local->n_crypto, suite);
      g_assert (ours != NULL);
      sig_sdp_crypto_write (out, ++tag, ours);
    }
}

static void
write_offer_section (GString *out, const SigSdpPolicy *policy, const SigSdpLocal *local,
                     const SigSdpLocalSection *section)
{
  gboolean dtmf_8k = policy->telephone_event && policy_has_rate (policy, 8000);
  gboolean dtmf_48k = policy->telephone_event && policy_has_rate (policy, 48000);
  gboolean cn = policy->comfort_noise && policy_has_rate (policy, 8000);
  g_autoptr (GString) maps = g_string_new (NULL);

  g_string_append_printf (out, "m=audio %u RTP/%s", local->rtp_port,
                          policy->encryption == SIG_SDP_ENCRYPT_REQUIRE ? "SAVP" : "AVP");
  for (gsize i = 0; policy->codecs[i] != NULL; i++)
    {
      const SigSdpCodec *codec = sig_sdp_codec_find (policy->codecs[i]);

      if (codec == NULL)
        continue;
      g_string_append_printf (out, " %u", codec->offer_pt);
      write_rtpmap (maps, codec->offer_pt, codec);
    }
  if (cn)
    {
      g_string_append_printf (out, " %d", SIG_SDP_PT_CN);
      g_string_append_printf (maps, "a=rtpmap:%d CN/8000\r\n", SIG_SDP_PT_CN);
    }
  if (dtmf_8k)
    {
      g_string_append_printf (out, " %d", SIG_SDP_PT_DTMF_8K);
      write_dtmf (maps, SIG_SDP_PT_DTMF_8K, 8000);
    }
  if (dtmf_48k)
    {
      g_string_append_printf (out, " %d", SIG_SDP_PT_DTMF_48K);
      write_dtmf (maps, SIG_SDP_PT_DTMF_48K, 48000);
    }
  g_string_append (out, "\r\n");
  if (section->mid[0] != '\0')
    g_string_append_printf (out, "a=mid:%s\r\n", section->mid);
  g_string_append (out, maps->str);
  g_string_append_printf (out, "a=ptime:%u\r\na=maxptime:%u\r\n",
                          policy->ptime_ms != 0 ? policy->ptime_ms : 20, MAX_PTIME_MS);
  write_rtcp (out, local, FALSE);
  if (policy->rtcp_mux)
    g_string_append (out, "a=rtcp-mux\r\n");
  if (policy->encryption >= SIG_SDP_ENCRYPT_ALLOW)
    write_offered_crypto (out, local);
  g_string_append_printf (out, "a=%s\r\n", direction_text (section->direction));
}

char *
sig_sdp_write_offer (const SigSdpPolicy *policy, const SigSdpLocal *local)
{
  g_autoptr (GString) out = g_string_sized_new (1024);

  write_session (out, local, FALSE);
  for (guint i = 0; i < local->n_sections; i++)
    write_offer_section (out, policy, local, &local->sections[i]);
  return g_string_free (g_steal_pointer (&out), FALSE);
}
