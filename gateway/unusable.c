#include "gateway/unusable.h"

#include <pthread.h>

#include "config/base/log.h"
#include "config/settings_files.h"

/* What settings are made of. */
typedef struct
{
  GBytes *text;
  char *name;
} Source;

/* One thread at a time, however often it is asked for while the disk does not answer. That thread is not
 * waited for at the end: nobody could tell how long. */
static struct
{
  pthread_mutex_t lock;
  gboolean is_running; /* under lock, as next */
  Source next;         /* text NULL: nothing waits */
  Source now;          /* the thread's */
} looks = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
clear (Source *source)
{
  g_clear_pointer (&source->text, g_bytes_unref);
  g_clear_pointer (&source->name, g_free);
}

static void
look (const Source *source)
{
  gsize size;
  const char *text = g_bytes_get_data (source->text, &size);
  g_autoptr (CfgSettings) settings = cfg_settings_parse (text != NULL ? text : "", size, source->name, NULL);
  g_auto (GStrv) found = settings != NULL ? cfg_settings_unusable (settings) : NULL;

  for (char **each = found; each != NULL && *each != NULL; each++)
    cfg_warn ("config", NULL, "Configuration warning", CFG_STR ("warning", *each));
}

/* Returns: FALSE when nothing waits. */
static gboolean
take_next (void)
{
  gboolean is_there;

  pthread_mutex_lock (&looks.lock);
  clear (&looks.now);
  looks.now = looks.next;
  looks.next = (Source){ 0 };
  is_there = looks.is_running = looks.now.text != NULL;
  pthread_mutex_unlock (&looks.lock);
  return is_there;
}

static gpointer
run (gpointer unused)
{
  while (take_next ())
    look (&looks.now);
  return NULL;
}

void
gw_unusable_log (const CfgSettings *settings)
{
  g_autoptr (GError) error = NULL;
  GThread *thread;
  gboolean was_running;

  pthread_mutex_lock (&looks.lock);
  clear (&looks.next);
  looks.next = (Source){ g_bytes_ref (settings->source), g_strdup (settings->source_name) };
  was_running = looks.is_running;
  looks.is_running = TRUE;
  pthread_mutex_unlock (&looks.lock);
  if (was_running)
    return;
  thread = g_thread_try_new ("files", run, NULL, &error);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return;
    }
  cfg_warn ("config", NULL, "Files of the configuration were not looked at",
            CFG_STR ("reason", error->message));
  pthread_mutex_lock (&looks.lock);
  looks.is_running = FALSE;
  pthread_mutex_unlock (&looks.lock);
}
