#include "leg_harness.h"

#include <math.h>
#include <string.h>

#include "media/core/dtmf.h"
#include "media/core/levels.h"
#include "media/core/rtcp.h"
#include "media/io/pump.h"

#define PT_OPUS 111
#define PT_DTMF 101
#define PT_CN   13

static guint8
payload_type_of (MediaCodecId codec)
{
  const int fixed = media_codec_get_static_payload_type (media_codec_get (codec));

  return fixed >= 0 ? (guint8)fixed : PT_OPUS;
}

static void
listen_audio (TestPeer *peer, MediaCodecId codec, const MediaRtpView *packet)
{
  gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];
  gssize samples;

  if (peer->decoders[codec] == NULL)
    peer->decoders[codec] = media_decoder_new (media_codec_get (codec), TEST_HEARD_RATE, NULL);
  samples = media_decoder_decode (peer->decoders[codec], packet->payload, packet->payload_size, pcm,
                                  G_N_ELEMENTS (pcm));
  g_assert_cmpint (samples, >, 0);
  g_array_append_vals (peer->pcm, pcm, (guint)samples);
}

static void
listen_event (TestPeer *peer, const MediaRtpView *packet, CfgMonotonic now)
{
  MediaDtmfEvent events[MEDIA_DTMF_EVENTS_MAX];
  const guint n = media_dtmf_receiver_push (&peer->event_receiver, packet, now, events);

  peer->event_packets++;
  peer->event_markers += packet->marker;
  peer->event_timestamp = packet->timestamp;
  for (guint i = 0; i < n; i++)
    if (events[i].kind == MEDIA_DTMF_END)
      {
        g_string_append_c (peer->heard_digits, events[i].digit);
        peer->digit_ms = events[i].duration_ms;
      }
}

static TestHeard *
heard_of (TestPeer *peer, const MediaRtpView *packet, CfgMonotonic now)
{
  TestHeard *heard;

  for (guint i = 0; i < peer->n_heard; i++)
    if (peer->heard[i].ssrc == packet->ssrc)
      {
        peer->newest = i;
        return &peer->heard[i];
      }
  g_assert_cmpuint (peer->n_heard, <, TEST_MAX_SSRCS);
  peer->newest = peer->n_heard;
  heard = &peer->heard[peer->n_heard++];
  *heard = (TestHeard){ .ssrc = packet->ssrc,
                        .sequence = (guint16)(packet->sequence - 1),
                        .timestamp = packet->timestamp,
                        .at = now };
  return heard;
}

static void
on_send_rtp (gpointer user, guint8 *data, gsize length, CfgMonotonic now)
{
  TestPeer *peer = user;
  MediaRtpView packet;
  TestHeard *heard;
  MediaCodecId codec = MEDIA_CODEC_N;

  g_assert_cmpint (media_rtp_parse (&packet, data, length), ==, 0);
  if (peer->tap != NULL)
    {
      peer->tap (peer->tap_user, &packet, now);
      return;
    }
  heard = heard_of (peer, &packet, now);
  heard->breaks += packet.sequence != (guint16)(heard->sequence + 1);
  heard->longest_gap_us = MAX (heard->longest_gap_us, cfg_monotonic_diff_us (now, heard->at));
  if (packet.payload_type == PT_DTMF)
    {
      heard->sequence = packet.sequence;
      heard->at = now;
      listen_event (peer, &packet, now);
      return;
    }
  heard->ts_steps += heard->packets > 0 && packet.payload_type != PT_CN && heard->payload_type != PT_CN
                     && packet.timestamp != heard->timestamp;
  heard->sequence = packet.sequence;
  heard->at = now;
  heard->packets++;
  heard->payload_type = packet.payload_type;
  heard->payload_size = packet.payload_size;
  heard->timestamp = packet.timestamp;
  if (packet.payload_type == PT_CN)
    {
      peer->noise_packets++;
      peer->noise_level = packet.payload_size > 0 ? packet.payload[0] : 0;
      return;
    }
  for (guint i = 0; i < peer->plan.sections[0].n_codecs; i++)
    if (peer->plan.sections[0].codecs[i].send_pt == packet.payload_type)
      codec = peer->plan.sections[0].codecs[i].codec;
  g_assert_cmpint (codec, !=, MEDIA_CODEC_N);
  heard->timestamp += media_codec_duration (media_codec_get (codec), packet.payload, packet.payload_size);
  if (!peer->deaf)
    listen_audio (peer, codec, &packet);
}

