/* Opus (RFC 6716, RTP: RFC 7587) through libopus, mono, at 8, 16 or 48 kHz. */
#include "media/codec/codec_private.h"

#include "config/base/error.h"

#include <errno.h>
#include <opus.h>
#include <string.h>

#define CLOCK_HZ           48000
#define UNITS_MAX          (CLOCK_HZ / 1000 * 120)
#define DEFAULT_COMPLEXITY 5
#define STEPS_PER_S        400 /* frames are made of 2.5 ms */

typedef struct
{
  OpusEncoder *opus;
  guint sample_rate_hz;
  gboolean dtx;
} Encoder;

typedef struct
{
  OpusDecoder *opus;
  guint sample_rate_hz;
} Decoder;

static guint32
opus_duration (const guint8 *payload, gsize size)
{
  int units;

  if (size == 0 || size > MEDIA_CODEC_PAYLOAD_MAX)
    return 0;
  units = opus_packet_get_nb_samples (payload, (opus_int32)size, CLOCK_HZ);
  return units > 0 && units <= UNITS_MAX ? (guint32)units : 0;
}

/* CELT fullband frames that say "silence" (0xff 0xfe), one to three in a packet (RFC 6716 3.2). */
static gssize
write_silence (guint32 units, guint8 *out, gsize capacity)
{
  static const guint8 ms_10[] = { 0xf0, 0xff, 0xfe };
  static const guint8 ms_20[] = { 0xf8, 0xff, 0xfe };
  static const guint8 ms_40[] = { 0xf9, 0xff, 0xfe, 0xff, 0xfe };
  static const guint8 ms_60[] = { 0xfb, 0x03, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe };
  static const struct
  {
    guint32 units;
    const guint8 *payload;
    gsize size;
  } packets[] = {
    { 480, ms_10, sizeof ms_10 },
    { 960, ms_20, sizeof ms_20 },
    { 1920, ms_40, sizeof ms_40 },
    { 2880, ms_60, sizeof ms_60 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (packets); i++)
    {
      if (packets[i].units != units)
        continue;
      if (packets[i].size > capacity)
        return -ENOSPC;
      memcpy (out, packets[i].payload, packets[i].size);
      return (gssize)packets[i].size;
    }
  return -EINVAL;
}

static guint
default_bitrate (guint sample_rate_hz)
{
  return sample_rate_hz <= 8000 ? 16000 : sample_rate_hz <= 16000 ? 24000 : 32000;
}

guint
media_opus_complexity (int member)
{
  return member == 0 ? DEFAULT_COMPLEXITY : (guint)CLAMP (member, 0, 10);
}

static void
encoder_configure (gpointer state, const MediaEncoderConfig *config)
{
  Encoder *encoder = state;
  guint bitrate = config->opus_bitrate;

  if (bitrate == 0)
    bitrate = default_bitrate (encoder->sample_rate_hz);
  encoder->dtx = config->opus_dtx;
  (void)opus_encoder_ctl (encoder->opus,
                          OPUS_SET_COMPLEXITY ((opus_int32)media_opus_complexity (config->opus_complexity)));
  (void)opus_encoder_ctl (encoder->opus, OPUS_SET_BITRATE ((opus_int32)CLAMP (bitrate, 6000, 128000)));
  (void)opus_encoder_ctl (encoder->opus, OPUS_SET_INBAND_FEC (config->opus_fec ? 1 : 0));
  (void)opus_encoder_ctl (encoder->opus,
                          OPUS_SET_PACKET_LOSS_PERC ((opus_int32)MIN (config->opus_loss_percent, 100)));
  (void)opus_encoder_ctl (encoder->opus, OPUS_SET_DTX (config->opus_dtx ? 1 : 0));
}

static int
encoder_complexity (gconstpointer state)
{
  opus_int32 complexity = 0;

  (void)opus_encoder_ctl (((const Encoder *)state)->opus, OPUS_GET_COMPLEXITY (&complexity));
  return complexity;
}

static gpointer
encoder_new (const MediaEncoderConfig *config, GError **error)
{
  int status = OPUS_OK;
  OpusEncoder *opus
      = opus_encoder_create ((opus_int32)config->sample_rate_hz, 1, OPUS_APPLICATION_VOIP, &status);
  Encoder *encoder;

  if (opus == NULL)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INTERNAL, "No Opus encoder: %s", opus_strerror (status));
      return NULL;
    }
  encoder = g_new0 (Encoder, 1);
  encoder->opus = opus;
  encoder->sample_rate_hz = config->sample_rate_hz;
  (void)opus_encoder_ctl (opus, OPUS_SET_SIGNAL (OPUS_SIGNAL_VOICE));
  encoder_configure (encoder, config);
  return encoder;
}

/* libopus: the state lies in one piece, and a copy of it is an encoder. */
static void
encoder_copy (gpointer to, gconstpointer from)
{
  memcpy (((Encoder *)to)->opus, ((const Encoder *)from)->opus, (gsize)opus_encoder_get_size (1));
}

