#include "signaling/sip/internal.h"

#include "config/base/error.h"
#include "signaling/sip/address.h"
#include "signaling/sip/digest.h"

#include <sofia-sip/sip_status.h>
#include <sofia-sip/url.h>

#include <string.h>

#define MAX_RINGING_S    3600
#define MAX_DIAL_HEADERS 64
#define MAX_ATTEMPTS     3 /* challenges of a proxy, of the server behind it, and a stale nonce */

static gboolean
on_ring_timeout (gpointer data)
{
  SigSipCall *call = data;

  sig_sip_call_end (call, SIG_SIP_END_TIMEOUT, 408, "Ring Timeout", NULL);
  sig_sip_call_bye (call);
  return G_SOURCE_REMOVE;
}

static gboolean
is_challenge (int status)
{
  return status == 401 || status == 407;
}

/* Our INVITE, or re-INVITE, was challenged and the stack may be waiting for credentials. When they were
 * refused already it ends the request with an answer of its own (9xx), and what the peer said is kept here.
 */
static void
authenticate (SigSipCall *call, int status, const char *phrase)
{
  g_free (call->end_phrase);
  call->end_phrase = sig_sip_text (phrase);
  call->end.status = status;
  nua_authenticate (call->nh, NUTAG_AUTH (call->credentials), TAG_END ());
}

static void
on_refused (SigSipCall *call, int status, const char *phrase, sip_t const *message)
{
  g_autofree char *reason = sig_sip_reason_header (message);
  SigSipEndCause cause = SIG_SIP_END_REJECTED;

  if (status >= 700 && call->end.status != 0)
    {
      status = call->end.status;
      phrase = call->end_phrase;
    }
  else if (sig_sip_is_own (nua_current_request (call->listener->nua)))
    cause = status == 408 ? SIG_SIP_END_TIMEOUT : SIG_SIP_END_FAILED;
  sig_sip_call_end (call, cause, status < 700 ? status : 500, phrase, reason);
  /* the handle goes with the stack's "terminated", or with the owner's patience */
  sig_sip_call_wait_for_end (call);
}

/* A private Contact from a public address, with no proxy between us: nobody gets there but over the source.
 */
static void
acknowledge_first (SigSipCall *call, sip_t const *message)
{
  SigSipPeer source;

  sig_sip_peer_of (nua_current_request (call->listener->nua), &source);
  call->peer = source;
  if (message->sip_record_route == NULL && message->sip_contact != NULL)
    {
      g_autofree char *host = sig_sip_host (message->sip_contact->m_url);
      if (sig_sip_address_is_private (host) && !sig_sip_address_is_private (source.host))
        sig_sip_call_send_to (call, &source);
    }
  if (call->is_localhost)
    sig_sip_call_send_to (call, NULL);
  nua_ack (call->nh, TAG_END ());
}

void
sig_sip_redial_free (SigSipRedial *redial)
{
  g_free (redial->uri);
  g_free (redial->to);
  g_free (redial->from);
  g_free (redial->sdp);
  g_ptr_array_unref (redial->lines);
  g_free (redial);
}

static SigSipRedial *
redial_new (const SigSipDial *dial, const char *to, const char *from)
{
  SigSipRedial *kept = g_new0 (SigSipRedial, 1);

  kept->uri = g_strdup (dial->to_uri);
  kept->to = g_strdup (to);
  kept->from = g_strdup (from);
  kept->sdp = g_strdup (dial->sdp);
  kept->lines = g_ptr_array_new_with_free_func (g_free);
  for (gsize i = 0; i < dial->n_headers; i++)
    g_ptr_array_add (kept->lines, g_strdup_printf ("%s: %s", dial->headers[i].name, dial->headers[i].value));
  return kept;
}

static tagi_t *
header_tags (const SigSipRedial *dial)
{
  tagi_t *tags = g_new0 (tagi_t, dial->lines->len + 1);

  for (guint i = 0; i < dial->lines->len; i++)
    {
      tags[i].t_tag = siptag_header_str;
      tags[i].t_value = tag_str_v (g_ptr_array_index (dial->lines, i));
    }
  return tags;
}

