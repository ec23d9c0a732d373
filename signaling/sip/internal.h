/* What the files of this folder share. An endpoint has a listener (one NUA) per bind address, all on one su
 * root, and a table of calls by id. The stack's handles carry the id, not a pointer: a late event looks it up
 * and finds nothing.
 *
 * A call in the table is in one of three phases:
 *
 *   live     the owner knows it; ended is FALSE
 *   ending   ended is TRUE; ops.ended waits for the next turn of the loop (queue "ended") or was made (told),
 *            while a BYE or CANCEL of ours is still on its way: nh is not NULL
 *   gone     told and nh is NULL: freed
 *
 * A call of ours that nobody has answered yet has no handle (nh is NULL, `fork` is not): its attempts are
 * calls that the owner does not know (sig_sip_fork_speaker gives one). The one that is answered takes over
 * the id, and from then on it is a call like any other. */
#pragma once

#include "signaling/core/digest.h"
#include "signaling/core/identity.h"
#include "signaling/core/refer.h"
#include "signaling/sip/agent.h"
#include "signaling/sip/rate.h"
#include "signaling/sip/resolve.h"
#include "signaling/sip/sip.h"
#include "signaling/sip/tls.h"

typedef struct _SigSipListener SigSipListener;
typedef struct _SigSipCall SigSipCall;
typedef struct _SigSipEarly SigSipEarly;
typedef struct _SigSipSend SigSipSend;
typedef struct _SigSipInside SigSipInside;
typedef struct _SigSipRefer SigSipRefer;
typedef struct _SigSipStreams SigSipStreams;
typedef struct _SigSipRegistering SigSipRegistering;
#define NUA_MAGIC_T  SigSipListener
#define NUA_HMAGIC_T struct sig_sip_tag_is_a_number

#include <sofia-sip/nua.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su_glib.h>

#define SIG_SIP_MAX_BODY    32768
#define SIG_SIP_MAX_MESSAGE 65536
#define SIG_SIP_MAX_HEADERS 16384 /* octets of all headers of a message */
#define SIG_SIP_MAX_LINES   512   /* of them */

/* Seconds, in each 503 to a call: without it the caller would take all of us for out of order (RFC 3261
 * 21.5.4). */
#define SIG_SIP_RETRY_AFTER "5"

/* On NUA's handles. It must not know, or it would take subscriptions on the dialog of a call. */
#define SIG_SIP_ALLOW_EVENTS "Allow-Events: " SIG_EVENT_ALLOW

/* The other end of a packet. */
typedef struct
{
  SigSipSource source;
  char host[64]; /* numeric, without brackets */
  guint16 port;
  gboolean is_ipv6, is_tcp; /* is_tcp: a stream, of TLS as well */
  gboolean is_tls;
} SigSipPeer;

struct _SigSipListener
{
  SigSip *sip;
  nua_t *nua;
  nta_agent_t *agent;      /* nua's */
  char *address;           /* numeric, without brackets */
  char *external;          /* (nullable): what stands for it on the public network */
  gpointer default_handle; /* nua's: for requests outside of a call that we leave to it */
  gboolean shut_down;
  gboolean has_tls;
};

struct _SigSip
{
  const SigSipOps *ops;
  gpointer owner;
  char **bind; /* one listener each, NULL-terminated */
  guint16 port;
  SigSipTransports transports;
  char *external_address; /* (nullable) */
  char **bind_wanted;     /* as configured, NULL-terminated */
  guint16 tls_port;
  SigSipTls *tls; /* (nullable): without TLS */
  char *user_agent;
  char *allow;
  char *supported; /* what OPTIONS says beside 100rel: a whole line, since NUA takes for its own what it reads
                    */
  SigTimerSettings session_timer;
  gboolean takes_register;
  guint t1_ms;

  GThread *thread; /* the only one that may call in */
  GMainContext *context;
  su_root_t *root;
  GSource *source;
  msg_mclass_t *parser;
  GPtrArray *listeners;
  char *resolv_conf; /* (nullable) */
  SigSipResolver *resolver;

