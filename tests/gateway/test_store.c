/* The database: what is told to be done is there afterwards, also after the worst. */
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/base/error.h"
#include "gateway/store.h"

typedef struct
{
  char *directory, *path;
  GwStore *store;
} Fixture;

static GwStore *
open_store (const char *path, guint days)
{
  const GwStoreConfig config = { .path = path, .call_retention_days = days };
  g_autoptr (GError) error = NULL;
  GwStore *store = gw_store_open (&config, &error);

  g_assert_no_error (error);
  return store;
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->directory = g_dir_make_tmp ("store-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->directory, "a.db", NULL);
  fixture->store = open_store (fixture->path, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  static const char *const suffixes[] = { "", "-wal", "-shm" };

  gw_store_free (fixture->store);
  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *path = g_strconcat (fixture->path, suffixes[i], NULL);

      g_remove (path);
    }
  g_rmdir (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->path);
}

static void
reopen (Fixture *fixture)
{
  gw_store_free (fixture->store);
  fixture->store = open_store (fixture->path, 0);
}

static void
count_done (gpointer user, const GError *error)
{
  guint *n = user;

  g_assert_no_error (error);
  ++*n;
}

static void
wait_for (const guint *n, guint wanted)
{
  while (*n < wanted)
    g_main_context_iteration (NULL, TRUE);
}

typedef struct
{
  GPtrArray *ids;
  GwCallCursor next; /* seq 0: no more */
  guint n;
} Found;

static void
on_found (gpointer user, GPtrArray *texts, const GwCallCursor *next, const GError *error)
{
  Found *found = user;

  g_assert_no_error (error);
  g_clear_pointer (&found->ids, g_ptr_array_unref);
  found->ids = g_ptr_array_ref (texts);
  found->next = next != NULL ? *next : (GwCallCursor){ 0 };
  found->n++;
}

static Found
find (GwStore *store, GwCallQuery query)
{
  Found found = { 0 };

  if (query.limit == 0)
    query.limit = 100;
  gw_store_find_calls (store, &query, on_found, &found);
  wait_for (&found.n, 1);
  return found;
}

static void
expect (GwStore *store, GwCallQuery query, const char *joined)
{
  Found found = find (store, query);
  g_autoptr (GString) all = g_string_new (NULL);

  for (guint i = 0; i < found.ids->len; i++)
    g_string_append_printf (all, "%s%s", i > 0 ? " " : "", (char *)g_ptr_array_index (found.ids, i));
  g_assert_cmpstr (all->str, ==, joined);
  g_ptr_array_unref (found.ids);
}

/* Its JSON is {"n":"ID"}. */
static void
put_call (GwStore *store, const char *id, const char *room, const char *from, gint64 created, gint64 ended)
{
  g_autofree char *json = g_strdup_printf ("{\"n\":\"%s\"}", id);
  const GwCallRecord record = {
    .id = id,
    .sip_call_id = "full",
    .room = room,
    .direction = "inbound",
    .status = ended != 0 ? "hangup" : "active",
    .from = from,
    .to = "+1",
    .created = { created },
    .ended = { ended },
    .json = json,
  };

  gw_store_put_call (store, &record);
}

static void
test_entries (Fixture *fixture, gconstpointer unused)
{
  const GPtrArray *loaded;
  guint n = 0;

  gw_store_put (fixture->store, GW_STORE_TRUNK, "ST_1", "one", count_done, &n);
  gw_store_put (fixture->store, GW_STORE_TRUNK, "ST_2", "two", count_done, &n);
  gw_store_put (fixture->store, GW_STORE_RULE, "ST_1", "rule", count_done, &n);
  gw_store_put (fixture->store, GW_STORE_TRUNK, "ST_1", "one again", count_done, &n);
  gw_store_put (fixture->store, GW_STORE_TRUNK, "ST_3", "three", count_done, &n);
  gw_store_delete (fixture->store, GW_STORE_TRUNK, "ST_2", count_done, &n);
  gw_store_delete (fixture->store, GW_STORE_TRUNK, "unknown", count_done, &n);
  wait_for (&n, 7);
  reopen (fixture);
  loaded = gw_store_loaded (fixture->store, GW_STORE_TRUNK);
  g_assert_cmpuint (loaded->len, ==, 2);
  g_assert_cmpstr (g_ptr_array_index (loaded, 0), ==, "one again");
  g_assert_cmpstr (g_ptr_array_index (loaded, 1), ==, "three");
  loaded = gw_store_loaded (fixture->store, GW_STORE_RULE);
  g_assert_cmpuint (loaded->len, ==, 1);
}

static void
test_free_does_what_waits (Fixture *fixture, gconstpointer unused)
{
  guint n = 0;

  for (int i = 0; i < 1000; i++)
    {
      g_autofree char *id = g_strdup_printf ("ST_%d", i);

      gw_store_put (fixture->store, GW_STORE_TRUNK, id, id, count_done, &n);
    }
  reopen (fixture);
  g_assert_cmpuint (n, ==, 1000);
  g_assert_cmpuint (gw_store_loaded (fixture->store, GW_STORE_TRUNK)->len, ==, 1000);
}

static void
test_filters (Fixture *fixture, gconstpointer unused)
{
  put_call (fixture->store, "a", "red", "+5", 10, 20);
  put_call (fixture->store, "b", "blue", "+5", 11, 20);
  put_call (fixture->store, "c", "red", "+6", 12, 0);
  expect (fixture->store, (GwCallQuery){ 0 }, "{\"n\":\"c\"} {\"n\":\"b\"} {\"n\":\"a\"}");
  expect (fixture->store, (GwCallQuery){ .room = "red" }, "{\"n\":\"c\"} {\"n\":\"a\"}");
  expect (fixture->store, (GwCallQuery){ .room = "red", .ended_only = TRUE }, "{\"n\":\"a\"}");
  expect (fixture->store, (GwCallQuery){ .number = "+5" }, "{\"n\":\"b\"} {\"n\":\"a\"}");
  expect (fixture->store, (GwCallQuery){ .number = "+1", .status = "active" }, "{\"n\":\"c\"}");
  expect (fixture->store, (GwCallQuery){ .since = { 11 }, .until = { 12 } }, "{\"n\":\"b\"}");
  expect (fixture->store, (GwCallQuery){ .id = "b" }, "{\"n\":\"b\"}");
  expect (fixture->store, (GwCallQuery){ .id = "' OR 1=1 --" }, "");
  put_call (fixture->store, "a", "green", "+5", 10, 20);
  expect (fixture->store, (GwCallQuery){ .room = "green" }, "{\"n\":\"a\"}");
}

/* It was hung up, and the other side had not said so yet. */
static void
test_a_call_that_was_about_to_end (Fixture *fixture, gconstpointer unused)
{
  const GwCallRecord record = { .id = "a", .status = "hangup", .created = { 10 }, .json = "{\"n\":\"a\"}" };

  gw_store_put_call (fixture->store, &record);
  expect (fixture->store, (GwCallQuery){ .id = "a", .ended_only = TRUE }, "");
  reopen (fixture);
  expect (fixture->store, (GwCallQuery){ .id = "a", .ended_only = TRUE }, "{\"n\":\"a\"}");
}

/* One for each index. */
static void
test_one_call (Fixture *fixture, gconstpointer unused)
{
  put_call (fixture->store, "a", "red", "+5", 10, 20);
  put_call (fixture->store, "b", "red", "+6", 11, 0);
  put_call (fixture->store, "c", NULL, "+6", 12, 20);
  expect (fixture->store, (GwCallQuery){ .id = "b" }, "{\"n\":\"b\"}");
  expect (fixture->store, (GwCallQuery){ .id = "b", .room = "blue" }, "");
  expect (fixture->store, (GwCallQuery){ .id = "b", .sip_call_id = "full", .room = "red" }, "{\"n\":\"b\"}");
  expect (fixture->store, (GwCallQuery){ .id = "c", .room = "red" }, "");
  expect (fixture->store, (GwCallQuery){ .sip_call_id = "full", .room = "red", .limit = 1 }, "{\"n\":\"b\"}");
  expect (fixture->store, (GwCallQuery){ .sip_call_id = "other" }, "");
  expect (fixture->store, (GwCallQuery){ .room = "red", .number = "+5" }, "{\"n\":\"a\"}");
}

/* An answer that no WebSocket could take is cut, and the next page goes on. */
static void
test_large_pages (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *large = g_strnfill (400000, 'x');
  GwCallCursor before = { 0 };
  guint n = 0, pages = 0;

  for (int i = 0; i < 7; i++)
    {
      g_autofree char *id = g_strdup_printf ("call%d", i);
      const GwCallRecord record = { .id = id, .created = { 10 }, .ended = { 20 }, .json = large };

      gw_store_put_call (fixture->store, &record);
    }
  do
    {
      Found found = find (fixture->store, (GwCallQuery){ .before = before });

      g_assert_cmpuint (found.ids->len, <=, 3);
      n += found.ids->len;
      before = found.next;
      pages++;
      g_ptr_array_unref (found.ids);
    }
  while (before.seq != 0);
  g_assert_cmpuint (n, ==, 7);
  g_assert_cmpuint (pages, ==, 3);
}

typedef struct
{
  const char *id;
  GHashTable *written; /* of char* */
  guint *n_done, *n_failed;
} Put;

static void
on_put (gpointer user, const GError *error)
{
  g_autofree Put *put = user;

  ++*put->n_done;
  if (error == NULL)
    g_hash_table_add (put->written, g_strdup (put->id));
  else
    ++*put->n_failed;
}

/* More than fits: what is said to be written is there, and nothing else. */
static void
on_told (gpointer user, const GError *error)
{
  ++*(guint *)user;
}

static void
test_full_disk (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GHashTable) written = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *text = g_strnfill (4000, 'x');
  char ids[1000][16];
  struct rlimit before, limit;
  const GPtrArray *loaded;
  guint n_done = 0, n_failed = 0, n_told = 0;

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  limit = before;
  limit.rlim_cur = 1000000;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      Put *put = g_new (Put, 1);
      g_autofree char *json = NULL;

      g_snprintf (ids[i], sizeof ids[i], "ST_%u", i);
      *put = (Put){ ids[i], written, &n_done, &n_failed };
      json = g_strconcat (ids[i], ",", text, NULL);
      gw_store_put (fixture->store, GW_STORE_TRUNK, ids[i], json, on_put, put);
    }
  wait_for (&n_done, G_N_ELEMENTS (ids));
  g_assert_cmpuint (n_failed, >, 0);
  gw_store_when_written (fixture->store, on_told, &n_told);
  wait_for (&n_told, 1);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  reopen (fixture);
  loaded = gw_store_loaded (fixture->store, GW_STORE_TRUNK);
  g_assert_cmpuint (loaded->len, ==, g_hash_table_size (written));
  for (guint i = 0; i < loaded->len; i++)
    {
      g_auto (GStrv) parts = g_strsplit (g_ptr_array_index (loaded, i), ",", 2);

      g_assert_true (g_hash_table_contains (written, parts[0]));
    }
}

