/* One entry more or less, against reading all of them again: whatever comes of it is the same. */
#include <string.h>

#include "config/settings_change.h"
#include "config/settings_fields.h"

#define N_CHANGES 600
#define N_NAMES   6
#define MAX_MADE  24

static const char file[]
    = "storage: {path: ':memory:'}\n"
      "sip: {registrar: {enabled: true, users: [{username: u1, password: secretsecret}]}}\n"
      "recordings: {path: /tmp}\n"
      "trunks:\n"
      "  - {name: file, numbers: ['+1'], allowed_addresses: [127.0.0.1]}\n"
      "  - {name: t5, outbound_address: h0.example, transport: tls, tls: {ca: /ca.pem}}\n"
      "dispatch_rules:\n"
      "  - {name: first, trunks: [file], type: direct, room: a, numbers: ['+9']}\n";

typedef struct
{
  gboolean is_rule;
  char *id, *text;
} Made;

static void
made_free (gpointer data)
{
  Made *made = data;

  g_free (made->id);
  g_free (made->text);
  g_free (made);
}

static void dump (GString *out, const CfgKey *keys, gconstpointer object);

static void
dump_field (GString *out, const CfgField *field)
{
  g_string_append_printf (out, "%s %d %s %" G_GINT64_FORMAT ":", field->name, field->is_set,
                          field->text != NULL ? field->text : "-", field->number);
  for (char **text = field->texts; text != NULL && *text != NULL; text++)
    g_string_append_printf (out, " %s", *text);
  for (gsize i = 0; i < field->n_pairs; i++)
    g_string_append_printf (out, " %s=%s", field->pairs[i].name, field->pairs[i].value);
  if (field->type == CFG_FIELD_SECTION && field->object != NULL)
    dump (out, field->keys, field->object);
  g_string_append_c (out, '\n');
}

static void
dump (GString *out, const CfgKey *keys, gconstpointer object)
{
  CfgField field;

  for (guint i = 0; cfg_field (keys, i, object, &field); i++)
    {
      dump_field (out, &field);
      g_free (field.words);
    }
}

static char *
describe (const CfgSettings *settings)
{
  GString *out = g_string_new (NULL);

  g_string_append_printf (out, "demo %d implicit %d\n", settings->demo, settings->implicit_callee_rule);
  for (gsize i = 0; i < settings->n_trunks; i++)
    {
      g_string_append_printf (out, "trunk of line %u\n", settings->trunks[i].line);
      dump (out, cfg_trunk_keys (), &settings->trunks[i]);
    }
  for (gsize i = 0; i < settings->n_dispatch_rules; i++)
    {
      g_string_append_printf (out, "rule of line %u\n", settings->dispatch_rules[i].line);
      dump (out, cfg_rule_keys (), &settings->dispatch_rules[i]);
    }
  return g_string_free (out, FALSE);
}

/* ---- some entries, good and bad ---- */

static guint
some (GRand *rand, guint n)
{
  return (guint)g_rand_int_range (rand, 0, (gint32)n);
}

static const char *
one_of (GRand *rand, const char *const texts[], guint n)
{
  return texts[some (rand, n)];
}
#define ONE_OF(rand, ...)                                                                                    \
  one_of (rand, (const char *const[]){ __VA_ARGS__ }, G_N_ELEMENTS (((const char *const[]){ __VA_ARGS__ })))

