/* Ids, secrets, error words, and the mailbox with real threads. */
#include <malloc.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "config/base/clock.h"
#include "config/base/error.h"
#include "config/base/ids.h"
#include "config/base/log.h"
#include "config/base/mailbox.h"
#include "config/base/memory.h"

static void
ids_have_their_shape (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (int i = 0; i < 2000; i++)
    {
      char *id = cfg_id_new ("SCL_");

      g_assert_cmpuint (strlen (id), ==, 16);
      g_assert_true (g_str_has_prefix (id, "SCL_"));
      g_assert_cmpuint (strspn (id + 4, "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"), ==, 12);
      g_assert_true (g_hash_table_add (seen, id));
    }
}

static void
random_numbers_differ (void)
{
  guint8 bytes[64] = { 0 }, zero[64] = { 0 };

  cfg_random_bytes (bytes, sizeof bytes);
  g_assert_cmpint (memcmp (bytes, zero, sizeof bytes), !=, 0);
  g_assert_cmpuint (cfg_random_u64 (), !=, cfg_random_u64 ());
}

static void
secrets_are_equal_only_to_themselves (void)
{
  g_assert_true (cfg_secret_equal ("secret", "secret"));
  g_assert_true (cfg_secret_equal ("", ""));
  g_assert_false (cfg_secret_equal ("secret", "secreT"));
  g_assert_false (cfg_secret_equal ("secret", "secret "));
  g_assert_false (cfg_secret_equal ("secret", ""));
  g_assert_false (cfg_secret_equal ("", "secret"));
  g_assert_false (cfg_secret_equal ("ab", "abab"));
  g_assert_false (cfg_secret_equal ("abab", "ab"));
  g_assert_false (cfg_secret_equal (NULL, "secret"));
  g_assert_false (cfg_secret_equal ("secret", NULL));
  g_assert_false (cfg_secret_equal (NULL, NULL));
}

static void
error_words (void)
{
  g_assert_cmpstr (cfg_error_word (CFG_ERROR_NOT_FOUND), ==, "not_found");
  g_assert_cmpstr (cfg_error_word (CFG_ERROR_UNAVAILABLE), ==, "unavailable");
  g_assert_cmpstr (cfg_error_word ((CfgErrorCode)9999), ==, "unknown");
}

static void
clocks_advance (void)
{
  CfgMonotonic before = cfg_monotonic_now ();

  g_assert_cmpint (cfg_monotonic_diff_us (cfg_monotonic_now (), before), >=, 0);
  g_assert_cmpint (cfg_monotonic_diff_us (cfg_monotonic_add_us (before, 5), before), ==, 5);
  g_assert_cmpint (cfg_wall_now ().us, >, G_GINT64_CONSTANT (1700000000) * CFG_US_PER_S);
}

/* --- mailbox ------------------------------------------------------------------------------------------- */

typedef struct
{
  CfgMessage base;
  guint sender, number;
  gboolean was_run;
  guint *n_destroyed;
} NumberMessage;

typedef struct
{
  guint next[8]; /* by sender */
  guint n_run;
  GMainLoop *loop;
  guint wanted;
} Owner;

static void
run_number (CfgMessage *base, gpointer data)
{
  NumberMessage *message = (NumberMessage *)base;
  Owner *owner = data;

  g_assert_false (message->was_run);
  message->was_run = TRUE;
  g_assert_cmpuint (message->number, ==, owner->next[message->sender]);
  owner->next[message->sender]++;
  owner->n_run++;
  if (owner->loop != NULL && owner->n_run == owner->wanted)
    g_main_loop_quit (owner->loop);
}

static void
destroy_number (CfgMessage *base)
{
  NumberMessage *message = (NumberMessage *)base;

  if (message->n_destroyed != NULL)
    ++*message->n_destroyed;
  g_free (message);
}

static CfgMessage *
number_message (guint sender, guint number, guint *n_destroyed)
{
  NumberMessage *message = g_new0 (NumberMessage, 1);

  message->base.run = run_number;
  message->base.destroy = destroy_number;
  message->sender = sender;
  message->number = number;
  message->n_destroyed = n_destroyed;
  return &message->base;
}

