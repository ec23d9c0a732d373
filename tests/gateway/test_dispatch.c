#include "gateway/core/dispatch.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/ids.h"

typedef struct
{
  const char *name, *yaml, *called, *source;
  const char *room; /* NULL: refused with @code; ends in *: begins with */
  CfgErrorCode code;
  const char *trunk;
} Row;

#define TWO_TRUNKS                                                                                           \
  "trunks:\n"                                                                                                \
  "  - {name: a, direction: inbound, numbers: [\"+15551\"], allowed_addresses: [192.0.2.0/24]}\n"            \
  "  - {name: b, direction: inbound, allowed_addresses: [198.51.100.7, \"2001:db8::/32\"]}\n"

static const Row rows[] = {
  { "demo", "", "lobby", "127.0.0.1", "lobby", 0, NULL },
  { "demo without a name", "", "", "127.0.0.1", NULL, CFG_ERROR_NOT_FOUND, NULL },
  { "number of the trunk", TWO_TRUNKS, "+15551", "192.0.2.9", "+15551", 0, "a" },
  { "number without its plus", TWO_TRUNKS, "15551", "192.0.2.9", "15551", 0, "a" },
  { "number with separators", TWO_TRUNKS, "+1 (5) 5-5.1", "192.0.2.9", "+1 (5) 5-5.1", 0, "a" },
  { "number with more behind the separator", TWO_TRUNKS, "1555-1-", "192.0.2.9", "1555-1-", 0, "a" },
  { "number that goes on", TWO_TRUNKS, "+1555-12", "192.0.2.9", NULL, CFG_ERROR_NOT_FOUND, NULL },
  { "number cut short", TWO_TRUNKS, "+1555-", "192.0.2.9", NULL, CFG_ERROR_NOT_FOUND, NULL },
  { "other number", TWO_TRUNKS, "+15552", "192.0.2.9", NULL, CFG_ERROR_NOT_FOUND, NULL },
  { "any number", TWO_TRUNKS, "+999", "198.51.100.7", "+999", 0, "b" },
  { "address beyond the range", TWO_TRUNKS, "+15551", "192.0.3.9", NULL, CFG_ERROR_PERMISSION_DENIED, NULL },
  { "address that begins alike", TWO_TRUNKS, "+15551", "198.51.100.77", NULL, CFG_ERROR_PERMISSION_DENIED,
    NULL },
  { "IPv6", TWO_TRUNKS, "x", "2001:db8:1::5", "x", 0, "b" },
  { "mapped IPv4", TWO_TRUNKS, "x", "::ffff:198.51.100.7", "x", 0, "b" },
  { "rule of the trunk before the general one",
    TWO_TRUNKS
    "dispatch_rules:\n  - {type: direct, room: all}\n  - {trunks: [b], type: direct, room: mine}\n",
    "x", "198.51.100.7", "mine", 0, "b" },
  { "general rule",
    TWO_TRUNKS
    "dispatch_rules:\n  - {type: direct, room: all}\n  - {trunks: [b], type: direct, room: mine}\n",
    "+15551", "192.0.2.1", "all", 0, "a" },
  { "no rule for the trunk", TWO_TRUNKS "dispatch_rules:\n  - {trunks: [b], type: direct, room: mine}\n",
    "+15551", "192.0.2.1", NULL, CFG_ERROR_NOT_FOUND, NULL },
  { "callee with a prefix", TWO_TRUNKS "dispatch_rules:\n  - {type: callee, room_prefix: \"n-\"}\n", "+15551",
    "192.0.2.1", "n-+15551", 0, "a" },
  { "individual", TWO_TRUNKS "dispatch_rules:\n  - {type: individual, room_prefix: call}\n", "+15551",
    "192.0.2.1", "call_caller_*", 0, "a" },
  { "both ways: credentials are for calling out",
    "trunks:\n  - {name: t, numbers: [\"1\"], outbound_address: sip.example, auth_username: u, "
    "auth_password: p}\n",
    "1", "192.0.2.1", "1", 0, "t" },
  { "credentials that were not proved",
    "trunks:\n  - {name: t, numbers: [\"1\"], auth_username: u, auth_password: p}\n", "1", "192.0.2.1", NULL,
    CFG_ERROR_PERMISSION_DENIED, NULL },
  { "a caller that is allowed",
    "trunks:\n  - {name: t, numbers: [\"1\"], allowed_numbers: [other, caller]}\n", "1", "192.0.2.1", "1", 0,
    "t" },
  { "a caller that is not", "trunks:\n  - {name: t, numbers: [\"1\"], allowed_numbers: [other]}\n", "1",
    "192.0.2.1", NULL, CFG_ERROR_PERMISSION_DENIED, NULL },
  { "an outbound trunk takes no calls", "trunks:\n  - {name: t, outbound_address: sip.example}\n", "1",
    "192.0.2.1", NULL, CFG_ERROR_PERMISSION_DENIED, NULL },
};

