#include "signaling/sip/early.h"

#include <sofia-sip/auth_client.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/su_alloc.h>
#include <sofia-sip/tport_tag.h>

#include <string.h>

#define MAX_FORKS 16

struct _SigSipEarly
{
  SigSipCall *call;
  char *tag; /* "": of no dialog that we know of, so that NUA does not take it for its own */
  nta_leg_t *leg;
  guint32 rseq;           /* of the last reliable answer; 0: none */
  guint32 cseq;           /* of the INVITE */
  char *sdp;              /* (nullable) */
  gboolean sdp_is_agreed; /* it came reliably: offer and answer are exchanged (RFC 3262 5) */
  nta_outgoing_t *prack;  /* (nullable): the last one, until it is answered */
  guint32 prack_rseq;
  gboolean was_challenged;
  gboolean allows_update;
  nta_outgoing_t *update; /* (nullable): an offer of ours, until it is answered */
};

typedef struct
{
  guint32 rseq;
} Hidden;

void
sig_sip_early_hide_rseq (msg_t *message, sip_t *sip)
{
  const sip_rseq_t *rseq = sip->sip_rseq;
  Hidden *hidden = NULL;

  if (rseq == NULL)
    return;
  if (rseq->rs_response > 0 && sip_has_feature (sip->sip_require, "100rel"))
    hidden = su_zalloc (msg_home (message), sizeof *hidden);
  if (hidden != NULL)
    hidden->rseq = (guint32)rseq->rs_response;
  sip->sip_user = hidden;
  while (sip->sip_rseq != NULL)
    sip_header_remove (message, sip, (sip_header_t *)sip->sip_rseq);
}

static void
early_free (gpointer data)
{
  SigSipEarly *early = data;

  if (early->prack != NULL)
    nta_outgoing_destroy (early->prack);
  if (early->update != NULL)
    nta_outgoing_destroy (early->update);
  nta_leg_destroy (early->leg);
  g_free (early->tag);
  g_free (early->sdp);
  g_free (early);
}

static SigSipEarly *
find (const SigSipCall *call, const char *tag)
{
  for (guint i = 0; tag != NULL && call->early != NULL && i < call->early->len; i++)
    {
      SigSipEarly *early = g_ptr_array_index (call->early, i);
      if (g_ascii_strcasecmp (early->tag, tag) == 0)
        return early;
    }
  return NULL;
}

/* ---- UPDATE of the callee ---- */

static void
answer (SigSipCall *call, nta_incoming_t *request, int status, const char *phrase, const char *sdp)
{
  gboolean is_busy = status == 500;

  nta_incoming_treply (request, status, sig_sip_phrase (status, phrase),
                       SIPTAG_USER_AGENT_STR (call->sip->user_agent), SIPTAG_ALLOW_STR (call->sip->allow),
                       TAG_IF (status < 300, SIPTAG_CONTACT_STR (call->dialog.local_contact)),
                       TAG_IF (status == 415, SIPTAG_ACCEPT_STR ("application/sdp")),
                       TAG_IF (is_busy, SIPTAG_RETRY_AFTER_STR ("2")),
                       TAG_IF (sdp, SIPTAG_CONTENT_TYPE_STR ("application/sdp")),
                       TAG_IF (sdp, SIPTAG_PAYLOAD_STR (sdp)), TAG_END ());
  nta_incoming_destroy (request);
}

/* RFC 3311 5.2: 491 while our own offer has no answer that counts, 500 while theirs has none. */
static int
check_update (const SigSipEarly *early, sip_t const *message, const char **phrase)
{
  gboolean has_offer = message->sip_payload != NULL && message->sip_payload->pl_len > 0;
  int status = has_offer ? sig_sip_body_check (message, phrase) : 0;

  if (status != 0 || !has_offer)
    return status;
  if (!early->sdp_is_agreed || early->update != NULL)
    return 491;
  return early->call->reoffer != SIG_SIP_REOFFER_NONE ? 500 : 0;
}

