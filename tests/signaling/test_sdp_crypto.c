/* a=crypto lines (RFC 4568): which can be used, which one is taken, and what each setting makes of each offer
 * and answer. */
#include "sdp_fixture.h"

#include <string.h>

#include "config/base/error.h"
#include "signaling/core/sdp_crypto.h"

#define HEAD    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define CM_KEY  "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define GCM_KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==" /* 28 bytes */
#define KEY_44  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="
#define KEY_46  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ=="
#define CM      "AES_CM_128_HMAC_SHA1_80 inline:" CM_KEY

static void
test_usable_lines (void)
{
  static const struct
  {
    const char *value;
    guint32 tag;
    const char *suite, *key;
  } rows[] = {
    { "1 " CM, 1, "AES_CM_128_HMAC_SHA1_80", CM_KEY },
    { "0 " CM, 0, "AES_CM_128_HMAC_SHA1_80", CM_KEY },
    { "999999999 " CM, 999999999, "AES_CM_128_HMAC_SHA1_80", CM_KEY },
    { "2  \t aes_cm_128_hmac_sha1_80 \t INLINE:" CM_KEY " ", 2, "AES_CM_128_HMAC_SHA1_80", CM_KEY },
    { "1 AES_CM_128_HMAC_SHA1_32 inline:" CM_KEY, 1, "AES_CM_128_HMAC_SHA1_32", CM_KEY },
    { "1 AEAD_AES_128_GCM inline:" GCM_KEY, 1, "AEAD_AES_128_GCM", GCM_KEY },
    { "1 AEAD_AES_256_GCM inline:" KEY_44, 1, "AEAD_AES_256_GCM", KEY_44 },
    { "1 AES_256_CM_HMAC_SHA1_80 inline:" KEY_46, 1, "AES_256_CM_HMAC_SHA1_80", KEY_46 },
    { "1 AES_256_CM_HMAC_SHA1_32 inline:" KEY_46, 1, "AES_256_CM_HMAC_SHA1_32", KEY_46 },
    /* RFC 4568 6.1: padding is discarded */
    { "1 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw", 1, "AEAD_AES_128_GCM", GCM_KEY },
    { "1 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=", 1, "AEAD_AES_128_GCM", GCM_KEY },
    /* lifetime: the sender's own business */
    { "1 " CM "|2^20", 1, "AES_CM_128_HMAC_SHA1_80", CM_KEY },
    { "1 " CM "|2^48", 1, "AES_CM_128_HMAC_SHA1_80", CM_KEY },
    { "1 " CM "|1048576", 1, "AES_CM_128_HMAC_SHA1_80", CM_KEY },
    { "1 " CM " WSH=64", 1, "AES_CM_128_HMAC_SHA1_80", CM_KEY },
    { "1 " CM " KDR=0 WSH=1024 -UNKNOWN=1", 1, "AES_CM_128_HMAC_SHA1_80", CM_KEY },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      SigSdpCrypto crypto;

      g_assert_cmpstr (sig_sdp_crypto_parse (rows[i].value, &crypto), ==, NULL);
      g_assert_cmpuint (crypto.tag, ==, rows[i].tag);
      g_assert_cmpstr (crypto.suite, ==, rows[i].suite);
      g_assert_cmpstr (crypto.key, ==, rows[i].key);
    }
}