/* The stack counts up from the number it is given, and takes no 0: the first INVITE has CSeq 2. */
static void
send_invite (SigSipCall *call, guint32 last_cseq, const SigTimerHeaders *headers)
{
  g_autofree tagi_t *tags = header_tags (call->redial);
  SigSipTimerText timer = sig_sip_timer_text (headers);
  unsigned attempts = call->credentials != NULL ? MAX_ATTEMPTS : 0;
  char cseq[32];

  g_snprintf (cseq, sizeof cseq, "%u INVITE", last_cseq);
  nua_invite (call->nh, NUTAG_RETRY_COUNT (attempts), SIPTAG_CONTACT_STR (call->dialog.local_contact),
              SIPTAG_CSEQ_STR (cseq), SIG_SIP_TIMER_TAGS (&timer),
              SIPTAG_CONTENT_TYPE_STR ("application/sdp"), SIPTAG_PAYLOAD_STR (call->redial->sdp),
              TAG_NEXT (tags));
}

/* 422, or a peer that cannot bear the headers of the session timer: once more with others, in
 * the same dialog as it were: same Call-ID and From tag, next CSeq (RFC 4028 7.3).
 * Returns: FALSE: the refusal stands. */
static gboolean
redial (SigSipCall *call, int status, sip_t const *message)
{
  SigTimerEvent event = { 0 };
  nua_handle_t *old = call->nh;

  if (message == NULL || message->sip_status == NULL || message->sip_status->st_status != status
      || call->ended || call->redial == NULL || message->sip_from->a_tag == NULL)
    return FALSE;
  event = sig_sip_timer_event (SIG_TIMER_DIAL_REFUSED, message);
  SigTimerStep step = sig_sip_timer_step (call, &event);
  if (!(step.actions & SIG_TIMER_DO_REDIAL))
    return FALSE;

  g_autofree char *from = g_strdup_printf ("%s;tag=%s", call->redial->from, message->sip_from->a_tag);
  call->nh = nua_handle (call->listener->nua, NULL, NUTAG_URL (call->redial->uri),
                         SIPTAG_TO_STR (call->redial->to), SIPTAG_FROM_STR (from),
                         SIPTAG_CALL_ID_STR (message->sip_call_id->i_id), TAG_END ());
  g_assert (call->nh != NULL);
  nua_handle_bind (call->nh, GSIZE_TO_POINTER (call->id));
  nua_handle_bind (old, NULL);
  if (call->source_url != NULL)
    nua_set_hparams (call->nh, NUTAG_PROXY (call->source_url), TAG_END ());
  send_invite (call, message->sip_cseq->cs_seq, &step.headers);
  nua_handle_destroy (old);
  return TRUE;
}

static void
tell_answered (SigSipCall *call, sip_t const *message, const char *sdp)
{
  SigSip *sip = call->sip;
  SigTimerEvent event = sig_sip_timer_event (SIG_TIMER_DIAL_ANSWERED, message);
  SigTimerStep step = sig_sip_timer_step (call, &event);

  g_clear_pointer (&call->redial, sig_sip_redial_free);
  if (sip->ops->answered != NULL)
    sip->ops->answered (sip->owner, call->id, sdp);
  if (!call->ended)
    sig_sip_timer_tell (call, &step, NULL);
}

static void
on_first_answer (SigSipCall *call, int status, const char *phrase, sip_t const *message)
{
  SigSip *sip = call->sip;

  if (status >= 300)
    {
      if (!redial (call, status, message))
        on_refused (call, status, phrase, message);
      return;
    }
  if (message == NULL) /* the stack's own, before a repetition */
    return;
  g_autofree char *sdp = sig_sip_body (message);
  sig_sip_dialog_note (call, message, FALSE);
  if (status >= 200)
    {
      acknowledge_first (call, message);
      call->is_answered = call->is_acked = TRUE;
      if (call->ended) /* our CANCEL came too late (RFC 3261 9.1) */
        {
          sig_sip_call_bye (call);
          return;
        }
      g_clear_pointer (&call->end_phrase, g_free);
      call->end.status = 0;
      sig_sip_call_set_timer (call, 0, NULL);
      tell_answered (call, message, sdp);
    }
  else if (status > 100 && !call->ended && sip->ops->progress != NULL)
    {
      g_autofree char *text = sig_sip_text (phrase);
      sip->ops->progress (sip->owner, call->id, status, text, sdp);
    }
}

