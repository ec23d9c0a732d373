#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

#include "config/base/error.h"
#include "config/base/log.h"
#include "config/base/log_format.h"

#define WALL ((CfgWall){ G_GINT64_CONSTANT (1795247700123456) }) /* 2026-11-21T07:55:00.123456Z */

static char *
format (CfgLogFormat kind, CfgLogLevel level, const CfgLogContext *context, const char *event,
        const CfgLogField *fields)
{
  const CfgLogField none = { .type = CFG_LOG_FIELD_END };
  const CfgLogLine line = { WALL, level, "sip", context, event, fields != NULL ? fields : &none };
  GString *out = g_string_new (NULL);

  cfg_log_format_line (out, kind, &line);
  return g_string_free (out, FALSE);
}

static void
text_has_the_documented_shape (void)
{
  const CfgLogContext context = { .call_id = "SCL_x" };
  const CfgLogField fields[] = { CFG_STR ("method", "UPDATE"), { .type = CFG_LOG_FIELD_END } };
  g_autofree char *line = format (CFG_LOG_TEXT, CFG_LOG_INFO, &context, "Session refresh successful", fields);
  g_autofree char *bare = format (CFG_LOG_TEXT, CFG_LOG_ERROR, NULL, "Accepting the call", NULL);

  g_assert_cmpstr (
      line, ==,
      "2026-11-21T07:55:00.123Z INFO  sip  Session refresh successful  callID=SCL_x method=UPDATE\n");
  g_assert_cmpstr (bare, ==, "2026-11-21T07:55:00.123Z ERROR sip  Accepting the call\n");
}

static void
fields_of_every_type (void)
{
  const CfgLogContext context = { .call_id = "SCL_x", .room = "lobby", .participant = "alice" };
  const CfgLogField fields[] = {
    CFG_STR ("absent", NULL),      CFG_INT ("n", -7),
    CFG_REAL ("mos", 4.25),        CFG_REAL ("bad", 0.0 / 0.0),
    CFG_BOOL ("yes", 1),           CFG_BOOL ("no", FALSE),
    CFG_REAL ("load", 0.80033404), { .type = CFG_LOG_FIELD_END },
  };
  g_autofree char *text = format (CFG_LOG_TEXT, CFG_LOG_DEBUG, &context, "x", fields);
  g_autofree char *json = format (CFG_LOG_JSON, CFG_LOG_WARN, &context, "x", fields);

  g_assert_cmpstr (
      text, ==,
      "2026-11-21T07:55:00.123Z DEBUG sip  x  callID=SCL_x room=lobby participant=alice n=-7 mos=4.25 "
      "bad=nan yes=true no=false load=0.8\n");
  g_assert_cmpstr (
      json, ==,
      "{\"time\":\"2026-11-21T07:55:00.123Z\",\"level\":\"warn\",\"component\":\"sip\",\"event\":\"x\","
      "\"callID\":\"SCL_x\",\"room\":\"lobby\",\"participant\":\"alice\",\"n\":-7,\"mos\":4.25,"
      "\"bad\":null,\"yes\":true,\"no\":false,\"load\":0.8}\n");
}

typedef struct
{
  const char *value, *text, *json;
} EscapeRow;

