/* The parts of the load generator: what it says, what it finds in what it hears and when that came, and the
 * network between. */
#include <string.h>
#include <unistd.h>

#include "media/core/rtp.h"
#include "media/io/udp.h"
#include "tools/load/describe.h"
#include "tools/load/flow.h"
#include "tools/load/frames.h"
#include "tools/load/netem.h"

#define T0 (1000 * CFG_US_PER_S)

static CfgMonotonic
at_ms (gint64 ms)
{
  return (CfgMonotonic){ T0 + ms * CFG_US_PER_MS };
}

static LoadFlow *
new_flow (const LoadFrames *frames, gboolean talks)
{
  LoadFlow *flow = g_new0 (LoadFlow, 1);

  load_flow_init (flow, frames, talks);
  flow->payload_type = load_describe_payload_type (frames->codec);
  flow->decodes = TRUE;
  load_flow_add_format (flow, flow->payload_type, frames->codec);
  return flow;
}

static void
free_flow (LoadFlow *flow)
{
  load_flow_clear (flow);
  g_free (flow);
}

/* Every mark that was said is heard, once, and after the delay that the network had. */
static void
test_marks_measure_delay (gconstpointer data)
{
  const MediaCodecId codec = GPOINTER_TO_UINT (data);
  g_autoptr (GError) error = NULL;
  g_autoptr (LoadFrames) frames = load_frames_new (codec, NULL, &error);
  const gint64 delay_us = 37 * CFG_US_PER_MS;
  const gint64 precision_us = codec == MEDIA_CODEC_PCMU || codec == MEDIA_CODEC_PCMA ? 500 : 2000;
  LoadFlow *speaker, *listener;
  guint n_said = 0, n_heard = 0;
  gint64 said_us = 0;

  g_assert_no_error (error);
  speaker = new_flow (frames, TRUE);
  listener = new_flow (frames, FALSE);
  speaker->position = 50;
  for (guint i = 0; i < 1000; i++)
    {
      guint8 packet[MEDIA_RTP_PACKET_MAX];
      gboolean mark;
      const gsize size = load_flow_next (speaker, packet, &mark);
      const gint64 now_us = at_ms (LOAD_FRAME_MS * (gint64)i).us;
      gint64 heard_us;

      if (mark)
        {
          said_us = now_us + frames->codec_delay_us;
          n_said++;
        }
      heard_us = load_flow_receive (listener, packet, size, (CfgMonotonic){ now_us + delay_us });
      if (heard_us < 0)
        continue;
      n_heard++;
      g_assert_cmpint (ABS (heard_us - said_us - delay_us), <=, precision_us);
    }
  g_assert_cmpuint (n_said, ==, 10);
  g_assert_cmpuint (n_heard, ==, n_said);
  free_flow (speaker);
  free_flow (listener);
}

static void
test_silence_has_no_marks (void)
{
  g_autoptr (LoadFrames) frames = load_frames_new (MEDIA_CODEC_PCMU, NULL, NULL);
  LoadFlow *speaker = new_flow (frames, FALSE);
  LoadFlow *listener = new_flow (frames, FALSE);

  for (guint i = 0; i < 500; i++)
    {
      guint8 packet[MEDIA_RTP_PACKET_MAX];
      gboolean mark;
      const gsize size = load_flow_next (speaker, packet, &mark);

      g_assert_false (mark);
      g_assert_cmpint (load_flow_receive (listener, packet, size, at_ms (20 * (gint64)i)), ==, -1);
    }
  free_flow (speaker);
  free_flow (listener);
}

/* Whose pauses are muted sends nothing in them: no packet is missing, the time goes on, and a marker says
 * that a spurt begins. */
static void
test_muted_pauses (void)
{
  g_autoptr (LoadFrames) frames = load_frames_new (MEDIA_CODEC_PCMU, NULL, NULL);
  LoadFlow *speaker = new_flow (frames, TRUE);
  guint n_sent = 0, n_markers = 0;
  guint16 sequence = 0;
  guint32 first = 0;

  speaker->muted = TRUE;
  load_flow_set_turn (speaker, 100, 50, 0, 0, 2);
  for (guint i = 0; i < 450; i++)
    {
      guint8 packet[MEDIA_RTP_PACKET_MAX];
      MediaRtpView view;
      gboolean mark;
      const gsize size = load_flow_next (speaker, packet, &mark);

      g_assert_cmpint (size > 0, ==, i % 150 < 100);
      if (size == 0)
        continue;
      g_assert_cmpint (media_rtp_parse (&view, packet, size), ==, 0);
      if (n_sent++ == 0)
        first = view.timestamp;
      else
        g_assert_cmpuint (view.sequence, ==, (guint16)(sequence + 1));
      g_assert_cmpuint (view.timestamp - first, ==, i * 160);
      sequence = view.sequence;
      n_markers += view.marker;
    }
  g_assert_cmpuint (n_sent, ==, 300);
  g_assert_cmpuint (n_markers, ==, 3);
  free_flow (speaker);
}

