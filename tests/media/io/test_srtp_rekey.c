/* Keys that change during a call: both sides learn of it at different instants, and not one packet is lost.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "media/io/pump.h"
#include "media/io/srtp.h"

#define SSRC_A     0x0a0a0a0au /* of what `us` sends */
#define SSRC_B     0x0b0b0b0bu /* of what the peer sends */
#define RTP_LENGTH 172

typedef struct
{
  guint8 bytes[MEDIA_PACKET_SIZE];
  gsize length;
} Packet;

typedef struct
{
  MediaSrtpKeys ours, theirs;
  MediaSrtp *us, *peer;
} Pair;

static void
pair_open (Pair *pair, MediaSrtpProfile profile)
{
  media_srtp_keys_generate (&pair->ours, profile);
  media_srtp_keys_generate (&pair->theirs, profile);
  pair->us = media_srtp_new (&pair->ours, &pair->theirs, NULL);
  pair->peer = media_srtp_new (&pair->theirs, &pair->ours, NULL);
}

static void
pair_close (Pair *pair)
{
  media_srtp_free (pair->us);
  media_srtp_free (pair->peer);
}

static Packet
send (MediaSrtp *from, guint32 ssrc, guint16 sequence)
{
  Packet packet = { .bytes = { 0x80, 0, (guint8)(sequence >> 8), (guint8)sequence } };

  for (guint i = 0; i < 4; i++)
    packet.bytes[8 + i] = (guint8)(ssrc >> (24 - 8 * i));
  packet.bytes[20] = (guint8)sequence;
  packet.length = (gsize)media_srtp_protect_rtp (from, packet.bytes, RTP_LENGTH, sizeof packet.bytes);
  g_assert_cmpuint (packet.length, >, RTP_LENGTH);
  g_assert_cmpuint (packet.length, <=, RTP_LENGTH + MEDIA_SRTP_MAX_OVERHEAD);
  return packet;
}

/* Takes a copy, so that a packet can be given to several. */
static gssize
take (MediaSrtp *to, const Packet *packet)
{
  Packet copy = *packet;
  const gssize size = media_srtp_unprotect_rtp (to, copy.bytes, copy.length);

  if (size >= 0)
    g_assert_cmpuint (copy.bytes[20], ==, copy.bytes[3]); /* decrypted, not garbage */
  return size;
}

static void
pass (MediaSrtp *from, MediaSrtp *to, guint32 ssrc, guint16 sequence)
{
  const Packet packet = send (from, ssrc, sequence);

  g_assert_cmpint (take (to, &packet), ==, RTP_LENGTH);
}

/* The peer's re-INVITE brings its new key; we answer with a new one of ours. */
static void
test_offer_and_answer (gconstpointer data)
{
  const MediaSrtpProfile profile = *(const MediaSrtpProfile *)data;
  MediaSrtpKeys ours, theirs;
  MediaSrtpStats stats;
  Packet in_flight[3];
  Pair pair;

  pair_open (&pair, profile);
  for (guint16 i = 0; i < 100; i++)
    {
      pass (pair.us, pair.peer, SSRC_A, i);
      pass (pair.peer, pair.us, SSRC_B, i);
    }
  media_srtp_keys_generate (&ours, MEDIA_SRTP_AEAD_AES_128_GCM);
  media_srtp_keys_generate (&theirs, MEDIA_SRTP_AEAD_AES_128_GCM);
  g_assert_true (media_srtp_rekey (pair.us, &ours, &theirs, NULL));
  /* Our answer is under way: the peer sends with its old key and understands only our old one. */
  for (guint16 i = 100; i < 110; i++)
    {
      pass (pair.peer, pair.us, SSRC_B, i);
      pass (pair.us, pair.peer, SSRC_A + 1, i);
    }
  for (guint16 i = 0; i < 3; i++)
    in_flight[i] = send (pair.peer, SSRC_B, (guint16)(110 + i));
  g_assert_true (media_srtp_rekey (pair.peer, &theirs, &ours, NULL)); /* the answer has arrived */
  for (guint16 i = 113; i < 200; i++)
    pass (pair.peer, pair.us, SSRC_B, i); /* since 113 or after 25 packets under the new key */
  for (guint16 i = 0; i < 3; i++)         /* overtaken on the way */
    g_assert_cmpint (take (pair.us, &in_flight[i]), ==, RTP_LENGTH);
  for (guint16 i = 110; i < 200; i++)
    pass (pair.us, pair.peer, SSRC_A + 1, i);
  media_srtp_get_stats (pair.us, &stats);
  g_assert_cmpuint (stats.auth_failures + stats.replays + stats.malformed + stats.send_failures, ==, 0);
  /* A packet of old is no good any more. */
  g_assert_cmpint (take (pair.us, &in_flight[0]), ==, -EALREADY);
  pair_close (&pair);
}

/* The stream of the peer goes on beyond a rollover. @anew: it counts from 0 under the new key, as RFC 4568
 * has it. */
static void
rollover (gboolean anew)
{
  MediaSrtpKeys theirs;
  MediaSrtpState state;
  g_autoptr (MediaSrtp) other = NULL;
  Pair pair;

  pair_open (&pair, MEDIA_SRTP_AES128_CM_SHA1_80);
  for (guint i = 0; i < 70000; i += 100)
    pass (pair.peer, pair.us, SSRC_B, (guint16)i);
  media_srtp_keys_generate (&theirs, MEDIA_SRTP_AES128_CM_SHA1_80);
  g_assert_true (media_srtp_rekey (pair.us, NULL, &theirs, NULL));
  other = media_srtp_new (&theirs, &pair.ours, NULL);
  if (!anew)
    {
      media_srtp_export_state (pair.peer, &state);
      g_assert_cmpuint (state.senders[0].rollover, ==, 1);
      g_assert_true (media_srtp_import_state (other, &state, NULL));
    }
  for (guint i = 70001; i < 150000; i += 100)
    pass (other, pair.us, SSRC_B, (guint16)i);
  pair_close (&pair);
}

