/* The engine whole: workers with their threads, real sockets on loopback, the main loop. Peers are small RTP
 * endpoints of the test on sockets of their own. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "leg_harness.h"
#include "media/engine.h"
#include "media/io/pump.h"

#define MAX_PEERS 4

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
} Endpoint;

typedef struct
{
  MediaEngine *engine;
  GMainLoop *loop;
  Endpoint *peers[MAX_PEERS];
  guint n_peers;
  guint n_closed, n_started, n_stats, n_speakers, n_dtmf, n_failed;
  MediaLegStats last_stats[64]; /* by leg id modulo */
  MediaLegState *exported;
  gboolean export_done;
} Fixture;

static void
on_gathered (gpointer owner, MediaLegId leg, const MediaRtcLocal *local)
{
}

static void
on_text (gpointer owner, MediaLegId leg, const char *text)
{
}

static void
on_failed (gpointer owner, MediaLegId leg, const char *reason)
{
  ((Fixture *)owner)->n_failed++;
}

static void
on_connected (gpointer owner, MediaLegId leg, const char *cipher, const char *remote)
{
}

static void
on_disconnected (gpointer owner, MediaLegId leg)
{
}

static void
on_started (gpointer owner, MediaLegId leg, const char *codec, const char *cipher, const char *remote)
{
  ((Fixture *)owner)->n_started++;
  g_assert_cmpstr (cipher, ==, "none");
  g_assert_true (g_str_has_prefix (remote, "127.0.0.1:"));
}

static void
on_dtmf (gpointer owner, MediaLegId leg, char digit, guint duration_ms)
{
  ((Fixture *)owner)->n_dtmf++;
}

static void
on_timeout (gpointer owner, MediaLegId leg, gboolean initial)
{
}

static void
on_stats (gpointer owner, MediaLegId leg, const MediaLegStats *stats)
{
  Fixture *fixture = owner;

  fixture->n_stats++;
  fixture->last_stats[leg % G_N_ELEMENTS (fixture->last_stats)] = *stats;
}

static void
on_closed (gpointer owner, MediaLegId leg, const MediaLegStats *stats)
{
  Fixture *fixture = owner;

  fixture->n_closed++;
  fixture->last_stats[leg % G_N_ELEMENTS (fixture->last_stats)] = *stats;
}

static void
on_speakers (gpointer owner, MediaRoomId room, const MediaSpeaker *speakers, gsize n)
{
  ((Fixture *)owner)->n_speakers++;
}

static const MediaEngineOps ops = {
  .leg_gathered = on_gathered,
  .leg_candidate = on_text,
  .leg_connected = on_connected,
  .leg_disconnected = on_disconnected,
  .leg_failed = on_failed,
  .leg_media_started = on_started,
  .leg_dtmf = on_dtmf,
  .leg_timeout = on_timeout,
  .leg_stats = on_stats,
  .leg_closed = on_closed,
  .room_speakers = on_speakers,
};

static void
fixture_init (Fixture *fixture, guint n_workers)
{
  const MediaEngineConfig config = { .n_workers = n_workers,
                                     .rtp_port_start = 30000,
                                     .rtp_port_end = 39999,
                                     .opus_complexity = 1,
                                     .mix_speakers = 6,
                                     .timeout_us = 60 * CFG_US_PER_S };
  g_autoptr (GError) error = NULL;

  *fixture = (Fixture){ 0 };
  fixture->engine = media_engine_new (&config, &ops, fixture, &error);
  g_assert_no_error (error);
}