static void
on_later_answer (SigSipCall *call, int status)
{
  if (status >= 200 && status < 300)
    nua_ack (call->nh, TAG_END ());
}

/** sig_sip_on_state: what the stack makes of the answers: a challenge that it gave up on is an answer. */
void
sig_sip_on_state (SigSipCall *call, int state, int status, const char *phrase)
{
  gboolean challenged = call->end.status != 0;

  if (state == nua_callstate_terminated && challenged && !call->is_answered)
    sig_sip_call_end (call, SIG_SIP_END_REJECTED, call->end.status, call->end_phrase, NULL);
  else if (state == nua_callstate_terminated)
    sig_sip_call_end (call, SIG_SIP_END_FAILED, status < 700 ? status : 500, phrase, NULL);
  if (state == nua_callstate_terminated)
    sig_sip_call_release (call);
}

void
sig_sip_on_invite_answer (SigSipCall *call, int status, const char *phrase, sip_t const *message)
{
  if (is_challenge (status) && call->credentials != NULL && message != NULL && !call->ended)
    {
      sig_sip_dialog_note (call, message, FALSE);
      authenticate (call, status, phrase);
    }
  else if (call->is_answered)
    on_later_answer (call, status);
  else
    on_first_answer (call, status, phrase, message);
}

static gboolean
check_dial (const SigSipDial *dial, GError **error)
{
  if (!sig_sip_check_uri (dial->to_uri, error))
    return FALSE;
  if (dial->from_uri != NULL && !sig_sip_check_uri (dial->from_uri, error))
    return FALSE;
  if (dial->sdp == NULL || strlen (dial->sdp) > SIG_SIP_MAX_BODY || dial->n_headers > MAX_DIAL_HEADERS)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "the offer or the headers are too long");
      return FALSE;
    }
  for (gsize i = 0; i < dial->n_headers; i++)
    if (!sig_sip_check_header (dial->headers[i].name, dial->headers[i].value, error))
      return FALSE;
  return TRUE;
}

static char *
make_from (const SigSipDial *dial, const char *from_uri)
{
  GString *out = g_string_new (NULL);

  if (dial->from_display != NULL && *dial->from_display != '\0')
    {
      g_autofree char *display = sig_sip_text (dial->from_display);
      g_string_append_c (out, '"');
      for (const char *c = display; *c != '\0'; c++)
        {
          if (*c == '"' || *c == '\\')
            g_string_append_c (out, '\\');
          g_string_append_c (out, *c);
        }
      g_string_append (out, "\" ");
    }
  g_string_append_printf (out, "<%s>", from_uri);
  return g_string_free (out, FALSE);
}

/* Where a call goes, read from its URI. */
typedef struct
{
  char *host; /* without brackets */
  char *user;
  char *
      to; /* To: the URI without parameters (RFC 3261 19.1.1), but with its port, the target of last resort */
  guint16 port;
  gboolean is_tcp;
  gboolean is_localhost; /* host is its address then */
} Target;

