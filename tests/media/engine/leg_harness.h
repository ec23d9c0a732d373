/* Peers of legs for tests of rooms without sockets, threads or clocks: each speaks a tone in RTP packets and
 * listens to what its leg sends it. Time is a number that the test moves on. */
#pragma once

#include "media/core/dtmf.h"
#include "media/leg.h"
#include "media/room_media.h"

typedef struct _TestPeer TestPeer;

#define TEST_MAX_SSRCS  8
#define TEST_HEARD_RATE 48000

/* What came under one SSRC. */
typedef struct
{
  guint32 ssrc;
  guint8 payload_type; /* newest */
  guint16 sequence;
  guint32 timestamp;
  gsize payload_size;
  CfgMonotonic at;
  guint64 packets;
  guint64 breaks;   /* sequence numbers that did not follow the one before */
  guint64 ts_steps; /* timestamps that did not follow the one before by the packet's duration */
  gint64 longest_gap_us;
} TestHeard;

struct _TestPeer
{
  MediaLeg *leg;
  MediaPlan plan;
  gboolean is_browser;
  /* speaking */
  MediaCodecId codec;
  guint8 payload_type;
  MediaEncoder *encoder;
  double tone_hz, amplitude, phase;
  guint packet_ms;
  guint32 ssrc;
  guint16 sequence;
  guint32 timestamp;
  guint8 level_id;
  gboolean voice_only_level; /* send RFC 6464 levels */
  char mid[8];
  guint8 mid_id;
  /* listening */
  TestHeard heard[TEST_MAX_SSRCS];
  guint n_heard;
  guint newest; /* index of the SSRC heard last */
  MediaDecoder *decoders[MEDIA_CODEC_N];
  GArray *pcm;   /* of gint16 at TEST_HEARD_RATE, in order of arrival */
  gboolean deaf; /* counts packets, decodes none */
  guint64 noise_packets;
  guint8 noise_level; /* of the newest */
  MediaDtmfReceiver event_receiver;
  GString *heard_digits; /* telephone-events that the leg sent */
  guint64 event_packets, event_markers;
  guint32 event_timestamp; /* of the newest */
  guint n_plays_ended;
  MediaPlayId ended_play; /* newest */
  MediaPlayEnd play_end;
  guint64 rtcp_packets, sender_reports, byes;
  guint8 last_rtcp[1500];
  gsize last_rtcp_size;
  guint n_started, n_timeouts, n_initial_timeouts;
  GString *digits;
  guint digit_ms;
  void (*tap) (gpointer user, const MediaRtpView *packet,
               CfgMonotonic now); /* nullable: instead of listening */
  gpointer tap_user;
};

/** test_peer_new: a leg with one section of @codecs (ended by MEDIA_CODEC_N), that speaks the first. */
TestPeer *test_peer_new (MediaLegId id, gboolean is_browser, const MediaCodecId *codecs, CfgMonotonic now);
/** test_peer_join: one that speaks a tone, in @room. */
TestPeer *test_peer_join (MediaRoom *room, MediaLegId id, gboolean is_browser, const MediaCodecId *codecs,
                          double tone_hz, CfgMonotonic now);
/** test_peer_free: also the leg, which must have left its room. */
void test_peer_free (TestPeer *peer);
void test_peer_configure (TestPeer *peer, CfgMonotonic now);
void test_peer_set_codec (TestPeer *peer, MediaCodecId codec);
/** test_peer_packet: the next packet of the tone; payload type, sequence and timestamp move on. Returns:
 * size. */
gsize test_peer_packet (TestPeer *peer, guint8 *out, gsize capacity);
/** test_peer_speak: makes one packet and gives it to the leg. */
void test_peer_speak (TestPeer *peer, CfgMonotonic now);
void test_peer_give (TestPeer *peer, const guint8 *data, gsize size, CfgMonotonic now);
/** test_peer_dtmf: the packets of one key press, all at @now. */
void test_peer_dtmf (TestPeer *peer, char digit, CfgMonotonic now);
/** test_peer_forget: what was heard so far; SSRCs and sequence numbers stay. */
void test_peer_forget (TestPeer *peer);
/** test_peer_level: how strong @tone_hz is in the last @ms heard, 0–1 of full scale. */
double test_peer_level (const TestPeer *peer, double tone_hz, guint ms);
/** test_peer_bend: the sharpest between three samples that were heard: a click has one. */
gint test_peer_bend (const TestPeer *peer);
const TestHeard *test_peer_newest (const TestPeer *peer);

/** test_run: @ms of a room with @peers all speaking (those with tone_hz > 0), from *@now on. */
void test_run (MediaRoom *room, TestPeer *const *peers, guint n_peers, CfgMonotonic *now, guint ms);

/** test_tone_level: amplitude of @tone_hz in @pcm (Goertzel), 0–1. */
double test_tone_level (const gint16 *pcm, gsize samples, guint rate_hz, double tone_hz);

/** test_soon: later than anything that works takes, by the real clock. */
CfgMonotonic test_soon (void);
