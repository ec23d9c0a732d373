/* room.*: rooms and their events. */
#include "gateway/api.h"

#include <string.h>

#include "config/base/error.h"
#include "gateway/events.h"
#include "gateway/reach.h"
#include "gateway/rooms.h"

#define TIMEOUT_MAX_S (7 * 24 * 3600)

static GwRoom *
find_room (Gateway *gateway, json_t *params, GError **error)
{
  const char *name = gw_param_string (params, "name");
  GwRoom *room = gw_rooms_find (gateway, name);

  if (room == NULL)
    g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "there is no room \"%s\"", name);
  return room;
}

/* An empty list takes the choice back. FALSE: nothing was changed. */
static gboolean
apply (GwRoom *room, json_t *params, GError **error)
{
  const char *metadata = gw_param_string (params, "metadata");
  g_auto (GStrv) codecs = gw_param_list (params, "codecs");

  if (!gw_codecs_check (codecs, error))
    return FALSE;
  if (json_object_get (params, "codecs") != NULL)
    {
      g_strfreev (room->codecs);
      room->codecs = g_steal_pointer (&codecs);
    }

  room->empty_timeout_s = (guint)gw_param_int (params, "empty_timeout", room->empty_timeout_s);
  room->departure_timeout_s = (guint)gw_param_int (params, "departure_timeout", room->departure_timeout_s);
  room->max_participants = (guint)gw_param_int (params, "max_participants", room->max_participants);
  if (metadata != NULL)
    {
      g_free (room->metadata);
      room->metadata = g_strdup (metadata);
    }
  gw_version_next (&room->version, cfg_wall_now ());
  return TRUE;
}

static json_t *
room_create (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  g_auto (GStrv) codecs = gw_param_list (params, "codecs");
  GwRoom *room = NULL;

  if (gw_codecs_check (codecs, error)) /* before a room is there that nobody asked for */
    room = gw_rooms_ensure (gateway, gw_param_string (params, "name"), error);
  if (room == NULL || !apply (room, params, error))
    return NULL;
  return json_pack ("{s:o}", "room", gw_room_json (room));
}

/* @only: (nullable): that one alone */
static json_t *
rooms_json (Gateway *gateway, const char *only)
{
  json_t *rooms = json_array ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, gateway->rooms);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (only == NULL || strcmp (((GwRoom *)value)->name, only) == 0)
      json_array_append_new (rooms, gw_room_json (value));
  return rooms;
}

static json_t *
room_list (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  return json_pack ("{s:o}", "rooms", rooms_json (gateway, gw_request_token (request)->room));
}

static json_t *
room_get (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  GwRoom *room = find_room (gateway, params, error);

  if (room == NULL)
    return NULL;
  return json_pack ("{s:o, s:o}", "room", gw_room_json (room), "participants", gw_participants_json (room));
}

static json_t *
room_delete (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  GwRoom *room = find_room (gateway, params, error);

  if (room == NULL)
    return NULL;
  gw_rooms_delete (gateway, room);
  gw_request_reply_when_written (gateway, request, json_object ());
  return NULL;
}

static json_t *
room_update (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  GwRoom *room = find_room (gateway, params, error);

  if (room == NULL || !apply (room, params, error))
    return NULL;
  return json_pack ("{s:o}", "room", gw_room_json (room));
}

static json_t *
snapshot (Gateway *gateway, const char *name)
{
  GwRoom *room = gw_rooms_find (gateway, name);

  if (strcmp (name, "*") == 0)
    return json_pack ("{s:n, s:[], s:o}", "room", "participants", "rooms", rooms_json (gateway, NULL));
  if (room == NULL)
    return json_pack ("{s:n, s:[]}", "room", "participants");
  return json_pack ("{s:o, s:o}", "room", gw_room_json (room), "participants", gw_participants_json (room));
}

static json_t *
room_watch (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const char *name = gw_param_string (params, "name");
  GwConn *conn = gw_request_conn (request);
  gboolean gap = FALSE;
  json_t *result;
  gint64 seq;

  if (!gw_reach_may_watch (conn, name, error) || !gw_name_check ("name", name, error))
    return NULL;
  seq = gw_events_watch (gateway, conn->id, name, gw_param_int (params, "from_seq", -1),
                         gw_param_string (params, "epoch"), &gap, error);
  if (seq < 0)
    return NULL;
  result = json_pack ("{s:I, s:s}", "seq", (json_int_t)seq, "epoch", gateway->epoch);
  if (!gap)
    return result;
  json_object_set_new (result, "gap", json_true ());
  json_object_set_new (result, "snapshot", snapshot (gateway, name));
  return result;
}

#define NAME_PARAM                                                                                           \
  {                                                                                                          \
    "name", { "room", "room_name" }, GW_PARAM_STRING, TRUE, "The room's name."                               \
  }
#define SETTING_PARAMS                                                                                         \
  { "empty_timeout", { NULL }, GW_PARAM_INT, FALSE, "Seconds that the room is kept when nobody ever came.", 0, \
    TIMEOUT_MAX_S },                                                                                           \
      { "departure_timeout",                                                                                   \
        { NULL },                                                                                              \
        GW_PARAM_INT,                                                                                          \
        FALSE,                                                                                                 \
        "Seconds that it is kept after the last one left.",                                                    \
        0,                                                                                                     \
        TIMEOUT_MAX_S },                                                                                       \
      { "max_participants",      { NULL }, GW_PARAM_INT, FALSE, "0: the gateway's own limit.", 0,              \
        GW_ROOM_MAX_PARTICIPANTS },                                                                            \
      { "codecs",                                                                                              \
        { NULL },                                                                                              \
        GW_PARAM_LIST,                                                                                         \
        FALSE,                                                                                                 \
        "Codecs of those who come into it, the preferred one first." },                                        \
  {                                                                                                            \
    "metadata", { NULL }, GW_PARAM_TEXT, FALSE, "Text for the participants.", 0, GW_METADATA_MAX_BYTES         \
  }

