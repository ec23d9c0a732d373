/* Pages, requests, refusals, TLS and the configuration. */
#include "web_owner.h"

#include <string.h>

#include <glib/gstdio.h>
#include <openssl/pem.h>

#include "config/base/error.h"

static void
test_page (void)
{
  WebOwner owner;
  g_autofree char *page = NULL, *script = NULL, *style = NULL, *name = NULL;

  web_owner_setup (&owner);
  page = web_owner_ask (&owner, WEB_GET ("/"));
  web_assert_status (page, "200");
  g_assert_nonnull (strstr (page, "Content-Type: text/html; charset=utf-8\r\n"));
  g_assert_nonnull (
      strstr (page, "Content-Security-Policy: default-src 'self'; connect-src 'self' ws: wss:;"));
  g_assert_nonnull (strstr (page, "X-Content-Type-Options: nosniff\r\n"));
  g_assert_nonnull (strstr (page, "<html"));
  script = web_owner_ask (&owner, WEB_GET ("/app.js?v=1"));
  g_assert_nonnull (strstr (script, "Content-Type: text/javascript; charset=utf-8\r\n"));
  style = web_owner_ask (&owner, WEB_GET ("/style.css"));
  g_assert_nonnull (strstr (style, "Content-Type: text/css; charset=utf-8\r\n"));
  name = web_owner_ask (&owner, WEB_GET ("/index.html"));
  web_assert_status (name, "200");
  g_assert_cmpstr (owner.log->str, ==, "");
  web_owner_teardown (&owner);
}

static void
test_head_and_etag (void)
{
  WebOwner owner;
  g_autofree char *page = NULL, *again = NULL, *request = NULL, *etag = NULL;
  g_autoptr (WebClient) client = NULL;
  const char *head, *mark;

  web_owner_setup (&owner);
  client = web_owner_client (&owner);
  web_client_send_text (client, "HEAD /app.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  head = web_client_wait_end (client);
  web_assert_status (head, "200");
  g_assert_true (g_str_has_suffix (head, "\r\n\r\n"));
  page = web_owner_ask (&owner, WEB_GET ("/"));
  mark = strstr (page, "ETag: ") + strlen ("ETag: ");
  etag = g_strndup (mark, strcspn (mark, "\r"));
  request = g_strdup_printf ("GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: %s\r\n\r\n", etag);
  again = web_owner_ask (&owner, request);
  web_assert_status (again, "304");
  web_owner_teardown (&owner);
}

static void
test_traversal (void)
{
  static const char *const paths[]
      = { "/../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd",
          "/app.js/",       "/./../app.js.map" };
  WebOwner owner;

  web_owner_setup (&owner);
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *request
          = g_strdup_printf ("GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", paths[i]);
      g_autoptr (WebClient) client = web_owner_client (&owner);
      const char *text;

      web_client_send_text (client, request);
      text = web_client_wait_end (client);
      g_assert_null (strstr (text, "root:"));
      g_assert_false (g_str_has_prefix (text, "HTTP/1.1 200"));
    }
  web_owner_teardown (&owner);
}

