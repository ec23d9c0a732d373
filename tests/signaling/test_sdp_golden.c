/* Whole answers to whole offers, compared with files that a reviewer can read. */
#include "sdp_fixture.h"

#include <string.h>

typedef struct
{
  const char *name;
  gboolean webrtc;
} GoldenCase;

static const GoldenCase cases[] = {
  { "chromium_audio", TRUE },
  { "chromium_audio_video_data", TRUE },
  { "chromium_video_first", TRUE },
  { "chromium_three_audio", TRUE },
  { "chromium_reoffer_stopped", TRUE },
  { "chromium_reoffer_reused", TRUE },
  { "firefox_audio", TRUE },
  { "ice_lite", TRUE },
  { "sip_softphone", FALSE },
  { "sip_pbx", FALSE },
  { "sip_static_only", FALSE },
  { "sip_bundle_mux", FALSE },
  { "sip_srtp_then_plain", FALSE },
  { "sip_crypto_savp", FALSE },
  { "sip_crypto_best_effort", FALSE },
};

static void
check_reparses (const char *answer, const SigSdp *offer, const SigSdpPlan *plan)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SigSdp) parsed = sig_sdp_parse (answer, strlen (answer), &error);

  g_assert_no_error (error);
  g_assert_cmpuint (parsed->n_sections, ==, offer->n_sections);
  for (guint i = 0; i < parsed->n_sections; i++)
    {
      g_assert_cmpint (parsed->sections[i].port != 0, ==, plan->sections[i].accepted);
      g_assert_cmpint (parsed->sections[i].kind, ==, offer->sections[i].kind);
      g_assert_cmpstr (parsed->sections[i].proto_text, ==, offer->sections[i].proto_text);
      g_assert_cmpstr (parsed->sections[i].mid, ==, offer->sections[i].mid);
    }
}

static void
test_answer (gconstpointer data)
{
  const GoldenCase *golden = data;
  g_autofree char *offer_name = g_strconcat (golden->name, ".offer.sdp", NULL);
  g_autofree char *answer_name = g_strconcat (golden->name, ".answer.sdp", NULL);
  g_autofree char *text = sdp_golden_read (offer_name), *answer = NULL;
  SigSdpLocalSection sections[4] = {
    { .ssrc = 1001, .msid = "room mix" },
    { .ssrc = 1002, .msid = "room second" },
    { .ssrc = 1003 },
    { .ssrc = 1004 },
  };
  SigSdpPolicy policy;
  SigSdpLocal local = golden->webrtc ? sdp_local_webrtc (sections, 4) : sdp_local_sip ();
  g_autoptr (SigSdpPlan) plan = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SigSdp) offer = sig_sdp_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  if (offer->sections[0].is_ipv6)
    {
      local.address = "2001:db8::1";
      local.rtcp_port = 10007;
    }
  policy = golden->webrtc ? sdp_policy_webrtc : sdp_policy_sip;
  if (g_str_has_prefix (golden->name, "sip_crypto"))
    policy.encryption = SIG_SDP_ENCRYPT_ALLOW;
  g_assert_true (sig_sdp_plan_answer (offer, &policy, &plan, &error));
  g_assert_no_error (error);
  answer = sig_sdp_write_answer (offer, plan, &local);
  check_reparses (answer, offer, plan);
  sdp_golden_check (answer_name, answer);
}

static void
test_offer (void)
{
  SigSdpLocal local = sdp_local_sip ();
  g_autofree char *offer = sig_sdp_write_offer (&sdp_policy_sip, &local);

  sdp_golden_check ("sip_ours.offer_out.sdp", offer);
}

static void
test_encrypted_offers (void)
{
  SigSdpLocal local = sdp_local_sip ();
  SigSdpPolicy policy = sdp_policy_sip;
  g_autofree char *allow = NULL, *require = NULL;

  policy.rtcp_mux = TRUE;
  policy.encryption = SIG_SDP_ENCRYPT_ALLOW;
  allow = sig_sdp_write_offer (&policy, &local);
  sdp_golden_check ("sip_ours_allow.offer_out.sdp", allow);
  policy.encryption = SIG_SDP_ENCRYPT_REQUIRE;
  require = sig_sdp_write_offer (&policy, &local);
  sdp_golden_check ("sip_ours_require.offer_out.sdp", require);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/signaling/sdp/golden/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_answer);
    }
  g_test_add_func ("/signaling/sdp/golden/offer", test_offer);
  g_test_add_func ("/signaling/sdp/golden/encrypted_offers", test_encrypted_offers);
  return g_test_run ();
}