static void
test_unusable_lines (void)
{
  static const struct
  {
    const char *value, *problem;
  } rows[] = {
    { "", "malformed" },
    { "1", "malformed" },
    { "1 AES_CM_128_HMAC_SHA1_80", "malformed" },
    { "x " CM, "tag" },
    { "-1 " CM, "tag" },
    { "1234567890 " CM, "tag" },
    { "1 F8_128_HMAC_SHA1_80 inline:" CM_KEY, "suite" },
    { "1 NULL_HMAC_SHA1_80 inline:" CM_KEY, "suite" },
    { "1 AES_CM_128_HMAC_SHA1_80 uri:" CM_KEY, "inline" },
    { "1 AES_CM_128_HMAC_SHA1_80 inline:", "length" },
    { "1 AES_CM_128_HMAC_SHA1_80 inline:" GCM_KEY, "length" },
    { "1 AEAD_AES_128_GCM inline:" CM_KEY, "length" },
    { "1 AEAD_AES_128_GCM inline:" GCM_KEY "=", "length" },
    { "1 AES_CM_128_HMAC_SHA1_80 inline:" CM_KEY "A", "length" },
    { "1 AES_CM_128_HMAC_SHA1_80 inline:" CM_KEY "=", "length" },
    { "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGV_", "length" },
    { "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwg=CkgewkyMjA7fQp9CnVubGVz", "length" },
    { "1 " CM ";inline:" CM_KEY, "more than one key" },
    { "1 " CM "|2^20|1:4", "MKI" },
    { "1 " CM "|1:4", "MKI" },
    { "1 " CM "|", "lifetime" },
    { "1 " CM "|0", "lifetime" },
    { "1 " CM "|2^49", "lifetime" },
    { "1 " CM "|2^", "lifetime" },
    { "1 " CM "|2^20|", "lifetime" },
    { "1 " CM "|999999999999999999999999", "lifetime" },
    { "1 " CM " UNENCRYPTED_SRTP", "unencrypted" },
    { "1 " CM " UNENCRYPTED_SRTCP", "unencrypted" },
    { "1 " CM " unencrypted_srtcp", "unencrypted" },
    { "1 " CM " UNAUTHENTICATED_SRTP", "unauthenticated" },
    { "1 " CM " KDR=1", "KDR" },
    { "1 " CM " FEC_ORDER=FEC_SRTP", "not known" },
    { "1 " CM " FEC_KEY=inline:" CM_KEY, "not known" },
    { "1 " CM " WSH=63", "WSH" },
    { "1 " CM " WSH=x", "WSH" },
    { "1 " CM " -", "not known" },
    { "1 " CM " SOMETHING", "not known" },
  };
  g_autofree char *endless = g_strnfill (4000, 'A'), *line = g_strconcat ("1 " CM " ", endless, NULL);
  SigSdpCrypto crypto;

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      static const SigSdpCrypto nothing;
      const char *problem = sig_sdp_crypto_parse (rows[i].value, &crypto);

      if (problem == NULL || strstr (problem, rows[i].problem) == NULL)
        g_error ("\"%s\": \"%s\" does not say \"%s\"", rows[i].value, problem, rows[i].problem);
      g_assert_cmpmem (&crypto, sizeof crypto, &nothing, sizeof nothing); /* nothing of the key is left */
    }
  g_assert_nonnull (sig_sdp_crypto_parse (line, &crypto));
}

/* ---- offers to us ---- */

#define AVP  "m=audio 4000 RTP/AVP 0\r\n"
#define SAVP "m=audio 4000 RTP/SAVP 0\r\n"
#define LINE "a=crypto:7 " CM "\r\n"
#define MKI  "a=crypto:1 " CM "|2^20|1:4\r\n"

typedef enum
{
  PLAIN,
  ENCRYPTED,
  REFUSED,
} Outcome;

