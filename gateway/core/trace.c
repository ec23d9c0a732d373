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
  char *call_id; /* the key */
  gboolean is_claimed;
  GByteArray *records;
  guint n_lost;
} Live;

struct _GwTrace
{
  GHashTable *live;  /* Call-ID -> Live, owned */
  GQueue unclaimed;  /* of Live, the oldest first */
  gsize bytes;       /* of all blocks */
  GwTextRing *ended; /* Finished and records */
};

G_STATIC_ASSERT (sizeof (Record) % ALIGNMENT == 0 && sizeof (Finished) % ALIGNMENT == 0);

static void
live_free (gpointer data)
{
  Live *live = data;

  g_byte_array_unref (live->records);
  g_free (live->call_id);
  g_free (live);
}

GwTrace *
gw_trace_new (void)
{
  GwTrace *trace = g_new0 (GwTrace, 1);

  trace->live = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, live_free);
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
  g_hash_table_unref (trace->live);
  gw_text_ring_free (trace->ended);
  g_free (trace);
}

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
  if (!live->is_claimed)
    g_queue_remove (&trace->unclaimed, live);
  g_hash_table_remove (trace->live, live->call_id);
}

static Live *
begin (GwTrace *trace, const char *call_id)
{
  Live *live = g_new0 (Live, 1);

  if (trace->unclaimed.length >= GW_TRACE_MAX_UNCLAIMED)
    forget (trace, g_queue_peek_head (&trace->unclaimed));
  live->call_id = g_strdup (call_id);
  live->records = g_byte_array_new ();
  g_hash_table_insert (trace->live, live->call_id, live);
  g_queue_push_tail (&trace->unclaimed, live);
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
gw_trace_add (GwTrace *trace, const char *call_id, gboolean begins, const GwTraceMessage *message)
{
  static const guint8 padding[ALIGNMENT] = { 0 };
  Live *live = g_hash_table_lookup (trace->live, call_id);
  Record record = { .us = message->time.us, .is_sent = message->is_sent != FALSE };
  gsize needed = sizeof record + message->size + ALIGNMENT;

  if (live == NULL && !begins)
    return;
  if (live == NULL)
    live = begin (trace, call_id);
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
gw_trace_claim (GwTrace *trace, const char *call_id)
{
  Live *live = g_hash_table_lookup (trace->live, call_id);

  if (live == NULL || live->is_claimed)
    return;
  g_queue_remove (&trace->unclaimed, live);
  live->is_claimed = TRUE;
}

void
gw_trace_finish (GwTrace *trace, const char *call_id, const char *name)
{
  Live *live = g_hash_table_lookup (trace->live, call_id);
  Finished finished = { .n_lost = live != NULL ? live->n_lost : 0 };

  if (live == NULL)
    return;
  g_strlcpy (finished.name, name, sizeof finished.name);
  g_byte_array_prepend (live->records, (const guint8 *)&finished, sizeof finished);
  trace->bytes += sizeof finished;
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
gw_trace_foreach (GwTrace *trace, const char *call_id, const char *name,
                  void (*function) (gpointer user, const GwTraceMessage *message), gpointer user,
                  guint *n_lost)
{
  const Live *live = call_id != NULL ? g_hash_table_lookup (trace->live, call_id) : NULL;
  const guint8 *block;
  Finished finished;
  gsize size;

  if (live != NULL)
    {
      *n_lost = live->n_lost;
      tell (live->records->data, live->records->len, function, user);
      return TRUE;
    }
  block = name != NULL ? find_ended (trace, name, &finished, &size) : NULL;
  if (block == NULL)
    return FALSE;
  *n_lost = finished.n_lost;
  tell (block + sizeof finished, size - sizeof finished, function, user);
  return TRUE;
}

gsize
gw_trace_bytes (const GwTrace *trace)
{
  return trace->bytes;
}
