/* The codecs that an SDP of ours can name, with what RFC 3551 and their payload format RFCs fix about them.
 * Internal to the SDP files of this folder. */
#pragma once

#include <glib.h>

#include "signaling/core/sdp.h"

typedef struct
{
  const char *name;
  guint rate_hz;    /* RTP clock rate: 8000 for G722 too (RFC 3551 4.5.2) */
  guint channels;   /* 1 is not written in a=rtpmap */
  guint8 offer_pt;  /* the payload type of our own offers */
  const char *fmtp; /* what we ask of the peer's encoder; NULL for nothing */
} SigSdpCodec;

#define SIG_SDP_PT_CN       13
#define SIG_SDP_PT_DTMF_8K  101
#define SIG_SDP_PT_DTMF_48K 110

#define SIG_SDP_URI_LEVEL "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
#define SIG_SDP_URI_MID   "urn:ietf:params:rtp-hdrext:sdes:mid"

/** sig_sdp_codec_find: compares @name without case. Returns: (nullable): a static entry. */
const SigSdpCodec *sig_sdp_codec_find (const char *name);

/** sig_sdp_mid_in_group: whether @mid is one of the space separated @mids; "" never is. */
gboolean sig_sdp_mid_in_group (const char *mids, const char *mid);

/** sig_sdp_text_is_clean: printable ASCII only (no control character can reach a line that we write). */
gboolean sig_sdp_text_is_clean (const char *text);
