/* call.*: SIP calls, running and over. */
#include "gateway/api.h"

#include <string.h>

#include "config/base/error.h"
#include "gateway/capture.h"
#include "gateway/calls.h"
#include "gateway/logs.h"
#include "gateway/store.h"
#include "signaling/core/jsonrpc.h"

/* Written down in one turn of the main loop: 2 ms. */
#define MAX_UP_A_PAGE 200

static gboolean
may_see (GwRequest *request, const char *room)
{
  const SigToken *token = gw_request_token (request);

  return token->room == NULL || g_strcmp0 (token->room, room) == 0;
}

static gboolean
not_found (const char *id, GError **error)
{
  g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "there is no call \"%s\"", id);
  return FALSE;
}

/* ---- call.list ---- */

static gboolean
take_time (json_t *params, const char *name, CfgWall *at, GError **error)
{
  const char *text = gw_param_string (params, name);
  g_autoptr (GDateTime) time = text != NULL ? g_date_time_new_from_iso8601 (text, NULL) : NULL;

  if (text == NULL)
    return TRUE;
  if (time == NULL)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                   "%s: must be a time such as 2026-01-31T12:00:00Z, not \"%s\"", name, text);
      return FALSE;
    }
  at->us = g_date_time_to_unix (time) * CFG_US_PER_S + g_date_time_get_microsecond (time);
  return TRUE;
}

/* A page_token is a place among the calls that are up, or "TIME-NUMBER", one among those that are over. Of no
 * meaning outside. */
static gboolean
take_page (const char *text, GwListPlace *up, GwCallCursor *over, GError **error)
{
  g_auto (GStrv) parts = text != NULL ? g_strsplit (text, "-", 3) : NULL;

  if (text == NULL || gw_list_place_parse (text, up))
    return TRUE;
  if (g_strv_length (parts) == 2
      && g_ascii_string_to_signed (parts[0], 10, 0, G_MAXINT64, &over->created_us, NULL)
      && g_ascii_string_to_signed (parts[1], 10, 1, G_MAXINT64, &over->seq, NULL))
    return TRUE;
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                       "page_token: must be the next_page_token of an answer");
  return FALSE;
}

/* The records have ids; what is no trunk's name (any more) is taken for one. */
static const char *
trunk_id_of (Gateway *gateway, const char *text)
{
  const CfgTrunkSettings *trunk = text != NULL ? cfg_settings_find_trunk (gateway->settings, text) : NULL;

  return trunk != NULL ? trunk->id : text;
}

/* FALSE without @error: nothing can fit. */
static gboolean
take_query (Gateway *gateway, GwRequest *request, json_t *params, GwCallQuery *query, GwListPlace *up,
            GError **error)
{
  const char *only = gw_request_token (request)->room;

  *query = (GwCallQuery){
    .room = gw_param_string (params, "room_name"),
    .direction = gw_param_string (params, "direction"),
    .status = gw_param_string (params, "status"),
    .trunk_id = trunk_id_of (gateway, gw_param_string (params, "trunk_id")),
    .number = gw_param_string (params, "number"),
    .ended_only = TRUE,
    .limit = (guint)gw_param_int (params, "limit", 100),
  };
  if (!take_time (params, "since", &query->since, error) || !take_time (params, "until", &query->until, error)
      || !take_page (gw_param_string (params, "page_token"), up, &query->before, error))
    return FALSE;
  if (query->room == NULL)
    query->room = only;
  return only == NULL || strcmp (query->room, only) == 0;
}

static int
by_place (gconstpointer a, gconstpointer b)
{
  const GwListPlace first = gw_call_list_place (*(GwCall *const *)a),
                    second = gw_call_list_place (*(GwCall *const *)b);

  return gw_list_place_compare (&first, &second);
}

/* @after: its id is NULL: from the newest on. @next: (out): (nullable): there are more, or with @ended there
 * may be. Looking at a call costs little, writing it down does not. */