static char *
some_trunk (GRand *rand, const char *id)
{
  return g_strdup_printf (
      "{\"id\": \"%s\", \"name\": \"t%u\"%s%s%s%s%s}", id, some (rand, N_NAMES),
      ONE_OF (rand, "", ", \"numbers\": [\"+1\"]", ", \"numbers\": [\"+1\", \"+2\"]"),
      ONE_OF (rand, "", ", \"allowed_addresses\": [\"10.0.0.1\"]"),
      ONE_OF (
          rand, "", "", ", \"outbound_address\": \"h0.example\", \"transport\": \"tls\"",
          ", \"outbound_address\": \"H1.example:5061\", \"transport\": \"tls\", \"tls\": {\"verify\": false}",
          ", \"outbound_address\": \"h1.example\", \"transport\": \"tls\", \"tls\": {\"ca\": \"/ca.pem\"}",
          ", \"outbound_address\": \"h0.example\""),
      ONE_OF (rand, "", "", ", \"auth_username\": \"u1\", \"auth_password\": \"p\"",
              ", \"auth_username\": \"u2\", \"auth_password\": \"p\", \"register\": true",
              ", \"auth_username\": \"u2\""),
      ONE_OF (rand, "", "", ", \"direction\": \"both\"", ", \"direction\": \"inbound\"", ", \"record\": true",
              ", \"numbers\": 5"));
}

static char *
some_rule (GRand *rand, const GPtrArray *made, const char *id)
{
  const Made *other = made->len > 0 ? g_ptr_array_index (made, some (rand, made->len)) : NULL;
  g_autofree char *by_id = g_strdup_printf (", \"trunks\": [\"%s\"]", other != NULL ? other->id : "file");
  g_autofree char *by_name = g_strdup_printf (", \"trunks\": [\"t%u\"]", some (rand, N_NAMES));

  return g_strdup_printf ("{\"id\": \"%s\", \"name\": \"r%u\"%s%s%s%s}", id, some (rand, 2 * N_NAMES),
                          ONE_OF (rand, "", by_id, by_name, ", \"trunks\": [\"file\"]"),
                          ONE_OF (rand, ", \"type\": \"direct\", \"room\": \"a\"",
                                  ", \"type\": \"individual\", \"room_prefix\": \"b-\"",
                                  ", \"type\": \"callee\"", ", \"type\": \"direct\""),
                          ONE_OF (rand, "", ", \"numbers\": [\"+1\"]", ", \"numbers\": [\"+2\", \"3\"]",
                                  ", \"inbound_numbers\": [\"+3\"]"),
                          ONE_OF (rand, "", ", \"pin\": \"1234\"", ", \"pin\": \"4321\"",
                                  ", \"record\": true", ", \"randomize\": false"));
}

static CfgSettings *
read_all (const CfgSettings *base, const GPtrArray *made, const CfgChanged *what, GError **error)
{
  g_autoptr (GPtrArray) trunks = g_ptr_array_new (), rules = g_ptr_array_new ();
  gboolean found = FALSE;

  for (guint i = 0; i < made->len; i++)
    {
      const Made *one = g_ptr_array_index (made, i);
      const gboolean is_it = what->is_rule == one->is_rule && strcmp (one->id, what->id) == 0;
      const char *text = is_it ? what->text : one->text;

      found = found || is_it;
      if (text != NULL)
        g_ptr_array_add (one->is_rule ? rules : trunks, (char *)text);
    }
  if (!found && what->text != NULL)
    g_ptr_array_add (what->is_rule ? rules : trunks, (char *)what->text);
  g_ptr_array_add (trunks, NULL);
  g_ptr_array_add (rules, NULL);
  return cfg_settings_with (base,
                            &(CfgEntries){ .trunks = (const char *const *)trunks->pdata,
                                           .dispatch_rules = (const char *const *)rules->pdata },
                            error);
}

static void
note (GPtrArray *made, const CfgChanged *what)
{
  Made *one = NULL;

  for (guint i = 0; i < made->len; i++)
    {
      Made *other = g_ptr_array_index (made, i);

      if (other->is_rule != what->is_rule || strcmp (other->id, what->id) != 0)
        continue;
      if (what->text == NULL)
        {
          g_ptr_array_remove_index (made, i);
          return;
        }
      one = other;
    }
  if (one == NULL && what->text == NULL)
    return;
  if (one == NULL)
    {
      one = g_new0 (Made, 1);
      one->is_rule = what->is_rule;
      one->id = g_strdup (what->id);
      g_ptr_array_add (made, one);
    }
  g_free (one->text);
  one->text = g_strdup (what->text);
}

