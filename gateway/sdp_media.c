#include "gateway/sdp_media.h"

#include <stdlib.h>
#include <string.h>

#include "config/base/ids.h"

void
gw_local_section_init (GwLocalSection *section)
{
  memset (section, 0, sizeof *section);
  do
    section->ssrc = cfg_random_u32 ();
  while (section->ssrc == 0);
}

/* A number from "minptime=10;useinbandfec=1" (RFC 4566 6, RFC 7587 6.1); 0 when it is not there. */
static guint
fmtp_number (const char *fmtp, const char *key)
{
  gsize key_size = strlen (key);

  for (const char *at = fmtp; at != NULL && *at != '\0'; at = strchr (at, ';'))
    {
      while (*at == ';' || *at == ' ')
        at++;
      if (g_ascii_strncasecmp (at, key, key_size) == 0 && at[key_size] == '=')
        return (guint)MIN (strtoul (at + key_size + 1, NULL, 10), 1000000UL);
    }
  return 0;
}

static void
plan_codec (const SigSdpPlanCodec *from, MediaPlanCodec *to)
{
  const MediaCodec *codec = media_codec_find (from->codec, 0);

  g_assert (codec != NULL);
  to->codec = media_codec_get_id (codec);
  to->send_pt = from->send_pt;
  to->recv_pt = from->recv_pt;
  to->channels = from->channels;
  to->max_playback_rate_hz = fmtp_number (from->remote_fmtp, "maxplaybackrate");
  to->max_average_bitrate = fmtp_number (from->remote_fmtp, "maxaveragebitrate");
  to->use_inband_fec = fmtp_number (from->remote_fmtp, "useinbandfec") == 1;
  to->use_dtx = fmtp_number (from->remote_fmtp, "usedtx") == 1;
}

static void
plan_section (const SigSdpPlanSection *from, const GwLocalSection *local, MediaPlanSection *to)
{
  g_strlcpy (to->mid, from->mid, sizeof to->mid);
  if (!from->accepted)
    return;
  to->is_audio = TRUE;
  to->send = (from->direction & SIG_SDP_SENDONLY) != 0;
  to->receive = (from->direction & SIG_SDP_RECVONLY) != 0;
  for (guint i = 0; i < from->n_codecs && to->n_codecs < MEDIA_MAX_CODECS; i++)
    plan_codec (&from->codecs[i], &to->codecs[to->n_codecs++]);
  to->dtmf_send_pt = from->dtmf_send_pt;
  to->n_dtmf_recv_pts = MIN (from->n_dtmf_recv_pts, G_N_ELEMENTS (to->dtmf_recv_pts));
  memcpy (to->dtmf_recv_pts, from->dtmf_recv_pts, sizeof to->dtmf_recv_pts);
  memcpy (to->dtmf_recv_rates_hz, from->dtmf_recv_rates_hz, sizeof to->dtmf_recv_rates_hz);
  to->cn_pt = from->cn_pt;
  to->ptime_ms = from->ptime_ms;
  to->ext_level_id = from->ext_level_id;
  to->ext_mid_id = from->ext_mid_id;
  to->ssrc = local->ssrc;
  to->remote_ssrc = from->remote_ssrc;
  to->source_track = to->receive ? local->source_track : 0;
  to->sink = to->send ? local->sink : MEDIA_SINK_NONE;
  to->sink_track = local->sink_track;
}

void
gw_media_plan (const SigSdpPlan *plan, const GwLocalSection *local, const char *cname, MediaPlan *media)
{
  memset (media, 0, sizeof *media);
  media->n_sections = MIN (plan->n_sections, MEDIA_MAX_SECTIONS);
  for (guint i = 0; i < media->n_sections; i++)
    plan_section (&plan->sections[i], &local[i], &media->sections[i]);
  if (plan->first_audio >= 0)
    {
      const SigSdpPlanSection *first = &plan->sections[plan->first_audio];

      g_strlcpy (media->remote_address, first->remote_address, sizeof media->remote_address);
      media->remote_rtp_port = first->remote_port;
      media->remote_rtcp_port = first->remote_rtcp_port;
      media->rtcp_mux = first->rtcp_mux;
    }
  g_strlcpy (media->cname, cname, sizeof media->cname);
}

char *
gw_sdp_codec_names (const SigSdpPlan *plan)
{
  const SigSdpPlanSection *audio = sig_sdp_plan_audio (plan);
  GString *names = g_string_new (NULL);

  for (guint i = 0; audio != NULL && i < audio->n_codecs; i++)
    g_string_append_printf (names, "%s%s", i > 0 ? "," : "", audio->codecs[i].codec);
  return g_string_free (names, FALSE);
}
