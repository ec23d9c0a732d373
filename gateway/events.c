#include "gateway/events.h"

#include <string.h>
#include <time.h>

#include "config/base/error.h"
#include "gateway/api.h"
#include "gateway/core/metric_text.h"
#include "gateway/core/text_ring.h"
#include "gateway/presence.h"
#include "gateway/reach.h"
#include "gateway/rooms.h"
#include "gateway/webhooks.h"
#include "signaling/core/jsonrpc.h"

/* Logs of rooms that are gone are kept for replay, so many at most, and so much. */
#define MAX_CLOSED_LOGS  1000
#define MAX_CLOSED_BYTES (4 * 1024 * 1024)
#define LOG_BYTES        (256 * 1024)

/* While so much waits for a client, no more is replayed to it. */
#define REPLAY_QUEUE_BYTES (1024 * 1024)
#define REPLAY_WAIT_MS     50

#define ONLY_FOR "destination_identities" /* the field of an event that is not for everybody */

typedef struct
{
  GwTextRing *log;
  GHashTable *watchers; /* set of SigWebConnId* */
  GList *closed_link;   /* in GwEvents.closed; NULL while the room is there, or somebody waits for it */
  gsize closed_bytes;   /* counted in GwEvents.closed_bytes while it is there */
} RoomEvents;

struct _GwEvents
{
  char *epoch;
  GHashTable *rooms;     /* char* -> RoomEvents* */
  GHashTable *watchers;  /* set: those of "*" */
  GQueue closed;         /* char* names, oldest first */
  gsize closed_bytes;    /* of their logs */
  GHashTable *counts;    /* char* type, a literal -> gsize: events so far */
  guint64 forgotten_seq; /* the highest number of any log dropped: new logs start above it */
};

static void
room_events_free (gpointer data)
{
  RoomEvents *room = data;

  gw_text_ring_free (room->log);
  g_hash_table_unref (room->watchers);
  g_free (room);
}

static GHashTable *
conn_set_new (void)
{
  return g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
}

static void
conn_set_add (GHashTable *set, SigWebConnId conn)
{
  g_hash_table_add (set, g_memdup2 (&conn, sizeof conn));
}

GwEvents *
gw_events_new (const char *epoch)
{
  GwEvents *events = g_new0 (GwEvents, 1);

  events->epoch = g_strdup (epoch);
  events->rooms = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, room_events_free);
  events->watchers = conn_set_new ();
  events->counts = g_hash_table_new (g_str_hash, g_str_equal);
  g_queue_init (&events->closed);
  return events;
}

void
gw_events_free (GwEvents *events)
{
  g_queue_clear_full (&events->closed, g_free);
  g_hash_table_unref (events->rooms);
  g_hash_table_unref (events->watchers);
  g_hash_table_unref (events->counts);
  g_free (events->epoch);
  g_free (events);
}

static RoomEvents *
ensure_room (GwEvents *events, const char *name)
{
  RoomEvents *room = g_hash_table_lookup (events->rooms, name);

  if (room == NULL)
    {
      room = g_new0 (RoomEvents, 1);
      room->log = gw_text_ring_new (events->forgotten_seq, LOG_BYTES);
      room->watchers = conn_set_new ();
      g_hash_table_insert (events->rooms, g_strdup (name), room);
    }
  if (room->closed_link != NULL)
    {
      g_free (room->closed_link->data);
      g_queue_delete_link (&events->closed, room->closed_link);
      room->closed_link = NULL;
      events->closed_bytes -= room->closed_bytes;
    }
  return room;
}

static void
drop_oldest_closed (GwEvents *events)
{
  g_autofree char *name = g_queue_pop_head (&events->closed);
  RoomEvents *room = g_hash_table_lookup (events->rooms, name);

  room->closed_link = NULL;
  events->closed_bytes -= room->closed_bytes;
  events->forgotten_seq = MAX (events->forgotten_seq, gw_text_ring_last (room->log));
  g_hash_table_remove (events->rooms, name);
}

