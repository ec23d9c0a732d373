/* Finding records of calls, page by page, in the thread that owns the database.
 *
 * Every question goes along one index that is ordered by time, so a page costs what is on it: one call, a
 * room's, a number's or a trunk's calls, or those of a span of time. Numbers are found by their last digits,
 * which they have in common however they are written. What no index can tell (a direction, a status, the
 * beginning of a number, two of those at once) is looked at record by record, a bounded slice at a time, so
 * that other jobs come in between. */
#pragma once

#include <sqlite3.h>

#include "gateway/store.h"

typedef struct _GwStoreSearch GwStoreSearch; /* its statements */

typedef enum
{
  GW_SEARCH_OVER,   /* there are no more */
  GW_SEARCH_FULL,   /* the page is; there may be more */
  GW_SEARCH_MORE,   /* this slice is over: call again */
  GW_SEARCH_FAILED, /* sqlite3_errmsg says why */
} GwSearchState;

GwStoreSearch *gw_store_search_new (sqlite3 *db, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** gw_store_add_functions: for @db, which is told of them before anything else: number_tail (text) and
 * number_fits (wanted, text), as gw_number_* says. Returns: FALSE: no memory. */
gboolean gw_store_add_functions (sqlite3 *db) G_GNUC_WARN_UNUSED_RESULT;
/** gw_store_search_free: before the database is closed. (nullable) */
void gw_store_search_free (GwStoreSearch *search);

/**
 * gw_store_search_step: one slice of a search.
 * @query: `before` says where it begins, and is moved behind the last record that was looked at
 * @texts: (inout): the records found so far, of char*; at most the query's limit
 * @bytes: (inout): their size, 0 at first
 */
GwSearchState gw_store_search_step (GwStoreSearch *search, GwCallQuery *query, GPtrArray *texts,
                                    gsize *bytes) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GwStoreSearch, gw_store_search_free)
