/* Two peers over loopback: ICE, DTLS, SRTP, with media read by the pump. Only the consent and failure tests
 * move the clock; the others wait in the pump for what comes. */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "tests/media/io/virtual_clock.h"
#include "tools/load/peer.h"

#define MAX_TURNS 20000

typedef struct
{
  MediaPump *pump;
  MediaCertificate *certificate;
  MediaDtlsContext *dtls_context;
} Fixture;

typedef struct
{
  LoadPeer *peer;
  gboolean described;
  guint n_rtp;
  guint n_rtcp;
  guint n_state_changes;
  guint16 last_sequence;
  CfgMonotonic came_at;
  gboolean free_on_rtp;
  gboolean free_on_connected;
} Side;

static const char *const loopback[] = { "127.0.0.1", NULL };

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  (void)unused;
  fixture->pump = media_pump_new (NULL);
  fixture->certificate = media_certificate_new (NULL);
  fixture->dtls_context = media_dtls_context_new (fixture->certificate, NULL);
  g_assert_nonnull (fixture->pump);
  g_assert_nonnull (fixture->dtls_context);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  (void)unused;
  media_pump_free (fixture->pump);
  media_dtls_context_free (fixture->dtls_context);
  media_certificate_free (fixture->certificate);
}

static void
on_described (LoadPeer *peer, gpointer user)
{
  (void)peer;
  ((Side *)user)->described = TRUE;
}

static void
on_state (LoadPeer *peer, LoadPeerState state, gpointer user)
{
  Side *side = user;

  side->n_state_changes++;
  if (state == LOAD_PEER_CONNECTED && side->free_on_connected)
    {
      load_peer_free (peer);
      side->peer = NULL;
    }
}

static void
on_rtp (LoadPeer *peer, guint8 *packet, gsize length, CfgMonotonic now, gpointer user)
{
  Side *side = user;

  g_assert_cmpuint (length, ==, 172);
  side->n_rtp++;
  side->came_at = media_ice_arrival (load_peer_ice (side->peer), now);
  side->last_sequence = (guint16)(packet[2] << 8 | packet[3]);
  if (side->free_on_rtp)
    {
      load_peer_free (peer);
      side->peer = NULL;
    }
}

static void
on_rtcp (LoadPeer *peer, guint8 *packet, gsize length, CfgMonotonic now, gpointer user)
{
  (void)peer;
  (void)packet;
  (void)now;
  g_assert_cmpuint (length, ==, 8);
  ((Side *)user)->n_rtcp++;
}

static const LoadPeerOps ops = { on_described, on_state, on_rtp, on_rtcp };

static void
open_side (Fixture *fixture, Side *side, gboolean offerer, const char *const *bind)
{
  const LoadPeerConfig config = { .pump = fixture->pump,
                                  .dtls_context = fixture->dtls_context,
                                  .certificate = fixture->certificate,
                                  .offerer = offerer,
                                  .ice = { .bind_addresses = bind } };
  GError *error = NULL;

  side->peer = load_peer_new (&config, &ops, side, &error);
  g_assert_no_error (error);
}

static void
wait_flag (Fixture *fixture, const gboolean *flag)
{
  for (guint i = 0; i < MAX_TURNS && !*flag; i++)
    (void)media_pump_turn (fixture->pump, 100);
  g_assert_true (*flag);
}

static void
describe_to (const Side *from, const Side *to)
{
  g_autofree char *line = load_peer_describe (from->peer);
  GError *error = NULL;

  load_peer_set_remote (to->peer, line, &error);
  g_assert_no_error (error);
}

static void
wait_state (Fixture *fixture, const Side *side, LoadPeerState state)
{
  for (guint i = 0; i < MAX_TURNS && load_peer_state (side->peer) != state; i++)
    (void)media_pump_turn (fixture->pump, 100);
  g_assert_cmpint (load_peer_state (side->peer), ==, state);
}

