#include <errno.h>
#include <glib.h>
#include <string.h>

#include "config/base/error.h"
#include "media/io/pump.h"
#include "media/io/srtp.h"

#define SSRC        0x01020304u
#define RTP_LENGTH  172
#define RTCP_LENGTH 28

static const MediaSrtpProfile profiles[]
    = { MEDIA_SRTP_AEAD_AES_128_GCM,  MEDIA_SRTP_AEAD_AES_256_GCM,  MEDIA_SRTP_AES128_CM_SHA1_80,
        MEDIA_SRTP_AES128_CM_SHA1_32, MEDIA_SRTP_AES256_CM_SHA1_80, MEDIA_SRTP_AES256_CM_SHA1_32 };

typedef struct
{
  MediaSrtpKeys keys[2];
  MediaSrtp *a;
  MediaSrtp *b;
} Link;

static void
link_open (Link *link, MediaSrtpProfile profile)
{
  GError *error = NULL;

  media_srtp_keys_generate (&link->keys[0], profile);
  media_srtp_keys_generate (&link->keys[1], profile);
  link->a = media_srtp_new (&link->keys[0], &link->keys[1], &error);
  g_assert_no_error (error);
  link->b = media_srtp_new (&link->keys[1], &link->keys[0], &error);
  g_assert_no_error (error);
}

static void
link_close (Link *link)
{
  media_srtp_free (link->a);
  media_srtp_free (link->b);
}

static void
make_rtp (guint8 *packet, guint32 ssrc, guint16 sequence)
{
  memset (packet, 0, MEDIA_PACKET_SIZE);
  packet[0] = 0x80;
  packet[2] = (guint8)(sequence >> 8);
  packet[3] = (guint8)sequence;
  for (guint i = 0; i < 4; i++)
    packet[8 + i] = (guint8)(ssrc >> (24 - 8 * i));
  for (guint i = 12; i < RTP_LENGTH; i++)
    packet[i] = (guint8)(i * 7 + sequence);
}

static void
make_rtcp (guint8 *packet, guint32 ssrc)
{
  memset (packet, 0, MEDIA_PACKET_SIZE);
  packet[0] = 0x80;
  packet[1] = 200;
  packet[3] = RTCP_LENGTH / 4 - 1;
  for (guint i = 0; i < 4; i++)
    packet[4 + i] = (guint8)(ssrc >> (24 - 8 * i));
}

static gssize
protect (MediaSrtp *srtp, guint8 *packet, guint32 ssrc, guint16 sequence)
{
  make_rtp (packet, ssrc, sequence);
  return media_srtp_protect_rtp (srtp, packet, RTP_LENGTH, MEDIA_PACKET_SIZE);
}

static void
pass (MediaSrtp *from, MediaSrtp *to, guint32 ssrc, guint16 sequence)
{
  guint8 packet[MEDIA_PACKET_SIZE];
  guint8 expected[MEDIA_PACKET_SIZE];
  const gssize length = protect (from, packet, ssrc, sequence);

  g_assert_cmpint (length, >, RTP_LENGTH);
  make_rtp (expected, ssrc, sequence);
  g_assert_cmpint (memcmp (packet + 12, expected + 12, RTP_LENGTH - 12), !=, 0);
  g_assert_cmpint (media_srtp_unprotect_rtp (to, packet, (gsize)length), ==, RTP_LENGTH);
  g_assert_cmpmem (packet, RTP_LENGTH, expected, RTP_LENGTH);
}

static void
pass_rtcp (MediaSrtp *from, MediaSrtp *to, guint32 ssrc)
{
  guint8 packet[MEDIA_PACKET_SIZE];
  guint8 expected[MEDIA_PACKET_SIZE];
  gssize length;

  make_rtcp (packet, ssrc);
  make_rtcp (expected, ssrc);
  length = media_srtp_protect_rtcp (from, packet, RTCP_LENGTH, MEDIA_PACKET_SIZE);
  g_assert_cmpint (length, >, RTCP_LENGTH);
  g_assert_cmpint (media_srtp_unprotect_rtcp (to, packet, (gsize)length), ==, RTCP_LENGTH);
  g_assert_cmpmem (packet, RTCP_LENGTH, expected, RTCP_LENGTH);
}

static void
test_round_trip (gconstpointer data)
{
  Link link;

  link_open (&link, *(const MediaSrtpProfile *)data);
  for (guint16 i = 0; i < 100; i++)
    {
      pass (link.a, link.b, SSRC, i);
      pass (link.b, link.a, SSRC + 1, (guint16)(1000 + i));
      pass_rtcp (link.a, link.b, SSRC);
    }
  link_close (&link);
}

