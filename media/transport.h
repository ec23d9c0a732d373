/* What carries a leg's packets: RTP, plain or with SDES-SRTP, on a pair of sockets (a SIP leg), or ICE, DTLS
 * and SRTP (a WebRTC leg). Up go only packets that may be believed: latched or authenticated; everything else
 * is dropped and counted, and nothing is allocated for it.
 *
 * All functions: the thread of the pump that it is attached to (a plain one may be made on another and
 * attached later, and moved). Callbacks may come from inside media_transport_new_rtc and
 * media_transport_restart_ice, none comes after media_transport_free. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"
#include "media/core/rtp.h"
#include "media/engine.h"
#include "media/io/dtls.h"
#include "media/io/ice.h"
#include "media/io/prefetch.h"
#include "media/io/pump.h"
#include "media/io/udp.h"
#include "media/leg_state.h"

typedef struct _MediaTransport MediaTransport;

typedef struct
{
  /* (nullable): what a packet from here will need. */
  void (*expect) (gpointer user, MediaTrail *trail);
  /* @now: of the reading. */
  void (*rtp) (gpointer user, const MediaRtpView *packet, CfgMonotonic now);
  void (*rtcp) (gpointer user, const guint8 *data, gsize size, CfgMonotonic now);
  void (*stranger) (gpointer user); /* a packet was dropped */
  /* WebRTC only; see MediaEngineOps. */
  void (*gathered) (gpointer user, const MediaRtcLocal *local);
  void (*candidate) (gpointer user, const char *candidate);
  void (*connected) (gpointer user, const MediaRtcPath *path);
  void (*disconnected) (gpointer user);
  void (*failed) (gpointer user, const char *reason);
} MediaTransportOps;

/** media_transport_new_rtp: @udp (transfer full); not yet attached. */
MediaTransport *media_transport_new_rtp (MediaUdp *udp, const MediaTransportOps *ops,
                                         gpointer user) G_GNUC_WARN_UNUSED_RESULT;

typedef struct
{
  MediaIceConfig ice;
  gboolean dtls_active;
  const char *remote_ufrag, *remote_pwd, *remote_fingerprint; /* nullable: not known yet */
  const char *const *remote_candidates;                       /* nullable */
} MediaRtcTransportConfig;

/**
 * media_transport_new_rtc: made, attached and gathering. What goes wrong is told by ops.failed; the transport
 * is there nevertheless, dead.
 */
MediaTransport *media_transport_new_rtc (MediaPump *pump, MediaDtlsContext *dtls,
                                         const MediaRtcTransportConfig *config, const MediaTransportOps *ops,
                                         gpointer user) G_GNUC_WARN_UNUSED_RESULT;
void media_transport_free (MediaTransport *transport);

gboolean media_transport_is_rtc (const MediaTransport *transport);
/** media_transport_attach: plain RTP. Returns: FALSE when the kernel refuses. */
gboolean media_transport_attach (MediaTransport *transport, MediaPump *pump) G_GNUC_WARN_UNUSED_RESULT;
/** media_transport_detach: packets wait in the sockets until the next attach. */
void media_transport_detach (MediaTransport *transport);

/** media_transport_configure: plain RTP: where the peer says that it is. */
void media_transport_configure (MediaTransport *transport, const MediaPlan *plan);
/** media_transport_add_candidate: WebRTC; "" or NULL: the peer has no more. */
void media_transport_add_candidate (MediaTransport *transport, const char *candidate);
void media_transport_restart_ice (MediaTransport *transport, const char *remote_ufrag,
                                  const char *remote_pwd);

/** media_transport_arrival: inside ops.rtp: when its packet came, at @now or before. It may cost a system
 * call (media/io/arrival.h). */
CfgMonotonic media_transport_arrival (const MediaTransport *transport, CfgMonotonic now);
/** media_transport_expect_send: what sending a packet will need. */
void media_transport_expect_send (const MediaTransport *transport, MediaTrail *trail);
/** media_transport_send_rtp: @packet of MEDIA_PACKET_SIZE bytes, worked in. Returns: FALSE when it did not
 * go. */
gboolean media_transport_send_rtp (MediaTransport *transport, guint8 *packet, gsize length);
gboolean media_transport_send_rtcp (MediaTransport *transport, guint8 *packet, gsize length);

/** media_transport_forget_ssrc: @ssrc of ours is never sent again: its place in SRTP is free. */
void media_transport_forget_ssrc (MediaTransport *transport, guint32 ssrc);
/** media_transport_get_stats: fills auth_failures, strangers, remote, cipher. */
void media_transport_get_stats (const MediaTransport *transport, MediaLegStats *stats);
void media_transport_export (const MediaTransport *transport, MediaLegState *state);
/** media_transport_import: a SIP leg: the latch, and SRTP with its counters. */
void media_transport_import (MediaTransport *transport, const MediaLegState *state);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaTransport, media_transport_free)
