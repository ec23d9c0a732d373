/* SIP calls: one participant, one dialog, one media leg each. */
#pragma once

#include "gateway/api.h"
#include "gateway/core/digits.h"
#include "gateway/core/list_place.h"
#include "gateway/store.h"

/** gw_encryption_parse: "disable", "allow", "require" or LiveKit's SIP_MEDIA_ENCRYPT_*; NULL and "" are
 * UNSET. Returns: FALSE for any other word. */
gboolean gw_encryption_parse (const char *word, CfgEncryption *encryption);

typedef struct
{
  const char *call_to;   /* number, user or sip: URI; without trunk and hostname also an extension */
  const char *trunk_id;  /* (nullable): id or name of a configured trunk */
  const char *hostname;  /* (nullable): inline trunk: host or host:port */
  const char *transport; /* (nullable): "udp" or "tcp" */
  const char *auth_username, *auth_password, *from_host, *from_number; /* (nullable) */
  const char *display_name;                                            /* (nullable): in From */
  const char *include_headers, *privacy; /* (nullable): words; default: the trunk's */
  const char *room;
  const char *identity, *name, *metadata; /* (nullable) */
  json_t *attributes, *headers;           /* (nullable): objects of strings */
  char **codecs;                          /* (nullable) */
  const char *replaces;                   /* (nullable): of the Replaces header */
  CfgEncryption media_encryption;         /* UNSET: the trunk's */
  const char *from_display;               /* (nullable): the caller's name to show */
  gboolean is_passed_on;                  /* somebody else's call, which may go max_forwards hops more */
  guint max_forwards;
  const char *const *redirect_hosts; /* (nullable): as SigSipDial's */
  const char *dtmf;                  /* (nullable): sent when the phone has answered */
  gboolean play_dialtone;            /* the room hears ringing until then, or until it hears the phone */
  gboolean hide_number, wait_until_answered;
  guint ringing_timeout_s, max_duration_s; /* 0: 180 s; none */
} GwDialParams;

/** gw_call_place: dials; the phone is a participant on return. NULL with @error. */
GwCall *gw_call_place (Gateway *gateway, const GwDialParams *params, GError **error);
/** gw_call_dial: @request is answered when the record of the call is on the disk, or when the phone has
 * answered too, or will not. FALSE with @error: refused at once. */
gboolean gw_call_dial (Gateway *gateway, GwRequest *request, const GwDialParams *params, GError **error);
/** gw_call_send_digits: as media_engine_leg_send_dtmf, or by INFO. FALSE with @error: nothing is sent:
 * INVALID_ARGUMENT, FAILED_PRECONDITION (not answered, or the phone takes none), RESOURCE_EXHAUSTED (too many
 * wait). */
gboolean gw_call_send_digits (GwCall *call, const char *digits, GError **error);
/** gw_call_hangup: ends it from our side. @reason: as gw_rooms_leave. The participant is gone on return. */
void gw_call_hangup (Gateway *gateway, GwCall *call, const char *reason);
void gw_calls_hangup_all (Gateway *gateway, const char *reason);
/** gw_calls_answer_alerting: somebody is in @room: calls that rang for that are answered. */
void gw_calls_answer_alerting (Gateway *gateway, GwRoom *room);
GwCall *gw_call_find (Gateway *gateway, const char *id);
const char *gw_call_id (const GwCall *call);
/** gw_call_find_full: one with this SIP Call-ID, which the callers choose: several may have the same. @room:
 * (nullable): in this room only. Looks at every call. (nullable) */
GwCall *gw_call_find_full (Gateway *gateway, const char *sip_call_id, const char *room);
/** gw_call_disconnect_reason: LiveKit's word for its end. Static. */
const char *gw_call_disconnect_reason (const GwCall *call);
/** gw_call_has_audio: it was agreed on what to send: it is answered, or has early media. */
gboolean gw_call_has_audio (const GwCall *call);
/** gw_call_wants_record: its rule or trunk has record. */
gboolean gw_call_wants_record (const GwCall *call);
/** gw_call_room: its room's name, also after it left. */
const char *gw_call_room (const GwCall *call);
/** gw_call_fits: whether @query asks for @call, by what gw_call_json shows of it; ended_only and limit are
 * left out. */
gboolean gw_call_fits (const GwCall *call, const GwCallQuery *query);
/** gw_call_codec: of the audio that came first. (nullable): none has come yet */
const char *gw_call_codec (const GwCall *call);
/** gw_call_list_place: where call.list has it. Points into @call. */
GwListPlace gw_call_list_place (const GwCall *call);
/** gw_call_set_attribute: of the call and its participant. @value: (nullable): nothing happens */
void gw_call_set_attribute (GwCall *call, const char *key, const char *value);
/** gw_call_remove_attribute: the same. */
void gw_call_remove_attribute (GwCall *call, const char *key);
/** gw_call_json: @whole: with statistics and timeline. (transfer full) */
json_t *gw_call_json (const GwCall *call, gboolean whole);
/** gw_call_free: for Gateway.calls. */
void gw_call_free (gpointer call);

/* SigSipOps, with the Gateway as owner. */
extern const SigSipOps gw_calls_sip_ops;

/* What the media engine tells of its leg. */
void gw_call_media_started (Gateway *gateway, GwCall *call, const char *codec, const char *cipher,
                            const char *remote);
/** gw_call_dtmf: a key press that came a second time by another way is left out. */
void gw_call_dtmf (Gateway *gateway, GwCall *call, char digit, GwDigitSource source, guint duration_ms);
/** gw_call_prompt_ended: TRUE: @play was a prompt. */
gboolean gw_call_prompt_ended (Gateway *gateway, MediaPlayId play, MediaPlayEnd end, const char *error);
void gw_call_media_timeout (Gateway *gateway, GwCall *call, gboolean initial);
void gw_call_stats (Gateway *gateway, GwCall *call, const MediaLegStats *stats);
void gw_call_media_closed (Gateway *gateway, GwCall *call, const MediaLegStats *stats);

/** gw_admission_metrics: the counters of limits that were reached. */
void gw_admission_metrics (const Gateway *gateway, GString *text);
/** gw_call_timer_metrics: the counters of session timers, as Prometheus wants them. */
void gw_call_timer_metrics (Gateway *gateway, GString *text);
/** gw_media_stats_json: (transfer full) */
json_t *gw_media_stats_json (const MediaLegStats *stats);
/** gw_log_summary: the one line at the end of a leg, both ways. @n_digits: keys pressed, < 0: cannot be. */
void gw_log_summary (const CfgLogContext *context, double duration_s, const char *cause,
                     const MediaLegStats *stats, int n_digits);
