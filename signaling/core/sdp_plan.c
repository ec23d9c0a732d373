/* What is agreed: from an offer and our policy to the plan of an answer, or from the peer's answer to our
 * offer to the plan of the call. Codecs, directions and packet times by RFC 3264; the WebRTC side by RFC 8829
 * and RFC 8843 (BUNDLE), where one transport carries everything that is accepted. */
#include "signaling/core/sdp.h"

#include <string.h>

#include "config/base/error.h"
#include "signaling/core/sdp_codec.h"
#include "signaling/core/sdp_crypto.h"

#define MIN_PTIME_MS 10
#define MAX_PTIME_MS 60

/* Why a section was not accepted; the first reason becomes the error when nothing is. */
typedef struct
{
  CfgErrorCode code;
  char text[256];
} Reason;

G_GNUC_PRINTF (3, 4)
static gboolean
decline (Reason *reason, CfgErrorCode code, const char *format, ...)
{
  va_list args;

  if (reason->text[0] != '\0')
    return FALSE;
  reason->code = code;
  va_start (args, format);
  g_vsnprintf (reason->text, sizeof reason->text, format, args);
  va_end (args);
  return FALSE;
}

/* ---- codecs ---- */

/* RFC 5761 4: with RTP and RTCP on one port, these payload types look like RTCP packet types. */
static gboolean
pt_is_usable (const SigSdpSection *section, guint8 pt)
{
  return !section->rtcp_mux || pt < 64 || pt > 95;
}

static gboolean
payload_is (const SigSdpPayload *payload, const SigSdpCodec *codec)
{
  if (g_ascii_strcasecmp (payload->name, codec->name) != 0)
    return FALSE;
  /* sofia's table of static types has the sampling rate of G722, 16000, instead of its clock rate. */
  if (payload->rate_hz != codec->rate_hz && !(payload->pt == 9 && payload->rate_hz == 16000))
    return FALSE;
  /* Opus is written opus/48000/2 always (RFC 7587 7); some forget the 2. */
  return codec->channels == 2 || payload->channels == 1;
}

static void
add_codec (SigSdpPlanSection *plan, const char *name, const SigSdpCodec *codec, const SigSdpPayload *payload)
{
  SigSdpPlanCodec *agreed = &plan->codecs[plan->n_codecs];

  if (plan->n_codecs == G_N_ELEMENTS (plan->codecs))
    return;
  for (guint i = 0; i < plan->n_codecs; i++)
    if (g_ascii_strcasecmp (plan->codecs[i].codec, name) == 0)
      return;
  g_strlcpy (agreed->codec, name, sizeof agreed->codec);
  agreed->send_pt = agreed->recv_pt = payload->pt;
  agreed->rate_hz = codec->rate_hz;
  agreed->channels = codec->channels;
  g_strlcpy (agreed->remote_fmtp, payload->fmtp, sizeof agreed->remote_fmtp);
  plan->n_codecs++;
}

static void
plan_codecs_in_our_order (const SigSdpSection *section, const SigSdpPolicy *policy, SigSdpPlanSection *plan)
{
  for (gsize i = 0; policy->codecs[i] != NULL; i++)
    {
      const SigSdpCodec *codec = sig_sdp_codec_find (policy->codecs[i]);

      for (guint p = 0; codec != NULL && p < section->n_payloads; p++)
        if (payload_is (&section->payloads[p], codec) && pt_is_usable (section, section->payloads[p].pt))
          {
            add_codec (plan, policy->codecs[i], codec, &section->payloads[p]);
            break;
          }
    }
}

static void
plan_codecs_in_peer_order (const SigSdpSection *section, const SigSdpPolicy *policy, SigSdpPlanSection *plan)
{
  for (guint p = 0; p < section->n_payloads; p++)
    for (gsize i = 0; policy->codecs[i] != NULL; i++)
      {
        const SigSdpCodec *codec = sig_sdp_codec_find (policy->codecs[i]);

        if (codec != NULL && payload_is (&section->payloads[p], codec)
            && pt_is_usable (section, section->payloads[p].pt))
          {
            add_codec (plan, policy->codecs[i], codec, &section->payloads[p]);
            break;
          }
      }
}

