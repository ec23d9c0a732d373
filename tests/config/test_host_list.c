/* Lists of hosts in the configuration. */
#include "config/base/host_list.h"

typedef struct
{
  const char *pattern, *host;
  guint16 port;
  gboolean fits;
} Case;

static const Case cases[] = {
  { "pbx.example", "pbx.example", 0, TRUE },
  { "pbx.example", "PBX.Example.", 5060, TRUE },
  { "pbx.example", "pbx.example", 5070, TRUE },
  { "pbx.example", "pbx.example.evil", 0, FALSE },
  { "pbx.example", "evilpbx.example", 0, FALSE },
  { "pbx.example:5070", "pbx.example", 5070, TRUE },
  { "pbx.example:5070", "pbx.example", 0, FALSE },
  { "pbx.example:5060", "pbx.example", 0, TRUE },
  { "*.example", "a.example", 0, TRUE },
  { "*.example", "a.b.example", 0, TRUE },
  { "*.example", "example", 0, FALSE },
  { "*.example", "aexample", 0, FALSE },
  { "192.0.2.0/24", "192.0.2.77", 5080, TRUE },
  { "192.0.2.0/24", "192.0.3.1", 0, FALSE },
  { "192.0.2.7", "192.0.2.7", 0, TRUE },
  { "192.0.2.7:5070", "192.0.2.7", 5070, TRUE },
  { "192.0.2.7:5070", "192.0.2.7", 5060, FALSE },
  { "192.0.2.7", "192.0.2.70", 0, FALSE },
  { "0.0.0.0/0", "pbx.example", 0, FALSE }, /* a name is never looked up */
  { "2001:db8::/32", "2001:db8::5", 0, TRUE },
  { "[2001:db8::5]:5070", "2001:db8::5", 5070, TRUE },
  { "[2001:db8::5]:5070", "2001:db8::5", 5060, FALSE },
  { "pbx.example", "", 0, FALSE },
};

static void
test_contains (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *list[] = { "nobody.invalid", cases[i].pattern, NULL };

      g_test_message ("%s: %s:%u", cases[i].pattern, cases[i].host, cases[i].port);
      g_assert_true (cfg_host_pattern_is_valid (cases[i].pattern));
      g_assert_cmpint (cfg_host_list_contains (list, cases[i].host, cases[i].port), ==, cases[i].fits);
    }
  g_assert_false (cfg_host_list_contains (NULL, "pbx.example", 0));
}

static void
test_bad_patterns (void)
{
  static const char *const bad[] = { "",   "*",    "*.",  "a b",    "sip:a",      "a:0", "a:65536",
                                     "a:", "[::1", "[a]", "[::1]x", "1.2.3.4/33", "-a" };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_test_message ("%s", bad[i]);
      g_assert_false (cfg_host_pattern_is_valid (bad[i]));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/host_list/contains", test_contains);
  g_test_add_func ("/config/host_list/bad_patterns", test_bad_patterns);
  return g_test_run ();
}
