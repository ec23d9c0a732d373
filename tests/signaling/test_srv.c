/* The order of a domain's servers. */
#include "signaling/core/srv.h"

static guint32
dice (guint32 max, gpointer user)
{
  return max > 0 ? g_rand_int (user) % (max + 1) : 0;
}

static void
test_priorities (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);

  for (guint n = 0; n < 100; n++)
    {
      SigSrv records[] = { { 30, 9, 5, "e" }, { 10, 0, 1, "a" }, { 20, 1, 3, "c" }, { 10, 9, 2, "b" } };

      sig_srv_order (records, G_N_ELEMENTS (records), dice, random);
      g_assert_cmpuint (records[0].priority, ==, 10);
      g_assert_cmpuint (records[1].priority, ==, 10);
      g_assert_cmpstr (records[0].target, !=, records[1].target);
      g_assert_cmpstr (records[2].target, ==, "c");
      g_assert_cmpstr (records[3].target, ==, "e");
    }
}

/* RFC 2782: 60, 30 and 10 of a hundred come first about that often. */
static void
test_weights (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  guint first[4] = { 0 };

  for (guint n = 0; n < 10000; n++)
    {
      SigSrv records[] = { { 1, 60, 0, "a" }, { 1, 30, 1, "b" }, { 1, 10, 2, "c" }, { 1, 0, 3, "d" } };

      sig_srv_order (records, G_N_ELEMENTS (records), dice, random);
      first[records[0].port]++;
    }
  g_assert_cmpuint (first[0], >, 5600);
  g_assert_cmpuint (first[0], <, 6400);
  g_assert_cmpuint (first[1], >, 2700);
  g_assert_cmpuint (first[1], <, 3300);
  g_assert_cmpuint (first[2], >, 800);
  g_assert_cmpuint (first[2], <, 1200);
  g_assert_cmpuint (first[3], <, 300); /* weightless: a very small chance */
  g_assert_cmpuint (first[3], >, 0);
}

static void
test_naptr (void)
{
  SigNaptr records[] = {
    { 20, 1, "s", "SIP+D2U", "_sip._udp.a" },
    { 10, 2, "S", "sip+d2t", "_sip._tcp.a" },
    { 10, 1, "s", "SIPS+D2T", "_sips._tcp.a" },
    { 5, 1, "u", "E2U+sip", "" },
    { 10, 3, "s", "SIP+D2U", "" },
    { 15, 1, "a", "SIP+D2U", "host" },
  };

  g_assert_cmpuint (sig_naptr_order (records, G_N_ELEMENTS (records), SIG_NAPTR_UDP | SIG_NAPTR_TCP), ==, 2);
  g_assert_cmpstr (records[0].replacement, ==, "_sip._tcp.a");
  g_assert_cmpstr (records[1].replacement, ==, "_sip._udp.a");
  g_assert_cmpuint (sig_naptr_order (records, 2, SIG_NAPTR_UDP), ==, 1);
  g_assert_cmpstr (records[0].replacement, ==, "_sip._udp.a");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/srv/priorities", test_priorities);
  g_test_add_func ("/signaling/srv/weights", test_weights);
  g_test_add_func ("/signaling/srv/naptr", test_naptr);
  return g_test_run ();
}
