/* Paging through many records: every one is found once, and no page costs more than what is on it. */
#include <glib.h>
#include <glib/gstdio.h>

#include "gateway/store_search.h"
#include "tests/gateway/store_records.h"

#define N_RECORDS    5000
#define SECOND       CFG_US_PER_S
#define STEPS_A_UNIT 100 /* instructions of SQLite's machine */

typedef struct
{
  char *directory, *path;
  sqlite3 *db;
  GwStoreSearch *search;
  guint units; /* of instructions since they were reset */
} Fixture;

static int
count_unit (void *user)
{
  ((Fixture *)user)->units++;
  return 0;
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->directory = g_dir_make_tmp ("search-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->directory, "a.db", NULL);
  fixture->db = store_records_new (fixture->path, N_RECORDS);
  fixture->search = gw_store_search_new (fixture->db, NULL);
  g_assert_nonnull (fixture->search);
  sqlite3_progress_handler (fixture->db, STEPS_A_UNIT, count_unit, fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GDir) files = g_dir_open (fixture->directory, 0, NULL);
  const char *name;

  gw_store_search_free (fixture->search);
  sqlite3_close (fixture->db);
  while ((name = g_dir_read_name (files)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->directory, name, NULL);

      g_remove (path);
    }
  g_rmdir (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->path);
}

/* One page, by as many slices as it takes. */
static GwSearchState
read_page (Fixture *fixture, GwCallQuery *query, GPtrArray *texts, guint *n_slices)
{
  GwSearchState state;
  gsize bytes = 0;

  *n_slices = 0;
  do
    {
      state = gw_store_search_step (fixture->search, query, texts, &bytes);
      ++*n_slices;
    }
  while (state == GW_SEARCH_MORE);
  g_assert_cmpint (state, !=, GW_SEARCH_FAILED);
  return state;
}

static const struct
{
  const char *name;
  GwCallQuery query;
  guint n;               /* how many there are */
  gboolean has_no_index; /* a part of the records is looked at one by one */
} cases[] = {
  { "all", { 0 }, N_RECORDS, FALSE },
  { "ended", { .ended_only = TRUE }, N_RECORDS, FALSE },
  { "id", { .id = "SCL_77" }, 1, FALSE },
  { "sip_call_id", { .sip_call_id = "c77" }, 1, FALSE },
  { "room", { .room = "room-7" }, N_RECORDS / 100, FALSE },
  { "number", { .number = "+4930777" }, N_RECORDS / 50, FALSE },
  { "number as people write it", { .number = "+49 (0)30 777" }, N_RECORDS / 50, FALSE },
  { "number of the country", { .number = "030777" }, N_RECORDS / 50, FALSE },
  { "end of a number", { .number = "*30777" }, N_RECORDS / 50, FALSE },
  { "some digits of the end", { .number = "*777" }, N_RECORDS / 50, TRUE },
  { "beginning of a number", { .number = "+493077*" }, N_RECORDS / 10 + N_RECORDS / 100, TRUE },
  { "trunk", { .trunk_id = "ST_7" }, 100, FALSE },
  { "since", { .since = { 4901 * SECOND } }, 100, FALSE },
  { "until", { .until = { 101 * SECOND } }, 100, FALSE },
  { "span", { .since = { 201 * SECOND }, .until = { 301 * SECOND } }, 100, FALSE },
  { "number and span",
    { .number = "+4930777", .since = { 201 * SECOND }, .until = { 301 * SECOND } },
    2,
    FALSE },
  { "room and span", { .room = "room-7", .until = { 301 * SECOND } }, 3, FALSE },
  { "nobody", { .number = "+2" }, 0, FALSE },
  { "direction", { .direction = "outbound" }, N_RECORDS / 1000, TRUE },
  { "status", { .status = "active" }, 0, TRUE },
  { "number and room", { .number = "+4930777", .room = "room-7" }, 0, TRUE },
};

/* A page of ten costs the same in a thousand and in a million records: some instructions a record. What has
 * no index is looked at in slices. */
static void
test_cases (Fixture *fixture, gconstpointer unused)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      GwCallQuery query = cases[i].query;
      GwSearchState state;
      guint n_slices;

      query.limit = 10;
      do
        {
          g_autoptr (GPtrArray) page = g_ptr_array_new_with_free_func (g_free);

          fixture->units = 0;
          state = read_page (fixture, &query, page, &n_slices);
          g_assert_cmpuint (page->len, <=, 10);
          if (!cases[i].has_no_index)
            {
              g_assert_cmpuint (n_slices, ==, 1);
              g_assert_cmpuint (fixture->units * STEPS_A_UNIT, <, 2500);
            }
          for (guint k = 0; k < page->len; k++)
            g_assert_true (g_hash_table_add (seen, g_strdup (g_ptr_array_index (page, k))));
        }
      while (state != GW_SEARCH_OVER);
      g_assert_cmpuint (g_hash_table_size (seen), ==, cases[i].n);
    }
}

/* What has no index does not keep others for long: a slice looks at a thousand. */
static void
test_slices (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GPtrArray) page = g_ptr_array_new_with_free_func (g_free);
  GwCallQuery query = { .status = "active", .limit = 10 };
  guint n_slices;

  g_assert_cmpint (read_page (fixture, &query, page, &n_slices), ==, GW_SEARCH_OVER);
  g_assert_cmpuint (n_slices, ==, N_RECORDS / 1000 + 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/store_search/cases", Fixture, NULL, set_up, test_cases, tear_down);
  g_test_add ("/store_search/slices", Fixture, NULL, set_up, test_slices, tear_down);
  return g_test_run ();
}
