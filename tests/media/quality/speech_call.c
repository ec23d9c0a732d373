/* Speech over real sockets, as a talker and a listener of any mixer with plain RTP, through a network that
 * loses and delays what the talker sends:
 *
 *   speech_call --said FILE --heard FILE [--codec PCMU|opus] [--loss PERCENT] [--jitter MS] [--seed N]
 * [--engine]
 *
 * With --engine the mixer is ours, in this process. Else it prints the two ports, "talker PORT listener
 * PORT", and reads where to send from standard input: two lines of "ADDRESS PORT", the talker's and the
 * listener's. What came is put where its timestamps say; compare_speech tells what became of it. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/core/rtp.h"
#include "media/engine.h"
#include "media/io/pump.h"
#include "speech.h"
#include "tests/media/netem.h"

#define TAIL_MS    1500
#define STEP_US    1000
#define MOST_HEARD 10000

typedef struct
{
  int fd;
  guint16 port;
  struct sockaddr_in to;
} End;

typedef struct
{
  char *said, *heard, *codec_name;
  double loss;
  gint jitter_ms, seed;
  gboolean engine;
} Options;

typedef struct
{
  guint32 timestamp;
  gsize size;
  guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
} Packet;

typedef struct
{
  Options options;
  const MediaCodec *codec;
  guint8 payload_type;
  TestSpeech *speech;
  MediaEncoder *encoder;
  TestNetem *network;
  End talker, listener;
  guint16 sequence[2];
  guint32 timestamp[2];
  gint64 start_us, first_us; /* of what was heard */
  Packet *packets;
  guint n_packets;
} Call;

static void
open_end (End *end)
{
  socklen_t size = sizeof end->to;

  end->to.sin_family = AF_INET;
  end->to.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  end->fd = socket (AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (end->fd < 0 || bind (end->fd, (struct sockaddr *)&end->to, size) != 0
      || getsockname (end->fd, (struct sockaddr *)&end->to, &size) != 0)
    g_error ("socket");
  end->port = ntohs (end->to.sin_port);
}

/* ---- our own mixer ---- */

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

/* A third one who says nothing makes it a mix: two would be forwarded. */
static MediaEngine *
set_up_engine (Call *call)
{
  const MediaEngineConfig config = { .n_workers = 1, .rtp_port_start = 20000, .rtp_port_end = 29999 };
  const MediaRtpLegConfig at = { .local_address = "127.0.0.1" };
  MediaEngine *engine = media_engine_new (&config, &ops, NULL, NULL);
  const MediaRoomId room = media_engine_room_new (engine);
  End *ends[] = { &call->talker, &call->listener, NULL };

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      MediaPlan plan
          = { .n_sections = 1, .remote_address = "127.0.0.1", .cname = "speech", .rtcp_mux = TRUE };
      MediaPlanSection *section = &plan.sections[0];
      MediaRtpLocal local;
      const MediaLegId leg = media_engine_leg_new_rtp (engine, &at, &local, NULL);

      plan.remote_rtp_port = ends[i] != NULL ? ends[i]->port : 9;
      section->is_audio = section->send = section->receive = TRUE;
      section->codecs[0] = (MediaPlanCodec){ .codec = media_codec_get_id (call->codec),
                                             .send_pt = call->payload_type,
                                             .recv_pt = call->payload_type };
      section->n_codecs = 1;
      section->ptime_ms = 20;
      section->ssrc = i + 1;
      section->source_track = i + 1;
      section->sink = MEDIA_SINK_MIX;
      media_engine_leg_configure (engine, leg, &plan);
      media_engine_leg_attach (engine, leg, room);
      if (ends[i] != NULL)
        ends[i]->to.sin_port = htons (local.rtp_port);
    }
  return engine;
}

static void
read_addresses (Call *call)
{
  End *ends[] = { &call->talker, &call->listener };

  printf ("talker %u listener %u\n", call->talker.port, call->listener.port);
  fflush (stdout);
  for (guint i = 0; i < 2; i++)
    {
      char line[96], address[64], port_text[16];
      guint64 port;

      if (fgets (line, sizeof line, stdin) == NULL || sscanf (line, "%63s %15s", address, port_text) != 2
          || inet_pton (AF_INET, address, &ends[i]->to.sin_addr) != 1
          || !g_ascii_string_to_unsigned (port_text, 10, 1, 65535, &port, NULL))
        g_error ("no address to send to");
      ends[i]->to.sin_port = htons ((guint16)port);
    }
}

