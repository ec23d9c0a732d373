/* The notifier's side of SIP events (RFC 6665): subscriptions to presence, dialog and conference. Each is a
 * dialog of its own on a leg of the agent. The owner says who may subscribe and writes the documents; when,
 * how often and until when they are sent is decided here:
 *
 *   ops.subscribe -> ops.notification -> NOTIFY ... sig_sip_subscription_changed -> ops.notification ->
 * NOTIFY
 *   ... ops.unsubscribed
 *
 * One NOTIFY is on its way at a time, and the next one follows not earlier than a second after it, with what
 * is true then. A refused or unanswered NOTIFY ends the subscription. A SUBSCRIBE, also one that refreshes,
 * is always followed by a NOTIFY with the full state. Bounded: SIG_SIP_MAX_SUBSCRIPTIONS in all, of one
 * source SIG_SIP_MAX_SUBSCRIPTIONS_OF_SOURCE. */
#pragma once

#include "signaling/core/event_package.h"
#include "signaling/sip/sip.h"

#define SIG_SIP_MAX_SUBSCRIPTIONS           2000
#define SIG_SIP_MAX_SUBSCRIPTIONS_OF_SOURCE 500
#define SIG_SIP_MIN_SUBSCRIPTION_S          60
#define SIG_SIP_MAX_SUBSCRIPTION_S          3600 /* also what one gets that names no Expires */

/* A SUBSCRIBE that begins a subscription, valid during the ops call only. Strings are UTF-8, never NULL
 * unless said so. */
struct _SigSipSubscribe
{
  SigSipSubscriptionId id;
  SigEventPackage package;
  const char *request_user, *request_host;
  const char *entity; /* the Request-URI without parameters: what documents are about */
  const char *from_user, *from_host, *from_display;
  const char *source_address; /* the packet's source, numeric */
  const char *username;     /* (nullable): whom the sender has proved to be, where ops.access asked for it */
  const char *registration; /* (nullable): as SigSipInvite */
  const char *call_id;
  guint expires_s; /* 0: the state once, and no more */
};

/* What a document is asked for; see ops.notification. */
struct _SigSipNotification
{
  guint version;   /* of the document, counted from 0 */
  gboolean full;   /* not only what has changed */
  gsize max_bytes; /* aim of its length */
};

/** sig_sip_subscription_changed: there is something new to tell; harmless for an id that is gone. */
void sig_sip_subscription_changed (SigSip *sip, SigSipSubscriptionId id);
/** sig_sip_subscription_end: a last NOTIFY with @reason (RFC 6665 4.1.3: "noresource", "deactivated"); the
 * owner is not told. */
void sig_sip_subscription_end (SigSip *sip, SigSipSubscriptionId id, const char *reason);
guint sig_sip_n_subscriptions (const SigSip *sip);
