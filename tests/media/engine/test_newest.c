/* The newest of several states arrives, however far the reader is behind. */
#include <pthread.h>

#include "media/newest.h"
#include "media/worker_private.h"

/* ---- one slot ---- */

static guint n_freed;

static void
free_counted (gpointer value)
{
  n_freed++;
  g_free (value);
}

static gpointer
number (guint value)
{
  return g_memdup2 (&value, sizeof value);
}

static void
test_replaces (void)
{
  MediaNewest *newest = media_newest_new (free_counted);
  g_autofree guint *taken = NULL;

  n_freed = 0;
  g_assert_null (media_newest_take (newest));
  g_assert_true (media_newest_put (newest, number (1)));
  g_assert_false (media_newest_put (newest, number (2)));
  g_assert_cmpuint (n_freed, ==, 1);
  taken = media_newest_take (newest);
  g_assert_cmpuint (*taken, ==, 2);
  g_assert_null (media_newest_take (newest));
  g_assert_true (media_newest_put (newest, number (3)));
  g_assert_true (media_newest_ref (newest) == newest);
  media_newest_unref (newest);
  g_assert_cmpuint (n_freed, ==, 1);
  media_newest_unref (newest);
  g_assert_cmpuint (n_freed, ==, 2);
}

#define LAST 200000

typedef struct
{
  MediaNewest *newest;
  atomic_uint n_messages; /* sent by the writer, not yet read */
} Pair;

static void *
write_all (void *data)
{
  Pair *pair = data;

  for (guint i = 1; i <= LAST; i++)
    if (media_newest_put (pair->newest, number (i)))
      atomic_fetch_add (&pair->n_messages, 1);
  return NULL;
}

/* With two threads: in order, each message finds one, and the last one is read. */
static void
test_threads (void)
{
  Pair pair = { .newest = media_newest_new (g_free) };
  pthread_t writer;
  guint last = 0;

  atomic_init (&pair.n_messages, 0);
  g_assert_cmpint (pthread_create (&writer, NULL, write_all, &pair), ==, 0);
  while (last != LAST)
    {
      g_autofree guint *taken = NULL;

      if (atomic_load (&pair.n_messages) == 0)
        {
          g_thread_yield ();
          continue;
        }
      taken = media_newest_take (pair.newest);
      atomic_fetch_sub (&pair.n_messages, 1);
      g_assert_nonnull (taken);
      g_assert_cmpuint (*taken, >, last);
      last = *taken;
    }
  g_assert_cmpint (pthread_join (writer, NULL), ==, 0);
  g_assert_cmpuint (atomic_load (&pair.n_messages), ==, 0);
  media_newest_unref (pair.newest);
}

/* ---- who speaks, with the main thread's mailbox full ---- */

static void
on_event (gpointer owner, const MediaEvent *event)
{
  GString *heard = owner;
  g_autofree MediaSpeakerList *list = NULL;

  switch ((int)event->kind)
    {
    case MEDIA_EVENT_STATS:
      g_string_append (heard, "stats ");
      break;
    case MEDIA_EVENT_PLAY_ENDED:
      g_string_append (heard, "ended ");
      break;
    case MEDIA_EVENT_SPEAKERS:
      list = media_newest_take (event->speakers);
      g_string_append_printf (heard, "room%u:", (guint)event->room);
      for (gsize i = 0; i < list->n; i++)
        g_string_append_printf (heard, "%s%u", i > 0 ? "+" : "", (guint)list->speakers[i].track);
      g_string_append_c (heard, ' ');
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
assert_hears (MediaWorker *worker, GString *heard, const char *expected)
{
  g_string_truncate (heard, 0);
  media_worker_tell_play_ended (worker, 1, MEDIA_PLAY_FINISHED, NULL); /* what is held goes before it */
  cfg_mailbox_dispatch (worker->config.to_main, heard);
  g_assert_cmpstr (heard->str, ==, expected);
}

static void
send_stats (MediaWorker *worker)
{
  media_worker_send (worker, media_event_new (MEDIA_EVENT_STATS, 1), CFG_MAILBOX_MAY_DROP);
}

static void
test_full_mailbox (void)
{
  const MediaSpeaker both[] = { { .track = 1, .level = 0.5 }, { .track = 2, .level = 0.25 } };
  g_autoptr (CfgMailbox) mailbox = cfg_mailbox_new (2);
  MediaWorker worker = { .config = { .to_main = mailbox, .event = on_event } };
  g_autoptr (GString) heard = g_string_new (NULL);

  worker.told = media_worker_told_new ();
  g_queue_init (&worker.held);
  for (guint i = 0; i < 5; i++)
    send_stats (&worker);
  media_worker_tell_speakers (&worker, 7, both, 1);
  media_worker_tell_speakers (&worker, 8, both, 2);
  media_worker_tell_speakers (&worker, 7, both, 2);
  media_worker_tell_speakers (&worker, 7, NULL, 0); /* nobody speaks: nothing follows */
  assert_hears (&worker, heard, "stats stats room7: room8:1+2 ended ");
  g_assert_cmpuint (cfg_mailbox_dropped (mailbox), ==, 3);

  /* Each turn of it anew, and nothing without a reason. */
  assert_hears (&worker, heard, "ended ");
  media_worker_tell_speakers (&worker, 7, both, 2);
  assert_hears (&worker, heard, "room7:1+2 ended ");

  /* The room goes while something is under way. */
  media_worker_tell_speakers (&worker, 7, both, 1);
  g_hash_table_remove_all (worker.told);
  assert_hears (&worker, heard, "room7:1 ended ");
  media_worker_tell_speakers (&worker, 8, both, 1);
  media_worker_tell_play_ended (&worker, 2, MEDIA_PLAY_FINISHED, NULL);
  g_hash_table_unref (worker.told);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/newest/replaces", test_replaces);
  g_test_add_func ("/media/newest/threads", test_threads);
  g_test_add_func ("/media/newest/full_mailbox", test_full_mailbox);
  return g_test_run ();
}
