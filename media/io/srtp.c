/* Packet formats, packet indices and replay protection; the cryptography is in srtp_cipher.c.
 *
 * Ours rather than libsrtp2's, whose Debian build costs ten times as much per packet and per session once
 * many calls alternate, and cannot hand over its state. The tests run every profile against libsrtp2, both
 * ways. */
#include "media/io/srtp.h"

#include <errno.h>
#include <string.h>

#include "config/base/error.h"
#include "media/io/pump.h"
#include "media/io/srtp_cipher.h"

#define RTP_HEADER        12
#define RTCP_HEADER       8
#define RTCP_INDEX_LENGTH 4
#define RTCP_ENCRYPTED    0x80000000u
#define RTCP_MAX_INDEX    0x7fffffffu
#define RTP_MAX_INDEX     ((G_GUINT64_CONSTANT (1) << 48) - 1)
#define WINDOW            512 /* packets, a multiple of 64 */

/* Which of the last WINDOW indices were seen: bit index % WINDOW of each. */
typedef struct
{
  gboolean has_any;
  guint64 highest;
  guint64 seen[WINDOW / 64];
} ReplayWindow;

typedef struct
{
  guint32 ssrc;
  ReplayWindow rtp;
  ReplayWindow rtcp;
} Sender;

typedef struct
{
  MediaSrtpCipher *rtp;
  MediaSrtpCipher *rtcp;
  guint n_senders;
  guint n_allocated;
  Sender *senders;
} Direction;

/* After so many packets under the peer's new key none under the old one is under way any more. */
#define OLD_KEY_PACKETS 250
/* A peer that sends nothing has its answer after so many of ours. */
#define NEXT_KEY_PACKETS 25

struct _MediaSrtp
{
  /* for what is sent, and for what is received: a cache line each */
  Direction out;
  Direction next_out; /* no ciphers: none */
  Direction in;
  Direction old_in;  /* no ciphers: none */
  guint next_out_in; /* packets of ours until it takes over */
  guint old_in_left; /* packets of the peer until it is forgotten */
  MediaSrtpStats stats;
};

static guint16
read_u16 (const guint8 *at)
{
  return (guint16)(at[0] << 8 | at[1]);
}

static guint32
read_u32 (const guint8 *at)
{
  return (guint32)at[0] << 24 | (guint32)at[1] << 16 | (guint32)at[2] << 8 | at[3];
}

static void
write_u32 (guint8 *at, guint32 value)
{
  at[0] = (guint8)(value >> 24);
  at[1] = (guint8)(value >> 16);
  at[2] = (guint8)(value >> 8);
  at[3] = (guint8)value;
}

static gboolean
window_has (const ReplayWindow *window, guint64 index)
{
  if (!window->has_any || index > window->highest)
    return FALSE;
  if (window->highest - index >= WINDOW)
    return TRUE;
  return (window->seen[index % WINDOW / 64] >> (index % 64) & 1) != 0;
}

static void
window_add (ReplayWindow *window, guint64 index)
{
  if (!window->has_any || (index > window->highest && index - window->highest >= WINDOW))
    memset (window->seen, 0, sizeof window->seen);
  else
    for (guint64 i = window->highest + 1; i < index; i++)
      window->seen[i % WINDOW / 64] &= ~(G_GUINT64_CONSTANT (1) << (i % 64));
  window->seen[index % WINDOW / 64] |= G_GUINT64_CONSTANT (1) << (index % 64);
  window->highest = window->has_any ? MAX (window->highest, index) : index;
  window->has_any = TRUE;
}

/* As if all up to @highest had been seen. */
static void
window_restore (ReplayWindow *window, guint64 highest)
{
  memset (window->seen, 0xff, sizeof window->seen);
  window->highest = highest;
  window->has_any = TRUE;
}

/* RFC 3711 3.3.1: the index nearest to the highest one with these lower 16 bits. Nothing lies before 0: a
 * sender whose first packets are reordered around it begins again, as libsrtp2 sees it. */
static guint64
guess_index (const ReplayWindow *window, guint16 sequence)
{
  const guint64 rollover = window->highest >> 16;
  const guint16 highest = (guint16)window->highest;

  if (!window->has_any)
    return sequence;
  if (highest < 0x8000 && sequence > highest + 0x8000)
    return (rollover > 0 ? rollover - 1 : 0) << 16 | sequence;
  if (highest >= 0x8000 && sequence < highest - 0x8000)
    return (rollover + 1) << 16 | sequence;
  return rollover << 16 | sequence;
}

