#include "media/core/levels.h"

#include <math.h>

#define SPEECH_OVER_FLOOR_DB 9.0
#define SPEECH_LEAST_DB      -55.0 /* quieter is no speech, however low the floor */
#define SPEECH_CERTAIN_DB    -37.0 /* louder is sound that somebody wants heard, a steady tone or music too */
#define FLOOR_START_DB       -60.0
#define FLOOR_MAX_DB         -46.0 /* no line is noisier */
#define FLOOR_RISE_DB_PER_S  3.0
#define LEVEL_FALL_PER_S     60.0 /* smoothing: how fast the shown level may fall */
#define STALE_US             (500 * CFG_US_PER_MS)
#define EXCHANGE_DB          6.0

guint8
media_level_of_energy (gint64 energy, gsize samples)
{
  /* 10 log10 (x) by the base that is cheapest: it is asked for each packet. */
  static const float db_per_octave = 3.01029996F;
  float level;

  if (energy <= 0 || samples == 0)
    return MEDIA_LEVEL_SILENCE;
  level = -db_per_octave * log2f ((float)energy / (float)samples / (32768.0F * 32768.0F));
  return (guint8)CLAMP (lroundf (level), 0, MEDIA_LEVEL_SILENCE);
}

guint8
media_level_of_pcm (const gint16 *pcm, gsize samples)
{
  gint64 energy = 0;

  for (gsize i = 0; i < samples; i++)
    energy += (gint64)pcm[i] * pcm[i];
  return media_level_of_energy (energy, samples);
}

gboolean
media_level_read (const MediaRtpView *packet, guint8 id, guint8 *level, gboolean *voice)
{
  gsize size = 0;
  const guint8 *data = media_rtp_find_extension (packet, id, &size);

  if (data == NULL || size == 0)
    return FALSE;
  *level = data[0] & 0x7f;
  *voice = (data[0] & 0x80) != 0;
  return TRUE;
}

void
media_speech_init (MediaSpeech *speech)
{
  *speech = (MediaSpeech){ .level_db = -MEDIA_LEVEL_SILENCE, .floor_db = FLOOR_START_DB };
}

/* The floor falls with the level and rises slowly, so that it settles at what is there between words. */
static void
follow (MediaSpeech *speech, double level_db, double seconds)
{
  if (level_db < speech->floor_db)
    speech->floor_db += (level_db - speech->floor_db) / 4;
  else
    speech->floor_db = MIN (speech->floor_db + FLOOR_RISE_DB_PER_S * seconds, MIN (level_db, FLOOR_MAX_DB));
  speech->floor_db = CLAMP (speech->floor_db, -MEDIA_LEVEL_SILENCE, FLOOR_MAX_DB);
  speech->level_db = MAX (level_db, speech->level_db - LEVEL_FALL_PER_S * seconds);
}

gboolean
media_speech_update (MediaSpeech *speech, guint8 level, CfgMonotonic now)
{
  double level_db = -(double)MIN (level, MEDIA_LEVEL_SILENCE);
  double seconds = 0;
  gboolean voiced;

  if (speech->have_level)
    seconds = CLAMP ((double)cfg_monotonic_diff_us (now, speech->updated_at) / 1e6, 0, 1);
  voiced = level_db >= SPEECH_CERTAIN_DB
           || (level_db >= SPEECH_LEAST_DB && level_db >= speech->floor_db + SPEECH_OVER_FLOOR_DB);
  follow (speech, level_db, seconds);
  speech->have_level = TRUE;
  speech->updated_at = now;
  if (voiced)
    {
      if (!speech->active)
        speech->active_since = now;
      speech->voiced_at = now;
      speech->active = TRUE;
    }
  else
    {
      speech->active = media_speech_is_active (speech, now);
    }
  return speech->active;
}

gboolean
media_speech_is_active (const MediaSpeech *speech, CfgMonotonic now)
{
  return speech->active
         && cfg_monotonic_diff_us (now, speech->voiced_at) <= MEDIA_SPEECH_HANGOVER_MS * CFG_US_PER_MS;
}

gboolean
media_speech_is_heard (const MediaSpeech *speech, CfgMonotonic now)
{
  return speech->active
         && cfg_monotonic_diff_us (now, speech->voiced_at) <= MEDIA_SPEECH_TOLD_MS * CFG_US_PER_MS;
}

guint8
media_speech_level (const MediaSpeech *speech, CfgMonotonic now)
{
  if (!speech->have_level || cfg_monotonic_diff_us (now, speech->updated_at) > STALE_US)
    return MEDIA_LEVEL_SILENCE;
  return (guint8)CLAMP (lround (-speech->level_db), 0, MEDIA_LEVEL_SILENCE);
}

guint8
media_speech_floor (const MediaSpeech *speech)
{
  return speech->have_level ? (guint8)lround (-speech->floor_db) : MEDIA_LEVEL_SILENCE;
}

static double
score (const MediaSpeakerCandidate *candidate, gboolean was_chosen)
{
  return candidate->speech->level_db + (was_chosen ? EXCHANGE_DB : 0);
}

/* Selection by repeated search: rooms choose few of many. Scratch is the chosen flag itself: bit 0 the last
 * choice, bit 1 this one. */
guint
media_speakers_choose (MediaSpeakerCandidate *candidates, guint n_candidates, guint most, CfgMonotonic now)
{
  guint n_chosen = 0;

  for (guint i = 0; i < n_candidates; i++)
    candidates[i].chosen = candidates[i].chosen ? 1 : 0;
  while (n_chosen < most)
    {
      MediaSpeakerCandidate *best = NULL;
      double best_score = 0;

      for (guint i = 0; i < n_candidates; i++)
        {
          double found;

          if ((candidates[i].chosen & 2) != 0 || !media_speech_is_active (candidates[i].speech, now))
            continue;
          found = score (&candidates[i], (candidates[i].chosen & 1) != 0);
          if (best != NULL && found <= best_score)
            continue;
          best = &candidates[i];
          best_score = found;
        }
      if (best == NULL)
        break;
      best->chosen |= 2;
      n_chosen++;
    }
  for (guint i = 0; i < n_candidates; i++)
    candidates[i].chosen = (candidates[i].chosen & 2) != 0;
  return n_chosen;
}

guint
media_speakers_rank (const MediaSpeakerCandidate *candidates, guint n_candidates, CfgMonotonic now,
                     guint *order, guint most)
{
  guint n = 0;

  for (guint i = 0; i < n_candidates; i++)
    {
      guint at;

      if (!media_speech_is_heard (candidates[i].speech, now))
        continue;
      /* Insertion into the short sorted list. */
      at = MIN (n, most);
      while (at > 0 && candidates[order[at - 1]].speech->level_db < candidates[i].speech->level_db)
        {
          if (at < most)
            order[at] = order[at - 1];
          at--;
        }
      if (at < most)
        order[at] = i;
      n = MIN (n + 1, most);
    }
  return n;
}
