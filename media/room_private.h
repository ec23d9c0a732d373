/* The inside of a room, for media/room*.c only. */
#pragma once

#include "media/leg_private.h"

#define MEDIA_ROOM_MAX_SPEAKERS         16
#define MEDIA_ROOM_MIX_SPEAKERS_DEFAULT 6
#define MEDIA_ROOM_MIX_SPEAKERS_MAX     32
/* Sinks that have an encoder of their own only because they change from one to another: there are no more of
 * them at a time, whoever comes, goes or loses packets. */
#define MEDIA_ROOM_APART_MAX 8

/* One encoder for all who hear the common mix in the same way. */
typedef struct
{
  guint64 serial; /* from 1 */
  MediaCodecId codec;
  guint rate_hz;
  MediaEncoderConfig config;
  MediaEncoder *encoder; /* nullable: could not be made, or went away with its only listener */
  MediaLimiter limiter;
  guint64 used_tick, begun_tick;              /* of its last frame; of the first one since it was idle */
  guint n_members, n_fading_in, n_fading_out; /* of the present tick; only while somebody fades */
  guint n_listeners;                          /* at used_tick */
  const MediaSink *listener;                  /* the last of them; to compare only */
  guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
  gssize size; /* of the payload of used_tick; <= 0: nothing to send */
} MediaMixGroup;

/* Somebody who left while he was heard: goes out with the next frame. */
typedef struct
{
  MediaLegId leg;
  MediaFeed *feed;
  gboolean heard; /* in the mix; else only recorded */
  gint32 gain_q12;
  MediaGain *gains; /* nullable; as the leg's */
  guint n_gains;
  gint slot[MEDIA_N_RATES];
} MediaGhost;

struct _MediaRoom
{
  MediaRoomConfig config;
  const MediaRoomOps *ops;
  gpointer user;
  GPtrArray *legs;
  GPtrArray *plays;     /* of MediaPlay: what everybody hears */
  GPtrArray *recorders; /* of MediaRecorder */
  gboolean dirty;
  gboolean still;      /* since the last tick and until routing: no frame to make, at most gaps to fill */
  gboolean is_unheard; /* nobody wants to know who speaks */
  gboolean fills;      /* a sink has a gap to fill, or had one with the last tick */
  guint64 ticks;
  guint64 route_at_tick; /* routing looks again then; 0: only when something changes */

  /* written by routing */
  GPtrArray *sources;  /* audible ones */
  GPtrArray *mixed;    /* those of them with a feed */
  GPtrArray *mixing;   /* sinks */
  GPtrArray *watched;  /* forwarding sinks that must not fall silent */
  GPtrArray *playing;  /* legs that something is played to */
  GPtrArray *dialling; /* sinks that send digits */
  guint n_fading;      /* sinks and sources that come or go with the next frame */
  gboolean rate_used[MEDIA_N_RATES];
  guint max_rate_hz;
  guint n_recording; /* recorders that take the sum */

  /* the two loudest backgrounds of different legs, as of a tick; -dBov */
  guint64 noise_tick;
  const MediaLeg *noisiest;
  guint8 noise_level, next_noise_level;

  /* the mix */
  GArray *ghosts; /* of MediaGhost */
  MediaSource *chosen[MEDIA_ROOM_MIX_SPEAKERS_MAX];
  guint n_chosen;
  MediaMixer *mixers[MEDIA_N_RATES];
  GPtrArray *groups;  /* of MediaMixGroup */
  guint64 n_groups;   /* ever made */
  guint n_apart;      /* of the present frame: sinks that hear what others do, from encoders of their own */
  GPtrArray *common;  /* of MediaSink, scratch: what this tick's groups are sent to */
  GArray *candidates; /* of MediaSpeakerCandidate, scratch */

  MediaSpeaker told[MEDIA_ROOM_MAX_SPEAKERS];
  guint8 told_levels[MEDIA_ROOM_MAX_SPEAKERS];
  guint64 told_at_tick;
  guint n_told;

  MediaRoomStats stats;
};

/* room_routing.c */
void media_room_route (MediaRoom *room);
/** media_room_route_levels: whose level is wanted with each packet; when that alone is different. */
void media_room_route_levels (MediaRoom *room);
/* room_play.c */
/** media_room_advance_plays: a frame of each; ends those that are over. */
void media_room_advance_plays (MediaRoom *room);
void media_room_turn_digits (MediaRoom *room, CfgMonotonic now);
/* room_record.c */
/** media_room_route_recorders: what recorders need, after sources and formats are known. */
void media_room_route_recorders (MediaRoom *room);
/** media_room_write_records: the frame that was just summed. */
void media_room_write_records (MediaRoom *room, CfgMonotonic now);
/* room_fade.c */
/** media_room_leave_ghost: what is still heard of @source, which goes. */
void media_room_leave_ghost (MediaRoom *room, MediaSource *source);
void media_room_clear_ghosts (MediaRoom *room);
/** media_room_ghost_gain: for @listener. */
gint32 media_room_ghost_gain (const MediaGhost *ghost, MediaLegId listener);
/** media_room_route_fade: @sink was routed. @leaves: it would not be mixed any more, but goes out first. */
void media_room_route_fade (MediaRoom *room, MediaSink *sink, gboolean was_mixing, gboolean leaves);
/** media_room_ends_softly: @sink, which is not to be mixed any more, is to be heard going out. */
gboolean media_room_ends_softly (const MediaSink *sink);
/** media_room_end_fades: the frame was made. */
void media_room_end_fades (MediaRoom *room);
void media_fade_pcm (gint16 *pcm, gsize samples, MediaFade fade);
/* room_group.c */
/** media_room_find_group: the one whose frames @sink may hear. @config: (out): of its encoder. (nullable) */
MediaMixGroup *media_room_find_group (const MediaRoom *room, const MediaSink *sink,
                                      MediaEncoderConfig *config);
/** media_room_group_for: the same; it is made if there is none. */
MediaMixGroup *media_room_group_for (MediaRoom *room, const MediaSink *sink);
/** media_room_group_is_idle: nobody heard its last frame. */
gboolean media_room_group_is_idle (const MediaRoom *room, const MediaMixGroup *group);
/** media_room_leave_group: @sink's own encoder goes on where the one is that it heard. */
void media_room_leave_group (MediaRoom *room, MediaSink *sink, CfgMonotonic now);
/** media_room_begin_group: before the first frame of an idle @group, for @sink. */
void media_room_begin_group (MediaRoom *room, MediaMixGroup *group, MediaSink *sink);
/** media_mix_group_fade: what all who hear @group do; NONE if not all do the same. */
MediaFade media_mix_group_fade (const MediaMixGroup *group);
/** media_room_goes_apart: @sink is to hear the present frame from an encoder of its own. */
gboolean media_room_goes_apart (const MediaRoom *room, const MediaSink *sink, const MediaMixGroup *group);
void media_room_drop_idle_groups (MediaRoom *room);
/* room_mix.c */
void media_room_mix (MediaRoom *room, CfgMonotonic now);
void media_mix_group_free (MediaMixGroup *group);
