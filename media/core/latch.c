#include "media/core/latch.h"

#include "media/core/rtp.h"

#include <string.h>

#define IN_SEQUENCE     3
#define REBIND_AFTER_US CFG_US_PER_S
#define SEQUENCE_PER_S  200 /* a stream moves at most so fast (5 ms packets) */
#define SEQUENCE_SLACK  100

gboolean
media_latch_address_from_sockaddr (MediaLatchAddress *address, const struct sockaddr *from, socklen_t size)
{
  *address = (MediaLatchAddress){ 0 };
  if (size < sizeof from->sa_family)
    return FALSE;
  if (from->sa_family == AF_INET && size >= sizeof (struct sockaddr_in))
    {
      struct sockaddr_in in;

      memcpy (&in, from, sizeof in);
      address->family = 4;
      address->port = ntohs (in.sin_port);
      memcpy (address->ip, &in.sin_addr, 4);
      return TRUE;
    }
  if (from->sa_family == AF_INET6 && size >= sizeof (struct sockaddr_in6))
    {
      struct sockaddr_in6 in6;

      memcpy (&in6, from, sizeof in6);
      address->port = ntohs (in6.sin6_port);
      if (IN6_IS_ADDR_V4MAPPED (&in6.sin6_addr))
        {
          address->family = 4;
          memcpy (address->ip, in6.sin6_addr.s6_addr + 12, 4);
          return TRUE;
        }
      address->family = 6;
      memcpy (address->ip, &in6.sin6_addr, 16);
      if (IN6_IS_ADDR_LINKLOCAL (&in6.sin6_addr))
        address->scope = in6.sin6_scope_id;
      return TRUE;
    }
  return FALSE;
}

socklen_t
media_latch_address_to_sockaddr (const MediaLatchAddress *address, struct sockaddr_storage *to)
{
  memset (to, 0, sizeof *to);
  if (address->family == 4)
    {
      struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons (address->port) };

      memcpy (&in.sin_addr, address->ip, 4);
      memcpy (to, &in, sizeof in);
      return sizeof in;
    }
  if (address->family == 6)
    {
      struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons (address->port) };

      memcpy (&in6.sin6_addr, address->ip, 16);
      in6.sin6_scope_id = address->scope;
      memcpy (to, &in6, sizeof in6);
      return sizeof in6;
    }
  return 0;
}

gboolean
media_latch_address_same_ip (const MediaLatchAddress *a, const MediaLatchAddress *b)
{
  return a->family == b->family && a->family != 0 && a->scope == b->scope
         && memcmp (a->ip, b->ip, sizeof a->ip) == 0;
}

gboolean
media_latch_address_equal (const MediaLatchAddress *a, const MediaLatchAddress *b)
{
  return a->port == b->port && media_latch_address_same_ip (a, b);
}

void
media_latch_init (MediaLatch *latch, const MediaLatchAddress *signalled)
{
  *latch = (MediaLatch){ .state = MEDIA_LATCH_PENDING };
  if (signalled != NULL)
    latch->signalled = *signalled;
  latch->remote = latch->signalled;
}

void
media_latch_set_signalled (MediaLatch *latch, const MediaLatchAddress *signalled)
{
  if (media_latch_address_equal (&latch->signalled, signalled))
    return;
  latch->signalled = *signalled;
  latch->candidate = (MediaLatchCandidate){ 0 };
  if (latch->state == MEDIA_LATCH_LATCHED)
    latch->previous = latch->remote;
  latch->state = MEDIA_LATCH_PENDING;
  latch->remote = *signalled;
}

static MediaLatchResult
refuse (MediaLatch *latch)
{
  latch->refused++;
  return MEDIA_LATCH_REFUSE;
}

static MediaLatchResult
accept_good (MediaLatch *latch, guint32 ssrc, guint16 sequence, CfgMonotonic now)
{
  gboolean older = latch->have_stream && latch->ssrc == ssrc
                   && media_rtp_sequence_diff (sequence, latch->sequence) < 0
                   && media_rtp_sequence_diff (sequence, latch->sequence) > -SEQUENCE_SLACK;

  latch->have_stream = TRUE;
  latch->ssrc = ssrc;
  if (!older)
    latch->sequence = sequence;
  latch->good_at = now;
  return MEDIA_LATCH_ACCEPT;
}

static MediaLatchResult
bind_to (MediaLatch *latch, const MediaLatchAddress *from, guint32 ssrc, guint16 sequence, CfgMonotonic now)
{
  latch->is_guess
      = latch->state == MEDIA_LATCH_PENDING && !media_latch_address_equal (&latch->signalled, from);
  latch->state = MEDIA_LATCH_LATCHED;
  latch->remote = *from;
  latch->previous = (MediaLatchAddress){ 0 };
  latch->candidate = (MediaLatchCandidate){ 0 };
  latch->have_rtcp = FALSE;
  (void)accept_good (latch, ssrc, sequence, now);
  latch->sequence = sequence;
  return MEDIA_LATCH_CHANGED;
}

