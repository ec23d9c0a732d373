#include "gateway/core/timeline.h"

#include <string.h>

/* One entry: this, then its JSON text, padded to ALIGNMENT. */
typedef struct
{
  gint64 us;
  guint64 size;
} Record;

#define ALIGNMENT 8u

struct _GwTimeline
{
  GwTimelineBudget *budget;
  GByteArray *records;
  gsize head; /* bytes of the first entries; set once something is lost */
  guint n_lost;
  CfgWall lost_at; /* of the last lost one */
};

GwTimeline *
gw_timeline_new (GwTimelineBudget *budget)
{
  GwTimeline *timeline = g_new0 (GwTimeline, 1);

  timeline->budget = budget;
  timeline->records = g_byte_array_new ();
  return timeline;
}

void
gw_timeline_free (GwTimeline *timeline)
{
  if (timeline == NULL)
    return;
  timeline->budget->bytes -= timeline->records->len;
  g_byte_array_unref (timeline->records);
  g_free (timeline);
}

static gsize
padded (gsize size)
{
  return (size + ALIGNMENT - 1) & ~(gsize)(ALIGNMENT - 1);
}

static gsize
record_size (const guint8 *at)
{
  Record record;

  memcpy (&record, at, sizeof record);
  return sizeof record + padded (record.size);
}

/* Takes away what follows the first entries until @needed bytes fit. */
static void
make_place (GwTimeline *timeline, gsize needed)
{
  const guint8 *bytes = timeline->records->data;
  const gsize end = timeline->records->len;
  gsize tail;

  if (end + needed <= GW_TIMELINE_BYTES)
    return;
  if (timeline->n_lost == 0)
    for (timeline->head = 0;
         timeline->head < end
         && timeline->head + record_size (bytes + timeline->head) <= GW_TIMELINE_HEAD_BYTES;)
      timeline->head += record_size (bytes + timeline->head);
  for (tail = timeline->head; tail < end && timeline->head + (end - tail) + needed > GW_TIMELINE_BYTES;)
    {
      Record record;

      memcpy (&record, bytes + tail, sizeof record);
      timeline->lost_at.us = record.us;
      timeline->n_lost++;
      tail += record_size (bytes + tail);
    }
  g_byte_array_remove_range (timeline->records, (guint)timeline->head, (guint)(tail - timeline->head));
}

/* (transfer full): @value, or the beginning of a text that is too long. */
static json_t *
bounded (json_t *value)
{
  const char *text = json_string_value (value), *end;

  if (text == NULL || json_string_length (value) <= GW_TIMELINE_TEXT_BYTES)
    return json_incref (value);
  end = g_utf8_find_prev_char (text, text + GW_TIMELINE_TEXT_BYTES);
  return json_stringn (text, (size_t)(end - text));
}

static char *
entry_text (const char *event, const json_t *fields)
{
  json_auto_t *entry = json_object ();
  const char *name;
  json_t *value;

  json_object_set_new (entry, "event", json_string (event));
  json_object_foreach ((json_t *)fields, name, value)
  {
    json_object_set_new (entry, name, bounded (value));
  }
  return json_dumps (entry, JSON_COMPACT);
}

void
gw_timeline_add (GwTimeline *timeline, CfgWall time, const char *event, const json_t *fields, gboolean is_end)
{
  static const guint8 padding[ALIGNMENT] = { 0 };
  char *text = entry_text (event, fields);
  Record record = { .us = time.us, .size = strlen (text) };
  const gsize before = timeline->records->len, needed = sizeof record + padded (record.size);

  if (needed > GW_TIMELINE_BYTES - GW_TIMELINE_HEAD_BYTES
      || (!is_end && timeline->budget->bytes + needed > GW_TIMELINE_TOTAL_BYTES))
    {
      timeline->n_lost++;
      timeline->lost_at = time;
      timeline->head = timeline->n_lost == 1 ? before : timeline->head;
      free (text);
      return;
    }
  make_place (timeline, needed);
  g_byte_array_append (timeline->records, (const guint8 *)&record, sizeof record);
  g_byte_array_append (timeline->records, (const guint8 *)text, (guint)record.size);
  g_byte_array_append (timeline->records, padding, (guint)(padded (record.size) - record.size));
  timeline->budget->bytes += timeline->records->len - before;
  free (text);
}

void
gw_timeline_foreach (const GwTimeline *timeline,
                     void (*function) (gpointer user, CfgWall time, json_t *entry), gpointer user)
{
  const guint8 *bytes = timeline->records->data;
  gsize at = 0;

  for (;;)
    {
      Record record;

      if (timeline->n_lost > 0 && at == timeline->head)
        function (user, timeline->lost_at,
                  json_pack ("{s:s, s:i}", "event", "omitted", "count", (int)timeline->n_lost));
      if (at >= timeline->records->len)
        return;
      memcpy (&record, bytes + at, sizeof record);
      function (user, (CfgWall){ record.us },
                json_loadb ((const char *)bytes + at + sizeof record, record.size, 0, NULL));
      at += record_size (bytes + at);
    }
}