static json_t *
list_running (Gateway *gateway, const GwCallQuery *query, const GwListPlace *after, gboolean ended,
              char **next)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  const guint n_max = MIN (query->limit, MAX_UP_A_PAGE);
  json_t *calls = json_array ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, gateway->calls);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const GwListPlace place = gw_call_list_place (value);

      if ((after->id == NULL || gw_list_place_compare (after, &place) < 0) && gw_call_fits (value, query))
        g_ptr_array_add (found, value);
    }
  g_ptr_array_sort (found, by_place);
  for (guint i = 0; i < MIN (found->len, n_max); i++)
    json_array_append_new (calls, gw_call_json (g_ptr_array_index (found, i), FALSE));
  if (found->len > n_max || (ended && found->len == query->limit))
    {
      const GwListPlace last = gw_call_list_place (g_ptr_array_index (found, n_max - 1));

      *next = gw_list_place_text (&last);
    }
  return calls;
}

typedef struct
{
  GwRequest *request;
  json_t *calls;
} Listing;

/* The records are text already and stay it: many of them would keep the main loop for a while. */
static void
on_listed (gpointer user, GPtrArray *texts, const GwCallCursor *next, const GError *error)
{
  g_autofree Listing *listing = user;
  g_autoptr (GwRequest) request = listing->request;
  g_autofree char *running = NULL;
  GString *text;
  gsize size;

  running = sig_json_dump (listing->calls, &size);
  if (error != NULL)
    {
      gw_request_fail (request, error);
      return;
    }
  text = g_string_new ("{\"calls\":");
  g_string_append_len (text, running, (gssize)size - 1); /* but its bracket */
  for (guint i = 0; i < texts->len; i++)
    {
      if (i > 0 || size > strlen ("[]"))
        g_string_append_c (text, ',');
      g_string_append (text, g_ptr_array_index (texts, i));
    }
  g_string_append (text, "],\"next_page_token\":\"");
  if (next != NULL)
    g_string_append_printf (text, "%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, next->created_us, next->seq);
  g_string_append (text, "\"}");
  gw_request_reply_text (request, g_string_free (text, FALSE));
}

static json_t *
call_list (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const gboolean ended = gw_param_bool (params, "ended", FALSE);
  g_autofree char *next = NULL;
  GwListPlace up = { 0 };
  GwCallQuery query;
  json_t *calls;
  Listing *listing;

  if (!take_query (gateway, request, params, &query, &up, error))
    return *error == NULL ? json_pack ("{s:[], s:s}", "calls", "next_page_token", "") : NULL;
  calls = query.before.seq == 0 ? list_running (gateway, &query, &up, ended, &next) : json_array ();
  if (!ended || next != NULL)
    return json_pack ("{s:o, s:s}", "calls", calls, "next_page_token", next != NULL ? next : "");
  query.limit -= (guint)json_array_size (calls);
  listing = g_new0 (Listing, 1);
  listing->request = gw_request_ref (request);
  listing->calls = calls;
  gw_store_find_calls (gateway->store, &query, on_listed, listing);
  return NULL;
}

/* ---- one call ---- */

typedef struct _Lookup Lookup;

struct _Lookup
{
  Gateway *gateway;
  GwRequest *request;
  char *id, *call_id; /* either is nullable */
  gboolean may_see_refused;
  json_t *params;
  /* @call: (transfer full) (nullable): there is none that the token may see */
  void (*then) (Lookup *lookup, json_t *call);
};

static void
lookup_free (Lookup *lookup)
{
  gw_request_unref (lookup->request);
  json_decref (lookup->params);
  g_free (lookup->id);
  g_free (lookup->call_id);
  g_free (lookup);
}

static void
on_looked_up (gpointer user, GPtrArray *texts, const GwCallCursor *next, const GError *error)
{
  Lookup *lookup = user;

  if (error != NULL)
    gw_request_fail (lookup->request, error);
  else
    lookup->then (lookup, texts->len > 0 ? json_loads (g_ptr_array_index (texts, 0), 0, NULL) : NULL);
  lookup_free (lookup);
}

/* Calls @then once: now, or when the store has answered. */
static void
look_up (Gateway *gateway, GwRequest *request, const char *id, const char *call_id, json_t *params,
         void (*then) (Lookup *lookup, json_t *call))
{
  const char *only = gw_request_token (request)->room;
  GwCall *running = id != NULL ? gw_call_find (gateway, id) : gw_call_find_full (gateway, call_id, only);
  Lookup *lookup = g_new0 (Lookup, 1);
  const GwCallQuery query = { .id = id, .sip_call_id = call_id, .room = only, .limit = 1 };

  lookup->gateway = gateway;
  lookup->request = gw_request_ref (request);
  lookup->id = g_strdup (id);
  lookup->call_id = g_strdup (call_id);
  lookup->params = json_incref (params);
  lookup->may_see_refused = id == NULL && may_see (request, NULL);
  lookup->then = then;
  if (running == NULL)
    {
      gw_store_find_calls (gateway->store, &query, on_looked_up, lookup);
      return;
    }
  then (lookup, may_see (request, gw_call_room (running)) ? gw_call_json (running, TRUE) : NULL);
  lookup_free (lookup);
}

static void
fail_not_found (Lookup *lookup)
{
  g_autoptr (GError) error = NULL;

  not_found (lookup->id != NULL ? lookup->id : lookup->call_id, &error);
  gw_request_fail (lookup->request, error);
}

static void
answer_call (Lookup *lookup, json_t *call)
{
  if (call != NULL)
    gw_request_reply (lookup->request, json_pack ("{s:o}", "call", call));
  else
    fail_not_found (lookup);
}

static json_t *
call_get (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  look_up (gateway, request, gw_param_string (params, "sip_call_id"), NULL, params, answer_call);
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
  gw_request_reply_when_written (gateway, request, json_object ());
  return NULL;
}

/* Of a call that is known, or of an INVITE that was refused: that belongs to no room. */
static void
answer_trace (Lookup *lookup, json_t *about)
{
  const char *id = json_string_value (json_object_get (about, "sip_call_id"));
  json_t *trace = NULL;

  if (about != NULL || lookup->may_see_refused)
    trace = gw_capture_trace (lookup->gateway, id, lookup->call_id);
  if (about == NULL && trace == NULL)
    {
      fail_not_found (lookup);
      return;
    }
  if (trace == NULL)
    {
      g_autofree char *ladder = gw_capture_ladder (json_object_get (about, "timeline"));

      trace = json_pack ("{s:[], s:i, s:s}", "messages", "lost", 0, "ladder", ladder);
    }
  json_object_set_new (trace, "call", about != NULL ? about : json_null ());
  gw_request_reply (lookup->request, trace);
}

static void
answer_pcap (Lookup *lookup, json_t *about)
{
  json_auto_t *call = about;
  const char *id = json_string_value (json_object_get (call, "sip_call_id"));
  g_autoptr (GError) error = NULL;
  json_t *pcap = NULL;

  if (call != NULL || lookup->may_see_refused)
    pcap = gw_capture_pcap (lookup->gateway, id, lookup->call_id);
  if (pcap != NULL)
    gw_request_reply (lookup->request, pcap);
  else if (call == NULL)
    fail_not_found (lookup);
  else
    {
      g_set_error_literal (&error, CFG_ERROR, CFG_ERROR_NOT_FOUND,
                           "the SIP messages of this call are not held any more, or capture.enabled is off");
      gw_request_fail (lookup->request, error);
    }
}

static json_t *
call_trace (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const char *id = gw_param_string (params, "sip_call_id");
  const char *call_id = gw_param_string (params, "sip_call_id_full");
  const gboolean wants_pcap = g_strcmp0 (gw_param_string (params, "format"), "pcap") == 0;

  if ((id == NULL) == (call_id == NULL))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                   "either sip_call_id or sip_call_id_full says which call");
      return NULL;
    }
  look_up (gateway, request, id, call_id, params, wants_pcap ? answer_pcap : answer_trace);
  return NULL;
}

