#include "signaling/sip/subscribe.h"

#include "signaling/sip/reply.h"

#include <sofia-sip/nta_tag.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/su_alloc.h>

#include <string.h>

#define NOTIFY_INTERVAL_US G_USEC_PER_SEC
#define MAX_BYTES_UDP      8000
#define MAX_BYTES_TCP      48000
#define MAX_EVENT_ID       128
#define MIN_EXPIRES_RULE_S 3600 /* RFC 6665 4.2.1.1: 423 only below this */

struct _SigSipSubscription
{
  SigSip *sip;
  SigSipListener *listener;
  SigSipSubscriptionId id;
  SigEventPackage package;
  char *event; /* "presence;id=7" */
  char *event_id;
  char *contact;
  char *proxy; /* (nullable): a subscriber behind NAT: requests go to its packets' source */
  nta_leg_t *leg;
  SigSipPeer peer;
  guint version;
  gint64 expires_us, last_notify_us; /* monotonic */
  gboolean is_new;                   /* nothing was told yet, or it subscribed anew: full state, at once */
  gboolean is_changed;
  const char *over;         /* (nullable): literal: it ends with the next NOTIFY, for this reason */
  gboolean owner_forgot_it; /* ended by the owner, who is not told */
  GSource *timer;           /* expiry, or the second between two NOTIFYs */
  nta_outgoing_t *request;  /* (nullable): the NOTIFY on its way */
};
typedef struct _SigSipSubscription Subscription;

/* ---- life ---- */

static void
subscription_free (gpointer data)
{
  Subscription *subscription = data;

  if (subscription->timer != NULL)
    {
      g_source_destroy (subscription->timer);
      g_source_unref (subscription->timer);
    }
  if (subscription->request != NULL)
    nta_outgoing_destroy (subscription->request); /* goes on without us */
  if (subscription->leg != NULL)
    nta_leg_destroy (subscription->leg);
  g_free (subscription->event);
  g_free (subscription->event_id);
  g_free (subscription->contact);
  g_free (subscription->proxy);
  g_free (subscription);
}

void
sig_sip_subscriptions_init (SigSip *sip)
{
  sip->subscriptions = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, subscription_free);
}

static void
forget (Subscription *subscription)
{
  SigSip *sip = subscription->sip;
  SigSipSubscriptionId id = subscription->id;
  gboolean is_known = !subscription->owner_forgot_it;

  g_hash_table_remove (sip->subscriptions, &id);
  if (is_known && sip->ops->unsubscribed != NULL)
    sip->ops->unsubscribed (sip->owner, id);
}

static guint
count_of_source (SigSip *sip, const SigSipPeer *peer)
{
  guint n = 0;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, sip->subscriptions);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    n += memcmp (&((Subscription *)value)->peer.source, &peer->source, sizeof peer->source) == 0;
  return n;
}

/* ---- NOTIFY ---- */

static void schedule (Subscription *subscription);

static int
on_notify_answer (SigSipCall *magic, nta_outgoing_t *request, sip_t const *answer)
{
  Subscription *subscription = (gpointer)magic;
  int status = answer != NULL ? answer->sip_status->st_status : 408;

  if (request != subscription->request || status < 200)
    return 0;
  subscription->request = NULL;
  nta_outgoing_destroy (request);
  if (status >= 300) /* RFC 6665 4.2.2 */
    forget (subscription);
  else
    schedule (subscription);
  return 0;
}

