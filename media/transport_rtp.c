/* RTP of a SIP leg, plain or with SDES-SRTP: a pair of sockets behind a latch. With SRTP nothing of a packet
 * is believed, not even where it comes from, before it is authentic. */
#include "media/transport_private.h"

#include <sys/epoll.h>

#include "media/core/demux.h"
#include "media/core/latch.h"
#include "media/core/rtcp.h"
#include "media/io/arrival.h"
#include "media/io/prefetch.h"

typedef struct
{
  MediaTransport base;
  MediaUdp *udp;
  MediaSrtp *srtp;     /* NULL: plain RTP */
  MediaAddress remote; /* where RTP goes; unset at first */
  MediaTrail trail;    /* of a packet that is received */
  MediaLatch latch;
  guint64 watches[2]; /* by MediaUdpChannel; 0: not attached */
  gboolean rtcp_mux;
  guint16 signalled_rtcp_port;
  MediaAddress remote_rtcp; /* where RTCP goes when not multiplexed */
  gboolean rtcp_learned;
  MediaSrtpKeys local_keys, remote_keys;
  guint64 auth_failures; /* of contexts that are gone */
} RtpTransport;

static void
to_latch_address (const MediaAddress *address, MediaLatchAddress *out)
{
  if (!media_address_is_set (address)
      || !media_latch_address_from_sockaddr (out, &address->sa, media_address_length (address)))
    *out = (MediaLatchAddress){ 0 };
}

static gboolean
from_latch_address (const MediaLatchAddress *address, MediaAddress *out)
{
  struct sockaddr_storage storage;
  const socklen_t length = media_latch_address_to_sockaddr (address, &storage);

  *out = (MediaAddress){ 0 };
  return length > 0 && media_address_from_sockaddr (out, (const struct sockaddr *)&storage, length);
}

static void
set_port (MediaAddress *address, guint16 port)
{
  if (address->sa.sa_family == AF_INET6)
    address->v6.sin6_port = g_htons (port);
  else
    address->v4.sin_port = g_htons (port);
}

/* After each change of the latch. RTCP goes beside RTP until the peer's own RTCP has been seen. */
static void
update_remote (RtpTransport *transport)
{
  from_latch_address (&transport->latch.remote, &transport->remote);
  if (transport->rtcp_learned && media_address_equal_ip (&transport->remote, &transport->remote_rtcp))
    return;
  transport->rtcp_learned = FALSE;
  transport->remote_rtcp = transport->remote;
  if (media_address_is_set (&transport->remote))
    set_port (&transport->remote_rtcp, transport->signalled_rtcp_port != 0
                                           ? transport->signalled_rtcp_port
                                           : (guint16)(media_address_port (&transport->remote) + 1));
}

static guint64
auth_failures (const RtpTransport *transport)
{
  MediaSrtpStats stats = { 0 };

  if (transport->srtp != NULL)
    media_srtp_get_stats (transport->srtp, &stats);
  return transport->auth_failures + stats.auth_failures;
}

static void
drop_srtp (RtpTransport *transport)
{
  transport->auth_failures = auth_failures (transport);
  g_clear_pointer (&transport->srtp, media_srtp_free);
  media_srtp_keys_clear (&transport->local_keys);
  media_srtp_keys_clear (&transport->remote_keys);
}

/* Keys that stay go on with their counters, whatever else an offer changed. */
static void
configure_srtp (RtpTransport *transport, const MediaPlan *plan)
{
  const gboolean same_local = media_srtp_keys_equal (&plan->srtp_local, &transport->local_keys);
  const gboolean same_remote = media_srtp_keys_equal (&plan->srtp_remote, &transport->remote_keys);
  gboolean made = TRUE;

  if (plan->srtp_local.profile == MEDIA_SRTP_NONE || plan->srtp_remote.profile == MEDIA_SRTP_NONE)
    {
      drop_srtp (transport);
      return;
    }
  if (transport->srtp == NULL)
    {
      transport->srtp = media_srtp_new (&plan->srtp_local, &plan->srtp_remote, NULL);
      made = transport->srtp != NULL;
    }
  else if (!same_local || !same_remote)
    made = media_srtp_rekey (transport->srtp, same_local ? NULL : &plan->srtp_local,
                             same_remote ? NULL : &plan->srtp_remote, NULL);
  /* Both suites and lengths were checked where the keys come from. */
  g_assert (made);
  transport->local_keys = plan->srtp_local;
  transport->remote_keys = plan->srtp_remote;
}