static void
test_offers (void)
{
  static const struct
  {
    const char *offer;
    Outcome disable, accept, require; /* allow answers as accept does */
    const char *words;                /* of the refusal by the strictest that refuses */
  } rows[] = {
    { AVP, PLAIN, PLAIN, REFUSED, "media_encryption: require" },
    { AVP LINE, PLAIN, ENCRYPTED, ENCRYPTED, "" },
    { AVP MKI, PLAIN, PLAIN, REFUSED, "media_encryption: require" },
    { AVP MKI LINE, PLAIN, ENCRYPTED, ENCRYPTED, "" },
    { SAVP, REFUSED, REFUSED, REFUSED, "there is none" },
    { SAVP LINE, REFUSED, ENCRYPTED, ENCRYPTED, "media_encryption: disable" },
    { SAVP MKI, REFUSED, REFUSED, REFUSED, "MKI" },
    { SAVP "a=crypto:1 NEW_SUITE inline:abcd\r\n", REFUSED, REFUSED, REFUSED, "suite is not known" },
    { SAVP LINE LINE, REFUSED, ENCRYPTED, ENCRYPTED, "media_encryption: disable" },
    { "m=audio 4000 RTP/SAVPF 0\r\n" LINE, REFUSED, ENCRYPTED, ENCRYPTED, "media_encryption: disable" },
    { "m=audio 4000 RTP/AVPF 0\r\na=rtcp-fb:* ccm fir\r\n", PLAIN, PLAIN, REFUSED, "require" },
    { "m=audio 4000 RTP/AVPF 0\r\n" LINE, PLAIN, ENCRYPTED, ENCRYPTED, "" },
    /* the key of another section is not this one's */
    { AVP "m=audio 4002 RTP/AVP 0\r\n" LINE, PLAIN, PLAIN, ENCRYPTED, "" },
    { SAVP MKI AVP, PLAIN, PLAIN, REFUSED, "MKI" },
    { SAVP LINE AVP, PLAIN, ENCRYPTED, ENCRYPTED, "" },
    { SAVP "a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n", REFUSED, REFUSED,
      REFUSED, "DTLS-SRTP" },
  };
  static const SigSdpEncryption settings[]
      = { SIG_SDP_ENCRYPT_DISABLE, SIG_SDP_ENCRYPT_ACCEPT, SIG_SDP_ENCRYPT_ALLOW, SIG_SDP_ENCRYPT_REQUIRE };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (settings); k++)
      {
        const Outcome expected = k == 0 ? rows[i].disable : k == 3 ? rows[i].require : rows[i].accept;
        g_autofree char *text = g_strconcat (HEAD, rows[i].offer, NULL);
        g_autoptr (SigSdpPlan) plan = NULL;
        g_autoptr (GError) error = NULL;
        g_autoptr (SigSdp) sdp = sig_sdp_parse (text, strlen (text), &error);
        SigSdpPolicy policy = sdp_policy_sip;
        gboolean agreed;

        g_assert_no_error (error);
        policy.encryption = settings[k];
        agreed = sig_sdp_plan_answer (sdp, &policy, &plan, &error);
        g_test_message ("row %" G_GSIZE_FORMAT " setting %" G_GSIZE_FORMAT, i, k);
        g_assert_cmpint (agreed, ==, expected != REFUSED);
        if (expected == REFUSED)
          {
            g_assert_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION);
            g_assert_null (strstr (error->message, CM_KEY));
            if (k == 3 || rows[i].require != REFUSED)
              g_assert_nonnull (strstr (error->message, rows[i].words));
            continue;
          }
        g_assert_cmpint (plan->sections[plan->first_audio].encrypted, ==, expected == ENCRYPTED);
        if (expected == ENCRYPTED)
          g_assert_cmpstr (plan->sections[plan->first_audio].crypto.key, ==, CM_KEY);
      }
}

