/* ICE of one transport (RFC 8445, trickle RFC 8838, consent RFC 7675) on libnice: one component, RTP and RTCP
 * multiplexed. Media on the selected pair's socket is read and written here, past libnice (see pump.h);
 * libnice sees STUN, and carries relayed pairs.
 *
 * All functions and callbacks: the pump's thread. Callbacks may come from inside media_ice_gather,
 * media_ice_set_remote, media_ice_add_remote_candidate and media_ice_restart. Any function may be called
 * inside a callback, media_ice_close included. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"
#include "media/io/address.h"
#include "media/io/prefetch.h"
#include "media/io/pump.h"
#include "media/io/udp.h"

typedef struct _MediaIce MediaIce;

#define MEDIA_ICE_MAX_REMOTE_CANDIDATES                                                                      \
  64 /* per generation (restart begins a new one); more are ignored, counted */

typedef struct
{
  gboolean controlling; /* offerer of a full-ICE pair; the peer's is the opposite */
  MediaPortRange ports; /* 0, 0: any */
  const char *const
      *bind_addresses; /* (nullable): NULL-ended literals; NULL or empty: all of this machine, loopback too */
  const char *external_address; /* (nullable): literal written into host candidates of its family (1:1 NAT) */
  const char *stun_server;      /* (nullable): literal */
  guint16 stun_port;            /* 0: 3478 */
} MediaIceConfig;

typedef enum
{
  MEDIA_ICE_NEW,
  MEDIA_ICE_CONNECTING,
  MEDIA_ICE_CONNECTED, /* a pair is selected and may be sent to */
  MEDIA_ICE_FAILED,    /* no pair works, or no consent for 10 s; may come back to CONNECTED */
} MediaIceState;

typedef struct
{
  /* A local candidate as in a=candidate, without "a=": "candidate:1 1 UDP …"; NULL when gathering is done. */
  void (*candidate) (MediaIce *ice, const char *candidate, gpointer user);
  /* Only on changes. After CONNECTED the DTLS handshake may start (once). */
  void (*state) (MediaIce *ice, MediaIceState state, gpointer user);
  /* (nullable): a packet is about to be read. */
  void (*expect) (gpointer user, MediaTrail *trail);
  /* A packet that is not STUN, from a peer address that ICE validated. @data is a buffer of MEDIA_PACKET_SIZE
   * bytes, valid during the call, that may be written to; @now is when it was read. */
  void (*receive) (MediaIce *ice, guint8 *data, gsize length, CfgMonotonic now, gpointer user);
} MediaIceOps;

typedef struct
{
  guint64 packets_sent;
  guint64 bytes_sent;
  guint64 packets_received; /* but STUN */
  guint64 bytes_received;
  guint64 stun_packets; /* seen on the selected socket */
  guint64 send_errors;
  guint64 oversized;
  guint64 dropped;          /* STUN and packets from strangers, above 320 per second each */
  guint candidates_ignored; /* .local names, TCP, above the limit */
  guint candidates_malformed;
  guint restarts;
} MediaIceStats;

typedef enum
{
  MEDIA_ICE_CANDIDATE_ADDED,
  MEDIA_ICE_CANDIDATE_IGNORED,   /* valid, of no use to us */
  MEDIA_ICE_CANDIDATE_MALFORMED, /* counted */
} MediaIceCandidateResult;

/**
 * media_ice_new:
 * @config: copied
 * @ops: static; any member may be NULL
 *
 * Returns: (transfer full): ended with media_ice_close; NULL with CFG_ERROR_INVALID_ARGUMENT for an address
 * that is no literal, CFG_ERROR_UNAVAILABLE when there is no address to bind.
 */
MediaIce *media_ice_new (MediaPump *pump, const MediaIceConfig *config, const MediaIceOps *ops, gpointer user,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/**
 * media_ice_close: ends it and frees @ice for the caller: no callback comes after it. What libnice still has
 * to finish is finished by the pump.
 */
void media_ice_close (MediaIce *ice);

/** media_ice_ufrag: media_ice_password: ours of this generation. Owned by @ice, valid until restart or close.
 */
const char *media_ice_ufrag (const MediaIce *ice);
const char *media_ice_password (const MediaIce *ice);

/** media_ice_gather: starts it, once; candidates come through ops. Returns: FALSE with
 * CFG_ERROR_RESOURCE_EXHAUSTED when no port is free. */
gboolean media_ice_gather (MediaIce *ice, GError **error);
/** media_ice_set_remote: the peer's credentials of this generation. Returns: FALSE with
 * CFG_ERROR_INVALID_ARGUMENT when they are not ice-chars of RFC 8839 length. */
gboolean media_ice_set_remote (MediaIce *ice, const char *ufrag, const char *password, GError **error);
/** media_ice_add_remote_candidate: @candidate "candidate:…", with or without "a="; "" is end-of-candidates.
 */
MediaIceCandidateResult media_ice_add_remote_candidate (MediaIce *ice, const char *candidate);
/** media_ice_remote_candidates_done: the peer has no more, so that failing can be noticed early. */
void media_ice_remote_candidates_done (MediaIce *ice);
/**
 * media_ice_restart: new local credentials (RFC 8445 section 9); the old pair carries media until a new one
 * is selected. The sockets and local candidates stay. media_ice_set_remote comes next.
 */
gboolean media_ice_restart (MediaIce *ice, GError **error);

/** media_ice_expect_send: what sending a packet will need. */
void media_ice_expect_send (const MediaIce *ice, MediaTrail *trail);
/** media_ice_send: on the selected pair. Returns: 0; -ENOTCONN when there is none; another negative errno
 * (counted). */
int media_ice_send (MediaIce *ice, const guint8 *data, gsize length);

MediaIceState media_ice_state (const MediaIce *ice);
/** media_ice_fd: the socket of the selected pair, for who asks the kernel about it. Owned by @ice; -1: there
 * is no pair, or libnice carries its packets. */
int media_ice_fd (const MediaIce *ice);
/** media_ice_arrival: inside ops.receive: when its packet came (media/io/arrival.h), at @now or before. */
CfgMonotonic media_ice_arrival (const MediaIce *ice, CfgMonotonic now);
/** media_ice_local_candidates: as given to ops so far, for an SDP. Returns: (transfer full): NULL-ended. */
char **media_ice_local_candidates (const MediaIce *ice) G_GNUC_WARN_UNUSED_RESULT;
#define MEDIA_ICE_PAIR_TEXT_SIZE 192
/** media_ice_pair_text: the selected pair, our candidate and the peer's: "host 192.0.2.1:20000, prflx
 * 198.51.100.7:4000"; "" when there is none. Returns: @text. */
const char *media_ice_pair_text (const MediaIce *ice, char text[MEDIA_ICE_PAIR_TEXT_SIZE]);
/** media_ice_remote_address: of the selected pair, unset when there is none. */
MediaAddress media_ice_remote_address (const MediaIce *ice);
void media_ice_get_stats (const MediaIce *ice, MediaIceStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaIce, media_ice_close)
