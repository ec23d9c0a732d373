/* What a message says, looked at before the stack does: the gate (gate.c) shows each one that is whole. It is
 * before any transaction, dialog or handle exists, so what is refused here costs no memory:
 *
 * - a Contact, Route or Record-Route that is not sip: or sips: would become the target of our next request
 * and abort the process in an assertion of the stack. A request with one gets 400, from a response it is
 * taken away;
 * - one source that sends more INVITEs than twice their limit, whose refusals would be repeated until an ACK
 * comes, more other new requests than three times the limit (ten times at once, both), or a hundred times as
 * many that claim to belong to a dialog, gets no answer at all, since each answered transaction lives for
 * 32 s; nor do strangers that are too many together, whose addresses may all be
 * invented. A source is no stranger any more when it has shown that it receives our answers: by an ACK, or a
 * password. */
#include "signaling/sip/internal.h"

#include "signaling/sip/digest.h"
#include "signaling/sip/drops.h"
#include "signaling/sip/early.h"
#include "signaling/sip/repair.h"

#include <sofia-sip/msg_header.h>
#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/sip_parser.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su_string.h>

#include <stdlib.h>
#include <string.h>

static GPtrArray *endpoints; /* those alive in this process; main thread */

/** sig_sip_endpoint_of: whose parser made @message; NULL: none that is alive. */
SigSip *
sig_sip_endpoint_of (const msg_t *message)
{
  for (guint i = 0; endpoints != NULL && i < endpoints->len; i++)
    {
      SigSip *sip = g_ptr_array_index (endpoints, i);
      if (sip->parser == msg_mclass (message))
        return sip;
    }
  return NULL;
}

/** sig_sip_endpoint_at: who listens on @port; NULL: none that is alive. */
SigSip *
sig_sip_endpoint_at (guint16 port)
{
  for (guint i = 0; endpoints != NULL && i < endpoints->len; i++)
    {
      SigSip *sip = g_ptr_array_index (endpoints, i);
      if (sip->port == port || (sip->tls != NULL && sip->tls_port == port))
        return sip;
    }
  return NULL;
}

static gboolean
is_sip_url (const url_t *url)
{
  return (url->url_type == url_sip || url->url_type == url_sips) && url->url_host != NULL
         && *url->url_host != '\0';
}

static gboolean
targets_are_sip (const sip_t *message)
{
  for (const sip_route_t *route = message->sip_route; route != NULL; route = route->r_next)
    if (!is_sip_url (route->r_url))
      return FALSE;
  for (const sip_record_route_t *route = message->sip_record_route; route != NULL; route = route->r_next)
    if (!is_sip_url (route->r_url))
      return FALSE;
  if (message->sip_request != NULL && message->sip_request->rq_method == sip_method_register)
    return TRUE; /* Contact: * */
  for (const sip_contact_t *contact = message->sip_contact; contact != NULL; contact = contact->m_next)
    if (!is_sip_url (contact->m_url))
      return FALSE;
  return TRUE;
}

/* In an answer: what comes after it goes where it came from. */
static void
replace_targets (msg_t *message, sip_t *sip)
{
  SigSipPeer peer;

  while (sip->sip_record_route != NULL)
    sip_header_remove (message, sip, (sip_header_t *)sip->sip_record_route);
  while (sip->sip_contact != NULL)
    sip_header_remove (message, sip, (sip_header_t *)sip->sip_contact);
  sig_sip_peer_of (message, &peer);
  sip_header_insert (message, sip,
                     (sip_header_t *)sip_contact_format (msg_home (message),
                                                         peer.is_ipv6 ? "<sip:[%s]:%u%s>" : "<sip:%s:%u%s>",
                                                         peer.host, peer.port,
                                                         peer.is_tls   ? ";transport=tls"
                                                         : peer.is_tcp ? ";transport=tcp"
                                                                       : ""));
}

/* Of a refusal's Contacts those that can be called stay (RFC 3261 8.1.3.4). */
static void
remove_strange_contacts (msg_t *message, sip_t *sip)
{
  for (sip_contact_t *contact = sip->sip_contact, *next; contact != NULL; contact = next)
    {
      next = contact->m_next;
      if (!is_sip_url (contact->m_url))
        sip_header_remove (message, sip, (sip_header_t *)contact);
    }
}

