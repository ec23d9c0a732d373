#include "gateway/core/cgroup.h"

#include <string.h>

static void
place_free (gpointer data)
{
  GwCgroupPlace *place = data;

  g_free (place->mount);
  g_free (place->path);
  g_free (place);
}

/* "a,b,c" has @item. */
static gboolean
list_has (const char *list, const char *item)
{
  g_auto (GStrv) items = g_strsplit (list, ",", -1);

  return g_strv_contains ((const char *const *)items, item);
}

/* Lines of "ID:CONTROLLERS:PATH" (cgroups(7)). Returns: (transfer full) (nullable): there is none, or it is
 * outside of what this process sees. */
static char *
own_path (const char *cgroup, gboolean is_v1)
{
  g_auto (GStrv) lines = g_strsplit (cgroup, "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) fields = g_strsplit (*line, ":", 3);

      if (g_strv_length (fields) != 3 || fields[2][0] != '/' || strstr (fields[2], "/..") != NULL)
        continue;
      if (is_v1 ? list_has (fields[1], "cpu") : strcmp (fields[0], "0") == 0 && fields[1][0] == '\0')
        return g_strdup (fields[2]);
    }
  return NULL;
}

/* proc(5): blanks and backslashes of a path are "\040" and the like. (transfer full) */
static char *
unescape (const char *text)
{
  GString *plain = g_string_new (NULL);

  for (; *text != '\0'; text++)
    if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' && text[2] <= '7'
        && text[3] >= '0' && text[3] <= '7')
      {
        g_string_append_c (plain, (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0')));
        text += 3;
      }
    else
      g_string_append_c (plain, *text);
  return g_string_free (plain, FALSE);
}

/* What is left of @path below @root, which is mounted. Returns: (transfer full) (nullable): it is not there.
 */
static char *
below (const char *path, const char *root)
{
  gsize length = strlen (root);

  if (strcmp (root, "/") == 0)
    return g_strdup (path);
  if (strncmp (path, root, length) != 0 || (path[length] != '/' && path[length] != '\0'))
    return NULL;
  return g_strdup (path[length] == '\0' ? "/" : path + length);
}

enum
{
  ROOT = 3,
  MOUNT = 4,
  OPTIONAL = 6
};

/* "36 35 98:0 ROOT MOUNT OPTIONS TAGS... - TYPE SOURCE SUPER_OPTIONS" (proc(5)). Returns: (nullable) */
static GwCgroupPlace *
read_mount (const char *line, const char *path, gboolean is_v1)
{
  g_auto (GStrv) fields = g_strsplit (line, " ", -1);
  guint n = g_strv_length (fields), dash = OPTIONAL;
  g_autofree char *root = NULL, *mount = NULL;
  GwCgroupPlace *place;
  char *left;

  while (dash < n && strcmp (fields[dash], "-") != 0)
    dash++;
  if (dash + 3 >= n || strcmp (fields[dash + 1], is_v1 ? "cgroup" : "cgroup2") != 0
      || (is_v1 && !list_has (fields[dash + 3], "cpu")))
    return NULL;
  root = unescape (fields[ROOT]);
  mount = unescape (fields[MOUNT]);
  left = below (path, root);
  if (left == NULL || mount[0] != '/')
    {
      g_free (left);
      return NULL;
    }
  place = g_new0 (GwCgroupPlace, 1);
  *place = (GwCgroupPlace){ .is_v1 = is_v1, .mount = g_steal_pointer (&mount), .path = left };
  return place;
}

GPtrArray *
gw_cgroup_places (const char *cgroup, const char *mountinfo)
{
  GPtrArray *places = g_ptr_array_new_with_free_func (place_free);
  g_auto (GStrv) lines = g_strsplit (mountinfo, "\n", -1);

  for (int is_v1 = FALSE; is_v1 <= TRUE; is_v1++)
    {
      g_autofree char *path = own_path (cgroup, is_v1);
      GwCgroupPlace *place = NULL;

      for (char **line = lines; path != NULL && *line != NULL && place == NULL; line++)
        place = read_mount (*line, path, is_v1);
      if (place != NULL)
        g_ptr_array_add (places, place);
    }
  return places;
}

gboolean
gw_cgroup_path_up (char *path)
{
  char *slash = strrchr (path, '/');

  if (slash == NULL || slash[1] == '\0')
    return FALSE;
  slash[slash == path] = '\0'; /* "/a" becomes "/" */
  return TRUE;
}

double
gw_cpu_quota_parse (const char *text)
{
  char *end;
  const guint64 quota = g_ascii_strtoull (text, &end, 10);
  const guint64 period = *end == ' ' ? g_ascii_strtoull (end + 1, NULL, 10) : 0;

  return quota > 0 && period > 0 ? (double)quota / (double)period : 0;
}

double
gw_cpu_quota_v1_parse (const char *quota, const char *period)
{
  const gint64 quota_us = g_ascii_strtoll (quota, NULL, 10), period_us = g_ascii_strtoll (period, NULL, 10);

  return quota_us > 0 && period_us > 0 ? (double)quota_us / (double)period_us : 0;
}
