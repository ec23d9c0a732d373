/* What the files of a call share: call.c (its life), call_inbound.c, call_outbound.c, call_sdp.c,
 * call_json.c. */
#pragma once

#include "gateway/call_values.h"
#include "gateway/calls.h"
#include "gateway/core/dispatch.h"
#include "gateway/core/timeline.h"
#include "gateway/route.h"
#include "gateway/sdp_media.h"
#include "gateway/transfer.h"
#include "signaling/core/identity.h"
#include "signaling/core/sdp.h"

#define GW_CALL_MAX_SUITES        8
#define GW_CALL_DEFAULT_RINGING_S 180 /* also for a caller who waits for somebody in the room */

/* A change of hold, or of the codecs, that the peer has not answered yet. */
typedef struct
{
  gboolean is_running;
  gboolean is_codecs;     /* else of hold */
  char **codecs;          /* (nullable): before it */
  SigSdpPlan *plan;       /* (nullable): the same */
  char *sdp;              /* (nullable): ours that is agreed on, while another one is offered */
  GwRequest *request;     /* (nullable) */
  SigSdpDirection before; /* of our audio */
  guint n_tries, source;  /* after a 491 */
} GwHold;

typedef struct _GwCallPin GwCallPin;

/* Digits that go to the phone; a secret. All zero is none. */
typedef struct
{
  CfgMonotonic idle_at; /* when all of them are sent */
  guint n_waiting;      /* since it was idle last */
  GString *left;        /* (nullable): by INFO */
  gboolean knows_info;  /* its own keys came by INFO */
  guint source;
  char *first; /* (nullable): to be sent when it answers */
  guint first_source;
} GwCallOut;

struct _GwCall
{
  Gateway *gateway;
  GwCallValues v; /* what could be written down */

  SigSipCallId sip;
  SigSipEnd end; /* phrase and reason owned here */
  gboolean has_end;
  const char *hangup_reason; /* interned; ours */
  gboolean is_recorded;      /* that it runs */

  gboolean hides_number;
  char *metadata;              /* (nullable): the participant's, by its rule */
  GwRoomOptions *room_options; /* (nullable): of the room that it makes, by its rule */
  GwCallPin *pin;              /* (nullable): while it is asked for one */
  GwParticipant *participant;  /* NULL before it joined and after it left */

  MediaLegId leg;
  SigSdp *remote;   /* v.remote_sdp, parsed: the offer being answered */
  SigSdpPlan *plan; /* (nullable): nothing was agreed on yet */
  gboolean media_attached;
  char *first_sdp, *second_sdp; /* (nullable): the second is for a callee that refuses the first; secrets */
  guint64 first_version;        /* of first_sdp; the other has the next */
  guint first_encryption;       /* what v.encryption was with first_sdp */
  gboolean may_be_secure;       /* a call of ours, encryption is neither required nor off */
  gboolean awaits_answer;       /* our offer is out: in a 2xx to an INVITE without one, or a re-INVITE */
  MediaLegStats stats;
  char *codec, *cipher, *remote_media; /* (nullable): of the first packet */
  char *transport, *tls; /* (nullable): "udp", "tcp" or "tls"; version and cipher of the connection */

  CfgMonotonic created, answered, ended;
  const char *timer_reason;
  guint timer_source;     /* ends the call: alerting for too long, or its longest duration */
  GHashTable *attributes; /* char* -> char*: the participant's, kept from before it joins */
  GwRequest *waiting;     /* wait_until_answered */
  GwDigits digits;
  GwCallOut out;
  char *dialtone; /* (nullable): what the room hears while it rings */
  GwTransfer transfer;
  char *extension; /* (nullable): of sip.registrar: who called, or is called */
  GwHold hold;
  GwRoute route;
  gboolean is_announced; /* its participant was, before it is answered */
  gboolean is_waiting;   /* with early media: nobody hears it yet */
  char *waiting_play;    /* (nullable): what it hears meanwhile */
  guint ringing_timeout_s;
  gboolean records;      /* its rule or trunk has record */
  gboolean is_successor; /* it took over the participant of another call */
  GwTimeline *timeline;
  CfgWall first_digit, last_digit; /* 0: none was pressed */
};

