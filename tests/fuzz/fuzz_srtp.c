/* What arrives on a socket before anybody has proved anything: nothing made up is ever accepted, and nothing
 * of it changes the state. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "media/io/srtp.h"

static MediaSrtp *
new_srtp (MediaSrtpProfile profile)
{
  MediaSrtpKeys local = { .profile = profile }, remote = { .profile = profile };
  MediaSrtp *srtp;

  memset (local.key, 1, sizeof local.key);
  memset (remote.key, 2, sizeof remote.key);
  srtp = media_srtp_new (&local, &remote, NULL);
  g_assert_nonnull (srtp);
  return srtp;
}

static void
run (const guint8 *data, gsize size)
{
  static const MediaSrtpProfile profiles[]
      = { MEDIA_SRTP_AEAD_AES_128_GCM, MEDIA_SRTP_AEAD_AES_256_GCM, MEDIA_SRTP_AES128_CM_SHA1_80 };
  FuzzBytes bytes = { data, data + size };
  g_autoptr (MediaSrtp) srtp = new_srtp (profiles[fuzz_u8 (&bytes) % G_N_ELEMENTS (profiles)]);
  g_autofree char *text = fuzz_text (data, size);
  MediaSrtpKeys keys;

  for (guint n = 0; fuzz_more (&bytes) && n < 16; n++)
    {
      guint8 how = fuzz_u8 (&bytes);
      gsize got;
      g_autofree guint8 *packet = fuzz_block (&bytes, fuzz_u16 (&bytes) % 1500, &got);

      if ((how & 1) != 0)
        g_assert_cmpint (media_srtp_unprotect_rtcp (srtp, packet, (gssize)got), <, 0);
      else
        g_assert_cmpint (media_srtp_unprotect_rtp (srtp, packet, (gssize)got), <, 0);
    }
  (void)media_srtp_keys_from_base64 (&keys, MEDIA_SRTP_AES128_CM_SHA1_80, text);
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("\x00\x00\x00\x30\x80\x00\x00\x01\x00\x00\x00\x00\x11\x22\x33\x44"
             "0123456789012345678901234567890123456789"),
  FUZZ_TEXT (
      "\x02\x01\x00\x30\x80\xc8\x00\x06\x11\x22\x33\x44\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
      "\x00\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00\x01"
      "01234567890123456789"),
  FUZZ_TEXT (
      "\x01\x00\x00\x30\x90\x6f\x00\x01\x00\x00\x00\x00\x11\x22\x33\x44\xbe\xde\x00\x01\x10\x85\x20\x30"
      "0123456789012345678901234567"),
  FUZZ_TEXT ("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"),
};

const FuzzTarget fuzz_target = { "srtp", run, seeds, G_N_ELEMENTS (seeds), NULL, NULL, 0 };
