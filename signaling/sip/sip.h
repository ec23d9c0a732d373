/* The SIP endpoint: sofia-sip's NUA on the GLib main loop. The files of this folder are the only ones that
 * use sofia tags. Everything here runs on the main thread.
 *
 * A call is named by a SigSipCallId, made here and never used again, so that a late event of the stack finds
 * nothing instead of a successor. The owner (gateway) decides; this layer speaks SIP:
 *
 *   inbound:  ops.invite -> ring / progress / answer / reject ... ops.acked ... ops.ended
 *   outbound: sig_sip_dial -> ops.progress* -> ops.answered ... ops.ended
 *   later:    ops.reoffer -> sig_sip_call_answer_reoffer or _reject_reoffer; sig_sip_call_reoffer ->
 * ops.reanswer
 *
 * Exactly one ops.ended comes for every call that was announced by ops.invite or returned by sig_sip_dial,
 * whoever ended it; after it the id names nothing. SDP goes through as text: the owner plans it
 * (signaling/core/sdp.h). Refused here, without asking the owner: unknown methods (501 with Allow), Require
 * of something unknown (420), a body that is not SDP (415), a Contact that is not sip/sips (400),
 * Max-Forwards 0 (483), requests outside of a dialog that need one (481), more INVITEs per source than the
 * limit (503 with Retry-After). OPTIONS is answered 200 with Allow, Accept and Supported. */
#pragma once

#include <glib.h>

#include "config/base/header.h"
#include "signaling/core/session_timer.h"
#include "signaling/sip/access.h"

#define SIG_SIP_CAPTURE_MAX 65536 /* longest message that ops.captured shows */

typedef struct _SigSip SigSip;
typedef guint64 SigSipCallId; /* 0 is no call */
typedef guint64 SigSipSubscriptionId;
typedef struct _SigSipMessage SigSipMessage;           /* requests.h */
typedef struct _SigSipSubscribe SigSipSubscribe;       /* subscribe.h */
typedef struct _SigSipNotification SigSipNotification; /* subscribe.h */

typedef enum
{
  SIG_SIP_UDP = 1 << 0,
  SIG_SIP_TCP = 1 << 1,
  SIG_SIP_TLS = 1 << 2,
} SigSipTransports;

/* Certificates of our side of TLS: paths of PEM files. */
typedef struct
{
  const char *cert, *key; /* (nullable): both or none; the certificate first, then its chain */
  const char *ca;         /* (nullable): who is trusted; NULL: whom the system trusts */
  gboolean verify;        /* a server must show a trusted certificate for the host that is called */
} SigSipTlsFiles;

/* The same for the calls to one host. What it has none of is the endpoint's. */
typedef struct
{
  const char *host; /* as in the URI that is called, without brackets and port */
  SigSipTlsFiles files;
} SigSipTlsPeer;

typedef struct
{
  SigSipTlsFiles own;      /* without cert: callers are shown a self-signed one, servers none */
  gboolean verify_callers; /* who connects must show a certificate that own.ca trusts */
  const SigSipTlsPeer *peers;
  gsize n_peers;
} SigSipTlsConfig;

typedef struct
{
  const char *const *bind; /* addresses, NULL-terminated; empty: all of IPv4 and IPv6 */
  guint16 port;
  SigSipTransports transports;
  guint16 tls_port;             /* with SIG_SIP_TLS in transports, or for sig_sip_reload_tls; 0: none */
  const SigSipTlsConfig *tls;   /* the same */
  const char *external_address; /* (nullable): announced in Contact and Via */
  const char *user_agent;
  gboolean takes_register; /* REGISTER is taken and asked about, else answered 405 */
  const char *realm;       /* (nullable): of challenges; default "switchroom" */
  const char *const
      *digest_algorithms; /* (nullable): "MD5", "SHA-256", in the order of the offer; default both */
  guint invites_per_second_per_source; /* 0: no limit */
  guint connections_per_source;        /* that others may open over TCP and TLS; 0: 256 */
  guint message_timeout_ms;            /* for the bytes of one message, over those; 0: 20 s */
  guint silence_timeout_ms;            /* until the first message over one; 0: 30 s */
  SigTimerSettings session_timer;
  guint min_subscription_s;             /* 0: 60 */
  const char *resolv_conf, *hosts_file; /* (nullable): default /etc/resolv.conf and /etc/hosts */
  guint t1_ms; /* RFC 3261 T1; 0: the standard 500 ms. Every time-out of the protocol is a multiple of it */
} SigSipConfig;