static Sender *
find_sender (const Direction *direction, guint32 ssrc)
{
  for (guint i = 0; i < direction->n_senders; i++)
    if (direction->senders[i].ssrc == ssrc)
      return &direction->senders[i];
  return NULL;
}

/* Returns: the sender with @ssrc, new when there was none. There is room: asserted. */
static Sender *
obtain_sender (Direction *direction, guint32 ssrc)
{
  Sender *sender = find_sender (direction, ssrc);

  if (sender != NULL)
    return sender;
  g_assert (direction->n_senders < MEDIA_SRTP_MAX_SSRCS);
  if (direction->n_senders == direction->n_allocated)
    {
      direction->n_allocated = MAX (1, 2 * direction->n_allocated);
      direction->senders = g_renew (Sender, direction->senders, direction->n_allocated);
    }
  sender = &direction->senders[direction->n_senders++];
  memset (sender, 0, sizeof *sender);
  sender->ssrc = ssrc;
  return sender;
}

static gboolean
direction_init (Direction *direction, const MediaSrtpKeys *keys, gboolean is_local, GError **error)
{
  if (keys->profile == MEDIA_SRTP_NONE || media_srtp_profile_key_length (keys->profile) == 0)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "no SRTP profile");
      return FALSE;
    }
  direction->rtp = media_srtp_cipher_new (keys, MEDIA_SRTP_RTP, is_local);
  direction->rtcp = media_srtp_cipher_new (keys, MEDIA_SRTP_RTCP, is_local);
  if (direction->rtp == NULL || direction->rtcp == NULL)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INTERNAL, "the crypto library lacks %s",
                   media_srtp_profile_name (keys->profile));
      return FALSE;
    }
  return TRUE;
}

static void
direction_clear (Direction *direction)
{
  g_clear_pointer (&direction->rtp, media_srtp_cipher_free);
  g_clear_pointer (&direction->rtcp, media_srtp_cipher_free);
  g_free (direction->senders);
  *direction = (Direction){ 0 };
}

MediaSrtp *
media_srtp_new (const MediaSrtpKeys *local, const MediaSrtpKeys *remote, GError **error)
{
  g_autoptr (MediaSrtp) srtp = MEDIA_NEW_LINES (MediaSrtp);

  if (!direction_init (&srtp->out, local, TRUE, error) || !direction_init (&srtp->in, remote, FALSE, error))
    return NULL;
  return g_steal_pointer (&srtp);
}

void
media_srtp_free (MediaSrtp *srtp)
{
  direction_clear (&srtp->out);
  direction_clear (&srtp->in);
  direction_clear (&srtp->next_out);
  direction_clear (&srtp->old_in);
  g_aligned_free (srtp);
}

gboolean
media_srtp_rekey (MediaSrtp *srtp, const MediaSrtpKeys *local, const MediaSrtpKeys *remote, GError **error)
{
  Direction out = { 0 }, in = { 0 };

  if ((local != NULL && !direction_init (&out, local, TRUE, error))
      || (remote != NULL && !direction_init (&in, remote, FALSE, error)))
    {
      direction_clear (&out);
      direction_clear (&in);
      return FALSE;
    }
  if (remote != NULL)
    {
      direction_clear (&srtp->old_in);
      srtp->old_in = srtp->in;
      srtp->in = in;
      srtp->old_in_left = OLD_KEY_PACKETS;
    }
  if (local != NULL)
    {
      direction_clear (&srtp->next_out);
      srtp->next_out = out;
      srtp->next_out_in = remote != NULL ? NEXT_KEY_PACKETS : 0;
    }
  return TRUE;
}

static void
take_next_out (MediaSrtp *srtp)
{
  if (srtp->next_out.rtp == NULL)
    return;
  direction_clear (&srtp->out);
  srtp->out = srtp->next_out;
  srtp->next_out = (Direction){ 0 };
}

/* A packet came under the newest key of the peer. */
static void
note_new_key (MediaSrtp *srtp)
{
  take_next_out (srtp);
  if (srtp->old_in.rtp != NULL && --srtp->old_in_left == 0)
    direction_clear (&srtp->old_in);
}

static gssize
count_failure (MediaSrtp *srtp, const Direction *direction, int error)
{
  if (direction == &srtp->out)
    srtp->stats.send_failures++;
  else if (error == -EBADMSG)
    srtp->stats.auth_failures++;
  else if (error == -EALREADY)
    srtp->stats.replays++;
  else if (error == -ENOSPC)
    srtp->stats.too_many_ssrcs++;
  else
    srtp->stats.malformed++;
  return error;
}