static void
encoder_reset (gpointer state)
{
  (void)opus_encoder_ctl (((Encoder *)state)->opus, OPUS_RESET_STATE);
}

static void
encoder_free (gpointer state)
{
  Encoder *encoder = state;

  opus_encoder_destroy (encoder->opus);
  g_free (encoder);
}

static gssize
encode (gpointer state, const gint16 *pcm, gsize samples, guint8 *out, gsize capacity)
{
  Encoder *encoder = state;
  gsize step = encoder->sample_rate_hz / 100;
  opus_int32 size;

  if (samples != step && samples != 2 * step && samples != 4 * step && samples != 6 * step)
    return -EINVAL;
  size = opus_encode (encoder->opus, pcm, (int)samples, out,
                      (opus_int32)MIN (capacity, MEDIA_CODEC_PAYLOAD_MAX));
  if (size == OPUS_BUFFER_TOO_SMALL)
    return -ENOSPC;
  if (size < 0)
    return -EIO;
  /* libopus: two octets or less need not be transmitted. */
  return encoder->dtx && size <= 2 ? 0 : size;
}

static gpointer
decoder_new (guint sample_rate_hz, GError **error)
{
  int status = OPUS_OK;
  OpusDecoder *opus = opus_decoder_create ((opus_int32)sample_rate_hz, 1, &status);
  Decoder *decoder;

  if (opus == NULL)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INTERNAL, "No Opus decoder: %s", opus_strerror (status));
      return NULL;
    }
  decoder = g_new0 (Decoder, 1);
  decoder->opus = opus;
  decoder->sample_rate_hz = sample_rate_hz;
  return decoder;
}

static void
decoder_free (gpointer state)
{
  Decoder *decoder = state;

  opus_decoder_destroy (decoder->opus);
  g_free (decoder);
}

static void
decoder_reset (gpointer state)
{
  (void)opus_decoder_ctl (((Decoder *)state)->opus, OPUS_RESET_STATE);
}

static gssize
decode (gpointer state, const guint8 *payload, gsize size, gint16 *pcm, gsize capacity)
{
  Decoder *decoder = state;
  guint32 units = opus_duration (payload, size);
  int samples;

  if (units == 0)
    return -EBADMSG;
  if ((guint64)units * decoder->sample_rate_hz / CLOCK_HZ > capacity)
    return -ENOSPC;
  samples = opus_decode (decoder->opus, payload, (opus_int32)size, pcm, (int)capacity, 0);
  return samples > 0 ? samples : -EBADMSG;
}

/* libopus makes up whole steps of 2.5 ms only: what is over is made and thrown away. */
static gssize
make_up (Decoder *decoder, const guint8 *next, gsize size, gsize samples, gint16 *pcm)
{
  gsize step = decoder->sample_rate_hz / STEPS_PER_S;
  gsize rounded = (samples + step - 1) / step * step;
  gint16 rest[CLOCK_HZ / STEPS_PER_S];
  int made;

  if (rounded == samples)
    {
      made = opus_decode (decoder->opus, next, (opus_int32)size, pcm, (int)samples, next != NULL ? 1 : 0);
      return made == (int)samples ? made : -EBADMSG;
    }
  if (rounded > step)
    {
      made = opus_decode (decoder->opus, NULL, 0, pcm, (int)(rounded - step), 0);
      if (made < 0)
        return -EBADMSG;
    }
  made = opus_decode (decoder->opus, NULL, 0, rest, (int)step, 0);
  if (made < 0)
    return -EBADMSG;
  memcpy (pcm + rounded - step, rest, (samples - (rounded - step)) * sizeof *pcm);
  return (gssize)samples;
}

static gssize
conceal (gpointer state, gsize samples, gint16 *pcm)
{
  if (samples == 0)
    return 0;
  return make_up (state, NULL, 0, samples, pcm);
}

static gssize
decode_fec (gpointer state, const guint8 *next, gsize size, gsize samples, gint16 *pcm)
{
  if (opus_duration (next, size) == 0)
    return make_up (state, NULL, 0, samples, pcm);
  return make_up (state, next, size, samples, pcm);
}

const MediaCodec media_codec_opus = {
  .id = MEDIA_CODEC_OPUS,
  .name = "opus",
  .clock_rate_hz = CLOCK_HZ,
  .sample_rate_hz = 48000,
  .channels = 2,
  .static_payload_type = -1,
  .has_fec = TRUE,
  .has_memory = TRUE,
  .any_rate = TRUE,
  .duration = opus_duration,
  .silence = write_silence,
  .encoder_new = encoder_new,
  .encoder_free = encoder_free,
  .encoder_configure = encoder_configure,
  .encoder_complexity = encoder_complexity,
  .encoder_copy = encoder_copy,
  .encoder_reset = encoder_reset,
  .encode = encode,
  .decoder_new = decoder_new,
  .decoder_free = decoder_free,
  .decoder_reset = decoder_reset,
  .decode = decode,
  .conceal = conceal,
  .decode_fec = decode_fec,
};