  GHashTable *calls; /* SigSipCallId -> SigSipCall, owned */
  SigSipCallId last_id;
  guint n_live;       /* without branches */
  guint n_branches;   /* live ones */
  GHashTable *silent; /* (nullable): fork.c: Call-ID -> SigSipCall, both the call's */
  GQueue ended;       /* ids of calls whose ops.ended is due */
  GSource *ended_source;

  GPtrArray *due; /* timer.c: a heap of SigSipCall */
  GSource *due_source;

  gboolean accepting, shutting_down, shut_down;
  GSource *shutdown_source;
  guint shutdown_ticks;
  void (*shutdown_done) (gpointer user);
  gpointer shutdown_user;

  GHashTable *subscriptions; /* subscribe.c: SigSipSubscriptionId -> its own struct, owned */
  SigSipSubscriptionId last_subscription;
  guint min_subscription_s;

  GHashTable *outside;       /* outside.c: set of its own struct, owned */
  GHashTable *probes;        /* probe.c: the same */
  GPtrArray *registers;      /* register.c: SigSipRegistering, owned */
  GSource *registers_source; /* (nullable): some of them are over */

  SigSipRate *request_budget;  /* (nullable): MESSAGE and SUBSCRIBE outside of a call */
  SigSipRate *invite_rate;     /* (nullable): INVITEs that are asked about */
  SigSipRate *request_rate;    /* (nullable): new requests that the stack sees at all */
  SigSipRate *dialog_rate;     /* (nullable): the same for those that claim to belong to a dialog */
  SigSipRate *new_invite_rate; /* (nullable): INVITEs that are answered at all */
  SigSipRate *stranger_rate;   /* (nullable): new requests of all sources that are not in the next */
  SigSipRate *proven;          /* (nullable): sources that have received what we sent there */
  SigSipRate *options_rate;    /* (nullable): OPTIONS outside of a dialog */
  SigSipRate *datagram_rate;   /* (nullable): datagrams that are read at all */
  SigSipStreams *streams;      /* streams.h */
  gint64 drops_logged_us[SIG_SIP_N_DROPS]; /* drops.c */
  guint64 drops_told[SIG_SIP_N_DROPS];

  SigDigestServer *digest; /* access.c */
  char *realm;
  SigDigestAlgorithm digest_algorithms[2]; /* in the order of the offer */
  SigSipRate *wrong_rate;                  /* wrong passwords */
  SigSipStats stats;
};

/* An offer of the peer that the owner has not answered yet. */
typedef enum
{
  SIG_SIP_REOFFER_NONE,
  SIG_SIP_REOFFER_INVITE,
  SIG_SIP_REOFFER_UPDATE,
  SIG_SIP_REOFFER_PRACK,
  SIG_SIP_REOFFER_EARLY, /* UPDATE in an early dialog of our INVITE: early.c */
} SigSipReoffer;

/* What sig_sip_dial was asked for, shared by all attempts (g_rc_box). */
typedef struct
{
  SigSipDial dial;  /* a deep copy, headers without; at least one target */
  GPtrArray *lines; /* "Name: value" */
  gboolean is_ipv6; /* the offer's address: servers of that family come first */
} SigSipPlan;

/* One target, or one server of it. */
typedef struct
{
  char *uri;                /* Request-URI */
  char *send_to;            /* (nullable): for the whole dialog */
  char *route;              /* (nullable): Route header of the INVITE */
  char *at;                 /* (nullable): where the name leads, for the first request */
  char *name;               /* (nullable): what was looked up: whose certificate a TLS server must show */
  gboolean has_credentials; /* those of the plan may be shown there */
  gboolean is_redirected;   /* named by a 3xx */
} SigSipAttempt;

/* Our first INVITE, until it is answered: for another attempt with other headers. */
typedef struct
{
  SigSipPlan *plan;
  char *uri, *to, *from;
  char *route;             /* (nullable) */
  gboolean is_udp_only;    /* somebody chose UDP: no change to TCP for a large request */
  gboolean has_second;     /* the second offer was made */
  SigTimerHeaders headers; /* of the last INVITE */
} SigSipRedial;

typedef struct _SigSipFork SigSipFork;

