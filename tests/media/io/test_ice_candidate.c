#include <glib.h>
#include <string.h>

#include "config/base/error.h"
#include "media/io/ice_candidate.h"

static void
test_check (void)
{
  static const struct
  {
    const char *text;
    MediaIceCandidateResult result;
  } rows[] = {
    { "candidate:1 1 UDP 2130706431 192.0.2.1 4000 typ host", MEDIA_ICE_CANDIDATE_ADDED },
    { "a=candidate:1 1 udp 2130706431 192.0.2.1 4000 typ host", MEDIA_ICE_CANDIDATE_ADDED },
    { "candidate:842163049 1 udp 1677729535 198.51.100.7 50000 typ srflx raddr 0.0.0.0 rport 0 generation 0 "
      "ufrag x",
      MEDIA_ICE_CANDIDATE_ADDED },
    { "candidate:1 1 UDP 1 2001:db8::1 4000 typ relay raddr ::1 rport 9", MEDIA_ICE_CANDIDATE_ADDED },
    { "candidate:1 1 udp 2113937151 6b2b6c8e-3d1f.local 50000 typ host", MEDIA_ICE_CANDIDATE_IGNORED },
    { "candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active", MEDIA_ICE_CANDIDATE_IGNORED },
    { "candidate:1 2 UDP 2130706430 192.0.2.1 4001 typ host", MEDIA_ICE_CANDIDATE_IGNORED },
    { "candidate:1 1 UDP 2130706431 192.0.2.1 4000 typ quantum", MEDIA_ICE_CANDIDATE_IGNORED },
    { "candidate:1 1 UDP 2130706431 192.0.2.1 0 typ host", MEDIA_ICE_CANDIDATE_MALFORMED },
    { "candidate:1 1 UDP 2130706431 192.0.2.1 65536 typ host", MEDIA_ICE_CANDIDATE_MALFORMED },
    { "candidate:1 1 UDP -1 192.0.2.1 4000 typ host", MEDIA_ICE_CANDIDATE_MALFORMED },
    { "candidate:1 1 UDP 99999999999 192.0.2.1 4000 typ host", MEDIA_ICE_CANDIDATE_MALFORMED },
    { "candidate:1 1 UDP 2130706431 example.com 4000 typ host", MEDIA_ICE_CANDIDATE_MALFORMED },
    { "candidate:1 1 UDP 2130706431 192.0.2.1 4000 type host", MEDIA_ICE_CANDIDATE_MALFORMED },
    { "candidate: 1 UDP 2130706431 192.0.2.1 4000 typ host", MEDIA_ICE_CANDIDATE_MALFORMED },
    { "candidate:1 1 UDP 2130706431 192.0.2.1 4000", MEDIA_ICE_CANDIDATE_MALFORMED },
    { "candidate:1 1 UDP 2130706431 192.0.2.1 4000 typ host\r\na=evil", MEDIA_ICE_CANDIDATE_MALFORMED },
    { "candidate:012345678901234567890123456789012 1 UDP 1 192.0.2.1 4000 typ host",
      MEDIA_ICE_CANDIDATE_MALFORMED },
    { "candidate", MEDIA_ICE_CANDIDATE_MALFORMED },
    { "\xff\xfe", MEDIA_ICE_CANDIDATE_MALFORMED },
  };
  g_autofree char *long_one = g_strnfill (5000, 'a');

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_assert_cmpint (media_ice_candidate_check (rows[i].text), ==, rows[i].result);
    }
  g_assert_cmpint (media_ice_candidate_check (long_one), ==, MEDIA_ICE_CANDIDATE_MALFORMED);
}

static void
test_rewrite (void)
{
  static const struct
  {
    const char *text;
    const char *expected;
  } rows[] = {
    { "a=candidate:1 1 UDP 1 10.0.0.1 4000 typ host", "candidate:1 1 UDP 1 203.0.113.9 4000 typ host" },
    { "candidate:1 1 UDP 1 127.0.0.1 4000 typ host", "candidate:1 1 UDP 1 127.0.0.1 4000 typ host" },
    { "candidate:1 1 UDP 1 2001:db8::1 4000 typ host", "candidate:1 1 UDP 1 2001:db8::1 4000 typ host" },
    { "candidate:1 1 UDP 1 198.51.100.7 4000 typ srflx raddr 10.0.0.1 rport 4000",
      "candidate:1 1 UDP 1 198.51.100.7 4000 typ srflx raddr 10.0.0.1 rport 4000" },
  };
  MediaAddress external;
  const MediaAddress unset = { 0 };

  g_assert_true (media_address_parse (&external, "203.0.113.9", 0));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *with = media_ice_candidate_rewrite (rows[i].text, &external);
      g_autofree char *without = media_ice_candidate_rewrite (rows[i].text, &unset);

      g_assert_cmpstr (with, ==, rows[i].expected);
      g_assert_true (g_str_has_suffix (rows[i].text, without));
    }
}

