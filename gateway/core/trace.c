#include "gateway/core/trace.h"

#include <string.h>

#include "gateway/core/text_ring.h"

/* One message in a block: this, then its text, padded to ALIGNMENT. */
typedef struct
{
  gint64 us;
  guint32 size;
  guint8 is_sent;
  char transport[8];
  char local[64], remote[64];
} Record;

#define ALIGNMENT 8u

/* Of a call that is over: this, then its records. */
typedef struct
{
  char name[32];
  guint32 n_lost;
  guint32 padding;
} Finished;

typedef struct
{
  char *name;        /* (nullable): of the call that claimed it; the key in by_name */
  char *start, *tag; /* (nullable) each: its keys in by_key */
  char *call_id;     /* as short_text writes it */
  gint64 since_us;   /* the INVITE that start is about */
  GByteArray *records;
  guint n_lost;
} Live;

struct _GwTrace
{
  GHashTable *by_key;  /* char* -> Live; the key is the Live's own */
  GHashTable *by_name; /* the same */
  GHashTable *live;    /* set of Live, owned */
  GQueue unclaimed;    /* of Live, the oldest first */
  GString *key;        /* that is being looked up */
  gsize bytes;         /* of all blocks */
  GwTextRing *ended;   /* Finished and records */
};

/* What begins a key. */
enum
{
  KEY_TAG = 'T',         /* Call-ID and our tag */
  KEY_OURS = 'O',        /* Call-ID of an INVITE of ours */
  KEY_TRANSACTION = 'X', /* of an INVITE of the peer's */
  KEY_CALLER = 'C',      /* Call-ID and who sent the INVITE that we challenged */
};

#define KEY_MAX 256 /* of longer ones a digest stands for them */

G_STATIC_ASSERT (sizeof (Record) % ALIGNMENT == 0 && sizeof (Finished) % ALIGNMENT == 0);

static void
live_free (gpointer data)
{
  Live *live = data;

  g_byte_array_unref (live->records);
  g_free (live->name);
  g_free (live->start);
  g_free (live->tag);
  g_free (live->call_id);
  g_free (live);
}

GwTrace *
gw_trace_new (void)
{
  GwTrace *trace = g_new0 (GwTrace, 1);

  trace->by_key = g_hash_table_new (g_str_hash, g_str_equal);
  trace->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  trace->live = g_hash_table_new_full (NULL, NULL, live_free, NULL);
  trace->key = g_string_sized_new (KEY_MAX);
  g_queue_init (&trace->unclaimed);
  trace->ended = gw_text_ring_new (0, GW_TRACE_FINISHED_BYTES);
  gw_text_ring_touch (trace->ended);
  return trace;
}

void
gw_trace_free (GwTrace *trace)
{
  if (trace == NULL)
    return;
  g_queue_clear (&trace->unclaimed);
  g_hash_table_unref (trace->by_key);
  g_hash_table_unref (trace->by_name);
  g_hash_table_unref (trace->live);
  g_string_free (trace->key, TRUE);
  gw_text_ring_free (trace->ended);
  g_free (trace);
}

/* ---- keys ---- */

static void
shorten (GString *text)
{
  g_autofree char *digest = NULL;

  if (text->len <= KEY_MAX)
    return;
  digest = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)text->str, text->len);
  g_string_assign (text, digest);
}

/* Valid until the next one. @word: (nullable) */
static const char *
make_key (GwTrace *trace, char kind, const char *text, const char *word)
{
  g_string_truncate (trace->key, 0);
  g_string_append_c (trace->key, kind);
  g_string_append (trace->key, text);
  if (word != NULL)
    {
      g_string_append_c (trace->key, '\n'); /* in no header */
      g_string_append (trace->key, word);
    }
  shorten (trace->key);
  return trace->key->str;
}

/* Of the INVITE that @ids or a claim is about. */
static const char *
start_key (GwTrace *trace, const char *call_id, const char *transaction)
{
  return transaction != NULL ? make_key (trace, KEY_TRANSACTION, transaction, NULL)
                             : make_key (trace, KEY_OURS, call_id, NULL);
}

