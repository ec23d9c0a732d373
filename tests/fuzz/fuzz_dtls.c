/* Datagrams of strangers into a handshake, as server and as client: it fails or goes on waiting, and never
 * makes keys. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "media/io/dtls.h"
#include "media/io/dtls_rest.h"

static void
count_datagram (const guint8 *data, gsize length, gpointer user)
{
  g_assert_cmpuint (length, <=, MEDIA_DTLS_MTU);
  ++*(guint *)user;
}

static MediaCertificate *certificate;
static MediaDtlsContext *context;

static void
free_shared (void)
{
  media_dtls_context_free (context);
  media_certificate_free (certificate);
}

/* One certificate for all inputs: making one takes longer than failing a handshake. */
static MediaDtlsContext *
shared_context (void)
{
  if (context == NULL)
    {
      certificate = media_certificate_new (NULL);
      g_assert_nonnull (certificate);
      context = media_dtls_context_new (certificate, NULL);
      g_assert_nonnull (context);
      atexit (free_shared);
    }
  return context;
}

static void
run (const guint8 *data, gsize size)
{
  FuzzBytes bytes = { data, data + size };
  g_autofree char *text = fuzz_text (data, size);
  MediaFingerprint fingerprint = { .algorithm = MEDIA_FINGERPRINT_SHA256, .length = 32 }, parsed;
  guint n_sent = 0;
  CfgMonotonic now = { CFG_US_PER_S };
  MediaDtlsRole role = (fuzz_u8 (&bytes) & 1) != 0 ? MEDIA_DTLS_ACTIVE : MEDIA_DTLS_PASSIVE;
  g_autoptr (MediaDtls) dtls
      = media_dtls_new (shared_context (), role, &fingerprint, count_datagram, &n_sent, NULL);
  const MediaDtlsRest rest = { .key_size = 16 };
  MediaSrtpKeys local, remote;

  g_assert_nonnull (dtls);
  media_dtls_start (dtls, now);
  for (guint n = 0; fuzz_more (&bytes) && n < 16; n++)
    {
      gsize got;
      g_autofree guint8 *datagram = fuzz_block (&bytes, fuzz_u16 (&bytes) % 1500, &got);

      now = cfg_monotonic_add_us (now, 20 * CFG_US_PER_MS);
      media_dtls_input (dtls, datagram, got, now);
      media_dtls_timeout (dtls, now);
      g_assert_cmpint (media_dtls_state (dtls), !=, MEDIA_DTLS_CONNECTED);
    }
  g_assert_false (media_dtls_export_keys (dtls, &local, &remote));
  /* No amplifier: a stranger's few datagrams are answered by few. */
  g_assert_cmpuint (n_sent, <=, 16 * 8);
  /* After the handshake: an alert counts when the peer has encrypted it. */
  g_assert_cmpint (media_dtls_rest_read (&rest, data, size), ==, MEDIA_DTLS_REST_NOTHING);
  (void)media_fingerprint_parse (text, &parsed, NULL);
}

/* A ClientHello with use_srtp, as a browser's but short. */
#define CLIENT_HELLO                                                                                         \
  "\x16\xfe\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x52\x01\x00\x00\x46\x00\x00\x00\x00\x00\x00\x00\x46\xfe" \
  "\xfd"                                                                                                     \
  "01234567890123456789012345678901"                                                                         \
  "\x00\x00\x00\x04\xc0\x2b\xc0\x2f\x01\x00\x00\x18\x00\x0a\x00\x04\x00\x02\x00\x17\x00\x0e\x00\x05\x00\x02" \
  "\x00\x07"                                                                                                 \
  "\x00\xff\x01\x00\x01\x00"

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("\x00\x00\x5f" CLIENT_HELLO),
  FUZZ_TEXT ("\x00\x00\x5f" CLIENT_HELLO "\x00\x5f" CLIENT_HELLO),
  FUZZ_TEXT ("\x01\x00\x0f\x15\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x02\x28"),
  FUZZ_TEXT ("\x15\xfe\xfd\x00\x01\x00\x00\x00\x00\x00\x01\x00\x1a"
             "12345678901234567890123456"),
  FUZZ_TEXT ("\x01\x00\x30\x16\xfe\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x23\x03\x00\x00\x17\x00\x00\x00"
             "\x00\x00\x00\x00\x17"
             "\xfe\xff\x14"
             "01234567890123456789"),
  FUZZ_TEXT (
      "sha-256 "
      "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89"),
};

static const char *const words[]
    = { "\x16\xfe\xfd", "\x16\xfe\xff", "\x14\xfe\xfd", "\x17\xfe\xfd", "sha-256 ", "sha-1 ", NULL };

const FuzzTarget fuzz_target = { "dtls", run, seeds, G_N_ELEMENTS (seeds), NULL, words, 2000 };