static void
on_send_rtcp (gpointer user, guint8 *data, gsize length, CfgMonotonic now)
{
  TestPeer *peer = user;
  MediaRtcpReader reader;
  MediaRtcpPacket packet;

  peer->rtcp_packets++;
  memcpy (peer->last_rtcp, data, length);
  peer->last_rtcp_size = length;
  g_assert_cmpint (media_rtcp_reader_init (&reader, data, length), ==, 0);
  while (media_rtcp_reader_next (&reader, &packet))
    {
      peer->sender_reports += packet.type == MEDIA_RTCP_SR;
      peer->byes += packet.type == MEDIA_RTCP_BYE;
    }
}

static void
on_media_started (gpointer user, const char *codec)
{
  ((TestPeer *)user)->n_started++;
}

static void
on_dtmf (gpointer user, char digit, guint duration_ms)
{
  TestPeer *peer = user;

  g_string_append_c (peer->digits, digit);
  peer->digit_ms = duration_ms;
}

static void
on_timeout (gpointer user, gboolean initial)
{
  TestPeer *peer = user;

  peer->n_timeouts++;
  peer->n_initial_timeouts += initial;
}

static void
on_play_ended (gpointer user, MediaPlayId play, MediaPlayEnd end, const char *error)
{
  TestPeer *peer = user;

  peer->n_plays_ended++;
  peer->ended_play = play;
  peer->play_end = end;
  g_assert_cmpint (error != NULL, ==, end == MEDIA_PLAY_FAILED);
}

static const MediaLegOps ops = {
  .send_rtp = on_send_rtp,
  .send_rtcp = on_send_rtcp,
  .media_started = on_media_started,
  .dtmf = on_dtmf,
  .timeout = on_timeout,
  .play_ended = on_play_ended,
};

TestPeer *
test_peer_new (MediaLegId id, gboolean is_browser, const MediaCodecId *codecs, CfgMonotonic now)
{
  const MediaLegConfig config = { .id = id,
                                  .always_send = !is_browser,
                                  .authenticated = TRUE,
                                  .timeout_us = 60 * CFG_US_PER_S,
                                  .timeout_initial_us = 30 * CFG_US_PER_S };
  TestPeer *peer = g_new0 (TestPeer, 1);
  MediaPlanSection *section = &peer->plan.sections[0];

  peer->is_browser = is_browser;
  peer->plan.n_sections = 1;
  g_strlcpy (peer->plan.cname, "tester", sizeof peer->plan.cname);
  section->is_audio = section->send = section->receive = TRUE;
  section->ssrc = 0x10000000u + (guint32)id;
  section->source_track = 100 + id;
  section->sink = MEDIA_SINK_MIX;
  section->ptime_ms = 20;
  section->dtmf_send_pt = section->dtmf_recv_pts[0] = PT_DTMF;
  section->dtmf_recv_rates_hz[0] = 8000;
  section->n_dtmf_recv_pts = 1;
  for (guint i = 0; codecs[i] != MEDIA_CODEC_N; i++)
    section->codecs[section->n_codecs++] = (MediaPlanCodec){ .codec = codecs[i],
                                                             .send_pt = payload_type_of (codecs[i]),
                                                             .recv_pt = payload_type_of (codecs[i]),
                                                             .use_inband_fec = TRUE };
  peer->packet_ms = 20;
  peer->ssrc = 0x20000000u + (guint32)id;
  peer->sequence = 65530; /* wraps soon */
  peer->timestamp = 0xffffff00;
  peer->amplitude = 0.3;
  peer->pcm = g_array_new (FALSE, FALSE, sizeof (gint16));
  peer->digits = g_string_new (NULL);
  peer->heard_digits = g_string_new (NULL);
  media_dtmf_receiver_init (&peer->event_receiver, 8000);
  test_peer_set_codec (peer, codecs[0]);
  peer->leg = media_leg_new (&config, &ops, peer, now);
  test_peer_configure (peer, now);
  return peer;
}

