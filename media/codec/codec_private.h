/* What one codec gives to codec.c. States are the codec's own structs; rates are its native ones, conversion
 * is done above. Private to media/codec. */
#pragma once

#include "media/codec/codec.h"

#include <glib.h>

struct _MediaCodec
{
  MediaCodecId id;
  const char *name;
  guint clock_rate_hz;
  guint sample_rate_hz;
  guint channels;
  int static_payload_type;
  gboolean has_fec;
  gboolean has_memory; /* what a packet decodes to depends on those before it */
  gboolean any_rate;   /* runs at 8000, 16000 and 48000 itself */

  guint32 (*duration) (const guint8 *payload, gsize size);
  gssize (*silence) (guint32 units, guint8 *out, gsize capacity);
  gint64 (*energy) (const guint8 *payload, gsize size); /* (nullable): only decoding tells */

  gpointer (*encoder_new) (const MediaEncoderConfig *config, GError **error);
  void (*encoder_free) (gpointer state);
  void (*encoder_configure) (gpointer state, const MediaEncoderConfig *config); /* (nullable) */
  int (*encoder_complexity) (gconstpointer state);                              /* (nullable): has none */
  gint16 (*sample) (guint8 octet);                           /* (nullable): a sample is no octet */
  void (*join) (guint8 *payload, gsize size, gint16 sample); /* (nullable) as well */
  void (*encoder_copy) (gpointer to, gconstpointer from);    /* (nullable): without a state */
  void (*encoder_pass) (gpointer state, guint32 units);      /* (nullable): as encoder_reset */
  void (*encoder_reset) (gpointer state); /* (nullable): for a decoder that has heard silence () */
  gssize (*encode) (gpointer state, const gint16 *pcm, gsize samples, guint8 *out, gsize capacity);

  gpointer (*decoder_new) (guint sample_rate_hz, GError **error);
  void (*decoder_free) (gpointer state);
  void (*decoder_reset) (gpointer state);
  gssize (*decode) (gpointer state, const guint8 *payload, gsize size, gint16 *pcm, gsize capacity);
  gssize (*conceal) (gpointer state, gsize samples, gint16 *pcm);
  /* (nullable): without it the packet is concealed */
  gssize (*decode_fec) (gpointer state, const guint8 *next, gsize size, gsize samples, gint16 *pcm);
};

extern const MediaCodec media_codec_opus;
extern const MediaCodec media_codec_g722;
extern const MediaCodec media_codec_pcmu;
extern const MediaCodec media_codec_pcma;
