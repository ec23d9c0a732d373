/* Something that is played: a tone or a file, as frames of 20 ms at the rates that sinks want. Belongs to the
 * worker that plays it; time is the caller's tick. */
#pragma once

#include <glib.h>

#include "media/core/tone.h"
#include "media/engine.h"
#include "media/file_reader.h"

typedef struct _MediaPlay MediaPlay;

/* How many at a time in a room, or to a leg. */
#define MEDIA_PLAYS_MAX 8
/* A file that gives nothing for so long has failed. */
#define MEDIA_PLAY_STALLED_MS 10000

/** media_play_new_tone: @pattern copied. */
MediaPlay *media_play_new_tone (MediaPlayId id, const MediaTonePattern *pattern,
                                double gain_db) G_GNUC_WARN_UNUSED_RESULT;
/** media_play_new_file: @stream (transfer full). */
MediaPlay *media_play_new_file (MediaPlayId id, MediaFileStream *stream,
                                double gain_db) G_GNUC_WARN_UNUSED_RESULT;
void media_play_free (MediaPlay *play);
MediaPlayId media_play_get_id (const MediaPlay *play);

/** media_play_stop: Returns: FALSE when it is over at once; else it goes out with one more frame, and the
 * advance after that says MEDIA_PLAY_STOPPED. */
gboolean media_play_stop (MediaPlay *play);
/** media_play_end_with: Returns: the end to tell of when @end comes upon it now: what was stopped before
 * stays stopped, whatever comes while it goes out. */
MediaPlayEnd media_play_end_with (const MediaPlay *play, MediaPlayEnd end);
/** media_plays_are_full: @plays has MEDIA_PLAYS_MAX that go on; those that go out with one more frame do not
 * count. */
gboolean media_plays_are_full (const GPtrArray *plays);
/**
 * media_play_advance:
 * @end: (out): why it is over
 * @error: (out): with MEDIA_PLAY_FAILED: a sentence, valid as long as @play
 *
 * Goes on by one frame. Returns: FALSE when it is over: there is no frame any more.
 */
gboolean media_play_advance (MediaPlay *play, MediaPlayEnd *end, const char **error);
/** media_play_sounds: the present frame is no silence of a tone's own cadence. */
gboolean media_play_sounds (const MediaPlay *play);
/** media_play_rate_hz: the highest rate that is worth asking for; it may rise once, when a file was opened.
 */
guint media_play_rate_hz (const MediaPlay *play);
/** media_play_pcm: the present frame, 20 ms at @rate_hz; valid until the next advance. */
const gint16 *media_play_pcm (MediaPlay *play, guint rate_hz);
/** media_play_gain_q12: how loud the frame is to be: not applied to it, since only a sum knows its limit. */
gint32 media_play_gain_q12 (const MediaPlay *play);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaPlay, media_play_free)
