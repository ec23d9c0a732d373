#include "media/codec/codec.h"

#include "config/base/error.h"
#include "media/codec/codec_private.h"
#include "media/codec/declick.h"
#include "media/codec/resampler.h"

#include <errno.h>
#include <string.h>

static const MediaCodec *const codecs[MEDIA_CODEC_N] = {
  [MEDIA_CODEC_OPUS] = &media_codec_opus,
  [MEDIA_CODEC_G722] = &media_codec_g722,
  [MEDIA_CODEC_PCMU] = &media_codec_pcmu,
  [MEDIA_CODEC_PCMA] = &media_codec_pcma,
};

struct _MediaEncoder
{
  const MediaCodec *codec;
  gpointer state;
  guint sample_rate_hz;
  guint native_rate_hz;
  MediaResampler *resampler; /* (nullable) */
};

/* So many packets after a loss may begin with a jump. */
#define UNSURE_PACKETS 2

struct _MediaDecoder
{
  const MediaCodec *codec;
  gpointer state;
  guint sample_rate_hz;
  guint native_rate_hz;
  MediaResampler *resampler; /* (nullable) */
  guint unsure;              /* packets to go */
  gint16 before[MEDIA_DECLICK_BEFORE];
};

const MediaCodec *
media_codec_get (MediaCodecId id)
{
  g_assert ((guint)id < MEDIA_CODEC_N);
  return codecs[id];
}

const MediaCodec *
media_codec_find (const char *name, guint clock_rate_hz)
{
  for (guint i = 0; i < MEDIA_CODEC_N; i++)
    if (g_ascii_strcasecmp (codecs[i]->name, name) == 0
        && (clock_rate_hz == 0 || clock_rate_hz == codecs[i]->clock_rate_hz))
      return codecs[i];
  return NULL;
}

const MediaCodec *
media_codec_find_static (guint8 payload_type)
{
  for (guint i = 0; i < MEDIA_CODEC_N; i++)
    if (codecs[i]->static_payload_type == (int)payload_type)
      return codecs[i];
  return NULL;
}

MediaCodecId
media_codec_get_id (const MediaCodec *codec)
{
  return codec->id;
}

const char *
media_codec_get_name (const MediaCodec *codec)
{
  return codec->name;
}

guint
media_codec_get_clock_rate (const MediaCodec *codec)
{
  return codec->clock_rate_hz;
}

guint
media_codec_get_sample_rate (const MediaCodec *codec)
{
  return codec->sample_rate_hz;
}

guint
media_codec_get_channels (const MediaCodec *codec)
{
  return codec->channels;
}

int
media_codec_get_static_payload_type (const MediaCodec *codec)
{
  return codec->static_payload_type;
}

gboolean
media_codec_has_fec (const MediaCodec *codec)
{
  return codec->has_fec;
}

gboolean
media_codec_has_memory (const MediaCodec *codec)
{
  return codec->has_memory;
}

guint32
media_codec_duration (const MediaCodec *codec, const guint8 *payload, gsize size)
{
  return codec->duration (payload, size);
}

gssize
media_codec_silence (const MediaCodec *codec, guint32 units, guint8 *out, gsize capacity)
{
  return codec->silence (units, out, capacity);
}

gint64
media_codec_energy (const MediaCodec *codec, const guint8 *payload, gsize size)
{
  return codec->energy != NULL ? codec->energy (payload, size) : -1;
}

gint16
media_codec_last_sample (const MediaCodec *codec, const guint8 *payload, gsize size)
{
  return codec->sample != NULL && size > 0 ? codec->sample (payload[size - 1]) : 0;
}

void
media_codec_join (const MediaCodec *codec, guint8 *payload, gsize size, gint16 sample)
{
  if (codec->join != NULL)
    codec->join (payload, size, sample);
}

static gboolean
check_rate (const MediaCodec *codec, guint sample_rate_hz, GError **error)
{
  if (sample_rate_hz == 8000 || sample_rate_hz == 16000 || sample_rate_hz == 48000)
    return TRUE;
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "%s is not available at %u Hz", codec->name,
               sample_rate_hz);
  return FALSE;
}

