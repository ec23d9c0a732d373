/* What each part costs beside its limit: the library or the bare loop that it cannot do without, with the
 * same input, in the same run. CPU time of the thread, µs; the ratio is what to look at. bench_engine does
 * the same for calls with their sockets. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <opus/opus.h>
#include <spandsp/telephony.h>
#include <spandsp/g722.h>
#include <srtp2/srtp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "media/core/mixer.h"
#include "media/io/pump.h"
#include "media/io/srtp.h"
#include "tests/media/bench_record.h"
#include "tests/media/engine/bench_phones.h"
#include "tests/media/engine/leg_harness.h"

#define FRAMES   500
#define ROUNDS   5
#define RTP_SIZE 172
#define SESSIONS 1000

static volatile gint64 sink;

static void
print (const char *what, double ours_us, const char *limit, double limit_us)
{
  printf ("%-44s %9.3f  %-28s %9.3f %7.2f\n", what, ours_us, limit, limit_us, ours_us / limit_us);
  fflush (stdout);
}

static void
fill_voice (gint16 *pcm, gsize samples, guint rate_hz)
{
  guint32 seed = 1;

  for (gsize i = 0; i < samples; i++)
    {
      const gsize saw = i * 140 % rate_hz;

      seed = seed * 1664525u + 1013904223u;
      pcm[i] = (gint16)(((gint)(saw * 16000 / rate_hz) - 8000) + (gint)(seed >> 22) - 512);
    }
}

/* The best of some rounds: what else the machine does makes it only slower. */
#define BEST(result, statement)                                                                              \
  do                                                                                                         \
    {                                                                                                        \
      (result) = 1e9;                                                                                        \
      for (guint round_ = 0; round_ < ROUNDS; round_++)                                                      \
        {                                                                                                    \
          const double start_ = bench_thread_cpu_s ();                                                       \
                                                                                                             \
          for (guint i = 0; i < FRAMES; i++)                                                                 \
            statement;                                                                                       \
          (result) = MIN ((result), (bench_thread_cpu_s () - start_) * 1e6 / FRAMES);                        \
        }                                                                                                    \
    }                                                                                                        \
  while (0)

static void
bench_opus (guint rate_hz)
{
  const gsize samples = rate_hz / 50;
  const MediaEncoderConfig config = { .sample_rate_hz = rate_hz, .opus_complexity = 5 };
  g_autoptr (MediaEncoder) encoder = media_encoder_new (media_codec_get (MEDIA_CODEC_OPUS), &config, NULL);
  g_autoptr (MediaDecoder) decoder = media_decoder_new (media_codec_get (MEDIA_CODEC_OPUS), rate_hz, NULL);
  OpusEncoder *bare = opus_encoder_create ((opus_int32)rate_hz, 1, OPUS_APPLICATION_VOIP, NULL);
  OpusDecoder *bare_decoder = opus_decoder_create ((opus_int32)rate_hz, 1, NULL);
  g_autofree gint16 *voice = g_new (gint16, FRAMES * samples);
  g_autofree guint8 *payloads = g_malloc0 (FRAMES * MEDIA_CODEC_PAYLOAD_MAX);
  gssize sizes[FRAMES];
  gint16 pcm[960];
  char what[64];
  double ours, alone;

  fill_voice (voice, FRAMES * samples, rate_hz);
  opus_encoder_ctl (bare, OPUS_SET_COMPLEXITY (5));
  opus_encoder_ctl (bare, OPUS_SET_BITRATE (rate_hz == 8000 ? 16000 : rate_hz == 16000 ? 24000 : 32000));
  opus_encoder_ctl (bare, OPUS_SET_SIGNAL (OPUS_SIGNAL_VOICE));
  BEST (alone, sizes[i] = opus_encode (bare, voice + i * samples, (int)samples,
                                       payloads + i * MEDIA_CODEC_PAYLOAD_MAX, MEDIA_CODEC_PAYLOAD_MAX));
  BEST (ours,
        sizes[i] = media_encoder_encode (encoder, voice + i * samples, samples,
                                         payloads + i * MEDIA_CODEC_PAYLOAD_MAX, MEDIA_CODEC_PAYLOAD_MAX));
  g_snprintf (what, sizeof what, "Opus %u Hz, complexity 5: encode", rate_hz);
  print (what, ours, "libopus", alone);
  BEST (alone, sink += opus_decode (bare_decoder, payloads + i * MEDIA_CODEC_PAYLOAD_MAX,
                                    (opus_int32)sizes[i], pcm, 960, 0));
  BEST (ours, sink += media_decoder_decode (decoder, payloads + i * MEDIA_CODEC_PAYLOAD_MAX, (gsize)sizes[i],
                                            pcm, 960));
  g_snprintf (what, sizeof what, "Opus %u Hz: decode", rate_hz);
  print (what, ours, "libopus", alone);
  opus_encoder_destroy (bare);
  opus_decoder_destroy (bare_decoder);
}

