/* The stack's timers on the GLib main loop. Its source tells the loop how long to wait in whole milliseconds,
 * rounded down: less than one before a timer it says zero, and the loop turns in circles until the timer is
 * due, half a millisecond of CPU for each of them. The source asks su_timer_next_expires() through the
 * procedure linkage table, so that this program's own, which rounds up, takes its place. */
#include "signaling/sip/internal.h"

#include <sofia-sip/su_time.h>

#include <dlfcn.h>

typedef void const *Queue; /* su_timer_queue_t *, which the headers keep to themselves */

su_duration_t su_timer_next_expires (Queue timers, su_time_t now);

/** sig_sip_loop_init: only makes the linker take this file. */
void
sig_sip_loop_init (void)
{
}

__attribute__ ((visibility ("default"))) su_duration_t
su_timer_next_expires (Queue timers, su_time_t now)
{
  static su_duration_t (*ask) (Queue timers, su_time_t now);

  if (ask == NULL)
    {
      void *symbol = dlsym (RTLD_NEXT, "su_timer_next_expires");
      g_assert (symbol != NULL);
      *(void **)&ask = symbol;
    }
  if (now.tv_usec < CFG_US_PER_MS - 1)
    {
      now.tv_sec--;
      now.tv_usec += CFG_US_PER_S;
    }
  now.tv_usec -= CFG_US_PER_MS - 1;
  return ask (timers, now);
}
