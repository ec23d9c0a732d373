/* What the kernel says of cores and quotas, and what is made of it. */
#include <glib.h>

#include "gateway/core/cores.h"

static const char *const stat_text = "cpu  400 40 300 4000 80 3 20 9 0 0\n"
                                     "cpu0 100 10 100 1000 20 1 5 2 0 0\n"
                                     "cpu1 200 20 100 2000 40 1 10 5 0 0\n"
                                     "cpu10 100 10 100 1000 20 1 5 2 0 0\n"
                                     "intr 123 0 0\ncpu1 9 9 9 9 9 9 9\n";

static void
test_times (void)
{
  const gboolean first[] = { TRUE }, others[11] = { [1] = TRUE, [2] = TRUE, [10] = TRUE }, none[11] = { 0 };
  GwCoreTimes times;

  g_assert_true (gw_core_times_parse (stat_text, first, 1, &times));
  g_assert_cmpuint (times.n_cores, ==, 1);
  g_assert_cmpuint (times.nice, ==, 10);
  g_assert_cmpuint (times.idle, ==, 1020);
  g_assert_cmpuint (times.interrupts, ==, 6);
  g_assert_cmpuint (times.counted, ==, 1236);
  g_assert_true (gw_core_times_parse (stat_text, others, 11, &times));
  g_assert_cmpuint (times.n_cores, ==, 2);
  g_assert_cmpuint (times.idle, ==, 3060);
  g_assert_cmpuint (times.interrupts, ==, 17);
  g_assert_false (gw_core_times_parse (stat_text, none, 11, &times));
  g_assert_false (gw_core_times_parse ("", first, 1, &times));
  g_assert_false (gw_core_times_parse ("cpu0 1 2 3", first, 1, &times)); /* cut off */
  g_assert_false (gw_core_times_parse ("cpu0", first, 1, &times));
}

typedef struct
{
  const char *name;
  GwCoreTimes before, now;
  double ticks, busy, interrupts;
} SharesCase;

static void
test_shares (void)
{
  static const SharesCase cases[] = {
    { "half idle", { 0, 0, 0, 0, 0, 2 }, { 9, 0, 0, 20, 100, 2 }, 100, 0.5, 0.1 },
    { "niced programs are none", { 0, 0, 0, 0, 50, 1 }, { 9, 30, 0, 0, 70, 1 }, 100, 0.5, 0 },
    { "our niced threads are no others", { 0, 10, 5, 0, 50, 1 }, { 9, 40, 25, 0, 70, 1 }, 100, 0.7, 0 },
    { "more of them than was counted", { 0, 0, 0, 0, 50, 1 }, { 9, 30, 35, 0, 70, 1 }, 100, 0.8, 0 },
    { "full", { 0, 5, 0, 0, 50, 1 }, { 9, 5, 0, 10, 50, 1 }, 100, 1, 0.1 },
    { "the ticks of interrupts were guessed", { 0, 0, 0, 0, 0, 1 }, { 9, 0, 0, 40, 90, 1 }, 100, 0.1, 0.1 },
    { "idle went back", { 0, 0, 0, 0, 60, 1 }, { 9, 0, 0, 0, 50, 1 }, 100, 1, 0 },
    { "more idle than time", { 0, 0, 0, 0, 0, 1 }, { 9, 0, 0, 0, 102, 1 }, 100, 0, 0 },
    { "a core has gone", { 0, 0, 0, 0, 0, 2 }, { 9, 0, 0, 0, 10, 1 }, 100, 0, 0 },
    { "a sandbox that counts nothing", { 0, 0, 0, 0, 0, 2 }, { 0, 0, 0, 0, 0, 2 }, 100, 0, 0 },
    { "no time", { 0, 0, 0, 0, 0, 1 }, { 9, 0, 0, 0, 0, 1 }, 0, 0, 0 },
    { "no cores", { 0 }, { 0 }, 100, 0, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const SharesCase *c = &cases[i];
      const GwCoreShares shares = gw_core_shares (&c->before, &c->now, c->ticks);

      g_test_message ("%s", c->name);
      g_assert_cmpfloat_with_epsilon (shares.busy, c->busy, 1e-9);
      g_assert_cmpfloat_with_epsilon (shares.interrupts, c->interrupts, 1e-9);
    }
}

static void
test_process (void)
{
  const GwCoreShares shares = { .busy = 0.95, .interrupts = 0.15 }, unknown = { 0 };

  g_assert_cmpfloat (gw_process_load (0.9, 2, 2, &shares), ==, 0.9); /* it would get more */
  g_assert_cmpfloat_with_epsilon (gw_process_load (1.1, 2, 2, &shares), 1.9, 1e-9);
  g_assert_cmpfloat (gw_process_load (1.6, 2, 2, &unknown), ==, 1.6);
}

/* Others may have nearly all of a large machine: what a quota leaves us of it is there all the same. */
static void
test_quota_of_many (void)
{
  const GwCoreShares most = { .busy = 0.9 }, all = { .busy = 0.995 }, few = { .busy = 0.1 };

  g_assert_cmpfloat (gw_process_load (0.55, 1, 64, &most), ==, 0.55);
  g_assert_cmpfloat (gw_process_load (1.3, 1.5, 2, &few), ==, 1.3);
  g_assert_cmpfloat_with_epsilon (gw_process_load (0.55, 1, 64, &all), 0.68, 1e-9);
}

static void
test_thread (void)
{
  const GwCoreShares shares = { .busy = 0.95, .interrupts = 0.15 }, all = { .busy = 1, .interrupts = 1 };

  g_assert_cmpfloat_with_epsilon (gw_thread_share (0.8, 1, &shares), 0.85, 1e-9);
  /* The kernel counts them as the thread's: they are not taken off twice. */
  g_assert_cmpfloat_with_epsilon (gw_thread_share (0.95, 1, &shares), 1, 1e-9);
  g_assert_cmpfloat_with_epsilon (gw_thread_share (1.0, 1, &shares), 1, 1e-9);
  g_assert_cmpfloat_with_epsilon (gw_thread_share (0, 1, &all), 0.5, 1e-9);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/cores/times", test_times);
  g_test_add_func ("/gateway/cores/shares", test_shares);
  g_test_add_func ("/gateway/cores/process", test_process);
  g_test_add_func ("/gateway/cores/quota_of_many", test_quota_of_many);
  g_test_add_func ("/gateway/cores/thread", test_thread);
  return g_test_run ();
}