/* @field: its start or tag; @key: (nullable): none from here on. One that another has already is not taken.
 */
static void
set_key (GwTrace *trace, Live *live, char **field, const char *key)
{
  if (key != NULL && g_hash_table_contains (trace->by_key, key))
    return;
  if (*field != NULL)
    g_hash_table_remove (trace->by_key, *field);
  g_free (*field);
  *field = g_strdup (key);
  if (*field != NULL)
    g_hash_table_insert (trace->by_key, *field, live);
}

static void
set_tag (GwTrace *trace, Live *live, const GwTraceIds *ids)
{
  set_key (trace, live, &live->tag, make_key (trace, KEY_TAG, ids->call_id, ids->own_tag));
}

/* ---- blocks ---- */

static gsize
record_size (const guint8 *at)
{
  Record record;

  memcpy (&record, at, sizeof record);
  return sizeof record + ((record.size + ALIGNMENT - 1) & ~(gsize)(ALIGNMENT - 1));
}

static void
forget (GwTrace *trace, Live *live)
{
  trace->bytes -= live->records->len;
  set_key (trace, live, &live->start, NULL);
  set_key (trace, live, &live->tag, NULL);
  if (live->name == NULL)
    g_queue_remove (&trace->unclaimed, live);
  else
    g_hash_table_remove (trace->by_name, live->name);
  g_hash_table_remove (trace->live, live);
}

static void
push_unclaimed (GwTrace *trace, Live *live)
{
  if (trace->unclaimed.length >= GW_TRACE_MAX_UNCLAIMED)
    forget (trace, g_queue_peek_head (&trace->unclaimed));
  g_queue_push_tail (&trace->unclaimed, live);
}

static Live *
begin (GwTrace *trace, const char *call_id, const char *transaction, gint64 now_us)
{
  Live *live = g_new0 (Live, 1);

  live->call_id = g_strdup (make_key (trace, KEY_OURS, call_id, NULL));
  live->records = g_byte_array_new ();
  live->since_us = now_us;
  set_key (trace, live, &live->start, start_key (trace, call_id, transaction));
  g_hash_table_add (trace->live, live);
  push_unclaimed (trace, live);
  return live;
}

static gboolean
is_fresh (const Live *live, const GwTraceMessage *message)
{
  return message->time.us - live->since_us <= GW_TRACE_FRESH_US;
}

/* A request of ours or an answer to it, and our tag is not known yet, or not in this Call-ID: only our own
 * messages tell which it is. */
static Live *
find_ours (GwTrace *trace, const GwTraceIds *ids, const GwTraceMessage *message)
{
  Live *live = g_hash_table_lookup (trace->by_key, start_key (trace, ids->call_id, NULL));

  if (live == NULL || !message->is_sent || (live->tag != NULL && !ids->begins))
    return NULL;
  if (ids->own_tag != NULL)
    set_tag (trace, live, ids);
  return live;
}

/* An INVITE after our challenge is another transaction, and gets another tag of ours. */
static Live *
find_challenged (GwTrace *trace, const GwTraceIds *ids, const GwTraceMessage *message)
{
  Live *live
      = ids->begins && ids->caller != NULL
            ? g_hash_table_lookup (trace->by_key, make_key (trace, KEY_CALLER, ids->call_id, ids->caller))
            : NULL;

  if (live == NULL || live->name != NULL)
    return NULL;
  if (!is_fresh (live, message))
    {
      set_key (trace, live, &live->start, NULL);
      return NULL;
    }
  live->since_us = message->time.us;
  set_key (trace, live, &live->tag, NULL);
  set_key (trace, live, &live->start, start_key (trace, ids->call_id, ids->transaction));
  return live;
}

