/* A call's SDP: plans, versions, and what the media engine is told. */
#include "gateway/call_private.h"

#include <string.h>

#include "config/base/address.h"
#include "config/base/error.h"
#include "config/base/ids.h"

static SigSdpPolicy
policy (const GwCall *call)
{
  return (SigSdpPolicy){
    .codecs
    = (const char *const *)(call->v.codecs != NULL ? call->v.codecs : call->gateway->settings->media.codecs),
    .prefer_offer_order = TRUE,
    .telephone_event = TRUE,
    .comfort_noise = TRUE,
    .ptime_ms = 20,
    .direction = SIG_SDP_SENDRECV,
    .max_audio_sections = 1,
  };
}

gboolean
gw_call_open_media (GwCall *call, const char *local_address, GError **error)
{
  const MediaRtpLegConfig config = { .local_address = local_address };

  call->leg = media_engine_leg_new_rtp (call->gateway->media, &config, &call->v.ports, error);
  if (call->leg == 0)
    return FALSE;
  call->v.local_address = g_strdup (local_address);
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

static void
take_plan (GwCall *call, const SigSdpPlan *plan)
{
  call->plan = *plan;
  call->has_plan = TRUE;
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

gboolean
gw_call_take_offer (GwCall *call, const char *sdp, GError **error)
{
  const SigSdpPolicy wanted = policy (call);
  g_autoptr (SigSdp) offer = sig_sdp_parse (sdp, strlen (sdp), error);
  SigSdpPlan plan;

  if (offer == NULL || !sig_sdp_plan_answer (offer, &wanted, &plan, error))
    return FALSE;
  sig_sdp_free (call->remote);
  call->remote = g_steal_pointer (&offer);
  g_free (call->v.remote_sdp);
  call->v.remote_sdp = g_strdup (sdp);
  take_plan (call, &plan);
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

static const char *
announced_address (const GwCall *call)
{
  const char *external = call->gateway->settings->sip.external_address;

  return external != NULL ? external : call->v.local_address;
}

static SigSdpLocal
local_values (const GwCall *call, SigSdpLocalSection *sections, guint n_sections)
{
  for (guint i = 0; i < n_sections; i++)
    {
      memset (&sections[i], 0, sizeof sections[i]);
      sections[i].direction = SIG_SDP_SENDRECV;
    }
  return (SigSdpLocal){
    .address = announced_address (call),
    .rtp_port = call->v.ports.rtp_port,
    .rtcp_port = call->v.ports.rtcp_port,
    .session_id = call->v.sdp_session_id,
    .version = call->v.sdp_version,
    .cname = call->v.id,
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
  SigSdpLocal local;

  do
    local = local_values (call, sections, call->plan.n_sections);
  while (!is_unchanged (call, sig_sdp_write_answer (call->remote, &call->plan, &local)));
  return call->v.sdp;
}

const char *
gw_call_write_offer (GwCall *call)
{
  const SigSdpPolicy wanted = policy (call);
  SigSdpLocalSection sections[1];
  SigSdpLocal local;

  ensure_local (call, 1);
  do
    local = local_values (call, sections, 1);
  while (!is_unchanged (call, sig_sdp_write_offer (&wanted, &local)));
  call->awaits_answer = TRUE;
  return call->v.sdp;
}

/* An offer of ours that follows one of the peer's has its sections and payload types: the answer speaks of
 * those, not of the ones that we would choose. */
static gboolean
plan_answer_to_reoffer (const GwCall *call, const SigSdp *answer, SigSdpPlan *plan, GError **error)
{
  const SigSdpPolicy wanted = policy (call);

  if (answer->n_sections != call->remote->n_sections)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                   "SDP answer: has %u m-lines, the offer had %u (RFC 3264 6)", answer->n_sections,
                   call->remote->n_sections);
      return FALSE;
    }
  return sig_sdp_plan_answer (answer, &wanted, plan, error);
}

gboolean
gw_call_take_answer (GwCall *call, const char *sdp, GError **error)
{
  const SigSdpPolicy wanted = policy (call);
  g_autoptr (SigSdp) answer = sig_sdp_parse (sdp, strlen (sdp), error);
  gboolean follows = call->remote != NULL;
  SigSdpPlan plan;

  if (answer == NULL
      || !(follows ? plan_answer_to_reoffer (call, answer, &plan, error)
                   : sig_sdp_plan_from_answer (&wanted, answer, &plan, error)))
    return FALSE;
  if (follows)
    {
      sig_sdp_free (call->remote);
      call->remote = g_steal_pointer (&answer);
    }
  call->awaits_answer = FALSE;
  g_free (call->v.remote_sdp);
  call->v.remote_sdp = g_strdup (sdp);
  take_plan (call, &plan);
  gw_call_start_media (call);
  return TRUE;
}

void
gw_call_start_media (GwCall *call)
{
  Gateway *gateway = call->gateway;
  MediaPlan media;

  if (call->leg == 0)
    return;
  gw_media_plan (&call->plan, call->v.local, call->v.id, &media);
  /* A host name in c= is not looked up: the peer's first packets tell where it is. */
  if (!cfg_address_is_numeric (media.remote_address))
    media.remote_address[0] = '\0';
  media_engine_leg_configure (gateway->media, call->leg, &media);
  if (!call->media_attached && call->participant != NULL)
    {
      call->media_attached = TRUE;
      media_engine_leg_attach (gateway->media, call->leg, call->participant->room->media_room);
    }
}