static void
test_owner_answers (void)
{
  WebOwner owner;
  g_autofree char *got = NULL, *posted = NULL, *unknown = NULL, *empty = NULL;

  web_owner_setup (&owner);
  got = web_owner_ask (&owner, WEB_GET ("/answer?a=b&access_token=tok&c=d"));
  web_assert_status (got, "200");
  g_assert_nonnull (strstr (got, "Content-Type: application/json\r\n"));
  g_assert_true (g_str_has_suffix (got, "\r\n\r\n{\"ok\":true}"));
  posted = web_owner_ask (
      &owner,
      "POST /answer HTTP/1.1\r\nHost: x\r\nAuthorization: bearer tok\r\nContent-Type: application/json\r\n"
      "Content-Length: 7\r\n\r\n{\"a\":1}");
  web_assert_status (posted, "200");
  empty = web_owner_ask (&owner, "POST /answer HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  web_assert_status (empty, "200");
  unknown = web_owner_ask (&owner, WEB_GET ("/nothing"));
  web_assert_status (unknown, "404");
  g_assert_cmpstr (owner.log->str, ==,
                   "GET(/answer,tok,-,) POST(/answer,tok,application/json,{\"a\":1}) POST(/answer,-,-,) "
                   "GET(/nothing,-,-,) ");
  web_owner_teardown (&owner);
}

/* Whoever calls Twirp reads errors as JSON of one form, also those that come before its method is known. */
static void
test_twirp_refusals (void)
{
  static const struct
  {
    const char *request, *status, *body;
  } rows[] = {
    { "POST /twirp/a.B/C HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\nabc", "413",
      "{\"code\":\"malformed\",\"msg\":\"The body is too large.\"}" },
    { "POST /twirp/a.B/C HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411",
      "{\"code\":\"malformed\",\"msg\":\"Send the body with Content-Length, not chunked.\"}" },
    { "DELETE /twirp/a.B/C HTTP/1.1\r\nHost: x\r\n\r\n", "405",
      "{\"code\":\"bad_route\",\"msg\":\"Only GET, HEAD and POST are answered here.\"}" },
    { "POST /twirp/a.B/C HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\nContent-Length: 0\r\n\r\n",
      "403",
      "{\"code\":\"permission_denied\",\"msg\":\"Pages of this origin may not use this server (see "
      "http.allowed_origins).\"}" },
  };
  WebOwner owner;

  web_owner_setup (&owner);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = web_owner_ask (&owner, rows[i].request);

      web_assert_status (text, rows[i].status);
      g_assert_nonnull (strstr (text, "Content-Type: application/json\r\n"));
      g_assert_true (g_str_has_suffix (text, rows[i].body));
    }
  web_owner_teardown (&owner);
}

/* Two requests on one connection, the body of the first in two pieces. */
static void
test_keep_alive (void)
{
  WebOwner owner;
  g_autoptr (WebClient) client = NULL;
  g_autofree char *first = NULL, *second = NULL, *third = NULL;

  web_owner_setup (&owner);
  client = web_owner_client (&owner);
  web_client_send_text (client, "POST /answer HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  web_client_send_text (client, "def");
  first = web_client_wait_response (client);
  web_assert_status (first, "200");
  web_client_send_text (client, WEB_GET ("/answer") WEB_GET ("/style.css"));
  second = web_client_wait_response (client);
  web_assert_status (second, "200");
  third = web_client_wait_response (client);
  g_assert_nonnull (strstr (third, "text/css"));
  g_assert_cmpstr (owner.log->str, ==, "POST(/answer,-,-,abcdef) GET(/answer,-,-,) ");
  web_owner_teardown (&owner);
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
  WebOwner owner;

  web_owner_setup (&owner);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *response = web_owner_ask (&owner, rows[i].request);

      web_assert_status (response, rows[i].status);
      g_assert_nonnull (strstr (response, "Connection: close\r\n"));
    }
  g_assert_cmpstr (owner.log->str, ==, "");
  web_owner_teardown (&owner);
}

/* A body that is too large and keeps coming still gets its answer, not a reset. */
static void
test_large_body_gets_its_answer (void)
{
  WebOwner owner;
  g_autoptr (WebClient) client = NULL;
  g_autofree char *body = g_strnfill (300000, 'x');
  const char *text;

  web_owner_setup (&owner);
  client = web_owner_client (&owner);
  web_client_send_text (client, "POST /answer HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n");
  web_client_send_text (client, body);
  text = web_client_wait_end (client);
  web_assert_status (text, "413");
  web_owner_teardown (&owner);
}

static void
test_slow_requests_time_out (void)
{
  WebOwner owner;
  g_autoptr (WebClient) headers = NULL, body = NULL, silent = NULL;

  web_owner_setup (&owner);
  headers = web_owner_client (&owner);
  body = web_owner_client (&owner);
  silent = web_owner_client (&owner);
  web_client_send_text (headers, "GET / HTTP/1.1\r\nHo");
  web_client_send_text (body, "POST /answer HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  web_assert_status (web_client_wait_end (body), "408");
  web_client_wait_end (headers);
  web_client_wait_end (silent);
  g_assert_cmpstr (owner.log->str, ==, "");
  web_owner_teardown (&owner);
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
    "GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nHTTP2-Settings: AAMAAABkAAQ\r\n\r\n",
  };
  WebOwner owner;
  g_autofree char *alive = NULL;

  web_owner_setup (&owner);
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (WebClient) client = web_owner_client (&owner);

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
      g_autoptr (WebClient) client = web_owner_client (&owner);

      web_client_send_text (client, request);
      while (g_main_context_iteration (NULL, FALSE))
        continue;
    }
  alive = web_owner_ask (&owner, WEB_GET ("/answer"));
  web_assert_status (alive, "200");
  web_owner_teardown (&owner);
}

