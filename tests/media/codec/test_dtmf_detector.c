#include "media/codec/dtmf_detector.h"

#include <math.h>
#include <string.h>

#include "media/codec/codec.h"

#define RATE  MEDIA_DTMF_DETECTOR_RATE_HZ
#define FRAME (RATE / 50)

/* How a phone plays its keys; zero is the usual. */
typedef struct
{
  int on_ms, off_ms; /* 100, 100 */
  double level_dbm0; /* of the louder tone; 0 means -10 */
  double twist_db;   /* how much louder the high tone is */
  double deviation;  /* of both frequencies, as a factor - 1 */
  double noise_db;   /* below the louder tone; 0: none */
  double dc;         /* offset, samples */
  const char *codec; /* (nullable): through it */
  int lost;          /* > 0: every so many frames one does not come */
} Sound;

typedef struct
{
  GArray *pcm; /* of gint16 */
  GRand *random;
} Audio;

static void
audio_clear (Audio *audio)
{
  g_array_unref (audio->pcm);
  g_rand_free (audio->random);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Audio, audio_clear)

static double
amplitude (double dbm0)
{
  return 32767 * pow (10, (dbm0 - 3.17) / 20);
}

static void
add_tones (Audio *audio, const Sound *sound, double low_hz, double high_hz, int ms)
{
  const double level = sound->level_dbm0 != 0 ? sound->level_dbm0 : -10;
  const double low = amplitude (sound->twist_db > 0 ? level - sound->twist_db : level);
  const double high = amplitude (sound->twist_db < 0 ? level + sound->twist_db : level);
  const double noise = sound->noise_db > 0 ? amplitude (level - sound->noise_db) * sqrt (1.5) : 0;

  for (int i = 0; i < ms * RATE / 1000; i++)
    {
      const double t = (double)i / RATE * (1 + sound->deviation);
      double value = sound->dc + g_rand_double_range (audio->random, -noise, noise + 1e-9);

      if (low_hz > 0)
        value += low * sin (2 * G_PI * low_hz * t);
      if (high_hz > 0)
        value += high * sin (2 * G_PI * high_hz * t);
      gint16 sample = (gint16)CLAMP (value, -32768, 32767);
      g_array_append_val (audio->pcm, sample);
    }
}

static void
add_digits (Audio *audio, const Sound *sound, const char *digits)
{
  static const char keys[] = "123A456B789C*0#D";
  static const double low[] = { 697, 770, 852, 941 }, high[] = { 1209, 1336, 1477, 1633 };

  for (; *digits != '\0'; digits++)
    {
      const long key = strchr (keys, *digits) - keys;

      add_tones (audio, sound, low[key / 4], high[key % 4], sound->on_ms > 0 ? sound->on_ms : 100);
      add_tones (audio, sound, 0, 0, sound->off_ms > 0 ? sound->off_ms : 100);
    }
  add_tones (audio, sound, 0, 0, 100);
}

static void
through_codec (Audio *audio, const char *name)
{
  const MediaCodec *codec = media_codec_find (name, 0);
  MediaEncoderConfig config = { .sample_rate_hz = RATE, .opus_complexity = 5 };
  g_autoptr (MediaEncoder) encoder = media_encoder_new (codec, &config, NULL);
  g_autoptr (MediaDecoder) decoder = media_decoder_new (codec, RATE, NULL);
  guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];

  for (guint i = 0; i + FRAME <= audio->pcm->len; i += FRAME)
    {
      gint16 *frame = &g_array_index (audio->pcm, gint16, i);
      gssize size = media_encoder_encode (encoder, frame, FRAME, payload, sizeof payload);

      g_assert_cmpint (size, >, 0);
      g_assert_cmpint (media_decoder_decode (decoder, payload, (gsize)size, frame, FRAME), ==, FRAME);
    }
}