static gboolean
is_readable (int fd)
{
  struct pollfd ready = { .fd = fd, .events = POLLIN };

  return poll (&ready, 1, 0) == 1;
}

static void
mailbox_delivers_in_order_and_frees (void)
{
  g_autoptr (CfgMailbox) mailbox = cfg_mailbox_new (10);
  Owner owner = { 0 };
  guint n_destroyed = 0;

  g_assert_false (is_readable (cfg_mailbox_fd (mailbox)));
  for (guint i = 0; i < 5; i++)
    g_assert_true (cfg_mailbox_post (mailbox, number_message (0, i, &n_destroyed), CFG_MAILBOX_MAY_DROP));
  g_assert_true (is_readable (cfg_mailbox_fd (mailbox)));
  g_assert_cmpuint (cfg_mailbox_dispatch (mailbox, &owner), ==, 5);
  g_assert_cmpuint (owner.n_run, ==, 5);
  g_assert_cmpuint (n_destroyed, ==, 5);
  g_assert_false (is_readable (cfg_mailbox_fd (mailbox)));
  g_assert_cmpuint (cfg_mailbox_dispatch (mailbox, &owner), ==, 0);
}

/* Without any time there is one message for each call, and who waits on the descriptor hears of the rest. */
static void
mailbox_takes_its_time (void)
{
  g_autoptr (CfgMailbox) mailbox = cfg_mailbox_new (10);
  Owner owner = { 0 };
  guint n_destroyed = 0;

  g_assert_cmpuint (cfg_mailbox_dispatch_for (mailbox, &owner, 0), ==, 0);
  for (guint i = 0; i < 3; i++)
    g_assert_true (cfg_mailbox_post (mailbox, number_message (0, i, &n_destroyed), CFG_MAILBOX_MAY_DROP));
  for (guint i = 1; i <= 3; i++)
    {
      g_assert_true (is_readable (cfg_mailbox_fd (mailbox)));
      g_assert_cmpuint (cfg_mailbox_dispatch_for (mailbox, &owner, 0), ==, 1);
      g_assert_cmpuint (n_destroyed, ==, i);
      g_assert_cmpuint (cfg_mailbox_waiting (mailbox), ==, 3 - i);
    }
  g_assert_false (is_readable (cfg_mailbox_fd (mailbox)));
  g_assert_true (cfg_mailbox_post (mailbox, number_message (0, 3, &n_destroyed), CFG_MAILBOX_MAY_DROP));
  g_assert_true (is_readable (cfg_mailbox_fd (mailbox)));
  g_assert_cmpuint (cfg_mailbox_dispatch_for (mailbox, &owner, CFG_US_PER_S), ==, 1);
  g_assert_cmpuint (owner.n_run, ==, 4);
}

static void
mailbox_drops_only_what_may_be_dropped (void)
{
  CfgMailbox *mailbox = cfg_mailbox_new (2);
  Owner owner = { 0 };
  guint n_destroyed = 0;

  g_assert_true (cfg_mailbox_post (mailbox, number_message (0, 0, &n_destroyed), CFG_MAILBOX_MAY_DROP));
  g_assert_true (cfg_mailbox_post (mailbox, number_message (0, 1, &n_destroyed), CFG_MAILBOX_MAY_DROP));
  g_assert_false (cfg_mailbox_post (mailbox, number_message (0, 99, &n_destroyed), CFG_MAILBOX_MAY_DROP));
  g_assert_cmpuint (n_destroyed, ==, 1);
  g_assert_true (cfg_mailbox_post (mailbox, number_message (0, 2, &n_destroyed), CFG_MAILBOX_MUST_DELIVER));
  g_assert_cmpuint (cfg_mailbox_dropped (mailbox), ==, 1);
  g_assert_cmpuint (cfg_mailbox_dispatch (mailbox, &owner), ==, 3);
  g_assert_true (cfg_mailbox_post (mailbox, number_message (0, 3, &n_destroyed), CFG_MAILBOX_MAY_DROP));
  cfg_mailbox_free (mailbox);
  g_assert_cmpuint (n_destroyed, ==, 5);
  g_assert_cmpuint (owner.n_run, ==, 3);
}

