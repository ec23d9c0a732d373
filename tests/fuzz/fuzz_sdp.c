/* Offers and answers of strangers, as a phone's and as a browser's: each ends with a plan or an error in
 * words, and what we write of a plan parses again, line by line as many sections. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "config/base/error.h"
#include "signaling/core/sdp.h"

static const char *const codecs[] = { "opus", "G722", "PCMU", "PCMA", NULL };
#define FINGERPRINT                                                                                          \
  "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"

static const char *const candidates[] = { "candidate:1 1 udp 2130706431 127.0.0.1 20000 typ host", NULL };

static const SigSdpCrypto crypto[] = {
  { 0, "AEAD_AES_128_GCM", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==" },
  { 0, "AEAD_AES_256_GCM", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis=" },
  { 0, "AES_CM_128_HMAC_SHA1_80", "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz" },
  { 0, "AES_256_CM_HMAC_SHA1_80", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ==" },
  { 0, "AES_CM_128_HMAC_SHA1_32", "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz" },
  { 0, "AES_256_CM_HMAC_SHA1_32", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ==" },
};

static const SigSdpPolicy policies[] = {
  { .codecs = codecs,
    .telephone_event = TRUE,
    .rtcp_mux = TRUE,
    .encryption = SIG_SDP_ENCRYPT_ALLOW,
    .ptime_ms = 20,
    .direction = SIG_SDP_SENDRECV,
    .max_audio_sections = 1 },
  { .codecs = codecs,
    .telephone_event = TRUE,
    .comfort_noise = TRUE,
    .ptime_ms = 20,
    .direction = SIG_SDP_SENDRECV,
    .max_audio_sections = 1 },
  { .codecs = codecs,
    .webrtc = TRUE,
    .prefer_offer_order = TRUE,
    .telephone_event = TRUE,
    .ptime_ms = 20,
    .direction = SIG_SDP_SENDRECV,
    .max_audio_sections = 4 },
};

static void
check_plan (const SigSdpPlan *plan, const SigSdp *sdp)
{
  g_assert_cmpuint (plan->n_sections, ==, sdp->n_sections);
  g_assert_cmpint (plan->first_audio, <, (int)plan->n_sections);
  for (guint i = 0; i < plan->n_sections; i++)
    if (plan->sections[i].accepted)
      {
        g_assert_cmpuint (plan->sections[i].n_codecs, >=, 1);
        g_assert_cmpuint (plan->sections[i].n_codecs, <=, G_N_ELEMENTS (plan->sections[i].codecs));
        g_assert_cmpuint (plan->sections[i].ptime_ms, >=, 10);
        g_assert_cmpuint (plan->sections[i].ptime_ms, <=, 60);
      }
}

static void
check_answer (const SigSdp *offer, const SigSdpPlan *plan)
{
  SigSdpLocalSection sections[SIG_SDP_MAX_SECTIONS] = { 0 };
  const SigSdpLocal local = {
    .address = "127.0.0.1",
    .rtp_port = 10000,
    .rtcp_port = 10001,
    .session_id = 1,
    .version = 1,
    .cname = "c",
    .ice_ufrag = "abcd",
    .ice_pwd = "0123456789012345678901",
    .fingerprint = FINGERPRINT,
    .candidates = candidates,
    .crypto = crypto,
    .n_crypto = G_N_ELEMENTS (crypto),
    .sections = sections,
    .n_sections = plan->n_sections,
  };
  g_autofree char *text = sig_sdp_write_answer (offer, plan, &local);
  g_autoptr (GError) error = NULL;
  g_autoptr (SigSdp) again = sig_sdp_parse (text, strlen (text), &error);

  if (again == NULL)
    g_error ("our answer does not parse: %s\n%s", error->message, text);
  g_assert_cmpuint (again->n_sections, ==, offer->n_sections);
}

static void
run (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SigSdp) sdp = sig_sdp_parse ((const char *)data, size, &error);

  g_assert_true ((sdp == NULL) == (error != NULL));
  if (sdp == NULL)
    {
      g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      return;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (policies); i++)
    {
      g_autoptr (SigSdpPlan) plan = NULL;
      g_autoptr (SigSdpPlan) own = NULL;
      g_autoptr (GError) refused = NULL;

      if (sig_sdp_plan_answer (sdp, &policies[i], &plan, &refused))
        {
          check_plan (plan, sdp);
          check_answer (sdp, plan);
        }
      else
        g_assert_nonnull (refused);
      g_clear_error (&refused);
      if (sig_sdp_plan_from_answer (&policies[i], sdp, &own, &refused))
        check_plan (own, sdp);
      else
        g_assert_nonnull (refused);
    }
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP "
             "0 8 101\r\n"
             "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"),
  FUZZ_TEXT ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/SAVP "
             "0 8\r\na=crypto:1 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==|2^31\r\n"
             "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 "
             "WSH=64\r\n"),
};

static const char *const words[] = { "\r\n",
                                     "m=audio 9 ",
                                     "m=video 0 ",
                                     "c=IN IP6 ::1\r\n",
                                     "a=mid:",
                                     "a=group:BUNDLE ",
                                     "a=rtpmap:",
                                     "a=fmtp:",
                                     "a=rtcp-mux",
                                     "a=setup:",
                                     "a=fingerprint:",
                                     "a=ice-ufrag:",
                                     "a=candidate:",
                                     "a=extmap:",
                                     "a=sendonly",
                                     "a=inactive",
                                     "RTP/AVP",
                                     "UDP/TLS/RTP/SAVPF",
                                     "a=bundle-only",
                                     "a=crypto:",
                                     "inline:",
                                     "|2^",
                                     "KDR=",
                                     "UNENCRYPTED_SRTCP",
                                     "AES_CM_128_HMAC_SHA1_80",
                                     "RTP/SAVP",
                                     "0.0.0.0",
                                     "opus/48000/2",
                                     "a=ssrc:",
                                     "a=msid:",
                                     "a=ptime:",
                                     "a=rtcp:",
                                     NULL };

const FuzzTarget fuzz_target = { "sdp", run, seeds, G_N_ELEMENTS (seeds), ".sdp", words, 0 };
