/* Who hears whom, and how it reaches them: rooms and legs under injected time. */
#include "scene.h"

#include "media/io/pump.h"

static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
static const MediaCodecId pcma[] = { MEDIA_CODEC_PCMA, MEDIA_CODEC_N };
static const MediaCodecId g722[] = { MEDIA_CODEC_G722, MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
static const MediaCodecId opus_pcmu[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_PCMU, MEDIA_CODEC_N };

#define HEARD  0.05 /* a tone of 0.3 certainly arrived */
#define SILENT 0.01

static void
test_two_phones_are_forwarded (void)
{
  Scene scene;
  TestPeer *a, *b;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 440);
  b = scene_join (&scene, FALSE, pcmu, 1000);
  scene_run (&scene, 2000);
  g_assert_cmpuint (scene_stats (&scene).n_forwarding, ==, 2);
  g_assert_cmpuint (scene_stats (&scene).decodes, ==, 0);
  g_assert_cmpfloat (test_peer_level (a, 1000, 500), >, HEARD);
  g_assert_cmpfloat (test_peer_level (b, 440, 500), >, HEARD);
  g_assert_cmpfloat (test_peer_level (a, 440, 500), <, SILENT);
  g_assert_cmpuint (a->n_heard, ==, 1);
  g_assert_cmphex (a->heard[0].ssrc, ==, a->plan.sections[0].ssrc);
  g_assert_cmpuint (a->n_started, ==, 1);
  scene_assert_unbroken (a);
  scene_assert_unbroken (b);
  scene_clear (&scene);
}

static void
test_three_hear_the_others_and_not_themselves (void)
{
  static const double tones[] = { 440, 1000, 1700 };
  Scene scene;
  TestPeer *peers[3];

  scene_init (&scene, FALSE);
  peers[0] = scene_join (&scene, FALSE, pcmu, tones[0]);
  peers[1] = scene_join (&scene, FALSE, pcma, tones[1]);
  peers[2] = scene_join (&scene, FALSE, g722, tones[2]);
  scene_run (&scene, 3000);
  g_assert_cmpuint (scene_stats (&scene).n_mixing, ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      for (guint k = 0; k < 3; k++)
        if (i == k)
          g_assert_cmpfloat (test_peer_level (peers[i], tones[k], 1000), <, SILENT);
        else
          g_assert_cmpfloat (test_peer_level (peers[i], tones[k], 1000), >, HEARD);
      scene_assert_unbroken (peers[i]);
    }
  scene_clear (&scene);
}

static void
test_browser_sends_opus_and_is_sent_pcmu (void)
{
  Scene scene;
  TestPeer *phone, *browser;
  MediaRoomStats stats;

  scene_init (&scene, FALSE);
  phone = scene_join (&scene, FALSE, pcmu, 440);
  browser = scene_join (&scene, TRUE, opus_pcmu, 1000);
  scene_run (&scene, 2000);
  stats = scene_stats (&scene);
  g_assert_cmpuint (stats.n_forwarding, ==, 1);
  g_assert_cmpuint (stats.n_mixing, ==, 1);
  g_assert_cmpuint (test_peer_newest (browser)->payload_type, ==, 0);
  g_assert_cmpfloat (test_peer_level (browser, 440, 500), >, HEARD);
  g_assert_cmpfloat (test_peer_level (phone, 1000, 500), >, HEARD);
  scene_assert_unbroken (phone);
  scene_assert_unbroken (browser);
  scene_clear (&scene);
}

static void
test_forwarding_and_mixing_take_turns_without_a_break (void)
{
  Scene scene;
  TestPeer *a, *b, *c;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 440);
  b = scene_join (&scene, FALSE, pcmu, 1000);
  scene_run (&scene, 1000);
  for (guint i = 0; i < 5; i++)
    {
      c = scene_join (&scene, FALSE, pcmu, 1700);
      scene_run (&scene, 1500);
      g_assert_cmpuint (scene_stats (&scene).n_mixing, ==, 3);
      g_assert_cmpfloat (test_peer_level (a, 1700, 500), >, HEARD);
      scene_leave (&scene, c);
      scene_run (&scene, 1000);
      g_assert_cmpuint (scene_stats (&scene).n_forwarding, ==, 2);
    }
  g_assert_cmpuint (a->n_heard, ==, 1);
  scene_assert_unbroken (a);
  scene_assert_unbroken (b);
  g_assert_cmpfloat (test_peer_level (a, 1000, 500), >, HEARD);
  scene_clear (&scene);
}