typedef CfgHeader SigSipHeader;

/* An incoming INVITE, valid during the ops call only. Strings are UTF-8 or escaped to it; never NULL unless
 * said so. */
typedef struct
{
  const char *call_id;      /* SIP Call-ID */
  const char *request_user; /* user part of the Request-URI, "" when it has none */
  const char *request_host;
  guint16 request_port;    /* 0: none given */
  const char *request_uri; /* as received, "" when it is no sip: or sips: URI of bounded length */
  gboolean is_local;       /* the Request-URI's host and port are ours, or it names no host */
  guint max_forwards;      /* how many hops are left; 70 when the request does not say */
  gboolean came_back;      /* it is an INVITE of ours that somebody sent back to us */
  const char *from_user;
  const char *from_host;
  const char *from_tag;     /* "" when absent */
  const char *transaction;  /* names the INVITE among all requests received, also those of one Call-ID (RFC
                             * 3261 17.2.3); one line */
  const char *from_display; /* without quotes, "" when absent */
  const char *to_user;
  const char *to_host;
  const char *source_address; /* the packet's source, numeric */
  guint16 source_port;
  const char *transport;     /* "udp", "tcp" or "tls" */
  const char *local_address; /* numeric address of ours on which it was received */
  const char *registration;  /* (nullable): the one of ours (register.h) that it came over */
  const char *username;      /* (nullable): whom the caller has proved to be, where ops.access asked for it */
  const char *user_agent;    /* (nullable) */
  const char *sdp;           /* (nullable): NULL is an INVITE without an offer */
  gboolean supports_timer;   /* Supported or Require lists "timer" */
  SigTimerHeaders timer;     /* what our 200 will say, min_se_s included; expires_s is 0 without a timer */
  const SigSipHeader
      *headers; /* all in their order, at most 64, without credentials; each value as one header has it */
  gsize n_headers;
  SigSipCallId replaces; /* the call of ours whose place it takes (RFC 3891), 0: none */
} SigSipInvite;

/* A REFER of the peer of an answered call, valid during the ops call only. */
typedef struct
{
  const char *uri;  /* sip:, sips: or tel:, without a headers part; not yet seen by sig_sip_check_uri */
  const char *user; /* of the URI, unescaped; a tel: number without separators */
  const char *host; /* without brackets, "" for tel: */
  guint16 port;     /* 0: none */
  gboolean is_tel;
  gboolean is_local;           /* host and port are ours */
  const char *replaces;        /* (nullable): value of the Replaces header that the INVITE shall have */
  SigSipCallId replaces_call;  /* the call of ours that it names, 0: none */
  int replaces_status;         /* why there is none (481: it may be somebody else's) */
  const char *referred_by;     /* (nullable): value of Referred-By, to be passed on */
  const SigSipHeader *headers; /* X-* of the headers part */
  gsize n_headers;
} SigSipReferral;

typedef struct
{
  const char *refer_to;        /* URI: sip:, sips: or tel: */
  const SigSipHeader *headers; /* for the REFER, each checked as those of SigSipDial */
  gsize n_headers;
  guint timeout_s; /* from the REFER to the final NOTIFY; a peer that sends none at all is given up after
                    * 64 x T1 */
} SigSipTransfer;

typedef enum
{
  SIG_SIP_TRANSFER_ACCEPTED, /* status: the 2xx to our REFER */
  SIG_SIP_TRANSFER_PROGRESS, /* status: 1xx that the peer hears from the target */
  SIG_SIP_TRANSFER_DONE,     /* status: 200-699 of the target, or of the REFER itself; 408: nobody said */
} SigSipTransferState;

