/* WebRTC legs of the engine against a peer made of the same ICE, DTLS and SRTP, over loopback. */
#include "engine_harness.h"

#include <string.h>

#include "media/io/pump.h"
#include "tools/load/peer.h"

#define PT_OPUS 111

typedef struct
{
  TestEngine test;
  MediaPump *pump;
  MediaCertificate *certificate;
  MediaDtlsContext *dtls;
} Scene;

/* A browser: the offerer. Its ears are an endpoint without a socket. */
typedef struct
{
  Scene *scene;
  LoadPeer *peer;
  gboolean described;
  MediaLegId leg;
  TestPeer *voice;
  TestEndpoint ears;
  guint n_rtcp;
  gint64 next_at;
} Browser;

static void
on_described (LoadPeer *peer, gpointer user)
{
  ((Browser *)user)->described = TRUE;
}

static void
on_state (LoadPeer *peer, LoadPeerState state, gpointer user)
{
}

static void
on_rtp (LoadPeer *peer, guint8 *data, gsize length, CfgMonotonic now, gpointer user)
{
  MediaRtpView packet;

  g_assert_cmpint (media_rtp_parse (&packet, data, length), ==, 0);
  test_endpoint_hear (&((Browser *)user)->ears, &packet);
}

static void
on_rtcp (LoadPeer *peer, guint8 *data, gsize length, CfgMonotonic now, gpointer user)
{
  ((Browser *)user)->n_rtcp++;
}

static const LoadPeerOps peer_ops = {
  .described = on_described,
  .state = on_state,
  .rtp = on_rtp,
  .rtcp = on_rtcp,
};

static void
turn (gpointer user)
{
  Scene *scene = user;

  while (media_pump_turn (scene->pump, 0))
    ;
}

static void
scene_init (Scene *scene)
{
  test_engine_init (&scene->test, 2);
  scene->pump = media_pump_new (NULL);
  scene->certificate = media_certificate_new (NULL);
  scene->dtls = media_dtls_context_new (scene->certificate, NULL);
  scene->test.turn = turn;
  scene->test.turn_user = scene;
}

static void
scene_clear (Scene *scene)
{
  test_engine_clear (&scene->test);
  media_pump_free (scene->pump);
  media_dtls_context_free (scene->dtls);
  media_certificate_free (scene->certificate);
}

static Browser *
browser_new (Scene *scene, MediaRoomId room, const MediaCodecId *codecs, const char *fingerprint)
{
  static const char *const loopback[] = { "127.0.0.1", NULL };
  const LoadPeerConfig config = { .pump = scene->pump,
                                  .dtls_context = scene->dtls,
                                  .certificate = scene->certificate,
                                  .offerer = TRUE,
                                  .ice = { .controlling = TRUE, .bind_addresses = loopback } };
  Browser *browser = g_new0 (Browser, 1);
  g_autoptr (GError) error = NULL;
  g_autofree char *line = NULL;
  g_auto (GStrv) parts = NULL;
  MediaPlan plan;

  browser->scene = scene;
  browser->voice = test_peer_new (50, TRUE, codecs, cfg_monotonic_now ());
  browser->ears.pcm = g_array_new (FALSE, FALSE, sizeof (gint16));
  browser->ears.plan = browser->voice->plan;
  browser->peer = load_peer_new (&config, &peer_ops, browser, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 1000 && !browser->described; i++)
    media_pump_turn (scene->pump, 10);
  line = load_peer_describe (browser->peer);
  parts = g_strsplit (line, "|", -1);
  g_assert_cmpuint (g_strv_length (parts), >=, 4);
  browser->leg = media_engine_leg_new_rtc (
      scene->test.engine, room,
      &(MediaRtcLegConfig){ .controlling = FALSE,
                            .dtls_active = TRUE,
                            .remote_ufrag = parts[0],
                            .remote_pwd = parts[1],
                            .remote_fingerprint = fingerprint != NULL ? fingerprint : parts[2],
                            .remote_candidates = (const char *const *)parts + 3 });
  plan = browser->voice->plan;
  g_strlcpy (plan.sections[0].mid, "0", sizeof plan.sections[0].mid);
  plan.sections[0].ext_mid_id = 4;
  plan.sections[0].ext_level_id = 1;
  media_engine_leg_configure (scene->test.engine, browser->leg, &plan);
  media_engine_leg_attach (scene->test.engine, browser->leg, room);
  return browser;
}

static void
browser_free (Browser *browser)
{
  g_clear_pointer (&browser->peer, load_peer_free);
  test_peer_free (browser->voice);
  g_clear_pointer (&browser->ears.decoder, media_decoder_free);
  g_array_unref (browser->ears.pcm);
  g_free (browser);
}

static gboolean
is_gathered (TestEngine *test)
{
  return test->n_gathered > 0;
}

static gboolean
is_connected (TestEngine *test)
{
  return test->n_connected > 0;
}

static gboolean
leg_closed (TestEngine *test)
{
  return test->n_closed > 0;
}

static gboolean
is_failed (TestEngine *test)
{
  return test->n_failed > 0;
}

