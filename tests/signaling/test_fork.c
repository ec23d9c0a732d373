/* Which of several final answers counts, and when another target is tried: a table. */
#include "signaling/core/fork.h"

#include <stdlib.h>

typedef struct
{
  const char *answers; /* in the order in which they come: "486 r408": r from a peer, else our own */
  int told;
} BestCase;

static const BestCase best_cases[] = {
  { "r486", 486 },      { "408", 408 },       { "r486 r603", 603 },     { "r603 r486", 603 },
  { "r500 r486", 486 }, { "r486 r500", 486 }, { "r302 r486", 302 },     { "r486 r302", 302 },
  { "r404 r486", 404 }, /* the first of equals */
  { "r486 r401", 401 }, { "r486 r407", 407 }, { "r486 r415", 415 },     { "r486 r420", 420 },
  { "r486 r484", 484 }, { "r401 r486", 401 }, { "r401 r407", 401 },     { "r401 r302", 302 },
  { "408 r486", 486 },  { "408 r503", 503 }, /* what a peer said before what we noticed */
  { "r503 408", 503 },  { "503 408", 408 },   { "503 r600 r486", 600 }, { "r500 r503", 500 },
  { "699 r404", 404 }, /* no peer said so */
};

static SigForkAnswer
parse (const char *word)
{
  return (SigForkAnswer){ .status = (int)g_ascii_strtoll (word + (*word == 'r'), NULL, 10),
                          .is_remote = *word == 'r' };
}

static void
test_best (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (best_cases); i++)
    {
      g_auto (GStrv) words = g_strsplit (best_cases[i].answers, " ", 0);
      SigForkAnswer best = { 0 };

      for (gsize n = 0; words[n] != NULL; n++)
        if (sig_fork_better (parse (words[n]), best))
          best = parse (words[n]);
      g_test_message ("%s", best_cases[i].answers);
      g_assert_cmpint (best.status, ==, best_cases[i].told);
    }
}

static void
test_goes_on (void)
{
  static const char *const yes[] = { "r503", "408", "503", "500" };
  static const char *const no[]
      = { "r486", "r404", "r408", "r480", "r500", "r502", "r504", "r600", "r603", "r302", "r401", "r488" };

  for (gsize i = 0; i < G_N_ELEMENTS (yes); i++)
    g_assert_true (sig_fork_goes_on (parse (yes[i])));
  for (gsize i = 0; i < G_N_ELEMENTS (no); i++)
    g_assert_false (sig_fork_goes_on (parse (no[i])));
}

static void
test_stops_all (void)
{
  g_assert_true (sig_fork_stops_all (parse ("r600")));
  g_assert_true (sig_fork_stops_all (parse ("r603")));
  g_assert_true (sig_fork_stops_all (parse ("r699")));
  g_assert_false (sig_fork_stops_all (parse ("600")));
  g_assert_false (sig_fork_stops_all (parse ("r599")));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/fork/best", test_best);
  g_test_add_func ("/signaling/fork/goes_on", test_goes_on);
  g_test_add_func ("/signaling/fork/stops_all", test_stops_all);
  return g_test_run ();
}