MediaEncoder *
media_encoder_new (const MediaCodec *codec, const MediaEncoderConfig *config, GError **error)
{
  g_autoptr (MediaEncoder) encoder = NULL;
  MediaEncoderConfig native = config != NULL ? *config : (MediaEncoderConfig){ 0 };

  if (native.sample_rate_hz == 0)
    native.sample_rate_hz = codec->sample_rate_hz;
  if (!check_rate (codec, native.sample_rate_hz, error))
    return NULL;
  encoder = g_new0 (MediaEncoder, 1);
  encoder->codec = codec;
  encoder->sample_rate_hz = native.sample_rate_hz;
  if (!codec->any_rate)
    native.sample_rate_hz = codec->sample_rate_hz;
  encoder->native_rate_hz = native.sample_rate_hz;
  encoder->state = codec->encoder_new (&native, error);
  if (encoder->state == NULL)
    return NULL;
  if (encoder->sample_rate_hz != encoder->native_rate_hz)
    {
      encoder->resampler = media_resampler_new (encoder->sample_rate_hz, encoder->native_rate_hz, error);
      if (encoder->resampler == NULL)
        return NULL;
    }
  return g_steal_pointer (&encoder);
}

void
media_encoder_free (MediaEncoder *encoder)
{
  if (encoder == NULL)
    return;
  if (encoder->state != NULL)
    encoder->codec->encoder_free (encoder->state);
  media_resampler_free (encoder->resampler);
  g_free (encoder);
}

const MediaCodec *
media_encoder_get_codec (const MediaEncoder *encoder)
{
  return encoder->codec;
}

guint
media_encoder_get_sample_rate (const MediaEncoder *encoder)
{
  return encoder->sample_rate_hz;
}

void
media_encoder_configure (MediaEncoder *encoder, const MediaEncoderConfig *config)
{
  if (encoder->codec->encoder_configure != NULL)
    encoder->codec->encoder_configure (encoder->state, config);
}

void
media_encoder_continue (MediaEncoder *encoder, const MediaEncoder *from)
{
  if (encoder->codec->encoder_copy != NULL && from != NULL && encoder->codec == from->codec
      && encoder->native_rate_hz == from->native_rate_hz)
    encoder->codec->encoder_copy (encoder->state, from->state);
  else if (encoder->codec->encoder_reset != NULL)
    encoder->codec->encoder_reset (encoder->state);
}

void
media_encoder_pass (MediaEncoder *encoder, guint32 units)
{
  if (encoder->codec->encoder_pass != NULL)
    encoder->codec->encoder_pass (encoder->state, units);
  else if (encoder->codec->encoder_reset != NULL)
    encoder->codec->encoder_reset (encoder->state);
}

int
media_encoder_get_opus_complexity (const MediaEncoder *encoder)
{
  return encoder->codec->encoder_complexity != NULL ? encoder->codec->encoder_complexity (encoder->state)
                                                    : -1;
}

gboolean
media_encoder_remembers (const MediaEncoder *encoder)
{
  return encoder->codec->encoder_copy != NULL;
}

gssize
media_encoder_encode (MediaEncoder *encoder, const gint16 *pcm, gsize samples, guint8 *out, gsize capacity)
{
  gint16 native[MEDIA_CODEC_SAMPLES_MAX];
  gssize converted;

  if (encoder->resampler == NULL)
    return encoder->codec->encode (encoder->state, pcm, samples, out, capacity);
  if (samples == 0 || samples % (encoder->sample_rate_hz / 100) != 0)
    return -EINVAL;
  converted = media_resampler_process (encoder->resampler, pcm, samples, native, G_N_ELEMENTS (native));
  if (converted < 0)
    return -EINVAL;
  return encoder->codec->encode (encoder->state, native, (gsize)converted, out, capacity);
}

MediaDecoder *
media_decoder_new (const MediaCodec *codec, guint sample_rate_hz, GError **error)
{
  g_autoptr (MediaDecoder) decoder = NULL;

  if (!check_rate (codec, sample_rate_hz, error))
    return NULL;
  decoder = g_new0 (MediaDecoder, 1);
  decoder->codec = codec;
  decoder->sample_rate_hz = sample_rate_hz;
  decoder->native_rate_hz = codec->any_rate ? sample_rate_hz : codec->sample_rate_hz;
  decoder->state = codec->decoder_new (decoder->native_rate_hz, error);
  if (decoder->state == NULL)
    return NULL;
  if (decoder->sample_rate_hz != decoder->native_rate_hz)
    {
      decoder->resampler = media_resampler_new (decoder->native_rate_hz, decoder->sample_rate_hz, error);
      if (decoder->resampler == NULL)
        return NULL;
    }
  return g_steal_pointer (&decoder);
}

void
media_decoder_free (MediaDecoder *decoder)
{
  if (decoder == NULL)
    return;
  if (decoder->state != NULL)
    decoder->codec->decoder_free (decoder->state);
  media_resampler_free (decoder->resampler);
  g_free (decoder);
}

const MediaCodec *
media_decoder_get_codec (const MediaDecoder *decoder)
{
  return decoder->codec;
}

guint
media_decoder_get_sample_rate (const MediaDecoder *decoder)
{
  return decoder->sample_rate_hz;
}

