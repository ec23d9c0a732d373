/* Keys in the audio of a leg: found where the plan asks for it, through loss and reordering, once each. */
#include "leg_harness.h"

#include <string.h>

#include "media/core/tone.h"

#define FRAMES_MAX 2000

static const MediaCodecId all[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_G722, MEDIA_CODEC_OPUS, MEDIA_CODEC_N };

typedef struct
{
  guint8 data[400];
  gsize size;
} Packet;

typedef struct
{
  TestPeer *peer;
  CfgMonotonic now;
  Packet packets[FRAMES_MAX]; /* of 20 ms each */
  guint n_packets;
  gboolean no_silence; /* is sent: what would hold it has a time, and no packet */
} Scene;

static void
scene_init (Scene *scene, MediaCodecId codec, gboolean detects)
{
  memset (scene, 0, sizeof *scene);
  scene->now.us = CFG_US_PER_S;
  scene->peer = test_peer_new (1, FALSE, all, scene->now);
  scene->peer->plan.sections[0].detect_tones = detects;
  test_peer_configure (scene->peer, scene->now);
  test_peer_set_codec (scene->peer, codec);
}

static guint32
packet_units (const TestPeer *peer)
{
  return media_codec_get_clock_rate (media_codec_get (peer->codec)) / 50;
}

static void
add_packet (Scene *scene, const gint16 *pcm, gsize samples)
{
  TestPeer *peer = scene->peer;
  Packet *packet = &scene->packets[scene->n_packets++];
  const MediaRtpHeader header = { .payload_type = peer->payload_type,
                                  .sequence = peer->sequence++,
                                  .timestamp = peer->timestamp,
                                  .ssrc = peer->ssrc };
  guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
  const gssize size = media_encoder_encode (peer->encoder, pcm, samples, payload, sizeof payload);
  gssize whole;

  g_assert_cmpuint (scene->n_packets, <, FRAMES_MAX);
  g_assert_cmpint (size, >, 0);
  whole = media_rtp_write (&header, payload, (gsize)size, packet->data, sizeof packet->data);
  g_assert_cmpint (whole, >, 0);
  packet->size = (gsize)whole;
  peer->timestamp += packet_units (peer);
}

/* Each key @ms long, with as much silence behind it. */
static void
press (Scene *scene, const char *keys, guint ms)
{
  const guint rate_hz = media_encoder_get_sample_rate (scene->peer->encoder);
  const gsize samples = rate_hz / 50;
  gint16 pcm[960];

  for (; *keys != '\0'; keys++)
    {
      MediaTonePattern pattern;
      MediaToneGenerator generator;

      g_assert_true (media_tone_pattern_dtmf (*keys, ms, &pattern));
      media_tone_generator_init (&generator, rate_hz);
      for (guint passed = 0; passed < 2 * ms; passed += 20)
        {
          (void)media_tone_generate (&generator, &pattern, pcm, samples, NULL);
          if (scene->no_silence && passed >= ms)
            scene->peer->timestamp += packet_units (scene->peer);
          else
            add_packet (scene, pcm, samples);
        }
    }
}

static void
give (Scene *scene, guint index)
{
  test_peer_give (scene->peer, scene->packets[index].data, scene->packets[index].size, scene->now);
}

static void
pass (Scene *scene, guint ms)
{
  scene->now = cfg_monotonic_add_us (scene->now, ms * CFG_US_PER_MS);
  media_leg_housekeep (scene->peer->leg, scene->now, (CfgWall){ scene->now.us });
}

static void
test_every_codec (void)
{
  for (const MediaCodecId *codec = all; *codec != MEDIA_CODEC_N; codec++)
    {
      Scene *scene = g_new (Scene, 1);

      g_test_message ("%s", media_codec_get_name (media_codec_get (*codec)));
      scene_init (scene, *codec, TRUE);
      press (scene, "1590*#", 100);
      for (guint i = 0; i < scene->n_packets; i++)
        {
          give (scene, i);
          pass (scene, 20);
        }
      g_assert_cmpstr (scene->peer->digits->str, ==, "1590*#");
      g_assert_cmpuint (scene->peer->digit_ms, >=, 70);
      g_assert_cmpuint (scene->peer->digit_ms, <=, 130);
      test_peer_free (scene->peer);
      g_free (scene);
    }
}

static void
test_not_asked_for (void)
{
  Scene *scene = g_new (Scene, 1);

  scene_init (scene, MEDIA_CODEC_PCMU, FALSE);
  press (scene, "123", 100);
  for (guint i = 0; i < scene->n_packets; i++)
    give (scene, i);
  pass (scene, 500);
  g_assert_cmpstr (scene->peer->digits->str, ==, "");
  test_peer_free (scene->peer);
  g_free (scene);
}