/* call.c */
GwCall *gw_call_new (Gateway *gateway, gboolean inbound);
void gw_call_handle (GwCall *call, GwCallEvent event);
CfgLogContext gw_call_log_context (const GwCall *call);
gboolean gw_call_join (GwCall *call, GwRoom *room, const char *identity, const char *name, GError **error);
/** gw_call_take_participant: @participant is its own from here on, with all attributes of the call. */
void gw_call_take_participant (GwCall *call, GwParticipant *participant);
/** gw_call_shown_from, gw_call_shown_to: the two numbers, as far as they may be told. (nullable) */
const char *gw_call_shown_from (const GwCall *call);
const char *gw_call_shown_to (const GwCall *call);
/** gw_call_mark_answered: both sides agreed to talk. */
void gw_call_mark_answered (GwCall *call);
GwCall *gw_call_by_sip (Gateway *gateway, SigSipCallId sip);
/** gw_call_end_in: hangs up with @reason (a literal) after @seconds; the timer before is stopped, 0: no new
 * one. */
void gw_call_end_in (GwCall *call, guint seconds, const char *reason);
/** gw_call_refuse: ends it from our side, before it is answered, with a final answer of @status (300-699).
 * @phrase: (nullable): of the callee, for the API; @reason: as gw_call_hangup */
void gw_call_refuse (GwCall *call, int status, const char *phrase, const char *reason);
/** gw_call_discard: a call that never got anywhere: no events, no summary. */
void gw_call_discard (GwCall *call);

/** gw_call_end_words: what its last SIP status means, also one that the stack made up itself. Static. */
const char *gw_call_end_words (const GwCall *call);
/** gw_call_cause: why it ended, in one word. Static. */
const char *gw_call_cause (const GwCall *call);

/* call_timeline.c */
/** gw_call_note: one more entry of the timeline. @fields: (transfer full) (nullable). */
void gw_call_note (GwCall *call, const char *event, json_t *fields);
/** gw_call_note_digit: a key was pressed: how many, never which. */
void gw_call_note_digit (GwCall *call);
/** gw_call_note_end: the last entry: why it ended. */
void gw_call_note_end (GwCall *call);
/** gw_call_note_sdp: what became of a description of the peer's. @what: "offer" or "answer"; @remote:
 * (nullable): it could not be read; @plan: (nullable): nothing was agreed on, @error says why. */
void gw_call_note_sdp (GwCall *call, const char *what, const SigSdp *remote, const SigSdpPlan *plan,
                       const GError *error);
/** gw_call_timeline_json: all entries and the SIP messages, in order of time. (transfer full) */
json_t *gw_call_timeline_json (const GwCall *call);

/* call_sdp.c */
gboolean gw_call_open_media (GwCall *call, const char *local_address, GError **error);
/** gw_call_take_offer: plans the answer to @sdp; the call is unchanged when it fails. */
gboolean gw_call_take_offer (GwCall *call, const char *sdp, GError **error);
/** gw_call_write_answer: the SDP to send; @take_offer came before. Owned by the call. */
const char *gw_call_write_answer (GwCall *call);
const char *gw_call_write_offer (GwCall *call);
/* For a callee that refuses the offer: with keys or not at all. (nullable): there is none; the call's */
const char *gw_call_write_second_offer (GwCall *call);
/** gw_call_write_reoffer: an offer to change a call: what runs now, both ways unless it is held. */
const char *gw_call_write_reoffer (GwCall *call);
/** gw_call_take_answer: the peer's answer to our offer; the media is configured. */
gboolean gw_call_take_answer (GwCall *call, const char *sdp, GError **error);
/** gw_call_start_media: configures the leg by the plan and puts it into the room. */
void gw_call_start_media (GwCall *call);

/** gw_call_knows_remote: @sdp says what the peer's last description said, but for its o= line. */
gboolean gw_call_knows_remote (const GwCall *call, const char *sdp);

/* call_policy.c */
/** gw_call_take_policy: what the rule, the trunk and the configuration say of codecs and encryption, the
 * nearest first; @trunk, @rule: (nullable); @asked: goes before them all. Codecs that the call has already
 * stay. */
void gw_call_take_room_codecs (GwCall *call, const GwRoom *room);
void gw_call_take_policy (GwCall *call, const CfgTrunkSettings *trunk, const CfgDispatchRuleSettings *rule,
                          CfgEncryption asked);
