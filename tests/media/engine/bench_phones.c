#include "bench_phones.h"

#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "media/core/rtp.h"

#define STAMP_MAGIC 0x5a3c96e1u
#define STEP_US     100

typedef struct
{
  guint32 magic;
  guint32 reserved;
  gint64 sent_us;
} Stamp;

static void
encode_voice (BenchAudio *audio, MediaCodecId id)
{
  const MediaCodec *codec = media_codec_get (id);
  const guint rate_hz = MIN (media_codec_get_sample_rate (codec), 16000);
  const gsize samples = rate_hz / 50;
  g_autoptr (MediaEncoder) encoder
      = media_encoder_new (codec, &(MediaEncoderConfig){ .sample_rate_hz = rate_hz }, NULL);
  gint16 pcm[960];

  for (guint frame = 0; frame < BENCH_FRAMES; frame++)
    {
      for (gsize i = 0; i < samples; i++)
        {
          const double t = (double)(frame * samples + i) / rate_hz;
          double voice = 0;

          for (int h = 1; h <= 12; h++)
            voice += sin (h * 2 * G_PI * (140 * t + 2 * sin (2 * t))) / h;
          pcm[i] = (gint16)(6000 * voice * (0.6 + 0.4 * sin (2 * G_PI * 3 * t)));
        }
      audio->size[frame] = (gsize)MAX (
          0, media_encoder_encode (encoder, pcm, samples, audio->payload[frame], MEDIA_CODEC_PAYLOAD_MAX));
    }
  audio->units = media_codec_get_clock_rate (codec) / 50;
  audio->payload_type = (guint8)(media_codec_get_static_payload_type (codec) >= 0
                                     ? media_codec_get_static_payload_type (codec)
                                     : 111);
}

const BenchAudio *
bench_audio (MediaCodecId codec)
{
  static BenchAudio audio[MEDIA_CODEC_N];

  if (audio[codec].units == 0)
    encode_voice (&audio[codec], codec);
  return &audio[codec];
}

void
bench_phone_open (BenchPhone *phone, guint32 ssrc, const BenchAudio *audio, MediaSrtpProfile profile)
{
  const int on = 1;
  socklen_t size = sizeof phone->own;

  *phone = (BenchPhone){ .ssrc = ssrc, .audio = audio };
  phone->own.sin_family = AF_INET;
  phone->own.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  phone->fd = socket (AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (phone->fd < 0 || bind (phone->fd, (struct sockaddr *)&phone->own, size) != 0
      || getsockname (phone->fd, (struct sockaddr *)&phone->own, &size) != 0
      || setsockopt (phone->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0)
    g_error ("socket: %s", g_strerror (errno));
  phone->to = phone->own;
  if (profile == MEDIA_SRTP_NONE)
    return;
  media_srtp_keys_generate (&phone->out, profile);
  media_srtp_keys_generate (&phone->in, profile);
  phone->srtp = media_srtp_new (&phone->out, &phone->in, NULL);
}

void
bench_phone_close (BenchPhone *phone)
{
  g_clear_pointer (&phone->srtp, media_srtp_free);
  close (phone->fd);
}

static gint64
wall_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  return (gint64)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
phone_send (BenchPhone *phone)
{
  const guint frame = phone->sequence % BENCH_FRAMES;
  const MediaRtpHeader header = { .payload_type = phone->audio->payload_type,
                                  .sequence = phone->sequence,
                                  .timestamp = phone->sequence * phone->audio->units,
                                  .ssrc = phone->ssrc };
  guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
  guint8 packet[BENCH_PACKET_MAX];
  gssize size;

  phone->sequence++;
  memcpy (payload, phone->audio->payload[frame], phone->audio->size[frame]);
  if (phone->stamps)
    {
      const Stamp stamp = { STAMP_MAGIC, 0, wall_us () };

      memcpy (payload, &stamp, sizeof stamp);
    }
  size = media_rtp_write (&header, payload, phone->audio->size[frame], packet, sizeof packet);
  if (size > 0 && phone->srtp != NULL)
    size = media_srtp_protect_rtp (phone->srtp, packet, (gsize)size, sizeof packet);
  if (size <= 0)
    g_error ("packet");
  (void)!sendto (phone->fd, packet, (gsize)size, 0, (struct sockaddr *)&phone->to, sizeof phone->to);
}

static gint64
arrived_us (struct msghdr *message)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR (message); c != NULL; c = CMSG_NXTHDR (message, c))
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
      {
        struct timespec at;

        memcpy (&at, CMSG_DATA (c), sizeof at);
        return (gint64)at.tv_sec * 1000000 + at.tv_nsec / 1000;
      }
  return wall_us ();
}

static void
phone_listen (const BenchPhone *phone, BenchHeard *heard)
{
  for (;;)
    {
      guint8 packet[BENCH_PACKET_MAX];
      char control[256];
      struct iovec part = { packet, sizeof packet };
      struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control };
      Stamp stamp;
      gssize size;

      message.msg_controllen = sizeof control;
      size = recvmsg (phone->fd, &message, 0);
      if (size <= 0)
        return;
      heard->received++;
      if (!phone->stamps || size < 12 + (gssize)sizeof stamp)
        continue;
      memcpy (&stamp, packet + 12, sizeof stamp);
      if (stamp.magic != STAMP_MAGIC)
        continue;
      heard->stamped++;
      heard->steps[CLAMP ((arrived_us (&message) - stamp.sent_us) / STEP_US, 0, BENCH_DELAYS - 1)]++;
    }
}

void
bench_generate (BenchPhone *phones, guint n, guint seconds, BenchHeard *heard)
{
  const gint64 start = g_get_monotonic_time ();
  const guint64 total = (guint64)n * 50 * seconds;

  for (guint64 i = 0; i < total; i++)
    {
      const gint64 due = start + (gint64)(i * 20000 / n);
      BenchPhone *phone = &phones[i % n];

      phone_listen (phone, heard);
      while (due > g_get_monotonic_time ())
        {
          const gint64 wait_us = due - g_get_monotonic_time ();

          if (wait_us > 200)
            g_usleep ((gulong)wait_us - 100);
          while (g_main_context_iteration (NULL, FALSE))
            ;
        }
      phone_send (phone);
    }
}

double
bench_delay_ms (const BenchHeard *heard, double share)
{
  guint64 n = 0;

  for (guint i = 0; i < BENCH_DELAYS; i++)
    {
      n += heard->steps[i];
      if ((double)n >= share * (double)heard->stamped && heard->stamped > 0)
        return (i + 1) * STEP_US / 1000.0;
    }
  return 0;
}

double
bench_thread_cpu_s (void)
{
  struct timespec used;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &used);
  return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}
