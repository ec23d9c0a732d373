/* Headers become attributes and attributes headers; whose number a call shows. */
#include "gateway/core/headers.h"

#include <string.h>

#include "gateway/core/room.h"

#define TRUNK(keys) "trunks: [{name: t, outbound_address: sip.example" keys "}]"

typedef struct
{
  const char *name, *keys;
  CfgIncludeHeaders include;
  CfgHeader headers[5];
  const char *attributes; /* "name=value;" in the order of their names */
} Row;

static const Row rows[] = {
  { "X headers by themselves",
    "",
    CFG_INCLUDE_X_HEADERS,
    { { "X-Room", "a" }, { "Subject", "b" } },
    "sip.h.x-room=a;" },
  { "none", "", CFG_INCLUDE_NO_HEADERS, { { "X-Room", "a" } }, "" },
  { "all, but credentials",
    "",
    CFG_INCLUDE_ALL_HEADERS,
    { { "Subject", "b" },
      { "Authorization", "Digest x" },
      { "proxy-authorization", "y" },
      { "To", "<sip:a@b>" } },
    "sip.h.subject=b;sip.h.to=<sip:a@b>;" },
  { "several of one name are one",
    "",
    CFG_INCLUDE_X_HEADERS,
    { { "X-A", "1" }, { "X-B", "2" }, { "x-a", "3" } },
    "sip.h.x-a=1, 3;sip.h.x-b=2;" },
  { "the trunk's map, whatever is included",
    ", headers_to_attributes: {X-Ticket: ticket, Subject: about, X-Other: other}",
    CFG_INCLUDE_NO_HEADERS,
    { { "x-ticket", "7" }, { "SUBJECT", "help" } },
    "about=help;ticket=7;" },
  { "credentials are never mapped",
    ", headers_to_attributes: {Authorization: a, Proxy-Authorization: b}",
    CFG_INCLUDE_NO_HEADERS,
    { { "Authorization", "Digest x" }, { "Proxy-Authorization", "y" } },
    "" },
  { "Twilio",
    "",
    CFG_INCLUDE_NO_HEADERS,
    { { "X-Twilio-AccountSid", "AC1" }, { "X-Twilio-CallSid", "CA2" } },
    "sip.twilio.accountSid=AC1;sip.twilio.callSid=CA2;" },
  { "Telnyx",
    "",
    CFG_INCLUDE_NO_HEADERS,
    { { "X-call_leg_id", "l" }, { "x-call_session_id", "s" } },
    "sip.telnyx.callLegID=l;sip.telnyx.callSessionID=s;" },
  { "Amazon",
    "",
    CFG_INCLUDE_NO_HEADERS,
    { { "X-Amzn-ConnectContactId", "c" },
      { "X-Amzn-ConnectInitialContactId", "i" },
      { "X-Amzn-SourceAccount", "a" },
      { "X-Amzn-SourceArn", "s" },
      { "X-Amzn-TargetArn", "t" } },
    "sip.amazon.contactId=c;sip.amazon.initialContactId=i;sip.amazon.sourceAccount=a;sip.amazon.sourceArn=s;"
    "sip.amazon.targetArn=t;" },
};

static CfgSettings *
settings_of (const char *keys)
{
  g_autofree char *text = g_strdup_printf (TRUNK ("%s"), keys);
  g_autoptr (GError) error = NULL;
  CfgSettings *settings = cfg_settings_parse (text, strlen (text), "t.yaml", &error);

  g_assert_no_error (error);
  return settings;
}

static char *
join (GHashTable *attributes)
{
  g_autoptr (GList) keys = g_list_sort (g_hash_table_get_keys (attributes), (GCompareFunc)strcmp);
  GString *text = g_string_new (NULL);

  for (GList *key = keys; key != NULL; key = key->next)
    g_string_append_printf (text, "%s=%s;", (char *)key->data,
                            (char *)g_hash_table_lookup (attributes, key->data));
  return g_string_free (text, FALSE);
}

static void
headers_become_attributes (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const Row *row = &rows[i];
      g_autoptr (CfgSettings) settings = settings_of (row->keys);
      g_autoptr (GHashTable) attributes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      g_autofree char *got = NULL;
      gsize n = 0;

      while (n < G_N_ELEMENTS (row->headers) && row->headers[n].name != NULL)
        n++;
      gw_headers_to_attributes (&settings->trunks[0], row->include, row->headers, n, attributes);
      got = join (attributes);
      if (strcmp (got, row->attributes) != 0)
        g_test_fail_printf ("%s: got %s, wanted %s", row->name, got, row->attributes);
    }
}

