/* The bound that the gateway is measured beside: a relay that does nothing but what each call needs. One
 * thread, one epoll descriptor, two sockets a call; plain RTP on one side, SRTP on the other; with --opus the
 * plain side speaks PCMU and the other one Opus, each packet decoded and encoded at 8 kHz, with --opus-in
 * only what the other side speaks, which is sent PCMU. No jitter buffer,
 * no RTCP, no statistics, no signalling: what arrives goes out at once, to whoever sent last on the other
 * side; with --fan-out what arrives at the first of all sides, to all others, of which none or each has SRTP.
 *
 *   switchroom-relay PORT CALLS [--opus COMPLEXITY | --opus-in | --fan-out plain | --fan-out srtp]
 *
 * Prints a line when it is ready, and ends on SIGTERM. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "media/codec/codec.h"
#include "media/core/rtp.h"
#include "media/io/address.h"
#include "media/io/pump.h"
#include "media/io/srtp.h"
#include "tools/load/bound.h"
#include "tools/load/describe.h"

#define EVENTS     256
#define RATE_HZ    8000
#define UNITS_OPUS 960
#define UNITS_PCMU 160

typedef struct _Side Side;

struct _Side
{
  int fd;
  MediaAddress peer;
  Side *other;
  MediaSrtp *srtp; /* NULL on the plain side */
  /* with --opus: of what is received here, and for what is sent here */
  MediaDecoder *decoder;
  MediaEncoder *encoder;
  guint32 timestamp;
};

/* @packet, received on @from, becomes one for the other side's codec. Returns: its size; 0: none. */
static gsize
transcode (Side *from, guint8 *packet, gsize size)
{
  Side *to = from->other;
  gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];
  guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
  MediaRtpView view;
  MediaRtpHeader header = { 0 };
  gssize n;

  if (media_rtp_parse (&view, packet, size) != 0)
    return 0;
  n = media_decoder_decode (from->decoder, view.payload, view.payload_size, pcm, G_N_ELEMENTS (pcm));
  n = n > 0 ? media_encoder_encode (to->encoder, pcm, (gsize)n, payload, sizeof payload) : n;
  if (n <= 0)
    return 0;
  header.payload_type
      = load_describe_payload_type (media_codec_get_id (media_encoder_get_codec (to->encoder)));
  header.sequence = view.sequence;
  header.ssrc = view.ssrc;
  header.timestamp = to->timestamp;
  to->timestamp += to->srtp != NULL ? UNITS_OPUS : UNITS_PCMU;
  n = media_rtp_write (&header, payload, (gsize)n, packet, MEDIA_RTP_PACKET_MAX);
  return n > 0 ? (gsize)n : 0;
}

/* @packet of MEDIA_PACKET_SIZE bytes, which is protected in its place. */
static void
send_to (Side *to, guint8 *packet, gssize size)
{
  if (size > 0 && to->srtp != NULL)
    size = media_srtp_protect_rtp (to->srtp, packet, (gsize)size, MEDIA_PACKET_SIZE);
  if (size > 0 && media_address_is_set (&to->peer))
    (void)sendto (to->fd, packet, (gsize)size, 0, &to->peer.sa, media_address_length (&to->peer));
}

static void
relay (Side *from)
{
  guint8 packet[MEDIA_PACKET_SIZE];
  socklen_t length = sizeof from->peer;
  gssize size = recvfrom (from->fd, packet, MEDIA_PACKET_MAX_LENGTH, 0, &from->peer.sa, &length);

  if (size > 0 && from->srtp != NULL)
    size = media_srtp_unprotect_rtp (from->srtp, packet, (gsize)size);
  if (size > 0 && from->decoder != NULL)
    size = (gssize)transcode (from, packet, (gsize)size);
  send_to (from->other, packet, size);
}

static void
fan_out (Side *sides, guint n_sides, Side *from)
{
  guint8 packet[MEDIA_PACKET_SIZE], copy[MEDIA_PACKET_SIZE];
  socklen_t length = sizeof from->peer;
  gssize size = recvfrom (from->fd, packet, MEDIA_PACKET_MAX_LENGTH, 0, &from->peer.sa, &length);

  if (size > 0 && from->srtp != NULL)
    size = media_srtp_unprotect_rtp (from->srtp, packet, (gsize)size);
  for (guint i = 1; size > 0 && from == sides && i < n_sides; i++)
    if (media_address_is_set (&sides[i].peer))
      {
        memcpy (copy, packet, (gsize)size);
        send_to (&sides[i], copy, size);
      }
}

