/* How many calls a second one thread sets up and takes down, both sides of each in this process, and what a
 * standing call costs. */
#include "tests/signaling/sip_harness.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define N_CALLS    3000
#define N_STANDING 500

static double
cpu_s (void)
{
  return (double)clock () / CLOCKS_PER_SEC;
}

static SigSipCallId
dial (Endpoint *from, Endpoint *to)
{
  g_autofree char *uri = g_strdup_printf ("sip:lobby@127.0.0.1:%u", to->port);
  SigSipDial request = { .to_uri = uri, .sdp = OFFER };

  return sig_sip_dial (from->sip, &request, NULL);
}

static void
bench_setup (void)
{
  Endpoint *a = endpoint_new (NULL);
  Endpoint *b = endpoint_new (NULL);
  guint n_dialled = 0;

  b->auto_answer = b->auto_hangup_on_ack = TRUE;
  gint64 start = g_get_monotonic_time ();
  double cpu = cpu_s ();
  while (a->n_ended < N_CALLS)
    {
      while (n_dialled < N_CALLS && n_dialled - a->n_ended < 50)
        {
          dial (a, b);
          n_dialled++;
        }
      run_once ();
    }
  double seconds = (double)(g_get_monotonic_time () - start) / 1e6;
  printf ("calls set up and hung up: %.0f per second, %.2f ms of CPU each for both sides together\n",
          N_CALLS / seconds, (cpu_s () - cpu) * 1000 / N_CALLS);
  endpoint_free (a);
  endpoint_free (b);
}

static void
bench_memory (void)
{
  Endpoint *a = endpoint_new (NULL);
  gsize empty = mallinfo2 ().uordblks;
  Endpoint *b = endpoint_new (NULL);
  gsize before = mallinfo2 ().uordblks;

  b->auto_answer = TRUE;
  for (guint i = 0; i < N_STANDING; i++)
    {
      guint acked = b->n_acked;
      dial (a, b);
      while (b->n_acked == acked)
        run_once ();
    }
  printf ("one more listener: %.0f kB\n", (double)(before - empty) / 1000);
  printf ("a call, both sides, just set up: %.1f kB\n",
          (double)(mallinfo2 ().uordblks - before) / 1000 / N_STANDING);
  advance_stack_s (66);
  printf ("a call, both sides, standing: %.1f kB\n",
          (double)(mallinfo2 ().uordblks - before) / 1000 / N_STANDING);
  endpoint_free (a);
  endpoint_free (b);
}

int
main (int argc, char **argv)
{
  bench_setup ();
  bench_memory ();
  return 0;
}
