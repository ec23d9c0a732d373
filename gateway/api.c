#include "gateway/api.h"
#include "gateway/extensions.h"
#include "gateway/messages.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/log.h"
#include "gateway/api_metrics.h"
#include "gateway/api_params.h"
#include "gateway/events.h"
#include "gateway/logs.h"
#include "gateway/reach.h"
#include "gateway/sessions.h"
#include "gateway/store.h"
#include "signaling/core/jsonrpc.h"

/* Answers to the requests of one message; sent together when it was a batch. */
typedef struct
{
  guint ref_count;
  Gateway *gateway;
  SigWebConnId conn;
  gboolean is_batch;
  guint n_pending;
  GString *answers; /* of a batch, as text between commas: parsed, long ones take ten times as much */
} Exchange;

struct _GwRequest
{
  guint ref_count;
  Gateway *gateway;
  Exchange *exchange; /* NULL: of gw_api_run */
  SigToken *token;    /* of gw_api_run */
  GwApiDone done, watch;
  gpointer user, watch_user;
  json_t *id; /* NULL: a notification, not answered */
  char *method;
  json_t *error_data;
  CfgMonotonic began;
  gboolean answered;
};

const GwMethod *
gw_api_method (guint index)
{
  static const GwMethod *const tables[]
      = { gw_auth_methods,    gw_server_methods,   gw_room_methods,         gw_participant_methods,
          gw_play_methods,    gw_call_methods,     gw_entry_methods,        gw_session_methods,
          gw_message_methods, gw_transfer_methods, gw_registration_methods, gw_record_methods };

  for (guint t = 0; t < G_N_ELEMENTS (tables); t++)
    for (const GwMethod *method = tables[t]; method->name != NULL; method++)
      if (index-- == 0)
        return method;
  return NULL;
}

static const GwMethod *
find_method (const char *name)
{
  static GHashTable *by_name; /* of what the tables say, so for as long as the process */
  const GwMethod *method;

  if (by_name == NULL)
    {
      by_name = g_hash_table_new (g_str_hash, g_str_equal);
      for (guint i = 0; (method = gw_api_method (i)) != NULL; i++)
        g_hash_table_insert (by_name, (gpointer)method->name, (gpointer)method);
    }
  return g_hash_table_lookup (by_name, name);
}

static void
send_json (Gateway *gateway, SigWebConnId conn, json_t *message)
{
  gsize size;
  g_autofree char *text = sig_json_dump (message, &size);

  sig_web_send (gateway->web, conn, text, size);
}

void
gw_api_notify (Gateway *gateway, SigWebConnId conn, const char *method, json_t *params)
{
  if (conn == 0)
    json_decref (params);
  else
    send_json (gateway, conn, sig_jsonrpc_notification (method, params));
}

static void
exchange_unref (Exchange *exchange)
{
  if (--exchange->ref_count > 0)
    return;
  g_string_free (exchange->answers, TRUE);
  g_free (exchange);
}

/* @text: (nullable): a notification has none. */
static void
exchange_answered (Exchange *exchange, const char *text, gsize size)
{
  SigWeb *web = exchange->gateway->web;

  if (text != NULL && !exchange->is_batch)
    sig_web_send (web, exchange->conn, text, size);
  else if (text != NULL)
    {
      g_string_append_c (exchange->answers, exchange->answers->len == 0 ? '[' : ',');
      g_string_append_len (exchange->answers, text, (gssize)size);
    }
  if (--exchange->n_pending > 0 || exchange->answers->len == 0)
    return;
  g_string_append_c (exchange->answers, ']');
  sig_web_send (web, exchange->conn, exchange->answers->str, exchange->answers->len);
}

/* @answer: (transfer full) (nullable) */
static void
exchange_answered_json (Exchange *exchange, json_t *answer)
{
  gsize size = 0;
  g_autofree char *text = answer != NULL ? sig_json_dump (answer, &size) : NULL;

  exchange_answered (exchange, text, size);
}