static void
connect_sides (Fixture *fixture, Side *a, Side *b, const char *const *bind)
{
  open_side (fixture, a, TRUE, bind);
  open_side (fixture, b, FALSE, bind);
  wait_flag (fixture, &a->described);
  wait_flag (fixture, &b->described);
  describe_to (a, b);
  describe_to (b, a);
  wait_state (fixture, a, LOAD_PEER_CONNECTED);
  wait_state (fixture, b, LOAD_PEER_CONNECTED);
}

static int
send_rtp (const Side *side, guint16 sequence)
{
  guint8 packet[MEDIA_PACKET_SIZE]
      = { 0x80, 0, (guint8)(sequence >> 8), (guint8)sequence, 0, 0, 0, 0, 1, 2, 3, 4 };

  return load_peer_send (side->peer, packet, 172);
}

static void
wait_count (Fixture *fixture, const guint *count, guint n)
{
  for (guint i = 0; i < MAX_TURNS && *count < n; i++)
    (void)media_pump_turn (fixture->pump, 100);
  g_assert_cmpuint (*count, ==, n);
}

static void
exchange (Fixture *fixture, Side *a, Side *b, guint n)
{
  const guint before_a = a->n_rtp;
  const guint before_b = b->n_rtp;

  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpint (send_rtp (a, (guint16)(before_b + i)), ==, 0);
      g_assert_cmpint (send_rtp (b, (guint16)(before_a + i)), ==, 0);
      wait_count (fixture, &a->n_rtp, before_a + i + 1);
      wait_count (fixture, &b->n_rtp, before_b + i + 1);
    }
}

static void
close_sides (Side *a, Side *b)
{
  g_clear_pointer (&a->peer, load_peer_free);
  g_clear_pointer (&b->peer, load_peer_free);
}

static void
test_connects (Fixture *fixture, gconstpointer unused)
{
  Side a = { 0 };
  Side b = { 0 };
  guint8 report[MEDIA_PACKET_SIZE] = { 0x80, 201, 0, 1, 1, 2, 3, 4 };
  MediaIceStats stats;

  (void)unused;
  connect_sides (fixture, &a, &b, loopback);
  g_assert_cmpint (load_peer_profile (a.peer), ==, MEDIA_SRTP_AEAD_AES_128_GCM);
  exchange (fixture, &a, &b, 50);
  g_assert_cmpint (load_peer_send (a.peer, report, 8), ==, 0);
  wait_count (fixture, &b.n_rtcp, 1);
  media_ice_get_stats (load_peer_ice (a.peer), &stats);
  g_assert_cmpuint (stats.packets_received, >=, 50);
  g_assert_cmpuint (stats.send_errors, ==, 0);
  close_sides (&a, &b);
}

static void
test_connects_on_all_addresses (Fixture *fixture, gconstpointer unused)
{
  Side a = { 0 };
  Side b = { 0 };

  (void)unused;
  connect_sides (fixture, &a, &b, NULL);
  exchange (fixture, &a, &b, 5);
  close_sides (&a, &b);
}

/* The old pair carries media while the new one is negotiated. */
static void
test_restarts (Fixture *fixture, gconstpointer unused)
{
  Side a = { 0 };
  Side b = { 0 };
  g_autofree char *old_ufrag = NULL;
  MediaIceStats before;
  MediaIceStats after;

  (void)unused;
  connect_sides (fixture, &a, &b, loopback);
  exchange (fixture, &a, &b, 3);
  old_ufrag = g_strdup (media_ice_ufrag (load_peer_ice (a.peer)));
  g_assert_true (load_peer_restart (a.peer, NULL));
  g_assert_true (load_peer_restart (b.peer, NULL));
  g_assert_cmpstr (old_ufrag, !=, media_ice_ufrag (load_peer_ice (a.peer)));
  exchange (fixture, &a, &b, 3);
  media_ice_get_stats (load_peer_ice (a.peer), &before);
  describe_to (&a, &b);
  describe_to (&b, &a);
  for (guint i = 0; i < 100; i++)
    {
      exchange (fixture, &a, &b, 1);
      (void)media_pump_turn (fixture->pump, 2);
    }
  media_ice_get_stats (load_peer_ice (a.peer), &after);
  g_assert_cmpuint (after.restarts, ==, 1);
  g_assert_cmpint (media_ice_state (load_peer_ice (a.peer)), ==, MEDIA_ICE_CONNECTED);
  g_assert_cmpint (media_ice_state (load_peer_ice (b.peer)), ==, MEDIA_ICE_CONNECTED);
  close_sides (&a, &b);
}