static void
test_local_addresses (void)
{
  static const char *const two[] = { "127.0.0.1", "127.0.0.1", NULL };
  static const char *const any[] = { "0.0.0.0", NULL };
  static const char *const bad[] = { "eth0", NULL };
  MediaAddress out[MEDIA_ICE_MAX_LOCAL_ADDRESSES];
  g_autoptr (GError) error = NULL;
  gboolean loopback = FALSE;
  guint n;

  g_assert_cmpuint (media_ice_local_addresses (two, out, NULL), ==, 1);
  n = media_ice_local_addresses (any, out, NULL);
  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpint (out[i].sa.sa_family, ==, AF_INET);
      loopback |= out[i].v4.sin_addr.s_addr == g_htonl (INADDR_LOOPBACK);
    }
  g_assert_true (loopback);
  g_assert_cmpuint (media_ice_local_addresses (NULL, out, NULL), >=, n);
  g_assert_cmpuint (media_ice_local_addresses (bad, out, &error), ==, 0);
  g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
}

/* A MediaIce that never meets a peer: refusals, counters, limits. */
static void
test_refuses (void)
{
  static const char *const loopback[] = { "127.0.0.1", NULL };
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  const MediaIceConfig good = { .bind_addresses = loopback };
  MediaIceConfig bad = good;
  const MediaIceOps ops = { NULL, NULL, NULL };
  g_autoptr (GError) error = NULL;
  MediaIceStats stats;
  MediaIce *ice;

  bad.stun_server = "stun.example.com";
  g_assert_null (media_ice_new (pump, &bad, &ops, NULL, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  bad = good;
  bad.external_address = "my.house";
  g_assert_null (media_ice_new (pump, &bad, &ops, NULL, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);

  ice = media_ice_new (pump, &good, &ops, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (media_ice_set_remote (ice, "abc", "0123456789012345678901", NULL));
  g_assert_false (media_ice_set_remote (ice, "abcd", "012345678901234567890", NULL));
  g_assert_false (media_ice_set_remote (ice, "ab d", "0123456789012345678901", NULL));
  g_assert_false (media_ice_set_remote (ice, "abcd", "01234567890123456789\r\n", &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
  g_assert_cmpint (media_ice_send (ice, (const guint8 *)"x", 1), <, 0);
  for (guint i = 0; i < MEDIA_ICE_MAX_REMOTE_CANDIDATES + 5; i++)
    {
      g_autofree char *text = g_strdup_printf ("candidate:1 1 UDP 1 192.0.2.%u 4000 typ host", i + 1);

      g_assert_cmpint (media_ice_add_remote_candidate (ice, text), ==,
                       i < MEDIA_ICE_MAX_REMOTE_CANDIDATES ? MEDIA_ICE_CANDIDATE_ADDED
                                                           : MEDIA_ICE_CANDIDATE_IGNORED);
    }
  g_assert_cmpint (media_ice_add_remote_candidate (ice, "x"), ==, MEDIA_ICE_CANDIDATE_MALFORMED);
  g_assert_cmpint (media_ice_add_remote_candidate (ice, ""), ==, MEDIA_ICE_CANDIDATE_IGNORED);
  media_ice_get_stats (ice, &stats);
  g_assert_cmpuint (stats.candidates_ignored, ==, 5);
  g_assert_cmpuint (stats.candidates_malformed, ==, 1);
  media_ice_close (ice);
}

static void
test_port_range (void)
{
  static const char *const loopback[] = { "127.0.0.1", NULL };
  g_autoptr (MediaPump) pump = media_pump_new (NULL);
  const MediaIceConfig config = { .bind_addresses = loopback, .ports = { 41101, 41102 } };
  const MediaIceOps ops = { NULL, NULL, NULL };
  MediaIce *ice[3];

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GError) error = NULL;

      ice[i] = media_ice_new (pump, &config, &ops, NULL, NULL);
      g_assert_cmpint (media_ice_gather (ice[i], &error), ==, i < 2);
      if (i < 2)
        {
          g_auto (GStrv) candidates = media_ice_local_candidates (ice[i]);

          g_assert_cmpuint (g_strv_length (candidates), ==, 1);
          g_assert_nonnull (strstr (candidates[0], " 127.0.0.1 4110"));
        }
      else
        g_assert_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED);
    }
  for (guint i = 0; i < 3; i++)
    media_ice_close (ice[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/ice/checks_candidates", test_check);
  g_test_add_func ("/media/ice/rewrites_host_candidates", test_rewrite);
  g_test_add_func ("/media/ice/finds_local_addresses", test_local_addresses);
  g_test_add_func ("/media/ice/refuses_bad_input", test_refuses);
  g_test_add_func ("/media/ice/keeps_to_its_port_range", test_port_range);
  return g_test_run ();
}
