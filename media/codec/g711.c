/* ITU-T G.711, both laws, by table. One octet is one sample is one timestamp unit. */
#include "media/codec/codec_private.h"

#include "media/codec/concealer.h"

#include <errno.h>
#include <string.h>

#define UNITS_MAX  960 /* 120 ms */
#define JOIN_UNITS 40  /* 5 ms */

/* Both laws look at no more than 14 bits. */
typedef struct
{
  gint16 decode[256];
  guint32 square[256];
  guint8 encode[1 << 14];
  gint round_negative; /* added before the two lowest bits are cut off */
  guint8 silence;
} Law;

#define U_LAW_BIAS 132
#define U_LAW_CLIP 32635

static gint16
u_law_expand (guint8 octet)
{
  guint code = (guint8)~octet;
  gint magnitude = ((gint)((code & 0x0f) << 3) + U_LAW_BIAS) << (code >> 4 & 7);

  magnitude -= U_LAW_BIAS;
  return (gint16)((code & 0x80) != 0 ? -magnitude : magnitude);
}

static guint8
u_law_compress (gint sample)
{
  guint sign = sample < 0 ? 0x80 : 0;
  gint magnitude = MIN (ABS (sample), U_LAW_CLIP) + U_LAW_BIAS;
  guint segment = (guint)g_bit_storage ((gulong)magnitude) - 8;
  /* The bias alone has eight bits, so that no shift is by less than three.
   * NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
  guint code = sign | segment << 4 | ((guint)magnitude >> (segment + 3) & 0x0f);

  return (guint8)(~code & 0xff);
}

static gint16
a_law_expand (guint8 octet)
{
  guint code = octet ^ 0x55;
  guint segment = code >> 4 & 7;
  gint magnitude = (gint)((code & 0x0f) << 4) + 8;

  if (segment > 0)
    magnitude = (magnitude + 0x100) << (segment - 1);
  return (gint16)((code & 0x80) != 0 ? magnitude : -magnitude);
}

static guint8
a_law_compress (gint sample)
{
  guint sign = sample >= 0 ? 0x80 : 0;
  guint magnitude = (guint)MIN (sample >= 0 ? sample : -sample - 1, 32767);
  guint segment = magnitude < 256 ? 0 : (guint)g_bit_storage (magnitude) - 8;
  guint shift = segment < 2 ? 4 : segment + 3;
  guint code = sign | segment << 4 | (magnitude >> shift & 0x0f);

  return (guint8)(code ^ 0x55);
}

static const Law *
law_get (gboolean a_law)
{
  static Law laws[2];
  static gsize ready;

  if (g_once_init_enter (&ready))
    {
      for (guint i = 0; i < 256; i++)
        {
          laws[0].decode[i] = u_law_expand ((guint8)i);
          laws[1].decode[i] = a_law_expand ((guint8)i);
          for (guint k = 0; k < 2; k++)
            laws[k].square[i] = (guint32)(laws[k].decode[i] * laws[k].decode[i]);
        }
      for (int i = 0; i < 1 << 14; i++)
        {
          int sample = (i - (1 << 13)) * 4;

          laws[0].encode[i] = u_law_compress (sample);
          laws[1].encode[i] = a_law_compress (sample);
        }
      /* µ-law cuts the magnitude, A-law the two's complement. */
      laws[0].round_negative = 3;
      laws[0].silence = 0xff;
      laws[1].silence = 0xd5;
      g_once_init_leave (&ready, 1);
    }
  return &laws[a_law ? 1 : 0];
}

typedef struct
{
  const Law *law;
  MediaConcealer concealer;
} Decoder;

static guint32
g711_duration (const guint8 *payload, gsize size)
{
  return size <= UNITS_MAX ? (guint32)size : 0;
}

static gint64
energy (const Law *law, const guint8 *payload, gsize size)
{
  guint64 sum = 0;

  for (gsize i = 0; i < size; i++)
    sum += law->square[payload[i]];
  return (gint64)sum;
}

static gint64
pcmu_energy (const guint8 *payload, gsize size)
{
  return energy (law_get (FALSE), payload, size);
}

static gint64
pcma_energy (const guint8 *payload, gsize size)
{
  return energy (law_get (TRUE), payload, size);
}

static guint8
compress (const Law *law, gint sample)
{
  return law->encode[(guint)(sample + 32768 + (sample < 0 ? law->round_negative : 0)) >> 2];
}

static gint16
pcmu_sample (guint8 octet)
{
  return law_get (FALSE)->decode[octet];
}

static gint16
pcma_sample (guint8 octet)
{
  return law_get (TRUE)->decode[octet];
}

