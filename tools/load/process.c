#include "tools/load/process.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* The first two numbers of schedstat: nanoseconds that a thread has been on a processor, and ready but not on
 * one. */
static void
read_thread (gint pid, const char *thread, gint64 *ran_us, gint64 *waited_us)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task/%s/schedstat", pid, thread);
  g_autofree char *text = NULL;
  char *end = NULL;

  *ran_us = *waited_us = 0;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    return;
  *ran_us = g_ascii_strtoll (text, &end, 10) / 1000;
  *waited_us = g_ascii_strtoll (end, NULL, 10) / 1000;
}

static void
read_threads (gint pid, LoadProcess *process)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task", pid);
  g_autofree char *first = g_strdup_printf ("%d", pid);
  g_autoptr (GDir) threads = g_dir_open (path, 0, NULL);
  const char *thread;

  while (threads != NULL && (thread = g_dir_read_name (threads)) != NULL)
    {
      gint64 ran_us, waited_us;

      read_thread (pid, thread, &ran_us, &waited_us);
      process->waited_us += waited_us;
      if (g_str_equal (thread, first))
        process->main_us = ran_us;
    }
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
  read_threads (who, process);
  read_memory (who, process);
  process->at_us = g_get_monotonic_time ();
  return TRUE;
}
