/* ITU-T G.722 at 64 kbit/s through spandsp. 16 kHz samples, but an RTP clock of 8 kHz (RFC 3551 4.5.2): one
 * octet is two samples and one timestamp unit. */
#include "media/codec/codec_private.h"

#include "config/base/error.h"
#include "media/codec/concealer.h"

#include <errno.h>
#include <stdint.h>
#include <spandsp/telephony.h>
#include <spandsp/g722.h>
#include <spandsp/private/g722.h>
#include <string.h>

#define BIT_RATE    64000
#define OCTETS_MAX  960 /* 120 ms */
#define DOUBTFUL    4   /* packets after a loss */
#define BURST_TIMES 3   /* so much rougher than it may be */
#define LEAD_IN     32  /* samples: longer than the filters remember */
#define SILENCE     0xff
/* After so many of them a decoder has forgotten what was before. */
#define SETTLE_OCTETS 1600

typedef struct
{
  g722_decode_state_t *g722;
  MediaConcealer concealer;
  g722_encode_state_t *follower; /* nullable; since the first loss */
  g722_decode_state_t last;      /* as the last packet before a loss left it, and goes on from there … */
  guint doubtful;                /* … for so many packets after it */
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

static void
encoder_copy (gpointer to, gconstpointer from)
{
  *(g722_encode_state_t *)to = *(const g722_encode_state_t *)from;
}

/* Our silence changes what a decoder predicts, and an encoder must reckon with that, or the first 100 ms of
 * speech come out up to full scale. What both predict from is the same. */
static void
encoder_pass (gpointer state, guint32 units)
{
  g722_encode_state_t *encoder = state;
  g722_decode_state_t decoder;
  guint8 silence[SETTLE_OCTETS];
  gint16 pcm[2 * SETTLE_OCTETS];

  G_STATIC_ASSERT (sizeof encoder->band == sizeof decoder.band);
  memset (silence, SILENCE, sizeof silence);
  (void)!g722_decode_init (&decoder, BIT_RATE, 0);
  memcpy (decoder.band, encoder->band, sizeof decoder.band);
  (void)!g722_decode (&decoder, pcm, silence, (int)MIN (units, SETTLE_OCTETS));
  memcpy (encoder->band, decoder.band, sizeof encoder->band);
}

/* For a decoder that has heard silence for long. */
static void
encoder_reset (gpointer state)
{
  (void)!g722_encode_init (state, BIT_RATE, 0);
  encoder_pass (state, SETTLE_OCTETS);
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
  memset (out, SILENCE, units);
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

  if (decoder->follower != NULL)
    g722_encode_free (decoder->follower);
  g722_decode_free (decoder->g722);
  g_free (decoder);
}

static void
decoder_reset (gpointer state)
{
  Decoder *decoder = state;

  (void)g722_decode_init (decoder->g722, BIT_RATE, 0);
  media_concealer_init (&decoder->concealer, 16000);
  decoder->doubtful = 0;
}

/* How much of the sound is sudden: a decoder that has adapted to something else crackles. */
static gint64
roughness (const gint16 *pcm, gsize samples)
{
  gint64 sum = 0;

  for (gsize i = 2; i < samples; i++)
    sum += ABS (pcm[i] - 2 * pcm[i - 1] + pcm[i - 2]);
  return sum;
}

/* The first packets after a loss, from where the decoder stood before it and from where what was made up took
 * it: mostly the second is nearer to the peer's encoder, sometimes the first, and the one that is not may
 * burst only after a while. */
static int
decode_after_loss (Decoder *decoder, const guint8 *payload, gsize size, gint16 *pcm)
{
  /* Later it goes over to the other only from a burst. */
  const gint64 times = decoder->concealer.lag > 0 ? 1 : BURST_TIMES;
  gint16 others[2 * OCTETS_MAX];
  const int samples = g722_decode (decoder->g722, pcm, payload, (int)size);
  g722_decode_state_t present;

  if (samples <= 0 || g722_decode (&decoder->last, others, payload, (int)size) != samples
      || times * roughness (others, (gsize)samples) >= roughness (pcm, (gsize)samples))
    return samples;
  memcpy (pcm, others, (gsize)samples * sizeof *pcm);
  present = *decoder->g722;
  *decoder->g722 = decoder->last;
  decoder->last = present;
  return samples;
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
  samples = decoder->doubtful > 0 ? decode_after_loss (decoder, payload, size, pcm)
                                  : g722_decode (decoder->g722, pcm, payload, (int)size);
  if (decoder->doubtful > 0)
    decoder->doubtful--;
  if (samples <= 0)
    return -EBADMSG;
  media_concealer_good (&decoder->concealer, pcm, (gsize)samples);
  return samples;
}

/* The peer's encoder went on adapting while its packets were lost. A decoder that stands still meanwhile
 * takes the next packet for something else, up to a burst at full scale: it adapts to what was made up
 * instead, which is near to what was said (the idea of G.722 appendix IV). */
static void
adapt (Decoder *decoder, const gint16 *pcm, gsize samples)
{
  const gint16 *before = decoder->concealer.history + MEDIA_CONCEALER_HISTORY - samples - LEAD_IN;
  guint8 octets[OCTETS_MAX];
  gint16 ignored[2 * OCTETS_MAX];

  if (decoder->concealer.lag == 0 || samples % 2 != 0 || samples + LEAD_IN > MEDIA_CONCEALER_HISTORY)
    return;
  if (decoder->follower == NULL)
    decoder->follower = g722_encode_init (NULL, BIT_RATE, 0);
  if (decoder->follower == NULL)
    return;
  /* Its filters see what came before; how far it has adapted is the decoder's. */
  (void)g722_encode (decoder->follower, octets, before, LEAD_IN);
  memcpy (decoder->follower->band, decoder->g722->band, sizeof decoder->follower->band);
  (void)g722_decode (decoder->g722, ignored, octets,
                     g722_encode (decoder->follower, octets, pcm, (int)samples));
}

static gssize
conceal (gpointer state, gsize samples, gint16 *pcm)
{
  Decoder *decoder = state;

  if (decoder->concealer.lag == 0)
    decoder->last = *decoder->g722;
  decoder->doubtful = DOUBTFUL;
  media_concealer_lost (&decoder->concealer, pcm, samples);
  adapt (decoder, pcm, samples);
  return (gssize)samples;
}

const MediaCodec media_codec_g722 = {
  .id = MEDIA_CODEC_G722,
  .name = "G722",
  .clock_rate_hz = 8000,
  .sample_rate_hz = 16000,
  .channels = 1,
  .has_memory = TRUE,
  .static_payload_type = 9,
  .duration = g722_duration,
  .silence = write_silence,
  .encoder_new = encoder_new,
  .encoder_free = encoder_free,
  .encoder_copy = encoder_copy,
  .encoder_pass = encoder_pass,
  .encoder_reset = encoder_reset,
  .encode = encode,
  .decoder_new = decoder_new,
  .decoder_free = decoder_free,
  .decoder_reset = decoder_reset,
  .decode = decode,
  .conceal = conceal,
};
