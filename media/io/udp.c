#include "media/io/udp.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/base/error.h"
#include "config/base/ids.h"
#include "media/io/pump.h"

#define MAX_ATTEMPTS             256
#define STRIDE                   7919
#define OTHER_STRIDE             7907
#define TOS_EXPEDITED_FORWARDING 0xb8

struct _MediaUdp
{
  int fds[2];
  MediaAddress local[2];
  MediaUdpStats stats;
};

/* Returns: the bound descriptor, or a negative errno. */
static int
open_socket (const MediaAddress *address)
{
  const int one = 1;
  const int tos = TOS_EXPEDITED_FORWARDING;
  int fd = socket (address->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (fd < 0)
    return -errno;
  /* A refused mark is no reason to have no call. */
  if (address->sa.sa_family == AF_INET6)
    {
      (void)!setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
      (void)!setsockopt (fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
    }
  else
    (void)!setsockopt (fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
  if (bind (fd, &address->sa, media_address_length (address)) < 0)
    {
      const int error = errno;

      close (fd);
      return -error;
    }
  return fd;
}

static void
set_port (MediaAddress *address, guint16 port)
{
  if (address->sa.sa_family == AF_INET6)
    address->v6.sin6_port = g_htons (port);
  else
    address->v4.sin_port = g_htons (port);
}

/* Returns: 0 with both descriptors filled in, or a negative errno with none. */
static int
open_pair (MediaUdp *udp, const MediaAddress *address, guint16 rtp_port)
{
  for (int channel = 0; channel < 2; channel++)
    {
      udp->local[channel] = *address;
      set_port (&udp->local[channel], (guint16)(rtp_port + channel));
      udp->fds[channel] = open_socket (&udp->local[channel]);
      if (udp->fds[channel] < 0)
        {
          const int error = udp->fds[channel];

          udp->fds[channel] = -1;
          if (channel == MEDIA_UDP_RTCP)
            close (udp->fds[MEDIA_UDP_RTP]);
          udp->fds[MEDIA_UDP_RTP] = -1;
          return error;
        }
    }
  return 0;
}

/* From one try to the next, so that a row of ports that somebody else has is not gone through one by one. A
 * prime that does not divide @n_pairs comes to each of them. */
static guint
stride (guint n_pairs)
{
  return n_pairs % STRIDE != 0 ? STRIDE : OTHER_STRIDE;
}

/* Port 0: the kernel picks from its own range, which we narrow down to pairs by asking for random ones. */
static gboolean
open_range (MediaUdp *udp, const MediaAddress *address, MediaPortRange range, GError **error)
{
  const guint first = range.start == 0 && range.end == 0 ? 32768 : (range.start + 1u) & ~1u;
  const guint last = range.start == 0 && range.end == 0 ? 60999 : range.end;
  guint n_pairs;
  guint start;
  int result = -EADDRINUSE;

  if (range.end < range.start || last < first + 1)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "the RTP port range %u-%u holds no pair",
                   range.start, range.end);
      return FALSE;
    }
  n_pairs = (last - first + 1) / 2;
  start = cfg_random_u32 () % n_pairs;
  for (guint i = 0; i < MIN (n_pairs, MAX_ATTEMPTS); i++)
    {
      result = open_pair (udp, address, (guint16)(first + 2 * ((start + i * stride (n_pairs)) % n_pairs)));
      if (result != -EADDRINUSE && result != -EACCES)
        break;
    }
  if (result == 0)
    return TRUE;
  if (result == -EADDRINUSE || result == -EACCES)
    g_set_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED, "no free RTP port pair in %u-%u", first,
                 last);
  else
    g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "cannot open an RTP socket: %s",
                 g_strerror (-result));
  return FALSE;
}

MediaUdp *
media_udp_new (const char *bind_ip, MediaPortRange range, GError **error)
{
  g_autoptr (MediaUdp) udp = g_new0 (MediaUdp, 1);
  MediaAddress address;

  udp->fds[MEDIA_UDP_RTP] = udp->fds[MEDIA_UDP_RTCP] = -1;
  if (!media_address_parse (&address, bind_ip, 0))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "not an IP address to bind: %s",
                   bind_ip != NULL ? bind_ip : "(none)");
      return NULL;
    }
  if (!open_range (udp, &address, range, error))
    return NULL;
  return g_steal_pointer (&udp);
}

void
media_udp_free (MediaUdp *udp)
{
  for (int channel = 0; channel < 2; channel++)
    if (udp->fds[channel] >= 0)
      close (udp->fds[channel]);
  g_free (udp);
}

int
media_udp_fd (const MediaUdp *udp, MediaUdpChannel channel)
{
  return udp->fds[channel];
}

MediaAddress
media_udp_local (const MediaUdp *udp, MediaUdpChannel channel)
{
  return udp->local[channel];
}

gssize
media_udp_receive (MediaUdp *udp, MediaUdpChannel channel, guint8 *buffer, MediaAddress *from)
{
  socklen_t from_length = sizeof *from;
  gssize length;

  memset (from, 0, sizeof *from);
  length = recvfrom (udp->fds[channel], buffer, MEDIA_PACKET_MAX_LENGTH, MSG_TRUNC | MSG_DONTWAIT, &from->sa,
                     &from_length);
  if (length < 0)
    {
      const int error = errno == EWOULDBLOCK ? EAGAIN : errno;

      if (error != EAGAIN)
        udp->stats.receive_errors++;
      return -error;
    }
  if (length > MEDIA_PACKET_MAX_LENGTH)
    {
      udp->stats.oversized++;
      return -EMSGSIZE;
    }
  udp->stats.packets_received++;
  udp->stats.bytes_received += (guint64)length;
  return length;
}

int
media_udp_send (MediaUdp *udp, MediaUdpChannel channel, const guint8 *data, gsize length,
                const MediaAddress *to)
{
  gssize sent;

  if (to->sa.sa_family != udp->local[channel].sa.sa_family)
    {
      udp->stats.send_errors++;
      return -EAFNOSUPPORT;
    }
  sent = sendto (udp->fds[channel], data, length, MSG_DONTWAIT | MSG_NOSIGNAL, &to->sa,
                 media_address_length (to));
  if (sent < 0)
    {
      udp->stats.send_errors++;
      return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    }
  udp->stats.packets_sent++;
  udp->stats.bytes_sent += length;
  return 0;
}

void
media_udp_get_stats (const MediaUdp *udp, MediaUdpStats *stats)
{
  *stats = udp->stats;
}
