/* The bound: what a call costs with sockets, SRTP and codec and nothing else. One epoll loop; a packet that
 * comes on one leg of a pair goes out at the other one at once, as it is or decoded and encoded anew. No
 * jitter buffer, no mixer, no statistics, no RTCP. */
#pragma once

#include "bench_phones.h"

typedef struct
{
  const char *name;
  MediaCodecId codecs[2];   /* what A and B speak */
  gboolean b_takes_a;       /* B is sent what A speaks, unchanged */
  MediaSrtpProfile profile; /* of B */
  double budget;            /* times the relay */
} BenchCase;

/** bench_relay_us: CPU per packet sent, @n_calls for @seconds. */
double bench_relay_us (const BenchCase *test, guint n_calls, guint seconds);
/** bench_send_us: CPU per packet of @size made under @profile and sent, each of @n_listeners from a socket of
 * its own: what a listener of a conference costs at least. */
double bench_send_us (MediaSrtpProfile profile, guint n_listeners, gsize size);
