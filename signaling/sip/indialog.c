/* INFO and MESSAGE of ours inside of a call: transactions on the dialog's leg, as in request.c. */
#include "signaling/sip/requests.h"

#include "signaling/sip/internal.h"

#include <sofia-sip/auth_client.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/sip_protos.h>
#include <sofia-sip/su_alloc.h>

struct _SigSipSend
{
  SigSipCall *call;
  sip_method_t method;
  const char *name;
  char *content_type, *body;
  SigSipSentFunc done;
  gpointer user;
  nta_outgoing_t *request; /* (nullable): it is on its way */
  gboolean was_challenged;
};

static void
send_free (SigSipSend *send)
{
  if (send->request != NULL)
    nta_outgoing_destroy (send->request);
  g_free (send->content_type);
  g_free (send->body);
  g_free (send);
}

static void send_next (SigSipCall *call);

static void
finish (SigSipSend *send, int status, const char *phrase)
{
  SigSipCall *call = send->call;
  g_autofree char *text = sig_sip_text (phrase);

  g_queue_remove (&call->sends, send);
  if (send->done != NULL)
    send->done (send->user, status, text);
  send_free (send);
}

static int on_answer (SigSipCall *magic, nta_outgoing_t *request, sip_t const *answer);

static gboolean
transmit (SigSipSend *send, auth_client_t **auth)
{
  SigSipCall *call = send->call;
  nta_leg_t *leg = sig_sip_request_leg (call);
  sig_sip_check_connection (call);
  const char *proxy = call->source_url;
  char cseq[32];
  msg_t *message;
  sip_t *sip;

  if (leg == NULL)
    return FALSE;
  call->dialog.local_cseq = sig_sip_request_cseq (call, leg);
  g_snprintf (cseq, sizeof cseq, "%u %s", call->dialog.local_cseq, send->name);
  message = nta_msg_create (call->listener->agent, 0);
  sip = sip_object (message);
  if (sip_add_tl (message, sip, SIPTAG_CSEQ_STR (cseq), SIPTAG_USER_AGENT_STR (call->sip->user_agent),
                  TAG_IF (send->method == sip_method_info, SIPTAG_CONTACT_STR (call->dialog.local_contact)),
                  SIPTAG_CONTENT_TYPE_STR (send->content_type), SIPTAG_PAYLOAD_STR (send->body), TAG_END ())
          >= 0
      && nta_msg_request_complete (message, leg, send->method, send->name, NULL) >= 0
      && (auth == NULL || *auth == NULL
          || auc_authorization (auth, message, (msg_pub_t *)sip, send->name, sip->sip_request->rq_url,
                                sip->sip_payload)
                 > 0))
    send->request = nta_outgoing_mcreate (call->listener->agent, on_answer, (gpointer)send, NULL, message,
                                          TAG_IF (proxy, NTATAG_DEFAULT_PROXY (proxy)), TAG_END ());
  if (send->request == NULL)
    msg_destroy (message);
  return send->request != NULL;
}

/* Once: a second challenge means that the credentials are wrong. */
static gboolean
answer_challenge (SigSipSend *send, sip_t const *answer)
{
  SigSipCall *call = send->call;
  su_home_t home[1] = { SU_HOME_INIT (home) };
  auth_client_t *auth = NULL;
  nta_outgoing_t *old = send->request;
  gboolean again = FALSE;

  if (call->credentials == NULL || send->was_challenged)
    return FALSE;
  send->was_challenged = TRUE;
  su_home_init (home);
  auc_challenge (&auth, home, answer->sip_www_authenticate, sip_authorization_class);
  auc_challenge (&auth, home, answer->sip_proxy_authenticate, sip_proxy_authorization_class);
  if (auth != NULL && auc_credentials (&auth, home, call->credentials) > 0)
    {
      send->request = NULL;
      again = transmit (send, &auth);
      if (again)
        nta_outgoing_destroy (old);
      else
        send->request = old;
    }
  su_home_deinit (home);
  return again;
}

