#include "gateway/store_search.h"

#include "config/base/error.h"
#include "gateway/core/number.h"

#define SLICE_RECORDS   1000          /* looked at in one step, some milliseconds */
#define MAX_FOUND_BYTES (1024 * 1024) /* of a page, but for the last record of it */

typedef enum
{
  BY_TIME,
  BY_ID,
  BY_SIP_CALL_ID,
  BY_NUMBER,
  BY_TRUNK,
  BY_ROOM,
  N_WAYS,
} Way;

struct _GwStoreSearch
{
  sqlite3_stmt *statements[N_WAYS];
};

/* ?1 .. ?13 as bind_query says; the newest first, those of one instant in the order they came. */
#define FITS                                                                                                 \
  "(?1 IS NULL OR id = ?1) AND (?2 IS NULL OR sip_call_id = ?2) AND (?3 IS NULL OR room = ?3)"               \
  " AND (?4 IS NULL OR direction = ?4) AND (?5 IS NULL OR status = ?5) AND (?6 IS NULL OR trunk_id = ?6)"    \
  " AND (?8 = 0 OR ended_us != 0)"                                                                           \
  " AND (?7 IS NULL OR number_fits (?7, from_number) OR number_fits (?7, to_number))"
#define SELECT        "SELECT created_us, seq, " FITS ", CASE WHEN " FITS " THEN json END FROM calls WHERE "
#define SPAN          "created_us >= ?9 AND (created_us, seq) < (?10, ?11)"
#define ORDERED       " ORDER BY 1 DESC, 2 DESC LIMIT ?12"
#define ALONG(column) SELECT column " AND " SPAN ORDERED

static const char *const texts_of[N_WAYS] = {
  [BY_TIME] = SELECT SPAN ORDERED,
  [BY_ID] = ALONG ("id = ?1"),
  [BY_SIP_CALL_ID] = ALONG ("sip_call_id = ?2"),
  [BY_NUMBER] = SELECT "from_tail = ?13 AND " SPAN " UNION ALL " SELECT
                       "to_tail = ?13 AND from_tail IS NOT ?13 AND " SPAN ORDERED,
  [BY_TRUNK] = ALONG ("trunk_id = ?6"),
  [BY_ROOM] = ALONG ("room = ?3"),
};

static void
number_fits (sqlite3_context *context, int n, sqlite3_value **values)
{
  const char *wanted = (const char *)sqlite3_value_text (values[0]);

  sqlite3_result_int (context, wanted != NULL
                                   && gw_number_fits (wanted, (const char *)sqlite3_value_text (values[1])));
}

static void
number_tail (sqlite3_context *context, int n, sqlite3_value **values)
{
  const char *text = (const char *)sqlite3_value_text (values[0]);

  if (text != NULL)
    sqlite3_result_text (context, gw_number_tail (text), -1, g_free);
}

gboolean
gw_store_add_functions (sqlite3 *db)
{
  const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;

  return sqlite3_create_function (db, "number_fits", 2, flags, NULL, number_fits, NULL, NULL) == SQLITE_OK
         && sqlite3_create_function (db, "number_tail", 1, flags, NULL, number_tail, NULL, NULL) == SQLITE_OK;
}

GwStoreSearch *
gw_store_search_new (sqlite3 *db, GError **error)
{
  g_autoptr (GwStoreSearch) search = g_new0 (GwStoreSearch, 1);

  for (int way = 0; way < N_WAYS; way++)
    if (sqlite3_prepare_v3 (db, texts_of[way], -1, SQLITE_PREPARE_PERSISTENT, &search->statements[way], NULL)
        != SQLITE_OK)
      {
        g_set_error (error, CFG_ERROR, CFG_ERROR_INTERNAL, "the database cannot be read: %s",
                     sqlite3_errmsg (db));
        return NULL;
      }
  return g_steal_pointer (&search);
}

void
gw_store_search_free (GwStoreSearch *search)
{
  if (search == NULL)
    return;
  for (int way = 0; way < N_WAYS; way++)
    sqlite3_finalize (search->statements[way]);
  g_free (search);
}

/* What leaves the fewest records. */
static Way
way_of (const GwCallQuery *query, const char *tail)
{
  return query->id != NULL            ? BY_ID
         : query->sip_call_id != NULL ? BY_SIP_CALL_ID
         : tail != NULL               ? BY_NUMBER
         : query->room != NULL        ? BY_ROOM
         : query->trunk_id != NULL    ? BY_TRUNK
                                      : BY_TIME;
}

static void
bind_query (sqlite3_stmt *statement, const GwCallQuery *query, const char *tail)
{
  const char *const texts[] = { query->id,     query->sip_call_id, query->room,  query->direction,
                                query->status, query->trunk_id,    query->number };
  const gint64 end_us = query->until.us != 0 ? query->until.us : G_MAXINT64;
  gint64 before_us = query->before.seq != 0 ? query->before.created_us : G_MAXINT64;
  gint64 before_seq = query->before.seq != 0 ? query->before.seq : G_MAXINT64;

  if (end_us <= before_us)
    {
      before_us = end_us;
      before_seq = 0; /* nothing of that very instant */
    }
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    sqlite3_bind_text (statement, (int)i + 1, texts[i], -1, SQLITE_STATIC);
  sqlite3_bind_int (statement, 8, query->ended_only);
  sqlite3_bind_int64 (statement, 9, query->since.us != 0 ? query->since.us : G_MININT64);
  sqlite3_bind_int64 (statement, 10, before_us);
  sqlite3_bind_int64 (statement, 11, before_seq);
  sqlite3_bind_int (statement, 12, SLICE_RECORDS);
  sqlite3_bind_text (statement, 13, tail, -1, SQLITE_STATIC);
}

/* Returns: FALSE when the page is full: the record is the next page's first. */
static gboolean
take (sqlite3_stmt *statement, GwCallQuery *query, GPtrArray *texts, gsize *bytes)
{
  if (sqlite3_column_int (statement, 2))
    {
      if (texts->len >= query->limit || *bytes >= MAX_FOUND_BYTES)
        return FALSE;
      *bytes += (gsize)sqlite3_column_bytes (statement, 3);
      g_ptr_array_add (texts, g_strdup ((const char *)sqlite3_column_text (statement, 3)));
    }
  query->before = (GwCallCursor){ sqlite3_column_int64 (statement, 0), sqlite3_column_int64 (statement, 1) };
  return TRUE;
}

GwSearchState
gw_store_search_step (GwStoreSearch *search, GwCallQuery *query, GPtrArray *texts, gsize *bytes)
{
  g_autofree char *tail = query->number != NULL ? gw_number_wanted_tail (query->number) : NULL;
  sqlite3_stmt *statement = search->statements[way_of (query, tail)];
  GwSearchState state = GW_SEARCH_FAILED;
  guint n = 0;
  int step;

  bind_query (statement, query, tail);
  while ((step = sqlite3_step (statement)) == SQLITE_ROW && take (statement, query, texts, bytes))
    n++;
  if (step == SQLITE_ROW)
    state = GW_SEARCH_FULL;
  else if (step == SQLITE_DONE)
    state = n == SLICE_RECORDS ? GW_SEARCH_MORE : GW_SEARCH_OVER;
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);
  return state;
}
