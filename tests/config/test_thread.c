/* Threads that give way do so alone, and once. */
#include <glib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/base/thread.h"

static int
niceness (void)
{
  return getpriority (PRIO_PROCESS, (id_t)gettid ());
}

static gpointer
give_way_twice (gpointer user)
{
  int *values = user;

  cfg_thread_give_way ();
  values[0] = niceness ();
  cfg_thread_give_way ();
  values[1] = niceness ();
  return NULL;
}

static void
test_give_way (void)
{
  const int before = niceness (), expected = MIN (before + CFG_GIVE_WAY, 19);
  int values[2] = { 0 };

  g_thread_join (g_thread_new ("first", give_way_twice, values));
  g_assert_cmpint (values[0], ==, expected);
  g_assert_cmpint (values[1], ==, expected);
  g_assert_cmpint (niceness (), ==, before);
  /* One that inherits it is no nicer than the others. */
  cfg_thread_give_way ();
  g_thread_join (g_thread_new ("second", give_way_twice, values));
  g_assert_cmpint (niceness (), ==, expected);
  g_assert_cmpint (values[1], ==, expected);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/thread/give_way", test_give_way);
  return g_test_run ();
}
