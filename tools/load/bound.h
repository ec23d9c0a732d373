/* What a call cannot cost less than: participants of a bare relay (relay.c), two to a call, plain RTP on one
 * side and SRTP with a known key on the other; or one who talks to all others, who have the same. */
#pragma once

#include "media/io/srtp.h"
#include "tools/load/participant.h"

/* Of call n: plain RTP at the relay's first port + 4n, SRTP two behind it. */
#define LOAD_BOUND_PORTS 4

/** load_bound_take: @nth of all: even ones are plain, odd ones have SRTP; with --relay-listen as it says. */
void load_bound_take (LoadParticipant *participant, guint nth);
/** load_bound_keys: the key of both ways, good for nothing else. */
void load_bound_keys (MediaSrtpKeys *keys);