static gboolean
is_one_stranger_too_many (SigSip *endpoint, const SigSipPeer *peer)
{
  static const SigSipSource everybody;

  return !sig_sip_rate_knows (endpoint->proven, &peer->source)
         && !sig_sip_rate_take (endpoint->stranger_rate, &everybody, cfg_monotonic_now ());
}

/** sig_sip_peer_is_proven: @peer has received what we sent to its address. */
void
sig_sip_peer_is_proven (SigSip *sip, const SigSipPeer *peer)
{
  if (sip->proven != NULL)
    (void)sig_sip_rate_take (sip->proven, &peer->source, cfg_monotonic_now ());
}

/* An ACK leaves no trace, whatever it claims. */
static gboolean
is_flooding (SigSip *endpoint, msg_t *message, const sip_t *sip)
{
  sip_method_t method = sip->sip_request->rq_method;
  gboolean is_new = sip->sip_to->a_tag == NULL && method != sip_method_cancel;
  SigSipRate *rate = !is_new                       ? endpoint->dialog_rate
                     : method == sip_method_invite ? endpoint->new_invite_rate
                                                   : endpoint->request_rate;
  SigSipPeer peer;

  if (rate == NULL || method == sip_method_ack)
    return FALSE;
  sig_sip_peer_of (message, &peer);
  if (!sig_sip_rate_take (rate, &peer.source, cfg_monotonic_now ()))
    return TRUE;
  return is_new && is_one_stranger_too_many (endpoint, &peer);
}

/* The names that scanning tools give themselves. Whoever answers them is told to others and tried for
 * passwords. */
static gboolean
is_scanner (const sip_t *sip)
{
  static const char *const names[]
      = { "friendly-scanner", "friendly-request", "sipvicious", "pplsip",         "sipcli",
          "sip-scan",         "sundayddr",        "iWar",       "VaxSIPUserAgent" };
  const char *agent = sip->sip_user_agent != NULL ? sip->sip_user_agent->g_string : NULL;

  for (guint i = 0; agent != NULL && i < G_N_ELEMENTS (names); i++)
    if (g_ascii_strncasecmp (agent, names[i], strlen (names[i])) == 0)
      return TRUE;
  return FALSE;
}

/* Without a Via the stack has nowhere to answer a broken message to, and drops it. */
static void
drop (msg_t *message, sip_t *sip)
{
  while (sip->sip_via != NULL)
    sip_header_remove (message, sip, (sip_header_t *)sip->sip_via);
  sip->sip_flags |= MSG_FLG_ERROR;
}

/* With a challenge that nobody can answer the stack waits for credentials, and ends the call when none come,
 * or repeats the request as it was. Without it the answer is an answer like any other. */
static void
remove_unanswerable (msg_t *message, sip_t *sip, const msg_auth_t *challenge)
{
  while (challenge != NULL)
    {
      const msg_auth_t *next = challenge->au_next;
      if (!sig_sip_digest_can_answer (challenge))
        sip_header_remove (message, sip, (sip_header_t *)challenge);
      challenge = next;
    }
}

/* The stack answers a version that it does not speak before it looks at Via, and cannot find the way: the
 * transport has a name in the other version, and where the packet came from is not noted. */
static void
make_version_answerable (msg_t *message, sip_t *sip)
{
  su_home_t *home = msg_home (message);
  SigSipPeer peer;

  if (su_casematch (sip->sip_request->rq_version, sip_version_2_0))
    return;
  sig_sip_peer_of (message, &peer);
  sip->sip_via->v_protocol = peer.is_tls   ? sip_transport_tls
                             : peer.is_tcp ? sip_transport_tcp
                                           : sip_transport_udp;
  msg_header_replace_param (home, sip->sip_via->v_common, su_sprintf (home, "received=%s", peer.host));
  if (sip->sip_via->v_rport != NULL)
    msg_header_replace_param (home, sip->sip_via->v_common, su_sprintf (home, "rport=%u", peer.port));
}

/* The stack is not told that we know session timers, or it would run its own: a peer that insists on them is
 * made to look like one that only knows them, which is the same to us. */
static void
soften_one (msg_t *message, sip_t *sip, const char *option)
{
  if (!sip_has_feature (sip->sip_require, option))
    return;
  while (msg_params_remove ((char const **)sip->sip_require->k_items, option) > 0)
    ;
  if (sip->sip_require->k_items == NULL || sip->sip_require->k_items[0] == NULL)
    sip_header_remove (message, sip, (sip_header_t *)sip->sip_require);
  sip_add_make (message, sip, sip_supported_class, option);
}

