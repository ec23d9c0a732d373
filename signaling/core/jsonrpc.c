#include "signaling/core/jsonrpc.h"

#include <stdlib.h>
#include <string.h>

#include "config/base/error.h"

#define MAX_METHOD_CHARS 128

typedef json_t Json;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Json, json_decref)

/* jansson recurses once per level (2048 of them); this looks first, without recursion. */
static gboolean
depth_is_bounded (const char *text, gsize size)
{
  gboolean in_string = FALSE;
  guint depth = 0;

  for (gsize i = 0; i < size; i++)
    if (in_string)
      {
        if (text[i] == '\\')
          i++;
        else if (text[i] == '"')
          in_string = FALSE;
      }
    else if (text[i] == '"')
      in_string = TRUE;
    else if (text[i] == '{' || text[i] == '[')
      {
        if (++depth > SIG_JSONRPC_MAX_DEPTH)
          return FALSE;
      }
    else if ((text[i] == '}' || text[i] == ']') && depth > 0)
      depth--;
  return TRUE;
}

static const char *
fill_request (SigJsonrpcRequest *request, json_t *entry)
{
  json_t *id, *params, *method;
  const char *version;

  if (!json_is_object (entry))
    return "a request must be an object";
  id = json_object_get (entry, "id");
  if (id != NULL && !json_is_string (id) && !json_is_integer (id) && !json_is_null (id))
    return "id must be a string, an integer or null";
  if (id != NULL)
    request->id = json_incref (id);
  version = json_string_value (json_object_get (entry, "jsonrpc"));
  if (g_strcmp0 (version, "2.0") != 0)
    return "jsonrpc must be \"2.0\"";
  method = json_object_get (entry, "method");
  if (!json_is_string (method) || json_string_length (method) == 0
      || json_string_length (method) > MAX_METHOD_CHARS)
    return "method must be a string of 1 to 128 characters";
  params = json_object_get (entry, "params");
  if (params != NULL && !json_is_object (params) && !json_is_array (params))
    return "params must be an object";
  request->params_are_list = json_array_size (params) > 0;
  request->params = json_is_object (params) ? json_incref (params) : json_object ();
  request->method = g_strdup (json_string_value (method));
  return NULL;
}

static SigJsonrpcRequest *
request_new (json_t *entry)
{
  SigJsonrpcRequest *request = g_new0 (SigJsonrpcRequest, 1);
  const char *wrong = fill_request (request, entry);

  if (wrong != NULL)
    {
      request->error_text = g_strdup (wrong);
      /* A malformed entry is answered, with id null when its own cannot be read (JSON-RPC 2.0, 5). */
      if (request->id == NULL)
        request->id = json_null ();
    }
  if (request->params == NULL)
    request->params = json_object ();
  return request;
}

static GPtrArray *
fail (SigJsonrpcCode *out_code, SigJsonrpcCode code, GError **error, const char *text)
{
  *out_code = code;
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, text);
  return NULL;
}

static const char *
parse_error_words (enum json_error_code code)
{
  switch ((int)code)
    {
    case json_error_duplicate_key:
      return "a key is given twice";
    case json_error_numeric_overflow:
      return "a number is too big";
    case json_error_null_character:
    case json_error_null_byte_in_key:
      return "a NUL character (\\u0000) is not taken";
    default:
      return "syntax error";
    }
}