static void
read_target (const char *uri, Target *target)
{
  g_autofree char *copy = g_strdup (uri);
  url_t url[1];
  char transport[8] = "";

  url_d (url, copy);
  target->host = sig_sip_host (url);
  target->is_localhost = g_ascii_strcasecmp (target->host, "localhost") == 0;
  if (target->is_localhost)
    {
      g_free (target->host);
      target->host = g_strdup ("127.0.0.1");
    }
  target->user = sig_sip_user (url);
  target->port = url->url_port != NULL ? (guint16)g_ascii_strtoull (url->url_port, NULL, 10) : 5060;
  if (url->url_params != NULL)
    url_param (url->url_params, "transport", transport, sizeof transport);
  target->is_tcp = g_ascii_strcasecmp (transport, "tcp") == 0;
  target->to = g_strdup_printf ("<sip:%s%s%s%s%s>", url->url_user != NULL ? url->url_user : "",
                                url->url_user != NULL ? "@" : "", url->url_host,
                                url->url_port != NULL ? ":" : "", url->url_port != NULL ? url->url_port : "");
}

static void
clear_target (Target *target)
{
  g_free (target->host);
  g_free (target->user);
  g_free (target->to);
}

static char *
default_from (const SigSipListener *listener, const char *host)
{
  const char *address = sig_sip_announced (listener, host);

  return g_strdup_printf (sig_sip_address_is_ipv6 (address) ? "sip:switchroom@[%s]" : "sip:switchroom@%s",
                          address);
}

static SigSipCall *
make_call (SigSip *sip, const SigSipDial *dial, const Target *target)
{
  SigSipListener *listener = sig_sip_listener_for (sip, target->host);
  g_autofree char *from_uri
      = dial->from_uri != NULL ? g_strdup (dial->from_uri) : default_from (listener, target->host);
  g_autofree char *from = make_from (dial, from_uri);
  g_autofree char *call_id = g_uuid_string_random (); /* ours, so that the owner knows it at once */
  nua_handle_t *nh = nua_handle (listener->nua, NULL, NUTAG_URL (dial->to_uri), SIPTAG_TO_STR (target->to),
                                 SIPTAG_FROM_STR (from), SIPTAG_CALL_ID_STR (call_id), TAG_END ());
  if (nh == NULL)
    return NULL;

  SigSipCall *call = sig_sip_call_new (listener, nh, TRUE);
  g_strlcpy (call->peer.host, target->host, sizeof call->peer.host);
  call->peer.port = target->port;
  call->peer.is_tcp = target->is_tcp;
  call->peer.is_ipv6 = sig_sip_address_is_ipv6 (target->host);
  call->dialog.remote_target = g_strdup (dial->to_uri);
  call->dialog.call_id = g_steal_pointer (&call_id);
  if (dial->auth_username != NULL && dial->auth_password != NULL)
    call->credentials = sig_sip_digest_credentials (dial->auth_username, dial->auth_password);

  url_t url[1];
  url_d (url, from_uri);
  g_autofree char *user = sig_sip_user (url);
  sig_sip_dialog_note_contact (call, user);
  /* The stack's resolver asks name servers only, and they do not know it (RFC 6761 6.3). */
  if (target->is_localhost)
    {
      call->is_localhost = TRUE;
      sig_sip_call_send_to (call, &call->peer);
    }
  call->redial = redial_new (dial, target->to, from);
  SigTimerStep step = sig_sip_timer_step (call, &(SigTimerEvent){ .type = SIG_TIMER_DIAL });
  send_invite (call, 1, &step.headers);
  if (dial->expires_s > 0)
    sig_sip_call_set_timer (call, MIN (dial->expires_s, MAX_RINGING_S) * 1000, on_ring_timeout);
  return call;
}

SigSipCallId
sig_sip_dial (SigSip *sip, const SigSipDial *dial, GError **error)
{
  Target target = { 0 };
  SigSipCall *call = NULL;

  g_assert (sip->thread == g_thread_self ());
  if (sip->shutting_down)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "the SIP endpoint is shutting down");
      return 0;
    }
  if (!check_dial (dial, error))
    return 0;

  read_target (dial->to_uri, &target);
  if (target.is_tcp && !(sip->transports & SIG_SIP_TCP))
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "the transport TCP is not enabled");
  else
    {
      call = make_call (sip, dial, &target);
      if (call == NULL)
        g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INTERNAL, "the SIP stack cannot make the call");
    }
  clear_target (&target);
  return call != NULL ? call->id : 0;
}
