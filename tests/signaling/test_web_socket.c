/* WebSockets: getting in, messages, and all the ways in which one ends. */
#include "web_owner.h"

#include <string.h>

static void
test_upgrade (void)
{
  WebOwner owner;
  g_autoptr (WebClient) by_query = NULL, by_header = NULL, without = NULL;
  g_autofree char *accepted = NULL, *refused = NULL;

  web_owner_setup (&owner);
  by_query = web_owner_client (&owner);
  g_assert_cmpint (web_client_upgrade (by_query, "?access_token=good", "", &accepted), ==, 101);
  g_assert_nonnull (strstr (accepted, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  by_header = web_owner_client (&owner);
  g_assert_cmpint (web_client_upgrade (by_header, "", "Authorization: Bearer good\r\n", NULL), ==, 101);
  without = web_owner_client (&owner);
  g_assert_cmpint (web_client_upgrade (without, "", "", &refused), ==, 401);
  g_assert_nonnull (strstr (refused, "A token is needed."));
  web_client_wait_end (without);
  g_assert_cmpstr (owner.log->str, ==, "open(good) open(good) open(-) ");
  g_assert_cmpuint (owner.open->len, ==, 2);
  web_owner_teardown (&owner);
}

static void
test_refused_upgrades (void)
{
  static const struct
  {
    const char *headers;
    int status;
  } rows[] = {
    { "Origin: https://evil.example\r\n", 403 },   { "Origin: null\r\n", 403 },
    { "Origin: https://friend.example\r\n", 101 }, { "Origin: http://127.0.0.1\r\n", 101 },
    { "Origin: http://127.0.0.1:81\r\n", 403 },    { "Origin: https://127.0.0.1.evil.example\r\n", 403 },
    { "Sec-WebSocket-Protocol: chat\r\n", 400 },   { "Sec-WebSocket-Protocol: chat, switchroom\r\n", 101 },
  };
  static const char *const raw[] = {
    "GET /ws?access_token=good HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "GET /ws?access_token=good HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n",
    "GET /ws?access_token=good HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "GET /other HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  };
  static const char *const statuses[] = { "426", "400", "400", "404" };
  WebOwner owner;

  web_owner_setup (&owner);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (WebClient) client = web_owner_client (&owner);

      g_assert_cmpint (web_client_upgrade (client, "?access_token=good", rows[i].headers, NULL), ==,
                       rows[i].status);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (raw); i++)
    {
      g_autofree char *response = web_owner_ask (&owner, raw[i]);

      web_assert_status (response, statuses[i]);
    }
  web_owner_teardown (&owner);
}

static void
test_long_token (void)
{
  WebOwner owner;
  g_autoptr (WebClient) client = NULL;
  g_autofree char *fill = g_strnfill (16000, 'x'), *query = g_strconcat ("?access_token=", fill, NULL);

  web_owner_setup (&owner);
  client = web_owner_client (&owner);
  g_assert_cmpint (web_client_upgrade (client, query, "", NULL), ==, 101);
  web_owner_teardown (&owner);
}

static void
test_messages (void)
{
  WebOwner owner;
  g_autoptr (WebClient) client = NULL;
  g_autofree char *large = g_strnfill (99999, 'm'), *first = NULL, *second = NULL, *third = NULL,
                  *empty = NULL;
  guint8 opcode;
  gsize size;

  web_owner_setup (&owner);
  client = web_owner_join (&owner);
  web_client_frame (client, TRUE, 1, "hello", 5);
  first = web_client_wait_frame (client, &opcode, NULL);
  g_assert_cmpstr (first, ==, "hello");
  g_assert_cmpint (opcode, ==, 1);
  web_client_frame (client, TRUE, 1, large, 99999);
  second = web_client_wait_frame (client, &opcode, &size);
  g_assert_cmpuint (size, ==, 99999);
  web_client_frame (client, TRUE, 1, "", 0);
  empty = web_client_wait_frame (client, &opcode, &size);
  g_assert_cmpuint (size, ==, 0);
  web_client_frame (client, TRUE, 1, "a\0b", 3);
  third = web_client_wait_frame (client, &opcode, &size);
  g_assert_cmpuint (size, ==, 3);
  g_assert_cmpstr (owner.log->str, ==, "open(good) message(5) message(99999) message(0) message(3) ");
  web_owner_teardown (&owner);
}

static void
test_fragments_and_ping (void)
{
  WebOwner owner;
  g_autoptr (WebClient) client = NULL;
  g_autofree char *first = NULL, *second = NULL;
  guint8 opcode, other;

  web_owner_setup (&owner);
  client = web_owner_join (&owner);
  /* U+00FC is cut in two; a ping may come in between */
  web_client_frame (client, FALSE, 1, "one \xc3", 5);
  web_client_frame (client, TRUE, 9, "are you there", 13);
  web_client_frame (client, FALSE, 0, "\xbc", 1);
  web_client_frame (client, TRUE, 0, " two", 4);
  /* the answer may overtake the pong */
  first = web_client_wait_frame (client, &opcode, NULL);
  second = web_client_wait_frame (client, &other, NULL);
  g_assert_cmpint (opcode + other, ==, 10 + 1);
  g_assert_cmpstr (opcode == 10 ? first : second, ==, "are you there");
  g_assert_cmpstr (opcode == 10 ? second : first, ==, "one \xc3\xbc two");
  web_owner_teardown (&owner);
}

static void
test_bad_messages (void)
{
  WebOwner owner;
  g_autofree char *large = g_strnfill (100001, 'm');
  g_autoptr (WebClient) oversized = NULL, pieces = NULL, binary = NULL, encoded = NULL, claimed = NULL;

  web_owner_setup (&owner);
  oversized = web_owner_join (&owner);
  web_client_frame (oversized, TRUE, 1, large, 100001);
  g_assert_cmpint (web_client_wait_close (oversized), ==, 1009);
  pieces = web_owner_join (&owner);
  web_client_frame (pieces, FALSE, 1, large, 60000);
  web_client_frame (pieces, TRUE, 0, large, 60000);
  g_assert_cmpint (web_client_wait_close (pieces), ==, 1009);
  binary = web_owner_join (&owner);
  web_client_frame (binary, TRUE, 2, "\x01\x02", 2);
  g_assert_cmpint (web_client_wait_close (binary), ==, 1003);
  encoded = web_owner_join (&owner);
  web_client_frame (encoded, TRUE, 1, "\xc3\x28", 2);
  g_assert_cmpint (web_client_wait_close (encoded), ==, 1007);
  claimed = web_owner_join (&owner);
  web_client_send (claimed, "\x81\xff\x00\x00\x7f\xff\xff\xff\xff\xff\x01\x02\x03\x04xyz", 17);
  g_assert_cmpint (web_client_wait_close (claimed), ==, 1009);
  g_clear_pointer (&oversized, web_client_free);
  g_clear_pointer (&pieces, web_client_free);
  g_clear_pointer (&binary, web_client_free);
  g_clear_pointer (&encoded, web_client_free);
  g_clear_pointer (&claimed, web_client_free);
  web_until (web_owner_all_closed, &owner);
  g_assert_null (strstr (owner.log->str, "message"));
  web_owner_teardown (&owner);
}

static void
test_server_closes (void)
{
  WebOwner owner;
  g_autoptr (WebClient) client = NULL;
  g_autofree char *echo = NULL, *reason = NULL;
  SigWebConnId conn;
  guint8 opcode;

  web_owner_setup (&owner);
  client = web_owner_join (&owner);
  conn = g_array_index (owner.open, SigWebConnId, 0);
  sig_web_send (owner.web, conn, "last words", 10);
  g_assert_cmpuint (sig_web_queued (owner.web, conn), ==, 0);
  sig_web_close (owner.web, conn, 4001, "as you like");
  sig_web_send (owner.web, conn, "too late", 8);
  echo = web_client_wait_frame (client, &opcode, NULL);
  g_assert_cmpstr (echo, ==, "last words");
  reason = web_client_wait_frame (client, &opcode, NULL);
  g_assert_cmpint (opcode, ==, 8);
  g_assert_cmpstr (reason + 2, ==, "as you like");
  web_client_frame (client, TRUE, 8, "\x0f\xa1", 2);
  web_until (web_owner_all_closed, &owner);
  /* the id names nothing any more */
  sig_web_send (owner.web, conn, "x", 1);
  sig_web_close (owner.web, conn, 1000, NULL);
  g_assert_cmpuint (sig_web_queued (owner.web, conn), ==, 0);
  g_assert_cmpstr (owner.log->str, ==, "open(good) closed ");
  web_owner_teardown (&owner);
}

static void
test_client_closes (void)
{
  WebOwner owner;
  g_autoptr (WebClient) polite = NULL, rude = NULL;

  web_owner_setup (&owner);
  polite = web_owner_join (&owner);
  web_client_frame (polite, TRUE, 8, "\x03\xe8", 2);
  g_assert_cmpint (web_client_wait_close (polite), ==, 1000);
  web_until (web_owner_all_closed, &owner);
  rude = web_owner_join (&owner);
  g_clear_pointer (&rude, web_client_free);
  web_until (web_owner_all_closed, &owner);
  g_assert_cmpstr (owner.log->str, ==, "open(good) closed open(good) closed ");
  web_owner_teardown (&owner);
}

/* Neither reads the other's messages nor waits for it. */
static void
test_two_connections (void)
{
  WebOwner owner;
  g_autoptr (WebClient) a = NULL, b = NULL;
  SigWebConnId first, second;
  g_autofree char *to_a = NULL, *to_b = NULL;
  guint8 opcode;

  web_owner_setup (&owner);
  a = web_owner_join (&owner);
  b = web_owner_join (&owner);
  first = g_array_index (owner.open, SigWebConnId, 0);
  second = g_array_index (owner.open, SigWebConnId, 1);
  g_assert_cmpuint (first, !=, second);
  sig_web_send (owner.web, second, "for b", 5);
  sig_web_send (owner.web, first, "for a", 5);
  to_a = web_client_wait_frame (a, &opcode, NULL);
  to_b = web_client_wait_frame (b, &opcode, NULL);
  g_assert_cmpstr (to_a, ==, "for a");
  g_assert_cmpstr (to_b, ==, "for b");
  web_owner_teardown (&owner);
}

static gboolean
queue_overflowed (gpointer data)
{
  WebOwner *owner = data;
  g_autofree char *text = g_strnfill (50000, 's');
  SigWebConnId conn = g_array_index (owner->open, SigWebConnId, 0);
  gsize before = sig_web_queued (owner->web, conn);

  sig_web_send (owner->web, conn, text, 50000);
  g_assert_cmpuint (sig_web_queued (owner->web, conn), <=, 200000);
  return before > 0 && sig_web_queued (owner->web, conn) < before;
}

/* What was on its way, then a close frame that says why. */
static void
assert_cut_off (WebClient *client)
{
  for (;;)
    {
      guint8 opcode;
      g_autofree char *payload = web_client_wait_frame (client, &opcode, NULL);

      g_assert_nonnull (payload);
      if (opcode != 8)
        continue;
      g_assert_cmpint ((guint8)payload[0] << 8 | (guint8)payload[1], ==, 1008);
      g_assert_true (g_str_has_prefix (payload + 2, "slow consumer: "));
      return;
    }
}

/* The kernel's buffers are filled first; then the queue; then the socket is given up, and told so as soon as
 * it reads again. */
static void
test_slow_consumer (void)
{
  WebOwner owner;
  g_autoptr (WebClient) slow = NULL, other = NULL;
  g_autofree char *echo = NULL;
  SigWebStats stats;
  guint8 opcode;

  web_owner_setup (&owner);
  slow = web_owner_join (&owner);
  web_client_set_paused (slow, TRUE);
  for (guint i = 0; i < 2000 && !queue_overflowed (&owner); i++)
    while (g_main_context_iteration (NULL, FALSE))
      continue;
  other = web_owner_join (&owner);
  web_client_frame (other, TRUE, 1, "still here", 10);
  echo = web_client_wait_frame (other, &opcode, NULL);
  g_assert_cmpstr (echo, ==, "still here");
  web_client_set_paused (slow, FALSE);
  assert_cut_off (slow);
  sig_web_get_stats (owner.web, &stats);
  g_assert_cmpuint (stats.n_slow_total, ==, 1);
  g_assert_cmpuint (stats.queued_bytes, ==, 0);
  g_clear_pointer (&slow, web_client_free);
  g_clear_pointer (&other, web_client_free);
  web_until (web_owner_all_closed, &owner);
  web_owner_teardown (&owner);
}

/* Nobody is taken for dead because the machine is busy. */
static void
setup_patient (WebOwner *owner)
{
  const SigWebConfig config = { .bind = "127.0.0.1", .max_message_bytes = 100000, .max_queue_bytes = 200000 };

  web_owner_setup_with (owner, &config);
}

typedef struct
{
  WebOwner *owner;
  guint asked;
} Unread;

static gboolean
reading_stopped (gpointer data)
{
  const Unread *unread = data;
  SigWebStats stats;

  sig_web_get_stats (unread->owner->web, &stats);
  g_assert_cmpuint (stats.queued_bytes, <=, 65536 + 50000);
  g_assert_cmpuint (unread->owner->n_messages, <, unread->asked);
  return stats.n_paused_total > 0;
}

/* Answers of 50 kB to requests of 4 bytes, more than the kernel's buffers hold: nothing is lost, nobody is
 * cut off, and no more waits in memory than one answer above the limit. */
static void
test_requests_faster_than_answers (void)
{
  WebOwner owner;
  g_autoptr (WebClient) client = NULL, other = NULL;
  g_autofree char *echo = NULL;
  Unread unread = { &owner, 1500 };
  guint8 opcode;

  setup_patient (&owner);
  client = web_owner_join (&owner);
  web_client_set_paused (client, TRUE);
  for (guint i = 0; i < unread.asked; i++)
    web_client_frame (client, TRUE, 1, "much", 4);
  web_until (reading_stopped, &unread);
  other = web_owner_join (&owner);
  web_client_frame (other, TRUE, 1, "still here", 10);
  echo = web_client_wait_frame (other, &opcode, NULL);
  g_assert_cmpstr (echo, ==, "still here");
  web_client_set_paused (client, FALSE);
  for (guint i = 0; i < unread.asked; i++)
    {
      gsize size = 0;
      g_autofree char *answer = web_client_wait_frame (client, &opcode, &size);

      g_assert_nonnull (answer);
      g_assert_cmpuint (size, ==, 50000);
    }
  g_assert_cmpuint (owner.n_messages, ==, unread.asked + 1);
  web_owner_teardown (&owner);
}

/* One text in memory, also while it waits for somebody, and after its maker has given it up. */
static void
test_shared_message (void)
{
  WebOwner owner;
  g_autoptr (WebClient) a = NULL, b = NULL;
  g_autofree char *large = g_strnfill (60000, 'l');
  SigWebMessage *message;
  guint n = 0;

  setup_patient (&owner);
  a = web_owner_join (&owner);
  b = web_owner_join (&owner);
  web_client_set_paused (b, TRUE);
  message = sig_web_message_new (large, 60000);
  for (; sig_web_queued (owner.web, g_array_index (owner.open, SigWebConnId, 1)) < 100000; n++)
    {
      guint8 opcode;
      g_autofree char *text = NULL;

      for (guint i = 0; i < 2; i++)
        sig_web_post (owner.web, g_array_index (owner.open, SigWebConnId, i), message);
      text = web_client_wait_frame (a, &opcode, NULL);
      g_assert_cmpstr (text, ==, large);
    }
  sig_web_message_unref (message);
  web_client_set_paused (b, FALSE);
  for (guint i = 0; i < n; i++)
    {
      guint8 opcode;
      g_autofree char *text = web_client_wait_frame (b, &opcode, NULL);

      g_assert_cmpint (opcode, ==, 1);
      g_assert_cmpstr (text, ==, large);
    }
  web_owner_teardown (&owner);
}

/* ping_interval_s is 1 here: a client that answers nothing is dropped after 2 s. */
static void
test_dead_peer (void)
{
  WebOwner owner;
  g_autoptr (WebClient) client = NULL;
  g_autofree char *ping = NULL;
  guint8 opcode = 0;

  web_owner_setup (&owner);
  client = web_owner_join (&owner);
  ping = web_client_wait_frame (client, &opcode, NULL);
  g_assert_cmpint (opcode, ==, 9);
  g_assert_cmpint (web_client_wait_close (client), ==, 1008);
  web_until (web_owner_all_closed, &owner);
  web_owner_teardown (&owner);
}

/* More than the kernel takes, whose buffers grow for a while; less than the limit. */
static void
let_something_wait (const WebOwner *owner)
{
  const SigWebConnId conn = g_array_index (owner->open, SigWebConnId, 0);
  g_autofree char *text = g_strnfill (50000, 'q');
  guint n_full = 0;

  for (guint i = 0; i < 2000 && n_full < 20; i++)
    {
      n_full = sig_web_queued (owner->web, conn) >= 100000 ? n_full + 1 : 0;
      if (n_full == 0)
        sig_web_send (owner->web, conn, text, 50000);
      else
        g_usleep (10000);
      while (g_main_context_iteration (NULL, FALSE))
        continue;
    }
  g_assert_cmpuint (n_full, ==, 20);
}

static gboolean
is_slow (gpointer data)
{
  const WebOwner *owner = data;
  SigWebStats stats;

  sig_web_get_stats (owner->web, &stats);
  return stats.n_slow_total > 0;
}

/* Less waits than the limit, and for long: a client that is there and does not read is told so, although it
 * does not answer pings either. */
static void
test_reader_that_stands_still (void)
{
  WebOwner owner;
  g_autoptr (WebClient) client = NULL;

  web_owner_setup (&owner);
  client = web_owner_join (&owner);
  web_client_set_paused (client, TRUE);
  let_something_wait (&owner);
  web_until (is_slow, &owner);
  web_client_set_paused (client, FALSE);
  assert_cut_off (client);
  g_clear_pointer (&client, web_client_free);
  web_until (web_owner_all_closed, &owner);
  web_owner_teardown (&owner);
}

static gboolean
is_over (gpointer data)
{
  return *(gboolean *)data;
}

static gboolean
on_over (gpointer data)
{
  *(gboolean *)data = TRUE;
  return G_SOURCE_REMOVE;
}

/* It takes a little now and then, with more than it takes waiting all the time: it stays. */
static void
test_reader_that_is_slow (void)
{
  WebOwner owner;
  SigWebStats stats;
  g_autoptr (WebClient) client = NULL;

  web_owner_setup (&owner);
  client = web_owner_join (&owner);
  web_client_set_paused (client, TRUE);
  for (guint i = 0; i < 7; i++)
    {
      gboolean over = FALSE;

      let_something_wait (&owner);
      g_timeout_add (400, on_over, &over);
      web_until (is_over, &over);
      g_assert_cmpuint (owner.open->len, ==, 1);
      web_client_take (client, 3000000);
    }
  sig_web_get_stats (owner.web, &stats);
  g_assert_cmpuint (stats.n_slow_total, ==, 0);
  web_owner_teardown (&owner);
}

static void
test_free_says_goodbye (void)
{
  WebOwner owner;
  g_autoptr (WebClient) client = NULL;

  web_owner_setup (&owner);
  client = web_owner_join (&owner);
  web_owner_teardown (&owner);
  g_assert_cmpint (web_client_wait_close (client), ==, 1001);
}

/* What the main loop polls. */
static int
n_polled (void)
{
  GMainContext *context = g_main_context_default ();
  int priority, timeout, n;

  while (g_main_context_iteration (context, FALSE))
    continue;
  g_assert_true (g_main_context_acquire (context));
  (void)g_main_context_prepare (context, &priority);
  n = g_main_context_query (context, G_MAXINT, &timeout, NULL, 0);
  g_main_context_release (context);
  return n;
}

/* The connections are in one descriptor; of each client its own side is polled too. */
static void
test_one_descriptor (void)
{
  WebOwner owner;
  WebClient *clients[20];
  int before;

  setup_patient (&owner);
  before = n_polled ();
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    clients[i] = web_owner_join (&owner);
  g_assert_cmpint (n_polled (), ==, before + (int)G_N_ELEMENTS (clients));
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    web_client_free (clients[i]);
  web_owner_teardown (&owner);
}

#define ADD(name, func) g_test_add_func ("/signaling/web/" name, func)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("upgrade", test_upgrade);
  ADD ("refused_upgrades", test_refused_upgrades);
  ADD ("long_token", test_long_token);
  ADD ("messages", test_messages);
  ADD ("fragments_and_ping", test_fragments_and_ping);
  ADD ("bad_messages", test_bad_messages);
  ADD ("server_closes", test_server_closes);
  ADD ("client_closes", test_client_closes);
  ADD ("two_connections", test_two_connections);
  ADD ("slow_consumer", test_slow_consumer);
  ADD ("requests_faster_than_answers", test_requests_faster_than_answers);
  ADD ("one_descriptor", test_one_descriptor);
  ADD ("shared_message", test_shared_message);
  ADD ("dead_peer", test_dead_peer);
  ADD ("reader_that_stands_still", test_reader_that_stands_still);
  ADD ("reader_that_is_slow", test_reader_that_is_slow);
  ADD ("free_says_goodbye", test_free_says_goodbye);
  return g_test_run ();
}