GwRequest *
gw_request_ref (GwRequest *request)
{
  request->ref_count++;
  return request;
}

void
gw_request_unref (GwRequest *request)
{
  if (--request->ref_count > 0)
    return;
  g_assert (request->answered);
  g_clear_pointer (&request->exchange, exchange_unref);
  g_clear_pointer (&request->token, sig_token_free);
  json_decref (request->id);
  json_decref (request->error_data);
  g_free (request->method);
  g_free (request);
}

GwConn *
gw_request_conn (const GwRequest *request)
{
  if (request->exchange == NULL)
    return NULL;
  return g_hash_table_lookup (request->exchange->gateway->conns, &request->exchange->conn);
}

const SigToken *
gw_request_token (const GwRequest *request)
{
  return request->token != NULL ? request->token : gw_request_conn (request)->token;
}

void
gw_request_set_error_data (GwRequest *request, const char *key, json_t *value)
{
  if (request->error_data == NULL)
    request->error_data = json_object ();
  json_object_set_new (request->error_data, key, value);
}

/* @error: (nullable) */
static void
answered (GwRequest *request, const GError *error)
{
  GwConn *conn = gw_request_conn (request);

  g_assert (!request->answered);
  request->answered = TRUE;
  if (conn != NULL)
    conn->n_waiting--;
  gw_api_metrics_answered (request->gateway, request->method,
                           cfg_monotonic_diff_us (cfg_monotonic_now (), request->began), error);
}

void
gw_request_watch_answer (GwRequest *request, GwApiDone watch, gpointer user)
{
  g_assert (request->watch == NULL);
  request->watch = watch;
  request->watch_user = user;
}

gpointer
gw_request_watcher (const GwRequest *request, GwApiDone watch)
{
  return request->watch == watch ? request->watch_user : NULL;
}

void
gw_request_reply (GwRequest *request, json_t *result)
{
  answered (request, NULL);
  if (request->watch != NULL)
    request->watch (request->watch_user, json_incref (result), NULL, NULL);
  if (request->done != NULL)
    request->done (request->user, result, NULL, NULL);
  else if (request->id == NULL)
    {
      json_decref (result);
      exchange_answered (request->exchange, NULL, 0);
    }
  else
    exchange_answered_json (request->exchange, sig_jsonrpc_result (request->id, result));
}

void
gw_request_reply_text (GwRequest *request, char *result)
{
  g_autofree char *owned = result, *id = NULL, *text = NULL;
  Exchange *exchange = request->exchange;
  gsize size;

  if (request->done != NULL || request->id == NULL)
    {
      gw_request_reply (request, json_loads (result, 0, NULL));
      return;
    }
  answered (request, NULL);
  id = sig_json_dump (json_incref (request->id), &size);
  text = g_strdup_printf ("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}", id, result);
  exchange_answered (exchange, text, strlen (text));
}

typedef struct
{
  GwRequest *request;
  json_t *result;
} Waiting;

static void
on_written (gpointer user, const GError *error)
{
  g_autofree Waiting *waiting = user;
  g_autoptr (GwRequest) request = waiting->request;

  gw_request_reply (request, waiting->result);
}

void
gw_request_reply_when_written (Gateway *gateway, GwRequest *request, json_t *result)
{
  Waiting *waiting = g_new (Waiting, 1);

  *waiting = (Waiting){ gw_request_ref (request), result };
  gw_store_when_written (gateway->store, on_written, waiting);
}

/* What a method itself finds wrong with a parameter begins with its name. */
static void
name_the_field (GwRequest *request, const GError *error)
{
  const GwMethod *method = find_method (request->method);
  g_autofree char *field = NULL;

  if (!g_error_matches (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT)
      || json_object_get (request->error_data, "field") != NULL)
    return;
  field = gw_params_field_of (method->params, method->keys != NULL ? method->keys () : NULL, error->message);
  if (field != NULL)
    gw_request_set_error_data (request, "field", json_string (field));
}

