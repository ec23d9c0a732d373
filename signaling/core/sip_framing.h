/* Where one SIP message ends in a stream and the next begins (RFC 3261 18.3), as far as it takes to tell a
 * keepalive (RFC 5626 3.5.1) from line ends inside of a message. Nothing is kept of the messages. */
#pragma once

#include <glib.h>

typedef struct
{
  guint state;  /* private */
  guint64 body; /* octets of the body that are still to come */
  guint ping;   /* private: octets of a ping that were seen */
  guint n_line; /* length of the current line, at most what fits below */
  char line[40];
} SigSipFraming;

typedef enum
{
  SIG_SIP_NO_KEEPALIVE,
  SIG_SIP_PING, /* CRLF CRLF: to be answered by one CRLF */
  SIG_SIP_PONG, /* CRLF */
} SigSipKeepalive;

/**
 * sig_sip_framing_feed:
 * @framing: all zero at the start of the stream
 * @bytes: received, @n of them, any content
 * @n_pings: (out): how many pings were received together with messages
 *
 * Returns: what @bytes are when they are nothing but a keepalive between two messages.
 */
SigSipKeepalive sig_sip_framing_feed (SigSipFraming *framing, const char *bytes, gsize n, guint *n_pings);