static Endpoint *
endpoint_new (Fixture *fixture, const MediaCodecId *codecs, double tone_hz)
{
  const MediaRtpLegConfig config = { .local_address = "127.0.0.1" };
  struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof own;
  Endpoint *peer = g_new0 (Endpoint, 1);
  g_autoptr (GError) error = NULL;

  peer->voice = test_peer_new (fixture->n_peers + 1, FALSE, codecs, cfg_monotonic_now ());
  peer->voice->tone_hz = tone_hz;
  peer->pcm = g_array_new (FALSE, FALSE, sizeof (gint16));
  peer->fd = socket (AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (peer->fd, (struct sockaddr *)&own, sizeof own), ==, 0);
  g_assert_cmpint (getsockname (peer->fd, (struct sockaddr *)&own, &size), ==, 0);
  peer->port = ntohs (own.sin_port);
  peer->leg = media_engine_leg_new_rtp (fixture->engine, &config, &peer->local, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (peer->local.rtp_port % 2, ==, 0);
  peer->to = (struct sockaddr_in){ .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
                                   .sin_port = htons (peer->local.rtp_port) };
  peer->plan = peer->voice->plan;
  g_strlcpy (peer->plan.remote_address, "127.0.0.1", sizeof peer->plan.remote_address);
  peer->plan.remote_rtp_port = peer->port;
  peer->plan.rtcp_mux = TRUE;
  media_engine_leg_configure (fixture->engine, peer->leg, &peer->plan);
  fixture->peers[fixture->n_peers++] = peer;
  return peer;
}

static void
endpoint_free (Endpoint *peer)
{
  test_peer_free (peer->voice);
  g_clear_pointer (&peer->decoder, media_decoder_free);
  g_array_unref (peer->pcm);
  close (peer->fd);
  g_free (peer);
}

static void
endpoint_hear (Endpoint *peer, const MediaRtpView *packet)
{
  gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];
  MediaCodecId codec = MEDIA_CODEC_N;
  gssize samples;

  peer->breaks += peer->any && packet->sequence != (guint16)(peer->sequence + 1);
  peer->any = TRUE;
  peer->sequence = packet->sequence;
  peer->payload_type = packet->payload_type;
  peer->packets++;
  for (guint i = 0; i < peer->plan.sections[0].n_codecs; i++)
    if (peer->plan.sections[0].codecs[i].send_pt == packet->payload_type)
      codec = peer->plan.sections[0].codecs[i].codec;
  g_assert_cmpint (codec, !=, MEDIA_CODEC_N);
  if (peer->decoder == NULL || peer->decoder_codec != codec)
    {
      g_clear_pointer (&peer->decoder, media_decoder_free);
      peer->decoder = media_decoder_new (media_codec_get (codec), TEST_HEARD_RATE, NULL);
      peer->decoder_codec = codec;
    }
  samples
      = media_decoder_decode (peer->decoder, packet->payload, packet->payload_size, pcm, G_N_ELEMENTS (pcm));
  g_assert_cmpint (samples, >, 0);
  g_array_append_vals (peer->pcm, pcm, (guint)samples);
}

static void
endpoint_receive (Endpoint *peer)
{
  guint8 buffer[2048];
  gssize size;

  while ((size = recv (peer->fd, buffer, sizeof buffer, 0)) > 0)
    {
      MediaRtpView packet;

      if (buffer[1] >= 192 && buffer[1] <= 223)
        peer->n_rtcp++;
      else if (media_rtp_parse (&packet, buffer, (gsize)size) == 0)
        endpoint_hear (peer, &packet);
    }
}

static void
endpoint_send (Endpoint *peer)
{
  guint8 packet[MEDIA_PACKET_SIZE];
  const gsize size = test_peer_packet (peer->voice, packet, sizeof packet);

  g_assert_cmpint (sendto (peer->fd, packet, size, 0, (struct sockaddr *)&peer->to, sizeof peer->to), ==,
                   (gssize)size);
}

/* Real time: every endpoint with a tone sends each 20 ms, until @ms have passed or @enough says so. */
static void
run (Fixture *fixture, guint ms, gboolean (*enough) (Fixture *fixture))
{
  const gint64 start = g_get_monotonic_time ();
  gint64 next = start;

  while (g_get_monotonic_time () < start + ms * 1000 && (enough == NULL || !enough (fixture)))
    {
      for (guint i = 0; i < fixture->n_peers; i++)
        {
          endpoint_receive (fixture->peers[i]);
          if (fixture->peers[i]->voice->tone_hz > 0 && g_get_monotonic_time () >= next)
            endpoint_send (fixture->peers[i]);
        }
      if (g_get_monotonic_time () >= next)
        next += 20000;
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_usleep (2000);
    }
}

static void
fixture_clear (Fixture *fixture)
{
  for (guint i = 0; i < fixture->n_peers; i++)
    endpoint_free (fixture->peers[i]);
  media_engine_free (fixture->engine);
  g_clear_pointer (&fixture->exported, media_leg_state_free);
}

static double
level (const Endpoint *peer, double tone_hz, guint ms)
{
  const gsize samples = MIN (peer->pcm->len, TEST_HEARD_RATE / 1000 * ms);

  return test_tone_level ((const gint16 *)(gpointer)peer->pcm->data + peer->pcm->len - samples, samples,
                          TEST_HEARD_RATE, tone_hz);
}

static gboolean
all_closed (Fixture *fixture)
{
  return fixture->n_closed >= fixture->n_peers;
}

