#include "tools/ctl/client.h"

#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <string.h>

#include "tools/ctl/error.h"

#define MAX_MESSAGE_BYTES (64 * 1024 * 1024)
#define MAX_HEADER_BYTES  32768 /* a token is long */
#define PING_S            15    /* of quiet; dead after twice this */

typedef struct lws_context LwsContext;

struct _CtlClient
{
  LwsContext *context;
  SSL_CTX *tls;    /* (nullable); lws does not free what it was given */
  struct lws *wsi; /* NULL once it is closed */
  char *bearer;
  guint answer_s;
  gboolean is_open;
  gboolean is_late; /* the timer ran out */
  lws_sorted_usec_list_t timer;
  GError *failure; /* (nullable): why there is no connection */
  GString *incoming;
  GString *outgoing; /* LWS_PRE bytes, then the message; empty: nothing to send */
  GQueue messages;   /* of json_t, owned */
  json_t *refusal;   /* (nullable) */
  json_int_t last_id;
};

static const lws_retry_bo_t idle_policy
    = { .secs_since_valid_ping = PING_S, .secs_since_valid_hangup = 2 * PING_S };

static void
lost (CtlClient *client, CtlErrorCode code, const char *text)
{
  client->wsi = NULL;
  client->is_open = FALSE;
  if (client->failure == NULL)
    client->failure = g_error_new (CTL_ERROR, (gint)code, "%s", text);
}

/* (transfer full): what lws says of a connection that did not come about, in words. */
static char *
problem_text (struct lws *wsi, const char *why)
{
  SSL *tls = lws_get_ssl (wsi);
  const long verified = tls != NULL ? SSL_get_verify_result (tls) : X509_V_OK;

  if (verified != X509_V_OK)
    return g_strdup_printf ("its certificate is not trusted (%s); --ca-file names who signed it",
                            X509_verify_cert_error_string (verified));
  if (why == NULL || strcmp (why, "Unable to connect") == 0)
    return g_strdup ("nobody answers there: is the gateway running, is this its address?");
  if (strstr (why, "SSL") != NULL)
    return g_strdup ("it does not speak TLS as this program does: is it ws:// instead of wss://?");
  if (strcmp (why, "read failed") == 0)
    return g_strdup ("it hangs up: is it wss:// instead of ws://?");
  return g_strdup (why);
}

static void
on_refused (CtlClient *client, struct lws *wsi, const char *why)
{
  const unsigned status = lws_http_client_http_response (wsi);
  g_autofree char *text = NULL;

  if (status == 401 || status == 403)
    text = g_strdup_printf ("the gateway does not take the token (HTTP %u): is the secret the one of this "
                            "gateway's key?",
                            status);
  else if (status != 0 && status != 101)
    text = g_strdup_printf ("it answers with HTTP %u instead of a WebSocket: is this the gateway's API?",
                            status);
  else
    text = problem_text (wsi, why);
  lost (client, status == 401 || status == 403 ? CTL_ERROR_DENIED : CTL_ERROR_UNREACHABLE, text);
}

static int
on_received (CtlClient *client, struct lws *wsi, const char *bytes, gsize size)
{
  json_t *message;

  if (client->incoming->len + size > MAX_MESSAGE_BYTES)
    return -1;
  g_string_append_len (client->incoming, bytes, (gssize)size);
  if (!lws_is_final_fragment (wsi) || lws_remaining_packet_payload (wsi) > 0)
    return 0;
  message = json_loadb (client->incoming->str, client->incoming->len, 0, NULL);
  g_string_truncate (client->incoming, 0);
  if (message == NULL)
    return -1;
  g_queue_push_tail (&client->messages, message);
  return 0;
}

static int
on_writable (CtlClient *client, struct lws *wsi)
{
  const gsize size = client->outgoing->len > LWS_PRE ? client->outgoing->len - LWS_PRE : 0;
  int written;

  if (size == 0)
    return 0;
  written = lws_write (wsi, (unsigned char *)client->outgoing->str + LWS_PRE, size, LWS_WRITE_TEXT);
  g_string_truncate (client->outgoing, 0);
  return written < (int)size ? -1 : 0;
}

static int
add_token (const CtlClient *client, struct lws *wsi, unsigned char **at, gsize size)
{
  return lws_add_http_header_by_token (wsi, WSI_TOKEN_HTTP_AUTHORIZATION,
                                       (const unsigned char *)client->bearer, (int)strlen (client->bearer),
                                       at, *at + size);
}

