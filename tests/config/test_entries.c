/* Trunks and rules that stand in no file, read with those that do. */
#include <glib.h>
#include <string.h>

#include "config/base/error.h"
#include "config/settings.h"
#include "config/settings_fields.h"

#define FILE_TEXT                                                                                            \
  "trunks:\n"                                                                                                \
  "  - {name: twilio, numbers: [\"+15551234567\"], allowed_addresses: [192.0.2.0/24]}\n"                     \
  "dispatch_rules:\n"                                                                                        \
  "  - {name: lobby, type: direct, room: lobby}\n"

static CfgSettings *
with (const char *text, const char *trunk, const char *rule, gboolean never_demo, GError **error)
{
  const char *const trunks[] = { trunk, NULL }, *const rules[] = { rule, NULL };
  const CfgEntries entries = { .trunks = trunks, .dispatch_rules = rules, .never_demo = never_demo };
  g_autoptr (CfgSettings) file = cfg_settings_parse (text, strlen (text), "a.yaml", NULL);

  g_assert_nonnull (file);
  return cfg_settings_with (file, &entries, error);
}

static void
test_follow_the_file (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CfgSettings) settings
      = with (FILE_TEXT,
              "{\"id\": \"ST_abc\", \"name\": \"telnyx\", \"outbound_address\": \"sip.example.com\", "
              "\"transport\": \"tcp\"}",
              "{\"id\": \"SDR_abc\", \"type\": \"callee\", \"room_prefix\": \"a: \\\"b\\\" #c\\u00e9\", "
              "\"trunks\": [\"twilio\"]}",
              FALSE, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (settings->n_trunks, ==, 2);
  g_assert_cmpstr (settings->trunks[0].name, ==, "twilio");
  g_assert_true (g_str_has_prefix (settings->trunks[0].id, "ST_"));
  g_assert_cmpuint (settings->trunks[0].line, ==, 2);
  g_assert_cmpstr (settings->trunks[1].id, ==, "ST_abc");
  g_assert_cmpint (settings->trunks[1].direction, ==, CFG_TRUNK_OUTBOUND);
  g_assert_cmpint (settings->trunks[1].transport, ==, CFG_SIP_TCP);
  g_assert_cmpuint (settings->trunks[1].line, ==, 0);
  g_assert_cmpuint (settings->n_dispatch_rules, ==, 2);
  g_assert_cmpstr (settings->dispatch_rules[1].id, ==, "SDR_abc");
  g_assert_cmpstr (settings->dispatch_rules[1].room_prefix, ==, "a: \"b\" #cé");
}

static void
test_errors_name_the_entry (void)
{
  static const struct
  {
    const char *trunk, *rule, *message;
  } rows[] = {
    { "{\"name\": \"twilio\", \"numbers\": [\"1\"]}", NULL,
      "trunks[1].name: \"twilio\" is taken by the entry in line 2; choose another name" },
    { "{\"name\": \"a\", \"numbers\": [\"1 2\"]}", NULL,
      "trunks[1].numbers[0]: must be a number such as \"+15551234567\", not \"1 2\"" },
    { "{\"name\": \"a\", \"nummers\": []}", NULL,
      "trunks[1].nummers: unknown key; did you mean \"numbers\"?" },
    { "{\"name\": \"a\"}", NULL,
      "trunks[1]: needs numbers or allowed_addresses: it would take every call there is" },
    { "[]", NULL, "trunks[1]: must be a group of keys, as in `key: value`, not a list" },
    { NULL, "{\"name\": \"r\", \"trunks\": [\"nobody\"], \"room\": \"x\"}",
      "dispatch_rules[1].trunks[0]: there is no trunk named \"nobody\"" },
    { NULL, "{\"name\": \"r\", \"room\": \"x\", \"pin\": \"secret\"}",
      "dispatch_rules[1].pin: must be 1 to 16 digits" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CfgSettings) settings = NULL;

      if (rows[i].trunk != NULL)
        settings = with (FILE_TEXT, rows[i].trunk, NULL, FALSE, &error);
      else
        settings = with (FILE_TEXT,
                         "{\"name\": \"t\", \"numbers\": [\"1\"], \"auth_username\": \"u\", "
                         "\"auth_password\": \"p\"}",
                         rows[i].rule, FALSE, &error);
      g_assert_null (settings);
      g_assert_cmpstr (error->message, ==, rows[i].message);
    }
}

