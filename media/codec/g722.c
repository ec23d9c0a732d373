/* ITU-T G.722 at 64 kbit/s through spandsp. 16 kHz samples, but an RTP clock of 8 kHz (RFC 3551 4.5.2): one
 * octet is two samples and one timestamp unit. */
#include "media/codec/codec_private.h"

#include "config/base/error.h"
#include "media/codec/concealer.h"

#include <errno.h>
#include <stdint.h>
#include <spandsp/telephony.h>
#include <spandsp/g722.h>
#include <string.h>

#define BIT_RATE   64000
#define OCTETS_MAX 960 /* 120 ms */

typedef struct
{
  g722_decode_state_t *g722;
  MediaConcealer concealer;
} Decoder;

static guint32
g722_duration (const guint8 *payload, gsize size)
{
  return size <= OCTETS_MAX ? (guint32)size : 0;
}

static gpointer
encoder_new (const MediaEncoderConfig *config, GError **error)
{
  g722_encode_state_t *g722 = g722_encode_init (NULL, BIT_RATE, 0);

  if (g722 == NULL)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INTERNAL, "No G.722 encoder");
  return g722;
}

static void
encoder_free (gpointer state)
{
  g722_encode_free (state);
}

static gssize
encode (gpointer state, const gint16 *pcm, gsize samples, guint8 *out, gsize capacity)
{
  if (samples == 0 || samples % 160 != 0 || samples > 2 * OCTETS_MAX)
    return -EINVAL;
  if (samples / 2 > capacity)
    return -ENOSPC;
  return g722_encode (state, out, pcm, (int)samples);
}

/* The smallest step in both bands, over and over: whatever a decoder has adapted to, it settles at nearly
 * zero (what our encoder makes of zeros is a limit cycle that must not be cut into packets). */
static gssize
write_silence (guint32 units, guint8 *out, gsize capacity)
{
  if (units == 0 || units > OCTETS_MAX)
    return -EINVAL;
  if (units > capacity)
    return -ENOSPC;
  memset (out, 0xff, units);
  return (gssize)units;
}

static gpointer
decoder_new (guint sample_rate_hz, GError **error)
{
  g722_decode_state_t *g722 = g722_decode_init (NULL, BIT_RATE, 0);
  Decoder *decoder;

  if (g722 == NULL)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INTERNAL, "No G.722 decoder");
      return NULL;
    }
  decoder = g_new0 (Decoder, 1);
  decoder->g722 = g722;
  media_concealer_init (&decoder->concealer, 16000);
  return decoder;
}

static void
decoder_free (gpointer state)
{
  Decoder *decoder = state;

  g722_decode_free (decoder->g722);
  g_free (decoder);
}

static void
decoder_reset (gpointer state)
{
  Decoder *decoder = state;

  (void)g722_decode_init (decoder->g722, BIT_RATE, 0);
  media_concealer_init (&decoder->concealer, 16000);
}

static gssize
decode (gpointer state, const guint8 *payload, gsize size, gint16 *pcm, gsize capacity)
{
  Decoder *decoder = state;
  int samples;

  if (size == 0 || size > OCTETS_MAX)
    return -EBADMSG;
  if (2 * size > capacity)
    return -ENOSPC;
  samples = g722_decode (decoder->g722, pcm, payload, (int)size);
  if (samples <= 0)
    return -EBADMSG;
  media_concealer_good (&decoder->concealer, pcm, (gsize)samples);
  return samples;
}

static gssize
conceal (gpointer state, gsize samples, gint16 *pcm)
{
  media_concealer_lost (&((Decoder *)state)->concealer, pcm, samples);
  return (gssize)samples;
}

const MediaCodec media_codec_g722 = {
  .id = MEDIA_CODEC_G722,
  .name = "G722",
  .clock_rate_hz = 8000,
  .sample_rate_hz = 16000,
  .channels = 1,
  .static_payload_type = 9,
  .duration = g722_duration,
  .silence = write_silence,
  .encoder_new = encoder_new,
  .encoder_free = encoder_free,
  .encode = encode,
  .decoder_new = decoder_new,
  .decoder_free = decoder_free,
  .decoder_reset = decoder_reset,
  .decode = decode,
  .conceal = conceal,
};