/* Three talkers with turns of a second and pauses of two: each is heard a third of the time, one after the
 * other, with a mark in each turn. */
static void
test_turns (void)
{
  g_autoptr (LoadFrames) frames = load_frames_new (MEDIA_CODEC_PCMU, NULL, NULL);
  LoadFlow *talkers[3];
  guint n_talking[3] = { 0 }, n_marks[3] = { 0 };

  for (guint i = 0; i < 3; i++)
    {
      talkers[i] = new_flow (frames, TRUE);
      load_flow_set_turn (talkers[i], 50, 100, 0, i, 3);
    }
  for (guint frame = 0; frame < 600; frame++)
    {
      guint n_now = 0;

      for (guint i = 0; i < 3; i++)
        {
          guint8 packet[MEDIA_RTP_PACKET_MAX];
          gboolean mark, talks;
          const guint turn = talkers[i]->turn;
          const gsize size = load_flow_next (talkers[i], packet, &mark);

          talks = memcmp (packet + size - frames->silence.size, frames->silence.data, frames->silence.size)
                  != 0;
          g_assert_true (!talks || turn < 50);
          g_assert_true (!mark || turn < 50);
          n_talking[i] += turn < 50;
          n_now += turn < 50;
          n_marks[i] += mark;
        }
      g_assert_cmpuint (n_now, ==, 1);
    }
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpuint (n_talking[i], ==, 200);
      g_assert_cmpuint (n_marks[i], >=, 3);
      g_assert_cmpuint (n_marks[i], <=, 4);
      free_flow (talkers[i]);
    }
}

/* A hundred packets: the tenth is lost, the twentieth comes twice, the fiftieth is 45 ms late. */
static void
test_flow_counts (void)
{
  g_autoptr (LoadFrames) frames = load_frames_new (MEDIA_CODEC_PCMA, NULL, NULL);
  LoadFlow *speaker = new_flow (frames, TRUE);
  LoadFlow *listener = new_flow (frames, FALSE);
  LoadFlowResult result;

  load_flow_begin (listener);
  for (guint i = 0; i < 100; i++)
    {
      guint8 packet[MEDIA_RTP_PACKET_MAX];
      gboolean mark;
      const gsize size = load_flow_next (speaker, packet, &mark);
      const CfgMonotonic now = at_ms (20 * (gint64)i + (i == 50 ? 45 : 0));

      if (i == 10)
        continue;
      (void)load_flow_receive (listener, packet, size, now);
      if (i == 20)
        (void)load_flow_receive (listener, packet, size, now);
    }
  load_flow_result (listener, &result);
  g_assert_cmpuint (result.lost, ==, 1);
  g_assert_cmpuint (result.duplicates, ==, 1);
  g_assert_cmpuint (result.received, ==, 100);
  g_assert_cmpuint (result.expected, ==, 100);
  g_assert_cmpuint (result.late, ==, 1);
  g_assert_cmpuint (result.gaps, ==, 1);
  g_assert_cmpint (result.gap_max_us, ==, 65 * CFG_US_PER_MS);
  free_flow (speaker);
  free_flow (listener);
}

