/* A WebRTC peer for load and tests: ICE, DTLS and SRTP of media/io put together, with descriptions that are
 * exchanged whole (no SDP). Many of them share a pump and a DTLS context. Pump's thread. */
#pragma once

#include <glib.h>

#include "media/io/dtls.h"
#include "media/io/ice.h"

typedef struct _LoadPeer LoadPeer;

typedef enum
{
  LOAD_PEER_CONNECTING,
  LOAD_PEER_CONNECTED, /* keys are there: packets may be sent */
  LOAD_PEER_FAILED,
} LoadPeerState;

typedef struct
{
  /* Gathering is done: load_peer_describe tells all. */
  void (*described) (LoadPeer *peer, gpointer user);
  void (*state) (LoadPeer *peer, LoadPeerState state, gpointer user);
  /* A packet that was authenticated, plain now. */
  void (*rtp) (LoadPeer *peer, guint8 *packet, gsize length, CfgMonotonic now, gpointer user);
  void (*rtcp) (LoadPeer *peer, guint8 *packet, gsize length, CfgMonotonic now, gpointer user);
} LoadPeerOps;

typedef struct
{
  MediaPump *pump;
  MediaDtlsContext *dtls_context;
  const MediaCertificate *certificate;
  gboolean offerer;     /* ICE controlling and DTLS passive; an answerer is the opposite */
  gboolean dtls_active; /* an offerer whose answer will say a=setup:passive */
  MediaIceConfig ice;
} LoadPeerConfig;

/** load_peer_new: gathers at once. Returns: (transfer full): NULL with @error. */
LoadPeer *load_peer_new (const LoadPeerConfig *config, const LoadPeerOps *ops, gpointer user,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** load_peer_free: also from inside its callbacks. */
void load_peer_free (LoadPeer *peer);

/** load_peer_describe: Returns: (transfer full): one line: ufrag, password, fingerprint, candidates,
 * separated by '|'. */
char *load_peer_describe (const LoadPeer *peer) G_GNUC_WARN_UNUSED_RESULT;
/** load_peer_set_remote: @line as the other side described itself. Returns: FALSE with @error. */
gboolean load_peer_set_remote (LoadPeer *peer, const char *line, GError **error);
/** load_peer_restart: ICE restart; describe anew afterwards. */
gboolean load_peer_restart (LoadPeer *peer, GError **error);

/** load_peer_send: protects @packet of @length bytes, RTP or RTCP by its payload type (RFC 5761), in its
 * buffer of MEDIA_PACKET_SIZE bytes. Returns: 0 or a negative errno. */
int load_peer_send (LoadPeer *peer, guint8 *packet, gsize length);

LoadPeerState load_peer_state (const LoadPeer *peer);
/** load_peer_failure: why FAILED, else NULL. */
const char *load_peer_failure (const LoadPeer *peer);
MediaSrtpProfile load_peer_profile (const LoadPeer *peer);
MediaIce *load_peer_ice (LoadPeer *peer);
/** load_peer_srtp: NULL until CONNECTED. */
MediaSrtp *load_peer_srtp (LoadPeer *peer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LoadPeer, load_peer_free)