static gboolean
plan_has_rate (const SigSdpPlanSection *plan, guint rate_hz)
{
  for (guint i = 0; i < plan->n_codecs; i++)
    if (plan->codecs[i].rate_hz == rate_hz)
      return TRUE;
  return FALSE;
}

static void
add_dtmf_recv (SigSdpPlanSection *plan, guint8 pt, guint rate_hz)
{
  plan->dtmf_recv_pts[plan->n_dtmf_recv_pts] = pt;
  plan->dtmf_recv_rates_hz[plan->n_dtmf_recv_pts++] = rate_hz;
}

static void
add_dtmf (SigSdpPlanSection *plan, const SigSdpPayload *payload)
{
  if (plan->n_dtmf_recv_pts == G_N_ELEMENTS (plan->dtmf_recv_pts))
    return;
  if (plan->n_dtmf_recv_pts == 0
      || (plan->dtmf_rate_hz != plan->codecs[0].rate_hz && payload->rate_hz == plan->codecs[0].rate_hz))
    {
      plan->dtmf_send_pt = plan->dtmf_recv_pt = payload->pt;
      plan->dtmf_rate_hz = payload->rate_hz;
    }
  add_dtmf_recv (plan, payload->pt, payload->rate_hz);
}

/* RFC 4733 2.1: telephone-event shares the clock of the audio. Peers that offer Opus with events at 8000 only
 * are common; then the first one is taken at its own rate. */
static void
plan_dtmf (const SigSdpSection *section, SigSdpPlanSection *plan)
{
  const SigSdpPayload *other = NULL;

  for (guint p = 0; p < section->n_payloads; p++)
    {
      const SigSdpPayload *payload = &section->payloads[p];

      if (g_ascii_strcasecmp (payload->name, "telephone-event") != 0 || !pt_is_usable (section, payload->pt))
        continue;
      if (plan_has_rate (plan, payload->rate_hz))
        add_dtmf (plan, payload);
      else if (other == NULL && payload->rate_hz == 8000)
        other = payload;
    }
  if (plan->n_dtmf_recv_pts == 0 && other != NULL)
    add_dtmf (plan, other);
}

static void
plan_comfort_noise (const SigSdpSection *section, SigSdpPlanSection *plan)
{
  for (guint p = 0; p < section->n_payloads; p++)
    if (g_ascii_strcasecmp (section->payloads[p].name, "CN") == 0 && section->payloads[p].rate_hz == 8000
        && plan_has_rate (plan, 8000))
      {
        plan->cn_pt = section->payloads[p].pt;
        return;
      }
}

static gboolean
decline_codecs (const SigSdpSection *section, Reason *reason)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint p = 0; p < section->n_payloads && names->len < 120; p++)
    g_string_append_printf (names, "%s%s/%u", p > 0 ? ", " : "", section->payloads[p].name,
                            section->payloads[p].rate_hz);
  return decline (reason, CFG_ERROR_FAILED_PRECONDITION, "no common codec (the peer has %s)",
                  names->len > 0 ? names->str : "none that is known");
}

static gboolean
plan_codecs (const SigSdpSection *section, const SigSdpPolicy *policy, SigSdpPlanSection *plan,
             Reason *reason)
{
  if (policy->prefer_offer_order)
    plan_codecs_in_peer_order (section, policy, plan);
  else
    plan_codecs_in_our_order (section, policy, plan);
  if (plan->n_codecs == 0)
    return decline_codecs (section, reason);
  if (policy->telephone_event)
    plan_dtmf (section, plan);
  if (policy->comfort_noise)
    plan_comfort_noise (section, plan);
  return TRUE;
}

/* ---- packet time and direction ---- */

/* The peer's wish within what our buffers and encoders take; Opus has no 30 or 50 ms frame (RFC 6716 2.1.4).
 */
