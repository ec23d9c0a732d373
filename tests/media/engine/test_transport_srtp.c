/* A SIP leg's transport with SDES-SRTP on real sockets: only what is authentic is heard, moves the latch or
 * counts, and what goes out is readable for the peer alone. */
#include <string.h>

#include "media/transport.h"

#define RTP_LENGTH 172
#define SSRC       0x11223344u

typedef struct
{
  MediaPump *pump;
  MediaTransport *transport;
  MediaUdp *peer, *stranger;
  MediaAddress leg, leg_rtcp;
  MediaPlan plan;
  MediaSrtp *srtp; /* the peer's */
  guint n_rtp, n_rtcp, n_strangers;
} Fixture;

static void
on_rtp (gpointer user, const MediaRtpView *packet, CfgMonotonic now)
{
  g_assert_cmpuint (packet->ssrc, ==, SSRC);
  g_assert_cmpuint (packet->payload[0], ==, 0x55); /* decrypted */
  ((Fixture *)user)->n_rtp++;
}

static void
on_rtcp (gpointer user, const guint8 *data, gsize size, CfgMonotonic now)
{
  ((Fixture *)user)->n_rtcp++;
}

static void
on_stranger (gpointer user)
{
  ((Fixture *)user)->n_strangers++;
}

static const MediaTransportOps ops = { .rtp = on_rtp, .rtcp = on_rtcp, .stranger = on_stranger };

static void
fixture_init (Fixture *f, MediaSrtpProfile profile)
{
  MediaUdp *udp = media_udp_new ("127.0.0.1", (MediaPortRange){ 0, 0 }, NULL);
  MediaAddress signalled;

  memset (f, 0, sizeof *f);
  f->pump = media_pump_new (NULL);
  f->peer = media_udp_new ("127.0.0.1", (MediaPortRange){ 0, 0 }, NULL);
  f->stranger = media_udp_new ("127.0.0.1", (MediaPortRange){ 0, 0 }, NULL);
  f->leg = media_udp_local (udp, MEDIA_UDP_RTP);
  f->leg_rtcp = media_udp_local (udp, MEDIA_UDP_RTCP);
  f->transport = media_transport_new_rtp (udp, &ops, f);
  g_assert_true (media_transport_attach (f->transport, f->pump));
  signalled = media_udp_local (f->peer, MEDIA_UDP_RTP);
  g_strlcpy (f->plan.remote_address, "127.0.0.1", sizeof f->plan.remote_address);
  f->plan.remote_rtp_port = media_address_port (&signalled);
  f->plan.remote_rtcp_port = (guint16)(f->plan.remote_rtp_port + 1);
  media_srtp_keys_generate (&f->plan.srtp_local, profile);
  media_srtp_keys_generate (&f->plan.srtp_remote, profile);
  f->srtp = media_srtp_new (&f->plan.srtp_remote, &f->plan.srtp_local, NULL);
  media_transport_configure (f->transport, &f->plan);
}

static void
fixture_clear (Fixture *f)
{
  media_transport_free (f->transport);
  media_pump_free (f->pump);
  media_udp_free (f->peer);
  media_udp_free (f->stranger);
  media_srtp_free (f->srtp);
}

static void
turn (Fixture *f)
{
  while (media_pump_turn (f->pump, 50))
    ;
}

/* From @from; @srtp NULL: in the clear. */
static void
send_from (Fixture *f, MediaUdp *from, MediaSrtp *srtp, guint16 sequence)
{
  guint8 packet[MEDIA_PACKET_SIZE]
      = { 0x80, 0, (guint8)(sequence >> 8), (guint8)sequence, 0, 0, 0, 0, 0x11, 0x22, 0x33, 0x44 };
  gssize length = RTP_LENGTH;

  memset (packet + 12, 0x55, RTP_LENGTH - 12);
  if (srtp != NULL)
    length = media_srtp_protect_rtp (srtp, packet, RTP_LENGTH, sizeof packet);
  g_assert_cmpint (length, >, 0);
  g_assert_cmpint (media_udp_send (from, MEDIA_UDP_RTP, packet, (gsize)length, &f->leg), ==, 0);
  turn (f);
}

static gboolean
goes_to (Fixture *f, MediaUdp *udp)
{
  const MediaAddress expected = media_udp_local (udp, MEDIA_UDP_RTP);
  char text[MEDIA_ADDRESS_TEXT_SIZE];
  MediaLegStats stats = { 0 };

  media_transport_get_stats (f->transport, &stats);
  return strcmp (stats.remote, media_address_format (&expected, text)) == 0;
}