static void
receive_rtp (RtpTransport *transport, guint8 *data, gsize size, const MediaAddress *from, CfgMonotonic now)
{
  MediaTransport *base = &transport->base;
  MediaLatchAddress address;
  MediaRtpView packet;
  MediaLatchResult result;
  gssize plain = (gssize)size;

  if (transport->srtp != NULL)
    plain = media_srtp_unprotect_rtp (transport->srtp, data, size);
  if (plain < 0 || media_rtp_parse (&packet, data, (gsize)plain) != 0)
    {
      media_transport_drop (base);
      return;
    }
  to_latch_address (from, &address);
  result = media_latch_rtp (&transport->latch, &address, packet.ssrc, packet.sequence,
                            transport->srtp != NULL, now);
  if (result == MEDIA_LATCH_REFUSE)
    {
      media_transport_drop (base);
      return;
    }
  if (result == MEDIA_LATCH_CHANGED)
    update_remote (transport);
  base->ops->rtp (base->user, &packet, now);
}

static void
receive_rtcp (RtpTransport *transport, guint8 *data, gsize size, const MediaAddress *from,
              MediaUdpChannel channel, CfgMonotonic now)
{
  MediaTransport *base = &transport->base;
  MediaLatchAddress address;
  MediaRtcpReader reader;
  MediaRtcpPacket first;
  gssize plain = (gssize)size;

  to_latch_address (from, &address);
  if (transport->srtp != NULL)
    plain = media_srtp_unprotect_rtcp (transport->srtp, data, size);
  if (plain < 0 || media_rtcp_reader_init (&reader, data, (gsize)plain) != 0
      || !media_rtcp_reader_next (&reader, &first)
      || media_latch_rtcp (&transport->latch, &address, first.ssrc, transport->srtp != NULL, now)
             == MEDIA_LATCH_REFUSE)
    {
      media_transport_drop (base);
      return;
    }
  if (channel == MEDIA_UDP_RTCP)
    {
      transport->remote_rtcp = *from;
      transport->rtcp_learned = TRUE;
    }
  base->ops->rtcp (base->user, data, (gsize)plain, now);
}

static void
expect_receive (RtpTransport *transport)
{
  const MediaTransport *base = &transport->base;

  if (transport->srtp != NULL)
    media_srtp_expect_receive (transport->srtp, &transport->trail);
  media_trail_add (&transport->trail, transport->udp, 2 * MEDIA_CACHE_LINE);
  if (base->ops->expect != NULL)
    base->ops->expect (base->user, &transport->trail);
}

/* One packet: there is rarely another, and the call that says so costs a twentieth of all that a forwarded
 * packet does. The pump comes again for those that are there, and one socket does not keep the others
 * waiting. */
static void
on_readable (RtpTransport *transport, MediaUdpChannel channel, CfgMonotonic now)
{
  guint8 buffer[MEDIA_PACKET_SIZE];
  MediaAddress from;
  gssize length;

  if (!media_trail_follow (&transport->trail))
    expect_receive (transport);
  length = media_udp_receive (transport->udp, channel, buffer, &from);

  if (length < 0)
    return;
  switch (media_demux_classify (buffer, (gsize)length))
    {
    case MEDIA_PACKET_RTP:
      if (channel == MEDIA_UDP_RTP)
        receive_rtp (transport, buffer, (gsize)length, &from, now);
      else
        media_transport_drop (&transport->base);
      break;
    case MEDIA_PACKET_RTCP:
      receive_rtcp (transport, buffer, (gsize)length, &from, channel, now);
      break;
    case MEDIA_PACKET_UNKNOWN:
    case MEDIA_PACKET_STUN:
    case MEDIA_PACKET_ZRTP:
    case MEDIA_PACKET_DTLS:
    case MEDIA_PACKET_TURN:
    default:
      media_transport_drop (&transport->base);
      break;
    }
}

static void
on_rtp_readable (guint32 events, CfgMonotonic now, gpointer user)
{
  on_readable (user, MEDIA_UDP_RTP, now);
}