static void
bench_g722 (void)
{
  g_autoptr (MediaEncoder) encoder = media_encoder_new (media_codec_get (MEDIA_CODEC_G722), NULL, NULL);
  g_autoptr (MediaDecoder) decoder = media_decoder_new (media_codec_get (MEDIA_CODEC_G722), 16000, NULL);
  g722_encode_state_t *bare = g722_encode_init (NULL, 64000, 0);
  g722_decode_state_t *bare_decoder = g722_decode_init (NULL, 64000, 0);
  gint16 voice[320], pcm[320];
  guint8 payload[320];
  double ours, alone;

  fill_voice (voice, G_N_ELEMENTS (voice), 16000);
  BEST (alone, sink += g722_encode (bare, payload, voice, 320));
  BEST (ours, sink += media_encoder_encode (encoder, voice, 320, payload, sizeof payload));
  print ("G.722: encode", ours, "spandsp", alone);
  BEST (alone, sink += g722_decode (bare_decoder, pcm, payload, 160));
  BEST (ours, sink += media_decoder_decode (decoder, payload, 160, pcm, 320));
  print ("G.722: decode, concealment ready", ours, "spandsp", alone);
  g722_encode_free (bare);
  g722_decode_free (bare_decoder);
}

static void
add_up (gint16 *out, const gint16 *pcm, gsize samples, guint n)
{
  for (gsize k = 0; k < samples; k++)
    {
      gint32 sum = 0;

      for (guint s = 0; s < n; s++)
        sum += pcm[s * samples + k];
      out[k] = (gint16)CLAMP (sum, G_MININT16, G_MAXINT16);
    }
}

static void
mix (MediaMixer *mixer, const gint16 *pcm, gsize samples, guint n, MediaLimiter *limiter, gint16 *out)
{
  media_mixer_begin (mixer);
  for (guint s = 0; s < n; s++)
    media_mixer_add (mixer, pcm + s * samples, MEDIA_MIXER_GAIN_UNITY);
  for (guint s = 0; s < n; s++)
    media_mixer_render (mixer, &(MediaMixerOverride){ s, 0 }, 1, &limiter[s], out);
}

/* Six who speak, each hears the others. */
static void
bench_mix (guint rate_hz)
{
  const gsize samples = rate_hz / 50;
  g_autoptr (MediaMixer) mixer = media_mixer_new (samples);
  MediaLimiter limiters[6] = { { 0 } };
  g_autofree gint16 *voice = g_new (gint16, 6 * samples);
  gint16 out[960];
  double ours, alone;
  char what[64];

  fill_voice (voice, 6 * samples, rate_hz);
  media_mixer_apply_gain (voice, 6 * samples, MEDIA_MIXER_GAIN_UNITY / 8);
  BEST (ours, mix (mixer, voice, samples, 6, limiters, out));
  BEST (alone, for (guint s = 0; s < 6; s++) add_up (out, voice, samples, 6));
  g_snprintf (what, sizeof what, "mix of 6 for 6, %u Hz", rate_hz);
  print (what, ours, "six sums, clipped", alone);
}

/* ---- SRTP ---- */

static const guint8 zero_iv[16];

static int
gcm_alone (EVP_CIPHER_CTX *gcm, guint8 *packet)
{
  int n = 0, all = 0;

  EVP_EncryptInit_ex (gcm, NULL, NULL, NULL, zero_iv);
  EVP_EncryptUpdate (gcm, NULL, &n, packet, 12);
  EVP_EncryptUpdate (gcm, packet + 12, &n, packet + 12, RTP_SIZE - 12);
  all += n;
  EVP_EncryptFinal_ex (gcm, packet + 12 + all, &n);
  EVP_CIPHER_CTX_ctrl (gcm, EVP_CTRL_GCM_GET_TAG, 16, packet + RTP_SIZE);
  return all;
}

static int
cm_alone (EVP_CIPHER_CTX *ctr, EVP_MAC_CTX *mac, guint8 *packet)
{
  gsize size = 0;
  int n = 0;

  EVP_EncryptInit_ex (ctr, NULL, NULL, NULL, zero_iv);
  EVP_EncryptUpdate (ctr, packet + 12, &n, packet + 12, RTP_SIZE - 12);
  EVP_MAC_init (mac, NULL, 0, NULL);
  EVP_MAC_update (mac, packet, RTP_SIZE);
  EVP_MAC_final (mac, packet + RTP_SIZE, &size, 20);
  return n;
}