static void
answer (Browser *browser)
{
  TestEngine *test = &browser->scene->test;
  g_autoptr (GError) error = NULL;

  test_engine_run (test, 5000, is_gathered);
  g_assert_cmpuint (test->n_gathered, >, 0);
  load_peer_set_remote (browser->peer, g_ptr_array_index (test->descriptions, test->descriptions->len - 1),
                        &error);
  g_assert_no_error (error);
}

static void
browser_turn (gpointer user)
{
  Browser *browser = user;
  guint8 packet[MEDIA_PACKET_SIZE];

  turn (browser->scene);
  if (load_peer_state (browser->peer) != LOAD_PEER_CONNECTED || g_get_monotonic_time () < browser->next_at)
    return;
  browser->next_at = MAX (browser->next_at + 20000, g_get_monotonic_time () - 100000);
  load_peer_send (browser->peer, packet, test_peer_packet (browser->voice, packet, sizeof packet));
}

static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
static const MediaCodecId opus_pcmu[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_PCMU, MEDIA_CODEC_N };

static void
talk (Scene *scene, Browser *browser, guint ms, gboolean (*enough) (TestEngine *test))
{
  scene->test.turn = browser_turn;
  scene->test.turn_user = browser;
  test_engine_run (&scene->test, ms, enough);
}

/* The browser, which talks, and the phone, the first of the endpoints. */
static gboolean
both_hear (TestEngine *test)
{
  const Browser *browser = test->turn_user;

  return test_endpoint_level (&browser->ears, 440, 500) > 0.1 && browser->n_rtcp > 0
         && test_endpoint_level (test->peers[0], 1000, 500) > 0.1;
}

static void
test_phone_and_browser (void)
{
  Scene scene;
  MediaRoomId room;
  Browser *browser;
  TestEndpoint *phone;

  scene_init (&scene);
  room = media_engine_room_new (scene.test.engine);
  phone = test_endpoint_new (&scene.test, pcmu, 440);
  media_engine_leg_attach (scene.test.engine, phone->leg, room);
  browser = browser_new (&scene, room, opus_pcmu, NULL);
  browser->voice->tone_hz = 1000;
  browser->voice->level_id = 1;
  browser->voice->mid_id = 4;
  g_strlcpy (browser->voice->mid, "0", sizeof browser->voice->mid);
  answer (browser);
  test_engine_run (&scene.test, 5000, is_connected);
  g_assert_cmpuint (scene.test.n_connected, ==, 1);
  g_assert_cmpstr (scene.test.cipher, ==, "AEAD_AES_128_GCM");
  talk (&scene, browser, 3000, NULL);
  talk (&scene, browser, 3000, both_hear);
  /* The browser speaks Opus and is sent the phone's PCMU untouched. */
  g_assert_cmpuint (browser->ears.payload_type, ==, 0);
  g_assert_cmpuint (browser->ears.breaks, ==, 0);
  g_assert_true (both_hear (&scene.test));
  g_assert_cmpuint (phone->breaks, ==, 0);
  g_assert_cmpuint (scene.test.n_started, ==, 2);

  /* An ICE restart changes the path under running media. */
  scene.test.n_gathered = 0;
  {
    g_autoptr (GError) error = NULL;
    g_autofree char *line = NULL;
    g_auto (GStrv) parts = NULL;

    g_assert_true (load_peer_restart (browser->peer, &error));
    line = load_peer_describe (browser->peer);
    parts = g_strsplit (line, "|", -1);
    media_engine_leg_restart_ice (scene.test.engine, browser->leg, parts[0], parts[1]);
    for (guint i = 3; parts[i] != NULL; i++)
      media_engine_leg_add_candidate (scene.test.engine, browser->leg, parts[i]);
    answer (browser);
  }
  g_array_set_size (browser->ears.pcm, 0);
  talk (&scene, browser, 2000, NULL);
  talk (&scene, browser, 2000, both_hear);
  g_assert_cmpuint (browser->ears.breaks, ==, 0);
  g_assert_true (both_hear (&scene.test));
  g_assert_cmpuint (scene.test.n_failed, ==, 0);
  media_engine_leg_free (scene.test.engine, browser->leg);
  talk (&scene, browser, 500, leg_closed);
  g_assert_cmpuint (scene.test.n_closed, ==, 1);
  g_assert_cmpuint (scene.test.last_stats[browser->leg].in.lost, ==, 0);
  g_assert_cmpstr (scene.test.last_stats[browser->leg].codec_in, ==, "opus");
  g_assert_cmpstr (scene.test.last_stats[browser->leg].codec_out, ==, "PCMU");
  browser_free (browser);
  scene_clear (&scene);
}

static gboolean
is_disconnected (TestEngine *test)
{
  return test->n_disconnected > 0;
}

