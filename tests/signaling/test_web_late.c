/* HTTP requests whose answer comes later: the connection may be gone by then, and the next request may be
 * there already. */
#include "web_owner.h"

#include <string.h>

static void
respond (WebOwner *owner, guint index, const char *text)
{
  sig_web_respond (owner->web, g_array_index (owner->later, SigWebHttpId, index), 200, "text/plain",
                   g_bytes_new (text, strlen (text)));
}

typedef struct
{
  WebOwner *owner;
  guint n;
} Wanted;

static gboolean
has_asked (gpointer data)
{
  const Wanted *wanted = data;

  return wanted->owner->later->len >= wanted->n;
}

static void
wait_asked (WebOwner *owner, guint n)
{
  web_until (has_asked, &(Wanted){ owner, n });
}

/* Long enough for what must not happen. */
static void
turn_loop (void)
{
  for (int turn = 0; turn < 50; turn++)
    {
      g_main_context_iteration (NULL, FALSE);
      g_usleep (1000);
    }
}

static void
assert_response (WebClient *client, const char *body)
{
  g_autofree char *response = web_client_wait_response (client);

  web_assert_status (response, "200");
  g_assert_true (g_str_has_suffix (response, body));
}

#define POST_LATER(path, body)                                                                               \
  "POST " path " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " G_STRINGIFY (body) "\r\n\r\n"

static void
test_then_the_next (void)
{
  WebOwner owner;
  g_autoptr (WebClient) client = NULL;

  web_owner_setup (&owner);
  client = web_owner_client (&owner);
  for (guint i = 0; i < 3; i++)
    {
      web_client_send_text (client, POST_LATER ("/later", 2) "ab");
      wait_asked (&owner, i + 1);
      respond (&owner, i, "first words");
      respond (&owner, i, "a second answer is none");
      assert_response (client, "first words");
      respond (&owner, i, "nor one afterwards");
    }
  web_client_send_text (client, WEB_GET ("/answer"));
  assert_response (client, "{\"ok\":true}");
  web_owner_teardown (&owner);
}

/* RFC 9112 9.3.2: who sends the next request before the answer to a POST must be ready for the connection to
 * end. It must not harm others, and no request may run twice. */
static void
test_pipelined_behind_late (void)
{
  static const char *const behind[]
      = { POST_LATER ("/later", 2) "cd", POST_LATER ("/answer", 0), WEB_GET ("/answer"), "\r\n", "x" };

  for (guint i = 0; i < G_N_ELEMENTS (behind); i++)
    for (int at_once = 0; at_once < 2; at_once++)
      {
        WebOwner owner;
        g_autoptr (WebClient) client = NULL;
        g_autofree char *both = g_strconcat (POST_LATER ("/later", 2) "ab", behind[i], NULL);

        web_owner_setup (&owner);
        client = web_owner_client (&owner);
        web_client_send_text (client, at_once ? both : POST_LATER ("/later", 2) "ab");
        wait_asked (&owner, 1);
        if (!at_once)
          web_client_send_text (client, behind[i]);
        web_client_wait_end (client);
        g_assert_cmpuint (owner.later->len, ==, 1);
        respond (&owner, 0, "to nobody");
        g_clear_pointer (&client, web_client_free);
        client = web_owner_client (&owner);
        web_client_send_text (client, WEB_GET ("/answer"));
        assert_response (client, "{\"ok\":true}");
        web_owner_teardown (&owner);
      }
}

/* Whatever follows whatever in one piece, others are served. */
static void
test_pipelined (void)
{
  static const char *const pieces[] = {
    WEB_GET ("/answer"),
    WEB_GET ("/"),
    "HEAD /answer HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    POST_LATER ("/answer", 0),
    POST_LATER ("/answer", 2) "ab",
    POST_LATER ("/nothing", 2) "ab",
    POST_LATER ("/answer", 200000) "ab",
    "POST /answer HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "GET /answer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\nab",
    "PUT /answer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\nab",
    "DELETE /answer HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "\r\n",
    "x",
  };
  WebOwner owner;

  web_owner_setup (&owner);
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    for (guint j = 0; j < G_N_ELEMENTS (pieces); j++)
      {
        g_autoptr (WebClient) client = web_owner_client (&owner), other = web_owner_client (&owner);
        g_autofree char *three
            = g_strconcat (pieces[i], pieces[j], pieces[(i + j) % G_N_ELEMENTS (pieces)], NULL);

        web_client_send_text (client, three);
        for (int turn = 0; turn < 10; turn++)
          g_main_context_iteration (NULL, FALSE);
        web_client_send_text (other, WEB_GET ("/answer"));
        assert_response (other, "{\"ok\":true}");
      }
  web_owner_teardown (&owner);
}

/* An answer that is ready goes out, whatever is behind its request. */
static void
test_pipelined_behind_post (void)
{
  WebOwner owner;
  g_autoptr (WebClient) client = NULL;

  web_owner_setup (&owner);
  client = web_owner_client (&owner);
  web_client_send_text (client, POST_LATER ("/answer", 2) "ab" WEB_GET ("/answer"));
  assert_response (client, "{\"ok\":true}");
  web_owner_teardown (&owner);
}

static void
test_client_is_gone (void)
{
  WebOwner owner;
  WebClient *client;

  web_owner_setup (&owner);
  client = web_owner_client (&owner);
  web_client_send_text (client, POST_LATER ("/later", 2) "ab");
  wait_asked (&owner, 1);
  web_client_free (client);
  turn_loop ();
  respond (&owner, 0, "to nobody");
  /* Answered, but the socket has not taken it yet. */
  client = web_owner_client (&owner);
  web_client_send_text (client, POST_LATER ("/later", 2) "ab");
  wait_asked (&owner, 2);
  respond (&owner, 1, "to nobody");
  web_client_free (client);
  turn_loop ();
  web_owner_teardown (&owner);
}

static void
test_server_ends (void)
{
  WebOwner owner;
  g_autoptr (WebClient) client = NULL, other = NULL;

  web_owner_setup (&owner);
  client = web_owner_client (&owner);
  other = web_owner_client (&owner);
  web_client_send_text (client, POST_LATER ("/later", 2) "ab");
  wait_asked (&owner, 1);
  web_client_send_text (other, WEB_GET ("/later"));
  wait_asked (&owner, 2);
  respond (&owner, 1, "too late");
  web_owner_teardown (&owner);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/web-late/then-the-next", test_then_the_next);
  g_test_add_func ("/web-late/pipelined", test_pipelined);
  g_test_add_func ("/web-late/pipelined-behind-late", test_pipelined_behind_late);
  g_test_add_func ("/web-late/pipelined-behind-post", test_pipelined_behind_post);
  g_test_add_func ("/web-late/client-is-gone", test_client_is_gone);
  g_test_add_func ("/web-late/server-ends", test_server_ends);
  return g_test_run ();
}