static void
test_pages (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GwCallCursor before = { 0 };
  guint pages = 0;

  for (int i = 0; i < 25; i++)
    {
      g_autofree char *id = g_strdup_printf ("call%d", i);

      put_call (fixture->store, id, "red", "+5", 10, 20);
    }
  do
    {
      Found found = find (fixture->store, (GwCallQuery){ .limit = 10, .before = before });

      for (guint i = 0; i < found.ids->len; i++)
        g_assert_true (g_hash_table_add (seen, g_strdup (g_ptr_array_index (found.ids, i))));
      before = found.next;
      pages++;
      g_ptr_array_unref (found.ids);
      /* What comes meanwhile does not shift the pages. */
      put_call (fixture->store, pages == 1 ? "new1" : "new2", "red", "+5", 10, 20);
    }
  while (before.seq != 0);
  g_assert_cmpuint (pages, ==, 3);
  g_assert_cmpuint (g_hash_table_size (seen), ==, 25);
}

static void
test_retention (Fixture *fixture, gconstpointer unused)
{
  const gint64 day = (gint64)86400 * CFG_US_PER_S, now = cfg_wall_now ().us;

  put_call (fixture->store, "old", "red", "+5", now - 3 * day, now - 3 * day);
  put_call (fixture->store, "young", "red", "+5", now - day, now - day);
  gw_store_free (fixture->store);
  fixture->store = open_store (fixture->path, 2);
  put_call (fixture->store, "new", "red", "+5", now, 0);
  expect (fixture->store, (GwCallQuery){ .id = "new" }, "{\"n\":\"new\"}");
  expect (fixture->store, (GwCallQuery){ 0 }, "{\"n\":\"new\"} {\"n\":\"young\"}");
}

