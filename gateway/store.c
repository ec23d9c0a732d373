#include "gateway/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "config/base/error.h"
#include "config/base/log.h"
#include "config/base/memory.h"
#include "config/base/thread.h"
#include "gateway/store_search.h"

#define PAGE_BYTES     4096 /* SQLite's default */
#define N_PAGES        64
#define MAX_BATCH      512
#define PRUNE_EVERY_MS 60000
#define PRUNE_ROWS     500
#define BUSY_MS        2000 /* somebody reads the file with a tool */
#define MAX_SLICES     50   /* of one search */
#define MAX_STARTED    8    /* searches that have begun and go on in the next batches */
#define PARKED_MS      5    /* how often it is looked whether the main thread has taken what was found */
#define REST_US        (5 * CFG_US_PER_S) /* without a job */
#define DAY_US         (24 * 3600 * CFG_US_PER_S)

/* The n-th brings a database of version n to version n + 1. Never changed once released. */
static const char *const migrations[] = {
  "CREATE TABLE entries (seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, id TEXT NOT NULL, json TEXT NOT "
  "NULL,"
  " UNIQUE (kind, id));"
  "CREATE TABLE calls (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, sip_call_id TEXT,"
  " room TEXT, direction TEXT, status TEXT, trunk_id TEXT, from_number TEXT, to_number TEXT,"
  " created_us INTEGER NOT NULL, ended_us INTEGER NOT NULL, json TEXT NOT NULL);"
  "CREATE INDEX calls_by_time ON calls (created_us);"
  "CREATE INDEX calls_by_room ON calls (room, seq);"
  "CREATE INDEX calls_by_sip_call_id ON calls (sip_call_id);",
  /* Each ends with seq, so that all are in the order of the pages. */
  "DROP INDEX calls_by_room;"
  "CREATE INDEX calls_by_room ON calls (room, created_us);"
  "CREATE INDEX calls_by_trunk ON calls (trunk_id, created_us);"
  "CREATE INDEX calls_by_from ON calls (from_number, created_us);"
  "CREATE INDEX calls_by_to ON calls (to_number, created_us);"
  "CREATE INDEX calls_running ON calls (seq) WHERE ended_us = 0;",
  /* Numbers are found however they are written. */
  "ALTER TABLE calls ADD COLUMN from_tail TEXT;"
  "ALTER TABLE calls ADD COLUMN to_tail TEXT;"
  "UPDATE calls SET from_tail = number_tail (from_number), to_tail = number_tail (to_number);"
  "DROP INDEX calls_by_from;"
  "DROP INDEX calls_by_to;"
  "CREATE INDEX calls_by_from ON calls (from_tail, created_us);"
  "CREATE INDEX calls_by_to ON calls (to_tail, created_us);",
};

/* What is known of a call that was up when its process died is the record of its beginning, or why it was
 * about to end. */
static const char mark_cut_calls[]
    = "UPDATE calls SET ended_us = created_us, status = 'hangup',"
      " json = CASE WHEN status = 'hangup' THEN json ELSE json_set (json, '$.status', 'hangup', '$.end', "
      "json_object ('reason', 'gateway_died',"
      " 'cause', 'gateway_died', 'cause_text', 'the gateway died or was killed while it was up', 'q850', 38,"
      " 'disconnect_reason', 'SERVER_SHUTDOWN')) END"
      " WHERE ended_us = 0";

typedef enum
{
  JOB_PUT,
  JOB_DELETE,
  JOB_PUT_CALL,
  JOB_FIND_CALLS,
  JOB_WAIT, /* for those before it */
  JOB_QUIT,
} JobType;

typedef struct
{
  JobType type;
  GwStoreKind kind;
  char *id, *sip_call_id, *room, *direction, *status, *trunk_id, *from, *to, *json;
  gint64 created_us, ended_us;

  GwCallQuery query; /* of FIND_CALLS; its texts are those above */
  guint n_slices;
  gsize n_bytes;
  gboolean is_more;
  GPtrArray *texts;

  GwStoreDone done;
  GwStoreFound found;
  gpointer user;
  GError *error;
} Job;