static Live *
find_theirs (GwTrace *trace, const GwTraceIds *ids, const GwTraceMessage *message)
{
  Live *live = g_hash_table_lookup (trace->by_key, start_key (trace, ids->call_id, ids->transaction));

  if (live != NULL && ids->begins && !is_fresh (live, message)) /* nobody repeats an INVITE for so long */
    {
      set_key (trace, live, &live->start, NULL);
      return NULL;
    }
  if (live == NULL)
    return find_challenged (trace, ids, message);
  if (live->tag == NULL && message->is_sent && ids->own_tag != NULL)
    set_tag (trace, live, ids);
  return live;
}

static Live *
find (GwTrace *trace, const GwTraceIds *ids, const GwTraceMessage *message)
{
  Live *live
      = ids->own_tag != NULL
            ? g_hash_table_lookup (trace->by_key, make_key (trace, KEY_TAG, ids->call_id, ids->own_tag))
            : NULL;

  if (live != NULL)
    return live;
  return ids->transaction == NULL ? find_ours (trace, ids, message) : find_theirs (trace, ids, message);
}

/* Of the message's dialog; (nullable). */
static Live *
find_or_begin (GwTrace *trace, const GwTraceIds *ids, const GwTraceMessage *message)
{
  Live *live = find (trace, ids, message);

  if (live == NULL && ids->begins)
    {
      live = begin (trace, ids->call_id, ids->transaction, message->time.us);
      if (ids->own_tag != NULL)
        set_tag (trace, live, ids);
    }
  if (live != NULL && live->name == NULL && ids->challenges && ids->caller != NULL)
    set_key (trace, live, &live->start, make_key (trace, KEY_CALLER, ids->call_id, ids->caller));
  return live;
}

/* Takes away what follows the first messages until @needed bytes fit. */
static gboolean
make_place (Live *live, gsize needed)
{
  guint8 *bytes = live->records->data;
  gsize end = live->records->len, head = 0, tail;

  while (head < end && head + record_size (bytes + head) <= GW_TRACE_HEAD_BYTES)
    head += record_size (bytes + head);
  for (tail = head; tail < end && head + (end - tail) + needed > GW_TRACE_CALL_BYTES;)
    {
      tail += record_size (bytes + tail);
      live->n_lost++;
    }
  if (tail > head)
    g_byte_array_remove_range (live->records, (guint)head, (guint)(tail - head));
  return live->records->len + needed <= GW_TRACE_CALL_BYTES;
}

void
gw_trace_add (GwTrace *trace, const GwTraceIds *ids, const GwTraceMessage *message)
{
  static const guint8 padding[ALIGNMENT] = { 0 };
  Live *live = find_or_begin (trace, ids, message);
  Record record = { .us = message->time.us, .is_sent = message->is_sent != FALSE };
  gsize needed = sizeof record + message->size + ALIGNMENT;

  if (live == NULL)
    return;
  gsize before = live->records->len;
  if (needed > GW_TRACE_CALL_BYTES || trace->bytes + needed > GW_TRACE_LIVE_BYTES
      || !make_place (live, needed))
    {
      trace->bytes += live->records->len - before;
      live->n_lost++;
      return;
    }
  record.size = (guint32)message->size;
  g_strlcpy (record.transport, message->transport, sizeof record.transport);
  g_strlcpy (record.local, message->local, sizeof record.local);
  g_strlcpy (record.remote, message->remote, sizeof record.remote);
  g_byte_array_append (live->records, (const guint8 *)&record, sizeof record);
  g_byte_array_append (live->records, (const guint8 *)message->text, (guint)message->size);
  g_byte_array_append (live->records, padding, -(guint)message->size & (ALIGNMENT - 1));
  trace->bytes += live->records->len - before;
}

void
gw_trace_release (GwTrace *trace, const char *name)
{
  Live *live = g_hash_table_lookup (trace->by_name, name);

  if (live == NULL)
    return;
  if (live->records->len == 0)
    {
      forget (trace, live);
      return;
    }
  g_hash_table_remove (trace->by_name, name);
  g_clear_pointer (&live->name, g_free);
  push_unclaimed (trace, live);
}