/* Plain packets are refused even from the signalled address, in whatever number. */
static void
test_only_authentic_packets_count (void)
{
  MediaSrtpKeys foreign;
  g_autoptr (MediaSrtp) other = NULL;
  MediaLegStats stats = { 0 };
  Fixture f;

  fixture_init (&f, MEDIA_SRTP_AES128_CM_SHA1_80);
  media_srtp_keys_generate (&foreign, MEDIA_SRTP_AES128_CM_SHA1_80);
  other = media_srtp_new (&foreign, &foreign, NULL);
  for (guint16 i = 0; i < 10; i++)
    {
      send_from (&f, f.peer, NULL, i);
      send_from (&f, f.stranger, NULL, i);
      send_from (&f, f.stranger, other, i);
    }
  g_assert_cmpuint (f.n_rtp, ==, 0);
  g_assert_cmpuint (f.n_strangers, ==, 30);
  g_assert_true (goes_to (&f, f.peer));
  send_from (&f, f.peer, f.srtp, 1);
  g_assert_cmpuint (f.n_rtp, ==, 1);
  media_transport_get_stats (f.transport, &stats);
  g_assert_cmpstr (stats.cipher, ==, "AES_CM_128_HMAC_SHA1_80");
  g_assert_cmpuint (stats.auth_failures, ==, 30);
  fixture_clear (&f);
}

/* A phone that moves is followed at once, since it proves itself; who repeats its packets is not. */
static void
test_rebinds_to_proof (void)
{
  guint8 packet[MEDIA_PACKET_SIZE] = { 0x80, 0, 0, 5, 0, 0, 0, 0, 0x11, 0x22, 0x33, 0x44 };
  Fixture f;
  gssize length;

  fixture_init (&f, MEDIA_SRTP_AEAD_AES_128_GCM);
  memset (packet + 12, 0x55, RTP_LENGTH - 12);
  length = media_srtp_protect_rtp (f.srtp, packet, RTP_LENGTH, sizeof packet);
  media_udp_send (f.peer, MEDIA_UDP_RTP, packet, (gsize)length, &f.leg);
  turn (&f);
  g_assert_cmpuint (f.n_rtp, ==, 1);
  for (guint i = 0; i < 10; i++)
    media_udp_send (f.stranger, MEDIA_UDP_RTP, packet, (gsize)length, &f.leg); /* a replay */
  turn (&f);
  g_assert_cmpuint (f.n_rtp, ==, 1);
  g_assert_true (goes_to (&f, f.peer));
  send_from (&f, f.stranger, f.srtp, 6); /* the phone, at its new address */
  g_assert_cmpuint (f.n_rtp, ==, 2);
  g_assert_true (goes_to (&f, f.stranger));
  fixture_clear (&f);
}

static void
test_sends_protected (void)
{
  guint8 packet[MEDIA_PACKET_SIZE] = { 0x80, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4 }, heard[MEDIA_PACKET_SIZE];
  guint8 report[MEDIA_PACKET_SIZE] = { 0x80, 201, 0, 1, 1, 2, 3, 4 };
  MediaAddress from;
  gssize length;
  Fixture f;

  fixture_init (&f, MEDIA_SRTP_AEAD_AES_256_GCM);
  g_assert_true (media_transport_send_rtp (f.transport, packet, RTP_LENGTH));
  length = media_udp_receive (f.peer, MEDIA_UDP_RTP, heard, &from);
  g_assert_cmpint (length, ==, RTP_LENGTH + 16);
  g_assert_cmpint (media_srtp_unprotect_rtp (f.srtp, heard, (gsize)length), ==, RTP_LENGTH);
  g_assert_true (media_transport_send_rtcp (f.transport, report, 8));
  length = media_udp_receive (f.peer, MEDIA_UDP_RTCP, heard, &from);
  g_assert_cmpint (length, ==, 8 + 20);
  g_assert_cmpint (media_srtp_unprotect_rtcp (f.srtp, heard, (gsize)length), ==, 8);
  /* The same plan once more (a refresh): the counters go on, the same number is never sent twice. */
  media_transport_configure (f.transport, &f.plan);
  memset (packet, 0, sizeof packet);
  memcpy (packet, ((const guint8[]){ 0x80, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4 }), 12);
  g_assert_false (media_transport_send_rtp (f.transport, packet, RTP_LENGTH));
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/transport_srtp/only_authentic_packets_count", test_only_authentic_packets_count);
  g_test_add_func ("/media/transport_srtp/rebinds_to_proof", test_rebinds_to_proof);
  g_test_add_func ("/media/transport_srtp/sends_protected", test_sends_protected);
  return g_test_run ();
}
