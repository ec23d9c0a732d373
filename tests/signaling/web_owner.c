#include "web_owner.h"

#include <string.h>

static int
owner_open (gpointer data, SigWebConnId conn, const SigWebRequest *request, const char **reason)
{
  WebOwner *owner = data;

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
  WebOwner *owner = data;

  g_assert_cmpuint (strlen (text), <=, size);
  g_string_append_printf (owner->log, "message(%" G_GSIZE_FORMAT ") ", size);
  if (strcmp (text, "close me") == 0)
    sig_web_close (owner->web, conn, 4001, "as you like");
  owner->n_messages++;
  if (strcmp (text, "much") == 0)
    {
      g_autofree char *much = g_strnfill (50000, 'm');

      sig_web_send (owner->web, conn, much, 50000);
    }
  else if (!owner->silent)
    sig_web_send (owner->web, conn, text, size);
}

static void
owner_closed (gpointer data, SigWebConnId conn)
{
  WebOwner *owner = data;

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
  WebOwner *owner = data;

  g_string_append_printf (owner->log, "%s(%s,%s,%s,%s) ", request->method, request->path,
                          request->token != NULL ? request->token : "-",
                          request->content_type != NULL ? request->content_type : "-", request->body);
  g_assert_cmpuint (strlen (request->body), ==, request->body_size);
  if (g_str_has_prefix (request->path, "/later"))
    {
      g_array_append_val (owner->later, request->id);
      response->later = TRUE;
      return;
    }
  if (strcmp (request->path, "/large") == 0)
    {
      response->status = 200;
      response->content_type = "text/plain";
      response->body = g_bytes_new_take (g_strnfill (WEB_LARGE_BYTES, 'l'), WEB_LARGE_BYTES);
      return;
    }
  if (strcmp (request->path, "/answer") != 0)
    return;
  response->status = 200;
  response->content_type = "application/json";
  response->body = g_bytes_new_static ("{\"ok\":true}", 11);
}

const SigWebOps web_owner_ops = { owner_open, owner_message, owner_closed, owner_http };

void
web_owner_setup_with (WebOwner *owner, const SigWebConfig *config)
{
  g_autoptr (GError) error = NULL;

  *owner = (WebOwner){ .log = g_string_new (NULL),
                       .open = g_array_new (FALSE, FALSE, sizeof (SigWebConnId)),
                       .later = g_array_new (FALSE, FALSE, sizeof (SigWebHttpId)) };
  owner->web = sig_web_new (config, &web_owner_ops, owner, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sig_web_port (owner->web), !=, 0);
}

void
web_owner_setup (WebOwner *owner)
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

  web_owner_setup_with (owner, &config);
}

gboolean
web_owner_all_closed (gpointer data)
{
  return ((WebOwner *)data)->open->len == 0;
}

void
web_owner_teardown (WebOwner *owner)
{
  sig_web_free (owner->web);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_string_free (owner->log, TRUE);
  g_array_unref (owner->open);
  g_array_unref (owner->later);
}

WebClient *
web_owner_client (const WebOwner *owner)
{
  return web_client_new (sig_web_port (owner->web), FALSE);
}

char *
web_owner_ask (const WebOwner *owner, const char *request)
{
  g_autoptr (WebClient) client = web_owner_client (owner);

  web_client_send_text (client, request);
  return web_client_wait_response (client);
}

void
web_assert_status (const char *response, const char *status)
{
  g_autofree char *line = g_strconcat ("HTTP/1.1 ", status, " ", NULL);

  if (!g_str_has_prefix (response, line))
    g_error ("\"%.60s\" is not %s", response, status);
}

WebClient *
web_owner_join (WebOwner *owner)
{
  WebClient *client = web_owner_client (owner);
  g_autofree char *welcome = NULL;
  guint8 opcode;

  g_assert_cmpint (web_client_upgrade (client, "?access_token=good", "", NULL), ==, 101);
  welcome = web_client_wait_frame (client, &opcode, NULL);
  g_assert_cmpstr (welcome, ==, "welcome");
  return client;
}
