/* What SRTP and a socket cost per packet of 160 bytes of G.711: one session again and again, and 1000
 * sessions in turn, as a worker with 1000 calls has them. CPU time of the thread. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "media/io/pump.h"
#include "media/io/srtp.h"
#include "media/io/udp.h"

#define N_SESSIONS 1000
#define N_PACKETS  100000
#define RTP_LENGTH 172

static double
thread_cpu_us (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void
check (gboolean fine)
{
  if (!fine)
    {
      fprintf (stderr, "bench_srtp: failed\n");
      exit (1);
    }
}

static void
make_rtp (guint8 *packet, guint16 sequence)
{
  memset (packet, 0x55, RTP_LENGTH);
  packet[0] = 0x80;
  packet[2] = (guint8)(sequence >> 8);
  packet[3] = (guint8)sequence;
}

/* Prints the cost of protecting and of unprotecting, the packets of @n sessions in turn. */
static void
bench_sessions (MediaSrtpProfile profile, guint n)
{
  const gsize before = mallinfo2 ().uordblks;
  MediaSrtp **sender = g_new (MediaSrtp *, n);
  MediaSrtp **receiver = g_new (MediaSrtp *, n);
  guint8 (*packets)[RTP_LENGTH + MEDIA_SRTP_MAX_OVERHEAD] = g_malloc (n * sizeof *packets);
  double protect_us = 0;
  double unprotect_us = 0;
  gsize bytes;

  for (guint i = 0; i < n; i++)
    {
      MediaSrtpKeys keys;

      media_srtp_keys_generate (&keys, profile);
      sender[i] = media_srtp_new (&keys, &keys, NULL);
      receiver[i] = media_srtp_new (&keys, &keys, NULL);
      check (sender[i] != NULL && receiver[i] != NULL);
    }
  bytes = (mallinfo2 ().uordblks - before - n * sizeof *packets) / (2 * n);
  for (guint round = 0; round < N_PACKETS / n; round++)
    {
      gssize length = 0;
      double start = thread_cpu_us ();

      for (guint i = 0; i < n; i++)
        {
          make_rtp (packets[i], (guint16)round);
          length = media_srtp_protect_rtp (sender[i], packets[i], RTP_LENGTH, sizeof packets[i]);
          check (length > 0);
        }
      protect_us += thread_cpu_us () - start;
      start = thread_cpu_us ();
      for (guint i = 0; i < n; i++)
        check (media_srtp_unprotect_rtp (receiver[i], packets[i], (gsize)length) == RTP_LENGTH);
      unprotect_us += thread_cpu_us () - start;
    }
  printf ("%-26s %9u %9.2f %9.2f %9zu\n", media_srtp_profile_name (profile), n, protect_us / N_PACKETS,
          unprotect_us / N_PACKETS, bytes);
  for (guint i = 0; i < n; i++)
    {
      media_srtp_free (sender[i]);
      media_srtp_free (receiver[i]);
    }
  g_free (sender);
  g_free (receiver);
  g_free (packets);
}

static void
bench_socket (void)
{
  g_autoptr (MediaUdp) a = media_udp_new ("127.0.0.1", (MediaPortRange){ 0, 0 }, NULL);
  g_autoptr (MediaUdp) b = media_udp_new ("127.0.0.1", (MediaPortRange){ 0, 0 }, NULL);
  guint8 packet[MEDIA_PACKET_SIZE];
  MediaAddress to;
  MediaAddress from;
  double send_us = 0;
  double receive_us = 0;

  check (a != NULL && b != NULL);
  to = media_udp_local (b, MEDIA_UDP_RTP);
  for (guint round = 0; round < 1000; round++)
    {
      double start = thread_cpu_us ();

      for (guint i = 0; i < 50; i++)
        {
          make_rtp (packet, (guint16)i);
          check (media_udp_send (a, MEDIA_UDP_RTP, packet, RTP_LENGTH, &to) == 0);
        }
      send_us += thread_cpu_us () - start;
      start = thread_cpu_us ();
      for (guint i = 0; i < 50; i++)
        check (media_udp_receive (b, MEDIA_UDP_RTP, packet, &from) == RTP_LENGTH);
      receive_us += thread_cpu_us () - start;
    }
  printf ("UDP loopback, us: send %.2f, receive %.2f\n", send_us / 50000, receive_us / 50000);
}

int
main (void)
{
  static const MediaSrtpProfile profiles[] = { MEDIA_SRTP_AEAD_AES_128_GCM, MEDIA_SRTP_AEAD_AES_256_GCM,
                                               MEDIA_SRTP_AES128_CM_SHA1_80, MEDIA_SRTP_AES128_CM_SHA1_32 };

  printf ("%-26s %9s %9s %9s %9s\n", "us per packet", "sessions", "protect", "unprotect", "bytes");
  for (guint i = 0; i < G_N_ELEMENTS (profiles); i++)
    {
      bench_sessions (profiles[i], 1);
      bench_sessions (profiles[i], N_SESSIONS);
    }
  bench_socket ();
  return 0;
}