/* Counts packets in sequence of one address and SSRC. Returns TRUE when the row is long enough. */
static gboolean
note_candidate (MediaLatch *latch, const MediaLatchAddress *from, guint32 ssrc, guint16 sequence,
                CfgMonotonic now)
{
  MediaLatchCandidate *candidate = &latch->candidate;

  if (candidate->count > 0 && candidate->ssrc == ssrc && media_latch_address_equal (&candidate->address, from)
      && sequence == (guint16)(candidate->sequence + 1))
    {
      candidate->count++;
      candidate->sequence = sequence;
      return candidate->count >= IN_SEQUENCE;
    }
  *candidate = (MediaLatchCandidate){
    .address = *from, .ssrc = ssrc, .sequence = sequence, .count = 1, .first_at = now
  };
  return FALSE;
}

/* Whether @sequence can be where the stream stands now, after the time that it was not heard. */
static gboolean
goes_on (const MediaLatch *latch, guint32 ssrc, guint16 sequence, CfgMonotonic now)
{
  gint64 silent_us = cfg_monotonic_diff_us (now, latch->good_at);
  gint64 most = SEQUENCE_SLACK + silent_us * SEQUENCE_PER_S / CFG_US_PER_S;
  gint step = media_rtp_sequence_diff (sequence, latch->sequence);

  return latch->have_stream && latch->ssrc == ssrc && step > 0 && (gint64)step <= MIN (most, 0x7fff);
}

static MediaLatchResult
try_rebind (MediaLatch *latch, const MediaLatchAddress *from, guint32 ssrc, guint16 sequence,
            CfgMonotonic now)
{
  if (cfg_monotonic_diff_us (now, latch->good_at) < REBIND_AFTER_US || !goes_on (latch, ssrc, sequence, now))
    {
      latch->candidate.count = 0;
      return refuse (latch);
    }
  if (!note_candidate (latch, from, ssrc, sequence, now))
    return refuse (latch);
  /* RTCP that still comes from the old address says that the stream has not moved; behind one NAT both look
   * alike. */
  if (latch->have_rtcp && !media_latch_address_same_ip (&latch->remote, from)
      && cfg_monotonic_diff_us (latch->rtcp_at, latch->candidate.first_at) >= 0)
    {
      latch->candidate.count = 0;
      return refuse (latch);
    }
  return bind_to (latch, from, ssrc, sequence, now);
}

MediaLatchResult
media_latch_rtp (MediaLatch *latch, const MediaLatchAddress *from, guint32 ssrc, guint16 sequence,
                 gboolean authenticated, CfgMonotonic now)
{
  if (latch->state == MEDIA_LATCH_LATCHED && media_latch_address_equal (&latch->remote, from))
    return accept_good (latch, ssrc, sequence, now);
  if (authenticated)
    return bind_to (latch, from, ssrc, sequence, now);
  if (latch->state == MEDIA_LATCH_LATCHED && latch->is_guess
      && media_latch_address_equal (&latch->signalled, from))
    return note_candidate (latch, from, ssrc, sequence, now) ? bind_to (latch, from, ssrc, sequence, now)
                                                             : refuse (latch);
  if (latch->state == MEDIA_LATCH_LATCHED)
    return try_rebind (latch, from, ssrc, sequence, now);
  if (media_latch_address_equal (&latch->signalled, from))
    return bind_to (latch, from, ssrc, sequence, now);
  if (media_latch_address_equal (&latch->previous, from))
    return accept_good (latch, ssrc, sequence, now);
  if (!note_candidate (latch, from, ssrc, sequence, now))
    return refuse (latch);
  return bind_to (latch, from, ssrc, sequence, now);
}

MediaLatchResult
media_latch_rtcp (MediaLatch *latch, const MediaLatchAddress *from, guint32 ssrc, gboolean authenticated,
                  CfgMonotonic now)
{
  if (authenticated)
    return MEDIA_LATCH_ACCEPT;
  if (media_latch_address_same_ip (&latch->remote, from)
      || (latch->state == MEDIA_LATCH_PENDING && media_latch_address_same_ip (&latch->previous, from)))
    {
      /* Another source behind the same address is not the stream's own RTCP. */
      if (latch->state == MEDIA_LATCH_LATCHED && latch->have_stream && latch->ssrc == ssrc)
        {
          latch->have_rtcp = TRUE;
          latch->rtcp_at = now;
        }
      return MEDIA_LATCH_ACCEPT;
    }
  return refuse (latch);
}