/* ---- call.logs ---- */

static void
answer_logs (Lookup *lookup, json_t *about)
{
  json_auto_t *call = about;
  const GwCall *running = gw_call_find (lookup->gateway, lookup->id);
  const GwConn *conn = gw_request_conn (lookup->request);
  const gboolean follows = gw_param_bool (lookup->params, "follow", FALSE) && running != NULL && conn != NULL;
  g_autoptr (GError) error = NULL;
  CfgWall since = { 0 };
  json_t *result;

  if (call == NULL)
    {
      fail_not_found (lookup);
      return;
    }
  if (follows && !gw_logs_follow (lookup->gateway, conn->id, lookup->id, &error))
    {
      gw_request_fail (lookup->request, error);
      return;
    }
  (void)take_time (call, "created_at", &since, NULL);
  result = gw_logs_read (lookup->gateway, lookup->id, (guint64)gw_param_int (lookup->params, "from_seq", 0),
                         since);
  json_object_set_new (result, "following", json_boolean (follows));
  gw_request_reply (lookup->request, result);
}

static json_t *
call_logs (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  look_up (gateway, request, gw_param_string (params, "sip_call_id"), NULL, params, answer_logs);
  return NULL;
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
  { "format",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "pcap: the messages alone, as a file for Wireshark.",
    .otherwise = "json",
    .words = "json pcap" },
  { NULL },
};
static const GwParam logs_params[] = {
  ID_PARAM,
  { "follow", { NULL }, GW_PARAM_BOOL, FALSE, "Tell of further lines, until the call ends." },
  { "from_seq", { NULL }, GW_PARAM_INT, FALSE, "Number of the last line seen: only those after it.", 0, 0 },
  { NULL },
};
static const GwParam list_params[] = {
  { "room_name", { "room" }, GW_PARAM_STRING, FALSE, "Only calls of this room." },
  { "ended", { NULL }, GW_PARAM_BOOL, FALSE, "Calls that are over too, behind those that are up." },
  { "limit", { NULL }, GW_PARAM_INT, FALSE, "How many at most.", 1, 1000, "100" },
  { "page_token",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "The next_page_token of an answer, with the same other parameters: those behind it. A page may have "
    "fewer than limit, even none; after the last one next_page_token is empty." },
  { "direction",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "Only those of this direction.",
    .words = "inbound outbound" },
  { "status", { NULL }, GW_PARAM_STRING, FALSE, "Only those in this state, as call_status events name it." },
  { "trunk_id",
    { "sip_trunk_id" },
    GW_PARAM_STRING,
    FALSE,
    "Only those of this trunk, by its id or its name." },
  { "number",
    { NULL },
    GW_PARAM_STRING,
    FALSE,
    "Only those from or to it. Separators and a + or 00 before the country's code do not count, and a "
    "national "
    "number (030123456) is found with a country's code as well, and the other way round. A * before or "
    "behind "
    "stands for anything: *123456, +4930*. Quick for whole numbers and for five or more last digits; else "
    "the "
    "records are looked through, some at a time." },
  { "since", { NULL }, GW_PARAM_STRING, FALSE, "Only those that began at this time (RFC 3339) or later." },
  { "until", { NULL }, GW_PARAM_STRING, FALSE, "Only those that began before." },
  { NULL },
};

