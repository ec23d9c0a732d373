/* On libsrtp2, with one session per direction and its wildcard policy: it learns an SSRC from the first
 * packet that it can authenticate. Beside it a small table per direction holds where each sender stands,
 * since the library can neither tell nor take over its highest sequence numbers and its RTCP index:
 *
 * - an imported sender gets its rollover counter anew before every packet until the first success, because
 * the library takes the given counter for the very next packet, which may lie beyond a wrap;
 * - incoming packets up to the imported position are refused here (the library's replay window begins empty);
 * - the outgoing RTCP index is brought forward by protecting packets that nobody gets. */
#include "media/io/srtp.h"

#include <errno.h>
#include <string.h>

#include <srtp2/srtp.h>

#include "config/base/error.h"

#define RTP_MIN_LENGTH    12
#define RTCP_MIN_LENGTH   8
#define RTCP_INDEX_LENGTH 4
#define RTCP_INDEX_MASK   0x7fffffffu
#define REPLAY_WINDOW     512
/* An hour of RTCP is 1000 packets; bringing the index forward costs 1 µs each. */
#define MAX_IMPORTED_RTCP_INDEX (1u << 20)

typedef struct
{
  guint32 ssrc;
  gboolean has_rtp;
  gboolean is_pending; /* imported, and no packet went through since */
  guint64 index;       /* highest: rollover << 16 | sequence */
  guint64 floor;       /* imported: packets up to it are replays */
  guint32 rtcp_index;
  guint32 rtcp_floor;
} Sender;

typedef struct
{
  srtp_t session;
  MediaSrtpKeys keys;
  gboolean is_local;
  guint n_senders;
  guint n_allocated;
  Sender *senders;
} Direction;

struct _MediaSrtp
{
  Direction out;
  Direction in;
  gboolean used;
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
start_library (void)
{
  static gsize started = 0;

  if (g_once_init_enter (&started))
    g_once_init_leave (&started, srtp_init () == srtp_err_status_ok ? 1 : 2);
}

/* RFC 4568 6.2.2, RFC 5764 4.1.2: with the short tag on RTP, RTCP keeps the long one. */
static void
fill_policy (srtp_policy_t *policy, MediaSrtpProfile profile)
{
  memset (policy, 0, sizeof *policy);
  switch (profile)
    {
    case MEDIA_SRTP_AEAD_AES_128_GCM:
      srtp_crypto_policy_set_aes_gcm_128_16_auth (&policy->rtp);
      srtp_crypto_policy_set_aes_gcm_128_16_auth (&policy->rtcp);
      break;
    case MEDIA_SRTP_AEAD_AES_256_GCM:
      srtp_crypto_policy_set_aes_gcm_256_16_auth (&policy->rtp);
      srtp_crypto_policy_set_aes_gcm_256_16_auth (&policy->rtcp);
      break;
    case MEDIA_SRTP_AES128_CM_SHA1_80:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80 (&policy->rtp);
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80 (&policy->rtcp);
      break;
    case MEDIA_SRTP_AES128_CM_SHA1_32:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32 (&policy->rtp);
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80 (&policy->rtcp);
      break;
    case MEDIA_SRTP_NONE:
    default:
      g_assert_not_reached ();
    }
  policy->window_size = REPLAY_WINDOW;
}

/* Calls @use with the direction's policy and key; @ssrc NULL for the wildcard. */
static srtp_err_status_t
with_policy (const Direction *direction, const guint32 *ssrc,
             srtp_err_status_t (*use) (srtp_t *session, const srtp_policy_t *policy), srtp_t *session)
{
  guint8 both[MEDIA_SRTP_MAX_KEY + MEDIA_SRTP_MAX_SALT];
  const gsize key_length = media_srtp_profile_key_length (direction->keys.profile);
  srtp_policy_t policy;
  srtp_err_status_t status;

  memcpy (both, direction->keys.key, key_length);
  memcpy (both + key_length, direction->keys.salt, media_srtp_profile_salt_length (direction->keys.profile));
  fill_policy (&policy, direction->keys.profile);
  policy.key = both;
  policy.ssrc.type = ssrc != NULL          ? ssrc_specific
                     : direction->is_local ? ssrc_any_outbound
                                           : ssrc_any_inbound;
  policy.ssrc.value = ssrc != NULL ? *ssrc : 0;
  status = use (session, &policy);
  explicit_bzero (both, sizeof both);
  return status;
}

static srtp_err_status_t
create_session (srtp_t *session, const srtp_policy_t *policy)
{
  return srtp_create (session, policy);
}

static srtp_err_status_t
add_stream (srtp_t *session, const srtp_policy_t *policy)
{
  return srtp_add_stream (*session, policy);
}

static gboolean
direction_init (Direction *direction, const MediaSrtpKeys *keys, gboolean is_local, GError **error)
{
  if (keys->profile == MEDIA_SRTP_NONE || media_srtp_profile_key_length (keys->profile) == 0)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "no SRTP profile");
      return FALSE;
    }
  direction->keys = *keys;
  direction->is_local = is_local;
  if (with_policy (direction, NULL, create_session, &direction->session) != srtp_err_status_ok)
    {
      direction->session = NULL;
      g_set_error (error, CFG_ERROR, CFG_ERROR_INTERNAL, "the SRTP library refuses %s",
                   media_srtp_profile_name (keys->profile));
      return FALSE;
    }
  return TRUE;
}

