#include "signaling/sip/outside.h"

#include "signaling/sip/address.h"
#include "signaling/sip/internal.h"

#include <sofia-sip/nta_tag.h>
#include <sofia-sip/tport_tag.h>
#include <sofia-sip/url.h>

typedef struct
{
  SigSip *sip;
  nta_leg_t *leg;
  nta_outgoing_t *request; /* (nullable) */
  GSource *timer;          /* (nullable) */
  SigSipSentFunc done;
  gpointer user;
  GDestroyNotify destroy;
} Outside;

static void
outside_free (gpointer data)
{
  Outside *outside = data;

  if (outside->timer != NULL)
    {
      g_source_destroy (outside->timer);
      g_source_unref (outside->timer);
    }
  if (outside->request != NULL)
    nta_outgoing_destroy (outside->request); /* goes on without us until it is answered */
  if (outside->leg != NULL)
    nta_leg_destroy (outside->leg);
  if (outside->destroy != NULL)
    outside->destroy (outside->user);
  g_free (outside);
}

void
sig_sip_outside_init (SigSip *sip)
{
  sip->outside = g_hash_table_new_full (NULL, NULL, outside_free, NULL);
}

/** sig_sip_outside_end: nobody is told any more. */
void
sig_sip_outside_end (SigSip *sip)
{
  g_clear_pointer (&sip->outside, g_hash_table_unref);
}

static void
finish (Outside *outside, int status, const char *phrase)
{
  SigSip *sip = outside->sip;

  g_hash_table_steal (sip->outside, outside);
  if (!sip->shutting_down)
    outside->done (outside->user, status, sig_sip_phrase (status, phrase));
  outside_free (outside);
}

/* What the stack answers itself, when nobody did or the transport failed, is silence of the peer. */
static int
on_answer (SigSipCall *magic, nta_outgoing_t *request, sip_t const *answer)
{
  Outside *outside = (gpointer)magic;
  msg_t *message = nta_outgoing_getresponse (request);
  gboolean is_silence = answer == NULL || sig_sip_is_own (message);
  int status = is_silence ? 408 : answer->sip_status->st_status;
  g_autofree char *phrase = is_silence ? NULL : sig_sip_text (answer->sip_status->st_phrase);

  msg_destroy (message);
  if (request == outside->request && status >= 200)
    finish (outside, status, phrase);
  return 0;
}

static gboolean
on_patience (gpointer data)
{
  Outside *outside = data;

  g_clear_pointer (&outside->timer, g_source_unref);
  finish (outside, 408, NULL);
  return G_SOURCE_REMOVE;
}

static void
set_patience (Outside *outside, guint ms)
{
  outside->timer = g_timeout_source_new (ms);
  g_source_set_callback (outside->timer, on_patience, outside, NULL);
  g_source_attach (outside->timer, outside->sip->context);
}

static nta_leg_t *
make_leg (SigSipListener *listener, const SigSipOutside *wanted, const char *host)
{
  g_autofree char *from_uri
      = wanted->from_uri != NULL ? g_strdup (wanted->from_uri) : sig_sip_default_from (listener, host);
  g_autofree char *from = sig_sip_make_from (wanted->from_display, from_uri);
  g_autofree char *to = g_strdup_printf ("<%s>", wanted->to_uri);
  g_autofree char *id = g_uuid_string_random ();
  nta_leg_t *leg = nta_leg_tcreate (listener->agent, NULL, NULL, SIPTAG_CALL_ID_STR (id),
                                    SIPTAG_FROM_STR (from), SIPTAG_TO_STR (to), TAG_END ());

  if (leg != NULL)
    nta_leg_tag (leg, NULL);
  return leg;
}

static nta_outgoing_t *
send_request (Outside *outside, const SigSipOutside *wanted, gboolean is_datagram)
{
  const SigSip *sip = outside->sip;
  const char *text = wanted->text, *route = wanted->target.route;
  sip_method_t method = text != NULL ? sip_method_message : sip_method_options;

  return nta_outgoing_tcreate (
      outside->leg, on_answer, (gpointer)outside, (url_string_t const *)wanted->target.send_to, method,
      text != NULL ? "MESSAGE" : "OPTIONS", (url_string_t const *)wanted->target.uri,
      TAG_IF (route, SIPTAG_ROUTE_STR (route)), SIPTAG_USER_AGENT_STR (sip->user_agent),
      TAG_IF (text == NULL, SIPTAG_ACCEPT_STR ("application/sdp")),
      TAG_IF (text == NULL, SIPTAG_ALLOW_STR (sip->allow)),
      TAG_IF (text != NULL, SIPTAG_CONTENT_TYPE_STR ("text/plain;charset=UTF-8")),
      TAG_IF (text != NULL, SIPTAG_PAYLOAD_STR (text)), TAG_IF (is_datagram, TPTAG_MTU (SIG_SIP_MAX_MESSAGE)),
      TAG_END ());
}

gboolean
sig_sip_send_outside_over (SigSip *sip, const SigSipOutside *wanted, SigSipSentFunc done, gpointer user,
                           GDestroyNotify destroy)
{
  const char *way = wanted->target.send_to != NULL ? wanted->target.send_to : wanted->target.uri;
  g_autofree char *host = NULL, *address = sig_sip_way_address (way);
  SigSipListener *listener;
  guint16 port;

  if (sip->shutting_down || g_hash_table_size (sip->outside) >= SIG_SIP_MAX_OUTSIDE)
    return FALSE;
  sig_sip_uri_host (way, &host, &port);
  listener = sig_sip_listener_for (sip, address != NULL ? address : host);

  Outside *outside = g_new0 (Outside, 1);
  outside->sip = sip;
  outside->done = done;
  outside->user = user;
  outside->leg = make_leg (listener, wanted, address != NULL ? address : host);
  if (outside->leg != NULL)
    outside->request = send_request (outside, wanted, sig_sip_uri_is_datagram (way));
  if (outside->request == NULL)
    {
      outside_free (outside);
      return FALSE;
    }
  outside->destroy = destroy;
  if (wanted->patience_ms > 0)
    set_patience (outside, wanted->patience_ms);
  g_hash_table_add (sip->outside, outside);
  return TRUE;
}

gboolean
sig_sip_send_outside (SigSip *sip, const SigSipOutside *wanted, SigSipSentFunc done, gpointer user,
                      GDestroyNotify destroy)
{
  const char *way = wanted->target.send_to != NULL ? wanted->target.send_to : wanted->target.uri;

  g_assert (sip->thread == g_thread_self ());
  return sig_sip_check_uri (wanted->target.uri, NULL) && sig_sip_check_uri (wanted->to_uri, NULL)
         && sig_sip_check_uri (way, NULL) && sig_sip_send_outside_over (sip, wanted, done, user, destroy);
}
