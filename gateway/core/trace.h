/* The SIP messages of calls, for call.trace. A call is named by its Call-ID. Pure.
 *
 * What runs is kept in one block per Call-ID: the first messages and the latest ones, when it gets too much.
 * A Call-ID begins with an INVITE; until a call claims it (a refused INVITE never is), it is one of the few
 * unclaimed ones, the oldest of which goes first. What is over is moved into one ring of fixed size, so that
 * memory is bounded whatever comes, and no small pieces stay behind. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

#define GW_TRACE_CALL_BYTES     65536 /* of one call that runs */
#define GW_TRACE_HEAD_BYTES     12288 /* of these, the first messages: they stay */
#define GW_TRACE_MAX_UNCLAIMED  1024
#define GW_TRACE_FINISHED_BYTES 2097152   /* of calls that are over */
#define GW_TRACE_LIVE_BYTES     268435456 /* of all calls that run; beyond, nothing is added */

typedef struct _GwTrace GwTrace;

typedef struct
{
  CfgWall time;
  gboolean is_sent;
  const char *transport;      /* "udp", "tcp" ...: at most 7 characters are kept */
  const char *local, *remote; /* "address:port", at most 63 characters each are kept */
  const char *text;           /* not NUL-terminated */
  gsize size;
} GwTraceMessage;

GwTrace *gw_trace_new (void) G_GNUC_WARN_UNUSED_RESULT;
void gw_trace_free (GwTrace *trace);

/**
 * gw_trace_add:
 * @begins: the message is an INVITE without a To tag: it may begin a call
 *
 * Keeps a copy of @message. Messages of a Call-ID that no INVITE began are not kept.
 */
void gw_trace_add (GwTrace *trace, const char *call_id, gboolean begins, const GwTraceMessage *message);
/** gw_trace_claim: a call has this Call-ID. */
void gw_trace_claim (GwTrace *trace, const char *call_id);
/** gw_trace_finish: the call is over; it is found by @name from here on. */
void gw_trace_finish (GwTrace *trace, const char *call_id, const char *name);

/**
 * gw_trace_foreach:
 * @call_id: (nullable): of a call that runs
 * @name: (nullable): as in gw_trace_finish: of one that is over
 * @function: called for each message in order; the message is valid during the call
 * @n_lost: (out): messages that were not kept
 *
 * Returns: FALSE when nothing is known of the call.
 */
gboolean gw_trace_foreach (GwTrace *trace, const char *call_id, const char *name,
                           void (*function) (gpointer user, const GwTraceMessage *message), gpointer user,
                           guint *n_lost);

/** gw_trace_bytes: of calls that run. */
gsize gw_trace_bytes (const GwTrace *trace);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GwTrace, gw_trace_free)
