#include "media/core/levels.h"
#include "media/core/mos.h"

#include <math.h>

#define AT(ms) ((CfgMonotonic){ (gint64)(ms)*1000 + 500000000 })

static void
test_level_of_pcm (void)
{
  const struct
  {
    double amplitude;
    guint8 level;
  } rows[] = { { 32767, 3 }, { 10362, 13 }, { 1036.2, 33 }, { 103.6, 53 }, { 0, 127 } };

  for (gsize r = 0; r < G_N_ELEMENTS (rows); r++)
    {
      gint16 pcm[960];

      for (gsize i = 0; i < 960; i++)
        pcm[i] = (gint16)lround (rows[r].amplitude * sin (2 * G_PI * 50 * (double)i / 48000));
      g_assert_cmpuint (media_level_of_pcm (pcm, 960), ==, rows[r].level);
    }
  g_assert_cmpuint (media_level_of_pcm (NULL, 0), ==, MEDIA_LEVEL_SILENCE);
}

static void
test_reads_extension (void)
{
  MediaRtpHeader header = { .level_id = 5, .level = 42, .voice = TRUE };
  guint8 data[MEDIA_RTP_HEADER_MAX];
  gssize size = media_rtp_write_header (&header, data, sizeof data);
  MediaRtpView view;
  guint8 level = 0;
  gboolean voice = FALSE;

  g_assert_cmpint (media_rtp_parse (&view, data, (gsize)size), ==, 0);
  g_assert_true (media_level_read (&view, 5, &level, &voice));
  g_assert_cmpuint (level, ==, 42);
  g_assert_true (voice);
  g_assert_false (media_level_read (&view, 6, &level, &voice));
}

static void
test_speech_with_hangover (void)
{
  MediaSpeech speech;

  media_speech_init (&speech);
  g_assert_false (media_speech_is_active (&speech, AT (0)));
  for (int ms = 0; ms < 1000; ms += 20)
    g_assert_false (media_speech_update (&speech, 70, AT (ms)));
  for (int ms = 1000; ms < 2000; ms += 20)
    g_assert_true (media_speech_update (&speech, 30, AT (ms)));
  g_assert_cmpint (speech.active_since.us, ==, AT (1000).us);
  /* Between words it stays on, after half a second not. */
  for (int ms = 2000; ms <= 2480; ms += 20)
    g_assert_true (media_speech_update (&speech, 70, AT (ms)));
  g_assert_false (media_speech_update (&speech, 70, AT (2500)));
  /* A sender that stops sending at all is not active for ever. */
  g_assert_true (media_speech_update (&speech, 30, AT (3000)));
  g_assert_true (media_speech_is_active (&speech, AT (3400)));
  g_assert_false (media_speech_is_active (&speech, AT (3600)));
  g_assert_cmpuint (media_speech_level (&speech, AT (3010)), ==, 30);
  g_assert_cmpuint (media_speech_level (&speech, AT (3600)), ==, MEDIA_LEVEL_SILENCE);
}

/* A noisy line is no speech once the floor has learnt it; a voice above it still is. */
static void
test_noise_floor (void)
{
  MediaSpeech speech;
  int ms;

  media_speech_init (&speech);
  for (ms = 0; ms < 12000; ms += 20)
    media_speech_update (&speech, 45, AT (ms));
  g_assert_false (media_speech_update (&speech, 45, AT (ms)));
  g_assert_true (media_speech_update (&speech, 30, AT (ms + 20)));
}

/* A tone without pauses, music on hold: never taken for noise. */
static void
test_steady_tone_stays (void)
{
  MediaSpeech speech;

  media_speech_init (&speech);
  for (int ms = 0; ms < 120000; ms += 20)
    g_assert_true (media_speech_update (&speech, 35, AT (ms)));
}

static MediaSpeech
talker (guint8 level, gint64 ms)
{
  MediaSpeech speech;

  media_speech_init (&speech);
  media_speech_update (&speech, level, AT (ms));
  return speech;
}

static void
test_chooses_loudest (void)
{
  MediaSpeech speech[5] = { talker (20, 0), talker (22, 0), talker (40, 0), talker (90, 0), talker (10, 0) };
  MediaSpeakerCandidate candidates[5];
  guint order[3] = { 0 };

  for (guint i = 0; i < 5; i++)
    candidates[i] = (MediaSpeakerCandidate){ &speech[i], FALSE };
  g_assert_cmpuint (media_speakers_choose (candidates, 5, 2, AT (20)), ==, 2);
  g_assert_true (candidates[0].chosen);
  g_assert_true (candidates[4].chosen);
  g_assert_cmpuint (media_speakers_rank (candidates, 5, AT (20), order, 3), ==, 3);
  g_assert_cmpuint (order[0], ==, 4);
  g_assert_cmpuint (order[1], ==, 0);
  g_assert_cmpuint (order[2], ==, 1);

  /* A little louder does not take the place of one who is heard, much louder does. */
  speech[1] = talker (17, 20);
  g_assert_cmpuint (media_speakers_choose (candidates, 5, 2, AT (20)), ==, 2);
  g_assert_true (candidates[0].chosen);
  speech[1] = talker (12, 20);
  g_assert_cmpuint (media_speakers_choose (candidates, 5, 2, AT (20)), ==, 2);
  g_assert_false (candidates[0].chosen);
  g_assert_true (candidates[1].chosen);

  g_assert_cmpuint (media_speakers_choose (candidates, 5, 10, AT (20)), ==, 4);
  g_assert_cmpuint (media_speakers_choose (candidates, 5, 10, AT (5000)), ==, 0);
  g_assert_cmpuint (media_speakers_rank (candidates, 5, AT (5000), order, 3), ==, 0);
  g_assert_cmpuint (media_speakers_choose (candidates, 0, 2, AT (20)), ==, 0);
}

static void
test_mos (void)
{
  MediaMosInput input = { .codec = MEDIA_MOS_G711, .round_trip_ms = 20, .buffer_ms = 20 };
  double clean = media_mos (&input);
  double last = clean;

  g_assert_cmpfloat (clean, >, 4.3);
  g_assert_cmpfloat (clean, <=, 4.5);
  for (guint percent = 1; percent <= 100; percent++)
    {
      double mos;

      input.loss = percent / 100.0;
      mos = media_mos (&input);
      g_assert_cmpfloat (mos, <=, last);
      g_assert_cmpfloat (mos, >=, 1);
      last = mos;
    }
  g_assert_cmpfloat (last, <, 1.5);
  input.loss = 0;
  input.round_trip_ms = 800;
  g_assert_cmpfloat (media_mos (&input), <, 3.5);
  input = (MediaMosInput){
    .codec = MEDIA_MOS_OPUS, .loss = 7, .late = -3, .round_trip_ms = -1, .jitter_ms = -5
  };
  g_assert_cmpfloat (media_mos (&input), >=, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/levels/level_of_pcm", test_level_of_pcm);
  g_test_add_func ("/media/levels/reads_extension", test_reads_extension);
  g_test_add_func ("/media/levels/speech_with_hangover", test_speech_with_hangover);
  g_test_add_func ("/media/levels/noise_floor", test_noise_floor);
  g_test_add_func ("/media/levels/steady_tone_stays", test_steady_tone_stays);
  g_test_add_func ("/media/levels/chooses_loudest", test_chooses_loudest);
  g_test_add_func ("/media/mos/falls_with_loss_and_delay", test_mos);
  return g_test_run ();
}