static gboolean
send_notify (Subscription *subscription, const char *body)
{
  const char *type = sig_event_package_type (subscription->package);
  gint64 left_us = MAX (subscription->expires_us - g_get_monotonic_time (), 0);
  const char *proxy = subscription->proxy;
  char state[96];

  if (subscription->over != NULL)
    g_snprintf (state, sizeof state, "terminated;reason=%s", subscription->over);
  else
    g_snprintf (state, sizeof state, "active;expires=%u", (guint)(left_us / G_USEC_PER_SEC));
  subscription->request = nta_outgoing_tcreate (
      subscription->leg, on_notify_answer, (gpointer)subscription, (url_string_t const *)proxy,
      SIP_METHOD_NOTIFY, NULL, SIPTAG_EVENT_STR (subscription->event), SIPTAG_SUBSCRIPTION_STATE_STR (state),
      SIPTAG_CONTACT_STR (subscription->contact), SIPTAG_USER_AGENT_STR (subscription->sip->user_agent),
      SIPTAG_ALLOW_STR (subscription->sip->allow), SIPTAG_ALLOW_EVENTS_STR (SIG_EVENT_ALLOW),
      TAG_IF (body, SIPTAG_CONTENT_TYPE_STR (type)), TAG_IF (body, SIPTAG_PAYLOAD_STR (body)), TAG_END ());
  return subscription->request != NULL;
}

/* May free @subscription. */
static void
notify (Subscription *subscription)
{
  SigSip *sip = subscription->sip;
  gboolean more = FALSE;
  const SigSipNotification asked = {
    .version = subscription->version,
    .full = subscription->is_new,
    .max_bytes = subscription->peer.is_tcp ? MAX_BYTES_TCP : MAX_BYTES_UDP,
  };
  g_autofree char *body = NULL;

  if (!subscription->owner_forgot_it && sip->ops->notification != NULL)
    body = sip->ops->notification (sip->owner, subscription->id, &asked, &more);
  subscription->is_changed = more;
  if (body == NULL && !subscription->is_new && subscription->over == NULL)
    {
      schedule (subscription);
      return;
    }
  subscription->version += body != NULL;
  subscription->is_new = FALSE;
  subscription->last_notify_us = g_get_monotonic_time ();
  if (!send_notify (subscription, body) || subscription->over != NULL)
    forget (subscription); /* the last NOTIFY goes on without us */
  else
    schedule (subscription);
}

static gboolean
on_timer (gpointer data)
{
  Subscription *subscription = data;
  gint64 now = g_get_monotonic_time ();

  g_clear_pointer (&subscription->timer, g_source_unref);
  if (now >= subscription->expires_us)
    subscription->over = "timeout";
  if (subscription->request == NULL
      && (subscription->over != NULL || subscription->is_new || subscription->is_changed))
    notify (subscription);
  else
    schedule (subscription);
  return G_SOURCE_REMOVE;
}

/* When to look again: at once for what may not wait, else a second after the last NOTIFY; at the end in any
 * case. While a NOTIFY is on its way its answer decides. */
static void
schedule (Subscription *subscription)
{
  gint64 at = subscription->expires_us;

  if (subscription->timer != NULL)
    {
      g_source_destroy (subscription->timer);
      g_clear_pointer (&subscription->timer, g_source_unref);
    }
  if (subscription->request != NULL)
    return;
  if (subscription->is_changed)
    at = MIN (at, subscription->last_notify_us + NOTIFY_INTERVAL_US);
  if (subscription->is_new || subscription->over != NULL)
    at = 0;
  gint64 wait_us
      = CLAMP (at - g_get_monotonic_time (), 0, (gint64)SIG_SIP_MAX_SUBSCRIPTION_S * G_USEC_PER_SEC);
  subscription->timer = g_timeout_source_new ((guint)((wait_us + 999) / 1000));
  g_source_set_callback (subscription->timer, on_timer, subscription, NULL);
  g_source_attach (subscription->timer, subscription->sip->context);
}

/* ---- SUBSCRIBE ---- */

static char *
event_id_of (const sip_event_t *event)
{
  const char *id = msg_header_find_param (event->o_common, "id");

  return id != NULL ? g_strndup (id, MAX_EVENT_ID) : NULL;
}