static void
check_room (const char *expected, const char *room)
{
  gsize size = strlen (expected);

  if (expected[size - 1] == '*')
    g_assert_true (strncmp (expected, room, size - 1) == 0 && strlen (room) > size);
  else
    g_assert_cmpstr (room, ==, expected);
}

static void
test_table (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const Row *row = &rows[i];
      const GwDispatchFacts facts
          = { .called = row->called, .caller = "caller", .source_address = row->source };
      g_autoptr (GError) error = NULL;
      g_autoptr (CfgSettings) settings
          = cfg_settings_parse (row->yaml, strlen (row->yaml), "test.yaml", &error);
      g_auto (GwDispatch) result = { 0 };

      g_test_message ("%s", row->name);
      g_assert_no_error (error);
      if (gw_dispatch (settings, &facts, &result, &error))
        {
          g_assert_nonnull (row->room);
          check_room (row->room, result.room);
          g_assert_cmpstr (result.trunk != NULL ? result.trunk->name : NULL, ==, row->trunk);
          g_assert_true (g_str_has_prefix (result.rule_id, "SDR_"));
        }
      else
        {
          g_assert_null (row->room);
          g_assert_error (error, CFG_ERROR, (int)row->code);
        }
    }
}

static void
test_ids_are_stable (void)
{
  g_autofree char *a = cfg_id_stable ("ST_", "twilio"), *b = cfg_id_stable ("ST_", "twilio"),
                  *c = cfg_id_stable ("ST_", "telnyx");

  g_assert_cmpstr (a, ==, b);
  g_assert_cmpstr (a, !=, c);
  g_assert_cmpuint (strlen (a), ==, 15);
}

#define ONE_TRUNK        "trunks:\n  - {name: t, numbers: [\"100\", \"200\"]}\n  - {name: u, numbers: [\"300\"]}\n"
#define RULE(name, what) "  - {name: " name ", room: " name ", type: direct" what "}\n"
#define CALLER_7         ", inbound_numbers: [\"+7\"]"
#define NUMBER_1         ", numbers: [\"100\"]"
#define TRUNK_T          ", trunks: [t]"
#define PIN(pin)         ", pin: \"" pin "\""

/* In pairs: what is named first goes first, wherever it stands in the file. */
static const struct
{
  const char *name, *first, *second, *caller, *called;
  const char *winner; /* of the two rules "first" and "second"; NULL: no rule */
} order[] = {
  { "trunk before inbound_numbers", TRUNK_T, CALLER_7, "7", "100", "first" },
  { "trunk before numbers", TRUNK_T, NUMBER_1, "7", "100", "first" },
  { "trunk before PIN", TRUNK_T, PIN ("1"), "7", "100", "first" },
  { "trunk before all of them", TRUNK_T, CALLER_7 NUMBER_1 PIN ("1"), "7", "100", "first" },
  { "inbound_numbers before numbers", CALLER_7, NUMBER_1, "+7", "100", "first" },
  { "inbound_numbers before PIN", CALLER_7, PIN ("1"), "7", "100", "first" },
  { "inbound_numbers before numbers and PIN", CALLER_7, NUMBER_1 PIN ("1"), "7", "100", "first" },
  { "numbers before PIN", NUMBER_1, PIN ("1"), "7", "100", "first" },
  { "PIN before none", PIN ("1"), "", "7", "100", "first" },
  { "trunk and PIN before trunk", TRUNK_T PIN ("1"), TRUNK_T, "7", "100", "first" },
  { "both for the trunk: callers decide", TRUNK_T CALLER_7, TRUNK_T PIN ("1"), "7", "100", "first" },
  { "direct before individual", ", type_direct", ", type_individual", "7", "100", "first" },
  { "direct before callee", ", type_direct", ", type_callee", "7", "100", "first" },
  { "individual before callee", ", type_individual", ", type_callee", "7", "100", "first" },
  { "PIN before direct", ", type_callee" PIN ("1"), ", type_direct", "7", "100", "first" },
  { "other trunk", TRUNK_T, CALLER_7, "7", "300", "second" },
  { "other caller", CALLER_7, PIN ("1"), "8", "100", "second" },
  { "other number", NUMBER_1, "", "7", "200", "second" },
  { "no rule", TRUNK_T, CALLER_7, "8", "300", NULL },
  { "a number that begins alike", CALLER_7, TRUNK_T NUMBER_1, "77", "200", NULL },
};

