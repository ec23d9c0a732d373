/* Connections that others open to us, over TCP and TLS. The stack takes as many as come, waits for the rest
 * of a message as long as each next byte comes in time, and never closes one that sent something it cannot
 * read. So each of them is counted here, per source, and ended when it says nothing, says something too
 * slowly, or says something that is no SIP. One that has brought a whole message lives as long as the stack
 * lets it.
 *
 * The keepalives of RFC 5626 are the transport's business: they are no messages, and keep nothing alive that
 * has not brought a message before. */
#pragma once

#include "signaling/sip/internal.h"

typedef struct _SigSipStreams SigSipStreams;

typedef struct
{
  guint per_source; /* > 0; half of them for those that have brought no message yet */
  guint in_all;     /* > 0 */
  guint message_ms; /* from the first byte of a message to its last; > 0 */
  guint silence_ms; /* until the first message; > 0 */
} SigSipStreamLimits;

/** sig_sip_streams_new: (transfer full). @sip: outlives it; its context runs the checks. */
SigSipStreams *sig_sip_streams_new (SigSip *sip, const SigSipStreamLimits *limits);
void sig_sip_streams_free (SigSipStreams *streams);
/** sig_sip_streams_n: those open now. */
guint sig_sip_streams_n (const SigSipStreams *streams);

/** sig_sip_streams_accepted: @fd: a new connection; too many: it is shut down. */
void sig_sip_streams_accepted (int fd);

typedef enum
{
  SIG_SIP_STREAM_WAITS,   /* for the rest of a message */
  SIG_SIP_STREAM_MESSAGE, /* a whole one */
  SIG_SIP_STREAM_GARBAGE, /* none, and nothing that follows can be read */
} SigSipStreamNews;

/** sig_sip_streams_read: @message: read from a stream, of an endpoint. */
void sig_sip_streams_read (SigSip *sip, msg_t *message, SigSipStreamNews news);