/* One packet in seven is lost, one late by one, one comes twice. */
static void
test_a_bad_path (void)
{
  Scene *scene = g_new (Scene, 1);

  scene_init (scene, MEDIA_CODEC_PCMU, TRUE);
  press (scene, "11223344", 200);
  for (guint i = 0; i < scene->n_packets; i++)
    {
      if (i % 7 == 3)
        continue;
      if (i % 7 == 5 && i + 1 < scene->n_packets)
        give (scene, i + 1);
      give (scene, i);
      if (i % 7 == 6)
        give (scene, i);
      pass (scene, 20);
    }
  g_assert_cmpstr (scene->peer->digits->str, ==, "11223344");
  test_peer_free (scene->peer);
  g_free (scene);
}

/* A phone that sends nothing while it is silent: its times tell, also where packets come in a heap. */
static void
test_silence_is_not_sent (void)
{
  for (guint heap = 0; heap <= 1; heap++)
    {
      Scene *scene = g_new (Scene, 1);

      scene_init (scene, MEDIA_CODEC_PCMU, TRUE);
      scene->no_silence = TRUE;
      press (scene, "55", 100);
      g_assert_cmpuint (scene->n_packets, ==, 10);
      for (guint i = 0; i < scene->n_packets; i++)
        {
          give (scene, i);
          if (heap == 0)
            pass (scene, i % 5 == 4 ? 120 : 20);
        }
      g_assert_cmpstr (scene->peer->digits->str, ==, "5");
      pass (scene, 500);
      g_assert_cmpstr (scene->peer->digits->str, ==, "55");
      pass (scene, 1000);
      g_assert_cmpstr (scene->peer->digits->str, ==, "55");
      test_peer_free (scene->peer);
      g_free (scene);
    }
}

/* The pause between two keys was lost, and more. */
static void
test_a_long_loss_is_a_pause (void)
{
  Scene *scene = g_new (Scene, 1);

  scene_init (scene, MEDIA_CODEC_PCMU, TRUE);
  press (scene, "55", 300);
  for (guint i = 0; i < scene->n_packets; i++)
    {
      if (i < 13 || i >= 32)
        give (scene, i);
      pass (scene, 20);
    }
  g_assert_cmpstr (scene->peer->digits->str, ==, "55");
  test_peer_free (scene->peer);
  g_free (scene);
}

/* The path, or a thread, stands still in the middle of a tone. */
static void
test_a_standstill_is_no_key (void)
{
  Scene *scene = g_new (Scene, 1);

  scene_init (scene, MEDIA_CODEC_PCMU, TRUE);
  press (scene, "27", 100);
  for (guint i = 0; i < scene->n_packets; i++)
    {
      give (scene, i);
      pass (scene, i % 10 == 2 ? 300 : 20);
    }
  g_assert_cmpstr (scene->peer->digits->str, ==, "27");
  test_peer_free (scene->peer);
  g_free (scene);
}

static void
test_switched_off_while_a_key_is_down (void)
{
  Scene *scene = g_new (Scene, 1);

  scene_init (scene, MEDIA_CODEC_PCMU, TRUE);
  press (scene, "7", 400);
  for (guint i = 0; i < 10; i++)
    give (scene, i);
  scene->peer->plan.sections[0].detect_tones = FALSE;
  test_peer_configure (scene->peer, scene->now);
  for (guint i = 10; i < scene->n_packets; i++)
    give (scene, i);
  pass (scene, 500);
  g_assert_cmpstr (scene->peer->digits->str, ==, "");
  scene->peer->plan.sections[0].detect_tones = TRUE;
  test_peer_configure (scene->peer, scene->now);
  press (scene, "8", 100);
  for (guint i = scene->n_packets - 10; i < scene->n_packets; i++)
    give (scene, i);
  g_assert_cmpstr (scene->peer->digits->str, ==, "8");
  test_peer_free (scene->peer);
  g_free (scene);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/tones/every_codec", test_every_codec);
  g_test_add_func ("/media/tones/not_asked_for", test_not_asked_for);
  g_test_add_func ("/media/tones/a_bad_path", test_a_bad_path);
  g_test_add_func ("/media/tones/silence_is_not_sent", test_silence_is_not_sent);
  g_test_add_func ("/media/tones/a_long_loss_is_a_pause", test_a_long_loss_is_a_pause);
  g_test_add_func ("/media/tones/a_standstill_is_no_key", test_a_standstill_is_no_key);
  g_test_add_func ("/media/tones/switched_off_while_a_key_is_down", test_switched_off_while_a_key_is_down);
  return g_test_run ();
}
