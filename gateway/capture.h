/* The SIP messages of calls: kept for call.trace, and sent to a Homer server as HEP 3. */
#pragma once

#include "gateway/api.h"
#include "gateway/core/trace.h"
#include "gateway/late_record.h"

typedef struct _GwCapture GwCapture;

/** gw_capture_new: with the settings of `capture`; resolves the server's name in the background. */
GwCapture *gw_capture_new (const CfgSettings *settings) G_GNUC_WARN_UNUSED_RESULT;
void gw_capture_free (GwCapture *capture);

/** gw_capture_message: (SigSipOps.captured) */
void gw_capture_message (gpointer gateway, const SigSipCaptured *message);
/** gw_capture_claim: call @id (SCL_...) began with this INVITE. @transaction: (nullable): of the peer's;
 * NULL: it is ours */
void gw_capture_claim (Gateway *gateway, const char *call_id, const char *transaction, const char *id);
/** gw_capture_release: call @id was refused before it was one. */
void gw_capture_release (Gateway *gateway, const char *id);
/** gw_capture_finish: call @id is over; for a moment its last messages are still waited for, such as the
 * answer to our BYE. @late: (transfer full) (nullable): its record, which these belong to */
void gw_capture_finish (Gateway *gateway, const char *id, GwLateRecord *late);
/** gw_capture_tick: once a second. */
void gw_capture_tick (Gateway *gateway, CfgMonotonic now);

/** gw_capture_foreach: the kept messages of a call, as gw_trace_foreach; FALSE also where nothing is kept. */
gboolean gw_capture_foreach (Gateway *gateway, const char *id,
                             void (*function) (gpointer user, const GwTraceMessage *message), gpointer user,
                             guint *n_lost);
/** gw_capture_ladder: of a call whose messages are not held any more, drawn from its timeline. (transfer
 * full) */
char *gw_capture_ladder (const json_t *timeline);

/**
 * gw_capture_trace:
 * @id: (nullable): our id of a call; NULL: of INVITEs with @call_id that became none
 *
 * Returns: (transfer full) (nullable): {messages: [{time, direction, transport, local, remote, text}], lost,
 * ladder}; NULL when nothing is known of it.
 */
json_t *gw_capture_trace (Gateway *gateway, const char *id, const char *call_id);

/** gw_capture_pcap: @id, @call_id: as in gw_capture_trace. (transfer full) (nullable): {pcap: the messages as
 * a pcap file in base64, n_messages, lost}; NULL when nothing is known of it. */
json_t *gw_capture_pcap (Gateway *gateway, const char *id, const char *call_id);

/** gw_capture_metrics: adds its counters to the text for Prometheus. */
void gw_capture_metrics (Gateway *gateway, GString *text);
