#include "media/play.h"

#include <string.h>

#include "media/codec/resampler.h"
#include "media/core/mixer.h"
#include "media/feed.h"

#define TONE_RATE_HZ 8000
#define RAMP_MS      5 /* where a file has a gap */
/* A file of which nothing comes for so long is given up. */
#define STALLED_FRAMES_MAX (MEDIA_PLAY_STALLED_MS / MEDIA_FRAME_MS)

struct _MediaPlay
{
  MediaPlayId id;
  MediaFileStream *stream; /* NULL: a tone */
  MediaTonePattern *pattern;
  MediaToneGenerator generator;
  gint32 gain_q12;

  guint rate_hz; /* of the frame */
  gboolean sounds;
  gboolean stopping, faded;
  guint n_stalled; /* frames without anything of the file, in a row */
  gboolean begun;  /* something of the file came */
  gboolean in_gap; /* the frame before was not whole */
  gint16 last;     /* sample of the frame before */
  gint16 frame[MEDIA_FRAME_SAMPLES_MAX];
  gint16 *resampled[MEDIA_N_RATES];
  gboolean is_resampled[MEDIA_N_RATES];
  MediaResampler *resamplers[MEDIA_N_RATES];
};

static MediaPlay *
play_new (MediaPlayId id, double gain_db)
{
  MediaPlay *play = g_new0 (MediaPlay, 1);

  play->id = id;
  play->rate_hz = TONE_RATE_HZ;
  play->gain_q12 = media_mixer_gain_from_db (gain_db);
  return play;
}

MediaPlay *
media_play_new_tone (MediaPlayId id, const MediaTonePattern *pattern, double gain_db)
{
  MediaPlay *play = play_new (id, gain_db);

  play->pattern = g_memdup2 (pattern, sizeof *pattern);
  media_tone_generator_init (&play->generator, TONE_RATE_HZ);
  return play;
}

MediaPlay *
media_play_new_file (MediaPlayId id, MediaFileStream *stream, double gain_db)
{
  MediaPlay *play = play_new (id, gain_db);

  play->stream = stream;
  return play;
}

void
media_play_free (MediaPlay *play)
{
  g_clear_pointer (&play->stream, media_file_stream_close);
  g_free (play->pattern);
  for (guint i = 0; i < MEDIA_N_RATES; i++)
    {
      g_free (play->resampled[i]);
      g_clear_pointer (&play->resamplers[i], media_resampler_free);
    }
  g_free (play);
}

MediaPlayId
media_play_get_id (const MediaPlay *play)
{
  return play->id;
}

static gboolean
advance_tone (MediaPlay *play, MediaPlayEnd *end)
{
  const gsize samples = TONE_RATE_HZ / 1000 * MEDIA_FRAME_MS;

  if (media_tone_generate (&play->generator, play->pattern, play->frame, samples, &play->sounds) > 0)
    return TRUE;
  *end = MEDIA_PLAY_FINISHED;
  return FALSE;
}

/* What came of the frame ends without a step: itself, or what came before it where that is too little. */
static void
end_in_gap (MediaPlay *play, gsize n, gsize samples, gsize ramp)
{
  const gint16 from = n > 0 ? play->frame[n - 1] : play->last;
  gint16 *end = play->frame + n;

  memset (end, 0, (samples - n) * sizeof *end);
  for (gsize i = 0; i < ramp; i++)
    if (n >= ramp)
      end[-1 - (gssize)i] = (gint16)(end[-1 - (gssize)i] * (gint32)i / (gint32)ramp);
    else
      end[i] = (gint16)(from * (gint32)(ramp - 1 - i) / (gint32)ramp);
}

/* @n samples of the frame came. */
static void
join_gap (MediaPlay *play, gsize n, gsize samples)
{
  const gsize ramp = (gsize)play->rate_hz / 1000 * RAMP_MS;

  for (gsize i = 0; play->in_gap && i < MIN (n, ramp); i++)
    play->frame[i] = (gint16)(play->frame[i] * (gint32)i / (gint32)ramp);
  if (n < samples)
    end_in_gap (play, n, samples, ramp);
  /* The frame after sound is silence that resamplers are to have. */
  play->sounds = n > 0 || (play->begun && play->n_stalled == 0);
  play->begun = play->begun || n > 0;
  play->in_gap = play->begun && n < samples;
  play->last = play->frame[samples - 1];
}

