#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <string.h>

#include "config/base/error.h"
#include "media/io/address.h"
#include "media/io/arrival.h"
#include "media/io/pump.h"
#include "media/io/udp.h"
#include "tests/media/io/virtual_clock.h"

static void
test_address (void)
{
  char text[MEDIA_ADDRESS_TEXT_SIZE];
  MediaAddress a;
  MediaAddress b;

  g_assert_true (media_address_parse (&a, "127.0.0.1", 4000));
  g_assert_cmpstr (media_address_format (&a, text), ==, "127.0.0.1:4000");
  g_assert_true (media_address_parse (&b, "::1", 4000));
  g_assert_cmpstr (media_address_format (&b, text), ==, "[::1]:4000");
  g_assert_false (media_address_equal (&a, &b));
  g_assert_true (media_address_parse (&b, "127.0.0.1", 4001));
  g_assert_false (media_address_equal (&a, &b));
  g_assert_true (media_address_equal_ip (&a, &b));
  g_assert_false (media_address_parse (&a, "localhost", 1));
  g_assert_false (media_address_is_set (&a));
  g_assert_false (media_address_parse (&a, "1.2.3", 1));
  g_assert_false (media_address_parse (&a, "", 1));
  g_assert_false (media_address_parse (&a, NULL, 1));
  g_assert_false (media_address_parse (&a, "fe80::1%nowhere", 1));
  g_assert_false (media_address_equal (&a, &a));
  g_assert_cmpstr (media_address_format (&a, text), ==, "-");
}

static void
check_pair (const char *ip)
{
  GError *error = NULL;
  g_autoptr (MediaUdp) a = media_udp_new (ip, (MediaPortRange){ 0, 0 }, &error);
  g_autoptr (MediaUdp) b = NULL;
  guint8 buffer[MEDIA_PACKET_SIZE];
  guint8 big[MEDIA_PACKET_MAX_LENGTH + 1] = { 0 };
  MediaAddress from;
  MediaAddress to;
  MediaUdpStats stats;

  g_assert_no_error (error);
  b = media_udp_new (ip, (MediaPortRange){ 0, 0 }, &error);
  g_assert_no_error (error);
  to = media_udp_local (b, MEDIA_UDP_RTP);
  g_assert_cmpuint (media_address_port (&to) % 2, ==, 0);
  from = media_udp_local (b, MEDIA_UDP_RTCP);
  g_assert_cmpuint (media_address_port (&from), ==, media_address_port (&to) + 1);
  g_assert_cmpint (media_udp_receive (b, MEDIA_UDP_RTP, buffer, &from), ==, -EAGAIN);
  g_assert_cmpint (media_udp_send (a, MEDIA_UDP_RTP, (const guint8 *)"hello", 5, &to), ==, 0);
  g_assert_cmpint (media_udp_receive (b, MEDIA_UDP_RTP, buffer, &from), ==, 5);
  g_assert_cmpmem (buffer, 5, "hello", 5);
  to = media_udp_local (a, MEDIA_UDP_RTP);
  g_assert_true (media_address_equal (&from, &to));
  to = media_udp_local (b, MEDIA_UDP_RTCP);
  g_assert_cmpint (media_udp_send (a, MEDIA_UDP_RTCP, big, sizeof big, &to), ==, 0);
  g_assert_cmpint (media_udp_receive (b, MEDIA_UDP_RTCP, buffer, &from), ==, -EMSGSIZE);
  g_assert_cmpint (media_udp_send (a, MEDIA_UDP_RTCP, big, 0, &to), ==, 0);
  g_assert_cmpint (media_udp_receive (b, MEDIA_UDP_RTCP, buffer, &from), ==, 0);
  media_udp_get_stats (b, &stats);
  g_assert_cmpuint (stats.packets_received, ==, 2);
  g_assert_cmpuint (stats.bytes_received, ==, 5);
  g_assert_cmpuint (stats.oversized, ==, 1);
  g_assert_cmpuint (stats.receive_errors, ==, 0);
}

static void
test_pair (void)
{
  MediaAddress v6;

  check_pair ("127.0.0.1");
  g_assert_true (media_address_parse (&v6, "::1", 0));
  if (g_file_test ("/proc/net/if_inet6", G_FILE_TEST_EXISTS))
    check_pair ("::1");
}