static void
on_peer_close (CtlClient *client, const guchar *bytes, gsize size)
{
  g_autofree char *text = NULL;

  if (size < 2)
    return;
  text = g_strdup_printf ("the gateway closed the connection (%d%s%.*s)", bytes[0] << 8 | bytes[1],
                          size > 2 ? " " : "", (int)size - 2, (const char *)bytes + 2);
  if (client->failure == NULL)
    client->failure = g_error_new (CTL_ERROR, CTL_ERROR_UNREACHABLE, "%s", text);
}

static int
on_event (struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
  CtlClient *client = lws_context_user (lws_get_context (wsi));

  switch ((int)reason)
    {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
      return add_token (client, wsi, in, size);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      client->is_open = TRUE;
      return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      on_refused (client, wsi, in);
      return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
      return on_received (client, wsi, in, size);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      return on_writable (client, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      on_peer_close (client, in, size);
      return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
      lost (client, CTL_ERROR_UNREACHABLE, "the connection to the gateway was lost");
      return 0;
    default:
      return 0;
    }
}

/* ---- connecting ---- */

static const struct lws_protocols protocols[]
    = { { .name = "switchroomctl", .callback = on_event, .rx_buffer_size = 65536 }, { NULL, NULL, 0, 0 } };

static SSL_CTX *
make_tls (const CtlTarget *target, GError **error)
{
  SSL_CTX *tls = SSL_CTX_new (TLS_client_method ());

  SSL_CTX_set_min_proto_version (tls, TLS1_2_VERSION);
  SSL_CTX_set_default_verify_paths (tls);
  if (target->ca_file == NULL || SSL_CTX_load_verify_locations (tls, target->ca_file, NULL) == 1)
    return tls;
  SSL_CTX_free (tls);
  g_set_error (error, CTL_ERROR, CTL_ERROR_USAGE, "%s: has no certificates in PEM", target->ca_file);
  return NULL;
}

static gboolean
make_context (CtlClient *client, const CtlTarget *target, GError **error)
{
  struct lws_context_creation_info info = {
    .port = CONTEXT_PORT_NO_LISTEN,
    .protocols = protocols,
    .user = client,
    .gid = (gid_t)-1,
    .uid = (uid_t)-1,
    .pt_serv_buf_size = MAX_HEADER_BYTES,
    .max_http_header_data = MAX_HEADER_BYTES,
    .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
  };

  lws_set_log_level (0, NULL);
  if (target->url->is_tls)
    {
      client->tls = make_tls (target, error);
      if (client->tls == NULL)
        return FALSE;
      info.provided_client_ssl_ctx = client->tls;
    }
  client->context = lws_create_context (&info);
  if (client->context != NULL)
    return TRUE;
  g_set_error_literal (error, CTL_ERROR, CTL_ERROR_UNREACHABLE, "libwebsockets does not start");
  return FALSE;
}

static void
start (CtlClient *client, const CtlTarget *target)
{
  const CtlUrl *url = target->url;
  const gboolean is_default = url->port == (url->is_tls ? 443 : 80);
  const gboolean is_ipv6 = strchr (url->host, ':') != NULL;
  g_autofree char *named = g_strdup_printf (is_ipv6 ? "[%s]" : "%s", url->host);
  g_autofree char *host = is_default ? g_strdup (named) : g_strdup_printf ("%s:%u", named, url->port);
  const int unchecked = LCCSCF_ALLOW_SELFSIGNED | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK
                        | LCCSCF_ALLOW_INSECURE | LCCSCF_ALLOW_EXPIRED;
  const struct lws_client_connect_info info = {
    .context = client->context,
    .address = url->host,
    .port = url->port,
    .ssl_connection = !url->is_tls ? 0 : LCCSCF_USE_SSL | (target->insecure ? unchecked : 0),
    .path = url->path,
    .host = host,
    .ietf_version_or_minus_one = -1,
    .local_protocol_name = protocols[0].name,
    .retry_and_idle_policy = &idle_policy,
    .pwsi = &client->wsi,
  };

  if (lws_client_connect_via_info (&info) == NULL)
    lost (client, CTL_ERROR_UNREACHABLE, "there is no such host");
}

static void
on_timer (lws_sorted_usec_list_t *timer)
{
  CtlClient *client = lws_container_of (timer, CtlClient, timer);

  client->is_late = TRUE;
  lws_cancel_service (client->context);
}

/* @seconds: 0: no limit */
static void
set_timer (CtlClient *client, guint seconds)
{
  client->is_late = FALSE;
  lws_sul_cancel (&client->timer);
  if (seconds > 0)
    lws_sul_schedule (client->context, 0, &client->timer, on_timer, (lws_usec_t)seconds * LWS_USEC_PER_SEC);
}

static gboolean
fail (CtlClient *client, const char *late, GError **error)
{
  if (client->failure != NULL)
    g_propagate_error (error, g_error_copy (client->failure));
  else
    g_set_error_literal (error, CTL_ERROR, CTL_ERROR_UNREACHABLE, late);
  return FALSE;
}

CtlClient *
ctl_client_connect (const CtlTarget *target, GError **error)
{
  g_autoptr (CtlClient) client = g_new0 (CtlClient, 1);

  client->bearer = g_strconcat ("Bearer ", target->token, NULL);
  client->answer_s = target->answer_s;
  client->incoming = g_string_new (NULL);
  client->outgoing = g_string_new (NULL);
  g_queue_init (&client->messages);
  if (!make_context (client, target, error))
    return NULL;
  set_timer (client, target->connect_s);
  start (client, target);
  while (!client->is_open && client->failure == NULL && !client->is_late)
    lws_service (client->context, 0);
  set_timer (client, 0);
  if (client->is_open)
    return g_steal_pointer (&client);
  fail (client, "nobody answers in time", error);
  g_prefix_error (error, "%s://%s:%u%s: ", target->url->is_tls ? "wss" : "ws", target->url->host,
                  target->url->port, target->url->path);
  return NULL;
}

void
ctl_client_free (CtlClient *client)
{
  if (client == NULL)
    return;
  if (client->context != NULL)
    lws_context_destroy (client->context);
  SSL_CTX_free (client->tls);
  g_queue_clear_full (&client->messages, (GDestroyNotify)json_decref);
  g_string_free (client->incoming, TRUE);
  g_string_free (client->outgoing, TRUE);
  g_clear_error (&client->failure);
  json_decref (client->refusal);
  g_free (client->bearer);
  g_free (client);
}

/* ---- requests ---- */

static void
send_request (CtlClient *client, const char *method, json_t *params)
{
  json_t *request = json_pack ("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", ++client->last_id, "method",
                               method, "params", params);
  char *text = json_dumps (request, JSON_COMPACT);

  g_string_set_size (client->outgoing, LWS_PRE);
  g_string_append (client->outgoing, text);
  free (text);
  json_decref (request);
  lws_callback_on_writable (client->wsi);
}

/* Takes the answer to the last request out of what came. */
static json_t *
find_answer (CtlClient *client)
{
  for (GList *link = client->messages.head; link != NULL; link = link->next)
    {
      json_t *message = link->data, *id = json_object_get (message, "id");

      if (json_object_get (message, "method") != NULL
          || (json_integer_value (id) != client->last_id && !json_is_null (id)))
        continue;
      g_queue_delete_link (&client->messages, link);
      return message;
    }
  return NULL;
}

static void
refuse (CtlClient *client, const char *method, json_t *answer, GError **error)
{
  const json_t *data, *refusal;
  const char *word, *text;
  gboolean is_denied;

  json_decref (client->refusal);
  client->refusal = json_incref (json_object_get (answer, "error"));
  refusal = client->refusal;
  data = json_object_get (refusal, "data");
  word = json_string_value (json_object_get (data, "code"));
  text = json_string_value (json_object_get (refusal, "message"));
  is_denied = g_strcmp0 (word, "permission_denied") == 0 || g_strcmp0 (word, "unauthenticated") == 0;
  /* The answer of a phone is no matter of grants. */
  if (json_object_get (data, "sip_status_code") != NULL)
    is_denied = FALSE;
  g_set_error (error, CTL_ERROR, is_denied ? CTL_ERROR_DENIED : CTL_ERROR_REFUSED, "%s: %s%s%s%s", method,
               text != NULL ? text : "refused", word != NULL ? " (" : "", word != NULL ? word : "",
               word != NULL ? ")" : "");
}

json_t *
ctl_client_call (CtlClient *client, const char *method, json_t *params, GError **error)
{
  json_t *answer = NULL, *result;

  if (client->wsi == NULL)
    {
      json_decref (params);
      fail (client, "the connection to the gateway was lost", error);
      return NULL;
    }
  send_request (client, method, params);
  set_timer (client, client->answer_s);
  while ((answer = find_answer (client)) == NULL && client->failure == NULL && !client->is_late)
    lws_service (client->context, 0);
  set_timer (client, 0);
  if (answer == NULL)
    {
      fail (client, "the gateway does not answer in time", error);
      return NULL;
    }
  result = json_incref (json_object_get (answer, "result"));
  if (result == NULL)
    refuse (client, method, answer, error);
  json_decref (answer);
  return result;
}

const json_t *
ctl_client_refusal (const CtlClient *client)
{
  return client->refusal;
}

json_t *
ctl_client_next (CtlClient *client, GError **error)
{
  while (client->messages.length == 0 && client->failure == NULL)
    lws_service (client->context, 0);
  if (client->messages.length > 0)
    return g_queue_pop_head (&client->messages);
  fail (client, "the connection to the gateway was lost", error);
  return NULL;
}