/* Runs @sql on the file, beside the store; gives its first number. */
static gint64
ask_file (const Fixture *fixture, const char *sql)
{
  sqlite3_stmt *statement = NULL;
  gint64 number = -1;
  sqlite3 *db;

  g_assert_cmpint (sqlite3_open (fixture->path, &db), ==, SQLITE_OK);
  sqlite3_busy_timeout (db, 10000);
  g_assert_cmpint (sqlite3_prepare_v2 (db, sql, -1, &statement, NULL), ==, SQLITE_OK);
  if (sqlite3_step (statement) == SQLITE_ROW)
    number = sqlite3_column_int64 (statement, 0);
  g_assert_cmpint (sqlite3_finalize (statement), ==, SQLITE_OK);
  sqlite3_close (db);
  return number;
}

/* Nobody calls for days, but what is too old goes all the same. */
static void
test_retention_when_idle (Fixture *fixture, gconstpointer unused)
{
  const GwStoreConfig config = { .path = fixture->path, .call_retention_days = 2, .prune_every_ms = 50 };
  const gint64 day = (gint64)86400 * CFG_US_PER_S, now = cfg_wall_now ().us;

  put_call (fixture->store, "old", "red", "+5", now - 3 * day, now - 3 * day);
  put_call (fixture->store, "young", "red", "+5", now - day, now - day);
  gw_store_free (fixture->store);
  fixture->store = gw_store_open (&config, NULL);
  g_assert_nonnull (fixture->store);
  while (ask_file (fixture, "SELECT COUNT (*) FROM calls") != 1)
    g_usleep (10000);
  (void)ask_file (fixture, "UPDATE calls SET created_us = 1");
  while (ask_file (fixture, "SELECT COUNT (*) FROM calls") != 0)
    g_usleep (10000);
}

