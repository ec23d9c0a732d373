/* Every message on the wire, sent and received. The stack's transport hands each one to tport_log_msg() when
 * TPTAG_LOG is on, and calls that through the procedure linkage table: this file's function of the same name
 * takes its place. Of the ways to see the messages it is the cheapest
 * (docs/decisions/0012-capture-and-timers-of-the-stack.md): TPTAG_DUMP formats and writes each of them to a
 * file, TPTAG_LOG's own formats it line by line. */
#include "signaling/sip/internal.h"

#include "signaling/core/capture.h"

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/tport.h>

#include <string.h>

void tport_log_msg (tport_t *transport, msg_t *message, char const *what, char const *via, su_time_t now);

/* A header as it is on the wire; one of a list is there with the first of its line. What parser.c mended in a
 * message received has no place on the wire: it is written anew. */
static gsize
copy_header (const msg_header_t *header, char *text, gsize size)
{
  issize_t needed;

  if (header->sh_data != NULL)
    {
      const gsize n = MIN ((gsize)header->sh_len, size);

      memcpy (text, header->sh_data, n);
      return n;
    }
  needed = msg_header_e (text, (isize_t)size, header, 0);
  return needed > 0 && (gsize)needed < size ? (gsize)needed : 0;
}

static gsize
copy_text (msg_t *message, char *text)
{
  gsize size = 0;

  for (const msg_header_t *header = *msg_chain_head (message); header != NULL; header = header->sh_succ)
    size += copy_header (header, text + size, SIG_SIP_CAPTURE_MAX - size);
  return size;
}

/** sig_sip_capture_is_wanted: for TPTAG_LOG. */
int
sig_sip_capture_is_wanted (const SigSip *sip)
{
  return sip->ops->captured != NULL;
}

/* The name in a transport is a number, "*", or with brackets. */
static void
copy_host (char *to, gsize size, const char *from)
{
  gsize length = strlen (from);

  if (length >= 2 && from[0] == '[')
    g_snprintf (to, (gulong)size, "%.*s", (int)length - 2, from + 1);
  else
    g_strlcpy (to, from, size);
}

static const char *
or_empty (const char *text)
{
  return text != NULL ? text : "";
}

/** sig_sip_transaction_text: what tells a request received from all others (RFC 3261 17.2.3), but its method:
 * CANCEL and the ACK of a refusal belong to their INVITE. Of an answer, that of its request. */
void
sig_sip_transaction_text (sip_t const *message, GString *text)
{
  const sip_via_t *via = message->sip_via;

  g_string_printf (text, "%s:%s %s %u %s %s", via != NULL ? or_empty (via->v_host) : "",
                   via != NULL ? or_empty (via->v_port) : "", via != NULL ? or_empty (via->v_branch) : "",
                   (guint)message->sip_cseq->cs_seq,
                   message->sip_from != NULL ? or_empty (message->sip_from->a_tag) : "",
                   message->sip_call_id->i_id);
}

/* Which dialog @sip belongs to; its method is known. */
static void
fill_dialog (SigSipCaptured *view, sip_t const *sip)
{
  static GString *transaction; /* the main thread's, for as long as the process */
  const gboolean is_ours = view->is_sent == (sip->sip_request != NULL);
  const char *from = sip->sip_from != NULL ? sip->sip_from->a_tag : NULL;
  const char *to = sip->sip_to != NULL ? sip->sip_to->a_tag : NULL;
  const gboolean is_invite = sip->sip_cseq->cs_method == sip_method_invite;

  view->call_id = sip->sip_call_id->i_id;
  view->own_tag = is_ours ? from : to;
  view->remote_tag = is_ours ? to : from;
  view->begins_call = is_invite && sip->sip_request != NULL && to == NULL;
  view->challenges = is_invite && !is_ours && sip->sip_status != NULL
                     && (sip->sip_status->st_status == 401 || sip->sip_status->st_status == 407);
  if (is_ours)
    return;
  if (transaction == NULL)
    transaction = g_string_new (NULL);
  sig_sip_transaction_text (sip, transaction);
  view->transaction = transaction->str;
}

__attribute__ ((visibility ("default"))) void
tport_log_msg (tport_t *transport, msg_t *message, char const *what, char const *via, su_time_t now)
{
  static char text[SIG_SIP_CAPTURE_MAX]; /* the main thread's */
  SigSip *endpoint = sig_sip_endpoint_of (message);
  const sip_t *sip = sip_object (message);
  const tp_name_t *own;
  SigSipCaptured view;
  char local[64];
  SigSipPeer peer;

  if (endpoint == NULL || endpoint->ops->captured == NULL || sip == NULL || sip->sip_call_id == NULL
      || sip->sip_cseq == NULL)
    return;
  sig_sip_peer_of (message, &peer);
  own = tport_name (tport_parent (transport));
  copy_host (local, sizeof local, own->tpn_host);
  view = (SigSipCaptured){ .is_sent = what[0] == 's',
                           .transport = own->tpn_proto,
                           .local_address = local,
                           .local_port = (guint16)g_ascii_strtoull (own->tpn_port, NULL, 10),
                           .remote_address = peer.host,
                           .remote_port = peer.port,
                           .text = text };
  fill_dialog (&view, sip);
  view.size = copy_text (message, text);
  sig_capture_mask (text, view.size);
  endpoint->ops->captured (endpoint->owner, &view);
}
