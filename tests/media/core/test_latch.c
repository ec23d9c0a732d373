#include "media/core/latch.h"

#include <arpa/inet.h>
#include <string.h>

#define AT(ms) ((CfgMonotonic){ (gint64)(ms)*1000 + 500000000 })

static MediaLatchAddress
address (const char *ip, guint16 port)
{
  struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons (port) };
  MediaLatchAddress result;

  g_assert_cmpint (inet_pton (AF_INET, ip, &in.sin_addr), ==, 1);
  g_assert_true (media_latch_address_from_sockaddr (&result, (struct sockaddr *)&in, sizeof in));
  return result;
}

typedef struct
{
  const char *ip; /* NULL: end */
  guint16 port;
  guint32 ssrc;
  guint16 sequence;
  gint64 ms;
  MediaLatchResult result;
} Row;

#define REFUSE  MEDIA_LATCH_REFUSE
#define ACCEPT  MEDIA_LATCH_ACCEPT
#define CHANGED MEDIA_LATCH_CHANGED

static void
check (MediaLatch *latch, const Row *rows)
{
  for (; rows->ip != NULL; rows++)
    {
      MediaLatchAddress from = address (rows->ip, rows->port);

      g_test_message ("%s:%u %u at %" G_GINT64_FORMAT " ms", rows->ip, rows->port, rows->sequence, rows->ms);
      g_assert_cmpint (media_latch_rtp (latch, &from, rows->ssrc, rows->sequence, FALSE, AT (rows->ms)), ==,
                       rows->result);
    }
}

static MediaLatch
latched (void)
{
  MediaLatchAddress signalled = address ("10.0.0.1", 4000);
  MediaLatch latch;
  const Row rows[] = { { "10.0.0.1", 4000, 7, 100, 0, CHANGED }, { 0 } };

  media_latch_init (&latch, &signalled);
  check (&latch, rows);
  return latch;
}

static void
test_signalled_at_once (void)
{
  MediaLatch latch = latched ();
  const Row rows[] = {
    { "10.0.0.1", 4000, 7, 101, 20, ACCEPT },
    { "10.0.0.9", 4000, 7, 102, 30, REFUSE },
    { "10.0.0.1", 4001, 7, 102, 30, REFUSE },
    { "10.0.0.1", 4000, 9, 5000, 40, ACCEPT }, /* the peer may change its SSRC */
    { 0 },
  };

  check (&latch, rows);
  g_assert_cmpint (latch.state, ==, MEDIA_LATCH_LATCHED);
  g_assert_cmpuint (latch.refused, ==, 2);
}

static void
test_three_in_sequence (void)
{
  MediaLatchAddress signalled = address ("192.168.1.5", 4000);
  MediaLatch latch;
  const Row rows[] = {
    { "203.0.113.1", 6000, 7, 100, 0, REFUSE },
    { "203.0.113.1", 6000, 7, 101, 20, REFUSE },
    { "203.0.113.1", 6000, 8, 102, 40, REFUSE }, /* another SSRC: counted anew */
    { "203.0.113.1", 6000, 8, 104, 60, REFUSE }, /* a gap: anew */
    { "203.0.113.1", 6000, 8, 105, 80, REFUSE },
    { "203.0.113.2", 6000, 8, 106, 90, REFUSE }, /* another address: anew */
    { "203.0.113.1", 6000, 8, 106, 100, REFUSE },
    { "203.0.113.1", 6000, 8, 107, 120, REFUSE },
    { "203.0.113.1", 6000, 8, 108, 140, CHANGED },
    { "203.0.113.1", 6000, 8, 109, 160, ACCEPT },
    { 0 },
  };

  media_latch_init (&latch, &signalled);
  g_assert_true (media_latch_address_equal (&latch.remote, &signalled));
  check (&latch, rows);
  g_assert_cmpuint (latch.remote.port, ==, 6000);
}

/* Who still sends to the port from its last call is latched first, and loses it to the peer. */
static void
test_signalled_wins_over_who_came_first (void)
{
  MediaLatchAddress signalled = address ("10.0.0.1", 4000);
  MediaLatch latch;
  const Row rows[] = {
    { "10.0.0.9", 1, 5, 900, 0, REFUSE },
    { "10.0.0.9", 1, 5, 901, 10, REFUSE },
    { "10.0.0.9", 1, 5, 902, 20, CHANGED },
    { "10.0.0.1", 4000, 7, 1, 40, REFUSE },
    { "10.0.0.9", 1, 5, 903, 45, ACCEPT },
    { "10.0.0.1", 4000, 7, 3, 60, REFUSE }, /* a gap: counted anew */
    { "10.0.0.1", 4000, 7, 4, 80, REFUSE },
    { "10.0.0.1", 4000, 7, 5, 100, CHANGED },
    { "10.0.0.9", 1, 5, 904, 110, REFUSE },
    { "10.0.0.9", 1, 5, 905, 1500, REFUSE },
    { "10.0.0.9", 1, 5, 906, 1510, REFUSE },
    { "10.0.0.9", 1, 5, 907, 1520, REFUSE },
    { "10.0.0.1", 4000, 7, 6, 1530, ACCEPT },
    { 0 },
  };

  media_latch_init (&latch, &signalled);
  check (&latch, rows);
}