static void
test_mute_and_gain_choose_the_way (void)
{
  Scene scene;
  TestPeer *a, *b, *c;
  double full, quiet;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 440);
  b = scene_join (&scene, FALSE, pcmu, 1000);
  c = scene_join (&scene, FALSE, pcmu, 1700);
  media_leg_set_muted (c->leg, TRUE);
  scene_run (&scene, 1500);
  /* a and b hear one another alone, c hears both. */
  g_assert_cmpuint (scene_stats (&scene).n_forwarding, ==, 2);
  g_assert_cmpuint (scene_stats (&scene).n_mixing, ==, 1);
  g_assert_cmpfloat (test_peer_level (a, 1700, 500), <, SILENT);
  full = test_peer_level (a, 1000, 500);
  media_leg_set_gain (b->leg, 1, -12);
  scene_run (&scene, 1500);
  quiet = test_peer_level (a, 1000, 500);
  g_assert_cmpfloat (quiet / full, <, 0.35);
  g_assert_cmpfloat (quiet / full, >, 0.18);
  g_assert_cmpfloat (test_peer_level (c, 1000, 500), >, 0.7 * full);
  media_leg_set_gain (b->leg, 1, -100);
  scene_run (&scene, 1500);
  g_assert_cmpfloat (test_peer_level (a, 1000, 500), <, SILENT);
  scene_assert_unbroken (c);
  g_assert_cmpuint (a->heard[0].breaks, ==, 0);
  scene_clear (&scene);
}

static void
test_silent_listeners_share_one_encoder (void)
{
  Scene scene;
  guint64 before;

  scene_init (&scene, FALSE);
  scene_join (&scene, FALSE, pcmu, 440);
  scene_join (&scene, FALSE, pcmu, 1000);
  for (guint i = 0; i < 5; i++)
    scene_join (&scene, TRUE, opus_pcmu, 0);
  scene_run (&scene, 1000);
  before = scene_stats (&scene).encodes;
  scene_run (&scene, 1000);
  /* One for the five listeners, one for each of the two phones. */
  g_assert_cmpuint (scene_stats (&scene).encodes - before, ==, 150);
  for (guint i = 2; i < 7; i++)
    {
      g_assert_cmpfloat (test_peer_level (scene.peers[i], 440, 500), >, HEARD);
      g_assert_cmpfloat (test_peer_level (scene.peers[i], 1000, 500), >, HEARD);
      scene_assert_unbroken (scene.peers[i]);
    }
  scene_clear (&scene);
}

static void
test_change_of_codec_takes_a_new_ssrc (void)
{
  Scene scene;
  TestPeer *phone, *browser, *other;

  scene_init (&scene, FALSE);
  phone = scene_join (&scene, FALSE, pcmu, 440);
  browser = scene_join (&scene, TRUE, opus_pcmu, 0);
  scene_run (&scene, 1000);
  g_assert_cmpuint (browser->n_heard, ==, 1);
  g_assert_cmphex (browser->heard[0].ssrc, ==, browser->plan.sections[0].ssrc);
  other = scene_join (&scene, TRUE, opus_pcmu, 1000);
  scene_run (&scene, 2000);
  g_assert_cmpuint (browser->n_heard, ==, 2);
  g_assert_cmpuint (browser->heard[1].payload_type, ==, 111);
  scene_leave (&scene, other);
  scene_run (&scene, 1000);
  /* Back to the phone's codec, but never to an SSRC that was left. */
  g_assert_cmpuint (browser->n_heard, ==, 3);
  g_assert_cmpuint (browser->newest, ==, 2);
  g_assert_cmpuint (browser->heard[2].payload_type, ==, 0);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (browser->heard[i].breaks, ==, 0);
  g_assert_cmpfloat (test_peer_level (browser, 440, 500), >, HEARD);
  scene_assert_unbroken (phone);
  scene_clear (&scene);
}

