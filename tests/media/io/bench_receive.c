/* What one received packet costs a worker, with 100 and with 500 peers that send 50 packets per second each:
 *
 *   epoll    plain UDP sockets in a bare epoll loop, SRTP: the bound
 *   pump     WebRTC peers on a MediaPump: ICE with consent, DTLS, SRTP
 *   libnice  the same peers received by libnice's own callbacks in one GMainContext
 *
 * The peers live in another process (argument 1: its program) on the other core. Every receiver authenticates
 * and decrypts. Measured is the receiving thread's CPU time over 5 s. Fails when the pump's cost per packet
 * at 500 peers is more than 1.5 times that at 100; skipped when the peers' process could not keep up. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <nice/agent.h>

#include "media/io/udp.h"
#include "tools/load/peer.h"

/* libnice stops its 20 ms timers 5 s after the last connectivity check. */
#define WARM_UP_S 7
#define MEASURE_S 5
#define CONNECT_S 60
#define MAX_RATIO 1.5
/* Below it the generator had no core for itself, and what was measured is another load. */
#define MIN_OFFERED_PERCENT 95.0
#define EXIT_SKIPPED        77

typedef struct
{
  const char *program;
  GPid pid;
  FILE *to;
  FILE *from;
} Generator;

typedef struct
{
  guint64 n_packets;
  guint n_connected;
} Count;

typedef struct
{
  double us_per_packet;
  double core_percent;
  double offered_percent;  /* what the peers sent, of what all of them would send if none was lost */
  double received_percent; /* of that */
} Result;

static void
die (const char *what)
{
  fprintf (stderr, "bench_receive: %s\n", what);
  exit (1);
}

static void
pin (int cpu)
{
  cpu_set_t cpus;

  CPU_ZERO (&cpus);
  CPU_SET (cpu, &cpus);
  (void)sched_setaffinity (0, sizeof cpus, &cpus);
}

static void
generator_open (Generator *generator)
{
  const char *argv[] = { generator->program, "--cpu", "1", NULL };
  int to = -1;
  int from = -1;

  if (!g_spawn_async_with_pipes (NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                                 &generator->pid, &to, &from, NULL, NULL))
    die ("cannot start the generator");
  generator->to = fdopen (to, "w");
  generator->from = fdopen (from, "r");
}

static void
generator_close (Generator *generator)
{
  fclose (generator->to);
  fclose (generator->from);
  (void)waitpid (generator->pid, NULL, 0);
  g_spawn_close_pid (generator->pid);
}

static void
tell (Generator *generator, const char *kind, const char *text)
{
  fprintf (generator->to, "%s%s\n", kind, text);
  fflush (generator->to);
}

static char *
hear (Generator *generator, char *line, gsize size)
{
  if (fgets (line, (int)size, generator->from) == NULL)
    die ("the generator ended");
  line[strcspn (line, "\n")] = '\0';
  return line;
}

static guint64
count_sent (Generator *generator)
{
  char line[128];
  g_auto (GStrv) parts = NULL;

  tell (generator, "stats", "");
  parts = g_strsplit (hear (generator, line, sizeof line), " ", -1);
  if (g_strv_length (parts) != 4)
    die ("bad statistics");
  if (!g_str_equal (parts[3], "0"))
    fprintf (stderr, "%s peers failed\n", parts[3]);
  return g_ascii_strtoull (parts[1], NULL, 10);
}