static const EscapeRow escape_rows[] = {
  { "plain", "plain", "\"plain\"" },
  { "", "\"\"", "\"\"" },
  { "two words", "\"two words\"", "\"two words\"" },
  { "a=b", "\"a=b\"", "\"a=b\"" },
  { "say \"hi\"", "\"say \\\"hi\\\"\"", "\"say \\\"hi\\\"\"" },
  { "back\\slash", "\"back\\\\slash\"", "\"back\\\\slash\"" },
  { "x\n2026-11-21T07:55:00.123Z INFO  sip  forged", "\"x\\n2026-11-21T07:55:00.123Z INFO  sip  forged\"",
    "\"x\\n2026-11-21T07:55:00.123Z INFO  sip  forged\"" },
  { "a\r\tb", "\"a\\r\\tb\"", "\"a\\u000d\\u0009b\"" },
  { "\x1b[31m", "\"\\u001b[31m\"", "\"\\u001b[31m\"" },
  { "\x7f", "\"\\u007f\"", "\"\\u007f\"" },
  { "\xc2\x85next", "\"\\u0085next\"", "\"\\u0085next\"" },
  { "\xe2\x80\xa8line", "\"\\u2028line\"", "\"\\u2028line\"" },
  { "\xe2\x80\xaeover", "\"\\u202eover\"", "\"\\u202eover\"" },
  { "Bj\xc3\xb6rk", "Bj\xc3\xb6rk", "\"Bj\xc3\xb6rk\"" },
  { "\xf0\x9f\x93\x9e", "\xf0\x9f\x93\x9e", "\"\xf0\x9f\x93\x9e\"" },
  { "\xf3\xa0\x80\x81", "\"\\U000e0001\"", "\"\\udb40\\udc01\"" },
  { "bad\xff\xc3(", "\"bad\\xff\\xc3(\"", "\"bad\xef\xbf\xbd\xef\xbf\xbd(\"" },
  { "\xed\xa0\x80", "\"\\xed\\xa0\\x80\"", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
};

static void
values_never_forge_a_line (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (escape_rows); i++)
    {
      const EscapeRow *row = &escape_rows[i];
      const CfgLogField fields[] = { CFG_STR ("v", row->value), { .type = CFG_LOG_FIELD_END } };
      g_autofree char *text = format (CFG_LOG_TEXT, CFG_LOG_INFO, NULL, "e", fields);
      g_autofree char *json = format (CFG_LOG_JSON, CFG_LOG_INFO, NULL, "e", fields);
      g_autofree char *text_end = g_strconcat ("  e  v=", row->text, "\n", NULL);
      g_autofree char *json_end = g_strconcat (",\"v\":", row->json, "}\n", NULL);

      if (!g_str_has_suffix (text, text_end))
        g_error ("row %zu: %s", i, text);
      if (!g_str_has_suffix (json, json_end))
        g_error ("row %zu: %s", i, json);
      g_assert_true (strchr (text, '\n') == text + strlen (text) - 1);
      g_assert_true (strchr (json, '\n') == json + strlen (json) - 1);
    }
}

/* Any bytes in any place that could come from outside: one line, valid UTF-8, always. */
static void
random_bytes_stay_in_one_line (void)
{
  GRand *rand = g_rand_new_with_seed (1);

  for (int round = 0; round < 300; round++)
    {
      char value[64] = { 0 };
      const CfgLogContext context = { .call_id = value, .participant = value };
      const CfgLogField fields[] = { CFG_STR (value, value), { .type = CFG_LOG_FIELD_END } };

      for (gsize i = 0; i < sizeof value - 1; i++)
        value[i] = (char)g_rand_int_range (rand, 1, 256);
      for (int kind = CFG_LOG_TEXT; kind <= CFG_LOG_JSON; kind++)
        {
          g_autofree char *line = format ((CfgLogFormat)kind, CFG_LOG_INFO, &context, value, fields);

          g_assert_true (strchr (line, '\n') == line + strlen (line) - 1);
          g_assert_true (g_utf8_validate (line, -1, NULL));
          for (const char *at = line; at[1] != '\0'; at++)
            g_assert_true ((guchar)*at >= 0x20 && *at != 0x7f);
        }
    }
  g_rand_free (rand);
}

static void
long_values_are_cut_between_characters (void)
{
  g_autofree char *letters = g_strnfill (2 * CFG_LOG_MAX_VALUE_BYTES, 'a');
  GString *umlauts = g_string_new ("a");
  const CfgLogField long_fields[] = { CFG_STR ("v", letters), { .type = CFG_LOG_FIELD_END } };
  g_autofree char *cut = format (CFG_LOG_TEXT, CFG_LOG_INFO, NULL, "e", long_fields);
  g_autofree char *cut_umlauts = NULL;

  while (umlauts->len < 2 * CFG_LOG_MAX_VALUE_BYTES)
    g_string_append (umlauts, "ö");
  {
    const CfgLogField fields[] = { CFG_STR ("v", umlauts->str), { .type = CFG_LOG_FIELD_END } };

    cut_umlauts = format (CFG_LOG_JSON, CFG_LOG_INFO, NULL, "e", fields);
  }
  g_assert_true (g_str_has_suffix (cut, "a…\n"));
  g_assert_cmpuint (strlen (cut), <, CFG_LOG_MAX_VALUE_BYTES + 64);
  g_assert_true (g_utf8_validate (cut_umlauts, -1, NULL));
  g_assert_true (g_str_has_suffix (cut_umlauts, "ö…\"}\n"));
  g_string_free (umlauts, TRUE);
}

static void
levels_are_parsed (void)
{
  CfgLogLevel level = CFG_LOG_ERROR;

  g_assert_true (cfg_log_level_parse ("debug", &level));
  g_assert_cmpint (level, ==, CFG_LOG_DEBUG);
  g_assert_true (cfg_log_level_parse ("warn", &level));
  g_assert_cmpint (level, ==, CFG_LOG_WARN);
  g_assert_false (cfg_log_level_parse ("loud", &level));
  g_assert_false (cfg_log_level_parse (NULL, &level));
}