static void
test_flood_of_codec_changes_takes_few_ssrcs (void)
{
  static const MediaCodecId both[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA, MEDIA_CODEC_N };
  Scene scene;
  TestPeer *phone, *browser;

  scene_init (&scene, FALSE);
  phone = scene_join (&scene, FALSE, both, 440);
  browser = scene_join (&scene, TRUE, both, 0);
  for (guint i = 0; i < 50; i++)
    {
      test_peer_set_codec (phone, both[i % 2]);
      scene_run (&scene, 20);
    }
  g_assert_cmpuint (browser->n_heard, <=, 6);
  test_peer_set_codec (phone, MEDIA_CODEC_PCMA);
  scene_run (&scene, 4000);
  g_assert_cmpuint (test_peer_newest (browser)->payload_type, ==, 8);
  g_assert_cmpfloat (test_peer_level (browser, 440, 500), >, HEARD);
  for (guint i = 0; i < browser->n_heard; i++)
    g_assert_cmpuint (browser->heard[i].breaks, ==, 0);
  scene_clear (&scene);
}

static void
test_phone_is_never_left_in_silence (void)
{
  Scene scene;
  TestPeer *alone, *noisy;

  scene_init (&scene, FALSE);
  alone = scene_join (&scene, FALSE, pcmu, 0);
  scene_run (&scene, 2000);
  g_assert_cmpuint (alone->heard[0].packets, ==, 100);
  g_assert_cmpuint (alone->heard[0].ts_steps, ==, 0);
  scene_assert_unbroken (alone);
  /* A partner that falls silent is made up for, and taken up again without a break. */
  noisy = scene_join (&scene, FALSE, pcmu, 440);
  scene_run (&scene, 1000);
  noisy->tone_hz = 0;
  scene_run (&scene, 5000);
  g_assert_cmpint (alone->heard[0].longest_gap_us, <=, 600 * CFG_US_PER_MS);
  g_assert_cmpuint (alone->heard[0].packets, >, 350);
  noisy->tone_hz = 440;
  scene_run (&scene, 1000);
  g_assert_cmpuint (alone->heard[0].breaks, ==, 0);
  g_assert_cmpfloat (test_peer_level (alone, 440, 500), >, HEARD);
  scene_clear (&scene);
}

static void
test_comfort_noise_where_negotiated (void)
{
  Scene scene;
  TestPeer *alone;

  scene_init (&scene, FALSE);
  alone = scene_join (&scene, FALSE, pcmu, 0);
  alone->plan.sections[0].cn_pt = 13;
  test_peer_configure (alone, scene.now);
  scene_run (&scene, 3000);
  g_assert_cmpuint (alone->noise_packets, >=, 10);
  g_assert_cmpuint (alone->heard[0].packets, <, 40);
  g_assert_cmpuint (alone->heard[0].breaks, ==, 0);
  g_assert_cmpint (alone->heard[0].longest_gap_us, <=, 220 * CFG_US_PER_MS);
  scene_clear (&scene);
}

static void
check_packet_time (gconstpointer data)
{
  const guint ptime_ms = GPOINTER_TO_UINT (data);
  Scene scene;
  TestPeer *a, *b;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 0);
  a->plan.sections[0].ptime_ms = ptime_ms;
  test_peer_configure (a, scene.now);
  b = scene_join (&scene, FALSE, pcmu, 440);
  b->packet_ms = 20;
  scene_run (&scene, 3000);
  g_assert_cmpuint (a->heard[0].payload_size, ==, ptime_ms * 8);
  g_assert_cmpuint (a->heard[0].packets, >=, 2900 / ptime_ms);
  g_assert_cmpuint (a->heard[0].breaks, ==, 0);
  g_assert_cmpfloat (test_peer_level (a, 440, 1000), >, HEARD);
  scene_clear (&scene);
}

/* Whatever a phone's a=ptime said: what it really sends is not what the other one asked for. */
static void
test_unannounced_packet_time (void)
{
  Scene scene;
  TestPeer *a, *b;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 0);
  b = scene_join (&scene, FALSE, pcmu, 440);
  b->packet_ms = 40;
  scene_run (&scene, 3000);
  g_assert_cmpuint (a->heard[0].payload_size, ==, 160);
  g_assert_cmpuint (a->heard[0].packets, >=, 110);
  g_assert_cmpuint (a->heard[0].breaks, ==, 0);
  g_assert_cmpfloat (test_peer_level (a, 440, 1000), >, HEARD);
  scene_clear (&scene);
}