static double
thread_cpu_us (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* @turn runs the receiver's loop for at most about 100 ms. */
static Result
measure (Generator *generator, const Count *count, guint n, void (*turn) (gpointer), gpointer user)
{
  gint64 end = g_get_monotonic_time () + WARM_UP_S * G_USEC_PER_SEC;
  guint64 sent;
  guint64 received;
  double cpu_us;

  while (g_get_monotonic_time () < end)
    turn (user);
  sent = count_sent (generator);
  received = count->n_packets;
  cpu_us = thread_cpu_us ();
  end = g_get_monotonic_time () + MEASURE_S * G_USEC_PER_SEC;
  while (g_get_monotonic_time () < end)
    turn (user);
  cpu_us = thread_cpu_us () - cpu_us;
  received = count->n_packets - received;
  sent = count_sent (generator) - sent;
  return (Result){ .us_per_packet = cpu_us / (double)MAX (received, 1),
                   .core_percent = 100.0 * cpu_us / (MEASURE_S * 1e6),
                   .offered_percent = 100.0 * (double)sent / (n * 50.0 * MEASURE_S),
                   .received_percent = 100.0 * (double)received / (double)MAX (sent, 1) };
}

/* The bare loop. */

typedef struct
{
  int epoll_fd;
  MediaUdp **udp;
  MediaSrtp **srtp;
  Count *count;
} Bare;

static void
bare_turn (gpointer user)
{
  Bare *bare = user;
  struct epoll_event events[64];
  guint8 packet[MEDIA_PACKET_SIZE];
  const int n = epoll_wait (bare->epoll_fd, events, G_N_ELEMENTS (events), 100);

  for (int i = 0; i < n; i++)
    {
      const guint32 at = events[i].data.u32;
      MediaAddress from;
      const gssize length = media_udp_receive (bare->udp[at], MEDIA_UDP_RTP, packet, &from);

      if (length > 0 && media_srtp_unprotect_rtp (bare->srtp[at], packet, (gsize)length) > 0)
        bare->count->n_packets++;
    }
}

static Result
run_bare (Generator *generator, guint n)
{
  Count count = { 0 };
  Bare bare = { epoll_create1 (EPOLL_CLOEXEC), g_new0 (MediaUdp *, n), g_new0 (MediaSrtp *, n), &count };
  Result result;

  for (guint i = 0; i < n; i++)
    {
      struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };
      MediaSrtpKeys keys;
      MediaAddress local;
      g_autofree char *base64 = NULL;
      g_autofree char *line = NULL;

      media_srtp_keys_generate (&keys, MEDIA_SRTP_AEAD_AES_128_GCM);
      base64 = media_srtp_keys_to_base64 (&keys);
      bare.udp[i] = media_udp_new ("127.0.0.1", (MediaPortRange){ 0, 0 }, NULL);
      bare.srtp[i] = media_srtp_new (&keys, &keys, NULL);
      if (bare.udp[i] == NULL || bare.srtp[i] == NULL)
        die ("no socket");
      local = media_udp_local (bare.udp[i], MEDIA_UDP_RTP);
      (void)epoll_ctl (bare.epoll_fd, EPOLL_CTL_ADD, media_udp_fd (bare.udp[i], MEDIA_UDP_RTP), &event);
      line = g_strdup_printf ("127.0.0.1|%u|%s", media_address_port (&local), base64);
      tell (generator, "plain|", line);
    }
  result = measure (generator, &count, n, bare_turn, &bare);
  for (guint i = 0; i < n; i++)
    {
      media_udp_free (bare.udp[i]);
      media_srtp_free (bare.srtp[i]);
    }
  g_free (bare.udp);
  g_free (bare.srtp);
  close (bare.epoll_fd);
  return result;
}

/* The pump. */

static void
on_described (LoadPeer *peer, gpointer user)
{
  (void)peer;
  (void)user;
}

static void
on_state (LoadPeer *peer, LoadPeerState state, gpointer user)
{
  if (state == LOAD_PEER_FAILED)
    die (load_peer_failure (peer));
  ((Count *)user)->n_connected++;
}

static void
on_rtp (LoadPeer *peer, guint8 *packet, gsize length, CfgMonotonic now, gpointer user)
{
  (void)peer;
  (void)packet;
  (void)length;
  (void)now;
  ((Count *)user)->n_packets++;
}

static const LoadPeerOps ops = { .described = on_described, .state = on_state, .rtp = on_rtp };
static const char *const loopback[] = { "127.0.0.1", NULL };

static void
pump_turn (gpointer user)
{
  (void)media_pump_turn (user, 100);
}

static Result
run_pump (Generator *generator, guint n)
{
  Count count = { 0 };
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  g_autoptr (MediaCertificate) certificate = media_certificate_new (NULL);
  g_autoptr (MediaDtlsContext) dtls_context = media_dtls_context_new (certificate, NULL);
  g_autoptr (GPtrArray) peers = g_ptr_array_new_with_free_func ((GDestroyNotify)load_peer_free);
  const LoadPeerConfig config = { .pump = pump,
                                  .dtls_context = dtls_context,
                                  .certificate = certificate,
                                  .offerer = TRUE,
                                  .ice = { .bind_addresses = loopback } };
  gint64 give_up;
  char line[4096];

  for (guint i = 0; i < n; i++)
    {
      LoadPeer *peer = load_peer_new (&config, &ops, &count, NULL);
      g_autofree char *description = NULL;

      if (peer == NULL)
        die ("no peer");
      g_ptr_array_add (peers, peer);
      description = load_peer_describe (peer);
      tell (generator, "webrtc|", description);
      if (!load_peer_set_remote (peer, hear (generator, line, sizeof line), NULL))
        die ("bad answer");
      for (guint turn = 0; turn < 1000 && media_pump_turn (pump, 0); turn++)
        ;
    }
  give_up = g_get_monotonic_time () + CONNECT_S * G_USEC_PER_SEC;
  while (count.n_connected < n && g_get_monotonic_time () < give_up)
    (void)media_pump_turn (pump, 100);
  if (count.n_connected < n)
    die ("not all peers connected");
  return measure (generator, &count, n, pump_turn, pump);
}

