/* The composition: what the parts of the gateway share. One Gateway per process, main thread only.
 *
 *   api.c -> rooms.c, calls.c, sessions.c -> media engine, SIP endpoint; everything tells events.c */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "config/settings.h"
#include "gateway/core/room.h"
#include "gateway/core/timeline.h"
#include "media/engine.h"
#include "signaling/core/token.h"
#include "signaling/sip/sip.h"
#include "signaling/web/web.h"

typedef struct _GwEvents GwEvents;
struct _GwPresence;
struct _GwTrunks;
struct _GwExtensions;
typedef struct _GwCall GwCall;
typedef struct _GwSession GwSession;
typedef struct _GwConn GwConn;
typedef struct _GwTrunkHealth GwTrunkHealth;
typedef struct _GwCapture GwCapture;
typedef struct _GwStore GwStore;
typedef struct _GwWebhooks GwWebhooks;
typedef struct _GwEntries GwEntries;
struct _GwIdempotency;
typedef struct _GwLoad GwLoad;
typedef struct _GwRecordings GwRecordings;

typedef enum
{
  GW_LEG_CALL,
  GW_LEG_SESSION,
} GwLegKind;

/* memory.c; begins as zeros. */
typedef struct
{
  guint64 n_seen; /* calls, legs and connections: another number after each change */
  CfgMonotonic changed, trimmed, last_call; /* the last tick with a change, and with calls or after some */
  gboolean is_dirty, is_tidy;
} GwMemory;

/* Whom a media leg serves; held in Gateway.legs until ops.leg_closed. */
typedef struct
{
  GwLegKind kind;
  gpointer owner; /* GwCall* or GwSession*; NULL once the session is gone */
  CfgMonotonic since;
  char *room, *participant; /* (nullable): of a session that is gone, for the summary line */
} GwLegOwner;

/* Of calls of one direction and one role. By method: INVITE, UPDATE; by result: answered 2xx, not. */
typedef struct
{
  guint64 negotiated, rescued, expired;
  guint64 sent[2][2], received[2][2];
} GwTimerCounters;

typedef struct
{
  const CfgSettings *settings; /* of the file and the entries, owned by entries */
  GwStore *store;
  GwWebhooks *webhooks;
  GwEntries *entries; /* trunks and rules made through the API */
  struct _GwIdempotency *idempotency;
  char *api_secret; /* of settings->api_key: configured or made at start */
  char *epoch;      /* node and start; event numbers count within it */
  CfgMonotonic started;
  CfgWall started_wall;
  gboolean draining;
  gboolean stopping;      /* sessions and calls are being ended, none may begin */
  gboolean loopback_only; /* demo mode */
  gboolean may_demo;      /* it was in demo mode at the start, and listens accordingly */

  MediaEngine *media;
  SigSip *sip;
  char *tls_in_force;  /* (nullable): tls.c */
  gboolean tls_is_old; /* the files of TLS are to be read again */
  gboolean tls_asked;  /* a call wanted TLS, which nothing is configured for */
  SigWeb *web;
  GwEvents *events;
  struct _GwPresence *presence; /* subscriptions of phones */
  struct _GwTrunks *trunks;
  struct _GwExtensions *extensions;
  struct _GwRegistrations *registrations; /* theirs, on the disk */
  GwCapture *capture;
  GwTimelineBudget timelines; /* of calls and sessions */
  struct _GwLogs *logs;       /* what calls say of themselves */
  GwTrunkHealth *trunk_health;
  GwLoad *load;

  GHashTable *rooms;          /* char* name -> GwRoom*, owned */
  GHashTable *rooms_by_media; /* MediaRoomId -> GwRoom* */
  GHashTable *calls;          /* char* id -> GwCall*, owned; live and closing */
  GHashTable *calls_by_sip;   /* SigSipCallId -> GwCall* */
  guint n_alerting;           /* calls in GW_CALL_ALERTING */
  GHashTable *sessions;       /* set of GwSession*, owned */
  GHashTable *plays;          /* MediaPlayId -> GwPlay*, owned */
  GwRecordings *recordings;
  GHashTable *prompts; /* MediaPlayId -> GwCall* */
  GHashTable *legs;    /* MediaLegId -> GwLegOwner*, owned */
  GHashTable *conns;   /* SigWebConnId -> GwConn*, owned */
  guint64 last_track;  /* the last media track id given out */

  GwMemory memory;
  guint tick_source;
  struct _GwCallMetrics *call_metrics;
  struct _GwApiMetrics *api_metrics;
  guint64 n_calls_total, n_calls_failed;
  guint64 n_over_limit[4];              /* admission.c */
  guint64 n_pins_right, n_pins_wrong;   /* entries */
  GwTimerCounters timer_counters[2][2]; /* inbound, outbound; we refresh, the peer does */
  void (*drained) (gpointer user);      /* called once when draining and the last call ended */
  gpointer drained_user;
} Gateway;

typedef struct
{
  gboolean standalone, open, self_signed;
} GatewayOptions;

/** gateway_new: @settings must outlive it. (nullable): NULL with @error, everything already started undone.
 */
Gateway *gateway_new (const CfgSettings *settings, const GatewayOptions *options, GError **error);
/** gateway_set_settings: @settings are those of the file; what is asked for with each call and connection is
 * taken from @settings from now on. A secret that was made at the start stays. @settings must outlive the
 * gateway, or the next ones. */
void gateway_set_settings (Gateway *gateway, const CfgSettings *settings);
/** gateway_follow_trunks: nothing but trunks and rules is another in Gateway.settings. */
void gateway_follow_trunks (Gateway *gateway);
/** gateway_drain: no new calls; @done when the last one ended (perhaps at once, from the main loop). */
void gateway_drain (Gateway *gateway, void (*done) (gpointer user), gpointer user);
/** gateway_stop: ends all calls and sessions, then @done (at the latest after about 6 s). */
void gateway_stop (Gateway *gateway, void (*done) (gpointer user), gpointer user);
/** gateway_free: after @done of gateway_stop. */
void gateway_free (Gateway *gateway);
/** gateway_sip_address: (nullable): where phones call; NULL: SIP listens on all addresses of this machine,
 * and sip.external_address is not set. */
const char *gateway_sip_address (const Gateway *gateway);
/** gateway_print_welcome: the page's address, the SIP address and, in demo mode, a ready link. */
void gateway_print_welcome (Gateway *gateway);

/** gateway_secret: (SigTokenSecretFunc) the secret of @api_key, or NULL. */
const char *gateway_secret (gpointer gateway, const char *api_key);
/** gateway_leg_own: remembers whom @leg serves. */
void gateway_leg_own (Gateway *gateway, MediaLegId leg, GwLegKind kind, gpointer owner);
/** gateway_leg_disown: a session goes before its leg_closed; room and participant are for the summary line.
 */
void gateway_leg_disown (Gateway *gateway, MediaLegId leg, const char *room, const char *participant);
MediaTrackId gateway_next_track (Gateway *gateway);
/** gateway_check_drained: called when a call ended. */
void gateway_check_drained (Gateway *gateway);