/* The peer vanishes without a word: 10 s without consent (RFC 7675 says 30 at most), then nothing may be sent
 * any more. */
static void
test_loses_consent (Fixture *fixture, gconstpointer unused)
{
  Side a = { 0 };
  Side b = { 0 };
  guint waited_s = 0;

  (void)unused;
  connect_sides (fixture, &a, &b, loopback);
  g_clear_pointer (&b.peer, load_peer_free);
  while (media_ice_state (load_peer_ice (a.peer)) == MEDIA_ICE_CONNECTED && waited_s < 31)
    {
      virtual_clock_advance (G_USEC_PER_SEC);
      waited_s++;
      for (guint i = 0; i < 20; i++)
        (void)media_pump_turn (fixture->pump, 0);
    }
  g_test_message ("consent was lost after %u s", waited_s);
  g_assert_cmpint (media_ice_state (load_peer_ice (a.peer)), ==, MEDIA_ICE_FAILED);
  g_assert_cmpuint (waited_s, >=, 5);
  g_assert_cmpint (send_rtp (&a, 1), <, 0);
  close_sides (&a, &b);
}

static void
test_frees_inside_callbacks (Fixture *fixture, gconstpointer unused)
{
  Side a = { 0 };
  Side b = { 0 };

  (void)unused;
  connect_sides (fixture, &a, &b, loopback);
  b.free_on_rtp = TRUE;
  g_assert_cmpint (send_rtp (&a, 1), ==, 0);
  wait_count (fixture, &b.n_rtp, 1);
  g_assert_null (b.peer);
  close_sides (&a, &b);

  memset (&a, 0, sizeof a);
  memset (&b, 0, sizeof b);
  open_side (fixture, &a, TRUE, loopback);
  open_side (fixture, &b, FALSE, loopback);
  wait_flag (fixture, &a.described);
  wait_flag (fixture, &b.described);
  a.free_on_connected = TRUE;
  describe_to (&a, &b);
  describe_to (&b, &a);
  for (guint i = 0; i < MAX_TURNS && a.peer != NULL; i++)
    (void)media_pump_turn (fixture->pump, 100);
  g_assert_null (a.peer);
  close_sides (&a, &b);
}

/* Anybody can send to the selected socket: nothing of it is delivered, the budget for libnice holds, and the
 * peer's packets still come through. */
