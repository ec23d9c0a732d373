/* From what SDP agreed on to what the media engine does: signaling and media do not know one another. */
#pragma once

#include "media/engine.h"
#include "signaling/core/sdp.h"

/* Our side of one m-line, kept by a call or session for its life. */
typedef struct
{
  guint32 ssrc;
  MediaTrackId source_track;
  MediaSinkKind sink;
  MediaTrackId sink_track;
} GwLocalSection;

/** gw_local_section_init: a fresh SSRC, nothing sent or received yet. */
void gw_local_section_init (GwLocalSection *section);
/** gw_media_plan: @local has as many members as @plan has sections. */
void gw_media_plan (const SigSdpPlan *plan, const GwLocalSection *local, const char *cname, MediaPlan *media);
/** gw_sdp_codec_names: "PCMU, opus ..." of the accepted audio section, for the log. @plan: (nullable);
 * (transfer full) */
char *gw_sdp_codec_names (const SigSdpPlan *plan);
