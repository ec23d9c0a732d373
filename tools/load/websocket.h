/* A client's WebSocket (RFC 6455) over TCP, for JSON text: one message a frame, and no more than is needed of
 * the rest. Pump's thread. */
#pragma once

#include <glib.h>

#include "media/io/pump.h"

typedef struct _LoadSocket LoadSocket;

typedef struct
{
  void (*open) (gpointer user);
  /* @text is terminated. */
  void (*text) (const char *text, gpointer user);
  /* Once, when it could not be opened, or ended. */
  void (*closed) (const char *why, gpointer user);
} LoadSocketOps;

/**
 * load_socket_new:
 * @url: "ws://ADDRESS:PORT/PATH" with a numeric address
 * @query: (nullable): goes behind it
 * @protocol: (nullable): subprotocol
 *
 * Returns: (transfer full): NULL with @error.
 */
LoadSocket *load_socket_new (MediaPump *pump, const char *url, const char *query, const char *protocol,
                             const LoadSocketOps *ops, gpointer user,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** load_socket_free: not inside its callbacks; closes without a farewell. */
void load_socket_free (LoadSocket *socket);
/** load_socket_send: after it was opened. */
void load_socket_send (LoadSocket *socket, const char *text);
