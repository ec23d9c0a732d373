/* What listeners report that they lose changes what they are sent. */
#include "scene.h"

#include "media/core/rtcp.h"
#include "media/io/pump.h"
#include "tests/media/opus_fec.h"

static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
static const MediaCodecId opus[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_N };
static const MediaCodecId opus_pcmu[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_PCMU, MEDIA_CODEC_N };

#define HEARD 0.05 /* a tone of 0.3 certainly arrived */

/* @block: of what @peer heard last. */
static void
feed_report (TestPeer *peer, MediaRtcpReportBlock block, CfgMonotonic now)
{
  const MediaRtcpReport report = { .ssrc = peer->ssrc, .reports = &block, .n_reports = 1, .cname = "p" };
  guint8 data[200];
  gssize size;

  block.ssrc = test_peer_newest (peer)->ssrc;
  size = media_rtcp_build (&report, data, sizeof data);
  g_assert_cmpint (size, >, 0);
  media_leg_receive_rtcp (peer->leg, data, (gsize)size, now, (CfgWall){ now.us });
}

static void
feed_reports (TestPeer *peer, guint8 fraction_lost, guint n, CfgMonotonic now)
{
  for (guint i = 0; i < n; i++)
    feed_report (peer, (MediaRtcpReportBlock){ .fraction_lost = fraction_lost }, now);
}

typedef struct
{
  guint opus, with_fec;
} FecCount;

static void
count_fec (gpointer user, const MediaRtpView *packet, CfgMonotonic now)
{
  FecCount *count = user;

  count->opus += packet->payload_type == 111;
  count->with_fec += packet->payload_type == 111 && test_opus_has_fec (packet->payload, packet->payload_size);
}

/* Somebody says something: a tone that goes on all the time is none to libopus. */
static void
assert_fec (Scene *scene, TestPeer *talker, TestPeer *listener)
{
  FecCount count = { 0 };

  listener->tap_user = &count;
  listener->tap = count_fec;
  for (guint i = 0; i < 10; i++)
    {
      talker->amplitude = 0.3;
      scene_run (scene, 160);
      talker->amplitude = 0.003;
      scene_run (scene, 40);
    }
  listener->tap = NULL;
  g_assert_cmpuint (count.opus, >=, 95);
  g_assert_cmpuint (count.with_fec, >=, count.opus / 2);
}

static void
test_lossy_browser_changes_to_opus_and_back (void)
{
  Scene scene;
  TestPeer *phone, *browser;

  scene_init (&scene, FALSE);
  phone = scene_join (&scene, FALSE, pcmu, 440);
  browser = scene_join (&scene, TRUE, opus_pcmu, 0);
  scene_run (&scene, 1000);
  g_assert_cmpuint (test_peer_newest (browser)->payload_type, ==, 0);
  feed_reports (browser, 64, 4, scene.now);
  scene_run (&scene, 1000);
  g_assert_cmpuint (test_peer_newest (browser)->payload_type, ==, 111);
  g_assert_cmpfloat (test_peer_level (browser, 440, 500), >, HEARD);
  assert_fec (&scene, phone, browser);
  feed_reports (browser, 0, 60, scene.now);
  scene_run (&scene, 1000);
  g_assert_cmpuint (test_peer_newest (browser)->payload_type, ==, 0);
  scene_clear (&scene);
}

/* FEC takes more bits where there is less effort: also in the encoder that all who listen share, and only as
 * many as a listener wants. */
static void
test_fec_stays_with_any_effort (void)
{
  static const int complexities[] = { 5, MEDIA_OPUS_COMPLEXITY_0, 3, 1, 5 };
  Scene scene;
  TestPeer *talker, *listener, *frugal;

  scene_init (&scene, FALSE);
  talker = scene_join (&scene, FALSE, pcmu, 440);
  scene_join (&scene, FALSE, pcmu, 0);
  listener = scene_join (&scene, TRUE, opus, 0);
  frugal = scene_join (&scene, TRUE, opus, 0);
  frugal->plan.sections[0].codecs[0].max_average_bitrate = 12000;
  /* They only listen, so that the mix is one of 8 kHz. */
  listener->plan.sections[0].receive = frugal->plan.sections[0].receive = FALSE;
  test_peer_configure (listener, scene.now);
  test_peer_configure (frugal, scene.now);
  scene_run (&scene, 1000);
  feed_reports (listener, 64, 4, scene.now);
  feed_reports (frugal, 64, 4, scene.now);
  for (guint i = 0; i < G_N_ELEMENTS (complexities); i++)
    {
      media_room_set_opus_complexity (scene.room, complexities[i]);
      assert_fec (&scene, talker, listener);
      g_assert_cmpuint (frugal->heard[0].payload_size, <=, 12000 / 8 / 50 * 3 / 2);
    }
  g_assert_cmpuint (frugal->n_heard, ==, 1);
  scene_assert_unbroken (frugal);
  scene_clear (&scene);
}

/* A phone keeps its Opus; its encoder follows what it reports, at once to more and slowly to less. */
static void
test_encoder_follows_the_reported_loss (void)
{
  Scene scene;
  TestPeer *phone;
  gsize clean, lossy;

  scene_init (&scene, FALSE);
  scene_join (&scene, FALSE, pcmu, 440);
  scene_join (&scene, FALSE, pcmu, 620);
  phone = scene_join (&scene, FALSE, opus, 0);
  scene_run (&scene, 3000);
  clean = phone->heard[0].payload_size;
  feed_reports (phone, 20, 2, scene.now);
  scene_run (&scene, 3000);
  lossy = phone->heard[0].payload_size;
  g_assert_cmpuint (lossy, >, clean);
  feed_reports (phone, 0, 40, scene.now);
  scene_run (&scene, 3000);
  g_assert_cmpuint (phone->heard[0].payload_size, <, lossy);
  g_assert_cmpuint (phone->n_heard, ==, 1);
  scene_assert_unbroken (phone);
  scene_clear (&scene);
}

/* What did not come to us is not what is lost on the way from us. */
static void
test_lost_before_us (void)
{
  Scene scene;
  TestPeer *phone, *browser;
  MediaLegStats stats = { 0 };
  guint8 lost[MEDIA_PACKET_SIZE];

  scene_init (&scene, FALSE);
  phone = scene_join (&scene, FALSE, pcmu, 440);
  browser = scene_join (&scene, TRUE, opus_pcmu, 0);
  scene_run (&scene, 1000);
  feed_report (browser, (MediaRtcpReportBlock){ .cumulative_lost = 2 }, scene.now);
  for (guint i = 0; i < 10; i++)
    {
      test_peer_packet (phone, lost, sizeof lost);
      scene_run (&scene, 100);
    }
  g_assert_cmpuint (browser->heard[0].breaks, ==, 10);
  feed_report (browser, (MediaRtcpReportBlock){ .cumulative_lost = 10 + 5 }, scene.now);
  media_leg_get_stats (browser->leg, &stats);
  g_assert_cmpuint (stats.out.lost, ==, 5);
  g_assert_cmpfloat_with_epsilon (stats.out.loss_percent, 100 * 5.0 / (double)stats.out.packets, 1e-6);
  scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/loss/lossy_browser_changes_to_opus_and_back",
                   test_lossy_browser_changes_to_opus_and_back);
  g_test_add_func ("/media/loss/fec_stays_with_any_effort", test_fec_stays_with_any_effort);
  g_test_add_func ("/media/loss/encoder_follows_the_reported_loss", test_encoder_follows_the_reported_loss);
  g_test_add_func ("/media/loss/lost_before_us", test_lost_before_us);
  return g_test_run ();
}
