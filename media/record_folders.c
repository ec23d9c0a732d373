#include "media/record_folders.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MODE 0750

typedef struct
{
  guint n_users; /* recordings that have not ended */
  gboolean is_made, is_kept;
} Folder;

static GMutex lock;
static GHashTable *folders; /* directory/a/b → Folder; NULL while there are none */

/* The path of the first @n of @parts. (transfer full) */
static char *
path_of (const char *directory, char **parts, guint n)
{
  GString *path = g_string_new (directory);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (path, "/%s", parts[i]);
  return g_string_free (path, FALSE);
}

static gboolean
stays_below (char **parts)
{
  if (*parts == NULL)
    return FALSE;
  for (; *parts != NULL; parts++)
    if (**parts == '\0' || strcmp (*parts, ".") == 0 || strcmp (*parts, "..") == 0)
      return FALSE;
  return TRUE;
}

static void
use (char *path)
{
  Folder *folder;

  if (folders == NULL)
    folders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  folder = g_hash_table_lookup (folders, path);
  if (folder == NULL)
    g_hash_table_insert (folders, g_strdup (path), folder = g_new0 (Folder, 1));
  folder->n_users++;
}

gboolean
media_record_folders_enter (const char *directory, const char *file)
{
  g_auto (GStrv) parts = g_strsplit (file, "/", -1);

  if (!stays_below (parts))
    return FALSE;
  g_mutex_lock (&lock);
  for (guint n = 1; n < g_strv_length (parts); n++)
    {
      g_autofree char *path = path_of (directory, parts, n);

      use (path);
    }
  g_mutex_unlock (&lock);
  return TRUE;
}

static void
note_made (const char *directory, char **parts, guint n)
{
  g_autofree char *path = path_of (directory, parts, n);

  g_mutex_lock (&lock);
  ((Folder *)g_hash_table_lookup (folders, path))->is_made = TRUE;
  g_mutex_unlock (&lock);
}

/* The folder that the first @n of @parts lead to. @makes: those that are missing, too. Returns: a descriptor;
 * -1 with errno. */
static int
open_folder (const char *directory, char **parts, guint n, gboolean makes)
{
  int folder = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  for (guint i = 0; folder >= 0 && i < n; i++)
    {
      const int above = folder;
      const gboolean is_made = makes && mkdirat (above, parts[i], FOLDER_MODE) == 0;
      int failed;

      if (is_made)
        note_made (directory, parts, i + 1);
      folder = !makes || is_made || errno == EEXIST
                   ? openat (above, parts[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
                   : -1;
      failed = errno;
      close (above);
      errno = failed;
    }
  return folder;
}

int
media_record_folders_open (const char *directory, const char *file)
{
  g_auto (GStrv) parts = g_strsplit (file, "/", -1);

  if (g_mkdir_with_parents (directory, FOLDER_MODE) < 0)
    return -1;
  return open_folder (directory, parts, g_strv_length (parts) - 1, TRUE);
}

/* Returns: TRUE when nobody needs it any more. */
static gboolean
give_back (const char *path, gboolean has_file)
{
  Folder *folder;
  gboolean remove = FALSE;

  g_mutex_lock (&lock);
  folder = g_hash_table_lookup (folders, path);
  folder->is_kept |= has_file;
  if (--folder->n_users == 0)
    {
      remove = folder->is_made && !folder->is_kept;
      g_hash_table_remove (folders, path);
    }
  if (g_hash_table_size (folders) == 0)
    g_clear_pointer (&folders, g_hash_table_unref);
  g_mutex_unlock (&lock);
  return remove;
}

/* Something of somebody else may be in it: then it stays. */
static void
remove_folder (const char *directory, char **parts, guint n)
{
  const int above = open_folder (directory, parts, n - 1, FALSE);

  if (above < 0)
    return;
  (void)unlinkat (above, parts[n - 1], AT_REMOVEDIR);
  close (above);
}

void
media_record_folders_leave (const char *directory, const char *file, gboolean has_file)
{
  g_auto (GStrv) parts = g_strsplit (file, "/", -1);

  for (guint n = g_strv_length (parts) - 1; n > 0; n--)
    {
      g_autofree char *path = path_of (directory, parts, n);

      if (give_back (path, has_file))
        remove_folder (directory, parts, n);
    }
}
