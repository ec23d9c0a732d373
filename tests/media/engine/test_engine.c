/* The engine whole: workers with their threads, real sockets on loopback, the main loop. */
#include "engine_harness.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static gboolean
all_closed (TestEngine *fixture)
{
  return fixture->n_closed >= fixture->n_peers;
}

static gboolean
speakers_told (TestEngine *fixture)
{
  return fixture->n_speakers > 0;
}

static gboolean
two_hear_one_another (TestEngine *fixture)
{
  return test_endpoint_level (fixture->peers[0], 1000, 200) > 0.1
         && test_endpoint_level (fixture->peers[1], 440, 200) > 0.1;
}

/* With two seconds' numbers, the newest good, and a report. */
static gboolean
two_are_told_of (TestEngine *fixture)
{
  const MediaLegStats *one = &fixture->last_stats[fixture->peers[0]->leg],
                      *other = &fixture->last_stats[fixture->peers[1]->leg];

  return two_hear_one_another (fixture) && fixture->n_stats >= 4 && fixture->peers[0]->n_rtcp > 0
         && one->forwarding && other->in.packets > 100 && other->in.mos > 4;
}

static void
test_two_legs_hear_one_another (void)
{
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
  TestEngine fixture;
  MediaRoomId room;
  TestEndpoint *a, *b;

  test_engine_init (&fixture, 2);
  room = media_engine_room_new (fixture.engine);
  a = test_endpoint_new (&fixture, pcmu, 440);
  b = test_endpoint_new (&fixture, pcmu, 1000);
  media_engine_leg_attach (fixture.engine, a->leg, room);
  media_engine_leg_attach (fixture.engine, b->leg, room);
  media_engine_room_tell_speakers (fixture.engine, room, FALSE);
  test_engine_run (&fixture, 2500, two_are_told_of);
  g_assert_true (two_are_told_of (&fixture));
  g_assert_cmpuint (a->breaks + b->breaks, ==, 0);
  g_assert_cmpuint (fixture.n_started, ==, 2);
  g_assert_cmpuint (fixture.n_speakers, ==, 0);
  g_assert_cmpuint (fixture.last_stats[a->leg].in.lost, ==, 0);
  g_assert_cmpstr (fixture.last_stats[a->leg].codec_out, ==, "PCMU");
  media_engine_room_tell_speakers (fixture.engine, room, TRUE);
  test_engine_run (&fixture, 2000, speakers_told);
  g_assert_cmpuint (fixture.n_speakers, >=, 1);
  media_engine_leg_free (fixture.engine, a->leg);
  media_engine_leg_free (fixture.engine, b->leg);
  test_engine_run (&fixture, 2000, all_closed);
  g_assert_cmpuint (fixture.n_closed, ==, 2);
  g_assert_cmpuint (fixture.last_stats[b->leg].in.packets, >, 100);
  test_engine_clear (&fixture);
}

/* Everybody hears the tones of the three others, and not his own. */
static gboolean
all_hear (TestEngine *fixture, const double *tones)
{
  for (guint i = 0; i < TEST_MAX_ENDPOINTS; i++)
    for (guint k = 0; k < TEST_MAX_ENDPOINTS; k++)
      if (i == k ? test_endpoint_level (fixture->peers[i], tones[k], 1000) > 0.02
                 : test_endpoint_level (fixture->peers[i], tones[k], 1000) < 0.05)
        return FALSE;
  return TRUE;
}

static void
test_every_codec_in_one_room (void)
{
  static const MediaCodecId codecs[TEST_MAX_ENDPOINTS][2] = { { MEDIA_CODEC_PCMU, MEDIA_CODEC_N },
                                                              { MEDIA_CODEC_PCMA, MEDIA_CODEC_N },
                                                              { MEDIA_CODEC_G722, MEDIA_CODEC_N },
                                                              { MEDIA_CODEC_OPUS, MEDIA_CODEC_N } };
  static const double tones[TEST_MAX_ENDPOINTS] = { 440, 820, 1300, 1900 };
  TestEngine fixture;
  MediaWorkerStats stats;
  MediaRoomId room;

  test_engine_init (&fixture, 2);
  room = media_engine_room_new (fixture.engine);
  for (guint i = 0; i < TEST_MAX_ENDPOINTS; i++)
    media_engine_leg_attach (fixture.engine, test_endpoint_new (&fixture, codecs[i], tones[i])->leg, room);
  test_engine_run (&fixture, 3000, NULL);
  /* A machine that had no time for us for a moment has some later. */
  for (guint tries = 0; tries < 10 && !all_hear (&fixture, tones); tries++)
    test_engine_run (&fixture, 1000, NULL);
  g_assert_true (all_hear (&fixture, tones));
  for (guint i = 0; i < TEST_MAX_ENDPOINTS; i++)
    g_assert_cmpuint (fixture.peers[i]->breaks, ==, 0);
  media_engine_worker_stats (fixture.engine, (guint)media_engine_room_worker (fixture.engine, room), &stats);
  g_assert_cmpint (stats.opus_audio_us, >, CFG_US_PER_S); /* one listener's */
  g_assert_cmpint (stats.opus_cpu_us, >, 0);
  test_engine_clear (&fixture);
}

