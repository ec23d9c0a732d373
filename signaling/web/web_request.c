/* Reading a request's headers out of libwebsockets, and judging them. */
#include "signaling/web/web_private.h"

#include <string.h>

/* Returns: (transfer full) (nullable): NULL when the header is absent. */
char *
sig_web_header (struct lws *wsi, enum lws_token_indexes token)
{
  int length = lws_hdr_total_length (wsi, token);
  g_autofree char *value = NULL;

  if (length <= 0)
    return NULL;
  value = g_malloc ((gsize)length + 1);
  if (lws_hdr_copy (wsi, value, length + 1, token) < 0)
    return NULL;
  return g_steal_pointer (&value);
}

static char *
token_of_query (struct lws *wsi)
{
  static const char key[] = "access_token=";
  g_autofree char *argument = g_malloc (SIG_WEB_MAX_TOKEN_BYTES + sizeof key);

  for (int i = 0; i < 64; i++)
    {
      int n = lws_hdr_copy_fragment (wsi, argument, SIG_WEB_MAX_TOKEN_BYTES + (int)sizeof key,
                                     WSI_TOKEN_HTTP_URI_ARGS, i);

      if (n < 0 && lws_hdr_fragment_length (wsi, WSI_TOKEN_HTTP_URI_ARGS, i) <= 0)
        return NULL;
      if (n >= (int)strlen (key) && g_str_has_prefix (argument, key))
        return g_strdup (argument + strlen (key));
    }
  return NULL;
}

static char *
token_of_request (struct lws *wsi)
{
  g_autofree char *authorization = sig_web_header (wsi, WSI_TOKEN_HTTP_AUTHORIZATION);

  if (authorization != NULL && g_ascii_strncasecmp (authorization, "Bearer ", 7) == 0)
    return g_strdup (g_strstrip (authorization + 7));
  return token_of_query (wsi);
}

/* An IPv4 client of a socket for both families is told as IPv4. */
static void
read_remote (SigWebConn *conn)
{
  char text[64] = "";

  lws_get_peer_simple (conn->wsi, text, sizeof text);
  g_strlcpy (conn->remote, g_ascii_strncasecmp (text, "::ffff:", 7) == 0 ? text + 7 : text,
             sizeof conn->remote);
}

int
sig_web_read_request (SigWebConn *conn)
{
  char *uri = NULL;
  int length = 0, method = lws_http_get_uri_and_method (conn->wsi, &uri, &length);

  g_clear_pointer (&conn->path, g_free);
  g_clear_pointer (&conn->token, g_free);
  g_clear_pointer (&conn->content_type, g_free);
  g_byte_array_set_size (conn->body, 0);
  conn->is_post = method == LWSHUMETH_POST;
  conn->is_head = method == LWSHUMETH_HEAD;
  conn->refused = FALSE;
  conn->is_reading = FALSE;
  read_remote (conn);
  if (uri == NULL || length <= 0 || uri[0] != '/' || !g_utf8_validate (uri, length, NULL))
    return 400;
  conn->path = g_strndup (uri, (gsize)length);
  conn->token = token_of_request (conn->wsi);
  conn->content_type = sig_web_header (conn->wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
  if (method != LWSHUMETH_GET && !conn->is_post && !conn->is_head)
    return 405;
  return 0;
}

gboolean
sig_web_content_length (struct lws *wsi, gint64 *length)
{
  g_autofree char *text = sig_web_header (wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
  guint64 value;

  *length = -1;
  if (text == NULL)
    return lws_hdr_total_length (wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0;
  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, &value, NULL))
    return FALSE;
  *length = (gint64)value;
  return TRUE;
}

/* "https://example.org:443" and "example.org" name the same host for a browser. */
static void
strip_default_port (char *host)
{
  if (g_str_has_suffix (host, ":80"))
    host[strlen (host) - 3] = '\0';
  else if (g_str_has_suffix (host, ":443"))
    host[strlen (host) - 4] = '\0';
}

/* A page of a foreign site must not use a visitor's reach into our network. Programs send no Origin. */
gboolean
sig_web_origin_allowed (SigWeb *web, struct lws *wsi)
{
  g_autofree char *origin = sig_web_header (wsi, WSI_TOKEN_ORIGIN);
  g_autofree char *host = sig_web_header (wsi, WSI_TOKEN_HOST);
  char *authority;

  if (origin == NULL)
    return lws_hdr_total_length (wsi, WSI_TOKEN_ORIGIN) == 0;
  for (guint i = 0; web->origins[i] != NULL; i++)
    if (strcmp (web->origins[i], "*") == 0 || g_ascii_strcasecmp (web->origins[i], origin) == 0)
      return TRUE;
  authority = strstr (origin, "://");
  if (authority == NULL || host == NULL)
    return FALSE;
  authority += strlen ("://");
  strip_default_port (authority);
  strip_default_port (host);
  return g_ascii_strcasecmp (authority, host) == 0;
}

static gboolean
has_list_word (const char *list, const char *word)
{
  g_auto (GStrv) words = list != NULL ? g_strsplit (list, ",", 32) : NULL;

  for (guint i = 0; words != NULL && words[i] != NULL; i++)
    if (g_ascii_strcasecmp (g_strstrip (words[i]), word) == 0)
      return TRUE;
  return FALSE;
}

/* RFC 6455 4.2.1. What libwebsockets would only hang up on gets an answer here. */
int
sig_web_check_upgrade (struct lws *wsi)
{
  g_autofree char *connection = sig_web_header (wsi, WSI_TOKEN_CONNECTION);
  g_autofree char *version = sig_web_header (wsi, WSI_TOKEN_VERSION);
  g_autofree char *key = sig_web_header (wsi, WSI_TOKEN_KEY);
  g_autofree char *subprotocols = sig_web_header (wsi, WSI_TOKEN_PROTOCOL);

  if (!has_list_word (connection, "upgrade") || strlen (connection) > 100)
    return 400;
  if (g_strcmp0 (version, "13") != 0)
    return 426;
  if (key == NULL || strlen (key) != 24 || lws_hdr_total_length (wsi, WSI_TOKEN_HOST) <= 0)
    return 400;
  if (subprotocols != NULL
      && (strlen (subprotocols) > 100 || !has_list_word (subprotocols, SIG_WEB_SUBPROTOCOL)))
    return 400;
  return 0;
}

void
sig_web_fill_request (const SigWebConn *conn, SigWebRequest *request)
{
  *request = (SigWebRequest){
    .method = conn->is_post ? "POST" : "GET",
    .path = conn->path,
    .token = conn->token,
    .remote = conn->remote,
    .content_type = conn->content_type,
    .body = "",
  };
  if (conn->is_post)
    {
      request->body = (const char *)conn->body->data;
      request->body_size = conn->body->len - 1;
    }
}
