#include "gateway/core/event_log.h"

struct _GwEventLog
{
  guint64 first_seq; /* of the log's life: nothing before it was ever here */
  guint64 last_seq;
  char *events[GW_EVENT_LOG_SIZE]; /* event n is at n % size */
};

GwEventLog *
gw_event_log_new (guint64 last_seq)
{
  GwEventLog *log = g_new0 (GwEventLog, 1);

  log->first_seq = last_seq;
  log->last_seq = last_seq;
  return log;
}

void
gw_event_log_free (GwEventLog *log)
{
  for (guint i = 0; i < GW_EVENT_LOG_SIZE; i++)
    g_free (log->events[i]);
  g_free (log);
}

guint64
gw_event_log_append (GwEventLog *log, char *text)
{
  char **slot;

  log->last_seq++;
  slot = &log->events[log->last_seq % GW_EVENT_LOG_SIZE];
  g_free (*slot);
  *slot = text;
  return log->last_seq;
}

guint64
gw_event_log_seq (const GwEventLog *log)
{
  return log->last_seq;
}

gboolean
gw_event_log_replay (const GwEventLog *log, guint64 from_seq, GPtrArray **missed)
{
  GPtrArray *list;

  if (from_seq > log->last_seq || from_seq < log->first_seq || log->last_seq - from_seq > GW_EVENT_LOG_SIZE)
    return FALSE;
  list = g_ptr_array_new ();
  for (guint64 seq = from_seq + 1; seq <= log->last_seq; seq++)
    g_ptr_array_add (list, log->events[seq % GW_EVENT_LOG_SIZE]);
  *missed = list;
  return TRUE;
}
