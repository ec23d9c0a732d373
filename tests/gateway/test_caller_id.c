/* Who calls, as an INVITE of ours says it. */
#include "gateway/core/caller_id.h"

#include <string.h>

typedef struct
{
  const char *name, *keys; /* of the trunk; NULL: none */
  GwCallerFacts facts;
  const char *from, *display, *asserted, *remote, *privacy;
} Row;

static const Row rows[] = {
  { "nothing is known", NULL, { .local_address = "192.0.2.1" }, NULL, NULL, NULL, NULL, NULL },
  { "a number",
    NULL,
    { .number = "+1555", .local_address = "192.0.2.1" },
    "sip:+1555@192.0.2.1",
    NULL,
    NULL,
    NULL,
    NULL },
  { "a number over IPv6",
    NULL,
    { .number = "+1555", .local_address = "2001:db8::1", .display = "J\xc3\xb6rg" },
    "sip:+1555@[2001:db8::1]",
    "J\xc3\xb6rg",
    NULL,
    NULL,
    NULL },
  { "a host of the call",
    ", from_host: t.example",
    { .number = "1", .host = "h.example:5070", .local_address = "192.0.2.1" },
    "sip:1@h.example:5070",
    NULL,
    NULL,
    NULL,
    NULL },
  { "user and host of the trunk",
    ", from_user: account, from_host: t.example, send_pai: true",
    { .number = "+1555", .local_address = "192.0.2.1", .display = "Ann \"A\"" },
    "sip:account@t.example",
    "Ann \"A\"",
    "\"Ann \\\"A\\\"\" <sip:+1555@t.example>",
    NULL,
    NULL },
  { "characters that need escapes",
    "",
    { .number = "a b;c", .local_address = "192.0.2.1" },
    "sip:a%20b%3Bc@192.0.2.1",
    NULL,
    NULL,
    NULL,
    NULL },
  { "registered, without a number",
    ", register: true, auth_username: u1, auth_password: p",
    { .local_address = "192.0.2.1" },
    "sip:u1@sip.example",
    NULL,
    NULL,
    NULL,
    NULL },
  { "remote party",
    ", send_rpid: true",
    { .number = "+1", .local_address = "192.0.2.1" },
    "sip:+1@192.0.2.1",
    NULL,
    NULL,
    "<sip:+1@192.0.2.1>;party=calling;privacy=off;screen=no",
    NULL },
  { "private",
    ", send_pai: true, send_rpid: true",
    { .number = "+1", .local_address = "192.0.2.1", .display = "Ann", .is_private = TRUE },
    "sip:anonymous@anonymous.invalid",
    "Anonymous",
    "\"Ann\" <sip:+1@192.0.2.1>",
    "\"Ann\" <sip:+1@192.0.2.1>;party=calling;privacy=full;screen=no",
    "id" },
  { "private, and nobody is told",
    NULL,
    { .number = "+1", .local_address = "192.0.2.1", .is_private = TRUE },
    "sip:anonymous@anonymous.invalid",
    "Anonymous",
    NULL,
    NULL,
    "id" },
};

static void
callers_are_named (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const Row *row = &rows[i];
      g_autofree char *text
          = g_strdup_printf ("trunks: [{name: t, outbound_address: \"sip.example:5070\"%s}]",
                             row->keys != NULL ? row->keys : "");
      g_autoptr (GError) error = NULL;
      g_autoptr (CfgSettings) settings = cfg_settings_parse (text, strlen (text), "t", &error);
      GwCallerFacts facts = row->facts;
      g_auto (GwCallerId) id = { 0 };

      g_assert_no_error (error);
      g_test_message ("%s", row->name);
      facts.trunk = row->keys != NULL ? &settings->trunks[0] : NULL;
      gw_caller_id (&facts, &id);
      g_assert_cmpstr (id.from_uri, ==, row->from);
      g_assert_cmpstr (id.from_display, ==, row->display);
      g_assert_cmpstr (id.asserted, ==, row->asserted);
      g_assert_cmpstr (id.remote, ==, row->remote);
      g_assert_cmpstr (id.privacy, ==, row->privacy);
    }
}

static void
telephone_numbers_become_users (void)
{
  static const struct
  {
    const char *text, *user;
  } table[] = {
    { "tel:+1-201-555-0123", "+12015550123" },
    { "TEL:+12015550123;phone-context=x", "+12015550123" },
    { "tel:7042;phone-context=example.com", "7042;phone-context=example.com" },
    { "tel:7042;ext=1;Phone-Context=+1201", "7042;phone-context=+1201" },
    { "tel:7042;phone-context=a@b", NULL },
    { "tel:863-1234", "8631234" },
    { "tel:*31#", "*31#" },
    { "tel:", NULL },
    { "tel:+", NULL },
    { "tel:1\r\n2", NULL },
    { "tel:ann", NULL },
    { "+1555", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *user = gw_tel_user (table[i].text);
      g_assert_cmpstr (user, ==, table[i].user);
    }
}

static void
hosts_stand_in_uris (void)
{
  static const char *const table[][2]
      = { { "h.example", "h.example" },           { "h.example:5070", "h.example:5070" },
          { "192.0.2.1:5070", "192.0.2.1:5070" }, { "2001:db8::1", "[2001:db8::1]" },
          { "[2001:db8::1]", "[2001:db8::1]" },   { "[2001:db8::1]:5070", "[2001:db8::1]:5070" } };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *host = gw_uri_host (table[i][0]);
      g_assert_cmpstr (host, ==, table[i][1]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/caller_id/callers_are_named", callers_are_named);
  g_test_add_func ("/gateway/caller_id/telephone_numbers_become_users", telephone_numbers_become_users);
  g_test_add_func ("/gateway/caller_id/hosts_stand_in_uris", hosts_stand_in_uris);
  return g_test_run ();
}