static void
test_leg_moves_between_workers (void)
{
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
  TestEngine fixture;
  MediaRoomId rooms[3];
  TestEndpoint *a, *b;
  guint64 sent;

  test_engine_init (&fixture, 3);
  for (guint i = 0; i < 3; i++)
    rooms[i] = media_engine_room_new (fixture.engine); /* one on each worker */
  a = test_endpoint_new (&fixture, pcmu, 440);
  b = test_endpoint_new (&fixture, pcmu, 1000);
  for (guint i = 0; i < 12; i++)
    {
      media_engine_leg_attach (fixture.engine, a->leg, rooms[i % 3]);
      /* Away and back before the first move is through. */
      if (i % 4 == 3)
        {
          media_engine_leg_attach (fixture.engine, a->leg, rooms[(i + 1) % 3]);
          media_engine_leg_attach (fixture.engine, a->leg, 0);
          media_engine_leg_attach (fixture.engine, a->leg, rooms[i % 3]);
        }
      media_engine_leg_attach (fixture.engine, b->leg, rooms[i % 3]);
      test_engine_run (&fixture, 400, NULL);
    }
  test_engine_run (&fixture, 2000, two_hear_one_another);
  g_assert_true (two_hear_one_another (&fixture));
  g_assert_cmpuint (a->breaks + b->breaks, ==, 0);
  sent = (guint16)(a->voice->sequence - 65530);
  media_engine_leg_free (fixture.engine, a->leg);
  media_engine_leg_free (fixture.engine, b->leg);
  test_engine_run (&fixture, 2000, all_closed);
  /* The first packet of plain RTP only proves the source. */
  g_assert_cmpuint (fixture.last_stats[a->leg].in.lost, ==, 0);
  g_assert_cmpuint (fixture.last_stats[a->leg].in.packets, >=, sent - 1);
  test_engine_clear (&fixture);
}

static void
on_exported (gpointer user, const MediaLegState *state)
{
  TestEngine *fixture = user;

  fixture->export_done = TRUE;
  if (state != NULL)
    {
      fixture->exported = media_leg_state_new ();
      *fixture->exported = *state;
    }
}

static gboolean
is_exported (TestEngine *fixture)
{
  return fixture->export_done;
}

static gboolean
is_latched (TestEngine *fixture)
{
  return fixture->n_started > 0 && fixture->peers[0]->packets > 10;
}

static void
test_state_is_exported (void)
{
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
  TestEngine fixture;
  TestEndpoint *a;

  test_engine_init (&fixture, 1);
  a = test_endpoint_new (&fixture, pcmu, 440);
  test_engine_run (&fixture, 500, is_latched);
  media_engine_leg_export (fixture.engine, a->leg, on_exported, &fixture);
  test_engine_run (&fixture, 2000, is_exported);
  g_assert_nonnull (fixture.exported);
  g_assert_cmpuint (fixture.exported->local_rtp_port, ==, a->local.rtp_port);
  g_assert_cmpuint (fixture.exported->latch.remote.port, ==, a->port);
  g_assert_true (fixture.exported->sections[0].streams[MEDIA_CODEC_PCMU].used);
  g_assert_cmphex (fixture.exported->sections[0].streams[MEDIA_CODEC_PCMU].rewriter.ssrc, ==,
                   a->plan.sections[0].ssrc);
  g_clear_pointer (&fixture.exported, media_leg_state_free);
  fixture.export_done = FALSE;
  media_engine_leg_free (fixture.engine, a->leg);
  media_engine_leg_export (fixture.engine, a->leg, on_exported, &fixture);
  test_engine_run (&fixture, 2000, is_exported);
  g_assert_null (fixture.exported);
  test_engine_clear (&fixture);
}

static gboolean
strangers_are_counted (TestEngine *fixture)
{
  MediaWorkerStats stats;

  media_engine_worker_stats (fixture->engine, 0, &stats);
  return stats.strangers >= 200 && test_endpoint_level (fixture->peers[1], 440, 300) > 0.1;
}

