#include "tools/load/peer.h"

#include <errno.h>
#include <string.h>

#include "config/base/error.h"

#define MAX_WAITING 8

typedef struct
{
  gsize length;
  guint8 data[MEDIA_PACKET_MAX_LENGTH];
} Datagram;

struct _LoadPeer
{
  MediaPump *pump;
  const LoadPeerOps *ops;
  gpointer user;
  const MediaCertificate *certificate;
  LoadPeerState state;
  MediaIce *ice;
  MediaDtls *dtls;
  MediaSrtp *srtp;
  MediaSrtpProfile profile;
  GQueue waiting; /* of Datagram: DTLS input for the job */
  MediaPumpJob job;
  MediaPumpTimer timer;
  const char *failure;
};

static void
set_state (LoadPeer *peer, LoadPeerState state)
{
  if (peer->state == state)
    return;
  peer->state = state;
  if (peer->ops->state != NULL)
    peer->ops->state (peer, state, peer->user);
}

static gboolean
make_srtp (LoadPeer *peer)
{
  MediaSrtpKeys local;
  MediaSrtpKeys remote;

  if (!media_dtls_export_keys (peer->dtls, &local, &remote))
    return FALSE;
  peer->srtp = media_srtp_new (&local, &remote, NULL);
  peer->profile = local.profile;
  media_srtp_keys_clear (&local);
  media_srtp_keys_clear (&remote);
  return peer->srtp != NULL;
}

/* May free the peer (through its owner): the last thing that a function does. */
static void
follow_dtls (LoadPeer *peer, CfgMonotonic now)
{
  const MediaDtlsState state = media_dtls_state (peer->dtls);
  const CfgMonotonic deadline = media_dtls_deadline (peer->dtls, now);

  if (deadline.us == G_MAXINT64)
    media_pump_stop_timer (peer->pump, &peer->timer);
  else
    media_pump_start_timer (peer->pump, &peer->timer, deadline);
  if (state == MEDIA_DTLS_FAILED || state == MEDIA_DTLS_CLOSED)
    {
      peer->failure = state == MEDIA_DTLS_FAILED ? media_dtls_failure (peer->dtls) : "closed by the peer";
      set_state (peer, LOAD_PEER_FAILED);
    }
  else if (state == MEDIA_DTLS_CONNECTED && peer->srtp == NULL)
    {
      if (make_srtp (peer))
        set_state (peer, LOAD_PEER_CONNECTED);
      else
        {
          peer->failure = "no SRTP keys";
          set_state (peer, LOAD_PEER_FAILED);
        }
    }
}

static void
on_job (CfgMonotonic now, gpointer user)
{
  LoadPeer *peer = user;
  Datagram *datagram = g_queue_pop_head (&peer->waiting);

  if (datagram == NULL)
    return;
  (void)media_dtls_input (peer->dtls, datagram->data, datagram->length, now);
  g_free (datagram);
  if (!g_queue_is_empty (&peer->waiting))
    media_pump_queue_job (peer->pump, &peer->job);
  follow_dtls (peer, now);
}

static void
on_timer (CfgMonotonic now, gpointer user)
{
  LoadPeer *peer = user;

  (void)media_dtls_timeout (peer->dtls, now);
  follow_dtls (peer, now);
}

static void
queue_dtls (LoadPeer *peer, const guint8 *data, gsize length)
{
  Datagram *datagram;

  if (g_queue_get_length (&peer->waiting) >= MAX_WAITING)
    return;
  datagram = g_new (Datagram, 1);
  datagram->length = length;
  memcpy (datagram->data, data, length);
  g_queue_push_tail (&peer->waiting, datagram);
  media_pump_queue_job (peer->pump, &peer->job);
}

/* RFC 5761 4: payload types 64..95 with the marker bit are RTCP's. */
static gboolean
is_rtcp (const guint8 *packet, gsize length)
{
  return length >= 2 && packet[1] >= 192 && packet[1] <= 223;
}

static void
on_receive (MediaIce *ice, guint8 *data, gsize length, CfgMonotonic now, gpointer user)
{
  LoadPeer *peer = user;
  gssize plain;

  (void)ice;
  if (data[0] >= 20 && data[0] <= 63)
    queue_dtls (peer, data, length);
  else if (data[0] >= 128 && data[0] <= 191 && peer->srtp != NULL)
    {
      const gboolean rtcp = is_rtcp (data, length);

      plain = rtcp ? media_srtp_unprotect_rtcp (peer->srtp, data, length)
                   : media_srtp_unprotect_rtp (peer->srtp, data, length);
      if (plain < 0)
        return;
      if (rtcp && peer->ops->rtcp != NULL)
        peer->ops->rtcp (peer, data, (gsize)plain, now, peer->user);
      else if (!rtcp && peer->ops->rtp != NULL)
        peer->ops->rtp (peer, data, (gsize)plain, now, peer->user);
    }
}

