#include "tools/load/frames.h"

#include <math.h>
#include <sndfile.h>
#include <string.h>

#include "config/base/error.h"
#include "tools/load/marks.h"

#define PEAK         9000.0
#define MARK_LEVEL   26000.0
#define MARK_MS      10
#define QUIET_BEFORE 3 /* frames */
#define QUIET_AFTER  2
#define OPUS_BITRATE 24000

/* A voice: a row of vowels (a buzz with two formants) with a melody, syllables and breaths between them. */
static void
make_voice (gint16 *pcm, gsize samples, guint rate_hz)
{
  static const struct
  {
    double first_hz, second_hz;
  } vowels[] = { { 730, 1090 }, { 270, 2290 }, { 530, 1840 }, { 570, 840 }, { 300, 870 } };
  double phase = 0;
  guint32 noise = 1;

  for (gsize i = 0; i < samples; i++)
    {
      const double t = (double)i / rate_hz;
      const guint syllable = (guint)(t * 4);
      const double within = t * 4 - syllable;
      const double pitch_hz = 115 + 25 * sin (2 * G_PI * 0.7 * t) + 10 * (syllable % 3);
      const double envelope = syllable % 7 == 6 ? 0 : sin (G_PI * within);
      double voice = 0;

      phase += pitch_hz / rate_hz;
      for (guint h = 1; h * pitch_hz < 3600 && envelope > 0; h++)
        {
          const double near_first = (h * pitch_hz - vowels[syllable % 5].first_hz) / 90;
          const double near_second = (h * pitch_hz - vowels[syllable % 5].second_hz) / 120;

          voice += sin (2 * G_PI * h * phase)
                   * (0.05 + 1 / (1 + near_first * near_first) + 0.5 / (1 + near_second * near_second));
        }
      noise = noise * 1664525 + 1013904223;
      voice = envelope * voice / 3 + ((double)(noise >> 16) / 65536 - 0.5) * (within < 0.15 ? 0.15 : 0.004);
      pcm[i] = (gint16)(CLAMP (voice, -1, 1) * PEAK);
    }
}

/* Marks, each between two silences. */
static void
put_marks (gint16 *pcm, guint rate_hz)
{
  const gsize frame = rate_hz / 1000 * LOAD_FRAME_MS;
  const gsize length = rate_hz / 1000 * MARK_MS;

  for (guint at = 0; at < LOAD_LOOP_FRAMES; at += LOAD_MARK_FRAMES)
    {
      const guint quiet = (at + LOAD_LOOP_FRAMES - QUIET_BEFORE) % LOAD_LOOP_FRAMES;

      memset (pcm + quiet * frame, 0, QUIET_BEFORE * frame * sizeof *pcm);
      memset (pcm + at * frame, 0, (1 + QUIET_AFTER) * frame * sizeof *pcm);
      for (gsize i = 0; i < length; i++)
        pcm[at * frame + i] = (gint16)(MARK_LEVEL * cos (2 * G_PI * LOAD_MARK_HZ * (double)i / rate_hz));
    }
}

/* The loop is encoded twice, and the second time kept, so that its start follows on its end. */
static gboolean
encode (LoadFrames *frames, const gint16 *pcm, guint rate_hz, GError **error)
{
  const MediaCodec *codec = media_codec_get (frames->codec);
  const MediaEncoderConfig config
      = { .sample_rate_hz = rate_hz, .opus_complexity = 9, .opus_bitrate = OPUS_BITRATE };
  g_autoptr (MediaEncoder) encoder = media_encoder_new (codec, &config, error);
  const gsize frame = rate_hz / 1000 * LOAD_FRAME_MS;

  if (encoder == NULL)
    return FALSE;
  for (guint i = 0; i < 2 * LOAD_LOOP_FRAMES; i++)
    {
      LoadPayload *payload = &frames->speech[i % LOAD_LOOP_FRAMES];
      const gssize size = media_encoder_encode (encoder, pcm + i % LOAD_LOOP_FRAMES * frame, frame,
                                                payload->data, sizeof payload->data);

      if (size <= 0)
        {
          g_set_error (error, CFG_ERROR, CFG_ERROR_INTERNAL, "cannot encode %s",
                       media_codec_get_name (codec));
          return FALSE;
        }
      payload->size = (guint16)size;
    }
  return TRUE;
}

