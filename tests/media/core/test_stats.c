#include "media/core/receiver_stats.h"
#include "media/core/sender_stats.h"

#define AT(ms) ((CfgMonotonic){ (gint64)(ms)*1000 + 500000000 })

static MediaReceiveResult
add (MediaReceiverStats *stats, guint32 ssrc, guint16 sequence, guint32 timestamp, gint64 ms)
{
  MediaRtpView view = { .ssrc = ssrc, .sequence = sequence, .timestamp = timestamp, .payload_size = 160 };

  return media_receiver_stats_add (stats, &view, TRUE, AT (ms));
}

static MediaReceiverStats
started (guint16 first)
{
  MediaReceiverStats stats;

  media_receiver_stats_init (&stats, 8000, 0);
  g_assert_cmpint (add (&stats, 1, first, first * 160u, 0), ==, MEDIA_RECEIVE_RESTARTED);
  return stats;
}

static void
test_sequence_table (void)
{
  const struct
  {
    guint16 sequence;
    MediaReceiveResult result;
  } rows[] = {
    { 65534, MEDIA_RECEIVE_OK },        { 65535, MEDIA_RECEIVE_OK },    { 1, MEDIA_RECEIVE_OK },
    { 0, MEDIA_RECEIVE_REORDERED },     { 0, MEDIA_RECEIVE_DUPLICATE }, { 1, MEDIA_RECEIVE_DUPLICATE },
    { 65535, MEDIA_RECEIVE_DUPLICATE }, { 10, MEDIA_RECEIVE_OK },       { 5, MEDIA_RECEIVE_REORDERED },
    { 20000, MEDIA_RECEIVE_BAD },       { 11, MEDIA_RECEIVE_OK },       { 30000, MEDIA_RECEIVE_BAD },
    { 30001, MEDIA_RECEIVE_RESTARTED }, { 30002, MEDIA_RECEIVE_OK },
  };
  MediaReceiverStats stats = started (65533);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("row %zu", i);
      g_assert_cmpint (add (&stats, 1, rows[i].sequence, 0, 20), ==, rows[i].result);
    }
  g_assert_cmpuint (stats.duplicates, ==, 0); /* of the restarted stream */
  g_assert_cmpuint (stats.reordered, ==, 2);
  g_assert_cmpuint (stats.bad, ==, 2);
  g_assert_cmpuint (stats.restarts, ==, 1);
  /* First life: 65533 … 11 are 15 numbers, 65533 65534 65535 0 1 5 10 11 came. */
  g_assert_cmpuint (media_receiver_stats_lost (&stats), ==, 15 - 8);
  g_assert_cmpuint (media_receiver_stats_expected (&stats), ==, 15 + 2);
}

static void
test_probation (void)
{
  MediaReceiverStats stats;
  MediaRtcpReportBlock block;

  media_receiver_stats_init (&stats, 8000, 2);
  g_assert_cmpint (add (&stats, 5, 100, 0, 0), ==, MEDIA_RECEIVE_PROBATION);
  g_assert_false (media_receiver_stats_report (&stats, AT (1), &block));
  g_assert_cmpint (add (&stats, 5, 105, 0, 0), ==, MEDIA_RECEIVE_PROBATION);
  g_assert_cmpint (add (&stats, 5, 106, 0, 0), ==, MEDIA_RECEIVE_RESTARTED);
  g_assert_cmpint (add (&stats, 5, 107, 0, 0), ==, MEDIA_RECEIVE_OK);
  g_assert_cmpint (add (&stats, 6, 1, 0, 0), ==, MEDIA_RECEIVE_PROBATION);
  g_assert_cmpint (add (&stats, 6, 2, 0, 0), ==, MEDIA_RECEIVE_RESTARTED);
  g_assert_cmpuint (stats.restarts, ==, 1);
  g_assert_cmpuint (media_receiver_stats_expected (&stats), ==, 3);
  g_assert_cmpuint (media_receiver_stats_lost (&stats), ==, 0);
}

/* RFC 3550 A.3: the fraction is of the interval, the total of the whole stream. */
static void
test_report (void)
{
  MediaReceiverStats stats = started (65500);
  MediaRtcpReportBlock block;

  for (guint i = 1; i < 100; i++)
    if (i % 4 != 0)
      add (&stats, 1, (guint16)(65500 + i), 0, i * 20);
  g_assert_true (media_receiver_stats_report (&stats, AT (2000), &block));
  g_assert_cmpuint (block.ssrc, ==, 1);
  g_assert_cmpint (block.cumulative_lost, ==, 24);
  g_assert_cmpuint (block.fraction_lost, ==, 24 * 256 / 100);
  g_assert_cmpuint (block.extended_highest_sequence, ==, 65536 + 63);
  g_assert_cmpuint (block.last_sr, ==, 0);
  media_receiver_stats_on_sr (&stats, 2, 0x1111222233334444, AT (2000));
  media_receiver_stats_on_sr (&stats, 1, 0x1111222233334444, AT (2500));
  for (guint i = 100; i < 200; i++)
    add (&stats, 1, (guint16)(65500 + i), 0, i * 20);
  g_assert_true (media_receiver_stats_report (&stats, AT (4000), &block));
  g_assert_cmpuint (block.fraction_lost, ==, 0);
  g_assert_cmpint (block.cumulative_lost, ==, 24);
  g_assert_cmpuint (block.last_sr, ==, 0x22223333);
  g_assert_cmpuint (block.delay_since_last_sr, ==, 65536 * 3 / 2);
}