void
gw_events_room_closed (Gateway *gateway, const char *name)
{
  GwEvents *events = gateway->events;
  RoomEvents *room = g_hash_table_lookup (events->rooms, name);

  if (room == NULL || room->closed_link != NULL || g_hash_table_size (room->watchers) > 0)
    return;
  g_queue_push_tail (&events->closed, g_strdup (name));
  room->closed_link = events->closed.tail;
  room->closed_bytes = gw_text_ring_used (room->log);
  events->closed_bytes += room->closed_bytes;
  while (events->closed.length > 1
         && (events->closed.length > MAX_CLOSED_LOGS || events->closed_bytes > MAX_CLOSED_BYTES))
    drop_oldest_closed (events);
}

char *
gw_time_text (CfgWall at)
{
  const time_t seconds = (time_t)(at.us / CFG_US_PER_S);
  struct tm utc;
  char text[40];

  if (gmtime_r (&seconds, &utc) == NULL)
    return g_strdup ("");
  g_snprintf (text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900, utc.tm_mon + 1,
              utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (int)(at.us % CFG_US_PER_S / CFG_US_PER_MS));
  return g_strdup (text);
}

static gsize
n_watchers (Gateway *gateway, const RoomEvents *room)
{
  return g_hash_table_size (room->watchers) + g_hash_table_size (gateway->events->watchers);
}

/* ---- texts for some of those who watch ---- */

/* @event: its fields */
static gboolean
is_for (Gateway *gateway, SigWebConnId id, json_t *event)
{
  const GwConn *conn = g_hash_table_lookup (gateway->conns, &id);

  return conn != NULL
         && gw_reach_may_read (conn, json_string_value (json_object_get (event, "room")),
                               json_string_value (json_object_get (event, "identity")),
                               json_object_get (event, ONLY_FOR));
}

/* The same for one that was written down. */
static gboolean
is_text_for (Gateway *gateway, SigWebConnId id, const char *text, gsize size)
{
  json_t *notification, *event;
  gboolean is;

  if (g_strstr_len (text, (gssize)size, "\"" ONLY_FOR "\":")
      == NULL) /* a quote within a text has a backslash */
    return TRUE;
  notification = json_loadb (text, size, 0, NULL);
  event = json_object_get (notification, "params");
  is = event != NULL && (json_object_get (event, ONLY_FOR) == NULL || is_for (gateway, id, event));
  json_decref (notification);
  return is;
}

/* @except: (nullable): connections that have it already; @event: (nullable): for some of them only */
static void
send_to_set (Gateway *gateway, GHashTable *set, GHashTable *except, json_t *event, SigWebMessage *message)
{
  GHashTableIter iter;
  gpointer conn;

  g_hash_table_iter_init (&iter, set);
  while (g_hash_table_iter_next (&iter, &conn, NULL))
    if ((except == NULL || !g_hash_table_contains (except, conn))
        && (event == NULL || is_for (gateway, *(SigWebConnId *)conn, event)))
      sig_web_post (gateway->web, *(SigWebConnId *)conn, message);
}

static void
send_to_watchers (Gateway *gateway, RoomEvents *room, json_t *event, const char *text, gsize size)
{
  g_autoptr (SigWebMessage) message = NULL;

  if (n_watchers (gateway, room) == 0)
    return;
  message = sig_web_message_new (text, size);
  if (json_object_get (event, ONLY_FOR) == NULL)
    event = NULL;
  send_to_set (gateway, room->watchers, NULL, event, message);
  send_to_set (gateway, gateway->events->watchers, room->watchers, event, message);
}

static void
count_event (GwEvents *events, const char *type)
{
  const gsize n = GPOINTER_TO_SIZE (g_hash_table_lookup (events->counts, type));

  g_hash_table_insert (events->counts, (gpointer)type, GSIZE_TO_POINTER (n + 1));
}