/* Headers of the session timer, for SIG_SIP_TIMER_TAGS(). NUA must not know that we support timers, or it
 * would begin to run its own: Supported goes out as a header that it does not look at. */
typedef struct
{
  char expires[32], min_se[16];
  const char *supported; /* a whole header line; (nullable) */
  gboolean is_required;
} SigSipTimerText;

#define SIG_SIP_TIMER_TAGS(text)                                                                             \
  TAG_IF ((text)->supported, SIPTAG_UNKNOWN_STR ((text)->supported)),                                        \
      TAG_IF ((text)->is_required, SIPTAG_REQUIRE_STR ("timer")),                                            \
      TAG_IF ((text)->expires[0] != '\0', SIPTAG_SESSION_EXPIRES_STR ((text)->expires)),                     \
      TAG_IF ((text)->min_se[0] != '\0', SIPTAG_MIN_SE_STR ((text)->min_se))

struct _SigSipCall
{
  SigSip *sip;
  SigSipListener *listener;
  SigSipCallId id;
  nua_handle_t *nh; /* (nullable) */
  gboolean is_outbound;
  gboolean is_first_hop;    /* source_url is for the first request, until the peer named its Contact */
  gboolean is_sips;         /* our Contact is a sips: URI (RFC 3261 12.1.1) */
  gboolean uses_connection; /* source_url is the connection that the peer opened */
  gboolean is_answered;     /* a 2xx to the first INVITE was sent or received */
  gboolean is_acked;
  gboolean bye_when_acked; /* hung up between our 2xx and its ACK (RFC 3261 15) */
  gboolean cancelled;      /* a CANCEL of ours is on its way */
  gboolean ended, told;

  SigSipReoffer reoffer;
  nua_saved_event_t reoffer_event[1];
  gboolean own_reoffer;

  /* A caller's reliable provisional answers (RFC 3262): which ones are, NUA decides by the same rule. */
  gboolean requires_100rel, supports_100rel;
  guint n_reliable, n_pracked;
  int said;                /* the provisional answer that went out last */
  gboolean answer_is_held; /* until all are acknowledged */
  char *held_sdp;          /* (nullable): of that answer */
  gboolean has_offer;      /* its INVITE has one */
  gboolean sent_early;     /* a description went out reliably: none goes into the 2xx */
  gboolean awaits_pracked; /* that was our offer: the answer comes with PRACK */

  GPtrArray *early;             /* (nullable): early.c */
  nta_incoming_t *early_update; /* (nullable): waits for the owner */

  SigSipRedial *redial; /* (nullable) */
  SigSipFork *fork;     /* (nullable): fork.c: a call of ours before its answer; nh is NULL */
  gboolean is_branch;   /* an attempt of it: the owner does not know its id */
  SigSipCallId fork_id; /* of the call with `fork` */
  gboolean was_redirected;
  char *credentials; /* (nullable) */
  GPtrArray *lines;  /* (nullable): "Name: value" for our 200 and BYE */
  GSource *repeat;   /* (nullable): says a reliable provisional answer again */
  GSource *timer;    /* ringing, later the patience with a peer that ignores our BYE */

  SigSipEnd end; /* strings below */
  char *end_phrase, *end_reason;
  char *bye_reason; /* (nullable) */

  /* timer.c */
  SigSessionTimer session_timer;
  SigSipTimerNews late; /* told in the next turn of the loop */
  gint64 due_us;
  guint due_slot;

  /* request.c: the re-INVITE or UPDATE of ours that is on its way */
  nta_outgoing_t *request; /* (nullable) */
  SigTimerMethod request_method;
  SigTimerHeaders request_headers;
  guint32 request_cseq;
  gboolean request_was_challenged;
  char *tls_host;   /* (nullable): of a call of ours over TLS: whose certificate is expected */
  char *source_url; /* (nullable): a peer behind NAT: in-dialog requests go to its packets' source */

  /* indialog.c */
  GQueue sends; /* SigSipSend, owned: the first one is on its way */
  GSource *send_source;
  gboolean has_allow, allows_message, allows_info, allows_update; /* the peer's Allow */
  gboolean knows_info_packages;                                   /* it sent Recv-Info (RFC 6086) */
  GPtrArray *inside;  /* (nullable): inside.c: other requests of ours on their way */
  SigSipRefer *refer; /* (nullable): refer.c: REFERs of this dialog, either way */

