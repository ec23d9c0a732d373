/* What a process costs, from /proc: CPU time to the nanosecond, memory, and both by thread. */
#pragma once

#include <glib.h>

typedef struct
{
  gint64 at_us;   /* monotonic */
  gint64 cpu_us;  /* of all threads that there are */
  gint64 main_us; /* of the first one alone */
  gint64 rss_kb;
} LoadProcess;

/** load_process_read: @pid 0: this process. Returns: FALSE when there is no such process. */
gboolean load_process_read (gint pid, LoadProcess *process);