static void
direction_clear (Direction *direction)
{
  if (direction->session != NULL)
    srtp_dealloc (direction->session);
  g_free (direction->senders);
  media_srtp_keys_clear (&direction->keys);
}

static Sender *
find_sender (const Direction *direction, guint32 ssrc)
{
  for (guint i = 0; i < direction->n_senders; i++)
    if (direction->senders[i].ssrc == ssrc)
      return &direction->senders[i];
  return NULL;
}

static Sender *
add_sender (Direction *direction, guint32 ssrc)
{
  if (direction->n_senders == direction->n_allocated)
    {
      direction->n_allocated = MAX (2, 2 * direction->n_allocated);
      direction->senders = g_renew (Sender, direction->senders, direction->n_allocated);
    }
  direction->senders[direction->n_senders] = (Sender){ .ssrc = ssrc };
  return &direction->senders[direction->n_senders++];
}

/* RFC 3711 3.3.1 with the library's exception: as long as nothing is above 2^15, nothing lies before 0. */
static guint64
estimate_index (const Sender *sender, guint16 sequence)
{
  const guint64 rollover = sender->index >> 16;
  const guint16 highest = (guint16)sender->index;

  if (!sender->has_rtp || sender->index < 0x8000)
    return sequence;
  if (highest < 0x8000 && sequence > highest + 0x8000)
    return (rollover - 1) << 16 | sequence;
  if (highest >= 0x8000 && sequence < highest - 0x8000)
    return (rollover + 1) << 16 | sequence;
  return rollover << 16 | sequence;
}

static int
errno_of (srtp_err_status_t status)
{
  if (status == srtp_err_status_auth_fail || status == srtp_err_status_cipher_fail)
    return -EBADMSG;
  if (status == srtp_err_status_replay_fail || status == srtp_err_status_replay_old
      || status == srtp_err_status_pkt_idx_old)
    return -EALREADY;
  if (status == srtp_err_status_key_expired)
    return -EKEYEXPIRED;
  return -EINVAL;
}

static gssize
count_receive_failure (MediaSrtp *srtp, int error)
{
  if (error == -EBADMSG)
    srtp->stats.auth_failures++;
  else if (error == -EALREADY)
    srtp->stats.replays++;
  else if (error == -ENOSPC)
    srtp->stats.too_many_ssrcs++;
  else
    srtp->stats.malformed++;
  return error;
}

static gssize
count_send_failure (MediaSrtp *srtp, int error)
{
  srtp->stats.send_failures++;
  return error;
}

/* What must be so before the library sees a packet: -EINVAL, -ENOSPC, or 0 with the known sender or NULL. */
static int
check_packet (const Direction *direction, const guint8 *packet, gsize length, gsize min_length,
              gsize ssrc_offset, Sender **sender)
{
  if (length < min_length || length > G_MAXUINT16 || packet[0] >> 6 != 2)
    return -EINVAL;
  *sender = find_sender (direction, read_u32 (packet + ssrc_offset));
  if (*sender == NULL && direction->n_senders == MEDIA_SRTP_MAX_SSRCS)
    return -ENOSPC;
  return 0;
}

static void
note_rtp (Direction *direction, Sender *sender, guint32 ssrc, guint16 sequence)
{
  guint64 index;

  if (sender == NULL)
    sender = add_sender (direction, ssrc);
  index = estimate_index (sender, sequence);
  sender->index = sender->has_rtp ? MAX (sender->index, index) : index;
  sender->has_rtp = TRUE;
  sender->is_pending = FALSE;
}

static void
restore_rollover (const Direction *direction, const Sender *sender, guint16 sequence)
{
  if (sender != NULL && sender->is_pending && sender->has_rtp)
    (void)srtp_set_stream_roc (direction->session, sender->ssrc,
                               (guint32)(estimate_index (sender, sequence) >> 16));
}