SigSdpPolicy gw_call_sdp_policy (const GwCall *call);
/** gw_call_local_crypto: our keys. Returns: how many; 0 with encryption off. A secret. */
guint gw_call_local_crypto (GwCall *call, SigSdpCrypto crypto[GW_CALL_MAX_SUITES]);
/** gw_call_follow_keys: before @next becomes the call's plan: our keys change with the peer's. @is_offer:
 * @next comes from an offer of the peer, else from its answer, to which our keys were told already. */
void gw_call_follow_keys (GwCall *call, const SigSdpPlan *next, gboolean is_offer);
/** gw_call_plan_srtp: the keys that the call's plan agreed on. gw_media_plan_clear_keys afterwards. */
void gw_call_plan_srtp (GwCall *call, MediaPlan *media);
void gw_media_plan_clear_keys (MediaPlan *media);

/* call_rule.c */
/** gw_call_take_rule: what @rule says of the participant and its room; @rule: (nullable). */
void gw_call_take_rule (GwCall *call, const CfgDispatchRuleSettings *rule);
void gw_call_rule_clear (GwCall *call);

/* call_pin.c */
/** gw_call_ask: @call, new with its media open, is answered and asked for a PIN; what happens then is told
 * by its end or by its joining a room. */
void gw_call_ask (GwCall *call, const GwDispatchFacts *facts, const CfgTrunkSettings *trunk);
/** gw_call_ask_begin: its media is agreed on: the first prompt, once. */
void gw_call_ask_begin (GwCall *call);
/** gw_call_pin_digit: TRUE: @digit was meant for the PIN. */
gboolean gw_call_pin_digit (GwCall *call, char digit);
void gw_call_pin_free (GwCall *call);

/* call_headers.c */
/** gw_call_take_identities: what networks say of the caller becomes attributes, where @trunk (nullable) is
 * trusted and the caller wants no privacy. */
void gw_call_take_identities (GwCall *call, const SigSipInvite *invite, const SigIdentities *identities,
                              const CfgTrunkSettings *trunk);
/** gw_call_take_headers: headers of the peer become attributes, as trunk and call say. */
void gw_call_take_headers (GwCall *call, const CfgHeader *headers, gsize n_headers);
/** gw_call_merge_headers: (transfer full): of CfgHeader, for an INVITE through @trunk (nullable). The texts
 * are those of @asked, the trunk and the participant. */
GArray *gw_call_merge_headers (GwCall *call, const CfgTrunkSettings *trunk, const CfgHeader *asked,
                               gsize n_asked) G_GNUC_WARN_UNUSED_RESULT;
/** gw_call_send_headers: those of our 200, or with @is_end of our BYE. */
void gw_call_send_headers (GwCall *call, gboolean is_end);
void gw_call_on_answer_headers (gpointer gateway, SigSipCallId sip, const SigSipHeader *headers,
                                gsize n_headers);

/* call_digits.c */
/** gw_call_send_first_digits: what participant.create's dtmf said, now that the phone has answered. */
void gw_call_send_first_digits (GwCall *call);
/** gw_call_detects_tones: keys are looked for in the audio that its plan agreed on. */
gboolean gw_call_detects_tones (const GwCall *call);
gboolean gw_call_takes_info (const GwCall *call);
/** gw_call_pass_digit: a key of @from goes on to @to, unless @to hears it in the audio anyway. */
void gw_call_pass_digit (const GwCall *from, GwCall *to, char digit, GwDigitSource source);
void gw_call_digits_ended (GwCall *call);

/* call_hold.c */
/** gw_call_hold: @request is answered later. FALSE with @error: refused at once. */
gboolean gw_call_hold (GwCall *call, GwRequest *request, gboolean held, GError **error);
/** gw_call_set_codecs: offers the phone @codecs alone, in this order; as gw_call_hold. */
gboolean gw_call_set_codecs (GwCall *call, GwRequest *request, char **codecs, GError **error);
/** gw_hold_take_answer: TRUE: the answer to a re-INVITE was about one of these, and is dealt with. */
gboolean gw_hold_take_answer (GwCall *call, int status, const char *phrase, const char *sdp);
/** gw_hold_note_peer: after an offer of the peer was taken. */
void gw_hold_note_peer (GwCall *call);
void gw_hold_ended (GwCall *call);
/** gw_call_messages_json: (transfer full): the kept SIP messages of a call as a timeline has them. */
json_t *gw_call_messages_json (Gateway *gateway, const char *id);
/** gw_record_call: its record in the store: its beginning while it is up, why it ends while the other
 * side has not said so yet, all of it when it is over. */
