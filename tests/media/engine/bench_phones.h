/* Phones for benchmarks of the media thread: one thread drives them all, 50 packets/s each, with frames that
 * were encoded before. */
#pragma once

#include <netinet/in.h>

#include "media/codec/codec.h"
#include "media/io/srtp.h"

#define BENCH_FRAMES     50
#define BENCH_PACKET_MAX 1500

/* A second of something like speech in one codec. */
typedef struct
{
  guint8 payload_type;
  guint32 units; /* of a frame's timestamp */
  guint8 payload[BENCH_FRAMES][MEDIA_CODEC_PAYLOAD_MAX];
  gsize size[BENCH_FRAMES];
} BenchAudio;

/** bench_audio: made once and kept. */
const BenchAudio *bench_audio (MediaCodecId codec);

typedef struct
{
  int fd;
  struct sockaddr_in own, to;
  const BenchAudio *audio;
  MediaSrtp *srtp;       /* nullable */
  MediaSrtpKeys out, in; /* the phone's view */
  gboolean stamps;       /* its packets tell when they were sent; PCMU */
  guint16 sequence;
  guint32 ssrc;
} BenchPhone;

/** bench_phone_open: a socket on loopback that sends to itself until @to is set. */
void bench_phone_open (BenchPhone *phone, guint32 ssrc, const BenchAudio *audio, MediaSrtpProfile profile);
void bench_phone_close (BenchPhone *phone);

/* How long stamped packets took, µs: a histogram in steps of a tenth of a millisecond. */
#define BENCH_DELAYS 2000
typedef struct
{
  guint64 received;
  guint64 stamped;
  guint64 steps[BENCH_DELAYS];
} BenchHeard;

/** bench_delay_ms: @share (0–1) of the stamped packets took no longer. */
double bench_delay_ms (const BenchHeard *heard, double share);

/** bench_generate: 50 packets/s from each phone, spread over the 20 ms. */
void bench_generate (BenchPhone *phones, guint n, guint seconds, BenchHeard *heard);

/** bench_thread_cpu_s: of the calling thread. */
double bench_thread_cpu_s (void);