static void
die (const char *what)
{
  fprintf (stderr, "switchroom-relay: %s: %s\n", what, g_strerror (errno));
  exit (1);
}

static void
open_side (Side *side, Side *other, guint port, int epoll_fd)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = side };
  MediaAddress address;

  side->other = other;
  side->fd = socket (AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (side->fd < 0 || !media_address_parse (&address, "127.0.0.1", (guint16)port)
      || bind (side->fd, &address.sa, media_address_length (&address)) != 0)
    die ("cannot open a port");
  if (epoll_ctl (epoll_fd, EPOLL_CTL_ADD, side->fd, &event) != 0)
    die ("epoll");
}

static void
open_codecs (Side *plain, Side *secure, gboolean one_way, guint complexity)
{
  const MediaEncoderConfig config
      = { .sample_rate_hz = RATE_HZ,
          .opus_complexity = complexity == 0 ? MEDIA_OPUS_COMPLEXITY_0 : (int)complexity };
  const MediaCodec *opus = media_codec_get (MEDIA_CODEC_OPUS), *pcmu = media_codec_get (MEDIA_CODEC_PCMU);

  plain->encoder = media_encoder_new (pcmu, &config, NULL);
  secure->decoder = media_decoder_new (opus, RATE_HZ, NULL);
  if (plain->encoder == NULL || secure->decoder == NULL)
    die ("no codec");
  if (one_way)
    return;
  plain->decoder = media_decoder_new (pcmu, RATE_HZ, NULL);
  secure->encoder = media_encoder_new (opus, &config, NULL);
  if (plain->decoder == NULL || secure->encoder == NULL)
    die ("no codec");
}

static void
raise_descriptor_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == 0)
    {
      limit.rlim_cur = limit.rlim_max;
      (void)setrlimit (RLIMIT_NOFILE, &limit);
    }
}

int
main (int argc, char **argv)
{
  const guint port = argc > 2 ? (guint)strtoul (argv[1], NULL, 10) : 0;
  const guint n = argc > 2 ? (guint)strtoul (argv[2], NULL, 10) : 0;
  const gboolean one_way = argc > 3 && g_str_equal (argv[3], "--opus-in");
  const gboolean fans_out = argc > 4 && g_str_equal (argv[3], "--fan-out");
  const gboolean all_secure = fans_out && g_str_equal (argv[4], "srtp");
  const gboolean unclear = argc > 3 && g_str_equal (argv[3], "--fan-out") && !all_secure
                           && (argc < 5 || !g_str_equal (argv[4], "plain"));
  const int epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  Side *sides = g_new0 (Side, 2 * MAX (n, 1));
  MediaSrtpKeys keys;

  if (n == 0 || unclear || port == 0 || port + n * LOAD_BOUND_PORTS > 65535)
    {
      fprintf (stderr,
               "usage: switchroom-relay PORT CALLS [--opus COMPLEXITY | --opus-in | --fan-out plain|srtp]\n");
      return 2;
    }
  raise_descriptor_limit ();
  load_bound_keys (&keys);
  for (guint i = 0; i < n; i++)
    {
      Side *plain = &sides[2 * i], *secure = &sides[2 * i + 1];

      open_side (plain, secure, port + i * LOAD_BOUND_PORTS, epoll_fd);
      open_side (secure, plain, port + i * LOAD_BOUND_PORTS + 2, epoll_fd);
      if (!fans_out || all_secure)
        secure->srtp = media_srtp_new (&keys, &keys, NULL);
      if (all_secure)
        plain->srtp = media_srtp_new (&keys, &keys, NULL);
      if (one_way || (argc > 4 && !fans_out))
        open_codecs (plain, secure, one_way, one_way ? 0 : (guint)strtoul (argv[4], NULL, 10));
    }
  puts ("ready");
  fflush (stdout);
  for (;;)
    {
      struct epoll_event events[EVENTS];
      const int ready = epoll_wait (epoll_fd, events, EVENTS, -1);

      for (int i = 0; i < ready; i++)
        if (fans_out)
          fan_out (sides, 2 * n, events[i].data.ptr);
        else
          relay (events[i].data.ptr);
    }
}