/* Ours before theirs; the tag is theirs. */
static void
test_choice (void)
{
  static const char offer[] = HEAD SAVP "a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:" CM_KEY "\r\n"
                                        "a=crypto:2 " CM "\r\n"
                                        "a=crypto:3 AEAD_AES_256_GCM inline:" KEY_44 "\r\n"
                                        "a=crypto:9 AEAD_AES_128_GCM inline:" GCM_KEY "\r\n"
                                        "a=crypto:9 AEAD_AES_128_GCM inline:" GCM_KEY "\r\n";
  g_autoptr (SigSdpPlan) plan = NULL;
  g_autoptr (SigSdp) sdp = sig_sdp_parse (offer, strlen (offer), NULL);
  SigSdpPolicy policy = sdp_policy_sip;
  SigSdpLocal local = sdp_local_sip ();
  g_autofree char *answer = NULL;

  policy.encryption = SIG_SDP_ENCRYPT_ACCEPT;
  g_assert_cmpuint (sdp->sections[0].n_crypto, ==, 4); /* the tag that came twice counts once */
  g_assert_true (sig_sdp_plan_answer (sdp, &policy, &plan, NULL));
  g_assert_cmpstr (plan->sections[0].crypto.suite, ==, "AEAD_AES_128_GCM");
  answer = sig_sdp_write_answer (sdp, plan, &local);
  g_assert_nonnull (strstr (answer, "m=audio 10000 RTP/SAVP 0\r\n"));
  g_assert_nonnull (strstr (answer, "\r\na=crypto:9 AEAD_AES_128_GCM inline:"));
  g_assert_null (strstr (strstr (answer, "a=crypto:") + 1, "a=crypto:")); /* one line */
  g_assert_null (strstr (answer, GCM_KEY));                               /* and not their key */
}

static void
test_too_many_lines (void)
{
  g_autoptr (GString) text = g_string_new (HEAD SAVP);
  g_autoptr (SigSdp) sdp = NULL;

  for (guint i = 0; i < 300; i++)
    g_string_append_printf (text, "a=crypto:%u " CM "\r\n", i);
  sdp = sig_sdp_parse (text->str, text->len, NULL);
  g_assert_nonnull (sdp);
  g_assert_cmpuint (sdp->sections[0].n_crypto, ==, SIG_SDP_MAX_CRYPTO);
}

/* ---- answers to us ---- */

static void
test_answers (void)
{
#define GCM_1 "a=crypto:1 AEAD_AES_128_GCM inline:" GCM_KEY "\r\n"
#define CM_3  "a=crypto:3 " CM "\r\n"
  static const struct
  {
    const char *answer;
    Outcome disable, allow, require; /* accept offers nothing, as disable does */
  } rows[] = {
    { AVP, PLAIN, PLAIN, REFUSED },
    { AVP GCM_1, PLAIN, ENCRYPTED, ENCRYPTED },
    { AVP CM_3, PLAIN, ENCRYPTED, ENCRYPTED },
    { SAVP GCM_1, REFUSED, ENCRYPTED, ENCRYPTED },
    { SAVP CM_3, REFUSED, ENCRYPTED, ENCRYPTED },
    { SAVP, REFUSED, REFUSED, REFUSED },
    { SAVP LINE, REFUSED, REFUSED, REFUSED },                    /* no tag of ours */
    { SAVP "a=crypto:1 " CM "\r\n", REFUSED, REFUSED, REFUSED }, /* not its suite */
    { SAVP "a=crypto:4 AES_256_CM_HMAC_SHA1_80 inline:" KEY_46 "\r\n", REFUSED, REFUSED,
      REFUSED }, /* not offered */
    { SAVP "a=crypto:3 " CM "|2^20|1:4\r\n", REFUSED, REFUSED, REFUSED },
  };
  static const SigSdpEncryption settings[]
      = { SIG_SDP_ENCRYPT_DISABLE, SIG_SDP_ENCRYPT_ACCEPT, SIG_SDP_ENCRYPT_ALLOW, SIG_SDP_ENCRYPT_REQUIRE };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (settings); k++)
      {
        const Outcome expected = k <= 1 ? rows[i].disable : k == 2 ? rows[i].allow : rows[i].require;
        g_autofree char *text = g_strconcat (HEAD, rows[i].answer, NULL);
        g_autoptr (SigSdpPlan) plan = NULL;
        g_autoptr (SigSdp) sdp = sig_sdp_parse (text, strlen (text), NULL);
        g_autoptr (GError) error = NULL;
        SigSdpPolicy policy = sdp_policy_sip;

        policy.encryption = settings[k];
        g_test_message ("row %" G_GSIZE_FORMAT " setting %" G_GSIZE_FORMAT, i, k);
        g_assert_cmpint (sig_sdp_plan_from_answer (&policy, sdp, &plan, &error), ==, expected != REFUSED);
        if (expected == REFUSED)
          {
            g_assert_nonnull (error);
            g_assert_null (plan);
          }
        else
          g_assert_cmpint (plan->sections[0].encrypted, ==, expected == ENCRYPTED);
      }
}

