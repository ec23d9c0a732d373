#include "web_client.h"

#include <string.h>

#include "config/base/error.h"

/* An owner that lets tokens "good" in, echoes messages, and writes down what happens. */
typedef struct
{
  SigWeb *web;
  GString *log;
  GArray *open; /* of SigWebConnId */
  gboolean silent;
} Owner;

static int
owner_open (gpointer data, SigWebConnId conn, const SigWebRequest *request, const char **reason)
{
  Owner *owner = data;

  g_assert_cmpstr (request->method, ==, "GET");
  g_assert_cmpstr (request->path, ==, "/ws");
  g_assert_cmpstr (request->remote, ==, "127.0.0.1");
  g_string_append_printf (owner->log, "open(%s) ", request->token != NULL ? request->token : "-");
  if (g_strcmp0 (request->token, "good") != 0 && (request->token == NULL || strlen (request->token) < 10000))
    {
      *reason = "A token is needed.";
      return 401;
    }
  g_array_append_val (owner->open, conn);
  sig_web_send (owner->web, conn, "welcome", 7);
  return 0;
}

static void
owner_message (gpointer data, SigWebConnId conn, const char *text, gsize size)
{
  Owner *owner = data;

  g_assert_cmpuint (strlen (text), <=, size);
  g_string_append_printf (owner->log, "message(%" G_GSIZE_FORMAT ") ", size);
  if (strcmp (text, "close me") == 0)
    sig_web_close (owner->web, conn, 4001, "as you like");
  if (!owner->silent)
    sig_web_send (owner->web, conn, text, size);
}

static void
owner_closed (gpointer data, SigWebConnId conn)
{
  Owner *owner = data;

  g_string_append (owner->log, "closed ");
  for (guint i = 0; i < owner->open->len; i++)
    if (g_array_index (owner->open, SigWebConnId, i) == conn)
      {
        g_array_remove_index (owner->open, i);
        return;
      }
  g_assert_not_reached ();
}

static void
owner_http (gpointer data, const SigWebRequest *request, SigWebResponse *response)
{
  Owner *owner = data;

  g_string_append_printf (owner->log, "%s(%s,%s,%s,%s) ", request->method, request->path,
                          request->token != NULL ? request->token : "-",
                          request->content_type != NULL ? request->content_type : "-", request->body);
  g_assert_cmpuint (strlen (request->body), ==, request->body_size);
  if (strcmp (request->path, "/answer") != 0)
    return;
  response->status = 200;
  response->content_type = "application/json";
  response->body = g_strdup ("{\"ok\":true}");
}

static const SigWebOps ops = { owner_open, owner_message, owner_closed, owner_http };

static void
setup_with (Owner *owner, const SigWebConfig *config)
{
  g_autoptr (GError) error = NULL;

  *owner = (Owner){ .log = g_string_new (NULL), .open = g_array_new (FALSE, FALSE, sizeof (SigWebConnId)) };
  owner->web = sig_web_new (config, &ops, owner, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sig_web_port (owner->web), !=, 0);
}

static void
setup (Owner *owner)
{
  static const char *const origins[] = { "https://friend.example", NULL };
  SigWebConfig config = {
    .bind = "127.0.0.1",
    .allowed_origins = origins,
    .max_message_bytes = 100000,
    .max_queue_bytes = 200000,
    .request_timeout_s = 1,
    .ping_interval_s = 1,
  };

  setup_with (owner, &config);
}

static gboolean
all_closed (gpointer data)
{
  return ((Owner *)data)->open->len == 0;
}

static void
teardown (Owner *owner)
{
  sig_web_free (owner->web);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_string_free (owner->log, TRUE);
  g_array_unref (owner->open);
}

static WebClient *
client_of (const Owner *owner)
{
  return web_client_new (sig_web_port (owner->web), FALSE);
}

/* One request on a fresh connection. */
static char *
ask (const Owner *owner, const char *request)
{
  g_autoptr (WebClient) client = client_of (owner);

  web_client_send_text (client, request);
  return web_client_wait_response (client);
}