typedef struct
{
  SigSipTransferState state;
  int status;
  const char *phrase; /* never NULL */
} SigSipTransferNews;

typedef struct
{
  const char *uri;     /* Request-URI, as to_uri */
  const char *send_to; /* (nullable): sip:host[:port][;transport=tcp] that takes all we send instead: an
                        * outbound proxy, or where a registered phone behind NAT sends from */
  const char *route;   /* (nullable): Route header of the first request, as registered with Path (RFC 3327) */
} SigSipTarget;

/* A new member is to be copied in sig_sip_plan_new (dial.c), for attempts that are made later.
 *
 * With targets, to_uri is for the To header only. One after the other: the next is tried when one is
 * unreachable, silent for 8 x T1 (4 s) or answers 503. At the same time: the first 2xx wins and the others
 * are cancelled; a 2xx that comes too late is acknowledged and hung up. Either way it is one call for the
 * owner: provisional answers of any target are told, and when all failed the best final answer is
 * (signaling/core/fork.h). Each target has a dialog of its own: sig_sip_call_export tells the one that
 * counts, after ops.answered the final one. */
typedef struct
{
  const char *to_uri;        /* sip:user@host[:port][;transport=tcp], already checked by sig_sip_check_uri */
  const char *from_uri;      /* (nullable): default sip:switchroom@<local address> */
  const char *from_display;  /* (nullable) */
  const char *auth_username; /* (nullable): answers 401 and 407 */
  const char *auth_password; /* (nullable) */
  const char *sdp;           /* the offer */
  const char *second_sdp; /* (nullable): an offer for those who refuse that one with 488 or 606; asked once */
  const SigSipHeader *headers; /* each checked: a name that is a token, a value without CR, LF and NUL */
  gsize n_headers;
  const char *replaces;        /* (nullable): value of a Replaces header, as sig_replaces_parse takes it */
  gboolean has_max_forwards;   /* a call that is passed on: max_forwards hops are left (RFC 3261 16.6) */
  guint max_forwards;          /* at most 255; else 70 */
  guint expires_s;             /* when > 0: CANCEL when no final answer came by then */
  const SigSipTarget *targets; /* n_targets of them, at most 32; 0: to_uri is the only one */
  gsize n_targets;
  gboolean in_parallel; /* all at the same time instead of one after the other */
  /* 300, 301, 302: at most 5 Contacts by their q, each once. Without redirect_hosts only to the host that was
   * called; credentials are shown to no other. Without it ops.redirected is asked, and what it does not know
   * are final answers. */
  gboolean follows_redirects;
  const char *const *redirect_hosts; /* (nullable): patterns of config/base/host_list.h, NULL-terminated */
  /* (nullable): without targets: Route of the first request, which goes to to_uri's host all the same
   * (SigSipRegisterState) */
  const char *service_route;
} SigSipDial;

typedef enum
{
  SIG_SIP_END_REMOTE_BYE,
  SIG_SIP_END_REMOTE_CANCEL,
  SIG_SIP_END_LOCAL,           /* we hung up, rejected or cancelled */
  SIG_SIP_END_REJECTED,        /* our INVITE got a final answer >= 300 */
  SIG_SIP_END_TIMEOUT,         /* no answer to our INVITE, no ACK to our 200, ring timeout */
  SIG_SIP_END_FAILED,          /* transport error, internal error of the stack */
  SIG_SIP_END_SESSION_EXPIRED, /* nobody refreshed the session in time; we sent BYE */
} SigSipEndCause;

typedef struct
{
  SigSipEndCause cause;
  int status;         /* SIP status code where there was one (486, 408, 487 ...), else 0 */
  const char *phrase; /* never NULL; the peer's reason phrase where there was one */
  const char *reason; /* (nullable): value of the Reason header received */
} SigSipEnd;

