#include "bench_relay.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/core/rtp.h"

#define RATE_HZ 8000 /* one side is a G.711 phone wherever something is encoded anew */

typedef struct
{
  BenchPhone socket; /* the relay's end; the peer of leg i is i ^ 1 */
  const BenchPhone *phone;
  MediaDecoder *decoder; /* of what comes here; nullable */
  MediaEncoder *encoder; /* of what goes out here; nullable */
  guint8 payload_type;   /* goes out */
  guint32 units;
  guint16 sequence;
} Leg;

typedef struct
{
  Leg *legs;
  guint n;
  atomic_bool quit;
  double cpu_s;
  guint64 sent;
} Relay;

/* Returns: the size of the packet of @leg's own making. */
static gssize
transcode (Leg *from, Leg *to, guint8 *packet, gsize size)
{
  MediaRtpHeader header = { .payload_type = to->payload_type, .sequence = to->sequence, .ssrc = 1 };
  guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
  gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];
  MediaRtpView view;
  gssize made;

  if (media_rtp_parse (&view, packet, size) != 0)
    return -1;
  made = media_decoder_decode (from->decoder, view.payload, view.payload_size, pcm, G_N_ELEMENTS (pcm));
  if (made > 0)
    made = media_encoder_encode (to->encoder, pcm, (gsize)made, payload, sizeof payload);
  if (made <= 0)
    return -1;
  header.timestamp = to->sequence++ * to->units;
  return media_rtp_write (&header, payload, (gsize)made, packet, BENCH_PACKET_MAX);
}

static void
pass (Relay *relay, guint index)
{
  Leg *from = &relay->legs[index];
  Leg *to = &relay->legs[index ^ 1];
  guint8 packet[BENCH_PACKET_MAX];
  gssize size = recv (from->socket.fd, packet, sizeof packet, 0);

  if (size > 0 && from->socket.srtp != NULL)
    size = media_srtp_unprotect_rtp (from->socket.srtp, packet, (gsize)size);
  if (size > 0 && to->encoder != NULL)
    size = transcode (from, to, packet, (gsize)size);
  if (size > 0 && to->socket.srtp != NULL)
    size = media_srtp_protect_rtp (to->socket.srtp, packet, (gsize)size, sizeof packet);
  if (size > 0
      && sendto (to->socket.fd, packet, (gsize)size, 0, (const struct sockaddr *)&to->phone->own,
                 sizeof to->phone->own)
             > 0)
    relay->sent++;
}

static void *
run (void *data)
{
  Relay *relay = data;
  const int epoll = epoll_create1 (EPOLL_CLOEXEC);
  const double before = bench_thread_cpu_s ();

  for (guint i = 0; i < relay->n; i++)
    epoll_ctl (epoll, EPOLL_CTL_ADD, relay->legs[i].socket.fd,
               &(struct epoll_event){ .events = EPOLLIN, .data.u32 = i });
  while (!relay->quit)
    {
      struct epoll_event events[64];
      const int n = epoll_wait (epoll, events, 64, 100);

      for (int i = 0; i < n; i++)
        pass (relay, events[i].data.u32);
    }
  relay->cpu_s = bench_thread_cpu_s () - before;
  close (epoll);
  return NULL;
}

static void
set_up (const BenchCase *test, Leg *leg, BenchPhone *phone, guint side)
{
  const gboolean same = test->codecs[0] == test->codecs[1] || (side == 1 && test->b_takes_a);
  const MediaCodec *own = media_codec_get (test->codecs[side]);

  leg->phone = phone;
  phone->to = leg->socket.own;
  if (phone->srtp != NULL)
    leg->socket.srtp = media_srtp_new (&phone->in, &phone->out, NULL);
  leg->decoder = media_decoder_new (own, RATE_HZ, NULL);
  leg->payload_type = bench_audio (test->codecs[side])->payload_type;
  leg->units = bench_audio (test->codecs[side])->units;
  if (!same)
    leg->encoder = media_encoder_new (
        own, &(MediaEncoderConfig){ .sample_rate_hz = RATE_HZ, .opus_complexity = 5 }, NULL);
}

double
bench_relay_us (const BenchCase *test, guint n_calls, guint seconds)
{
  const guint n = 2 * n_calls;
  BenchPhone *phones = g_new (BenchPhone, n);
  Relay relay = { .legs = g_new0 (Leg, n), .n = n };
  BenchHeard heard = { 0 };
  pthread_t thread;

  for (guint i = 0; i < n; i++)
    {
      bench_phone_open (&phones[i], i, bench_audio (test->codecs[i % 2]),
                        i % 2 ? test->profile : MEDIA_SRTP_NONE);
      bench_phone_open (&relay.legs[i].socket, i, NULL, MEDIA_SRTP_NONE);
      set_up (test, &relay.legs[i], &phones[i], i % 2);
    }
  pthread_create (&thread, NULL, run, &relay);
  bench_generate (phones, n, seconds, &heard);
  relay.quit = TRUE;
  pthread_join (thread, NULL);
  for (guint i = 0; i < n; i++)
    {
      bench_phone_close (&phones[i]);
      bench_phone_close (&relay.legs[i].socket);
      media_decoder_free (relay.legs[i].decoder);
      media_encoder_free (relay.legs[i].encoder);
    }
  g_free (phones);
  g_free (relay.legs);
  return relay.cpu_s * 1e6 / (double)MAX (relay.sent, 1);
}

double
bench_send_us (MediaSrtpProfile profile, guint n_listeners, gsize size)
{
  BenchPhone *from = g_new (BenchPhone, n_listeners);
  BenchPhone *to = g_new (BenchPhone, n_listeners);
  const guint rounds = 50;
  double spent_s = 0;

  for (guint i = 0; i < n_listeners; i++)
    {
      bench_phone_open (&from[i], i, NULL, profile);
      bench_phone_open (&to[i], i, NULL, MEDIA_SRTP_NONE);
    }
  for (guint round = 0; round < rounds; round++)
    {
      const double start = bench_thread_cpu_s ();

      for (guint i = 0; i < n_listeners; i++)
        {
          guint8 packet[BENCH_PACKET_MAX] = { 0x80, 111, 0, (guint8)(round + 1) };
          const gssize length = from[i].srtp == NULL
                                    ? (gssize)size
                                    : media_srtp_protect_rtp (from[i].srtp, packet, size, sizeof packet);

          (void)!sendto (from[i].fd, packet, (gsize)MAX (length, 0), 0, (const struct sockaddr *)&to[i].own,
                         sizeof to[i].own);
        }
      spent_s += bench_thread_cpu_s () - start;
      g_usleep (20000);
    }
  for (guint i = 0; i < n_listeners; i++)
    {
      bench_phone_close (&from[i]);
      bench_phone_close (&to[i]);
    }
  g_free (from);
  g_free (to);
  return spent_s * 1e6 / rounds / n_listeners;
}
