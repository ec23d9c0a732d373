/* A room's media: who hears whom. Each sink of each leg is given a way, on join, leave, mute, gain and new
 * plans only, never per talk spurt:
 *
 *   exactly one audible source, at unity gain, in a codec that the sink's leg negotiated ──▶ forward
 *   anything else audible                                                              ──▶ mix
 *   nothing audible                               ──▶ silence for a SIP leg, nothing for a WebRTC leg
 *
 * The mix runs on a tick of 20 ms: sources where somebody speaks are decoded and summed; listeners who hear
 * the same sum in the same codec share one encoder, speakers get theirs without themselves.
 *
 * Belongs to one worker, as all its legs. Pure: time is given. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"
#include "media/encode_meter.h"
#include "media/engine.h"
#include "media/leg.h"
#include "media/recorder.h"

typedef struct _MediaRoom MediaRoom;

typedef struct
{
  MediaRoomId id;
  guint mix_speakers;      /* 0: 6 */
  int opus_complexity;     /* as in MediaEncoderConfig */
  gboolean isolated;       /* nobody hears anybody: where legs without a room wait */
  MediaEncodeMeter *meter; /* (nullable): the worker's */
} MediaRoomConfig;

typedef struct
{
  void (*speakers) (gpointer user, MediaRoomId room, const MediaSpeaker *speakers, gsize n);
  void (*play_ended) (gpointer user, MediaPlayId play, MediaPlayEnd end, const char *error); /* (nullable) */
} MediaRoomOps;

/** media_room_new: @ops: (nullable): static. */
MediaRoom *media_room_new (const MediaRoomConfig *config, const MediaRoomOps *ops,
                           gpointer user) G_GNUC_WARN_UNUSED_RESULT;
/** media_room_free: asserted to be empty. */
void media_room_free (MediaRoom *room);

/** media_room_add: @leg must be in no room. */
void media_room_add (MediaRoom *room, MediaLeg *leg, CfgMonotonic now);
void media_room_remove (MediaRoom *room, MediaLeg *leg, CfgMonotonic now);
guint media_room_n_legs (const MediaRoom *room);
/** media_room_leg: @index below media_room_n_legs. */
MediaLeg *media_room_leg (const MediaRoom *room, guint index);
/** media_room_of: (nullable): the room that @leg is in. */
MediaRoom *media_room_of (const MediaLeg *leg);

/** media_room_play: @play (transfer full): to everybody in it, mixed with what they hear. It is not among the
 * speakers, and takes no part in their choice. */
void media_room_play (MediaRoom *room, MediaPlay *play);
void media_room_stop_play (MediaRoom *room, MediaPlayId play);
/** media_room_end_plays: all of them, with MEDIA_PLAY_GONE: the room is going. */
void media_room_end_plays (MediaRoom *room);

/** media_room_record: @recorder (transfer full). */
void media_room_record (MediaRoom *room, MediaRecorder *recorder);
/** media_room_stop_record: nothing when it is not (any more) recorded here. */
void media_room_stop_record (MediaRoom *room, MediaRecordId id, MediaRecordEnd end);
/** media_room_record_leg: a recording of one leg alone goes on with @leg, which took its place. */
void media_room_record_leg (MediaRoom *room, MediaRecordId id, MediaLegId leg);
/** media_room_end_records: all of them, with MEDIA_RECORD_GONE: the room is going. */
void media_room_end_records (MediaRoom *room);

/** media_room_encode: media_encoder_encode, and the worker knows what it took. @room: (nullable). */
gssize media_room_encode (MediaRoom *room, MediaEncoder *encoder, const gint16 *pcm, gsize samples,
                          guint8 *out, gsize capacity) G_GNUC_WARN_UNUSED_RESULT;
/** media_room_set_opus_complexity: @complexity as in MediaEncoderConfig; of all who are encoded for, from the
 * next frame on. */
void media_room_set_opus_complexity (MediaRoom *room, int complexity);
/** media_room_tell_speakers: FALSE: nobody wants to know, ops.speakers is not called any more. TRUE, as in a
 * new room: it is, and after a FALSE with those who speak, at once. */
void media_room_tell_speakers (MediaRoom *room, gboolean tell);
/** media_room_tick: every 20 ms, @now on a fixed grid. */
void media_room_tick (MediaRoom *room, CfgMonotonic now);
/** media_room_is_at_rest: nothing goes out with the ticks, and none has to be in time. */
gboolean media_room_is_at_rest (const MediaRoom *room);
/** media_room_tick_late: instead of a tick whose time is over, as that of a room at rest: no audio is made.
 */
void media_room_tick_late (MediaRoom *room, CfgMonotonic now);

/** media_room_changed: something that routing depends on is different (plan, mute, gain, codec); it is looked
 * at before the next packet or tick of the room. Called by legs. */
void media_room_changed (MediaRoom *room);
/** media_room_has_gaps: a sink has nothing to forward, and is to be given silence from the next tick on. */
void media_room_has_gaps (MediaRoom *room);

typedef struct
{
  guint n_forwarding, n_mixing, n_idle; /* sinks */
  guint n_decoding;                     /* sources that the last tick decoded */
  guint64 encodes;                      /* so far */
  guint64 decodes;
} MediaRoomStats;

void media_room_get_stats (const MediaRoom *room, MediaRoomStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaRoom, media_room_free)
