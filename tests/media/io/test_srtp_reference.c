/* Our SRTP against libsrtp2, both ways, with every profile: what one protects the other takes, byte for byte.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include <srtp2/srtp.h>

#include "media/io/pump.h"
#include "media/io/srtp.h"

#define SSRC 0xcafe0001u

static const MediaSrtpProfile profiles[]
    = { MEDIA_SRTP_AEAD_AES_128_GCM,  MEDIA_SRTP_AEAD_AES_256_GCM,  MEDIA_SRTP_AES128_CM_SHA1_80,
        MEDIA_SRTP_AES128_CM_SHA1_32, MEDIA_SRTP_AES256_CM_SHA1_80, MEDIA_SRTP_AES256_CM_SHA1_32 };

typedef struct
{
  MediaSrtp *ours;
  srtp_t out;
  srtp_t in;
} Link;

static void
set_policy (srtp_crypto_policy_t *rtp, srtp_crypto_policy_t *rtcp, MediaSrtpProfile profile)
{
  switch (profile)
    {
    case MEDIA_SRTP_AEAD_AES_128_GCM:
      srtp_crypto_policy_set_aes_gcm_128_16_auth (rtp);
      srtp_crypto_policy_set_aes_gcm_128_16_auth (rtcp);
      break;
    case MEDIA_SRTP_AEAD_AES_256_GCM:
      srtp_crypto_policy_set_aes_gcm_256_16_auth (rtp);
      srtp_crypto_policy_set_aes_gcm_256_16_auth (rtcp);
      break;
    case MEDIA_SRTP_AES128_CM_SHA1_32:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32 (rtp);
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80 (rtcp);
      break;
    case MEDIA_SRTP_AES256_CM_SHA1_80:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80 (rtp);
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80 (rtcp);
      break;
    case MEDIA_SRTP_AES256_CM_SHA1_32:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32 (rtp);
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80 (rtcp);
      break;
    case MEDIA_SRTP_AES128_CM_SHA1_80:
    case MEDIA_SRTP_NONE:
    default:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80 (rtp);
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80 (rtcp);
      break;
    }
}

static srtp_t
open_reference (const MediaSrtpKeys *keys, srtp_ssrc_type_t type)
{
  guint8 both[MEDIA_SRTP_MAX_KEY + MEDIA_SRTP_MAX_SALT];
  const gsize key_length = media_srtp_profile_key_length (keys->profile);
  srtp_policy_t policy = { .ssrc.type = type, .key = both, .window_size = 512 };
  srtp_t session = NULL;

  set_policy (&policy.rtp, &policy.rtcp, keys->profile);
  memcpy (both, keys->key, key_length);
  memcpy (both + key_length, keys->salt, media_srtp_profile_salt_length (keys->profile));
  g_assert_cmpint (srtp_create (&session, &policy), ==, srtp_err_status_ok);
  return session;
}

static void
link_open (Link *link, MediaSrtpProfile profile)
{
  MediaSrtpKeys local;
  MediaSrtpKeys remote;

  media_srtp_keys_generate (&local, profile);
  media_srtp_keys_generate (&remote, profile);
  link->ours = media_srtp_new (&local, &remote, NULL);
  g_assert_nonnull (link->ours);
  link->out = open_reference (&remote, ssrc_any_outbound);
  link->in = open_reference (&local, ssrc_any_inbound);
}

static void
link_close (Link *link)
{
  media_srtp_free (link->ours);
  srtp_dealloc (link->out);
  srtp_dealloc (link->in);
}

static void
put_u32 (guint8 *at, guint32 value)
{
  const guint32 big_endian = g_htonl (value);

  memcpy (at, &big_endian, sizeof big_endian);
}

/* Returns: the length of a packet with up to 3 CSRCs, maybe an extension, and a payload of any length. */
static gsize
make_rtp (GRand *random, guint8 *packet, guint16 sequence)
{
  const guint n_csrcs = (guint)g_rand_int_range (random, 0, 4);
  const gboolean has_extension = g_rand_boolean (random);
  const guint n_words = (guint)g_rand_int_range (random, 0, 5);
  gsize length = 12 + 4 * n_csrcs;

  for (gsize i = 0; i < MEDIA_PACKET_MAX_LENGTH; i++)
    packet[i] = (guint8)g_rand_int (random);
  packet[0] = (guint8)(0x80 | n_csrcs | (has_extension ? 0x10 : 0));
  packet[1] = 96;
  packet[2] = (guint8)(sequence >> 8);
  packet[3] = (guint8)sequence;
  put_u32 (packet + 8, SSRC);
  if (has_extension)
    {
      put_u32 (packet + length, 0xbede0000u | n_words);
      length += 4 + 4 * n_words;
    }
  return length + (gsize)g_rand_int_range (random, 0, 1400);
}

static void
pass_rtp (Link *link, GRand *random, guint16 sequence, gboolean to_us)
{
  guint8 plain[MEDIA_PACKET_SIZE];
  guint8 packet[MEDIA_PACKET_SIZE];
  const gsize length = make_rtp (random, plain, sequence);
  int reference_length = (int)length;
  gssize our_length;

  memcpy (packet, plain, sizeof packet);
  if (to_us)
    {
      g_assert_cmpint (srtp_protect (link->out, packet, &reference_length), ==, srtp_err_status_ok);
      our_length = media_srtp_unprotect_rtp (link->ours, packet, (gsize)reference_length);
      g_assert_cmpint (our_length, ==, (gssize)length);
    }
  else
    {
      our_length = media_srtp_protect_rtp (link->ours, packet, length, sizeof packet);
      reference_length = (int)our_length;
      g_assert_cmpint (srtp_unprotect (link->in, packet, &reference_length), ==, srtp_err_status_ok);
      g_assert_cmpint (reference_length, ==, (int)length);
    }
  g_assert_cmpint (memcmp (packet, plain, length), ==, 0);
}