/* (transfer full): what was detected. @shortest, @longest: (out) (nullable): milliseconds */
static char *
detect (const Audio *audio, int lost, guint *shortest, guint *longest)
{
  g_autoptr (MediaDtmfDetector) detector = media_dtmf_detector_new ();
  GString *found = g_string_new (NULL);
  guint least = G_MAXUINT, most = 0;

  for (guint i = 0, n = 1; i + FRAME <= audio->pcm->len; i += FRAME, n++)
    {
      MediaDetectedDigit digits[MEDIA_DTMF_DETECTOR_MAX];

      if (lost > 0 && n % (guint)lost == 0)
        {
          media_dtmf_detector_skip (detector, FRAME);
          continue;
        }
      guint count
          = media_dtmf_detector_push (detector, &g_array_index (audio->pcm, gint16, i), FRAME, digits);
      for (guint j = 0; j < count; j++)
        {
          g_string_append_c (found, digits[j].digit);
          least = MIN (least, digits[j].duration_ms);
          most = MAX (most, digits[j].duration_ms);
        }
    }
  g_assert_false (media_dtmf_detector_is_down (detector));
  if (shortest != NULL)
    *shortest = least;
  if (longest != NULL)
    *longest = most;
  return g_string_free (found, FALSE);
}

static Audio
audio_new (guint32 seed)
{
  return (Audio){ g_array_new (FALSE, FALSE, sizeof (gint16)), g_rand_new_with_seed (seed) };
}

#define ALL "1234567890*#ABCD"

