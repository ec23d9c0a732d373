/* Payloads of strangers into every decoder, with losses in between. */
#include "tests/fuzz/fuzz.h"

#include "media/codec/codec.h"

static void
run (const guint8 *data, gsize size)
{
  static const guint rates[] = { 8000, 16000, 48000 };
  static gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];
  FuzzBytes bytes = { data, data + size };
  guint8 which = fuzz_u8 (&bytes);
  const MediaCodec *codec = media_codec_get ((MediaCodecId)(which % MEDIA_CODEC_N));
  guint rate_hz = rates[(which >> 2) % G_N_ELEMENTS (rates)];
  g_autoptr (MediaDecoder) decoder = media_decoder_new (codec, rate_hz, NULL);

  g_assert_nonnull (decoder);
  for (guint n = 0; fuzz_more (&bytes) && n < 20; n++)
    {
      guint8 how = fuzz_u8 (&bytes);
      gsize got;
      g_autofree guint8 *payload = fuzz_block (&bytes, fuzz_u8 (&bytes), &got);
      gssize samples = media_decoder_decode (decoder, payload, got, pcm, G_N_ELEMENTS (pcm));

      g_assert_cmpint (samples, <=, MEDIA_CODEC_SAMPLES_MAX);
      g_assert_cmpuint (media_codec_duration (codec, payload, got), <=,
                        media_codec_get_clock_rate (codec) * 120 / 1000);
      if ((how & 1) != 0)
        g_assert_cmpint (media_decoder_conceal (decoder, rate_hz / 50, pcm), <=, (gssize)rate_hz / 50);
      if ((how & 2) != 0)
        g_assert_cmpint (media_decoder_decode_fec (decoder, payload, got, rate_hz / 50, pcm), <=,
                         (gssize)rate_hz / 50);
      if ((how & 4) != 0)
        media_decoder_reset (decoder);
    }
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("\x00\x00\x03\xf8\xff\xfe\x01\x03\xf8\xff\xfe\x02\x03\xf8\xff\xfe"),
  FUZZ_TEXT ("\x08\x00\x08\x78\x07\xc9\x72\x27\xe1\x44\x5b\x03\x02\x7b\x01"),
  FUZZ_TEXT ("\x01\x00\x08zyxwvuts\x01\x04zyxw\x00\x00"),
  FUZZ_TEXT ("\x02\x00\x08\xff\x7f\x00\x80zyxw\x03\x02zy"),
  FUZZ_TEXT ("\x07\x00\x08\xd5\x55zyxwvu\x03\x02zy"),
};

const FuzzTarget fuzz_target = { "codec", run, seeds, G_N_ELEMENTS (seeds), NULL, NULL, 0 };
