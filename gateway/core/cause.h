/* Why a call ended, in stable words: programs compare them, so that they are never changed, only added to.
 * Pure tables. */
#pragma once

#include <glib.h>

/* All of them, between spaces, in the order of the table. */
#define GW_CAUSE_WORDS                                                                                       \
  "remote_bye remote_cancel rejected timeout failed session_expired local api removed room_deleted "         \
  "server_shutdown max_call_duration nobody_came media_timeout bad_sdp room_full room_refused pin_refused "  \
  "target_not_reachable callee_not_reached bridge_failed other_side_left transferred replaced gateway_died"

typedef struct
{
  const char *word;
  int q850;         /* ITU-T Q.850, as telephone networks count causes; 0: by the SIP status */
  const char *text; /* for people, after "the call ended: " */
} GwCause;

/** gw_cause: the @index-th; NULL behind the last. */
const GwCause *gw_cause (guint index);
/** gw_cause_text: of @word. Static, (nullable): there is no such word. */
const char *gw_cause_text (const char *word);
/** gw_cause_q850: of @word, or of the SIP status that an INVITE was answered with (RFC 3398 7.2.4.1). */
int gw_cause_q850 (const char *word, int sip_status);
