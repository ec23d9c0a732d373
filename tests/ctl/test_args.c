/* key=value by the schema of a method: one table of cases. */
#include <glib/gstdio.h>
#include <string.h>

#include "tools/ctl/args.h"
#include "tools/ctl/error.h"

static const char schema_text[]
    = "{\"type\": \"object\", \"properties\": {"
      " \"name\": {\"type\": \"string\"},"
      " \"count\": {\"type\": \"integer\"},"
      " \"gain\": {\"type\": \"number\"},"
      " \"muted\": {\"type\": \"boolean\"},"
      " \"codecs\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}},"
      " \"ports\": {\"type\": \"array\", \"items\": {\"type\": \"integer\"}},"
      " \"after\": {\"type\": [\"integer\", \"string\"]},"
      " \"pin\": {\"type\": [\"string\", \"null\"]},"
      " \"headers\": {\"type\": \"object\"},"
      " \"limits\": {\"type\": \"object\", \"additionalProperties\": {\"type\": \"integer\"}},"
      " \"trunk\": {\"type\": \"object\", \"properties\": {"
      "   \"hostname\": {\"type\": \"string\"}, \"port\": {\"type\": \"integer\"},"
      "   \"auth\": {\"type\": \"object\", \"properties\": {\"user\": {\"type\": \"string\"}}}}}}}";

static json_t *
schema (void)
{
  json_t *parsed = json_loads (schema_text, 0, NULL);

  g_assert_nonnull (parsed);
  return parsed;
}

/* @arguments: separated by blanks. @expected: JSON; NULL: refused */
static void
check (const json_t *of, const char *arguments, const char *expected)
{
  g_auto (GStrv) list = g_strsplit (arguments, " ", -1);
  json_auto_t *params = json_object (), *wanted = expected != NULL ? json_loads (expected, 0, NULL) : NULL;
  g_autoptr (GError) error = NULL;
  gboolean fine = TRUE;

  for (char **one = list; *one != NULL && fine; one++)
    fine = ctl_params_add (params, of, *one, &error);
  if (expected == NULL)
    {
      g_assert_error (error, CTL_ERROR, CTL_ERROR_USAGE);
      return;
    }
  g_assert_no_error (error);
  if (!json_equal (params, wanted))
    g_error ("%s: got %s, wanted %s", arguments, json_dumps (params, 0), expected);
}

static void
test_values (void)
{
  static const struct
  {
    const char *arguments, *expected;
  } cases[] = {
    { "name=a", "{\"name\": \"a\"}" },
    { "name=5", "{\"name\": \"5\"}" },
    { "name=true", "{\"name\": \"true\"}" },
    { "name=", "{\"name\": \"\"}" },
    { "name=a=b", "{\"name\": \"a=b\"}" },
    { "name=@@home", "{\"name\": \"@home\"}" },
    { "name={\"a\":1}", "{\"name\": \"{\\\"a\\\":1}\"}" },
    { "count=5", "{\"count\": 5}" },
    { "count=-5", "{\"count\": -5}" },
    { "count=5.5", "{\"count\": \"5.5\"}" }, /* the gateway says what is wrong with it */
    { "count=five", "{\"count\": \"five\"}" },
    { "gain=-6.5", "{\"gain\": -6.5}" },
    { "gain=3", "{\"gain\": 3}" },
    { "muted=true", "{\"muted\": true}" },
    { "muted=yes", "{\"muted\": \"yes\"}" },
    { "codecs=opus,PCMU", "{\"codecs\": [\"opus\", \"PCMU\"]}" },
    { "codecs=opus", "{\"codecs\": [\"opus\"]}" },
    { "codecs=[]", "{\"codecs\": []}" },
    { "codecs=[\"a\",\"b\"]", "{\"codecs\": [\"a\", \"b\"]}" },
    { "codecs=+1555,+1556", "{\"codecs\": [\"+1555\", \"+1556\"]}" },
    { "codecs=5,6", "{\"codecs\": [\"5\", \"6\"]}" },
    { "ports=5,6", "{\"ports\": [5, 6]}" },
    { "after=30", "{\"after\": 30}" },
    { "after=30s", "{\"after\": \"30s\"}" },
    { "pin=null", "{\"pin\": null}" },
    { "pin=1234", "{\"pin\": \"1234\"}" },
    { "unknown=5", "{\"unknown\": \"5\"}" },
    { "unknown:=5", "{\"unknown\": 5}" },
    { "name:=[1,{\"a\":null}]", "{\"name\": [1, {\"a\": null}]}" },
    { "name:={", NULL },
    { "name:=", NULL },
    { "name:={\"a\":1,\"a\":2}", NULL },
    { "name=a name=b", NULL },
    { "name", NULL },
    { "=a", NULL },
    { ":=1", NULL },
    { "name=\xff", NULL },
    { "n\xff=a", NULL },
  };
  json_auto_t *of = schema ();

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    check (of, cases[i].arguments, cases[i].expected);
}