/* Two seconds in which so many packets were never made: no gap in the sequence tells of them. */
static guint64
missing_of (guint left_out)
{
  g_autoptr (LoadFrames) frames = load_frames_new (MEDIA_CODEC_PCMA, NULL, NULL);
  LoadFlow *speaker = new_flow (frames, TRUE);
  LoadFlow *listener = new_flow (frames, FALSE);
  LoadFlowResult result;

  for (guint i = 0; i < 120; i++)
    {
      guint8 packet[MEDIA_RTP_PACKET_MAX], own[MEDIA_RTP_PACKET_MAX];
      gboolean mark;

      if (i == 20)
        load_flow_begin (listener);
      (void)load_flow_next (listener, own, &mark);
      if (i < 50 || i >= 50 + left_out)
        (void)load_flow_receive (listener, packet, load_flow_next (speaker, packet, &mark),
                                 at_ms (20 * (gint64)i));
    }
  load_flow_result (listener, &result);
  g_assert_cmpuint (result.due, ==, 100);
  g_assert_cmpuint (result.lost, ==, 0);
  g_assert_cmpuint (result.received, ==, 100 - left_out);
  free_flow (speaker);
  free_flow (listener);
  return load_flow_missing (&result, LOAD_EDGES);
}

static void
test_flow_misses (void)
{
  g_assert_cmpuint (missing_of (0), ==, 0);
  g_assert_cmpuint (missing_of (LOAD_EDGES), ==, 0);
  g_assert_cmpuint (missing_of (10), ==, 10);
}

typedef struct
{
  gboolean hears_pauses, no_markers;
  guint late_ms, lost; /* in each spurt: of one packet, and how many in a row */
  guint gaps, gap_max_ms;
} GapCase;

/* Three spurts of a second with pauses of one, in which nothing is sent. */
static void
test_gaps (gconstpointer data)
{
  const GapCase *wanted = data;
  g_autoptr (LoadFrames) frames = load_frames_new (MEDIA_CODEC_PCMU, NULL, NULL);
  LoadFlow *speaker = new_flow (frames, TRUE);
  LoadFlow *listener = new_flow (frames, FALSE);
  LoadFlowResult result;

  speaker->muted = TRUE;
  listener->hears_pauses = wanted->hears_pauses;
  load_flow_set_turn (speaker, 50, 50, 0, 0, 2);
  for (guint i = 0; i < 250; i++)
    {
      guint8 packet[MEDIA_RTP_PACKET_MAX];
      gboolean mark;
      const gsize size = load_flow_next (speaker, packet, &mark);
      const guint late_ms = i % 100 >= 20 && i % 100 < 26 ? wanted->late_ms : 0; /* those behind it too */

      if (wanted->no_markers)
        packet[1] &= 0x7f;
      if (size > 0 && (i % 100 < 20 || i % 100 >= 20 + wanted->lost))
        (void)load_flow_receive (listener, packet, size, at_ms (20 * (gint64)i + late_ms));
    }
  load_flow_result (listener, &result);
  g_assert_cmpuint (result.gaps, ==, wanted->gaps);
  g_assert_cmpint (result.gap_max_us, ==, MAX (wanted->gap_max_ms, 20) * CFG_US_PER_MS);
  free_flow (speaker);
  free_flow (listener);
}

/* Of two talkers one comes 1.3 s later: the marks are as far from each other as if both had come at once. */
static void
test_late_comer (void)
{
  g_autoptr (LoadFrames) frames = load_frames_new (MEDIA_CODEC_PCMU, NULL, NULL);
  LoadFlow *talkers[2] = { new_flow (frames, TRUE), new_flow (frames, TRUE) };
  guint n_marks[2] = { 0 };

  load_flow_set_turn (talkers[0], 0, 0, 0, 0, 2);
  load_flow_set_turn (talkers[1], 0, 0, 0, 1, 2);
  for (guint frame = 0; frame < 500; frame++)
    for (guint i = 0; i < 2; i++)
      {
        guint8 packet[MEDIA_RTP_PACKET_MAX];
        gboolean mark = FALSE;

        if (i == 1 && frame < 65)
          load_flow_pass (talkers[i]);
        else
          (void)load_flow_next (talkers[i], packet, &mark);
        if (mark)
          g_assert_cmpuint (frame % LOAD_MARK_FRAMES, ==, i == 0 ? 0 : LOAD_MARK_FRAMES / 2);
        n_marks[i] += mark;
      }
  g_assert_cmpuint (n_marks[0], ==, 5);
  g_assert_cmpuint (n_marks[1], ==, 4);
  free_flow (talkers[0]);
  free_flow (talkers[1]);
}