void
gw_request_fail (GwRequest *request, const GError *error)
{
  answered (request, error);
  name_the_field (request, error);
  cfg_debug ("api", NULL, "Request failed", CFG_STR ("method", request->method),
             CFG_STR ("error", error->message));
  if (request->watch != NULL)
    request->watch (request->watch_user, NULL, error, request->error_data);
  if (request->done != NULL)
    {
      request->done (request->user, NULL, error, request->error_data);
      return;
    }
  exchange_answered_json (
      request->exchange, request->id == NULL ? NULL
                                             : sig_jsonrpc_error_from (
                                                 request->id, error, g_steal_pointer (&request->error_data)));
}

const char *
gw_grant_words (GwGrant grant)
{
  static const char *const words[] = {
    [GW_GRANT_ANY] = "any token",
    [GW_GRANT_ROOM_JOIN] = "video.roomJoin",
    [GW_GRANT_ROOM_ADMIN] = "video.roomAdmin",
    [GW_GRANT_ROOM_CREATE] = "video.roomCreate",
    [GW_GRANT_ROOM_LIST] = "video.roomList",
    [GW_GRANT_SIP_CALL] = "sip.call",
    [GW_GRANT_SIP_TRANSFER] = "sip.call and video.roomAdmin",
    [GW_GRANT_SIP_READ] = "sip.call or video.roomAdmin",
    [GW_GRANT_SIP_ADMIN] = "sip.admin",
  };

  return words[grant];
}

/* The socket of a session outlives its token, as a participant does; what it may do besides being one, as in
 * another @room, does not. */
static gboolean
is_still_good (const SigToken *token, GwGrant grant, const char *room, GError **error)
{
  if (grant == GW_GRANT_ANY || (grant == GW_GRANT_ROOM_JOIN && room == NULL)
      || !sig_token_has_expired (token, cfg_wall_now ()))
    return TRUE;
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_UNAUTHENTICATED,
                       "the token has expired: server.authenticate takes another one");
  return FALSE;
}

gboolean
gw_token_allows (const SigToken *token, GwGrant grant, const char *room, GError **error)
{
  const gboolean allowed[] = {
    [GW_GRANT_ANY] = TRUE,
    [GW_GRANT_ROOM_JOIN] = token->room_join || token->room_admin,
    [GW_GRANT_ROOM_ADMIN] = token->room_admin,
    [GW_GRANT_ROOM_CREATE] = token->room_create,
    [GW_GRANT_ROOM_LIST] = token->room_list,
    [GW_GRANT_SIP_CALL] = token->sip_call || token->sip_admin,
    [GW_GRANT_SIP_TRANSFER] = (token->sip_call || token->sip_admin) && token->room_admin,
    [GW_GRANT_SIP_READ] = token->sip_call || token->sip_admin || token->room_admin,
    [GW_GRANT_SIP_ADMIN] = token->sip_admin,
  };

  if (!allowed[grant])
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED, "the token lacks the grant %s",
                   gw_grant_words (grant));
      return FALSE;
    }
  if (grant == GW_GRANT_SIP_ADMIN && token->room != NULL)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED,
                           "trunks and rules belong to no room, and the token is for one room only");
      return FALSE;
    }
  if (room != NULL && token->room != NULL && strcmp (token->room, room) != 0)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED, "the token is for room \"%s\" only",
                   token->room);
      return FALSE;
    }
  return is_still_good (token, grant, room, error);
}

const char *
gw_request_own_room (GwRequest *request, const char *room)
{
  const GwConn *conn = gw_request_conn (request);

  return room != NULL && conn != NULL && gw_reach_is_own (conn, room) ? NULL : room;
}

