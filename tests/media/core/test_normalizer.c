#include "media/core/normalizer.h"

#include <math.h>
#include <string.h>

#define SAMPLES 160

typedef struct
{
  MediaNormalizer normalizer;
  gint64 now_us;
  double phase;
  gint16 pcm[SAMPLES];
  gint16 last;       /* of the frame before */
  gint biggest_step; /* between neighbouring samples */
  gint highest;      /* sample, either way */
  guint n_high;      /* that were above -0.8 dBFS */
  double level_db;   /* of the newest frame that was spoken */
} Scene;

static void
scene_init (Scene *scene)
{
  *scene = (Scene){ .now_us = 1000 * CFG_US_PER_S };
  media_normalizer_init (&scene->normalizer);
}

/* Words of 300 ms and pauses of 200 ms, over a noise. */
static void
speak (Scene *scene, double level_db, double noise_db, guint ms)
{
  for (guint t = 0; t < ms; t += 20, scene->now_us += 20000)
    {
      const gboolean voiced = scene->now_us / 1000 % 500 < 300;
      const double rms_db = voiced ? level_db : noise_db;
      const double amplitude = 32768 * pow (10, rms_db / 20) * M_SQRT2;

      for (guint i = 0; i < SAMPLES; i++)
        {
          scene->pcm[i] = (gint16)CLAMP (lrint (amplitude * sin (scene->phase)), G_MININT16, G_MAXINT16);
          scene->phase = fmod (scene->phase + 2 * G_PI * 200 / 8000, 2 * G_PI);
        }
      media_normalizer_process (&scene->normalizer, scene->pcm, SAMPLES, (CfgMonotonic){ scene->now_us });
      for (guint i = 0; i < SAMPLES; i++)
        {
          scene->biggest_step = MAX (scene->biggest_step, ABS (scene->pcm[i] - scene->last));
          scene->highest = MAX (scene->highest, ABS (scene->pcm[i]));
          scene->n_high += ABS (scene->pcm[i]) > 30000;
          scene->last = scene->pcm[i];
        }
      if (voiced)
        scene->level_db = -media_level_of_pcm (scene->pcm, SAMPLES);
    }
}

typedef struct
{
  const char *name;
  double said_db, heard_db;
} LevelCase;

static const LevelCase levels[] = {
  { "usual", -22, -22 }, { "soft", -34, -22 },     { "very_soft", -45, -30 },
  { "loud", -12, -22 },  { "very_loud", -7, -19 },
};

static void
check_level (gconstpointer data)
{
  const LevelCase *test = data;
  Scene scene;

  scene_init (&scene);
  speak (&scene, test->said_db, -75, 12000);
  g_assert_cmpfloat (fabs (scene.level_db - test->heard_db), <, 2.1);
  /* And it stays there. */
  for (guint i = 0; i < 20; i++)
    {
      speak (&scene, test->said_db, -75, 500);
      g_assert_cmpfloat (fabs (scene.level_db - test->heard_db), <, 2.1);
    }
}

/* Who says nothing is not made louder. */
static void
test_noise_is_left_alone (void)
{
  Scene scene;

  scene_init (&scene);
  speak (&scene, -58, -58, 20000);
  g_assert_cmpfloat (fabs (scene.normalizer.gain_db), <, 1);
}

static double
amplitude_of (double level_db)
{
  return 32768 * pow (10, level_db / 20) * M_SQRT2;
}

/* Somebody at the telephone's loudest after a whisper: no sample jumps further than the loud tone's own do
 * with the gain that there was, and what the gain's fall within an eighth of a frame adds. */
static void
test_changes_without_a_step (void)
{
  const double own_step = 2 * G_PI * 200 / 8000 * amplitude_of (-12);
  Scene scene;
  double gain;

  scene_init (&scene);
  speak (&scene, -40, -75, 10000);
  g_assert_cmpfloat (scene.normalizer.gain_db, >, 12);
  scene.biggest_step = 0;
  speak (&scene, -40, -40, 5000);
  g_assert_cmpfloat (scene.biggest_step, <, 0.4 * amplitude_of (-12));
  gain = scene.normalizer.applied;
  scene.biggest_step = scene.highest = 0;
  speak (&scene, -12, -12, 5000);
  g_assert_cmpfloat (scene.biggest_step, <=, own_step * gain + 2767);
  g_assert_cmpint (scene.highest, <, G_MAXINT16);
  g_assert_cmpfloat (fabs (scene.level_db - MEDIA_NORMALIZER_TARGET_DB), <, 2.1);
}

/* One frame of a shout after soft speech: 90 of its 160 samples were cut off. */
static void
test_shout_after_soft_speech (void)
{
  Scene scene;

  scene_init (&scene);
  speak (&scene, -40, -75, 10000);
  speak (&scene, -40, -40, 1000);
  g_assert_cmpfloat (scene.normalizer.applied, >, 5);
  scene.n_high = 0;
  speak (&scene, -9, -9, 20);
  g_assert_cmpint (scene.highest, <, G_MAXINT16);
  g_assert_cmpuint (scene.n_high, <=, SAMPLES / 8);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      g_autofree char *path = g_strdup_printf ("/media/normalizer/%s", levels[i].name);

      g_test_add_data_func (path, &levels[i], check_level);
    }
  g_test_add_func ("/media/normalizer/noise_is_left_alone", test_noise_is_left_alone);
  g_test_add_func ("/media/normalizer/changes_without_a_step", test_changes_without_a_step);
  g_test_add_func ("/media/normalizer/shout_after_soft_speech", test_shout_after_soft_speech);
  return g_test_run ();
}