static const GwField list_result[] = {
  { "calls", GW_FIELD_OBJECT, GW_FIELD_LIST,
    "Calls that are up, the newest first; with ended behind them those that are over, the newest first.",
    &gw_call_shape },
  { "next_page_token", GW_FIELD_STRING, 0, "For page_token; empty: there are no more." },
  { NULL },
};
static const GwField call_result[] = {
  { "call", GW_FIELD_OBJECT, 0, "The call.", &gw_call_shape },
  { NULL },
};
static const GwField traced_fields[] = {
  { "time", GW_FIELD_TIME, 0, "When." },
  { "direction", GW_FIELD_STRING, 0, "Which way.", .words = "sent received" },
  { "transport", GW_FIELD_STRING, 0, "udp, tcp or tls." },
  { "local", GW_FIELD_STRING, 0, "Our address and port." },
  { "remote", GW_FIELD_STRING, 0, "Theirs." },
  { "text", GW_FIELD_STRING, 0, "The message; passwords, SRTP keys and digits are masked." },
  { NULL },
};
static const GwShape traced_shape = { "sip_message", "A SIP message of a call.", traced_fields };
static const GwField trace_result[] = {
  { "call", GW_FIELD_OBJECT, GW_FIELD_NULL | GW_FIELD_OPTIONAL,
    "The call; null: of an INVITE that was refused.", &gw_call_shape },
  { "messages", GW_FIELD_OBJECT, GW_FIELD_LIST | GW_FIELD_OPTIONAL, "Every SIP message of it.",
    &traced_shape },
  { "lost", GW_FIELD_INT, 0, "How many are not kept any more, after the first ones." },
  { "ladder", GW_FIELD_STRING, GW_FIELD_OPTIONAL, "The messages drawn as text." },
  { "pcap", GW_FIELD_STRING, GW_FIELD_OPTIONAL,
    "With format pcap, in place of the rest: the messages as a file for Wireshark, in base64." },
  { "n_messages", GW_FIELD_INT, GW_FIELD_OPTIONAL, "With format pcap: how many are in it." },
  { NULL },
};
static const GwField log_entry_fields[] = {
  { "seq", GW_FIELD_INT, 0, "Its number." },
  { "line", GW_FIELD_ANY, 0, "The line as an object, as logging.format json writes it." },
  { NULL },
};
static const GwShape log_entry_shape = { "log_entry", "A line of the log.", log_entry_fields };
static const GwField logs_result[] = {
  { "lines", GW_FIELD_OBJECT, GW_FIELD_LIST, "The lines of the call, in order; the last 500.",
    &log_entry_shape },
  { "gap", GW_FIELD_BOOL, 0, "Earlier lines may be missing: they are not held any more." },
  { "following", GW_FIELD_BOOL, 0, "Further lines will come; false when the call is over." },
  { NULL },
};