/* RFC 3550 5.1 and 5.3.1. Returns: the header's length with CSRCs and extension, or 0 when it is no RTP
 * packet of
 * @length bytes. */
static gsize
rtp_header_length (const guint8 *packet, gsize length)
{
  gsize header;

  if (length < RTP_HEADER || packet[0] >> 6 != 2)
    return 0;
  header = RTP_HEADER + 4u * (packet[0] & 0x0f);
  if ((packet[0] & 0x10) != 0)
    {
      if (length < header + 4)
        return 0;
      header += 4 + 4u * read_u16 (packet + header + 2);
    }
  return header <= length ? header : 0;
}

/* Finds @view's sender and index. @before: (nullable): where a sender that is not known yet was under another
 * key. Returns: 0, -ENOSPC, -EALREADY, -EKEYEXPIRED. */
static int
place_rtp (const Direction *direction, const ReplayWindow *before, const guint8 *packet,
           MediaSrtpPacket *view)
{
  static const ReplayWindow unknown = { 0 };
  const ReplayWindow *fresh = before != NULL ? before : &unknown;
  const Sender *sender;

  view->ssrc = read_u32 (packet + 8);
  sender = find_sender (direction, view->ssrc);
  if (sender == NULL && direction->n_senders == MEDIA_SRTP_MAX_SSRCS)
    return -ENOSPC;
  view->index = guess_index (sender != NULL ? &sender->rtp : fresh, read_u16 (packet + 2));
  if (view->index > RTP_MAX_INDEX)
    return -EKEYEXPIRED;
  write_u32 (view->suffix, (guint32)(view->index >> 16));
  return sender != NULL && window_has (&sender->rtp, view->index) ? -EALREADY : 0;
}

static void
expect (const Direction *direction, MediaTrail *trail)
{
  media_trail_add (trail, direction, MEDIA_CACHE_LINE);
  if (direction->rtp != NULL)
    media_srtp_cipher_expect (direction->rtp, trail);
  media_trail_add (trail, direction->senders, sizeof (guint32) + sizeof (ReplayWindow));
}

void
media_srtp_expect_receive (const MediaSrtp *srtp, MediaTrail *trail)
{
  expect (&srtp->in, trail);
}

void
media_srtp_expect_send (const MediaSrtp *srtp, MediaTrail *trail)
{
  expect (&srtp->out, trail);
}

gssize
media_srtp_protect_rtp (MediaSrtp *srtp, guint8 *packet, gsize length, gsize capacity)
{
  const gsize header = rtp_header_length (packet, length);
  gsize tag_length;
  MediaSrtpPacket view = {
    .header = packet, .header_length = header, .body = packet + header, .body_length = length - header
  };
  int result;

  if (header == 0)
    return count_failure (srtp, &srtp->out, -EINVAL);
  if (capacity < length + MEDIA_SRTP_MAX_OVERHEAD)
    return count_failure (srtp, &srtp->out, -ENOBUFS);
  if (srtp->next_out.rtp != NULL && srtp->next_out_in-- == 0)
    take_next_out (srtp);
  tag_length = media_srtp_cipher_tag_length (srtp->out.rtp);
  result = place_rtp (&srtp->out, NULL, packet, &view);
  if (result != 0)
    return count_failure (srtp, &srtp->out, result);
  if (!media_srtp_cipher_seal (srtp->out.rtp, &view, packet + length))
    return count_failure (srtp, &srtp->out, -EINVAL);
  window_add (&obtain_sender (&srtp->out, view.ssrc)->rtp, view.index);
  return (gssize)(length + tag_length);
}

static gssize
open_rtp (Direction *in, const ReplayWindow *before, guint8 *packet, gsize length)
{
  const gsize tag_length = media_srtp_cipher_tag_length (in->rtp);
  const gsize plain_length = length > tag_length ? length - tag_length : 0;
  const gsize header = rtp_header_length (packet, plain_length);
  MediaSrtpPacket view = {
    .header = packet, .header_length = header, .body = packet + header, .body_length = plain_length - header
  };
  int result;

  if (header == 0)
    return -EINVAL;
  result = place_rtp (in, before, packet, &view);
  if (result == 0 && !media_srtp_cipher_open (in->rtp, &view, packet + plain_length))
    result = -EBADMSG;
  if (result != 0)
    return result;
  window_add (&obtain_sender (in, view.ssrc)->rtp, view.index);
  return (gssize)plain_length;
}