static const GwParam name_only[] = { NAME_PARAM, { NULL } };
static const GwParam name_and_settings[] = { NAME_PARAM, SETTING_PARAMS, { NULL } };
static const GwParam watch_params[] = {
  { "name", { "room", "room_name" }, GW_PARAM_STRING, TRUE, "The room's name, or * for all rooms." },
  { "from_seq",
    { NULL },
    GW_PARAM_INT,
    FALSE,
    "Number of the last event seen: those after it are sent again.",
    0,
    0 },
  { "epoch",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "The epoch that from_seq belongs to.",
    .otherwise = "the present one" },
  { NULL },
};

static const GwField room_list_result[] = {
  { "rooms", GW_FIELD_OBJECT, GW_FIELD_LIST, "All rooms; with a token for one room, that one.",
    &gw_room_shape },
  { NULL },
};
static const GwField room_get_result[] = {
  { "room", GW_FIELD_OBJECT, 0, "The room.", &gw_room_shape },
  { "participants", GW_FIELD_OBJECT, GW_FIELD_LIST, "Who is in it.", &gw_participant_shape },
  { NULL },
};
static const GwField snapshot_fields[] = {
  { "room", GW_FIELD_OBJECT, GW_FIELD_NULL, "The room; null: there is none.", &gw_room_shape },
  { "participants", GW_FIELD_OBJECT, GW_FIELD_LIST, "Who is in it.", &gw_participant_shape },
  { "rooms", GW_FIELD_OBJECT, GW_FIELD_LIST | GW_FIELD_OPTIONAL, "For *: all rooms; room is null then.",
    &gw_room_shape },
  { NULL },
};
static const GwShape snapshot_shape = { "snapshot", "A room as it is now.", snapshot_fields };
static const GwField watch_result[] = {
  { "seq", GW_FIELD_INT, 0, "The number of the last event of the room; 0 for *." },
  { "epoch", GW_FIELD_STRING, 0, "What seq counts within." },
  { "gap", GW_FIELD_BOOL, GW_FIELD_OPTIONAL, "true: not everything that was missed is still held." },
  { "snapshot", GW_FIELD_OBJECT, GW_FIELD_OPTIONAL, "With gap: what is to be taken instead.",
    &snapshot_shape },
  { NULL },
};

#define ROOM_EXAMPLE                                                                                         \
  "{\"room\": {\"sid\": \"RM_4k2m9d\", \"name\": \"support\", \"metadata\": \"\", \"codecs\": [], "          \
  "\"empty_timeout\": 300, \"departure_timeout\": 20, \"max_participants\": 0, \"num_participants\": 0, "    \
  "\"num_publishers\": 0, \"creation_time\": 1795247700, \"creation_time_ms\": 1795247700123, "              \
  "\"version\": {\"unix_micro\": 1795247700123456, \"ticks\": 0}}}"

const GwMethod gw_room_methods[] = {
  { "room.create", GW_GRANT_ROOM_CREATE, "name", room_create, name_and_settings,
    "Makes a room, or changes it.", .result = gw_room_answer, .errors = "resource_exhausted",
    .example = "{\"name\": \"support\", \"empty_timeout\": 300}", .answer = ROOM_EXAMPLE,
    .more = "`codecs` orders and limits what those who come later negotiate (a trunk or rule that has codecs "
            "of its\n"
            "own limits it further; `codecs` of `session.join` or `participant.create` come first), so that "
            "a room\n"
            "can be G.711 end to end." },
  { "room.list", GW_GRANT_ROOM_LIST, NULL, room_list, NULL, "All rooms.", .result = room_list_result },
  { "room.get", GW_GRANT_ROOM_JOIN, "name", room_get, name_only, "One room and who is in it.",
    .result = room_get_result, .errors = "not_found" },
  { "room.delete", GW_GRANT_ROOM_CREATE, "name", room_delete, name_only,
    "Ends a room; everybody is sent away.", .result = gw_no_fields, .errors = "not_found" },
  { "room.update", GW_GRANT_ROOM_ADMIN, "name", room_update, name_and_settings, "Changes a room.",
    .result = gw_room_answer, .errors = "not_found" },
  { "room.watch", GW_GRANT_ANY, NULL, room_watch, watch_params,
    "Events of a room (or of all rooms) as notifications with method event.", .result = watch_result,
    .errors = "resource_exhausted", .example = "{\"name\": \"support\"}",
    .answer = "{\"seq\": 41, \"epoch\": \"EP_7c0\"}",
    .more
    = "The token needs roomJoin or roomAdmin, for `*` roomList and no room of its own. After a lost "
      "socket, the\n"
      "last `seq` and its `epoch` as `from_seq` and `epoch` send again what was missed; for `*`, whose "
      "rooms count\n"
      "each for itself, `from_seq` gives a gap and all rooms. One connection watches 100 rooms at most." },
  { NULL },
};