static int
on_request (SigSipEarly *early, nta_leg_t *leg, nta_incoming_t *request, sip_t const *message)
{
  SigSipCall *call = early->call;
  SigSip *sip = call->sip;
  const char *phrase = NULL;

  (void)leg;
  if (request == NULL || message == NULL)
    return 0;
  if (message->sip_request->rq_method == sip_method_options)
    return 200;
  if (message->sip_request->rq_method != sip_method_update || call->ended || *early->tag == '\0')
    return 481;

  int status = check_update (early, message, &phrase);
  if (message->sip_contact != NULL)
    nta_leg_client_reroute (early->leg, NULL, message->sip_contact, 0);
  g_autofree char *sdp = status == 0 ? sig_sip_body (message) : NULL;
  if (sdp == NULL)
    {
      answer (call, request, status != 0 ? status : 200, phrase, NULL);
      return 0;
    }
  g_free (early->sdp);
  early->sdp = g_steal_pointer (&sdp);
  call->reoffer = SIG_SIP_REOFFER_EARLY;
  call->early_update = request;
  if (sip->ops->reoffer != NULL)
    sip->ops->reoffer (sip->owner, sig_sip_told_id (call), early->sdp);
  return 0;
}

static SigSipCall *
find_asked (SigSip *sip, SigSipCallId id)
{
  GHashTableIter iter;
  gpointer value;
  SigSipCall *call = sig_sip_call_live (sip, id);

  if (call == NULL || call->fork == NULL)
    return call;
  g_hash_table_iter_init (&iter, sip->calls);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      SigSipCall *branch = value;
      if (branch->is_branch && branch->fork_id == id && branch->early_update != NULL)
        return branch;
    }
  return NULL;
}

gboolean
sig_sip_early_respond (SigSip *sip, SigSipCallId id, int status, const char *phrase, const char *sdp)
{
  SigSipCall *call = find_asked (sip, id);

  if (call == NULL || call->early_update == NULL)
    return FALSE;
  call->reoffer = SIG_SIP_REOFFER_NONE;
  answer (call, g_steal_pointer (&call->early_update), status, phrase, sdp);
  return TRUE;
}

/* ---- PRACK ---- */

static gboolean send_prack (SigSipEarly *early, auth_client_t **auth);

static gboolean
answer_challenge (SigSipEarly *early, sip_t const *message)
{
  su_home_t home[1] = { SU_HOME_INIT (home) };
  auth_client_t *auth = NULL;
  gboolean again = FALSE;

  if (early->call->credentials == NULL || early->was_challenged)
    return FALSE;
  early->was_challenged = TRUE;
  su_home_init (home);
  auc_challenge (&auth, home, message->sip_www_authenticate, sip_authorization_class);
  auc_challenge (&auth, home, message->sip_proxy_authenticate, sip_proxy_authorization_class);
  if (auth != NULL && auc_credentials (&auth, home, early->call->credentials) > 0)
    again = send_prack (early, &auth);
  su_home_deinit (home);
  return again;
}

/* What is refused is not tried again: the peer repeats its answer, or gives the call up (RFC 3262 3). */
static int
on_answer (SigSipCall *call, nta_outgoing_t *request, sip_t const *message)
{
  int status = message != NULL ? message->sip_status->st_status : 408;

  if (status < 200)
    return 0;
  for (guint i = 0; call->early != NULL && i < call->early->len; i++)
    {
      SigSipEarly *early = g_ptr_array_index (call->early, i);
      if (early->prack != request)
        continue;
      early->prack = NULL;
      if ((status == 401 || status == 407) && message != NULL)
        (void)answer_challenge (early, message);
    }
  nta_outgoing_destroy (request);
  return 0;
}

static gboolean
send_prack (SigSipEarly *early, auth_client_t **auth)
{
  SigSipCall *call = early->call;
  sig_sip_check_connection (call);
  const char *proxy = call->source_url;
  msg_t *message = nta_msg_create (call->listener->agent, 0);
  sip_t *sip = sip_object (message);
  char rack[48];
  nta_outgoing_t *request = NULL;

  g_snprintf (rack, sizeof rack, "%u %u INVITE", early->prack_rseq, early->cseq);
  if (sip_add_tl (message, sip, SIPTAG_RACK_STR (rack), SIPTAG_USER_AGENT_STR (call->sip->user_agent),
                  TAG_END ())
          >= 0
      && nta_msg_request_complete (message, early->leg, SIP_METHOD_PRACK, NULL) >= 0
      && (auth == NULL
          || auc_authorization (auth, message, (msg_pub_t *)sip, "PRACK", sip->sip_request->rq_url,
                                sip->sip_payload)
                 > 0))
    request = nta_outgoing_mcreate (call->listener->agent, on_answer, call, NULL, message,
                                    TAG_IF (proxy, NTATAG_DEFAULT_PROXY (proxy)), TAG_END ());
  if (request == NULL)
    {
      msg_destroy (message);
      return FALSE;
    }
  if (early->prack != NULL) /* goes on by itself */
    nta_outgoing_destroy (early->prack);
  early->prack = request;
  call->dialog.local_cseq = MAX (call->dialog.local_cseq, nta_leg_get_seq (early->leg));
  return TRUE;
}