/* While the peer changes its key: the new one, the new one with the rollovers of the old, the old one. */
static gssize
open_rtp_either (MediaSrtp *srtp, guint8 *packet, gsize length)
{
  guint8 copy[MEDIA_PACKET_SIZE];
  const Sender *old = length >= RTP_HEADER ? find_sender (&srtp->old_in, read_u32 (packet + 8)) : NULL;
  gssize result;

  if (length > sizeof copy)
    return -EINVAL;
  memcpy (copy, packet, length);
  result = open_rtp (&srtp->in, NULL, packet, length);
  if (result == -EBADMSG && old != NULL && old->rtp.highest >> 16 != 0
      && find_sender (&srtp->in, old->ssrc) == NULL)
    {
      memcpy (packet, copy, length);
      result = open_rtp (&srtp->in, &old->rtp, packet, length);
    }
  if (result >= 0)
    {
      note_new_key (srtp);
      return result;
    }
  if (result != -EBADMSG)
    return result;
  memcpy (packet, copy, length);
  return open_rtp (&srtp->old_in, NULL, packet, length);
}

gssize
media_srtp_unprotect_rtp (MediaSrtp *srtp, guint8 *packet, gsize length)
{
  const gssize result = srtp->old_in.rtp != NULL ? open_rtp_either (srtp, packet, length)
                                                 : open_rtp (&srtp->in, NULL, packet, length);

  return result >= 0 ? result : count_failure (srtp, &srtp->in, (int)result);
}

/* Where the tag and the index of a packet with @plain_length bytes lie: RFC 3711 3.4 has the index first, RFC
 * 7714 9.2 the tag. */
static void
locate_rtcp_trailer (const MediaSrtpCipher *cipher, gsize plain_length, gsize *tag_at, gsize *index_at)
{
  const gboolean is_aead = media_srtp_cipher_is_aead (cipher);

  *tag_at = plain_length + (is_aead ? 0 : RTCP_INDEX_LENGTH);
  *index_at = plain_length + (is_aead ? media_srtp_cipher_tag_length (cipher) : 0);
}

gssize
media_srtp_protect_rtcp (MediaSrtp *srtp, guint8 *packet, gsize length, gsize capacity)
{
  MediaSrtpCipher *cipher = srtp->out.rtcp;
  MediaSrtpPacket view = { .header = packet, .header_length = RTCP_HEADER, .body = packet + RTCP_HEADER };
  const Sender *sender;
  gsize tag_at;
  gsize index_at;

  if (length < RTCP_HEADER || packet[0] >> 6 != 2)
    return count_failure (srtp, &srtp->out, -EINVAL);
  if (capacity < length + MEDIA_SRTP_MAX_OVERHEAD)
    return count_failure (srtp, &srtp->out, -ENOBUFS);
  view.body_length = length - RTCP_HEADER;
  view.ssrc = read_u32 (packet + 4);
  sender = find_sender (&srtp->out, view.ssrc);
  if (sender == NULL && srtp->out.n_senders == MEDIA_SRTP_MAX_SSRCS)
    return count_failure (srtp, &srtp->out, -ENOSPC);
  view.index = sender != NULL && sender->rtcp.has_any ? sender->rtcp.highest + 1 : 1;
  if (view.index > RTCP_MAX_INDEX)
    return count_failure (srtp, &srtp->out, -EKEYEXPIRED);
  write_u32 (view.suffix, RTCP_ENCRYPTED | (guint32)view.index);
  locate_rtcp_trailer (cipher, length, &tag_at, &index_at);
  if (!media_srtp_cipher_seal (cipher, &view, packet + tag_at))
    return count_failure (srtp, &srtp->out, -EINVAL);
  memcpy (packet + index_at, view.suffix, RTCP_INDEX_LENGTH);
  window_add (&obtain_sender (&srtp->out, view.ssrc)->rtcp, view.index);
  return (gssize)(length + media_srtp_cipher_tag_length (cipher) + RTCP_INDEX_LENGTH);
}

