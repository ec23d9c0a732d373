/* Why a call ended, in stable words: programs compare them, so that they are never changed, only added to.
 * Pure tables. */
#pragma once

#include <glib.h>

/* All of them, between spaces, in the order of the table. */
#define GW_CAUSE_WORDS                                                                                       \
  "remote_bye remote_cancel rejected timeout failed session_expired local api removed room_deleted "         \
  "server_shutdown max_call_duration nobody_came media_timeout bad_sdp room_full room_refused pin_refused "  \
  "target_not_reachable limit_reached callee_not_reached bridge_failed other_side_left transferred "         \
  "replaced gateway_died"

typedef struct
{
  const char *word;
  int q850;         /* ITU-T Q.850, as telephone networks count causes; 0: by the SIP status */
  const char *said; /* to the other side, in a Reason header; NULL: the end was not ours */
  int sip;          /* the status that stands beside it, for what failed; 0: Q.850's does */
  const char *text; /* for people, after "the call ended: " */
} GwCause;

/** gw_cause: the @index-th; NULL behind the last. */
const GwCause *gw_cause (guint index);
/** gw_cause_text: of @word. Static, (nullable): there is no such word. */
const char *gw_cause_text (const char *word);
/** gw_cause_q850: of @word, or of the SIP status that an INVITE was answered with (RFC 3398 7.2.4.1). */
int gw_cause_q850 (const char *word, int sip_status);

/* Where a Reason header stands. */
typedef enum
{
  GW_CAUSE_IN_BYE,
  GW_CAUSE_IN_CANCEL,
  GW_CAUSE_IN_ANSWER, /* a final answer to an INVITE */
} GwCauseIn;

/** gw_cause_reason: (transfer full): the Reason header (RFC 3326) of a call that we end for @word: of SIP
 * where something failed, else of Q.850, and of Q.850 alone in answers (RFC 6432). A phone that rings and
 * whose call somebody else took does not show it as missed ("Call completed elsewhere"). NULL: it is none of
 * ours. */
char *gw_cause_reason (const char *word, GwCauseIn in) G_GNUC_WARN_UNUSED_RESULT;
/** gw_cause_is_failure: @word is about the media or the signalling, of which who is on the other side of a
 * bridge is told too; others are about this call alone. */
gboolean gw_cause_is_failure (const char *word);