/* libnice's own way. */

typedef struct
{
  NiceAgent *agent;
  guint stream_id;
  MediaDtls *dtls;
  MediaSrtp *srtp;
  guint timer;
  Count *count;
} NicePeer;

static void
nice_send (const guint8 *data, gsize length, gpointer user)
{
  const NicePeer *peer = user;

  (void)nice_agent_send (peer->agent, peer->stream_id, 1, (guint)length, (const char *)data);
}

static void
nice_receive (NiceAgent *agent, guint stream_id, guint component_id, guint length, char *data, gpointer user)
{
  NicePeer *peer = user;
  guint8 packet[MEDIA_PACKET_SIZE];

  (void)agent;
  (void)stream_id;
  (void)component_id;
  if (length == 0 || length > MEDIA_PACKET_MAX_LENGTH)
    return;
  memcpy (packet, data, length);
  if (packet[0] >= 20 && packet[0] <= 63)
    {
      MediaSrtpKeys local;
      MediaSrtpKeys remote;

      if (media_dtls_input (peer->dtls, packet, length, cfg_monotonic_now ()) == MEDIA_DTLS_CONNECTED
          && peer->srtp == NULL && media_dtls_export_keys (peer->dtls, &local, &remote))
        {
          peer->srtp = media_srtp_new (&local, &remote, NULL);
          peer->count->n_connected++;
        }
    }
  else if (peer->srtp != NULL && media_srtp_unprotect_rtp (peer->srtp, packet, length) > 0)
    peer->count->n_packets++;
}

static void
nice_state (NiceAgent *agent, guint stream_id, guint component_id, guint state, gpointer user)
{
  NicePeer *peer = user;

  (void)agent;
  (void)stream_id;
  (void)component_id;
  if (state == NICE_COMPONENT_STATE_CONNECTED || state == NICE_COMPONENT_STATE_READY)
    (void)media_dtls_start (peer->dtls, cfg_monotonic_now ());
}

static gboolean
wake_up (gpointer user)
{
  (void)user;
  return G_SOURCE_CONTINUE;
}

static void
nice_turn (gpointer user)
{
  (void)g_main_context_iteration (user, TRUE);
}

static void
nice_open (NicePeer *peer, GMainContext *context, MediaDtlsContext *dtls_context)
{
  NiceAddress address;

  peer->agent = nice_agent_new_full (context, NICE_COMPATIBILITY_RFC5245,
                                     NICE_AGENT_OPTION_ICE_TRICKLE | NICE_AGENT_OPTION_REGULAR_NOMINATION
                                         | NICE_AGENT_OPTION_CONSENT_FRESHNESS);
  g_object_set (peer->agent, "upnp", FALSE, "ice-tcp", FALSE, "stun-pacing-timer", 5, "controlling-mode",
                TRUE, NULL);
  nice_address_init (&address);
  (void)nice_address_set_from_string (&address, "127.0.0.1");
  (void)nice_agent_add_local_address (peer->agent, &address);
  peer->stream_id = nice_agent_add_stream (peer->agent, 1);
  g_signal_connect (peer->agent, "component-state-changed", G_CALLBACK (nice_state), peer);
  (void)nice_agent_attach_recv (peer->agent, peer->stream_id, 1, context, nice_receive, peer);
  peer->dtls = media_dtls_new (dtls_context, MEDIA_DTLS_PASSIVE, NULL, nice_send, peer, NULL);
  if (peer->dtls == NULL || !nice_agent_gather_candidates (peer->agent, peer->stream_id))
    die ("no agent");
}

static char *
nice_describe (const NicePeer *peer, const MediaCertificate *certificate)
{
  g_autofree char *ufrag = NULL;
  g_autofree char *password = NULL;
  g_autofree char *candidate = NULL;
  GSList *candidates = nice_agent_get_local_candidates (peer->agent, peer->stream_id, 1);

  if (candidates == NULL
      || !nice_agent_get_local_credentials (peer->agent, peer->stream_id, &ufrag, &password))
    die ("no candidate");
  candidate = nice_agent_generate_local_candidate_sdp (peer->agent, candidates->data);
  g_slist_free_full (candidates, (GDestroyNotify)nice_candidate_free);
  return g_strjoin ("|", ufrag, password, media_certificate_fingerprint (certificate), candidate, NULL);
}