static guint
plan_ptime (const SigSdpSection *section, const SigSdpPolicy *policy, gboolean is_opus)
{
  guint ptime = section->ptime_ms != 0 ? section->ptime_ms : policy->ptime_ms != 0 ? policy->ptime_ms : 20;

  if (section->maxptime_ms != 0)
    ptime = MIN (ptime, section->maxptime_ms);
  ptime = CLAMP (ptime, MIN_PTIME_MS, MAX_PTIME_MS) / 10 * 10;
  if (is_opus && (ptime == 30 || ptime == 50))
    ptime -= 10;
  return ptime;
}

static void
plan_remote (const SigSdpSection *section, const SigSdpPolicy *policy, SigSdpPlanSection *plan)
{
  plan->accepted = TRUE;
  plan->direction = (SigSdpDirection)(sig_sdp_direction_flip (section->direction) & policy->direction);
  plan->ptime_ms = plan_ptime (section, policy, g_ascii_strcasecmp (plan->codecs[0].codec, "opus") == 0);
  plan->rtcp_mux = section->rtcp_mux;
  plan->remote_ssrc = section->ssrc;
  g_strlcpy (plan->remote_address, section->address, sizeof plan->remote_address);
  plan->remote_port = section->port;
  plan->remote_rtcp_port = section->rtcp_port;
}

static void
plan_extensions (const SigSdpSection *section, SigSdpPlanSection *plan)
{
  plan->ext_level_direction = sig_sdp_direction_flip (section->ext_level_direction);
  plan->ext_mid_direction = sig_sdp_direction_flip (section->ext_mid_direction);
  plan->ext_level_id = plan->ext_level_direction != SIG_SDP_INACTIVE ? section->ext_level_id : 0;
  plan->ext_mid_id = plan->ext_mid_direction != SIG_SDP_INACTIVE ? section->ext_mid_id : 0;
}

/* ---- plain RTP ---- */

static gboolean
sip_section_is_takable (const SigSdpSection *section, Reason *reason)
{
  if (section->proto == SIG_SDP_PROTO_OTHER)
    return decline (reason, CFG_ERROR_FAILED_PRECONDITION, "the audio is offered over %s, not RTP/AVP",
                    section->proto_text);
  if (section->proto == SIG_SDP_DTLS_SAVPF
      || (sig_sdp_proto_is_secure (section->proto) && !section->has_crypto
          && section->fingerprint[0] != '\0'))
    return decline (reason, CFG_ERROR_FAILED_PRECONDITION,
                    "the peer asks for DTLS-SRTP (%s), which is not taken here", section->proto_text);
  if (section->address[0] == '\0')
    return decline (reason, CFG_ERROR_INVALID_ARGUMENT, "the audio section has no c= line");
  return TRUE;
}

/* RFC 4568 5.1.2. A line of crypto in a plain RTP/AVP section asks for encryption too, if we like: so do
 * phones that would rather talk in the clear than not at all. */
static gboolean
plan_encryption (const SigSdpSection *section, const SigSdpPolicy *policy, SigSdpPlanSection *plan,
                 Reason *reason)
{
  const gboolean secure = sig_sdp_proto_is_secure (section->proto);
  const SigSdpCrypto *crypto = sig_sdp_crypto_choose (section->crypto, section->n_crypto);

  if (policy->encryption == SIG_SDP_ENCRYPT_DISABLE && secure)
    return decline (reason, CFG_ERROR_FAILED_PRECONDITION,
                    "the peer asks for SRTP (%s), which is not enabled (media_encryption: disable)",
                    section->proto_text);
  if (policy->encryption == SIG_SDP_ENCRYPT_DISABLE)
    return TRUE;
  if (crypto != NULL)
    {
      plan->encrypted = TRUE;
      plan->crypto = *crypto;
      return TRUE;
    }
  if (secure)
    return decline (reason, CFG_ERROR_FAILED_PRECONDITION, "%s without a usable a=crypto line (%s)",
                    section->proto_text,
                    section->crypto_problem != NULL ? section->crypto_problem : "there is none");
  if (policy->encryption == SIG_SDP_ENCRYPT_REQUIRE)
    return decline (reason, CFG_ERROR_FAILED_PRECONDITION,
                    "plain RTP, but encryption is required here (media_encryption: require)");
  return TRUE;
}

