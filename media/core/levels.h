/* How loud a source is and who speaks. Levels are RFC 6464's: 0 (loudest) … 127 (silence), in -dBov. */
#pragma once

#include "config/base/clock.h"
#include "media/core/rtp.h"

#include <glib.h>

#define MEDIA_LEVEL_SILENCE 127

/** media_level_of_pcm: RMS of @pcm in -dBov, 0–127. */
guint8 media_level_of_pcm (const gint16 *pcm, gsize samples);
/** media_level_of_energy: of @samples whose squares add up to @energy. */
guint8 media_level_of_energy (gint64 energy, gsize samples);
/** media_level_read: the audio level extension of @packet. Returns: FALSE when it has none under @id. */
gboolean media_level_read (const MediaRtpView *packet, guint8 id, guint8 *level, gboolean *voice);

/* Speech activity of one source: level above an adaptive noise floor, kept for a hangover. Plain values. */
typedef struct
{
  gboolean active;
  gboolean have_level;
  double level_db; /* smoothed, dBov (negative) */
  double floor_db; /* noise floor, dBov */
  CfgMonotonic voiced_at;
  CfgMonotonic updated_at;
  CfgMonotonic active_since;
} MediaSpeech;

#define MEDIA_SPEECH_HANGOVER_MS 500 /* for what is mixed: no word's end is cut */
#define MEDIA_SPEECH_TOLD_MS     200 /* for who is told to speak: longer than what is between words */

void media_speech_init (MediaSpeech *speech);
/** media_speech_update: one packet's or frame's level (-dBov). Returns: whether somebody speaks (with
 * hangover). */
gboolean media_speech_update (MediaSpeech *speech, guint8 level, CfgMonotonic now);
/** media_speech_is_active: also right when no update came for a while. */
gboolean media_speech_is_active (const MediaSpeech *speech, CfgMonotonic now);
/** media_speech_is_heard: as is told to others: ends sooner. */
gboolean media_speech_is_heard (const MediaSpeech *speech, CfgMonotonic now);
/** media_speech_level: smoothed, -dBov; MEDIA_LEVEL_SILENCE when nothing came for 500 ms. */
guint8 media_speech_level (const MediaSpeech *speech, CfgMonotonic now);

/** media_speech_floor: the noise between words, -dBov; MEDIA_LEVEL_SILENCE when no level came yet. */
guint8 media_speech_floor (const MediaSpeech *speech);

/* One source offered to the choice of speakers. */
typedef struct
{
  const MediaSpeech *speech;
  gboolean chosen; /* in: by the last choice, out: by this one */
} MediaSpeakerCandidate;

/**
 * media_speakers_choose:
 * @candidates: (inout): all sources of a mix
 * @most: how many may be chosen
 *
 * Marks the active, loudest @most; a chosen one is exchanged only for one at least 6 dB louder, so that
 * voices are not cut. Returns: how many are chosen.
 */
guint media_speakers_choose (MediaSpeakerCandidate *candidates, guint n_candidates, guint most,
                             CfgMonotonic now);

/**
 * media_speakers_rank:
 * @order: (out): indices of the candidates that are heard, loudest first (dominant speakers)
 * Returns: how many were written (≤ @most).
 */
guint media_speakers_rank (const MediaSpeakerCandidate *candidates, guint n_candidates, CfgMonotonic now,
                           guint *order, guint most);