/* Values of the dialog that a restarted process would need (RFC 3261 12). All strings owned by the struct. */
typedef struct
{
  char *call_id;
  char *local_uri, *local_tag, *local_contact;
  char *remote_uri, *remote_tag, *remote_target;
  char **route_set; /* NULL-terminated */
  guint32 local_cseq, remote_cseq;
  char *transport, *peer_address;
  guint16 peer_port;
} SigSipDialogState;

/* Something happened to the session timer; valid during the ops call only. */
typedef struct
{
  guint news; /* SigTimerNews, several at once */
  SigTimerMethod method;
  int status;              /* of the answer, 0: none */
  guint32 cseq;            /* of the last request of ours in this dialog */
  SigTimerHeaders headers; /* NEGOTIATED: what was agreed on */
  const char *sdp;         /* (nullable): REFRESHED and RESCUED: in the peer's answer */
  const SigSessionTimer *timer;
} SigSipTimerNews;

/* A message on the wire, with its secrets masked; valid during the ops call only. */
typedef struct
{
  gboolean is_sent;
  gboolean begins_call; /* an INVITE without a To tag */
  gboolean challenges;  /* our 401 or 407 to an INVITE */
  const char *call_id;
  const char *own_tag, *remote_tag; /* (nullable) each: of the dialog's two ends */
  const char *transaction;          /* (nullable): of a request of the peer's and our answers to it: as in
                                     * SigSipInvite; NULL: the request is ours */
  const char *transport;            /* "udp", "tcp" or "tls" */
  const char *local_address, *remote_address; /* numeric */
  guint16 local_port, remote_port;
  const char *text; /* not NUL-terminated; cut at SIG_SIP_CAPTURE_MAX */
  gsize size;
} SigSipCaptured;

/* Each may be NULL only in tests of parts. Called on the main thread, never from inside a sig_sip_ function.
 */