static void
assert_status (const char *response, const char *status)
{
  g_autofree char *line = g_strconcat ("HTTP/1.1 ", status, " ", NULL);

  if (!g_str_has_prefix (response, line))
    g_error ("\"%.60s\" is not %s", response, status);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

/* ---- HTTP ---- */

static void
test_page (void)
{
  Owner owner;
  g_autofree char *page = NULL, *script = NULL, *style = NULL, *name = NULL;

  setup (&owner);
  page = ask (&owner, GET ("/"));
  assert_status (page, "200");
  g_assert_nonnull (strstr (page, "Content-Type: text/html; charset=utf-8\r\n"));
  g_assert_nonnull (
      strstr (page, "Content-Security-Policy: default-src 'self'; connect-src 'self' ws: wss:;"));
  g_assert_nonnull (strstr (page, "X-Content-Type-Options: nosniff\r\n"));
  g_assert_nonnull (strstr (page, "<html"));
  script = ask (&owner, GET ("/app.js?v=1"));
  g_assert_nonnull (strstr (script, "Content-Type: text/javascript; charset=utf-8\r\n"));
  style = ask (&owner, GET ("/style.css"));
  g_assert_nonnull (strstr (style, "Content-Type: text/css; charset=utf-8\r\n"));
  name = ask (&owner, GET ("/index.html"));
  assert_status (name, "200");
  g_assert_cmpstr (owner.log->str, ==, "");
  teardown (&owner);
}

static void
test_head_and_etag (void)
{
  Owner owner;
  g_autofree char *page = NULL, *again = NULL, *request = NULL, *etag = NULL;
  g_autoptr (WebClient) client = NULL;
  const char *head, *mark;

  setup (&owner);
  client = client_of (&owner);
  web_client_send_text (client, "HEAD /app.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  head = web_client_wait_end (client);
  assert_status (head, "200");
  g_assert_true (g_str_has_suffix (head, "\r\n\r\n"));
  page = ask (&owner, GET ("/"));
  mark = strstr (page, "ETag: ") + strlen ("ETag: ");
  etag = g_strndup (mark, strcspn (mark, "\r"));
  request = g_strdup_printf ("GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: %s\r\n\r\n", etag);
  again = ask (&owner, request);
  assert_status (again, "304");
  teardown (&owner);
}

static void
test_traversal (void)
{
  static const char *const paths[]
      = { "/../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd",
          "/app.js/",       "/./../app.js.map" };
  Owner owner;

  setup (&owner);
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *request
          = g_strdup_printf ("GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", paths[i]);
      g_autoptr (WebClient) client = client_of (&owner);
      const char *text;

      web_client_send_text (client, request);
      text = web_client_wait_end (client);
      g_assert_null (strstr (text, "root:"));
      g_assert_false (g_str_has_prefix (text, "HTTP/1.1 200"));
    }
  teardown (&owner);
}

static void
test_owner_answers (void)
{
  Owner owner;
  g_autofree char *got = NULL, *posted = NULL, *unknown = NULL, *empty = NULL;

  setup (&owner);
  got = ask (&owner, GET ("/answer?a=b&access_token=tok&c=d"));
  assert_status (got, "200");
  g_assert_nonnull (strstr (got, "Content-Type: application/json\r\n"));
  g_assert_true (g_str_has_suffix (got, "\r\n\r\n{\"ok\":true}"));
  posted = ask (
      &owner,
      "POST /answer HTTP/1.1\r\nHost: x\r\nAuthorization: bearer tok\r\nContent-Type: application/json\r\n"
      "Content-Length: 7\r\n\r\n{\"a\":1}");
  assert_status (posted, "200");
  empty = ask (&owner, "POST /answer HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  assert_status (empty, "200");
  unknown = ask (&owner, GET ("/nothing"));
  assert_status (unknown, "404");
  g_assert_cmpstr (owner.log->str, ==,
                   "GET(/answer,tok,-,) POST(/answer,tok,application/json,{\"a\":1}) POST(/answer,-,-,) "
                   "GET(/nothing,-,-,) ");
  teardown (&owner);
}

/* Two requests on one connection, the body of the first in two pieces. */
static void
test_keep_alive (void)
{
  Owner owner;
  g_autoptr (WebClient) client = NULL;
  g_autofree char *first = NULL, *second = NULL, *third = NULL;

  setup (&owner);
  client = client_of (&owner);
  web_client_send_text (client, "POST /answer HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  web_client_send_text (client, "def");
  first = web_client_wait_response (client);
  assert_status (first, "200");
  web_client_send_text (client, GET ("/answer") GET ("/style.css"));
  second = web_client_wait_response (client);
  assert_status (second, "200");
  third = web_client_wait_response (client);
  g_assert_nonnull (strstr (third, "text/css"));
  g_assert_cmpstr (owner.log->str, ==, "POST(/answer,-,-,abcdef) GET(/answer,-,-,) ");
  teardown (&owner);
}

static void
test_refused_requests (void)
{
  static const struct
  {
    const char *request, *status;
  } rows[] = {
    { "POST /answer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "411" },
    { "POST /answer HTTP/1.1\r\nHost: x\r\n\r\n", "411" },
    { "POST /answer HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n", "400" },
    { "POST /answer HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", "400" },
    { "POST /answer HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", "400" },
    { "POST /answer HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\nabc", "413" },
    { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "405" },
    { "POST /ws HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "405" },
    { "PUT /answer HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "405" },
    { "DELETE /answer HTTP/1.1\r\nHost: x\r\n\r\n", "405" },
    { "OPTIONS /answer HTTP/1.1\r\nHost: x\r\n\r\n", "405" },
    { "GET /answer HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "400" },
    { "GET /%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n", "400" },
    { "GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", "426" },
    { "POST /answer HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\nContent-Length: 3\r\n\r\nabc",
      "403" },
  };
  Owner owner;

  setup (&owner);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *response = ask (&owner, rows[i].request);

      assert_status (response, rows[i].status);
      g_assert_nonnull (strstr (response, "Connection: close\r\n"));
    }
  g_assert_cmpstr (owner.log->str, ==, "");
  teardown (&owner);
}

/* A body that is too large and keeps coming still gets its answer, not a reset. */
static void
test_large_body_gets_its_answer (void)
{
  Owner owner;
  g_autoptr (WebClient) client = NULL;
  g_autofree char *body = g_strnfill (300000, 'x');
  const char *text;

  setup (&owner);
  client = client_of (&owner);
  web_client_send_text (client, "POST /answer HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n");
  web_client_send_text (client, body);
  text = web_client_wait_end (client);
  assert_status (text, "413");
  teardown (&owner);
}

static void
test_slow_requests_time_out (void)
{
  Owner owner;
  g_autoptr (WebClient) headers = NULL, body = NULL, silent = NULL;

  setup (&owner);
  headers = client_of (&owner);
  body = client_of (&owner);
  silent = client_of (&owner);
  web_client_send_text (headers, "GET / HTTP/1.1\r\nHo");
  web_client_send_text (body, "POST /answer HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  assert_status (web_client_wait_end (body), "408");
  web_client_wait_end (headers);
  web_client_wait_end (silent);
  g_assert_cmpstr (owner.log->str, ==, "");
  teardown (&owner);
}

static void
test_garbage (void)
{
  static const char *const texts[] = {
    "\r\n\r\n",
    "GET\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "hello world\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n",
    "GET http://127.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: "
    "AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
  };
  Owner owner;
  g_autofree char *alive = NULL;

  setup (&owner);
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (WebClient) client = client_of (&owner);

      web_client_send_text (client, texts[i]);
      while (g_main_context_iteration (NULL, FALSE))
        continue;
    }
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *fill = g_strnfill (60000, 'a');
      g_autofree char *request = g_strdup_printf (i == 0 ? "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
                                                         : "GET / HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n\r\n",
                                                  fill);
      g_autoptr (WebClient) client = client_of (&owner);

      web_client_send_text (client, request);
      while (g_main_context_iteration (NULL, FALSE))
        continue;
    }
  alive = ask (&owner, GET ("/answer"));
  assert_status (alive, "200");
  teardown (&owner);
}

/* Seeded noise on HTTP and on an open WebSocket; the server answers the next client as if nothing was. */
static void
test_noise (void)
{
  GRand *random = g_rand_new_with_seed (7);
  Owner owner;
  g_autofree char *alive = NULL;

  setup (&owner);
  for (guint round = 0; round < 150; round++)
    {
      g_autoptr (WebClient) client = client_of (&owner);
      guint8 noise[400];
      gsize size = (gsize)g_rand_int_range (random, 1, sizeof noise);

      for (gsize i = 0; i < size; i++)
        noise[i] = (guint8)g_rand_int_range (random, 0, 256);
      if (round % 3 == 0)
        g_assert_cmpint (web_client_upgrade (client, "?access_token=good", "", NULL), ==, 101);
      else if (round % 3 == 1)
        web_client_send_text (client, "POST /answer HTTP/1.1\r\nHost: x\r\n");
      web_client_send (client, noise, size);
      for (int i = 0; i < 20; i++)
        g_main_context_iteration (NULL, FALSE);
    }
  g_rand_free (random);
  alive = ask (&owner, GET ("/answer"));
  assert_status (alive, "200");
  web_until (all_closed, &owner);
  teardown (&owner);
}

/* ---- WebSocket ---- */

static WebClient *
joined (Owner *owner)
{
  WebClient *client = client_of (owner);
  g_autofree char *welcome = NULL;
  guint8 opcode;

  g_assert_cmpint (web_client_upgrade (client, "?access_token=good", "", NULL), ==, 101);
  welcome = web_client_wait_frame (client, &opcode, NULL);
  g_assert_cmpstr (welcome, ==, "welcome");
  return client;
}

static void
test_upgrade (void)
{
  Owner owner;
  g_autoptr (WebClient) by_query = NULL, by_header = NULL, without = NULL;
  g_autofree char *accepted = NULL, *refused = NULL;

  setup (&owner);
  by_query = client_of (&owner);
  g_assert_cmpint (web_client_upgrade (by_query, "?access_token=good", "", &accepted), ==, 101);
  g_assert_nonnull (strstr (accepted, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  by_header = client_of (&owner);
  g_assert_cmpint (web_client_upgrade (by_header, "", "Authorization: Bearer good\r\n", NULL), ==, 101);
  without = client_of (&owner);
  g_assert_cmpint (web_client_upgrade (without, "", "", &refused), ==, 401);
  g_assert_nonnull (strstr (refused, "A token is needed."));
  web_client_wait_end (without);
  g_assert_cmpstr (owner.log->str, ==, "open(good) open(good) open(-) ");
  g_assert_cmpuint (owner.open->len, ==, 2);
  teardown (&owner);
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
  Owner owner;

  setup (&owner);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (WebClient) client = client_of (&owner);

      g_assert_cmpint (web_client_upgrade (client, "?access_token=good", rows[i].headers, NULL), ==,
                       rows[i].status);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (raw); i++)
    {
      g_autofree char *response = ask (&owner, raw[i]);

      assert_status (response, statuses[i]);
    }
  teardown (&owner);
}

static void
test_long_token (void)
{
  Owner owner;
  g_autoptr (WebClient) client = NULL;
  g_autofree char *fill = g_strnfill (16000, 'x'), *query = g_strconcat ("?access_token=", fill, NULL);

  setup (&owner);
  client = client_of (&owner);
  g_assert_cmpint (web_client_upgrade (client, query, "", NULL), ==, 101);
  teardown (&owner);
}

static void
test_messages (void)
{
  Owner owner;
  g_autoptr (WebClient) client = NULL;
  g_autofree char *large = g_strnfill (99999, 'm'), *first = NULL, *second = NULL, *third = NULL,
                  *empty = NULL;
  guint8 opcode;
  gsize size;

  setup (&owner);
  client = joined (&owner);
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
  teardown (&owner);
}

static void
test_fragments_and_ping (void)
{
  Owner owner;
  g_autoptr (WebClient) client = NULL;
  g_autofree char *pong = NULL, *echo = NULL;
  guint8 opcode;

  setup (&owner);
  client = joined (&owner);
  /* U+00FC is cut in two; a ping may come in between */
  web_client_frame (client, FALSE, 1, "one \xc3", 5);
  web_client_frame (client, TRUE, 9, "are you there", 13);
  web_client_frame (client, FALSE, 0, "\xbc", 1);
  web_client_frame (client, TRUE, 0, " two", 4);
  pong = web_client_wait_frame (client, &opcode, NULL);
  g_assert_cmpint (opcode, ==, 10);
  g_assert_cmpstr (pong, ==, "are you there");
  echo = web_client_wait_frame (client, &opcode, NULL);
  g_assert_cmpstr (echo, ==, "one \xc3\xbc two");
  teardown (&owner);
}

static void
test_bad_messages (void)
{
  Owner owner;
  g_autofree char *large = g_strnfill (100001, 'm');
  g_autoptr (WebClient) oversized = NULL, pieces = NULL, binary = NULL, encoded = NULL, claimed = NULL;

  setup (&owner);
  oversized = joined (&owner);
  web_client_frame (oversized, TRUE, 1, large, 100001);
  g_assert_cmpint (web_client_wait_close (oversized), ==, 1009);
  pieces = joined (&owner);
  web_client_frame (pieces, FALSE, 1, large, 60000);
  web_client_frame (pieces, TRUE, 0, large, 60000);
  g_assert_cmpint (web_client_wait_close (pieces), ==, 1009);
  binary = joined (&owner);
  web_client_frame (binary, TRUE, 2, "\x01\x02", 2);
  g_assert_cmpint (web_client_wait_close (binary), ==, 1003);
  encoded = joined (&owner);
  web_client_frame (encoded, TRUE, 1, "\xc3\x28", 2);
  g_assert_cmpint (web_client_wait_close (encoded), ==, 1007);
  claimed = joined (&owner);
  web_client_send (claimed, "\x81\xff\x00\x00\x7f\xff\xff\xff\xff\xff\x01\x02\x03\x04xyz", 17);
  g_assert_cmpint (web_client_wait_close (claimed), ==, 1009);
  g_clear_pointer (&oversized, web_client_free);
  g_clear_pointer (&pieces, web_client_free);
  g_clear_pointer (&binary, web_client_free);
  g_clear_pointer (&encoded, web_client_free);
  g_clear_pointer (&claimed, web_client_free);
  web_until (all_closed, &owner);
  g_assert_null (strstr (owner.log->str, "message"));
  teardown (&owner);
}

static void
test_server_closes (void)
{
  Owner owner;
  g_autoptr (WebClient) client = NULL;
  g_autofree char *echo = NULL, *reason = NULL;
  SigWebConnId conn;
  guint8 opcode;

  setup (&owner);
  client = joined (&owner);
  conn = g_array_index (owner.open, SigWebConnId, 0);
  sig_web_send (owner.web, conn, "last words", 10);
  g_assert_cmpuint (sig_web_queued (owner.web, conn), ==, 10);
  sig_web_close (owner.web, conn, 4001, "as you like");
  sig_web_send (owner.web, conn, "too late", 8);
  echo = web_client_wait_frame (client, &opcode, NULL);
  g_assert_cmpstr (echo, ==, "last words");
  reason = web_client_wait_frame (client, &opcode, NULL);
  g_assert_cmpint (opcode, ==, 8);
  g_assert_cmpstr (reason + 2, ==, "as you like");
  web_client_frame (client, TRUE, 8, "\x0f\xa1", 2);
  web_until (all_closed, &owner);
  /* the id names nothing any more */
  sig_web_send (owner.web, conn, "x", 1);
  sig_web_close (owner.web, conn, 1000, NULL);
  g_assert_cmpuint (sig_web_queued (owner.web, conn), ==, 0);
  g_assert_cmpstr (owner.log->str, ==, "open(good) closed ");
  teardown (&owner);
}

static void
test_client_closes (void)
{
  Owner owner;
  g_autoptr (WebClient) polite = NULL, rude = NULL;

  setup (&owner);
  polite = joined (&owner);
  web_client_frame (polite, TRUE, 8, "\x03\xe8", 2);
  g_assert_cmpint (web_client_wait_close (polite), ==, 1000);
  web_until (all_closed, &owner);
  rude = joined (&owner);
  g_clear_pointer (&rude, web_client_free);
  web_until (all_closed, &owner);
  g_assert_cmpstr (owner.log->str, ==, "open(good) closed open(good) closed ");
  teardown (&owner);
}

/* Neither reads the other's messages nor waits for it. */
static void
test_two_connections (void)
{
  Owner owner;
  g_autoptr (WebClient) a = NULL, b = NULL;
  SigWebConnId first, second;
  g_autofree char *to_a = NULL, *to_b = NULL;
  guint8 opcode;

  setup (&owner);
  a = joined (&owner);
  b = joined (&owner);
  first = g_array_index (owner.open, SigWebConnId, 0);
  second = g_array_index (owner.open, SigWebConnId, 1);
  g_assert_cmpuint (first, !=, second);
  sig_web_send (owner.web, second, "for b", 5);
  sig_web_send (owner.web, first, "for a", 5);
  to_a = web_client_wait_frame (a, &opcode, NULL);
  to_b = web_client_wait_frame (b, &opcode, NULL);
  g_assert_cmpstr (to_a, ==, "for a");
  g_assert_cmpstr (to_b, ==, "for b");
  teardown (&owner);
}

static gboolean
queue_overflowed (gpointer data)
{
  Owner *owner = data;
  g_autofree char *text = g_strnfill (50000, 's');
  SigWebConnId conn = g_array_index (owner->open, SigWebConnId, 0);
  gsize before = sig_web_queued (owner->web, conn);

  sig_web_send (owner->web, conn, text, 50000);
  g_assert_cmpuint (sig_web_queued (owner->web, conn), <=, 200000);
  return before > 0 && sig_web_queued (owner->web, conn) < before;
}

/* The kernel's buffers are filled first; then the queue; then the socket is given up, and told so as soon as
 * it reads again. */
static void
test_slow_consumer (void)
{
  Owner owner;
  g_autoptr (WebClient) slow = NULL, other = NULL;
  g_autofree char *echo = NULL;
  guint8 opcode;

  setup (&owner);
  slow = joined (&owner);
  web_client_set_paused (slow, TRUE);
  for (guint i = 0; i < 2000 && !queue_overflowed (&owner); i++)
    while (g_main_context_iteration (NULL, FALSE))
      continue;
  other = joined (&owner);
  web_client_frame (other, TRUE, 1, "still here", 10);
  echo = web_client_wait_frame (other, &opcode, NULL);
  g_assert_cmpstr (echo, ==, "still here");
  web_client_set_paused (slow, FALSE);
  g_assert_cmpint (web_client_wait_close (slow), ==, 1008);
  g_clear_pointer (&slow, web_client_free);
  g_clear_pointer (&other, web_client_free);
  web_until (all_closed, &owner);
  teardown (&owner);
}

/* ping_interval_s is 1 here: a client that answers nothing is dropped after 2 s. */
static void
test_dead_peer (void)
{
  Owner owner;
  g_autoptr (WebClient) client = NULL;
  g_autofree char *ping = NULL;
  guint8 opcode = 0;

  setup (&owner);
  client = joined (&owner);
  ping = web_client_wait_frame (client, &opcode, NULL);
  g_assert_cmpint (opcode, ==, 9);
  web_until (all_closed, &owner);
  teardown (&owner);
}

static void
test_free_says_goodbye (void)
{
  Owner owner;
  g_autoptr (WebClient) client = NULL;

  setup (&owner);
  client = joined (&owner);
  teardown (&owner);
  g_assert_cmpint (web_client_wait_close (client), ==, 1001);
}

/* ---- TLS and the configuration ---- */

static void
test_tls_self_signed (void)
{
  SigWebConfig config = { .bind = "127.0.0.1", .self_signed = TRUE };
  Owner owner;
  g_autoptr (WebClient) page = NULL, socket = NULL, plain = NULL;
  g_autofree char *text = NULL, *large = g_strnfill (300000, 't'), *echo = NULL, *welcome = NULL;
  guint8 opcode;
  gsize size;

  setup_with (&owner, &config);
  g_assert_true (sig_web_is_tls (owner.web));
  page = web_client_new (sig_web_port (owner.web), TRUE);
  web_client_send_text (page, GET ("/"));
  text = web_client_wait_response (page);
  assert_status (text, "200");
  socket = web_client_new (sig_web_port (owner.web), TRUE);
  g_assert_cmpint (web_client_upgrade (socket, "?access_token=good", "", NULL), ==, 101);
  welcome = web_client_wait_frame (socket, &opcode, NULL);
  web_client_frame (socket, TRUE, 1, large, 300000);
  echo = web_client_wait_frame (socket, &opcode, &size);
  g_assert_cmpuint (size, ==, 300000);
  plain = client_of (&owner);
  web_client_send_text (plain, GET ("/"));
  web_client_wait_end (plain);
  g_assert_true (sig_web_reload_tls (owner.web, NULL));
  teardown (&owner);
}

static void
assert_no_server (const SigWebConfig *config, int code, const char *words)
{
  g_autoptr (GError) error = NULL;
  Owner owner = { 0 };

  g_assert_null (sig_web_new (config, &ops, &owner, &error));
  g_assert_error (error, CFG_ERROR, code);
  if (strstr (error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, words);
}

static void
test_errors_in_words (void)
{
  Owner owner;
  SigWebConfig taken = { .bind = "127.0.0.1" };
  SigWebConfig half = { .bind = "127.0.0.1", .tls_cert = "/tmp/x" };
  SigWebConfig missing
      = { .bind = "127.0.0.1", .tls_cert = "/no/such/cert.pem", .tls_key = "/no/such/key.pem" };
  SigWebConfig foreign = { .bind = "192.0.2.99" };
  SigWebConfig nonsense = { .bind = "not an address" };

  setup (&owner);
  taken.port = sig_web_port (owner.web);
  assert_no_server (&taken, CFG_ERROR_UNAVAILABLE, "Address already in use");
  assert_no_server (&half, CFG_ERROR_INVALID_ARGUMENT, "needs both cert and key");
  assert_no_server (&missing, CFG_ERROR_INVALID_ARGUMENT, "/no/such/cert.pem");
  assert_no_server (&foreign, CFG_ERROR_UNAVAILABLE, "Cannot assign requested address");
  assert_no_server (&nonsense, CFG_ERROR_INVALID_ARGUMENT, "http.bind not an address");
  teardown (&owner);
}

static void
test_binds (void)
{
  static const char *const binds[] = { "", "::", "0.0.0.0", "localhost", "127.0.0.1" };

  for (gsize i = 0; i < G_N_ELEMENTS (binds); i++)
    {
      SigWebConfig config = { .bind = binds[i] };
      Owner owner;
      g_autofree char *response = NULL;

      setup_with (&owner, &config);
      response = ask (&owner, GET ("/answer"));
      assert_status (response, "200");
      teardown (&owner);
    }
}

#define ADD(name, func) g_test_add_func ("/signaling/web/" name, func)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("page", test_page);
  ADD ("head_and_etag", test_head_and_etag);
  ADD ("traversal", test_traversal);
  ADD ("owner_answers", test_owner_answers);
  ADD ("keep_alive", test_keep_alive);
  ADD ("refused_requests", test_refused_requests);
  ADD ("large_body_gets_its_answer", test_large_body_gets_its_answer);
  ADD ("slow_requests_time_out", test_slow_requests_time_out);
  ADD ("garbage", test_garbage);
  ADD ("noise", test_noise);
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
  ADD ("dead_peer", test_dead_peer);
  ADD ("free_says_goodbye", test_free_says_goodbye);
  ADD ("tls_self_signed", test_tls_self_signed);
  ADD ("errors_in_words", test_errors_in_words);
  ADD ("binds", test_binds);
  return g_test_run ();
}