static void
join (const Law *law, guint8 *payload, gsize size, gint16 sample)
{
  const gint n = (gint)MIN (size, JOIN_UNITS);

  for (gint i = 0; i < n; i++)
    payload[i] = compress (law, (law->decode[payload[i]] * i + sample * (n - i)) / n);
}

static void
pcmu_join (guint8 *payload, gsize size, gint16 sample)
{
  join (law_get (FALSE), payload, size, sample);
}

static void
pcma_join (guint8 *payload, gsize size, gint16 sample)
{
  join (law_get (TRUE), payload, size, sample);
}

static gssize
write_silence (const Law *law, guint32 units, guint8 *out, gsize capacity)
{
  if (units == 0 || units > UNITS_MAX)
    return -EINVAL;
  if (units > capacity)
    return -ENOSPC;
  memset (out, law->silence, units);
  return (gssize)units;
}

static gssize
pcmu_silence (guint32 units, guint8 *out, gsize capacity)
{
  return write_silence (law_get (FALSE), units, out, capacity);
}

static gssize
pcma_silence (guint32 units, guint8 *out, gsize capacity)
{
  return write_silence (law_get (TRUE), units, out, capacity);
}

/* An encoder has no state but its law. */
static gpointer
pcmu_encoder_new (const MediaEncoderConfig *config, GError **error)
{
  return (gpointer)law_get (FALSE);
}

static gpointer
pcma_encoder_new (const MediaEncoderConfig *config, GError **error)
{
  return (gpointer)law_get (TRUE);
}

static void
g711_encoder_free (gpointer state)
{
}

static gssize
g711_encode (gpointer state, const gint16 *pcm, gsize samples, guint8 *out, gsize capacity)
{
  const Law *law = state;

  if (samples == 0 || samples % 80 != 0 || samples > UNITS_MAX)
    return -EINVAL;
  if (samples > capacity)
    return -ENOSPC;
  for (gsize i = 0; i < samples; i++)
    out[i] = compress (law, pcm[i]);
  return (gssize)samples;
}

static gpointer
decoder_new (gboolean a_law)
{
  Decoder *decoder = g_new0 (Decoder, 1);

  decoder->law = law_get (a_law);
  media_concealer_init (&decoder->concealer, 8000);
  return decoder;
}

static gpointer
pcmu_decoder_new (guint sample_rate_hz, GError **error)
{
  return decoder_new (FALSE);
}

static gpointer
pcma_decoder_new (guint sample_rate_hz, GError **error)
{
  return decoder_new (TRUE);
}

static void
g711_decoder_reset (gpointer state)
{
  media_concealer_init (&((Decoder *)state)->concealer, 8000);
}

static gssize
g711_decode (gpointer state, const guint8 *payload, gsize size, gint16 *pcm, gsize capacity)
{
  Decoder *decoder = state;

  if (size == 0 || size > UNITS_MAX)
    return -EBADMSG;
  if (size > capacity)
    return -ENOSPC;
  for (gsize i = 0; i < size; i++)
    pcm[i] = decoder->law->decode[payload[i]];
  media_concealer_good (&decoder->concealer, pcm, size);
  return (gssize)size;
}

static gssize
g711_conceal (gpointer state, gsize samples, gint16 *pcm)
{
  media_concealer_lost (&((Decoder *)state)->concealer, pcm, samples);
  return (gssize)samples;
}

const MediaCodec media_codec_pcmu = {
  .id = MEDIA_CODEC_PCMU,
  .name = "PCMU",
  .clock_rate_hz = 8000,
  .sample_rate_hz = 8000,
  .channels = 1,
  .static_payload_type = 0,
  .duration = g711_duration,
  .silence = pcmu_silence,
  .energy = pcmu_energy,
  .sample = pcmu_sample,
  .join = pcmu_join,
  .encoder_new = pcmu_encoder_new,
  .encoder_free = g711_encoder_free,
  .encode = g711_encode,
  .decoder_new = pcmu_decoder_new,
  .decoder_free = g_free,
  .decoder_reset = g711_decoder_reset,
  .decode = g711_decode,
  .conceal = g711_conceal,
};

const MediaCodec media_codec_pcma = {
  .id = MEDIA_CODEC_PCMA,
  .name = "PCMA",
  .clock_rate_hz = 8000,
  .sample_rate_hz = 8000,
  .channels = 1,
  .static_payload_type = 8,
  .duration = g711_duration,
  .silence = pcma_silence,
  .energy = pcma_energy,
  .sample = pcma_sample,
  .join = pcma_join,
  .encoder_new = pcma_encoder_new,
  .encoder_free = g711_encoder_free,
  .encode = g711_encode,
  .decoder_new = pcma_decoder_new,
  .decoder_free = g_free,
  .decoder_reset = g711_decoder_reset,
  .decode = g711_decode,
  .conceal = g711_conceal,
};