static gboolean
is_acceptable (SigEventPackage package, sip_t const *message)
{
  if (message->sip_accept == NULL)
    return TRUE;
  for (const sip_accept_t *accept = message->sip_accept; accept != NULL; accept = accept->ac_next)
    if (accept->ac_type != NULL && sig_event_package_accepted (package, accept->ac_type))
      return TRUE;
  return FALSE;
}

static SigSipReply
check_expires (const SigSip *sip, sip_t const *message, guint *expires_s)
{
  static char min[16];
  gulong asked = message->sip_expires != NULL ? message->sip_expires->ex_delta : SIG_SIP_MAX_SUBSCRIPTION_S;

  *expires_s = (guint)MIN (asked, SIG_SIP_MAX_SUBSCRIPTION_S);
  if (asked == 0 || asked >= MIN (sip->min_subscription_s, MIN_EXPIRES_RULE_S))
    return (SigSipReply){ 0 };
  g_snprintf (min, sizeof min, "%u", sip->min_subscription_s);
  return (SigSipReply){ .status = 423, .min_expires = min };
}

static SigSipReply
check_subscribe (SigSip *sip, const SigSipPeer *peer, sip_t const *message, guint *expires_s)
{
  SigSipReply reply = sig_sip_outside_check (sip, peer, message);
  SigEventPackage package;

  if (reply.status != 0)
    return reply;
  if (message->sip_event == NULL || message->sip_event->o_type == NULL)
    return (SigSipReply){ .status = 489, .allow_events = SIG_EVENT_ALLOW };
  if (message->sip_contact == NULL)
    return (SigSipReply){ .status = 400, .phrase = "Missing Contact Header" };
  package = sig_event_package_find (message->sip_event->o_type);
  if (package == SIG_EVENT_NONE)
    return (SigSipReply){ .status = 489, .allow_events = SIG_EVENT_ALLOW };
  if (!is_acceptable (package, message))
    return (SigSipReply){ .status = 406, .accept = sig_event_package_type (package) };
  reply = check_expires (sip, message, expires_s);
  if (reply.status != 0)
    return reply;
  if (g_hash_table_size (sip->subscriptions) >= SIG_SIP_MAX_SUBSCRIPTIONS
      || count_of_source (sip, peer) >= SIG_SIP_MAX_SUBSCRIPTIONS_OF_SOURCE)
    return (SigSipReply){ .status = 503, .retry_after = "60" };
  return reply;
}

static void
accept_subscribe (Subscription *subscription, nta_incoming_t *irq, guint expires_s)
{
  const SigSip *sip = subscription->sip;
  char expires[16];

  g_snprintf (expires, sizeof expires, "%u", expires_s);
  subscription->expires_us = g_get_monotonic_time () + expires_s * G_USEC_PER_SEC;
  subscription->is_new = TRUE;
  if (expires_s == 0)
    subscription->over = "timeout";
  nta_incoming_treply (irq, SIP_200_OK, SIPTAG_EXPIRES_STR (expires),
                       SIPTAG_CONTACT_STR (subscription->contact), SIPTAG_USER_AGENT_STR (sip->user_agent),
                       SIPTAG_ALLOW_STR (sip->allow), SIPTAG_ALLOW_EVENTS_STR (SIG_EVENT_ALLOW), TAG_END ());
  nta_incoming_destroy (irq);
  schedule (subscription);
}

