/* compare_speech [--rate HZ] PLAYED HEARD: two sound files, of which the second is what became of the first
 * on its way. Prints the distance, the delay and the clicks (compare.h). compare_speech --make FILE HZ writes
 * the sample that the tests play. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

static int
make (const char *path, guint rate_hz)
{
  gboolean spoken;
  g_autoptr (TestSpeech) speech = test_speech_new (rate_hz, &spoken);

  if (!test_speech_write (speech, path))
    {
      fprintf (stderr, "compare_speech: cannot write %s\n", path);
      return 1;
    }
  printf ("%s: %.1f s, %s\n", path, (double)speech->n / rate_hz, spoken ? "spoken by espeak-ng" : "tones");
  return 0;
}

int
main (int argc, char **argv)
{
  g_autoptr (TestSpeech) played = NULL;
  g_autoptr (TestSpeech) heard = NULL;
  g_autofree char *error = NULL;
  guint rate_hz = 16000;
  TestComparison result;
  int at = 1;

  if (argc == 4 && strcmp (argv[1], "--make") == 0)
    return make (argv[2], (guint)strtoul (argv[3], NULL, 10));
  if (argc > 2 && strcmp (argv[1], "--rate") == 0)
    {
      rate_hz = (guint)strtoul (argv[2], NULL, 10);
      at = 3;
    }
  if (argc - at != 2 || (rate_hz != 8000 && rate_hz != 16000))
    {
      fprintf (stderr, "usage: compare_speech [--rate 8000|16000] PLAYED HEARD\n"
                       "       compare_speech --make FILE HZ\n");
      return 2;
    }
  played = test_speech_read (argv[at], rate_hz, &error);
  heard = played == NULL ? NULL : test_speech_read (argv[at + 1], rate_hz, &error);
  if (heard == NULL)
    {
      fprintf (stderr, "compare_speech: %s\n", error);
      return 1;
    }
  test_compare (played, heard, &result);
  printf ("distance_db=%.2f worst_db=%.2f windows=%u delay_ms=%.0f clicks=%u", result.distance_db,
          result.worst_db, result.n_windows, result.delay_ms, result.clicks);
  if (result.clicks > 0)
    printf (" first_click_ms=%.0f", result.click_at_ms);
  printf ("\n");
  return 0;
}
