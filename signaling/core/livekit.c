#include "signaling/core/livekit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/base/error.h"
#include "livekit.pb-c.h"
#include "signaling/core/livekit_forms.h"
#include "signaling/core/livekit_types.h"

typedef ProtobufCMessageDescriptor Type;
typedef ProtobufCFieldDescriptor Field;

static gboolean
is_duration (const Field *field)
{
  return field->type == PROTOBUF_C_TYPE_MESSAGE && field->descriptor == &livekit__duration__descriptor;
}

static gboolean
is_time (const Field *field)
{
  return field->type == PROTOBUF_C_TYPE_MESSAGE && field->descriptor == &livekit__timestamp__descriptor;
}

/* protoc makes a repeated message FooEntry {key, value} of a map. */
static gboolean
is_map (const Field *field)
{
  return field->type == PROTOBUF_C_TYPE_MESSAGE && field->label == PROTOBUF_C_LABEL_REPEATED
         && g_str_has_suffix (((const Type *)field->descriptor)->short_name, "Entry");
}

static gboolean
is_oneof (const Field *field)
{
  return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

/* ---- from JSON ---- */

static gboolean
wrong (const char *name, const char *expected, GError **error)
{
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "%s: must be %s", name, expected);
  return FALSE;
}

/* "sip_trunk_id" is also "sipTrunkId". */
static gboolean
is_name_of (const Field *field, const char *given)
{
  const char *name = field->name;

  if (strcmp (name, given) == 0)
    return TRUE;
  for (; *name != '\0' && *given != '\0'; name++, given++)
    {
      if (*name == '_' && name[1] != '\0')
        {
          name++;
          if (g_ascii_toupper (*name) != *given)
            return FALSE;
        }
      else if (*name != *given)
        return FALSE;
    }
  return *name == '\0' && *given == '\0';
}

static json_t *take_object (const Type *type, json_t *object, GError **error);

static json_t *
take_number (const Field *field, json_t *value, GError **error)
{
  gboolean is_unsigned = field->type == PROTOBUF_C_TYPE_UINT32 || field->type == PROTOBUF_C_TYPE_UINT64;
  gboolean is_64 = field->type == PROTOBUF_C_TYPE_INT64 || field->type == PROTOBUF_C_TYPE_UINT64;
  gint64 low = is_unsigned ? 0 : is_64 ? G_MININT64 : G_MININT32;
  gint64 high = is_64 ? G_MAXINT64 : is_unsigned ? G_MAXUINT32 : G_MAXINT32;
  gint64 number;

  if (!sig_livekit_whole (value, &number) || number < low || number > high)
    {
      wrong (field->name, "a whole number in range", error);
      return NULL;
    }
  return json_integer ((json_int_t)number);
}

static json_t *
take_enum (const Field *field, json_t *value, GError **error)
{
  const ProtobufCEnumDescriptor *words = field->descriptor;
  const ProtobufCEnumValue *word = NULL;

  if (json_is_string (value))
    word = protobuf_c_enum_descriptor_get_value_by_name (words, json_string_value (value));
  else if (json_is_integer (value) && json_integer_value (value) >= 0
           && json_integer_value (value) <= G_MAXINT32)
    word = protobuf_c_enum_descriptor_get_value (words, (int)json_integer_value (value));
  if (word != NULL)
    return json_string (word->name);
  wrong (field->name, "a name of its enum", error);
  return NULL;
}

static json_t *
take_duration (const Field *field, json_t *value, GError **error)
{
  double seconds;

  if (sig_livekit_parse_duration (value, &seconds))
    return json_real (seconds);
  wrong (field->name, "a duration such as \"30s\"", error);
  return NULL;
}

static json_t *
take_time (const Field *field, json_t *value, GError **error)
{
  gint64 seconds;
  int nanos;

  if (sig_livekit_parse_time (json_string_value (value), &seconds, &nanos))
    return json_incref (value);
  wrong (field->name, "a time such as \"2026-11-21T07:55:00Z\"", error);
  return NULL;
}

static json_t *
take_bytes (const Field *field, json_t *value, GError **error)
{
  g_autofree char *text = json_is_string (value) ? sig_livekit_base64 (json_string_value (value)) : NULL;

  if (text == NULL)
    wrong (field->name, "base64", error);
  return text != NULL ? json_string (text) : NULL;
}