typedef enum
{
  STATEMENT_PUT,
  STATEMENT_DELETE,
  STATEMENT_PUT_CALL,
  STATEMENT_PRUNE,
  STATEMENT_FORGET,
  N_STATEMENTS,
} Statement;

static const char *const statement_texts[N_STATEMENTS] = {
  [STATEMENT_PUT] = "INSERT INTO entries (kind, id, json) VALUES (?1, ?2, ?3)"
                    " ON CONFLICT (kind, id) DO UPDATE SET json = excluded.json",
  [STATEMENT_DELETE] = "DELETE FROM entries WHERE kind = ?1 AND id = ?2",
  [STATEMENT_PUT_CALL]
  = "INSERT INTO calls (id, sip_call_id, room, direction, status, trunk_id, from_number, to_number, "
    "created_us,"
    " ended_us, json, from_tail, to_tail)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, number_tail (?7), number_tail (?8))"
    " ON CONFLICT (id) DO UPDATE SET sip_call_id = excluded.sip_call_id, room = excluded.room,"
    " status = excluded.status, trunk_id = excluded.trunk_id, from_number = excluded.from_number,"
    " to_number = excluded.to_number, from_tail = excluded.from_tail, to_tail = excluded.to_tail, ended_us = "
    "excluded.ended_us, json = excluded.json",
  [STATEMENT_PRUNE] = "DELETE FROM calls WHERE seq IN (SELECT seq FROM calls WHERE created_us < ?1"
                      " AND ended_us != 0 LIMIT ?2)",
  [STATEMENT_FORGET] = "DELETE FROM calls WHERE ended_us != 0 AND seq <= (SELECT MAX (seq) FROM calls) - ?1",
};

struct _GwStore
{
  sqlite3 *db; /* of the helper thread once it runs */
  sqlite3_stmt *statements[N_STATEMENTS];
  gint64 retention_us;
  gboolean in_memory;
  GwStoreSearch *search;
  GQueue unfinished;         /* of Job: searches whose next slice is due */
  GQueue parked;             /* of Job: searches that have not begun */
  atomic_size_t found_bytes; /* of searches that are done, and not taken by the main thread */
  gint64 prune_every_us;
  CfgMonotonic pruned;
  gboolean prune_more;
  gboolean is_tidy; /* the thread has given back what it freed */

  GPtrArray *loaded[GW_STORE_N_KINDS];
  int lock_fd; /* -1: in memory */
  GThread *thread;
  GAsyncQueue *jobs, *results;
  guint64 n_dropped;
  gint deliver_scheduled; /* atomic */
};

static void
job_free (gpointer data)
{
  Job *job = data;

  g_free (job->id);
  g_free (job->sip_call_id);
  g_free (job->room);
  g_free (job->direction);
  g_free (job->status);
  g_free (job->trunk_id);
  g_free (job->from);
  g_free (job->to);
  g_free (job->json);
  g_clear_pointer (&job->texts, g_ptr_array_unref);
  g_clear_error (&job->error);
  g_free (job);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Job, job_free)

/* ---- the helper thread ---- */

static gboolean
fail (sqlite3 *db, const char *doing, GError **error)
{
  g_set_error (error, CFG_ERROR, CFG_ERROR_INTERNAL, "the database cannot %s: %s", doing,
               sqlite3_errmsg (db));
  return FALSE;
}