typedef struct
{
  /* Before anything of a request outside of a dialog is kept: what its sender must prove. Without this
   * function everything is open. */
  void (*access) (gpointer owner, const SigSipAsker *asker, SigSipAccessAnswer *answer);
  /* A REGISTER that access let through. Without this function it is answered 200 with
   * its own contacts, and nothing is kept. */
  void (*registration) (gpointer owner, const SigSipRegistration *registration,
                        SigSipRegistrationAnswer *answer);
  void (*invite) (gpointer owner, SigSipCallId call, const SigSipInvite *invite);
  /* Provisional answer to our INVITE (100 is not told). @sdp: (nullable): early media. */
  void (*progress) (gpointer owner, SigSipCallId call, int status, const char *phrase, const char *sdp);
  /* 2xx to our INVITE; the ACK is already on its way. @sdp: (nullable) */
  void (*answered) (gpointer owner, SigSipCallId call, const char *sdp);
  /* Just before answered: the headers of that 2xx, as those of SigSipInvite. */
  void (*answer_headers) (gpointer owner, SigSipCallId call, const SigSipHeader *headers, gsize n_headers);
  /* ACK to our 2xx. @sdp: (nullable): the answer when our 2xx carried the offer */
  void (*acked) (gpointer owner, SigSipCallId call, const char *sdp);
  /* PRACK to our 183 that carried the offer, since the INVITE had none. @sdp: the answer */
  void (*pracked) (gpointer owner, SigSipCallId call, const char *sdp);
  /* re-INVITE (UPDATE, or PRACK with an offer) of the peer, also before the call is answered. @sdp:
   * (nullable): without one we offer. Answer it, at once or later.
   */
  void (*reoffer) (gpointer owner, SigSipCallId call, const char *sdp);
  /* Final answer to our re-INVITE. @sdp: (nullable) */
  void (*reanswer) (gpointer owner, SigSipCallId call, int status, const char *phrase, const char *sdp);
  /* (nullable): a target sends a call that does not follow redirections to @uri. Returns: (transfer full)
   * (nullable): an array of SigSipTarget, which are called beside those that are; texts are copied at once */
  GArray *(*redirected) (gpointer owner, SigSipCallId call, const char *uri);
  void (*ended) (gpointer owner, SigSipCallId call, const SigSipEnd *end);
  /* The session timer: for logs, events and counters. Refreshes need nothing of the owner but refresh_sdp;
   * one by the peer with an offer comes as reoffer as well. NEGOTIATED comes here for our INVITEs only. */
  void (*timer) (gpointer owner, SigSipCallId call, const SigSipTimerNews *news);
  /* REFER of the peer: answer it with sig_sip_call_answer_refer before returning. */
  void (*refer) (gpointer owner, SigSipCallId call, const SigSipReferral *referral);
  /* How a transfer of ours goes on. DONE is its last word, unless the call ends before. */
  void (*transfer) (gpointer owner, SigSipCallId call, const SigSipTransferNews *news);
  /* The state of a registration of ours is another one: register.h. */
  void (*registered) (gpointer owner, const char *name);
  /* The last SDP that was sent in this call, for a refresh by re-INVITE. */
  const char *(*refresh_sdp) (gpointer owner, SigSipCallId call);
  /* A key press by INFO: 0-9, *, #, A-D. The same press may come as RFC 4733 too. */
  void (*digit) (gpointer owner, SigSipCallId call, char digit, guint duration_ms);
  /* MESSAGE of the peer, in a call or outside. Returns: the SIP status to answer: 200, or why not. */
  int (*message) (gpointer owner, const SigSipMessage *message);
  /* SUBSCRIBE. Returns: 200, or the SIP status to refuse with; then the id is gone. */
  int (*subscribe) (gpointer owner, const SigSipSubscribe *subscribe);
  /* The document for the next NOTIFY, of the package's type. @more: (out): set it when there is more to tell
   * than max_bytes: it is asked again. Returns: (transfer full) (nullable): NULL: nothing to tell. */
  char *(*notification) (gpointer owner, SigSipSubscriptionId id, const SigSipNotification *asked,
                         gboolean *more);
  /* It is over: expired, ended by the subscriber, or nobody answers NOTIFY. */
  void (*unsubscribed) (gpointer owner, SigSipSubscriptionId id);
  /* (nullable): every message that is sent or received. Called from anywhere, also from inside of sig_sip_
   * functions: it must not call back. */
  void (*captured) (gpointer owner, const SigSipCaptured *message);
} SigSipOps;

/**
 * sig_sip_new:
 * @config: copied
 * @ops: (not copied): must outlive the endpoint
 *
 * Binds every address and transport. Returns: (nullable): NULL with @error naming address, port and reason.
 */
SigSip *sig_sip_new (const SigSipConfig *config, const SigSipOps *ops, gpointer owner, GError **error);

/** sig_sip_shutdown: ends all calls (BYE, CANCEL, 480), then calls @done once, at the latest after 5 s. */
void sig_sip_shutdown (SigSip *sip, void (*done) (gpointer user), gpointer user);
/** sig_sip_free: only after @done of sig_sip_shutdown was called. */
void sig_sip_free (SigSip *sip);

/** sig_sip_reload_tls: reads the files again, for the connections to come; those that are up stay. Where TLS
 * was not wanted so far, or could not be listened for on every address, it is from now on. FALSE with @error:
 * the files that counted go on; or with UNAVAILABLE: there is an address without TLS: call again. */
gboolean sig_sip_reload_tls (SigSip *sip, const SigSipTlsConfig *config, GError **error);
/** sig_sip_speaks_tls: on every address. */
gboolean sig_sip_speaks_tls (const SigSip *sip);
/** sig_sip_has_tls: on one address at least. */
gboolean sig_sip_has_tls (const SigSip *sip);
/** sig_sip_is_tls: @uri asks for TLS. */
gboolean sig_sip_is_tls (const char *uri);
/** sig_sip_tls_expires: seconds since 1970 at which the first of our certificates expires. @file: (out): its
 * path, valid until the next reload; NULL when we have none from a file. */
gint64 sig_sip_tls_expires (const SigSip *sip, const char **file);
/** sig_sip_find_addresses: listens on the addresses of this machine that have come since the start, where
 * bind was for all. Returns: how many. */
