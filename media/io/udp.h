/* A pair of UDP sockets for plain RTP: RTP on an even port, RTCP on the next (RFC 3550 section 11).
 *
 * May be created on one thread and used on another; used by one thread at a time. All sockets are
 * non-blocking and marked EF (DSCP 46). */
#pragma once

#include <glib.h>

#include "media/io/address.h"

typedef struct _MediaUdp MediaUdp;

typedef enum
{
  MEDIA_UDP_RTP,
  MEDIA_UDP_RTCP,
} MediaUdpChannel;

typedef struct
{
  guint16 start; /* both inclusive; 0 and 0: any port the kernel likes */
  guint16 end;
} MediaPortRange;

typedef struct
{
  guint64 packets_received;
  guint64 bytes_received;
  guint64 packets_sent;
  guint64 bytes_sent;
  guint64 receive_errors; /* but EAGAIN */
  guint64 send_errors;    /* EAGAIN (buffer full) too: the packet is lost */
  guint64 oversized;      /* datagrams longer than MEDIA_PACKET_MAX_LENGTH, dropped */
} MediaUdpStats;

/**
 * media_udp_new:
 * @bind_ip: IPv4 or IPv6 literal, "0.0.0.0" and "::" included (an IPv6 socket takes IPv6 only)
 * @range: even and odd ports are taken in pairs, from a random pair on, 256 attempts at most
 *
 * Returns: (transfer full): NULL with CFG_ERROR_RESOURCE_EXHAUSTED when no pair was free,
 *   CFG_ERROR_INVALID_ARGUMENT for a bad address or an empty range, CFG_ERROR_UNAVAILABLE when the address is
 *   not ours or descriptors ran out.
 */
MediaUdp *media_udp_new (const char *bind_ip, MediaPortRange range, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** media_udp_free: closes both. Remove the descriptors from the pump before. */
void media_udp_free (MediaUdp *udp);

/** media_udp_fd: for media_pump_add_fd. Owned by @udp. */
int media_udp_fd (const MediaUdp *udp, MediaUdpChannel channel);
/** media_udp_local: the bound address (the port is the even one for RTP). */
MediaAddress media_udp_local (const MediaUdp *udp, MediaUdpChannel channel);

/**
 * media_udp_receive:
 * @buffer: of MEDIA_PACKET_SIZE bytes
 * @from: (out): the sender
 *
 * Returns: the length of the datagram (0 is a valid one), -EAGAIN when none waits, -EMSGSIZE when one was
 *   dropped for its length, another negative errno (counted) otherwise.
 */
gssize media_udp_receive (MediaUdp *udp, MediaUdpChannel channel, guint8 *buffer,
                          MediaAddress *from) G_GNUC_WARN_UNUSED_RESULT;
/** media_udp_send: Returns: 0, or a negative errno (counted; the packet is lost, as on the network). */
int media_udp_send (MediaUdp *udp, MediaUdpChannel channel, const guint8 *data, gsize length,
                    const MediaAddress *to);

void media_udp_get_stats (const MediaUdp *udp, MediaUdpStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaUdp, media_udp_free)