/* Five frames for which the load had no time: what comes behind them is not late by its own clock. */
static void
test_skipped_frames (void)
{
  g_autoptr (LoadFrames) frames = load_frames_new (MEDIA_CODEC_PCMU, NULL, NULL);
  LoadFlow *speaker = new_flow (frames, TRUE);
  LoadFlow *listener = new_flow (frames, FALSE);
  LoadFlowResult result;

  for (guint i = 0; i < 50; i++)
    {
      guint8 packet[MEDIA_RTP_PACKET_MAX];
      gboolean mark;

      if (i >= 20 && i < 25)
        load_flow_pass (speaker);
      else
        (void)load_flow_receive (listener, packet, load_flow_next (speaker, packet, &mark),
                                 at_ms (20 * (gint64)i));
    }
  load_flow_result (listener, &result);
  g_assert_cmpuint (result.lost, ==, 0);
  g_assert_cmpuint (result.late, ==, 0);
  load_flow_result (speaker, &result);
  g_assert_cmpuint (result.due, ==, 45);
  free_flow (speaker);
  free_flow (listener);
}

/* What the other side lost is in its reports. */
static void
test_flow_reads_reports (void)
{
  g_autoptr (LoadFrames) frames = load_frames_new (MEDIA_CODEC_PCMU, NULL, NULL);
  LoadFlow *here = new_flow (frames, TRUE);
  LoadFlow *there = new_flow (frames, TRUE);
  guint8 packet[MEDIA_RTP_PACKET_MAX];
  LoadFlowResult result;
  gboolean mark;
  gsize size;

  for (guint i = 0; i < 50; i++)
    {
      size = load_flow_next (here, packet, &mark);
      if (i % 10 != 5)
        (void)load_flow_receive (there, packet, size, at_ms (20 * (gint64)i));
      (void)load_flow_next (there, packet, &mark);
    }
  size = load_flow_report (there, packet, sizeof packet, at_ms (1000), (CfgWall){ T0 });
  g_assert_cmpuint (size, >, 0);
  load_flow_receive_report (here, packet, size, at_ms (1001));
  load_flow_result (here, &result);
  g_assert_cmpuint (result.reported_lost, ==, 5);
  free_flow (here);
  free_flow (there);
}

typedef struct
{
  guint n;
  guint n_behind; /* one that was sent later */
  gint64 earliest_us, latest_us, last_sent_us;
} Arrivals;

static void
on_arrival (guint8 *data, gsize length, CfgMonotonic now, gpointer user)
{
  Arrivals *arrivals = user;
  gint64 sent_us;

  g_assert_cmpuint (length, ==, sizeof sent_us);
  memcpy (&sent_us, data, sizeof sent_us);
  arrivals->n++;
  arrivals->n_behind += sent_us < arrivals->last_sent_us;
  arrivals->last_sent_us = MAX (arrivals->last_sent_us, sent_us);
  arrivals->earliest_us = MIN (arrivals->earliest_us, now.us - sent_us);
  arrivals->latest_us = MAX (arrivals->latest_us, now.us - sent_us);
}

static void
test_network (gconstpointer data)
{
  const LoadNetemConfig *config = data;
  g_autoptr (LoadNetem) netem = load_netem_new (7);
  LoadPath path = { 0 };
  Arrivals arrivals = { .earliest_us = G_MAXINT64 };
  const guint n = 20000;

  for (guint i = 0; i < n + 100; i++)
    {
      const CfgMonotonic now = at_ms (20 * (gint64)i);

      if (i < n)
        (void)load_netem_put (netem, config, &path, (const guint8 *)&now.us, sizeof now.us, now, on_arrival,
                              &arrivals);
      for (guint ms = 0; ms < 20; ms++)
        load_netem_advance (netem, at_ms (20 * (gint64)i + ms));
    }
  g_assert_cmpuint (arrivals.n + path.lost, ==, n + path.duplicated);
  g_assert_cmpfloat_with_epsilon ((double)path.duplicated / n, config->duplicate, 0.02);
  g_assert_cmpfloat_with_epsilon ((double)path.reordered / n, config->reorder, 0.02);
  /* Those that were held up, but for two in a row, come behind the next one. */
  g_assert_cmpuint (arrivals.n_behind, <=, path.reordered);
  g_assert_cmpuint (arrivals.n_behind, >=, path.reordered * 8 / 10);
  g_assert_cmpfloat_with_epsilon ((double)path.lost / n, config->loss, 0.02);
  g_assert_cmpint (arrivals.earliest_us, >=, config->delay_us);
  g_assert_cmpint (arrivals.latest_us, <=,
                   config->delay_us + config->jitter_us + 2 * CFG_US_PER_MS
                       + (config->reorder > 0 ? LOAD_NETEM_HOLD_MS * CFG_US_PER_MS : 0));
}