guint sig_sip_find_addresses (SigSip *sip);
/** sig_sip_set_accepting: FALSE: each new INVITE gets 503 with Retry-After (draining). */
void sig_sip_set_accepting (SigSip *sip, gboolean accepting);
/** sig_sip_local_address: the address of ours that reaches @host_or_address, for SDP. (transfer full)
 * (nullable) */
char *sig_sip_local_address (SigSip *sip, const char *host_or_address);
/** sig_sip_announced_address: what @peer, numeric or a name, is told instead of @local_address, one of ours:
 * behind a 1:1 NAT external_address, for those who are not on this side of it. Owned by @sip or by the
 * argument. */
const char *sig_sip_announced_address (const SigSip *sip, const char *local_address, const char *peer);
/** sig_sip_check_uri: TRUE for a sip: or sips: URI that sig_sip_dial can call, else @error in words. */
gboolean sig_sip_check_uri (const char *uri, GError **error);
/** sig_sip_check_header: refuses names that are no token, values with CR, LF or NUL, and headers that the
 * stack owns (Via, From, To, Call-ID, CSeq, Contact, Route, Content-*, Max-Forwards ...). */
gboolean sig_sip_check_header (const char *name, const char *value, GError **error);

/** sig_sip_call_ring: sends 180. Harmless for a call that is gone, like every function below. */
void sig_sip_call_ring (SigSip *sip, SigSipCallId call);
/** sig_sip_call_tell: sends a provisional answer without a description: @status is 180-182 or 183. */
void sig_sip_call_tell (SigSip *sip, SigSipCallId call, int status);
/** sig_sip_call_progress: sends 183 with @sdp (early media): the answer, or our offer when the INVITE had
 * none, which then only goes out to a caller who knows 100rel (RFC 3262 5). */
void sig_sip_call_progress (SigSip *sip, SigSipCallId call, const char *sdp);
/** sig_sip_call_answer: sends 200 with @sdp: the answer, or our offer when the INVITE had none. */
void sig_sip_call_answer (SigSip *sip, SigSipCallId call, const char *sdp);
/** sig_sip_call_set_headers: for our 200 to its INVITE and our BYE, instead of those set before. Headers that
 * sig_sip_check_header refuses are left out, and those over 64. */
void sig_sip_call_set_headers (SigSip *sip, SigSipCallId call, const SigSipHeader *headers, gsize n_headers);
/** sig_sip_call_reject: final answer @status (300-699); 503 has Retry-After. @phrase: (nullable): the
 * standard one. */
void sig_sip_call_reject (SigSip *sip, SigSipCallId call, int status, const char *phrase);
/** sig_sip_call_refuse: the same with @reason: (nullable): value of a Reason header (RFC 3326, RFC 6432). */
void sig_sip_call_refuse (SigSip *sip, SigSipCallId call, int status, const char *reason);
/** sig_sip_call_hangup: BYE when answered, CANCEL when we called and it was not, 480 when it was ringing
 * here.
 * @reason: (nullable): value of a Reason header, for example `SIP;cause=408;text="Media timeout"`. */
void sig_sip_call_hangup (SigSip *sip, SigSipCallId call, const char *reason);

/**
 * sig_sip_dial:
 * Returns: the new call, 0 with @error when the request cannot be made.
 */
SigSipCallId sig_sip_dial (SigSip *sip, const SigSipDial *dial, GError **error);

/** sig_sip_call_answer_reoffer: 200 with @sdp to the pending re-INVITE. */
void sig_sip_call_answer_reoffer (SigSip *sip, SigSipCallId call, const char *sdp);
void sig_sip_call_reject_reoffer (SigSip *sip, SigSipCallId call, int status, const char *phrase);
/** sig_sip_call_can_reoffer: the call is answered; or the peer takes UPDATE (RFC 3311), and offer and answer
 * are exchanged reliably in the one early dialog there is. */