static json_t *
take_text (const Field *field, json_t *value, GError **error)
{
  const char *text = json_string_value (value);

  if (text == NULL || strlen (text) != json_string_length (value))
    {
      wrong (field->name, "a text without NUL", error);
      return NULL;
    }
  return json_incref (value);
}

static json_t *
take_value (const Field *field, json_t *value, GError **error)
{
  switch (field->type)
    {
    case PROTOBUF_C_TYPE_STRING:
      return take_text (field, value, error);
    case PROTOBUF_C_TYPE_BYTES:
      return take_bytes (field, value, error);
    case PROTOBUF_C_TYPE_BOOL:
      if (json_is_boolean (value))
        return json_incref (value);
      wrong (field->name, "true or false", error);
      return NULL;
    case PROTOBUF_C_TYPE_ENUM:
      return take_enum (field, value, error);
    case PROTOBUF_C_TYPE_MESSAGE:
      if (is_duration (field))
        return take_duration (field, value, error);
      if (is_time (field))
        return take_time (field, value, error);
      if (json_is_object (value))
        return take_object (field->descriptor, value, error);
      wrong (field->name, "an object", error);
      return NULL;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
      return take_number (field, value, error);
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
    default:
      g_assert_not_reached (); /* livekit.proto has none */
    }
}

static json_t *
take_map (const Field *field, json_t *object, GError **error)
{
  json_t *map = json_object (), *value;
  const char *key;

  if (!json_is_object (object))
    wrong (field->name, "an object of texts", error);
  json_object_foreach (object, key, value)
  {
    if (!json_is_string (value) || strlen (json_string_value (value)) != json_string_length (value))
      {
        wrong (field->name, "an object of texts", error);
        break;
      }
    json_object_set (map, key, value);
  }
  if (json_object_size (map) == json_object_size (object) && json_is_object (object))
    return map;
  json_decref (map);
  return NULL;
}

static json_t *
take_list (const Field *field, json_t *given, GError **error)
{
  json_t *list = json_array (), *value;
  size_t i;

  if (!json_is_array (given))
    {
      wrong (field->name, "a list", error);
      json_decref (list);
      return NULL;
    }
  json_array_foreach (given, i, value)
  {
    json_t *item = take_value (field, value, error);

    if (item == NULL)
      {
        json_decref (list);
        return NULL;
      }
    json_array_append_new (list, item);
  }
  return list;
}

static const Field *
field_of (const Type *type, const char *name)
{
  for (unsigned i = 0; i < type->n_fields; i++)
    if (is_name_of (&type->fields[i], name))
      return &type->fields[i];
  return NULL;
}

static json_t *
take_object (const Type *type, json_t *object, GError **error)
{
  json_t *message = json_object (), *value;
  const char *name;

  json_object_foreach (object, name, value)
  {
    const Field *field = field_of (type, name);
    json_t *taken;

    if (field == NULL || json_is_null (value))
      continue;
    if (is_map (field))
      taken = take_map (field, value, error);
    else if (field->label == PROTOBUF_C_LABEL_REPEATED)
      taken = take_list (field, value, error);
    else
      taken = take_value (field, value, error);
    if (taken == NULL)
      {
        json_decref (message);
        return NULL;
      }
    json_object_set_new (message, field->name, taken);
  }
  return message;
}

/* ---- from protobuf ---- */

static const void *
member (const ProtobufCMessage *message, const Field *field)
{
  return (const char *)message + field->offset;
}

static guint32
quantity (const ProtobufCMessage *message, const Field *field)
{
  guint32 value;

  memcpy (&value, (const char *)message + field->quantifier_offset, sizeof value);
  return value;
}

static json_t *read_message (const ProtobufCMessage *message, gboolean *ok);