/* A peer that was heard from its signalled address and moved is not called back by what is left of the old
 * one. */
static void
test_moved_peer_stays (void)
{
  MediaLatch latch = latched ();
  const Row rows[] = {
    { "10.0.0.1", 4002, 7, 160, 1200, REFUSE },  { "10.0.0.1", 4002, 7, 161, 1220, REFUSE },
    { "10.0.0.1", 4002, 7, 162, 1240, CHANGED }, { "10.0.0.1", 4000, 9, 1, 1260, REFUSE },
    { "10.0.0.1", 4000, 9, 2, 1280, REFUSE },    { "10.0.0.1", 4000, 9, 3, 1300, REFUSE },
    { "10.0.0.1", 4002, 7, 163, 1310, ACCEPT },  { 0 },
  };

  check (&latch, rows);
}

static void
test_stranger_cannot_take_over (void)
{
  MediaLatch latch = latched ();
  const Row rows[] = {
    /* The right SSRC and the right numbers, but the peer is still there. */
    { "10.0.0.9", 1, 7, 101, 20, REFUSE },
    { "10.0.0.9", 1, 7, 102, 40, REFUSE },
    { "10.0.0.9", 1, 7, 103, 60, REFUSE },
    { "10.0.0.9", 1, 7, 104, 80, REFUSE },
    /* The peer is silent, but the SSRC or the numbers are wrong. */
    { "10.0.0.9", 1, 8, 160, 1500, REFUSE },
    { "10.0.0.9", 1, 8, 161, 1520, REFUSE },
    { "10.0.0.9", 1, 8, 162, 1540, REFUSE },
    { "10.0.0.9", 1, 7, 30000, 1560, REFUSE },
    { "10.0.0.9", 1, 7, 30001, 1580, REFUSE },
    { "10.0.0.9", 1, 7, 30002, 1600, REFUSE },
    { "10.0.0.9", 1, 7, 50, 1620, REFUSE },
    { "10.0.0.9", 1, 7, 51, 1640, REFUSE },
    { "10.0.0.9", 1, 7, 52, 1660, REFUSE },
    { "10.0.0.1", 4000, 7, 200, 2000, ACCEPT },
    { 0 },
  };

  check (&latch, rows);
}

static void
test_peer_may_move (void)
{
  MediaLatch latch = latched ();
  const Row rows[] = {
    { "10.0.0.1", 5002, 7, 150, 990, REFUSE }, /* within a second of the last good packet */
    { "10.0.0.1", 5002, 7, 151, 1010, REFUSE },  { "10.0.0.1", 5002, 7, 152, 1030, REFUSE },
    { "10.0.0.1", 5002, 7, 153, 1050, CHANGED }, { "10.0.0.1", 5002, 7, 154, 1070, ACCEPT },
    { "10.0.0.1", 4000, 7, 155, 1090, REFUSE },  { 0 },
  };

  check (&latch, rows);
  g_assert_cmpuint (latch.remote.port, ==, 5002);
}

/* RTCP that goes on from the old address says that the peer has not moved. */
static void
test_rtcp_contradicts (void)
{
  MediaLatch latch = latched ();
  MediaLatchAddress rtcp = address ("10.0.0.1", 4001);
  MediaLatchAddress stranger = address ("10.0.0.9", 4001);
  const Row first[]
      = { { "10.0.0.9", 1, 7, 160, 1200, REFUSE }, { "10.0.0.9", 1, 7, 161, 1220, REFUSE }, { 0 } };
  const Row second[] = { { "10.0.0.9", 1, 7, 162, 1240, REFUSE }, { 0 } };
  const Row third[] = {
    { "10.0.0.9", 1, 7, 163, 1260, REFUSE },
    { "10.0.0.9", 1, 7, 164, 1280, REFUSE },
    { "10.0.0.9", 1, 7, 165, 1300, CHANGED },
    { 0 },
  };

  g_assert_cmpint (media_latch_rtcp (&latch, &rtcp, 7, FALSE, AT (100)), ==, ACCEPT);
  g_assert_cmpint (media_latch_rtcp (&latch, &stranger, 7, FALSE, AT (100)), ==, REFUSE);
  check (&latch, first);
  g_assert_cmpint (media_latch_rtcp (&latch, &rtcp, 7, FALSE, AT (1230)), ==, ACCEPT);
  check (&latch, second);
  check (&latch, third);
}