  /* The dialog, as seen on the wire. */
  SigSipDialogState dialog;
  SigSipPeer peer;
};

/* endpoint.c */
const char *sig_sip_announced (const SigSipListener *listener, const char *peer_host);
SigSipListener *sig_sip_listener_for (SigSip *sip, const char *host);
void sig_sip_check_shutdown (SigSip *sip);

/* events.c */
void sig_sip_on_event (nua_event_t event, int status, char const *phrase, nua_t *nua,
                       SigSipListener *listener, nua_handle_t *nh, NUA_HMAGIC_T *tag, sip_t const *message,
                       tagi_t tags[]);

/* call.c */
SigSipCall *sig_sip_call_new (SigSipListener *listener, nua_handle_t *nh, gboolean is_outbound);
SigSipCall *sig_sip_call_find (SigSip *sip, NUA_HMAGIC_T *tag);
SigSipCall *sig_sip_call_live (SigSip *sip, SigSipCallId id);
void sig_sip_call_end (SigSipCall *call, SigSipEndCause cause, int status, const char *phrase,
                       const char *reason);
void sig_sip_call_release (SigSipCall *call);
void sig_sip_call_free (gpointer data);
void sig_sip_call_bye (SigSipCall *call);
void sig_sip_call_send_to (SigSipCall *call, const SigSipPeer *peer);
void sig_sip_call_follow_routes (SigSipCall *call);
void sig_sip_call_wait_for_end (SigSipCall *call);
void sig_sip_call_say_why (SigSipCall *call, int status, const char *text);
void sig_sip_call_set_timer (SigSipCall *call, guint ms, GSourceFunc function);
void sig_sip_call_forget_reoffer (SigSipCall *call);
void sig_sip_call_pracked (SigSipCall *call);
void sig_sip_call_go_on (SigSipCall *call);
void sig_sip_call_expire (SigSipCall *call, gulong seconds);

/* inbound.c */
void sig_sip_on_invite (SigSipListener *listener, nua_handle_t *nh, sip_t const *message);
void sig_sip_on_reinvite (SigSipCall *call, sip_t const *message);
void sig_sip_on_update (SigSipCall *call, sip_t const *message);
void sig_sip_on_prack (SigSipCall *call, sip_t const *message);
void sig_sip_on_options (SigSipListener *listener, nua_handle_t *nh, sip_t const *message);

/* access.c */
void sig_sip_access_init (SigSip *sip, const SigSipConfig *config);
void sig_sip_access_clear (SigSip *sip);
gboolean sig_sip_access (SigSipListener *listener, nua_handle_t *nh, sip_t const *message, char **username);
gboolean sig_sip_access_transaction (SigSipListener *listener, nta_incoming_t *irq, const SigSipPeer *peer,
                                     sip_t const *message, char **username);

/* registrar.c */
void sig_sip_on_register (SigSipListener *listener, nua_handle_t *nh, sip_t const *message);

char *sig_sip_peer_url (const SigSipPeer *peer);
gboolean sig_sip_is_behind_nat (const SigSipPeer *peer, sip_t const *message);

/* received.c, indialog.c, subscribe.c */
void sig_sip_outside_start (SigSipListener *listener);
void sig_sip_on_info (SigSipCall *call, sip_t const *message);
void sig_sip_on_message (SigSipCall *call, sip_t const *message);
void sig_sip_on_subscribe (SigSipListener *listener, nta_incoming_t *irq, sip_t const *message);
void sig_sip_subscriptions_init (SigSip *sip);
void sig_sip_subscriptions_end (SigSip *sip);
void sig_sip_subscriptions_clear (SigSip *sip);
void sig_sip_note_allow (SigSipCall *call, sip_t const *message);
void sig_sip_sends_abandon (SigSipCall *call);

