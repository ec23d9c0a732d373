/* JSON-RPC 2.0 messages (jansson). Pure. */
#pragma once

#include <glib.h>
#include <jansson.h>

#define SIG_JSONRPC_MAX_BATCH 50
#define SIG_JSONRPC_MAX_DEPTH 32

/* JSON-RPC's own codes; everything else goes out as SIG_JSONRPC_APPLICATION with data.code = Twirp's word. */
typedef enum
{
  SIG_JSONRPC_PARSE_ERROR = -32700,
  SIG_JSONRPC_INVALID_REQUEST = -32600,
  SIG_JSONRPC_METHOD_NOT_FOUND = -32601,
  SIG_JSONRPC_INVALID_PARAMS = -32602,
  SIG_JSONRPC_INTERNAL = -32603,
  SIG_JSONRPC_APPLICATION = -32000,
} SigJsonrpcCode;

typedef struct
{
  json_t *id;     /* (nullable): NULL is a notification; string, integer or null */
  char *method;   /* NULL when this entry is malformed: answer @error_text with code INVALID_REQUEST */
  json_t *params; /* never NULL: an object, empty when absent or an empty array */
  /* they came by position, as they may (JSON-RPC 2.0, 4.2); whether a method takes that is for it to say */
  gboolean params_are_list;
  char *error_text;
} SigJsonrpcRequest;

/**
 * sig_jsonrpc_parse:
 * @is_batch: (out)
 * @error_code: (out): PARSE_ERROR or INVALID_REQUEST when NULL is returned
 *
 * Strict UTF-8 JSON, duplicate keys refused, depth and batch bounded.
 * Returns: (transfer full) (nullable): array of SigJsonrpcRequest*, at least one; NULL with @error in words.
 */
GPtrArray *sig_jsonrpc_parse (const char *text, gsize size, gboolean *is_batch, SigJsonrpcCode *error_code,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
void sig_jsonrpc_request_free (SigJsonrpcRequest *request);

/** sig_jsonrpc_result: {"jsonrpc":"2.0","id":…,"result":…}. @id: (nullable); @result: (transfer full). */
json_t *sig_jsonrpc_result (json_t *id, json_t *result) G_GNUC_WARN_UNUSED_RESULT;
/** sig_jsonrpc_error: @data: (transfer full) (nullable). */
json_t *sig_jsonrpc_error (json_t *id, int code, const char *message, json_t *data) G_GNUC_WARN_UNUSED_RESULT;
/**
 * sig_jsonrpc_error_from: an error answer from a GError: CFG_ERROR codes become data.code (Twirp's word);
 * CFG_ERROR_INVALID_ARGUMENT has code INVALID_PARAMS, others APPLICATION. @data: (transfer full) (nullable):
 * further members of data (field, sip_status_code).
 */
json_t *sig_jsonrpc_error_from (json_t *id, const GError *error, json_t *data) G_GNUC_WARN_UNUSED_RESULT;
/** sig_jsonrpc_notification: @params: (transfer full). */
json_t *sig_jsonrpc_notification (const char *method, json_t *params) G_GNUC_WARN_UNUSED_RESULT;
/** sig_json_dump: compact text; decref's @value. (transfer full) */
char *sig_json_dump (json_t *value, gsize *size) G_GNUC_WARN_UNUSED_RESULT;
/** sig_json_list_has: @wanted is a text of @list. (both nullable) */
gboolean sig_json_list_has (json_t *list, const char *wanted);