/* ---- the call ---- */

static gsize
make_packet (Call *call, guint side, const gint16 *pcm, gsize samples, guint8 *packet)
{
  const MediaRtpHeader header = { .payload_type = call->payload_type,
                                  .sequence = call->sequence[side]++,
                                  .timestamp = call->timestamp[side],
                                  .ssrc = 0x1000 + side };
  const guint32 units = media_codec_get_clock_rate (call->codec) / 50;
  guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
  gssize size;

  call->timestamp[side] += units;
  size = pcm != NULL ? media_encoder_encode (call->encoder, pcm, samples, payload, sizeof payload)
                     : media_codec_silence (call->codec, units, payload, sizeof payload);
  size = media_rtp_write (&header, payload, (gsize)MAX (size, 1), packet, MEDIA_PACKET_SIZE);
  return (gsize)MAX (size, 0);
}

static void
send_to (const End *end, const guint8 *packet, gsize size)
{
  (void)!sendto (end->fd, packet, size, 0, (const struct sockaddr *)&end->to, sizeof end->to);
}

/* A frame of the talker into the network; the listener is there, and silent. */
static void
frame (Call *call, gsize at, CfgMonotonic now)
{
  const gsize samples = call->speech->rate_hz / 50;
  guint8 packet[MEDIA_PACKET_SIZE];
  gint16 pcm[960] = { 0 };

  for (gsize i = 0; i < samples && at + i < call->speech->n; i++)
    pcm[i] = call->speech->pcm[at + i];
  (void)test_netem_send (call->network, packet, make_packet (call, 0, pcm, samples, packet), now);
  send_to (&call->listener, packet, make_packet (call, 1, NULL, 0, packet));
}

static void
listen_all (Call *call, CfgMonotonic now)
{
  guint8 data[MEDIA_PACKET_SIZE];
  MediaRtpView packet;
  gssize size;

  while (recv (call->talker.fd, data, sizeof data, 0) > 0)
    ;
  while ((size = recv (call->listener.fd, data, sizeof data, 0)) > 0)
    {
      Packet *kept = &call->packets[call->n_packets];

      if (media_rtp_parse (&packet, data, (gsize)size) != 0 || packet.payload_type != call->payload_type
          || packet.payload_size > sizeof kept->payload || call->n_packets == MOST_HEARD)
        continue;
      if (call->n_packets++ == 0)
        call->first_us = now.us;
      kept->timestamp = packet.timestamp;
      kept->size = packet.payload_size;
      memcpy (kept->payload, packet.payload, packet.payload_size);
    }
}

static void
talk (Call *call)
{
  const gsize samples = call->speech->rate_hz / 50;
  const gsize end = call->speech->n + call->speech->rate_hz / 1000 * TAIL_MS;
  gsize at = 0;

  call->start_us = cfg_monotonic_now ().us;
  while (at < end)
    {
      const CfgMonotonic now = cfg_monotonic_now ();
      guint8 packet[MEDIA_PACKET_SIZE];
      CfgMonotonic arrived;
      gsize size;

      for (; at < end && now.us >= call->start_us + (gint64)(at / samples) * 20000; at += samples)
        frame (call, at, (CfgMonotonic){ call->start_us + (gint64)(at / samples) * 20000 });
      while ((size = test_netem_receive (call->network, now, packet, &arrived)) > 0)
        send_to (&call->talker, packet, size);
      listen_all (call, now);
      g_usleep (STEP_US);
    }
}

