#include "speech.h"

#include <glib/gstdio.h>
#include <math.h>
#include <sndfile.h>
#include <string.h>
#include <unistd.h>

#define TAPS        32 /* each side of the sinc */
#define TABLE_STEPS 480
#define LEVEL       0.12

void
test_speech_free (TestSpeech *speech)
{
  g_free (speech->pcm);
  g_free (speech);
}

/* The filter at every TABLE_STEPS-th part of a sample. */
static double *
make_kernel (double cutoff)
{
  double *table = g_new0 (double, 2 * TAPS * TABLE_STEPS + 1);

  for (gssize i = -TAPS * TABLE_STEPS; i < TAPS * TABLE_STEPS; i++)
    {
      const double x = (double)i / TABLE_STEPS;
      const double window = 0.5 + 0.5 * cos (G_PI * x / TAPS);

      table[i + TAPS * TABLE_STEPS] = i == 0 ? cutoff : sin (G_PI * x * cutoff) / (G_PI * x) * window;
    }
  return table;
}

TestSpeech *
test_speech_convert (const gint16 *pcm, gsize n, guint from_hz, guint to_hz)
{
  TestSpeech *speech = g_new0 (TestSpeech, 1);
  g_autofree double *table = make_kernel (MIN (1.0, 0.95 * to_hz / from_hz));

  speech->rate_hz = to_hz;
  speech->n = (gsize)((guint64)n * to_hz / from_hz);
  speech->pcm = g_new0 (gint16, speech->n + 1);
  for (gsize i = 0; i < speech->n; i++)
    {
      const double at = (double)i * from_hz / to_hz;
      const gssize middle = (gssize)at;
      const gssize first = MAX (0, middle - TAPS + 1);
      const gssize last = MIN ((gssize)n - 1, middle + TAPS - 1);
      double sum = 0;

      for (gssize k = first; k <= last; k++)
        sum += pcm[k] * table[(gssize)lrint (((double)k - at + TAPS) * TABLE_STEPS)];
      speech->pcm[i] = (gint16)CLAMP (lrint (sum), G_MININT16, G_MAXINT16);
    }
  return speech;
}

/* All samples are as loud as one another: the RMS of what is not silence. */
static void
normalise (TestSpeech *speech)
{
  double energy = 0;
  gsize n = 0;
  double gain;

  for (gsize i = 0; i < speech->n; i++)
    if (ABS (speech->pcm[i]) > 100)
      {
        energy += (double)speech->pcm[i] * speech->pcm[i];
        n++;
      }
  gain = n == 0 ? 0 : LEVEL * 32768 / sqrt (energy / (double)n);
  for (gsize i = 0; i < speech->n; i++)
    speech->pcm[i] = (gint16)CLAMP (lrint (speech->pcm[i] * gain), G_MININT16, G_MAXINT16);
}

TestSpeech *
test_speech_read (const char *path, guint rate_hz, char **error)
{
  SF_INFO info = { 0 };
  SNDFILE *file = sf_open (path, SFM_READ, &info);
  g_autofree gint16 *all = NULL;
  g_autofree gint16 *first = NULL;
  sf_count_t n;

  if (file == NULL)
    {
      *error = g_strdup_printf ("%s: %s", path, sf_strerror (NULL));
      return NULL;
    }
  all = g_new0 (gint16, (gsize)info.frames * (gsize)info.channels + 1);
  first = g_new0 (gint16, (gsize)info.frames + 1);
  n = sf_readf_short (file, all, info.frames);
  sf_close (file);
  for (sf_count_t i = 0; i < n; i++)
    first[i] = all[i * info.channels];
  return test_speech_convert (first, (gsize)n, (guint)info.samplerate, rate_hz);
}

gboolean
test_speech_write (const TestSpeech *speech, const char *path)
{
  SF_INFO info
      = { .samplerate = (int)speech->rate_hz, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16 };
  SNDFILE *file = sf_open (path, SFM_WRITE, &info);
  gboolean fine;

  if (file == NULL)
    return FALSE;
  fine = sf_writef_short (file, speech->pcm, (sf_count_t)speech->n) == (sf_count_t)speech->n;
  return sf_close (file) == 0 && fine;
}

static const char sentences[] = "Good morning. The small boat left the harbour just before sunrise. Four "
                                "hours of steady work faced us. "
                                "A large size in stockings is hard to sell. Please call me back this "
                                "afternoon, my number is five, nine, "
                                "two, six.";

static TestSpeech *
speak (guint rate_hz)
{
  g_autofree char *path = NULL;
  g_autofree char *program = g_find_program_in_path ("espeak-ng");
  const char *arguments[] = { program, "-v", "en", "-s", "150", "-w", NULL, sentences, NULL };
  TestSpeech *speech = NULL;
  char *error = NULL;
  int fd;

  if (program == NULL)
    return NULL;
  fd = g_file_open_tmp ("speech-XXXXXX.wav", &path, NULL);
  if (fd < 0)
    return NULL;
  close (fd);
  arguments[6] = path;
  if (g_spawn_sync (NULL, (char **)arguments, NULL, G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                    NULL, NULL, NULL, NULL, NULL, NULL))
    speech = test_speech_read (path, rate_hz, &error);
  g_free (error);
  g_unlink (path);
  return speech;
}

/* Syllables of two to six in a word, words in sentences; each a voice with two formants, some begin with a
 * hiss. */
static TestSpeech *
hum (guint rate_hz)
{
  TestSpeech *speech = g_new0 (TestSpeech, 1);
  guint32 seed = 12345;
  double phase = 0;

  speech->rate_hz = rate_hz;
  speech->n = 12 * rate_hz;
  speech->pcm = g_new0 (gint16, speech->n);
  for (gsize i = 0; i < speech->n; i++)
    {
      const double t = (double)i / rate_hz;
      const double syllable = fmod (t, 0.22) / 0.22;
      const guint number = (guint)(t / 0.22);
      const gboolean pause = number % 6 == 5 || number % 17 >= 14;
      const double formants[2] = { 350 + 90.0 * (number * 7 % 6), 1100 + 220.0 * (number * 5 % 7) };
      double value = 0;

      seed = seed * 1664525u + 1013904223u;
      phase += (115 + 25 * sin (1.7 * t) + 8 * sin (11 * t)) / rate_hz;
      for (int h = 1; h <= 24; h++)
        for (guint f = 0; f < 2; f++)
          value += sin (2 * G_PI * h * phase) / (f + 1)
                   / (1 + pow ((h * 120 - formants[f]) / (90 + 60.0 * f), 2));
      value *= pow (sin (G_PI * MIN (syllable * 1.15, 1)), 0.7);
      if (number % 3 == 1 && syllable < 0.25)
        value += 0.4 * ((double)(seed >> 16) / 32768 - 1) * sin (G_PI * syllable / 0.25);
      speech->pcm[i] = (gint16)CLAMP (pause ? 0 : 6000 * value, G_MININT16, G_MAXINT16);
    }
  return speech;
}

TestSpeech *
test_speech_new (guint rate_hz, gboolean *spoken)
{
  TestSpeech *speech = speak (rate_hz);

  if (spoken != NULL)
    *spoken = speech != NULL;
  if (speech == NULL)
    speech = hum (rate_hz);
  normalise (speech);
  return speech;
}