/* As the first version made it, with what that had written. */
static const char first_version[]
    = "PRAGMA journal_mode = WAL;"
      "CREATE TABLE entries (seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, id TEXT NOT NULL, json TEXT NOT "
      "NULL, UNIQUE (kind, id));"
      "CREATE TABLE calls (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, sip_call_id TEXT,"
      " room TEXT, direction TEXT, status TEXT, trunk_id TEXT, from_number TEXT, to_number TEXT,"
      " created_us INTEGER NOT NULL, ended_us INTEGER NOT NULL, json TEXT NOT NULL);"
      "CREATE INDEX calls_by_time ON calls (created_us);"
      "CREATE INDEX calls_by_room ON calls (room, seq);"
      "CREATE INDEX calls_by_sip_call_id ON calls (sip_call_id);"
      "INSERT INTO entries (kind, id, json) VALUES (0, 'ST_1', 'trunk'), (1, 'SDR_1', 'rule');"
      "INSERT INTO calls (id, sip_call_id, room, direction, status, from_number, to_number, created_us,"
      " ended_us, json) VALUES ('a', 'x', 'red', 'inbound', 'hangup', '+5', '+493012345', 10, 20, "
      "'{\"n\":\"a\"}'),"
      " ('b', 'y', 'red', 'inbound', 'active', '+5', '+1', 11, 0, '{\"n\":\"b\"}');"
      "PRAGMA user_version = 1;";

static void
execute (const char *path, const char *sql)
{
  sqlite3 *db;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (db);
}

static int
add_line (void *user, int n, char **values, char **names)
{
  g_string_append_printf (user, "%s\n", values[0] != NULL ? values[0] : "");
  return 0;
}

static char *
schema_of (const char *path)
{
  GString *text = g_string_new (NULL);
  sqlite3 *db;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, "SELECT sql FROM sqlite_schema ORDER BY name", add_line, text, NULL), ==,
                   SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, "PRAGMA user_version", add_line, text, NULL), ==, SQLITE_OK);
  sqlite3_close (db);
  return g_string_free (text, FALSE);
}

