#include "gateway/cores.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/base/clock.h"
#include "gateway/core/cgroup.h"

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
  char *cgroup;      /* (nullable): of /proc/self/cgroup, when places were found by it */
  GPtrArray *places; /* (nullable): of GwCgroupPlace */
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

/* In cores; 0: none. */
static double
quota_of (const char *directory, gboolean is_v1)
{
  g_autofree char *file = g_build_filename (directory, is_v1 ? "cpu.cfs_quota_us" : "cpu.max", NULL);
  g_autofree char *period_file = g_build_filename (directory, "cpu.cfs_period_us", NULL);
  g_autofree char *quota = NULL, *period = NULL;

  if (!g_file_get_contents (file, &quota, NULL, NULL))
    return 0;
  if (!is_v1)
    return gw_cpu_quota_parse (quota);
  return g_file_get_contents (period_file, &period, NULL, NULL) ? gw_cpu_quota_v1_parse (quota, period) : 0;
}

/* A cgroup has no more than the ones that it is in. */
static double
least_quota (const GwCgroupPlace *place)
{
  g_autofree char *path = g_strdup (place->path);
  double least = 0;
  guint depth = 0;

  do
    {
      g_autofree char *directory = g_build_filename (place->mount, path, NULL);
      const double quota = quota_of (directory, place->is_v1);

      if (quota > 0 && (least <= 0 || quota < least))
        least = quota;
    }
  while (++depth < CGROUP_DEPTH && gw_cgroup_path_up (path));
  return least;
}

/* Mounts are many on some machines: they are read when the process is in another cgroup. */
static void
find_places (GwCores *cores)
{
  g_autofree char *cgroup = NULL, *mountinfo = NULL;

  if (!g_file_get_contents ("/proc/self/cgroup", &cgroup, NULL, NULL))
    return;
  if (g_strcmp0 (cgroup, cores->cgroup) == 0
      || !g_file_get_contents ("/proc/self/mountinfo", &mountinfo, NULL, NULL))
    return;
  g_clear_pointer (&cores->places, g_ptr_array_unref);
  cores->places = gw_cgroup_places (cgroup, mountinfo);
  g_free (cores->cgroup);
  cores->cgroup = g_steal_pointer (&cgroup);
}

/* Returns: cores; 0: no quota. */
static double
read_quota (GwCores *cores)
{
  double least = 0;

  find_places (cores);
  for (guint i = 0; cores->places != NULL && i < cores->places->len; i++)
    {
      const double quota = least_quota (g_ptr_array_index (cores->places, i));

      if (quota > 0 && (least <= 0 || quota < least))
        least = quota;
    }
  return least;
}

static void
read_available (GwCores *cores)
{
  const double quota = read_quota (cores);

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
  g_free (cores->cgroup);
  g_clear_pointer (&cores->places, g_ptr_array_unref);
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
