/* SDP offer and answer (RFC 3264, RFC 8866, RFC 8829 where WebRTC needs it). Pure, on sofia's SDP parser.
 *
 *   answering: sig_sdp_parse (offer) -> sig_sdp_plan_answer -> [make transports] -> sig_sdp_write_answer
 *   offering:  [make transports] -> sig_sdp_write_offer ... sig_sdp_parse (answer) ->
 * sig_sdp_plan_from_answer
 *
 * A plan is plain values: what was agreed, section by section. `writing` never fails: what cannot be answered
 * is refused in the planning. Line order, unwanted m-lines (port 0), mids and BUNDLE are kept as the RFCs
 * ask. */
#pragma once

#include <glib.h>

#define SIG_SDP_MAX_SECTIONS   32
#define SIG_SDP_MAX_PAYLOADS   32
#define SIG_SDP_MAX_CANDIDATES 32
#define SIG_SDP_MAX_CRYPTO     12
#define SIG_SDP_MAX_BYTES      65536

typedef enum
{
  SIG_SDP_INACTIVE = 0,
  SIG_SDP_SENDONLY = 1, /* bit 0: the describing side sends */
  SIG_SDP_RECVONLY = 2, /* bit 1: the describing side receives */
  SIG_SDP_SENDRECV = 3,
} SigSdpDirection;

/* The same direction seen from the other side. */
static inline SigSdpDirection
sig_sdp_direction_flip (SigSdpDirection d)
{
  return (SigSdpDirection)(((d & 1) << 1) | ((d & 2) >> 1));
}

typedef enum
{
  SIG_SDP_AUDIO,
  SIG_SDP_VIDEO,
  SIG_SDP_APPLICATION,
  SIG_SDP_OTHER,
} SigSdpKind;

typedef enum
{
  SIG_SDP_RTP_AVP,
  SIG_SDP_RTP_SAVP,
  SIG_SDP_RTP_AVPF,
  SIG_SDP_RTP_SAVPF,
  SIG_SDP_DTLS_SAVPF, /* UDP/TLS/RTP/SAVPF and UDP/TLS/RTP/SAVP */
  SIG_SDP_PROTO_OTHER,
} SigSdpProto;

/* RTP/SAVP and RTP/SAVPF: SRTP by whatever keying the section names. */
static inline gboolean
sig_sdp_proto_is_secure (SigSdpProto proto)
{
  return proto == SIG_SDP_RTP_SAVP || proto == SIG_SDP_RTP_SAVPF;
}

typedef enum
{
  SIG_SDP_SETUP_NONE,
  SIG_SDP_SETUP_ACTIVE,
  SIG_SDP_SETUP_PASSIVE,
  SIG_SDP_SETUP_ACTPASS,
} SigSdpSetup;

/* SDES-SRTP (RFC 4568), for plain (not WebRTC) sections. */
typedef enum
{
  SIG_SDP_ENCRYPT_DISABLE, /* plain RTP only */
  SIG_SDP_ENCRYPT_ACCEPT,  /* taken when the peer offers it, never offered */
  SIG_SDP_ENCRYPT_ALLOW,   /* taken, and offered beside plain RTP: RTP/AVP with a=crypto */
  SIG_SDP_ENCRYPT_REQUIRE, /* offered as RTP/SAVP; plain RTP is never agreed */
} SigSdpEncryption;

/* One usable a=crypto line. A secret: it never goes into a log or an error. */
typedef struct
{
  guint32 tag;
  char suite[28]; /* as registered, "AEAD_AES_128_GCM" ... */
  char key[68];   /* base64 of master key and salt, padded */
} SigSdpCrypto;

typedef struct
{
  guint8 pt;
  char name[24]; /* "opus", "PCMU", "telephone-event" ..., compare without case */
  guint rate_hz; /* RTP clock rate */
  guint channels;
  char fmtp[192]; /* "" when none */
} SigSdpPayload;