/* @fields: gets what every event has. */
static char *
event_text (GwEvents *events, json_t *fields, const char *room, const char *type, guint64 seq, gsize *size)
{
  g_autofree char *time = gw_time_text (cfg_wall_now ());

  count_event (events, type);
  json_object_set_new (fields, "type", json_string (type));
  json_object_set_new (fields, "room", json_string (room));
  json_object_set_new (fields, "time", json_string (time));
  json_object_set_new (fields, "epoch", json_string (events->epoch));
  json_object_set_new (fields, "seq", json_integer ((json_int_t)seq));
  return sig_json_dump (sig_jsonrpc_notification ("event", json_incref (fields)), size);
}

void
gw_events_emit (Gateway *gateway, const char *room_name, const char *type, json_t *fields)
{
  RoomEvents *room = ensure_room (gateway->events, room_name);
  g_autofree char *text = NULL;
  gsize size;

  gw_webhooks_event (gateway, room_name, type, fields);
  text = event_text (gateway->events, fields, room_name, type, gw_text_ring_last (room->log) + 1, &size);
  gw_presence_room_changed (gateway, room_name, type);
  send_to_watchers (gateway, room, fields, text, size);
  json_decref (fields);
  gw_text_ring_append (room->log, text, size);
  if (!g_hash_table_contains (gateway->rooms, room_name))
    gw_events_room_closed (gateway, room_name);
}

gboolean
gw_events_are_watched (const Gateway *gateway, const char *room_name)
{
  const RoomEvents *room = g_hash_table_lookup (gateway->events->rooms, room_name);

  return g_hash_table_size (gateway->events->watchers) > 0
         || (room != NULL && g_hash_table_size (room->watchers) > 0);
}

void
gw_events_emit_transient (Gateway *gateway, const char *room_name, const char *type, json_t *fields)
{
  RoomEvents *room = ensure_room (gateway->events, room_name);
  g_autofree char *text = NULL;
  gsize size;

  text = event_text (gateway->events, fields, room_name, type, gw_text_ring_last (room->log), &size);
  send_to_watchers (gateway, room, fields, text, size);
  json_decref (fields);
}

static void
tell_ended (Gateway *gateway, const GwConn *conn, const char *room, const char *reason)
{
  gw_api_notify (gateway, conn->id, "room.watch_ended",
                 json_pack ("{s:s, s:s}", "room", room, "reason", reason));
}

typedef struct
{
  Gateway *gateway;
  SigWebConnId conn;
  char *room;
  guint64 from;        /* the last event that the client knows */
  gboolean is_counted; /* in GwConn.n_watches */
} Replay;

static void
replay_free (gpointer data)
{
  Replay *replay = data;

  g_free (replay->room);
  g_free (replay);
}

/* Everything after event @seen can still be sent. */
static gboolean
is_held (const GwTextRing *log, guint64 seen)
{
  return seen <= gw_text_ring_last (log) && seen + 1 >= gw_text_ring_first (log);
}

/* One piece of what was missed; the rest follows when the client has read it: who asks for many rooms at once
 * is no slow consumer yet. Returns: TRUE when it is all. */
static gboolean
replay_some (Replay *replay, const RoomEvents *room)
{
  SigWeb *web = replay->gateway->web;

  while (replay->from < gw_text_ring_last (room->log))
    {
      gsize size;
      const char *text = gw_text_ring_get (room->log, replay->from + 1, &size);

      if (sig_web_queued (web, replay->conn) > REPLAY_QUEUE_BYTES)
        return FALSE;
      if (is_text_for (replay->gateway, replay->conn, text, size))
        sig_web_send (web, replay->conn, text, size);
      replay->from++;
    }
  return TRUE;
}

static gboolean replay_run (gpointer data);