static void
check_long_packets_are_mixed (gconstpointer data)
{
  const guint packet_ms = GPOINTER_TO_UINT (data);
  Scene scene;
  TestPeer *a, *b;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 440);
  a->packet_ms = packet_ms;
  b = scene_join (&scene, FALSE, pcma, 0);
  scene_run (&scene, 4000);
  g_assert_cmpfloat (test_peer_level (b, 440, 1000), >, 0.2);
  scene_assert_unbroken (b);
  scene_clear (&scene);
}

static void
test_digits_are_told_once_and_never_forwarded (void)
{
  Scene scene;
  TestPeer *a, *b;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 440);
  b = scene_join (&scene, FALSE, pcmu, 1000);
  scene_run (&scene, 1000);
  test_peer_dtmf (a, '5', scene.now);
  scene_run (&scene, 500);
  test_peer_dtmf (a, '5', scene.now);
  scene_run (&scene, 200);
  test_peer_dtmf (a, '#', scene.now);
  scene_run (&scene, 500);
  g_assert_cmpstr (a->digits->str, ==, "55#");
  g_assert_cmpuint (a->digit_ms, ==, 120);
  g_assert_cmpuint (b->heard[0].breaks, ==, 0);
  scene_clear (&scene);
}

static void
test_hold_stops_either_way (void)
{
  Scene scene;
  TestPeer *a, *b;
  guint64 before;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 440);
  b = scene_join (&scene, FALSE, pcmu, 1000);
  scene_run (&scene, 1000);
  a->plan.sections[0].receive = FALSE; /* the peer only listens: it is on hold by us */
  test_peer_configure (a, scene.now);
  scene_run (&scene, 1000);
  g_assert_cmpfloat (test_peer_level (b, 440, 300), <, SILENT);
  g_assert_cmpfloat (test_peer_level (a, 1000, 300), >, HEARD);
  a->plan.sections[0].send = FALSE;
  test_peer_configure (a, scene.now);
  before = a->heard[0].packets;
  scene_run (&scene, 1000);
  g_assert_cmpuint (a->heard[0].packets, ==, before);
  a->plan.sections[0].send = a->plan.sections[0].receive = TRUE;
  test_peer_configure (a, scene.now);
  scene_run (&scene, 1000);
  g_assert_cmpfloat (test_peer_level (b, 440, 300), >, HEARD);
  g_assert_cmpfloat (test_peer_level (a, 1000, 300), >, HEARD);
  g_assert_cmpuint (a->heard[0].breaks, ==, 0);
  scene_clear (&scene);
}

static void
test_speakers_are_told_on_change (void)
{
  Scene scene;
  TestPeer *a, *b;
  guint before;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 440);
  b = scene_join (&scene, FALSE, g722, 1000);
  b->amplitude = 0.03;
  scene_run (&scene, 1000);
  g_assert_cmpuint (scene.n_speakers, ==, 2);
  g_assert_cmpuint (scene.speakers[0].track, ==, a->plan.sections[0].source_track);
  g_assert_cmpuint (scene.speakers[1].track, ==, b->plan.sections[0].source_track);
  g_assert_cmpfloat (scene.speakers[0].level, >, 0.1);
  g_assert_cmpuint (scene.n_speaker_events, <=, 10);
  before = scene.n_speaker_events;
  scene_run (&scene, 3000);
  g_assert_cmpuint (scene.n_speaker_events - before, <=, 4);
  a->tone_hz = 0;
  scene_run (&scene, 2000);
  g_assert_cmpuint (scene.n_speakers, ==, 1);
  scene_clear (&scene);
}

