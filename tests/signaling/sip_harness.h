/* What the tests of the SIP endpoint share: an endpoint with an owner that writes down what it hears, and a
 * peer made of a plain socket that says exactly what a test wants said. Everything is on loopback. */
#pragma once

#include "signaling/sip/register.h"
#include "signaling/sip/requests.h"
#include "signaling/sip/sip.h"
#include "signaling/sip/subscribe.h"

#include <glib.h>
#include <sys/resource.h>

#define OFFER                                                                                                \
  "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"
#define ANSWER                                                                                               \
  "v=0\r\no=- 2 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 50000 RTP/AVP 0\r\n"

/* What the endpoint's Allow says. */
#define METHODS "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK, INFO, MESSAGE, SUBSCRIBE, NOTIFY, REFER"

typedef struct _Endpoint
{
  SigSip *sip;
  guint16 port, tls_port;
  SigSipCallId call; /* of the last ops.invite */
  GString *heard;    /* "invite acked ended:0:0 " in the order of the calls */
  guint n_invites, n_acked, n_ended;

  /* from the last event of each kind */
  char *from_user, *from_display, *request_user, *source_address, *transport, *headers, *sdp, *phrase,
      *reason, *username, *over;
  guint16 source_port;
  gboolean supports_timer, is_local, came_back;
  char *request_uri;
  guint16 request_port;
  guint max_forwards;
  int status;
  SigSipEnd end;

  /* what the owner says when it is asked; (nullable): as if there were no such function */
  void (*access) (struct _Endpoint *endpoint, const SigSipAsker *asker, SigSipAccessAnswer *answer);
  void (*registration) (struct _Endpoint *endpoint, const SigSipRegistration *registration,
                        SigSipRegistrationAnswer *answer);

  /* what the owner does by itself */
  gboolean auto_ring, auto_answer, auto_answer_reoffer, auto_hangup_on_ack;
  int auto_reject, auto_refuse;
  int auto_message, auto_subscribe; /* what they are answered with; 0: 200 */
  const char *document;             /* (nullable): for each NOTIFY; %u is the version */
  gboolean document_has_more;       /* once */
  SigSipSubscriptionId subscription;
  SigSipNotification asked; /* by the last ops.notification */
  guint n_asked;
  gboolean is_shut_down; /* set by a test that did it itself */
} Endpoint;

typedef struct
{
  const char *bind; /* (nullable): one address, "both" for 127.0.0.1 and ::1, NULL for 127.0.0.1 */
  SigSipTransports transports;
  const char *external_address;
  gboolean takes_register;
  const char *const *digest_algorithms; /* (nullable) */
  guint invites_per_second;
  guint connections_per_source, message_timeout_ms, silence_timeout_ms;
  guint t1_ms;
  guint min_subscription_s;
  const char *resolv_conf, *hosts_file;
  const SigSipTlsConfig *tls; /* (nullable): with it, TLS is listened for beside the transports */
  gboolean may_have_tls;      /* later, by sig_sip_reload_tls */
} EndpointOptions;

Endpoint *endpoint_new (const EndpointOptions *options);
/** endpoint_free: shuts down and asserts that it came to an end. */
void endpoint_free (Endpoint *endpoint);
/** endpoint_heard: what was heard since the last time, for g_assert_cmpstr. */
const char *endpoint_heard (Endpoint *endpoint);

/* For how long is waited for what must come: a busy machine lets a program stand still for seconds. */
#define PATIENCE_S 30