static void
expect_same (const char *text, const char *expected)
{
  while (*text != '\0' && strncmp (text, expected, strcspn (text, "\n") + 1) == 0)
    {
      const gsize n = strcspn (text, "\n") + 1;

      text += n;
      expected += n;
    }
  if (*text != '\0' || *expected != '\0')
    g_error ("%.200s\ninstead of\n%.200s", text, expected);
}

/* Of an entry with two mistakes either may be told. */
static gboolean
is_same_error (const GError *error, const GError *expected)
{
  g_autoptr (GRegex) places = g_regex_new ("(trunks|dispatch_rules)\\[[0-9]+\\]", 0, 0, NULL);
  g_autofree char *text = g_regex_replace (places, error->message, -1, 0, "\\1", 0, NULL),
                  *wanted = g_regex_replace (places, expected->message, -1, 0, "\\1", 0, NULL);

  g_assert_cmpint (error->code, ==, expected->code);
  return strcmp (text, wanted) == 0;
}

/* Both (transfer full), of one @now, which becomes @all. */
static void
expect_simple (CfgChange *change, CfgChange *dropped, CfgSettings *now, const CfgSettings *all)
{
  g_autofree char *expected = describe (all), *before = describe (now), *next = NULL, *after = NULL;

  cfg_change_free (dropped);
  after = describe (now);
  expect_same (after, before);
  next = describe (cfg_change_next (change));
  expect_same (next, expected);
  cfg_change_apply (change, now);
  g_free (after);
  after = describe (now);
  expect_same (after, expected);
}

static void
test_like_reading_all (void)
{
  g_autoptr (CfgSettings) base = cfg_settings_parse (file, strlen (file), "file", NULL);
  g_autoptr (GPtrArray) made = g_ptr_array_new_with_free_func (made_free);
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  guint n_done = 0, n_simple = 0, n_refused = 0, n_named = 0, n_same = 0;
  CfgSettings *now;

  g_assert_nonnull (base);
  now = read_all (base, made, &(CfgChanged){ .id = "none" }, NULL);
  for (guint i = 0; i < N_CHANGES; i++)
    {
      const gboolean is_rule = some (rand, 2) == 0, goes = some (rand, MAX_MADE) < made->len;
      g_autofree char *id = g_strdup_printf ("%s%u", is_rule ? "SDR_" : "ST_", some (rand, MAX_MADE));
      g_autofree char *text = goes ? NULL : is_rule ? some_rule (rand, made, id) : some_trunk (rand, id);
      const CfgChanged what = { .is_rule = is_rule, .id = id, .text = text };
      g_autoptr (GError) error = NULL, wrong = NULL;
      g_autoptr (CfgChange) change = cfg_change_new (now, &what, &wrong),
                            dropped = cfg_change_new (now, &what, NULL);
      g_autoptr (CfgSettings) all = read_all (base, made, &what, &error);

      if (all == NULL)
        {
          g_assert_null (change);
          n_refused++;
          n_named += wrong != NULL;
          n_same += wrong != NULL && is_same_error (wrong, error);
          continue;
        }
      g_assert_no_error (wrong);
      n_done++;
      if (change != NULL)
        {
          n_simple++;
          expect_simple (g_steal_pointer (&change), g_steal_pointer (&dropped), now, all);
        }
      else
        {
          cfg_settings_free (now);
          now = g_steal_pointer (&all);
        }
      note (made, &what);
    }
  g_test_message ("%u changes, %u of them simple; %u refused, of %u it is told why, of %u the same", n_done,
                  n_simple, n_refused, n_named, n_same);
  g_assert_cmpuint (n_simple, >, N_CHANGES / 10);
  g_assert_cmpuint (n_refused, >, N_CHANGES / 10);
  g_assert_cmpuint (n_named, >, n_refused / 2);
  g_assert_cmpuint (n_same, >, n_named * 9 / 10);
  cfg_settings_free (now);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/change/like_reading_all", test_like_reading_all);
  return g_test_run ();
}