/* @at: the value itself. NULL: the default, which is not told */
static json_t *
read_value (const Field *field, const void *at, gboolean *ok)
{
  switch (field->type)
    {
    case PROTOBUF_C_TYPE_STRING:
      *ok = *ok && g_utf8_validate (*(char *const *)at, -1, NULL);
      return json_string (*(char *const *)at);
    case PROTOBUF_C_TYPE_BYTES:
      {
        const ProtobufCBinaryData *data = at;
        g_autofree char *text = g_base64_encode (data->data, data->len);

        return json_string (text);
      }
    case PROTOBUF_C_TYPE_BOOL:
      return json_boolean (*(const protobuf_c_boolean *)at);
    case PROTOBUF_C_TYPE_ENUM:
      {
        const ProtobufCEnumValue *word
            = protobuf_c_enum_descriptor_get_value (field->descriptor, *(const int *)at);

        return word != NULL ? json_string (word->name) : NULL;
      }
    case PROTOBUF_C_TYPE_INT32:
      return json_integer (*(const int32_t *)at);
    case PROTOBUF_C_TYPE_UINT32:
      return json_integer (*(const uint32_t *)at);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
      return json_integer (*(const int64_t *)at);
    case PROTOBUF_C_TYPE_MESSAGE:
      if (is_duration (field))
        {
          const Livekit__Duration *duration = *(Livekit__Duration *const *)at;

          *ok = *ok && fabs ((double)duration->seconds) <= SIG_LIVEKIT_MAX_DURATION_S;
          return json_real ((double)duration->seconds + (double)duration->nanos / 1e9);
        }
      if (is_time (field))
        {
          const Livekit__Timestamp *time = *(Livekit__Timestamp *const *)at;

          return sig_livekit_time (time->seconds, time->nanos);
        }
      return read_message (*(ProtobufCMessage *const *)at, ok);
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
    default:
      g_assert_not_reached ();
    }
}

static gsize
size_of (const Field *field)
{
  switch ((int)field->type)
    {
    case PROTOBUF_C_TYPE_BOOL:
      return sizeof (protobuf_c_boolean);
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
      return 4;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
      return 8;
    case PROTOBUF_C_TYPE_BYTES:
      return sizeof (ProtobufCBinaryData);
    default:
      return sizeof (void *);
    }
}

static gsize
count_of (const ProtobufCMessage *message, const Field *field)
{
  gsize n;

  memcpy (&n, (const char *)message + field->quantifier_offset, sizeof n);
  return n;
}

static json_t *
read_repeated (const ProtobufCMessage *message, const Field *field, gboolean *ok)
{
  const char *items = *(char *const *)member (message, field);
  gsize n = count_of (message, field);
  json_t *list;

  if (n == 0)
    return NULL;
  list = is_map (field) ? json_object () : json_array ();
  for (gsize i = 0; i < n; i++)
    {
      json_t *item = read_value (field, items + i * size_of (field), ok);

      if (!is_map (field))
        {
          if (item != NULL)
            json_array_append_new (list, item);
          continue;
        }
      if (json_object_get (item, "key") != NULL)
        json_object_set (list, json_string_value (json_object_get (item, "key")),
                         json_object_get (item, "value") != NULL ? json_object_get (item, "value")
                                                                 : json_null ());
      json_decref (item);
    }
  return list;
}

/* What proto3 does not send. */
static gboolean
is_default (const Field *field, const void *at)
{
  static const char zeros[16];

  if (field->type == PROTOBUF_C_TYPE_STRING)
    return *(char *const *)at == NULL || **(char *const *)at == '\0';
  if (field->type == PROTOBUF_C_TYPE_BYTES)
    return ((const ProtobufCBinaryData *)at)->len == 0;
  return memcmp (at, zeros, size_of (field)) == 0;
}

static json_t *
read_message (const ProtobufCMessage *message, gboolean *ok)
{
  const Type *type = message->descriptor;
  gboolean is_entry = g_str_has_suffix (type->short_name, "Entry");
  json_t *object = json_object ();

  for (unsigned i = 0; i < type->n_fields; i++)
    {
      const Field *field = &type->fields[i];
      json_t *value = NULL;

      if (field->label == PROTOBUF_C_LABEL_REPEATED)
        value = read_repeated (message, field, ok);
      else if (is_oneof (field) ? quantity (message, field) == field->id
                                : is_entry || !is_default (field, member (message, field)))
        value = read_value (field, member (message, field), ok);
      if (value != NULL)
        json_object_set_new (object, field->name, value);
    }
  return object;
}

static json_t *
decode_protobuf (const Type *type, const char *data, gsize size, GError **error)
{
  ProtobufCMessage *message = protobuf_c_message_unpack (type, NULL, size, (const uint8_t *)data);
  json_t *object = NULL;
  gboolean ok = message != NULL;

  if (ok)
    {
      object = read_message (message, &ok);
      protobuf_c_message_free_unpacked (message, NULL);
    }
  if (ok)
    return object;
  json_decref (object);
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "the body is not a %s in protobuf",
               type->short_name);
  return NULL;
}

