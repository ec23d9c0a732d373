#include "media/encode_meter.h"

#include "config/base/clock.h"

/* Encoders that take turns in an order of their own must not be met always or never: 0 to 14, 7 on average.
 */
static guint
distance (MediaEncodeMeter *meter)
{
  meter->random = meter->random * 1664525u + 1013904223u;
  return (meter->random >> 16) % 15;
}

/* One writer. */
static void
count (atomic_ullong *counter, guint64 n)
{
  atomic_store_explicit (counter, atomic_load_explicit (counter, memory_order_relaxed) + n,
                         memory_order_relaxed);
}

gssize
media_encode_metered (MediaEncodeMeter *meter, MediaEncoder *encoder, const gint16 *pcm, gsize samples,
                      guint8 *out, gsize capacity)
{
  guint64 frame_us;
  gint64 before_us;
  gssize size;

  if (meter == NULL || media_encoder_get_codec (encoder) != media_codec_get (MEDIA_CODEC_OPUS))
    return media_encoder_encode (encoder, pcm, samples, out, capacity);
  frame_us = samples * CFG_US_PER_S / media_encoder_get_sample_rate (encoder);
  meter->waiting_us += frame_us;
  if (meter->n_left > 0)
    {
      meter->n_left--;
      return media_encoder_encode (encoder, pcm, samples, out, capacity);
    }
  before_us = cfg_thread_cpu_us ();
  size = media_encoder_encode (encoder, pcm, samples, out, capacity);
  if (frame_us > 0)
    count (&meter->cpu_us, (guint64)(cfg_thread_cpu_us () - before_us) * meter->waiting_us / frame_us);
  count (&meter->audio_us, meter->waiting_us);
  meter->waiting_us = 0;
  meter->n_left = distance (meter);
  return size;
}
