/* Audio codecs behind one table. PCM is int16 mono at the sample rate that the caller asks for (8000, 16000
 * or 48000): Opus decodes and encodes at any of them itself, the others resample inside. Not thread-safe: an
 * encoder or decoder belongs to one worker. */
#pragma once

#include <glib.h>

#define MEDIA_CODEC_PAYLOAD_MAX 1275 /* octets that an encoder writes at most (120 ms of G.711 fit too) */
#define MEDIA_CODEC_SAMPLES_MAX (48 * 120) /* samples that one packet can hold: 120 ms at 48 kHz */

typedef enum
{
  MEDIA_CODEC_OPUS,
  MEDIA_CODEC_G722,
  MEDIA_CODEC_PCMU,
  MEDIA_CODEC_PCMA,
  MEDIA_CODEC_N,
} MediaCodecId;

typedef struct _MediaCodec MediaCodec;
typedef struct _MediaEncoder MediaEncoder;
typedef struct _MediaDecoder MediaDecoder;

/** media_codec_get: static, never NULL for a valid id. */
const MediaCodec *media_codec_get (MediaCodecId id);
/**
 * media_codec_find:
 * @name: encoding name of rtpmap, any case
 * @clock_rate_hz: of rtpmap; 0: any
 * Returns: (nullable): static.
 */
const MediaCodec *media_codec_find (const char *name, guint clock_rate_hz);
/** media_codec_find_static: the codec of a static payload type (0, 8, 9), or NULL. */
const MediaCodec *media_codec_find_static (guint8 payload_type);

MediaCodecId media_codec_get_id (const MediaCodec *codec);
/** media_codec_get_name: as in rtpmap: "opus", "G722", "PCMU", "PCMA". */
const char *media_codec_get_name (const MediaCodec *codec);
/** media_codec_get_clock_rate: of RTP timestamps: opus 48000, the others 8000 (G.722 too: RFC 3551 4.5.2). */
guint media_codec_get_clock_rate (const MediaCodec *codec);
/** media_codec_get_sample_rate: of its audio: opus 48000, G722 16000, G.711 8000. */
guint media_codec_get_sample_rate (const MediaCodec *codec);
/** media_codec_get_channels: as in rtpmap: opus 2, the others 1. */
guint media_codec_get_channels (const MediaCodec *codec);
/** media_codec_get_static_payload_type: or -1. */
int media_codec_get_static_payload_type (const MediaCodec *codec);
/** media_codec_has_fec: a packet may carry the one before it. */
gboolean media_codec_has_fec (const MediaCodec *codec);
/** media_codec_has_memory: what a packet decodes to depends on those before it. */
gboolean media_codec_has_memory (const MediaCodec *codec);
/** media_codec_duration: of a payload, in RTP timestamp units; 0 when it is malformed or longer than 120 ms.
 * Any bytes. */
guint32 media_codec_duration (const MediaCodec *codec, const guint8 *payload, gsize size);
/**
 * media_codec_silence:
 * @units: duration in RTP timestamp units (10–60 ms)
 * Writes a payload that decodes to silence, without an encoder.
 * Returns: octets; -ENOSPC; -EINVAL.
 */
gssize media_codec_silence (const MediaCodec *codec, guint32 units, guint8 *out,
                            gsize capacity) G_GNUC_WARN_UNUSED_RESULT;
/** media_codec_energy: sum of the squares of @payload's samples, without a decoder; < 0 when only decoding
 * tells. */
gint64 media_codec_energy (const MediaCodec *codec, const guint8 *payload, gsize size);
/** media_codec_last_sample: that @payload ends with; 0 for a codec that has a memory. */
gint16 media_codec_last_sample (const MediaCodec *codec, const guint8 *payload, gsize size);
/** media_codec_join: @payload comes up from @sample, the last one that was heard, within 5 ms. Nothing
 * happens for a codec that has a memory. */
void media_codec_join (const MediaCodec *codec, guint8 *payload, gsize size, gint16 sample);

/* libopus's complexity 0, since a zero member takes the default. */
#define MEDIA_OPUS_COMPLEXITY_0 (-1)

/* Zero members take the default. The opus_ members are ignored by others. */
typedef struct
{
  guint sample_rate_hz;  /* of the PCM given; 0: the codec's own */
  int opus_complexity;   /* 1–10; 0: 5; MEDIA_OPUS_COMPLEXITY_0 */
  gboolean opus_limited; /* opus_bitrate is what a peer takes at most: it stays whatever the complexity */
  guint opus_bitrate;    /* bit/s; 0: by sample rate (8 kHz: 16000, 16 kHz: 24000, 48 kHz: 32000) */
  gboolean opus_fec;
  guint opus_loss_percent; /* expected, steers FEC */
  gboolean opus_dtx;
} MediaEncoderConfig;