/** run_until: turns the main loop until *@value is not zero or PATIENCE_S are over. */
#define run_until(condition)                                                                                 \
  do                                                                                                         \
    {                                                                                                        \
      gint64 deadline_ = g_get_monotonic_time () + PATIENCE_S * G_USEC_PER_SEC;                              \
      while (!(condition) && g_get_monotonic_time () < deadline_)                                            \
        run_once ();                                                                                         \
      if (!(condition))                                                                                      \
        g_error ("%s:%d: not within %d s: %s", __FILE__, __LINE__, PATIENCE_S, #condition);                  \
    }                                                                                                        \
  while (0)
void run_once (void);
void run_for_ms (guint ms);
/** advance_stack_s: moves the stack's clock, not ours: its transactions of 32 s are over in no time. */
void advance_stack_s (guint seconds);

/* The peer made of a socket. */
typedef struct
{
  int fd;
  int listener; /* -1, or a TCP socket that waits for a connection */
  gboolean is_tcp, is_ipv6;
  guint16 port, remote_port;
  GString *buffer;           /* received and not yet taken, TCP */
  char *last;                /* the message taken last */
  guint n;                   /* numbers Call-IDs and branches */
  GRand *mutate;             /* (nullable): what is sent is damaged before */
  struct ssl_st *ssl;        /* (nullable): what goes over a TCP connection goes through it */
  struct ssl_ctx_st *secure; /* (nullable): connections that are accepted speak TLS */
} Wire;

Wire *wire_new (gboolean is_tcp, gboolean is_ipv6, guint16 remote_port);
/** wire_listen: a peer that is called. */
Wire *wire_listen (gboolean is_tcp);
/** wire_listen_at: the same over UDP at an IPv4 address of this machine. */
Wire *wire_listen_at (const char *address);
void wire_free (Wire *wire);
/** wire_secure: TLS over the connection of @wire, or those that it accepts; takes @context. @name:
 * (nullable): of the server. Returns: whether a client's handshake was done in time. */
gboolean wire_secure (Wire *wire, struct ssl_ctx_st *context, const char *name);
void wire_send (Wire *wire, const char *text);
/** mutate: changes, cuts or overwrites some bytes of @text. Returns: its new length. */
gsize mutate (GRand *random, char *text);
/** wire_expect: takes messages until one begins with @start, which is returned. Provisional answers are
 * skipped unless asked for. */
const char *wire_expect (Wire *wire, const char *start);
/** wire_nothing: asserts that nothing but repetitions of @skip (nullable) comes for @ms. */
void wire_nothing (Wire *wire, guint ms, const char *skip);
/** wire_header: (transfer full) (nullable): the value of a header of the last message. */
char *wire_header (Wire *wire, const char *name);
/** wire_headers: (transfer full): all headers of that name, with ", " between them; "" for none. */
char *wire_headers (Wire *wire, const char *name);
/** wire_poll: takes a message when there is one. */
gboolean wire_poll (Wire *wire);
const char *wire_body (Wire *wire);
/** wire_answer: answers the last message, a request. @headers: (nullable) whole lines. @tag: of To. */
void wire_answer (Wire *wire, const char *status, const char *tag, const char *headers, const char *sdp);

/** harness_leave_one_descriptor: the one after the next cannot be had. Returns the limit before, for
 * setrlimit(). */
struct rlimit harness_leave_one_descriptor (void);

/* A dialog in which the wire is the caller. */
typedef struct
{
  Wire *wire;
  char *call_id;
  char *to_tag; /* (nullable) */
  char *target; /* Request-URI of what follows */
  guint cseq, branch;
} Dialog;

Dialog *dialog_new (Wire *wire);
void dialog_free (Dialog *dialog);
/** dialog_request: @headers: (nullable) whole lines that replace the default of the same name. */
void dialog_request (Dialog *dialog, const char *method, const char *headers, const char *content_type,
                     const char *body);
void dialog_invite (Dialog *dialog, const char *sdp);
/** dialog_learn: takes tag and target from the last message, an answer. */
void dialog_learn (Dialog *dialog);
void dialog_ack (Dialog *dialog, const char *sdp);
void dialog_cancel (Dialog *dialog);
/** dialog_establish: INVITE, 200, ACK. */
void dialog_establish (Dialog *dialog);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Endpoint, endpoint_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Wire, wire_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Dialog, dialog_free)