static void
replay_later (const Replay *replay)
{
  Replay *rest = g_memdup2 (replay, sizeof *replay);

  rest->room = g_strdup (replay->room);
  g_timeout_add_full (G_PRIORITY_HIGH, REPLAY_WAIT_MS, replay_run, rest, replay_free);
}

/* Each room that a connection watches counts once, however often it was asked for meanwhile. */
static void
begin_watch (Gateway *gateway, GwConn *conn, RoomEvents *room, const Replay *replay)
{
  const gboolean is_new = !g_hash_table_contains (room->watchers, &conn->id);

  if (is_new)
    conn_set_add (room->watchers, conn->id);
  if (is_new && !replay->is_counted)
    conn->n_watches++;
  else if (!is_new && replay->is_counted)
    conn->n_watches--;
  gw_rooms_watched (gateway, replay->room);
}

static void
replay_to (Gateway *gateway, GwConn *conn, Replay *replay)
{
  RoomEvents *room;

  if (!gw_reach_may_watch (conn, replay->room, NULL)) /* not any more */
    {
      conn->n_watches -= replay->is_counted;
      tell_ended (gateway, conn, replay->room, "permission");
      return;
    }
  room = ensure_room (gateway->events, replay->room);
  if (!is_held (room->log, replay->from))
    sig_web_close (gateway->web, replay->conn, 1008, "slow consumer: what is to be replayed is gone");
  else if (replay_some (replay, room))
    begin_watch (gateway, conn, room, replay);
  else
    replay_later (replay);
  if (!g_hash_table_contains (gateway->rooms, replay->room)) /* perhaps nobody waits for it */
    gw_events_room_closed (gateway, replay->room);
}

/* The watch begins here, with what the client missed: before the answer was sent, and since. */
static gboolean
replay_run (gpointer data)
{
  Replay *replay = data;
  Gateway *gateway = replay->gateway;
  GwConn *conn = g_hash_table_lookup (gateway->conns, &replay->conn);

  if (conn != NULL)
    replay_to (gateway, conn, replay);
  return G_SOURCE_REMOVE;
}

/* @is_counted: (out): in GwConn.n_watches */
static gboolean
may_watch (Gateway *gateway, SigWebConnId id, const RoomEvents *room, gboolean *is_counted, GError **error)
{
  GwConn *conn = g_hash_table_lookup (gateway->conns, &id);

  *is_counted = FALSE;
  if (g_hash_table_contains (room->watchers, &id))
    return TRUE;
  if (conn != NULL && conn->n_watches < GW_EVENTS_MAX_WATCHES)
    {
      conn->n_watches++;
      *is_counted = TRUE;
      return TRUE;
    }
  g_set_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED,
               "one connection watches %d rooms at most; \"*\" is all of them", GW_EVENTS_MAX_WATCHES);
  return FALSE;
}

gint64
gw_events_watch (Gateway *gateway, SigWebConnId conn, const char *room_name, gint64 from_seq,
                 const char *epoch, gboolean *gap, GError **error)
{
  GwEvents *events = gateway->events;
  RoomEvents *room;
  Replay *replay;
  gboolean is_counted;
  guint64 from;

  *gap = FALSE;
  if (strcmp (room_name, "*") == 0)
    {
      *gap = from_seq >= 0; /* it counts per room, so nothing can be sent again */
      conn_set_add (events->watchers, conn);
      gw_rooms_watched (gateway, room_name);
      return 0;
    }
  room = ensure_room (events, room_name);
  if (!g_hash_table_contains (gateway->rooms, room_name))
    gw_events_room_closed (gateway, room_name);
  if (!may_watch (gateway, conn, room, &is_counted, error))
    return -1;
  from = gw_text_ring_last (room->log);
  if (from_seq >= 0)
    {
      *gap = (epoch != NULL && strcmp (epoch, events->epoch) != 0) || !is_held (room->log, (guint64)from_seq);
      if (!*gap)
        from = (guint64)from_seq;
    }
  /* The answer must reach the client before the first event. */
  replay = g_new0 (Replay, 1);
  replay->gateway = gateway;
  replay->conn = conn;
  replay->room = g_strdup (room_name);
  replay->from = from;
  replay->is_counted = is_counted;
  g_idle_add_full (G_PRIORITY_HIGH, replay_run, replay, replay_free);
  return (gint64)gw_text_ring_last (room->log);
}

