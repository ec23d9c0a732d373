#include "gateway/reach.h"

#include <string.h>

#include "config/base/error.h"
#include "gateway/events.h"
#include "gateway/logs.h"
#include "gateway/sessions.h"
#include "signaling/core/jsonrpc.h"

/* A participant on its way to another room. */
struct _GwSent
{
  char *room;
  CfgMonotonic since;
  gboolean is_here; /* it has joined; before, the rest: */
  GwMay may;
  gboolean muted;
  double gain_db; /* for everybody */
  char *name, *metadata;
  GHashTable *attributes; /* char* -> char*, owned */
};

void
gw_reach_clear (GwConn *conn)
{
  GwSent *sent = g_steal_pointer (&conn->sent);

  if (sent == NULL)
    return;
  g_hash_table_unref (sent->attributes);
  g_free (sent->metadata);
  g_free (sent->name);
  g_free (sent->room);
  g_free (sent);
}

static gboolean
was_sent_to (const GwConn *conn, const char *room)
{
  return conn->sent != NULL && strcmp (conn->sent->room, room) == 0;
}

gboolean
gw_reach_is_own (const GwConn *conn, const char *room)
{
  const GwParticipant *participant = conn->session != NULL ? gw_session_participant (conn->session) : NULL;

  return (participant != NULL && strcmp (participant->room->name, room) == 0) || was_sent_to (conn, room);
}

gboolean
gw_reach_may_watch (const GwConn *conn, const char *room, GError **error)
{
  const gboolean is_all = strcmp (room, "*") == 0;

  if (is_all && conn->token->room != NULL)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED,
                           "the token is for one room only, * is all of them");
      return FALSE;
    }
  return gw_token_allows (conn->token, is_all ? GW_GRANT_ROOM_LIST : GW_GRANT_ROOM_JOIN,
                          is_all || !gw_reach_is_own (conn, room) ? room : NULL, error);
}

gboolean
gw_reach_may_read (const GwConn *conn, const char *room, const char *from, json_t *identities)
{
  const GwParticipant *participant = conn->session != NULL ? gw_session_participant (conn->session) : NULL;
  const char *identity = participant != NULL && strcmp (participant->room->name, room) == 0
                             ? participant->identity
                             : conn->token->identity;

  return gw_token_allows (conn->token, GW_GRANT_ROOM_ADMIN, room, NULL)
         || (identity != NULL
             && (g_strcmp0 (from, identity) == 0 || sig_json_list_has (identities, identity)));
}

void
gw_reach_send (GwConn *conn, const GwParticipant *participant, const char *room)
{
  GwSent *sent = g_new0 (GwSent, 1);
  GHashTableIter iter;
  gpointer key, value;

  sent->room = g_strdup (room);
  sent->since = cfg_monotonic_now ();
  sent->may = participant->may;
  sent->muted = participant->track.muted;
  sent->gain_db = participant->gain_db;
  sent->name = g_strdup (participant->name);
  sent->metadata = g_strdup (participant->metadata);
  sent->attributes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_iter_init (&iter, participant->attributes);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (sent->attributes, g_strdup (key), g_strdup (value));
  gw_reach_clear (conn);
  conn->sent = sent;
}

gboolean
gw_reach_is_expected (const GwConn *conn, const char *room)
{
  return was_sent_to (conn, room) && !conn->sent->is_here;
}

void
gw_reach_arrive (GwConn *conn, GwParticipant *participant)
{
  GwSent *sent = conn->sent;
  GHashTableIter iter;
  gpointer key, value;

  if (!gw_reach_is_expected (conn, participant->room->name))
    return;
  sent->is_here = TRUE;
  participant->may &= sent->may;
  participant->track.muted = sent->muted;
  participant->gain_db = sent->gain_db;
  g_free (participant->name);
  participant->name = g_steal_pointer (&sent->name);
  g_free (participant->metadata);
  participant->metadata = g_steal_pointer (&sent->metadata);
  g_hash_table_iter_init (&iter, sent->attributes);
  while (g_hash_table_iter_next (&iter, &key, &value))
    gw_participant_set_attribute (participant, key, value);
}

void
gw_reach_left (Gateway *gateway, GwConn *conn, const char *room)
{
  g_autofree char *name = g_strdup (room); /* perhaps the one that is freed */

  if (was_sent_to (conn, name))
    gw_reach_clear (conn);
  gw_events_end_watches (gateway, conn, name, "left");
}

void
gw_reach_token_changed (Gateway *gateway, GwConn *conn, const char *reason)
{
  gw_events_end_watches (gateway, conn, NULL, reason);
  if (!gw_api_may (conn->token, "call.logs", NULL))
    gw_logs_end_conn (gateway, conn->id, reason);
}

void
gw_reach_tick (Gateway *gateway, GwConn *conn, CfgMonotonic now)
{
  if (conn->sent != NULL && !conn->sent->is_here
      && cfg_monotonic_diff_us (now, conn->sent->since) >= GW_REACH_SENT_S * CFG_US_PER_S)
    gw_reach_left (gateway, conn, conn->sent->room);
}