static void
test_other_family (void)
{
  g_autoptr (MediaUdp) udp = media_udp_new ("127.41.2.10", (MediaPortRange){ 0, 0 }, NULL);
  MediaAddress to;
  MediaUdpStats stats;

  g_assert_true (media_address_parse (&to, "::1", 9));
  g_assert_cmpint (media_udp_send (udp, MEDIA_UDP_RTP, (const guint8 *)"x", 1, &to), ==, -EAFNOSUPPORT);
  media_udp_get_stats (udp, &stats);
  g_assert_cmpuint (stats.send_errors, ==, 1);
}

/* Five pairs: odd ends are cut off; a freed pair can be had again. On a loopback address and below the
 * ephemeral ports, where nothing else on the machine binds. */
static void
test_range (void)
{
  const MediaPortRange range = { 21001, 21012 };
  GPtrArray *taken = g_ptr_array_new_with_free_func ((GDestroyNotify)media_udp_free);
  g_autoptr (GError) error = NULL;
  guint seen = 0;

  for (;;)
    {
      MediaUdp *udp = media_udp_new ("127.41.2.10", range, &error);
      MediaAddress local;

      if (udp == NULL)
        break;
      local = media_udp_local (udp, MEDIA_UDP_RTP);
      g_assert_cmpuint (media_address_port (&local), >=, 21002);
      g_assert_cmpuint (media_address_port (&local), <=, 21010);
      g_assert_cmpuint (seen & (1u << (media_address_port (&local) - 21002)), ==, 0);
      seen |= 1u << (media_address_port (&local) - 21002);
      g_ptr_array_add (taken, udp);
    }
  g_assert_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED);
  g_assert_cmpuint (taken->len, ==, 5);
  g_ptr_array_remove_index (taken, 2);
  g_ptr_array_add (taken, media_udp_new ("127.41.2.10", range, NULL));
  g_assert_nonnull (g_ptr_array_index (taken, 4));
  g_ptr_array_unref (taken);
}

