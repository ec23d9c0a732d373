#include "sdp_fixture.h"

#include <string.h>

static const char *const codecs[] = { "opus", "G722", "PCMU", "PCMA", NULL };

const SigSdpPolicy sdp_policy_webrtc = {
  .codecs = codecs,
  .webrtc = TRUE,
  .telephone_event = TRUE,
  .ptime_ms = 20,
  .direction = SIG_SDP_SENDRECV,
  .max_audio_sections = 2,
};

const SigSdpPolicy sdp_policy_sip = {
  .codecs = codecs,
  .telephone_event = TRUE,
  .comfort_noise = TRUE,
  .ptime_ms = 20,
  .direction = SIG_SDP_SENDRECV,
  .max_audio_sections = 1,
};

SigSdpLocal
sdp_local_webrtc (const SigSdpLocalSection *sections, guint n)
{
  static const char *const candidates[] = { "candidate:1 1 UDP 2130706431 192.0.2.200 20000 typ host", NULL };

  return (SigSdpLocal){
    .address = "192.0.2.200",
    .session_id = 1234567890,
    .version = 1,
    .cname = "room",
    .ice_ufrag = "abcd",
    .ice_pwd = "0123456789012345678901",
    .fingerprint
    = "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:"
      "CC:DD:EE:FF",
    .candidates = candidates,
    .end_of_candidates = TRUE,
    .sections = sections,
    .n_sections = n,
  };
}

SigSdpLocal
sdp_local_sip (void)
{
  static const SigSdpLocalSection section = { .direction = SIG_SDP_SENDRECV };
  static const SigSdpCrypto crypto[] = {
    { 0, "AEAD_AES_128_GCM", "GCM128ourownkeyandsaltAAAAAAAAAAAAAAAAAA==" },
    { 0, "AEAD_AES_256_GCM", "GCM256ourownkeyandsaltAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
    { 0, "AES_CM_128_HMAC_SHA1_80", "CM128ourownkeyandsaltAAAAAAAAAAAAAAAAAAAA" },
    { 0, "AES_256_CM_HMAC_SHA1_80", "CM256ourownkeyandsaltAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==" },
    { 0, "AES_CM_128_HMAC_SHA1_32", "CM128ourownkeyandsaltforshorttagsAAAAAAA" },
    { 0, "AES_256_CM_HMAC_SHA1_32", "CM256ourownkeyandsaltforshorttagsAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==" },
  };

  return (SigSdpLocal){
    .address = "192.0.2.200",
    .rtp_port = 10000,
    .rtcp_port = 10001,
    .session_id = 1234567890,
    .version = 1,
    .crypto = crypto,
    .n_crypto = G_N_ELEMENTS (crypto),
    .sections = &section,
    .n_sections = 1,
  };
}

static char *
golden_path (const char *name)
{
  const char *folder = g_getenv ("SWITCHROOM_GOLDEN_DIR");

  g_assert_nonnull (folder);
  return g_build_filename (folder, name, NULL);
}

char *
sdp_golden_read (const char *name)
{
  g_autofree char *path = golden_path (name);
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

void
sdp_golden_check (const char *name, const char *text)
{
  g_autofree char *path = golden_path (name), *expected = NULL;
  g_auto (GStrv) lines = g_strsplit (text, "\r\n", -1);
  g_autofree char *plain = g_strjoinv ("\n", lines);

  g_assert_null (strchr (plain, '\r'));
  if (g_getenv ("SWITCHROOM_UPDATE_GOLDEN") != NULL)
    {
      g_autoptr (GError) error = NULL;

      g_file_set_contents (path, plain, -1, &error);
      g_assert_no_error (error);
      return;
    }
  expected = sdp_golden_read (name);
  g_assert_cmpstr (plain, ==, expected);
}