gboolean sig_sip_call_can_reoffer (SigSip *sip, SigSipCallId call);
/** sig_sip_call_reoffer: sends @sdp in a re-INVITE, or in an UPDATE before the call is answered. Returns:
 * FALSE when an offer is pending either way (491), or none can be made. ops.reanswer comes once for TRUE,
 * unless the call ends before. */
gboolean sig_sip_call_reoffer (SigSip *sip, SigSipCallId call, const char *sdp);

/** sig_sip_call_answer_refer: inside of ops.refer: 202 (and the first NOTIFY), or a refusal. @phrase:
 * (nullable) */
void sig_sip_call_answer_refer (SigSip *sip, SigSipCallId call, int status, const char *phrase);
/** sig_sip_call_refer_progress: tells the peer by NOTIFY; @status of 200 or more is the last. @phrase:
 * (nullable). Nothing is sent to a peer that wants no NOTIFY. */
void sig_sip_call_refer_progress (SigSip *sip, SigSipCallId call, int status, const char *phrase);
/** sig_sip_call_transfer: sends REFER. FALSE with INVALID_ARGUMENT, FAILED_PRECONDITION (not answered, or one
 * is running) or UNAVAILABLE. */
gboolean sig_sip_call_transfer (SigSip *sip, SigSipCallId call, const SigSipTransfer *transfer,
                                GError **error);
/** sig_sip_is_own_address: @host is an address that we listen on, or announce, and @port (0: 5060) is ours.
 */
gboolean sig_sip_is_own_address (SigSip *sip, const char *host, guint16 port);

/** sig_sip_call_export: a copy of the dialog's values; FALSE when the call is gone. */
gboolean sig_sip_call_export (SigSip *sip, SigSipCallId call, SigSipDialogState *state);
/** sig_sip_call_tls: (nullable): version and cipher of the connection that its peer spoke over last, as in
 * "TLSv1.3 TLS_AES_256_GCM_SHA384". Valid until the loop turns. */
const char *sig_sip_call_tls (SigSip *sip, SigSipCallId call);
void sig_sip_dialog_state_clear (SigSipDialogState *state);
/** sig_sip_call_session_timer: a copy of its state; FALSE, and all zero, when the call is gone. */
gboolean sig_sip_call_session_timer (SigSip *sip, SigSipCallId call, SigSessionTimer *timer);

/* Why something was thrown away without an answer, or a connection was closed. */
typedef enum
{
  SIG_SIP_DROP_CONNECTIONS, /* more connections than limits allow */
  SIG_SIP_DROP_FLOOD,       /* more messages from one source than limits allow */
  SIG_SIP_DROP_GARBAGE,     /* a connection that brought something that is no SIP */
  SIG_SIP_DROP_OPTIONS,     /* more OPTIONS from one source than limits allow */
  SIG_SIP_DROP_OVERSIZED,   /* headers too long or too many */
  SIG_SIP_DROP_SCANNER,     /* of a scanning tool, by its own word */
  SIG_SIP_DROP_SILENT,      /* a connection without any message */
  SIG_SIP_DROP_SLOW,        /* a connection whose message did not end */
  SIG_SIP_DROP_SOURCE,      /* from an address that no host has */
  SIG_SIP_N_DROPS
} SigSipDrop;

/** sig_sip_drop_name: for metrics: "flood". */
const char *sig_sip_drop_name (SigSipDrop why);

typedef struct
{
  guint n_calls;
  guint n_closing; /* ended, but our BYE or CANCEL waits for its answer */
  guint64 n_invites, n_refused, n_rate_limited, n_malformed, n_scanners;
  guint64 n_challenges, n_auth_failures; /* 401 sent; wrong user names and passwords */
  guint64 n_auth_limited;                /* credentials not looked at: too many wrong ones from there */
  guint64 n_dropped[SIG_SIP_N_DROPS];
  guint n_connections; /* that others have opened */
} SigSipStats;

void sig_sip_get_stats (SigSip *sip, SigSipStats *stats);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SigSipDialogState, sig_sip_dialog_state_clear)
