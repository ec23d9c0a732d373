/* What a caller must prove, with extensions beside trunks. */
#include "gateway/core/access.h"

#include <string.h>

#include "config/base/error.h"

#define PHONES                                                                                               \
  "sip:\n  registrar: {enabled: true, users: [{username: alice, password: a-secret}, {username: bob, "       \
  "password: b-secret}]}\n"
#define PBX  "trunks:\n  - {name: pbx, direction: inbound, allowed_addresses: [192.0.2.0/24]}\n"
#define OPEN "trunks:\n  - {name: open, direction: inbound, numbers: [bob, \"1\"]}\n"
#define CARRIER                                                                                              \
  "trunks:\n  - {name: carrier, direction: inbound, auth_username: carrier, auth_password: c-secret}\n"

static const struct
{
  const char *name, *yaml, *caller, *source, *username;
  GwAccess access;
  const char *password; /* with PASSWORD */
} rows[] = {
  { "demo", "", "alice", "127.0.0.1", NULL, GW_ACCESS_OPEN, NULL },
  { "no registrar, no trunk for it", PBX, "alice", "198.51.100.1", "alice", GW_ACCESS_REFUSED, NULL },
  { "an extension that says nothing yet", PHONES, "alice", "127.0.0.1", NULL, GW_ACCESS_PASSWORD, NULL },
  { "an extension with credentials", PHONES, "alice", "127.0.0.1", "alice", GW_ACCESS_PASSWORD, "a-secret" },
  { "its credentials count, not its From", PHONES, "bob", "127.0.0.1", "alice", GW_ACCESS_PASSWORD,
    "a-secret" },
  { "an extension that there is not", PHONES, "dave", "127.0.0.1", "dave", GW_ACCESS_PASSWORD, NULL },
  { "a stranger looks like one", PHONES, "dave", "127.0.0.1", NULL, GW_ACCESS_PASSWORD, NULL },
  { "a stranger beside a trunk that is not his", PHONES PBX, "+1555", "198.51.100.1", NULL,
    GW_ACCESS_PASSWORD, NULL },
  { "a source of a trunk", PHONES PBX, "+1555", "192.0.2.7", NULL, GW_ACCESS_OPEN, NULL },
  { "whatever name it has", PHONES PBX, "alice", "192.0.2.7", NULL, GW_ACCESS_OPEN, NULL },
  { "a phone there that proves who it is", PHONES PBX, "alice", "192.0.2.7", "alice", GW_ACCESS_PASSWORD,
    "a-secret" },
  { "an open trunk takes strangers", PHONES OPEN, "+1555", "198.51.100.1", NULL, GW_ACCESS_OPEN, NULL },
  { "but nobody who says to be an extension", PHONES OPEN, "alice", "198.51.100.1", NULL, GW_ACCESS_PASSWORD,
    NULL },
  { "a trunk with a password", PHONES CARRIER, "+1555", "198.51.100.1", "carrier", GW_ACCESS_PASSWORD,
    "c-secret" },
  { "of which an extension's is not one", PHONES CARRIER, "alice", "198.51.100.1", "alice",
    GW_ACCESS_PASSWORD, "a-secret" },
  { "without a registrar users are none",
    "sip:\n  registrar: {enabled: false, users: [{username: alice, password: a-secret}]}\n" PBX, "alice",
    "198.51.100.1", "alice", GW_ACCESS_REFUSED, NULL },
};

static CfgSettings *
parse (const char *yaml)
{
  g_autoptr (GError) error = NULL;
  CfgSettings *settings = cfg_settings_parse (yaml, strlen (yaml), "test", &error);

  g_assert_no_error (error);
  return settings;
}

static void
test_calls (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (CfgSettings) settings = parse (rows[i].yaml);
      g_autoptr (GError) error = NULL;
      const GwDispatchFacts facts
          = { .called = "bob", .caller = rows[i].caller, .source_address = rows[i].source };
      const char *password = "not set";

      g_test_message ("%s", rows[i].name);
      g_assert_cmpint (gw_access_call (settings, &facts, rows[i].username, &password, &error), ==,
                       rows[i].access);
      g_assert_cmpstr (password, ==, rows[i].password);
      g_assert_true ((error != NULL) == (rows[i].access == GW_ACCESS_REFUSED));
    }
}

static void
test_registers (void)
{
  g_autoptr (CfgSettings) demo = parse (""), phones = parse (PHONES OPEN);
  const char *password = NULL;

  g_assert_cmpint (gw_access_register (demo, NULL, &password), ==, GW_ACCESS_OPEN);
  g_assert_cmpint (gw_access_register (phones, NULL, &password), ==, GW_ACCESS_PASSWORD);
  g_assert_null (password);
  g_assert_cmpint (gw_access_register (phones, "dave", &password), ==, GW_ACCESS_PASSWORD);
  g_assert_null (password);
  g_assert_cmpint (gw_access_register (phones, "bob", &password), ==, GW_ACCESS_PASSWORD);
  g_assert_cmpstr (password, ==, "b-secret");
}

/* An extension comes through no trunk: rules that name one are not for it. */
static void
test_rules_for_extensions (void)
{
  g_autoptr (CfgSettings) settings
      = parse (PHONES OPEN "dispatch_rules:\n  - {trunks: [open], type: direct, room: mine}\n"
                           "  - {type: direct, room: all}\n");
  const GwDispatchFacts alice
      = { .called = "1", .caller = "alice", .source_address = "127.0.0.1", .username = "alice" };
  const GwDispatchFacts stranger = { .called = "1", .caller = "x", .source_address = "127.0.0.1" };
  g_auto (GwDispatch) of_alice = { 0 }, of_stranger = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_true (gw_dispatch (settings, &alice, &of_alice, &error));
  g_assert_cmpstr (of_alice.room, ==, "all");
  g_assert_null (of_alice.trunk_id);
  g_assert_true (gw_dispatch (settings, &stranger, &of_stranger, &error));
  g_assert_cmpstr (of_stranger.room, ==, "mine");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/access/calls", test_calls);
  g_test_add_func ("/gateway/access/registers", test_registers);
  g_test_add_func ("/gateway/access/rules_for_extensions", test_rules_for_extensions);
  return g_test_run ();
}
