#include "gateway/cores.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/base/clock.h"

#define CGROUPS      "/sys/fs/cgroup"
#define LOOKS_CORES  5     /* each so many looks: sets and quotas seldom change */
#define STAT_BYTES   16384 /* the lines of the cores come first: 150 of them */
#define CGROUP_DEPTH 32

struct _GwCores
{
  int stat_fd; /* of /proc/stat, -1: there is none */
  guint n_looks;
  gboolean allowed[CPU_SETSIZE];
  guint n_allowed;
  double available;
  GwCoreTimes times;
  CfgMonotonic at; /* of times */
  GwCoreShares shares;
};

/* Whoever moves a process to other cores may have moved its first thread only. Returns: FALSE: nobody knows,
 * as with more than 1024 cores. */
static gboolean
read_sets (cpu_set_t *all)
{
  g_autoptr (GDir) threads = g_dir_open ("/proc/self/task", 0, NULL);
  const char *name;
  cpu_set_t set;

  if (sched_getaffinity (0, sizeof *all, all) != 0)
    return FALSE;
  while (threads != NULL && (name = g_dir_read_name (threads)) != NULL)
    if (sched_getaffinity ((pid_t)g_ascii_strtoll (name, NULL, 10), sizeof set, &set) == 0)
      CPU_OR (all, all, &set);
  return TRUE;
}

static void
read_allowed (GwCores *cores)
{
  gboolean changed = FALSE;
  cpu_set_t set;
  const gboolean known = read_sets (&set);

  cores->n_allowed = 0;
  for (guint i = 0; i < CPU_SETSIZE; i++)
    {
      const gboolean allowed = !known || CPU_ISSET (i, &set);

      changed = changed || cores->allowed[i] != allowed;
      cores->allowed[i] = allowed;
      cores->n_allowed += known && allowed;
    }
  if (cores->n_allowed == 0)
    cores->n_allowed = g_get_num_processors ();
  if (changed) /* as many others have nothing in common with what was read before */
    cores->times = (GwCoreTimes){ 0 };
}

/* A cgroup has no more than the ones that it is in. Returns: cores; 0: no quota. */
static double
read_quota (void)
{
  g_autofree char *text = NULL, *path = NULL;
  double least = 0;
  char *slash;

  if (!g_file_get_contents ("/proc/self/cgroup", &text, NULL, NULL)
      || (path = gw_cgroup_parse (text)) == NULL)
    return 0;
  for (guint depth = 0; depth < CGROUP_DEPTH; depth++)
    {
      g_autofree char *file = g_build_filename (CGROUPS, path, "cpu.max", NULL);
      g_autofree char *max = NULL;
      const double quota = g_file_get_contents (file, &max, NULL, NULL) ? gw_cpu_quota_parse (max) : 0;

      if (quota > 0 && (least <= 0 || quota < least))
        least = quota;
      slash = strrchr (path, '/');
      if (slash == NULL || slash[1] == '\0')
        break;
      slash[slash == path] = '\0'; /* "/a" becomes "/" */
    }
  return least;
}

static void
read_available (GwCores *cores)
{
  const double quota = read_quota ();

  read_allowed (cores);
  cores->available = cores->n_allowed;
  if (quota > 0 && quota < cores->available)
    cores->available = quota;
}

/* The kernel counts the main thread among niced programs once it gave way. In ticks. */
static guint64
read_own_nice (void)
{
  struct rusage usage;

  if (getpriority (PRIO_PROCESS, (id_t)gettid ()) <= 0 || getrusage (RUSAGE_THREAD, &usage) != 0)
    return 0;
  return ((guint64)usage.ru_utime.tv_sec * CFG_US_PER_S + (guint64)usage.ru_utime.tv_usec)
         * (guint64)sysconf (_SC_CLK_TCK) / CFG_US_PER_S;
}

static gboolean
read_times (GwCores *cores, GwCoreTimes *times)
{
  char text[STAT_BYTES];
  const ssize_t n = cores->stat_fd >= 0 ? pread (cores->stat_fd, text, sizeof text - 1, 0) : -1;
  char *last;

  if (n <= 0)
    return FALSE;
  text[n] = '\0';
  last = strrchr (text, '\n'); /* what is behind may be half a number */
  if (last != NULL)
    last[1] = '\0';
  if (!gw_core_times_parse (text, cores->allowed, CPU_SETSIZE, times))
    return FALSE;
  times->own_nice = read_own_nice ();
  return TRUE;
}

GwCores *
gw_cores_new (void)
{
  GwCores *cores = g_new0 (GwCores, 1);

  cores->stat_fd = open ("/proc/stat", O_RDONLY | O_CLOEXEC);
  read_available (cores);
  (void)read_times (cores, &cores->times);
  cores->at = cfg_monotonic_now ();
  return cores;
}

void
gw_cores_free (GwCores *cores)
{
  if (cores == NULL)
    return;
  if (cores->stat_fd >= 0)
    close (cores->stat_fd);
  g_free (cores);
}

void
gw_cores_look (GwCores *cores)
{
  const CfgMonotonic at = cfg_monotonic_now ();
  const double ticks
      = (double)cfg_monotonic_diff_us (at, cores->at) / CFG_US_PER_S * (double)sysconf (_SC_CLK_TCK);
  GwCoreTimes now = { 0 };

  if (++cores->n_looks % LOOKS_CORES == 0)
    read_available (cores);
  if (read_times (cores, &now))
    cores->shares = gw_core_shares (&cores->times, &now, ticks);
  else
    cores->shares = (GwCoreShares){ 0 };
  cores->times = now;
  cores->at = at;
}

double
gw_cores_available (const GwCores *cores)
{
  return cores->available;
}

guint
gw_cores_allowed (const GwCores *cores)
{
  return cores->n_allowed;
}

const GwCoreShares *
gw_cores_shares (const GwCores *cores)
{
  return &cores->shares;
}