/* timer.c */
void sig_sip_timer_init (SigSip *sip);
void sig_sip_timer_clear (SigSip *sip);
void sig_sip_timer_end (SigSipCall *call);
SigTimerStep sig_sip_timer_step (SigSipCall *call, const SigTimerEvent *event);
void sig_sip_timer_tell (SigSipCall *call, const SigTimerStep *step, const char *sdp);
void sig_sip_timer_tell_later (SigSipCall *call, const SigTimerStep *step);
void sig_sip_timer_bye (SigSipCall *call, const SigTimerStep *step);
SigTimerEvent sig_sip_timer_event (SigTimerEventType type, sip_t const *message);
SigSipTimerText sig_sip_timer_text (const SigTimerHeaders *headers);

/* request.c */
nta_leg_t *sig_sip_request_leg (const SigSipCall *call);
guint32 sig_sip_request_cseq (const SigSipCall *call, nta_leg_t *leg);
gboolean sig_sip_request_offer (SigSipCall *call, const char *sdp);
gboolean sig_sip_request_can_update (const SigSipCall *call);
gboolean sig_sip_request_update (SigSipCall *call, const char *sdp);
void sig_sip_request_refresh (SigSipCall *call, const SigTimerStep *step);
void sig_sip_request_result (SigSipCall *call, sip_t const *answer);
void sig_sip_request_abandon (SigSipCall *call);

/* inside.c */
/* @status: of the final answer, 0: none. @answer: (nullable) */
typedef void (*SigSipInsideFunc) (SigSipCall *call, guint32 cseq, int status, sip_t const *answer);
/** sig_sip_inside_send: @name: literal. @lines: (transfer full): "Name: value". @body: (nullable).
 * Returns: its CSeq; 0: it cannot be sent, @done is not called. */
guint32 sig_sip_inside_send (SigSipCall *call, sip_method_t method, const char *name, GPtrArray *lines,
                             const char *body, SigSipInsideFunc done);
void sig_sip_inside_abandon (SigSipCall *call);

/* unpack.c */
/** sig_sip_unpack: when @sip's body has several parts, a session description among them takes its place. */
void sig_sip_unpack (msg_t *message, sip_t *sip);

/* register.c */
void sig_sip_registers_init (SigSip *sip);
void sig_sip_registers_clear (SigSip *sip);
void sig_sip_registers_end (SigSip *sip);
gboolean sig_sip_registers_are_over (const SigSip *sip);
/** sig_sip_registering_of: (nullable): the registration of ours that @message, outside of a dialog, came
 * over. */
const SigSipRegistering *sig_sip_registering_of (const SigSip *sip, const SigSipPeer *peer,
                                                 sip_t const *message);
const char *sig_sip_registering_name (const SigSipRegistering *self);
char *sig_sip_called_user (const SigSipRegistering *self, sip_t const *message);

/* refer.c, replaces.c */
void sig_sip_refer_flush (SigSipCall *call);
void sig_sip_refer_end (SigSipCall *call);
void sig_sip_refer_free (SigSipRefer *refer);
int sig_sip_replaces_find (SigSip *sip, const SigReplaces *replaces, SigSipCallId *call);

/* dial.c */
SigSipPlan *sig_sip_plan_new (const SigSipDial *dial);
void sig_sip_plan_release (SigSipPlan *plan);
SigSipCall *sig_sip_dial_target (SigSip *sip, SigSipPlan *plan, const SigSipAttempt *attempt, char *call_id);
gboolean sig_sip_attempt_needs_lookup (const SigSipAttempt *attempt, SigSipQuestion *question, char **host);
void sig_sip_uri_host (const char *uri, char **host, guint16 *port);
gboolean sig_sip_uri_is_datagram (const char *uri);
char *sig_sip_way_address (const char *way);
SigSipTransports sig_sip_uri_transport (const char *uri);
gboolean sig_sip_check_way (const SigSip *sip, const char *uri, GError **error);
char *sig_sip_make_from (const char *from_display, const char *from_uri);
char *sig_sip_default_from (const SigSipListener *listener, const char *host);

/* outside.c */
void sig_sip_outside_init (SigSip *sip);
void sig_sip_outside_end (SigSip *sip);

/* probe.c */
void sig_sip_probes_init (SigSip *sip);
void sig_sip_probes_end (SigSip *sip);