static void
append_rule (GString *yaml, const char *name, const char *keys)
{
  const char *type = strstr (keys, ", type_"), *word = type != NULL ? type + 7 : "direct";
  const int size = (int)strcspn (word, ",");

  g_string_append_printf (yaml, "  - {name: %s, %s: r, type: %.*s%s}\n", name,
                          strncmp (word, "direct", (gsize)size) == 0 ? "room" : "room_prefix", size, word,
                          type != NULL ? word + size : keys);
}

static void
check_precedence (gsize row, gboolean swapped)
{
  const GwDispatchFacts facts
      = { .called = order[row].called, .caller = order[row].caller, .source_address = "192.0.2.1" };
  g_autoptr (GString) yaml = g_string_new (ONE_TRUNK "dispatch_rules:\n");
  g_autoptr (CfgSettings) settings = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GwDispatch) result = { 0 };

  if (!swapped)
    append_rule (yaml, "first", order[row].first);
  append_rule (yaml, "second", order[row].second);
  if (swapped)
    append_rule (yaml, "first", order[row].first);
  g_test_message ("%s\n%s", order[row].name, yaml->str);
  settings = cfg_settings_parse (yaml->str, yaml->len, "test.yaml", &error);
  g_assert_no_error (error);
  g_assert_cmpint (gw_dispatch (settings, &facts, &result, NULL), ==, order[row].winner != NULL);
  if (order[row].winner == NULL)
    return;
  g_assert_cmpstr (result.rule->name, ==, order[row].winner);
  /* Which room is for nobody to know before the PIN. */
  g_assert_cmpint (result.room == NULL, ==, result.rule->pin != NULL);
  g_assert_cmpint (result.rule_id == NULL, ==, result.rule->pin != NULL);
}

static void
test_precedence (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (order); i++)
    {
      check_precedence (i, FALSE);
      check_precedence (i, TRUE);
    }
}

static void
test_pin (void)
{
  static const char yaml[] = ONE_TRUNK "dispatch_rules:\n"                        /* */
      RULE ("open", "") RULE ("all", PIN ("11")) RULE ("own", TRUNK_T PIN ("22")) /* */
      RULE ("same", TRUNK_T PIN ("11")) RULE ("long", PIN ("1234567890123456"))   /* */
      RULE ("seven", CALLER_7 PIN ("33")) "  - {type: callee, room_prefix: n, pin: \"44\"}\n";
  static const struct
  {
    const char *trunk, *called, *pin, *room;
  } pins[] = {
    { "t", "100", "22", "own" },
    { "u", "300", "22", NULL }, /* of the other trunk */
    { "t", "100", "11", "same" },
    { "u", "300", "11", "all" },
    { "gone", "300", "11", "all" },
    { "t", "100", "33", "seven" },
    { "t", "100", "44", "n100" },
    { "t", "100", "1234567890123456", "long" },
    { "t", "100", "12345678901234567", NULL },
    { "t", "100", "123456789012345", NULL },
    { "t", "100", "1", NULL },
    { "t", "100", "111", NULL },
    { "t", "100", "", NULL }, /* never the open one */
    { "t", "100", "23", NULL },
  };
  g_autoptr (CfgSettings) settings = cfg_settings_parse (yaml, strlen (yaml), "t", NULL);

  g_assert_nonnull (settings);
  for (gsize i = 0; i < G_N_ELEMENTS (pins); i++)
    {
      const GwDispatchFacts facts
          = { .called = pins[i].called, .caller = "7", .source_address = "192.0.2.1" };
      g_auto (GwDispatch) result = { 0 };
      g_autoptr (GError) error = NULL;

      g_test_message ("row %u", (guint)i);
      g_assert_cmpint (gw_dispatch_pin (settings, &facts, pins[i].trunk, pins[i].pin, &result, &error), ==,
                       pins[i].room != NULL);
      g_assert_cmpstr (result.room, ==, pins[i].room);
      if (pins[i].room == NULL)
        g_assert_error (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED);
    }
}

