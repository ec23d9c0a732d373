/* A call's SDP: plans, versions, and what the media engine is told. */
#include "gateway/call_private.h"

#include <string.h>

#include "config/base/address.h"
#include "config/base/error.h"
#include "config/base/ids.h"

static gboolean
is_ipv6 (const char *address)
{
  return strchr (address, ':') != NULL;
}

/* An IPv4 address in the SDP of a call that came over IPv6, or the other way round: the media goes where the
 * SDP says. Returns: (transfer full): an address of ours. */
static char *
media_address (GwCall *call, const char *local_address)
{
  const SigSdpPlanSection *section = sig_sdp_plan_audio (call->plan);
  char *other = NULL;

  if (section != NULL && cfg_address_is_numeric (section->remote_address)
      && is_ipv6 (section->remote_address) != is_ipv6 (local_address))
    other = sig_sip_local_address (call->gateway->sip, section->remote_address);
  return other != NULL ? other : g_strdup (local_address);
}

/* Without brackets and port. */
static char *
peer_host (const GwCall *call)
{
  const char *peer = call->v.peer != NULL ? call->v.peer : "";

  return *peer == '[' ? g_strndup (peer + 1, strcspn (peer + 1, "]")) : g_strndup (peer, strcspn (peer, ":"));
}

gboolean
gw_call_open_media (GwCall *call, const char *local_address, GError **error)
{
  g_autofree char *address = media_address (call, local_address);
  const MediaRtpLegConfig config = { .local_address = address };

  call->leg = media_engine_leg_new_rtp (call->gateway->media, &config, &call->v.ports, error);
  if (call->leg == 0)
    return FALSE;
  g_autofree char *peer = peer_host (call);
  call->v.announced_address = g_strdup (sig_sip_announced_address (call->gateway->sip, address, peer));
  call->v.local_address = g_steal_pointer (&address);
  call->v.sdp_session_id = cfg_random_u64 () >> 2;
  call->v.sdp_version = 1;
  gateway_leg_own (call->gateway, call->leg, GW_LEG_CALL, call);
  return TRUE;
}

static void
ensure_local (GwCall *call, guint n)
{
  for (; call->v.n_local < n; call->v.n_local++)
    gw_local_section_init (&call->v.local[call->v.n_local]);
}

/* Our socket is of one family; what a peer says later must be of it. */
static gboolean
check_family (const GwCall *call, const SigSdpPlan *plan, GError **error)
{
  const char *remote = plan->sections[plan->first_audio].remote_address;

  if (call->v.local_address == NULL || !cfg_address_is_numeric (remote)
      || is_ipv6 (remote) == is_ipv6 (call->v.local_address))
    return TRUE;
  g_set_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
               "SDP: the media of this call is IPv%d, c= names IPv%d",
               is_ipv6 (call->v.local_address) ? 6 : 4, is_ipv6 (remote) ? 6 : 4);
  return FALSE;
}

/* @plan: (transfer full) */
static void
take_plan (GwCall *call, SigSdpPlan *plan, gboolean is_offer)
{
  gw_call_follow_keys (call, plan, is_offer);
  sig_sdp_plan_free (call->plan);
  call->plan = plan;
  if (call->v.track == 0)
    call->v.track = gateway_next_track (call->gateway);
  ensure_local (call, plan->n_sections);
  for (guint i = 0; i < plan->n_sections; i++)
    {
      gboolean is_ours = (int)i == plan->first_audio;

      call->v.local[i].source_track = is_ours ? call->v.track : 0;
      call->v.local[i].sink = is_ours ? MEDIA_SINK_MIX : MEDIA_SINK_NONE;
    }
}

/* @problem: (transfer full) */
static gboolean
refuse (GwCall *call, const char *what, const SigSdp *remote, GError *problem, GError **error)
{
  gw_call_note_sdp (call, what, remote, NULL, problem);
  g_propagate_error (error, problem);
  return FALSE;
}

gboolean
gw_call_take_offer (GwCall *call, const char *sdp, GError **error)
{
  const SigSdpPolicy wanted = gw_call_sdp_policy (call);
  GError *problem = NULL;
  g_autoptr (SigSdp) offer = sig_sdp_parse (sdp, strlen (sdp), &problem);
  g_autoptr (SigSdpPlan) plan = NULL;

  if (offer == NULL || !sig_sdp_plan_answer (offer, &wanted, &plan, &problem)
      || !check_family (call, plan, &problem))
    return refuse (call, "offer", offer, problem, error);
  gw_call_note_sdp (call, "offer", offer, plan, NULL);
  sig_sdp_free (call->remote);
  call->remote = g_steal_pointer (&offer);
  g_free (call->v.remote_sdp);
  call->v.remote_sdp = g_strdup (sdp);
  take_plan (call, g_steal_pointer (&plan), TRUE);
  return TRUE;
}