/* fork.c */
SigSipCall *sig_sip_fork_new (SigSip *sip, SigSipPlan *plan);
void sig_sip_fork_free (SigSipFork *fork);
void sig_sip_fork_cancel (SigSipCall *call);
void sig_sip_fork_heard (SigSipCall *call);
void sig_sip_fork_trying (SigSip *sip, sip_t const *answer);
void sig_sip_fork_clear (SigSip *sip);
void sig_sip_fork_won (SigSipCall *call);
void sig_sip_fork_branch_ended (SigSipCall *call);
SigSipCall *sig_sip_fork_speaker (SigSipCall *call);
gboolean sig_sip_fork_redirected (SigSipCall *branch, sip_t const *message);
SigSipCallId sig_sip_told_id (const SigSipCall *call);

/* outbound.c */
void sig_sip_send_first_invite (SigSipCall *call);
void sig_sip_redial_free (SigSipRedial *redial);
void sig_sip_on_state (SigSipCall *call, int state, int status, const char *phrase);
void sig_sip_on_invite_answer (SigSipCall *call, int status, const char *phrase, sip_t const *message);

/* dialog.c: keeps call->dialog */
void sig_sip_dialog_note (SigSipCall *call, sip_t const *message, gboolean from_peer);
void sig_sip_dialog_note_own_tag (SigSipCall *call);
void sig_sip_dialog_note_contact (SigSipCall *call, const char *user);

/* secure.c: where TLS shows in a call */
char *sig_sip_tls_url (const char *host, const char *address, guint16 port);
void sig_sip_tls_way (SigSipCall *call, const SigSipAttempt *attempt);
void sig_sip_tls_answered (SigSipCall *call, sip_t const *message);
void sig_sip_tls_invited (SigSipCall *call, sip_t const *message);
char *sig_sip_tls_why (const SigSipCall *call);
void sig_sip_check_connection (SigSipCall *call);

/* message.c: views of messages, bounded and in UTF-8 */
char *sig_sip_text (const char *text);
char *sig_sip_user (const url_t *url);
char *sig_sip_host (const url_t *url);
char *sig_sip_display (const char *display);
char *sig_sip_reason_header (sip_t const *message);
void sig_sip_peer_of (msg_t *message, SigSipPeer *peer);
void sig_sip_peer_is_proven (SigSip *sip, const SigSipPeer *peer);
void sig_sip_peer_from (const su_sockaddr_t *address, SigSipPeer *peer);
const char *sig_sip_peer_transport (const SigSipPeer *peer);
gboolean sig_sip_is_own (msg_t *message);
char *sig_sip_contact_make (const SigSipListener *listener, const SigSipPeer *peer, const char *user,
                            gboolean is_sips);
int sig_sip_body_check (sip_t const *message, const char **phrase);
char *sig_sip_body (sip_t const *message);
tagi_t *sig_sip_line_tags (const GPtrArray *lines);
const char *sig_sip_phrase (int status, const char *phrase);
GArray *sig_sip_headers (sip_t const *message);
void sig_sip_headers_free (GArray *headers);

/* target.c: whom a request is for */
guint16 sig_sip_request_port (sip_t const *message);
char *sig_sip_request_uri (sip_t const *message);
gboolean sig_sip_is_local_target (SigSip *sip, sip_t const *message);
guint sig_sip_max_forwards (sip_t const *message);
gboolean sig_sip_came_back (SigSip *sip, sip_t const *message);

/* loop.c */
void sig_sip_loop_init (void);

/* drain.c */
void sig_sip_drain_init (void);

/* capture.c */
int sig_sip_capture_is_wanted (const SigSip *sip);
void sig_sip_transaction_text (sip_t const *message, GString *text);

/* gate.c */
void sig_sip_gate_open (void);
void sig_sip_supported_open (void);

/* parser.c */
SigSip *sig_sip_endpoint_of (const msg_t *message);
SigSip *sig_sip_endpoint_at (guint16 port);
msg_mclass_t *sig_sip_parser_new (SigSip *sip);
void sig_sip_parser_free (SigSip *sip);
void sig_sip_inspect (SigSip *endpoint, msg_t *message);