static void
nice_set_remote (NicePeer *peer, const char *line)
{
  g_auto (GStrv) parts = g_strsplit (line, "|", -1);
  MediaFingerprint fingerprint;
  g_autofree char *candidate = NULL;
  GSList list = { NULL, NULL };

  if (g_strv_length (parts) < 4 || !media_fingerprint_parse (parts[2], &fingerprint, NULL))
    die ("bad answer");
  media_dtls_set_remote_fingerprint (peer->dtls, &fingerprint);
  (void)nice_agent_set_remote_credentials (peer->agent, peer->stream_id, parts[0], parts[1]);
  candidate = g_strconcat ("a=", parts[3], NULL);
  list.data = nice_agent_parse_remote_candidate_sdp (peer->agent, peer->stream_id, candidate);
  if (list.data == NULL)
    die ("bad candidate");
  (void)nice_agent_set_remote_candidates (peer->agent, peer->stream_id, 1, &list);
  nice_candidate_free (list.data);
  (void)nice_agent_peer_candidate_gathering_done (peer->agent, peer->stream_id);
}

static Result
run_nice (Generator *generator, guint n)
{
  Count count = { 0 };
  GMainContext *context = g_main_context_new ();
  GSource *waker = g_timeout_source_new (100);
  g_autoptr (MediaCertificate) certificate = media_certificate_new (NULL);
  g_autoptr (MediaDtlsContext) dtls_context = media_dtls_context_new (certificate, NULL);
  NicePeer *peers = g_new0 (NicePeer, n);
  gint64 give_up;
  char line[4096];
  Result result;

  g_source_set_callback (waker, wake_up, NULL, NULL);
  g_source_attach (waker, context);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *description = NULL;

      peers[i].count = &count;
      nice_open (&peers[i], context, dtls_context);
      description = nice_describe (&peers[i], certificate);
      tell (generator, "webrtc|", description);
      nice_set_remote (&peers[i], hear (generator, line, sizeof line));
      for (guint turn = 0; turn < 100 && g_main_context_iteration (context, FALSE); turn++)
        ;
    }
  give_up = g_get_monotonic_time () + CONNECT_S * G_USEC_PER_SEC;
  while (count.n_connected < n && g_get_monotonic_time () < give_up)
    nice_turn (context);
  if (count.n_connected < n)
    fprintf (stderr, "libnice: %u of %u peers connected\n", count.n_connected, n);
  result = measure (generator, &count, n, nice_turn, context);
  for (guint i = 0; i < n; i++)
    {
      g_object_unref (peers[i].agent);
      media_dtls_free (peers[i].dtls);
      g_clear_pointer (&peers[i].srtp, media_srtp_free);
    }
  g_free (peers);
  g_source_destroy (waker);
  g_source_unref (waker);
  g_main_context_unref (context);
  return result;
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    Result (*run) (Generator *generator, guint n);
  } variants[] = { { "epoll", run_bare }, { "pump", run_pump }, { "libnice", run_nice } };
  static const guint sizes[] = { 100, 500 };
  Result results[G_N_ELEMENTS (variants)][G_N_ELEMENTS (sizes)] = { 0 };
  struct rlimit limit;
  double ratio;

  if (argc < 2)
    die ("usage: bench_receive GENERATOR [epoll|pump|libnice]");
  (void)signal (SIGPIPE, SIG_IGN);
  if (getrlimit (RLIMIT_NOFILE, &limit) == 0)
    {
      limit.rlim_cur = limit.rlim_max;
      (void)setrlimit (RLIMIT_NOFILE, &limit);
    }
  pin (0);
  printf ("%-8s %6s %10s %8s %10s %10s\n", "receiver", "peers", "us/packet", "core %", "offered %",
          "received %");
  for (guint v = 0; v < G_N_ELEMENTS (variants); v++)
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
      {
        Generator generator = { .program = argv[1] };

        if (argc > 2 && !g_str_equal (argv[2], variants[v].name))
          continue;
        generator_open (&generator);
        results[v][s] = variants[v].run (&generator, sizes[s]);
        generator_close (&generator);
        printf ("%-8s %6u %10.2f %8.1f %10.1f %10.1f\n", variants[v].name, sizes[s],
                results[v][s].us_per_packet, results[v][s].core_percent, results[v][s].offered_percent,
                results[v][s].received_percent);
        fflush (stdout);
      }
  if (argc > 2)
    return 0;
  ratio = results[1][1].us_per_packet / results[1][0].us_per_packet;
  printf ("pump, 500 peers / 100 peers: %.2f (at most %.1f); pump / epoll at 500: %.2f; libnice / pump at "
          "500: %.1f\n",
          ratio, MAX_RATIO, results[1][1].us_per_packet / results[0][1].us_per_packet,
          results[2][1].us_per_packet / results[1][1].us_per_packet);
  if (results[1][0].offered_percent < MIN_OFFERED_PERCENT
      || results[1][1].offered_percent < MIN_OFFERED_PERCENT)
    {
      printf ("the machine is too busy: the peers sent less than %.0f %% of their packets\n",
              MIN_OFFERED_PERCENT);
      return EXIT_SKIPPED;
    }
  return ratio <= MAX_RATIO ? 0 : 1;
}
