/* What is said of the configuration's files, on a disk that does not answer for a while. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "config/base/log.h"
#include "gateway/unusable.h"

static struct
{
  pthread_mutex_t lock;
  pthread_cond_t news;
  guint n_waiting;
  gboolean answers;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER };

/* In the place of libc's: below /hung it answers when the test says so. */
int
access (const char *path, int mode)
{
  if (!g_str_has_prefix (path, "/hung/"))
    return faccessat (AT_FDCWD, path, mode, 0);
  pthread_mutex_lock (&disk.lock);
  disk.n_waiting++;
  pthread_cond_broadcast (&disk.news);
  while (!disk.answers)
    pthread_cond_wait (&disk.news, &disk.lock);
  pthread_mutex_unlock (&disk.lock);
  errno = EIO;
  return -1;
}

static void
wait_for_look (void)
{
  pthread_mutex_lock (&disk.lock);
  while (disk.n_waiting == 0)
    pthread_cond_wait (&disk.news, &disk.lock);
  pthread_mutex_unlock (&disk.lock);
}

static void
answer (void)
{
  pthread_mutex_lock (&disk.lock);
  disk.answers = TRUE;
  pthread_cond_broadcast (&disk.news);
  pthread_mutex_unlock (&disk.lock);
}

/* The settings are gone before the disk has answered, as after a reload. */
static void
ask (const char *path)
{
  g_autofree char *text = g_strdup_printf ("prompts: {pin_wrong: %s}\n", path);
  g_autoptr (CfgSettings) settings = cfg_settings_parse (text, strlen (text), "switchroom.yaml", NULL);

  g_assert_nonnull (settings);
  gw_unusable_log (settings);
}

/* (transfer full): the log, once it has @wanted */
static char *
log_with (const char *path, const char *wanted)
{
  for (;;)
    {
      char *text = NULL;

      g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
      if (strstr (text, wanted) != NULL)
        return text;
      g_free (text);
      g_usleep (10000);
    }
}

static void
test_hung_disk (void)
{
  g_autofree char *dir = g_dir_make_tmp ("unusable-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "log", NULL);
  g_autofree char *text = NULL;

  g_assert_true (cfg_log_init (CFG_LOG_INFO, CFG_LOG_TEXT, path, NULL));
  ask ("/hung/a.wav"); /* returns although the disk does not answer */
  wait_for_look ();
  ask ("/nowhere/b.wav");
  ask ("/nowhere/c.wav");
  answer ();
  text = log_with (path, "c.wav");
  g_assert_nonnull (strstr (text, "switchroom.yaml:1: prompts.pin_wrong: /hung/a.wav: Input/output error"));
  g_assert_null (strstr (text, "b.wav")); /* another configuration had come in its place */
  g_assert_cmpuint (disk.n_waiting, ==, 1);
  g_clear_pointer (&text, g_free);
  ask ("/nowhere/d.wav");
  text = log_with (path, "d.wav");
  cfg_log_shutdown ();
  g_remove (path);
  g_rmdir (dir);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/unusable/hung-disk", test_hung_disk);
  return g_test_run ();
}