/* --- the writer ---------------------------------------------------------------------------------------- */

typedef struct
{
  char *dir, *path, *old_path;
} Files;

static void
files_set_up (Files *files, gconstpointer data)
{
  files->dir = g_dir_make_tmp ("switchroom-log-XXXXXX", NULL);
  g_assert_nonnull (files->dir);
  files->path = g_build_filename (files->dir, "log", NULL);
  files->old_path = g_build_filename (files->dir, "log.1", NULL);
}

static void
files_tear_down (Files *files, gconstpointer data)
{
  g_unlink (files->path);
  g_unlink (files->old_path);
  g_assert_cmpint (g_rmdir (files->dir), ==, 0);
  g_free (files->dir);
  g_free (files->path);
  g_free (files->old_path);
}

static char **
read_lines (const char *path)
{
  g_autofree char *content = NULL;

  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  return g_strsplit (content, "\n", -1);
}

static void
writes_in_order_above_its_level (Files *files, gconstpointer data)
{
  g_auto (GStrv) lines = NULL;

  g_assert_true (cfg_log_init (CFG_LOG_INFO, CFG_LOG_TEXT, files->path, NULL));
  g_assert_true (cfg_log_enabled (CFG_LOG_INFO));
  g_assert_false (cfg_log_enabled (CFG_LOG_DEBUG));
  for (int i = 0; i < 1000; i++)
    cfg_info ("main", NULL, "line", CFG_INT ("i", i));
  cfg_debug ("main", NULL, "hidden");
  cfg_log_set_level (CFG_LOG_DEBUG);
  cfg_debug ("main", NULL, "shown");
  cfg_log_shutdown ();
  lines = read_lines (files->path);
  g_assert_cmpuint (g_strv_length (lines), ==, 1002);
  for (int i = 0; i < 1000; i++)
    {
      g_autofree char *end = g_strdup_printf ("  line  i=%d", i);

      g_assert_true (g_str_has_suffix (lines[i], end));
    }
  g_assert_true (g_str_has_suffix (lines[1000], "DEBUG main  shown"));
  g_assert_cmpstr (lines[1001], ==, "");
}

/* logrotate moves the file away and sends SIGHUP. */
static void
reopens_a_rotated_file (Files *files, gconstpointer data)
{
  g_auto (GStrv) old_lines = NULL, new_lines = NULL;

  g_assert_true (cfg_log_init (CFG_LOG_INFO, CFG_LOG_JSON, files->path, NULL));
  cfg_log_shutdown ();
  g_assert_true (cfg_log_init (CFG_LOG_INFO, CFG_LOG_JSON, files->path, NULL));
  g_assert_cmpint (g_rename (files->path, files->old_path), ==, 0);
  g_assert_true (cfg_log_reopen (NULL));
  cfg_info ("main", NULL, "after");
  cfg_log_shutdown ();
  old_lines = read_lines (files->old_path);
  new_lines = read_lines (files->path);
  g_assert_cmpuint (g_strv_length (old_lines), <=, 1);
  g_assert_true (g_str_has_suffix (new_lines[0], "\"event\":\"after\"}"));
}

