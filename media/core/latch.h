/* Where plain RTP may come from and goes to (symmetric RTP, RFC 4961) without letting a stranger take a call
 * over.
 *
 *            a packet of the signalled address, or three in sequence of one SSRC
 *   PENDING -----------------------------------------------------------------> LATCHED --+
 *      ^                                                                        |   ^    |
 *      +------- media_latch_set_signalled with another address -----------------+   +----+
 *                                                                                  rebind
 *
 * Rebind: three in sequence of the same SSRC that go on from the last good one, at least 1 s after it, and no
 * RTCP from the old address meanwhile. Also, while the latched address is only that of the first packets that
 * came, three in sequence of the signalled one: the others may be left over from the port's last call.
 * Packets of any other address are refused. While PENDING after a change of address the old one still counts
 * as good, so that nothing is lost before the peer moves. Plain values; pure. For authenticated streams
 * (SRTP) pass only packets that passed authentication, @authenticated TRUE: they may rebind at once. */
#pragma once

#include "config/base/clock.h"

#include <glib.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* An IP address and port that compares with memcmp: unused octets are zero. IPv4-mapped IPv6 becomes IPv4. */
typedef struct
{
  guint8 ip[16];
  guint32 scope; /* IPv6 link-local only */
  guint16 port;  /* host order */
  guint8 family; /* 0: unset, 4, 6 */
  guint8 zero;
} MediaLatchAddress;

/** media_latch_address_from_sockaddr: Returns: FALSE (and unset) when it is neither IPv4 nor IPv6 or too
 * short. */
gboolean media_latch_address_from_sockaddr (MediaLatchAddress *address, const struct sockaddr *from,
                                            socklen_t size);
/** media_latch_address_to_sockaddr: Returns: the size used; 0 when unset. */
socklen_t media_latch_address_to_sockaddr (const MediaLatchAddress *address, struct sockaddr_storage *to);
gboolean media_latch_address_equal (const MediaLatchAddress *a, const MediaLatchAddress *b);
gboolean media_latch_address_same_ip (const MediaLatchAddress *a, const MediaLatchAddress *b);

typedef enum
{
  MEDIA_LATCH_PENDING,
  MEDIA_LATCH_LATCHED,
} MediaLatchState;

typedef enum
{
  MEDIA_LATCH_REFUSE, /* drop and count */
  MEDIA_LATCH_ACCEPT,
  MEDIA_LATCH_CHANGED, /* accept; the remote address is another one now: log it, send there */
} MediaLatchResult;

/* A row of packets from an address that is not (yet) ours. */
typedef struct
{
  MediaLatchAddress address;
  guint32 ssrc;
  guint16 sequence;
  guint count;
  CfgMonotonic first_at;
} MediaLatchCandidate;

typedef struct
{
  MediaLatchState state;
  MediaLatchAddress signalled; /* from SDP; may be unset */
  MediaLatchAddress remote;    /* send RTP here: the latched address, before that the signalled one */
  MediaLatchAddress previous;  /* good until latched again */
  gboolean is_guess;           /* latched to who came first, not to the signalled address */
  gboolean have_stream;
  guint32 ssrc;
  guint16 sequence; /* newest good */
  CfgMonotonic good_at;
  gboolean have_rtcp;
  CfgMonotonic rtcp_at; /* newest RTCP of the latched peer */
  MediaLatchCandidate candidate;
  guint64 refused;
} MediaLatch;

/** media_latch_init: @signalled: (nullable): address and port of the SDP. */
void media_latch_init (MediaLatch *latch, const MediaLatchAddress *signalled);
/** media_latch_set_signalled: a new SDP; the same address changes nothing, another one starts over. */
void media_latch_set_signalled (MediaLatch *latch, const MediaLatchAddress *signalled);
/** media_latch_rtp: one RTP packet, already parsed. */
MediaLatchResult media_latch_rtp (MediaLatch *latch, const MediaLatchAddress *from, guint32 ssrc,
                                  guint16 sequence, gboolean authenticated, CfgMonotonic now);
/**
 * media_latch_rtcp:
 * @ssrc: sender of the compound's first packet
 *
 * Good from the IP of the latched (or signalled) RTP address, any port. Never latches by itself.
 */
MediaLatchResult media_latch_rtcp (MediaLatch *latch, const MediaLatchAddress *from, guint32 ssrc,
                                   gboolean authenticated, CfgMonotonic now);