/* What the codec itself delays a mark by, found as a receiver finds it. */
static gboolean
calibrate (LoadFrames *frames, GError **error)
{
  const MediaCodec *codec = media_codec_get (frames->codec);
  g_autoptr (MediaDecoder) decoder = media_decoder_new (codec, LOAD_MARK_RATE_HZ, error);
  LoadMarks marks = { 0 };
  gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];

  if (decoder == NULL)
    return FALSE;
  for (guint i = LOAD_MARK_FRAMES - 50; i < LOAD_MARK_FRAMES + 10; i++)
    {
      const gint64 at_us = ((gint64)i - LOAD_MARK_FRAMES) * LOAD_FRAME_MS * 1000;
      const gssize samples = media_decoder_decode (decoder, frames->speech[i].data, frames->speech[i].size,
                                                   pcm, G_N_ELEMENTS (pcm));

      if (samples > 0)
        (void)load_marks_push (&marks, pcm, (gsize)samples, at_us);
      if (marks.heard)
        {
          frames->codec_delay_us = marks.last_us;
          return TRUE;
        }
    }
  g_set_error (error, CFG_ERROR, CFG_ERROR_INTERNAL, "the marks do not come through %s",
               media_codec_get_name (codec));
  return FALSE;
}

LoadFrames *
load_frames_new (MediaCodecId id, const gint16 *voice, GError **error)
{
  const MediaCodec *codec = media_codec_get (id);
  const guint rate_hz = media_codec_get_sample_rate (codec);
  const gsize samples = rate_hz / 1000 * LOAD_FRAME_MS * LOAD_LOOP_FRAMES;
  g_autofree gint16 *pcm = g_new0 (gint16, samples);
  g_autoptr (LoadFrames) frames = g_new0 (LoadFrames, 1);
  gssize size;

  frames->codec = id;
  frames->units = media_codec_get_clock_rate (codec) / 1000 * LOAD_FRAME_MS;
  if (voice != NULL)
    memcpy (pcm, voice, samples * sizeof *pcm);
  else
    make_voice (pcm, samples, rate_hz);
  put_marks (pcm, rate_hz);
  size = media_codec_silence (codec, frames->units, frames->silence.data, sizeof frames->silence.data);
  frames->silence.size = (guint16)MAX (size, 0);
  if (!encode (frames, pcm, rate_hz, error) || !calibrate (frames, error))
    return NULL;
  return g_steal_pointer (&frames);
}

void
load_frames_free (LoadFrames *frames)
{
  g_free (frames);
}

/* Levels of a file differ: its peak becomes the voice's. */
static void
level (gint16 *pcm, gsize samples)
{
  int peak = 1;

  for (gsize i = 0; i < samples; i++)
    peak = MAX (peak, ABS ((int)pcm[i]));
  for (gsize i = 0; i < samples; i++)
    pcm[i] = (gint16)(pcm[i] * PEAK / peak);
}

gint16 *
load_frames_read (const char *file, guint rate_hz, GError **error)
{
  const gsize wanted = rate_hz / 1000 * LOAD_FRAME_MS * LOAD_LOOP_FRAMES;
  SF_INFO info = { 0 };
  SNDFILE *sound = sf_open (file, SFM_READ, &info);
  g_autofree gint16 *pcm = g_new0 (gint16, wanted);
  g_autofree gint16 *in = NULL;
  sf_count_t n;

  if (sound == NULL || info.channels != 1 || info.frames < 1 || info.frames > 100 * 48000)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "--speech: must be a short mono audio file");
      if (sound != NULL)
        sf_close (sound);
      return NULL;
    }
  in = g_new0 (gint16, (gsize)info.frames);
  n = sf_readf_short (sound, in, info.frames);
  sf_close (sound);
  /* Nearest sample: it is a load, and its spectrum is that of speech all the same. */
  for (gsize i = 0; i < wanted && n > 0; i++)
    pcm[i] = in[(sf_count_t)(i * (gsize)info.samplerate / rate_hz) % n];
  level (pcm, wanted);
  return g_steal_pointer (&pcm);
}