void
gw_trace_claim (GwTrace *trace, const char *call_id, const char *transaction, const char *name)
{
  Live *live = g_hash_table_lookup (trace->by_key, start_key (trace, call_id, transaction));

  if (live == NULL && transaction == NULL)
    live = begin (trace, call_id, NULL, 0);
  if (live == NULL || live->name != NULL)
    return;
  g_queue_remove (&trace->unclaimed, live);
  gw_trace_release (trace, name);
  live->name = g_strdup (name);
  g_hash_table_insert (trace->by_name, live->name, live);
}

void
gw_trace_finish (GwTrace *trace, const char *name)
{
  Live *live = g_hash_table_lookup (trace->by_name, name);
  Finished finished = { .n_lost = live != NULL ? live->n_lost : 0 };

  if (live == NULL)
    return;
  g_strlcpy (finished.name, name, sizeof finished.name);
  g_byte_array_prepend (live->records, (const guint8 *)&finished, sizeof finished);
  trace->bytes += sizeof finished;
  if (live->records->len > sizeof finished || live->n_lost > 0)
    gw_text_ring_append (trace->ended, (const char *)live->records->data, live->records->len);
  forget (trace, live);
}

static void
tell (const guint8 *bytes, gsize size, void (*function) (gpointer user, const GwTraceMessage *message),
      gpointer user)
{
  for (gsize at = 0; at < size; at += record_size (bytes + at))
    {
      Record record;

      memcpy (&record, bytes + at, sizeof record);
      function (user, &(GwTraceMessage){ .time = { record.us },
                                         .is_sent = record.is_sent,
                                         .transport = record.transport,
                                         .local = record.local,
                                         .remote = record.remote,
                                         .text = (const char *)bytes + at + sizeof record,
                                         .size = record.size });
    }
}

static const guint8 *
find_ended (const GwTrace *trace, const char *name, Finished *finished, gsize *size)
{
  for (guint64 seq = gw_text_ring_last (trace->ended); seq >= gw_text_ring_first (trace->ended); seq--)
    {
      const char *block = gw_text_ring_get (trace->ended, seq, size);

      if (block == NULL || *size < sizeof *finished)
        continue;
      memcpy (finished, block, sizeof *finished);
      if (strcmp (finished->name, name) == 0)
        return (const guint8 *)block;
    }
  return NULL;
}

gboolean
gw_trace_foreach (GwTrace *trace, const char *name,
                  void (*function) (gpointer user, const GwTraceMessage *message), gpointer user,
                  guint *n_lost)
{
  const Live *live = g_hash_table_lookup (trace->by_name, name);
  const guint8 *block;
  Finished finished;
  gsize size;

  if (live != NULL)
    {
      *n_lost = live->n_lost;
      tell (live->records->data, live->records->len, function, user);
      return TRUE;
    }
  block = find_ended (trace, name, &finished, &size);
  if (block == NULL)
    return FALSE;
  *n_lost = finished.n_lost;
  tell (block + sizeof finished, size - sizeof finished, function, user);
  return TRUE;
}

gboolean
gw_trace_foreach_unclaimed (GwTrace *trace, const char *call_id,
                            void (*function) (gpointer user, const GwTraceMessage *message), gpointer user,
                            guint *n_lost)
{
  const char *wanted = make_key (trace, KEY_OURS, call_id, NULL);
  gboolean is_known = FALSE;

  *n_lost = 0;
  for (const GList *link = trace->unclaimed.head; link != NULL; link = link->next)
    {
      const Live *live = link->data;

      if (strcmp (live->call_id, wanted) != 0)
        continue;
      is_known = TRUE;
      *n_lost += live->n_lost;
      tell (live->records->data, live->records->len, function, user);
    }
  return is_known;
}

gsize
gw_trace_bytes (const GwTrace *trace)
{
  return trace->bytes;
}
