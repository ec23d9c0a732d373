/* What a forwarded call costs a worker, next to a bare relay of the same packets in the same run: an epoll
 * loop that receives on one socket and sends from another, nothing else. Plain RTP both ways, 50 packets/s,
 * G.711. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <string.h>

#include "config/base/clock.h"
#include "media/core/rtp.h"
#include "media/engine.h"
#include "media/io/pump.h"

#define SECONDS 4
#define PACKET  172

typedef struct
{
  int fd;
  struct sockaddr_in own, to;
  guint16 sequence;
  guint32 timestamp;
  guint32 ssrc;
} Phone;

static void
phone_open (Phone *phone, guint32 ssrc)
{
  socklen_t size = sizeof phone->own;

  *phone = (Phone){ .ssrc = ssrc };
  phone->own.sin_family = AF_INET;
  phone->own.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  phone->fd = socket (AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (phone->fd < 0 || bind (phone->fd, (struct sockaddr *)&phone->own, size) != 0
      || getsockname (phone->fd, (struct sockaddr *)&phone->own, &size) != 0)
    g_error ("socket");
  phone->to = phone->own;
}

static void
phone_send (Phone *phone)
{
  guint8 packet[PACKET];
  guint8 payload[160];
  const MediaRtpHeader header
      = { .sequence = phone->sequence++, .timestamp = phone->timestamp, .ssrc = phone->ssrc };

  memset (payload, 0x55, sizeof payload);
  phone->timestamp += 160;
  if (media_rtp_write (&header, payload, sizeof payload, packet, sizeof packet) != PACKET)
    g_error ("packet");
  (void)!sendto (phone->fd, packet, sizeof packet, 0, (struct sockaddr *)&phone->to, sizeof phone->to);
}

/* 50 packets/s from each phone, spread over the 20 ms. Returns how many packets the phones received. */
static guint64
generate (Phone *phones, guint n, guint seconds)
{
  const gint64 start = g_get_monotonic_time ();
  const guint64 total = (guint64)n * 50 * seconds;
  guint64 received = 0;
  guint8 buffer[2048];

  for (guint64 i = 0; i < total; i++)
    {
      const gint64 due = start + (gint64)(i * 20000 / n);
      Phone *phone = &phones[i % n];

      while (recv (phone->fd, buffer, sizeof buffer, 0) > 0)
        received++;
      if (due > g_get_monotonic_time () + 500)
        {
          g_usleep (1000);
          while (g_main_context_iteration (NULL, FALSE))
            ;
        }
      phone_send (phone);
    }
  return received;
}

/* ---- the bare relay ---- */

typedef struct
{
  Phone *legs;   /* the relay's side, peer of leg i is i ^ 1 */
  Phone *phones; /* where leg i sends to */
  guint n;
  atomic_bool quit;
  double cpu_s;
} Relay;

static double
thread_cpu_s (void)
{
  struct timespec used;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &used);
  return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void *
relay_run (void *data)
{
  Relay *relay = data;
  const int epoll = epoll_create1 (EPOLL_CLOEXEC);
  const double before = thread_cpu_s ();

  for (guint i = 0; i < relay->n; i++)
    epoll_ctl (epoll, EPOLL_CTL_ADD, relay->legs[i].fd,
               &(struct epoll_event){ .events = EPOLLIN, .data.u32 = i });
  while (!relay->quit)
    {
      struct epoll_event events[64];
      const int n = epoll_wait (epoll, events, 64, 100);

      for (int i = 0; i < n; i++)
        {
          const guint from = events[i].data.u32;
          guint8 buffer[2048];
          gssize size;

          while ((size = recv (relay->legs[from].fd, buffer, sizeof buffer, 0)) > 0)
            (void)!sendto (relay->legs[from ^ 1].fd, buffer, (gsize)size, 0,
                           (struct sockaddr *)&relay->phones[from ^ 1].own, sizeof (struct sockaddr_in));
        }
    }
  relay->cpu_s = thread_cpu_s () - before;
  close (epoll);
  return NULL;
}