static void
test_speakers_are_told_to_who_asks (void)
{
  Scene scene;

  scene_init (&scene, FALSE);
  media_room_tell_speakers (scene.room, FALSE);
  scene_join (&scene, FALSE, pcmu, 440);
  scene_join (&scene, TRUE, pcmu, 1000);
  scene_run (&scene, 2000);
  g_assert_cmpuint (scene.n_speaker_events, ==, 0);
  for (guint i = 1; i <= 2; i++)
    {
      media_room_tell_speakers (scene.room, TRUE);
      scene_run (&scene, 100);
      g_assert_cmpuint (scene.n_speaker_events, ==, i);
      g_assert_cmpuint (scene.n_speakers, ==, 2);
      media_room_tell_speakers (scene.room, TRUE); /* already: nothing new */
      scene_run (&scene, 100);
      g_assert_cmpuint (scene.n_speaker_events, ==, i);
      media_room_tell_speakers (scene.room, FALSE);
      scene_run (&scene, 2000);
      g_assert_cmpuint (scene.n_speaker_events, ==, i);
    }
  scene_clear (&scene);
}

/* Somebody who comes in is told within 100 ms; two who get louder and softer, no more often than the page can
 * draw. */
static void
test_levels_are_told_less_often_than_speakers (void)
{
  Scene scene;
  TestPeer *a, *b;
  guint before;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 440);
  b = scene_join (&scene, FALSE, pcmu, 1000);
  scene_run (&scene, 2000);
  before = scene.n_speaker_events;
  for (guint i = 0; i < 20; i++)
    {
      a->amplitude = i % 2 == 0 ? 0.5 : 0.03;
      b->amplitude = i % 2 == 0 ? 0.03 : 0.5;
      scene_run (&scene, 100);
    }
  g_assert_cmpuint (scene.n_speaker_events - before, >=, 4);
  g_assert_cmpuint (scene.n_speaker_events - before, <=, 6);
  b->tone_hz = 0;
  scene_run (&scene, 2000);
  g_assert_cmpuint (scene.n_speakers, ==, 1);
  before = scene.n_speaker_events;
  b->tone_hz = 1000;
  scene_run (&scene, 400);
  g_assert_cmpuint (scene.n_speakers, ==, 2);
  g_assert_cmpuint (scene.n_speaker_events, >, before);
  scene_clear (&scene);
}

static void
test_track_sink_takes_one_source (void)
{
  Scene scene;
  TestPeer *a, *b, *browser;

  scene_init (&scene, FALSE);
  a = scene_join (&scene, FALSE, pcmu, 440);
  b = scene_join (&scene, FALSE, pcma, 1000);
  browser = scene_join (&scene, TRUE, opus_pcmu, 0);
  browser->plan.sections[0].sink = MEDIA_SINK_TRACK;
  browser->plan.sections[0].sink_track = a->plan.sections[0].source_track;
  test_peer_configure (browser, scene.now);
  scene_run (&scene, 1000);
  g_assert_cmpuint (test_peer_newest (browser)->payload_type, ==, 0);
  g_assert_cmpfloat (test_peer_level (browser, 440, 500), >, HEARD);
  g_assert_cmpfloat (test_peer_level (browser, 1000, 500), <, SILENT);
  /* The other's codec is not among the browser's: transcoded. */
  browser->plan.sections[0].sink_track = b->plan.sections[0].source_track;
  test_peer_configure (browser, scene.now);
  scene_run (&scene, 2000);
  g_assert_cmpfloat (test_peer_level (browser, 1000, 500), >, HEARD);
  g_assert_cmpfloat (test_peer_level (browser, 440, 500), <, SILENT);
  scene_clear (&scene);
}

/* For one listener and for everybody: no sample jumps. */
static void
test_gain_changes_without_a_click (void)
{
  Scene scene;
  TestPeer *listener, *speaker;
  gint steady;

  scene_init (&scene, FALSE);
  listener = scene_join (&scene, FALSE, pcmu, 0);
  speaker = scene_join (&scene, FALSE, pcmu, 440);
  scene_join (&scene, FALSE, pcma, 0);
  speaker->amplitude = 0.5;
  media_leg_set_gain (speaker->leg, 1, -1);
  scene_run (&scene, 2000);
  test_peer_forget (listener);
  scene_run (&scene, 1000);
  steady = test_peer_bend (listener);
  test_peer_forget (listener);
  for (guint i = 0; i < 10; i++)
    {
      media_leg_set_gain (speaker->leg, i < 5 ? 1 : 0, i % 2 == 0 ? -20 : 0);
      if (i == 5)
        media_leg_set_gain (speaker->leg, 1, 0);
      scene_run (&scene, 210);
    }
  g_assert_cmpint (test_peer_bend (listener), <=, steady + steady / 2);
  scene_clear (&scene);
}