static void
test_first_version (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *fresh = NULL, *migrated = NULL;

  gw_store_free (fixture->store);
  fresh = schema_of (fixture->path);
  g_remove (fixture->path);
  execute (fixture->path, first_version);
  fixture->store = open_store (fixture->path, 0);
  migrated = schema_of (fixture->path);
  g_assert_cmpstr (migrated, ==, fresh);
  g_assert_cmpstr (g_ptr_array_index (gw_store_loaded (fixture->store, GW_STORE_TRUNK), 0), ==, "trunk");
  g_assert_cmpstr (g_ptr_array_index (gw_store_loaded (fixture->store, GW_STORE_RULE), 0), ==, "rule");
  expect (fixture->store, (GwCallQuery){ .number = "+5", .limit = 1 },
          "{\"n\":\"b\",\"status\":\"hangup\",\"end\":{\"reason\":\"gateway_died\","
          "\"cause\":\"gateway_died\",\"cause_text\":\"the gateway died or was killed while it was "
          "up\",\"q850\":38,\"disconnect_reason\":\"SERVER_SHUTDOWN\"}}");
  expect (fixture->store, (GwCallQuery){ .room = "red", .until = { 11 } }, "{\"n\":\"a\"}");
  expect (fixture->store, (GwCallQuery){ .number = "030 12345", .limit = 1 }, "{\"n\":\"a\"}");
  expect (fixture->store, (GwCallQuery){ .sip_call_id = "x" }, "{\"n\":\"a\"}");
  reopen (fixture);
  g_assert_cmpuint (gw_store_loaded (fixture->store, GW_STORE_TRUNK)->len, ==, 1);
}

static void
test_memory_is_bounded (Fixture *fixture, gconstpointer unused)
{
  GwStore *store = open_store (":memory:", 0);
  Found found;

  put_call (store, "running", "red", "+5", 10, 0);
  for (int i = 0; i < 1000; i++)
    {
      g_autofree char *id = g_strdup_printf ("call%d", i);

      put_call (store, id, "red", "+5", 10, 20);
      if (i % 50 == 0)
        expect (store, (GwCallQuery){ .id = "none" }, "");
    }
  found = find (store, (GwCallQuery){ .limit = 2000 });
  g_assert_cmpuint (found.ids->len, <=, 2 * GW_STORE_CALLS_IN_MEMORY);
  g_assert_cmpuint (found.ids->len, >=, GW_STORE_CALLS_IN_MEMORY);
  expect (store, (GwCallQuery){ .id = "running" }, "{\"n\":\"running\"}");
  g_ptr_array_unref (found.ids);
  gw_store_free (store);
}