/* inbound_numbers look at whom a trusted network names, also when nobody shall see it. */
static void
test_trusted_caller (void)
{
  static const char yaml[] = "trunks:\n  - {name: t, numbers: [\"100\"], allowed_addresses: [192.0.2.1], "
                             "trust_id_inbound: true}\n"
                             "  - {name: u, numbers: [\"200\"]}\n"
                             "dispatch_rules:\n" RULE ("all", "") RULE ("seven", CALLER_7)
                                 RULE ("secret", CALLER_7 NUMBER_1 PIN ("1234"));
  g_autoptr (CfgSettings) settings = cfg_settings_parse (yaml, strlen (yaml), "t", NULL);
  GwDispatchFacts facts = { .called = "200", .caller = "8", .asserted = "+7", .source_address = "192.0.2.1" };
  g_auto (GwDispatch) of_u = { 0 }, of_t = { 0 }, by_pin = { 0 };

  g_assert_nonnull (settings);
  g_assert_true (gw_dispatch (settings, &facts, &of_u, NULL));
  g_assert_cmpstr (of_u.room, ==, "all");
  facts.called = "100";
  facts.is_private = TRUE;
  g_assert_true (gw_dispatch (settings, &facts, &of_t, NULL));
  g_assert_null (of_t.room);
  g_assert_cmpstr (of_t.rule->name, ==, "secret");
  g_assert_true (gw_dispatch_pin (settings, &facts, "t", "1234", &by_pin, NULL));
  g_assert_cmpstr (by_pin.room, ==, "secret");
  g_assert_cmpstr (by_pin.caller, ==, "anonymous");
}

#define WITH_PASSWORDS                                                                                       \
  "trunks:\n"                                                                                                \
  "  - {name: a, numbers: [\"1\"], auth_username: ua, auth_password: pa}\n"                                  \
  "  - {name: b, numbers: [\"1\"], auth_username: ub, auth_password: pb}\n"                                  \
  "  - {name: c, numbers: [\"1\", \"2\"], allowed_addresses: [192.0.2.0/24]}\n"                              \
  "  - {name: d, numbers: [\"3\"], auth_username: ud, auth_password: pd, allowed_numbers: [\"+7\"]}\n"

/* Before anything is kept: who needs a password, which one, and which trunk it opens. */
static void
test_access (void)
{
  static const struct
  {
    const char *called, *caller, *source, *username;
    GwAccess access;
    const char *password;
    CfgErrorCode code;
    const char *trunk; /* once the user name is proved */
  } access_rows[] = {
    { "1", "x", "198.51.100.1", NULL, GW_ACCESS_PASSWORD, NULL, 0, NULL },
    { "1", "x", "198.51.100.1", "ua", GW_ACCESS_PASSWORD, "pa", 0, "a" },
    { "1", "x", "198.51.100.1", "ub", GW_ACCESS_PASSWORD, "pb", 0, "b" },
    { "1", "x", "198.51.100.1", "ud", GW_ACCESS_PASSWORD, NULL, 0, NULL }, /* of another trunk */
    { "1", "x", "198.51.100.1", "nobody", GW_ACCESS_PASSWORD, NULL, 0, NULL },
    { "1", "x", "192.0.2.1", NULL, GW_ACCESS_OPEN, NULL, 0, "c" }, /* its address is enough */
    { "2", "x", "192.0.2.1", NULL, GW_ACCESS_OPEN, NULL, 0, "c" },
    { "2", "x", "198.51.100.1", "ua", GW_ACCESS_REFUSED, NULL, CFG_ERROR_NOT_FOUND, NULL },
    { "9", "x", "198.51.100.1", NULL, GW_ACCESS_REFUSED, NULL, CFG_ERROR_NOT_FOUND, NULL },
    { "3", "7", "198.51.100.1", "ud", GW_ACCESS_PASSWORD, "pd", 0, "d" },
    { "3", "8", "198.51.100.1", "ud", GW_ACCESS_REFUSED, NULL, CFG_ERROR_PERMISSION_DENIED, NULL },
  };
  g_autoptr (CfgSettings) settings = cfg_settings_parse (WITH_PASSWORDS, strlen (WITH_PASSWORDS), "t", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (access_rows); i++)
    {
      const GwDispatchFacts facts
          = { .called = access_rows[i].called,
              .caller = access_rows[i].caller,
              .source_address = access_rows[i].source,
              .username = access_rows[i].password != NULL ? access_rows[i].username : NULL };
      g_auto (GwDispatch) dispatch = { 0 };
      g_autoptr (GError) error = NULL;
      const char *password;

      g_test_message ("row %u", i);
      g_assert_cmpint (gw_dispatch_access (settings, &facts, access_rows[i].username, &password, &error), ==,
                       access_rows[i].access);
      g_assert_cmpstr (password, ==, access_rows[i].password);
      if (access_rows[i].access == GW_ACCESS_REFUSED)
        g_assert_error (error, CFG_ERROR, (int)access_rows[i].code);
      g_assert_cmpint (gw_dispatch (settings, &facts, &dispatch, NULL), ==, access_rows[i].trunk != NULL);
      g_assert_cmpstr (dispatch.trunk != NULL ? dispatch.trunk->name : NULL, ==, access_rows[i].trunk);
    }
}

