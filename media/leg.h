/* A leg's media without its transport: sections with what the peer sends (sources) and what it is sent
 * (sinks). No socket, no clock, no thread: authentic packets come in with their instant, packets go out
 * through ops, so that a test runs an hour of a call in seconds.
 *
 *   receive_rtp ──▶ section by MID, SSRC or payload type ──▶ source ──▶ forward to sinks / feed for mixes
 *   sink (forwarding, mixing or silent) ──▶ ops.send_rtp
 *
 * A leg belongs to the worker that turns it, with the room it is in (media/room_media.h). */
#pragma once

#include <glib.h>

#include "config/base/clock.h"
#include "media/core/rtp.h"
#include "media/engine.h"
#include "media/io/prefetch.h"
#include "media/leg_state.h"
#include "media/play.h"

typedef struct _MediaLeg MediaLeg;

/* How often media_leg_housekeep is due, at least. */
#define MEDIA_LEG_HOUSEKEEPING_MS 100

typedef struct
{
  /* (nullable): what sending a packet will need. */
  void (*expect_send) (gpointer user, MediaTrail *trail);
  /* (nullable): inside media_leg_receive_rtp: when its packet came, at @now or before. */
  CfgMonotonic (*arrival) (gpointer user, CfgMonotonic now);
  /* @packet: a buffer of MEDIA_PACKET_SIZE bytes, may be worked in. */
  void (*send_rtp) (gpointer user, guint8 *packet, gsize length, CfgMonotonic now);
  void (*send_rtcp) (gpointer user, guint8 *packet, gsize length, CfgMonotonic now);
  void (*media_started) (gpointer user, const char *codec);
  void (*dtmf) (gpointer user, char digit, guint duration_ms);
  void (*timeout) (gpointer user, gboolean initial);
  /* (nullable): @ssrc of ours is never sent again. */
  void (*forget_ssrc) (gpointer user, guint32 ssrc);
  void (*play_ended) (gpointer user, MediaPlayId play, MediaPlayEnd end, const char *error); /* (nullable) */
} MediaLegOps;

typedef struct
{
  MediaLegId id;
  gboolean always_send;                  /* a SIP leg: silence rather than nothing */
  gboolean authenticated;                /* always SRTP; else the plan says whether */
  gint64 timeout_us, timeout_initial_us; /* 0: off */
} MediaLegConfig;

/** media_leg_new: @config copied, @ops static. */
MediaLeg *media_leg_new (const MediaLegConfig *config, const MediaLegOps *ops, gpointer user,
                         CfgMonotonic now) G_GNUC_WARN_UNUSED_RESULT;
/** media_leg_free: it must have left its room. */
void media_leg_free (MediaLeg *leg);
MediaLegId media_leg_get_id (const MediaLeg *leg);

/** media_leg_configure: @plan replaces the one before; copied. Streams whose codec stays go on. */
void media_leg_configure (MediaLeg *leg, const MediaPlan *plan, CfgMonotonic now);
void media_leg_set_muted (MediaLeg *leg, gboolean muted);
/** media_leg_set_gain: how loud @leg is for @listener (0: everybody without one of their own); at most
 * MEDIA_MAX_GAINS listeners, more are ignored. */
void media_leg_set_gain (MediaLeg *leg, MediaLegId listener, double gain_db);
/** media_leg_set_deaf: TRUE: @leg hears no other leg, whatever the gains are; what is played to it stays. */
void media_leg_set_deaf (MediaLeg *leg, gboolean is_deaf);
/** media_leg_forget_listener: @listener has no gain of its own any more; its place is free for another one.
 */
void media_leg_forget_listener (MediaLeg *leg, MediaLegId listener);

/** media_leg_play: @play (transfer full): to this leg alone, mixed with what it hears. */
void media_leg_play (MediaLeg *leg, MediaPlay *play);
/** media_leg_stop_play: nothing when it is not (any more) played here. */
void media_leg_stop_play (MediaLeg *leg, MediaPlayId play);
/** media_leg_end_plays: all of them, with MEDIA_PLAY_GONE: the leg is going. */
void media_leg_end_plays (MediaLeg *leg);
/** media_leg_send_dtmf: @digits: as media_dtmf_sender_queue. Returns: 0; -EINVAL; -ENOSPC; -ENOTCONN when
 * nothing is sent to this leg. */
int media_leg_send_dtmf (MediaLeg *leg, const char *digits) G_GNUC_WARN_UNUSED_RESULT;
void media_leg_stop_dtmf (MediaLeg *leg);

/** media_leg_expect: what a packet to it will need, up to the leg that hears it alone. */
void media_leg_expect (const MediaLeg *leg, MediaTrail *trail);
/** media_leg_receive_rtp: @packet authentic, parsed, no RTCP. */
void media_leg_receive_rtp (MediaLeg *leg, const MediaRtpView *packet, CfgMonotonic now);
/** media_leg_receive_rtcp: @data an authentic datagram. */
void media_leg_receive_rtcp (MediaLeg *leg, const guint8 *data, gsize size, CfgMonotonic now, CfgWall wall);
/** media_leg_housekeep: reports, timeouts, the end of digits; every MEDIA_LEG_HOUSEKEEPING_MS. */
void media_leg_housekeep (MediaLeg *leg, CfgMonotonic now, CfgWall wall);
/** media_leg_say_bye: an RTCP BYE for each SSRC that was used; at the end. */
void media_leg_say_bye (MediaLeg *leg, CfgMonotonic now, CfgWall wall);

/** media_leg_get_stats: all but what the transport knows (auth_failures, strangers, remote, cipher). */
void media_leg_get_stats (MediaLeg *leg, MediaLegStats *stats);

/** media_leg_export: all but what the transport knows. */
void media_leg_export (const MediaLeg *leg, MediaLegState *state, CfgMonotonic now);
/** media_leg_import: into a configured leg that has neither sent nor received; sections by index. */
void media_leg_import (MediaLeg *leg, const MediaLegState *state, CfgMonotonic now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaLeg, media_leg_free)