static void
on_rtcp_readable (guint32 events, CfgMonotonic now, gpointer user)
{
  on_readable (user, MEDIA_UDP_RTCP, now);
}

static void
rtp_detach (MediaTransport *base)
{
  RtpTransport *transport = (RtpTransport *)base;

  if (base->pump == NULL)
    return;
  media_pump_remove_fd (base->pump, transport->watches[MEDIA_UDP_RTP]);
  media_pump_remove_fd (base->pump, transport->watches[MEDIA_UDP_RTCP]);
  transport->watches[MEDIA_UDP_RTP] = transport->watches[MEDIA_UDP_RTCP] = 0;
  base->pump = NULL;
}

static gboolean
rtp_attach (MediaTransport *base, MediaPump *pump)
{
  RtpTransport *transport = (RtpTransport *)base;

  base->pump = pump;
  transport->watches[MEDIA_UDP_RTP] = media_pump_add_fd (pump, media_udp_fd (transport->udp, MEDIA_UDP_RTP),
                                                         EPOLLIN, on_rtp_readable, transport);
  transport->watches[MEDIA_UDP_RTCP] = media_pump_add_fd (pump, media_udp_fd (transport->udp, MEDIA_UDP_RTCP),
                                                          EPOLLIN, on_rtcp_readable, transport);
  media_arrival_watch (media_udp_fd (transport->udp, MEDIA_UDP_RTP));
  if (transport->watches[MEDIA_UDP_RTP] != 0 && transport->watches[MEDIA_UDP_RTCP] != 0)
    return TRUE;
  rtp_detach (base);
  return FALSE;
}

static void
rtp_free (MediaTransport *base)
{
  RtpTransport *transport = (RtpTransport *)base;

  rtp_detach (base);
  media_udp_free (transport->udp);
  drop_srtp (transport);
  g_aligned_free (transport);
}

/* "c=IN IP4 0.0.0.0" is how RFC 2543 put a call on hold: where the peer is does not change by it. */
static gboolean
is_nowhere (const MediaAddress *address)
{
  if (address->sa.sa_family == AF_INET6)
    return IN6_IS_ADDR_UNSPECIFIED (&address->v6.sin6_addr);
  return address->v4.sin_addr.s_addr == INADDR_ANY;
}

static void
rtp_configure (MediaTransport *base, const MediaPlan *plan)
{
  RtpTransport *transport = (RtpTransport *)base;
  MediaAddress signalled;
  MediaLatchAddress address;

  transport->rtcp_mux = plan->rtcp_mux;
  configure_srtp (transport, plan);
  if (plan->remote_rtp_port == 0
      || !media_address_parse (&signalled, plan->remote_address, plan->remote_rtp_port)
      || is_nowhere (&signalled))
    return;
  transport->signalled_rtcp_port = plan->remote_rtcp_port;
  to_latch_address (&signalled, &address);
  media_latch_set_signalled (&transport->latch, &address);
  update_remote (transport);
}

static void
rtp_expect_send (const MediaTransport *base, MediaTrail *trail)
{
  const RtpTransport *transport = (const RtpTransport *)base;

  media_trail_add (trail, base, G_STRUCT_OFFSET (RtpTransport, trail));
  media_trail_add (trail, transport->udp, 2 * MEDIA_CACHE_LINE);
  if (transport->srtp != NULL)
    media_srtp_expect_send (transport->srtp, trail);
}

static gboolean
rtp_send_rtp (MediaTransport *base, guint8 *packet, gsize length)
{
  RtpTransport *transport = (RtpTransport *)base;

  gssize size = (gssize)length;

  if (!media_address_is_set (&transport->remote))
    return FALSE;
  if (transport->srtp != NULL)
    size = media_srtp_protect_rtp (transport->srtp, packet, length, MEDIA_PACKET_SIZE);
  return size > 0
         && media_udp_send (transport->udp, MEDIA_UDP_RTP, packet, (gsize)size, &transport->remote) == 0;
}

static gboolean
rtp_send_rtcp (MediaTransport *base, guint8 *packet, gsize length)
{
  RtpTransport *transport = (RtpTransport *)base;

  gssize size = (gssize)length;

  if (!media_address_is_set (&transport->remote))
    return FALSE;
  if (transport->srtp != NULL)
    size = media_srtp_protect_rtcp (transport->srtp, packet, length, MEDIA_PACKET_SIZE);
  if (size <= 0)
    return FALSE;
  if (transport->rtcp_mux)
    return media_udp_send (transport->udp, MEDIA_UDP_RTP, packet, (gsize)size, &transport->remote) == 0;
  return media_udp_send (transport->udp, MEDIA_UDP_RTCP, packet, (gsize)size, &transport->remote_rtcp) == 0;
}