static void
test_demo_ends_and_does_not_come_back (void)
{
  g_autoptr (CfgSettings) demo = with ("", NULL, NULL, FALSE, NULL);
  g_autoptr (CfgSettings) closed = with ("", NULL, NULL, TRUE, NULL);
  g_autoptr (CfgSettings) trunked = with ("", "{\"name\": \"a\", \"numbers\": [\"1\"]}", NULL, FALSE, NULL);

  g_assert_true (demo->demo);
  g_assert_false (closed->demo);
  g_assert_false (trunked->demo);
  g_assert_cmpuint (trunked->n_trunks, ==, 1);
}

/* Every key of a trunk and of a rule can be described, and says what was read. */
static void
test_fields (void)
{
  g_autoptr (CfgSettings) settings
      = with (FILE_TEXT,
              "{\"name\": \"a\", \"numbers\": [\"1\", \"2\"], \"direction\": \"inbound\", "
              "\"auth_username\": \"u\", \"auth_password\": \"p\"}",
              NULL, FALSE, NULL);
  CfgField field;
  guint n_seen = 0;

  for (guint i = 0; cfg_field (cfg_trunk_keys (), i, &settings->trunks[1], &field); i++)
    {
      g_autofree char **words = field.words;

      g_assert_cmpint (words != NULL, ==, field.type == CFG_FIELD_WORD || field.type == CFG_FIELD_WORDS);
      if (strcmp (field.name, "name") == 0)
        g_assert_cmpstr (field.text, ==, "a");
      else if (strcmp (field.name, "direction") == 0)
        g_assert_cmpstr (field.text, ==, "inbound");
      else if (strcmp (field.name, "numbers") == 0)
        g_assert_cmpstr (field.texts[1], ==, "2");
      else if (strcmp (field.name, "auth_password") == 0)
        g_assert_true (field.is_secret && field.is_set);
      else
        continue;
      n_seen++;
    }
  g_assert_cmpuint (n_seen, ==, 4);
  for (guint i = 0; cfg_field (cfg_rule_keys (), i, NULL, &field); i++)
    {
      g_autofree char **words = field.words;

      g_assert_false (field.is_set);
      n_seen++;
    }
  g_assert_cmpuint (n_seen, >, 10);
}

/* An entry is made by whoever may make trunks, who need not be allowed to read this machine's files. */
static void
test_files (void)
{
  static const char file[]
      = "sip: {tls: {cert: /own/cert.pem, key: /own/key.pem, files: /etc/tls/}}\n"
        "trunks:\n"
        "  - {name: carrier, outbound_address: h, transport: tls, tls: {ca: /carrier/ca.pem}}\n";
  static const struct
  {
    const char *tls;
    gboolean is_allowed;
  } rows[] = {
    { "{}", TRUE },
    { "{\"verify\": false}", TRUE },
    { "{\"cert\": \"/own/cert.pem\", \"key\": \"/own/key.pem\"}", TRUE },
    { "{\"ca\": \"/carrier/ca.pem\"}", TRUE },
    { "{\"ca\": \"/etc/tls/a.pem\"}", TRUE },
    { "{\"ca\": \"/etc/tls/b/a.pem\"}", TRUE },
    { "{\"ca\": \"/etc/tls/../passwd\"}", FALSE },
    { "{\"ca\": \"/etc/tls\"}", FALSE },
    { "{\"ca\": \"/etc/tlsx\"}", FALSE },
    { "{\"ca\": \"a.pem\"}", FALSE },
    { "{\"ca\": \"/etc/shadow\"}", FALSE },
    { "{\"cert\": \"/own/cert.pem\", \"key\": \"/etc/shadow\"}", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *trunk = g_strdup_printf (
          "{\"name\": \"api\", \"outbound_address\": \"i\", \"transport\": \"tls\", \"tls\": %s}",
          rows[i].tls);
      g_autoptr (GError) error = NULL;
      g_autoptr (CfgSettings) settings = with (file, trunk, NULL, FALSE, &error);

      g_assert_cmpint (settings != NULL, ==, rows[i].is_allowed);
      if (settings == NULL)
        g_assert_true (g_str_has_prefix (error->message, "trunks[1].tls: names a file"));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/entries/follow-the-file", test_follow_the_file);
  g_test_add_func ("/config/entries/errors-name-the-entry", test_errors_name_the_entry);
  g_test_add_func ("/config/entries/demo-ends-and-does-not-come-back", test_demo_ends_and_does_not_come_back);
  g_test_add_func ("/config/entries/fields", test_fields);
  g_test_add_func ("/entries/files", test_files);
  return g_test_run ();
}