/* Every bit counts, and a bad packet leaves the good one acceptable. */
static void
test_tamper (gconstpointer data)
{
  Link link;
  MediaSrtpStats stats;
  MediaSrtpState state;
  guint8 packet[MEDIA_PACKET_SIZE];
  guint8 bad[MEDIA_PACKET_SIZE];
  gssize length;
  guint n = 0;

  link_open (&link, *(const MediaSrtpProfile *)data);
  length = protect (link.a, packet, SSRC, 5);
  for (gssize i = 1; i < length; i++)
    {
      memcpy (bad, packet, sizeof bad);
      bad[i] ^= (guint8)(1u << (i % 8));
      g_assert_cmpint (media_srtp_unprotect_rtp (link.b, bad, (gsize)length), ==, -EBADMSG);
      n++;
    }
  media_srtp_get_stats (link.b, &stats);
  g_assert_cmpuint (stats.auth_failures, ==, n);
  media_srtp_export_state (link.b, &state);
  g_assert_cmpuint (state.n_senders, ==, 0);
  g_assert_cmpint (media_srtp_unprotect_rtp (link.b, packet, (gsize)length), ==, RTP_LENGTH);

  make_rtcp (packet, SSRC);
  length = media_srtp_protect_rtcp (link.a, packet, RTCP_LENGTH, MEDIA_PACKET_SIZE);
  for (gssize i = 1; i < length; i++)
    {
      memcpy (bad, packet, sizeof bad);
      bad[i] ^= (guint8)(1u << (i % 8));
      g_assert_cmpint (media_srtp_unprotect_rtcp (link.b, bad, (gsize)length), <, 0);
    }
  g_assert_cmpint (media_srtp_unprotect_rtcp (link.b, packet, (gsize)length), ==, RTCP_LENGTH);
  link_close (&link);
}

static void
test_replay (gconstpointer data)
{
  Link link;
  MediaSrtpStats stats;
  guint8 kept[MEDIA_PACKET_SIZE];
  guint8 packet[MEDIA_PACKET_SIZE];
  gssize length;

  link_open (&link, *(const MediaSrtpProfile *)data);
  length = protect (link.a, packet, SSRC, 100);
  memcpy (kept, packet, sizeof kept);
  g_assert_cmpint (media_srtp_unprotect_rtp (link.b, packet, (gsize)length), ==, RTP_LENGTH);
  memcpy (packet, kept, sizeof kept);
  g_assert_cmpint (media_srtp_unprotect_rtp (link.b, packet, (gsize)length), ==, -EALREADY);
  for (guint16 i = 101; i < 2000; i++)
    pass (link.a, link.b, SSRC, i);
  memcpy (packet, kept, sizeof kept);
  g_assert_cmpint (media_srtp_unprotect_rtp (link.b, packet, (gsize)length), ==, -EALREADY);
  media_srtp_get_stats (link.b, &stats);
  g_assert_cmpuint (stats.replays, ==, 2);
  g_assert_cmpuint (stats.auth_failures, ==, 0);
  /* Sending one number twice would use a nonce twice. */
  g_assert_cmpint (protect (link.a, packet, SSRC, 1999), ==, -EALREADY);
  make_rtcp (packet, SSRC);
  length = media_srtp_protect_rtcp (link.a, packet, RTCP_LENGTH, MEDIA_PACKET_SIZE);
  memcpy (kept, packet, sizeof kept);
  g_assert_cmpint (media_srtp_unprotect_rtcp (link.b, packet, (gsize)length), ==, RTCP_LENGTH);
  memcpy (packet, kept, sizeof kept);
  g_assert_cmpint (media_srtp_unprotect_rtcp (link.b, packet, (gsize)length), ==, -EALREADY);
  link_close (&link);
}

/* Packets of a window arrive in reverse around the wrap of the sequence number. */
static void
test_reorder_over_rollover (gconstpointer data)
{
  Link link;
  guint8 packets[32][MEDIA_PACKET_SIZE];
  gssize lengths[32];

  link_open (&link, *(const MediaSrtpProfile *)data);
  pass (link.a, link.b, SSRC, 65000);
  for (guint i = 0; i < 32; i++)
    lengths[i] = protect (link.a, packets[i], SSRC, (guint16)(65520 + i));
  for (guint i = 32; i > 0; i--)
    g_assert_cmpint (media_srtp_unprotect_rtp (link.b, packets[i - 1], (gsize)lengths[i - 1]), ==,
                     RTP_LENGTH);
  link_close (&link);
}

static void
send_range (MediaSrtp *from, MediaSrtp *to, guint first, guint n)
{
  for (guint i = first; i < first + n; i++)
    pass (from, to, SSRC, (guint16)i);
}

