#include "tools/load/process.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* The first number of /proc/PID/schedstat: nanoseconds that the first thread has been on a processor. */
static gint64
main_us (gint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/schedstat", pid);
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? g_ascii_strtoll (text, NULL, 10) / 1000 : 0;
}

/* @name: "\nVmRSS:" */
static gint64
number_after (const char *text, const char *name)
{
  const char *line = strstr (text, name);

  return line != NULL ? g_ascii_strtoll (line + strlen (name), NULL, 10) : 0;
}

static void
read_memory (gint pid, LoadProcess *process)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", pid);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return;
  process->rss_kb = number_after (text, "\nVmRSS:");
  process->anon_kb = number_after (text, "\nRssAnon:");
}

gboolean
load_process_read (gint pid, LoadProcess *process)
{
  const gint who = pid != 0 ? pid : (gint)getpid ();
  struct timespec used;
  clockid_t clock;

  *process = (LoadProcess){ 0 };
  if (clock_getcpuclockid (who, &clock) != 0 || clock_gettime (clock, &used) != 0)
    return FALSE;
  process->cpu_us = (gint64)used.tv_sec * 1000000 + used.tv_nsec / 1000;
  process->main_us = main_us (who);
  read_memory (who, process);
  process->at_us = g_get_monotonic_time ();
  return TRUE;
}
