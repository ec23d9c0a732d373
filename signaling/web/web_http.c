/* HTTP/1.1 answers, written whole: libwebsockets' own helpers answer a refused upgrade as HTTP/1.0 and know
 * nothing of chunked bodies. A POST is answered in a later turn of the loop: libwebsockets calls without end
 * for the end of a body that is answered at once, or not at all, when more has come behind it. A request that
 * is refused before its body came is answered at once, the rest of the body is thrown away for a moment:
 * closing on unread data would reset the connection and lose the answer. */
#include "signaling/web/web_private.h"

#include <string.h>

#define LINGER_US (1 * LWS_US_PER_SEC)

/* The page talks to this server only; its microphone is its own. */
#define SECURITY_HEADERS                                                                                     \
  "X-Content-Type-Options: nosniff\r\n"                                                                      \
  "Referrer-Policy: no-referrer\r\n"
#define PAGE_HEADERS                                                                                         \
  "Content-Security-Policy: default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "         \
  "media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors "         \
  "'none'\r\n"                                                                                               \
  "Permissions-Policy: microphone=(self), camera=()\r\n"                                                     \
  "Cache-Control: no-cache\r\n"

typedef struct
{
  int status;
  const char *content_type;
  const char *headers; /* further ones, each ended by CRLF */
  const char *body;
  gsize size;
  gboolean close;
} Answer;