typedef struct
{
  CfgMessage base;
  CfgMailbox *mailbox;
} EchoMessage;

static void
run_echo (CfgMessage *base, gpointer data)
{
  EchoMessage *message = (EchoMessage *)base;
  Owner *owner = data;

  if (owner->n_run++ == 0)
    {
      EchoMessage *again = g_new0 (EchoMessage, 1);

      *again = *message;
      g_assert_true (cfg_mailbox_post (message->mailbox, &again->base, CFG_MAILBOX_MUST_DELIVER));
    }
}

static void
destroy_echo (CfgMessage *base)
{
  g_free (base);
}

/* A message that posts to its own mailbox must not keep the owner busy for ever in one dispatch. */
static void
mailbox_runs_only_what_waited (void)
{
  g_autoptr (CfgMailbox) mailbox = cfg_mailbox_new (2);
  EchoMessage *message = g_new0 (EchoMessage, 1);
  Owner owner = { 0 };

  message->base.run = run_echo;
  message->base.destroy = destroy_echo;
  message->mailbox = mailbox;
  g_assert_true (cfg_mailbox_post (mailbox, &message->base, CFG_MAILBOX_MUST_DELIVER));
  g_assert_cmpuint (cfg_mailbox_dispatch (mailbox, &owner), ==, 1);
  g_assert_true (is_readable (cfg_mailbox_fd (mailbox)));
  g_assert_cmpuint (cfg_mailbox_dispatch (mailbox, &owner), ==, 1);
  g_assert_cmpuint (owner.n_run, ==, 2);
}

#define N_SENDERS 4
#define N_EACH    5000

typedef struct
{
  CfgMailbox *mailbox;
  guint sender;
} Sender;

static gpointer
send_numbers (gpointer data)
{
  Sender *sender = data;

  for (guint i = 0; i < N_EACH; i++)
    g_assert_true (cfg_mailbox_post (sender->mailbox, number_message (sender->sender, i, NULL),
                                     CFG_MAILBOX_MUST_DELIVER));
  return NULL;
}

static void
mailbox_keeps_each_senders_order_across_threads (void)
{
  g_autoptr (CfgMailbox) mailbox = cfg_mailbox_new (16);
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  Owner owner = { .loop = loop, .wanted = N_SENDERS * N_EACH };
  g_autoptr (GSource) source = cfg_mailbox_source_new (mailbox, &owner);
  GThread *threads[N_SENDERS];
  Sender senders[N_SENDERS];

  g_source_attach (source, context);
  for (guint i = 0; i < N_SENDERS; i++)
    {
      senders[i] = (Sender){ mailbox, i };
      threads[i] = g_thread_new ("sender", send_numbers, &senders[i]);
    }
  g_main_loop_run (loop);
  for (guint i = 0; i < N_SENDERS; i++)
    g_thread_join (threads[i]);
  for (guint i = 0; i < N_SENDERS; i++)
    g_assert_cmpuint (owner.next[i], ==, N_EACH);
  g_assert_cmpuint (cfg_mailbox_dropped (mailbox), ==, 0);
  g_source_destroy (source);
}

static gint polled_ready; /* descriptors that the last poll found ready */

static gint
poll_and_note (GPollFD *fds, guint n, gint timeout_ms)
{
  polled_ready = g_poll (fds, n, timeout_ms);
  return polled_ready;
}

/* A loop that wakes itself up finds its own descriptor ready after each dispatch. */
static void
mailbox_turns_the_loop_once (void)
{
  g_autoptr (CfgMailbox) mailbox = cfg_mailbox_new (4);
  g_autoptr (GMainContext) context = g_main_context_new ();
  Owner owner = { 0 };
  g_autoptr (GSource) source = cfg_mailbox_source_new (mailbox, &owner);

  g_main_context_set_poll_func (context, poll_and_note);
  g_source_attach (source, context);
  while (g_main_context_iteration (context, FALSE) || polled_ready > 0)
    ;
  for (guint i = 0; i < 3; i++)
    {
      g_assert_true (cfg_mailbox_post (mailbox, number_message (0, i, NULL), CFG_MAILBOX_MUST_DELIVER));
      g_assert_true (g_main_context_iteration (context, TRUE));
      g_assert_cmpint (polled_ready, ==, 1);
      g_assert_false (g_main_context_iteration (context, FALSE));
      g_assert_cmpint (polled_ready, ==, 0);
    }
  g_assert_cmpuint (owner.n_run, ==, 3);
  g_source_destroy (source);
}