void
media_decoder_reset (MediaDecoder *decoder)
{
  decoder->codec->decoder_reset (decoder->state);
  if (decoder->resampler != NULL)
    media_resampler_reset (decoder->resampler);
  decoder->unsure = 0;
  memset (decoder->before, 0, sizeof decoder->before);
}

/* @samples of @pcm (< 0: an error) are what is heard next. */
static gssize
finish (MediaDecoder *decoder, gint16 *pcm, gssize samples)
{
  const gsize kept = MEDIA_DECLICK_BEFORE;

  if (samples <= 0)
    return samples;
  if (decoder->unsure > 0 && decoder->codec->has_memory)
    (void)media_declick (decoder->before, pcm, (gsize)samples, decoder->sample_rate_hz);
  if ((gsize)samples >= kept)
    memcpy (decoder->before, pcm + (gsize)samples - kept, sizeof decoder->before);
  else
    {
      memmove (decoder->before, decoder->before + samples, (kept - (gsize)samples) * sizeof *pcm);
      memcpy (decoder->before + kept - (gsize)samples, pcm, (gsize)samples * sizeof *pcm);
    }
  return samples;
}

static gssize
decode_converted (MediaDecoder *decoder, const guint8 *payload, gsize size, gint16 *pcm, gsize capacity)
{
  gint16 native[MEDIA_CODEC_SAMPLES_MAX];
  gssize samples;

  if (decoder->resampler == NULL)
    return decoder->codec->decode (decoder->state, payload, size, pcm, capacity);
  samples = decoder->codec->decode (decoder->state, payload, size, native, G_N_ELEMENTS (native));
  if (samples < 0)
    return samples;
  return media_resampler_process (decoder->resampler, native, (gsize)samples, pcm, capacity);
}

gssize
media_decoder_decode (MediaDecoder *decoder, const guint8 *payload, gsize size, gint16 *pcm, gsize capacity)
{
  const gssize samples = finish (decoder, pcm, decode_converted (decoder, payload, size, pcm, capacity));

  if (decoder->unsure > 0)
    decoder->unsure--;
  return samples;
}

/* Makes up at the native rate; rounding up there keeps the answer at least as long as wanted. */
static gssize
make_up (MediaDecoder *decoder, const guint8 *next, gsize size, gsize samples, gint16 *pcm)
{
  const MediaCodec *codec = decoder->codec;

  if (next != NULL && codec->decode_fec != NULL)
    return codec->decode_fec (decoder->state, next, size, samples, pcm);
  return codec->conceal (decoder->state, samples, pcm);
}

static gssize
make_up_converted (MediaDecoder *decoder, const guint8 *next, gsize size, gsize samples, gint16 *pcm)
{
  gint16 native[MEDIA_CODEC_SAMPLES_MAX];
  gint16 converted[MEDIA_CODEC_SAMPLES_MAX + 48];
  gsize rates = decoder->sample_rate_hz;
  gsize wanted = (samples * decoder->native_rate_hz + rates - 1) / rates;
  gssize made;

  if (decoder->resampler == NULL)
    return make_up (decoder, next, size, samples, pcm);
  made = make_up (decoder, next, size, wanted, native);
  if (made < 0)
    return made;
  made = media_resampler_process (decoder->resampler, native, (gsize)made, converted,
                                  G_N_ELEMENTS (converted));
  if (made < 0)
    return made;
  if ((gsize)made < samples)
    memset (converted + made, 0, (samples - (gsize)made) * sizeof *converted);
  memcpy (pcm, converted, samples * sizeof *pcm);
  return (gssize)samples;
}

gssize
media_decoder_conceal (MediaDecoder *decoder, gsize samples, gint16 *pcm)
{
  if (samples == 0 || samples > (gsize)decoder->sample_rate_hz * 120 / 1000)
    return -EINVAL;
  decoder->unsure = UNSURE_PACKETS;
  return finish (decoder, pcm, make_up_converted (decoder, NULL, 0, samples, pcm));
}

void
media_decoder_cut (MediaDecoder *decoder)
{
  gint16 none[1];

  decoder->unsure = UNSURE_PACKETS;
  (void)decoder->codec->conceal (decoder->state, 0, none);
}

gssize
media_decoder_decode_fec (MediaDecoder *decoder, const guint8 *next, gsize size, gsize samples, gint16 *pcm)
{
  if (samples == 0 || samples > (gsize)decoder->sample_rate_hz * 120 / 1000)
    return -EINVAL;
  decoder->unsure = UNSURE_PACKETS;
  return finish (decoder, pcm, make_up_converted (decoder, next, size, samples, pcm));
}