static gboolean
plan_sip_section (const SigSdpSection *section, const SigSdpPolicy *policy, SigSdpPlanSection *plan,
                  Reason *reason)
{
  if (section->kind != SIG_SDP_AUDIO || section->port == 0)
    return FALSE;
  if (!sip_section_is_takable (section, reason) || !plan_codecs (section, policy, plan, reason)
      || !plan_encryption (section, policy, plan, reason))
    {
      plan->n_codecs = 0;
      return FALSE;
    }
  plan_remote (section, policy, plan);
  return TRUE;
}

/* ---- WebRTC ---- */

/* The section whose ICE and DTLS values hold for @section: its own, else those of the first one in its bundle
 * that has some (RFC 8843 7.1.3: only the tagged section need carry them). */
static const SigSdpSection *
transport_of (const SigSdp *offer, const SigSdpSection *section)
{
  if (section->ice_ufrag[0] != '\0' || !sig_sdp_mid_in_group (offer->bundle, section->mid))
    return section;
  for (guint i = 0; i < offer->n_sections; i++)
    if (offer->sections[i].ice_ufrag[0] != '\0'
        && sig_sdp_mid_in_group (offer->bundle, offer->sections[i].mid))
      return &offer->sections[i];
  return section;
}

static gboolean
plan_transport (const SigSdp *offer, const SigSdpSection *section, SigSdpPlan *plan, Reason *reason)
{
  const SigSdpSection *transport = transport_of (offer, section);

  if (transport->ice_ufrag[0] == '\0' || transport->ice_pwd[0] == '\0')
    return decline (reason, CFG_ERROR_INVALID_ARGUMENT, "the audio section has no ICE credentials");
  if (transport->fingerprint[0] == '\0')
    return decline (reason, CFG_ERROR_INVALID_ARGUMENT, "the audio section has no DTLS fingerprint");
  g_strlcpy (plan->remote_ufrag, transport->ice_ufrag, sizeof plan->remote_ufrag);
  g_strlcpy (plan->remote_pwd, transport->ice_pwd, sizeof plan->remote_pwd);
  g_strlcpy (plan->remote_fingerprint, transport->fingerprint, sizeof plan->remote_fingerprint);
  /* RFC 5763 5; no a=setup at all means active (RFC 4145 4). */
  plan->local_setup
      = transport->setup == SIG_SDP_SETUP_PASSIVE ? SIG_SDP_SETUP_ACTIVE : SIG_SDP_SETUP_PASSIVE;
  return TRUE;
}

static gboolean
webrtc_section_is_takable (const SigSdpSection *section, Reason *reason)
{
  if (section->proto == SIG_SDP_PROTO_OTHER || section->proto == SIG_SDP_RTP_AVP
      || section->proto == SIG_SDP_RTP_AVPF)
    return decline (reason, CFG_ERROR_FAILED_PRECONDITION, "the audio is offered over %s, not DTLS-SRTP",
                    section->proto_text);
  if (!section->rtcp_mux)
    return decline (reason, CFG_ERROR_INVALID_ARGUMENT, "the audio section has no a=rtcp-mux");
  return TRUE;
}

/* RFC 8843 7.3.2: a bundle-only section has no transport but that of the offer's first bundled section; when
 * that one is refused, so must it be (browsers fail on an answer that does otherwise). */
static gboolean
is_stranded (const SigSdp *offer, const SigSdpSection *section)
{
  gsize length = strcspn (offer->bundle, " ");

  if (!section->bundle_only)
    return FALSE;
  for (guint i = 0; i < offer->n_sections; i++)
    if (strlen (offer->sections[i].mid) == length
        && strncmp (offer->sections[i].mid, offer->bundle, length) == 0)
      return offer->sections[i].kind != SIG_SDP_AUDIO || offer->sections[i].port == 0;
  return TRUE;
}