static void
test_strangers_are_counted (void)
{
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
  TestEngine fixture;
  TestEndpoint *a, *b;
  guint64 before;
  gint64 since;
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  MediaWorkerStats stats;

  test_engine_init (&fixture, 1);
  a = test_endpoint_new (&fixture, pcmu, 440);
  b = test_endpoint_new (&fixture, pcmu, 0);
  MediaRoomId room = media_engine_room_new (fixture.engine);
  media_engine_leg_attach (fixture.engine, a->leg, room);
  media_engine_leg_attach (fixture.engine, b->leg, room);
  test_engine_run (&fixture, 500, NULL);
  before = b->packets;
  since = g_get_monotonic_time ();
  for (guint i = 0; i < 200; i++)
    {
      guint8 junk[300];

      for (gsize k = 0; k < sizeof junk; k++)
        junk[k] = (guint8)g_test_rand_int ();
      if (i % 2 == 0)
        {
          junk[0] = 0x80;
          junk[1] = 0;
        }
      g_assert_cmpint (sendto (fd, junk, (gsize)g_test_rand_int_range (0, 300), 0, (struct sockaddr *)&a->to,
                               sizeof a->to),
                       >=, 0);
    }
  test_engine_run (&fixture, 800, NULL);
  test_engine_run (&fixture, 2000, strangers_are_counted);
  media_engine_worker_stats (fixture.engine, 0, &stats);
  g_assert_cmpuint (stats.strangers, ==, 200);
  g_assert_cmpuint (stats.n_legs, ==, 2);
  g_assert_cmpuint (stats.n_rooms, ==, 1);
  g_assert_cmpfloat (stats.load, <, 0.5);
  g_assert_cmpuint (b->packets - before, <, 50 + (guint64)(g_get_monotonic_time () - since) / 20000);
  g_assert_cmpuint (b->breaks, ==, 0);
  g_assert_cmpfloat (test_endpoint_level (b, 440, 300), >, 0.1);
  close (fd);
  test_engine_clear (&fixture);
}

static guint wanted_closed;

static gboolean
enough_closed (TestEngine *fixture)
{
  return fixture->n_closed >= wanted_closed;
}

static void
cycle (TestEngine *fixture, guint n)
{
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };

  for (guint i = 0; i < n; i++)
    {
      MediaRoomId room = media_engine_room_new (fixture->engine);

      for (guint k = 0; k < 3; k++)
        {
          TestEndpoint *peer = test_endpoint_new (fixture, pcmu, 440);

          media_engine_leg_attach (fixture->engine, peer->leg, room);
          test_endpoint_send (peer);
          test_endpoint_send (peer);
        }
      wanted_closed = fixture->n_closed + 3;
      for (guint k = 0; k < 3; k++)
        media_engine_leg_free (fixture->engine, fixture->peers[k]->leg);
      media_engine_room_free (fixture->engine, room);
      for (guint k = 0; k < 3; k++)
        test_endpoint_free (fixture->peers[k]);
      fixture->n_peers = 0;
      test_engine_run (fixture, 5000, enough_closed);
      g_assert_cmpuint (fixture->n_closed, ==, wanted_closed);
    }
}

static void
test_legs_come_and_go_without_growth (void)
{
  TestEngine fixture;
  guint fds;
  glong rss;

  test_engine_init (&fixture, 2);
  cycle (&fixture, 50);
  fds = test_count_fds ();
  rss = test_rss_kb ();
  cycle (&fixture, 200);
  g_assert_cmpuint (test_count_fds (), ==, fds);
  g_test_message ("RSS %ld kB, then %ld kB", rss, test_rss_kb ());
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__ /* which keep freed memory for a while */
  g_assert_cmpint (test_rss_kb () - rss, <, 400);
#endif
  test_engine_clear (&fixture);
}

static gboolean
is_quiet (TestEngine *fixture)
{
  return test_endpoint_level (fixture->peers[1], 440, 500) < 0.002;
}

static gboolean
is_heard (TestEngine *fixture)
{
  return test_endpoint_level (fixture->peers[1], 440, 500) > 0.05;
}

/* Those who came and went leave their places to those who must not hear now. */
static void
test_gains_go_with_their_listeners (void)
{
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
  const MediaRtpLegConfig config = { .local_address = "127.0.0.1" };
  TestEngine fixture;
  TestEndpoint *a, *b;
  MediaRoomId room;

  test_engine_init (&fixture, 1);
  room = media_engine_room_new (fixture.engine);
  a = test_endpoint_new (&fixture, pcmu, 440);
  b = test_endpoint_new (&fixture, pcmu, 1000);
  wanted_closed = MEDIA_MAX_GAINS + 10;
  for (guint i = 0; i < wanted_closed; i++)
    {
      g_autoptr (GError) error = NULL;
      MediaRtpLocal local;
      MediaLegId listener = media_engine_leg_new_rtp (fixture.engine, &config, &local, &error);

      g_assert_no_error (error);
      media_engine_leg_set_gain (fixture.engine, a->leg, listener, -60);
      media_engine_leg_free (fixture.engine, listener);
    }
  media_engine_leg_attach (fixture.engine, a->leg, room);
  media_engine_leg_attach (fixture.engine, b->leg, room);
  test_engine_run (&fixture, 5000, enough_closed);
  test_engine_run (&fixture, 1000, is_heard);
  g_assert_true (is_heard (&fixture));
  media_engine_leg_set_gain (fixture.engine, a->leg, b->leg, -60);
  test_engine_run (&fixture, 1000, NULL);
  test_engine_run (&fixture, 5000, is_quiet);
  g_assert_true (is_quiet (&fixture));
  test_engine_clear (&fixture);
}

