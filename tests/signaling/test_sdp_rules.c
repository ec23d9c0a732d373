/* The rules one by one, as tables: directions, codecs, packet times, ports, what is refused and in which
 * words. */
#include "sdp_fixture.h"

#include <string.h>

#include "config/base/error.h"

#define HEAD  "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define PRINT "a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n"
#define ICE   "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
#define RTC   "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n"

static SigSdp *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  SigSdp *sdp = sig_sdp_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  return sdp;
}

static SigSdpPlan *
plan (const char *text, const SigSdpPolicy *policy)
{
  g_autoptr (SigSdp) sdp = parse (text);
  g_autoptr (GError) error = NULL;
  SigSdpPlan *plan = NULL;

  sig_sdp_plan_answer (sdp, policy, &plan, &error);
  g_assert_no_error (error);
  return plan;
}

static void
assert_refused (const char *text, const SigSdpPolicy *policy, int code, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SigSdpPlan) out = NULL;
  g_autoptr (SigSdp) sdp = sig_sdp_parse (text, strlen (text), &error);

  if (sdp != NULL)
    g_assert_false (sig_sdp_plan_answer (sdp, policy, &out, &error));
  g_assert_error (error, CFG_ERROR, code);
  if (strstr (error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, words);
}

static void
test_directions (void)
{
  static const struct
  {
    const char *offered;
    SigSdpDirection ours, answered;
  } rows[] = {
    { "", SIG_SDP_SENDRECV, SIG_SDP_SENDRECV },
    { "a=sendrecv\r\n", SIG_SDP_SENDRECV, SIG_SDP_SENDRECV },
    { "a=sendonly\r\n", SIG_SDP_SENDRECV, SIG_SDP_RECVONLY },
    { "a=recvonly\r\n", SIG_SDP_SENDRECV, SIG_SDP_SENDONLY },
    { "a=inactive\r\n", SIG_SDP_SENDRECV, SIG_SDP_INACTIVE },
    { "c=IN IP4 0.0.0.0\r\n", SIG_SDP_SENDRECV, SIG_SDP_RECVONLY },
    { "c=IN IP4 0.0.0.0\r\na=sendonly\r\n", SIG_SDP_SENDRECV, SIG_SDP_RECVONLY },
    { "c=IN IP4 0.0.0.0\r\na=recvonly\r\n", SIG_SDP_SENDRECV, SIG_SDP_INACTIVE },
    { "c=IN IP6 ::\r\n", SIG_SDP_SENDRECV, SIG_SDP_RECVONLY },
    { "a=sendrecv\r\n", SIG_SDP_SENDONLY, SIG_SDP_SENDONLY },
    { "a=sendonly\r\n", SIG_SDP_SENDONLY, SIG_SDP_INACTIVE },
    { "a=recvonly\r\n", SIG_SDP_SENDONLY, SIG_SDP_SENDONLY },
    { "a=inactive\r\n", SIG_SDP_SENDONLY, SIG_SDP_INACTIVE },
    { "a=sendrecv\r\n", SIG_SDP_INACTIVE, SIG_SDP_INACTIVE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = g_strconcat (HEAD "m=audio 4000 RTP/AVP 0\r\n", rows[i].offered, NULL);
      SigSdpPolicy policy = sdp_policy_sip;
      g_autoptr (SigSdpPlan) out = NULL;

      policy.direction = rows[i].ours;
      out = plan (text, &policy);
      g_assert_cmpint (out->sections[0].direction, ==, rows[i].answered);
    }
}

static void
test_session_direction (void)
{
  g_autoptr (SigSdpPlan) out
      = plan (HEAD "a=sendonly\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\na=sendrecv\r\n",
              &sdp_policy_sip);

  g_assert_cmpint (out->sections[0].direction, ==, SIG_SDP_RECVONLY);
  g_assert_true (out->sections[0].accepted);
  g_assert_false (out->sections[1].accepted);
}

static void
test_zero_address_with_ice_is_no_hold (void)
{
  g_autoptr (SigSdp) sdp = parse (HEAD RTC "c=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=setup:actpass\r\n" ICE PRINT);

  g_assert_cmpint (sdp->sections[0].direction, ==, SIG_SDP_SENDRECV);
}

static void
test_flip (void)
{
  g_assert_cmpint (sig_sdp_direction_flip (SIG_SDP_SENDONLY), ==, SIG_SDP_RECVONLY);
  g_assert_cmpint (sig_sdp_direction_flip (SIG_SDP_RECVONLY), ==, SIG_SDP_SENDONLY);
  g_assert_cmpint (sig_sdp_direction_flip (SIG_SDP_SENDRECV), ==, SIG_SDP_SENDRECV);
  g_assert_cmpint (sig_sdp_direction_flip (SIG_SDP_INACTIVE), ==, SIG_SDP_INACTIVE);
}

static char *
codec_list (const SigSdpPlanSection *section)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (guint i = 0; i < section->n_codecs; i++)
    g_string_append_printf (list, "%s%s=%u", i > 0 ? " " : "", section->codecs[i].codec,
                            section->codecs[i].send_pt);
  return g_string_free (g_steal_pointer (&list), FALSE);
}