/* What one side of ours offers the other answers, with every pair of settings. */
static void
test_round_trips (void)
{
  static const Outcome outcomes[4][4] = {
    /* answered by: disable, accept, allow, require; offered by: */
    { PLAIN, PLAIN, PLAIN, REFUSED },             /* disable */
    { PLAIN, PLAIN, PLAIN, REFUSED },             /* accept */
    { PLAIN, ENCRYPTED, ENCRYPTED, ENCRYPTED },   /* allow */
    { REFUSED, ENCRYPTED, ENCRYPTED, ENCRYPTED }, /* require */
  };

  for (guint caller = 0; caller < 4; caller++)
    for (guint callee = 0; callee < 4; callee++)
      {
        SigSdpPolicy offering = sdp_policy_sip, answering = sdp_policy_sip;
        SigSdpLocal local = sdp_local_sip ();
        g_autoptr (SigSdpPlan) theirs = NULL;
        g_autoptr (SigSdpPlan) ours = NULL;
        g_autofree char *offer_text = NULL, *answer_text = NULL;
        g_autoptr (SigSdp) offer = NULL;
        g_autoptr (SigSdp) answer = NULL;
        gboolean agreed;

        offering.encryption = (SigSdpEncryption)caller;
        answering.encryption = (SigSdpEncryption)callee;
        offer_text = sig_sdp_write_offer (&offering, &local);
        offer = sig_sdp_parse (offer_text, strlen (offer_text), NULL);
        agreed = sig_sdp_plan_answer (offer, &answering, &theirs, NULL);
        g_assert_cmpint (agreed, ==, outcomes[caller][callee] != REFUSED);
        if (!agreed)
          continue;
        answer_text = sig_sdp_write_answer (offer, theirs, &local);
        answer = sig_sdp_parse (answer_text, strlen (answer_text), NULL);
        g_assert_true (sig_sdp_plan_from_answer (&offering, answer, &ours, NULL));
        g_assert_cmpint (ours->sections[0].encrypted, ==, outcomes[caller][callee] == ENCRYPTED);
        g_assert_cmpint (theirs->sections[0].encrypted, ==, ours->sections[0].encrypted);
        g_assert_cmpstr (theirs->sections[0].crypto.suite, ==, ours->sections[0].crypto.suite);
      }
}

static void
test_without_keys (void)
{
  g_autofree char *shown
      = sig_sdp_without_keys (HEAD SAVP LINE MKI "a=crypto:3 x INLINE:secret;inline:secret2 KDR=1\r\n");

  g_assert_null (strstr (shown, CM_KEY));
  g_assert_null (strstr (shown, "secret"));
  g_assert_nonnull (strstr (shown, "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:***\r\n"));
  g_assert_nonnull (strstr (shown, "inline:***|2^20|1:4\r\n"));
  g_assert_true (g_str_has_prefix (shown, HEAD SAVP));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sdp_crypto/usable_lines", test_usable_lines);
  g_test_add_func ("/signaling/sdp_crypto/unusable_lines", test_unusable_lines);
  g_test_add_func ("/signaling/sdp_crypto/offers", test_offers);
  g_test_add_func ("/signaling/sdp_crypto/choice", test_choice);
  g_test_add_func ("/signaling/sdp_crypto/too_many_lines", test_too_many_lines);
  g_test_add_func ("/signaling/sdp_crypto/answers", test_answers);
  g_test_add_func ("/signaling/sdp_crypto/round_trips", test_round_trips);
  g_test_add_func ("/signaling/sdp_crypto/without_keys", test_without_keys);
  return g_test_run ();
}