#define WITH_TARGETS                                                                                         \
  "trunks:\n"                                                                                                \
  "  - {name: rooms, allowed_addresses: [192.0.2.0/24], numbers: [\"1\", \"2\"]}\n"                          \
  "  - {name: edge, allowed_addresses: [192.0.2.0/24], numbers: [\"1\", \"3\"],\n"                           \
  "     allowed_targets: [pbx.example.com, \"*.example.net\", 198.51.100.0/24, \"host.example:5070\"]}\n"    \
  "  - {name: users, numbers: [\"4\"], auth_username: u, auth_password: p, allowed_targets: "                \
  "[pbx.example.com]}\n"

static const struct
{
  const char *called, *host;
  guint16 port;
  const char *username;
  gboolean is_routed;
  const char *trunk; /* NULL: refused with @code */
  CfgErrorCode code;
} routes[] = {
  { "1", NULL, 0, NULL, FALSE, "rooms", 0 }, /* ours */
  { "3", NULL, 0, NULL, FALSE, "edge", 0 },
  { "1", "pbx.example.com", 0, NULL, TRUE, "edge", 0 }, /* though the trunk before takes it */
  { "1", "PBX.example.com.", 5080, NULL, TRUE, "edge", 0 },
  { "1", "a.example.net", 0, NULL, TRUE, "edge", 0 },
  { "1", "198.51.100.7", 5070, NULL, TRUE, "edge", 0 },
  { "1", "host.example", 5070, NULL, TRUE, "edge", 0 },
  { "2", "pbx.example.com", 0, NULL, FALSE, "rooms", 0 }, /* a trunk that routes nothing: a name of ours */
  { "1", "elsewhere.example", 0, NULL, FALSE, "rooms", 0 },
  { "3", "elsewhere.example", 0, NULL, FALSE, NULL, CFG_ERROR_PERMISSION_DENIED },
  { "3", "host.example", 5060, NULL, FALSE, NULL, CFG_ERROR_PERMISSION_DENIED },
  { "3", "evilexample.net", 0, NULL, FALSE, NULL, CFG_ERROR_PERMISSION_DENIED },
  { "3", "198.51.101.7", 0, NULL, FALSE, NULL, CFG_ERROR_PERMISSION_DENIED },
  { "4", "pbx.example.com", 0, NULL, FALSE, NULL, CFG_ERROR_PERMISSION_DENIED },
  { "4", "pbx.example.com", 0, "u", TRUE, "users", 0 },
  { "4", "a.example.net", 0, "u", FALSE, NULL, CFG_ERROR_PERMISSION_DENIED },
  { "9", "pbx.example.com", 0, NULL, FALSE, NULL, CFG_ERROR_NOT_FOUND },
};

/* Which calls leave for another host: only those of a trunk that says so, and never by a trunk's secret that
 * the caller has not proved. */