/** media_opus_complexity: @member: opus_complexity of MediaEncoderConfig. Returns: 0-10, what libopus is
 * told.
 */
guint media_opus_complexity (int member);
/** media_encoder_new: Returns: (transfer full): NULL with @error (CFG_ERROR_INVALID_ARGUMENT, _INTERNAL). */
MediaEncoder *media_encoder_new (const MediaCodec *codec, const MediaEncoderConfig *config,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
void media_encoder_free (MediaEncoder *encoder);
const MediaCodec *media_encoder_get_codec (const MediaEncoder *encoder);
guint media_encoder_get_sample_rate (const MediaEncoder *encoder);
/** media_encoder_configure: changes complexity, bitrate, FEC, loss, DTX in a running encoder; not the rate.
 */
void media_encoder_configure (MediaEncoder *encoder, const MediaEncoderConfig *config);
/** media_encoder_get_opus_complexity: 0-10, as libopus has it now; -1: no Opus. */
int media_encoder_get_opus_complexity (const MediaEncoder *encoder);
/** media_encoder_continue: what @encoder makes next follows what @from made last: a decoder that heard the
 * one goes on with the other. With the settings of @from. Where the two are of different codecs or rates,
 * or @from is NULL, @encoder begins anew, for a decoder that has heard media_codec_silence. */
void media_encoder_continue (MediaEncoder *encoder, const MediaEncoder *from);
/** media_encoder_pass: a decoder that heard @encoder so far has now heard @units (RTP timestamp units) of
 * media_codec_silence. */
void media_encoder_pass (MediaEncoder *encoder, guint32 units);
/** media_encoder_remembers: what it makes depends on what it made. */
gboolean media_encoder_remembers (const MediaEncoder *encoder);
/**
 * media_encoder_encode:
 * @pcm: @samples at the encoder's rate: 10, 20, 40 or 60 ms (G.711, G.722: any multiple of 10 ms up to 120,
 * also 30) Returns: octets written; 0 when nothing need be sent (DTX); -EINVAL for a wrong length; -ENOSPC;
 * -EIO.
 */
gssize media_encoder_encode (MediaEncoder *encoder, const gint16 *pcm, gsize samples, guint8 *out,
                             gsize capacity) G_GNUC_WARN_UNUSED_RESULT;

/** media_decoder_new: @sample_rate_hz of the PCM wanted: 8000, 16000 or 48000. */
MediaDecoder *media_decoder_new (const MediaCodec *codec, guint sample_rate_hz,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
void media_decoder_free (MediaDecoder *decoder);
const MediaCodec *media_decoder_get_codec (const MediaDecoder *decoder);
guint media_decoder_get_sample_rate (const MediaDecoder *decoder);
/** media_decoder_reset: the stream starts anew. */
void media_decoder_reset (MediaDecoder *decoder);
/**
 * media_decoder_decode:
 * @pcm: room for @capacity samples; MEDIA_CODEC_SAMPLES_MAX is always enough
 * Returns: samples; -EBADMSG for a payload that cannot be decoded; -ENOSPC.
 */
gssize media_decoder_decode (MediaDecoder *decoder, const guint8 *payload, gsize size, gint16 *pcm,
                             gsize capacity) G_GNUC_WARN_UNUSED_RESULT;
/** media_decoder_conceal: makes up @samples (at the decoder's rate, up to 120 ms) for a lost packet; fades to
 * silence. Returns: @samples; -EINVAL; -EBADMSG. */
gssize media_decoder_conceal (MediaDecoder *decoder, gsize samples, gint16 *pcm) G_GNUC_WARN_UNUSED_RESULT;
/** media_decoder_cut: what is decoded next does not go on from what was decoded last; goes over to it without
 * a step. */
void media_decoder_cut (MediaDecoder *decoder);
/** media_decoder_decode_fec: @samples of the lost packet before @next, from its FEC where it has one, else
 * concealed. */
gssize media_decoder_decode_fec (MediaDecoder *decoder, const guint8 *next, gsize size, gsize samples,
                                 gint16 *pcm) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaEncoder, media_encoder_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaDecoder, media_decoder_free)
