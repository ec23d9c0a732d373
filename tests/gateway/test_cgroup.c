/* Where CPU quotas are looked for, on machines of many kinds. */
#include "gateway/core/cgroup.h"

typedef struct
{
  const char *name, *cgroup, *mountinfo;
  const char *v2, *v1; /* mount and path, between blanks; (nullable): none */
} PlaceCase;

#define UNIFIED "31 23 0:28 / /sys/fs/cgroup rw,nosuid,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define OTHERS                                                                                               \
  "23 29 0:21 / /proc rw,relatime shared:13 - proc proc rw\n"                                                \
  "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
#define HYBRID                                                                                               \
  OTHERS "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"              \
         "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 master:2 - cgroup2 cgroup2 rw\n"

static const PlaceCase cases[] = {
  { "systemd, v2", "0::/system.slice/switchroom.service\n", OTHERS UNIFIED,
    "/sys/fs/cgroup /system.slice/switchroom.service", NULL },
  { "a container, v2, with a namespace of its own", "0::/\n", UNIFIED, "/sys/fs/cgroup /", NULL },
  { "no line end", "0::/a", UNIFIED, "/sys/fs/cgroup /a", NULL },
  { "hybrid", "9:name=systemd:/\n4:cpuset:/x\n2:cpu,cpuacct:/user.slice/a\n0::/user.slice/b\n", HYBRID,
    "/sys/fs/cgroup/unified /user.slice/b", "/sys/fs/cgroup/cpu,cpuacct /user.slice/a" },
  { "v1 alone, controllers in another order", "3:cpuacct,cpu:/docker/1f\n2:cpuset:/docker/2a\n",
    "40 39 0:33 / /sys/fs/cgroup/cpu ro,nosuid - cgroup cgroup rw,cpuacct,cpu\n", NULL,
    "/sys/fs/cgroup/cpu /docker/1f" },
  { "a container, v1, which sees its own part", "2:cpu,cpuacct:/docker/1f\n",
    "40 39 0:33 /docker/1f /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n", NULL,
    "/sys/fs/cgroup/cpu /" },
  { "the same, further down", "2:cpu:/docker/1f/inner\n",
    "40 39 0:33 /docker/1f /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n", NULL,
    "/sys/fs/cgroup/cpu /inner" },
  { "another one's part is mounted", "2:cpu:/docker/1f2\n",
    "40 39 0:33 /docker/1f /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n", NULL, NULL },
  { "of two mounts the one that has it", "0::/b/c\n",
    "40 39 0:33 /a /mnt/a ro - cgroup2 none rw\n41 39 0:33 /b /mnt/b ro - cgroup2 none rw\n", "/mnt/b /c",
    NULL },
  { "a blank in the path of the mount", "0::/\n",
    "40 39 0:33 / /mnt/my\\040groups\\134 rw - cgroup2 none rw\n", "/mnt/my groups\\ /", NULL },
  { "cpuset and cpuacct are not cpu", "2:cpuset:/a\n3:cpuacct:/b\n", OTHERS, NULL, NULL },
  { "a named hierarchy", "9:name=cpu:/a\n", "40 39 0:33 / /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n",
    NULL, NULL },
  { "outside of its namespace", "0::/../outside\n2:cpu:/..\n", HYBRID, NULL, NULL },
  { "a colon in the path", "0::/a:b\n", UNIFIED, "/sys/fs/cgroup /a:b", NULL },
  { "nothing is mounted", "0::/a\n2:cpu:/b\n", OTHERS, NULL, NULL },
  { "lines that end early", "0::/a\n2:cpu\n2\n\n:\n",
    "31\n31 23 0:28 / /sys/fs/cgroup rw\n40 39 0:33 / /m rw -\n"
    "40 39 0:33 / /m rw - cgroup2\n40 39 0:33 / /m rw - cgroup2 none\n",
    NULL, NULL },
  { "no texts", "", "", NULL, NULL },
};

static void
assert_place (GPtrArray *places, guint *i, gboolean is_v1, const char *wanted)
{
  const GwCgroupPlace *place;
  g_autofree char *found = NULL;

  if (wanted == NULL)
    return;
  g_assert_cmpuint (*i, <, places->len);
  place = g_ptr_array_index (places, *i);
  found = g_strdup_printf ("%s %s", place->mount, place->path);
  g_assert_cmpint (place->is_v1, ==, is_v1);
  g_assert_cmpstr (found, ==, wanted);
  ++*i;
}

static void
test_places (void)
{
  for (gsize n = 0; n < G_N_ELEMENTS (cases); n++)
    {
      g_autoptr (GPtrArray) places = gw_cgroup_places (cases[n].cgroup, cases[n].mountinfo);
      guint i = 0;

      g_test_message ("%s", cases[n].name);
      assert_place (places, &i, FALSE, cases[n].v2);
      assert_place (places, &i, TRUE, cases[n].v1);
      g_assert_cmpuint (places->len, ==, i);
    }
}

static void
test_up (void)
{
  char path[] = "/a.slice/b/c";

  g_assert_true (gw_cgroup_path_up (path));
  g_assert_cmpstr (path, ==, "/a.slice/b");
  g_assert_true (gw_cgroup_path_up (path));
  g_assert_true (gw_cgroup_path_up (path));
  g_assert_cmpstr (path, ==, "/");
  g_assert_false (gw_cgroup_path_up (path));
  g_assert_cmpstr (path, ==, "/");
}

static void
test_quota (void)
{
  static const struct
  {
    const char *text;
    double cores;
  } rows[] = { { "150000 100000\n", 1.5 }, { "50000 100000", 0.5 },
               { "max 100000\n", 0 },      { "100000", 0 },
               { "100000 0", 0 },          { "", 0 } };
  static const struct
  {
    const char *quota, *period;
    double cores;
  } v1_rows[] = { { "150000\n", "100000\n", 1.5 },
                  { "-1\n", "100000\n", 0 },
                  { "0\n", "100000\n", 0 },
                  { "25000", "50000", 0.5 },
                  { "100000", "0", 0 },
                  { "100000", "", 0 },
                  { "", "100000", 0 },
                  { "x", "y", 0 },
                  { "100000", "-100000", 0 } };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpfloat (gw_cpu_quota_parse (rows[i].text), ==, rows[i].cores);
  for (gsize i = 0; i < G_N_ELEMENTS (v1_rows); i++)
    g_assert_cmpfloat (gw_cpu_quota_v1_parse (v1_rows[i].quota, v1_rows[i].period), ==, v1_rows[i].cores);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/cgroup/places", test_places);
  g_test_add_func ("/gateway/cgroup/up", test_up);
  g_test_add_func ("/gateway/cgroup/quota", test_quota);
  return g_test_run ();
}
