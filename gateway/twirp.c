#include "gateway/twirp.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/log.h"
#include "gateway/api.h"
#include "signaling/core/livekit.h"

#define PREFIX "/twirp/livekit."

typedef struct
{
  Gateway *gateway;
  SigWebHttpId id;
  SigLivekitFormat format;
  const GwTwirpMethod *method;
  json_t *in;
} Exchange;

static void
exchange_free (Exchange *exchange)
{
  json_decref (exchange->in);
  g_free (exchange);
}

/* The statuses of Twirp's specification, version 7. */
static int
http_status (CfgErrorCode code)
{
  switch (code)
    {
    case CFG_ERROR_INVALID_ARGUMENT:
    case CFG_ERROR_OUT_OF_RANGE:
      return 400;
    case CFG_ERROR_UNAUTHENTICATED:
      return 401;
    case CFG_ERROR_PERMISSION_DENIED:
      return 403;
    case CFG_ERROR_NOT_FOUND:
      return 404;
    case CFG_ERROR_CANCELED:
    case CFG_ERROR_DEADLINE_EXCEEDED:
      return 408;
    case CFG_ERROR_ALREADY_EXISTS:
    case CFG_ERROR_ABORTED:
      return 409;
    case CFG_ERROR_FAILED_PRECONDITION:
      return 412;
    case CFG_ERROR_RESOURCE_EXHAUSTED:
      return 429;
    case CFG_ERROR_UNIMPLEMENTED:
      return 501;
    case CFG_ERROR_UNAVAILABLE:
      return 503;
    case CFG_ERROR_UNKNOWN:
    case CFG_ERROR_INTERNAL:
    default:
      return 500;
    }
}

/* Twirp's meta has texts only. */
static json_t *
meta_of (json_t *data)
{
  json_t *meta = json_object (), *value;
  const char *key;

  json_object_foreach (data, key, value)
  {
    g_autofree char *number = NULL;

    if (json_is_integer (value))
      number = g_strdup_printf ("%" JSON_INTEGER_FORMAT, json_integer_value (value));
    json_object_set_new (meta, strcmp (key, "field") == 0 ? "argument" : key,
                         json_string (number != NULL ? number : json_string_value (value)));
  }
  return meta;
}

static void
fill_error (SigWebResponse *response, int status, const char *word, const char *message, json_t *data)
{
  g_autofree char *valid = g_utf8_make_valid (message, -1); /* it can quote what is no text of jansson's */
  json_t *error = json_pack ("{s:s, s:s}", "code", word, "msg", valid);
  char *text;

  if (data != NULL)
    json_object_set_new (error, "meta", meta_of (data));
  text = json_dumps (error, JSON_COMPACT);
  json_decref (error);
  response->status = status;
  response->content_type = "application/json";
  response->body = g_bytes_new_with_free_func (text, strlen (text), free, text);
}

static void
answer (Exchange *exchange, json_t *result, const GError *error, json_t *data)
{
  SigWebResponse response = { .status = 200 };

  if (error != NULL)
    {
      CfgErrorCode code = error->domain == CFG_ERROR ? (CfgErrorCode)error->code : CFG_ERROR_INTERNAL;

      fill_error (&response, http_status (code), cfg_error_word (code), error->message, data);
    }
  else
    {
      response.content_type
          = exchange->format == SIG_LIVEKIT_JSON ? "application/json" : "application/protobuf";
      response.body = sig_livekit_encode (exchange->method->out, exchange->format, result);
    }
  sig_web_respond (exchange->gateway->web, exchange->id, response.status, response.content_type,
                   response.body);
}

static void
on_done (gpointer user, json_t *result, const GError *error, json_t *data)
{
  Exchange *exchange = user;
  g_autoptr (GError) wrong = NULL;
  json_t *out = NULL;

  if (exchange->method->missing_is_empty && g_error_matches (error, CFG_ERROR, CFG_ERROR_NOT_FOUND))
    error = NULL;
  else if (error == NULL && exchange->method->answer != NULL)
    out = exchange->method->answer (exchange->gateway, exchange->in, result, &wrong);
  answer (exchange, out, error != NULL ? error : wrong, data);
  json_decref (out);
  json_decref (result);
  exchange_free (exchange);
}

/* ---- requests ---- */

