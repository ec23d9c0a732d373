/* The events of one room, numbered, the last ones held for replay as the text that is sent. Pure. */
#pragma once

#include <glib.h>

#define GW_EVENT_LOG_SIZE 512

typedef struct _GwEventLog GwEventLog;

/** gw_event_log_new: the first event appended has number @last_seq + 1. */
GwEventLog *gw_event_log_new (guint64 last_seq) G_GNUC_WARN_UNUSED_RESULT;
void gw_event_log_free (GwEventLog *log);

/**
 * gw_event_log_append:
 * @text: (transfer full): says its own number, which is gw_event_log_seq + 1
 * Returns: that number.
 */
guint64 gw_event_log_append (GwEventLog *log, char *text);
/** gw_event_log_seq: number of the last event. */
guint64 gw_event_log_seq (const GwEventLog *log);

/**
 * gw_event_log_replay:
 * @from_seq: the last number that the reader saw
 * @missed: (out) (transfer container): the texts of the events after it, oldest first; owned by the log
 *
 * Returns: FALSE (a gap; @missed untouched) when an event after @from_seq is no longer held, or @from_seq was
 * never given out.
 */
gboolean gw_event_log_replay (const GwEventLog *log, guint64 from_seq, GPtrArray **missed);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GwEventLog, gw_event_log_free)