static void
test_two_legs_hear_one_another (void)
{
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
  Fixture fixture;
  MediaRoomId room;
  Endpoint *a, *b;

  fixture_init (&fixture, 2);
  room = media_engine_room_new (fixture.engine);
  a = endpoint_new (&fixture, pcmu, 440);
  b = endpoint_new (&fixture, pcmu, 1000);
  media_engine_leg_attach (fixture.engine, a->leg, room);
  media_engine_leg_attach (fixture.engine, b->leg, room);
  run (&fixture, 2500, NULL);
  g_assert_cmpfloat (level (a, 1000, 500), >, 0.1);
  g_assert_cmpfloat (level (b, 440, 500), >, 0.1);
  g_assert_cmpuint (a->breaks + b->breaks, ==, 0);
  g_assert_cmpuint (fixture.n_started, ==, 2);
  g_assert_cmpuint (fixture.n_stats, >=, 2);
  g_assert_cmpuint (fixture.n_speakers, >=, 1);
  g_assert_cmpuint (a->n_rtcp, >=, 1);
  g_assert_true (fixture.last_stats[a->leg].forwarding);
  g_assert_cmpuint (fixture.last_stats[a->leg].in.lost, ==, 0);
  g_assert_cmpstr (fixture.last_stats[a->leg].codec_out, ==, "PCMU");
  media_engine_leg_free (fixture.engine, a->leg);
  media_engine_leg_free (fixture.engine, b->leg);
  run (&fixture, 2000, all_closed);
  g_assert_cmpuint (fixture.n_closed, ==, 2);
  g_assert_cmpuint (fixture.last_stats[b->leg].in.packets, >, 100);
  g_assert_cmpfloat (fixture.last_stats[b->leg].in.mos, >, 4);
  fixture_clear (&fixture);
}

static void
test_every_codec_in_one_room (void)
{
  static const MediaCodecId codecs[MAX_PEERS][2] = { { MEDIA_CODEC_PCMU, MEDIA_CODEC_N },
                                                     { MEDIA_CODEC_PCMA, MEDIA_CODEC_N },
                                                     { MEDIA_CODEC_G722, MEDIA_CODEC_N },
                                                     { MEDIA_CODEC_OPUS, MEDIA_CODEC_N } };
  static const double tones[MAX_PEERS] = { 440, 820, 1300, 1900 };
  Fixture fixture;
  MediaRoomId room;

  fixture_init (&fixture, 2);
  room = media_engine_room_new (fixture.engine);
  for (guint i = 0; i < MAX_PEERS; i++)
    media_engine_leg_attach (fixture.engine, endpoint_new (&fixture, codecs[i], tones[i])->leg, room);
  run (&fixture, 3000, NULL);
  for (guint i = 0; i < MAX_PEERS; i++)
    {
      for (guint k = 0; k < MAX_PEERS; k++)
        if (i == k)
          g_assert_cmpfloat (level (fixture.peers[i], tones[k], 1000), <, 0.02);
        else
          g_assert_cmpfloat (level (fixture.peers[i], tones[k], 1000), >, 0.05);
      g_assert_cmpuint (fixture.peers[i]->breaks, ==, 0);
    }
  fixture_clear (&fixture);
}

static void
test_leg_moves_between_workers (void)
{
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
  Fixture fixture;
  MediaRoomId rooms[3];
  Endpoint *a, *b;
  guint64 sent;

  fixture_init (&fixture, 3);
  for (guint i = 0; i < 3; i++)
    rooms[i] = media_engine_room_new (fixture.engine); /* one on each worker */
  a = endpoint_new (&fixture, pcmu, 440);
  b = endpoint_new (&fixture, pcmu, 1000);
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
      run (&fixture, 400, NULL);
    }
  g_assert_cmpfloat (level (a, 1000, 200), >, 0.1);
  g_assert_cmpfloat (level (b, 440, 200), >, 0.1);
  g_assert_cmpuint (a->breaks + b->breaks, ==, 0);
  sent = (guint16)(a->voice->sequence - 65530);
  media_engine_leg_free (fixture.engine, a->leg);
  media_engine_leg_free (fixture.engine, b->leg);
  run (&fixture, 2000, all_closed);
  /* The first packet of plain RTP only proves the source. */
  g_assert_cmpuint (fixture.last_stats[a->leg].in.lost, ==, 0);
  g_assert_cmpuint (fixture.last_stats[a->leg].in.packets, >=, sent - 1);
  fixture_clear (&fixture);
}