static void
pass_rtcp (Link *link, GRand *random, gboolean to_us)
{
  guint8 plain[MEDIA_PACKET_SIZE] = { 0x80, 201 };
  guint8 packet[MEDIA_PACKET_SIZE];
  const gsize length = 8 + 4 * (gsize)g_rand_int_range (random, 0, 100);
  int reference_length = (int)length;
  gssize our_length;

  for (gsize i = 8; i < length; i++)
    plain[i] = (guint8)g_rand_int (random);
  put_u32 (plain + 4, SSRC);
  memcpy (packet, plain, sizeof packet);
  if (to_us)
    {
      g_assert_cmpint (srtp_protect_rtcp (link->out, packet, &reference_length), ==, srtp_err_status_ok);
      our_length = media_srtp_unprotect_rtcp (link->ours, packet, (gsize)reference_length);
      g_assert_cmpint (our_length, ==, (gssize)length);
    }
  else
    {
      our_length = media_srtp_protect_rtcp (link->ours, packet, length, sizeof packet);
      reference_length = (int)our_length;
      g_assert_cmpint (srtp_unprotect_rtcp (link->in, packet, &reference_length), ==, srtp_err_status_ok);
      g_assert_cmpint (reference_length, ==, (int)length);
    }
  g_assert_cmpint (memcmp (packet, plain, length), ==, 0);
}

/* 200 packets around each of two wraps, with jumps between them. */
static void
test_rtp (gconstpointer data)
{
  static const guint starts[] = { 1000, 30000, 60000, 65436, 65536 + 30000, 65536 + 60000, 65536 + 65436 };
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  Link link;

  link_open (&link, *(const MediaSrtpProfile *)data);
  for (guint s = 0; s < G_N_ELEMENTS (starts); s++)
    for (guint i = 0; i < 200; i++)
      {
        pass_rtp (&link, random, (guint16)(starts[s] + i), TRUE);
        pass_rtp (&link, random, (guint16)(starts[s] + i), FALSE);
      }
  link_close (&link);
}

static void
test_rtcp (gconstpointer data)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (2);
  Link link;

  link_open (&link, *(const MediaSrtpProfile *)data);
  for (guint i = 0; i < 1000; i++)
    {
      pass_rtcp (&link, random, TRUE);
      pass_rtcp (&link, random, FALSE);
    }
  link_close (&link);
}

/* The same packets, lost, repeated and out of order: the same verdict on each. */
static void
test_verdicts (gconstpointer data)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  const MediaSrtpProfile profile = *(const MediaSrtpProfile *)data;
  guint8 kept[64][MEDIA_PACKET_SIZE] = { 0 };
  int lengths[64] = { 0 };
  MediaSrtpKeys keys;
  MediaSrtp *ours;
  srtp_t sender;
  srtp_t reference;
  guint n_refused = 0;

  media_srtp_keys_generate (&keys, profile);
  ours = media_srtp_new (&keys, &keys, NULL);
  sender = open_reference (&keys, ssrc_any_outbound);
  reference = open_reference (&keys, ssrc_any_inbound);
  for (guint i = 0; i < 70000; i++)
    {
      const guint slot = i % G_N_ELEMENTS (kept);
      const guint take = (guint)g_rand_int_range (random, 0, G_N_ELEMENTS (kept));
      guint8 packet[MEDIA_PACKET_SIZE];
      int length;
      gssize verdict;

      memset (kept[slot], 0, 40);
      kept[slot][0] = 0x80;
      kept[slot][2] = (guint8)(i >> 8);
      kept[slot][3] = (guint8)i;
      put_u32 (kept[slot] + 8, SSRC);
      lengths[slot] = 40;
      g_assert_cmpint (srtp_protect (sender, kept[slot], &lengths[slot]), ==, srtp_err_status_ok);
      if (lengths[take] == 0)
        continue;
      length = lengths[take];
      memcpy (packet, kept[take], sizeof packet);
      verdict = media_srtp_unprotect_rtp (ours, packet, (gsize)length);
      memcpy (packet, kept[take], sizeof packet);
      g_assert_cmpint (srtp_unprotect (reference, packet, &length) == srtp_err_status_ok, ==, verdict > 0);
      n_refused += verdict == -EALREADY ? 1 : 0;
    }
  g_assert_cmpuint (n_refused, >, 1000);
  media_srtp_free (ours);
  srtp_dealloc (sender);
  srtp_dealloc (reference);
}

static void
add (const char *name, GTestDataFunc test)
{
  for (guint i = 0; i < G_N_ELEMENTS (profiles); i++)
    {
      g_autofree char *path
          = g_strdup_printf ("/media/srtp_reference/%s/%s", media_srtp_profile_name (profiles[i]), name);

      g_test_add_data_func (path, &profiles[i], test);
    }
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (srtp_init (), ==, srtp_err_status_ok);
  add ("rtp", test_rtp);
  add ("rtcp", test_rtcp);
  add ("same_verdicts", test_verdicts);
  result = g_test_run ();
  (void)srtp_shutdown ();
  return result;
}