static void
end_watch (Gateway *gateway, GwConn *conn, const char *name, const char *reason)
{
  RoomEvents *room = g_hash_table_lookup (gateway->events->rooms, name);
  const gboolean is_all = strcmp (name, "*") == 0;
  GHashTable *watchers = is_all ? gateway->events->watchers : room != NULL ? room->watchers : NULL;

  if (watchers == NULL || !g_hash_table_contains (watchers, &conn->id)
      || gw_reach_may_watch (conn, name, NULL))
    return;
  g_hash_table_remove (watchers, &conn->id);
  tell_ended (gateway, conn, name, reason);
  if (is_all)
    return;
  if (conn->n_watches > 0)
    conn->n_watches--;
  if (!g_hash_table_contains (gateway->rooms, name))
    gw_events_room_closed (gateway, name);
}

void
gw_events_end_watches (Gateway *gateway, GwConn *conn, const char *name, const char *reason)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer key, value;

  if (name != NULL)
    {
      end_watch (gateway, conn, name, reason);
      return;
    }
  end_watch (gateway, conn, "*", reason);
  g_hash_table_iter_init (&iter, gateway->events->rooms);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (g_hash_table_contains (((const RoomEvents *)value)->watchers, &conn->id))
      g_ptr_array_add (names, g_strdup (key)); /* ending one may drop the logs of others */
  for (guint i = 0; i < names->len; i++)
    end_watch (gateway, conn, g_ptr_array_index (names, i), reason);
}

void
gw_events_forget_conn (Gateway *gateway, SigWebConnId conn)
{
  g_autoptr (GPtrArray) rid = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_remove (gateway->events->watchers, &conn);
  g_hash_table_iter_init (&iter, gateway->events->rooms);
  while (g_hash_table_iter_next (&iter, &name, &value))
    if (g_hash_table_remove (((RoomEvents *)value)->watchers, &conn)
        && !g_hash_table_contains (gateway->rooms, name))
      g_ptr_array_add (rid, name);
  for (guint i = 0; i < rid->len; i++)
    gw_events_room_closed (gateway, g_ptr_array_index (rid, i));
}

static gint
compare_types (gconstpointer a, gconstpointer b)
{
  return strcmp (a, b);
}

void
gw_events_metrics (const Gateway *gateway, GString *text)
{
  const GwEvents *events = gateway->events;
  g_autoptr (GList) types = g_list_sort (g_hash_table_get_keys (events->counts), compare_types);
  gsize n = g_hash_table_size (events->watchers);
  GHashTableIter iter;
  gpointer room;

  gw_metric_head (text, "events_total", "counter",
                  "Events of rooms and calls; who speaks only where somebody watches.");
  for (const GList *type = types; type != NULL; type = type->next)
    {
      g_autofree char *labels = g_strdup_printf ("type=\"%s\"", (const char *)type->data);

      gw_metric_sample (text, "events_total", labels,
                        (double)GPOINTER_TO_SIZE (g_hash_table_lookup (events->counts, type->data)));
    }
  g_hash_table_iter_init (&iter, events->rooms);
  while (g_hash_table_iter_next (&iter, NULL, &room))
    n += g_hash_table_size (((const RoomEvents *)room)->watchers);
  gw_metric_add (text, "event_watches", "gauge", "Rooms that connections watch, \"*\" counted once.",
                 (double)n);
  gw_metric_add (text, "event_logs", "gauge", "Rooms whose last events are held for those who come back.",
                 g_hash_table_size (events->rooms));
}