static void
an_impossible_file_is_an_error (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (cfg_log_init (CFG_LOG_INFO, CFG_LOG_TEXT, "/nonexistent/directory/log", &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION);
  g_assert_nonnull (strstr (error->message, "/nonexistent/directory/log"));
  g_assert_true (cfg_log_reopen (NULL));
  cfg_log_shutdown ();
}

static gpointer
log_some (gpointer data)
{
  for (int i = 0; i < 500; i++)
    cfg_info ("main", NULL, "line", CFG_STR ("thread", data), CFG_INT ("i", i));
  return NULL;
}

static void
many_threads_write_whole_lines (Files *files, gconstpointer data)
{
  static const char *const names[] = { "a", "b", "c" };
  GThread *threads[G_N_ELEMENTS (names)];
  g_auto (GStrv) lines = NULL;

  g_assert_true (cfg_log_init (CFG_LOG_INFO, CFG_LOG_TEXT, files->path, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    threads[i] = g_thread_new ("logger", log_some, (gpointer)names[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    g_thread_join (threads[i]);
  cfg_log_shutdown ();
  lines = read_lines (files->path);
  g_assert_cmpuint (g_strv_length (lines), ==, 1501);
  for (int i = 0; i < 1500; i++)
    g_assert_true (
        g_regex_match_simple ("^[0-9TZ:.-]{24} INFO  main  line  thread=[abc] i=[0-9]+$", lines[i], 0, 0));
}

/* Nobody reads the pipe: the callers never block, what does not fit is counted, and the end comes. */
static void
a_full_pipe_blocks_nobody (void)
{
  g_autofree char *filler = g_strnfill (CFG_LOG_MAX_VALUE_BYTES, 'x');
  g_autofree char *path = NULL;
  char piece[65536];
  GString *got = g_string_new (NULL);
  gssize n;
  int pipes[2];

  g_assert_cmpint (pipe (pipes), ==, 0);
  path = g_strdup_printf ("/proc/self/fd/%d", pipes[1]);
  g_assert_true (cfg_log_init (CFG_LOG_INFO, CFG_LOG_TEXT, path, NULL));
  for (int i = 0; i < 20000; i++)
    cfg_info ("main", NULL, "line", CFG_STR ("filler", filler));
  cfg_log_shutdown ();
  close (pipes[1]);
  while ((n = read (pipes[0], piece, sizeof piece)) > 0)
    g_string_append_len (got, piece, n);
  close (pipes[0]);
  g_assert_cmpuint (got->len, >=, 4096);
  g_assert_cmpuint (got->len, <, 1024 * 1024);
  g_string_free (got, TRUE);
}

static void
a_flood_is_counted (Files *files, gconstpointer data)
{
  g_autofree char *filler = g_strnfill (CFG_LOG_MAX_VALUE_BYTES, 'x');
  g_autofree char *content = NULL;
  guint64 n_written = 0, n_dropped = 0;
  const char *notice;

  g_assert_cmpint (mkfifo (files->path, 0600), ==, 0);
  {
    int reader = open (files->path, O_RDONLY | O_NONBLOCK);
    GString *got = g_string_new (NULL);
    char piece[65536];
    gssize n;

    g_assert_true (cfg_log_init (CFG_LOG_INFO, CFG_LOG_TEXT, files->path, NULL));
    for (int i = 0; i < 20000; i++)
      cfg_info ("main", NULL, "line", CFG_STR ("filler", filler));
    /* The reader wakes up; the writer has a pipe to drain into until it has said what was lost. */
    while (strstr (got->str + (got->len > 200 ? got->len - 200 : 0), "Log lines dropped") == NULL
           || !g_str_has_suffix (got->str, "\n"))
      {
        n = read (reader, piece, sizeof piece);
        if (n > 0)
          g_string_append_len (got, piece, n);
        else
          g_assert_cmpint (errno, ==, EAGAIN);
      }
    cfg_log_shutdown ();
    close (reader);
    content = g_string_free (got, FALSE);
  }
  notice = strstr (content, "Log lines dropped  lines=");
  g_assert_nonnull (notice);
  n_dropped = g_ascii_strtoull (notice + strlen ("Log lines dropped  lines="), NULL, 10);
  for (const char *at = content; *at != '\0'; at++)
    n_written += *at == '\n';
  n_written--; /* the notice itself */
  g_assert_cmpuint (n_written + n_dropped, ==, 20000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/log/text_has_the_documented_shape", text_has_the_documented_shape);
  g_test_add_func ("/config/log/fields_of_every_type", fields_of_every_type);
  g_test_add_func ("/config/log/values_never_forge_a_line", values_never_forge_a_line);
  g_test_add_func ("/config/log/random_bytes_stay_in_one_line", random_bytes_stay_in_one_line);
  g_test_add_func ("/config/log/long_values_are_cut_between_characters",
                   long_values_are_cut_between_characters);
  g_test_add_func ("/config/log/levels_are_parsed", levels_are_parsed);
  g_test_add_func ("/config/log/an_impossible_file_is_an_error", an_impossible_file_is_an_error);
  g_test_add_func ("/config/log/a_full_pipe_blocks_nobody", a_full_pipe_blocks_nobody);
  g_test_add ("/config/log/writes_in_order_above_its_level", Files, NULL, files_set_up,
              writes_in_order_above_its_level, files_tear_down);
  g_test_add ("/config/log/reopens_a_rotated_file", Files, NULL, files_set_up, reopens_a_rotated_file,
              files_tear_down);
  g_test_add ("/config/log/many_threads_write_whole_lines", Files, NULL, files_set_up,
              many_threads_write_whole_lines, files_tear_down);
  g_test_add ("/config/log/a_flood_is_counted", Files, NULL, files_set_up, a_flood_is_counted,
              files_tear_down);
  return g_test_run ();
}
