#include "gateway/logs.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/log_format.h"
#include "gateway/core/line_ring.h"

typedef struct
{
  SigWebConnId conn;
  char *id;
} Follower;

struct _GwLogs
{
  Gateway *gateway;
  GwLineRing *lines;
  GPtrArray *followers; /* of Follower, owned; few */
  GString *text;        /* of the line that is being written */
  gboolean is_telling;  /* what that logs is not told */
};

static void
follower_free (gpointer data)
{
  Follower *follower = data;

  g_free (follower->id);
  g_free (follower);
}

static json_t *
entry_json (guint64 seq, const char *text, gsize size)
{
  return json_pack ("{s:I, s:o}", "seq", (json_int_t)seq, "line", json_loadb (text, size, 0, NULL));
}

static void
tell (GwLogs *logs, const char *id, guint64 seq)
{
  for (guint i = 0; i < logs->followers->len; i++)
    {
      const Follower *follower = logs->followers->pdata[i];
      json_t *entry;

      if (strcmp (follower->id, id) != 0)
        continue;
      entry = entry_json (seq, logs->text->str, logs->text->len);
      json_object_set_new (entry, "sip_call_id", json_string (id));
      gw_api_notify (logs->gateway, follower->conn, "log", entry);
    }
}

/* (CfgLogTap) */
static void
on_line (gpointer user, const CfgLogLine *line)
{
  GwLogs *logs = user;
  guint64 seq;

  if (line->context == NULL || line->context->call_id == NULL || logs->is_telling)
    return;
  g_string_truncate (logs->text, 0);
  cfg_log_format_line (logs->text, CFG_LOG_JSON, line);
  seq = gw_line_ring_add (logs->lines, line->context->call_id, line->time, logs->text->str, logs->text->len);
  if (logs->followers->len == 0)
    return;
  logs->is_telling = TRUE;
  tell (logs, line->context->call_id, seq);
  logs->is_telling = FALSE;
}

GwLogs *
gw_logs_new (Gateway *gateway)
{
  GwLogs *logs = g_new0 (GwLogs, 1);

  logs->gateway = gateway;
  logs->lines = gw_line_ring_new (GW_LINE_RING_BYTES);
  logs->followers = g_ptr_array_new_with_free_func (follower_free);
  logs->text = g_string_sized_new (512);
  cfg_log_set_tap (on_line, logs);
  return logs;
}

void
gw_logs_free (GwLogs *logs)
{
  if (logs == NULL)
    return;
  cfg_log_set_tap (NULL, NULL);
  gw_line_ring_free (logs->lines);
  g_ptr_array_unref (logs->followers);
  g_string_free (logs->text, TRUE);
  g_free (logs);
}

static void
add_entry (gpointer user, guint64 seq, const char *text, gsize size)
{
  json_array_append_new (user, entry_json (seq, text, size));
}

json_t *
gw_logs_read (Gateway *gateway, const char *id, guint64 after, CfgWall since)
{
  GwLogs *logs = gateway->logs;
  json_t *lines = json_array ();

  gw_line_ring_foreach (logs->lines, id, after, GW_LOGS_MAX_LINES, add_entry, lines);
  return json_pack ("{s:o, s:b}", "lines", lines, "gap", gw_line_ring_forgot (logs->lines, after, since));
}

gboolean
gw_logs_follow (Gateway *gateway, SigWebConnId conn, const char *id, GError **error)
{
  GPtrArray *followers = gateway->logs->followers;
  guint n_own = 0;
  Follower *follower;

  for (guint i = 0; i < followers->len; i++)
    {
      const Follower *other = followers->pdata[i];

      n_own += other->conn == conn;
      if (other->conn == conn && strcmp (other->id, id) == 0)
        return TRUE;
    }
  if (followers->len >= GW_LOGS_MAX_FOLLOWERS || n_own >= GW_LOGS_MAX_FOLLOWED)
    {
      g_set_error (
          error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED,
          "the log of a call is followed by too many already: %d calls by one connection, %d by all at "
          "most",
          GW_LOGS_MAX_FOLLOWED, GW_LOGS_MAX_FOLLOWERS);
      return FALSE;
    }
  follower = g_new0 (Follower, 1);
  follower->conn = conn;
  follower->id = g_strdup (id);
  g_ptr_array_add (followers, follower);
  return TRUE;
}

void
gw_logs_forget_conn (Gateway *gateway, SigWebConnId conn)
{
  GPtrArray *followers = gateway->logs->followers;

  for (guint i = followers->len; i-- > 0;)
    if (((Follower *)followers->pdata[i])->conn == conn)
      g_ptr_array_remove_index_fast (followers, i);
}

/* @reason: (nullable): the call is over */
static void
end_follower (GwLogs *logs, guint i, const char *reason)
{
  const Follower *follower = logs->followers->pdata[i];

  gw_api_notify (
      logs->gateway, follower->conn, "log",
      json_pack ("{s:s, s:b, s:s*}", "sip_call_id", follower->id, "ended", TRUE, "reason", reason));
  g_ptr_array_remove_index_fast (logs->followers, i);
}

void
gw_logs_end_conn (Gateway *gateway, SigWebConnId conn, const char *reason)
{
  const GPtrArray *followers = gateway->logs->followers;

  for (guint i = followers->len; i-- > 0;)
    if (((const Follower *)followers->pdata[i])->conn == conn)
      end_follower (gateway->logs, i, reason);
}

void
gw_logs_call_moved (Gateway *gateway, const char *id, const char *room)
{
  const GPtrArray *followers = gateway->logs->followers;

  for (guint i = followers->len; i-- > 0;)
    {
      const Follower *follower = followers->pdata[i];
      const GwConn *conn = g_hash_table_lookup (gateway->conns, &follower->conn);

      if (strcmp (follower->id, id) == 0 && conn != NULL && conn->token->room != NULL
          && strcmp (conn->token->room, room) != 0)
        end_follower (gateway->logs, i, "moved");
    }
}

void
gw_logs_call_ended (Gateway *gateway, const char *id)
{
  const GPtrArray *followers = gateway->logs->followers;

  for (guint i = followers->len; i-- > 0;)
    if (strcmp (((const Follower *)followers->pdata[i])->id, id) == 0)
      end_follower (gateway->logs, i, NULL);
}