static void
test_codec_order (void)
{
  static const char *const only_g711[] = { "PCMA", "PCMU", NULL };
  static const char *const all[] = { "opus", "G722", "PCMU", "PCMA", NULL };
  static const struct
  {
    const char *m, *maps;
    const char *const *codecs;
    gboolean offer_order;
    const char *agreed;
  } rows[] = {
    { "8 0 9", "", all, FALSE, "G722=9 PCMU=0 PCMA=8" },
    { "8 0 9", "", all, TRUE, "PCMA=8 PCMU=0 G722=9" },
    { "0 8", "", only_g711, FALSE, "PCMA=8 PCMU=0" },
    { "96 0", "a=rtpmap:96 OPUS/48000/2\r\n", all, FALSE, "opus=96 PCMU=0" },
    { "96 0", "a=rtpmap:96 opus/48000\r\n", all, FALSE, "opus=96 PCMU=0" },
    { "0 96", "a=rtpmap:96 opus/48000/2\r\n", only_g711, FALSE, "PCMU=0" },
    /* a dynamic number for a static codec, and a static number that means something else */
    { "97 0", "a=rtpmap:97 PCMU/8000\r\na=rtpmap:0 G729/8000\r\n", all, FALSE, "PCMU=97" },
    /* the wrong clock rate is another codec */
    { "96 98 8", "a=rtpmap:96 PCMU/16000\r\na=rtpmap:98 opus/16000/2\r\n", all, FALSE, "PCMA=8" },
    { "96 8", "a=rtpmap:96 PCMU/8000/2\r\n", all, FALSE, "PCMA=8" },
    /* the same codec twice: the first number counts */
    { "96 97", "a=rtpmap:96 opus/48000/2\r\na=rtpmap:97 opus/48000/2\r\n", all, TRUE, "opus=96" },
    { "9", "a=rtpmap:9 G722/8000\r\n", all, FALSE, "G722=9" },
    { "9", "a=rtpmap:9 G722/8000/1\r\n", all, FALSE, "G722=9" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text
          = g_strconcat (HEAD "m=audio 4000 RTP/AVP ", rows[i].m, "\r\n", rows[i].maps, NULL);
      SigSdpPolicy policy = sdp_policy_sip;
      g_autoptr (SigSdpPlan) out = NULL;
      g_autofree char *agreed = NULL;

      policy.codecs = rows[i].codecs;
      policy.prefer_offer_order = rows[i].offer_order;
      out = plan (text, &policy);
      agreed = codec_list (&out->sections[0]);
      g_assert_cmpstr (agreed, ==, rows[i].agreed);
    }
}

static void
test_dtmf (void)
{
  static const struct
  {
    const char *m, *maps;
    guint send_pt, rate, n;
  } rows[] = {
    { "0 101", "a=rtpmap:101 telephone-event/8000\r\n", 101, 8000, 1 },
    { "0 101", "a=rtpmap:101 Telephone-Event/8000\r\n", 101, 8000, 1 },
    { "0 101", "a=rtpmap:101 telephone-event/48000\r\n", 0, 0, 0 },
    { "0", "", 0, 0, 0 },
    { "111 0 101 110",
      "a=rtpmap:111 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\na=rtpmap:110 "
      "telephone-event/48000\r\n",
      110, 48000, 2 },
    { "111 0 101", "a=rtpmap:111 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n", 101, 8000, 1 },
    { "111 101", "a=rtpmap:111 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n", 101, 8000, 1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text
          = g_strconcat (HEAD "m=audio 4000 RTP/AVP ", rows[i].m, "\r\n", rows[i].maps, NULL);
      g_autoptr (SigSdpPlan) out = plan (text, &sdp_policy_sip);

      g_assert_cmpuint (out->sections[0].dtmf_send_pt, ==, rows[i].send_pt);
      g_assert_cmpuint (out->sections[0].dtmf_recv_pt, ==, rows[i].send_pt);
      g_assert_cmpuint (out->sections[0].dtmf_rate_hz, ==, rows[i].rate);
      g_assert_cmpuint (out->sections[0].n_dtmf_recv_pts, ==, rows[i].n);
    }
}

static void
test_comfort_noise (void)
{
  SigSdpPolicy without = sdp_policy_sip;
  g_autoptr (SigSdpPlan) with_cn = plan (HEAD "m=audio 4000 RTP/AVP 0 13\r\n", &sdp_policy_sip);
  g_autoptr (SigSdpPlan) refused = NULL;

  g_assert_cmpuint (with_cn->sections[0].cn_pt, ==, 13);
  without.comfort_noise = FALSE;
  refused = plan (HEAD "m=audio 4000 RTP/AVP 0 13\r\n", &without);
  g_assert_cmpuint (refused->sections[0].cn_pt, ==, 0);
}

static void
test_ptime (void)
{
  static const struct
  {
    const char *lines;
    guint ptime;
  } rows[] = {
    { "", 20 },
    { "a=ptime:10\r\n", 10 },
    { "a=ptime:30\r\n", 30 },
    { "a=ptime:60\r\n", 60 },
    { "a=ptime:5\r\n", 10 },
    { "a=ptime:0\r\n", 20 },
    { "a=ptime:200\r\n", 60 },
    { "a=ptime:25\r\n", 20 },
    { "a=ptime:22.5\r\n", 20 },
    { "a=ptime:abc\r\n", 20 },
    { "a=ptime:99999999999\r\n", 20 },
    { "a=ptime:60\r\na=maxptime:40\r\n", 40 },
    { "a=maxptime:10\r\n", 10 },
    { "a=maxptime:1\r\n", 10 },
    { "a=maxptime:150\r\n", 20 },
  };
  g_autoptr (SigSdpPlan) opus
      = plan (HEAD "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\na=ptime:30\r\n", &sdp_policy_sip);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = g_strconcat (HEAD "m=audio 4000 RTP/AVP 0\r\n", rows[i].lines, NULL);
      g_autoptr (SigSdpPlan) out = plan (text, &sdp_policy_sip);

      g_assert_cmpuint (out->sections[0].ptime_ms, ==, rows[i].ptime);
    }
  g_assert_cmpuint (opus->sections[0].ptime_ms, ==, 20);
}

static void
test_ports (void)
{
  static const struct
  {
    const char *lines;
    guint rtcp_port;
    gboolean mux;
  } rows[] = {
    { "", 4001, FALSE },
    { "a=rtcp:5000\r\n", 5000, FALSE },
    { "a=rtcp:5000 IN IP4 192.0.2.1\r\n", 5000, FALSE },
    { "a=rtcp-mux\r\n", 4000, TRUE },
    { "a=rtcp:5000\r\na=rtcp-mux\r\n", 4000, TRUE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = g_strconcat (HEAD "m=audio 4000 RTP/AVP 0\r\n", rows[i].lines, NULL);
      g_autoptr (SigSdpPlan) out = plan (text, &sdp_policy_sip);

      g_assert_cmpuint (out->sections[0].remote_port, ==, 4000);
      g_assert_cmpuint (out->sections[0].remote_rtcp_port, ==, rows[i].rtcp_port);
      g_assert_cmpint (out->sections[0].rtcp_mux, ==, rows[i].mux);
      g_assert_cmpstr (out->sections[0].remote_address, ==, "192.0.2.1");
    }
}

/* RFC 5761 4: with one port for both, payload types 64 to 95 would read as RTCP. */
static void
test_mux_payload_types (void)
{
  g_autoptr (SigSdpPlan) out = plan (
      HEAD "m=audio 4000 RTP/AVP 72 0\r\na=rtpmap:72 opus/48000/2\r\na=rtcp-mux\r\n", &sdp_policy_sip);

  g_assert_cmpuint (out->sections[0].n_codecs, ==, 1);
  g_assert_cmpstr (out->sections[0].codecs[0].codec, ==, "PCMU");
}

/* sofia's parser alone would allocate without end on the first of these. */
static void
test_odd_m_lines (void)
{
  static const char *const lines[] = {
    "m=audio 9 UDP/TLS/RTP/SAb8::17",
    "m=video 9 udp a:b",
    "m=video 9 udp a/b",
    "m=audio x RTP/AVP 0",
    "m=audio 9/ RTP/AVP 0",
    "m=audio 9/x RTP/AVP 0",
    "m=audio -1 RTP/AVP 0",
    "m=audio 9 RTP/AVP",
    "m=audio 9 RTP/AVP\t0",
    "m=\xff 9 RTP/AVP 0",
    "m=",
    "m=audio 9 RTP/AVP 0 x",
    "m=audio 9 RTP/AVP 128",
    "m",
    "=",
    "hello world",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autofree char *text
          = g_strconcat (HEAD "m=audio 4000 RTP/AVP 0\r\n", lines[i], "\r\na=mid:0\r\n", NULL);

      assert_refused (text, &sdp_policy_sip, CFG_ERROR_INVALID_ARGUMENT, "SDP: ");
    }
}

/* Types that mean nothing here are not looked at, however odd. */
static void
test_other_lines_are_skipped (void)
{
  g_autoptr (SigSdpPlan) out = plan (
      HEAD "r=1 2 3\r\nz=-\r\nk=?\r\nb=X-YZ:128\r\n\r\n  \r\ne=\r\nx=1\r\nm=audio 4000 RTP/AVP 0\r\nb=:\r\n"
           " a=sendonly\r\n",
      &sdp_policy_sip);

  g_assert_cmpint (out->sections[0].direction, ==, SIG_SDP_RECVONLY);
}

static void
test_sip_refusals (void)
{
  const int cannot = CFG_ERROR_FAILED_PRECONDITION, bad = CFG_ERROR_INVALID_ARGUMENT;
  const SigSdpPolicy *sip = &sdp_policy_sip;

  assert_refused (HEAD "m=audio 4000 RTP/SAVP 0\r\n", sip, cannot, "SRTP (RTP/SAVP), which is not enabled");
  assert_refused (HEAD "m=audio 4000 RTP/SAVPF 0\r\n", sip, cannot, "SRTP (RTP/SAVPF)");
  assert_refused (HEAD "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n", sip, cannot, "DTLS-SRTP");
  assert_refused (HEAD "m=audio 4000 TCP/RTP/AVP 0\r\n", sip, cannot, "over TCP/RTP/AVP");
  assert_refused (HEAD "m=audio 4000 RTP/AVP 18 3\r\n", sip, cannot,
                  "no common codec (the peer has G729/8000, GSM/8000)");
  assert_refused (HEAD "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n", sip, cannot,
                  "no common codec");
  assert_refused (HEAD "m=audio 0 RTP/AVP 0\r\n", sip, cannot, "no audio section");
  assert_refused (HEAD "m=video 4000 RTP/AVP 96\r\n", sip, cannot, "no audio section");
  assert_refused (HEAD, sip, bad, "0 m= lines");
  assert_refused (HEAD "m=audio 70000 RTP/AVP 0\r\n", sip, bad, "port 70000");
  assert_refused (HEAD "m=audio 4000 RTP/AVP 0\r\na=rtcp:x\r\n", sip, bad, "a=rtcp");
  assert_refused (HEAD "m=audio 4000 RTP/AVP 0\r\na=mid:a b\r\n", sip, bad, "a=mid");
  assert_refused (HEAD "m=audio 4000 RTP/AVP 0\r\na=mid:1\r\nm=audio 4002 RTP/AVP 0\r\na=mid:1\r\n", sip, bad,
                  "two sections have a=mid:1");
  assert_refused (HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 239.1.2.3/127\r\n", sip, bad, "multicast");
  assert_refused (HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 255.255.255.255\r\n", sip, bad, "broadcast");
  assert_refused (HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP6 ff02::1\r\n", sip, bad, "multicast");
  assert_refused (HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 a;b\r\n", sip, bad,
                  "neither an address nor a host");
  assert_refused ("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n", sip, bad,
                  "no c= line");
  assert_refused ("hello", sip, bad, "SDP:");
  assert_refused (HEAD "m=audio 4000 RTP/AVP 0\r\na=x:\001\r\n", sip, bad, "control character 0x01");
  assert_refused ("", sip, bad, "empty");
}

static void
test_webrtc_refusals (void)
{
  const int cannot = CFG_ERROR_FAILED_PRECONDITION, bad = CFG_ERROR_INVALID_ARGUMENT;
  const SigSdpPolicy *rtc = &sdp_policy_webrtc;

  assert_refused (HEAD RTC "a=setup:actpass\r\n" ICE PRINT, rtc, bad, "rtcp-mux");
  assert_refused (HEAD RTC "a=rtcp-mux\r\na=setup:actpass\r\n" PRINT, rtc, bad, "ICE credentials");
  assert_refused (HEAD RTC "a=rtcp-mux\r\na=setup:actpass\r\n" ICE, rtc, bad, "fingerprint");
  assert_refused (HEAD RTC "a=rtcp-mux\r\na=setup:holdconn\r\n" ICE PRINT, rtc, bad, "a=setup");
  assert_refused (HEAD RTC "a=rtcp-mux\r\na=ice-ufrag:ab\r\n", rtc, bad, "a=ice-ufrag");
  assert_refused (HEAD RTC "a=rtcp-mux\r\na=ice-ufrag:ab cd ef\r\n", rtc, bad, "a=ice-ufrag");
  assert_refused (HEAD RTC "a=rtcp-mux\r\na=ice-pwd:short\r\n", rtc, bad, "a=ice-pwd");
  assert_refused (HEAD RTC "a=fingerprint:sha-256 xx\r\n", rtc, bad, "a=fingerprint");
  assert_refused (HEAD "m=audio 4000 RTP/AVP 0\r\n" ICE PRINT, rtc, cannot, "not DTLS-SRTP");
  assert_refused (HEAD "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" ICE PRINT, rtc, cannot,
                  "no audio section");
}

static void
test_setup_roles (void)
{
  static const struct
  {
    const char *line;
    SigSdpSetup ours;
  } rows[] = {
    { "a=setup:actpass\r\n", SIG_SDP_SETUP_PASSIVE },
    { "a=setup:active\r\n", SIG_SDP_SETUP_PASSIVE },
    { "a=setup:passive\r\n", SIG_SDP_SETUP_ACTIVE },
    { "", SIG_SDP_SETUP_PASSIVE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = g_strconcat (HEAD, RTC "a=rtcp-mux\r\n" ICE PRINT, rows[i].line, NULL);
      g_autoptr (SigSdpPlan) out = plan (text, &sdp_policy_webrtc);

      g_assert_cmpint (out->local_setup, ==, rows[i].ours);
      g_assert_cmpstr (out->remote_ufrag, ==, "abcd");
    }
}

static void
test_fingerprint_prefers_sha256 (void)
{
  g_autoptr (SigSdpPlan) out = plan (
      HEAD RTC "a=rtcp-mux\r\n" ICE
               "a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\r\n" PRINT,
      &sdp_policy_webrtc);

  g_assert_true (g_str_has_prefix (out->remote_fingerprint, "sha-256 "));
}

static void
test_extmap_directions (void)
{
  g_autoptr (SigSdpPlan) out
      = plan (HEAD RTC "a=rtcp-mux\r\n" ICE PRINT
                       "a=extmap:5/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on\r\n"
                       "a=extmap:6/inactive urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
              &sdp_policy_webrtc);
  g_autoptr (SigSdpPlan) odd = plan (HEAD RTC "a=rtcp-mux\r\n" ICE PRINT
                                              "a=extmap:15 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
                                              "a=extmap:0 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
                                     &sdp_policy_webrtc);

  g_assert_cmpuint (out->sections[0].ext_level_id, ==, 5);
  g_assert_cmpint (out->sections[0].ext_level_direction, ==, SIG_SDP_RECVONLY);
  g_assert_cmpuint (out->sections[0].ext_mid_id, ==, 0);
  g_assert_cmpuint (odd->sections[0].ext_level_id, ==, 0);
  g_assert_cmpuint (odd->sections[0].ext_mid_id, ==, 0);
}

static void
test_second_audio_needs_bundle (void)
{
  g_autoptr (SigSdpPlan) out
      = plan (HEAD RTC "a=rtcp-mux\r\na=mid:0\r\n" ICE PRINT RTC "a=rtcp-mux\r\na=mid:1\r\n" ICE PRINT,
              &sdp_policy_webrtc);

  g_assert_true (out->sections[0].accepted);
  g_assert_false (out->sections[1].accepted);
  g_assert_false (out->bundled);
}

/* A browser with bundlePolicy max-bundle and a video track made before the audio. */
static void
test_bundle_only_behind_refused_section (void)
{
#define VIDEO "a=group:BUNDLE 0 1\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=rtcp-mux\r\n" ICE PRINT
#define AUDIO(port, more)                                                                                    \
  "m=audio " port " UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-mux\r\na=mid:1\r\n" more
  g_autoptr (SigSdpPlan) balanced = plan (HEAD VIDEO AUDIO ("9", ICE PRINT), &sdp_policy_webrtc);

  g_assert_true (balanced->sections[1].accepted);
  assert_refused (HEAD VIDEO AUDIO ("0", "a=bundle-only\r\n"), &sdp_policy_webrtc,
                  CFG_ERROR_FAILED_PRECONDITION, "offer the audio first");
}

static void
test_answer_to_ours (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SigSdpPlan) out = NULL;
  g_autoptr (SigSdp) answer = parse (HEAD "m=audio 4000 RTP/AVP 8 96 0 97\r\na=rtpmap:96 opus/48000/2\r\n"
                                          "a=rtpmap:97 telephone-event/8000\r\na=recvonly\r\n");
  g_autoptr (SigSdpPlan) theirs = NULL;
  const SigSdpPlanSection *section;
  SigSdpPolicy policy = sdp_policy_sip;

  g_assert_true (sig_sdp_plan_from_answer (&policy, answer, &out, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (out->sections[0].codecs[0].codec, ==, "opus"); /* our first, not the peer's */
  policy.prefer_offer_order = TRUE;
  g_assert_true (sig_sdp_plan_from_answer (&policy, answer, &theirs, &error));
  g_assert_no_error (error);
  section = &theirs->sections[0];
  g_assert_cmpuint (section->n_codecs, ==, 3);
  g_assert_cmpstr (section->codecs[0].codec, ==, "PCMA"); /* the peer's first */
  g_assert_cmpuint (section->codecs[1].send_pt, ==, 96);
  g_assert_cmpuint (section->codecs[1].recv_pt, ==, 111);
  g_assert_cmpuint (section->dtmf_send_pt, ==, 97);
  g_assert_cmpuint (section->dtmf_recv_pt, ==, 101);
  g_assert_cmpuint (section->n_dtmf_recv_pts, ==, 2);
  g_assert_cmpint (section->direction, ==, SIG_SDP_SENDONLY);
}

static void
test_answer_refused (void)
{
  g_autoptr (SigSdpPlan) out = NULL;
  g_autoptr (SigSdp) none = parse (HEAD "m=audio 0 RTP/AVP 0\r\n");
  g_autoptr (SigSdp) foreign = parse (HEAD "m=audio 4000 RTP/AVP 18\r\n");
  g_autoptr (GError) error = NULL;

  g_assert_false (sig_sdp_plan_from_answer (&sdp_policy_sip, none, &out, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION);
  g_clear_error (&error);
  g_assert_false (sig_sdp_plan_from_answer (&sdp_policy_sip, foreign, &out, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION);
}

/* What one side of ours offers the other side of ours answers, and the offerer understands. */
static void
test_round_trip (void)
{
  SigSdpLocal local = sdp_local_sip ();
  g_autofree char *offer_text = sig_sdp_write_offer (&sdp_policy_sip, &local), *answer_text = NULL;
  g_autoptr (SigSdp) offer = parse (offer_text);
  g_autoptr (SigSdp) answer = NULL;
  g_autoptr (SigSdpPlan) callee = plan (offer_text, &sdp_policy_sip);
  g_autoptr (SigSdpPlan) caller = NULL;
  g_autoptr (GError) error = NULL;

  answer_text = sig_sdp_write_answer (offer, callee, &local);
  answer = parse (answer_text);
  g_assert_true (sig_sdp_plan_from_answer (&sdp_policy_sip, answer, &caller, &error));
  g_assert_cmpuint (caller->sections[0].n_codecs, ==, 4);
  for (guint i = 0; i < 4; i++)
    {
      g_assert_cmpstr (caller->sections[0].codecs[i].codec, ==, callee->sections[0].codecs[i].codec);
      g_assert_cmpuint (caller->sections[0].codecs[i].send_pt, ==, callee->sections[0].codecs[i].recv_pt);
    }
  g_assert_cmpuint (caller->sections[0].dtmf_send_pt, ==, 110);
  g_assert_cmpuint (caller->sections[0].cn_pt, ==, 13);
}

static void
test_bounds (void)
{
  g_autoptr (GString) many = g_string_new (HEAD);
  g_autoptr (GString) pts = g_string_new (HEAD "m=audio 4000 RTP/AVP");
  g_autoptr (GString) candidates = g_string_new (HEAD RTC);
  g_autofree char *huge = g_strnfill (SIG_SDP_MAX_BYTES + 1, 'a');
  g_autoptr (SigSdp) sdp = NULL;
  g_autoptr (SigSdp) trickled = NULL;

  for (guint i = 0; i <= SIG_SDP_MAX_SECTIONS; i++)
    g_string_append (many, "m=audio 4000 RTP/AVP 0\r\n");
  assert_refused (many->str, &sdp_policy_sip, CFG_ERROR_INVALID_ARGUMENT, "33 m= lines");
  assert_refused (huge, &sdp_policy_sip, CFG_ERROR_INVALID_ARGUMENT, "longer than 65536");
  for (guint i = 0; i < 128; i++)
    g_string_append_printf (pts, " %u", i);
  g_string_append (pts, "\r\n");
  for (guint i = 0; i < 128; i++)
    g_string_append_printf (pts, "a=rtpmap:%u PCMU/8000\r\n", i);
  sdp = parse (pts->str);
  g_assert_cmpuint (sdp->sections[0].n_payloads, ==, SIG_SDP_MAX_PAYLOADS);
  for (guint i = 0; i < 100; i++)
    g_string_append_printf (candidates, "a=candidate:%u 1 udp 1 192.0.2.1 4000 typ host\r\n", i);
  trickled = parse (candidates->str);
  g_assert_cmpuint (trickled->sections[0].n_candidates, ==, SIG_SDP_MAX_CANDIDATES);
  g_assert_cmpstr (trickled->sections[0].candidates[0], ==, "candidate:0 1 udp 1 192.0.2.1 4000 typ host");
}

/* Parameters too long for us take their codec out, not the call. */
static void
test_long_fmtp_drops_the_codec (void)
{
  g_autofree char *fill = g_strnfill (300, 'x');
  g_autofree char *text = g_strconcat (
      HEAD "m=audio 4000 RTP/AVP 96 0\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 ", fill, "\r\n", NULL);
  g_autoptr (SigSdpPlan) out = plan (text, &sdp_policy_sip);

  g_assert_cmpuint (out->sections[0].n_codecs, ==, 1);
  g_assert_cmpstr (out->sections[0].codecs[0].codec, ==, "PCMU");
}

static void
test_remote_values (void)
{
  g_autoptr (SigSdpPlan) out
      = plan (HEAD "m=audio 4000 RTP/AVP 96\r\nc=IN IP4 media.example.com\r\n"
                   "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 maxplaybackrate=16000\r\na=ssrc:77 cname:x\r\n",
              &sdp_policy_sip);

  g_assert_cmpstr (out->sections[0].remote_address, ==, "media.example.com");
  g_assert_cmpstr (out->sections[0].codecs[0].remote_fmtp, ==, "maxplaybackrate=16000");
  g_assert_cmpuint (out->sections[0].remote_ssrc, ==, 77);
  g_assert_cmpint (out->first_audio, ==, 0);
}

#define ADD(name, func) g_test_add_func ("/signaling/sdp/" name, func)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("directions", test_directions);
  ADD ("session_direction", test_session_direction);
  ADD ("zero_address_with_ice_is_no_hold", test_zero_address_with_ice_is_no_hold);
  ADD ("flip", test_flip);
  ADD ("codec_order", test_codec_order);
  ADD ("dtmf", test_dtmf);
  ADD ("comfort_noise", test_comfort_noise);
  ADD ("ptime", test_ptime);
  ADD ("ports", test_ports);
  ADD ("mux_payload_types", test_mux_payload_types);
  ADD ("odd_m_lines", test_odd_m_lines);
  ADD ("other_lines_are_skipped", test_other_lines_are_skipped);
  ADD ("sip_refusals", test_sip_refusals);
  ADD ("webrtc_refusals", test_webrtc_refusals);
  ADD ("setup_roles", test_setup_roles);
  ADD ("fingerprint_prefers_sha256", test_fingerprint_prefers_sha256);
  ADD ("extmap_directions", test_extmap_directions);
  ADD ("second_audio_needs_bundle", test_second_audio_needs_bundle);
  ADD ("bundle_only_behind_refused_section", test_bundle_only_behind_refused_section);
  ADD ("answer_to_ours", test_answer_to_ours);
  ADD ("answer_refused", test_answer_refused);
  ADD ("round_trip", test_round_trip);
  ADD ("bounds", test_bounds);
  ADD ("long_fmtp_drops_the_codec", test_long_fmtp_drops_the_codec);
  ADD ("remote_values", test_remote_values);
  return g_test_run ();
}
