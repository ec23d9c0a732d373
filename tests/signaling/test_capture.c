#include "signaling/core/capture.h"

#include <string.h>

static void
assert_masked (const char *text, const char *expected)
{
  g_autofree char *masked = g_strdup (text);

  sig_capture_mask (masked, strlen (masked));
  g_assert_cmpstr (masked, ==, expected);
}

static void
test_credentials (void)
{
  assert_masked (
      "REGISTER sip:a SIP/2.0\r\nAuthorization: Digest username=\"bob\", response=\"0a1b2c\", qop=auth\r\n"
      "X: response=\"0a1b2c\"\r\n\r\n",
      "REGISTER sip:a SIP/2.0\r\nAuthorization: Digest username=\"bob\", response=\"xxxxxx\", qop=auth\r\n"
      "X: response=\"0a1b2c\"\r\n\r\n");
  assert_masked ("A\r\nproxy-authorization: Digest a=\"b\",\r\n  Response = 0a1b,c=d\r\n\r\n",
                 "A\r\nproxy-authorization: Digest a=\"b\",\r\n  Response = xxxx,c=d\r\n\r\n");
  assert_masked ("A\r\nAuthorization: Digest response=\"0a1b", "A\r\nAuthorization: Digest response=\"xxxx");
}

static void
test_passwords (void)
{
  assert_masked (
      "INVITE sip:bob@a;line=aB3-_x SIP/2.0\r\nContact: <sip:bob@a;line=aB3>;q=1\r\nX: online=1\r\n\r\n",
      "INVITE sip:bob@a;line=xxxxxx SIP/2.0\r\nContact: <sip:bob@a;line=xxx>;q=1\r\nX: online=1\r\n\r\n");
  assert_masked ("INVITE sip:bob:secret@a:5060 SIP/2.0\r\nTo: <sips:al:hidden@b;x=y>\r\nFrom: "
                 "sip:c@d:5\r\n\r\nsip:a:b@c",
                 "INVITE sip:bob:xxxxxx@a:5060 SIP/2.0\r\nTo: <sips:al:xxxxxx@b;x=y>\r\nFrom: "
                 "sip:c@d:5\r\n\r\nsip:a:b@c");
}

static void
test_keys (void)
{
  assert_masked ("A\r\n\r\nv=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abcDEF+/=|2^31 X\r\na=rtpmap:0 "
                 "inline:abc\r\n",
                 "A\r\n\r\nv=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xxxxxxxxx|2^31 X\r\na=rtpmap:0 "
                 "inline:abc\r\n");
  assert_masked ("A\r\n\r\na=crypto:1 S inline:abc;inline:def\n",
                 "A\r\n\r\na=crypto:1 S inline:xxx;inline:xxx\n");
}

static void
test_digits (void)
{
  assert_masked ("INFO a\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=160\r\n",
                 "INFO a\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=x\r\nDuration=xxx\r\n");
  assert_masked ("INFO a\r\nc: application/dtmf\r\n\r\n 7\r\n",
                 "INFO a\r\nc: application/dtmf\r\n\r\n x\r\n");
  assert_masked ("MESSAGE a\r\nc: text/plain\r\n\r\nSignal=5\r\n",
                 "MESSAGE a\r\nc: text/plain\r\n\r\nSignal=5\r\n");
}

static void
test_any_bytes (void)
{
  for (guint seed = 0; seed < 2000; seed++)
    {
      static const char *const pieces[]
          = { "\r\n",    "sip:",     "a:b@",      "Authorization: ", "response", "=\"",
              "c: dtmf", "\r\n\r\n", "a=crypto:", "inline:",         "=",        " ",
              "\n",      "x" };
      g_autoptr (GRand) random = g_rand_new_with_seed (seed);
      g_autoptr (GString) text = g_string_new (NULL);

      for (guint i = 0; i < 20; i++)
        g_string_append (text, pieces[g_rand_int_range (random, 0, G_N_ELEMENTS (pieces))]);
      g_autofree char *exact = g_memdup2 (text->str, text->len);
      sig_capture_mask (exact, text->len);
    }
  sig_capture_mask (NULL, 0);
}

static void
test_hep (void)
{
  static const guint8 expected[] = {
    'H', 'E', 'P', '3', 0, 102, 0,    0,    0, 1, 0, 7,  2,   0,  0,  0, 2,  0, 7, 17, 0,    0,  0,    3,
    0,   10,  192, 0,   2, 1,   0,    0,    0, 4, 0, 10, 192, 0,  2,  2, 0,  0, 0, 7,  0,    8,  0x13, 0xc4,
    0,   0,   0,   8,   0, 8,   0x13, 0xce, 0, 0, 0, 9,  0,   10, 0,  0, 0,  3, 0, 0,  0,    10, 0,    10,
    0,   0,   0,   4,   0, 0,   0,    11,   0, 7, 1, 0,  0,   0,  12, 0, 10, 0, 0, 7,  0xd1,
  };
  SigHepPacket packet = { .source_address = "192.0.2.1",
                          .destination_address = "192.0.2.2",
                          .source_port = 5060,
                          .destination_port = 5070,
                          .is_udp = TRUE,
                          .time = { 3000004 },
                          .node_id = 2001,
                          .payload = "BYE",
                          .size = 3 };
  guint8 buffer[300];
  gsize size = sig_hep_write (&packet, buffer, sizeof buffer);

  g_assert_cmpmem (buffer + 6, sizeof expected - 6, expected + 6, sizeof expected - 6);
  g_assert_cmpuint (size, ==, sizeof expected + 6 + 3);
  g_assert_cmpuint (buffer[4] * 256 + buffer[5], ==, size);
  g_assert_cmpmem (buffer + size - 9, 9,
                   "\0\0\0\x0f\0\x09"
                   "BYE",
                   9);
  for (gsize less = 0; less < size; less++)
    g_assert_cmpuint (sig_hep_write (&packet, buffer, less), ==, 0);
  packet.password = "key";
  packet.correlation_id = "id@host";
  g_assert_cmpuint (sig_hep_write (&packet, buffer, sizeof buffer), ==, size + 6 + 3 + 6 + 7);
  packet.source_address = "2001:db8::1";
  g_assert_cmpuint (sig_hep_write (&packet, buffer, sizeof buffer), ==, 0);
  packet.destination_address = "2001:db8::2";
  g_assert_cmpuint (sig_hep_write (&packet, buffer, sizeof buffer), ==, size + 24 + 9 + 13);
  packet.source_address = "a.example";
  g_assert_cmpuint (sig_hep_write (&packet, buffer, sizeof buffer), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/capture/masks_credentials", test_credentials);
  g_test_add_func ("/signaling/capture/masks_passwords_in_uris", test_passwords);
  g_test_add_func ("/signaling/capture/masks_srtp_keys", test_keys);
  g_test_add_func ("/signaling/capture/masks_dtmf_digits", test_digits);
  g_test_add_func ("/signaling/capture/takes_any_bytes", test_any_bytes);
  g_test_add_func ("/signaling/capture/writes_hep_3", test_hep);
  return g_test_run ();
}
