/* Which cores of this machine count, while they are others for one thread or for all. */
#include <glib.h>
#include <sched.h>

#include "gateway/cores.h"

/* gw_cores_look reads the sets once in so many looks, and more. */
#define LOOKS 10

typedef struct
{
  GMutex held; /* until it may end */
  cpu_set_t set;
} Other;

static gpointer
run_other (gpointer data)
{
  Other *other = data;

  g_mutex_lock (&other->held);
  g_mutex_unlock (&other->held);
  return NULL;
}

static void
look_again (GwCores *cores)
{
  for (guint i = 0; i < LOOKS; i++)
    gw_cores_look (cores);
}

/* As `taskset -p` of a running process does. */
static void
test_first_thread_alone (void)
{
  Other other = { 0 };
  GThread *thread;
  GwCores *cores = gw_cores_new ();
  const guint n = gw_cores_allowed (cores);
  cpu_set_t one;

  g_assert_cmpuint (n, >=, 1);
  g_assert_cmpfloat (gw_cores_available (cores), <=, n);
  g_assert_cmpint (sched_getaffinity (0, sizeof other.set, &other.set), ==, 0);
  g_mutex_init (&other.held);
  g_mutex_lock (&other.held);
  thread = g_thread_new ("other", run_other, &other);
  CPU_ZERO (&one);
  CPU_SET (sched_getcpu (), &one);
  g_assert_cmpint (sched_setaffinity (0, sizeof one, &one), ==, 0);
  look_again (cores);
  g_assert_cmpuint (gw_cores_allowed (cores), ==, n);
  g_mutex_unlock (&other.held);
  g_thread_join (thread);
  look_again (cores);
  g_assert_cmpuint (gw_cores_allowed (cores), ==, 1);
  g_assert_cmpfloat (gw_cores_available (cores), <=, 1);
  g_assert_cmpint (sched_setaffinity (0, sizeof other.set, &other.set), ==, 0);
  g_mutex_clear (&other.held);
  gw_cores_free (cores);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/cores_set/first_thread_alone", test_first_thread_alone);
  return g_test_run ();
}