static void
rtp_forget_ssrc (MediaTransport *base, guint32 ssrc)
{
  RtpTransport *transport = (RtpTransport *)base;

  if (transport->srtp != NULL)
    media_srtp_forget_ssrc (transport->srtp, ssrc, TRUE);
}

static void
rtp_get_stats (const MediaTransport *base, MediaLegStats *stats)
{
  const RtpTransport *transport = (const RtpTransport *)base;
  char text[MEDIA_ADDRESS_TEXT_SIZE];

  g_strlcpy (stats->remote, media_address_format (&transport->remote, text), sizeof stats->remote);
  g_strlcpy (stats->cipher,
             transport->srtp != NULL ? media_srtp_profile_name (transport->local_keys.profile) : "none",
             sizeof stats->cipher);
  stats->auth_failures = auth_failures (transport);
}

static void
rtp_export (const MediaTransport *base, MediaLegState *state)
{
  const RtpTransport *transport = (const RtpTransport *)base;
  const MediaAddress local = media_udp_local (transport->udp, MEDIA_UDP_RTP);
  const MediaAddress local_rtcp = media_udp_local (transport->udp, MEDIA_UDP_RTCP);
  char text[MEDIA_ADDRESS_TEXT_SIZE];

  g_strlcpy (state->local_address, media_address_format_ip (&local, text), sizeof state->local_address);
  state->local_rtp_port = media_address_port (&local);
  state->local_rtcp_port = media_address_port (&local_rtcp);
  state->latch = transport->latch;
  if (transport->srtp == NULL)
    return;
  state->local_keys = transport->local_keys;
  state->remote_keys = transport->remote_keys;
  media_srtp_export_state (transport->srtp, &state->srtp);
}

static void
rtp_import (MediaTransport *base, const MediaLegState *state)
{
  RtpTransport *transport = (RtpTransport *)base;

  transport->latch = state->latch;
  update_remote (transport);
  if (state->local_keys.profile == MEDIA_SRTP_NONE)
    return;
  drop_srtp (transport);
  transport->srtp = media_srtp_new (&state->local_keys, &state->remote_keys, NULL);
  if (transport->srtp == NULL)
    return;
  transport->local_keys = state->local_keys;
  transport->remote_keys = state->remote_keys;
  if (media_srtp_import_state (transport->srtp, &state->srtp, NULL))
    return;
  /* Nothing may go out twice under one key and counter: rather a peer that has to be called anew. */
  media_srtp_free (transport->srtp);
  media_srtp_keys_generate (&transport->local_keys, state->local_keys.profile);
  transport->srtp = media_srtp_new (&transport->local_keys, &transport->remote_keys, NULL);
}

static CfgMonotonic
rtp_arrival (const MediaTransport *base, CfgMonotonic now)
{
  const RtpTransport *transport = (const RtpTransport *)base;

  return media_arrival (media_udp_fd (transport->udp, MEDIA_UDP_RTP), now, media_pump_quiet_at (base->pump));
}

static const MediaTransportClass rtp_class = {
  .free = rtp_free,
  .arrival = rtp_arrival,
  .expect_send = rtp_expect_send,
  .send_rtp = rtp_send_rtp,
  .send_rtcp = rtp_send_rtcp,
  .get_stats = rtp_get_stats,
  .forget_ssrc = rtp_forget_ssrc,
  .export = rtp_export,
  .attach = rtp_attach,
  .detach = rtp_detach,
  .configure = rtp_configure,
  .import = rtp_import,
};

MediaTransport *
media_transport_new_rtp (MediaUdp *udp, const MediaTransportOps *ops, gpointer user)
{
  RtpTransport *transport = MEDIA_NEW_LINES (RtpTransport);

  transport->base.class = &rtp_class;
  transport->base.ops = ops;
  transport->base.user = user;
  transport->udp = udp;
  media_latch_init (&transport->latch, NULL);
  return &transport->base;
}