/* A request on the subscription's own dialog. */
static int
on_request (nta_leg_magic_t *magic, nta_leg_t *leg, nta_incoming_t *irq, sip_t const *message)
{
  Subscription *subscription = (gpointer)magic;
  SigSipReply reply = { 0 };
  guint expires_s = 0;
  g_autofree char *event_id = message->sip_event != NULL ? event_id_of (message->sip_event) : NULL;

  if (message->sip_request->rq_method != sip_method_subscribe)
    reply.status = 481;
  else if (message->sip_event == NULL
           || sig_event_package_find (message->sip_event->o_type) != subscription->package
           || g_strcmp0 (event_id, subscription->event_id) != 0)
    reply = (SigSipReply){ .status = 489, .allow_events = SIG_EVENT_ALLOW };
  else if (subscription->over != NULL)
    reply.status = 481;
  else if (!is_acceptable (subscription->package, message))
    reply = (SigSipReply){ .status = 406, .accept = sig_event_package_type (subscription->package) };
  else
    reply = check_expires (subscription->sip, message, &expires_s);
  if (reply.status != 0)
    {
      sig_sip_reply_transaction (subscription->listener, irq, &reply);
      return 0;
    }
  if (message->sip_contact != NULL)
    nta_leg_server_route (leg, NULL, message->sip_contact);
  accept_subscribe (subscription, irq, expires_s);
  return 0;
}

static nta_leg_t *
make_leg (Subscription *subscription, nta_incoming_t *irq, sip_t const *message)
{
  nta_agent_t *agent = subscription->listener->agent;
  nta_leg_t *leg = nta_leg_tcreate (agent, on_request, (nta_leg_magic_t *)subscription,
                                    SIPTAG_CALL_ID (message->sip_call_id), SIPTAG_FROM (message->sip_to),
                                    SIPTAG_TO (message->sip_from),
                                    NTATAG_REMOTE_CSEQ (message->sip_cseq->cs_seq), TAG_END ());

  if (leg == NULL || nta_leg_tag (leg, nta_incoming_tag (irq, NULL)) == NULL
      || nta_leg_server_route (leg, message->sip_record_route, message->sip_contact) < 0)
    {
      if (leg != NULL)
        nta_leg_destroy (leg);
      return NULL;
    }
  return leg;
}

static Subscription *
subscription_new (SigSipListener *listener, const SigSipPeer *peer, sip_t const *message)
{
  SigSip *sip = listener->sip;
  Subscription *subscription = g_new0 (Subscription, 1);
  const sip_event_t *event = message->sip_event;
  g_autofree char *user = sig_sip_user (message->sip_request->rq_url);

  subscription->sip = sip;
  subscription->listener = listener;
  subscription->id = ++sip->last_subscription;
  subscription->peer = *peer;
  subscription->package = sig_event_package_find (event->o_type);
  subscription->event_id = event_id_of (event);
  subscription->event
      = g_strconcat (sig_event_package_name (subscription->package),
                     subscription->event_id != NULL ? ";id=" : NULL, subscription->event_id, NULL);
  subscription->contact = sig_sip_contact_make (listener, peer, user, FALSE);
  if (peer->is_tls || sig_sip_is_behind_nat (peer, message))
    subscription->proxy = sig_sip_peer_url (peer);
  g_hash_table_insert (sip->subscriptions, &subscription->id, subscription);
  return subscription;
}

static char *
entity_of (sip_t const *message)
{
  const url_t *url = message->sip_request->rq_url;
  g_autofree char *user = sig_sip_user (url);
  g_autofree char *escaped = g_uri_escape_string (user, "+", FALSE);
  g_autofree char *host = sig_sip_host (url);

  return g_strdup_printf (strchr (host, ':') != NULL ? "sip:%s@[%s]" : "sip:%s@%s", escaped, host);
}

static int
ask_owner (Subscription *subscription, const char *username, sip_t const *message, guint expires_s)
{
  SigSip *sip = subscription->sip;
  g_autofree char *call_id = sig_sip_text (message->sip_call_id->i_id);
  const SigSipRegistering *registering = sig_sip_registering_of (sip, &subscription->peer, message);
  g_autofree char *request_user = sig_sip_called_user (registering, message);
  g_autofree char *request_host = sig_sip_host (message->sip_request->rq_url);
  g_autofree char *entity = entity_of (message);
  g_autofree char *from_user = sig_sip_user (message->sip_from->a_url);
  g_autofree char *from_host = sig_sip_host (message->sip_from->a_url);
  g_autofree char *from_display = sig_sip_display (message->sip_from->a_display);
  const SigSipSubscribe told = {
    .id = subscription->id,
    .package = subscription->package,
    .request_user = request_user,
    .request_host = request_host,
    .entity = entity,
    .from_user = from_user,
    .from_host = from_host,
    .from_display = from_display,
    .source_address = subscription->peer.host,
    .username = username,
    .registration = sig_sip_registering_name (registering),
    .call_id = call_id,
    .expires_s = expires_s,
  };

  return sip->ops->subscribe != NULL ? sip->ops->subscribe (sip->owner, &told) : 489;
}