static void
test_detects (void)
{
  static const struct
  {
    const char *name;
    Sound sound;
    const char *digits;
  } rows[] = {
    { "every key", { 0 }, ALL },
    { "the same key again", { 0 }, "1111111122222222" },
    { "50 ms each", { .on_ms = 50, .off_ms = 50 }, ALL },
    { "45 ms of tone", { .on_ms = 45, .off_ms = 60 }, ALL },
    { "long", { .on_ms = 700, .off_ms = 300 }, "159#" },
    { "loud", { .level_dbm0 = -3 }, ALL },
    { "as loud as can be", { .level_dbm0 = -2.9 }, ALL },
    { "-25 dBm0", { .level_dbm0 = -25 }, ALL },
    { "-32 dBm0", { .level_dbm0 = -32 }, ALL },
    { "the high tone 3 dB louder", { .twist_db = 3 }, ALL },
    { "the low tone 4 dB louder", { .twist_db = -4 }, ALL },
    { "the low tone 7 dB louder", { .twist_db = -7 }, ALL },
    { "1 % high", { .deviation = 0.01 }, "1234567890*#" },
    { "1 % low", { .deviation = -0.01 }, "1234567890*#" },
    { "noise 18 dB below", { .noise_db = 18 }, ALL },
    { "quiet with noise", { .level_dbm0 = -25, .noise_db = 20 }, ALL },
    { "an offset", { .dc = 300 }, ALL },
    { "PCMU", { .codec = "PCMU" }, ALL },
    { "PCMA, quiet", { .codec = "PCMA", .level_dbm0 = -25 }, ALL },
    { "G722", { .codec = "G722" }, ALL },
    { "opus", { .codec = "opus" }, "159#" },
    { "one packet of 9 is lost", { .on_ms = 160, .off_ms = 120, .lost = 9 }, ALL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const Sound *sound = &rows[i].sound;
      g_auto (Audio) audio = audio_new (4733);
      g_autofree char *found = NULL;
      guint shortest, longest, on_ms = sound->on_ms > 0 ? (guint)sound->on_ms : 100;

      g_test_message ("%s", rows[i].name);
      add_tones (&audio, sound, 0, 0, 60);
      add_digits (&audio, sound, rows[i].digits);
      if (sound->codec != NULL)
        through_codec (&audio, sound->codec);
      found = detect (&audio, sound->lost, &shortest, &longest);
      g_assert_cmpstr (found, ==, rows[i].digits);
      g_assert_cmpuint (shortest + 35, >=, on_ms);
      g_assert_cmpuint (longest, <=, on_ms + 35);
    }
}

static void
test_rejects (void)
{
  static const struct
  {
    const char *name;
    Sound sound;
  } rows[] = {
    { "20 ms", { .on_ms = 20 } },
    { "the high tone 12 dB louder", { .twist_db = 12 } },
    { "the low tone 12 dB louder", { .twist_db = -12 } },
    { "4 % high", { .deviation = 0.04 } },
    { "4 % low", { .deviation = -0.04 } },
    { "-55 dBm0", { .level_dbm0 = -55 } },
    { "under noise", { .noise_db = 0.1 } },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (Audio) audio = audio_new (23);
      g_autofree char *found = NULL;

      g_test_message ("%s", rows[i].name);
      add_tones (&audio, &rows[i].sound, 0, 0, 60);
      add_digits (&audio, &rows[i].sound, ALL);
      found = detect (&audio, 0, NULL, NULL);
      g_assert_cmpstr (found, ==, "");
    }
}

/* Tones of the network, and one tone of a pair alone. */
static void
test_rejects_other_tones (void)
{
  static const double pairs[][2]
      = { { 697, 0 },  { 0, 1336 }, { 425, 0 },  { 350, 440 }, { 440, 480 },  { 480, 620 },
          { 1400, 0 }, { 2100, 0 }, { 1100, 0 }, { 697, 770 }, { 1209, 1336 } };

  for (gsize i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      const Sound sound = { .noise_db = 40 };
      g_auto (Audio) audio = audio_new (1);
      g_autofree char *found = NULL;

      g_test_message ("%g + %g Hz", pairs[i][0], pairs[i][1]);
      add_tones (&audio, &sound, pairs[i][0], pairs[i][1], 2000);
      add_tones (&audio, &(Sound){ 0 }, 0, 0, 100);
      found = detect (&audio, 0, NULL, NULL);
      g_assert_cmpstr (found, ==, "");
    }
}

/* Something like speech: a buzz whose pitch and formants wander, in syllables. */
static void
add_speech (Audio *audio, int seconds)
{
  double phase = 0, pitch = 120, formants[3] = { 500, 1500, 2500 }, loud = 0;

  for (int i = 0; i < seconds * RATE; i++)
    {
      double value = 0;

      if (i % (RATE / 10) == 0)
        {
          pitch = g_rand_double_range (audio->random, 85, 400);
          formants[0] = g_rand_double_range (audio->random, 250, 950);
          formants[1] = g_rand_double_range (audio->random, 900, 2400);
          formants[2] = g_rand_double_range (audio->random, 2000, 3300);
          loud = g_rand_boolean (audio->random) ? g_rand_double_range (audio->random, 500, 9000) : 0;
        }
      phase += 2 * G_PI * pitch / RATE;
      for (int h = 1; h * pitch < 3600 && h <= 20; h++)
        {
          double weight = 0.05;

          for (int f = 0; f < 3; f++)
            weight += 1 / (1 + pow ((h * pitch - formants[f]) / 80, 2)) / (f + 1);
          value += weight * sin (h * phase);
        }
      gint16 sample = (gint16)CLAMP (value * loud, -32768, 32767);
      g_array_append_val (audio->pcm, sample);
    }
}

static void
test_speech (void)
{
  g_auto (Audio) audio = audio_new (24);
  g_autofree char *found = NULL;

  add_speech (&audio, 120);
  add_tones (&audio, &(Sound){ 0 }, 0, 0, 100);
  found = detect (&audio, 0, NULL, NULL);
  g_assert_cmpstr (found, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/dtmf_detector/detects", test_detects);
  g_test_add_func ("/media/dtmf_detector/rejects", test_rejects);
  g_test_add_func ("/media/dtmf_detector/rejects_other_tones", test_rejects_other_tones);
  g_test_add_func ("/media/dtmf_detector/speech", test_speech);
  return g_test_run ();
}