/* A listener of Opus who asked for DTX is sent little while nobody speaks, and everything when somebody does.
 */
static void
test_silence_takes_few_packets_with_dtx (void)
{
  static const MediaCodecId opus[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_N };
  Scene scene;
  TestPeer *phone, *browser;
  guint64 before;

  scene_init (&scene, FALSE);
  phone = scene_join (&scene, FALSE, pcmu, 440);
  browser = scene_join (&scene, TRUE, opus, 0);
  browser->plan.sections[0].codecs[0].use_dtx = TRUE;
  test_peer_configure (browser, scene.now);
  scene_run (&scene, 2000);
  g_assert_cmpuint (browser->heard[0].packets, >=, 90);
  phone->tone_hz = 0;
  scene_run (&scene, 2000);
  before = browser->heard[0].packets;
  scene_run (&scene, 4000);
  g_assert_cmpuint (browser->heard[0].packets - before, ==, 10);
  g_assert_cmpuint (browser->n_heard, ==, 1);
  g_assert_cmpuint (browser->heard[0].breaks, ==, 0);
  phone->tone_hz = 440;
  scene_run (&scene, 1000);
  g_assert_cmpfloat (test_peer_level (browser, 440, 500), >, HEARD);
  scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/room/two_phones_are_forwarded", test_two_phones_are_forwarded);
  g_test_add_func ("/media/room/three_hear_the_others_and_not_themselves",
                   test_three_hear_the_others_and_not_themselves);
  g_test_add_func ("/media/room/browser_sends_opus_and_is_sent_pcmu",
                   test_browser_sends_opus_and_is_sent_pcmu);
  g_test_add_func ("/media/room/forwarding_and_mixing_take_turns_without_a_break",
                   test_forwarding_and_mixing_take_turns_without_a_break);
  g_test_add_func ("/media/room/mute_and_gain_choose_the_way", test_mute_and_gain_choose_the_way);
  g_test_add_func ("/media/room/silent_listeners_share_one_encoder", test_silent_listeners_share_one_encoder);
  g_test_add_func ("/media/room/change_of_codec_takes_a_new_ssrc", test_change_of_codec_takes_a_new_ssrc);
  g_test_add_func ("/media/room/flood_of_codec_changes_takes_few_ssrcs",
                   test_flood_of_codec_changes_takes_few_ssrcs);
  g_test_add_func ("/media/room/phone_is_never_left_in_silence", test_phone_is_never_left_in_silence);
  g_test_add_func ("/media/room/comfort_noise_where_negotiated", test_comfort_noise_where_negotiated);
  for (guint ms = 10; ms <= 60; ms += 10)
    {
      g_autofree char *sent = g_strdup_printf ("/media/room/packets_of_%u_ms_are_sent", ms);
      g_autofree char *mixed = g_strdup_printf ("/media/room/packets_of_%u_ms_are_mixed", ms);

      g_test_add_data_func (sent, GUINT_TO_POINTER (ms), check_packet_time);
      g_test_add_data_func (mixed, GUINT_TO_POINTER (ms), check_long_packets_are_mixed);
    }
  g_test_add_func ("/media/room/digits_are_told_once_and_never_forwarded",
                   test_digits_are_told_once_and_never_forwarded);
  g_test_add_func ("/media/room/hold_stops_either_way", test_hold_stops_either_way);
  g_test_add_func ("/media/room/speakers_are_told_on_change", test_speakers_are_told_on_change);
  g_test_add_func ("/media/room/speakers_are_told_to_who_asks", test_speakers_are_told_to_who_asks);
  g_test_add_func ("/media/room/levels_are_told_less_often_than_speakers",
                   test_levels_are_told_less_often_than_speakers);
  g_test_add_func ("/media/room/track_sink_takes_one_source", test_track_sink_takes_one_source);
  g_test_add_func ("/media/room/gain_changes_without_a_click", test_gain_changes_without_a_click);
  g_test_add_func ("/media/room/silence_takes_few_packets_with_dtx", test_silence_takes_few_packets_with_dtx);
  g_test_add_func ("/media/room/unannounced_packet_time", test_unannounced_packet_time);
  return g_test_run ();
}