static gssize
open_rtcp (Direction *in, guint8 *packet, gsize length)
{
  MediaSrtpCipher *cipher = in->rtcp;
  const gsize trailer = media_srtp_cipher_tag_length (cipher) + RTCP_INDEX_LENGTH;
  MediaSrtpPacket view = { .header = packet, .header_length = RTCP_HEADER, .body = packet + RTCP_HEADER };
  const Sender *sender;
  gsize tag_at;
  gsize index_at;
  guint32 flag_and_index;

  if (length < RTCP_HEADER + trailer || packet[0] >> 6 != 2)
    return -EINVAL;
  length -= trailer;
  locate_rtcp_trailer (cipher, length, &tag_at, &index_at);
  flag_and_index = read_u32 (packet + index_at);
  /* We never agreed to UNENCRYPTED_SRTCP. */
  if ((flag_and_index & RTCP_ENCRYPTED) == 0)
    return -EINVAL;
  view.body_length = length - RTCP_HEADER;
  view.ssrc = read_u32 (packet + 4);
  view.index = flag_and_index & ~RTCP_ENCRYPTED;
  memcpy (view.suffix, packet + index_at, RTCP_INDEX_LENGTH);
  sender = find_sender (in, view.ssrc);
  if (sender == NULL && in->n_senders == MEDIA_SRTP_MAX_SSRCS)
    return -ENOSPC;
  if (sender != NULL && window_has (&sender->rtcp, view.index))
    return -EALREADY;
  if (!media_srtp_cipher_open (cipher, &view, packet + tag_at))
    return -EBADMSG;
  window_add (&obtain_sender (in, view.ssrc)->rtcp, view.index);
  return (gssize)length;
}

gssize
media_srtp_unprotect_rtcp (MediaSrtp *srtp, guint8 *packet, gsize length)
{
  guint8 copy[MEDIA_PACKET_SIZE];
  const gboolean either = srtp->old_in.rtp != NULL && length <= sizeof copy;
  gssize result;

  if (either)
    memcpy (copy, packet, length);
  result = open_rtcp (&srtp->in, packet, length);
  /* A replay under the new key may be a first one under the old. */
  if (either && result < 0 && result != -ENOSPC)
    {
      memcpy (packet, copy, length);
      result = open_rtcp (&srtp->old_in, packet, length);
    }
  return result >= 0 ? result : count_failure (srtp, &srtp->in, (int)result);
}

void
media_srtp_forget_ssrc (MediaSrtp *srtp, guint32 ssrc, gboolean is_local)
{
  Direction *direction = is_local ? &srtp->out : &srtp->in;
  Sender *sender = find_sender (direction, ssrc);

  if (sender != NULL)
    *sender = direction->senders[--direction->n_senders];
}

void
media_srtp_get_stats (const MediaSrtp *srtp, MediaSrtpStats *stats)
{
  *stats = srtp->stats;
}

static void
export_direction (const Direction *direction, gboolean is_local, MediaSrtpState *state)
{
  for (guint i = 0; i < direction->n_senders; i++)
    {
      const Sender *sender = &direction->senders[i];

      state->senders[state->n_senders++] = (MediaSrtpSender){
        .ssrc = sender->ssrc,
        .is_local = is_local,
        .has_rtp = sender->rtp.has_any,
        .rollover = (guint32)(sender->rtp.highest >> 16),
        .sequence = (guint16)sender->rtp.highest,
        .rtcp_index = (guint32)sender->rtcp.highest,
      };
    }
}

void
media_srtp_export_state (const MediaSrtp *srtp, MediaSrtpState *state)
{
  memset (state, 0, sizeof *state);
  export_direction (srtp->next_out.rtp != NULL ? &srtp->next_out : &srtp->out, TRUE, state);
  export_direction (&srtp->in, FALSE, state);
}

static gboolean
import_sender (MediaSrtp *srtp, const MediaSrtpSender *state)
{
  Direction *direction = state->is_local ? &srtp->out : &srtp->in;
  Sender *sender;

  if (direction->n_senders == MEDIA_SRTP_MAX_SSRCS || find_sender (direction, state->ssrc) != NULL
      || state->rtcp_index > RTCP_MAX_INDEX)
    return FALSE;
  sender = obtain_sender (direction, state->ssrc);
  if (state->has_rtp)
    window_restore (&sender->rtp, (guint64)state->rollover << 16 | state->sequence);
  if (state->rtcp_index != 0)
    window_restore (&sender->rtcp, state->rtcp_index);
  return TRUE;
}

gboolean
media_srtp_import_state (MediaSrtp *srtp, const MediaSrtpState *state, GError **error)
{
  if (srtp->out.n_senders != 0 || srtp->in.n_senders != 0)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION, "this SRTP context was used already");
      return FALSE;
    }
  if (state->n_senders > G_N_ELEMENTS (state->senders))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "the SRTP state has too many senders");
      return FALSE;
    }
  for (guint i = 0; i < state->n_senders; i++)
    if (!import_sender (srtp, &state->senders[i]))
      {
        g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "the SRTP state is not consistent");
        return FALSE;
      }
  return TRUE;
}