static void
test_strangers (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  g_autoptr (MediaUdp) stranger = media_udp_new ("127.0.0.1", (MediaPortRange){ 0, 0 }, NULL);
  Side a = { 0 };
  Side b = { 0 };
  MediaAddress target;
  MediaIceStats stats;

  (void)unused;
  connect_sides (fixture, &a, &b, loopback);
  exchange (fixture, &a, &b, 2);
  target = media_ice_remote_address (load_peer_ice (b.peer));
  for (guint i = 0; i < 3000; i++)
    {
      static const guint8 first_bytes[] = { 0, 1, 20, 22, 63, 64, 128, 144, 191, 255 };
      guint8 packet[MEDIA_PACKET_SIZE];
      const gsize length = (gsize)g_rand_int_range (random, 0, i % 50 == 0 ? MEDIA_PACKET_SIZE : 200);

      for (gsize j = 0; j < length; j++)
        packet[j] = (guint8)g_rand_int (random);
      packet[0] = first_bytes[i % G_N_ELEMENTS (first_bytes)];
      (void)media_udp_send (stranger, MEDIA_UDP_RTP, packet, length, &target);
      (void)media_pump_turn (fixture->pump, 0);
    }
  for (guint i = 0; i < 1000 && media_pump_turn (fixture->pump, 0); i++)
    ;
  media_ice_get_stats (load_peer_ice (a.peer), &stats);
  g_test_message ("%" G_GUINT64_FORMAT " dropped, %" G_GUINT64_FORMAT " oversized", stats.dropped,
                  stats.oversized);
  g_assert_cmpuint (stats.dropped, >, 0);
  g_assert_cmpuint (a.n_rtp, ==, 2);
  exchange (fixture, &a, &b, 5);
  g_assert_cmpint (load_peer_state (a.peer), ==, LOAD_PEER_CONNECTED);
  close_sides (&a, &b);
}

/* Twenty seconds of STUN from a stranger, more than is looked at: the peer's consent checks come through. */
static void
test_keeps_consent_under_flood (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (MediaUdp) stranger = media_udp_new ("127.0.0.1", (MediaPortRange){ 0, 0 }, NULL);
  const guint8 packet[20] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 };
  Side a = { 0 };
  Side b = { 0 };
  MediaAddress target;
  MediaIceStats stats;

  (void)unused;
  connect_sides (fixture, &a, &b, loopback);
  target = media_ice_remote_address (load_peer_ice (b.peer));
  for (guint i = 0; i < 200; i++)
    {
      for (guint n = 0; n < 50; n++)
        {
          (void)media_udp_send (stranger, MEDIA_UDP_RTP, packet, sizeof packet, &target);
          (void)media_pump_turn (fixture->pump, 0);
        }
      virtual_clock_advance (G_USEC_PER_SEC / 10);
      for (guint n = 0; n < 200 && media_pump_turn (fixture->pump, 0); n++)
        ;
    }
  media_ice_get_stats (load_peer_ice (a.peer), &stats);
  g_assert_cmpuint (stats.dropped, >, 100);
  g_assert_cmpint (media_ice_state (load_peer_ice (a.peer)), ==, MEDIA_ICE_CONNECTED);
  exchange (fixture, &a, &b, 5);
  close_sides (&a, &b);
}

/* Behind a STUN packet waits one of media, while the thread does something else for 20 ms. Returns: how long
 * before its reading it seems to have come. */
static gint64
age_behind_stun (Fixture *fixture, const Side *a, const Side *b, MediaUdp *stranger)
{
  const guint8 stun[20] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 };
  const MediaAddress target = media_ice_remote_address (load_peer_ice (b->peer));
  const guint before = a->n_rtp;

  for (guint i = 0; i < MAX_TURNS && media_pump_turn (fixture->pump, 0); i++)
    ;
  g_assert_cmpint (media_udp_send (stranger, MEDIA_UDP_RTP, stun, sizeof stun, &target), ==, 0);
  g_assert_cmpint (send_rtp (b, (guint16)before), ==, 0);
  g_usleep (20000);
  for (guint i = 0; i < MAX_TURNS && a->n_rtp == before; i++)
    (void)media_pump_turn (fixture->pump, 0);
  g_assert_cmpuint (a->n_rtp, ==, before + 1);
  return cfg_monotonic_diff_us (media_pump_now (fixture->pump), a->came_at);
}

/* What libnice reads came when it came, as what the pump reads does. This thread may lose its core where the
 * pump takes that for a sleep, so there are several attempts. */
