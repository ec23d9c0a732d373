/* The server's life, and the one callback of libwebsockets. */
#include "signaling/web/web_private.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "config/base/error.h"
#include "config/base/log.h"

#define DEFAULT_MESSAGE_BYTES (1024 * 1024)
#define DEFAULT_QUEUE_BYTES   (4 * 1024 * 1024)

/* ---- connections ---- */

static SigWebConn *
conn_of (struct lws *wsi)
{
  SigWeb *web = lws_context_user (lws_get_context (wsi));
  SigWebConn *conn = lws_get_opaque_user_data (wsi);

  if (conn == NULL)
    {
      conn = g_new0 (SigWebConn, 1);
      conn->web = web;
      conn->wsi = wsi;
      conn->body = g_byte_array_new ();
      g_queue_init (&conn->out);
      lws_set_opaque_user_data (wsi, conn);
    }
  return conn;
}

static void
conn_free (SigWebConn *conn)
{
  sig_web_ws_drop_queue (conn);
  g_clear_pointer (&conn->late.body, g_bytes_unref);
  g_byte_array_unref (conn->body);
  g_free (conn->path);
  g_free (conn->token);
  g_free (conn->content_type);
  g_free (conn);
}

/* The last that is heard of a connection, in whatever state it was. */
static void
conn_destroyed (struct lws *wsi)
{
  SigWeb *web = lws_context_user (lws_get_context (wsi));
  SigWebConn *conn = lws_get_opaque_user_data (wsi);

  if (web->n_connections > 0)
    web->n_connections--;
  if (conn == NULL)
    return;
  lws_set_opaque_user_data (wsi, NULL);
  if (conn->http_id != 0)
    g_hash_table_remove (web->waiting, &conn->http_id);
  if (conn->id != 0)
    {
      g_hash_table_remove (web->sockets, &conn->id);
      if (!web->ended && web->ops->ws_closed != NULL)
        web->ops->ws_closed (web->owner, conn->id);
    }
  conn_free (conn);
}

static int
established (SigWebConn *conn)
{
  conn->established = TRUE;
  g_byte_array_set_size (conn->body, 0);
  if (!g_queue_is_empty (&conn->out) || conn->close_code != 0)
    lws_callback_on_writable (conn->wsi);
  if (conn->close_code == 0)
    sig_web_alive_begin (conn);
  return 0;
}

static int
load_certificates (SigWeb *web, SSL_CTX *ssl)
{
  return sig_web_tls_setup (web, ssl, &web->tls_error) ? 0 : -1;
}

static int
on_event (struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
  /* libwebsockets has many more events than concern a server of this kind. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wswitch-enum"
  switch (reason)
    {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
      return load_certificates (lws_context_user (lws_get_context (wsi)), user);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
      return sig_web_http_upgrade (conn_of (wsi), in);
    case LWS_CALLBACK_HTTP:
      return sig_web_http_begin (conn_of (wsi));
    case LWS_CALLBACK_HTTP_BODY:
      return sig_web_http_body (conn_of (wsi), in, size);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
      return sig_web_http_complete (conn_of (wsi));
    case LWS_CALLBACK_HTTP_WRITEABLE:
      return sig_web_http_writable (conn_of (wsi));
    case LWS_CALLBACK_ESTABLISHED:
      return established (conn_of (wsi));
    case LWS_CALLBACK_RECEIVE:
      return sig_web_ws_receive (conn_of (wsi), in, size);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      return sig_web_ws_peer_closes (conn_of (wsi));
    case LWS_CALLBACK_SERVER_WRITEABLE:
      return sig_web_ws_writable (conn_of (wsi));
    case LWS_CALLBACK_RECEIVE_PONG:
      sig_web_alive_heard (conn_of (wsi));
      return 0;
    case LWS_CALLBACK_TIMER:
      return conn_of (wsi)->id == 0           ? sig_web_http_timeout (conn_of (wsi))
             : conn_of (wsi)->close_code != 0 ? -1 /* the grace is over */
                                              : 0; /* that was of the request */
    case LWS_CALLBACK_WSI_CREATE:
      ((SigWeb *)lws_context_user (lws_get_context (wsi)))->n_connections++;
      return 0;
    case LWS_CALLBACK_WSI_DESTROY:
      conn_destroyed (wsi);
      return 0;
    default:
      return 0;
    }
#pragma GCC diagnostic pop
}

/* ---- the context of libwebsockets ---- */

static void
on_log (int level, const char *line)
{
  g_autofree char *text = g_strchomp (g_strdup (line));

  cfg_debug ("api", NULL, "libwebsockets", CFG_STR ("line", text));
}