static const char *
after_origin (const char *sdp, gsize *before)
{
  const char *origin = strstr (sdp, "\no=");

  *before = origin != NULL ? (gsize)(origin - sdp) : strlen (sdp);
  return origin != NULL ? origin + 1 + strcspn (origin + 1, "\r\n") : "";
}

gboolean
gw_call_knows_remote (const GwCall *call, const char *sdp)
{
  gsize a_size, b_size;
  const char *a, *b;

  if (call->v.remote_sdp == NULL)
    return FALSE;
  a = after_origin (call->v.remote_sdp, &a_size);
  b = after_origin (sdp, &b_size);
  return a_size == b_size && strncmp (call->v.remote_sdp, sdp, a_size) == 0 && strcmp (a, b) == 0;
}

static SigSdpLocal
local_values (GwCall *call, SigSdpLocalSection *sections, guint n_sections, SigSdpCrypto *crypto)
{
  const guint n_crypto = gw_call_local_crypto (call, crypto);

  for (guint i = 0; i < n_sections; i++)
    {
      memset (&sections[i], 0, sizeof sections[i]);
      sections[i].direction = SIG_SDP_SENDRECV;
    }
  return (SigSdpLocal){
    .address = call->v.announced_address,
    .rtp_port = call->v.ports.rtp_port,
    .rtcp_port = call->v.ports.rtcp_port,
    .session_id = call->v.sdp_session_id,
    .version = call->v.sdp_version,
    .cname = call->v.id,
    .crypto = crypto,
    .n_crypto = n_crypto,
    .sections = sections,
    .n_sections = n_sections,
  };
}

/* An unchanged description keeps its version, a changed one takes the next (RFC 3264 8). @text: (transfer
 * full) */
static gboolean
is_unchanged (GwCall *call, char *text)
{
  if (call->v.sdp == NULL || strcmp (call->v.sdp, text) == 0)
    {
      g_free (call->v.sdp);
      call->v.sdp = text;
      return TRUE;
    }
  g_free (text);
  call->v.sdp_version++;
  g_clear_pointer (&call->v.sdp, g_free);
  return FALSE;
}

const char *
gw_call_write_answer (GwCall *call)
{
  SigSdpLocalSection sections[SIG_SDP_MAX_SECTIONS];
  SigSdpCrypto crypto[GW_CALL_MAX_SUITES];
  SigSdpLocal local;

  do
    local = local_values (call, sections, call->plan->n_sections, crypto);
  while (!is_unchanged (call, sig_sdp_write_answer (call->remote, call->plan, &local)));
  explicit_bzero (crypto, sizeof crypto);
  return call->v.sdp;
}

const char *
gw_call_write_offer (GwCall *call)
{
  const SigSdpPolicy wanted = gw_call_sdp_policy (call);
  SigSdpLocalSection sections[1];
  SigSdpCrypto crypto[GW_CALL_MAX_SUITES];
  SigSdpLocal local;

  ensure_local (call, 1);
  do
    {
      local = local_values (call, sections, 1, crypto);
      sections[0].direction = call->v.is_held ? SIG_SDP_SENDONLY : SIG_SDP_SENDRECV;
    }
  while (!is_unchanged (call, sig_sdp_write_offer (&wanted, &local)));
  explicit_bzero (crypto, sizeof crypto);
  call->awaits_answer = TRUE;
  return call->v.sdp;
}

/* Beside an offer of RTP/AVP, which a peer that insists on encryption refuses: RTP/SAVP. */
const char *
gw_call_write_second_offer (GwCall *call)
{
  SigSdpPolicy wanted = gw_call_sdp_policy (call);
  SigSdpLocalSection sections[1];
  SigSdpCrypto crypto[GW_CALL_MAX_SUITES];
  SigSdpLocal local;

  if (!call->may_be_secure)
    return NULL;
  g_free (call->first_sdp);
  call->first_sdp = g_strdup (call->v.sdp);
  call->first_version = call->v.sdp_version;
  call->first_encryption = call->v.encryption;
  call->v.encryption = wanted.encryption = SIG_SDP_ENCRYPT_REQUIRE; /* for its keys */
  local = local_values (call, sections, 1, crypto);
  call->v.encryption = call->first_encryption;
  local.version++;
  g_free (call->second_sdp);
  call->second_sdp = sig_sdp_write_offer (&wanted, &local);
  explicit_bzero (crypto, sizeof crypto);
  return call->second_sdp;
}

/* The answer tells which of our two offers it was for: from now on that one is what we said. Of several
 * phones one may have taken the one, another the other: the last that speaks counts. */