static void
test_duplicates_give_negative_loss (void)
{
  MediaReceiverStats stats = started (0);
  MediaRtcpReportBlock block;

  for (guint16 i = 1; i < 10; i++)
    {
      add (&stats, 1, i, 0, i * 20);
      add (&stats, 1, i, 0, i * 20);
    }
  g_assert_true (media_receiver_stats_report (&stats, AT (300), &block));
  g_assert_cmpint (block.cumulative_lost, ==, -9);
  g_assert_cmpuint (block.fraction_lost, ==, 0);
  g_assert_cmpuint (media_receiver_stats_lost (&stats), ==, 0);
  g_assert_cmpuint (stats.duplicates, ==, 9);
}

/* RFC 3550 A.8: packets alternately 0 and 10 ms late have a jitter that nears 10 ms; timestamps may wrap. */
static void
test_jitter (void)
{
  MediaReceiverStats stats;
  MediaRtpView event = { .ssrc = 1, .sequence = 301, .timestamp = 0xffffff00 };

  media_receiver_stats_init (&stats, 8000, 0);
  for (guint i = 0; i < 300; i++)
    add (&stats, 1, (guint16)i, 0xffffff00u + i * 160, i * 20 + (i % 2) * 10);
  g_assert_cmpint (ABS (media_receiver_stats_jitter_us (&stats) - 10000), <, 300);
  /* Events stand still in time: they must not count. */
  media_receiver_stats_add (&stats, &event, FALSE, AT (7000));
  g_assert_cmpint (ABS (media_receiver_stats_jitter_us (&stats) - 10000), <, 300);
  media_receiver_stats_set_clock_rate (&stats, 48000);
  g_assert_cmpint (media_receiver_stats_jitter_us (&stats), ==, 0);
}

static void
test_sender (void)
{
  MediaSenderStats stats;
  MediaRtcpSenderInfo info;
  MediaRtcpReportBlock block = { .ssrc = 9, .fraction_lost = 64 };
  CfgWall wall = { 1700000000000000 };

  media_sender_stats_init (&stats, 9, 48000);
  g_assert_false (media_sender_stats_info (&stats, AT (0), wall, &info));
  media_sender_stats_sent (&stats, 0xfffffff0, 80, AT (0));
  media_sender_stats_sent (&stats, 0xfffffff0 + 960, 81, AT (20));
  g_assert_true (media_sender_stats_info (&stats, AT (30), wall, &info));
  g_assert_cmpuint (info.rtp_timestamp, ==, 0xfffffff0 + 960 + 480);
  g_assert_cmpuint (info.packets, ==, 2);
  g_assert_cmpuint (info.octets, ==, 161);
  g_assert_cmpuint (info.ntp, ==, media_rtcp_ntp (wall));

  g_assert_true (media_sender_stats_on_report (&stats, &block, AT (40), wall));
  g_assert_cmpint (stats.round_trip_us, ==, -1);
  g_assert_cmpfloat (stats.loss_recent, ==, 0.25);
  block.last_sr = media_rtcp_ntp_middle (media_rtcp_ntp (wall));
  block.fraction_lost = 0;
  wall.us += 80000;
  g_assert_true (media_sender_stats_on_report (&stats, &block, AT (120), wall));
  g_assert_cmpint (ABS (stats.round_trip_us - 80000), <, 50);
  g_assert_cmpfloat (stats.loss_recent, <, 0.25);
  block.ssrc = 10;
  g_assert_false (media_sender_stats_on_report (&stats, &block, AT (130), wall));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/receiver_stats/sequence_table", test_sequence_table);
  g_test_add_func ("/media/receiver_stats/probation", test_probation);
  g_test_add_func ("/media/receiver_stats/report", test_report);
  g_test_add_func ("/media/receiver_stats/duplicates_give_negative_loss", test_duplicates_give_negative_loss);
  g_test_add_func ("/media/receiver_stats/jitter", test_jitter);
  g_test_add_func ("/media/sender_stats/info_and_reports", test_sender);
  return g_test_run ();
}
