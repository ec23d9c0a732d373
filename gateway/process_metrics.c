#include "gateway/process_metrics.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/core/metric_text.h"

static double
cpu_seconds (void)
{
  struct rusage usage;

  if (getrusage (RUSAGE_SELF, &usage) != 0)
    return 0;
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static guint
open_descriptors (void)
{
  g_autoptr (GDir) directory = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (directory != NULL && g_dir_read_name (directory) != NULL)
    n++;
  return n > 0 ? n - 1 : 0; /* without the one that reads the directory */
}

/* The second number of /proc/self/statm: pages in memory; the first: of address space. */
static void
memory (double *virtual_bytes, double *resident_bytes)
{
  g_autofree char *text = NULL;
  const double page = (double)sysconf (_SC_PAGESIZE);
  guint64 pages = 0, resident = 0;
  char *end;

  if (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    {
      pages = g_ascii_strtoull (text, &end, 10);
      resident = g_ascii_strtoull (end, NULL, 10);
    }
  *virtual_bytes = (double)pages * page;
  *resident_bytes = (double)resident * page;
}

void
gw_process_metrics_write (const Gateway *gateway, GString *text)
{
  struct rlimit limit = { 0 };
  double virtual_bytes, resident_bytes;

  memory (&virtual_bytes, &resident_bytes);
  (void)getrlimit (RLIMIT_NOFILE, &limit);
  gw_metric_add (text, "process_cpu_seconds_total", "counter", "CPU time of all threads.", cpu_seconds ());
  gw_metric_add (text, "process_resident_memory_bytes", "gauge", "Memory in use.", resident_bytes);
  gw_metric_add (text, "process_virtual_memory_bytes", "gauge", "Address space in use.", virtual_bytes);
  gw_metric_add (text, "process_open_fds", "gauge", "Open file descriptors.", open_descriptors ());
  gw_metric_add (text, "process_max_fds", "gauge", "Most file descriptors that may be open.",
                 (double)limit.rlim_cur);
  gw_metric_add (text, "process_start_time_seconds", "gauge", "When it was started, since 1970.",
                 (double)gateway->started_wall.us / CFG_US_PER_S);
}
