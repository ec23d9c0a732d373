/* The table behind media/transport.h, for media/transport*.c only. */
#pragma once

#include "media/transport.h"

typedef struct
{
  void (*free) (MediaTransport *transport);
  void (*expect_send) (const MediaTransport *transport, MediaTrail *trail);
  CfgMonotonic (*arrival) (const MediaTransport *transport, CfgMonotonic now);
  gboolean (*send_rtp) (MediaTransport *transport, guint8 *packet, gsize length);
  gboolean (*send_rtcp) (MediaTransport *transport, guint8 *packet, gsize length);
  void (*get_stats) (const MediaTransport *transport, MediaLegStats *stats);
  void (*export) (const MediaTransport *transport, MediaLegState *state);
  /* plain RTP only; NULL elsewhere */
  gboolean (*attach) (MediaTransport *transport, MediaPump *pump);
  void (*detach) (MediaTransport *transport);
  void (*configure) (MediaTransport *transport, const MediaPlan *plan);
  void (*import) (MediaTransport *transport, const MediaLegState *state);
  void (*forget_ssrc) (MediaTransport *transport, guint32 ssrc);
  /* WebRTC only */
  void (*add_candidate) (MediaTransport *transport, const char *candidate);
  void (*restart_ice) (MediaTransport *transport, const char *remote_ufrag, const char *remote_pwd);
} MediaTransportClass;

struct _MediaTransport
{
  const MediaTransportClass *class;
  const MediaTransportOps *ops;
  gpointer user;
  MediaPump *pump; /* nullable */
  guint64 strangers;
};

static inline void
media_transport_drop (MediaTransport *transport)
{
  transport->strangers++;
  transport->ops->stranger (transport->user);
}