static gboolean
plan_webrtc_section (const SigSdp *offer, guint index, const SigSdpPolicy *policy, SigSdpPlan *plan,
                     Reason *reason)
{
  const SigSdpSection *section = &offer->sections[index];
  SigSdpPlanSection *planned = &plan->sections[index];

  if (section->kind != SIG_SDP_AUDIO || (section->port == 0 && !section->bundle_only))
    return FALSE;
  if (!webrtc_section_is_takable (section, reason))
    return FALSE;
  if (is_stranded (offer, section))
    return decline (
        reason, CFG_ERROR_FAILED_PRECONDITION,
        "the audio section is bundle-only behind a section that is refused here: offer the audio first");
  if (plan->first_audio >= 0 && !(plan->bundled && sig_sdp_mid_in_group (offer->bundle, section->mid)))
    return decline (reason, CFG_ERROR_FAILED_PRECONDITION, "more than one audio section without BUNDLE");
  if (!plan_codecs (section, policy, planned, reason))
    return FALSE;
  if (plan->first_audio < 0 && !plan_transport (offer, section, plan, reason))
    {
      planned->n_codecs = 0;
      return FALSE;
    }
  plan_remote (section, policy, planned);
  plan_extensions (section, planned);
  if (plan->first_audio >= 0)
    {
      planned->remote_address[0] = '\0';
      planned->remote_port = planned->remote_rtcp_port = 0;
    }
  return TRUE;
}

/* ---- the whole ---- */

static gsize
plan_size (guint n_sections)
{
  return sizeof (SigSdpPlan) + n_sections * sizeof (SigSdpPlanSection);
}

void
sig_sdp_plan_free (SigSdpPlan *plan)
{
  if (plan != NULL)
    explicit_bzero (plan, plan_size (plan->n_sections));
  g_free (plan);
}

SigSdpPlan *
sig_sdp_plan_copy (const SigSdpPlan *plan)
{
  return plan != NULL ? g_memdup2 (plan, plan_size (plan->n_sections)) : NULL;
}

static SigSdpPlan *
plan_begin (const SigSdp *sdp)
{
  SigSdpPlan *plan = g_malloc0 (plan_size (sdp->n_sections));

  plan->n_sections = sdp->n_sections;
  plan->first_audio = -1;
  plan->trickle = sdp->trickle;
  plan->remote_ice_lite = sdp->ice_lite;
  for (guint i = 0; i < sdp->n_sections; i++)
    g_strlcpy (plan->sections[i].mid, sdp->sections[i].mid, sizeof plan->sections[i].mid);
  return plan;
}

/* @plan: (transfer full) */
static gboolean
plan_end (SigSdpPlan *plan, const Reason *reason, const char *what, SigSdpPlan **out, GError **error)
{
  if (plan->first_audio >= 0)
    {
      *out = plan;
      return TRUE;
    }
  sig_sdp_plan_free (plan);
  if (reason->text[0] != '\0')
    g_set_error (error, CFG_ERROR, (int)reason->code, "SDP %s: %s", what, reason->text);
  else
    g_set_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION, "SDP %s: no audio section that is in use",
                 what);
  return FALSE;
}

gboolean
sig_sdp_plan_answer (const SigSdp *offer, const SigSdpPolicy *policy, SigSdpPlan **out, GError **error)
{
  SigSdpPlan *plan = plan_begin (offer);
  guint n_accepted = 0, limit = MAX (policy->max_audio_sections, 1);
  Reason reason = { 0 };

  for (guint i = 0; i < offer->n_sections && n_accepted < limit; i++)
    {
      gboolean accepted = policy->webrtc
                              ? plan_webrtc_section (offer, i, policy, plan, &reason)
                              : plan_sip_section (&offer->sections[i], policy, &plan->sections[i], &reason);

      if (!accepted)
        continue;
      n_accepted++;
      if (plan->first_audio < 0)
        {
          plan->first_audio = (int)i;
          plan->bundled = sig_sdp_mid_in_group (offer->bundle, offer->sections[i].mid);
        }
    }
  return plan_end (plan, &reason, "offer", out, error);
}