/* ---- UPDATE of ours ---- */

static SigSipEarly *
find_agreed (const SigSipCall *call)
{
  SigSipEarly *found = NULL;

  for (guint i = 0; call->early != NULL && i < call->early->len; i++)
    {
      SigSipEarly *early = g_ptr_array_index (call->early, i);
      if (*early->tag == '\0')
        continue;
      if (found != NULL) /* which fork will answer is not known */
        return NULL;
      found = early;
    }
  return found != NULL && found->sdp_is_agreed && found->allows_update ? found : NULL;
}

gboolean
sig_sip_early_can_offer (SigSipCall *call)
{
  return !call->ended && find_agreed (call) != NULL;
}

static void
tell_reanswer (SigSipCall *call, int status, const char *phrase, const char *sdp)
{
  SigSip *sip = call->sip;
  g_autofree char *text = sig_sip_text (phrase);

  if (!call->ended && sip->ops->reanswer != NULL)
    sip->ops->reanswer (sip->owner, sig_sip_told_id (call), status, text, sdp);
}

static int
on_update_answer (SigSipCall *call, nta_outgoing_t *request, sip_t const *message)
{
  int status = message != NULL ? message->sip_status->st_status : 408;
  SigSipEarly *early = NULL;

  if (status < 200)
    return 0;
  for (guint i = 0; call->early != NULL && i < call->early->len && early == NULL; i++)
    if (((SigSipEarly *)g_ptr_array_index (call->early, i))->update == request)
      early = g_ptr_array_index (call->early, i);
  if (early != NULL)
    {
      g_autofree char *sdp = status < 300 ? sig_sip_body (message) : NULL;
      early->update = NULL;
      if (status < 300 && message->sip_contact != NULL)
        nta_leg_client_reroute (early->leg, NULL, message->sip_contact, 0);
      if (sdp != NULL) /* what a 2xx without a description means from now on */
        {
          g_free (early->sdp);
          early->sdp = g_strdup (sdp);
        }
      tell_reanswer (call, status, message != NULL ? message->sip_status->st_phrase : "No Answer", sdp);
    }
  nta_outgoing_destroy (request);
  return 0;
}

gboolean
sig_sip_early_offer (SigSipCall *call, const char *sdp)
{
  SigSipEarly *early = find_agreed (call);
  const char *proxy = call->source_url;

  if (early == NULL || call->ended || early->update != NULL || call->reoffer != SIG_SIP_REOFFER_NONE)
    return FALSE;
  sig_sip_check_connection (call);
  msg_t *message = nta_msg_create (call->listener->agent, 0);
  if (sip_add_tl (message, sip_object (message), SIPTAG_CONTACT_STR (call->dialog.local_contact),
                  SIPTAG_USER_AGENT_STR (call->sip->user_agent), SIPTAG_ALLOW_STR (call->sip->allow),
                  SIPTAG_CONTENT_TYPE_STR ("application/sdp"), SIPTAG_PAYLOAD_STR (sdp), TAG_END ())
          >= 0
      && nta_msg_request_complete (message, early->leg, SIP_METHOD_UPDATE, NULL) >= 0)
    early->update
        = nta_outgoing_mcreate (call->listener->agent, on_update_answer, call, NULL, message,
                                TAG_IF (proxy, NTATAG_DEFAULT_PROXY (proxy)),
                                TAG_IF (!call->peer.is_tcp, TPTAG_MTU (SIG_SIP_MAX_MESSAGE)), TAG_END ());
  if (early->update == NULL)
    {
      msg_destroy (message);
      return FALSE;
    }
  call->dialog.local_cseq = MAX (call->dialog.local_cseq, nta_leg_get_seq (early->leg));
  return TRUE;
}

/* ---- provisional answers ---- */

