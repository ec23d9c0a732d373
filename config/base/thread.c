#include "config/base/thread.h"

#include <glib.h>
#include <sys/resource.h>
#include <unistd.h>

static gpointer
read_niceness (gpointer unused)
{
  return GINT_TO_POINTER (getpriority (PRIO_PROCESS, (id_t)gettid ()));
}

void
cfg_thread_give_way (void)
{
  static GOnce before = G_ONCE_INIT;
  const int niceness = GPOINTER_TO_INT (g_once (&before, read_niceness, NULL));

  /* On Linux it is the thread's own; who must be nicer than 19 stays at 19. */
  (void)!setpriority (PRIO_PROCESS, (id_t)gettid (), niceness + CFG_GIVE_WAY);
}