static const char *
status_phrase (int status)
{
  static const struct
  {
    int status;
    const char *phrase;
  } phrases[] = {
    { 200, "OK" },
    { 304, "Not Modified" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 415, "Unsupported Media Type" },
    { 426, "Upgrade Required" },
    { 429, "Too Many Requests" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (phrases); i++)
    if (phrases[i].status == status)
      return phrases[i].phrase;
  return "Status";
}

/* Returns: FALSE when the connection is broken. */
static gboolean
write_answer (SigWebConn *conn, const Answer *answer)
{
  g_autoptr (GByteArray) out = g_byte_array_sized_new ((guint)(LWS_PRE + 512 + answer->size));
  g_autofree char *head
      = g_strdup_printf ("HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %" G_GSIZE_FORMAT
                         "\r\n" SECURITY_HEADERS "%s%s\r\n",
                         answer->status, status_phrase (answer->status), answer->content_type, answer->size,
                         answer->headers != NULL ? answer->headers : "Cache-Control: no-store\r\n",
                         answer->close ? "Connection: close\r\n" : "");
  gsize size;

  conn->web->stats.n_responses[CLAMP (answer->status / 100, 2, 5) - 2]++;
  g_byte_array_set_size (out, LWS_PRE);
  memset (out->data, 0, LWS_PRE);
  g_byte_array_append (out, (const guint8 *)head, (guint)strlen (head));
  if (!conn->is_head && answer->status != 304)
    g_byte_array_append (out, (const guint8 *)answer->body, (guint)answer->size);
  size = out->len - LWS_PRE;
  return lws_write (conn->wsi, out->data + LWS_PRE, size, LWS_WRITE_HTTP_FINAL) >= (int)size;
}

static int
answer_and_go_on (SigWebConn *conn, const Answer *answer)
{
  Answer last = *answer;

  last.close = conn->is_upgrade || conn->is_last;
  if (!write_answer (conn, &last) || last.close || lws_http_transaction_completed (conn->wsi))
    return -1;
  return 0;
}

/* Twirp's word for a refusal. */
static const char *
twirp_word (int status)
{
  switch (status)
    {
    case 403:
      return "permission_denied";
    case 404:
    case 405:
      return "bad_route";
    case 408:
      return "deadline_exceeded";
    case 503:
      return "unavailable";
    default:
      return "malformed";
    }
}

/* Our own refusals, in words; programs that call Twirp read them as an error of its form. The connection ends
 * after them. */
static gboolean
write_refusal (SigWebConn *conn, int status, const char *sentence)
{
  const gboolean is_twirp = conn->path != NULL && g_str_has_prefix (conn->path, "/twirp/");
  g_autofree char *body
      = is_twirp ? g_strdup_printf ("{\"code\":\"%s\",\"msg\":\"%s\"}", twirp_word (status), sentence)
                 : g_strconcat (sentence, "\n", NULL);
  Answer answer = {
    .status = status,
    .content_type = is_twirp ? "application/json" : "text/plain; charset=utf-8",
    .body = body,
    .size = strlen (body),
    .close = TRUE,
  };

  if (status == 405)
    answer.headers = "Allow: GET, HEAD, POST\r\nCache-Control: no-store\r\n";
  else if (status == 401)
    answer.headers = "WWW-Authenticate: Bearer\r\nCache-Control: no-store\r\n";
  else if (status == 426)
    answer.headers = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nCache-Control: no-store\r\n";
  return write_answer (conn, &answer);
}

static const char *
refusal_sentence (int status)
{
  switch (status)
    {
    case 400:
      return "This request is malformed.";
    case 403:
      return "Pages of this origin may not use this server (see http.allowed_origins).";
    case 404:
      return "There is nothing at this path.";
    case 405:
      return "Only GET, HEAD and POST are answered here.";
    case 408:
      return "The request did not arrive in time.";
    case 411:
      return "Send the body with Content-Length, not chunked.";
    case 413:
      return "The body is too large.";
    case 426:
      return "This path speaks WebSocket version 13 only.";
    default:
      return "The request is refused.";
    }
}

/* Without a body to come the connection ends at once, else after a moment of listening. */
static int
refuse (SigWebConn *conn, int status, gboolean body_follows)
{
  if (!write_refusal (conn, status, refusal_sentence (status)) || !body_follows)
    return -1;
  conn->refused = TRUE;
  lws_set_timer_usecs (conn->wsi, LINGER_US);
  return 0;
}

static int
serve_file (SigWebConn *conn, const SigWebFile *file)
{
  g_autofree char *known = sig_web_header (conn->wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH);
  g_autofree char *headers = g_strdup_printf (PAGE_HEADERS "ETag: %s\r\n", file->etag);
  Answer answer = { .status = 200, .content_type = file->content_type, .headers = headers };

  answer.body = g_bytes_get_data (file->bytes, &answer.size);
  if (known != NULL && strstr (known, file->etag) != NULL)
    {
      answer.status = 304;
      answer.size = 0;
    }
  return answer_and_go_on (conn, &answer);
}

/* @response: its body is freed */
static int
answer_for_owner (SigWebConn *conn, SigWebResponse *response)
{
  static const char nothing[] = "There is nothing at this path.\n";
  g_autoptr (GBytes) body = g_steal_pointer (&response->body);
  Answer answer = { .status = response->status, .content_type = response->content_type };

  if (body == NULL)
    body = g_bytes_new_static (nothing, strlen (nothing));
  if (answer.content_type == NULL)
    answer.content_type = "text/plain; charset=utf-8";
  answer.body = g_bytes_get_data (body, &answer.size);
  return answer_and_go_on (conn, &answer);
}

static int
ask_owner (SigWebConn *conn)
{
  SigWeb *web = conn->web;
  SigWebRequest request;
  SigWebResponse response = { .status = 404 };

  sig_web_fill_request (conn, &request);
  request.id = conn->http_id = ++web->next_id;
  g_hash_table_insert (web->waiting, &conn->http_id, conn);
  if (web->ops->http != NULL && !web->ended)
    web->ops->http (web->owner, &request, &response);
  if (response.later || conn->is_post)
    lws_set_timeout (conn->wsi, NO_PENDING_TIMEOUT, 0);
  if (response.later)
    return 0;
  if (conn->is_post)
    {
      conn->late = response;
      conn->has_late = TRUE;
      lws_callback_on_writable (conn->wsi);
      return 0;
    }
  g_hash_table_remove (web->waiting, &conn->http_id);
  conn->http_id = 0;
  return answer_for_owner (conn, &response);
}

void
sig_web_respond (SigWeb *web, SigWebHttpId id, int status, const char *content_type, GBytes *body)
{
  SigWebConn *conn = g_hash_table_lookup (web->waiting, &id);

  if (conn == NULL || conn->has_late)
    {
      g_clear_pointer (&body, g_bytes_unref);
      return;
    }
  conn->late = (SigWebResponse){ .status = status, .content_type = content_type, .body = body };
  conn->has_late = TRUE;
  lws_callback_on_writable (conn->wsi);
}

int
sig_web_http_writable (SigWebConn *conn)
{
  if (!conn->has_late)
    return 0;
  conn->has_late = FALSE;
  g_hash_table_remove (conn->web->waiting, &conn->http_id);
  conn->http_id = 0;
  return answer_for_owner (conn, &conn->late);
}

/* A body is coming: it needs a length, and must be here in time. */
static int
begin_post (SigWebConn *conn, gint64 length)
{
  if (lws_hdr_total_length (conn->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 || length < 0)
    return refuse (conn, 411, TRUE);
  if ((guint64)length > conn->web->max_message_bytes)
    return refuse (conn, 413, TRUE);
  if (!sig_web_origin_allowed (conn->web, conn->wsi))
    return refuse (conn, 403, length > 0);
  if (sig_web_page_find (conn->web, conn->path) != NULL || strcmp (conn->path, "/ws") == 0)
    return refuse (conn, 405, length > 0);
  conn->is_reading = TRUE;
  lws_set_timer_usecs (conn->wsi, (lws_usec_t)conn->web->request_timeout_s * LWS_US_PER_SEC);
  return 0; /* libwebsockets calls for the body and its end, also for an empty one */
}

int
sig_web_http_begin (SigWebConn *conn)
{
  const SigWebFile *file;
  gint64 length;
  int status = sig_web_read_request (conn);

  if (!sig_web_content_length (conn->wsi, &length))
    return refuse (conn, 400, FALSE);
  if (status != 0)
    return refuse (conn, status, length > 0);
  if (conn->is_post)
    return begin_post (conn, length);
  if (length > 0 || lws_hdr_total_length (conn->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
    return refuse (conn, 400, length > 0);
  if (strcmp (conn->path, "/ws") == 0)
    return refuse (conn, 426, FALSE);
  file = sig_web_page_find (conn->web, conn->path);
  return file != NULL ? serve_file (conn, file) : ask_owner (conn);
}

int
sig_web_http_body (SigWebConn *conn, const void *data, gsize size)
{
  if (conn->refused || size == 0)
    return 0;
  if (conn->body->len + size > conn->web->max_message_bytes)
    return -1; /* more than Content-Length: cannot be */
  g_byte_array_append (conn->body, data, (guint)size);
  return 0;
}

/* Called again when something is behind a POST whose answer is still to come: who sends that must be ready
 * for the connection to end (RFC 9112 9.3.2). */
int
sig_web_http_complete (SigWebConn *conn)
{
  if (conn->refused)
    return -1;
  if (conn->http_id != 0)
    {
      conn->is_last = TRUE;
      (void)sig_web_http_writable (conn);
      return -1;
    }
  conn->is_reading = FALSE;
  g_byte_array_append (conn->body, (const guint8 *)"", 1);
  return ask_owner (conn);
}

int
sig_web_http_timeout (SigWebConn *conn)
{
  /* libwebsockets takes a timer that is cancelled for one that is due. */
  if (!conn->refused && !conn->is_reading)
    return 0;
  if (!conn->refused)
    (void)write_refusal (conn, 408, refusal_sentence (408));
  return -1;
}

static SigWebConnId
enlist (SigWebConn *conn)
{
  SigWeb *web = conn->web;

  conn->id = ++web->next_id;
  g_hash_table_insert (web->sockets, &conn->id, conn);
  return conn->id;
}

/* Returns: 0 to go on with the upgrade, else the status to refuse with. */
static int
judge_upgrade (SigWebConn *conn, const char *upgrade, const char **sentence)
{
  SigWeb *web = conn->web;
  SigWebRequest request;
  int status = sig_web_read_request (conn);

  if (status == 0 && (conn->is_post || conn->is_head))
    status = 405;
  if (status == 0 && g_ascii_strcasecmp (upgrade, "websocket") != 0)
    status = 400;
  if (status == 0 && strcmp (conn->path, "/ws") != 0)
    status = 404;
  if (status == 0)
    status = sig_web_check_upgrade (conn->wsi);
  if (status == 0 && !sig_web_origin_allowed (web, conn->wsi))
    status = 403;
  if (status != 0)
    {
      *sentence = refusal_sentence (status);
      return status;
    }
  if (web->ended || web->ops->ws_open == NULL)
    return 503;
  sig_web_fill_request (conn, &request);
  status = web->ops->ws_open (web->owner, enlist (conn), &request, sentence);
  if (status != 0)
    {
      g_hash_table_remove (web->sockets, &conn->id);
      conn->id = 0;
    }
  return status;
}

int
sig_web_http_upgrade (SigWebConn *conn, const char *upgrade)
{
  const char *sentence = NULL;
  int status;

  /* An offer of HTTP/2 may be passed over (RFC 9110 7.8); libwebsockets asks here before it would accept it.
   */
  conn->is_upgrade = TRUE;
  if (g_ascii_strcasecmp (upgrade, "websocket") != 0
      && lws_hdr_total_length (conn->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0)
    {
      (void)sig_web_http_begin (conn);
      return -1;
    }
  status = judge_upgrade (conn, upgrade, &sentence);
  if (status == 0)
    return 0;
  (void)write_refusal (conn, status, sentence != NULL ? sentence : refusal_sentence (status));
  return -1;
}