static void
test_refuses (void)
{
  static const struct
  {
    const char *ip;
    MediaPortRange range;
    CfgErrorCode code;
  } rows[] = {
    { "localhost", { 0, 0 }, CFG_ERROR_INVALID_ARGUMENT },
    { NULL, { 0, 0 }, CFG_ERROR_INVALID_ARGUMENT },
    { "127.0.0.1", { 5001, 5001 }, CFG_ERROR_INVALID_ARGUMENT },
    { "127.0.0.1", { 5000, 5000 }, CFG_ERROR_INVALID_ARGUMENT },
    { "127.0.0.1", { 6000, 5000 }, CFG_ERROR_INVALID_ARGUMENT },
    { "192.0.2.1", { 0, 0 }, CFG_ERROR_UNAVAILABLE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (media_udp_new (rows[i].ip, rows[i].range, &error));
      g_assert_error (error, CFG_ERROR, (int)rows[i].code);
    }
}

/* A packet that was left waiting: when it came, not when it was read. The kernel begins to note in its own
 * time, and this thread may lose its core anywhere, so there are several attempts. */
static gboolean
tells_arrival (MediaUdp *a, MediaUdp *b)
{
  const MediaAddress to = media_udp_local (b, MEDIA_UDP_RTP);
  const int fd = media_udp_fd (b, MEDIA_UDP_RTP);
  const CfgMonotonic before = cfg_monotonic_now ();
  guint8 buffer[MEDIA_PACKET_SIZE];
  CfgMonotonic sent, came, now;
  MediaAddress from;

  g_assert_cmpint (media_udp_send (a, MEDIA_UDP_RTP, (const guint8 *)"late", 4, &to), ==, 0);
  sent = cfg_monotonic_now ();
  g_usleep (20000);
  g_assert_cmpint (media_udp_receive (b, MEDIA_UDP_RTP, buffer, &from), ==, 4);
  now = cfg_monotonic_now ();
  came = media_arrival (fd, now, before);
  g_assert_cmpint (came.us, >=, before.us);
  g_assert_cmpint (came.us, <=, now.us);
  /* What is known to be fresh is not asked for. */
  g_assert_cmpint (media_arrival (fd, now, now).us, ==, now.us);
  g_assert_cmpint (media_arrival_ask (fd, now, now).us, ==, now.us);
  return came.us <= sent.us + 1000;
}

static void
test_arrival (void)
{
  g_autoptr (MediaUdp) a = media_udp_new ("127.0.0.1", (MediaPortRange){ 0, 0 }, NULL);
  g_autoptr (MediaUdp) b = media_udp_new ("127.0.0.1", (MediaPortRange){ 0, 0 }, NULL);
  gboolean told = FALSE;

  g_assert_nonnull (a);
  g_assert_nonnull (b);
  media_arrival_watch (media_udp_fd (b, MEDIA_UDP_RTP));
  for (guint i = 0; i < 100 && !told; i++)
    told = tells_arrival (a, b);
  g_assert_true (told);
}

/* The wall clock is set between a packet's arrival and its reading, by @us. Returns: how old it seems. */
static gint64
age_when_set_by (MediaUdp *a, MediaUdp *b, gint64 us)
{
  const MediaAddress to = media_udp_local (b, MEDIA_UDP_RTP);
  const CfgMonotonic before = cfg_monotonic_now ();
  guint8 buffer[MEDIA_PACKET_SIZE];
  CfgMonotonic now, came;
  MediaAddress from;

  g_assert_cmpint (media_udp_send (a, MEDIA_UDP_RTP, (const guint8 *)"late", 4, &to), ==, 0);
  g_assert_cmpint (media_udp_receive (b, MEDIA_UDP_RTP, buffer, &from), ==, 4);
  virtual_clock_advance (us);
  now = cfg_monotonic_now ();
  came = media_arrival_ask (media_udp_fd (b, MEDIA_UDP_RTP), now, (CfgMonotonic){ MIN (before.us, now.us) });
  virtual_clock_advance (-us);
  return cfg_monotonic_diff_us (now, came);
}

static void
test_set_clock (void)
{
  g_autoptr (MediaUdp) a = media_udp_new ("127.0.0.1", (MediaPortRange){ 0, 0 }, NULL);
  g_autoptr (MediaUdp) b = media_udp_new ("127.0.0.1", (MediaPortRange){ 0, 0 }, NULL);

  g_assert_nonnull (a);
  g_assert_nonnull (b);
  media_arrival_watch (media_udp_fd (b, MEDIA_UDP_RTP));
  g_assert_cmpint (age_when_set_by (a, b, 3600 * CFG_US_PER_S), ==, MEDIA_ARRIVAL_OLDEST_US);
  g_assert_cmpint (age_when_set_by (a, b, -3600 * CFG_US_PER_S), ==, 0);
}

/* Of a range of 400 pairs somebody has 300 in a row: the others are found. */
static void
test_row_of_others (void)
{
  enum
  {
    FIRST = 21000,
    N_PAIRS = 400,
    N_OTHERS = 300,
    N_OURS = 50
  };
  static const char ip[] = "127.41.2.11"; /* nobody else's */
  const MediaPortRange range = { FIRST, FIRST + 2 * N_PAIRS - 1 };
  MediaUdp *ours[N_OURS];
  int others[N_OTHERS];

  for (guint i = 0; i < N_OTHERS; i++)
    {
      MediaAddress address;

      others[i] = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      g_assert_true (media_address_parse (&address, ip, (guint16)(FIRST + 2 * i)));
      g_assert_cmpint (bind (others[i], &address.sa, media_address_length (&address)), ==, 0);
    }
  for (guint i = 0; i < N_OURS; i++)
    {
      g_autoptr (GError) error = NULL;

      ours[i] = media_udp_new (ip, range, &error);
      g_assert_no_error (error);
    }
  for (guint i = 0; i < N_OURS; i++)
    media_udp_free (ours[i]);
  for (guint i = 0; i < N_OTHERS; i++)
    close (others[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/address/parses_and_formats", test_address);
  g_test_add_func ("/media/udp/sends_and_receives", test_pair);
  g_test_add_func ("/media/udp/refuses_another_family", test_other_family);
  g_test_add_func ("/media/udp/exhausts_a_port_range", test_range);
  g_test_add_func ("/media/udp/passes_a_row_of_others", test_row_of_others);
  g_test_add_func ("/media/udp/refuses_bad_configuration", test_refuses);
  g_test_add_func ("/media/udp/tells_when_a_packet_came", test_arrival);
  g_test_add_func ("/media/udp/survives_a_clock_that_is_set", test_set_clock);
  return g_test_run ();
}
