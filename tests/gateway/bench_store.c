/* What a page of call.list costs among 100,000 records: CPU time of the thread that owns the database. The
 * limit, 10 ms a page, is the slice's for what has no index. */
#include <glib.h>
#include <glib/gstdio.h>
#include <time.h>

#include "gateway/store_search.h"
#include "tests/gateway/store_records.h"

#define N_RECORDS 100000
#define N_ROUNDS  20
#define LIMIT_MS  10.0

static double
cpu_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static gboolean
measure (GwStoreSearch *search, const char *name, const GwCallQuery *wanted)
{
  double sum = 0, worst = 0;
  guint n = 0, n_found = 0;
  GwCallQuery query = *wanted;

  for (; n < N_ROUNDS; n++)
    {
      g_autoptr (GPtrArray) page = g_ptr_array_new_with_free_func (g_free);
      gsize bytes = 0;
      double before = cpu_ms (), took;
      GwSearchState state;

      query.limit = 100;
      state = gw_store_search_step (search, &query, page, &bytes);
      took = cpu_ms () - before;
      sum += took;
      worst = MAX (worst, took);
      n_found += page->len;
      if (state == GW_SEARCH_OVER)
        query = *wanted;
    }
  g_print ("%-22s %6.2f ms a slice, %6.2f at most, %3u records\n", name, sum / n, worst, n_found / n);
  return worst < LIMIT_MS;
}

int
main (int argc, char **argv)
{
  g_autofree char *directory = g_dir_make_tmp ("bench-store-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "a.db", NULL);
  sqlite3 *db = store_records_new (path, N_RECORDS);
  GwStoreSearch *search = gw_store_search_new (db, NULL);
  const struct
  {
    const char *name;
    GwCallQuery query;
  } cases[] = {
    { "the newest", { 0 } },
    { "a room", { .room = "room-7" } },
    { "a number", { .number = "+4930777" } },
    { "a trunk", { .trunk_id = "ST_7" } },
    { "an hour of last month", { .since = { 1000 * CFG_US_PER_S }, .until = { 4600 * CFG_US_PER_S } } },
    { "a number in an hour",
      { .number = "+4930777", .since = { 1000 * CFG_US_PER_S }, .until = { 4600 * CFG_US_PER_S } } },
    { "a direction, no index", { .direction = "outbound" } },
    { "a status, no index", { .status = "active" } },
  };
  gboolean is_good = TRUE;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    is_good &= measure (search, cases[i].name, &cases[i].query);
  gw_store_search_free (search);
  sqlite3_close (db);
  g_remove (path);
  g_rmdir (directory);
  return is_good ? 0 : 1;
}