/* (nullable): the name by which @params has the room that @method is about */
static const char *
given_room_name (const GwMethod *method, json_t *params)
{
  for (const GwParam *param = method->params; param != NULL && param->name != NULL; param++)
    {
      if (g_strcmp0 (param->name, method->room_param) != 0)
        continue;
      for (gsize i = 0; i < G_N_ELEMENTS (param->aliases); i++)
        if (param->aliases[i] != NULL && json_object_get (params, param->aliases[i]) != NULL)
          return param->aliases[i];
      return param->name;
    }
  return NULL;
}

/* What is wrong with a room's name is said of the parameter that came, not of "room". */
static void
name_the_room (const char *given, GError **error)
{
  static const char room[] = "room: ";
  char *message;

  if (given == NULL || error == NULL || !g_error_matches (*error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT)
      || !g_str_has_prefix ((*error)->message, room))
    return;
  message = g_strconcat (given, ": ", (*error)->message + strlen (room), NULL);
  g_free ((*error)->message);
  (*error)->message = message;
}

static json_t *
run_method (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const GwMethod *method = find_method (request->method);
  const char *given = given_room_name (method, params);
  g_autofree char *field = NULL;
  const char *room;
  json_t *result;

  if (!gw_params_check (method->params, method->keys != NULL ? method->keys () : NULL, params, &field, error))
    {
      if (field != NULL)
        gw_request_set_error_data (request, "field", json_string (field));
      return NULL;
    }
  room = method->room_param != NULL ? gw_param_string (params, method->room_param) : NULL;
  if (method->grant == GW_GRANT_ROOM_JOIN || method->grant == GW_GRANT_ANY)
    room = gw_request_own_room (request, room);
  if (!gw_token_allows (gw_request_token (request), method->grant, room, error))
    return NULL;
  result = method->run (gateway, request, params, error);
  if (result == NULL)
    name_the_room (given, error);
  return result;
}

static GwRequest *
request_new (Gateway *gateway, const char *method)
{
  GwRequest *request = g_new0 (GwRequest, 1);

  request->ref_count = 1;
  request->gateway = gateway;
  request->began = cfg_monotonic_now ();
  request->method = g_strdup (method);
  gw_api_metrics_began (gateway);
  return request;
}

/* Counts @request to those of its connection that are not answered; each keeps memory meanwhile. */
static gboolean
may_wait (const GwRequest *request, GError **error)
{
  GwConn *conn = gw_request_conn (request);

  if (conn == NULL || ++conn->n_waiting <= GW_API_MAX_WAITING)
    return TRUE;
  g_set_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED,
               "%d requests of this connection are not answered yet: wait for some of them",
               GW_API_MAX_WAITING);
  return FALSE;
}

static gboolean
has_names (const SigJsonrpcRequest *parsed, GError **error)
{
  if (parsed->params_are_list)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                         "params must be an object: parameters go by their names");
  return !parsed->params_are_list;
}

static void
run_request (Gateway *gateway, Exchange *exchange, SigJsonrpcRequest *parsed)
{
  g_autoptr (GwRequest) request = NULL;
  g_autoptr (GError) error = NULL;
  json_t *result;

  if (parsed->method == NULL)
    {
      gw_api_metrics_malformed (gateway);
      exchange_answered_json (
          exchange, sig_jsonrpc_error (parsed->id, SIG_JSONRPC_INVALID_REQUEST, parsed->error_text, NULL));
      return;
    }
  if (find_method (parsed->method) == NULL)
    {
      gw_api_metrics_malformed (gateway);
      exchange_answered_json (exchange,
                              parsed->id == NULL
                                  ? NULL
                                  : sig_jsonrpc_error (parsed->id, SIG_JSONRPC_METHOD_NOT_FOUND,
                                                       "no such method; server.methods lists them", NULL));
      return;
    }
  request = request_new (gateway, parsed->method);
  request->exchange = exchange;
  exchange->ref_count++;
  request->id = json_incref (parsed->id);
  result = may_wait (request, &error) && has_names (parsed, &error)
               ? run_method (gateway, request, parsed->params, &error)
               : NULL;
  if (error != NULL)
    gw_request_fail (request, error);
  else if (result != NULL)
    gw_request_reply (request, result);
}