static void
an_attribute_is_bounded_and_whole (void)
{
  g_autoptr (GHashTable) attributes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *part = g_strnfill (1001, 'x');
  g_autofree char *value = g_strconcat (part, "\xe2\x82\xac", part, "\xe2\x82\xac", NULL);
  CfgHeader headers[5];

  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    headers[i] = (CfgHeader){ "X-Long", value };
  gw_headers_to_attributes (NULL, CFG_INCLUDE_X_HEADERS, headers, G_N_ELEMENTS (headers), attributes);
  const char *got = g_hash_table_lookup (attributes, "sip.h.x-long");
  g_assert_cmpuint (strlen (got), <=, GW_ATTRIBUTE_MAX_BYTES);
  g_assert_cmpuint (strlen (got), >, GW_ATTRIBUTE_MAX_BYTES - 4);
  g_assert_true (g_utf8_validate (got, -1, NULL));
}

static void
check_merge (const char *keys, GHashTable *attributes, const CfgHeader *base, gsize n_base,
             const char *wanted, const char *wanted_refused)
{
  g_autoptr (CfgSettings) settings = settings_of (keys);
  const char *refused = "nothing yet";
  g_autoptr (GArray) list = gw_headers_merge (&settings->trunks[0], attributes, base, n_base, &refused);
  GString *got = g_string_new (NULL);

  for (guint i = 0; i < list->len; i++)
    g_string_append_printf (got, "%s=%s;", g_array_index (list, CfgHeader, i).name,
                            g_array_index (list, CfgHeader, i).value);
  g_assert_cmpstr (got->str, ==, wanted);
  g_assert_cmpstr (refused, ==, wanted_refused);
  g_string_free (got, TRUE);
}

static void
attributes_become_headers (void)
{
  g_autoptr (GHashTable) attributes = g_hash_table_new (g_str_hash, g_str_equal);
  const CfgHeader asked[] = { { "x-room", "mine" }, { "X-New", "n" } };

  g_hash_table_insert (attributes, (char *)"ticket", (char *)"7");
  g_hash_table_insert (attributes, (char *)"evil", (char *)"a\r\nVia: x");
  check_merge (", headers: {X-Room: lobby, X-From: us}", NULL, NULL, 0, "X-Room=lobby;X-From=us;", NULL);
  check_merge (", headers: {X-Room: lobby}, attributes_to_headers: {ticket: X-Ticket, absent: X-Absent}",
               attributes, asked, G_N_ELEMENTS (asked), "x-room=mine;X-Ticket=7;X-New=n;", NULL);
  check_merge (", attributes_to_headers: {evil: X-Evil, ticket: X-Ticket}", attributes, NULL, 0,
               "X-Ticket=7;", "X-Evil");
}

static void
numbers_are_chosen (void)
{
  static const struct
  {
    const char *keys;
    guint64 turn;
    guint32 random;
    const char *number;
  } table[] = {
    { "", 0, 0, NULL },
    { ", numbers: [\"*\"]", 3, 3, NULL },
    { ", numbers: [\"1\", \"2\", \"3\"]", 0, 9, "1" },
    { ", numbers: [\"1\", \"2\", \"3\"]", 1, 9, "2" },
    { ", numbers: [\"1\", \"2\", \"3\"]", 5, 9, "3" },
    { ", numbers: [\"1\", \"*\", \"3\"]", 1, 9, "3" },
    { ", numbers: [\"1\", \"2\", \"3\"], number_selection: random", 0, 7, "2" },
    { ", numbers: [\"1\", \"2\", \"3\"], number_selection: first", 5, 7, "1" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autoptr (CfgSettings) settings = settings_of (table[i].keys);

      g_assert_cmpstr (gw_trunk_number (&settings->trunks[0], table[i].turn, table[i].random), ==,
                       table[i].number);
    }
}

static void
words_are_known (void)
{
  CfgIncludeHeaders include;

  g_assert_true (gw_include_headers_parse (NULL, CFG_INCLUDE_ALL_HEADERS, &include));
  g_assert_cmpint (include, ==, CFG_INCLUDE_ALL_HEADERS);
  g_assert_true (gw_include_headers_parse ("SIP_NO_HEADERS", CFG_INCLUDE_ALL_HEADERS, &include));
  g_assert_cmpint (include, ==, CFG_INCLUDE_NO_HEADERS);
  g_assert_false (gw_include_headers_parse ("some", CFG_INCLUDE_ALL_HEADERS, &include));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/headers/headers_become_attributes", headers_become_attributes);
  g_test_add_func ("/gateway/headers/an_attribute_is_bounded_and_whole", an_attribute_is_bounded_and_whole);
  g_test_add_func ("/gateway/headers/attributes_become_headers", attributes_become_headers);
  g_test_add_func ("/gateway/headers/numbers_are_chosen", numbers_are_chosen);
  g_test_add_func ("/gateway/headers/words_are_known", words_are_known);
  return g_test_run ();
}
