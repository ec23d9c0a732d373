/* Requests of ours inside a dialog that are no offers: REFER, and NOTIFY of its progress. Like the re-INVITEs
 * of request.c they are transactions of the agent on the dialog's leg, and NUA sees none of it. */
#include "signaling/sip/internal.h"

#include <sofia-sip/auth_client.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/su_alloc.h>

#define MAX_AT_ONCE 8

struct _SigSipInside
{
  nta_outgoing_t *request;
  sip_method_t method;
  const char *name;
  GPtrArray *lines; /* "Name: value" */
  char *body;       /* (nullable): with its Content-Type among the lines */
  guint32 cseq;
  gboolean was_challenged;
  SigSipInsideFunc done;
};

static void
inside_free (gpointer data)
{
  SigSipInside *inside = data;

  if (inside->request != NULL)
    nta_outgoing_destroy (inside->request); /* goes on without us until it is answered */
  g_ptr_array_unref (inside->lines);
  g_free (inside->body);
  g_free (inside);
}

/** sig_sip_inside_abandon: nobody waits for the answers any more. */
void
sig_sip_inside_abandon (SigSipCall *call)
{
  g_clear_pointer (&call->inside, g_ptr_array_unref);
}

static gboolean
complete (SigSipCall *call, SigSipInside *inside, nta_leg_t *leg, msg_t *message, auth_client_t **auth)
{
  sip_t *sip = sip_object (message);
  char cseq[32];

  g_snprintf (cseq, sizeof cseq, "%u %s", inside->cseq, inside->name);
  if (sip_add_tl (message, sip, SIPTAG_CSEQ_STR (cseq), SIPTAG_CONTACT_STR (call->dialog.local_contact),
                  SIPTAG_USER_AGENT_STR (call->sip->user_agent), SIPTAG_ALLOW_STR (call->sip->allow),
                  TAG_END ())
      < 0)
    return FALSE;
  for (guint i = 0; i < inside->lines->len; i++)
    if (sip_add_tl (message, sip, SIPTAG_HEADER_STR (g_ptr_array_index (inside->lines, i)), TAG_END ()) < 0)
      return FALSE;
  if (inside->body != NULL && sip_add_tl (message, sip, SIPTAG_PAYLOAD_STR (inside->body), TAG_END ()) < 0)
    return FALSE;
  if (nta_msg_request_complete (message, leg, inside->method, inside->name, NULL) < 0)
    return FALSE;
  return auth == NULL || *auth == NULL
         || auc_authorization (auth, message, (msg_pub_t *)sip, inside->name, sip->sip_request->rq_url,
                               sip->sip_payload)
                > 0;
}

static int on_answer (SigSipCall *call, nta_outgoing_t *request, sip_t const *answer);

static gboolean
send_it (SigSipCall *call, SigSipInside *inside, auth_client_t **auth)
{
  nta_leg_t *leg = sig_sip_request_leg (call);
  const char *proxy = call->source_url;
  msg_t *message;

  if (leg == NULL)
    return FALSE;
  inside->cseq = sig_sip_request_cseq (call, leg);
  message = nta_msg_create (call->listener->agent, 0);
  if (complete (call, inside, leg, message, auth))
    {
      call->dialog.local_cseq = inside->cseq;
      inside->request = nta_outgoing_mcreate (call->listener->agent, on_answer, call, NULL, message,
                                              TAG_IF (proxy, NTATAG_DEFAULT_PROXY (proxy)), TAG_END ());
    }
  if (inside->request == NULL)
    msg_destroy (message);
  return inside->request != NULL;
}

static SigSipInside *
find (const SigSipCall *call, const nta_outgoing_t *request)
{
  for (guint i = 0; call->inside != NULL && i < call->inside->len; i++)
    if (((SigSipInside *)g_ptr_array_index (call->inside, i))->request == request)
      return g_ptr_array_index (call->inside, i);
  return NULL;
}

/* Once per request: a second challenge means that the credentials are wrong. */
static gboolean
answer_challenge (SigSipCall *call, SigSipInside *inside, sip_t const *answer)
{
  su_home_t home[1] = { SU_HOME_INIT (home) };
  auth_client_t *auth = NULL;
  gboolean again = FALSE;

  if (call->credentials == NULL || inside->was_challenged || call->ended)
    return FALSE;
  inside->was_challenged = TRUE;
  su_home_init (home);
  auc_challenge (&auth, home, answer->sip_www_authenticate, sip_authorization_class);
  auc_challenge (&auth, home, answer->sip_proxy_authenticate, sip_proxy_authorization_class);
  if (auth != NULL && auc_credentials (&auth, home, call->credentials) > 0)
    {
      nta_outgoing_t *before = g_steal_pointer (&inside->request);
      again = send_it (call, inside, &auth);
      if (again)
        nta_outgoing_destroy (before);
      else
        inside->request = before;
    }
  su_home_deinit (home);
  return again;
}

/* @answer: NULL when nobody answered, or the transport failed. */
static int
on_answer (SigSipCall *call, nta_outgoing_t *request, sip_t const *answer)
{
  int status = answer != NULL ? answer->sip_status->st_status : 0;
  SigSipInside *inside = find (call, request);

  if (inside == NULL || (answer != NULL && status < 200))
    return 0;
  if ((status == 401 || status == 407) && answer_challenge (call, inside, answer))
    return 0;
  /* Only what the peer said counts as its answer; the stack's own 408 and 503 are silence. */
  if (inside->done != NULL && !call->ended)
    inside->done (call, inside->cseq, status, answer);
  if (call->inside != NULL)
    g_ptr_array_remove_fast (call->inside, inside);
  return 0;
}

guint32
sig_sip_inside_send (SigSipCall *call, sip_method_t method, const char *name, GPtrArray *lines,
                     const char *body, SigSipInsideFunc done)
{
  SigSipInside *inside = g_new0 (SigSipInside, 1);

  inside->method = method;
  inside->name = name;
  inside->lines = lines;
  inside->body = g_strdup (body);
  inside->done = done;
  if (call->inside == NULL)
    call->inside = g_ptr_array_new_with_free_func (inside_free);
  if (call->inside->len >= MAX_AT_ONCE || !send_it (call, inside, NULL))
    {
      inside_free (inside);
      return 0;
    }
  g_ptr_array_add (call->inside, inside);
  return inside->cseq;
}
