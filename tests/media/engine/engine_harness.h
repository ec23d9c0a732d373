/* An engine with real sockets for tests: plain RTP endpoints on loopback, each with a tone and ears. */
#pragma once

#include <netinet/in.h>

#include "leg_harness.h"
#include "media/engine.h"

#define TEST_MAX_ENDPOINTS 4

typedef struct
{
  MediaLegId leg;
  MediaRtpLocal local;
  MediaPlan plan;
  TestPeer *voice; /* makes packets only; its own leg is not in use */
  int fd;
  guint16 port;
  struct sockaddr_in to;
  /* what came */
  guint64 packets, breaks;
  gboolean any;
  guint16 sequence;
  guint8 payload_type;
  MediaDecoder *decoder;
  MediaCodecId decoder_codec;
  GArray *pcm;
  guint n_rtcp;
} TestEndpoint;

typedef struct
{
  MediaEngine *engine;
  TestEndpoint *peers[TEST_MAX_ENDPOINTS];
  guint n_peers;
  guint n_closed, n_started, n_stats, n_speakers, n_dtmf, n_failed;
  MediaLegStats last_stats[64]; /* by leg id modulo */
  MediaLegState *exported;
  gboolean export_done;
  /* WebRTC legs: the newest descriptions and counts */
  GPtrArray
      *descriptions; /* of char *: "ufrag|pwd|fingerprint|candidate|…" as tools/load/peer.h reads them */
  guint n_gathered, n_connected, n_disconnected;
  char cipher[40];
  char failure[128];
  char digits[16];
  MediaSpeaker speaker;
  void (*turn) (gpointer user); /* nullable: called often while test_engine_run waits */
  gpointer turn_user;
} TestEngine;

void test_engine_init (TestEngine *test, guint n_workers);
void test_engine_clear (TestEngine *test);
/** test_engine_run: real time: endpoints with a tone send each 20 ms, until @ms have passed or @enough says
 * so; that is waited for with patience, since a busy machine lets a program stand still for seconds. */
void test_engine_run (TestEngine *test, guint ms, gboolean (*enough) (TestEngine *test));

/** test_endpoint_new: a leg of the engine, configured, and a socket that it sends to. */
TestEndpoint *test_endpoint_new (TestEngine *test, const MediaCodecId *codecs, double tone_hz);
void test_endpoint_free (TestEndpoint *endpoint);
void test_endpoint_send (TestEndpoint *endpoint);
/** test_endpoint_level: how strong a tone is in the last @ms heard, 0–1. */
double test_endpoint_level (const TestEndpoint *endpoint, double tone_hz, guint ms);
/** test_endpoint_hear: takes one packet in. */
void test_endpoint_hear (TestEndpoint *endpoint, const MediaRtpView *packet);

/** test_count_fds: test_rss_kb: of this process, now. */
guint test_count_fds (void);
glong test_rss_kb (void);