static double
openssl_alone_us (gboolean gcm)
{
  EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new ();
  EVP_MAC *hmac = EVP_MAC_fetch (NULL, "HMAC", NULL);
  EVP_MAC_CTX *mac = EVP_MAC_CTX_new (hmac);
  const OSSL_PARAM digest[]
      = { OSSL_PARAM_construct_utf8_string ("digest", (char *)"SHA1", 0), OSSL_PARAM_END };
  guint8 key[20] = { 1 };
  guint8 packet[RTP_SIZE + 32] = { 0x80 };
  double us;

  EVP_EncryptInit_ex (cipher, gcm ? EVP_aes_128_gcm () : EVP_aes_128_ctr (), NULL, key, zero_iv);
  EVP_MAC_init (mac, key, sizeof key, digest);
  if (gcm)
    BEST (us, sink += gcm_alone (cipher, packet));
  else
    BEST (us, sink += cm_alone (cipher, mac, packet));
  EVP_CIPHER_CTX_free (cipher);
  EVP_MAC_CTX_free (mac);
  EVP_MAC_free (hmac);
  return us;
}

static void
make_rtp (guint8 *packet, guint16 sequence)
{
  memset (packet, 0x55, RTP_SIZE);
  packet[0] = 0x80;
  packet[2] = (guint8)(sequence >> 8);
  packet[3] = (guint8)sequence;
}

/* @n sessions in turn: what a worker with as many calls does. */
static double
ours_us (MediaSrtpProfile profile, guint n)
{
  MediaSrtp **sessions = g_new (MediaSrtp *, n);
  guint8 packet[RTP_SIZE + MEDIA_SRTP_MAX_OVERHEAD];
  const guint times = MAX (20000 / n, 5);
  double start;
  double passed;

  for (guint i = 0; i < n; i++)
    {
      MediaSrtpKeys keys;

      media_srtp_keys_generate (&keys, profile);
      sessions[i] = media_srtp_new (&keys, &keys, NULL);
    }
  start = bench_thread_cpu_s ();
  for (guint t = 0; t < times; t++)
    for (guint i = 0; i < n; i++)
      {
        make_rtp (packet, (guint16)(t + 1));
        sink += media_srtp_protect_rtp (sessions[i], packet, RTP_SIZE, sizeof packet);
      }
  passed = bench_thread_cpu_s () - start;
  for (guint i = 0; i < n; i++)
    media_srtp_free (sessions[i]);
  g_free (sessions);
  return passed * 1e6 / times / n;
}

static double
libsrtp_us (gboolean gcm, guint n)
{
  srtp_t *sessions = g_new0 (srtp_t, n);
  guint8 key[64] = { 1, 2, 3 };
  guint8 packet[RTP_SIZE + SRTP_MAX_TRAILER_LEN];
  const guint times = MAX (20000 / n, 5);
  double start;
  double passed;

  for (guint i = 0; i < n; i++)
    {
      srtp_policy_t policy = { .ssrc = { .type = ssrc_any_outbound }, .key = key, .window_size = 128 };

      if (gcm)
        srtp_crypto_policy_set_aes_gcm_128_16_auth (&policy.rtp);
      else
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80 (&policy.rtp);
      srtp_crypto_policy_set_rtcp_default (&policy.rtcp);
      if (gcm)
        srtp_crypto_policy_set_aes_gcm_128_16_auth (&policy.rtcp);
      if (srtp_create (&sessions[i], &policy) != srtp_err_status_ok)
        g_error ("libsrtp2");
    }
  start = bench_thread_cpu_s ();
  for (guint t = 0; t < times; t++)
    for (guint i = 0; i < n; i++)
      {
        int length = RTP_SIZE;

        make_rtp (packet, (guint16)(t + 1));
        (void)!srtp_protect (sessions[i], packet, &length);
        sink += length;
      }
  passed = bench_thread_cpu_s () - start;
  for (guint i = 0; i < n; i++)
    srtp_dealloc (sessions[i]);
  g_free (sessions);
  return passed * 1e6 / times / n;
}

static void
bench_srtp (void)
{
  static const struct
  {
    const char *name;
    MediaSrtpProfile profile;
    gboolean gcm;
  } rows[] = { { "AES-GCM", MEDIA_SRTP_AEAD_AES_128_GCM, TRUE },
               { "AES-CM", MEDIA_SRTP_AES128_CM_SHA1_80, FALSE } };

  srtp_init ();
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const double alone = openssl_alone_us (rows[i].gcm);

      for (guint n = 1; n <= SESSIONS; n *= SESSIONS)
        {
          char what[64];
          const double ours = ours_us (rows[i].profile, n);

          g_snprintf (what, sizeof what, "SRTP %s protect, %u session%s", rows[i].name, n, n == 1 ? "" : "s");
          print (what, ours, "OpenSSL, one key", alone);
          print (what, ours, "libsrtp2 as installed", libsrtp_us (rows[i].gcm, n));
        }
    }
}