const GwMethod gw_call_methods[] = {
  { "call.list", GW_GRANT_SIP_READ, "room_name", call_list, list_params, "SIP calls.", .result = list_result,
    .errors = "unavailable resource_exhausted",
    .example = "{\"room\": \"support\", \"ended\": true, \"limit\": 50}",
    .answer = "{\"calls\": [], \"next_page_token\": \"\"}",
    .more
    = "A token for one room sees the calls of that room. Pages hold while calls begin and end: what is up\n"
      "all the time is on one of them, and a call that ends meanwhile is not left out of a listing with\n"
      "`ended`: it may be there twice then, up on an earlier page and over on a later one." },
  { "call.get", GW_GRANT_SIP_READ, NULL, call_get, id_only,
    "One call: state, codecs, statistics of both directions, timeline.", .result = call_result,
    .errors = "not_found unavailable resource_exhausted" },
  { "call.trace", GW_GRANT_SIP_READ, NULL, call_trace, trace_params,
    "Why it went as it went: the call with its timeline, every SIP message (secrets masked), and these as a "
    "ladder of text.",
    .result = trace_result, .errors = "not_found unavailable resource_exhausted",
    .more = "The first and the latest messages of a long call are kept (64 kB), of calls that are over 2 MB "
            "in all. In a pcap each message is a UDP datagram with the real addresses and times, masked like "
            "the text, whatever transport it came by." },
  { "call.logs", GW_GRANT_SIP_READ, NULL, call_logs, logs_params,
    "The lines of the gateway's log that are about one call.", .result = logs_result,
    .errors = "not_found unavailable resource_exhausted",
    .example = "{\"sip_call_id\": \"SCL_b7\", \"follow\": true}",
    .answer
    = "{\"lines\": [{\"seq\": 7, \"line\": {\"time\": \"2026-11-21T07:55:00.123Z\", \"level\": \"info\", "
      "\"component\": \"sip\", \"event\": \"Accepting the call\", \"callID\": \"SCL_b7\"}}], \"gap\": "
      "false, \"following\": true}",
    .more
    = "`logging.level` decides which lines there are; 1 MB of the last ones of all calls is held. With "
      "`follow`, further ones come as notifications `log`; one connection follows 16 calls at most, all "
      "together 64." },
  { "call.hangup", GW_GRANT_SIP_READ, NULL, call_hangup, id_only, "Ends a call.", .result = gw_no_fields,
    .errors = "not_found" },
  { NULL },
};