/* To the heap, what a thread keeps for itself counts as used. The thread that helps leaves up to a few
 * hundred bytes of its own in this one's cache, or takes them along: less than a block. */
static void
test_memory_cache (void)
{
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
  g_test_skip ("another allocator");
#else
  gpointer blocks[7];
  gsize before, after;

  cfg_memory_empty_cache ();
  for (gsize i = 0; i < G_N_ELEMENTS (blocks); i++)
    blocks[i] = malloc (1000);
  for (gsize i = 0; i < G_N_ELEMENTS (blocks); i++)
    free (blocks[i]);
  before = mallinfo2 ().uordblks;
  cfg_memory_empty_cache ();
  after = mallinfo2 ().uordblks;
  g_assert_cmpuint (after + (G_N_ELEMENTS (blocks) - 1) * 1000, <=, before);
  cfg_memory_trim ();
#endif
}

#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
static gsize
anonymous_kb (void)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/smaps_rollup", &text, NULL, NULL))
    return 0;
  line = strstr (text, "Anonymous:");
  return line != NULL ? (gsize)g_ascii_strtoull (line + strlen ("Anonymous:"), NULL, 10) : 0;
}

/* A burst in a thread with a heap of its own, and a rest. */
static gpointer
use_and_rest (gpointer data)
{
  gsize *kb = data;
  char *blocks[500];

  for (gsize i = 0; i < G_N_ELEMENTS (blocks); i++)
    {
      blocks[i] = malloc (1000);
      memset (blocks[i], 1, 1000);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (blocks); i++)
    free (blocks[i]);
  kb[0] = anonymous_kb ();
  cfg_memory_empty_cache ();
  kb[1] = anonymous_kb ();
  return NULL;
}
#endif

static void
test_memory_end (void)
{
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
  g_test_skip ("another allocator");
#else
  gsize kb[2] = { 0 };

  g_thread_join (g_thread_new ("burst", use_and_rest, kb));
  if (kb[0] == 0)
    {
      g_test_skip ("no smaps_rollup");
      return;
    }
  g_test_message ("%" G_GSIZE_FORMAT " kB, then %" G_GSIZE_FORMAT, kb[0], kb[1]);
  g_assert_cmpuint (kb[1] + 60, <=, kb[0]);
#endif
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/ids/have_their_shape", ids_have_their_shape);
  g_test_add_func ("/config/ids/random_numbers_differ", random_numbers_differ);
  g_test_add_func ("/config/ids/secrets_are_equal_only_to_themselves", secrets_are_equal_only_to_themselves);
  g_test_add_func ("/config/error/words", error_words);
  g_test_add_func ("/config/clock/advances", clocks_advance);
  g_test_add_func ("/config/mailbox/delivers_in_order_and_frees", mailbox_delivers_in_order_and_frees);
  g_test_add_func ("/config/mailbox/takes_its_time", mailbox_takes_its_time);
  g_test_add_func ("/config/mailbox/drops_only_what_may_be_dropped", mailbox_drops_only_what_may_be_dropped);
  g_test_add_func ("/config/mailbox/runs_only_what_waited", mailbox_runs_only_what_waited);
  g_test_add_func ("/config/mailbox/keeps_each_senders_order_across_threads",
                   mailbox_keeps_each_senders_order_across_threads);
  g_test_add_func ("/config/mailbox/turns_the_loop_once", mailbox_turns_the_loop_once);
  g_test_add_func ("/config/memory/empties_a_threads_cache", test_memory_cache);
  g_test_add_func ("/config/memory/gives_back_the_end_of_a_threads_heap", test_memory_end);
  return g_test_run ();
}