gboolean
gw_api_may (const SigToken *token, const char *method, GError **error)
{
  return gw_token_allows (token, find_method (method)->grant, NULL, error);
}

void
gw_api_run (Gateway *gateway, SigToken *token, const char *method, json_t *params, GwApiDone done,
            gpointer user)
{
  g_autoptr (GwRequest) request = request_new (gateway, method);
  g_autoptr (GError) error = NULL;
  json_t *result;

  g_assert (find_method (method) != NULL);
  request->token = token;
  request->done = done;
  request->user = user;
  result = run_method (gateway, request, params, &error);
  json_decref (params);
  if (error != NULL)
    gw_request_fail (request, error);
  else if (result != NULL)
    gw_request_reply (request, result);
}

void
gw_api_message (gpointer data, SigWebConnId conn, const char *text, gsize size)
{
  Gateway *gateway = data;
  SigJsonrpcCode code = SIG_JSONRPC_PARSE_ERROR;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) requests = NULL;
  gboolean is_batch = FALSE;
  Exchange *exchange;

  if (!g_hash_table_contains (gateway->conns, &conn))
    return;
  requests = sig_jsonrpc_parse (text, size, &is_batch, &code, &error);
  if (requests == NULL)
    {
      gw_api_metrics_malformed (gateway);
      send_json (gateway, conn, sig_jsonrpc_error (NULL, (int)code, error->message, NULL));
      return;
    }
  exchange = g_new0 (Exchange, 1);
  exchange->ref_count = 1;
  exchange->gateway = gateway;
  exchange->conn = conn;
  exchange->is_batch = is_batch;
  exchange->n_pending = requests->len;
  exchange->answers = g_string_new (NULL);
  for (guint i = 0; i < requests->len; i++)
    run_request (gateway, exchange, g_ptr_array_index (requests, i));
  exchange_unref (exchange);
}

int
gw_api_conn_open (gpointer data, SigWebConnId id, const SigWebRequest *request, const char **reason)
{
  Gateway *gateway = data;
  g_autoptr (GError) error = NULL;
  SigToken *token;
  GwConn *conn;

  if (request->token == NULL)
    {
      *reason = "an access token is needed: ?access_token= or Authorization: Bearer";
      return 401;
    }
  token = sig_token_verify (request->token, cfg_wall_now (), gateway_secret, gateway, &error);
  if (token == NULL)
    {
      cfg_info ("api", NULL, "Refused a connection", CFG_STR ("fromIP", request->remote),
                CFG_STR ("reason", error->message));
      *reason = "the access token is not valid";
      return 401;
    }
  conn = g_new0 (GwConn, 1);
  conn->id = id;
  conn->token = token;
  conn->secret_sum = gw_api_auth_sum (gateway, token);
  g_hash_table_insert (gateway->conns, &conn->id, conn);
  cfg_debug ("api", NULL, "Connection opened", CFG_STR ("fromIP", request->remote),
             CFG_STR ("identity", token->identity));
  return 0;
}

void
gw_conn_free (gpointer data)
{
  GwConn *conn = data;

  sig_token_free (conn->token);
  g_free (conn->secret_sum);
  gw_reach_clear (conn);
  g_free (conn);
}

void
gw_api_conn_closed (gpointer data, SigWebConnId id)
{
  Gateway *gateway = data;
  GwConn *conn = g_hash_table_lookup (gateway->conns, &id);

  if (conn == NULL)
    return;
  gw_events_forget_conn (gateway, id);
  gw_logs_forget_conn (gateway, id);
  if (conn->session != NULL)
    gw_session_conn_lost (gateway, conn->session);
  g_hash_table_remove (gateway->conns, &id);
}
