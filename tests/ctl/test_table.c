/* JSON as tables and lines. */
#include <string.h>

#include "tools/ctl/table.h"

static void
check (const char *json, gboolean wide, const char *expected)
{
  json_auto_t *value = json_loads (json, JSON_DECODE_ANY, NULL);
  g_autofree char *text = ctl_print_result (value, wide);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_tables (void)
{
  check ("{\"rooms\": []}", FALSE, "No rooms.\n");
  check ("{\"calls\": [{\"from\": \"bob\"}], \"next_page_token\": \"\"}", FALSE, "FROM\nbob\n");
  check ("{\"rooms\": [{\"sid\": \"RM_1\", \"name\": \"lobby\", \"num_participants\": 2, \"metadata\": \"\"},"
         " {\"sid\": \"RM_2\", \"name\": \"b\", \"num_participants\": 0, \"locked\": true}]}",
         FALSE,
         "NAME   NUM PARTICIPANTS  SID   LOCKED\n"
         "lobby  2                 RM_1  -\n"
         "b      0                 RM_2  yes\n");
  check ("{\"calls\": [{\"sip_call_id\": \"SCL_1\", \"media\": {\"in\": 1}}], \"next_page_token\": \"7\"}",
         FALSE,
         "calls:\n"
         "  SIP CALL ID\n"
         "  SCL_1\n"
         "next_page_token  7\n");
}

/* People read dates; programs take --json, and whoever wants all has --wide. */
static void
test_instants (void)
{
  check (
      "{\"rooms\": [{\"name\": \"a\", \"creation_time\": 1795323800, \"creation_time_ms\": 1795323800056}]}",
      FALSE, "NAME  CREATION TIME\na     2026-11-22T05:03:20Z\n");
  check ("{\"rooms\": [{\"creation_time\": 1795323800, \"creation_time_ms\": 1795323800056}]}", TRUE,
         "CREATION TIME         CREATION TIME MS\n2026-11-22T05:03:20Z  1795323800056\n");
  check ("{\"participant\": {\"joined_at\": 1795323800, \"joined_at_ms\": 1795323800056, \"rtt_ms\": 3}}",
         FALSE, "joined_at  2026-11-22T05:03:20Z\nrtt_ms     3\n");
  check ("{\"participant\": {\"joined_at\": 0, \"joined_at_ms\": 0}}", FALSE,
         "joined_at     0\njoined_at_ms  0\n");
}

/* Why a call ended is inside of an object of its own, and what most look for. */
static void
test_inner (void)
{
  check ("{\"calls\": [{\"sip_call_id\": \"SCL_1\", \"from\": \"1\", \"end\": {\"cause\": \"rejected\", "
         "\"q850\": 17}},"
         " {\"sip_call_id\": \"SCL_2\", \"from\": \"2\"}]}",
         FALSE, "SIP CALL ID  FROM  CAUSE\nSCL_1        1     rejected\nSCL_2        2     -\n");
}

static void
test_width (void)
{
  g_autofree char *text = NULL;
  json_auto_t *list = json_array (), *result = NULL;
  json_t *row = json_object ();

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *name = g_strdup_printf ("column%u", i);

      json_object_set_new (row, name, json_string ("123456789 123456789 123456789 123456789 123456789 end"));
    }
  json_array_append_new (list, row);
  result = json_pack ("{s:O}", "rows", list);
  text = ctl_print_result (result, FALSE);
  g_assert_null (strstr (text, "COLUMN9"));
  g_assert_null (strstr (text, "end"));
  g_assert_nonnull (strstr (text, "123456789 123456789 123456789 123456789…"));
  g_free (text);
  text = ctl_print_result (result, TRUE);
  g_assert_nonnull (strstr (text, "COLUMN19"));
  g_assert_nonnull (strstr (text, "end"));
  /* A character of two columns counts as two. */
  check ("{\"a\": [{\"name\": \"日本\", \"b\": 1}, {\"name\": \"x\", \"b\": 2}]}", FALSE,
         "NAME  B\n日本  1\nx     2\n");
}

static void
test_objects (void)
{
  check ("{}", FALSE, "Done.\n");
  check ("{\"room\": {\"name\": \"a\", \"codecs\": [\"opus\", \"PCMU\"], \"empty\": null, \"more\": {\"x\": "
         "1.5}}}",
         FALSE,
         "name    a\n"
         "codecs  opus,PCMU\n"
         "more:\n"
         "  x  1.5\n");
  check ("{\"status\": \"up\", \"workers\": [{\"rooms\": 1}]}", FALSE,
         "workers:\n  ROOMS\n  1\nstatus  up\n");
  check ("{\"text\": {\"ladder\": \"one\\n  two\\n\"}}", FALSE, "ladder:\n  one\n    two\n");
}

/* Escape sequences, line ends and overrides of direction from a remote name do nothing to a terminal. */
static void
test_harmless (void)
{
  check ("{\"a\": [{\"name\": \"a\\u001b[2Jb\\nc\\u202ed\\u0007\\u009b\"}]}", FALSE,
         "NAME\na\\u001b[2Jb\\nc\\u202ed\\u0007\\u009b\n");
  check ("{\"x\": {\"na\\u001bme\": \"v\"}}", FALSE, "na\\u001bme  v\n");
  check ("{\"x\": {\"l\": \"one\\ntwo\\u001b[m\"}}", FALSE, "l:\n  one\n  two\\u001b[m\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ctl/table/lists_of_objects", test_tables);
  g_test_add_func ("/ctl/table/a_member_of_a_member", test_inner);
  g_test_add_func ("/ctl/table/instants_are_dates", test_instants);
  g_test_add_func ("/ctl/table/width_is_bounded_unless_wide", test_width);
  g_test_add_func ("/ctl/table/objects", test_objects);
  g_test_add_func ("/ctl/table/nothing_steers_the_terminal", test_harmless);
  return g_test_run ();
}