/* The transport is taken up by successors on both sides, each time right at or after a wrap. */
static void
test_hand_over (gconstpointer data)
{
  Link link;
  MediaSrtpState state_a;
  MediaSrtpState state_b;
  guint8 old[MEDIA_PACKET_SIZE];
  guint8 old_rtcp[MEDIA_PACKET_SIZE];
  guint8 packet[MEDIA_PACKET_SIZE];
  gssize length;
  gssize rtcp_length;
  g_autoptr (GError) error = NULL;

  link_open (&link, *(const MediaSrtpProfile *)data);
  send_range (link.a, link.b, 0x4000, 1);
  send_range (link.a, link.b, 0xbf00, 1);
  send_range (link.a, link.b, 0xff00, 0x200);
  send_range (link.a, link.b, 0x18000, 1);
  send_range (link.a, link.b, 0x1ff00, 0xfe);
  length = protect (link.a, old, SSRC, 0xfffe);
  memcpy (packet, old, sizeof packet);
  g_assert_cmpint (media_srtp_unprotect_rtp (link.b, packet, (gsize)length), ==, RTP_LENGTH);
  pass (link.a, link.b, SSRC, 0xffff);
  for (guint i = 0; i < 5; i++)
    pass_rtcp (link.a, link.b, SSRC);
  make_rtcp (old_rtcp, SSRC);
  rtcp_length = media_srtp_protect_rtcp (link.a, old_rtcp, RTCP_LENGTH, MEDIA_PACKET_SIZE);
  memcpy (packet, old_rtcp, sizeof packet);
  g_assert_cmpint (media_srtp_unprotect_rtcp (link.b, packet, (gsize)rtcp_length), ==, RTCP_LENGTH);
  media_srtp_export_state (link.a, &state_a);
  media_srtp_export_state (link.b, &state_b);
  g_assert_cmpuint (state_a.n_senders, ==, 1);
  g_assert_true (state_a.senders[0].is_local);
  g_assert_cmpuint (state_a.senders[0].rollover, ==, 1);
  g_assert_cmpuint (state_a.senders[0].sequence, ==, 0xffff);
  g_assert_cmpuint (state_a.senders[0].rtcp_index, ==, 6);
  g_assert_cmpuint (state_b.senders[0].rollover, ==, 1);
  g_assert_cmpuint (state_b.senders[0].rtcp_index, ==, 6);
  g_assert_false (media_srtp_import_state (link.a, &state_a, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION);
  link_close (&link);

  link.a = media_srtp_new (&link.keys[0], &link.keys[1], NULL);
  link.b = media_srtp_new (&link.keys[1], &link.keys[0], NULL);
  g_assert_true (media_srtp_import_state (link.a, &state_a, NULL));
  g_assert_true (media_srtp_import_state (link.b, &state_b, NULL));
  memcpy (packet, old, sizeof packet);
  g_assert_cmpint (media_srtp_unprotect_rtp (link.b, packet, (gsize)length), ==, -EALREADY);
  memcpy (packet, old_rtcp, sizeof packet);
  g_assert_cmpint (media_srtp_unprotect_rtcp (link.b, packet, (gsize)rtcp_length), ==, -EALREADY);
  g_assert_cmpint (protect (link.a, packet, SSRC, 0xffff), ==, -EALREADY);
  send_range (link.a, link.b, 0x20000, 0x20);
  pass_rtcp (link.a, link.b, SSRC);
  media_srtp_export_state (link.b, &state_b);
  g_assert_cmpuint (state_b.senders[0].rollover, ==, 2);
  g_assert_cmpuint (state_b.senders[0].rtcp_index, ==, 7);
  link_close (&link);
}

/* What a stranger sends is counted and leaves nothing behind. */
static void
test_strangers (void)
{
  Link link;
  MediaSrtpState state;
  MediaSrtpStats stats;
  guint8 packet[MEDIA_PACKET_SIZE];

  link_open (&link, MEDIA_SRTP_AEAD_AES_128_GCM);
  pass (link.a, link.b, SSRC, 1);
  for (guint i = 0; i < 1000; i++)
    {
      const gsize length = (gsize)g_test_rand_int_range (0, 400);

      make_rtp (packet, g_test_rand_int (), (guint16)g_test_rand_int ());
      packet[0] = (guint8)(packet[0] | (g_test_rand_int () & 0x3f));
      for (guint j = 12; j < 400; j++)
        packet[j] = (guint8)g_test_rand_int ();
      g_assert_cmpint (media_srtp_unprotect_rtp (link.b, packet, length), <, 0);
      packet[0] = 0x80;
      g_assert_cmpint (media_srtp_unprotect_rtcp (link.b, packet, length), <, 0);
    }
  media_srtp_export_state (link.b, &state);
  g_assert_cmpuint (state.n_senders, ==, 1);
  media_srtp_get_stats (link.b, &stats);
  g_assert_cmpuint (stats.auth_failures + stats.malformed, ==, 2000);
  pass (link.a, link.b, SSRC, 2);
  link_close (&link);
}

static void
test_too_many_ssrcs (void)
{
  Link link;
  guint8 packet[MEDIA_PACKET_SIZE];
  MediaSrtp *other;
  gssize length;

  link_open (&link, MEDIA_SRTP_AES128_CM_SHA1_80);
  for (guint32 i = 0; i < MEDIA_SRTP_MAX_SSRCS; i++)
    pass (link.a, link.b, SSRC + i, 1);
  g_assert_cmpint (protect (link.a, packet, SSRC + 1000, 1), ==, -ENOSPC);
  other = media_srtp_new (&link.keys[0], &link.keys[1], NULL);
  length = protect (other, packet, SSRC + 1000, 1);
  g_assert_cmpint (media_srtp_unprotect_rtp (link.b, packet, (gsize)length), ==, -ENOSPC);
  media_srtp_forget_ssrc (link.b, SSRC + 3, FALSE);
  length = protect (other, packet, SSRC + 1000, 2);
  g_assert_cmpint (media_srtp_unprotect_rtp (link.b, packet, (gsize)length), ==, RTP_LENGTH);
  media_srtp_free (other);
  link_close (&link);
}

static void
test_capacity (void)
{
  Link link;
  guint8 packet[MEDIA_PACKET_SIZE];

  link_open (&link, MEDIA_SRTP_AEAD_AES_128_GCM);
  make_rtp (packet, SSRC, 1);
  g_assert_cmpint (media_srtp_protect_rtp (link.a, packet, RTP_LENGTH, RTP_LENGTH + 19), ==, -ENOBUFS);
  g_assert_cmpint (media_srtp_protect_rtp (link.a, packet, 11, MEDIA_PACKET_SIZE), ==, -EINVAL);
  g_assert_cmpint (media_srtp_protect_rtp (link.a, packet, RTP_LENGTH, RTP_LENGTH + MEDIA_SRTP_MAX_OVERHEAD),
                   >, 0);
  link_close (&link);
}

static void
test_keys (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (profiles); i++)
    {
      MediaSrtpKeys keys;
      MediaSrtpKeys back;
      g_autofree char *text = NULL;

      media_srtp_keys_generate (&keys, profiles[i]);
      text = media_srtp_keys_to_base64 (&keys);
      g_assert_true (media_srtp_keys_from_base64 (&back, profiles[i], text));
      g_assert_cmpmem (&keys, sizeof keys, &back, sizeof back);
      g_assert_cmpint (media_srtp_profile_parse (media_srtp_profile_name (profiles[i])), ==, profiles[i]);
      text[5] = '!';
      g_assert_false (media_srtp_keys_from_base64 (&back, profiles[i], text));
      text[5] = 'A';
      text[strlen (text) - 6] = '\0';
      g_assert_false (media_srtp_keys_from_base64 (&back, profiles[i], text));
      g_assert_false (media_srtp_keys_from_base64 (&back, profiles[i], ""));
    }
  g_assert_cmpint (media_srtp_profile_parse ("F8_128_HMAC_SHA1_80"), ==, MEDIA_SRTP_NONE);
}

static void
test_none (void)
{
  const MediaSrtpKeys none = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_null (media_srtp_new (&none, &none, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
}

static void
add (const char *name, GTestDataFunc test)
{
  for (guint i = 0; i < G_N_ELEMENTS (profiles); i++)
    {
      g_autofree char *path
          = g_strdup_printf ("/media/srtp/%s/%s", media_srtp_profile_name (profiles[i]), name);

      g_test_add_data_func (path, &profiles[i], test);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("round_trip", test_round_trip);
  add ("refuses_tampered_packets", test_tamper);
  add ("refuses_replays", test_replay);
  add ("reorders_over_the_rollover", test_reorder_over_rollover);
  add ("hands_over_its_state", test_hand_over);
  g_test_add_func ("/media/srtp/strangers_change_nothing", test_strangers);
  g_test_add_func ("/media/srtp/bounds_ssrcs", test_too_many_ssrcs);
  g_test_add_func ("/media/srtp/checks_capacity", test_capacity);
  g_test_add_func ("/media/srtp/keys_as_base64", test_keys);
  g_test_add_func ("/media/srtp/refuses_no_profile", test_none);
  return g_test_run ();
}
