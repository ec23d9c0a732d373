/* What a process costs: CPU time to the nanosecond, by the kernel's clock of it, and memory. */
#pragma once

#include <glib.h>

typedef struct
{
  gint64 at_us;           /* monotonic */
  gint64 cpu_us;          /* of all its threads, ended ones too */
  gint64 main_us;         /* of the first one alone */
  gint64 waited_us;       /* of all threads that are: ready to run, while the processor did something else */
  gint64 rss_kb, anon_kb; /* anon: without pages of files, such as code that ran for the first time */
} LoadProcess;

/** load_process_read: @pid 0: this process. Returns: FALSE when there is no such process. */
gboolean load_process_read (gint pid, LoadProcess *process);