static void
on_exported (gpointer user, const MediaLegState *state)
{
  Fixture *fixture = user;

  fixture->export_done = TRUE;
  if (state != NULL)
    {
      fixture->exported = media_leg_state_new ();
      *fixture->exported = *state;
    }
}

static gboolean
is_exported (Fixture *fixture)
{
  return fixture->export_done;
}

static void
test_state_is_exported (void)
{
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
  Fixture fixture;
  Endpoint *a;

  fixture_init (&fixture, 1);
  a = endpoint_new (&fixture, pcmu, 440);
  run (&fixture, 500, NULL);
  media_engine_leg_export (fixture.engine, a->leg, on_exported, &fixture);
  run (&fixture, 2000, is_exported);
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
  run (&fixture, 2000, is_exported);
  g_assert_null (fixture.exported);
  fixture_clear (&fixture);
}

static void
test_strangers_are_counted (void)
{
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
  Fixture fixture;
  Endpoint *a, *b;
  guint64 before;
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  MediaWorkerStats stats;

  fixture_init (&fixture, 1);
  a = endpoint_new (&fixture, pcmu, 440);
  b = endpoint_new (&fixture, pcmu, 0);
  MediaRoomId room = media_engine_room_new (fixture.engine);
  media_engine_leg_attach (fixture.engine, a->leg, room);
  media_engine_leg_attach (fixture.engine, b->leg, room);
  run (&fixture, 500, NULL);
  before = b->packets;
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
  run (&fixture, 1500, NULL);
  media_engine_worker_stats (fixture.engine, 0, &stats);
  g_assert_cmpuint (stats.strangers, ==, 200);
  g_assert_cmpuint (stats.n_legs, ==, 2);
  g_assert_cmpuint (stats.n_rooms, ==, 1);
  g_assert_cmpfloat (stats.load, <, 0.5);
  g_assert_cmpuint (b->packets - before, <, 90);
  g_assert_cmpuint (b->breaks, ==, 0);
  g_assert_cmpfloat (level (b, 440, 300), >, 0.1);
  close (fd);
  fixture_clear (&fixture);
}

static guint
count_fds (void)
{
  DIR *dir = opendir ("/proc/self/fd");
  guint n = 0;

  while (readdir (dir) != NULL)
    n++;
  closedir (dir);
  return n;
}

static glong
rss_kb (void)
{
  g_autofree char *text = NULL;
  glong pages;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  pages = strtol (strchr (text, ' '), NULL, 10);
  return pages * (sysconf (_SC_PAGESIZE) / 1024);
}

static guint wanted_closed;

static gboolean
enough_closed (Fixture *fixture)
{
  return fixture->n_closed >= wanted_closed;
}

static void
cycle (Fixture *fixture, guint n)
{
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };

  for (guint i = 0; i < n; i++)
    {
      MediaRoomId room = media_engine_room_new (fixture->engine);

      for (guint k = 0; k < 3; k++)
        {
          Endpoint *peer = endpoint_new (fixture, pcmu, 440);

          media_engine_leg_attach (fixture->engine, peer->leg, room);
          endpoint_send (peer);
          endpoint_send (peer);
        }
      wanted_closed = fixture->n_closed + 3;
      for (guint k = 0; k < 3; k++)
        media_engine_leg_free (fixture->engine, fixture->peers[k]->leg);
      media_engine_room_free (fixture->engine, room);
      for (guint k = 0; k < 3; k++)
        endpoint_free (fixture->peers[k]);
      fixture->n_peers = 0;
      run (fixture, 5000, enough_closed);
      g_assert_cmpuint (fixture->n_closed, ==, wanted_closed);
    }
}

static void
test_legs_come_and_go_without_growth (void)
{
  Fixture fixture;
  guint fds;
  glong rss;

  fixture_init (&fixture, 2);
  cycle (&fixture, 50);
  fds = count_fds ();
  rss = rss_kb ();
  cycle (&fixture, 200);
  g_assert_cmpuint (count_fds (), ==, fds);
  g_test_message ("RSS %ld kB, then %ld kB", rss, rss_kb ());
#ifndef __SANITIZE_ADDRESS__ /* which keeps freed memory in quarantine */
  g_assert_cmpint (rss_kb () - rss, <, 400);
#endif
  fixture_clear (&fixture);
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
  g_test_add_func ("/media/engine/legs_come_and_go_without_growth", test_legs_come_and_go_without_growth);
  return g_test_run ();
}
