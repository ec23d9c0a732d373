#include "tests/gateway/store_records.h"

#include "gateway/store_search.h"

static void
fill (sqlite3 *db, guint n)
{
  g_autofree char *timeline = g_strnfill (1500, 'x'); /* the usual size of a record */
  sqlite3_stmt *statement = NULL;

  g_assert_cmpint (sqlite3_exec (db, "BEGIN", NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_cmpint (
      sqlite3_prepare_v2 (
          db,
          "INSERT INTO calls (id, sip_call_id, room, direction, status, trunk_id, from_number,"
          " to_number, created_us, ended_us, json, from_tail, to_tail) SELECT 'SCL_' || n, 'c' || n,"
          " 'room-' || (n % 100), iif (n % 1000 = 500, 'outbound', 'inbound'), 'hangup',"
          " 'ST_' || (n / 100 % 100), '+4930' || (n % 100 + 700),"
          " iif (n % 100 = 1, '+4930777', '+1'), n * 1000000, n * 1000000 + 5,"
          " json_object ('n', n, 'timeline', ?2), number_tail ('+4930' || (n % 100 + 700)),"
          " iif (n % 100 = 1, '30777', '1') FROM (WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL"
          " SELECT n + 1 FROM c WHERE n < ?1) SELECT n FROM c)",
          -1, &statement, NULL),
      ==, SQLITE_OK);
  sqlite3_bind_int64 (statement, 1, n);
  sqlite3_bind_text (statement, 2, timeline, -1, SQLITE_STATIC);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_DONE);
  sqlite3_finalize (statement);
  g_assert_cmpint (sqlite3_exec (db, "COMMIT", NULL, NULL, NULL), ==, SQLITE_OK);
}

sqlite3 *
store_records_new (const char *path, guint n)
{
  const GwStoreConfig config = { .path = path };
  GwStore *store = gw_store_open (&config, NULL);
  sqlite3 *db;

  g_assert_nonnull (store);
  gw_store_free (store);
  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_true (gw_store_add_functions (db));
  g_assert_cmpint (sqlite3_exec (db, "PRAGMA synchronous = OFF; PRAGMA cache_size = -96", NULL, NULL, NULL),
                   ==, SQLITE_OK);
  fill (db, n);
  return db;
}
