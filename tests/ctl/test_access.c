/* Where the gateway is, and the key to it. */
#include <glib/gstdio.h>

#include "signaling/core/token.h"
#include "tools/ctl/access.h"
#include "tools/ctl/error.h"

static void
test_url (void)
{
  static const struct
  {
    const char *text, *host, *path;
    guint16 port;
    gboolean is_tls;
  } cases[] = {
    { "ws://localhost:7880", "localhost", "/ws", 7880, FALSE },
    { "ws://localhost:7880/", "localhost", "/ws", 7880, FALSE },
    { "ws://localhost:7880/ws", "localhost", "/ws", 7880, FALSE },
    { "http://a.example", "a.example", "/ws", 80, FALSE },
    { "wss://a.example/gateway/", "a.example", "/gateway/ws", 443, TRUE },
    { "https://a.example:8443/x/ws", "a.example", "/x/ws", 8443, TRUE },
    { "wss://[2001:db8::1]:99", "2001:db8::1", "/ws", 99, TRUE },
  };
  static const char *const wrong[] = { "",         "localhost",    "localhost:7880", "ftp://a",   "ws://",
                                       "ws://a:0", "ws://a:99999", "ws://u:p@a",     "ws://a?b=c" };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (CtlUrl) url = { FALSE };
      g_autoptr (GError) error = NULL;

      g_assert_true (ctl_url_parse (cases[i].text, &url, &error));
      g_assert_cmpstr (url.host, ==, cases[i].host);
      g_assert_cmpstr (url.path, ==, cases[i].path);
      g_assert_cmpuint (url.port, ==, cases[i].port);
      g_assert_cmpint (url.is_tls, ==, cases[i].is_tls);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_auto (CtlUrl) url = { FALSE };
      g_autoptr (GError) error = NULL;

      g_assert_false (ctl_url_parse (wrong[i], &url, &error));
      g_assert_error (error, CTL_ERROR, CTL_ERROR_USAGE);
    }
}

/* What is nearer counts; credentials of different places are not mixed. */
static void
test_order (void)
{
  static const struct
  {
    CtlAccess near, far, expected;
  } cases[] = {
    { { .url = (char *)"a" },
      { .url = (char *)"b", .token = (char *)"t" },
      { .url = (char *)"a", .token = (char *)"t" } },
    { { .token = (char *)"t" },
      { .api_key = (char *)"k", .api_secret = (char *)"s" },
      { .token = (char *)"t" } },
    { { .api_key = (char *)"k", .api_secret = (char *)"s" },
      { .token = (char *)"t" },
      { .api_key = (char *)"k", .api_secret = (char *)"s" } },
    { { .api_key = (char *)"k" },
      { .api_key = (char *)"k", .api_secret = (char *)"s" },
      { .api_key = (char *)"k", .api_secret = (char *)"s" } },
    { { .api_key = (char *)"k" },
      { .api_key = (char *)"other", .api_secret = (char *)"s" },
      { .api_key = (char *)"k" } },
    { { .api_key = (char *)"k" },
      { .api_secret = (char *)"s" },
      { .api_key = (char *)"k", .api_secret = (char *)"s" } },
    { { .url = (char *)"" }, { .url = (char *)"b" }, { .url = (char *)"b" } },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (CtlAccess) access = { NULL };

      ctl_access_add (&access, &cases[i].near);
      ctl_access_add (&access, &cases[i].far);
      g_assert_cmpstr (access.url, ==, cases[i].expected.url);
      g_assert_cmpstr (access.token, ==, cases[i].expected.token);
      g_assert_cmpstr (access.api_key, ==, cases[i].expected.api_key);
      g_assert_cmpstr (access.api_secret, ==, cases[i].expected.api_secret);
    }
}

static const char *
environment (const char *name)
{
  return g_strcmp0 (name, "LIVEKIT_URL") == 0          ? "wss://x"
         : g_strcmp0 (name, "LIVEKIT_API_KEY") == 0    ? "k"
         : g_strcmp0 (name, "LIVEKIT_API_SECRET") == 0 ? ""
                                                       : NULL;
}

static void
test_environment (void)
{
  g_auto (CtlAccess) access = { NULL };

  ctl_access_from_environment (&access, "LIVEKIT_", environment);
  g_assert_cmpstr (access.url, ==, "wss://x");
  g_assert_cmpstr (access.api_key, ==, "k");
  g_assert_null (access.api_secret);
}

static void
check_file (const char *text, const char *url, const char *key)
{
  g_autofree char *directory = g_dir_make_tmp ("ctl-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "file.yaml", NULL);
  g_auto (CtlAccess) access = { NULL };
  g_autoptr (GError) error = NULL;
  gboolean fine;

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  fine = ctl_access_from_file (&access, path, &error);
  g_unlink (path);
  g_rmdir (directory);
  if (url == NULL)
    {
      g_assert_false (fine);
      g_assert_error (error, CTL_ERROR, CTL_ERROR_USAGE);
      return;
    }
  g_assert_no_error (error);
  g_assert_cmpstr (access.url, ==, url);
  g_assert_cmpstr (access.api_key, ==, key);
}

#define SECRET "api_secret: a-secret-of-more-than-32-characters\n"

static void
test_files (void)
{
  check_file ("url: wss://a\napi_key: k\n" SECRET, "wss://a", "k");
  check_file ("url: wss://a\ntoken: t\nca_file: /x\n", "wss://a", NULL);
  check_file ("api_key: k\n" SECRET "http: {port: 99}\n", "ws://127.0.0.1:99", "k");
  check_file ("api_key: k\n" SECRET "http: {bind: '::1', port: 99}\n", "ws://[::1]:99", "k");
  check_file ("api_key: k\n" SECRET "http: {bind: 0.0.0.0}\n", "ws://127.0.0.1:7880", "k");
  check_file ("keys: {one: a-secret-of-more-than-32-characters}\nws_url: wss://b\n", "wss://b", "one");
  check_file ("urll: a\n", NULL, NULL);
  check_file ("{", NULL, NULL);
  check_file ("[1]", NULL, NULL);
}

static const char *
secret_of (gpointer user, const char *key)
{
  return g_strcmp0 (key, "k") == 0 ? "a-secret-of-more-than-32-characters" : NULL;
}

static void
test_token (void)
{
  const CfgWall now = { 1700000000 * CFG_US_PER_S };
  const CtlAccess pair
      = { .api_key = (char *)"k", .api_secret = (char *)"a-secret-of-more-than-32-characters" };
  const CtlAccess half = { .api_key = (char *)"k" }, none = { NULL };
  g_autofree char *jwt = ctl_access_token (&pair, now, CTL_TOKEN_S, NULL);
  g_autoptr (SigToken) token = sig_token_verify (jwt, now, secret_of, NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (token);
  g_assert_true (token->room_admin && token->room_list && token->room_create && token->sip_admin);
  g_assert_cmpint (token->expires_s, ==, 1700000600);
  g_assert_null (ctl_access_token (&half, now, CTL_TOKEN_S, &error));
  g_assert_error (error, CTL_ERROR, CTL_ERROR_USAGE);
  g_clear_error (&error);
  g_assert_null (ctl_access_token (&none, now, CTL_TOKEN_S, &error));
  g_assert_error (error, CTL_ERROR, CTL_ERROR_USAGE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ctl/access/url", test_url);
  g_test_add_func ("/ctl/access/the_nearest_counts", test_order);
  g_test_add_func ("/ctl/access/environment", test_environment);
  g_test_add_func ("/ctl/access/files", test_files);
  g_test_add_func ("/ctl/access/token", test_token);
  return g_test_run ();
}