static double wanted_level;

static gboolean
is_as_wanted (TestEngine *fixture)
{
  return fabs (20 * log10 (test_endpoint_level (fixture->peers[1], 440, 500) / wanted_level)) < 1;
}

/* Two who were called, and answer one after the other: their room is on another worker than they were. */
static void
test_gains_follow_to_another_worker (void)
{
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
  TestEngine fixture;
  TestEndpoint *a, *b;
  MediaRoomId room;

  test_engine_init (&fixture, 2);
  room = media_engine_room_new (fixture.engine);
  media_engine_avoid_worker (fixture.engine, (guint)media_engine_room_worker (fixture.engine, room), TRUE);
  a = test_endpoint_new (&fixture, pcmu, 440);
  b = test_endpoint_new (&fixture, pcmu, 1000);
  media_engine_leg_set_gain (fixture.engine, a->leg, b->leg, -12);
  media_engine_leg_attach (fixture.engine, b->leg, room);
  test_engine_run (&fixture, 200, NULL);
  media_engine_leg_attach (fixture.engine, a->leg, room);
  wanted_level = 0.3006 * pow (10, -12.0 / 20);
  test_engine_run (&fixture, 1500, NULL); /* on its way up from silence it is as wanted too */
  test_engine_run (&fixture, 5000, is_as_wanted);
  g_assert_true (is_as_wanted (&fixture));
  test_engine_clear (&fixture);
}

/* Who may not hear for a while hears as before afterwards: forwarded, with a gain of everybody and its own.
 */
static void
test_hearing_comes_back_as_it_was (void)
{
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
  static const double gains_db[][2] = { { 0, 0 }, { -12, 0 }, { -12, -6 } }; /* everybody's, its own */
  TestEngine fixture;
  TestEndpoint *a, *b;
  MediaRoomId room;

  test_engine_init (&fixture, 1);
  room = media_engine_room_new (fixture.engine);
  a = test_endpoint_new (&fixture, pcmu, 440);
  b = test_endpoint_new (&fixture, pcmu, 1000);
  media_engine_leg_attach (fixture.engine, a->leg, room);
  media_engine_leg_attach (fixture.engine, b->leg, room);
  for (gsize i = 0; i < G_N_ELEMENTS (gains_db); i++)
    {
      const double own_db = gains_db[i][1];

      wanted_level = 0.3006 * pow (10, (own_db != 0 ? own_db : gains_db[i][0]) / 20);
      media_engine_leg_set_gain (fixture.engine, a->leg, 0, gains_db[i][0]);
      if (own_db != 0)
        media_engine_leg_set_gain (fixture.engine, a->leg, b->leg, own_db);
      test_engine_run (&fixture, 5000, is_as_wanted);
      g_assert_true (is_as_wanted (&fixture));
      media_engine_leg_set_deaf (fixture.engine, b->leg, TRUE);
      test_engine_run (&fixture, 5000, is_quiet);
      g_assert_true (is_quiet (&fixture));
      media_engine_leg_set_deaf (fixture.engine, b->leg, FALSE);
      test_engine_run (&fixture, 5000, is_as_wanted);
      g_assert_true (is_as_wanted (&fixture));
    }
  test_engine_clear (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/engine/two_legs_hear_one_another", test_two_legs_hear_one_another);
  g_test_add_func ("/media/engine/every_codec_in_one_room", test_every_codec_in_one_room);
  g_test_add_func ("/media/engine/leg_moves_between_workers", test_leg_moves_between_workers);
  g_test_add_func ("/media/engine/state_is_exported", test_state_is_exported);
  g_test_add_func ("/media/engine/strangers_are_counted", test_strangers_are_counted);
  g_test_add_func ("/media/engine/gains_go_with_their_listeners", test_gains_go_with_their_listeners);
  g_test_add_func ("/media/engine/gains_follow_to_another_worker", test_gains_follow_to_another_worker);
  g_test_add_func ("/media/engine/hearing_comes_back_as_it_was", test_hearing_comes_back_as_it_was);
  g_test_add_func ("/media/engine/legs_come_and_go_without_growth", test_legs_come_and_go_without_growth);
  return g_test_run ();
}