void gw_record_call (const GwCall *call);
json_t *gw_hold_json (const GwCall *call); /* (transfer full) */

/* call_timer.c */
void gw_call_timer_invited (GwCall *call, const SigTimerHeaders *headers);
void gw_call_timer_dialled (GwCall *call);
void gw_call_on_timer (gpointer gateway, SigSipCallId sip, const SigSipTimerNews *news);
const char *gw_call_on_refresh_sdp (gpointer gateway, SigSipCallId sip);
/** gw_call_timer_json: (transfer full) */
json_t *gw_call_timer_json (const GwCall *call);

/* admission.c */
/** gw_admit: whether one more call may begin; @room: (nullable): where it goes to; @trunk, @rule: (nullable):
 * its own. Returns: 0; else the SIP status to refuse it with, and RESOURCE_EXHAUSTED in @error: 503, another
 * gateway may take it, or 486, the rule is busy. */
int gw_admit (Gateway *gateway, const char *room, const CfgTrunkSettings *trunk,
              const CfgDispatchRuleSettings *rule, GError **error);
/** gw_admit_to_trunk, gw_admit_to_rule: the same for one of them; (nullable). */
int gw_admit_to_trunk (Gateway *gateway, const CfgTrunkSettings *trunk, GError **error);
int gw_admit_to_rule (Gateway *gateway, const CfgDispatchRuleSettings *rule, GError **error);
/** gw_call_take_limits: for how long it may ring and last; what it has already stays. @trunk, @rule:
 * (nullable): the rule goes first. */
void gw_call_take_limits (GwCall *call, const CfgTrunkSettings *trunk, const CfgDispatchRuleSettings *rule);

/* call_waiting.c */
/** gw_call_answer_or_wait: answers, or rings until somebody is in the room. FALSE as gw_call_answer. */
gboolean gw_call_answer_or_wait (GwCall *call, const CfgDispatchRuleSettings *rule, GError **error);
/** gw_call_stop_waiting: it is about to be answered. */
void gw_call_stop_waiting (GwCall *call);

/* call_inbound.c, call_outbound.c */
void gw_call_on_access (gpointer gateway, const SigSipAsker *asker, SigSipAccessAnswer *answer);
void gw_call_on_invite (gpointer gateway, SigSipCallId sip, const SigSipInvite *invite);
void gw_call_on_acked (gpointer gateway, SigSipCallId sip, const char *sdp);
void gw_call_on_pracked (gpointer gateway, SigSipCallId sip, const char *sdp);
void gw_call_on_reoffer (gpointer gateway, SigSipCallId sip, const char *sdp);
void gw_call_on_reanswer (gpointer gateway, SigSipCallId sip, int status, const char *phrase,
                          const char *sdp);
void gw_call_on_progress (gpointer gateway, SigSipCallId sip, int status, const char *phrase,
                          const char *sdp);
void gw_call_on_answered (gpointer gateway, SigSipCallId sip, const char *sdp);
/** gw_error_sip_status: the final answer to an INVITE that failed by @error. */
int gw_error_sip_status (const GError *error);
/** gw_call_join_as_caller: an inbound call joins its room before it is answered. */
gboolean gw_call_join_as_caller (GwCall *call, GError **error);
/** gw_call_answer: an inbound call joins its room and is answered. FALSE: it was refused and is gone. */
gboolean gw_call_answer (GwCall *call, GError **error);
/** gw_call_admit: a call that was asked for a PIN joins the room of @dispatch. */
gboolean gw_call_admit (GwCall *call, GwDispatch *dispatch, GError **error);
/** gw_call_dialtone_stop: nothing when none is played. */
void gw_call_dialtone_stop (GwCall *call);
/** gw_call_answer_waiting: participant.create's answer: the participant, or the SIP status as error. */
void gw_call_answer_waiting (GwCall *call);
json_t *gw_call_created_json (const GwCall *call);