static void
test_one_process_only (Fixture *fixture, gconstpointer unused)
{
  const GwStoreConfig config = { .path = fixture->path };
  g_autoptr (GError) error = NULL;

  g_assert_null (gw_store_open (&config, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (error->message, "in use"));
}

static void
test_unusable_files (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *text = g_build_filename (fixture->directory, "text.db", NULL);
  g_autofree char *newer = g_build_filename (fixture->directory, "newer.db", NULL);
  const char *const paths[] = { "/nowhere/a.db", fixture->directory, text, newer };
  static const char *const words[] = { "No such file", "directory", "not a database", "newer version" };
  sqlite3 *db;

  g_assert_true (
      g_file_set_contents (text, "no database, only text that is long enough to be seen", -1, NULL));
  g_assert_cmpint (sqlite3_open (newer, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, "PRAGMA user_version = 1000", NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (db);
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      const GwStoreConfig config = { .path = paths[i] };
      g_autoptr (GError) error = NULL;

      g_assert_null (gw_store_open (&config, &error));
      g_assert_true (g_str_has_prefix (error->message, "storage.path: "));
      g_assert_nonnull (strstr (error->message, words[i]));
    }
  g_remove (text);
  g_remove (newer);
}

/* Writes an entry and a call until it is killed, and says the number of each pair that is done. */
static void
write_for_ever (const char *path, int fd)
{
  GwStore *store = open_store (path, 0);
  guint n = 0, n_entries = 0;

  for (guint i = 0;; i++)
    {
      g_autofree char *id = g_strdup_printf ("ST_%u", i);

      gw_store_put (store, GW_STORE_TRUNK, id, id, count_done, &n_entries);
      put_call (store, id, "red", "+5", 10, 0);
      gw_store_when_written (store, count_done, &n);
      wait_for (&n_entries, i + 1);
      wait_for (&n, i + 1);
      if (write (fd, &n, sizeof n) != sizeof n)
        _exit (1);
    }
}

static void
test_kill (Fixture *fixture, gconstpointer unused)
{
  gw_store_free (fixture->store);
  for (guint round = 0; round < 5; round++)
    {
      g_autofree char *last = NULL;
      guint acknowledged = 0;
      Found found;
      int status, fds[2];
      pid_t child;

      g_remove (fixture->path);
      g_assert_cmpint (pipe (fds), ==, 0);
      child = fork ();
      if (child == 0)
        {
          close (fds[0]);
          write_for_ever (fixture->path, fds[1]);
        }
      close (fds[1]);
      while (acknowledged < 20 * (round + 1))
        g_assert_cmpint (read (fds[0], &acknowledged, sizeof acknowledged), ==, sizeof acknowledged);
      kill (child, SIGKILL);
      while (read (fds[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged)
        ;
      waitpid (child, &status, 0);
      close (fds[0]);
      fixture->store = open_store (fixture->path, 0);
      g_assert_cmpuint (gw_store_loaded (fixture->store, GW_STORE_TRUNK)->len, >=, acknowledged);
      last = g_strdup_printf ("ST_%u", acknowledged - 1);
      found = find (fixture->store, (GwCallQuery){ .id = last });
      g_assert_cmpuint (found.ids->len, ==, 1);
      g_ptr_array_unref (found.ids);
      expect (fixture->store, (GwCallQuery){ .id = "ST_3" },
              "{\"n\":\"ST_3\",\"status\":\"hangup\",\"end\":{\"reason\":\"gateway_died\","
              "\"cause\":\"gateway_died\",\"cause_text\":\"the gateway died or was killed while it was "
              "up\",\"q850\":38,\"disconnect_reason\":\"SERVER_SHUTDOWN\"}}");
      if (round < 4)
        gw_store_free (fixture->store);
    }
}

#define ADD(name, function) g_test_add ("/store/" name, Fixture, NULL, set_up, function, tear_down)

#define N_ASKED 64

/* Nobody takes what is found: it does not become more and more. Then it is taken, and everybody gets his. */
static void
test_searches_wait_for_the_main_thread (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *filler = g_strnfill (200 * 1024, 'x');
  g_autofree char *json = g_strdup_printf ("{\"n\":\"%s\"}", filler);
  const GwCallQuery query = { .room = "r", .limit = 100 };
  Found found[N_ASKED] = { 0 };

  for (guint i = 0; i < 6; i++)
    {
      g_autofree char *id = g_strdup_printf ("big%u", i);

      gw_store_put_call (
          fixture->store,
          &(GwCallRecord){ .id = id, .room = "r", .json = json, .created = { 1000 + i }, .ended = { 2000 } });
    }
  for (guint i = 0; i < N_ASKED; i++)
    gw_store_find_calls (fixture->store, &query, on_found, &found[i]);
  while (gw_store_n_waiting (fixture->store) > 0
         || gw_store_found_bytes (fixture->store) < GW_STORE_MAX_FOUND_BYTES)
    g_usleep (1000);
  for (guint i = 0; i < 100; i++)
    {
      g_assert_cmpuint (gw_store_found_bytes (fixture->store), <=,
                        GW_STORE_MAX_FOUND_BYTES + 2 * 1024 * 1024);
      g_usleep (1000);
    }
  for (guint i = 0; i < N_ASKED; i++)
    {
      wait_for (&found[i].n, 1);
      g_assert_cmpuint (found[i].ids->len, >=, 5);
      g_ptr_array_unref (found[i].ids);
    }
  g_assert_cmpuint (gw_store_found_bytes (fixture->store), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("kill", test_kill);
  ADD ("entries", test_entries);
  ADD ("free-does-what-waits", test_free_does_what_waits);
  ADD ("filters", test_filters);
  ADD ("about-to-end", test_a_call_that_was_about_to_end);
  ADD ("pages", test_pages);
  ADD ("one-call", test_one_call);
  ADD ("large-pages", test_large_pages);
  ADD ("full-disk", test_full_disk);
  ADD ("retention", test_retention);
  ADD ("retention-when-idle", test_retention_when_idle);
  ADD ("first-version", test_first_version);
  ADD ("memory-is-bounded", test_memory_is_bounded);
  ADD ("one-process-only", test_one_process_only);
  ADD ("unusable-files", test_unusable_files);
  ADD ("searches-wait-for-the-main-thread", test_searches_wait_for_the_main_thread);
  return g_test_run ();
}
