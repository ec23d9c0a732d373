/* A small HTTP and WebSocket client on a plain socket (or TLS), driven together with the server's main loop:
 * every wait turns the loop until a condition holds, with a deadline that only a failure reaches. */
#pragma once

#include <glib.h>

#include "signaling/web/web.h"

typedef struct _WebClient WebClient;

/** web_until: turns the main loop until @done returns TRUE; aborts the test after 10 s. */
void web_until (gboolean (*done) (gpointer user), gpointer user);

WebClient *web_client_new (guint16 port, gboolean tls);
void web_client_free (WebClient *client);
/** web_client_peer_serial: of the server's certificate (TLS only). (transfer full) */
char *web_client_peer_serial (WebClient *client);

void web_client_send (WebClient *client, const void *data, gsize size);
void web_client_send_text (WebClient *client, const char *text);
/** web_client_wait_bytes: until @n bytes are there. Returns: what has come so far, NUL-terminated. */
const char *web_client_wait_bytes (WebClient *client, gsize n);
/** web_client_wait_end: until the server closed. Returns: everything that came. */
const char *web_client_wait_end (WebClient *client);
/** web_client_wait_response: until one HTTP response is whole; takes it off. (transfer full) */
char *web_client_wait_response (WebClient *client);
gboolean web_client_ended (WebClient *client);
/** web_client_set_paused: stops reading, so that the server's queue fills. */
void web_client_set_paused (WebClient *client, gboolean paused);
/** web_client_take: reads up to @n bytes of a paused client's, and forgets them. */
void web_client_take (WebClient *client, gsize n);

/** web_client_upgrade: GET /ws with @query ("?access_token=x" or ""), @headers ended by CRLF each. Returns:
 * the status line's code; the response's text is in @response. */
int web_client_upgrade (WebClient *client, const char *query, const char *headers, char **response);
/** web_client_frame: one masked frame. */
void web_client_frame (WebClient *client, gboolean fin, guint8 opcode, const void *data, gsize size);
/** web_client_wait_frame: takes one frame off. Returns: its payload (transfer full), NUL-terminated. */
char *web_client_wait_frame (WebClient *client, guint8 *opcode, gsize *size);
/** web_client_wait_close: skips to the close frame. Returns: its code, 0 when the connection ended without
 * one. */
int web_client_wait_close (WebClient *client);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WebClient, web_client_free)