json_t *
sig_livekit_decode (const char *type_name, SigLivekitFormat format, const char *data, gsize size,
                    GError **error)
{
  const Type *type = sig_livekit_type (type_name);
  json_error_t where;
  json_t *object, *message;

  if (format == SIG_LIVEKIT_PROTOBUF)
    return decode_protobuf (type, data, size, error);
  object = size == 0 ? json_object () : json_loadb (data, size, JSON_REJECT_DUPLICATES, &where);
  if (!json_is_object (object))
    {
      json_decref (object);
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "the body is not a JSON object");
      return NULL;
    }
  message = take_object (type, object, error);
  json_decref (object);
  return message;
}

/* ---- to JSON ---- */

static json_t *write_object (const Type *type, json_t *message, gboolean camel);

static json_t *
write_value (const Field *field, json_t *value, gboolean camel)
{
  switch ((int)field->type)
    {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
      return json_string (json_is_string (value) ? json_string_value (value) : "");
    case PROTOBUF_C_TYPE_BOOL:
      return json_boolean (json_is_true (value));
    case PROTOBUF_C_TYPE_ENUM:
      {
        const ProtobufCEnumDescriptor *words = field->descriptor;
        const ProtobufCEnumValue *word
            = json_is_string (value)
                  ? protobuf_c_enum_descriptor_get_value_by_name (words, json_string_value (value))
                  : NULL;

        return json_string (word != NULL ? word->name
                                         : protobuf_c_enum_descriptor_get_value (words, 0)->name);
      }
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
      {
        g_autofree char *text
            = g_strdup_printf ("%" JSON_INTEGER_FORMAT, value != NULL ? json_integer_value (value) : 0);

        return json_string (text);
      }
    case PROTOBUF_C_TYPE_MESSAGE:
      if (is_duration (field))
        return sig_livekit_duration (value);
      if (is_time (field))
        return json_is_string (value) ? json_incref (value) : json_null ();
      return json_is_object (value) ? write_object (field->descriptor, value, camel) : json_null ();
    default:
      return json_integer (value != NULL ? json_integer_value (value) : 0);
    }
}

static json_t *
write_repeated (const Field *field, json_t *value, gboolean camel)
{
  json_t *list, *item;
  size_t i;

  if (is_map (field))
    return json_is_object (value) ? json_copy (value) : json_object ();
  list = json_array ();
  json_array_foreach (value, i, item)
  {
    json_array_append_new (list, write_value (field, item, camel));
  }
  return list;
}

static char *
camel_name (const char *name)
{
  GString *camel = g_string_new (NULL);

  for (; *name != '\0'; name++)
    if (*name == '_' && name[1] != '\0')
      g_string_append_c (camel, g_ascii_toupper (*++name));
    else
      g_string_append_c (camel, *name);
  return g_string_free (camel, FALSE);
}

static gboolean
says_nothing (const Field *field, json_t *value)
{
  if (is_oneof (field))
    return value == NULL;
  return value == NULL || json_is_null (value) || json_is_false (value)
         || (json_is_integer (value) && json_integer_value (value) == 0)
         || (json_is_string (value) && json_string_length (value) == 0)
         || (json_is_array (value) && json_array_size (value) == 0)
         || (json_is_object (value) && json_object_size (value) == 0);
}

static json_t *
write_object (const Type *type, json_t *message, gboolean camel)
{
  json_t *object = json_object ();

  for (unsigned i = 0; i < type->n_fields; i++)
    {
      const Field *field = &type->fields[i];
      json_t *value = json_object_get (message, field->name);
      g_autofree char *name = camel ? camel_name (field->name) : g_strdup (field->name);

      if (camel ? says_nothing (field, value) : value == NULL && is_oneof (field))
        continue;
      json_object_set_new (object, name,
                           field->label == PROTOBUF_C_LABEL_REPEATED ? write_repeated (field, value, camel)
                                                                     : write_value (field, value, camel));
    }
  return object;
}

/* ---- to protobuf ---- */

static ProtobufCMessage *make_message (const Type *type, json_t *object);

static ProtobufCMessage *
make_duration (double seconds)
{
  Livekit__Duration *duration = malloc (sizeof *duration);

  livekit__duration__init (duration);
  sig_livekit_split_duration (seconds, &duration->seconds, &duration->nanos);
  return &duration->base;
}

