/* Where the gateway is, and what opens it: from flags, the environment and files. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

/* Every member is nullable. Secrets: never printed. */
typedef struct
{
  char *url;
  char *token;
  char *api_key, *api_secret;
  char *ca_file; /* PEM: who may have signed the gateway's certificate, beside those that the system trusts */
} CtlAccess;

void ctl_access_clear (CtlAccess *access);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtlAccess, ctl_access_clear)

/** ctl_access_add: takes from @more what @access has not. A token or a key of @access keeps those of @more
 * out, so that the nearest credentials count; a key without its secret finds the secret of the same key. */
void ctl_access_add (CtlAccess *access, const CtlAccess *more);

/**
 * ctl_access_from_file:
 * @path: a file of our own (url, token, api_key, api_secret, ca_file), or a gateway's configuration: its
 * first key pair, and ws_url or what http says
 *
 * Returns: FALSE with CTL_ERROR_USAGE.
 */
gboolean ctl_access_from_file (CtlAccess *access, const char *path, GError **error);

/** ctl_access_from_environment: @prefix followed by URL, TOKEN, API_KEY, API_SECRET, CA_FILE. */
void ctl_access_from_environment (CtlAccess *access, const char *prefix,
                                  const char *(*get) (const char *name));

typedef struct
{
  gboolean is_tls;
  char *host; /* without brackets */
  guint16 port;
  char *path; /* of the WebSocket */
} CtlUrl;

void ctl_url_clear (CtlUrl *url);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtlUrl, ctl_url_clear)

/** ctl_url_parse: ws://HOST[:PORT][/PATH], wss://, http://, https://; the path gets "/ws" where it has not.
 * FALSE with CTL_ERROR_USAGE. */
gboolean ctl_url_parse (const char *text, CtlUrl *url, GError **error);

#define CTL_TOKEN_S        600
#define CTL_STREAM_TOKEN_S 86400 /* the end of a token is the end of its connection */
/** ctl_access_token: the token, or one of @seconds for everything, signed with the key. (transfer full): NULL
 * with CTL_ERROR_USAGE where there is neither. */
char *ctl_access_token (const CtlAccess *access, CfgWall now, gint64 seconds, GError **error);
