#include "config/base/address.h"

static void
ranges_contain_what_they_should (void)
{
  static const struct
  {
    const char *range, *address;
    gboolean contained;
  } rows[] = {
    { "54.172.60.0/30", "54.172.60.3", TRUE },
    { "54.172.60.0/30", "54.172.60.4", FALSE },
    { "54.172.60.2/30", "54.172.60.1", TRUE }, /* bits behind the prefix are ignored */
    { "192.0.2.7", "192.0.2.7", TRUE },
    { "192.0.2.7", "192.0.2.8", FALSE },
    { "192.0.2.7", "::ffff:192.0.2.7", TRUE },
    { "0.0.0.0/0", "203.0.113.9", TRUE },
    { "0.0.0.0/0", "2001:db8::1", FALSE },
    { "2001:db8::/33", "2001:db8:7fff::1", TRUE },
    { "2001:db8::/33", "2001:db8:8000::1", FALSE },
    { "fe80::/10", "fe80::1%eth0", TRUE },
    { "::1", "::1", TRUE },
    { "::1", "127.0.0.1", FALSE },
    { "10.0.0.0/8", "not an address", FALSE },
    { "10.0.0.0/8", "", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      CfgAddressRange range;

      g_test_message ("%s in %s", rows[i].address, rows[i].range);
      g_assert_true (cfg_address_range_parse (rows[i].range, &range));
      g_assert_cmpint (cfg_address_range_contains (&range, rows[i].address), ==, rows[i].contained);
    }
}

static void
refuses_what_is_no_range (void)
{
  static const char *const rows[] = { "",
                                      "/",
                                      "/8",
                                      "10.0.0.0/",
                                      "10.0.0.0/33",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/+8",
                                      "10.0.0.0/8x",
                                      "10.0.0",
                                      "010.0.0.256",
                                      "example.com",
                                      "[::1]",
                                      "::1/129",
                                      "10.0.0.1:5060",
                                      "10.0.0.0 /8",
                                      "1.2.3.4%x",
                                      "::1%lo",
                                      "2001:db8::/32/32",
                                      "::ffff:1.2.3.4:5",
                                      "*" };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      CfgAddressRange range;

      g_test_message ("%s", rows[i]);
      g_assert_false (cfg_address_range_parse (rows[i], &range));
    }
}

static void
numeric_addresses (void)
{
  g_assert_true (cfg_address_is_numeric ("127.0.0.1"));
  g_assert_true (cfg_address_is_numeric ("::"));
  g_assert_false (cfg_address_is_numeric ("localhost"));
  g_assert_false (cfg_address_is_numeric ("10.0.0.0/8"));
  g_assert_false (cfg_address_is_numeric (""));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/address/ranges_contain_what_they_should", ranges_contain_what_they_should);
  g_test_add_func ("/config/address/refuses_what_is_no_range", refuses_what_is_no_range);
  g_test_add_func ("/config/address/numeric_addresses", numeric_addresses);
  return g_test_run ();
}