static gboolean
execute (sqlite3 *db, const char *sql, GError **error)
{
  if (sqlite3_exec (db, sql, NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;
  return fail (db, "be written", error);
}

static void
bind_text (sqlite3_stmt *statement, int index, const char *text)
{
  sqlite3_bind_text (statement, index, text, -1, SQLITE_STATIC);
}

static void
bind_job (sqlite3_stmt *statement, const Job *job)
{
  const char *const texts[]
      = { job->id, job->sip_call_id, job->room, job->direction, job->status, job->trunk_id };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    bind_text (statement, (int)i + 1, texts[i]);
  bind_text (statement, 7, job->from);
}

/* A slice of it. Returns: whether it is done. */
static gboolean
run_find (GwStore *store, Job *job)
{
  if (job->texts == NULL)
    job->texts = g_ptr_array_new_with_free_func (g_free);
  switch (gw_store_search_step (store->search, &job->query, job->texts, &job->n_bytes))
    {
    case GW_SEARCH_MORE:
      job->is_more = TRUE;
      return ++job->n_slices >= MAX_SLICES;
    case GW_SEARCH_FULL:
      job->is_more = TRUE;
      return TRUE;
    case GW_SEARCH_OVER:
      job->is_more = FALSE;
      return TRUE;
    case GW_SEARCH_FAILED:
    default:
      fail (store->db, "be read", &job->error);
      return TRUE;
    }
}

static void
run_write (GwStore *store, Job *job)
{
  Statement which = job->type == JOB_PUT      ? STATEMENT_PUT
                    : job->type == JOB_DELETE ? STATEMENT_DELETE
                                              : STATEMENT_PUT_CALL;
  sqlite3_stmt *statement = store->statements[which];

  if (job->type == JOB_PUT_CALL)
    {
      bind_job (statement, job);
      bind_text (statement, 8, job->to);
      sqlite3_bind_int64 (statement, 9, job->created_us);
      sqlite3_bind_int64 (statement, 10, job->ended_us);
      bind_text (statement, 11, job->json);
    }
  else
    {
      sqlite3_bind_int (statement, 1, (int)job->kind);
      bind_text (statement, 2, job->id);
      if (job->type == JOB_PUT)
        bind_text (statement, 3, job->json);
    }
  if (sqlite3_step (statement) != SQLITE_DONE)
    fail (store->db, "be written", &job->error);
}

/* Returns: FALSE: it goes on in the next batch, others come before. */
static gboolean
run_job (GwStore *store, Job *job)
{
  if (job->type == JOB_FIND_CALLS)
    return run_find (store, job);
  if (job->type == JOB_WAIT)
    return TRUE;
  run_write (store, job);
  for (int i = 0; i < N_STATEMENTS; i++)
    {
      sqlite3_reset (store->statements[i]);
      sqlite3_clear_bindings (store->statements[i]);
    }
  return TRUE;
}

/* G_MAXINT64: never. */
static gint64
us_until_prune (const GwStore *store)
{
  gint64 left_us;

  if (store->retention_us == 0)
    return G_MAXINT64;
  if (store->prune_more)
    return 0;
  left_us = store->prune_every_us - cfg_monotonic_diff_us (cfg_monotonic_now (), store->pruned);
  return MAX (left_us, 0);
}

/* Old records, some at a time: nobody waits long behind them. */
static void
prune (GwStore *store)
{
  sqlite3_stmt *statement = store->statements[STATEMENT_PRUNE];
  const CfgMonotonic now = cfg_monotonic_now ();

  if (us_until_prune (store) > 0)
    return;
  store->pruned = now;
  sqlite3_bind_int64 (statement, 1, cfg_wall_now ().us - store->retention_us);
  sqlite3_bind_int (statement, 2, PRUNE_ROWS);
  sqlite3_step (statement);
  sqlite3_reset (statement);
  store->prune_more = sqlite3_changes (store->db) == PRUNE_ROWS;
}

/* Memory has an end: the last calls only. */
static void
forget (GwStore *store)
{
  sqlite3_stmt *statement = store->statements[STATEMENT_FORGET];

  if (!store->in_memory)
    return;
  sqlite3_bind_int (statement, 1, GW_STORE_CALLS_IN_MEMORY);
  sqlite3_step (statement);
  sqlite3_reset (statement);
}

static gboolean deliver (gpointer data);

/* Pages are large, and quickly asked for: what is found waits for the main thread, not the other way round.
 */
static gboolean
may_search (const GwStore *store)
{
  return atomic_load (&store->found_bytes) < GW_STORE_MAX_FOUND_BYTES;
}

static void
hand_back (GwStore *store, GPtrArray *batch, const GError *error)
{
  if (batch->len == 0)
    return;
  for (guint i = 0; i < batch->len; i++)
    {
      Job *job = g_ptr_array_index (batch, i);

      if (error != NULL && job->error == NULL)
        job->error = g_error_copy (error);
      g_async_queue_push (store->results, job);
    }
  g_ptr_array_set_size (batch, 0);
  if (g_atomic_int_compare_and_exchange (&store->deliver_scheduled, 0, 1))
    g_idle_add_full (G_PRIORITY_DEFAULT, deliver, store, NULL);
}

/* @error: (inout): of the whole batch */
static void
run_one (GwStore *store, Job *job, GPtrArray *batch, GError **error)
{
  if (*error == NULL && !run_job (store, job))
    {
      g_queue_push_tail (&store->unfinished, job);
      return;
    }
  if (job->error != NULL && *error == NULL && sqlite3_get_autocommit (store->db))
    *error = g_error_copy (job->error); /* a full disk: SQLite has undone all before it, too */
  atomic_fetch_add (&store->found_bytes, job->n_bytes);
  g_ptr_array_add (batch, job);
}

/* Searches that wait: one that has begun goes on, and one begins. */
static void
run_searches (GwStore *store, GPtrArray *batch, GError **error)
{
  Job *next = may_search (store) ? g_queue_pop_head (&store->unfinished) : NULL;

  if (next != NULL)
    run_one (store, next, batch, error);
  next = may_search (store) && store->unfinished.length < MAX_STARTED ? g_queue_pop_head (&store->parked)
                                                                      : NULL;
  if (next != NULL)
    run_one (store, next, batch, error);
}

/* The end: those that have begun get a short page, the others none. */
static void
give_up_searches (GwStore *store, GPtrArray *batch)
{
  Job *job;

  while ((job = g_queue_pop_head (&store->unfinished)) != NULL)
    {
      atomic_fetch_add (&store->found_bytes, job->n_bytes);
      g_ptr_array_add (batch, job);
    }
  while ((job = g_queue_pop_head (&store->parked)) != NULL)
    {
      job->error = g_error_new_literal (CFG_ERROR, CFG_ERROR_UNAVAILABLE, "the gateway is shutting down");
      g_ptr_array_add (batch, job);
    }
}

/* What waits, then a slice of a search, then what is too old.
 *
 * @first: (transfer full) (nullable). Returns: FALSE when it was told to quit. */
static gboolean
run_batch (GwStore *store, Job *first, GPtrArray *batch)
{
  g_autoptr (GError) error = NULL;
  Job *job = first;
  gboolean go_on = TRUE;

  (void)execute (store->db, "BEGIN IMMEDIATE", &error); /* what waits fails with it: each job hears why */
  for (; job != NULL; job = batch->len < MAX_BATCH ? g_async_queue_try_pop (store->jobs) : NULL)
    {
      if (job->type == JOB_QUIT)
        {
          job_free (job);
          go_on = FALSE;
          break;
        }
      if (job->type == JOB_FIND_CALLS
          && (!may_search (store) || store->parked.length > 0 || store->unfinished.length >= MAX_STARTED))
        g_queue_push_tail (&store->parked, job);
      else
        run_one (store, job, batch, &error);
    }
  run_searches (store, batch, &error);
  if (error == NULL)
    {
      prune (store);
      forget (store);
      if (!execute (store->db, "COMMIT", &error))
        (void)sqlite3_exec (store->db, "ROLLBACK", NULL, NULL, NULL);
    }
  if (!go_on)
    give_up_searches (store, batch);
  hand_back (store, batch, error);
  return go_on;
}

/* Returns: (transfer full) (nullable): NULL: none came, but there is something to be done. */
static Job *
next_job (GwStore *store)
{
  const gboolean is_searching = store->unfinished.length + store->parked.length > 0;
  const gint64 wait_us = !is_searching        ? us_until_prune (store)
                         : may_search (store) ? 0
                                              : MIN (us_until_prune (store), PARKED_MS * CFG_US_PER_MS);
  Job *job;

  if (!store->is_tidy && wait_us > REST_US)
    {
      job = g_async_queue_timeout_pop (store->jobs, REST_US);
      if (job != NULL)
        return job;
      cfg_memory_empty_cache (); /* the texts of jobs are the main thread's */
      store->is_tidy = TRUE;
      return next_job (store);
    }
  return wait_us == 0            ? g_async_queue_try_pop (store->jobs)
         : wait_us == G_MAXINT64 ? g_async_queue_pop (store->jobs)
                                 : g_async_queue_timeout_pop (store->jobs, (guint64)wait_us);
}

static gpointer
run_thread (gpointer data)
{
  GwStore *store = data;
  g_autoptr (GPtrArray) batch = g_ptr_array_new ();

  cfg_thread_give_way ();
  while (run_batch (store, next_job (store), batch))
    store->is_tidy = FALSE;
  return NULL;
}

/* ---- open ---- */

/* A second process that writes the same trunks is refused; one that only reads is not. */
static gboolean
lock_file (GwStore *store, const char *path, GError **error)
{
  store->lock_fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (store->lock_fd < 0)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "storage.path: %s cannot be opened: %s", path,
                   g_strerror (errno));
      return FALSE;
    }
  if (flock (store->lock_fd, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE,
               "storage.path: %s is in use by another Switchroom; give each its own", path);
  return FALSE;
}

static gboolean
read_version (sqlite3 *db, guint *version)
{
  sqlite3_stmt *statement = NULL;
  gboolean ok = sqlite3_prepare_v2 (db, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK
                && sqlite3_step (statement) == SQLITE_ROW;

  if (ok)
    *version = (guint)sqlite3_column_int (statement, 0);
  sqlite3_finalize (statement);
  return ok;
}

static gboolean
migrate (sqlite3 *db, GError **error)
{
  guint version = 0;

  if (!read_version (db, &version))
    return fail (db, "be read", error);
  if (version > G_N_ELEMENTS (migrations))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                   "it was written by a newer version of Switchroom (format %u, known up to %u)", version,
                   (guint)G_N_ELEMENTS (migrations));
      return FALSE;
    }
  for (; version < G_N_ELEMENTS (migrations); version++)
    {
      g_autofree char *sql
          = g_strdup_printf ("BEGIN; %s PRAGMA user_version = %u; COMMIT;", migrations[version], version + 1);

      if (!execute (db, sql, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
load_entries (GwStore *store, GError **error)
{
  sqlite3_stmt *statement = NULL;
  int step = SQLITE_ERROR;

  for (int i = 0; i < GW_STORE_N_KINDS; i++)
    store->loaded[i] = g_ptr_array_new_with_free_func (g_free);
  if (sqlite3_prepare_v2 (store->db, "SELECT kind, json FROM entries ORDER BY seq", -1, &statement, NULL)
      == SQLITE_OK)
    while ((step = sqlite3_step (statement)) == SQLITE_ROW)
      {
        int kind = sqlite3_column_int (statement, 0);

        if (kind >= 0 && kind < GW_STORE_N_KINDS)
          g_ptr_array_add (store->loaded[kind], g_strdup ((const char *)sqlite3_column_text (statement, 1)));
      }
  sqlite3_finalize (statement);
  return step == SQLITE_DONE || fail (store->db, "be read", error);
}

static gboolean
prepare (GwStore *store, GError **error)
{
  for (int i = 0; i < N_STATEMENTS; i++)
    if (sqlite3_prepare_v3 (store->db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                            &store->statements[i], NULL)
        != SQLITE_OK)
      return fail (store->db, "be read", error);
  store->search = gw_store_search_new (store->db, error);
  return store->search != NULL;
}

static gboolean
open_database (GwStore *store, const char *path, GError **error)
{
  if (strcmp (path, ":memory:") != 0 && !lock_file (store, path, error))
    return FALSE;
  if (sqlite3_open_v2 (path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                       NULL)
      != SQLITE_OK)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION, "storage.path: %s cannot be opened: %s",
                   path, sqlite3_errmsg (store->db));
      return FALSE;
    }
  sqlite3_busy_timeout (store->db, BUSY_MS);
  if (!gw_store_add_functions (store->db))
    return fail (store->db, "be read", error);
  if (execute (store->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -96;",
               error)
      && migrate (store->db, error) && execute (store->db, mark_cut_calls, error)
      && load_entries (store, error) && prepare (store, error))
    return TRUE;
  g_prefix_error (error, "storage.path: %s: ", path);
  return FALSE;
}

/* Pages of the database come from one block that is taken whole at the start, so that the process does not
 * grow while they fill. Once for the process; later calls are refused by SQLite, and do no harm. */
static void
take_pages (void)
{
  static gpointer block;
  int header = 0;
  gsize size;

  if (block != NULL || sqlite3_config (SQLITE_CONFIG_PCACHE_HDRSZ, &header) != SQLITE_OK)
    return;
  size = (gsize)(PAGE_BYTES + header);
  block = g_malloc (N_PAGES * size);
  memset (block, 0xff, N_PAGES * size);
  (void)sqlite3_config (SQLITE_CONFIG_PAGECACHE, block, (int)size, N_PAGES);
}

GwStore *
gw_store_open (const GwStoreConfig *config, GError **error)
{
  GwStore *store = g_new0 (GwStore, 1);

  take_pages ();
  store->lock_fd = -1;
  store->in_memory = strcmp (config->path, ":memory:") == 0;
  store->retention_us = config->call_retention_days * DAY_US;
  store->prune_more = TRUE;
  store->prune_every_us
      = (config->prune_every_ms != 0 ? config->prune_every_ms : PRUNE_EVERY_MS) * (gint64)1000;
  store->jobs = g_async_queue_new_full (job_free);
  store->results = g_async_queue_new_full (job_free);
  if (!open_database (store, config->path, error))
    {
      gw_store_free (store);
      return NULL;
    }
  store->thread = g_thread_new ("store", run_thread, store);
  return store;
}

void
gw_store_free (GwStore *store)
{
  if (store == NULL)
    return;
  if (store->thread != NULL)
    {
      Job *quit = g_new0 (Job, 1);

      quit->type = JOB_QUIT;
      g_async_queue_push (store->jobs, quit);
      g_thread_join (store->thread);
      while (g_idle_remove_by_data (store))
        ;
      deliver (store);
    }
  for (int i = 0; i < N_STATEMENTS; i++)
    sqlite3_finalize (store->statements[i]);
  gw_store_search_free (store->search);
  sqlite3_close (store->db);
  if (store->lock_fd >= 0)
    close (store->lock_fd);
  for (int i = 0; i < GW_STORE_N_KINDS; i++)
    g_clear_pointer (&store->loaded[i], g_ptr_array_unref);
  g_async_queue_unref (store->jobs);
  g_async_queue_unref (store->results);
  g_free (store);
}

const GPtrArray *
gw_store_loaded (const GwStore *store, GwStoreKind kind)
{
  return store->loaded[kind];
}

/* ---- the main thread ---- */

static gboolean
deliver (gpointer data)
{
  GwStore *store = data;
  Job *next;

  g_atomic_int_set (&store->deliver_scheduled, 0);
  while ((next = g_async_queue_try_pop (store->results)) != NULL)
    {
      g_autoptr (Job) job = next;

      if (job->type == JOB_FIND_CALLS)
        {
          job->found (job->user, job->error == NULL ? job->texts : NULL,
                      job->is_more && job->error == NULL ? &job->query.before : NULL, job->error);
          atomic_fetch_sub (&store->found_bytes, job->n_bytes);
        }
      else if (job->done != NULL)
        job->done (job->user, job->error);
      else if (job->error != NULL)
        {
          store->n_dropped++;
          cfg_error ("store", &(CfgLogContext){ .call_id = job->id }, "The record of a call was not written",
                     CFG_STR ("reason", job->error->message));
        }
    }
  return G_SOURCE_REMOVE;
}

/* Takes @job. A database that cannot follow must not take all memory. */
static void
submit (GwStore *store, Job *job)
{
  /* Who waits for those before it takes nearly none, and would be told too early otherwise. */
  if (job->type == JOB_WAIT || g_async_queue_length (store->jobs) < GW_STORE_MAX_JOBS)
    {
      g_async_queue_push (store->jobs, job);
      return;
    }
  job->error = g_error_new_literal (CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED,
                                    "the database does not follow: its disk is slow or full");
  g_async_queue_push (store->results, job);
  if (g_atomic_int_compare_and_exchange (&store->deliver_scheduled, 0, 1))
    g_idle_add_full (G_PRIORITY_DEFAULT, deliver, store, NULL);
}

static Job *
entry_job (JobType type, GwStoreKind kind, const char *id, const char *json, GwStoreDone done, gpointer user)
{
  Job *job = g_new0 (Job, 1);

  job->type = type;
  job->kind = kind;
  job->id = g_strdup (id);
  job->json = g_strdup (json);
  job->done = done;
  job->user = user;
  return job;
}

void
gw_store_put (GwStore *store, GwStoreKind kind, const char *id, const char *json, GwStoreDone done,
              gpointer user)
{
  submit (store, entry_job (JOB_PUT, kind, id, json, done, user));
}

void
gw_store_delete (GwStore *store, GwStoreKind kind, const char *id, GwStoreDone done, gpointer user)
{
  submit (store, entry_job (JOB_DELETE, kind, id, NULL, done, user));
}

void
gw_store_put_call (GwStore *store, const GwCallRecord *record)
{
  Job *job = entry_job (JOB_PUT_CALL, 0, record->id, record->json, NULL, NULL);

  job->sip_call_id = g_strdup (record->sip_call_id);
  job->room = g_strdup (record->room);
  job->direction = g_strdup (record->direction);
  job->status = g_strdup (record->status);
  job->trunk_id = g_strdup (record->trunk_id);
  job->from = g_strdup (record->from);
  job->to = g_strdup (record->to);
  job->created_us = record->created.us;
  job->ended_us = record->ended.us;
  submit (store, job);
}

void
gw_store_when_written (GwStore *store, GwStoreDone done, gpointer user)
{
  submit (store, entry_job (JOB_WAIT, 0, NULL, NULL, done, user));
}

void
gw_store_find_calls (GwStore *store, const GwCallQuery *query, GwStoreFound found, gpointer user)
{
  Job *job = entry_job (JOB_FIND_CALLS, 0, query->id, NULL, NULL, user);

  job->found = found;
  job->sip_call_id = g_strdup (query->sip_call_id);
  job->room = g_strdup (query->room);
  job->direction = g_strdup (query->direction);
  job->status = g_strdup (query->status);
  job->trunk_id = g_strdup (query->trunk_id);
  job->from = g_strdup (query->number);
  job->query = *query;
  job->query.id = job->id;
  job->query.sip_call_id = job->sip_call_id;
  job->query.room = job->room;
  job->query.direction = job->direction;
  job->query.status = job->status;
  job->query.trunk_id = job->trunk_id;
  job->query.number = job->from;
  submit (store, job);
}

guint
gw_store_n_waiting (GwStore *store)
{
  return (guint)MAX (g_async_queue_length (store->jobs), 0); /* below 0: somebody waits for one */
}

gsize
gw_store_found_bytes (const GwStore *store)
{
  return atomic_load (&store->found_bytes);
}

guint64
gw_store_n_dropped (GwStore *store)
{
  return store->n_dropped;
}