static void
test_tells_arrival_behind_stun (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (MediaUdp) stranger = media_udp_new ("127.0.0.1", (MediaPortRange){ 0, 0 }, NULL);
  gint64 age_us = 0;
  Side a = { 0 };
  Side b = { 0 };

  (void)unused;
  connect_sides (fixture, &a, &b, loopback);
  for (guint i = 0; i < 100 && age_us < 15 * CFG_US_PER_MS; i++)
    age_us = age_behind_stun (fixture, &a, &b, stranger);
  g_assert_cmpint (age_us, >=, 15 * CFG_US_PER_MS);
  close_sides (&a, &b);
}

/* A STUN server that never answers keeps libnice busy: closing must not wait for it. */
static void
test_closes_while_gathering (Fixture *fixture, gconstpointer unused)
{
  const MediaIceConfig config = { .bind_addresses = loopback, .stun_server = "127.0.0.1", .stun_port = 9 };
  const MediaIceOps no_ops = { NULL, NULL, NULL };
  MediaIce *ice = media_ice_new (fixture->pump, &config, &no_ops, NULL, NULL);

  (void)unused;
  g_assert_true (media_ice_gather (ice, NULL));
  for (guint i = 0; i < 10; i++)
    (void)media_pump_turn (fixture->pump, 5);
  media_ice_close (ice);
}

static guint
count_fds (void)
{
  GDir *dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  g_dir_close (dir);
  return n;
}

static void
test_leaks_no_descriptor (Fixture *fixture, gconstpointer unused)
{
  guint before = 0;

  (void)unused;
  for (guint i = 0; i < 200; i++)
    {
      Side a = { 0 };
      Side b = { 0 };

      if (i == 10)
        before = count_fds ();
      if (i % 10 == 0)
        connect_sides (fixture, &a, &b, loopback);
      else
        open_side (fixture, &a, TRUE, loopback);
      close_sides (&a, &b);
      for (guint turn = 0; turn < 20; turn++)
        (void)media_pump_turn (fixture->pump, 0);
    }
  g_assert_cmpuint (count_fds (), <=, before);
}

static void
test_wrong_fingerprint (Fixture *fixture, gconstpointer unused)
{
  Side a = { 0 };
  Side b = { 0 };
  g_autofree char *line = NULL;
  char *digit;

  (void)unused;
  open_side (fixture, &a, TRUE, loopback);
  open_side (fixture, &b, FALSE, loopback);
  wait_flag (fixture, &a.described);
  wait_flag (fixture, &b.described);
  describe_to (&a, &b);
  line = load_peer_describe (b.peer);
  digit = strstr (line, "sha-256 ") + 8;
  *digit = *digit == '0' ? '1' : '0';
  g_assert_true (load_peer_set_remote (a.peer, line, NULL));
  wait_state (fixture, &a, LOAD_PEER_FAILED);
  wait_state (fixture, &b, LOAD_PEER_FAILED);
  g_assert_cmpstr (load_peer_failure (a.peer), ==,
                   "the peer's certificate has another fingerprint than its SDP");
  g_assert_null (load_peer_srtp (a.peer));
  close_sides (&a, &b);
}

static void
add (const char *path, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/media/peer/connects", test_connects);
  add ("/media/peer/connects_on_all_addresses", test_connects_on_all_addresses);
  add ("/media/peer/carries_media_through_an_ice_restart", test_restarts);
  add ("/media/peer/fails_on_lost_consent", test_loses_consent);
  add ("/media/peer/is_freed_inside_its_callbacks", test_frees_inside_callbacks);
  add ("/media/peer/ignores_strangers", test_strangers);
  add ("/media/peer/keeps_consent_under_a_flood", test_keeps_consent_under_flood);
  add ("/media/peer/tells_arrival_behind_stun", test_tells_arrival_behind_stun);
  add ("/media/peer/closes_while_gathering", test_closes_while_gathering);
  add ("/media/peer/refuses_another_certificate", test_wrong_fingerprint);
  add ("/media/peer/leaks_no_descriptor_in_200_cycles", test_leaks_no_descriptor);
  return g_test_run ();
}