/* Seeded noise on HTTP and on an open WebSocket; the server answers the next client as if nothing was. */
static void
test_noise (void)
{
  GRand *random = g_rand_new_with_seed (7);
  WebOwner owner;
  g_autofree char *alive = NULL;

  web_owner_setup (&owner);
  for (guint round = 0; round < 150; round++)
    {
      g_autoptr (WebClient) client = web_owner_client (&owner);
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
  alive = web_owner_ask (&owner, WEB_GET ("/answer"));
  web_assert_status (alive, "200");
  web_until (web_owner_all_closed, &owner);
  web_owner_teardown (&owner);
}

/* ---- TLS and the configuration ---- */

static void
test_tls_self_signed (void)
{
  SigWebConfig config = { .bind = "127.0.0.1", .self_signed = TRUE };
  WebOwner owner;
  g_autoptr (WebClient) page = NULL, socket = NULL, plain = NULL;
  g_autofree char *text = NULL, *large = g_strnfill (300000, 't'), *echo = NULL, *welcome = NULL;
  guint8 opcode;
  gsize size;

  web_owner_setup_with (&owner, &config);
  g_assert_true (sig_web_is_tls (owner.web));
  page = web_client_new (sig_web_port (owner.web), TRUE);
  web_client_send_text (page, WEB_GET ("/"));
  text = web_client_wait_response (page);
  web_assert_status (text, "200");
  socket = web_client_new (sig_web_port (owner.web), TRUE);
  g_assert_cmpint (web_client_upgrade (socket, "?access_token=good", "", NULL), ==, 101);
  welcome = web_client_wait_frame (socket, &opcode, NULL);
  web_client_frame (socket, TRUE, 1, large, 300000);
  echo = web_client_wait_frame (socket, &opcode, &size);
  g_assert_cmpuint (size, ==, 300000);
  plain = web_owner_client (&owner);
  web_client_send_text (plain, WEB_GET ("/"));
  web_client_wait_end (plain);
  g_assert_true (sig_web_reload_tls (owner.web, NULL));
  web_owner_teardown (&owner);
}

/* A certificate and its key (which is taken), as files. */
static void
write_pair (const char *cert_path, const char *key_path, EVP_PKEY *key, long serial)
{
  X509 *cert = X509_new ();
  FILE *file;

  X509_set_version (cert, 2);
  ASN1_INTEGER_set (X509_get_serialNumber (cert), serial);
  X509_gmtime_adj (X509_getm_notBefore (cert), 0);
  X509_gmtime_adj (X509_getm_notAfter (cert), 3600);
  X509_set_pubkey (cert, key);
  g_assert_cmpint (X509_sign (cert, key, EVP_sha256 ()), >, 0);
  file = fopen (cert_path, "w");
  g_assert_cmpint (PEM_write_X509 (file, cert), ==, 1);
  fclose (file);
  file = fopen (key_path, "w");
  g_assert_cmpint (PEM_write_PrivateKey (file, key, NULL, NULL, 0, NULL, NULL), ==, 1);
  fclose (file);
  X509_free (cert);
  EVP_PKEY_free (key);
}

static void
assert_serial (const WebOwner *owner, const char *serial)
{
  g_autoptr (WebClient) client = web_client_new (sig_web_port (owner->web), TRUE);
  g_autofree char *seen = web_client_peer_serial (client);

  g_assert_cmpstr (seen, ==, serial);
}

/* A pair that cannot be used leaves the old one in place; a good one holds for new connections. */
static void
test_tls_reload (void)
{
  g_autofree char *folder = g_dir_make_tmp ("switchroom-tls-XXXXXX", NULL);
  g_autofree char *cert = g_build_filename (folder, "cert.pem", NULL),
                  *key = g_build_filename (folder, "key.pem", NULL);
  g_autofree char *other = g_build_filename (folder, "other.pem", NULL);
  SigWebConfig config = { .bind = "127.0.0.1", .tls_cert = cert, .tls_key = key };
  g_autoptr (GError) error = NULL;
  WebOwner owner;

  write_pair (cert, key, EVP_EC_gen ("P-256"), 0x11);
  web_owner_setup_with (&owner, &config);
  assert_serial (&owner, "11");
  write_pair (cert, other, EVP_EC_gen ("P-256"), 0x22);
  g_assert_false (sig_web_reload_tls (owner.web, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
  assert_serial (&owner, "11");
  write_pair (cert, key, EVP_EC_gen ("P-256"), 0x33);
  g_clear_error (&error);
  g_assert_true (sig_web_reload_tls (owner.web, &error));
  assert_serial (&owner, "33");
  write_pair (cert, key, EVP_RSA_gen (2048), 0x44); /* which clients like less than what was there */
  g_assert_true (sig_web_reload_tls (owner.web, &error));
  assert_serial (&owner, "44");
  write_pair (cert, key, EVP_EC_gen ("P-256"), 0x55);
  g_assert_true (sig_web_reload_tls (owner.web, &error));
  assert_serial (&owner, "55");
  web_owner_teardown (&owner);
  g_unlink (cert);
  g_unlink (key);
  g_unlink (other);
  g_rmdir (folder);
}

static void
assert_no_server (const SigWebConfig *config, int code, const char *words)
{
  g_autoptr (GError) error = NULL;
  WebOwner owner = { 0 };

  g_assert_null (sig_web_new (config, &web_owner_ops, &owner, &error));
  g_assert_error (error, CFG_ERROR, code);
  if (strstr (error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, words);
}

static void
test_errors_in_words (void)
{
  WebOwner owner;
  SigWebConfig taken = { .bind = "127.0.0.1" };
  SigWebConfig half = { .bind = "127.0.0.1", .tls_cert = "/tmp/x" };
  SigWebConfig missing
      = { .bind = "127.0.0.1", .tls_cert = "/no/such/cert.pem", .tls_key = "/no/such/key.pem" };
  SigWebConfig foreign = { .bind = "192.0.2.99" };
  SigWebConfig nonsense = { .bind = "not an address" };

  web_owner_setup (&owner);
  taken.port = sig_web_port (owner.web);
  assert_no_server (&taken, CFG_ERROR_UNAVAILABLE, "Address already in use");
  assert_no_server (&half, CFG_ERROR_INVALID_ARGUMENT, "needs both cert and key");
  assert_no_server (&missing, CFG_ERROR_INVALID_ARGUMENT, "/no/such/cert.pem");
  assert_no_server (&foreign, CFG_ERROR_UNAVAILABLE, "Cannot assign requested address");
  assert_no_server (&nonsense, CFG_ERROR_INVALID_ARGUMENT, "http.bind not an address");
  web_owner_teardown (&owner);
}

static void
test_binds (void)
{
  static const char *const binds[] = { "", "::", "0.0.0.0", "localhost", "127.0.0.1" };

  for (gsize i = 0; i < G_N_ELEMENTS (binds); i++)
    {
      SigWebConfig config = { .bind = binds[i] };
      WebOwner owner;
      g_autofree char *response = NULL;

      web_owner_setup_with (&owner, &config);
      response = web_owner_ask (&owner, WEB_GET ("/answer"));
      web_assert_status (response, "200");
      web_owner_teardown (&owner);
    }
}

/* The connection ends with its last answer, and not before all of it was read. */
static void
test_large_last_answer (void)
{
  const SigWebConfig config = { .bind = "127.0.0.1" };
  WebOwner owner;
  g_autoptr (WebClient) client = NULL;
  const char *answer;

  web_owner_setup_with (&owner, &config);
  client = web_owner_client (&owner);
  web_client_set_paused (client, TRUE);
  web_client_send_text (client, "GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
                                "Upgrade: h2c\r\n\r\n");
  for (guint i = 0; i < 1000 && owner.log->len == 0; i++)
    g_main_context_iteration (NULL, TRUE);
  web_client_set_paused (client, FALSE);
  answer = strstr (web_client_wait_end (client), "\r\n\r\n");
  g_assert_nonnull (answer);
  g_assert_cmpuint (strlen (answer + 4), ==, WEB_LARGE_BYTES);
  web_owner_teardown (&owner);
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
  ADD ("twirp_refusals", test_twirp_refusals);
  ADD ("large_body_gets_its_answer", test_large_body_gets_its_answer);
  ADD ("slow_requests_time_out", test_slow_requests_time_out);
  ADD ("garbage", test_garbage);
  ADD ("noise", test_noise);
  ADD ("tls_self_signed", test_tls_self_signed);
  ADD ("tls_reload", test_tls_reload);
  ADD ("errors_in_words", test_errors_in_words);
  ADD ("binds", test_binds);
  ADD ("large_last_answer", test_large_last_answer);
  return g_test_run ();
}
