#include "engine_harness.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/io/pump.h"

#define PATIENCE_MS 30000

static void
on_gathered (gpointer owner, MediaLegId leg, const MediaRtcLocal *local)
{
  TestEngine *test = owner;
  g_autofree char *candidates = g_strjoinv ("|", (char **)local->candidates);

  test->n_gathered++;
  g_ptr_array_add (test->descriptions, g_strdup_printf ("%s|%s|%s|%s", local->ufrag, local->pwd,
                                                        media_engine_fingerprint (test->engine), candidates));
}

static void
on_text (gpointer owner, MediaLegId leg, const char *text)
{
}

static void
on_failed (gpointer owner, MediaLegId leg, const char *reason)
{
  TestEngine *test = owner;

  test->n_failed++;
  g_strlcpy (test->failure, reason, sizeof test->failure);
}

static void
on_connected (gpointer owner, MediaLegId leg, const MediaRtcPath *path)
{
  TestEngine *test = owner;

  test->n_connected++;
  g_strlcpy (test->cipher, path->cipher, sizeof test->cipher);
  g_assert_true (g_str_has_prefix (path->dtls, "DTLSv1.2 "));
  g_assert_nonnull (strstr (path->pair, path->remote));
}

static void
on_disconnected (gpointer owner, MediaLegId leg)
{
  ((TestEngine *)owner)->n_disconnected++;
}

static void
on_started (gpointer owner, MediaLegId leg, const char *codec, const char *cipher, const char *remote)
{
  ((TestEngine *)owner)->n_started++;
  g_assert_true (g_str_has_prefix (remote, "127.0.0.1:"));
}

static void
on_dtmf (gpointer owner, MediaLegId leg, char digit, guint duration_ms)
{
  TestEngine *test = owner;

  g_assert_cmpuint (test->n_dtmf + 1, <, sizeof test->digits);
  test->digits[test->n_dtmf++] = digit;
}

static void
on_timeout (gpointer owner, MediaLegId leg, gboolean initial)
{
}

static void
on_stats (gpointer owner, MediaLegId leg, const MediaLegStats *stats)
{
  TestEngine *fixture = owner;

  fixture->n_stats++;
  fixture->last_stats[leg % G_N_ELEMENTS (fixture->last_stats)] = *stats;
}

static void
on_closed (gpointer owner, MediaLegId leg, const MediaLegStats *stats)
{
  TestEngine *fixture = owner;

  fixture->n_closed++;
  fixture->last_stats[leg % G_N_ELEMENTS (fixture->last_stats)] = *stats;
}

static void
on_speakers (gpointer owner, MediaRoomId room, const MediaSpeaker *speakers, gsize n)
{
  ((TestEngine *)owner)->n_speakers++;
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

void
test_engine_init (TestEngine *fixture, guint n_workers)
{
  static const char *const loopback[] = { "127.0.0.1", NULL };
  const MediaEngineConfig config = { .n_workers = n_workers,
                                     .rtp_port_start = 30000,
                                     .rtp_port_end = 39999,
                                     .opus_complexity = 1,
                                     .mix_speakers = 6,
                                     .rtc_bind = loopback,
                                     .timeout_us = 60 * CFG_US_PER_S };
  g_autoptr (GError) error = NULL;

  *fixture = (TestEngine){ .descriptions = g_ptr_array_new_with_free_func (g_free) };
  fixture->engine = media_engine_new (&config, &ops, fixture, &error);
  g_assert_no_error (error);
}

TestEndpoint *
test_endpoint_new (TestEngine *fixture, const MediaCodecId *codecs, double tone_hz)
{
  const MediaRtpLegConfig config = { .local_address = "127.0.0.1" };
  struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof own;
  TestEndpoint *peer = g_new0 (TestEndpoint, 1);
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

void
test_endpoint_free (TestEndpoint *peer)
{
  test_peer_free (peer->voice);
  g_clear_pointer (&peer->decoder, media_decoder_free);
  g_array_unref (peer->pcm);
  close (peer->fd);
  g_free (peer);
}

void
test_endpoint_hear (TestEndpoint *peer, const MediaRtpView *packet)
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
endpoint_receive (TestEndpoint *peer)
{
  guint8 buffer[2048];
  gssize size;

  while ((size = recv (peer->fd, buffer, sizeof buffer, 0)) > 0)
    {
      MediaRtpView packet;

      if (buffer[1] >= 192 && buffer[1] <= 223)
        peer->n_rtcp++;
      else if (media_rtp_parse (&packet, buffer, (gsize)size) == 0)
        test_endpoint_hear (peer, &packet);
    }
}

void
test_endpoint_send (TestEndpoint *peer)
{
  guint8 packet[MEDIA_PACKET_SIZE];
  const gsize size = test_peer_packet (peer->voice, packet, sizeof packet);

  g_assert_cmpint (sendto (peer->fd, packet, size, 0, (struct sockaddr *)&peer->to, sizeof peer->to), ==,
                   (gssize)size);
}

void
test_engine_run (TestEngine *fixture, guint ms, gboolean (*enough) (TestEngine *fixture))
{
  const gint64 start = g_get_monotonic_time ();
  const gint64 end = start + (enough == NULL ? ms : MAX (ms, PATIENCE_MS)) * 1000;
  gint64 next = start;

  while (g_get_monotonic_time () < end && (enough == NULL || !enough (fixture)))
    {
      for (guint i = 0; i < fixture->n_peers; i++)
        {
          endpoint_receive (fixture->peers[i]);
          if (fixture->peers[i]->voice->tone_hz > 0 && g_get_monotonic_time () >= next)
            test_endpoint_send (fixture->peers[i]);
        }
      if (g_get_monotonic_time () >= next)
        next += 20000;
      if (fixture->turn != NULL)
        fixture->turn (fixture->turn_user);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_usleep (2000);
    }
}

void
test_engine_clear (TestEngine *fixture)
{
  for (guint i = 0; i < fixture->n_peers; i++)
    test_endpoint_free (fixture->peers[i]);
  media_engine_free (fixture->engine);
  g_clear_pointer (&fixture->exported, media_leg_state_free);
  g_ptr_array_unref (fixture->descriptions);
}

double
test_endpoint_level (const TestEndpoint *peer, double tone_hz, guint ms)
{
  const gsize samples = MIN (peer->pcm->len, TEST_HEARD_RATE / 1000 * ms);

  return test_tone_level ((const gint16 *)(gpointer)peer->pcm->data + peer->pcm->len - samples, samples,
                          TEST_HEARD_RATE, tone_hz);
}

guint
test_count_fds (void)
{
  DIR *dir = opendir ("/proc/self/fd");
  guint n = 0;

  while (readdir (dir) != NULL)
    n++;
  closedir (dir);
  return n;
}

glong
test_rss_kb (void)
{
  g_autofree char *text = NULL;
  glong pages;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  pages = strtol (strchr (text, ' '), NULL, 10);
  return pages * (sysconf (_SC_PAGESIZE) / 1024);
}
