/* Where TLS shows in a call: which host a connection is for, what goes over the connection that a caller
 * opened, and why one did not come about. */
#include "signaling/sip/internal.h"

#include "signaling/sip/address.h"

#include <sofia-sip/url.h>

#include <string.h>

/* (transfer full): the host of @uri without brackets. */
static char *
host_of (const char *uri)
{
  g_autofree char *copy = g_strdup (uri);
  url_t url[1];

  return url_d (url, copy) == 0 ? sig_sip_host (url) : g_strdup ("");
}

/** sig_sip_tls_url: (transfer full): the way to @address, where a certificate for @host is asked for. The
 * stack takes the name from the host and the address from maddr; neither is sent. */
char *
sig_sip_tls_url (const char *host, const char *address, guint16 port)
{
  gboolean is_ipv6 = sig_sip_address_is_ipv6 (address);

  return g_strdup_printf (sig_sip_address_is_ipv6 (host) ? "sip:[%s]:%u;transport=tls;maddr=%s%s%s"
                                                         : "sip:%s:%u;transport=tls;maddr=%s%s%s",
                          host, port, is_ipv6 ? "[" : "", address, is_ipv6 ? "]" : "");
}

/** sig_sip_tls_way: what is sent goes to the address that was found, and the certificate there is checked for
 * the name that led to it. */
void
sig_sip_tls_way (SigSipCall *call, const SigSipAttempt *attempt)
{
  gboolean has_proxy = attempt->send_to != NULL || attempt->at != NULL;
  gboolean has_address = sig_sip_address_is_numeric (call->peer.host);
  g_autofree char *target = host_of (attempt->uri);
  const char *name = attempt->name != NULL ? attempt->name : target;
  const char *host = has_address && sig_sip_address_is_numeric (name) ? call->peer.host : name;

  call->tls_host = g_strdup (host);
  sig_sip_tls_forget (call->sip->tls, host);
  if (!has_address || (!has_proxy && g_ascii_strcasecmp (host, call->peer.host) == 0))
    return;
  g_free (call->source_url);
  call->source_url = sig_sip_tls_url (host, call->peer.host, call->peer.port);
  nua_set_hparams (call->nh, NUTAG_PROXY (call->source_url), TAG_END ());
}

/* Where the next request in the dialog goes by its headers. */
static const url_t *
next_hop (sip_t const *message, gboolean is_answer)
{
  const sip_record_route_t *route = message->sip_record_route;

  while (is_answer && route != NULL && route->r_next != NULL)
    route = route->r_next;
  if (route != NULL)
    return route->r_url;
  return message->sip_contact != NULL ? message->sip_contact->m_url : NULL;
}

/** sig_sip_tls_answered: the peer, whose certificate was checked, names the address of what follows. */
void
sig_sip_tls_answered (SigSipCall *call, sip_t const *message)
{
  const url_t *hop = next_hop (message, TRUE);

  if (!call->peer.is_tls || hop == NULL)
    return;
  g_autofree char *host = sig_sip_host (hop);
  if (sig_sip_address_is_numeric (host) && call->tls_host != NULL && *call->tls_host != '\0')
    sig_sip_tls_expect (call->sip->tls, host, call->tls_host);
}

/** sig_sip_tls_invited: a caller's certificate is for a host, its Contact is an address, and most callers
 * take no connections: what follows goes over the caller's own connection while that is up. */
void
sig_sip_tls_invited (SigSipCall *call, sip_t const *message)
{
  const url_t *hop = next_hop (message, FALSE);

  call->is_sips
      = message->sip_request->rq_url->url_type == url_sips || (hop != NULL && hop->url_type == url_sips);
  if (!call->peer.is_tls || hop == NULL)
    return;
  g_autofree char *host = sig_sip_host (hop);
  gboolean is_direct = message->sip_record_route == NULL && message->sip_via->v_next == NULL;
  if (!is_direct && strcmp (host, call->peer.host) != 0)
    return;
  sig_sip_call_send_to (call, &call->peer);
  call->uses_connection = TRUE;
}

/** sig_sip_tls_why: (transfer full) (nullable): in words, why nothing could be sent, and to whom. */
char *
sig_sip_tls_why (const SigSipCall *call)
{
  const char *reason;

  if (!call->peer.is_tls || call->sip->tls == NULL || call->tls_host == NULL)
    return NULL;
  reason = sig_sip_tls_failure (call->sip->tls, call->tls_host);
  return reason != NULL ? g_strdup_printf ("no TLS connection to %s: %s", call->tls_host, reason) : NULL;
}

/** sig_sip_check_connection: before a request: the connection of the peer is gone, so the way is what the
 * dialog says, over a new one. */
void
sig_sip_check_connection (SigSipCall *call)
{
  if (!call->uses_connection
      || sig_sip_tls_describe (call->sip->tls, call->peer.host, call->peer.port) != NULL)
    return;
  call->uses_connection = FALSE;
  sig_sip_call_send_to (call, NULL);
}

const char *
sig_sip_call_tls (SigSip *sip, SigSipCallId id)
{
  SigSipCall *call = sig_sip_call_live (sip, id);

  if (call == NULL || sip->tls == NULL)
    return NULL;
  call = sig_sip_fork_speaker (call);
  return sig_sip_tls_describe (sip->tls, call->peer.host, call->peer.port);
}