static void
test_describe (void)
{
  const MediaCodecId codecs[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_PCMA };
  const LoadOffer offer = { .ip = "127.0.0.1",
                            .port = 4000,
                            .profile = "RTP/AVP",
                            .attributes = "a=candidate:1 one\r\na=candidate:2 two\r\n",
                            .codecs = codecs,
                            .n_codecs = 2,
                            .playback_rate_hz = 16000,
                            .version = 1 };
  g_autofree char *sdp = load_describe (&offer);
  g_autofree char *second = load_describe_attribute (sdp, "candidate", 1);
  g_autofree char *third = load_describe_attribute (sdp, "candidate", 2);
  g_autofree char *fmtp = load_describe_attribute (sdp, "fmtp", 0);
  LoadAnswer answer;

  g_assert_true (load_describe_read (sdp, &answer));
  g_assert_cmpstr (answer.ip, ==, "127.0.0.1");
  g_assert_cmpuint (answer.port, ==, 4000);
  g_assert_cmpuint (answer.payload_type, ==, 111);
  g_assert_cmpstr (second, ==, "2 two");
  g_assert_null (third);
  g_assert_cmpstr (fmtp, ==, "111 maxplaybackrate=16000");
  g_assert_false (load_describe_read ("v=0\r\nm=audio 0 RTP/AVP 0\r\nc=IN IP4 127.0.0.1\r\n", &answer));
  g_assert_false (load_describe_read ("", &answer));
}

int
main (int argc, char **argv)
{
  static const LoadNetemConfig networks[] = {
    { .loss = 0.05 },
    { .loss = 0.1, .burst = 4, .delay_us = 30000 },
    { .delay_us = 100000, .jitter_us = 50000 },
    { .delay_us = 10000, .reorder = 0.1 },
    { .duplicate = 0.05 },
    { .loss = 0.8 },
  };

  static const GapCase gaps[] = {
    { .hears_pauses = TRUE },
    { .hears_pauses = TRUE, .no_markers = TRUE },
    { .hears_pauses = TRUE, .late_ms = 100, .gaps = 3, .gap_max_ms = 120 },
    { .hears_pauses = TRUE, .lost = 3, .gaps = 3, .gap_max_ms = 80 },
    { .gaps = 2, .gap_max_ms = 1020 },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < MEDIA_CODEC_N; i++)
    {
      g_autofree char *path = g_strdup_printf ("/load/marks/%s", media_codec_get_name (media_codec_get (i)));

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_marks_measure_delay);
    }
  g_test_add_func ("/load/marks/none_in_silence", test_silence_has_no_marks);
  g_test_add_func ("/load/flow/counts", test_flow_counts);
  g_test_add_func ("/load/flow/missing", test_flow_misses);
  g_test_add_func ("/load/flow/turns", test_turns);
  g_test_add_func ("/load/flow/late_comer", test_late_comer);
  g_test_add_func ("/load/flow/skipped", test_skipped_frames);
  g_test_add_func ("/load/flow/muted_pauses", test_muted_pauses);
  g_test_add_data_func ("/load/flow/gaps/pauses", &gaps[0], test_gaps);
  g_test_add_data_func ("/load/flow/gaps/pauses_without_marker", &gaps[1], test_gaps);
  g_test_add_data_func ("/load/flow/gaps/late_in_pauses", &gaps[2], test_gaps);
  g_test_add_data_func ("/load/flow/gaps/lost_in_pauses", &gaps[3], test_gaps);
  g_test_add_data_func ("/load/flow/gaps/where_there_are_no_pauses", &gaps[4], test_gaps);
  g_test_add_func ("/load/flow/reports", test_flow_reads_reports);
  g_test_add_data_func ("/load/network/loss", &networks[0], test_network);
  g_test_add_data_func ("/load/network/loss_of_most", &networks[5], test_network);
  g_test_add_data_func ("/load/network/rows_and_delay", &networks[1], test_network);
  g_test_add_data_func ("/load/network/jitter", &networks[2], test_network);
  g_test_add_data_func ("/load/network/reorder", &networks[3], test_network);
  g_test_add_data_func ("/load/network/duplicate", &networks[4], test_network);
  g_test_add_func ("/load/describe", test_describe);
  return g_test_run ();
}
