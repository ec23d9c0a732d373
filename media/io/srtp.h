/* SRTP and SRTCP (RFC 3711, RFC 7714) of one transport: protects what we send with the local key,
 * authenticates and decrypts what we receive with the remote key, in place.
 *
 * A packet that fails authentication changes nothing but a counter: no SSRC is learned from it, no window
 * moves. SSRC, DTMF and statistics are to be read after unprotect only.
 *
 * Begin a new SSRC with a sequence number below 2^15: a receiver that misses the first packets before a wrap
 * would guess another rollover counter than the sender's and refuse all that follows (RFC 3711 3.3.1). */
#pragma once

#include <glib.h>

#include "media/io/prefetch.h"

typedef struct _MediaSrtp MediaSrtp;

/* Values are ours, for wire values see dtls.c. In the order of preference. */
typedef enum
{
  MEDIA_SRTP_NONE,
  MEDIA_SRTP_AEAD_AES_128_GCM,
  MEDIA_SRTP_AEAD_AES_256_GCM,
  MEDIA_SRTP_AES128_CM_SHA1_80,
  MEDIA_SRTP_AES128_CM_SHA1_32,
  MEDIA_SRTP_AES256_CM_SHA1_80, /* RFC 6188 */
  MEDIA_SRTP_AES256_CM_SHA1_32,
} MediaSrtpProfile;

#define MEDIA_SRTP_MAX_KEY  32
#define MEDIA_SRTP_MAX_SALT 14
/* What protect appends at most: a tag of 16 bytes, and 4 bytes of index for RTCP. */
#define MEDIA_SRTP_MAX_OVERHEAD 20
/* Senders that one transport may have at a time, in each direction. */
#define MEDIA_SRTP_MAX_SSRCS 64

/* Master key and salt of one direction. Clear with media_srtp_keys_clear. */
typedef struct
{
  MediaSrtpProfile profile;
  guint8 key[MEDIA_SRTP_MAX_KEY];
  guint8 salt[MEDIA_SRTP_MAX_SALT];
} MediaSrtpKeys;

typedef struct
{
  guint64 auth_failures;
  guint64 replays;   /* duplicates and packets older than the window */
  guint64 malformed; /* too short, wrong version */
  guint64 too_many_ssrcs;
  guint64 send_failures;
} MediaSrtpStats;

/* Where one sender's packet counter stands. */
typedef struct
{
  guint32 ssrc;
  gboolean is_local;
  gboolean has_rtp;   /* else rollover and sequence say nothing */
  guint32 rollover;   /* RFC 3711 ROC */
  guint16 sequence;   /* highest so far */
  guint32 rtcp_index; /* SRTCP index of the last packet sent, or the highest received */
} MediaSrtpSender;

/* All that must survive when a transport is taken up by a successor; with it and both keys the successor goes
 * on without a gap, and neither reuses a nonce nor accepts an old packet. */
typedef struct
{
  guint n_senders;
  MediaSrtpSender senders[2 * MEDIA_SRTP_MAX_SSRCS];
} MediaSrtpState;

/** media_srtp_profile_name: the SDES name (RFC 4568, RFC 7714), for example "AES_CM_128_HMAC_SHA1_80"; the
 * log's name too. Static, never NULL. */
const char *media_srtp_profile_name (MediaSrtpProfile profile);
/** media_srtp_profile_parse: from the SDES name. Returns: MEDIA_SRTP_NONE when unknown. */
MediaSrtpProfile media_srtp_profile_parse (const char *name);
gsize media_srtp_profile_key_length (MediaSrtpProfile profile);
gsize media_srtp_profile_salt_length (MediaSrtpProfile profile);

/** media_srtp_keys_generate: random key and salt. */
void media_srtp_keys_generate (MediaSrtpKeys *keys, MediaSrtpProfile profile);
/** media_srtp_keys_to_base64: key and salt as after "inline:" in SDES. Returns: (transfer full): a secret. */
char *media_srtp_keys_to_base64 (const MediaSrtpKeys *keys) G_GNUC_WARN_UNUSED_RESULT;
/** media_srtp_keys_from_base64: Returns: FALSE (and @keys cleared) when the text or its length is wrong. */
gboolean media_srtp_keys_from_base64 (MediaSrtpKeys *keys, MediaSrtpProfile profile, const char *base64);
void media_srtp_keys_clear (MediaSrtpKeys *keys);
gboolean media_srtp_keys_equal (const MediaSrtpKeys *a, const MediaSrtpKeys *b);

