/* The few lines of SDP that a load writes and reads. Pure. */
#pragma once

#include <glib.h>

#include "tools/load/flow.h"
#include "tools/load/options.h"

typedef struct
{
  const char *ip;
  guint16 port;
  const char *profile;    /* "RTP/AVP", "RTP/SAVP", "UDP/TLS/RTP/SAVPF" */
  const char *attributes; /* (nullable): whole lines for the section */
  const MediaCodecId *codecs;
  guint n_codecs;
  guint playback_rate_hz; /* of Opus; 0: not said */
  guint64 version;
} LoadOffer;

typedef struct
{
  char ip[64];
  guint16 port;
  guint8 payload_type; /* the first one */
} LoadAnswer;

/** load_describe: Returns: (transfer full): an SDP with one audio section. */
char *load_describe (const LoadOffer *offer) G_GNUC_WARN_UNUSED_RESULT;
/** load_describe_payload_type: ours for @codec. */
guint8 load_describe_payload_type (MediaCodecId codec);
/** load_describe_read: address and first payload type of the first section. Returns: FALSE when it is refused
 * or not understood. */
gboolean load_describe_read (const char *sdp, LoadAnswer *answer) G_GNUC_WARN_UNUSED_RESULT;
/** load_describe_attribute: Returns: (transfer full): the value of the @nth line "a=NAME:value"; NULL when
 * there are fewer. */
char *load_describe_attribute (const char *sdp, const char *name, guint nth) G_GNUC_WARN_UNUSED_RESULT;