void
sig_sip_on_subscribe (SigSipListener *listener, nta_incoming_t *irq, sip_t const *message)
{
  SigSip *sip = listener->sip;
  msg_t *request = nta_incoming_getrequest (irq);
  Subscription *subscription;
  SigSipPeer peer;
  g_autofree char *username = NULL;
  SigSipReply reply;
  guint expires_s = 0;

  sig_sip_peer_of (request, &peer);
  msg_destroy (request);
  if (nta_check_required (irq, message, NULL, SIPTAG_USER_AGENT_STR (sip->user_agent),
                          SIPTAG_ALLOW_STR (sip->allow), TAG_END ())
      != 0)
    {
      nta_incoming_destroy (irq);
      return;
    }
  reply = check_subscribe (sip, &peer, message, &expires_s);
  if (reply.status != 0)
    {
      sig_sip_reply_transaction (listener, irq, &reply);
      return;
    }
  if (!sig_sip_access_transaction (listener, irq, &peer, message, &username))
    return;
  subscription = subscription_new (listener, &peer, message);
  reply.status = ask_owner (subscription, username, message, expires_s);
  if (reply.status < 300)
    subscription->leg = make_leg (subscription, irq, message);
  if (reply.status < 300 && subscription->leg == NULL)
    {
      forget (subscription);
      reply.status = 500;
      subscription = NULL;
    }
  if (reply.status < 300)
    {
      accept_subscribe (subscription, irq, expires_s);
      return;
    }
  if (subscription != NULL)
    g_hash_table_remove (sip->subscriptions, &subscription->id);
  reply.allow_events = reply.status == 489 ? SIG_EVENT_ALLOW : NULL;
  sig_sip_reply_transaction (listener, irq, &reply);
}

/* ---- the owner ---- */

void
sig_sip_subscription_changed (SigSip *sip, SigSipSubscriptionId id)
{
  Subscription *subscription = g_hash_table_lookup (sip->subscriptions, &id);

  if (subscription == NULL || subscription->is_changed)
    return;
  subscription->is_changed = TRUE;
  schedule (subscription);
}

void
sig_sip_subscription_end (SigSip *sip, SigSipSubscriptionId id, const char *reason)
{
  Subscription *subscription = g_hash_table_lookup (sip->subscriptions, &id);

  if (subscription == NULL)
    return;
  subscription->owner_forgot_it = TRUE;
  subscription->over = g_intern_string (reason);
  schedule (subscription);
}

guint
sig_sip_n_subscriptions (const SigSip *sip)
{
  return g_hash_table_size (sip->subscriptions);
}

/** sig_sip_subscriptions_end: the endpoint goes: each gets a last NOTIFY, nobody waits for its answer. */
void
sig_sip_subscriptions_end (SigSip *sip)
{
  g_autoptr (GList) all = g_hash_table_get_values (sip->subscriptions);

  for (GList *link = all; link != NULL; link = link->next)
    {
      Subscription *subscription = link->data;

      subscription->owner_forgot_it = TRUE;
      subscription->over = "deactivated";
      if (subscription->request == NULL)
        (void)send_notify (subscription, NULL);
      forget (subscription);
    }
}

void
sig_sip_subscriptions_clear (SigSip *sip)
{
  g_clear_pointer (&sip->subscriptions, g_hash_table_unref);
}