static const GwTwirpMethod *
find_method (const char *path)
{
  static const struct
  {
    const char *service;
    const GwTwirpMethod *methods;
  } services[] = {
    { "RoomService/", gw_twirp_room_methods },
    { "SIP/", gw_twirp_sip_methods },
    { "SIPService/", gw_twirp_sip_methods }, /* as some manuals write it */
  };

  path += strlen (PREFIX);
  for (gsize i = 0; i < G_N_ELEMENTS (services); i++)
    if (g_str_has_prefix (path, services[i].service))
      for (const GwTwirpMethod *method = services[i].methods; method->name != NULL; method++)
        if (strcmp (method->name, path + strlen (services[i].service)) == 0)
          return method;
  return NULL;
}

static gboolean
take_format (const char *content_type, SigLivekitFormat *format)
{
  gsize size = content_type != NULL ? strcspn (content_type, "; ") : 0;

  *format = size == strlen ("application/protobuf") ? SIG_LIVEKIT_PROTOBUF : SIG_LIVEKIT_JSON;
  return content_type != NULL
         && ((size == strlen ("application/json")
              && g_ascii_strncasecmp (content_type, "application/json", size) == 0)
             || (size == strlen ("application/protobuf")
                 && g_ascii_strncasecmp (content_type, "application/protobuf", size) == 0));
}

static SigToken *
take_token (Gateway *gateway, const SigWebRequest *request, GError **error)
{
  if (request->token != NULL)
    return sig_token_verify (request->token, cfg_wall_now (), gateway_secret, gateway, error);
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_UNAUTHENTICATED,
                       "an access token is needed: Authorization: Bearer");
  return NULL;
}

static gboolean
may_call (const SigToken *token, const GwTwirpMethod *method, json_t *in, GError **error)
{
  return gw_api_may (token, method->method, error)
         && (!method->wants_admin
             || gw_token_allows (token, GW_GRANT_ROOM_ADMIN, json_string_value (json_object_get (in, "room")),
                                 error));
}

static void
run (Gateway *gateway, const SigWebRequest *request, const GwTwirpMethod *method, SigLivekitFormat format,
     SigWebResponse *response)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SigToken) token = take_token (gateway, request, &error);
  json_t *in, *params;
  Exchange *exchange;

  if (token == NULL)
    {
      fill_error (response, 401, "unauthenticated", error->message, NULL);
      return;
    }
  in = sig_livekit_decode (method->in, format, request->body, request->body_size, &error);
  if (in == NULL)
    {
      fill_error (response, 400, "malformed", error->message, NULL);
      return;
    }
  /* Before its parameters are looked at: what there is of others' is not told by an error. */
  params = may_call (token, method, in, &error) && gw_twirp_takes (method, in, &error)
               ? method->params (gateway, in, &error)
               : NULL;
  if (params == NULL)
    {
      fill_error (response, http_status ((CfgErrorCode)error->code),
                  cfg_error_word ((CfgErrorCode)error->code), error->message, NULL);
      json_decref (in);
      return;
    }
  exchange = g_new0 (Exchange, 1);
  *exchange = (Exchange){ gateway, request->id, format, method, in };
  response->later = TRUE;
  gw_api_run (gateway, g_steal_pointer (&token), method->method, params, on_done, exchange);
}

gboolean
gw_twirp_http (Gateway *gateway, const SigWebRequest *request, SigWebResponse *response)
{
  const GwTwirpMethod *method;
  SigLivekitFormat format;

  if (!g_str_has_prefix (request->path, PREFIX))
    return FALSE;
  method = find_method (request->path);
  if (method == NULL)
    fill_error (response, 404, "bad_route", "there is no such method", NULL);
  else if (strcmp (request->method, "POST") != 0)
    fill_error (response, 404, "bad_route", "methods are called with POST", NULL);
  else if (!take_format (request->content_type, &format))
    fill_error (response, 404, "bad_route",
                "the Content-Type must be application/json or application/protobuf", NULL);
  else
    run (gateway, request, method, format, response);
  return TRUE;
}

json_t *
gw_twirp_same (Gateway *gateway, json_t *in, GError **error)
{
  return json_copy (in);
}

json_t *
gw_twirp_nothing (Gateway *gateway, json_t *in, GError **error)
{
  return json_object ();
}

void
gw_twirp_copy (json_t *from, json_t *to, const char *const *names)
{
  for (; *names != NULL; names++)
    if (json_object_get (from, *names) != NULL)
      json_object_set (to, *names, json_object_get (from, *names));
}
