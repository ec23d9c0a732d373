#include "tools/load/process.h"

#include <string.h>
#include <unistd.h>

/* The first number of /proc/PID/task/TID/schedstat: nanoseconds on a processor. */
static gint64
thread_us (gint pid, const char *thread)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task/%s/schedstat", pid, thread);
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? g_ascii_strtoll (text, NULL, 10) / 1000 : 0;
}

static gint64
memory_kb (gint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", pid);
  g_autofree char *text = NULL;
  const char *line = NULL;

  if (g_file_get_contents (path, &text, NULL, NULL))
    line = strstr (text, "\nVmRSS:");
  return line != NULL ? g_ascii_strtoll (line + strlen ("\nVmRSS:"), NULL, 10) : 0;
}

gboolean
load_process_read (gint pid, LoadProcess *process)
{
  const gint who = pid != 0 ? pid : (gint)getpid ();
  g_autofree char *path = g_strdup_printf ("/proc/%d/task", who);
  g_autofree char *first = g_strdup_printf ("%d", who);
  GDir *directory = g_dir_open (path, 0, NULL);
  const char *thread;

  *process = (LoadProcess){ 0 };
  if (directory == NULL)
    return FALSE;
  while ((thread = g_dir_read_name (directory)) != NULL)
    {
      const gint64 us = thread_us (who, thread);

      process->cpu_us += us;
      if (g_str_equal (thread, first))
        process->main_us = us;
    }
  g_dir_close (directory);
  process->rss_kb = memory_kb (who);
  process->at_us = g_get_monotonic_time ();
  return TRUE;
}