MediaSrtp *
media_srtp_new (const MediaSrtpKeys *local, const MediaSrtpKeys *remote, GError **error)
{
  g_autoptr (MediaSrtp) srtp = g_new0 (MediaSrtp, 1);

  start_library ();
  if (!direction_init (&srtp->out, local, TRUE, error) || !direction_init (&srtp->in, remote, FALSE, error))
    return NULL;
  return g_steal_pointer (&srtp);
}

void
media_srtp_free (MediaSrtp *srtp)
{
  direction_clear (&srtp->out);
  direction_clear (&srtp->in);
  g_free (srtp);
}

gssize
media_srtp_protect_rtp (MediaSrtp *srtp, guint8 *packet, gsize length, gsize capacity)
{
  Sender *sender = NULL;
  int result = check_packet (&srtp->out, packet, length, RTP_MIN_LENGTH, 8, &sender);
  guint32 ssrc;
  guint16 sequence;
  int new_length;

  if (result == 0 && capacity < length + MEDIA_SRTP_MAX_OVERHEAD)
    result = -ENOBUFS;
  if (result != 0)
    return count_send_failure (srtp, result);
  srtp->used = TRUE;
  sequence = read_u16 (packet + 2);
  ssrc = read_u32 (packet + 8);
  if (sender != NULL && sender->has_rtp && sender->floor != 0
      && estimate_index (sender, sequence) <= sender->floor)
    return count_send_failure (srtp, -EALREADY);
  restore_rollover (&srtp->out, sender, sequence);
  new_length = (int)length;
  result = (int)srtp_protect (srtp->out.session, packet, &new_length);
  if (result != srtp_err_status_ok)
    return count_send_failure (srtp, errno_of ((srtp_err_status_t)result));
  note_rtp (&srtp->out, sender, ssrc, sequence);
  return new_length;
}

gssize
media_srtp_unprotect_rtp (MediaSrtp *srtp, guint8 *packet, gsize length)
{
  Sender *sender = NULL;
  int result = check_packet (&srtp->in, packet, length, RTP_MIN_LENGTH, 8, &sender);
  guint32 ssrc;
  guint16 sequence;
  int new_length;

  if (result != 0)
    return count_receive_failure (srtp, result);
  srtp->used = TRUE;
  sequence = read_u16 (packet + 2);
  ssrc = read_u32 (packet + 8);
  if (sender != NULL && sender->has_rtp && sender->floor != 0
      && estimate_index (sender, sequence) <= sender->floor)
    return count_receive_failure (srtp, -EALREADY);
  restore_rollover (&srtp->in, sender, sequence);
  new_length = (int)length;
  result = (int)srtp_unprotect (srtp->in.session, packet, &new_length);
  if (result != srtp_err_status_ok)
    return count_receive_failure (srtp, errno_of ((srtp_err_status_t)result));
  note_rtp (&srtp->in, sender, ssrc, sequence);
  return new_length;
}

gssize
media_srtp_protect_rtcp (MediaSrtp *srtp, guint8 *packet, gsize length, gsize capacity)
{
  Sender *sender = NULL;
  int result = check_packet (&srtp->out, packet, length, RTCP_MIN_LENGTH, 4, &sender);
  guint32 ssrc;
  int new_length = (int)length;

  if (result == 0 && capacity < length + MEDIA_SRTP_MAX_OVERHEAD)
    result = -ENOBUFS;
  if (result != 0)
    return count_send_failure (srtp, result);
  srtp->used = TRUE;
  ssrc = read_u32 (packet + 4);
  result = (int)srtp_protect_rtcp (srtp->out.session, packet, &new_length);
  if (result != srtp_err_status_ok)
    return count_send_failure (srtp, errno_of ((srtp_err_status_t)result));
  if (sender == NULL)
    sender = add_sender (&srtp->out, ssrc);
  sender->rtcp_index++;
  return new_length;
}

/* The index lies before the tag, or at the end when the tag is the cipher's (RFC 3711 3.4, RFC 7714 9.2). */
static guint32
read_rtcp_index (const Direction *direction, const guint8 *packet, gsize length)
{
  const gboolean is_gcm = direction->keys.profile == MEDIA_SRTP_AEAD_AES_128_GCM
                          || direction->keys.profile == MEDIA_SRTP_AEAD_AES_256_GCM;

  return read_u32 (packet + length - RTCP_INDEX_LENGTH - (is_gcm ? 0 : 10)) & RTCP_INDEX_MASK;
}