static void
test_peer_that_closes_is_told (void)
{
  Scene scene;
  MediaRoomId room;
  Browser *browser;

  scene_init (&scene);
  room = media_engine_room_new (scene.test.engine);
  browser = browser_new (&scene, room, opus_pcmu, NULL);
  answer (browser);
  test_engine_run (&scene.test, 5000, is_connected);
  g_assert_cmpuint (scene.test.n_connected, ==, 1);
  g_clear_pointer (&browser->peer, load_peer_free); /* a close_notify goes out */
  test_engine_run (&scene.test, 5000, is_disconnected);
  g_assert_cmpuint (scene.test.n_disconnected, ==, 1);
  g_assert_cmpuint (scene.test.n_failed, ==, 0);
  browser_free (browser);
  scene_clear (&scene);
}

static void
test_wrong_fingerprint_is_refused (void)
{
  Scene scene;
  MediaRoomId room;
  Browser *browser;

  scene_init (&scene);
  room = media_engine_room_new (scene.test.engine);
  browser = browser_new (&scene, room, opus_pcmu, media_engine_fingerprint (scene.test.engine));
  answer (browser);
  test_engine_run (&scene.test, 10000, is_failed);
  g_assert_cmpuint (scene.test.n_failed, ==, 1);
  g_assert_cmpuint (scene.test.n_connected, ==, 0);
  g_test_message ("%s", scene.test.failure);
  browser_free (browser);
  scene_clear (&scene);
}

static void
test_nonsense_is_refused (void)
{
  static const char *const none[] = { NULL };
  static const MediaRtcLegConfig configs[] = {
    { .remote_ufrag = "abcd",
      .remote_pwd = "0123456789012345678901",
      .remote_fingerprint = "md5 00",
      .remote_candidates = none },
    { .remote_ufrag = "abcd",
      .remote_pwd = "0123456789012345678901",
      .remote_fingerprint = NULL,
      .remote_candidates = none },
    { .remote_ufrag = "\r\n",
      .remote_pwd = "0123456789012345678901",
      .remote_fingerprint = "sha-256 zz",
      .remote_candidates = none },
  };
  Scene scene;
  MediaRoomId room;

  scene_init (&scene);
  room = media_engine_room_new (scene.test.engine);
  for (guint i = 0; i < G_N_ELEMENTS (configs); i++)
    {
      const MediaLegId leg = media_engine_leg_new_rtc (scene.test.engine, room, &configs[i]);

      media_engine_leg_add_candidate (scene.test.engine, leg, "candidate:nonsense");
      media_engine_leg_add_candidate (scene.test.engine, leg, "");
      media_engine_leg_restart_ice (scene.test.engine, leg, "x", "y");
      scene.test.n_failed = 0;
      test_engine_run (&scene.test, 2000, is_failed);
      g_assert_cmpuint (scene.test.n_failed, ==, 1);
      media_engine_leg_free (scene.test.engine, leg);
    }
  scene_clear (&scene);
}

static guint wanted_fds;

static gboolean
descriptors_are_back (TestEngine *test)
{
  return test_count_fds () <= wanted_fds;
}

static void
cycle (Scene *scene, MediaRoomId room, guint n)
{
  const MediaRtcLegConfig config = { .remote_ufrag = "abcd",
                                     .remote_pwd = "0123456789012345678901",
                                     .remote_fingerprint = media_engine_fingerprint (scene->test.engine) };

  for (guint i = 0; i < n; i++)
    {
      const MediaLegId leg = media_engine_leg_new_rtc (scene->test.engine, room, &config);

      scene->test.n_gathered = scene->test.n_closed = 0;
      test_engine_run (&scene->test, 5000, is_gathered);
      g_assert_cmpuint (scene->test.n_gathered, ==, 1);
      media_engine_leg_attach (scene->test.engine, leg, room);
      media_engine_leg_free (scene->test.engine, leg);
      test_engine_run (&scene->test, 5000, leg_closed);
      g_assert_cmpuint (scene->test.n_closed, ==, 1);
    }
}

static void
test_legs_come_and_go_without_growth (void)
{
  Scene scene;
  MediaRoomId room;
  glong rss;

  scene_init (&scene);
  room = media_engine_room_new (scene.test.engine);
  cycle (&scene, room, 50);
  test_engine_run (&scene.test, 500, NULL); /* libnice closes in its own time */
  wanted_fds = test_count_fds ();
  rss = test_rss_kb ();
  cycle (&scene, room, 200);
  test_engine_run (&scene.test, 5000, descriptors_are_back);
  g_assert_cmpuint (test_count_fds (), <=, wanted_fds);
  g_test_message ("RSS %ld kB, then %ld kB", rss, test_rss_kb ());
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__ /* which keep freed memory for a while */
  g_assert_cmpint (test_rss_kb () - rss, <, 400);
#endif
  scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/engine_rtc/phone_and_browser", test_phone_and_browser);
  g_test_add_func ("/media/engine_rtc/peer_that_closes_is_told", test_peer_that_closes_is_told);
  g_test_add_func ("/media/engine_rtc/wrong_fingerprint_is_refused", test_wrong_fingerprint_is_refused);
  g_test_add_func ("/media/engine_rtc/nonsense_is_refused", test_nonsense_is_refused);
  g_test_add_func ("/media/engine_rtc/legs_come_and_go_without_growth", test_legs_come_and_go_without_growth);
  return g_test_run ();
}