/**
 * media_srtp_new:
 * @local: key of what we send
 * @remote: key of what we receive; its profile may differ from @local's (SDES)
 *
 * Returns: (transfer full): NULL with CFG_ERROR_INVALID_ARGUMENT for MEDIA_SRTP_NONE, CFG_ERROR_INTERNAL when
 *   the library refuses.
 */
MediaSrtp *media_srtp_new (const MediaSrtpKeys *local, const MediaSrtpKeys *remote,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
void media_srtp_free (MediaSrtp *srtp);

/**
 * media_srtp_rekey:
 * @local, @remote: (nullable): the new key of what we send, of what we receive; NULL: it stays
 *
 * Both sides learn of new keys at different instants (an offer and its answer), so nothing is lost on the
 * way: packets under the peer's old key are still taken until its new one is well in use, and ours begins
 * with the peer's first packet under its new key, or after half a second's worth of packets. A stream of the
 * peer that goes on may count its rollovers on (RFC 3711 3.3.1) or anew (RFC 4568 7.1.4): both are
 * understood. Begin a new SSRC with a new local key: then the peer need not guess either.
 *
 * Returns: FALSE with @error, and nothing changed, as media_srtp_new.
 */
gboolean media_srtp_rekey (MediaSrtp *srtp, const MediaSrtpKeys *local, const MediaSrtpKeys *remote,
                           GError **error);

/** media_srtp_expect_receive: what unprotecting a packet will need. */
void media_srtp_expect_receive (const MediaSrtp *srtp, MediaTrail *trail);
/** media_srtp_expect_send: what protecting a packet will need. */
void media_srtp_expect_send (const MediaSrtp *srtp, MediaTrail *trail);
/**
 * media_srtp_protect_rtp: media_srtp_protect_rtcp:
 * @packet: plain packet, replaced by the protected one
 * @capacity: bytes at @packet, at least @length + MEDIA_SRTP_MAX_OVERHEAD
 *
 * Returns: the new length; -ENOBUFS when @capacity is short; -EINVAL when it is no RTP or RTCP packet;
 *   -EALREADY when this sequence number was sent before (a nonce is never used twice); -ENOSPC for too many
 *   SSRCs; -EKEYEXPIRED when the key's packets are used up.
 */
gssize media_srtp_protect_rtp (MediaSrtp *srtp, guint8 *packet, gsize length,
                               gsize capacity) G_GNUC_WARN_UNUSED_RESULT;
gssize media_srtp_protect_rtcp (MediaSrtp *srtp, guint8 *packet, gsize length,
                                gsize capacity) G_GNUC_WARN_UNUSED_RESULT;
/**
 * media_srtp_unprotect_rtp: media_srtp_unprotect_rtcp:
 * @packet: as received, replaced by the plain one; garbage after an error
 *
 * Returns: the new length; -EBADMSG when authentication fails; -EALREADY for a replay; -EINVAL when it is
 *   malformed; -ENOSPC when it is of a 65th SSRC. All counted.
 */
gssize media_srtp_unprotect_rtp (MediaSrtp *srtp, guint8 *packet, gsize length) G_GNUC_WARN_UNUSED_RESULT;
gssize media_srtp_unprotect_rtcp (MediaSrtp *srtp, guint8 *packet, gsize length) G_GNUC_WARN_UNUSED_RESULT;

/** media_srtp_forget_ssrc: the sender with @ssrc is gone (BYE, section removed); frees its place. Only for a
 * local SSRC that is never used again with these keys. */
void media_srtp_forget_ssrc (MediaSrtp *srtp, guint32 ssrc, gboolean is_local);

void media_srtp_get_stats (const MediaSrtp *srtp, MediaSrtpStats *stats);
void media_srtp_export_state (const MediaSrtp *srtp, MediaSrtpState *state);
/** media_srtp_import_state: into a fresh @srtp with the same keys. Returns: FALSE with @error when it is not
 * fresh or @state is not consistent. */
gboolean media_srtp_import_state (MediaSrtp *srtp, const MediaSrtpState *state, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaSrtp, media_srtp_free)