GPtrArray *
sig_jsonrpc_parse (const char *text, gsize size, gboolean *is_batch, SigJsonrpcCode *error_code,
                   GError **error)
{
  g_autoptr (Json) root = NULL;
  g_autoptr (GPtrArray) requests = NULL;
  json_error_t where;

  *is_batch = FALSE;
  if (!depth_is_bounded (text, size))
    return fail (error_code, SIG_JSONRPC_PARSE_ERROR, error, "the JSON is nested too deeply");
  root = json_loadb (text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
  if (root == NULL)
    {
      g_autofree char *words
          = g_strdup_printf ("not JSON: %s at line %d, column %d",
                             parse_error_words (json_error_code (&where)), where.line, where.column);

      return fail (error_code, SIG_JSONRPC_PARSE_ERROR, error, words);
    }
  *is_batch = json_is_array (root);
  if (*is_batch && json_array_size (root) == 0)
    return fail (error_code, SIG_JSONRPC_INVALID_REQUEST, error, "a batch must not be empty");
  if (*is_batch && json_array_size (root) > SIG_JSONRPC_MAX_BATCH)
    return fail (error_code, SIG_JSONRPC_INVALID_REQUEST, error, "a batch may have at most 50 requests");
  requests = g_ptr_array_new_with_free_func ((GDestroyNotify)sig_jsonrpc_request_free);
  if (!*is_batch)
    g_ptr_array_add (requests, request_new (root));
  for (gsize i = 0; *is_batch && i < json_array_size (root); i++)
    g_ptr_array_add (requests, request_new (json_array_get (root, i)));
  return g_steal_pointer (&requests);
}

void
sig_jsonrpc_request_free (SigJsonrpcRequest *request)
{
  if (request == NULL)
    return;
  json_decref (request->id);
  json_decref (request->params);
  g_free (request->method);
  g_free (request->error_text);
  g_free (request);
}

static json_t *
answer (json_t *id, const char *member, json_t *value)
{
  json_t *message = json_object ();

  json_object_set_new (message, "jsonrpc", json_string ("2.0"));
  json_object_set_new (message, "id", id != NULL ? json_incref (id) : json_null ());
  json_object_set_new (message, member, value != NULL ? value : json_null ());
  return message;
}

json_t *
sig_jsonrpc_result (json_t *id, json_t *result)
{
  return answer (id, "result", result);
}

/* jansson makes no string of bytes that are not UTF-8: an error text can quote a peer. */
static json_t *
safe_string (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  return json_string (valid);
}

json_t *
sig_jsonrpc_error (json_t *id, int code, const char *message, json_t *data)
{
  json_t *object = json_object ();

  json_object_set_new (object, "code", json_integer (code));
  json_object_set_new (object, "message", safe_string (message));
  if (data != NULL)
    json_object_set_new (object, "data", data);
  return answer (id, "error", object);
}

json_t *
sig_jsonrpc_error_from (json_t *id, const GError *error, json_t *data)
{
  CfgErrorCode word = CFG_ERROR_INTERNAL;
  int code = SIG_JSONRPC_APPLICATION;

  if (error->domain == CFG_ERROR)
    word = (CfgErrorCode)error->code;
  if (word == CFG_ERROR_INVALID_ARGUMENT)
    code = SIG_JSONRPC_INVALID_PARAMS;
  if (data == NULL)
    data = json_object ();
  json_object_set_new (data, "code", json_string (cfg_error_word (word)));
  return sig_jsonrpc_error (id, code, error->message, data);
}

json_t *
sig_jsonrpc_notification (const char *method, json_t *params)
{
  json_t *message = json_object ();

  json_object_set_new (message, "jsonrpc", json_string ("2.0"));
  json_object_set_new (message, "method", json_string (method));
  json_object_set_new (message, "params", params != NULL ? params : json_object ());
  return message;
}

gboolean
sig_json_list_has (json_t *list, const char *wanted)
{
  json_t *item;
  size_t i;

  json_array_foreach (list, i, item)
  {
    if (wanted != NULL && g_strcmp0 (json_string_value (item), wanted) == 0)
      return TRUE;
  }
  return FALSE;
}

char *
sig_json_dump (json_t *value, gsize *size)
{
  char *text = json_dumps (value, JSON_COMPACT | JSON_ENCODE_ANY);
  char *copy;

  g_assert (text != NULL);
  copy = g_strdup (text);
  if (size != NULL)
    *size = strlen (copy);
  free (text);
  json_decref (value);
  return copy;
}
