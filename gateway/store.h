/* What outlives the process, in SQLite: trunks and rules made through the API, and the records of calls.
 *
 * A helper thread owns the database; the main thread hands it jobs, in order, and hears of their end on the
 * main loop. Jobs that wait together are one transaction, so that many calls a second cost few writes to the
 * disk. What was said to be done survives a kill at any moment. Main thread only. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

typedef struct _GwStore GwStore;

#define GW_STORE_CALLS_IN_MEMORY 100               /* records of calls that are over, without a file */
#define GW_STORE_MAX_FOUND_BYTES (8 * 1024 * 1024) /* beyond, searches wait; but for the last page */
#define GW_STORE_MAX_JOBS        20000 /* waiting; above it records of calls are dropped, and other jobs refused */

typedef enum
{
  GW_STORE_TRUNK,
  GW_STORE_RULE,
  GW_STORE_REGISTRATION, /* the id is the extension's name */
  GW_STORE_N_KINDS,
} GwStoreKind;

typedef struct
{
  const char *path;          /* ":memory:": nothing outlives the process, and the last calls are kept only */
  guint call_retention_days; /* 0: records of calls are kept for ever */
  guint prune_every_ms;      /* how often older ones are looked for; 0: a minute */
} GwStoreConfig;

/* One call, as it is found again. Texts are nullable. */
typedef struct
{
  const char *id; /* "SCL_...": replaces an older record */
  const char *sip_call_id, *room, *direction, *status, *trunk_id, *from, *to;
  CfgWall created, ended; /* ended: 0 while it is up */
  const char *json;       /* the whole record */
} GwCallRecord;

/* A place in the order of the records: behind this one. */
typedef struct
{
  gint64 created_us, seq; /* seq 0: none, from the newest on */
} GwCallCursor;

/* All that is not NULL or 0 must fit. */
typedef struct
{
  const char *id, *sip_call_id;
  const char *room, *direction, *status, *trunk_id;
  const char *number;   /* from or to, as gw_number_fits */
  CfgWall since, until; /* of the beginning of the call */
  gboolean ended_only;
  guint limit;
  GwCallCursor before; /* only records behind it: what GwStoreFound said as @next */
} GwCallQuery;

/** GwStoreDone: @error: NULL: it is on the disk. */
typedef void (*GwStoreDone) (gpointer user, const GError *error);
/** GwStoreFound: @texts: the records, the newest first; NULL with @error. @next: (nullable): NULL: there are
 * no more. */
typedef void (*GwStoreFound) (gpointer user, GPtrArray *texts, const GwCallCursor *next, const GError *error);

/**
 * gw_store_open: opens or makes the database, brings it to this version, and marks calls that were up when
 * the process died. Blocks; at start only.
 *
 * Returns: (nullable): NULL with UNAVAILABLE: cannot be made or opened, or is in use by another process;
 * with another error: it is damaged, or was written by a newer version.
 */
GwStore *gw_store_open (const GwStoreConfig *config, GError **error);
/** gw_store_free: does what waits, tells its owners, and closes. (nullable) */
void gw_store_free (GwStore *store);

/** gw_store_loaded: the JSON texts of @kind as they were when the database was opened, in the order they were
 * made. (transfer none) */
const GPtrArray *gw_store_loaded (const GwStore *store, GwStoreKind kind);

/** gw_store_put: makes or replaces the entry @id. @done: (nullable). */
void gw_store_put (GwStore *store, GwStoreKind kind, const char *id, const char *json, GwStoreDone done,
                   gpointer user);
void gw_store_delete (GwStore *store, GwStoreKind kind, const char *id, GwStoreDone done, gpointer user);

void gw_store_put_call (GwStore *store, const GwCallRecord *record);
/** gw_store_when_written: @done is told when nothing that was put before waits any more: it is on the disk,
 * or the store has said why not. */
void gw_store_when_written (GwStore *store, GwStoreDone done, gpointer user);
/** gw_store_find_calls: sees every record that was put before. An answer has at most about 1 MiB, and not
 * more than some ten thousand records are looked at for it: with less than @limit records, @next says whether
 * there may be more. */
void gw_store_find_calls (GwStore *store, const GwCallQuery *query, GwStoreFound found, gpointer user);

/** gw_store_n_waiting: jobs that the database has not taken yet. */
guint gw_store_n_waiting (GwStore *store);
/** gw_store_found_bytes: of records that were found, and wait for the main thread. */
gsize gw_store_found_bytes (const GwStore *store);
/** gw_store_n_dropped: records of calls that were not written, ever. */
guint64 gw_store_n_dropped (GwStore *store);