typedef struct
{
  SigSdpKind kind;
  SigSdpProto proto;
  char kind_text[16], proto_text[32], format_text[64]; /* as offered, to refuse it word for word */
  guint16 port;                                        /* 0: refused or disabled */
  gboolean bundle_only;
  char address[64]; /* c= of the section or session; numeric, or a host name */
  gboolean is_ipv6;
  guint16 rtcp_port; /* a=rtcp, else port + 1; == port with rtcp-mux */
  gboolean rtcp_mux;
  SigSdpDirection direction; /* the describing side's; 0.0.0.0 counts as not receiving */
  SigSdpPayload *payloads;   /* at most SIG_SDP_MAX_PAYLOADS */
  guint n_payloads;
  guint ptime_ms, maxptime_ms;       /* 0 when not given */
  char mid[32];                      /* "" when none */
  char ice_ufrag[260], ice_pwd[260]; /* of the section, else of the session; "" when none */
  gboolean end_of_candidates;
  char *candidates[SIG_SDP_MAX_CANDIDATES]; /* "candidate:..." without "a=" */
  guint n_candidates;
  char fingerprint[256]; /* "sha-256 AB:CD:..." */
  SigSdpSetup setup;
  guint8 ext_level_id, ext_mid_id; /* RFC 8285 ids of ssrc-audio-level and sdes:mid; 0 when not offered */
  SigSdpDirection ext_level_direction, ext_mid_direction; /* the describing side's */
  char msid[128];                                         /* "" when none */
  guint32 ssrc;                                           /* first a=ssrc; 0 when none */
  gboolean has_crypto;                                    /* some a=crypto line, usable or not */
  SigSdpCrypto *crypto;                                   /* the usable ones, in order */
  guint n_crypto;
  const char *crypto_problem; /* (nullable): static; why the first unusable one is not */
} SigSdpSection;

typedef struct
{
  guint64 session_id, version; /* of o= */
  gboolean ice_lite, trickle;
  char bundle[256]; /* mids of the first BUNDLE group, separated by spaces; "" when none */
  SigSdpSection *sections;
  guint n_sections;
} SigSdp;

/**
 * sig_sdp_parse:
 * @text: untrusted; at most SIG_SDP_MAX_BYTES
 * Returns: (transfer full) (nullable): NULL with CFG_ERROR_INVALID_ARGUMENT saying what is wrong where.
 */
SigSdp *sig_sdp_parse (const char *text, gsize size, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void sig_sdp_free (SigSdp *sdp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SigSdp, sig_sdp_free)

/* What we are willing to agree to. */
typedef struct
{
  const char *const *codecs;   /* names in our order, NULL-terminated: "opus", "G722", "PCMU", "PCMA" */
  gboolean webrtc;             /* TRUE: needs ICE, DTLS and rtcp-mux; FALSE: plain RTP */
  gboolean prefer_offer_order; /* TRUE: the peer's order of codecs (offer or answer), FALSE: ours */
  gboolean telephone_event, comfort_noise;
  gboolean rtcp_mux;           /* plain RTP: offered; an answer takes what was offered */
  SigSdpEncryption encryption; /* plain RTP */
  guint ptime_ms;              /* ours, 20; the peer's ptime wins within 10-60 */
  SigSdpDirection direction;   /* what we want, our view: SENDRECV; SENDONLY while we hold the peer */
  guint max_audio_sections;    /* SIP: 1; WebRTC: as many as there are tracks to send, at least 1 */
} SigSdpPolicy;

typedef struct
{
  char codec[24]; /* one of policy.codecs */
  guint8 send_pt; /* the payload type that we send it with (what the peer chose) */
  guint8 recv_pt; /* the payload type that the peer sends it with (what we chose) */
  guint rate_hz, channels;
  char remote_fmtp[192]; /* the peer's wishes for what we send: maxplaybackrate, useinbandfec ... */
} SigSdpPlanCodec;

typedef struct
{
  gboolean accepted; /* FALSE: port 0 */
  char mid[32];
  SigSdpDirection direction; /* ours */
  SigSdpPlanCodec codecs[8]; /* agreed ones, the one to send with first */
  guint n_codecs;
  guint8 dtmf_send_pt, dtmf_recv_pt; /* 0 when not agreed (telephone-event at the rate of the first codec;
                                        several rates may be agreed: all of dtmf_recv_pts) */
  guint dtmf_rate_hz;
  guint8 dtmf_recv_pts[4];
  guint dtmf_recv_rates_hz[4]; /* clock rate of each */
  guint n_dtmf_recv_pts;
  guint8 cn_pt;        /* 0: none agreed (13 otherwise) */
  gboolean encrypted;  /* SDES-SRTP both ways */
  SigSdpCrypto crypto; /* the peer's: tag and suite of both sides, key of what it sends */
  guint ptime_ms;
  gboolean rtcp_mux;
  char remote_address[64]; /* numeric or host name; "" in a bundled section after the first */
  guint16 remote_port, remote_rtcp_port;
  guint8 ext_level_id, ext_mid_id;
  SigSdpDirection ext_level_direction, ext_mid_direction; /* ours: bit 0 we may send it, bit 1 it may come */
  guint32 remote_ssrc;
} SigSdpPlanSection;

/* One block, as large as its number of sections asks. */
typedef struct
{
  guint n_sections;
  int first_audio; /* index of the first accepted audio section, -1 when none */
  gboolean trickle;
  gboolean remote_ice_lite; /* the peer only answers checks: we must be the controlling ICE agent */
  gboolean bundled;         /* the answer carries a=group:BUNDLE with the accepted mids */
  /* WebRTC: of the (bundled) transport */
  char remote_ufrag[260], remote_pwd[260], remote_fingerprint[256];
  SigSdpSetup local_setup;      /* ACTIVE or PASSIVE; we take PASSIVE when offered actpass */
  SigSdpPlanSection sections[]; /* one for every m-line, in order */
} SigSdpPlan;

/** sig_sdp_plan_free: wipes the peer's keys. @plan: (nullable) */
void sig_sdp_plan_free (SigSdpPlan *plan);
/** sig_sdp_plan_copy: @plan: (nullable); (transfer full) (nullable) */
SigSdpPlan *sig_sdp_plan_copy (const SigSdpPlan *plan) G_GNUC_WARN_UNUSED_RESULT;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SigSdpPlan, sig_sdp_plan_free)