/* RFC 4568 5.1.3: the line of the answer repeats tag and suite of one of ours. @offered: the suites that our
 * offer had, tags from 1 in the order of the table. */
static gboolean
crypto_was_offered (const SigSdpCrypto *answered)
{
  gboolean is_offered;
  const char *suite;
  guint32 tag = 0;

  for (guint i = 0; (suite = sig_sdp_crypto_suite (i, &is_offered)) != NULL; i++)
    if (is_offered && ++tag == answered->tag)
      return strcmp (suite, answered->suite) == 0;
  return FALSE;
}

/* Our offer's payload types are fixed per codec, so that the plan needs the policy only. A peer should answer
 * with the same numbers, but may choose its own for what it receives (RFC 3264 6.1). */
static void
use_offered_payload_types (const SigSdpPolicy *policy, SigSdpPlanSection *plan)
{
  gboolean has_8k = FALSE, has_48k = FALSE;

  for (guint i = 0; i < plan->n_codecs; i++)
    plan->codecs[i].recv_pt = sig_sdp_codec_find (plan->codecs[i].codec)->offer_pt;
  if (plan->n_dtmf_recv_pts == 0)
    return;
  for (gsize i = 0; policy->codecs[i] != NULL; i++)
    {
      const SigSdpCodec *codec = sig_sdp_codec_find (policy->codecs[i]);

      has_8k |= codec != NULL && codec->rate_hz == 8000;
      has_48k |= codec != NULL && codec->rate_hz == 48000;
    }
  plan->dtmf_recv_pt = plan->dtmf_rate_hz == 48000 ? SIG_SDP_PT_DTMF_48K : SIG_SDP_PT_DTMF_8K;
  plan->n_dtmf_recv_pts = 0;
  if (has_8k)
    add_dtmf_recv (plan, SIG_SDP_PT_DTMF_8K, 8000);
  if (has_48k)
    add_dtmf_recv (plan, SIG_SDP_PT_DTMF_48K, 48000);
}

static gboolean
plan_answered_section (const SigSdpSection *section, const SigSdpPolicy *policy, SigSdpPlanSection *plan,
                       Reason *reason)
{
  SigSdpPolicy theirs = *policy;

  /* Without a line of ours there is no key to answer to. */
  if (theirs.encryption == SIG_SDP_ENCRYPT_ACCEPT)
    theirs.encryption = SIG_SDP_ENCRYPT_DISABLE;
  if (!plan_sip_section (section, &theirs, plan, reason))
    return FALSE;
  if (plan->encrypted && !crypto_was_offered (&plan->crypto))
    {
      plan->accepted = plan->encrypted = FALSE;
      return decline (reason, CFG_ERROR_INVALID_ARGUMENT,
                      "its a=crypto line has not the tag and suite of one that was offered (RFC 4568 5.1.3)");
    }
  use_offered_payload_types (policy, plan);
  /* RFC 5761 5.1.1: rtcp-mux holds only when it was offered. */
  plan->rtcp_mux = section->rtcp_mux && policy->rtcp_mux;
  return TRUE;
}

gboolean
sig_sdp_plan_from_answer (const SigSdpPolicy *policy, const SigSdp *answer, SigSdpPlan **out, GError **error)
{
  SigSdpPlan *plan;
  Reason reason = { 0 };

  if (policy->webrtc)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_UNIMPLEMENTED,
                   "SDP answer: only plain RTP is offered by this side");
      return FALSE;
    }
  plan = plan_begin (answer);
  for (guint i = 0; i < answer->n_sections && plan->first_audio < 0; i++)
    if (plan_answered_section (&answer->sections[i], policy, &plan->sections[i], &reason))
      plan->first_audio = (int)i;
  return plan_end (plan, &reason, "answer", out, error);
}