static double
measure_relay (guint n_calls)
{
  const guint n = 2 * n_calls;
  Phone *phones = g_new (Phone, n);
  Relay relay = { .legs = g_new (Phone, n), .phones = phones, .n = n };
  pthread_t thread;
  guint64 received;

  for (guint i = 0; i < n; i++)
    {
      phone_open (&phones[i], i);
      phone_open (&relay.legs[i], i);
      phones[i].to = relay.legs[i].own;
    }
  pthread_create (&thread, NULL, relay_run, &relay);
  received = generate (phones, n, SECONDS);
  relay.quit = TRUE;
  pthread_join (thread, NULL);
  for (guint i = 0; i < n; i++)
    {
      close (phones[i].fd);
      close (relay.legs[i].fd);
    }
  g_free (phones);
  g_free (relay.legs);
  return relay.cpu_s * 1e6 / (double)MAX (received, 1);
}

/* ---- the engine ---- */

static void
ignore_leg (gpointer owner, MediaLegId leg)
{
}

static void
ignore_started (gpointer owner, MediaLegId leg, const char *codec, const char *cipher, const char *remote)
{
}

static void
ignore_failed (gpointer owner, MediaLegId leg, const char *reason)
{
  g_error ("%s", reason);
}

static void
ignore_stats (gpointer owner, MediaLegId leg, const MediaLegStats *stats)
{
}

static void
ignore_speakers (gpointer owner, MediaRoomId room, const MediaSpeaker *speakers, gsize n)
{
}

static const MediaEngineOps ops = {
  .leg_disconnected = ignore_leg,
  .leg_failed = ignore_failed,
  .leg_media_started = ignore_started,
  .leg_stats = ignore_stats,
  .leg_closed = ignore_stats,
  .room_speakers = ignore_speakers,
};

static void
configure (MediaEngine *engine, MediaLegId leg, const Phone *phone, guint32 ssrc)
{
  MediaPlan plan = { .n_sections = 1, .remote_address = "127.0.0.1", .cname = "bench" };
  MediaPlanSection *section = &plan.sections[0];

  plan.remote_rtp_port = ntohs (phone->own.sin_port);
  plan.rtcp_mux = TRUE;
  section->is_audio = section->send = section->receive = TRUE;
  section->codecs[0].codec = MEDIA_CODEC_PCMU;
  section->n_codecs = 1;
  section->ptime_ms = 20;
  section->ssrc = ssrc;
  section->source_track = ssrc;
  section->sink = MEDIA_SINK_MIX;
  media_engine_leg_configure (engine, leg, &plan);
}

static double
measure_engine (guint n_calls, double *load)
{
  const MediaEngineConfig config = { .n_workers = 1, .rtp_port_start = 20000, .rtp_port_end = 39999 };
  const guint n = 2 * n_calls;
  Phone *phones = g_new (Phone, n);
  MediaEngine *engine = media_engine_new (&config, &ops, NULL, NULL);
  MediaWorkerStats stats;
  MediaRoomId room = 0;
  guint64 before;

  for (guint i = 0; i < n; i++)
    {
      const MediaRtpLegConfig at = { .local_address = "127.0.0.1" };
      MediaRtpLocal local;
      MediaLegId leg;

      phone_open (&phones[i], i + 1);
      leg = media_engine_leg_new_rtp (engine, &at, &local, NULL);
      if (leg == 0)
        g_error ("leg");
      phones[i].to.sin_port = htons (local.rtp_port);
      configure (engine, leg, &phones[i], i + 1);
      if (i % 2 == 0)
        room = media_engine_room_new (engine);
      media_engine_leg_attach (engine, leg, room);
    }
  generate (phones, n, 1);
  media_engine_worker_stats (engine, 0, &stats);
  before = stats.packets_out;
  *load = 0;
  for (guint i = 0; i < SECONDS; i++)
    {
      generate (phones, n, 1);
      media_engine_worker_stats (engine, 0, &stats);
      *load += stats.load / SECONDS;
    }
  media_engine_free (engine);
  for (guint i = 0; i < n; i++)
    close (phones[i].fd);
  g_free (phones);
  return *load * SECONDS * 1e6 / (double)MAX (stats.packets_out - before, 1);
}

int
main (void)
{
  static const guint sizes[] = { 25, 100, 200 };

  printf ("forwarded calls, plain RTP, CPU of the media thread per packet forwarded\n");
  printf ("%8s %12s %12s %8s %14s\n", "calls", "relay us", "engine us", "ratio", "% core / call");
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      double load;
      const double relay = measure_relay (sizes[i]);
      const double engine = measure_engine (sizes[i], &load);

      printf ("%8u %12.2f %12.2f %8.2f %14.3f\n", sizes[i], relay, engine, engine / relay,
              100 * load / sizes[i]);
    }
  return 0;
}