static void
test_new_sdp (void)
{
  MediaLatch latch = latched ();
  MediaLatchAddress same = address ("10.0.0.1", 4000);
  MediaLatchAddress other = address ("10.0.0.2", 4000);
  const Row rows[] = {
    { "10.0.0.1", 4000, 7, 101, 20, ACCEPT }, /* still good until the peer moves */
    { "10.0.0.2", 4000, 9, 5, 40, CHANGED },
    { "10.0.0.1", 4000, 7, 102, 60, REFUSE },
    { 0 },
  };

  media_latch_set_signalled (&latch, &same);
  g_assert_cmpint (latch.state, ==, MEDIA_LATCH_LATCHED);
  media_latch_set_signalled (&latch, &other);
  g_assert_cmpint (latch.state, ==, MEDIA_LATCH_PENDING);
  g_assert_true (media_latch_address_equal (&latch.remote, &other));
  check (&latch, rows);
}

static void
test_authenticated_binds_at_once (void)
{
  MediaLatch latch = latched ();
  MediaLatchAddress moved = address ("10.0.0.7", 1);

  g_assert_cmpint (media_latch_rtp (&latch, &moved, 7, 101, TRUE, AT (10)), ==, CHANGED);
  g_assert_cmpint (media_latch_rtp (&latch, &moved, 7, 102, TRUE, AT (30)), ==, ACCEPT);
  g_assert_cmpint (media_latch_rtcp (&latch, &moved, 7, TRUE, AT (40)), ==, ACCEPT);
}

static void
test_addresses (void)
{
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons (4000) };
  struct sockaddr_storage storage;
  MediaLatchAddress mapped;
  MediaLatchAddress v6;
  MediaLatchAddress v4 = address ("10.0.0.1", 4000);

  g_assert_cmpint (inet_pton (AF_INET6, "::ffff:10.0.0.1", &in6.sin6_addr), ==, 1);
  g_assert_true (media_latch_address_from_sockaddr (&mapped, (struct sockaddr *)&in6, sizeof in6));
  g_assert_true (media_latch_address_equal (&mapped, &v4));
  g_assert_cmpuint (media_latch_address_to_sockaddr (&v4, &storage), ==, sizeof (struct sockaddr_in));

  g_assert_cmpint (inet_pton (AF_INET6, "fe80::1", &in6.sin6_addr), ==, 1);
  in6.sin6_scope_id = 3;
  g_assert_true (media_latch_address_from_sockaddr (&v6, (struct sockaddr *)&in6, sizeof in6));
  g_assert_cmpuint (v6.scope, ==, 3);
  g_assert_cmpuint (media_latch_address_to_sockaddr (&v6, &storage), ==, sizeof in6);
  g_assert_cmpuint (((struct sockaddr_in6 *)&storage)->sin6_scope_id, ==, 3);
  g_assert_false (media_latch_address_equal (&v6, &v4));
  g_assert_false (media_latch_address_from_sockaddr (&v6, (struct sockaddr *)&in6, 10));
  g_assert_false (media_latch_address_equal (&v6, &v6)); /* unset equals nothing */
  g_assert_cmpuint (media_latch_address_to_sockaddr (&v6, &storage), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/latch/signalled_at_once", test_signalled_at_once);
  g_test_add_func ("/media/latch/three_in_sequence", test_three_in_sequence);
  g_test_add_func ("/media/latch/signalled_wins_over_who_came_first",
                   test_signalled_wins_over_who_came_first);
  g_test_add_func ("/media/latch/moved_peer_stays", test_moved_peer_stays);
  g_test_add_func ("/media/latch/stranger_cannot_take_over", test_stranger_cannot_take_over);
  g_test_add_func ("/media/latch/peer_may_move", test_peer_may_move);
  g_test_add_func ("/media/latch/rtcp_contradicts", test_rtcp_contradicts);
  g_test_add_func ("/media/latch/new_sdp", test_new_sdp);
  g_test_add_func ("/media/latch/authenticated_binds_at_once", test_authenticated_binds_at_once);
  g_test_add_func ("/media/latch/addresses", test_addresses);
  return g_test_run ();
}