TestPeer *
test_peer_join (MediaRoom *room, MediaLegId id, gboolean is_browser, const MediaCodecId *codecs,
                double tone_hz, CfgMonotonic now)
{
  TestPeer *peer = test_peer_new (id, is_browser, codecs, now);

  peer->tone_hz = tone_hz;
  media_room_add (room, peer->leg, now);
  return peer;
}

void
test_peer_free (TestPeer *peer)
{
  media_leg_free (peer->leg);
  g_clear_pointer (&peer->encoder, media_encoder_free);
  for (guint i = 0; i < MEDIA_CODEC_N; i++)
    g_clear_pointer (&peer->decoders[i], media_decoder_free);
  g_array_unref (peer->pcm);
  g_string_free (peer->digits, TRUE);
  g_string_free (peer->heard_digits, TRUE);
  g_free (peer);
}

void
test_peer_configure (TestPeer *peer, CfgMonotonic now)
{
  media_leg_configure (peer->leg, &peer->plan, now);
}

void
test_peer_set_codec (TestPeer *peer, MediaCodecId codec)
{
  const MediaEncoderConfig config = { .opus_complexity = 1 };

  g_clear_pointer (&peer->encoder, media_encoder_free);
  peer->encoder = media_encoder_new (media_codec_get (codec), &config, NULL);
  peer->codec = codec;
  peer->payload_type = payload_type_of (codec);
}

gsize
test_peer_packet (TestPeer *peer, guint8 *out, gsize capacity)
{
  const guint rate_hz = media_encoder_get_sample_rate (peer->encoder);
  const gsize samples = rate_hz / 1000 * peer->packet_ms;
  const MediaRtpHeader header
      = { .payload_type = peer->payload_type,
          .sequence = peer->sequence++,
          .timestamp = peer->timestamp,
          .ssrc = peer->ssrc,
          .mid_id = peer->mid_id,
          .mid = peer->mid,
          .level_id = peer->level_id,
          .level
          = (guint8)CLAMP (-20 * log10 (MAX (peer->amplitude, 1e-6) * M_SQRT1_2), 0, MEDIA_LEVEL_SILENCE) };
  gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];
  guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
  gssize size;

  for (gsize i = 0; i < samples; i++)
    {
      pcm[i] = (gint16)lrint (32767 * peer->amplitude * sin (peer->phase));
      peer->phase = fmod (peer->phase + 2 * M_PI * peer->tone_hz / rate_hz, 2 * M_PI);
    }
  size = media_encoder_encode (peer->encoder, pcm, samples, payload, sizeof payload);
  g_assert_cmpint (size, >, 0);
  peer->timestamp += media_codec_get_clock_rate (media_codec_get (peer->codec)) / 1000 * peer->packet_ms;
  size = media_rtp_write (&header, payload, (gsize)size, out, capacity);
  g_assert_cmpint (size, >, 0);
  return (gsize)size;
}

void
test_peer_give (TestPeer *peer, const guint8 *data, gsize size, CfgMonotonic now)
{
  MediaRtpView packet;

  if (media_rtp_parse (&packet, data, size) == 0)
    media_leg_receive_rtp (peer->leg, &packet, now);
}

void
test_peer_speak (TestPeer *peer, CfgMonotonic now)
{
  guint8 packet[MEDIA_PACKET_SIZE];
  const gsize size = test_peer_packet (peer, packet, sizeof packet);

  test_peer_give (peer, packet, size, now);
}