/** sig_sdp_plan_audio: the audio section that was agreed on. @plan: (nullable). Returns: (nullable) */
static inline const SigSdpPlanSection *
sig_sdp_plan_audio (const SigSdpPlan *plan)
{
  return plan != NULL && plan->first_audio >= 0 ? &plan->sections[plan->first_audio] : NULL;
}

/**
 * sig_sdp_plan_answer:
 * @plan: (out) (transfer full): set when something was agreed
 *
 * Returns: FALSE with @error when nothing can be agreed (SIP: 488) or the offer breaks a rule; the code is
 * CFG_ERROR_INVALID_ARGUMENT for the latter, CFG_ERROR_FAILED_PRECONDITION for the former.
 */
gboolean sig_sdp_plan_answer (const SigSdp *offer, const SigSdpPolicy *policy, SigSdpPlan **plan,
                              GError **error);

/* Our side's values for writing. */
typedef struct
{
  char mid[32];              /* offers only */
  guint32 ssrc;              /* 0: no a=ssrc line */
  char msid[128];            /* "stream track", "" for none */
  SigSdpDirection direction; /* offers only */
} SigSdpLocalSection;

typedef struct
{
  const char *address; /* numeric, IPv4 or IPv6, for o= and c= */
  guint16 rtp_port, rtcp_port;
  guint64 session_id, version;
  const char *cname;
  const char *ice_ufrag, *ice_pwd, *fingerprint; /* WebRTC; fingerprint "sha-256 AB:..." */
  const char *const *candidates;                 /* NULL-terminated "candidate:..."; (nullable) */
  gboolean end_of_candidates;
  const SigSdpCrypto *crypto; /* SDES: a key for each suite that may be written; their tags go into offers */
  guint n_crypto;
  const SigSdpLocalSection *sections; /* one for every m-line */
  guint n_sections;
} SigSdpLocal;

/** sig_sdp_write_answer: (transfer full): CRLF text with as many m-lines as @offer has. */
char *sig_sdp_write_answer (const SigSdp *offer, const SigSdpPlan *plan,
                            const SigSdpLocal *local) G_GNUC_WARN_UNUSED_RESULT;
/** sig_sdp_write_offer: one audio m-line per local section (SIP: one, RTP/AVP). (transfer full) */
char *sig_sdp_write_offer (const SigSdpPolicy *policy, const SigSdpLocal *local) G_GNUC_WARN_UNUSED_RESULT;
/** sig_sdp_plan_from_answer: what the peer's @answer to our offer means, as sig_sdp_plan_answer. FALSE:
 * nothing agreed. */
gboolean sig_sdp_plan_from_answer (const SigSdpPolicy *policy, const SigSdp *answer, SigSdpPlan **plan,
                                   GError **error);

/** sig_sdp_crypto_suite: the @index-th suite that is understood, the best first; NULL beyond the last.
 * @is_offered: (out): whether an offer of ours names it. */
const char *sig_sdp_crypto_suite (guint index, gboolean *is_offered);
/** sig_sdp_without_keys: @sdp (or a whole SIP message) with "***" for the keys of a=crypto lines: what may be
 * shown. (transfer full) */
char *sig_sdp_without_keys (const char *sdp) G_GNUC_WARN_UNUSED_RESULT;