/* ---- a call without its sockets ---- */

typedef struct
{
  TestPeer *peers[2];
  guint8 packets[2][FRAMES][400];
  gsize sizes[2][FRAMES];
} Pair;

static Pair *
pair_new (MediaRoom *room, const MediaCodecId *a, const MediaCodecId *b, CfgMonotonic now)
{
  Pair *pair = g_new0 (Pair, 1);

  for (guint side = 0; side < 2; side++)
    {
      TestPeer *peer = test_peer_new (side + 1, FALSE, side == 0 ? a : b, now);

      peer->deaf = TRUE;
      peer->tone_hz = 400 + 300 * side;
      pair->peers[side] = peer;
      media_room_add (room, peer->leg, now);
      for (guint i = 0; i < FRAMES; i++)
        pair->sizes[side][i] = test_peer_packet (peer, pair->packets[side][i], sizeof pair->packets[side][i]);
    }
  return pair;
}

static double
call_us (const MediaCodecId *a, const MediaCodecId *b)
{
  const MediaRoomConfig config = { .id = 1, .opus_complexity = 5 };
  MediaRoom *room = media_room_new (&config, NULL, NULL);
  CfgMonotonic now = { 1000 * CFG_US_PER_S };
  Pair *pair = pair_new (room, a, b, now);
  double start = 0;
  double passed;

  for (guint i = 0; i < FRAMES; i++, now.us += 20000)
    {
      if (i == 100)
        start = bench_thread_cpu_s ();
      for (guint side = 0; side < 2; side++)
        test_peer_give (pair->peers[side], pair->packets[side][i], pair->sizes[side][i], now);
      media_room_tick (room, (CfgMonotonic){ now.us + 10000 });
    }
  passed = bench_thread_cpu_s () - start;
  for (guint side = 0; side < 2; side++)
    {
      media_room_remove (room, pair->peers[side]->leg, now);
      test_peer_free (pair->peers[side]);
    }
  media_room_free (room);
  g_free (pair);
  return passed * 1e6 / (FRAMES - 100);
}

static double
codecs_us (MediaCodecId a, MediaCodecId b)
{
  const MediaEncoderConfig config = { .sample_rate_hz = 8000, .opus_complexity = 5 };
  const MediaCodecId ids[2] = { a, b };
  double all = 0;

  for (guint side = 0; side < 2; side++)
    {
      const MediaCodec *from = media_codec_get (ids[side]);
      const MediaCodec *to = media_codec_get (ids[1 - side]);
      const BenchAudio *audio = bench_audio (ids[side]);
      g_autoptr (MediaDecoder) decoder = media_decoder_new (from, 8000, NULL);
      g_autoptr (MediaEncoder) encoder = media_encoder_new (to, &config, NULL);
      guint8 payload[MEDIA_CODEC_PAYLOAD_MAX];
      gint16 pcm[960];
      double us;

      BEST (us, {
        const guint k = i % BENCH_FRAMES;
        const gssize n = media_decoder_decode (decoder, audio->payload[k], audio->size[k], pcm, 960);

        sink += media_encoder_encode (encoder, pcm, (gsize)MAX (n, 0), payload, sizeof payload);
      });
      all += us;
    }
  return all;
}

static void
bench_calls (void)
{
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
  static const MediaCodecId pcma[] = { MEDIA_CODEC_PCMA, MEDIA_CODEC_N };
  static const MediaCodecId opus[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_N };

  print ("20 ms of a call PCMU to Opus, both ways", call_us (pcmu, opus), "its codecs",
         codecs_us (MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS));
  print ("20 ms of a call PCMU to PCMA, both ways", call_us (pcmu, pcma), "its codecs",
         codecs_us (MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA));
}

static void
bench_recording (void)
{
  const gsize samples = BENCH_RECORD_FRAMES * BENCH_RECORD_RATE_HZ / 50;
  g_autofree gint16 *voice = g_new (gint16, samples);

  fill_voice (voice, samples, BENCH_RECORD_RATE_HZ);
  bench_record (voice, print);
}

int
main (void)
{
  printf ("%-44s %9s  %-28s %9s %7s\n", "CPU", "us", "limit", "us", "ratio");
  bench_opus (8000);
  bench_opus (16000);
  bench_opus (48000);
  bench_g722 ();
  bench_mix (8000);
  bench_mix (48000);
  bench_srtp ();
  bench_recording ();
  bench_calls ();
  return 0;
}