static void
test_rollover_goes_on (void)
{
  rollover (FALSE);
}

static void
test_rollover_begins_anew (void)
{
  rollover (TRUE);
}

/* Only the peer's proof, or time, makes our new key good: before, what we send stays readable for it. */
static void
test_silent_peer (void)
{
  MediaSrtpKeys ours, theirs;
  g_autoptr (MediaSrtp) after = NULL;
  guint n_old = 0, n_new = 0;
  Pair pair;

  pair_open (&pair, MEDIA_SRTP_AEAD_AES_128_GCM);
  media_srtp_keys_generate (&ours, MEDIA_SRTP_AEAD_AES_256_GCM);
  media_srtp_keys_generate (&theirs, MEDIA_SRTP_AEAD_AES_256_GCM);
  g_assert_true (media_srtp_rekey (pair.us, &ours, &theirs, NULL));
  after = media_srtp_new (&theirs, &ours, NULL);
  for (guint16 i = 0; i < 100; i++)
    {
      const Packet packet = send (pair.us, SSRC_A + 1, i);

      n_old += take (pair.peer, &packet) > 0;
      n_new += take (after, &packet) > 0;
    }
  g_assert_cmpuint (n_old, ==, 25);
  g_assert_cmpuint (n_new, ==, 75);
  pair_close (&pair);
}

static void
test_strangers (void)
{
  MediaSrtpKeys theirs, foreign;
  g_autoptr (MediaSrtp) stranger = NULL, after = NULL;
  MediaSrtpStats stats;
  Pair pair;

  pair_open (&pair, MEDIA_SRTP_AES128_CM_SHA1_80);
  pass (pair.peer, pair.us, SSRC_B, 1);
  media_srtp_keys_generate (&theirs, MEDIA_SRTP_AES128_CM_SHA1_80);
  media_srtp_keys_generate (&foreign, MEDIA_SRTP_AES128_CM_SHA1_80);
  stranger = media_srtp_new (&foreign, &pair.ours, NULL);
  g_assert_true (media_srtp_rekey (pair.us, NULL, &theirs, NULL));
  for (guint16 i = 2; i < 50; i++)
    {
      const Packet packet = send (stranger, SSRC_B, i);

      g_assert_cmpint (take (pair.us, &packet), ==, -EBADMSG);
    }
  media_srtp_get_stats (pair.us, &stats);
  g_assert_cmpuint (stats.auth_failures, ==, 48);
  pass (pair.peer, pair.us, SSRC_B, 2);
  after = media_srtp_new (&theirs, &pair.ours, NULL);
  for (guint16 i = 3; i < 300; i++)
    pass (after, pair.us, SSRC_B, i);
  /* The old key is forgotten by now. */
  {
    const Packet late = send (pair.peer, SSRC_B, 301);

    g_assert_cmpint (take (pair.us, &late), ==, -EBADMSG);
  }
  pair_close (&pair);
}

static void
test_local_only (void)
{
  MediaSrtpKeys ours;
  g_autoptr (MediaSrtp) after = NULL;
  Pair pair;

  pair_open (&pair, MEDIA_SRTP_AEAD_AES_128_GCM);
  pass (pair.us, pair.peer, SSRC_A, 1);
  media_srtp_keys_generate (&ours, MEDIA_SRTP_AEAD_AES_128_GCM);
  g_assert_true (media_srtp_rekey (pair.us, &ours, NULL, NULL));
  after = media_srtp_new (&pair.theirs, &ours, NULL);
  pass (pair.us, after, SSRC_A + 1, 1);
  pass (pair.peer, pair.us, SSRC_B, 1);
  pair_close (&pair);
}

static void
test_refuses_no_profile (void)
{
  const MediaSrtpKeys none = { 0 };
  Pair pair;

  pair_open (&pair, MEDIA_SRTP_AEAD_AES_128_GCM);
  g_assert_false (media_srtp_rekey (pair.us, &none, &none, NULL));
  pass (pair.us, pair.peer, SSRC_A, 1);
  pass (pair.peer, pair.us, SSRC_B, 1);
  g_assert_true (media_srtp_keys_equal (&pair.ours, &pair.ours));
  g_assert_false (media_srtp_keys_equal (&pair.ours, &pair.theirs));
  pair_close (&pair);
}

int
main (int argc, char **argv)
{
  static const MediaSrtpProfile gcm = MEDIA_SRTP_AEAD_AES_128_GCM, cm = MEDIA_SRTP_AES128_CM_SHA1_80;

  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/media/srtp/rekey/offer_and_answer", &gcm, test_offer_and_answer);
  g_test_add_data_func ("/media/srtp/rekey/change_of_suite", &cm, test_offer_and_answer);
  g_test_add_func ("/media/srtp/rekey/rollover_goes_on", test_rollover_goes_on);
  g_test_add_func ("/media/srtp/rekey/rollover_begins_anew", test_rollover_begins_anew);
  g_test_add_func ("/media/srtp/rekey/silent_peer", test_silent_peer);
  g_test_add_func ("/media/srtp/rekey/strangers", test_strangers);
  g_test_add_func ("/media/srtp/rekey/local_only", test_local_only);
  g_test_add_func ("/media/srtp/rekey/refuses_no_profile", test_refuses_no_profile);
  return g_test_run ();
}