static void
note_offer_taken (GwCall *call, const SigSdp *answer)
{
  gboolean is_secure = FALSE;

  if (call->second_sdp == NULL || call->v.was_answered)
    return;
  for (guint i = 0; i < answer->n_sections; i++)
    is_secure |= answer->sections[i].port != 0 && sig_sdp_proto_is_secure (answer->sections[i].proto);
  g_free (call->v.sdp);
  call->v.sdp = g_strdup (is_secure ? call->second_sdp : call->first_sdp);
  call->v.sdp_version = call->first_version + (is_secure ? 1 : 0);
  call->v.encryption = is_secure ? SIG_SDP_ENCRYPT_REQUIRE : call->first_encryption;
}

/* RFC 3261 14.2 wants the same of an answer to a re-INVITE without an offer. */
const char *
gw_call_write_reoffer (GwCall *call)
{
  if (call->remote == NULL)
    return gw_call_write_offer (call);
  if (call->plan->first_audio >= 0)
    call->plan->sections[call->plan->first_audio].direction
        = call->v.is_held ? SIG_SDP_SENDONLY : SIG_SDP_SENDRECV;
  call->awaits_answer = TRUE;
  return gw_call_write_answer (call);
}

/* An offer of ours that follows one of the peer's has its sections and payload types: the answer speaks of
 * those, not of the ones that we would choose. */
static gboolean
plan_answer_to_reoffer (const GwCall *call, const SigSdp *answer, SigSdpPlan **plan, GError **error)
{
  const SigSdpPlanSection *ours = sig_sdp_plan_audio (call->plan);
  const SigSdpPlanSection *theirs;
  SigSdpPolicy wanted = gw_call_sdp_policy (call);

  if (answer->n_sections != call->remote->n_sections)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                   "SDP answer: has %u m-lines, the offer had %u (RFC 3264 6)", answer->n_sections,
                   call->remote->n_sections);
      return FALSE;
    }
  /* Our offer had one line of crypto or none, and the answer has the same. */
  wanted.encryption = ours != NULL && ours->encrypted ? SIG_SDP_ENCRYPT_REQUIRE : SIG_SDP_ENCRYPT_DISABLE;
  if (!sig_sdp_plan_answer (answer, &wanted, plan, error))
    return FALSE;
  theirs = sig_sdp_plan_audio (*plan);
  if (ours != NULL && theirs->encrypted
      && (theirs->crypto.tag != ours->crypto.tag || strcmp (theirs->crypto.suite, ours->crypto.suite) != 0))
    {
      g_set_error_literal (
          error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
          "SDP answer: its a=crypto line has not the tag and suite that were offered (RFC 4568 5.1.3)");
      return FALSE;
    }
  return TRUE;
}

gboolean
gw_call_take_answer (GwCall *call, const char *sdp, GError **error)
{
  GError *problem = NULL;
  g_autoptr (SigSdp) answer = sig_sdp_parse (sdp, strlen (sdp), &problem);
  gboolean follows = call->remote != NULL;
  SigSdpPolicy wanted;
  g_autoptr (SigSdpPlan) plan = NULL;

  if (answer == NULL)
    return refuse (call, "answer", NULL, problem, error);
  note_offer_taken (call, answer);
  wanted = gw_call_sdp_policy (call);
  if (!(follows ? plan_answer_to_reoffer (call, answer, &plan, &problem)
                : sig_sdp_plan_from_answer (&wanted, answer, &plan, &problem))
      || !check_family (call, plan, &problem))
    return refuse (call, "answer", answer, problem, error);
  gw_call_note_sdp (call, "answer", answer, plan, NULL);
  if (follows)
    {
      sig_sdp_free (call->remote);
      call->remote = g_steal_pointer (&answer);
    }
  call->awaits_answer = FALSE;
  g_free (call->v.remote_sdp);
  call->v.remote_sdp = g_strdup (sdp);
  take_plan (call, g_steal_pointer (&plan), FALSE);
  gw_call_start_media (call);
  return TRUE;
}

void
gw_call_start_media (GwCall *call)
{
  Gateway *gateway = call->gateway;
  MediaPlan media;

  if (call->leg == 0 || call->plan == NULL)
    return;
  gw_media_plan (call->plan, call->v.local, call->v.id, &media);
  gw_call_plan_srtp (call, &media);
  if (call->plan->first_audio >= 0)
    {
      media.sections[call->plan->first_audio].detect_tones = gw_call_detects_tones (call);
      media.sections[call->plan->first_audio].normalizes = call->v.normalizes;
    }
  /* A host name in c= is not looked up: the peer's first packets tell where it is. */
  if (!cfg_address_is_numeric (media.remote_address))
    media.remote_address[0] = '\0';
  media_engine_leg_configure (gateway->media, call->leg, &media);
  gw_media_plan_clear_keys (&media);
  if (!call->media_attached && call->participant != NULL)
    {
      call->media_attached = TRUE;
      media_engine_leg_attach (gateway->media, call->leg, call->participant->room->media_room);
    }
}