static void
on_ice_state (MediaIce *ice, MediaIceState state, gpointer user)
{
  LoadPeer *peer = user;
  const CfgMonotonic now = media_pump_now (peer->pump);

  (void)ice;
  if (state == MEDIA_ICE_CONNECTED)
    {
      (void)media_dtls_start (peer->dtls, now);
      follow_dtls (peer, now);
    }
  else if (state == MEDIA_ICE_FAILED)
    {
      peer->failure = "ICE failed";
      set_state (peer, LOAD_PEER_FAILED);
    }
}

static void
on_candidate (MediaIce *ice, const char *candidate, gpointer user)
{
  LoadPeer *peer = user;

  (void)ice;
  if (candidate == NULL && peer->ops->described != NULL)
    peer->ops->described (peer, peer->user);
}

static const MediaIceOps ice_ops
    = { .candidate = on_candidate, .state = on_ice_state, .receive = on_receive };

static void
send_dtls (const guint8 *data, gsize length, gpointer user)
{
  LoadPeer *peer = user;

  (void)media_ice_send (peer->ice, data, length);
}

LoadPeer *
load_peer_new (const LoadPeerConfig *config, const LoadPeerOps *ops, gpointer user, GError **error)
{
  g_autoptr (LoadPeer) peer = g_new0 (LoadPeer, 1);
  MediaIceConfig ice = config->ice;

  peer->pump = config->pump;
  peer->ops = ops;
  peer->user = user;
  peer->certificate = config->certificate;
  peer->job = (MediaPumpJob){ .func = on_job, .user = peer };
  peer->timer = (MediaPumpTimer){ .func = on_timer, .user = peer };
  g_queue_init (&peer->waiting);
  ice.controlling = config->offerer;
  peer->dtls = media_dtls_new (
      config->dtls_context, config->offerer && !config->dtls_active ? MEDIA_DTLS_PASSIVE : MEDIA_DTLS_ACTIVE,
      NULL, send_dtls, peer, error);
  if (peer->dtls == NULL)
    return NULL;
  peer->ice = media_ice_new (config->pump, &ice, &ice_ops, peer, error);
  if (peer->ice == NULL || !media_ice_gather (peer->ice, error))
    return NULL;
  return g_steal_pointer (&peer);
}

void
load_peer_free (LoadPeer *peer)
{
  media_pump_stop_timer (peer->pump, &peer->timer);
  media_pump_cancel_job (peer->pump, &peer->job);
  g_queue_clear_full (&peer->waiting, g_free);
  if (peer->dtls != NULL && peer->ice != NULL)
    media_dtls_close (peer->dtls);
  g_clear_pointer (&peer->ice, media_ice_close);
  g_clear_pointer (&peer->dtls, media_dtls_free);
  g_clear_pointer (&peer->srtp, media_srtp_free);
  g_free (peer);
}

char *
load_peer_describe (const LoadPeer *peer)
{
  g_auto (GStrv) candidates = media_ice_local_candidates (peer->ice);
  g_autofree char *joined = g_strjoinv ("|", candidates);

  return g_strjoin ("|", media_ice_ufrag (peer->ice), media_ice_password (peer->ice),
                    media_certificate_fingerprint (peer->certificate), joined, NULL);
}

gboolean
load_peer_set_remote (LoadPeer *peer, const char *line, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (line, "|", -1);
  MediaFingerprint fingerprint;

  if (g_strv_length (parts) < 3)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "not a description of a peer");
      return FALSE;
    }
  if (!media_fingerprint_parse (parts[2], &fingerprint, error)
      || !media_ice_set_remote (peer->ice, parts[0], parts[1], error))
    return FALSE;
  media_dtls_set_remote_fingerprint (peer->dtls, &fingerprint);
  for (guint i = 3; parts[i] != NULL; i++)
    (void)media_ice_add_remote_candidate (peer->ice, parts[i]);
  /* A description without one: they are still to come, one by one. */
  if (parts[3] != NULL)
    media_ice_remote_candidates_done (peer->ice);
  return TRUE;
}

gboolean
load_peer_restart (LoadPeer *peer, GError **error)
{
  return media_ice_restart (peer->ice, error);
}

int
load_peer_send (LoadPeer *peer, guint8 *packet, gsize length)
{
  gssize protected;

  if (peer->srtp == NULL)
    return -ENOTCONN;
  protected = is_rtcp (packet, length)
                  ? media_srtp_protect_rtcp (peer->srtp, packet, length, MEDIA_PACKET_SIZE)
                  : media_srtp_protect_rtp (peer->srtp, packet, length, MEDIA_PACKET_SIZE);
  return protected < 0 ? (int)protected : media_ice_send (peer->ice, packet, (gsize) protected);
}

LoadPeerState
load_peer_state (const LoadPeer *peer)
{
  return peer->state;
}

const char *
load_peer_failure (const LoadPeer *peer)
{
  return peer->failure;
}

MediaSrtpProfile
load_peer_profile (const LoadPeer *peer)
{
  return peer->profile;
}

MediaIce *
load_peer_ice (LoadPeer *peer)
{
  return peer->ice;
}

MediaSrtp *
load_peer_srtp (LoadPeer *peer)
{
  return peer->srtp;
}
