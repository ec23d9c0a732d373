/* call.*: SIP calls, running and over. */
#include "gateway/api.h"

#include <string.h>

#include "config/base/error.h"
#include "gateway/capture.h"
#include "gateway/calls.h"

static gboolean
may_see (GwRequest *request, const char *room)
{
  const SigToken *token = gw_request_token (request);

  return token->room == NULL || g_strcmp0 (token->room, room) == 0;
}

static gboolean
matches (GwRequest *request, json_t *params, const char *room)
{
  const char *wanted = gw_param_string (params, "room_name");

  return may_see (request, room) && (wanted == NULL || g_strcmp0 (wanted, room) == 0);
}

static json_t *
call_list (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  gint64 limit = gw_param_int (params, "limit", 100);
  json_t *calls = json_array ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, gateway->calls);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (matches (request, params, gw_call_room (value)))
      json_array_append_new (calls, gw_call_json (value, FALSE));
  if (!gw_param_bool (params, "ended", FALSE))
    return json_pack ("{s:o}", "calls", calls);
  for (guint64 seq = gw_text_ring_last (gateway->ended_calls);
       seq >= gw_text_ring_first (gateway->ended_calls) && limit > 0; seq--)
    {
      json_t *call = json_loads (gw_text_ring_get (gateway->ended_calls, seq, NULL), 0, NULL);

      if (matches (request, params, json_string_value (json_object_get (call, "room_name"))))
        {
          json_array_append (calls, call);
          limit--;
        }
      json_decref (call);
    }
  return json_pack ("{s:o}", "calls", calls);
}

static gboolean
not_found (const char *id, GError **error)
{
  g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "there is no call \"%s\"", id);
  return FALSE;
}

/* (transfer full): NULL when it is unknown or not for the token. */
static json_t *
find_ended (Gateway *gateway, GwRequest *request, const char *id)
{
  for (guint64 seq = gw_text_ring_last (gateway->ended_calls);
       seq >= gw_text_ring_first (gateway->ended_calls); seq--)
    {
      const char *text = gw_text_ring_get (gateway->ended_calls, seq, NULL);
      json_t *call = strstr (text, id) != NULL ? json_loads (text, 0, NULL) : NULL;

      if (g_strcmp0 (json_string_value (json_object_get (call, "sip_call_id")), id) == 0
          && may_see (request, json_string_value (json_object_get (call, "room_name"))))
        return call;
      json_decref (call);
    }
  return NULL;
}

static json_t *
call_get (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const char *id = gw_param_string (params, "sip_call_id");
  GwCall *call = gw_call_find (gateway, id);
  json_t *found;

  if (call != NULL && may_see (request, gw_call_room (call)))
    found = gw_call_json (call, TRUE);
  else
    found = find_ended (gateway, request, id);
  if (found != NULL)
    return json_pack ("{s:o}", "call", found);
  not_found (id, error);
  return NULL;
}

static json_t *
call_hangup (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const char *id = gw_param_string (params, "sip_call_id");
  GwCall *call = gw_call_find (gateway, id);

  if (call == NULL || !may_see (request, gw_call_room (call)))
    {
      not_found (id, error);
      return NULL;
    }
  gw_call_hangup (gateway, call, "api");
  return json_object ();
}

/* Of a call that is known, or of an INVITE that was refused: that belongs to no room. */
static json_t *
call_trace (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const char *id = gw_param_string (params, "sip_call_id");
  const char *call_id = gw_param_string (params, "sip_call_id_full");
  GwCall *call = id != NULL ? gw_call_find (gateway, id) : NULL;
  json_t *about = NULL, *trace = NULL;

  if ((id == NULL) == (call_id == NULL))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                   "either sip_call_id or sip_call_id_full says which call");
      return NULL;
    }
  if (call != NULL && may_see (request, gw_call_room (call)))
    {
      about = gw_call_json (call, TRUE);
      call_id = json_string_value (json_object_get (about, "sip_call_id_full"));
    }
  else if (id != NULL)
    about = find_ended (gateway, request, id);
  if (about != NULL || (id == NULL && may_see (request, NULL)))
    trace = gw_capture_trace (gateway, call_id, id);
  if (about == NULL && trace == NULL)
    {
      not_found (id != NULL ? id : call_id, error);
      return NULL;
    }
  if (trace == NULL)
    trace = json_pack ("{s:[], s:i, s:s}", "messages", "lost", 0, "ladder", "");
  json_object_set_new (trace, "call", about != NULL ? about : json_null ());
  return trace;
}

#define ID_PARAM                                                                                             \
  {                                                                                                          \
    "sip_call_id", { "id" }, GW_PARAM_STRING, TRUE, "The call's id, SCL_..."                                 \
  }

static const GwParam id_only[] = { ID_PARAM, { NULL } };
static const GwParam trace_params[] = {
  { "sip_call_id", { "id" }, GW_PARAM_STRING, FALSE, "The call's id, SCL_..." },
  { "sip_call_id_full",
    { "call_id" },
    GW_PARAM_STRING,
    FALSE,
    "Or its SIP Call-ID: also of an INVITE that was refused a moment ago." },
  { NULL },
};
static const GwParam list_params[] = {
  { "room_name", { "room" }, GW_PARAM_STRING, FALSE, "Only calls of this room." },
  { "ended", { NULL }, GW_PARAM_BOOL, FALSE, "Calls that are over too, the newest first." },
  { "limit", { NULL }, GW_PARAM_INT, FALSE, "How many of those at most; default 100.", 0, 1000 },
  { NULL },
};

const GwMethod gw_call_methods[] = {
  { "call.list", GW_GRANT_SIP_READ, "room_name", call_list, list_params, "SIP calls." },
  { "call.get", GW_GRANT_SIP_READ, NULL, call_get, id_only,
    "One call: state, codecs, statistics of both directions, timeline." },
  { "call.trace", GW_GRANT_SIP_READ, NULL, call_trace, trace_params,
    "Why it went as it went: the call with its timeline, every SIP message (secrets masked), and these as a "
    "ladder of text." },
  { "call.hangup", GW_GRANT_SIP_READ, NULL, call_hangup, id_only, "Ends a call." },
  { NULL },
};
