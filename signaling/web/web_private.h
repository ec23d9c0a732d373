/* What the files of this folder share: the server, one connection, and the functions between them.
 *
 *   web.c          the libwebsockets context and its callback
 *   web_loop.c     its loop, as one source of the GLib main loop
 *   web_listen.c   listening sockets, accepting
 *   web_request.c  reading and judging a request's headers
 *   web_http.c     answers, bodies, refused upgrades
 *   web_page.c     the built-in files
 *   web_ws.c       messages in and out of a WebSocket
 *   web_alive.c    whether its client is there and reads
 *   web_taken.c    what the other side of a connection has taken
 *   web_tls.c      certificates
 *
 * A connection's struct hangs at its wsi from the first callback on; it ends with LWS_CALLBACK_WSI_DESTROY,
 * which comes for every connection, whatever became of it. */
#pragma once

#include <gio/gio.h>
#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <uv.h>

#include "signaling/web/web.h"

#define SIG_WEB_MAX_CONNECTIONS 2000
#define SIG_WEB_MAX_TOKEN_BYTES 16384
#define SIG_WEB_SUBPROTOCOL     "switchroom"

typedef struct _SigWebLoop SigWebLoop;

struct _SigWeb
{
  const SigWebOps *ops;
  gpointer owner;
  gboolean ended; /* no ops any more */

  char **origins;
  char *tls_cert, *tls_key; /* (nullable) */
  gboolean self_signed;
  gsize max_message_bytes, max_queue_bytes;
  guint request_timeout_s;

  SigWebLoop *loop;
  struct lws_context *context;
  struct lws_vhost *vhost;
  struct lws_protocols protocols[2];
  gint64 ping_interval_us;
  GSource *looks;
  void *foreign_loops[1];

  GPtrArray *listeners;
  int spare_fd;
  guint16 port;
  guint n_connections;
  SigWebStats stats;   /* all but what is counted elsewhere */
  GHashTable *sockets; /* SigWebConnId -> SigWebConn, the accepted WebSockets */
  SigWebConnId next_id;
  GHashTable *waiting; /* SigWebHttpId -> SigWebConn, HTTP requests whose answer comes later */
  GHashTable *page;    /* path -> SigWebFile */

  SSL_CTX *ssl;      /* borrowed from the vhost; (nullable) */
  SSL_CTX *reloaded; /* (nullable): has the certificate of new connections, when it was read again */
  GError *tls_error;
};

typedef struct
{
  SigWeb *web;
  struct lws *wsi;

  /* the request being read */
  gboolean is_post, is_head;
  char *path, *token, *content_type; /* the last two (nullable) */
  char remote[64];
  GByteArray *body;     /* of the POST, later the WebSocket message being put together */
  gboolean is_upgrade;  /* asked for one: the connection ends with whatever else is answered */
  gboolean is_last;     /* the connection ends with the answer */
  gboolean is_reading;  /* the body of a POST is not whole yet */
  gboolean refused;     /* answered already; what still comes is thrown away */
  SigWebHttpId http_id; /* 0: none that waits */
  SigWebResponse late;  /* what came for it */
  gboolean has_late;

  /* a WebSocket */
  SigWebConnId id; /* 0: still HTTP */
  gboolean established;
  gboolean paused; /* its requests are not read */
  GQueue out;      /* of SigWebMessage */
  gsize queued, in_flight;
  gint64 heard_us;    /* when something came from the client last */
  gint64 moved_us;    /* when something of ours was taken last, or nothing waited */
  guint64 taken;      /* bytes, then */
  gint64 look_us;     /* when it is to be looked at */
  gboolean pinged;    /* since it was heard */
  guint16 close_code; /* 0: not closing */
  char close_reason[100];
  gboolean close_sent;
} SigWebConn;

typedef struct
{
  GBytes *bytes;
  const char *content_type;
  char *etag; /* with its quotes */
} SigWebFile;

/* web_loop.c */
/** sig_web_loop_new: a loop of libuv for libwebsockets, driven by @context. */
SigWebLoop *sig_web_loop_new (GMainContext *context);
uv_loop_t *sig_web_loop_uv (SigWebLoop *loop);
/** sig_web_loop_finish: turns it until all that was closed in it is gone. */
void sig_web_loop_finish (SigWebLoop *loop);
void sig_web_loop_free (SigWebLoop *loop);

/* web_listen.c */
GPtrArray *sig_web_listeners_new (void);
/** sig_web_listen: binds every address of @name (NULL or "": all) and accepts from now on; sets web->port. */
gboolean sig_web_listen (SigWeb *web, const char *name, guint16 port, GError **error);

/* web_request.c */
char *sig_web_header (struct lws *wsi, enum lws_token_indexes token);
/** sig_web_read_request: fills the request members of @conn. Returns: 0, or the status to refuse with. */
int sig_web_read_request (SigWebConn *conn);
gboolean sig_web_origin_allowed (SigWeb *web, struct lws *wsi);
/** sig_web_content_length: Returns: FALSE when the header is no number; @length -1 when there is none. */
gboolean sig_web_content_length (struct lws *wsi, gint64 *length);
/** sig_web_check_upgrade: whether libwebsockets will be able to upgrade. Returns: 0, or the status. */
int sig_web_check_upgrade (struct lws *wsi);
void sig_web_fill_request (const SigWebConn *conn, SigWebRequest *request);

/* web_http.c; each returns what the libwebsockets callback has to return */
int sig_web_http_begin (SigWebConn *conn);
int sig_web_http_body (SigWebConn *conn, const void *data, gsize size);
int sig_web_http_complete (SigWebConn *conn);
int sig_web_http_upgrade (SigWebConn *conn, const char *upgrade);
int sig_web_http_timeout (SigWebConn *conn);
int sig_web_http_writable (SigWebConn *conn);

/* web_page.c */
GHashTable *sig_web_page_load (void);
const SigWebFile *sig_web_page_find (SigWeb *web, const char *path);

/* web_ws.c; the same */
int sig_web_ws_receive (SigWebConn *conn, const char *data, gsize size);
int sig_web_ws_writable (SigWebConn *conn);
int sig_web_ws_peer_closes (SigWebConn *conn);
void sig_web_ws_drop_queue (SigWebConn *conn);
void sig_web_ws_goodbye (SigWebConn *conn);
/** sig_web_ws_cut_off: closes it with "slow consumer". */
void sig_web_ws_cut_off (SigWebConn *conn);
/** sig_web_ws_break_off: ends it, soon, without another word. */
void sig_web_ws_break_off (SigWebConn *conn);
/** sig_web_ws_say_last: the same behind a close frame, if the socket takes it. */
void sig_web_ws_say_last (SigWebConn *conn, guint16 code, const char *reason);

/* web_alive.c */
/** sig_web_alive_start: looks at web->sockets now and then, until sig_web_alive_stop. */
void sig_web_alive_start (SigWeb *web);
void sig_web_alive_stop (SigWeb *web);
void sig_web_alive_begin (SigWebConn *conn);
void sig_web_alive_heard (SigWebConn *conn);

/* web_tls.c */
/** sig_web_tls_check: whether the files can be read and belong together; TRUE without files. */
gboolean sig_web_tls_check (SigWeb *web, GError **error);
gboolean sig_web_tls_setup (SigWeb *web, SSL_CTX *ssl, GError **error);