static void
test_routes (void)
{
  g_autoptr (GError) parse_error = NULL;
  g_autoptr (CfgSettings) settings
      = cfg_settings_parse (WITH_TARGETS, strlen (WITH_TARGETS), "t", &parse_error);

  g_assert_no_error (parse_error);
  for (guint i = 0; i < G_N_ELEMENTS (routes); i++)
    {
      const GwDispatchFacts facts = { .called = routes[i].called,
                                      .caller = "caller",
                                      .source_address = "192.0.2.7",
                                      .username = routes[i].username,
                                      .foreign_host = routes[i].host,
                                      .foreign_port = routes[i].port };
      g_auto (GwDispatch) dispatch = { 0 };
      g_autoptr (GError) error = NULL;
      const char *password;
      GwAccess access = gw_dispatch_access (settings, &facts, "u", &password, NULL);

      g_test_message ("row %u", i);
      g_assert_cmpint (gw_dispatch (settings, &facts, &dispatch, &error), ==, routes[i].trunk != NULL);
      g_assert_cmpstr (dispatch.trunk != NULL ? dispatch.trunk->name : NULL, ==, routes[i].trunk);
      g_assert_cmpint (dispatch.is_routed, ==, routes[i].is_routed);
      if (routes[i].trunk == NULL)
        g_assert_error (error, CFG_ERROR, (int)routes[i].code);
      if (routes[i].is_routed)
        g_assert_true (g_str_has_prefix (dispatch.room, "route_") && dispatch.rule == NULL);
      /* who must prove a name is asked for it before */
      if (g_strcmp0 (routes[i].trunk, "users") == 0)
        g_assert_cmpint (access, ==, GW_ACCESS_PASSWORD);
      else if (routes[i].trunk != NULL)
        g_assert_cmpint (access, ==, GW_ACCESS_OPEN);
    }
}

/* Two calls to the same host are in two rooms. */
static void
test_routes_have_rooms_of_their_own (void)
{
  const GwDispatchFacts facts
      = { .called = "1", .caller = "c", .source_address = "192.0.2.7", .foreign_host = "pbx.example.com" };
  g_autoptr (CfgSettings) settings = cfg_settings_parse (WITH_TARGETS, strlen (WITH_TARGETS), "t", NULL);
  g_auto (GwDispatch) one = { 0 }, other = { 0 };

  g_assert_true (gw_dispatch (settings, &facts, &one, NULL));
  g_assert_true (gw_dispatch (settings, &facts, &other, NULL));
  g_assert_cmpstr (one.room, !=, other.room);
}

static void
check_caller (const char *trunk, const char *asserted, gboolean is_private, const char *wanted)
{
  g_autofree char *text = g_strdup_printf ("trunks: [{name: t, numbers: [\"1\"]%s}]", trunk);
  g_autoptr (CfgSettings) settings = cfg_settings_parse (text, strlen (text), "t", NULL);
  const GwDispatchFacts facts = { .called = "1",
                                  .caller = "from",
                                  .source_address = "192.0.2.1",
                                  .username = "u",
                                  .asserted = asserted,
                                  .is_private = is_private };
  g_auto (GwDispatch) result = { 0 };

  g_assert_nonnull (settings);
  g_assert_true (gw_dispatch (settings, &facts, &result, NULL));
  g_assert_cmpstr (result.caller, ==, wanted);
}

/* Anybody can write P-Asserted-Identity: it counts where a network of ours wrote it. */
static void
a_network_is_believed_where_it_is_trusted (void)
{
  check_caller ("", "+1555", FALSE, "from");
  check_caller (", trust_id_inbound: true", "+1555", FALSE, "+1555");
  check_caller (", trust_id_inbound: true", NULL, FALSE, "from");
  check_caller (", trust_id_inbound: true", "", FALSE, "from");
  check_caller (", allowed_addresses: [192.0.2.0/24]", "+1555", FALSE, "+1555");
  check_caller (", allowed_addresses: [192.0.2.0/24], trust_id_inbound: false", "+1555", FALSE, "from");
  check_caller (", auth_username: u, auth_password: p", "+1555", FALSE, "+1555");
  check_caller (", direction: both, outbound_address: h, register: true, from_user: u", "+1555", FALSE,
                "from");
  check_caller (", allowed_addresses: [192.0.2.0/24]", "+1555", TRUE, "anonymous");
  check_caller ("", NULL, TRUE, "anonymous");
}

