/* Everything about a call that another process would need to go on with it, as plain values: they can be
 * written down and read again. Libraries hold nothing of a call that is not here, in SigSipDialogState or in
 * MediaLegState. The text has SRTP keys in it: it is a secret. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "config/base/clock.h"
#include "gateway/core/call_fsm.h"
#include "gateway/sdp_media.h"
#include "media/leg_state.h"
#include "signaling/core/sdp.h"
#include "signaling/sip/sip.h"

typedef struct
{
  char *id; /* SCL_... */
  gboolean inbound;
  GwCallState state;

  char *sip_call_id;                       /* the Call-ID header; "" until known */
  char *from, *to;                         /* user parts */
  char *peer;                              /* address:port, or the host that was dialled */
  char *trunk_id, *trunk_number, *rule_id; /* (nullable) */
  char *room_name, *identity, *participant_id;
  gboolean is_private;   /* the peer wants nobody to see who calls (RFC 3323); `from` does not say it */
  guint include_headers; /* CfgIncludeHeaders */

  MediaTrackId track;
  MediaRtpLocal ports;
  char *local_address;      /* numeric, where media comes in */
  char *announced_address;  /* numeric, in our SDP: behind a 1:1 NAT another one */
  char **codecs;            /* (nullable): the configuration's own */
  guint encryption;         /* SigSdpEncryption */
  gboolean our_codec_order; /* else the peer's */
  guint dtmf;               /* CfgDtmf, never UNSET */
  gboolean normalizes;      /* what the phone says is brought to a usual level */
  char **srtp_keys;         /* (nullable): "SUITE KEY", what we send is under one of them */
  guint64 sdp_session_id, sdp_version;
  char *sdp;        /* the last that we sent; the version counts its changes (RFC 3264 8) */
  char *remote_sdp; /* the last that was accepted of the peer's */
  GwLocalSection local[SIG_SDP_MAX_SECTIONS];
  guint n_local;

  CfgWall created_wall, answered_wall, ended_wall; /* 0: not yet */
  gboolean was_answered;
  guint max_duration_s;
  guint n_dtmf;
  gboolean is_held, peer_holds; /* by participant.hold; by the peer's SDP */
  SigSessionTimer timer;        /* as it was told last; its instants are of this machine's monotonic clock */
} GwCallValues;

void gw_call_values_clear (GwCallValues *values);

/**
 * gw_call_values_to_json:
 * @dialog: (nullable): with @values, the signalling
 * @media: (nullable): the leg
 * Returns: (transfer full): an object; handle it as a secret.
 */
json_t *gw_call_values_to_json (const GwCallValues *values, const SigSipDialogState *dialog,
                                const MediaLegState *media) G_GNUC_WARN_UNUSED_RESULT;

/**
 * gw_call_values_from_json:
 * @values, @dialog, @media: (out): to be cleared with their own functions; all zero where the text has none
 * Returns: FALSE with CFG_ERROR_INVALID_ARGUMENT when @object was not written by this version.
 */
gboolean gw_call_values_from_json (json_t *object, GwCallValues *values, SigSipDialogState *dialog,
                                   MediaLegState *media, GError **error);