/* The leg that was made last is the first that the agent finds: each of these comes before NUA's. */
static SigSipEarly *
add_leg (SigSipCall *call, sip_t const *message, const sip_to_t *to)
{
  SigSipEarly *early = g_new0 (SigSipEarly, 1);

  early->leg = nta_leg_tcreate (call->listener->agent, on_request, early,
                                SIPTAG_CALL_ID (message->sip_call_id), SIPTAG_FROM (message->sip_from),
                                SIPTAG_TO (to), SIPTAG_CSEQ (message->sip_cseq), TAG_END ());
  if (early->leg == NULL)
    {
      g_free (early);
      return NULL;
    }
  early->call = call;
  early->tag = g_strdup (to->a_tag != NULL ? to->a_tag : "");
  early->cseq = message->sip_cseq->cs_seq;
  g_ptr_array_add (call->early, early);
  return early;
}

static SigSipEarly *
add (SigSipCall *call, sip_t const *message)
{
  SigSipEarly *early;

  if (call->early == NULL)
    {
      sip_to_t untagged = *message->sip_to;

      untagged.a_params = NULL;
      untagged.a_tag = NULL;
      call->early = g_ptr_array_new_with_free_func (early_free);
      (void)add_leg (call, message, &untagged);
    }
  if (call->early->len >= MAX_FORKS)
    return NULL;
  early = add_leg (call, message, message->sip_to);
  if (early != NULL)
    nta_leg_client_route (early->leg, message->sip_record_route, message->sip_contact);
  return early;
}

static gboolean
take_rseq (SigSipEarly *early, guint32 rseq)
{
  if (early->rseq != 0 && rseq != early->rseq + 1)
    return FALSE;
  early->rseq = early->prack_rseq = rseq;
  early->was_challenged = FALSE;
  (void)send_prack (early, NULL);
  return TRUE;
}

gboolean
sig_sip_early_progress (SigSipCall *call, sip_t const *message, const char *sdp)
{
  const Hidden *hidden = message->sip_user;
  const char *tag = message->sip_to->a_tag;
  SigSipEarly *early = find (call, tag);

  if (tag == NULL)
    return hidden == NULL;
  /* A proxy challenged the INVITE that came before: another INVITE, other dialogs. */
  if (early != NULL && early->cseq != message->sip_cseq->cs_seq)
    {
      g_ptr_array_remove (call->early, early);
      early = NULL;
    }
  if (message->sip_status->st_status == 199) /* RFC 6228: this fork is over */
    {
      if (early != NULL)
        g_ptr_array_remove (call->early, early);
      return TRUE;
    }
  if (early == NULL)
    early = add (call, message);
  if (early == NULL)
    return hidden == NULL;
  if (message->sip_allow != NULL)
    early->allows_update = sip_is_allowed (message->sip_allow, SIP_METHOD_UPDATE);
  if (hidden != NULL && !take_rseq (early, hidden->rseq))
    return FALSE;
  if (sdp != NULL && !early->sdp_is_agreed)
    {
      g_free (early->sdp);
      early->sdp = g_strdup (sdp);
      early->sdp_is_agreed = hidden != NULL;
    }
  return TRUE;
}

const char *
sig_sip_early_sdp (const SigSipCall *call, const char *tag)
{
  const SigSipEarly *early = find (call, tag);

  return early != NULL ? early->sdp : NULL;
}

void
sig_sip_early_free (SigSipCall *call)
{
  if (call->early_update != NULL)
    answer (call, g_steal_pointer (&call->early_update), 481, NULL, NULL);
  if (call->reoffer == SIG_SIP_REOFFER_EARLY)
    call->reoffer = SIG_SIP_REOFFER_NONE;
  SigSipEarly *early = find_agreed (call);
  gboolean is_left = early != NULL && early->update != NULL;
  g_clear_pointer (&call->early, g_ptr_array_unref);
  if (is_left)
    tell_reanswer (call, 491, "Request Pending", NULL);
}

/* The leg counts its requests itself: what is completed here and never sent moves it on. */
static void
count_on (nta_agent_t *agent, nta_leg_t *leg, guint32 cseq)
{
  for (guint i = 0; i < G_MAXUINT16 && nta_leg_get_seq (leg) < cseq; i++)
    {
      msg_t *message = nta_msg_create (agent, 0);
      int done = nta_msg_request_complete (message, leg, SIP_METHOD_PRACK, NULL);

      msg_destroy (message);
      if (done < 0)
        return;
    }
}

void
sig_sip_early_confirmed (SigSipCall *call)
{
  gboolean had_any = call->early != NULL;
  guint32 cseq = call->dialog.local_cseq;
  nta_leg_t *leg;

  sig_sip_early_free (call);
  leg = had_any ? sig_sip_request_leg (call) : NULL;
  if (leg != NULL)
    count_on (call->listener->agent, leg, cseq);
}
