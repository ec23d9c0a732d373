/* Where the cgroups of this process are that may have a CPU quota, from the kernel's own texts, and what
 * their files say. Pure. */
#pragma once

#include <glib.h>

/* A hierarchy and our place in it: "/sys/fs/cgroup/cpu,cpuacct" + "/docker/1f". */
typedef struct
{
  gboolean is_v1;
  char *mount; /* where it can be seen */
  char *path;  /* below, "/" for that itself */
} GwCgroupPlace;

/**
 * gw_cgroup_places:
 * @cgroup: of /proc/self/cgroup
 * @mountinfo: of /proc/self/mountinfo
 *
 * Of the unified hierarchy (v2) and that of the controller cpu (v1), those that are mounted; a container sees
 * less than the host, and what it cannot see counts not.
 *
 * Returns: (transfer full): of GwCgroupPlace*, with its own free function, none to two.
 */
GPtrArray *gw_cgroup_places (const char *cgroup, const char *mountinfo) G_GNUC_WARN_UNUSED_RESULT;
/** gw_cgroup_path_up: @path becomes the one above it. FALSE: it is the top. */
gboolean gw_cgroup_path_up (char *path);

/** gw_cpu_quota_parse: @text: of cpu.max (v2): "150000 100000". Returns: in cores; 0: no quota. */
double gw_cpu_quota_parse (const char *text);
/** gw_cpu_quota_v1_parse: of cpu.cfs_quota_us (-1: none) and cpu.cfs_period_us. The same. */
double gw_cpu_quota_v1_parse (const char *quota, const char *period);