void
test_peer_dtmf (TestPeer *peer, char digit, CfgMonotonic now)
{
  const guint32 timestamp = peer->timestamp;

  for (guint i = 1; i <= 8; i++)
    {
      const guint16 units = (guint16)(MIN (i, 6) * 160);
      const guint8 payload[4] = { (guint8)media_dtmf_code (digit), (guint8)((i >= 6 ? 0x80 : 0) | 10),
                                  (guint8)(units >> 8), (guint8)(units & 0xff) };
      const MediaRtpHeader header = { .payload_type = PT_DTMF,
                                      .marker = i == 1,
                                      .sequence = peer->sequence++,
                                      .timestamp = timestamp,
                                      .ssrc = peer->ssrc };
      guint8 packet[128];
      const gssize size = media_rtp_write (&header, payload, sizeof payload, packet, sizeof packet);

      g_assert_cmpint (size, >, 0);
      test_peer_give (peer, packet, (gsize)size, now);
    }
  peer->timestamp += 6 * 160;
}

void
test_peer_forget (TestPeer *peer)
{
  g_array_set_size (peer->pcm, 0);
  for (guint i = 0; i < peer->n_heard; i++)
    {
      peer->heard[i].packets = peer->heard[i].breaks = peer->heard[i].ts_steps = 0;
      peer->heard[i].longest_gap_us = 0;
    }
  peer->noise_packets = 0;
}

double
test_tone_level (const gint16 *pcm, gsize samples, guint rate_hz, double tone_hz)
{
  const double c = 2 * cos (2 * M_PI * tone_hz / rate_hz);
  double s1 = 0, s2 = 0;

  if (samples == 0)
    return 0;
  for (gsize i = 0; i < samples; i++)
    {
      const double w = 0.5 - 0.5 * cos (2 * M_PI * (double)i / (double)samples);
      const double s0 = 2 * w * pcm[i] / 32768.0 + c * s1 - s2;

      s2 = s1;
      s1 = s0;
    }
  return 2 * sqrt (MAX (0, s1 * s1 + s2 * s2 - c * s1 * s2)) / (double)samples;
}

double
test_peer_level (const TestPeer *peer, double tone_hz, guint ms)
{
  const gsize samples = MIN (peer->pcm->len, TEST_HEARD_RATE / 1000 * ms);

  return test_tone_level ((const gint16 *)(gpointer)peer->pcm->data + peer->pcm->len - samples, samples,
                          TEST_HEARD_RATE, tone_hz);
}

gint
test_peer_bend (const TestPeer *peer)
{
  const gint16 *pcm = (const gint16 *)(gpointer)peer->pcm->data;
  gint most = 0;

  for (guint i = 2; i < peer->pcm->len; i++)
    most = MAX (most, ABS (pcm[i] - 2 * pcm[i - 1] + pcm[i - 2]));
  return most;
}

const TestHeard *
test_peer_newest (const TestPeer *peer)
{
  g_assert_cmpuint (peer->n_heard, >, 0);
  return &peer->heard[peer->newest];
}

/* As a worker's rooms, that at rest tick when others do. */
static void
tick (MediaRoom *room, CfgMonotonic now)
{
  if (media_room_is_at_rest (room))
    media_room_tick_late (room, now);
  else
    media_room_tick (room, now);
}

void
test_run (MediaRoom *room, TestPeer *const *peers, guint n_peers, CfgMonotonic *now, guint ms)
{
  const CfgMonotonic end = cfg_monotonic_add_us (*now, ms * CFG_US_PER_MS);

  for (; now->us < end.us; now->us += 10 * CFG_US_PER_MS)
    {
      const gint64 at_ms = now->us / CFG_US_PER_MS;

      for (guint i = 0; i < n_peers; i++)
        if (peers[i]->tone_hz > 0 && at_ms % peers[i]->packet_ms == 0)
          test_peer_speak (peers[i], *now);
      if (at_ms % 20 == 0)
        tick (room, *now);
      for (guint i = 0; i < n_peers && at_ms % MEDIA_LEG_HOUSEKEEPING_MS == 0; i++)
        media_leg_housekeep (peers[i]->leg, *now, (CfgWall){ 1790000000 * CFG_US_PER_S + now->us });
    }
}

CfgMonotonic
test_soon (void)
{
  return cfg_monotonic_add_us (cfg_monotonic_now (), 30 * CFG_US_PER_S);
}
