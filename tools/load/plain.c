#include "tools/load/plain.h"

#include <errno.h>
#include <sys/epoll.h>

#include "media/core/demux.h"
#include "media/io/arrival.h"

#define BATCH 8

typedef struct
{
  LoadPlain *plain;
  MediaUdpChannel channel;
  guint64 id;
} Channel;

struct _LoadPlain
{
  LoadParticipant *participant;
  MediaUdp *udp;
  MediaSrtp *srtp; /* nullable */
  Channel channels[2];
  MediaAddress remote[2];
};

static void
on_readable (guint32 events, CfgMonotonic now, gpointer user)
{
  const Channel *channel = user;
  LoadPlain *plain = channel->plain;
  guint8 packet[MEDIA_PACKET_SIZE];
  MediaAddress from;

  (void)events;
  for (guint i = 0; i < BATCH; i++)
    {
      gssize length = media_udp_receive (plain->udp, channel->channel, packet, &from);

      if (length == -EAGAIN)
        return;
      if (length <= 0)
        continue;
      if (plain->srtp != NULL)
        length = media_demux_classify (packet, (gsize)length) == MEDIA_PACKET_RTCP
                     ? media_srtp_unprotect_rtcp (plain->srtp, packet, (gsize)length)
                     : media_srtp_unprotect_rtp (plain->srtp, packet, (gsize)length);
      if (length > 0)
        load_participant_receive (plain->participant, packet, (gsize)length,
                                  media_arrival_ask (media_udp_fd (plain->udp, channel->channel),
                                                     cfg_monotonic_now (), (CfgMonotonic){ 0 }));
    }
}

LoadPlain *
load_plain_new (LoadParticipant *participant, const char *ip, GError **error)
{
  MediaPump *pump = participant->load->pump;
  LoadPlain *plain;
  MediaUdp *udp = media_udp_new (ip, (MediaPortRange){ 0, 0 }, error);

  if (udp == NULL)
    return NULL;
  plain = g_new0 (LoadPlain, 1);
  plain->participant = participant;
  plain->udp = udp;
  for (guint i = 0; i < 2; i++)
    {
      plain->channels[i] = (Channel){ .plain = plain, .channel = i == 0 ? MEDIA_UDP_RTP : MEDIA_UDP_RTCP };
      plain->channels[i].id = media_pump_add_fd (pump, media_udp_fd (udp, plain->channels[i].channel),
                                                 EPOLLIN, on_readable, &plain->channels[i]);
    }
  return plain;
}

void
load_plain_free (LoadPlain *plain)
{
  if (plain == NULL)
    return;
  for (guint i = 0; i < 2; i++)
    media_pump_remove_fd (plain->participant->load->pump, plain->channels[i].id);
  media_udp_free (plain->udp);
  g_clear_pointer (&plain->srtp, media_srtp_free);
  g_free (plain);
}

guint16
load_plain_port (const LoadPlain *plain)
{
  const MediaAddress local = media_udp_local (plain->udp, MEDIA_UDP_RTP);

  return media_address_port (&local);
}

gboolean
load_plain_set_remote (LoadPlain *plain, const char *ip, guint16 port)
{
  return media_address_parse (&plain->remote[0], ip, port)
         && media_address_parse (&plain->remote[1], ip, (guint16)(port + 1));
}

gboolean
load_plain_set_keys (LoadPlain *plain, const MediaSrtpKeys *local, const MediaSrtpKeys *remote,
                     GError **error)
{
  g_clear_pointer (&plain->srtp, media_srtp_free);
  plain->srtp = media_srtp_new (local, remote, error);
  return plain->srtp != NULL;
}

void
load_plain_send (LoadPlain *plain, guint8 *packet, gsize length)
{
  const gboolean rtcp = media_demux_classify (packet, length) == MEDIA_PACKET_RTCP;
  gssize size = (gssize)length;

  if (!media_address_is_set (&plain->remote[0]))
    return;
  if (plain->srtp != NULL)
    size = rtcp ? media_srtp_protect_rtcp (plain->srtp, packet, length, MEDIA_PACKET_SIZE)
                : media_srtp_protect_rtp (plain->srtp, packet, length, MEDIA_PACKET_SIZE);
  if (size > 0)
    (void)media_udp_send (plain->udp, rtcp ? MEDIA_UDP_RTCP : MEDIA_UDP_RTP, packet, (gsize)size,
                          &plain->remote[rtcp]);
}