static ProtobufCMessage *
make_time (const char *text)
{
  Livekit__Timestamp *time = malloc (sizeof *time);

  livekit__timestamp__init (time);
  (void)sig_livekit_parse_time (text, &time->seconds, &time->nanos);
  return &time->base;
}

/* Memory of malloc: protobuf-c frees it. */
static void
make_value (const Field *field, json_t *value, void *at)
{
  switch ((int)field->type)
    {
    case PROTOBUF_C_TYPE_STRING:
      *(char **)at = strdup (json_is_string (value) ? json_string_value (value) : "");
      break;
    case PROTOBUF_C_TYPE_BYTES:
      {
        ProtobufCBinaryData *data = at;
        gsize size = 0;
        g_autofree guchar *bytes
            = g_base64_decode (json_is_string (value) ? json_string_value (value) : "", &size);

        data->len = size;
        data->data = malloc (MAX (size, 1));
        memcpy (data->data, bytes, size);
        break;
      }
    case PROTOBUF_C_TYPE_BOOL:
      *(protobuf_c_boolean *)at = json_is_true (value);
      break;
    case PROTOBUF_C_TYPE_ENUM:
      {
        const ProtobufCEnumValue *word = json_is_string (value)
                                             ? protobuf_c_enum_descriptor_get_value_by_name (
                                                 field->descriptor, json_string_value (value))
                                             : NULL;

        *(int *)at = word != NULL ? word->value : 0;
        break;
      }
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
      *(int64_t *)at = json_integer_value (value);
      break;
    case PROTOBUF_C_TYPE_MESSAGE:
      *(ProtobufCMessage **)at = is_duration (field) ? make_duration (json_number_value (value))
                                 : is_time (field)   ? make_time (json_string_value (value))
                                                     : make_message (field->descriptor, value);
      break;
    default:
      *(int32_t *)at = (int32_t)json_integer_value (value);
      break;
    }
}

static void
make_repeated (const Field *field, json_t *value, ProtobufCMessage *message)
{
  gsize n = is_map (field) ? json_object_size (value) : json_array_size (value), i = 0;
  char *items = n > 0 ? calloc (n, size_of (field)) : NULL;
  const char *key;
  json_t *item;
  size_t index;

  if (n == 0)
    return;
  if (is_map (field))
    {
      json_object_foreach (value, key, item)
      {
        json_t *entry = json_pack ("{s:s, s:O}", "key", key, "value", item);

        make_value (field, entry, items + i++ * size_of (field));
        json_decref (entry);
      }
    }
  else
    {
      json_array_foreach (value, index, item)
      {
        make_value (field, item, items + i++ * size_of (field));
      }
    }
  *(char **)((char *)message + field->offset) = items;
  memcpy ((char *)message + field->quantifier_offset, &n, sizeof n);
}

static ProtobufCMessage *
make_message (const Type *type, json_t *object)
{
  ProtobufCMessage *message = malloc (type->sizeof_message);

  protobuf_c_message_init (type, message);
  for (unsigned i = 0; i < type->n_fields; i++)
    {
      const Field *field = &type->fields[i];
      json_t *value = json_object_get (object, field->name);

      if (value == NULL || json_is_null (value))
        continue;
      if (field->label == PROTOBUF_C_LABEL_REPEATED)
        make_repeated (field, value, message);
      else
        make_value (field, value, (char *)message + field->offset);
      if (is_oneof (field))
        memcpy ((char *)message + field->quantifier_offset, &field->id, sizeof field->id);
    }
  return message;
}

static GBytes *
encode_protobuf (const Type *type, json_t *object)
{
  ProtobufCMessage *message = make_message (type, object);
  gsize size = protobuf_c_message_get_packed_size (message);
  guint8 *data = g_malloc (MAX (size, 1));

  protobuf_c_message_pack (message, data);
  protobuf_c_message_free_unpacked (message, NULL);
  return g_bytes_new_take (data, size);
}

GBytes *
sig_livekit_encode (const char *type_name, SigLivekitFormat format, json_t *message)
{
  const Type *type = sig_livekit_type (type_name);
  json_t *object;
  char *text;

  if (format == SIG_LIVEKIT_PROTOBUF)
    return encode_protobuf (type, message);
  object = write_object (type, message, format == SIG_LIVEKIT_JSON_CAMEL);
  text = json_dumps (object, JSON_COMPACT);
  json_decref (object);
  return g_bytes_new_with_free_func (text, strlen (text), free, text);
}