/* A call over a registration of ours is for that trunk, whatever its number and address. */
static void
calls_over_a_registration (void)
{
  static const char text[]
      = "trunks:\n"
        "  - {name: in, direction: inbound, numbers: [\"1\"], allowed_addresses: [192.0.2.1]}\n"
        "  - {name: reg, outbound_address: sip.example, register: true, auth_username: me, auth_password: "
        "p,\n"
        "     numbers: [\"+15550100\"], allowed_numbers: [friend]}\n";
  g_autoptr (CfgSettings) settings = cfg_settings_parse (text, strlen (text), "t", NULL);
  const struct
  {
    const char *registration, *called, *caller, *trunk, *number;
  } table[] = {
    { "reg", "+15550999", "friend", "reg", "+15550999" },
    { "reg", "me", "friend", "reg", "+15550100" },
    { "reg", "", "friend", "reg", "+15550100" },
    { "reg", "+15550999", "foe", NULL, "+15550999" },
    { "reg", "1", "friend", "in", "1" }, /* the first that fits in file order */
    { NULL, "+15550100", "friend", NULL, "+15550100" },
    { "gone", "+15550100", "friend", NULL, "+15550100" },
  };

  g_assert_nonnull (settings);
  g_assert_cmpint (settings->trunks[1].direction, ==, CFG_TRUNK_OUTBOUND);
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      const char *called = gw_dispatch_called (settings, table[i].registration, table[i].called), *password;
      const GwDispatchFacts facts = { .called = called,
                                      .caller = table[i].caller,
                                      .source_address = "192.0.2.1",
                                      .registration = table[i].registration };
      g_auto (GwDispatch) result = { 0 };

      g_test_message ("row %u", i);
      g_assert_cmpstr (called, ==, table[i].number);
      g_assert_cmpint (gw_dispatch (settings, &facts, &result, NULL), ==, table[i].trunk != NULL);
      g_assert_cmpstr (result.trunk != NULL ? result.trunk->name : NULL, ==, table[i].trunk);
      g_assert_cmpint (gw_dispatch_access (settings, &facts, NULL, &password, NULL), ==,
                       table[i].trunk != NULL ? GW_ACCESS_OPEN : GW_ACCESS_REFUSED);
    }
}

/* Text and subscriptions: the same way as a call, but for rooms that ask for a PIN. */
static void
rooms_of_what_is_no_call (void)
{
  static const char text[]
      = "trunks:\n  - {name: in, numbers: ['1', '2', '3'], allowed_addresses: [192.0.2.1]}\n"
        "dispatch_rules:\n  - {type: direct, numbers: ['1'], room: open}\n"
        "  - {type: direct, numbers: ['2'], room: closed, pin: '1234'}\n";
  static const struct
  {
    const char *called, *source;
    int status;
    const char *room;
  } table[] = {
    { "1", "192.0.2.1", 200, "open" }, { "2", "192.0.2.1", 403, NULL }, { "3", "192.0.2.1", 404, NULL },
    { "4", "192.0.2.1", 404, NULL },   { "1", "192.0.2.2", 403, NULL },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (CfgSettings) settings = cfg_settings_parse (text, sizeof text - 1, "x", &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      const GwDispatchFacts facts
          = { .called = table[i].called, .caller = "5", .source_address = table[i].source };
      g_autofree char *room = NULL;

      g_test_message ("row %u", i);
      g_assert_cmpint (gw_dispatch_room (settings, &facts, &room), ==, table[i].status);
      g_assert_cmpstr (room, ==, table[i].room);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/dispatch/table", test_table);
  g_test_add_func ("/gateway/dispatch/precedence", test_precedence);
  g_test_add_func ("/gateway/dispatch/pin", test_pin);
  g_test_add_func ("/gateway/dispatch/trusted_caller", test_trusted_caller);
  g_test_add_func ("/gateway/dispatch/ids_are_stable", test_ids_are_stable);
  g_test_add_func ("/gateway/dispatch/access", test_access);
  g_test_add_func ("/gateway/dispatch/routes", test_routes);
  g_test_add_func ("/gateway/dispatch/routes_have_rooms_of_their_own", test_routes_have_rooms_of_their_own);
  g_test_add_func ("/gateway/dispatch/calls_over_a_registration", calls_over_a_registration);
  g_test_add_func ("/gateway/dispatch/a_network_is_believed_where_it_is_trusted",
                   a_network_is_believed_where_it_is_trusted);
  g_test_add_func ("/gateway/dispatch/rooms_of_what_is_no_call", rooms_of_what_is_no_call);
  return g_test_run ();
}