/* A file that does not keep up leaves a gap; it is not over before the reader says so, or says nothing for
 * too long. */
static gboolean
advance_file (MediaPlay *play, MediaPlayEnd *end, const char **error)
{
  const MediaFileState state = media_file_stream_state (play->stream);
  gsize samples, n;

  if (state == MEDIA_FILE_ENDED || state == MEDIA_FILE_FAILED)
    {
      *end = state == MEDIA_FILE_ENDED ? MEDIA_PLAY_FINISHED : MEDIA_PLAY_FAILED;
      *error = media_file_stream_error (play->stream);
      return FALSE;
    }
  if (state == MEDIA_FILE_READY && play->rate_hz != media_file_stream_rate_hz (play->stream))
    {
      play->rate_hz = media_file_stream_rate_hz (play->stream);
      for (guint i = 0; i < MEDIA_N_RATES; i++)
        g_clear_pointer (&play->resamplers[i], media_resampler_free);
    }
  samples = play->rate_hz / 1000 * MEDIA_FRAME_MS;
  n = media_file_stream_read (play->stream, play->frame, samples);
  join_gap (play, n, samples);
  play->n_stalled = n > 0 ? 0 : play->n_stalled + 1;
  if (play->n_stalled < STALLED_FRAMES_MAX)
    return TRUE;
  *end = MEDIA_PLAY_FAILED;
  *error = "nothing came of the file for 10 s: its disk does not answer, or too much is being played";
  return FALSE;
}

gboolean
media_play_stop (MediaPlay *play)
{
  play->stopping = TRUE;
  return play->sounds;
}

MediaPlayEnd
media_play_end_with (const MediaPlay *play, MediaPlayEnd end)
{
  return play->stopping ? MEDIA_PLAY_STOPPED : end;
}

gboolean
media_plays_are_full (const GPtrArray *plays)
{
  guint n = 0;

  for (guint i = 0; i < plays->len; i++)
    n += !((const MediaPlay *)g_ptr_array_index (plays, i))->stopping;
  return n >= MEDIA_PLAYS_MAX;
}

/* The last frame: no step where it ends. */
static void
fade_out (MediaPlay *play)
{
  const gint32 samples = (gint32)play->rate_hz / 1000 * MEDIA_FRAME_MS;

  for (gint32 i = 0; i < samples; i++)
    play->frame[i] = (gint16)(play->frame[i] * (samples - 1 - i) / samples);
  play->faded = TRUE;
}

gboolean
media_play_advance (MediaPlay *play, MediaPlayEnd *end, const char **error)
{
  gboolean goes_on;

  if (play->stopping && (play->faded || !play->sounds))
    {
      *end = MEDIA_PLAY_STOPPED;
      return FALSE;
    }
  goes_on = play->stream != NULL ? advance_file (play, end, error) : advance_tone (play, end);
  memset (play->is_resampled, 0, sizeof play->is_resampled);
  if (goes_on && play->stopping)
    fade_out (play);
  if (goes_on)
    return TRUE;
  *end = media_play_end_with (play, *end);
  if (play->stopping)
    *error = NULL;
  return FALSE;
}

gboolean
media_play_sounds (const MediaPlay *play)
{
  return play->sounds;
}

guint
media_play_rate_hz (const MediaPlay *play)
{
  return play->rate_hz;
}

gint32
media_play_gain_q12 (const MediaPlay *play)
{
  return play->gain_q12;
}

const gint16 *
media_play_pcm (MediaPlay *play, guint rate_hz)
{
  const guint i = media_rate_index (rate_hz);
  const gsize samples = play->rate_hz / 1000 * MEDIA_FRAME_MS;

  if (rate_hz == play->rate_hz)
    return play->frame;
  if (play->is_resampled[i])
    return play->resampled[i];
  if (play->resampled[i] == NULL)
    play->resampled[i] = g_new0 (gint16, MEDIA_FRAME_SAMPLES_MAX);
  if (play->resamplers[i] == NULL)
    play->resamplers[i] = media_resampler_new (play->rate_hz, rate_hz, NULL);
  if (play->resamplers[i] == NULL
      || media_resampler_process (play->resamplers[i], play->frame, samples, play->resampled[i],
                                  MEDIA_FRAME_SAMPLES_MAX)
             < 0)
    memset (play->resampled[i], 0, MEDIA_FRAME_SAMPLES_MAX * sizeof (gint16));
  play->is_resampled[i] = TRUE;
  return play->resampled[i];
}