gssize
media_srtp_unprotect_rtcp (MediaSrtp *srtp, guint8 *packet, gsize length)
{
  Sender *sender = NULL;
  const gsize min_length = RTCP_MIN_LENGTH + RTCP_INDEX_LENGTH + 10;
  int result = check_packet (&srtp->in, packet, length, min_length, 4, &sender);
  guint32 ssrc;
  guint32 index;
  int new_length = (int)length;

  if (result != 0)
    return count_receive_failure (srtp, result);
  srtp->used = TRUE;
  ssrc = read_u32 (packet + 4);
  index = read_rtcp_index (&srtp->in, packet, length);
  if (sender != NULL && sender->rtcp_floor != 0 && index <= sender->rtcp_floor)
    return count_receive_failure (srtp, -EALREADY);
  result = (int)srtp_unprotect_rtcp (srtp->in.session, packet, &new_length);
  if (result != srtp_err_status_ok)
    return count_receive_failure (srtp, errno_of ((srtp_err_status_t)result));
  if (sender == NULL)
    sender = add_sender (&srtp->in, ssrc);
  sender->rtcp_index = MAX (sender->rtcp_index, index);
  return new_length;
}

void
media_srtp_forget_ssrc (MediaSrtp *srtp, guint32 ssrc, gboolean is_local)
{
  Direction *direction = is_local ? &srtp->out : &srtp->in;
  Sender *sender = find_sender (direction, ssrc);

  if (sender == NULL)
    return;
  (void)srtp_remove_stream (direction->session, g_htonl (ssrc));
  *sender = direction->senders[--direction->n_senders];
}

void
media_srtp_get_stats (const MediaSrtp *srtp, MediaSrtpStats *stats)
{
  *stats = srtp->stats;
}

static void
export_direction (const Direction *direction, MediaSrtpState *state)
{
  for (guint i = 0; i < direction->n_senders; i++)
    {
      const Sender *sender = &direction->senders[i];

      state->senders[state->n_senders++] = (MediaSrtpSender){
        .ssrc = sender->ssrc,
        .is_local = direction->is_local,
        .has_rtp = sender->has_rtp,
        .rollover = (guint32)(sender->index >> 16),
        .sequence = (guint16)sender->index,
        .rtcp_index = sender->rtcp_index,
      };
    }
}

void
media_srtp_export_state (const MediaSrtp *srtp, MediaSrtpState *state)
{
  memset (state, 0, sizeof *state);
  export_direction (&srtp->out, state);
  export_direction (&srtp->in, state);
}

/* Receiver reports of @ssrc, encrypted to nowhere. */
static gboolean
advance_rtcp_index (Direction *direction, guint32 ssrc, guint32 index)
{
  for (guint32 i = 0; i < index; i++)
    {
      guint8 packet[RTCP_MIN_LENGTH + MEDIA_SRTP_MAX_OVERHEAD + SRTP_MAX_TRAILER_LEN] = { 0x80, 201, 0, 1 };
      const guint32 ssrc_be = g_htonl (ssrc);
      int length = RTCP_MIN_LENGTH;

      memcpy (packet + 4, &ssrc_be, sizeof ssrc_be);
      if (srtp_protect_rtcp (direction->session, packet, &length) != srtp_err_status_ok)
        return FALSE;
    }
  return TRUE;
}

static gboolean
import_sender (MediaSrtp *srtp, const MediaSrtpSender *state)
{
  Direction *direction = state->is_local ? &srtp->out : &srtp->in;
  Sender *sender;

  if (direction->n_senders == MEDIA_SRTP_MAX_SSRCS || find_sender (direction, state->ssrc) != NULL
      || (state->is_local && state->rtcp_index > MAX_IMPORTED_RTCP_INDEX)
      || with_policy (direction, &state->ssrc, add_stream, &direction->session) != srtp_err_status_ok)
    return FALSE;
  sender = add_sender (direction, state->ssrc);
  sender->has_rtp = state->has_rtp;
  sender->is_pending = TRUE;
  sender->index = (guint64)state->rollover << 16 | state->sequence;
  sender->floor = sender->index;
  sender->rtcp_index = state->rtcp_index;
  sender->rtcp_floor = state->rtcp_index;
  return !state->is_local || advance_rtcp_index (direction, state->ssrc, state->rtcp_index);
}

gboolean
media_srtp_import_state (MediaSrtp *srtp, const MediaSrtpState *state, GError **error)
{
  if (srtp->used || srtp->out.n_senders != 0 || srtp->in.n_senders != 0)
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
