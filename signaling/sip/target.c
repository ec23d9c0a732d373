#include "signaling/sip/internal.h"

#include <sofia-sip/su_alloc.h>
#include <sofia-sip/url.h>

#include <string.h>

#define MAX_URI              512
#define MAX_VIAS             70
#define DEFAULT_MAX_FORWARDS 70

static guint16
port_of (const char *port)
{
  guint64 number;

  return port != NULL && g_ascii_string_to_unsigned (port, 10, 1, 65535, &number, NULL) ? (guint16)number : 0;
}

guint16
sig_sip_request_port (sip_t const *message)
{
  return port_of (message->sip_request->rq_url->url_port);
}

/** sig_sip_request_uri: (transfer full) */
char *
sig_sip_request_uri (sip_t const *message)
{
  const url_t *url = message->sip_request->rq_url;
  su_home_t home[1] = { SU_HOME_INIT (home) };
  char *text = NULL;

  if (url->url_type != url_sip && url->url_type != url_sips)
    return g_strdup ("");
  su_home_init (home);
  const char *whole = url_as_string (home, url);
  if (whole != NULL && strlen (whole) <= MAX_URI)
    text = g_strdup (whole);
  su_home_deinit (home);
  return text != NULL ? text : g_strdup ("");
}

/* TLS has a port of its own. */
static gboolean
is_own (SigSip *sip, const char *host, guint16 port)
{
  return sig_sip_is_own_address (sip, host, sip->tls != NULL && port == sip->tls_port ? sip->port : port);
}

/* Without a port it is for whatever listens there. */
gboolean
sig_sip_is_local_target (SigSip *sip, sip_t const *message)
{
  g_autofree char *host = sig_sip_host (message->sip_request->rq_url);
  guint16 port = sig_sip_request_port (message);

  return *host == '\0' || is_own (sip, host, port != 0 ? port : sip->port);
}

guint
sig_sip_max_forwards (sip_t const *message)
{
  return message->sip_max_forwards != NULL ? (guint)MIN (message->sip_max_forwards->mf_count, 255)
                                           : DEFAULT_MAX_FORWARDS;
}

static gboolean
is_own_via (SigSip *sip, const sip_via_t *via)
{
  g_autofree char *host = g_strdup (via->v_host != NULL ? via->v_host : "");
  gsize length = strlen (host);
  gboolean has_brackets = length > 2 && host[0] == '[' && host[length - 1] == ']';

  if (has_brackets)
    host[length - 1] = '\0';
  return is_own (sip, has_brackets ? host + 1 : host, port_of (via->v_port));
}

static gboolean
is_call_of_ours (SigSip *sip, const char *call_id)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, sip->calls);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const SigSipCall *call = value;
      if (call->is_outbound && g_strcmp0 (call->dialog.call_id, call_id) == 0)
        return TRUE;
    }
  return FALSE;
}

/* Our own Via tells that it may be (RFC 3261 16.3), the Call-ID that it is: every INVITE of ours has one that
 * nobody else can have made. */
gboolean
sig_sip_came_back (SigSip *sip, sip_t const *message)
{
  guint n = 0;

  for (const sip_via_t *via = message->sip_via; via != NULL && n < MAX_VIAS; via = via->v_next, n++)
    if (is_own_via (sip, via))
      return is_call_of_ours (sip, message->sip_call_id->i_id);
  return FALSE;
}