static void
test_nested (void)
{
  static const struct
  {
    const char *arguments, *expected;
  } cases[] = {
    { "trunk.hostname=a.b.c trunk.port=5", "{\"trunk\": {\"hostname\": \"a.b.c\", \"port\": 5}}" },
    { "trunk.auth.user=u", "{\"trunk\": {\"auth\": {\"user\": \"u\"}}}" },
    { "trunk={\"port\":1} trunk.hostname=h", "{\"trunk\": {\"port\": 1, \"hostname\": \"h\"}}" },
    { "headers.X-A=1 headers.X-B.c=2", "{\"headers\": {\"X-A\": \"1\", \"X-B.c\": \"2\"}}" },
    { "limits.a.b=2", "{\"limits\": {\"a.b\": 2}}" },
    { "headers.X-A:=1", "{\"headers\": {\"X-A\": 1}}" },
    { "unknown.a=1", "{\"unknown\": {\"a\": \"1\"}}" },
    { "headers={\"X\":\"1\"}", "{\"headers\": {\"X\": \"1\"}}" },
    { "trunk.hostname=a trunk.hostname=b", NULL },
    { "trunk.port=1 trunk={}", NULL },
    { "trunk=text trunk.hostname=a", NULL },
    { "trunk.=a", NULL },
  };
  json_auto_t *of = schema ();

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    check (of, cases[i].arguments, cases[i].expected);
  check (NULL, "a=1 b.c=2", "{\"a\": \"1\", \"b\": {\"c\": \"2\"}}");
}

static void
test_files (void)
{
  g_autofree char *directory = g_dir_make_tmp ("ctl-XXXXXX", NULL);
  g_autofree char *text = g_build_filename (directory, "text", NULL);
  g_autofree char *object = g_build_filename (directory, "object", NULL);
  g_autofree char *from_text = g_strdup_printf ("name=@%s count=5", text);
  g_autofree char *from_object = g_strdup_printf ("@%s gain=2", object);
  g_autofree char *twice = g_strdup_printf ("@%s name=b", object);
  g_autofree char *no_object = g_strdup_printf ("@%s", text);
  g_autofree char *missing = g_strdup_printf ("name=@%s/none", directory);
  json_auto_t *of = schema ();

  g_assert_true (g_file_set_contents (text, "v=0\r\no=-\r\n", -1, NULL));
  g_assert_true (g_file_set_contents (object, "{\"name\": \"a\", \"count\": 7}", -1, NULL));
  check (of, from_text, "{\"name\": \"v=0\\r\\no=-\\r\\n\", \"count\": 5}");
  check (of, from_object, "{\"name\": \"a\", \"count\": 7, \"gain\": 2}");
  check (of, twice, NULL);
  check (of, no_object, NULL);
  check (of, missing, NULL);
  g_unlink (text);
  g_unlink (object);
  g_rmdir (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ctl/args/values_are_of_the_type_that_the_schema_wants", test_values);
  g_test_add_func ("/ctl/args/dots_go_into_objects", test_nested);
  g_test_add_func ("/ctl/args/values_and_parameters_from_files", test_files);
  return g_test_run ();
}