static gboolean
create_context (SigWeb *web, GError **error)
{
  /* Of whether clients are there: web_alive.c. Each message would set a timer. */
  static const lws_retry_bo_t no_checks = { 0 };
  struct lws_context_creation_info info = {
    .port = CONTEXT_PORT_NO_LISTEN_SERVER,
    .protocols = web->protocols,
    .user = web,
    .gid = (gid_t)-1,
    .uid = (uid_t)-1,
    .options = LWS_SERVER_OPTION_LIBUV,
    .foreign_loops = web->foreign_loops,
    .max_http_header_data = 32768,
    .max_http_header_pool = 256,
    /* Tables of this size, instead of one entry for each descriptor that the process might open. */
    .fd_limit_per_thread = SIG_WEB_MAX_CONNECTIONS + 64,
    .timeout_secs = web->request_timeout_s + 2, /* ours comes first, and with an answer */
    .timeout_secs_ah_idle = web->request_timeout_s,
    .keepalive_timeout = 30,
    .retry_and_idle_policy = &no_checks,
    .alpn = "http/1.1",
  };

  if (web->tls_cert != NULL || web->self_signed)
    info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
  lws_set_log_level (LLL_ERR | LLL_WARN, on_log);
  web->context = lws_create_context (&info);
  if (web->context == NULL)
    {
      if (web->tls_error != NULL)
        g_propagate_error (error, g_steal_pointer (&web->tls_error));
      else
        g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE,
                     "libwebsockets cannot start (is the package libwebsockets-evlib-uv installed?)");
      return FALSE;
    }
  web->vhost = lws_get_vhost_by_name (web->context, "default");
  return TRUE;
}

static gboolean
check_config (const SigWebConfig *config, GError **error)
{
  if ((config->tls_cert == NULL) == (config->tls_key == NULL))
    return TRUE;
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "http.tls needs both cert and key");
  return FALSE;
}

static void
copy_config (SigWeb *web, const SigWebConfig *config)
{
  static const char *const none[] = { NULL };
  guint ping_s = config->ping_interval_s != 0 ? config->ping_interval_s : 15;

  web->origins = g_strdupv ((char **)(config->allowed_origins != NULL ? config->allowed_origins : none));
  web->tls_cert = g_strdup (config->tls_cert);
  web->tls_key = g_strdup (config->tls_key);
  web->self_signed = config->self_signed;
  web->max_message_bytes = config->max_message_bytes != 0 ? config->max_message_bytes : DEFAULT_MESSAGE_BYTES;
  web->max_queue_bytes = config->max_queue_bytes != 0 ? config->max_queue_bytes : DEFAULT_QUEUE_BYTES;
  web->request_timeout_s = config->request_timeout_s != 0 ? config->request_timeout_s : 10;
  web->ping_interval_us = (gint64)ping_s * G_USEC_PER_SEC;
}

SigWeb *
sig_web_new (const SigWebConfig *config, const SigWebOps *ops, gpointer owner, GError **error)
{
  SigWeb *web;

  if (!check_config (config, error))
    return NULL;
  web = g_new0 (SigWeb, 1);
  web->ops = ops;
  web->owner = owner;
  copy_config (web, config);
  web->sockets = g_hash_table_new (g_int64_hash, g_int64_equal);
  web->waiting = g_hash_table_new (g_int64_hash, g_int64_equal);
  web->page = sig_web_page_load ();
  web->listeners = sig_web_listeners_new ();
  web->spare_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  web->loop = sig_web_loop_new (NULL);
  sig_web_alive_start (web);
  web->foreign_loops[0] = sig_web_loop_uv (web->loop);
  web->protocols[0] = (struct lws_protocols){
    .name = SIG_WEB_SUBPROTOCOL,
    .callback = on_event,
    .per_session_data_size = 1, /* some callbacks come only to connections with user space */
    .rx_buffer_size = 16384,
  };
  if (!sig_web_tls_check (web, error) || !create_context (web, error)
      || !sig_web_listen (web, config->bind, config->port, error))
    {
      sig_web_free (web);
      return NULL;
    }
  return web;
}

void
sig_web_free (SigWeb *web)
{
  GHashTableIter iter;
  gpointer conn;

  if (web == NULL)
    return;
  web->ended = TRUE;
  sig_web_alive_stop (web);
  g_ptr_array_unref (web->listeners);
  g_hash_table_iter_init (&iter, web->sockets);
  while (g_hash_table_iter_next (&iter, NULL, &conn))
    sig_web_ws_goodbye (conn);
  if (web->context != NULL)
    {
      lws_context_destroy (web->context); /* closes what waits in the loop */
      sig_web_loop_finish (web->loop);
      lws_context_destroy (web->context); /* frees the context */
    }
  g_assert (g_hash_table_size (web->sockets) == 0);
  g_hash_table_unref (web->sockets);
  g_hash_table_unref (web->waiting);
  g_hash_table_unref (web->page);
  sig_web_loop_free (web->loop);
  close (web->spare_fd);
  g_strfreev (web->origins);
  g_free (web->tls_cert);
  g_free (web->tls_key);
  g_clear_error (&web->tls_error);
  SSL_CTX_free (web->reloaded);
  g_free (web);
}

guint16
sig_web_port (const SigWeb *web)
{
  return web->port;
}

gboolean
sig_web_is_tls (const SigWeb *web)
{
  return web->ssl != NULL;
}

void
sig_web_get_stats (const SigWeb *web, SigWebStats *stats)
{
  *stats = web->stats;
  stats->n_connections = web->n_connections;
  stats->n_sockets = g_hash_table_size (web->sockets);
}
