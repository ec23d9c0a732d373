/* The owner of the web server in the tests: it lets the token "good" in (and very long ones), greets with
 * "welcome", echoes messages (50 kB for "much"), answers /answer and /large, and writes down what happens. */
#pragma once

#include "web_client.h"

/* The answer to /large: more than the kernel takes for a client that does not read. */
#define WEB_LARGE_BYTES (24 * 1024 * 1024)

typedef struct
{
  SigWeb *web;
  GString *log;
  GArray *open;  /* of SigWebConnId */
  GArray *later; /* of SigWebHttpId: requests of /later..., which are not answered yet */
  gboolean silent;
  guint n_messages;
} WebOwner;

extern const SigWebOps web_owner_ops;

/** web_owner_setup: small limits and short times: 100 kB messages, 200 kB queues, 1 s for a request and a
 * ping. */
void web_owner_setup (WebOwner *owner);
void web_owner_setup_with (WebOwner *owner, const SigWebConfig *config);
void web_owner_teardown (WebOwner *owner);
/** web_owner_all_closed: for web_until. @data: the owner. */
gboolean web_owner_all_closed (gpointer data);

WebClient *web_owner_client (const WebOwner *owner);
/** web_owner_join: a client with an open WebSocket, the welcome taken off. */
WebClient *web_owner_join (WebOwner *owner);
/** web_owner_ask: one request on a fresh connection. Returns: the response (transfer full). */
char *web_owner_ask (const WebOwner *owner, const char *request);
void web_assert_status (const char *response, const char *status);

#define WEB_GET(path) "GET " path " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
