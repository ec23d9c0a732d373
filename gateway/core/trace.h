/* The SIP messages of calls, for call.trace. Pure.
 *
 * What runs is kept in one block per dialog: the first messages and the latest ones, when it gets too much. A
 * Call-ID alone names no dialog: the caller chooses it, and a call of ours that comes back to us has the same
 * one at both ends. A message belongs to the dialog
 *
 *   whose tag of ours it carries (RFC 3261 12: random, our end alone has it); before that is known
 *   with a request of ours and its answers: of the Call-ID, which is ours then;
 *   with a request of the peer's and our answers: of the transaction (RFC 3261 17.2.3);
 *   with the INVITE that follows our challenge: which was challenged: the same caller, for a moment.
 *
 * A dialog begins with an INVITE; until a call claims it (a refused INVITE never is), it is one of the few
 * unclaimed ones, the oldest of which goes first. A call is named by our own id of it. What is over is moved
 * into one ring of fixed size, so that memory is bounded whatever comes, and no small pieces stay behind. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

#define GW_TRACE_CALL_BYTES     65536 /* of one call that runs */
#define GW_TRACE_HEAD_BYTES     12288 /* of these, the first messages: they stay */
#define GW_TRACE_MAX_UNCLAIMED  1024
#define GW_TRACE_FRESH_US       (40 * CFG_US_PER_S) /* so long an INVITE is repeated, or follows a challenge */
#define GW_TRACE_FINISHED_BYTES 2097152             /* of calls that are over */
#define GW_TRACE_LIVE_BYTES     268435456           /* of all calls that run; beyond, nothing is added */

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

/* Which dialog a message belongs to. */
typedef struct
{
  const char *call_id;
  const char *own_tag;     /* (nullable): of From in our requests and their answers, else of To */
  const char *transaction; /* (nullable): which one it is, when the request is the peer's; NULL: it is ours */
  const char *caller;      /* (nullable): who sent an INVITE that begins a call or is challenged */
  gboolean begins;         /* an INVITE without a To tag */
  gboolean challenges;     /* our 401 or 407 to one */
} GwTraceIds;

/**
 * gw_trace_add: keeps a copy of @message. Messages of dialogs that no INVITE began are not kept.
 */
void gw_trace_add (GwTrace *trace, const GwTraceIds *ids, const GwTraceMessage *message);
/**
 * gw_trace_claim: call @name (SCL_...) began with this INVITE; another one that it had is unclaimed again.
 * @transaction: (nullable): of the peer's INVITE; NULL: it is ours, and may not be sent yet
 */
void gw_trace_claim (GwTrace *trace, const char *call_id, const char *transaction, const char *name);
/** gw_trace_release: what call @name claimed is nobody's: the call was refused. */
void gw_trace_release (GwTrace *trace, const char *name);
/** gw_trace_finish: call @name is over. */
void gw_trace_finish (GwTrace *trace, const char *name);

/**
 * gw_trace_foreach: the messages of a call, running or over.
 * @function: called for each message in order; the message is valid during the call
 * @n_lost: (out): messages that were not kept
 *
 * Returns: FALSE when nothing is known of the call.
 */
gboolean gw_trace_foreach (GwTrace *trace, const char *name,
                           void (*function) (gpointer user, const GwTraceMessage *message), gpointer user,
                           guint *n_lost);
/** gw_trace_foreach_unclaimed: the same of every INVITE with @call_id that became no call, the oldest first.
 */
gboolean gw_trace_foreach_unclaimed (GwTrace *trace, const char *call_id,
                                     void (*function) (gpointer user, const GwTraceMessage *message),
                                     gpointer user, guint *n_lost);

/** gw_trace_bytes: of calls that run. */
gsize gw_trace_bytes (const GwTrace *trace);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GwTrace, gw_trace_free)