static void
soften_require (SigSip *endpoint, msg_t *message, sip_t *sip)
{
  if (endpoint->session_timer.enabled)
    soften_one (message, sip, "timer");
  soften_one (message, sip, "replaces"); /* known without being told: replaces.c */
  if (sip->sip_request->rq_method == sip_method_register)
    soften_one (message, sip, "path"); /* registrar.c */
}

/* Each that is answered lives for 32 s as a transaction, and nobody needs many. */
static gboolean
is_options_flood (SigSip *endpoint, msg_t *message, const sip_t *sip)
{
  SigSipPeer peer;

  if (endpoint->options_rate == NULL || sip->sip_request->rq_method != sip_method_options
      || sip->sip_to->a_tag != NULL)
    return FALSE;
  sig_sip_peer_of (message, &peer);
  return !sig_sip_rate_take (endpoint->options_rate, &peer.source, cfg_monotonic_now ());
}

static gboolean
is_unwanted (SigSip *endpoint, msg_t *message, const sip_t *sip, SigSipDrop *why)
{
  if (is_scanner (sip))
    {
      endpoint->stats.n_scanners++;
      *why = SIG_SIP_DROP_SCANNER;
      return TRUE;
    }
  *why = SIG_SIP_DROP_OPTIONS;
  if (!is_options_flood (endpoint, message, sip))
    {
      *why = SIG_SIP_DROP_FLOOD;
      if (!is_flooding (endpoint, message, sip))
        return FALSE;
    }
  endpoint->stats.n_rate_limited++;
  return TRUE;
}

/** sig_sip_inspect: @message is whole. With MSG_FLG_ERROR set on it then, the stack refuses it; without a Via
 * as well it drops it. */
void
sig_sip_inspect (SigSip *endpoint, msg_t *message)
{
  sip_t *sip = sip_object (message);
  SigSipDrop why;
  SigSipPeer peer;

  /* The stack refuses what is not sane, and what has a broken header that matters; it passes the rest. */
  if (sip->sip_request != NULL && sig_sip_repair_is_bad (sip->sip_request))
    sip->sip_flags |= MSG_FLG_ERROR;
  if (sip->sip_request != NULL && sip->sip_via != NULL)
    make_version_answerable (message, sip);
  if ((sip->sip_flags & MSG_FLG_ERROR) || sip_sanity_check (sip) < 0)
    {
      endpoint->stats.n_malformed++;
      return;
    }

  sig_sip_unpack (message, sip);
  if (sip->sip_request == NULL)
    {
      sig_sip_early_hide_rseq (message, sip);
      if (sip->sip_status != NULL && sip->sip_status->st_status >= 300)
        remove_strange_contacts (message, sip);
      if (!targets_are_sip (sip))
        replace_targets (message, sip);
      remove_unanswerable (message, sip, sip->sip_www_authenticate);
      remove_unanswerable (message, sip, sip->sip_proxy_authenticate);
      if (sip->sip_status != NULL && sip->sip_status->st_status == 100)
        sig_sip_fork_trying (endpoint, sip);
      return;
    }
  soften_require (endpoint, message, sip);
  if (!targets_are_sip (sip)
      || (sip->sip_request->rq_method == sip_method_invite && sip->sip_contact == NULL))
    {
      endpoint->stats.n_malformed++;
      sip->sip_flags |= MSG_FLG_ERROR;
    }
  if (is_unwanted (endpoint, message, sip, &why))
    {
      sig_sip_peer_of (message, &peer);
      drop (message, sip);
      sig_sip_drops_note (endpoint, why, peer.host);
    }
}

msg_mclass_t *
sig_sip_parser_new (SigSip *sip)
{
  msg_mclass_t *parser = sip_extend_mclass (NULL); /* knows P-Asserted-Identity */

  g_assert (parser != NULL);
  sig_sip_repair_install (parser);
  sig_sip_gate_open ();
  sig_sip_supported_open ();
  if (endpoints == NULL)
    endpoints = g_ptr_array_new ();
  g_ptr_array_add (endpoints, sip);
  return parser;
}

void
sig_sip_parser_free (SigSip *sip)
{
  g_ptr_array_remove_fast (endpoints, sip);
  if (endpoints->len == 0)
    g_clear_pointer (&endpoints, g_ptr_array_unref);
  sig_sip_repair_clear (sip->parser);
  free (sip->parser);
}
