/* The messages of LiveKit's server API (livekit.proto), as JSON and as protobuf. Pure.
 *
 * Inside, a message is a JSON object with the names of livekit.proto, and says the same whatever it came as:
 * enums are their names, 64-bit numbers are integers, bytes are base64 (RFC 4648 4), a Duration is a number
 * of seconds. What was not sent is not there; in protobuf a default is not sent, but for members of a oneof.
 */
#pragma once

#include <glib.h>
#include <jansson.h>

typedef enum
{
  SIG_LIVEKIT_JSON,
  SIG_LIVEKIT_PROTOBUF,
  SIG_LIVEKIT_JSON_CAMEL, /* to encode only: names in camelCase, defaults left out, as webhooks are */
} SigLivekitFormat;

/**
 * sig_livekit_decode:
 * @type: a message of livekit.proto
 * @data: @size bytes, any content
 *
 * JSON as the proto3 mapping has it: names in camelCase or snake_case, null for absent, numbers as texts,
 * enums as names or numbers. Fields that are not known are skipped.
 *
 * Returns: (transfer full): NULL with CFG_ERROR_INVALID_ARGUMENT: no such thing, or the field that is wrong.
 */
json_t *sig_livekit_decode (const char *type, SigLivekitFormat format, const char *data, gsize size,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * sig_livekit_encode:
 * @message: (transfer none): (nullable): NULL is an empty one. Members that are not known are skipped.
 *
 * As JSON every field is there, with snake_case names, 64-bit numbers as texts, and NUL-terminated.
 * Returns: (transfer full)
 */
GBytes *sig_livekit_encode (const char *type, SigLivekitFormat format,
                            json_t *message) G_GNUC_WARN_UNUSED_RESULT;
