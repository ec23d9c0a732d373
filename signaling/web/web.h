/* HTTP and WebSocket on libwebsockets, on the GLib main loop. This layer knows connections, bytes and tokens
 * (as strings); it does not know what a request means: it asks its owner through SigWebOps. Main thread only.
 *
 * It serves the page (signaling/web/page, built into the binary) at /, upgrades /ws, and hands every other
 * request to ops.http. Its own answers: 304, 400, 403 (foreign origin), 404, 405, 408, 411 (no Content-Length
 * or a chunked body), 413, 426. A request line or header that cannot be read at all closes the connection. */
#pragma once

#include <glib.h>

typedef struct _SigWeb SigWeb;
typedef guint64 SigWebConnId; /* a WebSocket; never used again; 0 is none */
typedef guint64 SigWebHttpId; /* a request that waits for its answer; the same */

typedef struct
{
  const char *bind;
  guint16 port;                       /* 0: any free one, see sig_web_port */
  const char *tls_cert, *tls_key;     /* (nullable): paths; both or none */
  gboolean self_signed;               /* makes a certificate in memory: https for phones in a local network */
  const char *const *allowed_origins; /* NULL-terminated; empty: same origin, or no Origin header at all */
  gsize max_message_bytes;            /* of one WebSocket message or HTTP body; 0: 1 MiB */
  gsize max_queue_bytes;              /* waiting to be sent per connection; 0: 4 MiB; above it the socket
                                         is closed with 1008 "slow consumer" */
  guint request_timeout_s;            /* for a request to arrive whole; 0: 10 */
  guint ping_interval_s;              /* of quiet, then a ping; closed with 1008 "no answer to pings" after
                                         twice this; who takes none of what waits for it for twice this is
                                         closed with 1008 "slow consumer"; 0: 15 */
} SigWebConfig;

typedef struct
{
  const char *method;       /* "GET" or "POST" */
  const char *path;         /* decoded, without the query */
  const char *token;        /* (nullable): from Authorization: Bearer or ?access_token= */
  const char *remote;       /* numeric address of the client */
  const char *content_type; /* (nullable) */
  const char *body;         /* never NULL; NUL-terminated behind body_size bytes */
  gsize body_size;
  SigWebHttpId id; /* for sig_web_respond; of ops.http only */
} SigWebRequest;

typedef struct
{
  int status;
  const char *content_type; /* static string */
  GBytes *body;             /* (transfer full) (nullable) */
  gboolean later;           /* nothing yet: sig_web_respond will follow */
} SigWebResponse;

typedef struct
{
  /* A WebSocket wants in. Returns: 0 to accept (then @conn names it and ws_closed will come), else the HTTP
   * status to refuse with (401, 403, 503), and *reason a static sentence. */
  int (*ws_open) (gpointer owner, SigWebConnId conn, const SigWebRequest *request, const char **reason);
  /* One whole text message (fragments are put together; binary ones are refused with 1003). UTF-8 checked. */
  void (*ws_message) (gpointer owner, SigWebConnId conn, const char *text, gsize size);
  void (*ws_closed) (gpointer owner, SigWebConnId conn);
  /* Any HTTP request but the page's. Fills @response, or says that the answer comes later. */
  void (*http) (gpointer owner, const SigWebRequest *request, SigWebResponse *response);
} SigWebOps;

/** sig_web_new: @config copied, @ops not. Returns: (nullable): NULL with @error naming address, port, reason.
 */
SigWeb *sig_web_new (const SigWebConfig *config, const SigWebOps *ops, gpointer owner, GError **error);
/** sig_web_free: closes every connection (1001) without calling ops any more. Not from inside of an ops call.
 */
void sig_web_free (SigWeb *web);
/** sig_web_reload_tls: reads the certificate files again, for new connections; the old ones stay in use when
 * they cannot be read. Without files: TRUE and nothing happens. */
gboolean sig_web_reload_tls (SigWeb *web, GError **error);
guint16 sig_web_port (const SigWeb *web);
gboolean sig_web_is_tls (const SigWeb *web);

/** sig_web_respond: the answer to a request that was left for later. @body: (transfer full) (nullable).
 * Harmless when the client is gone. */
void sig_web_respond (SigWeb *web, SigWebHttpId id, int status, const char *content_type, GBytes *body);

/** sig_web_send: sends @text (copied) on @conn, or queues it; harmless when it is gone. Queued is what the
 * socket does not take now; with more than 64 kB of it no requests are read from the client, and above
 * max_queue_bytes the connection is closed. */
void sig_web_send (SigWeb *web, SigWebConnId conn, const char *text, gsize size);

/* A text for many connections: it is in memory once, in however many queues it waits. */
typedef struct _SigWebMessage SigWebMessage;

/** sig_web_message_new: @text is copied. */
SigWebMessage *sig_web_message_new (const char *text, gsize size);
void sig_web_message_unref (SigWebMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SigWebMessage, sig_web_message_unref)
/** sig_web_post: as sig_web_send. @message: (transfer none) */
void sig_web_post (SigWeb *web, SigWebConnId conn, SigWebMessage *message);

/** sig_web_close: sends what is queued, then closes with @code (1000-4999) and @reason. ws_closed will come.
 */
void sig_web_close (SigWeb *web, SigWebConnId conn, guint16 code, const char *reason);
/** sig_web_queued: bytes waiting on @conn. */
gsize sig_web_queued (SigWeb *web, SigWebConnId conn);

typedef struct
{
  guint n_connections;    /* TCP connections, HTTP and WebSocket */
  guint n_sockets;        /* WebSockets */
  gsize queued_bytes;     /* waiting to be sent; a shared message counts once for each connection */
  guint64 n_responses[4]; /* to HTTP requests and refused upgrades: 2xx, 3xx, 4xx, 5xx */
  guint64 n_messages_in;  /* over WebSockets */
  guint64 n_messages_out; /* over WebSockets */
  guint64 n_slow_total;   /* closed with 1008 "slow consumer" */
  guint64 n_paused_total; /* times that a client's requests were not read, since it did not read answers */
  guint64 n_turned_away;  /* connections above the limit, or without a descriptor left */
} SigWebStats;

void sig_web_get_stats (const SigWeb *web, SigWebStats *stats);
