/* Files and directories that a configuration names, and where it names them. */
#include <glib/gstdio.h>
#include <string.h>

#include "config/settings_files.h"

static CfgSettings *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  CfgSettings *settings = cfg_settings_parse (text, strlen (text), "switchroom.yaml", &error);

  g_assert_no_error (error);
  return settings;
}

/* What a configuration names and cannot be used is told with its line and key. */
static void
test_unusable (void)
{
  static const char text[]
      = "http: {tls: {cert: /, key: /nowhere/key.pem}}\nmedia: {files: /}\n"
        "sip:\n  tls:\n    ca: /nowhere/ca.pem\nprompts: {pin_wrong: /nowhere/w.wav}\n"
        "trunks:\n  - {name: a, numbers: ['1']}\n"
        "  - {name: b, outbound_address: h, transport: tls, tls: {cert: /nowhere/c, key: /}}\n";
  g_autoptr (CfgSettings) settings = parse (text);
  g_auto (GStrv) found = cfg_settings_unusable (settings);
  g_autofree char *all = g_strjoinv ("\n", found);

  g_assert_cmpstr (all, ==,
                   "switchroom.yaml:1: http.tls.key: /nowhere/key.pem: No such file or directory\n"
                   "switchroom.yaml:5: sip.tls.ca: /nowhere/ca.pem: No such file or directory\n"
                   "switchroom.yaml:6: prompts.pin_wrong: /nowhere/w.wav: No such file or directory\n"
                   "switchroom.yaml:9: trunks[1].tls.cert: /nowhere/c: No such file or directory");
}

/* DIR is a directory with a file "file" in it. */
static void
test_unwritable (void)
{
  static const struct
  {
    const char *text, *said;
  } cases[] = {
    { "storage: {path: DIR/new.db}\nlogging: {file: DIR/new.log}\nrecordings: {path: DIR/a/b/c}\n", "" },
    { "storage: {path: DIR/file}\nlogging: {file: DIR/file}\nrecordings: {path: DIR}\n", "" },
    { "storage: {path: ':memory:'}\n", "" },
    { "\nstorage: {path: DIR/no/new.db}\n",
      "switchroom.yaml:2: storage.path: DIR/no: No such file or directory" },
    { "storage: {path: DIR}\n", "switchroom.yaml:1: storage.path: DIR: Is a directory" },
    { "storage: {path: DIR/file/x}\n", "switchroom.yaml:1: storage.path: DIR/file: Not a directory" },
    { "logging: {\n  file: DIR/no/x}\n",
      "switchroom.yaml:2: logging.file: DIR/no: No such file or directory" },
    { "logging: {file: DIR}\n", "switchroom.yaml:1: logging.file: DIR: Is a directory" },
    { "recordings: {path: DIR/file}\n", "switchroom.yaml:1: recordings.path: DIR/file: Not a directory" },
    { "recordings: {path: DIR/file/a/b}\n", "switchroom.yaml:1: recordings.path: DIR/file: Not a directory" },
  };
  g_autofree char *dir = g_dir_make_tmp ("switchroom-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (dir, "file", NULL);

  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (GStrv) parts = g_strsplit (cases[i].text, "DIR", -1),
                     said = g_strsplit (cases[i].said, "DIR", -1);
      g_autofree char *text = g_strjoinv (dir, parts), *wanted = g_strjoinv (dir, said);
      g_autoptr (CfgSettings) settings = parse (text);
      g_auto (GStrv) found = cfg_settings_unusable (settings);
      g_autofree char *all = g_strjoinv ("\n", found);

      g_assert_cmpstr (all, ==, wanted);
    }
  g_assert_cmpint (g_remove (file), ==, 0);
  g_assert_cmpint (g_rmdir (dir), ==, 0);
}

/* An error that begins with a key is given its place, any other is left alone. */
static void
test_place (void)
{
  static const struct
  {
    const char *message, *placed;
  } cases[] = {
    { "storage.path: x cannot be opened", "switchroom.yaml:3: storage.path: x cannot be opened" },
    { "sip.bind[1]: taken", "switchroom.yaml:1: sip.bind[1]: taken" },
    { "sip.bind[2]: taken", "sip.bind[2]: taken" },
    { "storage.path.x: no", "storage.path.x: no" },
    { "logging.file: no", "logging.file: no" },
    { "[0]: no", "[0]: no" },
    { "sip.bind[: no", "sip.bind[: no" },
    { "cannot listen", "cannot listen" },
  };
  g_autoptr (CfgSettings) settings = parse ("sip: {bind: [127.0.0.1, '::1']}\nstorage:\n  path: x\n");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *placed = cfg_settings_place (settings, cases[i].message);

      g_assert_cmpstr (placed, ==, cases[i].placed);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/settings_files/unusable", test_unusable);
  g_test_add_func ("/config/settings_files/unwritable", test_unwritable);
  g_test_add_func ("/config/settings_files/place", test_place);
  return g_test_run ();
}