static TestSpeech *
put_together (Call *call)
{
  const guint rate_hz = call->speech->rate_hz;
  const guint clock_rate_hz = media_codec_get_clock_rate (call->codec);
  g_autoptr (MediaDecoder) decoder = media_decoder_new (call->codec, rate_hz, NULL);
  const gsize offset = (gsize)((call->first_us - call->start_us) * rate_hz / CFG_US_PER_S);
  TestSpeech *heard = g_new0 (TestSpeech, 1);

  heard->rate_hz = rate_hz;
  heard->n = call->speech->n + 4 * (gsize)rate_hz;
  heard->pcm = g_new0 (gint16, heard->n);
  for (guint i = 0; i < call->n_packets; i++)
    {
      const Packet *packet = &call->packets[i];
      const gint32 units = (gint32)(packet->timestamp - call->packets[0].timestamp);
      const gsize at = offset + (gsize)((gint64)MAX (units, 0) * rate_hz / clock_rate_hz);
      gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];
      const gssize n = media_decoder_decode (decoder, packet->payload, packet->size, pcm, G_N_ELEMENTS (pcm));

      if (n > 0 && at + (gsize)n <= heard->n)
        memcpy (heard->pcm + at, pcm, (gsize)n * sizeof *pcm);
    }
  return heard;
}

static gboolean
prepare (Call *call, char **error)
{
  const Options *options = &call->options;
  const TestNetemConfig network = { .seed = (guint64)options->seed,
                                    .loss = options->loss / 100,
                                    .delay_us = 20000,
                                    .jitter_us = options->jitter_ms * 1000 };
  MediaEncoderConfig config = { .opus_complexity = 5, .opus_fec = options->loss > 0 };

  call->codec = media_codec_find (options->codec_name != NULL ? options->codec_name : "PCMU", 0);
  if (call->codec == NULL || options->said == NULL || options->heard == NULL)
    {
      *error = g_strdup ("--said and --heard are needed, and a codec that exists");
      return FALSE;
    }
  call->payload_type = (guint8)MAX (media_codec_get_static_payload_type (call->codec), 0);
  if (media_codec_get_id (call->codec) == MEDIA_CODEC_OPUS)
    call->payload_type = 111;
  config.sample_rate_hz = MIN (media_codec_get_sample_rate (call->codec), 16000);
  config.opus_loss_percent = (guint)options->loss;
  call->speech = test_speech_read (options->said, config.sample_rate_hz, error);
  if (call->speech == NULL)
    return FALSE;
  call->encoder = media_encoder_new (call->codec, &config, NULL);
  call->network = test_netem_new (&network);
  call->packets = g_new0 (Packet, MOST_HEARD);
  open_end (&call->talker);
  open_end (&call->listener);
  return TRUE;
}

int
main (int argc, char **argv)
{
  Call call = { .options = { .seed = 7 } };
  const GOptionEntry entries[] = {
    { "said", 0, 0, G_OPTION_ARG_FILENAME, &call.options.said, "what is spoken", "FILE" },
    { "heard", 0, 0, G_OPTION_ARG_FILENAME, &call.options.heard, "where to write what comes", "FILE" },
    { "codec", 0, 0, G_OPTION_ARG_STRING, &call.options.codec_name, "PCMU", "NAME" },
    { "loss", 0, 0, G_OPTION_ARG_DOUBLE, &call.options.loss, "0", "PERCENT" },
    { "jitter", 0, 0, G_OPTION_ARG_INT, &call.options.jitter_ms, "0", "MS" },
    { "seed", 0, 0, G_OPTION_ARG_INT, &call.options.seed, "of the losses", "N" },
    { "engine", 0, 0, G_OPTION_ARG_NONE, &call.options.engine, "our own mixer", NULL },
    { 0 },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autofree char *error = NULL;
  TestSpeech *heard;
  MediaEngine *engine = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, NULL) || !prepare (&call, &error))
    {
      fprintf (stderr, "speech_call: %s\n", error != NULL ? error : "see --help");
      return 2;
    }
  if (call.options.engine)
    engine = set_up_engine (&call);
  else
    read_addresses (&call);
  talk (&call);
  heard = put_together (&call);
  if (!test_speech_write (heard, call.options.heard))
    fprintf (stderr, "speech_call: cannot write %s\n", call.options.heard);
  test_speech_free (heard);
  test_speech_free (call.speech);
  media_encoder_free (call.encoder);
  test_netem_free (call.network);
  g_free (call.packets);
  g_clear_pointer (&engine, media_engine_free);
  return call.n_packets == 0;
}