/* @magic: the SigSipSend: the agent has one type for all. */
static int
on_answer (SigSipCall *magic, nta_outgoing_t *request, sip_t const *answer)
{
  SigSipSend *send = (gpointer)magic;
  SigSipCall *call = send->call;
  int status = answer != NULL ? answer->sip_status->st_status : 408;

  if (request != send->request || status < 200)
    return 0;
  if ((status == 401 || status == 407) && answer_challenge (send, answer))
    return 0;
  finish (send, status, answer != NULL ? answer->sip_status->st_phrase : "Request Timeout");
  send_next (call);
  return 0;
}

/* The first in the queue, if it is not on its way. */
static void
send_next (SigSipCall *call)
{
  while (!call->ended && !g_queue_is_empty (&call->sends))
    {
      SigSipSend *send = g_queue_peek_head (&call->sends);

      if (send->request != NULL || transmit (send, NULL))
        return;
      finish (send, 503, "Not Sent");
    }
}

static gboolean
on_idle (gpointer data)
{
  SigSipCall *call = data;

  g_clear_pointer (&call->send_source, g_source_unref);
  send_next (call);
  return G_SOURCE_REMOVE;
}

/* Never from inside of the owner's call: @done may be told at once. */
static void
schedule (SigSipCall *call)
{
  if (call->send_source != NULL)
    return;
  call->send_source = g_idle_source_new ();
  g_source_set_priority (call->send_source, G_PRIORITY_DEFAULT);
  g_source_set_callback (call->send_source, on_idle, call, NULL);
  g_source_attach (call->send_source, call->sip->context);
}

/** sig_sip_sends_abandon: the call is over: nothing more is sent, whoever waits is told. */
void
sig_sip_sends_abandon (SigSipCall *call)
{
  if (call->send_source != NULL)
    {
      g_source_destroy (call->send_source);
      g_clear_pointer (&call->send_source, g_source_unref);
    }
  while (!g_queue_is_empty (&call->sends))
    finish (g_queue_peek_head (&call->sends), 0, "The Call Is Over");
}

static gboolean
enqueue (SigSip *sip, SigSipCallId id, SigSipSend send)
{
  SigSipCall *call = sig_sip_call_live (sip, id);

  if (call == NULL || !call->is_answered || g_queue_get_length (&call->sends) >= SIG_SIP_MAX_SENDS)
    return FALSE;
  send.call = call;
  send.content_type = g_strdup (send.content_type);
  send.body = g_strdup (send.body);
  g_queue_push_tail (&call->sends, g_memdup2 (&send, sizeof send));
  schedule (call);
  return TRUE;
}

gboolean
sig_sip_call_send_info (SigSip *sip, SigSipCallId call, const char *content_type, const char *body,
                        SigSipSentFunc done, gpointer user)
{
  return enqueue (sip, call,
                  (SigSipSend){ .method = sip_method_info,
                                .name = "INFO",
                                .content_type = (char *)content_type,
                                .body = (char *)body,
                                .done = done,
                                .user = user });
}

gboolean
sig_sip_call_send_message (SigSip *sip, SigSipCallId call, const char *text, SigSipSentFunc done,
                           gpointer user)
{
  return enqueue (sip, call,
                  (SigSipSend){ .method = sip_method_message,
                                .name = "MESSAGE",
                                .content_type = (char *)"text/plain;charset=UTF-8",
                                .body = (char *)text,
                                .done = done,
                                .user = user });
}

/** sig_sip_note_allow: what @message (nullable) of the peer says that it takes. */
void
sig_sip_note_allow (SigSipCall *call, sip_t const *message)
{
  if (message == NULL || message->sip_allow == NULL)
    return;
  call->has_allow = TRUE;
  call->allows_message = sip_is_allowed (message->sip_allow, SIP_METHOD_MESSAGE);
  call->allows_info = sip_is_allowed (message->sip_allow, SIP_METHOD_INFO);
  call->allows_update = sip_is_allowed (message->sip_allow, SIP_METHOD_UPDATE);
}

gboolean
sig_sip_call_allows_message (SigSip *sip, SigSipCallId id)
{
  const SigSipCall *call = sig_sip_call_live (sip, id);

  return call != NULL && call->allows_message;
}

gboolean
sig_sip_call_allows_info (SigSip *sip, SigSipCallId id)
{
  const SigSipCall *call = sig_sip_call_live (sip, id);

  return call != NULL && (call->allows_info || !call->has_allow);
}
